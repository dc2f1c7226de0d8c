"""What a scenario file says of its own: prices of hours and inputs of owning, checked and turned into rows.

    prices:
      - {gpu: gb300, usd_per_gpu_hour: 3.1, effective_from: 2026-10-01, provider: A cloud, accessed: 2026-10-05}
    inputs:
      all: {life_year: {value: 5, low: 4, high: 6, unit: year}}
      gb300: {usd_per_system: {value: 3600000, unit: usd}}

The prices become rows of a price basis of their own, `your_quote_` and the name of the file; the inputs become the
profile of that name, a layer over the typical one. A file that cannot be used keeps nobody from using the others: it is
refused when somebody asks for it, and by `tokenfactory data`.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from reportkit import strict_yaml
from tokenfactory.errors import DataError
from tokenfactory.warehouse import files, rules
from tokenfactory.warehouse.schema import TABLES, Refused, checked, read_table

QUOTE = "your_quote"


# A price of the reader needs a day, not a page; an input of theirs needs no page to be more than a guess.
NEEDED = {"price_book": {"effective_from": True, "source_kind": False, "source_url": False, "source_title": False}}
NEEDED["tco_inputs"] = {"accessed": False}
STATED = {
    "price_book": {"basis_printed": "your quote", "statistic": "quote", "status": "measured"},
    "tco_inputs": {"status": "estimate"},
}


def basis(scenario: str) -> str:
    """The price basis of a scenario's own prices."""
    return f"{QUOTE}_{scenario}"


@dataclass(frozen=True)
class Known:
    """What the data have: the GPUs that rows may be about, and the profiles whose names are taken."""

    gpus: frozenset[str]
    profiles: frozenset[str]

    @classmethod
    def of(cls, data: Path) -> "Known":
        """Read from the files of a data folder."""
        hardware, inputs = (read_table(TABLES[name], data / TABLES[name].file) for name in ("gpus", "tco_inputs"))
        return cls(frozenset(row["gpu"] for row in hardware), frozenset(row["profile"] for row in inputs))


def rows(
    scenario: str, prices: Sequence[Mapping], inputs: Mapping[str, Mapping], data: Known | None = None
) -> dict[str, list[dict]]:
    """The rows of `own_prices` and `tco_inputs` that a scenario adds; by default to the data of this project.

    Raises
    ------
    DataError : one sentence with the path of the field in the file
    """
    file = f"{scenario}.yaml"
    if not isinstance(prices, list):
        raise DataError(file, "write a list of prices, each with a dash", field="prices")
    own_prices = [
        _checked("price_book", {"price_id": f"{scenario}-{n}", "basis": basis(scenario)}, price, file, f"prices.{n}")
        for n, price in enumerate(prices)
    ]
    for number, field, message in rules.intervals_apart("gpu")(own_prices):
        raise DataError(file, message, field=f"prices.{number}.{field}")
    if not isinstance(inputs, Mapping):
        raise DataError(
            file, "write what the inputs are about, such as all or a GPU, and below it the inputs", field="inputs"
        )
    own_inputs = []
    for applies_to, of_what in inputs.items():
        path = f"inputs.{applies_to}"
        if not isinstance(of_what, Mapping):
            raise DataError(file, "write parameters and their values below it", field=path)
        for parameter, given in of_what.items():
            known = {"key": f"{scenario}-{parameter}-{applies_to}", "profile": scenario}
            known |= {"parameter": parameter, "applies_to": applies_to}
            if isinstance(given, Mapping) and "value" in given:  # without a range the value is certain
                given = {"low": given["value"], "high": given["value"]} | dict(given)
            own_inputs.append(_checked("tco_inputs", known, given, file, f"{path}.{parameter}"))
        if {"colocation_usd_per_kw_year", "building_usd_per_kw"} <= set(of_what):
            message = "colocation and a building of one's own exclude each other: give one of them"
            raise DataError(file, message, field=f"{path}.building_usd_per_kw")
    _check_against(data or Known.of(files.data_dir()), scenario, own_prices, own_inputs)
    return {"own_prices": own_prices, "tco_inputs": own_inputs}


def _check_against(known: Known, scenario: str, prices: Sequence[Mapping], inputs: Sequence[Mapping]) -> None:
    file, gpus = f"{scenario}.yaml", known.gpus
    for number, row in enumerate(prices):
        if row["gpu"] not in gpus:
            message = f"'{row['gpu']}' has no row in gpus.csv; add one first"
            raise DataError(file, message, field=f"prices.{number}.gpu")
    for row in inputs:
        if row["applies_to"] not in gpus | rules.EVERYTHING:
            message = f"'{row['applies_to']}' is neither a GPU of gpus.csv nor all, air or liquid"
            raise DataError(file, message, field=f"inputs.{row['applies_to']}")
    if inputs and scenario in known.profiles:
        message = f"tco_inputs.csv has a profile '{scenario}' already: give the file another name"
        raise DataError(file, message, field="inputs")


def _checked(table: str, known: Mapping, given: object, file: str, path: str) -> dict:
    if not isinstance(given, Mapping):
        raise DataError(file, "write fields and their values, such as {value: 5, unit: year}", field=path)
    if taken := [name for name in given if name in known]:
        raise DataError(file, "follows from where it stands and is not written", field=f"{path}.{taken[0]}")
    columns = TABLES[table].columns
    if unknown := [name for name in given if name not in columns]:
        raise DataError(file, "is refused: there is no such field", field=f"{path}.{unknown[0]}")
    try:
        return checked(_steps(table), STATED[table] | dict(given) | dict(known))
    except Refused as refused:
        field, message = refused.args
        # What is known from the place of the entry is wrong there: `inputs.all.luck`.
        raise DataError(file, message, field=path if field in known else f"{path}.{field}") from None


def _steps(table: str):
    """How a row of the table is checked where it stands in a scenario file."""
    for name, needed, _, of_row in TABLES[table].steps:
        needed = NEEDED[table].get(name, needed)
        named = name in ("price_id", "basis", "key", "profile")  # made from the file's name, whatever that is
        of_row = [(rule, also_empty) for rule, also_empty in of_row if rule is not rules.guess_without_a_source]
        yield name, needed, str if named else TABLES[table].columns[name].accept, of_row


def read(data: Path, known: Known) -> dict[str, dict[str, list[dict]]]:
    """The rows of every scenario file that has any and can be used, by the file's name."""
    found = {}
    for path in files.own_scenarios(data):
        with suppress(DataError):
            found[path.name] = _read(path, known)
    return found


def check(data: Path) -> None:
    """Raise the DataError of the first scenario file whose own rows cannot be used."""
    known = Known.of(data)
    for path in sorted((Path(data) / "scenarios").glob("*.yaml")):
        _read(path, known)


def _read(path: Path, known: Known) -> dict[str, list[dict]]:
    try:
        content = strict_yaml.read(path)
    except strict_yaml.NotUsable as error:
        raise DataError(path.name, str(error), row=error.line) from error
    if not isinstance(content, dict):
        raise DataError(path.name, "a scenario is a mapping with at least a title")
    return rows(path.stem, content.get("prices") or [], content.get("inputs") or {}, known)
