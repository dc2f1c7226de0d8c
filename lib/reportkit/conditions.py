"""Conditions of the numbers of a page: those that are not the conditions of the house, and of which days they are."""

from collections.abc import Iterable, Mapping
from datetime import date

from reportkit.source import Suite
from reportkit.text import day, words

LATEST = "latest"


def of(suite: Suite, name: str, parameters: Mapping[str, Mapping]) -> tuple[str, str] | None:
    """What the page of a notebook says whose parameters are not those of the house: a label, and the conditions."""
    label, always = next((told for start, told in suite.conditions.items() if name.startswith(start)), ("", ""))
    other = [
        house.told.format(_shown(parameters[house.parameter]["value"]))
        for house in suite.house
        if house.parameter in parameters and parameters[house.parameter]["value"] != house.value
    ]
    if not other and not always:
        return None
    return label or "Only on this page", ", ".join(other) or always


def _shown(value: object) -> object:
    if value == LATEST:
        return "today"
    try:
        return day(value) if isinstance(value, str) else value
    except ValueError:
        return value


def as_of(ledger: Mapping) -> list[str]:
    """Of which days the numbers are: the prices and the like that were asked for, and the newest tests."""
    parameters = ledger["parameters"]
    asked = {name.removesuffix("_date"): p["value"] for name, p in parameters.items() if name.endswith("_date")}
    rows = _rows(ledger)
    told = []
    for what, value in asked.items():
        newest = _newest(row.get("effective_from") for row in rows if row["file"].startswith(f"{what}_"))
        if value != LATEST:
            told.append(f"{words(what).capitalize()}s of {day(value)}")
        elif newest:
            told.append(f"Newest {words(what)} {day(newest)}")
    # A row that no answer compares, such as a throughput without a speed, dates nothing.
    tests = [row for row in rows if row.get("evidence") and not row.get("left_out")]
    # The days of each system, where parameters name two or more of a kind; and only of what the others name, a model.
    keys = {key for row in tests for key in row} - {"date", "as_of"}
    named = [(p["kind"], p["value"]) for p in parameters.values() if p["kind"] in keys]
    kinds = [kind for kind, _ in named]
    once = {kind: value for kind, value in named if kinds.count(kind) == 1}
    tests = [row for row in tests if all(row.get(kind, value) == value for kind, value in once.items())]
    each = {
        value: _newest(row.get("as_of") or row.get("date") for row in tests if row.get(kind) == value)
        for kind, value in named
        if kind not in once
    }
    days = [f"{value.upper()} {day(newest)}" for value, newest in each.items() if newest]
    newest = _newest(row.get("as_of") or row.get("date") for row in tests)
    if days:  # without a day of its own a page is about the data, reads also what it leaves out, and dates them itself
        return [*told, f"Newest test of {', of '.join(days)}"] if told else []
    return [*told, f"Newest test {day(newest)}"] if newest else told


def _newest(days: Iterable[str | None]) -> str:
    return max((found for found in days if found and date.fromisoformat(found)), default="")


def _rows(ledger: Mapping) -> list[Mapping]:
    labels = {label for cell in ledger["cells"].values() for label in cell["queries"]}
    names = {row for label in labels for row in ledger["queries"][label]["rows"]}
    return [ledger["rows"][name] for name in sorted(names)]
