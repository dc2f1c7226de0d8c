"""MLPerf summary rows: output tokens of a whole system, and no speed per user."""

import pytest
from ingested import Loaded, load

from tokenfactory.measurements.ingest import ingest

ROW = {
    "ID": "5.1-0061",
    "Submitter": "Acme",
    "Category": "closed",
    "Suite": "datacenter",
    "Model": "llama2-70b-99",
    "Scenario": "Offline",
    "Nodes": 2,
    "Accelerator": "NVIDIA B200-SXM-180GB",
    "a#": 8,
    "Location": "closed/Acme/results/x/llama2-70b-99/Offline",
    "Software": "TensorRT 10.8, CUDA 12.8",
    "version": "v5.1",
    "has_power": True,
    "weight_data_types": "fp4",
    "Details": "https://example.org/results",
    "Power_Result": 16000.0,
    "Power_Units": "Watts",
    "Performance_Result": 160000.0,
    "Performance_Units": "Tokens/s",
}


def test_a_row(tmp_path):
    (point,) = load(tmp_path, rows__json=[ROW]).points
    assert (point["gpu"], point["model"], point["framework"], point["precision"]) == (
        "b200",
        "llama-2-70b",
        "trt",
        "fp4",
    )
    assert (point["workload"], point["scenario"]) == ("other", "llama2-70b-99 Offline closed v5.1")
    # 2 nodes of 8: 160000 / 16 = 10000 tok/s of output; 16 kW / 16 = 1 kW; 16 kW / 160000 = 0.1 J per output token
    assert (point["num_gpu"], point["output_tok_per_s_per_gpu"]) == (16, 10000)
    assert (point["avg_power_kw_per_gpu"], point["j_per_output_tok"], point["power_basis"]) == (1, 0.1, "system_wall")
    assert point["total_tok_per_s_per_gpu"] is None
    assert point["interactivity_tok_per_s_per_user"] is None
    assert point["spec_decoding"] is None
    assert (point["source"], point["source_url"]) == ("MLPerf Inference", "https://example.org/results")


@pytest.mark.parametrize(
    ("types", "software", "expected"),
    [
        ("fp8", "vLLM 0.9", ("fp8", "vllm")),
        ("fp4, fp8", "SGLang", ("mixed", "sglang")),
        ("", "OpenVINO", (None, None)),
    ],
)
def test_precision_and_engine_are_read_from_words(tmp_path, types, software, expected):
    (point,) = load(tmp_path, rows__json=[ROW | {"weight_data_types": types, "Software": software}]).points
    assert (point["precision"], point["framework"]) == expected


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"Performance_Units": "Samples/s"}, "Performance_Units"),
        ({"Suite": "edge"}, "Suite"),
        ({"a#": None}, "a#"),
        ({"Nodes": 0}, "a#"),
        ({"Model": None}, "Model"),
        ({"Accelerator": "NVIDIA H200-NVL-141GB"}, "hardware"),
        ({"Performance_Result": 0}, "total_tok_per_s_per_gpu"),
    ],
)
def test_rows_that_say_something_else_are_excluded(tmp_path, change, field):
    loaded = load(tmp_path, rows__json=[ROW, ROW | change])
    assert [(index, at) for index, at, _ in loaded.excluded] == [(1, field)]


def test_the_real_results_agree_with_the_tidied_table(shared, tmp_path):
    folder = shared / "mlperf-inference"
    loaded = Loaded(ingest([folder / "summary_results_v5.1.json"], tmp_path))
    ((num_joined, num_other_gpus, worst),) = loaded.connection.execute(
        """SELECT count(*), count(*) FILTER (t.total_acc <> m.num_gpu),
                  max(abs(t.per_acc / m.output_tok_per_s_per_gpu - 1))
           FROM read_parquet(?) AS t JOIN measured_points AS m
             ON m.run_id LIKE concat('mlperf-v5.1-', t.id, '-%')
            AND m.scenario LIKE concat(t.model, ' ', t.scenario, ' %')
           WHERE t.round = 'v5.1'""",
        [str(folder / "mlperf_llm_datacenter.parquet")],
    ).fetchall()
    assert num_joined > 300
    assert num_other_gpus == 0
    assert worst < 1e-9
