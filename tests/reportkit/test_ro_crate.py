"""The manifest of a site, read back by the library that others read it with."""

import hashlib
import json

import pytest

from reportkit import ro_crate
from tokenfactory.source import SOURCE

rocrate = pytest.importorskip("rocrate.rocrate", reason="rocrate is not installed")

RECORD = {
    "default": {
        "title": "GB300 against H200",
        "made_on": "2026-04-15",
        "library": "a" * 64,
        "files": ["index.html"],
        "notebooks": [
            {"name": "01_x", "files": ["01_x.html", "data/01_x_chart_1.csv"], "data": {"prices.csv": "b" * 64}}
        ],
    },
    "swapped": {
        "title": "The other way round",
        "made_on": "2026-04-16",
        "library": "c" * 64,
        "files": ["index.html"],
        "notebooks": [{"name": "01_x", "files": ["01_x.html"], "data": {"prices.csv": "d" * 64}}],
    },
}
FILES = ["01_x.html", "data/01_x_chart_1.csv", "index.html", "swapped/01_x.html", "swapped/index.html"]


@pytest.fixture
def folder(tmp_path):
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"content of {name}")
    (tmp_path / ro_crate.MANIFEST).write_text(ro_crate.manifest(tmp_path, FILES, RECORD, SOURCE))
    return tmp_path


def test_others_find_every_file_with_its_hash_and_licence(folder):
    read = rocrate.ROCrate(folder)
    assert sorted(entity.id for entity in read.data_entities) == sorted(FILES)
    for entity in read.data_entities:
        content = (folder / entity.id).read_bytes()
        assert entity["sha256"] == hashlib.sha256(content).hexdigest()
        assert int(entity["contentSize"]) == len(content)
    assert {entity["encodingFormat"] for entity in read.data_entities} == {"text/html", "text/csv"}
    assert read.root_dataset["license"]["name"] == "Apache License 2.0"
    assert read.root_dataset["datePublished"] == "2026-04-16"
    assert "GB300 against H200; The other way round" in read.root_dataset["description"]


def test_each_scenario_is_a_run_of_a_version_of_the_code_on_versions_of_the_data(folder):
    read = rocrate.ROCrate(folder)
    runs = {run.id: run for run in read.get_by_type("CreateAction")}
    assert set(runs) == {"#run-default", "#run-swapped"}
    default = runs["#run-default"]
    assert default["instrument"]["identifier"] == "sha256:" + "a" * 64
    assert [(data["name"], data["sha256"]) for data in default["object"]] == [("prices.csv", "b" * 64)]
    assert [file.id for file in default["result"]] == ["index.html", "01_x.html", "data/01_x_chart_1.csv"]
    assert [data["sha256"] for data in runs["#run-swapped"]["object"]] == ["d" * 64]
    assert [file.id for file in runs["#run-swapped"]["result"]] == ["swapped/index.html", "swapped/01_x.html"]


def test_the_same_site_gives_the_same_bytes_and_every_reference_leads_somewhere(folder):
    text = (folder / ro_crate.MANIFEST).read_text()
    assert ro_crate.manifest(folder, FILES, RECORD, SOURCE) == text
    graph = json.loads(text)["@graph"]
    ids = [entity["@id"] for entity in graph]
    assert len(ids) == len(set(ids))

    def references(value):
        if isinstance(value, dict):
            yield from [value["@id"]] if set(value) == {"@id"} else (r for v in value.values() for r in references(v))
        elif isinstance(value, list):
            yield from (reference for inner in value for reference in references(inner))

    assert {r for entity in graph for r in references(entity)} - set(ids) == {"https://w3id.org/ro/crate/1.1"}
