"""The data of this project, as reportkit is handed them, and what a notebook's parameters must satisfy."""

import functools
import json
import os
import re
import reprlib
import shutil
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import product
from pathlib import Path

import tokenfactory
from reportkit import source
from reportkit.plan import Job, Notebook, Parameter, Scenario, Value
from reportkit.source import House, Suite, Variables
from reportkit.text import said
from tokenfactory.errors import DataError, NotMeasuredError, ParameterError, nearest
from tokenfactory.warehouse import files, vocabulary
from tokenfactory.warehouse.query import OWNER

TOKEN_SCOPES = ("total", "output", "input")
LARGE_BYTES = 50_000_000  # a snapshot above this is named in an archive, not kept
# What a reader asks, in the order in which one reads, and the beginnings of the names of the notebooks that answer.
QUESTIONS = {
    "The claim, rebuilt": ("01", "05"),
    "Speed and software": ("04", "10"),
    "Your site": ("02", "06"),
    "Your money": ("03", "07", "08", "09", "11", "12", "13"),
    "Data and method": ("00",),
}
HOUSE = (
    House("price_date", "latest", "prices of {}"),
    House("power_owner", OWNER, "the reader's own power figures ({})"),
    House("interactivity", 75.0, "{:.3g} tokens a second per user"),
    House("speed", 75.0, "{:.3g} tokens a second per user"),
    House("isl", 8192, "prompts of {:,} tokens"),
    House("osl", 1024, "answers of {:,} tokens"),
    House("utilisation_frac", 0.6, "{:.0%} utilisation"),
    House("token_scope", "total", "{} tokens only"),
)
LICENCE = (
    "https://www.apache.org/licenses/LICENSE-2.0",
    "Apache License 2.0",
    "Of code and pages. Figures of the data are facts of their sources, each named in its row.",
)


# What a number of a kind can be, where the kind says it.


def _kind(is_inside: Callable[[float], bool], allowed: str) -> Callable[[float], str | None]:
    return lambda value: None if is_inside(value) else allowed


def _token_scope(value: str) -> str | None:
    return None if value in TOKEN_SCOPES else f"a token scope{nearest(value, TOKEN_SCOPES)}"


_POSITIVE = _kind(lambda value: value > 0, "above 0")
_NOT_NEGATIVE = _kind(lambda value: value >= 0, "0 or more")
_SHARE = _kind(lambda value: 0 <= value <= 1, "a share from 0 to 1")
KINDS = {
    "frac": _kind(lambda value: 0 < value <= 1, "a fraction above 0, at most 1"),
    "rho": _kind(lambda value: -1 < value < 1, "a correlation between -1 and 1"),
    "token_scope": _token_scope,
    **dict.fromkeys(("0..1", "share"), _SHARE),
    **dict.fromkeys(("tok", "tok/s/user", "mtok/day", "mw", "usd/mtok"), _POSITIVE),
    **dict.fromkeys(("sigma", "elasticity", "usd", "usd/kwh", "s", "day", "unit", "tok/day"), _NOT_NEGATIVE),
}


class Source:
    """See `reportkit.source.Source`, which says what each of these is for."""

    command = "tokenfactory"
    program = "from tokenfactory.cli import main; main()"
    version = tokenfactory.__version__
    suite = Suite(
        "Token Factory",
        "What a million tokens costs",
        "What a million tokens costs, at the speed users need, within the power there is.",
        (
            "Benchmark figures: InferenceX by SemiAnalysis and the sources linked in the tables.",
            "Not an official InferenceX result.",
        ),
        LICENCE,
        QUESTIONS,
        HOUSE,
        {
            "01": ("The claim's conditions", ""),
            "05": ("Each claim's own conditions", "its date, prices, speed and lengths"),
            "10": ("The claim's conditions", ""),
        },
        tomllib.loads(Path(tokenfactory.__file__).with_name("glossary.toml").read_text(encoding="utf-8")),
        {"claims.csv": "claimed", "predictions.csv": "model", "kernels_": "model"},
    )
    variables = Variables(
        data="TOKENFACTORY_DATA", cache="TOKENFACTORY_CACHE", built="TOKENFACTORY_WAREHOUSE", trace="TOKENFACTORY_TRACE"
    )
    packages = (Path(tokenfactory.__file__).parent,)
    no_method = ("lib/tokenfactory/cli.py", "lib/tokenfactory/publish/")
    imports = (
        "altair",
        "duckdb",
        "numpy",
        "polars",
        "pyarrow",
        "tokenfactory.display.show",
        "tokenfactory.display.theme",
        "tokenfactory.warehouse",
        "tokenfactory.warehouse.lineage",
    )
    # Of SciPy, which takes a second in all, few notebooks need any.
    slow_imports = ("scipy.special", "scipy.sparse", "scipy.optimize", "scipy.stats")
    kinds = KINDS
    compared = "gpu"
    groups: Mapping[str, Sequence[str]] = {
        "price": ("price_book.csv", "tco_inputs.csv", "api_prices.csv"),
        "power": ("power_book.csv", "site_inputs.csv"),
    }
    date_columns = ("effective_from", "observed_on")
    lessons = ("00_tutorial", "template")
    sections: Mapping[str, str] = {"prices": "price", "inputs": "price", "power": "power"}

    def fingerprint(self, data: Path | None = None) -> str:
        built = source.given(self)
        return files.sha256_of([built]) if built and data is None else files.fingerprint(data)

    def hashes(self) -> dict[str, str]:
        return files.hashes()

    def files(self) -> dict[str, Path]:
        data = files.data_dir()
        snapshot = files.newest_snapshot(data / "snapshots")
        found = [*files.tables(data), *files.own_loads(data), *files.own_scenarios(data)]
        found += [path for path in sorted(snapshot.rglob("*")) if path.is_file()] if snapshot else []
        return {path.relative_to(data).as_posix(): path for path in found}

    def archived(self) -> dict[str, Path]:
        found = {place: path for place, path in self.files().items() if not place.startswith("scenarios/")}
        in_snapshot = [place for place in found if place.startswith("snapshots/")]
        if sum(found[place].stat().st_size for place in in_snapshot) <= LARGE_BYTES:
            return found
        return {p: path for p, path in found.items() if p not in in_snapshot or path.name == "manifest.json"}

    def lend(self, cache: Path, other: Path) -> None:
        (other / "warehouse").mkdir(parents=True, exist_ok=True)
        for built in (cache / "warehouse").glob("[!.]*.duckdb"):
            with suppress(OSError):  # a disk without links, or another process has just removed it: it is built again
                os.link(built, other / "warehouse" / built.name)

    def complete(self, root: Path, files_: Mapping[str, str]) -> None:
        for path, digest in files_.items():
            parts = Path(path).parts
            if parts[:2] != ("data", "snapshots") or parts[-1] != "manifest.json":
                continue
            if any(other != path and Path(other).parts[:3] == parts[:3] for other in files_):
                return
            here = files.data_dir() / "snapshots" / parts[2]
            manifest = here / "manifest.json"
            if not manifest.is_file() or sha256(manifest.read_bytes()).hexdigest() != digest:
                raise DataError(f"data/snapshots/{parts[2]}", "the run needs this snapshot, which is not here")
            shutil.copytree(here, root / "data" / "snapshots" / parts[2], dirs_exist_ok=True)

    def archived_rows(self, files_: Mapping[str, str], read: Callable[[str], bytes]) -> dict[str, dict]:
        """The measured files in a snapshot, as its manifest has them."""
        found = [path for path in files_ if re.fullmatch(r"data/snapshots/[^/]+/manifest\.json", path)]
        told = [file for path in found for file in json.loads(read(path))["files"]]
        return {file["file"]: {key: file[key] for key in ("file_sha256", "num_rows", "num_points")} for file in told}

    def build(self, data: Path | None = None) -> Path:
        from tokenfactory.warehouse import store

        return store.build(data)

    def replay(self, trace: Iterable[str], built: Path) -> bool:
        from tokenfactory.warehouse import query

        return query.replay(trace, built)

    def lineage(self, built: Path):
        from tokenfactory.warehouse.lineage import Archive

        return Archive(built)

    def said(self, kind: str, value: object) -> str:
        from tokenfactory.display import phrases

        if kind == "gpu":
            return phrases.system(str(value))
        names = {row["model"]: row["name"] for row in vocabulary.named_models()} if kind == "model" else {}
        return names.get(str(value)) or phrases.plain(said(kind, value))

    def check(self, jobs: Iterable[Job], built: Path) -> None:
        from tokenfactory.warehouse import query

        check_against_data(jobs, query.connect(built))

    def stale(self, jobs: Iterable[Job], built: Path, max_age_days: int) -> list[str]:
        from tokenfactory.warehouse import query

        return stale_prices(jobs, query.connect(built), max_age_days)

    def scenario_values(self, name: str, scenario: Scenario, notebooks: Sequence[Notebook]) -> dict[str, object]:
        return with_own(name, scenario, notebooks)


SOURCE = Source()


@dataclass(frozen=True)
class Project(source.Project):
    """A checkout; by default the one that this library lies in, wherever it is called from."""

    root: Path = files.PROJECT
    source: Source = SOURCE


# What a job asks of the data


def check_against_data(jobs: Iterable[Job], warehouse) -> None:
    """Every key must be in the data, and a day, basis or provider that somebody chose must have what is looked up.

    `warehouse` is a connected `Warehouse`. A GPU may be known and yet have no price on the day: NotMeasuredError. Where
    all that is the notebook's own, its page says so.
    """
    vocabulary = functools.cache(lambda kind: frozenset(warehouse.vocabulary(kind)))

    def check_key(parameter: Parameter, value: str, file: str) -> None:
        try:
            known = vocabulary(parameter.kind)
        except KeyError:
            raise DataError(file, f"parameter '{parameter.name}': there is no kind [{parameter.kind}]") from None
        is_own = parameter.kind == "framework" and value == parameter.default  # the page says that it was not measured
        if value not in known and not is_own:
            raise ParameterError(
                f"{parameter.name}: {reprlib.repr(value)} is not a known {parameter.kind}{nearest(value, known)}"
            )

    for job in jobs:
        for name, parameter in job.notebook.parameters.items():
            if parameter.type is str and parameter.kind not in ("date", "token_scope"):
                check_key(parameter, job.values[name], job.notebook.path.name)
        chosen = {job.notebook.parameters[name].kind for name in job.parameters}
        for asked in _asked(job, "price") if chosen & {"date", "price_basis", "price_provider"} else ():
            warehouse.price(**asked)
        for asked in _asked(job, "power"):
            warehouse.power(**asked)
        for name, parameter in job.notebook.parameters.items():
            if parameter.kind == "power_owner":
                on = job.values.get("power_date", job.values.get("price_date", "latest"))
                warehouse.check_own_power(job.values[name], on=on)


def _asked(job: Job, what: str) -> Iterator[dict[str, Value]]:
    """The look-ups of a price, or a power, that a job makes: all of its GPUs on all of its bases, on its day."""
    values, day = job.values, f"{what}_date"
    by_kind: dict[str, list[Value]] = {}
    for name, parameter in job.notebook.parameters.items():
        by_kind.setdefault(parameter.kind, []).append(values[name])
    # A notebook may ask one provider's price book; without such a parameter the look-up has its own.
    providers = by_kind.get("price_provider", ()) if what == "price" else ()
    options = [{"provider": provider} for provider in providers] or [{}]
    if day in values:
        for gpu, basis, option in product(by_kind.get("gpu", ()), by_kind.get(f"{what}_basis", ()), options):
            yield {"gpu": gpu, "basis": basis, "on": values[day]} | option


def stale_prices(jobs: Iterable[Job], warehouse, max_age_days: int, today: date | None = None) -> list[str]:
    """One sentence for each price that a job looks up and that was last known to hold too many days ago.

    A price is known to hold until its end or, while it has none, until the day its source was last read. So a job
    that asks for a day long past is told of it, and reading the source again makes a price new.
    """
    today = today or datetime.now(UTC).date()
    told: dict[str, list[str]] = {}
    for job in jobs:
        for asked in _asked(job, "price"):
            try:
                row = warehouse.price(**asked)
            except NotMeasuredError:  # as the page says
                continue
            last = row["last_known_on"]
            if (today - last).days > max_age_days:
                price = f"the {asked['basis']} price of {asked['gpu']} on {asked['on']} ({row['price_id']})"
                sentence = f"{price} was last known to hold on {last}, {(today - last).days} days before {today}"
                told.setdefault(sentence, []).append(job.notebook.name)
    return [f"{sentence}: {', '.join(dict.fromkeys(names))}" for sentence, names in sorted(told.items())]


# A scenario's own prices, powers and inputs


def with_own(name: str, scenario: Scenario, notebooks: Sequence[Notebook]) -> dict[str, object]:
    """The parameters with which notebooks find what a scenario brings of its own; refuses what none of them reads."""
    file, values = f"{name}.yaml", dict(scenario.parameters)
    prices, inputs, power = (scenario.sections.get(section) for section in Source.sections)
    if scenario.sections:
        from tokenfactory.warehouse import own  # the schema of all data, which few scenarios need

        own.rows(name, scenario.sections)
    kinds = {parameter.name: parameter.kind for notebook in notebooks for parameter in notebook.parameters.values()}
    # What is read by a name that follows from the file's: the parameters of that kind get it.
    found_by = {
        "power": (power, "power_owner", f"your_power_{name}", "power figures", "power figures of this file are of"),
        "inputs": (inputs, "tco_profile", name, "inputs of owning", "inputs of this file are the profile"),
    }
    for section, (given, kind, key, what, told) in found_by.items():
        if not given:
            continue
        asking = [parameter for parameter, its in kinds.items() if its == kind]
        if not asking:
            raise DataError(file, f"no chosen notebook reads {what}", field=section)
        for parameter in asking:
            if values.setdefault(parameter, key) != key:
                raise DataError(file, f"the {told} '{key}': leave this out", field=f"parameters.{parameter}")
    if inputs:
        for applies_to, of_what in inputs.items():
            if "building_usd_per_kw" in of_what and values.get("has_own_building") is not True:
                message = "a building is read only with has_own_building: true among the parameters"
                raise DataError(file, message, field=f"inputs.{applies_to}.building_usd_per_kw")
    if prices:
        asked = {values.get(parameter) for parameter, kind in kinds.items() if kind == "price_basis"}
        if (basis := f"your_quote_{name}") not in asked:
            message = f"nothing reads them: write {basis} for a price basis among the parameters"
            raise DataError(file, message, field="prices")
    return values
