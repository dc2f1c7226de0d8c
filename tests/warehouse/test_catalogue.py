"""What the warehouse says about itself, to an analyst who looks inside."""

import subprocess
import sys

import pytest

from tokenfactory import warehouse
from tokenfactory.errors import ParameterError
from tokenfactory.warehouse import catalogue, files, store


@pytest.fixture(scope="module")
def db():
    return warehouse.connect()


def test_it_says_where_it_is_and_how_to_go_on(db):
    assert db.path.suffix == ".duckdb" and db.path.name in repr(db)
    assert "db.tables()" in repr(db)


def test_every_view_macro_and_table_has_a_meaning(db):
    listed = db.tables()
    assert {"points", "price_on(day)", "price_book"} <= set(listed["name"])
    silent = listed.filter(listed["meaning"].is_null() & (listed["kind"] != "table"))["name"].to_list()
    assert silent == []


def test_columns_of_the_points_have_units(db):
    described = dict(db.describe("points").select("column", "meaning").iter_rows())
    assert described["interactivity_tok_per_s_per_user"].startswith("[tok/s/user]")
    assert described["isl"].startswith("[tok]")


def test_a_macro_says_what_it_takes(db):
    assert db.describe("price_on")["name"].to_list() == ["price_on(day)"]


def test_an_unknown_name_is_one_sentence_with_the_nearest(db):
    with pytest.raises(ParameterError, match="no table or view 'pointz'; did you mean 'points'"):
        db.describe("pointz")


LATEST = [f"latest/{path.stem}" for path in sorted((files.SQL / "latest").glob("*"))]


@pytest.mark.parametrize("view", [*store.VIEWS, *LATEST])
def test_the_example_of_every_view_can_be_asked(view, db):
    sql = (files.SQL / f"{view}.sql").read_text()
    db.ask(catalogue.example(sql))
    assert "Example" not in catalogue.header(sql)


def test_other_programs_see_the_words(db):
    program = (
        "import duckdb, sys; other = duckdb.connect(sys.argv[1], read_only=True); "
        "print(other.execute(\"SELECT comment FROM duckdb_tables() WHERE table_name = 'points'\").fetchone()[0])"
    )
    said = subprocess.run([sys.executable, "-c", program, db.path], capture_output=True, text=True, check=True).stdout
    assert "one point" in said


def test_a_view_that_is_kept_as_a_table_stands_once_and_is_a_view(db):
    kinds = dict(db.tables().select("name", "kind").rows())
    assert kinds["points"] == kinds["excluded_points"] == "view" and not [n for n in kinds if n.endswith("_as_made")]
    views = db.tables().filter(kind="view")["name"].to_list()
    assert views == sorted(views)
