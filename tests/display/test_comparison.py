"""The model of two systems: the claim's table by hand, and a choice among fair pairs."""

import pytest

from tokenfactory import warehouse
from tokenfactory.display import comparison
from tokenfactory.errors import ParameterError
from tokenfactory.methods import serving

HOURS = {"gb300": {"value": 2.652, "low": 1.9, "high": 9.0}, "h200": {"value": 1.41}}
USE = {"value": 1.0, "low": 0.05, "high": 1.0}


def test_the_claim_by_hand():
    rates = {"gb300": {"value": 5930.0}, "h200": {"value": 93.25}}
    book = comparison.cost_model(
        "A million tokens", subject="gb300", usd_per_gpu_hour=HOURS, tok_per_s_per_gpu=rates, utilisation_frac=USE
    )
    values = {line["name"]: {c: cell["value"] for c, cell in line["cells"].items()} for line in book.data()["lines"]}
    assert values["usd_per_mtok"] == pytest.approx({"gb300": 0.124227, "h200": 4.200179}, rel=1e-5)
    assert values["times_less"] == pytest.approx({"gb300": 33.8106}, rel=1e-5)
    assert values["break_even_usd_per_gpu_hour"] == pytest.approx({"gb300": 89.665}, rel=1e-5)
    assert values["break_even_utilisation_frac"] == pytest.approx({"gb300": 0.0295767}, rel=1e-5)


def test_one_system_alone_has_a_cost_and_nothing_to_tie_with():
    book = comparison.cost_model(
        "x", subject="h200", usd_per_gpu_hour={"h200": HOURS["h200"]}, tok_per_s_per_gpu={"h200": {"value": 93.25}},
        utilisation_frac=USE)  # fmt: skip
    assert [line["name"] for line in book.data()["lines"]] == ["usd_per_mtok"]
    assert book.data()["sentence"] == ""


def test_a_sentence_names_only_what_the_workbook_has():
    rates = {"gb300": {"value": 5930.0}, "h200": {"value": 93.25}}
    given = {"usd_per_gpu_hour": HOURS, "tok_per_s_per_gpu": rates, "utilisation_frac": USE}
    book = comparison.cost_model("x", subject="gb300", **given)
    assert "comparison" not in book.data()["sentence"]
    with pytest.raises(ParameterError, match="'comparison'"):
        book.sentence("At {comparison}, a token costs {usd_per_mtok@gb300}.")


def test_every_fair_pair_can_be_chosen_once():
    every = warehouse.connect().points()
    rows = [row for row in every if (row["model"], row["isl"], row["osl"]) == ("deepseek-r1-0528", 1024, 1024)]
    curves = serving.Curves.of_workload(rows, serving.learn_bands(every))
    pairs = [*curves.pairs("gb300", "h200"), *curves.like_for_like("gb300", "h200")]
    book = comparison.of_pairs(
        "x", pairs, subject="gb300", usd_per_gpu_hour=HOURS, of_scope=lambda t: t / 2, utilisation_frac=USE
    )
    (choice,) = book.data()["choices"]
    made = [option["cells"]["tok_per_s_per_gpu@gb300"] for option in choice["options"]]
    assert set(made) <= {pair.subject.tput_per_gpu / 2 for pair in pairs} and len(made) > 10
    assert len({option["label"] for option in choice["options"]}) == len(made)


def test_a_case_sets_the_hour_and_the_use_of_every_system():
    option = comparison.case("Rents, 60% used", {"gb300": 5, "h200": 2.9}, 0.6)
    assert option[:2] == ("", "Rents, 60% used")
    assert option[2] == {
        "usd_per_gpu_hour@gb300": 5.0, "usd_per_gpu_hour@h200": 2.9,
        "utilisation_frac@gb300": 0.6, "utilisation_frac@h200": 0.6,
    }  # fmt: skip
