"""Measured energy of every kind of source there is, brought in and read through one view."""

import csv
import io
from collections import defaultdict

import duckdb
import pytest

from tokenfactory import warehouse
from tokenfactory.measurements.ingest import ingest
from tokenfactory.warehouse import store


@pytest.fixture(scope="module")
def replay(shared):
    """A GB300 node that replayed coding sessions, as plain CSV: telemetry of the boards over tokens of each sweep."""
    folder = str(shared / "gb300-agentic-replay")
    runs = duckdb.sql(
        f"""WITH power AS (
                SELECT regexp_replace(path, '/[^/]*$', '') AS sweep, avg(power_w) AS w
                FROM '{folder}/gpu_telemetry.parquet' GROUP BY ALL),
            tokens AS (
                SELECT regexp_replace(path, '/[^/]*$', '') AS sweep, any_value(server_n_gpu) AS num_gpu,
                       sum(client_client_out_tokens) / sum(client_client_out_tokens / server_output_tput_per_gpu_steady)
                           AS tok_per_s
                FROM '{folder}/replay_summaries.parquet'
                WHERE server_output_tput_per_gpu_steady > 0 GROUP BY ALL)
            SELECT sweep, w, num_gpu, tok_per_s * num_gpu AS tok_per_s
            FROM power JOIN tokens USING (sweep) ORDER BY sweep"""
    ).fetchall()
    text = io.StringIO()
    names = ("hardware", "model", "num_gpu", "workload", "scenario", "output_tok_per_s", "avg_power_w")
    writer = csv.writer(text)
    writer.writerow(names)
    for sweep, watts, num_gpu, tok_per_s in runs:
        writer.writerow(("gb300", "minimax-m2.5", int(num_gpu), "other", sweep.split("/")[-1], tok_per_s, watts))
    return text.getvalue()


@pytest.fixture(scope="module")
def db(replay, shared, project, tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    for file in (project / "data").glob("*.csv"):
        (data / file.name).write_bytes(file.read_bytes())
    (data / "replay.txt").write_text(replay)
    sources = [
        shared / "inferencex-api" / "benchmarks.json",
        shared / "mlperf-inference" / "summary_results_v5.1.json",
        shared / "ml-energy" / "gpqa.json",
        data / "replay.txt",
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKENFACTORY_DATA", str(data))
        patch.setenv("TOKENFACTORY_CACHE", str(data / "cache"))
        ingest(sources, data / "snapshots")
        yield warehouse.connect(store.build(data))


def test_every_source_of_measured_energy_is_there(db):
    rows = db.query(
        """SELECT measured_by, basis, token_scope, gpu, kw_per_gpu, j_per_tok, tok_per_s_per_gpu
           FROM measured_energy ORDER BY measurement_id"""
    ).rows(named=True)
    kinds, gpus = defaultdict(set), defaultdict(set)
    for row in rows:
        kinds[row["measured_by"]].add((row["basis"], row["token_scope"]))
        gpus[row["measured_by"]].add(row["gpu"])
    assert kinds["InferenceX"] == {("board_measured", "total")}
    assert kinds["MLPerf Inference"] == {("system_measured", "output")}
    assert kinds["ML.ENERGY"] == kinds["own measurement"] == {("board_measured", "output")}
    assert gpus["ML.ENERGY"] == {"h100", "b200"}
    assert gpus["own measurement"] == {"gb300"}
    for row in rows:
        if row["j_per_tok"] and row["measured_by"] != "InferenceX":  # it integrates power over another stretch of time
            assert row["j_per_tok"] * row["tok_per_s_per_gpu"] == pytest.approx(1000 * row["kw_per_gpu"], rel=0.01)


def test_the_boards_of_the_replay_drew_less_than_half_of_their_rating(db):
    rows = db.query(
        """SELECT m.conditions, m.kw_per_gpu, p.kw_per_gpu AS rated FROM measured_energy AS m JOIN power_book AS p
           ON p.gpu = m.gpu AND p.power_id = 'gb300-board-tdp-inferencex-tco-2026-03-18'
           WHERE m.measured_by = 'own measurement' ORDER BY m.conditions"""
    ).rows(named=True)
    assert len(rows) >= 5
    # 282 to 630 W a board, of 1,400
    assert all(0.28 <= row["kw_per_gpu"] <= 0.63 for row in rows)
    assert all(row["rated"] == 1.4 for row in rows)
