"""Ingest against bare DuckDB on the same bytes, as ratios in one run.

`python benchmarks/bench_ingest.py [--rows 5000000]` makes a database dump from the real rows beside the
project (TOKENFACTORY_SHARED), and removes it. 5 million rows need about 10 GB of disk for some minutes.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from tokenfactory.measurements import ingest
from tokenfactory.measurements.adapters.inferencex_dump import COLUMNS
from tokenfactory.warehouse.attach import attach

SHARED = Path(os.environ.get("TOKENFACTORY_SHARED") or Path(__file__).parents[2] / "shared") / "data"
MOST_TIMES_BARE = 2.0
MOST_MEMORY_GB = 1.5
MOST_QUERY_S = 0.3
MOST_AGAIN_S = 1.0
MOST_SHARED_S = 3.0
MOST_TRACE_S = 1.0
NUM_REQUESTS = 40_000  # of a trace


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=500_000, help="rows of the dump (default: %(default)s)")
    parser.add_argument("--in-process", choices=("bare", "ingest"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.in_process:
        return _timed_here(given.in_process, given.folder)
    if not SHARED.is_dir():
        print("skipped: the real rows are not on this machine")
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        num_bytes = _make_dump(folder / "dump", given.rows)
        print(f"{given.rows:,} rows, {num_bytes / 1e9:.2f} GB of JSON")
        bare_s, bare_cpu_s, _ = _timed(folder, "bare")
        ours_s, ours_cpu_s, memory_gb = _timed(folder, "ingest")
        query_s = _query(ingest.newest(folder / "snapshots"))
        again_s = _ingest([folder / "dump"], folder / "snapshots")
        shared = [*SHARED.glob("inferencex-*"), SHARED / "inferencemax-runs"]
        shared_s = _ingest(shared, folder / "shared")
        trace_s = _ingest([_make_trace(folder / "trace")], folder / "traces")
    checks = (
        ("ingest / bare read_json", ours_s / bare_s, MOST_TIMES_BARE, f"{ours_s:.2f} s / {bare_s:.2f} s"),
        ("peak memory", memory_gb, MOST_MEMORY_GB, "GB"),
        ("grouped query", query_s, MOST_QUERY_S, "s"),
        ("ingest of known files", again_s, MOST_AGAIN_S, "s"),
        ("all real files", shared_s, MOST_SHARED_S, "s"),
        (f"trace of {NUM_REQUESTS:,} requests", trace_s, MOST_TRACE_S, "s"),
    )
    print(f"processor time, ingest / bare: {ours_cpu_s / bare_cpu_s:.3f}  ({ours_cpu_s:.2f} s / {bare_cpu_s:.2f} s)")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; it stretches the seconds below")
    for what, value, most, unit in checks:
        print(f"{'ok  ' if value <= most else 'SLOW'} {what:<26} {value:7.3f}  (at most {most}; {unit})")
    return int(any(value > most for _, value, most, _ in checks))


def _timed(folder: Path, what: str) -> tuple[float, float, float]:
    """Seconds, seconds of processor time, and peak memory [GB] of a process of its own."""
    command = [sys.executable, __file__, "--in-process", what, "--folder", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, processor_s, kilobytes = json.loads(done.stdout.splitlines()[-1])
    return seconds, processor_s, kilobytes / 1e6


def _timed_here(what: str, folder: Path) -> int:
    start = time.perf_counter()
    if what == "bare":
        columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
        with duckdb.connect(str(folder / "bare.duckdb")) as connection:
            connection.execute("SET memory_limit = '1GB'")
            path = folder / "dump/benchmark_results.json"
            connection.execute(
                f"CREATE TABLE t AS SELECT * FROM read_json('{path}', format = 'array', columns = {{{columns}}})"
            )
    else:
        report = ingest.ingest([folder / "dump"], folder / "snapshots")
        if report.exit_code or sum(f.num_excluded for f in report.files):
            sys.exit(report.text())
    seconds = time.perf_counter() - start
    (folder / "bare.duckdb").unlink(missing_ok=True)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss]))
    return 0


def _ingest(paths: list[Path], snapshots: Path) -> float:
    start = time.perf_counter()
    ingest.ingest([path for path in paths if path.exists()], snapshots)
    return time.perf_counter() - start


def _query(snapshot: Path) -> float:
    with duckdb.connect() as connection:
        attach(connection, snapshot)
        start = time.perf_counter()
        connection.execute(
            """SELECT gpu, framework, precision, spec_decoding, count(*), median(total_tok_per_s_per_gpu)
               FROM measured_points WHERE interactivity_tok_per_s_per_user > 30 GROUP BY ALL ORDER BY ALL"""
        ).fetchall()
        return time.perf_counter() - start


def _make_trace(folder: Path) -> Path:
    """A raw result of vLLM's benchmark that keeps the length and the times of each of its requests."""
    folder.mkdir()
    lengths = [1024 - n % 200 for n in range(NUM_REQUESTS)]
    result = {
        "date": "20260520-101500", "backend": "vllm", "model_id": "acme/demo", "num_prompts": NUM_REQUESTS,
        "request_rate": "inf", "max_concurrency": 512, "duration": 3000.0, "completed": NUM_REQUESTS,
        "total_input_tokens": sum(lengths), "total_output_tokens": sum(lengths),
        "request_throughput": NUM_REQUESTS / 3000, "output_throughput": sum(lengths) / 3000,
        "total_token_throughput": 2 * sum(lengths) / 3000, "input_lens": lengths, "output_lens": lengths,
        "ttfts": [0.5 + n % 977 / 1000 for n in range(NUM_REQUESTS)],
        "itls": [[0.03 + (n + k) % 13 / 1000 for k in range(8)] for n in range(NUM_REQUESTS)],
        "generated_texts": ["words " * 5] * NUM_REQUESTS, "errors": [""] * NUM_REQUESTS,
        **{f"{s}_{name}_ms": 40.0 for s in ("mean", "median", "p99") for name in ("ttft", "tpot", "itl", "e2el")},
    }  # fmt: skip
    (folder / "result.json").write_text(json.dumps(result))
    (folder / "token-factory.yaml").write_text("hardware: h200\nnum_gpu: 8\n")
    return folder


def _make_dump(folder: Path, num_rows: int) -> int:
    """A database dump: the real rows again and again, each time as a run of its own and a little faster."""
    folder.mkdir()
    rows = json.loads((SHARED / "inferencex-api/benchmarks.json").read_text())
    keys = [k for k in rows[0] if k not in ("isl", "osl", "conc", "image", "metrics", "workers", "date", "run_url")]
    configs = {json.dumps([row[k] for k in keys]): row for row in rows}
    ids = {key: number for number, key in enumerate(configs, 1)}
    table = [{"id": str(ids[key]), **{k: row[k] for k in keys}} for key, row in configs.items()]
    (folder / "configs.json").write_text(json.dumps(table))
    num_runs = -(-num_rows // len(rows))
    runs = [_run(number) for number in range(1, num_runs + 1)]
    (folder / "workflow_runs.json").write_text(json.dumps(runs))
    base = folder / "base.json"
    base.write_text(json.dumps([row | {"config_id": str(ids[json.dumps([row[k] for k in keys])])} for row in rows]))
    names = sorted({name for row in rows for name in row["metrics"]})
    metrics = ", ".join(f'"{name}" DOUBLE' for name in names)
    scaled = ", ".join(f'"{name}" := m."{name}" {_scale(name)}' for name in names)
    with duckdb.connect() as connection:
        connection.execute(
            f"""COPY (
                SELECT (r * 1000 + row_number() OVER ())::VARCHAR AS id, r::VARCHAR AS workflow_run_id, config_id,
                       'single_turn' AS benchmark_type, '2026-05-20' AS date, isl, osl, conc, image,
                       struct_pack({scaled}) AS metrics, NULL AS error, NULL AS server_log_id, NULL AS workers,
                       'off' AS offload_mode, NULL AS trace_replay_id
                FROM (SELECT *, metrics AS m FROM read_json('{base}', columns = {{config_id: 'VARCHAR', isl: 'BIGINT',
                      osl: 'BIGINT', conc: 'BIGINT', image: 'VARCHAR', metrics: 'STRUCT({metrics})'}})) AS base
                CROSS JOIN (SELECT r, 1 + r * 1e-7 AS f FROM range(1, {num_runs + 1}) AS runs(r))
                LIMIT {num_rows}
            ) TO '{folder / "benchmark_results.json"}' (FORMAT json, ARRAY true)"""
        )
    base.unlink()
    return sum(file.stat().st_size for file in folder.iterdir())


def _scale(name: str) -> str:
    """Faster by f: rates times f, times and energies over f. Watts stay, and versions too."""
    if "tput" in name or "intvty" in name:
        return "* f"
    return "/ f" if name.split("_")[-1] in ("ttft", "tpot", "itl", "e2el") or "joules" in name else ""


def _run(number: int) -> dict:
    return {
        "id": str(number),
        "github_run_id": str(20_000_000_000 + number),
        "run_attempt": 1,
        "name": "Run Sweep",
        "status": "completed",
        "conclusion": "success",
        "head_sha": f"{number:040x}",
        "head_branch": "main",
        "html_url": f"https://github.com/SemiAnalysisAI/InferenceX/actions/runs/{20_000_000_000 + number}",
        "created_at": "2026-05-20T09:00:00Z",
        "run_started_at": "2026-05-20T09:01:00Z",
        "date": "2026-05-20",
    }


if __name__ == "__main__":
    sys.exit(main())
