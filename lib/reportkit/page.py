"""An executed notebook as one HTML file that stands alone: results without code, charts drawn, nothing fetched.

What a notebook shows comes from data, so nothing of it may run: text is escaped, HTML is taken from
`tokenfactory.display.show` only, and the page's own policy lets the browser run our two scripts and no other.
"""

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from nbformat import NotebookNode

from reportkit import charts, harmless, markdown
from reportkit import provenance as ledger_
from reportkit.provenance import resolve, tags
from reportkit.reports import END_OF_SCENARIOS, SCENARIOS, place
from tokenfactory.display import show, workbook

TEMPLATES = Path(__file__).parent / "templates"
NOT_SHOWN = {"parameters", "injected-parameters", "setup", "hide"}
# The HTML that the classes of tokenfactory.display.show write, in which they escape what comes from data.
SHOWN = re.compile(r'<div class="tf-(answer|note|tiles|table|workbook)">')
TABLE = re.compile(r'<div class="tf-table">(<table>(?:<caption>(.*?)</caption>)?)', re.DOTALL)
MOST_DESCRIBED = 200  # letters
MOST_NAMED = 5  # rows of a file that are named below an output; provenance.json has all
TITLE = re.compile(r"^# +(.+)$", re.MULTILINE)

_templates = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_templates.globals["style"] = (TEMPLATES / "style.css").read_text(encoding="utf-8")
_templates.globals |= {"scenarios_mark": SCENARIOS, "end_of_scenarios_mark": END_OF_SCENARIOS}
_DRAW = (TEMPLATES / "charts.js").read_text(encoding="utf-8")
_KEYS = (TEMPLATES / "keys.js").read_text(encoding="utf-8")


def title(notebook: NotebookNode) -> str | None:
    """The first heading of the notebook, which is its question."""
    headings = (TITLE.search(cell.source) for cell in notebook.cells if cell.cell_type == "markdown")
    return next((heading[1].strip() for heading in headings if heading), None)


def charts_of(notebook: NotebookNode) -> list[Mapping]:
    """The specifications of the charts that are shown, in the order of their numbers on the page."""
    outputs = [o for cell in notebook.cells if not tags(cell) & NOT_SHOWN for o in cell.get("outputs", ())]
    return [spec for output in outputs if (spec := _chart(output.get("data", {})))]


def _chart(data: Mapping) -> Mapping | None:
    return next((content for mime, content in data.items() if charts.is_chart(mime)), None)


def data_files(notebook: NotebookNode, name: str) -> dict[str, str]:
    """The data of each chart as CSV, by the place of the file beside the page."""
    return {
        href: charts.csv_text(table)
        for number, spec in enumerate(charts_of(notebook), 1)
        for href, table in _data_of(spec, name, number).items()
    }


def _data_of(spec: Mapping, name: str, number: int) -> dict[str, charts.Table]:
    tables = charts.tables(spec)
    letters = [""] if len(tables) == 1 else [f"_{letter}" for letter in range(1, len(tables) + 1)]
    places = [place("data", name, f"chart_{number}{letter}") for letter in letters[: len(tables)]]
    return dict(zip(places, tables, strict=True))


# Outputs


def _pre(text: str) -> str:
    return f'<pre class="tf-text" tabindex="0">{html.escape(text.rstrip())}</pre>'


def _with_keys(text: str, headlines: Iterable[Mapping]) -> str:
    """The tiles that `show.headlines` wrote, each with the key of its number."""
    keys = iter(headlines)
    return re.sub('<div class="tf-tile">', lambda _: f'<div class="tf-tile" data-k="{_key(next(keys))}">', text)


def _key(headline: Mapping) -> str:
    return html.escape(headline["key"])


def scrollable(text: str) -> str:
    """HTML of this package whose tables can be scrolled with the keyboard, under the name of their caption."""

    def named(match: re.Match) -> str:
        name = re.sub("<.*?>", "", match[2] or "Table")
        return f'<div class="tf-table" tabindex="0" role="group" aria-label="{name}">{match[1]}'

    return TABLE.sub(named, text)


class _Page:
    """The outputs of one page, with the numbers of its charts and what its ledger says of each cell."""

    def __init__(self, name: str, ledger: Mapping | None):
        self.name, self.ledger, self.num_charts = name, ledger, 0

    def _figure(self, spec: Mapping, below: str) -> str:
        self.num_charts += 1
        files = list(_data_of(spec, self.name, self.num_charts))
        return charts.figure(spec, files=files, below=below)

    def _data(self, data: Mapping, below: str) -> str:
        """The richest form of an output that is safe to show, and what stands below it."""
        if spec := _chart(data):
            return self._figure(spec, below)
        return self._plain(data) + below

    def _plain(self, data: Mapping) -> str:
        text = data.get("text/plain", "")
        if SHOWN.match(data.get("text/html", "")):
            file = place("workbook", self.name)
            link = f'<p class="tf-file"><a href="{file}" download>{file}</a></p>' if workbook.MIME in data else ""
            return _with_keys(data["text/html"], data.get(show.HEADLINES_MIME, {}).get("headlines", ())) + link
        if "text/markdown" in data:
            return markdown.to_html(data["text/markdown"], notebook=self.name)
        if "image/png" in data:
            picture = html.escape(data["image/png"].strip())
            return f'<img src="data:image/png;base64,{picture}" alt="{html.escape(text)}">'
        return _pre(text) if text else ""

    def _output(self, output: NotebookNode, below: str) -> str:
        if output.output_type in ("display_data", "execute_result"):
            return self._data(output.data, below)
        is_stream = output.output_type == "stream"
        return _pre(output.text if is_stream else f"{output.ename}: {output.evalue}") + below

    def cell(self, cell: NotebookNode) -> str:
        if cell.cell_type == "markdown":
            return markdown.to_html(cell.source, notebook=self.name)
        outputs = cell.get("outputs", ())
        if cell.cell_type != "code" or not outputs:
            return ""
        below = [""] * (len(outputs) - 1) + [self._sources(cell.id)]
        key = html.escape(cell.id)
        inner = "".join(map(self._output, outputs, below))
        return f'<div class="tf-out" id="{key}" data-k="{self.name}/{key}">{inner}</div>'

    def _sources(self, cell: str) -> str:
        if self.ledger is None:
            return ""
        return render_part("sources.html", **_sources_of(self.ledger, cell))


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


def _parameters(notebook: NotebookNode, name: str) -> str:
    """The parameters in force, as a table; empty for a notebook without any."""
    parameters = ledger_.parameters(notebook, name)
    if not parameters:
        return ""
    rows = [
        {**p, "name": name, "value": str(p["value"]), "default": str(p["default"]), "kind": show.words(p["kind"])}
        for name, p in parameters.items()
    ]
    columns = {"name": "Parameter", "value": "Value", "kind": "Unit or kind", "meaning": "Meaning"}
    is_given = any("injected-parameters" in tags(cell) for cell in notebook.cells)
    columns |= {"default": "Default"} if is_given else {}
    table = show.table(rows, columns, "What was assumed for every number on this page")
    return scrollable(table._repr_mimebundle_()["text/html"])


def description(sentences: Sequence[str]) -> str:
    """The start of an answer, for search engines and previews: whole words, no marks of bold type."""
    text = " ".join(sentences).replace("**", "")
    return text if len(text) <= MOST_DESCRIBED else text[:MOST_DESCRIBED].rsplit(" ", 1)[0].rstrip(",;: ") + " …"


def day(made_on: str) -> str:
    """2026-04-05 as 5 April 2026."""
    made = date.fromisoformat(made_on)
    return f"{made.day} {made:%B %Y}"


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
    return harmless.visible(render_part(template, policy=policy, scripts=scripts, **values))


def answer_of(notebook: NotebookNode) -> list[str]:
    """The sentences of the first answer, as they were given to `show.answer`."""
    outputs = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ())]
    answers = [data["text/html"] for data in outputs if data.get("text/html", "").startswith('<div class="tf-answer">')]
    marked = re.sub("</?strong>", "**", answers[0]) if answers else ""
    found = re.findall('<p( class="tf-flip")?>(.*?)</p>', marked, re.DOTALL)
    return [show.flip(html.unescape(text)) if is_flip else html.unescape(text) for is_flip, text in found]


def export(
    notebook: NotebookNode,
    *,
    name: str,
    made_on: str,
    pages: Sequence[Mapping[str, str]],
    scenario: str = "",
    ledger: Mapping | None = None,
    downloads: Sequence[Mapping[str, str]] = (),
) -> str:
    """The page of an executed notebook.

    Parameters
    ----------
    name : of the notebook, without its ending
    made_on : ISO date of making
    pages : the pages of this site, this one among them: `href` and `title` each
    scenario : title of the scenario, for the title of the window
    ledger : what the numbers rest on, as `ledger.make` tells it; None: it is not said
    downloads : what else there is of this report, `href` and `title` each
    """
    question, answers, blocks, is_titled, page = title(notebook) or name, [], [], False, _Page(name, ledger)
    for cell in notebook.cells:
        if tags(cell) & NOT_SHOWN:
            continue
        if cell.cell_type == "markdown" and not is_titled and TITLE.search(cell.source):
            cell, is_titled = NotebookNode(cell, source=TITLE.sub("", cell.source, count=1)), True
        # The answer comes first, whatever a reader must know before the rest.
        (answers if "answer" in tags(cell) else blocks).append(scrollable(page.cell(cell)))
    here = [page["href"] for page in pages].index(f"{name}.html")
    return render(
        "page.html",
        scripts=([charts.library(), _DRAW] if page.num_charts else []) + ([_KEYS] if ledger else []),
        title=question,
        scenario=scenario,
        description=description(answer_of(notebook)),
        made_on=made_on,
        name=name,
        pages=pages,
        here=here,
        answers=answers,
        blocks=blocks,
        has_charts=page.num_charts > 0,
        parameters=_parameters(notebook, name),
        downloads=downloads,
    )
