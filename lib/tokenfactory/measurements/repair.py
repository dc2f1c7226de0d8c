"""From raw rows to measured points: units, GPU scope, identities, repairs, quarantine, merging; all rows at once.

The identities a row must keep: total = input + output per deployed GPU; for disaggregated rows
total x (P + D) = input x P + output x D with rates per pool; interactivity x time per token = 1; energy per
token x throughput = power. A row that breaks one is repaired where the data say how, and excluded where not.
Little's law (throughput x request time = tokens in flight) only flags: medians and warm-up bend it by a few percent.
A row of one's own that breaks it by half is excluded.
"""

import json
from dataclasses import asdict

from tokenfactory.measurements import configuration, normalise
from tokenfactory.measurements.adapters import RowProblem, modules
from tokenfactory.measurements.cells import create
from tokenfactory.measurements.row_rules import EXPRESSIONS, KEY, RATE_TOLERANCE, SAME, TIME_TOLERANCE, VERDICT
from tokenfactory.measurements.stage import RAW_RUNS, Stage
from tokenfactory.warehouse import measured
from tokenfactory.warehouse.attach import CONFIGS, STORED
from tokenfactory.warehouse.measured import CONFIGURATION, MEASURED_POINTS, Column


def refine(stage: Stage, files: list[tuple[str, str]]) -> None:
    """Make the tables of `measured.TABLES` (but ingested_files) from the raw tables of a stage.

    Parameters
    ----------
    files : name and hash of the files, by their number in the stage
    """
    stage.flush()
    connection = stage.connection
    configs = _normalised(stage)
    create(connection, "configs", CONFIGS, configs)
    create(connection, "raw_runs", RAW_RUNS, [{"raw_run": n, **run} for n, run in enumerate(stage.runs)])
    documents = [{"file_no": n, "file": name, "file_sha256": sha256} for n, (name, sha256) in enumerate(files)]
    create(connection, "documents", _DOCUMENTS, documents)
    known = [{"adapter": m.NAME, "adapter_version": m.VERSION, "source": m.SOURCE} for m in modules()]
    create(connection, "adapters", _ADAPTERS, known)
    create(connection, "first_rows", _FIRST_ROWS, [{"file_no": n, "first": r} for n, r in stage.first_rowid.items()])
    create(connection, "append_only", _APPEND_ONLY, [{"id": r, "says": says} for r, says in stage.append_only()])
    _split_pools(connection, configs)
    _join_lengths(connection)
    for statement in (*_RUNS, *_CHECKED, *_DUPLICATES, *_RESULTS):
        connection.execute(statement)


_DOCUMENTS = (
    *(Column("file_no", "INTEGER", "", ""), Column("file", "VARCHAR", "", "")),
    Column("file_sha256", "VARCHAR", "", ""),
)
_ADAPTERS = (
    *(Column("adapter", "VARCHAR", "", ""), Column("adapter_version", "BIGINT", "", "")),
    Column("source", "VARCHAR", "", ""),
)
_FIRST_ROWS = (Column("file_no", "INTEGER", "", ""), Column("first", "BIGINT", "", ""))
_APPEND_ONLY = (Column("id", "VARCHAR", "", ""), Column("says", "BOOLEAN", "", ""))


# ---- configurations -----------------------------------------------------------------------------


def _normalised(stage: Stage) -> list[dict]:
    configs = []
    for number, raw in enumerate(stage.configs):
        row = {"raw_config": number, "raw_keys": json.dumps(raw, ensure_ascii=False)}
        row["model_raw"] = raw.get("model_prefix") or raw.get("model")
        try:
            config, repairs = configuration.configuration(raw)
            row["is_own"] = normalise.flag(raw.get("is_own"), "is_own") or False
            row["is_total_in_both"] = configuration.has_total_in_both_pools(raw, config)
            row |= {"config_repairs": list(repairs), **asdict(config)}
        except RowProblem as problem:
            row |= {"problem_field": problem.field, "problem": problem.reason}
        configs.append(row)
    return configs


def _split_pools(connection, configs: list[dict]) -> None:
    """Find the pools of rows that store the total in both, and number the configurations."""
    names = [c.name for c in CONFIGURATION]
    found = connection.execute(_FIND_POOLS).fetchall()
    for raw_config, num_prefill in sorted(set(found)):
        whole = configs[raw_config]
        total = whole["num_prefill_gpu"]
        split = {"num_gpu": total, "num_prefill_gpu": num_prefill, "num_decode_gpu": total - num_prefill}
        new = whole | split | {"raw_config": len(configs), "is_total_in_both": False}
        new["config_repairs"] = [*whole["config_repairs"], "pools_from_identity"]
        configs.append(new)
        connection.execute(_USE_POOLS, [new["raw_config"], raw_config, num_prefill])
    distinct = {tuple(c[name] for name in names) for c in configs if c.get("gpu")}
    ids = {key: number for number, key in enumerate(sorted(distinct, key=repr))}
    for config in configs:
        config["config_id"] = ids.get(tuple(config.get(name) for name in names))
    connection.execute("DROP TABLE configs")
    create(connection, "configs", CONFIGS, configs)


_POOL = "c.num_prefill_gpu * (r.total_tok_per_s_per_gpu - r.output_tok_per_s_per_gpu)"
_POOL += " / nullif(r.input_tok_per_s_per_gpu - r.output_tok_per_s_per_gpu, 0)"
_BROKEN_POOLS = f"""
    c.is_total_in_both
    AND abs((r.input_tok_per_s_per_gpu + r.output_tok_per_s_per_gpu) / 2 - r.total_tok_per_s_per_gpu)
        > {RATE_TOLERANCE} * r.total_tok_per_s_per_gpu
    AND abs({_POOL} - round({_POOL})) < 0.01
    AND round({_POOL}) BETWEEN 1 AND c.num_prefill_gpu - 1
"""
_FIND_POOLS = f"""
    SELECT DISTINCT r.raw_config, round({_POOL})::INTEGER
    FROM raw_points AS r JOIN configs AS c USING (raw_config)
    WHERE {_BROKEN_POOLS}
"""
_USE_POOLS = f"""
    UPDATE raw_points AS r SET raw_config = $1
    FROM configs AS c
    WHERE c.raw_config = r.raw_config AND r.raw_config = $2 AND {_BROKEN_POOLS} AND round({_POOL}) = $3
"""


# ---- lengths of which only a mean is known ------------------------------------------------------

SAME_LENGTH_FRAC = 0.1  # how far means of one asked length may lie below the longest of them


def _join_lengths(connection) -> None:
    """Bring mean lengths of one line together: answers that end early make another mean at every load.

    Means lie together when they are within a tenth, at loads of their own: one load measured twice with different
    lengths is two lengths.
    """
    rows = connection.execute(_MEAN_LENGTHS).fetchall()
    lines: dict[tuple, list[tuple]] = {}
    for *line, isl, osl, conc in rows:
        lines.setdefault(tuple(line), []).append((isl, osl, conc))
    for (config, *_), found in lines.items():
        for lengths in _clusters(found):
            isl, osl = max(i for i, _ in lengths), max(o for _, o in lengths)
            for old_isl, old_osl in lengths - {(isl, osl)}:
                connection.execute(_USE_LENGTHS, [isl, osl, config, old_isl, old_osl])


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

# ---- runs ---------------------------------------------------------------------------------------

RUN_FACTS = """
    CREATE TABLE run_facts AS
    WITH whole AS (
        SELECT run_id, min(date) AS date, max(run_attempt) AS last_attempt, max(run_started_at) AS run_started_at,
               arg_max(run_url, run_attempt) AS run_url, any_value(workflow_run_id) AS workflow_run_id
        FROM runs GROUP BY run_id
    )
    SELECT u.raw_run, u.run_id, u.run_attempt, w.date AS run_date,
           coalesce(u.run_started_at, w.run_started_at) AS run_started_at, coalesce(u.run_url, w.run_url) AS run_url,
           coalesce(u.run_attempt < w.last_attempt, false) AS is_superseded
    FROM raw_runs AS u LEFT JOIN whole AS w USING (run_id)
"""
# What a table of runs says (workflow-info, the database) goes before what rows say of their run.
_RUNS = (
    f"""
    CREATE TABLE runs AS
    WITH said AS (
        SELECT run_id, run_attempt, workflow_run_id, date, run_started_at, run_url, name, conclusion, commit_sha,
               is_append_only, 0 AS rank
        FROM raw_run_details
        UNION ALL
        SELECT DISTINCT u.run_id, u.run_attempt, u.workflow_run_id, r.date, u.run_started_at, u.run_url,
               NULL, NULL, NULL, NULL, 1
        FROM raw_points AS r JOIN raw_runs AS u USING (raw_run)
    )
    SELECT run_id, run_attempt,
           {", ".join(f"arg_min({c.name}, rank) AS {c.name}" for c in measured.RUNS[2:-1])},
           coalesce(arg_min(is_append_only, rank), bool_and(a.says)) AS is_append_only
    FROM said LEFT JOIN append_only AS a ON a.id = said.workflow_run_id
    WHERE run_id IS NOT NULL
    GROUP BY run_id, run_attempt
    ORDER BY run_id, run_attempt
    """,
    RUN_FACTS,
    # A row without a run that repeats a measurement of a known run was measured in it.
    f"""
    CREATE TABLE adopted AS
    SELECT a.rowid AS row, min(b.raw_run) AS raw_run
    FROM raw_points AS a
    JOIN configs AS ca ON ca.raw_config = a.raw_config
    JOIN configs AS cb ON cb.config_id = ca.config_id
    JOIN raw_points AS b ON b.raw_config = cb.raw_config AND b.raw_run IS NOT NULL AND b.conc = a.conc
                        AND b.isl_tok IS NOT DISTINCT FROM a.isl_tok AND b.osl_tok IS NOT DISTINCT FROM a.osl_tok
    WHERE a.raw_run IS NULL AND a.problem IS NULL
      AND abs(b.total_tok_per_s_per_gpu - a.total_tok_per_s_per_gpu) <= {SAME} * a.total_tok_per_s_per_gpu
      AND abs(b.interactivity_tok_per_s_per_user - a.interactivity_tok_per_s_per_user)
          <= {SAME} * a.interactivity_tok_per_s_per_user
    GROUP BY a.rowid
    """,
)

# ---- points -------------------------------------------------------------------------------------
_CHECKED = (
    """
    CREATE VIEW joined AS
    SELECT r.* EXCLUDE (row_index, workload, raw_run), u.raw_run,
           coalesce(r.row_index, r.rowid - f.first) AS row_index,
           coalesce(r.workload, 'fixed_length') AS workload,
           coalesce(r.total_tok_per_s_per_gpu, r.total_tok_per_s / c.num_gpu) AS total_stated,
           coalesce(r.output_tok_per_s_per_gpu, r.output_tok_per_s / c.num_gpu) AS output_stated,
           coalesce(r.input_tok_per_s_per_gpu, r.input_tok_per_s / c.num_gpu) AS input_stated,
           r.rate_scope IS NOT DISTINCT FROM 'deployed'
               OR (r.output_tok_per_s_per_gpu IS NULL AND r.output_tok_per_s IS NOT NULL) AS is_deployed_stated,
           coalesce(r.power_metric_schema_version, 1) AS power_version,
           c.* EXCLUDE (raw_config, problem, problem_field),
           c.problem AS config_problem, c.problem_field AS config_problem_field,
           u.* EXCLUDE (raw_run),
           a.row IS NOT NULL AS is_run_adopted
    FROM raw_points AS r
    LEFT JOIN first_rows AS f ON f.file_no = r.file_no
    LEFT JOIN configs AS c ON c.raw_config = r.raw_config
    LEFT JOIN adopted AS a ON a.row = r.rowid
    LEFT JOIN run_facts AS u ON u.raw_run = coalesce(r.raw_run, a.raw_run)
    """,
    f"""
    CREATE VIEW scoped AS
    SELECT *,
           NOT is_deployed_stated AND is_disagg AND input_stated IS NOT NULL
               AND (num_prefill_gpu IS NULL
                    OR abs(input_stated + output_stated - total_stated) <= {RATE_TOLERANCE} * total_stated)
               AS is_pool_rate_deployed,
           is_disagg AND num_prefill_gpu IS NOT NULL AND NOT is_deployed_stated AND NOT is_pool_rate_deployed
               AS is_per_pool,
           if(is_per_pool, output_stated * num_decode_gpu / num_gpu, output_stated) AS output_deployed,
           if(is_per_pool, input_stated * num_prefill_gpu / num_gpu, input_stated) AS input_deployed,
           coalesce(total_stated, input_deployed + output_deployed) AS total,
           abs(input_deployed + output_deployed - total_stated) / nullif(total_stated, 0) AS residual,
           coalesce(power_valid, 1) <> 0 AND power_version <= 2 AS is_power_usable,
           is_disagg AND power_version < 2 AS is_energy_v1_of_pools,
           coalesce(abs(joules_per_total_token * total / nullif(avg_power_w, 0) - 1) <= {TIME_TOLERANCE}, true)
               AS is_energy_consistent
    FROM joined
    """,
    f"""
    CREATE TABLE verdicts AS
    SELECT file_no, row_index, adapter, raw_config, {VERDICT} AS verdict,
           if(verdict IS NULL, hash({KEY}), NULL) AS key_hash
    FROM scoped
    """,
)

# Rows of one measurement: the last one read counts, and the others fill what it does not state. Of repeats each
# number is the median; a speed is that of the median time.
_RATE = "coalesce(total_tok_per_s_per_gpu, output_tok_per_s_per_gpu)"
_DUPLICATES = (
    """
    CREATE TABLE set_aside AS
    SELECT file_no, row_index, verdict IS NULL AS is_repeated
    FROM verdicts
    WHERE verdict IS NOT NULL
       OR key_hash IN (SELECT key_hash FROM verdicts WHERE verdict IS NULL GROUP BY ALL HAVING count(*) > 1)
    """,
    f"""
    CREATE VIEW converted AS
    SELECT {", ".join(f"{EXPRESSIONS.get(name, name)} AS {name}" for name in STORED)},
           {KEY} AS key, run_attempt, is_own
    FROM scoped
    """,
    f"""
    CREATE TABLE repeats AS
    SELECT *,
           is_own OR abs(total_tok_per_s_per_gpu - first_value(total_tok_per_s_per_gpu) OVER newest)
                   <= {SAME} * total_tok_per_s_per_gpu
               IS NOT FALSE
           AND abs(interactivity_tok_per_s_per_user - first_value(interactivity_tok_per_s_per_user) OVER newest)
                   <= {SAME} * interactivity_tok_per_s_per_user
               IS NOT FALSE AS is_same,
           row_number() OVER newest AS rank,
           -- The same row read twice is no repeat.
           row_number() OVER (
               PARTITION BY key, {_RATE}, interactivity_tok_per_s_per_user ORDER BY file_no DESC, row_index DESC
           ) = 1 AS is_first
    FROM converted SEMI JOIN (FROM set_aside WHERE is_repeated) USING (file_no, row_index)
    WINDOW newest AS (PARTITION BY key ORDER BY file_no DESC, row_index DESC)
    """,
)


def _median(name: str) -> str:
    return f"if(bool_or(is_own), median({name}) FILTER (is_first), arg_min({name}, rank))"


_MEDIANS = {c.name: _median(c.name) for c in MEASURED_POINTS if c.type == "DOUBLE"}
_SPEED_MEDIANS = {
    speed: f"if(bool_or(is_own), coalesce(1 / median({s}_tpot_s) FILTER (is_first), median({speed}) FILTER (is_first)),"
    f" arg_min({speed}, rank))"
    for s, speed in measured.SPEED_OF.items()
}
_ONCE = {
    **_MEDIANS,
    **_SPEED_MEDIANS,
    "num_sources": "count(*)",
    "repeats_spread_frac": f"""if(bool_or(is_own) AND count(*) FILTER (is_first) > 1,
        (max({_RATE}) - min({_RATE})) / median({_RATE}) FILTER (is_first), NULL)""",
    "repairs": """list_distinct(flatten(list(repairs)) || if(bool_or(is_own) AND count(*) FILTER (is_first) > 1,
        ['median_of_repeats'], []))""",
    "raw_run": "arg_min(raw_run, (run_attempt IS NULL, rank))",
}

_RESULTS = (
    f"""
    CREATE VIEW stored_points AS
    SELECT {", ".join(STORED)} FROM converted ANTI JOIN set_aside USING (file_no, row_index)
    UNION ALL
    SELECT {", ".join(f"{_ONCE.get(name, f'arg_min({name}, rank)')} AS {name}" for name in STORED)}
    FROM repeats WHERE is_same GROUP BY key
    """,
    """
    CREATE TABLE excluded AS
    SELECT file_no, row_index, verdict.field, verdict.reason, 'measured_points' AS belongs_to, adapter, raw_config
    FROM verdicts WHERE verdict IS NOT NULL
    UNION ALL
    SELECT file_no, row_index, 'total_tok_per_s_per_gpu',
           'another row of the same point and run has other values; the last one read counts',
           'measured_points', adapter, raw_config
    FROM repeats WHERE NOT is_same
    UNION ALL
    SELECT e.file_no, e.row_index, c.problem_field, c.problem, 'evaluations', e.adapter, e.raw_config
    FROM raw_evaluations AS e JOIN configs AS c USING (raw_config) WHERE c.problem IS NOT NULL
    UNION ALL
    SELECT file_no, row_index, field, reason, belongs_to, adapter, NULL FROM raw_excluded
    """,
    """
    CREATE TABLE excluded_rows AS
    SELECT file, row_index, field, reason, belongs_to, file_sha256, adapter, raw_keys
    FROM excluded JOIN documents USING (file_no) LEFT JOIN configs USING (raw_config)
    ORDER BY file_no, row_index
    """,
    f"""
    CREATE TABLE evaluations AS
    SELECT {", ".join(c.name for c in measured.EVALUATIONS)}
    FROM raw_evaluations JOIN configs AS c USING (raw_config) JOIN documents USING (file_no)
    WHERE c.problem IS NULL
    ORDER BY file_no, row_index
    """,
    "CREATE TABLE reliability AS SELECT DISTINCT * EXCLUDE (file_no) FROM raw_reliability ORDER BY ALL",
    "CREATE TABLE availability AS SELECT DISTINCT * EXCLUDE (file_no) FROM raw_availability ORDER BY ALL",
    # One row per file: where its rows went.
    """
    CREATE TABLE file_counts AS
    SELECT d.file_no, coalesce(p.n, 0) + coalesce(m.points, 0) AS num_points, coalesce(m.merged, 0) AS num_merged,
           coalesce(x.n, 0) AS num_excluded
    FROM documents AS d
    LEFT JOIN (SELECT file_no, count(*) AS n FROM verdicts ANTI JOIN set_aside USING (file_no, row_index)
               GROUP BY ALL) AS p USING (file_no)
    LEFT JOIN (SELECT file_no, count(*) FILTER (rank = 1) AS points,
                      count(*) FILTER (is_same AND rank > 1) AS merged FROM repeats GROUP BY ALL) AS m
        USING (file_no)
    LEFT JOIN (SELECT file_no, count(*) AS n FROM excluded GROUP BY ALL) AS x USING (file_no)
    """,
)
