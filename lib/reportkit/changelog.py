"""What changed since the last run, in words: for the index, the archive page, the feed and the terminal.

The history is one of the inputs of a site: the same inputs after the same runs give the same bytes.
"""

import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

from reportkit import archive, attribution, inputs, outputs, reports
from reportkit.archive import Run
from reportkit.attribution import together
from reportkit.source import Frame, Project
from reportkit.text import NOT_MEASURED, day, number

ARCHIVE, FEED, LEDGER = "archive.html", "feed.xml", "archive.provenance.json"
MOST_HEADLINES = 20  # in a section
MOST_INPUTS = 12
MOST_CHARACTERS = 60  # of a value
MOST_VALUES = 3  # of one changed input
MOST_ENTRIES = 30  # of the feed
ATOM = "http://www.w3.org/2005/Atom"
NAMES = uuid.UUID("6f1c9a3e-8a54-5d0b-9c7a-2f6f0f5f1d7e")  # under which the feed's names are made
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


# Words


def signed(change: Decimal) -> str:
    """A change as text: +0.0123; a whole one is itself: +2."""
    is_whole = change == change.to_integral_value() and abs(change) < 1000
    return ("+" if change > 0 else "") + number(int(change) if is_whole else float(change))


def why(headline: Mapping) -> str:
    """The causes of a headline's change with their shares: price +0.0123, data and method -0.2."""
    told = [
        together(cause["groups"]) + ("" if cause["change"] is None else f" {signed(cause['change'])}")
        for cause in headline["causes"]
        if cause["change"] is None or cause["change"]
    ]
    if headline["unit"] != headline["old_unit"]:
        return f"not the same number: it was in {headline['old_unit']}"
    return ", ".join(told)


def texts(headline: Mapping) -> tuple[str, str]:
    """A headline before and after, as printed; with all its digits where the print shows no difference."""
    if headline["old_text"] != headline["new_text"]:
        return headline["old_text"], headline["new_text"]
    return tuple(NOT_MEASURED if v is None else f"{v:.6g}" for v in (headline["old"], headline["new"]))


def input_line(row: Mapping) -> str:
    """One changed input: price_book.csv, h200-...: usd_per_gpu_hour 1.41 -> 1.5."""
    first, *others = row["file"].split()
    where = ", ".join(filter(None, (first + (f" and {len(others)} more" if others else ""), row["key"])))
    if row["what"] != "changed" or not row["values"]:
        return f"{where}: {row['what']}"
    values = [f"{name} {' -> '.join(_shown(*pair))}" for name, pair in row["values"].items()]
    more = f" and {len(values) - MOST_VALUES} more" if len(values) > MOST_VALUES else ""
    return f"{where}: {', '.join(values[:MOST_VALUES])}{more}"


def _shown(old: object, new: object) -> list[str]:
    """Two values as text; of long ones what differs, with a little around it."""
    texts = ["nothing" if value in (None, "") else " ".join(str(value).split()) for value in (old, new)]
    start = next((i for i, pair in enumerate(zip(*texts, strict=False)) if pair[0] != pair[1]), min(map(len, texts)))
    start = max(0, start - MOST_CHARACTERS // 2) if max(map(len, texts)) > MOST_CHARACTERS else 0
    texts = [("..." if start else "") + text[start:] for text in texts]
    return [text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 3]}..." for text in texts]


def sentences(found: Mapping) -> list[str]:
    """What a comparison found, in sentences."""
    num, groups = len(found["headlines"]), [group for group in found["order"] if _behind(found, group)]
    since, total = day(found["from"]["made_on"]), len(found["headlines"]) + found["num_same"]
    others = [f"{len(found[what])} {what}" for what in ("appeared", "vanished") if found[what]]
    if num:
        causes = [
            g for g in [*found["order"], attribution.UNEXPLAINED] if any(_moves(h, g) for h in found["headlines"])
        ]
        said = [f"**{num} of {total} headline numbers changed**{f', because of {together(causes)}' if causes else ''}."]
    elif others or not total:
        said = ["No headline number that was there before changed."]
    else:
        said = [f"**Nothing changed**: all {total} headline numbers are what they were on {since}."]
    if others:
        said.append(f"Of the headline numbers {together(others)}.")
    if not num and groups:
        said.append(f"The {together(groups)} behind them changed, and moved none of them.")
    return said


def _behind(found: Mapping, group: str) -> list[Mapping]:
    """The changed inputs of a group that a number can come from."""
    return [row for row in found["inputs"][group] if row["key"] != inputs.PAGES_ONLY]


def _moves(headline: Mapping, group: str) -> bool:
    return any(group in c["groups"] and (c["change"] is None or c["change"]) for c in headline["causes"])


def section(found: Mapping, command: str) -> dict:
    """What a comparison found, short enough for a page and in values that JSON can keep."""

    def size(headline):
        change, old = headline["change"], headline["old"]
        return float("inf") if change is None or not old else abs(float(change) / old)

    headlines = sorted(found["headlines"], key=lambda h: -size(h))  # of equal ones, in reading order
    rows = [
        {"label": h["label"], "old": old, "new": new, "why": why(h), "note": h["note"]}
        for h in headlines[:MOST_HEADLINES]
        for old, new in [texts(h)]
    ]
    rows += [
        {"label": h["label"], "old": "", "new": h["text"], "why": "new", "note": h["note"]} for h in found["appeared"]
    ]
    rows += [
        {"label": h["label"], "old": h["text"], "new": "", "why": "gone", "note": h["note"]} for h in found["vanished"]
    ]
    behind = [{"group": g, "line": input_line(row)} for g in found["order"] for row in _behind(found, g)]
    said = sentences(found)
    if len(headlines) > MOST_HEADLINES:
        said.append(f"The {MOST_HEADLINES} that moved most are below.")
    if any(len(cause["groups"]) > 1 for h in headlines for cause in h["causes"]):
        command = f"{command} diff {found['from']['id']} {found['to']['id']}"
        said.append(f"Causes that share one figure act together; `{command}` tells them apart.")
    left_out = len(behind) - MOST_INPUTS
    return {
        "format": archive.FORMAT,
        "since": found["from"],
        "sentences": said,
        "rows": rows,
        "order": found["order"],
        "inputs": behind[:MOST_INPUTS],
        "num_more_inputs": max(0, left_out),
    }


FIRST = {
    "format": archive.FORMAT,
    "since": None,
    "sentences": ["This is the first run that is kept. The next one will say what has changed."],
    "rows": [],
    "order": [],
    "inputs": [],
    "num_more_inputs": 0,
}


# The history of a site


class History:
    """The runs that were kept, and the one being made."""

    def __init__(self, project: Project, say: Callable[[str], None]):
        self._project, self._say = project, say
        self._stored = archive.stored(project)
        self._records = [run.record for run in self._stored]

    def add(self, describe: Callable[[], Run], *, is_scheduled: bool) -> dict[str, dict]:
        """Prepare a run for the archive; returns what the site's record says of it, by scenario.

        `is_scheduled`: causes that act together are told apart, however long it takes. Whatever fails here is
        said, and is no reason not to publish.
        """
        try:
            run = describe()
        except OSError as error:
            self._say(f"this run is not kept in reports/runs: {error.strerror or error}")
            return {}
        changes = next((record["changes"] for record in self._records if record["id"] == run.id), None)
        if changes is None:
            changes = {name: self._changes(run, name, is_scheduled) for name in run.record["scenarios"]}
            self._records = [{**run.record, "changes": changes}, *self._records]
            try:
                archive.prepare(self._project, run, changes, self._stored)
            except OSError as error:
                self._say(f"this run is not kept in reports/runs: {error.strerror or error}")
        return {name: {"run": run.id, "changed": changed} for name, changed in changes.items()}

    def _changes(self, run: Run, scenario: str, is_scheduled: bool) -> dict:
        before = archive.before(self._stored, run, scenario)
        if before is None:
            return FIRST
        try:
            options = {"scenarios": [scenario], "is_made": is_scheduled, "say": self._say}
            return section(attribution.compare(self._project, before, run, **options), self._project.source.command)
        except Exception as error:  # an archive of another age or a damaged one: not this report's fault
            self._say(f"what changed since {before.id} cannot be told: {error}")
            since = {"id": before.id, "made_on": before.record["made_on"]}
            return {
                **FIRST,
                "since": since,
                "sentences": ["What changed cannot be told: an earlier run cannot be read."],
            }

    def changed(self, content: Mapping) -> dict | None:
        """The section on changes in what the site's record says of a scenario, if this code can show it."""
        section = content.get("changed", {})
        return {**section, "run": content["run"]} if section.get("format") == archive.FORMAT else None

    def write_pages(self, folder: Path, scenario: str, content: Mapping) -> list[str]:
        """Write the archive and the feed of a scenario into its folder, if its record says that it was kept.

        Returns the names of the pages.
        """
        from reportkit import index

        if "run" not in content:
            return []
        told, kept = [], {}
        for record in self._records:
            try:
                if scenario in record["scenarios"]:
                    told.append(_told(record, scenario))
                    kept[record["id"]] = _made_from(record, scenario)
            except (KeyError, TypeError) as error:
                self._say(f"run {record['id']} is not shown, since its record is damaged: {error!r}")
        suite = self._project.source.suite
        page = index.archive(Frame(suite, content["title"], content["made_on"], content["pages"]), told)
        (folder / ARCHIVE).write_text(page, encoding="utf-8")
        (folder / LEDGER).write_text(json.dumps({"runs": kept}, indent=1) + "\n", encoding="utf-8")
        (folder / FEED).write_bytes(feed(scenario, suite.title, content, told[:MOST_ENTRIES]))
        return [ARCHIVE]


def _told(record: Mapping, scenario: str) -> dict:
    """What the archive page and the feed say of a run."""
    changed = record["changes"][scenario]
    return {
        "id": record["id"],
        "made_on": record["made_on"],
        "as_of": {name.removesuffix("_as_of"): day for name, day in record.items() if name.endswith("_as_of") and day},
        "changed": {key: changed[key] for key in FIRST}
        | {"rows": [{key: row[key] for key in ("label", "old", "new", "why", "note")} for row in changed["rows"]]},
        "notebooks": [
            {
                "title": notebook["title"],
                "headlines": [{key: h[key] for key in ("label", "text", "note")} for h in notebook["headlines"]],
            }
            for notebook in record["scenarios"][scenario]["notebooks"]
            if notebook["headlines"]
        ],
    }


def _made_from(record: Mapping, scenario: str) -> dict:
    """What the numbers told of a run rest on: code, data files, and for each notebook parameters and queries.

    The keys of these numbers begin with `archive/` and the run.
    """
    return {
        "made_on": record["made_on"],
        "library_sha256": record["library"],
        "files": {
            path.removeprefix("data/"): sha256 for path, sha256 in record["files"].items() if path.startswith("data/")
        },
        "notebooks": {
            notebook["name"]: {
                "inputs_sha256": notebook["inputs_sha256"],
                "parameters": notebook["parameters"],
                "headlines": [headline["key"] for headline in notebook["headlines"]],
            }
            for notebook in record["scenarios"][scenario]["notebooks"]
        },
    }


# The feed


def _urn(name: str) -> str:
    return uuid.uuid5(NAMES, name).urn


def feed(scenario: str, suite: str, content: Mapping, past: Sequence[Mapping]) -> bytes:
    """The runs of a scenario as an Atom feed (RFC 4287), the newest first. Its names depend on nothing but the runs."""
    root = ElementTree.Element("feed", {"xmlns": ATOM, "xml:lang": "en"})

    def add(parent, tag, text=None, **attributes):
        element = ElementTree.SubElement(parent, tag, attributes)
        element.text = None if text is None else NOT_XML.sub("\ufffd", text)
        return element

    add(root, "id", _urn(scenario))
    title, made_on = content["title"], content["made_on"]
    add(root, "title", f"{title} | {suite}")
    add(root, "updated", f"{max([made_on, *(run['made_on'] for run in past)])}T00:00:00Z")
    add(add(root, "author"), "name", suite)
    add(root, "link", rel="self", type="application/atom+xml", href=FEED)
    add(root, "link", rel="alternate", type="text/html", href="index.html")
    for run in past:
        entry = add(root, "entry")
        add(entry, "id", _urn(f"{scenario}/{run['id']}"))
        add(entry, "title", f"{heading(run['changed'])}: {plain(run['changed']['sentences'][0])}")
        add(entry, "updated", f"{run['made_on']}T00:00:00Z")
        add(entry, "link", rel="alternate", type="text/html", href=f"{ARCHIVE}#run-{run['id']}")
        add(entry, "content", "\n".join(lines(run["changed"])), type="text")
    ElementTree.indent(root, " ")
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def heading(changed: Mapping) -> str:
    """The title of a list of changes."""
    since = changed["since"]
    return f"What changed since {day(since['made_on'])}" if since else "What changed"


def plain(sentence: str) -> str:
    """A sentence without the marks of Markdown."""
    return sentence.replace("**", "")


def of_all(changes: Mapping[str, Mapping]) -> str:
    """What changed in a run in one sentence: of all its scenarios, those first in which something did."""
    first = {name: changed["sentences"][0] for name, changed in changes.items()}
    moved = [name for name, said in first.items() if not said.startswith("**Nothing changed**")]
    if len(first) == 1 or len(moved) == len(first):
        return plain(next(iter(first.values())))
    if not moved:
        return f"Nothing changed in any of {len(first)} scenarios."
    return f"{moved[0]}: {plain(first[moved[0]])} Of {len(first)} scenarios, {len(moved)} changed."


def lines(changed: Mapping) -> list[str]:
    """A section as lines of text."""
    said = [plain(sentence) for sentence in changed["sentences"]]
    for row in changed["rows"]:
        values = " -> ".join(filter(None, (row["old"], row["new"])))
        said.append(f"{row['label']}: {values} ({'; '.join(filter(None, (row['why'], row['note'])))})")
    said += [f"{row['group']}: {row['line']}" for row in changed["inputs"]]
    more = changed["num_more_inputs"]
    return said + ([f"and {more} more changed inputs"] if more else [])


# On the terminal


def text(found: Mapping) -> str:
    """A comparison as the command line prints it."""
    from_, to = found["from"], found["to"]
    parts = [f"{from_['id']} -> {to['id']}", " ".join(map(plain, sentences(found)))]
    if found["headlines"]:
        rows = [_row(h) for h in found["headlines"]]
        heads = list(dict.fromkeys(head for row in rows for head in row))
        columns = [{"header": head, "is_number": head not in ("Headline", "Old", "New")} for head in heads]
        note = f"Substituted in this order: {', '.join(found['order'])}. The shares of a row sum to its change."
        cells = [[row.get(head, "") for head in heads] for row in rows]
        shown = outputs.table("Headline numbers that changed, and what changed them", columns, cells, note)
        parts.append(outputs.to_text("table", shown))
    for what in ("appeared", "vanished"):
        parts += [f"{what}: {_where(h)}: {h['label']} {h['text']}" for h in found[what]]
        parts += [f"{what}: scenario {name}" for name in found[f"scenarios_{what}"]]
    for group in found["order"]:
        rows = _behind(found, group)
        parts += [f"{group}: {input_line(row)}" for row in rows[:MOST_HEADLINES]]
        parts += [f"{group}: and {len(rows) - MOST_HEADLINES} more"] if len(rows) > MOST_HEADLINES else []
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in "\n".join([*parts, *found["remarks"]]))


def _where(headline: Mapping) -> str:
    return f"{reports.home(headline['scenario'])}{headline['notebook']} {headline['key']}"


def _row(headline: Mapping) -> dict:
    old, new = texts(headline)
    change = "" if headline["change"] is None else signed(headline["change"])
    row = {"Headline": _where(headline), "Old": old, "New": new, "Change": change}
    for cause in headline["causes"]:
        figure = "yes" if cause["change"] is None else signed(cause["change"]) if cause["change"] else "0"
        row[together(cause["groups"])] = figure
    return row
