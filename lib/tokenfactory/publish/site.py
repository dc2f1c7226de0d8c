"""The index of a site: the key numbers, and for each notebook its question, its answer and the way to its page."""

import html
import re
from collections.abc import Mapping, Sequence

from nbformat import NotebookNode

from tokenfactory import show
from tokenfactory.publish.html import render
from tokenfactory.publish.html import title as title_of

NUM_HEADLINES = 3  # of each notebook, on its card


def _sentences(answer: str) -> list[str]:
    """The sentences of what `show.answer` wrote, as they were given to it."""
    marked = re.sub("</?strong>", "**", answer)
    return [html.unescape(sentence) for sentence in re.findall("<p>(.*?)</p>", marked, re.DOTALL)]


def entry(notebook: NotebookNode, name: str) -> dict:
    """What the index says of an executed notebook, in values that JSON can keep."""
    outputs = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ())]
    answers = [data["text/html"] for data in outputs if data.get("text/html", "").startswith('<div class="tf-answer">')]
    headlines = [line for data in outputs for line in data.get(show.HEADLINES_MIME, {}).get("headlines", ())]
    return {
        "name": name,
        "href": f"{name}.html",
        "title": title_of(notebook) or name,
        "headlines": headlines,
        "answer": _sentences(answers[0]) if answers else [],
    }


def _shown(output: show.Output) -> str:
    return output._repr_mimebundle_()["text/html"]


def _tiles(entry: Mapping) -> str:
    items = [show.Headline(**headline) for headline in entry["headlines"][:NUM_HEADLINES]]
    return _shown(show.headlines(items)) if items else ""


def index(
    *,
    title: str,
    made_on: str,
    entries: Sequence[Mapping],
    pages: Sequence[Mapping[str, str]],
    scenarios: Sequence[Mapping[str, str]],
) -> str:
    """The index page.

    Parameters
    ----------
    entries : what `entry` says of each notebook, in reading order
    pages : for the menu, `href` and `title` each
    scenarios : the other scenarios: `href` of their index, `title` and `description` each
    """
    cards = [{**e, "tiles": _tiles(e), "sentences": _shown(show.answer(e["answer"]))} for e in entries]
    return render("index.html", title=title, made_on=made_on, cards=cards, pages=pages, here=None, scenarios=scenarios)
