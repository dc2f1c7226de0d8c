import pytest

from tokenfactory.formulas import cost
from tokenfactory.methods import pools

ROW = dict(
    isl=8192, osl=1024, num_prefill_gpu=26, num_decode_gpu=16, total_tok_per_s_per_gpu=14_550.9,
    interactivity_tok_per_s_per_user=68.7,
)  # fmt: skip
PRICE = {"usd_per_gpu_hour": 2.652}


def test_a_deployed_system():
    """20,893.2 and 4,244.7 tok/s of the two roles are printed; from nominal lengths they follow to two in 10,000."""
    found = pools.best([ROW], min_speed=50, **PRICE)
    assert found.prefill_tok_per_s == pytest.approx(20_893.2, rel=2e-4)
    assert found.decode_tok_per_s == pytest.approx(4_244.7, rel=2e-4)
    assert found.usd_per_mtok_fresh == pytest.approx(0.0352587, rel=2e-4)
    assert found.usd_per_mtok_output == pytest.approx(0.173550, rel=2e-4)


def test_its_two_costs_come_to_the_bill():
    found = pools.best([ROW], min_speed=50, **PRICE, utilisation_frac=0.6)
    bill = cost.usd_per_mtok(**PRICE, tok_per_s_per_gpu=14_550.9, utilisation_frac=0.6)
    assert (8 * found.usd_per_mtok_fresh + found.usd_per_mtok_output) / 9 == pytest.approx(bill, rel=1e-12)
    gpu_s = found.gpu_s(isl_tok=8192, osl_tok=1024)
    assert gpu_s * found.usd_per_gpu_s == pytest.approx(bill * 9216 / 1e6, rel=1e-12)
    assert found.gpu_s(isl_tok=8192, osl_tok=1024, cached_frac=1) == pytest.approx(1024 / found.decode_tok_per_s)


def test_the_best_one_that_is_fast_enough():
    rows = [ROW | dict(total_tok_per_s_per_gpu=t, interactivity_tok_per_s_per_user=v) for t, v in ((9, 40), (5, 80))]
    assert pools.best(rows, min_speed=40, **PRICE).row == rows[0]
    assert pools.best(rows, min_speed=40.1, **PRICE).row == rows[1]
    assert pools.best(rows, min_speed=81, **PRICE) is None


def test_loading_takes_the_gpu_at_most_for_its_time():
    found = pools.best([ROW], min_speed=50, **PRICE)
    assert found.usd_per_mtok_loaded(gb_per_mtok=35.136, gb_per_s=83.4) == pytest.approx(2.652 / 3600 * 0.421295)
