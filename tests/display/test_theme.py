"""Charts: a type that notebooks may hold and JupyterLab draws, colours with one meaning, a description."""

import json

import altair as alt
import nbformat
import pandas as pd
import pytest

from reportkit import outputs
from tokenfactory.display import theme

DATA = pd.DataFrame({"x": [1, 2], "y": [3, 4]})


def chart(**properties):
    return alt.Chart(DATA).mark_point().encode(x="x", y="y").properties(**properties)


def shown(any_chart):
    bundle = any_chart._repr_mimebundle_()
    return bundle[0] if isinstance(bundle, tuple) else bundle


def test_a_notebook_may_hold_the_output():
    output = nbformat.v4.new_output("display_data", data=shown(chart(title="finding")))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=[output])])
    nbformat.validate(notebook)
    assert set(output.data) == {theme.VEGA_LITE_MIME, "text/plain", outputs.mime("chart")}
    assert output.data[outputs.mime("chart")] == {"title": "finding", "subtitle": "", "description": "finding"}
    assert output.data[theme.VEGA_LITE_MIME]["$schema"].endswith("/v5.json")


@pytest.mark.parametrize(
    ("any_chart", "expected"),
    [
        (chart(title="finding"), "finding"),
        (chart(title=alt.Title("finding", subtitle=["one", "two"])), "finding one two"),
        (chart(title="finding", description="in words"), "in words"),
        (alt.layer(chart(), chart()).properties(title="finding"), "finding"),
    ],
)
def test_the_description_is_on_the_outermost_chart(any_chart, expected):
    bundle = shown(any_chart)
    assert bundle[theme.VEGA_LITE_MIME]["description"] == expected
    assert bundle["text/plain"] == f"<chart: {expected}>"


def test_the_same_chart_gives_the_same_bytes():
    assert shown(chart(title="t")) == shown(chart(title="t"))


def test_no_chart_asks_jupyterlab_for_the_width_of_its_container():
    # There it grows the container it measures, for ever, and the browser hangs; a report sets the width itself.
    spec = shown(chart(width="container"))[theme.VEGA_LITE_MIME]
    assert "width" not in spec and spec["config"]["view"]["continuousWidth"] == 640
    assert shown(chart(width=200))[theme.VEGA_LITE_MIME]["width"] == 200


def test_the_theme_is_in_force():
    assert shown(chart())[theme.VEGA_LITE_MIME]["config"]["background"] == "transparent"


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_colours_of_a_family_differ_in_lightness_and_the_main_ones_stand_out_on_light_and_dark():
    for family in (("h100", "h200"), ("b200", "b300", "gb200", "gb300"), ("mi300x", "mi325x", "mi355x")):
        shades = [luminance(theme.gpu_colour(gpu)) for gpu in family]
        assert shades == sorted(shades, reverse=True)
        assert len(set(shades)) == len(shades)
    for colour in (theme.HOPPER, theme.BLACKWELL, theme.CDNA, theme.gpu_colour("gb300")):
        assert contrast(colour, "#ffffff") >= 3
        assert contrast(colour, "#14181d") >= 2.9
    assert theme.gpu_colour("unheard-of") == theme.NEUTRAL


def test_a_scale_keeps_the_order_it_is_given():
    scale = theme.gpu_scale(["gb300", "h200"]).to_dict()
    assert scale == {"domain": ["gb300", "h200"], "range": [theme.gpu_colour("gb300"), theme.HOPPER]}


def test_nothing_to_show_is_said():
    bundle = shown(theme.not_measured("No system was built"))
    assert bundle["text/plain"] == "<chart: No system was built>"
    assert '"text": "not measured"' in json.dumps(bundle[theme.VEGA_LITE_MIME])


def test_every_mark_is_seen_on_dark_paper_too(project):
    paper, least = "#111417", 3.2  # WCAG asks 3 of what is no text
    assert f"--paper: {paper}" in (project / "lib" / "reportkit" / "templates" / "style.css").read_text()
    own = {name: getattr(theme, name) for name in ("HOPPER", "BLACKWELL", "CDNA", "NEUTRAL", "GOOD", "BAD")}
    known = own | theme.vocabulary.colours()
    assert {name: colour for name, colour in known.items() if contrast(colour, paper) < least} == {}
    assert contrast("#1f5fc4", paper) < least
