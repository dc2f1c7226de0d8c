"""Pages as axe-core judges them: nothing serious or critical, on a phone and a desk, light and dark, all of it open.

The checks run on the sample pages and, where the environment variable TOKENFACTORY_SITE names a folder, on every page
in it.
"""

from pathlib import Path

import pytest
import sample
from test_browser import REAL, SCHEMES, WIDTHS, Reader

sync_playwright = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

OPEN = "document.querySelectorAll('details').forEach(details => { details.open = true; })"


def findings(reader) -> list[str]:
    """What is serious or critical: the rule, how often, and the first element."""
    violations = sync_playwright.Axe().run(reader.page).response["violations"]
    return [
        f"{v['impact']} {v['id']} x{len(v['nodes'])}: {v['nodes'][0]['html'][:300]} {v['nodes'][0]['failureSummary']}"
        for v in violations
        if v["impact"] in ("serious", "critical")
    ]


def check(browser, path, width, scheme):
    # The page allows no script but its own, so this reader sets its policy aside.
    with Reader(browser, path, width=width, scheme=scheme, bypass_csp=True) as reader:
        reader.draw_all()
        reader.page.evaluate(OPEN)
        assert findings(reader) == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", sample.PAGES)
def test_a_sample_page_has_nothing_serious(browser, sample_site, name, width, scheme):
    check(browser, sample_site / name, width, scheme)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", REAL, ids=lambda path: f"{Path(path).parent.name}-{Path(path).stem}")
def test_a_page_of_the_site_has_nothing_serious(browser, path, width, scheme):
    check(browser, path, width, scheme)


def test_axe_sees_what_is_wrong(browser, tmp_path):
    page = tmp_path / "bad.html"
    page.write_text("<!doctype html><title>t</title><img src='data:,'><p style='color:#ccc'>pale</p>")
    with Reader(browser, page, bypass_csp=True) as reader:
        found = " ".join(findings(reader))
    assert "image-alt" in found and "color-contrast" in found and "html-has-lang" in found
