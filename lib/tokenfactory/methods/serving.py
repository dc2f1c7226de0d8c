"""Every way of serving one workload, read at the same speed per user; the best of each GPU; the ratio of two GPUs.

A *way* of serving is a GPU, engine, number format, speculation and topology, as measured on one day. Only points of
one way are joined to a curve. Points that their source has interpolated (`evidence` is not "measured") are ways of
their own, one for each page: they stand where the source read them, and what is read between two of them says so.

Throughput is interpolated; cost, energy and users follow from it, so that cost times throughput stays the price.
Nothing is read outside the measured range of a way: there the value is NaN and the status says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from tokenfactory.errors import NotMeasuredError
from tokenfactory.formulas import cost, power, power_figure
from tokenfactory.methods import bands, pareto
from tokenfactory.methods.bands import BandModel, NotCalibrated
from tokenfactory.methods.pareto import Frontiers, Method, Status

SPEED, TPUT = "interactivity_tok_per_s_per_user", "total_tok_per_s_per_gpu"
NOT_STATED = "not stated"
BEST = "best against best"

COVERAGE_FRAC = 0.9
# Nine of ten repeated runs of a recipe were no farther than this from the run before, in logarithms: the public
# InferenceMAX runs of December 2025 and January 2026. Published tables hold no repeated runs.
RUN_TO_RUN_LOG = 0.05

_HOW = {
    (True, Status.MEASURED): "measured",
    (True, Status.INTERPOLATED): "interpolated",
    (False, Status.MEASURED): "read by the source",
    (False, Status.INTERPOLATED): "between readings of the source",
}


@dataclass(frozen=True)
class Way:
    """One way of serving. `page` is empty for measured points; None and "not stated" are a source's silence."""

    gpu: str
    framework: str | None
    precision: str
    spec_decoding: str
    is_disaggregated: bool | None
    is_measured: bool
    as_of: date | None
    page: str

    @property
    def month(self) -> str | None:
        return None if self.as_of is None else f"{self.as_of:%Y-%m}"

    @property
    def speculation(self) -> str:
        return {"mtp": "MTP", "none": "no MTP"}.get(self.spec_decoding, "MTP not stated")

    @property
    def topology(self) -> str:
        return {True: "disaggregated", False: "aggregated", None: "topology not stated"}[self.is_disaggregated]

    def __str__(self) -> str:
        known = (self.framework, self.precision.upper() if self.precision != NOT_STATED else None)
        known += (self.speculation, self.topology if self.is_disaggregated is not None else None)
        return " ".join(filter(None, (*known, self.as_of and str(self.as_of))))


@dataclass(frozen=True)
class Band:
    """How far to trust a reading. `usual_log` is the usual distance between neighbouring measured knots."""

    model: BandModel | NotCalibrated
    usual_log: float

    def around(self, value: np.ndarray, distance_log: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The ends of the band around readings; NaN where nothing is measured or too little to learn from."""
        if isinstance(self.model, NotCalibrated):
            return np.full(value.shape, np.nan), np.full(value.shape, np.nan)
        return self.model.band(value, distance_log)


@dataclass(frozen=True)
class Readings:
    """All ways (rows) at all speeds (columns): total tokens per second and GPU, how known, and the 90 % band."""

    ways: Sequence[Way]
    speeds: np.ndarray
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    status: np.ndarray
    knots: Frontiers

    def how(self, way: int, speed: int) -> str:
        """In words how a value came about: "measured", "interpolated", ..., or "not measured"."""
        if way < 0:
            return "not measured"
        return _HOW.get((self.ways[way].is_measured, Status(self.status[way, speed])), "not measured")

    def best(self, is_wanted: Callable[[Way], bool]) -> np.ndarray:
        """For each speed the number of the wanted way with most throughput; -1 where none of them was measured."""
        wanted = np.array([is_wanted(way) for way in self.ways], bool)[:, None]
        value = np.where(wanted & ~np.isnan(self.value), self.value, -np.inf)
        if not len(value):
            return np.full(self.speeds.size, -1)
        return np.where(np.isneginf(value.max(axis=0)), -1, value.argmax(axis=0))


@dataclass(frozen=True)
class Condition:
    """What two ways must have in common to be compared; nothing for best against best."""

    label: str
    same: Mapping[str, object]

    def holds(self, way: Way) -> bool:
        return all(getattr(way, name) == value for name, value in self.same.items())


@dataclass(frozen=True)
class Ratio:
    """Throughput of a subject over a baseline at each speed, its band, and the numbers of the two ways (-1: none)."""

    condition: Condition
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    subject: np.ndarray
    baseline: np.ndarray


def way_of(row: Mapping) -> Way:
    """The way of serving that a row of the view `points` belongs to."""
    is_measured = row["evidence"] == "measured"
    page = "" if is_measured else row["source_url"]
    named = (row[name] for name in ("gpu", "framework", "precision", "spec_decoding", "is_disaggregated"))
    return Way(*named, is_measured, row["as_of"], page)


def _numbered(labels: Iterable) -> tuple[list, np.ndarray]:
    numbers: dict = {}
    ids = np.array([numbers.setdefault(label, len(numbers)) for label in labels], int)
    return list(numbers), ids


def _knots(rows: Sequence[Mapping], ids: np.ndarray) -> Frontiers:
    return pareto.find(ids, [row[SPEED] for row in rows], [row[TPUT] for row in rows])


def measured_knots(rows: Sequence[Mapping]) -> Frontiers:
    """The frontiers of all measured ways of serving of every model and workload.

    Parameters
    ----------
    rows : rows of the view `points`; those that are not measured are not used
    """
    rows = [row for row in rows if row["evidence"] == "measured"]
    return _knots(rows, _numbered((row["model"], row["isl"], row["osl"], way_of(row)) for row in rows)[1])


def learn_band(rows: Sequence[Mapping]) -> Band:
    """Learn bands from all measured points there are, of every model and workload."""
    knots = measured_knots(rows)
    left_out = bands.leave_one_out(knots)
    model = bands.calibrate(left_out, repeat_log=RUN_TO_RUN_LOG, coverage_frac=COVERAGE_FRAC)
    is_step = np.diff(knots.series) == 0
    steps = np.hypot(np.diff(np.log(knots.x)), np.diff(np.log(knots.y)))[is_step]
    return Band(model, float(np.median(steps)) if steps.size else np.nan)


def read(rows: Sequence[Mapping], speeds: Sequence[float], band: Band, *, method: Method = "linear_two_knots"):
    """Every way of serving of one workload at every speed.

    Parameters
    ----------
    rows : rows of the view `points` of one model and one pair of lengths
    speeds : speeds per user [tok/s]
    band : from `learn_band`
    method : how two knots are read between

    Notes
    -----
    A source that interpolates does not say between which points. Its readings get the band of a reading between
    knots that lie as far apart as measured ones usually do; between two of its readings, at least that.

    Examples
    --------
    >>> row = dict(gpu="x1", framework="e", precision="fp8", spec_decoding="none", is_disaggregated=False,
    ...            evidence="measured", as_of=None, source_url="")
    >>> rows = [row | {SPEED: 20.0, TPUT: 400.0}, row | {SPEED: 40.0, TPUT: 200.0}]
    >>> readings = read(rows, [20, 30, 50], Band(NotCalibrated("points", 2, 19), 1.0))
    >>> readings.value[0], [readings.how(0, column) for column in range(3)]
    (array([400., 300.,  nan]), ['measured', 'interpolated', 'not measured'])
    """
    ways, ids = _numbered(way_of(row) for row in rows)
    knots = _knots(rows, ids)
    speeds = np.asarray(speeds, float)
    answer = pareto.values_at(knots, speeds, method=method)
    distance = bands.distance_log(knots, speeds)
    is_reading = np.array([not way.is_measured for way in ways], bool)
    distance[is_reading] = np.maximum(distance[is_reading], band.usual_log)
    low, high = band.around(answer.value, distance)
    return Readings(ways, speeds, answer.value, low, high, answer.status, knots)


def conditions(ways: Sequence[Way], subject: str, baseline: str) -> list[Condition]:
    """Best against best, then everything that some way of both GPUs has in common.

    What a source does not state is in common with nothing.
    """
    of = {gpu: [way for way in ways if way.gpu == gpu] for gpu in (subject, baseline)}

    def shared(names: tuple[str, ...]) -> list[tuple]:
        values = [{tuple(getattr(way, name) for name in names) for way in of[gpu]} for gpu in (subject, baseline)]
        silent = {None, NOT_STATED}
        return sorted(value for value in values[0] & values[1] if not silent & set(value))

    say = {
        "precision": lambda value: value.upper(),
        "spec_decoding": {"mtp": "MTP", "none": "no MTP"}.get,
        "is_disaggregated": {True: "disaggregated", False: "aggregated"}.get,
        "month": lambda value: f"measured in {value}",
    }
    found = [Condition(BEST, {})]
    alike = ("precision", "spec_decoding", "is_disaggregated")
    for names in (*((name,) for name in alike), ("precision", "spec_decoding"), alike, ("month",)):
        for value in shared(names):
            label = ", ".join(say[name](one) for name, one in zip(names, value, strict=True)) + " on both"
            found.append(Condition(label, dict(zip(names, value, strict=True))))
    return found


def ratio(readings: Readings, subject: str, baseline: str, condition: Condition) -> Ratio:
    """The best way of one GPU over the best of another, of those for which the condition holds."""
    ends, best = [], []
    columns = np.arange(readings.speeds.size)
    for gpu in (subject, baseline):
        chosen = readings.best(lambda way, gpu=gpu: way.gpu == gpu and condition.holds(way))
        taken = (np.append(table, np.full((1, columns.size), np.nan), axis=0)[chosen, columns]
                 for table in (readings.low, readings.value, readings.high))  # fmt: skip
        ends.append(tuple(taken))
        best.append(chosen)
    value = ends[0][1] / ends[1][1]
    low, _, high = bands.ratio_band(*ends)
    return Ratio(condition, value, low, high, *best)


SCOPES = {
    "total": lambda *, total, isl_tok, osl_tok: total,
    "output": cost.output_scope,
    "input": cost.input_scope,
}


def table(
    readings: Readings,
    gpus: Sequence[str],
    *,
    usd_per_gpu_hour: Mapping[str, float],
    kw_per_gpu: Mapping[str, float],
    isl: int,
    osl: int,
    token_scope: str = "total",
) -> list[dict]:
    """The best way of each GPU at each speed, with what follows from its throughput: one row per speed and GPU.

    Where nothing was measured the figures are None and `how` says so; `nearest_speed` is then the nearest speed at
    which some way of the GPU has a point, and `nearest` that way. A GPU without a price has no cost, one without a
    power figure no throughput per megawatt.

    Raises
    ------
    MixedBasisError : power figures that carry bases, and not all the same one

    Notes
    -----
    GPUs per 1,000 users is 1000 v / o, with the speed per user v and the output tokens per second and GPU o: users
    who all receive tokens at that speed at the same time.
    """
    power_figure.check_together(kw_per_gpu.values())
    rows = []
    best = {gpu: readings.best(lambda way, gpu=gpu: way.gpu == gpu) for gpu in gpus}
    lengths = dict(isl_tok=isl, osl_tok=osl)
    for column, speed in enumerate(map(float, readings.speeds)):
        for gpu in gpus:
            way = int(best[gpu][column])
            row = dict.fromkeys(_FIGURES) | {"gpu": gpu, "speed": speed, "how": readings.how(way, column)}
            if way < 0:
                rows.append(row | _nearest(readings, gpu, speed))
                continue
            figures = (float(part[way, column]) for part in (readings.value, readings.low, readings.high))
            tput, low, high = (SCOPES[token_scope](total=total, **lengths) for total in figures)
            out = cost.output_scope(total=float(readings.value[way, column]), **lengths)
            row |= {"tput": tput, "tput_low": low, "tput_high": high, "num_gpu_per_1000_users": 1000 * speed / out}
            if gpu in usd_per_gpu_hour:
                for name, rate in (("", tput), ("_low", high), ("_high", low)):
                    row[f"usd_per_mtok{name}"] = cost.usd_per_mtok(
                        usd_per_gpu_hour=usd_per_gpu_hour[gpu], tok_per_s_per_gpu=rate
                    )
            if gpu in kw_per_gpu:
                row["tok_per_s_per_mw"] = power.tok_per_s_per_mw(tok_per_s_per_gpu=tput, kw_per_gpu=kw_per_gpu[gpu])
            rows.append(row | {"way": readings.ways[way], "status": Status(readings.status[way, column])})
    return rows


_FIGURES = (
    *("tput", "tput_low", "tput_high", "usd_per_mtok", "usd_per_mtok_low", "usd_per_mtok_high"),
    *("tok_per_s_per_mw", "num_gpu_per_1000_users", "way", "status", "nearest", "nearest_speed"),
)


def _nearest(readings: Readings, gpu: str, speed: float) -> dict:
    of_gpu = np.flatnonzero([readings.ways[series].gpu == gpu for series in readings.knots.series])
    if not of_gpu.size:
        return {}
    knot = of_gpu[np.abs(np.log(readings.knots.x[of_gpu] / speed)).argmin()]
    return {"nearest": readings.ways[readings.knots.series[knot]], "nearest_speed": float(readings.knots.x[knot])}


def compare(
    rows: Sequence[Mapping],
    *,
    model: str,
    isl: int,
    osl: int,
    speeds: Sequence[float],
    gpus: Sequence[str] | None = None,
    usd_per_gpu_hour: Mapping[str, float],
    kw_per_gpu: Mapping[str, float],
) -> list[dict]:
    """`table` for one workload, from all points there are.

    Parameters
    ----------
    rows : all rows of the view `points`; bands are learned from every model and workload
    gpus : GPUs to compare; None for all that were measured on this workload

    Raises
    ------
    NotMeasuredError : no point of this model and these lengths; says which lengths have points
    """
    of_model = [row for row in rows if row["model"] == model]
    of_workload = [row for row in of_model if (row["isl"], row["osl"]) == (isl, osl)]
    if not of_workload:
        known = sorted({(row["isl"], row["osl"]) for row in of_model})
        have = ", ".join(f"{i}/{o}" for i, o in known) or "none"
        raise NotMeasuredError(f"no point of {model} at {isl}/{osl} tokens; lengths with points: {have}")
    readings = read(of_workload, speeds, learn_band(rows))
    gpus = gpus or sorted({row["gpu"] for row in of_workload})
    return table(readings, gpus, usd_per_gpu_hour=usd_per_gpu_hour, kw_per_gpu=kw_per_gpu, isl=isl, osl=osl)
