"""Editions are kept once and never changed."""

import csv

from tools import register_edition

from tokenfactory.warehouse.files import PROJECT


def test_a_day_is_added_once_and_what_is_there_stays(tmp_path):
    path = tmp_path / "editions.csv"
    shipped = (PROJECT / "data" / "editions.csv").read_text()
    path.write_text(shipped)
    num = register_edition.register(path, "2026-12-24", "abc1234")
    assert num >= 10 and path.read_text().startswith(shipped)
    new = [row for row in csv.DictReader(path.open()) if row["edition"] == "2026-12-24"]
    assert len(new) == num and {row["code"] for row in new} == {"abc1234"}
    assert all(float(row["low"]) <= float(row["value"]) <= float(row["high"]) for row in new)
    assert register_edition.register(path, "2026-12-24", "def5678") == 0
    assert "def5678" not in path.read_text()
