"""Snapshots: what is in them, that they are whole or not there, and that nothing is lost on the way."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import zipfile
from datetime import datetime
from pathlib import Path

import disks
import duckdb
import pytest
from disks import as_pid_1
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ingested import AGG, API, FIXTURES, Loaded, load, write
from test_inferencex_csv import CHART, POWERX
from test_inferencex_dump import RECORDS

from tokenfactory.errors import DataError
from tokenfactory.measurements import adapters, benchmarks, ingest
from tokenfactory.measurements.ingest import newest, read_manifest
from tokenfactory.warehouse import files, measured
from tokenfactory.warehouse.attach import attach

# ---- what is in a snapshot ----


def test_a_snapshot_has_every_table_with_its_columns(tmp_path):
    loaded = load(tmp_path, a__json=[AGG])
    for name, table in measured.TABLES.items():
        described = loaded.connection.execute(f"DESCRIBE {_own(name)}").fetchall()
        assert [(column[0], column[1]) for column in described] == [(c.name, c.type) for c in table.columns], name


def _own(table):
    return "snapshot_points" if table == "measured_points" else table


def test_without_a_snapshot_the_tables_are_there_and_empty():
    with duckdb.connect() as connection:
        attach(connection, None)
        for name, table in measured.TABLES.items():
            described = connection.execute(f"DESCRIBE {_own(name)}").fetchall()
            assert [(column[0], column[1]) for column in described] == [(c.name, c.type) for c in table.columns]
        assert connection.execute("SELECT count(*) FROM latest_points()").fetchall() == [(0,)]


def test_the_manifest_says_what_was_read(tmp_path):
    loaded = load(tmp_path, a__json=[AGG], b__txt="just words")
    manifest = read_manifest(loaded.report.snapshot)
    assert [(f["file"], f["adapter"]) for f in manifest["files"]] == [
        ("in/a.json", "inferencex_agg"),
        ("in/b.txt", None),
    ]
    assert manifest["attribution"] == [ingest.ATTRIBUTION["InferenceX"]]
    assert manifest["num_rows"]["stored_points"] == 1
    assert str(tmp_path) not in json.dumps(manifest)


def test_the_summary_adds_up_and_names_what_was_not_read(tmp_path):
    report = load(tmp_path, a__json=[API, API, API | {"conc": 0}], b__json="[").report
    assert "1 files read: 3 rows = 1 points + 1 repeats merged + 0 of other tables + 1 excluded" in report.text()
    assert "in/b.json: element 0 is missing: the file breaks off" in report.text()
    assert report.exit_code == 3


def test_when_nothing_can_be_read_that_is_an_error_and_no_snapshot(tmp_path):
    with pytest.raises(DataError, match=r"in/a\.json: is neither JSON nor CSV"):
        load(tmp_path, a__json="words")
    with pytest.raises(DataError, match="there is no such file"):
        ingest.ingest([tmp_path / "nothing"], tmp_path / "snapshots")
    assert newest(tmp_path / "snapshots") is None


def test_known_files_are_not_read_again(tmp_path, monkeypatch):
    first = load(tmp_path, a__json=[AGG]).report
    monkeypatch.setattr(ingest, "write", lambda *_: pytest.fail("was made again"))
    again = load(tmp_path, a__json=[AGG]).report
    assert (again.snapshot, again.is_new, again.exit_code) == (first.snapshot, False, 0)
    assert again.files == first.files


def test_what_is_ingested_again_is_the_newest_again(tmp_path):
    first = load(tmp_path, a__json=[AGG]).report.snapshot
    second = load(tmp_path, a__json=[AGG | {"conc": 1}]).report.snapshot
    assert newest(tmp_path / "snapshots") == second
    again = load(tmp_path, a__json=[AGG]).report
    assert (again.snapshot, again.is_new) == (first, False)
    assert newest(tmp_path / "snapshots") == first
    assert [p["conc"] for p in Loaded(again).points] == [64]


@pytest.mark.parametrize("manifest", ["", "{", "[]", "{}", '{"created_at": null}'])
def test_a_snapshot_without_a_readable_manifest_is_named(tmp_path, manifest):
    snapshot = load(tmp_path, a__json=[AGG]).report.snapshot
    (snapshot / ingest.MANIFEST).write_text(manifest)
    with pytest.raises(DataError, match=f"{snapshot.name}/manifest.json: is not readable; remove"):
        newest(tmp_path / "snapshots")


@pytest.mark.parametrize("change", ["content", "name", "facts", "adapter", "sidecar"])
def test_other_content_is_another_snapshot(tmp_path, monkeypatch, change):
    row = {name: value for name, value in AGG.items() if name != "isl"}
    first = load(tmp_path, facts={"isl_tok": 8192}, a__json=[row]).report.snapshot
    facts, files = {"isl_tok": 8192}, {"a__json": [row]}
    if change == "content":
        files = {"a__json": [row | {"conc": 128}]}
    elif change == "name":
        (tmp_path / "in/a.json").unlink()
        files = {"b__json": [row]}
    elif change == "facts":
        facts = {"isl_tok": 1024}
    elif change == "adapter":
        monkeypatch.setattr(adapters.modules()[0], "VERSION", 99)
    else:
        files["token-factory__yaml"] = "isl_tok: 4096"
    loaded = load(tmp_path, facts=facts, **files)
    assert loaded.report.is_new
    assert loaded.report.snapshot != first
    assert newest(tmp_path / "snapshots") == loaded.report.snapshot
    assert [p["isl_tok"] for p in loaded.points] == [{"facts": 1024, "sidecar": 4096}.get(change, 8192)]


def test_a_file_that_changes_meanwhile_is_refused(tmp_path, monkeypatch):
    folder = write(tmp_path / "in", a__json=[AGG])
    read = ingest.Stage.read

    def change_and_read(self, document, *more):
        (folder / "a.json").write_text(json.dumps([AGG, AGG]))
        return read(self, document, *more)

    monkeypatch.setattr(ingest.Stage, "read", change_and_read)
    with pytest.raises(DataError, match="changed while it was read"):
        ingest.ingest([folder], tmp_path / "snapshots")
    assert newest(tmp_path / "snapshots") is None


def test_files_of_one_name_in_different_folders_are_kept_apart(tmp_path):
    one, two = write(tmp_path / "x/in", a__json=[AGG]), write(tmp_path / "y/in", a__json=[AGG | {"conc": 0}, AGG])
    report = ingest.ingest([one, two], tmp_path / "snapshots")
    assert sorted((f.num_points, f.num_merged, f.num_excluded) for f in report.files) == [(0, 1, 0), (1, 0, 1)]


# ---- facts ----


def test_facts_fill_what_rows_leave_out_and_only_that(tmp_path):
    row = {name: value for name, value in AGG.items() if name not in ("isl", "osl")}
    sidecar = "isl_tok: 1024\nosl_tok: 2048\nconc: 7\ndate: 2026-05-20\n"
    loaded = load(tmp_path, facts={"osl_tok": 5, "run_id": "r1"}, a__json=[row], **{"token-factory__yaml": sidecar})
    (point,) = loaded.points
    assert (point["isl_tok"], point["osl_tok"], point["conc"]) == (1024, 2048, 64)
    assert (str(point["date"]), point["run_id"]) == ("2026-05-20", "r1")


@pytest.mark.parametrize(
    ("sidecar", "words"),
    [
        ("colour: h200", "'colour' is not one of hardware"),
        ("conc: [1, 2]", "must be one value"),
        ("gpu_count: 4\nnum_gpus: 8", "is given twice, with different values"),
        ("conc: 4\nconc: 8", "conc"),
        ("- h200", "lines of the form"),
        ("a: b: c", "this is not YAML"),
        ("hardware: !!python/object:os.system {}", "this is not YAML"),
    ],
)
def test_a_sidecar_that_is_wrong_says_so(tmp_path, sidecar, words):
    with pytest.raises(DataError, match=r"in/a\.json") as error:
        load(tmp_path, a__json=[AGG], **{"token-factory__yaml": sidecar})
    assert words in str(error.value)


def test_lengths_and_run_may_stand_in_the_path_only(tmp_path):
    row = {name: value for name, value in AGG.items() if name not in ("isl", "osl")}
    write(tmp_path / "run_20218553330", dsr1_1k8k_fp8__json=[row])
    (point,) = Loaded(ingest.ingest([tmp_path / "run_20218553330"], tmp_path / "snapshots")).points
    assert (point["isl_tok"], point["osl_tok"], point["run_id"]) == (1024, 8192, "20218553330")
    assert point["repairs"] == ["hardware_suffix", "lengths_from_file_name", "run_from_file_name"]


def test_a_run_that_ships_tells_the_day_of_rows_that_have_none(tmp_path):
    run, day = next(iter(benchmarks.days().items()))
    write(tmp_path / f"run_{run}", a__json=[AGG])
    write(tmp_path / "run_99999999999", b__json=[AGG | {"conc": AGG["conc"] + 1}])
    named = [tmp_path / f"run_{run}", tmp_path / "run_99999999999"]
    points = Loaded(ingest.ingest(named, tmp_path / "snapshots", days=benchmarks.days())).points
    found = {(p["run_id"], p["date"] and str(p["date"]), "date_from_run" in p["repairs"]) for p in points}
    assert found == {(run, day, True), ("99999999999", None, False)}
    assert ingest.ingest(named, tmp_path / "snapshots").is_new  # without the days it is another snapshot


def test_days_of_runs_come_from_rows_that_have_both(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKENFACTORY_DATA", str(tmp_path))
    assert benchmarks.days() == {}
    (tmp_path / "benchmarks").mkdir()
    rows = ["a,https://a/runs/7,2026-05-01", "b,https://a/runs/8,May", "c,https://a/9,2026-05-02"]
    (tmp_path / "benchmarks" / "b.csv").write_text("\n".join(["# a notice", "point_id,run_url,date", *rows]))
    (tmp_path / "benchmarks" / "c.csv").write_text("point_id\nd\n")
    assert benchmarks.days() == {"7": "2026-05-01"}


# ---- bad input: never a traceback, never a lost good file ----

BAD_FILES = {
    "truncated.json": json.dumps([AGG, AGG])[:-9].encode(),
    "words.json": b"this is no JSON",
    "empty.json": b"",
    "space.json": b"   \n ",
    "empty_array.json": b"[]",
    "number.json": b"[1, 2, 3]",
    "deep.json": b"[" * 200_000,
    "deep_row.json": b'[{"hw": ' + b"[" * 20_000 + b"]" * 20_000 + b"}]",
    "latin1.json": '[{"hw": "h200\u00e9"}]'.encode("latin-1"),
    "utf16.json": json.dumps([AGG]).encode("utf-16"),
    "random.bin": bytes(range(256)) * 8,
    "nul.csv": b"a,b\n1,\0\n",
    "long_cell.csv": b"hardware,model,total_tok_per_s\nh200," + b"x" * 10_000_000 + b",1\n",
    "quote.csv": b'hardware,model,total_tok_per_s\n"h200,x,1\n',
    "digits.json": b'[{"hw": ' + b"9" * 10_000 + b"}]",
    "half.zip": b"PK\x03\x04 and no more",
    "twice.csv": b"conc,conc\n1,2\n",
    "html.html": b"<html><body>not, a table</body></html>",
    "other.json": b'[{"colour": "red"}]',
    "two_values.json": b'{"colour": 1}, {"colour": 2}',
}


def test_every_bad_file_is_named_and_the_good_ones_are_read(tmp_path):
    folder = write(tmp_path / "in", good__json=[AGG])
    for name, content in BAD_FILES.items():
        (folder / name).write_bytes(content)
    report = ingest.ingest([folder], tmp_path / "snapshots")
    assert report.exit_code == 3
    assert {f.file.removeprefix("in/") for f in report.not_read} == BAD_FILES.keys()
    assert all(f.problem and "\n" not in f.problem and len(f.problem) < 300 for f in report.not_read)
    assert [p["total_tok_per_s_per_gpu"] for p in Loaded(report).points] == [851.9]


PROSE = {"SOURCE.md": "a,b\n1\n", "LICENSE": "words", "Readme.txt": "", "deep/README": "a|b\n", "NOTICE": "x"}


def test_prose_of_a_folder_or_a_zip_is_passed_over_and_said_in_one_line(tmp_path):
    folder = write(tmp_path / "in", good__json=[AGG])
    for name, content in PROSE.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for path in folder.rglob("*"):
            archive.write(path, path.relative_to(folder))
    for number, (named, root) in enumerate({folder: "in/", tmp_path / "in.zip": "in.zip!"}.items()):
        report = ingest.ingest([named], tmp_path / f"snapshots{number}")
        assert report.exit_code == 0 and report.not_read == []
        assert {name.rpartition(root)[2] for name in report.passed_over} == PROSE.keys()
        _, read, passed = report.text().splitlines()
        assert read.startswith("1 files read: 1 rows = 1 points")
        assert passed.startswith("passed over, as they are no measurements: ") and passed.endswith(" and 2 more")
    # What is measured stands where it stood, and another wording of the prose is no other snapshot.
    (folder / "LICENSE").write_text("other words")
    assert not ingest.ingest([folder], tmp_path / "snapshots0").is_new


def test_prose_that_is_named_itself_or_is_all_there_is_stays_an_error(tmp_path):
    folder = write(tmp_path / "in", README__md="words")
    with pytest.raises(DataError, match=r"README\.md: is neither JSON nor CSV"):
        ingest.ingest([folder / "README.md"], tmp_path / "snapshots")
    with pytest.raises(DataError, match="nothing: was named that holds measurements"):
        ingest.ingest([folder], tmp_path / "snapshots")
    write(folder, good__json=[AGG])
    report = ingest.ingest([folder, folder / "README.md"], tmp_path / "snapshots")
    assert (report.exit_code, [f.file for f in report.not_read]) == (3, ["in/README.md"])


def test_a_name_may_hold_any_byte_and_stays_on_one_line(tmp_path):
    folder = write(tmp_path / "in")
    for name, content in ((b"a\xff\n[1]*.json", json.dumps([AGG])), (b"b\x1b[31m.json", "[")):
        Path(os.fsdecode(bytes(folder) + b"/" + name)).write_text(content)
    report = ingest.ingest([folder], tmp_path / "snapshots")
    assert [(f.file, f.problem is None) for f in report.files] == [
        ("in/a??[1]*.json", True),
        ("in/b?[31m.json", False),
    ]
    assert len(report.text().splitlines()) == 4
    assert [p["conc"] for p in Loaded(report).points] == [64]


def test_a_zip_of_artefacts_is_read_without_its_bad_members(tmp_path):
    path = tmp_path / "artefacts.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run_20218553330/agg_a.json", json.dumps(AGG))
        archive.writestr("run_20218553330/agg_b.json", json.dumps(AGG | {"conc": 128}))
        archive.writestr("../../agg_c.json", json.dumps(AGG))
        archive.writestr("bomb.json", " " * 50_000_000)
        archive.writestr("words.txt", "words")
    loaded = Loaded(ingest.ingest([path], tmp_path / "snapshots"))
    assert [p["conc"] for p in loaded.points] == [64, 128]
    assert {p["run_id"] for p in loaded.points} == {"20218553330"}
    assert [f.file.split("!")[1] for f in loaded.report.not_read] == ["words.txt", "../../agg_c.json", "bomb.json"]


def test_a_dump_may_lie_in_a_zip(tmp_path):
    from test_stage import RESULT, dump

    path = tmp_path / "dump.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in dump(RESULT).items():
            archive.writestr("inferencex-dump/" + name.replace("__", "."), json.dumps(rows))
    report = ingest.ingest([path], tmp_path / "snapshots")
    assert report.exit_code == 0
    assert len(Loaded(report).points) == 1


SEEDS = [
    *json.loads((FIXTURES / "inferencex/generations.json").read_text()),
    API,
    {"Submitter": "x", "Scenario": "Offline", "Accelerator": "NVIDIA B200", "Performance_Result": 1.0, "a#": 8}
    | {"Performance_Units": "Tokens/s", "Suite": "datacenter", "Nodes": 1, "Model": "llama2-70b-99", "ID": "1"},
    {"hardware": "h200", "model": "x", "num_gpu": "8", "total_tok_per_s": "5", "conc": "1"},
    {"runs": [{"id": "1", "html_url": "u"}], "changelogs": [{"workflow_run_id": "1", "append_only": True}]},
    {"h200": {"n_success": 37, "total": 41}},
    {"hardware": "h200", "date": "2026-05-20", "n_success": 37, "total": 41},
    {"hardware": "h200", "model": "dsr1", "spec_method": "none", "date": "2026-05-20", "isl": 1024, "osl": 1024},
    *(RECORDS[table] for table in ("configs", "workflow_runs", "benchmark_results", "eval_results")),
    RECORDS["changelog_entries"],
    CHART,
    POWERX,
]
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["true", "1", "-1"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["mean", "p50", "latency"]), inner),
    max_leaves=4,
)


@st.composite
def spoilt(draw):
    """A record of a known format with some of its values replaced or gone, at any depth."""
    record = json.loads(json.dumps(draw(st.sampled_from(SEEDS))))
    for _ in range(draw(st.integers(0, 4))):
        place = record
        key = draw(st.sampled_from(sorted(place)))
        while isinstance(place[key], dict) and place[key] and draw(st.booleans()):
            place = place[key]
            key = draw(st.sampled_from(sorted(place)))
        if draw(st.booleans()):
            place[key] = draw(anything)
        else:
            del place[key]
        if not record:
            break
    return record


def check_that_all_rows_are_accounted_for(records):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        try:
            report = load(Path(folder), a__json=[AGG, *records]).report
        except DataError as error:  # such as a number of thousands of digits: the file is named
            assert str(error).startswith("in/a.json")
            return
        (file,) = report.files
        assert file.num_rows == file.num_points + file.num_merged + file.num_excluded + file.num_other
        assert file.num_rows >= 1 + len(records) - sum("runs" in r and not r["runs"] for r in records)


# Shrinking needs an ingest for each try; the adapters' own test below shrinks in no time.
SLOW = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "phases": set(Phase) - {Phase.shrink}}


@settings(max_examples=10, **SLOW)
@given(st.lists(spoilt(), min_size=20, max_size=60))
def test_spoilt_records_are_points_or_excluded_and_none_is_lost(records):
    check_that_all_rows_are_accounted_for(records)


@pytest.mark.soak
@settings(max_examples=500, **SLOW)
@given(st.lists(spoilt(), min_size=20, max_size=200))
def test_many_spoilt_records_are_points_or_excluded_and_none_is_lost(records):
    check_that_all_rows_are_accounted_for(records)


def spoilt_at_each_place(record, put_back):
    """The record with each of its values, at any depth, replaced by each of some others."""
    places = [(record, key) for key in record]
    for place, key in places:
        if isinstance(place[key], dict | list):
            inner = place[key]
            places += [(inner, at) for at in (inner if isinstance(inner, dict) else range(len(inner)))]
        value = place[key]
        for other in (None, True, -1, 0, 1.5, 1e300, 2**70, "", "x", [], [1], {}, {"a": 1}):
            place[key] = other
            yield json.loads(json.dumps(put_back))
        place[key] = value


def test_one_value_that_is_something_else_costs_one_row_at_most(tmp_path):
    records = [spoilt for seed in SEEDS for spoilt in spoilt_at_each_place(seed, seed)]
    assert len(records) > 3000
    check_that_all_rows_are_accounted_for(records)


@given(spoilt())
def test_an_adapter_gives_rows_or_a_problem_for_any_record(record):
    known = adapters.find(record)
    if known:
        try:
            for row in known[0].rows(record, adapters.Context("a.json")):
                assert isinstance(row, dict | adapters.RowProblem)
        except adapters.RowProblem as problem:
            assert problem.reason


# ---- old or new, never half ----

_KILLED = """
import sys
from tokenfactory.measurements.ingest import ingest
print("ready", flush=True)
sys.stdin.readline()
ingest([sys.argv[1]], sys.argv[2])
print("done", flush=True)
"""


def ingest_and_kill(folder: Path, snapshots: Path, after_s: float) -> bool:
    """Start an ingest, kill it after some time; whether it was killed before its end."""
    command = [sys.executable, "-c", _KILLED, str(folder), str(snapshots)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("\n")
        process.stdin.flush()
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        return process.stdout.read() == ""


def check_that_a_killed_ingest_leaves_old_or_new(tmp_path, num_kills):
    snapshots = tmp_path / "snapshots"
    old = load(tmp_path / "old", a__json=[AGG | {"conc": 1}]).report.snapshot
    snapshots.mkdir()
    old = old.rename(snapshots / old.name)
    folder = write(tmp_path / "new", a__json=[AGG | {"conc": n} for n in range(1, 2000)])
    start = time.perf_counter()
    ingest.ingest([folder], tmp_path / "timed")
    whole_s = time.perf_counter() - start
    chance, num_killed = random.Random(3), 0
    for _ in range(num_kills):
        num_killed += ingest_and_kill(folder, snapshots, chance.uniform(0, 1.2 * whole_s))
        made = newest(snapshots)
        with duckdb.connect() as connection:
            attach(connection, made)
            ((num_points,),) = connection.execute("SELECT count(*) FROM measured_points").fetchall()
        assert num_points == (1 if made == old else 1999)
        for folder_name in snapshots.glob("2*"):
            if folder_name != old:  # the next kill finds the old state again
                for file in folder_name.iterdir():
                    file.unlink()
                folder_name.rmdir()
    assert num_killed > 0
    report = ingest.ingest([folder], snapshots)
    assert sum(f.num_points for f in report.files) == 1999
    assert sorted(p.name for p in snapshots.iterdir() if not p.name.startswith("2")) == [".known_files.json", ".lock"]


def test_a_killed_ingest_leaves_old_or_new(tmp_path):
    check_that_a_killed_ingest_leaves_old_or_new(tmp_path, 8)


@pytest.mark.soak
def test_an_ingest_killed_at_fifty_moments_leaves_old_or_new(tmp_path):
    check_that_a_killed_ingest_leaves_old_or_new(tmp_path, 50)


AT_ONCE = """
import sys, time
from tokenfactory.measurements.ingest import ingest
print("ready", flush=True)
sys.stdin.readline()
print(ingest([sys.argv[1]], sys.argv[2]).is_new, flush=True)
"""


def test_of_eight_ingests_of_the_same_files_at_once_one_makes_the_snapshot(tmp_path):
    folder = write(tmp_path / "in", a__json=[AGG | {"conc": n} for n in range(1, 200)])
    command = [sys.executable, "-c", AT_ONCE, folder, tmp_path / "snapshots"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = [subprocess.Popen(command, **pipes) for _ in range(8)]
    assert {process.stdout.readline() for process in running} == {"ready\n"}
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = sorted(process.communicate(timeout=120)[0] for process in running)
    assert said == [*["False\n"] * 7, "True\n"]
    assert len(files.snapshots_in(tmp_path / "snapshots")) == 1


HALF = """
import os, signal, sys
from tokenfactory.measurements import ingest
ingest._write_tables = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
ingest.ingest([sys.argv[1]], sys.argv[2])
"""


def test_what_a_container_that_was_killed_left_blocks_nobody(tmp_path):
    folder, snapshots = write(tmp_path / "in", a__json=[AGG]), tmp_path / "snapshots"
    # PID 1 cannot kill itself: it leaves at once, as a container does that is stopped.
    half = HALF.replace("os.kill(os.getpid(), signal.SIGKILL)", "os._exit(9)")
    for _ in range(2):
        done = subprocess.run(as_pid_1([sys.executable, "-c", half, folder, snapshots]), check=False)
        assert done.returncode == 9 and list(snapshots.glob(".new-*"))
    script = "import sys; from tokenfactory.measurements.ingest import ingest; ingest([sys.argv[1]], sys.argv[2])"
    subprocess.run(as_pid_1([sys.executable, "-c", script, folder, snapshots]), check=True, timeout=120)
    assert not list(snapshots.glob(".new-*")) and [p["conc"] for p in Loaded(ingest.ingest([folder], snapshots)).points]


def test_the_newest_is_the_newest_whatever_the_clock_says(tmp_path, monkeypatch):
    class Clock(datetime):
        @classmethod
        def now(cls, zone=None):
            return datetime(2026, 1, 1, 12, tzinfo=zone)

    load(tmp_path, a__json=[AGG])
    monkeypatch.setattr(ingest, "datetime", Clock)  # set back by most of a year
    second = load(tmp_path, a__json=[AGG | {"conc": 1}]).report
    assert newest(tmp_path / "snapshots") == second.snapshot and second.snapshot.name.startswith("2026-01-01")
    assert "made; it is in use now" in second.text()
    again = load(tmp_path, a__json=[AGG]).report
    assert newest(tmp_path / "snapshots") == again.snapshot and not again.is_new


def test_snapshots_of_versions_that_gave_no_number_are_ordered_by_time_and_older(tmp_path):
    snapshots = [load(tmp_path, a__json=[AGG | {"conc": conc}]).report.snapshot for conc in (1, 2)]
    for snapshot, day in zip(snapshots, ("2026-05-02", "2026-05-01"), strict=True):
        said = {"created_at": f"{day}T00:00:00+00:00"}  # as they wrote it
        (snapshot / ingest.MANIFEST).write_text(json.dumps(read_manifest(snapshot) | said | {"in_use_number": 0}))
    assert newest(tmp_path / "snapshots") == snapshots[0]
    third = load(tmp_path, a__json=[AGG | {"conc": 3}]).report.snapshot
    assert newest(tmp_path / "snapshots") == third


def check_a_disk_with(num_bytes, tmp_path, folder):
    """An ingest on a small disk: made whole, or refused in one sentence; then, with room, made."""
    snapshots = tmp_path / "snapshots"
    with disks.small(snapshots, num_bytes):
        try:
            made = ingest.ingest([folder], snapshots).snapshot
        except DataError as error:
            assert re.search(r"snapshots: no snapshot was made: .+", str(error)) and "\n" not in str(error)
            assert newest(snapshots) is None and not list(snapshots.glob(".new-*"))
            subprocess.run(["mount", "-o", "remount,size=64m", snapshots], check=True)
            made = ingest.ingest([folder], snapshots).snapshot
        ingest._verify(made)


@pytest.mark.parametrize("num_bytes", [0, 200_000])
def test_a_full_disk_is_one_sentence_and_the_next_ingest_succeeds(tmp_path, num_bytes):
    check_a_disk_with(num_bytes, tmp_path, write(tmp_path / "in", a__json=[AGG | {"conc": n} for n in range(1, 500)]))


@pytest.mark.soak
def test_the_ladder_of_full_disks_for_an_ingest(tmp_path):
    folder = write(tmp_path / "in", a__json=[AGG | {"conc": n} for n in range(1, 5000)])
    for step in range(0, 41):
        check_a_disk_with(step * 500_000, tmp_path, folder)


def test_a_read_only_folder_of_snapshots_is_one_sentence(tmp_path):
    folder = write(tmp_path / "in", a__json=[AGG])
    made = ingest.ingest([folder], tmp_path / "snapshots").snapshot
    with disks.read_only(tmp_path / "snapshots"):
        with pytest.raises(DataError, match=r"snapshots: no snapshot was made: Read-only file system"):
            ingest.ingest([folder], tmp_path / "snapshots")
        assert newest(tmp_path / "snapshots") == made


def test_an_ingest_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(ingest, "_write_tables", fail)
    with pytest.raises(DataError, match="no snapshot was made: disk full"):
        load(tmp_path, a__json=[AGG])
    assert sorted(p.name for p in (tmp_path / "snapshots").iterdir()) == [".known_files.json", ".lock"]


def test_a_folder_that_is_no_snapshot_is_said_so(tmp_path):
    with pytest.raises(DataError, match="is not a snapshot"):
        read_manifest(tmp_path)


# ---- the real files ----


def test_the_api_capture_gives_its_1667_points(shared, tmp_path):
    loaded = Loaded(ingest.ingest(sorted((shared / "inferencex-api").glob("*.json")), tmp_path))
    assert loaded.report.exit_code == 0
    counts = {f.file.split("/")[1]: (f.num_rows, f.num_excluded, f.num_other) for f in loaded.report.files}
    assert counts["benchmarks.json"] == (435, 0, 0)
    assert counts["benchmarks-history.json"] == (1462, 0, 0)
    assert counts["availability.json"] == (689, 0, 689)
    ((num_points, num_rows),) = loaded.connection.execute(
        "SELECT count(*), sum(num_sources) FROM measured_points"
    ).fetchall()
    assert (num_points, num_rows) == (1667, 435 + 1462)


def test_the_identities_hold_on_the_api_capture(shared, tmp_path):
    loaded = Loaded(ingest.ingest(sorted((shared / "inferencex-api").glob("benchmarks*.json")), tmp_path))
    (row,) = loaded.table(
        """SELECT count(*) FILTER (is_disagg AND identity_residual_frac < 1e-9) AS num_pools,
                  count(*) FILTER (is_disagg AND NOT list_contains(repairs, 'pools_from_identity')) AS num_clean,
                  count(*) FILTER (list_contains(repairs, 'pools_from_identity')) AS num_split,
                  count(*) FILTER (decode_tp = 8 AND decode_ep = 8 AND NOT is_disagg) AS num_tp8_ep8,
                  count(*) FILTER (decode_tp = 8 AND decode_ep = 8 AND NOT is_disagg AND num_gpu = 8) AS of_8_gpus,
                  max(identity_residual_frac) AS worst
           FROM measured_points"""
    )
    assert row["num_split"] == 8
    assert row["num_pools"] == row["num_clean"] + 8 == 545
    assert row["num_tp8_ep8"] == row["of_8_gpus"] > 0
    assert row["worst"] < 1e-9
    splits = loaded.table(
        """SELECT num_gpu, num_prefill_gpu, num_decode_gpu, conc FROM measured_points
           WHERE list_contains(repairs, 'pools_from_identity') ORDER BY num_gpu, conc"""
    )
    assert {(s["num_gpu"], s["num_prefill_gpu"], s["num_decode_gpu"]) for s in splits} == {
        (20, 4, 16), (28, 4, 24), (36, 4, 32), (48, 32, 16), (72, 48, 24), (72, 24, 48),
    }  # fmt: skip


def test_the_sweeps_merge_with_the_api_capture(shared, tmp_path):
    sweeps = sorted((shared / "inferencemax-runs").glob("run_*/agg_bmk.json"))
    alone = ingest.ingest(sweeps, tmp_path / "alone")
    assert sum(f.num_rows for f in alone.files) == sum(f.num_points for f in alone.files) == 1230
    both = ingest.ingest([*sweeps, *(shared / "inferencex-api").glob("benchmarks*.json")], tmp_path / "both")
    # 86 of the rows are in both: all rows of one run, configuration and concurrency, to the last digit.
    assert sum(f.num_points for f in both.files) == 1230 + 1667 - 86
    assert sum(f.num_excluded for f in both.files) == 0


def test_all_real_files_with_twenty_bad_ones(shared, tmp_path):
    folder = write(tmp_path / "bad")
    for name, content in BAD_FILES.items():
        (folder / name).write_bytes(content)
    names = ("inferencex-api", "inferencemax-runs", "mlperf-inference")
    report = ingest.ingest([folder, *(shared / name for name in names)], tmp_path / "snapshots")
    assert report.exit_code == 3
    assert {f.file for f in report.not_read} >= {f"bad/{name}" for name in BAD_FILES}
    assert sum(f.num_points for f in report.files) == 1230 + 1667 - 86 + 356


def test_a_zip_is_opened_once_however_many_members_it_has(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(300):
            archive.writestr(f"{number}.json", json.dumps([AGG | {"conc": number + 1}]))
        archive.writestr("x.txt", "x")
    opened, real = [], zipfile.ZipFile
    monkeypatch.setattr(zipfile, "ZipFile", lambda *of: opened.append(of) or real(*of))
    report = ingest.ingest([tmp_path / "many.zip"], tmp_path / "snapshots")
    assert sum(f.num_points for f in report.files) == 300 and len(opened) <= 2


@pytest.mark.soak
def test_a_zip_of_very_many_members_is_read_to_its_end(tmp_path):
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(20_000):
            archive.writestr(f"{number}.txt", "x")
        archive.writestr("a.json", json.dumps([AGG]))
    report = ingest.ingest([tmp_path / "many.zip"], tmp_path / "snapshots")
    assert len(report.not_read) == 20_000 and sum(f.num_points for f in report.files) == 1
