"""The page of a notebook: what is on it, what is not, in which order, and that nothing on it can run or fetch."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat.v4 as nb
import pytest
import sample
from sample import HOSTILE, code, displayed

from reportkit import charts, plan
from reportkit import page as kit
from reportkit.page import data_files, description
from tokenfactory.display import show

TITLES = {"01_x": "First", "02_y": "Second <b>", "03_z": "Third"}
PAGES = [{"href": f"{name}.html", "title": title} for name, title in TITLES.items()]


def export(*cells, name="01_x", pages=PAGES, scenario="", **more):
    return kit.export(nb.new_notebook(cells=list(cells)), sample.frame(pages, scenario), name=name, **more)


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text outside scripts and styles."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.text, self._open = [], "", []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag):
        self._open = self._open[:-1]

    def handle_data(self, data):
        if not self._open or self._open[-1] not in ("script", "style", "title"):
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def sample_page():
    made = sample.notebook()
    return kit.export(made, sample.frame(PAGES, ""), name="01_x", parameters=sample.parameters(made))


@pytest.fixture(scope="module")
def page():
    return kit.export(
        sample.notebook(), sample.frame(PAGES, ""), name="01_x", parameters=sample.parameters(sample.notebook())
    )


def test_results_are_shown_and_code_is_not(page):
    text = Elements(page).text
    for gone in ("visible_code_is_a_defect", "secret_setup_code", "SETUP OUTPUT", "HIDDEN OUTPUT"):
        assert gone not in page
    for kept in ("35.0x cheaper", "What the systems cost", "Recomputed: largest difference", "price_book"):
        assert kept in text


def test_the_first_chart_the_answer_and_the_tiles_come_first_and_the_notebook_keeps_its_order_otherwise(page):
    text = Elements(page).text
    marks = ["Blackwell serves fast users", "35.0x cheaper", "GB300 cheaper per token", "whoever must decide"]
    marks += ["What the systems cost", "How it is computed", "Parameters of this report"]
    positions = [text.index(mark) for mark in marks]
    assert positions == sorted(positions)


def test_the_title_is_the_question_and_the_only_h1(page):
    assert re.findall("<h1>(.*?)</h1>", page) == ["What does a million tokens cost, and at what speed?"]
    assert "<title>What does a million tokens cost, and at what speed? | Token Factory</title>" in page
    assert "<h2>A second heading of the first level</h2>" in page


def test_a_notebook_without_a_heading_is_named_by_its_file():
    assert "<h1>01_x</h1>" in export(nb.new_markdown_cell("no heading"))


def test_the_parameters_in_force_are_shown_with_what_they_were():
    known = plan.parse_parameters(sample.PARAMETERS, "", {})

    def with_values(**given):
        return export(parameters=plan.Job(plan.Notebook(Path(), "", {}, known), "default", given).told)

    def row(name, page):
        line = re.search(f"<tr><th((?:(?!<tr>).)*?)>{name}=(.*?)</tr>", page)
        return re.findall('data-label="(.*?)">(.*?)</td>', f"<th{line[1]}>{name}={line[2]}")

    assert row("utilisation_frac", with_values()) == [("Value", "60%"), ("To set it", "utilisation_frac=0.6")]
    given = with_values(utilisation_frac=0.75, subject="b200")
    assert row("utilisation_frac", given) == [
        ("Value", "75%"),
        ("To set it", "utilisation_frac=0.75"),
        ("By default", "0.6"),
    ]
    assert row("subject", given)[1:] == [("To set it", "subject=b200"), ("By default", "gb300")]
    assert row("price_date", given)[0] == ("Value", "15 April 2026")
    assert "Share of the hours that are sold" in given
    assert "Parameters of this report" not in export()


def test_only_html_of_our_own_making_is_taken_as_html():
    ours = show.note(["a **b**"])
    foreign = displayed(text_html="<div class='tf-note'><em>x</em></div>", text_plain="plain <em>")
    page = export(code(ours), code(foreign), code(displayed(text_html="<div><em>no text</em></div>")))
    assert '<div class="tf-note"><p>a <strong>b</strong></p></div>' in page
    assert '<pre class="tf-text" tabindex="0">plain &lt;em&gt;</pre>' in page
    assert "<em>" not in page


def test_text_streams_errors_and_pictures():
    page = export(
        code(nb.new_output("stream", name="stderr", text="look <out>\n")),
        code(nb.new_output("error", ename="ValueError", evalue="a < b", traceback=["secret path"])),
        code(displayed(image_png="QUJD\n", text_plain='"dots"')),
        code(displayed(text_markdown="**bold** $x$", text_plain="bold")),
    )
    assert '<pre class="tf-text" tabindex="0">look &lt;out&gt;</pre>' in page
    assert '<pre class="tf-text" tabindex="0">ValueError: a &lt; b</pre>' in page and "secret path" not in page
    assert '<img src="data:image/png;base64,QUJD" alt="&quot;dots&quot;">' in page
    assert "<strong>bold</strong>" in page and "<math" in page


def test_nothing_hostile_becomes_an_element(page):
    elements = Elements(page)
    scripts = elements.all("script")
    assert [s.get("type") for s in scripts].count("module") == 2
    assert [s.get("type") for s in scripts].count("application/json") == len(sample.charts())
    assert len(scripts) == 2 + len(sample.charts())
    assert not elements.all("img")
    assert not [name for _, attributes in elements.elements for name in attributes if name.startswith("on")]
    assert elements.text.count("<script>document.title='owned'</script>") >= 8


def test_the_policy_allows_exactly_the_two_scripts(page):
    policy = Elements(page).all("meta")[1]["content"]
    scripts = re.findall(r'<script type="module">(.*?)</script>', page, re.DOTALL)
    allowed = [f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts]
    assert scripts[0] == charts.library(Path(".cache"))
    assert f"script-src {' '.join(allowed)};" in policy
    assert policy.startswith("default-src 'none';")
    assert "script-src 'none';" in Elements(export()).all("meta")[1]["content"]


def test_no_address_is_fetched(page):
    elements = Elements(page)
    for tag, attributes in elements.elements:
        assert tag not in ("iframe", "object", "embed", "video", "audio", "base", "form")
        assert not attributes.get("src")
        assert tag != "link" or attributes["href"] == "data:,"
    style = re.search("<style>(.*?)</style>", page, re.DOTALL)[1]
    assert "url(" not in style and "@import" not in style


def test_a_page_without_charts_has_no_script_and_is_small():
    page = export(nb.new_markdown_cell("# Question?\n\ntext"))
    assert "<script" not in page and "<noscript" not in page
    assert len(page) < 26_000


def test_a_page_of_five_charts_is_smaller_than_a_megabyte_and_a_half(page):
    assert page.count('<figure class="tf-chart">') == 5
    assert len(page.encode()) < 1_500_000


def test_the_page_leads_to_the_others_and_to_its_notebook():
    page = export(name="02_y")
    nav = re.search('<nav aria-label="Pages">(.*?)</nav>', page, re.DOTALL)[1]
    assert re.findall('href="(.*?)"', nav) == ["index.html", "summary.html", "01_x.html", "02_y.html", "03_z.html"]
    assert 'href="02_y.html" aria-current="page">Second &lt;b&gt;</a>' in nav
    assert 'rel="prev" href="01_x.html"' in page and 'rel="next" href="03_z.html"' in page
    assert 'href="notebooks/02_y.ipynb"' in page
    assert '<a rel="prev"' not in export(name="01_x") and '<a rel="next"' not in export(name="03_z")


def test_the_footer_says_when_and_from_what(page):
    footer = Elements(page[page.index("<footer") : page.index("</footer>")]).text
    assert "Made on 5 April 2026" in footer
    assert "Benchmark figures: InferenceX by SemiAnalysis and the sources linked in the tables." in footer


def test_landmarks_headers_and_captions(page):
    elements = Elements(page)
    for landmark in ("header", "main", "footer"):
        assert len(elements.all(landmark)) == 1
    assert all(th.get("scope") in ("col", "row") for th in elements.all("th"))
    assert all(nav.get("aria-label") for nav in elements.all("nav"))
    assert elements.all("html") == [{"lang": "en"}]


def test_the_same_notebook_gives_the_same_bytes(page):
    assert (
        kit.export(
            sample.notebook(), sample.frame(PAGES, ""), name="01_x", parameters=sample.parameters(sample.notebook())
        )
        == page
    )


def test_the_sample_is_as_hostile_as_it_says():
    assert all(part in HOSTILE for part in ("<script>", "</script>", "onerror", "\u2028", '"'))


# Beside the page


def test_every_number_of_the_data_is_in_a_file_that_the_page_links(page):
    files = data_files(sample.notebook(), "01_x")
    assert re.findall(r'href="(data/.*?)" download', page) == list(files)
    assert list(files)[:2] == ["data/01_x_chart_1.csv", "data/01_x_chart_2.csv"]
    assert files["data/01_x_chart_4.csv"].count("\n") == 301  # all of them, and their names


def test_downloads_and_the_scenario_are_named(page):
    downloads = [{"href": "01_x.pdf", "title": "PDF"}, {"href": "01_x.xlsx", "title": "a workbook (XLSX)"}]
    full = export(nb.new_markdown_cell("# Why?"), downloads=downloads, scenario="A <b>")
    assert '<a href="01_x.pdf">PDF</a>, <a href="01_x.xlsx">a workbook (XLSX)</a>' in full
    assert "<title>Why? | A &lt;b&gt; | Token Factory</title>" in full
    assert "This report as" not in page


def test_the_description_is_the_start_of_the_answer(page):
    described = re.search('<meta name="description" content="(.*?)">', page)[1]
    assert (
        described.startswith("At 117 tok/s per user a million tokens cost $0.0495 on GB300") and "**" not in described
    )
    assert len(described) <= 210 and described.endswith(" …")
    assert 'name="description"' not in export(nb.new_markdown_cell("# Why?"))
    assert description([{"text": "Short **answer**."}]) == "Short answer."


def test_a_key_cannot_break_out_of_its_attribute():
    page = export(code(show.headlines([show.Headline('k"><script>', "L", 1.0, "1", "1")])))
    assert 'data-k="k&quot;&gt;&lt;script&gt;"' in page and "<script>" not in page
