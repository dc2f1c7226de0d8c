"""What every test may use: the project folder, and the test data that lies beside it or not at all."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same cases in every run, so that a change is what makes a test fail; `make soak` looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("soak", deadline=None, max_examples=2000)
settings.load_profile("soak" if os.environ.get("TOKENFACTORY_SOAK") else "same")

PROJECT = Path(__file__).parents[1]


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
