"""The notebooks on equal speed and on claims, read with the full results of June 2026 in place of published points."""

import ast
import json
import shutil
from datetime import date
from functools import cache

import numpy as np
import pytest
from conftest import PROJECT

from tokenfactory import ask, warehouse
from tokenfactory.errors import ParameterError
from tokenfactory.formulas import cost
from tokenfactory.measurements import ingest
from tokenfactory.warehouse import store

BAD_WAY = ("gb300", "fp4", "mtp")


def evaluations_of(rows):
    """A score for every way of serving, made up: one of them answers wrongly."""
    found = {}
    for row in rows:
        key = tuple(row[name] for name in ("hardware", "framework", "precision", "spec_method", "disagg"))
        score = 0.42 if (key[0], key[2], key[3]) == BAD_WAY else 0.95
        found.setdefault(key, row | {"task": "gsm8k", "metrics": {"em_strict": score, "n_eff": 1319}})
    return list(found.values())


@pytest.fixture(scope="module")
def snapshot(shared, tmp_path_factory):
    """The shipped data with a snapshot of the June capture and made-up scores, and the folder of its warehouse."""
    folder = tmp_path_factory.mktemp("data")
    for file in (PROJECT / "data").glob("*.csv"):
        shutil.copy(file, folder)
    capture = shared / "inferencex-api" / "benchmarks.json"
    scores = folder / "scores.json"
    scores.write_text(json.dumps(evaluations_of(json.loads(capture.read_text()))))
    assert ingest.ingest([capture, scores], folder / "snapshots").exit_code == 0
    built = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKENFACTORY_CACHE", str(built))
        store.build(folder)
    return folder, built


@pytest.fixture(scope="module")
def ran(snapshot):
    """Run a notebook's cells with other parameters, once for each question."""

    @cache
    def run(name, **parameters):
        names, shown = {}, []
        for cell in json.loads((PROJECT / "notebooks" / f"{name}.ipynb").read_text())["cells"]:
            if cell["cell_type"] == "code":
                body = ast.parse("".join(cell["source"]))
                last = body.body.pop() if isinstance(body.body[-1], ast.Expr) else None
                exec(compile(body, name, "exec"), names)
                if "parameters" in cell["metadata"]["tags"]:
                    assert parameters.keys() <= names.keys()
                    names |= parameters
                if last:
                    value = eval(compile(ast.Expression(last.value), name, "eval"), names)
                    shown.append(value.plain() if hasattr(value, "plain") else value)
        return names, shown

    return run


@pytest.fixture
def run(snapshot, ran, monkeypatch):
    """The names of a notebook after its cells ran with other parameters, and what each cell shows as text."""
    monkeypatch.delenv("TOKENFACTORY_WAREHOUSE", raising=False)
    for name, folder in zip(("TOKENFACTORY_DATA", "TOKENFACTORY_CACHE"), snapshot, strict=True):
        monkeypatch.setenv(name, str(folder))
    return ran


def texts(shown):
    return "\n".join(part for part in shown if isinstance(part, str))


EQUAL, CLAIMS = "04_cost_at_equal_speed", "05_claim_audit"


def test_full_curves(run):
    names, _ = run(EQUAL)
    assert 0.85 <= names["covered"] <= 0.95 and names["held"].size > 100
    conditions = {condition.label for condition in names["conditions"]}
    assert {"best against best", "FP8 on both", "no MTP on both", "disaggregated on both"} <= conditions


def test_no_value_lies_beyond_the_points_of_its_own_configuration(run):
    names, _ = run(EQUAL)
    readings = names["curves"].read(np.geomspace(5, 400, 80))
    knots = readings.knots
    assert np.isfinite(readings.value).sum() > 300
    for i in range(len(readings.configurations)):
        x, y = (column[knots.start[i] : knots.start[i + 1]] for column in (knots.x, knots.y))
        there = ~np.isnan(readings.value[i])
        assert not (there & ~((readings.speeds >= x.min() / 1.006) & (readings.speeds <= x.max() * 1.006))).any()
        assert (readings.value[i, there] >= y.min()).all() and (readings.value[i, there] <= y.max()).all()


@pytest.mark.parametrize("scope", ["output", "input"])
def test_tokens_of_one_kind_are_charged_the_whole_price(run, scope):
    total, _ = run(EQUAL)
    names, _ = run(EQUAL, token_scope=scope)
    share = {"output": 1024, "input": 8192}[scope] / 9216
    for old, new in zip(total["table"], names["table"], strict=True):
        if old["tput"]:
            assert new["tput"] == pytest.approx(old["tput"] * share)
            assert new["usd_per_mtok"] == pytest.approx(old["usd_per_mtok"] / share)


def test_the_official_variant_divides_by_the_gpus_of_the_role(run):
    names, _ = run(EQUAL)
    assert names["split"]
    for row in names["split"]:
        prefill, decode = map(int, row["pools"].split(" + "))
        assert row["role"] == pytest.approx(row["rate"] * (prefill + decode) / decode)
        assert row["usd_role"] == pytest.approx(row["usd"] * decode / (prefill + decode))
        price = names["prices"][row["gpu"].lower()]
        assert row["usd"] == cost.usd_per_mtok(usd_per_gpu_hour=price, tok_per_s_per_gpu=row["rate"])


def test_limits_on_waiting_leave_out_points_before_the_curves(run):
    names, shown = run(EQUAL, max_ttft_p99_s=5.0, max_tpot_p99_s=0.03)
    usable, every = names["usable"], names["of_workload"]
    assert 0 < len(usable) < len(every)
    assert max(row["ttft_p99_s"] for row in usable) <= 5 and max(row["tpot_p99_s"] for row in usable) <= 0.03
    assert {row["interactivity_tok_per_s_per_user"] for row in usable} >= set(names["curves"].knots.x)
    assert f"leave out {len(every) - len(usable)} of {len(every)} points" in texts(shown)


def test_points_that_answer_wrongly_do_not_answer(run):
    free, _ = run(EQUAL)
    names, _ = run(EQUAL, min_accuracy_frac=0.9)

    def scored(names):
        return {row["score_frac"] for row in names["usable"] if row["score_frac"] is not None}

    assert 0.42 in scored(free) and 0.42 not in scored(names) and names["too_poor"]


def test_claims_against_the_full_results(run):
    names, shown = run(CLAIMS)
    assert names["table"].is_consistent
    findings = {claim["claim_id"]: verdict for claim, verdict in names["every"]}
    assert findings["nvidia-2026-04-cost"].num_cells > 150
    assert findings["ixv2-gb200-h100-55x"].num_cells > 0  # H100 and GB200 share speeds here
    assert findings["ix-vr-gb300-67x-tco"].finding == "cannot be checked"
    labels = [bar["claim"] for bar in names["bars"]]
    assert len(labels) == len(set(labels)) <= 16
    # at most three lines of 22 letters beside a chart on a phone, and no key of the data
    assert all(len(label) <= 60 and "ix" not in label.lower().split("-")[0] for label in labels)
    assert "35x GB300 over H200, cost of a token" in labels
    assert "below 1x: " in texts(shown) and "only with" in texts(shown)


PAIRS = [
    dict(subject="gb300", baseline="h200", model="deepseek-r1-0528", isl=8192, osl=1024, interactivity=75.0),
    dict(subject="h200", baseline="gb300", model="deepseek-r1-0528", isl=8192, osl=1024, interactivity=60.0),
    dict(subject="b200", baseline="mi355x", model="deepseek-r1-0528", isl=1024, osl=1024, interactivity=50.0),
    dict(subject="gb200", baseline="b200", model="deepseek-r1-0528", isl=1024, osl=1024, interactivity=125.0),
    dict(subject="b200", baseline="h200", model="gpt-oss-120b", isl=1024, osl=1024, interactivity=100.0),
    dict(subject="b200", baseline="h200", model="kimi-k2.5", isl=8192, osl=1024, interactivity=40.0),
]


@pytest.mark.parametrize("asked", PAIRS, ids=lambda asked: f"{asked['subject']}-{asked['baseline']}-{asked['model']}")
def test_one_question_has_one_answer_on_every_page(run, asked):
    """01, 03, 04, 07, 08, 09 and `compare` read the same throughput, and so agree in direction."""
    rows = ask.compare(
        warehouse.connect(), model=asked["model"], isl=asked["isl"], osl=asked["osl"], speeds=[asked["interactivity"]],
        gpus=[asked["subject"], asked["baseline"]], on=date(2026, 9, 11),
    )["rows"]  # fmt: skip
    told = {row["gpu"]: row["tput"] for row in rows}
    for name in (EQUAL, "01_hopper_vs_blackwell", "03_cost_sensitivity", "09_decision_under_uncertainty"):
        names, _ = run(name, **asked)
        answers = names["answers"]
        answers = answers[asked["isl"], asked["osl"]] if name.startswith("09") else answers  # one for each mix
        read = {gpu: answers[gpu].best and answers[gpu].best.tput_per_gpu for gpu in told}
        assert read == pytest.approx(told), name
    known = {gpu: tput for gpu, tput in told.items() if tput}
    names, _ = run("07_own_or_rent", **asked)
    assert names["tput"] == pytest.approx(known)
    names, _ = run("08_token_margin", **asked)
    read = {sale.gpu: sale.tput_per_gpu for sale in names["sales"] if sale.tariff["speed"] == asked["interactivity"]}
    assert not read or read == pytest.approx(told)


ODD = [
    dict(interactivity=1.0),
    dict(interactivity=1e6),
    dict(isl=1),
    dict(subject="mi300x", baseline="mi325x"),
    dict(subject="gb300", baseline="gb300"),
    dict(model="glm-5", subject="gb300", baseline="h100"),
]


@pytest.mark.parametrize("asked", ODD, ids=str)
@pytest.mark.parametrize(
    "name", ["01_hopper_vs_blackwell", "03_cost_sensitivity", EQUAL, "09_decision_under_uncertainty"]
)
def test_what_nobody_measured_is_a_sentence(run, name, asked):
    _, shown = run(name, **asked)
    assert "Not measured" in texts(shown) or "cannot be compared with itself" in texts(shown) or "$" in texts(shown)


def test_limits_that_are_none(run):
    for wrong in ({"max_ttft_p99_s": -1.0}, {"max_tpot_p99_s": -0.1}, {"min_accuracy_frac": 90.0}):
        with pytest.raises(ParameterError, match="zero or more seconds, and an accuracy bar lies between 0 and 1"):
            run(EQUAL, **wrong)
