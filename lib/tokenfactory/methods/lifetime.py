"""What a GPU earns over its life: cash year by year, net present value, rate of return, keep or replace.

A `Life` holds the inputs. They may be floats, arrays (a million draws at once) or cells of a workbook, as everything
below `npv` is arithmetic: notebook, simulation and workbook compute with the same lines. Prices and throughputs of the
first year come from outside; nothing is looked up here.

Everything is paid at the order; the first token is sold `lead_year` later, at the price that holds then. Prices and
software move at the turn of each year. Sales, cost and tax of a year come at its end, those of a broken last year at
the end of the life, when the GPU is sold and what is not yet written off is deducted.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from tokenfactory.errors import ParameterError
from tokenfactory.formulas import cashflow, finance

MONTH_YEAR = 1 / 12


@dataclass(frozen=True)
class Life:
    """One GPU from its order to its sale.

    Parameters
    ----------
    usd_per_gpu : capital, network and the like included [USD/GPU]
    usd_per_mtok : price of a million tokens on the day of the order [USD/Mtok]
    mtok_per_year : tokens sold in the first year [Mtok/(GPU year)]
    running_usd_per_year : all that is paid every year but capital [USD/(GPU year)]
    life_year : time from the first token to the sale of the GPU [year]
    wacc_frac : cost of capital a year [0..1]
    price_decline_frac : fall of the token price a year [0..1]
    software_growth_frac : growth of the tokens a year, as software improves [0..]
    salvage_frac : what the GPU is sold for, as a share of its capital [0..1]
    lead_year : time from the payment to the first token [year]
    tax_frac : rate of income tax [0..1]
    written_off_fracs : share of the capital that is written off in each year

    Raises
    ------
    ParameterError : names the input, its value and what it must be
    """

    usd_per_gpu: float
    usd_per_mtok: float
    mtok_per_year: float
    running_usd_per_year: float
    life_year: float
    wacc_frac: float
    price_decline_frac: float = 0.0
    software_growth_frac: float = 0.0
    salvage_frac: float = 0.0
    lead_year: float = 0.0
    tax_frac: float = 0.0
    written_off_fracs: Sequence[float] = ()

    def __post_init__(self):
        for field in fields(self)[:-1]:
            value = getattr(self, field.name)
            if isinstance(value, int | float | np.ndarray):
                _check(field.name, float(np.min(value)), float(np.max(value)))


def _check(name: str, low: float, high: float) -> None:
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ParameterError(f"{name}: must be a finite number")
    if low < 0:
        raise ParameterError(f"{name}: {low:g} is below 0")
    if name == "life_year" and low < MONTH_YEAR:
        raise ParameterError(f"{name}: a life of {low:g} years is shorter than a month")
    if name.endswith(("wacc_frac", "decline_frac", "tax_frac")) and high >= 1:
        raise ParameterError(f"{name}: {high:g} leaves nothing after a year: it must be below 1")
    if name == "salvage_frac" and high > 1:
        raise ParameterError(f"{name}: {high:g} is more than the GPU was bought for")


INSTALLED = ("usd_per_system", "gpu_per_system", "network_storage_frac", "installation_frac", "spares_frac")
MOVING = ("salvage_frac", "software_growth_frac", "lead_year", "tax_frac")
NOT_OF_THE_HOUR = ("rent_decline_frac", "token_price_decline_frac", "tok_per_s_per_gpu", "usd_per_mtok")


def of_hour(inputs: Mapping) -> dict:
    """Those of the inputs of a life that `finance.system_parts` asks for."""
    return {n: v for n, v in inputs.items() if n not in (*MOVING[1:], *NOT_OF_THE_HOUR, "utilisation_frac")}


def of_all(inputs: Mapping, written_off_fracs: Sequence[float] = ()) -> Life:
    """The life of an owned GPU from the inputs of its hour, of its sales and of what changes over its life.

    Parameters
    ----------
    inputs : by the names they have in `finance.system_parts`, with use, throughput at the asked speed, price of a
        million of these tokens on the day of the order, tax, lead time and the yearly changes
    written_off_fracs : share of the capital that is written off in each year
    """
    parts = finance.system_parts(**of_hour(inputs))
    return Life(
        usd_per_gpu=finance.usd_per_gpu_installed(**{name: inputs[name] for name in INSTALLED}),
        usd_per_mtok=inputs["usd_per_mtok"],
        mtok_per_year=finance.mtok_per_gpu_year(
            tok_per_s_per_gpu=inputs["tok_per_s_per_gpu"], utilisation_frac=inputs["utilisation_frac"]
        ),
        running_usd_per_year=sum(usd for part, usd in parts.items() if part != "capital") * finance.HOURS_PER_YEAR,
        life_year=inputs["life_year"],
        wacc_frac=inputs["wacc_frac"],
        price_decline_frac=inputs["token_price_decline_frac"],
        written_off_fracs=written_off_fracs,
        **{name: inputs[name] for name in MOVING},
    )


def num_years(life_year: float) -> int:
    """Years that have cash: the last one may be broken."""
    return math.ceil(life_year - 1 / cashflow.MANY)


def years(life: Life, num_year: int, keep: Callable = lambda name, year, value: value) -> list[dict]:
    """Sales, running cost, resale, tax and cash of every year of a life [USD/GPU].

    Parameters
    ----------
    num_year : years to show; those after the end of the life hold zeros
    keep : what is done with each figure before it is used further: a workbook gives it a line of its own

    Returns
    -------
    for each year: price, mtok, sales, running, resale, tax and cash, and discount, what a dollar at the end of that
    year is worth on the day of the order

    >>> life = Life(usd_per_gpu=100, usd_per_mtok=1, mtok_per_year=60, running_usd_per_year=10, life_year=2,
    ...             wacc_frac=0.1, price_decline_frac=0.5)
    >>> [year["cash"] for year in years(life, 3)]
    [50.0, 20.0, 0.0]
    """
    yearly = 1 / (1 + life.wacc_frac)
    discount = yearly**life.lead_year
    at_end = discount * yearly**life.life_year
    price, mtok = life.usd_per_mtok * (1 - life.price_decline_frac) ** life.lead_year, life.mtok_per_year
    resale_usd, left, is_on, found = life.usd_per_gpu * life.salvage_frac, 1.0, 1.0, []
    # Of a million lives hardly one ends in the first years: there the flags are numbers, not arrays.
    least_year = float(np.min(life.life_year)) if isinstance(life.life_year, np.ndarray) else 0.0
    for k in range(num_year):
        if k:
            price, mtok = price * (1 - life.price_decline_frac), mtok * (1 + life.software_growth_frac)
        price, mtok = keep("price", k, price), keep("mtok", k, mtok)
        life_year = life.life_year if least_year < k + 2 else least_year
        share = cashflow.year_share_frac(life_year=life_year, year=k)
        goes_on = cashflow.has_begun(life_year=life_year, year=k + 1)
        is_last, discount = is_on - goes_on, discount * yearly
        year = {"price": price, "mtok": mtok}
        year["sales"] = keep("sales", k, price * mtok * share)
        year["running"] = keep("running", k, life.running_usd_per_year * share)
        year["resale"] = keep("resale", k, resale_usd * is_last)
        now = life.written_off_fracs[k] if k < len(life.written_off_fracs) else 0.0
        left = left - now
        year["tax"] = keep("tax", k, _tax(life, year, now * is_on + left * is_last))
        year["cash"] = keep("cash", k, year["sales"] - year["running"] + year["resale"] - year["tax"])
        year["discount"] = keep("discount", k, discount + (at_end - discount) * is_last)
        is_on = goes_on
        found.append(year)
    return found


def _tax(life: Life, year: dict, written_off_frac):
    if isinstance(life.tax_frac, int | float) and life.tax_frac == 0:
        return 0.0
    return cashflow.tax_usd(
        sales_usd=year["sales"] + year["resale"],
        running_usd=year["running"],
        written_off_usd=life.usd_per_gpu * written_off_frac,
        tax_frac=life.tax_frac,
    )


def npv(life: Life, num_year: int | None = None):
    """Net present value on the day of the order [USD/GPU], over `num_year` years; of a single life over its own.

    GB300 at 50 cents, flat, and if the price halves every year:

    >>> gb300 = dict(usd_per_gpu=65_000, usd_per_mtok=0.5, mtok_per_year=250_550, running_usd_per_year=13_491,
    ...              life_year=4, wacc_frac=0.09)
    >>> round(npv(Life(**gb300)), -3), round(npv(Life(**gb300, price_decline_frac=0.5)), -3)
    (297000.0, 94000.0)
    """
    num_year = num_years(float(np.max(life.life_year))) if num_year is None else num_year
    return sum(year["cash"] * year["discount"] for year in years(life, num_year)) - life.usd_per_gpu


def flows(life: Life) -> tuple[list[float], list[float]]:
    """Times from the order on [year] and the cash at each of them [USD/GPU], the payment first."""
    times, cash = [0.0], [-life.usd_per_gpu]
    for k, year in enumerate(years(life, num_years(life.life_year))):
        times.append(life.lead_year + min(k + 1.0, life.life_year))
        cash.append(year["cash"])
    return times, cash


HIGHEST_IRR = 100.0  # a return of 10,000% a year: nobody has to know it more exactly


def irr_frac(times: Sequence[float], cash: Sequence[float]) -> float | None:
    """The cost of capital at which cash is worth nothing; None where no rate between -100% and 10,000% does that.

    >>> round(irr_frac([0, 1, 2], [-100, 60, 60]), 6)
    0.130662
    >>> irr_frac([0, 1], [-100, 0]) is None
    True
    """
    from scipy import optimize

    times, cash = np.asarray(times), np.asarray(cash)

    def worth(rate):
        return float((cash * (1 + rate) ** -times).sum())

    low = -0.99
    if worth(low) * worth(HIGHEST_IRR) > 0:
        return None
    return float(optimize.brentq(worth, low, HIGHEST_IRR, xtol=1e-12))


def break_even_usd_per_mtok(life_at: Callable[[float], Life]) -> float:
    """The price of today at which a life is worth nothing; the value rises in a straight line with it."""
    free, one = (npv(life_at(price)) for price in (0.0, 1.0))
    return -free / (one - free)


@dataclass(frozen=True)
class Choice:
    """After how many years to sell a fleet, whether to buy the next one then, and what that is worth [USD/GPU]."""

    year: int
    is_replaced: bool
    usd: float
    usd_by_year: tuple[float, ...]  # if it is sold after 0, 1, 2, ... years


def replace_by(life: Life, next_at: Callable[[float], Life]) -> Choice:
    """The best year to replace a GPU that was just installed by one of the next generation, or to sell it and stop.

    Parameters
    ----------
    life : what runs; it can be sold for its salvage share at any time
    next_at : the life of the next generation, ordered at a price of a million tokens; below zero nobody buys it
    """
    resale, kept, worth = life.usd_per_gpu * life.salvage_frac, 0.0, []
    flow = years(life, num_years(life.life_year))
    of_next = [npv(next_at(life.usd_per_mtok * (1 - life.price_decline_frac) ** k)) for k in range(len(flow) + 1)]
    for k, after in enumerate(of_next):
        discount = (1 + life.wacc_frac) ** -k
        worth.append(kept + discount * (resale + max(after, 0.0)))
        if k < len(flow):
            kept += (flow[k]["cash"] - flow[k]["resale"]) * discount / (1 + life.wacc_frac)
    best = int(np.argmax(worth))
    return Choice(best, of_next[best] > 0, worth[best], tuple(worth))


def obsolete_after_year(life: Life, usd_per_mtok_of_next: Callable[[int], float], num_year: int = 12) -> int | None:
    """The first year, counted from 0, in which a GPU, its capital forgotten, costs more than its tokens sell for.

    Parameters
    ----------
    usd_per_mtok_of_next : for a year, the whole cost of a million tokens of the generation that then is new, which no
        price stays above for long [USD/Mtok]; infinite before it comes
    num_year : years to look at; None is returned where it stays worth running
    """
    for k, year in enumerate(years(replace(life, life_year=num_year), num_year)):
        if year["running"] > min(year["price"], usd_per_mtok_of_next(k)) * year["mtok"]:
            return k
    return None
