"""What an ingested snapshot does to the pool of measured points: beside which shipped rows it stands, and for which."""

from dataclasses import dataclass

from tokenfactory.errors import TokenFactoryError
from tokenfactory.measurements.tables import sql
from tokenfactory.warehouse.query import Warehouse
from tokenfactory.warehouse.store import build

COUNTS = sql("standing")


@dataclass(frozen=True)
class Standing:
    """Points of the snapshot in use, those in the newest run of their line, and the shipped rows that these replace."""

    num_given: int
    num_newest: int
    num_same_run: int
    num_older_run: int
    num_beside: int

    def text(self) -> str:
        """The counts as two sentences."""
        return (
            f"of its {self.num_given:,} points {self.num_newest:,} are of the newest run of their line, and answers use"
            f" these\nthey replace {self.num_same_run:,} shipped rows of the same runs and {self.num_older_run:,} of"
            f" older runs of the same lines; {self.num_beside:,} shipped rows count beside them"
        )


def standing() -> Standing | str:
    """How the snapshot in use and the shipped rows stand to each other; a sentence where the warehouse cannot say."""
    try:
        return Standing(*Warehouse(build()).query(COUNTS).row(0))
    except TokenFactoryError as error:
        return f"how it stands to the shipped rows is not known: {error}"
