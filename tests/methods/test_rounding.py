"""Interval arithmetic against the audit of NVIDIA's table of April 2026, worked by hand with exact fractions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenfactory.formulas import cost, power
from tokenfactory.methods.rounding import Interval, printed


def ends(interval):
    return interval.low, interval.high


def test_throughput_that_the_printed_cells_allow():
    # [4.195, 4.205) USD at 1.41: 1410000 / (3600 * 4.205) and / (3600 * 4.195)
    throughput, of_mw = cost.tok_per_s_per_gpu_from_usd_per_mtok, power.tok_per_s_per_gpu_from_mw
    from_cost = throughput(usd_per_gpu_hour=1.41, usd_per_mtok=printed(value=4.20, ulp=0.01))
    assert ends(from_cost) == pytest.approx((93.1431, 93.3651), abs=5e-5)
    # [53500, 54500) tok/s/MW at 1.73 kW
    from_power = of_mw(tok_per_s_per_mw=printed(value=54000, ulp=1000), kw_per_gpu=1.73)
    assert ends(from_power) == pytest.approx((92.555, 94.285), abs=5e-7)
    assert ends(from_cost & from_power & printed(value=90, ulp=10)) == pytest.approx((93.1431, 93.3651), abs=5e-5)

    from_cost = throughput(usd_per_gpu_hour=2.652, usd_per_mtok=printed(value=0.12, ulp=0.01))
    assert ends(from_cost) == pytest.approx((5893.33, 6405.80), abs=5e-3)
    from_power = of_mw(tok_per_s_per_mw=printed(value=2.8e6, ulp=1e5), kw_per_gpu=2.10)
    assert ends(from_power) == pytest.approx((5775, 5985))


def test_ratio_of_two_intervals():
    ratio = Interval(5893.3333, 5985) / Interval(93.14308, 93.36512)
    assert ends(ratio) == pytest.approx((63.1214, 64.2560), abs=5e-5)
    # the printed 65x means [64.5, 65.5): no value is in both
    assert (ratio & printed(value=65, ulp=1)).is_empty
    # rounded to the nearest five it fits
    assert not (ratio & printed(value=65, ulp=5)).is_empty


@pytest.mark.parametrize(
    ("convention", "expected"), [("rounded", (5.55, 5.65)), ("cut off", (5.6, 5.7)), ("rounded up", (5.5, 5.6))]
)
def test_conventions(convention, expected):
    assert ends(printed(value=5.6, ulp=0.1, convention=convention)) == pytest.approx(expected)


@pytest.mark.parametrize("ulp", [0, -0.01])
def test_no_unit_in_the_last_place(ulp):
    with pytest.raises(ValueError, match="must be positive"):
        printed(value=1, ulp=ulp)


def test_what_is_no_multiple_of_five_was_not_rounded_to_one():
    assert ends(printed(value=6.5, ulp=0.1, convention="rounded to the nearest 5")) == pytest.approx((6.25, 6.75))
    assert printed(value=6.6, ulp=0.1, convention="rounded to the nearest 5").is_empty


@pytest.mark.parametrize("divisor", [(-1, 1), (0, 1), (-1, 0)])
def test_division_by_an_interval_around_zero(divisor):
    with pytest.raises(ZeroDivisionError, match=r"^the divisor's interval contains zero$"):
        Interval(1, 2) / Interval(*divisor)


number = st.floats(-1e6, 1e6, allow_subnormal=False)
intervals = st.tuples(number, number).map(lambda ends: Interval(min(ends), max(ends)))
share = st.floats(0, 1)


@given(a=intervals, b=intervals, i=share, j=share)
def test_every_product_and_quotient_of_members_is_a_member(a, b, i, j):
    x = min(a.low + i * (a.high - a.low), a.high)
    y = min(b.low + j * (b.high - b.low), b.high)
    assert x * y in a * b
    if b.low > 0 or b.high < 0:
        assert x / y in a / b


@given(
    value=st.integers(-10_000, 10_000), ulp=st.sampled_from([0.01, 0.1, 1, 5, 1000]), offset=st.floats(-0.499, 0.499)
)
def test_rounding_stays_in_its_interval(value, ulp, offset):
    true_value = (value + offset) * ulp
    assert true_value in printed(value=round(true_value / ulp) * ulp, ulp=ulp)
