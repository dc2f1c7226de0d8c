"""inference-perf's report of one stage, `stage_N_lifecycle_metrics.json`: one JSON object per load.

Times are in seconds. `normalized_time_per_output_token` counts the wait for the first token as well, so
`time_per_output_token` is read. The summary of all stages adds up different loads and is refused. The reports
name neither model nor day; those are facts to give.
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
    value,
)

NAME, VERSION = "inference_perf", 1
SOURCE = "own measurement"

_TIMES = {
    "ttft": "time_to_first_token",
    "tpot": "time_per_output_token",
    "itl": "inter_token_latency",
    "e2el": "request_latency",
}
_STATISTICS = ("mean", "median", "p75", "p90", "p99")


def recognise(record: Row) -> str | None:
    return "measured_points" if {"load_summary", "successes", "failures"} <= record.keys() else None


def rows(record: Row, context: Context) -> Iterator[Row]:
    load, done = value(record, "load_summary"), value(record, "successes")
    if value(load, "requested_rate") is None and value(load, "concurrency") is None:
        reason = "the summary adds up stages of different load; read the stage_N_lifecycle_metrics.json files"
        raise RowProblem("load_summary", reason)
    conc = optional_number(load, "concurrency")
    num_ok = number(done, "count")
    mean_s = optional_number(done, "latency", "request_latency", "mean")
    yield point(
        context,
        num_ok=num_ok,
        num_failed=number(record, "failures", "count"),
        total_tok_per_s=number(done, "throughput", "total_tokens_per_sec"),
        output_tok_per_s=number(done, "throughput", "output_tokens_per_sec"),
        times_s={
            ours: {stat: seconds(done, "latency", theirs, stat) for stat in _STATISTICS}
            for ours, theirs in _TIMES.items()
        },
        input_length=_length(done, "prompt_tokens"),
        output_length=_length(done, "output_tokens"),
        conc=conc,
        open_loop=None if conc is not None else AT_A_RATE,
        mean_in_flight=mean_s and mean_s * number(done, "throughput", "requests_per_sec"),
    )


def _length(done: object, name: str) -> Length:
    return Length(
        mean=number(done, name, "mean"),
        shortest=optional_number(done, name, "min"),
        longest=optional_number(done, name, "max"),
    )
