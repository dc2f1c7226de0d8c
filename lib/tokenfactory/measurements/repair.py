"""From raw rows to measured points: units, GPU scope, identities, repairs, quarantine, merging; all rows at once.

Each step is a file of `sql/`. A row that breaks an identity (`scoped.sql`) is repaired where the data say how
(`converted.sql`), and excluded where not (`verdicts.sql`).
"""

import json

from tokenfactory.measurements import configuration, normalise
from tokenfactory.measurements.adapters import RowProblem, modules
from tokenfactory.measurements.stage import RAW_RUNS, Stage
from tokenfactory.measurements.tables import create, sql
from tokenfactory.warehouse.attach import CONFIGS
from tokenfactory.warehouse.measured import own_columns

FEW_ROWS = 10_000  # copied between the steps
SAME_LENGTH_FRAC = 0.1  # how far means of one asked length may lie below the longest of them


def refine(stage: Stage, files: list[tuple[str, str]]) -> None:
    """Make the tables of `measured.TABLES` (but ingested_files) from the raw tables of a stage.

    Parameters
    ----------
    files : name and hash of the files, by their number in the stage
    """
    stage.flush()
    connection = stage.connection
    create(connection, "configs", CONFIGS, [_normalised(number, raw) for number, raw in enumerate(stage.configs)])
    create(connection, "raw_runs", RAW_RUNS, [{"raw_run": n, **run} for n, run in enumerate(stage.runs)])
    for table, kinds, rows in (
        ("documents", {"file_no": "INTEGER", "file": "VARCHAR", "file_sha256": "VARCHAR"},
         [(n, *file) for n, file in enumerate(files)]),
        ("adapters", {"adapter": "VARCHAR", "adapter_version": "BIGINT", "source": "VARCHAR"},
         [(m.NAME, m.VERSION, m.SOURCE) for m in modules()]),
        ("first_rows", {"file_no": "INTEGER", "first": "BIGINT"}, stage.first_rowid.items()),
        ("append_only", {"id": "VARCHAR", "says": "BOOLEAN"}, stage.append_only()),
    ):  # fmt: skip
        create(connection, table, own_columns(**kinds), [dict(zip(kinds, row, strict=True)) for row in rows])
    connection.execute(sql("pools"))
    _join_lengths(connection)
    # A view is planned again in every query that reads it, which takes longer than copying a few rows.
    kind = "TEMP TABLE" if sum(stage.num_rows.values()) <= FEW_ROWS else "VIEW"
    for step in ("runs", "scoped", "verdicts", "converted", "results"):
        connection.execute(sql(step, STEP=kind))


def _normalised(number: int, raw: dict) -> dict:
    row = {"raw_config": number, "raw_keys": json.dumps(raw, ensure_ascii=False)}
    row["model_raw"] = raw.get("model_prefix") or raw.get("model")
    try:
        config, repairs = configuration.configuration(raw)
        is_own = normalise.flag(raw.get("is_own"), "is_own") or False
        has_total_in_both = configuration.has_total_in_both_pools(raw, config)
    except RowProblem as problem:
        return row | {"problem_field": problem.field, "problem": problem.reason}
    return row | config._asdict() | {
        "is_own": is_own, "is_total_in_both": has_total_in_both, "config_repairs": list(repairs)
    }  # fmt: skip


def _join_lengths(connection) -> None:
    """Bring mean lengths of one line together: answers that end early make another mean at every load.

    Means lie together when they are within a tenth, at loads of their own: one load measured twice with different
    lengths is two lengths.
    """
    lines: dict[tuple, list[tuple]] = {}
    for *line, isl, osl, conc in connection.execute(_MEAN_LENGTHS).fetchall():
        lines.setdefault(tuple(line), []).append((isl, osl, conc))
    for (config, *_), found in lines.items():
        for lengths in _clusters(found):
            longest = [max(side) for side in zip(*lengths, strict=True)]
            for old in lengths - {tuple(longest)}:
                connection.execute(_USE_LENGTHS, [*longest, config, *old])


def _clusters(found: list[tuple]) -> list[set[tuple[int, int]]]:
    """Sets of (isl, osl) that are one asked length each; `found` are (isl, osl, conc), the longest first."""
    clusters: list[tuple[set, dict]] = []
    for isl, osl, conc in found:
        for lengths, loads in clusters:
            near = all(
                isl >= (1 - SAME_LENGTH_FRAC) * i
                and osl >= (1 - SAME_LENGTH_FRAC) * o
                and i >= (1 - SAME_LENGTH_FRAC) * isl
                for i, o in lengths
            )
            if near and loads.setdefault(conc, (isl, osl)) == (isl, osl):
                lengths.add((isl, osl))
                break
        else:
            clusters.append(({(isl, osl)}, {conc: (isl, osl)}))
    return [lengths for lengths, _ in clusters]


_MEAN = "list_contains(r.reading_repairs, 'lengths_are_means') AND r.isl_tok > 0 AND r.osl_tok > 0"
_MEAN_LENGTHS = f"""
    SELECT DISTINCT c.config_id, coalesce(r.workload, ''), coalesce(r.scenario, ''), r.isl_tok, r.osl_tok,
           coalesce(r.requests_per_s, r.conc)
    FROM raw_points AS r JOIN configs AS c USING (raw_config)
    WHERE {_MEAN} AND c.config_id IS NOT NULL ORDER BY ALL DESC
"""
_USE_LENGTHS = f"""
    UPDATE raw_points AS r SET isl_tok = $1, osl_tok = $2 FROM configs AS c
    WHERE c.raw_config = r.raw_config AND {_MEAN} AND c.config_id = $3 AND r.isl_tok = $4 AND r.osl_tok = $5
"""
