"""The same throughputs, and a printed ratio of them, on every power basis and under every revision of the figures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from tokenfactory.formulas import power
from tokenfactory.formulas.power_figure import ALLIN_UTILITY, BASES, CRITICAL_IT, Conversion, OnBasis, Period, of_row
from tokenfactory.methods.halls import Assumptions
from tokenfactory.methods.rounding import Cell, Interval, ratios_of_throughputs, throughput_of_cells

ROLES = ("subject", "baseline")


@dataclass(frozen=True)
class Footing:
    """One basis of power, and whose figures of when: what may be compared with each other, and with nothing else."""

    basis: str
    since: date | None  # first day of the owner's figures; None for undated ones of others
    labelled: str = ""  # the basis that the owner's label names, where it means another
    how: str = ""  # by which factor it was carried to its basis


def _factor(assumed: Assumptions, name: str, gpu: str, end: str = "value") -> Conversion | None:
    """The factor of a system's kind of cooling; None where that is not known."""
    known = assumed.rows.get(("liquid_heat_frac", gpu))
    return known and Conversion.of_row(assumed.rows[name, "liquid" if known["value"] else "air"], end)


def tok_per_s_per_mw(
    book: Iterable[Mapping], tput: Mapping[str, float], assumed: Assumptions
) -> dict[Footing, dict[str, list[float]]]:
    """Tokens per second and megawatt of each system on every footing; several where a factor has a range.

    Parameters
    ----------
    book : rows of the power book: gpu, basis, kw_per_gpu, status, effective_from, effective_to, source_url
    tput : throughput by GPU [tok/(s GPU)]; others are left out

    Notes
    -----
    First figures that their owner took over from another system (status estimate) are not carried to another basis.
    """
    meaning, found = [Conversion.of_row(assumed.rows["allin_meaning", "all"])], {}
    for row in (row for row in book if row["gpu"] in tput):
        figure, gpu = of_row(row, meaning), row["gpu"]
        means_other = figure.basis != row["basis"]
        here = Footing(figure.basis, row["effective_from"], row["basis"] if means_other else "")
        told = [(figure, here)]
        if means_other and _factor(assumed, "pue", gpu):
            factors = [_factor(assumed, "pue", gpu, end) for end in ("low", "value", "high")]
            told += [
                (figure.convert(f), replace(here, basis=f.to_basis, labelled="", how="times PUE")) for f in factors
            ]
        elif figure.basis == ALLIN_UTILITY and row["status"] != "estimate" and _factor(assumed, "facility_factor", gpu):
            less = figure.convert(_factor(assumed, "facility_factor", gpu).inverse)
            told.append((less, replace(here, basis=less.basis, how="less their facility")))
        for on_basis, footing in told:
            per_mw = power.tok_per_s_per_mw(tok_per_s_per_gpu=tput[gpu], kw_per_gpu=on_basis)
            found.setdefault(footing, {}).setdefault(gpu, []).append(per_mw.value)
    order = {basis: i for i, basis in enumerate(BASES)}
    return dict(sorted(found.items(), key=lambda pair: (order[pair[0].basis], pair[0].since or date.max, pair[0].how)))


def spread(known: Mapping[str, Sequence[float]], first: str, last: str) -> tuple[float, float] | None:
    """How many times as much the first system makes as the last on one footing: lowest and highest."""
    if first not in known or last not in known:
        return None
    return min(known[first]) / max(known[last]), max(known[first]) / min(known[last])


def _of_day(book: Sequence[Mapping], gpu: str, day: date, meaning: Sequence[Conversion]) -> OnBasis:
    (row,) = (
        row
        for row in book
        if (row["gpu"], row["basis"]) == (gpu, ALLIN_UTILITY)
        and (row["effective_from"] or date.max) <= day < (row["effective_to"] or date.max)
    )
    return of_row(row, meaning)


def power_sets(book: Sequence[Mapping], systems: Mapping[str, str], day: date, assumed: Assumptions) -> dict:
    """Power figures of two systems that share a basis: of a day, of later ones, and those with a facility added.

    Parameters
    ----------
    book : as in `tok_per_s_per_mw`, of one owner
    systems : GPU by role, subject and baseline

    Returns
    -------
    by (day of the figures, what was added) the figure of each role [kW/GPU]
    """
    meaning = [Conversion.of_row(assumed.rows["allin_meaning", "all"])]

    def with_facility(figures, name):  # a factor of other days: carrying it over is a decision
        factors = {role: replace(_factor(assumed, name, gpu), period=Period()) for role, gpu in systems.items()}
        return {role: figures[role].convert(factors[role]) for role in systems}

    sets = {(day, ""): {role: _of_day(book, gpu, day, meaning) for role, gpu in systems.items()}}
    mine = (row for row in book if row["gpu"] in systems.values() and row["basis"] == ALLIN_UTILITY)
    for later in sorted(
        {row["effective_from"] for row in mine if row["effective_from"] and row["effective_from"] > day}
    ):
        figures = {role: _of_day(book, gpu, later, meaning) for role, gpu in systems.items()}
        sets[later, ""] = figures
        if {figure.basis for figure in figures.values()} == {CRITICAL_IT}:
            sets[later, "with the facility of the first"] = with_facility(figures, "facility_factor")
            sets[later, "times PUE"] = with_facility(figures, "pue")
    return sets


def printed_ratio(cells: Mapping[str, Mapping], sets: Mapping, usd_per_gpu_hour: Mapping[str, float]) -> list[dict]:
    """A printed table's ratio of tokens per megawatt, on the power figures of its day and on others.

    Parameters
    ----------
    cells : rows of `claim_cells` by name: mw, and tput and cost where they are printed
    sets : from `power_sets`; the first is that of the table's day
    usd_per_gpu_hour : price behind the table by role [USD/(GPU h)]

    Returns
    -------
    a row for each set: since, how, basis, kw_subject and kw_baseline [kW/GPU], cells (the ratio of the printed cells)
    and span, the interval that all its printed values allow together
    """
    claim, then, allowed = cells["mw"], next(iter(sets.values())), []
    for role in ROLES:
        of_role = {}
        for name, row in {"tput": "tput", "mw": "mw", "cost_per_mtok": "cost"}.items():
            if row in cells:
                of_role[name] = Cell(*(cells[row][f"{role}_{part}"] for part in ("printed", "value", "ulp")))
        known = {"usd_per_gpu_hour": usd_per_gpu_hour[role], "kw_per_gpu": then[role].value}
        allowed.append(throughput_of_cells(**known, **of_role)["all"])
    found = []
    for (since, how), figures in sets.items():
        per_mw = []
        for role in ROLES:
            printed = {"tok_per_s_per_mw": claim[f"{role}_value"], "kw_per_gpu": then[role].value}
            rate = power.tok_per_s_per_gpu_from_mw(**printed)
            per_mw.append(power.tok_per_s_per_mw(tok_per_s_per_gpu=rate, kw_per_gpu=figures[role]))
        span: Interval = ratios_of_throughputs(*allowed, usd_per_gpu_hour=usd_per_gpu_hour, kw_per_gpu=figures)["mw"]
        row = {"since": since, "how": how, "basis": figures["subject"].basis, "span": span}
        row |= {f"kw_{role}": figures[role].value for role in ROLES}
        found.append(row | {"cells": per_mw[0] / per_mw[1]})
    return found
