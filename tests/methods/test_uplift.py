"""Steps that close, fair shares, and pairs that differ in one thing."""

import itertools
import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenfactory.errors import TokenFactoryError
from tokenfactory.methods import pareto, uplift
from tokenfactory.methods.serving import SPEED, TPUT, Curves, ServingConfiguration


def test_the_headline_closes_over_two_steps():
    """92.6 -> 1,485.5 -> 5,955.4 tok/s per GPU: 16.04 x 4.01 = 64.3."""
    states = [("H200", 92.6), ("platform", 1485.5), ("FP4", 5955.4)]
    steps = uplift.chain(states)
    assert [round(step.factor, 2) for step in steps] == [16.04, 4.01]
    assert uplift.product(steps) == pytest.approx(5955.4 / 92.6, rel=1e-12)


def test_the_longer_path_closes_on_the_same_whole():
    values = (92.6, 375.5, 650.6, 1442.9, 5955.4)
    steps = uplift.chain([(str(value), value) for value in values])
    assert [round(step.factor, 2) for step in steps] == [4.06, 1.73, 2.22, 4.13]
    assert uplift.product(steps) == pytest.approx(5955.4 / 92.6, rel=1e-12)


value = st.floats(1e-3, 1e6)


@given(value, st.lists(st.one_of(st.none(), st.just(math.nan), value), max_size=6), value)
def test_every_chain_closes_whatever_nobody_measured(first, between, last):
    states = [("start", first), *((f"step {i}", v) for i, v in enumerate(between)), ("end", last)]
    steps = uplift.chain(states)
    assert uplift.product(steps) == pytest.approx(last / first, rel=1e-6)
    assert sum(len(step.name.split(" and ")) for step in steps) == len(states) - 1
    for step in steps:
        assert (step.status == uplift.NOT_MEASURED) == (" and " in step.name)


def test_a_step_is_known_as_the_weaker_of_its_ends():
    states = [("a", 1.0, "interpolated"), ("b", 2.0, "derived from latencies"), ("c", 6.0, "measured"), ("d", 3.0)]
    assert [(step.factor, step.status) for step in uplift.chain(states)] == [
        (2.0, "interpolated; derived from latencies"), (3.0, "derived from latencies"), (0.5, "measured"),
    ]  # fmt: skip
    assert [step.factor for step in uplift.chain(states[2:])] == [0.5], "two states are a chain"


@pytest.mark.parametrize("missing", [None, math.nan, 0.0, -1.0, math.inf])
def test_what_is_no_positive_number_is_not_measured(missing):
    (step,) = uplift.chain([("a", 1.0), ("b", missing), ("c", 2.0)])
    assert step == uplift.Step("b and c", 2.0, uplift.NOT_MEASURED)


@pytest.mark.parametrize("states", [[], [("a", 1.0)], [("a", None), ("b", 1.0)], [("a", 1.0), ("b", math.nan)]])
def test_a_chain_without_ends_is_refused(states):
    with pytest.raises(TokenFactoryError, match=r"^a chain needs .* first and its last one measured$"):
        uplift.chain(states)


@given(st.lists(value, min_size=8, max_size=8))
def test_shares_multiply_to_the_whole_and_lie_in_their_range(values):
    names = ("engine", "format", "rack")
    every = [frozenset(some) for size in range(4) for some in itertools.combinations(names, size)]
    results = dict(zip(every, values, strict=True))
    found = uplift.shares(results)
    assert math.prod(share.factor for share in found) == pytest.approx(results[frozenset(names)] / results[frozenset()])
    for share in found:
        assert share.low * (1 - 1e-9) <= share.factor <= share.high * (1 + 1e-9)


def test_shares_of_three_changes():
    values = {"": 100, "A": 400, "B": 160, "C": 200, "AB": 1700, "AC": 1500, "BC": 330, "ABC": 6500}
    found = {one.name: one.factor for one in uplift.shares({frozenset(some): v for some, v in values.items()})}
    assert found == pytest.approx(dict(A=8.89307, B=2.63811, C=2.77057), rel=5e-6)
    assert math.prod(found.values()) == pytest.approx(65, rel=1e-12)


def test_no_share_is_guessed_where_a_combination_is_not_measured():
    results = {frozenset(): 20.0, frozenset(["FP4"]): None, frozenset(["MTP"]): 90.0, frozenset(["FP4", "MTP"]): 400.0}
    assert [(share.name, share.factor) for share in uplift.shares(results)] == [("FP4", None), ("MTP", None)]


def configuration(gpu="x1", precision="fp8", spec="none", is_disaggregated=False, **other):
    return ServingConfiguration(gpu, "e", precision, spec, is_disaggregated, None, **other)


def test_only_pairs_that_differ_in_one_thing_count_and_silence_matches_nothing():
    told = [configuration(), configuration(precision="fp4"), configuration("x2"), configuration("x2", "fp4", "mtp")]
    silent = [configuration(is_disaggregated=None), configuration(spec="not stated"), configuration(page="https://x")]
    assert uplift._differences(silent + told) == [("gpu", 3, 5), ("precision", 3, 4)]
    square = [configuration(), configuration(precision="fp4"), configuration("x2", "fp4"), configuration("x2")]
    other_engine = replace(configuration(), framework="other")
    assert uplift._differences([*square, other_engine]) == [
        ("gpu", 0, 3), ("gpu", 1, 2), ("framework", 0, 4), ("precision", 0, 1), ("precision", 2, 3),
    ], "in the order of the fields, then of the configurations"  # fmt: skip


def test_at_equal_speed_both_must_be_measured_and_not_across_a_wide_gap():
    told = [("fp8", 20, 100), ("fp8", 40, 50), ("fp8", 60, 8), ("fp4", 30, 300), ("fp4", 50, 150)]
    curves = Curves.of(points(*(("e", *point) for point in told)), model="m", isl=1, osl=1)
    readings = curves.read([20, 30, 40, 50])
    ratio = uplift._at_equal_speed(readings, 0, 1)
    assert np.isnan(ratio).tolist() == [True, False, False, True]
    assert ratio[1] == pytest.approx(300 / readings.value[0, 1])
    rows = points(("e", "fp8", 20, 100), ("e", "fp8", 40, 20), ("e", "fp4", 30, 300))
    five = Curves.of(rows, model="m", isl=1, osl=1).read([30.0])
    assert uplift._at_equal_speed(five, 0, 1) == pytest.approx(300 / five.value[0]), "five times is not wide"


def deployment(day, **change):
    row = dict.fromkeys(uplift.DEPLOYMENT, 1) | {"gpu": "x1", "framework": "e", "model": "m", "precision": "fp8"}
    row |= {"spec_decoding": "none", "as_of": date.fromordinal(730_000 + day), "tput_per_gpu": 100.0}
    return row | change


def test_pairs_of_one_deployment_at_the_same_batch():
    rows = [
        deployment(0, tput_per_gpu=90.0),  # the same run again three days later is what counts
        deployment(3),
        deployment(5, precision="fp4", tput_per_gpu=150.0),
        deployment(5, precision="fp4", spec_decoding="mtp", tput_per_gpu=210.0),
        deployment(6, conc=2, precision="fp4", tput_per_gpu=999.0),
    ]
    assert uplift._same_batch(rows, "precision", "fp8", "fp4") == [(rows[1], rows[2])]
    assert uplift._same_batch(rows, "spec_decoding", "none", "mtp") == [(rows[2], rows[3])]
    found = {row["kind"]: row for row in uplift.gains(rows, least_days=2)}
    assert found["number format"]["middle"] == 1.5 and found["speculation"]["middle"] == pytest.approx(1.4)
    assert found["software"]["middle"] == pytest.approx((100 / 90) ** (100 / 3))
    assert found["number format"] == {"kind": "number format", "gpu": "x1", "framework": "e", "num": 1, "low": 1.5,
                                      "middle": 1.5, "high": 1.5}  # fmt: skip


def test_of_several_gains_the_tenth_the_middle_and_the_ninetieth_in_a_hundred_stand():
    rows = [deployment(day, conc=n, tput_per_gpu=100.0 + n * (day > 0)) for n in range(1, 12) for day in (0, 20)]
    (row,) = uplift.gains(rows)  # twenty days are enough, and five times as much a hundred days
    wanted = [((100 + n) / 100) ** 5 for n in (2, 6, 10)]
    assert (row["num"], row["low"], row["middle"], row["high"]) == (11, *map(pytest.approx, wanted))
    assert uplift.gains([row for row in rows if row["as_of"] != rows[0]["as_of"]]) == []


def test_first_and_last_run_of_a_deployment_when_far_enough_apart():
    rows = [deployment(0), deployment(40), deployment(30), deployment(0, conc=2), deployment(19, conc=2)]
    assert uplift._over_time(rows, least_days=20) == [(rows[0], rows[1], 40)]
    undated = [deployment(0) | {"as_of": None}, *rows]  # takes no part
    assert uplift._over_time(undated, least_days=20) == [(rows[0], rows[1], 40)]
    assert uplift.gains([]) == []


def points(*told):
    """Rows of the view `points`: engine, format, speed, throughput."""
    same = dict(model="m", isl=1, osl=1, spec_decoding="none", is_disaggregated=False, as_of=None, gpu="x1")
    same |= {"evidence": "measured", "source_url": ""}
    return [same | {"framework": e, "precision": p, SPEED: float(v), TPUT: float(t)} for e, p, v, t in told]


def test_engines_are_compared_at_one_speed_and_only_where_two_were_measured():
    rows = points(("a", "fp8", 20, 100), ("a", "fp8", 40, 60), ("b", "fp8", 20, 50), ("b", "fp4", 20, 70))
    found = uplift.by_engine(Curves.of(rows, model="m", isl=1, osl=1), [20.0, 30.0], ["x1"])
    assert found == [{"gpu": "x1", "precision": "fp8", "spec_decoding": "none", "speed": 20.0, "best": "a",
                      "slowest": "b", "tput": 100.0, "ratio": 2.0}]  # fmt: skip
    apart = [row | {"is_disaggregated": True, TPUT: 0.5} for row in rows if row["precision"] == "fp8"]
    of_both = Curves.of([*rows, *apart], model="m", isl=1, osl=1)
    assert uplift.by_engine(of_both, [20.0, 30.0], ["x1"]) == found, "the best of each engine, whatever its topology"
    slow = Curves.of(apart + points(("c", "fp8", 20, 0.25)), model="m", isl=1, osl=1)
    assert [row["ratio"] for row in uplift.by_engine(slow, [20.0], ["x1"])] == [2.0]
    assert uplift.by_engine(Curves.of(rows, model="m", isl=1, osl=1), [20.0], ["x2"]) == []


def test_a_state_is_read_by_the_rule_of_all_pages():
    rows = points(("a", "fp8", 20, 1000), ("a", "fp8", 40, 10), ("b", "fp8", 30, 500))
    curves = Curves.of(rows, model="m", isl=1, osl=1)
    ask = dict(gpu="x1", precision="fp8", spec_decoding="none", engine="a")
    assert uplift.state(curves, **ask, speed=30.0) is None
    assert uplift.state(curves, **ask, speed=20.0).tput_per_gpu == 1000
    assert uplift.state(curves, **ask | {"gpu": "x9"}, speed=20.0) is None
    for slowest, is_sure in ((20.0, True), (19.0, False)):  # five times less is read between, more is not sure
        narrow = Curves.of(points(("a", "fp8", 20, 100), ("a", "fp8", 40, slowest)), model="m", isl=1, osl=1)
        assert (uplift.state(narrow, **ask, speed=30.0) is not None) == is_sure


def test_the_claim_closes_on_all_captures_as_its_two_steps(shared):
    """Captures that do not ship, merged: 92.6 -> 1,485.5 -> 5,955.4 at 117 tok/s; and the square of GB300."""
    import duckdb

    flat, dump = shared / "inferencex-api", shared / "inferencex-dbdump-2026-07-20"
    rows = duckdb.connect().execute(
        """SELECT hardware, precision, spec_method, median_intvty, tput_per_gpu FROM read_parquet($flat)
           WHERE framework = 'dynamo-trt' AND isl = 1024 AND osl = 1024
           UNION ALL SELECT hardware, precision, spec_method, interactivity, tput_per_gpu FROM read_parquet($dump)
           WHERE framework = 'dynamo-trt' AND isl = 1024 AND osl = 1024 AND model IN ('dsr1', 'deepseek-r1-0528')""",
        {"flat": str(flat / "inferencex_dsr1_flat.parquet"), "dump": str(dump / "dbdump_rows_labelled.parquet")},
    ).fetchall()  # fmt: skip

    def read(gpu, precision, spec):
        mine = np.array([(v, t) for g, p, s, v, t in rows if (g, p, s) == (gpu, precision, spec)])
        front = pareto.pareto_front(np.zeros(len(mine), int), *mine.T)
        return float(pareto.interpolate(front, [117.0], method="published").value[0, 0])

    states = [("H200", read("h200", "fp8", "mtp")), ("platform", read("gb300", "fp8", "mtp")),
              ("FP4", read("gb300", "fp4", "mtp"))]  # fmt: skip
    steps = uplift.chain(states)
    assert [round(step.factor, 1) for step in steps] == [16.0, 4.0]
    assert uplift.product(steps) == pytest.approx(64.3, abs=0.1)
    square = {(): ("fp8", "none"), ("FP4",): ("fp4", "none"), ("MTP",): ("fp8", "mtp"), ("FP4", "MTP"): ("fp4", "mtp")}
    found = uplift.shares({frozenset(some): read("gb300", *state) for some, state in square.items()})
    assert [round(share.factor, 1) for share in found] == [4.6, 20.3]


def test_the_worth_of_a_change_stands_where_both_ends_are_measured():
    rows = points(("a", "fp8", 20, 100), ("a", "fp8", 40, 60), ("a", "fp4", 30, 160), ("a", "fp4", 50, 90))
    curves = Curves.of(rows, model="m", isl=1, osl=1)
    asked = {("precision", "fp8", "fp4"): "FP4 over FP8"}
    found = uplift.worth(curves, [20.0, 30.0, 40.0, 50.0], asked, ["x1"])
    assert [(row["what"], row["speed"]) for row in found] == [("FP4 over FP8", 30.0), ("FP4 over FP8", 40.0)]
    gain = 160 / curves.read([30.0]).value[0, 0]
    assert found[0] == {
        "what": "FP4 over FP8", "label": "X1 a FP4 no MTP aggregated over a FP8 no MTP aggregated", "gpu": "x1",
        "piece": 1, "speed": 30.0, "gain": pytest.approx(gain),
    }  # fmt: skip
    assert uplift.worth(curves, [30.0], asked, ["x2"]) == []
