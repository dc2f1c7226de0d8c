"""What runs were made from, in groups by which a change is told, and what of it differs between two runs."""

import csv
import difflib
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence

import yaml

from reportkit import archive, cache, plan, reports
from reportkit.archive import Run
from reportkit.source import Project, Source

DATA, METHOD, PARAMETERS = "data", "method", "parameters"
PAGES_ONLY = "pages only"

LOCK = "requirements.lock"
INSTALLED = "installed packages"
SCENARIOS, LIBRARY, PAGES = "data/scenarios/", "lib/", "lib/reportkit/"  # the last makes pages, nothing notebooks use

Job = tuple[str, str]  # scenario and notebook
Packages = tuple[str | None, Mapping[str, str]]


def groups(source: Source) -> tuple[str, ...]:
    """What a change is shared out to, in the order of substitution."""
    return (DATA, *source.groups, METHOD, PARAMETERS)


def group_of(source: Source, path: str) -> str:
    """The group a file of a run belongs to; scenario files are parameters, notebooks and code are method."""
    name = path.rsplit("/", 1)[-1]
    if path.startswith(SCENARIOS):
        return PARAMETERS
    if not path.startswith("data/"):
        return METHOD
    return next((group for group, files in source.groups.items() if name in files), DATA)


def of_group(source: Source, run: Run, group: str) -> dict[str, str]:
    """The files of a run that belong to one group of causes, with their hashes."""
    return {path: digest for path, digest in run.files.items() if group_of(source, path) == group}


def sections_of(source: Source, run: Run, scenario: str) -> dict[str, dict]:
    """What the file of a scenario says beside parameters, by the group that it counts to."""
    path, found = f"{SCENARIOS}{scenario}.yaml", {}
    content = yaml.safe_load(run.file(path)) if path in run.files else {}
    for section, group in source.sections.items():
        if section in content:
            found.setdefault(group, {})[section] = content[section]
    return found


def document_of(run: Run, name: str) -> dict:
    """A notebook as it was in a run."""
    return json.loads(run.file(f"notebooks/{name}.ipynb"))


def is_parameters(cell: Mapping) -> bool:
    """Whether a cell declares the parameters of its notebook."""
    return cell["cell_type"] == "code" and "parameters" in cell["metadata"].get("tags", ())


def _method(source: Source, run: Run, name: str) -> tuple:
    """What decides a notebook's results beside data and values of parameters."""
    cells = document_of(run, name)["cells"]
    code = ["".join(c["source"]) for c in cells if c["cell_type"] == "code" and not is_parameters(c)]
    no_method = (PAGES, *source.no_method)
    library = [i for i in run.files.items() if i[0].startswith(LIBRARY) and not i[0].startswith(no_method)]
    return code, sorted(library), sorted(parameters_of(cells, name))


def packages(run: Run) -> Packages:
    """What the notebooks of a run were run with: the hash of the lock, and the versions installed."""
    return run.files.get(LOCK), run.record["packages"]


def packages_here(project: Project) -> Packages:
    """The same of this checkout."""
    path = project.root / LOCK
    return archive.sha256(path.read_bytes()) if path.is_file() else None, cache.packages()


def parameters_of(cells: Sequence[Mapping], name: str) -> dict[str, plan.Parameter]:
    """The parameters that the cells of a notebook declare."""
    sources = ["".join(cell["source"]) for cell in cells if is_parameters(cell)]
    return plan.parse_parameters(sources[0], name, {}) if sources else {}


def differing(source: Source, a: Run, b: Run, job: Job) -> list[str]:
    """The groups that differ between the runs for a notebook of a scenario, in the order of substitution."""
    scenario, name = job
    of_data, own = (DATA, *source.groups), [sections_of(source, run, scenario) for run in (a, b)]
    found = [
        group
        for group in of_data
        if of_group(source, a, group) != of_group(source, b, group) or own[0].get(group) != own[1].get(group)
    ]
    if (a.record["is_warehouse_given"] or b.record["is_warehouse_given"]) and a.record["data"] != b.record["data"]:
        found = [DATA]
    if _method(source, a, name) != _method(source, b, name) or packages(a) != packages(b):
        found.append(METHOD)
    old, new = (run.notebooks(scenario)[name]["parameters"] for run in (a, b))
    if any(old[key] != new[key] for key in old.keys() & new.keys()):
        found.append(PARAMETERS)
    return found


# What differs


def _rows(*contents: bytes | None) -> list[dict[str, dict[str, str]]]:
    """The rows of states of one data file by their key: the fewest leading columns that tell rows apart in each state.

    Lines that begin with # are a notice and no rows.
    """
    lines = [[line for line in (c or b"").decode().splitlines(keepends=True) if line[:1] != "#"] for c in contents]
    tables = [list(csv.reader(io.StringIO("".join(of_one)))) or [[]] for of_one in lines]
    for size in range(1, 1 + max(len(header) for header, *_ in tables)):
        keyed = [{"/".join(row[:size]): dict(zip(head, row, strict=False)) for row in rows} for head, *rows in tables]
        if all(len(rows) == len(table) - 1 for rows, table in zip(keyed, tables, strict=True)):
            return keyed
    return keyed if any(len(table) > 1 for table in tables) else [{} for _ in tables]


def _changed(file: str, old: Mapping[str, Mapping], new: Mapping[str, Mapping]) -> Iterator[dict]:
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if before != after:
            what = "added" if before is None else "removed" if after is None else "changed"
            before, after = before or {}, after or {}
            values = {c: [before.get(c), after.get(c)] for c in {**before, **after} if before.get(c) != after.get(c)}
            yield {"file": file, "key": key, "what": what, "values": values}


def _data_rows(source: Source, a: Run, b: Run, group: str) -> list[dict]:
    found = []
    old, new = of_group(source, a, group), of_group(source, b, group)
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path) and path.endswith(".csv"):
            contents = (run.file(path) if path in run.files else None for run in (a, b))
            found += _changed(path.removeprefix("data/"), *_rows(*contents))
    for scenario in b.record["scenarios"]:
        rows = (_own_rows(sections_of(source, run, scenario).get(group, {})) for run in (a, b))
        found += _changed(f"scenarios/{scenario}.yaml", *rows)
    if group == DATA:
        found += _changed("snapshot", *(source.archived_rows(run.files, run.file) for run in (a, b)))
    return found


def _own_rows(node: object, place: str = "") -> dict[str, dict]:
    """The rows of sections of a scenario file by their place, such as prices.gb300 or inputs.all.pue."""
    if isinstance(node, list):  # an entry of a list is called by its first value
        names = [str(next(iter(row.values()), "")) if isinstance(row, Mapping) else str(row) for row in node]
        names = [f"{name}.{i}" if names.count(name) > 1 else name for i, name in enumerate(names)]
        node = dict(zip(names, node, strict=True))
    if not isinstance(node, Mapping):
        return {place: {"value": node}}
    if node and not any(isinstance(value, Mapping | list) for value in node.values()):
        return {place: dict(node)}
    inner = (_own_rows(value, f"{place}.{key}".lstrip(".")) for key, value in node.items())
    return {key: row for rows in inner for key, row in rows.items()}


def _changed_packages(a: Run, b: Run) -> list[dict]:
    def pinned(run):
        pins = run.file(LOCK).decode() if LOCK in run.files else ""
        return {name: {"version": v} for name, v in re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", pins, re.M)}

    found = list(_changed(LOCK, pinned(a), pinned(b)))
    told = {row["key"] for row in found}
    old, new = ({name: {"version": v} for name, v in run.record["packages"].items()} for run in (a, b))
    return found + [row for row in _changed(INSTALLED, old, new) if row["key"] not in told]


def _lines(run: Run, path: str) -> list[str]:
    """The lines of a file of code; of a notebook, those of its code cells but for the parameters."""
    if path not in run.files:
        return []
    if not path.endswith(".ipynb"):
        return run.file(path).decode(errors="replace").splitlines()
    cells = json.loads(run.file(path))["cells"]
    code = ("".join(c["source"]) for c in cells if c["cell_type"] == "code" and not is_parameters(c))
    return [line for source in code for line in source.splitlines()]


def _code(source: Source, a: Run, b: Run) -> list[dict]:
    found = []
    for path in sorted(a.files.keys() | b.files.keys()):
        if path.startswith((LIBRARY, "notebooks/")) and a.files.get(path) != b.files.get(path):
            what = "added" if path not in a.files else "removed" if path not in b.files else "changed"
            old, new = _lines(a, path), _lines(b, path)
            changed = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if what == "changed" else ()
            values = {
                f"line {new_from + 1}": ["\n".join(old[old_from:old_to]), "\n".join(new[new_from:new_to])]
                for tag, old_from, old_to, new_from, new_to in changed
                if tag != "equal"
            }
            is_page = path.startswith((PAGES, *source.no_method)) or (what == "changed" and old == new)
            found.append({"file": path, "key": PAGES_ONLY if is_page else "", "what": what, "values": values})
    return found + _changed_packages(a, b)


def _values_set(a: Run, b: Run) -> list[dict]:
    """Parameters with another value; one row for all notebooks in which it changed the same way."""
    where: dict[tuple, list[str]] = {}
    for scenario in b.record["scenarios"]:
        before = a.notebooks(scenario)
        for name, notebook in b.notebooks(scenario).items():
            new, old = notebook["parameters"], before.get(name, notebook)["parameters"]
            for key in sorted(old.keys() & new.keys()):
                if old[key] != new[key]:
                    where.setdefault((key, old[key], new[key]), []).append(reports.home(scenario) + name)
    return [
        {"file": " ".join(labels), "key": key, "what": "changed", "values": {"value": [old, new]}}
        for (key, old, new), labels in where.items()
    ]


def inputs(source: Source, a: Run, b: Run) -> dict[str, list[dict]]:
    """What changed in the inputs, by group: rows of data files, files of code, values of parameters."""
    found = {group: _data_rows(source, a, b, group) for group in (DATA, *source.groups)}
    return found | {METHOD: _code(source, a, b), PARAMETERS: _values_set(a, b)}
