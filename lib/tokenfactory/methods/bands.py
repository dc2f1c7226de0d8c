"""How sure an interpolated throughput is: bands learned from points that were left out.

Two things make the value between two measured points uncertain. Running the same configuration again gives a
slightly different number (`repeat_log`). And the curve between the points is a guess, a worse one the farther they are
apart. Both are taken from measurements, not from a distribution that one would have to believe in:

1. `leave_one_out` removes each inner knot of each frontier, reads the curve through the other knots at its x, and
   notes the error, in natural logarithms, with the distance between the two knots that it was read between.
2. `calibrate` finds the factors at which bands around those readings just hold the wanted share of the removed knots.
3. `BandModel.band` puts such a band around any other reading.

This is conformal prediction: if new errors are like the noted ones, the share holds without further assumptions. It is
a share over all readings, not for every distance or every series, and the knots of one series err together, so the
number of series counts more than the number of errors. What a band does not know: that a whole curve is out of date,
or that a configuration nobody ran would be better.

References
----------
V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random World", Springer 2005 (conformal prediction).
J. Lei et al., "Distribution-Free Predictive Inference for Regression", JASA 113, 1094-1111 (2018).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tokenfactory.errors import ParameterError, TokenFactoryError
from tokenfactory.methods import pareto
from tokenfactory.methods.pareto import Frontiers, Method


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
    """Inner knots of frontiers, each beside what the other knots of its series say; `point` as in `Frontiers`."""

    series_id: np.ndarray
    point: np.ndarray
    measured: np.ndarray
    predicted: np.ndarray
    distance_log: np.ndarray

    @property
    def error_log(self) -> np.ndarray:
        return np.log(self.measured / self.predicted)

    def where(self, is_wanted: np.ndarray) -> LeftOut:
        """Some of them, to calibrate on these and check on the others."""
        return LeftOut(**{name: column[is_wanted] for name, column in vars(self).items()})


@dataclass(frozen=True)
class BandModel:
    """A band around a reading: down by hypot(repeat_log, below * distance), up by hypot(repeat_log, above * distance).

    All in natural logarithms. `num_errors` and `num_series` say how much it was learned from.
    """

    coverage_frac: float
    repeat_log: float
    below: float
    above: float
    num_errors: int
    num_series: int

    def band(self, value: np.ndarray, distance_log: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The ends of the band around readings; NaN where nothing is measured.

        A cost is the price divided by a throughput, so its band is the price divided by the two ends, swapped.
        """
        low = value * np.exp(-np.hypot(self.repeat_log, self.below * distance_log))
        high = value * np.exp(np.hypot(self.repeat_log, self.above * distance_log))
        return low, high

    def covers(self, left_out: LeftOut) -> np.ndarray:
        """Which of the left-out points lie in the band around their prediction."""
        low, high = self.band(left_out.predicted, left_out.distance_log)
        return (low <= left_out.measured) & (left_out.measured <= high)


def distance_log(knots: Frontiers, targets: np.ndarray) -> np.ndarray:
    """How far apart the knots on both sides of each target are, shaped as the values of `pareto.values_at`.

    Notes
    -----
    d = sqrt(ln(x_above / x_below)^2 + ln(y_above / y_below)^2), the length of the line between them on log-log paper;
    0 at a knot, NaN where nothing is measured. With x alone, steep parts of a curve, where speeds lie close together
    and throughputs do not, would get too narrow a band.

    Examples
    --------
    >>> knots = pareto.find([0, 0], [10, 10 * math.exp(0.3)], [100 * math.exp(0.4), 100])
    >>> distance_log(knots, [9, 10, 12]).round(6)
    array([[nan, 0. , 0.5]])
    """
    _refuse_non_positive(knots.x, knots.y)
    below, above = pareto.knots_around(knots, np.arange(knots.num_series)[:, None], targets)
    x, y = np.log(knots.x), np.log(knots.y)
    # One more, for the -1 of a target where nothing is measured.
    x, y = np.append(x, np.nan), np.append(y, np.nan)
    return np.hypot(x[above] - x[below], y[above] - y[below])


def leave_one_out(knots: Frontiers, *, method: Method = "linear_two_knots") -> LeftOut:
    """Remove each inner knot of each frontier and read the curve through the other knots at its x.

    The end knots cannot be read between others and are not removed. The points that were no knots stay away: a reading
    lies between two of the best measured points, and so does each prediction here.

    Examples
    --------
    >>> left_out = leave_one_out(pareto.find([0, 0, 0, 0], [10, 20, 30, 40], [40, 28, 20, 10]))
    >>> left_out.measured, left_out.predicted.round(2)
    (array([28., 20.]), array([30.  , 18.25]))
    """
    inner = np.setdiff1d(np.arange(knots.x.size), np.concatenate([knots.first, knots.last]))
    series = knots.series[inner]
    # One series of its own for each removed knot, with all knots of its series but that one.
    size = np.diff(knots.start)[series]
    trial = np.repeat(np.arange(inner.size), size)
    knot = np.arange(trial.size) + np.repeat(knots.start[series] - (np.cumsum(size) - size), size)
    is_other = knot != inner[trial]
    trial, knot = trial[is_other], knot[is_other]
    start = np.append(0, np.cumsum(size - 1))
    others = Frontiers(start=start, x=knots.x[knot], y=knots.y[knot], point=knot, direction=knots.direction)

    targets = knots.x[inner][:, None]
    return LeftOut(
        series_id=series,
        point=knots.point[inner],
        measured=knots.y[inner],
        predicted=pareto.values_at(others, targets, method=method).value[:, 0],
        distance_log=distance_log(others, targets)[:, 0],
    )


def repeat_log(group_id: np.ndarray, y: np.ndarray, *, coverage_frac: float) -> float | NotCalibrated:
    """How far, up or down, a repeated run lies from the run before it in `coverage_frac` of all cases, in logarithms.

    Parameters
    ----------
    group_id : the same number for runs of the same configuration
    y : what was measured, in the order of the runs; positive
    coverage_frac : share of the pairs of runs [0..1]

    Notes
    -----
    Of the n pairs' differences |ln(y_2 / y_1)| the ceil((n + 1) coverage)-th smallest. Between runs the speed moves,
    too; that is not in this number, but in the errors of `leave_one_out`.

    Examples
    --------
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
    """The narrowest band of this form that holds `coverage_frac` of the left-out points.

    Parameters
    ----------
    left_out : from `leave_one_out`
    repeat_log : run-to-run noise, from the function of that name; the band is nowhere narrower
    coverage_frac : share wanted inside [0..1]; half of the rest is allowed to fall out on each side

    Notes
    -----
    With few series the factors may hang on one of them: look at `num_series` before trusting a band.

    For an error e at distance d, the smallest factor whose band holds it is sqrt(max(e^2 - repeat_log^2, 0)) / d, on
    the side to which it errs, and 0 on the other. Each side's factor is the ceil((n + 1)(1 + coverage) / 2)-th
    smallest of the n factors. Errors down and up are kept apart: across wide gaps the interpolation errs one way.
    """
    if not 0 < repeat_log < math.inf:
        raise ParameterError(f"run-to-run noise must be a positive number, not {repeat_log:g}: no run repeats exactly")
    error = left_out.error_log
    factor = np.sqrt(np.maximum(error**2 - repeat_log**2, 0)) / left_out.distance_log
    below, above = (
        _quantile(
            "points that lie between two others on a frontier", np.where(side, factor, 0), (1 + coverage_frac) / 2
        )
        for side in (error < 0, error > 0)
    )
    if isinstance(below, NotCalibrated):
        return below
    num_series = np.unique(left_out.series_id).size
    return BandModel(coverage_frac, float(repeat_log), below, above, error.size, num_series)


def ratio_band(
    a: tuple[np.ndarray, np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A ratio of two readings with a band: each given, and returned, as (low, value, high).

    Notes
    -----
    The band of a / b goes down by hypot(ln(a / a_low), ln(b_high / b)) and up by hypot(ln(a_high / a), ln(b / b_low)),
    in logarithms. This takes the two errors as independent: exact for normal errors, an approximation for others. Where
    both err the same way, as two sparse curves do, it is too wide rather than too narrow.

    Examples
    --------
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
