"""A notebook executed with other parameters, or other data, in a process of its own."""

import json
import os
from pathlib import Path

import nbformat
from small_project import WARM

RUN = """\
import json, sys
from pathlib import Path
import nbformat
from reportkit import engine, workers
from tokenfactory.source import SOURCE
source, given, out = Path(sys.argv[1]), json.loads(sys.argv[2]), Path(sys.argv[3])
if workers.IS_FORK_SAFE:
    engine.import_libraries(SOURCE.imports)
how = "fork" if workers.IS_FORK_SAFE else "kernel"
made = engine.execute(source, given, out, engine=how, on_cell_start=lambda cell, cell_index: None)
assert not engine.failure(made), engine.failure(made)
nbformat.write(made, out)
"""


def execute(project: Path, name: str, folder: Path, data: Path | None = None, **parameters) -> nbformat.NotebookNode:
    """The notebook whose name begins like this, executed; `data` is another data folder.

    As it ships it is what is stored, which nbval compares with a run.
    """
    (source,) = (project / "notebooks").glob(f"{name}_*.ipynb")
    if data is None and not parameters:
        return nbformat.read(source, as_version=4)
    out = folder / f"executed-{len(list(folder.iterdir()))}.ipynb"
    elsewhere = {"TOKENFACTORY_DATA": str(data), "TOKENFACTORY_CACHE": str(folder / "cache")} if data else {}
    command = ["-c", RUN, str(source), json.dumps(parameters), str(out)]
    done = WARM.run(command, env=os.environ | elsewhere, cwd=folder, timeout=300)
    assert done.returncode == 0, done.stderr
    return nbformat.read(out, as_version=4)


def shown(made: nbformat.NotebookNode, tag: str) -> str:
    """What the cells of a tag show, as plain text."""
    cells = [cell for cell in made.cells if tag in cell.metadata.get("tags", ())]
    return "\n".join(output.data["text/plain"] for cell in cells for output in cell.outputs)
