"""Questions that validation lets through, drawn from what the data know, and notebooks run with them in this process.

In a process that has everything imported a notebook takes about half a second, a kernel of its own three.
"""

import ast
import json
import math
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from random import Random

import altair as alt
from IPython import display as ipython

from reportkit.plan import Job, Notebook, Parameter, notebooks
from tokenfactory.errors import TokenFactoryError
from tokenfactory.source import SOURCE, Project, check_against_data

NOTEBOOKS = tuple(notebooks(Project()))
WAYS = "SELECT DISTINCT model, isl, osl, gpu FROM points ORDER BY model, isl, osl, gpu"
# Numbers that are allowed and that nobody would type, and between them what somebody might: lowest, highest.
ODD = {
    "tok": (1, 10_000_000), "tok/s/user": (1e-3, 1e6), "mw": (1e-3, 1e6), "frac": (1e-6, 1.0), "share": (0, 1),
    "0..1": (0, 1), "usd": (0, 1e6), "usd/kwh": (0, 10), "s": (0, 1e5), "day": (0, 100_000), "unit": (0, 1000),
    "mtok/day": (1e-3, 9e8),
    "tok/day": (1, 1e15), "sigma": (0, 5), "rho": (-0.999, 0.999), "1": (1, 1000), "B": (0.5, 8),
}  # fmt: skip
USUAL = {
    "tok": (128, 131_072), "tok/s/user": (5, 400), "mw": (0.5, 500), "frac": (0.05, 1), "share": (0, 1), "0..1": (0, 1),
    "usd": (0.05, 10), "usd/kwh": (0.03, 0.3), "s": (0.01, 60), "day": (1, 400), "unit": (0, 5), "mtok/day": (1, 1e7),
    "tok/day": (1e6, 1e13),
    "sigma": (0, 0.5), "rho": (-0.9, 0.9), "1": (1, 64), "B": (1, 2),
}  # fmt: skip


def shown(notebook: Notebook, /, **parameters) -> dict[str, list]:
    """What the cells of a notebook show, by their tag, with these parameters."""
    names, found = {"display": _display}, {}
    for tag, body, last in _cells(notebook.path):
        exec(body, names)
        if tag == "parameters":
            assert parameters.keys() <= names.keys()
            names |= parameters
        value = eval(last, names) if last else None
        if value is not None:
            found.setdefault(tag, []).append(_rendered(value))
    return found


def _display(*values) -> None:
    for value in values:
        _rendered(value)


def _rendered(value) -> str:
    """What a page is made of; a chart as its specification."""
    if isinstance(value, alt.TopLevelMixin):
        return json.dumps(value.to_dict())
    bundle = getattr(value, "_repr_mimebundle_", None) or getattr(value, "_repr_html_", None)
    return str(bundle()) if bundle and not isinstance(value, ipython.DisplayObject) else str(value)


@cache
def _cells(path: Path) -> list[tuple]:
    """Tag, code and last expression of each code cell."""
    found = []
    for cell in json.loads(path.read_text())["cells"]:
        if cell["cell_type"] == "code":
            body = ast.parse("".join(cell["source"]))
            last = body.body.pop() if isinstance(body.body[-1], ast.Expr) else None
            place = f"{path.stem}, cell {cell['id']}"
            code = compile(ast.Expression(last.value), place, "eval") if last else None
            found.append((cell["metadata"]["tags"][0], compile(body, place, "exec"), code))
    return found


BOOK_DAYS = ("2026-04-15", "2026-07-31", "2026-09-08", "2026-11-24")


def draw(chance: Random, notebook: Notebook, db) -> dict:
    """Parameters for a notebook: half of the questions are about something measured, the others about anything."""
    values = {}
    if chance.random() < 0.6:
        model, isl, osl, _ = chance.choice(db.query(WAYS).rows())
        gpus = [row[3] for row in db.query(WAYS).rows() if row[:3] == (model, isl, osl)]
        values = {
            "model": model,
            "isl": isl,
            "osl": osl,
            "subject": chance.choice(gpus),
            "baseline": chance.choice(gpus),
        }
    drawn = {name: values.get(name, _value(chance, p, db)) for name, p in notebook.parameters.items()}
    return {name: value for name, value in drawn.items() if name in values or chance.random() < 0.7}


def _value(chance: Random, parameter: Parameter, db):
    kind = parameter.kind
    if parameter.type is bool:
        return chance.random() < 0.5
    if kind == "date":  # most days have no price of a GPU: a report does not start with them
        return chance.choice([*["latest"] * 4, *BOOK_DAYS, str(date(2025, 1, 1) + timedelta(chance.randrange(900)))])
    if kind == "token_scope":
        return chance.choice(["total", "output", "input"])
    if parameter.type is str:
        usual = [parameter.default] * (4 if kind.endswith("_basis") else 0)  # few GPUs have a price on every basis
        return chance.choice([*usual, *db.vocabulary(kind)])
    about = max(abs(parameter.default), 1)  # of a kind that is not listed: ten times less to ten times more
    low, high = (ODD if chance.random() < 0.2 else USUAL).get(kind, (about / 10, about * 10))
    if chance.random() < 0.1:
        value = chance.choice([low, high])
    elif low > 0 and high / low > 20:
        value = math.exp(chance.uniform(math.log(low), math.log(high)))
    else:
        value = chance.uniform(low, high)
    return parameter.type(value)


def is_legal(notebook: Notebook, parameters: dict, db) -> bool:
    """Whether a report starts with them, as it does not where a price of the day is missing."""
    try:
        values = {name: notebook.parameters[name].convert(value, SOURCE.kinds) for name, value in parameters.items()}
        check_against_data([Job(notebook, "default", values)], db)
    except (TokenFactoryError, ValueError):
        return False
    gpus = [parameters.get(n, p.default) for n, p in notebook.parameters.items() if p.kind == SOURCE.compared]
    return len(set(gpus)) == len(gpus)
