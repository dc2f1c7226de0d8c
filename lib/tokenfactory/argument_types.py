"""What a value of the command line can be: each function takes its text, and says what is wrong with it."""

import math
import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import date

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
LONGEST_S = 1_000_000  # eleven days; more than a clock can wait for is no limit


def _wrong(text: str, what: str) -> ArgumentTypeError:
    return ArgumentTypeError(f"{text[:60]!r} is not {what}")


def _count(what: str, least: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        # Python would also read 1_000, and the digits of other scripts.
        if not re.fullmatch("[0-9]{1,9}", text) or int(text) < least:
            raise _wrong(text, f"a number of {what}")
        return int(text)

    return count


notebooks, tokens, megabytes = _count("notebooks", 1), _count("tokens", 1), _count("megabytes", 1)
times, days = _count("times", 0), _count("days", 0)


def whole(text: str) -> int:
    if not re.fullmatch("-?[0-9]{1,9}", text):
        raise _wrong(text, "a whole number")
    return int(text)


def _number(text: str) -> float:
    return float(text) if NUMBER.fullmatch(text.strip()) else math.nan


def _decimal(what: str, is_inside: Callable[[float], bool]) -> Callable[[str], float]:
    def number(text: str) -> float:
        if not is_inside(found := _number(text)):
            raise _wrong(text, what)
        return found

    return number


decimal = _decimal("a number", math.isfinite)
seconds = _decimal(f"a number of seconds above zero, at most {LONGEST_S:,}", lambda found: 0 < found <= LONGEST_S)
fraction = _decimal("a fraction such as 0.1", lambda found: 0 <= found < math.inf)
share = _decimal("a share above 0 and at most 1", lambda found: 0 < found <= 1)


def scheduler(text: str) -> str:
    if text != "local" and not re.fullmatch(r"(tcp|tls|ws|wss)://([\w.-]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}", text):
        raise ArgumentTypeError(f"{text!r} is neither local nor an address such as tcp://host:8786")
    return text


def speeds(text: str) -> list[float]:
    found = [_number(part) for part in text.split(",")]
    if any(map(math.isnan, found)):
        raise _wrong(text, "a list of speeds such as 40,60,100")
    if not all(0 < speed < math.inf for speed in found):
        raise ArgumentTypeError(f"{text[:60]!r}: a speed must be above zero")
    return found


def day(text: str) -> date:
    try:
        if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _wrong(text, "a date such as 2026-04-15")


def day_or_latest(text: str) -> date | str:
    return text if text == "latest" else day(text)
