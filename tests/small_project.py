"""A small project in a temporary folder, for tests of what runs notebooks: no product notebook, no product prose."""

import json
from pathlib import Path
from zlib import crc32

from tokenfactory.publish.plan import Project

PARAMETERS = """\
subject: str = "gb300"  # [gpu] what is asked about
utilisation_frac: float = 0.6  # [frac] share of hours that serve users
num_gpu: int = 72  # [gpus] deployed GPUs
"""


def cell(source: str, *tags: str, kind: str = "code") -> dict:
    made = {"id": f"c{crc32(source.encode()):08x}", "cell_type": kind, "metadata": {"tags": list(tags)}}
    return made | {"source": source} | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def write_notebook(path: Path, *sources: str, parameters: str | None = PARAMETERS, title: str = "Is it so?") -> Path:
    """A notebook: a title, a parameters cell unless None, and one code cell for each source."""
    cells = [cell(f"# {title}", kind="markdown")]
    cells += [cell(parameters, "parameters")] if parameters is not None else []
    cells += [cell(source) for source in sources]
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    document = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1))
    return path


def write_scenario(project: Project, name: str, text: str) -> None:
    project.scenarios.mkdir(parents=True, exist_ok=True)
    (project.scenarios / f"{name}.yaml").write_text(text)


def make_project(root: Path, **sources_of) -> Project:
    """A project with one notebook for each keyword, named as it and made of its code cells."""
    project = Project(root)
    for name, sources in sources_of.items():
        write_notebook(project.notebooks / f"{name}.ipynb", *([sources] if isinstance(sources, str) else sources))
    return project
