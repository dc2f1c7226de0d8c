"""An executed notebook as one HTML file that stands alone: results without code, charts drawn, nothing fetched.

What a notebook shows comes from data, so nothing of it may run: HTML is made here, of the data of its outputs
(`outputs`), text is escaped, and the page's own policy lets the browser run our two scripts and no other.
"""

import base64
import hashlib
import html
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from nbformat import NotebookNode

from reportkit import charts, conditions, controls, glossary, harmless, markdown, outputs, tables
from reportkit.provenance import headlines, known, resolve, tags
from reportkit.reports import END_OF_SCENARIOS, SCENARIOS, place
from reportkit.source import Frame
from reportkit.text import day, said, short

TEMPLATES = Path(__file__).parent / "templates"
NOT_SHOWN = {"parameters", "injected-parameters", "setup", "hide"}
ONE_SHEET = "one-sheet"  # tag of a first cell: printed, the page is one sheet, without what is for checking it
MOST_DESCRIBED = 200  # letters
KINDS = {"answer": "The answer", "headlines": "Key numbers", "note": "A remark", "model": "The model"}
MOST_NAMED = 5  # rows of a file that are named below an output; provenance.json has all
TITLE = re.compile(r"^# +(.+)$", re.MULTILINE)

_templates = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
# Readers of the source are told why; pages, which all hold it, are not.
_templates.globals["style"] = re.sub(r"/\*.*?\*/\n?", "", (TEMPLATES / "style.css").read_text(encoding="utf-8"))
_templates.globals |= {"scenarios_mark": SCENARIOS, "end_of_scenarios_mark": END_OF_SCENARIOS}
DRAW = (TEMPLATES / "charts.js").read_text(encoding="utf-8")
_KEYS = (TEMPLATES / "keys.js").read_text(encoding="utf-8")


def title(notebook: NotebookNode) -> str | None:
    """The first heading of the notebook, which is its question."""
    headings = (TITLE.search(cell.source) for cell in notebook.cells if cell.cell_type == "markdown")
    return next((heading[1].strip() for heading in headings if heading), None)


def charts_of(notebook: NotebookNode) -> list[Mapping]:
    """The specifications of the charts that are shown, in the order of their numbers on the page."""
    return [spec for output in _shown(notebook) if (spec := outputs.chart_of(output))]


def _shown(notebook: NotebookNode) -> list[Mapping]:
    return outputs.outputs_of(cell for cell in notebook.cells if not tags(cell) & NOT_SHOWN)


def data_files(notebook: NotebookNode, name: str) -> dict[str, str]:
    """The data of each chart, and each table that the page cuts, as CSV, by the place of the file beside the page."""
    found = {
        href: table
        for number, spec in enumerate(charts_of(notebook), 1)
        for href, table in _data_of(spec, name, number).items()
    }
    for number, data in enumerate(outputs.find(_shown(notebook), "table"), 1):
        if tables.is_cut(data):
            found[place("data", name, f"table_{number}")] = tables.as_file(data)
    return {href: charts.csv_text(table) for href, table in found.items()}


def _data_of(spec: Mapping, name: str, number: int) -> dict[str, charts.Table]:
    tables = charts.tables(spec)
    letters = [""] if len(tables) == 1 else [f"_{letter}" for letter in range(1, len(tables) + 1)]
    places = [place("data", name, f"chart_{number}{letter}") for letter in letters[: len(tables)]]
    return dict(zip(places, tables, strict=True))


# Outputs


def _pre(text: str) -> str:
    return f'<pre class="tf-text" tabindex="0">{html.escape(text.rstrip())}</pre>'


class _Page:
    """The outputs of one page, with the numbers of its charts and what its ledger says of each cell."""

    def __init__(self, name: str, ledger: Mapping | None, headlines: Sequence[Mapping]):
        self.name, self.ledger, self.headlines = name, ledger, headlines
        self.num_charts, self.num_tables, self.has_controls, self.cell_id = 0, 0, False, ""
        self.told: list[dict] = []  # what the panel says of each block

    def _figure(self, spec: Mapping, below: str) -> str:
        self.num_charts += 1
        files = list(_data_of(spec, self.name, self.num_charts))
        return charts.figure(spec, files=files, below=below)

    def _data(self, data: Mapping, below: str) -> str:
        """The richest form of an output that is safe to show, and what stands below it."""
        if spec := outputs.chart_of(data):
            return self._figure(spec, below)
        return self._plain(data) + below

    def _plain(self, data: Mapping) -> str:
        text = data.get("text/plain", "")
        if kind := outputs.kind_of(data):
            if kind in ("table", "provenance"):
                return self._table(kind, data[outputs.mime(kind)])
            file = place("workbook", self.name)
            told = data[outputs.mime(kind)]
            if kind == "headlines":
                return outputs.to_html(kind, told, known=known(self.ledger))
            shown = outputs.to_html(kind, told)
            if kind != "model":
                return shown
            if not told["lines"]:
                return shown
            self.has_controls = True
            link = f'<a href="{file}" download>{file}</a> computes with the same formulas.'
            about = f"<p><strong>{html.escape(told['about'])}.</strong> Change any input; {link}</p>"
            return f'<div class="tf-workbook">{about}</div>{controls.to_html(told, self.name, self.headlines)}'
        if "text/markdown" in data:
            return markdown.to_html(data["text/markdown"], notebook=self.name)
        if "image/png" in data:
            picture = html.escape(data["image/png"].strip())
            return f'<img src="data:image/png;base64,{picture}" alt="{html.escape(text)}">'
        return _pre(text) if text else ""

    def _table(self, kind: str, data: Mapping) -> str:
        if kind == "provenance":
            return tables.to_html(outputs.provenance_table(data))
        self.num_tables += 1
        return tables.to_html(data, file=place("data", self.name, f"table_{self.num_tables}"))

    def _output(self, output: NotebookNode, below: str) -> str:
        if output.output_type in ("display_data", "execute_result"):
            return self._data(output.data, below)
        is_stream = output.output_type == "stream"
        return _pre(output.text if is_stream else f"{output.ename}: {output.evalue}") + below

    def cell(self, cell: NotebookNode) -> str:
        if cell.cell_type == "markdown":
            return markdown.to_html(cell.source, notebook=self.name)
        shown = cell.get("outputs", ())
        remarks = outputs.find(outputs.outputs_of([cell]), "note")
        is_silent = len(remarks) == len(shown) and not any(remark["sentences"] for remark in remarks)
        if cell.cell_type != "code" or is_silent:
            return ""
        self.cell_id = cell.id
        below = [""] * (len(shown) - 1) + [self._mark(cell)]
        key = html.escape(cell.id)
        inner = "".join(map(self._output, shown, below))
        return f'<div class="tf-out" id="{key}" data-k="{self.name}/{key}">{inner}</div>'

    def _mark(self, cell: NotebookNode) -> str:
        """The mark below a block, which leads to where its numbers come from, at the end of the page."""
        if self.ledger is None or outputs.find(outputs.outputs_of([cell]), "provenance"):
            return ""
        block = _name_of(cell)
        self.told.append({"block": block} | _sources_of(self.ledger, cell.id))
        key, about = html.escape(cell.id), html.escape(f"Sources of: {block}")
        return f'<a class="tf-mark" href="#from-{key}" aria-label="{about}">Sources</a>'


def _name_of(cell: NotebookNode) -> str:
    """What a reader calls a block: the title of its chart, the caption of its table, or what kind it is."""
    shown = outputs.outputs_of([cell])
    titles = [outputs.chart(spec)["title"] for output in shown if (spec := outputs.chart_of(output))]
    captions = [data["caption"] for data in outputs.find(shown, "table")]
    kinds = [KINDS[kind] for output in shown if (kind := outputs.kind_of(output)) in KINDS]
    notes = [short(data["sentences"][0]["text"]) for data in outputs.find(shown, "note") if data["sentences"]]
    return next(filter(None, (*titles, *captions, *notes, *kinds)), "Text").replace("**", "")


def _sources_of(ledger: Mapping, cell: str) -> dict:
    """What is said of a cell's numbers below them: files with the rows read of each, parameters, and the code."""
    key = f"{ledger['notebook']}/{cell}"
    found = resolve(ledger, key)
    files = {}
    for row, about in found["rows"].items():
        files.setdefault(about["file"], []).append({"name": row, "url": about.get("source_url", "")})
    told = [
        {"name": file, "sha256": sha256, "rows": files.get(file, ()), "named": files.get(file, ())[:MOST_NAMED]}
        for file, sha256 in sorted(found["files"].items())
    ]
    parameters = {name: parameter["value"] for name, parameter in found["parameters"].items()}
    return {
        "key": key,
        "notebook": ledger["notebook"],
        "cell": cell,
        "files": told,
        "num_queries": len(found["queries"]),
        "parameters": parameters,
        "library": found["code"]["library_sha256"],
        "details": place("provenance", ledger["notebook"]),
    }


# Parts of the page


def meaning(parameter: Mapping, say: Callable[[str, object], str]) -> list[str]:
    """What a parameter means and its value, as people say them: "0: no limit" of its meaning is what a 0 says."""
    told, _, nothing = parameter["meaning"].partition("; 0: ")
    is_nothing = bool(nothing) and parameter["value"] == 0
    told = told if told[1:2].isupper() else told[:1].upper() + told[1:]  # kW stays kW
    return [told, nothing if is_nothing else say(parameter["kind"], parameter["value"])]


def _parameters(parameters: Mapping[str, Mapping], say: Callable[[str, object], str]) -> str:
    """The parameters in force, as a table that says how each is set; empty for a notebook without any."""
    if not parameters:
        return ""
    rows = [[*meaning(p, say), f"{name}={p['value']}"] for name, p in parameters.items()]
    columns = ["What", "Value", "To set it"]
    if any(p["value"] != p["default"] for p in parameters.values()):
        columns.append("By default")
        rows = [[*row, str(p["default"])] for row, p in zip(rows, parameters.values(), strict=True)]
    heads = [{"header": header} for header in columns]
    return tables.to_html(outputs.table("What was assumed for every number on this page", heads, rows))


def description(sentences: Sequence[Mapping]) -> str:
    """The start of an answer, for search engines and previews: whole words, no marks of bold type."""
    text = " ".join(s["text"] for s in sentences).replace("**", "")
    return short(text, MOST_DESCRIBED)


_templates.filters["day"] = day


def render_part(template: str, **values: object) -> str:
    """A part of a page, of a template."""
    return _templates.get_template(template).render(**values)


def render(template: str, scripts: Sequence[str] = (), **values: object) -> str:
    """A page of a template. Its policy allows exactly `scripts`, and no request."""
    scripts = [harmless.visible(script) for script in scripts]
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{value}'" for value in hashes) or "'none'"
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    made = render_part(template, policy=policy, scripts=scripts, **values)
    return harmless.visible(glossary.explain(made, values["frame"].suite.glossary))


def answer_of(notebook: NotebookNode) -> list[dict]:
    """The sentences of the first answer: `text` each, and `flip` where it says what would change the answer."""
    answers = outputs.find(outputs.outputs_of(notebook.cells), "answer")
    return answers[0]["sentences"] if answers else []


def finding_of(notebook: NotebookNode) -> str:
    """What the first answer says in one line, the headline of its page; empty where it says nothing so short."""
    answers = outputs.find(outputs.outputs_of(notebook.cells), "answer")
    return answers[0].get("finding", "") if answers else ""


def export(
    notebook: NotebookNode,
    frame: Frame,
    *,
    name: str,
    parameters: Mapping[str, Mapping] | None = None,
    ledger: Mapping | None = None,
    downloads: Sequence[Mapping[str, str]] = (),
    scratch: Path = Path(".cache"),
    say: Callable[[str, object], str] = said,
) -> str:
    """The page of an executed notebook.

    Parameters
    ----------
    parameters : those in force, as `Job.told` has them
    ledger : what the numbers rest on, as `provenance.make` tells it; None: it is not said
    downloads : what else there is of this report, `href` and `title` each
    scratch : where the library that draws charts is kept
    say : the value of a parameter of a kind, as people say it (see `Source.said`)
    """
    question, finding = title(notebook) or name, finding_of(notebook)
    page = _Page(name, ledger, [headline for cell in notebook.cells for headline in headlines(cell)])
    parts = _parts(notebook, page)
    return render(
        "page.html",
        scripts=[
            *([charts.library(scratch), DRAW] if page.num_charts else []),
            *([_KEYS] if ledger else []),
            *([controls.SCRIPT] if page.has_controls else []),
        ],
        title=finding or question,
        is_one_sheet=any(ONE_SHEET in tags(cell) for cell in notebook.cells[:1]),
        question=question if finding else "",
        frame=frame,
        window=frame.scenario,
        description=description(answer_of(notebook)),
        name=name,
        here=f"{name}.html",
        turn=_neighbours(frame.in_order(), f"{name}.html"),
        **parts,
        chip=conditions.of(frame.suite, name, parameters or {}),
        as_of=conditions.as_of(ledger) if ledger else [],
        has_charts=page.num_charts > 0,
        parameters=_parameters(parameters or {}, say),
        sources=page.told,
        details=place("provenance", name),
        downloads=downloads,
    )


def _parts(notebook: NotebookNode, page: _Page) -> dict[str, list[str]]:
    """The blocks of a page: what stands at its top (the answer, the first chart, the first tiles), and the others."""
    parts, is_titled = {"answers": [], "charts": [], "tiles": [], "blocks": [], "read": []}, False
    for cell in notebook.cells:
        # Between title and answer a notebook explains its code, which pages do not show.
        is_about_code = cell.cell_type == "markdown" and is_titled and not parts["answers"]
        if tags(cell) & NOT_SHOWN or is_about_code:
            continue
        if cell.cell_type == "markdown" and not is_titled and TITLE.search(cell.source):
            cell, is_titled = NotebookNode(cell, source=TITLE.sub("", cell.source, count=1)), True
        shown = outputs.outputs_of([cell])
        kind = "blocks"
        if "answer" in tags(cell) and answer_of(NotebookNode(cells=[cell])):
            kind = "answers"
        elif not parts["charts"] and any(map(outputs.chart_of, shown)):
            kind = "charts"
        elif not parts["tiles"] and {outputs.kind_of(output) for output in shown} == {"headlines"}:
            kind = "tiles"
        elif {outputs.kind_of(output) for output in shown} == {"provenance"}:
            kind = "read"  # stands among the sources, at the end
        parts[kind].append(page.cell(cell))
    return parts


def _neighbours(pages: Sequence[Mapping], href: str) -> dict[str, Mapping | None]:
    """The pages before and after one, in reading order."""
    at = [page["href"] for page in pages].index(href)
    return {"prev": pages[at - 1] if at else None, "next": pages[at + 1] if at + 1 < len(pages) else None}
