"""The newest releases of the real tools still write what the adapters read (downloads up to a gigabyte a tool)."""

import json
import tempfile
from pathlib import Path

import pytest
from tools.load_tools import CONCURRENCIES, FIXTURES, ITL_S, OSL, TOOLS, TTFT_S, CannotRunError, main, outputs

from tokenfactory.measurements import adapters
from tokenfactory.measurements.adapters import Context, RowProblem


@pytest.mark.soak
@pytest.mark.parametrize("name", TOOLS)
def test_the_tool_of_today_is_read_and_says_what_the_server_did(name):
    adapter = adapters.named(name)
    try:
        _, files = outputs(name)
    except CannotRunError as error:
        pytest.skip(f"{name}: {error}")
    assert files.keys() == {path.name for path in FIXTURES.glob(f"{name}*")}
    rows = []
    for file, text in files.items():
        records = map(json.loads, text.splitlines()) if file.endswith(".jsonl") else [json.loads(text)]
        for record in records:
            assert adapter.recognise(record) == "measured_points"
            try:
                rows += adapter.rows(record, Context(file))
            except RowProblem as problem:
                assert problem.field == "load_summary", (file, problem.field, problem.reason)
    closed = [row for row in rows if "workload" not in row]
    assert sorted(row["conc"] for row in closed) == list(CONCURRENCIES)
    for row in closed:  # a busy machine makes a time longer, never shorter
        assert 0.95 * TTFT_S < row["median_ttft_s"] < 2 * TTFT_S
        assert 0.95 * ITL_S < row["median_tpot_s"] < 2 * ITL_S
        assert 0.95 < row["median_e2el_s"] / (TTFT_S + (OSL - 1) * ITL_S) < 2
    assert any(row["scenario"].startswith("requests at a set rate") for row in rows if "workload" in row)


def test_no_fixture_says_where_it_was_made():
    texts = {path.name: path.read_text() for path in FIXTURES.iterdir()}
    assert len(texts) > len(TOOLS)
    for name, text in texts.items():
        for place in (tempfile.gettempdir(), str(Path.home()), str(FIXTURES.parents[2]), "site-packages"):
            assert place not in text, name


def test_a_tool_that_cannot_run_leaves_the_fixtures_alone(monkeypatch, tmp_path, capsys):
    def cannot(name):
        raise CannotRunError("it needs Python 3.99")

    (tmp_path / "versions.json").write_text('{"aiperf": "0.1"}')
    monkeypatch.setattr("tools.load_tools.FIXTURES", tmp_path)
    monkeypatch.setattr("tools.load_tools.outputs", cannot)
    main(["aiperf"])
    assert json.loads((tmp_path / "versions.json").read_text()) == {"aiperf": "0.1"}
    assert capsys.readouterr().err == "aiperf: it needs Python 3.99\n"
