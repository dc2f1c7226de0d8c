"""What a printed number can have been before it was rounded: intervals, and the cells of a table held together.

A table prints 4.20; the value behind it lies in [4.195, 4.205). Carrying such intervals through a formula shows which
unrounded values agree with every cell of a table at once, and so whether its ratios follow from its values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from operator import and_

from tokenfactory.errors import TokenFactoryError
from tokenfactory.formulas import cost, power

# Ways in which a printed figure may have been rounded, plainest first: how far below and above it, in units of its last
# digit, the value may lie.
CONVENTIONS = {"rounded": (0.5, 0.5), "cut off": (0, 1), "rounded up": (1, 0), "rounded to the nearest 5": (2.5, 2.5)}


@dataclass(frozen=True)
class Interval:
    """All values from `low` to `high`. Empty when `low > high`.

    The upper end of a rounding interval is not a member of it; the difference is below any printed digit
    and not kept.

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

    def __mul__(self, other: Interval | float) -> Interval:
        ends = [a * b for a in (self.low, self.high) for b in _ends(other)]
        return Interval(min(ends), max(ends))

    __rmul__ = __mul__

    def __truediv__(self, other: Interval | float) -> Interval:
        if min(_ends(other)) <= 0 <= max(_ends(other)):
            raise ZeroDivisionError("the divisor's interval contains zero")
        ends = [a / b for a in (self.low, self.high) for b in _ends(other)]
        return Interval(min(ends), max(ends))

    def __rtruediv__(self, other: float) -> Interval:
        return Interval(other, other) / self


def _ends(value: Interval | float) -> tuple[float, float]:
    return (value.low, value.high) if isinstance(value, Interval) else (value, value)


def printed(*, value: float, ulp: float, convention: str = "rounded") -> Interval:
    """The values that a printed number stands for.

    Parameters
    ----------
    value : the number as printed
    ulp : unit in its last printed place, in the same unit: 0.01 for "4.20", 1000 for "54K"
    convention : one of `CONVENTIONS`; what is no multiple of five was not rounded to one, and stands for nothing then

    >>> printed(value=54000, ulp=1000)
    Interval(low=53500.0, high=54500.0)
    >>> printed(value=5.5, ulp=0.25, convention="cut off")
    Interval(low=5.5, high=5.75)
    """
    if ulp <= 0:
        raise ValueError(f"the unit in the last place must be positive, not {ulp}")
    fives = value / (5 * ulp)
    if convention == "rounded to the nearest 5" and abs(fives - round(fives)) >= 1e-9:
        return Interval(1, 0)
    below, above = CONVENTIONS[convention]
    return Interval(value - below * ulp, value + above * ulp)


@dataclass(frozen=True)
class Cell:
    """A printed figure: its text, its value and one unit of its last printed digit, both in the row's unit."""

    text: str
    value: float
    ulp: float

    def interval(self, convention: str = "rounded") -> Interval:
        return printed(value=self.value, ulp=self.ulp, convention=convention)


def throughput_of_cells(
    *,
    usd_per_gpu_hour: float | Interval | None,
    kw_per_gpu: float | Interval | None,
    tput: Cell | None = None,
    mw: Cell | None = None,
    cost_per_mtok: Cell | None = None,
) -> dict[str, Interval]:
    """Throughputs that each printed cell of one system allows, and that all allow together.

    Parameters
    ----------
    usd_per_gpu_hour : hourly price behind the column, exact or an interval; None when unknown [USD/(GPU h)]
    kw_per_gpu : power behind the column, likewise [kW/GPU]
    tput, mw, cost_per_mtok : printed cells; None where there is none [tok/(s GPU)], [tok/(s MW)], [USD/Mtok]

    Returns
    -------
    intervals in tok/(s GPU) under "tput", "mw", "cost" (those that are printed and whose input is known) and "all";
    "all" is empty when the cells contradict each other

    >>> h200 = throughput_of_cells(usd_per_gpu_hour=1.41, kw_per_gpu=1.73, tput=Cell("90", 90, 10),
    ...                            mw=Cell("54K", 54000, 1000), cost_per_mtok=Cell("4.20", 4.20, 0.01))
    >>> round(h200["all"].low, 4), round(h200["all"].high, 4)
    (93.1431, 93.3651)
    """
    intervals = {}
    if tput:
        intervals["tput"] = tput.interval()
    if mw and kw_per_gpu is not None:
        intervals["mw"] = power.tok_per_s_per_gpu_from_mw(tok_per_s_per_mw=mw.interval(), kw_per_gpu=kw_per_gpu)
    if cost_per_mtok and usd_per_gpu_hour is not None:
        intervals["cost"] = cost.tok_per_s_per_gpu_from_usd_per_mtok(
            usd_per_gpu_hour=usd_per_gpu_hour, usd_per_mtok=cost_per_mtok.interval()
        )
    if not intervals:
        raise TokenFactoryError("a column without a throughput, megawatt or cost cell says nothing about throughput")
    return intervals | {"all": reduce(and_, intervals.values())}


def odd_cells(intervals: Mapping[str, Interval]) -> list[str]:
    """The cells of a contradiction: each that stands in a smallest set without which the others share a value.

    Where one cell stands against several that agree, it alone; where two contradict each other and the rest fits both,
    nothing says which is wrong, and both are named. None where all share a value.

    >>> odd_cells({"tput": Interval(905e3, 907e3), "mw": Interval(5775, 5985), "cost": Interval(5893, 6405)})
    ['tput']
    >>> odd_cells({"tput": Interval(85, 95), "mw": Interval(92.6, 94.3), "cost": Interval(88.7, 88.9)})
    ['mw', 'cost']
    """
    sets = smallest_odd_sets(intervals)
    return [name for name in intervals if any(name in odd for odd in sets)]


def smallest_odd_sets(intervals: Mapping[str, Interval]) -> list[tuple[str, ...]]:
    """The smallest sets of cells without which the others share a value."""
    cells = [name for name in intervals if name != "all"]
    for size in range(len(cells)):
        found = [
            odd for odd in combinations(cells, size)
            if not reduce(and_, (intervals[name] for name in cells if name not in odd)).is_empty
        ]  # fmt: skip
        if found:
            break
    return found


def ratios_of_throughputs(
    subject: Interval,
    baseline: Interval,
    *,
    usd_per_gpu_hour: Mapping[str, float],
    kw_per_gpu: Mapping[str, float],
) -> dict[str, Interval]:
    """Ratios of subject to baseline that two throughput intervals allow [1].

    Parameters
    ----------
    subject, baseline : throughputs [tok/(s GPU)]
    usd_per_gpu_hour, kw_per_gpu : exact price and power under the keys "subject" and "baseline"

    Returns
    -------
    intervals under "rate", "tput", "mw" and "cost"; cost is baseline over subject, "times cheaper"

    >>> ratios = ratios_of_throughputs(Interval(5893.33, 5985), Interval(93.1431, 93.3651),
    ...                                usd_per_gpu_hour={"subject": 2.652, "baseline": 1.41},
    ...                                kw_per_gpu={"subject": 2.10, "baseline": 1.73})
    >>> {row: f"{r.low:.1f} to {r.high:.1f}" for row, r in ratios.items()}
    {'rate': '1.9 to 1.9', 'tput': '63.1 to 64.3', 'mw': '52.0 to 52.9', 'cost': '33.6 to 34.2'}
    """
    tput = subject / baseline
    rate = usd_per_gpu_hour["subject"] / usd_per_gpu_hour["baseline"]
    return {
        "rate": Interval(rate, rate),
        "tput": tput,
        "mw": tput * (kw_per_gpu["baseline"] / kw_per_gpu["subject"]),
        "cost": tput / rate,
    }


NO_WAY = "does not follow"


def judge(cell: Cell, implied: Interval) -> str:
    """Say in words how a printed figure stands to the values that should explain it.

    >>> judge(Cell("2x", 2, 1), Interval(1.88, 1.88))
    'follows'
    >>> judge(Cell("5.6", 5.6, 0.1), Interval(5.65611, 5.65611))
    'only if cut off'
    >>> judge(Cell("50x", 50, 1), Interval(52.0, 52.93))
    'only if rounded to the nearest 5'
    """
    if implied.is_empty:
        return "the values contradict each other"
    for convention in CONVENTIONS:
        if not (cell.interval(convention) & implied).is_empty:
            return "follows" if convention == "rounded" else f"only if {convention}"
    return NO_WAY


def ratio_by_convention(cells: Mapping[str, Cell], implied: Mapping[str, Interval]) -> dict[str, Interval]:
    """Conventions under which all ratio cells follow at once, each with the throughput ratios R that allow it.

    Parameters
    ----------
    cells : printed ratios of the rows that depend on throughput: "tput", "mw", "cost"
    implied : intervals of the same rows, from `ratios_of_throughputs`

    Notes
    -----
    Every row's ratio is R times a known factor, so each cell is carried back to an interval of R; a convention works
    when all of them and the values' own interval share a value.

    >>> implied = {"tput": Interval(63.1214, 64.2560), "mw": Interval(52.0, 52.9347), "cost": Interval(33.56, 34.1632)}
    >>> cells = {"tput": Cell("65x", 65, 1), "mw": Cell("50x", 50, 1), "cost": Cell("35x", 35, 1)}
    >>> {how: f"{ratio.low:.2f} to {ratio.high:.2f}" for how, ratio in ratio_by_convention(cells, implied).items()}
    {'rounded to the nearest 5': '63.12 to 63.73'}
    """
    found = {}
    for convention in CONVENTIONS:
        ratio = implied["tput"]
        for row, cell in cells.items():
            factor = implied[row].low / implied["tput"].low
            ratio &= cell.interval(convention) / factor
        if not ratio.is_empty:
            found[convention] = ratio
    return found
