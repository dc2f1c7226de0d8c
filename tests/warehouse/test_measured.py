"""The schema of measured points keeps the rules that its readers rely on."""

import pytest

from tokenfactory.warehouse import measured, schema
from tokenfactory.warehouse.measured import FIELDS, MEASURED_POINTS, TABLES

# Units in the columns' own words, and how a name that carries one ends.
ENDINGS = {
    "tok": "_tok",
    "s": "_s",
    "req/s": "requests_per_s",
    "frac": "_frac",
    "gpu": "_gpu",
    "tok/s/user": "_tok_per_s_per_user",
    "kw/gpu": "_kw_per_gpu",
    "j": "_j_per_request",
}


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_named_once_and_explained(table):
    columns = TABLES[table].columns
    assert len({c.name for c in columns}) == len(columns)
    assert all(c.meaning for c in columns)


@pytest.mark.parametrize("column", [c for c in MEASURED_POINTS if c.unit], ids=lambda c: c.name)
def test_a_name_ends_in_its_unit(column):
    if column.unit in ("tok/s/gpu", "j/tok"):
        expected = {"tok/s/gpu": ("_tok_per_s_per_gpu", "_tok_per_s_per_role_gpu"), "j/tok": ("_tok",)}[column.unit]
    else:
        expected = (ENDINGS[column.unit].removeprefix("_"),)
    assert column.name.endswith(expected)


@pytest.mark.parametrize("column", MEASURED_POINTS, ids=lambda c: c.name)
def test_a_flag_is_a_boolean_and_a_count_a_whole_number(column):
    if column.name.startswith(("is_", "has_")):
        assert column.type == "BOOLEAN"
    if column.name.startswith("num_"):
        assert column.type == "BIGINT"


def test_lines_and_series_are_made_of_columns():
    names = {c.name for c in MEASURED_POINTS}
    assert set(measured.LINE) <= names
    assert set(measured.SERIES) <= names


def test_facts_are_fields_an_adapter_may_state():
    assert set(measured.FACTS) <= FIELDS.keys()


def test_a_benchmark_that_ships_has_the_columns_of_a_measured_point():
    of_points = {c.name: c for c in MEASURED_POINTS}
    shipped = [c for name, c in schema.TABLES["benchmarks"].columns.items() if name in of_points]
    assert len(shipped) > 30
    for column in shipped:
        point = of_points[column.name]
        assert (column.duckdb_type, column.unit, column.meaning) == (point.type.removesuffix("[]"), *point[2:])
