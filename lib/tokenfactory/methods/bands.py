"""How sure an interpolated throughput is: bands learned from points that were left out.

Two things make the value between two measured points uncertain. Running the same configuration again gives a slightly
different number. And the curve between the points is a guess, a worse one the farther apart they are. A third stands
beside them: the same recipe with the software of another day, or on pools of another shape, is another curve. All are
taken from measurements, not from a distribution that one would have to believe in:

1. `leave_one_out` removes each inner knot of each front, reads the curve through the other knots at its speed, and
   notes the error, in natural logarithms, with the gap that it was read across. `other_days` reads each curve at the
   points of the same recipe of another day or topology instead.
2. `calibrate` takes, for each class of gap and each topology, the errors between which the wanted share of them lies.
3. `BandModel.band` puts these around any other reading of the class.

This is conformal prediction by group ("Mondrian"): if new errors are like the noted ones of their group, the share
holds in every group without further assumptions. The points of one series err together, so the number of series
counts more than the number of errors.

References
----------
V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random World", Springer 2005 (conformal prediction; 4.5
on Mondrian predictors).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tokenfactory.errors import ParameterError, TokenFactoryError
from tokenfactory.methods import pareto
from tokenfactory.methods.pareto import Frontiers

GAP_CLASSES = (1.0, 2.0, 5.0, pareto.MAX_GAP)
"""Upper ends of the classes of gap (ratio of neighbouring throughputs) that bands are learned for; 1 is a point."""

MIN_SERIES = 12
"""Series from which the two sides of a band are learned apart."""

BIAS_CLASSES = (1.25, 2.0, 5.0, pareto.MAX_GAP, math.inf)
"""Upper ends of the classes of the table of bias."""


@dataclass(frozen=True)
class NotCalibrated:
    """Too few measurements to learn a band from: `str()` says what was missing."""

    what: str
    num_found: int
    num_needed: int

    def __str__(self) -> str:
        return f"no band: {self.num_needed} {self.what} are needed to learn one, and the data has {self.num_found}"


@dataclass(frozen=True)
class LeftOut:
    """Measured points, each beside what other points say at its speed; `point` as in `Frontiers`."""

    series_id: np.ndarray
    point: np.ndarray
    measured: np.ndarray
    predicted: np.ndarray
    gap: np.ndarray
    is_disaggregated: np.ndarray

    @property
    def error_log(self) -> np.ndarray:
        return np.log(self.measured / self.predicted)

    @property
    def group(self) -> np.ndarray:
        return group_of(self.gap, self.is_disaggregated)

    def where(self, is_wanted: np.ndarray) -> LeftOut:
        """Some of them, to calibrate on these and check on the others."""
        return LeftOut(**{name: column[is_wanted] for name, column in vars(self).items()})


def group_of(gap: np.ndarray, is_disaggregated: np.ndarray) -> np.ndarray:
    """The number of the class of gap and topology; beyond the last class, one more.

    >>> group_of([1.0, 1.5, 1.5, 9.0], [False, False, True, True])
    array([0, 2, 3, 7])
    """
    return 2 * np.searchsorted(GAP_CLASSES, gap) + np.asarray(is_disaggregated, int)


@dataclass(frozen=True)
class BandModel:
    """A band around a reading: from exp(-below) to exp(above) times it, by group; NaN where too little was learned.

    `num_errors` and `num_series` say how much it was learned from, by group.
    """

    coverage_frac: float
    below: np.ndarray
    above: np.ndarray
    num_errors: np.ndarray
    num_series: np.ndarray

    def band(self, value: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The ends of the band around readings; NaN where nothing is measured.

        A cost is the price divided by a throughput, so its band is the price divided by the two ends, swapped.
        """
        below, above = (np.append(end, np.nan)[np.minimum(group, end.size)] for end in (self.below, self.above))
        return value * np.exp(-below), value * np.exp(above)

    def covers(self, left_out: LeftOut) -> np.ndarray:
        """Which of the left-out points lie in the band around their prediction."""
        low, high = self.band(left_out.predicted, left_out.group)
        return (low <= left_out.measured) & (left_out.measured <= high)


def gap_at(knots: Frontiers, targets: np.ndarray, series: np.ndarray | None = None) -> np.ndarray:
    """The ratio of the throughputs on both sides of each target: 1 at a knot, NaN where nothing is measured.

    As in `pareto.interpolate` every series is asked, or each target asks that of `series`.

    >>> gap_at(pareto.pareto_front([0, 0], [10, 20], [90, 30]), [9, 10, 12])
    array([[nan,  1.,  3.]])
    """
    series = np.arange(knots.num_series)[:, None] if series is None else series
    below, above = pareto.knots_around(knots, series, targets)
    y = np.append(knots.y, np.nan)  # one more, for the -1 of a target where nothing is measured
    return y[below] / y[above]


def leave_one_out(knots: Frontiers, is_disaggregated: np.ndarray | None = None, **how) -> LeftOut:
    """Remove each inner knot of each front and read the curve through the other knots at its speed.

    Parameters
    ----------
    is_disaggregated : for each series; None for none of them
    how : method and max_gap, as in `pareto.interpolate`

    Notes
    -----
    The end knots cannot be read between others and are not removed. The points that were no knots stay away: a reading
    lies between two of the best measured points, and so does each prediction here.

    >>> left_out = leave_one_out(pareto.pareto_front([0, 0, 0, 0], [10, 20, 30, 40], [40, 28, 20, 10]))
    >>> left_out.measured, left_out.predicted.round(2), left_out.gap.round(2)
    (array([28., 20.]), array([30.12, 17.99]), array([2. , 2.8]))
    """
    _refuse_non_positive(knots.x, knots.y)
    inner = np.setdiff1d(np.arange(knots.x.size), np.concatenate([knots.first, knots.last]))
    series = knots.series[inner]
    # One series of its own for each removed knot, with all knots of its series but that one.
    size = np.diff(knots.start)[series]
    trial = np.repeat(np.arange(inner.size), size)
    knot = np.arange(trial.size) + np.repeat(knots.start[series] - (np.cumsum(size) - size), size)
    is_other = knot != inner[trial]
    trial, knot = trial[is_other], knot[is_other]
    start = np.append(0, np.cumsum(size - 1))
    others = Frontiers(start=start, x=knots.x[knot], y=knots.y[knot], point=knot)
    targets = knots.x[inner][:, None]
    predicted = pareto.interpolate(others, targets, **how).value[:, 0]
    pools = np.zeros(knots.num_series, bool) if is_disaggregated is None else np.asarray(is_disaggregated, bool)
    found = LeftOut(series, knots.point[inner], knots.y[inner], predicted, gap_at(others, targets)[:, 0], pools[series])
    return found.where(~np.isnan(predicted))  # across a gap beyond the limit nothing is read


def other_days(knots: Frontiers, recipe_id: np.ndarray, is_disaggregated: np.ndarray) -> LeftOut:
    """Read each curve at the knots of the same recipe of another day or topology.

    Series with the same `recipe_id` differ only in day and topology; it stands in the left-out points as their
    `series_id`. There is one for each pair of a curve and a knot of another curve that it can be read at; across gaps
    that are not wide, also the same turned round: the knot as a reading at a point (gap 1), held against the curve.
    """
    recipe_id, pools, series = np.asarray(recipe_id, int), np.asarray(is_disaggregated, bool), knots.series
    recipe, num_curves = np.unique(recipe_id, return_inverse=True, return_counts=True)[1:]
    curves, first = np.argsort(recipe, kind="stable"), np.cumsum(num_curves) - num_curves
    # Every knot beside every curve of its recipe but its own.
    of_knot = recipe[series]
    size = num_curves[of_knot]
    knot = np.repeat(np.arange(series.size), size)
    curve = curves[np.arange(knot.size) + np.repeat(first[of_knot] - (np.cumsum(size) - size), size)]
    is_other = curve != series[knot]
    knot, curve = knot[is_other], curve[is_other]
    there, at = knots.y[knot], knots.x[knot]
    read, gap = pareto.interpolate(knots, at, series=curve).value, gap_at(knots, at, curve)
    found = LeftOut(recipe_id[curve], knots.point[knot], there, read, gap, pools[curve])
    turned = replace(found, measured=read, predicted=there, gap=np.ones(gap.size), is_disaggregated=pools[series[knot]])
    is_between = ~np.isnan(read) & (gap > 1)
    found, turned = found.where(is_between), turned.where(is_between & (gap <= GAP_CLASSES[2]))
    return LeftOut(*map(np.concatenate, zip(vars(found).values(), vars(turned).values(), strict=True)))


def bias_by_gap(knots: Frontiers, methods: Sequence[str] = tuple(pareto.METHODS)) -> list[dict]:
    """How each candidate reads left-out points, by class of gap: median of read over measured, typical and P90 error.

    Rows have method, gap_from, gap_to, num_points, num_series, median_ratio, median_error_frac and p90_error_frac
    (factor less one), ordered by class and method.
    """
    rows = []
    found = {name: leave_one_out(knots, method=name, max_gap=math.inf) for name in methods}
    for low, high in zip((1.0, *BIAS_CLASSES), BIAS_CLASSES, strict=False):
        for name, left_out in found.items():
            of_class = left_out.where((left_out.gap > low) & (left_out.gap <= high))
            if not of_class.measured.size:
                continue
            error = np.abs(of_class.error_log)
            rows.append({
                "method": name, "gap_from": low, "gap_to": high, "num_points": error.size,
                "num_series": np.unique(of_class.series_id).size,
                "median_ratio": float(np.exp(-np.median(of_class.error_log))),
                "median_error_frac": float(np.expm1(np.median(error))),
                "p90_error_frac": float(np.expm1(np.quantile(error, 0.9))),
            })  # fmt: skip
    return rows


def repeat_log(group_id: np.ndarray, y: np.ndarray, *, coverage_frac: float) -> float | NotCalibrated:
    """How far, up or down, a repeated run lies from the run before it in `coverage_frac` of all cases, in logarithms.

    Of the n pairs' differences |ln(y_2 / y_1)| of runs with the same `group_id` the ceil((n + 1) coverage)-th smallest.
    Between runs the speed moves, too; that is not in this number, but in the errors of `leave_one_out`.

    >>> runs = [100, 101, 99, 100, 102, 101, 100, 100, 103, 100]
    >>> round(repeat_log([7] * 10, runs, coverage_frac=0.9), 6)
    0.029559
    """
    group_id, y = np.asarray(group_id), np.asarray(y, float)
    _refuse_non_positive(y)
    order = np.argsort(group_id, kind="stable")
    is_pair = group_id[order][1:] == group_id[order][:-1]
    differences = np.abs(np.diff(np.log(y[order])))[is_pair]
    return _quantile("pairs of runs of the same configuration", differences, coverage_frac)


def calibrate(left_out: LeftOut, *, repeat_log: float, coverage_frac: float) -> BandModel | NotCalibrated:
    """The errors that hold `coverage_frac` of the left-out points of each group, half of the rest outside on each side.

    No band is narrower than the run-to-run noise `repeat_log`, and a point alone has that one.

    Notes
    -----
    Each side of a group is the ceil((n + 1)(1 + coverage) / 2)-th smallest of its n errors to that side. The errors of
    a series lean to one side, so a group of fewer than `MIN_SERIES` series cannot tell the sides apart: both are the
    ceil((n + 1) coverage)-th smallest size of an error. A group with too few errors takes those of both topologies of
    its class; a class with too few has no band.
    """
    if not 0 < repeat_log < math.inf:
        raise ParameterError(f"run-to-run noise must be a positive number, not {repeat_log:g}: no run repeats exactly")
    num_groups = 2 * len(GAP_CLASSES)
    below, above = np.full((2, num_groups), np.nan)
    num_errors, num_series = np.zeros((2, num_groups), int)
    error, group = left_out.error_log, left_out.group
    for number in range(num_groups):
        for of_group in (group == number, group // 2 == number // 2):
            sides = -error[of_group], error[of_group]
            share, found_in = (1 + coverage_frac) / 2, np.unique(left_out.series_id[of_group]).size
            if found_in < MIN_SERIES:
                sides, share = (np.abs(error[of_group]),) * 2, coverage_frac
            ends = [_quantile("points between two others", side, share) for side in sides]
            if not isinstance(ends[0], NotCalibrated):
                below[number], above[number] = np.maximum(ends, repeat_log)
                num_errors[number] = int(of_group.sum())
                num_series[number] = found_in
                break
    if np.isnan(below).all():
        most = np.bincount(group // 2).max(initial=0)
        needed = math.ceil(round((1 + coverage_frac) / (1 - coverage_frac), 9))
        return NotCalibrated("points that lie between two others on a front", int(most), needed)
    is_point = np.isnan(below[:2])  # a point that nothing was left out at: its own repeats alone
    below[:2][is_point] = above[:2][is_point] = repeat_log
    return BandModel(coverage_frac, below, above, num_errors, num_series)


def cross_validate(
    left_out: LeftOut, *, repeat_log: float, coverage_frac: float, num_folds: int = 5
) -> tuple[LeftOut, np.ndarray]:
    """Which left-out points lie in the band that was learned from the other series.

    Series go to the folds in turn. Returned are the points for whose group a band could be learned, and whether each
    lies in it.
    """
    fold = np.unique(left_out.series_id, return_inverse=True)[1] % num_folds
    is_judged, is_held = np.zeros((2, fold.size), bool)
    for number in range(num_folds):
        mine = fold == number
        model = calibrate(left_out.where(~mine), repeat_log=repeat_log, coverage_frac=coverage_frac)
        if isinstance(model, BandModel):
            is_judged[mine] = ~np.isnan(model.below[left_out.group[mine]])
            is_held[mine] = model.covers(left_out.where(mine))
    return left_out.where(is_judged), is_held[is_judged]


def ratio_band(
    a: tuple[np.ndarray, np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A ratio of two readings with a band: each given, and returned, as (low, value, high).

    Notes
    -----
    The band of a / b goes down by hypot(ln(a / a_low), ln(b_high / b)) and up by hypot(ln(a_high / a), ln(b / b_low)),
    in logarithms. This takes the two errors as independent: exact for normal errors, an approximation for others. Where
    both err the same way, as two sparse curves do, it is too wide rather than too narrow.

    >>> low, ratio, high = ratio_band((100 * math.exp(-0.3), 100, 110), (45, 50, 50 * math.exp(0.4)))
    >>> round(math.log(low / ratio), 6), float(ratio)
    (-0.5, 2.0)
    """
    (a_low, a_value, a_high), (b_low, b_value, b_high) = (tuple(map(np.asarray, band)) for band in (a, b))
    ratio = a_value / b_value
    low = ratio * np.exp(-np.hypot(np.log(a_value / a_low), np.log(b_high / b_value)))
    high = ratio * np.exp(np.hypot(np.log(a_high / a_value), np.log(b_value / b_low)))
    return low, ratio, high


def _quantile(what: str, values: np.ndarray, share: float) -> float | NotCalibrated:
    """The smallest of the values below which one more of the kind falls in at least this share of cases."""
    if not 0 < share < 1:
        raise ParameterError(f"the share a band shall hold must lie between 0 and 1, not {share:g}")
    # Rounded, because in floating point 25 * 0.56 is more than 14 and 0.95 / (1 - 0.95) is less than 19.
    rank = math.ceil(round((values.size + 1) * share, 9))
    if rank > values.size:
        return NotCalibrated(what, num_found=values.size, num_needed=math.ceil(round(share / (1 - share), 9)))
    return float(np.partition(values, rank - 1)[rank - 1])


def _refuse_non_positive(*columns: np.ndarray) -> None:
    for values in columns:
        if not (values > 0).all():
            raise TokenFactoryError(f"a band needs positive numbers, and one is {values[~(values > 0)][0]:g}")
