import json
import os
from importlib.metadata import version
from types import SimpleNamespace

import pytest
from small_project import make_project

from reportkit import cache, plan
from tokenfactory.source import Project


@pytest.fixture
def project(tmp_path):
    (tmp_path / "requirements.lock").write_text("polars==2.1.0\n")
    return make_project(tmp_path, **{"01_cost": "1"})


@pytest.fixture
def library(tmp_path):
    folder = tmp_path / "lib"
    (folder / "sql").mkdir(parents=True)
    (folder / "cost.py").write_text("a = 1\n")
    (folder / "sql" / "points.sql").write_text("SELECT 1\n")
    return folder


def library_hash(project, library):
    return cache.library_hash(Project(project.root, SimpleNamespace(packages=[library])))


def key_of(project, parameters=None, library="L"):
    return cache.key(plan.make(project, parameters=parameters).jobs[0], library)


def change(project, edit):
    path = project.notebooks / "01_cost.ipynb"
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document, indent=3))


def test_the_key_ignores_outputs_and_layout_of_the_file(project):
    before = key_of(project)

    def edit(document):
        document["cells"][2] |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": "x"}]}
        document["cells"][2] |= {"execution_count": 7, "source": ["1"]}
        document["metadata"]["language_info"] = {"name": "python", "version": "3.13.0"}

    change(project, edit)
    assert key_of(project) == before


@pytest.mark.parametrize(
    "edit",
    [
        lambda d: d["cells"][2].update(source="2"),
        lambda d: d["cells"][0].update(source="# Another title"),
        lambda d: d["cells"][2]["metadata"]["tags"].append("hide"),
        lambda d: d["cells"].append(d["cells"][2]),
        lambda d: d["cells"].reverse(),
    ],
)
def test_the_key_changes_with_the_cells(project, edit):
    before = key_of(project)
    change(project, edit)
    assert key_of(project) != before


def test_the_key_changes_with_parameters_and_library(project):
    keys = {
        key_of(project),
        key_of(project, {"num_gpu": "8"}),
        key_of(project, {"num_gpu": "9"}),
        key_of(project, {"utilisation_frac": "0.5"}),
        key_of(project, library="M"),
    }
    assert len(keys) == 5


def test_the_library_hash_covers_code_queries_names_and_the_lock(project, library):
    seen = [library_hash(project, library)]

    def changes():
        seen.append(library_hash(project, library))
        return seen[-1] not in seen[:-1]

    assert not changes()
    (library / "cost.py").write_text("a = 2\n")
    assert changes()
    (library / "sql" / "points.sql").write_text("SELECT 2\n")
    assert changes()
    (library / "cost.py").rename(library / "costs.py")
    assert changes()
    (project.root / "requirements.lock").write_text("polars==2.2.0\n")
    assert changes()
    (library / "__pycache__").mkdir()
    (library / "__pycache__" / "cost.pyc").write_bytes(b"x")
    assert not changes()


def test_the_library_hash_covers_the_versions_that_are_installed(project, library, monkeypatch):
    before = library_hash(project, library)
    monkeypatch.setattr(cache, "version", lambda name: "9" if name == "polars" else version(name))
    assert cache.environment([library])["polars"] == "9" and library_hash(project, library) != before


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "cache"
    made.mkdir()
    return made


def store(folder, key, text="{}", results=("r1", "r2"), data="F1"):
    executed, trace = folder / "e.ipynb", folder / "t.jsonl"
    executed.write_text(text)
    trace.write_text("".join(json.dumps({"sql": "S", "params": {}, "result": r}) + "\n" for r in results))
    return cache.store(folder, key, executed, trace, data)


def test_an_entry_is_found_as_it_was_stored(folder):
    assert cache.find(folder, "a" * 32) is None
    stored = store(folder, "a" * 32, "notebook")
    entry = cache.find(folder, "a" * 32)
    assert entry == stored
    assert entry.executed.read_text() == "notebook"
    assert [json.loads(line)["result"] for line in entry.trace] == ["r1", "r2"]
    assert entry.data == "F1"
    entry.verify("F2")
    assert cache.find(folder, "a" * 32).data == "F2"


def test_a_notebook_without_queries_has_an_empty_trace(folder):
    (folder / "e.ipynb").write_text("{}")
    entry = cache.store(folder, "a" * 32, folder / "e.ipynb", folder / "none", "F1")
    assert entry.trace == []


def test_a_newer_entry_takes_the_place_of_an_older(folder):
    store(folder, "a" * 32, "old")
    store(folder, "a" * 32, "new")
    assert cache.find(folder, "a" * 32).executed.read_text() == "new"
    assert sorted(p.name for p in folder.iterdir()) == ["a" * 32, "e.ipynb", "t.jsonl"]


def test_the_inputs_hash_is_that_of_the_results(folder):
    hashes = [store(folder, "a" * 32, results=r).inputs_sha256 for r in (["x", "y"], ["y", "x"], ["xy"], ["x", "y"])]
    assert hashes[0] == hashes[3] and len(set(hashes)) == 3


def test_the_longest_unused_entries_go(folder):
    keys = [letter * 32 for letter in "abcd"]
    for age, key in enumerate(keys):
        entry = store(folder, key)
        os.utime(entry.folder, (1000 - age, 1000 - age))
    cache.find(folder, keys[3]).verify("F2")  # the oldest, used again
    (folder / ".new-of-a-killed-run").mkdir()
    os.utime(folder / ".new-of-a-killed-run", (997, 997))
    cache.prune(folder, keep=2)
    assert [bool(cache.find(folder, key)) for key in keys] == [True, False, False, True]
    assert not (folder / ".new-of-a-killed-run").exists()


def test_how_long_notebooks_took_is_known_next_time(tmp_path):
    folder = tmp_path / "new" / "cache"
    assert cache.seconds(folder) == {}
    cache.keep_seconds(folder, {"01_cost": 1.5})
    assert cache.seconds(folder) == {"01_cost": 1.5}
    for broken in ("", "[1]", '{"01_cost": "long"}'):
        (folder / cache.SECONDS).write_text(broken)
        assert cache.seconds(folder) == {}
