"""What a scenario file says of its own: prices of hours and inputs of owning, checked and turned into rows.

    prices:
      - {gpu: gb300, usd_per_gpu_hour: 3.1, effective_from: 2026-10-01, provider: A cloud, accessed: 2026-10-05}
    inputs:
      all: {life_year: {value: 5, low: 4, high: 6, unit: year}}
      gb300: {usd_per_system: {value: 3600000, unit: usd}}

The prices become rows of a price basis of their own, `your_quote_` and the name of the file; the inputs become the
profile of that name, a layer over the typical one.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date as Day
from pathlib import Path

from pydantic import ValidationError, field_validator

from tokenfactory.errors import DataError
from tokenfactory.warehouse import files
from tokenfactory.warehouse.schema import (
    EVERYTHING,
    GPUS_WITHOUT_SPECIFICATIONS,
    Price,
    SourceKind,
    Status,
    TcoInput,
    in_words,
    intervals_apart,
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


def rows(scenario: str, prices: Sequence[Mapping], inputs: Mapping[str, Mapping]) -> dict[str, list[dict]]:
    """The rows of `own_prices` and `tco_inputs` that a scenario adds.

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
    return {"own_prices": own_prices, "tco_inputs": own_inputs}


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


def read(data: Path, known_gpus: Iterable[str], known_profiles: Iterable[str]) -> dict[str, dict[str, list[dict]]]:
    """The rows of every scenario file that has any, by the file's name; GPUs must be known, profiles new."""
    import yaml

    gpus = set(known_gpus) | GPUS_WITHOUT_SPECIFICATIONS
    found = {}
    for path in files.own_scenarios(data):
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, ValueError):
            continue  # whoever asks for this scenario is told; others need not care
        name = path.stem
        if not isinstance(content, dict):
            continue
        own = found[path.name] = rows(name, content.get("prices") or [], content.get("inputs") or {})
        for number, row in enumerate(own["own_prices"]):
            if row["gpu"] not in gpus:
                message = f"'{row['gpu']}' has no row in hardware.csv; add one first"
                raise DataError(path.name, message, field=f"prices.{number}.gpu")
        for row in own["tco_inputs"]:
            if row["applies_to"] not in gpus | EVERYTHING:
                message = f"'{row['applies_to']}' is neither a GPU of hardware.csv nor all, air or liquid"
                raise DataError(path.name, message, field=f"inputs.{row['applies_to']}")
        if own["tco_inputs"] and name in known_profiles:
            message = f"tco_inputs.csv has a profile '{name}' already: give the file another name"
            raise DataError(path.name, message, field="inputs")
    return found
