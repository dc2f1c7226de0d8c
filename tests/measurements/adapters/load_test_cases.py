"""What the tests of the load-test adapters share: the tools' own outputs, and ways to spoil them."""

import copy
import json
from pathlib import Path

from hypothesis import strategies as st

from tokenfactory.measurements.adapters import Context, RowProblem
from tokenfactory.warehouse.measured import FIELDS

FIXTURES = Path(__file__).parents[2] / "fixtures" / "load_tools"

# The pace of the server the tools measured (tests/tools/load_tools.py), and the load they put on it.
TTFT_S, TPOT_S, ISL, OSL = 0.05, 0.01, 64, 16
E2EL_S = TTFT_S + (OSL - 1) * TPOT_S  # 0.2: the first token, then 15 more


def fixture(name: str) -> dict:
    return json.loads((FIXTURES / name).read_text())


def lines(name: str) -> list[dict]:
    return [json.loads(line) for line in (FIXTURES / name).read_text().splitlines()]


def read(adapter, record, file="result.json", **facts) -> list:
    """Rows and problems of a record; a problem of the whole record as the only one."""
    assert adapter.recognise(record) == "measured_points"
    try:
        return list(adapter.rows(record, Context(file, facts)))
    except RowProblem as problem:
        return [problem]


def row_of(adapter, record, file="result.json", **facts) -> dict:
    (row,) = read(adapter, record, file, **facts)
    assert isinstance(row, dict), f"{row.field}: {row.reason}"
    assert row.keys() <= FIELDS.keys() | {"reading_repairs"}
    return row


def problem_of(adapter, record, **facts) -> RowProblem:
    (problem,) = read(adapter, record, **facts)
    assert isinstance(problem, RowProblem), problem
    return problem


def assert_is_the_servers_pace(row: dict, *, conc: int) -> None:
    """The row says what the server did: a machine with other work on it may be a fifth slower, never faster."""
    # Interactivity is 1 / median time per output token; a percentile is that of the slow tail.
    assert row["interactivity_tok_per_s_per_user"] * row["median_tpot_s"] == 1.0
    assert row["p99_interactivity_tok_per_s_per_user"] <= row["interactivity_tok_per_s_per_user"] * 1.001
    for name, pace_s in (("ttft", TTFT_S), ("tpot", TPOT_S), ("e2el", E2EL_S)):
        assert 0.95 * pace_s < row[f"median_{name}_s"] < 1.2 * pace_s, name
    assert (row["isl_tok"], row["osl_tok"], row["conc"], row["num_requests_ok"]) == (ISL, OSL, conc, 16)
    # Of 64 + 16 tokens a fifth are output; rates are of the whole deployment.
    assert abs(row["output_tok_per_s"] / row["total_tok_per_s"] - OSL / (ISL + OSL)) < 1e-6
    assert row["input_tok_per_s"] + row["output_tok_per_s"] == row["total_tok_per_s"]


def changed(record, *path, to):
    """A copy of the record with another value at `path`."""
    record = copy.deepcopy(record)
    inside = record
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = to
    return record


def without(record, *path):
    """A copy of the record without what stands at `path`."""
    record = copy.deepcopy(record)
    inside = record
    for key in path[:-1]:
        inside = inside[key]
    del inside[path[-1]]
    return record


def _places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inside in items:
        yield from _places(inside, (*path, key))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def spoilt(record: dict, *top: str):
    """Records like this one with other things in up to three places; the keys in `top` stay."""
    places = [path for path in _places(record) if path and not (len(path) == 1 and path[0] in top)]

    def spoil(changes):
        result = copy.deepcopy(record)
        for path, value in changes:
            inside = result
            try:
                for key in path[:-1]:
                    inside = inside[key]
                inside[path[-1]] = value
            except (KeyError, IndexError, TypeError):
                continue  # an earlier change took this place away
        return result

    change = st.tuples(st.sampled_from(places), ANYTHING)
    return st.lists(change, min_size=1, max_size=3).map(spoil)


def assert_rows_or_problems(adapter, record) -> None:
    """Whatever the record holds, it gives rows in the fields of the schema, or problems in words."""
    if adapter.recognise(record) is None:
        return
    for row in read(adapter, record):
        if isinstance(row, RowProblem):
            assert row.field and row.reason
        else:
            assert row.keys() <= FIELDS.keys() | {"reading_repairs"}
