import json
import os
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import duckdb
import pytest
from small_project import make_project, shorten, write_scenario

from tokenfactory import cli, warehouse
from tokenfactory.measurements.pull import Patience

PROJECT = Path(__file__).parents[1]

MODULE = [sys.executable, "-c", "from tokenfactory.cli import main; main()"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKENFACTORY_CACHE", str(tmp_path / ".cache"))
    made = make_project(tmp_path, **{"01_cost": "1", "02_power": "1"})
    write_scenario(made, "other", "title: Other\nnotebooks: [02_power]\nparameters: {num_gpu: 8}")
    write_scenario(made, "broken", "title: Broken\nparameters: {num_gpu: many}")
    return made


def run(project, *arguments):
    """Exit code of a command that ends before anything runs."""
    try:
        return cli.run(arguments, project)
    except SystemExit as left:
        return left.code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the following arguments are required: COMMAND; see 'tokenfactory --help'"),
        (("reprot",), "argument COMMAND: invalid choice: 'reprot' (choose from"),
        (("report", "--jobs", "0"), "argument --jobs: '0' is not a number of notebooks; see 'tokenfactory rep"),
        (("report", "--jobs", "two"), "argument --jobs: 'two' is not a number of notebooks"),
        (("report", "--timeout", "0"), "argument --timeout: '0' is not a number of seconds above zero"),
        (("report", "--retries", "-1"), "argument --retries: '-1' is not a number of times"),
        (("report", "--moved", "nan"), "argument --moved: 'nan' is not a fraction such as 0.1"),
        (("report", "--stale-days", "old"), "argument --stale-days: 'old' is not a number of days"),
        (("report", "--scheduler", "host:8786"), "argument --scheduler: 'host:8786' is neither local nor an address"),
        (("report", "--scheduled", "--webhook", "ftp://x"), "the webhook is no address that begins with http:// or"),
        (("report", "--engine", "spoon"), "argument --engine: invalid choice: 'spoon'"),
        (("report", "--colour"), "unrecognized arguments: --colour"),
        (("report", "--scenario", "othr"), "scenario 'othr' is not known; did you mean 'other'?"),
        (("report", "--scenario", "../x"), "scenario '../x': a scenario's name has only the characters"),
        (("report", "--scenario", "broken"), "broken.yaml, field 'parameters.num_gpu': 'many' is not a whole number"),
        (("report", "-p", "subject"), "parameter 'subject': write it as name=value"),
        (("report", "-p", "=x"), "parameter '': write it as name=value"),
        (("report", "-p", "subjct=h200"), "subjct: no chosen notebook has a parameter 'subjct'; did you mean 'subj"),
        (("report", "-p", "utilisation_frac=abc"), "utilisation_frac: 'abc' is not a number"),
        (("report", "-p", "utilisation_frac=60"), "utilisation_frac: '60' is not a fraction"),
        (("report", "-p", "utilisation_frac=nan"), "utilisation_frac: 'nan' is not a finite number"),
        (("report", "-p", "num_gpu=1.5"), "num_gpu: '1.5' is not a whole number"),
        (("report", "-p", "num_gpu=" + 10_000 * "x"), "num_gpu: 'xxxxxxxxxxxx...xxxxxxxxxxxxx' is not a whole number"),
        (("report", "--notebook", "01_cst"), "notebook '01_cst' is not known; did you mean '01_cost'?"),
        (("report", "--scenario", "other", "--notebook", "01_cost"), "scenario 'other' has none of the chosen"),
        (("refresh", "--notebook", "03"), "notebook '03' is not known"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence_and_code_2(project, capsys, arguments, message):
    assert run(project, *arguments) == 2
    out, err = capsys.readouterr()
    assert err.startswith(f"tokenfactory: {message}")
    assert (out, err.count("\n")) == ("", 1)
    assert not (project.reports / "site").exists()


def test_a_notebook_with_a_bad_parameters_cell_names_the_line(project, capsys):
    path = project.notebooks / "01_cost.ipynb"
    path.write_text(path.read_text().replace("# [frac]", "# frac"))
    assert run(project, "parameters") == 2
    assert capsys.readouterr().err == (
        "tokenfactory: 01_cost.ipynb: parameters cell, line 2: 'utilisation_frac' needs a comment `# [kind] meaning`\n"
    )


def test_parameters_lists_what_can_be_set(project, capsys):
    assert run(project, "parameters") == 0
    assert capsys.readouterr().out.splitlines()[:4] == [
        "01_cost: Is it so?",
        "  subject=gb300  [gpu] what is asked about",
        "  utilisation_frac=0.6  [frac] share of hours that serve users",
        "  num_gpu=72  [gpus] deployed GPUs",
    ]


def test_a_folder_that_cannot_be_written_is_one_sentence(project, capsys, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", "reports")

    monkeypatch.setattr("reportkit.reports.locked", refuse)
    assert run(project, "report") == 2
    assert capsys.readouterr().err == "tokenfactory: reports: Permission denied\n"


def test_other_errors_of_the_system_are_ours_and_keep_their_traceback(project, monkeypatch):
    def miss(*_, **__):
        raise FileNotFoundError(2, "No such file", "x")

    monkeypatch.setattr("reportkit.reports.locked", miss)
    with pytest.raises(FileNotFoundError):
        run(project, "report")


def test_help_is_fast_and_tells_the_exit_codes():
    started = time.monotonic()
    done = subprocess.run([*MODULE[:1], "-X", "importtime", *MODULE[1:], "--help"], capture_output=True, text=True)
    assert time.monotonic() - started < 2
    assert "Exit codes: 0 made; 1 a notebook failed; 2 bad input" in " ".join(done.stdout.split())
    imported = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines()}
    assert "tokenfactory.cli" in imported and not imported & {"yaml", "pydantic", "duckdb", "polars", "papermill"}


def test_data_says_what_is_in_the_warehouse(tmp_path):
    environment = os.environ | {"TOKENFACTORY_CACHE": str(tmp_path)}
    done = subprocess.run([*MODULE, "data"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) >= 6 and any(line.endswith(" rows  price_book.csv") for line in lines)

    (tmp_path / "data").mkdir()
    environment["TOKENFACTORY_DATA"] = str(tmp_path / "data")
    done = subprocess.run([*MODULE, "data"], env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("tokenfactory: ") and done.stderr.count("\n") == 1


def test_the_result_can_be_read_by_a_program(project, capsys, monkeypatch, tmp_path):
    from reportkit import runner

    result = runner.Result(tmp_path / "index.html", executed=["01_cost"], unchanged=[], is_new=True, seconds=1.23456)
    monkeypatch.setattr(runner, "report", lambda *_, **__: result)
    assert run(project, "report", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "exit_code": 0,
        "index": os.path.relpath(tmp_path / "index.html"),
        "executed": ["01_cost"],
        "unchanged": [],
        "retried": [],
        "stale_prices": [],
        "is_new": True,
        "seconds": 1.235,
    }


def test_bad_input_can_be_read_by_a_program_too(project, capsys):
    assert run(project, "report", "--json", "--scenario", "broken") == 2
    out, err = capsys.readouterr()
    assert json.loads(out) == {"exit_code": 2, "error": err.strip().removeprefix("tokenfactory: ")}


def test_what_is_told_cannot_steer_the_terminal(project, capsys):
    assert run(project, "report", "--notebook", "\x1b[2J\x1b]0;owned\x07\u202e<b>") == 2
    err = capsys.readouterr().err
    assert "\\x1b[2J" in err and all(c.isprintable() or c == "\n" for c in err)


def test_failures_of_both_kinds_leave_with_1(project, capsys, monkeypatch, tmp_path):
    from reportkit import errors, runner

    failures = [
        errors.Failure("01_cost", "no such point", "x", tmp_path / "kept", is_bad_input=True),
        errors.Failure("02_power", "KeyError: 1", "y", tmp_path / "kept", is_bad_input=False),
    ]

    def fail(*_, **__):
        raise errors.ReportFailed(failures)

    monkeypatch.setattr(runner, "report", fail)
    assert run(project, "report") == 1
    assert "tokenfactory: 01_cost: no such point\ntokenfactory: 02_power failed: KeyError: 1" in capsys.readouterr().err
    assert run(project, "report", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == 1 and [f["label"] for f in told["failures"]] == ["01_cost", "02_power"]
    kept = os.path.relpath(tmp_path / "kept")
    assert told["failures"][1] == {
        "label": "02_power", "message": "KeyError: 1", "source": "y", "kept": kept, "is_bad_input": False,
    }  # fmt: skip
    failures.pop()
    assert run(project, "report") == 2


# A look into the warehouse, and measurements of one's own


ROW = {
    "hw": "h200-cw", "conc": 64, "image": "vllm/vllm-openai:v0.11.2", "model": "acme/demo",
    "infmax_model_prefix": "dsr1",
    "framework": "vllm", "precision": "fp8", "spec_decoding": "none", "disagg": False, "isl": 8192, "osl": 1024,
    "is_multinode": False, "tp": 8, "ep": 1, "dp_attention": "false", "tput_per_gpu": 851.9,
    "output_tput_per_gpu": 94.65, "input_tput_per_gpu": 757.25, "median_tpot": 0.04016, "median_intvty": 24.9004,
}  # fmt: skip


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A copy of the shipped data, where snapshots may be made."""
    folder = tmp_path / "data"
    folder.mkdir()
    for file in (PROJECT / "data").glob("*.csv"):
        shutil.copy(file, folder)
    shorten(folder)
    monkeypatch.setenv("TOKENFACTORY_DATA", str(folder))
    monkeypatch.setenv("TOKENFACTORY_CACHE", str(tmp_path / ".cache"))
    return folder


QUESTION = "SELECT gpu, tdp_w FROM hardware WHERE is_reference AND gpu IN ('h200', 'gb300') ORDER BY gpu"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "2 rows\n| gpu   | tdp_w |\n|-------|-------|\n| gb300 | 1400.0 |\n| h200  | 700.0 |\n"),
        (("--format", "csv"), "gpu,tdp_w\ngb300,1400.0\nh200,700.0\n"),
        (("--format", "json"), '[{"gpu": "gb300", "tdp_w": 1400.0}, {"gpu": "h200", "tdp_w": 700.0}]\n'),
        (("--json",), '[{"gpu": "gb300", "tdp_w": 1400.0}, {"gpu": "h200", "tdp_w": 700.0}]\n'),
    ],
)
def test_sql_shows_rows(capsys, options, expected):
    assert cli.run(["sql", QUESTION, *options]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.replace("-", "").splitlines()]
    assert lines == [" ".join(line.split()) for line in expected.replace("-", "").splitlines()]


@pytest.mark.parametrize(
    "query",
    [
        "SELEC 1",
        "SELECT nothing FROM hardware",
        "DROP TABLE hardware",
        "COPY hardware TO 'out.csv'",
        "COPY (SELECT 1) TO '{snapshots}/out.csv'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{snapshots}/out.csv'",
        "CREATE TEMP TABLE t AS SELECT 1",
        "ATTACH '{snapshots}/out.duckdb'",
        "SELECT 1; SELECT 2",
        "SELECT CAST(gpu AS INTEGER) FROM hardware",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SET enable_external_access = true",
        "",
    ],
)
def test_sql_only_asks(capsys, query, data, tmp_path, monkeypatch):
    snapshots, elsewhere = data / "snapshots", tmp_path / "elsewhere"
    snapshots.mkdir(), elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert cli.run(["sql", query.format(snapshots=snapshots)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("tokenfactory: the query ") and err.count("\n") == 1
    assert [*snapshots.iterdir(), *elsewhere.iterdir()] == []


ODD_VALUES = """
    SELECT 'ab'::BLOB AS bytes, [1, 2] AS list, {'a': 1.5} AS record, 'inf'::DOUBLE AS infinite, NULL AS nothing,
           true AS flag, INTERVAL 2 DAY AS days, 'x' || chr(27) || '[31m' AS colour,
           DATE '2026-05-20' AS day"""


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("table", ["6162", "[1, 2]", '{"a": 1.5}', "inf", "", "true", "2 days, 0:00:00", "x\\u001b[31m", "2026-05-20"]),
        ("csv", '6162,"[1, 2]","{""a"": 1.5}",inf,,true,"2 days, 0:00:00",x\x1b[31m,2026-05-20'),
        (
            "json",
            {"bytes": "6162", "list": [1, 2], "record": {"a": 1.5}, "infinite": "inf", "nothing": None}
            | {"flag": True, "days": "2 days, 0:00:00", "colour": "x\x1b[31m", "day": "2026-05-20"},
        ),
    ],
)
def test_sql_shows_values_of_any_kind(capsys, form, expected):
    assert cli.run(["sql", ODD_VALUES, "--format", form]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    found = json.loads(last)[0] if form == "json" else last
    assert ([cell.strip() for cell in last.strip("| ").split("|")] if form == "table" else found) == expected


def test_sql_keeps_columns_of_one_name_apart_or_says_that_it_cannot(capsys):
    assert cli.run(["sql", "SELECT 1 AS a, 2 AS a", "--format", "csv"]) == 0
    assert capsys.readouterr().out == "a,a\n1,2\n"
    assert cli.run(["sql", "SELECT 1 AS a, 2 AS a", "--json"]) == 2
    assert "gives the name 'a' to two columns" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_failure(tmp_path):
    command = [sys.executable, "-m", "tokenfactory.cli", "sql", "SELECT * FROM range(100000)", "--format", "csv"]
    code = "import sys; from tokenfactory import cli; sys.argv = sys.argv[1:]; cli.main()"
    command[1:3] = ["-c", code, "tokenfactory"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "range\n"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_a_warehouse_of_another_place(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("TOKENFACTORY_WAREHOUSE", "")  # so that what run() sets is taken back
    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 42 AS answer")
    assert cli.run(["sql", "SELECT answer FROM t", "--json", "--warehouse", str(other)]) == 0
    assert json.loads(capsys.readouterr().out) == [{"answer": 42}]
    assert cli.run(["sql", "SELECT 1", "--warehouse", str(tmp_path / "none.duckdb")]) == 2
    assert "there is no file" in capsys.readouterr().err
    for command in (["data"], ["audit", "nvidia-2026-04"]):
        assert cli.run([*command, "--warehouse", str(other)]) == 2
        assert "is no warehouse of ours" in capsys.readouterr().err
    (tmp_path / "words.duckdb").write_text("just words")
    assert cli.run(["data", "--warehouse", str(tmp_path / "words.duckdb")]) == 2
    assert "words.duckdb: is no warehouse" in capsys.readouterr().err


def test_ingested_rows_are_what_the_warehouse_compares(capsys, data, tmp_path):
    before = warehouse.fingerprint()
    (tmp_path / "good.json").write_text(json.dumps([ROW]))
    assert cli.run(["ingest", str(tmp_path / "good.json")]) == 0
    told = capsys.readouterr().out
    assert "1 rows = 1 points" in told and "it is in use now\n" in told
    assert "of its 1 points 1 are of the newest run of their line" in told
    assert warehouse.fingerprint() != before
    query = "SELECT origin, count(*) AS n FROM points WHERE model = 'deepseek-r1-0528' GROUP BY origin"
    assert cli.run(["sql", query, "--json"]) == 0
    assert {"origin": "snapshot", "n": 1} in json.loads(capsys.readouterr().out)


def test_files_that_are_not_read_are_named_and_the_code_is_3(capsys, data, tmp_path):
    (tmp_path / "good.json").write_text(json.dumps([ROW]))
    (tmp_path / "broken.json").write_text('[{"hw": "h200", ')
    assert cli.run(["ingest", str(tmp_path / "good.json"), str(tmp_path / "broken.json"), "--json"]) == 3
    read = json.loads(capsys.readouterr().out)
    assert [(Path(f["file"]).name, f["problem"] is None) for f in sorted(read["files"], key=lambda f: f["file"])] == [
        ("broken.json", False),
        ("good.json", True),
    ]
    assert cli.run(["ingest", str(tmp_path / "broken.json")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_ingest_without_a_point_changes_nothing_and_says_why(capsys, data, tmp_path):
    (tmp_path / "good.json").write_text(json.dumps([ROW]))
    assert cli.run(["ingest", str(tmp_path / "good.json")]) == 0
    (kept,) = (data / "snapshots").glob("2*")
    capsys.readouterr()
    (tmp_path / "none.json").write_text(json.dumps([ROW | {"tput_per_gpu": 0}, ROW | {"hw": "abacus"}]))
    for _ in range(2):
        assert cli.run(["ingest", str(tmp_path / "none.json")]) == 3
        told = capsys.readouterr().out
        assert "not one row became a point; the snapshot in use stays" in told
        assert "unknown hardware 'abacus'" in told
        assert list((data / "snapshots").glob("*-*")) == [kept]
    assert cli.run(["ingest", str(tmp_path / "none.json"), "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert found["snapshot"] is None and len(found["reasons"]) == 2
    assert [f["num_excluded"] for f in found["files"]] == [2]


def test_doctor_says_what_a_file_is_and_stores_nothing(capsys, data, tmp_path):
    (tmp_path / "good.json").write_text(json.dumps([ROW]))
    assert cli.run(["doctor", str(tmp_path / "good.json")]) == 0
    assert "inferencex_agg" in capsys.readouterr().out
    assert cli.run(["doctor", str(tmp_path / "good.json"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [f["adapter"] for f in found["files"]] == ["inferencex_agg"]
    assert [(kind["rows"], kind["what"]) for kind in found["repaired"]] == [(1, "hardware_suffix")]
    (tmp_path / "broken.json").write_text("[")
    assert cli.run(["doctor", str(tmp_path / "good.json"), str(tmp_path / "broken.json")]) == 3
    assert "broken.json: not read: element 0 is missing" in capsys.readouterr().out
    assert cli.run(["doctor", str(tmp_path / "broken.json")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (data / "snapshots").exists()


def test_pull_says_when_the_api_cannot_be_reached(capsys, data, monkeypatch):
    monkeypatch.setattr("tokenfactory.measurements.pull.Patience", partial(Patience, attempts=1))
    assert cli.run(["pull", "DeepSeek-R1-0528", "--base-url", "http://127.0.0.1:9/api"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("tokenfactory: ")


def test_models_says_what_is_measured_where(capsys):
    assert cli.run(["models", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    deepseek = next(row for row in rows if (row["model"], row["lengths"]) == ("deepseek-r1-0528", "1024/1024"))
    assert {"gb300", "h200"} <= set(deepseek["gpus"].split()) and deepseek["slowest"] < deepseek["fastest"]
    assert cli.run(["models", "deepseek-r1-0528"]) == 0
    assert "| b200 " in capsys.readouterr().out
    assert cli.run(["models", "deepsek-r1-0528"]) == 2
    assert "did you mean 'deepseek-r1-0528'" in capsys.readouterr().err


ENDLESS = "SELECT count(*) FROM range(1000000) a, range(1000000) b"


@pytest.mark.parametrize(
    ("query", "options", "said"),
    [
        (ENDLESS, ["--timeout", "0.5"], "the query takes longer than 0.5 s; --timeout allows more"),
        ("SELECT list(r) FROM range(100000000) t(r)", ["--memory-mb", "50"], "needs more memory than it may have"),
        ("SELECT * FROM range(2000000)", [], "the query gives more than 1,000,000 rows; add a LIMIT to it"),
    ],
)
def test_a_query_has_limits(query, options, said):
    # In a process of its own: connections of one process share the settings of the first.
    done = main("sql", query, *options)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and said in done.stderr, done.stderr


def test_half_a_character_is_refused_in_a_query(capsys):
    assert cli.run(["sql", "SELECT '\ud800'"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def main(*arguments, **environment):
    """The program in a process of its own."""
    code = "import sys; from tokenfactory import cli; cli.main()"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=os.environ | environment)


def test_no_cell_of_an_answer_begins_a_formula(capsys):
    query = "SELECT '=1+1' AS \"=a\", chr(13) || '=1+1' AS b, chr(9) || '@x' AS c, ' -1' AS d, -1 AS e"
    assert cli.run(["sql", query, "--format", "csv"]) == 0
    assert capsys.readouterr().out == "'=a,b,c,d,e\n'=1+1,\"'\n'=1+1\",'\t'@x,' -1,-1\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "--timeout", "1e300"], ["report", "--timeout", "1_0"], ["report", "--jobs", "１"],
        ["report", "--moved", "nan"], ["report", "--scheduler", "tcp://[x:1"], ["compare", "--isl", "9" * 400],
        ["compare", "--at", "1_0"], ["compare", "--on", "20300101"], ["report", "--no\n\x1b[31m"],
    ],
)  # fmt: skip
def test_odd_arguments_are_refused_in_one_line(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        cli.run(arguments)
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.count("\n") == 1 and "\x1b" not in said and len(said) < 300


def test_a_terminal_of_few_characters_gets_the_escapes_of_the_others():
    done = main("sql", "SELECT chr(239) || chr(26481) AS x", PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and "\\xef\\u6771" in done.stdout, done.stderr


def test_data_tells_of_rows_that_no_question_reaches(capsys):
    assert cli.run(["data"]) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if "answer no question" in line]
    db = warehouse.connect()
    num_left_out = db.query("SELECT count(*) AS n FROM excluded_points ORDER BY n").item()
    assert sum(int(line.split()[0]) for line in told if "operating_points.csv" in line) == num_left_out > 0
    assert any("price_book.csv answer no question: no point of its GPU" in line for line in told)
