"""Raw results of the serving benchmark of vLLM (`vllm bench serve --save-result`) and of InferenceX, made from it.

One JSON object per run. Times are in milliseconds. The file names the client's protocol (`backend`), not the
engine that served, and no hardware; what `--metadata KEY=VALUE` adds under the name of a fact is taken
(`--metadata hardware=h200 num_gpu=8`).
"""

import re
from collections.abc import Iterator

from tokenfactory.measurements.adapters import Context, Row
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
from tokenfactory.measurements.measured import FACTS

NAME, VERSION = "vllm_serving", 1
SOURCE = "own measurement"

_MS = 0.001
_STATISTICS = ("mean", "median", "p75", "p90", "p99")


def recognise(record: Row) -> str | None:
    telling = {"total_token_throughput", "request_throughput", "completed", "median_ttft_ms"}
    return "measured_points" if telling <= record.keys() else None


def rows(record: Row, context: Context) -> Iterator[Row]:
    num_ok, duration_s = number(record, "completed"), number(record, "duration")
    # Newer clients count the failed requests; older ones only say how many were to be sent.
    num_failed = optional_number(record, "failed")
    if num_failed is None:
        num_failed = max(0.0, number(record, "num_prompts") - num_ok)
    times_s = {
        name: {stat: seconds(record, f"{stat}_{name}_ms", unit_s=_MS) for stat in _STATISTICS}
        for name in ("ttft", "tpot", "itl", "e2el")
    }
    mean_s = times_s["e2el"]["mean"]
    # The tool's own statements go before what a person added to them.
    added = {name: record[name] for name in FACTS if name in record and name != "date"}
    yield added | point(
        Context(context.file, {**context.facts, **added}),
        num_ok=num_ok,
        num_failed=num_failed,
        total_tok_per_s=number(record, "total_token_throughput"),
        output_tok_per_s=number(record, "output_throughput"),
        times_s=times_s,
        input_length=_length(record, "input_lens", "total_input_tokens", num_ok),
        output_length=_length(record, "output_lens", "total_output_tokens", num_ok),
        conc=optional_number(record, "max_concurrency"),
        open_loop=open_loop(record),
        mean_in_flight=num_ok * mean_s / duration_s if mean_s and duration_s else None,
        model=text(record, "model_id"),
        date=_day(text(record, "date")),
    )


def open_loop(record: Row) -> str | None:
    """How requests arrived, None where a limit of requests in flight was all that held them back."""
    # SGLang writes the constant Infinity, which is not JSON; a strict reader hands on its name.
    if value(record, "request_rate") not in ("inf", "Infinity", float("inf"), None):
        return AT_A_RATE
    return None if value(record, "max_concurrency") is not None else AT_ONCE


def _length(record: Row, each: str, total: str, num_ok: float) -> Length:
    # A request that failed has length 0 in the list of answers.
    lengths = value(record, each)
    lengths = [n for n in lengths if isinstance(n, int) and n > 0] if isinstance(lengths, list) else []
    mean = number(record, total) / num_ok if num_ok else None
    return Length(mean=mean, shortest=min(lengths, default=None), longest=max(lengths, default=None))


def _day(stamp: str | None) -> str | None:
    """The day in a time stamp such as 20260520-101500."""
    found = re.match(r"(\d{4})(\d\d)(\d\d)-", stamp or "")
    return "-".join(found.groups()) if found else stamp
