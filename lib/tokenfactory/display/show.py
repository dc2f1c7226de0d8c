"""How a notebook shows its result: the answer, headline numbers, tables and provenance.

Each is an object that a cell ends with. It displays the same way in JupyterLab, in a report and as
plain text, has no random ids and no truncation, and so can be compared by nbval. Text that comes
from data is escaped here and nowhere else.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

HEADLINES_MIME = "application/vnd.tokenfactory.headlines+json"
PROVENANCE_MIME = "application/vnd.tokenfactory.provenance+json"
NOT_MEASURED = "not measured"


# Numbers as text. None and NaN are "not measured", never zero and never a blank.


def _text(value, render: Callable[[float], str]) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NOT_MEASURED
    return render(value)


def number(value: float | None, digits: int = 3) -> str:
    """`value` with `digits` significant digits, its whole part never cut: 5970.26 -> 5,970. A count is itself."""

    def render(v):
        if isinstance(v, int):
            return f"{v:,}"
        decimals = 0 if v == 0 else max(0, digits - 1 - math.floor(math.log10(abs(v))))
        return f"{v:,.{decimals}f}"

    return _text(value, render)


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
    """A fraction as percent: 0.6 -> 60 %."""
    return _text(value, lambda v: f"{100 * v:.{decimals}f} %")


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


def between(low: float | None, high: float | None, render: Callable[[float], str] = number) -> str:
    """An interval: 63.1 to 64.3."""
    return NOT_MEASURED if low is None or high is None else f"{render(low)} to {render(high)}"


# Outputs


def _bold(text: str) -> str:
    """Escape `text` for HTML; **words** become bold."""
    parts = html.escape(str(text)).split("**")
    return "".join(f"<strong>{part}</strong>" if i % 2 else part for i, part in enumerate(parts))


class Output:
    """Something a cell shows. Subclasses say how as HTML and as plain text."""

    def _html(self) -> str:
        raise NotImplementedError

    def _plain(self) -> str:
        raise NotImplementedError

    def _more(self) -> dict:
        return {}

    def plain(self) -> str:
        """What a terminal shows."""
        return self._plain()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"text/html": self._html(), "text/plain": self._plain(), **self._more()}


class flip(str):
    """A sentence of an answer that says what would flip it: the summary has it beside the first."""


@dataclass(frozen=True)
class answer(Output):
    """The answer in one to three sentences; **words** are bold.

    Sentences are built from numbers by the cell, so they change when the numbers do.
    """

    sentences: Sequence[str]
    finding: str = ""

    def _html(self) -> str:
        kinds = [' class="tf-flip"' if isinstance(s, flip) else "" for s in self.sentences]
        sentences = (f"<p{kind}>{_bold(s)}</p>" for kind, s in zip(kinds, self.sentences, strict=True))
        return f'<div class="tf-answer">{"".join(sentences)}</div>'

    def _plain(self) -> str:
        return "\n".join(s.replace("**", "") for s in self.sentences)


@dataclass(frozen=True)
class note(answer):
    """A remark under a table or chart, in a quieter voice."""

    def _html(self) -> str:
        return f'<div class="tf-note">{"".join(f"<p>{_bold(s)}</p>" for s in self.sentences)}</div>'


@dataclass(frozen=True)
class Headline:
    """One number a report leads with.

    `key` is its name for ever (a changed definition gets a new key), `text` the number as printed,
    `note` the conditions without which it must not be quoted.
    """

    key: str
    label: str
    value: float | None
    unit: str
    text: str
    note: str = ""


@dataclass(frozen=True)
class headlines(Output):
    """The headline numbers of a notebook: tiles in its report and on the index, rows in headline_numbers.csv."""

    items: Sequence[Headline]

    def _html(self) -> str:
        tiles = "".join(
            f'<div class="tf-tile"><div class="tf-tile-label">{_bold(h.label)}</div>'
            f'<div class="tf-tile-value">{_bold(h.text)}</div><div class="tf-tile-note">{_bold(h.note)}</div></div>'
            for h in self.items
        )
        return f'<div class="tf-tiles">{tiles}</div>'

    def _plain(self) -> str:
        return "\n".join(f"{h.label}: {h.text}" + (f" ({h.note})" if h.note else "") for h in self.items)

    def _more(self) -> dict:
        rows = [{**asdict(h), "value": None if h.value is None else float(f"{h.value:.6g}")} for h in self.items]
        return {HEADLINES_MIME: {"headlines": rows}}


@dataclass(frozen=True)
class Column:
    """One column of a table: its header, how a cell is rendered, and what a missing value says.

    `is_number` aligns it right; by default that is so for the renderers above and for plain numbers.
    """

    header: str
    render: Callable[..., str] = str
    missing: str = NOT_MEASURED
    is_number: bool | None = None


@dataclass(frozen=True)
class Link:
    """A cell that links to its source. Only web addresses become links."""

    text: str
    url: str

    def html(self) -> str:
        if not self.url.startswith(("https://", "http://")):
            return html.escape(self.text)
        return f'<a href="{html.escape(self.url, quote=True)}">{html.escape(self.text)}</a>'

    def __str__(self) -> str:
        return self.text


def source(url: str | None) -> Link | None:
    """A source column's cell: the site's name, linked to the page."""
    if not url:
        return None
    host = url.split("/")[2] if url.startswith(("https://", "http://")) else url.split(":")[0]
    return Link(host.removeprefix("www."), url)


def words(key: str) -> str:
    """A key of the data in words: owning_hyperscaler -> owning hyperscaler, critical_it -> critical IT."""
    plain = key.replace("_", " ").replace("allin ", "all-in ")
    return re.sub(r"\b(it|tdp)$", lambda match: match[0].upper(), plain)


_NUMERIC = (number, short, usd, times, percent)


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

    def __post_init__(self):
        rows = self.rows.iter_rows(named=True) if hasattr(self.rows, "iter_rows") else self.rows
        object.__setattr__(self, "rows", [dict(row) for row in rows])
        columns = {key: c if isinstance(c, Column) else Column(c) for key, c in self.columns.items()}
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "_numbers", {key for key in columns if self._is_number(key)})

    def _is_number(self, key: str) -> bool:
        column = self.columns[key]
        if column.is_number is not None:
            return column.is_number
        values = [row[key] for row in self.rows if row[key] is not None]
        render = column.render.func if isinstance(column.render, partial) else column.render
        return render in _NUMERIC or (bool(values) and all(isinstance(v, int | float) for v in values))

    def _cell(self, row: Mapping, key: str) -> str | Link:
        value, column = row[key], self.columns[key]
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return column.missing
        return value if isinstance(value, Link) else column.render(value)

    def _html(self) -> str:
        def cell(tag, content, key, scope=""):
            attributes = f' scope="{scope}"' if scope else ""
            attributes += ' class="tf-number"' if key in self._numbers else ""
            return f"<{tag}{attributes}>{content.html() if isinstance(content, Link) else _bold(content)}</{tag}>"

        first, *_ = self.columns
        head = "".join(cell("th", c.header, key, "col") for key, c in self.columns.items())
        body = "".join(
            "<tr>"
            + "".join(
                cell("th" if key == first else "td", self._cell(row, key), key, "row" if key == first else "")
                for key in self.columns
            )
            + "</tr>"
            for row in self.rows
        )
        note = f'<div class="tf-note"><p>{_bold(self.note)}</p></div>' if self.note else ""
        return (
            f'<div class="tf-table"><table><caption>{_bold(self.caption)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}"
        )

    def _plain(self) -> str:
        keys = list(self.columns)
        cells = [[c.header for c in self.columns.values()]]
        cells += [[str(self._cell(row, key)).replace("**", "") for key in keys] for row in self.rows]
        widths = [max(len(line[i]) for line in cells) for i in range(len(keys))]

        def line(values):
            aligned = (
                v.rjust(w) if k in self._numbers else v.ljust(w) for v, w, k in zip(values, widths, keys, strict=True)
            )
            return "| " + " | ".join(aligned) + " |"

        rule = "|" + "|".join("-" * (w + 2) for w in widths) + "|"
        text = [self.caption.replace("**", ""), line(cells[0]), rule, *map(line, cells[1:])]
        return "\n".join(text + ([self.note.replace("**", "")] if self.note else []))


@dataclass(frozen=True)
class provenance(Output):
    """Where the numbers of a notebook come from: one row per table read, with rows used and their fingerprint."""

    rows: Sequence[Mapping]

    def _table(self) -> table:
        return table(
            self.rows,
            {
                "table": "Table",
                "num_rows": Column("Rows read", number),
                "sources": Column("Distinct sources", number, missing=""),
                "dates": Column("Dates", missing=""),
                "sha256": "Fingerprint of the rows",
            },
            caption="Where the numbers come from",
            note="The fingerprint changes when, and only when, a row that this page used changes.",
        )

    def _html(self) -> str:
        return self._table()._html()

    def _plain(self) -> str:
        return self._table()._plain()

    def _more(self) -> dict:
        return {PROVENANCE_MIME: {"rows": [dict(row) for row in self.rows]}}
