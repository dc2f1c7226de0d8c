"""The words of a claim: two systems, a figure and its conditions, of a row of `claims.csv`, as what can be checked."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from tokenfactory.methods.rounding import Interval, printed
from tokenfactory.methods.serving import ServingConfiguration

PRICED = ("cost_per_mtok", "perf_per_dollar")
POWERED = ("tok_per_s_per_mw",)
_FORMATS = {"fp4": "fp4", "nvfp4": "fp4", "mxfp4": "fp4", "fp8": "fp8", "int4": "int4", "bf16": "bf16"}
_FORMAT = "|".join(_FORMATS)


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


def understand(claim: Mapping, gpus_of: Mapping[str, Sequence[str]]) -> Understood:
    """Read a row of `claims.csv`.

    `gpus_of` are GPUs by the names they go by: each GPU's key, and names of several such as a generation.

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
    is_mtp, is_none = re.search(r"\bMTP both\b|\bFP[48] MTP\b", text), re.search(r"\bno MTP\b", text)
    speculation = "none" if is_none else "mtp" if is_mtp else None
    if sides[0].gpus == sides[1].gpus and {side.spec_decoding for side in sides} == {"mtp", None}:
        # "gb300 fp4 mtp" against "gb300 fp4" is with against without.
        sides = [replace(side, spec_decoding=side.spec_decoding or "none") for side in sides]
    subject, baseline = (
        replace(side, precision=side.precision or form, spec_decoding=side.spec_decoding or speculation)
        for side, form in zip(sides, formats, strict=True)
    )
    lengths, speeds = _lengths(text), _speeds(text)
    is_peak = not speeds and bool(re.search(r"\bpeak\b|best configuration", text))
    undisclosed = tuple(_undisclosed(claim, text, subject, baseline, lengths, speeds))
    return Understood(subject, baseline, claim["model"], lengths, speeds, is_peak, _figure(claim), undisclosed)


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
    return tuple(sorted({float(a or b) for a, b in numbers}))


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
