"""Rents that somebody observed, cleaned: what an hour of one GPU cost, by month.

Collections of offers mix two kinds of prices without saying which: that of a machine and that of one GPU of it. A price
is read as the one that lies nearer, in proportion, to what the same provider asks for a single GPU; where it rents
out none, to a price that it says both ways; else to the market. What is not near the market in any reading is left out
with its reason, like everything else that cannot be used. Medians are taken over providers, so that many offers of one
do not outvote the others.
"""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tokenfactory.errors import DataError
from tokenfactory.measurements.tables import sql

COLUMNS = {
    "provider": pl.String,
    "gpu_model": pl.String,
    "gpu_count": pl.Int64,
    "rental_type": pl.String,
    "price_median_usd": pl.Float64,
}
# The GPU keys of the data folder; other builds of a chip (PCIe, NVL) are other products with other prices.
GPUS = {"H100_SXM": "h100", "H100_SXM5": "h100"}
GPUS |= {
    name: name.lower() for name in ("H100", "H200", "B200", "B300", "GB200", "GB300", "MI300X", "MI325X", "MI355X")
}
RENTALS = ("on_demand", "spot", "reserved")
IN_A_MACHINE = 8  # GPUs of the machine whose price stands beside a count of one
# A rent within this factor of its market is a rent: list prices of large clouds are four times the median.
PLAUSIBLE = 5.0
SAME = 0.02  # two prices that differ by less, in proportion, are one price rounded twice
SERIES = ("gpu", "rental_type")


@dataclass(frozen=True)
class Cleaned:
    """Observations per GPU, and those left out; every row that was read is in one of the two."""

    kept: pl.DataFrame  # the rows as read, with gpu, usd_per_gpu_hour and read_as: one GPU, the machine, a machine of 8
    excluded: pl.DataFrame  # the rows as read, with reason


def read(path: str | Path) -> pl.DataFrame:
    """Observations of a CSV or Parquet file; columns beyond those needed are kept as they are."""
    path = Path(path)
    try:
        if path.suffix == ".parquet":
            frame = pl.read_parquet(path)
        else:
            frame = pl.read_csv(path, infer_schema=False, encoding="utf8")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(path.name, f"cannot be read as a table: {str(error).splitlines()[0]}") from None
    for name in ("date", *COLUMNS):
        if name not in frame.columns:
            raise DataError(path.name, f"column '{name}' is missing", row=1)
    # What is no date or number becomes empty and is left out with that reason.
    day = pl.col("date").cast(pl.String).str.to_date(strict=False)
    return frame.with_columns(day, *(pl.col(name).cast(kind, strict=False) for name, kind in COLUMNS.items()))


def clean(observed: pl.DataFrame) -> Cleaned:
    """Observations with the price of one GPU, as far as it can be told."""
    import duckdb

    asked = {"names": list(GPUS), "gpus": list(GPUS.values()), "rentals": RENTALS}
    asked |= {"in_a_machine": IN_A_MACHINE, "plausible": PLAUSIBLE, "same": SAME}
    with duckdb.connect() as connection:
        connection.register("observed", observed.select("date", *COLUMNS).with_row_index("place").to_arrow())
        found = connection.sql(sql("rents", COLUMNS=["date", *COLUMNS]), params=asked).pl()
    judged, is_kept = observed.with_columns(found), pl.col("reason").is_null()
    excluded = judged.filter(~is_kept).drop("gpu", "read_as", "usd_per_gpu_hour")
    return Cleaned(judged.filter(is_kept).drop("reason"), excluded)


def by_month(kept: pl.DataFrame) -> pl.DataFrame:
    """The median rent of each GPU, kind of rent and month, over the medians of providers.

    The providers of a month are not those of the next: part of a change is who was asked, so their number is given.
    """
    month = pl.col("date").dt.strftime("%Y-%m").alias("month")
    of_provider = kept.group_by(*SERIES, month, "provider").agg(
        pl.col("usd_per_gpu_hour").median(), num_observations=pl.len()
    )
    rent = pl.col("usd_per_gpu_hour")
    return (
        of_provider.group_by(*SERIES, "month")
        .agg(
            median_usd_per_gpu_hour=rent.median(),
            low_usd_per_gpu_hour=rent.min(),
            high_usd_per_gpu_hour=rent.max(),
            num_providers=pl.len(),
            num_observations=pl.col("num_observations").sum(),
        )
        .sort(*SERIES, "month")
    )
