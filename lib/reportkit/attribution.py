"""What changed between two runs, and why: each headline's change shared out by substitution.

The shares are exact. Start from everything the first run was made from, put one group of inputs at a time
in its second state, in the order of `groups`, and make the headline again after each: the difference of
two neighbours is the share of the group between them, and all of them sum to the change. Another order
could give other shares where causes act together, so the order is always said.

The two ends are on record. What lies between is made by the archived library on archived data, in a
process of its own. Where a mixture cannot be made (the old code cannot read the new data, say), the groups
around it share one figure, under both names.
"""

import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Context, Decimal
from pathlib import Path

import yaml

from reportkit import archive, atomic, cache, reports
from reportkit.archive import Run
from reportkit.errors import InputError, ParameterError, nearest
from reportkit.inputs import (
    DATA,
    METHOD,
    PARAMETERS,
    SCENARIOS,
    Job,
    Packages,
    differing,
    document_of,
    groups,
    inputs,
    is_parameters,
    of_group,
    packages,
    packages_here,
    parameters_of,
    sections_of,
)
from reportkit.source import Project, Source

UNEXPLAINED = "none of its inputs"

_exact = Context(prec=1500)  # enough for any two doubles


# Making a mixture


def _with_values(document: dict, values_of: dict, name: str) -> dict:
    """A notebook with the values that another version of it has in its parameters cell, as far as both have them."""
    own, other = (parameters_of(d["cells"], name) for d in (document, values_of))
    lines = {}
    for key, parameter in own.items():
        if key in other and other[key].type is parameter.type:
            lines[key] = (
                f"{key}: {parameter.type.__name__} = {other[key].default!r}  # [{parameter.kind}] {parameter.meaning}"
            )
    cells = []
    for cell in document["cells"]:
        if is_parameters(cell):
            kept = [lines.get(line.split(":")[0].strip(), line) for line in "".join(cell["source"]).splitlines()]
            cell = cell | {"source": "\n".join(kept)}
        cells.append(cell)
    return document | {"cells": cells}


def _scenario(text: bytes, documents: Mapping[str, dict]) -> bytes:
    """A scenario file, without what these notebooks do not have."""
    content = yaml.safe_load(text)
    names = [name for name in content.get("notebooks") or documents if name in documents]
    known = {key for name in names for key in parameters_of(documents[name]["cells"], name)}
    values = {key: value for key, value in (content.get("parameters") or {}).items() if key in known}
    return yaml.safe_dump(content | {"notebooks": names, "parameters": values}, sort_keys=False).encode()


def _with_sections(source: Source, text: bytes, choice: Mapping[str, Run], name: str) -> bytes:
    """A scenario file with the sections, such as prices, that it has in the runs chosen for their groups."""
    content = yaml.safe_load(text)
    wanted = {
        section: value
        for group in dict.fromkeys(source.sections.values())
        for section, value in sections_of(source, choice[group], name).get(group, {}).items()
    }
    if wanted == {section: content[section] for section in source.sections if section in content}:
        return text
    kept = {key: value for key, value in content.items() if key not in source.sections}
    return yaml.safe_dump(kept | wanted, sort_keys=False).encode()


def _mixture(source: Source, choice: Mapping[str, Run], wanted: Iterable[str]) -> dict[str, bytes]:
    """The files of a checkout in which each group is as its run had it, with only the wanted scenarios."""
    of_data = (DATA, *source.groups)
    found = {path: choice[g].file(path) for g in of_data for path in of_group(source, choice[g], g)}
    of_method, of_values = choice[METHOD], choice[PARAMETERS]
    documents = {}
    for path in of_group(source, of_method, METHOD):
        if not path.startswith("notebooks/"):
            found[path] = of_method.file(path)
            continue
        name = Path(path).stem
        document = documents[name] = document_of(of_method, name)
        if path in of_values.files and of_values is not of_method:
            document = documents[name] = _with_values(document, document_of(of_values, name), name)
        found[path] = (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
    for name in wanted:
        path = f"{SCENARIOS}{name}.yaml"
        if path in of_values.files:
            is_same = of_values is of_method
            found[path] = of_values.file(path) if is_same else _scenario(of_values.file(path), documents)
            found[path] = _with_sections(source, found[path], choice, name)
    return found


def _state(choice: Mapping[str, Run]) -> str:
    """A mixture in words: data and price of one run, the rest of another."""
    of: dict[str, list[str]] = {}
    for group, run in choice.items():
        of.setdefault(run.id, []).append(group)
    return ", ".join(f"{together(groups)} of {run}" for run, groups in of.items())


def together(words: Sequence[str]) -> str:
    """data, price and power."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


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
        mixed = _mixture(self.project.source, choice, {scenario for scenario, _ in jobs})
        hashes = {path: archive.sha256(content) for path, content in mixed.items()} | {
            "here": repr(packages_here(self.project))
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
            self.project.source.complete(root, choice[DATA].files)
            state = _state(choice)
            self.say(f"making {len(missing)} {'notebook' if len(missing) == 1 else 'notebooks'} again with {state}")
            made = self._make(root, missing, state)
            found |= made
            text = json.dumps(known | {"/".join(job): values for job, values in made.items()})
            atomic.write(memo, text)
        return found

    def _make(self, root: Path, jobs: Sequence[Job], state: str) -> dict[Job, dict[str, float | None]]:
        scenario = jobs[0][0]
        if others := [job for job in jobs if job[0] != scenario]:
            jobs = [job for job in jobs if job not in others]
            return self._make(root, jobs, state) | self._make(root, others, state)
        arguments = ["--scenario", scenario, *(argument for _, name in jobs for argument in ("--notebook", name))]
        why = archive.report(root, self.project.source, self.work, arguments)
        if not why:
            return _made(replace(self.project, root=root), jobs)
        if len(jobs) == 1:
            self.remarks.append(f"{reports.home(scenario)}{jobs[0][1]} cannot be made with {state}: {why}")
            return {}
        if re.match(r"[a-z_]+\.csv\b", why):
            self.remarks.append(f"nothing can be made with {state}: {why}")
            return {}  # no notebook has the data that are refused
        # What did not fail is in the cache of the mixture, and need not run again.
        return {job: made for one in jobs for job, made in self._make(root, [one], state).items()}

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


def _chain(source: Source, a: Run, b: Run, job: Job, here: Packages) -> list[tuple[str, frozenset[str] | Run]]:
    """The substitutions for a notebook: a group each, and what is then in its second state.

    Only the packages of this machine, `here`, are there to make anything with. Where something is to be
    made, a run that had others is made again with these, and what that changes counts as method.
    """
    causes = differing(source, a, b, job) or [UNEXPLAINED]
    chain = [(group, frozenset(causes[: number + 1])) for number, group in enumerate(causes)]
    if len(chain) > 1 and packages(a) != here:
        chain.insert(0, (METHOD, frozenset()))
    if len(chain) > 1 and packages(b) != here:
        return [*chain, (METHOD, b)]
    return [*chain[:-1], (chain[-1][0], b)]


def _headlines(run: Run, job: Job) -> dict[str, Mapping]:
    notebook = run.notebooks(job[0]).get(job[1])
    return {h["key"]: h for h in notebook["headlines"]} if notebook else {}


def _is_same(old: Mapping, new: Mapping) -> bool:
    return (old["value"], old["unit"]) == (new["value"], new["unit"])


def compare(project: Project, a: Run, b: Run, *, scenarios: Sequence[str] | None = None, is_made=True, say) -> dict:
    """What changed from run `a` to run `b`, in the scenarios that both have.

    Returns the changed headlines with the shares of the causes, those that appeared or vanished, and the changed inputs
    by group. Where the mixtures that are needed are not to be made, causes that act together have one share.
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
        "order": list(groups(project.source)),
        "num_same": len(pairs) - len(changed) - sum(not (old and new) for old, new in pairs.values()),
        "headlines": found,
        "appeared": [_alone(where, new) for where, (old, new) in pairs.items() if not old],
        "vanished": [_alone(where, old) for where, (old, new) in pairs.items() if not new],
        "scenarios_appeared": [name for name in b.record["scenarios"] if name not in both],
        "scenarios_vanished": [name for name in a.record["scenarios"] if name not in both],
        "inputs": inputs(project.source, a, b),
        "remarks": remarks,
    }


def _alone(where: tuple[str, str, str], headline: Mapping) -> dict:
    scenario, name, key = where
    about = {"scenario": scenario, "notebook": name, "key": key}
    return about | {field: headline[field] for field in ("label", "unit", "value", "text", "note")}


def _values(project, a: Run, b: Run, jobs: Sequence[Job], is_made: bool, say) -> tuple[dict[Job, list], list[str]]:
    """For each notebook the chain of its substitutions with the values of its headlines after each."""
    here = packages_here(project)
    chains = {job: _chain(project.source, a, b, job, here) for job in jobs}
    # Notebooks in the same state are made together. A group that does not differ for a notebook is the same
    # in both runs, so that its state may be either's.
    every = groups(project.source)
    order = [frozenset(every[:number]) for number in range(len(every) + 1)]
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
    memory = project.scratch / "diff"
    memory.mkdir(parents=True, exist_ok=True)
    _forget(memory)
    made = {}
    with tempfile.TemporaryDirectory(prefix="work-", dir=memory) as folder:
        maker = _Maker(project, Path(folder), memory, say)
        project.source.lend(project.scratch, maker.work / "cache")
        try:
            if packages(a) == packages_here(project):
                maker.seed(a, {job for jobs in at.values() for job in jobs})
            for state in sorted(at, key=len):
                choice = {group: b if group in state else a for group in groups(project.source)}
                made |= {(state, job): values for job, values in maker.headlines(choice, at[state]).items()}
        except InputError as error:
            maker.remarks.append(str(error))
    return made, list(dict.fromkeys(maker.remarks))  # scenarios may share one


def _forget(memory: Path, keep: int = 500) -> None:
    """Remove the oldest results, and what comparisons that were killed left."""
    for path in memory.glob("work-*"):
        if path.stat().st_mtime < time.time() - 2 * archive.LIMIT_S:
            shutil.rmtree(path, ignore_errors=True)
    atomic.keep_newest(memory.glob("*.json"), keep)
