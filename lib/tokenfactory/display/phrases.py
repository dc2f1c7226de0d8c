"""Numbers and names as a person would say them, for the sentences of an answer.

The sentences of all pages are made of these, so that one thing has one wording everywhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from reportkit.text import unit_words
from tokenfactory.display.show import NOT_MEASURED, between, number, percent, short, times, usd, words
from tokenfactory.warehouse import vocabulary

ENGINES = {
    "trt": "TensorRT-LLM",
    "sglang": "SGLang",
    "vllm": "vLLM",
    "atom": "ATOM",
    "mori": "MoRI",
    "dynamo": "Dynamo",
}
SPECULATION = {"mtp": "with multi-token prediction (MTP)", "none": "without MTP"}


def day(value: date | str | None) -> str:
    """A date in prose: 2026-04-15 -> 15 April 2026."""
    if value is None:
        return "an unknown day"
    value = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{value.day} {value:%B %Y}"


def ratio(times: float) -> str:
    """How much less, or more, the first of two costs is, from second over first: 34.1 -> "34 times less".

    >>> ratio(34.08), ratio(1.4), ratio(0.5), ratio(1.004), ratio(0.8)
    ('34 times less', '29% less', '2.0 times as much', 'as much', '25% more')
    """
    if math.isnan(times):
        return NOT_MEASURED
    if abs(times - 1) < 0.005:
        return "as much"
    if times >= 2:
        return f"{number(times, 2)} times less"
    if times > 1:
        return f"{100 * (1 - 1 / times):.0f}% less"
    return f"{number(1 / times, 2)} times as much" if times <= 1 / 1.5 else f"{100 * (1 / times - 1):.0f}% more"


def as_many(times: float) -> str:
    """How many of the second the first makes: 64.24 -> "64.2 times" as many, 0.446 -> "45%" as many."""
    return f"{number(times)} times" if times >= 1 else percent(times, 1 if times < 0.1 else 0)


def times_less(ratio_of: float | None, on: str) -> tuple[str, str]:
    """Label and text of a tile that says how many times less a token costs on a system, or how much more.

    >>> times_less(34.156, "GB300"), times_less(0.585, "MI355X")
    (('Times less on GB300', '34.2x'), ('A token on MI355X', '1.7 times as much'))
    """
    if ratio_of and ratio_of < 1:
        return f"A token on {on}", ratio(ratio_of)
    return f"Times less on {on}", times(ratio_of)


def ratio_than(times: float, other: str) -> str:
    """`ratio` with what is compared: "34 times less than H200 does", "2.0 times as much as H200 does".

    >>> ratio_than(34.08, "H200"), ratio_than(0.5, "H200")
    ('34 times less than on H200', '2.0 times as much as on H200')
    """
    words = ratio(times)
    return f"{words} {'as' if words.endswith('as much') else 'than'} on {other}"


def ratio_band(low: float, high: float) -> str:
    """Both ends of a ratio of costs, once: "between 28 and 41 times less", "between 10% more and 1.3 times less"."""
    ends = [ratio(low), ratio(high)]
    if ends[0] == ends[1]:
        return ends[0]
    return f"between {number(low, 2) if low >= 2 else ends[0]} and {ends[1]}"


def money(value: float | None, more: int = 0) -> str:
    """Money in prose, two digits below a dollar and words for millions: 0.1234 -> $0.12, 3.91e8 -> $391 million.

    `more` digits than that tell amounts apart that would look alike, see `apart`.
    """
    if value is None or math.isnan(value):
        return NOT_MEASURED
    sign, size = "-" if value < 0 else "", abs(value)
    for least, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if size >= least:
            return f"{sign}${number(size / least, 3 + more)} {word}"
    if size >= 1:
        return f"{sign}${size:,.{more if size >= 1000 else 2 + more}f}"
    return usd(value, 2 + more)


MOST_MORE = 3  # digits: amounts that still look alike are the same to any reader


def apart(*values: float | None, render: Callable[..., str] = money) -> list[str]:
    """Amounts of one sentence as `money`; where two different ones would look alike, all get another digit.

    >>> apart(0.0112, 0.0114), apart(0.12, 4.2), apart(2.311, 2.314, 2.311), apart(0.5, 0.5)
    (['$0.0112', '$0.0114'], ['$0.12', '$4.20'], ['$2.311', '$2.314', '$2.311'], ['$0.50', '$0.50'])
    >>> apart(0.12, 0.34, render=cell), apart(0.12341, 0.12342, None, render=cell)
    (['$0.120', '$0.340'], ['$0.12341', '$0.12342', 'not measured'])
    """
    known = {value for value in values if value is not None and value == value}
    digits = (more for more in range(MOST_MORE + 1) if len({render(value, more) for value in known}) == len(known))
    more = next(digits, 0)
    return [render(value, more) for value in values]


def cell(value: float | None, more: int = 0) -> str:
    """Money in a table: `usd`, with `more` digits."""
    return f"${value:,.{2 + more}f}" if value and value >= 1 else usd(value, 3 + more)


def spent(usd_per_mtok: Mapping[str, float]) -> str:
    """What tokens cost on each system, by GPU, in bold: "**$0.12 on GB300** and **$4.20 on H200**"."""
    texts = apart(*usd_per_mtok.values())
    return " and ".join(f"**{text} on {gpu.upper()}**" for gpu, text in zip(usd_per_mtok, texts, strict=True))


def money_band(low: float | None, high: float | None) -> str:
    """Two ends of money: $0.09 to $0.13."""
    return NOT_MEASURED if low is None or high is None else " to ".join(apart(low, high))


def pays_above(needed_frac: float | None) -> str:
    """A break-even utilisation; above full use there is none.

    >>> pays_above(0.249), pays_above(0.041), pays_above(1.3), pays_above(None)
    ('24.9%', '4.1%', 'never', 'not measured')
    """
    return "never" if needed_frac and needed_frac > 1 else percent(needed_frac, 1)


def covers(low_frac: float, high_frac: float | None, low: str = "the lowest price", high: str = "the highest") -> str:
    """Above which utilisation the lowest and the highest of some prices cover a cost.

    >>> covers(0.249, 0.041)
    'the lowest price covers the cost above 24.9% utilisation; the highest above 4.1%'
    >>> covers(1.2, 0.094)
    'the lowest price never covers the cost; the highest does above 9.4% utilisation'
    >>> covers(0.72, None, "the one price")
    'the one price covers the cost above 72.0% utilisation'
    """
    first = f"covers the cost above {pays_above(low_frac)} utilisation" if low_frac <= 1 else "never covers the cost"
    if high_frac is None:
        return f"{low} {first}"
    second = f"above {pays_above(high_frac)}" if low_frac <= 1 else f"does above {pays_above(high_frac)} utilisation"
    return f"{low} {first}; {high} {second if high_frac <= 1 else 'never does'}"


def draws(share: float, num_draws: int) -> str:
    """A share of draws, in bold.

    >>> draws(0.78, 1000), draws(1.0, 1000), draws(0.0, 1000)
    ('**78%** of draws', 'all of 1,000 draws', 'none of 1,000 draws')
    """
    if share in (0, 1):
        return f"{'all' if share else 'none'} of {num_draws:,} draws"
    return f"**{percent(share)}** of draws"


def share_of_draws(share: float) -> str:
    """A share of draws in a table: 85.6%, and never 100.0%."""
    rounded = percent(share, 1)
    return {0.0: "none", 1.0: "all"}.get(share) or {"100.0%": "over 99.9%", "0.0%": "under 0.1%"}.get(rounded, rounded)


def to_add(key: str) -> str:
    """How a reader adds what the data lacks, under a key of a scenario file."""
    return f"To add one, put it under {key} in a copy of data/scenarios/mine.yaml."


def speed(value: float) -> str:
    """A speed of one user: 75.0 -> "75 tokens a second per user"."""
    return f"{value:,.0f} tokens a second per user" if value >= 10 else f"{number(value)} tokens a second per user"


def lengths(isl: int, osl: int) -> str:
    """Lengths of a request: "8,192 tokens in, 1,024 out"."""
    return f"{isl:,} tokens in, {osl:,} out"


def engine(framework: str | None) -> str:
    """dynamo-trt -> Dynamo TensorRT-LLM; what nobody stated is said to be unknown."""
    return " ".join(ENGINES.get(part, part) for part in framework.split("-")) if framework else "engine not stated"


def configuration(one) -> str:
    """A `ServingConfiguration` in words: "FP8 without MTP, Dynamo SGLang, February 2026"."""
    spec = SPECULATION.get(one.spec_decoding)
    form = one.precision.upper() if one.precision != "not stated" else "number format not stated"
    when = f"{one.as_of:%B %Y}" if one.as_of else "undated"
    form = f"{form} {spec}" if spec else f"{form} (MTP not stated)"
    return f"{form}, {engine(one.framework)}, {when}"


def short_configuration(one) -> str:
    """A `ServingConfiguration` in two words: "FP8 + MTP", "FP4"."""
    form = one.precision.upper() if one.precision != "not stated" else "format not stated"
    return f"{form} + MTP" if one.spec_decoding == "mtp" else form


def gpus_and_users(reading) -> str:
    """How large the deployment behind a reading is: "1,229 users on 38 GPUs"; empty where it is not stated."""
    if not reading.num_gpu or not reading.num_users:
        return ""
    users, gpus = (
        f"{v[0]:,}" if len(v) == 1 else f"{v[0]:,} to {v[-1]:,}" for v in (reading.num_users, reading.num_gpu)
    )
    return f"{users} users on {gpus} GPUs"


EVIDENCE = {"measured": "●", "derived": "◐", "interpolated": "○"}
EVIDENCE_LEGEND = (
    "● measured, ◐ derived from measured latencies, ○ interpolated by InferenceX, ~ read across a wide gap."
)


def like_for_like(pair, per_price: float) -> str:
    """An equally fast pair with what both have in common: "3.9 times less (FP8, no MTP) at 45"."""
    return f"{ratio(pair.ratio * per_price)} ({pair.condition.label.removesuffix(' on both')}) at {number(pair.speed)}"


def system(gpu: str) -> str:
    """What people call a GPU.

    >>> system("gb300"), system("rtx6000pro"), system("r300")
    ('GB300', 'RTX PRO 6000', 'R300')
    """
    return vocabulary.gpus().get(gpu, {}).get("name") or gpu.upper()


_ENGINE = re.compile(rf"\b(?:{'|'.join(ENGINES)})(?:-(?:{'|'.join(ENGINES)}))*\b")
_KEYS = {"rental 3yr": "three-year rent", "rental 1yr": "one-year rent", "allin ": "all-in ", "board tdp": "board TDP"}
_KEYS |= {"DENSE": "dense", "SPARSE": "sparse", "flops": "FLOPS", "per mw": "per MW"}
_KEYS |= {"nvidia-": "NVIDIA-", "deepseek-day": "DeepSeek, a day"}


def plain(text: str) -> str:
    """A name that is made of keys and days, in words.

    >>> plain("rental 3yr since 2026-03-18"), plain("h200 dynamo-trt FP8, allin utility provisioned")
    ('three-year rent since 18 March 2026', 'H200 Dynamo TensorRT-LLM FP8, all-in utility provisioned')
    >>> plain("nvidia-2026-04"), plain("measured in 2026-02 on both")
    ('NVIDIA, April 2026', 'measured in February 2026 on both')
    """
    for key, said in _KEYS.items():
        text = text.replace(key, said)
    text = re.sub(rf"\b(?:{'|'.join(vocabulary.gpus())})\b", lambda found: system(found[0]), text)
    text = _ENGINE.sub(lambda found: engine(found[0]), text)
    text = re.sub(r"\b\d{4}-\d\d-\d\d\b", lambda found: day(found[0]), text)
    return re.sub(r"(-?)\b(\d{4}-\d\d)\b", lambda found: f"{', ' * bool(found[1])}{day(f'{found[2]}-01')[2:]}", text)


def evidence(kind: str, is_wide: bool = False) -> str:
    """The mark of how a figure is known; `EVIDENCE_LEGEND` says what it means."""
    return EVIDENCE[kind] + ("~" if is_wide else "")


def fleet(one) -> str:
    """A fleet in whole units, most GPUs first: "65 racks of GB300 and 12 nodes of B200"."""
    kinds = [(n, system) for n, system in zip(one.num_units, one.systems, strict=True) if n]
    kinds.sort(key=lambda kind: -kind[0] * kind[1].gpu_per_unit)
    return " and ".join(f"{number(n)} {s.unit}{'s' * (n != 1)} of {s.name}" for n, s in kinds) or "nothing"


def no_answer(a: str, b: str, speed: float, unpriced: Sequence[str] = ()) -> str:
    """The finding of a page that cannot compare two systems: one has no price, or they share no speed.

    >>> no_answer("GB300", "H200", 75, ["H200"])
    'H200 has no price of this kind on this day'
    """
    if unpriced:
        return f"{' and '.join(unpriced)} {'have' if len(unpriced) > 1 else 'has'} no price of this kind on this day"
    return f"{a} and {b} are not both measured at {number(speed)} tokens a second"


def owners(by: Mapping[str, str], gpus: Iterable[str], house: str = "InferenceX TCO") -> list[str]:
    """Whose hours are compared, where not all are of the one owner whose series is read (see `Warehouse.prices`).

    Two owners need not count the same things: a part of what lies between two such systems may be the counting.

    >>> owners({"gb300": "Acme", "h200": "InferenceX TCO"}, ["gb300", "h200"])[0]
    '**Whose hours**: GB300 by Acme; H200 by InferenceX TCO.'
    """
    whose: dict[str, list[str]] = {}
    for gpu in dict.fromkeys(gpus):
        if gpu in by:
            whose.setdefault(by[gpu], []).append(gpu.upper())
    of_house = whose.pop(house, [])
    if not whose:
        return []
    told = [f"{' and '.join(names)} by {who}" for who, names in sorted(whose.items())]
    told += [f"{of_house[0] if len(of_house) == 1 else 'the others'} by {house}"] if of_house else []
    apart = "They are **not of one owner**, and two owners need not count the same things."
    return [f"**Whose hours**: {'; '.join(told)}.", *[apart] * (len(told) > 1)]


def doubts(answers: Mapping, at: str) -> list[str]:
    """Sentences for answers, by GPU, that do not rank, or that their source reads above its points; `at`: a speed."""
    found = []
    for gpu, best in ((gpu.upper(), answer.best) for gpu, answer in answers.items() if answer.best):
        if best.is_wide:
            found.append(f"**Not measured** closely enough at {at}: the points of {gpu} lie too far apart there.")
        elif not best.ranks:
            found.append(f"**Not ranked**: the points of {gpu} at {at} are of fewer recipes than InferenceX has.")
        elif best.is_at_odds:
            found.append(f"{gpu} is as InferenceX reads it, which is faster than the points that it shows.")
    return found


def not_measured(answers: Mapping, rows: Sequence[Mapping], *, model: str, isl: int, osl: int) -> list[str]:
    """Sentences for what no curve answers: the nearest speeds, else the lengths that have points, and what to type.

    Parameters
    ----------
    answers : by GPU, from `serving.Curves.at_speed`
    rows : of the view `points`, from which lengths and systems are named
    model, isl, osl : what was asked, lengths in tokens

    Returns
    -------
    one sentence for each of at most three systems, and a command for the nearest point; nothing where all answer
    """
    silent = [answer for answer in answers.values() if answer.why_not]
    if silent and any(answer.nearest for answer in silent):
        told = [f"**Not measured.** {answer.why_not}." for answer in silent[:3]]
        told += [f"**Not measured** either: {', '.join(a.gpu.upper() for a in silent[3:])}."] if silent[3:] else []
        ends = [answer.nearest for answer in silent if answer.nearest]
        near = min(ends, key=lambda end: abs(math.log(end.speed / silent[0].asked)))
        return [*told, _try(model, isl, osl, near.speed, near.configuration.gpu)]
    known: dict = {}
    for row in rows:
        if row["model"] == model and (not answers or row["gpu"] in answers):
            known.setdefault((row["isl"], row["osl"]), set()).add(row["gpu"])
    if not silent and (answers or (isl, osl) in known):
        return []
    have = "; ".join(f"{i}/{o} on {', '.join(map(str.upper, sorted(gpus)))}" for (i, o), gpus in sorted(known.items()))
    who = f" of {', '.join(answer.gpu.upper() for answer in silent)}" if silent else ""
    told = f"**Not measured.** No point{who} at {lengths(isl, osl)}. There are points at {have or 'no other lengths'}."
    return [told, *(_try(model, *max(known, key=lambda pair: len(known[pair])), 75.0) for _ in [0] if known)]


def _try(model: str, isl: int, osl: int, at: float, gpu: str = "") -> str:
    command = f"tokenfactory compare --model {model} --isl {isl} --osl {osl} --at {at:.4g}"
    return f"What is known nearest: {command}{' --gpu ' + gpu if gpu else ''}"


def span(interval, render: Callable[[float], str] = times) -> str:
    """An interval in words, one number where it has no width."""
    return render(interval.low) if interval.low == interval.high else between(interval.low, interval.high, render)


def ratios(cells: Sequence) -> str:
    """The lowest and highest ratio of some places of comparison, which are sorted."""
    return times(cells[0].ratio) if cells[0] == cells[-1] else between(cells[0].ratio, cells[-1].ratio, times)


_METRICS = {"tok_per_s_per_gpu": "", "tok_per_s_per_mw": "per MW", "cost_per_mtok": "cost of a token"}
_METRICS |= {"perf_per_dollar": "per dollar", "agents_per_mw": "agents per MW", "agents_per_gpu": "agents per GPU"}
_METRICS |= {"users_per_gpu": "users per GPU", "usd_per_gpu_hour": "price of an hour"}


def claimed(claim: Mapping) -> str | None:
    """A claimed figure as it was said; None where the claim has none.

    >>> claimed({"printed": None, "value": None, "value_low": None, "value_high": 50.0})
    'up to 50x'
    """

    def as_said(value: float) -> str:
        return f"{value:,.4g}x"

    if claim["printed"] or claim["value"] is not None:
        value = claim["value"]
        return claim["printed"] or (as_said(value) if claim["unit"] == "x" else _figure(value, claim["unit"]))
    low, high = claim["value_low"], claim["value_high"]
    if high is None:
        return None
    return f"up to {as_said(high)}" if low is None else between(low, high, as_said)


def _figure(value: float, unit: str) -> str:
    """A claimed figure with its unit: $0.22 per million tokens, 28.5M tokens a second per MW."""
    if unit.startswith("usd_per_"):
        return f"{money(value)} per {unit_words(unit.removeprefix('usd_per_').replace('_', ' '))}"
    return f"{short(value)} {unit_words(unit.replace('_per_', '/'))}"


def short_claim(claim: Mapping) -> str:
    """A claim in a few words: 65x GB300 over H200, per MW."""
    over = f" over {_systems(claim['baseline'])}" if claim["baseline"] else ""
    about = _METRICS.get(claim["metric"], words(claim["metric"]))
    return f"{claimed(claim) or ''} {_systems(claim['subject'])}{over}{', ' + about if about else ''}".strip()


_NAMED = {"amd": "AMD", "nvidia": "NVIDIA", "mtp": "MTP", "hopper": "Hopper", "blackwell": "Blackwell"}
_NAMED |= {"disagg": "disaggregated"} | ENGINES


def _systems(keys: str) -> str:
    """What a claim compares, in words: gb300 fp4 mtp -> GB300 FP4 MTP, hopper -> Hopper."""
    return " ".join(_NAMED.get(w) or (system(w) if any(map(str.isdigit, w)) else w) for w in keys.lower().split())
