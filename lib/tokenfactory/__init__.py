"""Token Factory: what a million tokens costs, at the speed users need, within the power there is.

Rooms: `formulas` (arithmetic), `methods` (arrays in, arrays out), `display` (what a notebook shows), `warehouse`
(the data and its views), `measurements` (from files somebody measured to points). Beside it stands `reportkit`, which
makes a site of notebooks. Importing the package imports none of them.
"""

from importlib import import_module

__version__ = "0.1.0"


def __getattr__(name: str):
    if name != "explore":  # the one function that has the room of a package: it is what an analyst begins with
        raise AttributeError(f"module 'tokenfactory' has no attribute {name!r}")
    return import_module("tokenfactory.display.explore").explore
