"""What each change of a stack is worth: pairs that differ in one thing, steps that multiply to the whole, fair shares.

A chain of states leads from a baseline to a subject. Between two neighbours one thing changes, and the ratio of their
values is that thing's factor. A state that nobody measured joins its two steps to one, which is marked: the whole is
known, its parts are not. Shares that do not depend on the order need every combination measured (`shares`).

Pairs come in two kinds, which answer two questions. At equal speed per user (`worth`) a user notices
nothing, and the gain shows in throughput; at equal concurrency (`gains`) both move.

References
----------
L. S. Shapley, "A Value for n-Person Games", 1953; applied to logarithms, so that factors multiply.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tokenfactory.errors import TokenFactoryError
from tokenfactory.methods.serving import WIDE_GAP, Curves, ServingConfiguration, SpeedTable

MEASURED, NOT_MEASURED = "measured", "not measured"


@dataclass(frozen=True)
class Step:
    """One bar of a waterfall: what changed, the factor, and whether that factor was measured by itself."""

    name: str
    factor: float | None
    status: str = MEASURED


def chain(states: Sequence[tuple]) -> list[Step]:
    """Steps from state to state whose factors multiply to the last value over the first.

    Parameters
    ----------
    states : name of the change that leads here (of the first: anything), the value, None where nobody measured it, and
        how it was found where that was not by a measurement at this very speed

    Raises
    ------
    TokenFactoryError : the first or the last value is not measured, so there is no whole to explain

    >>> chain([("H200", 92.6), ("GB300", 1485.5, "interpolated"), ("FP4", 5955.4)])[0]
    Step(name='GB300', factor=16.042116630669547, status='interpolated')
    >>> chain([("H200", 2.0), ("GB300", None), ("FP4", 10.0)])
    [Step(name='GB300 and FP4', factor=5.0, status='not measured')]
    """
    if len(states) < 2 or any(_is_missing(states[end][1]) for end in (0, -1)):
        raise TokenFactoryError("a chain needs at least two states, and its first and its last one measured")
    steps, names, before = [], [], states[0]
    for state in states[1:]:
        names.append(state[0])
        if _is_missing(state[1]):
            continue
        status = NOT_MEASURED if len(names) > 1 else together([*before[2:], *state[2:]])
        steps.append(Step(" and ".join(names), state[1] / before[1], status))
        names, before = [], state
    return steps


def together(hows: Sequence[str]) -> str:
    """How a factor of values known in these ways is known.

    >>> together(["interpolated", "measured", "interpolated, partly derived from latencies"])
    'interpolated, partly derived from latencies'
    """
    others = [how for how in dict.fromkeys(hows) if how != MEASURED]
    return "; ".join(h for h in others if not any(o.startswith(f"{h},") for o in others)) or MEASURED


def _is_missing(value: float | None) -> bool:
    return value is None or not value > 0 or not math.isfinite(value)


def routes(read: Callable, subject: str, baseline: str, sister: str | None = None) -> dict[str, list[tuple]]:
    """Ways from a baseline to a subject, each in states (what changed, (GPU, number format)); one change at a time.

    FP4 is set against FP8 only where the baseline was not read in FP4. `sister` is the subject's chip in other racks.

    Parameters
    ----------
    read : whether there is a reading of a GPU in a format

    >>> knows = {("h200", "fp8"), ("gb300", "fp8"), ("gb300", "fp4"), ("b200", "fp4")}
    >>> routes(lambda *state: state in knows, "gb300", "h200")["by platform"]
    [('', ('h200', 'fp8')), ('platform', ('gb300', 'fp8')), ('FP4', ('gb300', 'fp4'))]
    >>> routes(lambda *state: state in knows, "gb300", "b200")["by platform"]
    [('', ('b200', 'fp4')), ('platform', ('gb300', 'fp4'))]
    """
    old = "fp4" if read(baseline, "fp4") else "fp8"
    new = "fp8" if read(subject, "fp8") and not read(subject, "fp4") else "fp4"
    ways = {"by platform": [("platform", (subject, old)), (new.upper(), (subject, new))]}
    if sister:
        ways["by rack"] = [("chip", (sister, old)), (new.upper(), (sister, new)), ("rack", (subject, new))]
    found = {}
    for way, states in ways.items():
        found[way] = [("", (baseline, old))]
        found[way] += [state for state in states if old != new or state[0] != new.upper()]
    return found


def product(steps: Sequence[Step]) -> float:
    """What the steps multiply to."""
    return math.prod(step.factor for step in steps)


@dataclass(frozen=True)
class Share:
    """A fair factor of one change, and the least and most it is worth over all orders; None where not measured."""

    name: str
    factor: float | None
    low: float | None
    high: float | None


def shares(results: Mapping[frozenset[str], float | None]) -> list[Share]:
    """Shapley shares of changes, as factors, each with its range over the orders.

    Parameters
    ----------
    results : a value for every combination of changes; None where nobody measured it, and then no share is known

    Examples
    --------
    FP4 and MTP on one GPU (definition: geometric means of 333.6 / 64.4 and 5955.4 / 1485.5, and so on):

    >>> found = shares({frozenset(): 64.4, frozenset(["FP4"]): 333.6, frozenset(["MTP"]): 1485.5,
    ...                 frozenset(["FP4", "MTP"]): 5955.4})
    >>> [(share.name, *(round(value, 2) for value in (share.factor, share.low, share.high))) for share in found]
    [('FP4', 4.56, 4.01, 5.18), ('MTP', 20.29, 17.85, 23.07)]
    """
    names = sorted(frozenset().union(*results))
    every = [frozenset(some) for size in range(len(names) + 1) for some in itertools.combinations(names, size)]
    if any(_is_missing(results.get(some)) for some in every):
        return [Share(name, None, None, None) for name in names]
    orders, found = list(itertools.permutations(names)), []
    for name in names:
        before = [frozenset(order[: order.index(name)]) for order in orders]
        gains = [results[some | {name}] / results[some] for some in before]
        fair = math.exp(sum(map(math.log, gains)) / len(orders))
        found.append(Share(name, fair, min(gains), max(gains)))
    return found


DEPLOYMENT = (
    *("gpu", "model", "framework", "precision", "spec_decoding", "isl", "osl", "conc", "num_gpu", "num_prefill_gpu"),
    *("num_decode_gpu", "decode_tp", "decode_ep", "decode_dp_attention"),
)


def _same_batch(rows: Sequence[Mapping], field: str, before: str, after: str) -> list[tuple[Mapping, Mapping]]:
    """Rows of one deployment at the same concurrency whose field alone differs; of repeated runs the last one."""
    names, found = [name for name in DEPLOYMENT if name != field], {}
    for row in rows:
        if row[field] in (before, after):
            found.setdefault(tuple(row[name] for name in names), {})[row[field]] = row
    return [(pair[before], pair[after]) for pair in found.values() if len(pair) == 2]


def _over_time(rows: Sequence[Mapping], *, least_days: int) -> list[tuple[Mapping, Mapping, int]]:
    """The first and the last run of every deployment, and the days between them, at least so many."""
    runs: dict[tuple, list[Mapping]] = {}
    for row in sorted((row for row in rows if row["as_of"]), key=lambda row: row["as_of"]):
        runs.setdefault(tuple(row[name] for name in DEPLOYMENT), []).append(row)
    found = [(of[0], of[-1], (of[-1]["as_of"] - of[0]["as_of"]).days) for of in runs.values()]
    return [pair for pair in found if pair[-1] >= least_days]


def gains(rows: Sequence[Mapping], *, least_days: int = 20) -> list[dict]:
    """What one change of the same deployment at the same concurrency did to its throughput, by GPU and engine.

    Parameters
    ----------
    rows : rows of the view `deployments`, old ones first
    least_days : how far apart two runs must lie to tell of software

    Returns
    -------
    rows with kind (number format, speculation, software), gpu, framework, num, and the factor's tenth, middle and
    ninetieth percentile as low, middle and high; that of software is per hundred days
    """
    kinds = {
        "number format": _same_batch(rows, "precision", "fp8", "fp4"),
        "speculation": _same_batch(rows, "spec_decoding", "none", "mtp"),
        "software": _over_time(rows, least_days=least_days),
    }
    found: dict[tuple, list[float]] = {}
    for kind, pairs in kinds.items():
        for before, after, *days in pairs:
            factor = after["tput_per_gpu"] / before["tput_per_gpu"]
            factor = factor ** (100 / days[0]) if days else factor
            found.setdefault((kind, after["gpu"], after["framework"]), []).append(factor)
    told = []
    for (kind, gpu, framework), factors in sorted(found.items()):
        low, middle, high = (float(part) for part in np.quantile(factors, [0.1, 0.5, 0.9]))
        row = {"kind": kind, "gpu": gpu, "framework": framework, "num": len(factors)}
        told.append(row | {"low": low, "middle": middle, "high": high})
    return told


def by_engine(curves: Curves, speeds: Sequence[float], gpus: Sequence[str]) -> list[dict]:
    """What engines make of the same GPU, number format and speculation at the same speed, where two were measured."""
    readings, found = curves.read(speeds), {}
    for i, one in enumerate(curves.configurations):
        if one.gpu in gpus and one.framework and one.is_measured and not one.is_known_wrong:
            for column in np.flatnonzero(readings.is_usable[i]):
                state = (one.gpu, one.precision, one.spec_decoding, float(readings.speeds[column]))
                engines = found.setdefault(state, {})
                engines[one.framework] = max(engines.get(one.framework, 0.0), float(readings.value[i, column]))
    names = ("gpu", "precision", "spec_decoding", "speed")
    rows = []
    for state, engines in sorted(found.items()):
        best, slowest = max(engines, key=engines.get), min(engines, key=engines.get)
        if best != slowest:
            told = {"best": best, "slowest": slowest, "tput": engines[best], "ratio": engines[best] / engines[slowest]}
            rows.append(dict(zip(names, state, strict=True)) | told)
    return rows


FIELDS = ("gpu", "framework", "precision", "spec_decoding", "is_disaggregated")


def _differences(configurations: Sequence[ServingConfiguration]) -> list[tuple[str, int, int]]:
    """Pairs of measured configurations that differ in exactly one field: the field and their two numbers.

    Days may differ: hardly two configurations were run on one day. What a source does not state is equal to nothing.
    """
    groups: dict[tuple, list[int]] = {}
    for number, one in enumerate(configurations):
        told = {name: getattr(one, name) for name in FIELDS}
        if not one.is_measured or one.is_known_wrong or {None, "not stated"} & set(told.values()):
            continue
        for name in FIELDS:
            rest = tuple(value for other, value in told.items() if other != name)
            groups.setdefault((name, rest), []).append(number)
    found = []
    for (name, _), numbers in groups.items():
        for a, b in itertools.combinations(numbers, 2):
            if getattr(configurations[a], name) != getattr(configurations[b], name):
                found.append((name, a, b))
    return sorted(found, key=lambda pair: (FIELDS.index(pair[0]), pair[1:]))


def _at_equal_speed(readings: SpeedTable, baseline: int, subject: int) -> np.ndarray:
    """Throughput of one configuration over that of another at each speed; NaN where one of them is not measured.

    Across a gap of more than `WIDE_GAP` nothing counts as measured here: no factor is worth what it rests on.
    """
    usable = (readings.gap[[baseline, subject]] <= WIDE_GAP).all(axis=0)
    return np.where(usable, readings.value[subject] / readings.value[baseline], np.nan)


def worth(
    curves: Curves, speeds: Sequence[float], asked: Mapping[tuple[str, str, str], str], gpus: Sequence[str]
) -> list[dict]:
    """What single changes are worth over speed, of every measured pair that differs in nothing else but its day.

    Parameters
    ----------
    speeds : [tok/s per user]
    asked : what each change is called, by its field, the value before and the value after
    gpus : GPUs to look at, after the change

    Returns
    -------
    rows with what, label (both ends), gpu, piece (of an unbroken stretch), speed and gain, where both are measured
    """
    readings, found = curves.read(speeds), []
    for field, *pair in _differences(curves.configurations):
        for a, b in (pair, pair[::-1]):
            old, new = curves.configurations[a], curves.configurations[b]
            name = asked.get((field, getattr(old, field), getattr(new, field)))
            if name and new.gpu in gpus:
                row = {"what": name, "label": f"{new.gpu.upper()} {new} over {old}", "gpu": new.gpu}
                gain = _at_equal_speed(readings, a, b)
                piece = np.cumsum(np.isnan(gain))  # a line is one piece until something is not measured
                for column in np.flatnonzero(~np.isnan(gain)):
                    told = {"piece": int(piece[column]), "speed": float(readings.speeds[column])}
                    found.append(row | told | {"gain": float(gain[column])})
    return found


def state(curves: Curves, *, gpu: str, precision: str, spec_decoding: str, engine: str, speed: float):
    """The reading of one state of the stack at a speed per user, by the common rule; None: not measured.

    Readings of a source name no engine; as everywhere they answer only where nothing measured does.
    """
    wanted = (gpu, precision, spec_decoding)
    engines = (engine, None)
    mine = curves.where(lambda one: (one.gpu, one.precision, one.spec_decoding) == wanted and one.framework in engines)
    answer = mine.at_speed(speed, [gpu])[gpu]
    return answer.best if answer.ranks else None
