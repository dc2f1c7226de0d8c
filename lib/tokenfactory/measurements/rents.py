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
PLAUSIBLE = (
    5.0  # a rent within this factor of its market is a rent: list prices of large clouds are four times the median
)
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
    price, count = pl.col("price_median_usd"), pl.col("gpu_count")
    gpu = pl.col("gpu_model").str.to_uppercase().str.replace_all("[ -]", "_")
    frame = observed.with_columns(gpu=gpu.replace_strict(GPUS, default=None)).with_columns(
        reason=pl.when(pl.any_horizontal(pl.col(name).is_null() for name in ("date", *COLUMNS)))
        .then(pl.lit("a date, name or number is missing or cannot be read"))
        .when(~(price.is_finite() & (price > 0)) | (count < 1))
        .then(pl.lit("not a positive price of a positive number of GPUs"))
        .when(pl.col("gpu").is_null())
        .then(pl.lit("not a GPU of the data, or another build of one"))
        .when(~pl.col("rental_type").is_in(RENTALS))
        .then(pl.lit("not a kind of rent that is known"))
    )
    usable = frame.filter(pl.col("reason").is_null()).with_columns(
        **{"as one GPU": price, "as the machine": price / count, "as a machine of 8": price / IN_A_MACHINE}
    )
    single = usable.filter(count == 1)
    market = single.group_by(SERIES).agg(market=price.median())
    usable = usable.join(market, on=SERIES, how="left", maintain_order="left")
    near = single.join(market, on=SERIES).filter(_distance(price, pl.col("market")) <= _LIMIT)
    own = near.group_by("provider", *SERIES).agg(own=price.median())
    usable = usable.join(own, on=["provider", *SERIES], how="left", maintain_order="left")
    usable = usable.join(_said_twice(usable), on=["provider", *SERIES], how="left", maintain_order="left")
    usable = usable.with_columns(wanted=pl.coalesce("own", "twice", "market"))
    readings = {
        "as one GPU": _distance(pl.col("as one GPU"), pl.col("wanted")),
        "as the machine": _distance(pl.col("as the machine"), pl.col("wanted")),
        # Only beside a count of one, and only where the price of one GPU would be out of the question.
        "as a machine of 8": pl.when((count == 1) & (_distance(price, pl.col("market")) > _LIMIT)).then(
            _distance(pl.col("as a machine of 8"), pl.col("wanted"))
        ),
    }
    nearest = pl.min_horizontal(readings.values())
    read_as = pl.coalesce(pl.when(distance == nearest).then(pl.lit(name)) for name, distance in readings.items())
    usable = usable.with_columns(read_as=read_as).with_columns(
        usd_per_gpu_hour=pl.coalesce(pl.when(pl.col("read_as") == name).then(pl.col(name)) for name in readings)
    )
    is_near = _distance(pl.col("usd_per_gpu_hour"), pl.col("market")) <= _LIMIT
    usable = usable.with_columns(
        reason=pl.when(pl.col("market").is_null())
        .then(pl.lit("nobody rents out a single one, so machine and GPU cannot be told apart"))
        .when(~is_near)
        .then(pl.lit(f"more than {PLAUSIBLE:g} times above or below the market in every reading"))
    )
    own_columns = [*readings, "market", "own", "twice", "wanted"]
    kept = usable.filter(pl.col("reason").is_null()).drop(*own_columns, "reason")
    left_out = usable.filter(pl.col("reason").is_not_null()).drop(*own_columns, "read_as", "usd_per_gpu_hour")
    return Cleaned(kept, pl.concat([frame.filter(pl.col("reason").is_not_null()), left_out]).drop("gpu"))


def _said_twice(usable: pl.DataFrame) -> pl.DataFrame:
    """What a provider asks for a GPU if it says it both ways: the price of one offer is a GPU's share of another."""
    shares = usable.filter(pl.col("gpu_count") > 1).select("provider", *SERIES, "as the machine").unique()
    singles = usable.select("provider", *SERIES, "as one GPU").unique()
    same = _distance(pl.col("as one GPU"), pl.col("as the machine")) < SAME
    both = shares.join(singles, on=["provider", *SERIES]).filter(same)
    return both.group_by("provider", *SERIES).agg(twice=pl.col("as the machine").median())


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


def _distance(price: pl.Expr, wanted: pl.Expr) -> pl.Expr:
    return (price / wanted).log().abs()


_LIMIT = pl.lit(PLAUSIBLE).log()
