"""What the curves say of one question: configurations, readings of them, answers for a GPU, pairs of two GPUs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from tokenfactory.methods import bands
from tokenfactory.methods.bands import BandModel, NotCalibrated
from tokenfactory.methods.pareto import Status

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
    throughput at this speed or faster, which may be another configuration's or a faster point's. `without_known_wrong`
    is `best` without runs that are known to have answered wrongly. `below` and `above` are the nearest measured points
    on either side of the speed.
    """

    gpu: str
    asked: float
    best: Reading | None
    at_least: Reading | None
    without_known_wrong: Reading | None
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
            label = ", ".join(say[name](one) for name, one in zip(names, value, strict=True)) + " on both"
            found.append(Condition(label, dict(zip(names, value, strict=True))))
    return found
