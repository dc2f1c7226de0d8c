"""What ships in data/ keeps its promises: against its schema, against itself, and against what was collected."""

import csv
import math
import re
from collections import Counter, defaultdict
from datetime import date

import numpy as np
import pytest

from tokenfactory import codebook, warehouse
from tokenfactory.formulas import finance
from tokenfactory.measurements import adapters, ingest, traces
from tokenfactory.methods import cache
from tokenfactory.warehouse import measured
from tokenfactory.warehouse.rules import LIFETIME_UNITS, TCO_UNITS
from tokenfactory.warehouse.schema import TABLES, columns, read_all

TCO = "InferenceX TCO"
ARTICLE_DAY = date(2026, 4, 15)  # NVIDIA's table was published


@pytest.fixture(scope="module")
def data(project):
    return read_all(project / "data")


@pytest.fixture(scope="module")
def printed_points(project):
    """The points with their cells as text: the number of decimals is information."""
    with (project / "data" / "operating_points.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def on(rows, day, **series):
    """The rows of a book in force on a day."""
    return [
        row
        for row in rows
        if row["effective_from"] is not None
        and row["effective_from"] <= day
        and (row["effective_to"] is None or day < row["effective_to"])
        and all(row[column] == value for column, value in series.items())
    ]


def left_out(file):
    """The rows of a file that were collected and do not ship, as the codebook names them."""
    lines = codebook.PAGE.read_text(encoding="utf-8").splitlines()
    return [line.split(" | ")[1].strip("`") for line in lines if line.startswith(f"| `{file}` | ")]


# --- every file --------------------------------------------------------------------------------------------------


def test_no_file_is_empty(data):
    assert {name: len(rows) > 0 for name, rows in data.items()} == dict.fromkeys(TABLES, True)


def test_files_are_in_the_order_and_form_of_the_schema(project):
    for table in TABLES.values():
        for path in table.files(project / "data"):
            raw = path.read_bytes()
            assert b"\r" not in raw
            assert raw.endswith(b"\n")
            header = next(line for line in raw.decode().split("\n") if not line.startswith("#")).split(",")
            assert header == [column for column in columns(table) if not table.may_lack_columns or column in header]


def test_points_prices_and_power_are_sorted(data):
    points = [row["point_id"] for row in data["operating_points"]]
    assert points == sorted(points)
    for name in ("price_book", "power_book"):
        keys = [(row["gpu"], row["basis"], row[TABLES[name].key[0]]) for row in data[name]]
        assert keys == sorted(keys)


def test_the_codebook_is_that_of_the_schema(project):
    assert (project / "data" / "README.md").read_text(encoding="utf-8") == codebook.render()


def test_the_codebook_names_every_column_of_a_snapshot_and_every_format(project):
    text = (project / "data" / "README.md").read_text(encoding="utf-8")
    for name, table in measured.TABLES.items():
        section = text.split(f"### {name}\n")[1].split("\n#")[0]
        assert [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")] == [
            column.name for column in table.columns
        ]
    for name in (*adapters.MODULES, *measured.FIELDS, *measured.FACTS, *measured.REPAIRS):
        assert f"`{name}`" in text


def test_the_plain_csv_of_the_codebook_loads(project, tmp_path):
    text = (project / "data" / "README.md").read_text(encoding="utf-8")
    (tmp_path / "mine.csv").write_text(text.split("```csv\n")[1].split("```")[0])
    report = ingest.ingest([tmp_path / "mine.csv"], tmp_path / "snapshots")
    assert [(f.adapter, f.num_points, f.num_excluded) for f in report.files] == [("plain_csv", 1, 0)]


def test_every_gpu_is_known_and_has_one_maker(data):
    known = {row["gpu"] for row in data["gpus"]}
    used = {row["gpu"] for name in ("operating_points", "price_book", "power_book") for row in data[name]}
    assert used <= known
    of = {row["gpu"]: (row["vendor"], row["generation"]) for row in data["gpus"]}
    assert all(of[row["gpu"]] == (row["vendor"], row["generation"]) for row in data["hardware"])


def test_runs_with_wrong_answers_are_marked():
    marked = warehouse.connect().query(
        """SELECT gpu, precision, spec_decoding, run_id, count(*) AS n FROM measured_points WHERE is_known_wrong
           GROUP BY ALL ORDER BY run_id"""
    )
    assert marked.rows() == [
        ("gb300", "fp8", "mtp", "21726915223", 1),
        ("gb300", "fp8", "mtp", "21785935852", 6),
        ("mi355x", "fp4", "mtp", "23052579053", 3),
        ("mi355x", "fp4", "mtp", "25471873049", 3),
        ("mi355x", "fp4", "mtp", "26714221123", 4),
    ]


def test_no_text_names_a_machine_or_a_place_of_work(project):
    for file in sorted((project / "data").glob("*.*")):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"/work/|/tmp/|/home/|research/peers|not in store", text), file.name


# --- what was collected ------------------------------------------------------------------------------------------


def collected(shared, name):
    with (shared / "published" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_collected_point_ships_or_is_named_with_a_reason(shared, data):
    ids = {row["point_id"] for row in collected(shared, "operating_points")}
    shipped = {row["point_id"] for row in data["operating_points"]}
    missing = set(left_out("operating_points.csv"))
    assert shipped | missing == ids
    assert not shipped & missing


def test_collected_figures_were_not_changed(shared, data):
    shipped = {row["point_id"]: row for row in data["operating_points"]}
    for row in collected(shared, "operating_points"):
        if row["point_id"] not in shipped:
            continue
        ours = shipped[row["point_id"]]
        for theirs, columns_of_ours in {
            "tput_per_gpu_tok_per_s": ("total_tok_per_s_per_gpu",),
            "output_tput_per_gpu_tok_per_s": ("output_tok_per_s_per_gpu", "output_tok_per_s_per_decode_gpu"),
            "ttft_s": ("ttft_s",),
            "tpot_s": ("tpot_s",),
            "usd_per_mtok_total": ("usd_per_mtok_total",),
            "tok_per_s_per_mw": ("total_tok_per_s_per_mw",),
        }.items():
            values = [ours[column] for column in columns_of_ours if ours[column] is not None]
            assert values == ([float(row[theirs])] if row[theirs] else []), (row["point_id"], theirs)


def test_every_collected_claim_ships(shared, data):
    later = {row["claim_id"] for row in data["claims"] if row["accessed"] > date(2026, 11, 24)}
    assert {r["claim_id"] for r in data["claims"]} - later == {r["claim_id"] for r in collected(shared, "claims")}


@pytest.mark.parametrize("name", ["api_prices", "hardware"])
def test_every_other_collected_row_ships_or_is_named_with_a_reason(shared, data, name):
    first = [row for row in data[name] if row["accessed"] <= date(2026, 11, 24)]
    assert len(first) + len(left_out(f"{name}.csv")) == len(collected(shared, name))


def test_every_collected_constant_is_in_the_price_book(shared, data):
    shipped = {(row["gpu"], row["basis"], row["usd_per_gpu_hour"]) for row in data["price_book"]}
    constants = [
        (row["gpu"], row["basis"], float(row["usd_per_gpu_hour"]))
        for row in collected(shared, "price_book")
        if row["basis"] in ("owning_hyperscaler", "owning_neocloud", "rental_3yr")
    ]
    assert len(constants) == 78
    assert set(constants) <= shipped


def test_the_series_agree_with_the_constants_read_at_three_commits(shared, data):
    with (shared / "gpu-prices" / "inferencex_tco_constants.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            day = date.fromisoformat(row["valid_from"])
            for basis, column in {
                "owning_hyperscaler": "usd_per_gpu_h_hyperscaler",
                "owning_neocloud": "usd_per_gpu_h_neocloud",
                "rental_3yr": "usd_per_gpu_h_retail",
            }.items():
                (price,) = on(data["price_book"], day, gpu=row["gpu"], basis=basis, provider=TCO)
                assert price["usd_per_gpu_hour"] == float(row[column])
            for basis, kw in {
                "allin_utility_provisioned": float(row["all_in_kw_per_gpu"]),
                "board_tdp": float(row["tdp_w"]) / 1000,
            }.items():
                (power,) = on(data["power_book"], day, gpu=row["gpu"], basis=basis, provider=TCO)
                assert power["kw_per_gpu"] == kw


# --- prices and power --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gpu", "basis", "day", "usd"),
    [
        ("gb300", "owning_hyperscaler", "2026-04-15", 2.652),
        ("gb300", "owning_hyperscaler", "2026-07-30", 2.652),
        ("gb300", "owning_hyperscaler", "2026-07-31", 2.31),
        ("gb300", "owning_hyperscaler", "2026-09-01", 2.31),
        ("gb300", "rental_3yr", "2026-09-07", 3.3),
        ("gb300", "rental_3yr", "2026-09-08", 5),
        ("h200", "owning_hyperscaler", "2026-04-15", 1.41),
        ("h200", "owning_hyperscaler", "2026-09-01", 1.22),
        ("h200", "owning_neocloud", "2026-09-01", 1.59),
        ("h200", "rental_3yr", "2026-11-01", 2.9),
        ("mi355x", "owning_hyperscaler", "2026-04-15", 1.48),
        ("mi300x", "rental_3yr", "2026-11-01", 1.3),
        ("rtx6000pro", "owning_hyperscaler", "2026-07-30", 0.677),
        ("vr200", "rental_3yr", "2026-09-11", 8.5),
        ("jalapeno", "owning_hyperscaler", "2026-09-10", 1.27),
        ("tpuv7", "owning_hyperscaler", "2026-10-01", 1.03),
    ],
)
def test_price_on_a_day(data, gpu, basis, day, usd):
    (row,) = on(data["price_book"], date.fromisoformat(day), gpu=gpu, basis=basis, provider=TCO)
    assert row["usd_per_gpu_hour"] == usd


@pytest.mark.parametrize(
    ("gpu", "basis", "day"),
    [
        ("gb300", "owning_hyperscaler", "2026-03-17"),  # before the first public version
        ("h200", "owning_neocloud", "2026-09-07"),  # the tier was dropped
        ("rtx6000pro", "owning_hyperscaler", "2026-07-26"),  # a placeholder, not a price
    ],
)
def test_no_price_on_a_day(data, gpu, basis, day):
    assert on(data["price_book"], date.fromisoformat(day), gpu=gpu, basis=basis, provider=TCO) == []


@pytest.mark.parametrize(
    ("gpu", "day", "kw"),
    [
        ("h200", "2026-07-13", 1.73),
        ("h200", "2026-07-14", 1.37),
        ("gb300", "2026-04-15", 2.10),
        ("gb300", "2026-09-01", 2.12),
        ("gb200", "2026-09-01", 1.87),
        ("mi325x", "2026-04-15", 2.18),
        ("vr200", "2026-09-01", 3.3),
    ],
)
def test_power_on_a_day(data, gpu, day, kw):
    (row,) = on(data["power_book"], date.fromisoformat(day), gpu=gpu, basis="allin_utility_provisioned", provider=TCO)
    assert row["kw_per_gpu"] == kw


def test_what_its_owner_calls_temporary_is_an_estimate(data):
    # B300 and GB300 were 1.2 times B200 and GB200 until July 2026, in all three tiers.
    rows = {(r["gpu"], r["basis"]): r for r in on(data["price_book"], ARTICLE_DAY, provider=TCO)}
    assert {gpu for (gpu, _), row in rows.items() if row["status"] == "estimate"} == {"b300", "gb300"}
    for (gpu, basis), row in rows.items():
        if row["status"] == "estimate":
            base = rows[gpu.replace("300", "200"), basis]["usd_per_gpu_hour"]
            assert row["usd_per_gpu_hour"] == pytest.approx(1.2 * base, rel=1e-12)


def test_a_quote_answers_no_question_about_a_day(data):
    for row in data["price_book"]:
        assert (row["effective_from"] is not None) == row["provider"].startswith(TCO)


# --- operating points --------------------------------------------------------------------------------------------


def test_a_point_says_something(data):
    figures = [
        "interactivity_tok_per_s_per_user",
        "total_tok_per_s_per_gpu",
        "output_tok_per_s_per_gpu",
        "output_tok_per_s_per_decode_gpu",
        "usd_per_mtok_total",
        "usd_per_mtok_output",
        "total_tok_per_s_per_mw",
    ]
    for row in data["operating_points"]:
        assert any(row[figure] is not None for figure in figures), row["point_id"]


def test_printed_cost_and_throughput_agree_where_the_row_says_so(data, printed_points):
    # usd/Mtok = usd/h / (tok/s * 3600 s/h) * 1e6; both figures stand for an interval of half a unit of the last
    # digit either way. A trailing zero is lost in a file, so a page has the most decimals that any of its rows has.
    def decimals(row, column):
        return len(row[column].partition(".")[2])

    most = defaultdict(int)
    columns_checked = ("usd_per_mtok_total", "total_tok_per_s_per_gpu")
    for row in printed_points:
        for column in columns_checked:
            page = (row["source_url"], row["evidence"], column)
            most[page] = max(most[page], decimals(row, column))

    counts = Counter()
    for row in printed_points:
        if not all(row[column] for column in columns_checked):
            assert row["is_cost_consistent"] == ""
            continue
        series = {"gpu": row["gpu"], "basis": "owning_hyperscaler", "provider": TCO}
        (price,) = on(data["price_book"], ARTICLE_DAY, **series)
        (usd, usd_half), (tput, tput_half) = (
            (float(row[column]), 0.5 * 10 ** -most[row["source_url"], row["evidence"], column])
            for column in columns_checked
        )
        cheapest, dearest = (
            price["usd_per_gpu_hour"] / ((tput + side) * 3600) * 1e6 for side in (tput_half, -tput_half)
        )
        agrees = 0.98 * cheapest <= usd + usd_half and usd - usd_half <= 1.02 * dearest
        assert row["is_cost_consistent"] == str(agrees).lower(), row["point_id"]
        assert agrees or "times what the printed throughput implies" in row["note"]
        counts[agrees] += 1
    assert counts == {True: 291, False: 31}


def test_speed_is_the_reciprocal_of_tpot(data):
    for row in data["operating_points"]:
        if row["tpot_s"] is None:
            assert row["interactivity_basis"] in (None, "printed")
            continue
        product = row["tpot_s"] * row["interactivity_tok_per_s_per_user"]
        if row["interactivity_basis"] == "reciprocal_tpot":
            assert product == pytest.approx(1, rel=1e-5)
        else:
            apart = abs(product - 1)
            assert apart < 0.02 or "printed TPOT and printed speed are 2% apart" in row["note"], row["point_id"]


def test_throughput_per_megawatt_is_that_of_the_provisioned_power(data):
    num_checked = 0
    for row in data["operating_points"]:
        if row["total_tok_per_s_per_mw"] is None or row["total_tok_per_s_per_gpu"] is None:
            continue
        series = {"gpu": row["gpu"], "basis": "allin_utility_provisioned", "provider": TCO}
        (power,) = on(data["power_book"], ARTICLE_DAY, **series)
        # tok/s/MW = tok/s/GPU / (kW/GPU) * 1000 kW/MW
        per_mw = row["total_tok_per_s_per_gpu"] / power["kw_per_gpu"] * 1000
        assert row["total_tok_per_s_per_mw"] == pytest.approx(per_mw, rel=0.01), row["point_id"]
        num_checked += 1
    assert num_checked == 69


def test_output_share_follows_the_lengths(data):
    # Over all GPUs output / total = osl / (isl + osl). A decode GPU's output counts for its share of the GPUs.
    num_checked = 0
    for row in data["operating_points"]:
        total, per_decode_gpu = row["total_tok_per_s_per_gpu"], row["output_tok_per_s_per_decode_gpu"]
        output = row["output_tok_per_s_per_gpu"]
        if per_decode_gpu and row["num_decode_gpu"]:
            output = per_decode_gpu * row["num_decode_gpu"] / (row["num_prefill_gpu"] + row["num_decode_gpu"])
        if row["workload"] != "fixed_length" or not (total and output and row["isl"] and row["osl"]):
            continue
        assert output / total == pytest.approx(row["osl"] / (row["isl"] + row["osl"]), rel=0.06), row["point_id"]
        num_checked += 1
    assert num_checked > 100


def test_pools_are_given_only_where_prefill_and_decode_are_split(data):
    for row in data["operating_points"]:
        assert (row["num_prefill_gpu"] is None) == (row["num_decode_gpu"] is None)
        if row["num_decode_gpu"] or row["output_tok_per_s_per_decode_gpu"]:
            assert row["is_disaggregated"] is True, row["point_id"]


def test_agentic_rows_are_marked(data):
    for row in data["operating_points"]:
        said = bool(re.search(r"AgentX|agentic", row["note"] or ""))
        assert (row["workload"] == "agentic") == said, row["point_id"]


def test_a_duplicate_repeats_its_point(data):
    points = {row["point_id"]: row for row in data["operating_points"]}
    duplicates = [row for row in points.values() if row["duplicate_of"]]
    assert len(duplicates) == 7
    for row in duplicates:
        first = points[row["duplicate_of"]]
        for column in ("gpu", "model", "isl", "osl"):
            assert row[column] == first[column]
        # One of the pages rounds to whole tokens.
        assert round(row["total_tok_per_s_per_gpu"]) == round(first["total_tok_per_s_per_gpu"])


def test_the_points_behind_the_table(data):
    points = {row["point_id"]: row for row in data["operating_points"]}
    h200 = points["inferencex-dsr1-h200-fp8-mtp-dynamo-trt-1k1k-c44"]
    gb300 = points["inferencex-dsr1-gb300-fp4-mtp-dynamo-trt-1k1k-c1229"]
    assert (h200["num_prefill_gpu"], h200["num_decode_gpu"]) == (8, 88)
    assert (gb300["num_prefill_gpu"], gb300["num_decode_gpu"]) == (6, 32)
    # 1.41 / (93.153 * 3600) * 1e6 = 4.20455; 2.652 / (5970.26 * 3600) * 1e6 = 0.12339
    assert 1.41 / (h200["total_tok_per_s_per_gpu"] * 3600) * 1e6 == pytest.approx(4.20455, abs=5e-6)
    assert 2.652 / (gb300["total_tok_per_s_per_gpu"] * 3600) * 1e6 == pytest.approx(0.12339, abs=5e-6)


# --- hardware and claims -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gpu", "node", "rack"),
    [(gpu, 8, None) for gpu in ("h100", "h200", "b200", "b300", "mi300x", "mi325x", "mi355x")]
    + [("gb200", 4, 72), ("gb300", 4, 72)],
)
def test_the_reference_row_says_how_gpus_are_packed(data, gpu, node, rack):
    (row,) = [r for r in data["hardware"] if r["gpu"] == gpu and r["is_reference"]]
    assert (row["gpus_per_node"], row["gpus_per_rack"]) == (node, rack)
    assert row["tdp_w"] > 0
    assert row["fp8_dense_pflops"] > 0


def test_peaks_with_sparsity(data):
    reference = {row["gpu"]: row for row in data["hardware"] if row["is_reference"]}
    assert reference["h200"]["fp8_sparse_pflops"] == 3.958
    assert (reference["gb300"]["fp4_sparse_pflops"], reference["gb300"]["fp8_sparse_pflops"]) == (20, 10)
    for row in data["hardware"]:
        for kind in ("fp4", "fp8", "bf16"):
            dense, sparse = row[f"{kind}_dense_pflops"], row[f"{kind}_sparse_pflops"]
            assert not (dense and sparse) or dense < sparse


def test_the_table_of_april_2026(data):
    cells = {(r["row"], r["cell"]): r for r in data["claims"] if r["claim_set"] == "nvidia-2026-04"}
    figures = {
        "rate": ("$1.41", "$2.65", "2x"),
        "flops_per_dollar": ("2.8", "5.6", "2x"),
        "tput": ("90", "6,000", "65x"),
        "mw": ("54K", "2.8M", "50x"),
        "cost": ("$4.20", "$0.12", "35x"),
    }
    assert {
        row: tuple(cells[row, cell]["printed"] for cell in ("baseline", "subject", "ratio")) for row in figures
    } == figures
    assert len(cells) == 15
    for (_, cell), claim in cells.items():
        assert claim["subject"] == ("h200" if cell == "baseline" else "gb300")
        assert (claim["baseline"] is None) == (claim["unit"] != "x") == (cell != "ratio")


def test_printed_figures_are_the_values(data):
    scale = {"K": 1e3, "M": 1e6}
    printed = [row for row in data["claims"] if row["printed"]]
    assert len(printed) == 15
    for row in printed:
        digits, suffix = re.fullmatch(r"\$?([\d.,]+)([KMx]?)", row["printed"]).groups()
        unit = scale.get(suffix, 1)
        assert float(digits.replace(",", "")) * unit == pytest.approx(row["value"], rel=1e-12)
        # One unit of the last printed digit: 4.20 -> 0.01, 2.8M -> 100000. A whole number with zeros at its end is
        # printed to its last digit that is not zero, 90 -> 10, except a ratio, which is read to the unit.
        decimals = len(digits.partition(".")[2])
        zeros = 0 if decimals or row["unit"] == "x" else len(digits) - len(digits.rstrip("0,"))
        zeros -= digits[len(digits) - zeros :].count(",") if zeros else 0
        assert row["printed_ulp"] == pytest.approx(unit * 10.0 ** (zeros - decimals), rel=1e-12), row["claim_id"]


def test_a_claim_has_a_value_or_only_a_direction(data):
    without = [r["claim_id"] for r in data["claims"] if not any(r[c] for c in ("value", "value_low", "value_high"))]
    assert sorted(without) == ["amd-mi355x-comparable-gb300", "ix-m3-node-beats-rack"]
    for row in data["claims"]:
        low, high = row["value_low"], row["value_high"]
        assert not (low and high) or low <= high
        assert (row["unit"] == "x") == (row["baseline"] is not None) or row["unit"] == "profit_over_cost"
        assert all(value is None or math.isfinite(value) for value in (low, high, row["value"]))


# --- site inputs -------------------------------------------------------------------------------------------------


def test_site_inputs_are_sorted_and_have_the_unit_of_their_parameter(data):
    rows = data["site_inputs"]
    assert [row["key"] for row in rows] == sorted(row["key"] for row in rows)
    units = defaultdict(set)
    for row in rows:
        units[row["parameter"]].add((row["unit"], row["basis"], row["to_basis"]))
    assert all(len(found) == 1 for found in units.values()), units
    outwards = ("x", "critical_it", "allin_utility_provisioned")
    assert units["pue"] == units["facility_factor"] == {outwards}
    assert units["allin_meaning"] == {("x", *outwards[:0:-1])}


def test_every_gpu_has_a_kind_of_cooling(data):
    shares = {row["applies_to"]: row["value"] for row in data["site_inputs"] if row["parameter"] == "liquid_heat_frac"}
    for row in data["hardware"]:
        assert row["gpu"] in shares
        if row["cooling"] is not None:
            assert (shares[row["gpu"]] > 0) == (row["cooling"] == "liquid")


def test_facility_factors_are_the_revision_of_the_power_book(data):
    kw = {
        (row["gpu"], row["effective_from"]): row["kw_per_gpu"]
        for row in data["power_book"]
        if row["provider"] == TCO and row["basis"] == "allin_utility_provisioned"
    }
    before, after = date(2026, 3, 18), date(2026, 7, 14)
    factor = {row["applies_to"]: row for row in data["site_inputs"] if row["parameter"] == "facility_factor"}
    # 1.73 / 1.37 = 1.26277; 2.10 / 1.87 = 1.12299; 2.18 / 1.69 = 1.28994
    assert factor["air"]["value"] == round(kw["h200", before] / kw["h200", after], 3) == 1.263
    assert factor["liquid"]["value"] == round(kw["gb200", before] / kw["gb200", after], 3) == 1.123
    assert factor["air"]["high"] == round(kw["mi325x", before] / kw["mi325x", after], 2) == 1.29
    assert {(row["effective_from"], row["effective_to"]) for row in factor.values()} == {(before, after)}


# --- inputs of an owned hour -------------------------------------------------------------------------------------


def owned_inputs(data, profile):
    """The rows of a profile that stand for one GPU or for everything, by (parameter, applies_to)."""
    return {
        (row["parameter"], row["applies_to"]): row["value"] for row in data["tco_inputs"] if row["profile"] == profile
    }


def test_inputs_of_an_owned_hour_are_sorted_and_say_where_they_are_from(data):
    keys = [row["key"] for row in data["tco_inputs"]]
    assert keys == sorted(keys)
    for row in data["tco_inputs"]:
        assert row["note"], row["key"]
        assert row["source_url"] or row["status"] == "guess"


def test_every_input_of_an_owned_hour_has_a_typical_figure_but_the_prices_nobody_prints(data):
    typical = owned_inputs(data, "typical")
    elsewhere = {row["parameter"] for row in data["site_inputs"]} & {"pue", "load_frac"}
    for parameter in TCO_UNITS:
        found = {applies_to for name, applies_to in typical if name == parameter}
        if parameter == "usd_per_system":
            assert found == {"h100", "h200", "gb200", "gb300"}
        elif parameter == "licence_usd_per_gpu_year":
            assert found == {"all", "mi300x", "mi325x", "mi355x"}  # it is NVIDIA's
        elif parameter == "kw_per_gpu":
            assert found == {row["gpu"] for row in data["hardware"]}
        else:
            assert found == (set() if parameter in elsewhere else {"all"}), parameter
    # The other profiles are layers on it.
    names = {parameter for parameter, _ in typical} | elsewhere
    assert {row["parameter"] for row in data["tco_inputs"]} <= names


def test_power_of_an_owned_gpu_is_that_of_the_power_book(data):
    for (parameter, gpu), kw in owned_inputs(data, "typical").items():
        if parameter == "kw_per_gpu":
            series = {"gpu": gpu, "basis": "allin_utility_provisioned", "provider": TCO}
            (power,) = on(data["power_book"], date(2026, 7, 14), **series)
            assert kw == power["kw_per_gpu"], gpu


def test_monthly_rents_were_made_yearly(data):
    row = next(r for r in data["tco_inputs"] if r["key"] == "typical-colocation-usd-per-kw-year")
    # 130, 194.95 and 217.30 USD a kilowatt and month
    assert [row["low"], row["value"], row["high"]] == pytest.approx([12 * 130, 12 * 194.95, 12 * 217.30])


@pytest.mark.parametrize(
    ("gpu", "cooling", "num_gpu", "usd"),
    # 190,000 / 8 + 5,000 and 4,000,000 / 72 + 6,000 USD; 7%, 4 years, 130 USD a month, 0.08 USD/kWh, load 0.8
    [("h200", "air", 8, 1.35532), ("gb300", "liquid", 72, 2.67837)],
)
def test_the_hyperscaler_profile_comes_near_the_published_hour(data, gpu, cooling, num_gpu, usd):
    layers = [owned_inputs(data, "typical"), owned_inputs(data, "hyperscaler")]
    inputs = {
        parameter: value
        for layer in layers
        for place in ("all", cooling, gpu)
        for (parameter, applies_to), value in layer.items()
        if applies_to == place
    }
    load = next(row["value"] for row in data["site_inputs"] if row["parameter"] == "load_frac")
    for unused in ("building_usd_per_kw", "building_life_year", "utilisation_frac", *LIFETIME_UNITS):
        del inputs[unused]
    installed = ("usd_per_system", "network_storage_frac", "installation_frac", "spares_frac")
    capital = finance.usd_per_gpu_installed(gpu_per_system=num_gpu, **{name: inputs.pop(name) for name in installed})
    hour = finance.owned_usd_per_gpu_hour(usd_per_gpu=capital, load_frac=load, **inputs)
    assert hour == pytest.approx(usd, rel=5e-6)
    (price,) = on(data["price_book"], ARTICLE_DAY, gpu=gpu, basis="owning_hyperscaler", provider=TCO)
    assert hour == pytest.approx(price["usd_per_gpu_hour"], rel=0.04)


def test_utilisation_scenarios_are_those_that_are_argued_about(data):
    scenarios = [
        row["value"]
        for row in data["tco_inputs"]
        if row["profile"].startswith("utilisation-") and row["parameter"] == "utilisation_frac"
    ]
    assert scenarios == [0.05, 0.2, 0.6, 0.85]


# --- traces ------------------------------------------------------------------------------------------------------


def test_the_trace_is_the_published_one(data, shared):
    """Expanded, every request has the time, the lengths and the very block numbers of the file it was made from."""
    (trace,) = data["traces"]
    rows = [row for row in data["trace_requests"] if row["trace"] == trace["trace"]]
    column = {name: np.array([-1 if row[name] is None else row[name] for row in rows]) for name in rows[0]}
    columns = ("time_s", "input_tok", "output_tok", "prefix_of", "prefix_blocks")
    ours = cache.expand(**{name: column[name] for name in columns}, block_tok=trace["block_tok"])
    theirs = traces.read(shared / "traces/mooncake-fast25/conversation_trace.jsonl").trace
    for name in ("time_s", "session", "start", "block", "input_tok", "output_tok"):
        assert (getattr(ours, name) == getattr(theirs, name)).all(), name


def test_traces_of_requests_are_described(data):
    assert {row["trace"] for row in data["trace_requests"]} == {row["trace"] for row in data["traces"]}


def test_every_tier_has_a_price_and_a_bandwidth(data):
    """But for memory of another host, which costs what memory does, and HBM, whose bandwidth is in hardware.csv."""
    known = {(row["tier"], row["parameter"]) for row in data["memory_tiers"] if row["applies_to"] == "all"}
    assert known == {
        (tier, parameter)
        for tier in ("hbm", "dram", "remote-dram", "ssd")
        for parameter in ("usd_per_gb", "gb_per_s")
        if (tier, parameter) not in {("hbm", "gb_per_s"), ("remote-dram", "usd_per_gb")}
    }
