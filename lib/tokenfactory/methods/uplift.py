"""What each change of a stack is worth: pairs that differ in one thing, steps that multiply to the whole, fair shares.

A chain of states leads from a baseline to a subject. Between two neighbours one thing changes, and the ratio of their
values is that thing's factor. A state that nobody measured joins its two steps to one, which is marked: the whole is
known, its parts are not. Shares that do not depend on the order need every combination measured (`shares`).

Pairs come in two kinds, which answer two questions. At equal speed per user (`at_equal_speed`) a user notices nothing,
and the gain shows in throughput; at equal concurrency (`paired`) both move.

References
----------
L. S. Shapley, "A Value for n-Person Games", 1953; applied to logarithms, so that factors multiply.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tokenfactory.errors import TokenFactoryError
from tokenfactory.methods import sensitivity
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

    Examples
    --------
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
        hows = [how for how in dict.fromkeys((*before[2:], *state[2:])) if how != MEASURED]
        status = NOT_MEASURED if len(names) > 1 else "; ".join(hows) or MEASURED
        steps.append(Step(" and ".join(names), state[1] / before[1], status))
        names, before = [], state
    return steps


def _is_missing(value: float | None) -> bool:
    return value is None or not value > 0 or not math.isfinite(value)


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
    fair, found = sensitivity.shapley(results), []
    for name in names:
        gains = [results[some | {name}] / results[some] for some in every if name not in some]
        found.append(Share(name, fair[name], min(gains), max(gains)))
    return found


def paired(key: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that have the same key and neighbouring values: numbers of the rows with the lower and the higher value.

    Parameters
    ----------
    key : a whole number for everything that must be the same
    value : a whole number for the thing that differs; of rows with the same key and value the last one counts

    Notes
    -----
    One sort and one pass. With two values all pairs are found, with more (days) those of neighbours.

    Examples
    --------
    >>> low, high = paired(np.array([7, 8, 7, 7, 9]), np.array([0, 0, 1, 2, 1]))
    >>> low.tolist(), high.tolist()
    ([0, 2], [2, 3])
    """
    order = np.lexsort((value, key))
    k, v = key[order], value[order]
    is_last = np.append((k[1:] != k[:-1]) | (v[1:] != v[:-1]), True)[: k.size]
    order, k = order[is_last], k[is_last]
    same = np.flatnonzero(k[1:] == k[:-1])
    return order[same], order[same + 1]


def numbered(*columns: Sequence[Hashable]) -> np.ndarray:
    """A whole number for each row, the same for rows that agree in every column.

    Examples
    --------
    >>> numbered(["a", "b", "a"], [1, 1, 1]).tolist()
    [0, 1, 0]
    """
    total = None
    for column in columns:
        values = column if isinstance(column, np.ndarray) else np.asarray([str(one) for one in column])
        _, codes = np.unique(values, return_inverse=True)
        total = codes if total is None else total * (codes.max(initial=0) + 1) + codes
        if total.max(initial=0) > 2**31:
            total = np.unique(total, return_inverse=True)[1]
    return total


DEPLOYMENT = (
    *("gpu", "model", "framework", "precision", "spec_decoding", "isl", "osl", "conc", "num_gpu", "num_prefill_gpu"),
    *("num_decode_gpu", "decode_tp", "decode_ep", "decode_dp_attention"),
)


def same_batch(rows: Sequence[Mapping], field: str, before: str, after: str) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of rows of the same deployment at the same concurrency that differ in one field alone.

    Parameters
    ----------
    rows : rows of the view `deployments`, old ones first: of repeated runs the last one counts
    field : the one field of `DEPLOYMENT` that differs, `before` to `after`
    """
    chosen = np.array([i for i, row in enumerate(rows) if row[field] in (before, after)], int)
    key = numbered(*([rows[i][name] for i in chosen] for name in DEPLOYMENT if name != field))
    low, high = paired(key, np.array([rows[i][field] == after for i in chosen], int))
    return chosen[low], chosen[high]


def over_time(rows: Sequence[Mapping], *, least_days: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first and the last run of every deployment, and the days between them, at least so many.

    Parameters
    ----------
    rows : rows of the view `deployments`; those without a day take no part
    """
    dated = np.array([i for i, row in enumerate(rows) if row["as_of"]], int)
    key = numbered(*([rows[i][name] for i in dated] for name in DEPLOYMENT))
    day = np.array([rows[i]["as_of"].toordinal() for i in dated], int)
    order = np.lexsort((day, key))
    starts = np.flatnonzero(np.append(True, np.diff(key[order]) != 0)[: key.size])
    ends = np.append(starts[1:], key.size) - 1
    first, last = order[starts], order[ends[: starts.size]]
    days = day[last] - day[first]
    is_long = days >= least_days
    return dated[first[is_long]], dated[last[is_long]], days[is_long]


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
    found: dict[tuple, list[float]] = {}
    kinds = [("number format", *same_batch(rows, "precision", "fp8", "fp4"), None)]
    kinds.append(("speculation", *same_batch(rows, "spec_decoding", "none", "mtp"), None))
    kinds.append(("software", *over_time(rows, least_days=least_days)))
    for kind, before, after, days in kinds:
        for i, (a, b) in enumerate(zip(before, after, strict=True)):
            factor = rows[b]["tput_per_gpu"] / rows[a]["tput_per_gpu"]
            factor = factor if days is None else float(per_100_days(factor, days[i]))
            found.setdefault((kind, rows[b]["gpu"], rows[b]["framework"]), []).append(factor)
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


def differences(configurations: Sequence[ServingConfiguration]) -> list[tuple[str, int, int]]:
    """Pairs of measured configurations that differ in exactly one field: the field and their two numbers.

    Days may differ: hardly two configurations were run on one day. What a source does not state is equal to nothing.

    Examples
    --------
    >>> fp8, fp4, mtp = (ServingConfiguration("x1", "e", *told, False, None)
    ...                  for told in (("fp8", "none"), ("fp4", "none"), ("fp4", "mtp")))
    >>> differences([fp8, fp4, mtp])
    [('precision', 0, 1), ('spec_decoding', 1, 2)]
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


def at_equal_speed(readings: SpeedTable, baseline: int, subject: int) -> np.ndarray:
    """Throughput of one configuration over that of another at each speed; NaN where one of them is not measured.

    Readings across a gap of more than `WIDE_GAP` count as not measured here: no factor is worth what it rests on.
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
    for field, *pair in differences(curves.configurations):
        for a, b in (pair, pair[::-1]):
            old, new = curves.configurations[a], curves.configurations[b]
            name = asked.get((field, getattr(old, field), getattr(new, field)))
            if name and new.gpu in gpus:
                row = {"what": name, "label": f"{new.gpu.upper()} {new} over {old}", "gpu": new.gpu}
                gain = at_equal_speed(readings, a, b)
                piece = np.cumsum(np.isnan(gain))  # a line is one piece until something is not measured
                for column in np.flatnonzero(~np.isnan(gain)):
                    told = {"piece": int(piece[column]), "speed": float(readings.speeds[column])}
                    found.append(row | told | {"gain": float(gain[column])})
    return found


def per_100_days(ratio: np.ndarray, days: np.ndarray) -> np.ndarray:
    """A factor over some days as a factor over a hundred: ratio^(100 / days) (definition).

    Examples
    --------
    >>> round(float(per_100_days(1.44, 200)), 9)
    1.2
    """
    return np.asarray(ratio, float) ** (100 / np.asarray(days, float))


def state(curves: Curves, *, gpu: str, precision: str, spec_decoding: str, engine: str, speed: float):
    """The reading of one state of the stack at a speed per user, by the common rule; None: not measured.

    Readings of a source name no engine; as everywhere they answer only where nothing measured does.
    """
    wanted = (gpu, precision, spec_decoding)
    engines = (engine, None)
    mine = curves.where(lambda one: (one.gpu, one.precision, one.spec_decoding) == wanted and one.framework in engines)
    answer = mine.at_speed(speed, [gpu])[gpu]
    return answer.best if answer.ranks else None
