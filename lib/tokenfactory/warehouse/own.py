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
from datetime import date as Day
from pathlib import Path

from pydantic import ValidationError, field_validator

from reportkit import strict_yaml
from tokenfactory.errors import DataError
from tokenfactory.warehouse import files
from tokenfactory.warehouse.schema import (
    EVERYTHING,
    TABLES,
    Price,
    SourceKind,
    Status,
    TcoInput,
    in_words,
    intervals_apart,
    read_table,
)

QUOTE = "your_quote"


class OwnPrice(Price):
    """A price of the reader: it needs a day, not a page."""

    price_id: str
    basis: str
    basis_printed: str = "your quote"
    statistic: str = "quote"
    effective_from: Day
    status: Status = "measured"
    source_kind: SourceKind | None = None
    source_url: str | None = None
    source_title: str | None = None


class OwnInput(TcoInput):
    """An input of the reader: it needs no page to be more than a guess."""

    key: str
    profile: str
    status: Status = "estimate"
    accessed: Day | None = None

    @field_validator("status")
    @classmethod
    def _without_a_source_it_is_a_guess(cls, status):
        return status


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
        _validated(
            OwnPrice,
            {"price_id": f"{scenario}-{number}", "basis": basis(scenario)},
            price,
            file,
            f"prices.{number}",
        )
        for number, price in enumerate(prices)
    ]
    for number, field, message in intervals_apart("gpu")(own_prices):
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
            own_inputs.append(_validated(OwnInput, known, given, file, f"{path}.{parameter}"))
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
        if row["applies_to"] not in gpus | EVERYTHING:
            message = f"'{row['applies_to']}' is neither a GPU of gpus.csv nor all, air or liquid"
            raise DataError(file, message, field=f"inputs.{row['applies_to']}")
    if inputs and scenario in known.profiles:
        message = f"tco_inputs.csv has a profile '{scenario}' already: give the file another name"
        raise DataError(file, message, field="inputs")


def _validated(model, known: Mapping, given: object, file: str, path: str) -> dict:
    if not isinstance(given, Mapping):
        raise DataError(file, "write fields and their values, such as {value: 5, unit: year}", field=path)
    if taken := [name for name in given if name in known]:
        raise DataError(file, "follows from where it stands and is not written", field=f"{path}.{taken[0]}")
    try:
        return dict(model.model_validate({**known, **given}))
    except ValidationError as invalid:
        error = invalid.errors(include_url=False)[0]
        field = str(error["loc"][0])
        # What is known from the place of the entry is wrong there: `inputs.all.luck`.
        raise DataError(file, in_words(error), field=path if field in known else f"{path}.{field}") from None


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
