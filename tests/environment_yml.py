"""Print environment.yml: conda gives Python, pip the versions of requirements.lock for our direct dependencies.

`make lock` runs this; test_environment.py fails when the file differs.
"""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = Path(__file__).parents[1]
PYTHON = "3.11"  # what conda users get
GROUPS = {
    "Runtime": [
        "altair",
        "beautifulsoup4",
        "duckdb",
        "filelock",
        "jinja2",
        "numpy",
        "pandas",
        "polars",
        "pyarrow",
        "pydantic",
        "pyyaml",
        "scipy",
    ],
    "Notebooks": [
        "anywidget",
        "ipykernel",
        "ipywidgets",
        "jupyterlab",
        "latex2mathml",
        "nbconvert",
        "nbval",
        "papermill",
        "vl-convert-python",
        "xlsxwriter",
    ],
    "Cluster": ["distributed"],
    "Schedules": ["jupyter-scheduler"],
    "Tests": [
        "axe-playwright-python",
        "hypothesis",
        "mutmut",
        "numpy-financial",
        "openpyxl",
        "packaging",
        "playwright",
        "pytest",
        "pytest-xdist",
        "rocrate",
        "ruff",
    ],
    "Build": ["editables", "hatchling"],
}


def declared() -> set[str]:
    """Names of the direct dependencies in pyproject.toml, extras included."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    return {re.match(r"[a-z0-9-]+", item)[0] for items in lists for item in items}


def locked() -> dict[str, str]:
    """Version of every package that requirements.lock gives a Linux machine with PYTHON."""
    here = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.0", "sys_platform": "linux"}
    lines = re.findall(r"^[a-z0-9].*==.*?(?= \\$)", (PROJECT / "requirements.lock").read_text(), flags=re.M)
    pins = map(Requirement, lines)
    return {pin.name: str(pin.specifier)[2:] for pin in pins if not pin.marker or pin.marker.evaluate(here)}


def render() -> str:
    versions = locked()
    lines = [
        "# Made by `make lock` from pyproject.toml and requirements.lock; change those.",
        "name: token-factory",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        f"  - python={PYTHON}",
        "  - pip",
        "  - pip:",
    ]
    for group, packages in GROUPS.items():
        lines += [f"      # {group}", *(f"      - {package}=={versions[package]}" for package in packages)]
    return "\n".join([*lines, "      # The library itself", "      - -e .", ""])


if __name__ == "__main__":
    print(render(), end="")
