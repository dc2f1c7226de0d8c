"""What a cell shows, as data: each kind of output leaves it as JSON under a type of its own, beside HTML and text.

Pages, workbooks, the index, provenance and the archive read these data and nothing else. They are plain values:

    answer, note  {"sentences": [{"text": "**Words** are bold.", "flip": true}]}  flip: what would change the answer
    headlines     {"headlines": [{"key", "label", "value", "unit", "text", "note", "evidence"}]}
    table         {"caption", "note", "columns": [{"key", "header", "unit", "is_number"}], "rows": [[cell]]}
                  a cell is its text, or {"text", "value" (the number itself), "url"}
    provenance    {"rows": [{"table", "num_rows", "sources", "dates", "sha256"}]}
    model         {"about", "columns", "inputs", "lines"}, see `xlsx`
    chart         {"title", "subtitle", "description"}, beside the Vega-Lite specification that has the data

HTML is made here, from these data, for notebooks and pages alike. Text in them comes from data and is escaped.
"""

import html
import re
from collections.abc import Iterable, Mapping, Sequence

from reportkit import evidence
from reportkit.text import number

ALL = "all"  # the column of a model's inputs that all systems share
SVG = "REPORTKIT_SVG"  # set where charts are kept as pictures too, for what cannot draw: code hosts, nbconvert
CHART = re.compile(r"application/vnd\.vegalite\.v\d+\+json")
# What stands between two dollar signs is a formula for JupyterLab and nbconvert, unless each has an element of its own.
DOLLAR = '<span class="tf-dollar">$</span>'
_TAG_OR_DOLLAR = re.compile(r"(<[^>]*>)|\$")
# How tiles and notes look where no page's style sheet is, as in JupyterLab.
_STYLES = {
    "tf-tiles": "display:flex;flex-wrap:wrap;gap:0 24px",
    "tf-tile": "flex:1 1 150px;max-width:280px;border-top:2px solid;padding:6px 0;margin:8px 0",
    "tf-tile-value": "font-size:1.5em;font-weight:600",
    "tf-tile-note": "font-size:.85em;opacity:.75",
    "tf-tile-known": "font-size:.85em;opacity:.75",
    "tf-known": "font-size:.85em;opacity:.75",
    "tf-note": "font-size:.9em;opacity:.75",
    "tf-number": "text-align:right",
}
_CLASSES = re.compile(r'class="(tf-[a-z-]+)"')
PROVENANCE_COLUMNS = {
    "table": "Table",
    "num_rows": "Rows read",
    "sources": "Distinct sources",
    "dates": "Dates",
    "sha256": "Fingerprint of the rows",
}


def mime(kind: str) -> str:
    """The MIME type of an output of ours: table -> application/vnd.reportkit.table+json."""
    return f"application/vnd.reportkit.{kind}+json"


KINDS = ("answer", "note", "headlines", "table", "provenance", "model")  # that have HTML of ours


def bundle(kind: str, data: Mapping) -> dict:
    """An output as a cell leaves it: HTML for Jupyter, plain text, and the data."""
    shown = _TAG_OR_DOLLAR.sub(lambda found: found[1] or DOLLAR, to_html(kind, data))
    shown = _CLASSES.sub(_with_style, shown)
    return {"text/html": shown, "text/plain": to_text(kind, data), mime(kind): data}


def _with_style(found: re.Match) -> str:
    style = _STYLES.get(found[1])
    return f'{found[0]} style="{style}"' if style else found[0]


def kind_of(output: Mapping) -> str | None:
    """Which of `KINDS` an output is."""
    return next((kind for kind in KINDS if mime(kind) in output), None)


def outputs_of(cells: Iterable[Mapping]) -> list[Mapping]:
    """The data of everything that these cells show, by type."""
    return [output["data"] for cell in cells for output in cell.get("outputs", ()) if "data" in output]


def find(outputs: Iterable[Mapping], kind: str) -> list[Mapping]:
    """The data of a kind among outputs."""
    return [output[mime(kind)] for output in outputs if mime(kind) in output]


def sentences(texts: Iterable[str], flips: Iterable[str] = ()) -> dict:
    """An answer or a note."""
    flips = set(flips)
    return {"sentences": [{"text": str(t), "flip": True} if t in flips else {"text": str(t)} for t in texts]}


def table(caption: str, columns: Sequence[Mapping], rows: Sequence[Sequence], note: str = "") -> dict:
    """A table of columns with at least a `header` each."""
    told = [{"key": str(i), "unit": "", "is_number": False} | dict(column) for i, column in enumerate(columns)]
    return {"caption": caption, "note": note, "columns": told, "rows": [list(row) for row in rows]}


def chart(spec: Mapping) -> dict:
    """What a Vega-Lite specification says of itself in words."""

    def line(text: object) -> str:
        return " ".join(text) if isinstance(text, list) else str(text or "")

    title = spec.get("title") or spec.get("description", "Chart")
    parts = title if isinstance(title, Mapping) else {"text": title}
    title, subtitle = line(parts.get("text")), line(parts.get("subtitle"))
    description = spec.get("description") or f"{title} {subtitle}".strip()
    return {"title": title, "subtitle": subtitle, "description": description}


def chart_of(output: Mapping) -> Mapping | None:
    """The Vega-Lite specification of an output that is a chart."""
    return next((content for name, content in output.items() if CHART.fullmatch(name)), None)


def cell_text(cell: str | Mapping) -> str:
    """The text of a cell of a table."""
    return cell if isinstance(cell, str) else cell["text"]


def provenance_table(data: Mapping) -> dict:
    """Provenance as the table that shows it."""
    columns = [
        {"key": key, "header": header, "is_number": key in ("num_rows", "sources")}
        for key, header in PROVENANCE_COLUMNS.items()
    ]

    def cell(value):
        if isinstance(value, int):
            return {"text": number(value), "value": value}
        return "" if value is None else str(value)

    rows = [[cell(row[key]) for key in PROVENANCE_COLUMNS] for row in data["rows"]]
    note = "The fingerprint changes when, and only when, a row that this page used changes."
    return table("Where the numbers come from", columns, rows, note)


# HTML


def bold(text: object) -> str:
    """Escape `text` for HTML; **words** become bold."""
    parts = html.escape(str(text)).split("**")
    return "".join(f"<strong>{part}</strong>" if i % 2 else part for i, part in enumerate(parts))


def to_html(kind: str, data: Mapping, **options) -> str:
    """An output of a kind as HTML; `options` are those of the kind, as below."""
    return _HTML[kind](data, **options)


def _paragraphs(data: Mapping) -> str:
    kinds = [' class="tf-flip"' if s.get("flip") else "" for s in data["sentences"]]
    return "".join(f"<p{kind}>{bold(s['text'])}</p>" for kind, s in zip(kinds, data["sentences"], strict=True))


def _answer(data: Mapping) -> str:
    return f'<div class="tf-answer">{_paragraphs(data)}</div>'


def _note(data: Mapping) -> str:
    return f'<div class="tf-note">{_paragraphs(data)}</div>'


def _headlines(
    data: Mapping, keys: Sequence[str] | None = None, known: Mapping[str, Sequence[str]] | None = None, has_legend=True
) -> str:
    """Tiles, each with a key for provenance, its own unless others are given, and how it is known; below, the legend.

    `known` has the ways by key of headline, where a ledger knows more than the headlines say themselves.
    """
    shown = data["headlines"]
    ways = [(known or {}).get(h["key"]) or h.get("evidence", ()) for h in shown]
    tiles = [
        f'<div class="tf-tile" data-k="{html.escape(key)}"><div class="tf-tile-label">{bold(h["label"])}</div>'
        f'<div class="tf-tile-value">{bold(h["text"])}</div>'
        f'<div class="tf-tile-note">{bold(h["note"])}</div>{_known(way)}</div>'
        for h, key, way in zip(shown, keys or [h["key"] for h in shown], ways, strict=True)
    ]
    told = evidence.legend(way for some in ways for way in some) if has_legend else ""
    return f'<div class="tf-tiles">{"".join(tiles)}</div>' + (f'<p class="tf-known">{told}</p>' if told else "")


def _known(ways: Sequence[str]) -> str:
    """How a number is known, each way with its mark."""
    marks = (f'<span><i aria-hidden="true">{mark}</i> {way}</span>' for mark, way in evidence.marked(ways))
    return f'<div class="tf-tile-known">{" ".join(marks)}</div>' if ways else ""


def cell_html(cell: str | Mapping) -> str:
    """A cell of a table as HTML; web addresses become links."""
    if isinstance(cell, str):
        return bold(cell)
    url, text = cell.get("url", ""), cell["text"]
    if url.startswith(("https://", "http://")):
        return f'<a href="{html.escape(url)}">{html.escape(text)}</a>'
    return html.escape(text) if url else bold(text)


def _table(data: Mapping) -> str:
    """A table that can be scrolled with the keyboard, under the name of its caption; the first column heads its row."""
    columns = data["columns"]
    numbers = [' class="tf-number"' if column["is_number"] else "" for column in columns]
    heads = [f'<th scope="col"{n}>{bold(c["header"])}</th>' for c, n in zip(columns, numbers, strict=True)]
    tags = [("th", f' scope="row"{numbers[0]}'), *(("td", n) for n in numbers[1:])]
    rows = "".join(
        f"<tr>{''.join(f'<{tag}{more}>{cell_html(c)}</{tag}>' for (tag, more), c in zip(tags, row, strict=True))}</tr>"
        for row in data["rows"]
    )
    name = html.escape(data["caption"].replace("**", "")) or "Table"
    caption = f"<caption>{bold(data['caption'])}</caption>"
    note = f'<div class="tf-note"><p>{bold(data["note"])}</p></div>' if data["note"] else ""
    return (
        f'<div class="tf-table" tabindex="0" role="group" aria-label="{name}"><table>{caption}'
        f"<thead><tr>{''.join(heads)}</tr></thead><tbody>{rows}</tbody></table></div>{note}"
    )


def _provenance(data: Mapping) -> str:
    return _table(provenance_table(data))


def _model(data: Mapping) -> str:
    about, sentence = html.escape(data["about"]), html.escape(model_sentence(data))
    return (
        f'<div class="tf-workbook"><p><strong>{about}, as a workbook.</strong> {sentence} Change an input, and the '
        "workbook computes everything again. The report has it as a file.</p></div>"
    )


_HTML = {
    "answer": _answer,
    "note": _note,
    "headlines": _headlines,
    "table": _table,
    "provenance": _provenance,
    "model": _model,
}


# Plain text


def to_text(kind: str, data: Mapping) -> str:
    """An output of a kind as a terminal shows it."""
    return _TEXT[kind](data)


def _plain_sentences(data: Mapping) -> str:
    return "\n".join(s["text"].replace("**", "") for s in data["sentences"])


def _plain_headlines(data: Mapping) -> str:
    lines = []
    for h in data["headlines"]:
        more = "; ".join(filter(None, (h["note"], ", ".join(h.get("evidence", ())))))
        lines.append(f"{h['label']}: {h['text']}" + (f" ({more})" if more else ""))
    return "\n".join(lines)


def _plain_table(data: Mapping) -> str:
    columns = data["columns"]
    lines = [[c["header"] for c in columns]]
    lines += [[cell_text(cell).replace("**", "") for cell in row] for row in data["rows"]]
    widths = [max(map(len, texts)) for texts in zip(*lines, strict=True)]
    sides = [str.rjust if c["is_number"] else str.ljust for c in columns]
    shown = [f"| {' | '.join(s(t, w) for s, t, w in zip(sides, line, widths, strict=True))} |" for line in lines]
    rule = f"|{'|'.join('-' * (width + 2) for width in widths)}|"
    note = [data["note"].replace("**", "")] if data["note"] else []
    return "\n".join([data["caption"].replace("**", ""), shown[0], rule, *shown[1:], *note])


def _plain_provenance(data: Mapping) -> str:
    return _plain_table(provenance_table(data))


def model_sentence(data: Mapping) -> str:
    """What a model says of itself where it cannot compute: one sentence."""
    if not data["lines"]:
        return "Nothing was measured, so there is nothing to compute."
    num_cells = sum(len(row["cells"]) for row in data["inputs"])
    results = "; ".join(row["label"] for row in data["lines"] if row["is_result"])
    return f"{num_cells} inputs and {len(data['lines'])} lines of formulas that lead to: {results}."


def _plain_model(data: Mapping) -> str:
    lines = [f"Workbook: {data['about']}. {model_sentence(data)}"]
    for row in data["lines"]:
        values = (f"{data['columns'][c]} {number(cell['value'], 6)}" for c, cell in row["cells"].items())
        lines.append(f"{row['label']} [{row['unit']}]: {', '.join(values)}")
    return "\n".join(lines)


_TEXT = {
    "answer": _plain_sentences,
    "note": _plain_sentences,
    "headlines": _plain_headlines,
    "table": _plain_table,
    "provenance": _plain_provenance,
    "model": _plain_model,
}
