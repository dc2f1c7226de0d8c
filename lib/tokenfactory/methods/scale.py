"""How much must be sold before a large system beats a small one: cost of a token against tokens sold in a day.

A rack of 72 GPUs is bought whole and costs the same whether it sells a thousand tokens or a trillion. So a node of
eight slower GPUs is cheaper up to some demand, and the cost of both falls in steps until whole units no longer matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tokenfactory.errors import ParameterError
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
        if not all(n > 0 for n in (self.gpu_per_unit, self.usd_per_gpu_hour, self.tok_per_s_per_gpu)):
            raise ParameterError(f"{self.name}: GPUs, price and throughput of a unit must be above zero")

    @property
    def usd_per_day(self) -> float:
        return self.usd_per_gpu_hour * self.gpu_per_unit * 24

    def tok_per_day(self, utilisation_frac: float) -> float:
        return cost.tok_per_day(tok_per_s=self.tok_per_s_per_gpu * self.gpu_per_unit, utilisation_frac=utilisation_frac)


def usd_per_mtok(
    units: Sequence[Unit], tok_per_day: np.ndarray, *, utilisation_frac: float, num_spare_units: int = 0
) -> np.ndarray:
    """Cost of a million tokens of each system (row) at each demand (column), in whole units [USD/Mtok].

    Parameters
    ----------
    tok_per_day : tokens sold in a day [tok/day]
    utilisation_frac : mean over peak of the demand, as the fleet is sized to the peak [0..1]
    num_spare_units : units that stand by: N+1 is 1

    Raises
    ------
    ParameterError : a demand or the utilisation is not above zero

    Examples
    --------
    A rack that stands for one customer, and one that is full:

    >>> rack = Unit("GB300", 72, 2.652, 5930)
    >>> usd_per_mtok([rack], [1e9, 36.889e9], utilisation_frac=1.0).round(3)
    array([[4.583, 0.124]])
    """
    tok_per_day = np.atleast_1d(tok_per_day)
    if not (tok_per_day > 0).all() or not np.isfinite(tok_per_day).all():
        raise ParameterError("a demand must be a number of tokens a day above zero")
    if not 0 < utilisation_frac <= 1:
        raise ParameterError(f"{utilisation_frac:g} is not a utilisation above 0 and up to 1")
    if num_spare_units < 0:
        raise ParameterError(f"{num_spare_units} spare units make no sense")
    each = np.array([unit.tok_per_day(utilisation_frac) for unit in units])[:, None]
    counts = np.ceil(tok_per_day / each * (1 - GRANT)) + num_spare_units
    return counts * np.array([unit.usd_per_day for unit in units])[:, None] / (tok_per_day / 1e6)


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

    `usd` is what one system costs at each of the demands, which rise.
    """
    is_within = usd <= np.nanmin(usd) * (1 + within_frac)
    stays = np.logical_and.accumulate(is_within[::-1])[::-1]
    return next(map(float, np.asarray(tok_per_day)[stays]), None)
