"""Throughput from latencies: the join, the bias, the band, and what real runs say of them."""

import csv
from datetime import date

import pytest

from tokenfactory.errors import DataError
from tokenfactory.measurements import derive
from tokenfactory.measurements.derive import SPEED, TPUT
from tokenfactory.warehouse.schema import read_all

SILICON = {
    "silicon_data_source": "source_file=a.csv; silicon_concurrency=100; measured=2026-02-03T00:00:00.000Z",
    "backend": "trtllm", "model_path": "deepseek-ai/DeepSeek-R1", "system": "h200_sxm", "precision": "fp8",
    "mode": "disagg", "isl": 1000, "osl": 1000, "prefill_num_workers": "", "prefill_tp_size": 4, "prefill_pp_size": 1,
    "prefill_attention_dp_size": 1, "decode_num_workers": "", "decode_tp_size": 8, "decode_pp_size": 1,
    "decode_attention_dp_size": 1, "silicon_ttft_ms": 1000, "silicon_tpot_ms": 10,
}  # fmt: skip
RECIPE = {
    "model_prefix": "dsr1", "runner": "h200-dgxc", "precision": "fp8", "framework": "dynamo-trt", "disagg": "true",
    "isl": 1000, "osl": 1000, "conc": 100, "spec_decoding": "none", "prefill_workers": 1, "prefill_tp": 4,
    "decode_workers": 1, "decode_tp": 8, "num_prefill_gpu": 4, "num_decode_gpu": 8,
}  # fmt: skip


@pytest.fixture
def joined(tmp_path):
    def join(silicon, recipes):
        for name, good, changes in (("s", SILICON, silicon), ("r", RECIPE, recipes)):
            with (tmp_path / f"{name}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, good)
                writer.writeheader()
                writer.writerows(good | change for change in changes)
        return derive._joined(tmp_path / "s.csv", tmp_path / "r.csv")

    return join


def test_one_reading_and_one_recipe_make_a_point(joined):
    (row,) = joined([{}, {}], [{}, {"conc": 50, "num_decode_gpu": 16}])  # an export repeats the reading
    assert (row["gpu"], row["spec_decoding"], row["num_prefill_gpu"], row["num_decode_gpu"]) == ("h200", "none", 4, 8)
    assert (row["date"], row["conc"], row["ttft_s"], row["obstacle"]) == (date(2026, 2, 3), 100, 1.0, None)
    # 100 x 0.9 x 2,000 / (1 + 0.01 x 900) / 12 = 1,500
    assert derive._with_throughput(row)[TPUT] == pytest.approx(1500)
    assert derive._with_throughput(row)[SPEED] == pytest.approx(100)


def test_of_two_readings_and_two_recipes_the_faster_is_the_one_with_mtp(joined):
    fast = {"silicon_tpot_ms": 5}
    rows = joined([{}, fast], [{}, {"spec_decoding": "mtp", "prefill_workers": 2, "num_prefill_gpu": 8}])
    assert [(r["tpot_s"], r["spec_decoding"], r["num_prefill_gpu"], r["obstacle"]) for r in rows] == [
        (0.005, "mtp", 8, None),
        (0.01, "none", 4, None),
    ]


@pytest.mark.parametrize(
    ("silicon", "recipes", "obstacle"),
    [
        ([{}], [{"conc": 50}], "no recipe"),
        ([{}], [{}, {"spec_decoding": "mtp"}], "several recipes or readings"),
        ([{}], [{}, {"prefill_workers": 2, "num_prefill_gpu": 8}], "several recipes or readings"),
        ([{}, {"silicon_tpot_ms": 5}], [{}], "several recipes or readings"),
        ([{}], [{"decode_tp": 4}], "no recipe"),
    ],
)
def test_what_does_not_fit_alone_is_left_out(joined, silicon, recipes, obstacle):
    assert {row["obstacle"] for row in joined(silicon, recipes)} == {obstacle}


def test_a_row_of_the_dump_has_no_mtp_and_knows_its_workers(joined):
    source = "db-dump; config_id=7; silicon_concurrency=100; measured=2026-02-03T00:00:00.000Z"
    dump = {"silicon_data_source": source, "prefill_num_workers": 2, "decode_num_workers": 1}
    others = [{}, {"spec_decoding": "mtp", "prefill_workers": 2, "num_prefill_gpu": 8}]
    (row,) = joined([dump], [*others, {"prefill_workers": 2, "num_prefill_gpu": 8}])
    assert (row["spec_decoding"], row["num_prefill_gpu"], row["obstacle"]) == ("none", 8, None)


def test_a_file_of_another_kind_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "s.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="cannot be joined"):
        derive._joined(tmp_path / "s.csv", tmp_path / "s.csv")


def test_bias_and_band_by_hand():
    pairs = [({"gpu": "x", TPUT: 110.0 + i, SPEED: 51.0}, {TPUT: 100.0, SPEED: 50.0}) for i in range(19)]
    (row,) = derive.calibrate(pairs)
    # Ratios 1.10 to 1.28, the middle one 1.19; the band is the nearest and farthest of 19: 1.19 / 1.28 and 1.19 / 1.10.
    assert (row["tput_bias"], row["speed_bias"], row["learned_from"]) == (1.19, 1.02, "own runs")
    assert (row["low"], row["high"]) == pytest.approx((1.19 / 1.28, 1.19 / 1.10))
    few = [({"gpu": "y", TPUT: 300.0, SPEED: 50.0}, {TPUT: 100.0, SPEED: 50.0})]
    of_y = derive.calibrate([*pairs, *few])[1]
    assert (of_y["tput_bias"], of_y["learned_from"]) == (3.0, "runs of all GPUs")
    with pytest.raises(DataError, match="holds 1 runs known both ways; a band needs 19"):
        derive.calibrate(few)


def test_derived_agrees_with_measured_by_gpu(shared, project):
    rows = read_all(project / "data")
    found = derive.derive(
        shared / "aiconfigurator-silicon" / "silicon_sample.csv",
        shared / "inferencex-recipes" / "recipes.csv",
        [row for row in rows["benchmarks"] if row["evidence"] == "measured"],
    )
    for row in found.calibration:
        assert abs(row["median_after"] - 1) < 0.02 and row["inside_frac"] >= 0.9, row["gpu"]
    assert len(found.calibration) == 6 and found.num_measured > 150
    shipped = {row["point_id"]: row for row in rows["benchmarks"] if row["evidence"] == "derived"}
    assert {point["point_id"] for point in found.points} == shipped.keys()
    for point in found.points:
        assert point[TPUT] == pytest.approx(shipped[point["point_id"]][TPUT], rel=1e-5)
    assert [row["gpu"] for row in rows["derived_calibration"]] == [row["gpu"] for row in found.calibration]
    # The curve of GB300 that the recipes' source gives as an example, before the bias of 1.04 is removed.
    curve = {p["conc"]: (p[SPEED], p[TPUT]) for p in found.points
             if (p["gpu"], p["precision"], p["spec_decoding"], p["isl_tok"]) == ("gb300", "fp4", "mtp", 1024)
             and p["osl_tok"] == 1024}  # fmt: skip
    for conc, (speed, tput) in {3226: (20.9, 18200), 1229: (121.9, 6330), 333: (164.6, 2410), 8: (300.3, 127)}.items():
        assert curve[conc] == pytest.approx((speed, tput / 1.04), rel=0.02)
