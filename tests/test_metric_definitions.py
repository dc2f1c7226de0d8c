"""A headline's key is its name for ever: what it means is on record, and a key never gets another meaning."""

import json

import metric_definitions as definitions
import pytest

RECORDED = definitions.read(definitions.RECORD.read_text())


def test_no_headline_means_something_else_than_on_record():
    assert definitions.problems(RECORDED, definitions.of_project()) == []


def test_every_key_is_one_number():
    keys = [row["key"] for row in definitions.of_project()]
    assert len(keys) >= 40 and len(set(keys)) == len(keys)


# That the check has teeth, and is no nuisance

LABELLED = """\
from tokenfactory.display.show import Headline, headlines
per_mtok = cost.usd_per_mtok(usd_per_gpu_hour=price, tok_per_s_per_gpu=tput)
"""


@pytest.fixture
def project(tmp_path, project):
    """A project with one notebook, whose stored output has one headline."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "hardware.csv").write_bytes((project / "data" / "hardware.csv").read_bytes())
    (tmp_path / "notebooks").mkdir()
    return tmp_path


def found(project, *, unit="usd/mtok", label="A million tokens on GB300", key="cost", value=1.0) -> list[dict]:
    sources = [LABELLED, 'headlines([Headline("cost", label, per_mtok, "usd/mtok", "-")])']
    headline = {"key": key, "label": label, "value": value, "unit": unit, "text": "-", "note": ""}
    outputs = [{"output_type": "display_data", "data": {definitions.MIME: {"headlines": [headline]}}}]
    cells = [{"cell_type": "code", "source": s, "metadata": {}, "outputs": outputs * n} for n, s in enumerate(sources)]
    (project / "notebooks" / "01_a.ipynb").write_text(json.dumps({"cells": cells}))
    return definitions.of_project(project)


def recorded(rows) -> dict:
    return definitions.read(definitions.write(rows))


def test_the_record_is_what_was_found(project):
    (row,) = found(project)
    assert (row["key"], row["unit"], row["label"]) == ("cost", "usd/mtok", "A million tokens on {gpu}")
    assert row["formulas"].startswith("cost.usd_per_mtok=")
    assert definitions.problems(recorded([row]), [row]) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"unit": "usd/tok"}, "01_a: headline 'cost' has another unit (usd/mtok -> usd/tok): give it a new key"),
        ({"label": "A million output tokens on GB300"}, "01_a: headline 'cost' has another label (A million tokens on"),
        ({"key": "cost_of_output"}, "01_a: headline 'cost_of_output' is new: python tests/metric_definitions.py --add"),
    ],
)
def test_another_meaning_needs_another_key(project, change, said):
    before = recorded(found(project))
    (problem,) = definitions.problems(before, found(project, **change))
    assert problem.startswith(said)
    if "key" in change:
        assert definitions.problems(before | recorded(found(project, **change)), found(project, **change)) == []


@pytest.mark.parametrize("change", [{"value": 9.0}, {"label": "A million tokens on MI355X"}])
def test_other_data_are_no_other_meaning(project, change):
    assert definitions.problems(recorded(found(project)), found(project, **change)) == []


def test_a_formula_that_declares_something_else_is_another_meaning(project, monkeypatch):
    from tokenfactory.formulas import cost

    before = recorded(found(project))

    def usd_per_mtok(*, usd_per_gpu_hour, tok_per_s_per_gpu, utilisation_frac=1, cached_total_frac=0):
        return 2 * usd_per_gpu_hour

    usd_per_mtok.__doc__ = cost.usd_per_mtok.__doc__
    monkeypatch.setattr(cost, "usd_per_mtok", usd_per_mtok)
    assert definitions.problems(before, found(project)) == []  # another body is another method
    for old, new in (("[USD/Mtok]", "[EUR/Mtok]"), ("(3600 t u)", "(3600 t u) + e")):
        usd_per_mtok.__doc__ = usd_per_mtok.__doc__.replace(old, new)
        (problem,) = definitions.problems(before, found(project))
        assert problem.startswith("01_a: headline 'cost' rests on cost.usd_per_mtok, which declares something else")

    def usd_per_mtok_of_output(*, usd_per_gpu_hour, output_tok_per_s_per_gpu):
        pass

    usd_per_mtok_of_output.__doc__ = cost.usd_per_mtok.__doc__
    monkeypatch.setattr(cost, "usd_per_mtok", usd_per_mtok_of_output)
    assert len(definitions.problems(before, found(project))) == 1


def test_a_key_that_is_gone_does_not_come_back_with_another_meaning(project):
    before = recorded(found(project))
    assert definitions.problems(before, []) == []
    assert definitions.problems(before, found(project, unit="1"))


def test_labels_without_what_comes_from_the_data():
    words = definitions.label_words
    assert (
        words("Hour of GB300 that ties with MI355X", {"gb300", "b300", "mi355x"})
        == "Hour of {gpu} that ties with {gpu}"
    )
    assert words("Capital that explains $2.65", {"gb300"}) == "Capital that explains {number}"
    assert words("Tokens per GPU", {"gb300"}) == "Tokens per GPU"


def test_formulas_are_found_through_names():
    setup = "from tokenfactory.formulas.power import tok_per_s_per_mw as per_mw\n"
    setup += "def f(x):\n    return cost.usd_per_mtok(a=x)\n"
    cells = [setup + "y = f(1)\nz = per_mw(2)\nw = finance.payback_year(3)", "Headline('k', y, z)", "y = cost.later(y)"]
    assert definitions.formulas(cells) == ["cost.usd_per_mtok", "power.tok_per_s_per_mw"]
    assert definitions.formulas(["y = cost.usd_per_mtok(1)"]) == []
