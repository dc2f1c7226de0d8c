"""The notebooks on equal speed and on claims, read with the full results of June 2026 in place of published points."""

import ast
import json
import re
import shutil
from datetime import date

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
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKENFACTORY_CACHE", str(cache))
        store.build(folder)
    return folder, cache


@pytest.fixture
def run(snapshot, monkeypatch):
    """Run a notebook's cells with other parameters: its names afterwards, and what each cell shows as text."""
    monkeypatch.delenv("TOKENFACTORY_WAREHOUSE", raising=False)
    for name, folder in zip(("TOKENFACTORY_DATA", "TOKENFACTORY_CACHE"), snapshot, strict=True):
        monkeypatch.setenv(name, str(folder))

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


def texts(shown):
    return "\n".join(part for part in shown if isinstance(part, str))


EQUAL, CLAIMS = "04_cost_at_equal_speed", "05_claim_audit"


def test_full_curves(run):
    names, _ = run(EQUAL)
    assert 0.85 <= names["covered"] <= 0.95 and names["held"].size > 100
    labels = set(names["frame"]["way"])
    assert "GB300 FP4 no MTP dynamo-trt" in labels
    conditions = {ratio.condition.label for ratio in names["ratios"] if not np.isnan(ratio.value).all()}
    assert {
        "best against best", "FP8 on both", "no MTP on both", "disaggregated on both",
        "FP8, no MTP, disaggregated on both", "measured in 2026-02 on both",
    } <= conditions  # fmt: skip
    assert "measured in 2026-02 on both" in names["names"]  # the chart shows one condition of each kind


def test_no_value_lies_beyond_the_points_of_its_own_way(run):
    names, _ = run(EQUAL)
    readings = names["readings"]
    knots = readings.knots
    assert np.isfinite(readings.value).sum() > 300
    for i in range(len(readings.configurations)):
        x, y = (column[knots.start[i] : knots.start[i + 1]] for column in (knots.x, knots.y))
        there = ~np.isnan(readings.value[i])
        assert not (there & ~((readings.speeds >= x.min() / 1.005) & (readings.speeds <= x.max() * 1.005))).any()
        assert (readings.value[i, there] >= y.min()).all() and (readings.value[i, there] <= y.max()).all()


def test_the_slider_reads_every_way_and_needs_no_network(run):
    names, shown = run(EQUAL)
    (spec,) = (s for s in (v.to_dict() for v in shown if not isinstance(v, str)) if "params" in s)
    (slider,) = spec["params"]
    assert (slider["name"], slider["bind"]["input"], slider["value"]) == ("speed", "range", 75)
    assert slider["bind"]["min"] <= 20 and slider["bind"]["max"] >= 300
    assert '"url"' not in json.dumps(spec)
    of_two = {way for way in names["readings"].configurations if way.gpu in ("gb300", "h200")}
    ways = names["frame"].filter(names["pl"].col("gpu").is_in(["gb300", "h200"]))["way"].unique()
    # a way that is known at one speed only is on the slider where that is one of its stops
    assert len(of_two) - 8 <= len(ways) <= len(of_two)


@pytest.mark.parametrize("scope", ["output", "input"])
def test_tokens_of_one_kind_are_charged_the_whole_price(run, scope):
    total, _ = run(EQUAL)
    names, shown = run(EQUAL, token_scope=scope)
    share = {"output": 1024, "input": 8192}[scope] / 9216
    for old, new in zip(total["table"], names["table"], strict=True):
        if old["tput"]:
            assert new["tput"] == pytest.approx(old["tput"] * share)
            assert new["usd_per_mtok"] == pytest.approx(old["usd_per_mtok"] / share)
    at_75 = {row["gpu"]: row["usd_per_mtok"] for row in names["table"] if row["speed"] == 75 and row["usd_per_mtok"]}
    best = names["frame"].filter(speed=75.0).group_by("gpu").agg(names["pl"].col("usd").min())
    both = at_75.keys() & dict(best.rows()).keys()
    assert len(both) >= 4 and {gpu: dict(best.rows())[gpu] for gpu in both} == pytest.approx(
        {gpu: at_75[gpu] for gpu in both}, abs=5e-5
    )
    assert f"USD per Mtok ({scope})" in texts(shown)


def test_the_official_variant_divides_by_the_gpus_of_the_role(run):
    names, _ = run(EQUAL)
    for row in names["split"]:
        prefill, decode = map(int, row["pools"].split(" + "))
        role = {"output": decode, "input": prefill}[row["scope"]]
        assert row["role"] == pytest.approx(row["rate"] * (prefill + decode) / role)
        assert row["usd_role"] == pytest.approx(row["usd"] * role / (prefill + decode))
        assert row["usd"] == cost.usd_per_mtok(
            usd_per_gpu_hour=names["prices"][row["gpu"].lower()], tok_per_s_per_gpu=row["rate"]
        )
    assert {row["scope"] for row in names["split"]} == {"output", "input"}


def test_limits_on_waiting_leave_out_points_before_the_curves(run):
    names, shown = run(EQUAL, max_ttft_p99_s=5.0, max_tpot_p99_s=0.03)
    assert 0 < len(names["usable"]) < len(names["marked"])
    assert names["usable"]["ttft_p99_s"].max() <= 5 and names["usable"]["tpot_p99_s"].max() <= 0.03
    knots = names["readings"].knots
    speeds = set(names["usable"]["interactivity_tok_per_s_per_user"])
    assert set(knots.x) <= speeds
    assert len(names["crosses"]) and f"{len(names['gone'])} of {len(names['marked'])} points are left out" in texts(
        shown
    )


def test_points_that_answer_wrongly_are_shown_and_do_not_answer(run):
    free, _ = run(EQUAL)
    names, shown = run(EQUAL, min_accuracy_frac=0.9)

    def ways(names):
        return {one.recipe for one in names["readings"].configurations}

    assert BAD_WAY in ways(free) and BAD_WAY not in ways(names)
    assert set(names["gone"]["score_frac"]) == {0.42} and set(names["crosses"]["kind"]) == {"left out for its score"}
    assert set(names["crosses"].rows()) and "gsm8k" in texts(shown)
    assert names["usable"]["score_frac"].min() == 0.95


def test_claims_against_the_full_results(run):
    names, shown = run(CLAIMS)
    assert names["table"].is_consistent
    findings = {claim["claim_id"]: verdict for claim, verdict in names["every"]}
    assert findings["nvidia-2026-04-cost"].num_cells > 150
    assert findings["ixv2-gb200-h100-55x"].num_cells > 0  # H100 and GB200 share speeds here
    assert findings["ix-vr-gb300-67x-tco"].finding == "cannot be checked"
    labels = names["frame"]["claim"].to_list()
    assert len(labels) == len(set(labels)) <= 16
    # at most three lines of 22 letters beside a chart on a phone, and no key of the data
    assert all(len(label) <= 60 and "ix" not in label.lower().split("-")[0] for label in labels)
    assert "35x GB300 over H200, cost of a token" in labels
    assert "below one, " in texts(shown) and "only with" in texts(shown)


def test_both_systems_at_the_speeds_of_the_published_comparison(run):
    """What `compare` says of the June capture, and the point behind the printed table, which is published."""
    speeds = [40.0, 60.0, 75.0, 100.0, 117.0]
    for isl in (1024, 8192):
        answer = ask.compare(
            warehouse.connect(), model="deepseek-r1-0528", isl=isl, osl=1024, speeds=speeds, gpus=["h200", "gb300"],
            on=date(2026, 4, 15),
        )  # fmt: skip
        rows = {(row["gpu"], row["speed"]): row for row in answer["rows"]}
        assert len(rows) == 10
        for row in rows.values():
            if row["tput"] is None or row["is_wide"]:
                continue
            assert row["usd_per_mtok_low"] < row["usd_per_mtok"] < row["usd_per_mtok_high"]
        # GB300 with MTP has points at 70 and 308 tok/s per user, 168-fold apart: only its source answers at 100
        assert "source" in rows["gb300", 100.0]["how"]


def test_limits_that_are_none(run):
    for wrong in ({"max_ttft_p99_s": -1.0}, {"max_tpot_p99_s": -0.1}, {"min_accuracy_frac": 90.0}):
        with pytest.raises(ParameterError, match="zero or more seconds, and an accuracy bar lies between 0 and 1"):
            run(EQUAL, **wrong)


def test_the_stored_page_says_how_much_the_band_holds():
    text = (PROJECT / "notebooks" / f"{EQUAL}.ipynb").read_text()
    (share,) = set(re.findall(r"points that were left out, (\d+) % lay in the 90 % band", text))
    assert 85 <= int(share) <= 95


def test_repeated_runs_show_how_far_a_run_may_be_from_the_one_before(run):
    _, shown = run(EQUAL)
    assert "Nine of ten repeated runs of one recipe in this warehouse lie near the run before: " in texts(shown)
