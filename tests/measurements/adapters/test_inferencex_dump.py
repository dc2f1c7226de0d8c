"""Tables of the database dump are told apart by their columns. How they are joined: tests/warehouse/test_stage.py."""

import pytest

from tokenfactory.measurements.adapters import Context, RowProblem, inferencex_dump

RECORDS = {
    "configs": {"id": "41", "hardware": "h200", "spec_method": "none", "decode_tp": 8},
    "workflow_runs": {"id": "900", "github_run_id": "1", "head_sha": "ae5b", "run_attempt": 1},
    "benchmark_results": {"id": "1", "workflow_run_id": "900", "config_id": "41", "metrics": {}, "conc": 1},
    "eval_results": {"id": "1", "workflow_run_id": "900", "config_id": "41", "metrics": {}, "task": "gsm8k"},
    "changelog_entries": {"id": "1", "workflow_run_id": "900", "config_keys": [], "base_ref": "main"},
    None: {"id": "1", "filename": "0001.sql"},
}


@pytest.mark.parametrize("table", RECORDS)
def test_tables_are_told_apart(table):
    assert inferencex_dump.table_of(RECORDS[table]) == table
    assert bool(inferencex_dump.recognise(RECORDS[table])) == (table is not None)


def test_ids_are_texts_whatever_they_were():
    record = RECORDS["benchmark_results"] | {"config_id": 41, "workflow_run_id": 900}
    (row,) = inferencex_dump.rows(record, Context("a.json"))
    assert (row["config_key"], row["workflow_run_id"]) == ("41", "900")


def test_evaluations_of_the_database():
    record = RECORDS["eval_results"] | {"metrics": {"em_strict": 0.95, "em_strict_se": 0.006, "n_eff": 1319}}
    (row,) = inferencex_dump.rows(record, Context("a.json"))
    assert (row["task"], row["score_frac"], row["score_error_frac"], row["config_key"]) == ("gsm8k", 0.95, 0.006, "41")


def test_metrics_that_are_none_are_refused():
    with pytest.raises(RowProblem) as problem:
        list(inferencex_dump.rows(RECORDS["benchmark_results"] | {"metrics": None}, Context("a.json")))
    assert problem.value.field == "metrics"


def test_an_entry_says_whether_its_run_only_adds_points():
    (row,) = inferencex_dump.rows(RECORDS["changelog_entries"] | {"append-only": True}, Context("a.json"))
    assert row == {"workflow_run_id": "900", "is_append_only": True}
