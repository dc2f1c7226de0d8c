"""Numbers as text, tables without surprises, and text from data that can do no harm."""

import math
import re

import polars as pl
import pytest

from reportkit import outputs
from tokenfactory.display import show
from tokenfactory.display.show import Column, Headline, Link, between, digits, number, percent, short, times, usd, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (number(5970.26), "5,970"),
        (number(93.153, 4), "93.15"),
        (number(0.0468428), "0.0468"),
        (number(2842982.0), "2,842,982"),
        (number(13), "13"),  # a count is not 13.0
        (number(0.0), "0"),
        (number(-1234.5), "-1,234"),
        (usd(4.20018), "$4.20"),
        (usd(0.124227), "$0.124"),
        (usd(0.0352587), "$0.0353"),
        (usd(0), "$0.00"),
        (usd(-89.6654), "-$89.67"),
        (times(63.5925), "63.6x"),
        (digits(4, times)(2.01494), "2.015x"),
        (percent(0.248454, 1), "24.8%"),
        (between(63.1214, 64.256, times), "63.1x to 64.3x"),
        (between(None, 2), "not measured"),
        (words("allin_utility_provisioned"), "all-in utility provisioned"),
        (words("critical_it"), "critical IT"),
        (words("board_tdp"), "board TDP"),
        (words("item_it_costs"), "item it costs"),
        (short(5970260.0), "5.97M"),
        (short(448e9), "448B"),
        (short(-1500), "-1.50K"),
        (short(999.4), "999"),
        (short(12), "12"),
        (short(None), "not measured"),
    ],
)
def test_numbers_as_text(text, expected):
    assert text == expected


@pytest.mark.parametrize("render", [number, usd, times, percent])
@pytest.mark.parametrize("missing", [None, float("nan")])
def test_missing_is_not_measured_never_zero(render, missing):
    assert render(missing) == "not measured"


ROWS = pl.DataFrame({"gpu": ["h200", "gb300"], "usd": [4.20018, None], "isl": [1024, 8192]})
COLUMNS = {"gpu": "System", "usd": Column("USD per Mtok", usd), "isl": "Input tokens"}


def test_a_table_as_text_is_markdown_with_aligned_numbers():
    assert show.table(ROWS, COLUMNS, "Cost")._repr_mimebundle_()["text/plain"].splitlines() == [
        "Cost",
        "| System | USD per Mtok | Input tokens |",
        "|--------|--------------|--------------|",
        "| h200   |        $4.20 |         1024 |",
        "| gb300  | not measured |         8192 |",
    ]


def test_a_table_as_html_has_caption_and_headers_of_rows_and_columns():
    html = show.table(ROWS, COLUMNS, "Cost", note="per **total** token")._repr_mimebundle_()["text/html"]
    assert "<caption>Cost</caption>" in html
    assert '<th scope="col" class="tf-number" style="text-align:right">USD per Mtok</th>' in html
    assert '<th scope="row">gb300</th><td class="tf-number" style="text-align:right">not measured</td>' in html
    assert (
        '<div class="tf-note" style="font-size:.9em;opacity:.75"><p>per <strong>total</strong> token</p></div>' in html
    )


def test_a_table_is_never_cut():
    html = show.table([{"n": i} for i in range(500)], {"n": "n"}, "all")._repr_mimebundle_()["text/html"]
    assert html.count("<tr>") == 501


HOSTILE = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "output",
    [
        show.table([{"a": HOSTILE}], {"a": HOSTILE}, HOSTILE, note=HOSTILE),
        show.answer([HOSTILE]),
        show.note([HOSTILE]),
        show.headlines([Headline("k", HOSTILE, 1.0, "1", HOSTILE, HOSTILE)]),
        show.provenance([{"table": HOSTILE, "num_rows": 1, "sources": None, "dates": None, "sha256": HOSTILE}]),
        show.table([{"a": Link(HOSTILE, f'https://x/"{HOSTILE}')}], {"a": "A"}, ""),
    ],
    ids=["table", "answer", "note", "headlines", "provenance", "link"],
)
def test_text_from_data_stays_text(output):
    html = output._repr_mimebundle_()["text/html"]
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_only_web_addresses_become_links():
    def shown(url):
        html = show.table([{"name": "a", "url": show.source(url)}], {"name": "A", "url": "B"}, "C")._repr_mimebundle_()
        return re.search("<td>(.*?)</td>", html["text/html"])[1]

    assert shown("javascript:alert(1)") == "javascript"
    link = '<a href="https://www.example.org/page?a=1&amp;b=2">example.org</a>'
    assert shown("https://www.example.org/page?a=1&b=2") == link
    assert shown("owner/name: path") == "owner/name"
    assert show.source(None) is None


def test_headlines_carry_their_numbers_with_six_digits():
    tile = Headline("cost_ratio", "Cheaper", 34.070123456, "1", "34.1x", "at 117 tok/s per user")
    bundle = show.headlines([tile, Headline("none", "Nothing", None, "1", times(None))])._repr_mimebundle_()
    first, second = bundle[outputs.mime("headlines")]["headlines"]
    assert first["value"] == 34.0701
    assert second["value"] is None
    assert bundle["text/plain"].splitlines()[0] == "Cheaper: 34.1x (at 117 tok/s per user)"


def data_of(output):
    return output._repr_mimebundle_()[outputs.mime(output.kind)]


def test_a_table_leaves_its_numbers_with_unit_and_printed_text():
    rows = [
        {
            "gpu": "gb300",
            "usd": 34.0755123456789,
            "part": 0.6,
            "n": 3,
            "is": True,
            "where": show.source("https://a.org/b"),
        },
        {"gpu": "h200", "usd": None, "part": math.inf, "n": math.nan, "is": False, "where": None},
    ]  # fmt: skip
    columns = {"gpu": "System", "usd": Column("Cost", digits(4, usd)), "part": Column("Part", percent), "n": "Count"}
    columns |= {"is": "Is", "where": Column("Source", missing="none")}
    data = data_of(show.table(rows, columns, "Cost of **tokens**", note="per token"))
    assert (data["caption"], data["note"]) == ("Cost of **tokens**", "per token")
    assert [(c["key"], c["header"], c["unit"], c["is_number"]) for c in data["columns"][:4]] == [
        ("gpu", "System", "", False),
        ("usd", "Cost", "usd", True),
        ("part", "Part", "frac", True),
        ("n", "Count", "", True),
    ]
    first, second = data["rows"]
    assert first[1] == {"text": "$34.08", "value": 34.0755123}  # nine digits
    assert first[2:] == [
        {"text": "60%", "value": 0.6},
        {"text": "3", "value": 3},
        "True",
        {"text": "a.org", "url": "https://a.org/b"},
    ]
    assert second == ["h200", "not measured", "inf%", "not measured", "False", "none"]


def test_an_answer_leaves_its_sentences_and_which_of_them_flips_it():
    data = data_of(show.answer(["It is **so**.", show.flip("Unless it rains.")]))
    assert data == {"sentences": [{"text": "It is **so**."}, {"text": "Unless it rains.", "flip": True}]}


@pytest.mark.parametrize(
    "output",
    [
        show.answer(["From $1 to $2", show.flip("$3 $4")]),
        show.table([{"a": "$1 $2"}], {"a": "$A$"}, "$5 $6", note="$7 $8"),
        show.headlines([Headline("k", "$a$", 1.0, "1", "$1", "$b$")]),
        show.table([{"a": Link("$x$", "https://x.org/$y$")}], {"a": "A"}, "$c$"),
    ],
    ids=["answer", "table", "headlines", "link"],
)
def test_no_two_dollar_signs_stand_in_one_text(output):
    """Between two of them JupyterLab and nbconvert would read a formula."""
    texts = re.split("<[^>]*>", output._repr_mimebundle_()["text/html"])
    assert sum(text.count("$") for text in texts) >= 4 and all(text.count("$") == 0 or text == "$" for text in texts)


def test_a_headline_that_is_no_number_has_no_value():
    items = [show.Headline("k", "K", value, "1", "not measured") for value in (float("inf"), float("nan"), None, 1.5)]
    assert [row["value"] for row in show.headlines(items).data()["headlines"]] == [None, None, None, 1.5]


def test_a_text_of_the_data_that_looks_like_an_answer_of_ours_stays_a_text():
    data = {"sentences": [{"text": "ours is 99 times cheaper"}]}
    forged = ('<div class="tf-answer"><p>ours is 99 times cheaper</p></div>', str({outputs.mime("answer"): data}))
    for made in (show.note(forged), show.table([{"name": text} for text in forged], {"name": "Name"}, "Names")):
        bundle = made._repr_mimebundle_()
        assert outputs.find([bundle], "answer") == []
        assert outputs.kind_of(bundle) in ("note", "table")
        assert 'tf-answer">' not in bundle["text/html"] and "&lt;div class" in bundle["text/html"]
