"""Own or rent: hand-worked hours, and what owning, renting and a published hour have to do with each other."""

import pytest

from tokenfactory.methods import ownership
from tokenfactory.methods.ownership import Offer

# The H200 build-up: 1.35532 an hour over four years, 1.63699 over three.
H200 = dict(
    usd_per_system=190_000, gpu_per_system=8, network_storage_frac=5_000 / 23_750, wacc_frac=0.07, life_year=4,
    kw_per_gpu=1.37, load_frac=0.8, pue=1.25, usd_per_kwh=0.08, colocation_usd_per_kw_year=1560, maintenance_frac=0.01,
)  # fmt: skip
DRAW = {"num_draws": 20_000, "seed": 3}


def rows(**changed):
    """Rows without a range but for `usd_per_system`."""
    found = {name: {"value": v, "low": v, "high": v} for name, v in (H200 | changed).items()}
    found["usd_per_system"] |= {"low": 150_000, "high": 260_000}
    return found


def weigh(offer, given=None, utilisation_frac=0.6):
    return ownership.weigh(given or rows(), offer, utilisation_frac=utilisation_frac, **DRAW)


def test_a_commitment_is_weighed_over_its_term_and_hours_by_use():
    three, hourly = Offer(1.6, 1.6, 1.6, 3.0), Offer(1.6, 1.6, 1.6, None)
    assert weigh(three).own == pytest.approx(1.63699, abs=1e-5) and weigh(three).choice == "rent"
    assert weigh(hourly).own == pytest.approx(1.35532 / 0.6, abs=1e-5)
    assert weigh(hourly, utilisation_frac=0.9).choice == "own"  # 1.506
    assert weigh(Offer(1.6, 1.6, 1.6, 30.0)).own == pytest.approx(1.35532, abs=1e-5), "no longer than its life"


def test_the_rent_is_drawn_too():
    sure, wide = Offer(1.9, 1.9, 1.9, 3.0), Offer(1.0, 1.9, 1.9, 3.0)
    assert weigh(wide).own_share < weigh(sure).own_share
    assert weigh(Offer(9, 9, 9, 3.0)).own_share == 1 and weigh(Offer(0.1, 0.1, 0.1, 3.0)).own_share == 0


def test_the_same_seed_is_the_same_verdict_and_a_tie_is_owned():
    offer = Offer(1.5, 1.6, 1.7, 3.0)
    one, again = weigh(offer), weigh(offer)
    assert (one.own_share, one.drawn.mean) == (again.own_share, again.drawn.mean)
    assert one.drawn.low < one.own < one.drawn.high
    sure = {name: row | {"low": row["value"], "high": row["value"]} for name, row in rows().items()}
    own = ownership.weigh(sure, offer, utilisation_frac=0.6, num_draws=10, seed=1).own
    tie = ownership.weigh(sure, Offer(own, own, own, 3.0), utilisation_frac=0.6, num_draws=10, seed=1)
    assert (tie.choice, tie.own_share, tie.drawn.standard_deviation) == ("own", 0.0, 0.0), "no draw costs less"
    assert ownership.ranges(sure) == {} and ownership.ranges(rows()) == {"usd_per_system": (150_000, 260_000)}
    assert list(ownership.uncertain(rows())) == ["usd_per_system"]


def test_where_one_input_turns_the_choice_both_cost_the_same():
    offer = Offer(1.6, 1.6, 1.6, 3.0)
    given = rows()
    given["life_year"] |= {"low": 1.0, "high": 9.0}  # a life is no input that somebody else would know better
    (found,) = ownership.turning(given, offer).items()
    assert found[0] == "usd_per_system"
    assert ownership.hour(H200 | dict([found]), 3.0) == pytest.approx(1.6, abs=1e-6)
    assert list(ownership.turning(given, Offer(1.8, 1.8, 1.8, 3.0))) == ["usd_per_system"]
    assert ownership.turning(rows(), Offer(9, 9, 9, 3.0)) == {}


def test_a_bridge_ends_at_the_other_inputs():
    to = rows(usd_per_kwh=0.2, life_year=6, usd_per_system=250_000)
    steps = ownership.bridge(rows(), to)
    assert [name for name, _ in steps] == ["life_year", "usd_per_kwh", "usd_per_system"]
    cheaper = ownership.bridge(rows(), rows(usd_per_kwh=0.07, usd_per_system=100_000))
    assert [name for name, _ in cheaper] == ["usd_per_system", "usd_per_kwh"], "the largest fall first"
    assert steps[-1][1] == pytest.approx(ownership.hour(ownership.values(to)))
    assert ownership.bridge(rows(), rows()) == []


def test_the_capital_that_explains_an_hour_gives_that_hour():
    found = ownership.implied_capital(rows(), usd_per_gpu_hour=1.35532, **DRAW)
    assert found.value == pytest.approx(190_000 / 8 * (1 + 5_000 / 23_750), rel=1e-5)
    assert found.drawn.low == pytest.approx(found.value, rel=1e-5)
    assert found.widest is None, "no input but the capital has a range"
    assert ownership.implied_capital(rows(), usd_per_gpu_hour=0.01, **DRAW).value is None
    assert ownership.implied_capital(rows(), usd_per_gpu_hour=9999, **DRAW).value is None


def test_what_moves_the_capital_that_explains_an_hour():
    given = rows()
    given["usd_per_kwh"] |= {"low": 0.06, "high": 0.2}
    given["wacc_frac"] |= {"low": 0.069, "high": 0.071}
    found = ownership.implied_capital(given, usd_per_gpu_hour=1.35532, **DRAW)
    at_high = ownership.implied_capital(rows(usd_per_kwh=0.2), usd_per_gpu_hour=1.35532, **DRAW).value
    assert found.widest.name == "usd_per_kwh" and found.widest.at_high == pytest.approx(at_high)
    assert at_high < found.drawn.low < found.drawn.mean < found.value < found.drawn.high
    again = ownership.implied_capital(given, usd_per_gpu_hour=1.35532, **DRAW)
    assert found.drawn.mean == again.drawn.mean
