"""GuideLLM's report (`guidellm run --output kind=json`): one JSON object, with one benchmark per load.

Its `time_per_output_token_ms` counts the wait for the first token as well; ours does not, and is its
`inter_token_latency_ms`, whose statistics weigh a request by its tokens. A request's latency is in seconds,
the other times are in milliseconds. The rate of tokens is the mean of its distribution; the median is not one.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from tokenfactory.measurements.adapters import Context, Row, RowProblem
from tokenfactory.measurements.adapters.load_test import (
    AT_A_RATE,
    AT_ONCE,
    Length,
    number,
    optional_number,
    point,
    seconds,
    text,
    value,
)

NAME, VERSION = "guidellm", 1
SOURCE = "own measurement"

_MS = 0.001
_TIMES = {
    "ttft": ("time_to_first_token_ms", _MS),
    "tpot": ("inter_token_latency_ms", _MS),
    "e2el": ("request_latency", 1.0),
}
_STATISTICS = {
    "mean": ("mean",),
    "median": ("median",),
    "p75": ("percentiles", "p75"),
    "p90": ("percentiles", "p90"),
    "p99": ("percentiles", "p99"),
}


def recognise(record: Row) -> str | None:
    is_report = value(record, "metadata", "guidellm_version") is not None and "benchmarks" in record
    return "measured_points" if is_report else None


def rows(record: Row, context: Context) -> Iterator[Row | RowProblem]:
    benchmarks = value(record, "benchmarks")
    if not isinstance(benchmarks, list) or not benchmarks:
        raise RowProblem("benchmarks", "holds no benchmark")
    for index, benchmark in enumerate(benchmarks):
        try:
            yield _row(benchmark, value(record, "config", "spec", "data"), context)
        except RowProblem as problem:
            yield RowProblem(f"benchmarks.{index}.{problem.field}", problem.reason)


def _row(benchmark: object, data: object, context: Context) -> Row:
    metrics = value(benchmark, "metrics")
    if not isinstance(metrics, dict):
        raise RowProblem("metrics", "is missing")
    strategy = value(benchmark, "config", "strategy")
    data_set = data[0] if isinstance(data, list) and len(data) == 1 else None
    return point(
        context,
        num_ok=number(metrics, "request_totals", "successful"),
        # Requests cut off by the end of the test are not failed ones.
        num_failed=number(metrics, "request_totals", "errored"),
        total_tok_per_s=number(metrics, "tokens_per_second", "successful", "mean"),
        output_tok_per_s=number(metrics, "output_tokens_per_second", "successful", "mean"),
        times_s={
            ours: {
                stat: seconds(metrics, theirs, "successful", *path, unit_s=unit) for stat, path in _STATISTICS.items()
            }
            for ours, (theirs, unit) in _TIMES.items()
        },
        input_length=_length(metrics, "prompt_token_count", data_set, "prompt_tokens"),
        output_length=_length(metrics, "output_token_count", data_set, "output_tokens"),
        conc=1 if value(strategy, "type_") == "synchronous" else optional_number(strategy, "streams"),
        open_loop=_open_loop(strategy),
        mean_in_flight=optional_number(metrics, "request_concurrency", "successful", "mean"),
        data_set=text(data_set, "kind"),
        model=text(benchmark, "config", "backend", "model"),
        date=_day(optional_number(benchmark, "start_time")),
        run_id=text(benchmark, "config", "run_id"),
    )


def _open_loop(strategy: object) -> str | None:
    kind = value(strategy, "type_")
    if kind in ("synchronous", "concurrent"):
        return None
    return AT_ONCE if kind == "throughput" else AT_A_RATE


def _length(metrics: Row, name: str, data_set: object, asked: str) -> Length:
    mean = number(metrics, name, "successful", "mean")
    if mean == 0:
        raise RowProblem(f"metrics.{name}", "is 0: the tokens were not counted")
    return Length(
        asked=optional_number(data_set, asked) if value(data_set, "kind") == "synthetic_text" else None,
        mean=mean,
        shortest=optional_number(metrics, name, "successful", "min"),
        longest=optional_number(metrics, name, "successful", "max"),
    )


def _day(start_s: float | None) -> str | None:
    """The day of a time in seconds since 1970, in UTC."""
    if start_s is None:
        return None
    try:
        return datetime.fromtimestamp(start_s, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        raise RowProblem("start_time", f"{start_s} is not a time") from None
