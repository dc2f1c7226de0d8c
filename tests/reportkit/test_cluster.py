"""The same report past one machine: a real scheduler and its workers as processes of their own, whole runs, real pages.

The workers have a copy of the library in another folder and share no file with the run.
"""

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from small_project import MAIN, PRICES, RealRuns, make_runs

from reportkit import cluster as cluster_module
from tokenfactory.source import SOURCE

pytest.importorskip("distributed", reason="the package distributed (extra 'cluster') is not installed")

EPOCH = {"SOURCE_DATE_EPOCH": "1776211200"}


def ended(process) -> None:
    process.kill()
    process.wait()


class Cluster:
    """A scheduler, and workers that are started one by one."""

    def __init__(self, folder: Path, library: Path):
        self.folder, self.library, self.workers = folder, library, []
        self.file = folder / "scheduler.json"
        options = ["--port", "0", "--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(self.file)]
        self.scheduler = self._start("dask_scheduler", *options)
        self._wait(self.file.exists)
        self.address = json.loads(self.file.read_text())["address"]

    def _start(self, module: str, *options: str, library=None):
        environment = os.environ | {"PYTHONPATH": str(library or self.library)}
        for name in ("TOKENFACTORY_DATA", "TOKENFACTORY_CACHE", "TOKENFACTORY_WAREHOUSE"):
            environment.pop(name, None)
        command = [sys.executable, "-m", f"distributed.cli.{module}", *options]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, env=environment, cwd=self.folder, stdout=log, stderr=log)

    def add_worker(self, library=None):
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "60"]
        self.workers.append(
            self._start("dask_worker", self.address, *options, "--local-directory", str(self.folder), library=library)
        )
        return self.workers[-1]

    def _wait(self, condition):
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline and self.scheduler.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)

    def stop(self):
        for process in (*self.workers, self.scheduler):
            ended(process)


@contextmanager
def cluster(folder: Path, library: Path, num_workers: int = 2):
    folder.mkdir()
    made = Cluster(folder, library)
    try:
        for _ in range(num_workers):
            made.add_worker()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def local(tmp_path_factory, project):
    """Both scenarios, made without a cluster."""
    root = tmp_path_factory.mktemp("local")
    make_runs(root, project)
    runs = RealRuns(root, root / "data")
    runs.report("--scenario", "all", **EPOCH)
    return runs


@pytest.fixture
def runs(local, tmp_path):
    """The same project elsewhere, of which nothing has been made."""
    root = tmp_path / "here"
    shutil.copytree(local.project.root, root, symlinks=True, ignore=shutil.ignore_patterns(".cache", "reports"))
    return RealRuns(root, root / "data")


@pytest.fixture
def library(local, tmp_path):
    """What a worker has: a copy of the library, and no project around it."""
    shutil.copytree(local.project.root / "lib", tmp_path / "there")
    return tmp_path / "there"


def test_a_report_of_a_cluster_is_that_of_one_machine_byte_for_byte(local, runs, library, tmp_path):
    with cluster(tmp_path / "cluster", library) as made:
        result = runs.report("--scenario", "all", "--scheduler", made.address, **EPOCH)
        assert len(result["executed"]) == 6 and result["retried"] == []
        assert runs.files() == local.files() and runs.csv.read_bytes() == local.csv.read_bytes()
        assert runs.report("--scenario", "all", **EPOCH)["executed"] == []  # what came back holds here
        (runs.site / "02_amd.html").unlink()
        result = runs.report("--scenario", "all", "--scheduler", made.address, **EPOCH)
        assert result["executed"] == [] and result["is_new"] and runs.files() == local.files()

        # A cell that raises is told as it is here, and a page alone is made of what is known.
        runs.notebook("02_amd", "1", "raise KeyError('deep')")
        done = runs.run("report", "--scheduler", made.address)
        assert done.returncode == 1 and "tokenfactory: 02_amd failed: KeyError: 'deep'" in done.stderr
        assert set(runs.failed()) == {"02_amd.ipynb", "02_amd.log"} and runs.files() == local.files()
        runs.notebook("02_amd", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
        done = runs.run("report", "--scheduler", made.address)
        assert done.stderr.count("the process was killed by SIGKILL; it runs again") == 1 and done.returncode == 1
        runs.notebook("02_amd", "import time; time.sleep(310.5)")
        done = runs.run("report", "--scheduler", made.address, "--timeout", "5", "--retries", "0")
        assert "02_amd failed: the process was stopped after 5 s" in done.stderr
        assert not list((tmp_path / "cluster").rglob("task-*"))


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.soak
def test_a_worker_that_is_killed_midway_loses_nothing(runs, library, tmp_path):
    started, go = tmp_path / "started-", tmp_path / "go"
    wait = f"while not os.path.exists({str(go)!r}): time.sleep(0.05)"
    cell = f"import os, time\nopen({str(started)!r} + str(os.getpid()), 'w').close()\n{wait}"
    runs.notebook("02_amd", PRICES, cell, "print('made')")
    alone = RealRuns(tmp_path / "alone", tmp_path / "alone" / "data")
    shutil.copytree(runs.project.root, alone.project.root)
    go.touch()
    alone.report(**EPOCH)
    for path in (go, *tmp_path.glob("started-*")):
        path.unlink()

    with cluster(tmp_path / "cluster", library) as made:
        command, environment = runs.command("report", "--json", "--scheduler", made.address), runs.environment | EPOCH
        with (tmp_path / "err").open("w") as err:
            process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=err, text=True)
        while not (found := list(tmp_path.glob("started-*"))):
            assert process.poll() is None, (tmp_path / "err").read_text()
            time.sleep(0.02)
        child = int(found[0].name.removeprefix("started-"))
        server = parent(child)
        worker = parent(server)
        assert worker in [process.pid for process in made.workers]
        os.kill(worker, signal.SIGKILL)
        go.touch()
        result = json.loads(process.communicate(timeout=120)[0])
        assert process.returncode == 0 and len(result["executed"]) == 3
        assert len(list(tmp_path.glob("started-*"))) == 2  # on the other worker
        deadline = time.monotonic() + 10
        while is_running(server) or is_running(child):
            assert time.monotonic() < deadline, "it outlives its worker"
            time.sleep(0.05)
    assert runs.files() == alone.files()


def test_a_worker_of_other_code_is_refused_in_one_sentence(runs, library, tmp_path):
    with (library / "tokenfactory" / "formulas" / "cost.py").open("a") as module:
        module.write("# another commit\n")
    with cluster(tmp_path / "cluster", library, num_workers=1) as made:
        done = runs.run("report", "--scheduler", made.address)
    assert (done.returncode, done.stderr) == (
        2,
        f"tokenfactory: a worker of {made.address} has other code of this library; bring it to the same commit\n",
    )
    assert not runs.site.exists()


def test_a_worker_without_the_library_is_refused_in_one_sentence(runs, tmp_path):
    (tmp_path / "none" / "tokenfactory").mkdir(parents=True)
    (tmp_path / "none" / "tokenfactory" / "__init__.py").touch()
    with cluster(tmp_path / "cluster", tmp_path / "none", num_workers=1) as made:
        done = runs.run("report", "--scheduler", made.address)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert f"the scheduler {made.address} or a worker lacks this library: No module named" in done.stderr


def test_a_scheduler_that_does_not_answer_or_has_no_workers(runs, library, tmp_path):
    impatient = f"from reportkit import cluster; cluster.PATIENCE_S = 3; {MAIN}"
    runs.command = lambda *arguments, before: [sys.executable, "-c", impatient, *arguments]
    done = runs.run("report", "--scheduler", "tcp://127.0.0.1:9")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "tokenfactory: the scheduler tcp://127.0.0.1:9 cannot be reached"
    with cluster(tmp_path / "cluster", library, num_workers=0) as made:
        done = runs.run("report", "--scheduler", made.address)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"tokenfactory: the scheduler {made.address} has no workers"


@pytest.mark.soak
def test_a_cluster_that_is_lost_midway_is_told_and_changes_nothing(runs, library, tmp_path):
    runs.report("--notebook", "03_plain", **EPOCH)
    before, started = runs.files(), tmp_path / "started"
    runs.notebook("02_amd", f"import time; open({str(started)!r}, 'w').close(); time.sleep(311.5)")
    impatient = f"from reportkit import cluster; cluster.PATIENCE_S = 3; {MAIN}"
    with cluster(tmp_path / "cluster", library, num_workers=1) as made:
        for lost, sentence in (
            (made.workers[0], f"the scheduler {made.address} has lost all of its workers"),
            (made.scheduler, f"the scheduler {made.address} was lost"),
        ):
            started.unlink(missing_ok=True)
            command = [sys.executable, "-c", impatient, "report", "--scheduler", made.address]
            process = subprocess.Popen(command, env=runs.environment, stderr=subprocess.PIPE, text=True)
            while not started.exists():
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.02)
            ended(lost)
            err = process.communicate(timeout=90)[1]
            assert (process.returncode, err.splitlines()[-1]) == (2, f"tokenfactory: {sentence}")
            assert runs.files() == before and not runs.leftovers()
            if lost is not made.scheduler:
                made.add_worker()


@dataclass(frozen=True)
class Page:
    """What `cluster._call` knows of a task."""

    job: "Job"
    folder: Path
    source: object
    built: Path
    browser: str | None


@dataclass(frozen=True)
class Job:
    notebook: "Notebook"


@dataclass(frozen=True)
class Notebook:
    path: Path
    document: dict


def note_browser(task: Page) -> None:
    (task.folder / "browser").write_text(str(task.browser))


def test_a_worker_prints_with_its_own_browser(tmp_path, monkeypatch):
    for name in ("TOKENFACTORY_DATA", "TOKENFACTORY_CACHE", "TOKENFACTORY_WAREHOUSE"):
        monkeypatch.setenv(name, "")  # what it sets is undone after the test
    (tmp_path / cluster_module.FINISHED).touch()
    (tmp_path / cluster_module.LEFT).mkdir()

    def printed_with(browser):
        task = Page(Job(Notebook(Path("here.ipynb"), {})), tmp_path, SOURCE, Path(), browser)
        (tmp_path / cluster_module.CALL).write_bytes(pickle.dumps(cluster_module._Call(note_browser, task, {})))
        cluster_module._call({"folder": tmp_path, "data": tmp_path, "cache": tmp_path / "cache"})
        return (tmp_path / cluster_module.LEFT / "browser").read_text()

    monkeypatch.setattr(cluster_module.pdf, "find_browser", lambda: "/there/chromium")
    assert (printed_with("/here/chromium"), printed_with(None)) == ("/there/chromium", "None")
    monkeypatch.setattr(cluster_module.pdf, "find_browser", lambda: None)
    with pytest.raises(cluster_module.ClusterError, match=r"a worker cannot print: none of chromium, .* on its path"):
        printed_with("/here/chromium")


def test_what_tells_two_environments_apart_is_named():
    here = {"code": "a", "python": "3.11", "polars": "2.1.0"}
    for there, sentence in (
        (here, None),
        (here | {"code": "b", "polars": "2.0.0"}, "has polars 2.1.0 in place of 2.0.0; install the same requi"),
        (here | {"code": "b"}, "has other code of this library; bring it to the same commit"),
        (here | {"scipy": "1"}, "has scipy None in place of 1; install the same requirements.lock"),
    ):
        found = cluster_module._difference(there, here)
        assert found == sentence or found.startswith(sentence)


def test_a_cluster_of_this_machine_reads_a_finished_warehouse(runs, tmp_path):
    assert runs.run("data").returncode == 0
    (finished,) = (runs.project.root / ".cache" / "warehouse").glob("*.duckdb")
    shutil.copy(finished, tmp_path / "finished.duckdb")
    runs.change_price("gb300", 3)
    arguments = ("--warehouse", str(tmp_path / "finished.duckdb"), "--notebook", "01_prices")
    runs.report(*arguments, **EPOCH)
    before = runs.files()
    assert runs.report(*arguments, "--force", "--scheduler", "local", "--jobs", "1", **EPOCH)["executed"]
    assert runs.files() == before
