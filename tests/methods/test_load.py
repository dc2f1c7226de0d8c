"""Days of demand: use as a result, valleys that are filled, units that fail."""

import csv
import math

import numpy as np
import pytest

from tokenfactory.errors import ParameterError
from tokenfactory.methods import load
from tokenfactory.methods.load import Curve


@pytest.fixture(scope="module")
def deepseek(project_data):
    return project_data["deepseek-day-2025-02"]


@pytest.fixture(scope="module")
def project_data():
    from conftest import PROJECT

    curves = {}
    with (PROJECT / "data" / "load_curves.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            curves.setdefault(row["curve_id"], []).append((int(row["slot"]), float(row["demand"])))
    return {name: Curve([demand for _, demand in sorted(slots)]) for name, slots in curves.items()}


def test_the_published_day_has_its_peak_its_mean_and_so_its_use(deepseek):
    assert deepseek.peak == 278
    assert deepseek.mean == pytest.approx(226.75, rel=1e-6)
    assert deepseek.utilisation_frac == pytest.approx(226.75 / 278, rel=1e-6)
    assert len(deepseek.demand) == 24 and deepseek.demand.argmin() == 4  # in the off-peak hours of its tariff


def test_batch_that_fills_the_valley_brings_full_use(deepseek):
    alone = load.serve(deepseek, per_unit=1)
    filled = load.serve(deepseek, per_unit=1, batch=math.inf)
    assert alone.utilisation_frac == pytest.approx(0.81565, abs=5e-6)
    assert filled.utilisation_frac == pytest.approx(1)
    assert filled.batch == pytest.approx(278 - 226.75)
    some = load.serve(deepseek, per_unit=1, batch=20)
    assert some.utilisation_frac == pytest.approx((226.75 + 20) / 278)
    assert some.of_demand_frac == alone.utilisation_frac


def test_whole_units_and_spares_cost_use(deepseek):
    # 278 over 10 are 28 units, and one to spare: 226.75 / 290
    served = load.serve(deepseek, per_unit=10, num_spare_units=1)
    assert served.num_units == 29
    assert served.utilisation_frac == pytest.approx(226.75 / 290)


def test_use_hangs_on_mean_and_peak_alone():
    a, b = Curve([278, 226.75, 175.5]), Curve([278, 278, 124.25])
    assert a.utilisation_frac == pytest.approx(b.utilisation_frac)


def test_every_shipped_curve_is_whole(project_data):
    assert set(project_data) == {"azure-chat-2023", "azure-code-2023", "deepseek-day-2025-02", "mooncake-chat-2025"}
    assert 0.2 < project_data["azure-code-2023"].utilisation_frac < 0.3  # bursts: a fleet for the peak idles
    assert 0.7 < project_data["mooncake-chat-2025"].utilisation_frac < 0.85


def test_traces_were_summed_right(shared, project_data):
    import polars as pl

    trace = pl.read_csv(shared / "traces" / "azure-llm-2023" / "AzureLLMInferenceTrace_conv.csv")
    first = trace["TIMESTAMP"].min()
    assert first.startswith("2023-11-16 18:15:46")
    minute = trace.filter(pl.col("TIMESTAMP") < "2023-11-16 18:16:46.6805900")
    tokens = int(minute["ContextTokens"].sum() + minute["GeneratedTokens"].sum())
    assert project_data["azure-chat-2023"].demand[0] == pytest.approx(tokens / 60, rel=1e-5)


def test_power_goes_from_idle_to_busy():
    served = load.serve(Curve([100, 0]), per_unit=10, busy_kw=10, idle_kw=3)
    # Ten units: five busy on average, 50 kW, and five idle, 15 kW.
    assert served.kw == pytest.approx(65)
    assert served.kw_idle == pytest.approx(15)
    assert load.idle_power_frac(served) == pytest.approx(15 / 65)
    unknown = load.serve(Curve([100, 0]), per_unit=10)
    assert (unknown.kw, load.idle_power_frac(unknown)) == (0, 0)


def test_demand_fails_when_units_do():
    # One unit of availability 0.9 and one slot at its capacity: a tenth fails. A second unit fails with it once in ten.
    one = load.serve(Curve([10]), per_unit=10, unit_availability_frac=0.9)
    two = load.serve(Curve([10]), per_unit=10, num_spare_units=1, unit_availability_frac=0.9)
    assert (one.failed_frac, two.failed_frac) == pytest.approx((0.1, 0.01))
    assert load.serve(Curve([10]), per_unit=10).failed_frac == 0


def test_a_curve_keeps_its_shape_at_another_mean(deepseek):
    assert Curve([1.0], 24.0).to_mean(2.0).slot_hour == 24.0
    other = deepseek.to_mean(1e9)
    assert other.mean == pytest.approx(1e9)
    assert other.utilisation_frac == pytest.approx(deepseek.utilisation_frac)


@pytest.mark.parametrize(
    ("demand", "says"),
    [
        ([1, -2, 3], "demand: slot 1 of 3 has -2"),
        ([1, 2, np.nan], "demand: slot 2 of 3 is missing"),
        ([0, 0], "^demand: nothing is asked for in any slot$"),
        ([], "^demand: a load curve needs at least one slot of time$"),
        ([1, np.inf], "slot 1 of 2"),
    ],
)
def test_a_curve_that_cannot_be_is_refused(demand, says):
    with pytest.raises(ParameterError, match=says):
        Curve(demand)


def test_what_no_fleet_serves_is_refused(deepseek):
    for wrong, says in (
        ({"per_unit": 0}, "per_unit: a unit that serves 0 serves nobody"),
        ({"idle_kw": 2, "busy_kw": 1}, "idle_kw: 2 kW is not between 0 and the 1 kW of a busy unit"),
        ({"batch": -1}, "batch: -1 is below zero"),
        ({"unit_availability_frac": 0}, "unit_availability_frac: 0 is not a share above 0 and up to 1"),
        ({"unit_availability_frac": 1.5}, "unit_availability_frac: 1.5 is not a share above 0 and up to 1"),
        ({"num_spare_units": -1}, "num_spare_units: -1 spare units make no sense"),
    ):
        with pytest.raises(ParameterError) as caught:
            load.serve(deepseek, **{"per_unit": 1} | wrong)
        assert str(caught.value) == says


def test_curves_by_name_keep_the_order_and_the_hours_of_their_slots():
    found = load.by_name([("day", 2.0, 3.0), ("week", 24.0, 7.0), ("day", 2.0, 1.0)])
    assert list(found) == ["day", "week"]
    assert (list(found["day"].demand), found["day"].slot_hour) == ([3.0, 1.0], 2.0)
    assert (list(found["week"].demand), found["week"].slot_hour) == ([7.0], 24.0)


def test_power_of_a_unit_that_works_and_of_one_that_waits():
    # 72 GPUs of 2 kW at 80% of it; waiting, a quarter of all that is provisioned
    inputs = {"gpu_per_system": 72, "kw_per_gpu": 2.0, "load_frac": 0.8}
    assert load.kw_of_unit(inputs, idle_load_frac=0.25) == pytest.approx({"busy_kw": 115.2, "idle_kw": 36.0})


@pytest.mark.parametrize("hours", [0.0, -1.0, float("nan")])
def test_a_slot_has_a_length(hours):
    with pytest.raises(ParameterError, match=f"^slot_hour: a slot of {hours:g} hours has no length$"):
        Curve([1.0], hours)
