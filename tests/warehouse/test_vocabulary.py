"""What GPUs, models and number formats are called, in whatever folder the data are."""

import pytest

from tokenfactory.warehouse import vocabulary


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKENFACTORY_DATA", str(tmp_path))
    return tmp_path


def test_a_folder_without_the_file_has_the_shipped_names(folder):
    assert "h200" in vocabulary.gpus()
    assert vocabulary.precisions()["mxfp4"] == "fp4"


def test_a_folder_with_the_file_has_its_own_names_alone(folder):
    (folder / "precisions.csv").write_text("precision,aliases\nfp3,mxfp3\n")
    assert vocabulary.precisions() == {"fp3": "fp3", "mxfp3": "fp3"}


def test_a_file_that_cannot_be_read_names_nothing(folder):
    (folder / "precisions.csv").write_bytes(b"precision,aliases\n\xff\xfe,x\n")
    assert vocabulary.precisions() == {}
