"""Numbers as text, tables without surprises, and text from data that can do no harm."""

import polars as pl
import pytest

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
        (percent(0.248454, 1), "24.8 %"),
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
    assert '<th scope="col" class="tf-number">USD per Mtok</th>' in html
    assert '<th scope="row">gb300</th><td class="tf-number">not measured</td>' in html
    assert '<div class="tf-note"><p>per <strong>total</strong> token</p></div>' in html


def test_a_table_is_never_cut():
    html = show.table([{"n": i} for i in range(500)], {"n": "n"}, "all")._html()
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
    assert show.source("javascript:alert(1)").html() == "javascript"
    assert show.source("https://www.example.org/page?a=1&b=2").html() == (
        '<a href="https://www.example.org/page?a=1&amp;b=2">example.org</a>'
    )
    assert show.source("owner/name: path").html() == "owner/name"
    assert show.source(None) is None


def test_headlines_carry_their_numbers_with_six_digits():
    tile = Headline("cost_ratio", "Cheaper", 34.070123456, "1", "34.1x", "at 117 tok/s per user")
    bundle = show.headlines([tile, Headline("none", "Nothing", None, "1", times(None))])._repr_mimebundle_()
    first, second = bundle[show.HEADLINES_MIME]["headlines"]
    assert first["value"] == 34.0701
    assert second["value"] is None
    assert bundle["text/plain"].splitlines()[0] == "Cheaper: 34.1x (at 117 tok/s per user)"
