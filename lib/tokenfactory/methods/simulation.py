"""Monte Carlo: uncertain inputs, draws that go together, and what the results of a model can be.

Random numbers come from 64 streams of one seed, whatever the number of workers, so a result depends on the seed, the
inputs and the number of draws and on nothing else. Dependence between inputs is a Gaussian copula: normal numbers
with the correlation 2 sin(pi rho / 6) have the wanted rank correlation rho (Spearman).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from tokenfactory.errors import ParameterError

Range = tuple[float, float]


def require_range(name: str, low: float, high: float) -> None:
    """Refuse a range that is not finite or ends below its start."""
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ParameterError(f"{name}: the range {low:g} to {high:g} is not finite")
    if low > high:
        raise ParameterError(f"{name}: low ({low:g}) is above high ({high:g})")


def require_known(name: str, base: Mapping[str, float]) -> None:
    """Refuse the name of an input that the model does not have."""
    if name not in base:
        raise ParameterError(f"'{name}' is not an input of the model; it has {', '.join(base)}")


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
        require_range("uniform", self.low, self.high)

    def ppf(self, share):
        return self.low + (self.high - self.low) * share


@dataclass(frozen=True)
class Triangular(Input):
    """From low to high, most likely at mode: the shape for three numbers of which the ends are soft."""

    low: float
    mode: float
    high: float

    def __post_init__(self):
        require_range("triangular", self.low, self.high)
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
        matrix = np.asarray(self.matrix)
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
    function : the model; takes arrays of draws by the names of `inputs` and returns an array for every result. The
        share of draws in which something holds is the mean of a result that is 1 where it does, and 0 elsewhere
    num_draws : how many; memory does not grow with it
    seed : the same seed gives the same result to the last bit, whatever the number of threads `num_workers`
    correlation : which inputs go together; those it does not name are independent

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
        require_known(name, inputs)


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
