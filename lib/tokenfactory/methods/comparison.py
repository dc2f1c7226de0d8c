"""The cost of a token on two systems, from inputs that nobody knows exactly: what is drawn, and what follows.

An input that both systems share has one name; others end in their system, such as `utilisation_frac_gb300`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tokenfactory.formulas import cost, finance
from tokenfactory.methods import sensitivity
from tokenfactory.methods.ownership import NEEDED
from tokenfactory.methods.readings import BEST, Answer, Pair
from tokenfactory.methods.sensitivity import Empirical, Input, LogNormal, RankCorrelation, Triangular
from tokenfactory.methods.serving import Curves

BUILT, USE, SPEED = "owned", "utilisation_frac", "tok_per_s_per_gpu"
CONFIGURATION, MIX = "serving_configuration", "token_mix"  # factors on the ratio of the throughputs
NEAR = 1.35  # pairs within this factor of a speed stand for other serving configurations at that speed
NINE_IN_TEN = 1.645  # standard deviations to either side
Ends = tuple[float, float, float]


def fair_pairs(curves: Mapping[tuple, Curves], gpus: Sequence[str]) -> list[tuple[tuple, Pair]]:
    """Every fair pair of two systems with its lengths: best against best, and the same format and MTP on both."""
    return [(mix, pair) for mix, one in curves.items() for pair in (*one.pairs(*gpus), *one.like_for_like(*gpus))]


def num_unpaired(curves: Mapping[tuple, Curves], pairs: Sequence[tuple[tuple, Pair]], gpus: Sequence[str]) -> int:
    """How many of the best points of two systems are in no pair, best against best.

    At their speed the other system is not measured, or only across a wide gap, or a faster point of one side beats it.
    """
    paired = {(mix, pair.speed) for mix, pair in pairs if pair.condition.label == BEST}
    sides = [(mix, one.where(lambda c, gpu=gpu: c.gpu == gpu)) for mix, one in curves.items() for gpu in gpus]
    return sum((mix, speed) not in paired for mix, side in sides for speed in side.best_speeds.tolist())


def factors_of(
    pairs: Sequence[tuple[tuple, Pair]], answers: Mapping[tuple, Mapping[str, Answer]], gpus: Sequence[str],
    lengths: tuple, speed: float,
) -> dict[str, list[float]]:  # fmt: skip
    """What another serving configuration, or another mix of tokens, does to the ratio of the throughputs.

    Parameters
    ----------
    pairs : of `fair_pairs`
    answers : of each pair of lengths what both systems make at the speed
    gpus : subject and baseline
    lengths, speed : of the question
    """

    def ratio(found: Mapping[str, Answer]) -> float:
        return found[gpus[0]].best.tput_per_gpu / found[gpus[1]].best.tput_per_gpu

    best = ratio(answers[lengths])
    near = [p.ratio / best for mix, p in pairs if mix == lengths and 1 / NEAR <= p.speed / speed <= NEAR]
    mixes = [ratio(found) / best for found in answers.values() if all(one.ranks for one in found.values())]
    return {CONFIGURATION: sorted([*near, 1.0]), MIX: sorted(mixes)}


def sigma_of(answer: Answer, given: float = 0.0) -> float:
    """Standard deviation of the logarithm of a throughput: a given one, or that of its band over days and pools."""
    wide = math.log(answer.best.high_other_day / answer.best.low_other_day) / (2 * NINE_IN_TEN)
    return given or (wide if math.isfinite(wide) else 0.2)


@dataclass(frozen=True)
class Comparison:
    """Two systems, subject and baseline, with everything that is drawn.

    Parameters
    ----------
    gpus : subject and baseline
    rows : of each system the rows of owning it, by parameter
    use : of each system the low, value and high of its utilisation [0..1]
    books : of each published kind of hour, and each system, low, value and high [USD/(GPU h)]
    tput : of each system its throughput [tok/(s GPU)]
    sigma : of each system the standard deviation of the throughput's logarithm
    factors : of `factors_of`
    use_correlation : rank correlation of the use of both
    """

    gpus: tuple[str, str]
    rows: Mapping[str, Mapping[str, Mapping]]
    use: Mapping[str, Ends]
    books: Mapping[str, Mapping[str, Ends]]
    tput: Mapping[str, float]
    sigma: Mapping[str, float]
    factors: Mapping[str, Sequence[float]]
    use_correlation: float

    @property
    def tiers(self) -> list[str]:
        """Kinds of an hour that both systems have, the built one first."""
        return [BUILT] * all(rows.keys() >= NEEDED for rows in self.rows.values()) + list(self.books)

    @cached_property
    def shared(self) -> set[str]:
        """Inputs of owning that one row says of both."""
        ours, theirs = self.rows[self.gpus[0]], self.rows[self.gpus[-1]]
        return {name for name, row in ours.items() if row["key"] == theirs.get(name, {}).get("key")}

    def ends_of(self, tier: str) -> dict[str, Ends]:
        """Low, value and high of every input of the hours of a tier, by its name."""
        if tier != BUILT:
            return {f"{tier}_{gpu}": ends for gpu, ends in self.books[tier].items()}
        found = {}
        for gpu in self.gpus:
            for name, row in self.rows[gpu].items():
                ends = row["low"], row["value"], row["high"]
                found[name if name in self.shared else f"{name}_{gpu}"] = ends
        return found

    @cached_property
    def of_use(self) -> dict[str, Ends]:
        return {f"{USE}_{gpu}": self.use[gpu] for gpu in self.gpus}

    @cached_property
    def base(self) -> dict[str, float]:
        """The value of every input."""
        ends = self.of_use | {name: e for tier in self.tiers for name, e in self.ends_of(tier).items()}
        found = {name: value for name, (_, value, _) in ends.items()}
        return found | {f"{SPEED}_{gpu}": t for gpu, t in self.tput.items()} | dict.fromkeys(self.factors, 1.0)

    @cached_property
    def uncertain(self) -> dict[str, Input]:
        """Every input that has a range, as it is drawn."""
        ends = self.of_use | {name: e for tier in self.tiers for name, e in self.ends_of(tier).items()}
        found: dict[str, Input] = {name: Triangular(*e) for name, e in ends.items() if e[0] < e[2]}
        found |= {f"{SPEED}_{gpu}": LogNormal(t, self.sigma[gpu]) for gpu, t in self.tput.items()}
        return found | {name: Empirical(values) for name, values in self.factors.items() if values[0] < values[-1]}

    @property
    def together(self) -> RankCorrelation | None:
        """What moves together: one demand fills both systems."""
        same = [name for name in self.of_use if name in self.uncertain]
        rho = self.use_correlation
        return RankCorrelation(same, [[1, rho], [rho, 1]]) if len(same) == 2 else None

    def spans(self, tier: str) -> dict[str, tuple[float, float]]:
        """The range of every input that moves the ratio of a tier; nine of ten draws of a throughput."""
        found = {n: (low, high) for n, (low, _, high) in (self.of_use | self.ends_of(tier)).items() if low < high}
        for gpu, t in self.tput.items():
            outer = math.exp(NINE_IN_TEN * self.sigma[gpu])
            found[f"{SPEED}_{gpu}"] = t / outer, t * outer
        return found | {name: (v[0], v[-1]) for name, v in self.factors.items() if v[0] < v[-1]}

    def hour(self, tier: str, gpu: str, x: Mapping):
        """The hour of a system in a tier, from inputs [USD/(GPU h)]."""
        if tier != BUILT:
            return x[f"{tier}_{gpu}"]
        own = {name: x[name if name in self.shared else f"{name}_{gpu}"] for name in self.rows[gpu]}
        return sum(finance.system_parts(**own).values())

    def usd_per_mtok(self, tier: str, gpu: str, x: Mapping):
        """What a million tokens cost on a system [USD/Mtok]."""
        rate = x[f"{SPEED}_{gpu}"] * (x[CONFIGURATION] * x[MIX] if gpu == self.gpus[0] else 1)
        hour = self.hour(tier, gpu, x)
        return cost.usd_per_mtok(usd_per_gpu_hour=hour, tok_per_s_per_gpu=rate, utilisation_frac=x[f"{USE}_{gpu}"])

    def ratio(self, tier: str, x: Mapping):
        """How many times less a token costs on the subject."""
        return self.usd_per_mtok(tier, self.gpus[1], x) / self.usd_per_mtok(tier, self.gpus[0], x)

    def results(self, **drawn) -> dict[str, np.ndarray]:
        """Costs, ratio and whether the subject costs less, of every tier, for a simulation."""
        x = self.base | drawn
        found = {f"{tier} {gpu}": self.usd_per_mtok(tier, gpu, x) for tier in self.tiers for gpu in self.gpus}
        ratios = {tier: self.ratio(tier, x) for tier in self.tiers}
        found |= {f"{tier} ratio": one for tier, one in ratios.items()}
        return found | {f"{tier} is_cheaper": one > 1 for tier, one in ratios.items()}

    def chances(self, pairs: Sequence[tuple[tuple, Pair]], draws: Mapping[str, np.ndarray]) -> list[dict]:
        """Of each fair pair the share of draws in which the subject costs less, under the name of every tier.

        The throughputs of the pair stand in the place of the best ones, with the same spread. No pair is left out.
        """
        fixed = self.base | dict(draws) | dict.fromkeys(self.factors, 1.0)
        drawn = {tier: self.ratio(tier, fixed) for tier in self.tiers}
        best, found = self.tput[self.gpus[0]] / self.tput[self.gpus[1]], []
        for mix, pair in pairs:
            share = {t: sensitivity.probability_cheaper(1.0, r * (pair.ratio / best)) for t, r in drawn.items()}
            same = "best of each" if pair.condition.label == BEST else pair.condition.label
            found.append({"mix": mix, "pair": pair, "same": same} | share)
        return found

    def choices(self, ways: Mapping[str, str], draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Draws of what each way to have each system costs, such as "own GB300", where its tier is known [USD/Mtok]."""
        x = self.base | dict(draws)
        known = {way: tier for way, tier in ways.items() if tier in self.tiers}
        return {f"{way} {g.upper()}": self.usd_per_mtok(tier, g, x) for way, tier in known.items() for g in self.gpus}


def turning(both: Comparison, tier: str) -> dict[str, float]:
    """The single inputs that make the two tie within their range, and where."""
    found = sensitivity.flips(lambda **x: both.ratio(tier, x), both.base, both.spans(tier), target=1)
    return {name: value for name, value in found.items() if value is not None}
