"""Editions are kept once and never changed."""

import csv
import importlib.util
from pathlib import Path

import pytest

from tokenfactory.warehouse.files import PROJECT


@pytest.fixture(scope="module")
def program():
    spec = importlib.util.spec_from_file_location("register", Path(__file__).with_name("register_edition.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_day_is_added_once_and_what_is_there_stays(program, tmp_path):
    path = tmp_path / "editions.csv"
    shipped = (PROJECT / "data" / "editions.csv").read_text()
    path.write_text(shipped)
    num = program.register(path, "2026-12-24", "abc1234")
    assert num >= 10 and path.read_text().startswith(shipped)
    new = [row for row in csv.DictReader(path.open()) if row["edition"] == "2026-12-24"]
    assert len(new) == num and {row["code"] for row in new} == {"abc1234"}
    assert all(float(row["low"]) <= float(row["value"]) <= float(row["high"]) for row in new)
    assert program.register(path, "2026-12-24", "def5678") == 0
    assert "def5678" not in path.read_text()
