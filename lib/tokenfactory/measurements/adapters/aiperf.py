"""AIPerf's summary of a run, `profile_export_aiperf.json`: one JSON object per run.

Every metric names its unit. `inter_token_latency` is, of each request, the mean time between its tokens, which
is our time per output token; single gaps are `inter_chunk_latency`. Percentiles of AIPerf's own throughput per
user run the other way (its p90 is a fast user), so they are not read.
"""

from collections.abc import Iterator

from tokenfactory.measurements.adapters import Context, Row, RowProblem
from tokenfactory.measurements.adapters.load_test import (
    AT_A_RATE,
    Length,
    number,
    optional_number,
    point,
    seconds,
    text,
    value,
)

NAME, VERSION = "aiperf", 1
SOURCE = "own measurement"

_UNITS_S = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "sec": 1.0, "s": 1.0}
_TIMES = {
    "ttft": "time_to_first_token",
    "tpot": "inter_token_latency",
    "itl": "inter_chunk_latency",
    "e2el": "request_latency",
}
_STATISTICS = {"mean": "avg", "median": "p50", "p75": "p75", "p90": "p90", "p99": "p99"}


def recognise(record: Row) -> str | None:
    return "measured_points" if {"aiperf_version", "input_config", "request_throughput"} <= record.keys() else None


def rows(record: Row, context: Context) -> Iterator[Row]:
    if value(record, "was_cancelled") or value(record, "is_complete") is False:
        raise RowProblem("was_cancelled", "the run did not come to its end")
    num_ok = number(record, "request_count", "avg")
    phase = _phase(record)
    sets = value(record, "input_config", "datasets")
    data_set = sets[0] if isinstance(sets, list) and len(sets) == 1 else None
    yield point(
        context,
        num_ok=num_ok,
        num_failed=max(0.0, number(record, "completed_request_count", "avg") - num_ok),
        total_tok_per_s=_rate(record, "total_token_throughput"),
        output_tok_per_s=_rate(record, "output_token_throughput"),
        times_s={ours: _statistics(record, theirs) for ours, theirs in _TIMES.items()},
        input_length=_length(record, "input_sequence_length", data_set, "isl"),
        output_length=_length(record, "output_sequence_length", data_set, "osl"),
        conc=optional_number(phase, "concurrency"),
        open_loop=None if value(phase, "type") in ("concurrency", None) else AT_A_RATE,
        mean_in_flight=optional_number(record, "effective_concurrency", "avg"),
        data_set=text(data_set, "type"),
        model=_model(record),
        date=text(record, "start_time"),
    )


def _phase(record: Row) -> dict:
    """The phase that was measured, with the load it was asked for; empty where the file does not tell."""
    phases = value(record, "input_config", "phases")
    measured = [p for p in phases if value(p, "kind") == "profiling"] if isinstance(phases, list) else []
    if len(measured) > 1:
        raise RowProblem("input_config.phases", f"{len(measured)} phases of different load are added up")
    return measured[0] if measured else {}


def _statistics(record: Row, name: str) -> dict[str, float | None]:
    if value(record, name) is None:
        return {}
    unit = value(record, name, "unit")
    if not isinstance(unit, str) or unit not in _UNITS_S:
        raise RowProblem(f"{name}.unit", f"'{unit}' is not a known unit of time")
    return {ours: seconds(record, name, theirs, unit_s=_UNITS_S[unit]) for ours, theirs in _STATISTICS.items()}


def _rate(record: Row, name: str) -> float:
    if value(record, name, "unit") != "tokens/sec":
        raise RowProblem(f"{name}.unit", f"'{value(record, name, 'unit')}' is not tokens/sec")
    return number(record, name, "avg")


def _length(record: Row, name: str, data_set: object, asked: str) -> Length:
    is_synthetic = value(data_set, "type") == "synthetic"
    return Length(
        asked=optional_number(data_set, "prompts", asked, "mean") if is_synthetic else None,
        mean=number(record, name, "avg"),
        shortest=optional_number(record, name, "min"),
        longest=optional_number(record, name, "max"),
    )


def _model(record: Row) -> str | None:
    models = value(record, "input_config", "models", "items")
    return text(models[0], "name") if isinstance(models, list) and len(models) == 1 else None
