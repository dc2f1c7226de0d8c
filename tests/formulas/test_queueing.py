"""Little's law, by hand."""

import numpy as np
import pytest

from tokenfactory.formulas.queueing import tok_per_s_per_gpu

# 45 requests of 0.9 x (900 + 100) = 900 tokens, each for 2 + 0.01 x 0.9 x 100 = 2.9 s: 45 x 900 / 2.9 = 13,965.5 on 4.
CASE = {"conc": 45, "isl_tok": 900, "osl_tok": 100, "ttft_s": 2.0, "tpot_s": 0.01, "num_gpu": 4}


def test_requests_in_flight_over_their_time():
    assert tok_per_s_per_gpu(**CASE, mean_length_frac=0.9) == pytest.approx(45 * 900 / 2.9 / 4, rel=1e-12)
    # At full length: 45 x 1,000 / 3 = 15,000 on 4 GPUs.
    assert tok_per_s_per_gpu(**CASE) == 3750.0


def test_twice_the_gpus_halve_it_and_arrays_work():
    per_gpu = tok_per_s_per_gpu(**CASE | {"num_gpu": np.array([4, 8])})
    assert per_gpu.tolist() == [3750.0, 1875.0]
