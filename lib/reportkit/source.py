"""What reportkit is handed: a suite of notebooks in a checkout, and the data that they read.

Nothing here knows what the data are about. A suite gives a `Source`; tests give a toy one.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol


class Variables(NamedTuple):
    """Names of environment variables."""

    data: str  # the folder of the data
    cache: str  # the folder of what can be made again
    built: str  # finished data, in place of those that `Source.build` would build
    trace: str  # the file that queries are appended to


class House(NamedTuple):
    """A condition that holds on all pages but where a page says otherwise."""

    parameter: str
    value: object
    told: str  # how another value is told, such as "prices of {}"


class Suite(NamedTuple):
    """How pages name what they belong to."""

    title: str
    subtitle: str
    about: str  # in one sentence
    notices: Sequence[str]  # of licences, at the end of every page
    licence: tuple[str, str, str]  # address, name, and what it holds for
    questions: Mapping[str, Sequence[str]] = {}  # beginnings of the names of notebooks by what they are about
    house: Sequence[House] = ()
    conditions: Mapping[str, tuple[str, str]] = {}  # by beginning of a name: label of other conditions, and these
    glossary: Mapping[str, str] = {}  # terms that pages explain, and what each means
    known: Mapping[str, str] = {}  # by beginning of a file's place: how its rows are known, which do not say it

    def by_question(self, names: Sequence[str]) -> list[tuple[str, list[str]]]:
        """Names of notebooks in reading order, by what they are about; those about nothing in particular last."""
        found, left = [], sorted(names, key=lambda name: name.startswith("00_"))
        for question, starts in self.questions.items():
            here = [name for start in starts for name in left if name.startswith(start)]
            left = [name for name in left if name not in here]
            found.append((question, here))
        return [(question, here) for question, here in (*found, ("", left)) if here]


class Lineage(Protocol):
    """What stands behind a query."""

    relations: Sequence[str]
    files: Sequence[str]  # of `Source.hashes`
    rows: Sequence[str]  # names of the rows it read, or none where they are too many
    num_rows: int


class Lineages(Protocol):
    """Where the lineage of a query can be asked, and file, source and conditions of rows, by their names."""

    def lineage(self, query: str, parameters: Mapping) -> Lineage: ...

    def rows(self, names: Iterable[str]) -> dict[str, dict]: ...


class Source(Protocol):
    """The data of a suite, and what is particular to it. It is sent to other processes, so it can be pickled."""

    command: str  # the name of its command line
    program: str  # Python that runs it
    version: str
    suite: Suite
    variables: Variables
    packages: Sequence[Path]  # folders of the code that notebooks use; reportkit's own always counts too
    no_method: Sequence[str]  # beginnings of paths in a checkout, of code that no notebook uses
    imports: Sequence[str]  # of all notebooks, so that it is done once
    slow_imports: Sequence[str]  # of a few of them
    kinds: Mapping[str, Callable[[object], str | None]]  # what is wrong with a value of a kind of parameter, or None
    compared: str | None  # the kind of parameter of which no two in a notebook may be the same
    groups: Mapping[str, Sequence[str]]  # files that count apart where a change is shared out, such as prices
    date_columns: Sequence[str]  # of the first file of a group, whose newest date tells its age
    lessons: Sequence[str]  # notebooks that teach, and make no page
    sections: Mapping[str, str]  # of a scenario file, beside those of reportkit, and the group that each counts to

    def fingerprint(self, data: Path | None = None) -> str:
        """Identity of all that decides what notebooks read; None: of the data in use."""

    def hashes(self) -> Mapping[str, str]:
        """SHA-256 of each file of the data, by its place."""

    def files(self) -> Mapping[str, Path]:
        """Every file that the data are built from, by its place below `data/` of a checkout."""

    def archived(self) -> Mapping[str, Path]:
        """Of these the ones that an archive keeps."""

    def lend(self, cache: Path, other: Path) -> None:
        """Give another folder of what can be made again what is built in this one under the hash of its content."""

    def complete(self, root: Path, files: Mapping[str, str]) -> None:
        """Bring to a checkout what an archive of these files, with their hashes, does not keep."""

    def archived_rows(self, files: Mapping[str, str], read: Callable[[str], bytes]) -> Mapping[str, Mapping]:
        """Rows of archived files that are no CSV files, by their names."""

    def build(self, data: Path | None = None) -> Path:
        """The built data, made if need be."""

    def replay(self, trace: Iterable[str], built: Path) -> bool:
        """Whether every query of a trace has the result it had.

        A trace has a JSON object a line: `sql`, `params`, `result` (a hash), and `cell` and `line` that asked.
        """

    def lineage(self, built: Path) -> Lineages: ...

    def said(self, kind: str, value: object) -> str:
        """The value of a parameter of a kind, as people say it."""

    def check(self, jobs: Sequence, built: Path) -> None:
        """Raise an InputError where a value of a job is not in the data."""

    def stale(self, jobs: Sequence, built: Path, max_age_days: int) -> list[str]:
        """A sentence for each figure that a job reads and that is too old to be used unseen."""

    def scenario_values(self, name: str, scenario, notebooks: Sequence) -> Mapping[str, object]:
        """The parameters of a scenario, with what follows from its sections."""


@dataclass(frozen=True)
class Frame:
    """What all pages of a scenario have in common."""

    suite: Suite
    scenario: str  # its title
    made_on: str  # ISO date
    pages: Sequence[Mapping[str, str]]  # those of its notebooks, `href` and `title` each

    def by_question(self) -> list[tuple[str, list[Mapping[str, str]]]]:
        """The pages in reading order, by what they are about."""
        pages = {page["href"]: page for page in self.pages}
        return [(question, [pages[href] for href in here]) for question, here in self.suite.by_question(list(pages))]

    def in_order(self) -> list[Mapping[str, str]]:
        return [page for _, pages in self.by_question() for page in pages]


@dataclass(frozen=True)
class Project:
    """The folders of a checkout, and its data; `what_if` names a site of other values, beside that of the checkout."""

    root: Path
    source: Source
    what_if: str = ""

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"

    @property
    def scenarios(self) -> Path:
        return self.root / "data" / "scenarios"

    @property
    def reports(self) -> Path:
        reports = self.root / "reports"
        return reports / "what-if" / self.what_if if self.what_if else reports

    @property
    def scratch(self) -> Path:
        """The folder of what can be made again."""
        return Path(os.environ.get(self.source.variables.cache) or self.root / ".cache")

    @property
    def cache(self) -> Path:
        return self.scratch / "reports"


def given(source: Source) -> Path | None:
    """The finished data that the environment names, in place of those that would be built."""
    path = os.environ.get(source.variables.built)
    return Path(path) if path else None
