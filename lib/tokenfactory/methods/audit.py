"""Check a printed comparison against itself: does one set of unrounded values explain every cell?

A table prints, for two systems, an hourly price, a throughput, a throughput per megawatt and a cost per
million tokens, and the ratio of each. Price and power are known; throughput decides the rest. Each printed
cell allows an interval of throughputs; their intersection is what the column really says, and the ratio of
two intersections is what the ratio cells can be.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tokenfactory.errors import TokenFactoryError
from tokenfactory.formulas import cost
from tokenfactory.methods.rounding import (
    NO_WAY,
    Cell,
    Interval,
    judge,
    odd_cells,
    ratio_by_convention,
    ratios_of_throughputs,
    smallest_odd_sets,
    throughput_of_cells,
)  # fmt: skip

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

    ways = ("claimed",)  # how its numbers are known
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

    def num_odd(kw: Constants | None) -> int:
        return sum(len(smallest_odd_sets(column_of(name, price, kw))[0]) for name in COLUMNS)

    kw = min(powers or [None], key=num_odd)  # power is in no cell: the constants that leave the fewest cells odd
    throughput = {name: column_of(name, price, kw) for name in COLUMNS}
    odd = {name: odd_cells(throughput[name]) for name in COLUMNS}
    is_consistent = not any(odd.values())
    elsewhere = _elsewhere(throughput, prices, powers) if is_consistent else {}
    ratios, conventions = _followed(cells, throughput, price, kw) if is_consistent and price and kw else ({}, {})
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


def _elsewhere(throughput: Mapping, prices: Sequence[Constants], powers: Sequence[Constants]) -> dict[str, dict]:
    """The ratios of cost and per megawatt that these throughputs give at every published price and power."""
    tput = throughput["subject"]["all"] / throughput["baseline"]["all"]
    return {
        row: {constants.name: tput * (constants.baseline / constants.subject) for constants in known}
        for row, known in (("cost", prices), ("mw", powers))
    }


def _followed(cells: Mapping, throughput: Mapping, price: Constants, kw: Constants) -> tuple[dict, dict]:
    """The ratios that a column's throughputs give at a price and power, and the roundings that lead to the printed."""
    ratios = ratios_of_throughputs(
        *(throughput[name]["all"] for name in COLUMNS),
        usd_per_gpu_hour={name: getattr(price, name) for name in COLUMNS},
        kw_per_gpu={name: getattr(kw, name) for name in COLUMNS},
    )
    printed_ratios = {row: cells[row, "ratio"] for row in _THROUGHPUT_CELLS if (row, "ratio") in cells}
    return ratios, ratio_by_convention(printed_ratios, ratios)


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
    """Subject over baseline in FLOPS per dollar, both without sparsity or both with it, by format and kind.

    The fastest format of each stands under "best DENSE" and "best SPARSE". Peak rates are given by format and kind,
    such as "FP8 DENSE" [PFLOP/s], the price as that of an hour [USD/(GPU h)].

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
    return next((how for how in ("rounded", "cut off") if rate in cell.interval(how)), None)


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
