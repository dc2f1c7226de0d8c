"""Formulas that write themselves down: the text means what the arithmetic meant, for a spreadsheet too."""

import math
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenfactory.display.workbook import MIME, Cell, Workbook
from tokenfactory.errors import ParameterError
from tokenfactory.formulas import cost, finance

COLUMNS = {"gb300": "GB300", "h200": "H200"}


def cells(**values):
    return {name: Cell(f"{{{name}@all}}", float(value)) for name, value in values.items()}


def as_a_spreadsheet_reads_it(formula, **values):
    """A formula computed with a spreadsheet's rules: a sign binds before a power, powers go from left to right."""
    tokens = re.findall(r"\{(\w+)@\w+\}|([0-9.]+(?:e[+-]?[0-9]+)?)|([-+*/^()=])", formula)
    assert "".join(f"{{{n}@all}}" if n else d or o for n, d, o in tokens) == formula
    stream = [values[name] if name else float(digits) if digits else sign for name, digits, sign in tokens]

    def atom():
        token = stream.pop(0)
        if token == "-":
            return -atom()
        if token == "(":
            found = level(0)
            assert stream.pop(0) == ")"
            return found
        return token

    levels = ({"=": lambda a, b: float(a == b)}, {"+": lambda a, b: a + b, "-": lambda a, b: a - b})
    levels += ({"*": lambda a, b: a * b, "/": lambda a, b: a / b}, {"^": lambda a, b: a**b})

    def level(number):
        if number == len(levels):
            return atom()
        found = level(number + 1)
        while stream and isinstance(stream[0], str) and stream[0] in levels[number]:
            found = levels[number][stream.pop(0)](found, level(number + 1))
        return found

    result = level(0)
    assert not stream
    return result


def test_a_formula_is_what_a_person_would_write():
    c = cells(price=3, speed=90, use=0.6)
    made = cost.usd_per_mtok(usd_per_gpu_hour=c["price"], tok_per_s_per_gpu=c["speed"], utilisation_frac=c["use"])
    assert made.formula == "{price@all}*1000000/(3600*{speed@all}*{use@all})"
    assert made.value == 3e6 / (3600 * 90 * 0.6)


@pytest.mark.parametrize(
    ("make", "formula"),
    [
        (lambda a, b: 0 + a + b, "{a@all}+{b@all}"),  # sum() starts with 0
        (lambda a, b: 1.0 * a / 1, "{a@all}"),
        (lambda a, b: a - 0, "{a@all}"),
        (lambda a, b: 0 - a, "0-{a@all}"),
        (lambda a, b: a * (1.0 + 0) - b, "{a@all}-{b@all}"),
        (lambda a, b: a - (b + a), "{a@all}-({b@all}+{a@all})"),
        (lambda a, b: a - b - a, "{a@all}-{b@all}-{a@all}"),
        (lambda a, b: a / (b * a), "{a@all}/({b@all}*{a@all})"),
        (lambda a, b: (a / b) / a, "{a@all}/{b@all}/{a@all}"),
        (lambda a, b: (a + b) * 2, "({a@all}+{b@all})*2"),
        (lambda a, b: a**-b, "{a@all}^(-{b@all})"),
        (lambda a, b: (a**b) ** 2, "({a@all}^{b@all})^2"),
        (lambda a, b: a ** (b**2), "{a@all}^({b@all}^2)"),
        (lambda a, b: (-a) ** 2, "(-{a@all})^2"),
        (lambda a, b: -(a**2), "(-({a@all}^2))"),
        (lambda a, b: a * -3, "{a@all}*(-3)"),
        (lambda a, b: 2 * (a == b), "2*({a@all}={b@all})"),
        (lambda a, b: a * 1e-6, "{a@all}*1e-06"),
    ],
)
def test_brackets_stand_where_a_spreadsheet_needs_them(make, formula):
    made = make(**cells(a=3, b=2))
    assert made.formula == formula
    assert math.isclose(as_a_spreadsheet_reads_it(formula, a=3.0, b=2.0), make(3.0, 2.0))
    assert made.value == make(3.0, 2.0)


NUMBERS = st.floats(0.01, 50).map(lambda x: round(x, 3))
LEAVES = st.sampled_from(["a", "b"]) | NUMBERS
EXPRESSIONS = st.recursive(LEAVES, lambda inner: st.tuples(st.sampled_from("+-*/^"), inner, inner), max_leaves=8)


def build(expression, names):
    if isinstance(expression, tuple):
        sign, left, right = expression
        left, right = build(left, names), build(right, names)
        apply = {"+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right}
        return (apply | {"/": lambda: left / right, "^": lambda: left**right})[sign]()
    return names[expression] if isinstance(expression, str) else expression


@given(EXPRESSIONS, NUMBERS, NUMBERS)
def test_any_formula_means_the_same_in_a_spreadsheet(expression, a, b):
    try:
        wanted = build(expression, {"a": a, "b": b})
    except (OverflowError, ZeroDivisionError):
        return
    if isinstance(wanted, complex) or not 1e-200 < abs(wanted) < 1e200:
        return
    made = build(expression, cells(a=a, b=b))
    if not isinstance(made, Cell):
        return
    try:
        read = as_a_spreadsheet_reads_it(made.formula, a=a, b=b)
    except (OverflowError, ZeroDivisionError):
        return
    if not isinstance(read, complex):
        assert math.isclose(read, wanted, rel_tol=1e-6, abs_tol=1e-9 * max(1, abs(wanted)))
        assert math.isclose(made.value, wanted, rel_tol=1e-12)


def test_the_whole_build_up_goes_through_the_library_s_own_formulas():
    inputs = dict(usd_per_gpu=28_750, wacc_frac=0.07, life_year=4, kw_per_gpu=1.37, load_frac=0.8, pue=1.25)
    inputs |= dict(usd_per_kwh=0.08, colocation_usd_per_kw_year=1560, maintenance_frac=0.01, salvage_frac=0.1)
    made = finance.owned_usd_per_gpu_hour(**cells(**inputs))
    assert made.value == finance.owned_usd_per_gpu_hour(**inputs)
    assert math.isclose(as_a_spreadsheet_reads_it(made.formula, **inputs), made.value, rel_tol=1e-12)
    without = inputs | {"wacc_frac": 0.0}  # the limit at a rate of zero holds in the workbook too
    wanted = finance.owned_usd_per_gpu_hour(**without)
    assert math.isclose(as_a_spreadsheet_reads_it(made.formula, **without), wanted, rel_tol=1e-12)


def test_a_formula_cannot_decide():
    with pytest.raises(TypeError, match="only arithmetic"):
        bool(Cell("{a@all}", 1.0) == 1)
    with pytest.raises(TypeError):
        Cell("{a@all}", 1.0) + "1"


def row(value, **more):
    return {"value": value, "unit": "year", "low": 3.0, "high": 6.0, "status": "guess", "note": None} | more


def test_what_all_columns_share_is_one_cell():
    book = Workbook("Life", COLUMNS)
    shared = book.inputs("life_year", "life", {"gb300": row(4), "h200": row(4)})
    apart = book.inputs("kw_per_gpu", "power", {"gb300": 2.12, "h200": 1.37}, "kw/gpu")
    alone = book.inputs("tok_per_s_per_gpu", "throughput", {"gb300": 5970.0})
    assert [shared[c].formula for c in COLUMNS] == ["{life_year@all}"] * 2
    assert [apart[c].formula for c in COLUMNS] == ["{kw_per_gpu@gb300}", "{kw_per_gpu@h200}"]
    assert list(alone) == ["gb300"]
    assert book.inputs("nothing", "nothing", {}) == {}


def test_a_workbook_is_described_with_values_ranges_and_sources():
    book = Workbook("Life", COLUMNS)
    told = row(4, as_of=date(2026, 1, 2), source_url="https://a", key="unused")
    life = book.inputs("life_year", "life", {"gb300": told, "h200": row(5)})
    double = book.line("double_year", "Double", "year", {c: 2 * cell for c, cell in life.items()}, is_result=True)
    assert double["h200"].formula == "{double_year@h200}" and double["h200"].value == 10
    shown = book._repr_mimebundle_()
    first, second = shown[MIME]["inputs"][0]["cells"].values()
    assert first == {
        "value": 4, "low": 3.0, "high": 6.0, "status": "guess", "as_of": "2026-01-02", "source_url": "https://a",
    }  # fmt: skip
    assert second["value"] == 5 and shown[MIME]["inputs"][0]["unit"] == "year"
    assert shown[MIME]["lines"][0]["cells"]["gb300"] == {"formula": "2*{life_year@gb300}", "value": 8.0}
    assert "2 inputs and 1 lines of formulas that lead to: Double" in shown["text/html"]
    assert "Double [year]: GB300 8.00000, H200 10.0000" in shown["text/plain"]


def test_text_from_data_is_escaped():
    book = Workbook("<script>alert(1)</script>", {"a": "A"})
    book.line("x", "<img src=x>", "1", book.inputs("y", "Y", {"a": 1.0}), is_result=True)
    html = book._repr_mimebundle_()["text/html"]
    assert "<script" not in html and "<img" not in html


@pytest.mark.parametrize("name", ["Life", "1x", "a b", "", "life_year"])
def test_every_row_has_a_name_of_its_own(name):
    book = Workbook("Life", COLUMNS)
    book.inputs("life_year", "life", {"gb300": 4.0})
    with pytest.raises(ParameterError, match="is not the name of a new row"):
        book.inputs(name, "x", {"gb300": 4.0})


def test_an_unknown_column_is_refused():
    with pytest.raises(ParameterError, match=r"^life_year: the workbook has no column 'b200'$"):
        Workbook("Life", COLUMNS).inputs("life_year", "life", {"b200": 4.0})


def chosen(*options):
    book = Workbook("Speed", {"a": "A"})
    book.inputs("rate", "rate", {"a": 2.0}, "tok/s/gpu")
    book.choice("pair", "Pair", options)
    return book


def test_a_choice_sets_inputs_and_starts_with_what_they_hold():
    book = chosen(("Best", "fast", {"rate@a": 2.0}), ("Same", "slow", {"rate@a": 1.0}))
    (told,) = book.data()["choices"]
    assert [option["label"] for option in told["options"]] == ["fast", "slow"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([("g", "fast", {"rate@b": 2.0})], "no input 'rate@b'"),
        ([("g", "fast", {"rate@a": 3.0})], "what the inputs hold"),
        ([("g", "fast", {"rate@a": 2.0}), ("g", "slow", {})], "the same cells"),
    ],
)
def test_a_choice_that_fits_no_input_is_refused(options, says):
    with pytest.raises(ParameterError, match=says):
        chosen(*options)
