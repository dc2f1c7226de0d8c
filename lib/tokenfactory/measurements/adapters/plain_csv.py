"""The plain template: a CSV file whose header names fields of `measured.FIELDS`.

For measurements that no other adapter knows. A row needs `hardware`, `model`, `num_gpu`, a throughput
(`total_tok_per_s_per_gpu`, or `total_tok_per_s` of the deployment, or its output and input part) and, for a
fixed-length workload, `isl_tok`, `osl_tok` and `conc`. Units are those in the names: seconds, tokens, watts.
An empty cell, NaN, n/a and null state nothing. Usual spellings of a fact (`gpu_count`, `tensor_parallel_size`) are
read as its field; columns that are no field are refused, so that a misspelt one is seen.
A rate at which requests were sent (`requests_per_s`) makes the row one of the kind `other`.
"""

import difflib
from collections.abc import Iterator

from tokenfactory.measurements.adapters import Context, Row, RowProblem
from tokenfactory.measurements.adapters.load_test import AT_A_RATE
from tokenfactory.measurements.formats import SPELLINGS, spelt
from tokenfactory.warehouse.measured import FIELDS

NAME, VERSION = "plain_csv", 2
SOURCE = "own measurement"

# Any of these with its unit in the name tells this format from all others.
_TELLING = {"total_tok_per_s_per_gpu", "total_tok_per_s", "output_tok_per_s_per_gpu", "output_tok_per_s"}
_NOT_STATED = frozenset({"", "nan", "n/a", "null"})


def recognise(record: Row) -> str | None:
    is_text = all(isinstance(value, str) for value in record.values())
    return "measured_points" if is_text and _TELLING & record.keys() else None


def rows(record: Row, context: Context) -> Iterator[dict]:
    row: dict[str, str] = {}
    for name, cell in record.items():
        ours = name if name in FIELDS else spelt(name)
        if not name:
            if cell.strip():
                raise RowProblem("a column without a name", "holds values; name it, or delete it")
            continue
        if ours not in FIELDS:
            near = difflib.get_close_matches(ours, [*FIELDS, *SPELLINGS], 1, 0.75)
            hint = f"; {spelt(near[0])} is one" if near else "; delete the column if nothing needs it"
            raise RowProblem(name, f"is not a field of the plain CSV template{hint}")
        if cell.strip().lower() in _NOT_STATED:
            continue
        if row.get(ours, cell) != cell:
            raise RowProblem(name, f"says another {ours} than another column of the row")
        row[ours] = cell
    if row.get("requests_per_s", "").strip("0. "):  # an open loop is of no closed loop's line, whatever else it says
        row |= {"workload": "other", "scenario": row.get("scenario") or context.facts.get("scenario") or AT_A_RATE}
    yield row | {"is_own": "true"}
