"""What a run that nobody watches tells: one alert for each run with something to tell, as a file and by webhook.

An alert is a JSON object: `run` (a moment in UTC), `text` (for chats, which escape as HTML does), and `reasons`, each
with its `kind` (failed, stale_prices, headline_moved), `label` (what it is about) and `sentence`. Nothing that happens
to an alert fails the run it tells of.
"""

import html
import json
import os
import re
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from reportkit import atomic, errors, reports
from reportkit.errors import ReportFailed
from reportkit.runner import Result
from reportkit.source import Project

FOLDER = "alerts"
MOST_ALERTS = 200  # that are kept
ATTEMPTS = 3
PATIENCE_S = 10  # for one attempt, and twice that for all of them
MOST_SENTENCES = 20  # in the text; the reasons have them all

# What the system's own words mean to a person.
_MEANS = {
    "No space left on device": " (the disk is full; once there is room, the next run makes the report)",
    "killed by SIGKILL": " (most often because the machine ran out of memory)",
}


def _reason(kind: str, label: str, sentence: str) -> dict[str, str]:
    return {"kind": kind, "label": label, "sentence": sentence}


def failed(error: BaseException) -> list[dict[str, str]]:
    """The reasons of a run that ended with an exception."""
    if isinstance(error, ReportFailed):
        return [_reason("failed", failure.label, failure.message) for failure in error.failures]
    if isinstance(error, errors.StalePricesError):
        return [_reason("stale_prices", "report", sentence) for sentence in error.sentences]
    if isinstance(error, errors.InputError):
        return [_reason("failed", "report", str(error))]
    if isinstance(error, KeyboardInterrupt):
        return [_reason("failed", "report", "the run was interrupted")]
    if isinstance(error, OSError) and error.strerror:
        return [_reason("failed", "report", f"{error.filename}: {error.strerror}")]
    return [_reason("failed", "report", f"{type(error).__name__}: {error}")]


def moved(
    before: Mapping[str, Mapping],
    after: Mapping[str, Mapping],
    most_frac: float,
    behind: Mapping[str, Sequence[str]] | None = None,
) -> list[dict[str, str]]:
    """The reasons of headlines that moved by more than a fraction of what they were, or are no longer there.

    Nothing is told of scenarios and notebooks that this site does not have, nor of new headlines. `behind` has, by the
    folder of a scenario, what changed of its inputs, which follows each sentence.
    """
    notebooks = {name.split()[0] for name in after}
    reasons = []
    for name, old in before.items():
        new = after.get(name)
        if new == old or name.split()[0] not in notebooks:
            continue
        label, unit = old["label"], "" if old["unit"] == "1" else f" {old['unit']}"
        if new is None:
            sentence = f"{label}: was {_shown(old['value'])}{unit}, and is no longer a headline"
        elif None in (old["value"], new["value"]):
            if old["value"] is new["value"]:
                continue
            sentence = f"{label}: was {_shown(old['value'])}, is {_shown(new['value'])}{unit}"
        else:
            change = new["value"] - old["value"]
            if abs(change) <= most_frac * abs(old["value"]):
                continue
            of_old = f" ({change / abs(old['value']):+.1%})" if old["value"] else ""
            sentence = f"{label}: was {_shown(old['value'])}, is {_shown(new['value'])}{unit}{of_old}"
        changed = (behind or {}).get(name.split()[0].rpartition("/")[0], ())
        reasons.append(_reason("headline_moved", name, "; ".join([sentence, *changed])))
    return reasons


def _lines(reasons: Sequence[Mapping[str, str]]) -> list[str]:
    """A line for each sentence, with all that it is about, and what a person may make of it."""
    labels: dict[str, list[str]] = {}
    for reason in reasons:
        labels.setdefault(reason["sentence"], []).append(reason["label"])
    means = {said: next((words for sign, words in _MEANS.items() if sign in said), "") for said in labels}
    return [f"- {', '.join(about)}: {said}{means[said]}" for said, about in labels.items()]


def _shown(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.6g}"


class Watch:
    """Over one run of `report`; the address of the webhook is a secret and never told."""

    def __init__(self, project: Project, webhook: str | None, say: Callable[[str], None]):
        if webhook and not _host(webhook):
            raise errors.ParameterError("the webhook is no address that begins with http:// or https://")
        self.project, self.webhook, self.say = project, webhook, say

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Tell of whatever ends the block but its own end; a service that is stopped is told of too."""
        before = signal.signal(signal.SIGTERM, _interrupt)
        try:
            yield
        except BaseException as error:
            self._tell("no new report", failed(error))
            raise
        finally:
            signal.signal(signal.SIGTERM, before)

    def look_at(self, result: Result, most_frac: float) -> None:
        """Tell of stale prices and moved headlines of a run that succeeded."""
        stale = [_reason("stale_prices", "report", sentence) for sentence in result.stale_prices]
        self._tell("look at this report", stale + moved(result.before, result.after, most_frac, result.behind))

    def _tell(self, what: str, reasons: list[dict[str, str]]) -> None:
        if not reasons:
            return
        run = reports.moment()
        lines = _lines(reasons)
        shown = [
            *lines[:MOST_SENTENCES],
            *([f"- and {len(lines) - MOST_SENTENCES} more"] if lines[MOST_SENTENCES:] else []),
        ]
        text = "\n".join([f"{self.project.source.suite.title}: {what}", *shown])
        alert = {"run": run, "text": html.escape(text, quote=False), "reasons": reasons}
        try:
            self.say(f"alert: {os.path.relpath(self._write(run, alert))}")
        except OSError as error:
            self.say(f"the alert cannot be written: {error.strerror}")
        if self.webhook and (problem := _post(self.webhook, alert)):
            self.say(f"the alert was not posted to {_host(self.webhook)}: {problem}")

    def _write(self, run: str, alert: Mapping) -> Path:
        path = self.project.reports / FOLDER / f"{run}.json"
        atomic.write(path, json.dumps(alert, indent=1) + "\n")
        atomic.keep_newest(path.parent.glob("[0-9]*"), MOST_ALERTS)
        return path


def _host(webhook: str) -> str | None:
    """The host of an address, which is all of it that may be told; None where it is no address."""
    if not re.fullmatch(r"https?://[!-~]+", webhook):
        return None
    try:
        parts = urlsplit(webhook)
        return parts.hostname if parts.port != 0 else None
    except ValueError:  # such as http://[x
        return None


def _interrupt(*_) -> None:
    raise KeyboardInterrupt


def _post(url: str, alert: Mapping) -> str | None:
    """Post an alert; what went wrong, or None. However slow the other side is, this ends after twice PATIENCE_S."""
    problems = ["no answer in time"]
    thread = threading.Thread(target=_try_to_post, args=(url, json.dumps(alert).encode(), problems), daemon=True)
    thread.start()
    thread.join(2 * PATIENCE_S)
    return problems[-1]


def _try_to_post(url: str, body: bytes, problems: list[str | None]) -> None:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")
    for attempt in range(ATTEMPTS):
        time.sleep(attempt)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S):
                problems.append(None)
                return
        except urllib.error.HTTPError as error:
            problems.append(f"it answered {error.code}")
            if error.code < 500 and error.code != 429:
                return  # it would not take it later either
        except Exception as error:  # whatever a server can make http.client raise
            # Never what the error says: that may be the address, or a part of it.
            reason = getattr(error, "reason", error)
            slow = isinstance(reason, TimeoutError)
            problems.append("timed out" if slow else getattr(reason, "strerror", None) or type(reason).__name__)
