"""pyproject.toml, requirements.lock, environment.yml and the Makefile name the same things."""

import re

import yaml
from environment_yml import GROUPS, PROJECT, declared, locked, render


def test_environment_yml_is_what_the_lock_says():
    assert (PROJECT / "environment.yml").read_text() == render(), "run `make lock`"


def test_environment_yml_names_every_direct_dependency_and_nothing_else():
    content = yaml.safe_load((PROJECT / "environment.yml").read_text())
    assert content["channels"] == ["conda-forge"]
    *_, pip = content["dependencies"]
    names = [item.split("==")[0] for item in pip["pip"]]
    assert set(names) == declared() | {"-e ."}
    assert len(names) == sum(map(len, GROUPS.values())) + 1


def test_the_lock_resolves_every_direct_dependency():
    assert declared() <= set(locked())


def test_the_lock_holds_hashes_and_no_addresses():
    text = (PROJECT / "requirements.lock").read_text()
    assert "://" not in text
    entries = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert len(entries) > 100
    assert [e.splitlines()[0] for e in entries if "--hash=sha256:" not in e] == []


def test_the_slow_grammar_stays_out():
    assert "rfc3987-syntax" not in locked()


def test_the_packages_that_make_the_suite_are_runtime_dependencies():
    runtime = set(GROUPS["Runtime"]) | set(GROUPS["Notebooks"])
    assert {"jupyterlab", "pandas", "polars", "altair", "papermill", "nbval", "duckdb"} <= runtime
