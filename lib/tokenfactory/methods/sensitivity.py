"""How an answer moves with its inputs, and how sure a choice is.

A model is any function of named numbers that also works on arrays: a formula of `finance` or `cost`, or one built
from them. One input at a time: `tornado`, `flips`. What it means for a choice: `expected_regret`,
`value_of_knowing`. All at once: `sobol`, and the names of `simulation` (Monte Carlo).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tokenfactory.errors import NoSolutionError, ParameterError
from tokenfactory.methods.simulation import (  # noqa: F401
    Empirical,
    Input,
    LogNormal,
    Range,
    RankCorrelation,
    Simulated,
    Triangular,
    Uniform,
    require_known,
    require_range,
    sample,
    simulate,
)

Model = Callable[..., float | np.ndarray]


def check(inputs: Mapping[str, float]) -> None:
    """Refuse inputs that cannot be meant, by the end of their names: a rate in percent, a life of zero, negative money.

    Raises
    ------
    ParameterError : names the input, its value and what it must be
    """
    for name, value in inputs.items():
        if name == "utilisation_frac" or name == "load_frac":
            is_right, rule = np.greater(value, 0) & np.less_equal(value, 1), "above 0 and at most 1"
        elif name == "wacc_frac":
            is_right, rule = np.greater_equal(value, 0) & np.less(value, 1), "at least 0 and below 1"
        elif name.endswith("_frac"):
            is_right, rule = np.greater_equal(value, 0) & np.less_equal(value, 1), "from 0 to 1"
        elif name == "mtok_per_day":
            is_right, rule = np.greater(value, 0) & np.less(value, 1e9), "above 0 and below a billion"
        elif name == "pue":
            is_right, rule = np.greater_equal(value, 1) & np.isfinite(value), "at least 1"
        elif "usd" in name.split("_"):
            is_right, rule = np.greater_equal(value, 0) & np.isfinite(value), "zero or a positive number"
        else:
            is_right, rule = np.greater(value, 0) & np.isfinite(value), "a positive number"
        if not np.all(is_right):
            wrong = np.asarray(value)[~np.asarray(is_right)].flat[0]
            raise ParameterError(f"{name} must be {rule}, not {wrong:g}")


# One input at a time


@dataclass(frozen=True)
class Bar:
    """One bar of a tornado: the ends of an input's range and the results there, all else at its base value."""

    name: str
    low: float
    high: float
    at_low: float
    at_high: float

    @property
    def span(self) -> float:
        return abs(self.at_high - self.at_low)


def tornado(function: Model, base: Mapping[str, float], ranges: Mapping[str, Range]) -> list[Bar]:
    """Results at both ends of every input's range, one input at a time, widest bar first.

    >>> for bar in tornado(lambda *, price, speed: price / speed, {"price": 4, "speed": 2},
    ...                    {"price": (3, 5), "speed": (1, 4)}):
    ...     print(bar)
    Bar(name='speed', low=1, high=4, at_low=4.0, at_high=1.0)
    Bar(name='price', low=3, high=5, at_low=1.5, at_high=2.5)
    """
    bars = []
    for name, (low, high) in ranges.items():
        require_known(name, base)
        require_range(name, low, high)
        bars.append(Bar(name, low, high, *(function(**{**base, name: end}) for end in (low, high))))
    return sorted(bars, key=lambda bar: (-bar.span, bar.name))


def solve(function: Callable[[float], float], *, low: float, high: float, target: float, name: str) -> float:
    """The value between `low` and `high` at which a continuous function of one number reaches `target`.

    Raises
    ------
    NoSolutionError : both ends lie on the same side; says what they give, and by its `name` what was looked for
    ParameterError : low is above high

    >>> round(solve(lambda x: x * x, low=0, high=10, target=2, name="root"), 6)
    1.414214
    """
    from scipy.optimize import brentq  # takes half a second to import, and few ask

    require_range(name, low, high)
    ends = [float(function(end)) - target for end in (low, high)]
    if not all(map(math.isfinite, ends)) or ends[0] * ends[1] > 0:
        at_low, at_high = (end + target for end in ends)
        raise NoSolutionError(
            f"no {name} from {low:g} to {high:g} leads to {target:.4g}: the ends lead to {at_low:.4g} and {at_high:.4g}"
        )
    return float(brentq(lambda x: float(function(x)) - target, low, high, xtol=1e-12, rtol=1e-12))


def flips(
    function: Model, base: Mapping[str, float], ranges: Mapping[str, Range], *, target: float
) -> dict[str, float | None]:
    """For every input the value within its range at which the model crosses `target`, all else at its base.

    None where the whole range leaves the result on one side.
    """
    found: dict[str, float | None] = {}
    for name, (low, high) in ranges.items():
        require_known(name, base)
        try:
            found[name] = solve(
                lambda x, name=name: function(**{**base, name: x}), low=low, high=high, target=target, name=name
            )
        except NoSolutionError:
            found[name] = None
    return found


@dataclass(frozen=True)
class SobolIndices:
    """Which share of the variance of a result comes from each input: alone, and with all it does together."""

    first: dict[str, float]
    total: dict[str, float]


def sobol(function: Model, inputs: Mapping[str, Input], *, num_base: int, seed: int) -> SobolIndices:
    """Sobol indices of a model with independent inputs.

    Parameters
    ----------
    num_base : size of the design, a power of two; the model is evaluated num_base (inputs + 2) times

    References
    ----------
    Saltelli et al. 2010, by `scipy.stats.sobol_indices`
    """
    from scipy.stats import sobol_indices  # takes over a second to import, and few ask

    if num_base < 2 or num_base & (num_base - 1):
        raise ParameterError(f"the size of a Sobol design must be a power of two, not {num_base}")
    names = list(inputs)
    found = sobol_indices(
        func=lambda x: np.atleast_2d(function(**dict(zip(names, x, strict=True)))),
        n=num_base,
        dists=list(inputs.values()),
        rng=np.random.default_rng(seed),
    )
    # Nine decimals: what an input without effect is left with is rounding, another on every processor.
    orders = (np.round(np.ravel(order), 9).tolist() for order in (found.first_order, found.total_order))
    return SobolIndices(*(dict(zip(names, order, strict=True)) for order in orders))


# What it means for a choice


def probability_cheaper(cost: float | np.ndarray, other: np.ndarray) -> float:
    """Share of the draws in which `cost` is below `other`."""
    return float(np.mean(np.less(cost, other)))


def expected_regret(costs: Mapping[str, np.ndarray]) -> dict[str, float]:
    """What each choice costs, on average over the draws, more than the one that turns out best.

    The smallest of them is what knowing everything beforehand would be worth.

    >>> expected_regret({"own": np.array([1.0, 1.0, 4.0]), "rent": np.array([2.0, 2.0, 2.0])})
    {'own': 0.6666666666666666, 'rent': 0.6666666666666666}
    """
    best = np.minimum.reduce(list(costs.values()))
    return {name: float(np.mean(cost - best)) for name, cost in costs.items()}


def value_of_knowing(costs: Mapping[str, np.ndarray], known: np.ndarray, *, num_groups: int = 50) -> float:
    """What it is worth to know one input exactly before choosing; 0 where knowing would change no choice.

    Parameters
    ----------
    costs : cost of each choice in every draw
    known : the input in the same draws
    num_groups : groups of equal size into which the draws are put by the input

    Notes
    -----
    min over choices of E[c] - E[min over choices of E[c | x]], the latter over groups of similar x. With few draws
    a group, chance is taken for knowledge and the value comes out too high.

    >>> value_of_knowing({"own": np.array([1.0, 1.0, 5.0, 5.0]), "rent": np.array([3.0, 3.0, 3.0, 3.0])},
    ...                  np.array([1, 2, 3, 4]), num_groups=2)
    1.0
    """
    if len(known) < num_groups:
        raise ParameterError(f"{len(known)} draws are too few for {num_groups} groups")
    order = np.argsort(known, kind="stable")[: len(known) // num_groups * num_groups]
    grouped = [np.asarray(cost)[order].reshape(num_groups, -1).mean(axis=1) for cost in costs.values()]
    return float(min(group.mean() for group in grouped) - np.minimum.reduce(grouped).mean())
