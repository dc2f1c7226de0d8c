"""No table of a notebook shows a value from beyond what was measured, neither carried on nor held at the end.

Two scans. The stored tables are read back and held against the view `points` without the methods that made them. And
no notebook or method interpolates in any other way than by `pareto`, whose answers carry a status.
"""

import ast
import json
import re

import pytest
from conftest import PROJECT

from reportkit import plan
from tokenfactory import warehouse
from tokenfactory.methods.readings import _HOW
from tokenfactory.source import Project

NOTEBOOKS = [notebook.path for notebook in plan.notebooks(Project())]
KNOWN = {*_HOW.values(), *(f"{how}, across a wide gap" for how in _HOW.values())}
UNKNOWN = ("not measured", "at no common speed", "the same as ")
# Headers of what is derived from a throughput at a speed.
DERIVED = re.compile(r"USD per (Mtok|million)|tok/s per (GPU|MW)|GPUs per 1,000|% band|^Throughput$|cheaper$")
AS_IT_WAS = {"Tokens a second per user": "tok/s per user"}
OTHER_WAYS = {
    *("interp", "interp1d", "polyfit", "poly1d", "clip", "interpolate", "interpolate_by", "extrapolate"),
    *("CubicSpline", "PchipInterpolator", "Akima1DInterpolator", "forward_fill", "backward_fill", "ffill", "bfill"),
}
METHODS = sorted((PROJECT / "lib" / "tokenfactory" / "methods").glob("[a-z]*.py"))
# np.clip of a share or of a place in a grid; curves are the business of pareto alone
MAY_INTERPOLATE = {"pareto", "cache", "decode", "simulation"}


@pytest.fixture(scope="module")
def points():
    rows = warehouse.connect().query("SELECT * FROM points ORDER BY point_id").rows(named=True)
    return [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows]


def parsed(text):
    """The rows of a table in plain text, by header; empty for any other text."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    if len(lines) < 2:
        return []
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:] if len(row) == len(cells[0])]


def tables(notebook):
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            if rows := parsed("".join(output.get("data", {}).get("text/plain", ""))):
                yield rows


def parameters(notebook):
    cells = (cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", ()))
    body = ast.parse("".join(next(cells)["source"])).body
    return {line.target.id: ast.literal_eval(line.value) for line in body}


def silent_numbers(rows):
    """Rows that show a derived number although they say it is not known, or do not say how it is known."""
    for row in rows:
        shown = [v for header, v in row.items() if DERIVED.search(header) and v not in ("", "not measured")]
        if row.get("Known") == "–" and shown:
            yield row
        if how := row.get("How known"):
            shown = [v for header, v in row.items() if DERIVED.search(header) and v not in ("", "not measured")]
            is_known = set(how.split(" against ")) <= KNOWN
            if not is_known and (shown or not how.startswith(UNKNOWN)):
                yield row


def beyond(rows, asked, points):
    """Rows with a throughput of a system at a speed that no points of this way of serving enclose."""
    texts = {"Format": "precision", "Engine": "framework", "Date": "as_of"}
    for row in rows:
        row = {AS_IT_WAS.get(header, header): value for header, value in row.items()}
        if not {"System", "tok/s per user", "tok/s per GPU"} <= set(row) or row["tok/s per GPU"] == "not measured":
            continue
        way = {
            "gpu": row["System"].lower(),
            "model": asked["model"],
            "isl": str(asked["isl"]),
            "osl": str(asked["osl"]),
        }
        way |= {column: row[header].lower() for header, column in texts.items() if header in row}
        if "MTP" in row:
            way["spec_decoding"] = {"on": "mtp", "off": "none", "": "not stated"}[row["MTP"]]
        of_way = [point for point in points if all(point[column] == value for column, value in way.items())]
        speeds, tputs = (
            [float(point[column]) for point in of_way if point["interactivity_tok_per_s_per_user"]]
            for column in ("interactivity_tok_per_s_per_user", "total_tok_per_s_per_gpu")
        )
        speed, tput = (float(row[header].replace(",", "")) for header in ("tok/s per user", "tok/s per GPU"))
        # figures are printed with three digits
        if (
            not speeds
            or not min(speeds) / 1.005 <= speed <= max(speeds) * 1.005
            or (asked.get("token_scope") == "total" and not min(tputs) / 1.005 <= tput <= max(tputs) * 1.005)
        ):
            yield row


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_table_shows_what_was_not_measured(path, points):
    notebook = json.loads(path.read_text())
    asked = parameters(notebook)
    for rows in tables(notebook):
        assert list(silent_numbers(rows)) == []
        if {"model", "isl", "osl"} <= set(asked):
            assert list(beyond(rows, asked, points)) == []


def test_the_table_at_equal_speed_is_among_what_was_scanned():
    notebook = json.loads((PROJECT / "notebooks" / "04_cost_at_equal_speed.ipynb").read_text())
    scanned = [rows for rows in tables(notebook) if {"Known", "tok/s per GPU"} <= set(rows[0])]
    numbers = [row for rows in scanned for row in rows if re.search(r"\d", row["tok/s per GPU"])]
    assert len(scanned) >= 1 and len(numbers) >= 10


TABLE = """What it is
| tok/s per user | System | USD per Mtok | tok/s per GPU | Format | MTP | Engine | Date | How known |
|---|---|---|---|---|---|---|---|---|
| {speed} | X1 | {usd} | {tput} | FP8 | off |  | 2026-05-01 | {how} |
"""
ASKED = {"model": "m", "isl": 1024, "osl": 1024, "token_scope": "total"}


def made_point(speed, tput, **other):
    return {
        "gpu": "x1", "model": "m", "isl": "1024", "osl": "1024", "precision": "fp8", "spec_decoding": "none",
        "framework": "", "as_of": "2026-05-01", "interactivity_tok_per_s_per_user": str(speed),
        "total_tok_per_s_per_gpu": str(tput),
    } | other  # fmt: skip


MADE = [made_point(20, 400), made_point(40, 200), made_point(90, 100, precision="fp4")]


@pytest.mark.parametrize(
    ("speed", "usd", "tput", "how", "is_silent", "is_beyond"),
    [
        (30, "$1.00", "300", "interpolated", False, False),
        (20, "$1.00", "400", "measured", False, False),
        (50, "not measured", "not measured", "not measured: nearest point at 40.0", False, False),
        (50, "$1.00", "200", "interpolated", False, True),  # held at the last point
        (10, "$1.00", "500", "interpolated", False, True),  # carried on
        (80, "$1.00", "150", "interpolated", False, True),  # enclosed only by points of another format
        (30, "$1.00", "450", "interpolated", False, True),  # above every point of the way
        (50, "$1.00", "not measured", "not measured", True, False),
        (30, "$1.00", "300", "clamped", True, False),
    ],
)
def test_the_scan_finds_what_it_is_for(speed, usd, tput, how, is_silent, is_beyond):
    rows = parsed(TABLE.format(speed=speed, usd=usd, tput=tput, how=how))
    assert len(rows) == 1
    assert bool(list(silent_numbers(rows))) == is_silent
    assert bool(list(beyond(rows, ASKED, MADE))) == is_beyond


def called(text):
    calls = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    calls = (function for function in calls if getattr(getattr(function, "value", None), "id", "") != "pareto")
    return {getattr(function, "attr", getattr(function, "id", "")) for function in calls}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_interpolate_by_the_frontier_only(path):
    cells = json.loads(path.read_text())["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert not called(text) & OTHER_WAYS


@pytest.mark.parametrize("path", [p for p in METHODS if p.stem not in MAY_INTERPOLATE], ids=lambda path: path.stem)
def test_methods_interpolate_by_the_frontier_only(path):
    assert not called(path.read_text()) & OTHER_WAYS


def test_the_scan_of_calls_finds_what_it_is_for():
    assert called("np.interp(x, a, b)\nframe.select(pl.col('y').clip(0, 1))\nread(x)") & OTHER_WAYS == {
        "interp",
        "clip",
    }
