"""The notebook template, held to: a reader finds the same things in the same place in every notebook."""

import ast
import json
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
TAGS = {"parameters", "setup", "answer", "table", "chart", "check", "provenance"}
SHOWN = {"answer", "table", "chart", "provenance"}
PARAMETER = re.compile(r"^[a-z][a-z0-9_]*: (str|int|float|bool) = (?P<value>.*?)  # \[[^\]]+\] \S.*$")
UNIT_AFTER_NUMBER = re.compile(r"\d(?:[\d.,]*)\s?(?:x\b|×|%|percent\b|USD|tok/s|MW\b|kW\b)|\$\s?\d")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return json.loads(path.read_text())


def source(cell):
    return "".join(cell["source"])


def tags(cell):
    return set(cell["metadata"].get("tags", []))


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 3


def test_name(path):
    assert re.fullmatch(r"\d\d_[a-z0-9_]+\.ipynb", path.name)


def test_the_first_cell_asks_one_question_and_warns(notebook):
    first = notebook["cells"][0]
    assert first["cell_type"] == "markdown"
    title = source(first).splitlines()[0]
    assert re.fullmatch(r"# .*\?", title)
    assert "**For**" in source(first)
    everything = [source(cell) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    assert sum(len(re.findall(r"^# ", text, flags=re.M)) for text in everything) == 1


def test_parameters(notebook):
    cell = notebook["cells"][1]
    assert tags(cell) == {"parameters"}
    lines = source(cell).splitlines()
    assert 1 <= len(lines) <= 12
    for line in lines:
        match = PARAMETER.match(line)
        assert match, line
        value = ast.literal_eval(match["value"])
        assert not isinstance(value, str) or not set(value) & set("=#"), line


def test_every_code_cell_says_what_it_is(notebook):
    for cell in code_cells(notebook):
        assert len(tags(cell) & TAGS) == 1, source(cell)
        assert tags(cell) <= TAGS | {"nbval-ignore-output"}


def test_order_of_the_template(notebook):
    kinds = [(tags(cell) & TAGS).pop() for cell in code_cells(notebook)]
    after_setup = kinds[1 + kinds[1:].index("answer") :]
    assert set(kinds[1 : len(kinds) - len(after_setup)]) == {"setup"}, "the answer comes right after the setup"
    assert kinds.index("answer") < min(kinds.index("table"), kinds.index("chart"))
    assert "setup" not in after_setup
    assert kinds[-1] == "provenance"
    assert "check" in kinds
    checks = [source(cell) for cell in code_cells(notebook) if "check" in tags(cell)]
    assert any("assert " in text for text in checks)
    assert any("What this does not show" in source(cell) for cell in notebook["cells"])


def test_only_charts_opt_out_of_comparison(notebook):
    for cell in code_cells(notebook):
        assert ("nbval-ignore-output" in tags(cell)) == ("chart" in tags(cell)), source(cell)


def test_cells_are_short(notebook):
    assert len(notebook["cells"]) <= 42
    for cell in notebook["cells"]:
        lines = source(cell).splitlines()
        assert len(lines) <= 30, source(cell)
        assert max(map(len, lines), default=0) <= 120, max(lines, key=len)


def test_stored_executed_with_outputs_and_nothing_else(notebook, path):
    cells = code_cells(notebook)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        kind = (tags(cell) & TAGS).pop()
        outputs = cell["outputs"]
        assert {o["output_type"] for o in outputs} <= {"execute_result", "display_data"}, source(cell)
        if kind in SHOWN:
            assert outputs, f"a cell tagged {kind} shows nothing:\n{source(cell)}"
        if kind in {"parameters", "setup"}:
            assert not outputs
        assert not {"execution", "papermill", "widgets"} & set(cell["metadata"])
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert path.stat().st_size < 600_000


def test_no_path_of_a_machine(path):
    assert not re.search(r"/(?:home|root|work|tmp|Users)/", path.read_text())


def test_questions_are_bound_not_pasted(notebook):
    for cell in code_cells(notebook):
        for call in ast.walk(ast.parse(source(cell))):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "query":
                sql = call.args[0]
                assert isinstance(sql, ast.Constant), "SQL is a plain string; values are bound parameters"
                assert len(sql.value.splitlines()) <= 15
                assert "ORDER BY" in sql.value
                assert "SELECT *" not in sql.value or "_on(" in sql.value, sql.value


def test_a_notebook_neither_publishes_nor_opens_files(notebook):
    text = "\n".join(map(source, code_cells(notebook)))
    assert "reportkit" not in text
    assert not re.search(r"import .*\breportkit\b", text)
    assert not re.search(r"\b(?:open|read_csv|read_parquet|read_json)\(|import duckdb", text)


def test_prose_holds_no_results(notebook):
    """A number with a unit is a result; results are printed by cells, so that they change with the data."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            prose = re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$", "", source(cell), flags=re.S)
            assert not UNIT_AFTER_NUMBER.search(prose), UNIT_AFTER_NUMBER.search(prose)[0]
