"""ML.ENERGY files: energy per output token of a whole deployment, on a data set and not at fixed lengths."""

import pytest
from ingested import Loaded, load

from tokenfactory.measurements.ingest import ingest

ROW = {
    "model_id": "openai/gpt-oss-120b",
    "gpu_model": "B200",
    "num_gpus": 2,
    "tensor_parallel": 2,
    "expert_parallel": 1,
    "max_num_seqs": 64,
    "weight_precision": "bfloat16",
    "avg_power_watts": 1200.0,
    "output_throughput_tokens_per_sec": 4000.0,
    "energy_per_token_joules": 0.3,
    "energy_per_request_joules": 150.0,
    "median_itl_ms": 20.0,
    "p90_itl_ms": 25.0,
}


def document(*rows):
    return {"task": "gpqa", "task_display_name": "GPQA", "configurations": list(rows)}


def test_a_row(tmp_path):
    (point,) = load(tmp_path, gpqa__json=document(ROW)).points
    assert (point["gpu"], point["model"], point["precision"], point["num_gpu"]) == ("b200", "gpt-oss-120b", "bf16", 2)
    assert (point["workload"], point["scenario"]) == ("other", "GPQA, at most 64 at once")
    # 1200 W / 2 = 0.6 kW a GPU; 4000 / 2 = 2000 tok/s of output a GPU; 1200 W / 4000 tok/s = 0.3 J
    assert (point["avg_power_kw_per_gpu"], point["output_tok_per_s_per_gpu"]) == (0.6, 2000)
    assert (point["j_per_output_tok"], point["j_per_request"], point["power_basis"]) == (0.3, 150, "gpu_board")
    assert (point["median_itl_s"], point["p90_itl_s"]) == (0.02, 0.025)
    assert point["total_tok_per_s_per_gpu"] is None
    assert point["interactivity_tok_per_s_per_user"] is None
    assert point["source"] == "ML.ENERGY"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"num_gpus": 0}, "num_gpus"), ({"num_gpus": "two"}, "num_gpus"), ({"weight_precision": "q7"}, "precision")],
)
def test_a_row_of_no_use_is_named_and_the_others_stay(tmp_path, wrong, field):
    loaded = load(tmp_path, gpqa__json=document(ROW | wrong, ROW, "text"))
    assert len(loaded.points) == 1
    assert [at for _, at, _ in loaded.excluded] == [field, "configurations"]


def test_the_published_files(tmp_path, shared):
    """838 rows; each says power and energy of its own, and they agree."""
    loaded = Loaded(ingest(sorted((shared / "ml-energy").glob("*.json")), tmp_path / "snapshots"))
    points = loaded.points
    assert len(points) + sum(point["num_sources"] - 1 for point in points) == 838
    assert not loaded.excluded
    for point in points:
        joules = 1000 * point["avg_power_kw_per_gpu"] / point["output_tok_per_s_per_gpu"]
        assert point["j_per_output_tok"] == pytest.approx(joules, rel=0.01)
    best = {
        gpu: min(p["j_per_output_tok"] for p in points if (p["gpu"], p["model"]) == (gpu, "gpt-oss-120b"))
        for gpu in ("h100", "b200")
    }
    assert best == {"h100": pytest.approx(0.086, abs=5e-4), "b200": pytest.approx(0.040, abs=5e-4)}
