"""ML.ENERGY leaderboard JSON: energy of language models on real tasks, one file per task.

Throughput counts output tokens of the whole deployment, power and energy the GPU boards alone. There is a limit of
the batch and no number of requests in flight, and lengths are those of a data set: these rows never stand beside
fixed-length points.
"""

from collections.abc import Iterator, Mapping

from tokenfactory.measurements.adapters import Context, Row, RowProblem, copied

NAME, VERSION = "ml_energy", 1
SOURCE = "ML.ENERGY"
PAGE = "https://ml.energy/leaderboard"

_LARGEST = 1e300  # an integer beyond it cannot be divided
_FIELDS = {
    "gpu_model": "hardware",
    "model_id": "model",
    "weight_precision": "precision",
    "num_gpus": "num_gpu",
    "tensor_parallel": "tp",
    "expert_parallel": "ep",
    "output_throughput_tokens_per_sec": "output_tok_per_s",
    "energy_per_token_joules": "joules_per_output_token",
    "energy_per_request_joules": "joules_per_successful_query",
}


def recognise(record: Row) -> str | None:
    rows = record.get("configurations")
    if "task" in record and isinstance(rows, list) and rows and isinstance(rows[0], Mapping):
        return "measured_points" if "energy_per_token_joules" in rows[0] else None
    return None


def rows(record: Row, context: Context) -> Iterator[dict | RowProblem]:
    task = record.get("task_display_name") or record["task"]
    for number, configuration in enumerate(record["configurations"], 1):
        if not isinstance(configuration, Mapping):
            yield RowProblem("configurations", f"number {number} is not an object")
            continue
        num_gpu, power = configuration.get("num_gpus"), configuration.get("avg_power_watts")
        if not isinstance(num_gpu, int) or num_gpu < 1:
            yield RowProblem("num_gpus", "does not say how many GPUs there are")
            continue
        row = copied(configuration, _FIELDS) | {"workload": "other", "source_url": PAGE, "disagg": False}
        row["scenario"] = f"{task}, at most {configuration.get('max_num_seqs')} at once"
        if isinstance(power, int | float):
            row["avg_power_w"] = min(power, _LARGEST) / num_gpu
        for statistic in ("median", "p90", "p99"):
            if isinstance(gap := configuration.get(f"{statistic}_itl_ms"), int | float):
                row[f"{statistic}_itl_s"] = min(gap, _LARGEST) / 1000
        yield row
