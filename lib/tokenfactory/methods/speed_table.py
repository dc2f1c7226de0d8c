"""All serving configurations of a workload at many speeds, and which of them is best."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tokenfactory.methods import pareto
from tokenfactory.methods.pareto import Frontiers, Status
from tokenfactory.methods.readings import (
    GAP_ERROR,
    GAP_METHOD,
    WIDE_ERROR,
    WIDE_GAP,
    Reading,
    ServingConfiguration,
)  # fmt: skip

if TYPE_CHECKING:
    from tokenfactory.methods.serving import Curves


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
        recipe = numbered(one.recipe for one in self.configurations)[1]
        day = np.array([one.as_of.toordinal() if one.as_of else 0 for one in self.configurations])
        newest = np.full((recipe.max(initial=-1) + 1, self.speeds.size), -1)
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
        is_wanted = np.array([is_wanted(one) for one in self.configurations], bool)[:, None]
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
