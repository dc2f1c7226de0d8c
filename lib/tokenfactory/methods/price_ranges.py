"""Low, middle and high of what a million tokens cost: the range of an hour over the band of a throughput."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tokenfactory.formulas import cost
from tokenfactory.methods.lifetime import of_hour as of_life
from tokenfactory.methods.serving import Curves

ENDS = ("low", "value", "high")
LEAST_FRAC = 0.005  # what moved by less has not moved


@dataclass(frozen=True)
class Range:
    """What a million tokens cost on a GPU by whose hour [USD/Mtok].

    Beside it the hour [USD/(GPU h)] and the throughput [tok/(s GPU)] of the middle.
    """

    gpu: str
    basis: str
    low: float
    value: float
    high: float
    usd_per_gpu_hour: float
    tput_per_gpu: float


def of_hour(rows: Mapping[str, Mapping]) -> dict[str, Mapping]:
    """The values of those inputs of a life that its owned hour asks for."""
    return of_life({name: row["value"] for name, row in rows.items()})


def of(hours: Iterable[Mapping], curves: Curves, *, speed: float, utilisation_frac: float) -> list[Range]:
    """A range for each hour whose system was measured at the speed.

    Parameters
    ----------
    hours : rows with gpu, basis, low, value and high [USD/(GPU h)]
    speed : what users are promised [tok/(s user)]
    utilisation_frac : share of the hours that is used [0..1]

    Notes
    -----
    The low hour is divided by the high end of the band and the high hour by its low end, so the ends hold for both.
    Where a band could not be learned the throughput has no ends.
    """
    found = []
    for row in hours:
        answer = curves.at_speed(speed, [row["gpu"]])[row["gpu"]]
        if not answer.ranks:
            continue
        best = answer.best
        tput = {"low": best.high, "value": best.tput_per_gpu, "high": best.low}
        usd = [
            float(cost.usd_per_mtok(
                usd_per_gpu_hour=row[end], utilisation_frac=utilisation_frac,
                tok_per_s_per_gpu=tput[end] if tput[end] == tput[end] else best.tput_per_gpu))
            for end in ENDS
        ]  # fmt: skip
        found.append(Range(row["gpu"], row["basis"], *usd, row["value"], best.tput_per_gpu))
    return found


def moved(now: Iterable[Range], kept: Iterable[Range]) -> list[tuple[Range, Range]]:
    """Ranges of which an end or the middle is no longer what an edition kept, beside what it was; the most moved first.

    >>> old, dearer, new = (Range(gpu, "own", 1.0, usd, 3.0, usd, 9.0) for gpu, usd in (("x", 2), ("x", 2.5), ("y", 2)))
    >>> [(one.value, was.value) for one, was in moved([dearer, new], [old])], moved([old], [old])
    ([(2.5, 2)], [])
    """
    known = {(one.gpu, one.basis): one for one in kept}
    pairs = [(one, known[one.gpu, one.basis]) for one in now if (one.gpu, one.basis) in known]

    def far(pair: tuple[Range, Range]) -> float:
        one, was = pair
        return max(abs(getattr(one, end) / getattr(was, end) - 1) for end in ENDS)

    return sorted((pair for pair in pairs if far(pair) > LEAST_FRAC), key=far, reverse=True)


def why(now: Range, before: Range) -> str:
    """What moved between two editions of a range, in words: the hour, the throughput, both or nothing.

    >>> new, old = (Range("x", "owned", 1, 2, 3, hour, tput) for hour, tput in ((2.0, 900.0), (2.5, 600.0)))
    >>> why(new, old), why(old, old)
    ('hour -20%, throughput +50%', 'nothing')
    """
    moves = {
        "hour": now.usd_per_gpu_hour / before.usd_per_gpu_hour,
        "throughput": now.tput_per_gpu / before.tput_per_gpu,
    }
    told = [f"{name} {100 * (times - 1):+.0f}%" for name, times in moves.items() if abs(times - 1) > LEAST_FRAC]
    return ", ".join(told) or "nothing"
