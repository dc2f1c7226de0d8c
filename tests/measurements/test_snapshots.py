"""Snapshots are listed and dropped; the newest of those left is in use."""

import json

import duckdb
import pytest
from ingested import AGG, API

from tokenfactory import cli
from tokenfactory.errors import ParameterError
from tokenfactory.measurements import snapshots
from tokenfactory.measurements.ingest import ingest, read_manifest
from tokenfactory.warehouse import files
from tokenfactory.warehouse.attach import attach


@pytest.fixture
def two(tmp_path):
    """A folder with two snapshots; the second is in use."""
    for number in (1, 2):
        (tmp_path / f"{number}.json").write_text(json.dumps([AGG | {"conc": 16 * number}]))
        ingest([tmp_path / f"{number}.json"], tmp_path / "data" / "snapshots")
    return tmp_path / "data" / "snapshots"


def test_that_in_use_comes_first(two):
    first, second = snapshots.listed(two)
    assert (first["is_in_use"], first["files"][0][-6:], second["is_in_use"], second["files"][0][-6:]) == (
        True, "2.json", False, "1.json",
    )  # fmt: skip
    assert [row["num_points"] for row in (first, second)] == [1, 1]


def test_the_newest_of_the_others_is_in_use_after_a_drop(two):
    first, second = snapshots.listed(two)
    assert snapshots.drop(two, second["name"]) == first["name"]  # an older one goes: nothing else changes
    assert snapshots.drop(two, first["name"]) is None
    assert files.snapshots_in(two) == [] and [p.name for p in two.iterdir() if p.is_dir()] == []


def points(snapshot, columns):
    with duckdb.connect() as connection:
        attach(connection, snapshot)
        return connection.sql(f"SELECT {columns} FROM measured_points ORDER BY ALL").fetchall()


def test_a_merge_has_all_points_once_and_those_of_the_newest_count(tmp_path):
    folder, own = tmp_path / "data" / "snapshots", AGG | {"is_own": True, "date": "2026-05-01"}
    rates = {"tput_per_gpu": 800.0, "output_tput_per_gpu": 88.9, "input_tput_per_gpu": 711.1}
    run = {"run_url": "https://github.com/a/b/actions/runs/7", "date": "2026-05-01"}
    again = API | run | {"metrics": API["metrics"] | rates}
    files_of = {"a": [API | run, API | run | {"conc": 32}], "b": [AGG | {"conc": 8}], "c": [again], "d": [own]}
    for name, rows in files_of.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    made = [ingest([tmp_path / f"{name}.json" for name in names], folder).snapshot for names in ("ab", "bc", "d")]
    before = [path.read_bytes() for snapshot in made for path in sorted(snapshot.iterdir())]
    whole = snapshots.merge(folder, [made[1].name, made[0].name])
    assert points(folder / whole, "conc, total_tok_per_s_per_gpu") == [(8, 851.9), (32, 851.9), (64, 800.0)]
    told = {
        file["file"][-6:]: (file["num_points"], file["num_merged"]) for file in read_manifest(folder / whole)["files"]
    }
    assert told == {"a.json": (1, 1), "b.json": (1, 0), "c.json": (1, 0)}  # b, which both have, is there once
    assert snapshots.listed(folder)[0]["name"] == whole and len(snapshots.listed(folder)) == 4
    assert [path.read_bytes() for snapshot in made for path in sorted(snapshot.iterdir())] == before
    ids = points(folder / whole, "config_id, file_sha256, run_id")
    assert len({config for config, *_ in ids}) == 1 and {run for *_, run in ids} == {"7", None}
    everything = snapshots.merge(folder, [whole, made[2].name])
    assert len(points(folder / everything, "conc")) == 4
    assert snapshots.merge(folder, [made[0].name, made[1].name]) == whole  # which is there already
    assert snapshots.listed(folder)[0]["name"] == whole
    for names, says in (([whole], "two snapshots or more"), ([whole, "x"], "there is no snapshot 'x'")):
        with pytest.raises(ParameterError, match=says):
            snapshots.merge(folder, names)


def test_what_a_kill_left_of_a_drop_is_no_snapshot(two):
    name = snapshots.listed(two)[0]["name"]
    (two / name).rename(two / f".new-{name}")
    assert [row["files"][0][-6:] for row in snapshots.listed(two)] == ["1.json"]
    snapshots.drop(two, snapshots.listed(two)[0]["name"])
    assert not list(two.glob(".new-*"))


def test_an_unknown_name_is_one_sentence(two, monkeypatch, capsys):
    monkeypatch.setenv("TOKENFACTORY_DATA", str(two.parent))
    name = snapshots.listed(two)[0]["name"]
    with pytest.raises(ParameterError, match=f"there is no snapshot '{name}x'; did you mean '{name}'"):
        snapshots.drop(two, f"{name}x")
    assert cli.run(["snapshots", "--drop", ".."]) == 2 and capsys.readouterr().err.count("\n") == 1
    assert cli.run(["snapshots", "--merge", *(row["name"] for row in snapshots.listed(two))]) == 0
    assert " is in use now" in capsys.readouterr().out
    assert cli.run(["snapshots"]) == 0 and capsys.readouterr().out.count(" yes ") == 1
    assert cli.run(["snapshots", "--drop", name]) == 0 and "is in use" in capsys.readouterr().out
