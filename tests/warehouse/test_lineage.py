"""What stands behind a query: the rows it read, by name, and the files they are from."""

import csv
import json
import shutil

import pytest
from ingested import AGG

from tokenfactory import warehouse
from tokenfactory.measurements.ingest import ingest
from tokenfactory.warehouse import files, lineage
from tokenfactory.warehouse.lineage import Archive
from tokenfactory.warehouse.schema import TABLES


@pytest.fixture(scope="module")
def archive():
    return Archive(warehouse.build())


@pytest.fixture(scope="module")
def prices(project):
    with (project / "data" / "price_book.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def names(prices, **conditions):
    return sorted(p["price_id"] for p in prices if all(p[field] == value for field, value in conditions.items()))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT price_id FROM price_book WHERE gpu = $gpu ORDER BY price_id",
        "SELECT usd_per_gpu_hour AS usd FROM price_book WHERE gpu = $gpu ORDER BY usd LIMIT 1",
        "SELECT DISTINCT basis FROM price_book WHERE gpu = $gpu ORDER BY basis",
        "SELECT basis, max(value) AS m FROM (SELECT *, usd_per_gpu_hour AS value FROM price_book) WHERE gpu = $gpu "
        "GROUP BY basis HAVING m > 0 ORDER BY m",
        "SELECT count(*) AS n FROM price_book WHERE gpu = $gpu ORDER BY n",
        "SELECT usd_per_gpu_hour AS usd, gpu AS g FROM price_book WHERE g = $gpu ORDER BY usd",
        "WITH p AS (SELECT * FROM price_book) SELECT max(usd_per_gpu_hour) AS m FROM p WHERE gpu = $gpu ORDER BY m",
    ],
)
def test_the_rows_are_those_that_the_conditions_let_through(archive, prices, sql):
    found = archive.lineage(sql, {"gpu": "gb300"})
    assert found.rows == names(prices, gpu="gb300") and len(found.rows) > 3
    assert (found.relations, found.files) == (["price_book"], ["price_book.csv"])


def test_a_parameter_that_only_the_columns_name_does_no_harm(archive, prices):
    sql = "SELECT usd_per_gpu_hour * $factor AS usd, count(*) AS n FROM price_book WHERE gpu = $gpu GROUP BY usd"
    assert archive.lineage(sql, {"gpu": "h200", "factor": 2}).rows == names(prices, gpu="h200")


def test_a_macro_reads_what_holds_on_the_day(archive, prices):
    found = archive.lineage(
        "SELECT * FROM price_on($on) WHERE gpu = $gpu AND provider = 'InferenceX TCO' ORDER BY price_id",
        {"on": "2026-04-15", "gpu": "gb300"},
    )
    assert found.relations == ["price_on"] and found.files == ["price_book.csv"]
    days = {p["price_id"]: (p["effective_from"], p["effective_to"] or "9") for p in prices}
    ours = names(prices, gpu="gb300", provider="InferenceX TCO")
    assert found.rows == [p for p in ours if days[p][0] and days[p][0] <= "2026-04-15" < days[p][1]]


def test_a_pair_is_two_rows_and_a_join_those_of_both_sides(archive):
    pairs = archive.lineage(
        "SELECT max(tput_ratio) AS most FROM equal_speed_pairs('gb300', 'h200', 1.05) ORDER BY most", {}
    )
    assert {row["gpu"] for row in archive.rows(pairs.rows).values()} == {"gb300", "h200"}
    assert "operating_points.csv" in pairs.files
    joined = archive.lineage(
        "SELECT p.point_id FROM operating_points AS p JOIN power_book AS w USING (gpu) WHERE gpu = 'b200' ORDER BY ALL",
        {},
    )
    assert joined.files == ["operating_points.csv", "power_book.csv"]
    assert {row["file"] for row in archive.rows(joined.rows).values()} == set(joined.files)


@pytest.mark.parametrize(
    ("sql", "file"),
    [
        ("SELECT ratio_value FROM claim_cells WHERE claim_set = 'nvidia-2026-04' ORDER BY row", "claims.csv"),
        ("SELECT max(value) AS m FROM hardware_specs WHERE gpu = 'gb300' ORDER BY m", "hardware.csv"),
    ],
)
def test_a_view_that_sums_up_names_the_rows_it_is_made_of(archive, sql, file):
    found = archive.lineage(sql, {})
    assert found.rows and {row["file"] for row in archive.rows(found.rows).values()} == {file}


def test_where_rows_have_no_names_the_files_are_told(archive):
    found = archive.lineage("SELECT sum(n) AS s FROM (SELECT count(*) AS n FROM claims) ORDER BY s", {})
    assert (found.rows, found.files) == ([], ["claims.csv"])
    every = archive.lineage("SELECT file FROM files ORDER BY file", {}).files
    assert {file for file in every if "/" not in file} == {t.file for t in TABLES.values() if "/" not in t.file}
    assert {file.split("/")[0] for file in every if "/" in file} == {"benchmarks", "scenarios"}


def test_a_column_or_text_that_is_called_like_a_table_is_none(archive):
    found = archive.lineage(
        "SELECT 'claims' AS runs, gpu AS points FROM hardware WHERE gpu <> 'power_book' ORDER BY gpu", {}
    )
    assert found.relations == ["hardware"]


def test_a_row_is_told_with_its_source_and_conditions(archive, prices):
    price = next(p for p in prices if p["effective_from"] and p["source_url"])
    told = archive.rows([price["price_id"]])[price["price_id"]]
    assert told["file"] == "price_book.csv"
    assert told["usd_per_gpu_hour"] == float(price["usd_per_gpu_hour"])
    assert all(told[field] == price[field] for field in ("gpu", "basis", "status", "effective_from", "source_url"))
    assert archive.rows([]) == {}


def test_a_published_row_that_is_not_compared_says_why(archive):
    without, of = (
        "gb300-deepseek-r1-0528-fp4-8192in1024out-t11585p2",
        "inferencex-dsr1-gb300-fp4-mtp-dynamo-trt-1k1k-c1229",
    )
    told = archive.rows([without, of])
    assert told[without]["left_out"] == "no speed per user"
    assert told[of].get("left_out") in (None, "the run itself is at hand")


def test_a_measured_point_leads_to_its_snapshot(tmp_path, project, monkeypatch):
    data = tmp_path / "data"
    shutil.copytree(project / "data", data, ignore=shutil.ignore_patterns("snapshots", "scenarios"))
    monkeypatch.setenv("TOKENFACTORY_DATA", str(data))
    monkeypatch.setenv("TOKENFACTORY_CACHE", str(tmp_path / "cache"))
    (tmp_path / "agg.json").write_text(json.dumps(AGG))
    snapshot = ingest([tmp_path / "agg.json"], data / "snapshots").snapshot
    archive = Archive(warehouse.build())
    found = archive.lineage("SELECT count(*) AS n FROM points WHERE origin = 'snapshot' ORDER BY n", {})
    manifest = f"snapshots/{snapshot.name}/manifest.json"
    assert {"hardware.csv", "operating_points.csv", "known_wrong_runs.csv", manifest} <= set(found.files)
    assert len(found.rows) == 1 and found.rows[0].startswith("snapshot-")
    told = archive.rows(found.rows)[found.rows[0]]
    assert (told["file"], told["gpu"], told["evidence"]) == (manifest, "h200", "measured")
    assert manifest in files.hashes()


def test_of_very_many_rows_only_the_number_is_told(archive, monkeypatch):
    monkeypatch.setattr(lineage, "MOST_ROWS", 10)
    found = archive.lineage("SELECT gpu FROM operating_points ORDER BY point_id", {})
    assert found.rows == [] and found.num_rows > 600 and found.files == ["operating_points.csv"]
    few = archive.lineage(
        "SELECT gpu FROM price_on(DATE '2026-04-15') WHERE gpu = 'gb300' AND basis = 'rental_3yr'", {}
    )
    assert few.num_rows == len(few.rows) == 1
