"""What a scenario file brings of its own: rows like those of the books, or one sentence with the path of the field."""

import csv
import os
import shutil
from datetime import date

import pytest
import yaml
from small_project import shorten

from tokenfactory import warehouse
from tokenfactory.errors import DataError, NotMeasuredError
from tokenfactory.formulas import finance
from tokenfactory.warehouse import files, own

QUOTE = {"gpu": "gb300", "usd_per_gpu_hour": 4, "effective_from": date(2026, 10, 1), "provider": "A cloud"}
QUOTE |= {"accessed": date(2026, 10, 5)}
POWER = {"gpu": "gb300", "basis": "allin_utility_provisioned", "kw_per_gpu": 2.5, "provider": "our electrician"}
POWER |= {"effective_from": date(2026, 10, 1), "accessed": date(2026, 10, 5)}
LIFE = {"value": 5, "low": 4, "high": 6, "unit": "year"}


def refusal(prices=(), inputs=None, power=()):
    with pytest.raises(DataError) as caught:
        own.rows("mine", {"prices": list(prices), "inputs": inputs, "power": list(power)})
    assert caught.value.file == "mine.yaml" and "\n" not in str(caught.value)
    return caught.value.field, str(caught.value).split("': ", 1)[1]


def test_a_price_becomes_a_row_of_a_basis_of_its_own():
    (row,) = own.rows("mine", {"prices": [QUOTE]})["own_prices"]
    assert (row["price_id"], row["basis"], row["status"]) == ("mine-0", "your_quote_mine", "measured")
    assert row["usd_per_gpu_hour"] == 4 and row["effective_to"] is None and row["source_url"] is None


def test_an_input_becomes_a_row_of_a_profile_of_its_own():
    given = {"all": {"life_year": LIFE}, "gb300": {"usd_per_system": {"value": 3_700_000, "unit": "usd"}}}
    life, price = own.rows("mine", {"inputs": given})["tco_inputs"]
    assert (life["profile"], life["parameter"], life["applies_to"], life["status"]) == (
        "mine",
        "life_year",
        "all",
        "estimate",
    )
    assert (life["low"], life["value"], life["high"], life["unit"]) == (4, 5, 6, "year")
    assert (price["low"], price["high"]) == (3_700_000, 3_700_000)  # without a range the value is certain


@pytest.mark.parametrize(
    ("parameter", "given", "field", "says"),
    [
        ("life_year", LIFE | {"value": 0, "low": 0}, "value", "must be above 0"),
        ("life_year", {"value": -4, "unit": "year"}, "value", "-4 must be at least 0"),
        ("life_year", LIFE | {"low": 5.5}, "high", "5.5 to 6 does not hold the value 5"),
        ("life_year", LIFE | {"low": 7, "high": 6}, "high", "7 to 6 does not hold the value 5"),
        ("life_year", LIFE | {"unit": "month"}, "unit", "not one of"),
        ("life_year", LIFE | {"unit": "frac"}, "unit", "life_year is in year"),
        ("life_year", {"value": 5}, "unit", "is empty, but must be given"),
        ("life_year", {"unit": "year"}, "value", "is empty, but must be given"),
        ("life_year", LIFE | {"value": "five", "low": 4}, "value", "'five' is refused"),
        ("life_year", LIFE | {"value": True}, "value", "'True' is refused"),
        ("life_year", LIFE | {"value": float("nan")}, "value", "'nan' is not a finite number"),
        ("life_year", LIFE | {"sort": 1}, "sort", "is refused"),
        ("life_year", LIFE | {"key": "x"}, "key", "follows from where it stands"),
        ("life_year", LIFE | {"status": "sure"}, "status", "'sure' is not one of"),
        ("wacc_frac", {"value": 1, "unit": "frac"}, "value", "a cost of capital of 1 is not a fraction below 1"),
        ("wacc_frac", {"value": 9, "unit": "frac"}, "value", "a cost of capital of 9 is not a fraction below 1"),
        ("wacc_frac", {"value": 0.07, "high": 1.2, "unit": "frac"}, "high", "is not a fraction below 1"),
        ("utilisation_frac", {"value": 0, "unit": "frac"}, "value", "must be above 0"),
        ("utilisation_frac", {"value": 1.01, "unit": "frac"}, "value", "1.01 is not a fraction from 0 to 1"),
        ("salvage_frac", {"value": -0.1, "unit": "frac"}, "value", "-0.1 must be at least 0"),
        ("pue", {"value": 0.9, "unit": "x"}, "value", "a PUE of 0.9 is below 1"),
        ("usd_per_kwh", {"value": -0.08, "unit": "usd/kwh"}, "value", "-0.08 must be at least 0"),
    ],
)
def test_a_wrong_input_is_refused_with_its_path(parameter, given, field, says):
    found, sentence = refusal(inputs={"all": {parameter: given}})
    assert found == f"inputs.all.{parameter}.{field}"
    assert says in sentence


@pytest.mark.parametrize("rate", [0, 0.999])
def test_a_rate_from_zero_to_below_one_is_a_rate(rate):
    (row,) = own.rows("mine", {"inputs": {"all": {"wacc_frac": {"value": rate, "unit": "frac"}}}})["tco_inputs"]
    assert row["value"] == rate


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"usd_per_gpu_hour": 0}, "prices.0.usd_per_gpu_hour", "0 must be above 0"),
        ({"usd_per_gpu_hour": -2}, "prices.0.usd_per_gpu_hour", "-2 must be above 0"),
        ({"usd_per_gpu_hour": 98.32 * 8}, "prices.0.usd_per_gpu_hour", "must be at most 100"),
        ({"effective_to": date(2026, 9, 1)}, "prices.0.effective_to", "must be later than effective_from"),
        ({"effective_from": "October"}, "prices.0.effective_from", "is not a date"),
        ({"effective_from": None}, "prices.0.effective_from", "is empty, but must be given"),
        ({"provider": ""}, "prices.0.provider", "''"),
        ({"price": 3}, "prices.0.price", "is refused"),
        ({"basis": "spot"}, "prices.0.basis", "follows from where it stands"),
    ],
)
def test_a_wrong_price_is_refused_with_its_path(change, field, says):
    found, sentence = refusal(prices=[QUOTE | change])
    assert found == field and says in sentence


def test_two_prices_of_a_gpu_on_one_day_are_refused():
    later = QUOTE | {"effective_from": date(2026, 11, 1), "provider": "Another"}
    found, sentence = refusal(prices=[QUOTE, later])
    assert found == "prices.1.effective_from" and "falls into the time of another row with the same gpu" in sentence
    ended = QUOTE | {"effective_to": date(2026, 11, 1)}
    assert len(own.rows("mine", {"prices": [ended, later]})["own_prices"]) == 2


@pytest.mark.parametrize(
    ("power", "field", "says"),
    [
        ([POWER | {"kw_per_gpu": 0}], "power.0.kw_per_gpu", "0 must be above 0"),
        ([POWER | {"kw_per_gpu": 142}], "power.0.kw_per_gpu", "must be at most 20"),
        ([POWER | {"basis": "meter"}], "power.0.basis", "'meter' is not one of"),
        ([POWER | {"effective_from": None}], "power.0.effective_from", "is empty, but must be given"),
        ([POWER | {"accessed": None}], "power.0.accessed", "is empty, but must be given"),
        ([POWER | {"power_id": "x"}], "power.0.power_id", "follows from where it stands"),
        ([POWER | {"usd": 1}], "power.0.usd", "is refused"),
        ([POWER | {"gpu": "gb399"}], "power.0.gpu", "'gb399' has no row in gpus.csv"),
        ([POWER, POWER | {"provider": "a meter"}], "power.1.effective_from", "with the same gpu, basis"),
        (["2.5"], "power.0", "write fields and their values"),
    ],
)
def test_a_wrong_power_is_refused_with_its_path(power, field, says):
    found, sentence = refusal(power=power)
    assert found == field and says in sentence


def test_a_gpu_has_a_power_on_each_basis():
    one, other = own.rows("mine", {"power": [POWER, POWER | {"basis": "board_tdp", "kw_per_gpu": 1.4}]})["own_powers"]
    assert (one["power_id"], other["power_id"], one["status"]) == ("mine-power-0", "mine-power-1", "measured")
    assert one["owner"] == "your_power_mine" and one["source_url"] is None


@pytest.mark.parametrize(
    ("prices", "inputs", "field"),
    [
        (["3.10"], {}, "prices.0"),
        ([], {"all": 5}, "inputs.all"),
        ([], {"all": {"life_year": 5}}, "inputs.all.life_year"),
        ([], {"all": {"luck": LIFE}}, "inputs.all.luck"),
        ([], {"GB 300": {"life_year": LIFE}}, "inputs.GB 300.life_year"),
    ],
)
def test_what_has_the_wrong_form_is_refused_with_its_path(prices, inputs, field):
    assert refusal(prices, inputs)[0] == field


def test_colocation_and_a_building_together_are_refused():
    space = {"colocation_usd_per_kw_year": {"value": 1560, "unit": "usd/kw/year"}}
    space |= {"building_usd_per_kw": {"value": 12_000, "unit": "usd/kw"}}
    found, sentence = refusal(inputs={"all": space})
    assert found == "inputs.all.building_usd_per_kw" and "exclude each other" in sentence


# In the warehouse


@pytest.fixture
def data(tmp_path, project, monkeypatch):
    """A copy of the data without scenarios, and a cache of its own."""
    folder = shutil.copytree(
        project / "data", tmp_path / "data", ignore=shutil.ignore_patterns("scenarios", "snapshots")
    )
    shorten(folder)
    (folder / "scenarios").mkdir()
    monkeypatch.setenv("TOKENFACTORY_DATA", str(folder))
    monkeypatch.setenv("TOKENFACTORY_CACHE", str(tmp_path / "cache"))
    return folder


def save(data, name, **content):
    (data / "scenarios" / f"{name}.yaml").write_text(yaml.safe_dump({"title": "x", **content}))


def test_own_rows_answer_in_the_warehouse_and_only_for_those_who_ask(data):
    save(data, "mine", prices=[QUOTE], inputs={"gb300": {"life_year": LIFE}})
    save(data, "other", prices=[QUOTE | {"usd_per_gpu_hour": 9}])
    db = warehouse.connect()
    row = db.price(gpu="gb300", basis="your_quote_mine", on="2026-10-01")
    assert (row["usd_per_gpu_hour"], row["provider"], row["last_known_on"]) == (4, "A cloud", date(2026, 10, 5))
    assert {"your_quote_mine", "your_quote_other"} <= set(db.vocabulary("price_basis"))
    assert "mine" in db.vocabulary("tco_profile")
    assert not db.query("SELECT price_id FROM price_book WHERE basis LIKE 'your_quote%' ORDER BY price_id").height
    lives = {
        (gpu, profile): db.query(
            """SELECT value FROM tco_inputs_for($gpu, $profile) WHERE parameter = 'life_year' ORDER BY value""",
            gpu=gpu, profile=profile,
        ).item() for gpu in ("gb300", "h200") for profile in ("mine", "typical")
    }  # fmt: skip
    assert lives == {("gb300", "mine"): 5, ("h200", "mine"): 4, ("gb300", "typical"): 4, ("h200", "typical"): 4}
    read = db.query("SELECT num_rows FROM files WHERE file = 'scenarios/mine.yaml' ORDER BY file")
    assert read.item() == 2


def test_an_own_power_stands_in_the_place_of_the_published_one_for_those_who_ask(data):
    save(data, "mine", power=[POWER])
    db = warehouse.connect()
    asked = {"basis": "allin_utility_provisioned", "on": "2026-10-01"}
    published, mine = db.powers(**asked), db.powers(**asked, owner="your_power_mine")
    assert (published["gb300"], mine["gb300"]) == (2.12, 2.5)
    assert {**published, "gb300": 2.5} == mine  # other GPUs keep theirs
    assert db.powers(basis="board_tdp", on="2026-10-01", owner="your_power_mine") == db.powers(
        basis="board_tdp", on="2026-10-01"
    )
    assert db.vocabulary("power_owner") == ["InferenceX TCO", "your_power_mine"]
    before = (
        "no allin_utility_provisioned power of gb300 by your_power_mine on 2026-09-30: .* has it from 2026-10-01 on"
    )
    with pytest.raises(NotMeasuredError, match=before):  # not the published one in its place
        db.check_own_power("your_power_mine", on="2026-09-30")
    assert "gb300" not in db.powers(basis=asked["basis"], on="2026-09-30", owner="your_power_mine")
    db.check_own_power("your_power_mine", on="2026-10-01")
    db.check_own_power("InferenceX TCO", on="2026-09-30")


def test_a_gpu_of_another_provider_has_the_price_and_the_power_that_there_are(data):
    """Who adds a GPU that the series of the house does not have need not give its name to the price."""
    for path in (data / "price_book.csv", data / "power_book.csv"):
        with path.open(newline="") as lines:
            first, *rows = list(csv.reader(lines))
        gpu, provider = first.index("gpu"), first.index("provider")
        for row in rows:
            if row[gpu] == "gb200" and row[provider] == "InferenceX TCO":
                row[provider] = "Acme"
        with path.open("w", newline="") as lines:
            csv.writer(lines, lineterminator="\n").writerows([first, *rows])
    db, house = warehouse.connect(), warehouse.connect(warehouse.build(files.PROJECT / "data"))
    for asked in ({"basis": "owning_hyperscaler", "on": "2026-04-15"}, {"basis": "rental_3yr", "on": "latest"}):
        assert db.prices(**asked) == house.prices(**asked)
        assert db.price(gpu="gb200", **asked)["provider"] == "Acme"
    power = {"basis": "allin_utility_provisioned", "on": "2026-04-15"}
    assert db.powers(**power) == house.powers(**power) and db.power(gpu="gb200", **power)["provider"] == "Acme"


def test_no_own_price_on_the_day_says_from_when_there_is_one(data):
    save(data, "mine", prices=[QUOTE])
    with pytest.raises(
        NotMeasuredError, match=r"^no your_quote_mine price of gb300 on 2026-09-30: .* from 2026-10-01 on$"
    ):
        warehouse.connect().price(gpu="gb300", basis="your_quote_mine", on="2026-09-30")
    with pytest.raises(NotMeasuredError, match="the price book has none"):
        warehouse.connect().price(gpu="h200", basis="your_quote_mine", on="2026-10-01")


def test_a_changed_quote_makes_a_new_warehouse_and_a_changed_parameter_does_not(data):
    save(data, "mine", prices=[QUOTE])
    save(data, "plain", parameters={"subject": "b200"})
    before = files.fingerprint(data)
    save(data, "plain", parameters={"subject": "b300"})
    assert files.fingerprint(data) == before
    save(data, "mine", prices=[QUOTE | {"usd_per_gpu_hour": 5}])
    assert files.fingerprint(data) != before


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("mine", {"prices": [QUOTE | {"gpu": "gb399"}]}, r"^mine\.yaml, field 'prices\.0\.gpu': 'gb399' has no row in"),
        (
            "mine",
            {"inputs": {"gb399": {"life_year": LIFE}}},
            r"^mine\.yaml, field 'inputs\.gb399': 'gb399' is neither a GPU",
        ),
        (
            "typical",
            {"inputs": {"all": {"life_year": LIFE}}},
            r"^typical\.yaml, field 'inputs': .* has a profile 'typical'",
        ),
        ("mine", {"prices": "none"}, r"^mine\.yaml, field 'prices': write a list"),
        ("mine", {"inputs": ["none"]}, r"^mine\.yaml, field 'inputs': write what the inputs are about"),
    ],
)
def test_own_rows_that_the_data_cannot_take_are_refused(data, name, content, message):
    save(data, name, **content)
    save(data, "good", prices=[QUOTE])
    with pytest.raises(DataError, match=message):
        own.check(data)
    with pytest.raises(DataError, match=message):  # as a report asks for it
        own.rows(name, content)
    bases = warehouse.connect().vocabulary("price_basis")
    assert "your_quote_good" in bases and "your_quote_mine" not in bases  # nobody else is kept from working


BOMB = "prices: []\na0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BOMB, r"^bad\.yaml, row 5: there are more than 20 aliases$"),
        ("prices: " + "[" * 5000, r"^bad\.yaml, row 1: this is nested deeper than 20 levels$"),
        ("prices: []\nprices: []", r"^bad\.yaml, row 2: 'prices' is given twice$"),
        ("pipe", r"^bad\.yaml: this is not a regular file$"),
        ("folder", r"^bad\.yaml: this is not a regular file$"),
        ("link", r"^bad\.yaml: this cannot be read: No such file or directory$"),
    ],
)
def test_what_nobody_asked_for_stops_nobody(data, content, message):
    bad = data / "scenarios" / "bad.yaml"
    make = {"pipe": os.mkfifo, "folder": os.mkdir, "link": lambda path: path.symlink_to("nowhere")}
    make.get(content, lambda path: path.write_text(content))(bad)
    assert warehouse.connect().price(gpu="gb300", basis="owning_hyperscaler", on="2026-04-15")
    with pytest.raises(DataError, match=message):
        own.check(data)


def test_the_worked_example_is_a_build_up_of_both_systems(project):
    db = warehouse.connect()
    hours = {}
    for gpu in ("gb300", "h200"):
        rows = db.query(
            """SELECT parameter, value, profile FROM tco_inputs_for($gpu, 'mine')
               WHERE parameter NOT IN ('utilisation_frac', 'building_usd_per_kw', 'building_life_year')
               ORDER BY parameter""",
            gpu=gpu,
        )
        assert {"life_year", "usd_per_system"} <= set(rows.filter(profile="mine")["parameter"])
        hours[gpu] = sum(finance.system_parts(**dict(rows.select("parameter", "value").iter_rows())).values())
        assert hours[gpu] < db.price(gpu=gpu, basis="your_quote_mine", on="2026-11-01")["usd_per_gpu_hour"]
