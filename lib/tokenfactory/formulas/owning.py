"""The hour of an owned GPU: formulas. It is the sum of `owned_parts`; `cost.usd_per_mtok` makes a cost of tokens of it.

Test vectors: two builds whose inputs were chosen inside published ranges so that they come near SemiAnalysis'
constants of 1.41 and 2.652 USD per GPU-hour: H200 at 28,750 USD and 1.37 kW per GPU, GB300 at 61,555.6 USD and
2.12 kW; both 7%, 4 years, 130 USD per kW and month, 0.08 USD/kWh.
"""

import inspect
from dataclasses import dataclass
from typing import Any

from tokenfactory.errors import ParameterError
from tokenfactory.formulas.discounting import capital_recovery_frac
from tokenfactory.formulas.power_figure import CRITICAL_IT, plain

HOURS_PER_YEAR = 8760


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

    def space_usd_per_gpu_hour(self):
        """Colocation, or the building in its place [USD/(GPU h)]."""
        if self.building_usd_per_kw is None:
            return colocation_usd_per_gpu_hour(
                colocation_usd_per_kw_year=self.colocation_usd_per_kw_year, kw_per_gpu=self.kw_per_gpu
            )
        return building_usd_per_gpu_hour(
            building_usd_per_kw=self.building_usd_per_kw,
            kw_per_gpu=self.kw_per_gpu,
            wacc_frac=self.wacc_frac,
            building_life_year=self.building_life_year,
        )


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
    return {
        "capital": capital_usd_per_gpu_hour(
            usd_per_gpu=gpu.usd_per_gpu,
            wacc_frac=gpu.wacc_frac,
            life_year=gpu.life_year,
            salvage_frac=gpu.salvage_frac,
        ),
        "space": gpu.space_usd_per_gpu_hour(),
        "energy": energy_usd_per_gpu_hour(
            kw_per_gpu=gpu.kw_per_gpu, load_frac=gpu.load_frac, pue=gpu.pue, usd_per_kwh=gpu.usd_per_kwh
        ),
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
