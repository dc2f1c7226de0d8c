"""Tasks run in child processes, here or on a cluster: several at once, again where one was lost, each failure kept."""

import json
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from reportkit import cache, errors, reports, workers
from reportkit.errors import Failure, ReportFailed
from reportkit.source import Project, Source
from reportkit.tasks import Question, Task, prepare

TIMEOUT_S = 600  # for one notebook
FULL = 65536  # bytes free, below which a disk takes no page
RETRIES = 1  # of a notebook whose process was killed, hung or was lost; what a cell raises would be raised again


@dataclass(frozen=True, kw_only=True)
class How:
    """How notebooks are run. With a `scheduler`, an address or "local", on the workers of a Dask cluster."""

    engine: str = "fork" if workers.IS_FORK_SAFE else "kernel"
    run: str = field(default_factory=reports.moment)  # the name of this run
    num_jobs: int | None = None
    timeout_s: float = TIMEOUT_S
    retries: int = RETRIES
    scheduler: str | None = None


def ask(project: Project, question: Question, log: Path, run: str, meanwhile: Callable[[], None] | None = None) -> dict:
    """The answer of `prepare`, which runs in a child: this process must not use DuckDB or Polars before it forks."""
    problem = workers.run(prepare, question, log=log, timeout_s=TIMEOUT_S, meanwhile=meanwhile).problem
    if problem:
        message = f"the process that builds the warehouse {_told(problem, log)}"
        kept = reports.keep(project, run, "warehouse", log=log)
        raise ReportFailed([Failure("warehouse", message, None, kept, False)])
    answer = json.loads(question.answer.read_text())
    if "error" in answer:
        raise errors.InputError(answer["error"])
    return answer


def _told(problem: str, log: Path) -> str:
    """What happened to a process, with the last line it wrote; on a full disk it could not write why it ended."""
    last_line = log.read_text(errors="replace").strip().splitlines()[-1:] if log.exists() else []
    if not last_line and shutil.disk_usage(log.parent).free < FULL:
        last_line = ["the disk of the reports: No space left on device"]
    return ": ".join([problem, *last_line])


def _failure(project: Project, task: Task, problem: str | None, run: str) -> Failure | None:
    """What went wrong with a task, if something did; its notebook and its log are kept in `reports/failed/`."""
    executed, raised, running = (task.folder / name for name in ("executed.ipynb", "failure.json", "cell"))
    if problem is None and not raised.exists():
        return None
    notebook = executed if executed.exists() else task.job.notebook.path
    kept = reports.keep(project, run, task.label, notebook=notebook, log=task.log)
    if problem is None:
        error = json.loads(raised.read_text())
        is_bad_input = errors.is_input_error(error["ename"])
        message = error["evalue"] if is_bad_input else f"{error['ename']}: {error['evalue']}"
        return Failure(task.label, message, error["source"], kept, is_bad_input)
    message = f"the process {_told(problem, task.log)}"
    return Failure(task.label, message, running.read_text() if running.exists() else None, kept, False)


def _ends(function: Callable, tasks: Sequence[Task], how: How, source: Source) -> Iterator[workers.Ended]:
    """The tasks as they end, run in children of this process or on a cluster."""
    if how.scheduler:
        from reportkit import cluster

        return cluster.each(function, tasks, how, source, source.fingerprint())
    num_jobs, is_forked, imports = how.num_jobs or workers.num_cores(), how.engine == "fork", ()
    if is_forked:
        from reportkit import engine

        engine.import_libraries(source.imports)
        if sum(not task.executed for task in tasks) > 2 * num_jobs:  # fewer had better import what they need
            imports = source.slow_imports
    return workers.each(
        function,
        tasks,
        log=lambda task: task.log,
        num_jobs=num_jobs,
        timeout_s=how.timeout_s,
        method="fork" if is_forked else "spawn",
        threads_after_imports=workers.num_threads() if is_forked else None,
        imports=imports,
    )


def longest_first(tasks: Sequence[Task], took: Mapping[str, float], num_first: int) -> list[Task]:
    """So that no core waits at the end for a long one; but while the first ones run, others' libraries are imported."""
    first, others = tasks[:num_first], tasks[num_first:]
    return [*first, *sorted(others, key=lambda t: 0 if t.executed else -took.get(t.job.notebook.name, math.inf))]


def run(project: Project, function: Callable, tasks: Sequence[Task], how: How, say) -> list[str]:
    """Run `function` on the tasks, telling how they go, and return the labels of those that ran more than once.

    A task whose process did not live to its end is run again after the others, when the machine is less busy.
    Raises ReportFailed when one of them failed.
    """
    took = cache.seconds(project.cache)
    failures, retried, done, left = [], [], 0, longest_first(tasks, took, how.num_jobs or workers.num_cores())
    for attempt in range(how.retries + 1):
        again = []
        # Whatever ends the loop, the children end with it.
        with closing(_ends(function, left, how, project.source)) as ends:
            for end in ends:
                task, seconds = end.argument, f"{end.seconds:.1f} s"
                if end.problem and attempt < how.retries:
                    say(f"{task.label}  {seconds}  the process {_told(end.problem, task.log)}; it runs again")
                    again.append(task)
                    continue
                failure = _failure(project, task, end.problem, how.run)
                failures += [failure] if failure else []
                outcome = "failed" if failure else "page only" if task.executed else ""
                if not outcome:
                    took[task.job.notebook.name] = end.seconds
                done += 1
                say(f"[{done}/{len(tasks)}] {task.label}  {seconds}  {outcome}".rstrip())
        for task in again:
            task.clear()
        retried += [task.label for task in again if task.label not in retried]
        left = again
        if not left:
            break
    with suppress(OSError):
        cache.keep_seconds(project.cache, took)
    if failures:
        raise ReportFailed(sorted(failures, key=lambda failure: failure.label))
    return retried
