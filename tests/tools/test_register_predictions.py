"""Predictions are registered once and never edited."""

import csv

from tools import register_predictions

from tokenfactory.warehouse.files import PROJECT


def test_what_is_registered_is_not_touched_and_what_is_new_is_added(tmp_path):
    path = tmp_path / "predictions.csv"
    shipped = (PROJECT / "data" / "predictions.csv").read_text()
    first, *rows = shipped.splitlines()
    edited = rows[0].replace("2026-11-28", "2026-11-27")
    path.write_text("\n".join([first, edited, *rows[2:]]) + "\n")
    assert register_predictions.register(path, "2026-12-24") == 1
    lines = path.read_text().splitlines()
    assert lines[1] == edited and lines[2:-1] == rows[2:]
    assert next(csv.DictReader([first, lines[-1]]))["registered_on"] == "2026-12-24"


def test_at_least_ten_are_registered_with_a_range_around_each():
    rows = list(csv.DictReader((PROJECT / "data" / "predictions.csv").open()))
    assert len(rows) >= 10
    for row in rows:
        low, value, high = (float(row[f"interactivity_{end}"]) for end in ("low", "tok_per_s_per_user", "high"))
        assert low <= value <= high
        assert (row["spec_decoding"] == "none") == (low == value)
        assert row["stand_ins"]
