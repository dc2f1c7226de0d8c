"""Controls of a page compute what the notebook's formulas say: in Python, and in a browser with the network off."""

import json
import random
from pathlib import Path

import pytest

from reportkit import controls, outputs
from reportkit.errors import DataError
from tokenfactory.display import phrases

MODEL = {
    "about": "A million tokens",
    "columns": {"a": "A", "b": "B"},
    "inputs": [
        {"name": "price", "label": "price", "unit": "usd/gpu/h", "cells": {"a": {"value": 2.31, "low": 1, "high": 5},
                                                                          "b": {"value": 1.22}}},
        {"name": "rate", "label": "rate", "unit": "tok/s/gpu",
         "cells": {"a": {"value": 14222.4}, "b": {"value": 970.3}}},
        {"name": "use", "label": "use", "unit": "frac", "cells": {"all": {"value": 0.6, "low": 0.05, "high": 1}}},
    ],
    "lines": [
        {"name": "cost", "label": "cost", "unit": "usd/mtok", "is_result": True, "cells": {
            c: {"formula": f"{{price@{c}}}*1000000/(3600*{{rate@{c}}}*{{use@all}})", "value": 0} for c in "ab"}},
        {"name": "ratio", "label": "ratio", "unit": "1", "is_result": True,
         "cells": {"a": {"formula": "({cost@b}/{cost@a})^2-(-1)", "value": 0}}},
    ],
    "choices": [{"name": "pair", "label": "Pair", "options": [
        {"group": "Best", "label": "fast", "cells": {"rate@a": 14222.4, "rate@b": 970.3}},
        {"group": "Same", "label": "slow <b>", "cells": {"rate@a": 20.0, "rate@b": 10.0}},
    ]}],
    "sentence": "Going {pair}, A costs {cost@a} and B {cost@b}, {ratio@a|ratio}.",
}  # fmt: skip


READ = "Object.fromEntries([...document.querySelectorAll('output')].map(o => [o.name, +o.dataset.value]))"


# The functions of the script that put a ratio into words, on their own.
WORDS = controls.SCRIPT[controls.SCRIPT.index("const digits") : controls.SCRIPT.index("const state")]


def worked_out(given):
    """The same model by hand."""
    cost = {c: given[f"price@{c}"] * 1e6 / (3600 * given[f"rate@{c}"] * given["use@all"]) for c in "ab"}
    return {"cost@a": cost["a"], "cost@b": cost["b"], "ratio@a": (cost["b"] / cost["a"]) ** 2 + 1}


def test_a_formula_is_taken_apart_in_the_order_in_which_it_is_worked_out():
    assert controls.steps("{a@x}-{b@x}^2/4") == ["a@x", "b@x", 2.0, "^", 4.0, "/", "-"]
    assert controls.steps("{a@x}={b@x}") == ["a@x", "b@x", "="]


@pytest.mark.parametrize("formula", ["SUM({a@x})", "{a@x}+", "__import__('os')", "1 if 2 else 3"])
def test_what_is_no_arithmetic_is_refused(formula):
    with pytest.raises(DataError, match="not arithmetic"):
        controls.steps(formula)


def test_labels_from_data_are_text_and_nothing_else():
    hostile = json.loads(json.dumps(MODEL).replace('"price", "unit"', '"<script>x</script>\\"", "unit"'))
    page = controls.to_html(hostile, "01_a")
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_a_browser_computes_what_python_does_and_keeps_the_state_in_the_address(browser, tmp_path):
    page_of = tmp_path / "page.html"
    script = f'<script type="module">{controls.SCRIPT}</script>'
    page_of.write_text(f"<!doctype html><meta charset=utf-8>{controls.to_html(MODEL, '01_a')}{script}")
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(page_of.as_uri())
    page.click("summary")
    assert page.inner_text(".tf-said").startswith("Going fast, A costs $")
    page.select_option("select", "1")
    page.fill('input[name="price@a"]', "3")
    page.reload()
    cells = dict(controls.program(MODEL)["given"]) | {"rate@a": 20.0, "rate@b": 10.0, "price@a": 3.0}
    assert page.evaluate(READ) == pytest.approx(worked_out(cells), rel=1e-9)
    ratio = phrases.ratio(worked_out(cells)["ratio@a"])
    assert page.inner_text(".tf-said").startswith("Going slow <b>, A costs $") and page.inner_text(".tf-said").endswith(
        f", {ratio}."
    )
    page.click("button[type=reset]")
    page.click("summary")
    given, chance = dict(controls.program(MODEL)["given"]), random.Random(1)
    for _ in range(60):
        key = chance.choice(sorted(given))
        given[key] = round(given[key] * chance.uniform(0.3, 3), 4)
        page.fill(f'input[name="{key}"]', str(given[key] * (100 if key == "use@all" else 1)))
        assert page.evaluate(READ) == pytest.approx(worked_out(given), rel=1e-9)
    again = context.new_page()
    again.goto(page.url)
    assert again.evaluate(READ) == pytest.approx(worked_out(given), rel=1e-9)
    again.click("button[type=reset]")
    again.wait_for_function("location.hash === ''")
    times = [0.01, 0.5, 0.66, 0.8, 0.996, 1.0, 1.2, 1.99, 2.0, 7.04, 34.08, 250.3]
    words = "times => times.map(ratio)"
    told = [phrases.ratio(one) for one in times]
    assert again.evaluate(f"{WORDS}; ({words})({times})") == told
    context.close()


def test_tiles_that_the_model_gives_move_with_it_and_all_others_are_greyed(browser, tmp_path):
    model = json.loads(json.dumps(MODEL))
    model["lines"][0]["cells"]["a"]["value"] = worked_out(controls.program(MODEL)["given"])["cost@a"]
    tiles = [{"key": "k1", "value": float(f"{model['lines'][0]['cells']['a']['value']:.6g}"), "unit": "usd/mtok"},
             {"key": "k2", "value": 1.0, "unit": "usd/mtok"}, {"key": "k3", "value": None, "unit": "1"}]  # fmt: skip
    assert controls.tiles(model, tiles) == {"k1": "cost@a"}
    shown = [h | {"label": h["key"], "text": "PRINT", "note": ""} for h in tiles]
    blocks = outputs.to_html("headlines", {"headlines": shown}) + controls.to_html(model, "01_a", tiles)
    style = (Path(controls.__file__).parent / "templates" / "style.css").read_text()
    script = f'<script type="module">{controls.SCRIPT}</script>'
    place = tmp_path / "page.html"
    place.write_text(f'<!doctype html><style>{style}</style><div class="tf-out">{blocks}</div>{script}')
    page = browser.new_page()
    page.goto(place.as_uri())

    def told():
        grey = "all => all.map(t => [t.querySelector('.tf-tile-value').textContent, getComputedStyle(t).opacity])"
        return page.locator(".tf-tile").evaluate_all(grey)

    assert told() == [["PRINT", "1"]] * 3
    page.fill('input[name="price@a"]', "4.62")
    (moved, opacity), *others = told()
    assert opacity == "1" and moved == "$0.15" and others == [["PRINT", "0.5"]] * 2
    page.click("button[type=reset]")
    assert told() == [["PRINT", "1"]] * 3
    page.close()
