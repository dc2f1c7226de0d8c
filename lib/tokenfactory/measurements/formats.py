"""The layouts of load-test tools, rows of `formats.yaml`. The one reader of such files is `adapters.load_test`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Paths = str | tuple[str, ...]


@dataclass(frozen=True)
class Format:
    """One layout of one tool.

    `fields` are: num_ok, num_failed, num_done (failed and not), num_asked; total_tok_per_s, output_tok_per_s,
    input_tok_per_s, requests_per_s, duration, input_tok, output_tok (of all requests), output_tok_made; isl_/osl_ with
    asked, mean, min, max, each (a list); conc, rate, burstiness, ramp, arrivals, mean_in_flight; data_set,
    data_set_differs, model, date, broken_off, whole (false: broken off), settings of the server.
    """

    name: str
    about: str  # the tool, its versions and files
    telling: tuple[str, ...]  # paths that are all there
    fields: Mapping[str, Paths]
    times: Mapping[str, Paths] = field(default_factory=dict)  # ttft, tpot, itl, e2el
    statistics: Mapping[str, Paths] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()  # paths of which none is there
    unit: str = "s"  # of times
    unit_beside: str | None = None
    rows: str | None = None  # the list with one benchmark each
    closed_with_conc: bool = False  # a rate beside a number in flight is what the tool made of it
    counts_input: bool = True
    has_speed: bool = True
    is_flat: bool = False  # settings stand among the results, under any name
    always: str | None = None  # how requests arrive, where the tool knows one way only
    version: int = 2


def _read() -> dict:
    text = Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _tuples(value):
    """Lists of paths as tuples."""
    if isinstance(value, dict):
        return {key: _tuples(inner) for key, inner in value.items()}
    return tuple(value) if isinstance(value, list) else value


_KNOWN = _read()
FORMATS = tuple(Format(**_tuples(layout)) for layout in _KNOWN["formats"])
FOREIGN = tuple((tuple(row["telling"]), row["is"]) for row in _KNOWN["foreign"])
TEXTS = tuple((row["pattern"], row["is"]) for row in _KNOWN["texts"])
SPELLINGS = {theirs: ours for ours, names in _KNOWN["spellings"].items() for theirs in names}


def spelt(name: str) -> str:
    """Our name of a fact.

    >>> spelt("--tensor-parallel-size"), spelt("GPU Count"), spelt("other")
    ('tp', 'num_gpu', 'other')
    """
    key = "_".join(name.lower().replace("-", " ").replace("_", " ").split())
    return SPELLINGS.get(key, key)


def value(record: Any, path: str) -> Any:
    """What stands at `path`, None where anything on the way there is missing."""
    for key in path.split("/"):
        if isinstance(record, Mapping):
            record = record.get(key)
        elif isinstance(record, list) and key.isdigit() and int(key) < len(record):
            record = record[int(key)]
        else:
            return None
    return record
