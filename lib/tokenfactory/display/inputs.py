"""How inputs are said: their names in words, their values in the unit that the name ends in."""

from collections.abc import Sequence

from tokenfactory.display import show

FACTORS = ("serving_configuration", "token_mix")

NAMES = {
    "kw_per_gpu": "power",
    "lead_year": "time from order to first sale",
    "network_storage_frac": "network and storage",
    "pue": "PUE",
    "salvage_frac": "resale value",
    "tax_frac": "income tax",
    "tok_per_s_per_gpu": "throughput",
    "token_price_decline_frac": "fall of the token price",
    "usd_per_kwh": "electricity price",
    "usd_per_mtok": "token price today",
    "usd_per_system": "price of a system",
    "utilisation_frac": "utilisation",
    "wacc_frac": "cost of capital",
}
SPOKEN_UNITS = {"tok_per_s_per_gpu": " tok/s", "kw_per_gpu": " kW", "_year": " years"}
UNITS = ("_usd_per_gpu_year", "_usd_per_kw_year", "_usd_per_kw", "_frac", "_year")


def name(parameter: str) -> str:
    """An input in words.

    >>> name("wacc_frac"), name("licence_usd_per_gpu_year")
    ('cost of capital', 'licence')
    """
    if parameter.startswith("owning_"):
        return "owned hour"
    shorter = parameter
    for unit in UNITS:
        shorter = shorter.removesuffix(unit)
    return NAMES.get(parameter, show.words(shorter))


def money(value: float | None) -> str:
    """Money to three digits: whole dollars from 100 to 10,000, larger sums shortened.

    >>> money(-28_123.0), money(2_000.0), money(0.4567), money(None)
    ('-$28.1K', '$2,000', '$0.457', 'not measured')
    """
    if value is None or abs(value) < 100:
        return show.usd(value)
    size = show.short(abs(value)) if abs(value) >= 10_000 else f"{abs(value):,.0f}"
    return f"{'-' if value < 0 else ''}${size}"


def value(parameter: str, amount: float) -> str:
    """The value of an input, with its unit.

    >>> value("wacc_frac", 0.09), value("usd_per_system", 4e6), value("life_year", 4.0), value("pue", 1.12)
    ('9%', '$4.00M', '4 years', '1.12')
    """
    if parameter.endswith("_frac"):
        return show.percent(amount)
    unit = next((words for ending, words in SPOKEN_UNITS.items() if parameter.endswith(ending)), "")
    if "usd" in parameter or not unit:
        return money(amount) if "usd" in parameter else show.number(amount)
    return f"{float(f'{amount:.3g}'):,.10g}{unit}"


def tokens(count: float | None) -> str:
    """A count of tokens as people say it.

    >>> tokens(17_980_000_000), tokens(5e11), tokens(1.25e12), tokens(None)
    ('18 billion', '500 billion', '1.25 trillion', 'not measured')
    """
    if count is None:
        return show.NOT_MEASURED
    for size, word in ((1e12, " trillion"), (1e9, " billion"), (1e6, " million")):
        if count >= 0.9995 * size:
            return f"{count / size:.3g}{word}"
    return show.number(float(f"{count:.3g}"))


def _of(parameter: str, gpus: Sequence[str]) -> tuple[str, str | None]:
    gpu = next((gpu for gpu in gpus if parameter.endswith(f"_{gpu}")), None)
    return parameter.removesuffix(f"_{gpu}"), gpu


def of_system(parameter: str, gpus: Sequence[str]) -> str:
    """An input in words, with its system where its name ends in one.

    >>> of_system("utilisation_frac_gb300", ["gb300", "h200"]), of_system("wacc_frac", ["gb300", "h200"])
    ('utilisation of GB300', 'cost of capital')
    """
    shorter, gpu = _of(parameter, gpus)
    return name(shorter) + (f" of {gpu.upper()}" if gpu else "")


def turned(parameter: str, number: float, gpus: Sequence[str]) -> str:
    """An input at the value that turns an answer; of a factor on a ratio what it does to the ratio.

    Examples
    --------
    >>> turned("utilisation_frac_gb300", 0.06, ["gb300"]), turned("token_mix", 0.1, [])
    ('utilisation of GB300 at 6%', 'a token mix that divides the ratio by 10')
    >>> turned("tok_per_s_per_gpu_b200", 43_229.4, ["b200"]), turned("owning_hyperscaler_b200", 1.76, ["b200"])
    ('throughput of B200 at 43,200 tokens a second per GPU', 'owned hour of B200 at $1.76')
    """
    said = of_system(parameter, gpus)
    if parameter not in FACTORS:
        return f"{said} at {amount(parameter, number, gpus)}".replace("tok/s", "tokens a second per GPU")
    how, size = ("divides", 1 / number) if number < 1 else ("multiplies", number)
    return f"a {said} that {how} the ratio by {show.number(size, 2)}"


def amount(parameter: str, number: float, gpus: Sequence[str]) -> str:
    """The value of an input whose name may end in its system; a factor on a ratio as such.

    >>> amount("utilisation_frac_gb300", 0.6, ["gb300"]), amount("token_mix", 1.5, [])
    ('60%', '1.5x')
    """
    shorter, _ = _of(parameter, gpus)
    if shorter in FACTORS:
        return show.times(number, 2)
    return money(number) if shorter.startswith(("owning", "rental")) else value(shorter, number)
