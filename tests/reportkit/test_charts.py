"""A chart in a page: its specification cannot break out, its title wraps, its data is there as a table."""

import csv
import io
import json
import re

import altair as alt
import pandas as pd
import polars as pl
import pytest
import sample
from hypothesis import given
from hypothesis import strategies as st

from reportkit import charts, outputs
from tokenfactory.display import theme


def spec_of(chart):
    return chart._repr_mimebundle_(None, None)[theme.VEGA_LITE_MIME]


def embedded(figure):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', figure, re.DOTALL)[1])


def bars(rows=3, **properties):
    data = pd.DataFrame({"name": [f"n{i}" for i in range(rows)], "usd_per_mtok": [i + 0.5 for i in range(rows)]})
    encoding = {"x": alt.X("usd_per_mtok:Q", title="USD per million tokens"), "y": "name:N"}
    return alt.Chart(data).mark_bar().encode(**encoding).properties(**properties)


def test_the_type_of_our_charts_is_a_chart():
    assert outputs.chart_of({theme.VEGA_LITE_MIME: {"mark": "bar"}})
    assert not outputs.chart_of({"application/json": {}})


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_what_is_embedded_reads_back_and_cannot_end_its_element(value):
    text = charts.embed(value)
    assert "<" not in text and "\u2028" not in text and "\u2029" not in text
    blank = json.dumps(value, ensure_ascii=False).replace("\u2028", " ").replace("\u2029", " ")
    assert json.loads(text) == json.loads(blank)


def test_the_title_is_text_of_the_page_and_no_longer_drawn():
    title = alt.Title(["Costs fall", "with size"], subtitle="Prices & power of April")
    figure = charts.figure(spec_of(bars(title=title)))
    assert "<strong>Costs fall with size</strong><span>Prices &amp; power of April</span>" in figure
    assert "title" not in embedded(figure)
    assert embedded(figure)["description"].startswith("Costs fall with size Prices & power of April. Drawn: ")


def test_a_chart_is_told_in_words_from_its_data():
    told = embedded(charts.figure(spec_of(bars(title="Three"))))["description"]
    assert told == "Three. Drawn: name n0, n1, n2; USD per million tokens 0.500 to 2.50."
    many = pl.DataFrame({"name": [f"n{i}" for i in range(30)], "x": [None] * 29 + [7]})
    spec = spec_of(alt.Chart(many).mark_bar().encode(x="x:Q", y="name:N", tooltip="x:Q"))
    assert charts.told(spec) == "Chart. Drawn: name 30 different; x 7."


def test_the_data_is_whole_in_the_file_and_nothing_in_it_is_a_formula():
    rows = [{"name": f"n{i}", "x": -i} for i in range(charts.MOST_ROWS + 50)]
    rows[0]["name"], rows[1]["name"], rows[2]["name"] = "=HYPERLINK(1)", " @x", 'say "a, b"\n+1'
    rows[3]["name"], rows[4]["name"] = "\t-1+cmd", None
    table = charts.tables({"data": {"values": rows}, "encoding": {"x": {"field": "x", "title": "USD"}}})[0]
    assert table.fields == {"name": "name", "x": "USD"}
    read = list(csv.reader(io.StringIO(charts.csv_text(table))))
    assert len(read) == 1 + len(rows) and read[0] == ["name", "x"]
    assert [row[0] for row in read[1:6]] == ["'=HYPERLINK(1)", "' @x", 'say "a, b"\n\'+1', "'\t'-1+cmd", ""]
    assert read[-1] == ["n249", "-249"]  # a number is no formula


def test_the_files_of_the_data_are_linked_below_the_chart():
    figure = charts.figure(spec_of(bars()), files=["data/a.csv", "data/b.csv"], below="<b>more</b>")
    assert '<a href="data/a.csv" download>CSV 1</a><a href="data/b.csv" download>CSV 2</a><b>more</b>' in figure
    assert '<a href="data/a.csv" download>CSV</a>' in charts.figure(spec_of(bars()), files=["data/a.csv"])


def test_a_chart_without_a_title_is_named_by_its_description():
    assert "<strong>three bars</strong>" in charts.figure(spec_of(bars(description="three bars")))


def test_the_place_is_as_high_as_the_chart_will_be():
    assert 'style="min-height:260px"' in charts.figure(spec_of(bars(height=200)))  # 200 and 60 for the axis
    assert 'style="min-height:360px"' in charts.figure(spec_of(bars()))  # 300 where nothing is said
    assert 'style="min-height:180px"' in charts.figure(spec_of(bars(height=alt.Step(40))))  # three rows of 40


def test_the_data_is_a_table_with_the_names_a_reader_knows():
    figure = charts.figure(spec_of(bars(title="Costs")))
    assert "<caption>Data of the chart: Costs</caption>" in figure
    assert '<th scope="col">name</th><th scope="col" class="tf-number">USD per million tokens</th>' in figure
    assert '<th scope="row">n1</th><td class="tf-number">1.5</td>' in figure


@pytest.mark.parametrize(("rows", "shown", "note"), [(200, 200, None), (201, 200, "The first 200 of 201 rows.")])
def test_a_long_table_is_cut_and_says_so(rows, shown, note):
    figure = charts.figure(spec_of(bars(rows)))
    assert figure.count('<th scope="row">') == shown
    assert ("The first" in figure) == bool(note)
    assert note is None or note in figure


def test_each_set_of_data_of_a_layered_chart_is_shown_once():
    line = alt.Chart(pd.DataFrame({"limit": [1.0]})).mark_rule().encode(x="limit:Q")
    assert charts.figure(spec_of((bars() + line + bars()).properties(title="t"))).count("<caption>") == 2


def test_rows_may_lack_a_field_and_inline_values_count():
    spec = {"mark": "bar", "encoding": {}, "data": {"values": [{"a": 1}, {"a": None, "b": "x"}]}, "title": "t"}
    figure = charts.figure(spec)
    assert '<th scope="row" class="tf-number">1</th><td>none</td>' in figure
    assert '<th scope="row" class="tf-number">none</th><td>x</td>' in figure


def test_a_chart_without_rows_has_no_table():
    assert "<details" not in charts.figure({"mark": "bar", "data": {"sequence": {"start": 0, "stop": 3}}, "title": "t"})


def test_hostile_data_is_text_wherever_it_stands():
    figure = charts.figure(spec_of(sample.charts()["hostile"]))
    assert figure.lower().count("<script") == figure.count("</script>") == 1  # the one that holds the specification
    assert "<img" not in figure


def test_the_library_is_made_once_and_kept(monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr("vl_convert.javascript_bundle", lambda vl_version: made.append(vl_version) or "a</script>b")
    for _ in range(2):
        charts.library.cache_clear()
        assert charts.library(tmp_path) == r"a<\/script>b"
    charts.library.cache_clear()
    assert made == [charts.VEGA_LITE]
    assert [path.suffix for path in tmp_path.iterdir()] == [".js"]


def test_names_of_fields_stand_once_for_all_rows_that_have_the_same():
    def datasets(*rows):
        spec = {"datasets": {"d": list(rows)}, "data": {"name": "d"}, "encoding": {"x": {"field": "x"}}}
        return embedded(charts.figure(spec))["datasets"]["d"]

    assert datasets({"x": 1, "y": "a"}, {"x": 2, "y": "b"}) == {"fields": ["x", "y"], "rows": [[1, "a"], [2, "b"]]}
    uneven = [{"x": 1, "y": "a"}, {"x": 2}]
    assert datasets(*uneven) == uneven
    assert datasets() == []


def test_rows_that_are_drawn_twice_are_one_table():
    every, some = [{"x": 1, "y": "a"}, {"x": 2, "y": "b"}], [{"x": 2, "y": "b"}]
    layers = [{"data": {"name": name}, "mark": "point"} for name in ("some", "every", "again", "line")]
    spec = {"datasets": {"some": some, "every": every, "again": every, "line": [{}]}, "layer": layers}
    assert [table.rows for table in charts.tables(spec)] == [[[1, "a"], [2, "b"]]]
    spec["datasets"]["some"] = [{"x": 3, "y": "c"}]
    assert [table.rows for table in charts.tables(spec)] == [[[3, "c"]], [[1, "a"], [2, "b"]]]
