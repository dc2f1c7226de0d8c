"""Own or rent: the hour of an owner against a rent that somebody offers, on the terms of that rent.

Inputs are rows by the name of their parameter, each with `value`, `low` and `high`, as `Warehouse.owning_inputs` reads.

>>> rows = {name: {"value": v, "low": v, "high": v} for name, v in dict(
...     usd_per_system=190_000, gpu_per_system=8, network_storage_frac=5_000 / 23_750, wacc_frac=0.07, life_year=4,
...     kw_per_gpu=1.37, load_frac=0.8, pue=1.25, usd_per_kwh=0.08, colocation_usd_per_kw_year=1560,
...     maintenance_frac=0.01).items()}
>>> float(round(hour(values(rows)), 5))
1.35532
>>> offer = Offer(low=1.4, value=1.6, high=1.8, term_year=3)
>>> found = weigh(rows, offer, utilisation_frac=0.6, num_draws=1000, seed=1)
>>> round(found.own, 5), found.choice, round(found.own_share, 1)
(1.63699, 'rent', 0.3)
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tokenfactory.errors import NoSolutionError
from tokenfactory.formulas import finance
from tokenfactory.methods import sensitivity
from tokenfactory.methods.lifetime import INSTALLED
from tokenfactory.methods.sensitivity import Empirical, Input, Simulated, Triangular

NEEDED = {"usd_per_system", "gpu_per_system", "kw_per_gpu", "pue"}  # without these no hour can be built
MOST_PER_GPU = 1_000_000  # USD; no GPU of today is near it
Rows = Mapping[str, Mapping]


def values(rows: Rows) -> dict[str, float]:
    """The value of every input."""
    return {name: row["value"] for name, row in rows.items()}


def ranges(rows: Rows) -> dict[str, tuple[float, float]]:
    """Low and high of every input that has a range."""
    return {name: (row["low"], row["high"]) for name, row in rows.items() if row["low"] < row["high"]}


def uncertain(rows: Rows) -> dict[str, Input]:
    """Every input that has a range, as a triangular distribution with its value on top; without any all are sure."""
    found = {name: Triangular(low, rows[name]["value"], high) for name, (low, high) in ranges(rows).items()}
    return found or {name: Empirical([row["value"]]) for name, row in rows.items()}


def hour(inputs: Mapping, term_year: float = np.inf):
    """The owned hour [USD/(GPU h)]; sold after `term_year` where the life is longer."""
    return sum(finance.system_parts(**inputs | {"life_year": np.minimum(term_year, inputs["life_year"])}).values())


@dataclass(frozen=True)
class Offer:
    """A rent: what it is, between which prices it lay [USD/(GPU h)], and the years it binds; None for by the hour."""

    low: float
    value: float
    high: float
    term_year: float | None


@dataclass(frozen=True)
class Verdict:
    """Owning against an offer, both for an hour that somebody pays for [USD/(GPU h)].

    `own_share` is the share of draws of all inputs and of the rent in which owning costs less, `drawn` the owned hour
    over those draws.
    """

    own: float
    rent: float
    own_share: float
    drawn: Simulated

    @property
    def choice(self) -> str:
        return "own" if self.own <= self.rent else "rent"


def owned_on(offer: Offer, inputs: Mapping, utilisation_frac: float):
    """The owner's hour on an offer's terms: every hour of its term, or the used hours of the whole life."""
    return hour(inputs, offer.term_year) if offer.term_year else hour(inputs) / utilisation_frac


def weigh(rows: Rows, offer: Offer, *, utilisation_frac: float, num_draws: int, seed: int) -> Verdict:
    """Owning against one offer, which is drawn from its prices too.

    `utilisation_frac` is the share of the hours that is used, which counts against an offer by the hour [0..1].
    """
    base = values(rows)
    drawn = uncertain(rows) | {"rent": Triangular(offer.low, offer.value, offer.high)}

    def results(rent, **inputs):
        own = owned_on(offer, base | inputs, utilisation_frac)
        return {"own": own, "is_own": 1.0 * (own < rent)}

    found = sensitivity.simulate(results, drawn, num_draws=num_draws, seed=seed)
    own = float(owned_on(offer, base, utilisation_frac))
    return Verdict(own, offer.value, found["is_own"].mean, found["own"])


def turning(rows: Rows, offer: Offer) -> dict[str, float]:
    """The single inputs, but for the life, that turn the choice against a commitment within their range, and where."""
    moving = {name: ends for name, ends in ranges(rows).items() if name != "life_year"}
    found = sensitivity.flips(lambda **x: hour(x, offer.term_year), values(rows), moving, target=offer.value)
    return {name: value for name, value in found.items() if value is not None}


def bridge(rows: Rows, to: Rows) -> list[tuple[str, float]]:
    """From one set of inputs to another: the name of each input that differs and the hour once it has changed too.

    The largest fall first; in another order the steps are others, and their sum is the same.
    """
    now, wanted = values(rows), values(to)
    others = [name for name in wanted if wanted[name] != now.get(name)]
    alone = {name: hour(now | {name: wanted[name]}) for name in others}
    steps = []
    for name in sorted(others, key=lambda name: (alone[name], name)):
        now |= {name: wanted[name]}
        steps.append((name, float(hour(now))))
    return steps


@dataclass(frozen=True)
class Implied:
    """The capital per GPU that explains a published hour [USD/GPU].

    `value` is None where running the GPU alone costs more than that hour; `drawn` are draws of all other inputs, and
    `widest` is the input that moves it most, where one has a range.
    """

    value: float | None
    drawn: Simulated
    widest: sensitivity.Bar | None


def implied_capital(rows: Rows, *, usd_per_gpu_hour: float, num_draws: int, seed: int) -> Implied:
    """The build-up read backwards: the hour is given [USD/(GPU h)], and every input but the capital."""
    rest = {name: row for name, row in rows.items() if name not in INSTALLED}
    at = values(rest)

    def hour_at(usd_per_gpu, **inputs):
        return sum(finance.owned_parts(usd_per_gpu=usd_per_gpu, **at | inputs).values())

    def needed(**inputs):  # the hour rises in a straight line with the capital
        free, one = hour_at(0.0, **inputs), hour_at(1.0, **inputs)
        return (usd_per_gpu_hour - free) / (one - free)

    try:
        found = sensitivity.solve(hour_at, low=0, high=MOST_PER_GPU, target=usd_per_gpu_hour, name="capital per GPU")
    except NoSolutionError:
        found = None
    drawn = sensitivity.simulate(lambda **x: {"k": needed(**x)}, uncertain(rest), num_draws=num_draws, seed=seed)["k"]
    bars = sensitivity.tornado(needed, at, ranges(rest))
    return Implied(found, drawn, bars[0] if bars else None)
