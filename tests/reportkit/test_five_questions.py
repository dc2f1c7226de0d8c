"""Five questions of a CFO, each answered from the index of the site within two clicks; what is typed is no click.

question                      clicks from index.html                   what is read
cost at our prices and use    none: type hour and use at the chart     the sentence above the chart
at which speed it flips       finding of 04                            "Like for like, it runs from ..."
what fits into 10 MW          finding of 06                            the headline
own or rent                   finding of 07                            the headline
what if token prices halve    finding of 12, "More inputs"             the tile "Worth of one GB300"
"""

import json
import os
from pathlib import Path

import pytest

SITE = os.environ.get("TOKENFACTORY_SITE")  # of one scenario
pytestmark = pytest.mark.skipif(not SITE, reason="TOKENFACTORY_SITE names no site")
MOST_CLICKS = 2


class Asker:
    """Somebody at the index, whose clicks are counted; what is typed into a field in sight is no click."""

    def __init__(self, browser):
        self.page, self.clicks = browser.new_page(viewport={"width": 1280, "height": 720}), 0
        self.page.goto((Path(SITE).absolute() / "index.html").as_uri())

    def click(self, place) -> None:
        place.click()
        self.clicks += 1
        assert self.clicks <= MOST_CLICKS

    def follow(self, name: str) -> None:
        self.click(self.page.locator(f'.card h3 a[href^="{name}"]'))

    def type(self, cell: str, value: float) -> None:
        self.page.locator(f'input[type=number][name="{cell}"]').fill(f"{value}")

    def text(self, place: str) -> str:
        return " ".join(self.page.locator(place).first.inner_text().split())


@pytest.fixture
def asker(browser):
    made = Asker(browser)
    yield made
    made.page.close()


@pytest.fixture(scope="module")
def entries():
    record = json.loads((Path(SITE) / "site.json").read_text(encoding="utf-8"))["default"]
    return {notebook["name"][:2]: notebook["entry"] for notebook in record["notebooks"]}


def test_what_it_costs_at_our_prices_and_use(asker):
    form = asker.page.locator("form.tf-controls")
    (hour, _), (use, _) = ([i.get_attribute("name") for i in form.locator(f'input[type=number][name^="{name}"]').all()]
                           for name in ("usd_per_gpu_hour", "utilisation_frac"))  # fmt: skip
    output = form.locator(f'output[name="usd_per_mtok@{hour.partition("@")[2]}"]')
    before = float(output.get_attribute("data-value"))
    was = float(form.locator(f'[name="{hour}"]').input_value()), float(form.locator(f'[name="{use}"]').input_value())
    asker.type(hour, 4)
    asker.type(use, 50)
    cost = float(output.get_attribute("data-value"))
    assert cost == pytest.approx(before * 4 / was[0] * was[1] / 50, rel=1e-3)  # fields show a few digits
    assert output.inner_text() in asker.text(".tf-said") and asker.clicks == 0


def test_at_which_speed_it_flips(asker, entries):
    asker.follow("04")
    said = asker.text(".top .tf-answer")
    assert entries["04"]["flips"][0].replace("**", "") in said and "tokens a second" in entries["04"]["flips"][0]


@pytest.mark.parametrize(("name", "told"), [("06", "MW"), ("07", "rented")])
def test_what_fits_and_whether_to_own(asker, entries, name, told):
    asker.follow(name)
    assert asker.text("h1") == entries[name]["finding"] and told in asker.text("h1")


def test_what_happens_when_token_prices_halve(asker):
    asker.follow("12")
    tile = '.tf-tile[data-k="npv_usd_per_gpu"] .tf-tile-value'
    before, field = asker.text(tile), asker.page.locator('input[type=number][name="usd_per_mtok@case_2"]')
    if not field.is_visible():
        asker.click(asker.page.locator("form.tf-controls summary"))
    worth = asker.page.locator('output[name="npv_usd_per_gpu@case_2"]')
    was = float(worth.get_attribute("data-value"))
    asker.type("usd_per_mtok@case_2", float(field.input_value()) / 2)
    assert asker.text(tile) != before
    assert float(worth.get_attribute("data-value")) < was
    assert asker.text(tile) == worth.inner_text()
