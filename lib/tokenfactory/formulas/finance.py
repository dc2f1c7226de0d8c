"""Whether selling tokens pays: formulas; and, by their names, those of `discounting` and `owning`.

Arithmetic only; arguments may be floats, arrays, Series or Polars expressions. Rates are per year.
"""

from tokenfactory.formulas.discounting import (  # noqa: F401
    annuity_factor_year,
    capital_recovery_frac,
    fixed_charge_frac,
    payback_year,
    present_value,
    project_finance_factor,
    real_wacc_frac,
)
from tokenfactory.formulas.owning import (  # noqa: F401
    HOURS_PER_YEAR,
    OwnedGpu,
    building_usd_per_gpu_hour,
    capital_usd_per_gpu_hour,
    colocation_usd_per_gpu_hour,
    energy_usd_per_gpu_hour,
    own_or_rent_utilisation_frac,
    owned_parts,
    owned_usd_per_gpu_hour,
    system_parts,
    usd_per_gpu_installed,
)

MTOK_PER_YEAR_AT_1_TOK_PER_S = 3600 * HOURS_PER_YEAR / 1e6


def mtok_per_gpu_year(*, tok_per_s_per_gpu, utilisation_frac=1):
    """Millions of tokens that a GPU makes in a year.

    Parameters
    ----------
    tok_per_s_per_gpu : throughput over all deployed GPUs, of the tokens to be counted [tok/(s GPU)]
    utilisation_frac : share of the year at that throughput [0..1]

    Returns
    -------
    tokens a year [Mtok/(GPU year)]

    Notes
    -----
    t u 3600 8760 / 10^6

    Examples
    --------
    >>> round(mtok_per_gpu_year(tok_per_s_per_gpu=5930, utilisation_frac=0.6))
    112205
    """
    return tok_per_s_per_gpu * utilisation_frac * MTOK_PER_YEAR_AT_1_TOK_PER_S


def usd_per_mw_year(*, usd_per_gpu_hour, kw_per_gpu):
    """What the GPUs of a megawatt cost in a year, by the hour and whether used or not.

    Parameters
    ----------
    usd_per_gpu_hour : price or cost of one GPU for one hour [USD/(GPU h)]
    kw_per_gpu : power per GPU on a stated basis [kW/GPU]

    Returns
    -------
    cost of a megawatt of that basis in a year [USD/(MW year)]

    Notes
    -----
    p 8760 1000 / w. GPUs are counted as if they divided; a site takes whole racks and nodes.

    Examples
    --------
    >>> round(usd_per_mw_year(usd_per_gpu_hour=1.41, kw_per_gpu=1.73), -1)
    7139650.0
    """
    return usd_per_gpu_hour * HOURS_PER_YEAR * 1000 / kw_per_gpu


def sales_usd_per_mw_year(*, tok_per_s_per_gpu, kw_per_gpu, usd_per_mtok, utilisation_frac=1):
    """What the tokens of a megawatt bring in a year.

    Parameters
    ----------
    tok_per_s_per_gpu : throughput over all deployed GPUs, of the tokens that are sold [tok/(s GPU)]
    kw_per_gpu : power per GPU on a stated basis [kW/GPU]
    usd_per_mtok : price of a million of those tokens [USD/Mtok]
    utilisation_frac : share of the year at that throughput [0..1]

    Returns
    -------
    sales of a megawatt of that basis in a year [USD/(MW year)]

    Notes
    -----
    1000 / w t u 3600 8760 / 10^6 price. GPUs are counted as if they divided.

    Examples
    --------
    >>> h200 = dict(tok_per_s_per_gpu=93.25, kw_per_gpu=1.73, usd_per_mtok=0.50, utilisation_frac=0.6)
    >>> round(sales_usd_per_mw_year(**h200))
    509954
    """
    mtok = mtok_per_gpu_year(tok_per_s_per_gpu=tok_per_s_per_gpu, utilisation_frac=utilisation_frac)
    return 1000 * mtok * usd_per_mtok / kw_per_gpu


def num_gpu_for_mtok(*, mtok_per_year, tok_per_s_per_gpu, utilisation_frac=1):
    """GPUs that make a given amount of tokens in a year; not rounded to whole ones.

    Parameters
    ----------
    mtok_per_year : tokens to be made [Mtok/year]
    tok_per_s_per_gpu : throughput over all deployed GPUs, of the same tokens [tok/(s GPU)]
    utilisation_frac : share of the year at that throughput [0..1]

    Returns
    -------
    number of GPUs [GPU]

    Examples
    --------
    >>> round(num_gpu_for_mtok(mtok_per_year=112_205, tok_per_s_per_gpu=5930, utilisation_frac=0.6), 4)
    1.0
    """
    return mtok_per_year / mtok_per_gpu_year(tok_per_s_per_gpu=tok_per_s_per_gpu, utilisation_frac=utilisation_frac)


def gross_margin_frac(*, cost_usd_per_mtok, price_usd_per_mtok):
    """Share of the price that remains above the cost.

    Parameters
    ----------
    cost_usd_per_mtok, price_usd_per_mtok : of the same mix of tokens [USD/Mtok]

    Returns
    -------
    gross margin [1]; negative for a loss

    Notes
    -----
    1 - c/price

    Examples
    --------
    >>> round(gross_margin_frac(cost_usd_per_mtok=0.207045, price_usd_per_mtok=0.5), 5)
    0.58591
    """
    return 1 - cost_usd_per_mtok / price_usd_per_mtok


def profit_over_cost_frac(*, cost_usd_per_mtok, price_usd_per_mtok):
    """Profit per dollar of cost: what DeepSeek prints as cost profit margin.

    Parameters
    ----------
    cost_usd_per_mtok, price_usd_per_mtok : of the same mix of tokens [USD/Mtok]

    Returns
    -------
    profit over cost [1]

    Notes
    -----
    price/c - 1. Not the gross margin: 5.45 here is a gross margin of 0.845.

    Examples
    --------
    DeepSeek's published day, in USD a day:

    >>> round(profit_over_cost_frac(cost_usd_per_mtok=87_072, price_usd_per_mtok=562_027), 4)
    5.4547
    """
    return price_usd_per_mtok / cost_usd_per_mtok - 1


def levelised_usd_per_mtok(
    *,
    usd_per_gpu,
    fixed_usd_per_gpu_year,
    mtok_per_gpu_year,
    wacc_frac,
    life_year,
    growth_frac=0,
    finance_factor=1,
    variable_usd_per_mtok=0,
):
    """Price that pays for a GPU over its life, the same in every year.

    Parameters
    ----------
    usd_per_gpu : capital per GPU [USD/GPU]
    fixed_usd_per_gpu_year : what is paid every year whatever is sold [USD/(GPU year)]
    mtok_per_gpu_year : tokens sold in the first year [Mtok/(GPU year)]
    wacc_frac : cost of capital a year [0..1]
    life_year : economic life [year]
    growth_frac : growth of the tokens a year, as software improves [0..1]
    finance_factor : what taxes make of the capital, from `project_finance_factor` [1]
    variable_usd_per_mtok : what only sold tokens cost [USD/Mtok]

    Returns
    -------
    levelised cost of tokens [USD/Mtok]

    Notes
    -----
    LCOT = (FCR K + F) A(r, N) / (T A(r, N, g)) + V; without growth (FCR K + F)/T + V. It is the present value
    of the costs over the present value of the tokens.

    References
    ----------
    The levelised cost of energy of the NREL Annual Technology Baseline 2024, with tokens for kilowatt-hours

    Examples
    --------
    >>> gb300 = dict(usd_per_gpu=4e6 / 72 + 6000, fixed_usd_per_gpu_year=3922.76 + 1366.84, wacc_frac=0.07, life_year=4,
    ...              mtok_per_gpu_year=112_205)
    >>> round(levelised_usd_per_mtok(**gb300), 5), round(levelised_usd_per_mtok(**gb300, growth_frac=0.2), 5)
    (0.2091, 0.15822)
    """
    of_capital = fixed_charge_frac(wacc_frac=wacc_frac, life_year=life_year, finance_factor=finance_factor)
    flat, growing = (
        annuity_factor_year(wacc_frac=wacc_frac, life_year=life_year, growth_frac=growth) for growth in (0, growth_frac)
    )
    usd_per_year = of_capital * usd_per_gpu + fixed_usd_per_gpu_year
    return usd_per_year * flat / (mtok_per_gpu_year * growing) + variable_usd_per_mtok


def replacement_payback_year(
    *,
    old_num_gpu,
    new_num_gpu,
    new_usd_per_gpu,
    old_salvage_usd_per_gpu,
    old_revenue_usd_per_year,
    new_revenue_usd_per_year,
    old_usd_per_gpu_year,
    new_usd_per_gpu_year,
):
    """Years after which new GPUs have paid for replacing old ones on the same site.

    Parameters
    ----------
    old_num_gpu, new_num_gpu : GPUs before and after [GPU]
    new_usd_per_gpu : capital of a new GPU [USD/GPU]
    old_salvage_usd_per_gpu : what an old one is sold for [USD/GPU]
    old_revenue_usd_per_year, new_revenue_usd_per_year : sales of the site before and after [USD/year]
    old_usd_per_gpu_year, new_usd_per_gpu_year : running cost, without capital [USD/(GPU year)]

    Returns
    -------
    payback time [year]; negative where the new site earns less than the old one

    Notes
    -----
    (N_G K_G - N_H S_H) / [(Rev_G - N_G o_G) - (Rev_H - N_H o_H)]

    Examples
    --------
    Ten H200 make way for one GB300 that sells three times as much:

    >>> round(replacement_payback_year(old_num_gpu=10, new_num_gpu=1, new_usd_per_gpu=61_555.6,
    ...                                old_salvage_usd_per_gpu=800, old_revenue_usd_per_year=40_000,
    ...                                new_revenue_usd_per_year=70_000, old_usd_per_gpu_year=3_400,
    ...                                new_usd_per_gpu_year=4_700), 4)
    0.9031
    """
    outlay = new_num_gpu * new_usd_per_gpu - old_num_gpu * old_salvage_usd_per_gpu
    old_gain = old_revenue_usd_per_year - old_num_gpu * old_usd_per_gpu_year
    new_gain = new_revenue_usd_per_year - new_num_gpu * new_usd_per_gpu_year
    return payback_year(usd=outlay, usd_per_year=new_gain - old_gain)
