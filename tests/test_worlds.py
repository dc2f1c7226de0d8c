"""All notebooks on six worlds of data, small and odd ones among them: each page answers, with nothing refused.

The shipped rows, the June capture alone, the runs alone, one row of one's own and nothing else, the points of one
system, and no snapshot with no published rows of the pair that is asked.
"""

import csv
import io
import shutil

import pytest
import questions

from reportkit.plan import Job
from tokenfactory import warehouse
from tokenfactory.measurements import ingest
from tokenfactory.source import check_against_data

ROW = (
    "hardware,model,framework,precision,num_gpu,isl_tok,osl_tok,conc,total_tok_per_s,output_tok_per_s,median_tpot_s,date\n"
    "h200,acme/demo,vllm,fp8,8,8192,1024,64,43200,4800,0.01,2026-01-02\n"
)
SHARED = {"capture": "inferencex-api/benchmarks.json", "runs": "inferencemax-runs"}
PAIR = ("gb300", "h200")


def keep(path, is_kept) -> None:
    """Leave only these rows of a file of `data/`."""
    notes = [line for line in path.read_text().splitlines() if line.startswith("#")]
    reader = csv.DictReader(line for line in path.read_text().splitlines() if not line.startswith("#"))
    written = io.StringIO("\n".join([*notes, ""] if notes else []))
    written.seek(0, io.SEEK_END)
    writer = csv.DictWriter(written, reader.fieldnames, lineterminator="\n")
    writer.writeheader()
    writer.writerows(filter(is_kept, reader))
    path.write_text(written.getvalue())


def make_world(name, data, project, shared):
    """Fill a data folder; the model that a question of this world is about, where it is not the default."""
    for file in (project / "data").glob("*.csv"):
        shutil.copy(file, data)
    points = data / "operating_points.csv"
    if name in ("shipped", "one_system"):
        shutil.copytree(project / "data" / "benchmarks", data / "benchmarks")
    if name == "one_system":
        for file in (points, *(data / "benchmarks").glob("*.csv")):
            keep(file, lambda row: row["gpu"] == "h200")
    if name == "nothing_for_the_pair":
        keep(points, lambda row: row["gpu"] not in PAIR)
    if name in ("capture", "runs", "one_row"):
        keep(points, lambda row: False)
        keep(data / "known_wrong_runs.csv", lambda row: not row["point_id"])
        (data / "one_row.csv").write_text(ROW)
        ingest.ingest([shared() / SHARED[name] if name in SHARED else data / "one_row.csv"], data / "snapshots")
        (data / "one_row.csv").unlink()
    return "acme-demo" if name == "one_row" else None


SOAKED = ("shipped", "capture", "runs", "one_system", "nothing_for_the_pair")  # what breaks one breaks the emptiest too


@pytest.fixture(params=["one_row", *(pytest.param(name, marks=pytest.mark.soak) for name in SOAKED)])
def world(request, project, tmp_path, monkeypatch):
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.delenv("TOKENFACTORY_WAREHOUSE", raising=False)
    monkeypatch.setenv("TOKENFACTORY_DATA", str(data))
    monkeypatch.setenv("TOKENFACTORY_CACHE", str(tmp_path / "cache"))
    return make_world(request.param, data, project, lambda: request.getfixturevalue("shared"))


def test_every_notebook_runs_on_this_world(world):
    db = warehouse.connect()
    for notebook in questions.NOTEBOOKS:
        asked = {"model": world} if world and "model" in notebook.parameters else {}
        values = {name: parameter.default for name, parameter in notebook.parameters.items()} | asked
        check_against_data([Job(notebook, "default", values)], db)
        try:
            found = questions.shown(notebook, **asked)
        except Exception as error:
            raise AssertionError(notebook.name) from error
        assert found["answer"] and all(found["answer"]), notebook.name
