"""Both engines, each in a process of its own: the fast one runs the cells in its process, once in its life."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import papermill
import pytest
from small_project import write_notebook

ENGINES = ("fork", "kernel")

EXECUTE = """
import json, sys
from pathlib import Path
from reportkit import engine
source, parameters, output, name = sys.argv[1:]
started = []
done = engine.execute(Path(source), json.loads(parameters), Path(output), engine=name,
                      on_cell_start=lambda cell, cell_index: started.append(cell_index))
failed = engine.failure(done)
print(json.dumps({"notebook": done, "started": started, "failed": failed}))
"""

# A notebook shows results in these ways, and each must leave what a kernel leaves.
CELLS = [
    "import sys\nprint('one'); print('error', file=sys.stderr); print('two')",
    "from IPython.display import HTML, display, update_display, clear_output\n"
    "display(HTML('<b>1</b>'), display_id='x')\n1 + 1",
    "update_display(HTML('<b>2</b>'), display_id='x')\n{'a': (1, 2), 3: None}",
    "class Shown:\n"
    "    def _repr_mimebundle_(self, include=None, exclude=None):\n"
    "        data = {'application/vnd.x+json': {'a': [1, (2, 3)], 'd': 1e-7}, 'text/plain': 'Shown'}\n"
    "        return data, {'text/plain': {'k': 1}}\n"
    "Shown()",
    "None",
    "'not shown';",
    "# only a comment",
    "print('gone'); clear_output(); print('kept', end='\\r'); print('over')",
    "display(HTML('<i>0</i>')); clear_output(wait=True); display(HTML('<i>1</i>')); print('after')",
    "import warnings\nwarnings.warn('look out')",
    "import logging\nlogging.warning('logged')",
    "import asyncio\nawait asyncio.sleep(0)\nprint('awaited')\n42",
    "asyncio.get_running_loop().is_running(), __name__, In[3][:6], _, Out[4]",
    "!echo from the shell",
    "import polars as pl\npl.DataFrame({'a': [1.5, 2], 'b': ['x', None]})",
    "import altair as alt\nimport tokenfactory.display.theme\n"
    "alt.Chart(pl.DataFrame({'a': [1.5, 2]})).mark_point().encode(x='a:Q').properties(description='two points')",
    "import os\nimport beside\nbeside.HERE, os.path.basename(os.getcwd())",
    "subject, utilisation_frac, num_gpu",
]  # fmt: skip


def execute(path: Path, engine: str, parameters=None, home: Path | None = None) -> dict:
    output = path.with_name(f"{path.stem}.{engine}.out.ipynb")
    command = [sys.executable, "-c", EXECUTE, str(path), json.dumps(parameters or {}), str(output), engine]
    environment = os.environ | ({"HOME": str(home)} if home else {})
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the notebooks lie; papermill reads braces in file names as its own."""
    folder = tmp_path_factory.mktemp("note{books}")
    (folder / "beside.py").write_text("HERE = 'a module beside the notebook'\n")
    startup = folder / "home/.ipython/profile_default/startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("subject = 'set by a personal start-up file'\nprint(subject)\n")
    return folder


@pytest.fixture(scope="module")
def shown(folder):
    path = write_notebook(folder / "01_shown.ipynb", *CELLS)
    return {e: execute(path, e, {"subject": "h200", "num_gpu": 8}, folder / "home") for e in ENGINES}


@pytest.fixture(scope="module")
def raised(folder):
    path = write_notebook(folder / "02_raised.ipynb", "def f():\n    raise KeyError('deep')", "f()", "print('never')")
    return {e: execute(path, e) for e in ENGINES}


def code_cells(result):
    return [cell for cell in result["notebook"]["cells"] if cell["cell_type"] == "code"]


def test_both_engines_leave_the_same_notebook(shown):
    fork, kernel = (code_cells(shown[e]) for e in ENGINES)
    for ours, theirs in zip(fork, kernel, strict=True):
        assert ours == theirs
    assert shown["fork"]["notebook"] == shown["kernel"]["notebook"]
    assert shown["fork"]["started"] == shown["kernel"]["started"] == list(range(len(CELLS) + 3))


@pytest.mark.parametrize("engine", ENGINES)
def test_outputs_are_what_the_cells_say(shown, engine):
    """The comparison above would pass on two empty notebooks."""
    by_source = {cell["source"]: cell["outputs"] for cell in code_cells(shown[engine])}
    outputs = [by_source[source] for source in CELLS]
    assert outputs[0] == [
        {"name": "stdout", "output_type": "stream", "text": "one\ntwo\n"},
        {"name": "stderr", "output_type": "stream", "text": "error\n"},
    ]
    assert [o["output_type"] for o in outputs[1]] == ["display_data", "execute_result"]
    assert outputs[1][0]["data"]["text/html"] == "<b>2</b>"  # updated by the next cell
    assert outputs[2][0]["data"]["text/plain"] == "{'a': (1, 2), 3: None}"
    assert outputs[3][0]["data"]["application/vnd.x+json"] == {"a": [1, [2, 3]], "d": 1e-7}
    assert outputs[3][0]["metadata"] == {"text/plain": {"k": 1}}
    assert outputs[4] == outputs[5] == outputs[6] == []
    assert [o["text"] for o in outputs[7]] == ["over\n"]
    assert outputs[9][0]["text"] == "cell:2: UserWarning: look out\n  warnings.warn('look out')\n"
    assert outputs[11][1]["data"]["text/plain"] == "42"
    assert outputs[12][0]["data"]["text/plain"] == "(True, '__main__', 'import', 42, 2)"
    assert outputs[13][0]["text"] == "from the shell\r\n"
    assert "application/vnd.vegalite.v5+json" in outputs[15][0]["data"]
    assert "a module beside the notebook" in outputs[16][0]["data"]["text/plain"]
    assert outputs[17][0]["data"]["text/plain"] == "('h200', 0.6, 8)"
    assert [cell["execution_count"] for cell in code_cells(shown[engine])] == list(range(1, len(CELLS) + 3))


@pytest.mark.parametrize("engine", ENGINES)
def test_what_differs_between_runs_or_names_the_machine_is_not_in_it(shown, engine):
    notebook = shown[engine]["notebook"]
    assert [c["id"] for c in notebook["cells"] if "injected-parameters" in c["metadata"].get("tags", [])] == [
        "injected-parameters"
    ]
    assert notebook["metadata"].keys() == {"kernelspec", "language_info"}
    assert not [key for c in notebook["cells"] for key in c["metadata"] if key != "tags"]
    assert "ipykernel_" not in json.dumps(notebook)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_cell_that_raises_ends_the_notebook_and_is_named(raised, engine):
    source, error = raised[engine]["failed"]
    assert (source, error["ename"], error["evalue"]) == ("f()", "KeyError", "'deep'")
    last = code_cells(raised[engine])[-1]
    assert (last["source"], last["execution_count"], last["outputs"]) == ("print('never')", None, [])


def test_both_engines_leave_the_same_error(raised):
    (_, ours), (_, theirs) = (raised[e]["failed"] for e in ENGINES)
    assert ours == theirs


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("cell", "ename"), [("import sys\nsys.exit(0)", "SystemExit"), ("input()", None), ("1 +", "SyntaxError")]
)
def test_leaving_early_asking_and_bad_syntax_are_failures(tmp_path, engine, cell, ename):
    source, error = execute(write_notebook(tmp_path / "01_x.ipynb", cell, "2"), engine)["failed"]
    assert source == cell
    assert ename is None or error["ename"] == ename


def test_without_parameters_no_cell_is_injected(tmp_path):
    cells = code_cells(execute(write_notebook(tmp_path / "01_x.ipynb", "subject"), "fork"))
    assert [cell["metadata"].get("tags") for cell in cells] == [["parameters"], None]
    assert cells[1]["outputs"][0]["data"]["text/plain"] == "'gb300'"


def test_what_the_user_can_put_right_is_one_line_under_plain_papermill(tmp_path):
    path = tmp_path / "bad.ipynb"
    cell = 'from tokenfactory import warehouse\nwarehouse.connect().price(gpu="h2000", basis=basis, on="latest")'
    write_notebook(path, cell, parameters='basis: str = "spot"  # [price_basis] b')
    with pytest.raises(papermill.PapermillExecutionError) as raised:
        papermill.execute_notebook(str(path), str(tmp_path / "out.ipynb"), {"basis": "nobody's"}, progress_bar=False)
    told = str(raised.value).strip().splitlines()[-1]
    assert re.fullmatch(r"NotMeasuredError: no nobody's price of h2000 on [-0-9]+: .*", told)
