"""Hand-worked vectors of `finance`. r = cost of capital, N = life, K = capital per GPU, t = tok/s per GPU."""

import formula_vectors
import numpy as np
import numpy_financial
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenfactory.errors import ParameterError
from tokenfactory.formulas import finance

# Two builds inside published ranges: 7%, 4 years, 130 USD per kW and month, 0.08 USD/kWh, load 0.8, maintenance 1%.
COMMON = dict(
    wacc_frac=0.07,
    life_year=4.0,
    colocation_usd_per_kw_year=1560.0,
    usd_per_kwh=0.08,
    load_frac=0.8,
    maintenance_frac=0.01,
)
H200 = COMMON | dict(usd_per_gpu=190_000 / 8 + 5_000, kw_per_gpu=1.37, pue=1.25)
GB300 = COMMON | dict(usd_per_gpu=4e6 / 72 + 6_000, kw_per_gpu=2.12, pue=1.15)
VECTORS = [
    # 0.07 / (1 - 1.07^-4) = 0.07 / 0.237105
    (finance.capital_recovery_frac, dict(wacc_frac=0.07, life_year=4.0), 0.295228),
    (finance.capital_recovery_frac, dict(wacc_frac=0.07, life_year=5.0), 0.243891),
    (finance.capital_recovery_frac, dict(wacc_frac=0.07, life_year=6.0), 0.209796),
    (finance.capital_recovery_frac, dict(wacc_frac=0.10, life_year=4.0), 0.315471),
    (finance.capital_recovery_frac, dict(wacc_frac=0.10, life_year=5.0), 0.263797),
    (finance.capital_recovery_frac, dict(wacc_frac=0.13, life_year=4.0), 0.336194),
    (finance.capital_recovery_frac, dict(wacc_frac=0.09, life_year=5.0), 0.257092),
    (finance.capital_recovery_frac, dict(wacc_frac=0.0, life_year=4.0), 0.25),
    # 250,000 / 8 * (1 + 0.15 + 0.02 + 0.03)
    (
        finance.usd_per_gpu_installed,
        dict(
            usd_per_system=250e3,
            gpu_per_system=8.0,
            network_storage_frac=0.15,
            installation_frac=0.02,
            spares_frac=0.03,
        ),
        37_500,
    ),
    # 0.968928 + 0.243973 + 0.109600 + 287.5 / 8760
    (finance.owned_usd_per_gpu_hour, H200, 1.35532),
    # 2.07454 + 0.377534 + 0.156032 + 615.556 / 8760
    (finance.owned_usd_per_gpu_hour, GB300, 2.67837),
    # with 700 USD of staff and 4,500 of licences a year: + 5200 / 8760
    (
        finance.owned_usd_per_gpu_hour,
        H200 | dict(staff_usd_per_gpu_year=700.0, licence_usd_per_gpu_year=4500.0),
        1.94893,
    ),
    # 1.41 / 2.05; 2.31 / 3.30; owning never pays at 2 against 1
    (
        finance.own_or_rent_utilisation_frac,
        dict(owned_usd_per_gpu_hour=1.41, rented_usd_per_gpu_hour=2.05),
        0.687805,
    ),
    (finance.own_or_rent_utilisation_frac, dict(owned_usd_per_gpu_hour=2.31, rented_usd_per_gpu_hour=3.30), 0.7),
    (finance.own_or_rent_utilisation_frac, dict(owned_usd_per_gpu_hour=2.0, rented_usd_per_gpu_hour=1.0), 2),
    # 5930 * 0.6 * 31.536
    (finance.mtok_per_gpu_year, dict(tok_per_s_per_gpu=5930.0, utilisation_frac=0.6), 112_205),
    # 93.25 tok/s * 0.6 * 31.536 = 1764.44 Mtok, * 578.035 GPUs * 0.50 USD; 5930 * 0.6 * 31.536 * 476.190 * 0.50
    (
        finance.sales_usd_per_mw_year,
        dict(tok_per_s_per_gpu=93.25, kw_per_gpu=1.73, usd_per_mtok=0.5, utilisation_frac=0.6),
        509_954,
    ),
    (
        finance.sales_usd_per_mw_year,
        dict(tok_per_s_per_gpu=5930.0, kw_per_gpu=2.10, usd_per_mtok=0.5, utilisation_frac=0.6),
        26_715_500,
    ),
    # 1 - 0.207045 / 0.5
    (finance.gross_margin_frac, dict(cost_usd_per_mtok=0.207045, price_usd_per_mtok=0.5), 0.585910),
    # an upper bound of H200's cost against one provider's prices: 1 - 0.226 / 1.35, 1 - 2.955 / 5.40
    (finance.gross_margin_frac, dict(cost_usd_per_mtok=0.226, price_usd_per_mtok=1.35), 0.832593),
    (finance.gross_margin_frac, dict(cost_usd_per_mtok=2.955, price_usd_per_mtok=5.40), 0.452778),
]
test_vector, test_same_result_for_every_kind_of_argument = formula_vectors.tests_of(VECTORS)


def test_a_system_of_which_nothing_more_is_known_costs_its_price():
    owned = dict(wacc_frac=0.07, life_year=4, kw_per_gpu=1, load_frac=1, pue=1, usd_per_kwh=0)
    owned |= dict(colocation_usd_per_kw_year=0)
    system = finance.system_parts(usd_per_system=80_000, gpu_per_system=8, **owned)
    assert system == finance.owned_parts(usd_per_gpu=10_000, **owned)


def test_every_part_of_the_hour():
    assert finance.owned_parts(**H200) == pytest.approx(
        {"capital": 0.968928, "space": 0.243973, "energy": 0.1096, "maintenance": 0.0328196, "staff": 0, "licences": 0},
        rel=5e-6,
    )
    assert finance.owned_parts(**GB300) == pytest.approx(
        {"capital": 2.07454, "space": 0.377534, "energy": 0.156032, "maintenance": 0.0702689, "staff": 0,
         "licences": 0},
        rel=5e-6,
    )  # fmt: skip
    # The two published constants, 1.41 and 2.652, are met within 4% and 1%; the ratio is 1.97619.
    h200, gb300 = (finance.owned_usd_per_gpu_hour(**build) for build in (H200, GB300))
    assert h200 == pytest.approx(1.41, rel=0.04)
    assert gb300 == pytest.approx(2.652, rel=0.01)
    assert gb300 / h200 == pytest.approx(1.97619, rel=5e-6)


def test_the_hour_of_a_system_is_that_of_its_installed_gpu():
    build = {name: value for name, value in GB300.items() if name != "usd_per_gpu"}
    system = dict(usd_per_system=4e6, gpu_per_system=72, network_storage_frac=0.1, installation_frac=0.02)
    # 4,000,000 / 72 * 1.15 = 63,888.9
    assert finance.system_parts(**system, spares_frac=0.03, **build) == finance.owned_parts(
        **build, usd_per_gpu=4e6 / 72 * (1 + 0.1 + 0.02 + 0.03)
    )


@pytest.mark.parametrize("rate", [0, 0.0, np.zeros(2), pd.Series([0.0, 0.0]), pl.Series([0.0, 0.0])])
def test_at_a_rate_of_zero_the_price_is_shared_out_evenly(rate):
    assert np.all(np.asarray(finance.capital_recovery_frac(wacc_frac=rate, life_year=4)) == 0.25)


def test_a_zero_among_other_rates_does_not_disturb_them():
    rates = np.array([0.0, 0.07])
    assert finance.capital_recovery_frac(wacc_frac=rates, life_year=4) == pytest.approx([0.25, 0.295228], rel=5e-6)


def test_a_life_of_zero_has_no_rate():
    with pytest.raises(ZeroDivisionError):
        finance.capital_recovery_frac(wacc_frac=0.07, life_year=0)


def test_the_capital_recovery_factor_is_the_annuity_of_another_library():
    random = np.random.default_rng(1)
    rate, life = random.uniform(0, 1.5, 1000), random.integers(1, 40, 1000)
    assert finance.capital_recovery_frac(wacc_frac=rate, life_year=life) == pytest.approx(
        -numpy_financial.pmt(rate, life, 1), rel=1e-9
    )


def test_what_a_gpu_is_sold_for_is_capital_that_need_not_be_earned():
    # 28,750 USD of which a fifth comes back after four years: 28,750 * (0.295228 - 0.2 * 0.225228) / 8760
    parts, sold = finance.owned_parts(**H200), finance.owned_parts(**H200, salvage_frac=0.2)
    assert sold["capital"] == pytest.approx(28_750 * (0.295228 - 0.2 * 0.225228) / 8760, rel=5e-6)
    assert sold | {"capital": None} == parts | {"capital": None}


@pytest.mark.parametrize("space", [{}, {"colocation_usd_per_kw_year": 1560, "building_usd_per_kw": 12_000}])
def test_space_is_rented_or_built_and_never_both(space):
    build = {name: value for name, value in H200.items() if name != "colocation_usd_per_kw_year"}
    says = "^give either colocation_usd_per_kw_year or building_usd_per_kw, and not both$"
    with pytest.raises(ParameterError, match=says) as caught:
        finance.owned_parts(**build, **space)
    assert "\n" not in str(caught.value)


def test_a_building_stands_in_the_place_of_colocation():
    build = {name: value for name, value in H200.items() if name != "colocation_usd_per_kw_year"}
    parts = finance.owned_parts(**build, building_usd_per_kw=12_000, building_life_year=15)
    assert parts["space"] == pytest.approx(0.206053, rel=5e-6)
    assert {name: part for name, part in parts.items() if name != "space"} == {
        name: part for name, part in finance.owned_parts(**H200).items() if name != "space"
    }


def test_deepseeks_published_day():
    """Revenue from rounded tokens: 342 G cached, 266 G fresh input, 168 G output at 0.14, 0.55 and 2.19 USD/Mtok."""
    revenue = 342e3 * 0.14 + 266e3 * 0.55 + 168e3 * 2.19
    assert revenue == pytest.approx(562_100, abs=1)
    day = dict(cost_usd_per_mtok=87_072, price_usd_per_mtok=562_027)
    assert finance.profit_over_cost_frac(**day) == pytest.approx(5.45474, rel=5e-6)
    assert finance.gross_margin_frac(**day) == pytest.approx(0.845075, rel=5e-6)


@given(cost_usd=st.floats(0.01, 100), price_usd=st.floats(0.01, 100))
def test_the_two_margins_say_the_same(cost_usd, price_usd):
    day = dict(cost_usd_per_mtok=cost_usd, price_usd_per_mtok=price_usd)
    gross, over_cost = finance.gross_margin_frac(**day), finance.profit_over_cost_frac(**day)
    # profit = g p = f c, so (1 - g)(1 + f) = 1
    assert (1 - gross) * (1 + over_cost) == pytest.approx(1, rel=1e-9)


@given(owned=st.floats(0.1, 50), rented=st.floats(0.1, 50))
def test_at_the_break_even_utilisation_owning_costs_what_renting_costs(owned, rented):
    utilisation = finance.own_or_rent_utilisation_frac(owned_usd_per_gpu_hour=owned, rented_usd_per_gpu_hour=rented)
    assert rented * utilisation == pytest.approx(owned, rel=1e-12)


@given(
    k=st.floats(1e3, 1e5),
    life=st.floats(1, 10),
    rate=st.just(0.0) | st.floats(1e-4, 0.3),
    factor=st.floats(1.01, 3),
)
def test_dearer_capital_a_shorter_life_and_a_higher_rate_raise_the_hour(k, life, rate, factor):
    def hour(**changed):
        return finance.owned_parts(**H200 | dict(usd_per_gpu=k, life_year=life, wacc_frac=rate) | changed)["capital"]

    assert hour(usd_per_gpu=k * factor) == pytest.approx(factor * hour(), rel=1e-12)
    assert hour(life_year=life / factor) > hour()
    assert hour(wacc_frac=rate + 0.01) > hour()
    assert hour(salvage_frac=0.1) < hour()
