"""Money over years: formulas of capital recovery, taxes and present value. Rates are per year."""


def annuity_factor_year(*, wacc_frac, life_year, growth_frac=0):
    """What a yearly amount is worth today, per unit of its first payment.

    Parameters
    ----------
    wacc_frac : cost of capital a year [0..1]
    life_year : years in which it is paid, at the end of each [year]
    growth_frac : growth of the amount a year, from the second payment on [0..1]

    Returns
    -------
    present value per unit a year [year]

    Notes
    -----
    A = (1 - q^N) / (r - g), q = (1 + g)/(1 + r); at r = g it is N/(1 + r). Rates that differ by less than a
    millionth lose digits.

    Examples
    --------
    >>> round(annuity_factor_year(wacc_frac=0.07, life_year=4), 5)
    3.38721
    >>> annuity_factor_year(wacc_frac=0, life_year=4)
    4.0
    """
    ratio = (1.0 + growth_frac) / (1.0 + wacc_frac)
    # Where r = g, numerator and denominator vanish; the two terms with is_one put the limit in their place.
    is_one = ratio == 1
    return (1 - ratio**life_year + 1.0 * life_year * is_one) / (wacc_frac - growth_frac + (1.0 + wacc_frac) * is_one)


def capital_recovery_frac(*, wacc_frac, life_year):
    """Share of a price that must come back each year to pay it off with its cost of capital.

    Parameters
    ----------
    wacc_frac : cost of capital a year [0..1]
    life_year : years until it is paid off [year]

    Returns
    -------
    capital recovery factor [1/year]

    Notes
    -----
    CRF = r / (1 - (1 + r)^-N); 1/N at r = 0

    References
    ----------
    NREL Annual Technology Baseline 2024, https://atb.nrel.gov/electricity/2024/equations_&_variables

    Examples
    --------
    >>> round(capital_recovery_frac(wacc_frac=0.07, life_year=4), 6)
    0.295228
    """
    return 1 / annuity_factor_year(wacc_frac=wacc_frac, life_year=life_year)


def project_finance_factor(*, tax_frac, depreciation_pv_frac, tax_credit_frac=0):
    """How much tax makes capital dearer, after depreciation and tax credit.

    Parameters
    ----------
    tax_frac : rate of income tax [0..1]
    depreciation_pv_frac : present value of all depreciation, as a share of the price [0..1]
    tax_credit_frac : investment tax credit, as a share of the price [0..1]

    Returns
    -------
    factor on the capital recovery factor [1]

    Notes
    -----
    (1 - T PVD (1 - ITC/2) - ITC) / (1 - T)

    References
    ----------
    NREL Annual Technology Baseline 2024, ProFinFactor

    Examples
    --------
    >>> round(project_finance_factor(tax_frac=0.257, depreciation_pv_frac=0.85), 5)
    1.05188
    """
    return (1 - tax_frac * depreciation_pv_frac * (1 - tax_credit_frac / 2) - tax_credit_frac) / (1 - tax_frac)


def fixed_charge_frac(*, wacc_frac, life_year, finance_factor=1):
    """Share of a price that must be earned each year, taxes included.

    Parameters
    ----------
    wacc_frac : cost of capital a year [0..1]
    life_year : years until it is paid off [year]
    finance_factor : what taxes make of it, from `project_finance_factor`; 1 leaves taxes out [1]

    Returns
    -------
    fixed charge rate [1/year]

    Notes
    -----
    FCR = CRF ProFinFactor

    References
    ----------
    NREL Annual Technology Baseline 2024, FCR

    Examples
    --------
    >>> round(fixed_charge_frac(wacc_frac=0.07, life_year=4, finance_factor=1.05188), 6)
    0.310545
    """
    return capital_recovery_frac(wacc_frac=wacc_frac, life_year=life_year) * finance_factor


def real_wacc_frac(*, debt_frac, real_equity_return_frac, real_interest_frac, inflation_frac, tax_frac):
    """Cost of capital above inflation, of debt and equity together.

    Parameters
    ----------
    debt_frac : share of debt in the capital [0..1]
    real_equity_return_frac, real_interest_frac : what owners and lenders want a year, above inflation [0..1]
    inflation_frac : inflation a year [0..1]
    tax_frac : rate of income tax; interest is deducted from it [0..1]

    Returns
    -------
    real weighted average cost of capital [1/year]

    Notes
    -----
    [1 + (1 - DF)((1 + RROE)(1 + i) - 1) + DF((1 + IR)(1 + i) - 1)(1 - TR)] / (1 + i) - 1

    References
    ----------
    NREL Annual Technology Baseline 2024, WACC real

    Examples
    --------
    >>> round(real_wacc_frac(debt_frac=0.5, real_equity_return_frac=0.10, real_interest_frac=0.05,
    ...                      inflation_frac=0.025, tax_frac=0.257), 7)
    0.0654409
    """
    equity = (1 + real_equity_return_frac) * (1 + inflation_frac) - 1
    debt = ((1 + real_interest_frac) * (1 + inflation_frac) - 1) * (1 - tax_frac)
    return (1 + (1 - debt_frac) * equity + debt_frac * debt) / (1 + inflation_frac) - 1


def present_value(*, by_year, wacc_frac):
    """What a sequence of yearly amounts is worth today.

    Parameters
    ----------
    by_year : amounts, the first one today, each other one at the end of a year [any unit]
    wacc_frac : cost of capital a year [0..1]

    Returns
    -------
    present value, in the unit of the amounts

    Notes
    -----
    sum over k of a_k (1 + r)^-k

    Examples
    --------
    >>> round(present_value(by_year=[-100, 60, 60], wacc_frac=0.1), 4)
    4.1322
    """
    return sum(amount * (1 + wacc_frac) ** -k for k, amount in enumerate(by_year))


def payback_year(*, usd, usd_per_year):
    """Years after which a steady yearly gain has returned a price, without cost of capital.

    Parameters
    ----------
    usd : what is paid first [USD]
    usd_per_year : gain a year [USD/year]

    Returns
    -------
    payback time [year]; negative where there is a loss and it never comes back

    Notes
    -----
    K / G

    Examples
    --------
    >>> payback_year(usd=100, usd_per_year=40)
    2.5
    """
    return usd / usd_per_year
