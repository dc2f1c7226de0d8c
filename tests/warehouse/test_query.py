"""Questions to the warehouse: prices as of a day, the trace of what was asked, and replaying it."""

import json
import threading
from datetime import date

import pytest

from tokenfactory import warehouse
from tokenfactory.errors import NotMeasuredError, ParameterError
from tokenfactory.warehouse.query import TRACE


@pytest.fixture(scope="module")
def db():
    return warehouse.connect()


@pytest.mark.parametrize(
    ("gpu", "on", "usd"),
    [
        ("h200", "2026-04-15", 1.41),
        ("gb300", "2026-04-15", 2.652),
        ("gb300", "2026-07-30", 2.652),
        ("gb300", "2026-07-31", 2.31),  # the first day of the next price is not the last of the one before
        ("h200", "2026-09-01", 1.22),
    ],
)
def test_price_on_a_day(db, gpu, on, usd):
    assert db.price(gpu=gpu, basis="owning_hyperscaler", on=on)["usd_per_gpu_hour"] == usd


@pytest.mark.parametrize(
    ("gpu", "on", "kw"),
    [("h200", "2026-04-15", 1.73), ("gb300", "2026-07-13", 2.10), ("gb300", "2026-07-14", 2.12)],
)
def test_power_on_a_day(db, gpu, on, kw):
    assert db.power(gpu=gpu, basis="allin_utility_provisioned", on=on)["kw_per_gpu"] == kw


def test_no_price_before_the_first(db):
    with pytest.raises(
        NotMeasuredError, match=r"no owning_hyperscaler price of h200 .* 2020-01-01: .* from 2026-03-18"
    ):
        db.price(gpu="h200", basis="owning_hyperscaler", on="2020-01-01")


def test_no_price_at_all(db):
    with pytest.raises(NotMeasuredError, match="the price book has none"):
        db.price(gpu="h200", basis="spot", on="2026-04-15", provider="nobody")


def test_text_from_outside_is_a_value_never_sql(db):
    hostile = "h200'; DROP TABLE price_book; --"
    with pytest.raises(NotMeasuredError, match="DROP TABLE"):
        db.price(gpu=hostile, basis="owning_hyperscaler", on="2026-04-15")
    assert len(db.query("SELECT price_id FROM price_book ORDER BY price_id")) > 100


def test_the_warehouse_cannot_be_written(db):
    with pytest.raises(Exception, match="read-only"):
        db.query("CREATE TABLE x (y INT)")


def test_what_was_asked_before_is_answered_the_same_whatever_was_done_with_the_answer(db):
    sql = "SELECT gpu, price_id FROM price_book WHERE gpu = $gpu ORDER BY price_id"
    first = db.query(sql, gpu="h200")
    kept = first.clone()
    first.insert_column(0, kept["gpu"].alias("other"))
    first[0, "price_id"] = "changed"
    assert db.query(sql, gpu="h200").equals(kept)
    assert set(db.query(sql, gpu="gb300")["gpu"]) == {"gb300"}


@pytest.mark.parametrize("sql", ["SELECT 1", "SELECT nothing", "DROP TABLE price_book"])
def test_no_thread_outlives_a_question(db, sql):
    """One that does frees DuckDB's connection while Python ends, which aborts it: 134 after a right answer."""
    before = threading.active_count()
    try:
        db.ask(sql)
    except ParameterError:
        assert sql != "SELECT 1"
    assert threading.active_count() == before


def test_vocabulary(db):
    assert {"h200", "gb300", "mi355x"} <= set(db.vocabulary("gpu"))
    assert "owning_hyperscaler" in db.vocabulary("price_basis")
    with pytest.raises(KeyError):
        db.vocabulary("usd")


def test_replay_sees_a_change_and_only_a_change(tmp_path, monkeypatch, db):
    trace = tmp_path / "trace.jsonl"
    monkeypatch.setenv(TRACE, str(trace))
    db.price(gpu="gb300", basis="owning_hyperscaler", on="2026-04-15")
    db.query("SELECT gpu FROM hardware WHERE is_reference AND gpu = $gpu ORDER BY gpu", gpu="h200")
    monkeypatch.delenv(TRACE)
    lines = trace.read_text().splitlines()
    assert len(lines) == 2
    assert warehouse.replay(lines)
    other_day = [line.replace("2026-04-15", "2026-09-01") for line in lines]
    assert not warehouse.replay(other_day)
    other_result = [json.dumps(json.loads(lines[0]) | {"result": "0"})]
    assert not warehouse.replay(other_result)
    gone = [json.dumps({"sql": "SELECT nothing FROM nowhere", "params": {}, "result": "0"})]
    assert not warehouse.replay(gone)


def test_provenance_tells_tables_rows_sources_and_dates(db):
    fresh = warehouse.connect()
    fresh.price(gpu="gb300", basis="owning_hyperscaler", on="2026-04-15")
    fresh.query("SELECT point_id, source_url FROM points WHERE gpu = 'h200' ORDER BY point_id")
    points, prices = fresh.provenance()
    assert (prices["table"], prices["num_rows"], prices["dates"]) == ("price_on", 1, "2026-03-18")
    assert points["table"] == "points"
    assert points["sources"] >= 3


def test_the_latest_day_is_that_of_the_books_and_not_of_the_clock(db):
    newest = db.query(
        """SELECT max(effective_from) AS day FROM price_book
           WHERE provider = 'InferenceX TCO' ORDER BY day"""
    ).item()
    assert db.day("latest") == db.day() >= newest
    assert db.day("2026-04-15") == db.day(date(2026, 4, 15)) == date(2026, 4, 15)
    basis = "owning_hyperscaler"
    assert db.price(gpu="gb300", basis=basis, on="latest") == db.price(gpu="gb300", basis=basis, on=db.day())


def test_prices_and_powers_of_every_gpu(db):
    prices = db.prices(basis="owning_hyperscaler", on="2026-04-15")
    assert (prices["h200"], prices["gb300"]) == (1.41, 2.652)
    assert db.powers(basis="allin_utility_provisioned", on="2026-04-15")["gb300"] == 2.1
    assert db.prices(basis="owning_hyperscaler", on="2020-01-01") == {}


def test_points_are_those_of_the_view_once_each(db):
    rows = db.points()
    assert (
        len({row["point_id"] for row in rows})
        == len(rows)
        == db.query("SELECT count(*) AS n FROM points ORDER BY n").item()
    )
    assert {"gpu", "score_frac", "evidence", "origin"} <= rows[0].keys()


def test_models_have_names_that_people_use(db):
    assert db.name("deepseek-r1-0528") == "DeepSeek-R1"
    assert db.name("somebody's own") == "somebody's own"
