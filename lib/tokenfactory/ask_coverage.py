"""What stands behind every comparison: counts of points, what was refused and repaired, and checks of the figures."""

from __future__ import annotations

import polars as pl

from tokenfactory.warehouse.query import Warehouse


def listed(column: str) -> pl.Expr:
    """The distinct values of a column in one cell; a missing one is not a value."""
    return pl.col(column).drop_nulls().unique().sort().str.join(", ")


def counted(points: pl.DataFrame, *by: str, **more: pl.Expr) -> pl.DataFrame:
    """Rows of the view `points` by origin, with their oldest and newest day and `more`, for each value of columns."""
    return points.group_by(by).agg(
        shipped=pl.col("origin").eq("shipped").sum(),
        published=pl.col("origin").eq("published").sum(),
        snapshot=pl.col("origin").is_in(["snapshot", "own"]).sum(),
        num_read=pl.len(),
        oldest=pl.col("as_of").min(),
        newest=pl.col("as_of").max(),
        undated=pl.col("as_of").null_count(),
        **more,
    )


def snapshot_name(warehouse: Warehouse) -> str | None:
    """The snapshot in use: its tables are views of its files; without one they are there, and empty."""
    found = warehouse.query(
        """SELECT regexp_extract(sql, '([^/]+)/ingested_files[.]parquet', 1) AS snapshot FROM duckdb_views()
           WHERE view_name = 'ingested_files' ORDER BY snapshot"""
    )
    return found.item() if len(found) else None


def ingested(warehouse: Warehouse) -> pl.DataFrame:
    """The files of the snapshot, and what became of their rows."""
    return warehouse.query(
        """SELECT file, coalesce(adapter, 'none') AS adapter, num_rows, num_points, num_merged, num_other, num_excluded,
                  problem
           FROM ingested_files ORDER BY file"""
    )


def refused(warehouse: Warehouse) -> pl.DataFrame:
    """Why rows and whole files of the snapshot could not be used: reason, field, num_rows, and the first file."""
    rows = warehouse.query(
        """SELECT reason, field, belongs_to, count(*) AS num_rows, min(file) AS file FROM excluded_rows
           GROUP BY reason, field, belongs_to ORDER BY num_rows DESC, reason, field, belongs_to"""
    )
    files = ingested(warehouse).filter(pl.col("problem").is_not_null()).select("file", reason="problem")
    files = files.with_columns(num_rows=pl.lit(None, pl.Int64), field=pl.lit("the file"))
    columns = ("file", "reason", "num_rows", "field")
    return pl.concat([rows.select(columns), files.select(columns)], how="vertical_relaxed")


def repaired(warehouse: Warehouse) -> pl.DataFrame:
    """How many measured points each repair touched: repair, num_points, num_gpu, oldest, newest."""
    return warehouse.query(
        """SELECT repair, count(*) AS num_points, count(DISTINCT gpu) AS num_gpu, min(date) AS oldest,
                  max(date) AS newest
           FROM (SELECT gpu, date, unnest(repairs) AS repair FROM measured_points)
           GROUP BY repair ORDER BY num_points DESC, repair"""
    )


def standing(warehouse: Warehouse) -> dict:
    """Points that were measured, came from a snapshot, are of the newest run, of another workload, or incomplete."""
    # One question for each: asked together, DuckDB keeps all points of all runs to answer them.
    found = warehouse.query("SELECT count(*) AS measured FROM measured_points ORDER BY measured").row(0, named=True)
    found |= warehouse.query("SELECT count(*) AS ingested FROM snapshot_points ORDER BY ingested").row(0, named=True)
    return found | warehouse.query(
        """SELECT count(*) AS newest,
                  count(*) FILTER (workload <> 'fixed_length') AS other_workload,
                  count(*) FILTER (workload = 'fixed_length' AND NOT coalesce(total_tok_per_s_per_gpu > 0
                      AND interactivity_tok_per_s_per_user > 0 AND isl_tok > 0 AND osl_tok > 0, false)) AS incomplete
           FROM latest_points(as_of := DATE '9999-12-31') ORDER BY newest"""
    ).row(0, named=True)


def laws(warehouse: Warehouse, within_frac: float) -> pl.DataFrame:
    """Little's law and the identity of input, output and total in measured points, by system and disaggregation."""
    return warehouse.query(
        """SELECT gpu, is_disagg, count(littles_law_ratio) AS num_points, min(littles_law_ratio) AS lowest,
                  median(littles_law_ratio) AS median, max(littles_law_ratio) AS highest,
                  count(*) FILTER (has_littles_law_gap) AS num_gaps, count(identity_residual_frac) AS num_identity,
                  max(abs(identity_residual_frac)) AS largest_residual,
                  count(*) FILTER (abs(identity_residual_frac) > $within) AS num_off
           FROM measured_points GROUP BY gpu, is_disagg ORDER BY gpu, is_disagg""",
        within=within_frac,
    )


def identities(warehouse: Warehouse, within_frac: float) -> list[dict]:
    """How far published rows miss their own identities: rows `checked`, deviations, and how many exceed rounding."""
    printed = warehouse.query(
        """SELECT output_tok_per_s_per_gpu * (isl + osl) / osl / total_tok_per_s_per_gpu - 1 AS parts,
                  interactivity_tok_per_s_per_user * tpot_s - 1 AS speed, is_cost_consistent
           FROM operating_points WHERE workload = 'fixed_length' ORDER BY point_id"""
    )
    checks = []
    for name, column in (
        ("Published: output is its share of the total", "parts"),
        ("Published: speed times time per token is 1", "speed"),
    ):
        off = printed[column].drop_nulls().abs()
        found = {"checked": len(off), "median": off.median(), "largest": off.max(), "far": (off > within_frac).sum()}
        checks.append({"name": name} | found)
    agrees, name = printed["is_cost_consistent"].drop_nulls(), "Published: printed cost follows from throughput"
    return [*checks, {"name": name, "checked": len(agrees), "median": None, "largest": None, "far": (~agrees).sum()}]
