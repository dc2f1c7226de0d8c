"""What changed, in words: on the index, the archive page and the feed."""

import json
from datetime import datetime
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from small_project import HEADLINES, make_runs

from reportkit import archive, changelog, index
from reportkit import inputs as made_from
from reportkit.source import Frame
from tokenfactory.source import SOURCE

ATOM = {"a": changelog.ATOM}
DAYS = ("1776211200", "1776297600", "1776384000")  # 2026-04-15 and the two days after


def headline(key="k", old=1.0, new=3.0, old_text="1", new_text="3", causes=(("data", 2),), **more) -> dict:
    change = None if None in (old, new) else Decimal(repr(new)) - Decimal(repr(old))
    shares = [{"groups": groups.split(), "change": None if c is None else Decimal(c)} for groups, c in causes]
    return {
        "scenario": "default", "notebook": "01_a", "key": key, "label": f"L {key}", "unit": "usd", "note": "at noon",
        "old": old, "new": new, "old_text": old_text, "new_text": new_text, "old_label": "L", "old_unit": "usd",
        "change": change, "causes": shares, **more,
    }  # fmt: skip


def comparison(*headlines, num_same=0, appeared=(), vanished=(), **inputs) -> dict:
    return {
        "from": {"id": "2026-04-15-aaaaaaaa", "made_on": "2026-04-15"},
        "to": {"id": "2026-04-16-bbbbbbbb", "made_on": "2026-04-16"},
        "order": list(made_from.groups(SOURCE)), "num_same": num_same,
        "headlines": list(headlines), "appeared": list(appeared),
        "vanished": list(vanished), "scenarios_appeared": [], "scenarios_vanished": [], "remarks": [],
        "inputs": {**{group: [] for group in made_from.groups(SOURCE)}, **inputs},
    }  # fmt: skip


def row(file="price_book.csv", key="p1", what="changed", **values) -> dict:
    return {"file": file, "key": key, "what": what, "values": values}


# Words


def test_what_changed_and_why():
    found = comparison(headline(causes=[("data", Decimal("-0.5")), ("price", Decimal("2.5"))]), num_same=4)
    assert changelog.sentences(found) == ["**1 of 5 headline numbers changed**, because of data and price."]
    assert changelog.why(found["headlines"][0]) == "data -0.500, price +2.50"


def test_a_cause_without_a_share_is_none():
    found = comparison(headline(causes=[("data", Decimal(0)), ("price", 2)]), data=[row("claims.csv")])
    assert changelog.sentences(found) == ["**1 of 1 headline numbers changed**, because of price."]
    assert changelog.why(found["headlines"][0]) == "price +2"


def test_that_nothing_changed_is_said():
    said = changelog.sentences(comparison(num_same=45))
    assert said == ["**Nothing changed**: all 45 headline numbers are what they were on 15 April 2026."]
    said = changelog.sentences(comparison(num_same=45, price=[row()], method=[row("lib/x.py", "")]))
    assert said[1] == "The price and method behind them changed, and moved none of them."
    pages = [row("lib/reportkit/page.py", made_from.PAGES_ONLY)]
    assert len(changelog.sentences(comparison(num_same=45, method=pages))) == 1


def test_what_came_and_went_is_said():
    new = {"scenario": "default", "notebook": "01_a", "key": "n", "label": "N", "unit": "1", "value": 2, "text": "2"}
    new |= {"note": ""}
    found = comparison(num_same=3, appeared=[new, new], vanished=[new])
    assert changelog.sentences(found)[1] == "Of the headline numbers 2 appeared and 1 vanished."
    assert [(r["old"], r["new"], r["why"]) for r in changelog.section(found, "tokenfactory")["rows"]] == [
        ("", "2", "new"), ("", "2", "new"), ("2", "", "gone"),
    ]  # fmt: skip
    assert "appeared: 01_a n: N 2" in changelog.text(found)


def test_causes_that_act_together_are_said_to():
    found = comparison(headline(causes=[("data method", Decimal(2))]))
    assert changelog.why(found["headlines"][0]) == "data and method +2"
    assert changelog.section(found, "tokenfactory")["sentences"][-1] == (
        "Causes that share one figure act together; `tokenfactory diff 2026-04-15-aaaaaaaa 2026-04-16-bbbbbbbb` "
        "tells them apart."
    )


def test_another_unit_is_another_number():
    assert changelog.why(headline(old_unit="eur", causes=())) == "not the same number: it was in eur"


def test_numbers_that_print_alike_show_their_digits():
    assert changelog.texts(headline(old=0.12341, new=0.12344, old_text="$0.123", new_text="$0.123")) == (
        "0.12341",
        "0.12344",
    )
    assert changelog.texts(headline()) == ("1", "3")
    assert changelog.texts(headline(old=None, old_text="-", new_text="-")) == ("not measured", "3")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (row(usd=["1.41", "1.5"]), "price_book.csv, p1: usd 1.41 -> 1.5"),
        (row(usd=[None, "1"], note=["x", ""]), "price_book.csv, p1: usd nothing -> 1, note x -> nothing"),
        (row(what="added", usd=[None, "1"]), "price_book.csv, p1: added"),
        (row("01_a other/01_a", "num_gpu", value=[72, 8]), "01_a and 1 more, num_gpu: value 72 -> 8"),
        (row(note=["a" * 90 + "b", "a" * 90 + "c"]), f"price_book.csv, p1: note ...{'a' * 30}b -> ...{'a' * 30}c"),
        (row(**{c: ["1", "2"] for c in "abcde"}), "price_book.csv, p1: a 1 -> 2, b 1 -> 2, c 1 -> 2 and 2 more"),
    ],
)
def test_a_changed_input_is_one_line(line, text):
    assert changelog.input_line(line) == text


def test_a_section_is_short_and_has_the_largest_moves_first():
    headlines = [headline(f"k{i}", 1.0, 1.0 + i, causes=[("data", Decimal(i))]) for i in range(1, 31)]
    section = changelog.section(comparison(*headlines, data=[row(key=str(i)) for i in range(40)]), "tokenfactory")
    assert [r["label"] for r in section["rows"]] == [f"L k{i}" for i in range(30, 10, -1)]
    assert "The 20 that moved most are below." in section["sentences"]
    assert (len(section["inputs"]), section["num_more_inputs"]) == (12, 28)
    assert json.loads(json.dumps(section)) == section


def test_a_terminal_is_not_steered_by_data():
    found = comparison(headline(new_text="\x1b[2J3"), price=[row(key="\x1b]0;x\x07")])
    assert not set(changelog.text(found)) & {"\x1b", "\x07"}


# The feed

HOSTILE = "<script>alert(1)</script>&\x00\x1b]]>"


def told(number: int, *, label="A price") -> dict:
    changed = changelog.section(comparison(headline(label=label), price=[row()]), "tokenfactory")
    return {"id": f"2026-04-{number:02}-aaaaaaaa", "made_on": f"2026-04-{number:02}", "changed": changed}


def atom(content: bytes) -> ElementTree.Element:
    """A feed that has what RFC 4287 demands of one."""
    feed = ElementTree.fromstring(content)
    assert feed.tag == f"{{{changelog.ATOM}}}feed"
    entries = feed.findall("a:entry", ATOM)
    for element in (feed, *entries):
        for tag in ("id", "title", "updated"):
            (found,) = element.findall(f"a:{tag}", ATOM)
            assert found.text
        assert datetime.fromisoformat(element.find("a:updated", ATOM).text).tzinfo
        assert element.find("a:id", ATOM).text.startswith("urn:uuid:")
        assert [link for link in element.findall("a:link", ATOM) if link.get("rel") == "alternate"]
    assert feed.find("a:author/a:name", ATOM).text  # of all entries
    ids = [entry.find("a:id", ATOM).text for entry in entries]
    assert len(set(ids)) == len(ids) and feed.find("a:id", ATOM).text not in ids
    assert len([link for link in feed.findall("a:link", ATOM) if link.get("rel") == "self"]) == 1
    return feed


def test_the_feed_is_valid_and_says_what_the_index_says():
    past = [told(17), told(16)]
    content = changelog.feed("default", "Token Factory", {"title": "GB300", "made_on": "2026-04-17"}, past)
    feed = atom(content)
    assert feed.find("a:updated", ATOM).text == "2026-04-17T00:00:00Z"
    entry = feed.find("a:entry", ATOM)
    assert entry.find("a:title", ATOM).text == (
        "What changed since 15 April 2026: 1 of 1 headline numbers changed, because of data."
    )
    assert entry.find("a:content", ATOM).text.splitlines() == [
        "1 of 1 headline numbers changed, because of data.",
        "A price: 1 -> 3 (data +2; at noon)",
        "price: price_book.csv, p1: changed",
    ]
    assert entry.find("a:link", ATOM).get("href") == "archive.html#run-2026-04-17-aaaaaaaa"
    assert content == changelog.feed("default", "Token Factory", {"title": "GB300", "made_on": "2026-04-17"}, past)
    other = atom(changelog.feed("other", "Token Factory", {"title": "GB300", "made_on": "2026-04-17"}, past))
    assert other.find("a:id", ATOM).text != feed.find("a:id", ATOM).text


def test_hostile_text_stays_text_in_feed_and_page():
    run = told(17, label=HOSTILE)
    feed = atom(changelog.feed("default", "Token Factory", {"title": HOSTILE, "made_on": "2026-04-17"}, [run]))
    assert "<script>" in feed.find("a:entry/a:content", ATOM).text and not feed.findall(".//script")
    run |= {"as_of": {}}
    run["notebooks"] = [{"title": HOSTILE, "headlines": [{"label": HOSTILE, "text": HOSTILE, "note": HOSTILE}]}]
    pages = [{"href": "01_a.html", "title": HOSTILE}]
    page = index.archive(Frame(SOURCE.suite, HOSTILE, "2026-04-17", pages), [run])
    assert "<script" not in page and "&lt;script&gt;" in page


def test_the_index_has_a_section_and_the_way_to_archive_and_feed():
    about = {"frame": Frame(SOURCE.suite, "T", "2026-04-17", []), "entries": [], "scenarios": []}
    page = index.index(**about, changed=told(17, label=HOSTILE)["changed"] | {"run": "r2"})
    assert '<section class="changed" data-k="archive/r2">' in page
    assert '<h2>What changed since <time datetime="2026-04-15">15 April 2026</time></h2>' in page
    assert "<strong>1 of 1 headline numbers changed</strong>, because of data." in page
    assert "<small>at noon</small>" in page and "<td>data +2</td>" in page and "<script" not in page
    assert 'href="archive.html"' in page and page.count('href="feed.xml"') == 2
    first = index.index(**about, changed=changelog.FIRST | {"run": "r1"})
    assert "What changed since" not in first and "This is the first run that is kept" in first
    assert "feed.xml" not in index.index(**about)  # of a site that is not kept


def test_an_archive_without_runs_has_a_feed_all_the_same():
    assert not atom(changelog.feed("default", "Token Factory", {"title": "T", "made_on": "2026-04-17"}, [])).findall(
        "a:entry", ATOM
    )


# Whole runs

ONE_PRICE = """\
from tokenfactory import warehouse
rows = warehouse.connect().query(
    "SELECT usd_per_gpu_hour FROM price_book WHERE gpu = $gpu ORDER BY price_id", gpu=subject)
""" + HEADLINES.replace("1234567.891", 'float(rows["usd_per_gpu_hour"].sum())')


@pytest.fixture(scope="module")
def three_days(tmp_path_factory, project):
    """A report of both scenarios on three days: the first, one in which nothing changed, and one with another price."""
    made = make_runs(tmp_path_factory.mktemp("days"), project)
    (made.project.notebooks / "02_amd.ipynb").unlink()
    made.notebook("01_prices", ONE_PRICE)
    for day in DAYS[:2]:
        made.report("--scenario", "all", SOURCE_DATE_EPOCH=day)
    made.change_price("gb300", 2)
    made.report("--scenario", "all", "--scheduled", SOURCE_DATE_EPOCH=DAYS[2])
    return made


def test_the_index_says_what_changed(three_days):
    changed = three_days.page("index")["changed"]
    assert changed["since"]["made_on"] == "2026-04-16"
    assert changed["sentences"] == ["**1 of 2 headline numbers changed**, because of price."]
    (line,) = changed["rows"]
    assert line["label"] == "A price, of 2" and line["why"].startswith("price +")
    assert changed["inputs"][0]["line"].startswith("price_book.csv, ")
    other = three_days.page("other/index")["changed"]  # about another GPU, whose prices are as they were
    assert other["sentences"][0] == "**Nothing changed**: all 2 headline numbers are what they were on 16 April 2026."
    assert other["sentences"][1] == "The price behind them changed, and moved none of them."


def test_the_archive_page_has_every_run_by_date_with_its_values(three_days):
    past = three_days.page("archive")["runs"]
    assert [run["made_on"] for run in past] == ["2026-04-17", "2026-04-16", "2026-04-15"]
    said = [run["changed"]["sentences"][0] for run in past]
    assert said[1].startswith("**Nothing changed**") and said[2].startswith("This is the first run that is kept")
    assert [notebook["title"] for notebook in past[0]["notebooks"]] == ["01_prices"]
    assert [h["label"] for h in past[2]["notebooks"][0]["headlines"]] == ["A price, of 2", "None"]
    assert {run["id"] for run in past} == {run.id for run in archive.stored(three_days.project)}


def test_each_scenario_has_a_feed_of_its_runs(three_days):
    for home in ("", "other/"):
        feed = atom((three_days.site / f"{home}feed.xml").read_bytes())
        assert len(feed.findall("a:entry", ATOM)) == 3
        assert feed.find("a:updated", ATOM).text == "2026-04-17T00:00:00Z"


def test_the_same_inputs_give_the_same_bytes(three_days, tmp_path):
    again = three_days.copy(tmp_path / "again")
    before = again.files()
    again.report("--scenario", "all", "--force", "--scheduled", SOURCE_DATE_EPOCH=DAYS[2])
    assert again.files() == before


def test_a_site_of_other_parameters_has_no_history(three_days, tmp_path):
    other = three_days.copy(tmp_path / "parameters")
    before = other.files()
    other.report("-p", "subject=h200", SOURCE_DATE_EPOCH=DAYS[2])
    site = other.project.reports / "what-if" / "subject-h200" / "site"
    assert json.loads((site / "index.html").read_text())["changed"] is None
    assert not {"archive.html", "feed.xml"} & {path.name for path in site.iterdir()} and other.files() == before


def test_a_damaged_record_is_passed_over_and_said(three_days, tmp_path):
    damaged = three_days.copy(tmp_path / "damaged")
    run = archive.stored(damaged.project)[1]
    record = json.loads(json.dumps(run.record))
    del record["changes"]["default"]["num_more_inputs"]
    (archive.folder(damaged.project) / run.id / "run.json").write_text(json.dumps(record))
    damaged.notebook("03_plain", "1 + 6", parameters=None)
    done = damaged.run("report", "--scenario", "all", SOURCE_DATE_EPOCH=DAYS[2])
    assert done.returncode == 0 and f"run {run.id} is not shown" in done.stderr
    assert [r["made_on"] for r in damaged.page("archive")["runs"]] == ["2026-04-17", "2026-04-17", "2026-04-15"]
