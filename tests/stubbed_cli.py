"""The command line on another project, with pages that are plain JSON: for tests of everything around the pages.

python stubbed_cli.py ROOT ARGUMENTS...
"""

import json
import sys
import types
from pathlib import Path

import reportkit
from tokenfactory.source import Project


def outputs(notebook) -> list[str]:
    """Every output of a notebook as plain text."""
    of_cells = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return [output.get("text") or output["data"]["text/plain"] for output in of_cells]


def export(notebook, frame, *, name, **_):
    return json.dumps({"name": name, "made_on": frame.made_on, "pages": frame.pages, "outputs": outputs(notebook)})


def data_files(notebook, name):
    return {}


def entry(notebook, name, ledger):
    of_cells = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    mime = "application/vnd.reportkit.headlines+json"
    headlines = [h for o in of_cells if "data" in o for h in o.data.get(mime, {"headlines": []})["headlines"]]
    return {"name": name, "href": f"{name}.html", "title": name, "headlines": headlines, "answer": [], "flips": []}


def write(notebook, path, *, name, made_on, parameters, **_):
    path.write_text(json.dumps({"name": name, "made_on": made_on, "outputs": outputs(notebook)}))


def write_all(notebooks, path, *, about, made_on, **_):
    path.write_text(json.dumps({"about": about, "made_on": made_on, "notebooks": list(notebooks)}))


def index(frame, entries, *, scratch, **content):
    about = {"title": frame.scenario, "made_on": frame.made_on, "pages": frame.pages}
    return json.dumps(about | {"entries": entries} | content)


def archive(frame, runs):
    return json.dumps({"title": frame.scenario, "made_on": frame.made_on, "pages": frame.pages, "runs": runs})


def summary(frame, entries):
    return json.dumps({"title": frame.scenario, "made_on": frame.made_on, "entries": entries})


def no_page(*_, **__):
    return ""


def with_scenarios(page, *, title, here, links):
    return json.dumps(json.loads(page) | {"links": links})


if __name__ in ("__main__", "__mp_main__"):  # and its children, but not when pytest looks into it for doctests
    for name, functions in {
        "page": [export, data_files],
        "index": [entry, index, archive, summary, with_scenarios],
        "xlsx": [write],
        "brief": [no_page],
        "workbook": [write_all],
    }.items():
        module = types.ModuleType(f"reportkit.{name}")
        for function in functions:
            setattr(module, "page" if function is no_page else function.__name__, function)
        sys.modules[module.__name__] = module
        setattr(reportkit, name, module)

if __name__ == "__main__":
    from tokenfactory.cli import run

    sys.exit(run(sys.argv[2:], Project(Path(sys.argv[1]))))
