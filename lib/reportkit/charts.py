"""Charts in a report: the drawing library, once per page, and a figure per chart with its data as a table."""

import csv
import functools
import html
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from reportkit import atomic, harmless, outputs
from reportkit.text import number, words

VEGA_LITE = "6.4"
MOST_ROWS = 200  # of a chart's data that its table shows; the file beside the page has all
MOST_TOLD = 6  # different texts of a field that are told in words


@functools.cache
def library(scratch: Path) -> str:
    """Vega, Vega-Lite and Vega-Embed as one script. Making it takes seconds, so it is kept in a file."""
    path = scratch / f"vega-lite-{VEGA_LITE}-of-vl-convert-{version('vl-convert-python')}.js"
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        import vl_convert

        script = vl_convert.javascript_bundle(vl_version=VEGA_LITE).replace("</script", r"<\/script")
        atomic.write(path, script)
        return script


def embed(value: object) -> str:
    """`value` as JSON that may stand inside a script element: nothing in it can end the element.

    Line separators become blanks, because Vega-Lite puts titles into expressions, which they would cut.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return re.sub("[\u2028\u2029]", " ", text.replace("<", r"\u003c"))


def _compact(spec: Mapping) -> dict:
    """The specification with the names of fields once for each set of data, not in every row; `charts.js` undoes it."""
    datasets = {}
    for name, rows in spec.get("datasets", {}).items():
        fields = list(rows[0]) if rows and isinstance(rows[0], Mapping) else []
        is_even = fields and all(isinstance(row, Mapping) and list(row) == fields for row in rows)
        datasets[name] = {"fields": fields, "rows": [list(row.values()) for row in rows]} if is_even else rows
    return {**spec, "datasets": datasets} if datasets else dict(spec)


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
    """The rows behind a chart, a list for each set of data, in the order in which the chart uses them.

    A set whose rows all stand in another one, such as those that are drawn hollow, is no set of its own.
    """
    named = spec.get("datasets", {})
    used = {}
    for node in _dicts(spec):
        data = node.get("data")
        if isinstance(data, Mapping) and ("values" in data or data.get("name") in named):
            rows = data["values"] if "values" in data else named[data["name"]]
            used.setdefault(data.get("name", id(rows)), rows)
    sets = [rows for rows in used.values() if any(rows) and all(isinstance(row, Mapping) for row in rows)]
    keys = [{json.dumps(row, sort_keys=True) for row in rows} for rows in sets]
    return [
        rows
        for n, rows in enumerate(sets)
        if not any(keys[n] < other or (keys[n] == other and m < n) for m, other in enumerate(keys))
    ]


def _headers(spec: Mapping) -> dict[str, str]:
    """The name a reader knows a field by: the title of its axis, legend or tooltip."""
    return {
        node["field"]: " ".join([node["title"]] if isinstance(node["title"], str) else node["title"])
        for node in _dicts(spec)
        if isinstance(node.get("field"), str) and node.get("title")
    }


@dataclass(frozen=True)
class Table:
    """The rows of one set of data of a chart, and how a reader knows its fields."""

    fields: dict[str, str]
    rows: list[list]


def tables(spec: Mapping) -> list[Table]:
    """The data of a chart, whole."""
    headers, found = _headers(spec), []
    for rows in _datasets(spec):
        fields = dict.fromkeys(field for row in rows for field in row)
        named = {field: headers.get(field, words(field)) for field in fields}
        found.append(Table(named, [[row.get(field) for field in fields] for row in rows]))
    return found


def csv_text(table: Table) -> str:
    """A table as CSV that a spreadsheet can open: no text in it is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(harmless.cell, table.fields))
    writer.writerows(map(harmless.cell, row) for row in table.rows)
    return text.getvalue()


def _shown_table(table: Table, caption: str) -> str:
    rows = table.rows[:MOST_ROWS]
    columns = [
        {"header": header, "is_number": all(isinstance(v, int | float) for v in values if v is not None)}
        for header, values in zip(table.fields.values(), zip(*rows, strict=True), strict=True)
    ]
    cells = [["none" if v is None else f"{v:.6g}" if isinstance(v, float) else str(v) for v in row] for row in rows]
    cut = f"The first {MOST_ROWS} of {len(table.rows):,} rows." if len(table.rows) > MOST_ROWS else ""
    return outputs.to_html("table", outputs.table(caption, columns, cells, cut))


def _range(values: Sequence) -> str:
    """What a column holds, in a few words; empty when that takes more."""
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if numbers:
        low, high = min(numbers), max(numbers)
        return f"{number(low)} to {number(high)}" if low < high else number(low)
    texts = list(dict.fromkeys(str(value) for value in values if value is not None))
    return ", ".join(texts) if 0 < len(texts) <= MOST_TOLD else f"{len(texts)} different" if texts else ""


def told(spec: Mapping) -> str:
    """A chart in words, for who cannot see it: how it is described, and what each thing that is drawn ranges over."""
    drawn = {c["field"] for node in _dicts(spec) for c in _channels(node)}
    parts = []
    for table in tables(spec):
        columns = dict(zip(table.fields, zip(*table.rows, strict=True), strict=True))
        ranges = {table.fields[field]: _range(columns[field]) for field in columns if field in drawn}
        parts += [f"{header} {text}" for header, text in ranges.items() if text]
    return f"{spec.get('description', 'A chart')}. Drawn: {'; '.join(dict.fromkeys(parts)) or 'nothing'}."


def _channels(node: Mapping) -> list[Mapping]:
    named = map(node.get, ("x", "y", "x2", "y2", "color", "shape", "row", "column", "facet", "size"))
    return [c for c in named if isinstance(c, Mapping) and isinstance(c.get("field"), str)]


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


def figure(spec: Mapping, *, files: Sequence[str] = (), below: str = "") -> str:
    """A chart as a figure: title and subtitle as text (which wraps on a phone), a place to draw, and the data.

    Parameters
    ----------
    files : addresses of the data as CSV
    below : HTML that stands beside the data
    """
    about = outputs.chart(spec)
    title, subtitle = about["title"], about["subtitle"]
    spec = {key: value for key, value in spec.items() if key != "title"} | {"description": told(spec)}
    caption = f"<strong>{html.escape(title)}</strong>"
    caption += f"<span>{html.escape(subtitle)}</span>" if subtitle else ""
    shown = "".join(_shown_table(table, f"Data of the chart: {title}") for table in tables(spec))
    data = f'<details class="tf-data"><summary>Data of this chart</summary>{shown}</details>' if shown else ""
    numbers = [""] if len(files) == 1 else [f" {number}" for number in range(1, len(files) + 1)]
    links = [f'<a href="{html.escape(f)}" download>CSV{n}</a>' for f, n in zip(files, numbers, strict=False)]
    return (
        f'<figure class="tf-chart"><figcaption>{caption}</figcaption>'
        f'<div class="tf-drawing" style="min-height:{_height(spec):.0f}px"></div>'
        f'<script type="application/json">{embed(_compact(spec))}</script>'
        f'<div class="tf-below">{data}{"".join(links)}{below}</div></figure>'
    )
