"""What the adapters of load-test tools share: one meaning of a point, whatever the tool's names and units are.

A load-test tool sees a deployment from outside. It measures rates of the whole deployment, and knows neither
the hardware nor how much of it there is: those facts come from `token-factory.yaml` beside the file.

Closed loop: a fixed number of requests in flight, which is `conc`. Open loop: requests arrive at a rate of
their own, so `conc` is the mean number measured in flight, and the row is of the kind `other`. So is a row
whose requests differ in length by more than a fixed-length benchmark's do (80 to 100 %).

Lines of a chart share their lengths exactly, so a length is the one the test was asked for. Where the tool
keeps only a mean, that is rounded to two digits, unless `isl_tok` and `osl_tok` are given as facts.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tokenfactory.measurements.adapters import Context, Row, RowProblem
from tokenfactory.measurements.normalise import lengths_in, shown

MOST_FAILED_FRAC = 0.05  # as InferenceX: a run that loses more is no measurement
# How requests of an open loop arrive. The rate itself moves a point along its line, as `conc` does.
AT_A_RATE, AT_ONCE = "requests at a set rate", "all requests at once"
_LARGEST = 1e15  # of any number: what is worked out from two of them stays one
_SHORTEST_FRAC = 0.79  # 80 %, less what rounding to whole tokens takes

# Statistics of the time per output token, and the user's speed each one gives (the slow tail for percentiles).
_SPEEDS = {
    "median": "interactivity_tok_per_s_per_user",
    "mean": "mean_interactivity_tok_per_s_per_user",
    "p75": "p75_interactivity_tok_per_s_per_user",
    "p90": "p90_interactivity_tok_per_s_per_user",
    "p99": "p99_interactivity_tok_per_s_per_user",
}


@dataclass(frozen=True)
class Length:
    """Length of the prompts, or of the answers: what was asked for, and what was measured."""

    asked: float | None = None
    mean: float | None = None
    shortest: float | None = None
    longest: float | None = None

    @property
    def is_fixed(self) -> bool:
        """Whether all requests are about as long; taken for granted where the tool keeps only a mean."""
        if self.shortest is None or self.longest is None:
            return True
        return self.shortest >= _SHORTEST_FRAC * self.longest

    @property
    def tok(self) -> int | None:
        """The length to file the row under."""
        if self.asked is not None:
            return round(self.asked)
        if self.mean is None or not 0 < self.mean < 1e12:
            return None
        exact = self.shortest == self.longest if self.shortest is not None else float(self.mean).is_integer()
        return round(self.mean) if exact else round(self.mean, 1 - math.floor(math.log10(self.mean)))


def value(record: Any, *path: str | int) -> Any:
    """What stands at `path`, None where anything on the way there is missing."""
    for key in path:
        if isinstance(record, Mapping):
            record = record.get(key)
        elif isinstance(record, list) and isinstance(key, int) and key < len(record):
            record = record[key]
        else:
            return None
    return record


def optional_number(record: Any, *path: str | int) -> float | None:
    """The number at `path`, None where there is none."""
    found = value(record, *path)
    if found is None:
        return None
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    if not is_number or not math.isfinite(min(found, _LARGEST)):
        raise RowProblem(_name(path), f"'{shown(found)}' is not a number")
    if found >= _LARGEST:
        raise RowProblem(_name(path), f"{shown(found)} is too large")
    if found < 0:
        raise RowProblem(_name(path), f"{shown(found)} is negative")
    return float(found)


def number(record: Any, *path: str | int) -> float:
    """The number at `path`; a row without it is of no use."""
    found = optional_number(record, *path)
    if found is None:
        raise RowProblem(_name(path), "is missing")
    return found


def text(record: Any, *path: str | int) -> str | None:
    """The text at `path`, None where there is none."""
    found = value(record, *path)
    return found if isinstance(found, str) and found else None


def seconds(record: Any, *path: str | int, unit_s: float = 1.0) -> float | None:
    """The time at `path` in seconds. A tool prints 0 where it has no sample, which is no time."""
    found = optional_number(record, *path)
    return found * unit_s if found else None


def _name(path: tuple[str | int, ...]) -> str:
    return ".".join(map(str, path))


def point(
    context: Context,
    *,
    num_ok: float,
    num_failed: float,
    total_tok_per_s: float,
    output_tok_per_s: float,
    times_s: Mapping[str, Mapping[str, float | None]],
    input_length: Length,
    output_length: Length,
    conc: float | None = None,
    open_loop: str | None = None,
    mean_in_flight: float | None = None,
    data_set: str | None = None,
    **stated: Any,
) -> Row:
    """A row in the fields of the schema.

    Parameters
    ----------
    num_ok, num_failed : requests that succeeded and that failed
    total_tok_per_s, output_tok_per_s : rates of the whole deployment
    times_s : latency (ttft, tpot, itl, e2el) to statistic (mean, median, p75, p90, p99) to seconds
    input_length, output_length : lengths of prompts and answers
    conc : requests in flight, where the test kept their number
    open_loop : how requests arrived, where the test did not keep their number
    mean_in_flight : requests in flight as measured, for an open loop
    data_set : name of the requests, for when their lengths differ
    stated : further fields the tool states; None is not stated

    Raises
    ------
    RowProblem : the test failed, or what a point needs was not measured.
    """
    if num_ok < 1:
        raise RowProblem("num_requests_ok", "no request succeeded")
    if num_failed > MOST_FAILED_FRAC * (num_ok + num_failed):
        reason = f"{num_failed:.0f} of {num_ok + num_failed:.0f} requests failed; more than 5 % is no measurement"
        raise RowProblem("num_requests_ok", reason)
    if not times_s["tpot"].get("median"):
        reason = "no time per output token was measured; stream the answers and ask for more than one token"
        raise RowProblem("median_tpot_s", reason)
    row = {
        "is_own": True,
        "num_requests_ok": num_ok,
        "total_tok_per_s": total_tok_per_s,
        "output_tok_per_s": output_tok_per_s,
        "input_tok_per_s": total_tok_per_s - output_tok_per_s,
        **{_SPEEDS[statistic]: 1 / time for statistic, time in times_s["tpot"].items() if time},
        **{f"{stat}_{name}_s": time for name, stats in times_s.items() for stat, time in stats.items()},
        **stated,
    }
    has_length = input_length.is_fixed and output_length.is_fixed
    if not (has_length and open_loop is None):
        kind = None if has_length else data_set or "requests of different lengths"
        row |= {"workload": "other", "scenario": "; ".join(filter(None, (kind, open_loop)))}
    if has_length and not lengths_in(context.file):
        row |= {"isl_tok": input_length.tok, "osl_tok": output_length.tok}
    row["conc"] = conc
    if open_loop is not None:
        row["conc"] = None if mean_in_flight is None else max(1, round(mean_in_flight))
    if row["conc"] is None and "conc" not in context.facts:
        raise RowProblem("conc", "the file does not say how many requests were in flight; give conc")
    # What is worked out here gives way to what a person states; what the tool states does not.
    worked_out = {"workload", "scenario"}
    worked_out |= {
        name
        for name, is_so in (
            ("isl_tok", input_length.asked is None),
            ("osl_tok", output_length.asked is None),
            ("conc", open_loop is not None),
        )
        if is_so
    }
    if "workload" in context.facts:
        row.pop("scenario", None)
    given = worked_out & context.facts.keys()
    return {name: found for name, found in row.items() if found is not None and name not in given}
