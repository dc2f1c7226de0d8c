"""The index: the numbers and answers of each notebook, exactly as it gave them, and the way on."""

import json
import re

import nbformat.v4 as nb
import sample
from sample import HOSTILE, code

from reportkit import index as front
from tokenfactory.display import show


def index(entries=(), scenarios=()):
    pages = [{"href": e["href"], "title": e["title"]} for e in entries]
    return front.index(sample.frame(pages, "A & B", "2026-12-01"), entries, scenarios=scenarios)


def test_an_entry_says_what_the_notebook_said():
    entry = front.entry(sample.notebook(), "01_x")
    assert (entry["name"], entry["href"]) == ("01_x", "01_x.html")
    assert entry["title"] == "What does a million tokens cost, and at what speed?"
    assert [headline["key"] for headline in entry["headlines"]] == ["cost_ratio", "usd_per_mtok", "per_mw", "fourth"]
    assert entry["answer"][1] == "Over 14 equally fast published pairs, GB300 is between **4.1x and 63.6x cheaper**."
    assert entry["answer"][2] == f"It flips when {HOSTILE} & more."
    assert json.loads(json.dumps(entry)) == entry


def test_only_the_first_answer_counts_and_headlines_of_all_cells_do():
    headline = show.Headline("k", "Label", 1.0, "1", "1.0")
    cells = [code(show.answer(["first"]), show.headlines([headline])), code(show.answer(["second"]))]
    cells += [code(show.headlines([headline]))]
    entry = front.entry(nb.new_notebook(cells=cells), "01_x")
    assert entry["answer"] == ["first"]
    assert len(entry["headlines"]) == 2
    assert entry["title"] == "01_x"


def test_a_notebook_without_numbers_has_a_card_all_the_same():
    entry = front.entry(sample.other(), "02_y")
    assert (entry["headlines"], entry["answer"]) == ([], [])
    page = index([entry])
    assert '<h3><a href="02_y.html">How sure are we?</a></h3>' in page
    assert 'class="tf-tile"' not in page


def test_the_index_shows_three_tiles_of_each_and_the_answers():
    page = index([front.entry(sample.notebook(), "01_x")])
    assert re.findall('<div class="tf-tile-value">(.*?)</div>', page) == ["35.0x", "$0.0495", "not measured"]
    assert "<strong>4.1x and 63.6x cheaper</strong>" in page
    assert page.count("<h1>") == 1 and "<h1>A &amp; B</h1>" in page
    assert '<time datetime="2026-12-01">1 December 2026</time>' in page


def test_answers_stand_by_question_and_the_data_comes_last():
    entries = [front.entry(sample.notebook(), name) for name in ("00_data", "01_x", "02_y", "05_z", "99_other")]
    page, sheet = index(entries), summary(entries)
    order = ["01_x", "05_z", "02_y", "00_data", "99_other"]
    assert re.findall('<h3><a href="(.*?).html">', page) == order == re.findall('<h2><a href="(.*?).html">', sheet)
    about = re.findall('<h2 class="about-what">(.*?)</h2>', page)
    assert about == ["The claim, rebuilt", "Your site", "Data and method"]
    assert re.findall('<p class="about-what">(.*?)</p>', sheet.split("<main")[1]) == about


def test_the_index_runs_and_fetches_nothing():
    page = index([front.entry(sample.notebook(), "01_x")])
    assert "<script" not in page and "<img" not in page
    assert "script-src &#39;none&#39;;" in page
    assert "&lt;script&gt;document.title=" in page


def test_the_other_scenarios_are_linked():
    scenarios = [{"href": "swapped/index.html", "title": "The other <way>", "description": "Takes no side."}]
    bare = index(scenarios=scenarios)
    assert '<h3><a href="swapped/index.html">The other &lt;way&gt;</a></h3>' in bare and "<p>Takes no side.</p>" in bare
    told = index(scenarios=[scenarios[0] | {"entry": front.entry(sample.notebook(), "01_x")}])
    assert '<div class="tf-tile" data-k="swapped/01_x/c06/cost_ratio">' in told and "35.0x" in told
    assert "other assumptions" not in index()


# The sheet


def summary(entries):
    return front.summary(sample.frame((), "A & B", "2026-12-01"), entries)


def test_the_sheet_has_the_first_number_the_answer_and_what_flips_it():
    page = summary([front.entry(sample.notebook(), "01_sample", sample.make_ledger(sample.notebook(), "01_sample"))])
    assert re.findall('<div class="tf-tile-value">(.*?)</div>', page) == ["35.0x"]
    main = page.split("<main")[1]
    assert "35.0x cheaper" in main and "It flips when" in main and "equally fast published pairs" not in main
    assert "Prices of 15 April 2026." in page
    assert page.count("<h1>") == 1 and "<script" not in page
    assert 'data-k="01_sample/c06/cost_ratio"' in page and 'data-k="01_sample/c05"' in page


def test_a_notebook_that_answers_nothing_is_not_on_the_sheet():
    assert "How sure are we?" not in summary([front.entry(sample.other(), "02_y")]).split("<main")[1]


def test_many_answers_are_set_smaller_and_then_without_what_flips_them():
    def sheet(times):
        entry = front.entry(sample.notebook(), "01_x")
        long = {**entry, "answer": ["word " * 60, "tail " * 60], "flips": ["tail " * 60]}
        page = summary([long] * times)
        return float(re.search(r"--fit: ([\d.]+)", page)[1]), "tail" in page.split("<main")[1]

    assert sheet(1) == (1, True)
    fit, has_flips = sheet(8)
    assert 0.72 <= fit < 1 and has_flips
    assert sheet(60) == (0.72, False)


# Between scenarios


def test_links_to_scenarios_take_the_place_of_those_before():
    links = [{"href": "../01_x.html", "title": "The <other>", "description": "d"}]
    bare = index()
    page = front.with_scenarios(bare, title="A & B", here="index.html", links=links)
    assert "<summary>Scenario: A &amp; B</summary>" in page
    assert '<a href="../01_x.html">The &lt;other&gt;</a>' in page
    assert '<a href="index.html" aria-current="true">A &amp; B</a>' in page
    assert front.with_scenarios(page, title="A & B", here="index.html", links=links) == page
    assert front.with_scenarios(page, title="A & B", here="index.html", links=[]) == bare
