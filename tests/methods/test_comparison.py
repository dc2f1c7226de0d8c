"""Two systems under uncertain inputs: names, ranges, costs and shares against numbers worked by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from tokenfactory.methods import comparison
from tokenfactory.methods.comparison import CONFIGURATION, MIX, Comparison
from tokenfactory.methods.readings import BEST, TPUT
from tokenfactory.methods.readings import SPEED as SPEED_OF_USER
from tokenfactory.methods.serving import Curves, learn_bands

USE = {"a": (0.05, 0.5, 0.9), "b": (0.05, 0.25, 0.9)}
BOOKS = {"rent": {"a": (3.0, 3.6, 4.0), "b": (1.8, 1.8, 1.8)}}
ROWS = {gpu: {"wacc_frac": {"key": "w", "low": 0.06, "value": 0.09, "high": 0.13}} for gpu in "ab"}


def of(**changed):
    about = dict(
        gpus=("a", "b"), rows=ROWS, use=USE, books=BOOKS, tput={"a": 1000.0, "b": 100.0}, sigma={"a": 0.1, "b": 0.2},
        factors={CONFIGURATION: [0.1, 1.0], MIX: [1.0]}, use_correlation=0.8,
    )  # fmt: skip
    return Comparison(**about | changed)


def test_costs_and_their_ratio():
    both = of()
    # a: 3.6 USD over 3.6 Mtok at half use is 2; b: 1.8 over 0.36 Mtok at a quarter is 20
    assert both.usd_per_mtok("rent", "a", both.base) == pytest.approx(2.0)
    assert both.usd_per_mtok("rent", "b", both.base) == pytest.approx(20.0)
    assert both.ratio("rent", both.base) == pytest.approx(10.0)
    assert both.ratio("rent", both.base | {CONFIGURATION: 0.1}) == pytest.approx(1.0), "a factor on the ratio alone"
    assert both.ratio("rent", both.base | {MIX: 0.1}) == pytest.approx(1.0)
    assert both.tiers == ["rent"], "nothing built without the price of a system"


@pytest.mark.parametrize(("factor", "is_cheaper"), [(1.0, True), (0.15, True), (0.1, False)])
def test_results_are_costs_their_ratio_and_whether_it_is_above_one(factor, is_cheaper):
    found = of().results(**{CONFIGURATION: factor})
    assert found == pytest.approx({"rent a": 2.0 / factor, "rent b": 20.0, "rent ratio": 10.0 * factor,
                                   "rent is_cheaper": is_cheaper})  # fmt: skip


def test_what_is_drawn_is_what_has_a_range():
    both = of()
    of_each = {f"{name}_{gpu}" for name in ("utilisation_frac", "tok_per_s_per_gpu") for gpu in "ab"}
    assert set(both.uncertain) == of_each | {"rent_a", CONFIGURATION}
    assert both.together is not None and of(use=USE | {"a": (0.5, 0.5, 0.5)}).together is None
    assert both.spans("rent")["rent_a"] == (3.0, 4.0) and "rent_b" not in both.spans("rent")
    wide = of(factors={CONFIGURATION: [0.1, 1.0, 1.5], MIX: [1.0]}).spans("rent")
    assert wide[CONFIGURATION] == (0.1, 1.5) and MIX not in wide
    low, high = both.spans("rent")["tok_per_s_per_gpu_b"]
    assert low * high == pytest.approx(100.0**2) and high / 100 == pytest.approx(np.exp(1.645 * 0.2))


def test_what_both_share_has_one_name():
    assert of().shared == {"wacc_frac"} and "wacc_frac" in of().ends_of("owned")
    apart = {"a": ROWS["a"], "b": {"wacc_frac": ROWS["b"]["wacc_frac"] | {"key": "other"}}}
    assert set(of(rows=apart).ends_of("owned")) == {"wacc_frac_a", "wacc_frac_b"}


def test_the_ratio_ties_where_an_input_turns_it():
    found = comparison.turning(of(), "rent")
    assert found[CONFIGURATION] == pytest.approx(0.1) or CONFIGURATION not in found
    assert found["utilisation_frac_a"] == pytest.approx(0.05)


def test_the_chance_of_a_pair_is_that_of_its_ratio():
    def pair(ratio, label=BEST):
        return SimpleNamespace(ratio=ratio, speed=50.0, condition=SimpleNamespace(label=label))

    draws = {"utilisation_frac_b": np.array([0.25, 0.5, 0.9])}  # ratios of cost 10, 5 and 2.8 at ten times the tokens
    pairs = [((1, 1), pair(10.0)), ((1, 1), pair(1.5, "FP8 on both")), ((1, 1), pair(0.5))]
    found = of().chances(pairs, draws)
    assert [row["rent"] for row in found] == pytest.approx([1.0, 1 / 3, 0.0])
    assert [row["same"] for row in found] == ["best of each", "FP8 on both", "best of each"]
    assert [(row["mix"], row["pair"]) for row in found] == pairs


def test_choices_are_those_whose_hour_is_known():
    found = of().choices({"rent": "rent", "own": "owned"}, {})
    assert {name: float(usd) for name, usd in found.items()} == pytest.approx({"rent A": 2.0, "rent B": 20.0})


def test_the_spread_of_a_throughput_is_that_of_its_band():
    def answer(low, high):
        return SimpleNamespace(best=SimpleNamespace(low_other_day=low, high_other_day=high))

    assert comparison.sigma_of(answer(2.0, 2 * np.exp(3.29))) == pytest.approx(1.0)
    assert comparison.sigma_of(answer(1.0, 2.0), given=0.3) == 0.3
    assert comparison.sigma_of(answer(float("nan"), float("nan"))) == 0.2


def test_what_another_configuration_or_mix_does_to_the_ratio():
    def answers(a, b, ranks=True):
        return {g: SimpleNamespace(best=SimpleNamespace(tput_per_gpu=t), ranks=ranks) for g, t in (("a", a), ("b", b))}

    def pair(ratio, speed):
        return SimpleNamespace(ratio=ratio, speed=speed)

    short, long, silent = (1024, 1024), (8192, 1024), (1, 1)
    # At 100 tok/s the best pair is 8 times; from 100 / 1.35 to 135 tok/s another pair stands for it.
    pairs = [
        (short, pair(4.0, 100 / 1.35)),
        (short, pair(2.0, 135.0)),
        (short, pair(1.0, 74.0)),
        (short, pair(16.0, 136.0)),
    ]
    pairs.append((long, pair(6.0, 100.0)))
    of_mix = {short: answers(800.0, 100.0), long: answers(400.0, 200.0), silent: answers(1.0, 9.0, ranks=False)}
    found = comparison.factors_of(pairs, of_mix, ("a", "b"), short, 100.0)
    assert found == {CONFIGURATION: [0.25, 0.5, 1.0], MIX: [0.25, 1.0]}


def test_an_owned_hour_is_that_of_its_parts():
    inputs = dict(
        usd_per_system=190_000, gpu_per_system=8, wacc_frac=0.07, life_year=4, kw_per_gpu=1.37, load_frac=0.8,
        pue=1.25, usd_per_kwh=0.08, colocation_usd_per_kw_year=1560,
    )  # fmt: skip
    rows = {g: {n: {"key": n, "low": v, "value": v, "high": v} for n, v in inputs.items()} for g in "ab"}
    rows["b"]["pue"] = {"key": "other", "low": 1.0, "value": 1.0, "high": 1.0}
    both = of(rows=rows)
    # 23,750 USD * 0.295228 / 8760 h, 1.37 kW * 0.8 * 1.25 * 0.08 USD, and 1560 USD * 1.37 kW / 8760 h
    assert both.hour("owned", "a", both.base) == pytest.approx(23_750 * 0.295228 / 8760 + 0.1096 + 0.243973, rel=5e-6)
    assert both.hour("rent", "a", both.base) == pytest.approx(3.6)
    saved = both.hour("owned", "a", both.base) - both.hour("owned", "b", both.base)
    assert saved == pytest.approx(1.37 * 0.8 * 0.25 * 0.08), "the PUE of each is its own"


def test_best_points_in_no_pair_are_counted():
    told = dict(model="m", isl=1024, osl=1024, framework="e", precision="fp8", spec_decoding="none", as_of=None,
                is_disaggregated=False, evidence="measured", source_url="https://a")  # fmt: skip
    points = [("a", 20.0, 400.0), ("a", 40.0, 200.0), ("b", 30.0, 90.0), ("b", 80.0, 30.0), ("b", 99.0, 9.0)]
    rows = [told | {"gpu": gpu, SPEED_OF_USER: speed, TPUT: tput} for gpu, speed, tput in points]
    curves = {(1024, 1024): Curves.of_workload(rows, learn_bands(rows))}
    pairs = comparison.fair_pairs(curves, ("a", "b"))
    # at 30 and 40 both are measured; at 20 nothing of b, and at 80 and 99 nothing of a
    assert {pair.speed for _, pair in pairs} == {30.0, 40.0}
    assert comparison.num_unpaired(curves, pairs, ("a", "b")) == 3
    assert comparison.num_unpaired(curves, [], ("a", "b")) == 5
    alike = [(mix, pair) for mix, pair in pairs if pair.condition.label != BEST]
    assert alike and comparison.num_unpaired(curves, alike, ("a", "b")) == 5, "of pairs of the best alone"
    assert comparison.num_unpaired(curves, [], ("a",)) == 2
