"""A small project in a temporary folder, for tests of what runs notebooks: no product notebook, no product prose."""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from zlib import crc32

from warm_python import WarmPython

from tokenfactory.errors import DataError
from tokenfactory.source import Project
from tokenfactory.warehouse import files

PARAMETERS = """\
subject: str = "gb300"  # [gpu] what is asked about
utilisation_frac: float = 0.6  # [frac] share of hours that serve users
num_gpu: int = 72  # [gpus] deployed GPUs
"""


def cell(source: str, *tags: str, kind: str = "code") -> dict:
    made = {"id": f"c{crc32(source.encode()):08x}", "cell_type": kind, "metadata": {"tags": list(tags)}}
    return made | {"source": source} | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def write_notebook(path: Path, *sources: str, parameters: str | None = PARAMETERS, title: str = "Is it so?") -> Path:
    """A notebook: a title, a parameters cell unless None, and one code cell for each source."""
    cells = [cell(f"# {title}", kind="markdown")]
    cells += [cell(parameters, "parameters")] if parameters is not None else []
    cells += [cell(source) for source in sources]
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    document = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1))
    return path


def write_scenario(project: Project, name: str, text: str) -> None:
    project.scenarios.mkdir(parents=True, exist_ok=True)
    (project.scenarios / f"{name}.yaml").write_text(text)


def make_project(root: Path, **sources_of) -> Project:
    """A project with one notebook for each keyword, named as it and made of its code cells."""
    project = Project(root)
    for name, sources in sources_of.items():
        write_notebook(project.notebooks / f"{name}.ipynb", *([sources] if isinstance(sources, str) else sources))
    return project


# Whole runs, each in a process of its own as a user starts it, with pages that are plain JSON

TESTS = Path(__file__).parent
CLI = [sys.executable, str(TESTS / "stubbed_cli.py")]
WARM = WarmPython()
BUILT = tempfile.TemporaryDirectory(prefix="tf-built-")

MAIN = "from tokenfactory.cli import main; main()"
SUBJECT = 'subject: str = "gb300"  # [gpu] what is asked about\n'
PRICES = """\
from tokenfactory import warehouse
rows = warehouse.connect().query(
    "SELECT price_id, usd_per_gpu_hour FROM price_book WHERE gpu = $gpu ORDER BY price_id", gpu=subject)
print(subject, rows["usd_per_gpu_hour"].sum())"""
HEADLINES = """\
from tokenfactory.display.show import Headline, headlines
headlines([
    Headline("b_price", "A price, of 2", 1234567.891, "usd", "1.2M"),
    Headline("a_none", "None", None, "usd", "-"),
])
"""


class Runs:
    """A project in a temporary folder, with a library of its own, and the command line on it."""

    def __init__(self, root: Path, data: Path):
        self.project = Project(root)
        self.data, self.site, self.csv = data, root / "reports" / "site", root / "reports" / "headline_numbers.csv"
        self.environment = os.environ | {
            "PYTHONPATH": str(root / "lib"),
            "TOKENFACTORY_CACHE": str(root / ".cache"),
            "TOKENFACTORY_DATA": str(data),
        }

    def command(self, *arguments: str, before: tuple[str, ...] = ()) -> list[str]:
        return [CLI[0], *before, CLI[1], str(self.project.root), *arguments]

    def run(self, *arguments: str, before=(), **environment) -> subprocess.CompletedProcess:
        command, where = self.command(*arguments, before=before), {"cwd": self.project.root, "timeout": 300}
        # Kernels of Jupyter and workers of Dask do not start from a process that was forked.
        is_cold = before or {"kernel", "--scheduler"} & {*arguments}
        with self._built_once():
            if not is_cold:
                return WARM.run(command[1:], env=self.environment | environment, **where)
            return subprocess.run(command, env=self.environment | environment, capture_output=True, text=True, **where)

    @contextmanager
    def _built_once(self) -> Iterator[None]:
        """What another test has built of the same content is here, and what is built here is there for the next."""
        here, there = self.project.root / ".cache" / "warehouse", Path(BUILT.name)
        with suppress(DataError, OSError):  # not built yet, or data that nothing can be built from
            name = f"{files.fingerprint(self.data)[:16]}.duckdb"
            here.mkdir(parents=True, exist_ok=True)
            os.link(there / name, here / name)
        yield
        for built in here.glob("[!.]*.duckdb"):
            with suppress(OSError):
                os.link(built, there / built.name)

    def report(self, *arguments: str, **environment) -> dict:
        """The result of a run that succeeds."""
        done = self.run("report", "--json", *arguments, **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def page(self, name: str) -> dict:
        return json.loads((self.site / f"{name}.html").read_text())

    def files(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.site)): p.read_bytes() for p in sorted(self.site.rglob("*")) if p.is_file()}

    def copy(self, root: Path) -> "Runs":
        """The same project elsewhere, as far as it was made, which costs less than making it again."""
        shutil.copytree(self.project.root, root, symlinks=True)
        return Runs(root, root / "data")

    def leftovers(self) -> list[str]:
        kept = {".site-lock", self.site.readlink().name}
        return [p.name for p in (self.project.reports).glob(".site-*") if p.name not in kept]

    def failed(self) -> dict[str, str]:
        """What is kept of the last run that failed."""
        run = max((self.project.reports / "failed").iterdir())
        return {str(p.relative_to(run)): p.read_text() for p in run.rglob("*") if p.is_file()}

    def alerts(self) -> list[dict]:
        return [json.loads(path.read_text()) for path in sorted((self.project.reports / "alerts").glob("*.json"))]

    def notebook(self, name: str, *cells: str, parameters=SUBJECT) -> None:
        write_notebook(self.project.notebooks / f"{name}.ipynb", *cells, parameters=parameters, title=f"About {name}?")

    def change_price(self, gpu: str, factor: float) -> None:
        """Change the first price of a GPU."""
        path = self.data / "price_book.csv"
        with path.open(newline="") as lines:
            rows = list(csv.DictReader(lines))
        row = next(row for row in rows if row["gpu"] == gpu)
        row["usd_per_gpu_hour"] = repr(float(row["usd_per_gpu_hour"]) * factor)
        with path.open("w", newline="") as lines:
            writer = csv.DictWriter(lines, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


class RealRuns(Runs):
    """The command line with real pages."""

    def command(self, *arguments: str, before: tuple[str, ...] = ()) -> list[str]:
        return [CLI[0], *before, "-c", MAIN, *arguments]


def shorten(data: Path) -> None:
    """Leave the beginning of the tables with most rows, in a copy of the data for tests that ask nothing of these."""
    for name in ("kernels_attention", "kernels_experts", "trace_requests"):
        path = data / f"{name}.csv"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:60]))


def make_runs(root: Path, project: Path) -> Runs:
    """Three notebooks, two of which read prices, with copies of the data and of the library of `project`."""
    data = root / "data"
    shutil.copytree(project / "lib", root / "lib")
    shutil.copytree(project / "data", data, ignore=shutil.ignore_patterns("scenarios", "snapshots"))
    shorten(data)
    runs = Runs(root, data)
    runs.notebook("01_prices", PRICES, HEADLINES)
    runs.notebook("02_amd", PRICES.replace("gpu=subject", 'gpu="mi300x"'))
    runs.notebook("03_plain", "1 + 1", parameters=None)
    write_scenario(runs.project, "other", "title: Other\ndescription: D\nparameters: {subject: h200}")
    return runs
