"""How a notebook shows its result: the answer, headline numbers, tables and provenance.

Each is an object that a cell ends with. It displays the same way in JupyterLab, in a report and as
plain text, has no random ids and no truncation, and so can be compared by nbval. Text that comes
from data is escaped here and nowhere else.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from reportkit import outputs
from reportkit.evidence import ways as known  # noqa: F401  (notebooks take it from here)
from reportkit.text import NOT_MEASURED, number, said, steady
from reportkit.text import or_missing as _text
from reportkit.text import words as _words

# Numbers as text. None and NaN are "not measured", never zero and never a blank.

_SPOKEN = {"rental_1yr": "one-year rent", "rental_3yr": "three-year rent"}


def words(key: str) -> str:
    """A key of the data as a person says it.

    >>> words("rental_3yr"), words("owning_hyperscaler")
    ('three-year rent', 'owning hyperscaler')
    """
    return _SPOKEN.get(key) or _words(key)


def usd(value: float | None, digits: int = 3) -> str:
    """Money: at least cents, and `digits` significant digits below a dollar: 0.12342 -> $0.123."""

    def render(v):
        decimals = 2 if abs(v) >= 1 or v == 0 else max(2, digits - 1 - math.floor(math.log10(abs(v))))
        return f"{'-' if v < 0 else ''}${abs(v):,.{decimals}f}"

    return _text(value, render)


def times(value: float | None, digits: int = 3) -> str:
    """A ratio: 63.59 -> 63.6x."""
    return _text(value, lambda v: number(v, digits) + "x")


def percent(value: float | None, decimals: int = 0) -> str:
    """A fraction as percent: 0.6 -> 60%."""
    return _text(value, lambda v: f"{100 * v:.{decimals}f}%")


def digits(count: int, render: Callable[..., str] = number) -> Callable[..., str]:
    """`render` with `count` significant digits, for a column: digits(4) shows 5.65611 as 5.656."""
    return partial(render, digits=count)


def short(value: float | None) -> str:
    """A large count, cut to three digits: 5970260 -> 5.97M."""

    def render(v):
        for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
            if abs(v) >= size:
                return number(v / size) + letter
        return number(v)

    return _text(value, render)


class Amount(float):
    """A number of a unit of the data, shown as people say it.

    >>> str(Amount(0.94, "frac")), str(Amount(30, "kw")), Amount(0.94, "frac") == 0.94
    ('94%', '30 kW', True)
    """

    def __new__(cls, value: float, unit: str):
        made = super().__new__(cls, value)
        made.unit = unit
        return made

    def __str__(self) -> str:
        return said(self.unit, float(self))


def between(low: float | None, high: float | None, render: Callable[[float], str] = number) -> str:
    """An interval: 63.1 to 64.3; of ends that look alike one, and what follows both numbers once.

    >>> between(1, 2), between(0.5, 0.5, percent), between(3, 6, "{} years".format)
    ('1 to 2', '50%', '3 to 6 years')
    """
    if low is None or high is None:
        return NOT_MEASURED
    first, last = render(low), render(high)
    number_, _, unit = first.partition(" ")
    return first if first == last else f"{number_ if unit and last.endswith(f' {unit}') else first} to {last}"


# Outputs


class Output:
    """Something a cell shows: `kind` of `reportkit.outputs`, and its data."""

    kind: str

    def data(self) -> dict:
        raise NotImplementedError

    def plain(self) -> str:
        """What a terminal shows."""
        return outputs.to_text(self.kind, self.data())

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return outputs.bundle(self.kind, self.data())


class flip(str):
    """A sentence of an answer that says what would flip it: the summary has it beside the first."""


@dataclass(frozen=True)
class answer(Output):
    """The answer in one to three sentences; **words** are bold.

    Sentences are built from numbers by the cell, so they change when the numbers do. `finding` is the same in one line:
    the headline of the page, above the question that it answers.
    """

    sentences: Sequence[str]
    finding: str = ""
    kind = "answer"

    def data(self) -> dict:
        told = outputs.sentences(self.sentences, [s for s in self.sentences if isinstance(s, flip)])
        return told | {"finding": self.finding} if self.finding else told


@dataclass(frozen=True)
class note(answer):
    """A remark under a table or chart, in a quieter voice."""

    kind = "note"


@dataclass(frozen=True)
class Headline:
    """One number a report leads with.

    `key` is its name for ever (a changed definition gets a new key), `text` the number as printed,
    `note` the conditions without which it must not be quoted. `evidence` says how what it rests on is known, from
    `known`; where it is empty, a report tells how everything is known that the cell reads.
    """

    key: str
    label: str
    value: float | None
    unit: str
    text: str
    note: str = ""
    evidence: Sequence[str] = ()


@dataclass(frozen=True)
class headlines(Output):
    """The headline numbers of a notebook: tiles in its report and on the index, rows in headline_numbers.csv."""

    items: Sequence[Headline]
    kind = "headlines"

    def data(self) -> dict:
        # A kernel sends what JSON has no number for as text.
        values = [h.value if h.value is not None and math.isfinite(h.value) else None for h in self.items]
        values = [None if value is None else float(f"{value:.6g}") for value in values]
        told = zip(self.items, values, strict=True)
        return {"headlines": [asdict(h) | {"value": v, "evidence": [*h.evidence] * (v is not None)} for h, v in told]}


@dataclass(frozen=True)
class Column:
    """One column of a table: its header, how a cell is rendered, and what a missing value says.

    `is_number` aligns it right; by default that is so for the renderers above and for plain numbers. `unit` is that of
    the values, by which a workbook prints them; by default that of the renderer. `on_page` False: the column is in the
    file beside a page and in the workbook, and a page shows it when asked.
    """

    header: str
    render: Callable[..., str] = str
    missing: str = NOT_MEASURED
    is_number: bool | None = None
    unit: str | None = None
    on_page: bool = True


@dataclass(frozen=True)
class Link:
    """A cell that links to its source. Only web addresses become links."""

    text: str
    url: str

    def __str__(self) -> str:
        return self.text


def source(url: str | None) -> Link | None:
    """A source column's cell: the site's name, linked to the page."""
    if not url:
        return None
    host = url.split("/")[2] if url.startswith(("https://", "http://")) else url.split(":")[0]
    return Link(host.removeprefix("www."), url)


_UNITS = {number: "", short: "", usd: "usd", times: "x", percent: "frac"}


@dataclass(frozen=True)
class table(Output):
    """A table: a caption that says what it shows, a header per column, a row header per row.

    `rows` is any iterable of mappings (`frame.iter_rows(named=True)` of a Polars frame), `columns` maps a
    row's key to a header or a `Column`. The first column is the row's header.
    """

    rows: Iterable[Mapping]
    columns: Mapping[str, str | Column]
    caption: str
    note: str = ""
    kind = "table"

    def __post_init__(self):
        rows = self.rows.iter_rows(named=True) if hasattr(self.rows, "iter_rows") else self.rows
        object.__setattr__(self, "rows", [dict(row) for row in rows])
        columns = {key: c if isinstance(c, Column) else Column(c) for key, c in self.columns.items()}
        object.__setattr__(self, "columns", columns)

    def data(self) -> dict:
        columns = [
            {"key": key, "header": c.header, "unit": self._unit(c), "is_number": self._is_number(key)}
            | ({} if c.on_page else {"on_page": False})
            for key, c in self.columns.items()
        ]
        rows = [[self._cell(row[key], column) for key, column in self.columns.items()] for row in self.rows]
        return outputs.table(self.caption, columns, rows, self.note)

    def _unit(self, column: Column) -> str:
        return _UNITS.get(_renderer(column), "") if column.unit is None else column.unit

    def _is_number(self, key: str) -> bool:
        column = self.columns[key]
        if column.is_number is not None:
            return column.is_number
        values = [row[key] for row in self.rows if row[key] is not None]
        return _renderer(column) in _UNITS or (bool(values) and all(isinstance(v, int | float) for v in values))

    def _cell(self, value, column: Column) -> str | dict:
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return column.missing
        if isinstance(value, Link):
            return {"text": value.text, "url": value.url}
        text = str(column.render(value))
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isinf(value):
            return text
        return {"text": text, "value": value if isinstance(value, int) else steady(value)}


def _renderer(column: Column) -> Callable:
    return column.render.func if isinstance(column.render, partial) else column.render


@dataclass(frozen=True)
class provenance(Output):
    """Where the numbers of a notebook come from: one row per table read, with rows used and their fingerprint."""

    rows: Sequence[Mapping]
    kind = "provenance"

    def data(self) -> dict:
        return {"rows": [dict(row) for row in self.rows]}
