"""Cash over the years of a fleet's life: growth, tax, the part of a last year; and paid hours, used or idle.

Arithmetic only, as in `finance`: arguments may be floats, arrays or cells of a workbook. Years count from 0; amounts
of a year come at its end, and those of a last, shorter year at the end of the life.
"""

MANY = 1e6  # a millionth of a year, half a minute, is the shortest part of a year that counts as begun


def _clipped(x):
    """A number cut to the range from 0 to 1."""
    # (1 + |x| - |x - 1|)/2 with |x| = (x^2)^(1/2) can stand in a cell of a workbook; arrays have it built in.
    return x.clip(0, 1) if hasattr(x, "clip") else (1 + (x**2) ** 0.5 - ((x - 1) ** 2) ** 0.5) / 2


def year_share_frac(*, life_year, year):
    """Share of a year in which the fleet works: 1, the rest of a broken life in its last year, and then 0.

    Parameters
    ----------
    life_year : economic life [year]
    year : number of the year, the first one is 0

    Returns
    -------
    min(1, max(0, N - k)) [0..1]

    Examples
    --------
    >>> [year_share_frac(life_year=2.5, year=k) for k in range(4)]
    [1.0, 1.0, 0.5, 0.0]
    """
    return _clipped(life_year - year)


def has_begun(*, life_year, year):
    """1 for a year that the life reaches into, 0 for later ones.

    Parameters
    ----------
    life_year, year : as in `year_share_frac` [year], [1]

    Returns
    -------
    1 or 0

    Examples
    --------
    >>> [has_begun(life_year=2.5, year=k) for k in range(4)], [has_begun(life_year=2, year=k) for k in range(4)]
    ([1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0])
    """
    return _clipped(MANY * (life_year - year))


def yearly_change_frac(*, first, last, years):
    """By how much something changes in a year, from its values on two days.

    Parameters
    ----------
    first, last : the two values, in one unit
    years : time between them [year]

    Returns
    -------
    change a year [1]; negative for a decline

    Examples
    --------
    A price that fell to a quarter in two years halves every year:

    >>> yearly_change_frac(first=1.0, last=0.25, years=2)
    -0.5
    """
    return (last / first) ** (1 / years) - 1


def interest_during_construction_usd(*, usd, interest_frac, lead_year):
    """Interest on what is paid before the first token is sold.

    Parameters
    ----------
    usd : what is paid at the order [USD]
    interest_frac : cost of capital a year [0..1]
    lead_year : time from the payment to the first token [year]

    Returns
    -------
    interest [USD]

    Notes
    -----
    Everything is paid at the order; with payments spread over the time it is about half of it.

    Examples
    --------
    >>> round(interest_during_construction_usd(usd=65_000, interest_frac=0.09, lead_year=0.5), 2)
    2861.99
    """
    return usd * ((1 + interest_frac) ** lead_year - 1)


def tax_usd(*, sales_usd, running_usd, written_off_usd, tax_frac):
    """Income tax of a year.

    Parameters
    ----------
    sales_usd, running_usd : what comes in and what is paid, without capital [USD]
    written_off_usd : depreciation of the year [USD]
    tax_frac : rate of income tax [0..1]

    Returns
    -------
    tax [USD]; negative where a loss saves the owner tax on other income

    Examples
    --------
    >>> round(tax_usd(sales_usd=50_000, running_usd=14_000, written_off_usd=13_000, tax_frac=0.257), 6)
    5911.0
    """
    return tax_frac * (sales_usd - running_usd - written_off_usd)


def usage_usd_per_mtok(*, usd_per_gpu_hour, tok_per_s_per_gpu):
    """Usage cost of a million tokens: the price of the hours that made them, and of no other.

    Parameters
    ----------
    usd_per_gpu_hour : price or cost of one GPU for one hour [USD/(GPU h)]
    tok_per_s_per_gpu : throughput over all deployed GPUs [tok/(s GPU)]

    Returns
    -------
    usage cost [USD/Mtok]; what a price per used hour charges, and what printed tables show

    References
    ----------
    FinOps Foundation, FOCUS specification 1.0, columns CommitmentDiscountStatus (used, unused) and EffectiveCost.

    Examples
    --------
    >>> round(usage_usd_per_mtok(usd_per_gpu_hour=2.652, tok_per_s_per_gpu=5930), 6)
    0.124227
    """
    return usd_per_gpu_hour * 1e6 / (3600 * tok_per_s_per_gpu)


def reservation_usd_per_mtok(*, usage_usd_per_mtok, utilisation_frac):
    """Reservation cost of a million tokens: all paid hours, used or idle, over the tokens that were sold.

    Parameters
    ----------
    usage_usd_per_mtok : cost of the tokens in the hours that made them [USD/Mtok]
    utilisation_frac : share of the paid hours that make tokens [0..1]

    Returns
    -------
    reservation cost [USD/Mtok]: the usage cost and `idle_usd_per_mtok` together

    Examples
    --------
    GB300 at 0.124 dollars, used 60% of the hours that are paid:

    >>> round(reservation_usd_per_mtok(usage_usd_per_mtok=0.124227, utilisation_frac=0.6), 6)
    0.207045
    """
    return usage_usd_per_mtok / utilisation_frac


def idle_usd_per_mtok(*, usage_usd_per_mtok, utilisation_frac):
    """What idle hours add to a million tokens: the cost of the reservation less that of its use.

    Parameters
    ----------
    usage_usd_per_mtok, utilisation_frac : as in `reservation_usd_per_mtok` [USD/Mtok], [0..1]

    Returns
    -------
    cost of the hours that are paid and not used, per million tokens sold [USD/Mtok]

    Examples
    --------
    GB300 at 0.124 dollars: at 60% use, two thirds of it come on top.

    >>> round(idle_usd_per_mtok(usage_usd_per_mtok=0.124227, utilisation_frac=0.6), 6)
    0.082818
    """
    return usage_usd_per_mtok * (1 / utilisation_frac - 1)
