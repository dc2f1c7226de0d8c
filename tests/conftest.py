"""What every test may use: the project folder, a browser, and the test data that lies beside it or not at all."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

# The same cases in every run, so that a change is what makes a test fail; `make soak` looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("soak", deadline=None, max_examples=2000)
settings.load_profile("soak" if os.environ.get("TOKENFACTORY_SOAK") else "same")

PROJECT = Path(__file__).parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
ARGUMENTS += ["--disable-sync", "--no-first-run"]

collect_ignore = ["tools/fuzz_adapters.py"]  # a program that needs atheris

# The longest files, which start first, so that at the end no worker waits for another that has just begun one.
LONGEST = [
    "browser",
    "attribution",
    "field_cases",
    "ingest",
    "equal_speed_pages",
    "same_bytes",
    "runner",
    "conclusions",
    "cluster",
    "lab",
    "faults",
    "store",
    "formats",
    "repair",
    "cli",
    "own",
    "stage",
    "site_bad_input",
    "schedules",
    "pull",
    "reports",
    "xlsx",
    "any_question",
    "new_names",
    "three_ways",
    "archive",
    "provenance",
    "engine",
    "notebooks",
    "worlds",
    "workbook_all",
    "verify",
    "racks_on_pages",
]
ORDER = {f"test_{name}.py": place for place, name in enumerate(LONGEST)}


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: ORDER.get(item.path.name, len(ORDER)))


@pytest.fixture(scope="session")
def project() -> Path:
    return PROJECT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Data for tests only, which the project does not ship; TOKENFACTORY_SHARED names another place."""
    folder = Path(os.environ.get("TOKENFACTORY_SHARED") or PROJECT.parent / "shared") / "data"
    if not folder.is_dir():
        pytest.skip(f"the test data in {folder.parent.name}/ is not on this machine")
    return folder


@pytest.fixture(scope="session")
def browser():
    """The system's Chromium; nothing is downloaded, and without one the tests that need it are skipped."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="the Python package playwright is not installed")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not path:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the path")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()
