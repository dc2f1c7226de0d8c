"""Methods of `sensitivity` against closed forms, other programs' definitions and recomputation one by one."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenfactory.errors import ParameterError, TokenFactoryError
from tokenfactory.formulas import cost, finance
from tokenfactory.formulas.power_figure import ALLIN_UTILITY, CRITICAL_IT, Conversion, OnBasis
from tokenfactory.methods import sensitivity, simulation
from tokenfactory.methods.sensitivity import (
    Empirical,
    LogNormal,
    NoSolutionError,
    RankCorrelation,
    Triangular,
    Uniform,
    simulate,
)

# The H200 build of test_finance: 0.968928 + 0.243973 + 0.1096 + 0.0328196 = 1.35532 USD per GPU-hour.
H200 = dict(
    usd_per_gpu=28_750.0,
    wacc_frac=0.07,
    life_year=4.0,
    colocation_usd_per_kw_year=1560.0,
    kw_per_gpu=1.37,
    usd_per_kwh=0.08,
    load_frac=0.8,
    pue=1.25,
    maintenance_frac=0.01,
)
GB300 = H200 | dict(usd_per_gpu=4e6 / 72 + 6_000, kw_per_gpu=2.12, pue=1.15)
RANGES = dict(
    usd_per_gpu=(24_000, 40_000),
    life_year=(3, 6),
    wacc_frac=(0.05, 0.12),
    colocation_usd_per_kw_year=(1200, 2340),
    usd_per_kwh=(0.05, 0.19),
    load_frac=(0.5, 1.0),
    maintenance_frac=(0.01, 0.05),
    pue=(1.1, 1.5),
)


def usd_per_mtok(*, usd_per_gpu_hour, tok_per_s_per_gpu):
    return cost.usd_per_mtok(usd_per_gpu_hour=usd_per_gpu_hour, tok_per_s_per_gpu=tok_per_s_per_gpu)


def product(**inputs):
    return math.prod(inputs.values())


# --- one input at a time -----------------------------------------------------------------------------------------


def test_tornado_of_an_owned_hour():
    bars = {bar.name: bar for bar in sensitivity.tornado(finance.owned_usd_per_gpu_hour, H200, RANGES)}
    expected = {
        "usd_per_gpu": (1.18981, 1.74731),  # 1.35532 - (28,750 - 24,000) * 3.48427e-5; + 11,250 * 3.48427e-5
        "life_year": (1.63699, 1.07493),
        "wacc_frac": (1.31194, 1.46693),
        "colocation_usd_per_kw_year": (1.29902, 1.47731),  # 0.243973 * 100 / 130 and * 195 / 130
        "usd_per_kwh": (1.31422, 1.50602),  # 0.1096 * 0.05 / 0.08 and * 0.19 / 0.08
        "load_frac": (1.31422, 1.38272),  # 0.1096 * 0.5 / 0.8 and / 0.8
        "maintenance_frac": (1.35532, 1.48660),  # 28,750 * 0.04 / 8760 more
        "pue": (1.34217, 1.37724),  # 0.1096 * 1.1 / 1.25 and * 1.5 / 1.25
    }
    assert {name: (bar.at_low, bar.at_high) for name, bar in bars.items()} == {
        name: pytest.approx(ends, rel=5e-6) for name, ends in expected.items()
    }
    assert list(bars) == [
        "life_year", "usd_per_gpu", "usd_per_kwh", "colocation_usd_per_kw_year", "wacc_frac", "maintenance_frac",
        "load_frac", "pue",
    ]  # fmt: skip


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_a_bar_is_the_model_with_one_input_changed(data):
    ranges = {
        name: tuple(sorted(data.draw(st.tuples(st.floats(low, high), st.floats(low, high)))))
        for name, (low, high) in RANGES.items()
    }
    for bar in sensitivity.tornado(finance.owned_usd_per_gpu_hour, H200, ranges):
        assert bar.at_low == finance.owned_usd_per_gpu_hour(**{**H200, bar.name: ranges[bar.name][0]})
        assert bar.at_high == finance.owned_usd_per_gpu_hour(**{**H200, bar.name: ranges[bar.name][1]})


# --- the inverse -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "usd_per_hour", "capital"),
    [
        # (1.41 - 0.243973 - 0.1096) / ((0.295228 + 0.01) / 8760) = 1.056427 / 3.484338e-5
        (H200, 1.41, 30_319.3),
        # (2.652 - 0.377534 - 0.156032) / 3.484338e-5
        (GB300, 2.652, 60_798.7),
    ],
)
def test_which_capital_explains_a_published_hour(build, usd_per_hour, capital):
    capitals = {"usd_per_gpu": (1_000, 200_000)}
    found = sensitivity.flips(finance.owned_usd_per_gpu_hour, build, capitals, target=usd_per_hour)["usd_per_gpu"]
    assert found == pytest.approx(capital, rel=1e-5)
    assert finance.owned_usd_per_gpu_hour(**build | dict(usd_per_gpu=found)) == pytest.approx(usd_per_hour, rel=1e-9)


@given(price=st.floats(0.1, 10), target=st.floats(0.1, 10), t=st.floats(50, 5000))
@settings(deadline=None)
def test_break_even_utilisation_by_search_is_that_of_the_formula(price, target, t):
    share = cost.break_even_utilisation_frac(usd_per_gpu_hour=price, tok_per_s_per_gpu=t, usd_per_mtok=target)
    base = dict(usd_per_gpu_hour=price, tok_per_s_per_gpu=t, utilisation_frac=1.0)
    found = sensitivity.flips(cost.usd_per_mtok, base, {"utilisation_frac": (0.001, 1)}, target=target)
    if 0.0011 < share < 0.999:
        assert found["utilisation_frac"] == pytest.approx(share, rel=1e-9)
    elif share > 1.001:
        assert found["utilisation_frac"] is None


def test_a_site_may_draw_just_what_its_it_draws():
    sensitivity.check({"pue": 1.0})
    conversion = Conversion(1.0, CRITICAL_IT, ALLIN_UTILITY, "a site without losses")
    assert OnBasis(2.0, CRITICAL_IT).convert(conversion).on(ALLIN_UTILITY) == 2.0


@pytest.mark.parametrize("end", [2.0, 5.0])
def test_a_solution_may_be_an_end(end):
    assert sensitivity.solve(lambda x: 3 * x, low=2, high=5, target=3 * end, name="x") == end


def test_no_solution_says_what_the_ends_give():
    def usd(use):
        return cost.usd_per_mtok(usd_per_gpu_hour=2.652, tok_per_s_per_gpu=14_550.9, utilisation_frac=use)

    with pytest.raises(NoSolutionError) as caught:
        sensitivity.solve(usd, low=0.1, high=1, target=0.05, name="utilisation_frac")
    # at full use 2.652e6 / (3600 * 14,550.9) = 0.05063
    assert str(caught.value) == ("no utilisation_frac from 0.1 to 1 leads to 0.05: the ends lead to 0.5063 and 0.05063")
    assert isinstance(caught.value, TokenFactoryError)
    assert caught.value.exit_code == 2


def test_a_function_without_a_value_at_an_end_has_no_solution():
    with pytest.raises(NoSolutionError, match="lead to nan"):
        sensitivity.solve(lambda x: math.nan if x == 0 else x, low=0, high=2, target=1, name="x")


def test_flips_are_where_the_target_is_crossed_and_none_elsewhere():
    found = sensitivity.flips(finance.owned_usd_per_gpu_hour, H200, RANGES, target=1.5)
    crossed = {bar.name for bar in sensitivity.tornado(finance.owned_usd_per_gpu_hour, H200, RANGES)
               if max(bar.at_low, bar.at_high) >= 1.5}  # fmt: skip
    assert {name for name, value in found.items() if value is not None} == crossed
    assert crossed == {"usd_per_gpu", "life_year", "usd_per_kwh"}
    # 28,750 + (1.5 - 1.35532) / 3.484338e-5
    assert found["usd_per_gpu"] == pytest.approx(32_902.3, rel=1e-5)


# --- all inputs at once ------------------------------------------------------------------------------------------

LN_PRICE, LN_SPEED = 0.1, 0.2
LN_COST = math.hypot(LN_PRICE, LN_SPEED)
PRICE_AND_SPEED = dict(usd_per_gpu_hour=LogNormal(1.41, LN_PRICE), tok_per_s_per_gpu=LogNormal(93.25, LN_SPEED))


def cost_of(**inputs):
    return {"usd_per_mtok": usd_per_mtok(**inputs)}


def normal_density(x):
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


@pytest.mark.parametrize("num_draws", [1_000, 200_000])
def test_monte_carlo_meets_the_closed_form_within_three_standard_errors(num_draws):
    # ln c = ln 4.20018 + N(0, 0.1^2 + 0.2^2): P5 4.20018 exp(-1.644854 * 0.223607), mean 4.20018 exp(0.025)
    found = simulate(cost_of, PRICE_AND_SPEED, num_draws=num_draws, seed=20260415)["usd_per_mtok"]
    for share, z, value in ((0.05, -1.644854, 2.90760), (0.5, 0, 4.20018), (0.95, 1.644854, 6.06738)):
        density = normal_density(z) / (value * LN_COST)
        error = math.sqrt(share * (1 - share) / num_draws) / density
        assert abs(found.quantile(share) - value) < 3 * error, share
    assert abs(found.mean - 4.30651) < 3 * found.standard_error
    # the standard deviation of a log-normal: mean * sqrt(exp(s^2) - 1)
    deviation = 4.30651 * math.sqrt(math.expm1(LN_COST**2))
    assert found.standard_deviation == pytest.approx(deviation, rel=0.1 if num_draws == 1_000 else 0.01)


@pytest.mark.parametrize("spread", [0.5, 1.5, 3.0, 6.0])
def test_quantiles_hold_however_wide_the_result_spreads(spread):
    """Of a log-normal the quantiles are known; a few huge draws must not blur all the others."""
    found = simulate(lambda *, x: {"x": 2 * x}, {"x": LogNormal(21, spread)}, num_draws=100_000, seed=3)["x"]
    for share, z, density in ((0.05, -1.644854, 0.103136), (0.5, 0.0, 0.398942), (0.95, 1.644854, 0.103136)):
        wanted = 42 * math.exp(spread * z)
        error = math.sqrt(share * (1 - share) / 100_000) / density * spread * wanted
        assert abs(found.quantile(share) - wanted) < 3 * error
        assert found.share_below(wanted) == pytest.approx(share, abs=0.003)


def test_a_wide_result_may_fall_below_zero_in_draws_that_the_first_ones_did_not_show():
    wide = {"x": Empirical([1.0, 100.0] * 50_000 + [-5.0])}
    found = simulate(lambda *, x: {"x": x}, wide, num_draws=400_000, seed=1)["x"]
    assert found.low == -5 and found.high == 100
    assert found.quantile(0.4) == pytest.approx(1, rel=0.001) and found.quantile(0.6) == pytest.approx(100, rel=0.001)


def test_quantiles_of_the_histogram_are_those_of_the_draws():
    draws = sensitivity.sample(PRICE_AND_SPEED, num_draws=50_000, seed=1)
    values = usd_per_mtok(**draws)
    found = simulate(cost_of, PRICE_AND_SPEED, num_draws=50_000, seed=1)["usd_per_mtok"]
    assert (found.num_draws, found.low, found.high) == (50_000, values.min(), values.max())
    assert found.mean == pytest.approx(values.mean(), rel=1e-12)
    assert found.standard_deviation == pytest.approx(values.std(), rel=1e-9)
    shares = [0.001, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999]
    assert [found.quantile(share) for share in shares] == pytest.approx(np.quantile(values, shares), rel=2e-3)
    for value in np.quantile(values, shares):
        assert found.share_below(value) == pytest.approx((values < value).mean(), abs=2e-4)
    assert found.share_below(0) == 0
    assert found.share_below(1e9) == 1


def fingerprint(found):
    return [(f.mean, f.standard_deviation, f.low, f.high, f._num_below.tobytes()) for f in found.values()]


@pytest.mark.parametrize("correlation", [None, RankCorrelation(list(PRICE_AND_SPEED), [[1, 0.5], [0.5, 1]])])
def test_the_same_seed_gives_the_same_bits_whatever_the_number_of_workers(correlation):
    def run(**options):
        options = dict(num_draws=100_001, seed=7, correlation=correlation) | options
        return fingerprint(simulate(cost_of, PRICE_AND_SPEED, **options))

    alone = run()
    assert [run(num_workers=n) for n in (1, 2, 5)] == [alone] * 3
    assert run(seed=8) != alone
    assert run(num_draws=100_002) != alone


@pytest.mark.parametrize("num_draws", [1, 5, 63, 64, 65, 20_000])
def test_any_number_of_draws_is_drawn(num_draws):
    inputs = {"x": Uniform(0, 1)}
    assert len(sensitivity.sample(inputs, num_draws=num_draws, seed=1)["x"]) == num_draws
    found = simulate(lambda *, x: {"y": x}, inputs, num_draws=num_draws, seed=1)["y"]
    assert found.num_draws == num_draws
    assert found.low <= found.quantile(0.5) <= found.high


def test_no_two_draws_are_the_same():
    x = sensitivity.sample({"x": Uniform(0, 1)}, num_draws=200_000, seed=1)["x"]
    assert len(np.unique(x)) == len(x)


def test_the_bins_reach_half_a_spread_beyond_the_first_draws():
    tally = simulation._Tally.around(np.array([0.0, 1.0]))
    num_bins = simulation._NUM_BINS
    width = 2 / num_bins
    tally.add(np.array([-0.51, -0.5, -0.5 + width, 0.5, 1.5 - width / 2, 1.5, 99]))
    counts = {int(bin): int(tally.counts[bin]) for bin in np.flatnonzero(tally.counts)}
    assert counts == {0: 1, 1: 1, 2: 1, num_bins // 2 + 1: 1, num_bins: 1, num_bins + 1: 2}


@pytest.mark.parametrize(
    ("first", "is_proportional"), [([1, 10], False), ([1, 10.5], True), ([2, 15], False), ([0, 99], False)]
)
def test_bins_are_of_equal_proportion_over_more_than_a_factor_of_ten(first, is_proportional):
    assert simulation._Tally.around(np.array(first, float)).is_proportional is is_proportional


def test_the_bins_of_draws_from_one_to_three():
    # half of 2 beyond either end: from 0 to 4
    tally = simulation._Tally.around(np.array([1.0, 3.0]))
    assert (tally.first_edge, tally.bins_per_unit, tally.centre) == (0, simulation._NUM_BINS / 4, 2)
    # all the same: one below and one above
    tally = simulation._Tally.around(np.array([3.5, 3.5]))
    assert (tally.first_edge, tally.bins_per_unit, tally.centre) == (2.5, simulation._NUM_BINS / 2, 3.5)


def test_draws_that_come_a_few_at_a_time_are_all_counted(monkeypatch):
    monkeypatch.setattr(simulation, "_CHUNK", 7)
    inputs = {"x": Uniform(1, 2)}
    x = sensitivity.sample(inputs, num_draws=1000, seed=1)["x"]
    found = simulate(lambda *, x: {"x": x}, inputs, num_draws=1000, seed=1)["x"]
    assert (found.num_draws, found.low, found.high) == (1000, x.min(), x.max())
    assert (found.mean, found.standard_deviation) == pytest.approx((x.mean(), x.std()), rel=1e-9)
    assert found.share_below(1.5) == pytest.approx((x < 1.5).mean(), abs=1e-3)
    assert (found.quantile(0), found.quantile(1)) == (x.min(), x.max())


def test_a_result_that_does_not_vary():
    found = simulate(lambda *, x: {"y": 3.5 + 0 * x}, {"x": Uniform(0, 1)}, num_draws=1000, seed=1)["y"]
    assert (found.mean, found.standard_deviation, found.quantile(0.05), found.quantile(0.95)) == (3.5, 0, 3.5, 3.5)


def test_large_results_of_small_spread_keep_their_digits():
    found = simulate(lambda *, x: {"y": 1e9 + x}, {"x": Uniform(0, 1)}, num_draws=100_000, seed=1)["y"]
    assert found.standard_deviation == pytest.approx(1 / math.sqrt(12), rel=0.01)


def test_a_share_of_draws_is_a_mean():
    # P(c1 < c2) of two log-normals of medians 1 and 1.2, each of sigma 0.2: Phi(ln 1.2 / hypot(0.2, 0.2))
    inputs = {"a": LogNormal(1, 0.2), "b": LogNormal(1.2, 0.2)}
    found = simulate(lambda *, a, b: {"is_cheaper": a < b}, inputs, num_draws=100_000, seed=3)["is_cheaper"]
    expected = statistics.NormalDist().cdf(math.log(1.2) / math.hypot(0.2, 0.2))
    assert expected == pytest.approx(0.740396, rel=1e-4)
    assert abs(found.mean - expected) < 3 * math.sqrt(expected * (1 - expected) / 100_000)
    draws = sensitivity.sample(inputs, num_draws=100_000, seed=3)
    assert sensitivity.probability_cheaper(draws["a"], draws["b"]) == pytest.approx(found.mean, rel=1e-12)


# --- distributions -----------------------------------------------------------------------------------------------

SHAPES = [
    # mean and variance: (a + m + b) / 3, (a^2 + m^2 + b^2 - am - ab - mb) / 18
    (Triangular(1, 2, 6), 3, (1 + 4 + 36 - 2 - 6 - 12) / 18),
    (Triangular(1, 1, 4), 2, (1 + 1 + 16 - 1 - 4 - 4) / 18),
    (Triangular(1, 4, 4), 3, (1 + 16 + 16 - 4 - 4 - 16) / 18),
    (Uniform(2, 8), 5, 3),  # 6^2 / 12
    (LogNormal(2, 0.5), 2 * math.exp(0.125), 4 * math.exp(0.25) * math.expm1(0.25)),
    (Empirical([3, 1, 2, 2]), 2, 0.5),
]


@pytest.mark.parametrize(("shape", "mean", "variance"), SHAPES, ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("how", ["draw", "ppf", "from_normal"])
def test_every_way_to_draw_gives_the_shape(shape, mean, variance, how):
    random = np.random.default_rng(11)
    draws = {
        "draw": lambda: shape.draw(random, 200_000),
        "ppf": lambda: shape.ppf(random.random(200_000)),
        "from_normal": lambda: shape.from_normal(random.standard_normal(200_000)),
    }[how]()
    assert draws.mean() == pytest.approx(mean, abs=4 * math.sqrt(variance / 200_000))
    assert draws.var() == pytest.approx(variance, rel=0.03)


def test_an_empirical_input_invents_nothing():
    draws = Empirical([3, 1, 2, 2]).draw(np.random.default_rng(1), 1000)
    assert set(draws) == {1, 2, 3} and draws.dtype == float
    assert Empirical([3, 1, 2, 2]).ppf(np.array([0, 0.2, 0.3, 0.7, 0.8, 1])).tolist() == [1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("figures", [(math.inf, 1), (0, 1), (1, -0.1), (1, math.inf)])
def test_a_log_normal_has_a_positive_median_and_a_finite_width(figures):
    with pytest.raises(ParameterError, match="must be positive and sigma"):
        LogNormal(*figures)
    assert LogNormal(2, 0).sigma == 0


@pytest.mark.parametrize("shape", [Triangular(2, 2, 2), Uniform(2, 2), Empirical([2]), LogNormal(2, 0)])
def test_a_shape_without_width_is_a_number(shape):
    assert set(shape.draw(np.random.default_rng(1), 10)) == {2.0}
    assert set(shape.ppf(np.linspace(0.1, 0.9, 5))) == {2.0}


@given(low=st.floats(-100, 100), a=st.floats(0, 100), b=st.floats(0, 100), share=st.floats(0, 1))
def test_the_quantile_function_of_a_triangle_undoes_its_distribution_function(low, a, b, share):
    mode, high = low + a, low + a + b
    x = float(Triangular(low, mode, high).ppf(np.array([share]))[0])
    assert low - 1e-9 <= x <= high + 1e-9
    if high - low > 1e-3:
        rise = (x - low) ** 2 / ((high - low) * (mode - low)) if low < mode and x < mode else None
        below = rise if rise is not None else 1 - (high - x) ** 2 / ((high - low) * (high - mode)) if mode < high else 1
        assert below == pytest.approx(share, abs=1e-6)


# --- inputs that go together -------------------------------------------------------------------------------------


def spearman(x, y):
    ranks = [np.argsort(np.argsort(values)) for values in (x, y)]
    return np.corrcoef(*ranks)[0, 1]


def test_inputs_have_the_rank_correlation_that_was_asked_for():
    inputs = {"a": Triangular(1, 2, 6), "free": Uniform(0, 1), "b": LogNormal(2, 1), "c": Empirical(range(1000))}
    wanted = np.array([[1, 0.7, -0.3], [0.7, 1, 0.1], [-0.3, 0.1, 1]])
    draws = sensitivity.sample(inputs, num_draws=100_000, seed=5, correlation=RankCorrelation(["a", "b", "c"], wanted))
    found = [[spearman(draws[i], draws[j]) for j in "abc"] for i in "abc"]
    assert np.abs(np.array(found) - wanted).max() < 0.01  # standard error 1 / sqrt(100,000) = 0.003
    assert abs(spearman(draws["free"], draws["a"])) < 0.01
    assert draws["a"].mean() == pytest.approx(3, rel=0.01)  # the shapes stay what they are
    normals = RankCorrelation(["a", "b", "c"], wanted).normals(np.random.default_rng(1), 100_000)
    assert normals.std(axis=1) == pytest.approx([1, 1, 1], abs=0.01)


def test_a_simulation_is_fed_the_draws_that_go_together():
    together = dict(num_draws=1000, seed=5, correlation=RankCorrelation(["a", "b"], [[1, -0.9], [-0.9, 1]]))
    inputs = {"a": Uniform(0, 1), "b": Uniform(0, 1)}
    draws = sensitivity.sample(inputs, **together)
    found = simulate(lambda *, a, b: {"product": a * b}, inputs, **together)["product"]
    assert found.mean == pytest.approx((draws["a"] * draws["b"]).mean(), rel=1e-12)
    assert found.mean < 0.2, "a quarter if they were independent"


@pytest.mark.parametrize(
    ("matrix", "says"),
    [
        ([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]], "not positive definite"),
        ([[1, 1, 0], [1, 1, 0], [0, 0, 1]], "not positive definite"),
        ([[1, 0.5, 0], [0.4, 1, 0], [0, 0, 1]], "must be symmetric"),
        ([[1, 1.5, 0], [1.5, 1, 0], [0, 0, 1]], "from -1 to 1"),
        ([[2, 0, 0], [0, 1, 0], [0, 0, 1]], "1 on its diagonal"),
        ([[1, math.nan, 0], [math.nan, 1, 0], [0, 0, 1]], "must be symmetric"),
        ([[1, 0], [0, 1]], "must have 3 rows and columns"),
    ],
)
def test_a_matrix_that_cannot_be_is_refused(matrix, says):
    with pytest.raises(ParameterError, match=says) as caught:
        RankCorrelation(["a", "b", "c"], matrix)
    assert str(caught.value).startswith("the rank-correlation matrix ") and "\n" not in str(caught.value)
    with pytest.raises(ParameterError, match=r"^the rank-correlation matrix names an input twice$"):
        RankCorrelation(["a", "a"], np.eye(2))


# --- Sobol -------------------------------------------------------------------------------------------------------


def test_sobol_of_a_product():
    # c = CV^2 of each: (1/12) / 1, (0.16/12), (0.04/12); D = prod(1 + c) - 1 = 0.101437
    inputs = {"a": Uniform(0.5, 1.5), "b": Uniform(0.8, 1.2), "c": Uniform(0.9, 1.1)}
    found = sensitivity.sobol(product, inputs, num_base=2**14, seed=1)
    assert found.first == pytest.approx(dict(a=0.821528, b=0.131444, c=0.0328611), abs=0.01)
    assert found.total == pytest.approx(dict(a=0.835256, b=0.142873, c=0.0360742), abs=0.01)
    small, again = (sensitivity.sobol(product, inputs, num_base=2, seed=1) for _ in range(2))
    assert small == again, "a seed is a result"


def test_sobol_of_ishigami():
    def ishigami(*, x, y, z):
        return np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x)

    around = Uniform(-math.pi, math.pi)
    found = sensitivity.sobol(ishigami, {"x": around, "y": around, "z": around}, num_base=2**14, seed=1)
    assert found.first == pytest.approx(dict(x=0.313905, y=0.442411, z=0), abs=0.01)
    assert found.total == pytest.approx(dict(x=0.557589, y=0.442411, z=0.243684), abs=0.01)


def test_sobol_takes_every_shape():
    # variances 5/... of a sum are shares: Triangular(1, 2, 6) 21/18, LogNormal and Empirical as in SHAPES
    inputs = {str(i): shape for i, (shape, _, _) in enumerate(SHAPES)}
    found = sensitivity.sobol(lambda **x: sum(x.values()), inputs, num_base=2**13, seed=1)
    whole = sum(variance for _, _, variance in SHAPES)
    assert found.first == pytest.approx({str(i): v / whole for i, (_, _, v) in enumerate(SHAPES)}, abs=0.02)


# --- choices -----------------------------------------------------------------------------------------------------


def test_regret_is_the_mean_distance_from_the_best():
    costs = {"a": np.array([1.0, 4.0, 2.0]), "b": np.array([2.0, 2.0, 2.0]), "c": np.array([9.0, 9.0, 1.0])}
    # best: 1, 2, 1
    assert sensitivity.expected_regret(costs) == {"a": (0 + 2 + 1) / 3, "b": (1 + 0 + 1) / 3, "c": (8 + 7 + 0) / 3}


def test_what_costs_the_same_is_not_cheaper():
    assert sensitivity.probability_cheaper(np.array([1.0, 2.0]), np.array([1.0, 3.0])) == 0.5


def test_groups_are_of_equal_size_and_the_highest_draws_too_many_are_left_out():
    # As in the example, where knowing is worth 1; the fifth draw belongs to no group.
    costs = {"own": np.array([100.0, 1.0, 1.0, 5.0, 5.0]), "rent": np.full(5, 3.0)}
    assert sensitivity.value_of_knowing(costs, np.array([9, 1, 2, 3, 4]), num_groups=2) == 1.0
    # one draw a group: own costs 1 or 5, rent 3; the better one 2 on average, and either alone 3
    many, own = np.tile([1.0, 0.0], 500), np.repeat([0.0, 2.0], 500)  # equal draws keep their order
    assert sensitivity.value_of_knowing({"own": own, "rent": np.ones(1000)}, many, num_groups=4) == 0.5
    two = {"own": np.array([1.0, 5.0]), "rent": np.array([3.0, 3.0])}
    assert sensitivity.value_of_knowing(two, np.array([1, 2]), num_groups=2) == 1.0


def test_the_value_of_knowing_an_input():
    # One choice costs 1, the other a number from 0 to 2: knowing it, one pays min(1, x), 0.75 on average in place of 1.
    draws = sensitivity.sample({"x": Uniform(0, 2), "y": Uniform(0, 2)}, num_draws=100_000, seed=2)
    costs = {"sure": np.ones(100_000), "unsure": draws["x"]}
    assert sensitivity.value_of_knowing(costs, draws["x"]) == pytest.approx(0.25, abs=0.01)
    assert sensitivity.value_of_knowing(costs, draws["y"]) == pytest.approx(0, abs=0.02)
    # all there is to know is x
    assert min(sensitivity.expected_regret(costs).values()) == pytest.approx(0.25, abs=0.01)


@given(seed=st.integers(0, 1000), shift=st.floats(-1, 1))
@settings(max_examples=20, deadline=None)
def test_knowing_one_input_is_never_worth_more_than_knowing_all(seed, shift):
    draws = sensitivity.sample({"x": Uniform(0, 1), "y": Uniform(0, 1)}, num_draws=5_000, seed=seed)
    costs = {"a": draws["x"] + shift, "b": draws["y"]}
    one, everything = (
        sensitivity.value_of_knowing(costs, draws["x"]),
        min(sensitivity.expected_regret(costs).values()),
    )
    assert -1e-12 <= one <= everything + 1e-12


# --- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refused", "says"),
    [
        (lambda: Triangular(3, 2, 1), r"triangular: low \(3\) is above high \(1\)"),
        (lambda: Triangular(1, 5, 3), r"the mode \(5\) is not from 1 to 3"),
        (lambda: Triangular(0, 1, math.inf), "is not finite"),
        (lambda: Uniform(2, 1), r"uniform: low \(2\) is above high \(1\)"),
        (lambda: LogNormal(0, 1), r"the median \(0\) must be positive"),
        (lambda: LogNormal(1, -1), r"sigma \(-1\) not negative"),
        (lambda: Empirical([]), r"^empirical: there must be values, and all of them finite$"),
        (lambda: Empirical([1, math.nan]), "all of them finite"),
        (lambda: RankCorrelation(["a", "a"], [[1, 0], [0, 1]]), "names an input twice"),
        (lambda: sensitivity.tornado(product, {"x": 1}, {"x": (2, 1)}), r"x: low \(2\) is above high \(1\)"),
        (lambda: sensitivity.tornado(product, {"x": 1}, {"y": (1, 2)}), "'y' is not an input of the model; it has x"),
        (lambda: sensitivity.flips(product, {"x": 1}, {"y": (0, 1)}, target=0), "'y' is not an input"),
        (lambda: sensitivity.solve(abs, low=2, high=1, target=0, name="x"), r"x: low \(2\) is above high \(1\)"),
        (lambda: simulate(cost_of, PRICE_AND_SPEED, num_draws=0, seed=1), "must be positive, not 0"),
        (lambda: sensitivity.sample(PRICE_AND_SPEED, num_draws=9, seed=1, correlation=RankCorrelation(["x"], [[1]])),
         "'x' is not an input of the model; it has usd_per_gpu_hour, tok_per_s_per_gpu"),
        (
            lambda: simulate(cost_of, PRICE_AND_SPEED, num_draws=9, seed=1, correlation=RankCorrelation(["x"], [[1]])),
            "'x' is not an input",
        ),
        (
            lambda: simulate(lambda *, x: {"y": np.log(x - 2)}, {"x": Uniform(0, 1)},
                             num_draws=9, seed=1),
            "y is not a finite number in some draws",
        ),
        (lambda: sensitivity.sobol(product, {"x": Uniform(0, 1)}, num_base=1000, seed=1), "power of two, not 1000"),
        (lambda: sensitivity.sobol(product, {"x": Uniform(0, 1)}, num_base=1, seed=1), "power of two, not 1"),
        (lambda: sensitivity.value_of_knowing({"a": np.ones(3)}, np.ones(3)), "3 draws are too few for 50 groups"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_mistake_is_said_in_one_sentence(refused, says):
    with pytest.raises(ParameterError, match=says) as caught:
        refused()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("utilisation_frac", 0, "utilisation_frac must be above 0 and at most 1, not 0"),
        ("utilisation_frac", 1.2, "not 1.2"),
        ("utilisation_frac", math.nan, "not nan"),
        ("load_frac", 0, "above 0 and at most 1"),
        ("mtok_per_day", 0, "mtok_per_day must be above 0 and below a billion, not 0"),
        ("mtok_per_day", 1e9, "mtok_per_day must be above 0 and below a billion, not 1e+09"),
        ("wacc_frac", 1, "wacc_frac must be at least 0 and below 1, not 1"),
        ("wacc_frac", 9, "not 9"),
        ("wacc_frac", -0.01, "not -0.01"),
        ("salvage_frac", 1.5, "salvage_frac must be from 0 to 1, not 1.5"),
        ("life_year", 0, "life_year must be a positive number, not 0"),
        ("life_year", math.inf, "not inf"),
        ("pue", 0.9, "pue must be at least 1, not 0.9"),
        ("usd_per_gpu", -1, "usd_per_gpu must be zero or a positive number, not -1"),
        ("staff_usd_per_gpu_year", -5, "not -5"),
        ("kw_per_gpu", 0, "kw_per_gpu must be a positive number"),
        ("utilisation_frac", np.array([0.5, 1.5]), "not 1.5"),
    ],
)
def test_an_input_that_cannot_be_meant_is_refused(name, value, says):
    good = H200 | dict(utilisation_frac=0.6, staff_usd_per_gpu_year=0, salvage_frac=0, life_year=0.5, mtok_per_day=9e8)
    sensitivity.check(good)
    sensitivity.check({"mtok_per_day": 0.5})
    with pytest.raises(ParameterError) as caught:
        sensitivity.check(good | {name: value})
    assert says in str(caught.value)
    assert str(caught.value).startswith(name)
