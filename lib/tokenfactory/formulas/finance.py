"""What owning a GPU costs, and whether selling its tokens pays: formulas.

Arithmetic only; arguments may be floats, arrays, Series or Polars expressions. Rates are per year. An owned
hour is the sum of `owned_parts`; its tokens cost what `cost.usd_per_mtok` makes of it.

Test vectors: two builds whose inputs were chosen inside published ranges so that they come near SemiAnalysis'
constants of 1.41 and 2.652 USD per GPU-hour: H200 at 28,750 USD and 1.37 kW per GPU, GB300 at 61,555.6 USD and
2.12 kW; both 7%, 4 years, 130 USD per kW and month, 0.08 USD/kWh.
"""

from tokenfactory.errors import ParameterError
from tokenfactory.formulas.power_figure import CRITICAL_IT, plain

HOURS_PER_YEAR = 8760
MTOK_PER_YEAR_AT_1_TOK_PER_S = 3600 * HOURS_PER_YEAR / 1e6


# Money over years


def annuity_factor_year(*, wacc_frac, life_year, growth_frac=0):
    """What a yearly amount is worth today, per unit of its first payment.

    Parameters
    ----------
    wacc_frac : cost of capital a year [0..1]
    life_year : years in which it is paid, at the end of each [year]
    growth_frac : growth of the amount a year, from the second payment on [0..1]

    Returns
    -------
    present value per unit a year [year]

    Notes
    -----
    A = (1 - q^N) / (r - g), q = (1 + g)/(1 + r); at r = g it is N/(1 + r). Rates that differ by less than a
    millionth lose digits.

    Examples
    --------
    >>> round(annuity_factor_year(wacc_frac=0.07, life_year=4), 5)
    3.38721
    >>> annuity_factor_year(wacc_frac=0, life_year=4)
    4.0
    """
    ratio = (1.0 + growth_frac) / (1.0 + wacc_frac)
    # Where r = g, numerator and denominator vanish; the two terms with is_one put the limit in their place.
    is_one = ratio == 1
    return (1 - ratio**life_year + 1.0 * life_year * is_one) / (wacc_frac - growth_frac + (1.0 + wacc_frac) * is_one)


def capital_recovery_frac(*, wacc_frac, life_year):
    """Share of a price that must come back each year to pay it off with its cost of capital.

    Parameters
    ----------
    wacc_frac : cost of capital a year [0..1]
    life_year : years until it is paid off [year]

    Returns
    -------
    capital recovery factor [1/year]

    Notes
    -----
    CRF = r / (1 - (1 + r)^-N); 1/N at r = 0

    References
    ----------
    NREL Annual Technology Baseline 2024, https://atb.nrel.gov/electricity/2024/equations_&_variables

    Examples
    --------
    >>> round(capital_recovery_frac(wacc_frac=0.07, life_year=4), 6)
    0.295228
    """
    return 1 / annuity_factor_year(wacc_frac=wacc_frac, life_year=life_year)


def project_finance_factor(*, tax_frac, depreciation_pv_frac, tax_credit_frac=0):
    """How much tax makes capital dearer, after depreciation and tax credit.

    Parameters
    ----------
    tax_frac : rate of income tax [0..1]
    depreciation_pv_frac : present value of all depreciation, as a share of the price [0..1]
    tax_credit_frac : investment tax credit, as a share of the price [0..1]

    Returns
    -------
    factor on the capital recovery factor [1]

    Notes
    -----
    (1 - T PVD (1 - ITC/2) - ITC) / (1 - T)

    References
    ----------
    NREL Annual Technology Baseline 2024, ProFinFactor

    Examples
    --------
    >>> round(project_finance_factor(tax_frac=0.257, depreciation_pv_frac=0.85), 5)
    1.05188
    """
    return (1 - tax_frac * depreciation_pv_frac * (1 - tax_credit_frac / 2) - tax_credit_frac) / (1 - tax_frac)


def fixed_charge_frac(*, wacc_frac, life_year, finance_factor=1):
    """Share of a price that must be earned each year, taxes included.

    Parameters
    ----------
    wacc_frac : cost of capital a year [0..1]
    life_year : years until it is paid off [year]
    finance_factor : what taxes make of it, from `project_finance_factor`; 1 leaves taxes out [1]

    Returns
    -------
    fixed charge rate [1/year]

    Notes
    -----
    FCR = CRF ProFinFactor

    References
    ----------
    NREL Annual Technology Baseline 2024, FCR

    Examples
    --------
    >>> round(fixed_charge_frac(wacc_frac=0.07, life_year=4, finance_factor=1.05188), 6)
    0.310545
    """
    return capital_recovery_frac(wacc_frac=wacc_frac, life_year=life_year) * finance_factor


def real_wacc_frac(*, debt_frac, real_equity_return_frac, real_interest_frac, inflation_frac, tax_frac):
    """Cost of capital above inflation, of debt and equity together.

    Parameters
    ----------
    debt_frac : share of debt in the capital [0..1]
    real_equity_return_frac, real_interest_frac : what owners and lenders want a year, above inflation [0..1]
    inflation_frac : inflation a year [0..1]
    tax_frac : rate of income tax; interest is deducted from it [0..1]

    Returns
    -------
    real weighted average cost of capital [1/year]

    Notes
    -----
    [1 + (1 - DF)((1 + RROE)(1 + i) - 1) + DF((1 + IR)(1 + i) - 1)(1 - TR)] / (1 + i) - 1

    References
    ----------
    NREL Annual Technology Baseline 2024, WACC real

    Examples
    --------
    >>> round(real_wacc_frac(debt_frac=0.5, real_equity_return_frac=0.10, real_interest_frac=0.05,
    ...                      inflation_frac=0.025, tax_frac=0.257), 7)
    0.0654409
    """
    equity = (1 + real_equity_return_frac) * (1 + inflation_frac) - 1
    debt = ((1 + real_interest_frac) * (1 + inflation_frac) - 1) * (1 - tax_frac)
    return (1 + (1 - debt_frac) * equity + debt_frac * debt) / (1 + inflation_frac) - 1


def present_value(*, by_year, wacc_frac):
    """What a sequence of yearly amounts is worth today.

    Parameters
    ----------
    by_year : amounts, the first one today, each other one at the end of a year [any unit]
    wacc_frac : cost of capital a year [0..1]

    Returns
    -------
    present value, in the unit of the amounts

    Notes
    -----
    sum over k of a_k (1 + r)^-k

    Examples
    --------
    >>> round(present_value(by_year=[-100, 60, 60], wacc_frac=0.1), 4)
    4.1322
    """
    return sum(amount * (1 + wacc_frac) ** -k for k, amount in enumerate(by_year))


def payback_year(*, usd, usd_per_year):
    """Years after which a steady yearly gain has returned a price, without cost of capital.

    Parameters
    ----------
    usd : what is paid first [USD]
    usd_per_year : gain a year [USD/year]

    Returns
    -------
    payback time [year]; negative where there is a loss and it never comes back

    Notes
    -----
    K / G

    Examples
    --------
    >>> payback_year(usd=100, usd_per_year=40)
    2.5
    """
    return usd / usd_per_year


# The hour of an owned GPU


def usd_per_gpu_installed(
    *, usd_per_system, gpu_per_system, network_storage_frac=0, installation_frac=0, spares_frac=0
):
    """Price of a GPU ready to work: its share of the system and of what the system needs around it.

    Parameters
    ----------
    usd_per_system : price of a server or rack [USD]
    gpu_per_system : GPUs in it [GPU]
    network_storage_frac : scale-out network and storage, as a share of the system's price [0..1]
    installation_frac : delivery, cabling and acceptance, as a share of the system's price [0..1]
    spares_frac : spare systems bought at the start, as a share of the system's price [0..1]

    Returns
    -------
    capital per GPU [USD/GPU]

    Notes
    -----
    K = P/n (1 + network and storage + installation + spares). Land and building are not included.

    Examples
    --------
    >>> usd_per_gpu_installed(usd_per_system=190_000, gpu_per_system=8, network_storage_frac=0.2)
    28500.0
    """
    return usd_per_system / gpu_per_system * (1 + network_storage_frac + installation_frac + spares_frac)


def capital_usd_per_gpu_hour(*, usd_per_gpu, wacc_frac, life_year, salvage_frac=0):
    """The hour's share of what a GPU was bought for.

    Parameters
    ----------
    usd_per_gpu : capital per GPU, network and the like included [USD/GPU]
    wacc_frac : cost of capital a year [0..1]
    life_year : economic life [year]
    salvage_frac : what it is sold for at the end, as a share of the capital [0..1]

    Returns
    -------
    cost of capital and of wear [USD/(GPU h)]

    Notes
    -----
    K (1 - s (1 + r)^-N) CRF / 8760, for each hour of the year whether used or not.

    Examples
    --------
    >>> round(capital_usd_per_gpu_hour(usd_per_gpu=28_750, wacc_frac=0.07, life_year=4), 6)
    0.968928
    """
    lost_frac = 1 - salvage_frac * (1.0 + wacc_frac) ** -life_year
    recovery = capital_recovery_frac(wacc_frac=wacc_frac, life_year=life_year)
    return usd_per_gpu * lost_frac * recovery / HOURS_PER_YEAR


def colocation_usd_per_gpu_hour(*, colocation_usd_per_kw_year, kw_per_gpu):
    """The hour's share of rented space, power and cooling capacity.

    Parameters
    ----------
    colocation_usd_per_kw_year : rent of a contracted kilowatt of IT power, without energy [USD/(kW year)]
    kw_per_gpu : IT power per GPU, host and network included [kW/GPU]

    Returns
    -------
    colocation [USD/(GPU h)]

    Notes
    -----
    colo w / 8760. Usually quoted a month: 130 USD/(kW month) are 1,560 a year.

    Examples
    --------
    >>> round(colocation_usd_per_gpu_hour(colocation_usd_per_kw_year=12 * 130, kw_per_gpu=1.37), 6)
    0.243973
    """
    return colocation_usd_per_kw_year * plain(kw_per_gpu, CRITICAL_IT) / HOURS_PER_YEAR


def building_usd_per_gpu_hour(*, building_usd_per_kw, kw_per_gpu, wacc_frac, building_life_year):
    """The hour's share of a building of one's own.

    Parameters
    ----------
    building_usd_per_kw : cost of building a kilowatt of IT capacity with its power and cooling [USD/kW]
    kw_per_gpu : IT power per GPU, host and network included [kW/GPU]
    wacc_frac : cost of capital a year [0..1]
    building_life_year : years in which the building is paid off [year]

    Returns
    -------
    building [USD/(GPU h)]

    Notes
    -----
    CRF(building) b w / 8760; it stands in the place of colocation, never beside it.

    Examples
    --------
    >>> round(building_usd_per_gpu_hour(building_usd_per_kw=12_000, kw_per_gpu=1.37, wacc_frac=0.07,
    ...                                 building_life_year=15), 6)
    0.206053
    """
    recovery = capital_recovery_frac(wacc_frac=wacc_frac, life_year=building_life_year)
    return building_usd_per_kw * plain(kw_per_gpu, CRITICAL_IT) * recovery / HOURS_PER_YEAR


def energy_usd_per_gpu_hour(*, kw_per_gpu, load_frac, pue, usd_per_kwh):
    """Electricity of an hour.

    Parameters
    ----------
    kw_per_gpu : IT power per GPU, host and network included [kW/GPU]
    load_frac : share of that power that is drawn on average [0..1]
    pue : energy of the facility over energy of its IT [1]
    usd_per_kwh : price of electricity [USD/kWh]

    Returns
    -------
    energy [USD/(GPU h)]

    Notes
    -----
    w load PUE e. A bare power that already includes the facility needs PUE = 1; one that carries a basis must be IT
    power.

    Examples
    --------
    >>> round(energy_usd_per_gpu_hour(kw_per_gpu=1.37, load_frac=0.8, pue=1.25, usd_per_kwh=0.08), 4)
    0.1096
    """
    return plain(kw_per_gpu, CRITICAL_IT) * load_frac * pue * usd_per_kwh


def owned_parts(
    *,
    usd_per_gpu,
    wacc_frac,
    life_year,
    kw_per_gpu,
    load_frac,
    pue,
    usd_per_kwh,
    colocation_usd_per_kw_year=None,
    building_usd_per_kw=None,
    building_life_year=None,
    salvage_frac=0,
    maintenance_frac=0,
    staff_usd_per_gpu_year=0,
    licence_usd_per_gpu_year=0,
):
    """The hour of an owned GPU, part by part.

    Parameters
    ----------
    usd_per_gpu : capital per GPU, network and the like included [USD/GPU]
    wacc_frac : cost of capital a year [0..1]
    life_year : economic life [year]
    kw_per_gpu : IT power per GPU, host and network included [kW/GPU]
    load_frac : share of that power that is drawn on average [0..1]
    pue : energy of the facility over energy of its IT [1]
    usd_per_kwh : price of electricity [USD/kWh]
    colocation_usd_per_kw_year : rent of a contracted kilowatt of IT power, without energy [USD/(kW year)]
    building_usd_per_kw, building_life_year : the same from a building of one's own [USD/kW], [year]; either
        colocation or building must be given, never both
    salvage_frac : what the GPU is sold for at the end of its life, as a share of the capital [0..1]
    maintenance_frac : maintenance and spare parts a year, as a share of the capital [0..1]
    staff_usd_per_gpu_year, licence_usd_per_gpu_year : staff and software licences [USD/(GPU year)]

    Returns
    -------
    capital, space, energy, maintenance, staff and licences by these names [USD/(GPU h)]

    Notes
    -----
    Every hour of the year is paid, used or not; utilisation comes in where the hour is turned into tokens.

    Raises
    ------
    ParameterError : colocation and a building together, or neither

    Examples
    --------
    >>> parts = owned_parts(usd_per_gpu=28_750, wacc_frac=0.07, life_year=4, kw_per_gpu=1.37, load_frac=0.8, pue=1.25,
    ...                     usd_per_kwh=0.08, colocation_usd_per_kw_year=1560, maintenance_frac=0.01)
    >>> {name: round(usd, 4) for name, usd in parts.items() if usd}
    {'capital': 0.9689, 'space': 0.244, 'energy': 0.1096, 'maintenance': 0.0328}
    """
    if (colocation_usd_per_kw_year is None) == (building_usd_per_kw is None):
        raise ParameterError("give either colocation_usd_per_kw_year or building_usd_per_kw, and not both")
    if building_usd_per_kw is None:
        space = colocation_usd_per_gpu_hour(
            colocation_usd_per_kw_year=colocation_usd_per_kw_year, kw_per_gpu=kw_per_gpu
        )
    else:
        space = building_usd_per_gpu_hour(
            building_usd_per_kw=building_usd_per_kw,
            kw_per_gpu=kw_per_gpu,
            wacc_frac=wacc_frac,
            building_life_year=building_life_year,
        )
    return {
        "capital": capital_usd_per_gpu_hour(
            usd_per_gpu=usd_per_gpu, wacc_frac=wacc_frac, life_year=life_year, salvage_frac=salvage_frac
        ),
        "space": space,
        "energy": energy_usd_per_gpu_hour(kw_per_gpu=kw_per_gpu, load_frac=load_frac, pue=pue, usd_per_kwh=usd_per_kwh),
        "maintenance": usd_per_gpu * maintenance_frac / HOURS_PER_YEAR,
        "staff": staff_usd_per_gpu_year / HOURS_PER_YEAR,
        "licences": licence_usd_per_gpu_year / HOURS_PER_YEAR,
    }


def owned_usd_per_gpu_hour(**inputs):
    """The hour of an owned GPU: the sum of `owned_parts`, which takes the same arguments.

    Returns
    -------
    cost of owning a GPU for an hour [USD/(GPU h)]

    Notes
    -----
    p = [K (1 - s (1 + r)^-N) CRF + space + K m + staff + licences] / 8760 + w load PUE e

    Examples
    --------
    >>> round(owned_usd_per_gpu_hour(usd_per_gpu=4e6 / 72 + 6000, wacc_frac=0.07, life_year=4, kw_per_gpu=2.12,
    ...                              load_frac=0.8, pue=1.15, usd_per_kwh=0.08, colocation_usd_per_kw_year=1560,
    ...                              maintenance_frac=0.01), 4)
    2.6784
    """
    return sum(owned_parts(**inputs).values())


def system_parts(
    *, usd_per_system, gpu_per_system, network_storage_frac=0, installation_frac=0, spares_frac=0, **owned
):
    """The hour of a GPU of an owned system, part by part, from the price of the system.

    Parameters
    ----------
    usd_per_system, gpu_per_system, network_storage_frac, installation_frac, spares_frac : as in
        `usd_per_gpu_installed`
    owned : all other arguments of `owned_parts`

    Returns
    -------
    the parts of `owned_parts` [USD/(GPU h)]

    Examples
    --------
    >>> parts = system_parts(usd_per_system=190_000, gpu_per_system=8, network_storage_frac=5_000 / 23_750,
    ...                      wacc_frac=0.07, life_year=4, kw_per_gpu=1.37, load_frac=0.8, pue=1.25, usd_per_kwh=0.08,
    ...                      colocation_usd_per_kw_year=1560, maintenance_frac=0.01)
    >>> round(sum(parts.values()), 5)
    1.35532
    """
    usd_per_gpu = usd_per_gpu_installed(
        usd_per_system=usd_per_system,
        gpu_per_system=gpu_per_system,
        network_storage_frac=network_storage_frac,
        installation_frac=installation_frac,
        spares_frac=spares_frac,
    )
    return owned_parts(usd_per_gpu=usd_per_gpu, **owned)


def own_or_rent_utilisation_frac(*, owned_usd_per_gpu_hour, rented_usd_per_gpu_hour):
    """Share of the hours above which owning is cheaper than renting only the hours in use.

    Parameters
    ----------
    owned_usd_per_gpu_hour : cost of owning, paid every hour [USD/(GPU h)]
    rented_usd_per_gpu_hour : rent, paid for used hours only [USD/(GPU h)]

    Returns
    -------
    utilisation at which both cost the same [1]; above 1 owning never pays

    Notes
    -----
    u* = p_own / p_rent

    Examples
    --------
    >>> round(own_or_rent_utilisation_frac(owned_usd_per_gpu_hour=1.41, rented_usd_per_gpu_hour=2.05), 6)
    0.687805
    """
    return owned_usd_per_gpu_hour / rented_usd_per_gpu_hour


# Selling tokens


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
