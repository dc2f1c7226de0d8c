"""What to run: the notebooks with their parameters, the scenarios, and the jobs they make together.

Papermill passes on unknown names and wrong types without a word, so everything is checked here,
before the first notebook starts. It needs no data: `Source.check` asks them.
"""

import ast
import hashlib
import json
import math
import os
import re
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reportkit import reports, strict_yaml
from reportkit.errors import DataError, ParameterError, nearest
from reportkit.source import Project
from reportkit.text import words

MOST_PARAMETERS = 15
LONGEST_NAME = 80  # of the folder of a what-if
LARGEST, LONGEST_NUMBER = 10**15, 100  # of a parameter; as text, in characters
NUMBERS = {
    int: re.compile(r"[+-]?[0-9]+"),
    float: re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(nan|inf(inity)?)", re.IGNORECASE),
}
LINE = re.compile(r"(\w+)\s*:\s*(\w+)\s*=\s*([^#]*?)\s*(?:#\s*\[([^\]\s]+)\]\s*(\S.*)|#.*)?")
TYPES = {"str": str, "int": int, "float": float, "bool": bool}
LATEST = "latest"  # as a date: the newest day that the data know

Value = str | int | float | bool
Kinds = Mapping[str, Callable[[Value], str | None]]  # see `Source.kinds`


# Notebooks


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: `name: type = default  # [kind] meaning`."""

    name: str
    type: type
    default: Value
    kind: str
    meaning: str

    def convert(self, value: object, kinds: Kinds) -> Value:
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
        self._check_kind(value, shown, kinds)
        return value

    def _check_kind(self, value: Value, shown: str, kinds: Kinds) -> None:
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{shown} is not a finite number")
        if isinstance(value, int | float) and abs(value) > LARGEST:
            raise ValueError(f"{shown} is larger than anything here can be")
        if self.kind in kinds and (allowed := kinds[self.kind](value)):
            raise ValueError(f"{shown} is not {allowed}")
        if self.kind == "date" and value != LATEST:
            try:
                is_date = date.fromisoformat(value).isoformat() == value
            except ValueError:
                is_date = False
            if not is_date:
                raise ValueError(f"{shown} is neither a date such as 2026-04-15 nor {LATEST!r}")


@dataclass(frozen=True)
class Notebook:
    """A notebook that is planned: its title, parameters and source."""

    path: Path
    title: str
    document: Mapping = field(repr=False)
    parameters: Mapping[str, Parameter] = field(repr=False)

    @property
    def name(self) -> str:
        return self.path.stem


def _source(cell: Mapping) -> str:
    return "".join(cell["source"])


def _parse_line(line: str, kinds: Kinds) -> Parameter:
    found = LINE.fullmatch(line.strip())
    if not found:
        raise ValueError("write `name: type = value  # [kind] meaning`")
    name, annotation, text, kind, meaning = found.groups()
    if annotation not in TYPES:
        raise ValueError(f"the type of '{name}' must be one of {', '.join(TYPES)}")
    try:
        default = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        default = "="
    if isinstance(default, str) and (annotation != "str" or "=" in default):
        # Papermill finds names and comments by text search and would cut such a string.
        raise ValueError(f"the value of '{name}' must be {annotation} without = and #, and written out")
    if kind is None:
        raise ValueError(f"'{name}' needs a comment `# [kind] meaning`")
    parameter = Parameter(name, TYPES[annotation], default, kind, meaning)
    try:
        parameter.convert(default, kinds)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return parameter


def parse_parameters(source: str, file: str, kinds: Kinds) -> dict[str, Parameter]:
    """The parameters of a parameters cell, in order; anything but the agreed form is a DataError."""
    parameters: dict[str, Parameter] = {}
    for number, line in enumerate(source.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            try:
                parameter = _parse_line(line, kinds)
                if parameter.name in parameters:
                    raise ValueError(f"'{parameter.name}' is there twice")
                if len(parameters) == MOST_PARAMETERS:
                    raise ValueError(f"more than {MOST_PARAMETERS} parameters")
            except ValueError as error:
                raise DataError(file, f"parameters cell, line {number}: {error}") from None
            parameters[parameter.name] = parameter
    return parameters


def read_notebook(path: Path, kinds: Kinds) -> Notebook:
    """Read a notebook and the parameters that it declares."""
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
    parameters = parse_parameters(tagged[0], path.name, kinds) if tagged else {}
    return Notebook(path, title, document, parameters)


def notebooks(project: Project, *, with_lessons: bool = False) -> list[Notebook]:
    """Every notebook that makes a page, in reading order; and those that teach, `Source.lessons`, if asked for."""
    lessons = project.source.lessons
    files = [p for p in project.notebooks.glob("*.ipynb") if re.fullmatch(r"\d\d_[a-z0-9_]+", p.stem)]
    files = sorted(path for path in files if path.stem not in lessons)
    if not files:
        raise DataError("notebooks", "there is no notebook named NN_subject.ipynb here")
    if with_lessons:
        files += sorted(path for path in project.notebooks.glob("*.ipynb") if path.stem in lessons)
    return [read_notebook(path, project.source.kinds) for path in files]


# Scenarios


class Scenario(BaseModel):
    """A file of `data/scenarios/`: a named set of parameter values, and sections that the suite's data read."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: str = Field(min_length=1)
    description: str = ""
    notebooks: list[str] | None = None
    parameters: dict[str, object] = {}
    sections: dict[str, object] = {}


DEFAULT = Scenario(title="Default")


def scenario_names(project: Project) -> list[str]:
    """`default`, then the others by name."""
    return ["default", *sorted({path.stem for path in project.scenarios.glob("*.yaml")} - {"default"})]


def read_scenario(project: Project, name: str) -> Scenario:
    """Read a scenario file by its name."""
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
        own = {section: content.pop(section) for section in project.source.sections if section in content}
        return Scenario.model_validate(content | ({"sections": own} if own else {}))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(path.name, first["msg"][:1].lower() + first["msg"][1:], field=where) from None


# Jobs


@dataclass(frozen=True)
class Job:
    """One notebook to run with one set of parameters; `parameters` holds only what differs from the cell's own."""

    notebook: Notebook
    scenario: str
    parameters: Mapping[str, Value]

    @property
    def label(self) -> str:
        return reports.home(self.scenario) + self.notebook.name

    @property
    def values(self) -> dict[str, Value]:
        """The value of every parameter of the notebook."""
        return {name: self.parameters.get(name, p.default) for name, p in self.notebook.parameters.items()}

    @property
    def told(self) -> dict[str, dict]:
        """What pages say of every parameter of the notebook: value, default, kind and meaning."""
        return {
            p.name: {"value": self.values[p.name], "default": p.default, "kind": p.kind, "meaning": p.meaning}
            for p in self.notebook.parameters.values()
        }


@dataclass(frozen=True)
class Plan:
    """Which jobs a report has, by scenario."""

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


def _wrong(file: str | None, name: str, message: str) -> DataError | ParameterError:
    """What is wrong with a parameter of a scenario file, or of the command line."""
    return DataError(file, message, field=f"parameters.{name}") if file else ParameterError(f"{name}: {message}")


def _assign(
    notebook: Notebook, values: Mapping[str, object], kinds: Kinds, file: str | None = None
) -> dict[str, Value]:
    assigned = {}
    for name, parameter in notebook.parameters.items():
        if name in values:
            try:
                assigned[name] = parameter.convert(values[name], kinds)
            except ValueError as error:
                raise _wrong(file, name, str(error)) from None
    return assigned


def _check_apart(job: Job, kind: str | None) -> None:
    """A notebook that takes two of what is compared compares them, and nothing can be compared with itself."""
    values = {name: job.values[name] for name, parameter in job.notebook.parameters.items() if parameter.kind == kind}
    for (one, value), (other, same) in combinations(values.items(), 2):
        if value == same:
            raise ParameterError(f"{one} and {other} are both {value!r}: choose two that differ")


def _check_known(names: Iterable[str], chosen: Sequence[Notebook], file: str | None = None) -> None:
    known = {name for notebook in chosen for name in notebook.parameters}
    for name in names:
        if name not in known:
            raise _wrong(file, name, f"no chosen notebook has a parameter {name!r}{nearest(name, known)}")


def _what_if(project: Project, jobs: Sequence[Job], names: Iterable[str]) -> str:
    """The title of a report with other values: What if: subject B200, interactivity 50."""
    kinds = {name: p.kind for job in jobs for name, p in job.notebook.parameters.items()}
    values = {name: job.values[name] for job in jobs for name in names if name in job.values}
    said = (f"{words(name)} {project.source.said(kinds[name], values[name])}" for name in names if name in values)
    return f"What if: {', '.join(said)}"


def what_if(parameters: Mapping[str, str]) -> str:
    """The folder of the site of these values: subject-b200-interactivity-50."""
    text = "-".join(f"{name}-{value}" for name, value in sorted(parameters.items()))
    plain = re.sub(r"[^a-z0-9._-]+", "-", text.lower())[:LONGEST_NAME]
    return plain if plain == text else f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def make(
    project: Project,
    scenarios: Sequence[str] = ("default",),
    parameters: Mapping[str, str] | None = None,
    only: Sequence[str] | None = None,
) -> Plan:
    """The jobs of these scenarios (`all`: every one), with parameters of the command line on top.

    `only` narrows the notebooks by name. A parameter goes to every notebook that has it.
    """
    parameters, kinds = parameters or {}, project.source.kinds
    available = notebooks(project)
    names = scenario_names(project) if "all" in scenarios else list(dict.fromkeys(scenarios))
    chosen_scenarios = {name: read_scenario(project, name) for name in names}
    chosen = choose(available, only)
    chosen_names = {notebook.name for notebook in chosen}

    _check_known(parameters, chosen)
    jobs = []
    for scenario_name, scenario in chosen_scenarios.items():
        file = f"{scenario_name}.yaml"
        try:
            of_scenario = choose(available, scenario.notebooks)
        except ParameterError as error:
            raise DataError(file, str(error), field="notebooks") from None
        _check_known(scenario.parameters, of_scenario, file)
        values = project.source.scenario_values(scenario_name, scenario, of_scenario)
        for notebook in of_scenario:
            if notebook.name in chosen_names:
                assigned = _assign(notebook, values, kinds, file)
                assigned |= _assign(notebook, parameters, kinds)
                job = Job(notebook, scenario_name, assigned)
                _check_apart(job, project.source.compared)
                jobs.append(job)
    if parameters:
        told = _what_if(project, jobs, parameters)
        chosen_scenarios = {
            name: scenario.model_copy(update={"title": told + ("" if name == "default" else f", in {scenario.title}")})
            for name, scenario in chosen_scenarios.items()
        }
    if not jobs:
        raise ParameterError(f"scenario {names[0]!r} has none of the chosen notebooks")
    return Plan(chosen_scenarios, jobs, is_whole=only is None and not parameters)
