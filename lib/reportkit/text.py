"""Numbers, days and keys as a reader sees them."""

import math
import re
from collections.abc import Callable
from datetime import date

NOT_MEASURED = "not measured"


def or_missing(value, render: Callable[[float], str]) -> str:
    """`value` as text; None and NaN are "not measured", never zero and never a blank."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NOT_MEASURED
    return render(value)


def number(value: float | None, digits: int = 3) -> str:
    """`value` with `digits` significant digits, its whole part never cut: 5970.26 -> 5,970. A count is itself."""

    def render(v):
        if isinstance(v, int):
            return f"{v:,}"
        decimals = 0 if v == 0 else max(0, digits - 1 - math.floor(math.log10(abs(v))))
        return f"{v:,.{decimals}f}"

    return or_missing(value, render)


def steady(value: float) -> float:
    """Nine digits of a number: the last bits of a logarithm differ between processors, and no reader sees them.

    >>> steady(60.61297615147985) == steady(60.612976151479856)
    True
    """
    return float(f"{value:.9g}")


def words(key: str) -> str:
    """A key of the data in words: owning_hyperscaler -> owning hyperscaler, critical_it -> critical IT."""
    plain = key.replace("_", " ").replace("allin ", "all-in ")
    return re.sub(r"\b(it|tdp)$", lambda match: match[0].upper(), plain)


def short(text: str, most: int = 60) -> str:
    """The start of a text in whole words, at most so many letters."""
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0].rstrip(",;: ") + " …"


def day(iso: str) -> str:
    """2026-04-05 as 5 April 2026."""
    made = date.fromisoformat(iso)
    return f"{made.day} {made:%B %Y}"


_UNITS = {
    "usd/gpu/h": "$",
    "usd/mtok": "$ per million tokens",
    "tok/s/gpu": "tokens a second per GPU",
    "frac": "%",
    "usd/year": "$ a year",
    "usd/gpu/year": "$ per GPU and year",
    "usd/kw/year": "$ per kW and year",
    "tok/day": "tokens a day",
    "tok/s/mw": "tokens a second per MW",
    "tok/s/user": "tokens a second per user",
    "gpu": "GPUs",
    "user": "users",
    "h": "hours",
    "s": "seconds",
    "day": "days",
    "year": "years",
}


# Kinds of parameters whose numbers have no unit, and the shares among them.
_BARE = {"1", "x", "unit", "rho", "sigma", "elasticity"}
_SHARES = {"frac", "share", "0..1"}


def said(kind: str, value: object) -> str:
    """The value of a parameter of a kind as people say it, with its unit.

    >>> said("frac", 0.08), said("tok", 8192), said("date", "2026-04-15"), said("usd/kwh", 0.083), said("gpu", None)
    ('8%', '8,192 tokens', '15 April 2026', '$0.083 per kWh', 'none')
    """
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    if isinstance(value, str):
        try:
            return day(value)
        except ValueError:
            return words(value)
    if kind in _SHARES:
        return f"{100 * value:.10g}%"
    plain, unit = f"{value:,.10g}" if kind != "1" else f"{value:.10g}", "" if kind in _BARE else unit_words(kind)
    return f"${plain}{unit[1:]}" if unit.startswith("$") else f"{plain} {unit}".strip()


_PARTS = {"usd": "$", "mtok": "million tokens", "tok": "tokens", "gpu": "GPU", "gb": "GB", "tb": "TB", "kw": "kW"}
_PARTS |= {"mw": "MW", "kwh": "kWh", "mwh": "MWh", "h": "hour", "s": "second"}


def unit_words(unit: str) -> str:
    """A unit as a form or a tile has it: usd/mtok -> $ per million tokens; one without words of its own as it is."""
    said = "" if unit == "1" else " per ".join(_PARTS.get(part) or words(part) for part in unit.split("/"))
    return _UNITS.get(unit, said)
