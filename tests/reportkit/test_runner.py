"""What runs, what need not run, and how failures are told: whole runs on small projects, pages that are plain JSON."""

import hashlib
import json
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from small_project import PRICES, SUBJECT, make_runs

from reportkit import execution
from reportkit.tasks import Task
from tokenfactory.source import SOURCE


@pytest.fixture
def runs(tmp_path, project):
    return make_runs(tmp_path, project)


@pytest.fixture(scope="module")
def made(tmp_path_factory, project):
    """All scenarios, made once; tests only look at it, or leave it as it was."""
    runs = make_runs(tmp_path_factory.mktemp("made"), project)
    runs.result = runs.report("--scenario", "all", SOURCE_DATE_EPOCH="1776211200")  # 2026-04-15
    return runs


# What is not made again


def test_when_nothing_changed_nothing_runs_and_nothing_heavy_is_imported(made):
    before, link = made.files(), made.site.readlink()
    done = made.run("report", "--scenario", "all", before=("-X", "importtime"), SOURCE_DATE_EPOCH="1776211200")
    assert done.returncode == 0 and "nothing changed" in done.stdout
    imported = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "tokenfactory" in imported
    assert not imported & {"papermill", "nbformat", "altair", "polars", "duckdb", "numpy", "pyarrow", "IPython"}
    assert made.files() == before and made.site.readlink() == link

    started = time.monotonic()
    result = made.report("--scenario", "all")  # without a fixed date, that of the making stays
    assert time.monotonic() - started < 2
    assert result["executed"] == [] and len(result["unchanged"]) == 6 and not result["is_new"]


def test_a_changed_price_runs_only_the_notebooks_that_read_it(ready):
    pages = {name: ready.page(name) for name in ("01_prices", "02_amd")}
    ready.change_price("mi300x", 2)
    result = ready.report()
    assert (result["executed"], result["unchanged"]) == (["02_amd"], ["01_prices", "03_plain"])
    assert ready.page("01_prices") == pages["01_prices"] and ready.page("02_amd") != pages["02_amd"]

    before = ready.page("01_prices"), json.loads(ready.files()["01_prices.provenance.json"])
    ready.change_price("tpuv7", 2)  # nobody reads it, but the file that others are read from is another
    result = ready.report()
    assert result["executed"] == [] and result["is_new"]
    after = ready.page("01_prices"), json.loads(ready.files()["01_prices.provenance.json"])
    assert after[0] == before[0]
    of_data = [ledger.pop("files") for _, ledger in (before, after)]
    assert before[1] == after[1] and of_data[0].keys() == of_data[1].keys() == {"price_book.csv"}
    assert of_data[1]["price_book.csv"] == hashlib.sha256((ready.data / "price_book.csv").read_bytes()).hexdigest()
    assert of_data[0] != of_data[1]
    assert ready.report()["seconds"] < 1  # verified against the new data once, not at every run


def test_changes_of_a_notebook_run_that_notebook(ready):
    path = ready.project.notebooks / "03_plain.ipynb"
    document = json.loads(path.read_text())
    document["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "stored"}]
    path.write_text(json.dumps(document))
    assert ready.report()["executed"] == []  # outputs decide nothing
    ready.notebook("03_plain", "1 + 2", parameters=None)
    assert ready.report()["executed"] == ["03_plain"]
    ready.notebook("03_plain", "1 + 1", parameters=None)
    result = ready.report()
    assert result["executed"] == [] and result["is_new"]  # known from before, but another page
    assert ready.page("03_plain")["outputs"] == ["2"]


def test_a_change_of_the_library_runs_everything(ready):
    with (ready.project.root / "lib" / "tokenfactory" / "formulas" / "cost.py").open("a") as module:
        module.write("# a remark\n")
    assert len(ready.report()["executed"]) == 3


@pytest.mark.parametrize("name", ["02_amd.html", "02_amd.provenance.json", "summary.html"])
def test_a_file_that_is_missing_is_made_again_without_running(ready, name):
    before = ready.files()
    (ready.site / name).unlink()
    result = ready.report()
    assert result["executed"] == [] and result["is_new"]
    assert ready.files() == before


def test_what_cannot_be_printed_is_said_once_and_no_failure(ready, tmp_path):
    done = ready.run("report", "--pdf", PATH=str(tmp_path))
    assert done.returncode == 0 and "nothing changed" in done.stdout
    assert done.stderr.count("no PDF: none of chromium, ") == 1


def test_the_ledger_knows_which_cell_asked_and_what_depends_on_it(made):
    kept = json.loads(made.files()["01_prices.provenance.json"])
    (query,) = kept["queries"].values()
    assert query["parameters"] == {"gpu": "gb300"} and query["files"] == ["price_book.csv"]
    assert {row["gpu"] for row in kept["rows"].values()} == {"gb300"} and set(kept["rows"]) == set(query["rows"])
    assert kept["cells"][query["cell"]] == {"queries": ["q1"], "parameters": ["subject"]}
    other = json.loads(made.files()["other/01_prices.provenance.json"])
    assert other["parameters"]["subject"]["value"] == "h200" and other["parameters"]["subject"]["default"] == "gb300"
    assert json.loads(made.files()["03_plain.provenance.json"])["queries"] == {}


def test_a_record_of_an_earlier_version_counts_as_none(ready):
    path = ready.site / "site.json"
    record = json.loads(path.read_text())
    del record["default"]["files"]
    path.write_text(json.dumps(record))
    result = ready.report()
    assert result["executed"] == [] and result["is_new"]
    assert json.loads(path.read_text())["default"]["files"] == ["index.html", "summary.html", "TokenFactory.xlsx"]


# Failures


def test_a_notebook_that_fails_changes_nothing_but_what_is_remembered(ready):
    before, headlines = ready.files(), ready.csv.read_bytes()
    ready.notebook("01_prices", PRICES + "\nprint('new')")
    ready.notebook("02_amd", "x = 1\nraise KeyError('deep')", "print('never')")
    done = ready.run("report")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "tokenfactory: 02_amd failed: KeyError: 'deep'" in done.stderr
    assert "\n    x = 1\n    raise KeyError('deep')\n" in done.stderr
    assert (ready.files(), ready.csv.read_bytes()) == (before, headlines)
    failed = ready.failed()["02_amd.ipynb"]
    assert "An Exception was encountered" in failed and '"never' not in failed
    assert not ready.leftovers()

    ready.notebook("02_amd", "'mended'")
    assert ready.report()["executed"] == ["02_amd"]  # the first had run and is remembered
    assert ready.failed()["02_amd.ipynb"] == failed  # still there to look at


@pytest.mark.parametrize("engine", ["fork", "kernel"])
def test_bad_input_that_a_notebook_finds_is_one_sentence(runs, engine):
    runs.notebook("02_amd", "from tokenfactory.errors import *\nraise NotMeasuredError('no such point')")
    done = runs.run("report", "--engine", engine)
    assert done.returncode == 2
    assert [line for line in done.stderr.splitlines() if not line.startswith("[")] == [
        "tokenfactory: 02_amd: no such point"
    ]
    assert not runs.site.exists() and not runs.csv.exists()


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("import os; os._exit(3)", "the process ended with exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "the process was killed by SIGKILL"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "the process was killed by SIGSEGV"),
        ("raise MemoryError('too much')", "MemoryError: too much"),
    ],
)
def test_a_crash_is_a_failed_notebook(runs, cell, message):
    runs.notebook("02_amd", "1", cell, "2")
    done = runs.run("report", "--retries", "0")
    assert done.returncode == 1
    assert f"tokenfactory: 02_amd failed: {message}" in done.stderr
    assert f"\n    {cell}\n" in done.stderr
    assert set(runs.failed()) == {"02_amd.ipynb", "02_amd.log"}
    assert not runs.site.exists() and "Traceback" not in done.stderr


@pytest.mark.parametrize("engine", ["fork", "kernel"])
def test_a_notebook_whose_process_is_lost_runs_again(runs, engine):
    cell = "import os, pathlib, signal\nonce = pathlib.Path('once')\nif not once.exists():\n    once.touch(); "
    runs.notebook("02_amd", PRICES, cell + "os.kill(os.getpid(), signal.SIGKILL)", "print('after')")
    result = runs.report("--engine", engine, "--notebook", "02_amd")
    assert result["retried"] == ["02_amd"] == result["executed"]
    made = runs.files()
    assert runs.page("02_amd")["outputs"][1:] == ["after\n"]
    runs.report("--force", "--notebook", "02_amd")
    assert runs.files() == made  # nothing of the lost attempt stayed, its queries neither


def test_what_a_cell_raises_does_not_run_again(runs):
    runs.notebook("02_amd", "open('ran', 'a').write('x')\nraise ValueError")
    assert runs.run("report", "--retries", "5", "--notebook", "02_amd").returncode == 1
    assert (runs.project.notebooks / "ran").read_text() == "x"


def test_a_kernel_that_crashes_is_a_failed_notebook(runs):
    runs.notebook("02_amd", "import os; os._exit(3)")
    done = runs.run("report", "--engine", "kernel", "--notebook", "02_amd")
    assert done.returncode == 1
    assert "tokenfactory: 02_amd failed: the process ended with exit code 1" in done.stderr
    assert "Kernel died" in done.stderr and "\n    import os; os._exit(3)\n" in done.stderr


def test_a_notebook_that_hangs_is_stopped_with_what_it_started(runs):
    runs.notebook("02_amd", "import subprocess\nsubprocess.run(['sleep', '307.25'])")
    done = runs.run("report", "--notebook", "02_amd", "--timeout", "3", "--json")
    assert done.returncode == 1 and done.stderr.count("the process was stopped after 3 s; it runs again\n") == 1
    (failure,) = json.loads(done.stdout)["failures"]
    assert failure["message"] == "the process was stopped after 3 s" and failure["source"].startswith("import subproc")
    commands = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists()]
    assert not [c for c in commands if b"307.25" in c]


def test_an_unknown_key_or_a_day_without_a_price_runs_nothing(ready):
    before = ready.files()
    priced = 'basis: str = "owning_hyperscaler"  # [price_basis] b\nprice_date: str = "2026-04-15"  # [date] d\n'
    ready.notebook("01_prices", PRICES, parameters=SUBJECT + priced)
    for parameter, message in {
        "subject=gb301": "tokenfactory: subject: 'gb301' is not a known gpu; did you mean 'gb300'",
        "price_date=2019-01-01": "tokenfactory: no owning_hyperscaler price of gb300",
    }.items():
        done = ready.run("report", "-p", parameter)
        assert done.returncode == 2 and done.stderr.startswith(message)
        assert done.stderr.count("\n") == 1 and ready.files() == before


def test_data_that_cannot_be_used_runs_nothing(ready):
    before = ready.files()
    (ready.data / "price_book.csv").write_text("gpu\nh200\n")
    done = ready.run("report")
    assert done.returncode == 2 and done.stderr.startswith("tokenfactory: price_book.csv")
    assert done.stderr.count("\n") == 1 and ready.files() == before


# Stored outputs


def test_refresh_stores_outputs_in_the_notebooks_and_changes_nothing_more(runs):
    runs.notebook("04_raises", "raise ValueError('no')", parameters=None)
    path = runs.project.notebooks / "04_raises.ipynb"
    failing = path.read_bytes()
    done = runs.run("refresh")
    assert done.returncode == 1 and "04_raises failed: ValueError: no" in done.stderr
    assert path.read_bytes() == failing
    path.unlink()

    plain = runs.project.notebooks / "03_plain.ipynb"
    document = json.loads(plain.read_text())
    assert document["cells"][1]["outputs"][0]["data"] == {"text/plain": ["2"]}
    assert document["cells"][1]["execution_count"] == 1
    assert "metadata" in document and "papermill" not in plain.read_text()
    stored = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in runs.project.notebooks.iterdir()}
    assert runs.run("refresh").returncode == 0
    assert {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in runs.project.notebooks.iterdir()} == stored
    assert not runs.site.exists()


def test_refresh_of_one_notebook(runs):
    before = (runs.project.notebooks / "01_prices.ipynb").read_bytes()
    assert runs.run("refresh", "--notebook", "03_plain").returncode == 0
    assert (runs.project.notebooks / "01_prices.ipynb").read_bytes() == before


def test_after_the_first_ones_the_notebooks_that_took_longest_run_first():
    def task(name, executed=None):
        notebook = SimpleNamespace(name=name, path=Path(name))
        job = SimpleNamespace(notebook=notebook, label=name)
        return Task(job=job, folder=Path(), engine="fork", source=SOURCE, built=Path(), executed=executed)

    tasks = [*map(task, "abcd"), task("e", Path("e.ipynb")), task("f")]
    took = {"a": 9.0, "b": 1.0, "c": 2.0, "d": 3.0, "e": 8.0}
    # Nothing is known of f; of e only the page is made.
    assert [t.label for t in execution.longest_first(tasks, took, 2)] == ["a", "b", "f", "d", "c", "e"]
    assert [t.label for t in execution.longest_first(tasks[:4], {}, 2)] == ["a", "b", "c", "d"]
