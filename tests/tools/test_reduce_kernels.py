"""The shipped kernel tables are what their owners measured, cut down and nothing else."""

import csv
from pathlib import Path

import pytest

from tokenfactory.warehouse import schema
from tokenfactory.warehouse.files import PROJECT


@pytest.fixture(scope="module")
def reduced(shared):
    import importlib.util

    spec = importlib.util.spec_from_file_location("reduce_kernels", Path(__file__).with_name("reduce_kernels.py"))
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return {name: program.text(source, *content) for name, source, content in program.tables(shared)}


def test_the_shipped_files_are_the_program_s(reduced):
    assert len(reduced) == 7
    for name, text in reduced.items():
        assert (PROJECT / "data" / name).read_text() == text, name


def test_each_says_whose_it_is_and_under_which_licence(reduced):
    notice = (PROJECT / "NOTICE").read_text()
    for name, text in reduced.items():
        lines = text.splitlines()
        assert schema.num_notice_lines(text) == 3
        assert "Apache License 2.0" in lines[0] and "Copyright" in lines[1] and "NOTICE" in lines[2]
        assert name in notice
        assert next(csv.reader(lines[3:])) == list(next(t for t in schema.TABLES.values() if t.file == name).columns)
