"""What a value of the command line can be: each function takes its text, and says what is wrong with it."""

import math
import re
from argparse import ArgumentTypeError
from datetime import date

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
LONGEST_S = 1_000_000  # eleven days; more than a clock can wait for is no limit


def _whole(text: str, what: str, *, least: int) -> int:
    # Python would also read 1_000, and the digits of other scripts.
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < least:
        raise ArgumentTypeError(f"{text[:60]!r} is not a number of {what}")
    return int(text)


def notebooks(text: str) -> int:
    return _whole(text, "notebooks", least=1)


def times(text: str) -> int:
    return _whole(text, "times", least=0)


def days(text: str) -> int:
    return _whole(text, "days", least=0)


def tokens(text: str) -> int:
    return _whole(text, "tokens", least=1)


def megabytes(text: str) -> int:
    return _whole(text, "megabytes", least=1)


def _number(text: str) -> float:
    return float(text) if NUMBER.fullmatch(text.strip()) else math.nan


def decimal(text: str) -> float:
    if not math.isfinite(found := _number(text)):
        raise ArgumentTypeError(f"{text[:60]!r} is not a number")
    return found


def whole(text: str) -> int:
    if not re.fullmatch("-?[0-9]{1,9}", text):
        raise ArgumentTypeError(f"{text[:60]!r} is not a whole number")
    return int(text)


def seconds(text: str) -> float:
    if not 0 < (found := _number(text)) <= LONGEST_S:
        raise ArgumentTypeError(f"{text[:60]!r} is not a number of seconds above zero, at most {LONGEST_S:,}")
    return found


def fraction(text: str) -> float:
    if not 0 <= (found := _number(text)) < math.inf:
        raise ArgumentTypeError(f"{text[:60]!r} is not a fraction such as 0.1")
    return found


def share(text: str) -> float:
    if not 0 < (found := _number(text)) <= 1:
        raise ArgumentTypeError(f"{text[:60]!r} is not a share above 0 and at most 1")
    return found


def scheduler(text: str) -> str:
    if text != "local" and not re.fullmatch(r"(tcp|tls|ws|wss)://([\w.-]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}", text):
        raise ArgumentTypeError(f"{text!r} is neither local nor an address such as tcp://host:8786")
    return text


def speeds(text: str) -> list[float]:
    found = [_number(part) for part in text.split(",")]
    if any(map(math.isnan, found)):
        raise ArgumentTypeError(f"{text[:60]!r} is not a list of speeds such as 40,60,100")
    if not all(0 < speed < math.inf for speed in found):
        raise ArgumentTypeError(f"{text[:60]!r}: a speed must be above zero")
    return found


def day(text: str) -> date:
    try:
        if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ArgumentTypeError(f"{text[:60]!r} is not a date such as 2026-04-15")


def day_or_latest(text: str) -> date | str:
    return text if text == "latest" else day(text)
