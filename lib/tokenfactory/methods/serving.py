"""What each system makes at the speed that users need: one reading, shared by all notebooks.

A *serving configuration* is a GPU, engine, number format, speculation and topology, as measured on one day. Measured
and derived points of one configuration are joined to a curve; points that their source has interpolated stand in curves
of their own, one for each page, and answer only where nothing measured of the same GPU, format and speculation, and no
older, does; or where the source reads its own configuration, the same day, above what the points that it shows make.
Points of runs that are known to have answered wrongly are configurations of their own, and marked.

>>> told = dict(model="m", isl=1024, osl=1024, framework="e", precision="fp8", spec_decoding="none", as_of=None,
...             is_disaggregated=False, evidence="measured", source_url="https://example.com")
>>> rows = [told | {"gpu": gpu, SPEED: speed, TPUT: tput} for gpu, speed, tput in [
...     ("x1", 20.0, 400.0), ("x1", 40.0, 200.0), ("x1", 50.0, 10.0), ("x2", 30.0, 900.0), ("x2", 60.0, 300.0)]]
>>> curves = Curves.of(rows, model="m", isl=1024, osl=1024)
>>> at_30 = curves.at_speed(30)
>>> at_30["x1"].best.tput_per_gpu.__round__(), at_30["x1"].best.how, str(at_30["x1"].best.configuration)
(321, 'interpolated', 'e FP8 no MTP aggregated')
>>> at_45 = curves.at_speed(45)["x1"]  # twenty-fold between the points on either side: not measured
>>> at_45.best, at_45.why_not
(None, 'X1 is not measured at 45 tok/s per user: the points at 40 and 50 lie too far apart to read between')
>>> at_25 = curves.at_speed(25)["x2"]  # not measured at 25, but serves it: the slowest point is faster
>>> at_25.best, at_25.at_least.tput_per_gpu, at_25.at_least.speed
(None, 900.0, 30.0)
>>> [(pair.speed, round(pair.ratio, 2)) for pair in curves.like_for_like("x2", "x1")]
[(50.0, 45.78), (40.0, 3.25), (30.0, 2.8)]

Throughput is interpolated; cost, energy and users follow from it, so that cost times throughput stays the price.
Nothing is read outside the measured range of a configuration, nor across a gap of more than `pareto.MAX_GAP`. A reading
across more than `WIDE_GAP` is answered and marked `is_wide`: it beats no other, and is in no pair and no range.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tokenfactory.errors import NotMeasuredError
from tokenfactory.formulas import cost, power, power_figure
from tokenfactory.methods import bands, pareto
from tokenfactory.methods.bands import NotCalibrated
from tokenfactory.methods.pareto import Frontiers, Interpolated, Status
from tokenfactory.methods.readings import (  # noqa: F401
    BEST,
    NOT_STATED,
    SAME_SPEED,
    SPEED,
    TPUT,
    WIDE_GAP,
    Answer,
    Bands,
    Condition,
    Pair,
    Reading,
    ServingConfiguration,
    SpeedTable,
    conditions,
    configuration_of,
    numbered,
)  # fmt: skip

COVERAGE_FRAC = 0.9
# Nine of ten repeated runs of a recipe were no farther than this from the run before, in logarithms: the public
# InferenceMAX runs of December 2025 and January 2026. Published tables hold no repeated runs.
RUN_TO_RUN_LOG = 0.05


@dataclass(frozen=True)
class Curves:
    """All serving configurations of one model and one pair of lengths, as curves of throughput over speed per user."""

    rows: Sequence[Mapping]
    configurations: Sequence[ServingConfiguration]
    knots: Frontiers
    bands: Bands

    @classmethod
    def of(cls, rows: Sequence[Mapping], *, model: str, isl: int, osl: int, learned: Bands | None = None) -> Curves:
        """The curves of one workload; bands are learned from the rows of every model and workload, where not at hand.

        Raises
        ------
        NotMeasuredError : no point of this model and these lengths; says which lengths have points
        """
        of_model = [row for row in rows if row["model"] == model]
        of_workload = [row for row in of_model if (row["isl"], row["osl"]) == (isl, osl)]
        if not of_workload:
            known = sorted({(row["isl"], row["osl"]) for row in of_model})
            have = ", ".join(f"{i}/{o}" for i, o in known) or "none"
            raise NotMeasuredError(f"no point of {model} at {isl}/{osl} tokens; lengths with points: {have}")
        return cls.of_workload(of_workload, learned or learn_bands(rows))

    @classmethod
    def of_workload(cls, rows: Sequence[Mapping], learned: Bands) -> Curves:
        """The curves of rows that are all of one workload; of none, curves that answer nothing."""
        configurations, ids = numbered(configuration_of(row) for row in rows)
        return cls(rows, configurations, _knots(rows, ids), learned)

    @property
    def gpus(self) -> list[str]:
        return sorted({configuration.gpu for configuration in self.configurations})

    def where(self, holds: Callable[[ServingConfiguration], bool]) -> Curves:
        """The curves of some configurations."""
        return Curves.of_workload([row for row in self.rows if holds(configuration_of(row))], self.bands)

    def read(self, speeds: Sequence[float]) -> SpeedTable:
        """Every configuration at every speed [tok/s per user]."""
        speeds = np.asarray(speeds, float)
        answer = pareto.interpolate(self.knots, speeds)
        number = np.arange(len(self.configurations))[:, None]
        below, above = pareto.knots_around(self.knots, number, speeds)
        self._at_ends(speeds, answer, below, above)
        y = np.append(self.knots.y, np.nan)  # one more, for the -1 of a speed where nothing is measured
        gap = y[below] / y[above]
        ends = self._band_ends(answer.value, gap, number)
        return SpeedTable(self, speeds, answer.value, answer.status, gap, below, above, *ends)

    def _at_ends(self, speeds: np.ndarray, answer: Interpolated, below: np.ndarray, above: np.ndarray) -> None:
        """Let the end of a curve answer for a speed that is as good as equal to it."""
        for end, near in (
            (self.knots.start[:-1], speeds * SAME_SPEED),
            (self.knots.start[1:] - 1, speeds / SAME_SPEED),
        ):
            x = self.knots.x[end][:, None]
            is_end = (below < 0) & (np.minimum(speeds, near) <= x) & (x <= np.maximum(speeds, near))
            row, column = np.nonzero(is_end)
            below[row, column] = above[row, column] = end[row]
            answer.value[row, column], answer.status[row, column] = self.knots.y[end[row]], Status.MEASURED

    def _band_ends(self, value: np.ndarray, gap: np.ndarray, number: np.ndarray) -> list[np.ndarray]:
        """The ends of both bands around values of these configurations."""
        # A source does not say between which points it read: at least as far apart as those of the first class.
        gap = np.where(self._is_source[number], np.maximum(gap, bands.GAP_CLASSES[1]), gap)
        group = bands.group_of(gap, self._is_disaggregated[number])
        unknown = np.full(value.shape, np.nan)
        models = self.bands.same_day, self.bands.other_day
        ends = [(unknown, unknown) if isinstance(m, NotCalibrated) else m.band(value, group) for m in models]
        return [*ends[0], *ends[1]]

    @cached_property
    def _is_source(self) -> np.ndarray:
        return np.array([not one.is_measured for one in self.configurations], bool)

    @cached_property
    def _is_at_odds(self) -> np.ndarray:
        """Which configurations a source reads, the same day, above the band of the points it shows; and its readings.

        Such points are of some recipes only, and its readings of all: MiniMax-M3 on B200 in June 2026, of which
        InferenceX shows tensor parallelism over eight GPUs alone, and reads twice as much at 60 tok/s per user.
        """
        number = {one: i for i, one in enumerate(self.configurations)}
        shown = np.array(
            [number.get(replace(one, page=""), -1) if one.page else -1 for one in self.configurations], int
        )
        at_odds = np.zeros(len(self.configurations), bool)
        knot = np.flatnonzero((self._is_source & (shown >= 0))[self._series])
        if knot.size:
            source = self._series[knot]
            ends = self.read(self.knots.x[knot]).high[shown[source], np.arange(knot.size)]
            source = source[self.knots.y[knot] > ends]
            at_odds[source] = at_odds[shown[source]] = True
        return at_odds

    @cached_property
    def _is_disaggregated(self) -> np.ndarray:
        return np.array([bool(one.is_disaggregated) for one in self.configurations], bool)

    @cached_property
    def _series(self) -> np.ndarray:
        return self.knots.series

    def at_speed(self, speed: float, gpus: Sequence[str] | None = None) -> dict[str, Answer]:
        """What each GPU makes at one speed per user [tok/s]: an `Answer` under the name of each."""
        return {gpu: answers[0] for gpu, answers in self.along([speed], gpus).items()}

    def tput(self, speed: float, gpu: str) -> float | None:
        """Throughput of the best configuration at this very speed [tok/(s GPU)]; None where none was measured."""
        answer = self.at_speed(speed, [gpu])[gpu]
        return answer.best.tput_per_gpu if answer.ranks else None

    def ends_at(self, speed: float, gpus: Sequence[str]) -> dict[str, dict[str, float]]:
        """Of each GPU with a reading its throughput under "", and the ends of its band under "_low" and "_high".

        Where no band could be learned the ends are the throughput.
        """
        found = {}
        for gpu, answer in self.at_speed(speed, gpus).items():
            if best := answer.best:
                ends = {"_low": best.low, "": best.tput_per_gpu, "_high": best.high}
                found[gpu] = {name: float(end if np.isfinite(end) else best.tput_per_gpu) for name, end in ends.items()}
        return found

    def along(self, speeds: Sequence[float], gpus: Sequence[str] | None = None) -> dict[str, list[Answer]]:
        """`at_speed` for many speeds: a list of answers, in their order, under the name of each GPU."""
        readings = self.read(speeds)
        found = {}
        for gpu in self.gpus if gpus is None else gpus:
            best = readings.best(lambda one, gpu=gpu: one.gpu == gpu)
            is_own = np.array([one.gpu == gpu for one in self.configurations], bool)[self._series]
            mine = np.flatnonzero(is_own & self._is_knot_usable)
            found[gpu] = [self._answer(gpu, readings, column, mine, one) for column, one in enumerate(best)]
        return found

    def _answer(self, gpu: str, readings: SpeedTable, column: int, mine: np.ndarray, best: int) -> Answer:
        asked, exact = float(readings.speeds[column]), readings.one(best, column)
        knots, series = self.knots, self._series
        below, above = mine[knots.x[mine] < asked], mine[knots.x[mine] > asked]
        most = self._point(above[knots.y[above].argmax()]) if above.size else None
        if exact and not exact.is_wide and (most is None or exact.tput_per_gpu >= most.tput_per_gpu):
            most = exact
        ends = [below[knots.x[below].argmax()] if below.size else -1]
        ends.append(above[knots.x[above].argmin()] if above.size else -1)
        in_gap = np.intersect1d(np.flatnonzero(readings.status[:, column] == Status.IN_GAP), series[mine])
        if in_gap.size and exact is None:  # the ends of the gap that hides most
            hidden = in_gap[readings.in_gap[in_gap, column].argmax()]
            ends = [readings.below[hidden, column], readings.above[hidden, column]]
        return Answer(gpu, asked, exact, most, *map(self._point, ends))

    def _point(self, knot: int) -> Reading | None:
        """The reading at a knot; None for knot -1."""
        if knot < 0:
            return None
        number, value = self._series[[knot]], self.knots.y[[knot]]
        ends = [float(end[0]) for end in self._band_ends(value, np.ones(1), number)]
        row = self.rows[self.knots.point[knot]]
        configuration = self.configurations[int(number[0])]
        at_odds = bool(self._is_at_odds[number[0]])
        return Reading(
            configuration, float(self.knots.x[knot]), float(value[0]), *ends, Status.MEASURED, (row,), at_odds
        )

    @cached_property
    def _is_knot_usable(self) -> np.ndarray:
        """Whether a knot is measured, or stands in for what is not: only readings of a source may be neither."""
        usable = np.ones(self.knots.x.size, bool)
        of_source = np.flatnonzero(self._is_source[self._series])
        if of_source.size:
            readings = self.read(self.knots.x[of_source])
            usable[of_source] = readings.is_usable[self._series[of_source], np.arange(of_source.size)]
        return usable

    def pairs(self, subject: str, baseline: str, condition: Condition | None = None) -> list[Pair]:
        """Every equally fast pair of the best of two GPUs under a condition, the best for the subject first.

        A pair stands at each speed of a point of either side that no other point of its side beats, where the other
        side answers too. There is no grid: a pair comes or goes only with a point that nothing beats. Wide readings,
        and readings that a faster point of their side beats, are in no pair.
        """
        condition = condition or Condition(BEST, {})
        gpus = (subject, baseline)
        sides = [self.where(lambda one, gpu=gpu: one.gpu == gpu and condition.holds(one)) for gpu in gpus]
        speeds = np.unique(np.concatenate([side.best_speeds for side in sides]))
        answers = [side.along(speeds, [gpu])[gpu] for side, gpu in zip(sides, gpus, strict=True)]
        found = [
            Pair(condition, a.asked, a.best, b.best)
            for a, b in zip(*answers, strict=True)
            if a.ranks and a.best is a.at_least and b.ranks and b.best is b.at_least
        ]
        return sorted(found, key=lambda pair: (-pair.ratio, pair.speed))

    @property
    def best_speeds(self) -> np.ndarray:
        """The speeds of the points that no other point beats, of any configuration."""
        knot = np.flatnonzero(self._is_knot_usable)
        return pareto.pareto_front(np.zeros(knot.size, int), self.knots.x[knot], self.knots.y[knot]).x

    def like_for_like(
        self, subject: str, baseline: str, same: tuple[str, ...] = ("precision", "spec_decoding")
    ) -> list[Pair]:
        """Every pair of `pairs` under every condition on the fields `same` that both GPUs share, the best first."""
        shared = [c for c in conditions(self.configurations, subject, baseline) if tuple(c.same) == same]
        found = [pair for condition in shared for pair in self.pairs(subject, baseline, condition)]
        return sorted(found, key=lambda pair: (-pair.ratio, pair.speed, pair.condition.label))


def by_lengths(rows: Sequence[Mapping], *, model: str, also: tuple[int, int]) -> dict[tuple[int, int], Curves]:
    """The curves of a model at each pair of lengths (input, output) that has a point, the shortest first.

    `also` are lengths that get curves in any case, if only such as answer nothing [tok].
    """
    learned, of_mix = learn_bands(rows), {also: []}
    for row in rows:
        if row["model"] == model and row["isl"] and row["osl"]:
            of_mix.setdefault((row["isl"], row["osl"]), []).append(row)
    return {mix: Curves.of_workload(of_mix[mix], learned) for mix in sorted(of_mix)}


def _knots(rows: Sequence[Mapping], ids: np.ndarray) -> Frontiers:
    return pareto.pareto_front(ids, [row[SPEED] for row in rows], [row[TPUT] for row in rows])


def measured_curves(rows: Sequence[Mapping]) -> tuple[list[tuple], Frontiers]:
    """The curves of all measured configurations: (model, isl, osl, configuration) of each."""
    rows = [row for row in rows if (row.get("evidence") or "measured") == "measured"]
    labels, ids = numbered((row["model"], row["isl"], row["osl"], configuration_of(row)) for row in rows)
    return labels, _knots(rows, ids)


def learn_bands(rows: Sequence[Mapping]) -> Bands:
    """Learn both bands from all measured points there are, of every model and workload."""
    labels, knots = measured_curves(rows)
    pools = np.array([bool(label[-1].is_disaggregated) for label in labels])
    recipes = [(*label[:-1], label[-1].framework, *label[-1].recipe) for label in labels]
    learn = {"repeat_log": RUN_TO_RUN_LOG, "coverage_frac": COVERAGE_FRAC}
    return Bands(
        bands.calibrate(bands.leave_one_out(knots, pools), **learn),
        bands.calibrate(bands.other_days(knots, numbered(recipes)[1], pools), **learn),
    )


SCOPES = {
    "total": lambda *, total, isl_tok, osl_tok: total,
    "output": cost.output_scope,
    "input": cost.input_scope,
}


def figures(
    reading: Reading | None,
    *,
    isl: int,
    osl: int,
    token_scope: str = "total",
    usd_per_gpu_hour: float | None = None,
    kw_per_gpu: float | None = None,
) -> dict:
    """What follows from a reading: its throughput in the counted tokens, cost and power, with the ends of its band.

    Parameters
    ----------
    reading : from `Curves`; of none all figures are None
    token_scope : the tokens counted: total, output or input
    usd_per_gpu_hour, kw_per_gpu : without a price there is no cost, without a power no throughput per megawatt

    Returns
    -------
    tput, tput_low, tput_high [tok/(s GPU)], usd_per_mtok, usd_per_mtok_low, usd_per_mtok_high [USD/Mtok],
    tok_per_s_per_mw [tok/(s MW)], num_gpu_per_1000_users [GPU]

    Notes
    -----
    GPUs per 1,000 users is 1000 v / o, with the speed per user v and the output tokens per second and GPU o: users who
    all receive tokens at that speed at the same time.
    """
    row = dict.fromkeys(_FIGURES)
    if reading is None:
        return row
    lengths = dict(isl_tok=isl, osl_tok=osl)
    totals = reading.tput_per_gpu, reading.low, reading.high
    tput, low, high = (float(SCOPES[token_scope](total=total, **lengths)) for total in totals)
    out = cost.output_scope(total=reading.tput_per_gpu, **lengths)
    row |= {"tput": tput, "tput_low": low, "tput_high": high, "num_gpu_per_1000_users": 1000 * reading.speed / out}
    if usd_per_gpu_hour is not None:
        for name, rate in (("", tput), ("_low", high), ("_high", low)):
            row[f"usd_per_mtok{name}"] = cost.usd_per_mtok(usd_per_gpu_hour=usd_per_gpu_hour, tok_per_s_per_gpu=rate)
    if kw_per_gpu is not None:
        row["tok_per_s_per_mw"] = power.tok_per_s_per_mw(tok_per_s_per_gpu=tput, kw_per_gpu=kw_per_gpu)
    return row


_FIGURES = (
    *("tput", "tput_low", "tput_high", "usd_per_mtok", "usd_per_mtok_low", "usd_per_mtok_high"),
    *("tok_per_s_per_mw", "num_gpu_per_1000_users"),
)


def table(
    curves: Curves,
    speeds: Sequence[float],
    gpus: Sequence[str],
    *,
    usd_per_gpu_hour: Mapping[str, float],
    kw_per_gpu: Mapping[str, float],
    **counted,
) -> list[dict]:
    """The best of each GPU at each speed, with the `figures` of its reading: one row per speed and GPU.

    Where nothing was measured the figures are None, `how` and `why_not` say so, and `nearest` is the nearest point.
    `at_least` is what serves the speed or a faster one with most throughput, at the cost `usd_per_mtok_at_least`.

    Parameters
    ----------
    counted : isl, osl and token_scope, as in `figures`

    Raises
    ------
    MixedBasisError : power figures that carry bases, and not all the same one
    """
    power_figure.check_together(kw_per_gpu.values())
    rows = []
    for answers in zip(*curves.along(speeds, gpus).values(), strict=True):
        for answer in answers:
            gpu, best = answer.gpu, answer.best
            known = {"usd_per_gpu_hour": usd_per_gpu_hour.get(gpu), "kw_per_gpu": kw_per_gpu.get(gpu)}
            faster = figures(answer.at_least, **known, **counted)["usd_per_mtok"]
            rows.append(figures(best, **known, **counted) | {
                "gpu": gpu, "speed": answer.asked, "answer": answer, "why_not": answer.why_not,
                "at_least": answer.at_least, "usd_per_mtok_at_least": faster,
                "configuration": best and best.configuration, "how": best.how if best else "not measured",
                "is_wide": bool(best and best.is_wide), "nearest": answer.nearest,
            })  # fmt: skip
    return rows
