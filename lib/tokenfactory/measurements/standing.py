"""What an ingested snapshot does to the pool of measured points: beside which shipped rows it stands, and for which."""

from dataclasses import dataclass

from tokenfactory.errors import TokenFactoryError
from tokenfactory.warehouse.query import Warehouse
from tokenfactory.warehouse.store import build

# An older run that another shipped run had replaced already is no news; nor is a run that ships and was given again.
COUNTS = """
    WITH pool AS (
        SELECT *, origin = 'shipped' AS is_shipped,
               point_id IN (SELECT point_id FROM latest_points(as_of := DATE '9999-12-31')) AS is_newest,
               coalesce(run_id IN (SELECT regexp_extract(run_url, '/runs/([0-9]+)', 1) FROM benchmarks), false) AS ships
        FROM measured_points
    ), lines AS (
        SELECT is_shipped, is_newest, bool_or(is_newest AND NOT ships) OVER line AS is_line_of_a_new_run,
               date IS NOT DISTINCT FROM max(date) FILTER (ships) OVER line AS is_newest_that_ships
        FROM pool
        WINDOW line AS (
            PARTITION BY config_id, workload, isl_tok, osl_tok, scenario, offload_mode, source, is_known_wrong
        )
    )
    SELECT count(*) FILTER (NOT is_shipped) AS num_given,
           count(*) FILTER (NOT is_shipped AND is_newest) AS num_newest,
           (SELECT count(*) FROM benchmarks WHERE evidence = 'measured') - count(*) FILTER (is_shipped) AS num_same_run,
           count(*) FILTER (is_shipped AND is_newest_that_ships AND is_line_of_a_new_run) AS num_older_run,
           count(*) FILTER (is_shipped AND is_newest) AS num_beside
    FROM lines
"""


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
