"""Sites, the systems that may stand on them, and fleets: what a number of units of each makes, needs and costs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tokenfactory.errors import ParameterError
from tokenfactory.formulas.power_figure import ALLIN_UTILITY, CRITICAL_IT, MixedBasisError, OnBasis

POWER, AIR, LIQUID, RACKS, CAPITAL, DEMAND = "power", "air cooling", "liquid cooling", "racks", "capital", "demand"
SECONDS_PER_YEAR = 8760 * 3600
# Granted on every limit, so that ten units of a tenth fit: the same in `power.num_gpu_in_power`.
GRANT = 1 + 1e-9


@dataclass(frozen=True)
class System:
    """One kind of system, with its figures per GPU.

    Parameters
    ----------
    name : what it is called in results
    unit : "rack" or "node": what is bought whole
    gpu_per_unit : GPUs in a unit [GPU]
    it, utility : power of a GPU as critical IT power and as all-in power at the meter [kW/GPU]
    tok_per_s_per_gpu : throughput at the chosen speed, over all deployed GPUs [tok/(s GPU)]
    liquid_heat_frac : share of the heat that leaves by liquid [0..1]
    units_per_rack : units in one rack position
    usd_per_gpu : capital [USD/GPU]; None where it is not known
    usd_per_gpu_year : all that a GPU costs in a year of being there, sold or not [USD/(GPU year)]
    """

    name: str
    unit: str
    gpu_per_unit: int
    it: OnBasis
    utility: OnBasis
    tok_per_s_per_gpu: float
    liquid_heat_frac: float
    units_per_rack: int = 1
    usd_per_gpu: float | None = None
    usd_per_gpu_year: float = 0.0

    def __post_init__(self):
        if self.utility.on(ALLIN_UTILITY) < self.it.on(CRITICAL_IT):
            pue = self.utility.value / self.it.value
            raise ParameterError(f"{self.name}: a PUE of {pue:.3g} is below 1: a site cannot draw less than its IT")
        if not (self.it.value > 0 and self.tok_per_s_per_gpu > 0 and min(self.gpu_per_unit, self.units_per_rack) >= 1):
            raise ParameterError(f"{self.name}: power, throughput, GPUs and units of a rack must be above zero")
        if not 0 <= self.liquid_heat_frac <= 1:
            raise ParameterError(f"{self.name}: {self.liquid_heat_frac:g} is not a share of heat from 0 to 1")

    def kw_per_unit(self, basis: str) -> float:
        """Power of a unit on one of the two bases [kW]."""
        for figure in (self.it, self.utility):
            if figure.basis == basis:
                return figure.value * self.gpu_per_unit
        raise MixedBasisError(f"{self.name} has no {basis} power, only {CRITICAL_IT} and {ALLIN_UTILITY}")


@dataclass(frozen=True)
class Site:
    """What there is. Infinite means: not a limit.

    Parameters
    ----------
    power : power budget, at the meter or as critical IT power [kW]
    headroom_frac : power kept free over the draw of the fleet, as a share of that draw
    air_kw, liquid_kw : heat that each kind of cooling can carry away [kW of IT power]
    air_kw_per_rack, liquid_kw_per_rack : most IT power of one rack position, cooled by air alone or with liquid [kW]
    num_racks : rack positions
    usd : capital [USD]
    tok_per_s : most that can be sold, averaged over the year [tok/s]
    num_spare_units : units that stand by for each kind of system in use: N+1 is 1
    """

    power: OnBasis
    headroom_frac: float = 0.0
    air_kw: float = math.inf
    liquid_kw: float = math.inf
    air_kw_per_rack: float = math.inf
    liquid_kw_per_rack: float = math.inf
    num_racks: float = math.inf
    usd: float = math.inf
    tok_per_s: float = math.inf
    num_spare_units: int = 0

    def __post_init__(self):
        if not self.power.value > 0:
            raise ParameterError(f"a site needs power: {self.power.value / 1000:g} MW holds nothing")
        for name in ("headroom_frac", "air_kw", "liquid_kw", "num_racks", "usd", "tok_per_s"):
            if not getattr(self, name) >= 0:
                raise ParameterError(f"{name} of a site must be zero or more, not {getattr(self, name):g}")
        if self.num_spare_units < 0:
            raise ParameterError(f"{self.num_spare_units} spare units make no sense")

    @property
    def limits(self) -> dict[str, float]:
        """What is there of each resource: kW, kW of heat, rack positions and USD."""
        return {
            POWER: self.power.value / (1 + self.headroom_frac),
            AIR: self.air_kw,
            LIQUID: self.liquid_kw,
            RACKS: self.num_racks,
            CAPITAL: self.usd,
        }


@dataclass(frozen=True)
class Fleet:
    """Whole units of each system on a site, and what they use and make. Counts are in the order of `systems`."""

    site: Site
    systems: tuple[System, ...]
    num_serving: tuple[int, ...]
    utilisation_frac: float
    left_out: Mapping[str, str]  # systems of which not one unit fits, with the reason

    @property
    def num_spare(self) -> tuple[int, ...]:
        return tuple(self.site.num_spare_units if n else 0 for n in self.num_serving)

    @property
    def num_units(self) -> tuple[int, ...]:
        """Serving and standing by."""
        return tuple(n + s for n, s in zip(self.num_serving, self.num_spare, strict=True))

    def _sum(self, counts: Sequence[int], per_unit) -> float:
        return sum(n * per_unit(system) for n, system in zip(counts, self.systems, strict=True) if n)

    @property
    def num_gpu(self) -> int:
        return self._sum(self.num_units, lambda system: system.gpu_per_unit)

    @property
    def num_racks(self) -> int:
        """Rack positions in use; a position holds one kind of system."""
        return sum(-(-n // system.units_per_rack) for n, system in zip(self.num_units, self.systems, strict=True))

    def kw(self, basis: str | None = None) -> float:
        """Draw of all units on a basis, by default that of the site [kW]."""
        return self._sum(self.num_units, lambda system: system.kw_per_unit(basis or self.site.power.basis))

    @property
    def power_frac(self) -> float:
        """Share of the site's power that the fleet draws, headroom not counted."""
        return self.kw() / self.site.power.value

    @property
    def power_budget(self) -> dict[str, float]:
        """Where the site's power goes [kW]: serving, spares, cooling and losses, headroom, stranded."""
        spare_it = self._sum(self.num_spare, lambda system: system.kw_per_unit(CRITICAL_IT))
        it, draw = self.kw(CRITICAL_IT), self.kw()
        headroom = draw * self.site.headroom_frac
        return {
            "serving": it - spare_it,
            "spares": spare_it,
            "cooling and losses": draw - it,
            "headroom": headroom,
            "stranded": self.site.power.value - draw - headroom,
        }

    @property
    def usd(self) -> float:
        """Capital [USD]."""
        return self._sum(self.num_units, lambda system: usd_per_unit_bought(system))

    @property
    def capacity_tok_per_s(self) -> float:
        """Tokens per second of all serving units together, at full load."""
        return self._sum(self.num_serving, lambda system: system.tok_per_s_per_gpu * system.gpu_per_unit)

    @property
    def sold_tok_per_s(self) -> float:
        """Tokens per second that are sold, averaged over the year."""
        return min(self.capacity_tok_per_s * self.utilisation_frac, self.site.tok_per_s)

    @property
    def usd_per_year(self) -> float:
        """What the fleet costs in a year [USD/year]."""
        return self._sum(self.num_units, lambda system: system.usd_per_gpu_year * system.gpu_per_unit)

    def gain_usd_per_year(self, usd_per_mtok: float) -> float:
        """Sales less cost [USD/year]."""
        return self.sold_tok_per_s * SECONDS_PER_YEAR / 1e6 * usd_per_mtok - self.usd_per_year

    @property
    def stopped_by(self) -> dict[str, tuple[str, ...]]:
        """For each system that fits, the limits that one more unit would break; none: it was not worth its cost."""
        found = {}
        for i, system in enumerate(self.systems):
            if system.name in self.left_out:
                continue
            more = replace(self, num_serving=tuple(n + (i == j) for j, n in enumerate(self.num_serving)))
            is_too_much = more.capacity_tok_per_s * self.utilisation_frac > self.site.tok_per_s
            found[system.name] = (*more.broken_limits, *([DEMAND] if is_too_much else []))
        return found

    @property
    def broken_limits(self) -> list[str]:
        """The limits of the site that this fleet exceeds."""
        limits = self.site.limits
        used = {
            name: self._sum(self.num_units, lambda system, name=name: needs_of(self.site, system)[name])
            for name in needs_of(self.site, self.systems[0])
        } | {RACKS: self.num_racks}
        return [name for name, have in limits.items() if used[name] > have * GRANT]


@dataclass(frozen=True)
class Footprint:
    """What a fleet takes from outside in a year."""

    mwh_per_year: float  # at the meter
    tco2_per_year: float  # of the electricity
    m3_per_year: float  # water at the site


def footprint(fleet: Fleet, *, load_frac: float, gco2_per_kwh: float, l_per_it_kwh: float) -> Footprint:
    """Energy, greenhouse gas and water of a fleet, units that stand by included, in a year.

    Parameters
    ----------
    load_frac : mean power over provisioned power [0..1]
    gco2_per_kwh : carbon intensity of the electricity [gCO2e/kWh]
    l_per_it_kwh : water usage effectiveness [L per IT kWh]
    """
    kwh, it_kwh = (fleet.kw(basis) * load_frac * 8760 for basis in (ALLIN_UTILITY, CRITICAL_IT))
    return Footprint(kwh / 1e3, kwh * gco2_per_kwh / 1e6, it_kwh * l_per_it_kwh / 1e3)


def usd_per_unit_bought(system: System) -> float:
    """Price of a unit of a system [USD]; refuses one whose price is not known."""
    if system.usd_per_gpu is None:
        raise ParameterError(f"the capital of {system.name} is asked for, but its price is not known")
    return system.usd_per_gpu * system.gpu_per_unit


def needs_of(site: Site, system: System) -> dict[str, float]:
    """What a unit takes of each resource but rack positions, which are shared in whole ones."""
    heat = system.kw_per_unit(CRITICAL_IT)
    return {
        POWER: system.kw_per_unit(site.power.basis),
        AIR: heat * (1 - system.liquid_heat_frac),
        LIQUID: heat * system.liquid_heat_frac,
        CAPITAL: 0.0 if site.usd == math.inf else usd_per_unit_bought(system),
    }
