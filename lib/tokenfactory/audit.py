"""Check a printed comparison against itself: does one set of unrounded values explain every cell?

A table prints, for two systems, an hourly price, a throughput, a throughput per megawatt and a cost per
million tokens, and the ratio of each. Price and power are known; throughput decides the rest. Each printed
cell allows an interval of throughputs; their intersection is what the column really says, and the ratio of
two intersections is what the ratio cells can be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tokenfactory import cost, power
from tokenfactory.rounding import Convention, Interval, printed


@dataclass(frozen=True)
class Cell:
    """A printed figure: its text, its value and one unit of its last printed digit, both in the row's unit."""

    text: str
    value: float
    ulp: float

    def interval(self, convention: Convention = "nearest") -> Interval:
        return printed(value=self.value, ulp=self.ulp, convention=convention)


def throughput_of_cells(
    *, usd_per_gpu_hour: float, kw_per_gpu: float, tput: Cell, mw: Cell, cost_per_mtok: Cell
) -> dict[str, Interval]:
    """Throughputs that each printed cell of one system allows, and that all allow together.

    Parameters
    ----------
    usd_per_gpu_hour : exact hourly price behind the column [USD/(GPU h)]
    kw_per_gpu : exact power behind the column [kW/GPU]
    tput, mw, cost_per_mtok : printed cells [tok/(s GPU)], [tok/(s MW)], [USD/Mtok]

    Returns
    -------
    intervals in tok/(s GPU) under "tput", "mw", "cost" and "all"; "all" is empty when the cells contradict
    each other

    Examples
    --------
    >>> h200 = throughput_of_cells(usd_per_gpu_hour=1.41, kw_per_gpu=1.73, tput=Cell("90", 90, 10),
    ...                            mw=Cell("54K", 54000, 1000), cost_per_mtok=Cell("4.20", 4.20, 0.01))
    >>> round(h200["all"].low, 4), round(h200["all"].high, 4)
    (93.1431, 93.3651)
    """
    intervals = {
        "tput": tput.interval(),
        "mw": mw.interval().map(lambda x: power.tok_per_s_per_gpu_from_mw(tok_per_s_per_mw=x, kw_per_gpu=kw_per_gpu)),
        "cost": cost_per_mtok.interval().map(
            lambda c: cost.tok_per_s_per_gpu_from_usd_per_mtok(usd_per_gpu_hour=usd_per_gpu_hour, usd_per_mtok=c)
        ),
    }
    return {**intervals, "all": intervals["tput"] & intervals["mw"] & intervals["cost"]}


def ratios_of_throughputs(
    subject: Interval,
    baseline: Interval,
    *,
    usd_per_gpu_hour: Mapping[str, float],
    kw_per_gpu: Mapping[str, float],
) -> dict[str, Interval]:
    """Ratios of subject to baseline that two throughput intervals allow.

    Parameters
    ----------
    subject, baseline : throughputs [tok/(s GPU)]
    usd_per_gpu_hour, kw_per_gpu : exact price and power under the keys "subject" and "baseline"

    Returns
    -------
    intervals under "rate", "tput", "mw" and "cost"; cost is baseline over subject, "times cheaper"

    Examples
    --------
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


# Ways in which a printed figure may have been rounded, plainest first.
CONVENTIONS = ("rounded", "cut off", "rounded up", "rounded to the nearest 5")


def allowed(cell: Cell, convention: str) -> Interval:
    """The values that `cell` stands for under one of `CONVENTIONS`."""
    if convention == "rounded to the nearest 5":
        return printed(value=cell.value, ulp=5 * cell.ulp)
    return cell.interval({"rounded": "nearest", "cut off": "floor", "rounded up": "ceiling"}[convention])


def judge(cell: Cell, implied: Interval) -> str:
    """Say in words how a printed figure stands to the values that should explain it.

    Examples
    --------
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
        if not (allowed(cell, convention) & implied).is_empty:
            return "follows" if convention == "rounded" else f"only if {convention}"
    return "does not follow"


def shared_conventions(cells: Mapping[str, Cell], implied: Mapping[str, Interval]) -> list[str]:
    """Conventions under which all ratio cells follow at once, from one and the same throughput ratio.

    Parameters
    ----------
    cells : printed ratios of the rows that depend on throughput: "tput", "mw", "cost"
    implied : intervals of the same rows, from `ratios_of_throughputs`

    Returns
    -------
    the members of `CONVENTIONS` that work, possibly none

    Notes
    -----
    Every row's ratio is the throughput ratio R times a known factor, so each cell is carried back to an
    interval of R; a convention works when all of them and the values' own interval share a value.

    Examples
    --------
    >>> implied = {"tput": Interval(63.1214, 64.2560), "mw": Interval(52.0, 52.9347), "cost": Interval(33.56, 34.1632)}
    >>> shared_conventions({"tput": Cell("65x", 65, 1), "mw": Cell("50x", 50, 1), "cost": Cell("35x", 35, 1)}, implied)
    ['rounded to the nearest 5']
    """

    def is_shared(convention: str) -> bool:
        ratio = implied["tput"]
        for row, cell in cells.items():
            factor = implied[row].low / implied["tput"].low
            ratio &= allowed(cell, convention) / factor
        return not ratio.is_empty

    return [convention for convention in CONVENTIONS if is_shared(convention)]
