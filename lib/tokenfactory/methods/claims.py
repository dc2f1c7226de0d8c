"""Hold a claimed ratio against the measured points: what they say under its conditions, and what would flip it.

A claim is a row of `claims.csv`: two systems, a figure, and its conditions in words. `understand` reads the words it
knows (number formats, speculation, topology, lengths, speeds); a word it does not know makes the claim one that the
points cannot answer, which is said, never guessed. `check` then reads every way of serving at equal speed over a
declared grid: the speeds of `GRID` and of the claim, every pair of ways, every price tier or power figure.

Throughput ratios are subject over baseline, and so are tokens per megawatt; costs are turned round, times cheaper.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product

import numpy as np

from tokenfactory.methods.audit import Constants, TableAudit, audit_table, flops_per_dollar_alike, systems
from tokenfactory.methods.claim_grid import (  # noqa: F401
    GRID,
    Cell,
    Tier,
    _Grid,
    _Same,
    tiers,
)
from tokenfactory.methods.claim_words import (  # noqa: F401
    POWERED,
    PRICED,
    Side,
    Understood,
    understand,
)
from tokenfactory.methods.serving import (
    TPUT,
    Bands,
)

CHECKABLE = ("tok_per_s_per_gpu", *PRICED, *POWERED)

_OTHER_WORKLOADS = re.compile(r"AgentX|agentic|MLPerf|prefill|decode\b|own run|batch size", re.IGNORECASE)


@dataclass(frozen=True)
class Verdict:
    """What the points say of a claim.

    `finding` is one of FINDINGS, `reason` the place or the obstacle. `stated` are the lowest and highest ratio under
    the claim's own conditions, `grid` the lowest, median and highest of all `num_cells` places; `num_below_1` of them
    turn the claim round, all of them under the conditions `flips`, and `num_matches` round to its figure, at `match`
    for instance.
    """

    finding: str
    reason: str
    claim: Understood
    stated: tuple[Cell, Cell] | None = None
    grid: tuple[Cell, Cell, Cell] | None = None
    num_cells: int = 0
    num_below_1: int = 0
    flips: tuple[str, ...] = ()
    num_matches: int = 0
    match: Cell | None = None


FOUND, INSIDE, LESS, MORE = "found", "within what the points say", "points say less", "points say more"
UNSTATED, UNCHECKABLE = "no condition to check it at", "cannot be checked"
FINDINGS = (FOUND, INSIDE, LESS, MORE, UNSTATED, UNCHECKABLE)


# The points


def _is_model(name: str, wanted: str) -> bool:
    # deepseek-r1 also stands for deepseek-r1-0528, and glm-5 for the glm-5-5.1 of a page that pools two.
    return name == wanted or name.startswith(f"{wanted}-")


def check(
    claim: Mapping,
    points: Sequence[Mapping],
    learned: Bands,
    *,
    gpus_of: Mapping[str, Sequence[str]],
    prices: Sequence[Tier],
    powers: Sequence[Tier],
) -> Verdict:
    """Hold one claim against all points.

    Parameters
    ----------
    claim : a row of `claims`
    points : all rows of the view `points`
    learned : from `serving.learn_bands`
    gpus_of : as in `understand`
    prices, powers : from `tiers`; the first that covers the claim's day, else the first, is the stated one
    """
    said = understand(claim, gpus_of)
    if reason := _why_not(claim, said):
        return Verdict(UNCHECKABLE, reason, said)
    grid = _grid_of(claim, said, points, learned, (prices, powers))
    if isinstance(grid, str):
        return Verdict(UNCHECKABLE, grid, said)
    order = grid.ratio.argsort(kind="stable")
    low, middle, high = (grid.cell(order[place]) for place in (0, (order.size - 1) // 2, -1))
    is_match = np.zeros(order.size, bool)
    if said.figure:
        is_match = (grid.ratio >= said.figure.low) & (grid.ratio <= said.figure.high)
    over_grid = dict(grid=(low, middle, high), num_cells=order.size, num_below_1=int((grid.ratio < 1).sum()),
                     flips=grid.told_apart(grid.ratio < 1))  # fmt: skip
    if said.figure is None or not (said.speeds or said.is_peak):
        reason = "the claim has no figure" if said.figure is None else "the claim names no speed"
        num = int(is_match.sum())
        example = grid.cell(is_match.argmax()) if num else None
        return Verdict(UNSTATED, reason, said, **over_grid, num_matches=num, match=example)
    stated = order[grid.is_stated[order]]
    if not stated.size:
        return Verdict(UNCHECKABLE, "nothing was measured under its conditions", said, **over_grid)
    least, most = grid.cell(stated[0]), grid.cell(stated[-1])
    found = stated[is_match[stated]]
    found = found[np.argsort(~grid.is_measured(found), kind="stable")]
    over_grid |= dict(stated=(least, most), num_matches=found.size, match=grid.cell(found[0]) if found.size else None)
    if found.size:
        return Verdict(FOUND, grid.cell(found[0]).where, said, **over_grid)
    if grid.high[stated].max() < said.figure.low:
        return Verdict(LESS, most.where, said, **over_grid)
    if grid.low[stated].min() > said.figure.high:
        return Verdict(MORE, least.where, said, **over_grid)
    return Verdict(INSIDE, "between the lowest and highest under its conditions, or in their bands", said, **over_grid)


def _grid_of(claim: Mapping, said: Understood, points: Sequence[Mapping], learned: Bands, books) -> _Grid | str:
    """All places at which the claim's systems meet, or in words why there is none."""
    gpus = {*said.subject.gpus, *said.baseline.gpus}
    rows = [row for row in points if row["gpu"] in gpus and _is_model(row["model"], said.model)]
    if said.lengths:
        rows = [row for row in rows if (row["isl"], row["osl"]) == said.lengths]
    for side, name in ((said.subject, claim["subject"]), (said.baseline, claim["baseline"])):
        if not any(row["gpu"] in side.gpus for row in rows):
            lengths = f" at {said.lengths[0]}/{said.lengths[1]} tokens" if said.lengths else ""
            return f"no point of {name} with {said.model}{lengths}"
    known = _tiers_of(claim, gpus, *books)
    if not known:
        return "no prices or powers of both systems"
    grid = _Grid.of(rows, learned, said, known)
    return grid if grid.ratio.size else "the two were measured at no common speed"


def _why_not(claim: Mapping, said: Understood) -> str:
    text = f"{claim['conditions'] or ''} {claim['statement_short']}"
    workload = _OTHER_WORKLOADS.search(text)
    if claim["metric"] not in CHECKABLE:
        return f"no point holds {claim['metric'].replace('_', ' ')}"
    if claim["unit"] != "x":
        return "it is an absolute figure, not a ratio of two systems"
    if workload:
        return f"it is about {workload[0]}, and the points are whole deployments under requests of fixed length"
    for side, name in ((said.subject, claim["subject"]), (said.baseline, claim["baseline"])):
        if not side.gpus:
            return f"'{name}' names no GPU of which there are points"
        if side.not_understood:
            return f"no point says '{' '.join(side.not_understood)}' of itself"
    return "" if said.model else "the claim names no model"


_THROUGHPUT = _Same("", "", date.min, None, {})


def _tiers_of(
    claim: Mapping, gpus: set[str], prices: Sequence[Tier], powers: Sequence[Tier]
) -> list[tuple[Tier, bool]]:
    """The tiers that turn a ratio of throughputs into the claimed one, and which of them is that of the claim's day."""
    if claim["metric"] not in PRICED + POWERED:
        return [(_THROUGHPUT, True)]
    differing = _differing(prices if claim["metric"] in PRICED else powers, gpus)
    day = claim["date"]
    in_force = [tier for tier in differing if day and tier.covers(day)]
    stated = (in_force or differing)[:1]
    return [(tier, tier in stated) for tier in differing]


def _differing(known: Sequence[Tier], gpus: set[str]) -> list[Tier]:
    """The tiers at which something changed for some GPUs, with the figures of these alone."""
    differing: list[Tier] = []
    for tier in known:
        figures = {gpu: tier.value[gpu] for gpu in gpus if gpu in tier.value}
        last = next((old for old in reversed(differing) if old.basis == tier.basis), None)
        if figures and (last is None or last.value != figures):
            differing.append(replace(tier, value=figures))
        elif last is not None:  # nothing changed for these GPUs: the earlier tier went on
            differing[differing.index(last)] = replace(last, until=tier.until)
    return differing


# A set of claims that were printed together


@dataclass(frozen=True)
class SetAudit:
    """Everything there is to say of a claim set.

    `table` is None where nothing was printed as a table; `matches` are the published points inside the throughputs
    that a table allows, by column; `alike` are the ratios of FLOPS per dollar at the same kind of peak rate on both;
    `verdicts` pairs each ratio with what the points say of it.
    """

    claim_set: str
    table: TableAudit | None
    matches: Mapping[str, Sequence[Mapping]]
    alike: Mapping[str, float]
    verdicts: Sequence[tuple[Mapping, Verdict]]

    @property
    def undisclosed(self) -> list[str]:
        """What some claim of the set would need to be checked and does not say."""
        return list(dict.fromkeys(what for _, verdict in self.verdicts for what in verdict.claim.undisclosed))


def gpus_by_name(generations: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """GPUs by their key and by the name of their generation, from pairs of the two."""
    names: dict[str, list[str]] = {}
    for gpu, generation in generations:
        names[gpu] = [gpu]
        names.setdefault(generation.lower(), []).append(gpu)
    return names


def audit_set(
    claims: Sequence[Mapping],
    points: Sequence[Mapping],
    published: Sequence[Mapping],
    specs: Sequence[Mapping],
    *,
    gpus_of: Mapping[str, Sequence[str]],
    prices: Sequence[Tier],
    powers: Sequence[Tier],
    learned: Bands,
) -> SetAudit:
    """Audit all claims of one set.

    Parameters
    ----------
    claims : rows of `claims` of one claim set
    points : all rows of the view `points`
    published : every point to search, also those that the view leaves out
    specs : rows of the view `hardware_specs`: gpu, spec, value
    """
    cells = [claim for claim in claims if claim["row"]]
    table, matches, alike = None, {}, {}
    if cells:
        subject, baseline = systems(cells)
        day = cells[0]["date"]
        constants = ([Constants(tier.name, tier.value[subject], tier.value[baseline])
                      for tier in sorted(_differing(known, {subject, baseline}),
                                         key=lambda tier: not (day and tier.covers(day)))
                      if {subject, baseline} <= set(tier.value)] for known in (prices, powers))  # fmt: skip
        peaks = {gpu: _peaks(specs, gpu) for gpu in (subject, baseline)}
        table = audit_table(cells, *constants, _pairs(peaks[subject], peaks[baseline]))
        if table.price:
            alike = flops_per_dollar_alike(peaks[subject], peaks[baseline], table.price)
        models = {claim["model"] for claim in cells if claim["model"]}
        for column, gpu in (("subject", subject), ("baseline", baseline)):
            allowed = table.throughput[column]["all"]
            matches[column] = [
                row for row in published
                if row["gpu"] == gpu and row[TPUT] is not None and row[TPUT] in allowed
                and (not models or any(_is_model(row["model"], model) for model in models))
            ]  # fmt: skip
    ratios = [claim for claim in claims if claim["cell"] in (None, "ratio")]
    known = {"model": next((claim["model"] for claim in claims if claim["model"]), None)} if cells else {}
    verdicts = [
        (claim, check({**claim, **known}, points, learned, gpus_of=gpus_of, prices=prices, powers=powers))
        for claim in ratios
    ]
    return SetAudit(claims[0]["claim_set"], table, matches, alike, verdicts)


def _peaks(specs: Sequence[Mapping], gpu: str) -> dict[str, float]:
    """Peak rates of a GPU by format and kind, such as FP8 DENSE [PFLOP/s]."""
    return {
        row["spec"].removesuffix("_pflops").replace("_", " ").upper(): row["value"]
        for row in specs
        if row["gpu"] == gpu and row["spec"].endswith("_pflops") and row["value"] is not None
    }


def _pairs(subject: Mapping[str, float], baseline: Mapping[str, float]) -> list[Constants]:
    """Every peak rate of one system set against every one of the other."""
    return [Constants(f"{a} against {b}", subject[a], baseline[b]) for a, b in product(subject, baseline)]
