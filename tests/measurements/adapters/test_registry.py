"""Every record is known by one adapter at most, and adapters state only fields of the schema."""

import json
from pathlib import Path

import pytest

from tokenfactory.measurements import adapters, stage
from tokenfactory.warehouse import measured

FIXTURES = Path(__file__).parents[2] / "fixtures"


def records():
    for path in sorted(set(FIXTURES.rglob("*.json*")) - set(FIXTURES.rglob("versions.json"))):
        if path.suffix == ".jsonl":
            found = [json.loads(line) for line in path.read_text().splitlines()]
        else:
            found = json.loads(path.read_text())
        for number, record in enumerate(found if isinstance(found, list) else [found]):
            yield pytest.param(record, id=f"{path.name}-{number}")


@pytest.mark.parametrize("record", list(records()))
def test_one_adapter_knows_a_record(record):
    known = [module.NAME for module in adapters.modules() if module.recognise(record)]
    assert len(known) == 1


@pytest.mark.parametrize("module", adapters.modules(), ids=lambda m: m.NAME)
def test_an_adapter_says_what_it_is(module):
    assert adapters.named(module.NAME) is module
    assert module.VERSION >= 1
    assert module.SOURCE and module.__doc__
    assert module.recognise({}) is None


def test_every_table_an_adapter_names_is_one():
    assert set(stage.TYPES) - {"configs", "changelog"} <= measured.TABLES.keys()
