"""Observed rents: a machine's price is told from a GPU's, outliers are left out and said, medians are by month."""

from datetime import date

import polars as pl
import pytest

from tokenfactory.cli import run
from tokenfactory.errors import DataError
from tokenfactory.measurements import rents

# Five providers rent out a single H200: the market is 3 USD.
MARKET = [("a", 1, 2.5), ("b", 1, 3), ("c", 1, 3), ("d", 1, 3.5), ("e", 1, 4)]


def offers(*rows, model="H200", kind="on_demand", day="2026-03-10"):
    """Rows of provider, number of GPUs and price."""
    columns = ["provider", "gpu_count", "price_median_usd"]
    frame = pl.DataFrame([(p, n, float(usd)) for p, n, usd in rows], columns, orient="row")
    return frame.with_columns(gpu_model=pl.lit(model), rental_type=pl.lit(kind), date=pl.lit(date.fromisoformat(day)))


def read_as(provider, count, price, *more):
    """How the offer of a provider is read beside the market, and more offers."""
    kept = rents.clean(offers(*MARKET, (provider, count, price), *more)).kept
    row = kept.filter(provider=provider, gpu_count=count, price_median_usd=float(price)).row(0, named=True)
    return row["read_as"], row["usd_per_gpu_hour"]


@pytest.mark.parametrize(
    ("offer", "how", "usd"),
    [
        (("aws", 8, 63.3), "as the machine", 7.9125),  # 63.3 is 21 times the market, 7.91 is 2.6 times
        (("runpod", 8, 3.44), "as one GPU", 3.44),  # an eighth of it would be a seventh of the market
        (("azure", 2, 13.96), "as the machine", 6.98),
        (("azure", 1, 6.98), "as one GPU", 6.98),
        (("mixed", 1, 98.32), "as a machine of 8", 12.29),  # the count is wrong: nobody pays 98 for one
        (("dear", 1, 14.9), "as one GPU", 14.9),  # dear, but within five times the market
    ],
)
def test_the_price_of_a_machine_is_told_from_that_of_a_gpu(offer, how, usd):
    assert read_as(*offer) == (how, pytest.approx(usd))


def test_a_provider_s_own_price_of_one_gpu_goes_before_the_market():
    # At the market of 3, an offer of 10 for two would be 5 for each; this provider asks 10 for one.
    assert read_as("x", 2, 10) == ("as the machine", 5)
    assert read_as("x", 2, 10, ("x", 1, 10)) == ("as one GPU", 10)


def test_a_price_that_is_said_both_ways_goes_before_the_market():
    # 10.44 for eight would be 1.31 each, near the market; but 83.49 for eight are 10.44 each.
    assert read_as("gcp", 8, 10.44) == ("as the machine", pytest.approx(1.305))
    assert read_as("gcp", 8, 10.44, ("gcp", 8, 83.49)) == ("as one GPU", 10.44)


def test_what_cannot_be_used_is_left_out_with_its_reason():
    wrong = pl.concat([
        offers(("low", 1, 0.06), ("lower", 2, 0.06), ("zero", 1, 0), ("nan", 1, float("nan")), ("none", 0, 3)),
        offers(("pcie", 1, 2.5), model="H100_PCIE"),
        offers(("kind", 1, 3), kind="auction"),
        offers(("alone", 8, 24), model="MI325X"),
    ])  # fmt: skip
    cleaned = rents.clean(pl.concat([offers(*MARKET), wrong]))
    assert len(cleaned.kept) == len(MARKET)
    assert len(cleaned.kept) + len(cleaned.excluded) == len(MARKET) + len(wrong)  # nothing is dropped unsaid
    reasons = dict(cleaned.excluded.select("provider", "reason").iter_rows())
    assert reasons["low"] == reasons["lower"] == "more than 5 times above or below the market in every reading"
    assert reasons["zero"] == reasons["nan"] == reasons["none"] == "not a positive price of a positive number of GPUs"
    assert reasons["pcie"] == "not a GPU of the data, or another build of one"
    assert reasons["kind"] == "not a kind of rent that is known"
    assert reasons["alone"].startswith("nobody rents out a single one")


def test_spot_and_on_demand_are_markets_of_their_own():
    spot = offers(*((p, n, usd / 3) for p, n, usd in MARKET), ("cheap", 8, 1), kind="spot")
    kept = rents.clean(pl.concat([offers(*MARKET), spot])).kept
    assert kept.filter(provider="cheap")["usd_per_gpu_hour"].item() == 1  # of a market of 1


def test_medians_are_over_providers_and_by_month():
    many = [("busy", 1, 2)] * 10  # ten observations of one provider weigh as much as one of another
    march = offers(*many, ("b", 1, 3), ("c", 1, 4))
    april = offers(("b", 1, 5), ("c", 1, 6), day="2026-04-01")
    found = rents.by_month(rents.clean(pl.concat([march, april])).kept).rows()
    assert found == [
        ("h200", "on_demand", "2026-03", 3, 2, 4, 3, 12),
        ("h200", "on_demand", "2026-04", 5.5, 5, 6, 2, 2),
    ]


def test_a_file_is_read_with_its_gaps(tmp_path):
    path = tmp_path / "rents.csv"
    path.write_text(
        "date,provider,gpu_model,gpu_count,region,rental_type,price_median_usd\n"
        "2026-03-10,a,H200,1,eu,on_demand,3.0\n"
        "10.03.2026,b,H200,1,eu,on_demand,3.0\n"
        "2026-03-10,c,H200,one,eu,on_demand,3.0\n"
        "2026-03-10,d,H200,1,eu,on_demand,\n"
    )
    cleaned = rents.clean(rents.read(path))
    assert cleaned.kept["region"].to_list() == ["eu"]
    assert cleaned.excluded["reason"].to_list() == ["a date, name or number is missing or cannot be read"] * 3


@pytest.mark.parametrize(
    ("text", "message"),
    [("date,provider\n", "column 'gpu_model' is missing"), ("", "cannot be read as a table"), (None, "cannot be read")],
)
def test_a_file_that_is_none_is_refused(tmp_path, text, message):
    path = tmp_path / "rents.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=rf"^rents\.csv.*{message}"):
        rents.read(path)


def test_the_command_prints_medians_and_what_was_left_out(tmp_path, capsys):
    path = tmp_path / "rents.csv"
    offers(*MARKET, ("low", 1, 0.06)).write_csv(path)
    assert run(["rents", str(path)]) == 0
    out = capsys.readouterr().out
    assert "5 of 6 observations" in out and "$3.00" in out
    assert "left out       1: more than 5 times above or below the market in every reading" in out


# Real observations, which are dirty


def test_real_observations_are_cleaned_as_a_person_would(shared):
    cleaned = rents.clean(rents.read(shared / "gpu-prices" / "observations_hopper_blackwell_mi300.csv"))
    kept, excluded = cleaned.kept, cleaned.excluded
    assert len(kept) + len(excluded) == 13_859
    outliers = excluded.filter(pl.col("reason").str.starts_with("more than"))
    assert 0 < len(outliers) < 0.01 * len(kept)
    assert outliers["price_median_usd"].min() == 0.06

    def prices(provider, gpu, count, price):
        rows = kept.filter(provider=provider, gpu=gpu, gpu_count=count, price_median_usd=price)
        assert len(rows)
        return rows["usd_per_gpu_hour"].unique().to_list()

    assert prices("aws", "h100", 8, 55.04) == [6.88] and prices("aws", "h100", 8, 6.88) == [6.88]
    assert prices("azure", "h100", 8, 98.32) == [12.29] and prices("azure", "h100", 2, 13.96) == [6.98]
    assert prices("gcp", "h200", 8, 10.44) == [10.44]
    assert prices("runpod", "b200", 8, 4.99) == [4.99]

    months = rents.by_month(kept.filter(rental_type="on_demand"))
    assert set(months["month"]) == {f"2026-{month:02}" for month in range(2, 8)}
    # The medians that the collector names, in every month within a tenth where more than ten providers are behind them.
    for gpu, usd in (("h100", 2.99), ("h200", 3.50), ("b200", 5.50)):
        found = months.filter(pl.col("gpu") == gpu, pl.col("num_providers") > 10)
        assert len(found) >= 4
        assert all(abs(median / usd - 1) < 0.1 for median in found["median_usd_per_gpu_hour"])
    # No month of a GPU spreads as it did before: over a hundred times between a mixed-up machine and a typing error.
    assert (months["high_usd_per_gpu_hour"] / months["low_usd_per_gpu_hour"]).max() <= 12


def test_the_whole_collection_gives_the_same_as_its_extract(shared):
    extract, whole = (
        rents.by_month(rents.clean(rents.read(shared / "gpu-prices" / name)).kept)
        for name in ("observations_hopper_blackwell_mi300.csv", "observations.parquet")
    )
    assert extract.equals(whole)
