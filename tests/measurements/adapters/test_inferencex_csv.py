"""CSV exports of the dashboard, with headers of before and after August 2026, and of its PowerX skill."""

import csv
import io

import pytest
from ingested import load

from tokenfactory.measurements.adapters import modules

LICENCE = "# Apache-2.0\n# (c) SemiAnalysis LLC\n# Attribution to InferenceX is required\n# WARNING known issue\n"
CHART = {
    "Model": "DeepSeek-R1-0528",
    "ISL": "8192",
    "OSL": "1024",
    "Hardware": "H200 (vLLM)",
    "Hardware Key": "h200_vllm",
    "Framework": "vllm",
    "Precision": "fp8",
    "TP": "8",
    "Concurrency": "64",
    "Date": "2026-05-20",
    "Throughput/GPU (tok/s)": "851.9",
    "Output Throughput/GPU (tok/s)": "94.65",
    "Input Throughput/GPU (tok/s)": "757.25",
    "Median TTFT (s)": "0.82",
    "Median TPOT (s)": "0.04016",
    "Median Interactivity (tok/s/user)": "24.9004",
    "Std Interactivity": "999",
    "Median E2E Latency (s)": "38.1",
    "Disaggregated": "false",
    "Num Prefill GPUs": "8",
    "Num Decode GPUs": "8",
    "Spec Decoding": "",
    "EP": "1",
    "DP Attention": "false",
    "Is Multinode": "false",
    "Run URL": "https://github.com/SemiAnalysisAI/InferenceX/actions/runs/20200037154/attempts/2",
}


def text(*rows, licence=LICENCE):
    file = io.StringIO()
    writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return licence + file.getvalue()


@pytest.mark.parametrize("word", ["GPU", "Chip"])
def test_a_chart_export(tmp_path, word):
    renamed = {header.replace("GPU", word): cell for header, cell in CHART.items()}
    loaded = load(tmp_path, export__csv=text(renamed))
    (point,) = loaded.points
    assert (point["gpu"], point["model"], point["framework"], point["num_gpu"]) == (
        "h200",
        "deepseek-r1-0528",
        "vllm",
        8,
    )
    assert (point["total_tok_per_s_per_gpu"], point["output_tok_per_s_per_gpu"]) == (851.9, 94.65)
    assert (point["median_ttft_s"], point["median_e2el_s"]) == (0.82, 38.1)
    assert (point["isl_tok"], point["osl_tok"], point["conc"]) == (8192, 1024, 64)
    assert (point["run_id"], point["run_attempt"], str(point["date"])) == ("20200037154", 2, "2026-05-20")
    assert point["spec_decoding"] == "none"
    assert loaded.report.files[0].adapter == "inferencex_csv"


def test_pools_of_a_chart_export(tmp_path):
    row = CHART | {"Hardware Key": "gb300_dynamo-trt_mtp", "Framework": "dynamo-trt", "Spec Decoding": "mtp"}
    row |= {"Disaggregated": "true", "Is Multinode": "true", "Num Prefill GPUs": "16", "Num Decode GPUs": "32"}
    # 480000 = 25000 x 16 + 2500 x 32
    row |= {"Throughput/GPU (tok/s)": "10000", "Input Throughput/GPU (tok/s)": "25000"}
    row |= {"Output Throughput/GPU (tok/s)": "2500"}
    (point,) = load(tmp_path, export__csv=text(row)).points
    assert (point["gpu"], point["num_gpu"], point["spec_decoding"]) == ("gb300", 48, "mtp")
    assert point["output_tok_per_s_per_gpu"] == pytest.approx(2500 * 32 / 48)


def test_points_that_the_trend_chart_extended_to_today_are_no_measurements(tmp_path):
    rows = [CHART | {"Synthetic": "false"}, CHART | {"Synthetic": "true", "Concurrency": "8"}]
    loaded = load(tmp_path, export__csv=text(*rows))
    assert [p["conc"] for p in loaded.points] == [64]
    assert loaded.excluded == [(1, "Synthetic", "extended to today by the dashboard, not measured")]


POWERX = {
    **{"id": "1", "model": "dsr1", "hardware": "h200", "framework": "sglang", "image": "", "precision": "fp8"},
    **{"spec_method": "none", "benchmark_type": "single_turn", "isl": "8192", "osl": "1024", "conc": "64"},
    **{"disagg": "false", "is_multinode": "false", "offload_mode": "off", "prefill_tp": "8", "prefill_ep": "8"},
    **{"decode_tp": "8", "decode_ep": "8", "num_prefill_gpu": "64", "num_decode_gpu": "64", "date": "2026-09-01"},
    **{"tput_per_gpu": "851.9", "power_valid": "1", "power_metric_schema_version": "2", "avg_power_w": "612.5"},
    **{"joules_per_total_token": "0.718981", "prefill_joules_per_input_token": ""},
}


def test_an_export_of_the_powerx_skill(tmp_path):
    (point,) = load(tmp_path, export__csv=text(POWERX, licence="")).points
    assert (point["num_gpu"], point["avg_power_kw_per_gpu"], point["power_schema_version"]) == (8, 0.6125, 2)
    assert point["j_per_total_tok"] == 0.718981


def test_power_without_a_throughput_is_no_point(tmp_path):
    loaded = load(tmp_path, export__csv=text(POWERX | {"tput_per_gpu": ""}, licence=""))
    assert loaded.excluded == [(0, "total_tok_per_s_per_gpu", "is missing")]


@pytest.mark.parametrize("record", [CHART, POWERX])
def test_no_other_adapter_knows_an_export(record):
    assert [module.NAME for module in modules() if module.recognise(record)] == ["inferencex_csv"]
