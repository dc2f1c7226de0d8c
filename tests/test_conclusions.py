"""Conclusions are made from the numbers: other inputs give the opposite sentence, range and conditions."""

import csv
import json
import re
import shutil

import pytest
import yaml
from executed import execute, shown


@pytest.fixture
def data(tmp_path, project):
    """A copy of the data, to be changed."""
    return shutil.copytree(project / "data", tmp_path / "data", ignore=shutil.ignore_patterns("snapshots"))


def change(data, file, key, **cells):
    """Change cells of one row, found by its key."""
    path = data / file
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    (row,) = (row for row in rows if next(iter(row.values())) == key)
    row |= {name: str(value) for name, value in cells.items()}
    with path.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, row, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def test_own_or_rent_flips_with_the_rent_and_the_inputs(project, data, tmp_path):
    before = shown(execute(project, "07", tmp_path), "answer")
    assert re.search(r"Over 3 years, owning GB300 costs \$4\.13 an hour, the commitment \$5\.00: own\.", before)
    assert "For GB300, no single input within its range reverses the choice." in before
    sure = float(re.search(r"drawn, owning is cheaper in (?:only )?(\d+)", before)[1])

    # A cheaper rent turns the sentence round, and names what would turn it back.
    change(data, "price_book.csv", "gb300-rental-3yr-inferencex-tco-2026-09-08", usd_per_gpu_hour=3.8)
    cheap = shown(execute(project, "07", tmp_path, data), "answer")
    assert "the commitment $3.80: rent." in cheap
    assert "any one of these reverses the choice: " in cheap
    assert float(re.search(r"drawn, owning is cheaper in (?:only )?(\d+)", cheap)[1]) < sure

    # A cheap machine without licences turns it again; then nothing within its range turns it back.
    known = {
        "all": {"licence_usd_per_gpu_year": {"value": 0, "unit": "usd/gpu/year"}},
        "gb300": {"usd_per_system": {"value": 3_000_000, "unit": "usd"}},
    }
    (data / "scenarios" / "bargain.yaml").write_text(yaml.safe_dump({"title": "x", "inputs": known}))
    bargain = shown(execute(project, "07", tmp_path, data, profile="bargain"), "answer")
    assert "the commitment $3.80: own." in bargain
    assert "For GB300, no single input within its range reverses the choice." in bargain


def test_what_a_machine_is_worth_turns_with_the_price_and_the_case(project, tmp_path):
    def answer(**parameters):
        return shown(execute(project, "12", tmp_path, **parameters), "answer")

    high, low = answer(usd_per_mtok=5.0), answer(usd_per_mtok=0.01)
    assert "One GB300 bought today earns" in high and "One GB300 bought today loses" in low
    assert "No fall of the token price alone reverses the answer for GB300." in low
    assert "in the conservative case, after tax" in answer(case="conservative")
    small = answer(mtok_per_day=10.0)  # ten million tokens a day: a rack and its spare stand idle
    assert "is used 0" in small and "loses" in small
    assert "Not measured" in answer(subject="mi300x")


def share_of(answer):
    """The share of draws in which the subject costs less."""
    found = re.search(r"It costs less in (?:(\d+) ?% of draws|(all|none) of)", answer)
    return {"all": 1.0, "none": 0.0}[found[2]] if found[2] else int(found[1]) / 100


def test_the_chance_turns_round_when_the_systems_change_places(project, tmp_path):
    there = shown(execute(project, "09", tmp_path), "answer")
    back = shown(execute(project, "09", tmp_path, subject="h200", baseline="gb300"), "answer")
    assert share_of(there) > 0.7 and share_of(there) + share_of(back) == pytest.approx(1, abs=0.02)  # other draws
    assert all("the lowest expected cost is to own GB300" in one for one in (there, back))


def test_some_serving_configuration_turns_the_answer(project, tmp_path):
    answer = shown(execute(project, "09", tmp_path), "answer")
    lowest = re.search(r"The share is lowest with (.*) at .*: (\d+) ?% of draws", answer)
    assert "no MTP" in lowest[1] and int(lowest[2]) < 50
    assert re.search(
        r"Any one of these reverses the answer: .*a serving configuration that divides the ratio by", answer
    )


def test_the_answer_gets_unsure_when_throughput_is_hardly_known(project, tmp_path):
    sure = share_of(shown(execute(project, "09", tmp_path, tput_sigma=0.05), "answer"))
    assert share_of(shown(execute(project, "09", tmp_path, tput_sigma=3.0), "answer")) < sure


def test_a_dearer_hour_needs_fuller_gpus(project, tmp_path):
    owned = shown(execute(project, "08", tmp_path), "answer")
    rented = shown(execute(project, "08", tmp_path, price_basis="rental_3yr"), "answer")
    lowest = [
        re.search(r"On GB300, the lowest price covers the cost above ([\d.]+) ?%", told) for told in (owned, rented)
    ]
    # GB300: 2.31 owned, 5.00 rented an hour
    assert float(lowest[1][1]) / float(lowest[0][1]) == pytest.approx(5.00 / 2.31, rel=0.03)


def test_who_must_catch_up_depends_on_who_is_judged(project, tmp_path):
    ahead = shown(execute(project, "03", tmp_path), "answer")
    behind = shown(execute(project, "03", tmp_path, subject="h200", baseline="gb300"), "answer")
    assert re.search(r"GB300 stays cheaper until it costs \$[\d.]+ an hour or is used less than", ahead)
    assert re.search(r"To match GB300, H200 would have to cost \$[\d.]+ an hour", behind)


def stored(project, name, caption):
    """The rows of a stored table by its caption: cells by header."""
    notebook = json.loads((project / "notebooks" / f"{name}.ipynb").read_text())
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    texts = ["".join(output.get("data", {}).get("text/plain", "")) for output in outputs]
    (text,) = (text for text in texts if text.startswith(caption) and "\n|" in text)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


def test_margins_with_no_hit_are_those_without_a_cache(project):
    plain = {
        row["Sold by"].removesuffix(" †"): row for row in stored(project, "08_token_margin", "What DeepSeek-R1 is")
    }
    cached = stored(project, "08_token_margin", "What is left of each tariff")
    assert len(cached) == 2 * len(plain) > 10
    for row in cached:
        assert row["Margin, no cache"] == plain[row["Sold by"]][f"Margin on {row['On']}"]
    (own,) = (row for row in cached if (row["Sold by"], row["On"]) == ("DeepSeek, March 2025", "GB300"))
    columns = [name for name in own if name.endswith("cached")]
    shares = [float(re.match(r"[\d.]+", own[name])[0]) for name in ("Margin, no cache", *columns)]
    assert len(columns) == 2 and shares == sorted(shares) and own["Cached input, USD per million"] == "$0.140"
