"""What is left out counts as nothing: each default is the value that changes no result."""

import pytest

from tokenfactory.formulas import finance, reuse

GPU_YEAR = dict(tok_per_s_per_gpu=1000.0)
MIX = dict(isl_tok=1000, osl_tok=100)
SYSTEM = dict(usd_per_system=190_000, gpu_per_system=8)
DEFAULTS = [
    (finance.mtok_per_gpu_year, GPU_YEAR, dict(utilisation_frac=1)),
    (finance.sales_usd_per_mw_year, GPU_YEAR | dict(kw_per_gpu=1.37, usd_per_mtok=0.3), dict(utilisation_frac=1)),
    (finance.usd_per_gpu_installed, SYSTEM, dict(network_storage_frac=0, installation_frac=0, spares_frac=0)),
    (reuse.loaded_usd_per_mtok, dict(usd_per_gpu_hour=2.0, gb_per_mtok=35.0, gb_per_s=50.0), dict(utilisation_frac=1)),
    (reuse.input_usd_per_mtok, dict(usd_per_mtok_fresh=0.2, cached_frac=0.5), dict(usd_per_mtok_cached=0)),
    (
        reuse.min_cached_frac,
        MIX | dict(usd_per_mtok_fresh=0.2, usd_per_mtok_output=1.0, usd_per_request=2e-4),
        dict(usd_per_mtok_cached=0),
    ),
    (
        reuse.tariff_margin_frac,
        MIX | dict(cost_usd_per_mtok=0.1, usd_per_mtok_input=0.5, usd_per_mtok_output=2.0, cached_frac=0.5),
        dict(usd_per_mtok_cached_input=0),
    ),
    (reuse.agents_per_mw, dict(kw_per_gpu=2.1, gpu_s_per_turn=0.25, s_per_turn=30), dict(utilisation_frac=1)),
]


@pytest.mark.parametrize(("formula", "inputs", "neutral"), DEFAULTS, ids=lambda x: getattr(x, "__name__", ""))
def test_a_default_is_the_value_that_changes_nothing(formula, inputs, neutral):
    assert formula(**inputs) == pytest.approx(formula(**inputs, **neutral), rel=1e-12)
