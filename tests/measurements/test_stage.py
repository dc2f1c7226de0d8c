"""Cells get their types, rows their configuration and run, and a dump reads the same whoever reads it."""

import json

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingested import AGG, API, load, write

from tokenfactory.errors import DataError
from tokenfactory.measurements import stage
from tokenfactory.measurements.adapters import RowProblem
from tokenfactory.measurements.cells import typed
from tokenfactory.measurements.documents import Document
from tokenfactory.measurements.ingest import ingest
from tokenfactory.measurements.stage import TYPES

CONFIG = {name: value for name, value in API.items() if name not in ("isl", "osl", "conc", "image", "metrics")}
CONFIG = {"id": "41", **{name: value for name, value in CONFIG.items() if name not in ("date", "run_url")}}
RUN = {
    "id": "900",
    "github_run_id": "20200037154",
    "run_attempt": 2,
    "name": "Run Sweep",
    "status": "completed",
    "conclusion": "success",
    "head_sha": "ae5b",
    "head_branch": "main",
    "html_url": "https://github.com/SemiAnalysisAI/InferenceX/actions/runs/20200037154",
    "run_started_at": "2026-05-20T09:01:00Z",
    "date": "2026-05-20T00:00:00.000Z",
}
RESULT = {
    "id": "77001",
    "workflow_run_id": "900",
    "config_id": "41",
    "benchmark_type": "single_turn",
    "date": "2026-05-20",
    "isl": 8192,
    "osl": 1024,
    "conc": 64,
    "image": "vllm#vllm-openai:v0.11.2",
    "metrics": API["metrics"],
    "error": None,
    "offload_mode": "off",
}


def dump(*results, configs=(CONFIG,), runs=(RUN,)):
    return {"configs__json": list(configs), "workflow_runs__json": list(runs), "benchmark_results__json": list(results)}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("conc", "64", 64),
        ("conc", 64.0, 64),
        ("conc", "64.0", 64),
        ("total_tok_per_s", "1.5e3", 1500.0),
        ("total_tok_per_s", 7, 7.0),
        ("disagg", True, "true"),
        ("run_id", 20200037154, "20200037154"),
        ("image", "", None),
        ("image", None, None),
    ],
)
def test_cells(name, value, expected):
    assert typed({name: value}, TYPES["measured_points"]).get(name) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("conc", value) for value in ("64 GPUs", 1.5, True, -1, 2**53, [], {}, "1e3")],
        *[("total_tok_per_s", value) for value in ("fast", True, -0.1, float("inf"), 10**400, [1], "0x10", "nan")],
        *[("image", value) for value in ({}, [], "\0", "x" * 1001, "\udc80", "\x9b31m", "a\u2067b")],
        ("date", "2026-02-30"),
        ("speed", 1),
    ],
)
def test_a_cell_of_no_use_is_refused_with_its_field(name, value):
    with pytest.raises(RowProblem) as problem:
        typed({name: value}, TYPES["measured_points"])
    assert problem.value.field == name
    assert problem.value.reason


@given(
    st.sampled_from(sorted(TYPES["measured_points"])),
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3),
)
def test_any_cell_is_typed_or_refused(name, value):
    try:
        cells = typed({name: value}, TYPES["measured_points"])
    except RowProblem as problem:
        assert problem.field == name
    else:
        kind = {"BIGINT": int, "DOUBLE": float, "VARCHAR": str}.get(TYPES["measured_points"][name])
        assert all(kind is None or type(cell) is kind for cell in cells.values())


# ---- the dump ----


def test_the_tables_of_a_dump_are_joined(tmp_path):
    loaded = load(tmp_path, **dump(RESULT))
    (point,) = loaded.points
    assert (point["gpu"], point["num_gpu"], point["total_tok_per_s_per_gpu"]) == ("h200", 8, 851.9)
    assert point["image"] == "vllm/vllm-openai:v0.11.2"
    assert (str(point["date"]), point["run_id"], point["run_attempt"]) == ("2026-05-20", "20200037154", 2)
    assert point["run_url"] == API["run_url"]
    (run,) = loaded.table("runs")
    assert (run["name"], run["commit_sha"], run["conclusion"]) == ("Run Sweep", "ae5b", "success")
    assert [(f.num_rows, f.num_other) for f in loaded.report.files] == [(1, 1), (1, 1), (1, 0)]


def test_rows_of_a_dump_and_of_the_api_merge(tmp_path):
    loaded = load(tmp_path, **dump(RESULT), api__json=[API])
    assert [p["num_sources"] for p in loaded.points] == [2]


# Bad rows, and the field that decides. Some DuckDB reads; for others it refuses the file, which is then read by row.
GOOD = [RESULT | {"conc": n} for n in (1, 2, 4, 8)]
BAD = {
    "NaN": (RESULT | {"metrics": {"tput_per_gpu": float("nan")}}, "total_tok_per_s_per_gpu"),
    "text": (RESULT | {"metrics": {"tput_per_gpu": "fast"}}, "total_tok_per_s_per_gpu"),
    "negative": (RESULT | {"metrics": {"tput_per_gpu": -1}}, "total_tok_per_s_per_gpu"),
    "metrics": (RESULT | {"metrics": "none"}, "metrics"),
    "half": (RESULT | {"conc": 1.5}, "conc"),
    "huge": (RESULT | {"isl": 2**60}, "isl_tok"),
    "day": (RESULT | {"date": "2026-13-40"}, "date"),
    "failed": (RESULT | {"error": "out of memory"}, "error"),
    "config": (RESULT | {"config_id": "42"}, "config_id"),
    "run": (RESULT | {"workflow_run_id": 901}, "workflow_run_id"),
    "image": (RESULT | {"image": "x" * 1001}, "image"),
    "colour": (RESULT | {"image": "a\x1b[31m"}, "image"),
    "direction": (RESULT | {"image": "a\u202egpj"}, "image"),
    "half a letter": (RESULT | {"image": "\ud800"}, "image"),
    "number": (7, None),
}


@pytest.mark.parametrize("bad", BAD)
def test_one_bad_row_of_a_dump_is_named_and_the_others_stay(tmp_path, bad):
    row, field = BAD[bad]
    loaded = load(tmp_path, **dump(*GOOD[:2], row, *GOOD[2:]))
    ((index, at, reason),) = loaded.excluded
    assert (index, at) == (2, field)
    assert reason
    assert [(p["conc"], p["row_index"]) for p in loaded.points] == [(1, 0), (2, 1), (4, 3), (8, 4)]


def test_bad_rows_of_a_dump_are_named_the_same_when_read_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "is_results", lambda document: False)
    loaded = load(tmp_path, **dump(*(row for row, _ in BAD.values()), GOOD[0]))
    fields = [None if row == 7 else field for row, field in BAD.values()]
    assert [(index, at) for index, at, _ in loaded.excluded] == list(enumerate(fields))
    assert len(loaded.points) == 1


def test_both_ways_of_reading_a_dump_agree(tmp_path, monkeypatch):
    agentic = RESULT | {"benchmark_type": "agentic_traces", "isl": None, "osl": None, "offload_mode": "dram"}
    rows = [*GOOD, agentic, RESULT | {"recipe_fingerprint": "9f2c", "config_id": 41, "workflow_run_id": 900}]
    bulk = load(tmp_path / "a", **dump(*rows)).points
    monkeypatch.setattr(stage, "is_results", lambda document: False)
    assert load(tmp_path / "b", **dump(*rows)).points == bulk
    assert len(bulk) == 6


def test_the_order_of_a_long_dump_is_kept(tmp_path):
    # More than one of DuckDB's row groups (122,880 rows); isl tells the rows apart.
    folder = write(tmp_path / "in", configs__json=[CONFIG], workflow_runs__json=[RUN])
    with (folder / "benchmark_results.json").open("w") as file:
        file.write("[")
        for n in range(200_000):
            row = {"workflow_run_id": "900", "config_id": "41", "isl": n + 1, "osl": 1, "conc": 1, "metrics": {}}
            row["metrics"] = {"tput_per_gpu": 1.0} if n % 50_000 else {}
            file.write(("," if n else "") + json.dumps(row))
        file.write("]")
    report = ingest([folder], tmp_path / "snapshots")
    assert [f.num_points for f in report.files] == [0, 0, 199_996]
    stored = duckdb.read_parquet(str(report.snapshot / "stored_points.parquet"))
    assert stored.filter("isl_tok <> row_index + 1").fetchall() == []


def test_a_name_that_is_a_pattern_stands_for_one_file_only(tmp_path):
    folder = write(tmp_path / "dump [1]*", benchmark_results__json=[RESULT])
    (tmp_path / "dump 1x").mkdir()
    (tmp_path / "dump 1x/benchmark_results.json").write_text(json.dumps(GOOD))
    (tmp_path / "work").mkdir()
    with Document("a.json", folder / "benchmark_results.json").on_disk(tmp_path / "work") as path:
        assert duckdb.read_json(str(path)).aggregate("count(*)").fetchall() == [(1,)]
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize("missing", ["configs.json", "workflow_runs.json"])
def test_a_dump_without_the_tables_it_refers_to_says_which(tmp_path, missing):
    files = dump(RESULT)
    del files[missing.replace(".", "__")]
    loaded = load(tmp_path, **files)
    assert [f.problem for f in loaded.report.files] == [None, f"refers to {missing}, which must lie beside it"]


def test_a_broken_dump_keeps_nothing_of_its_rows(tmp_path):
    half = json.dumps(GOOD)[:-20]
    loaded = load(tmp_path, **dump(RESULT) | {"benchmark_results__json": half}, api__json=[API | {"conc": 16}])
    assert [p["conc"] for p in loaded.points] == [16]
    assert "element 3 is not complete JSON" in loaded.report.not_read[0].problem


def test_a_file_that_breaks_off_late_keeps_nothing_of_its_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "_BATCH", 3)
    rows = [API | {"conc": n} for n in range(1, 9)]
    results = dump(*GOOD, configs=[CONFIG | {"framework": "sglang"}])
    loaded = load(tmp_path, a__json=[API | {"conc": 99}], ab__json=json.dumps(rows)[:-5], ac__json=rows, **results)
    assert [f.file for f in loaded.report.not_read] == ["in/ab.json"]
    got = [(p["adapter"], p["row_index"], p["conc"]) for p in loaded.points]
    read = [("inferencex_api", 0, 99)] + [("inferencex_api", n, n + 1) for n in range(8)]
    read += [("inferencex_dump", n, row["conc"]) for n, row in enumerate(GOOD)]
    assert sorted(got) == sorted(read)


def test_a_file_of_strangers_is_given_up_early(tmp_path):
    with pytest.raises(DataError, match="not of a known format: its first record has the fields colour"):
        load(tmp_path, a__json=[{"colour": n} for n in range(1000)])


def test_each_row_of_a_record_has_an_index_of_its_own(tmp_path):
    # A workflow-info answer of three runs, the second without an id, then rows of one each.
    runs = [{"html_url": RUN["html_url"], "name": "a"}, {"name": "b"}, {"github_run_id": "7", "name": "c"}]
    loaded = load(tmp_path, a__json=[{"runs": runs, "changelogs": []}, API, API | {"conc": 0}, API | {"conc": 8}])
    assert [(r["run_id"], r["name"]) for r in loaded.table("runs")][-1] == ("7", "c")
    assert [(index, field) for index, field, _ in loaded.excluded] == [(1, "run_id"), (4, "conc")]
    assert [p["row_index"] for p in loaded.points] == [3, 5]


def test_one_bad_row_of_a_record_costs_only_itself(tmp_path, monkeypatch):
    from tokenfactory.measurements.adapters import inferencex_agg

    def three(record, context):
        yield from ({"conc": conc, **row} for conc, row in zip((1, 0, 2), rows(record, context) * 3, strict=True))

    def rows(record, context):
        (row,) = read(record, context)
        del row["conc"]
        return [row]

    read = inferencex_agg.rows
    monkeypatch.setattr(inferencex_agg, "rows", three)
    loaded = load(tmp_path, a__json=[AGG])
    assert [(p["row_index"], p["conc"]) for p in loaded.points] == [(0, 1), (2, 2)]
    assert [index for index, _, _ in loaded.excluded] == [1]


@pytest.mark.parametrize(
    "record",
    [
        {"hardware": None, "n_success": 1, "total": 1},
        {"hardware": "", "model": "dsr1", "spec_method": "none", "date": "2026-05-20"},
    ],
)
def test_rows_of_other_tables_need_their_hardware(tmp_path, record):
    assert load(tmp_path, a__json=[API, record]).excluded == [(1, "hardware", "is missing")]
