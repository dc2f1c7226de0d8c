"""The warehouse: built once per content, rebuilt on a change, never half, read by many at once."""

import csv
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress

import disks
import duckdb
import pytest
from small_project import shorten

from tokenfactory import warehouse
from tokenfactory.errors import DataError
from tokenfactory.warehouse import files, store
from tokenfactory.warehouse.schema import TABLES, columns, read_all


@pytest.fixture
def place(tmp_path, monkeypatch, project):
    """A copy of the shipped data and an empty cache."""
    for file in files.tables(project / "data"):
        target = tmp_path / "data" / file.relative_to(project / "data")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    shorten(tmp_path / "data")
    monkeypatch.setenv("TOKENFACTORY_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TOKENFACTORY_CACHE", str(tmp_path / "cache"))
    return tmp_path


def change_a_price(folder, old="2.652", new="2.5"):
    book = folder / "data" / "price_book.csv"
    book.write_text(book.read_text().replace(f",{old},", f",{new},", 1))


def test_the_tables_hold_what_the_schema_read(place):
    db = warehouse.connect()
    for name, rows in read_all(place / "data").items():
        key = ", ".join(TABLES[name].key)
        frame = db.query(f"SELECT * FROM {name} ORDER BY {key}").select(list(columns(TABLES[name])))
        assert frame.rows(named=True) == sorted(rows, key=lambda row: [row[k] for k in TABLES[name].key]), name


def test_text_of_any_kind_comes_through(place):
    claims = place / "data" / "claims.csv"
    hostile = '"a ""quoted"", line\nbreak; DROP TABLE claims; --  "'
    lines = claims.read_text().splitlines()
    row = lines[1].split(",")
    assert len(row) == len(lines[0].split(",")), "the first claim has no quoted cell"
    row[lines[0].split(",").index("statement_short")] = hostile
    claims.write_text("\ufeff" + "\n".join([lines[0], ",".join(row), *lines[2:]]) + "\n")
    stored = warehouse.connect().query("SELECT statement_short FROM claims ORDER BY claim_id")["statement_short"]
    assert 'a "quoted", line\nbreak; DROP TABLE claims; --  ' in stored.to_list()
    assert len(stored) == len(lines) - 1


def test_columns_are_read_by_name_in_whatever_order_they_stand(place):
    keyed = {name: f"SELECT * FROM {name} ORDER BY ALL" for name in TABLES}
    before = {name: warehouse.connect().query(sql).rows() for name, sql in keyed.items()}
    assert before["benchmarks"]
    for file in files.tables(place / "data"):
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        notice = [line for line in lines if line.startswith("#")]
        rows = list(csv.reader(lines[len(notice) :]))
        with file.open("w", newline="", encoding="utf-8") as turned:
            turned.writelines(notice)
            csv.writer(turned, lineterminator="\n").writerows(row[::-1] for row in rows)
    assert {name: warehouse.connect().query(sql).rows() for name, sql in keyed.items()} == before


@pytest.mark.parametrize("name", ["attach.py", "measured.csv", "columns.csv"])
def test_what_makes_a_table_or_view_makes_another_warehouse(place, monkeypatch, name):
    first = files.fingerprint(place / "data")
    room = place / "warehouse"
    shutil.copytree(files.ROOM, room, ignore=shutil.ignore_patterns("sql", "__pycache__"))
    monkeypatch.setattr(files, "ROOM", room)
    assert files.fingerprint(place / "data") == first
    (room / name).write_text((room / name).read_text() + "\n")
    assert files.fingerprint(place / "data") != first


def test_what_is_kept_as_a_table_is_what_its_view_says(place):
    db = warehouse.connect()
    for name in store.KEPT_AS_TABLE:  # a score comes with a snapshot alone; test_views asks for its rows
        kept, made = (db.query(f"SELECT * FROM {relation} ORDER BY ALL") for relation in (name, f"{name}_as_made"))
        assert kept.equals(made)
        assert len(kept) or name == "point_scores"


def test_second_build_does_nothing(place):
    first = warehouse.build()
    stamp = first.stat().st_mtime_ns
    assert warehouse.build() == first
    assert first.stat().st_mtime_ns == stamp
    assert [f.name for f in first.parent.glob("[!.]*")] == [first.name]


def test_a_changed_file_builds_anew_and_the_old_warehouse_stays(place):
    first = warehouse.build()
    change_a_price(place)
    second = warehouse.build()
    assert second != first
    assert first.exists()
    price = warehouse.connect(second).price(gpu="gb300", basis="owning_hyperscaler", on="2026-04-15")
    assert price["usd_per_gpu_hour"] == 2.5


def test_bad_data_leaves_the_old_warehouse_and_no_leftovers(place):
    first = warehouse.build()
    change_a_price(place, new="free")
    with pytest.raises(DataError, match=r"price_book\.csv, row \d+, field 'usd_per_gpu_hour': 'free' is not a number"):
        warehouse.build()
    assert [f.name for f in first.parent.glob("[!.]*")] == [first.name]


def test_a_missing_file_is_named(place):
    (place / "data" / "claims.csv").unlink()
    with pytest.raises(DataError, match=r"claims\.csv"):
        warehouse.build()


def test_a_build_killed_half_way_leaves_the_old_warehouse(place):
    first = warehouse.build()
    change_a_price(place)
    script = """
import os, signal
from tokenfactory.warehouse import store as b
whole = b._load
def half(data, path):
    whole(data, path)
    os.kill(os.getpid(), signal.SIGKILL)  # after the file is written, before it gets its name
b._load = half
b.build()
"""
    run = subprocess.run([sys.executable, "-c", script], check=False)
    assert run.returncode == -signal.SIGKILL
    assert [f.name for f in first.parent.glob("[!.]*.duckdb")] == [first.name]
    assert warehouse.build().name != first.name


def test_leftovers_of_dead_builds_are_cleared(place):
    folder = warehouse.build().parent
    (folder / ".new-0123456789ab-0123456789abcdef.duckdb.wal").touch()
    change_a_price(place)
    warehouse.build()
    assert [f.name for f in folder.glob(".*")] == [".lock"]


@pytest.mark.parametrize("content", [b"", b"junk", "no tables", "cut"])
def test_a_cache_that_does_not_open_is_built_again(place, content):
    built = warehouse.build()
    if content == "no tables":
        built.unlink()
        duckdb.connect(str(built)).close()
    else:
        built.write_bytes(built.read_bytes()[:4096] if content == "cut" else content)
    assert len(warehouse.connect().query("SELECT gpu FROM points")) > 100
    assert warehouse.build() == built


def check_a_disk_with(num_bytes, place):
    """A build on a small disk: whole, or refused in one sentence; then, with room, built."""
    cache = place / "cache"
    with disks.small(cache, num_bytes):
        try:
            db = warehouse.connect()
        except DataError as error:
            assert re.search(r"cache/warehouse: the warehouse cannot be written \(.+\); TOKENFACTORY_CACHE", str(error))
            assert "\n" not in str(error) and not list(cache.glob("**/*duckdb*"))
            subprocess.run(["mount", "-o", "remount,size=64m", cache], check=True)
            db = warehouse.connect()
        assert len(db.query("SELECT gpu FROM points")) > 100


@pytest.mark.parametrize("num_bytes", [0, 1_500_000, 2_500_000])
def test_a_full_disk_is_one_sentence_and_poisons_nothing(place, num_bytes):
    check_a_disk_with(num_bytes, place)


@pytest.mark.soak
def test_the_ladder_of_full_disks_for_a_build(place):
    for step in range(0, 81):
        check_a_disk_with(step * 250_000, place)


def test_a_read_only_cache_is_used_where_it_is_whole_and_refused_in_one_sentence_where_not(place):
    warehouse.build()
    with disks.read_only(place / "cache"):
        assert len(warehouse.connect().query("SELECT gpu FROM points")) > 100
        change_a_price(place)
        with pytest.raises(DataError, match=r"cannot be written \(Read-only file system\); TOKENFACTORY_CACHE names"):
            warehouse.connect()


@pytest.mark.soak
@pytest.mark.parametrize("is_alone", [False, True], ids=["killed", "killed in a PID namespace"])
def test_builds_killed_at_any_moment_leave_old_or_new(place, is_alone):
    """Whatever is killed, what has a name is whole, and the next build is as if nothing had been."""
    chance = random.Random(20261129)
    command = [sys.executable, "-c", "from tokenfactory.warehouse import store; store.build()"]
    command = disks.as_pid_1(command) if is_alone else command
    started = time.monotonic()
    warehouse.build()
    whole_s, num_killed = 1 + time.monotonic() - started, 0
    for number in range(20):
        change_a_price(place, *("2.652", "2.5") if number % 2 == 0 else ("2.5", "2.652"))
        for file in (place / "cache" / "warehouse").glob("[!.]*"):
            store._verify(file)
            file.unlink()  # so that there is something to build
        process = subprocess.Popen(command)
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, 1.2 * whole_s))
        num_killed += process.poll() is None
        process.kill()
        process.wait()
    assert num_killed
    assert len(warehouse.connect().query("SELECT gpu FROM points ORDER BY gpu")) > 100
    assert not list((place / "cache" / "warehouse").glob(".new-*"))


def test_several_processes_build_and_read_at_once(place):
    script = "from tokenfactory import warehouse; print(len(warehouse.connect().query('SELECT gpu FROM price_book')))"
    runs = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) for _ in range(4)]
    answers = {run.communicate(timeout=60)[0] for run in runs}
    assert len(answers) == 1
    assert answers != {b""}


def test_every_view_is_a_file_and_every_file_a_view():
    assert sorted(store.VIEWS) == sorted(f.relative_to(files.SQL).as_posix()[:-4] for f in files.SQL.rglob("*.sql"))


def test_every_view_says_its_meaning_grain_and_units():
    for name in store.VIEWS:
        header = [line for line in (files.SQL / f"{name}.sql").read_text().splitlines() if line.startswith("-- ")]
        assert any(line.startswith("-- Grain: ") for line in header), name
        assert len(header) >= 2, name


def test_the_room_does_not_import_duckdb_or_polars_by_itself():
    heavy = "{'duckdb', 'polars', 'pyarrow', 'pydantic'}"
    script = f"import sys, tokenfactory.warehouse; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"


def test_points_share_their_names_and_texts_and_who_asks_again_gets_the_same(place):
    """Of ten million measured rows the names alone took a gigabyte."""
    db = warehouse.connect()
    first, *others = db.points()
    names = set(map(id, first))
    assert others and all(set(map(id, row)) == names for row in others)
    assert len({id(row["source_title"]) for row in (first, *others)}) == len(
        {row["source_title"] for row in (first, *others)}
    )
    assert db.points()[0] is first
