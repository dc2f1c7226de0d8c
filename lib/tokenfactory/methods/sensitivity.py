"""How an answer moves with its inputs, how sure a choice is, and where a ratio comes from.

A model is any function of named numbers that also works on arrays: a formula of `finance` or `cost`, or one built
from them. One input at a time: `tornado`, `elasticities`, `solve` and what is built on it. All at once: `simulate`
(Monte Carlo) and `sobol`. What it means for a choice: `expected_regret`, `value_of_knowing`. Where a ratio comes
from: `lmdi`, `shapley`.

Random numbers come from 64 streams of one seed, whatever the number of workers, so a result depends on the seed, the
inputs and the number of draws and on nothing else. Dependence between inputs is a Gaussian copula: normal numbers
with the correlation 2 sin(pi rho / 6) have the wanted rank correlation rho (Spearman).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from tokenfactory.errors import NoSolutionError, ParameterError

Model = Callable[..., float | np.ndarray]
Range = tuple[float, float]


# What an input may be


def check(inputs: Mapping[str, float]) -> None:
    """Refuse inputs that cannot be meant: a rate in percent, a life of zero, negative money.

    Parameters
    ----------
    inputs : values by name; the end of a name is its unit

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
        elif name == "pue":
            is_right, rule = np.greater_equal(value, 1) & np.isfinite(value), "at least 1"
        elif "usd" in name.split("_"):
            is_right, rule = np.greater_equal(value, 0) & np.isfinite(value), "zero or a positive number"
        else:
            is_right, rule = np.greater(value, 0) & np.isfinite(value), "a positive number"
        if not np.all(is_right):
            wrong = np.asarray(value)[~np.asarray(is_right)].flat[0]
            raise ParameterError(f"{name} must be {rule}, not {wrong:g}")


def _require_range(name: str, low: float, high: float) -> None:
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ParameterError(f"{name}: the range {low:g} to {high:g} is not finite")
    if low > high:
        raise ParameterError(f"{name}: low ({low:g}) is above high ({high:g})")


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

    Parameters
    ----------
    function : the model
    base : value of every input
    ranges : low and high of the inputs to move

    Examples
    --------
    >>> for bar in tornado(lambda *, price, speed: price / speed, {"price": 4, "speed": 2},
    ...                    {"price": (3, 5), "speed": (1, 4)}):
    ...     print(bar)
    Bar(name='speed', low=1, high=4, at_low=4.0, at_high=1.0)
    Bar(name='price', low=3, high=5, at_low=1.5, at_high=2.5)
    """
    bars = []
    for name, (low, high) in ranges.items():
        _require_known(name, base)
        _require_range(name, low, high)
        bars.append(Bar(name, low, high, *(function(**{**base, name: end}) for end in (low, high))))
    return sorted(bars, key=lambda bar: (-bar.span, bar.name))


def elasticities(function: Model, base: Mapping[str, float], *, step_frac: float = 0.01) -> dict[str, float]:
    """By how many percent the result moves when an input moves by one percent, at the base values.

    Parameters
    ----------
    function : the model
    base : value of every input; one of zero has no percent and gives 0
    step_frac : half the distance over which it is taken, as a share of the input

    Notes
    -----
    (f(x (1 + h)) - f(x (1 - h))) / (2 h f(x))

    Examples
    --------
    >>> {name: round(e, 4) for name, e in elasticities(lambda *, price, speed: price / speed,
    ...                                                {"price": 4, "speed": 2}).items()}
    {'price': 1.0, 'speed': -1.0001}
    """
    middle = function(**base)
    return {
        name: (
            function(**{**base, name: value * (1 + step_frac)}) - function(**{**base, name: value * (1 - step_frac)})
        )
        / (2 * step_frac * middle)
        for name, value in base.items()
    }


def grid(
    function: Model,
    base: Mapping[str, float],
    rows: tuple[str, Sequence[float]],
    columns: tuple[str, Sequence[float]],
) -> np.ndarray:
    """Results over two inputs: one row per value of the first, one column per value of the second.

    Examples
    --------
    >>> grid(lambda *, price, speed: price / speed, {"price": 0, "speed": 0}, ("price", [2, 4]), ("speed", [1, 2]))
    array([[2., 1.],
           [4., 2.]])
    """
    (row, row_values), (column, column_values) = rows, columns
    _require_known(row, base)
    _require_known(column, base)
    down, across = np.asarray(row_values, float)[:, None], np.asarray(column_values, float)[None, :]
    return np.broadcast_to(function(**{**base, row: down, column: across}), (down.size, across.size)).copy()


def solve(function: Callable[[float], float], *, low: float, high: float, target: float = 0.0, name: str) -> float:
    """The value between `low` and `high` at which a function of one number reaches `target`.

    Parameters
    ----------
    function : continuous between low and high
    low, high : where to look; the results there must lie on either side of the target
    target : the wanted result
    name : what is looked for, for the message

    Raises
    ------
    NoSolutionError : both ends lie on the same side; says what they give
    ParameterError : low is above high

    Examples
    --------
    >>> round(solve(lambda x: x * x, low=0, high=10, target=2, name="root"), 6)
    1.414214
    """
    from scipy.optimize import brentq  # takes half a second to import, and few ask

    _require_range(name, low, high)
    ends = [float(function(end)) - target for end in (low, high)]
    if not all(map(math.isfinite, ends)) or ends[0] * ends[1] > 0:
        at_low, at_high = (end + target for end in ends)
        raise NoSolutionError(
            f"no {name} from {low:g} to {high:g} leads to {target:.4g}: the ends lead to {at_low:.4g} and {at_high:.4g}"
        )
    return float(brentq(lambda x: float(function(x)) - target, low, high, xtol=1e-12, rtol=1e-12))


def break_even(
    function: Model, base: Mapping[str, float], name: str, *, low: float, high: float, target: float
) -> float:
    """The value of one input, all others at their base, at which the model gives `target`; see `solve`."""
    _require_known(name, base)
    return solve(lambda x: function(**{**base, name: x}), low=low, high=high, target=target, name=name)


def break_even_curve(
    function: Model,
    base: Mapping[str, float],
    name: str,
    *,
    low: float,
    high: float,
    target: float,
    along: tuple[str, Sequence[float]],
) -> np.ndarray:
    """`break_even` of one input for each value of another; NaN where there is none in the range."""
    other, values = along
    _require_known(other, base)
    curve = np.full(len(values), np.nan)
    for i, value in enumerate(values):
        try:
            curve[i] = break_even(function, {**base, other: value}, name, low=low, high=high, target=target)
        except NoSolutionError:
            continue
    return curve


def flips(
    function: Model, base: Mapping[str, float], ranges: Mapping[str, Range], *, target: float
) -> dict[str, float | None]:
    """For every input the value within its range at which the model crosses `target`, all else at its base.

    None where the whole range leaves the result on one side.
    """
    found: dict[str, float | None] = {}
    for name, (low, high) in ranges.items():
        try:
            found[name] = break_even(function, base, name, low=low, high=high, target=target)
        except NoSolutionError:
            found[name] = None
    return found


def _require_known(name: str, base: Mapping[str, float]) -> None:
    if name not in base:
        raise ParameterError(f"'{name}' is not an input of the model; it has {', '.join(base)}")


# All inputs at once


class Input:
    """An uncertain input. `ppf` is its quantile function, so that SciPy takes it as a distribution too."""

    def ppf(self, share: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def draw(self, random: np.random.Generator, size: int) -> np.ndarray:
        """Independent draws."""
        return self.ppf(random.random(size))

    def from_normal(self, normal: np.ndarray) -> np.ndarray:
        """Draws that follow standard normal numbers in rank."""
        from scipy.special import ndtr

        return self.ppf(ndtr(normal))


@dataclass(frozen=True)
class Uniform(Input):
    """Anything from low to high is equally likely."""

    low: float
    high: float

    def __post_init__(self):
        _require_range("uniform", self.low, self.high)

    def ppf(self, share):
        return self.low + (self.high - self.low) * share


@dataclass(frozen=True)
class Triangular(Input):
    """From low to high, most likely at mode: the shape for three numbers of which the ends are soft."""

    low: float
    mode: float
    high: float

    def __post_init__(self):
        _require_range("triangular", self.low, self.high)
        if not self.low <= self.mode <= self.high:
            raise ParameterError(f"triangular: the mode ({self.mode:g}) is not from {self.low:g} to {self.high:g}")

    def ppf(self, share):
        span, rise, fall = self.high - self.low, self.mode - self.low, self.high - self.mode
        return np.where(
            share * span < rise,
            self.low + np.sqrt(share * (span * rise)),
            self.high - np.sqrt((1 - share) * (span * fall)),
        )

    def draw(self, random, size):
        if self.low == self.high:  # NumPy refuses a triangle without width
            return np.full(size, float(self.mode))
        return random.triangular(self.low, self.mode, self.high, size)


@dataclass(frozen=True)
class LogNormal(Input):
    """Positive, with a normal logarithm: `median` times e to a normal number of standard deviation `sigma`."""

    median: float
    sigma: float

    def __post_init__(self):
        if not (0 < self.median < math.inf and 0 <= self.sigma < math.inf):
            raise ParameterError(
                f"lognormal: the median ({self.median:g}) must be positive and sigma ({self.sigma:g}) not negative"
            )

    def ppf(self, share):
        from scipy.special import ndtri

        return self.from_normal(ndtri(share))

    def draw(self, random, size):
        return self.from_normal(random.standard_normal(size))

    def from_normal(self, normal):
        return self.median * np.exp(self.sigma * normal)


class Empirical(Input):
    """One of the observed values, each as likely as the other; nothing is invented between them."""

    def __init__(self, values: Sequence[float]):
        self.values = np.sort(np.asarray(values, float))
        if self.values.size == 0 or not np.isfinite(self.values).all():
            raise ParameterError("empirical: there must be values, and all of them finite")

    def ppf(self, share):
        rank = np.minimum((share * self.values.size).astype(np.intp), self.values.size - 1)
        return self.values[rank]


@dataclass(frozen=True)
class RankCorrelation:
    """Which inputs go together: Spearman's rank correlation of every two of them.

    Raises
    ------
    ParameterError : the matrix is not square, symmetric, 1 on its diagonal and positive definite
    """

    names: Sequence[str]
    matrix: Sequence[Sequence[float]]

    def __post_init__(self):
        matrix = np.asarray(self.matrix, float)
        if matrix.shape != (len(self.names), len(self.names)):
            raise ParameterError(f"the rank-correlation matrix must have {len(self.names)} rows and columns")
        if len(set(self.names)) < len(self.names):
            raise ParameterError("the rank-correlation matrix names an input twice")
        is_valid = np.isfinite(matrix).all() and np.abs(matrix).max() <= 1
        if not (is_valid and np.array_equal(matrix, matrix.T) and (np.diag(matrix) == 1).all()):
            raise ParameterError(
                "the rank-correlation matrix must be symmetric, 1 on its diagonal and from -1 to 1 elsewhere"
            )
        try:
            factor = np.linalg.cholesky(2 * np.sin(np.pi / 6 * matrix))
        except np.linalg.LinAlgError:
            raise ParameterError(
                "the rank-correlation matrix is not positive definite: no inputs can go together like that"
            ) from None
        object.__setattr__(self, "_factor", factor)

    def normals(self, random: np.random.Generator, size: int) -> np.ndarray:
        """Standard normal numbers that go together like that: one row per name."""
        # Not `@`: its order of summation, and so the last bit, may depend on the number of threads of the machine.
        return np.einsum("ij,jn->in", self._factor, random.standard_normal((len(self.names), size)))


_NUM_STREAMS = 64  # part of what a seed means: another number gives other draws
_CHUNK = 1 << 14  # draws at once: they stay in the processor's cache
_NUM_BINS = 1 << 15


def sample(
    inputs: Mapping[str, Input], *, num_draws: int, seed: int, correlation: RankCorrelation | None = None
) -> dict[str, np.ndarray]:
    """The draws that `simulate` feeds to its model, all at once."""
    _check_draws(inputs, num_draws, correlation)
    chunks = [chunk for stream in _streams(num_draws, seed) for chunk in _chunks(inputs, correlation, *stream)]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in inputs}


@dataclass(frozen=True)
class Simulated:
    """What a simulation found for one result of a model.

    Mean and standard deviation are exact over all draws; quantiles are read from a histogram so fine that what it
    adds is far below the error of drawing.
    """

    num_draws: int
    mean: float
    standard_deviation: float
    low: float
    high: float
    _edges: np.ndarray = field(repr=False)
    _num_below: np.ndarray = field(repr=False)  # draws below each edge

    @property
    def standard_error(self) -> float:
        """Standard error of the mean."""
        return self.standard_deviation / math.sqrt(self.num_draws)

    def quantile(self, share: float) -> float:
        """The value that a share of the draws stays below."""
        return float(np.interp(share * self.num_draws, self._num_below, self._edges))

    def share_below(self, value: float) -> float:
        """The share of the draws below a value."""
        return float(np.interp(value, self._edges, self._num_below) / self.num_draws)


def simulate(
    function: Callable[..., Mapping[str, np.ndarray]],
    inputs: Mapping[str, Input],
    *,
    num_draws: int,
    seed: int,
    correlation: RankCorrelation | None = None,
    num_workers: int = 1,
) -> dict[str, Simulated]:
    """Monte Carlo: what the results of a model can be when its inputs are uncertain.

    Parameters
    ----------
    function : the model; takes arrays of draws by the names of `inputs` and returns an array for every result
    inputs : the uncertain inputs
    num_draws : how many; memory does not grow with it
    seed : the same seed gives the same result to the last bit
    correlation : which inputs go together; those it does not name are independent
    num_workers : threads; the result does not depend on it

    Returns
    -------
    what was found, by the names of the results. The share of draws in which something holds is the mean of a result
    that is 1 where it does, and 0 elsewhere.

    Raises
    ------
    ParameterError : a result is not a finite number in some draw
    """
    _check_draws(inputs, num_draws, correlation)
    # The bins of the histograms follow from the first few draws, so they are the same for all streams.
    pilot = _results(function, next(_chunks(inputs, correlation, *next(_streams(num_draws, seed)))))
    tallies = {name: _Tally.around(values) for name, values in pilot.items()}

    def run(stream) -> dict[str, _Tally]:
        own = {name: tally.empty() for name, tally in tallies.items()}
        for draws in _chunks(inputs, correlation, *stream):
            for name, values in _results(function, draws).items():
                own[name].add(values)
        return own

    with ThreadPoolExecutor(num_workers) as workers:
        for own in workers.map(run, _streams(num_draws, seed)):  # in the order of the streams
            for name, tally in tallies.items():
                tally.merge(own[name])
    return {name: tally.result() for name, tally in tallies.items()}


class _Tally:
    """Sums and a histogram of one result, in memory that does not grow with the draws.

    A positive result that spreads over more than a factor of ten has bins of equal proportion, not of equal width: the
    widest draws would leave all others in one bin.
    """

    def __init__(self, first_edge: float, bins_per_unit: float, centre: float, is_proportional: bool):
        self.first_edge, self.bins_per_unit, self.centre = first_edge, bins_per_unit, centre
        self.is_proportional = is_proportional
        self.num_draws, self.sum, self.sum_of_squares = 0, 0.0, 0.0
        self.low, self.high = math.inf, -math.inf
        self.counts = np.zeros(_NUM_BINS + 2, np.int64)  # and one bin beyond either end

    @classmethod
    def around(cls, pilot: np.ndarray) -> _Tally:
        low, high = float(pilot.min()), float(pilot.max())
        centre, is_proportional = (low + high) / 2, low > 0 and high > 10 * low
        if is_proportional:
            low, high = math.log(low), math.log(high)
        margin = (high - low) / 2 or 1.0
        return cls(low - margin, _NUM_BINS / (high - low + 2 * margin), centre, is_proportional)

    def empty(self) -> _Tally:
        return _Tally(self.first_edge, self.bins_per_unit, self.centre, self.is_proportional)

    def add(self, values: np.ndarray) -> None:
        self.num_draws += values.size
        self.low, self.high = min(self.low, values.min()), max(self.high, values.max())
        from_centre = values - self.centre  # so that large numbers of small spread keep their digits
        self.sum += from_centre.sum()
        self.sum_of_squares += (from_centre * from_centre).sum()
        if self.is_proportional:  # what is not positive all the same lies below the first bin
            values = np.log(np.maximum(values, np.finfo(float).tiny))
        bins = (values - self.first_edge) * self.bins_per_unit + 1
        np.clip(bins, 0, _NUM_BINS + 1, out=bins)
        self.counts += np.bincount(bins.astype(np.int32), minlength=_NUM_BINS + 2)

    def merge(self, other: _Tally) -> None:
        self.num_draws += other.num_draws
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.sum += other.sum
        self.sum_of_squares += other.sum_of_squares
        self.counts += other.counts

    def result(self) -> Simulated:
        from_centre = self.sum / self.num_draws
        variance = max(0.0, self.sum_of_squares / self.num_draws - from_centre**2)
        edges = self.first_edge + np.arange(_NUM_BINS + 1) / self.bins_per_unit
        edges = np.exp(edges) if self.is_proportional else edges
        # Nothing lies outside the lowest and the highest draw: the outermost bins end there.
        edges = np.clip(np.concatenate([[self.low], edges, [self.high]]), self.low, self.high)
        num_below = np.concatenate([[0], np.cumsum(self.counts)])
        return Simulated(
            self.num_draws,
            float(self.centre + from_centre),
            math.sqrt(variance),
            float(self.low),
            float(self.high),
            edges,
            num_below,
        )


def _check_draws(inputs: Mapping[str, Input], num_draws: int, correlation: RankCorrelation | None) -> None:
    if num_draws < 1:
        raise ParameterError(f"the number of draws must be positive, not {num_draws}")
    for name in correlation.names if correlation else ():
        _require_known(name, inputs)


def _streams(num_draws: int, seed: int) -> Iterator[tuple[np.random.Generator, int]]:
    """A generator and a number of draws for every stream that has any."""
    each, rest = divmod(num_draws, _NUM_STREAMS)
    for i, sequence in enumerate(np.random.SeedSequence(seed).spawn(_NUM_STREAMS)):
        if size := each + (i < rest):
            yield np.random.default_rng(sequence), size


def _chunks(
    inputs: Mapping[str, Input], correlation: RankCorrelation | None, random: np.random.Generator, num_draws: int
) -> Iterator[dict[str, np.ndarray]]:
    """The draws of a stream, some at a time."""
    for start in range(0, num_draws, _CHUNK):
        size = min(_CHUNK, num_draws - start)
        together = dict(zip(correlation.names, correlation.normals(random, size), strict=True)) if correlation else {}
        yield {
            name: one.from_normal(together[name]) if name in together else one.draw(random, size)
            for name, one in inputs.items()
        }


def _results(function, draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    size = len(next(iter(draws.values())))
    results = {}
    for name, values in function(**draws).items():
        values = np.broadcast_to(np.asarray(values, float), size)
        if not np.isfinite(values.sum()):
            raise ParameterError(f"{name} is not a finite number in some draws: an input's range is too wide")
        results[name] = values
    return results


@dataclass(frozen=True)
class SobolIndices:
    """Which share of the variance of a result comes from each input: alone, and with all it does together."""

    first: dict[str, float]
    total: dict[str, float]
    num_evaluations: int


def sobol(function: Model, inputs: Mapping[str, Input], *, num_base: int = 4096, seed: int) -> SobolIndices:
    """Sobol indices of a model with independent inputs.

    Parameters
    ----------
    function : the model
    inputs : the uncertain inputs
    num_base : size of the design, a power of two; the model is evaluated num_base (inputs + 2) times
    seed : seed of the design

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
    first, total = (np.ravel(order).tolist() for order in (found.first_order, found.total_order))
    return SobolIndices(
        dict(zip(names, first, strict=True)), dict(zip(names, total, strict=True)), num_base * (len(names) + 2)
    )


# What it means for a choice


def probability_cheaper(cost: np.ndarray, other: np.ndarray) -> float:
    """Share of the draws in which `cost` is below `other`."""
    return float(np.mean(np.less(cost, other)))


def expected_regret(costs: Mapping[str, np.ndarray]) -> dict[str, float]:
    """What each choice costs, on average over the draws, more than the one that turns out best.

    The smallest of them is what knowing everything beforehand would be worth.

    Examples
    --------
    >>> expected_regret({"own": np.array([1.0, 1.0, 4.0]), "rent": np.array([2.0, 2.0, 2.0])})
    {'own': 0.6666666666666666, 'rent': 0.6666666666666666}
    """
    best = np.minimum.reduce(list(costs.values()))
    return {name: float(np.mean(cost - best)) for name, cost in costs.items()}


def value_of_knowing(costs: Mapping[str, np.ndarray], known: np.ndarray, *, num_groups: int = 50) -> float:
    """What it is worth to know one input exactly before choosing.

    Parameters
    ----------
    costs : cost of each choice in every draw
    known : the input in the same draws
    num_groups : groups of equal size into which the draws are put by the input

    Returns
    -------
    expected cost that is saved; 0 where knowing would change no choice

    Notes
    -----
    min over choices of E[c] - E[min over choices of E[c | x]], the latter over groups of similar x. With few draws
    a group, chance is taken for knowledge and the value comes out too high.

    Examples
    --------
    >>> value_of_knowing({"own": np.array([1.0, 1.0, 5.0, 5.0]), "rent": np.array([3.0, 3.0, 3.0, 3.0])},
    ...                  np.array([1, 2, 3, 4]), num_groups=2)
    1.0
    """
    if len(known) < num_groups:
        raise ParameterError(f"{len(known)} draws are too few for {num_groups} groups")
    order = np.argsort(known, kind="stable")[: len(known) // num_groups * num_groups]
    grouped = [np.asarray(cost)[order].reshape(num_groups, -1).mean(axis=1) for cost in costs.values()]
    return float(min(group.mean() for group in grouped) - np.minimum.reduce(grouped).mean())


# Where a ratio comes from


def lmdi(base: Sequence[Mapping[str, float]], new: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Split the change of a sum of products into one factor per cause, without a rest.

    Parameters
    ----------
    base, new : the same classes before and after, each a product of the same named factors

    Returns
    -------
    factors by cause; their product is the ratio of the sums

    Notes
    -----
    LMDI-I: exp sum_i L(V_i', V_i) / L(V', V) ln(x_i'/x_i), L(a, b) = (a - b)/ln(a/b). The weights do not sum to 1, so
    a cause that is the same everywhere need not come out as itself.

    References
    ----------
    Ang, Energy Policy 33 (2005) 867, https://doi.org/10.1016/j.enpol.2003.10.010

    Examples
    --------
    >>> lmdi([{"price": 2, "amount": 3}], [{"price": 4, "amount": 3}])
    {'price': 2.0, 'amount': 1.0}
    """
    if len(base) != len(new) or not base or any(a.keys() != b.keys() for a, b in zip(base, new, strict=True)):
        raise ParameterError("both sides of a decomposition must have the same classes with the same factors")
    if any(value <= 0 for side in (base, new) for one in side for value in one.values()):
        raise ParameterError("a decomposition needs positive factors: a class that was not there has no logarithm")
    before, after = ([math.prod(one.values()) for one in side] for side in (base, new))
    whole = _logarithmic_mean(sum(after), sum(before))
    weights = [_logarithmic_mean(a, b) / whole for a, b in zip(after, before, strict=True)]
    return {
        cause: math.exp(sum(w * math.log(n[cause] / b[cause]) for w, n, b in zip(weights, new, base, strict=True)))
        for cause in base[0]
    }


def _logarithmic_mean(a: float, b: float) -> float:
    return a if a == b else (a - b) / math.log(a / b)


def shapley(results: Mapping[frozenset[str], float]) -> dict[str, float]:
    """Split a ratio into one factor per cause, each the mean over all orders in which the causes can be added.

    Parameters
    ----------
    results : result with each set of causes in place, from the empty set to all of them

    Returns
    -------
    factors by cause; their product is the result with all causes over that with none

    Raises
    ------
    ParameterError : a set of causes has no result. Where it does not exist, no fair split exists either.

    Examples
    --------
    >>> factors = shapley({frozenset(): 1, frozenset("a"): 2, frozenset("b"): 4, frozenset("ab"): 8})
    >>> {cause: round(factor, 6) for cause, factor in factors.items()}
    {'a': 2.0, 'b': 4.0}
    """
    causes = sorted(frozenset().union(*results))
    for size in range(len(causes) + 1):
        for some in itertools.combinations(causes, size):
            if frozenset(some) not in results:
                raise ParameterError(f"there is no result with {' and '.join(some) or 'no cause'} in place")
    orders = list(itertools.permutations(causes))
    gain = dict.fromkeys(causes, 0.0)
    for order in orders:
        for i, cause in enumerate(order):
            gain[cause] += math.log(results[frozenset(order[: i + 1])] / results[frozenset(order[:i])])
    return {cause: math.exp(total / len(orders)) for cause, total in gain.items()}
