"""The one reader of load-test tools: a layout of `formats` and a record in, rows in the fields of the schema out.

A load-test tool sees a deployment from outside. It measures rates of the whole deployment, and mostly knows neither
the hardware nor how much of it there is: those facts come from `token-factory.yaml`.

Closed loop: a fixed number of requests in flight, which is `conc`. Open loop: requests arrive at a rate, in a ramp,
or all at once. Then a limit of requests in flight is no load, `conc` is the mean number measured in flight, and the
row is of the kind `other` whatever a person adds. So is a row whose requests differ in length by more than a
fixed-length benchmark's do (80 to 100%).

Lines of a chart share their lengths exactly, so a length is the one the test was asked for. Where the tool keeps only
a mean, `repair` brings the means of one asked length together, unless `isl_tok` and `osl_tok` are given as facts.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from tokenfactory.measurements import formats
from tokenfactory.measurements.adapters import Context, Row, RowProblem
from tokenfactory.measurements.adapters.deployment import PREPARE, flat_settings
from tokenfactory.measurements.formats import Format, Paths, value
from tokenfactory.measurements.normalise import lengths_in, shown
from tokenfactory.warehouse.measured import SPEED_OF

MOST_FAILED_FRAC = 0.05  # as InferenceX: a run that loses more is no measurement
MOST_OFF_FRAC = 0.25  # a printed rate from its tokens and time: tools leave out the ends of a short run
AT_A_RATE, AT_ONCE, RAMP = "requests at a set rate", "all requests at once", "a load that grows"
TRACE, _SPACING = "requests at the times of a trace", ("constant", "poisson", "gamma")
_CLOSED = frozenset({"concurrency", "concurrent", "synchronous", "concurrency_burst", "stream"})
_AT_ONCE = frozenset({"throughput", "max_throughput", "offline", "burst", AT_ONCE})
_UNIT_S = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0, "seconds": 1.0, "ms/token": 1e-3, "s/token": 1.0}
_RATES = frozenset({"tokens/sec", "tokens/s", "tok/s", "tokens/second", "requests/sec", "requests/s", "queries/s"})
_LARGEST = 1e15  # of any number: what is worked out from two of them stays one
_SHORTEST_FRAC = 0.79  # 80%, less what rounding to whole tokens takes
_INFINITE = ("inf", "infinity", "+inf", "+infinity")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


class Fields:
    """What a record says under the names of a format."""

    def __init__(self, layout: Format, record: Row):
        self.layout, self.record = layout, record

    def found(self, paths: Paths | None) -> tuple[str, str, Any]:
        """Path, unit and value of the first path that is there."""
        for path in (paths,) if isinstance(paths, str) else paths or ():
            path, _, unit = path.partition("@")
            found = value(self.record, path)
            if found not in (None, ""):
                return path, unit, found
        return "", "", None

    def raw(self, name: str) -> Any:
        return self.found(self.layout.fields.get(name))[2]

    def text(self, name: str) -> str | None:
        found = self.raw(name)
        return found if isinstance(found, str) else None

    def number(self, name: str, *, infinite: bool = False) -> float | None:
        """The number of a field. NaN is no sample; infinity only where the field may have no limit."""
        path, unit, found = self.found(self.layout.fields.get(name))
        found = _number(found, path, infinite)
        if found in (None, math.inf):
            return found
        if name.endswith("_per_s"):
            self._check_rate(path)
        return found * self._scale(path, unit) if name == "duration" else found

    def needed(self, name: str) -> float:
        found = self.number(name)
        if found is None:
            paths = self.layout.fields.get(name, name)
            raise _problem(paths if isinstance(paths, str) else paths[0], "is missing")
        return found

    def seconds(self, latency: str, statistic: str) -> float | None:
        """A time in seconds. A tool prints 0 where it has no sample, which is no time."""
        words, templates = (
            (found,) if isinstance(found, str) else found
            for found in (self.layout.statistics.get(statistic, ()), self.layout.times.get(latency, ()))
        )
        path, unit, found = self.found(tuple(template.format(word) for template in templates for word in words))
        found = _number(found, path)
        return found * self._scale(path, unit) if found else None

    def _beside(self, path: str) -> tuple[str, Any]:
        place = f"{path.rpartition('/')[0]}/{self.layout.unit_beside}"
        return place, value(self.record, place)

    def _check_rate(self, path: str) -> None:
        place, unit = self._beside(path)
        if self.layout.unit_beside and unit is not None and (not isinstance(unit, str) or unit not in _RATES):
            raise _problem(place, f"'{shown(unit)}' is not a known unit of a rate")

    def _scale(self, path: str, unit: str) -> float:
        """What a time is multiplied with to be in seconds."""
        if unit or not self.layout.unit_beside:
            return _UNIT_S[unit or self.layout.unit]
        place, beside = self._beside(path)
        if not isinstance(beside, str) or beside not in _UNIT_S:
            raise _problem(place, f"'{shown(beside)}' is not a known unit of time")
        return _UNIT_S[beside]


def _problem(path: str, reason: str) -> RowProblem:
    return RowProblem(path.partition("@")[0].replace("/", "."), reason)


def _number(found: Any, path: str | None, infinite: bool = False) -> float | None:
    """A number at a path, None for none and for NaN."""
    if isinstance(found, str) and (
        _NUMBER.fullmatch(found.strip()) or (infinite and found.strip().lower() in _INFINITE)
    ):
        found = float(found)
    if found is None or (isinstance(found, float) and math.isnan(found)):
        return None
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise _problem(path, f"'{shown(found)}' is not a number")
    if found < 0:
        raise _problem(path, f"{shown(found)} is negative")
    if found == math.inf and not infinite:
        raise _problem(path, "is infinite")
    if _LARGEST < found < math.inf:
        raise _problem(path, f"{shown(found)} is too large")
    return float(found)


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
    def is_mean(self) -> bool:
        """Whether all that is known is a mean."""
        return not self.asked and self.shortest is None

    @property
    def tok(self) -> int | None:
        """The length to file the row under."""
        if self.asked:
            return round(self.asked)
        if self.mean is None or not 0 < self.mean < 1e12:
            return None
        exact = self.shortest == self.longest if self.shortest is not None else float(self.mean).is_integer()
        return round(self.mean) if exact else round(self.mean, 1 - math.floor(math.log10(self.mean)))


class Adapter:
    """A format in the shape of the other adapters: NAME, VERSION, SOURCE, recognise, rows."""

    SOURCE = "own measurement"

    def __init__(self, layout: Format):
        self.layout = layout
        self.NAME, self.VERSION, self.__doc__ = layout.name, layout.version, layout.about

    def recognise(self, record: Row) -> str | None:
        is_it = all(value(record, path) is not None for path in self.layout.telling)
        is_it = is_it and all(value(record, path) is None for path in self.layout.lacking)
        return "measured_points" if is_it else None

    def rows(self, record: Row, context: Context) -> Iterator[Row | RowProblem]:
        if self.layout.rows is None:
            yield _row(self.layout, record, record, context)
            return
        benchmarks = value(record, self.layout.rows)
        if not isinstance(benchmarks, list) or not benchmarks:
            raise RowProblem(self.layout.rows, "holds no benchmark")
        for index, benchmark in enumerate(benchmarks):
            try:
                if not isinstance(benchmark, Mapping):
                    raise RowProblem(str(index), "is no object")
                yield _row(self.layout, benchmark, record, context)
            except RowProblem as problem:
                yield RowProblem(f"{self.layout.rows}.{index}.{problem.field}", problem.reason)


def foreign(record: Any) -> str | None:
    """What a record is, where its tool is known and its numbers make no point."""
    for paths, words in formats.FOREIGN:
        if isinstance(record, Mapping) and all(value(record, path) is not None for path in paths):
            return words
    return None


ADAPTERS = tuple(Adapter(layout) for layout in formats.FORMATS)


def _row(layout: Format, part: Row, whole: Row, context: Context) -> Row:
    """One row of the schema.

    Raises
    ------
    RowProblem : the test failed, or what a point needs was not measured.
    """
    prepare = PREPARE.get(layout.name)
    fields = Fields(layout, {**part, **prepare(part, whole)} if prepare else part)
    if fields.raw("broken_off") is True or fields.raw("whole") is False:
        name = layout.fields["broken_off" if fields.raw("broken_off") is True else "whole"]
        raise RowProblem(name, "the run did not come to its end")
    num_ok = _requests(fields)
    times = {
        f"{stat}_{latency}_s": fields.seconds(latency, stat)
        for latency in ("ttft", "tpot", "itl", "e2el")
        for stat in SPEED_OF
    }
    if layout.has_speed and not times["median_tpot_s"]:
        reason = "no time per output token was measured; stream the answers and ask for more than one token"
        if times["mean_tpot_s"]:
            reason = "only the mean time per output token is there; let the tool write its median"
        raise RowProblem("median_tpot_s", reason)
    row = {"is_own": True, "num_requests_ok": num_ok, **times, **_rates(fields, num_ok)}
    repairs = _count_what_was_made(fields, row)
    row |= {speed: 1 / row[f"{stat}_tpot_s"] for stat, speed in SPEED_OF.items() if row[f"{stat}_tpot_s"]}
    row |= {"model": _only_model(fields), "date": _day(fields)}
    stated = {name: found for name, found in (fields.raw("settings") or {}).items() if found is not None}
    added = flat_settings(whole if layout.rows is None else part, context.facts) if layout.is_flat else {}
    facts = {**context.facts, **added, **stated}
    row |= _workload(fields, row, num_ok, Context(context.file, facts))
    if repairs or row.get("lengths_are_means"):
        row["reading_repairs"] = [*repairs, *(["lengths_are_means"] if row.get("lengths_are_means") else [])]
    row.pop("lengths_are_means", None)
    # The tool's own statements go before what a person added to its file, and those before token-factory.yaml.
    return added | {name: found for name, found in (row | stated).items() if found is not None}


def _only_model(fields: Fields) -> str | None:
    path = fields.found(fields.layout.fields.get("model"))[0]
    second = re.sub(r"/0(?=/|$)", "/1", path)
    if second != path and value(fields.record, second) is not None:
        raise _problem(path, "is one of several models, whose requests are added up; measure one at a time")
    return fields.text("model")


def _requests(fields: Fields) -> float:
    """Requests that succeeded. Raises RowProblem where too many did not."""
    failed, done, asked = (fields.number(f"num_{name}") for name in ("failed", "done", "asked"))
    num_ok = fields.number("num_ok")
    if num_ok is None:
        sent = fields.needed("num_asked" if "num_asked" in fields.layout.fields else "num_ok")
        num_ok = max(0.0, sent - (failed or 0) - (fields.number("num_cut_off") or 0))
        asked = None
    if num_ok < 1:
        raise RowProblem("num_requests_ok", "no request succeeded")
    # Newer clients count the failed requests; older ones say how many were done, or were to be sent.
    num_failed = max(failed or 0.0, (done or 0.0) - num_ok)
    if failed is None and done is None and asked is not None:
        num_failed = max(0.0, asked - num_ok)
    if num_failed > MOST_FAILED_FRAC * (num_ok + num_failed):
        reason = f"{num_failed:.0f} of {num_ok + num_failed:.0f} requests failed; more than 5% is no measurement"
        raise RowProblem("num_requests_ok", reason)
    return num_ok


def _rates(fields: Fields, num_ok: float) -> dict[str, float | None]:
    """Rates of the whole deployment: as printed, else from tokens and time, else from lengths and requests."""
    duration = fields.number("duration")

    def rate(kind: str, length: str | None) -> float | None:
        printed = fields.number(f"{kind}_tok_per_s")
        tokens = fields.number(f"{kind}_tok")
        if printed is None and tokens is not None and duration:
            return tokens / duration
        mean, requests = fields.number(f"{length}_mean"), fields.number("requests_per_s")
        if printed is None and mean is not None and requests:
            return mean * requests
        return printed

    total = fields.number("total_tok_per_s")
    output = rate("output", "osl")
    if not fields.layout.has_speed:
        return {"total_tok_per_s": fields.needed("total_tok_per_s")}
    if output is None:
        fields.needed("output_tok_per_s")
    if not fields.layout.counts_input:
        return {"output_tok_per_s": output}
    if total is None:
        inputs = rate("input", "isl")
        if inputs is None:
            fields.needed("total_tok_per_s")
        total = inputs + output
    if output > total:
        path = fields.found(fields.layout.fields.get("total_tok_per_s"))[0] or "total_tok_per_s"
        raise _problem(path, f"{total:g} is less than the output alone, {output:g}")
    _check_against_tokens(fields, "output", output, fields.number("output_tok"))
    _check_against_tokens(fields, "total", total, (fields.number("input_tok") or math.nan) + output * (duration or 0))
    return {"total_tok_per_s": total, "output_tok_per_s": output, "input_tok_per_s": total - output}


def _check_against_tokens(fields: Fields, kind: str, printed: float, tokens: float | None) -> None:
    """Raise where a printed rate is not that of the tokens and the time beside it."""
    duration, path = fields.number("duration"), fields.found(fields.layout.fields.get(f"{kind}_tok_per_s"))[0]
    if path and duration and tokens and abs(printed * duration / tokens - 1) > MOST_OFF_FRAC:
        raise _problem(path, f"is {printed:g}, but the tokens and the time of the run make {tokens / duration:g}")


def _count_what_was_made(fields: Fields, row: dict) -> list[str]:
    """Where the tool counts the tokens it asked for and answers ended early: count those that were made."""
    asked, made = fields.number("output_tok"), fields.number("output_tok_made")
    if not made or not asked or made >= (1 - MOST_FAILED_FRAC) * asked:
        return []
    num_ok = row["num_requests_ok"]
    row["output_tok_per_s"] *= made / asked
    row["total_tok_per_s"] = row["input_tok_per_s"] + row["output_tok_per_s"]
    if made <= num_ok:
        raise RowProblem("total_output_tokens_retokenized", "answers of one token have no time per output token")
    for stat in SPEED_OF:  # the time after the first token was shared by fewer
        if row[f"{stat}_tpot_s"]:
            row[f"{stat}_tpot_s"] *= (asked / num_ok - 1) / (made / num_ok - 1)
    return ["tokens_were_as_asked"]


def _length(fields: Fields, name: str, num_ok: float) -> Length:
    numbers = {what: fields.number(f"{name}_{what}") for what in ("asked", "mean", "min", "max")}
    each = fields.raw(f"{name}_each")
    # A request that failed has length 0 in the list of answers.
    each = [n for n in each if isinstance(n, int) and 0 < n < _LARGEST] if isinstance(each, list) else []
    total = fields.number("input_tok" if name == "isl" else "output_tok")
    made = fields.number("output_tok_made") if name == "osl" else None
    ended_early = bool(made and total and made < (1 - MOST_FAILED_FRAC) * total)
    mean = numbers["mean"] if numbers["mean"] is not None else (made if ended_early else total or 0) / num_ok or None
    if numbers["mean"] == 0:
        raise RowProblem(f"{name}_tok", "is 0: the tokens were not counted")
    shortest, longest = numbers["min"], numbers["max"]
    if each:
        shortest, longest = min(each), max(each)
    if (drawn := fields.number("range")) is not None and numbers["asked"]:
        # Lengths are drawn between this share of the longest and the longest.
        shortest, longest = drawn * numbers["asked"], numbers["asked"]
    if ended_early:
        return Length(mean=mean, shortest=0, longest=1)
    return Length(numbers["asked"], mean, shortest, longest)


def _workload(fields: Fields, row: Mapping, num_ok: float, context: Context) -> dict:
    """Kind, lengths and load of a row."""
    isl, osl = _length(fields, "isl", num_ok), _length(fields, "osl", num_ok)
    if osl.asked and osl.mean and osl.is_fixed and osl.mean < _SHORTEST_FRAC * osl.asked:
        osl = Length(None, osl.mean, osl.shortest, osl.longest)  # answers ended early: asked is not made
    # A mean of zero is no length; where nothing counts prompts, there is none to know.
    conc, rate, arrivals = _load(fields, num_ok)
    has_length = isl.is_fixed and osl.is_fixed and not fields.raw("data_set_differs")
    kind = None if has_length else fields.text("data_set") or "requests of different lengths"
    if not fields.layout.counts_input:
        kind = f"{fields.layout.name.replace('_', ' ')}: output tokens alone"
    if not fields.layout.has_speed:
        kind = fields.layout.name.replace("_", " ")
    found: dict[str, Any] = {}
    if kind or arrivals:
        said = context.facts.get("scenario") or kind
        found |= {"workload": "other", "scenario": "; ".join(str(words) for words in (said, arrivals) if words)}
    if has_length and not lengths_in(context.file):
        for name, length in (("isl_tok", isl), ("osl_tok", osl)):
            if length.asked or name not in context.facts:  # a mean gives way to what a person states
                found[name] = length.tok
        found["lengths_are_means"] = any(
            length.is_mean and name not in context.facts for name, length in (("isl_tok", isl), ("osl_tok", osl))
        )
    if arrivals:
        found["requests_per_s"] = rate
        conc = _in_flight(fields, row, osl)
        if conc is None:
            conc = context.facts.get("conc")
    elif conc is None and "conc" not in context.facts and fields.layout.counts_input:
        raise RowProblem("conc", "the file does not say how many requests were in flight; give conc")
    return found | {"conc": conc}


def _load(fields: Fields, num_ok: float) -> tuple[float | None, float | None, str | None]:
    """Requests in flight, their rate, and how they arrived: None where a fixed number in flight drew them."""
    conc, rate = fields.number("conc", infinite=True), fields.number("rate", infinite=True)
    kind = fields.layout.always or fields.text("arrivals")
    kind = kind and kind.strip().lower()
    conc = 1.0 if kind == "synchronous" else None if conc == math.inf else conc
    rate = None if rate == math.inf or not rate else rate
    path, _, ramp = fields.found(fields.layout.fields.get("ramp"))
    if ramp not in (None, 0, 0.0, False, "0", "none", "None"):
        return conc, rate, TRACE if path.endswith("fixed_schedule") else RAMP
    if kind in _AT_ONCE:
        return conc, rate, AT_ONCE
    is_rate_alone = kind is None and not (fields.layout.closed_with_conc and conc is not None)
    if (kind and kind not in _CLOSED) or (rate is not None and is_rate_alone):
        return conc, rate, _at_a_rate(fields, kind, conc)
    sent = fields.number("num_asked") or num_ok
    says_rate = fields.raw("rate") is not None
    if (conc is not None and conc > 1 and sent <= conc) or (conc is None and says_rate):
        return conc, None, AT_ONCE  # a limit that no request ever met
    return conc, None, None


def _at_a_rate(fields: Fields, kind: str | None, limit: float | None) -> str:
    """How requests arrive at a rate: all that tells two such loads apart besides the rate."""
    burstiness = fields.number("burstiness")
    words = [AT_A_RATE, kind if kind in _SPACING else "", f"at most {limit:g} in flight" if limit else ""]
    words.append(f"burstiness {burstiness:g}" if burstiness not in (None, 1.0) else "")
    return ", ".join(word for word in words if word)


def _in_flight(fields: Fields, row: Mapping, osl: Length) -> float | None:
    """Mean number of requests in flight: as measured, else rate x time of a request."""
    found = fields.number("mean_in_flight")
    if found is None:
        requests = fields.number("requests_per_s")
        if requests is None and fields.number("duration"):
            requests = row["num_requests_ok"] / fields.number("duration")
        for stat in ("mean", "median"):
            ttft, tpot, time = (row[f"{stat}_{latency}_s"] for latency in ("ttft", "tpot", "e2el"))
            if time is None and ttft and tpot and osl.mean:
                time = ttft + tpot * (osl.mean - 1)
            if time is not None and requests is not None:
                found = requests * time
                break
    return None if found is None else max(1, round(found))


def _day(fields: Fields) -> str | None:
    """The day in a time stamp: 20260520-101500, ISO 8601, or seconds since 1970, in UTC."""
    path, _, found = fields.found(fields.layout.fields.get("date"))
    if isinstance(found, int | float) and not isinstance(found, bool):
        try:
            return datetime.fromtimestamp(found, UTC).date().isoformat()
        except (ValueError, OverflowError, OSError):
            raise _problem(path, f"{shown(found)} is not a time") from None
    if isinstance(found, date):  # YAML knows days
        return found.isoformat()
    if not isinstance(found, str):
        return None
    stamp = re.match(r"(\d{4})(\d\d)(\d\d)-", found)
    return "-".join(stamp.groups()) if stamp else found
