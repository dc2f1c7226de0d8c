"""Pareto frontiers of measured points, and what they say between the points and nowhere else.

A series is one way of serving (hardware, model, precision, software, request shape); its points are
(interactivity or latency, throughput or cost). `find` keeps the points that no other point of the series beats.
Everything else asks these knots a question: the value at a speed (`values_at`), the value within a limit
(`value_within`), the highest speed a limit allows (`highest_x`), the area below (`area`).

Between two knots a monotone cubic is read; beyond the first and last knot nothing is. An answer is a value with a
status, and the value is NaN unless the status is `MEASURED` or `INTERPOLATED`.

To interpolate another quantity of the same points (output throughput, energy, the cost itself), carry it:
`frontier.values_at(knots.carrying(cost), targets)`. Cost per token is better computed from the interpolated
throughput, so that cost times throughput stays the price of the hour.

Every function takes all series at once. A series is known by its number; `np.unique(labels, return_inverse=True)`
makes numbers from labels.

References
----------
M. Steffen, "A simple method for monotonic interpolation in one dimension", Astronomy and Astrophysics 239,
443-450 (1990). SemiAnalysis InferenceX dashboard (https://inferencex.semianalysis.com), rules of August 2026.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Literal, get_args

import numpy as np

from tokenfactory.errors import ParameterError, TokenFactoryError

Direction = Literal["upper_left", "upper_right", "lower_left", "lower_right"]
"""The shape of the curve, as the InferenceX dashboard names it:

=============  ===============  ============  ====================================
name           x                y             example
=============  ===============  ============  ====================================
`upper_left`   larger better    larger better  throughput against interactivity
`lower_right`  larger better    smaller better cost against interactivity
`upper_right`  smaller better   larger better  throughput against latency
`lower_left`   smaller better   smaller better cost against latency
=============  ===============  ============  ====================================
"""

Method = Literal["linear_two_knots", "published"]
"""How to read between knots. Both are Steffen's monotone cubic with three knots or more. With two knots
`linear_two_knots` is a straight line; `published` bends it as the dashboard's code does (1.5 times the slope at
the lower knot, 0.75 at the upper), which no measurement supports: it is for comparing with published numbers."""


class Status(IntEnum):
    """How an answer came about."""

    MEASURED = 0  # the question falls exactly on a knot
    INTERPOLATED = 1
    BELOW_RANGE = 2  # below everything measured
    ABOVE_RANGE = 3  # above everything measured
    NO_POINTS = 4  # the series has no points

    @property
    def has_value(self) -> bool:
        return self <= Status.INTERPOLATED


_CELLS_AT_ONCE = 1 << 15  # so that the pieces of a block of answers stay in the processor's cache


@dataclass(frozen=True)
class Reading:
    """A value that the measured points support."""

    value: float
    status: Status


@dataclass(frozen=True)
class NotMeasured:
    """No value, why, and the range that is measured (NaN when nothing is)."""

    reason: Status
    lowest: float
    highest: float


@dataclass(frozen=True)
class Frontiers:
    """The knots of all series, one series after the other, each with x rising.

    `x[start[i]:start[i + 1]]` are the knots of series i; `point` says which row of the input each knot was.
    """

    start: np.ndarray
    x: np.ndarray
    y: np.ndarray
    point: np.ndarray
    direction: Direction

    @property
    def num_series(self) -> int:
        return self.start.size - 1

    @property
    def series(self) -> np.ndarray:
        """The series of each knot."""
        return np.repeat(np.arange(self.num_series), np.diff(self.start))

    @property
    def filled(self) -> np.ndarray:
        """The series that have points."""
        return np.flatnonzero(np.diff(self.start))

    @property
    def first(self) -> np.ndarray:
        """The lowest knot of each filled series."""
        return self.start[:-1][self.filled]

    @property
    def last(self) -> np.ndarray:
        """The highest knot of each filled series."""
        return self.start[1:][self.filled] - 1

    def carrying(self, other: np.ndarray) -> Frontiers:
        """The same knots with another quantity of the same points: `other` has a value for each input row."""
        values = np.asarray(other, float)[self.point]
        _refuse_non_finite("the carried quantity", values, self.point)
        return replace(self, y=values)


@dataclass(frozen=True)
class Readings:
    """Answers for all series (rows) and all questions (columns), and the measured range of each series."""

    value: np.ndarray
    status: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray

    def one(self, series: int, question: int = 0) -> Reading | NotMeasured:
        """A single answer."""
        status = Status(self.status[series, question])
        if status.has_value:
            return Reading(float(self.value[series, question]), status)
        return NotMeasured(status, float(self.lowest[series]), float(self.highest[series]))


def find(
    series_id: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    *,
    direction: Direction = "upper_left",
    num_series: int | None = None,
) -> Frontiers:
    """The points of each series that no other point of the series beats.

    Parameters
    ----------
    series_id : number of the series of each point, from 0
    x, y : the points; zeros are points like any other, so leave out rows whose zero means "missing"
    direction : which corner is good
    num_series : how many series there are, when the last ones may have no points

    Notes
    -----
    Walking from the best x to the worst, a point is kept when its y is better than every y before. Of points with
    the same x the best y is kept, of equal points one. `upper_right` also keeps a point that only equals the best
    y so far; this is how the dashboard does it, and its other three directions do not.

    Examples
    --------
    >>> knots = find([0, 0, 0, 0], [10, 12, 25, 30], [100, 100, 80, 85])
    >>> knots.x, knots.y, knots.point
    (array([12., 30.]), array([100.,  85.]), array([1, 3]))
    """
    if direction not in get_args(Direction):
        raise ParameterError(f"no direction is called '{direction}'")
    series_id, x, y = np.asarray(series_id), _column("x", x), _column("y", y)
    if not series_id.shape == x.shape == y.shape:
        raise TokenFactoryError(
            f"series numbers, x and y must be columns of one length, not {series_id.size}, {x.size} and {y.size} long"
        )
    if x.size and series_id.dtype.kind not in "iu":
        raise TokenFactoryError(f"a series is known by a whole number, not {series_id[0]!s}")
    _refuse_non_finite("x", x, np.arange(x.size))
    _refuse_non_finite("y", y, np.arange(y.size))
    if x.size and x.min() < 0:
        raise TokenFactoryError(f"point {np.argmin(x)} has x = {x.min():g}, but a speed or a latency is not negative")
    if not x.size:
        series_id = series_id.astype(int)
    present = int(series_id.max()) + 1 if x.size else 0
    num_series = present if num_series is None else num_series
    if x.size and (series_id.min() < 0 or present > num_series):
        raise TokenFactoryError(f"series numbers must lie between 0 and {num_series - 1}")

    # Small integers sort several times faster than large ones.
    order = np.lexsort((x, series_id.astype(np.min_scalar_type(num_series))))
    larger_x_is_better = direction in ("upper_left", "lower_right")
    walk = order[::-1] if larger_x_is_better else order
    # Each series walked is above all before it, so one running maximum serves them all.
    turn = series_id[walk].astype(float)
    race = _pair(-turn if larger_x_is_better else turn, y[walk] if direction.startswith("upper") else -y[walk])
    best = np.maximum.accumulate(race)
    is_kept = race == best if direction == "upper_right" else np.append(True, best[1:] != best[:-1])[: x.size]
    kept = walk[is_kept]
    # A later point with the same x has the better y, or the same.
    same_x = (np.diff(x[kept]) == 0) & (np.diff(series_id[kept]) == 0)
    kept = kept[np.append(~same_x, True)[: kept.size]]
    if larger_x_is_better:
        kept = kept[::-1]
    start = np.append(0, np.cumsum(np.bincount(series_id[kept], minlength=num_series)))
    return Frontiers(start=start, x=x[kept], y=y[kept], point=kept, direction=direction)


def values_at(knots: Frontiers, targets: np.ndarray, *, method: Method = "linear_two_knots") -> Readings:
    """The value of every series at every target x: the same targets for all (1-D), or a row for each series (2-D).

    Examples
    --------
    >>> knots = find([0, 0, 0, 0], [10, 20, 40, 80], [1000, 900, 500, 100])
    >>> answer = values_at(knots, [5, 10, 30])
    >>> answer.value
    array([[          nan, 1000.        ,  708.33333333]])
    >>> answer.one(0, 0)
    NotMeasured(reason=<Status.BELOW_RANGE: 2>, lowest=10.0, highest=80.0)
    """
    targets = np.atleast_1d(np.asarray(targets, float))
    is_wrong = ~(np.isfinite(targets) & (targets >= 0))
    if is_wrong.any():
        raise ParameterError(f"a target speed or latency must be zero or more, not {targets[is_wrong][0]:g}")
    cubic = _cubic(knots, method)
    if targets.ndim == 1:
        return _spread(knots, targets, cubic)

    series = np.arange(knots.num_series)[:, None]
    below, above = knots_around(knots, series, targets)
    lowest, highest = _range_of(knots, knots.x)
    status = np.select(
        [below >= 0, np.isnan(lowest)[:, None], targets < lowest[:, None]],
        [np.where(below == above, Status.MEASURED, Status.INTERPOLATED), Status.NO_POINTS, Status.BELOW_RANGE],
        default=Status.ABOVE_RANGE,
    ).astype(np.int8)
    value = np.full(status.shape, np.nan)
    is_inside = below >= 0
    knot = below[is_inside]
    value[is_inside] = _evaluate(cubic[:, knot], np.broadcast_to(targets, value.shape)[is_inside] - knots.x[knot])
    return Readings(value, status, lowest, highest)


def knots_around(knots: Frontiers, series: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the knots below and above a target x of a series; at a knot, that knot twice; else -1.

    `series` and `targets` broadcast: a column of series and a row of targets give all pairs.

    Examples
    --------
    >>> knots = find([0, 0, 0], [10, 20, 40], [9, 8, 7])
    >>> below, above = knots_around(knots, 0, [5, 20, 25])
    >>> below, above
    (array([-1,  1,  1]), array([-1,  1,  2]))
    """
    # One sorted list holds the knots of all series.
    listed, wanted = _pair(knots.series, knots.x), _pair(series, targets)
    below = np.searchsorted(listed, wanted, "right") - 1
    above = np.searchsorted(listed, wanted, "left")
    is_inside = (below >= knots.start[series]) & (above < knots.start[np.add(series, 1)])
    return np.where(is_inside, below, -1), np.where(is_inside, above, -1)


def value_within(knots: Frontiers, limits: np.ndarray, *, method: Method = "linear_two_knots") -> Readings:
    """The value at the best point that keeps a limit on x: cost at a latency of at most, or a speed of at least.

    This is `values_at`, except where the whole measured range keeps the limit: then it is the value at the end of
    the range that is cheapest to serve, which is `MEASURED`.

    Examples
    --------
    >>> knots = find([0, 0], [1.5, 4.0], [0.90, 0.30], direction="lower_left")
    >>> value_within(knots, [1.0, 1.5, 9.0]).value
    array([[nan, 0.9, 0.3]])
    """
    answer = values_at(knots, limits, method=method)
    if knots.direction in ("upper_left", "lower_right"):
        end, kept_by_all = knots.first, Status.BELOW_RANGE
    else:
        end, kept_by_all = knots.last, Status.ABOVE_RANGE
    at_end = np.full(knots.num_series, np.nan)
    at_end[knots.filled] = knots.y[end]
    is_kept = answer.status == kept_by_all
    return replace(
        answer,
        value=np.where(is_kept, at_end[:, None], answer.value),
        status=np.where(is_kept, Status.MEASURED, answer.status).astype(np.int8),
    )


def highest_x(
    knots: Frontiers,
    limits: np.ndarray,
    *,
    keep: Literal["at_least", "at_most"] = "at_least",
    method: Method = "linear_two_knots",
) -> Readings:
    """The highest measured x at which y keeps a limit: the fastest speed that a cost ceiling allows.

    Parameters
    ----------
    knots : frontiers on which a larger x is better
    limits : limits on y, the same for all series (1-D), or a row for each series (2-D). A cost ceiling becomes a
        limit on throughput by `cost.tok_per_s_per_gpu_from_usd_per_mtok`
    keep : y must be at least the limit (throughput) or at most (a carried cost)

    Notes
    -----
    Where even the highest knot keeps the limit the answer is that knot: more than it was not measured. Where none
    does, the status says that the limit lies above (`at_least`) or below (`at_most`) every measured y; the range
    in the answer is that of y.

    Each piece is monotone, so the answer lies after the highest knot that keeps the limit; it is found by halving.

    Examples
    --------
    >>> knots = find([0, 0, 0], [10, 20, 30], [300, 200, 100])
    >>> highest_x(knots, [400, 250, 50]).value
    array([[nan, 15., 30.]])
    """
    if knots.direction not in ("upper_left", "lower_right"):
        raise ParameterError(f"the highest x is the worst on a frontier of direction '{knots.direction}'")
    limits = np.atleast_1d(np.asarray(limits, float))
    if not np.isfinite(limits).all():
        raise ParameterError(f"a limit must be a finite number, not {limits[~np.isfinite(limits)][0]:g}")
    limits = np.broadcast_to(limits, (knots.num_series, limits.shape[-1]))
    sign = {"at_least": 1, "at_most": -1}[keep]

    value = np.full(limits.shape, np.nan)
    status = np.full(limits.shape, Status.NO_POINTS, np.int8)
    cubic, width = sign * _cubic(knots, method), np.diff(knots.x, append=0.0)
    series, number = knots.series, np.arange(knots.x.size)
    for column, wanted in enumerate(sign * limits.T if knots.filled.size else ()):
        keeps = np.where(sign * knots.y >= wanted[series], number, -1)
        highest = np.maximum.reduceat(keeps, knots.first)
        status[knots.filled, column] = Status.ABOVE_RANGE if keep == "at_least" else Status.BELOW_RANGE
        knot = highest[highest >= 0]
        row = series[knot]
        is_at_knot = (knot == knots.start[row + 1] - 1) | (sign * knots.y[knot] == wanted[row])
        low, high = np.zeros(knot.size), np.where(is_at_knot, 0.0, width[knot])
        for _ in range(60):
            middle = (low + high) / 2
            still_keeps = _evaluate(cubic[:, knot], middle) >= wanted[row]
            low, high = np.where(still_keeps, middle, low), np.where(still_keeps, high, middle)
        value[row, column] = knots.x[knot] + low
        status[row, column] = np.where(is_at_knot, Status.MEASURED, Status.INTERPOLATED)
    return Readings(value, status, *_range_of(knots, knots.y))


def area(knots: Frontiers, *, low: float, high: float, method: Method = "linear_two_knots") -> Readings:
    """The area between each frontier and the x axis from `low` to `high`; divided by the width, the mean value.

    A series must be measured over the whole of that range to have an area, so that areas can be compared.

    Examples
    --------
    >>> knots = find([0, 0, 1, 1], [0, 10, 5, 10], [100, 50, 80, 20])
    >>> area(knots, low=0, high=10).value
    array([[750.],
           [ nan]])
    """
    if not 0 <= low < high < np.inf:
        raise ParameterError(f"an area needs a range from a lower to a higher x, not {low:g} to {high:g}")
    lowest, highest = _range_of(knots, knots.x)
    status = np.full(knots.num_series, Status.INTERPOLATED, np.int8)
    status[highest < high] = Status.ABOVE_RANGE
    status[lowest > low] = Status.BELOW_RANGE
    status[np.isnan(lowest)] = Status.NO_POINTS
    value = np.full(knots.num_series, np.nan)
    if knots.filled.size:
        cubic = _cubic(knots, method)
        integral = np.vstack([np.zeros(knots.x.size), cubic / np.array([[1], [2], [3], [4]])])
        end = np.roll(knots.x, -1)
        end[knots.last] = knots.x[knots.last]
        begin, end = (np.clip(edge, low, high) - knots.x for edge in (knots.x, end))
        pieces = _evaluate(integral, end) - _evaluate(integral, begin)
        value[knots.filled] = np.add.reduceat(pieces, knots.first)
    value[status != Status.INTERPOLATED] = np.nan
    return Readings(value[:, None], status[:, None], lowest, highest)


def read(
    x: np.ndarray,
    y: np.ndarray,
    target: float,
    *,
    direction: Direction = "upper_left",
    method: Method = "linear_two_knots",
) -> Reading | NotMeasured:
    """The value of one series at one target x.

    Examples
    --------
    >>> read([10, 20, 40, 80], [1000, 900, 500, 100], 15)
    Reading(value=956.25, status=<Status.INTERPOLATED: 1>)
    >>> read([10, 20, 40, 80], [1000, 900, 500, 100], 100)
    NotMeasured(reason=<Status.ABOVE_RANGE: 3>, lowest=10.0, highest=80.0)
    """
    knots = find(np.zeros(len(x), int), x, y, direction=direction, num_series=1)
    return values_at(knots, [target], method=method).one(0)


def _column(name: str, values: np.ndarray) -> np.ndarray:
    try:
        column = np.asarray(values, float)
    except (TypeError, ValueError):
        column = None
    if column is None or column.ndim != 1:
        raise TokenFactoryError(f"{name} must be a column of numbers")
    return column


def _refuse_non_finite(name: str, values: np.ndarray, points: np.ndarray) -> None:
    is_wrong = ~np.isfinite(values)
    if is_wrong.any():
        point, value = points[is_wrong][0], values[is_wrong][0]
        raise TokenFactoryError(
            f"point {point}: {name} is {value:g}; leave such points out before asking for a frontier"
        )


def _pair(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two numbers in one that compares by the first and, where that is equal, by the second: a complex number."""
    pair = np.empty(np.broadcast_shapes(np.shape(first), np.shape(second)), complex)
    pair.real, pair.imag = first, second
    return pair


def _range_of(knots: Frontiers, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lowest, highest = np.full((2, knots.num_series), np.nan)
    if knots.filled.size:
        lowest[knots.filled] = np.minimum.reduceat(values, knots.first)
        highest[knots.filled] = np.maximum.reduceat(values, knots.first)
    return lowest, highest


def _evaluate(coefficients: np.ndarray, u: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """The polynomial with these coefficients, lowest power first, at distance u from its knot."""
    total = np.multiply(coefficients[-1], u, out=out)
    for coefficient in coefficients[-2:0:-1]:
        total += coefficient
        total *= u
    total += coefficients[0]
    return total


def _cubic(knots: Frontiers, method: Method) -> np.ndarray:
    """The four coefficients of the cubic that begins at each knot; at the last knot of a series, its value alone.

    With widths h and secant slopes s of the pieces left (i-1) and right (i) of a knot, the slope at the knot is

        m_i = (sgn s_{i-1} + sgn s_i) min(|s_{i-1}|, |s_i|, |p_i| / 2),
        p_i = (s_{i-1} h_i + s_i h_{i-1}) / (h_{i-1} + h_i),

    and at the ends m_0 = (3 s_0 - m_1) / 2 and m_n = (3 s_{n-1} - m_{n-1}) / 2. A knot's slope is 0 or has the sign
    of both neighbours and at most twice the smaller, the ends at most 1.5 times theirs: no piece leaves the range of
    its two knots.
    """
    if method not in get_args(Method):
        raise ParameterError(f"no interpolation method is called '{method}'")
    first, last = knots.first, knots.last
    h, dy = np.diff(knots.x, append=0.0), np.diff(knots.y, append=0.0)
    h[last] = 1.0  # from one series to the next there is no piece, and what is computed here is not used
    s = dy / h

    m = np.zeros(knots.x.size)
    left, right, h_left, h_right = s[:-1], s[1:], h[:-1], h[1:]
    p = (left * h_right + right * h_left) / (h_left + h_right)
    smallest = np.minimum(np.minimum(np.abs(left), np.abs(right)), np.abs(p) / 2)
    m[1:] = (np.sign(left) + np.sign(right)) * smallest
    m[first] = m[last] = 0.0
    # In this order, as the dashboard's code has it: the first end of two knots sees a slope of 0 at the second.
    has_piece = first < last
    first, last = first[has_piece], last[has_piece]
    m[first] = (3 * s[first] - m[first + 1]) / 2
    m[last] = (3 * s[last - 1] - m[last - 1]) / 2
    if method == "linear_two_knots":
        pair = first[first + 1 == last]
        m[pair] = m[pair + 1] = s[pair]

    m_next = np.append(m[1:], 0.0)
    cubic = np.array([knots.y, m, (3 * s - 2 * m - m_next) / h, (m + m_next - 2 * s) / h**2])
    cubic[1:, knots.last] = 0.0
    return cubic


def _spread(knots: Frontiers, targets: np.ndarray, cubic: np.ndarray) -> Readings:
    """Evaluate each knot's cubic at the targets that lie between it and the next knot.

    The answer's rows, laid end to end, are cut into runs: the targets below a series, those from each knot to the
    next, those above. Since the targets are sorted it is enough to find each knot among them, not each target among
    the knots of every series.
    """
    columns, back = np.unique(targets, return_inverse=True)
    num_series, num_columns = knots.num_series, columns.size
    series, rows = knots.series, np.arange(num_series)
    column = np.searchsorted(columns, knots.x)
    is_hit = np.append(columns, np.nan)[column] == knots.x

    below = knots.start[:-1] + 2 * rows
    above = knots.start[1:] + 2 * rows + 1
    between = np.arange(knots.x.size) + 2 * series + 1
    begin = np.empty(knots.x.size + 2 * num_series, int)
    begin[below] = rows * num_columns
    begin[between] = series * num_columns + column
    begin[above] = (rows + 1) * num_columns
    begin[above[knots.filled]] = begin[between[knots.last]] + is_hit[knots.last]
    length = np.diff(begin, append=num_series * num_columns)

    run_status = np.full(begin.size, Status.INTERPOLATED, np.int8)
    run_status[below] = np.where(np.diff(knots.start) > 0, Status.BELOW_RANGE, Status.NO_POINTS)
    run_status[above] = Status.ABOVE_RANGE
    status = np.repeat(run_status, length).reshape(num_series, num_columns)
    status[series[is_hit], column[is_hit]] = Status.MEASURED

    run_cubic = np.full((5, begin.size), np.nan)
    run_cubic[:4, between], run_cubic[4, between] = cubic, knots.x
    value = np.empty((num_series, num_columns))
    block = max(1, _CELLS_AT_ONCE // max(1, num_columns))
    for top in range(0, num_series, block):
        bottom = min(top + block, num_series)
        runs = slice(below[top], above[bottom - 1] + 1)
        *coefficients, x = (np.repeat(row[runs], length[runs]).reshape(-1, num_columns) for row in run_cubic)
        _evaluate(coefficients, np.subtract(columns, x, out=x), out=value[top:bottom])

    if columns.size != targets.size or (columns != targets).any():
        value, status = value[:, back], status[:, back]
    return Readings(value, status, *_range_of(knots, knots.x))
