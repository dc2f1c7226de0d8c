"""What a fleet sells where demand ends, and the fleet that earns most there.

Up to today's demand tokens sell at today's price. More of them sell only at a lower price, for all of them: by an
elasticity. At an elasticity of one or less a lower price brings no more money, so the rest is not sold.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tokenfactory.errors import ParameterError
from tokenfactory.formulas import cost
from tokenfactory.formulas.demand import usd_per_mtok_at_volume
from tokenfactory.formulas.power_figure import CRITICAL_IT
from tokenfactory.methods import fleets, halls
from tokenfactory.methods.fleets import Fleet, Site, System


@dataclass(frozen=True)
class Demand:
    """What buyers pay for how much.

    Parameters
    ----------
    usd_per_mtok : today's price [USD/Mtok]
    tok_per_s : tokens that it sells, averaged over the year [tok/s]; infinite: all that are made
    elasticity : by how many percent sales rise when the price falls by one percent [1]; 0: they do not
    """

    usd_per_mtok: float
    tok_per_s: float = math.inf
    elasticity: float = 0.0

    def __post_init__(self):
        if not (self.usd_per_mtok > 0 and self.tok_per_s > 0 and 0 <= self.elasticity < math.inf):
            raise ParameterError("a price and a demand must be above zero, an elasticity zero or more")

    def sold(self, tok_per_s):
        """Tokens sold of those that could be [tok/s]."""
        return tok_per_s if self.elasticity > 1 else np.minimum(tok_per_s, self.tok_per_s)

    def price(self, tok_per_s):
        """Price at which so many tokens sell [USD/Mtok]."""
        at_price = {"tok_per_s": np.maximum(tok_per_s, self.tok_per_s), "tok_per_s_at_price": self.tok_per_s}
        if self.elasticity <= 1 or self.tok_per_s == math.inf:
            return self.usd_per_mtok
        return usd_per_mtok_at_volume(usd_per_mtok=self.usd_per_mtok, elasticity=self.elasticity, **at_price)

    def usd_per_year(self, tok_per_s):
        """What the tokens that could be sold bring in a year [USD/year]."""
        sold = self.sold(tok_per_s)
        return sold * fleets.SECONDS_PER_YEAR / 1e6 * self.price(sold)


@dataclass(frozen=True)
class Plan:
    """A fleet, and what it sells into a demand."""

    fleet: Fleet
    demand: Demand

    @property
    def sold_tok_per_s(self) -> float:
        return float(self.demand.sold(self.fleet.sold_tok_per_s))

    @property
    def tok_per_day(self) -> float:
        return cost.tok_per_day(tok_per_s=self.sold_tok_per_s)

    @property
    def usd_per_mtok(self) -> float:
        """Price at which its tokens sell [USD/Mtok]."""
        return float(self.demand.price(self.sold_tok_per_s))

    @property
    def sales_usd_per_year(self) -> float:
        return float(self.demand.usd_per_year(self.fleet.sold_tok_per_s))

    @property
    def gain_usd_per_year(self) -> float:
        """Sales less cost [USD/year]."""
        return self.sales_usd_per_year - self.fleet.usd_per_year

    @property
    def break_even_usd_per_mtok(self) -> float | None:
        """Price that just pays for its hours [USD/Mtok]; None where it sells nothing."""
        mtok = self.sold_tok_per_s * fleets.SECONDS_PER_YEAR / 1e6
        return self.fleet.usd_per_year / mtok if mtok else None

    @property
    def stopped_by(self) -> tuple[str, ...]:
        """The limits that one more unit of a system in it would break; none: one more would not be worth its cost."""
        return tuple(dict.fromkeys(limit for limits in self.fleet.stopped_by.values() for limit in limits))


def most_gain(site: Site, systems: Sequence[System], demand: Demand, *, utilisation_frac: float) -> Plan:
    """The plan with the largest sales less cost in a year.

    Raises
    ------
    InfeasibleError : not one unit fits

    Notes
    -----
    Up to today's demand fleets may mix systems; beyond it, where the price of every token falls, each system alone is
    tried in every number of whole units.
    """
    capped = replace(site, tok_per_s=min(site.tok_per_s, demand.tok_per_s))
    at_price = {"usd_per_mtok": demand.usd_per_mtok, "utilisation_frac": utilisation_frac}
    plans = [Plan(replace(fleets.most_gain(capped, systems, **at_price), site=site), demand)]
    if demand.elasticity > 1 and demand.tok_per_s < math.inf:
        fits = [system for system in systems if not fleets.obstacle(site, system)]
        full = (fleets.most_tokens(site, [system], utilisation_frac=utilisation_frac) for system in fits)
        plans += [_most_gain_alone(Plan(fleet, demand)) for fleet in full]
    return max(plans, key=lambda plan: plan.gain_usd_per_year)


def _most_gain_alone(full: Plan) -> Plan:
    """Of a plan of one system, the number of units up to its own that earns most."""
    (most,), (system,) = full.fleet.num_serving, full.fleet.systems
    serving = np.arange(most + 1)  # the spares cost the same whatever number serves
    made = serving * system.gpu_per_unit * system.tok_per_s_per_gpu * full.fleet.utilisation_frac
    gain = full.demand.usd_per_year(made) - serving * system.gpu_per_unit * system.usd_per_gpu_year
    return replace(full, fleet=replace(full.fleet, num_serving=(int(np.argmax(gain)),)))


def lead(site: Site, systems: Sequence[System], demand: Demand, *, utilisation_frac: float) -> dict:
    """Which system alone earns most on a site, and by how much it leads the next: first, gain, second, lead.

    None stands where no system, or no second one, earns its cost.
    """
    alone, _ = halls.alone(site, systems, utilisation_frac=utilisation_frac)
    earned = ((Plan(fleet, demand).gain_usd_per_year, fleet.systems[0].name) for fleet in alone)
    order = sorted((pair for pair in earned if pair[0] > 0), reverse=True)
    (gain, first), (behind, second), *_ = [*order, (None, None), (None, None)]
    return {"first": first, "gain": gain, "second": second, "lead": behind and gain - behind}


def halved(plan: Plan) -> dict[str, Site]:
    """The site of a plan with half of what its fleet uses, one limit at a time; capital where all prices are known."""
    fleet, site = plan.fleet, plan.fleet.site
    used = [(n, system) for n, system in zip(fleet.num_units, fleet.systems, strict=True) if n]
    heat = sum(n * system.kw_per_unit(CRITICAL_IT) * system.liquid_heat_frac for n, system in used)
    found = {"half of the liquid cooling it uses": replace(site, liquid_kw=min(site.liquid_kw, heat / 2))}
    found["half of its rack positions"] = replace(site, num_racks=fleet.num_racks // 2)
    found["demand for half of its tokens"] = replace(site, tok_per_s=plan.sold_tok_per_s / 2)
    if all(system.usd_per_gpu is not None for _, system in used):
        found["half of its capital"] = replace(site, usd=fleet.usd / 2)
    return found if used else {}


def replacements(
    fleets_: Sequence[Fleet],
    old: Sequence[str],
    costs: Mapping[str, Mapping],
    *,
    usd_per_mtok: float,
    most_sales: float,
) -> list[dict]:
    """Keep each old fleet, or fill the same site with each that sells more: outlay, yearly result, payback.

    Parameters
    ----------
    fleets_ : the site filled with each system alone
    old : names of the systems that may be there already
    costs : by name of a system capital and resale [USD/GPU] and running cost [USD/(GPU year)]
    usd_per_mtok : price of the tokens [USD/Mtok]
    most_sales : where demand is the limit, tokens sold after over tokens sold before [1]

    Returns
    -------
    rows with old, new (fleets), is_full, outlay_usd, kept_usd_per_year, replaced_usd_per_year and payback_year, which
    is infinite where nothing more is earned
    """

    def result(fleet):
        sales = fleet.sold_tok_per_s * fleets.SECONDS_PER_YEAR / 1e6 * usd_per_mtok
        return sales - fleet.num_gpu * costs[fleet.systems[0].name]["running"]

    rows, known = [], [fleet for fleet in fleets_ if fleet.systems[0].name in costs]
    for before in (fleet for fleet in known if fleet.systems[0].name in old):
        resale = before.num_gpu * costs[before.systems[0].name]["resale"]
        for full in (fleet for fleet in known if fleet.sold_tok_per_s > before.sold_tok_per_s):
            capped = replace(full.site, tok_per_s=most_sales * before.sold_tok_per_s)
            few = fleets.most_tokens(capped, full.systems, utilisation_frac=full.utilisation_frac)
            for after in (full, few) if full.sold_tok_per_s > capped.tok_per_s else (full,):
                outlay = after.num_gpu * costs[after.systems[0].name]["capital"] - resale
                more = result(after) - result(before)
                years = max(outlay, 0.0) / more if more > 0 else math.inf
                row = {"old": before, "new": after, "is_full": after is full, "outlay_usd": outlay}
                row |= {"kept_usd_per_year": result(before), "replaced_usd_per_year": result(after)}
                rows.append(row | {"payback_year": years})
    return rows
