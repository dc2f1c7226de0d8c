"""Token Factory: what a million tokens costs, at the speed users need, within the power there is.

Rooms: formulas (`cost`, `power`), methods (`rounding`), the data (`warehouse`), how a notebook
shows its result (`theme`, `show`), and how notebooks become a site (`publish`). Importing the
package imports none of them.
"""

__version__ = "0.1.0"
