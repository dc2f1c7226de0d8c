"""Pages on paper: whole, the same bytes each time, and nothing of this machine in them."""

import re

import pytest

from reportkit import pdf

PAGE = """<!doctype html><html lang="en"><title>On paper</title><h1>A number: 42</h1>
<p><a href="other.html">inside</a> <a class="x" href="notebooks/a.ipynb">beside</a> <a href="https://example.org/a">out</a>"""


@pytest.fixture(scope="module")
def browser():
    path = pdf.find_browser()
    if not path:
        pytest.skip(f"no browser: none of {', '.join(pdf.BROWSERS)} is on the path")
    return path


def test_a_page_is_printed_with_the_same_bytes_each_time(browser, tmp_path):
    first, second = tmp_path / "a.pdf", tmp_path / "deeper" / "b.pdf"
    second.parent.mkdir()
    for target in (first, second):
        pdf.print_page(PAGE, target, browser=browser, made_on="2026-04-15")
    content = first.read_bytes()
    assert content.startswith(b"%PDF") and content == second.read_bytes()
    dates = re.findall(rb"/(?:CreationDate|ModDate) \(D:(\d+)", content)
    assert dates and set(dates) == {b"20260415000000"}


def test_only_links_to_the_web_stay_and_no_path_of_this_machine_is_told(browser, tmp_path):
    pdf.print_page(PAGE, tmp_path / "a.pdf", browser=browser, made_on="2026-04-15")
    content = (tmp_path / "a.pdf").read_bytes()
    assert b"https://example.org/a" in content
    assert b"file:" not in content and str(tmp_path.parent).encode() not in content and b"ipynb" not in content


def test_a_browser_that_prints_nothing_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="false printed nothing"):
        pdf.print_page(PAGE, tmp_path / "a.pdf", browser="/bin/false", made_on="2026-04-15")


def test_without_a_browser_there_is_none_to_find(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pdf.find_browser() is None
