"""Cells of records as values of their fields' types, or a problem in words."""

import math
import re
from collections.abc import Mapping
from typing import Any

from tokenfactory.measurements import normalise
from tokenfactory.measurements.adapters import RowProblem

LONGEST_NAME = 1000  # characters of a text cell

# What drives a terminal or turns the direction of a text. Both Python and DuckDB read the pattern.
_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f" + "\u202a-\u202e\u2066-\u2069]"

_WHOLE = re.compile(r"[+-]?\d{1,18}(\.0+)?", re.ASCII)

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def _text(value: Any, name: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        raise RowProblem(name, "is not a text")
    if len(value) > LONGEST_NAME:
        raise RowProblem(name, f"is longer than {LONGEST_NAME} characters")
    if not value.isprintable() and (re.search(_CONTROL, value) or not _is_unicode(value)):
        raise RowProblem(name, "holds control characters")
    return value


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _whole(value: Any, name: str) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = int(value.strip().split(".")[0])
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise RowProblem(name, f"'{normalise.shown(value)}' is not a whole number")
    if not 0 <= value < 2**53:
        raise RowProblem(name, f"{normalise.shown(value)} is out of range")
    return value


def _number(value: Any, name: str) -> float:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise RowProblem(name, f"'{normalise.shown(value)}' is not a number; write it as in 1234.5")
    if (isinstance(value, int) and abs(value) > 2**1000) or not math.isfinite(value):
        raise RowProblem(name, f"{normalise.shown(value)} is not a finite number")
    if value < 0:
        raise RowProblem(name, f"{normalise.shown(value)} is negative")
    return float(value)


_CELLS = {"VARCHAR": _text, "BIGINT": _whole, "DOUBLE": _number, "BOOLEAN": normalise.flag, "DATE": normalise.day}


def typed(row: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    """The values that are there, each in the type of its field. Raises RowProblem for the first of no use."""
    result = {}
    for name, value in row.items():
        if name not in types:
            raise RowProblem(name, "is not a field of the schema")
        is_nan = isinstance(value, float) and math.isnan(value)  # no sample
        if value is not None and value != "" and not is_nan:
            result[name] = _CELLS[types[name]](value, name)
    return result
