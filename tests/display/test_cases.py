"""Cases side by side: the last column takes the inputs of the case whose number stands there."""

import pytest

from tokenfactory.display import cases, inputs


def test_the_chosen_column_has_the_inputs_of_its_case():
    sheet = cases.Cases("a sum", {"low": "Low", "high": "High"}, "high")
    price = sheet.inputs("price", "price", {"low": 2, "high": 3}, "usd")
    assert {column: cell.value for column, cell in price.items()} == {"low": 2, "high": 3, "chosen": 3}
    kept = {column: sheet.keep(column)("sales", 0, 10 * cell) for column, cell in price.items()}
    assert kept["chosen"].formula == "{year_1_sales@chosen}" and kept["chosen"].value == 30
    assert sheet.keep("low")("tax", 0, 0.0) == 0.0  # a plain number needs no line
    sheet.lines({"sales": ("sales", "usd")})
    (mime,) = (value for key, value in sheet.book._repr_mimebundle_().items() if "model" in key)
    chosen, sales = mime["lines"]
    assert chosen["cells"]["chosen"]["formula"].count("{case_number@chosen}") == 2
    assert sales["label"] == "Year 1: sales" and sorted(sales["cells"]) == ["case_1", "case_2", "chosen"]


@pytest.mark.parametrize(
    ("count", "said"),
    [(999.0, "999"), (9.99e5, "999,000"), (1.8e10, "18 billion"), (9.996e11, "1 trillion"), (1e12, "1 trillion")],
)
def test_tokens_are_said_in_words(count, said):
    assert inputs.tokens(count) == said
