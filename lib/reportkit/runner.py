"""Make the site: what must run again runs in parallel, then all pages are put together and swapped in.

Nothing is imported before it is needed: that nothing changed is found by hashing alone.
"""

import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from reportkit import archive, cache, plan, reports, workers
from reportkit.plan import Job, Project
from tokenfactory import errors, warehouse
from tokenfactory.warehouse import files

TIMEOUT_S = 600  # for one notebook
SUMMARY, SUMMARY_PDF = "summary.html", "summary.pdf"
FULL = 65536  # bytes free, below which a disk takes no page
RETRIES = 1  # of a notebook whose process was killed, hung or was lost; what a cell raises would be raised again


@dataclass(frozen=True)
class Failure:
    """A notebook that was not made: why in one sentence, in which cell, and what is kept of it.

    Of a notebook that the user must put right the sentence is all there is to say. `kept` is a folder, or None where
    nothing could be written.
    """

    label: str
    message: str
    source: str | None
    kept: Path | None
    is_bad_input: bool


class ReportFailed(Exception):
    """At least one notebook failed; the site is as it was."""

    def __init__(self, failures: Sequence[Failure]):
        super().__init__("; ".join(f"{f.label}: {f.message}" for f in failures))
        self.failures = failures


@dataclass(frozen=True)
class Result:
    index: Path
    executed: list[str]
    unchanged: list[str]
    is_new: bool
    seconds: float
    retried: list[str] = field(default_factory=list)
    stale_prices: list[str] = field(default_factory=list)  # a sentence each
    before: Mapping[str, dict] = field(default_factory=dict)  # headlines of the site as it was, see `reports.headlines`
    after: Mapping[str, dict] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class How:
    """How notebooks are run. With a `scheduler`, an address or "local", on the workers of a Dask cluster."""

    engine: str
    run: str = field(default_factory=reports.moment)  # the name of this run
    num_jobs: int | None = None
    timeout_s: float = TIMEOUT_S
    retries: int = RETRIES
    scheduler: str | None = None


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a child needs to execute a notebook."""

    label: str
    job: Job
    folder: Path  # for what it leaves
    engine: str
    warehouse: str
    executed: Path | None = None  # an earlier execution that still holds

    @property
    def trace(self) -> Path:
        return self.folder / "trace.jsonl"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def clear(self) -> None:
        """Remove what an attempt left, but for its log."""
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path != self.log:
                path.unlink()


@dataclass(frozen=True, kw_only=True)
class PageTask(Task):
    """What a child needs to make the page of a notebook too."""

    key: str
    made_on: str
    pages: list[dict]
    scenario: str  # its title
    files: Mapping[str, str]  # hash of each file of the data
    library: str
    browser: str | None  # that prints the page too
    known_trace: Path | None = None  # of the earlier execution

    @property
    def leaves(self) -> Path:
        """What it leaves for the site, each file at its place within the scenario's folder."""
        return self.folder / "leaves"

    def place(self, kind: str, part: str = "") -> Path:
        """The path to write a file of a kind to."""
        path = self.leaves / reports.place(kind, self.job.notebook.name, part)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


# In a child


@dataclass(frozen=True)
class _Question:
    jobs: Sequence[Job]
    entries: Mapping[str, cache.Entry]  # to be verified against the data
    answer: Path
    max_price_age_days: int | None = None


def _prepare(question: _Question) -> None:
    """Build the warehouse, check the jobs against it, and find the entries that still hold."""
    try:
        path = os.environ.get("TOKENFACTORY_WAREHOUSE") or warehouse.build()
        connected, days = warehouse.connect(path), question.max_price_age_days
        plan.check_against_data(question.jobs, connected)
        stale = plan.stale_prices(question.jobs, connected, days) if days is not None else []
        verified = [key for key, entry in question.entries.items() if warehouse.replay(entry.trace, path)]
        answer = {"warehouse": str(path), "verified": verified, "stale_prices": stale}
    except errors.TokenFactoryError as error:
        answer = {"error": str(error)}
    question.answer.write_text(json.dumps(answer))


def _execute(task: Task):
    """The executed notebook of a task; None when a cell raised, which `failure.json` tells."""
    import nbformat

    from reportkit import engine

    if task.executed:
        return nbformat.read(task.executed, as_version=4)
    running, executed = task.folder / "cell", task.folder / "executed.ipynb"
    os.environ |= {"TOKENFACTORY_TRACE": str(task.trace), "TOKENFACTORY_WAREHOUSE": task.warehouse}
    notebook = engine.execute(
        task.job.notebook.path,
        task.job.parameters,
        executed,
        engine=task.engine,
        on_cell_start=lambda cell, cell_index: running.write_text(cell.source, encoding="utf-8"),
    )
    running.unlink()
    nbformat.write(notebook, executed)
    if failure := engine.failure(notebook):
        source, error = failure
        content = {"source": source, "ename": error.ename, "evalue": error.evalue}
        (task.folder / "failure.json").write_text(json.dumps(content))
        return None
    return notebook


def _store(project: Project, task: Task) -> None:
    """Execute a notebook and store it with its outputs in its own place."""
    import nbformat

    if notebook := _execute(task):
        reports.write_if_changed(project, task.job.notebook.path, nbformat.writes(notebook) + "\n")


def _make_page(task: PageTask) -> None:
    """Execute a notebook unless it still holds; make its page, what stands beside it, and its entry for the index."""
    from reportkit import index, page, pdf, provenance, xlsx

    if not (notebook := _execute(task)):
        return
    name, traced = task.job.notebook.name, task.known_trace or task.trace
    trace = traced.read_text(encoding="utf-8").splitlines() if traced.exists() else []
    about = {"warehouse": task.warehouse, "files": task.files, "library": task.library}
    kept = provenance.make(notebook, name=name, trace=trace, **about)
    (task.folder / "entry.json").write_text(json.dumps(index.entry(notebook, name, kept)))
    (task.folder / "files.json").write_text(json.dumps(kept["files"]))
    shutil.copyfile(task.executed or task.folder / "executed.ipynb", task.place("notebook"))
    task.place("provenance").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    for place, rows in page.data_files(notebook, name).items():
        (task.leaves / place).parent.mkdir(exist_ok=True)
        (task.leaves / place).write_text(rows, encoding="utf-8")
    xlsx.write(notebook, task.place("workbook"), name=name, made_on=task.made_on)
    kinds = [kind for kind in reports.DOWNLOADS if task.place(kind).exists() or (kind == "pdf" and task.browser)]
    text = page.export(
        notebook,
        name=name,
        made_on=task.made_on,
        pages=task.pages,
        scenario=task.scenario,
        ledger=kept,
        downloads=[{"href": reports.place(kind, name), "title": reports.DOWNLOADS[kind]} for kind in kinds],
    )
    if task.browser:
        pdf.print_page(text, task.place("pdf"), browser=task.browser, made_on=task.made_on)
    task.place("page").write_text(text, encoding="utf-8")


# In the parent


def _date_of_making() -> tuple[str, bool]:
    """The day the pages carry, and whether the caller fixed it."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return datetime.now(UTC).date().isoformat(), False
    try:
        return datetime.fromtimestamp(int(epoch), UTC).date().isoformat(), True
    except (ValueError, OverflowError, OSError):
        raise errors.ParameterError(f"SOURCE_DATE_EPOCH: {epoch!r} is not a number of seconds") from None


def _data() -> str:
    """Identity of the data that notebooks read."""
    finished = os.environ.get("TOKENFACTORY_WAREHOUSE")
    return files.sha256_of([Path(finished)]) if finished else files.fingerprint()


def _label(job: Job) -> str:
    return reports.home(job.scenario) + job.notebook.name


@contextmanager
def _work_folder(project: Project) -> Iterator[Path]:
    folder = reports.new_folder(project, "work")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ask(
    project: Project, question: _Question, log: Path, run: str, meanwhile: Callable[[], None] = lambda: None
) -> dict:
    """The answer of `_prepare`, which runs in a child: this process must not use DuckDB or Polars before it forks."""
    with workers.child(_prepare, question, log=log) as process:
        meanwhile()
        process.join(TIMEOUT_S)
        problem = f"was stopped after {TIMEOUT_S} s" if process.exitcode is None else workers.problem(process)
    if problem:
        message = f"the process that builds the warehouse {_told(problem, log)}"
        kept = reports.keep(project, run, "warehouse", log=log)
        raise ReportFailed([Failure("warehouse", message, None, kept, False)])
    answer = json.loads(question.answer.read_text())
    if "error" in answer:
        raise errors.TokenFactoryError(answer["error"])
    return answer


def _told(problem: str, log: Path) -> str:
    """What happened to a process, with the last line it wrote; on a full disk it could not write why it ended."""
    last_line = log.read_text(errors="replace").strip().splitlines()[-1:] if log.exists() else []
    if not last_line and shutil.disk_usage(log.parent).free < FULL:
        last_line = [f"{log.parent}: No space left on device"]
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
        kind = getattr(errors, error["ename"], None)
        is_bad_input = isinstance(kind, type) and issubclass(kind, errors.TokenFactoryError)
        message = error["evalue"] if is_bad_input else f"{error['ename']}: {error['evalue']}"
        return Failure(task.label, message, error["source"], kept, is_bad_input)
    message = f"the process {_told(problem, task.log)}"
    return Failure(task.label, message, running.read_text() if running.exists() else None, kept, False)


def _ends(function: Callable, tasks: Sequence[Task], how: How) -> Iterator[workers.Ended]:
    """The tasks as they end, run in children of this process or on a cluster."""
    if how.scheduler:
        from reportkit import cluster

        return cluster.each(function, tasks, how, _data())
    num_jobs, is_forked, imports = how.num_jobs or workers.num_cores(), how.engine == "fork", ()
    if is_forked:
        from reportkit import engine

        engine.import_libraries()
        if sum(not task.executed for task in tasks) > 2 * num_jobs:  # fewer had better import what they need
            imports = engine.SLOW_LIBRARIES
    return workers.each(
        function,
        tasks,
        log=lambda task: task.log,
        num_jobs=num_jobs,
        timeout_s=how.timeout_s,
        is_forked=is_forked,
        threads_after_imports=workers.num_threads() if is_forked else None,
        imports=imports,
    )


def _longest_first(tasks: Sequence[Task], took: Mapping[str, float], num_first: int) -> list[Task]:
    """So that no core waits at the end for a long one; but while the first ones run, others' libraries are imported."""
    first, others = tasks[:num_first], tasks[num_first:]
    return [*first, *sorted(others, key=lambda t: 0 if t.executed else -took.get(t.job.notebook.name, math.inf))]


def _run(project: Project, function: Callable, tasks: Sequence[Task], how: How, say) -> list[str]:
    """Run `function` on the tasks, telling how they go, and return the labels of those that ran more than once.

    A task whose process did not live to its end is run again after the others, when the machine is less busy.
    Raises ReportFailed when one of them failed.
    """
    took = cache.seconds(project.cache)
    failures, retried, done, left = [], [], 0, _longest_first(tasks, took, how.num_jobs or workers.num_cores())
    for attempt in range(how.retries + 1):
        again = []
        with closing(_ends(function, left, how)) as ends:  # whatever ends the loop, the children end with it
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


def _import_libraries() -> None:
    from reportkit import engine

    engine.import_libraries()


def _check_engine(engine: str | None) -> str:
    if engine == "fork" and not workers.IS_FORK_SAFE:
        raise errors.ParameterError("the engine 'fork' works on Linux only; use 'kernel'")
    return engine or ("fork" if workers.IS_FORK_SAFE else "kernel")


def report(
    project: Project,
    *,
    scenarios: Sequence[str] = ("default",),
    parameters: Mapping[str, str] | None = None,
    only: Sequence[str] | None = None,
    num_jobs: int | None = None,
    engine: str | None = None,
    is_forced: bool = False,
    is_printed: bool = False,
    is_scheduled: bool = False,
    timeout_s: float = TIMEOUT_S,
    retries: int = RETRIES,
    scheduler: str | None = None,
    max_price_age_days: int | None = None,
    is_stale_allowed: bool = False,
    say: Callable[[str], None],
) -> Result:
    """Make the site of these scenarios, running only what must run again.

    Parameters
    ----------
    num_jobs : notebooks that run at the same time; None: one for each core, or as many as the cluster takes
    engine : "fork" or "kernel"; None: fork where that is safe
    is_forced : run every notebook, whatever is known of it
    is_printed : make a PDF of each page too, where there is a browser to print it
    is_scheduled : nobody waits: causes of changes that act together are told apart by making numbers again
    timeout_s : for each notebook
    retries : of a notebook whose process was killed, hung or was lost
    scheduler : address of a Dask scheduler, or "local" for a cluster of this machine; None: no cluster
    max_price_age_days : age of a price beyond which the result names it as stale; None: do not look
    is_stale_allowed : make the site in spite of stale prices
    say : called with lines of progress

    Raises
    ------
    TokenFactoryError : bad input; nothing ran
    ReportFailed : a notebook failed; the others are remembered, and the site is as it was
    """
    how = How(
        engine=_check_engine(engine), num_jobs=num_jobs, timeout_s=timeout_s, retries=retries, scheduler=scheduler
    )
    planned = plan.make(project, scenarios, parameters, only)
    with reports.locked(project, say):
        started = time.monotonic()
        reports.remove_leftovers(project)
        browser = _find_browser(say) if is_printed else None
        making = _Report(project, planned, is_forced, is_scheduled, browser)
        making.keep_runs(say)  # one that was killed between the swap and here left its run
        try:
            if max_price_age_days is not None or not making.is_up_to_date():
                with _work_folder(project) as work:
                    making.check(work, how, max_price_age_days, is_stale_allowed)
                    making.bring_up_to_date(work, how, say)
            return making.finish(time.monotonic() - started, say)
        except BaseException:
            reports.remove_leftovers(project)  # a half-made site would take up a disk that is full
            raise


def refresh(
    project: Project,
    *,
    only: Sequence[str] | None = None,
    num_jobs: int | None = None,
    timeout_s: float = TIMEOUT_S,
    retries: int = RETRIES,
    say: Callable[[str], None],
) -> list[str]:
    """Run the notebooks with their own values on real kernels and store the outputs in them.

    Returns their names. Raises as `report` does; the notebooks that did not fail are stored all the same.
    """
    jobs = [Job(notebook, "default", {}) for notebook in plan.choose(plan.notebooks(project), only)]
    with reports.locked(project, say), _work_folder(project) as work:
        how = How(engine="kernel", num_jobs=num_jobs, timeout_s=timeout_s, retries=retries)
        answer = _ask(project, _Question(jobs, {}, work / "answer.json"), work / "log", how.run)
        tasks = []
        for job in jobs:
            folder = work / job.notebook.name
            folder.mkdir()
            task = Task(label=_label(job), job=job, folder=folder, engine="kernel", warehouse=answer["warehouse"])
            tasks.append(task)
        _run(project, partial(_store, project), tasks, how, say)
    return [job.notebook.name for job in jobs]


def _find_browser(say) -> str | None:
    from reportkit import pdf

    browser = pdf.find_browser()
    if browser is None:
        say(f"no PDF: none of {', '.join(pdf.BROWSERS)} is on the path")
    return browser


class _Report:
    """One run of `report`, under the lock."""

    def __init__(self, project: Project, planned: plan.Plan, is_forced: bool, is_scheduled: bool, browser: str | None):
        self.project, self.planned, self.is_scheduled, self.browser = project, planned, is_scheduled, browser
        self.made_on, self.is_date_fixed = _date_of_making()
        self.data, self.files, self.library = _data(), files.hashes(), cache.library_hash(project)
        self.keys = {_label(job): cache.key(job, self.library) for job in planned.jobs}
        found = {} if is_forced else {key: cache.find(project.cache, key) for key in self.keys.values()}
        self.entries = {key: entry for key, entry in found.items() if entry}
        self.unverified = {key: entry for key, entry in self.entries.items() if entry.data != self.data}
        self.old = reports.read_record(project)
        self.before = reports.headlines(project, self.old)
        self.executed: list[str] = []
        self.retried: list[str] = []
        self.stale_prices: list[str] = []
        self.warehouse = ""
        self.is_new = False

    def _jobs(self, scenario: str) -> list[Job]:
        return [job for job in self.planned.jobs if job.scenario == scenario]

    def _record(self, scenario: str) -> dict:
        """What the site's record says of a scenario, but for what is taken from its finished pages."""
        about = self.planned.scenarios[scenario]
        names = {job.notebook.name: self.keys[_label(job)] for job in self._jobs(scenario)}
        notebooks = [
            {"name": name, "key": key, "inputs_sha256": self.entries[key].inputs_sha256} for name, key in names.items()
        ]
        return {"title": about.title, "description": about.description, "notebooks": notebooks}

    def _is_current(self, scenario: str) -> bool:
        """Whether the pages in the site are those that would be made."""
        old = self.old.get(scenario)
        if old is None or any(self.keys[_label(job)] not in self.entries for job in self._jobs(scenario)):
            return False
        if self.is_date_fixed and old["made_on"] != self.made_on:
            return False
        if self.browser and SUMMARY_PDF not in old["files"]:
            return False
        # The pages name the files that their numbers are from, as they are now.
        named = {file: sha256 for notebook in old["notebooks"] for file, sha256 in notebook["data"].items()}
        if not named.items() <= self.files.items():
            return False
        new = self._record(scenario)
        bare = [{name: notebook[name] for name in ("name", "key", "inputs_sha256")} for notebook in old["notebooks"]]
        return new == {"title": old["title"], "description": old["description"], "notebooks": bare}

    def is_up_to_date(self) -> bool:
        return not self.unverified and all(map(self._is_current, self.planned.scenarios))

    def check(self, work: Path, how: How, max_price_age_days: int | None, is_stale_allowed: bool) -> None:
        """Build the warehouse, check the plan against it, and forget what does not hold for it."""
        is_something_missing = len(self.entries) < len(set(self.keys.values()))
        # What is imported for certain is imported while the warehouse is built.
        is_forked_here = how.engine == "fork" and not how.scheduler
        meanwhile = _import_libraries if is_something_missing and is_forked_here else lambda: None
        question = _Question(self.planned.jobs, self.unverified, work / "answer.json", max_price_age_days)
        answer = _ask(self.project, question, work / "log", how.run, meanwhile)
        self.warehouse, self.stale_prices = answer["warehouse"], answer["stale_prices"]
        if self.stale_prices and not is_stale_allowed:
            raise errors.StalePricesError(self.stale_prices)
        for key in self.unverified.keys() - answer["verified"]:
            del self.entries[key]

    def bring_up_to_date(self, work: Path, how: How, say) -> None:
        """Run what must run again, and put the site together; after `check`."""
        outdated = [scenario for scenario in self.planned.scenarios if not self._is_current(scenario)]
        tasks = [
            self._task(job, work / str(number), how.engine)
            for number, job in enumerate(job for scenario in outdated for job in self._jobs(scenario))
        ]
        if not tasks:
            return
        try:
            self.retried = _run(self.project, _make_page, tasks, how, say)
        finally:
            # Even when others failed, or the user interrupts: what ran need not run again.
            for task in tasks:
                if not task.executed and task.place("page").exists():
                    ran = (task.folder / "executed.ipynb", task.trace)
                    self.entries[task.key] = cache.store(self.project.cache, task.key, *ran, self.data)
        self.executed = [task.label for task in tasks if not task.executed]
        self._assemble(outdated, {task.label: task for task in tasks}, say)

    def _task(self, job: Job, folder: Path, engine: str) -> PageTask:
        folder.mkdir()
        key = self.keys[_label(job)]
        return PageTask(
            label=_label(job),
            job=job,
            key=key,
            executed=self.entries[key].executed if key in self.entries else None,
            folder=folder,
            engine=engine,
            warehouse=self.warehouse,
            made_on=self.made_on,
            pages=self._pages(job.scenario),
            scenario=self.planned.scenarios[job.scenario].title,
            files=self.files,
            library=self.library,
            browser=self.browser,
            known_trace=self.entries[key].folder / "trace.jsonl" if key in self.entries else None,
        )

    def _pages(self, scenario: str) -> list[dict]:
        return [{"href": f"{j.notebook.name}.html", "title": j.notebook.title} for j in self._jobs(scenario)]

    def _assemble(self, outdated: Sequence[str], tasks: Mapping[str, PageTask], say) -> None:
        """Put a whole new site together, of new pages and of the old ones of other scenarios, and swap it in."""
        from reportkit import changelog, ro_crate

        new, old = reports.new_folder(self.project, "new"), reports.site(self.project)
        record = {}
        for scenario in plan.scenario_names(self.project):
            home = reports.home(scenario)
            if scenario in outdated:
                made = {"made_on": self.made_on, "library": self.library, "pages": self._pages(scenario)}
                record[scenario] = self._record(scenario) | made | {"is_whole": self.planned.is_whole}
                for notebook in record[scenario]["notebooks"]:
                    task = tasks[home + notebook["name"]]
                    notebook["entry"] = json.loads((task.folder / "entry.json").read_text())
                    notebook["data"] = json.loads((task.folder / "files.json").read_text())
                    notebook["files"] = reports.files_in(task.leaves)
                    reports.copy(notebook["files"], task.leaves, new / home)
                record[scenario]["files"] = self._write_overviews(record[scenario], new / home)
            elif scenario in self.old:
                record[scenario] = self.old[scenario]
                reports.copy(reports.files(scenario, record[scenario]), old, new)
        past = changelog.History(self.project, say)
        if self.planned.is_whole:
            told = past.add(partial(self._told, record), is_scheduled=self.is_scheduled)
            for scenario in outdated:
                record[scenario] |= told.get(scenario, {})
        self._link(record, new, past)
        (new / reports.RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        (new / ro_crate.MANIFEST).write_text(ro_crate.manifest(new, reports.files_in(new), record), encoding="utf-8")
        reports.swap(self.project, new)
        reports.remove_leftovers(self.project)
        self.old, self.is_new = record, True

    def _write_overviews(self, content: Mapping, folder: Path) -> list[str]:
        """Write what is made of all notebooks of a scenario but its index; returns the names, that of the index too."""
        from reportkit import index, pdf

        folder.mkdir(exist_ok=True)
        page = index.summary(
            title=content["title"],
            made_on=content["made_on"],
            entries=[notebook["entry"] for notebook in content["notebooks"]],
            pages=content["pages"],
        )
        (folder / SUMMARY).write_text(page, encoding="utf-8")
        if self.browser:
            pdf.print_page(page, folder / SUMMARY_PDF, browser=self.browser, made_on=self.made_on)
        return ["index.html", SUMMARY, *([SUMMARY_PDF] if self.browser else [])]

    def _link(self, record: Mapping[str, Mapping], new: Path, past) -> None:
        """Write the index and the archive of each scenario, and on all of its pages the links to the others."""
        from reportkit import index

        for scenario, content in record.items():
            home = new / reports.home(scenario)
            front = index.index(
                title=content["title"],
                made_on=content["made_on"],
                entries=[notebook["entry"] for notebook in content["notebooks"]],
                pages=content["pages"],
                scenarios=reports.links(record, scenario),
                downloads=[{"href": SUMMARY_PDF, "title": "PDF"}] if SUMMARY_PDF in content["files"] else [],
                changed=past.changed(content),
            )
            (home / "index.html").write_text(front, encoding="utf-8")
            more = past.write_pages(home, scenario, content)
            for page in ("index.html", SUMMARY, *more, *(page["href"] for page in content["pages"])):
                links = reports.links(record, scenario, page)
                text = (home / page).read_text(encoding="utf-8")
                text = index.with_scenarios(text, title=content["title"], here=page, links=links)
                (home / page).write_text(text, encoding="utf-8")

    def _told(self, record: Mapping[str, Mapping]) -> archive.Run:
        """This run, for the archive."""
        return archive.describe(
            self.project,
            made_on=self.made_on,
            data=self.data,
            library=self.library,
            jobs=self.planned.jobs,
            contents={scenario: record[scenario] for scenario in self.planned.scenarios},
            entries=self.entries,
        )

    def keep_runs(self, say) -> None:
        archive.keep(self.project, {content.get("run") for content in self.old.values()}, say=say)

    def finish(self, seconds: float, say) -> Result:
        self.keep_runs(say)
        for entry in self.entries.values():
            entry.verify(self.data)
        cache.prune(self.project.cache, keep=max(cache.MOST_ENTRIES, 2 * len(self.keys)))
        if self.planned.is_whole and "default" in self.planned.scenarios:
            notebooks = self.old["default"]["notebooks"]
            numbers = reports.headline_numbers(notebooks)
            reports.write_if_changed(self.project, self.project.reports / "headline_numbers.csv", numbers)
            readme = self.project.root / "README.md"
            if readme.is_file():
                text = reports.with_answers(readme.read_text(encoding="utf-8"), notebooks)
                reports.write_if_changed(self.project, readme, text)
        first = next(iter(self.planned.scenarios))
        return Result(
            index=reports.site(self.project) / reports.home(first) / "index.html",
            executed=self.executed,
            unchanged=[label for label in self.keys if label not in self.executed],
            is_new=self.is_new,
            seconds=seconds,
            retried=self.retried,
            stale_prices=self.stale_prices,
            before=self.before,
            after=reports.headlines(self.project, self.old),
        )
