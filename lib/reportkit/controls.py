"""A model of a page as controls that compute in the browser, without a kernel and without the network.

The formulas are those that the notebook wrote into its model (and that its workbook has); here they are only taken
apart into steps that a few lines of script can follow. Nothing is written twice.

>>> steps("{price@a}*1000000/(3600*{rate@a})")
['price@a', 1000000.0, '*', 3600.0, 'rate@a', '*', '/']
"""

from __future__ import annotations

import ast
import html
import json
import re
from collections.abc import Mapping, Sequence
from math import isclose
from pathlib import Path

from reportkit.errors import DataError
from reportkit.text import unit_words

SCRIPT = (Path(__file__).parent / "templates" / "controls.js").read_text(encoding="utf-8")
MOST_INPUTS, MOST_RESULTS = 9, 8  # that stand below each other, results beside inputs
_SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "^"}
_CELL = re.compile(r"\{([^{}]+)\}")


def steps(formula: str) -> list[str | float]:
    """A formula in the order in which it is worked out: numbers and cells, then what to do with the last two."""
    cells = list(dict.fromkeys(_CELL.findall(formula)))
    text = _CELL.sub(lambda found: f"cell_{cells.index(found[1])}", formula).replace("^", "**").replace("=", "==")
    try:
        return list(_walk(ast.parse(text, mode="eval").body, cells))
    except (SyntaxError, KeyError, IndexError, ValueError):
        raise DataError("controls", f"{formula[:60]!r} is not arithmetic on cells of the model") from None


def _walk(node: ast.AST, cells: list[str]):
    match node:
        case ast.Constant(value=int() | float() as value):
            yield float(value)
        case ast.Name(id=name):
            yield cells[int(name.removeprefix("cell_"))]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield 0.0
            yield from _walk(operand, cells)
            yield "-"
        case ast.BinOp(left=left, op=op, right=right):
            yield from _walk(left, cells)
            yield from _walk(right, cells)
            yield _SIGNS[type(op)]
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            yield from _walk(left, cells)
            yield from _walk(right, cells)
            yield "="
        case _:
            raise ValueError


def program(model: Mapping) -> dict:
    """What the script needs of a model: values of input cells, lines as steps, what can be chosen, its sentence."""
    given = {f"{row['name']}@{c}": cell["value"] for row in model["inputs"] for c, cell in row["cells"].items()}
    lines = [
        {"cell": f"{row['name']}@{c}", "unit": row["unit"], "steps": steps(cell["formula"])}
        for row in model["lines"]
        for c, cell in row["cells"].items()
    ]
    choices = {
        choice["name"]: [{"label": option["label"], "cells": option["cells"]} for option in choice["options"]]
        for choice in model.get("choices", ())
    }
    return {"given": given, "lines": lines, "choices": choices, "sentence": model.get("sentence", "")}


def tiles(model: Mapping, headlines: Sequence[Mapping]) -> dict[str, str]:
    """The headline numbers of a page that a line of its model gives, by their keys: they move with the controls."""
    lines = [(row, f"{row['name']}@{c}", cell) for row in model["lines"] for c, cell in row["cells"].items()]
    return {
        h["key"]: key
        for row, key, cell in lines
        for h in headlines
        if h["value"] is not None and h["unit"] == row["unit"] and isclose(h["value"], cell["value"], rel_tol=1e-5)
    }


def to_html(model: Mapping, name: str, headlines: Sequence[Mapping] = (), key: str = "") -> str:
    """The form: an input for every cell, ranges as sliders, choices as lists, and beside them the results.

    `headlines` are those of its page: what the model gives of them moves, and the rest is greyed. `key` is that of the
    model's cell, for a page which does not give it.
    """
    columns = dict(model["columns"]) | {"all": ""}
    ranged, others = [], []
    for row in model["inputs"]:
        for column, cell in row["cells"].items():
            low, high = cell.get("low"), cell.get("high")
            is_ranged = isinstance(low, int | float) and isinstance(high, int | float) and low < high
            (ranged if is_ranged else others).append(_input(row, column, columns[column], cell, is_ranged))
    ranged = [_choice(choice) for choice in model.get("choices", ())] + ranged
    results = [
        f"<div><dt>{html.escape(_of(columns[column], row['label']))}{_small(row['unit'])}</dt>"
        f'<dd><output name="{html.escape(row["name"])}@{html.escape(column)}"></output></dd></div>'
        for row in model["lines"]
        if row["is_result"]
        for column in row["cells"]
    ]
    kept = f' data-k="{html.escape(key)}"' if key else ""
    told = html.escape(json.dumps(program(model) | {"tiles": tiles(model, headlines)}, sort_keys=True), quote=True)
    more = (
        f"<details><summary>More inputs</summary>{''.join(others)}</details>" if others and ranged else "".join(others)
    )
    many = " many" if len(ranged) > MOST_INPUTS or len(results) > MOST_RESULTS else ""
    return (
        f'<form class="tf-controls{many}" aria-label="{html.escape(model["about"])}: your own numbers" '
        f'data-model="{told}" data-page="{html.escape(name)}"{kept}><p class="tf-said" aria-live="polite"></p>'
        f"<fieldset><legend>Try your own numbers</legend>{''.join(ranged)}{more}"
        f'<button type="reset">Back to this report\'s numbers</button></fieldset>'
        f'<dl aria-live="polite">{"".join(results)}</dl></form>'
    )


def _small(unit: str) -> str:
    """The unit of a result, where its number does not carry it."""
    is_carried = unit in ("", "1", "frac") or unit.startswith("usd")
    return "" if is_carried else f" <small>{html.escape(unit_words(unit))}</small>"


def _of(system: str, label: str) -> str:
    """What a number is of: GB300, price of an hour."""
    if not system:
        return f"{label[:1].upper()}{label[1:]}"
    return f"{system}, {label if label[1:2].isupper() else label[:1].lower() + label[1:]}"  # PUE stays PUE


def _input(row: Mapping, column: str, system: str, cell: Mapping, is_ranged: bool) -> str:
    label, times = _of(system, row["label"]), 100 if row["unit"] == "frac" else 1
    value, key = cell["value"] * times, html.escape(f"{row['name']}@{column}")
    unit = unit_words(row["unit"])
    shown = (
        f'<input type="number" name="{key}" value="{value:.6g}" step="any" inputmode="decimal" data-times="{times}">'
    )
    if is_ranged:
        low, high = min(cell["low"], cell["value"]) * times, max(cell["high"], cell["value"]) * times
        shown += (
            f'<input type="range" data-of="{key}" min="{low:.6g}" max="{high:.6g}" step="any" value="{value:.6g}" '
            f'aria-label="{html.escape(label)}, slider">'
        )
    small = f" <small>{html.escape(unit)}</small>" if unit else ""
    return f"<label><span>{html.escape(label)}{small}</span>{shown}</label>"


def _choice(choice: Mapping) -> str:
    groups: dict[str, list[str]] = {}
    for number, option in enumerate(choice["options"]):
        groups.setdefault(option["group"], []).append(
            f'<option value="{number}">{html.escape(option["label"])}</option>'
        )
    listed = "".join(
        f'<optgroup label="{html.escape(group)}">{"".join(options)}</optgroup>' if group else "".join(options)
        for group, options in groups.items()
    )
    select = f'<select name="{html.escape(choice["name"])}">{listed}</select>'
    return f'<label class="choice"><span>{html.escape(choice["label"])}</span>{select}</label>'
