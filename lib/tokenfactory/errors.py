"""What can go wrong by a user's hand, each as one sentence that says what and where.

The command line prints the sentence and leaves with `exit_code`; a notebook shows it as the
failed cell. Anything that is not one of these is a defect of ours and keeps its traceback.
"""

from collections.abc import Container, Iterable

from reportkit.errors import DataError as DataError
from reportkit.errors import InputError as TokenFactoryError
from reportkit.errors import ParameterError as ParameterError
from reportkit.errors import StalePricesError as StalePricesError
from reportkit.errors import nearest as nearest


class NotMeasuredError(TokenFactoryError):
    """The question is well formed, but no row in the data answers it."""


class MixedBasisError(TokenFactoryError):
    """Two power figures that must not be set against each other: different bases, or never valid together."""


class InfeasibleError(TokenFactoryError):
    """The limits leave no fleet. `binding` names the limits that do."""

    def __init__(self, message: str, binding=()):
        self.binding = tuple(binding)
        super().__init__(message)


class NoSolutionError(TokenFactoryError):
    """No value of an input in the given range leads to the wanted result."""


class PullError(TokenFactoryError):
    """The API cannot be reached, or its answer cannot be used."""


def check_known(kind: str, keys: Iterable[str], known: Container[str]) -> None:
    """Raise ParameterError for the first key that is not known."""
    for key in keys:
        if key not in known:
            raise ParameterError(f"{kind}: '{key}' is not known{nearest(key, known)}")
