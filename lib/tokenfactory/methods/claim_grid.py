"""All places at which two systems of a claim were measured: every pair of ways of serving, speed and price tier."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from tokenfactory.methods import bands
from tokenfactory.methods.claim_words import Understood as Understood
from tokenfactory.methods.pareto import Status
from tokenfactory.methods.serving import RUN_TO_RUN_LOG, WIDE_GAP, Bands, Curves, SpeedTable

GRID = (20.0, 35.0, 50.0, 75.0, 100.0, 150.0, 200.0)


@dataclass(frozen=True)
class Cell:
    """A ratio with its band at one place of the grid, and the place in words."""

    ratio: float
    low: float
    high: float
    where: str


@dataclass(frozen=True)
class Tier:
    """Prices or powers of one basis from one day on, by GPU."""

    name: str
    basis: str
    since: date
    until: date | None
    value: Mapping[str, float]

    def covers(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day < self.until)

    def turns(self, subject: str, baseline: str) -> float:
        """The factor from a ratio of throughputs to one of throughput per dollar or kilowatt; NaN where unknown."""
        return self.value.get(baseline, math.nan) / self.value.get(subject, math.nan)


class _Same(Tier):
    """For ratios of throughputs themselves."""

    def turns(self, subject: str, baseline: str) -> float:
        return 1.0


def tiers(rows: Sequence[Mapping], value: str) -> list[Tier]:
    """Rows of the price or power book of one owner as tiers: one for each basis and day on which a figure changed."""
    found = []
    for basis in sorted({row["basis"] for row in rows}):
        of_basis = [row for row in rows if row["basis"] == basis]
        days = sorted({row["effective_from"] for row in of_basis})
        for day, after in zip(days, [*days[1:], None], strict=True):
            held = {
                row["gpu"]: row[value]
                for row in of_basis
                if row["effective_from"] <= day and (row["effective_to"] is None or day < row["effective_to"])
            }
            found.append(Tier(f"{basis.replace('_', ' ')} since {day}", basis, day, after, held))
    return found


@dataclass(frozen=True)
class _Grid:
    """All places at which two ways of serving were both measured, laid end to end."""

    ratio: np.ndarray
    low: np.ndarray
    high: np.ndarray
    is_stated: np.ndarray
    place: np.ndarray  # numbers of workload, tier, subject's way, baseline's way and speed
    workloads: Sequence[tuple[tuple, SpeedTable]]
    tiers: Sequence[Tier]

    @classmethod
    def of(cls, rows, learned: Bands, said: Understood, known: Sequence[tuple[Tier, bool]]) -> _Grid:
        parts, workloads = [], []
        speeds = np.array(sorted({*GRID, *said.speeds}))
        for workload in sorted({(row["model"], row["isl"], row["osl"]) for row in rows}):
            of_workload = [row for row in rows if (row["model"], row["isl"], row["osl"]) == workload]
            readings = Curves.of_workload(of_workload, learned).read(speeds)
            if said.is_peak:
                readings = _with_peaks(readings)
            parts.append(cls._part(len(workloads), readings, said, known))
            workloads.append((workload, readings))
        joined = (np.concatenate(part) for part in zip(*parts, strict=True))
        return cls(*joined, workloads, [tier for tier, _ in known])

    @staticmethod
    def _part(number: int, readings: SpeedTable, said: Understood, known: Sequence[tuple[Tier, bool]]) -> tuple:
        ways = readings.configurations
        a, b = (np.array([i for i, way in enumerate(ways) if way.gpu in side.gpus], int)
                for side in (said.subject, said.baseline))  # fmt: skip
        tables = (readings.low, readings.value, readings.high)
        of_a, of_b = tuple(t[a][:, None] for t in tables), tuple(t[b][None, :] for t in tables)
        bounds = bands.ratio_band(of_a, of_b)
        turns = [tier.turns(ways[i].gpu, ways[j].gpu) for tier, _ in known for i in a for j in b]
        factor = np.array(turns, float).reshape(len(known), a.size, b.size)
        low, ratio, high = (factor[..., None] * bound[None] for bound in bounds)
        low, high = (np.where(np.isnan(end), ratio, end) for end in (low, high))  # without a band, the reading alone
        holds_a = np.array([said.subject.holds(ways[i]) for i in a], bool)
        holds_b = np.array([said.baseline.holds(ways[j]) for j in b], bool)
        holds = (holds_a[:, None] & holds_b)[None, :, :, None]
        at = np.isnan(readings.speeds) if said.is_peak else np.isin(readings.speeds, said.speeds)
        is_stated = holds & at & np.array([stated for _, stated in known])[:, None, None, None]
        is_wide = (readings.gap[a] > WIDE_GAP)[:, None] | (readings.gap[b] > WIDE_GAP)
        is_there = ~(np.isnan(ratio) | is_wide) & (a[:, None] != b)[None, :, :, None]
        if said.subject.gpus == said.baseline.gpus:
            is_there &= holds  # of one GPU against itself only the named ways make sense
        where = np.argwhere(is_there)
        place = np.column_stack([np.full(len(where), number), where[:, 0], a[where[:, 1]], b[where[:, 2]], where[:, 3]])
        is_stated = np.broadcast_to(is_stated, ratio.shape)
        return ratio[is_there], low[is_there], high[is_there], is_stated[is_there], place

    def told_apart(self, is_some: np.ndarray) -> tuple[str, ...]:
        """The conditions that all of some places meet and not all of the others, in words."""
        if not is_some.any() or is_some.all():
            return ()
        found = []
        of_ways: dict = {}  # thousands of places share a few ways
        places = (self._conditions(place, of_ways) for place in self.place.tolist())
        for alternatives in zip(*places, strict=True):
            mine = {one for one, is_one in zip(alternatives, is_some, strict=True) if is_one}
            if len(mine) < len(set(alternatives)):
                found.append(alternatives[0][-1].format(" or ".join(text for _, text, _ in sorted(mine))))
        return tuple(found)

    def _conditions(self, place: Sequence[int], of_ways: dict) -> list[tuple]:
        """What could be chosen otherwise at a place: a key to sort by, the choice in words, and a frame for them."""
        workload, tier, a, b, speed = place
        (_, isl, osl), readings = self.workloads[workload]
        at, name = float(readings.speeds[speed]), self.tiers[tier].name
        asked = (0.0, "peak") if math.isnan(at) else (at, f"{at:g}")
        chosen = [((isl, osl), f"{isl}/{osl}", "{} tokens"), (*asked, "{} tok/s per user")]
        for i in (a, b):
            if (workload, i) not in of_ways:
                way = readings.configurations[i]
                texts = (way.precision.upper(), way.speculation, way.topology, way.framework or "engine not stated")
                of_ways[workload, i] = [(text, f"{way.gpu.upper()} {text}", "{}") for text in texts]
            chosen += of_ways[workload, i]
        return [*chosen, (name, name, "{}")]

    def is_measured(self, indices: np.ndarray) -> np.ndarray:
        """Whether both ways of these places are measured ones, not readings of a source."""
        places = ((self.workloads[w][1].configurations, a, b) for w, _, a, b, _ in self.place[indices])
        return np.array([ways[a].is_measured and ways[b].is_measured for ways, a, b in places], bool)

    def cell(self, index: int) -> Cell:
        workload, tier, a, b, speed = self.place[index]
        (model, isl, osl), readings = self.workloads[workload]
        subject, baseline = (
            f"{readings.configurations[i].gpu.upper()} {readings.configurations[i]} ({readings.how(i, speed)})"
            for i in (a, b)
        )
        is_peak = np.isnan(readings.speeds[speed])
        at = "each at its peak" if is_peak else f"{readings.speeds[speed]:g} tok/s per user"
        basis = f", {self.tiers[tier].name}" if self.tiers[tier].name else ""
        where = f"{model} {isl}/{osl}, {at}: {subject} against {baseline}{basis}"
        return Cell(float(self.ratio[index]), float(self.low[index]), float(self.high[index]), where)


def _with_peaks(readings: SpeedTable) -> SpeedTable:
    """One more column, at no speed: the highest measured throughput of each way."""
    knots = readings.knots
    at = knots.start[:-1, None]  # the slowest knot has most throughput, and every configuration has one
    peak, ones = knots.y[at], np.ones(at.shape)
    low, high = peak * np.exp(-RUN_TO_RUN_LOG), peak * np.exp(RUN_TO_RUN_LOG)
    more = {"value": peak, "low": low, "high": high, "low_other_day": low, "high_other_day": high, "gap": ones,
            "below": at, "above": at, "status": np.full(at.shape, Status.MEASURED)}  # fmt: skip
    columns = {name: np.append(getattr(readings, name), column, axis=1) for name, column in more.items()}
    return replace(readings, speeds=np.append(readings.speeds, np.nan), **columns)
