"""The rules of `data/` that no single column can say: between the cells of a row, and between the rows of a file.

A rule of a row looks at a cell and those before it in the order of `columns.csv`. A rule of a file yields the index of
a row, its field, and the sentence. `parameters.csv` has the inputs of owning, with their units.
"""

import csv
import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from tokenfactory.errors import DataError

Problem = tuple[int, str, str]
RowRule = Callable[[object, dict], str | None]

with Path(__file__).with_name("parameters.csv").open(encoding="utf-8", newline="") as _file:
    _PARAMETERS = {row["parameter"]: row for row in csv.DictReader(_file)}
# What a cost of an owned hour asks for, by its unit; and what changes over a life, in the same rows and profiles.
TCO_UNITS, LIFETIME_UNITS = (
    {name: row["unit"] for name, row in _PARAMETERS.items() if row["of"] == whole}
    for whole in ("an owned hour", "a life")
)
EVERYTHING = frozenset({"all", "air", "liquid"})  # what an input of owning may be about, beside a GPU


def _must_be(row: dict) -> str:
    return _PARAMETERS.get(row["parameter"], {}).get("must_be", "")


_ENDS = "price_book.effective_to power_book.effective_to site_inputs.effective_to"
_FIGURES = " ".join(f"{table}.{name}" for table in ("site_inputs", "tco_inputs") for name in ("value", "low", "high"))
# Columns, what is wrong with a cell that is not empty, and the sentence, which may name the cell as {0} and others of
# the row by their columns. The first rule of a column that is broken is the one that is said.
_OF_CELLS = (
    (_ENDS, lambda _, row: row["effective_from"] is None, "needs effective_from"),
    (_ENDS, lambda end, row: end <= row["effective_from"], "must be later than effective_from ({effective_from})"),
    ("price_book.observed_on power_book.observed_on", lambda _, row: row["effective_from"],
     "must be empty where effective_from is given"),
    ("api_prices.status", lambda status, row: (status == "undated") != (row["as_of"] is None),
     "must be 'undated' exactly when as_of is empty"),
    ("claims.cell", lambda _, row: row["row"] is None, "needs the row of the printed table"),
    ("site_inputs.to_basis", lambda _, row: row["basis"] is None, "needs basis, from which the factor leads"),
    (_FIGURES, lambda x, row: row["parameter"] == "pue" and x < 1,
     "a PUE of {0:g} is below 1: a site cannot draw less than its IT equipment"),
    (_FIGURES, lambda x, row: row["parameter"] == "wacc_frac" and x >= 1,
     "a cost of capital of {0:g} is not a fraction below 1"),
    (_FIGURES, lambda x, row: _must_be(row) == "below 1" and x >= 1,
     "{0:g} leaves nothing after a year: it must be below 1"),
    (_FIGURES, lambda x, row: row["parameter"] == "life_year" and 0 < x < 1 / 12,
     "a life of {0:g} years is shorter than a month"),
    (_FIGURES,
     lambda x, row: row["parameter"].endswith("_frac") and row["parameter"] != "software_growth_frac" and x > 1,
     "{0:g} is not a fraction from 0 to 1"),
    # Of a site, 0 may be right: no headroom, or a server that is cooled by air alone.
    (_FIGURES, lambda x, row: "profile" in row and _must_be(row) == "above 0" and x == 0, "must be above 0"),
    ("site_inputs.high tco_inputs.high memory_tiers.high editions.high",
     lambda high, row: not row["low"] <= row["value"] <= high, "{low:g} to {high:g} does not hold the value {value:g}"),
    *(("tco_inputs.unit", lambda unit, row, of=of, right=right: row["parameter"] == of and unit != right,
       f"{{parameter}} is in {right}") for of, right in (TCO_UNITS | LIFETIME_UNITS).items()),
    ("tco_inputs.status", lambda status, row: row["source_url"] is None and status != "guess",
     "must be 'guess' where no source is given"),
    ("workloads.cached_input_tok", lambda cached, row: row["input_tok"] is None or cached > row["input_tok"],
     "must be given with input_tok, and not be above it"),
    ("workloads.total_tok", lambda _, row: row["output_tok"] is not None, "must be empty where output_tok is given"),
    ("workloads.success_frac", lambda _, row: row["counts"] != "task", "must be empty where no tasks are counted"),
    ("changes.last_day", lambda last, row: last <= row["first_day"], "must be later than first_day ({first_day})"),
    ("trace_requests.prefix_blocks", lambda blocks, row: (blocks > 0) != (row["prefix_of"] is not None),
     "must be above 0 exactly when prefix_of is given"),
    ("trace_requests.prefix_blocks", lambda _, row: row["prefix_of"] is not None and row["prefix_of"] >= row["request"],
     "are shared with request {prefix_of}, which is not an earlier one"),
    ("memory_tiers.unit", lambda unit, row: unit.replace("/", "_per_") != row["parameter"],
     "{0} is not the unit of {parameter}"),
    ("cache_effects.ratio",
     lambda x, row: row["before"] and row["after"] and abs(x * row["before"] / row["after"] - 1) > 0.02,
     "{0:g} is not {after:g} over {before:g}"),
    ("acceptance_lengths.acceptance_length", lambda length, row: length > row["depth"] + 1,
     "{0:g} tokens cannot come of {depth} drafted ones and one more"),
)  # fmt: skip
# Columns whose cells, which may be empty, are given exactly when another of the row is; or is not.
_TOGETHER = (
    ("operating_points.interactivity_basis", "interactivity_tok_per_s_per_user", True),
    ("tco_inputs.source_url", "source_kind", True),
    ("site_inputs.high", "low", True),
    ("known_wrong_runs.point_id", "run_id", False),
)


def _together(other: str, both: bool) -> RowRule:
    sentence = f"must be given exactly when {other} is{'' if both else ' not'}"
    return lambda cell, row: sentence if ((cell is None) != (row[other] is None)) == both else None


def _of_cell(is_wrong, sentence: str) -> RowRule:
    return lambda cell, row: sentence.format(cell, **row) if is_wrong(cell, row) else None


# By place, such as price_book.effective_to; the second of each pair says whether the rule also looks at an empty cell.
OF_ROWS: dict[str, list[tuple[RowRule, bool]]] = {place: [(_together(*of), True)] for place, *of in _TOGETHER}
for _places, *_of in _OF_CELLS:
    for _place in _places.split():
        OF_ROWS.setdefault(_place, []).append((_of_cell(*_of), False))
OF_FILES: dict[str, list[Callable[[list[dict]], Iterable[Problem]]]] = {}


def of_file(table: str):
    """Declare a rule of all rows of a file."""

    def declare(rule):
        OF_FILES.setdefault(table, []).append(rule)
        return rule

    return declare


@of_file("operating_points")
def _duplicates_exist(rows):
    first_hand = {row["point_id"] for row in rows if row["duplicate_of"] is None}
    for i, row in enumerate(rows):
        if row["duplicate_of"] is not None and row["duplicate_of"] not in first_hand:
            yield i, "duplicate_of", f"'{row['duplicate_of']}' is not the point_id of a row that is no duplicate itself"


@of_file("hardware")
def _one_reference_per_gpu(rows):
    num_references = Counter(row["gpu"] for row in rows if row["is_reference"])
    for i, row in enumerate(rows):
        if (found := num_references[row["gpu"]]) != 1:
            yield i, "is_reference", f"{found} rows of {row['gpu']} are true; exactly one must be"


def intervals_apart(*series: str) -> Callable[[list[dict]], Iterable[Problem]]:
    """The rows of one series that have effective_from must follow each other without overlap."""

    def problems(rows):
        dated = [i for i, row in enumerate(rows) if row["effective_from"] is not None]
        dated.sort(key=lambda i: ([rows[i][c] or "" for c in series], rows[i]["effective_from"]))
        for before, after in itertools.pairwise(dated):
            earlier, later = rows[before], rows[after]
            end, start = earlier["effective_to"], later["effective_from"]
            if all(earlier[c] == later[c] for c in series) and (end is None or end > start):
                time = f"({earlier['effective_from']} to {end or 'now'})"
                same = f"falls into the time of another row with the same {', '.join(series)} {time}"
                yield after, "effective_from", f"{start} {same}"

    return problems


of_file("price_book")(intervals_apart("gpu", "basis", "provider", "region", "variant"))
of_file("power_book")(intervals_apart("gpu", "basis", "provider"))


@of_file("site_inputs")
def _one_undated_row(rows):
    seen = set()
    for i, row in enumerate(rows):
        key = row["parameter"], row["applies_to"]
        if row["effective_from"] is None and key in seen:
            yield i, "parameter", f"another row already says {' of '.join(key)}"
        elif row["effective_from"] is None:
            seen.add(key)


of_file("site_inputs")(intervals_apart("parameter", "applies_to"))


@of_file("tco_inputs")
def _one_row_of_a_profile(rows):
    keys = [(row["profile"], row["parameter"], row["applies_to"]) for row in rows]
    num_rows = Counter(keys)
    for i, key in enumerate(keys):
        if num_rows[key] > 1:
            yield i, "profile", f"there is another row of {', '.join(key)}"


@of_file("load_curves")
def _slots_without_gap(rows):
    num_slots = Counter(row["curve_id"] for row in rows)
    first = {}
    for i, row in enumerate(rows):
        curve = row["curve_id"]
        like = first.setdefault(curve, row)
        if row["slot"] >= num_slots[curve]:
            yield i, "slot", f"{row['slot']} of {num_slots[curve]}: the slots of a curve go from 0 on, each once"
        for field in ("name", "slot_hour", "unit"):
            if row[field] != like[field]:
                yield i, field, f"is {row[field]} here and {like[field]} elsewhere in {curve}"


@of_file("depreciation")
def _adds_up(rows):
    total = Counter()
    for row in rows:
        total[row["schedule"]] += row["frac"]
    for i, row in enumerate(rows):
        if abs(total[row["schedule"]] - 1) > 0.001:  # to the rounding of a printed schedule
            yield i, "frac", f"the shares of {row['schedule']} add up to {total[row['schedule']]:g}, not to 1"


@of_file("trace_requests")
def _requests_in_order(rows):
    before: dict[str, dict] = {}
    for i, row in enumerate(rows):
        last = before.get(row["trace"])
        if row["request"] != (last["request"] + 1 if last else 0):
            yield i, "request", "requests of a trace are numbered from 0 without a gap"
        if last and row["time_s"] < last["time_s"]:
            yield i, "time_s", f"time goes back from {last['time_s']:g} to {row['time_s']:g} s"
        before[row["trace"]] = row


# Columns whose values are GPUs, each of which must have a row in gpus.csv; or a word for several of them.
NAMES_A_GPU = {
    **dict.fromkeys(("hardware", "operating_points", "benchmarks", "price_book", "power_book"), ("gpu", frozenset())),
    "tco_inputs": ("applies_to", EVERYTHING),
    **dict.fromkeys(("kernel_systems", "serving_recipes", "predictions", "editions"), ("gpu", frozenset())),
}


def check_gpus(read: dict[str, list]) -> None:
    """Raise the DataError of the first row about a GPU that gpus.csv does not have."""
    known = {row["gpu"] for file in read["gpus"] for row in file.rows}
    for name, (column, also) in NAMES_A_GPU.items():
        for file in read[name]:
            for row, line in zip(file.rows, file.lines, strict=True):
                if row[column] not in known | also:
                    message = f"'{row[column]}' has no row in gpus.csv; add one first"
                    raise DataError(file.path.name, message, row=line, field=column)
