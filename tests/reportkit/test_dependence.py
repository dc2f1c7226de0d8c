"""What an output depends on, read from code: never less than it does, and no more than the statements say."""

import inspect
import json
import multiprocessing
import os
import re
from pathlib import Path

import nbformat
import nbformat.v4 as nb
import polars as pl
import pytest

from reportkit import dependence, engine
from tokenfactory import warehouse
from tokenfactory.display import workbook
from tokenfactory.source import SOURCE
from tokenfactory.warehouse.query import Warehouse

PROJECT = Path(__file__).parents[2]

NAMES = ("subject", "speed")
PARAMETERS = 'subject: str = "gb300"  # [gpu] a\nspeed: float = 1.0  # [tok/s/user] b\n'


def depends(*sources: str, asked: dict, parameters=PARAMETERS) -> list[set[str]]:
    """What each cell after that of the parameters depends on; `asked` has a cell and line for each query."""
    cells = [nb.new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    cells += [nb.new_code_cell(source) for source in sources]
    for count, cell in enumerate(cells):
        cell["execution_count"] = count
    by_cell = {}
    for label, (cell, line) in asked.items():
        by_cell.setdefault(cell, []).append((line, label))
    return [set(found) for found in dependence.of_cells(nb.new_notebook(cells=cells), by_cell, NAMES)][1:]


def last(*sources: str, asked: dict) -> set[str]:
    return depends(*sources, asked=asked)[-1]


ASK = "a = db.query('1')\nb = db.query('2')"  # q1 and q2 of the first cell
ASKED = {"q1": (1, 1), "q2": (1, 2)}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("a", {"q1"}),
        ("show(a, b)", {"q1", "q2"}),
        ("f'{a:.2f} {subject}'", {"q1", "parameter:subject"}),
        ("1 + 1", set()),
        ("a\nNone", set()),  # the last statement is what is shown
        ("print(a)\nNone", {"q1"}),
        ("x = a", set()),  # nothing is shown
        # Bindings
        ("x = a\nx = b\nx", {"q2"}),
        ("x, y = a, 1\ny", {"q1"}),
        ("x = a\nx += b\nx", {"q1", "q2"}),
        ("(x := a)\nx", {"q1"}),
        ("x = 1\nif b:\n    x = a\nx", {"q1", "q2"}),  # the condition counts, and the branch not taken
        ("x = a\nif subject:\n    x = b\nx", {"q1", "q2", "parameter:subject"}),
        ("for x in a:\n    y = x\ny", {"q1"}),
        ("with open(a) as x:\n    pass\nx", {"q1"}),
        ("try:\n    x = a\nexcept KeyError as e:\n    x = b\nx", {"q1", "q2"}),
        # What is changed in place
        ("x = []\nx.append(a)\nx", {"q1"}),
        ("x = {}\nx['k'] = a\nx", {"q1"}),
        ("x = {}\nx['k']['l'] = a\nx", {"q1"}),
        ("x.y = a\nx", {"q1"}),
        ("x = {}\nfor i in a:\n    x[i] = 1\nx", {"q1"}),
        ("rows = [{}, {}]\nfor row in rows:\n    row['k'] = a\nrows", {"q1"}),
        ("rows = [{}, {}]\nfor row, v in zip(rows, [1, 2]):\n    row |= {'k': a}\nrows", {"q1"}),
        ("rows = {1: {}}\nrow = rows[1]\nrow['k'] = a\nrows", {"q1"}),
        ("x = []\ny = [x]\nx.append(a)\ny", {"q1"}),  # y holds x
        ("row = {'k': b}\nkept = row\nrow = {}\nrow['k'] = a\nkept", {"q2"}),  # another row
        ("x = Workbook()\nk = x.inputs('k', a)\ny = x.line('l', k + b)\nx", {"q1", "q2"}),
        # Scopes
        ("row = a\n[row for row in b]", {"q2"}),
        ("row = a\n[row for row in b if row != subject]", {"q2", "parameter:subject"}),
        ("{k: v for k, v in b for w in a}", {"q1", "q2"}),
        ("x = a\nf = lambda x: x + 1\nf(2)", set()),
        ("f = lambda x: x + a\nf(2)", {"q1"}),
        ("def f(x, y=b):\n    z = x\n    return z\nf(1)", {"q2"}),
        ("def f():\n    return a\n1", set()),
        ("def f():\n    return a\nf()", {"q1"}),
        (
            "def f():\n    return g()\ndef g():\n    return a\nf()",
            {"q1"},
        ),  # the names of a function are found when it runs
        ("def f():\n    return x\nx = a\ny = f()\nx = b\ny", {"q1"}),
        ("def f():\n    return x\nx = a\nx = b\nf()", {"q2"}),
        ("def f():\n    def g():\n        return a\n    return g()\nf()", {"q1"}),
        ("f = {'k': lambda: a}\nf['k']()", {"q1"}),
        ("class C:\n    x = a\nC.x", {"q1"}),
        # Modules stay what they are
        ("import show\nshow.table(a)\nshow.text(b)", {"q2"}),
        ("from m import rows\nrows.append(a)\nrows", set()),
        # All that was read
        ("show.provenance(db.provenance())", {"q1", "q2"}),
    ],
)
def test_what_is_shown_depends_on(code, found):
    assert last(ASK, code, asked=ASKED) == found


def test_all_that_changes_a_workbook_is_known_to():
    methods = {name for name, what in vars(workbook.Workbook).items() if inspect.isfunction(what) and name[0] != "_"}
    assert methods - {"data"} and methods - {"data"} <= dependence._CHANGING


def test_a_query_belongs_to_the_statement_that_asked_it():
    cell = "x = [\n    db.query('1'),\n    db.query('2'),\n]\ny = db.query('3')\nx"
    assert last(cell, asked={"q1": (1, 2), "q2": (1, 3), "q3": (1, 5)}) == {"q1", "q2"}


def test_a_function_asks_for_the_cell_that_calls_it():
    define = "def price(gpu):\n    return db.query('1')"
    found = depends(define, "x = price(subject)\nx", "y = price('h200')", "y", asked={"q1": (2, 1), "q2": (3, 1)})
    assert found == [set(), {"q1", "parameter:subject"}, set(), {"q2"}]


def test_parameters_count_by_name_also_when_they_were_injected():
    injected = nb.new_code_cell("speed = 2.0", metadata={"tags": ["injected-parameters"]})
    cells = [nb.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}), injected, nb.new_code_cell("speed * 2")]
    assert list(dependence.of_cells(nb.new_notebook(cells=cells), {}, NAMES))[-1] == {"parameter:speed"}


def test_a_cell_that_cannot_be_followed_depends_on_all_before_it():
    found = depends(ASK, "x = 1", "%time y = a", "x", asked=ASKED)
    assert found[2] == {"q1", "q2", "parameter:subject", "parameter:speed"} == found[3]


def test_text_depends_on_nothing():
    cells = [nb.new_markdown_cell("a"), nb.new_code_cell("1")]
    assert list(dependence.of_cells(nb.new_notebook(cells=cells), {}, NAMES)) == [
        frozenset(),
        frozenset(),
    ]


# Against what happens: each query of each notebook in turn gives something else, and every output that changes said so


def _run_changed(source: Path, out: Path, changed: str | None) -> None:
    """Execute a notebook in this process; the numbers of one query, named as in the trace, are a little larger."""
    os.environ |= {"TOKENFACTORY_TRACE": f"{out}.trace", "TOKENFACTORY_WAREHOUSE": str(warehouse.build())}
    asks = Warehouse.query

    def query(self, sql, **parameters):
        frame = asks(self, sql, **parameters)
        if changed != json.dumps([sql, parameters], default=str):
            return frame
        real = [name for name, kind in frame.schema.items() if kind.is_float()]
        whole = [name for name, kind in frame.schema.items() if kind.is_integer()] if not real else []
        return frame.with_columns(*(pl.col(name) * 1.013 for name in real), *(pl.col(name) + 1 for name in whole))

    Warehouse.query = query
    made = engine.execute(source, {}, out, engine="fork", on_cell_start=lambda **_: None)
    nbformat.write(made, out)


def _outputs(path: Path) -> dict[str, str]:
    """The outputs of each cell, up to one that failed."""
    found = {}
    for cell in nbformat.read(path, 4).cells:
        if any(output.output_type == "error" for output in cell.get("outputs", ())):
            break
        found[cell.id] = json.dumps(cell.get("outputs", []), sort_keys=True)
    return found


@pytest.mark.soak
@pytest.mark.parametrize("path", sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb")), ids=lambda path: path.stem)
def test_an_output_that_changes_with_a_query_is_said_to_depend_on_it(path, tmp_path):
    source = nbformat.read(path, 4)
    for cell in source.cells:  # what is checked would fail, and end the run
        cell.source = re.sub(r"^(\s*)assert ", r"\1_ = ", cell.source, flags=re.M)
    nbformat.write(source, tmp_path / "source.ipynb")
    engine.import_libraries(SOURCE.imports)

    def run(name, changed=None):
        arguments = (tmp_path / "source.ipynb", tmp_path / name, changed)
        process = multiprocessing.get_context("fork").Process(target=_run_changed, args=arguments)
        process.start()
        process.join(600)
        return _outputs(tmp_path / name)

    before, labels, asked = run("base.ipynb"), {}, {}
    for line in map(json.loads, (tmp_path / "base.ipynb.trace").read_text().splitlines()):
        label = labels.setdefault(json.dumps([line["sql"], line["params"]]), f"q{len(labels) + 1}")
        asked.setdefault(line["cell"], []).append((line["line"], label))
    base = nbformat.read(tmp_path / "base.ipynb", 4)
    depends_on = dict(zip((cell.id for cell in base.cells), dependence.of_cells(base, asked, []), strict=True))
    changed = {
        (label, cell)
        for query, label in labels.items()
        for cell, outputs in run(f"{label}.ipynb", query).items()
        if outputs != before[cell]
    }
    assert changed and [(label, cell) for label, cell in sorted(changed) if label not in depends_on[cell]] == []
