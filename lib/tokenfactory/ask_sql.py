"""The answer of `tokenfactory sql`: a table for the terminal, CSV or JSON."""

import csv
import io
import json
import math
from collections.abc import Sequence
from decimal import Decimal

from reportkit import harmless
from tokenfactory.display import show
from tokenfactory.errors import ParameterError


def told(names: Sequence[str], rows: Sequence[Sequence], form: str) -> tuple[list[dict] | None, str]:
    """Rows for a program, where `form` is json, and as text: a `table`, `csv` or `json`."""
    if form == "json":
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ParameterError(f"the query gives the name '{twice}' to two columns, which JSON cannot keep apart")
        found = [dict(zip(names, map(_json_value, row), strict=True)) for row in rows]
        return found, json.dumps(found, default=str, allow_nan=False)
    if form == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(map(harmless.cell, names))
        writer.writerows([harmless.cell(_cell(value)) for value in row] for row in rows)
        return None, text.getvalue().removesuffix("\n")
    found = [dict(enumerate(map(_cell, row))) for row in rows]
    columns = {i: show.Column(_one_line(name), render=_one_line, missing="") for i, name in enumerate(names)}
    return None, show.table(found, columns, f"{len(rows):,} row{'s' * (len(rows) != 1)}").plain()


def _json_value(value):
    """A value as JSON has it: lists and records as they are, bytes as hexadecimal digits, and no bare NaN."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [_json_value(inner) for inner in value]
    return {str(k): _json_value(inner) for k, inner in value.items()} if isinstance(value, dict) else value


def _cell(value):
    """A value for one cell: lists and records become JSON, flags as in JSON."""
    value = _json_value(value) if isinstance(value, list | dict | bytes) else value
    return json.dumps(value, default=str) if isinstance(value, list | dict | bool) else value


def _one_line(value) -> str:
    return harmless.one_line(str(value))
