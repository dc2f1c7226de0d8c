"""Pareto fronts of measured points, and what they say between the points and nowhere else.

A series is one serving configuration (hardware, model, precision, software, request shape); its points are
(interactivity, throughput). `pareto_front` keeps the points that no other point of the series beats. `interpolate`
reads the value at a speed.

Between two knots a monotone cubic is read; beyond the first and last knot, and between two knots whose values are
farther apart than `MAX_GAP`, nothing is. An answer is a value with a status, and the value is NaN unless the status is
`MEASURED` or `INTERPOLATED`.

Every function takes all series at once. A series is known by its number; `np.unique(labels, return_inverse=True)`
makes numbers from labels.

References
----------
M. Steffen, "A simple method for monotonic interpolation in one dimension", Astronomy and Astrophysics 239,
443-450 (1990). F. N. Fritsch and J. Butland, "A method for constructing local monotone piecewise cubic interpolants",
SIAM J. Sci. Stat. Comput. 5, 300-304 (1984). SemiAnalysis InferenceX dashboard
(https://inferencex.semianalysis.com), rules of August 2026.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Literal

import numpy as np

from tokenfactory.errors import ParameterError, TokenFactoryError


@dataclass(frozen=True)
class Method:
    """A way to read between knots: how the slope at a knot is found, and whether x or y is taken in logarithms."""

    slopes: Literal["line", "steffen", "pchip", "published"]
    is_log_x: bool = False
    is_log_y: bool = False


METHODS = {
    "straight line": Method("line"),
    "straight line in log throughput": Method("line", is_log_y=True),
    "Steffen": Method("steffen"),
    "Steffen in log throughput": Method("steffen", is_log_y=True),
    "Steffen over log speed": Method("steffen", is_log_x=True),
    "PCHIP": Method("pchip"),
    "published": Method("published"),
}
# `published` is the dashboard's code, for comparing with its numbers: Steffen's cubic, which bends between two knots.

BEST_METHOD = "Steffen over log speed"
# Of the candidates it reads left-out points with the least bias and error in every class of gap up to the limit:
# `bands.bias_by_gap` makes the table. Between knots with more than ten-fold throughputs no candidate is right: one
# reading in ten is off by a factor of two, and the medians of the candidates lie between 0.5 and 2.2.
MAX_GAP = 10.0


class Status(IntEnum):
    """How an answer came about."""

    MEASURED = 0  # the question falls exactly on a knot
    INTERPOLATED = 1
    BELOW_RANGE = 2  # below everything measured
    ABOVE_RANGE = 3  # above everything measured
    NO_POINTS = 4  # the series has no points
    IN_GAP = 5  # between two knots that are too far apart to read between


_CELLS_AT_ONCE = 1 << 15  # so that the pieces of a block of answers stay in the processor's cache


@dataclass(frozen=True)
class Frontiers:
    """The knots of all series, one series after the other, each with x rising.

    `x[start[i]:start[i + 1]]` are the knots of series i; `point` says which row of the input each knot was.
    """

    start: np.ndarray
    x: np.ndarray
    y: np.ndarray
    point: np.ndarray

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


@dataclass(frozen=True)
class Interpolated:
    """Answers for all series (rows) and all questions (columns)."""

    value: np.ndarray
    status: np.ndarray


def pareto_front(series_id: np.ndarray, x: np.ndarray, y: np.ndarray, *, num_series: int | None = None) -> Frontiers:
    """The points of each series that no other point of the series beats: larger is better in both.

    Parameters
    ----------
    series_id : number of the series of each point, from 0
    x, y : the points; zeros are points like any other, so leave out rows whose zero means "missing"
    num_series : how many series there are, when the last ones may have no points

    Notes
    -----
    Walking from the largest x to the smallest, a point is kept when its y is above every y before. Of points with the
    same x the largest y is kept, of equal points one.

    >>> knots = pareto_front([0, 0, 0, 0], [10, 12, 25, 30], [100, 100, 80, 85])
    >>> knots.x, knots.y, knots.point
    (array([12., 30.]), array([100.,  85.]), array([1, 3]))
    """
    series_id, x, y, num_series = _checked(series_id, x, y, num_series)
    # Small integers sort several times faster than large ones.
    walk = np.lexsort((x, series_id.astype(np.min_scalar_type(num_series))))[::-1]
    # Each series walked is above all before it, so one running maximum serves them all.
    best = np.maximum.accumulate(_pair(-series_id[walk].astype(float), y[walk]))
    kept = walk[np.append(True, best[1:] != best[:-1])[: x.size]]
    # A later point with the same x has the better y.
    same_x = (np.diff(x[kept]) == 0) & (np.diff(series_id[kept]) == 0)
    kept = kept[np.append(~same_x, True)[: kept.size]][::-1]
    start = np.append(0, np.cumsum(np.bincount(series_id[kept], minlength=num_series)))
    return Frontiers(start=start, x=x[kept], y=y[kept], point=kept)


def interpolate(
    knots: Frontiers,
    targets: np.ndarray,
    *,
    series: np.ndarray | None = None,
    method: str = BEST_METHOD,
    max_gap: float | None = None,
) -> Interpolated:
    """The value of every series at every target x; NaN where nothing is measured or the gap is too wide.

    Parameters
    ----------
    targets : the same for all series (1-D), or a row for each series (2-D)
    series : the number of the series that each target asks, where it does not ask all of them
    max_gap : the largest ratio of two neighbouring values between which is read; None for `MAX_GAP`, or for no limit
        with the published method

    Raises
    ------
    ParameterError : an unknown method; a target that is negative or no number; a knot at x = 0 on a logarithmic axis

    >>> knots = pareto_front([0, 0, 0, 0, 0], [10, 20, 40, 80, 90], [1000, 900, 500, 100, 5])
    >>> answer = interpolate(knots, [5, 10, 30, 85])
    >>> answer.value.round(1)
    array([[   nan, 1000. ,  686.2,    nan]])
    >>> [Status(status).name for status in answer.status[0]]
    ['BELOW_RANGE', 'MEASURED', 'INTERPOLATED', 'IN_GAP']
    >>> interpolate(pareto_front([0, 1], [10, 20], [900, 500]), [20, 20], series=[0, 1]).value
    array([ nan, 500.])
    """
    targets = np.atleast_1d(np.asarray(targets, float))
    is_wrong = ~(np.isfinite(targets) & (targets >= 0))
    if is_wrong.any():
        raise ParameterError(f"a target speed or latency must be zero or more, not {targets[is_wrong][0]:g}")
    if method not in METHODS:
        raise ParameterError(f"no interpolation method is called '{method}'; known: {', '.join(METHODS)}")
    if max_gap is None:
        max_gap = np.inf if method == "published" else MAX_GAP
    how = METHODS[method]
    if how.is_log_x and (knots.x <= 0).any():
        raise ParameterError(f"'{method}' needs speeds above zero")
    position = np.log(knots.x) if how.is_log_x else knots.x
    cubic = _coefficients(replace(knots, x=position, y=np.log(knots.y) if how.is_log_y else knots.y), how.slopes)
    y = np.abs(knots.y)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.maximum(y[:-1], y[1:]) / np.minimum(y[:-1], y[1:])
    is_gap = np.append(ratio > max_gap, False)[: y.size]
    is_gap[knots.last] = False
    cubic[1:, is_gap] = np.nan
    with np.errstate(divide="ignore"):  # a target of 0 lies below every logarithm
        asked = np.log(targets) if how.is_log_x else targets
    known = targets, position, asked, cubic, is_gap
    if series is None and targets.ndim > 1:
        series = np.arange(knots.num_series)[:, None]
    value, status = _spread(knots, *known) if series is None else _pairs(knots, np.asarray(series), *known)
    if how.is_log_y:
        np.exp(value, out=value)
    return Interpolated(value, status)


def knots_around(knots: Frontiers, series: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the knots below and above a target x of a series; at a knot, that knot twice; else -1.

    `series` and `targets` broadcast: a column of series and a row of targets give all pairs.

    >>> knots = pareto_front([0, 0, 0], [10, 20, 40], [9, 8, 7])
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


def _checked(series_id, x, y, num_series) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    series_id, x, y = np.asarray(series_id), _column("x", x), _column("y", y)
    if not series_id.shape == x.shape == y.shape:
        raise TokenFactoryError(
            f"series numbers, x and y must be columns of one length, not {series_id.size}, {x.size} and {y.size} long"
        )
    if x.size and series_id.dtype.kind not in "iu":
        raise TokenFactoryError(f"a series is known by a whole number, not {series_id[0]!s}")
    for name, values in (("x", x), ("y", y)):
        if (is_wrong := ~np.isfinite(values)).any():
            point = int(is_wrong.argmax())
            raise TokenFactoryError(
                f"point {point}: {name} is {values[point]:g}; leave such points out before asking for a frontier"
            )
    if x.size and x.min() < 0:
        raise TokenFactoryError(f"point {np.argmin(x)} has x = {x.min():g}, but a speed or a latency is not negative")
    series_id = series_id if x.size else series_id.astype(int)
    present = int(series_id.max()) + 1 if x.size else 0
    num_series = present if num_series is None else num_series
    if x.size and (series_id.min() < 0 or present > num_series):
        raise TokenFactoryError(f"series numbers must lie between 0 and {num_series - 1}")
    return series_id, x, y, num_series


def _column(name: str, values: np.ndarray) -> np.ndarray:
    try:
        column = np.asarray(values, float)
    except (TypeError, ValueError):
        column = None
    if column is None or column.ndim != 1:
        raise TokenFactoryError(f"{name} must be a column of numbers")
    return column


def _pair(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two numbers in one that compares by the first and, where that is equal, by the second: a complex number."""
    pair = np.empty(np.broadcast_shapes(np.shape(first), np.shape(second)), complex)
    pair.real, pair.imag = first, second
    return pair


def _pairs(knots: Frontiers, series, targets, position, asked, cubic, is_gap) -> tuple[np.ndarray, np.ndarray]:
    """Values and status of pairs of a series and a target; `series` has the shape of `targets`, or is its column."""
    below, above = knots_around(knots, series, targets)
    is_inside, size = below >= 0, np.diff(knots.start)
    lowest = np.full(knots.num_series, np.nan)
    lowest[knots.filled] = knots.x[knots.first]
    status = np.select(
        [is_inside & (below == above), is_inside & np.append(is_gap, False)[below], is_inside, size[series] == 0,
         targets < lowest[series]],
        [Status.MEASURED, Status.IN_GAP, Status.INTERPOLATED, Status.NO_POINTS, Status.BELOW_RANGE],
        default=Status.ABOVE_RANGE,
    ).astype(np.int8)  # fmt: skip
    value = np.full(status.shape, np.nan)
    knot = below[is_inside]
    value[is_inside] = _evaluate(cubic[:, knot], asked[is_inside] - position[knot])
    is_hit = status == Status.MEASURED
    value[is_hit] = cubic[0, below[is_hit]]
    return value, status


def _spread(knots: Frontiers, targets, position, asked, cubic, is_gap) -> tuple[np.ndarray, np.ndarray]:
    """Evaluate each knot's cubic at the targets that lie between it and the next knot.

    The answer's rows, laid end to end, are cut into runs: the targets below a series, those from each knot to the
    next, those above. Since the targets are sorted it is enough to find each knot among them, not each target among
    the knots of every series.
    """
    columns, first_of, back = np.unique(targets, return_index=True, return_inverse=True)
    asked = asked[first_of]
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
    run_status[between[is_gap]] = Status.IN_GAP
    status = np.repeat(run_status, length).reshape(num_series, num_columns)
    status[series[is_hit], column[is_hit]] = Status.MEASURED

    run_cubic = np.full((5, begin.size), np.nan)
    run_cubic[:4, between], run_cubic[4, between] = cubic, position
    value = np.empty((num_series, num_columns))
    block = max(1, _CELLS_AT_ONCE // max(1, num_columns))
    for top in range(0, num_series, block):
        bottom = min(top + block, num_series)
        runs = slice(below[top], above[bottom - 1] + 1)
        *coefficients, x = (np.repeat(row[runs], length[runs]).reshape(-1, num_columns) for row in run_cubic)
        _evaluate(coefficients, np.subtract(asked, x, out=x), out=value[top:bottom])
    value[series[is_hit], column[is_hit]] = cubic[0, is_hit]
    if columns.size != targets.size or (columns != targets).any():
        value, status = value[:, back], status[:, back]
    return value, status


# Cubics between the knots of many series at once


def _evaluate(coefficients: np.ndarray, u: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """The polynomial with these coefficients, lowest power first, at distance u from its knot."""
    total = np.multiply(coefficients[-1], u, out=out)
    for coefficient in coefficients[-2:0:-1]:
        total += coefficient
        total *= u
    total += coefficients[0]
    return total


def _coefficients(knots: Frontiers, kind: str) -> np.ndarray:
    """The four coefficients of the cubic that begins at each knot; at the last knot of a series, its value alone.

    With widths h and secant slopes s of the pieces left (i-1) and right (i) of a knot, Steffen's slope at the knot is

        m_i = (sgn s_{i-1} + sgn s_i) min(|s_{i-1}|, |s_i|, |p_i| / 2),
        p_i = (s_{i-1} h_i + s_i h_{i-1}) / (h_{i-1} + h_i),

    and at the ends m_0 = (3 s_0 - m_1) / 2 and m_n = (3 s_{n-1} - m_{n-1}) / 2. A knot's slope is 0 or has the sign
    of both neighbours and at most twice the smaller, the ends at most 1.5 times theirs: no piece leaves the range of
    its two knots.
    """
    first, last = knots.first, knots.last
    h, dy = np.diff(knots.x, append=0.0), np.diff(knots.y, append=0.0)
    h[last] = 1.0  # from one series to the next there is no piece, and what is computed here is not used
    s = dy / h
    if kind == "line":
        cubic = np.zeros((4, knots.x.size))
        cubic[:2] = knots.y, s
        cubic[1, last] = 0.0
        return cubic
    m = np.zeros(knots.x.size)
    m[1:] = (_pchip_slopes if kind == "pchip" else _steffen_slopes)(s[:-1], s[1:], h[:-1], h[1:])
    m[first] = m[last] = 0.0
    has_piece = first < last
    first, last = first[has_piece], last[has_piece]
    if kind == "pchip":
        is_long = first + 1 < last
        left, right = first[is_long], last[is_long]
        m[left] = _pchip_end(h[left], h[left + 1], s[left], s[left + 1])
        m[right] = _pchip_end(h[right - 1], h[right - 2], s[right - 1], s[right - 2])
    else:  # in this order, as the dashboard's code has it: the first end of two knots sees a slope of 0 at the second
        m[first] = (3 * s[first] - m[first + 1]) / 2
        m[last] = (3 * s[last - 1] - m[last - 1]) / 2
    if kind != "published":
        pair = first[first + 1 == last]
        m[pair] = m[pair + 1] = s[pair]
    m_next = np.append(m[1:], 0.0)
    cubic = np.array([knots.y, m, (3 * s - 2 * m - m_next) / h, (m + m_next - 2 * s) / h**2])
    cubic[1:, knots.last] = 0.0
    return cubic


def _steffen_slopes(left, right, h_left, h_right) -> np.ndarray:
    p = (left * h_right + right * h_left) / (h_left + h_right)
    smallest = np.minimum(np.minimum(np.abs(left), np.abs(right)), np.abs(p) / 2)
    return (np.sign(left) + np.sign(right)) * smallest


def _pchip_slopes(left, right, h_left, h_right) -> np.ndarray:
    """The weighted harmonic mean of Fritsch and Butland, 0 at an extreme; as SciPy's PchipInterpolator."""
    w_left, w_right = 2 * h_right + h_left, h_right + 2 * h_left
    is_same = left * right > 0
    a, b = np.where(is_same, left, 1.0), np.where(is_same, right, 1.0)
    return np.where(is_same, (w_left + w_right) / (w_left / a + w_right / b), 0.0)


def _pchip_end(h, h_next, s, s_next) -> np.ndarray:
    end = ((2 * h + h_next) * s - h * s_next) / (h + h_next)
    end = np.where(end * s <= 0, 0.0, end)
    return np.where((s * s_next < 0) & (np.abs(end) > 3 * np.abs(s)), 3 * s, end)
