"""A GPU's life against numpy-financial, against numbers worked by hand, and against cells of a workbook."""

from dataclasses import replace

import numpy as np
import pytest

from tokenfactory.display.workbook import Workbook
from tokenfactory.errors import ParameterError
from tokenfactory.formulas import finance
from tokenfactory.methods import lifetime, sensitivity
from tokenfactory.methods.lifetime import Life

npf = pytest.importorskip("numpy_financial")

MACRS = [0.2, 0.32, 0.192, 0.1152, 0.1152, 0.0576]

# GB300 on the typical inputs of July 2026: four million dollars for 72 GPUs with 17% on top, 13,491 dollars a year to
# run one, and 13,241 tok/s at 60% use, the reading of the power-limited site of that time.
GB300 = {
    "usd_per_gpu": 4e6 / 72 * 1.17,
    "mtok_per_year": finance.mtok_per_gpu_year(tok_per_s_per_gpu=13_241, utilisation_frac=0.6),
    "running_usd_per_year": 0.03 * 65_000 + 700 + 4500 + 2339.4 * 2.12 + 2.12 * 0.8 * 1.12 * 0.083 * 8760,
    "life_year": 4,
    "wacc_frac": 0.09,
}


@pytest.mark.parametrize(("usd_per_mtok", "decline", "thousand"), [(0.50, 0.0, 297), (0.50, 0.5, 94), (0.20, 0.5, -28)])
def test_gb300_at_three_prices(usd_per_mtok, decline, thousand):
    life = Life(**GB300, usd_per_mtok=usd_per_mtok, price_decline_frac=decline)
    assert round(lifetime.npv(life) / 1e3) == pytest.approx(thousand, abs=1)
    # The same by hand: a price that falls is an annuity that falls.
    factor, flat = (sum((1 + growth) ** k / 1.09 ** (k + 1) for k in range(4)) for growth in (-decline, 0))
    by_hand = usd_per_mtok * GB300["mtok_per_year"] * factor - GB300["running_usd_per_year"] * flat
    assert lifetime.npv(life) == pytest.approx(by_hand - GB300["usd_per_gpu"], rel=1e-12)


def test_npv_and_irr_are_those_of_numpy_financial_in_a_thousand_cases():
    random, num_irr = np.random.default_rng(20261128), 0
    for _ in range(1000):
        life = Life(
            usd_per_gpu=random.uniform(1e4, 9e4), usd_per_mtok=random.uniform(0.05, 1),
            mtok_per_year=random.uniform(1e4, 3e5), running_usd_per_year=random.uniform(0, 2e4),
            life_year=int(random.integers(1, 9)), wacc_frac=random.uniform(0, 0.3),
            price_decline_frac=random.uniform(0, 0.9), software_growth_frac=random.uniform(0, 1),
            salvage_frac=random.uniform(0, 0.5), tax_frac=random.uniform(0, 0.5),
            written_off_fracs=MACRS,
        )  # fmt: skip
        times, cash = lifetime.flows(life)
        assert times == list(range(len(cash)))
        assert lifetime.npv(life) == pytest.approx(npf.npv(life.wacc_frac, cash), rel=1e-9, abs=1e-6)
        if sum(np.diff(np.sign([c for c in cash if c])) != 0) == 1:  # one change of sign: one rate of return
            ours, theirs = lifetime.irr_frac(times, cash), npf.irr(cash)
            if ours is not None and -0.9 < theirs < 90:
                assert ours == pytest.approx(theirs, abs=1e-6)
                num_irr += 1
    assert num_irr > 500, "most cases have a rate of return to compare"


def test_a_broken_life_with_lead_time_and_tax_by_hand():
    life = Life(usd_per_gpu=100, usd_per_mtok=1, mtok_per_year=100, running_usd_per_year=10, life_year=1.5,
                wacc_frac=0.1, price_decline_frac=0.5, software_growth_frac=0.2, salvage_frac=0.3, lead_year=1,
                tax_frac=0.25, written_off_fracs=[0.2, 0.32, 0.48])  # fmt: skip
    # First year: price 0.5, sales 50, tax 0.25 (50 - 10 - 20) = 5, cash 35, after two years.
    # Half a year: price 0.25, 120 tokens a year, sales 15, running 5, sold for 30, all 80 left deducted: tax
    # 0.25 (15 + 30 - 5 - 80) = -10, cash 50, after two and a half years.
    first, second = lifetime.years(life, 2)
    assert (first["sales"], first["tax"], first["cash"]) == pytest.approx((50, 5, 35))
    assert (second["sales"], second["running"], second["resale"]) == pytest.approx((15, 5, 30))
    assert (second["tax"], second["cash"]) == pytest.approx((-10, 50))
    assert lifetime.npv(life) == pytest.approx(35 / 1.1**2 + 50 / 1.1**2.5 - 100)
    assert lifetime.flows(life) == ([0.0, 2.0, 2.5], pytest.approx([-100, 35, 50]))


def test_arrays_numbers_and_cells_are_one_model():
    inputs = {"usd_per_gpu": 65_000.0, "usd_per_mtok": 0.3, "mtok_per_year": 2e5, "running_usd_per_year": 13_000.0,
              "life_year": 3.4, "wacc_frac": 0.09, "price_decline_frac": 0.5, "software_growth_frac": 0.2,
              "salvage_frac": 0.15, "lead_year": 0.5, "tax_frac": 0.257}  # fmt: skip
    written_off = {"written_off_fracs": MACRS}
    one = lifetime.npv(Life(**inputs, **written_off), 8)
    many = {name: np.full(3, value) for name, value in inputs.items()} | {"life_year": np.array([3.4, 1.0, 6.0])}
    found = lifetime.npv(Life(**many, **written_off), 8)
    assert found[0] == pytest.approx(one, rel=1e-12)
    for life_year, npv in zip((1.0, 6.0), found[1:], strict=True):
        assert npv == pytest.approx(lifetime.npv(Life(**inputs | {"life_year": life_year}, **written_off)), rel=1e-9)

    book = Workbook("a life", {"a": "A"})
    cells = {name: book.inputs(name, name, {"a": value})["a"] for name, value in inputs.items()}
    made = lifetime.npv(Life(**cells, **written_off), 8)
    assert made.value == pytest.approx(one, rel=1e-9)
    assert all(f"{{{name}@a}}" in made.formula for name in inputs), "every input is in the formula"


def test_a_simulation_is_the_model_draw_by_draw():
    drawn = {"life_year": sensitivity.Uniform(2, 6), "price_decline_frac": sensitivity.Uniform(0, 0.8)}
    rest = {name: value for name, value in GB300.items() if name != "life_year"} | {"usd_per_mtok": 0.3}
    found = sensitivity.simulate(lambda **d: {"npv": lifetime.npv(Life(**rest, **d), 8)}, drawn, num_draws=2000, seed=1)
    draws = sensitivity.sample(drawn, num_draws=2000, seed=1)
    one_by_one = [lifetime.npv(Life(**rest, life_year=float(n), price_decline_frac=float(d)))
                  for n, d in zip(*draws.values(), strict=True)]  # fmt: skip
    assert found["npv"].mean == pytest.approx(np.mean(one_by_one), rel=1e-9)


def test_the_break_even_price_is_worth_nothing():
    def life_at(price):
        return Life(**GB300, usd_per_mtok=price, price_decline_frac=0.5, tax_frac=0.25)

    price = lifetime.break_even_usd_per_mtok(life_at)
    assert lifetime.npv(life_at(price)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("life_year", 0.05, "life_year: a life of 0.05 years is shorter than a month"),
        ("price_decline_frac", 1.0, "price_decline_frac: 1 leaves nothing"),
        ("tax_frac", 1.0, "tax_frac: 1 leaves nothing"),
        ("wacc_frac", 1.0, "wacc_frac: 1 leaves nothing"),
        ("salvage_frac", 1.5, "salvage_frac: 1.5 is more than"),
        ("usd_per_gpu", -1.0, "usd_per_gpu: -1 is below 0"),
        ("usd_per_mtok", float("nan"), "usd_per_mtok: must be a finite number"),
    ],
)
def test_inputs_that_cannot_be_meant_are_refused(name, value, says):
    with pytest.raises(ParameterError, match=says):
        Life(**GB300 | {"usd_per_mtok": 0.5} | {name: value})
    with pytest.raises(ParameterError, match=says.split(":")[0]):
        Life(**GB300 | {"usd_per_mtok": 0.5} | {name: np.array([0.2, value])})


def test_every_figure_of_a_year_is_kept_by_its_name_before_the_next_one_needs_it():
    told = []

    def keep(name, year, value):
        told.append((name, year))
        return value

    life = Life(**GB300, usd_per_mtok=0.5, tax_frac=0.25, written_off_fracs=[1.0])
    lifetime.years(life, 2, keep)
    names = ("price", "mtok", "sales", "running", "resale", "tax", "cash", "discount")
    assert told == [(name, year) for year in range(2) for name in names]


def test_what_is_written_off_is_taxed_no_longer():
    life = Life(usd_per_gpu=100, usd_per_mtok=1, mtok_per_year=60, running_usd_per_year=20, life_year=3, wacc_frac=0,
                tax_frac=0.25, written_off_fracs=[1.0])  # fmt: skip
    # a quarter of 60 - 20 - 100, then of 60 - 20
    assert [year["tax"] for year in lifetime.years(life, 3)] == [-15, 10, 10]


def test_a_life_may_be_a_month_and_a_gpu_be_sold_for_its_price():
    life = Life(**GB300 | {"life_year": 1 / 12, "salvage_frac": 1.0, "usd_per_mtok": 0.5})
    assert lifetime.num_years(life.life_year) == 1
    with pytest.raises(ParameterError, match=r"^mtok_per_year: must be a finite number$"):
        Life(**GB300 | {"mtok_per_year": np.array([1.0, np.inf]), "usd_per_mtok": 0.5})


def test_the_highest_rate_of_return_is_one():
    assert lifetime.irr_frac([0, 1], [-1, 101]) == pytest.approx(100, rel=1e-12), "10,000% a year"
    assert lifetime.irr_frac([0, 1], [-1, 102]) is None


def test_no_rate_of_return_where_money_never_comes_back():
    assert lifetime.irr_frac([0, 1, 2], [-1e-3, -1e-4, -1e-4]) is None, "nor little of it"
    assert lifetime.irr_frac([0, 1, 2], [-100, -5, -5]) is None


def test_keep_until_the_next_generation_earns_more():
    # Kept, it earns 10, 10, 10 and is sold for 5; the next generation is worth 25 from the second year on.
    life = Life(usd_per_gpu=50, usd_per_mtok=1, mtok_per_year=10, running_usd_per_year=0, life_year=3, wacc_frac=0,
                salvage_frac=0.1)  # fmt: skip
    worth = iter([0, 0, 25, 25])

    def next_at(price):
        return replace(life, usd_per_gpu=30, mtok_per_year=30 + next(worth), life_year=1, salvage_frac=0)

    choice = lifetime.replace_by(life, next_at)
    assert choice.usd_by_year == (5, 15, 50, 60)
    assert (choice.year, choice.is_replaced) == (3, True)
    losing = replace(life, running_usd_per_year=11, wacc_frac=0.1)
    loss = lifetime.replace_by(losing, lambda price: losing)
    assert (loss.year, loss.is_replaced, loss.usd) == (0, False, 5)


def test_obsolete_when_running_costs_more_than_its_tokens_bring():
    life = Life(**GB300, usd_per_mtok=0.5, price_decline_frac=0.5)
    # 13,491 dollars over 250,434 million tokens are 5.4 cents; 0.5 halved four times is 3.1.
    assert lifetime.obsolete_after_year(life, lambda year: float("inf")) == 4
    # A next generation that makes a million tokens at 4 cents comes in the third year.
    assert lifetime.obsolete_after_year(life, lambda year: 0.04 if year >= 2 else float("inf")) == 2
    # A dollar a year for 2^n tokens, the price halved each year: in the n-th both are the same, and it still runs.
    for mtok, first in ((8.0, 4), (2048.0, None)):
        cheap = Life(usd_per_gpu=1, usd_per_mtok=1, mtok_per_year=mtok, running_usd_per_year=1, life_year=1,
                     wacc_frac=0, price_decline_frac=0.5)  # fmt: skip
        assert lifetime.obsolete_after_year(cheap, lambda year: float("inf")) == first, "of twelve years"
    flat = Life(**GB300, usd_per_mtok=0.5)
    assert lifetime.obsolete_after_year(flat, lambda year: float("inf")) is None


INPUTS = dict(
    usd_per_system=4e6, gpu_per_system=72, network_storage_frac=0.1, installation_frac=0.05, spares_frac=0.02,
    wacc_frac=0.09, life_year=4, kw_per_gpu=2.12, load_frac=0.8, pue=1.12, usd_per_kwh=0.083, maintenance_frac=0.03,
    colocation_usd_per_kw_year=2339.4, salvage_frac=0.1, software_growth_frac=0.2, lead_year=0.5, tax_frac=0.25,
    rent_decline_frac=0.3,
    token_price_decline_frac=0.5, utilisation_frac=0.6,
)  # fmt: skip


def test_a_life_from_the_inputs_of_its_hour():
    sold = {"tok_per_s_per_gpu": 13_241, "usd_per_mtok": 0.5}
    life = lifetime.of_all(INPUTS | sold, [0.4, 0.6])
    installed = 4e6 / 72 * 1.17
    assert life.usd_per_gpu == pytest.approx(installed)
    # 13,241 tok/s at 60% of 31.536 million seconds; 3% of the capital, the space and the electricity of all hours
    assert life.mtok_per_year == pytest.approx(13_241 * 0.6 * 31.536)
    assert life.running_usd_per_year == pytest.approx(
        0.03 * installed + 2339.4 * 2.12 + 2.12 * 0.8 * 1.12 * 0.083 * 8760
    )
    assert (life.life_year, life.wacc_frac, life.price_decline_frac, life.usd_per_mtok) == (4, 0.09, 0.5, 0.5)
    assert (life.salvage_frac, life.software_growth_frac, life.lead_year, life.tax_frac) == (0.1, 0.2, 0.5, 0.25)
    assert list(life.written_off_fracs) == [0.4, 0.6]
    assert lifetime.of_all(INPUTS | sold).written_off_fracs == ()
    assert set(INPUTS) - set(lifetime.of_hour(INPUTS | sold)) == {
        "software_growth_frac", "lead_year", "tax_frac", "rent_decline_frac", "token_price_decline_frac",
        "utilisation_frac",
    }  # fmt: skip


def test_the_year_in_which_the_next_generation_pays():
    # 100 USD, 60 tokens a year at 1 USD that halves each year, sold for 20 at any time, no interest: the years bring
    # 60, 30 and 15, the price before each is 1, 0.5, 0.25 and 0.125.
    life = Life(usd_per_gpu=100, usd_per_mtok=1, mtok_per_year=60, running_usd_per_year=0, life_year=3, wacc_frac=0,
                price_decline_frac=0.5, salvage_frac=0.2)  # fmt: skip
    asked = []

    def next_at(price):
        asked.append(price)
        return Life(usd_per_gpu=10, usd_per_mtok=price, mtok_per_year=160, running_usd_per_year=0, life_year=1,
                    wacc_frac=0, price_decline_frac=0)  # fmt: skip

    choice = lifetime.replace_by(life, next_at)
    assert asked == [1, 0.5, 0.25, 0.125]
    # The next one brings 160 p - 10: 150, 70, 30, 10; so 20 + 150, 60 + 20 + 70, 90 + 20 + 30, 105 + 20 + 10
    assert choice.usd_by_year == pytest.approx((170, 150, 140, 135))
    assert (choice.year, choice.is_replaced, choice.usd) == (0, True, 170)
    # At 25% a year a dollar of the next years is worth 0.8, 0.64 and 0.512: 48, 67.2 and 74.88 by then, and the rest.
    later = lifetime.replace_by(replace(life, wacc_frac=0.25), next_at)
    assert later.usd_by_year == pytest.approx((170, 48 + 0.8 * 90, 67.2 + 0.64 * 50, 74.88 + 0.512 * 30))


@pytest.mark.parametrize(("usd_of_next", "is_replaced"), [(10.0, False), (9.5, True)])
def test_a_next_generation_that_is_worth_nothing_is_not_bought(usd_of_next, is_replaced):
    life = Life(usd_per_gpu=50, usd_per_mtok=1, mtok_per_year=0, running_usd_per_year=5, life_year=1, wacc_frac=0)
    following = replace(life, usd_per_gpu=usd_of_next, mtok_per_year=10, running_usd_per_year=0)
    choice = lifetime.replace_by(life, lambda price: following)
    assert (choice.year, choice.is_replaced, choice.usd) == (0, is_replaced, 10 - usd_of_next)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (dict(wacc_frac=1.0), "wacc_frac: 1 leaves nothing after a year: it must be below 1"),
        (dict(tax_frac=1.0), "tax_frac: 1 leaves nothing after a year"),
        (dict(life_year=0.08), "life_year: a life of 0.08 years is shorter than a month"),
        (dict(salvage_frac=1.01), "salvage_frac: 1.01 is more than the GPU was bought for"),
        (dict(usd_per_mtok=-0.1), "usd_per_mtok: -0.1 is below 0"),
        (dict(usd_per_gpu=float("inf")), "usd_per_gpu: must be a finite number"),
    ],
)
def test_no_life_of_inputs_that_make_none(change, says):
    with pytest.raises(ParameterError, match=f"^{says}"):
        Life(**GB300 | dict(usd_per_mtok=0.5, price_decline_frac=0.1) | change)
