"""What a scenario file says of its own: prices of hours, powers and inputs of owning, checked and turned into rows.

`data/scenarios/mine.yaml` shows how they are written. The prices become rows of a price basis of their own,
`your_quote_` and the name of the file. The powers have an owner of that kind, `your_power_`, and whoever asks for its
figures gets the book's where it has none. The inputs become the profile of that name, a layer over the typical one. A
file that cannot be used keeps nobody from using the others: it is refused when somebody asks for it, and by
`tokenfactory data`.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from reportkit import strict_yaml
from tokenfactory.errors import DataError
from tokenfactory.warehouse import files, rules
from tokenfactory.warehouse.schema import TABLES, Refused, checked, read_table

QUOTE, POWER = "your_quote", "your_power"


# A price or a power of the reader needs a day, not a page.
NEEDED = {"price_book": {"effective_from": True, "source_kind": False, "source_url": False, "source_title": False}}
NEEDED["power_book"] = {"effective_from": True, "source_kind": False, "source_url": False}
NEEDED["tco_inputs"] = {"accessed": False}
STATED = {
    "price_book": {"basis_printed": "your quote", "statistic": "quote", "status": "measured"},
    "power_book": {"status": "measured"},
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


def owner(scenario: str) -> str:
    """Whose power figures those of a scenario are."""
    return f"{POWER}_{scenario}"


def rows(scenario: str, content: Mapping, data: Known | None = None) -> dict[str, list[dict]]:
    """The rows of `own_prices`, `own_powers` and `tco_inputs` that a scenario adds.

    Parameters
    ----------
    scenario : name of its file
    content : its sections prices, power and inputs, as far as it has them
    data : to which they are added; by default those of this project

    Raises
    ------
    DataError : one sentence with the path of the field in the file
    """
    file, known = f"{scenario}.yaml", data or Known.of(files.data_dir())
    own_prices = _listed("prices", "price_book", {"price_id": scenario, "basis": basis(scenario)}, content, known, file)
    own_powers = _listed("power", "power_book", {"power_id": f"{scenario}-power"}, content, known, file)
    own_inputs = _inputs(scenario, content.get("inputs") or {}, known)
    return {
        "own_prices": own_prices,
        "own_powers": [row | {"owner": owner(scenario)} for row in own_powers],
        "tco_inputs": own_inputs,
    }


def _listed(section: str, table: str, stated: Mapping, content: Mapping, data: Known, file: str) -> list[dict]:
    """The checked rows of a section that is a list; `stated` begins with the column of their names."""
    given, key = content.get(section) or [], next(iter(stated))
    if not isinstance(given, list):
        what = section if section == "prices" else "power figures"
        raise DataError(file, f"write a list of {what}, each with a dash", field=section)
    found = [
        _checked(table, dict(stated) | {key: f"{stated[key]}-{n}"}, row, file, f"{section}.{n}")
        for n, row in enumerate(given)
    ]
    # Each is of one GPU; a power figure is also on one basis.
    for number, field, message in rules.intervals_apart("gpu", *{"basis"} - stated.keys())(found):
        raise DataError(file, message, field=f"{section}.{number}.{field}")
    for number, row in enumerate(found):
        if row["gpu"] not in data.gpus:
            message = f"'{row['gpu']}' has no row in gpus.csv; add one first"
            raise DataError(file, message, field=f"{section}.{number}.gpu")
    return found


def _inputs(scenario: str, inputs: object, data: Known) -> list[dict]:
    file = f"{scenario}.yaml"
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
        if applies_to not in data.gpus | rules.EVERYTHING:
            message = f"'{applies_to}' is neither a GPU of gpus.csv nor all, air or liquid"
            raise DataError(file, message, field=path)
    if inputs and scenario in data.profiles:
        message = f"tco_inputs.csv has a profile '{scenario}' already: give the file another name"
        raise DataError(file, message, field="inputs")
    return own_inputs


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
        # Made from the file's name, whatever that is; the basis of a power figure is one of the book's.
        named = name in ("price_id", "power_id", "key", "profile") or (table, name) == ("price_book", "basis")
        # An input of theirs needs no page to be more than a guess.
        of_row = () if (table, name) == ("tco_inputs", "status") else of_row
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
    return rows(path.stem, content, known)
