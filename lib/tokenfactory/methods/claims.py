"""Hold a claimed ratio against the measured points: what they say under its conditions, and what would flip it.

A claim is a row of `claims.csv`: two systems, a figure, and its conditions in words. `understand` reads the words it
knows (number formats, speculation, topology, lengths, speeds); a word it does not know makes the claim one that the
points cannot answer, which is said, never guessed. `check` then reads every way of serving at equal speed over a
declared grid: the speeds of `GRID` and of the claim, every pair of ways, every price tier or power figure.

Throughput ratios are subject over baseline, and so are tokens per megawatt; costs are turned round, times cheaper.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product

import numpy as np

from tokenfactory.methods import bands
from tokenfactory.methods.audit import Constants, TableAudit, audit_table, flops_per_dollar_alike, systems
from tokenfactory.methods.claim_words import POWERED, PRICED, Side, Understood, understand  # noqa: F401
from tokenfactory.methods.pareto import Status
from tokenfactory.methods.serving import RUN_TO_RUN_LOG, TPUT, WIDE_GAP, Bands, Curves, SpeedTable

GRID = (20.0, 35.0, 50.0, 75.0, 100.0, 150.0, 200.0)


@dataclass(frozen=True)
class Cell:
    """A ratio with its band at one place of the grid, and the place in words."""

    ratio: float
    low: float
    high: float
    where: str


@dataclass(frozen=True)
class Tier:
    """Prices or powers of one basis from one day on, by GPU."""

    name: str
    basis: str
    since: date
    until: date | None
    value: Mapping[str, float]

    def covers(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day < self.until)

    def turns(self, subject: str, baseline: str) -> float:
        """The factor from a ratio of throughputs to one of throughput per dollar or kilowatt; NaN where unknown."""
        return self.value.get(baseline, math.nan) / self.value.get(subject, math.nan)


def tiers(rows: Sequence[Mapping], value: str) -> list[Tier]:
    """Rows of the price or power book of one owner as tiers: one for each basis and day on which a figure changed."""
    found = []
    for basis in sorted({row["basis"] for row in rows}):
        of_basis = [row for row in rows if row["basis"] == basis]
        days = sorted({row["effective_from"] for row in of_basis})
        for day, after in zip(days, [*days[1:], None], strict=True):
            held = {
                row["gpu"]: row[value]
                for row in of_basis
                if row["effective_from"] <= day and (row["effective_to"] is None or day < row["effective_to"])
            }
            found.append(Tier(f"{basis.replace('_', ' ')} since {day}", basis, day, after, held))
    return found


@dataclass(frozen=True)
class _Grid:
    """All places at which two ways of serving were both measured, laid end to end."""

    ratio: np.ndarray
    low: np.ndarray
    high: np.ndarray
    is_stated: np.ndarray
    place: np.ndarray  # numbers of workload, tier, subject's way, baseline's way and speed
    workloads: Sequence[tuple[tuple, SpeedTable]]
    tiers: Sequence[Tier]

    @classmethod
    def of(cls, rows, learned: Bands, said: Understood, known: Sequence[tuple[Tier, bool]]) -> _Grid:
        parts, workloads = [], []
        speeds = np.array(sorted({*GRID, *said.speeds}))
        for workload in sorted({(row["model"], row["isl"], row["osl"]) for row in rows}):
            of_workload = [row for row in rows if (row["model"], row["isl"], row["osl"]) == workload]
            readings = Curves.of_workload(of_workload, learned).read(speeds)
            if said.is_peak:
                readings = _with_peaks(readings)
            parts.append(cls._part(len(workloads), readings, said, known))
            workloads.append((workload, readings))
        joined = (np.concatenate(part) for part in zip(*parts, strict=True))
        return cls(*joined, workloads, [tier for tier, _ in known])

    @staticmethod
    def _part(number: int, readings: SpeedTable, said: Understood, known: Sequence[tuple[Tier, bool]]) -> tuple:
        ways = readings.configurations
        a, b = (np.array([i for i, way in enumerate(ways) if way.gpu in side.gpus], int)
                for side in (said.subject, said.baseline))  # fmt: skip
        tables = (readings.low, readings.value, readings.high)
        of_a, of_b = tuple(t[a][:, None] for t in tables), tuple(t[b][None, :] for t in tables)
        bounds = bands.ratio_band(of_a, of_b)
        turns = [tier.turns(ways[i].gpu, ways[j].gpu) for tier, _ in known for i in a for j in b]
        factor = np.array(turns).reshape(len(known), a.size, b.size)
        low, ratio, high = (factor[..., None] * bound[None] for bound in bounds)
        low, high = (np.where(np.isnan(end), ratio, end) for end in (low, high))  # without a band, the reading alone
        holds_a = np.array([said.subject.holds(ways[i]) for i in a], bool)
        holds_b = np.array([said.baseline.holds(ways[j]) for j in b], bool)
        holds = (holds_a[:, None] & holds_b)[None, :, :, None]
        at = np.isnan(readings.speeds) if said.is_peak else np.isin(readings.speeds, said.speeds)
        is_stated = holds & at & np.array([stated for _, stated in known])[:, None, None, None]
        is_wide = (readings.gap[a] > WIDE_GAP)[:, None] | (readings.gap[b] > WIDE_GAP)
        is_there = ~(np.isnan(ratio) | is_wide) & (a[:, None] != b)[None, :, :, None]
        if said.subject.gpus == said.baseline.gpus:
            is_there &= holds  # of one GPU against itself only the named ways make sense
        where = np.argwhere(is_there)
        place = np.column_stack([np.full(len(where), number), where[:, 0], a[where[:, 1]], b[where[:, 2]], where[:, 3]])
        is_stated = np.broadcast_to(is_stated, ratio.shape)
        return ratio[is_there], low[is_there], high[is_there], is_stated[is_there], place

    def told_apart(self, is_some: np.ndarray) -> tuple[str, ...]:
        """The conditions that all of some places meet and not all of the others, in words."""
        if not is_some.any() or is_some.all():
            return ()
        found = []
        of_ways: dict = {}  # thousands of places share a few ways
        places = (self._conditions(place, of_ways) for place in self.place.tolist())
        for alternatives in zip(*places, strict=True):
            mine = {one for one, is_one in zip(alternatives, is_some, strict=True) if is_one}
            if len(mine) < len(set(alternatives)):
                found.append(alternatives[0][-1].format(" or ".join(text for _, text, _ in sorted(mine))))
        return tuple(found)

    def _conditions(self, place: Sequence[int], of_ways: dict) -> list[tuple]:
        """What could be chosen otherwise at a place: a key to sort by, the choice in words, and a frame for them."""
        workload, tier, a, b, speed = place
        (_, isl, osl), readings = self.workloads[workload]
        at, name = float(readings.speeds[speed]), self.tiers[tier].name
        asked = (0.0, "peak") if math.isnan(at) else (at, f"{at:g}")
        chosen = [((isl, osl), f"{isl}/{osl}", "{} tokens"), (*asked, "{} tok/s per user")]
        for i in (a, b):
            if (workload, i) not in of_ways:
                way = readings.configurations[i]
                texts = (way.precision.upper(), way.speculation, way.topology, way.framework or "engine not stated")
                of_ways[workload, i] = [(text, f"{way.gpu.upper()} {text}", "{}") for text in texts]
            chosen += of_ways[workload, i]
        return [*chosen, (name, name, "{}")]

    def is_measured(self, indices: np.ndarray) -> np.ndarray:
        """Whether both ways of these places are measured ones, not readings of a source."""
        places = ((self.workloads[w][1].configurations, a, b) for w, _, a, b, _ in self.place[indices])
        return np.array([ways[a].is_measured and ways[b].is_measured for ways, a, b in places], bool)

    def cell(self, index: int) -> Cell:
        workload, tier, a, b, speed = self.place[index]
        (model, isl, osl), readings = self.workloads[workload]
        subject, baseline = (
            f"{readings.configurations[i].gpu.upper()} {readings.configurations[i]} ({readings.how(i, speed)})"
            for i in (a, b)
        )
        is_peak = np.isnan(readings.speeds[speed])
        at = "each at its peak" if is_peak else f"{readings.speeds[speed]:g} tok/s per user"
        basis = f", {self.tiers[tier].name}" if self.tiers[tier].name else ""
        where = f"{model} {isl}/{osl}, {at}: {subject} against {baseline}{basis}"
        return Cell(float(self.ratio[index]), float(self.low[index]), float(self.high[index]), where)


def _with_peaks(readings: SpeedTable) -> SpeedTable:
    """One more column, at no speed: the highest measured throughput of each way."""
    knots = readings.knots
    at = knots.start[:-1, None]  # the slowest knot has most throughput, and every configuration has one
    peak, ones = knots.y[at], np.ones(at.shape)
    low, high = peak * np.exp(-RUN_TO_RUN_LOG), peak * np.exp(RUN_TO_RUN_LOG)
    more = {"value": peak, "low": low, "high": high, "low_other_day": low, "high_other_day": high, "gap": ones,
            "below": at, "above": at, "status": np.full(at.shape, Status.MEASURED)}  # fmt: skip
    columns = {name: np.append(getattr(readings, name), column, axis=1) for name, column in more.items()}
    return replace(readings, speeds=np.append(readings.speeds, np.nan), **columns)


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
        is_price = claim["metric"] == "usd_per_gpu_hour"
        return "benchmarks contain no prices" if is_price else f"no test reports {claim['metric'].replace('_', ' ')}"
    if claim["unit"] != "x":
        return "it is a single figure, not a ratio of two systems"
    if workload:
        return f"it is about {workload[0]}; our tests are of whole deployments, with requests of fixed length"
    for side, name in ((said.subject, claim["subject"]), (said.baseline, claim["baseline"])):
        if not side.gpus:
            return f"there is no test of {name}" if name else "the claim names one system alone"
        if side.not_understood:
            return f"no test is known to be '{' '.join(side.not_understood)}'"
    return "" if said.model else "the claim names no model"


def _tiers_of(
    claim: Mapping, gpus: set[str], prices: Sequence[Tier], powers: Sequence[Tier]
) -> list[tuple[Tier, bool]]:
    """The tiers that turn a ratio of throughputs into the claimed one, and which of them is that of the claim's day."""
    if claim["metric"] not in PRICED + POWERED:
        return [(Tier("", "", date.min, None, dict.fromkeys(gpus, 1.0)), True)]  # a ratio of throughputs is itself
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
    points : all rows of the view `points`; `published` has also those that the view leaves out
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
