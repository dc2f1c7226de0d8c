"""A power figure with the basis it stands on, so that two bases cannot meet in one sum or ratio by mistake.

"kW per GPU" may be a rating of the board, a measurement on the board, a server, all IT equipment or the utility
meter; between the first and the last lies a factor of two or more. An `OnBasis` is a number with its basis, the days
on which it holds and its sources. It passes through the formulas of `tokenfactory.formulas.power` and the like as a
float does: what is proportional to power, or to its inverse (tokens per second and megawatt), keeps the basis; where
power cancels, a plain number is left. Bases that differ raise `MixedBasisError`, and so do figures of which no day had
both. A basis is changed only by a `Conversion`: a factor that has a source of its own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partialmethod
from itertools import combinations
from numbers import Real

from tokenfactory.errors import MixedBasisError, ParameterError

# As in the power book. The first five lead outwards from the chip to the meter; power shelves are capacity, and the
# boundary of a system measurement is its author's.
BOARD_TDP = "board_tdp"
BOARD_MEASURED = "board_measured"
CHASSIS = "chassis"
CRITICAL_IT = "critical_it"
ALLIN_UTILITY = "allin_utility_provisioned"
RACK_POWER_SHELVES = "rack_power_shelves"
SYSTEM_MEASURED = "system_measured"
BASES = (BOARD_TDP, BOARD_MEASURED, CHASSIS, CRITICAL_IT, ALLIN_UTILITY, RACK_POWER_SHELVES, SYSTEM_MEASURED)


@dataclass(frozen=True)
class Period:
    """The days from `since` to the one before `until`; None is open."""

    since: date | None = None
    until: date | None = None

    def __and__(self, other: Period) -> Period | None:
        """The days in both, or None."""
        since = max(self.since or date.min, other.since or date.min)
        until = min(self.until or date.max, other.until or date.max)
        if since >= until:
            return None
        return Period(None if since == date.min else since, None if until == date.max else until)

    def __str__(self) -> str:
        return f"{self.since or 'ever'} to {self.until or 'now'}"


@dataclass(frozen=True)
class OnBasis:
    """A number that is proportional to power, or to its inverse, on one basis.

    `exponent` is 1 for kW or J/tok and -1 for tok/s/MW. Sources come from the rows that the number was made of.

    Examples
    --------
    >>> site = OnBasis(1000, CRITICAL_IT)
    >>> round(site / OnBasis(2.12, CRITICAL_IT, Period(date(2026, 7, 14))), 4)
    471.6981
    >>> site / OnBasis(1.4, BOARD_TDP)
    Traceback (most recent call last):
    ...
    tokenfactory.errors.MixedBasisError: critical_it and board_tdp power do not mix: convert one with a factor
    """

    value: float
    basis: str
    period: Period = Period()
    sources: frozenset[str] = frozenset()
    exponent: int = 1

    __array_ufunc__ = None  # NumPy leaves arithmetic with an array to the methods below

    def __post_init__(self):
        _check_basis(self.basis)

    def convert(self, conversion: Conversion) -> OnBasis:
        """This number on the basis the conversion leads to, with its source added."""
        if self.basis != conversion.from_basis:
            raise MixedBasisError(
                f"the factor of {conversion.source} turns {conversion.from_basis} power into {conversion.to_basis},"
                f" but the figure is {self.basis} power"
            )
        return OnBasis(
            self.value * conversion.factor**self.exponent,
            conversion.to_basis,
            _days_of_both(self.period, conversion.period, "figure", f"factor of {conversion.source}"),
            self.sources | {conversion.source},
            self.exponent,
        )

    def on(self, basis: str) -> float:
        """The plain number, for whoever asks for it on the right basis."""
        _check_same(self.basis, basis)
        return self.value

    def _combined(self, other, operation, exponent: int) -> OnBasis | float:
        value = operation(self.value, other.value)
        period = self._shared_days(other)
        return OnBasis(value, self.basis, period, self.sources | other.sources, exponent) if exponent else value

    def _shared_days(self, other: OnBasis) -> Period:
        _check_same(self.basis, other.basis)
        return _days_of_both(self.period, other.period, f"{self.basis} figure", "other")

    def _with_its_kind(self, other, *, operation: Callable, keeps_basis: bool):
        """Between figures of one basis and exponent; a bare number has no basis: not even zero may be added."""
        if not isinstance(other, OnBasis) or other.exponent != self.exponent:
            return NotImplemented
        return self._combined(other, operation, self.exponent if keeps_basis else 0)

    __add__ = partialmethod(_with_its_kind, operation=operator.add, keeps_basis=True)
    __sub__ = partialmethod(_with_its_kind, operation=operator.sub, keeps_basis=True)
    __lt__ = partialmethod(_with_its_kind, operation=operator.lt, keeps_basis=False)
    __le__ = partialmethod(_with_its_kind, operation=operator.le, keeps_basis=False)
    __gt__ = partialmethod(_with_its_kind, operation=operator.gt, keeps_basis=False)
    __ge__ = partialmethod(_with_its_kind, operation=operator.ge, keeps_basis=False)

    def __mul__(self, other):
        if isinstance(other, OnBasis):
            return self._combined(other, operator.mul, self.exponent + other.exponent)
        return replace(self, value=self.value * other)

    __rmul__ = __mul__

    def __truediv__(self, other):
        if isinstance(other, OnBasis):
            return self._combined(other, operator.truediv, self.exponent - other.exponent)
        return replace(self, value=self.value / other)

    def __rtruediv__(self, other):
        return replace(self, value=other / self.value, exponent=-self.exponent)


@dataclass(frozen=True)
class Conversion:
    """A factor from one basis to another, with its source: a PUE, an overhead, or what a label really meant."""

    factor: float
    from_basis: str
    to_basis: str
    source: str
    period: Period = Period()

    def __post_init__(self):
        _check_basis(self.from_basis)
        _check_basis(self.to_basis)
        if not self.source:
            raise ParameterError(f"a factor from {self.from_basis} to {self.to_basis} power needs a source")
        if not (isinstance(self.factor, Real) and self.factor > 0):
            raise ParameterError(f"a factor between power bases must be above zero, not {self.factor}")
        is_outwards = (self.from_basis, self.to_basis) == (CRITICAL_IT, ALLIN_UTILITY)
        if is_outwards and self.factor < 1:
            raise ParameterError(f"a PUE of {self.factor:g} is below 1: a site cannot draw less than its IT equipment")

    @property
    def inverse(self) -> Conversion:
        return replace(self, factor=1 / self.factor, from_basis=self.to_basis, to_basis=self.from_basis)

    @classmethod
    def of_row(cls, row: Mapping, column: str = "value") -> Conversion:
        """The conversion of a row of the site inputs; `column` may be low or high."""
        days = Period(row["effective_from"], row["effective_to"])
        return cls(row[column], row["basis"], row["to_basis"], row["source_url"], days)


def of_row(row: Mapping, meanings: Iterable[Conversion] = ()) -> OnBasis:
    """The figure of a row of the power book, in kW per GPU.

    Parameters
    ----------
    row : gpu, basis, kw_per_gpu, effective_from, effective_to and source_url
    meanings : conversions that say what an owner's label means in a period where it does not mean itself; the one
        that covers the whole period of the row is applied
    """
    days = Period(row["effective_from"], row["effective_to"])
    figure = OnBasis(row["kw_per_gpu"], row["basis"], days, frozenset({row["source_url"]}))
    for meaning in meanings:
        if meaning.from_basis == figure.basis and days & meaning.period == days:
            return figure.convert(meaning)
    return figure


def plain(figure, basis: str):
    """The bare number of a figure that a formula needs on one basis; what has no basis is taken at its word.

    Examples
    --------
    >>> plain(OnBasis(1.37, CRITICAL_IT), CRITICAL_IT), plain(1.37, CRITICAL_IT)
    (1.37, 1.37)
    >>> plain(OnBasis(1.73, ALLIN_UTILITY), CRITICAL_IT)
    Traceback (most recent call last):
    ...
    tokenfactory.errors.MixedBasisError: allin_utility_provisioned and critical_it power do not mix: convert one with \
a factor
    """
    return figure.on(basis) if isinstance(figure, OnBasis) else figure


def check_together(figures: Iterable) -> None:
    """Refuse figures that must not stand side by side in one table; bare numbers are not looked at."""
    figures = [figure for figure in figures if isinstance(figure, OnBasis)]
    for one, other in combinations(figures, 2):
        one._shared_days(other)


def _check_basis(basis: str) -> None:
    if basis not in BASES:
        raise ParameterError(f"'{basis}' is not a power basis; known: {', '.join(BASES)}")


def _check_same(basis: str, other: str) -> None:
    if basis != other:
        raise MixedBasisError(f"{basis} and {other} power do not mix: convert one with a factor")


def _days_of_both(a: Period, b: Period, name_a: str, name_b: str) -> Period:
    both = a & b
    if both is None:
        raise MixedBasisError(f"the {name_a} holds from {a} and the {name_b} from {b}: never together")
    return both
