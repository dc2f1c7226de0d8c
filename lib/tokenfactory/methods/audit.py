"""Check a printed comparison against itself: does one set of unrounded values explain every cell?

A table prints, for two systems, an hourly price, a throughput, a throughput per megawatt and a cost per
million tokens, and the ratio of each. Price and power are known; throughput decides the rest. Each printed
cell allows an interval of throughputs; their intersection is what the column really says, and the ratio of
two intersections is what the ratio cells can be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations, product
from operator import and_

from tokenfactory.errors import TokenFactoryError
from tokenfactory.formulas import cost, power
from tokenfactory.methods.rounding import Convention, Interval, printed


@dataclass(frozen=True)
class Cell:
    """A printed figure: its text, its value and one unit of its last printed digit, both in the row's unit."""

    text: str
    value: float
    ulp: float

    def interval(self, convention: Convention = "nearest") -> Interval:
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

    Examples
    --------
    >>> h200 = throughput_of_cells(usd_per_gpu_hour=1.41, kw_per_gpu=1.73, tput=Cell("90", 90, 10),
    ...                            mw=Cell("54K", 54000, 1000), cost_per_mtok=Cell("4.20", 4.20, 0.01))
    >>> round(h200["all"].low, 4), round(h200["all"].high, 4)
    (93.1431, 93.3651)
    """
    intervals = {}
    if tput:
        intervals["tput"] = tput.interval()
    if mw and kw_per_gpu is not None:
        intervals["mw"] = _image(power.tok_per_s_per_gpu_from_mw, tok_per_s_per_mw=mw.interval(), kw_per_gpu=kw_per_gpu)
    if cost_per_mtok and usd_per_gpu_hour is not None:
        intervals["cost"] = _image(
            cost.tok_per_s_per_gpu_from_usd_per_mtok,
            usd_per_gpu_hour=usd_per_gpu_hour,
            usd_per_mtok=cost_per_mtok.interval(),
        )
    if not intervals:
        raise TokenFactoryError("a column without a throughput, megawatt or cost cell says nothing about throughput")
    return intervals | {"all": reduce(and_, intervals.values())}


def _image(formula: Callable[..., float], **arguments: float | Interval) -> Interval:
    """What a formula that only rises or only falls in each argument makes of intervals: its values at their ends."""
    ends = [(v.low, v.high) if isinstance(v, Interval) else (v,) for v in arguments.values()]
    values = [formula(**dict(zip(arguments, corner, strict=True))) for corner in product(*ends)]
    return Interval(min(values), max(values))


def odd_cells(intervals: Mapping[str, Interval]) -> list[str]:
    """The cells of a contradiction: each that stands in a smallest set without which the others share a value.

    Parameters
    ----------
    intervals : from `throughput_of_cells`

    Returns
    -------
    names of cells; none where all share a value. Where one cell stands against several that agree, it alone; where
    two contradict each other and the rest fits both, nothing says which is wrong, and both are named

    Examples
    --------
    >>> odd_cells({"tput": Interval(905e3, 907e3), "mw": Interval(5775, 5985), "cost": Interval(5893, 6405)})
    ['tput']
    >>> odd_cells({"tput": Interval(85, 95), "mw": Interval(92.6, 94.3), "cost": Interval(88.7, 88.9)})
    ['mw', 'cost']
    """
    sets = _smallest_odd_sets(intervals)
    return [name for name in intervals if any(name in odd for odd in sets)]


def _smallest_odd_sets(intervals: Mapping[str, Interval]) -> list[tuple[str, ...]]:
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
        fives = cell.value / (5 * cell.ulp)
        # what is no multiple of five was not rounded to one
        return printed(value=cell.value, ulp=5 * cell.ulp) if abs(fives - round(fives)) < 1e-9 else Interval(1, 0)
    return cell.interval({"rounded": "nearest", "cut off": "floor", "rounded up": "ceiling"}[convention])


NO_WAY = "does not follow"


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
    return NO_WAY


def ratio_by_convention(cells: Mapping[str, Cell], implied: Mapping[str, Interval]) -> dict[str, Interval]:
    """Conventions under which all ratio cells follow at once, from one and the same throughput ratio.

    Parameters
    ----------
    cells : printed ratios of the rows that depend on throughput: "tput", "mw", "cost"
    implied : intervals of the same rows, from `ratios_of_throughputs`

    Returns
    -------
    for each of `CONVENTIONS` that works the throughput ratios under which it does; possibly none

    Notes
    -----
    Every row's ratio is the throughput ratio R times a known factor, so each cell is carried back to an
    interval of R; a convention works when all of them and the values' own interval share a value.

    Examples
    --------
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
            ratio &= allowed(cell, convention) / factor
        if not ratio.is_empty:
            found[convention] = ratio
    return found


# A whole printed table

COLUMNS = ("subject", "baseline")
UNITS = {
    "rate": "usd_per_gpu_hour",
    "flops_per_dollar": "pflops_per_usd_per_hour",
    "tput": "tok_per_s_per_gpu",
    "mw": "tok_per_s_per_mw",
    "cost": "usd_per_mtok",
}


@dataclass(frozen=True)
class Constants:
    """Figures of both columns that somebody publishes under one name: a price basis, a kind of power, of PFLOP/s."""

    name: str
    subject: float
    baseline: float


@dataclass(frozen=True)
class Explanation:
    """Peak rates that give both printed cells of FLOPS per dollar [PFLOP/s per USD/h], and how these were rounded."""

    name: str
    subject: float
    baseline: float
    how: str


@dataclass(frozen=True)
class TableAudit:
    """What a printed comparison of two systems says when all its cells are taken at their word.

    `price` and `power` are the published constants behind it, None where none fits. `throughput` holds, for each
    column, what each cell and all cells allow, `odd` the cells of its contradictions. `ratios` are those that the
    values allow, `from_printed` those of the printed values as they stand; `verdicts` say how each printed ratio
    follows from the first, `printed_verdicts` how from the second; `conventions` under which roundings all ratios
    follow at once, and with which throughput ratio.
    `elsewhere` are the ratios of cost and per megawatt that the same throughputs give at every published price and
    power.
    """

    subject: str
    baseline: str
    cells: Mapping[tuple[str, str], Cell]
    price: Constants | None
    power: Constants | None
    kw_from_cells: Mapping[str, Interval]
    throughput: Mapping[str, Mapping[str, Interval]]
    odd: Mapping[str, list[str]]
    ratios: Mapping[str, Interval]
    from_printed: Mapping[str, float]
    verdicts: Mapping[str, str]
    printed_verdicts: Mapping[str, str]
    conventions: Mapping[str, Interval]
    elsewhere: Mapping[str, Mapping[str, Interval]]
    flops: Sequence[Explanation]

    @property
    def is_consistent(self) -> bool:
        """Whether one set of unrounded values gives every printed value; the ratios are another question."""
        return not any(self.odd.values())

    @property
    def contradicts_itself(self) -> bool:
        """Whether cells contradict each other, or a printed ratio follows from the printed values in no rounding."""
        return not self.is_consistent or NO_WAY in self.printed_verdicts.values()


def audit_table(
    claims: Sequence[Mapping], prices: Sequence[Constants], powers: Sequence[Constants], pflops: Sequence[Constants]
) -> TableAudit:
    """Rebuild a printed table from its cells and the constants that can lie behind it.

    Parameters
    ----------
    claims : rows of `claims` that have a row and a cell
    prices, powers : constants of the two systems to try, the likeliest first
    pflops : pairs of peak rates to try for the row of FLOPS per dollar

    Raises
    ------
    TokenFactoryError : a cell without a value or the size of its last digit, in another unit than its row, or twice;
        a table that names other systems in other cells, or has no cell that tells a throughput
    """
    cells = _cells(claims)
    names = systems(claims)

    def column_of(name: str, price: Constants | None, kw: Constants | None) -> dict[str, Interval]:
        rate = cells.get(("rate", name))
        known = getattr(price, name) if price else rate and rate.interval()
        printed_cells = {key: cells.get((row, name)) for row, key in _THROUGHPUT_CELLS.items()}
        return throughput_of_cells(usd_per_gpu_hour=known, kw_per_gpu=kw and getattr(kw, name), **printed_cells)

    def is_rate(constants: Constants) -> bool:
        printed_rates = [(cells.get(("rate", name)), getattr(constants, name)) for name in COLUMNS]
        return all(cell is None or value in cell.interval() for cell, value in printed_rates)

    price = next(filter(is_rate, prices), None)
    # Power is in no cell: of the constants, those that leave the fewest cells odd.
    kw = min(
        powers or [None],
        key=lambda kw: sum(len(_smallest_odd_sets(column_of(name, price, kw))[0]) for name in COLUMNS),
    )
    throughput = {name: column_of(name, price, kw) for name in COLUMNS}
    odd = {name: odd_cells(throughput[name]) for name in COLUMNS}
    is_consistent = not any(odd.values())
    ratios, conventions, elsewhere = {}, {}, {}
    if is_consistent:
        tput = throughput["subject"]["all"] / throughput["baseline"]["all"]
        elsewhere = {
            row: {constants.name: tput * (constants.baseline / constants.subject) for constants in known}
            for row, known in (("cost", prices), ("mw", powers))
        }
    if is_consistent and price is not None and kw is not None:
        ratios = ratios_of_throughputs(
            *(throughput[name]["all"] for name in COLUMNS),
            usd_per_gpu_hour={name: getattr(price, name) for name in COLUMNS},
            kw_per_gpu={name: getattr(kw, name) for name in COLUMNS},
        )
        printed_ratios = {row: cells[row, "ratio"] for row in _THROUGHPUT_CELLS if (row, "ratio") in cells}
        conventions = ratio_by_convention(printed_ratios, ratios)
    if price is None:
        odd = {name: _with_rate(name, odd[name], cells, lambda p, name=name: column_of(name, p, kw), prices)
               for name in COLUMNS}  # fmt: skip
    flops = _flops(cells, price, pflops)
    if flops:
        ratio = flops[0].subject / flops[0].baseline
        ratios = {**ratios, "flops_per_dollar": Interval(ratio, ratio)}
    odd = {name: odd[name] + _odd_flops(name, cells, price, pflops) for name in COLUMNS}
    verdicts = {row: judge(cells[row, "ratio"], ratios[row]) for row in ratios if (row, "ratio") in cells}
    from_printed = _from_printed(cells)
    printed_verdicts = {row: judge(cells[row, "ratio"], allowed) for row, (_, allowed) in from_printed.items()}
    return TableAudit(
        *names, cells, price, kw, _kw_from_cells(cells), throughput, odd, ratios,
        {row: value for row, (value, _) in from_printed.items()}, verdicts, printed_verdicts, conventions, elsewhere,
        flops,
    )  # fmt: skip


def _with_rate(
    name: str, odd: list[str], cells: Mapping, column_of: Callable, prices: Sequence[Constants]
) -> list[str]:
    """The odd cells of a column whose cost was read at its printed rate, which no published price explains.

    A cost rests on its rate. Where a price that the other column's rate agrees with makes this column fit, the rate is
    the odd one; else either may be.
    """
    if "cost" not in odd or ("rate", name) not in cells:
        return odd
    (other,) = (column for column in COLUMNS if column != name)
    printed_rate = cells.get(("rate", other))
    likely = [p for p in prices if printed_rate is None or getattr(p, other) in printed_rate.interval()]
    if any(not odd_cells(column_of(price)) for price in likely):
        return ["rate"]
    return ["rate", *odd]


_THROUGHPUT_CELLS = {"tput": "tput", "mw": "mw", "cost": "cost_per_mtok"}


def flops_per_dollar_alike(
    subject: Mapping[str, float], baseline: Mapping[str, float], price: Constants
) -> dict[str, float]:
    """Subject over baseline in FLOPS per dollar, both without sparsity or both with it.

    Parameters
    ----------
    subject, baseline : peak rates by number format and kind, such as "FP8 DENSE" [PFLOP/s]
    price : what an hour of each costs [USD/(GPU h)]

    Returns
    -------
    ratios under the name of each format and kind that both have, and under "best DENSE" and "best SPARSE" for the
    fastest format of each

    Examples
    --------
    >>> rates = {"FP4 DENSE": 15.0, "FP8 DENSE": 5.0}, {"FP8 DENSE": 1.979, "FP8 SPARSE": 3.958}
    >>> alike = flops_per_dollar_alike(*rates, Constants("owning", 2.652, 1.41))
    >>> {name: round(ratio, 2) for name, ratio in alike.items()}
    {'best DENSE': 4.03, 'FP8 DENSE': 1.34}
    """
    found = {}
    for kind in ("DENSE", "SPARSE"):
        best = [max((rate for name, rate in of.items() if name.endswith(kind)), default=None)
                for of in (subject, baseline)]  # fmt: skip
        if None not in best:
            found[f"best {kind}"] = best[0] / best[1]
    found |= {name: subject[name] / baseline[name] for name in subject if name in baseline}
    return {name: ratio * price.baseline / price.subject for name, ratio in found.items()}


def _cells(claims: Sequence[Mapping]) -> dict[tuple[str, str], Cell]:
    cells: dict[tuple[str, str], Cell] = {}
    for claim in claims:
        where, row, column = f"claim {claim['claim_id']}", claim["row"], claim["cell"]
        if claim["value"] is None or claim["printed_ulp"] is None:
            raise TokenFactoryError(f"{where}: a cell of a table needs its value and one unit of its last digit")
        expected = "x" if column == "ratio" else UNITS[row]
        if claim["unit"] != expected:
            raise TokenFactoryError(f"{where}: a {row} {column} cell is in {expected}, not in {claim['unit']}")
        if (row, column) in cells:
            raise TokenFactoryError(f"{where}: the table has its {row} {column} cell twice")
        cells[row, column] = Cell(claim["printed"], claim["value"], claim["printed_ulp"])
    return cells


def systems(claims: Sequence[Mapping]) -> tuple[str, str]:
    """The subject and the baseline of a printed table; TokenFactoryError where its cells name others."""
    # A value cell is about one system, whose name stands under subject whichever column it is in.
    named = {"subject": set(), "baseline": set()}
    for claim in claims:
        if claim["cell"] == "ratio":
            named["subject"].add(claim["subject"])
            named["baseline"].add(claim["baseline"])
        else:
            named[claim["cell"]].add(claim["subject"])
    for column, names in named.items():
        if len(names) != 1:
            found = ", ".join(sorted(map(str, names))) or "none"
            raise TokenFactoryError(f"a printed table has one {column} in all its cells, not {found}")
    return named["subject"].pop(), named["baseline"].pop()


def _kw_from_cells(cells: Mapping[tuple[str, str], Cell]) -> dict[str, Interval]:
    """The power per GPU that the printed throughput and throughput per megawatt imply without any constant."""
    return {
        name: cells["tput", name].interval() / cells["mw", name].interval() * 1000
        for name in COLUMNS
        if ("tput", name) in cells and ("mw", name) in cells
    }


def _from_printed(cells: Mapping[tuple[str, str], Cell]) -> dict[str, tuple[float, Interval]]:
    """For each printed ratio whose two values are printed: that of the values, and all that their rounding allows."""
    found = {}
    for row, column in cells:
        if column == "ratio" and all((row, name) in cells for name in COLUMNS):
            above, below = (cells[row, name] for name in (COLUMNS[::-1] if row == "cost" else COLUMNS))
            found[row] = above.value / below.value, above.interval() / below.interval()
    return found


def _bought(name: str, price: Constants, pair: Constants) -> float:
    pflops, rate = getattr(pair, name), getattr(price, name)
    return cost.pflop_per_s_per_usd_per_hour(pflop_per_s=pflops, usd_per_gpu_hour=rate)


def _fit(cell: Cell, rate: float) -> str | None:
    # Only these two: a cell of two digits that might be rounded up or to fives would fit nearly anything.
    return next((how for how in ("rounded", "cut off") if rate in allowed(cell, how)), None)


def _odd_flops(name: str, cells: Mapping, price: Constants | None, pflops: Sequence[Constants]) -> list[str]:
    """The cell of FLOPS per dollar, where no peak rate of its system gives it."""
    cell = cells.get(("flops_per_dollar", name))
    if price is None or cell is None or not pflops or any(_fit(cell, _bought(name, price, pair)) for pair in pflops):
        return []
    return ["flops_per_dollar"]


def _flops(
    cells: Mapping[tuple[str, str], Cell], price: Constants | None, pflops: Sequence[Constants]
) -> list[Explanation]:
    """The pairs of peak rates that give both printed cells of FLOPS per dollar, those first that were not cut off."""
    printed_cells = [cells.get(("flops_per_dollar", name)) for name in COLUMNS]
    if price is None or None in printed_cells:
        return []
    found = []
    for pair in pflops:
        bought = [_bought(name, price, pair) for name in COLUMNS]
        fits = [_fit(cell, rate) for cell, rate in zip(printed_cells, bought, strict=True)]
        if None not in fits:
            found.append(Explanation(pair.name, *bought, " and ".join(dict.fromkeys(fits))))
    return sorted(found, key=lambda explanation: explanation.how != "rounded")
