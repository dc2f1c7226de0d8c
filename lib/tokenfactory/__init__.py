"""Token Factory: what a million tokens costs, at the speed users need, within the power there is.

Rooms: `formulas` (arithmetic), `methods` (arrays in, arrays out), `display` (what a notebook shows), `warehouse`
(the data and its views), `measurements` (from files somebody measured to points). Beside it stands `reportkit`, which
makes a site of notebooks. Importing the package imports none of them.
"""

from importlib import import_module

__version__ = "0.1.0"

# Where modules of version 0.1 stand now; their old names, as in `from tokenfactory import equal_speed`, work for one
# more version.
_MOVED = {
    "cost": "formulas.cost",
    "power": "formulas.power",
    "finance": "formulas.finance",
    "power_basis": "formulas.power_figure",
    "audit": "methods.audit",
    "claims": "methods.claims",
    "equal_speed": "methods.serving",
    "frontier": "methods.pareto",
    "rounding": "methods.rounding",
    "sensitivity": "methods.sensitivity",
    "site": "methods.fleets",
    "uncertainty": "methods.bands",
    "show": "display.show",
    "theme": "display.theme",
    "workbook": "display.workbook",
}


def __getattr__(name: str):
    if name == "explore":  # the one function that has the room of a package: it is what an analyst begins with
        return import_module("tokenfactory.display.explore").explore
    if name not in _MOVED:
        raise AttributeError(f"module 'tokenfactory' has no attribute {name!r}")
    return import_module(f"tokenfactory.{_MOVED[name]}")
