"""What changed between two runs, and why: each headline's change shared out by substitution.

The shares are exact. Start from everything the first run was made from, put one group of inputs at a time
in its second state, in the order of `GROUPS`, and make the headline again after each: the difference of
two neighbours is the share of the group between them, and all of them sum to the change. Another order
could give other shares where causes act together, so the order is always said.

The two ends are on record. What lies between is made by the archived library on archived data, in a
process of its own. Where a mixture cannot be made (the old code cannot read the new data, say), the groups
around it share one figure, under both names.
"""

import csv
import difflib
import io
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Context, Decimal
from pathlib import Path

import yaml

from reportkit import archive, cache, plan, reports, workers
from reportkit.archive import Run
from reportkit.plan import Project
from tokenfactory.errors import ParameterError, TokenFactoryError, nearest
from tokenfactory.warehouse import files

DATA, PRICE, POWER, METHOD, PARAMETERS = GROUPS = ("data", "price", "power", "method", "parameters")
PRICE_FILES = ("price_book.csv", "tco_inputs.csv", "api_prices.csv")
POWER_FILES = ("power_book.csv", "site_inputs.csv")
PAGES_ONLY = "pages only"
UNEXPLAINED = "none of its inputs"

LOCK = "requirements.lock"
INSTALLED = "installed packages"
SCENARIOS, SNAPSHOTS = "data/scenarios/", "data/snapshots/"
LIBRARY = ("lib/tokenfactory/", "lib/reportkit/")
# Makes pages of what notebooks show, and nothing notebooks use.
NOT_METHOD = ("lib/reportkit/", "lib/tokenfactory/publish/", "lib/tokenfactory/cli.py")
LIMIT_S = 3600  # for making one mixture

_exact = Context(prec=1500)  # enough for any two doubles

Job = tuple[str, str]  # scenario and notebook


# What the runs were made from


def group_of(path: str) -> str:
    """The group a file of a run belongs to; scenario files are parameters, notebooks and code are method."""
    name = path.rsplit("/", 1)[-1]
    if path.startswith(SCENARIOS):
        return PARAMETERS
    if not path.startswith("data/"):
        return METHOD
    return PRICE if name in PRICE_FILES else POWER if name in POWER_FILES else DATA


def _of_group(run: Run, group: str) -> dict[str, str]:
    return {path: digest for path, digest in run.files.items() if group_of(path) == group}


def _document(run: Run, name: str) -> dict:
    return json.loads(run.file(f"notebooks/{name}.ipynb"))


def _is_parameters(cell: Mapping) -> bool:
    return cell["cell_type"] == "code" and "parameters" in cell["metadata"].get("tags", ())


def _method(run: Run, name: str) -> tuple:
    """What decides a notebook's results beside data and values of parameters."""
    cells = _document(run, name)["cells"]
    code = ["".join(c["source"]) for c in cells if c["cell_type"] == "code" and not _is_parameters(c)]
    library = [item for item in run.files.items() if item[0].startswith(LIBRARY) and not item[0].startswith(NOT_METHOD)]
    return code, sorted(library), sorted(_parameters(cells, name))


@dataclass(frozen=True)
class _Packages:
    """What notebooks were run with: the hash of the lock, and the versions installed, which older runs did not tell."""

    lock: str | None
    installed: Mapping[str, str] | None

    def differ(self, other: "_Packages") -> bool:
        is_told = None not in (self.installed, other.installed)
        return self.lock != other.lock or (is_told and self.installed != other.installed)


def _packages(run: Run) -> _Packages:
    return _Packages(run.files.get(LOCK), run.record.get("packages"))


def _packages_here(project: Project) -> _Packages:
    path = project.root / LOCK
    return _Packages(archive.sha256(path.read_bytes()) if path.is_file() else None, cache.packages())


def _parameters(cells: Sequence[Mapping], name: str) -> dict[str, plan.Parameter]:
    sources = ["".join(cell["source"]) for cell in cells if _is_parameters(cell)]
    return plan.parse_parameters(sources[0], name) if sources else {}


def _differing(a: Run, b: Run, job: Job) -> list[str]:
    """The groups that differ between the runs for a notebook of a scenario, in the order of substitution."""
    scenario, name = job
    found = [group for group in (DATA, PRICE, POWER) if _of_group(a, group) != _of_group(b, group)]
    if (a.record["is_warehouse_given"] or b.record["is_warehouse_given"]) and a.record["data"] != b.record["data"]:
        found = [DATA]
    if _method(a, name) != _method(b, name) or _packages(a).differ(_packages(b)):
        found.append(METHOD)
    old, new = (run.notebooks(scenario)[name]["parameters"] for run in (a, b))
    if any(old[key] != new[key] for key in old.keys() & new.keys()):
        found.append(PARAMETERS)
    return found


# Making a mixture


def _with_values(document: dict, values_of: dict, name: str) -> dict:
    """A notebook with the values that another version of it has in its parameters cell, as far as both have them."""
    own, other = (_parameters(d["cells"], name) for d in (document, values_of))
    lines = {}
    for key, parameter in own.items():
        if key in other and other[key].type is parameter.type:
            lines[key] = (
                f"{key}: {parameter.type.__name__} = {other[key].default!r}  # [{parameter.kind}] {parameter.meaning}"
            )
    cells = []
    for cell in document["cells"]:
        if _is_parameters(cell):
            kept = [lines.get(line.split(":")[0].strip(), line) for line in "".join(cell["source"]).splitlines()]
            cell = cell | {"source": "\n".join(kept)}
        cells.append(cell)
    return document | {"cells": cells}


def _scenario(text: bytes, documents: Mapping[str, dict]) -> bytes:
    """A scenario file, without what these notebooks do not have."""
    content = yaml.safe_load(text)
    names = [name for name in content.get("notebooks") or documents if name in documents]
    known = {key for name in names for key in _parameters(documents[name]["cells"], name)}
    values = {key: value for key, value in (content.get("parameters") or {}).items() if key in known}
    return yaml.safe_dump(content | {"notebooks": names, "parameters": values}, sort_keys=False).encode()


def _mixture(choice: Mapping[str, Run], wanted: Iterable[str]) -> dict[str, bytes]:
    """The files of a checkout in which each group is as its run had it, with only the wanted scenarios."""
    found = {path: choice[g].file(path) for g in (DATA, PRICE, POWER) for path in _of_group(choice[g], g)}
    of_method, of_values = choice[METHOD], choice[PARAMETERS]
    documents = {}
    for path in _of_group(of_method, METHOD):
        if not path.startswith("notebooks/"):
            found[path] = of_method.file(path)
            continue
        name = Path(path).stem
        document = documents[name] = _document(of_method, name)
        if path in of_values.files and of_values is not of_method:
            document = documents[name] = _with_values(document, _document(of_values, name), name)
        found[path] = (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
    for name in wanted:
        path = f"{SCENARIOS}{name}.yaml"
        if path in of_values.files:
            is_same = of_values is of_method
            found[path] = of_values.file(path) if is_same else _scenario(of_values.file(path), documents)
    return found


def _state(choice: Mapping[str, Run]) -> str:
    """A mixture in words: data and price of one run, the rest of another."""
    of: dict[str, list[str]] = {}
    for group in GROUPS:
        of.setdefault(choice[group].id, []).append(group)
    return ", ".join(f"{together(groups)} of {run}" for run, groups in of.items())


def together(words: Sequence[str]) -> str:
    """data, price and power."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


@dataclass(frozen=True)
class _Call:
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path


def _become(call: _Call) -> None:
    os.chdir(call.folder)
    os.execve(call.command[0], list(call.command), dict(call.environment))


@dataclass
class _Maker:
    """Makes the headlines of mixtures, and remembers them."""

    project: Project
    work: Path  # for this comparison
    memory: Path  # for all of them
    say: Callable[[str], None]
    remarks: list[str] = field(default_factory=list)

    def headlines(self, choice: Mapping[str, Run], jobs: Sequence[Job]) -> dict[Job, dict[str, float | None]]:
        """Values of the headlines of those jobs that can be made."""
        if any(run.record["is_warehouse_given"] for run in choice.values()):
            self.remarks.append(
                "a run that read a finished warehouse cannot be mixed with another: its data are not kept"
            )
            return {}
        mixed = _mixture(choice, {scenario for scenario, _ in jobs})
        hashes = {path: archive.sha256(content) for path, content in mixed.items()} | {
            "here": repr(_packages_here(self.project))
        }
        identity = archive.sha256(json.dumps(hashes, sort_keys=True).encode())
        memo = self.memory / f"{identity}.json"
        known = json.loads(memo.read_text()) if memo.is_file() else {}
        found = {job: known["/".join(job)] for job in jobs if "/".join(job) in known}
        missing = [job for job in jobs if job not in found]
        if missing:
            root = self.work / identity[:12]
            for path, content in mixed.items():
                archive.place(root, path, content)
            archive.place_snapshot(root, choice[DATA])
            state = _state(choice)
            self.say(f"making {len(missing)} {'notebook' if len(missing) == 1 else 'notebooks'} again with {state}")
            made = self._make(root, missing, state)
            found |= made
            memo.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(known | {"/".join(job): values for job, values in made.items()})
            new = memo.with_suffix(f".{os.getpid()}")
            new.write_text(text)
            os.replace(new, memo)
        return found

    def _make(self, root: Path, jobs: Sequence[Job], state: str) -> dict[Job, dict[str, float | None]]:
        scenarios = sorted({scenario for scenario, _ in jobs})
        if len(scenarios) > 1 and "default" not in scenarios:
            return {job: made for s in scenarios for job, made in self._make(root, _of(jobs, s), state).items()}
        log = root / "log"
        log.unlink(missing_ok=True)
        shutil.rmtree(root / "reports" / "failed", ignore_errors=True)
        if self._report(root, "all" if len(scenarios) > 1 else scenarios[0], sorted({name for _, name in jobs}), log):
            return _made(Project(root), jobs)
        lines = log.read_text(errors="replace").strip().splitlines() or ["the process left no word"]
        why = next((line for line in lines if line.startswith("tokenfactory: ")), lines[-1])
        why = why.removeprefix("tokenfactory: ")
        if len(jobs) == 1:
            label = reports.home(jobs[0][0]) + jobs[0][1]
            self.remarks.append(f"{label} cannot be made with {state}: {why}")
            return {}
        # Each run of the archived library keeps what failed in a folder of its own, older libraries in the one above.
        kept = root / "reports" / "failed"
        failed = [job for job in jobs if any(kept.glob(f"**/{reports.home(job[0])}{job[1]}.ipynb"))]
        if not failed and re.match(r"[a-z_]+\.csv\b", why):
            self.remarks.append(f"nothing can be made with {state}: {why}")
            return {}  # no notebook has the data that are refused
        if failed and len(failed) < len(jobs):
            parts = [failed, [job for job in jobs if job not in failed]]
        else:
            parts = [jobs[: len(jobs) // 2], jobs[len(jobs) // 2 :]]
        return {job: made for part in parts for job, made in self._make(root, part, state).items()}

    def _report(self, root: Path, scenario: str, names: Sequence[str], log: Path) -> bool:
        """Let the library that lies in `root` make the report of its project; whether it did."""
        chosen = [argument for name in names for argument in ("--notebook", name)]
        program = "from tokenfactory.cli import main; main()"
        command = [sys.executable, "-c", program, "report", "--json", "--scenario", scenario, *chosen]
        left_out = ("TOKENFACTORY_WAREHOUSE", "TOKENFACTORY_TRACE", "SOURCE_DATE_EPOCH")
        environment = {key: value for key, value in os.environ.items() if key not in left_out} | {
            "PYTHONPATH": str(root / "lib"),
            "TOKENFACTORY_DATA": str(root / "data"),
            "TOKENFACTORY_CACHE": str(self.work / "cache"),
        }
        with workers.child(_become, _Call(command, environment, root), log=log) as process:
            process.join(LIMIT_S)
            return process.exitcode == 0

    def seed(self, run: Run, jobs: Iterable[Job]) -> None:
        """Hand the executions of a run to the cache, for notebooks to which a mixture is nothing new."""
        own = Path(cache.__file__).read_bytes()
        if run.files.get("lib/reportkit/cache.py") != archive.sha256(own):
            return  # another layout of the cache, perhaps
        entries = self.work / "cache" / "reports"
        entries.mkdir(parents=True, exist_ok=True)
        executed, trace = self.work / "executed.ipynb", self.work / "trace.jsonl"
        for key in sorted({run.notebooks(scenario)[name]["key"] for scenario, name in jobs}):
            execution = run.record["executions"][key]
            executed.write_bytes(run.read(execution["executed"]))
            trace.write_bytes(run.read(execution["trace"]))
            cache.store(entries, key, executed, trace, run.record["data"])


def _of(jobs: Sequence[Job], scenario: str) -> list[Job]:
    return [job for job in jobs if job[0] == scenario]


def _made(project: Project, jobs: Sequence[Job]) -> dict[Job, dict[str, float | None]]:
    record = json.loads((reports.site(project) / reports.RECORD).read_text(encoding="utf-8"))
    found = {}
    for scenario, name in jobs:
        entry = next(n["entry"] for n in record[scenario]["notebooks"] if n["name"] == name)
        found[scenario, name] = {headline["key"]: headline["value"] for headline in entry["headlines"]}
    return found


# Sharing out

NOT_MADE = object()


def _minus(a: float, b: float) -> Decimal:
    return _exact.subtract(Decimal(repr(a)), Decimal(repr(b)))


def shares(old: float | None, steps: Sequence[tuple[str, object]]) -> list[tuple[tuple[str, ...], Decimal | None]]:
    """The share of each group in a change, in the order of substitution; numbers sum to the change exactly.

    Parameters
    ----------
    old : the first value; None is not measured
    steps : a group and the value after its substitution, the last one being the new value. A group whose
        value is not a number, or `NOT_MADE`, has one share together with the next

    Where the first or the last value is not measured there is nothing to sum: the groups with which the
    number came or went are named, and their share is None.
    """
    is_number = old is not None and steps[-1][1] is not None
    found: dict[tuple[str, ...], Decimal | None] = {}
    last, together = old, []
    for group, value in steps:
        if group not in together:
            together.append(group)
        if value is NOT_MADE or (is_number and value is None):
            continue
        name, together = tuple(together), []
        if is_number:
            found[name] = _exact.add(found.get(name, Decimal(0)), _minus(value, last))
        elif (value is None) != (last is None):
            found[name] = None
        last = value
    return list(found.items())


def _chain(a: Run, b: Run, job: Job, here: _Packages) -> list[tuple[str, frozenset[str] | Run]]:
    """The substitutions for a notebook: a group each, and what is then in its second state.

    Only the packages of this machine, `here`, are there to make anything with. Where something is to be
    made, a run that had others is made again with these, and what that changes counts as method.
    """
    groups = _differing(a, b, job) or [UNEXPLAINED]
    chain = [(group, frozenset(groups[: number + 1])) for number, group in enumerate(groups)]
    if len(chain) > 1 and _packages(a).differ(here):
        chain.insert(0, (METHOD, frozenset()))
    if len(chain) > 1 and _packages(b).differ(here):
        return [*chain, (METHOD, b)]
    return [*chain[:-1], (chain[-1][0], b)]


def _headlines(run: Run, job: Job) -> dict[str, Mapping]:
    notebook = run.notebooks(job[0]).get(job[1])
    return {h["key"]: h for h in notebook["headlines"]} if notebook else {}


def _is_same(old: Mapping, new: Mapping) -> bool:
    return (old["value"], old["unit"]) == (new["value"], new["unit"])


def compare(project: Project, a: Run, b: Run, *, scenarios: Sequence[str] | None = None, is_made=True, say) -> dict:
    """What changed from run `a` to run `b`, in the scenarios that both have.

    Returns the changed headlines with the shares of the causes, those that appeared or vanished, and the
    changed inputs by group.

    Parameters
    ----------
    scenarios : only these
    is_made : make the mixtures that are needed; else causes that act together have one share
    say : called with lines of progress
    """
    both = [name for name in b.record["scenarios"] if name in a.record["scenarios"]]
    for name in scenarios or ():
        if name not in both:
            raise ParameterError(f"scenario {name!r} is not in both runs{nearest(name, both)}")
    chosen = both if scenarios is None else list(scenarios)
    jobs = [(s, name) for s in chosen for name in {**a.notebooks(s), **b.notebooks(s)}]
    pairs = {
        (*job, key): (_headlines(a, job).get(key), _headlines(b, job).get(key))
        for job in jobs
        for key in {**_headlines(a, job), **_headlines(b, job)}
    }
    changed = {k: (old, new) for k, (old, new) in pairs.items() if old and new and not _is_same(old, new)}
    in_question = {where[:2] for where, (old, new) in changed.items() if old["unit"] == new["unit"]}
    of_job, remarks = _values(project, a, b, sorted(in_question), is_made, say)
    found = []
    for (scenario, name, key), (old, new) in changed.items():
        causes = []
        if (scenario, name) in of_job:
            steps = [(group, values.get(key, NOT_MADE)) for group, values in of_job[scenario, name]]
            causes = [{"groups": list(groups), "change": change} for groups, change in shares(old["value"], steps)]
        is_number = old["unit"] == new["unit"] and None not in (old["value"], new["value"])
        found.append({
            "scenario": scenario, "notebook": name, "key": key, "label": new["label"], "unit": new["unit"],
            "old": old["value"], "new": new["value"], "old_text": old["text"], "new_text": new["text"],
            "note": new["note"], "old_label": old["label"], "old_unit": old["unit"],
            "change": _minus(new["value"], old["value"]) if is_number else None, "causes": causes,
        })  # fmt: skip
    return {
        "from": {"id": a.id, "made_on": a.record["made_on"]},
        "to": {"id": b.id, "made_on": b.record["made_on"]},
        "order": list(GROUPS),
        "num_same": len(pairs) - len(changed) - sum(not (old and new) for old, new in pairs.values()),
        "headlines": found,
        "appeared": [_alone(where, new) for where, (old, new) in pairs.items() if not old],
        "vanished": [_alone(where, old) for where, (old, new) in pairs.items() if not new],
        "scenarios_appeared": [name for name in b.record["scenarios"] if name not in both],
        "scenarios_vanished": [name for name in a.record["scenarios"] if name not in both],
        "inputs": inputs(a, b),
        "remarks": remarks,
    }


def _alone(where: tuple[str, str, str], headline: Mapping) -> dict:
    scenario, name, key = where
    about = {"scenario": scenario, "notebook": name, "key": key}
    return about | {field: headline[field] for field in ("label", "unit", "value", "text", "note")}


def _values(project, a: Run, b: Run, jobs: Sequence[Job], is_made: bool, say) -> tuple[dict[Job, list], list[str]]:
    """For each notebook the chain of its substitutions with the values of its headlines after each."""
    here = _packages_here(project)
    chains = {job: _chain(a, b, job, here) for job in jobs}
    # Notebooks in the same state are made together. A group that does not differ for a notebook is the same
    # in both runs, so that its state may be either's.
    order = [frozenset(GROUPS[:number]) for number in range(len(GROUPS) + 1)]
    at: dict[frozenset[str], list[Job]] = {}
    for job, chain in chains.items():
        for _, state in chain:
            if state is not b:
                at.setdefault(next(s for s in order if state <= s), []).append(job)
    made, remarks = {}, []
    if at and is_made:
        made, remarks = _make_all(project, a, b, at, say)
    found = {}
    for job, chain in chains.items():
        values = []
        for group, state in chain:
            if state is b:
                values.append((group, {h["key"]: h["value"] for h in _headlines(b, job).values()}))
            else:
                values.append((group, made.get((next(s for s in order if state <= s), job), {})))
        found[job] = values
    return found, remarks


def _make_all(project, a: Run, b: Run, at: Mapping[frozenset[str], list[Job]], say) -> tuple[dict, list[str]]:
    memory = files.cache_dir() / "diff"
    memory.mkdir(parents=True, exist_ok=True)
    _forget(memory)
    made = {}
    with tempfile.TemporaryDirectory(prefix="work-", dir=memory) as folder:
        maker = _Maker(project, Path(folder), memory, say)
        try:
            if not _packages(a).differ(_packages_here(project)):
                maker.seed(a, {job for jobs in at.values() for job in jobs})
            for state in sorted(at, key=len):
                choice = {group: b if group in state else a for group in GROUPS}
                made |= {(state, job): values for job, values in maker.headlines(choice, at[state]).items()}
        except TokenFactoryError as error:
            maker.remarks.append(str(error))
    return made, maker.remarks


def _forget(memory: Path, keep: int = 500) -> None:
    """Remove the oldest results, and what comparisons that were killed left."""
    for path in memory.glob("work-*"):
        if path.stat().st_mtime < time.time() - 2 * LIMIT_S:
            shutil.rmtree(path, ignore_errors=True)
    results = sorted(memory.glob("*.json"), key=lambda p: p.stat().st_mtime, reverse=True)
    for path in results[keep:]:
        with suppress(OSError):
            path.unlink()


# The rows behind


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


def _data_rows(a: Run, b: Run, group: str) -> list[dict]:
    found = []
    old, new = _of_group(a, group), _of_group(b, group)
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path) and path.endswith(".csv"):
            contents = (run.file(path) if path in run.files else None for run in (a, b))
            found += _changed(path.removeprefix("data/"), *_rows(*contents))
    if group == DATA:
        found += _changed("snapshot", *(_snapshot_files(run) for run in (a, b)))
    return found


def _snapshot_files(run: Run) -> dict[str, dict]:
    """The measured files in the snapshot of a run, as its manifest has them."""
    manifests = [path for path in run.files if path.startswith(SNAPSHOTS) and path.endswith("/manifest.json")]
    told = [file for path in manifests for file in json.loads(run.file(path))["files"]]
    return {file["file"]: {key: file[key] for key in ("file_sha256", "num_rows", "num_points")} for file in told}


def _changed_packages(a: Run, b: Run) -> list[dict]:
    def pinned(run):
        pins = run.file(LOCK).decode() if LOCK in run.files else ""
        return {name: {"version": v} for name, v in re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", pins, re.M)}

    found = list(_changed(LOCK, pinned(a), pinned(b)))
    if None not in (_packages(a).installed, _packages(b).installed):
        old, new = ({n: {"version": v} for n, v in _packages(run).installed.items()} for run in (a, b))
        told = {row["key"] for row in found}
        found += [row for row in _changed(INSTALLED, old, new) if row["key"] not in told]
    return found


def _lines(run: Run, path: str) -> list[str]:
    """The lines of a file of code; of a notebook, those of its code cells but for the parameters."""
    if path not in run.files:
        return []
    if not path.endswith(".ipynb"):
        return run.file(path).decode(errors="replace").splitlines()
    cells = json.loads(run.file(path))["cells"]
    code = ("".join(c["source"]) for c in cells if c["cell_type"] == "code" and not _is_parameters(c))
    return [line for source in code for line in source.splitlines()]


def _code(a: Run, b: Run) -> list[dict]:
    found = []
    for path in sorted(a.files.keys() | b.files.keys()):
        if path.startswith((*LIBRARY, "notebooks/")) and a.files.get(path) != b.files.get(path):
            what = "added" if path not in a.files else "removed" if path not in b.files else "changed"
            old, new = _lines(a, path), _lines(b, path)
            changed = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if what == "changed" else ()
            values = {
                f"line {new_from + 1}": ["\n".join(old[old_from:old_to]), "\n".join(new[new_from:new_to])]
                for tag, old_from, old_to, new_from, new_to in changed
                if tag != "equal"
            }
            is_page = path.startswith(NOT_METHOD) or (what == "changed" and old == new)
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


def inputs(a: Run, b: Run) -> dict[str, list[dict]]:
    """What changed in the inputs, by group: rows of data files, files of code, values of parameters."""
    found = {group: _data_rows(a, b, group) for group in (DATA, PRICE, POWER)}
    return found | {METHOD: _code(a, b), PARAMETERS: _values_set(a, b)}
