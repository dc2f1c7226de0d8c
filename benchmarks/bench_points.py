"""The notebooks on a snapshot of millions of measured rows: time and memory against a tenth of them, in one run.

The rows are copies of the shared June capture under other models, lengths and days, so that each copy has its own
configurations and runs: 10,000,000 rows are about 120,000 series. Give another number of rows as an argument. Ten
million need some 10 GB of disk and half an hour on two cores.
"""

import json
import resource
import sys
import tempfile
from pathlib import Path

import duckdb
from bench_ingest import SHARED
from bench_scale import Bench, verdict

ROWS = 10_000_000
RUNS = 25  # copies of every run, a day apart
MODELS = 50  # the copies of the configurations go round these
MOST_GB, MOST_GROWTH = 2.0, 12.0  # of the largest process; of the time for ten times the rows
KEYS = {"configs": "raw_config", "run_facts": "raw_run"}  # tables that are copied, and the number that others name

CONFIGS = f"""SELECT * REPLACE (v * $num + raw_config AS raw_config,
                               CASE WHEN v % {MODELS} = 0 THEN model ELSE 'acme-' || (v % {MODELS}) END AS model)
              FROM $table CROSS JOIN range($copies) t(v)"""
RUN_FACTS = """SELECT * REPLACE (r * $num + raw_run AS raw_run, (run_id::BIGINT - r * 1000000)::VARCHAR AS run_id,
                                 (run_date - r::INT) AS run_date,
                                 regexp_replace(run_url, 'runs/[0-9]+', 'runs/' || (run_id::BIGINT - r * 1000000))
                                 AS run_url)
               FROM $table CROSS JOIN range($runs) t(r)"""
RUN_ROWS = """SELECT * REPLACE ((run_id::BIGINT - r * 1000000)::VARCHAR AS run_id, (date - r::INT) AS date)
              FROM $table CROSS JOIN range($runs) t(r)"""
POINTS = f"""SELECT * REPLACE (v * $num_configs + raw_config AS raw_config, r * $num_runs + raw_run AS raw_run,
                               (date - r::INT) AS date, isl_tok + 64 * (v // {MODELS}) AS isl_tok,
                               row_index + (v * $runs + r) * $num AS row_index,
                               total_tok_per_s_per_gpu * (1 - r * 1e-4) AS total_tok_per_s_per_gpu)
             FROM $table CROSS JOIN range($copies) t(v) CROSS JOIN range($runs) u(r)"""


def grow(snapshot: Path, num_rows: int) -> tuple[int, int]:
    """Write copies of the rows of a snapshot into it until it has about `num_rows`; its rows and series then."""
    connection = duckdb.connect()
    connection.execute("SET memory_limit = '4GB'; SET preserve_insertion_order = false")

    def table(name: str) -> str:
        return f"'{snapshot / name}.parquet'"

    def count(name: str) -> int:
        return connection.execute(f"SELECT count(*) FROM {table(name)}").fetchone()[0]

    def highest(name: str, key: str) -> int:
        return connection.execute(f"SELECT max({key}) + 1 FROM {table(name)}").fetchone()[0]

    def copy(name: str, sql: str, num: int) -> int:
        values = {"$num_configs": num_configs, "$num_runs": num_runs, "$copies": copies, "$runs": RUNS,
                  "$num": num, "$table": table(name)}  # fmt: skip
        for key, value in values.items():
            sql = sql.replace(key, str(value))
        grown = snapshot / f"{name}.grown"
        connection.execute(f"COPY ({sql}) TO '{grown}' (FORMAT parquet, COMPRESSION zstd)")
        grown.replace(snapshot / f"{name}.parquet")
        return count(name)

    num_configs, num_runs = (highest(name, key) for name, key in KEYS.items())
    copies = max(1, round(num_rows / count("stored_points") / RUNS))
    made = {
        "stored_points": copy("stored_points", POINTS, highest("stored_points", "row_index")),
        "configs": copy("configs", CONFIGS, num_configs),
        "run_facts": copy("run_facts", RUN_FACTS, num_runs),
        "runs": copy("runs", RUN_ROWS, 0),
    }
    num = made["stored_points"]
    copy("ingested_files", f"SELECT * REPLACE ({num} AS num_rows, {num} AS num_points) FROM $table", 0)
    manifest = json.loads((snapshot / "manifest.json").read_text())
    manifest["num_rows"] |= made
    manifest["files"][0] |= {"num_rows": num, "num_points": num}
    (snapshot / "manifest.json").write_text(json.dumps(manifest, indent=1))
    points = table("stored_points")
    series = f"SELECT count(*) FROM (SELECT DISTINCT raw_config, isl_tok, osl_tok FROM {points})"
    return num, connection.execute(series).fetchone()[0]


def measure(num_rows: int, *arguments: str) -> tuple[float, float, int]:
    """Seconds of a report on so many rows, the largest process so far [GB], and the longest page [bytes]."""
    with tempfile.TemporaryDirectory(prefix="tf-points-") as folder:
        bench = Bench(Path(folder))
        capture = SHARED / "inferencex-api" / "benchmarks.json"
        made = bench.run("ingest", str(capture))
        num, series = grow(bench.folder / "data" / "snapshots" / made["snapshot"], num_rows)
        seconds, _ = bench.report("--jobs", "1", "--timeout", "3600", *arguments)
        longest = max(page.stat().st_size for page in (bench.folder / "reports" / "site").glob("*.html"))
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(f"{num:12,} rows in {series:,} series: {seconds:.0f} s, {memory:.2f} GB, longest page {longest / 1e6:.2f} MB")
    return seconds, memory, longest


def main() -> None:
    if not SHARED.is_dir():
        sys.exit("bench_points needs the shared June capture (TOKENFACTORY_SHARED)")
    num_rows, *arguments = sys.argv[1:] or [str(ROWS)]
    few, _, page_of_few = measure(int(num_rows) // 10, *arguments)
    many, memory, page_of_many = measure(int(num_rows), *arguments)
    print(f"time of ten times the rows {many / few:5.1f}    bar <= {MOST_GROWTH}  {verdict(many / few <= MOST_GROWTH)}")
    print(f"largest process            {memory:5.2f} GB bar <= {MOST_GB}   {verdict(memory <= MOST_GB)}")
    longer = page_of_many / page_of_few
    print(f"longest page               {longer:5.2f}    bar <= 1.1   {verdict(longer <= 1.1)}")


if __name__ == "__main__":
    main()
