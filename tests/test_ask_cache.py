"""What `tokenfactory cache` says of a trace."""

import json

import pytest

from tokenfactory import cli

TRACE = [
    {"timestamp": 0, "input_length": 2048, "output_length": 5, "hash_ids": [0, 1, 2, 3]},
    {"timestamp": 900_000, "input_length": 2048, "output_length": 5, "hash_ids": [0, 1, 2, 4]},
    {"timestamp": 1_800_000, "input_length": 1024, "output_length": 5, "hash_ids": [0, 5]},
]


@pytest.fixture(autouse=True)
def no_other_warehouse(monkeypatch):
    monkeypatch.delenv("TOKENFACTORY_WAREHOUSE", raising=False)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "trace.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in TRACE))
    return str(path)


def test_json_is_the_trace_worked_out(file, capsys):
    """Of ten blocks four were there before, each with three others asked for since: room for four hits them all."""
    assert cli.run(["cache", file, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["trace"]["blocks"] == 10 and told["trace"]["hours"] == 0.5
    assert told["bound_frac"] == 0.4
    assert told["curve"][-1]["hit_frac"] == 0.4
    assert told["knee"] == {"capacity_tok": 4 * 512, "hit_frac": 0.4, "error_frac": 0}
    worth = told["dollars"]
    assert worth["gb_per_mtok"] == 35.136
    spared = worth["usd_per_mtok_fresh"] - worth["usd_per_mtok_loaded"]
    # four blocks in half an hour
    assert worth["saved_usd_per_hour"] == pytest.approx(4 * 512 / 1e6 * spared / 0.5, rel=1e-12)
    assert worth["memory_usd_per_hour"] == pytest.approx(4 * 512 / 1e6 * worth["storage_usd_per_mtok_hour"], rel=1e-12)
    assert worth["break_even_residence_h"] == pytest.approx(spared / worth["storage_usd_per_mtok_hour"], rel=1e-12)
    assert worth["input_usd_per_mtok"] == pytest.approx(
        0.6 * worth["usd_per_mtok_fresh"] + 0.4 * worth["usd_per_mtok_loaded"]
    )


def test_text(file, capsys):
    assert cli.run(["cache", file]) == 0
    text = capsys.readouterr().out
    assert "3 requests in 0.50 hours" in text
    assert "Seen before: 40.0" in text
    assert "deepseek-r1-0528 on GB300" in text


def test_what_was_not_measured_is_said_and_the_curve_stands(file, capsys):
    assert cli.run(["cache", file, "--at", "4000"]) == 0
    text = capsys.readouterr().out
    assert "Seen before" in text
    assert "Dollars are not measured: no system of gb300 with pools was measured for deepseek-r1-0528" in text


def test_a_sample_states_its_error(file, capsys):
    assert cli.run(["cache", file, "--sample", "0.5", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["trace"]["sample_frac"] == 0.5 and told["trace"]["blocks"] == 10
    assert all(row["error_frac"] >= 0 for row in told["curve"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--gpu", "gb30"], "gpu: 'gb30' is not known"),
        (["--model", "deepseek-r9"], "model: 'deepseek-r9' is not known"),
    ],
)
def test_bad_input_is_one_sentence(file, capsys, arguments, sentence):
    assert cli.run(["cache", file, *arguments]) == cli.BAD_INPUT
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--sample", "0"], ["--use", "2"], ["--on", "soon"], ["--block-tokens", "-1"]])
def test_a_bad_option_leaves_with_bad_input(file, arguments):
    with pytest.raises(SystemExit) as left:
        cli.run(["cache", file, *arguments])
    assert left.value.code == cli.BAD_INPUT


def test_a_broken_trace_leaves_with_bad_input(tmp_path, capsys):
    (tmp_path / "trace").write_text("")
    assert cli.run(["cache", str(tmp_path / "trace")]) == cli.BAD_INPUT
    assert "trace: is empty" in capsys.readouterr().err


def test_a_cluster_says_the_same_from_shards(tmp_path, capsys):
    pytest.importorskip("distributed", reason="the package distributed (extra 'cluster') is not installed")
    path = tmp_path / "trace.csv"
    rows = [f"{60 * i},s{i % 7},a{i % 5} b{i % 5} c{i // 3 % 6}-{i % 5} d{i}" for i in range(60)]
    path.write_text("time_s,session,blocks\n" + "\n".join(rows) + "\n")
    said = []
    for more in ([], ["--scheduler", "local"]):
        assert cli.run(["cache", str(path), "--block-tokens", "512", "--json", *more]) == 0
        said.append(json.loads(capsys.readouterr().out))
    assert said[0] == said[1] and said[0]["bound_frac"] > 0.5
    path.write_text("time_s,session,blocks\n0,a,b\n5,a,b c\n1,a,b\n")
    assert cli.run(["cache", str(path), "--block-tokens", "512", "--scheduler", "local"]) == cli.BAD_INPUT
    assert "trace.csv, row 4: time goes back from 5 to 1 s" in capsys.readouterr().err


def test_a_sample_needs_no_cluster(file, capsys):
    assert cli.run(["cache", file, "--scheduler", "local", "--sample", "0.5"]) == cli.BAD_INPUT
    assert "take one of the two" in capsys.readouterr().err
