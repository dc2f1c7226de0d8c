"""A build-up as a workbook that computes: inputs that a reader may change, and formulas that lead from them to results.

A notebook calls the library's own formulas with cells in the place of numbers. As their bodies are arithmetic, what
comes back knows how it came about, so the formulas of the workbook are those of the library and are written nowhere
else. The workbook is only described here; the report makes the file.

    book = Workbook("What an hour costs", {"gb300": "GB300", "h200": "H200"})
    price = book.inputs("usd_per_gpu", "Price of a GPU", {"gb300": {"value": 61_556, "unit": "usd"}, ...})
    book.line("cost", "A million tokens", "usd/mtok", {gpu: cost.usd_per_mtok(...) for gpu in ...}, is_result=True)
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from reportkit import outputs
from tokenfactory.display import show
from tokenfactory.errors import ParameterError

MIME = outputs.mime("model")
ALL = outputs.ALL

# How tightly the parts of a formula hold together. Spreadsheets read -a^2 and a^b^c otherwise than Python does, so
# signs and powers are written with brackets wherever the two could differ.
_COMPARE, _ADD, _MULTIPLY, _POWER, _ATOM = range(5)


def _number(value: float) -> Cell:
    return Cell(f"{value:.15g}", float(value), _ATOM if value >= 0 else _ADD)


def _operators(sign: str, binding: int) -> tuple[Callable, Callable]:
    """An operator of cells, and the same with the cell at its right."""
    return (
        lambda self, other: self._with(sign, other, binding),
        lambda self, other: self._with(sign, other, binding, is_left=False),
    )


class Cell:
    """A number that remembers how it was computed: `value`, and `formula` with cells as {name@column}."""

    __array_ufunc__ = None  # NumPy leaves the operators below to us
    __hash__ = None

    def __init__(self, formula: str, value: float, binding: int = _ATOM):
        self.formula, self.value, self._binding = formula, value, binding

    def _text(self, least: int) -> str:
        return self.formula if self._binding >= least else f"({self.formula})"

    def _with(self, sign: str, other, binding: int, *, is_left: bool = True) -> Cell:
        if not isinstance(other, Cell):
            if not isinstance(other, int | float):
                return NotImplemented
            other = _number(other)
        left, right = (self, other) if is_left else (other, self)
        value = _COMPUTED[sign](left.value, right.value)
        if (simple := _simpler(sign, left, right)) is not None:
            return simple
        is_strict = sign in "-/^="
        texts = left._text(binding + (sign in "^=")), right._text(binding + is_strict)
        return Cell(sign.join(texts), value, binding)

    __add__, __radd__ = _operators("+", _ADD)
    __sub__, __rsub__ = _operators("-", _ADD)
    __mul__, __rmul__ = _operators("*", _MULTIPLY)
    __truediv__, __rtruediv__ = _operators("/", _MULTIPLY)
    __pow__, __rpow__ = _operators("^", _POWER)
    __eq__, _ = _operators("=", _COMPARE)

    def __neg__(self):
        return Cell(f"(-{self._text(_ATOM)})", -self.value)

    def __bool__(self):
        raise TypeError("a formula of a workbook cannot decide: only arithmetic can be written into cells")


_COMPUTED = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "^": operator.pow}
_COMPUTED["="] = lambda a, b: float(a == b)


def _simpler(sign: str, left: Cell, right: Cell) -> Cell | None:
    """What a person would write in the place of x + 0, 1 x, x / 1 or 1 + 0."""
    is_plain = all("{" not in cell.formula for cell in (left, right))
    if is_plain:
        return _number(_COMPUTED[sign](left.value, right.value))
    if (sign in "+-" and right.formula == "0") or (sign in "*/" and right.formula == "1"):
        return left
    if (sign == "+" and left.formula == "0") or (sign == "*" and left.formula == "1"):
        return right
    return None


class Workbook(show.Output):
    """A workbook, put together row by row.

    Parameters
    ----------
    about : what it computes, in a few words
    columns : the systems, or other things, that are computed side by side, and how each is called
    """

    kind = "model"

    def __init__(self, about: str, columns: Mapping[str, str]):
        self.about, self.columns = about, dict(columns)
        self._inputs: list[dict] = []
        self._lines: list[dict] = []
        self._choices: list[dict] = []
        self._sentence = ""

    def inputs(
        self, name: str, label: str, rows: Mapping, unit: str = "", *, is_shared: bool = True
    ) -> dict[str, Cell]:
        """A row of inputs: for each column a number, or a row of the data with its value, unit, range and source.

        Where the rows of all columns are the same there is one cell for all of them, unless `is_shared` is false.
        Returns the cells by column.
        """
        rows = {c: dict(row) if isinstance(row, Mapping) else {"value": row} for c, row in rows.items()}
        if not rows:
            return {}
        first = next(iter(rows.values()))
        if is_shared and len(rows) == len(self.columns) > 1 and all(row == first for row in rows.values()):
            rows = {ALL: first}
        kept = ("value", "low", "high", "status", "as_of", "source_url", "note")
        told = {c: {k: _plain(row[k]) for k in kept if row.get(k) is not None} for c, row in rows.items()}
        self._add(self._inputs, {"name": name, "label": label, "unit": first.get("unit") or unit, "cells": told})
        cells = {c: Cell(f"{{{name}@{c}}}", float(row["value"])) for c, row in rows.items()}
        return dict.fromkeys(self.columns, cells[ALL]) if ALL in cells else cells

    def line(
        self, name: str, label: str, unit: str, formulas: Mapping[str, Cell], *, is_result: bool = False
    ) -> dict[str, Cell]:
        """A row that is computed, for some or all columns. Returns its cells by column, to compute with."""
        if not formulas:
            return {}
        # Twelve digits, since a page and a spreadsheet must compute the same to a part in a thousand million.
        told = {c: {"formula": cell.formula, "value": float(f"{cell.value:.12g}")} for c, cell in formulas.items()}
        self._add(self._lines, {"name": name, "label": label, "unit": unit, "is_result": is_result, "cells": told})
        return {c: Cell(f"{{{name}@{c}}}", cell.value) for c, cell in formulas.items()}

    def choice(self, name: str, label: str, options: Sequence[tuple[str, str, Mapping[str, float]]]) -> None:
        """A list to choose from, whose options set cells of inputs; the first one is what the inputs hold now.

        Parameters
        ----------
        options : the group it is shown in, its words, and the value of each cell that it sets, as "name@column"
        """
        held = {f"{row['name']}@{c}": cell["value"] for row in self._inputs for c, cell in row["cells"].items()}
        first = options[0][2] if options else {}
        if unknown := {cell for *_, cells in options for cell in cells} - held.keys():
            raise ParameterError(f"{name}: the workbook has no input {min(unknown)!r}")
        if any(cells.keys() != first.keys() for *_, cells in options):
            raise ParameterError(f"{name}: every option must set the same cells")
        if wrong := [cell for cell, value in first.items() if held[cell] != value]:
            raise ParameterError(f"{name}: the first option must be what the inputs hold, {wrong[0]} is not")
        told = [{"group": group, "label": words, "cells": dict(cells)} for group, words, cells in options]
        self._choices.append({"name": name, "label": label, "options": told})

    def sentence(self, text: str) -> None:
        """What the results say in words, with cells as {name@column} and choices as {name}; it changes with them.

        Raises
        ------
        ParameterError : the workbook has no such cell or choice, which a reader would see in braces
        """
        rows = [f"{row['name']}@{c}" for row in self._inputs + self._lines for c in row["cells"]]
        named = set(re.findall(r"\{([^{}|]+)", text))
        if unknown := named - {*rows, *(choice["name"] for choice in self._choices)}:
            raise ParameterError(f"{self.about}: the sentence names {min(unknown)!r}, which the workbook has not")
        self._sentence = text

    def _add(self, rows: list[dict], row: dict) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", row["name"]) or any(
            row["name"] == other["name"] for other in self._inputs + self._lines
        ):
            raise ParameterError(f"{row['name']!r} is not the name of a new row of a workbook")
        if unknown := set(row["cells"]) - {*self.columns, ALL}:
            raise ParameterError(f"{row['name']}: the workbook has no column {min(unknown)!r}")
        rows.append(row)

    def data(self) -> dict:
        parts = {"about": self.about, "columns": self.columns, "inputs": self._inputs, "lines": self._lines}
        return parts | {"choices": self._choices, "sentence": self._sentence}


def _plain(value):
    return value.isoformat() if isinstance(value, date) else value
