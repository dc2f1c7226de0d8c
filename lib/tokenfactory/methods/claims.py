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
from decimal import Decimal
from itertools import product

import numpy as np

from tokenfactory.methods import bands
from tokenfactory.methods.audit import Constants, TableAudit, audit_table, flops_per_dollar_alike, systems
from tokenfactory.methods.pareto import Status
from tokenfactory.methods.rounding import Interval, printed
from tokenfactory.methods.serving import (
    RUN_TO_RUN_LOG,
    TPUT,
    WIDE_GAP,
    Bands,
    Curves,
    ServingConfiguration,
    SpeedTable,
)  # fmt: skip

GRID = (20.0, 35.0, 50.0, 75.0, 100.0, 150.0, 200.0)

PRICED = ("cost_per_mtok", "perf_per_dollar")
POWERED = ("tok_per_s_per_mw",)
CHECKABLE = ("tok_per_s_per_gpu", *PRICED, *POWERED)

_FORMATS = {"fp4": "fp4", "nvfp4": "fp4", "mxfp4": "fp4", "fp8": "fp8", "int4": "int4", "bf16": "bf16"}
_FORMAT = "|".join(_FORMATS)
_OTHER_WORKLOADS = re.compile(r"AgentX|agentic|MLPerf|prefill|decode\b|own run|batch size", re.IGNORECASE)


@dataclass(frozen=True)
class Side:
    """A system of a claim: the GPUs it may mean and how they are to be run; None where nothing is said."""

    gpus: tuple[str, ...]
    precision: str | None = None
    spec_decoding: str | None = None
    is_disaggregated: bool | None = None
    as_of: date | None = None
    not_understood: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = [self.precision and self.precision.upper(), {"mtp": "MTP", "none": "no MTP"}.get(self.spec_decoding)]
        said += [
            {True: "disaggregated", False: "aggregated"}.get(self.is_disaggregated),
            self.as_of and str(self.as_of),
        ]
        gpus = " or ".join(gpu.upper() for gpu in self.gpus) or "no known GPU"
        return " ".join([gpus, *filter(None, said)])

    def holds(self, way: ServingConfiguration) -> bool:
        """Whether a way of serving is one the claim speaks of."""
        named = ("precision", "spec_decoding", "is_disaggregated", "as_of")
        wanted = [(name, getattr(self, name)) for name in named if getattr(self, name) is not None]
        return way.gpu in self.gpus and all(getattr(way, name) == value for name, value in wanted)


@dataclass(frozen=True)
class Understood:
    """What the words of a claim say. `is_peak`: each side at its own highest throughput, whatever the speed."""

    subject: Side
    baseline: Side
    model: str | None
    lengths: tuple[int, int] | None
    speeds: tuple[float, ...]
    is_peak: bool
    figure: Interval | None
    undisclosed: tuple[str, ...]

    def __str__(self) -> str:
        speeds = " and ".join(f"{speed:g}" for speed in self.speeds)
        lengths = f"{self.lengths[0]}/{self.lengths[1]} tokens" if self.lengths else "any lengths"
        at = f"{speeds} tok/s per user" if speeds else "each at its peak" if self.is_peak else "any speed"
        return f"{self.subject} against {self.baseline}; {self.model or 'no model'}; {lengths}; {at}"


@dataclass(frozen=True)
class Cell:
    """A ratio with its band at one place of the grid, and the place in words."""

    ratio: float
    low: float
    high: float
    where: str


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


def understand(claim: Mapping, gpus_of: Mapping[str, Sequence[str]]) -> Understood:
    """Read a row of `claims.csv`.

    Parameters
    ----------
    claim : a row of `claims`
    gpus_of : GPUs by the names they go by: each GPU's key, and names of several such as a generation

    Examples
    --------
    >>> claim = dict(subject="b200 fp4", baseline="hopper", model="m", value=8.0, value_low=None, value_high=None,
    ...              conditions="4x at 22, 8x at 110 tok/s/user; 8k/1k", metric="tok_per_s_per_gpu", date=None)
    >>> found = understand(claim, {"b200": ["b200"], "hopper": ["h100", "h200"]})
    >>> found.subject.precision, found.baseline.gpus, found.lengths, found.speeds, found.figure
    ('fp4', ('h100', 'h200'), (8192, 1024), (22.0, 110.0), Interval(low=7.5, high=8.5))
    >>> found.undisclosed
    ('number format of hopper', 'speculation', 'engine', 'day')
    """
    # What a clause says is not stated is not stated.
    text = "; ".join(part for part in (claim["conditions"] or "").split(";") if "not stated" not in part)
    sides = [_side(claim[name] or "", gpus_of) for name in ("subject", "baseline")]
    against = re.search(rf"\b({_FORMAT})\s+(?:vs\.?|against)\s+({_FORMAT})\b", text, re.IGNORECASE)
    alone = {_FORMATS[word.lower()] for word in re.findall(rf"\b(?:{_FORMAT})\b", text, re.IGNORECASE)}
    if against:
        formats = [_FORMATS[against[1].lower()], _FORMATS[against[2].lower()]]
    else:
        formats = [alone.pop()] * 2 if len(alone) == 1 else [None, None]
    speculation = None
    if re.search(r"\bno MTP\b", text):
        speculation = "none"
    elif re.search(r"\bMTP both\b|\bFP[48] MTP\b", text):
        speculation = "mtp"
    if sides[0].gpus == sides[1].gpus and {side.spec_decoding for side in sides} == {"mtp", None}:
        # "gb300 fp4 mtp" against "gb300 fp4" is with against without.
        sides = [replace(side, spec_decoding=side.spec_decoding or "none") for side in sides]
    subject, baseline = (
        replace(side, precision=side.precision or form, spec_decoding=side.spec_decoding or speculation)
        for side, form in zip(sides, formats, strict=True)
    )
    lengths = _lengths(text)
    speeds = _speeds(text)
    return Understood(
        subject=subject,
        baseline=baseline,
        model=claim["model"],
        lengths=lengths,
        speeds=speeds,
        is_peak=not speeds and bool(re.search(r"\bpeak\b|best configuration", text)),
        figure=_figure(claim),
        undisclosed=tuple(_undisclosed(claim, text, subject, baseline, lengths, speeds)),
    )


def _side(words: str, gpus_of: Mapping[str, Sequence[str]]) -> Side:
    found: dict = {}
    gpus: tuple[str, ...] = ()
    unknown = []
    for word in words.lower().split():
        if word in gpus_of and not gpus:
            gpus = tuple(gpus_of[word])
        elif word in _FORMATS:
            found["precision"] = _FORMATS[word]
        elif word == "mtp":
            found["spec_decoding"] = "mtp"
        elif word in ("disagg", "aggregated"):
            found["is_disaggregated"] = word == "disagg"
        elif re.fullmatch(r"\d{4}-\d{2}-\d{2}", word):
            found["as_of"] = date.fromisoformat(word)
        else:
            unknown.append(word)
    return Side(gpus, **found, not_understood=tuple(unknown))


def _lengths(text: str) -> tuple[int, int] | None:
    """Input and output length [tok]: "8k/1k", "8K/1K" and "8192/1024" are the same."""
    found = re.search(r"\b(?:(\d+)k/(\d+)k|(\d{3,6})/(\d{2,6}))\b", text, re.IGNORECASE)
    if not found:
        return None
    return (int(found[1]) * 1024, int(found[2]) * 1024) if found[1] else (int(found[3]), int(found[4]))


def _speeds(text: str) -> tuple[float, ...]:
    """Speeds per user that a text names: "about 35 tok/s/user", "70-140 tok/s/user", "4.0x at 22, 8.2x at 110"."""
    if "tok/s/user" not in text:
        return ()
    numbers = re.findall(r"(?<![\d.])(\d+(?:\.\d+)?)(?=(?:-\d+)? tok/s/user)|\bat (\d+(?:\.\d+)?)(?![\d.]*x)\b", text)
    ends = re.findall(r"-(\d+) tok/s/user", text)
    return tuple(sorted({float(a or b) for a, b in numbers} | set(map(float, ends))))


def _figure(claim: Mapping) -> Interval | None:
    """The ratios that the claimed figure stands for: a printed value within its rounding, else the stated range."""
    if claim["value"] is not None:
        decimals = -Decimal(f"{claim['value']:g}").as_tuple().exponent
        return printed(value=claim["value"], ulp=10.0 ** -max(0, decimals))
    low, high = claim["value_low"], claim["value_high"]
    if high is None:
        return None
    return Interval(low if low is not None else high, high)


def _undisclosed(claim, text: str, subject: Side, baseline: Side, lengths, speeds) -> list[str]:
    missing = [("model", claim["model"]), ("input and output lengths", lengths), ("speed per user", speeds)]
    for name, side in (("subject", subject), ("baseline", baseline)):
        if claim[name]:
            missing.append((f"number format of {claim[name]}", side.precision))
    missing.append(("speculation", subject.spec_decoding or baseline.spec_decoding or "MTP" in text))
    missing.append(("engine", re.search(r"SGLang|vLLM|TensorRT|TRT|Dynamo|TileRT|ATOM", text, re.IGNORECASE)))
    missing.append(("day", claim["date"]))
    if claim["metric"] in PRICED:
        missing.append(("price basis", re.search(r"owning|rental|rates? |\$", text)))
        missing.append(("which tokens are counted", re.search(r"(output|input|total) tokens", text)))
    if claim["metric"] in POWERED:
        missing.append(("where power is taken", re.search(r"utility|provisioned|board|all-in", text)))
    return [what for what, said in missing if not said]


# The points


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


class _Same(Tier):
    """For ratios of throughputs themselves."""

    def turns(self, subject: str, baseline: str) -> float:
        return 1.0


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
    rows = [row for row in points if _is_model(row["model"], said.model)]
    if said.lengths:
        rows = [row for row in rows if (row["isl"], row["osl"]) == said.lengths]
    sides = said.subject.gpus, said.baseline.gpus
    rows = [row for row in rows if row["gpu"] in {*sides[0], *sides[1]}]
    for gpus, name in zip(sides, (claim["subject"], claim["baseline"]), strict=True):
        if not any(row["gpu"] in gpus for row in rows):
            lengths = f" at {said.lengths[0]}/{said.lengths[1]} tokens" if said.lengths else ""
            return Verdict(UNCHECKABLE, f"no point of {name} with {said.model}{lengths}", said)

    tiers_of_claim = _tiers_of(claim, {*sides[0], *sides[1]}, prices, powers)
    if not tiers_of_claim:
        return Verdict(UNCHECKABLE, "no prices or powers of both systems", said)
    grid = _Grid.of(rows, learned, said, tiers_of_claim)
    if not grid.ratio.size:
        return Verdict(UNCHECKABLE, "the two were measured at no common speed", said)
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
        factor = np.array(turns, float).reshape(len(known), a.size, b.size)
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
        for alternatives in zip(*map(self._conditions, self.place.tolist()), strict=True):
            mine = {one for one, is_one in zip(alternatives, is_some, strict=True) if is_one}
            if len(mine) < len(set(alternatives)):
                found.append(alternatives[0][-1].format(" or ".join(text for _, text, _ in sorted(mine))))
        return tuple(found)

    def _conditions(self, place: Sequence[int]) -> list[tuple]:
        """What could be chosen otherwise at a place: a key to sort by, the choice in words, and a frame for them."""
        workload, tier, a, b, speed = place
        (_, isl, osl), readings = self.workloads[workload]
        at, name = float(readings.speeds[speed]), self.tiers[tier].name
        asked = (0.0, "peak") if math.isnan(at) else (at, f"{at:g}")
        chosen = [((isl, osl), f"{isl}/{osl}", "{} tokens"), (*asked, "{} tok/s per user")]
        for way in (readings.configurations[a], readings.configurations[b]):
            texts = (way.precision.upper(), way.speculation, way.topology, way.framework or "engine not stated")
            chosen += [(text, f"{way.gpu.upper()} {text}", "{}") for text in texts]
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
