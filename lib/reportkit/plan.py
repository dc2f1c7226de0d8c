"""What to run: the notebooks with their parameters, the scenarios, and the jobs they make together.

Papermill passes on unknown names and wrong types without a word, so everything is checked here,
before the first notebook starts. `make` needs no data; `check_against_data` asks the warehouse.
"""

import ast
import functools
import io
import json
import math
import os
import re
import reprlib
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import combinations, product
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reportkit import strict_yaml
from tokenfactory.errors import DataError, ParameterError, nearest
from tokenfactory.warehouse.files import cache_dir

MOST_PARAMETERS = 12
LARGEST, LONGEST_NUMBER = 10**15, 100  # of a parameter; as text, in characters
NUMBERS = {
    int: re.compile(r"[+-]?[0-9]+"),
    float: re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(nan|inf(inity)?)", re.IGNORECASE),
}
TYPES = {"str": str, "int": int, "float": float, "bool": bool}
TOKEN_SCOPES = ("total", "output", "input")
LATEST = "latest"  # as a date: the newest day that the data know

# What a number of a kind can be, where the kind says it.
_POSITIVE = (lambda value: value > 0, "above 0")
_NOT_NEGATIVE = (lambda value: value >= 0, "0 or more")
RANGES = {
    "frac": (lambda value: 0 < value <= 1, "a fraction above 0, at most 1"),
    **dict.fromkeys(("0..1", "share"), (lambda value: 0 <= value <= 1, "a share from 0 to 1")),
    "rho": (lambda value: -1 < value < 1, "a correlation between -1 and 1"),
    **dict.fromkeys(("tok", "tok/s/user", "mtok/day", "mw", "usd/mtok"), _POSITIVE),
    **dict.fromkeys(("sigma", "usd", "usd/kwh", "s", "day", "unit"), _NOT_NEGATIVE),
}

Value = str | int | float | bool


@dataclass(frozen=True)
class Project:
    """The folders of a checkout. They follow from where the library lies, never from the working folder."""

    root: Path = Path(__file__).parents[2]

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"

    @property
    def scenarios(self) -> Path:
        return self.root / "data" / "scenarios"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def cache(self) -> Path:
        return cache_dir() / "reports"


# Notebooks


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: `name: type = default  # [kind] meaning`."""

    name: str
    type: type
    default: Value
    kind: str
    meaning: str

    def convert(self, value: object) -> Value:
        """`value` as this parameter's type, where text is read; ValueError says what is wrong with it."""
        shown = reprlib.repr(value)
        if self.type is str:
            if self.kind == "date" and type(value) is date:  # YAML reads a date as one
                value = value.isoformat()
            if not isinstance(value, str):
                raise ValueError(f"expected text, not {shown}")
        elif self.type is bool:
            value = {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
            if not isinstance(value, bool):
                raise ValueError(f"{shown} is neither true nor false")
        else:
            number = "a whole number" if self.type is int else "a number"
            if isinstance(value, str):
                # Python would also read 1_0_2_4 and the digits of other scripts.
                if not NUMBERS[self.type].fullmatch(value.strip()):
                    raise ValueError(f"{shown} is not {number}")
                value = self.type(value) if len(value) <= LONGEST_NUMBER else LARGEST + 1
            if isinstance(value, bool) or not isinstance(value, int if self.type is int else int | float):
                raise ValueError(f"{shown} is not {number}")
        self._check_kind(value, shown)
        return value

    def _check_kind(self, value: Value, shown: str) -> None:
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{shown} is not a finite number")
        if isinstance(value, int | float) and abs(value) > LARGEST:
            raise ValueError(f"{shown} is larger than anything here can be")
        if self.kind in RANGES:
            is_inside, allowed = RANGES[self.kind]
            if not is_inside(value):
                raise ValueError(f"{shown} is not {allowed}")
        if self.kind == "token_scope" and value not in TOKEN_SCOPES:
            raise ValueError(f"{shown} is not a token scope{nearest(value, TOKEN_SCOPES)}")
        if self.kind == "date" and value != LATEST:
            try:
                is_date = date.fromisoformat(value).isoformat() == value
            except ValueError:
                is_date = False
            if not is_date:
                raise ValueError(f"{shown} is neither a date such as 2026-04-15 nor {LATEST!r}")


@dataclass(frozen=True)
class Notebook:
    path: Path
    title: str
    document: Mapping = field(repr=False)
    parameters: Mapping[str, Parameter] = field(repr=False)

    @property
    def name(self) -> str:
        return self.path.stem


def _source(cell: Mapping) -> str:
    return "".join(cell["source"])


def parse_parameters(source: str, file: str) -> dict[str, Parameter]:
    """The parameters of a parameters cell, in order; anything but the agreed form is a DataError."""

    def wrong(line: int, message: str) -> DataError:
        return DataError(file, f"parameters cell, line {line}: {message}")

    try:
        statements = ast.parse(source).body
        comments = {
            token.start[0]: token.string
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type == tokenize.COMMENT
        }
    except (SyntaxError, tokenize.TokenError) as error:
        raise wrong(getattr(error, "lineno", None) or 1, "this is not Python") from None
    if len(statements) > MOST_PARAMETERS:
        raise wrong(statements[MOST_PARAMETERS].lineno, f"more than {MOST_PARAMETERS} parameters")

    parameters = {}
    lines = set()
    for statement in statements:
        line = statement.lineno
        if line in lines or statement.end_lineno != line:
            raise wrong(line, "write one parameter a line")
        lines.add(line)
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id=annotation), value=ast.expr() as node):
                pass
            case _:
                raise wrong(line, "write `name: type = value  # [kind] meaning`")
        if annotation not in TYPES:
            raise wrong(line, f"the type of '{name}' must be one of {', '.join(TYPES)}")
        comment = re.fullmatch(r"#\s*\[([^\]\s]+)\]\s*(\S.*)", comments.get(line, ""))
        if not comment:
            raise wrong(line, f"'{name}' needs a comment `# [kind] meaning`")
        if name in parameters:
            raise wrong(line, f"'{name}' is there twice")
        try:
            default = ast.literal_eval(node)
        except ValueError:
            raise wrong(line, f"the value of '{name}' must be written out") from None
        if isinstance(default, str) and (annotation != "str" or re.search("[=#]", default)):
            # Papermill finds names and comments by text search and would cut such a string.
            raise wrong(line, f"the value of '{name}' must be {annotation} without = and #")
        parameter = Parameter(name, TYPES[annotation], default, *comment.groups())
        try:
            parameter.convert(default)
        except ValueError as error:
            raise wrong(line, f"{name}: {error}") from None
        parameters[name] = parameter
    return parameters


def read_notebook(path: Path) -> Notebook:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["nbformat"] != 4:
            raise ValueError
        cells = [(cell["cell_type"], cell["metadata"].get("tags", []), _source(cell)) for cell in document["cells"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DataError(path.name, "this is not a notebook (nbformat 4)") from None
    headings = (re.search(r"^# +(.+)$", source, re.MULTILINE) for kind, _, source in cells if kind == "markdown")
    title = next((heading[1].strip() for heading in headings if heading), path.stem)
    tagged = [source for kind, tags, source in cells if kind == "code" and "parameters" in tags]
    if len(tagged) > 1:
        raise DataError(path.name, "more than one cell is tagged 'parameters'")
    parameters = parse_parameters(tagged[0], path.name) if tagged else {}
    return Notebook(path, title, document, parameters)


def notebooks(project: Project) -> list[Notebook]:
    """Every notebook of the project, in reading order."""
    files = sorted(p for p in project.notebooks.glob("*.ipynb") if re.fullmatch(r"\d\d_[a-z0-9_]+", p.stem))
    if not files:
        raise DataError("notebooks", "there is no notebook named NN_subject.ipynb here")
    return [read_notebook(path) for path in files]


# Scenarios


class Scenario(BaseModel):
    """A file of `data/scenarios/`: a named set of parameter values, and the reader's own prices and inputs of owning.

    Prices and inputs become rows of the warehouse (`warehouse.own`), which notebooks find by basis and profile.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    title: str = Field(min_length=1)
    description: str = ""
    notebooks: list[str] | None = None
    parameters: dict[str, object] = {}
    prices: list[dict[str, object]] = []
    inputs: dict[str, dict[str, object]] = {}


DEFAULT = Scenario(title="Default")


def scenario_names(project: Project) -> list[str]:
    """`default`, then the others by name."""
    return ["default", *sorted({path.stem for path in project.scenarios.glob("*.yaml")} - {"default"})]


def read_scenario(project: Project, name: str) -> Scenario:
    if not re.fullmatch(r"[a-z0-9_-]+", name):
        raise ParameterError(f"scenario {name!r}: a scenario's name has only the characters a-z, 0-9, _ and -")
    path = project.scenarios / f"{name}.yaml"
    if not os.path.lexists(path):
        if name == "default":
            return DEFAULT
        raise ParameterError(f"scenario {name!r} is not known{nearest(name, [*scenario_names(project), 'all'])}")
    try:
        content = strict_yaml.read(path)
    except strict_yaml.NotUsable as error:
        raise DataError(path.name, str(error), row=error.line) from None
    if not isinstance(content, dict):
        raise DataError(path.name, "a scenario is a mapping with at least a title")
    try:
        scenario = Scenario.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(path.name, first["msg"][:1].lower() + first["msg"][1:], field=where) from None
    if scenario.prices or scenario.inputs:
        from tokenfactory.warehouse import own  # the schema of all data, which few scenarios need

        own.rows(name, scenario.prices, scenario.inputs)
    return scenario


def _with_own(name: str, scenario: Scenario, notebooks: Sequence[Notebook]) -> dict[str, object]:
    """The parameters with which notebooks find the prices and inputs of a scenario; refuses what none of them reads."""
    file, values = f"{name}.yaml", dict(scenario.parameters)
    kinds = {parameter.name: parameter.kind for notebook in notebooks for parameter in notebook.parameters.values()}
    if scenario.inputs:
        profiles = [parameter for parameter, kind in kinds.items() if kind == "tco_profile"]
        if not profiles:
            raise DataError(file, "no chosen notebook reads inputs of owning", field="inputs")
        for parameter in profiles:
            if values.setdefault(parameter, name) != name:
                message = f"the inputs of this file are the profile '{name}': leave this out"
                raise DataError(file, message, field=f"parameters.{parameter}")
        for applies_to, of_what in scenario.inputs.items():
            if "building_usd_per_kw" in of_what and values.get("has_own_building") is not True:
                message = "a building is read only with has_own_building: true among the parameters"
                raise DataError(file, message, field=f"inputs.{applies_to}.building_usd_per_kw")
    if scenario.prices:
        asked = {values.get(parameter) for parameter, kind in kinds.items() if kind == "price_basis"}
        if (basis := f"your_quote_{name}") not in asked:
            message = f"nothing reads them: write {basis} for a price basis among the parameters"
            raise DataError(file, message, field="prices")
    return values


# Jobs


@dataclass(frozen=True)
class Job:
    """One notebook to run with one set of parameters; `parameters` holds only what differs from the cell's own."""

    notebook: Notebook
    scenario: str
    parameters: Mapping[str, Value]

    @property
    def values(self) -> dict[str, Value]:
        """The value of every parameter of the notebook."""
        return {name: self.parameters.get(name, p.default) for name, p in self.notebook.parameters.items()}


@dataclass(frozen=True)
class Plan:
    scenarios: Mapping[str, Scenario]
    jobs: Sequence[Job]
    is_whole: bool  # every notebook of its scenarios, and no parameters from the command line


def split_parameters(texts: Iterable[str]) -> dict[str, str]:
    """`name=value` texts of the command line as a mapping."""
    pairs = [text.partition("=") for text in texts]
    for name, equals, _ in pairs:
        if not equals or not name:
            raise ParameterError(f"parameter {reprlib.repr(name)}: write it as name=value")
    return {name.strip(): value for name, _, value in pairs}


def choose(available: Sequence[Notebook], names: Sequence[str] | None) -> list[Notebook]:
    """The notebooks of these names, or all of them, in reading order."""
    if names is None:
        return list(available)
    known = {notebook.name for notebook in available}
    for name in names:
        if name not in known:
            raise ParameterError(f"notebook {name!r} is not known{nearest(name, known)}")
    return [notebook for notebook in available if notebook.name in names]


def _assign(notebook: Notebook, values: Mapping[str, object], wrong) -> dict[str, Value]:
    assigned = {}
    for name, parameter in notebook.parameters.items():
        if name in values:
            try:
                assigned[name] = parameter.convert(values[name])
            except ValueError as error:
                raise wrong(name, str(error)) from None
    return assigned


def _check_apart(job: Job) -> None:
    """A notebook that takes two systems compares them, and nothing can be compared with itself."""
    gpus = {name: job.values[name] for name, parameter in job.notebook.parameters.items() if parameter.kind == "gpu"}
    for (one, value), (other, same) in combinations(gpus.items(), 2):
        if value == same:
            raise ParameterError(f"{one} and {other} are both {value!r}: choose two that differ")


def _check_known(names: Iterable[str], chosen: Sequence[Notebook], wrong) -> None:
    known = {name for notebook in chosen for name in notebook.parameters}
    for name in names:
        if name not in known:
            raise wrong(name, f"no chosen notebook has a parameter {name!r}{nearest(name, known)}")


def make(
    project: Project,
    scenarios: Sequence[str] = ("default",),
    parameters: Mapping[str, str] | None = None,
    only: Sequence[str] | None = None,
) -> Plan:
    """The jobs of these scenarios (`all`: every one), with parameters of the command line on top.

    `only` narrows the notebooks by name. A parameter goes to every notebook that has it.
    """
    parameters = parameters or {}
    available = notebooks(project)
    names = scenario_names(project) if "all" in scenarios else list(dict.fromkeys(scenarios))
    chosen_scenarios = {name: read_scenario(project, name) for name in names}
    chosen = choose(available, only)
    chosen_names = {notebook.name for notebook in chosen}

    def wrong_argument(name, message):
        return ParameterError(f"{name}: {message}")

    _check_known(parameters, chosen, wrong_argument)
    jobs = []
    for scenario_name, scenario in chosen_scenarios.items():
        file = f"{scenario_name}.yaml"

        def wrong_in_file(name, message, file=file):
            return DataError(file, message, field=f"parameters.{name}")

        try:
            of_scenario = choose(available, scenario.notebooks)
        except ParameterError as error:
            raise DataError(file, str(error), field="notebooks") from None
        _check_known(scenario.parameters, of_scenario, wrong_in_file)
        values = _with_own(scenario_name, scenario, of_scenario)
        for notebook in of_scenario:
            if notebook.name in chosen_names:
                assigned = _assign(notebook, values, wrong_in_file)
                assigned |= _assign(notebook, parameters, wrong_argument)
                job = Job(notebook, scenario_name, assigned)
                _check_apart(job)
                jobs.append(job)
    if not jobs:
        raise ParameterError(f"scenario {names[0]!r} has none of the chosen notebooks")
    return Plan(chosen_scenarios, jobs, is_whole=only is None and not parameters)


def check_against_data(jobs: Iterable[Job], warehouse) -> None:
    """Every key must be in the data, and what the notebooks look up by it must exist.

    `warehouse` is a connected `Warehouse`. A GPU may be known and yet have no price on the day: NotMeasuredError.
    """
    vocabulary = functools.cache(lambda kind: frozenset(warehouse.vocabulary(kind)))

    def check_key(parameter: Parameter, value: str, file: str) -> None:
        try:
            known = vocabulary(parameter.kind)
        except KeyError:
            raise DataError(file, f"parameter '{parameter.name}': there is no kind [{parameter.kind}]") from None
        if value not in known:
            raise ParameterError(
                f"{parameter.name}: {reprlib.repr(value)} is not a known {parameter.kind}{nearest(value, known)}"
            )

    for job in jobs:
        for name, parameter in job.notebook.parameters.items():
            if parameter.type is str and parameter.kind not in ("date", "token_scope"):
                check_key(parameter, job.values[name], job.notebook.path.name)
        for asked in _asked(job, "price"):
            warehouse.price(**asked)
        for asked in _asked(job, "power"):
            warehouse.power(**asked)


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
    """One sentence for each price that a job looks up and that is too old to be used unseen.

    Parameters
    ----------
    warehouse : a connected `Warehouse`
    max_age_days : days since the price was last known to hold, beyond which it is too old
    today : the day ages are counted to; by default that of the clock, in UTC

    Notes
    -----
    A price is known to hold until its end or, while it has none, until the day its source was last read. So a job
    that asks for a day long past is told of it, and reading the source again makes a price new.
    """
    today = today or datetime.now(UTC).date()
    told: dict[str, list[str]] = {}
    for job in jobs:
        for asked in _asked(job, "price"):
            row = warehouse.price(**asked)
            last = row["last_known_on"]
            if (today - last).days > max_age_days:
                price = f"the {asked['basis']} price of {asked['gpu']} on {asked['on']} ({row['price_id']})"
                sentence = f"{price} was last known to hold on {last}, {(today - last).days} days before {today}"
                told.setdefault(sentence, []).append(job.notebook.name)
    return [f"{sentence}: {', '.join(dict.fromkeys(names))}" for sentence, names in sorted(told.items())]
