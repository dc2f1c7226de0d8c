"""Where every number on a page comes from: the key of each, and what keys resolve to.

A key is `NOTEBOOK/CELL/PLACE`: `s2` is the second sentence of a cell, `t1.r3.c2` the third row and second column of its
first table, and a headline number has its own key as its place. What a cell depends on holds for each of its numbers;
of one that is computed from all rows of a query, these are all rows of that query.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nbformat import NotebookNode

from reportkit import dependence, evidence, outputs
from reportkit.source import Lineages, Source

PARAMETERS = "parameters"  # the cell that the table of parameters counts as
PLACE = re.compile(r"s\d+|(t\d+\.)?(caption|head|r\d+)(\.c\d+)?|text|title")
ASSUMPTION = re.compile(r"\bassumption\b")  # in the meaning of a parameter that is one
ABOUT = (
    "A number's key is NOTEBOOK/CELL/PLACE. cells[CELL] names the queries and parameters it depends on; "
    "queries name the rows they read (of very many only how many), rows their source, files their SHA-256."
)


def tags(cell: NotebookNode) -> set[str]:
    """The tags of a cell."""
    return set(cell.metadata.get("tags", ()))


def headlines(cell: NotebookNode) -> list[dict]:
    """The headline numbers that a cell shows."""
    return [h for found in outputs.find(outputs.outputs_of([cell]), "headlines") for h in found["headlines"]]


def make(
    notebook: NotebookNode,
    *,
    name: str,
    parameters: Mapping[str, Mapping],
    trace: Sequence[str],
    source: Source,
    built: Path,
    files: Mapping[str, str],
    library: str,
) -> dict:
    """The ledger of an executed notebook, in values that JSON can keep.

    Parameters
    ----------
    trace : the lines that its queries left
    built : the data it read, or some of which the queries have the same results
    files : hash of each file that the data were built from
    library : hash of the code
    """
    lineages, asked, queries = source.lineage(built), {}, {}
    ids = {cell.execution_count: cell.id for cell in notebook.cells if cell.cell_type == "code"}
    for line, label in _labelled(trace):
        asked.setdefault(line.get("cell"), []).append((line.get("line", 1), label))
        if label not in queries:
            queries[label] = _query(line, ids.get(line.get("cell")), lineages, files)
    cells = {}
    for cell, found in zip(notebook.cells, dependence.of_cells(notebook, asked, parameters), strict=True):
        if cell.cell_type == "code" and cell.outputs:
            cells[cell.id] = {
                "queries": sorted((label for label in found if label in queries), key=lambda label: int(label[1:])),
                "parameters": sorted(label.partition(":")[2] for label in found if label not in queries),
            }
            if values := {h["key"]: h["value"] for h in headlines(cell)}:
                cells[cell.id]["headlines"] = values
    sources = json.dumps([cell.source for cell in notebook.cells])
    rows = lineages.rows(row for query in queries.values() for row in query["rows"])
    for cell in notebook.cells:
        if "headlines" in (told := cells.get(cell.id, {})):
            told["known"] = _known(cell, told, queries, rows, parameters, source.suite.known)
    return {
        "about": ABOUT,
        "notebook": name,
        "code": {
            source.command: source.version,
            "library_sha256": library,
            "cells_sha256": hashlib.sha256(sources.encode()).hexdigest(),
        },
        "parameters": dict(parameters),
        "cells": cells,
        "queries": queries,
        "rows": rows,
        "files": {file: files[file] for file in sorted({f for q in queries.values() for f in q["files"]})},
    }


def _known(
    cell: NotebookNode,
    told: Mapping,
    queries: Mapping[str, Mapping],
    rows: Mapping[str, Mapping],
    parameters: Mapping[str, Mapping],
    of_files: Mapping[str, str],
) -> dict[str, list[str]]:
    """How each headline number of a cell is known: as it says itself, else as all rows and files that the cell reads.

    A parameter that is an assumption by its meaning makes what depends on it assumed, too.
    """
    chosen = [name for name in told["parameters"] if ASSUMPTION.search(parameters[name].get("meaning", ""))]
    read = [queries[label] for label in told["queries"]]
    every = [rows[row] for query in read for row in query["rows"] if row in rows]
    every += [way for start, way in of_files.items() for q in read if any(f.startswith(start) for f in q["files"])]
    more = ["assumed"] * bool(chosen)
    told = [h for h in headlines(cell) if h["value"] is not None]
    return {h["key"]: list(evidence.ways(*(h.get("evidence") or every), *more)) for h in told}


def known(ledger: Mapping | None) -> dict[str, list[str]]:
    """How each headline number of a notebook is known, by its key; empty where nobody says."""
    return {
        key: ways for told in (ledger or {"cells": {}})["cells"].values() for key, ways in told.get("known", {}).items()
    }


def _labelled(trace: Sequence[str]) -> Iterator[tuple[dict, str]]:
    """The lines of a trace, each with a label; the same query has the same one."""
    names = {}
    for line in map(json.loads, trace):
        identity = json.dumps([line["sql"], line["params"]])
        yield line, names.setdefault(identity, f"q{len(names) + 1}")


def _query(line: Mapping, cell: str | None, lineages: Lineages, files: Mapping[str, str]) -> dict:
    behind = lineages.lineage(line["sql"], line["params"])
    return {
        "cell": cell,
        "sql": line["sql"],
        "parameters": line["params"],
        "result_sha256": line["result"],
        "relations": behind.relations,
        "files": behind.files if set(behind.files) <= files.keys() else sorted(files),
        "rows": behind.rows,
        "num_rows": behind.num_rows,
    }


def resolve(ledger: Mapping, key: str) -> dict:
    """What the number of a key rests on: queries, rows, source addresses, files, parameters, and the code."""
    notebook, cell, *place = key.split("/")
    if notebook != ledger["notebook"]:
        raise KeyError(key)
    if cell == PARAMETERS:
        row = re.fullmatch(r"t1\.r(\d+)\.c\d+", "/".join(place))
        names = list(ledger["parameters"])
        found = {"queries": [], "parameters": [names[int(row[1]) - 1]] if row else names}
    else:
        found = ledger["cells"][cell]
        if not all(PLACE.fullmatch(part) or part in found.get("headlines", ()) for part in place):
            raise KeyError(key)
    queries = {label: ledger["queries"][label] for label in found["queries"]}
    rows = {row: ledger["rows"][row] for query in queries.values() for row in query["rows"]}
    return {
        "queries": queries,
        "rows": rows,
        "sources": sorted({row["source_url"] for row in rows.values() if "source_url" in row}),
        "files": {file: ledger["files"][file] for query in queries.values() for file in query["files"]},
        "parameters": {name: ledger["parameters"][name] for name in found["parameters"]},
        "code": ledger["code"],
    }
