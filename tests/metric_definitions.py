"""What each headline number means, on record in reports/metric_definitions.csv: a key never gets another meaning.

    python tests/metric_definitions.py --add            record the keys that are new
    python tests/metric_definitions.py --reworded KEY   this key says the same in other words

The definition of a headline number is what is declared of it, not how it is computed:

* its unit;
* the words of its label, where GPUs and numbers, which come from the data, may be any;
* the formulas it rests on, by what they declare: their arguments, whose names end in units, what they return, and
  their equation. They are found by following the names from the cell with the headlines back through the notebook.
  Which formulas a notebook uses is method, and may change; what one of them declares may not.

So a corrected row, a refreshed output, a rewritten query, a renamed variable or a faster body is no change of
definition and needs nothing; tokens of another scope, another unit, another thing in the label, an argument or a term
more in a formula is one, and needs a new key, so that nobody compares two different numbers under one name. Rows stay
when a key is gone: it cannot come back with another meaning.
"""

import argparse
import ast
import csv
import hashlib
import importlib
import inspect
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

PROJECT = Path(__file__).parents[1]
RECORD = PROJECT / "reports" / "metric_definitions.csv"
COLUMNS = ("key", "notebook", "unit", "label", "formulas")
FORMULAS = ("cashflow", "cost", "finance", "power", "reuse")
NEW_KEY = "give it a new key (or, if only words changed: python tests/metric_definitions.py --reworded KEY)"
MIME = "application/vnd.reportkit.headlines+json"


def label_words(label: str, gpus: Iterable[str]) -> str:
    """A label without what comes from data: A million tokens on GB300 -> A million tokens on {gpu}."""
    names = "|".join(sorted((re.escape(gpu) for gpu in gpus), key=len, reverse=True))
    return re.sub(r"\$?\d[\d,.]*", "{number}", re.sub(rf"\b(?:{names})\b", "{gpu}", label, flags=re.IGNORECASE))


def declaration(formula) -> str:
    """What a formula declares: arguments, what it returns, its equation. A constant declares its value."""
    if not callable(formula):
        return repr(formula)
    text = inspect.getdoc(formula) or ""
    sections = dict(re.findall(r"^(\w+)\n-+\n(.*?)(?=^\w+\n-+\n|\Z)", text, re.DOTALL | re.MULTILINE))
    equation = sections.get("Notes", "").split(". ")[0]
    return " ".join(f"{inspect.signature(formula)} {sections.get('Returns', '')} {equation}".split())


def _names(node: ast.AST, context: type) -> set[str]:
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, context)}
    defined = {n.name for n in ast.walk(node) if isinstance(n, ast.FunctionDef)} if context is ast.Store else set()
    return names | defined


def formulas(sources: Iterable[str]) -> list[str]:
    """The formulas that lead to the headlines of a notebook, as module.function; `sources` are its code cells."""
    cells = [ast.parse(source).body for source in sources]
    ends = [number for number, cell in enumerate(cells) if any("Headline" in _names(s, ast.Load) for s in cell)]
    if not ends:
        return []
    cells = cells[: ends[-1] + 1]  # what comes later shows more, and decides nothing
    statements = [s for cell in cells for s in cell if not isinstance(s, ast.Import | ast.ImportFrom)]
    imported = {
        alias.asname or alias.name: f"{node.module.removeprefix('tokenfactory.formulas.')}.{alias.name}"
        for cell in cells
        for node in cell
        if isinstance(node, ast.ImportFrom) and node.module in {f"tokenfactory.formulas.{room}" for room in FORMULAS}
        for alias in node.names
    }
    chosen = [s for number in ends for s in cells[number]]
    wanted = {name for statement in chosen for name in _names(statement, ast.Load)}
    while True:
        more = [s for s in statements if s not in chosen and _names(s, ast.Store) & wanted]
        if not more:
            break
        chosen += more
        wanted |= {name for statement in more for name in _names(statement, ast.Load)}
    found = {imported[name] for name in wanted & imported.keys()}
    for node in (n for statement in chosen for n in ast.walk(statement)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in FORMULAS:
            found.add(f"{node.value.id}.{node.attr}")
    return sorted(found)


def of_notebook(path: Path, gpus: Iterable[str]) -> Iterator[dict[str, str]]:
    """The definitions of a notebook's headlines, from its code and stored outputs."""
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    declared = []
    for name in formulas("".join(cell["source"]) for cell in cells):
        room, function = name.split(".")
        text = declaration(getattr(importlib.import_module(f"tokenfactory.formulas.{room}"), function))
        declared.append(f"{name}={hashlib.sha256(text.encode()).hexdigest()[:8]}")
    for output in (output for cell in cells for output in cell["outputs"]):
        for headline in output.get("data", {}).get(MIME, {}).get("headlines", ()):
            yield {
                "key": headline["key"],
                "notebook": path.stem,
                "unit": headline["unit"],
                "label": label_words(headline["label"], gpus),
                "formulas": " ".join(declared),
            }


def of_project(project: Path = PROJECT) -> list[dict[str, str]]:
    with (project / "data" / "hardware.csv").open(newline="", encoding="utf-8") as lines:
        gpus = {row["gpu"] for row in csv.DictReader(lines)}
    return [row for path in sorted((project / "notebooks").glob("[0-9]*.ipynb")) for row in of_notebook(path, gpus)]


def read(text: str) -> dict[str, dict[str, str]]:
    return {row["key"]: row for row in csv.DictReader(io.StringIO(text))}


def problems(recorded: Mapping[str, Mapping], found: Iterable[Mapping]) -> list[str]:
    """What is wrong, in sentences: keys that mean something else than on record, and keys that are not there."""
    said = []
    for row in found:
        known, where = recorded.get(row["key"]), f"{row['notebook']}: headline '{row['key']}'"
        if known is None:
            said.append(f"{where} is new: python tests/metric_definitions.py --add")
            continue
        for field in ("unit", "label"):
            if known[field] != row[field]:
                said.append(f"{where} has another {field} ({known[field]} -> {row[field]}): {NEW_KEY}")
        before, after = _declared(known), _declared(row)
        for formula in before.keys() & after.keys():
            if before[formula] != after[formula]:
                said.append(f"{where} rests on {formula}, which declares something else: {NEW_KEY}")
    return said


def _declared(row: Mapping[str, str]) -> dict[str, str]:
    return dict(item.split("=") for item in row["formulas"].split())


def write(rows: Iterable[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: (row["notebook"], row["key"])))
    return text.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--add", action="store_true", help="record the keys that are new")
    parser.add_argument("--reworded", metavar="KEY", action="append", default=[], help="record its present words")
    arguments = parser.parse_args()
    recorded = read(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    for row in of_project():
        known = recorded.get(row["key"])
        if known is None:
            recorded |= {row["key"]: row} if arguments.add else {}
        elif row["key"] in arguments.reworded:
            recorded[row["key"]] = row | {"unit": known["unit"]}  # another unit is never the same number
        elif arguments.add:
            declared = {**_declared(row), **_declared(known)}
            known["formulas"] = " ".join(f"{name}={declared[name]}" for name in sorted(declared))
    RECORD.write_text(write(recorded.values()), encoding="utf-8")
    print("\n".join(problems(recorded, of_project())) or f"{len(recorded)} definitions, all as recorded")


if __name__ == "__main__":
    main()
