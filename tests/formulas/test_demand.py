"""The price that sells more, against the demand curve it is the inverse of."""

import pytest

from tokenfactory.formulas.demand import usd_per_mtok_at_volume


@pytest.mark.parametrize(("elasticity", "price"), [(2.0, 0.15), (1.0, 0.075), (0.5, 0.01875)])
def test_four_times_the_tokens(elasticity, price):
    # 0.30 USD x 4 ^ (-1/e): 4 ^ -0.5 is a half, 4 ^ -1 a quarter, 4 ^ -2 a sixteenth
    at = usd_per_mtok_at_volume(usd_per_mtok=0.3, tok_per_s=4.0, tok_per_s_at_price=1.0, elasticity=elasticity)
    assert at == pytest.approx(price, rel=1e-12)
    assert (at / 0.3) ** -elasticity == pytest.approx(4.0, rel=1e-12)


def test_the_price_depends_on_how_many_times_todays_tokens_are_sold():
    # 500 of 125 tok/s are four times as many, and 4 ^ -0.5 is a half
    assert usd_per_mtok_at_volume(
        usd_per_mtok=0.3, tok_per_s=500.0, tok_per_s_at_price=125.0, elasticity=2
    ) == pytest.approx(0.15, rel=1e-12)
