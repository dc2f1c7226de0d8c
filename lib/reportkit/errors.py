"""What can go wrong by a user's hand, each as one sentence that says what and where; a suite adds its own kinds.

The command line prints the sentence and leaves with `exit_code`; a notebook shows it as the failed cell. Anything
that is not an `InputError` is a defect and keeps its traceback.
"""

import copyreg
import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reportkit import harmless

MOST_NAMES = 30  # in one sentence


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown `word`: what was meant, or what there is.

    >>> nearest("h20", ["h100", "h200"]), nearest("tpu", ["h100", "h200"])
    ("; did you mean 'h200' or 'h100'?", '; known: h100, h200')
    """
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    if close:
        return f"; did you mean {' or '.join(map(repr, close))}?"
    if len(known) > MOST_NAMES:
        return f"; {len(known)} are known, such as {', '.join(known[:: len(known) // 5])}"
    return f"; known: {', '.join(known)}" if known else "; there are none"


class InputError(Exception):
    """Something the user can put right. `str(error)` is the whole message, in one sentence on one line."""

    exit_code = 2

    def __str__(self) -> str:
        return harmless.one_line(super().__str__())  # it may quote a file name, or what a stranger's server said

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it, in JupyterLab and under papermill: the sentence, and no lines of ours."""
        return [f"{type(self).__name__}: {self}"]


class DataError(InputError):
    """A file cannot be used: names the file, the row (line of the file) and the field."""

    def __init__(self, file, message, *, row=None, field=None):
        self.file, self.row, self.field = str(file), row, field
        where = str(file) + (f", row {row}" if row is not None else "") + (f", field '{field}'" if field else "")
        super().__init__(f"{where}: {message}")

    def __reduce__(self):
        """As it is, so that it can come back from another process."""
        return copyreg.__newobj__, (type(self), *self.args), vars(self)


class ParameterError(InputError):
    """A notebook or scenario parameter has an unknown name, a wrong type or an unknown key."""


class StalePricesError(InputError):
    """A report that nobody looks at before others do would rest on old prices. `sentences` names them."""

    def __init__(self, sentences):
        self.sentences = tuple(sentences)
        super().__init__(
            f"{len(self.sentences)} prices are too old for a scheduled report (--allow-stale-prices makes it all the "
            f"same): {'; '.join(self.sentences)}"
        )


@dataclass(frozen=True)
class Failure:
    """A notebook that was not made: why in one sentence, in which cell, and what is kept of it.

    Of a notebook that the user must put right the sentence is all there is to say. `kept` is a folder, or None where
    nothing could be written.
    """

    label: str
    message: str
    source: str | None
    kept: Path | None
    is_bad_input: bool


class ReportFailed(Exception):
    """At least one notebook failed; the site is as it was."""

    def __init__(self, failures: Sequence[Failure]):
        super().__init__("; ".join(f"{f.label}: {f.message}" for f in failures))
        self.failures = failures


def is_input_error(name: str) -> bool:
    """Whether a class of this name, which is all that a notebook keeps of an error, is an `InputError`."""
    return name in {kind.__name__ for kind in _kinds(InputError)}


def _kinds(of: type) -> Iterator[type]:
    yield of
    for kind in of.__subclasses__():
        yield from _kinds(kind)
