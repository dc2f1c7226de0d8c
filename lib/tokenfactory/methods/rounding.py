"""What a printed number can have been before it was rounded: interval arithmetic.

A table prints 4.20; the value behind it lies in [4.195, 4.205). Carrying such intervals through a
formula shows which unrounded values agree with every cell of a table at once, and so whether its
ratios follow from its values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Convention = Literal["nearest", "floor", "ceiling"]


@dataclass(frozen=True)
class Interval:
    """All values from `low` to `high`. Empty when `low > high`.

    The upper end of a rounding interval is not a member of it; the difference is below any printed digit
    and not kept.

    Examples
    --------
    >>> Interval(1, 2) * 3 & Interval(4, 9)
    Interval(low=4, high=6)
    >>> Interval(1, 2) / Interval(4, 8)
    Interval(low=0.125, high=0.5)
    """

    low: float
    high: float

    @property
    def is_empty(self) -> bool:
        return self.low > self.high

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __and__(self, other: Interval) -> Interval:
        """The values in both."""
        return Interval(max(self.low, other.low), min(self.high, other.high))

    def map(self, function: Callable[[float], float]) -> Interval:
        """The image under a function that only rises or only falls on the interval."""
        ends = function(self.low), function(self.high)
        return Interval(min(ends), max(ends))

    def __mul__(self, other: Interval | float) -> Interval:
        ends = [a * b for a in (self.low, self.high) for b in _ends(other)]
        return Interval(min(ends), max(ends))

    def __truediv__(self, other: Interval | float) -> Interval:
        if min(_ends(other)) <= 0 <= max(_ends(other)):
            raise ZeroDivisionError("the divisor's interval contains zero")
        ends = [a / b for a in (self.low, self.high) for b in _ends(other)]
        return Interval(min(ends), max(ends))


def _ends(value: Interval | float) -> tuple[float, float]:
    return (value.low, value.high) if isinstance(value, Interval) else (value, value)


def printed(*, value: float, ulp: float, convention: Convention = "nearest") -> Interval:
    """The values that a printed number stands for.

    Parameters
    ----------
    value : the number as printed
    ulp : unit in its last printed place, in the same unit: 0.01 for "4.20", 1000 for "54K"
    convention : how it was rounded: to the nearest, cut off (floor) or rounded up (ceiling)

    Returns
    -------
    the interval of values that are printed so

    Examples
    --------
    >>> printed(value=54000, ulp=1000)
    Interval(low=53500.0, high=54500.0)
    >>> printed(value=5.5, ulp=0.25, convention="floor")
    Interval(low=5.5, high=5.75)
    """
    if ulp <= 0:
        raise ValueError(f"the unit in the last place must be positive, not {ulp}")
    below, above = {"nearest": (0.5, 0.5), "floor": (0, 1), "ceiling": (1, 0)}[convention]
    return Interval(value - below * ulp, value + above * ulp)
