"""Give the JSON adapters bytes that atheris makes up from real records, guided by the lines they reach.

    python tests/tools/fuzz_adapters.py CORPUS [libFuzzer options, such as -max_total_time=300]

CORPUS is a folder of seeds (each a file of one adapter), to which what reaches new lines is added. Whatever is
raised but a DataError for the file or a RowProblem for a row ends the run with a traceback and the bytes.
"""

import json
import random
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["tokenfactory", "json"]):
    from tokenfactory.errors import DataError
    from tokenfactory.measurements import adapters, configuration, stage
    from tokenfactory.measurements.documents import Document, records

    adapters.modules()

FACTS = {"hardware": "h200", "num_gpu": 8, "model": "acme/demo", "isl_tok": 1024, "osl_tok": 1024, "conc": 8}
PATH = Path(tempfile.mkdtemp()) / "fuzzed_1k1k.json"
CONFIG_NAMES = {c.name for c in stage.CONFIG_FIELDS}


def read(content: bytes) -> None:
    PATH.write_bytes(content)
    for facts in ({}, FACTS):
        try:
            for _, record in records(Document(PATH.name, PATH)):
                known = isinstance(record, dict) and adapters.find(record)
                if known:
                    read_record(*known, record, facts)
        except DataError as error:
            assert "\n" not in str(error), error


def read_record(module, table, record, facts) -> None:
    try:
        for row in module.rows(record, adapters.Context(PATH.name, facts)):
            if isinstance(row, adapters.RowProblem):
                raise row
            row = {name: cell for name, cell in row.items() if name != "reading_repairs"}
            cells = stage.typed({**facts, **row} if table == "measured_points" else row, stage.TYPES[table])
            if table in ("measured_points", "configs", "evaluations"):
                configuration.configuration({name: cells[name] for name in CONFIG_NAMES & cells.keys()})
    except adapters.RowProblem as problem:
        assert problem.reason, problem.field


ODD = (None, True, -1, 0, 1.5, 1e300, 2**70, "", "x", "1", "true", "2026-13-40", [], [1], {}, {"mean": "x"})


def mutate(content: bytes, most: int, seed: int) -> bytes:
    """Other bytes: mostly the same JSON with a few values spoilt, taken away or copied to another place."""
    chance = random.Random(seed)
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        return atheris.Mutate(content, most)
    places = list(places_in(record))
    if not places or chance.random() < 0.1:
        return atheris.Mutate(content, most)
    for place, key in chance.sample(places, min(len(places), chance.choice((1, 1, 2, 5)))):
        what = chance.random()
        if what < 0.2 and isinstance(place, dict):
            place.pop(key, None)
        elif what < 0.4:
            other, at = chance.choice(places)
            if isinstance(other, list) or at in other:
                place[key] = json.loads(json.dumps(other[at]))
        else:
            place[key] = chance.choice(ODD)
    spoilt = json.dumps(record).encode()
    return spoilt if len(spoilt) <= most else content


def places_in(record):
    """Every place of a value in JSON, as its container and its key there."""
    for key in list(record) if isinstance(record, dict) else range(len(record)) if isinstance(record, list) else ():
        yield record, key
        yield from places_in(record[key])


if __name__ == "__main__":
    atheris.Setup(sys.argv, read, custom_mutator=mutate)
    atheris.Fuzz()
