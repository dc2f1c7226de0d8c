"""Keep what the page of ranges says today, so that it can say later what moved since.

`python tests/tools/register_edition.py DAY` runs the cells of `13_ranges` that make its ranges, with their defaults,
and appends them to `data/editions.csv` with the commit of the code. Rows that are there are never changed.
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

from tokenfactory.warehouse.files import PROJECT
from tokenfactory.warehouse.schema import TABLES

MADE_BY = {"parameters", "setup"}  # tags of the cells that make the ranges
COPIED = ("gpu", "basis", "low", "value", "high", "usd_per_gpu_hour", "tput_per_gpu")


def today() -> list[dict]:
    """The ranges of the page as rows of `editions`, without day and code."""
    cells = json.loads((PROJECT / "notebooks" / "13_ranges.ipynb").read_text(encoding="utf-8"))["cells"]
    made: dict = {}
    for cell in cells:
        if MADE_BY & set(cell["metadata"].get("tags", ())):
            exec("".join(cell["source"]), made)
    conditions = {name: made[name] for name in ("model", "isl", "osl", "interactivity", "utilisation_frac")}
    ranges = sorted(made["ranges"]["now"], key=lambda one: (one.gpu, one.basis))
    return [conditions | {name: getattr(one, name) for name in COPIED} for one in ranges]


def register(path: Path, day: str, code: str) -> int:
    """Append the ranges of today unless this day has an edition, and say how many they were."""
    there = list(csv.DictReader(path.open(encoding="utf-8"))) if path.exists() else []
    new = [] if any(row["edition"] == day for row in there) else today()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(TABLES["editions"].columns), lineterminator="\n")
        writer.writeheader()
        for row in new:
            row |= {name: f"{value:.6g}" for name, value in row.items() if isinstance(value, float)}
            there.append(row | {"edition": day, "code": code})
        writer.writerows(there)
    return len(new)


if __name__ == "__main__":
    revision = ["git", "-C", str(PROJECT), "rev-parse", "--short=12", "HEAD"]
    code = subprocess.run(revision, check=True, capture_output=True, text=True).stdout.strip()
    print(register(PROJECT / "data" / "editions.csv", sys.argv[1], code), "registered")
