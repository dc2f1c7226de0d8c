"""A day of demand, the fleet that serves its peak, and what the hours below the peak cost.

Utilisation is a result here: the mean of the demand over its peak, less what whole units and spares leave idle. Work
that may wait fills the valleys. A `Curve` is demand per slot of time, in any unit that a fleet can be counted in.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from tokenfactory.errors import ParameterError


@dataclass(frozen=True)
class Curve:
    """Demand in equal slots of time.

    Parameters
    ----------
    demand : mean demand of each slot: tokens a second, or any other rate
    slot_hour : length of a slot [h]

    Raises
    ------
    ParameterError : a slot is negative or missing; says which
    """

    demand: np.ndarray
    slot_hour: float = 1.0

    def __post_init__(self):
        demand = np.asarray(self.demand, float)
        if demand.ndim != 1 or demand.size == 0:
            raise ParameterError("demand: a load curve needs at least one slot of time")
        if not self.slot_hour > 0:
            raise ParameterError(f"slot_hour: a slot of {self.slot_hour:g} hours has no length")
        bad = np.flatnonzero(~(np.isfinite(demand) & (demand >= 0)))
        if bad.size:
            value = demand[bad[0]]
            said = "is missing" if np.isnan(value) else f"has {value:g}, and a demand cannot be that"
            raise ParameterError(f"demand: slot {bad[0]} of {demand.size} {said}")
        if not demand.max() > 0:
            raise ParameterError("demand: nothing is asked for in any slot")
        object.__setattr__(self, "demand", demand)

    @property
    def peak(self) -> float:
        return float(self.demand.max())

    @property
    def mean(self) -> float:
        return float(self.demand.mean())

    @property
    def utilisation_frac(self) -> float:
        """Mean over peak: how far a fleet that just meets the peak is used.

        DeepSeek's published day had 226.75 nodes at work on average and 278 at its peak:

        >>> round(Curve([278, 226.75, 175.5]).utilisation_frac, 3)
        0.816
        """
        return self.mean / self.peak

    def to_mean(self, mean: float) -> Curve:
        """The same shape at another mean."""
        return Curve(self.demand * (mean / self.mean), self.slot_hour)


def _num_units(curve: Curve, *, per_unit: float, num_spare_units: int) -> int:
    """Whole units that meet the peak, and spares."""
    if not per_unit > 0:
        raise ParameterError(f"per_unit: a unit that serves {per_unit:g} serves nobody")
    if num_spare_units < 0:
        raise ParameterError(f"num_spare_units: {num_spare_units} spare units make no sense")
    return math.ceil(curve.peak / per_unit * (1 - 1e-9)) + num_spare_units


@dataclass(frozen=True)
class Served:
    """What a fleet makes of a curve."""

    num_units: int
    utilisation_frac: float  # of all units that are there, with the work that fills the valleys
    of_demand_frac: float  # the same without that work
    batch: float  # work that filled the valleys, mean over time, in the curve's unit
    kw: float  # mean power of the fleet [kW]
    kw_idle: float  # of it, drawn by capacity that served nothing [kW]
    failed_frac: float  # share of the demand that met too few working units


def by_name(slots: Iterable[tuple[str, float, float]]) -> dict[str, Curve]:
    """Curves by their names, from (name, hours of a slot, demand) of all slots in order.

    >>> by_name([("day", 12.0, 3.0), ("day", 12.0, 1.0)])["day"].mean
    2.0
    """
    found: dict[str, tuple[float, list[float]]] = {}
    for name, slot_hour, demand in slots:
        found.setdefault(name, (slot_hour, []))[1].append(demand)
    return {name: Curve(demand, slot_hour) for name, (slot_hour, demand) in found.items()}


def kw_of_unit(inputs: Mapping[str, float], *, idle_load_frac: float) -> dict[str, float]:
    """Power of a rack or node that works and of one that waits [kW], as `serve` takes it.

    Parameters
    ----------
    inputs : gpu_per_system [GPU], kw_per_gpu [kW/GPU] and load_frac [0..1] of the system
    idle_load_frac : share of the provisioned power that a unit draws while it waits [0..1]
    """
    kw = inputs["gpu_per_system"] * inputs["kw_per_gpu"]
    return {"busy_kw": kw * inputs["load_frac"], "idle_kw": kw * idle_load_frac}


def serve(
    curve: Curve,
    *,
    per_unit: float,
    num_spare_units: int = 0,
    batch: float = 0.0,
    busy_kw: float = 0.0,
    idle_kw: float = 0.0,
    unit_availability_frac: float = 1.0,
) -> Served:
    """Serve a curve with a fleet that is sized to its peak.

    Parameters
    ----------
    per_unit : what a unit serves at the asked speed, in the curve's unit
    num_spare_units : units that stand by; they work when others fail, and take part of the batch
    batch : work that may wait until there is room, mean over time; infinite for as much as fits
    busy_kw, idle_kw : mean power of a unit that works, and of one that waits [kW]
    unit_availability_frac : share of the time in which a unit works; units fail one by one [0..1]

    Notes
    -----
    Power goes up in a straight line from idle to busy. Demand fails where it exceeds what the units that work can
    serve; with n units of availability a the number that works is binomial.

    Examples
    --------
    A day that is half empty at night, filled up with batch work:

    >>> day = Curve([100, 100, 50, 50])
    >>> serve(day, per_unit=10).utilisation_frac, serve(day, per_unit=10, batch=math.inf).utilisation_frac
    (0.75, 1.0)
    """
    if not 0 < unit_availability_frac <= 1:
        raise ParameterError(f"unit_availability_frac: {unit_availability_frac:g} is not a share above 0 and up to 1")
    if not 0 <= idle_kw <= busy_kw:
        raise ParameterError(f"idle_kw: {idle_kw:g} kW is not between 0 and the {busy_kw:g} kW of a busy unit")
    if not batch >= 0:
        raise ParameterError(f"batch: {batch:g} is below zero")
    number = _num_units(curve, per_unit=per_unit, num_spare_units=num_spare_units)
    capacity = number * per_unit
    served = curve.mean + min(batch, capacity - curve.mean)
    used = served / capacity
    return Served(
        num_units=number,
        utilisation_frac=used,
        of_demand_frac=curve.mean / capacity,
        batch=served - curve.mean,
        kw=number * (idle_kw + (busy_kw - idle_kw) * used),
        kw_idle=number * idle_kw * (1 - used),
        failed_frac=_failed(curve, number, per_unit, unit_availability_frac),
    )


def _failed(curve: Curve, number: int, per_unit: float, availability: float) -> float:
    if availability == 1:
        return 0.0
    from scipy import stats

    working = np.arange(number + 1)
    chance = stats.binom.pmf(working, number, availability)
    short = np.maximum(curve.demand[:, None] - working * per_unit, 0.0)
    return float((short @ chance).sum() / curve.demand.sum())


def idle_power_frac(served: Served) -> float:
    """Share of the energy that capacity without work draws."""
    return served.kw_idle / served.kw if served.kw else 0.0
