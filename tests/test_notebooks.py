"""The notebook template, held to: a reader finds the same things in the same place in every notebook."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reportkit import plan
from reportkit.brief import SHEETS
from tokenfactory.source import SOURCE, Project

PROJECT = Path(__file__).parents[1]
LESSON = PROJECT / "notebooks" / "00_tutorial.ipynb"
NOTEBOOKS = sorted(set((PROJECT / "notebooks").glob("*.ipynb")) - {LESSON})
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
    assert re.fullmatch(r"\d\d_[a-z0-9_]+\.ipynb", path.name) or path.stem in SOURCE.lessons


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
    assert 1 <= len(lines) <= 15
    for line in lines:
        match = PARAMETER.match(line)
        assert match, line
        value = ast.literal_eval(match["value"])
        assert not isinstance(value, str) or not set(value) & set("=#"), line


def test_every_code_cell_says_what_it_is(notebook):
    for cell in code_cells(notebook):
        assert len(tags(cell) & TAGS) == 1, source(cell)
        assert tags(cell) <= TAGS | {"nbval-ignore-output"} | {f"brief-{sheet}" for sheet in SHEETS}


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


def faults(notebook):
    """What keeps a notebook from reading like an essay: question, setup told cell by cell, answer, picture."""
    before, is_told, is_answered = 0, False, False
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            is_told = True
            continue
        code, first = source(cell), source(cell).partition("\n")[0]
        is_answered |= "answer" in tags(cell)
        if len(code.splitlines()) > 20:
            yield f"{len(code.splitlines())} lines in a cell: {first}"
        if "# fmt" in code:
            yield f"formatting is switched off: {first}"
        if any(isinstance(node, ast.Assert) and node.msg is None for node in ast.walk(ast.parse(code))):
            yield f"an assert without its sentence: {first}"
        if not is_answered and "parameters" not in tags(cell):
            before += len(code.splitlines())
            if not is_told:
                yield f"no sentence before the cell: {first}"
        is_told = False
    if before > 60:
        yield f"{before} lines of code before the answer"


def test_a_notebook_reads_like_an_essay(notebook):
    assert list(faults(notebook)) == []


def test_an_essay_is_told_from_what_is_none():
    def cell(kind, *lines, tag="setup"):
        return {"cell_type": kind, "source": "\n".join(lines), "metadata": {"tags": [tag]}}

    told, answer = cell("markdown", "What comes next."), cell("code", "1", tag="answer")
    setup = [told, cell("code", *["x = 1"] * 20)] * 3
    parameters = [told, cell("code", "a: int = 1", tag="parameters")]
    assert not list(faults({"cells": [*parameters, *setup, answer, answer]}))
    assert "61 lines" in " ".join(faults({"cells": [*parameters, *setup, told, cell("code", "y = 1"), answer]}))
    assert "21 lines" in " ".join(faults({"cells": [answer, cell("code", *["x"] * 21)]}))
    for code, fault in (
        ("assert x", "without its sentence"),
        ("x = 1  # fmt: skip", "switched off"),
        ("x", "no sentence before"),
    ):
        assert fault in " ".join(faults({"cells": [cell("code", code), answer]}))


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
    assert path.stat().st_size < 1_200_000


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


def test_the_tutorial_has_five_cells_each_introduced():
    notebook = json.loads(LESSON.read_text())
    assert len(code_cells(notebook)) == 5
    kinds = [cell["cell_type"] for cell in notebook["cells"]]
    assert all(kinds[i - 1] == "markdown" for i, kind in enumerate(kinds) if kind == "code")
    test_cells_are_short(notebook)
    test_no_path_of_a_machine(LESSON)
    assert [cell["execution_count"] for cell in code_cells(notebook)] == [1, 2, 3, 4, 5]


REPORT = """\
import sys
from pathlib import Path
from tokenfactory import cli, source
sys.exit(cli.run(["report"], source.Project(Path(sys.argv[1]))))
"""


def test_lessons_make_no_page_and_their_copies_join_the_site(tmp_path):
    (tmp_path / "notebooks").mkdir()
    for name, copy in {"template": "13_mine", "00_tutorial": "14_lesson"}.items():
        for stem in (name, copy):
            shutil.copy(PROJECT / "notebooks" / f"{name}.ipynb", tmp_path / "notebooks" / f"{stem}.ipynb")
    project = Project(tmp_path)
    assert [notebook.name for notebook in plan.notebooks(project)] == ["13_mine", "14_lesson"]
    assert len(plan.notebooks(project, with_lessons=True)) == 4
    # A process of its own: one in which Polars has worked cannot be forked.
    subprocess.run([sys.executable, "-c", REPORT, str(tmp_path)], check=True, timeout=300)
    site = tmp_path / "reports" / "site"
    assert {path.stem for path in site.glob("[0-9]*.html")} == {"13_mine", "14_lesson"}
    assert "template_usd_per_mtok" in (tmp_path / "reports" / "headline_numbers.csv").read_text()
    index = (site / "index.html").read_text()
    assert "What does a token cost on this system" in index and "How do I ask these data" in index


def test_stored_charts_are_pictures_too_and_setup_is_folded():
    cells = code_cells(json.loads((PROJECT / "notebooks" / "template.ipynb").read_text()))
    (chart,) = (cell for cell in cells if "chart" in tags(cell))
    assert "".join(chart["outputs"][0]["data"]["image/svg+xml"]).startswith("<svg")
    folded = {tag for cell in cells if cell["metadata"].get("jupyter") for tag in tags(cell)}
    assert folded == {"setup"}


@pytest.mark.soak
def test_an_older_processor_leaves_the_same_outputs(tmp_path):
    """glibc, NumPy and OpenBLAS choose their code by the processor, and the last bits of a logarithm are others."""
    for name in ("lib", "data", "notebooks"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    older = {
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3",
        "OPENBLAS_CORETYPE": "Nehalem",
    }
    command = [sys.executable, "-m", "tokenfactory", "refresh"]
    there = {"PYTHONPATH": str(tmp_path / "lib")}
    subprocess.run(command, check=True, timeout=600, cwd=tmp_path, env=os.environ | there | older)
    for path in (PROJECT / "notebooks").glob("*.ipynb"):
        assert (tmp_path / "notebooks" / path.name).read_bytes() == path.read_bytes(), path.name
