"""The data: files of `data/` checked, loaded into DuckDB and read through views.

The only room that opens DuckDB or reads data files. Importing it imports neither DuckDB nor Polars.
"""

from tokenfactory.errors import NotMeasuredError
from tokenfactory.warehouse.files import fingerprint
from tokenfactory.warehouse.query import Warehouse, connect, replay
from tokenfactory.warehouse.store import build

__all__ = ["NotMeasuredError", "Warehouse", "build", "connect", "fingerprint", "replay"]
