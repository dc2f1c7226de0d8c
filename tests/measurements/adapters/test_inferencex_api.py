"""Answers of the public API: each goes to its table, with what older answers leave out filled in."""

import pytest
from ingested import API, load


def test_a_row_of_june_2026_lacks_what_came_later(tmp_path):
    (point,) = load(tmp_path, rows__json=[API]).points
    assert (point["workload"], point["offload_mode"]) == ("fixed_length", "off")
    assert (point["run_id"], point["run_attempt"], str(point["date"])) == ("20200037154", 2, "2026-05-20")
    assert point["source_url"] == point["run_url"] == API["run_url"]


def test_a_row_of_september_2026_has_more(tmp_path):
    more = {"id": "77001", "benchmark_type": "agentic_traces", "isl": None, "osl": None, "offload_mode": "dram"}
    more |= {"workflow_run_id": 900, "run_started_at": "2026-09-01T09:00:00Z", "recipe_fingerprint": "9f2c"}
    more |= {"curve_date": "2026-09-02", "power_invalid_reasons": [], "workers": [{"role": "prefill"}]}
    more |= {"metrics": {"tput_per_gpu": 6234.25, "median_itl": 0.015, "p90_itl": 0.02, "gpu_cache_hit_rate": 0.85}}
    (point,) = load(tmp_path, rows__json=[API | more]).points
    assert (point["workload"], point["offload_mode"], point["isl_tok"]) == ("agentic", "on", None)
    assert (point["recipe_fingerprint"], point["run_started_at"]) == ("9f2c", "2026-09-01T09:00:00Z")
    assert point["p90_interactivity_tok_per_s_per_user"] == 50
    assert point["gpu_cache_hit_frac"] == 0.85


@pytest.mark.parametrize("method", ["", None, "none"])
def test_an_empty_method_of_speculative_decoding_is_none(tmp_path, method):
    (point,) = load(tmp_path, rows__json=[API | {"spec_method": method}]).points
    assert point["spec_decoding"] == "none"


def test_availability(tmp_path):
    row = {"model": "llama70b", "isl": 8192, "osl": 1024, "precision": "fp8", "hardware": "mi300x", "disagg": False}
    row |= {"framework": "vllm", "spec_method": "none", "date": "2025-10-19"}
    loaded = load(tmp_path, rows__json=[row, row, row | {"hardware": "abacus"}])
    (got,) = loaded.table("availability")
    assert (got["gpu"], got["model"], got["isl_tok"], str(got["date"])) == (
        "mi300x",
        "llama-3.3-70b",
        8192,
        "2025-10-19",
    )
    assert loaded.excluded == [(2, "hardware", "unknown hardware 'abacus'")]
    (file,) = loaded.report.files
    assert (file.num_rows, file.num_other, file.num_excluded) == (3, 2, 1)


def test_evaluations(tmp_path):
    row = {name: value for name, value in API.items() if name not in ("isl", "osl", "image")}
    row |= {"id": "7439", "config_id": 1482, "task": "gsm8k", "timestamp": "2026-06-14T04:08:16Z"}
    row |= {"metrics": {"n_eff": 1319, "em_strict": 0.9575, "em_strict_se": 0.0056}}
    (got,) = load(tmp_path, rows__json=[row]).table("evaluations")
    assert (got["gpu"], got["task"], got["score_frac"], got["num_samples"]) == ("h200", "gsm8k", 0.9575, 1319)


def test_reliability(tmp_path):
    rows = [{"hardware": "h200", "date": "2026-05-20", "n_success": 37, "total": 41}]
    (got,) = load(tmp_path, rows__json=rows).table("reliability")
    assert (got["gpu"], got["num_success"], got["num_total"], str(got["date"])) == ("h200", 37, 41, "2026-05-20")


def test_workflow_info(tmp_path):
    run = {"id": 900, "github_run_id": "20200037154", "run_attempt": 2, "name": "Run Sweep", "conclusion": "success"}
    run |= {"html_url": "https://github.com/x/actions/runs/20200037154", "date": "2026-05-20", "head_sha": "ae5b"}
    changes = [{"workflow_run_id": "900", "append_only": True}, {"workflow_run_id": "900", "description": "more"}]
    answer = {"runs": [run, run | {"id": 901, "github_run_id": "20200037155"}, 7], "changelogs": changes}
    loaded = load(tmp_path, info__json=answer)
    # A run only adds points when all entries of its changelog say so; without entries it is not said.
    assert [(r["run_id"], r["is_append_only"]) for r in loaded.table("runs")] == [
        ("20200037154", False),
        ("20200037155", None),
    ]
    assert loaded.excluded == [(2, "runs", "an entry is not an object")]
