"""Your own hours of demand: read as they are, or refused with the row and the field."""

import pytest

from tokenfactory.errors import DataError
from tokenfactory.warehouse import connect, hours, store


def written(tmp_path, *lines, name="mine.csv", header="time,demand"):
    path = tmp_path / name
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_hours_become_slots(tmp_path):
    path = written(tmp_path, "2026-10-05T00:00Z,10", "2026-10-05T01:00Z,0", "2026-10-05T02:00Z,2.5e3")
    rows = hours.read(path)
    assert [(row["slot"], row["demand"]) for row in rows] == [(0, 10.0), (1, 0.0), (2, 2500.0)]
    assert {row["curve_id"] for row in rows} == {"mine"}


def test_offsets_carry_over_a_change_of_clocks(tmp_path):
    path = written(tmp_path, "2026-10-25T02:00+02:00,1", "2026-10-25T02:00+01:00,2", "2026-10-25T03:00+01:00,3")
    assert [row["demand"] for row in hours.read(path)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("lines", "field", "row", "says"),
    [
        (
            ["2026-03-29T01:00,1", "2026-03-29T03:00,2"],
            "time",
            3,
            "2026-03-29T02:00:00 is missing; clocks may",
        ),
        (["2026-10-25T02:00,1", "2026-10-25T02:00,2"], "time", 3, "is there twice; clocks may have changed"),
        (["2026-10-05T00:00Z,1", "2026-10-05T04:00Z,2"], "time", 3, "the hour 2026-10-05T01:00:00+00:00 is missing"),
        (["2026-10-05T01:00Z,1", "2026-10-05T00:00Z,2"], "time", 3, "comes after a later one"),
        (["2026-10-05T01:00Z,1", "2026-10-05T02:00,2"], "time", 3, "some have none"),
        (["2026-10-05T01:30Z,1"], "time", 2, "is not the start of an hour"),
        (["monday,1"], "time", 2, "'monday' is not a time"),
        (["2026-10-05T01:00Z,-4"], "demand", 2, "-4 is below zero"),
        (["2026-10-05T01:00Z,"], "demand", 2, "is empty: an hour without demand is 0"),
        (["2026-10-05T01:00Z,nan"], "demand", 2, "'nan' is not a demand"),
        (["2026-10-05T01:00Z,1e300"], "demand", 2, "is not a demand"),
        (["2026-10-05T01:00Z,1,2"], None, 2, "has 3 cells"),
        (["2026-10-05T01:00Z,0"], "demand", None, "asks for nothing"),
        ([], None, None, "holds no hour"),
    ],
)
def test_bad_hours_are_refused(tmp_path, lines, field, row, says):
    with pytest.raises(DataError) as refused:
        hours.read(written(tmp_path, *lines))
    assert says in str(refused.value) and "mine.csv" in str(refused.value)
    assert (refused.value.field, refused.value.row) == (field, row)
    assert len(str(refused.value).splitlines()) == 1


def test_another_header_or_name_is_refused(tmp_path):
    with pytest.raises(DataError, match="the first line must be time,demand"):
        hours.read(written(tmp_path, "2026-10-05T01:00Z,1", header="hour,tokens"))
    with pytest.raises(DataError, match="lower-case letters"):
        hours.read(written(tmp_path, "2026-10-05T01:00Z,1", name="My Load.csv"))


def test_the_warehouse_has_them(tmp_path, project, monkeypatch):
    import shutil

    data = shutil.copytree(project / "data", tmp_path / "data", ignore=shutil.ignore_patterns("snapshots"))
    monkeypatch.setenv("TOKENFACTORY_CACHE", str(tmp_path / "cache"))
    without = store.build(data)
    (data / "load").mkdir()
    written(data / "load", "2026-10-05T00:00Z,10", "2026-10-05T01:00Z,30", name="our-app.csv")
    built = store.build(data)
    assert built != without, "a load curve is part of what a warehouse is built from"
    rows = connect(built).query("SELECT slot, demand FROM load_curves WHERE curve_id = 'our-app' ORDER BY slot").rows()
    assert rows == [(0, 10.0), (1, 30.0)]
