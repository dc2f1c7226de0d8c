"""Make the site: what must run again runs in parallel, then all pages are put together and swapped in.

Nothing is imported before it is needed: that nothing changed is found by hashing alone.
"""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from reportkit import archive, cache, errors, execution, plan, reports, workers
from reportkit.execution import How
from reportkit.plan import Job
from reportkit.source import Frame, Project, Source
from reportkit.tasks import PageTask, Question, Task, make_page, store

MOST_BEHIND = 3  # changed inputs that an alert names


@dataclass
class Result:
    """What a report made."""

    index: Path
    executed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    is_new: bool = False
    seconds: float = 0.0
    retried: list[str] = field(default_factory=list)
    stale_prices: list[str] = field(default_factory=list)  # a sentence each
    before: Mapping[str, dict] = field(default_factory=dict)  # headlines of the site as it was, see `reports.headlines`
    after: Mapping[str, dict] = field(default_factory=dict)
    behind: dict[str, list[str]] = field(default_factory=dict)  # first changed inputs, by a scenario's folder


def _date_of_making() -> tuple[str, bool]:
    """The day the pages carry, and whether the caller fixed it."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return datetime.now(UTC).date().isoformat(), False
    try:
        return datetime.fromtimestamp(int(epoch), UTC).date().isoformat(), True
    except (ValueError, OverflowError, OSError):
        raise errors.ParameterError(f"SOURCE_DATE_EPOCH: {epoch!r} is not a number of seconds") from None


def _import_libraries(source: Source) -> None:
    from reportkit import engine

    engine.import_libraries(source.imports)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a report is to be."""

    scenarios: Sequence[str] = ("default",)  # their names; `all` for every one
    parameters: Mapping[str, str] = field(default_factory=dict)  # every notebook gets those that it has
    only: Sequence[str] | None = None  # names of notebooks; None: all
    is_forced: bool = False  # run every notebook, whatever is known of it
    is_printed: bool = False  # make a PDF of each page too, where there is a browser to print it
    is_scheduled: bool = False  # nobody waits: causes that act together are told apart by making numbers again
    max_price_age_days: int | None = None  # beyond which the result names a price as stale; None: do not look
    is_stale_allowed: bool = False  # make the site in spite of stale prices


def report(
    project: Project, wanted: Wanted | None = None, how: How | None = None, *, say: Callable[[str], None]
) -> Result:
    """Make the site of some scenarios, running only what must run again; `say` is called with lines of progress.

    Raises
    ------
    InputError : bad input; nothing ran
    ReportFailed : a notebook failed; the others are remembered, and the site is as it was
    """
    wanted, how = wanted or Wanted(), how or How()
    if how.engine == "fork" and not workers.IS_FORK_SAFE:
        raise errors.ParameterError("the engine 'fork' works on Linux only; use 'kernel'")
    planned = plan.make(project, wanted.scenarios, wanted.parameters, wanted.only)
    if wanted.parameters:
        project = replace(project, what_if=plan.what_if(wanted.parameters))
        reports.prune_what_ifs(project)
    with reports.locked(project, say):
        started = time.monotonic()
        making = _Report(project, planned, wanted, _find_browser(say) if wanted.is_printed else None)
        making.keep_runs(say)  # one that was killed between the swap and here left its run
        try:
            if wanted.max_price_age_days is not None or not making.is_up_to_date():
                with reports.work_folder(project) as work:
                    making.check(Path(work), how)
                    making.bring_up_to_date(Path(work), how, say)
            return making.finish(time.monotonic() - started, say)
        except BaseException:
            reports.remove_leftovers(project)  # a half-made site would take up a disk that is full
            raise


def refresh(
    project: Project, *, only: Sequence[str] | None = None, num_jobs: int | None = None, say: Callable[[str], None]
) -> list[str]:
    """Run the notebooks with their own values on real kernels and store the outputs in them.

    Returns their names. Raises as `report` does; the notebooks that did not fail are stored all the same.
    """
    jobs = [Job(notebook, "default", {}) for notebook in plan.choose(plan.notebooks(project, with_lessons=True), only)]
    with reports.locked(project, say), reports.work_folder(project) as folder:
        work, how = Path(folder), How(engine="kernel", num_jobs=num_jobs)
        answer = execution.ask(project, Question(project.source, jobs, {}, work / "answer.json"), work / "log", how.run)
        tasks = []
        for job in jobs:
            folder = work / job.notebook.name
            folder.mkdir()
            about = {"engine": "kernel", "source": project.source, "built": Path(answer["built"])}
            tasks.append(Task(job=job, folder=folder, **about))
        execution.run(project, store, tasks, how, say)
    return [job.notebook.name for job in jobs]


def _find_browser(say) -> str | None:
    from reportkit import pdf

    browser = pdf.find_browser()
    if browser is None:
        say(f"no PDF: none of {', '.join(pdf.BROWSERS)} is on the path")
    return browser


class _Report:
    """One run of `report`, under the lock."""

    def __init__(self, project: Project, planned: plan.Plan, wanted: Wanted, browser: str | None):
        self.project, self.planned, self.wanted, self.browser = project, planned, wanted, browser
        self.made_on, self.is_date_fixed = _date_of_making()
        source = project.source
        self.data, self.files, self.library = source.fingerprint(), source.hashes(), cache.library_hash(project)
        self.keys = {job.label: cache.key(job, self.library) for job in planned.jobs}
        found = {} if wanted.is_forced else {key: cache.find(project.cache, key) for key in self.keys.values()}
        self.entries = {key: entry for key, entry in found.items() if entry}
        self.unverified = {key: entry for key, entry in self.entries.items() if entry.data != self.data}
        self.old = reports.read_record(project)
        first = reports.site(project) / reports.home(next(iter(planned.scenarios)))
        self.made = Result(first / "index.html", before=reports.headlines(project, self.old))
        self.built = Path()

    def _jobs(self, scenario: str) -> list[Job]:
        return [job for job in self.planned.jobs if job.scenario == scenario]

    def _record(self, scenario: str) -> dict:
        """What the site's record says of a scenario, but for what is taken from its finished pages."""
        about = self.planned.scenarios[scenario]
        names = {job.notebook.name: self.keys[job.label] for job in self._jobs(scenario)}
        notebooks = [
            {"name": name, "key": key, "inputs_sha256": self.entries[key].inputs_sha256} for name, key in names.items()
        ]
        return {"title": about.title, "description": about.description, "notebooks": notebooks}

    def _is_current(self, scenario: str) -> bool:
        """Whether the pages in the site are those that would be made."""
        old = self.old.get(scenario)
        if old is None or any(self.keys[job.label] not in self.entries for job in self._jobs(scenario)):
            return False
        is_of_its_day = old["made_on"] == self.made_on or not self.is_date_fixed
        is_printed = not self.browser or reports.SUMMARY_PDF in old["files"]
        # The pages name the files that their numbers are from, as they are now.
        named = {file: sha256 for notebook in old["notebooks"] for file, sha256 in notebook["data"].items()}
        bare = [{name: notebook[name] for name in ("name", "key", "inputs_sha256")} for notebook in old["notebooks"]]
        same = {"title": old["title"], "description": old["description"], "notebooks": bare}
        is_same = named.items() <= self.files.items() and self._record(scenario) == same
        return is_of_its_day and is_printed and is_same

    def is_up_to_date(self) -> bool:
        return not self.unverified and all(map(self._is_current, self.planned.scenarios))

    def check(self, work: Path, how: How) -> None:
        """Build the data, check the plan against it, and forget what does not hold for it."""
        source, days = self.project.source, self.wanted.max_price_age_days
        # What is imported for certain is imported while the warehouse is built.
        is_something_missing = len(self.entries) < len(set(self.keys.values()))
        is_ahead = is_something_missing and how.engine == "fork" and not how.scheduler
        meanwhile = partial(_import_libraries, source) if is_ahead else None
        question = Question(source, self.planned.jobs, self.unverified, work / "answer.json", days)
        answer = execution.ask(self.project, question, work / "log", how.run, meanwhile)
        self.built, self.made.stale_prices = Path(answer["built"]), answer["stale_prices"]
        if answer["stale_prices"] and not self.wanted.is_stale_allowed:
            raise errors.StalePricesError(answer["stale_prices"])
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
            self.made.retried = execution.run(self.project, make_page, tasks, how, say)
        finally:
            # Even when others failed, or the user interrupts: what ran need not run again.
            for task in tasks:
                if not task.executed and task.place("page").exists():
                    ran = (task.folder / "executed.ipynb", task.trace)
                    self.entries[task.key] = cache.store(self.project.cache, task.key, *ran, self.data)
        self.made.executed = [task.label for task in tasks if not task.executed]
        self._assemble(outdated, {task.label: task for task in tasks}, say)

    def _task(self, job: Job, folder: Path, engine: str) -> PageTask:
        folder.mkdir()
        key, title = self.keys[job.label], self.planned.scenarios[job.scenario].title
        frame = Frame(self.project.source.suite, title, self.made_on, self._pages(job.scenario))
        return PageTask(
            job=job,
            key=key,
            executed=self.entries[key].executed if key in self.entries else None,
            folder=folder,
            engine=engine,
            source=self.project.source,
            built=self.built,
            frame=frame,
            scratch=str(self.project.scratch),
            files=self.files,
            library=self.library,
            browser=self.browser,
            known_trace=self.entries[key].folder / "trace.jsonl" if key in self.entries else None,
        )

    def _pages(self, scenario: str) -> list[dict]:
        return [{"href": f"{j.notebook.name}.html", "title": j.notebook.title} for j in self._jobs(scenario)]

    def _assemble(self, outdated: Sequence[str], tasks: Mapping[str, PageTask], say) -> None:
        """Put a whole new site together, of new pages and of the old ones of other scenarios, and swap it in."""
        from reportkit import changelog, site

        new, old = reports.new_folder(self.project), reports.site(self.project)
        record = {}
        for scenario in plan.scenario_names(self.project):
            home = reports.home(scenario)
            if scenario in outdated:
                how = {"made_on": self.made_on, "library": self.library, "pages": self._pages(scenario)}
                record[scenario] = self._record(scenario) | how | {"is_whole": self.planned.is_whole}
                for notebook in record[scenario]["notebooks"]:
                    task = tasks[home + notebook["name"]]
                    notebook["entry"] = json.loads((task.folder / "entry.json").read_text())
                    notebook["data"] = json.loads((task.folder / "files.json").read_text())
                    notebook["files"] = reports.files_in(task.leaves)
                    reports.copy(notebook["files"], task.leaves, new / home)
                record[scenario]["files"] = site.write_overviews(
                    self.project, record[scenario], new / home, self.browser
                )
            elif scenario in self.old:
                record[scenario] = self.old[scenario]
                reports.copy(reports.files(scenario, record[scenario]), old, new)
        past = changelog.History(self.project, say)
        if self.planned.is_whole:
            describe = partial(
                archive.describe,
                self.project,
                made_on=self.made_on,
                data=self.data,
                library=self.library,
                jobs=self.planned.jobs,
                contents={scenario: record[scenario] for scenario in self.planned.scenarios},
                entries=self.entries,
            )
            told = past.add(describe, is_scheduled=self.wanted.is_scheduled)
            for scenario in outdated:
                record[scenario] |= told.get(scenario, {})
        site.finish(self.project, record, new, past)
        self.old, self.made.is_new = record, True

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
            reports.write_if_changed(self.project.reports / "headline_numbers.csv", numbers)
            readme = self.project.root / "README.md"
            if readme.is_file():
                text = reports.with_answers(readme.read_text(encoding="utf-8"), notebooks)
                reports.write_if_changed(readme, text)
        made = self.made
        made.unchanged = [label for label in self.keys if label not in made.executed]
        made.seconds, made.after = seconds, reports.headlines(self.project, self.old)
        for scenario, content in self.old.items():
            if changed := content.get("changed"):
                lines = [f"{row['group']}: {row['line']}" for row in changed["inputs"][:MOST_BEHIND]]
                made.behind[reports.home(scenario).rstrip("/")] = lines
        return made
