"""`tokenfactory explain`: its numbers, its words and its refusals."""

import json

import pytest

from tokenfactory import cli, explain, warehouse
from tokenfactory.errors import ParameterError

CLAIM = (
    "--model deepseek-r1-0528 --gpu gb300 --precision fp4 --ep 32 --batch 38.4 --context 1536 --mtp 3 --acceptance 2.5"
)


def run(capsys, line):
    code = cli.run(["explain", *line.split()])
    return code, capsys.readouterr()


@pytest.fixture(scope="module")
def db():
    return warehouse.connect()


def test_the_claim_s_recipe(capsys):
    code, out = run(capsys, CLAIM + " --json")
    answer = json.loads(out.out)
    assert code == 0
    kernels, bound = answer["kernel_sum"], answer["bound"]
    assert kernels["status"] == "kernel sum" and bound["status"] == "bound"
    parts = sum(kernels[f"{part}_ms"] for part in ("attention", "experts", "all_to_all", "rest"))
    assert kernels["step_ms"] == pytest.approx(parts)
    assert 1000 * 2.5 / kernels["step_ms"] == pytest.approx(kernels["tok_per_s_per_user"])
    assert abs(kernels["tok_per_s_per_user"] / 116.9 - 1) < 0.05  # measured at 1,229 requests on 32 decode GPUs
    assert kernels["step_ms"] > bound["step_ms"]
    assert kernels["fastest_kernels"]["step_ms"] < kernels["step_ms"]
    assert "all-to-all of GB200" in kernels["stand_ins"]
    assert answer["nearest_measured"]["status"] == "measured"
    assert answer["nearest_measured"]["tok_per_s_per_user"] == pytest.approx(116.9, abs=0.1)


def test_the_words_say_the_status_of_every_number(capsys):
    _, out = run(capsys, CLAIM)
    lines = out.out.splitlines()
    assert [line.split("  ")[0] for line in lines if not line.startswith((" ", "deepseek"))] == [
        "bound", "kernel sum", "measured",
    ]  # fmt: skip
    assert "stand-ins: all-to-all of GB200; dense layers" in out.out


def test_another_model_has_a_bound_and_says_what_is_missing(capsys):
    _, out = run(capsys, "--model gpt-oss-120b --gpu b200 --precision fp4 --ep 4 --batch 16 --context 2048")
    assert "kernel sum    no kernel tables of gpt-oss-120b" in out.out
    assert out.out.splitlines()[1].startswith("bound")


def test_outside_the_tables_nothing_is_read(capsys):
    _, out = run(capsys, CLAIM.replace("38.4", "300"))
    assert "outside the kernel table: attention was timed for 1 to 1,024 tokens a GPU, not for 1,200" in out.out
    _, out = run(capsys, CLAIM.replace("fp4", "fp8"))
    assert "not measured: no expert kernel of fp8 on gb300 at ep 32" in out.out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("deepseek-r1-0528", "deepseek-r1-0529"), "no model 'deepseek-r1-0529'"),
        (("deepseek-r1-0528", "kimi-k3"), "the attention of kimi-k3 is not described"),
        (("gb300", "gb3000"), "no GPU 'gb3000' has specifications here; did you mean 'gb300'"),
        (("gb300", "x'; DROP TABLE files; --"), "no GPU"),
        (("--ep 32", "--ep 24"), "ep 24 does not divide the 256 experts"),
        (("--ep 32", "--ep -8"), "ep -8 does not divide"),
        (("38.4", "-1"), "above zero"),
        (("2.5", "0.5"), "between 1 and 4"),
        (("2.5", "4.5"), "between 1 and 4"),
        (("gb300", "h200"), "h200 does not compute in fp4"),
    ],
)
def test_bad_input_is_one_sentence(capsys, change, said):
    old, new = change
    words = CLAIM.split()
    if old.startswith("--"):
        words[words.index("--ep") + 1] = new.split()[1]
    else:
        words[words.index(old)] = new
    code = cli.run(["explain", *words])
    captured = capsys.readouterr()
    assert code == 2 and said in captured.err and captured.err.count("\n") == 1 and not captured.out


@pytest.mark.parametrize("cell", ["many", "nan", "inf", ""])
def test_what_is_no_number_is_refused_by_the_program(capsys, cell):
    words = [cell if word == "38.4" else word for word in CLAIM.split()]
    with pytest.raises(SystemExit) as left:
        cli.run(["explain", *words])
    assert left.value.code == 2 and f"'{cell}' is not a number" in capsys.readouterr().err


def test_an_unknown_name_raises(db):
    with pytest.raises(ParameterError):
        explain.explain(db, explain.Question("m", "gb300", "fp4", 32, 1, 1000, 0, 1))
