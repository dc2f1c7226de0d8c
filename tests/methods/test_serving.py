"""Ways of serving at equal speed: small cases by hand, then what InferenceX printed, with the method of its day."""

import csv
import json
import math
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenfactory.errors import NotMeasuredError
from tokenfactory.formulas import cost
from tokenfactory.methods import bands, pareto
from tokenfactory.methods.bands import BandModel, NotCalibrated
from tokenfactory.methods.pareto import Status
from tokenfactory.methods.serving import (
    BEST,
    NOT_STATED,
    RUN_TO_RUN_LOG,
    SPEED,
    TPUT,
    Band,
    Condition,
    compare,
    conditions,
    learn_band,
    ratio,
    read,
    table,
    way_of,
)

NO_BAND = Band(NotCalibrated("points", 2, 19), 1.0)


def point(gpu, speed, tput, **other):
    return {
        "model": "m", "isl": 1024, "osl": 1024, "gpu": gpu, "framework": "e", "precision": "fp8",
        "spec_decoding": "none", "is_disaggregated": False, "evidence": "measured", "as_of": date(2026, 5, 1),
        "source_url": "https://a", SPEED: speed, TPUT: tput,
    } | other  # fmt: skip


A = [point("a", 20.0, 400.0), point("a", 40.0, 200.0)]
B = [point("b", 10.0, 90.0), point("b", 50.0, 10.0)]


def test_points_of_two_days_formats_or_kinds_of_evidence_are_not_joined():
    other = dict(as_of=date(2026, 6, 1)), dict(precision="fp4"), dict(evidence="interpolated"), dict(framework=None)
    for change in other:
        readings = read([A[0], A[1] | change], [30], NO_BAND)
        assert len(readings.ways) == 2 and np.isnan(readings.value).all()
    assert len(read(A, [30], NO_BAND).ways) == 1


def test_another_page_makes_another_way_of_readings_only():
    elsewhere = dict(source_url="https://b")
    assert len(read([A[0], A[1] | elsewhere], [30], NO_BAND).ways) == 1
    readings = [row | {"evidence": "interpolated"} for row in A]
    assert len(read(readings, [30], NO_BAND).ways) == 1
    assert len(read([readings[0], readings[1] | elsewhere], [30], NO_BAND).ways) == 2


def test_how_a_value_is_known_is_said():
    rows = A + [row | {"gpu": "s", "evidence": "interpolated"} for row in A]
    readings = read(rows, [10, 20, 30], NO_BAND)
    assert [readings.how(0, column) for column in range(3)] == ["not measured", "measured", "interpolated"]
    assert [readings.how(1, column) for column in range(3)] == [
        "not measured", "read by the source", "between readings of the source"
    ]  # fmt: skip
    assert readings.how(-1, 1) == "not measured"


def test_bands():
    # below 0.1, above 0.2 per unit of distance; knots (20, 400) (40, 200) are hypot(ln 2, ln 2) = 0.980258 apart
    band = Band(BandModel(0.9, 0.05, 0.1, 0.2, 40, 9), usual_log=2.0)
    readings = read(A + [row | {"evidence": "interpolated"} for row in A], [20, 30], band)
    at_knot = [400 * math.exp(-0.05), 400 * math.exp(0.05)]
    between = [300 * math.exp(-math.hypot(0.05, 0.0980258)), 300 * math.exp(math.hypot(0.05, 0.1960516))]
    assert [readings.low[0, 0], readings.high[0, 0]] == pytest.approx(at_knot, rel=1e-6)
    assert [readings.low[0, 1], readings.high[0, 1]] == pytest.approx(between, rel=1e-6)
    # a reading of the source: as if between knots of the usual distance 2, at its readings and between them
    usual = [math.exp(-math.hypot(0.05, 0.2)), math.exp(math.hypot(0.05, 0.4))]
    assert [readings.low[1, 0] / 400, readings.high[1, 0] / 400] == pytest.approx(usual)
    assert [readings.low[1, 1] / 300, readings.high[1, 1] / 300] == pytest.approx(usual)


def test_a_band_is_learned_from_measured_points_of_all_workloads():
    rows = [point("a", 10 * 1.2**step, 1e3 / 1.2**step, model=model) for model in ("m", "n") for step in range(13)]
    band = learn_band(rows)
    # 13 knots a model, the 11 inner ones left out in turn
    assert (band.model.num_errors, band.model.num_series, band.model.repeat_log) == (22, 2, RUN_TO_RUN_LOG)
    assert learn_band(rows + [row | {"evidence": "interpolated", SPEED: row[SPEED] + 1} for row in rows]) == band
    # every step is ln 1.2 in speed and as much in throughput
    assert band.usual_log == pytest.approx(math.sqrt(2) * math.log(1.2))


def test_too_few_points_for_a_band_is_not_an_error():
    band = learn_band(A)
    assert isinstance(band.model, NotCalibrated)
    assert math.isnan(read(A, [30], band).low[0, 0])
    assert math.isnan(learn_band([]).usual_log)


def test_best_takes_the_most_throughput_at_each_speed():
    slow_but_many = [point("a", 20.0, 300.0, precision="fp4"), point("a", 60.0, 290.0, precision="fp4")]
    readings = read(A + slow_but_many, [10, 20, 40, 50], NO_BAND)
    assert readings.best(lambda way: way.gpu == "a").tolist() == [-1, 0, 1, 1]
    assert readings.best(lambda way: way.precision == "fp8").tolist() == [-1, 0, 0, -1]
    assert readings.best(lambda way: way.gpu == "b").tolist() == [-1] * 4
    assert read([], [20], NO_BAND).best(lambda way: True).tolist() == [-1]


def test_ratio_by_hand():
    band = Band(BandModel(0.9, 0.03, 0.0, 0.0, 40, 9), usual_log=1.0)
    readings = read(A + B, [5, 10, 30, 40], band)
    found = ratio(readings, "a", "b", Condition(BEST, {}))
    # at 30: a 300; b 90 - 80 * 20/40 = 50. At 40: 200 and 30. Below 20 a is not measured.
    assert found.value[2:].tolist() == pytest.approx([6, 200 / 30])
    assert np.isnan(found.value[:2]).all() and np.isnan(found.low[:2]).all()
    # both ends off by 0.03: sqrt(2) * 0.03
    assert found.low[2] == pytest.approx(6 * math.exp(-0.03 * math.sqrt(2)))
    assert found.high[2] == pytest.approx(6 * math.exp(0.03 * math.sqrt(2)))
    assert (found.subject.tolist(), found.baseline.tolist()) == ([-1, -1, 0, 0], [-1, 1, 1, 1])


def test_conditions_are_what_both_have_and_state():
    a = [point("a", 20.0, 1.0), point("a", 20.0, 1.0, precision="fp4", spec_decoding="mtp", as_of=date(2026, 6, 2))]
    b = [point("b", 20.0, 1.0, spec_decoding=NOT_STATED, is_disaggregated=None, as_of=date(2026, 5, 30))]
    b += [point("b", 20.0, 1.0, spec_decoding="mtp", as_of=None)]
    silent = dict(precision=NOT_STATED, spec_decoding=NOT_STATED, is_disaggregated=None, as_of=None)
    a, b = [*a, point("a", 20.0, 1.0, **silent)], [*b, point("b", 20.0, 1.0, **silent)]
    found = conditions([way_of(row) for row in a + b], "a", "b")
    assert {condition.label: condition.same for condition in found} == {
        BEST: {},
        "FP8 on both": {"precision": "fp8"},
        "MTP on both": {"spec_decoding": "mtp"},
        "aggregated on both": {"is_disaggregated": False},
        "measured in 2026-05 on both": {"month": "2026-05"},
    }
    together = conditions([way_of(row) for row in A + B], "a", "b")
    assert "FP8, no MTP, aggregated on both" in {condition.label for condition in together}


def test_a_condition_holds_for_both_sides():
    rows = [*A, *B, *(row | {"precision": "fp4", TPUT: 10 * row[TPUT]} for row in A)]
    readings = read(rows, [30], NO_BAND)
    by_label = {c.label: ratio(readings, "a", "b", c).value[0] for c in conditions(readings.ways, "a", "b")}
    assert by_label[BEST] == pytest.approx(60)
    assert by_label["FP8 on both"] == pytest.approx(6)


def test_table_by_hand():
    readings = read(A, [30.0, 100.0], NO_BAND)
    rows = table(
        readings, ["a", "b"], usd_per_gpu_hour={"a": 1.08}, kw_per_gpu={"a": 2.0}, isl=1024, osl=1024,
        token_scope="output",
    )  # fmt: skip
    assert [(row["gpu"], row["speed"], row["how"]) for row in rows] == [
        ("a", 30.0, "interpolated"), ("b", 30.0, "not measured"),
        ("a", 100.0, "not measured"), ("b", 100.0, "not measured"),
    ]  # fmt: skip
    # 300 total = 150 output tok/s; 1.08 * 1e6 / (3600 * 150) = 2 USD; 1000 * 150 / 2 = 75,000 per MW;
    # 1,000 users at 30 tok/s take 30,000 output tok/s = 200 GPUs
    first = rows[0]
    figures = [first[name] for name in ("tput", "usd_per_mtok", "tok_per_s_per_mw", "num_gpu_per_1000_users")]
    assert figures == pytest.approx([150, 2, 75_000, 200])
    assert rows[2]["tput"] is None and rows[2]["usd_per_mtok"] is None and rows[2]["status"] is None
    assert (rows[2]["nearest_speed"], rows[2]["nearest"]) == (40.0, readings.ways[0])
    assert rows[1]["nearest"] is None


def test_the_dear_end_of_the_cost_is_the_low_end_of_the_throughput():
    band = Band(BandModel(0.9, math.log(2), 0.0, 0.0, 40, 9), usual_log=1.0)
    (row,) = table(read(A, [20.0], band), ["a"], usd_per_gpu_hour={"a": 1.44}, kw_per_gpu={}, isl=1024, osl=1024)
    # 400 half or double: 200 to 800; 1.44e6 / 3600 = 400 over that
    assert [row["tput_low"], row["tput_high"]] == pytest.approx([200, 800])
    assert [row["usd_per_mtok_low"], row["usd_per_mtok_high"]] == pytest.approx([0.5, 2])


def test_without_a_price_there_is_throughput_and_no_cost():
    (row,) = table(read(A, [20.0], NO_BAND), ["a"], usd_per_gpu_hour={}, kw_per_gpu={}, isl=1024, osl=1024)
    assert (row["tput"], row["usd_per_mtok"], row["tok_per_s_per_mw"]) == (400.0, None, None)


@given(st.floats(20, 40), st.floats(0.01, 100))
def test_cost_times_throughput_is_the_price(speed, price):
    (row,) = table(read(A, [speed], NO_BAND), ["a"], usd_per_gpu_hour={"a": price}, kw_per_gpu={}, isl=1024, osl=1024)
    assert row["usd_per_mtok"] * row["tput"] * 0.0036 == pytest.approx(price, rel=1e-12)


@given(st.lists(st.floats(1, 300), min_size=1, max_size=8))
def test_no_figure_without_a_status_that_has_a_value(speeds):
    rows = compare(
        A + B, model="m", isl=1024, osl=1024, speeds=speeds, usd_per_gpu_hour={"a": 1, "b": 2}, kw_per_gpu={"a": 1}
    )
    assert len(rows) == 2 * len(speeds)
    for row in rows:
        low, high = {"a": (20, 40), "b": (10, 50)}[row["gpu"]]
        assert (row["tput"] is not None) == (row["usd_per_mtok"] is not None) == (low <= row["speed"] <= high)
        assert (row["tput"] is not None) == (row["status"] is not None and Status(row["status"]).has_value)


def test_an_unknown_workload_names_what_there_is():
    asked = dict(speeds=[30], usd_per_gpu_hour={}, kw_per_gpu={})
    with pytest.raises(NotMeasuredError, match="no point of m at 8192/1024 tokens; lengths with points: 1024/1024"):
        compare(A, model="m", isl=8192, osl=1024, **asked)
    with pytest.raises(NotMeasuredError, match="no point of n at 1/1 tokens; lengths with points: none"):
        compare(A, model="n", isl=1, osl=1, **asked)


# --- parity with what InferenceX printed; the GLM-5 table is in test_frontier.py


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
    return pareto.find(
        np.zeros(len(rows), int), [float(r["interactivity"]) for r in rows], [float(r["tput_per_gpu"]) for r in rows]
    )


def by_both_methods(knots, gpu, speed):
    """Throughput, cost splined (until 2026-08-12), and cost from the splined throughput (since)."""
    costs = cost.usd_per_mtok(usd_per_gpu_hour=PRICE[gpu], tok_per_s_per_gpu=knots.y)
    (tput,), (old,) = (
        pareto.values_at(pareto.Frontiers(knots.start, knots.x, y, knots.point, knots.direction), [speed]).value[0]
        for y in (knots.y, costs)
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
