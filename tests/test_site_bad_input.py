"""Bad input to the page on sites: exit code 2 and one sentence; a hall into which nothing fits is an answer."""

import csv
import os
import shutil
from pathlib import Path

import pytest
import questions
from small_project import WARM

PROJECT = Path(__file__).parents[1]
NOTEBOOK = "06_power_limited_site"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """What one test has made is there for the others, under the hash of what it was made from."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def report(tmp_path, cache):
    """Make the page with parameters, and with other values of rows of the site inputs."""
    (tmp_path / "notebooks").mkdir()
    shutil.copy(PROJECT / "notebooks" / f"{NOTEBOOK}.ipynb", tmp_path / "notebooks")
    shutil.copytree(PROJECT / "data", tmp_path / "data", ignore=shutil.ignore_patterns("snapshots", "scenarios"))
    variables = {"TOKENFACTORY_DATA": str(tmp_path / "data"), "TOKENFACTORY_CACHE": str(cache)}

    def run(*parameters, **values):
        path = tmp_path / "data" / "site_inputs.csv"
        rows = list(csv.DictReader(path.read_text().splitlines()))
        for row in rows:
            if (key := row["key"].replace("-", "_")) in values:
                row |= {"value": values.pop(key), "low": "", "high": ""}
        assert not values, f"no such row: {values}"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        options = [text for parameter in parameters for text in ("-p", parameter)]
        command = [str(PROJECT / "tests" / "stubbed_cli.py"), str(tmp_path), "report", *options]
        return WARM.run(command, env=os.environ | variables, cwd=tmp_path, timeout=300)

    return run


@pytest.mark.parametrize(
    ("parameters", "values", "says"),
    [
        (["site_mw=0"], {}, "site_mw: '0' is not above 0"),
        (["site_mw=-3"], {}, "site_mw: '-3' is not above 0"),
        (["site_mw=nan"], {}, "site_mw: 'nan' is not a finite number"),
        (["liquid_frac=2"], {}, "liquid_frac: '2' is not a share from 0 to 1"),
        ([], {"pue_air": "0.9"}, "a PUE of 0.9 is below 1: a site cannot draw less than its IT equipment"),
        (["num_spares=-1"], {}, "num_spares: '-1' is not 0 or more"),
        (["demand_tok_per_day=-1"], {}, "demand_tok_per_day: '-1' is not 0 or more"),
        (["price_elasticity=-1"], {}, "price_elasticity: '-1' is not 0 or more"),
    ],
)
def test_bad_input_is_one_sentence_and_code_2(report, parameters, values, says):
    done = report(*parameters, **values)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 2, done.stderr
    assert last.startswith("tokenfactory: ")
    assert says in last
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"site_mw": 0.01}, "Nothing fits into 0.01 MW at the meter: 2 nodes of B200, spares counted, need"),
        ({"site_basis": "board_tdp"}, "Nothing fits into 10 MW of board TDP power: B200 has no board_tdp power, only"),
        ({"site_mw": 0.01, "demand_tok_per_day": 1e9, "price_elasticity": 2.0}, "Nothing fits into 0.01 MW"),
    ],
)
def test_a_hall_into_which_nothing_fits_is_an_answer(parameters, says):
    (page,) = (one for one in questions.NOTEBOOKS if one.name == NOTEBOOK)
    assert says in questions.shown(page, **parameters)["answer"][0]


@pytest.mark.parametrize(
    "values", [{"max_kw_per_rack_air": "5", "max_kw_per_rack_liquid": "10"}, {"max_kw_per_rack_air": "5"}]
)
def test_narrow_racks_are_a_page(report, values):
    done = report("liquid_frac=0", "site_mw=0.3", **values)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("parameter", ["price_date=2026-03-01", "interactivity=9000", "isl=1", "model=kimi-k2.5"])
def test_what_is_not_measured_is_said_on_the_page(report, parameter):
    done = report(parameter)
    assert done.returncode == 0, done.stderr


def test_the_page_is_made_with_other_rows_of_the_same_kind(report):
    done = report("site_mw=1", "site_basis=critical_it", pue_air="1.5")
    assert done.returncode == 0, done.stderr
