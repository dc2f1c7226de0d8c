"""Readings at equal speed: small cases by hand, then what InferenceX printed, with the method of its day."""

import csv
import json
import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenfactory.errors import NotMeasuredError
from tokenfactory.formulas import cost
from tokenfactory.methods import bands, pareto, serving
from tokenfactory.methods.bands import BandModel, NotCalibrated
from tokenfactory.methods.serving import BEST, NOT_STATED, RUN_TO_RUN_LOG, SPEED, TPUT, Bands, Curves

UNKNOWN = NotCalibrated("points", 2, 19)
NO_BANDS = Bands(UNKNOWN, UNKNOWN)
ROOT = math.sqrt(800)  # half way from 20 to 40 on the axis of ln speed


def point(gpu, speed, tput, **other):
    return {
        "model": "m", "isl": 1024, "osl": 1024, "gpu": gpu, "framework": "e", "precision": "fp8",
        "spec_decoding": "none", "is_disaggregated": False, "evidence": "measured", "as_of": date(2026, 5, 1),
        "source_url": "https://a", SPEED: speed, TPUT: tput,
    } | other  # fmt: skip


def same_band(end):
    """The same band for every reading, down and up."""
    ends = np.full(8, float(end))
    return Bands(BandModel(0.9, ends, ends, np.zeros(8), np.zeros(8)), UNKNOWN)


def curves_of(rows, learned=NO_BANDS):
    return Curves.of_workload(rows, learned)


A = [point("a", 20.0, 400.0), point("a", 40.0, 200.0)]
B = [point("b", 20.0, 90.0), point("b", 80.0, 30.0)]


# --- which points make a curve


@pytest.mark.parametrize(
    "change",
    [dict(as_of=date(2026, 6, 1)), dict(precision="fp4"), dict(evidence="interpolated"), dict(framework=None),
     dict(is_known_wrong=True)],
)  # fmt: skip
def test_points_of_two_days_formats_or_kinds_of_evidence_are_not_joined(change):
    curves = curves_of([A[0], A[1] | change])
    assert len(curves.configurations) == 2
    assert curves.at_speed(30)["a"].best is None


def test_another_page_makes_another_configuration_of_readings_only():
    elsewhere = dict(source_url="https://b")
    assert len(curves_of([A[0], A[1] | elsewhere]).configurations) == 1
    readings = [row | {"evidence": "interpolated"} for row in A]
    assert len(curves_of([readings[0], readings[1] | elsewhere]).configurations) == 2


def test_derived_points_join_measured_ones_and_say_so():
    curves = curves_of([A[0], A[1] | {"evidence": "derived"}])
    found = [curves.at_speed(speed)["a"].best for speed in (20, ROOT, 40)]
    assert [reading.how for reading in found] == [
        "measured", "interpolated, partly derived from latencies", "derived from latencies"
    ]  # fmt: skip


# --- one question, one answer


def test_a_reading_has_its_points():
    rows = [A[0] | {"num_gpu": 8, "conc": 64}, A[1] | {"num_gpu": 8, "conc": 16}]
    answer = curves_of(rows).at_speed(ROOT)["a"]
    assert answer.best.tput_per_gpu == pytest.approx(300)
    assert answer.best.points == tuple(rows) and answer.best.gap == 2
    assert (answer.best.num_gpu, answer.best.num_users) == ((8,), (16, 64))
    assert answer.ranks and answer.why_not == "" and answer.best is answer.at_least
    pools = point("a", 20.0, 400.0, is_disaggregated=True, num_prefill_gpu=6, num_decode_gpu=32)
    assert curves_of([pools]).at_speed(20)["a"].best.num_gpu == (38,)
    decode_alone = pools | {"num_prefill_gpu": None}
    assert curves_of([decode_alone]).at_speed(20)["a"].best.num_gpu == (32,)
    assert curves_of([pools | {"is_disaggregated": False}]).at_speed(20)["a"].best.num_gpu == ()  # tp times ep


def test_the_nearest_points_on_either_side_are_readings_of_their_own():
    curves = curves_of([*A, point("a", 80.0, 100.0)], same_band(math.log(2)))
    at_30, at_40, at_90 = (curves.at_speed(speed)["a"] for speed in (30, 40, 90))
    below, above = at_30.below, at_30.above
    assert (below.speed, above.speed, below.points, above.points) == (20, 40, (A[0],), (A[1],))
    assert (below.configuration, below.how, below.is_at_odds) == (curves.configurations[0], "measured", False)
    assert (below.tput_per_gpu, below.low, below.high) == pytest.approx((400, 200, 800))
    assert (at_40.below.speed, at_40.above.speed) == (20, 80), "on either side, not at it"
    assert (at_90.below.speed, at_90.above) == (80, None)
    as_good = curves_of([*A, point("a", 50.0, 400.0, precision="fp4")]).at_speed(20)["a"]
    assert as_good.at_least is as_good.best, "a faster point that makes just as much is no better"


def test_the_best_configuration_answers():
    fp4 = [point("a", 20.0, 390.0, precision="fp4"), point("a", 60.0, 290.0, precision="fp4")]
    answers = curves_of(A + fp4).along([10, 20, 40, 50, 70], ["a", "b"])
    assert [a.best and a.best.configuration.precision for a in answers["a"]] == [None, "fp8", "fp4", "fp4", None]
    assert [a.best for a in answers["b"]] == [None] * 5
    assert answers["b"][0].why_not == "B is not measured at 10 tok/s per user, nor at any other speed"
    assert answers["a"][4].why_not == "A is not measured at 70 tok/s per user: its nearest points are at 60"


def test_at_least_as_fast_may_be_cheaper_than_exactly_as_fast():
    fp4 = [point("a", 50.0, 500.0, precision="fp4")]
    answer = curves_of(A + fp4).at_speed(30)["a"]
    assert answer.best.configuration.precision == "fp8"
    assert (answer.at_least.tput_per_gpu, answer.at_least.speed) == (500, 50)
    below = curves_of(A).at_speed(5)["a"]
    assert below.best is None and (below.at_least.tput_per_gpu, below.at_least.speed) == (400, 20)
    assert curves_of(A).at_speed(41)["a"].at_least is None


def test_the_end_of_a_curve_answers_for_a_speed_that_is_as_good_as_equal():
    for asked, speed, tput in ((40.19, 40, 200), (19.91, 20, 400)):
        answer = curves_of(A).at_speed(asked)["a"]
        assert (answer.asked, answer.best.speed, answer.best.tput_per_gpu) == (asked, speed, tput)
        assert answer.best.how == "measured" and answer.best.gap == 1
    assert curves_of(A).at_speed(40.21)["a"].best is None and curves_of(A).at_speed(19.89)["a"].best is None
    # a poorer configuration that goes on does not answer in its place
    poor = [point("a", 30.0, 90.0, precision="fp4"), point("a", 60.0, 30.0, precision="fp4")]
    assert curves_of(A + poor).at_speed(40.1)["a"].best.tput_per_gpu == 200


def test_across_a_gap_nothing_is_measured_and_its_ends_are_named():
    rows = [point("a", 20.0, 400.0), point("a", 40.0, 39.9)]
    answer = curves_of(rows).at_speed(30)["a"]
    assert answer.best is None and (answer.below.speed, answer.above.speed) == (20, 40)
    assert answer.why_not.endswith("the points at 20 and 40 lie too far apart to read between")
    # the ends are those of the gap, not the nearest point of another configuration
    nearer = [point("a", 31.0, 5.0, precision="fp4")]
    assert curves_of(rows + nearer).at_speed(30)["a"].above.speed == 40


def test_a_wide_reading_answers_only_where_it_is_the_best_beyond_doubt_and_never_ranks():
    # half way in ln speed the cubic of two knots is the mean: 360, of which a third less is 240
    wide = [point("a", 20.0, 600.0, precision="fp4"), point("a", 40.0, 120.0 - 1e-9, precision="fp4")]
    alone, beside = curves_of(wide).at_speed(ROOT)["a"], curves_of(wide + A).at_speed(ROOT)["a"]
    assert alone.best.is_wide and not alone.ranks and alone.best.how == "interpolated, across a wide gap"
    assert alone.at_least.speed == 40  # the point, not the wide reading
    assert beside.ranks and beside.best.configuration.precision == "fp8"  # 300
    lower = [row | {TPUT: row[TPUT] * 0.79} for row in A]  # 237
    assert curves_of(wide + lower).at_speed(ROOT)["a"].best.is_wide


def test_a_poor_configuration_does_not_answer_for_a_better_one_that_is_hidden_in_a_gap():
    # half way in log throughput between 10,000 and 100 is 1,000 at 30, of which half may be there
    hidden = [point("a", 20.0, 10_000.0, precision="fp4"), point("a", 40.0, 100.0, precision="fp4")]
    answer = curves_of(hidden + A).at_speed(30)["a"]
    assert answer.best is None and (answer.below.speed, answer.above.speed) == (20, 40)
    assert answer.below.tput_per_gpu == 10_000
    longer = curves_of([*hidden, *A, point("a", 60.0, 90.0)]).along([20, 30, 50], ["a"])["a"]
    assert [a.best and a.best.tput_per_gpu > 9000 for a in longer] == [True, None, False], "each speed by itself"
    good = [row | {TPUT: 2 * row[TPUT]} for row in A]  # about 570 at 30
    assert curves_of(hidden + good).at_speed(30)["a"].best.configuration.precision == "fp8"
    # where the same format and speculation has a sure reading, of another day say, nothing is hidden
    sweep = [row | {"precision": "fp4", "as_of": date(2026, 6, 1)} for row in A]
    assert curves_of(hidden + sweep).at_speed(30)["a"].best.configuration.as_of == date(2026, 6, 1)
    old = [row | {"precision": "fp4", "as_of": date(2025, 12, 1)} for row in A]
    assert curves_of(hidden + old).at_speed(30)["a"].best is None


def test_readings_of_a_source_are_the_last_resort_of_their_recipe():
    source = [row | {"evidence": "interpolated", TPUT: 2 * row[TPUT]} for row in A]
    longer = [*source, source[1] | {SPEED: 60.0, TPUT: 300.0}]
    curves = curves_of(A + longer)
    assert curves.at_speed(30)["a"].best.evidence == "measured"
    assert curves.at_speed(50)["a"].best.how == "between values that InferenceX interpolated"
    assert curves.at_speed(60)["a"].best.how == "interpolated by InferenceX"
    assert curves.at_speed(30)["a"].at_least.tput_per_gpu == 300  # at 60, where nothing measured answers
    older = curves_of([row | {"as_of": date(2025, 12, 1)} for row in A] + source)
    assert older.at_speed(30)["a"].best.evidence == "interpolated"  # an old run does not stand in for a newer sweep
    undated = curves_of([row | {"as_of": None} for row in source])
    assert undated.at_speed(30)["a"].best.evidence == "interpolated"
    other_format = curves_of(A + [row | {"precision": "fp4"} for row in source])
    assert other_format.at_speed(30)["a"].best.evidence == "interpolated"


def test_points_that_their_own_source_reads_above_do_not_silence_it_and_never_rank():
    told = {"evidence": "interpolated", SPEED: 30.0}
    by_hand = 400 * math.exp(math.log(0.5) * math.log(1.5) / math.log(2))  # 266.7 at 30, between 400 and 200
    band = same_band(math.log(1.2))  # reaches 320
    inside, above = (point("a", 30.0, tput, **told | {SPEED: 30.0}) for tput in (1.1 * by_hand, 1.3 * by_hand))
    assert curves_of([*A, inside], band).at_speed(30)["a"].best.how == "interpolated"
    curves = curves_of([*A, above], band)
    at_30, at_20 = curves.at_speed(30)["a"], curves.at_speed(20)["a"]
    assert at_30.best.tput_per_gpu == 1.3 * by_hand and at_30.ranks
    assert at_30.best.how == "interpolated by InferenceX, from more recipes than it shows"
    assert at_20.best.how == "measured, on fewer recipes than InferenceX has" and not at_20.ranks
    assert curves.at_speed(15)["a"].above.how == at_20.best.how and not curves.at_speed(15)["a"].above.ranks
    # of another day, format or engine it says nothing about these points
    for other in ({"as_of": date(2026, 4, 1)}, {"precision": "fp4"}, {"framework": "f"}):
        assert curves_of([*A, above | other], band).at_speed(20)["a"].ranks
    # and newer points of another engine still come before the source
    newer = [row | {"framework": "f", "as_of": date(2026, 6, 1)} for row in A]
    assert curves_of([*A, above, *newer], band).at_speed(30)["a"].best.evidence == "measured"
    with_b = curves_of([*A, above, point("b", 20.0, 100.0), point("b", 30.0, 50.0)], band)
    assert [pair.speed for pair in with_b.pairs("a", "b")] == [30.0]  # at 20 the points of `a` are not its best


def test_runs_known_to_be_wrong_are_marked():
    wrong = [row | {"is_known_wrong": True, TPUT: 2 * row[TPUT]} for row in A]
    answer = curves_of(A + wrong).at_speed(20)["a"]
    assert answer.best.configuration.is_known_wrong and answer.best.tput_per_gpu == 800
    assert "known to answer wrongly" in str(answer.best.configuration)


# --- pairs


def test_pairs_stand_at_the_points_that_nothing_beats():
    dominated = point("a", 30.0, 150.0, precision="fp4")  # beaten by (40, 200)
    pairs = curves_of([*A, *B, dominated]).pairs("a", "b")
    # b over ln x: 90 at 20, 60 at 40 half way to 80
    assert [(pair.speed, pair.ratio) for pair in pairs] == [
        (20, pytest.approx(400 / 90)),
        (40, pytest.approx(200 / 60)),
    ]
    assert pairs[0].condition.label == BEST and pairs[0].evidence == "measured"


def test_a_reading_that_a_faster_point_beats_is_in_no_pair():
    faster = point("b", 50.0, 100.0, precision="fp4")
    assert [pair.speed for pair in curves_of([*A, *B, faster]).pairs("a", "b")] == []
    like = curves_of([*A, *B, faster]).like_for_like("a", "b")
    assert [(pair.speed, pair.condition.label) for pair in like] == [
        (20, "FP8, no MTP on both"),
        (40, "FP8, no MTP on both"),
    ]


def test_like_for_like_needs_what_is_stated_and_lists_the_best_first():
    mtp = [row | {"spec_decoding": "mtp", TPUT: 3 * row[TPUT]} for row in A]
    silent = [row | {"spec_decoding": NOT_STATED} for row in B]
    assert curves_of(mtp + silent).like_for_like("a", "b") == []
    both = curves_of(A + mtp + B + [row | {"spec_decoding": "mtp"} for row in B])
    ratios = [pair.ratio for pair in both.like_for_like("a", "b")]
    assert len(ratios) == 4 and ratios == sorted(ratios, reverse=True)
    assert {pair.condition.same["spec_decoding"] for pair in both.like_for_like("a", "b")} == {"mtp", "none"}
    assert len(both.like_for_like("a", "b", same=("precision",))) == 2  # the best of each


def test_conditions_are_what_both_have_and_state():
    a = [point("a", 20.0, 1.0), point("a", 20.0, 1.0, precision="fp4", spec_decoding="mtp", as_of=date(2026, 6, 2))]
    b = [point("b", 20.0, 1.0, spec_decoding=NOT_STATED, is_disaggregated=None, as_of=date(2026, 5, 30))]
    b += [point("b", 20.0, 1.0, spec_decoding="mtp", as_of=None)]
    silent = dict(precision=NOT_STATED, spec_decoding=NOT_STATED, is_disaggregated=None, as_of=None)
    a, b = [*a, point("a", 20.0, 1.0, **silent)], [*b, point("b", 20.0, 1.0, **silent)]
    found = serving.conditions([serving.configuration_of(row) for row in a + b], "a", "b")
    assert {condition.label: condition.same for condition in found} == {
        BEST: {},
        "FP8 on both": {"precision": "fp8"},
        "MTP on both": {"spec_decoding": "mtp"},
        "aggregated on both": {"is_disaggregated": False},
        "measured in 2026-05 on both": {"month": "2026-05"},
    }
    pools = [serving.configuration_of(point(gpu, 20.0, 1.0, is_disaggregated=True)) for gpu in "ac"]
    others = [serving.configuration_of(point("b", 20.0, 1.0, precision="fp4", spec_decoding="mtp"))]
    assert [condition.label for condition in serving.conditions(pools + others, "a", "b")] == [
        BEST, "measured in 2026-05 on both",
    ], "a third GPU is asked for nothing"  # fmt: skip
    assert "disaggregated on both" in [condition.label for condition in serving.conditions(pools, "a", "c")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "e FP8 no MTP aggregated 2026-05-01"),
        ({"framework": None, "precision": NOT_STATED, "is_disaggregated": None, "as_of": None}, "no MTP"),
        ({"spec_decoding": "mtp", "is_disaggregated": True}, "e FP8 MTP disaggregated 2026-05-01"),
        ({"spec_decoding": NOT_STATED}, "e FP8 MTP not stated aggregated 2026-05-01"),
        ({"is_known_wrong": True}, "e FP8 no MTP aggregated 2026-05-01 known to answer wrongly"),
    ],
)
def test_a_configuration_in_words(change, said):
    assert str(serving.configuration_of(point("a", 20.0, 1.0, **change))) == said


# --- bands


def test_bands_of_a_reading_and_of_a_ratio():
    def model(*ends):
        return BandModel(0.9, np.array(ends), 2 * np.array(ends), np.zeros(8), np.zeros(8))

    learned = Bands(model(*[0.05] * 2, 0.1, 0.2, *[0.4] * 4), model(*[0.3] * 8))
    pools = [row | {"gpu": "p", "is_disaggregated": True} for row in A]
    source = [row | {"gpu": "s", "evidence": "interpolated"} for row in A]
    curves = curves_of(A + pools + source, learned)
    ends = {gpu: answer.best for gpu, answer in curves.at_speed(ROOT).items()}
    assert [math.log(300 / ends[gpu].low) for gpu in "aps"] == pytest.approx([0.1, 0.2, 0.1])
    assert math.log(ends["p"].high / 300) == pytest.approx(0.4)
    assert math.log(300 / ends["a"].low_other_day) == pytest.approx(0.3)
    at_point = {gpu: answer.best for gpu, answer in curves.at_speed(20).items()}
    # at its own reading a source read between points, too
    assert [math.log(400 / at_point[gpu].low) for gpu in "aps"] == pytest.approx([0.05, 0.05, 0.1])
    (pair,) = [pair for pair in curves.pairs("a", "p") if pair.speed == 20]
    assert [math.log(end) for end in pair.band] == pytest.approx([-math.hypot(0.05, 0.1), math.hypot(0.1, 0.05)])
    assert math.log(pair.band_other_day[1]) == pytest.approx(math.hypot(0.6, 0.3))


def test_bands_are_learned_from_measured_points_of_all_workloads():
    rows = [point("a", 10 * 1.2**step, 1e3 / 1.2**step, model=model) for model in ("m", "n") for step in range(13)]
    learned = serving.learn_bands(rows).same_day
    # 13 knots a model, the 11 inner ones left out in turn across gaps of 1.44
    assert (learned.num_errors[2], learned.num_series[2], learned.below[0]) == (22, 2, RUN_TO_RUN_LOG)
    more = [row | {"evidence": "interpolated", SPEED: row[SPEED] + 1} for row in rows]
    assert serving.learn_bands(rows + more).same_day.num_errors.tolist() == learned.num_errors.tolist()
    untold = [row | {"evidence": None} for row in rows]  # is measured
    assert serving.learn_bands(untold).same_day.num_errors.tolist() == learned.num_errors.tolist()


def test_bands_of_pools_and_of_other_days_are_learned_apart():
    day = [point("a", 10 * 1.2**step, 1e3 / 1.2**step, is_disaggregated=True) for step in range(30)]
    (own, pooled) = (bands.group_of(np.array([1.44]), np.array([is_pool]))[0] for is_pool in (False, True))
    of_models = [row | {"model": m, "is_disaggregated": m in "xyz"} for m in "klxyz" for row in day]
    learned = serving.learn_bands(of_models).same_day
    assert (learned.num_errors[own], learned.num_errors[pooled]) == (2 * 28, 3 * 28)
    later = [row | {"as_of": date(2026, 6, 1), SPEED: 1.05 * row[SPEED]} for row in day]
    assert not isinstance(serving.learn_bands(day + later).other_day, NotCalibrated)
    for change in ({"isl": 8192}, {"osl": 512}, {"model": "n"}, {"framework": "f"}):  # another deployment
        assert isinstance(serving.learn_bands(day + [row | change for row in later]).other_day, NotCalibrated)


def test_too_few_points_for_a_band_is_not_an_error():
    learned = serving.learn_bands(A)
    assert isinstance(learned.same_day, NotCalibrated) and isinstance(learned.other_day, NotCalibrated)
    assert math.isnan(curves_of(A, learned).at_speed(30)["a"].best.low)
    assert serving.learn_bands([]).same_day.num_found == 0


# --- curves for charts, and the table


def test_no_rows_answer_nothing():
    curves = curves_of([])
    assert curves.gpus == [] and curves.at_speed(20) == {} and curves.pairs("a", "b") == []
    assert curves.at_speed(20, ["a"])["a"].best is None
    assert curves.read([20]).best(lambda one: True).tolist() == [-1]


def test_how_a_value_is_known_is_said():
    rows = A + [row | {"gpu": "s", "evidence": "interpolated"} for row in A]
    readings = curves_of(rows).read([10, 20, 30])
    assert [readings.how(0, column) for column in range(3)] == ["not measured", "measured", "interpolated"]
    assert [readings.how(1, column) for column in range(3)] == [
        "not measured", "interpolated by InferenceX", "between values that InferenceX interpolated"
    ]  # fmt: skip
    assert readings.how(-1, 1) == "not measured"


def test_table_by_hand():
    rows = serving.table(
        curves_of(A), [ROOT, 100.0], ["a", "b"], usd_per_gpu_hour={"a": 1.08}, kw_per_gpu={"a": 2.0}, isl=1024,
        osl=1024, token_scope="output",
    )  # fmt: skip
    assert [(row["gpu"], row["how"]) for row in rows] == [
        ("a", "interpolated"), ("b", "not measured"), ("a", "not measured"), ("b", "not measured")
    ]  # fmt: skip
    # 300 total = 150 output tok/s; 1.08 * 1e6 / (3600 * 150) = 2 USD; 1000 * 150 / 2 = 75,000 per MW;
    # 1,000 users at 28.28 tok/s take 28,284 output tok/s = 188.6 GPUs
    figures = [rows[0][name] for name in ("tput", "usd_per_mtok", "tok_per_s_per_mw", "num_gpu_per_1000_users")]
    assert figures == pytest.approx([150, 2, 75_000, 1000 * ROOT / 150])
    assert rows[2]["tput"] is None and rows[2]["usd_per_mtok"] is None
    assert rows[2]["nearest"].speed == 40.0 and rows[1]["nearest"] is None
    first, of_b = rows[:2]
    assert (first["speed"], first["configuration"].gpu, first["why_not"], first["is_wide"]) == (ROOT, "a", "", False)
    assert first["at_least"] is first["answer"].at_least and first["usd_per_mtok_at_least"] == pytest.approx(2)
    assert (of_b["configuration"], of_b["at_least"], of_b["usd_per_mtok_at_least"]) == (None, None, None)
    assert of_b["why_not"] == of_b["answer"].why_not and of_b["why_not"].startswith("B is not measured")
    wide = curves_of([point("a", 20.0, 600.0), point("a", 40.0, 110.0)])
    (row,) = serving.table(wide, [ROOT], ["a"], usd_per_gpu_hour={"a": 0.396}, kw_per_gpu={}, isl=1024, osl=1024)
    assert row["is_wide"] and row["at_least"].speed == 40.0, "a wide reading is not sure to be the cheaper one"
    assert row["usd_per_mtok_at_least"] == pytest.approx(1.0)


def test_the_dear_end_of_the_cost_is_the_low_end_of_the_throughput():
    (row,) = serving.table(
        curves_of(A, same_band(math.log(2))),
        [20.0],
        ["a"],
        usd_per_gpu_hour={"a": 1.44},
        kw_per_gpu={},
        isl=1024,
        osl=1024,
    )
    # 400 half or double: 200 to 800; 1.44e6 / 3600 = 400 over that
    assert [row["tput_low"], row["tput_high"]] == pytest.approx([200, 800])
    assert [row["usd_per_mtok_low"], row["usd_per_mtok_high"]] == pytest.approx([0.5, 2])


@given(st.floats(20, 40), st.floats(0.01, 100))
def test_cost_times_throughput_is_the_price(speed, price):
    reading = curves_of(A).at_speed(speed)["a"].best
    row = serving.figures(reading, isl=1024, osl=1024, usd_per_gpu_hour=price)
    assert row["usd_per_mtok"] * row["tput"] * 0.0036 == pytest.approx(price, rel=1e-12)
    assert row["tok_per_s_per_mw"] is None


@given(st.lists(st.floats(1, 300), min_size=1, max_size=8))
def test_no_figure_outside_what_is_measured(speeds):
    answers = curves_of(A + B).along(speeds)
    for gpu, (low, high) in {"a": (20, 40), "b": (20, 80)}.items():
        for answer, speed in zip(answers[gpu], speeds, strict=True):
            if min(abs(math.log(speed / low)), abs(math.log(speed / high))) > math.log(serving.SAME_SPEED):
                assert (answer.best is not None) == (low <= speed <= high) == (answer.why_not == "")
                assert (answer.at_least is not None) == (speed <= high)


def test_an_unknown_workload_names_what_there_is():
    with pytest.raises(NotMeasuredError, match="no point of m at 8192/1024 tokens; lengths with points: 1024/1024"):
        Curves.of(A, model="m", isl=8192, osl=1024)
    with pytest.raises(NotMeasuredError, match="no point of n at 1/1 tokens; lengths with points: none"):
        Curves.of(A, model="n", isl=1, osl=1)
    with pytest.raises(NotMeasuredError, match=r"lengths with points: 512/9, 1024/1024$"):
        Curves.of([*A, A[0] | {"isl": 512, "osl": 9}], model="m", isl=1, osl=1)


# --- parity with what InferenceX printed; the GLM-5 table is in test_pareto.py


PRICE = {"h200": 1.41, "b200": 1.95, "gb200": 2.21, "gb300": 2.652}
PAGES = {
    "kimi": "b200-nvfp4-vs-h200-int4-kimi-k2-vllm-perf-per-dollar",
    "r1": "gb200-nvl72-vs-b200-disagg-deepseek-r1-fp4-dynamo-trt",
    "v4": "gb300-nvl72-vs-gb200-nvl72-dsv4-pro-vllm-fp4",
}


def rows_of(file):
    with file.open() as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def measured(shared):
    return rows_of(shared / "inferencex-published-tables" / "published_points.csv")


@pytest.fixture(scope="module")
def printed(project):
    """What the pages print at equal speed, as it ships in data/."""
    return [row for row in rows_of(project / "data" / "operating_points.csv") if row["evidence"] == "interpolated"]


def curve(measured, page, gpu, precision):
    rows = [
        row for row in measured if row["post"] == PAGES[page] and row["hw"] == gpu and row["precision"] == precision
    ]
    return pareto.pareto_front(
        np.zeros(len(rows), int), [float(r["interactivity"]) for r in rows], [float(r["tput_per_gpu"]) for r in rows]
    )


def by_both_methods(knots, gpu, speed):
    """Throughput, cost splined (until 2026-08-12), and cost from the splined throughput (since)."""
    costs = cost.usd_per_mtok(usd_per_gpu_hour=PRICE[gpu], tok_per_s_per_gpu=knots.y)
    (tput,), (old,) = (
        pareto.interpolate(replace(knots, y=y), [speed], method="published").value[0] for y in (knots.y, costs)
    )
    return tput, old, cost.usd_per_mtok(usd_per_gpu_hour=PRICE[gpu], tok_per_s_per_gpu=tput)


@pytest.mark.parametrize(("page", "num"), [("r1", 18), ("v4", 14)])
def test_throughput_printed_at_equal_speed(measured, printed, page, num):
    rows = [row for row in printed if PAGES[page] in row["source_url"]]
    assert len(rows) == num
    for row in rows:
        speed, value = float(row[SPEED]), float(row[TPUT])
        if (page, speed) == ("v4", 27):
            speed = 27.25  # the page's row "27" is the middle of its scale
        tput, _, _ = by_both_methods(curve(measured, page, row["gpu"], row["precision"]), row["gpu"], speed)
        # the points themselves are printed to a tenth, the page computed from what it had
        assert tput == pytest.approx(value, abs=0.51, rel=5e-4), row["point_id"]


def test_costs_printed_on_a_sparse_frontier_are_splined_costs(measured, printed):
    """DeepSeek-V4-Pro at 50 tok/s/user: the older method prints five times the newer one's cost."""
    rows = {row["gpu"]: row for row in printed if PAGES["v4"] in row["source_url"] and float(row[SPEED]) == 50}
    found = {gpu: by_both_methods(curve(measured, "v4", gpu, "fp4"), gpu, 50) for gpu in rows}
    assert {gpu: round(old, 2) for gpu, (_, old, _) in found.items()} == {"gb200": 4.78, "gb300": 1.58}
    assert {gpu: float(row["usd_per_mtok_total"]) for gpu, row in rows.items()} == {"gb200": 4.78, "gb300": 1.58}
    assert {gpu: round(new, 3) for gpu, (_, _, new) in found.items()} == {"gb200": 0.946, "gb300": 0.783}


def test_costs_printed_with_the_throughput_are_from_the_throughput(measured, printed):
    rows = [row for row in printed if PAGES["r1"] in row["source_url"]]
    off = {"old": 0, "new": 0}
    for row in rows:
        value = float(row["usd_per_mtok_total"])
        _, old, new = by_both_methods(
            curve(measured, "r1", row["gpu"], row["precision"]), row["gpu"], float(row[SPEED])
        )
        off["new"] += abs(new / value - 1) > 2e-3
        off["old"] += abs(old / value - 1) > 2e-3
    assert off["new"] == 0 and off["old"] > len(rows) / 2


def test_kimi_table_of_may_2026(measured, printed):
    rows = [row for row in printed if PAGES["kimi"] in row["source_url"] and float(row[SPEED]) > 33]
    assert len(rows) == 9
    for row in rows:
        _, old, _ = by_both_methods(
            curve(measured, "kimi", row["gpu"], row["precision"]), row["gpu"], float(row[SPEED])
        )
        assert round(old, 3) == float(row["usd_per_mtok_total"]), row["point_id"]


def test_run_to_run_noise_is_what_repeated_public_runs_show(shared):
    def key(row):
        names = ("hw", "infmax_model_prefix", "framework", "precision", "spec_decoding", "disagg", "isl", "osl", "tp")
        names += ("ep", "dp_attention", "prefill_tp", "prefill_ep", "prefill_dp_attention", "prefill_num_workers")
        names += ("decode_tp", "decode_ep", "decode_dp_attention", "decode_num_workers", "conc", "image")
        return tuple(str(row.get(name)) for name in names)

    files = sorted((shared / "inferencemax-runs").glob("run_*/agg_bmk.json"))
    rows = [row for file in files for row in json.loads(file.read_text())]
    recipes = np.unique([str(key(row)) for row in rows], return_inverse=True)[1]
    noise = bands.repeat_log(recipes, [row["tput_per_gpu"] for row in rows], coverage_frac=0.9)
    assert round(noise, 2) == RUN_TO_RUN_LOG


# --- what pages read


def test_the_throughput_at_a_speed_is_that_of_the_best_configuration_or_none():
    curves = curves_of([*A, *B, point("a", 20.0, 100.0, precision="fp4")])
    assert curves.tput(20.0, "a") == 400.0
    assert curves.tput(19.0, "a") is None and curves.tput(20.0, "c") is None


def test_ends_of_a_reading_are_its_band_and_without_one_the_reading():
    read = curves_of([*A, *B], same_band(math.log(2))).ends_at(20.0, ["a", "b", "c"])
    assert read == {"a": pytest.approx({"_low": 200.0, "": 400.0, "_high": 800.0}),
                    "b": pytest.approx({"_low": 45.0, "": 90.0, "_high": 180.0})}  # fmt: skip
    assert list(curves_of(A + B).ends_at(20.0, ["b"])) == ["b"]
    assert curves_of(A).ends_at(20.0, ["a"]) == {"a": {"_low": 400.0, "": 400.0, "_high": 400.0}}


def test_curves_of_each_pair_of_lengths():
    rows = [*A, point("a", 20.0, 50.0, isl=8192), point("a", 20.0, 9.0, model="other", isl=512),
            point("a", 20.0, 9.0, isl=None)]  # fmt: skip
    found = serving.by_lengths(rows, model="m", also=(128, 64))
    assert list(found) == [(128, 64), (1024, 1024), (8192, 1024)]
    assert found[8192, 1024].tput(20.0, "a") == 50.0 and found[1024, 1024].tput(20.0, "a") == 400.0
    assert found[128, 64].tput(20.0, "a") is None


def test_lines_and_dots_of_a_chart_are_the_best_configuration_and_its_points():
    worse = [point("a", 20.0, 300.0, precision="fp4"), point("a", 40.0, 150.0, precision="fp4")]
    doubtful = [point("b", 20.0, 10.0, evidence="interpolated")]
    read = curves_of([*A, *worse, *doubtful], same_band(math.log(2))).read([10.0, 20.0, ROOT, 40.0])
    lines = read.lines()
    of_a = [line for line in lines if line["gpu"] == "a"]
    assert [line["speed"] for line in of_a] == pytest.approx([20.0, ROOT, 40.0])
    assert [line["value"] for line in of_a] == pytest.approx([400.0, of_a[1]["value"], 200.0])
    assert [line["how"] for line in of_a] == ["measured", "interpolated", "measured"]
    assert {line["piece"] for line in of_a} == {"a 0"}
    assert (of_a[0]["low"], of_a[0]["high"]) == pytest.approx((200.0, 800.0))
    assert [line["how"] for line in lines if line["gpu"] == "b"] == ["interpolated by InferenceX"]
    dots = read.dots(lines)
    assert [(d["gpu"], d["speed"], d["value"], d["known"]) for d in dots] == [
        ("a", 20.0, 400.0, "measured"), ("a", 40.0, 200.0, "measured"),
        ("b", 20.0, 10.0, "interpolated by InferenceX"),
    ]  # fmt: skip
    assert {d["by"].precision for d in dots} == {"fp8"} and read.dots([]) == []
    assert read.how(-1, 0) == "not measured" and read.how(0, 0) == "not measured"
