"""Every layout of every tool says the same of one measurement, through doctor and ingest, and so do its variants."""

import gzip
import json

import layouts
import pytest
from ingested import Loaded, load, write
from layouts import ALL, CLOSED, FACTS, OTHERS

from tokenfactory.measurements import adapters, formats
from tokenfactory.measurements.doctor import doctor
from tokenfactory.measurements.ingest import ingest

RIGHT = {
    **{"gpu": "h200", "num_gpu": 8, "model": "acme-demo", "framework": "vllm", "precision": "fp8"},
    **{"workload": "fixed_length", "isl_tok": 1500, "osl_tok": 300, "conc": 24, "requests_per_s": None},
    **{"total_tok_per_s_per_gpu": 900.0, "output_tok_per_s_per_gpu": 150.0, "input_tok_per_s_per_gpu": 750.0},
    **{"interactivity_tok_per_s_per_user": 50.0, "p99_interactivity_tok_per_s_per_user": 40.0, "median_ttft_s": 0.04},
}


def points(tmp_path, *, facts=FACTS, **files) -> list[dict]:
    folder = write(tmp_path / "in", **files, **{"token-factory__yaml": facts})
    return Loaded(ingest([folder], tmp_path / "snapshots")).points


def assert_is(point: dict, right: dict) -> None:
    for name, value in right.items():
        assert point[name] == (pytest.approx(value, rel=0.01) if isinstance(value, float) else value), name


@pytest.mark.parametrize("layout", ALL)
def test_a_layout_is_known_by_one_adapter(layout):
    name, record = ALL[layout]
    assert [module.NAME for module in adapters.modules() if module.recognise(record)] == [name]


def test_every_format_has_a_layout():
    assert {name for name, _ in ALL.values()} == {layout.name for layout in formats.FORMATS}


@pytest.mark.parametrize("layout", CLOSED)
def test_a_closed_loop_is_the_same_point_in_every_layout(tmp_path, layout):
    name, record = CLOSED[layout]
    (point,) = points(tmp_path, a__json=record)
    assert_is(point, RIGHT | {"adapter": name})
    assert str(point["date"]) in ("2026-01-02", "None")


def test_what_llm_d_states_of_its_hardware_is_used(tmp_path):
    for number, record in enumerate((layouts.LLMD_01, layouts.LLMD_02)):
        (point,) = points(tmp_path / str(number), a__json=record, facts="conc: 24")
        assert_is(point, RIGHT)
    pools = json.loads(json.dumps(layouts.LLMD_01).replace('["replica", "replica"]', '["prefill", "decode"]'))
    (point,) = points(tmp_path / "pools", a__json=pools)
    assert (point["is_disagg"], point["num_gpu"], point["num_prefill_gpu"], point["num_decode_gpu"]) == (True, 8, 4, 4)


def test_a_layout_without_all_of_a_point_is_of_another_kind(tmp_path):
    found = {}
    for name, (_, record) in OTHERS.items():
        (found[name],) = points(tmp_path / name, a__json=record)
        assert found[name]["workload"] == "other"
    assert_is(found["inference_perf_02"], {"conc": 24, "requests_per_s": 4.0, "isl_tok": 1500, "osl_tok": 300})
    assert_is(found["endpoints"], {"output_tok_per_s_per_gpu": 150.0, "total_tok_per_s_per_gpu": None})
    assert_is(found["vllm_throughput"], {"total_tok_per_s_per_gpu": 900.0, "interactivity_tok_per_s_per_user": None})


# ---- variants of the three commonest tools ----

VLLM, SGLANG, AIPERF = layouts.VLLM, layouts.SGLANG, layouts.AIPERF
SERVER = {"model_path": "acme/demo", "tp_size": 4, "pp_size": 1, "dp_size": 2, "enable_dp_attention": False}
SERVER |= {"quantization": "fp8", "speculative_algorithm": "NEXTN", "disaggregation_mode": "null"}
PLAN = AIPERF["input_config"]


def phases(*more, **changed) -> dict:
    measured = PLAN["phases"][1] | changed
    return AIPERF | {"input_config": PLAN | {"phases": [PLAN["phases"][0], measured, *more]}}


VARIANTS = {
    # A sweep of `vllm bench sweep serve`: the settings of the server stand in each run.
    "vllm_sweep": (
        [
            VLLM | {"tensor_parallel_size": 4, "data_parallel_size": 2, "run_number": n, "max_num_seqs": 256}
            for n in range(3)
        ],
        "hardware: h200\nframework: vllm\nprecision: fp8\n",
        RIGHT | {"recipe_fingerprint": "max_num_seqs=256", "num_sources": 3, "prefill_tp": 4},
    ),
    # --percentile-metrics ttft,tpot --metric-percentiles 99, --metadata, and NaN where nothing was sampled.
    "vllm_metadata": (
        {k: v for k, v in VLLM.items() if "itl" not in k and "e2el" not in k}
        | {"std_ttft_ms": float("nan"), "gpu_type": "NVIDIA H200", "gpu_count": "8", "num_speculative_tokens": "3"},
        "framework: vllm\nprecision: fp8\n",
        RIGHT | {"spec_decoding": "unnamed"},
    ),
    "vllm_poisson": (
        VLLM | {"request_rate": 4.0, "burstiness": 1.0},  # with a limit of 24, which is no load
        FACTS + "workload: fixed_length\n",
        RIGHT
        | {"workload": "other", "scenario": "requests at a set rate, at most 24 in flight", "requests_per_s": 4.0},
    ),
    "sglang_server": (
        SGLANG | {"server_info": SERVER, "accept_length": 2.6},
        "hardware: 8xH200\n",
        RIGHT | {"framework": "sglang", "spec_decoding": "mtp"},
    ),
    "sglang_speculates": (SGLANG | {"accept_length": 2.6}, FACTS, RIGHT | {"spec_decoding": "unnamed"}),
    "sglang_sharegpt": (
        SGLANG | {"dataset_name": "sharegpt", "random_input_len": None, "random_output_len": None},
        FACTS,
        RIGHT | {"workload": "other", "scenario": "sharegpt", "isl_tok": None, "osl_tok": None},
    ),
    "aiperf_gamma": (
        phases(type="gamma", rate=4.0, smoothness=2.0),
        FACTS,
        RIGHT
        | {
            "workload": "other",
            "scenario": "requests at a set rate, gamma, at most 24 in flight",
            "requests_per_s": 4.0,
        },
    ),
    "aiperf_ramp": (
        phases(concurrency_ramp={"duration": 10}),
        FACTS,
        RIGHT | {"workload": "other", "scenario": "a load that grows"},
    ),
    "aiperf_seconds": (
        AIPERF | {"inter_token_latency": layouts._metric("sec", 0.02), "total_token_throughput": None},
        FACTS,
        RIGHT,
    ),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_is_read_as_its_tool_means_it(tmp_path, variant):
    record, facts, right = VARIANTS[variant]
    (point,) = points(tmp_path, a__json=record, facts=facts)
    assert_is(point, right)


@pytest.mark.parametrize(
    ("record", "facts", "words"),
    [
        (VLLM | {"num_gpus": 8, "gpu_count": 4}, FACTS, "'4' contradicts '8'"),
        (VLLM | {"tensor_parallel_size": 3}, FACTS, "is 8, but the parallel sizes make 3"),
        (SGLANG | {"accept_length": 2.6}, FACTS + "spec_decoding: none", "counts speculative tokens"),
        (VLLM | {"hardware": "4xH200", "num_gpu": 2}, FACTS, "'4xH200' says 4 GPUs, another field 2"),
        (phases(PLAN["phases"][1]), FACTS, "2 phases of different load are added up"),
        (AIPERF | {"error_request_count": {"unit": "requests", "avg": 9.0}}, FACTS, "9 of 105 requests failed"),
        (layouts.ENDPOINTS | {"complete": False}, FACTS, "did not come to its end"),
        (VLLM | {"max_concurrency": None, "request_rate": None}, FACTS, "does not say how many requests"),
        (VLLM | {"total_token_throughput": 10**400}, FACTS, "is too large"),
        (VLLM | {"median_tpot_ms": 1e-300}, FACTS, "beyond all measure"),
    ],
)
def test_what_contradicts_itself_is_refused_in_words(tmp_path, record, facts, words):
    folder = write(tmp_path / "in", a__json=record, b__json=AIPERF, **{"token-factory__yaml": FACTS})
    (folder / "token-factory.yaml").write_text(facts)
    found = doctor([folder / "a.json"])
    assert [words in what for _, _, what in found.excluded] == [True], found.excluded


# ---- repeats ----


@pytest.mark.parametrize(
    ("factors", "median", "spread"),
    [((1.0, 1.1, 0.9), 1.0, 0.2), ((1.0, 0.8), 0.9, 0.2 / 0.9), ((1.0, 1.0), 1.0, None)],
)
def test_of_repeats_the_median_is_the_point_and_its_spread_is_told(tmp_path, factors, median, spread):
    slower = [("total_token_throughput", 1), ("output_throughput", 1), ("median_tpot_ms", -1), ("duration", -1)]
    runs = [VLLM | {name: VLLM[name] * f**power for name, power in slower} for f in factors]
    (point,) = points(tmp_path, a__json=runs)
    assert point["total_tok_per_s_per_gpu"] == pytest.approx(900 * median)
    assert point["repeats_spread_frac"] == (spread and pytest.approx(spread))
    assert point["num_sources"] == len(factors)
    assert ("median_of_repeats" in point["repairs"]) == (spread is not None)


def test_what_separates_loads_and_settings_separates_points(tmp_path):
    runs = [VLLM, VLLM | {"max_concurrency": 48}, VLLM | {"date": "20260103-030405"}, VLLM | {"label": "b"}]
    runs += [VLLM | {"request_rate": r} for r in (1.0, 2.0)] + [VLLM | {"max_num_batched_tokens": 8192}]
    assert len(points(tmp_path, a__json=runs)) == len(runs)


def test_mean_lengths_of_one_asked_length_are_one_line_and_others_are_not(tmp_path):
    def run(conc, osl, **more):
        rates = {"output_throughput": 96 * osl / VLLM["duration"]}
        rates["total_token_throughput"] = VLLM["total_input_tokens"] / VLLM["duration"] + rates["output_throughput"]
        times = {name: time * conc / VLLM["max_concurrency"] for name, time in VLLM.items() if name.endswith("_ms")}
        return VLLM | {"max_concurrency": conc, "total_output_tokens": 96 * osl} | rates | times | more

    found = points(tmp_path, a__json=[run(4, 281.3), run(8, 288.7), run(16, 292.2), run(4, 120)])
    assert sorted((p["conc"], p["osl_tok"]) for p in found) == [(4, 120), (4, 290), (8, 290), (16, 290)]
    # The same load with another length: two lengths were asked for.
    found = points(tmp_path / "two", a__json=[run(4, 280), run(8, 280), run(4, 300), run(8, 300)])
    assert sorted((p["conc"], p["osl_tok"]) for p in found) == [(4, 280), (4, 300), (8, 280), (8, 300)]


# ---- ways of storing ----


def test_json_lines_arrays_gzip_and_csv_of_results_are_alike(tmp_path):
    runs = [VLLM, VLLM | {"max_concurrency": 48}]
    lines = "\n".join(json.dumps(run) for run in runs)
    names = [name for name in VLLM if VLLM[name] is not None]
    rows = [",".join(names), *(",".join(str(run[name]) for name in names) for run in runs)]
    ways = {"a__json": runs, "b__jsonl": lines, "c__json__gz": gzip.compress(lines.encode()), "d__csv": "\n".join(rows)}
    for name, content in ways.items():
        found = points(tmp_path / name, **{name: content})
        assert [(p["conc"], p["total_tok_per_s_per_gpu"]) for p in found] == [(24, 900.0), (48, 900.0)]


@pytest.mark.parametrize("poison", ['"\ud800"', '{"\ud800": 1}', "NaN", "-Infinity", "1" * 5000, "1e999", "[[[[]]]]"])
def test_what_nobody_reads_costs_no_row(tmp_path, poison):
    text = json.dumps(VLLM)[:-1] + ', "unknown": ' + poison.encode("ascii", "backslashreplace").decode() + "}"
    (point,) = points(tmp_path, a__json=text)
    assert_is(point, RIGHT)


@pytest.mark.parametrize("poison", ['"\ud800"', "-Infinity", "1" * 5000, "1e999", "[]", "-1"])
def test_one_bad_value_costs_one_row(tmp_path, poison):
    bad = json.dumps(VLLM | {"total_token_throughput": "@"}).replace(
        '"@"', poison.encode("ascii", "backslashreplace").decode()
    )
    loaded = load(tmp_path, a__json=f"{bad}\n{json.dumps(VLLM)}", **{"token-factory__yaml": FACTS})
    assert [(index, field) for index, field, _ in loaded.excluded] == [(0, "total_token_throughput")]
    assert len(loaded.points) == 1


# ---- what strangers' files showed ----


def test_loads_at_one_rate_are_told_apart_by_all_that_makes_them(tmp_path):
    at_four = VLLM | {"request_rate": 4.0, "max_concurrency": None}
    found = points(tmp_path, a__json=[at_four, at_four | {"burstiness": 0.5}, at_four | {"max_concurrency": 6}])
    assert {point["scenario"] for point in found} == {
        *("requests at a set rate", "requests at a set rate, burstiness 0.5"),
        "requests at a set rate, at most 6 in flight",
    }


def test_a_schedule_of_a_trace_is_called_so(tmp_path):
    inputs = layouts.AIPERF_02["input_config"]
    record = layouts.AIPERF_02 | {"input_config": inputs | {"input": inputs["input"] | {"fixed_schedule": True}}}
    (point,) = points(tmp_path, a__json=record)
    assert_is(point, {"workload": "other", "scenario": "requests at the times of a trace"})


@pytest.mark.parametrize(("factor", "is_read"), [(1.05, True), (10, False), (0.2, False)])
def test_a_rate_that_is_not_that_of_its_own_tokens_and_time_is_refused(tmp_path, factor, is_read):
    printed = VLLM["total_token_throughput"] * factor
    (tmp_path / "a.json").write_text(json.dumps(VLLM | {"total_token_throughput": printed}))
    (tmp_path / "token-factory.yaml").write_text(FACTS)
    diagnosis = doctor([tmp_path])
    assert (diagnosis.exit_code == 0) == is_read
    if factor == 10:
        reason = "total_token_throughput: is 72000, but the tokens and the time of the run make 7200 (first: row 0)"
        assert [what for *_, what in diagnosis.excluded] == [reason]
