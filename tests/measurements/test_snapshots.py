"""Snapshots are listed and dropped; the newest of those left is in use."""

import json

import pytest
from ingested import AGG

from tokenfactory import cli
from tokenfactory.errors import ParameterError
from tokenfactory.measurements import snapshots
from tokenfactory.measurements.ingest import ingest
from tokenfactory.warehouse import files


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
    assert cli.run(["snapshots"]) == 0 and capsys.readouterr().out.count(" yes ") == 1
    assert cli.run(["snapshots", "--drop", name]) == 0 and "is in use" in capsys.readouterr().out
