"""How inputs are said: their names in words, their values in the unit that the name ends in."""

from tokenfactory.display import show

NAMES = {
    "kw_per_gpu": "power",
    "lead_year": "time to the first token",
    "network_storage_frac": "network and storage",
    "pue": "PUE",
    "salvage_frac": "resale value",
    "tax_frac": "income tax",
    "tok_per_s_per_gpu": "throughput",
    "token_price_decline_frac": "fall of the token price",
    "usd_per_kwh": "electricity price",
    "usd_per_mtok": "token price today",
    "usd_per_system": "price of a system",
    "utilisation_frac": "use",
    "wacc_frac": "cost of capital",
}
UNITS = ("_usd_per_gpu_year", "_usd_per_kw_year", "_usd_per_kw", "_frac", "_year")


def name(parameter: str) -> str:
    """An input in words.

    Examples
    --------
    >>> name("wacc_frac"), name("licence_usd_per_gpu_year")
    ('cost of capital', 'licence')
    """
    shorter = parameter
    for unit in UNITS:
        shorter = shorter.removesuffix(unit)
    return NAMES.get(parameter, show.words(shorter))


def money(value: float | None) -> str:
    """Money to three digits, large sums shortened.

    Examples
    --------
    >>> money(-28_123.0), money(0.4567), money(None)
    ('-$28.1K', '$0.457', 'not measured')
    """
    if value is None or abs(value) < 1000:
        return show.usd(value)
    return f"{'-' if value < 0 else ''}${show.short(abs(value))}"


def value(parameter: str, amount: float) -> str:
    """The value of an input.

    Examples
    --------
    >>> value("wacc_frac", 0.09), value("usd_per_system", 4e6), value("life_year", 4.0)
    ('9%', '$4.00M', '4.00')
    """
    if parameter.endswith("_frac"):
        return show.percent(amount)
    return money(amount) if "usd" in parameter else show.number(amount)


def tokens(count: float | None) -> str:
    """A count of tokens as people say it.

    Examples
    --------
    >>> tokens(17_980_000_000), tokens(5e11), tokens(1.25e12), tokens(None)
    ('18 billion', '500 billion', '1.25 trillion', 'not measured')
    """
    if count is None:
        return show.NOT_MEASURED
    for size, word in ((1e12, " trillion"), (1e9, " billion"), (1e6, " million")):
        if count >= 0.9995 * size:
            return f"{count / size:.3g}{word}"
    return show.number(count)
