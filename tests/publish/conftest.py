"""A site made of the sample notebooks."""

import pytest


@pytest.fixture(scope="session")
def sample_site(tmp_path_factory):
    import sample

    return sample.write_site(tmp_path_factory.mktemp("site"))
