"""Money over years: the hour of an owned GPU, owning against renting, and whether selling tokens pays.

Arithmetic only; arguments may be floats, arrays, Series or Polars expressions. Rates are per year. `cost.usd_per_mtok`
makes a cost of tokens of an hour.

Test vectors: two builds whose inputs were chosen inside published ranges so that they come near SemiAnalysis'
constants of 1.41 and 2.652 USD per GPU-hour: H200 at 28,750 USD and 1.37 kW per GPU, GB300 at 61,555.6 USD and
2.12 kW; both 7%, 4 years, 130 USD per kW and month, 0.08 USD/kWh.
"""

import inspect
from dataclasses import dataclass
from typing import Any

from tokenfactory.errors import ParameterError
from tokenfactory.formulas.power_figure import CRITICAL_IT, plain

HOURS_PER_YEAR = 8760
MTOK_PER_YEAR_AT_1_TOK_PER_S = 3600 * HOURS_PER_YEAR / 1e6


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
    ratio = 1.0 / (1.0 + wacc_frac)
    # Where r = 0, numerator and denominator vanish; the two terms with is_zero put the limit in their place.
    is_zero = ratio == 1
    annuity_year = (1 - ratio**life_year + 1.0 * life_year * is_zero) / (wacc_frac + (1.0 + wacc_frac) * is_zero)
    return 1 / annuity_year


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


@dataclass(frozen=True, kw_only=True)
class OwnedGpu:
    """What the hour of an owned GPU depends on.

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

    Raises
    ------
    ParameterError : colocation and a building together, or neither
    """

    usd_per_gpu: Any
    wacc_frac: Any
    life_year: Any
    kw_per_gpu: Any
    load_frac: Any
    pue: Any
    usd_per_kwh: Any
    colocation_usd_per_kw_year: Any = None
    building_usd_per_kw: Any = None
    building_life_year: Any = None
    salvage_frac: Any = 0
    maintenance_frac: Any = 0
    staff_usd_per_gpu_year: Any = 0
    licence_usd_per_gpu_year: Any = 0

    def __post_init__(self):
        if (self.colocation_usd_per_kw_year is None) == (self.building_usd_per_kw is None):
            raise ParameterError("give either colocation_usd_per_kw_year or building_usd_per_kw, and not both")


def owned_parts(**inputs):
    """The hour of an owned GPU, part by part.

    Parameters
    ----------
    inputs : the fields of `OwnedGpu`, by name

    Returns
    -------
    capital, space, energy, maintenance, staff and licences by these names [USD/(GPU h)]

    Notes
    -----
    Every hour of the year is paid, used or not; utilisation comes in where the hour is turned into tokens.

    Examples
    --------
    >>> parts = owned_parts(usd_per_gpu=28_750, wacc_frac=0.07, life_year=4, kw_per_gpu=1.37, load_frac=0.8, pue=1.25,
    ...                     usd_per_kwh=0.08, colocation_usd_per_kw_year=1560, maintenance_frac=0.01)
    >>> {name: round(usd, 4) for name, usd in parts.items() if usd}
    {'capital': 0.9689, 'space': 0.244, 'energy': 0.1096, 'maintenance': 0.0328}
    """
    gpu = OwnedGpu(**inputs)
    it_kw = plain(gpu.kw_per_gpu, CRITICAL_IT)
    lost_frac = 1 - gpu.salvage_frac * (1.0 + gpu.wacc_frac) ** -gpu.life_year
    recovery = capital_recovery_frac(wacc_frac=gpu.wacc_frac, life_year=gpu.life_year)
    if gpu.building_usd_per_kw is None:
        space = gpu.colocation_usd_per_kw_year * it_kw / HOURS_PER_YEAR
    else:
        of_building = capital_recovery_frac(wacc_frac=gpu.wacc_frac, life_year=gpu.building_life_year)
        space = gpu.building_usd_per_kw * it_kw * of_building / HOURS_PER_YEAR
    return {
        "capital": gpu.usd_per_gpu * lost_frac * recovery / HOURS_PER_YEAR,
        "space": space,
        "energy": it_kw * gpu.load_frac * gpu.pue * gpu.usd_per_kwh,
        "maintenance": gpu.usd_per_gpu * gpu.maintenance_frac / HOURS_PER_YEAR,
        "staff": gpu.staff_usd_per_gpu_year / HOURS_PER_YEAR,
        "licences": gpu.licence_usd_per_gpu_year / HOURS_PER_YEAR,
    }


# What help() shows, and the record of what each headline number means: the inputs by their names.
owned_parts.__signature__ = inspect.Signature(
    [p.replace(annotation=inspect.Parameter.empty) for p in inspect.signature(OwnedGpu).parameters.values()]
)


def owned_usd_per_gpu_hour(**inputs):
    """The hour of an owned GPU: the sum of `owned_parts`.

    Parameters
    ----------
    inputs : the fields of `OwnedGpu`, by name

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


def mtok_per_gpu_year(*, tok_per_s_per_gpu, utilisation_frac=1):
    """Millions of tokens that a GPU makes in a year.

    Parameters
    ----------
    tok_per_s_per_gpu : throughput over all deployed GPUs, of the tokens to be counted [tok/(s GPU)]
    utilisation_frac : share of the year at that throughput [0..1]

    Returns
    -------
    tokens a year [Mtok/(GPU year)]

    Examples
    --------
    >>> round(mtok_per_gpu_year(tok_per_s_per_gpu=5930, utilisation_frac=0.6))
    112205
    """
    return tok_per_s_per_gpu * utilisation_frac * MTOK_PER_YEAR_AT_1_TOK_PER_S


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
    """Profit per dollar of cost: what DeepSeek prints as cost profit margin, and not the gross margin.

    Parameters
    ----------
    cost_usd_per_mtok, price_usd_per_mtok : of the same mix of tokens [USD/Mtok]

    Returns
    -------
    profit over cost [1]

    Examples
    --------
    DeepSeek's published day, in USD a day, a gross margin of 0.845:

    >>> round(profit_over_cost_frac(cost_usd_per_mtok=87_072, price_usd_per_mtok=562_027), 4)
    5.4547
    """
    return price_usd_per_mtok / cost_usd_per_mtok - 1
