"""A table as a page shows it: what a reader compares, within the window; the rest one click away and in a file.

At most seven columns are shown. The author of a table says which are for the page (`on_page` of a column); otherwise
these go, in this order: columns that are empty, columns of sources (a letter beside the row leads to each), those that
say the same in every row, and the last ones.
"""

import html
from collections.abc import Mapping, Sequence
from itertools import product
from string import ascii_lowercase

from reportkit.charts import Table
from reportkit.outputs import bold, cell_html, cell_text

MOST_COLUMNS = 7
MOST_ROWS = 25  # of a table whose rows are all shown at once
MOST_SOURCES = 12  # that the foot of a table names
WEB = ("https://", "http://")
LETTERS = [*ascii_lowercase, *map("".join, product(ascii_lowercase, repeat=2))]


def _url(cell: str | Mapping) -> str:
    url = "" if isinstance(cell, str) else cell.get("url", "")
    return url if url.startswith(WEB) else ""


def hidden(data: Mapping) -> set[int]:
    """Numbers of the columns that a page does not show."""
    columns, rows = data["columns"], data["rows"]
    cells = [[row[i] for row in rows] for i in range(len(columns))]
    texts = [set(map(cell_text, column)) for column in cells]
    gone = {i for i in range(1, len(columns)) if columns[i].get("on_page") is False or (rows and texts[i] == {""})}
    gone |= {i for i in range(1, len(columns)) if any(map(_url, cells[i]))}
    same = [i for i in range(1, len(columns)) if len(rows) > 2 and len(texts[i]) == 1]
    for i in (*same, *range(len(columns) - 1, 0, -1)):
        if len(columns) - len(gone) > MOST_COLUMNS:
            gone.add(i)
    return gone


def is_cut(data: Mapping) -> bool:
    """Whether a page shows less of a table than there is."""
    return bool(_more(data, hidden(data)))


def as_file(data: Mapping) -> Table:
    """All of a table, for a file: numbers as they are, sources by their address."""

    def value(cell: str | Mapping):
        return cell_text(cell) if isinstance(cell, str) else cell.get("value", _url(cell) or cell["text"])

    headers = {column["key"]: column["header"] for column in data["columns"]}
    return Table(headers, [[value(cell) for cell in row] for row in data["rows"]])


def _foot(data: Mapping, gone: set[int], letters: Mapping[str, tuple[str, str]], file: str) -> str:
    """What stands below a table: its sources, and what else there is of it."""
    parts = []
    if letters:
        named = [
            f'<sup>{letter}</sup>&nbsp;<a href="{html.escape(url)}">{html.escape(text)}</a>'
            for url, (letter, text) in list(letters.items())[:MOST_SOURCES]
        ]
        more = f", and {len(letters) - MOST_SOURCES} more" if len(letters) > MOST_SOURCES else ""
        parts.append(f"<p>Sources: {', '.join(named)}{more}.</p>")
    if more := _more(data, gone):
        link = f'<a href="{html.escape(file)}" download>CSV</a>' if file else ""
        parts.append(f'<label><input type="checkbox"> Show {" and ".join(more)}</label>{link}')
    if len(data["rows"]) > MOST_ROWS:
        of = f"The first {MOST_ROWS} of {len(data['rows']):,} rows"
        parts.append(f'<p class="tf-paper">{of}; the workbook has all.</p>')
    return f'<div class="tf-foot">{"".join(parts)}</div>' if parts else ""


def _more(data: Mapping, gone: set[int]) -> list[str]:
    """What else there is of a table than its page shows at once, in words: rows, and columns that say something."""
    rows = data["rows"]
    told = [i for i in sorted(gone) if any(cell_text(row[i]) for row in rows) and not any(_url(row[i]) for row in rows)]
    headers = [bold(data["columns"][i]["header"]) for i in told if data["columns"][i]["header"]]
    more = [f"all {len(rows)} rows"] if len(rows) > MOST_ROWS else []
    return more + ([f"the column{'s' if len(headers) > 1 else ''} {', '.join(headers)}"] if headers else [])


def _letters(rows: Sequence[Sequence]) -> dict[str, tuple[str, str]]:
    """A letter and a name for each source, in the order of the rows."""
    names = {url: cell_text(cell) for row in rows for cell in row[1:] if (url := _url(cell))}
    return {url: (LETTERS[i % len(LETTERS)], name) for i, (url, name) in enumerate(names.items())}


def _row(row: Sequence, heads: Sequence[str], kinds: Sequence[str], letters: Mapping) -> str:
    marks = [
        f'<sup><a href="{html.escape(url)}" title="{html.escape(letters[url][1])}">{letters[url][0]}</a></sup>'
        for url in dict.fromkeys(map(_url, row[1:]))
        if url
    ]
    cells = [
        f'<td{kind} data-label="{head}">{cell_html(cell)}</td>'
        for cell, head, kind in zip(row[1:], heads[1:], kinds[1:], strict=True)
    ]
    head = f' data-label="{heads[0]}"' if "tf-number" in kinds[0] else ""  # a card's title, where it is a bare number
    return f'<tr><th scope="row"{kinds[0]}{head}>{cell_html(row[0])}{" ".join(marks)}</th>{"".join(cells)}</tr>'


def to_html(data: Mapping, *, file: str = "") -> str:
    """A table that fits its page, with a link to the `file` that has all of it; on a phone a row is a card."""
    gone, letters = hidden(data), _letters(data["rows"])
    names = [
        [name for name, given in (("tf-number", column["is_number"]), ("tf-more", i in gone)) if given]
        for i, column in enumerate(data["columns"])
    ]
    kinds = [f' class="{" ".join(name)}"' if name else "" for name in names]
    shown = [f'<th scope="col"{k}>{bold(c["header"])}</th>' for c, k in zip(data["columns"], kinds, strict=True)]
    heads = [html.escape(column["header"].replace("**", "")) for column in data["columns"]]
    name = html.escape(data["caption"].replace("**", "")) or "Table"
    long = " tf-long" if len(data["rows"]) > MOST_ROWS else ""
    note = f'<div class="tf-note"><p>{bold(data["note"])}</p></div>' if data["note"] else ""
    return (
        f'<div class="tf-table tf-cards{long}" tabindex="0" role="group" aria-label="{name}"><table>'
        f"<caption>{bold(data['caption'])}</caption><thead><tr>{''.join(shown)}</tr></thead>"
        f"<tbody>{''.join(_row(row, heads, kinds, letters) for row in data['rows'])}</tbody></table></div>"
        f"{_foot(data, gone, letters, file)}{note}"
    )
