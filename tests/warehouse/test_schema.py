"""Every way a file can be wrong is refused with one sentence that names the file, the row and the field."""

import csv
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokenfactory.errors import DataError
from tokenfactory.warehouse.schema import TABLES, columns, read_all, read_table

SOURCE = {"source_kind": "primary", "source_url": "https://example.org/page", "accessed": "2026-11-23"}
GOOD = {
    "operating_points": {
        "point_id": "h200-demo-c4",
        "gpu": "h200",
        "system": "HGX H200",
        "model": "demo-1.5",
        "model_printed": "Demo 1.5",
        "is_disaggregated": "false",
        "workload": "fixed_length",
        "isl": "1024",
        "osl": "1024",
        "interactivity_tok_per_s_per_user": "116.72",
        "interactivity_basis": "printed",
        "total_tok_per_s_per_gpu": "93.153",
        "as_of": "2026-03-23",
        "evidence": "measured",
        "source_title": "a page",
        **SOURCE,
    },
    "price_book": {
        "price_id": "h200-owning-a",
        "gpu": "h200",
        "basis": "owning_hyperscaler",
        "basis_printed": "owning",
        "statistic": "quote",
        "usd_per_gpu_hour": "1.41",
        "effective_from": "2026-03-18",
        "effective_to": "2026-07-31",
        "provider": "a model",
        "status": "published",
        "source_title": "a page",
        **SOURCE,
    },
    "power_book": {
        "power_id": "h200-allin-a",
        "gpu": "h200",
        "basis": "allin_utility_provisioned",
        "kw_per_gpu": "1.73",
        "effective_from": "2026-03-18",
        "provider": "a model",
        "status": "published",
        **SOURCE,
    },
    "hardware": {
        "hardware_id": "h200-sheet",
        "gpu": "h200",
        "is_reference": "true",
        "system": "HGX H200",
        "vendor": "NVIDIA",
        "generation": "Hopper",
        "gpus_per_node": "8",
        **SOURCE,
    },
    "api_prices": {
        "api_price_id": "demo-shop",
        "model": "demo-1.5",
        "model_printed": "Demo 1.5",
        "provider": "Shop",
        "usd_per_mtok_input": "0.55",
        "usd_per_mtok_output": "2.19",
        "as_of": "2026-02-16",
        "status": "published",
        **SOURCE,
    },
    "claims": {
        "claim_id": "maker-2026-cost",
        "claim_set": "maker-2026",
        "row": "cost",
        "cell": "ratio",
        "claimant": "Maker",
        "statement_short": "35 times cheaper",
        "metric": "cost_per_mtok",
        "subject": "gb300",
        "baseline": "h200",
        "printed": "35x",
        "printed_ulp": "1",
        "value": "35",
        "unit": "x",
        **SOURCE,
    },
    "site_inputs": {
        "key": "pue-air",
        "parameter": "pue",
        "applies_to": "air",
        "value": "1.4",
        "low": "1.25",
        "high": "1.54",
        "unit": "x",
        "basis": "critical_it",
        "to_basis": "allin_utility_provisioned",
        "status": "estimate",
        **SOURCE,
    },
    "tco_inputs": {
        "key": "mine-life",
        "profile": "mine",
        "parameter": "life_year",
        "applies_to": "all",
        "value": "4",
        "low": "3",
        "high": "6",
        "unit": "year",
        "as_of": "2026-10-01",
        "status": "published",
        **SOURCE,
    },
    "models": {"model": "a-model", "name": "A Model"},
    "load_curves": {
        "curve_id": "a-day",
        "name": "A day",
        "slot": "0",
        "slot_hour": "1",
        "demand": "10",
        "unit": "tok/s",
        "status": "measured",
        **SOURCE,
    },
    "depreciation": {"schedule": "at-once", "year": "1", "frac": "1", **SOURCE},
    "changes": {
        "change_id": "a-change",
        "what": "software",
        "subject": "a server",
        "first_value": "1",
        "last_value": "2",
        "first_day": "2026-01-01",
        "last_day": "2026-07-01",
        "status": "published",
        **SOURCE,
    },
    "kernels_attention": {
        "gpu": "h200",
        "precision": "fp8",
        "num_heads": "128",
        "num_tokens": "8",
        "context_tok": "1025",
        "latency_ms": "0.106",
    },
    "kernels_experts": {
        "gpu": "h200",
        "precision": "fp8",
        "ep": "8",
        "skew": "1.01",
        "num_tokens": "64",
        "latency_ms": "0.29",
    },
    "kernels_all_to_all": {
        "gpu": "h200",
        "link": "nvlink",
        "library": "deepep",
        "precision": "fp8",
        "ep": "8",
        "num_tokens": "8",
        "dispatch_ms": "0.016",
        "combine_ms": "0.014",
    },
    "kernel_systems": {"gpu": "h200", "scale_out_gb_per_s": "50"},
    "model_architectures": {
        "model": "a-model",
        "model_printed": "A-Model",
        "attention": "gqa",
        "num_layers": "10",
        "num_dense_layers": "0",
        "hidden_size": "512",
        "vocab_size": "1000",
        "num_experts": "16",
        "experts_per_tok": "2",
        "num_shared_experts": "0",
        "expert_ffn_size": "256",
        "num_heads": "8",
        "num_kv_heads": "2",
        "head_dim": "64",
    },
    "acceptance_lengths": {
        "curve": "a-curve",
        "model": "a-model",
        "is_thinking": "true",
        "depth": "3",
        "acceptance_length": "2.5",
    },
    "serving_recipes": {
        "gpu": "h200",
        "model": "a-model",
        "framework": "trt",
        "precision": "fp8",
        "isl": "1024",
        "osl": "1024",
        "conc": "64",
        "decode_num_workers": "2",
        "decode_tp": "8",
        "decode_ep": "8",
        "decode_dp_attention": "true",
        "depth": "3",
    },
    "predictions": {
        "prediction_id": "a-prediction",
        "registered_on": "2026-11-28",
        "code_sha256": "0" * 64,
        "status": "PROSPECTIVE",
        "model": "a-model",
        "gpu": "h200",
        "precision": "fp8",
        "spec_decoding": "mtp",
        "depth": "3",
        "acceptance_length": "2.5",
        "acceptance_low": "2.2",
        "acceptance_high": "2.8",
        "ep": "32",
        "batch": "8",
        "isl": "1024",
        "osl": "1024",
        "interactivity_tok_per_s_per_user": "100",
        "interactivity_low": "90",
        "interactivity_high": "110",
        "output_tok_per_s_per_decode_gpu": "800",
    },
    "editions": {
        "edition": "2026-11-29",
        "code": "1d8d64f",
        "model": "a-model",
        "isl": "8192",
        "osl": "1024",
        "interactivity": "75",
        "utilisation_frac": "0.6",
        "gpu": "h200",
        "basis": "cases",
        "low": "0.5",
        "value": "0.6",
        "high": "0.8",
        "usd_per_gpu_hour": "1.2",
        "tput_per_gpu": "900",
    },
    "benchmarks": {
        "point_id": "ix-7-h200-c4",
        "evidence": "measured",
        "gpu": "h200",
        "model": "demo",
        "framework": "sglang",
        "is_disagg": "false",
        "num_gpu": "8",
        "isl_tok": "1024",
        "osl_tok": "1024",
        "conc": "4",
        "total_tok_per_s_per_gpu": "120.5",
        "interactivity_tok_per_s_per_user": "110",
        "date": "2026-05-01",
        "run_url": "https://example.org/runs/7",
        "repairs": "num_gpu_was_tp_times_ep date_from_run",
    },
    "gpus": {
        "gpu": "h200",
        "name": "H200",
        "vendor": "NVIDIA",
        "generation": "Hopper",
        "colour": "#d5730a",
        "aliases": "hgx h200|h200 sxm",
    },
    "precisions": {"precision": "fp4", "aliases": "nvfp4 mxfp4"},
    "derived_calibration": {
        "gpu": "h200",
        "num_pairs": "20",
        "tput_bias": "1.04",
        "speed_bias": "1.01",
        "low": "0.95",
        "high": "1.05",
        "learned_from": "own runs",
        "median_after": "1",
        "inside_frac": "0.95",
        "source_url": "https://example.org/silicon",
        "accessed": "2026-11-23",
    },
    "known_wrong_runs": {
        "key": "h200-7",
        "run_id": "7",
        "gpu": "h200",
        "status": "stated",
        "reason": "wrong answers",
        "source_url": "https://example.org/issues/1",
        "accessed": "2026-11-23",
    },
    "workloads": {
        "workload_id": "a-task",
        "name": "a task",
        "counts": "task",
        "input_tok": "1000",
        "cached_input_tok": "900",
        "output_tok": "50",
        "success_frac": "0.5",
        "num_counted": "12",
        "status": "published",
        **SOURCE,
    },
    "traces": {"trace": "a-trace", "name": "an hour", "block_tok": "512", "licence": "Apache-2.0", **SOURCE},
    "trace_requests": {
        "trace": "a-trace",
        "request": "0",
        "time_s": "0.5",
        "input_tok": "1000",
        "output_tok": "50",
        "prefix_blocks": "0",
    },
    "memory_tiers": {
        "key": "a-price",
        "tier": "dram",
        "parameter": "usd_per_gb",
        "applies_to": "all",
        "value": "17.6",
        "low": "16.4",
        "high": "33",
        "unit": "usd/gb",
        "status": "published",
        **SOURCE,
    },
    "cache_effects": {
        "effect_id": "an-effect",
        "means": "routing",
        "name": "to the longest prefix",
        "setup": "eight replicas",
        "metric": "throughput",
        "before": "2742",
        "after": "6423",
        "unit": "tok/s",
        "ratio": "2.34",
        "status": "measured",
        **SOURCE,
    },
}


def write(folder, name, *changes, drop=()):
    """A file of `name` with one row per change of the good row."""
    path = folder / TABLES[name].file.replace("*", "some")
    path.parent.mkdir(exist_ok=True)
    header = [column for column in columns(TABLES[name]) if column not in drop]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({**GOOD[name], **change} for change in changes)
    return path


def refusal(name, path):
    with pytest.raises(DataError) as caught:
        read_table(TABLES[name], path)
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.file == path.name
    assert message.startswith(path.name)
    return caught.value


@pytest.mark.parametrize("name", TABLES)
def test_a_good_row_is_read_with_its_types(tmp_path, name):
    (row,) = read_table(TABLES[name], write(tmp_path, name, {}))
    assert list(row) == list(columns(TABLES[name]))
    for column, value in row.items():
        cell = GOOD[name].get(column)
        if isinstance(value, bool):
            assert cell == str(value).lower()
        elif isinstance(value, int | float):
            assert value == float(cell)
        else:
            assert value == (date.fromisoformat(cell) if isinstance(value, date) else cell)


def test_duckdb_types_follow_the_columns():
    types = columns(TABLES["operating_points"])
    assert types["point_id"] == "VARCHAR"
    assert types["precision"] == "VARCHAR"  # a closed vocabulary is text
    assert types["isl"] == "BIGINT"
    assert types["tpot_s"] == "DOUBLE"
    assert types["is_disaggregated"] == "BOOLEAN"
    assert types["accessed"] == "DATE"


@pytest.mark.parametrize(
    ("name", "field", "cell", "says"),
    [
        ("benchmarks", "conc", "0", "must be above 0"),
        ("benchmarks", "evidence", "interpolated", "'interpolated' is not one of 'measured', 'derived'"),
        ("benchmarks", "run_url", "", "is empty, but must be given"),
        ("known_wrong_runs", "point_id", "a-point", "must be given exactly when run_id is not"),
        ("known_wrong_runs", "run_id", "", "must be given exactly when run_id is not"),
        ("workloads", "cached_input_tok", "1001", "must be given with input_tok, and not be above it"),
        ("workloads", "input_tok", "", "must be given with input_tok"),
        ("acceptance_lengths", "acceptance_length", "4.01", "4.01 tokens cannot come of 3 drafted ones and one more"),
        ("acceptance_lengths", "acceptance_length", "0.99", "must be at least 1"),
        ("kernels_attention", "latency_ms", "0", "must be above 0"),
        ("kernels_all_to_all", "link", "ethernet", "'ethernet' is not one of 'nvlink', 'infiniband'"),
        ("predictions", "status", "RETROSPECTIVE", "'RETROSPECTIVE' is not one of 'PROSPECTIVE'"),
        ("predictions", "code_sha256", "ABC", "does not have the form"),
        ("editions", "utilisation_frac", "1.5", "must be at most 1"),
        ("editions", "high", "0.55", "0.5 to 0.55 does not hold the value 0.6"),
        ("workloads", "output_tok", "0", "must be above 0"),
        ("workloads", "total_tok", "1050", "must be empty where output_tok is given"),
        ("workloads", "success_frac", "0", "must be above 0"),
        ("workloads", "success_frac", "1.1", "must be at most 1"),
        ("workloads", "counts", "request", "must be empty where no tasks are counted"),
        ("price_book", "usd_per_gpu_hour", "cheap", "'cheap' is not a number"),
        ("price_book", "usd_per_gpu_hour", "1,41", "not a number"),
        ("price_book", "usd_per_gpu_hour", "1_41", "not a number"),
        ("price_book", "usd_per_gpu_hour", "$1.41", "not a number"),
        ("price_book", "usd_per_gpu_hour", "nan", "not a number"),
        ("price_book", "usd_per_gpu_hour", "inf", "not a number"),
        ("price_book", "usd_per_gpu_hour", "1e999", "not a finite number"),
        ("price_book", "usd_per_gpu_hour", "0", "must be above 0"),
        ("price_book", "usd_per_gpu_hour", "-1", "must be above 0"),
        ("price_book", "usd_per_gpu_hour", "1000", "must be at most 100"),
        ("price_book", "usd_per_gpu_hour", "", "is empty, but must be given"),
        ("price_book", "basis", "cheap", "'cheap' is not one of 'owning_hyperscaler', "),
        ("price_book", "status", "sure", "'measured', 'published', 'estimate', 'guess'"),
        ("price_book", "statistic", "mode", "not one of"),
        ("price_book", "effective_from", "2026-13-40", "'2026-13-40' is not a date (YYYY-MM-DD)"),
        ("price_book", "effective_from", "2026-02-30", "is not a date"),
        ("price_book", "effective_from", "18.03.2026", "is not a date"),
        ("price_book", "effective_from", "1700000000", "is not a date"),
        ("price_book", "effective_from", "2019-01-01", "must be at least 2023-01-01"),
        ("price_book", "effective_to", "2026-03-18", "must be later than effective_from (2026-03-18)"),
        ("price_book", "observed_on", "2026-04-01", "must be empty where effective_from is given"),
        ("price_book", "gpu", "HGX H200", "does not have the form"),
        ("price_book", "provider", "", "is empty"),
        ("price_book", "source_url", "", "is empty"),
        ("price_book", "source_url", "javascript:alert(1)", "does not have the form"),
        ("price_book", "source_kind", "rumour", "'primary', 'reprint', 'press'"),
        ("price_book", "note", "x" * 4001, "is longer than 4000 characters"),
        ("power_book", "kw_per_gpu", "1730", "must be at most 20"),
        ("power_book", "basis", "wall", "not one of"),
        ("power_book", "effective_to", "2026-03-01", "must be later than"),
        ("power_book", "observed_on", "2026-04-01", "must be empty where"),
        ("operating_points", "isl", "1024.5", "not a whole number"),
        ("operating_points", "isl", "1k", "not a whole number"),
        ("operating_points", "isl", "0", "must be above 0"),
        ("operating_points", "isl", "9" * 5000, "is refused"),
        ("operating_points", "is_disaggregated", "yes", "'yes' is not true or false"),
        ("operating_points", "is_disaggregated", "TRUE", "not true or false"),
        ("operating_points", "precision", "nvfp4", "'fp4', 'fp8', 'bf16', 'int4', 'mixed'"),
        ("operating_points", "workload", "", "is empty"),
        ("operating_points", "evidence", "sworn", "not one of"),
        ("operating_points", "total_tok_per_s_per_gpu", "906000", "must be at most 500000"),
        ("operating_points", "interactivity_basis", "", "exactly when interactivity_tok_per_s_per_user is"),
        ("operating_points", "duplicate_of", "another-point", "'another-point' is not the point_id of a row"),
        ("operating_points", "duplicate_of", "h200-demo-c4", "is not the point_id of a row"),
        ("hardware", "gpus_per_node", "eight", "not a whole number"),
        ("hardware", "is_reference", "false", "0 rows of h200 are true; exactly one must be"),
        ("hardware", "cooling", "immersion", "not one of"),
        ("api_prices", "as_of", "", "must be 'undated' exactly when as_of is empty"),
        ("api_prices", "status", "undated", "must be 'undated' exactly when as_of is empty"),
        ("api_prices", "usd_per_mtok_input", "-0.55", "must be above 0"),
        ("claims", "row", "", "needs the row of the printed table"),
        ("claims", "row", "total", "'rate', 'flops_per_dollar', 'tput', 'mw', 'cost'"),
        ("claims", "unit", "times", "not one of"),
        ("claims", "printed_ulp", "0", "must be above 0"),
        ("site_inputs", "value", "0.9", "a PUE of 0.9 is below 1"),
        ("site_inputs", "low", "0.9", "a PUE of 0.9 is below 1"),
        ("site_inputs", "high", "1.3", "1.25 to 1.3 does not hold the value 1.4"),
        ("site_inputs", "high", "", "must be given exactly when low is"),
        ("site_inputs", "parameter", "humidity", "not one of"),
        ("site_inputs", "basis", "wall", "not one of"),
        ("site_inputs", "effective_to", "2026-07-14", "needs effective_from"),
        ("tco_inputs", "parameter", "luck", "'luck' is not one of 'building_life_year', "),
        ("tco_inputs", "value", "0", "must be above 0"),
        ("tco_inputs", "value", "-1", "must be at least 0"),
        ("tco_inputs", "high", "3.5", "3 to 3.5 does not hold the value 4"),
        ("tco_inputs", "low", "", "is empty, but must be given"),
        ("tco_inputs", "unit", "frac", "life_year is in year"),
        ("tco_inputs", "source_url", "", "must be given exactly when source_kind is"),
        ("tco_inputs", "profile", "My Profile", "does not have the form"),
        ("load_curves", "demand", "-1", "must be at least 0"),
        ("load_curves", "name", "", "is empty, but must be given"),
        ("load_curves", "slot", "7", "7 of 1: the slots of a curve go from 0 on"),
        ("depreciation", "frac", "0.5", "the shares of at-once add up to 0.5, not to 1"),
        ("changes", "last_day", "2025-01-01", "must be later than first_day"),
        ("changes", "what", "weather", "not one of"),
        ("traces", "block_tok", "0", "must be above 0"),
        ("trace_requests", "output_tok", "-1", "must be at least 0"),
        ("trace_requests", "time_s", "-1", "must be at least 0"),
        ("trace_requests", "request", "1", "requests of a trace are numbered from 0 without a gap"),
        ("trace_requests", "prefix_blocks", "2", "must be above 0 exactly when prefix_of is given"),
        ("memory_tiers", "tier", "tape", "'hbm', 'dram', 'remote-dram', 'ssd'"),
        ("memory_tiers", "high", "17", "16.4 to 17 does not hold the value 17.6"),
        ("memory_tiers", "unit", "gb/s", "gb/s is not the unit of usd_per_gb"),
        ("cache_effects", "means", "luck", "not one of"),
        ("cache_effects", "ratio", "3", "3 is not 6423 over 2742"),
    ],
)
def test_a_wrong_cell_is_refused(tmp_path, name, field, cell, says):
    # The second row is wrong, so line 3 of the file.
    changes = {TABLES[name].key[0]: "other", "effective_from": "2026-07-31", "effective_to": ""}
    changes["gpu"] = "b200" if name == "hardware" else "h200"
    error = refusal(name, write(tmp_path, name, changes, {field: cell}))
    assert says in str(error)
    expected = {"is_reference": "is_reference", "as_of": "status", "row": "cell" if cell == "" else "row"}
    expected |= {"input_tok": "cached_input_tok", "counts": "success_frac", "run_id": "point_id"}
    assert error.field == expected.get(field, field)
    assert error.row == 3


def test_a_second_reference_row_is_refused(tmp_path):
    error = refusal("hardware", write(tmp_path, "hardware", {}, {"hardware_id": "other"}))
    assert (error.row, error.field) == (2, "is_reference")
    assert "2 rows of h200 are true" in str(error)


def test_a_second_assumption_about_the_same_thing_is_refused(tmp_path):
    error = refusal("site_inputs", write(tmp_path, "site_inputs", {}, {"key": "other"}))
    assert (error.row, error.field) == (3, "parameter")
    assert "another row already says pue of air" in str(error)
    write(tmp_path, "site_inputs", {}, {"key": "other", "applies_to": "liquid"})
    assert len(read_table(TABLES["site_inputs"], tmp_path / "site_inputs.csv")) == 2


def test_a_curve_has_one_name(tmp_path):
    error = refusal("load_curves", write(tmp_path, "load_curves", {"slot": "1"}, {"slot": "0", "name": "B"}))
    assert error.field == "name" and "elsewhere in a-day" in str(error)


def test_a_factor_must_say_which_basis_it_leads_from(tmp_path):
    error = refusal("site_inputs", write(tmp_path, "site_inputs", {"basis": ""}))
    assert error.field == "to_basis"


def test_a_share_is_a_fraction(tmp_path):
    share = {"parameter": "load_frac", "unit": "frac", "to_basis": "", "value": "80", "low": "", "high": ""}
    assert "80 is not a fraction" in str(refusal("site_inputs", write(tmp_path, "site_inputs", share)))


@pytest.mark.parametrize(
    ("parameter", "unit", "cell", "says"),
    [
        ("salvage_frac", "frac", "15", "15 is not a fraction from 0 to 1"),
        ("wacc_frac", "frac", "1", "a cost of capital of 1 is not a fraction below 1"),
        ("utilisation_frac", "frac", "0", "must be above 0"),
        ("utilisation_frac", "frac", "1.2", "1.2 is not a fraction"),
        ("pue", "x", "0.9", "a PUE of 0.9 is below 1"),
        ("life_year", "year", "0.05", "a life of 0.05 years is shorter than a month"),
        ("tax_frac", "frac", "1", "1 leaves nothing after a year"),
        ("token_price_decline_frac", "frac", "1", "1 leaves nothing after a year"),
    ],
)
def test_an_input_of_an_owned_hour_fits_its_parameter(tmp_path, parameter, unit, cell, says):
    change = {"parameter": parameter, "unit": unit, "value": cell, "low": cell, "high": cell}
    error = refusal("tco_inputs", write(tmp_path, "tco_inputs", change))
    assert (error.row, error.field) == (2, "value")
    assert says in str(error)


def test_an_input_without_a_source_is_a_guess(tmp_path):
    change = {"source_kind": "", "source_url": ""}
    error = refusal("tco_inputs", write(tmp_path, "tco_inputs", change))
    assert (error.field, "must be 'guess' where no source is given" in str(error)) == ("status", True)
    write(tmp_path, "tco_inputs", change | {"status": "guess"})
    assert len(read_table(TABLES["tco_inputs"], tmp_path / "tco_inputs.csv")) == 1


def test_a_second_figure_for_the_same_input_is_refused(tmp_path):
    error = refusal("tco_inputs", write(tmp_path, "tco_inputs", {}, {"key": "other"}))
    assert (error.row, error.field) == (2, "profile")
    assert "there is another row of mine, life_year, all" in str(error)
    for column, other in (("profile", "yours"), ("applies_to", "h200"), ("parameter", "building_life_year")):
        write(tmp_path, "tco_inputs", {}, {"key": "other", column: other})
        assert len(read_table(TABLES["tco_inputs"], tmp_path / "tco_inputs.csv")) == 2


def test_the_basis_of_a_speed_that_is_not_there_is_refused(tmp_path):
    error = refusal("operating_points", write(tmp_path, "operating_points", {"interactivity_tok_per_s_per_user": ""}))
    assert error.field == "interactivity_basis"


def test_effective_to_needs_a_start(tmp_path):
    error = refusal("price_book", write(tmp_path, "price_book", {"effective_from": ""}))
    assert error.field == "effective_to"
    assert "needs effective_from" in str(error)


@pytest.mark.parametrize("name", TABLES)
def test_a_key_twice_is_refused(tmp_path, name):
    error = refusal(name, write(tmp_path, name, {}, {}))
    assert (error.row, error.field) == (3, TABLES[name].key[0])
    assert "is already in row 2" in str(error)


@pytest.mark.parametrize("name", ["price_book", "power_book"])
@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        (("2026-03-18", "2026-07-31"), ("2026-07-31", ""), False),  # the end is no longer part of the time
        (("2026-03-18", "2026-07-31"), ("2026-07-30", ""), True),
        (("2026-03-18", ""), ("2026-07-31", ""), True),
        (("2026-03-18", ""), ("2026-03-18", ""), True),
        (("2026-07-31", ""), ("2026-03-18", "2026-07-31"), False),  # the order in the file does not matter
        (("2026-07-31", ""), ("2026-03-18", "2026-08-01"), True),
        (("2026-03-18", ""), ("", ""), False),  # a row without a start is no interval
    ],
)
def test_two_prices_of_one_day_are_refused(tmp_path, name, first, second, clash):
    rows = [{"effective_from": f, "effective_to": t} for f, t in (first, second)]
    rows[1][TABLES[name].key[0]] = "second"
    path = write(tmp_path, name, *rows)
    if clash:
        error = refusal(name, path)
        assert error.field == "effective_from"
        assert error.row in (2, 3)
        assert "falls into the time of another row with the same gpu, basis, provider" in str(error)
    else:
        assert len(read_table(TABLES[name], path)) == 2


@pytest.mark.parametrize("column", ["gpu", "basis", "provider", "region", "variant"])
def test_another_series_may_hold_at_the_same_time(tmp_path, column):
    other = {"gpu": "b200", "basis": "rental_3yr"}.get(column, "other")
    path = write(tmp_path, "price_book", {}, {"price_id": "second", column: other})
    assert len(read_table(TABLES["price_book"], path)) == 2


@given(days=st.lists(st.integers(0, 400), min_size=2, max_size=6, unique=True), overlap=st.integers(0, 1))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_intervals_that_meet_are_taken_and_one_more_day_is_not(tmp_path, days, overlap):
    starts = [date.fromordinal(date(2025, 1, 1).toordinal() + d) for d in sorted(days)]
    ends = [date.fromordinal(s.toordinal() + overlap) for s in starts[1:]]
    rows = [
        {"price_id": f"p{i}", "effective_from": str(s), "effective_to": str(e)}
        for i, (s, e) in enumerate(zip(starts, ends, strict=False))
    ]
    path = write(tmp_path, "price_book", *rows)
    if overlap and len(rows) > 1:
        refusal("price_book", path)
    else:
        assert len(read_table(TABLES["price_book"], path)) == len(rows)


def test_the_header_must_be_right(tmp_path):
    path = write(tmp_path, "claims", {}, drop=("unit",))
    error = refusal("claims", path)
    assert "column 'unit' is missing" in str(error)
    assert error.row == 1

    path = write(tmp_path, "claims", {})
    text = path.read_text()
    path.write_text(text.replace("claimant,", "claimant,colour,", 1))
    assert "column 'colour' is not a column of this file" in str(refusal("claims", path))

    path.write_text(text.replace("claimant,", "claimant,claimant,", 1))
    assert "column 'claimant' appears twice" in str(refusal("claims", path))


def test_the_order_of_columns_is_free(tmp_path):
    path = write(tmp_path, "claims", {})
    before = read_table(TABLES["claims"], path)
    rows = list(csv.reader(path.open(newline="")))
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([row[::-1] for row in rows])
    assert read_table(TABLES["claims"], path) == before


@pytest.mark.parametrize(
    ("change", "num_cells"), [(lambda line: line[: line.rindex(",")], 20), (lambda s: s + ",", 22)]
)
def test_a_short_or_long_row_is_refused(tmp_path, change, num_cells):
    path = write(tmp_path, "claims", {}, {"claim_id": "second"})
    lines = path.read_text().splitlines()
    assert lines[0].count(",") == 20  # 21 columns
    path.write_text("\n".join([*lines[:2], change(lines[2])]))
    error = refusal("claims", path)
    assert error.row == 3
    assert f"has {num_cells} cells, but there are 21 columns" in str(error)


def test_a_row_that_spans_lines_keeps_the_count(tmp_path):
    path = write(
        tmp_path,
        "claims",
        {"conditions": "one\ntwo\nthree"},
        {"claim_id": "second"},
        {"claim_id": "third", "value": "x"},
    )
    assert refusal("claims", path).row == 6  # header 1, first 2 to 4, second 5


def test_a_file_that_is_no_csv_is_refused(tmp_path):
    path = tmp_path / "claims.csv"
    assert "cannot be read: No such file" in str(refusal("claims", path))
    path.write_bytes(b"")
    assert "is empty; the first line must name the columns" in str(refusal("claims", path))
    path.write_bytes(b"\xef\xbb\xbf")
    assert "is empty" in str(refusal("claims", path))

    write(tmp_path, "claims", {}, {"claim_id": "second", "claimant": "Søren"})
    path.write_bytes(path.read_text(encoding="utf-8").encode("latin-1"))
    error = refusal("claims", path)
    assert "is not UTF-8 text" in str(error)
    assert error.row == 3

    write(tmp_path, "claims", {}, {"claim_id": "second", "conditions": 'an "open quote'})
    path.write_text(path.read_text().replace('""open quote"', '"open quote'))
    assert "is not well-formed CSV" in str(refusal("claims", path))

    write(tmp_path, "claims", {"conditions": "x" * 200_000})
    error = refusal("claims", path)
    assert "field larger than field limit" in str(error)
    assert len(str(error)) < 200

    write(tmp_path, "claims", {"value": "9" * 5000})
    assert len(str(refusal("claims", path))) < 200


def test_a_file_without_rows_is_an_empty_table(tmp_path):
    assert read_table(TABLES["claims"], write(tmp_path, "claims")) == []


def test_a_mark_in_front_of_the_file_and_a_blank_line_at_its_end_are_no_data(tmp_path):
    path = write(tmp_path, "claims", {})
    rows = read_table(TABLES["claims"], path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + b"\n")
    assert read_table(TABLES["claims"], path) == rows


CELLS = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    [
        "0",
        "-0",
        "00",
        "1e308",
        "1e309",
        "9" * 5000,
        "2026-02-29",
        "0000-00-00",
        "true",
        "none",
        "\x00",
        "\n",
        '"',
        " 1",
        "١",
    ]
)


@given(name=st.sampled_from(list(TABLES)), cell=CELLS, choose=st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_cell_is_read_or_refused_in_one_sentence(tmp_path, name, cell, choose):
    field = choose.choice(list(columns(TABLES[name])))
    path = write(tmp_path, name, {field: cell})
    try:
        (row,) = read_table(TABLES[name], path)
    except DataError as error:
        assert str(error).startswith(path.name)
        assert len(str(error)) < 600  # the longest vocabulary is named in full
    else:
        assert row[field] is None if cell == "" else row[field] is not None


@pytest.mark.parametrize(
    "text",
    [
        "=HYPERLINK(1)",
        "+1",
        "@SUM(A1)",
        "<script>alert(1)</script>",
        "'; DROP TABLE claims; --",
        'a "quoted", part',
        " spaced ",
        "naïve 中文 🏭",
        "NULL",
        "nan",
    ],
)
def test_text_is_only_text(tmp_path, text):
    (row,) = read_table(TABLES["claims"], write(tmp_path, "claims", {"conditions": text}))
    assert row["conditions"] == text


def test_an_empty_cell_is_none(tmp_path):
    (row,) = read_table(TABLES["claims"], write(tmp_path, "claims", {"conditions": "", "value": "", "date": ""}))
    assert row["conditions"] is row["value"] is row["date"] is None


def test_a_notice_stands_before_the_columns_and_counts_as_lines(tmp_path):
    path = write(tmp_path, "kernel_systems", {}, {"gpu": "h100", "scale_out_gb_per_s": "-1"})
    path.write_text("# whose it is\n# and the licence\n" + path.read_text())
    with pytest.raises(DataError, match="-1 must be above 0") as caught:
        read_table(TABLES["kernel_systems"], path)
    assert caught.value.row == 5
    path.write_text(path.read_text().replace("-1", "50"))
    assert [row["gpu"] for row in read_table(TABLES["kernel_systems"], path)] == ["h200", "h100"]


def test_all_files_are_read_together_and_a_gpu_must_be_known(tmp_path):
    for name in TABLES:
        write(tmp_path, name, {})
    assert {name: len(rows) for name, rows in read_all(tmp_path).items()} == dict.fromkeys(TABLES, 1)

    for name in ("operating_points", "price_book", "power_book"):
        path = write(tmp_path, name, {}, {TABLES[name].key[0]: "second", "gpu": "h999"})
        with pytest.raises(DataError, match=r"'h999' has no row in gpus\.csv") as caught:
            read_all(tmp_path)
        assert (caught.value.file, caught.value.row, caught.value.field) == (path.name, 3, "gpu")
        write(tmp_path, name, {})

    for known in ("all", "air", "liquid", "h200"):
        write(tmp_path, "tco_inputs", {"applies_to": known})
        assert read_all(tmp_path)["tco_inputs"][0]["applies_to"] == known
    write(tmp_path, "tco_inputs", {"applies_to": "h999"})
    with pytest.raises(DataError, match=r"'h999' has no row in gpus\.csv") as caught:
        read_all(tmp_path)
    assert (caught.value.row, caught.value.field) == (2, "applies_to")
