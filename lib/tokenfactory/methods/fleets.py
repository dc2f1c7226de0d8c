"""What a site with limits holds, in whole racks and nodes, and the fleet that makes the most of it.

A `Site` has power on a stated basis and, where they are known, limits on cooling, rack positions, capital and
demand. A `System` is bought in whole units: a rack, or a node. `most_tokens` and `most_gain` choose how many units of
each: of one system by counting, of several by an integer programme that SciPy's HiGHS solves to the end. Racks and
nodes do not divide, so a 72-GPU rack may leave a site half empty that a division would fill.

No figure is looked up here: prices, power and throughput come with the systems.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tokenfactory.errors import InfeasibleError, ParameterError
from tokenfactory.formulas.power_figure import CRITICAL_IT
from tokenfactory.methods.sites import (  # noqa: F401
    AIR,
    CAPITAL,
    DEMAND,
    GRANT,
    LIQUID,
    POWER,
    RACKS,
    SECONDS_PER_YEAR,
    Fleet,
    Footprint,
    Site,
    System,
    footprint,
    needs_of,
    usd_per_unit_bought,
)

# The fleet is the best one to this share; the solver's own default is 1e-4, which is many racks of a large site.
GAP = 1e-9


def users_served(*, output_tok_per_s: float, tok_per_s_per_user: float) -> int:
    """Users that are read to at once, each at the chosen speed; more requests wait for their first token.

    >>> users_served(output_tok_per_s=5847 * 119.035, tok_per_s_per_user=50)
    13919
    """
    if not tok_per_s_per_user > 0:
        raise ParameterError(f"a speed must be above zero, not {tok_per_s_per_user:g} tok/s per user")
    return math.floor(output_tok_per_s / tok_per_s_per_user)


def most_tokens(site: Site, systems: Sequence[System], *, utilisation_frac: float = 1.0) -> Fleet:
    """The fleet that sells most tokens, whatever it costs; of those that meet the demand, the one of least power.

    Raises
    ------
    InfeasibleError : not one unit fits; names the binding limits
    ParameterError : nothing limits a system

    Examples
    --------
    A megawatt of IT power holds six racks, which use 91.6% of it:

    >>> from tokenfactory.formulas.power_figure import ALLIN_UTILITY, OnBasis
    >>> gb300 = System("GB300", "rack", 72, it=OnBasis(2.12, CRITICAL_IT), utility=OnBasis(2.37, ALLIN_UTILITY),
    ...                tok_per_s_per_gpu=5930, liquid_heat_frac=0.94)
    >>> fleet = most_tokens(Site(power=OnBasis(1000, CRITICAL_IT)), [gb300])
    >>> fleet.num_units, fleet.num_gpu, round(fleet.power_frac, 3)
    ((6,), 432, 0.916)
    """
    fleet = _best(site, systems, utilisation_frac, usd_per_mtok=1.0, usd_per_unit=lambda system: 0.0)
    if fleet.sold_tok_per_s < site.tok_per_s:
        return fleet
    kw = {"usd_per_mtok": 0.0, "usd_per_unit": lambda system: system.kw_per_unit(CRITICAL_IT)}
    return _best(site, systems, utilisation_frac, least_tok_per_s=site.tok_per_s, **kw) or fleet


def most_gain(site: Site, systems: Sequence[System], *, usd_per_mtok: float, utilisation_frac: float = 1.0) -> Fleet:
    """The fleet with the largest sales less cost in a year; the empty fleet where every system loses money.

    Raises
    ------
    InfeasibleError, ParameterError : as `most_tokens`; or the price is not above zero
    """
    if not usd_per_mtok > 0:
        raise ParameterError(f"a price must be above zero, not {usd_per_mtok:g} USD per million tokens")
    return _best(
        site,
        systems,
        utilisation_frac,
        usd_per_mtok=usd_per_mtok,
        usd_per_unit=lambda system: system.usd_per_gpu_year * system.gpu_per_unit,
    )


@dataclass(frozen=True)
class Obstacle:
    """What keeps even the smallest fleet of a system out of a site, and how many times too much it needs."""

    limit: str
    sentence: str
    excess: float


def obstacle(site: Site, system: System) -> Obstacle | None:
    """The first limit that keeps even the smallest fleet of a system out of a site."""
    kw_per_rack = system.kw_per_unit(CRITICAL_IT) * system.units_per_rack
    kind, most = (LIQUID, site.liquid_kw_per_rack) if system.liquid_heat_frac else (AIR, site.air_kw_per_rack)
    if kw_per_rack > most * GRANT:
        return Obstacle(
            kind,
            f"a rack of {system.name} gives off {kw_per_rack:,.1f} kW, and the {kind} of a rack position carries"
            f" {most:,.1f} kW",
            kw_per_rack / most if most else math.inf,
        )
    num_units = 1 + site.num_spare_units
    least = f"one {system.unit} of {system.name} needs"
    if num_units > 1:
        least = f"{num_units} {system.unit}s of {system.name}, spares counted, need"
    needs = {name: num_units * need for name, need in needs_of(site, system).items()}
    needs[RACKS] = -(-num_units // system.units_per_rack)
    for limit, have in site.limits.items():
        if needs[limit] > have * GRANT:
            reserve = " after its headroom" if limit == POWER and site.headroom_frac else ""
            return Obstacle(
                limit,
                f"{least} {_amount(limit, needs[limit])} of {limit}, and the site has {_amount(limit, have)}{reserve}",
                needs[limit] / have if have else math.inf,
            )
    return None


def _listed(limits: Iterable[str]) -> str:
    *others, last = limits
    return f"{', '.join(others)} and {last}" if others else last


def _amount(limit: str, value: float) -> str:
    return f"{value:,.0f}" + (" USD" if limit == CAPITAL else "") if limit in (RACKS, CAPITAL) else f"{value:,.1f} kW"


def _best(site, systems, utilisation_frac, *, usd_per_mtok, usd_per_unit, least_tok_per_s=0.0) -> Fleet | None:
    """The fleet with the largest sales less cost of those that sell at least so much; None where none does."""
    if not systems:
        raise ParameterError("a plan needs at least one system")
    if len({system.name for system in systems}) < len(systems):
        raise ParameterError("two systems of a plan have the same name")
    if not 0 < utilisation_frac <= 1:
        raise ParameterError(f"{utilisation_frac:g} is not a utilisation above 0 and up to 1")
    obstacles = {system.name: obstacle(site, system) for system in systems}
    left_out = {name: found for name, found in obstacles.items() if found}
    usable = [system for system in systems if system.name not in left_out]
    if not usable:
        # For each limit the system that comes nearest; the others are no better off.
        nearest: dict[str, Obstacle] = {}
        for found in sorted(left_out.values(), key=lambda found: found.excess):
            nearest.setdefault(found.limit, found)
        sentences = "; ".join(found.sentence for found in nearest.values())
        raise InfeasibleError(f"nothing fits, for want of {_listed(nearest)}: {sentences}", list(nearest))
    counts = _solve(site, usable, utilisation_frac, usd_per_mtok, usd_per_unit, least_tok_per_s)
    if counts is None:
        return None
    found = dict(zip((system.name for system in usable), counts, strict=True))
    return Fleet(
        site,
        tuple(systems),
        tuple(found.get(system.name, 0) for system in systems),
        utilisation_frac,
        {name: found.sentence for name, found in left_out.items()},
    )


def _solve(site, systems, utilisation_frac, usd_per_mtok, usd_per_unit, least_tok_per_s) -> list[int] | None:
    """Serving units of each system in the best fleet."""
    needs = [needs_of(site, system) for system in systems]
    output = np.array([s.tok_per_s_per_gpu * s.gpu_per_unit * utilisation_frac for s in systems])
    cost = np.array([usd_per_unit(system) for system in systems])
    sale = SECONDS_PER_YEAR / 1e6 * usd_per_mtok
    limits = {name: have * GRANT for name, have in site.limits.items() if have < math.inf}
    positions = limits.pop(RACKS, math.inf)
    resource = np.array([[need[name] for need in needs] for name in limits]).reshape(len(limits), len(systems))
    have = np.array(list(limits.values()))

    # How many of one kind could serve alone. Where no resource limits it, demand does.
    per_rack = np.array([system.units_per_rack for system in systems])
    ratio = np.divide(have[:, None], resource, out=np.full(resource.shape, math.inf), where=resource > 0)
    alone = np.min(ratio, axis=0, initial=math.inf)
    alone = np.minimum(alone, positions * per_rack) - site.num_spare_units
    is_endless = np.isinf(alone)
    if is_endless.any() and site.tok_per_s == math.inf:
        name = systems[int(is_endless.argmax())].name
        raise ParameterError(f"nothing limits how many of {name} there are: give the site a limit on power or demand")
    most = np.floor(np.where(is_endless, np.ceil(site.tok_per_s / output), alone))

    if len(systems) == 1:
        counts = _alone(site, output.item(), cost.item(), sale, int(most.item()), least_tok_per_s)
    else:
        counts = _mixed(site, systems, output, cost, sale, most, (resource, have), least_tok_per_s)
    return None if counts is None else _trimmed(site, systems, utilisation_frac, counts, least_tok_per_s)


def _trimmed(site, systems, utilisation_frac, counts: list[int], least_tok_per_s) -> list[int] | None:
    """The counts less the few units that the solver's tolerance let in, smallest first.

    HiGHS takes a millionth for nothing: of 400,000 racks that is a node whose spare it did not count.
    """
    while broken := Fleet(site, tuple(systems), tuple(counts), utilisation_frac, {}).broken_limits:
        over = [i for i, n in enumerate(counts) if n and needs_of(site, systems[i]).get(broken[0], 1)]
        smallest = min(over, key=lambda i: systems[i].tok_per_s_per_gpu * systems[i].gpu_per_unit)
        counts = [n - (i == smallest) for i, n in enumerate(counts)]
    made = sum(n * s.tok_per_s_per_gpu * s.gpu_per_unit for n, s in zip(counts, systems, strict=True))
    return counts if made * utilisation_frac * GRANT >= least_tok_per_s / GRANT else None


def _alone(site, output, cost, sale, most, least_tok_per_s) -> list[int] | None:
    """The best number of units of one system; of equals the smallest.

    Every unit earns the same until the demand is met, and nothing after it; the spares stand by from the first one on.
    So the best number is none, the least or the most there can be, or one of the two around the demand.
    """
    least = math.ceil(least_tok_per_s / GRANT / output)
    numbers = {least, max(least, 1), most}
    if site.tok_per_s < math.inf:
        numbers |= {math.floor(site.tok_per_s / output), math.ceil(site.tok_per_s / output)}

    def gain(n):
        return sale * min(n * output, site.tok_per_s) - (cost * (n + site.num_spare_units) if n else 0.0)

    possible = sorted(n for n in numbers if least <= n <= most)
    return [max(possible, key=gain)] if possible else None


def _mixed(site: Site, systems: Sequence[System], output, cost, sale, most, scarce, least) -> list[int] | None:
    """The best numbers of units of several systems, by mixed-integer programming.

    Variables, each in a block as long as the systems: serving units n, whether a system is in use y (its spares stand
    by only then), rack positions r; and at the end the tokens sold, s, in units of the largest unit's output.

        largest  v s - sum c (n + k y)    subject to    need (n + k y) <= limit,  n + k y <= (units per rack) r,
        sum r <= positions,    n <= (most) y,    s <= u sum t n,    least <= s <= demand
    """
    from scipy import optimize, sparse  # here, so that a page without a mixed plan does not wait for it

    resource, have = scarce
    size, spares, scale = output.size, site.num_spare_units, output.max()
    per_rack = np.array([system.units_per_rack for system in systems])
    positions = site.num_racks * GRANT
    # Without spares nothing hangs on whether a system is in use.
    is_used = np.zeros(size) if spares else np.ones(size)

    one, none, column = np.eye(size), np.zeros((size, size)), np.zeros((size, 1))
    rows = [
        (np.hstack([resource, spares * resource, 0 * resource, np.zeros((len(have), 1))]), have),
        (np.hstack([one, spares * one, -np.diag(per_rack), column]), np.zeros(size)),
        (np.concatenate([np.zeros(2 * size), np.ones(size), [0]])[None], [positions]),
        (np.hstack([one, -np.diag(most), none, column]), np.zeros(size)),
        (np.concatenate([-output / scale, np.zeros(2 * size), [1]])[None], [0.0]),
    ]
    matrix = sparse.csr_array(np.vstack([block for block, _ in rows]))
    upper = np.concatenate([limit for _, limit in rows])
    objective = np.concatenate([cost, spares * cost, np.zeros(size), [-scale * sale]])
    answer = optimize.milp(
        objective / np.abs(objective).max(),
        integrality=np.concatenate([np.ones(3 * size), [0]]),
        bounds=optimize.Bounds(
            np.concatenate([np.zeros(size), is_used, np.zeros(size), [least / scale / GRANT]]),
            np.concatenate([most, np.ones(size), np.ceil((most + spares) / per_rack), [site.tok_per_s / scale]]),
        ),
        constraints=optimize.LinearConstraint(matrix, -np.inf, upper),
        # Presolving helps nothing at this size, and this HiGHS then prints on the terminal now and again.
        options={"presolve": False, "mip_rel_gap": GAP},
    )
    if answer.status == 2:
        return None
    if answer.x is None:
        raise RuntimeError(f"HiGHS: {answer.message}")
    return [round(n) for n in answer.x[:size]]
