import json
import os
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_project import PARAMETERS, cell, make_project, write_notebook, write_scenario

from reportkit import plan
from reportkit.errors import nearest
from reportkit.plan import Parameter
from tokenfactory import source
from tokenfactory.errors import DataError, NotMeasuredError, ParameterError
from tokenfactory.source import SOURCE, Project


@pytest.fixture
def project(tmp_path):
    """Two notebooks, names out of the usual digits left out; only the second has a date."""
    made = make_project(tmp_path, n_notes="x = 1")
    write_notebook(made.notebooks / "01_cost.ipynb", "subject", title="What does it cost?")
    write_notebook(
        made.notebooks / "02_power.ipynb", "subject", parameters=PARAMETERS + 'day: str = "2026-04-15"  # [date] day\n'
    )
    return made


def values(jobs):
    return [(job.notebook.name, job.scenario, dict(job.parameters)) for job in jobs]


# Notebooks


def test_notebooks_are_found_in_reading_order_with_title_and_parameters(project):
    first, second = plan.notebooks(project)
    assert (first.name, first.title, second.name) == ("01_cost", "What does it cost?", "02_power")
    assert list(second.parameters) == ["subject", "utilisation_frac", "num_gpu", "day"]
    assert first.parameters["utilisation_frac"] == Parameter(
        "utilisation_frac", float, 0.6, "frac", "share of hours that serve users"
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x: str = ", "line 1: the value of 'x' must be str without = and #, and written out"),
        ('x = "a"  # [gpu] a', "line 1: write `name: type = value"),
        ("x: list = []  # [gpu] a", "line 1: the type of 'x' must be one of str, int, float, bool"),
        ("x: int | None = 1  # [tok] a", "line 1: write `name: type = value"),
        ("x: int = 1", "line 1: 'x' needs a comment `# [kind] meaning`"),
        ("x: int = 1  # tok", "line 1: 'x' needs a comment"),
        ("x: int = 1 + 1  # [tok] a", "line 1: the value of 'x' must be int without = and #, and written out"),
        ("x: int = 1  # [tok] a\nx: int = 2  # [tok] b", "line 2: 'x' is there twice"),
        ("x: int = 1; y: int = 2  # [tok] a", "line 1: the value of 'x' must be int without"),
        ("x: int = (\n  1)  # [tok] a", "line 1: the value of 'x' must be int without"),
        ('x: str = "a=b"  # [gpu] a', "line 1: the value of 'x' must be str without = and #"),
        ('x: str = "a#b"  # [gpu] a', "line 1: the value of 'x' must be str without = and #"),
        ('x: float = "1"  # [usd] a', "line 1: the value of 'x' must be float"),
        ("x: int = True  # [tok] a", "line 1: x: True is not a whole number"),
        ("x: float = 1.5  # [frac] a", "line 1: x: 1.5 is not a fraction"),
        ("\n".join(f"x{i}: int = 1  # [tok] a" for i in range(16)), "line 16: more than 15 parameters"),
    ],
)
def test_a_parameters_cell_of_another_form_is_refused(source, message):
    with pytest.raises(DataError) as error:
        plan.parse_parameters(source, "01_cost.ipynb", SOURCE.kinds)
    assert str(error.value).startswith(f"01_cost.ipynb: parameters cell, {message}")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": []}', '{"cells": [{}], "nbformat": 4}'])
def test_a_file_that_is_no_notebook_is_refused(project, text):
    (project.notebooks / "03_broken.ipynb").write_text(text)
    with pytest.raises(DataError, match=r"^03_broken.ipynb: this is not a notebook"):
        plan.notebooks(project)


def test_two_parameters_cells_are_refused(project):
    document = json.loads((project.notebooks / "01_cost.ipynb").read_text())
    document["cells"].append(cell("y: int = 1  # [tok] a", "parameters"))
    (project.notebooks / "01_cost.ipynb").write_text(json.dumps(document))
    with pytest.raises(DataError, match=r"01_cost.ipynb: more than one cell is tagged 'parameters'"):
        plan.notebooks(project)


def test_a_notebook_may_have_no_parameters(tmp_path):
    write_notebook(tmp_path / "01_plain.ipynb", "1", parameters=None)
    assert plan.read_notebook(tmp_path / "01_plain.ipynb", {}).parameters == {}


# Values


def parameter(kind, type_):
    return Parameter("x", type_, None, kind, "")


@pytest.mark.parametrize(
    ("kind", "type_", "given_", "read"),
    [
        ("gpu", str, "h200", "h200"),
        ("usd", float, "1e3", 1000.0),
        ("usd", float, 3, 3),
        ("tok", int, "8192", 8192),
        ("frac", float, "1", 1.0),
        ("flag", bool, "true", True),
        ("flag", bool, False, False),
        ("date", str, "2026-04-15", "2026-04-15"),
        ("date", str, date(2026, 4, 15), "2026-04-15"),
        ("token_scope", str, "output", "output"),
    ],
)
def test_values_are_read_as_the_annotated_type(kind, type_, given_, read):
    result = parameter(kind, type_).convert(given_, SOURCE.kinds)
    assert (result, type(result)) == (read, type(read))


@pytest.mark.parametrize(
    ("kind", "type_", "value", "message"),
    [
        ("gpu", str, 123, "expected text, not 123"),
        ("gpu", str, False, "expected text, not False"),  # YAML reads `no` so
        ("gpu", str, date(2026, 4, 15), "expected text, not datetime.date(2026, 4, 15)"),
        ("usd", float, "abc", "'abc' is not a number"),
        ("usd", float, "", "'' is not a number"),
        ("usd", float, "nan", "'nan' is not a finite number"),
        ("usd", float, "1e999", "'1e999' is not a finite number"),
        ("usd", float, float("inf"), "inf is not a finite number"),
        ("usd", float, True, "True is not a number"),
        ("usd", float, [1], "[1] is not a number"),
        ("usd", float, None, "None is not a number"),
        ("tok", int, "3.0", "'3.0' is not a whole number"),
        ("tok", int, 3.0, "3.0 is not a whole number"),
        ("tok", int, True, "True is not a whole number"),
        ("frac", float, "60", "'60' is not a fraction above 0, at most 1"),
        ("frac", float, -0.1, "-0.1 is not a fraction above 0, at most 1"),
        ("frac", float, 0.0, "0.0 is not a fraction above 0, at most 1"),
        ("share", float, 1.5, "1.5 is not a share from 0 to 1"),
        ("0..1", float, "-1", "'-1' is not a share from 0 to 1"),
        ("flag", bool, "yes", "'yes' is neither true nor false"),
        ("flag", bool, 1, "1 is neither true nor false"),
        ("date", str, "2026-13-40", "'2026-13-40' is neither a date such as 2026-04-15 nor 'latest'"),
        ("date", str, "20260415", "'20260415' is neither a date such as 2026-04-15 nor 'latest'"),
        ("token_scope", str, "outputs", "'outputs' is not a token scope; did you mean 'output' or 'input'?"),
    ],
)
def test_values_of_another_type_or_range_are_refused(kind, type_, value, message):
    with pytest.raises(ValueError) as error:
        parameter(kind, type_).convert(value, SOURCE.kinds)
    assert str(error.value) == message


@given(st.floats(0, plan.LARGEST))
def test_a_number_survives_being_written_as_text(number):
    assert parameter("ratio", float).convert(repr(number), SOURCE.kinds) == number


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1_0_2_4", "is not a number"),
        ("１０２４", "is not a number"),
        ("٣", "is not a number"),
        ("9" * 400, "is larger than anything here can be"),
        ("1e16", "is larger than anything here can be"),
        ("1e400", "is not a finite number"),
    ],
)
def test_a_number_is_written_in_plain_digits_and_has_a_size(text, said):
    with pytest.raises(ValueError, match=said):
        parameter("usd", float).convert(text, SOURCE.kinds)
    with pytest.raises(ValueError, match=r"is not a whole number|is larger than anything here can be"):
        parameter("tok", int).convert(text, SOURCE.kinds)


def test_a_number_of_a_file_has_a_size_too():
    with pytest.raises(ValueError, match="larger than anything"):
        parameter("tok", int).convert(10**30, SOURCE.kinds)


@given(st.text())
def test_any_text_becomes_a_number_or_one_sentence(text):
    try:
        assert isinstance(parameter("ratio", float).convert(text, SOURCE.kinds), float)
    except ValueError as error:
        assert "\n" not in str(error) and len(str(error)) < 100


# Jobs


def test_default_needs_no_file(project):
    assert values(plan.make(project).jobs) == [("01_cost", "default", {}), ("02_power", "default", {})]


def test_a_parameter_goes_to_every_notebook_that_has_it_and_the_command_line_wins(project):
    write_scenario(project, "other", "title: Other\nparameters: {subject: h200, day: 2026-09-01, num_gpu: 8}")
    jobs = plan.make(project, ["other"], {"num_gpu": "16"}).jobs
    shared = {"subject": "h200", "num_gpu": 16}
    assert values(jobs) == [("01_cost", "other", shared), ("02_power", "other", shared | {"day": "2026-09-01"})]
    assert jobs[0].values == {"subject": "h200", "utilisation_frac": 0.6, "num_gpu": 16}


def test_all_means_default_and_every_file(project):
    write_scenario(project, "b", "title: B\nnotebooks: [02_power]")
    write_scenario(project, "a", "title: A")
    made = plan.make(project, ["all"])
    assert [(j.scenario, j.notebook.name[:2]) for j in made.jobs] == [
        ("default", "01"), ("default", "02"), ("a", "01"), ("a", "02"), ("b", "02"),
    ]  # fmt: skip
    assert made.is_whole


def test_only_narrows_the_notebooks(project):
    write_scenario(project, "dated", "title: D\nparameters: {day: 2026-09-01}")
    made = plan.make(project, ["dated"], only=["01_cost"])  # the scenario's date is known, though not to 01
    assert values(made.jobs) == [("01_cost", "dated", {})]
    assert not made.is_whole and not plan.make(project, parameters={"num_gpu": "1"}).is_whole


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            dict(parameters={"subjct": "h200"}),
            "subjct: no chosen notebook has a parameter 'subjct'; did you mean 'subj",
        ),
        (
            dict(parameters={"zzzzzz": "1"}),
            "zzzzzz: no chosen notebook has a parameter 'zzzzzz'; known: day, num_gpu, su",
        ),
        (dict(parameters={"day": "2026-01-01"}, only=["01_cost"]), "day: no chosen notebook has a parameter 'day'"),
        (dict(parameters={"utilisation_frac": "abc"}), "utilisation_frac: 'abc' is not a number"),
        (dict(only=["01_costs"]), "notebook '01_costs' is not known; did you mean '01_cost'?"),
        (dict(scenarios=["../x"]), "scenario '../x': a scenario's name has only the characters"),
        (dict(scenarios=["othr"]), "scenario 'othr' is not known; did you mean 'other'?"),
        (dict(scenarios=["other"], only=["01_cost"]), "scenario 'other' has none of the chosen notebooks"),
    ],
)
def test_bad_arguments_are_refused_with_what_was_meant(project, arguments, message):
    write_scenario(project, "other", "title: Other\nnotebooks: [02_power]")
    with pytest.raises(ParameterError) as error:
        plan.make(project, **arguments)
    assert str(error.value).startswith(message)


def test_parameters_of_the_command_line_are_name_and_value():
    assert plan.split_parameters(["a=1", "b=x=y", "a=2", "c="]) == {"a": "2", "b": "x=y", "c": ""}
    for text in ("a", "=1"):
        with pytest.raises(ParameterError, match="write it as name=value"):
            plan.split_parameters([text])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "bad.yaml: a scenario is a mapping"),
        ("- a", "bad.yaml: a scenario is a mapping"),
        ("a: [", "bad.yaml, row 1: this is not YAML"),
        ("title: x\nparameters: {day: 2026-13-40}", "bad.yaml, row 2: '2026-13-40' is no timestamp"),
        ("parameters: {}", "bad.yaml, field 'title': field required"),
        ("title: 3", "bad.yaml, field 'title': input should be a valid string"),
        ("title: x\nparams: {}", "bad.yaml, field 'params': extra inputs are not permitted"),
        ("title: x\nnotebooks: [1]", "bad.yaml, field 'notebooks.0': input should be a valid string"),
        ("title: x\nnotebooks: [03_no]", "bad.yaml, field 'notebooks': notebook '03_no' is not known"),
        ("title: x\nparameters: {subject: 5}", "bad.yaml, field 'parameters.subject': expected text, not 5"),
        ("title: x\nparameters: {subject: no}", "bad.yaml, field 'parameters.subject': expected text, not False"),
        ("title: x\nparameters: {sbject: a}", "bad.yaml, field 'parameters.sbject': no chosen notebook has"),
        ("title: x\nparameters: {num_gpu: 1.5}", "bad.yaml, field 'parameters.num_gpu': 1.5 is not a whole number"),
    ],
)
def test_a_scenario_that_cannot_be_used_names_file_and_field(project, text, message):
    write_scenario(project, "bad", text)
    with pytest.raises(DataError) as error:
        plan.make(project, ["bad"])
    assert str(error.value).startswith(message)


def test_a_scenario_that_is_not_text_is_refused(project):
    write_scenario(project, "bad", "")
    (project.scenarios / "bad.yaml").write_bytes(b"title: \xff\xfe")
    with pytest.raises(DataError, match=r"bad.yaml, row 1: this is not UTF-8 text"):
        plan.make(project, ["bad"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Path.mkdir, "bad.yaml: this is not a regular file"),
        (os.mkfifo, "bad.yaml: this is not a regular file"),
        (lambda path: path.symlink_to("nowhere"), "bad.yaml: this cannot be read: No such file or directory"),
    ],
)
def test_a_scenario_that_is_no_file_is_refused_when_it_is_asked_for_and_only_then(project, make, message):
    project.scenarios.mkdir(parents=True, exist_ok=True)
    make(project.scenarios / "bad.yaml")
    assert plan.make(project, ["default"]).jobs
    with pytest.raises(DataError) as error:
        plan.make(project, ["bad"])
    assert str(error.value) == message


def test_a_project_without_notebooks_says_so(tmp_path):
    with pytest.raises(DataError, match=r"there is no notebook named NN_subject\.ipynb"):
        plan.make(Project(tmp_path))


def test_the_scenarios_that_ship_can_be_read(project):
    shipped = Project()
    assert {"default", "mi355x_vs_b200", "swapped"} <= set(plan.scenario_names(shipped))
    for name in plan.scenario_names(shipped):
        assert plan.read_scenario(shipped, name).title


# Prices and inputs of a scenario's own

OWNING = 'profile: str = "typical"  # [tco_profile] whose cost\nrent: str = "spot"  # [price_basis] whose hour\n'
OWNING += "has_own_building: bool = False  # [flag] a building\n"
PRICES = "prices: [{gpu: h200, usd_per_gpu_hour: 2, effective_from: 2026-10-01, provider: A, accessed: 2026-10-01}]\n"
INPUTS = "inputs: {all: {life_year: {value: 5, unit: year}}}\n"
BUILDING = "inputs: {all: {building_usd_per_kw: {value: 9000, unit: usd/kw}}}\n"


DRAWN = "power:\n  - {gpu: h200, basis: board_tdp, kw_per_gpu: 0.9, effective_from: 2026-10-01, provider: us,"
DRAWN += " accessed: 2026-10-05}\n"


def own_jobs(project, text, **parameters):
    write_notebook(project.notebooks / "01_cost.ipynb", parameters=OWNING)
    write_scenario(project, "mine", "title: x\nnotebooks: [01_cost]\n" + text)
    return plan.make(project, ["mine"], parameters).jobs


def test_own_inputs_are_the_profile_of_the_scenario(project):
    (job,) = own_jobs(project, INPUTS)
    assert job.parameters == {"profile": "mine"}
    (job,) = own_jobs(project, INPUTS, profile="typical")  # the command line still says the last word
    assert job.parameters == {"profile": "typical"}


def test_own_prices_are_asked_for_by_their_basis(project):
    (job,) = own_jobs(project, PRICES + "parameters: {rent: your_quote_mine}")
    assert job.parameters == {"rent": "your_quote_mine"}


def test_own_powers_are_those_of_the_scenario(project):
    write_notebook(project.notebooks / "02_mw.ipynb", parameters='power_owner: str = "x"  # [power_owner] whose\n')
    write_scenario(project, "mine", "title: x\nnotebooks: [02_mw]\n" + DRAWN)
    (job,) = plan.make(project, ["mine"]).jobs
    assert job.parameters == {"power_owner": "your_power_mine"}
    write_scenario(project, "mine", "title: x\nnotebooks: [02_mw]\nparameters: {power_owner: x}\n" + DRAWN)
    with pytest.raises(
        DataError, match=r"^mine\.yaml, field 'parameters\.power_owner': the power figures of this file"
    ):
        plan.make(project, ["mine"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (DRAWN, "mine.yaml, field 'power': no chosen notebook reads power figures"),
        (DRAWN.replace("0.9", "-1"), "mine.yaml, field 'power.0.kw_per_gpu': -1 must be above 0"),
        ("power: {gpu: h200}", "mine.yaml, field 'power': write a list of power figures, each with a dash"),
        (PRICES, "mine.yaml, field 'prices': nothing reads them: write your_quote_mine for a price basis"),
        (PRICES + "parameters: {rent: your_quote_other}", "mine.yaml, field 'prices': nothing reads them"),
        (PRICES.replace(": 2,", ": 0,"), "mine.yaml, field 'prices.0.usd_per_gpu_hour': 0 must be above 0"),
        ("prices: {gpu: h200}", "mine.yaml, field 'prices': write a list of prices, each with a dash"),
        (INPUTS.replace("5", "0"), "mine.yaml, field 'inputs.all.life_year.value': must be above 0"),
        (
            INPUTS + "parameters: {profile: typical}",
            "mine.yaml, field 'parameters.profile': the inputs of this file are",
        ),
        (BUILDING, "mine.yaml, field 'inputs.all.building_usd_per_kw': a building is read only with has_own_building"),
        ("parameters: {has_own_building: 1}", "mine.yaml, field 'parameters.has_own_building': 1 is neither true nor"),
    ],
)
def test_own_numbers_that_cannot_be_used_are_refused_with_their_path(project, text, message):
    with pytest.raises(DataError) as error:
        own_jobs(project, text)
    assert str(error.value).startswith(message)


def test_own_inputs_that_no_notebook_reads_are_refused(project):
    write_scenario(project, "mine", "title: x\n" + INPUTS)
    with pytest.raises(DataError, match=r"^mine\.yaml, field 'inputs': no chosen notebook reads inputs of owning$"):
        plan.make(project, ["mine"])


def test_a_building_of_one_s_own_is_read_where_the_parameters_say_so(project):
    (job,) = own_jobs(project, BUILDING + "parameters: {has_own_building: true}")
    assert job.parameters == {"has_own_building": True, "profile": "mine"}


@pytest.mark.parametrize(
    ("kind", "refused", "taken"),
    [
        ("frac", (0.0, 1.01, -0.1), (0.01, 1.0)),
        ("0..1", (-0.1, 1.1), (0.0, 1.0)),
        ("share", (-0.1, 1.1), (0.0, 1.0)),
        ("rho", (-1.0, 1.0, 2.0), (-0.99, 0.0, 0.99)),
        ("sigma", (-0.1,), (0.0, 3.0)),
        ("tok/s/user", (0.0, -5.0), (0.1,)),
        ("mw", (0.0, -5.0), (0.1,)),
        ("usd/mtok", (0.0, -5.0), (0.1,)),
        ("usd/kwh", (-0.01,), (0.0,)),
    ],
)
def test_a_number_outside_the_range_of_its_kind_is_refused(project, kind, refused, taken):
    write_notebook(project.notebooks / "01_cost.ipynb", parameters=f"x: float = {taken[0]}  # [{kind}] a number")
    for value in taken:
        assert plan.make(project, parameters={"x": str(value)}, only=["01_cost"]).jobs
    for value in refused:
        write_scenario(project, "bad", f"title: x\nnotebooks: [01_cost]\nparameters: {{x: {value}}}")
        with pytest.raises(DataError, match=rf"^bad\.yaml, field 'parameters\.x': {value} is not "):
            plan.make(project, ["bad"])


def test_the_worked_example_can_be_made_with_the_data():
    from tokenfactory import warehouse

    jobs = plan.make(Project(), ["mine"]).jobs
    assert {job.notebook.name[:2] for job in jobs} == {"03", "07", "08", "09"}
    assert all(job.values.get("profile", "mine") == "mine" for job in jobs)
    db = warehouse.connect()
    source.check_against_data(jobs, db)
    early = plan.make(Project(), ["mine"], {"price_date": "2026-09-30"}).jobs
    with pytest.raises(NotMeasuredError, match="no your_quote_mine price of gb300 on 2026-09-30"):
        source.check_against_data(early, db)
    # Read on 2026-10-05: 180 days later they still pass, and a day after that no more.
    for today, num_old in ((date(2027, 4, 3), 0), (date(2027, 4, 4), 2)):
        told = source.stale_prices(jobs, db, 180, today)
        assert sum(sentence.startswith("the your_quote_mine price of ") for sentence in told) == num_old


# Against the data


class Data:
    """What `check_against_data` asks a warehouse for."""

    def vocabulary(self, kind):
        return {
            "gpu": ["gb300", "h200"],
            "price_basis": ["hyperscaler"],
            "price_provider": ["one", "two"],
            "power_basis": ["all_in"],
        }[kind]

    def price(self, *, gpu, basis, on, provider="one"):
        if (gpu == "h200" and on < "2026-03-18") or provider != "one":
            raise NotMeasuredError(f"no {basis} price of {gpu} by {provider} on {on}")

    def power(self, *, gpu, basis, on):
        raise NotMeasuredError(f"no {basis} power of {gpu} on {on}")


def check(project, parameters, **values_):
    write_notebook(project.notebooks / "01_cost.ipynb", parameters=parameters)
    source.check_against_data(plan.make(project, parameters=values_, only=["01_cost"]).jobs, Data())


GPUS = 'subject: str = "gb300"  # [gpu] a\nbaseline: str = "h200"  # [gpu] b\n'
PRICED = GPUS + 'basis: str = "hyperscaler"  # [price_basis] a\nprice_date: str = "2026-04-15"  # [date] day\n'
POWERED = GPUS + 'basis: str = "all_in"  # [power_basis] a\npower_date: str = "2026-04-15"  # [date] day\n'


def test_known_keys_pass(project):
    check(project, PRICED)
    check(project, GPUS, subject="h200", baseline="gb300")


def test_nothing_is_compared_with_itself(project):
    with pytest.raises(ParameterError, match=r"^subject and baseline are both 'h200': choose two that differ$"):
        check(project, GPUS, subject="h200")


def test_an_unknown_key_is_refused_with_the_nearest(project):
    with pytest.raises(ParameterError, match=r"^subject: 'gb30' is not a known gpu; did you mean 'gb300'\?$"):
        check(project, GPUS, subject="gb30")


def test_of_many_known_names_a_sentence_gives_a_few():
    known = [f"name-{n:03}" for n in range(200)]
    assert nearest("zz", known) == ("; 200 are known, such as name-000, name-040, name-080, name-120, name-160")


def test_an_unknown_key_among_the_defaults_is_refused_too(project):
    with pytest.raises(ParameterError, match=r"^subject: 'gb399' is not a known gpu"):
        check(project, GPUS.replace("gb300", "gb399"))


def test_a_text_parameter_needs_a_kind_with_a_vocabulary(project):
    with pytest.raises(DataError, match=r"^01_cost.ipynb: parameter 'subject': there is no kind \[gup\]$"):
        check(project, GPUS.replace("[gpu]", "[gup]"))


def test_each_gpu_needs_a_price_on_the_day(project):
    with pytest.raises(NotMeasuredError, match=r"^no hyperscaler price of h200 by one on 2026-01-01$"):
        check(project, PRICED, price_date="2026-01-01")


def test_the_price_looked_up_is_that_of_the_chosen_provider(project):
    parameters = PRICED + 'provider: str = "one"  # [price_provider] whose price\n'
    check(project, parameters)
    with pytest.raises(NotMeasuredError, match=r"^no hyperscaler price of gb300 by two on 2026-04-15$"):
        check(project, parameters, provider="two")


def test_each_gpu_needs_a_power_on_the_day(project):
    with pytest.raises(NotMeasuredError, match=r"^no all_in power of gb300 on 2026-04-15$"):
        check(project, POWERED)


# Old prices


class Book(Data):
    """Prices with the day on which each was last known to hold."""

    def __init__(self, **last_known):
        self.last_known = last_known

    def price(self, *, gpu, basis, on, provider="one"):
        return {"price_id": f"{gpu}-{basis}-{provider}", "last_known_on": self.last_known[gpu]}


def stale(project, book, max_age_days, **values_):
    for name in ("01_cost", "02_more"):
        write_notebook(project.notebooks / f"{name}.ipynb", parameters=PRICED)
    jobs = plan.make(project, parameters=values_, only=["01_cost", "02_more"]).jobs
    return source.stale_prices(jobs, book, max_age_days, today=date(2026, 11, 26))


def test_prices_older_than_allowed_are_told_once_each_with_who_asks(project):
    book = Book(gb300=date(2026, 5, 30), h200=date(2026, 5, 29))  # 180 and 181 days before
    assert stale(project, book, 180) == [
        "the hyperscaler price of h200 on 2026-04-15 (h200-hyperscaler-one) was last known to hold on 2026-05-29, "
        "181 days before 2026-11-26: 01_cost, 02_more"
    ]
    assert stale(project, book, 181) == []
    assert len(stale(project, book, 179)) == 2


def test_only_prices_that_a_job_looks_up_can_be_too_old(project):
    book = Book(gb300=date(2020, 1, 1), h200=date(2026, 11, 25), b200=date(2026, 11, 25))
    assert stale(project, book, 180, subject="b200") == []


def test_by_default_ages_are_counted_to_the_clock(project):
    write_notebook(project.notebooks / "01_cost.ipynb", parameters=PRICED)
    jobs = plan.make(project, only=["01_cost"]).jobs
    now = datetime.now(UTC).date()
    book = Book(gb300=now, h200=now - timedelta(days=10))
    assert source.stale_prices(jobs, book, 10) == []
    (sentence,) = source.stale_prices(jobs, book, 9)
    assert f"10 days before {now}" in sentence


def test_the_prices_of_the_product_are_old_when_enough_time_has_passed():
    from tokenfactory import warehouse

    jobs, db = plan.make(Project()).jobs, warehouse.connect()
    assert source.stale_prices(jobs, db, 180, today=date(2026, 11, 26)) == []
    # The owner replaced the default's prices of March on 2026-07-31, which a reader of a page of August must be told.
    found = source.stale_prices(jobs, db, 90, today=date(2026, 11, 26))
    assert any("owning_hyperscaler price of gb300 on 2026-04-15" in sentence for sentence in found)
    assert all("was last known to hold on 2026-" in sentence for sentence in found)


def test_the_folder_of_a_what_if_is_told_from_others_and_leads_nowhere_else():
    assert plan.what_if({"subject": "b200", "isl": "1024"}) == "isl-1024-subject-b200"
    odd = [plan.what_if({"x": value}) for value in ("a/b", "a b", "A-b", "../../etc", "é" * 300, "a-b")]
    assert len(set(odd)) == 6 and all(re.fullmatch(r"x-[a-z0-9._-]{0,95}", name) for name in odd)


def test_the_title_of_a_what_if_is_made_of_its_values(project):
    made = plan.make(project, parameters={"subject": "h200", "num_gpu": "1024"})
    assert made.scenarios["default"].title == "What if: subject H200, num gpu 1,024 gpus"
