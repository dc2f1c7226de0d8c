"""Frontiers against the rules and the printed numbers of InferenceX, and against a plain restatement of the rules.

The restatement (`kept_by_hand`, `steffen_by_hand`) is written point by point from the description of the rules; the
library computes all series at once. Vectors S1 to S6 and the GLM-5 table were worked out independently from both.
"""

import csv
import math
from bisect import bisect_right
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from tokenfactory.errors import ParameterError, TokenFactoryError
from tokenfactory.formulas import cost
from tokenfactory.methods import pareto
from tokenfactory.methods.pareto import Status

METHODS = ["Steffen", "published"]


def kept_by_hand(points):
    """One series, with x rising."""
    kept = []
    for x, y in sorted(points, key=lambda p: (p[0], -p[1])):
        if kept and x == kept[-1][0] and y <= kept[-1][1]:
            continue
        while kept and y >= kept[-1][1]:
            kept.pop()
        kept.append((x, y))
    return kept


def steffen_by_hand(knots, t, method):
    x, y = zip(*knots, strict=True)
    n = len(x)
    if not x[0] <= t <= x[-1]:
        return math.nan
    if n == 1:
        return y[0]
    h = [x[i + 1] - x[i] for i in range(n - 1)]
    s = [(y[i + 1] - y[i]) / h[i] for i in range(n - 1)]
    if n == 2 and method == "Steffen":
        return y[0] + s[0] * (t - x[0])
    m = [0.0] * n
    for i in range(1, n - 1):
        p = (s[i - 1] * h[i] + s[i] * h[i - 1]) / (h[i - 1] + h[i])
        signs = math.copysign(1, s[i - 1]) + math.copysign(1, s[i])
        m[i] = signs * min(abs(s[i - 1]), abs(s[i]), abs(p) / 2)
    m[0] = (3 * s[0] - m[1]) / 2
    m[-1] = (3 * s[-1] - m[-2]) / 2
    i = min(bisect_right(x, t) - 1, n - 2)
    u = (t - x[i]) / h[i]
    return (
        (1 + 2 * u) * (1 - u) ** 2 * y[i]
        + u * (1 - u) ** 2 * h[i] * m[i]
        + u * u * (3 - 2 * u) * y[i + 1]
        + u * u * (u - 1) * h[i] * m[i + 1]
    )


def values_at(knots, targets, method="Steffen"):
    """Without a limit on gaps: made-up values fall and rise by any factor."""
    return pareto.interpolate(knots, targets, method=method, max_gap=math.inf)


def read(x, y, target, method="Steffen"):
    knots = pareto.pareto_front([0] * len(x), x, y, num_series=1)
    answer = values_at(knots, [target], method=method)
    return answer.value.item(), Status(answer.status.item())


def one_series(points):
    x, y = zip(*points, strict=True) if points else ((), ())
    return pareto.pareto_front(np.zeros(len(x), int), x, y, num_series=1)


def through(x, y):
    """Knots through any y: the frontier is that of a falling line over the same x."""
    knots = pareto.pareto_front([0] * len(x), x, [-v for v in x])
    return replace(knots, y=np.asarray(y, float)[knots.point])


def pairs(knots):
    return list(zip(knots.x.tolist(), knots.y.tolist(), strict=True))


# --- which points are kept


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (
            [(10, 100), (12, 100), (12, 90), (20, 80), (25, 80), (30, 85), (40, 20), (40, 20)],
            [(12, 100), (30, 85), (40, 20)],
        ),
        (
            [(10, 100), (20, 90), (20, 95), (30, 95), (40, 60), (40, 60), (50, 70), (60, 10), (5, 80), (60, 5)],
            [(10, 100), (30, 95), (50, 70), (60, 10)],
        ),
        ([], []),
    ],
)
def test_points_kept(points, expected):
    assert pairs(one_series(points)) == expected


methods = st.sampled_from(METHODS)
coordinates = st.integers(0, 12)  # few values, so that ties are common
clouds = st.lists(st.tuples(st.integers(0, 4), coordinates, coordinates), max_size=40)
targets_lists = st.lists(st.integers(0, 26).map(lambda t: t / 2), min_size=1, max_size=12)


def find(cloud):
    series_id, x, y = (np.array(column, int) for column in zip(*cloud, strict=True)) if cloud else ([], [], [])
    return pareto.pareto_front(series_id, x, y, num_series=5)


@given(clouds)
def test_every_series_alone_keeps_the_same_points(cloud):
    knots = find(cloud)
    for i in range(5):
        own = slice(knots.start[i], knots.start[i + 1])
        expected = kept_by_hand([(x, y) for series, x, y in cloud if series == i])
        assert list(zip(knots.x[own], knots.y[own], strict=True)) == expected
    for knot, point in enumerate(knots.point):
        assert cloud[point] == (knots.series[knot], knots.x[knot], knots.y[knot])


@given(clouds, st.randoms(), st.data())
def test_order_and_repeats_of_points_do_not_matter(cloud, random, data):
    repeats = data.draw(st.lists(st.sampled_from(cloud))) if cloud else []
    other = cloud + repeats
    random.shuffle(other)
    first, second = find(cloud), find(other)
    assert pairs(first) == pairs(second)
    assert first.start.tolist() == second.start.tolist()


@given(clouds)
def test_the_frontier_of_a_frontier_is_itself(cloud):
    once = find(cloud)
    twice = pareto.pareto_front(once.series, once.x, once.y, num_series=5)
    assert pairs(once) == pairs(twice)
    assert once.start.tolist() == twice.start.tolist()


def test_unsigned_series_numbers_and_more_series_than_fit_sixteen_bits():
    knots = pareto.pareto_front(np.array([70_000, 0, 0], np.uint32), [3, 1, 2], [5, 9, 4])
    assert knots.num_series == 70_001
    assert knots.series.tolist() == [0, 0, 70_000]
    assert pairs(knots) == [(1, 9), (2, 4), (3, 5)]


# --- values between the knots

S1 = ([10, 20, 40, 80], [1000, 900, 500, 100])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("x", "y", "targets", "expected"),
    [
        # S1: s = -10 -20 -10, h = 10 20 40. p_1 = (-10*20 - 20*10)/30 = -13.33, m_1 = -2 * 13.33/2;
        # p_2 = (-20*40 - 10*20)/60 = -16.67; m_0 = (3*-10 + 13.33)/2 = -8.33, m_3 = (-30 + 16.67)/2 = -6.67
        (*S1, [10, 15, 20, 30, 60, 70, 80], [1000, 956.25, 900, 708.333333, 250, 168.75, 100]),
        ([0, 1, 2, 3], [0, 0, 1, 1], [0.5, 1.5, 2.5], [0, 0.5, 1]),  # S2
        ([0, 1, 10], [10, 9, 0], [0.5, 2, 5, 9, 9.9], [9.5, 8, 5, 1, 0.1]),  # S3: a straight line stays one
    ],
)
def test_values_with_three_knots_or_more(x, y, targets, expected, method):
    assert values_at(through(x, y), targets, method=method).value[0] == pytest.approx(expected, abs=5e-7)


def test_slopes_at_the_knots():
    # read off as differences over a step so small that the curvature does not show
    step = 1e-7
    knots = through(*S1)
    after = values_at(knots, [x + step for x in S1[0][:-1]]).value[0]
    before = values_at(knots, [80 - step]).value[0]
    slopes = [*(after - S1[1][:-1]) / step, *(S1[1][-1] - before) / step]
    assert slopes == pytest.approx([-8.333333, -13.333333, -16.666667, -6.666667], abs=1e-4)


def test_two_knots_published_and_straight():
    x, y, targets = [0, 10], [100, 50], [0, 2.5, 5, 10]
    # S4: m = -7.5, -3.75 (a line has -5, -5)
    bent = values_at(through(x, y), targets, method="published").value[0]
    assert bent == pytest.approx([100, 83.3984375, 70.3125, 50], rel=1e-15)
    assert values_at(through(x, y), targets).value[0] == pytest.approx([100, 87.5, 75, 50], rel=1e-15)


@pytest.mark.parametrize("method", METHODS)
def test_one_knot(method):
    # S6: only the knot itself is measured
    assert read([50], [400], 50, method=method) == (400, Status.MEASURED)
    assert cost.usd_per_mtok(usd_per_gpu_hour=2, tok_per_s_per_gpu=400) == pytest.approx(1.388889, abs=5e-7)
    for target, status in ((49.9, Status.BELOW_RANGE), (50.1, Status.ABOVE_RANGE)):
        assert read([50], [400], target, method=method) == (pytest.approx(math.nan, nan_ok=True), status)


def test_no_knots():
    assert pareto.pareto_front([], [], []).num_series == 0
    assert read([], [], 10) == (pytest.approx(math.nan, nan_ok=True), Status.NO_POINTS)


def test_outside_the_measured_range_there_is_no_number():
    for target, status in ((5, Status.BELOW_RANGE), (100, Status.ABOVE_RANGE)):
        assert read(*S1, target) == (pytest.approx(math.nan, nan_ok=True), status)


def test_a_zero_is_a_point_like_any_other():
    assert read([0, 10], [100, 0], 5) == (50, Status.INTERPOLATED)
    assert read([0, 10], [100, 0], 0) == (100, Status.MEASURED)


@given(clouds, targets_lists, methods)
def test_all_series_at_once_answer_as_each_by_hand(cloud, targets, method):
    answer = values_at(find(cloud), targets, method=method)
    assert answer.value.shape == answer.status.shape == (5, len(targets))
    assert (np.isnan(answer.value) == (answer.status > Status.INTERPOLATED)).all()
    for i in range(5):
        points = [(x, y) for series, x, y in cloud if series == i]
        knots = kept_by_hand(points)
        for j, t in enumerate(targets):
            value, status = answer.value[i, j], answer.status[i, j]
            alone = read([x for x, _ in points], [y for _, y in points], t, method=method)
            assert (value, status) == (pytest.approx(alone[0], rel=0, abs=0, nan_ok=True), alone[1])
            if not knots:
                assert status == Status.NO_POINTS
            elif t < knots[0][0]:
                assert status == Status.BELOW_RANGE
            elif t > knots[-1][0]:
                assert status == Status.ABOVE_RANGE
            else:
                assert status == (Status.MEASURED if t in dict(knots) else Status.INTERPOLATED)
                assert value == pytest.approx(steffen_by_hand(knots, t, method), rel=1e-12, abs=1e-12)


def test_a_status_is_a_small_number():
    knots = through(*S1)
    assert {values_at(knots, targets).status.dtype for targets in ([15], [[15]])} == {np.dtype(np.int8)}


def test_more_answers_than_one_block(monkeypatch):
    random = np.random.default_rng(1)
    knots = pareto.pareto_front(random.integers(0, 60, 600), random.uniform(1, 9, 600), random.uniform(1, 9, 600))
    targets = random.uniform(0, 10, 50)
    whole = values_at(knots, targets)
    monkeypatch.setattr(pareto, "_CELLS_AT_ONCE", 7 * 50)
    blocks = values_at(knots, targets)
    assert np.array_equal(whole.value, blocks.value, equal_nan=True)
    assert np.array_equal(whole.status, blocks.status)
    assert np.isfinite(whole.value).sum() > 500


# x apart by at least 0.01, like measured speeds
rising = st.lists(st.integers(0, 50_000).map(lambda v: v / 100), min_size=2, max_size=9, unique=True).map(sorted)
heights = st.integers(0, 10_000_000).map(lambda v: v / 100)


@given(rising, st.data(), methods)
def test_between_two_knots_no_value_leaves_their_range(x, data, method):
    """Also with the published rule for the ends and for two knots, so that clamping, as the dashboard does, is idle."""
    y = data.draw(st.lists(heights, min_size=len(x), max_size=len(x)))
    targets = np.linspace(x[0], x[-1], 101)
    value = values_at(through(x, y), targets, method=method).value[0]
    left = np.clip(np.searchsorted(x, targets, "right") - 1, 0, len(x) - 2)
    low, high = np.minimum(y[:-1], y[1:])[left], np.maximum(y[:-1], y[1:])[left]
    slack = 1e-12 * max(y)
    assert (value >= low - slack).all() and (value <= high + slack).all()


@given(rising, st.data(), methods)
def test_falling_points_give_a_falling_curve(x, data, method):
    y = sorted(data.draw(st.lists(heights, min_size=len(x), max_size=len(x), unique=True)), reverse=True)
    value = values_at(through(x, y), np.linspace(x[0], x[-1], 101), method=method).value[0]
    assert (np.diff(value) <= 1e-12 * max(y)).all()


@given(rising, st.data(), st.floats(0.1, 20), methods)
def test_cost_times_interpolated_throughput_is_the_price(x, data, usd_per_gpu_hour, method):
    y = data.draw(st.lists(st.floats(1, 1e5), min_size=len(x), max_size=len(x)))
    tput = values_at(through(x, y), np.linspace(x[0], x[-1], 23), method=method).value
    usd = cost.usd_per_mtok(usd_per_gpu_hour=usd_per_gpu_hour, tok_per_s_per_gpu=tput)
    assert usd * tput * 3600 / 1e6 == pytest.approx(np.full_like(tput, usd_per_gpu_hour), rel=1e-12)


def test_knots_around_a_target():
    knots = pareto.pareto_front([0, 0, 0, 2], [10, 20, 40, 15], [9, 8, 7, 6])
    below, above = pareto.knots_around(knots, [[0], [1], [2]], [5, 10, 15, 25, 40, 41])
    assert below.tolist() == [[-1, 0, 0, 1, 2, -1], [-1] * 6, [-1, -1, 3, -1, -1, -1]]
    assert above.tolist() == [[-1, 0, 1, 2, 2, -1], [-1] * 6, [-1, -1, 3, -1, -1, -1]]


@given(clouds, st.data(), methods)
def test_targets_of_its_own_for_each_series(cloud, data, method):
    knots = find(cloud)
    targets = np.array(data.draw(st.lists(st.integers(0, 26), min_size=10, max_size=10))).reshape(5, 2) / 2
    own = values_at(knots, targets, method=method)
    for i in range(5):
        shared = values_at(knots, targets[i], method=method)
        assert own.value[i] == pytest.approx(shared.value[i], rel=1e-12, nan_ok=True)
        assert own.status[i].tolist() == shared.status[i].tolist()


# --- the GLM-5 article of 2026-05-26: 8192/1024 tokens, (interactivity, throughput), USD per GPU-hour

GLM5 = {
    "h200": (1.41, [(84.49, 347.9), (59.82, 489.7), (39.64, 675.9), (24.90, 851.9), (20.80, 847.2)]),
    "b200_fp8": (
        1.95,
        [
            (100.85, 417.0), (77.82, 650.1), (56.93, 952.7), (38.16, 1296.8), (23.56, 1619.3), (13.78, 1929.5),
            (11.88, 1947.3),
        ],
    ),
    "b200_fp4": (
        1.95,
        [
            (140.08, 579.2), (121.22, 1038.7), (94.53, 1523.5), (66.27, 2228.1), (43.99, 3037.3), (26.78, 3739.7),
            (17.63, 4115.5), (17.37, 4090.7),
        ],
    ),
}  # fmt: skip
# throughput, then USD per million tokens with the cost itself interpolated (until 2026-08-12) and from throughput
GLM5_TABLE = """
 10  -         -      -      -         -      -      -         -      -
 20  -         -      -      1742.0766 .3120  .3109  4018.0628 .1348  .1348
 30  788.4335  .4985  .4968  1462.8374 .3693  .3703  3606.9636 .1502  .1502
 40  672.0239  .5828  .5828  1259.6090 .4302  .4300  3195.4153 .1694  .1695
 50  572.4105  .6860  .6842  1071.3130 .5047  .5056  2804.9507 .1935  .1931
 60  488.3247  .8020  .8021  902.9042  .6006  .5999  2436.3571 .2227  .2223
 70  422.1051  .9283  .9279  753.3109  .7187  .7190  2115.7196 .2558  .2560
 80  369.5540  1.0637 1.0598 623.7326  .8698  .8684  1850.7243 .2916  .2927
 90  -         -      -      517.1608  1.0628 1.0474 1621.4444 .3335  .3341
100  -         -      -      424.6322  1.2801 1.2756 1416.0126 .3802  .3825
120  -         -      -      -         -      -      1064.7212 .5069  .5087
140  -         -      -      -         -      -      581.2518  .9331  .9319
"""


def glm5():
    """All three curves at once, throughput and the cost of each point."""
    rows = [(i, x, y, usd) for i, (usd, points) in enumerate(GLM5.values()) for x, y in points]
    series_id, x, y, usd = map(np.array, zip(*rows, strict=True))
    return pareto.pareto_front(series_id, x, y), cost.usd_per_mtok(usd_per_gpu_hour=usd, tok_per_s_per_gpu=y)


def test_glm5_to_the_printed_digit():
    table = [line.split() for line in GLM5_TABLE.strip().splitlines()]
    targets = [float(row[0]) for row in table]
    knots, point_cost = glm5()
    assert not np.isin(20.80, knots.x), "the dominated point of H200 must drop out"
    usd_per_gpu_hour = np.array([[usd] for usd, _ in GLM5.values()])
    tput = values_at(knots, targets, method="published").value
    old = values_at(replace(knots, y=point_cost[knots.point]), targets, method="published").value
    new = cost.usd_per_mtok(usd_per_gpu_hour=usd_per_gpu_hour, tok_per_s_per_gpu=tput)
    for i, printed in enumerate(table):
        for series in range(3):
            cells = printed[1 + 3 * series : 4 + 3 * series]
            for value, cell in zip((tput[series, i], old[series, i], new[series, i]), cells, strict=True):
                assert cell == ("-" if math.isnan(value) else f"{value:.{len(cell.split('.')[1])}f}".lstrip("0"))


def test_every_cell_of_a_published_comparison_at_equal_interactivity(shared):
    folder = shared / "inferencex-published-tables"
    with open(folder / "published_points.csv", newline="") as file:
        points = [row for row in csv.DictReader(file) if row["model"] == "glm5" and row["post"].startswith("b200-glm5")]
    with open(folder / "published_iso_interactivity_example.csv", newline="") as file:
        cells = list(csv.DictReader(file))
    assert len(cells) == 44
    columns = {"H200 FP8 MTP": ("h200", "fp8"), "B200 FP8 MTP": ("b200", "fp8"), "B200 NVFP4 MTP": ("b200", "fp4")}
    usd_per_gpu_hour = {"h200": 1.41, "b200": 1.95}

    def usd_per_mtok(column, target):
        hw, precision = columns[column]
        own = [row for row in points if (row["hw"], row["precision"]) == (hw, precision)]
        x, tput = (np.array([float(row[key]) for row in own]) for key in ("interactivity", "tput_per_gpu"))
        point_cost = cost.usd_per_mtok(usd_per_gpu_hour=usd_per_gpu_hour[hw], tok_per_s_per_gpu=tput)
        knots = pareto.pareto_front(np.zeros(x.size, int), x, tput)
        carried = replace(knots, y=point_cost[knots.point])
        return values_at(carried, [target], method="published").value.item()

    for cell in cells:
        target = float(cell["interactivity"])
        if cell["column"].endswith("$/M"):
            answer = usd_per_mtok(cell["column"].removesuffix(" $/M"), target)
            # one cell (B200 FP8 at 50: 0.50469, printed $0.51) shows that the article rounded to three digits first
            printed = "unreachable" if math.isnan(answer) else f"${round(answer, 3):.2f}"
        else:
            h200, b200 = usd_per_mtok("H200 FP8 MTP", target), usd_per_mtok("B200 NVFP4 MTP", target)
            printed = "∞" if math.isnan(h200) else f"{h200 / b200:.2f}x"
        assert printed == cell["value_text"], (target, cell["column"])


# --- what cannot be asked


@pytest.mark.parametrize("target", [-1, math.nan, math.inf, None])
def test_a_target_that_is_no_speed(target):
    with pytest.raises(ParameterError, match="must be zero or more, not"):
        read(*S1, target)
    with pytest.raises(ParameterError, match="must be zero or more, not"):
        values_at(through(*S1), [[target]])


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_points_that_are_no_numbers(wrong):
    with pytest.raises(TokenFactoryError, match=r"point 1: x is .*; leave such points out"):
        pareto.pareto_front([0, 0], [1, wrong], [1, 2])
    with pytest.raises(TokenFactoryError, match=r"point 0: y is .*; leave such points out"):
        pareto.pareto_front([0, 0], [1, 2], [wrong, 2])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0, 0], [1, 2, 3], [1, 2]), "must be columns of one length, not 2, 3 and 2 long"),
        ((["a", "b"], [1, 2], [2, 1]), "a series is known by a whole number, not a"),
        (([0.5, 1.0], [1, 2], [2, 1]), "a series is known by a whole number, not 0.5"),
        (([0, 0], ["fast", 2], [2, 1]), "x must be a column of numbers"),
        (([0, 0], [1, 2], [None, [1]]), "y must be a column of numbers"),
        (([[0, 0]], [[1, 2]], [[2, 1]]), "x must be a column of numbers"),
    ],
)
def test_columns_that_are_none(columns, message):
    with pytest.raises(TokenFactoryError, match=message):
        pareto.pareto_front(*columns)


def test_negative_speed():
    with pytest.raises(TokenFactoryError, match=r"point 1 has x = -2, but a speed or a latency is not negative"):
        pareto.pareto_front([0, 0], [1, -2], [1, 2])


@pytest.mark.parametrize("series_id", [[0, 5], [-1, 0]])
def test_series_numbers_outside_the_promised(series_id):
    with pytest.raises(TokenFactoryError, match="series numbers must lie between 0 and 4"):
        pareto.pareto_front(series_id, [1, 2], [1, 2], num_series=5)


def test_unknown_method():
    with pytest.raises(ParameterError, match="is called 'pchip'; known: straight line, straight line in log "):
        read(*S1, 15, method="pchip")


# --- other ways to read, and gaps


@given(rising.filter(lambda x: x[0] > 0), st.data(), st.sampled_from(sorted(pareto.METHODS)))
def test_every_method_stays_between_its_knots_and_reads_alike_at_targets_of_its_own(x, data, method):
    y = sorted(data.draw(st.lists(st.floats(1, 1e5), min_size=len(x), max_size=len(x), unique=True)), reverse=True)
    knots, targets = through(x, y), np.linspace(x[0], x[-1], 41)
    value = values_at(knots, targets, method=method).value
    assert (value[0] >= y[-1] * (1 - 1e-9)).all() and (value[0] <= y[0] * (1 + 1e-9)).all()
    assert value == pytest.approx(values_at(knots, targets[None], method=method).value, rel=1e-12)


@given(rising, st.data())
def test_pchip_is_that_of_scipy(x, data):
    y = data.draw(st.lists(heights, min_size=len(x), max_size=len(x)))
    targets = np.linspace(x[0], x[-1], 41)
    expected = PchipInterpolator(x, y)(targets)
    assert values_at(through(x, y), targets, method="PCHIP").value[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_first_slope_of_pchip_is_at_most_three_times_its_secant():
    # secants 1 and -4: (3 * 1 + 4) / 2 = 3.5 is cut to 3; the next slope is 0, so half way lies (0 + 1) / 2 + 3 / 8
    assert values_at(through([0, 1, 2], [0, 1, -3]), [0.5], method="PCHIP").value.item() == pytest.approx(0.875)


def test_a_straight_line_through_every_knot():
    answer = values_at(through(*S1), [10, 15, 30, 60, 80], method="straight line")
    assert answer.value[0].tolist() == [1000, 950, 700, 300, 100]


def test_transformed_axes_by_hand():
    # half way from 10 to 1000 on a logarithmic axis is 100; half way between 900 and 400 in logarithms is 600
    assert read([10, 1000], [900, 400], 100, method="Steffen over log speed")[0] == pytest.approx(650)
    assert read([10, 20], [900, 400], 15, method="straight line in log throughput")[0] == pytest.approx(600)
    # S1 over ln x: s = -100, -400, -400 / ln 2; m_1 = -2 min(100, 250 / 2) / ln 2 = -200 / ln 2, m_0 = -50 / ln 2;
    # at the middle of the first piece the cubic is the mean of the ends plus h (m_0 - m_1) / 8 = 950 + 18.75
    found = read(*S1, math.sqrt(200), method="Steffen over log speed")[0]
    assert found == pytest.approx(968.75)


def test_across_a_gap_nothing_is_read():
    knots = pareto.pareto_front([0, 0, 0], [10, 20, 40], [1000, 100, 9.9])
    answer = pareto.interpolate(knots, [10, 15, 20, 30, 40])
    assert answer.status.tolist() == [[0, 1, 0, Status.IN_GAP, 0]]
    assert answer.value[0, [0, 2, 4]].tolist() == [1000, 100, 9.9] and math.isnan(answer.value[0, 3])
    assert pareto.interpolate(knots, [[15, 30]]).status.tolist() == [[1, Status.IN_GAP]]
    assert pareto.interpolate(knots, [30], method="published").status.tolist() == [[1]]  # the dashboard has no limit
    assert pareto.interpolate(knots, [15], max_gap=9.99).status.tolist() == [[Status.IN_GAP]]


@pytest.mark.parametrize("y", [[1000, 300, 90, 30], [30, 90, 300, 1000]])
def test_a_gap_is_one_between_neighbours(y):
    # each is at most 3.4 times the next one, and the first 33 times the last, or the last the first
    knots = through([10, 20, 30, 40], y)
    for targets in ([15, 25, 35], [[15, 25, 35]]):
        assert pareto.interpolate(knots, targets).status.tolist() == [[Status.INTERPOLATED] * 3]


def test_a_speed_of_zero_has_no_logarithm():
    assert pareto.interpolate(pareto.pareto_front([0], [5], [1]), [0]).status.tolist() == [[Status.BELOW_RANGE]]
    with pytest.raises(ParameterError, match="needs speeds above zero"):
        pareto.interpolate(pareto.pareto_front([0, 0], [0, 5], [2, 1]), [3])
