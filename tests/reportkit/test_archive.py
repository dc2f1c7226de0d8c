"""The archive of runs: what is kept, for how long, and that it never stands in a report's way."""

import gzip
import json
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from small_project import make_runs

from reportkit import archive as archive
from reportkit.archive import Run
from tokenfactory import source
from tokenfactory.errors import DataError, ParameterError
from tokenfactory.source import SOURCE, Project

DAYS = ("1776211200", "1776297600")  # 2026-04-15 and the day after


@pytest.fixture(scope="module")
def two_made(tmp_path_factory, project):
    """A project with two runs, between which a price changed."""
    runs = make_runs(tmp_path_factory.mktemp("made"), project)
    runs.report(SOURCE_DATE_EPOCH=DAYS[0])
    runs.change_price("gb300", 2)
    runs.report(SOURCE_DATE_EPOCH=DAYS[1])
    return runs


@pytest.fixture
def ready(two_made, tmp_path):
    """The same project for a test of its own."""
    return two_made.copy(tmp_path / "ready")


def ids(runs) -> list[str]:
    return [run.id for run in archive.stored(runs.project)]


def objects(runs) -> set[str]:
    return {path.parent.name + path.name for path in (archive.folder(runs.project) / "objects").glob("*/*")}


# What is kept


def test_a_run_tells_what_it_said_and_what_it_was_made_from(two_made):
    new, old = archive.stored(two_made.project)
    assert [run.record["made_on"] for run in (old, new)] == ["2026-04-15", "2026-04-16"]
    assert [run.record["number"] for run in (old, new)] == [1, 2]
    assert old.id.startswith("2026-04-15-") and len(old.id) == 19
    assert old.record["price_as_of"] >= "2026-07-01" and old.record["power_as_of"] >= "2026-07-01"
    assert old.record["library"] == new.record["library"] and old.record["data"] != new.record["data"]
    notebook = new.notebooks("default")["01_prices"]
    assert notebook["parameters"] == {"subject": "gb300"}
    assert [(h["key"], h["value"], h["unit"]) for h in notebook["headlines"]] == [
        ("b_price", 1234570.0, "usd"),
        ("a_none", None, "usd"),
    ]
    site = json.loads((two_made.site / "site.json").read_text())["default"]["notebooks"][0]
    assert (notebook["key"], notebook["inputs_sha256"]) == (site["key"], site["inputs_sha256"])


def test_every_file_comes_back_as_it_was(two_made):
    new, old = archive.stored(two_made.project)
    library = two_made.project.root / "lib"
    code = {f"lib/{p.relative_to(library)}": p for p in library.rglob("*") if p.is_file() and p.suffix != ".pyc"}
    data = {f"data/{path.relative_to(two_made.data)}": path for path in two_made.data.rglob("*.csv")}
    for path, place in {**code, **data}.items():
        assert new.file(path) == place.read_bytes(), path
    assert {path for path in new.files if path.startswith(("lib/", "data/"))} == {*code, *data}
    differing = {path for path in new.files if new.files[path] != old.files.get(path)}
    assert differing == {"data/price_book.csv"}
    assert b"gb300" in old.file("data/price_book.csv") != new.file("data/price_book.csv")
    (executed,) = {e["executed"] for e in new.record["executions"].values()} - {
        e["executed"] for e in old.record["executions"].values()
    }
    assert json.loads(new.read(executed))["cells"][2]["outputs"]


def test_a_notebook_is_kept_without_its_stored_outputs(ready):
    path = ready.project.notebooks / "03_plain.ipynb"
    document = json.loads(path.read_text())
    document["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "stored"}]
    path.write_text(json.dumps(document))
    before = archive.stored(ready.project)[0].files
    (ready.site / "03_plain.html").unlink()
    assert ready.report(SOURCE_DATE_EPOCH=DAYS[0])["is_new"]
    assert archive.stored(ready.project)[0].files == before


def test_runs_share_what_is_the_same(two_made):
    new, old = archive.stored(two_made.project)
    both = {*new.files.values(), *old.files.values()}
    assert len(both) == len(set(new.files.values())) + 1


def test_only_what_made_something_new_of_whole_scenarios_is_kept(ready):
    before = ids(ready)
    ready.report(SOURCE_DATE_EPOCH=DAYS[1])
    ready.report()
    assert ids(ready) == before  # nothing changed
    ready.report("-p", "subject=h200")
    ready.report("--notebook", "01_prices")
    assert ids(ready) == before  # not a whole scenario with its own values
    ready.report("--scenario", "other", SOURCE_DATE_EPOCH=DAYS[1])
    assert len(ids(ready)) == 3 and list(archive.stored(ready.project)[0].record["scenarios"]) == ["other"]


def test_the_same_inputs_on_the_same_day_are_the_same_run_and_the_same_bytes(ready):
    before, known = ready.files(), ids(ready)
    ready.report("--force", SOURCE_DATE_EPOCH=DAYS[1])
    assert (ready.files(), ids(ready)) == (before, known)
    ready.report("--force", SOURCE_DATE_EPOCH="1776384000")
    assert len(ids(ready)) == 3  # another day


# For how long


def fake(number: int, made_on: str) -> Run:
    return Run({"id": f"{made_on}-{number}", "number": number, "made_on": made_on}, None)


def test_the_newest_and_the_first_of_each_month_stay():
    days = ["2026-01-31", "2026-02-01", "2026-02-28", "2026-03-02", "2026-03-02", "2026-03-03", "2026-03-04"]
    runs = [fake(number, day) for number, day in enumerate(days)][::-1]
    kept = [run.record["number"] for run in archive.to_keep(runs, 2)]
    assert kept == [6, 5, 3, 1, 0]
    assert archive.to_keep(runs, 90) == runs


def test_what_no_kept_run_names_is_removed(ready):
    stale = archive.folder(ready.project) / "objects" / "ab" / "cdef.gz"
    stale.parent.mkdir(exist_ok=True)
    stale.write_bytes(b"x")
    new, old = archive.stored(ready.project)
    only_old = set(old.files.values()) - set(new.files.values())
    assert only_old <= {name.removesuffix(".gz") for name in objects(ready)}
    record = old.record | {"made_on": "2026-04-17"}  # so that it is not the first of its month
    (archive.folder(ready.project) / old.id / "run.json").write_text(json.dumps(record))
    archive._prune(ready.project, 1)
    assert ids(ready) == [new.id, old.id]  # it is the first all the same, there being no earlier one
    third = archive.folder(ready.project) / "2026-04-18-third"
    shutil.copytree(archive.folder(ready.project) / new.id, third)
    (third / "run.json").write_text(json.dumps(new.record | {"id": third.name, "number": 3}))
    (archive.folder(ready.project) / new.id / "run.json").write_text(json.dumps(new.record | {"number": 1}))
    (archive.folder(ready.project) / old.id / "run.json").write_text(json.dumps(record | {"number": 2}))
    archive._prune(ready.project, 1)
    assert ids(ready) == [third.name, new.id]
    assert not only_old & {name.removesuffix(".gz") for name in objects(ready)}
    assert "abcdef.gz" not in objects(ready)
    assert archive.stored(ready.project)[0].file("data/price_book.csv") == (ready.data / "price_book.csv").read_bytes()


# Faults


def test_a_report_arrives_where_the_archive_cannot_be_written(ready):
    shutil.rmtree(archive.folder(ready.project))
    archive.folder(ready.project).write_text("a file where the folder should be")
    ready.notebook("03_plain", "1 + 2", parameters=None)
    done = ready.run("report")
    assert done.returncode == 0 and ready.page("03_plain")["outputs"] == ["3"]
    assert "this run is not kept in reports/runs: " in done.stderr and "Traceback" not in done.stderr


FULL_DISK = """
_compressed = []
def _full(content, *_, **__):
    _compressed.append(content)
    if len(_compressed) > 2:
        raise OSError(28, 'No space left on device')
    return b'half'
gzip.compress = _full
"""


def test_a_full_disk_leaves_the_archive_as_it_was(ready):
    ready.notebook("03_plain", "1 + 3", parameters=None)
    before, known = ids(ready), objects(ready)
    with (ready.project.root / "lib" / "reportkit" / "archive.py").open("a") as module:
        module.write(FULL_DISK)
    done = ready.run("report")
    assert done.returncode == 0 and ready.page("03_plain")["outputs"] == ["4"]
    assert "this run is not kept in reports/runs: No space left on device" in done.stderr
    assert (ids(ready), objects(ready)) == (before, known)
    assert not list(archive.folder(ready.project).glob(".*"))


def test_a_run_that_was_killed_after_the_swap_is_kept_by_the_next(ready):
    newest, *others = ids(ready)
    folder = archive.folder(ready.project)
    (folder / newest).rename(folder / f".new-{newest}")
    (folder / ".new-2026-01-01-00000000").mkdir()  # of one that was killed before
    assert ids(ready) == others
    assert not ready.report(SOURCE_DATE_EPOCH=DAYS[1])["is_new"]
    assert ids(ready) == [newest, *others] and not list(folder.glob(".*"))


def test_a_damaged_object_is_named(ready):
    run = archive.stored(ready.project)[0]
    digest = run.files["data/price_book.csv"]
    path = archive.folder(ready.project) / "objects" / digest[:2] / f"{digest[2:]}.gz"
    path.write_bytes(gzip.compress(b"gpu\n"))
    with pytest.raises(DataError, match="is not what was kept under this name"):
        run.file("data/price_book.csv")
    path.write_bytes(b"no gzip")
    done = ready.run("diff", "previous", "latest")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "cannot be read any more" in done.stderr
    good = (ready.data / "price_book.csv").read_text()
    ready.change_price("gb300", 2)
    done = ready.run("report")
    assert done.returncode == 0 and f"what changed since {run.id} cannot be told: reports/runs/objects/" in done.stderr
    assert "What changed cannot be told" in ready.run("runs").stdout.splitlines()[0]
    (ready.data / "price_book.csv").write_text(good)
    ready.report()
    assert run.file("data/price_book.csv") == good.encode()  # what is damaged is written again


def test_a_folder_that_is_no_run_is_passed_over(ready):
    before = ids(ready)
    for name, text in (("2026-01-01-aaaaaaaa", "{"), ("mine", "[]"), ("other", '{"format": 0}')):
        (archive.folder(ready.project) / name).mkdir()
        (archive.folder(ready.project) / name / "run.json").write_text(text)
    assert ids(ready) == before


@pytest.mark.parametrize("path", ["../x", "/etc/x", "data/../../x", "."])
def test_a_file_that_would_lie_elsewhere_is_refused(tmp_path, path):
    root = tmp_path / "root"
    with pytest.raises(DataError, match="cannot lie at"):
        archive.place(root, path, b"x")
    assert not list(tmp_path.rglob("x"))


# Naming runs


def test_runs_are_found_by_name():
    runs = [fake(3, "2026-04-17"), fake(2, "2026-04-16"), fake(1, "2026-04-16")]
    assert [archive.find(Project(), runs, name) for name in ("latest", "previous", "2026-04-17")] == runs[:2] + runs[:1]
    assert archive.find(Project(), runs, "2026-04-16-2") is runs[1]
    for name, message in {
        "2026-04-16": "could be 2026-04-16-2 or 2026-04-16-1",
        "2026-05": "is not known; did you mean",
        "latst": "did you mean 'latest'",
    }.items():
        with pytest.raises(ParameterError, match=message):
            archive.find(Project(), runs, name)
    with pytest.raises(ParameterError, match="there is no previous run"):
        archive.find(Project(), runs[:1], "previous")
    with pytest.raises(ParameterError, match="no run is kept here yet"):
        archive.find(Project(), [], "latest")


def test_the_run_before_is_the_last_one_that_has_the_scenario(tmp_path):
    def run(number, *scenarios):
        return Run(fake(number, "2026-04-15").record | {"scenarios": dict.fromkeys(scenarios)}, None)

    runs = [run(3, "default"), run(2, "other"), run(1, "default", "other")]
    assert archive.before(runs, run(4, "default"), "other") is runs[1]
    assert archive.before(runs, runs[0], "default") is runs[2]
    assert archive.before(runs, runs[1], "default") is runs[2]
    assert archive.before(runs, run(4), "third") is None


def test_runs_are_listed(two_made):
    done = two_made.run("runs")
    first, second = done.stdout.splitlines()
    assert first.startswith(ids(two_made)[0]) and "Nothing changed: all 2 headline numbers are what they were" in first
    assert "This is the first run that is kept" in second
    told = json.loads(two_made.run("runs", "--json").stdout)
    assert [run["id"] for run in told] == ids(two_made)
    assert told[0]["scenarios"]["default"]["notebooks"][0]["headlines"][0]["unit"] == "usd"


def test_where_no_run_is_kept_that_is_said(tmp_path, project):
    runs = make_runs(tmp_path, project)
    for arguments in (("runs",), ("diff", "previous")):
        done = runs.run(*arguments)
        assert done.stderr.count("no run is kept here yet; make one with 'tokenfactory report'") == 1
    assert done.returncode == 2


# Snapshots


@pytest.fixture
def with_snapshot(tmp_path, monkeypatch):
    snapshot = tmp_path / "data" / "snapshots" / "s-1"
    snapshot.mkdir(parents=True)
    (snapshot / "manifest.json").write_text('{"created_at": "2026-04-15", "files": []}')
    (snapshot / "points.parquet").write_bytes(b"points")
    monkeypatch.setenv("TOKENFACTORY_DATA", str(tmp_path / "data"))
    return snapshot


def restored(root: Path, files: dict[str, bytes]) -> list[str]:
    run = Run({"id": "r", "files": {path: archive.sha256(content) for path, content in files.items()}}, None)
    for path, content in files.items():
        archive.place(root, path, content)
    SOURCE.complete(root, run.files)
    return sorted(p.name for p in (root / "data" / "snapshots" / "s-1").iterdir())


def test_a_small_snapshot_is_kept_and_a_large_one_named(with_snapshot, tmp_path, monkeypatch):
    def kept():
        return {
            path: read()
            for path, read in archive.sources(Project(tmp_path), []).items()
            if path.startswith("data/snapshots")
        }

    whole = kept()
    assert whole == {
        "data/snapshots/s-1/manifest.json": (with_snapshot / "manifest.json").read_bytes(),
        "data/snapshots/s-1/points.parquet": b"points",
    }
    assert restored(tmp_path / "a", whole) == ["manifest.json", "points.parquet"]
    monkeypatch.setattr(source, "LARGE_BYTES", 5)
    named = kept()
    assert list(named) == ["data/snapshots/s-1/manifest.json"]
    assert restored(tmp_path / "b", named) == ["manifest.json", "points.parquet"]
    (with_snapshot / "manifest.json").write_text('{"created_at": "2026-04-15", "files": [1]}')
    with pytest.raises(DataError, match="the run needs this snapshot, which is not here"):
        restored(tmp_path / "c", named)


@pytest.mark.soak
def test_a_kill_at_any_moment_leaves_an_archive_that_can_be_read(ready):
    """Another notebook each time; every run that is kept is whole, and the run of the site is kept by the next."""
    draw = random.Random(20261126)
    ready.report()
    for attempt in range(1, 21):
        shown = json.loads((ready.site / "site.json").read_text())["default"]["run"]
        ready.notebook("03_plain", f"'{attempt}'", parameters=None)
        process = subprocess.Popen(ready.command("report"), env=ready.environment, stderr=subprocess.DEVNULL)
        time.sleep(draw.uniform(0.3, 4))
        process.kill()
        process.wait()
        for run in archive.stored(ready.project):
            assert all(run.file(path) is not None for path in run.files)
        assert shown in ids(ready) or (archive.folder(ready.project) / f".new-{shown}").exists()
    ready.report()
    assert json.loads((ready.site / "site.json").read_text())["default"]["run"] == ids(ready)[0]
    assert not list(archive.folder(ready.project).glob(".*"))
    named = {name for run in archive.stored(ready.project) for name in archive._objects(run.record)}
    assert {name.removesuffix(".gz") for name in objects(ready)} == named


@pytest.mark.parametrize(
    "change",
    [{"id": 5}, {"number": True}, {"files": []}, {"scenarios": None}, {"changes": {"default": {}}}, {"changes": {}},
     {"changes": {"default": {"sentences": []}}}, {"executions": {"k": 1}}, {"made_on": None}],
)  # fmt: skip
def test_a_run_whose_record_is_broken_hides_no_other(tmp_path, change):
    def save(name, content):
        (archive.folder(project) / name).mkdir(parents=True)
        (archive.folder(project) / name / archive.RECORD).write_text(content)

    project = Project(tmp_path)
    record = {"format": archive.FORMAT, "id": "good", "number": 1, "made_on": "2026-11-28", "data": "d", "library": "l"}
    record |= {"files": {}, "packages": {}, "scenarios": {}, "executions": {}}
    record["changes"] = {"default": {"sentences": ["It is new."]}}
    save("good", json.dumps(record))
    save("bad", json.dumps(record | {"id": "bad"} | change))
    save("deep", "[" * 100_000)
    assert [run.id for run in archive.stored(project)] == ["good"]
