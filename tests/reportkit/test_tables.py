"""A table on a page: seven columns, sources as marks, and nothing of the rest lost."""

import re

import pytest

from reportkit import charts, outputs, tables


def table(num_columns=3, num_rows=4, **columns):
    """A table whose cells say where they are; `c2=...` puts something else into all cells of a column, or a list."""
    heads = [{"header": f"Head {c}"} for c in range(num_columns)]
    rows = [[f"r{r} c{c}" for c in range(num_columns)] for r in range(num_rows)]
    for name, given in columns.items():
        for r, row in enumerate(rows):
            row[int(name[1:])] = given[r] if isinstance(given, list) else given
    return outputs.table("Caption", heads, rows)


def link(host):
    return {"text": host, "url": f"https://{host}/a"}


@pytest.mark.parametrize(
    "made, hidden",
    [
        (table(7), set()),
        (table(9), {7, 8}),
        (table(9, c3="the same"), {3, 8}),
        (table(3, c1="the same"), set()),  # room enough
        (table(3, c1=""), {1}),  # says nothing
        (table(3, c2=link("a.org")), {2}),
        (table(1, num_rows=0), set()),
    ],
)
def test_which_columns_a_page_does_not_show(made, hidden):
    assert tables.hidden(made) == hidden


def test_the_author_says_which_columns_are_for_the_page():
    made = table(9)
    for c in (1, 2):
        made["columns"][c]["on_page"] = False
    assert tables.hidden(made) == {1, 2}


def test_a_source_is_a_letter_beside_its_row_and_a_name_below():
    page = tables.to_html(table(3, c2=[link("a.org"), link("b.org"), link("a.org"), "not measured"]))
    assert re.findall(r"r(\d) c0<sup><a href=\"https://(\w).org/a\" title=\"\w.org\">(\w)</a>", page) == [
        ("0", "a", "a"),
        ("1", "b", "b"),
        ("2", "a", "a"),
    ]
    assert page.count("Sources: ") == 1 and "checkbox" not in page
    assert '<a href="https://b.org/a">b.org</a>.</p>' in page


def test_what_is_not_shown_is_there_when_asked_and_in_the_file():
    made = table(9, num_rows=30)
    page = tables.to_html(made, file="data/x.csv")
    assert "Show all 30 rows and the columns Head 7, Head 8" in page and '<a href="data/x.csv" download>' in page
    assert page.count("<td") == 30 * 8 and page.count('class="tf-more"') == 2 * 31
    assert tables.is_cut(made) and not tables.is_cut(table(3, c2=link("a.org")))


def test_the_file_has_numbers_and_addresses():
    made = table(3, num_rows=1, c1={"text": "1.2K", "value": 1234.5}, c2=link("a.org"))
    assert charts.csv_text(tables.as_file(made)) == "0,1,2\nr0 c0,1234.5,https://a.org/a\n"


def test_hostile_text_and_addresses_stay_text():
    hostile = "<script>\"'"
    made = table(2, c0=hostile, c1=[{"text": hostile, "url": "javascript:x"}, link('a.org/"><script>'), hostile, "x"])
    made["columns"][1]["header"] = hostile
    page = tables.to_html(made, file=hostile)
    assert "<script" not in page and "javascript:" not in page
