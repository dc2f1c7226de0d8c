"""The rules of `data/` that no single column can say: between the cells of a row, and between the rows of a file.

A rule of a row is called with the value of its column and the cells before it in the order of `columns.csv`; it
returns what is wrong, in words, or None. A rule of a file yields the index of a row, its field, and the sentence.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable

from tokenfactory.errors import DataError

Problem = tuple[int, str, str]
RowRule = Callable[[object, dict], str | None]

# What a cost of an owned hour asks for, by its unit; and what changes over a life, in the same rows and profiles.
TCO_UNITS = {
    "building_life_year": "year",
    "building_usd_per_kw": "usd/kw",
    "colocation_usd_per_kw_year": "usd/kw/year",
    "installation_frac": "frac",
    "kw_per_gpu": "kw/gpu",
    "licence_usd_per_gpu_year": "usd/gpu/year",
    "life_year": "year",
    "load_frac": "frac",
    "maintenance_frac": "frac",
    "network_storage_frac": "frac",
    "pue": "x",
    "salvage_frac": "frac",
    "spares_frac": "frac",
    "staff_usd_per_gpu_year": "usd/gpu/year",
    "usd_per_kwh": "usd/kwh",
    "usd_per_system": "usd",
    "utilisation_frac": "frac",
    "wacc_frac": "frac",
}
LIFETIME_UNITS = {"lead_year": "year"} | dict.fromkeys(
    ("rent_decline_frac", "software_growth_frac", "tax_frac", "token_price_decline_frac"), "frac"
)
EVERYTHING = frozenset({"all", "air", "liquid"})  # what an input of owning may be about, beside a GPU
MUST_BE_POSITIVE = {"building_life_year", "kw_per_gpu", "life_year", "load_frac", "usd_per_system", "utilisation_frac"}
MUST_BE_BELOW_ONE = {"rent_decline_frac", "tax_frac", "token_price_decline_frac"}

# By table and column; the second of each pair says whether the rule also looks at an empty cell.
OF_ROWS: dict[str, dict[str, list[tuple[RowRule, bool]]]] = {}
OF_FILES: dict[str, list[Callable[[list[dict]], Iterable[Problem]]]] = {}


def of_row(*places: str, also_empty: bool = False) -> Callable[[RowRule], RowRule]:
    """Declare a rule of some columns, each as `table.column`."""

    def declare(rule: RowRule) -> RowRule:
        for place in places:
            table, column = place.split(".")
            OF_ROWS.setdefault(table, {}).setdefault(column, []).append((rule, also_empty))
        return rule

    return declare


def of_file(table: str):
    """Declare a rule of all rows of a file."""

    def declare(rule):
        OF_FILES.setdefault(table, []).append(rule)
        return rule

    return declare


@of_row("price_book.effective_to", "power_book.effective_to", "site_inputs.effective_to")
def _ends_after_start(end, row):
    start = row["effective_from"]
    if start is None:
        return "needs effective_from"
    return None if end > start else f"must be later than effective_from ({start})"


@of_row("price_book.observed_on", "power_book.observed_on")
def _one_kind_of_date(_, row):
    return "must be empty where effective_from is given" if row["effective_from"] else None


def _together(other: str, both: bool = True) -> RowRule:
    """Given exactly when another column of the row is; or, with `both` false, exactly when that one is not."""
    sentence = f"must be given exactly when {other} is{'' if both else ' not'}"
    return lambda value, row: sentence if ((value is None) != (row[other] is None)) == both else None


of_row("operating_points.interactivity_basis", also_empty=True)(_together("interactivity_tok_per_s_per_user"))
of_row("tco_inputs.source_url", also_empty=True)(_together("source_kind"))
of_row("known_wrong_runs.point_id", also_empty=True)(_together("run_id", both=False))


@of_row("api_prices.status")
def _undated_goes_with_no_date(status, row):
    return None if (status == "undated") == (row["as_of"] is None) else "must be 'undated' exactly when as_of is empty"


@of_row("claims.cell")
def _cell_goes_with_row(_, row):
    return "needs the row of the printed table" if row["row"] is None else None


@of_row("site_inputs.to_basis")
def _leads_from_a_basis(_, row):
    return "needs basis, from which the factor leads" if row["basis"] is None else None


@of_row(*(f"{table}.{column}" for table in ("site_inputs", "tco_inputs") for column in ("value", "low", "high")))
def _fits_its_parameter(figure, row):
    parameter = row["parameter"]
    if parameter == "pue" and figure < 1:
        return f"a PUE of {figure:g} is below 1: a site cannot draw less than its IT equipment"
    if parameter == "wacc_frac" and figure >= 1:
        return f"a cost of capital of {figure:g} is not a fraction below 1"
    if parameter in MUST_BE_BELOW_ONE and figure >= 1:
        return f"{figure:g} leaves nothing after a year: it must be below 1"
    if parameter == "life_year" and 0 < figure < 1 / 12:
        return f"a life of {figure:g} years is shorter than a month"
    if parameter.endswith("_frac") and parameter != "software_growth_frac" and figure > 1:
        return f"{figure:g} is not a fraction from 0 to 1"
    # Of a site, 0 may be right: no headroom, or a server that is cooled by air alone.
    return "must be above 0" if "profile" in row and parameter in MUST_BE_POSITIVE and figure == 0 else None


of_row("site_inputs.high", also_empty=True)(_together("low"))


@of_row("site_inputs.high", "tco_inputs.high", "memory_tiers.high", "editions.high")
def _range_holds_the_value(high, row):
    low, value = row["low"], row["value"]
    return None if low <= value <= high else f"{low:g} to {high:g} does not hold the value {value:g}"


@of_row("tco_inputs.unit")
def _is_the_unit_of_its_parameter(unit, row):
    right = (TCO_UNITS | LIFETIME_UNITS)[row["parameter"]]
    return None if unit == right else f"{row['parameter']} is in {right}"


@of_row("tco_inputs.status")
def guess_without_a_source(status, row):
    """An input of owning that names no page is a guess."""
    return "must be 'guess' where no source is given" if row["source_url"] is None and status != "guess" else None


@of_row("workloads.cached_input_tok")
def _cached_is_part_of_input(cached, row):
    given = row["input_tok"]
    return "must be given with input_tok, and not be above it" if given is None or cached > given else None


@of_row("workloads.total_tok")
def _total_only_in_place_of_its_parts(_, row):
    return None if row["output_tok"] is None else "must be empty where output_tok is given"


@of_row("workloads.success_frac")
def _only_a_task_succeeds(_, row):
    return None if row["counts"] == "task" else "must be empty where no tasks are counted"


@of_row("changes.last_day")
def _is_after_the_first(last, row):
    return None if last > row["first_day"] else f"must be later than first_day ({row['first_day']})"


@of_row("trace_requests.prefix_blocks")
def _shared_with_an_earlier_one(blocks, row):
    earlier = row["prefix_of"]
    if (blocks > 0) != (earlier is not None):
        return "must be above 0 exactly when prefix_of is given"
    if earlier is not None and earlier >= row["request"]:
        return f"are shared with request {earlier}, which is not an earlier one"
    return None


@of_row("memory_tiers.unit")
def _is_that_of_the_parameter(unit, row):
    right = row["parameter"]
    return None if unit.replace("/", "_per_") == right else f"{unit} is not the unit of {right}"


@of_row("cache_effects.ratio")
def _is_that_of_the_figures(ratio, row):
    before, after = row["before"], row["after"]
    wrong = before and after and abs(ratio * before / after - 1) > 0.02
    return f"{ratio:g} is not {after:g} over {before:g}" if wrong else None


@of_row("acceptance_lengths.acceptance_length")
def _no_more_than_drafted(length, row):
    depth = row["depth"]
    return None if length <= depth + 1 else f"{length:g} tokens cannot come of {depth} drafted ones and one more"


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
        if num_references[row["gpu"]] != 1:
            yield i, "is_reference", f"{num_references[row['gpu']]} rows of {row['gpu']} are true; exactly one must be"


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
