"""The same inputs give the same bytes, whatever runs the notebooks; only the declared day of making may differ.

Whole runs with real pages, one of them of a product notebook. `test_cluster` has the same of a cluster.
"""

import io
import json
import re
import shutil
import zipfile
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from small_project import RealRuns, make_runs

from reportkit.page import day

EPOCH = 1776211200  # 2026-04-15


@pytest.fixture(scope="module")
def runs(tmp_path_factory, project):
    root = tmp_path_factory.mktemp("same")
    made = make_runs(root, project)
    shutil.copy(project / "notebooks" / "02_tokens_per_megawatt.ipynb", root / "notebooks" / "04_product.ipynb")
    return RealRuns(root, made.data)


def test_two_runs_of_the_same_inputs_leave_the_same_bytes(runs):
    first = runs.report("--scenario", "all", SOURCE_DATE_EPOCH=str(EPOCH))
    before, headlines = runs.files(), runs.csv.read_bytes()
    assert len(first["executed"]) >= 5
    for arguments in (("--jobs", "1"), ("--engine", "kernel")):
        assert runs.report("--scenario", "all", "--force", *arguments, SOURCE_DATE_EPOCH=str(EPOCH))["executed"]
        assert runs.files() == before and runs.csv.read_bytes() == headlines


def test_without_a_fixed_date_only_the_day_of_making_differs(runs):
    def alone(**variables):
        """Make the site of a project without a past: the history of runs is an input too."""
        shutil.rmtree(runs.project.root / ".cache" / "reports", ignore_errors=True)
        shutil.rmtree(runs.project.reports, ignore_errors=True)
        runs.report(**variables)

    alone(SOURCE_DATE_EPOCH=str(EPOCH))
    fixed = runs.files()
    alone()
    free, today = runs.files(), json.loads(runs.files()["site.json"])["default"]["made_on"]
    assert abs((datetime.fromisoformat(today).replace(tzinfo=UTC) - datetime.now(UTC)).days) <= 1

    def undated(files: dict[str, bytes]) -> dict[str, bytes]:
        """The files without the day of making, and without the sizes and hashes of files that have it."""
        hashes = {sha256(content).hexdigest().encode(): name.encode() for name, content in files.items()}
        found = {}
        for name, content in files.items():
            if name.endswith(".xlsx"):  # whose parts are packed
                with zipfile.ZipFile(io.BytesIO(content)) as book:
                    content = b"\n".join(book.read(part) for part in book.namelist())
            content = re.sub(rb"urn:uuid:[0-9a-f-]+", b"URN", content)  # made from the day, among others
            for moment in ("2026-04-15", today):
                content = content.replace(moment.encode(), b"DAY").replace(day(moment).encode(), b"DAY")
            content = re.sub(rb'"contentSize": "\d+"', b"", content)
            found[name] = re.sub(rb"\b[0-9a-f]{64}\b", lambda match: hashes.get(match[0], match[0]), content)
        return found

    assert free.keys() == fixed.keys() and free != fixed
    assert undated(free) == undated(fixed)
