"""Which rows are the latest: by point, by line, or by chains of runs that only add points."""

from datetime import date

import pytest
from ingested import API, load

PAGE = "https://github.com/SemiAnalysisAI/InferenceX/actions/runs/"
D1, D2, D3 = date(2026, 5, 1), date(2026, 5, 8), date(2026, 5, 15)


def row(conc, day, run, **more):
    """A row of a run; its throughput tells the rows apart."""
    metrics = {"tput_per_gpu": 1.0 * conc + run, "median_intvty": 25.0}
    return API | {"conc": conc, "date": str(day), "run_url": f"{PAGE}{20200000000 + run}", "metrics": metrics} | more


def info(*runs, append_only):
    """A workflow-info answer with these runs; those in `append_only` only add points."""
    return {
        "runs": [{"github_run_id": str(20200000000 + r), "id": str(r), "name": "Run Sweep"} for r in runs],
        "changelogs": [{"workflow_run_id": str(r), "append_only": r in append_only} for r in runs],
        "configs": [],
        "runConfigs": [],
    }


def latest(loaded, macro, as_of=None):
    argument = f"as_of := DATE '{as_of}'" if as_of else ""
    rows = loaded.table(f"SELECT conc, date FROM {macro}({argument}) ORDER BY conc, date")
    return [(r["conc"], r["date"]) for r in rows]


# The vector of the dashboard: run 1 measured three concurrencies, run 2 measured one of them again.
ROWS = [row(4, D1, 1), row(8, D1, 1), row(16, D1, 1), row(8, D2, 2)]
BY_POINT = [(4, D1), (8, D2), (16, D1)]


@pytest.mark.parametrize(
    ("append_only", "macro", "expected"),
    [
        ([], "latest_points_by_point", BY_POINT),
        ([], "latest_points", [(8, D2)]),
        ([], "latest_points_by_chain", [(8, D2)]),
        ([2], "latest_points_by_point", BY_POINT),
        ([2], "latest_points", [(8, D2)]),
        ([2], "latest_points_by_chain", BY_POINT),
    ],
)
def test_the_three_meanings_of_latest(tmp_path, append_only, macro, expected):
    loaded = load(tmp_path, rows__json=ROWS, info__json=info(1, 2, append_only=append_only))
    assert latest(loaded, macro) == expected
    assert latest(loaded, macro, as_of="2026-05-07") == [(4, D1), (8, D1), (16, D1)]
    assert latest(loaded, macro, as_of="2026-04-30") == []


def test_a_chain_is_of_one_day_and_ends_where_the_image_changes(tmp_path):
    rows = [row(4, D1, 1, image="a:1"), row(8, D2, 2), row(16, D3, 3)]
    loaded = load(tmp_path, rows__json=rows, info__json=info(1, 2, 3, append_only=[2, 3]))
    assert latest(loaded, "latest_points_by_chain") == [(8, D2), (16, D3)]
    curve_dates = loaded.table("SELECT DISTINCT curve_date FROM latest_points_by_chain()")
    assert curve_dates == [{"curve_date": D3}]


def test_a_chain_ends_at_the_nearest_full_run(tmp_path):
    rows = [row(4, D1, 1), row(8, D2, 2), row(16, D3, 3)]
    loaded = load(tmp_path, rows__json=rows, info__json=info(1, 2, 3, append_only=[3]))
    assert latest(loaded, "latest_points_by_chain") == [(8, D2), (16, D3)]


def test_in_a_chain_a_point_of_another_recipe_is_another_point(tmp_path):
    rows = [row(8, D1, 1, recipe_fingerprint="a"), row(8, D2, 2, recipe_fingerprint="b")]
    loaded = load(tmp_path, rows__json=rows, info__json=info(1, 2, append_only=[2]))
    assert latest(loaded, "latest_points_by_chain") == [(8, D1), (8, D2)]


def test_lines_do_not_touch_each_other(tmp_path):
    other = [row(8, D1, 1, osl=8192), row(8, D1, 1, precision="fp4")]
    loaded = load(tmp_path, rows__json=[*ROWS, *other])
    assert latest(loaded, "latest_points") == [(8, D1), (8, D1), (8, D2)]


def test_a_run_that_started_later_on_the_same_day_is_newer(tmp_path):
    early = row(4, D1, 2, run_started_at="2026-05-01T01:00:00Z")
    late = row(8, D1, 1, run_started_at="2026-05-01T09:00:00Z")
    loaded = load(tmp_path, rows__json=[early, late])
    assert latest(loaded, "latest_points") == [(8, D1)]
