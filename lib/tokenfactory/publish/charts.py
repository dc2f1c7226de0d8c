"""Charts in a report: the drawing library, once per page, and a figure per chart with its data as a table."""

import functools
import html
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

from tokenfactory import show
from tokenfactory.warehouse.files import cache_dir

VEGA_LITE = "6.4"
MOST_ROWS = 200  # of a chart's data that its table shows


@functools.cache
def library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script. Making it takes seconds, so it is kept in a file."""
    path = cache_dir() / f"vega-lite-{VEGA_LITE}-of-vl-convert-{version('vl-convert-python')}.js"
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        import vl_convert

        script = vl_convert.javascript_bundle(vl_version=VEGA_LITE).replace("</script", r"<\/script")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".new", delete=False) as new:
            new.write(script)
        os.replace(new.name, path)
        return script


def embed(value: object) -> str:
    """`value` as JSON that may stand inside a script element: nothing in it can end the element.

    Line separators become blanks, because Vega-Lite puts titles into expressions, which they would cut.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return re.sub("[\u2028\u2029]", " ", text.replace("<", r"\u003c"))


def _dicts(node: object) -> Iterator[Mapping]:
    """Every mapping within a specification, the data itself left out."""
    if isinstance(node, Mapping):
        yield node
        for key, value in node.items():
            if key not in ("datasets", "values"):
                yield from _dicts(value)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for value in node:
            yield from _dicts(value)


def _datasets(spec: Mapping) -> list[list[Mapping]]:
    """The rows behind a chart, a list for each set of data, in the order in which the chart uses them."""
    named = spec.get("datasets", {})
    used = {}
    for node in _dicts(spec):
        data = node.get("data")
        if isinstance(data, Mapping) and ("values" in data or data.get("name") in named):
            rows = data["values"] if "values" in data else named[data["name"]]
            used.setdefault(data.get("name", id(rows)), rows)
    return [rows for rows in used.values() if rows and all(isinstance(row, Mapping) for row in rows)]


def _headers(spec: Mapping) -> dict[str, str]:
    """The name a reader knows a field by: the title of its axis, legend or tooltip."""
    return {
        node["field"]: " ".join([node["title"]] if isinstance(node["title"], str) else node["title"])
        for node in _dicts(spec)
        if isinstance(node.get("field"), str) and node.get("title")
    }


def _column(header: str, values: Sequence) -> show.Column:
    # Whether it is a number is said here, once: a table of many rows asks for it in every cell.
    is_number = all(isinstance(value, int | float) for value in values if value is not None)
    return show.Column(header, missing="none", is_number=is_number)


def _data_tables(spec: Mapping, caption: str) -> str:
    headers, tables = _headers(spec), []
    for rows in _datasets(spec):
        fields = list(dict.fromkeys(field for row in rows[:MOST_ROWS] for field in row))
        shown = [{field: row.get(field) for field in fields} for row in rows[:MOST_ROWS]]
        columns = {
            field: _column(headers.get(field, show.words(field)), [row[field] for row in shown]) for field in fields
        }
        cut = f"The first {MOST_ROWS} of {len(rows):,} rows." if len(rows) > MOST_ROWS else ""
        tables.append(show.table(shown, columns, caption, note=cut)._repr_mimebundle_()["text/html"])
    return "".join(tables)


def _lines(text: object) -> str:
    return " ".join(text) if isinstance(text, list) else str(text or "")


def _height(spec: Mapping) -> float:
    """About how high the chart will be in pixels, its axis included."""
    height = spec.get("height", 300)
    if isinstance(height, Mapping):
        values = [row.get(_first_field(spec, "y")) for rows in _datasets(spec) for row in rows]
        height = height.get("step", 0) * len(set(values))
    return (height if isinstance(height, int | float) else 300) + 60


def _first_field(spec: Mapping, channel: str) -> str | None:
    channels = (node.get(channel) for node in _dicts(spec))
    return next((c["field"] for c in channels if isinstance(c, Mapping) and isinstance(c.get("field"), str)), None)


def figure(spec: Mapping) -> str:
    """A chart as a figure: title and subtitle as text (which wraps on a phone), a place to draw, and the data."""
    spec = dict(spec)
    title = spec.pop("title", None) or spec.get("description", "Chart")
    title, subtitle = (title.get("text"), title.get("subtitle")) if isinstance(title, Mapping) else (title, None)
    title, subtitle = _lines(title), _lines(subtitle)
    caption = f"<strong>{html.escape(title)}</strong>"
    caption += f"<span>{html.escape(subtitle)}</span>" if subtitle else ""
    tables = _data_tables(spec, f"Data of the chart: {title}")
    data = f'<details class="tf-data"><summary>Data of this chart</summary>{tables}</details>' if tables else ""
    return (
        f'<figure class="tf-chart"><figcaption>{caption}</figcaption>'
        f'<div class="tf-drawing" style="min-height:{_height(spec):.0f}px"></div>'
        f'<script type="application/json">{embed(spec)}</script>{data}</figure>'
    )


def is_chart(mime: str) -> bool:
    return re.fullmatch(r"application/vnd\.vegalite\.v\d+\+json", mime) is not None
