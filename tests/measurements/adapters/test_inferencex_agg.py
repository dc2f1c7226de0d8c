"""Aggregated rows of every generation load to the values written in them."""

import json

import pytest
from ingested import AGG, FIXTURES, load

from tokenfactory.measurements.adapters import Context, RowProblem, inferencex_agg

GENERATIONS = json.loads((FIXTURES / "inferencex/generations.json").read_text())
NAMES = [row["_gen"] for row in GENERATIONS]

# Worked out by hand from the rows: per deployed GPU, output = role rate x D / (P + D), input = role rate x P / (P + D).
EXPECTED = {
    "G0": {"gpu": "h200", "num_gpu": 8, "conc": 64, "total_tok_per_s_per_gpu": 851.9, "median_ttft_s": 0.82,
           "interactivity_tok_per_s_per_user": 24.9004, "p99_interactivity_tok_per_s_per_user": 18.018,
           "median_e2el_s": 38.1, "framework": None, "precision": None, "spec_decoding": "none", "is_disagg": False},
    "G2": {"framework": "trt", "precision": "fp8", "spec_decoding": "none", "median_tpot_s": 0.04016},
    "G3": {"framework": "vllm", "output_tok_per_s_per_gpu": 94.65, "input_tok_per_s_per_gpu": 757.25},
    "G5": {"gpu": "gb200", "framework": "dynamo-trt", "num_gpu": 36, "num_prefill_gpu": 4, "num_decode_gpu": 32,
           "decode_dp_attention": True, "total_tok_per_s_per_gpu": 4000.0, "output_tok_per_s_per_role_gpu": 500.0,
           "output_tok_per_s_per_gpu": 500 * 32 / 36, "input_tok_per_s_per_gpu": 32000 * 4 / 36, "is_disagg": True},
    "G6-single": {"model": "deepseek-r1-0528", "model_raw": "dsr1", "image": "vllm/vllm-openai:v0.11.2",
                  "is_multinode": False, "num_gpu": 8, "prefill_dp_attention": False, "decode_ep": 1},
    "G6-multi": {"gpu": "gb300", "spec_decoding": "mtp", "image": "nvcr.io/nvidia/demo:1.0", "num_gpu": 48,
                 "prefill_num_workers": 4, "decode_num_workers": 1, "prefill_tp": 4, "decode_tp": 32,
                 "output_tok_per_s_per_gpu": 1666.6667 * 32 / 48, "input_tok_per_s_per_gpu": 26666.6667 * 16 / 48,
                 "interactivity_tok_per_s_per_user": 80.0},
    "G7": {"model": "deepseek-v4-pro", "is_disagg": False, "is_multinode": True, "num_gpu": 16, "decode_tp": 8,
           "num_prefill_gpu": None, "num_decode_gpu": None, "output_tok_per_s_per_gpu": 222.2222,
           "input_tok_per_s_per_role_gpu": 1777.7778},
    "G8": {"gpu": "mi355x", "num_gpu": 48, "avg_power_kw_per_gpu": 0.933333, "prefill_power_kw_per_gpu": 1.0,
           "decode_power_kw_per_gpu": 0.9, "prefill_j_per_input_tok": 0.0375, "decode_j_per_output_tok": 0.54,
           "j_per_total_tok": 0.093333, "j_per_output_tok": 0.84, "j_per_input_tok": 0.105,
           "power_schema_version": 1},
    "G10": {"model": "qwen-3.5-397b", "num_gpu": 8, "recipe_fingerprint": "9f2c...", "avg_power_kw_per_gpu": 0.6125,
            "j_per_request": 2296.875, "j_per_input_tok": 0.808848, "j_per_output_tok": 6.47121,
            "j_per_total_tok": 0.718981, "power_schema_version": 2, "power_basis": "gpu_board"},
    "AG3": {"gpu": "b200", "workload": "agentic", "isl_tok": None, "osl_tok": None, "conc": 16, "offload_mode": "on",
            "total_tok_per_s_per_gpu": 6234.25, "output_tok_per_s_per_gpu": 46.75, "input_tok_per_s_per_gpu": 6187.5,
            "interactivity_tok_per_s_per_user": 66.67, "mean_interactivity_tok_per_s_per_user": 62.5,
            "p75_interactivity_tok_per_s_per_user": 55.56, "p90_interactivity_tok_per_s_per_user": 50.0,
            "mean_e2el_s": 20.0, "median_ttft_s": 0.9, "p90_itl_s": 0.02, "gpu_cache_hit_frac": 0.85,
            "cpu_cache_hit_frac": 0.08, "external_cache_hit_frac": None, "theoretical_cache_hit_frac": 0.97,
            "has_littles_law_gap": None},
}  # fmt: skip


@pytest.fixture(scope="module")
def points(tmp_path_factory):
    # Rows of the first generations state no lengths, and four of the examples no model that is in use.
    facts = {"isl_tok": 8192, "osl_tok": 1024, "model": "acme/demo"}
    loaded = load(tmp_path_factory.mktemp("generations"), facts=facts, rows__json=GENERATIONS)
    assert loaded.excluded == []
    return dict(zip(NAMES, loaded.points, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_generation_loads_to_the_values_written_in_it(points, name):
    for column, value in EXPECTED[name].items():
        expected = pytest.approx(value, rel=1e-4) if isinstance(value, float) else value
        assert points[name][column] == expected, column


@pytest.mark.parametrize(("name", "fact"), [("G0", "isl_tok"), ("G8", "model")])
def test_a_generation_without_a_fact_says_which_to_give(tmp_path, name, fact):
    row = GENERATIONS[NAMES.index(name)]
    loaded = load(tmp_path, rows__json=[row, AGG])
    ((_, field, reason),) = loaded.excluded
    assert field == fact
    assert f"give {fact} in token-factory.yaml" in reason


@pytest.mark.parametrize("as_array", [True, False])
def test_a_row_may_stand_alone(tmp_path, as_array):
    assert len(load(tmp_path, rows__json=[AGG] if as_array else AGG).points) == 1


def test_flat_agentic_rows(tmp_path):
    # Before July 2026: users, ttlt for the request time, and the rate of the whole deployment.
    row = {name: value for name, value in AGG.items() if "tput" not in name and name not in ("conc", "isl", "osl")}
    row |= {"users": 16, "total_tput_tps": 49874.0, "median_ttlt": 15.0, "median_itl": 0.015, "offloading": "none"}
    (point,) = load(tmp_path, rows__json=[row]).points
    assert (point["workload"], point["conc"], point["offload_mode"]) == ("agentic", 16, "off")
    assert point["total_tok_per_s_per_gpu"] == 49874 / 8
    assert point["median_e2el_s"] == 15
    assert point["isl_tok"] is None


def test_rates_of_flat_agentic_rows_are_over_all_gpus(tmp_path):
    row = {name: value for name, value in AGG.items() if name not in ("conc", "isl", "osl", "tp", "ep")}
    row |= {"users": 16, "disagg": True, "num_prefill_gpu": 4, "num_decode_gpu": 12}
    (point,) = load(tmp_path, rows__json=[row]).points
    assert (point["num_gpu"], point["output_tok_per_s_per_gpu"], point["repairs"]) == (16, 94.65, ["hardware_suffix"])
    assert point["output_tok_per_s_per_role_gpu"] == pytest.approx(94.65 * 16 / 12)


# Generation 9: more sizes, and the hardware of either pool (both or none).
G9 = AGG | {"pp": 2, "dcp_size": 4, "pcp_size": 2, "router": {"name": "r", "version": "1"}, "kv_p2p_transfer": "nixl"}


def test_pipeline_and_prefill_context_sizes_add_gpus_and_decode_context_does_not(tmp_path):
    (point,) = load(tmp_path, rows__json=[G9]).points
    assert point["num_gpu"] == 8 * 2 * 2


def test_pools_of_different_hardware_are_no_point(tmp_path):
    same, other = {"prefill_hw": "h200", "decode_hw": "H200"}, {"prefill_hw": "b200", "decode_hw": "h200"}
    loaded = load(tmp_path, rows__json=[G9 | same, G9 | other | {"conc": 128}])
    assert [p["conc"] for p in loaded.points] == [64]
    assert loaded.excluded == [(1, "decode_hw", "prefill and decode run on different hardware; a point has one GPU")]


# Generations 1 and 4 add fields to those before: the engine and its precision; expert parallelism, and pools.
G1 = {name: GENERATIONS[0][name] for name in GENERATIONS[0] if name != "_gen"} | {"framework": "vllm"}
G4 = G1 | {"precision": "fp8", "ep": 8, "dp_attention": "false", "isl": 8192, "osl": 1024, "output_tput_per_gpu": 94.65}


def test_generations_without_an_example(tmp_path):
    facts = {"isl_tok": 8192, "osl_tok": 1024}
    rows = [G1 | {"precision": "fp8"}, G4 | {"conc": 128, "input_tput_per_gpu": 757.25}]
    first, fourth = load(tmp_path, facts=facts, rows__json=rows).points
    assert (first["framework"], first["precision"], first["num_gpu"]) == ("vllm", "fp8", 8)
    assert (fourth["num_gpu"], fourth["decode_ep"], fourth["decode_dp_attention"]) == (8, 8, False)
    assert fourth["output_tok_per_s_per_gpu"] == 94.65


def test_a_gap_between_full_responses_replaces_that_between_chunks():
    row = json.loads(json.dumps(GENERATIONS[NAMES.index("AG3")]))
    row["request_metrics"]["latency"]["full_response_itl"] = {"p50": 0.05}
    (got,) = inferencex_agg.rows(row, Context("a.json"))
    assert got["median_itl_s"] == 0.05
    assert "mean_itl_s" not in got


def test_a_group_that_is_none_is_refused_with_its_name():
    row = json.loads(json.dumps(GENERATIONS[NAMES.index("AG3")]))
    row["request_metrics"]["latency"]["ttft"] = 1.2
    with pytest.raises(RowProblem) as problem:
        list(inferencex_agg.rows(row, Context("a.json")))
    assert problem.value.field == "ttft"


def test_evaluations(tmp_path):
    row = {name: value for name, value in AGG.items() if "tput" not in name} | {"hw": "H200", "task": "gsm8k"}
    strict = row | {"em_strict": 0.957, "em_strict_se": 0.006, "em_flexible": 0.9, "n_eff": 1319, "score": 0.957}
    other = row | {"task": "gpqa", "score": 0.7, "score_se": 0.03}
    loaded = load(tmp_path, rows__json=[strict, other, strict | {"hw": "abacus"}])
    got = [(e["gpu"], e["task"], e["score_frac"], e["score_error_frac"]) for e in loaded.table("evaluations")]
    assert got == [("h200", "gsm8k", 0.957, 0.006), ("h200", "gpqa", 0.7, 0.03)]
    assert loaded.table("evaluations")[0]["num_samples"] == 1319
    assert [(row["belongs_to"], row["field"]) for row in loaded.table("excluded_rows")] == [("evaluations", "hardware")]


def test_lengths_of_an_older_evaluation_stand_in_the_path_of_its_source(tmp_path):
    row = {name: value for name, value in AGG.items() if "tput" not in name and name not in ("isl", "osl")}
    row |= {"task": "gsm8k", "em_strict": 0.957, "source": "eval_results/dsr1_1k8k_fp8/results.json"}
    (found,) = load(tmp_path, rows__json=[row]).table("evaluations")
    assert (found["isl_tok"], found["osl_tok"]) == (1024, 8192)


def test_run_statistics(tmp_path):
    loaded = load(
        tmp_path, stats__json={"h200": {"n_success": 37, "total": 41}, "gb300-nv": {"n_success": 1, "total": 1}}
    )
    assert [(r["gpu"], r["hardware_raw"], r["num_success"], r["num_total"]) for r in loaded.table("reliability")] == [
        ("gb300", "gb300-nv", 1, 1),
        ("h200", "h200", 37, 41),
    ]
