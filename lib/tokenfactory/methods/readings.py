"""What the curves say: configurations, readings of them at many speeds, answers for a GPU, pairs of two GPUs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tokenfactory.methods import bands, pareto
from tokenfactory.methods.bands import BandModel, NotCalibrated
from tokenfactory.methods.pareto import Frontiers, Status

if TYPE_CHECKING:
    from tokenfactory.methods.serving import Curves

SPEED, TPUT = "interactivity_tok_per_s_per_user", "total_tok_per_s_per_gpu"
NOT_STATED = "not stated"
BEST = "best against best"

# Of repeated public runs half differ in speed by more: this close to a curve's end, the end answers.
SAME_SPEED = 1.005
# Read across a larger ratio of neighbouring throughputs one reading in ten is off by half or more ...
WIDE_GAP = 5.0
WIDE_ERROR = 1.5
# ... and beyond the limit by a factor of two, read straight in log throughput, which is least biased there.
GAP_ERROR = 2.0
GAP_METHOD = "straight line in log throughput"

_HOW = {
    ("measured", True): "measured",
    ("measured", False): "interpolated",
    ("derived", True): "derived from latencies",
    ("derived", False): "interpolated, partly derived from latencies",
    ("interpolated", True): "interpolated by InferenceX",
    ("interpolated", False): "between values that InferenceX interpolated",
}
_AT_ODDS = {True: ", on fewer recipes than InferenceX has", False: ", from more recipes than it shows"}
_STRENGTH = ("measured", "derived", "interpolated")


@dataclass(frozen=True)
class ServingConfiguration:
    """How a model is served. `page` is empty but for readings of a source; None and "not stated" are its silence."""

    gpu: str
    framework: str | None
    precision: str
    spec_decoding: str
    is_disaggregated: bool | None
    as_of: date | None
    page: str = ""
    is_known_wrong: bool = False

    @property
    def is_measured(self) -> bool:
        """Whether its points were measured, or derived from measurements; else a source has interpolated them."""
        return not self.page

    @property
    def month(self) -> str | None:
        return None if self.as_of is None else f"{self.as_of:%Y-%m}"

    @property
    def speculation(self) -> str:
        return {"mtp": "MTP", "none": "no MTP"}.get(self.spec_decoding, "MTP not stated")

    @property
    def topology(self) -> str:
        return {True: "disaggregated", False: "aggregated", None: "topology not stated"}[self.is_disaggregated]

    @property
    def recipe(self) -> tuple:
        """What a reading of a source gives way for, when it is measured."""
        return self.gpu, self.precision, self.spec_decoding

    def __str__(self) -> str:
        known = (self.framework, self.precision.upper() if self.precision != NOT_STATED else None)
        known += (self.speculation, self.topology if self.is_disaggregated is not None else None)
        known += (self.as_of and str(self.as_of), "known to answer wrongly" if self.is_known_wrong else None)
        return " ".join(filter(None, known))


def configuration_of(row: Mapping) -> ServingConfiguration:
    """The serving configuration that a row of the view `points` belongs to."""
    page = row["source_url"] if row.get("evidence") == "interpolated" else ""
    named = (row[name] for name in ("gpu", "framework", "precision", "spec_decoding", "is_disaggregated", "as_of"))
    return ServingConfiguration(*named, page, bool(row.get("is_known_wrong")))


@dataclass(frozen=True)
class Bands:
    """How far to trust a reading, repeated with the same software (`same_day`) or another day's (`other_day`)."""

    same_day: BandModel | NotCalibrated
    other_day: BandModel | NotCalibrated


@dataclass(frozen=True)
class Reading:
    """Total tokens per second and GPU of one configuration at one speed per user, with its bands and its points.

    `speed` is the asked one, or that of the point at a curve's end which is as good as equally fast (`SAME_SPEED`).
    `low` and `high` hold nine of ten repeats with the same software, `low_other_day` and `high_other_day` nine of ten
    with the software of another day or on other pools; NaN where too little was measured to learn them. `points` are
    the rows read from: one at a point, else the two on either side. `is_at_odds`: the source of these points reads this
    configuration, the same day, above what they make, so that it has points of more recipes than it shows.
    """

    configuration: ServingConfiguration
    speed: float
    tput_per_gpu: float
    low: float
    high: float
    low_other_day: float
    high_other_day: float
    status: Status
    points: tuple[Mapping, ...]
    is_at_odds: bool = False

    @property
    def gap(self) -> float:
        """The ratio of the throughputs that it was read between; 1 at a point."""
        return self.points[0][TPUT] / self.points[-1][TPUT]

    @property
    def is_wide(self) -> bool:
        return self.gap > WIDE_GAP

    @property
    def ranks(self) -> bool:
        """Whether it may be compared: not wide, and not from points that their own source reads above."""
        return not self.is_wide and not (self.is_at_odds and self.configuration.is_measured)

    @property
    def evidence(self) -> str:
        """That of its weakest point: measured, derived or interpolated (by the source)."""
        return max((row.get("evidence") or "measured" for row in self.points), key=_STRENGTH.index)

    @property
    def ways(self) -> tuple[str, ...]:
        """How it is known: as its weakest point, and interpolated where it was read between two."""
        is_between = self.status != Status.MEASURED
        return tuple(dict.fromkeys((self.evidence, *["interpolated"] * is_between)))

    @property
    def how(self) -> str:
        words = _HOW[self.evidence, self.status == Status.MEASURED]
        if self.is_at_odds:
            words += _AT_ODDS[self.configuration.is_measured]
        return f"{words}, across a wide gap" if self.is_wide else words

    @property
    def num_gpu(self) -> tuple[int, ...]:
        """The deployed GPUs of its points, where they are stated."""
        found = [row.get("num_gpu") or _pools(row) for row in self.points]
        return tuple(sorted({int(num) for num in found if num}))

    @property
    def num_users(self) -> tuple[int, ...]:
        """The requests in flight of its points, where they are stated."""
        return tuple(sorted({int(row["conc"]) for row in self.points if row.get("conc")}))


def _pools(row: Mapping) -> int | None:
    # Only disaggregated rows: in others both columns hold the tensor times the expert parallelism.
    if not row.get("is_disaggregated") or not row.get("num_decode_gpu"):
        return None
    return row["num_decode_gpu"] + (row.get("num_prefill_gpu") or 0)


@dataclass(frozen=True)
class Answer:
    """What one GPU makes at an asked speed.

    `best` is the best configuration at exactly this speed, or None where none was measured; a wide reading stands there
    only when nothing else answers, and never `ranks`, nor do points at odds with their source. `at_least` is the most
    throughput at this speed or faster, which may be another configuration's or a faster point's. `below` and
    `above` are the nearest measured points on either side of the speed.
    """

    gpu: str
    asked: float
    best: Reading | None
    at_least: Reading | None
    below: Reading | None
    above: Reading | None

    @property
    def ranks(self) -> bool:
        return self.best is not None and self.best.ranks

    @property
    def nearest(self) -> Reading | None:
        """The nearest measured point, by the ratio of speeds."""
        ends = [end for end in (self.below, self.above) if end]
        return min(ends, key=lambda end: abs(np.log(end.speed / self.asked)), default=None)

    @property
    def why_not(self) -> str:
        """Why there is no answer, and the nearest speeds with one, in a sentence; empty where there is."""
        if self.best is not None:
            return ""
        start = f"{self.gpu.upper()} is not measured at {self.asked:g} tok/s per user"
        if self.below and self.above and self.below.configuration == self.above.configuration:
            ends = f"{self.below.speed:.4g} and {self.above.speed:.4g}"
            return f"{start}: the points at {ends} lie too far apart to read between"
        near = " and ".join(f"{end.speed:.4g}" for end in (self.below, self.above) if end)
        return f"{start}: its nearest points are at {near}" if near else f"{start}, nor at any other speed"


@dataclass(frozen=True)
class Condition:
    """What two configurations must have in common to be compared; nothing for best against best."""

    label: str
    same: Mapping[str, object]

    def holds(self, configuration: ServingConfiguration) -> bool:
        return all(getattr(configuration, name) == value for name, value in self.same.items())


@dataclass(frozen=True)
class Pair:
    """A subject and a baseline that are equally fast, each the best of its system under a condition."""

    condition: Condition
    speed: float
    subject: Reading
    baseline: Reading

    @property
    def ratio(self) -> float:
        """Throughput of the subject over that of the baseline."""
        return self.subject.tput_per_gpu / self.baseline.tput_per_gpu

    @property
    def band(self) -> tuple[float, float]:
        """The ends of the ratio's 90% band, same software."""
        return self._band("low", "high")

    @property
    def band_other_day(self) -> tuple[float, float]:
        """The ends of the ratio's 90% band with the software of other days and other pools."""
        return self._band("low_other_day", "high_other_day")

    def _band(self, low: str, high: str) -> tuple[float, float]:
        ends = ((getattr(end, low), end.tput_per_gpu, getattr(end, high)) for end in (self.subject, self.baseline))
        least, _, most = bands.ratio_band(*ends)
        return float(least), float(most)

    @property
    def is_known_wrong(self) -> bool:
        return self.subject.configuration.is_known_wrong or self.baseline.configuration.is_known_wrong

    @property
    def evidence(self) -> str:
        """That of its weaker reading."""
        return max(self.subject.evidence, self.baseline.evidence, key=_STRENGTH.index)

    @property
    def ways(self) -> tuple[str, ...]:
        """How its two readings are known."""
        return tuple(dict.fromkeys((*self.subject.ways, *self.baseline.ways)))


def conditions(configurations: Sequence[ServingConfiguration], subject: str, baseline: str) -> list[Condition]:
    """Best against best, then everything that some configuration of both GPUs has in common.

    What a source does not state is in common with nothing.
    """
    of = {gpu: [one for one in configurations if one.gpu == gpu] for gpu in (subject, baseline)}

    def shared(names: tuple[str, ...]) -> list[tuple]:
        values = [{tuple(getattr(one, name) for name in names) for one in of[gpu]} for gpu in (subject, baseline)]
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
            same = dict(zip(names, value, strict=True))
            found.append(Condition(", ".join(say[name](one) for name, one in same.items()) + " on both", same))
    return found


def numbered(labels: Iterable) -> tuple[list, np.ndarray]:
    """Distinct labels in their order, and the number of each given one."""
    numbers: dict = {}
    ids = np.array([numbers.setdefault(label, len(numbers)) for label in labels], int)
    return list(numbers), ids


@dataclass(frozen=True)
class SpeedTable:
    """All configurations (rows) at all speeds (columns) [total tok/(s GPU)]; NaN where nothing is measured."""

    curves: Curves
    speeds: np.ndarray
    value: np.ndarray
    status: np.ndarray
    gap: np.ndarray
    below: np.ndarray  # numbers of the knots on either side, -1 where none
    above: np.ndarray
    low: np.ndarray
    high: np.ndarray
    low_other_day: np.ndarray
    high_other_day: np.ndarray

    @property
    def configurations(self) -> Sequence[ServingConfiguration]:
        return self.curves.configurations

    @property
    def knots(self) -> Frontiers:
        return self.curves.knots

    @cached_property
    def is_usable(self) -> np.ndarray:
        """What is sure: not wide; a reading of a source only where nothing measured of its recipe, as new, answers.

        Points at odds with their source do not silence its readings.
        """
        usable = ~np.isnan(self.value) & (self.gap <= WIDE_GAP)
        is_source, at_odds = self.curves._is_source, self.curves._is_at_odds
        return usable & ~(is_source[:, None] & self._has_as_new(usable & ~(is_source | at_odds)[:, None]))

    def _has_as_new(self, is_there: np.ndarray) -> np.ndarray:
        """Where some configuration that is there has the recipe of each one, and is no older."""
        recipes, recipe = numbered(one.recipe for one in self.configurations)
        day = np.array([one.as_of.toordinal() if one.as_of else 0 for one in self.configurations])
        newest = np.full((len(recipes), self.speeds.size), -1)
        np.maximum.at(newest, recipe, np.where(is_there, day[:, None], -1))
        return newest[recipe] >= day[:, None]

    def best(self, is_wanted: Callable[[ServingConfiguration], bool]) -> np.ndarray:
        """For each speed the number of the wanted configuration with most throughput; -1 where none was measured.

        A wide reading is chosen where no other answers, or where even a third less of it would beat those that do. And
        where half of what a curve may have inside a gap would beat them all, none is chosen: which one is best was not
        measured there. Neither counts where a sure reading of the same GPU, format and speculation, and no older, is.
        """
        if not len(self.configurations):
            return np.full(self.speeds.size, -1)
        is_wanted = np.array([is_wanted(one) for one in self.configurations])[:, None]
        is_sure = is_wanted & self.is_usable
        is_open = is_wanted & ~self._has_as_new(self.is_usable)
        is_wide = is_open & (self.gap > WIDE_GAP) & ~np.isnan(self.value)
        is_hidden = is_open & (self.status == Status.IN_GAP)
        least = np.where(is_sure, self.value, np.where(is_wide, self.value / WIDE_ERROR, -np.inf))
        hidden = np.where(is_hidden, self.in_gap / GAP_ERROR, -np.inf)
        is_known = (is_sure | is_wide).any(axis=0) & (least.max(axis=0) >= hidden.max(axis=0))
        return np.where(is_known, least.argmax(axis=0), -1)

    @cached_property
    def in_gap(self) -> np.ndarray:
        """What a straight line in log throughput has, across any gap: no answer, but enough to doubt another one."""
        return pareto.interpolate(self.knots, self.speeds, method=GAP_METHOD, max_gap=np.inf).value

    def one(self, number: int, column: int) -> Reading | None:
        """One reading with its points; None for configuration number -1."""
        if number < 0:
            return None
        ends = dict.fromkeys((int(self.below[number, column]), int(self.above[number, column])))
        points = tuple(self.curves.rows[self.knots.point[knot]] for knot in ends)
        named = ("value", "low", "high", "low_other_day", "high_other_day")
        parts = (float(getattr(self, name)[number, column]) for name in named)
        status = Status(self.status[number, column])
        # A curve's end may answer for a speed next to it; the column of peaks has no speed.
        at = self.knots.x[self.below[number, column]] if status == Status.MEASURED else self.speeds[column]
        at_odds = bool(self.curves._is_at_odds[number])
        return Reading(self.configurations[number], float(at), *parts, status, points, at_odds)

    def how(self, number: int, column: int) -> str:
        """In words how a value came about: "measured", "interpolated", ..., or "not measured"."""
        is_there = number >= 0 and not np.isnan(self.value[number, column])
        return self.one(number, column).how if is_there else "not measured"

    def lines(self) -> list[dict]:
        """The best configuration of each GPU at each speed, as rows of a chart: a piece for each configuration."""
        rows = []
        for gpu in self.curves.gpus:
            for column, i in enumerate(self.best(lambda one, gpu=gpu: one.gpu == gpu).tolist()):
                if i < 0:
                    continue
                row = {"gpu": gpu, "piece": f"{gpu} {i}", "speed": float(self.speeds[column])}
                row |= {name: float(getattr(self, name)[i, column]) for name in ("value", "low", "high")}
                rows.append(row | {"how": self.how(i, column)})
        return rows

    def dots(self, lines: Sequence[Mapping]) -> list[dict]:
        """The points behind `lines`, as rows of a chart."""
        drawn, rows = {row["piece"] for row in lines}, []
        knots = self.knots
        for i, speed, value in zip(knots.series.tolist(), knots.x.tolist(), knots.y.tolist(), strict=True):
            one = self.configurations[i]
            if f"{one.gpu} {i}" in drawn:
                known = "measured" if one.is_measured else "interpolated by InferenceX"
                rows.append({"gpu": one.gpu, "speed": speed, "value": value, "known": known, "by": one})
        return rows
