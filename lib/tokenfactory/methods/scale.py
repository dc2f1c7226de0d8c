"""How much must be sold before a large system beats a small one: cost of a token against tokens sold in a day.

A rack of 72 GPUs is bought whole and costs the same whether it sells a thousand tokens or a trillion. So a node of
eight slower GPUs is cheaper up to some demand, and the cost of both falls in steps until whole units no longer matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tokenfactory.errors import InfeasibleError, ParameterError
from tokenfactory.formulas import cost

SECONDS_PER_DAY = 86_400
GRANT = 1e-9  # a demand that exceeds a fleet by this share is still met, so that ten units of a tenth are


@dataclass(frozen=True)
class Unit:
    """What is bought whole: a rack or a node, with its figures per GPU.

    Parameters
    ----------
    name : what it is called in results
    gpu_per_unit : GPUs in it [GPU]
    usd_per_gpu_hour : cost of each for every hour of the year [USD/(GPU h)]
    tok_per_s_per_gpu : throughput at the asked speed [tok/(s GPU)]
    """

    name: str
    gpu_per_unit: int
    usd_per_gpu_hour: float
    tok_per_s_per_gpu: float

    def __post_init__(self):
        if not min(self.gpu_per_unit, self.usd_per_gpu_hour, self.tok_per_s_per_gpu) > 0:
            raise ParameterError(f"{self.name}: GPUs, price and throughput of a unit must be above zero")

    @property
    def usd_per_day(self) -> float:
        return self.usd_per_gpu_hour * self.gpu_per_unit * 24

    def tok_per_day(self, utilisation_frac: float) -> float:
        return cost.tok_per_day(tok_per_s=self.tok_per_s_per_gpu * self.gpu_per_unit, utilisation_frac=utilisation_frac)


def num_units(
    units: Sequence[Unit], tok_per_day: np.ndarray, *, utilisation_frac: float, num_spare_units: int = 0
) -> np.ndarray:
    """Whole units that sell each demand, spares included: a row per system, a column per demand.

    Parameters
    ----------
    units : the systems
    tok_per_day : tokens sold in a day [tok/day]
    utilisation_frac : mean over peak of the demand, as the fleet is sized to the peak [0..1]
    num_spare_units : units that stand by: N+1 is 1

    Raises
    ------
    ParameterError : a demand or the utilisation is not above zero
    """
    tok_per_day = np.atleast_1d(np.asarray(tok_per_day, float))
    if not (tok_per_day > 0).all() or not np.isfinite(tok_per_day).all():
        raise ParameterError("a demand must be a number of tokens a day above zero")
    if not 0 < utilisation_frac <= 1:
        raise ParameterError(f"{utilisation_frac:g} is not a utilisation above 0 and up to 1")
    if num_spare_units < 0:
        raise ParameterError(f"{num_spare_units} spare units make no sense")
    each = np.array([unit.tok_per_day(utilisation_frac) for unit in units])[:, None]
    return np.ceil(tok_per_day / each * (1 - GRANT)) + num_spare_units


def usd_per_mtok(
    units: Sequence[Unit],
    tok_per_day: np.ndarray,
    *,
    utilisation_frac: float,
    num_spare_units: int = 0,
    max_units: int | None = None,
) -> np.ndarray:
    """Cost of a million tokens of each system at each demand, in whole units [USD/Mtok].

    Parameters
    ----------
    units, tok_per_day, utilisation_frac, num_spare_units : as in `num_units`
    max_units : most units of one system that there can be; what needs more is NaN

    Raises
    ------
    InfeasibleError : no system meets the largest demand with `max_units`

    Examples
    --------
    A rack that stands for one customer, and one that is full:

    >>> rack = Unit("GB300", 72, 2.652, 5930)
    >>> usd_per_mtok([rack], [1e9, 36.889e9], utilisation_frac=1.0).round(3)
    array([[4.583, 0.124]])
    """
    tok_per_day = np.atleast_1d(np.asarray(tok_per_day, float))
    counts = num_units(units, tok_per_day, utilisation_frac=utilisation_frac, num_spare_units=num_spare_units)
    each = np.array([unit.usd_per_day for unit in units])[:, None]
    found = counts * each / (tok_per_day / 1e6)
    if max_units is not None:
        found = np.where(counts > max_units, np.nan, found)
        if np.isnan(found).all(axis=0).any():
            most = max(u.tok_per_day(utilisation_frac) for u in units) * (max_units - num_spare_units)
            raise InfeasibleError(
                f"tok_per_day: {tok_per_day.max():,.0f} tokens a day are asked, and {max_units} units of no system"
                f" sell more than {most:,.0f}",
                ["demand"],
            )
    return found


def divided_usd_per_mtok(unit: Unit, *, utilisation_frac: float) -> float:
    """The same if the GPUs of a unit could be bought one by one: what the steps come down to."""
    return cost.usd_per_mtok(
        usd_per_gpu_hour=unit.usd_per_gpu_hour,
        tok_per_s_per_gpu=unit.tok_per_s_per_gpu,
        utilisation_frac=utilisation_frac,
    )


def tie_tok_per_day(large: Unit, small: Unit, *, utilisation_frac: float, num_spare_units: int = 0) -> float:
    """Tokens a day at which one large unit costs what small ones cost, if these divided.

    Parameters
    ----------
    large, small : the two systems
    utilisation_frac : mean over peak of the demand, which the small ones are sized to [0..1]
    num_spare_units : large units that stand by

    Notes
    -----
    D = P (1 + k) / c: the large units of a day over the small ones' cost of a token. Above it the large unit is cheaper
    for as long as one of it is enough.

    Examples
    --------
    At the point of the published claim, with its prices and 60% use:

    >>> tie = tie_tok_per_day(Unit("GB300", 72, 2.652, 5970.26), Unit("H200", 8, 1.41, 93.153), utilisation_frac=0.6)
    >>> round(tie / 1e6)
    654
    """
    return (
        1e6 * large.usd_per_day * (1 + num_spare_units) / divided_usd_per_mtok(small, utilisation_frac=utilisation_frac)
    )


@dataclass(frozen=True)
class Crossing:
    """Where one system stops being the cheapest of all and another one starts [tok/day]."""

    tok_per_day: float
    below: str
    above: str


def crossings(units: Sequence[Unit], tok_per_day: np.ndarray, usd: np.ndarray) -> list[Crossing]:
    """Where the cheapest system changes, from small demands to large ones.

    Parameters
    ----------
    units, tok_per_day : as in `usd_per_mtok`, demands rising
    usd : what `usd_per_mtok` made of them

    Notes
    -----
    A change is reported at the larger of the two demands between which it falls, so it is as exact as they are dense.
    """
    cheapest = np.nanargmin(usd, axis=0)
    return [
        Crossing(float(tok_per_day[i + 1]), units[cheapest[i]].name, units[cheapest[i + 1]].name)
        for i in np.flatnonzero(np.diff(cheapest))
    ]


def efficient_tok_per_day(tok_per_day: np.ndarray, usd: np.ndarray, *, within_frac: float = 0.1) -> float | None:
    """The demand from which on a system's cost stays within a share of its lowest one; None where it never does.

    Parameters
    ----------
    tok_per_day : demands, rising [tok/day]
    usd : cost of a million tokens of one system at each [USD/Mtok]
    within_frac : share above the lowest cost that still counts as efficient [0..]
    """
    is_above = np.flatnonzero(~(usd <= np.nanmin(usd) * (1 + within_frac)))
    last = -1 if not is_above.size else int(is_above[-1])
    return float(tok_per_day[last + 1]) if last + 1 < len(tok_per_day) else None
