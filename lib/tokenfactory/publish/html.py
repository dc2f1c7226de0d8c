"""An executed notebook as one HTML file that stands alone: results without code, charts drawn, nothing fetched.

What a notebook shows comes from data, so nothing of it may run: text is escaped, HTML is taken from
`tokenfactory.show` only, and the page's own policy lets the browser run our two scripts and no other.
"""

import ast
import base64
import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from nbformat import NotebookNode

from tokenfactory import show
from tokenfactory.publish import charts, markdown
from tokenfactory.publish.plan import parse_parameters

TEMPLATES = Path(__file__).parent / "templates"
NOT_SHOWN = {"parameters", "injected-parameters", "setup", "hide"}
# The HTML that the classes of tokenfactory.show write, in which they escape what comes from data.
SHOWN = re.compile(r'<div class="tf-(answer|note|tiles|table)">')
TITLE = re.compile(r"^# +(.+)$", re.MULTILINE)

_templates = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_templates.globals["style"] = (TEMPLATES / "style.css").read_text(encoding="utf-8")
_DRAW = (TEMPLATES / "charts.js").read_text(encoding="utf-8")


def _tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", ()))


def title(notebook: NotebookNode) -> str | None:
    """The first heading of the notebook, which is its question."""
    headings = (TITLE.search(cell.source) for cell in notebook.cells if cell.cell_type == "markdown")
    return next((heading[1].strip() for heading in headings if heading), None)


# Outputs


def _pre(text: str) -> str:
    return f'<pre class="tf-text">{html.escape(text.rstrip())}</pre>'


def _data(data: Mapping, notebook: str) -> str:
    """The richest form of an output that is safe to show."""
    for mime, content in data.items():
        if charts.is_chart(mime):
            return charts.figure(content)
    text = data.get("text/plain", "")
    if SHOWN.match(data.get("text/html", "")):
        return data["text/html"]
    if "text/markdown" in data:
        return markdown.to_html(data["text/markdown"], notebook=notebook)
    if "image/png" in data:
        return f'<img src="data:image/png;base64,{html.escape(data["image/png"].strip())}" alt="{html.escape(text)}">'
    return _pre(text) if text else ""


def _output(output: NotebookNode, notebook: str) -> str:
    if output.output_type == "stream":
        return _pre(output.text)
    if output.output_type == "error":
        return _pre(f"{output.ename}: {output.evalue}")
    return _data(output.data, notebook)


def _cell(cell: NotebookNode, notebook: str) -> str:
    if cell.cell_type == "markdown":
        return markdown.to_html(cell.source, notebook=notebook)
    return "".join(_output(output, notebook) for output in cell.outputs) if cell.cell_type == "code" else ""


# Parts of the page


def _parameters(notebook: NotebookNode, name: str) -> str:
    """The parameters in force, as a table; empty for a notebook without any."""
    source = {tag: cell.source for cell in notebook.cells for tag in _tags(cell) if cell.cell_type == "code"}
    parameters = parse_parameters(source.get("parameters", ""), name)
    if not parameters:
        return ""
    injected = ast.parse(source.get("injected-parameters", "")).body
    given = {line.targets[0].id: ast.literal_eval(line.value) for line in injected if isinstance(line, ast.Assign)}
    rows = [
        {
            "name": parameter.name,
            "value": str(given.get(parameter.name, parameter.default)),
            "kind": show.words(parameter.kind),
            "meaning": parameter.meaning,
            "default": str(parameter.default),
        }
        for parameter in parameters.values()
    ]
    columns = {"name": "Parameter", "value": "Value", "kind": "Unit or kind", "meaning": "Meaning"}
    columns |= {"default": "Default"} if given else {}
    return show.table(rows, columns, "What was assumed for every number on this page")._repr_mimebundle_()["text/html"]


def day(made_on: str) -> str:
    """2026-04-05 as 5 April 2026."""
    made = date.fromisoformat(made_on)
    return f"{made.day} {made:%B %Y}"


_templates.filters["day"] = day


def render(template: str, scripts: Sequence[str] = (), **values: object) -> str:
    """A page of a template. Its policy allows exactly `scripts`, and no request."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{value}'" for value in hashes) or "'none'"
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return _templates.get_template(template).render(policy=policy, scripts=scripts, **values)


def export(notebook: NotebookNode, *, name: str, made_on: str, pages: Sequence[Mapping[str, str]]) -> str:
    """The page of an executed notebook.

    Parameters
    ----------
    name : of the notebook, without its ending
    made_on : ISO date of making
    pages : the pages of this site, this one among them: `href` and `title` each
    """
    question, answers, blocks, is_titled = title(notebook) or name, [], [], False
    for cell in notebook.cells:
        if _tags(cell) & NOT_SHOWN:
            continue
        if cell.cell_type == "markdown" and not is_titled and TITLE.search(cell.source):
            cell, is_titled = NotebookNode(cell, source=TITLE.sub("", cell.source, count=1)), True
        # The answer comes first, whatever a reader must know before the rest.
        (answers if "answer" in _tags(cell) else blocks).append(_cell(cell, name))
    body = "".join(answers + blocks)
    here = [page["href"] for page in pages].index(f"{name}.html")
    return render(
        "page.html",
        scripts=[charts.library(), _DRAW] if 'class="tf-chart"' in body else [],
        title=question,
        made_on=made_on,
        name=name,
        pages=pages,
        here=here,
        answers=answers,
        blocks=blocks,
        parameters=_parameters(notebook, name),
    )
