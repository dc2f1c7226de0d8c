"""Random bytes, guided by coverage, against the JSON adapters; needs atheris, which `make soak` does not install."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "fixtures"
SECONDS = 300


def write_seeds(folder: Path) -> None:
    """One small file for each record that an adapter is known to read."""
    rows = json.loads((FIXTURES / "inferencex/generations.json").read_text())
    for number, row in enumerate(rows):
        (folder / f"generation_{number}.json").write_text(json.dumps(row))
    for file in (FIXTURES / "load_tools").glob("*.json*"):
        (folder / file.name).write_bytes(file.read_bytes())


@pytest.mark.soak
@pytest.mark.skipif(not importlib.util.find_spec("atheris"), reason="atheris is not installed in this environment")
def test_no_bytes_make_an_adapter_fail(tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    write_seeds(corpus)
    command = [sys.executable, HERE / "fuzz_adapters.py", corpus, f"-max_total_time={SECONDS}", "-max_len=20000"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-5000:]
