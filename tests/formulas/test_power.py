"""Hand-worked vectors of `power`. t = tok/s per GPU, w = kW per GPU of one basis."""

import formula_vectors
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenfactory.formulas import cost, power

H200 = dict(tok_per_s_per_gpu=93.25, kw_per_gpu=1.73)
GB300 = dict(tok_per_s_per_gpu=5930.0, kw_per_gpu=2.10)

VECTORS = [
    # 93250 / 1.73; 5930000 / 2.1; InferenceX rows 2000, 10000 and 417 tok/s
    (power.tok_per_s_per_mw, H200, 53901.7),
    (power.tok_per_s_per_mw, GB300, 2823810),
    (power.tok_per_s_per_mw, dict(tok_per_s_per_gpu=2000.0, kw_per_gpu=1.73), 1156069.364),
    (power.tok_per_s_per_mw, dict(tok_per_s_per_gpu=10000.0, kw_per_gpu=2.10), 4761904.762),
    (power.tok_per_s_per_mw, dict(tok_per_s_per_gpu=417.0, kw_per_gpu=2.17), 192165.899),
    # output and input tokens of the same rows; then 2.5 kW of one's own, where more power makes fewer tokens a megawatt
    (power.tok_per_s_per_mw, dict(tok_per_s_per_gpu=222.2222, kw_per_gpu=1.73), 128452.139),
    (power.tok_per_s_per_mw, dict(tok_per_s_per_gpu=1777.7778, kw_per_gpu=1.73), 1027617.225),
    (power.tok_per_s_per_mw, dict(tok_per_s_per_gpu=1111.11, kw_per_gpu=2.10), 529100),
    (power.tok_per_s_per_mw, dict(tok_per_s_per_gpu=8888.89, kw_per_gpu=2.10), 4232804.762),
    (power.tok_per_s_per_mw, dict(tok_per_s_per_gpu=46.33, kw_per_gpu=2.17), 21350.23),
    (power.tok_per_s_per_mw, dict(tok_per_s_per_gpu=370.67, kw_per_gpu=2.17), 170815.668),
    (power.tok_per_s_per_mw, dict(tok_per_s_per_gpu=10000.0, kw_per_gpu=2.5), 4000000),
    # what the printed 54K allows at least: 53500 * 1.73 / 1000
    (power.tok_per_s_per_gpu_from_mw, dict(tok_per_s_per_mw=53500.0, kw_per_gpu=1.73), 92.555),
    # 5.15341 kWh * 369, * 56; 0.0983699 kWh * 369
    (power.gco2_per_mtok, dict(wh_per_mtok=5153.41, gco2_per_kwh=369.0), 1901.61),
    (power.gco2_per_mtok, dict(wh_per_mtok=5153.41, gco2_per_kwh=56.0), 288.591),
    (power.gco2_per_mtok, dict(wh_per_mtok=98.3699, gco2_per_kwh=369.0), 36.2985),
    # IT energy 1e9 * 1.37 / (3600 * 93.25) = 4081.02 Wh; * 0.27 L/kWh
    (power.l_water_per_mtok, dict(it_wh_per_mtok=4081.024, l_per_kwh=0.27), 1.10188),
]
test_vector, test_same_result_for_every_kind_of_argument = formula_vectors.tests_of(VECTORS)


@pytest.mark.parametrize(
    ("mw", "kw_per_gpu", "gpu_per_unit", "expected"),
    [
        (10, 1.73, 1, 5780),  # 10000 / 1.73 = 5780.3
        (10, 1.73, 8, 5776),  # 722 nodes
        (10, 2.10, 1, 4761),  # 4761.9
        (10, 2.10, 72, 4752),  # 66.1 racks
        (1, 2.12, 72, 432),  # 1000 / 152.64 = 6.55 racks
        (1, 1.37, 8, 728),  # 1000 / 10.96 = 91.2 nodes
        (10, 1.71, 1, 5847),
        (0.3, 0.1, 1, 3000),  # 0.3 / 0.0001 is 2999.9999999999995 in binary
        (0.29999999, 0.1, 1, 2999),  # nearly is not enough
        (0.05, 2.10, 72, 0),  # half a rack is no rack
    ],
)
def test_whole_units_in_a_power_budget(mw, kw_per_gpu, gpu_per_unit, expected):
    assert power.num_gpu_in_power(mw=mw, kw_per_gpu=kw_per_gpu, gpu_per_unit=gpu_per_unit) == expected


def test_site_of_ten_megawatts():
    """economics of a 10 MW site: tokens per day at 60% from its GPUs; 4,761 * 5,930 = 28,232,730 tok/s."""
    gpus = power.num_gpu_in_power(mw=10, kw_per_gpu=2.10)
    assert gpus * 5930 == pytest.approx(28_232_700, rel=5e-6)
    assert power.num_gpu_in_power(mw=10, kw_per_gpu=1.73) * 93.25 == pytest.approx(538_985)
    assert cost.tok_per_day(tok_per_s=gpus * 5930, utilisation_frac=0.6) == pytest.approx(1.46358e12, rel=5e-6)


positive = st.floats(1e-3, 1e6)


@given(mw=st.floats(0, 1000), w=st.floats(0.1, 10), n=st.integers(1, 144))
def test_a_budget_is_used_but_not_exceeded(mw, w, n):
    gpus = power.num_gpu_in_power(mw=mw, kw_per_gpu=w, gpu_per_unit=n)
    assert gpus % n == 0
    assert gpus * w <= 1000 * mw + 1e-6 * w * n
    assert (gpus + n) * w > 1000 * mw - 1e-6 * w * n
