"""How charts look: one Altair theme, one renderer, and colours that carry a meaning.

A colour always says the same thing: warm is Hopper, blue is Blackwell, violet is AMD's CDNA, grey is
context. The hues differ in lightness too and stay apart under the common colour-vision
deficiencies; even so, every chart also tells its series by label, shape or dash.
"""

import json
import os
import sys
from pathlib import Path

# jsonschema compiles this grammar at import, two seconds in every process, for a check nobody
# asks for. uv leaves the package out; under pip or conda this line does.
sys.modules.setdefault("rfc3987_syntax", None)

import altair as alt  # noqa: E402

from reportkit import outputs  # noqa: E402
from reportkit.text import steady  # noqa: E402
from tokenfactory.warehouse import vocabulary  # noqa: E402

HOPPER, BLACKWELL, CDNA, NEUTRAL = "#d5730a", "#2f74d0", "#8f63c9", "#8a929b"
GOOD, BAD = "#1e8a6e", "#c8424a"

VEGA_LITE = "5.21"  # of pictures; the newest with the specification that JupyterLab draws
VEGA_LITE_MIME = "application/vnd.vegalite.v5+json"

MOST_ROWS = 5000  # of a chart
COUNTS = "replace(replace(datum.label, 'G', 'B'), 'k', 'K')"  # of the format "s", as texts say it: 10K, 10B


def gpu_colour(gpu: str) -> str:
    """The colour of one GPU key, as `data/gpus.csv` has it; grey for one without a shade of its own."""
    return vocabulary.colours().get(gpu, NEUTRAL)


def tint(hue: str, share: float = 0.6) -> str:
    """A colour over white, for what dark text stands upon in light and in dark mode.

    >>> tint("#000000", 0.6)
    '#666666'
    """
    parts = (int(hue[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(share * part + (1 - share) * 255):02x}" for part in parts)


def gpu_scale(gpus) -> alt.Scale:
    """A colour scale for exactly these GPU keys, in their order."""
    gpus = list(gpus)
    return alt.Scale(domain=gpus, range=[gpu_colour(gpu) for gpu in gpus])


def not_measured(title) -> alt.Chart:
    """What stands in the place of a chart that would have nothing to show: its title, and the words that say so."""
    words = alt.Chart(alt.InlineData([{"text": "not measured"}])).mark_text(fontSize=14, color=NEUTRAL)
    return words.encode(text="text:N").properties(width="container", height=80, title=title)


@alt.theme.register("tokenfactory", enable=True)
def _theme() -> alt.theme.ThemeConfig:
    """`theme.json` with the colours of above; the title of a vertical axis stands above it, upright, to be read."""
    config = json.loads(Path(__file__).with_name("theme.json").read_text(encoding="utf-8"))
    config["rule"]["color"] = NEUTRAL
    config["range"]["category"] = [BLACKWELL, HOPPER, CDNA, GOOD, NEUTRAL, BAD]
    return {"config": config}


def _render(spec: dict, **_) -> dict:
    # Altair's own renderer names a type that nbformat refuses and JupyterLab cannot draw; this one
    # is drawn by both without a network. The description goes on the outermost chart, where
    # screen readers look for it. JupyterLab's Vega-Lite 5 never ends measuring a container that grows
    # with its chart, and takes the browser with it; there the width is the theme's, in a report the page's.
    about = outputs.chart(spec)
    spec = {
        **{key: value for key, value in spec.items() if (key, value) != ("width", "container")},
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "description": about["description"],
    }
    shown = {VEGA_LITE_MIME: spec, "text/plain": f"<chart: {about['description']}>", outputs.mime("chart"): about}
    return shown | ({"image/svg+xml": _svg(spec)} if os.environ.get(outputs.SVG) else {})


def _svg(spec: dict) -> str:
    """The chart as a picture, for what cannot draw: a tenth of a second each, so only where it is kept."""
    import vl_convert

    return vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)


def _rows(data) -> dict:
    """The rows of a chart: few, because queries aggregate (a thousand times as many are a mistake), and steady."""
    rows = alt.to_values(alt.limit_rows(data, max_rows=MOST_ROWS))["values"]
    return {"values": [{k: steady(v) if isinstance(v, float) else v for k, v in row.items()} for row in rows]}


alt.renderers.register("tokenfactory", _render)
alt.renderers.enable("tokenfactory")
alt.data_transformers.register("tokenfactory", _rows)
alt.data_transformers.enable("tokenfactory")
