"""Units, GPU scope, identities, repairs, quarantine and merging, on rows small enough to work out by hand."""

import duckdb
import pytest
from ingested import AGG, API, load

from tokenfactory.measurements import repair
from tokenfactory.measurements.ingest import ingest

DISAGG = AGG | {
    "hw": "gb300-nv",
    "framework": "dynamo-trt",
    "disagg": True,
    "is_multinode": True,
    "num_prefill_gpu": 16,
    "num_decode_gpu": 32,
    "prefill_tp": 4,
    "prefill_ep": 4,
    "prefill_num_workers": 4,
    "decode_tp": 32,
    "decode_ep": 32,
    "decode_num_workers": 1,
    # 16 P + 32 D: 10000 x 48 = 480000 = 25000 x 16 + 2500 x 32
    "tput_per_gpu": 10000.0,
    "input_tput_per_gpu": 25000.0,
    "output_tput_per_gpu": 2500.0,
}


def one(tmp_path, row, **more):
    """The point a single row becomes."""
    loaded = load(tmp_path, rows__json=[row], **more)
    assert loaded.excluded == []
    (point,) = loaded.points
    return point


def without(row, *names):
    return {name: value for name, value in row.items() if name not in names}


# ---- scope of rates ----


def test_rates_of_one_engine_are_over_all_gpus(tmp_path):
    point = one(tmp_path, AGG)
    assert point["num_gpu"] == 8
    assert (point["output_tok_per_s_per_gpu"], point["output_tok_per_s_per_role_gpu"]) == (94.65, 94.65)
    assert point["total_tok_per_s_per_gpu"] == 851.9
    assert point["identity_residual_frac"] < 1e-12
    assert point["image"] == "vllm/vllm-openai:v0.11.2"
    assert (point["adapter"], point["source"], point["adapter_version"]) == ("inferencex_agg", "InferenceX", 3)


def test_pool_rates_are_given_both_ways(tmp_path):
    point = one(tmp_path, DISAGG)
    # 2500 x 32 / 48 = 1666.67 and 25000 x 16 / 48 = 8333.33; together 10000
    assert point["output_tok_per_s_per_gpu"] == pytest.approx(1666.6666667)
    assert point["input_tok_per_s_per_gpu"] == pytest.approx(8333.3333333)
    assert point["output_tok_per_s_per_role_gpu"] == pytest.approx(2500)
    assert point["input_tok_per_s_per_role_gpu"] == pytest.approx(25000)
    assert point["num_gpu"] == 48


def test_rates_over_all_gpus_of_rows_before_november_2025_are_noticed(tmp_path):
    point = one(tmp_path, DISAGG | {"input_tput_per_gpu": 9000.0, "output_tput_per_gpu": 1000.0})
    assert point["output_tok_per_s_per_gpu"] == 1000
    assert point["output_tok_per_s_per_role_gpu"] == pytest.approx(1500)  # 1000 x 48 / 32
    assert "rates_were_per_deployed_gpu" in point["repairs"]


def test_rates_over_an_unknown_split_have_no_role(tmp_path):
    row = without(AGG, "is_multinode") | {"framework": "dynamo-trt", "disagg": True, "tp": 36}
    point = one(tmp_path, row)
    assert (point["num_gpu"], point["num_prefill_gpu"], point["output_tok_per_s_per_role_gpu"]) == (36, None, None)
    assert point["output_tok_per_s_per_gpu"] == 94.65


def test_the_total_in_both_pools_is_split_by_the_identity(tmp_path):
    # 4 P + 32 D stored as 36 + 36: total 1000, output 500 per decode GPU; 36000 = in x 4 + 500 x 32, in = 5000.
    row = DISAGG | {"num_prefill_gpu": 36, "num_decode_gpu": 36, "prefill_tp": 36, "decode_tp": 36}
    row |= {"is_multinode": False, "prefill_num_workers": 0, "decode_num_workers": 0}
    row |= {"tput_per_gpu": 1000.0, "input_tput_per_gpu": 5000.0, "output_tput_per_gpu": 500.0}
    # The same configuration with another split, 24 P + 12 D: 36000 = 1000 x 24 + 1000 x 12 needs no repair;
    # in = 1250 and out = 500: 1250 x 24 + 500 x 12 = 36000.
    other = row | {"conc": 128, "input_tput_per_gpu": 1250.0}
    loaded = load(tmp_path, rows__json=[row, other])
    first, second = loaded.points
    assert (first["num_gpu"], first["num_prefill_gpu"], first["num_decode_gpu"]) == (36, 4, 32)
    assert (second["num_gpu"], second["num_prefill_gpu"], second["num_decode_gpu"]) == (36, 24, 12)
    assert first["config_id"] != second["config_id"]
    assert first["repairs"] == ["hardware_suffix", "pools_from_identity"]
    assert first["output_tok_per_s_per_gpu"] == pytest.approx(500 * 32 / 36)
    assert first["identity_residual_frac"] < 1e-9


def test_a_total_is_the_sum_of_its_parts_where_it_is_missing(tmp_path):
    template = "hardware,model,num_gpu,isl_tok,osl_tok,conc,output_tok_per_s,input_tok_per_s\n"
    point = load(tmp_path, own__csv=template + "h200,acme/demo,4,1024,1024,8,400,600\n").points[0]
    assert point["total_tok_per_s_per_gpu"] == 250
    assert point["output_tok_per_s_per_gpu"] == 100
    assert "total_from_parts" in point["repairs"]


# ---- speed and times ----


def test_speed_is_the_reciprocal_of_the_time_per_token_where_it_is_missing(tmp_path):
    point = one(tmp_path, without(AGG, "median_intvty") | {"p99_tpot": 0.05, "p99_intvty": 20.0})
    assert point["interactivity_tok_per_s_per_user"] == pytest.approx(24.9003984)
    assert point["p99_interactivity_tok_per_s_per_user"] == 20  # the slow tail
    assert "interactivity_from_time" in point["repairs"]


def test_a_time_of_zero_is_no_sample(tmp_path):
    point = one(tmp_path, AGG | {"median_ttft": 0, "p99_itl": 0.0})
    assert point["median_ttft_s"] is None
    assert "zero_latency_dropped" in point["repairs"]


def test_littles_law_flags_and_does_not_exclude(tmp_path):
    # 851.9 x 8 GPUs x 77.9 s / (0.9 x 9216 tokens) = 64.0 requests in flight
    point = one(tmp_path, AGG | {"mean_e2el": 77.9, "median_e2el": 1.0})
    assert point["littles_law_ratio"] == pytest.approx(851.9 * 8 * 77.9 / (0.9 * 9216) / 64)
    assert point["has_littles_law_gap"] is False
    assert one(tmp_path / "b", AGG | {"median_e2el": 7.79})["has_littles_law_gap"] is True


# ---- power and energy ----

POWER = {"avg_power_w": 851.9, "joules_per_total_token": 1.0, "joules_per_output_token": 9.0}


def test_energy_of_one_engine_stays_as_printed(tmp_path):
    point = one(tmp_path, AGG | POWER)
    assert point["avg_power_kw_per_gpu"] == pytest.approx(0.8519)
    assert (point["j_per_total_tok"], point["j_per_output_tok"]) == (1.0, 9.0)
    assert (point["power_schema_version"], point["power_basis"]) == (1, "gpu_board")


def test_version_1_energy_of_pools_becomes_that_of_the_whole(tmp_path):
    # 1000 W x 16 + 500 W x 32 = 32000 W over 48 GPUs = 666.667 W; 0.0666667 J per token.
    power = {"avg_power_w": 666.6666667, "joules_per_total_token": 0.06666667}
    power |= {"joules_per_output_token": 500 / 2500, "joules_per_input_token": 1000 / 25000}
    point = one(tmp_path, DISAGG | power)
    # 32000 W / (1666.67 x 48 output tok/s) = 0.4 J, and 32000 / (8333.33 x 48) = 0.08 J
    assert point["j_per_output_tok"] == pytest.approx(0.4, rel=1e-6)
    assert point["j_per_input_tok"] == pytest.approx(0.08, rel=1e-6)
    assert (point["decode_j_per_output_tok"], point["prefill_j_per_input_tok"]) == (0.2, 0.04)
    assert "energy_v1_converted" in point["repairs"]


def test_version_2_energy_of_pools_is_that_of_the_whole_already(tmp_path):
    power = {"avg_power_w": 666.6666667, "joules_per_total_token": 0.06666667, "joules_per_output_token": 0.4}
    power |= {"power_metric_schema_version": 2, "power_valid": 1, "decode_joules_per_output_token": 0.2}
    point = one(tmp_path, DISAGG | power)
    assert (point["j_per_output_tok"], point["decode_j_per_output_tok"]) == (0.4, 0.2)
    assert point["power_schema_version"] == 2
    assert point["repairs"] == ["hardware_suffix"]


@pytest.mark.parametrize("why", [{"power_valid": 0}, {"power_metric_schema_version": 3}])
def test_invalid_power_is_removed_and_the_point_stays(tmp_path, why):
    point = one(tmp_path, AGG | POWER | why)
    assert point["total_tok_per_s_per_gpu"] == 851.9
    assert point["avg_power_kw_per_gpu"] is None
    assert point["j_per_total_tok"] is None
    assert point["power_basis"] is None
    assert "power_invalid_dropped" in point["repairs"]


def test_energy_that_contradicts_power_is_removed_and_power_stays(tmp_path):
    point = one(tmp_path, AGG | POWER | {"joules_per_total_token": 1.02})
    assert point["j_per_total_tok"] is None
    assert point["j_per_output_tok"] is None
    assert point["avg_power_kw_per_gpu"] == pytest.approx(0.8519)
    assert "energy_disagrees_dropped" in point["repairs"]


# ---- quarantine ----


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"tput_per_gpu": 0}, "total_tok_per_s_per_gpu", "is zero"),
        ({"tput_per_gpu": -5}, "total_tok_per_s_per_gpu", "negative"),
        ({"tput_per_gpu": "fast"}, "total_tok_per_s_per_gpu", "'fast' is not a number"),
        ({"tput_per_gpu": 1e400}, "total_tok_per_s_per_gpu", "inf is not a finite number"),
        ({"tput_per_gpu": 1e21}, "total_tok_per_s_per_gpu", "beyond all measure"),
        ({"tput_per_gpu": 5e-324}, "total_tok_per_s_per_gpu", "beyond all measure"),
        ({"median_e2el": 1e300}, "median_e2el_s", "beyond all measure"),
        ({"isl": 10**12}, "isl_tok", "is more than 100000000"),
        ({"date": "0001-01-01"}, "date", "is not between 2015 and 2100"),
        ({"date": "9999-01-01"}, "date", "is not between 2015 and 2100"),
        ({"tp": 2**40}, "num_gpu", "ran on"),
        ({"tput_per_gpu": 10**400}, "total_tok_per_s_per_gpu", "not a finite number"),
        ({"tput_per_gpu": 900.0}, "total_tok_per_s_per_gpu", "miss the total by 5.34%"),
        ({"median_intvty": 26.0}, "interactivity_tok_per_s_per_user", "1.04, not 1"),
        ({"conc": None}, "conc", "is missing"),
        ({"conc": 0}, "conc", "not positive"),
        ({"conc": 1.5}, "conc", "'1.5' is not a whole number"),
        ({"conc": 2**60}, "conc", "out of range"),
        ({"isl": None}, "isl_tok", "give isl_tok in token-factory.yaml"),
        ({"hw": "abacus"}, "hardware", "unknown hardware 'abacus'"),
        ({"hw": {"a": 1}}, "hardware", "is not a text"),
        ({"precision": "fp3"}, "precision", "unknown precision"),
        ({"disagg": "perhaps"}, "disagg", "not a flag"),
        ({"image": "x" * 1001}, "image", "longer than 1000"),
        ({"image": "\ud800"}, "image", "control characters"),
        ({"image": "a\0b"}, "image", "control characters"),
        ({"date": "2026-13-40"}, "date", "not a date"),
        ({"error": "out of memory"}, "error", "failed: out of memory"),
        ({"num_requests_successful": 0}, "num_requests_ok", "no request succeeded"),
    ],
)
def test_a_row_of_no_use_is_named_and_the_others_stay(tmp_path, change, field, words):
    loaded = load(tmp_path, rows__json=[AGG, AGG | {"conc": 128} | change, AGG | {"conc": 256}])
    ((index, at, reason),) = loaded.excluded
    assert (index, at) == (1, field)
    assert words in reason
    assert [p["conc"] for p in loaded.points] == [64, 256]
    assert loaded.table("excluded_rows")[0]["file"] == "in/rows.json"


def test_a_row_without_throughput_is_not_a_row_of_the_format(tmp_path):
    loaded = load(tmp_path, rows__json=[AGG, without(AGG, "tput_per_gpu"), 5, "x", None, []])
    assert [(i, reason) for i, _, reason in loaded.excluded] == [
        (i, "is not a row of a known format") for i in range(1, 6)
    ]


def test_shapes_may_be_mixed_in_one_array(tmp_path):
    loaded = load(tmp_path, rows__json=[AGG, API | {"conc": 8}, DISAGG])
    assert [p["adapter"] for p in loaded.points] == ["inferencex_agg", "inferencex_api", "inferencex_agg"]
    assert loaded.report.files[0].adapter == "inferencex_agg, inferencex_api"


def test_hostile_names_are_only_names(tmp_path):
    name = "'); DROP TABLE points; --<script>alert(1)</script>"
    point = one(tmp_path, without(AGG, "infmax_model_prefix") | {"model": name, "image": name, "framework": name})
    assert point["model_raw"] == point["image"] == name
    assert point["framework"] == "drop-table-points-script-alert-1-script"
    assert point["model"].replace("-", "").isalnum()


# ---- merging ----


def test_rows_of_the_same_measurement_merge_and_fill_each_other(tmp_path):
    api = without(API, "image") | {"metrics": API["metrics"] | {"median_e2el": 38.1}}
    loaded = load(tmp_path, a__json=[API, api], b__json=[AGG | {"run_id": "20200037154", "mean_ttft": 0.9}])
    (point,) = loaded.points
    assert point["num_sources"] == 3
    assert point["image"] == "vllm/vllm-openai:v0.11.2"
    assert point["median_e2el_s"] == 38.1
    assert point["mean_ttft_s"] == 0.9
    assert (str(point["date"]), point["run_attempt"]) == ("2026-05-20", 2)
    counts = [(f.num_rows, f.num_points, f.num_merged, f.num_excluded) for f in loaded.report.files]
    assert counts == [(2, 0, 2, 0), (1, 1, 0, 0)]


def test_a_row_without_a_run_finds_the_run_it_was_measured_in(tmp_path):
    loaded = load(tmp_path, a__json=[API], b__json=[AGG])
    (point,) = loaded.points
    assert (point["num_sources"], point["run_id"]) == (2, "20200037154")


@pytest.mark.parametrize(("factor", "num_points"), [(1 + 1e-10, 1), (1 + 1e-8, 2)])
def test_measurements_are_the_same_to_a_billionth(tmp_path, factor, num_points):
    values = {name: AGG[name] * factor for name in ("tput_per_gpu", "output_tput_per_gpu", "input_tput_per_gpu")}
    assert len(load(tmp_path, a__json=[API], b__json=[AGG | values]).points) == num_points


def test_a_contradiction_within_a_run_excludes_the_earlier_row(tmp_path):
    metrics = {"tput_per_gpu": 900.0, "median_intvty": 24.9004}
    loaded = load(tmp_path, a__json=[API, API | {"metrics": metrics}])
    (point,) = loaded.points
    assert point["total_tok_per_s_per_gpu"] == 900
    assert [(i, reason[:28]) for i, _, reason in loaded.excluded] == [(0, "another row of the same poin")]


def test_a_row_that_was_excluded_does_not_stand_in_for_a_good_one(tmp_path):
    loaded = load(tmp_path, a__json=[API, API | {"metrics": {"tput_per_gpu": 0}}])
    assert [p["total_tok_per_s_per_gpu"] for p in loaded.points] == [851.9]


def test_rows_of_an_older_attempt_are_excluded(tmp_path):
    older = API | {"run_url": API["run_url"].replace("attempts/2", "attempts/1"), "conc": 8}
    loaded = load(tmp_path, a__json=[older, API])
    assert [p["conc"] for p in loaded.points] == [64]
    assert loaded.excluded == [(0, "run_attempt", "belongs to an older attempt of its run")]


def test_repeats_in_different_runs_stay(tmp_path):
    later = API | {"run_url": API["run_url"].replace("20200037154", "20200037155")}
    assert len(load(tmp_path, a__json=[API, later]).points) == 2


def test_the_day_of_a_run_is_that_of_its_other_rows(tmp_path):
    loaded = load(tmp_path, a__json=[API], b__json=[AGG | {"run_id": "20200037154", "conc": 8}])
    assert [str(p["date"]) for p in loaded.points] == ["2026-05-20"] * 2
    assert "date_from_run" in next(p for p in loaded.points if p["conc"] == 8)["repairs"]


def test_few_rows_and_many_become_the_same_points(shared, tmp_path, monkeypatch):
    def tables(most_few):
        monkeypatch.setattr(repair, "FEW_ROWS", most_few)
        made = ingest([shared / "field-cases"], tmp_path / str(most_few)).snapshot
        rows = {path.name: duckdb.sql(f"FROM read_parquet('{path}')").fetchall() for path in made.glob("*.parquet")}
        return {name: sorted(map(repr, found)) for name, found in rows.items()}

    few, many = tables(10**6), tables(0)
    assert few == many and len(few["stored_points.parquet"]) > 40
