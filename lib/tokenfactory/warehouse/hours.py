"""A load curve of your own: an hourly CSV file becomes the slots of a curve.

    time,demand
    2026-10-05T00:00Z,182000
    2026-10-05T01:00Z,171500

`time` is the start of an hour, `demand` the mean tokens per second in it. Hours follow each other without a gap. Local
times without an offset from UTC have none where clocks do not change; where they do, one hour is missing in spring and
there twice in autumn, and the file is refused with the row.
"""

import csv
import io
import math
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from tokenfactory.errors import DataError

COLUMNS = ("time", "demand")
MOST_HOURS = 5 * 366 * 24
NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")
HOUR = timedelta(hours=1)
CLOCKS = "clocks may have changed: write the times in UTC, or with their offset from it"


def read(path: Path) -> list[dict]:
    """The slots of the curve that is called like the file, as rows of `load_curves`.

    Raises
    ------
    DataError : one sentence with file, row and field
    """
    name = path.stem
    if not NAME.fullmatch(name):
        raise DataError(path.name, "a load curve is called in lower-case letters, digits, points and dashes")
    demands, before = [], None
    for line, cells in _records(path):
        start = _time(path.name, line, cells[0])
        if before is not None:
            _check_step(path.name, line, before, start)
        demands.append(_demand(path.name, line, cells[1]))
        before = start
    if not demands:
        raise DataError(path.name, "holds no hour")
    if not any(demands):
        raise DataError(path.name, "asks for nothing in any hour", field="demand")
    like = {"slot_hour": 1.0, "unit": "tok/s", "status": "measured"}
    return [
        {"curve_id": name, "name": name, "slot": slot, "slot_hour": 1.0, "demand": demand} | like
        for slot, demand in enumerate(demands)
    ]


def _records(path: Path) -> Iterable[tuple[int, list[str]]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(path.name, "cannot be read as UTF-8 text") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        if tuple(next(reader, ())) != COLUMNS:
            raise DataError(path.name, f"the first line must be {','.join(COLUMNS)}", row=1)
        for number, cells in enumerate(reader):
            if len(cells) != len(COLUMNS) and cells:
                raise DataError(path.name, f"has {len(cells)} cells in place of 2", row=reader.line_num)
            if number >= MOST_HOURS:
                raise DataError(path.name, f"has more than {MOST_HOURS:,} hours", row=reader.line_num)
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        raise DataError(path.name, f"is not well-formed CSV: {error}", row=reader.line_num) from error


def _time(file: str, line: int, cell: str) -> datetime:
    try:
        start = datetime.fromisoformat(cell)
    except ValueError:
        raise DataError(
            file, f"'{cell[:60]}' is not a time such as 2026-10-05T13:00Z", row=line, field="time"
        ) from None
    if start.replace(minute=0, second=0, microsecond=0) != start:
        raise DataError(file, f"'{cell[:60]}' is not the start of an hour", row=line, field="time")
    return start


def _check_step(file: str, line: int, before: datetime, start: datetime) -> None:
    if (before.tzinfo is None) != (start.tzinfo is None):
        raise DataError(file, "some times have an offset from UTC and some have none", row=line, field="time")
    step = start - before
    if step == HOUR:
        return
    told = f"; {CLOCKS}" if start.tzinfo is None and step in (2 * HOUR, 0 * HOUR) else ""
    if step > HOUR:
        missing = before + HOUR
        raise DataError(file, f"the hour {missing.isoformat()} is missing{told}", row=line, field="time")
    said = "is there twice" if step == 0 * HOUR else "comes after a later one"
    raise DataError(file, f"the hour {start.isoformat()} {said}{told}", row=line, field="time")


def _demand(file: str, line: int, cell: str) -> float:
    try:
        demand = float(cell)
    except ValueError:
        demand = math.nan
    if not math.isfinite(demand) or demand > 1e15:
        said = "is empty: an hour without demand is 0" if not cell.strip() else f"'{cell[:60]}' is not a demand"
        raise DataError(file, said, row=line, field="demand")
    if demand < 0:
        raise DataError(file, f"{demand:g} is below zero", row=line, field="demand")
    return demand
