"""A site made of the sample notebooks, and small projects whose site has been made."""

import pytest
from small_project import make_runs


@pytest.fixture(scope="session")
def sample_site(tmp_path_factory):
    import sample

    return sample.write_site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def default_made(tmp_path_factory, project):
    runs = make_runs(tmp_path_factory.mktemp("default"), project)
    runs.report()
    return runs


@pytest.fixture
def ready(default_made, tmp_path):
    """A project of its own whose default has been made."""
    return default_made.copy(tmp_path / "ready")
