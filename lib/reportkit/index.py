"""The pages of a whole scenario: its index, with the key numbers and answer of each notebook, and these on one sheet.

Also the links between scenarios, which are known only when all of a site are.
"""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from nbformat import NotebookNode

from reportkit import charts, conditions, controls, evidence, outputs
from reportkit import provenance as ledger_
from reportkit.page import DRAW, answer_of, description, finding_of, render, render_part
from reportkit.page import title as title_of
from reportkit.provenance import tags
from reportkit.reports import END_OF_SCENARIOS, SCENARIOS
from reportkit.source import Frame

LEAD = "01"  # the notebook whose finding, chart and controls stand on the first screen
FIGURE_PX = 225  # the height of that chart: the tiles below it must be seen without scrolling
NUM_HEADLINES = 3  # of each notebook, on its card
# A sheet of A4 as it is printed: the height that is left for answers, and of each line the height and how many letters.
SHEET_MM, LEAST_FIT = 232, 0.72
TEXT_MM, TEXT_LETTERS = 3.36, 98
TILE_MM, TILE_LETTERS = 2.75, 38
QUESTION_MM = 4.2  # the line above the answers to a question


def entry(notebook: NotebookNode, name: str, ledger: Mapping | None = None) -> dict:
    """What the pages of a scenario say of an executed notebook, in values that JSON can keep."""
    answer = answer_of(notebook)
    found = [(headline, cell.id) for cell in notebook.cells for headline in ledger_.headlines(cell)]
    answers = [cell.id for cell in notebook.cells if "answer" in tags(cell) and answer_of(NotebookNode(cells=[cell]))]
    return {
        "name": name,
        "href": f"{name}.html",
        "title": title_of(notebook) or name,
        "headlines": [headline for headline, _ in found],
        "answer": [sentence["text"] for sentence in answer],
        "finding": finding_of(notebook),
        "figure": _figure(notebook, name) if name.startswith(LEAD) else "",
        "controls": _controls(notebook, name) if name.startswith(LEAD) else "",
        "flips": [sentence["text"] for sentence in answer if sentence.get("flip")],
        "known": ledger_.known(ledger),
        "keys": {"answer": f"{name}/{answers[0]}" if answers else name, "headlines": [cell for _, cell in found]},
        "as_of": conditions.as_of(ledger) if ledger else [],
    }


def _figure(notebook: NotebookNode, name: str) -> str:
    """The first chart of a notebook, as its page has it, with the key of its cell."""
    shown = ((cell.id, outputs.chart_of(o.get("data", {}))) for cell in notebook.cells for o in cell.get("outputs", ()))
    low = ((cell, {**spec, "height": FIGURE_PX} if "height" in spec else spec) for cell, spec in shown if spec)
    found = (f'<div data-k="{name}/{escape(cell)}">{charts.figure(spec)}</div>' for cell, spec in low)
    return next(found, "")


def _controls(notebook: NotebookNode, name: str) -> str:
    """The controls of a notebook's model, with the key of its cell."""
    for cell in notebook.cells:
        for model in outputs.find(outputs.outputs_of([cell]), "model"):
            if model["lines"]:
                return controls.to_html(model, name, key=f"{name}/{cell.id}")
    return ""


def _answer(texts: Sequence[str], flips: Sequence[str] = ()) -> str:
    return outputs.to_html("answer", outputs.sentences(texts, flips))


def _tiles(entry: Mapping, most: int) -> str:
    """The first headline numbers of a notebook, each with its key."""
    shown, cells = entry["headlines"][:most], entry["keys"]["headlines"][:most]
    keys = [f"{entry['name']}/{cell}/{headline['key']}" for headline, cell in zip(shown, cells, strict=True)]
    known = entry.get("known", {})
    told = {"headlines": shown}
    return outputs.to_html("headlines", told, keys=keys, known=known, has_legend=False) if shown else ""


def _legend(entries: Sequence[Mapping]) -> str:
    """What the marks on the tiles of some notebooks mean."""
    return evidence.legend(way for entry in entries for ways in entry.get("known", {}).values() for way in ways)


def _in_order(frame: Frame, cards: Sequence[Mapping]) -> list[tuple[str, list[Mapping]]]:
    """Cards in reading order, by what they are about."""
    named = {card["name"]: card for card in cards}
    return [(question, [named[name] for name in here]) for question, here in frame.suite.by_question(list(named))]


def _start(entries: Sequence[Mapping]) -> str:
    return description([{"text": text} for text in entries[0]["answer"]] if entries else [])


def index(
    frame: Frame,
    entries: Sequence[Mapping],
    *,
    scenarios: Sequence[Mapping[str, str]],
    downloads: Sequence[Mapping[str, str]] = (),
    changed: Mapping | None = None,
    scratch: Path = Path(".cache"),
) -> str:
    """The index page.

    Parameters
    ----------
    entries : what `entry` says of each notebook, in reading order
    scenarios : the other scenarios: `href` of their index, `title` and `description` each
    downloads : the summary in other forms, `href` and `title` each
    changed : what changed since the last run that was kept, as `history.section` has it
    """
    cards = [
        {
            **e,
            "tiles": _tiles(e, NUM_HEADLINES),
            "sentences": _answer(e["answer"], e["flips"]),
            "key": e["keys"]["answer"],
        }
        for e in entries
    ]
    values = {"title": frame.scenario, "window": "", "frame": frame, "description": _start(entries), "here": "index"}
    values |= {"changed": changed and _changed(changed)}
    lead = next((card for card in cards if card["figure"] and card["finding"]), None)
    values |= {"questions": _in_order(frame, cards)}
    scripts = [charts.library(scratch), DRAW, *([controls.SCRIPT] if lead["controls"] else [])] if lead else []
    values |= {"lead": lead, "known": _legend(entries)}
    told = [{**scenario, "tile": _scenario_tile(scenario)} for scenario in scenarios]
    return render("index.html", scripts=scripts, **values, scenarios=told, downloads=downloads)


def _scenario_tile(scenario: Mapping) -> str:
    """The first number of another scenario's lead, with its key beside that scenario's pages."""
    if not (entry := scenario.get("entry")):
        return ""
    folder = scenario["href"].rpartition("/")[0]
    return _tiles({**entry, "name": f"{folder}/{entry['name']}" if folder else entry["name"]}, 1)


def summary(frame: Frame, entries: Sequence[Mapping]) -> str:
    """The answers on one sheet of paper: of each notebook its first number, what it answers and what flips that."""
    answered = [{**e, "said": [e["answer"][0], *e["flips"]]} for e in entries if e["answer"]]
    num_questions = len(_in_order(frame, answered))
    sheet_mm = SHEET_MM - QUESTION_MM * num_questions
    fit = min(1, sheet_mm / max(1, sum(map(_height_mm, answered))))
    if fit < LEAST_FIT:  # smaller letters than that nobody reads
        answered = [{**e, "said": e["answer"][:1]} for e in answered]
        fit = max(LEAST_FIT, min(1, sheet_mm / sum(map(_height_mm, answered))))
    cards = [
        {
            **e,
            "tile": _tiles(e, 1),
            "sentences": _answer(list(dict.fromkeys(e["said"])), e["flips"]),
            "key": e["keys"]["answer"],
        }
        for e in answered
    ]
    values = {"title": frame.scenario, "window": "Summary", "frame": frame, "description": _start(entries)}
    values |= {"known": _legend(entries)}
    return render("summary.html", **values, questions=_in_order(frame, cards), here="summary", fit=f"{fit:.3f}")


def _height_mm(entry: Mapping) -> float:
    """About how much of the sheet an answer takes, in letters of full size."""

    def lines(texts: Sequence[str], letters: int) -> int:
        return sum(-(-len(text) // letters) for text in texts)

    tile = [text for h in entry["headlines"][:1] for text in (h["label"], h["note"])]
    text_mm = TEXT_MM * lines([entry["title"], *entry["said"]], TEXT_LETTERS) + TILE_MM * bool(entry["as_of"])
    return 3 + max(text_mm, TILE_MM * (lines(tile, TILE_LETTERS) + 1.7))


def with_scenarios(page: str, *, title: str, here: str, links: Sequence[Mapping[str, str]]) -> str:
    """A page with links to the same page of the other scenarios, in place of those it had."""
    before, mark, rest = page.partition(SCENARIOS)
    _, end, after = rest.partition(END_OF_SCENARIOS)
    return before + mark + render_part("scenarios.html", title=title, here=here, links=links) + end + after


def _changed(section: Mapping) -> dict:
    """A section on what changed, ready for a template."""
    return {**section, "said": _answer(section["sentences"])}


def archive(frame: Frame, runs: Sequence[Mapping]) -> str:
    """The page of the runs of a scenario, by date.

    Parameters
    ----------
    runs : the newest first: `id`, `made_on`, `as_of` (newest day by group of data), what `changed`, and the
        `notebooks` with `title` and `headlines`
    """
    told = [{**run, "changed": _changed(run["changed"])} for run in runs]
    values = {"title": frame.scenario, "window": "Runs by date", "frame": frame, "description": "", "here": "archive"}
    return render("archive.html", **values, runs=told)
