"""A site made of the sample notebooks, and the browser to look at it."""

import shutil

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
ARGUMENTS += ["--disable-sync", "--no-first-run"]


@pytest.fixture(scope="session")
def sample_site(tmp_path_factory):
    import sample

    return sample.write_site(tmp_path_factory.mktemp("site"))


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
