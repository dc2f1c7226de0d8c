"""Growth, depreciation and tax against published tables and numbers worked by hand."""

import csv

import numpy as np
import pytest

from tokenfactory.formulas import cashflow, cost

# IRS Publication 946, table A-1, half-year convention, in percent.
MACRS_5 = [20.00, 32.00, 19.20, 11.52, 11.52, 5.76]


def test_the_shipped_schedule_is_the_published_one(project):
    with (project / "data" / "depreciation.csv").open(newline="") as lines:
        rows = [(int(row["year"]), float(row["frac"])) for row in csv.DictReader(lines) if row["schedule"] == "macrs-5"]
    assert rows == [(k, pytest.approx(percent / 100)) for k, percent in enumerate(MACRS_5, 1)]


@pytest.mark.parametrize("life_year", [1 / 12, 0.5, 1, 2.5, 3, 7.25])
def test_the_years_of_a_life_add_up_to_it(life_year):
    shares = [cashflow.year_share_frac(life_year=life_year, year=k) for k in range(10)]
    assert sum(shares) == pytest.approx(life_year, rel=1e-12)
    begun = [cashflow.has_begun(life_year=life_year, year=k) for k in range(10)]
    assert begun == [float(k < life_year) for k in range(10)]


def test_numbers_and_arrays_are_cut_alike():
    x = np.array([-2.0, 0.0, 0.3, 1.0, 9.0])
    assert cashflow._clipped(x).tolist() == pytest.approx([cashflow._clipped(float(v)) for v in x])


def test_interest_during_construction():
    # 100 USD at 10% for two years: 21 USD
    assert cashflow.interest_during_construction_usd(usd=100, interest_frac=0.1, lead_year=2) == pytest.approx(21)
    assert cashflow.interest_during_construction_usd(usd=100, interest_frac=0.1, lead_year=0) == 0


def test_idle_and_usage_make_the_reservation():
    # 2.652 USD an hour over 5,930 x 3,600 = 21,348,000 tokens: 0.124227 USD a million; of ten paid hours six are used
    hour = {"usd_per_gpu_hour": 2.652, "tok_per_s_per_gpu": 5930.0}
    usage, use = cashflow.usage_usd_per_mtok(**hour), {"utilisation_frac": 0.6}
    idle = cashflow.idle_usd_per_mtok(usage_usd_per_mtok=usage, **use)
    reservation = cashflow.reservation_usd_per_mtok(usage_usd_per_mtok=usage, **use)
    assert usage == pytest.approx(2.652 / 21.348, rel=1e-12)
    assert reservation == pytest.approx(0.207045, rel=1e-5) == usage + idle
    assert reservation == pytest.approx(cost.usd_per_mtok(**hour, **use), rel=1e-12)


def test_a_loss_saves_tax():
    assert cashflow.tax_usd(sales_usd=10, running_usd=8, written_off_usd=12, tax_frac=0.25) == pytest.approx(-2.5)


def test_a_change_a_year_is_the_one_that_repeated_leads_from_first_to_last():
    # 8 to 1 in three years: half of it each year; 1 to 1.21 in two: a tenth more
    assert cashflow.yearly_change_frac(first=8.0, last=1.0, years=3.0) == pytest.approx(-0.5)
    assert cashflow.yearly_change_frac(first=1.0, last=1.21, years=2.0) == pytest.approx(0.1)
