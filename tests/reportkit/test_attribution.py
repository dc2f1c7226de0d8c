"""What changed between two runs: shares by hand, and whole runs on small projects in which one thing changes."""

import csv
import json
from decimal import Decimal
from fractions import Fraction
from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_project import SUBJECT, make_runs

from reportkit import attribution, inputs
from tokenfactory.source import SOURCE

COSTS = """\
from tokenfactory import warehouse
from tokenfactory.formulas import cost
from tokenfactory.display.show import Headline, headlines, usd
data = warehouse.connect()
hour = data.price(gpu=subject, basis="owning_hyperscaler", on="2026-04-15")["usd_per_gpu_hour"]
kw = data.power(gpu=subject, basis="allin_utility_provisioned", on="2026-04-15")["kw_per_gpu"]
speed = data.query(
    "SELECT max(total_tok_per_s_per_gpu) AS best FROM operating_points WHERE gpu = $gpu ORDER BY best", gpu=subject)
per_mtok = cost.usd_per_mtok(usd_per_gpu_hour=hour, tok_per_s_per_gpu=speed["best"][0])
value = per_mtok * num_gpu / kw
headlines([Headline("usd_per_kw", "A headline", value, "usd", usd(value)), Headline("hour", "Hour", hour, "usd", "-")])
"""
GROUPS = inputs.groups(SOURCE)
NUM_GPU = "num_gpu: int = 72  # [gpus] deployed GPUs\n"


# Shares


def test_shares_by_hand():
    # 10 -> 12 (+2) -> 12 (0) -> 7 (-5): sums to -3
    steps = [("data", 12.0), ("price", 12.0), ("method", 7.0)]
    assert attribution.shares(10.0, steps) == [(("data",), 2), (("price",), 0), (("method",), -5)]
    # what cannot be made has one share with the next
    steps = [("data", attribution.NOT_MADE), ("price", None), ("method", 7.0), ("parameters", 7.5)]
    assert attribution.shares(10.0, steps) == [(("data", "price", "method"), -3), (("parameters",), Decimal("0.5"))]
    # method at both ends is one share: 10 -> 11 -> 14 -> 13 is +1 and -1, and data +3
    steps = [("method", 11.0), ("data", 14.0), ("method", 13.0)]
    assert attribution.shares(10.0, steps) == [(("method",), 0), (("data",), 3)]


def test_a_number_that_comes_or_goes_has_a_cause_and_no_sum():
    steps = [("data", None), ("price", 5.0), ("method", 6.0)]
    assert attribution.shares(None, steps) == [(("price",), None)]
    assert attribution.shares(5.0, [("data", 5.5), ("price", attribution.NOT_MADE), ("method", None)]) == [
        (("price", "method"), None)
    ]


number = st.floats(-1e12, 1e12, allow_nan=False).map(lambda v: float(f"{v:.6g}"))


@given(number, st.lists(st.one_of(number, st.none(), st.just(attribution.NOT_MADE)), max_size=4), number)
def test_shares_sum_to_the_change_exactly(old, between, new):
    groups = [*GROUPS, "more"]
    steps = list(zip(groups, [*between, new], strict=False))
    total = sum((Fraction(change) for _, change in attribution.shares(old, steps)), Fraction(0))
    assert total == Fraction(repr(new)) - Fraction(repr(old))


def test_every_file_has_its_group():
    assert inputs.group_of(SOURCE, "data/price_book.csv") == inputs.group_of(SOURCE, "data/tco_inputs.csv") == "price"
    assert inputs.group_of(SOURCE, "data/api_prices.csv") == "price"
    assert inputs.group_of(SOURCE, "data/power_book.csv") == inputs.group_of(SOURCE, "data/site_inputs.csv") == "power"
    for name in ("operating_points.csv", "claims.csv", "hardware.csv", "snapshots/s1/points.parquet"):
        assert inputs.group_of(SOURCE, f"data/{name}") == "data"
    assert inputs.group_of(SOURCE, "data/scenarios/price_book.csv.yaml") == "parameters"
    for path in ("lib/tokenfactory/formulas/cost.py", "notebooks/01_a.ipynb", "requirements.lock"):
        assert inputs.group_of(SOURCE, path) == "method"


def test_rows_are_told_apart_by_as_few_leading_columns_as_it_takes():
    one, two = inputs._rows(b"# notice\nid,x\na,1\nb,2\n", b"id,x\na,1\n")
    assert (one.keys(), two) == ({"a", "b"}, {"a": {"id": "a", "x": "1"}})
    one, none = inputs._rows(b"curve,slot,x\nday,0,1\nday,1,2\n", None)
    assert (one.keys(), none) == ({"day/0", "day/1"}, {})


def test_every_row_of_every_data_file_is_told_apart(project):
    for path in sorted((project / "data").rglob("*.csv")):
        content = path.read_bytes()
        num_rows = len(list(csv.reader(line for line in content.decode().splitlines() if line[:1] != "#"))) - 1
        assert len(inputs._rows(content)[0]) == num_rows, path.name


# Whole runs


def change(runs, file, column, factor, **where):
    """Multiply a value in the first row of a data file that is as asked; returns its key, old and new text."""
    path = runs.data / file
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    row = next(row for row in rows if where.items() <= row.items())
    old, row[column] = row[column], f"{float(row[column]) * factor:g}"
    with path.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return next(iter(row.values())), old, row[column]


def change_price(runs, factor):
    return change(runs, "price_book.csv", "usd_per_gpu_hour", factor, gpu="gb300", basis="owning_hyperscaler")


def change_power(runs, factor):
    return change(runs, "power_book.csv", "kw_per_gpu", factor, gpu="gb300", basis="allin_utility_provisioned")


def change_data(runs, factor):
    with (runs.data / "operating_points.csv").open(newline="") as lines:
        points = [row for row in csv.DictReader(lines) if row["gpu"] == "gb300" and row["total_tok_per_s_per_gpu"]]
    best = max(points, key=lambda row: float(row["total_tok_per_s_per_gpu"]))["point_id"]
    return change(runs, "operating_points.csv", "total_tok_per_s_per_gpu", factor, point_id=best)


def change_formula(runs, old="1e6", new="2e6"):
    path = runs.project.root / "lib" / "tokenfactory" / "formulas" / "cost.py"
    line = (
        "    return (1 - cached_total_frac) * usd_per_gpu_hour * {} / (3600 * tok_per_s_per_gpu * utilisation_frac)\n"
    )
    text = path.read_text()
    assert text.count(line.format(old)) == 1
    path.write_text(text.replace(line.format(old), line.format(new)))


def compared(runs, *arguments) -> dict:
    done = runs.run("diff", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout, parse_float=Decimal, parse_int=Decimal) | {"said": done.stderr}


def causes(headline) -> dict:
    return {" and ".join(cause["groups"]): cause["change"] for cause in headline["causes"]}


def of(found, key) -> dict:
    return next(headline for headline in found["headlines"] if headline["key"] == key)


def assert_sums(found):
    for headline in found["headlines"]:
        assert headline["change"] == headline["new"] - headline["old"]
        assert sum(cause["change"] for cause in headline["causes"]) == headline["change"]


@pytest.fixture(scope="module")
def steps(tmp_path_factory, project):
    """Runs in which one price, one data row, one formula changes in turn, and then everything at once."""
    runs = make_runs(tmp_path_factory.mktemp("steps"), project)
    for name in ("01_prices", "02_amd"):
        (runs.project.notebooks / f"{name}.ipynb").unlink()
    runs.notebook("01_cost", COSTS, parameters=SUBJECT + NUM_GPU)
    runs.report()
    runs.rows = {"price": change_price(runs, 2)}
    runs.report()
    runs.rows["data"] = change_data(runs, 2)
    runs.report()
    change_formula(runs)
    runs.report()
    change_data(runs, 1.25), change_price(runs, 3), change_power(runs, 0.5), change_formula(runs, "2e6", "5e5")
    runs.notebook("01_cost", COSTS, parameters=SUBJECT + NUM_GPU.replace("72", "144"))
    runs.scheduled = runs.report("--scheduled")
    listed = json.loads(runs.run("runs", "--json").stdout)
    runs.ids = [run["id"] for run in reversed(listed)]
    return runs


def test_a_changed_price_is_the_cause_of_what_it_changes(steps):
    found = compared(steps, *steps.ids[:2])
    assert [h["key"] for h in found["headlines"]] == ["usd_per_kw", "hour"]
    for headline in found["headlines"]:
        assert causes(headline) == {"price": headline["change"]}
        assert headline["new"] == pytest.approx(2 * headline["old"], rel=Decimal("1e-5"))
    assert_sums(found)
    key, old, new = steps.rows["price"]
    row = {"file": "price_book.csv", "key": key, "what": "changed", "values": {"usd_per_gpu_hour": [old, new]}}
    assert found["inputs"] == {"data": [], "price": [row], "power": [], "method": [], "parameters": []}


def test_a_changed_data_row_is_the_cause_of_what_it_changes(steps):
    found = compared(steps, *steps.ids[1:3])
    (headline,) = found["headlines"]
    assert causes(headline) == {"data": headline["change"]} and found["num_same"] == 1
    assert headline["new"] == pytest.approx(headline["old"] / 2, rel=Decimal("1e-5"))
    key, old, new = steps.rows["data"]
    assert found["inputs"]["data"] == [
        {
            "file": "operating_points.csv",
            "key": key,
            "what": "changed",
            "values": {"total_tok_per_s_per_gpu": [old, new]},
        }
    ]
    assert_sums(found)


def test_a_changed_formula_is_the_cause_of_what_it_changes(steps):
    found = compared(steps, *steps.ids[2:4])
    (headline,) = found["headlines"]
    assert causes(headline) == {"method": headline["change"]}
    (row,) = found["inputs"]["method"]
    ((where, (old, new)),) = row["values"].items()
    assert (row["file"], where) == ("lib/tokenfactory/formulas/cost.py", "line 48")
    assert old.replace("1e6", "2e6") == new
    assert_sums(found)


def test_each_of_five_causes_has_its_share_and_they_sum_to_the_change(steps):
    found = compared(steps, *steps.ids[3:5])
    headline = of(found, "usd_per_kw")
    # By hand: 1.25 times as fast, three times the price, half the power, a fourth in the formula, twice the GPUs.
    chain = [headline["old"]]
    for factor in (1 / Decimal("1.25"), 3, 2, 1 / Decimal(4), 2):
        chain.append(chain[-1] * factor)
    expected = {group: after - before for group, before, after in zip(GROUPS, chain, chain[1:], strict=False)}
    got = causes(headline)
    assert list(got) == list(expected) == list(GROUPS)
    for group, change in expected.items():
        assert got[group] == pytest.approx(change, rel=Decimal("1e-4")), group
    assert_sums(found)
    assert not found["remarks"]
    assert found["inputs"]["parameters"] == [
        {"file": "01_cost", "key": "num_gpu", "what": "changed", "values": {"value": [72, 144]}}
    ]
    hour = of(found, "hour")
    assert {group: change for group, change in causes(hour).items() if change} == {"price": hour["change"]}


def test_what_was_made_once_is_not_made_again(steps):
    first = compared(steps, *steps.ids[3:5])
    again = compared(steps, *steps.ids[3:5])
    assert "making" not in again["said"]
    assert again["headlines"] == first["headlines"]


def test_the_way_back_has_the_same_change_with_the_other_sign(steps):
    there, back = compared(steps, *steps.ids[:2]), compared(steps, *steps.ids[1::-1])
    assert [-h["change"] for h in there["headlines"]] == [h["change"] for h in back["headlines"]]
    assert_sums(back)


def test_a_scheduled_report_tells_the_causes_apart(steps):
    record = json.loads((steps.site / "site.json").read_text())["default"]
    assert record["run"] == steps.ids[-1]
    changed = record["changed"]
    assert changed["since"]["id"] == steps.ids[-2]
    assert changed["sentences"][0].startswith(
        "**2 of 2 headline numbers changed**, because of data, price, power, method and"
    )
    why = next(row["why"] for row in changed["rows"] if row["label"] == "A headline")
    assert [part.split()[0] for part in why.split(", ")] == list(GROUPS)
    assert "act together" not in " ".join(changed["sentences"])


def test_the_printed_comparison_names_order_shares_and_rows(steps):
    done = steps.run("diff", *steps.ids[:2])
    assert done.returncode == 0
    key, old, new = steps.rows["price"]
    assert f"price: price_book.csv, {key}: usd_per_gpu_hour {old} -> {new}" in done.stdout.splitlines()
    assert "Substituted in this order: data, price, power, method, parameters." in done.stdout
    assert "| 01_cost hour " in done.stdout and "2 of 2 headline numbers changed, because of price." in done.stdout


def test_latest_previous_and_beginnings_name_runs(steps):
    assert compared(steps, "previous", "latest")["from"]["id"] == steps.ids[-2]
    assert compared(steps, "previous")["to"]["id"] == steps.ids[-1]
    assert compared(steps, steps.ids[0][:-1], steps.ids[1])["from"]["id"] == steps.ids[0]
    assert compared(steps, "latest", "latest")["headlines"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lates",), "run 'lates' is not known; did you mean 'latest'?"),
        (("../x", "latest"), "run '../x' is not known"),
        (("", "latest"), "run '' is not known"),
        (("20", "latest"), "run '20' could be 20"),
        (("latest", "latest", "--scenario", "othr"), "scenario 'othr' is not in both runs; known: default"),
    ],
)
def test_a_run_that_is_not_there_is_one_sentence(steps, arguments, message):
    done = steps.run("diff", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"tokenfactory: {message}") and done.stderr.count("\n") == 1


# Mixtures that cannot be made, numbers that come and go


VALUE = """\
from tokenfactory import warehouse
from tokenfactory.display.show import Headline, headlines
kw = warehouse.connect().query(
    "SELECT kw_per_gpu FROM power_book WHERE gpu = $gpu AND basis = $basis ORDER BY power_id LIMIT 1",
    gpu=subject, basis="allin_utility_provisioned")["kw_per_gpu"][0]
{}
headlines([Headline("value", "A value", value, "1", str(value)), Headline("kw", "Power", kw, "kw", str(kw))])
"""


@pytest.fixture(scope="module")
def first(tmp_path_factory, project):
    """A project with a notebook that reads one power figure, 2.1 kW, and one run of it."""
    runs = make_runs(tmp_path_factory.mktemp("first"), project)
    for name in ("01_prices", "02_amd"):
        (runs.project.notebooks / f"{name}.ipynb").unlink()
    runs.notebook("01_value", VALUE.format("assert kw < 3, 'too much'\nvalue = 10 * kw"))
    (runs.project.root / "requirements.lock").write_text("polars==2.1.0 \\\n    --hash=sha256:0\n")
    runs.report()
    return runs


@pytest.fixture
def again(first, tmp_path):
    return first.copy(tmp_path / "again")


def test_causes_whose_mixture_cannot_be_made_share_one_figure(again):
    change_power(again, 2)  # 4.2 kW, which the old notebook refuses
    again.notebook("01_value", VALUE.format("value = 20 * kw"))
    again.report("--scheduled")
    found = compared(again, "previous")
    value, kw = of(found, "value"), of(found, "kw")
    assert causes(value) == {"power and method": 63} and (value["old"], value["new"]) == (21, 84)
    assert causes(kw) == {"power and method": Decimal("2.1")}
    (remark,) = found["remarks"]
    assert remark.startswith("01_value cannot be made with data, price and power of ")
    assert remark.endswith(": 01_value failed: AssertionError: too much")
    assert_sums(found)
    said = again.run("runs").stdout
    assert "2 of 2 headline numbers changed, because of power and method" in said


def test_without_time_causes_share_one_figure_too(again):
    change_power(again, 1.2)
    again.notebook("01_value", VALUE.format("value = 20 * kw"))
    assert "making" not in again.run("report").stderr
    record = json.loads((again.site / "site.json").read_text())["default"]["changed"]
    assert [row["why"] for row in record["rows"]] == ["power and method +29.4", "power and method +0.420"]
    assert "act together" in record["sentences"][-1]
    assert causes(of(compared(again, "previous"), "value")) == {"power": Decimal("4.2"), "method": Decimal("25.2")}


def test_a_number_that_is_no_longer_measured_has_a_cause(again):
    change_power(again, 1.1)
    again.notebook("01_value", VALUE.format("value = None"))
    again.report()
    found = compared(again, "previous")
    value = of(found, "value")
    assert (value["new"], value["change"], causes(value)) == (None, None, {"method": None})
    assert of(found, "kw")["change"] == Decimal("0.21") == causes(of(found, "kw"))["power"]
    assert " yes |" in again.run("diff", "previous").stdout


def test_headlines_that_appear_and_vanish_are_listed(again):
    again.notebook("01_value", VALUE.format("value = 10 * kw").replace('"value", "A v', '"worth", "A v'))
    again.notebook(
        "04_more",
        'from tokenfactory.display.show import *\nheadlines([Headline("more", "More", 1.0, "1", "1")])',
    )
    again.report()
    found = compared(again, "previous")
    assert [h["key"] for h in found["appeared"]] == ["worth", "more"]
    assert [(h["key"], h["value"]) for h in found["vanished"]] == [("value", 21)]
    assert (found["headlines"], found["num_same"]) == ([], 1)
    (again.project.notebooks / "01_value.ipynb").unlink()
    again.report()
    assert [h["key"] for h in compared(again, "previous")["vanished"]] == ["worth", "kw"]


def test_another_unit_is_no_change_of_a_number(again):
    again.notebook("01_value", VALUE.format("value = 30 * kw").replace('"1", str', '"kw", str'))
    again.report()
    value = of(compared(again, "previous"), "value")
    assert (value["change"], value["causes"], value["old_unit"], value["unit"]) == (None, [], "1", "kw")
    record = json.loads((again.site / "site.json").read_text())["default"]["changed"]
    assert [row["why"] for row in record["rows"]] == ["not the same number: it was in 1"]


def test_other_packages_are_method(again):
    change_power(again, 2)
    again.notebook("01_value", VALUE.format("value = 10 * kw"))
    (again.project.root / "requirements.lock").write_text("polars==2.2.0 \\\n    --hash=sha256:0\n")
    again.report()
    found = compared(again, "previous")
    assert {
        "file": "requirements.lock",
        "key": "polars",
        "what": "changed",
        "values": {"version": ["2.1.0", "2.2.0"]},
    } in (found["inputs"]["method"])
    # The first run is made again with today's packages, which changes nothing; the old notebook refuses the rest.
    assert found["said"].count("making 1 notebook again") == 2
    assert causes(of(found, "value")) == {"method": 0, "power and method": 21}
    assert_sums(found)


def test_packages_that_are_installed_beside_the_lock_are_method(again):
    (path,) = (again.project.reports / "runs").glob("*/run.json")
    record = json.loads(path.read_text())
    assert record["packages"]["polars"] == version("polars")
    record["packages"]["polars"] = "1.0.0"
    path.write_text(json.dumps(record))
    change_power(again, 1.2)
    again.report()
    found = compared(again, "previous")
    (row,) = found["inputs"]["method"]
    assert (row["file"], row["key"], row["values"]) == (
        "installed packages",
        "polars",
        {"version": ["1.0.0", version("polars")]},
    )
    assert causes(of(found, "value")).keys() == {"method", "power"} and causes(of(found, "value"))["method"] == 0
    assert_sums(found)


def test_a_parameter_of_a_scenario_is_a_parameter(again):
    scenario = again.project.scenarios / "other.yaml"
    again.report("--scenario", "other")
    change_power(again, 1.2)
    scenario.write_text("title: Other\nparameters: {subject: b200}")
    again.report("--scenario", "other")
    found = compared(again, "previous")
    value = of(found, "value")
    assert causes(value).keys() == {"power", "parameters"} and causes(value)["power"] == 0  # H200 has its own power
    assert found["inputs"]["parameters"][0]["values"] == {"value": ["h200", "b200"]}
    assert_sums(found)
    done = again.run("diff", "previous", "latest", "--scenario", "default")
    assert "scenario 'default' is not in both runs; known: other" in done.stderr


def test_a_finished_warehouse_is_told_and_not_mixed(again):
    built = next((again.project.root / ".cache" / "warehouse").glob("*.duckdb"))
    finished = again.project.root / "finished.duckdb"
    finished.write_bytes(built.read_bytes())
    again.notebook("01_value", VALUE.format("value = 20 * kw"))
    again.report("--warehouse", str(finished))
    found = compared(again, "previous")
    assert causes(of(found, "value")) == {"data and method": 21}
    assert found["remarks"] == [
        "a run that read a finished warehouse cannot be mixed with another: its data are not kept"
    ]


def test_a_snapshot_is_data(again, tmp_path):
    counted = VALUE.format("value = warehouse.connect().query('SELECT count(*) AS n FROM points ORDER BY n')['n'][0]")
    again.notebook("01_value", counted)
    again.report()
    measured = {
        "hw": "h200-cw", "conc": 64, "image": "vllm/vllm-openai:v0.11.2", "model": "acme/demo",
        "infmax_model_prefix": "dsr1", "framework": "vllm", "precision": "fp8", "spec_decoding": "none",
        "disagg": False, "isl": 8192, "osl": 1024, "is_multinode": False, "tp": 8, "ep": 1, "dp_attention": "false",
        "tput_per_gpu": 851.9, "output_tput_per_gpu": 94.65, "input_tput_per_gpu": 757.25, "median_tpot": 0.04016,
        "median_intvty": 24.9004,
    }  # fmt: skip
    (tmp_path / "measured.json").write_text(json.dumps([measured]))
    done = again.run("ingest", str(tmp_path / "measured.json"))
    assert done.returncode == 0, done.stderr
    change_power(again, 1.2)
    again.report()
    found = compared(again, "previous")
    (row,) = found["inputs"]["data"]
    assert (row["file"], row["what"]) == ("snapshot", "added") and row["key"].endswith("measured.json")
    value = of(found, "value")
    assert causes(value) == {"data": value["change"], "power": 0} and value["change"] == 1
    assert_sums(found)


def test_data_that_go_together_are_not_tried_notebook_by_notebook(again):
    again.notebook("04_more", VALUE.format("value = 5 * kw"))
    shipped = {path: path.read_text() for path in again.data.glob("*.csv")}
    with (again.data / "gpus.csv").open("a") as lines:  # one GPU more
        lines.write("h101,H101,NVIDIA,Hopper,#e9a14b,\n")
    for file, flag in (("hardware", "true"), ("price_book", None), ("power_book", None)):
        path = again.data / f"{file}.csv"
        with path.open(newline="") as lines:
            row = next(r for r in csv.DictReader(lines) if r["gpu"] == "h100" and r.get("is_reference") == flag)
        with path.open("a", newline="") as lines:
            key = next(iter(row))
            csv.DictWriter(lines, row, lineterminator="\n").writerow(row | {key: "h101-row", "gpu": "h101"})
    again.report()
    for path, text in shipped.items():  # and gone again
        path.write_text(text)
    change_power(again, 1.2)
    again.report()
    found = compared(again, "previous")
    assert found["said"].count("making 2 notebooks again") == 2
    assert [remark[:25] for remark in found["remarks"]] == ["nothing can be made with "] * 2
    assert all("'h101' has no row in " in remark for remark in found["remarks"])
    assert [list(causes(headline)) for headline in found["headlines"]] == [["data and price and power"]] * 4
    assert_sums(found)


QUOTED = """\
title: A quote
parameters: {basis: your_quote_mine}
prices:
  - {gpu: gb300, usd_per_gpu_hour: 4.0, effective_from: 2026-01-01, provider: A cloud, accessed: 2026-01-05}
"""
POWERED = """\
title: A meter
power:
  - {gpu: gb300, basis: allin_utility_provisioned, kw_per_gpu: 4.0, effective_from: 2026-01-01, provider: us,
     accessed: 2026-01-05}
"""
DRAWN = """\
from tokenfactory import warehouse
from tokenfactory.display.show import Headline, headlines, number
kw = warehouse.connect().powers(basis="allin_utility_provisioned", on="2026-04-15", owner=owner)[subject]
headlines([Headline("hour", "Hour", kw, "usd", number(kw))])
"""
OWNER = 'owner: str = "InferenceX TCO"  # [power_owner] whose power\n'
ASKED = """\
from tokenfactory import warehouse
from tokenfactory.display.show import Headline, headlines, usd
hour = warehouse.connect().price(gpu=subject, basis=basis, on="2026-04-15")["usd_per_gpu_hour"]
headlines([Headline("hour", "Hour", hour, "usd", usd(hour))])
"""


BASIS = 'basis: str = "owning_hyperscaler"  # [price_basis] whose hour\n'


@pytest.mark.parametrize(
    ("group", "scenario", "cell", "parameter", "told"),
    [
        ("price", QUOTED, ASKED, BASIS, "scenarios/mine.yaml, prices.gb300: usd_per_gpu_hour 4.0 -> 5.0"),
        ("power", POWERED, DRAWN, OWNER, "scenarios/mine.yaml, power.gb300: kw_per_gpu 4.0 -> 5.0"),
    ],
)
def test_one_row_of_a_scenario_file_is_its_group_in_diff_index_and_alert(
    tmp_path, project, group, scenario, cell, parameter, told
):
    runs = make_runs(tmp_path / "quoted", project)
    for name in ("01_prices", "02_amd"):
        (runs.project.notebooks / f"{name}.ipynb").unlink()
    runs.notebook("01_cost", cell, parameters=SUBJECT + parameter)
    for path in runs.project.scenarios.glob("*.yaml"):
        path.unlink()
    file = runs.data / "scenarios" / "mine.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(scenario)
    runs.report("--scenario", "all")
    file.write_text(scenario.replace("4.0", "5.0"))
    runs.report("--scenario", "all", "--scheduled", "--allow-stale-prices")
    found = json.loads(runs.run("diff", "previous", "latest", "--json").stdout)
    (headline,) = found["headlines"]
    assert (headline["scenario"], headline["old"], headline["new"], causes(headline)) == ("mine", 4, 5, {group: 1})
    assert found["num_same"] == 1  # that of the default
    assert f"{group}: {told}" in runs.run("diff", "previous", "latest").stdout
    changed = runs.page("mine/index")["changed"]
    assert changed["rows"][0]["why"].startswith(group) and changed["inputs"] == [{"group": group, "line": told}]
    (alert,) = runs.alerts()
    assert [r["sentence"] for r in alert["reasons"] if r["kind"] == "headline_moved"] == [
        f"Hour: was 4, is 5 usd (+25.0%); {group}: {told}"
    ]
    said = f"mine: 1 of 1 headline numbers changed, because of {group}. Of 2 scenarios, 1 changed."
    assert said in runs.run("runs").stdout
