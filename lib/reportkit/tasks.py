"""What a child process does, and what it is told: check a plan against the data, execute a notebook, make its page."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reportkit import atomic, cache, errors, outputs, reports
from reportkit.plan import Job
from reportkit.source import Frame, Source, given


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a child needs to execute a notebook."""

    job: Job
    folder: Path  # for what it leaves
    engine: str
    source: Source
    built: Path  # the data
    executed: Path | None = None  # an earlier execution that still holds

    @property
    def label(self) -> str:
        return self.job.label

    @property
    def trace(self) -> Path:
        return self.folder / "trace.jsonl"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def clear(self) -> None:
        """Remove what an attempt left, but for its log."""
        for path in self.folder.iterdir():
            if path != self.log:
                atomic.remove(path)


@dataclass(frozen=True, kw_only=True)
class PageTask(Task):
    """What a child needs to make the page of a notebook too."""

    key: str
    frame: Frame
    scratch: str  # the folder of what can be made again
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


@dataclass(frozen=True)
class Question:
    """What is asked of a worker: some jobs over one source."""

    source: Source
    jobs: Sequence[Job]
    entries: Mapping[str, cache.Entry]  # to be verified against the data
    answer: Path
    max_price_age_days: int | None = None


def prepare(question: Question) -> None:
    """Build the data, check the jobs against them, and find the entries that still hold."""
    try:
        source, days = question.source, question.max_price_age_days
        built = given(source) or source.build()
        source.check(question.jobs, built)
        stale = source.stale(question.jobs, built, days) if days is not None else []
        verified = [key for key, entry in question.entries.items() if source.replay(entry.trace, built)]
        answer = {"built": str(built), "verified": verified, "stale_prices": stale}
    except errors.InputError as error:
        answer = {"error": str(error)}
    question.answer.write_text(json.dumps(answer))


def _execute(task: Task):
    """The executed notebook of a task; None when a cell raised, which `failure.json` tells."""
    import nbformat

    from reportkit import engine

    if task.executed:
        return nbformat.read(task.executed, as_version=4)
    running, executed = task.folder / "cell", task.folder / "executed.ipynb"
    names_of = task.source.variables
    os.environ |= {names_of.trace: str(task.trace), names_of.built: str(task.built)}
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


def store(task: Task) -> None:
    """Execute a notebook and store it with its outputs in its own place."""
    import nbformat

    os.environ[outputs.SVG] = "1"
    if notebook := _execute(task):
        for cell in notebook.cells:  # folded in JupyterLab, where the answer then stands on the first screen
            if "setup" in cell.metadata.get("tags", ()):
                cell.metadata["jupyter"] = {"source_hidden": True}
        reports.write_if_changed(task.job.notebook.path, nbformat.writes(notebook) + "\n")


def make_page(task: PageTask) -> None:
    """Execute a notebook unless it still holds; make its page, what stands beside it, and its entry for the index."""
    from reportkit import index, page, pdf, provenance, xlsx

    if not (notebook := _execute(task)):
        return
    name, traced = task.job.notebook.name, task.known_trace or task.trace
    trace = traced.read_text(encoding="utf-8").splitlines() if traced.exists() else []
    parameters, frame = task.job.told, task.frame
    about = {"source": task.source, "built": task.built, "files": task.files, "library": task.library}
    kept = provenance.make(notebook, name=name, parameters=parameters, trace=trace, **about)
    (task.folder / "entry.json").write_text(json.dumps(index.entry(notebook, name, kept)))
    (task.folder / "files.json").write_text(json.dumps(kept["files"]))
    shutil.copyfile(task.executed or task.folder / "executed.ipynb", task.place("notebook"))
    task.place("provenance").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    for place, rows in page.data_files(notebook, name).items():
        (task.leaves / place).parent.mkdir(exist_ok=True)
        (task.leaves / place).write_text(rows, encoding="utf-8")
    told = {"name": name, "made_on": frame.made_on, "parameters": parameters, "known": provenance.known(kept)}
    xlsx.write(notebook, task.place("workbook"), **told)
    kinds = [kind for kind in reports.DOWNLOADS if task.place(kind).exists() or (kind == "pdf" and task.browser)]
    text = page.export(
        notebook,
        frame,
        name=name,
        parameters=parameters,
        ledger=kept,
        downloads=[{"href": reports.place(kind, name), "title": reports.DOWNLOADS[kind]} for kind in kinds],
        scratch=Path(os.environ.get(task.source.variables.cache) or task.scratch),
        say=task.source.said,
    )
    if task.browser:
        pdf.print_page(text, task.place("pdf"), browser=task.browser, made_on=frame.made_on)
    task.place("page").write_text(text, encoding="utf-8")
