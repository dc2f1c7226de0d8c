"""Read the warehouse: queries with bound parameters, and a trace of what a notebook asked.

The trace makes re-execution exact. A notebook is a function of its code, its parameters and the results
of its queries; `replay` tells whether those results are still the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tokenfactory.errors import DataError, NotMeasuredError, ParameterError
from tokenfactory.warehouse.files import data_dir
from tokenfactory.warehouse.store import CONFIG, build

if TYPE_CHECKING:
    import polars as pl

OWNER = "InferenceX TCO"  # whose series of prices and powers is read where nobody else is named
MOST_ROWS = 1_000_000  # of an answer to a query that a person typed
TRACE = "TOKENFACTORY_TRACE"  # names the file that queries are appended to

# Parameter kinds whose allowed values are rows of the data.
_VOCABULARIES = {
    "gpu": "SELECT DISTINCT gpu AS key FROM hardware ORDER BY key",
    "model": "SELECT DISTINCT model AS key FROM points ORDER BY key",
    "price_basis": "SELECT basis AS key FROM price_book UNION SELECT basis FROM own_prices ORDER BY key",
    "price_provider": "SELECT DISTINCT provider AS key FROM price_book ORDER BY key",
    "power_owner": "SELECT 'InferenceX TCO' AS key UNION SELECT owner FROM own_powers ORDER BY key",
    "power_basis": "SELECT DISTINCT basis AS key FROM power_book ORDER BY key",
    "precision": "SELECT DISTINCT precision AS key FROM points WHERE precision IS NOT NULL ORDER BY key",
    "framework": "SELECT DISTINCT framework AS key FROM points WHERE framework IS NOT NULL ORDER BY key",
    "tco_profile": "SELECT DISTINCT profile AS key FROM tco_inputs ORDER BY key",
    "load_curve": "SELECT DISTINCT curve_id AS key FROM load_curves ORDER BY key",
    "claim_set": "SELECT DISTINCT claim_set AS key FROM claims ORDER BY key",
}


def connect(path: Path | str | None = None, *, memory_limit: str | None = None) -> Warehouse:
    """Open the warehouse read-only, building it from the data folder where that is needed.

    The environment variable TOKENFACTORY_WAREHOUSE names a finished file to open in its place. `memory_limit`, such as
    "2GB", is DuckDB's; nothing goes to the disk in place of what does not fit.
    """
    return Warehouse(path or os.environ.get("TOKENFACTORY_WAREHOUSE") or build(), memory_limit)


def _rows(frame: pl.DataFrame, at_once: int = 10_000) -> Iterator[dict]:
    """The rows of a frame, where equal texts and days are one object: of millions of rows most say the same."""
    one: dict = {name: {} for name, kind in frame.schema.items() if not kind.is_float()}
    names = frame.columns  # asked once: Polars makes new texts each time, and millions of rows would keep them all
    for some in frame.iter_slices(at_once):
        columns = ([one[c.name].setdefault(v, v) for v in c] if c.name in one else c.to_list() for c in some)
        yield from (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))


class Prices(dict[str, float]):
    """USD per GPU-hour by GPU, and in `by` who names it."""

    def __init__(self, rows: Iterable[tuple[str, float, str]]):
        rows = tuple(rows)
        super().__init__((gpu, usd) for gpu, usd, _ in rows)
        self.by = {gpu: provider for gpu, _, provider in rows}

    def of(self, gpus: Collection[str]) -> Prices:
        """Only those of some GPUs."""
        return Prices((gpu, usd, self.by[gpu]) for gpu, usd in self.items() if gpu in gpus)


class Warehouse:
    """A read-only warehouse. Every question goes through `query`, so every question can be traced.

    `path` is its file, which the duckdb shell opens too; `tables()` and `describe(name)` say what is in it.

    >>> db = connect()  # doctest: +SKIP
    >>> db.query("SELECT gpu, count(*) AS n FROM points GROUP BY gpu ORDER BY gpu")  # doctest: +SKIP
    """

    def __init__(self, path: Path | str, memory_limit: str | None = None):
        import duckdb

        self.path = Path(path)
        try:
            self._connection = duckdb.connect(str(path), read_only=True, config=CONFIG)
        except duckdb.Error as error:
            raise DataError(Path(path).name, f"is no warehouse: {str(error).splitlines()[0]}") from error
        # Beside its own file it reads the snapshots its views stand on, and nothing else; it writes nowhere.
        # Connections of one process to one file share these settings, so the first one makes them.
        if not self._connection.execute("SELECT current_setting('lock_configuration')").fetchall()[0][0]:
            snapshots = str(data_dir() / "snapshots").replace("'", "''")
            if memory_limit:
                self._connection.execute(f"SET memory_limit = '{memory_limit}'")
                self._connection.execute("SET max_temp_directory_size = '0B'")
            self._connection.execute(f"SET allowed_directories = ['{snapshots}']")
            self._connection.execute("SET enable_external_access = false")
            self._connection.execute("SET lock_configuration = true")
        self._read: list[tuple[str, _Answer]] = []
        self._answers: dict[str, _Answer] = {}
        self._points: tuple[Mapping, ...] = ()

    def __repr__(self) -> str:
        return f"<Warehouse {self.path.name}: db.tables() lists it, db.describe('points') explains one of them>"

    def tables(self) -> pl.DataFrame:
        """Everything that can be asked: name, kind (view, macro, table) and meaning."""
        from tokenfactory.warehouse import catalogue

        return catalogue.tables(self._connection)

    def describe(self, name: str) -> pl.DataFrame:
        """Column, type and meaning with its unit, such as `db.describe("points")`.

        Raises
        ------
        ParameterError : nothing of that name is there; names the nearest
        """
        from tokenfactory.warehouse import catalogue

        return catalogue.describe(self._connection, name)

    def query(self, sql: str, **parameters) -> pl.DataFrame:
        """Rows of a query as a Polars frame; `$name` in `sql` takes the argument of that name.

        Order the rows: what has no order has no stable fingerprint.
        """
        answer = self._answer(sql, parameters)
        self._read.append((sql, answer))
        if trace := os.environ.get(TRACE):
            line = {"sql": sql, "params": parameters, "result": answer.sha256, **_asked_in()}
            with open(trace, "a") as log:
                log.write(json.dumps(line, default=_plain) + "\n")
        return answer.frame.clone()

    def _answer(self, sql: str, parameters: Mapping) -> _Answer:
        """The file does not change: what was asked before is not asked again."""
        asked = repr((sql, parameters))
        if asked not in self._answers:
            self._answers[asked] = _Answer(self._connection.sql(sql, params=parameters).pl())
        return self._answers[asked]

    def ask(self, sql: str, *, timeout_s: float = 60) -> tuple[list[str], list[tuple]]:
        """Columns and rows of one SELECT that a person typed; what DuckDB has against it becomes one sentence.

        The warehouse is open read-only, but its snapshots are files in a folder that DuckDB may touch, so that
        COPY, and EXPLAIN ANALYZE of one, could write there.
        """
        import duckdb

        stop = threading.Timer(timeout_s, self._connection.interrupt)
        stop.daemon = True
        try:
            if [s.type for s in self._connection.extract_statements(sql)] != [duckdb.StatementType.SELECT]:
                raise ParameterError("the query must be one SELECT: nothing but questions can be asked")
            stop.start()
            asked = self._connection.execute(sql)
            rows = asked.fetchmany(MOST_ROWS + 1)
        except duckdb.InterruptException as error:
            raise ParameterError(f"the query takes longer than {timeout_s:g} s; --timeout allows more") from error
        except duckdb.OutOfMemoryException as error:
            raise ParameterError("the query needs more memory than it may have; --memory-mb allows more") from error
        except (duckdb.Error, UnicodeError, TypeError) as error:  # the latter two: half of a surrogate pair
            raise ParameterError(f"the query cannot be answered: {str(error).splitlines()[0]}") from error
        finally:
            stop.cancel()
            if stop.is_alive():  # a thread that outlives the connection would free it, and abort Python at its end
                stop.join()
        if len(rows) > MOST_ROWS:
            raise ParameterError(f"the query gives more than {MOST_ROWS:,} rows; add a LIMIT to it")
        return [column[0] for column in asked.description], rows

    def day(self, asked: str | date = "latest") -> date:
        """The day whose prices and powers are meant: a date, or `latest`, the newest that the books of `OWNER` know.

        It comes from the data and not from the clock, so that the same data give the same answer: 2026-09-11 while the
        newest row of the books holds from that day on.
        """
        if asked != "latest":
            return date.fromisoformat(asked) if isinstance(asked, str) else asked
        return self.query(
            """SELECT max(effective_from) AS day
               FROM (SELECT provider, effective_from FROM price_book
                     UNION ALL SELECT provider, effective_from FROM power_book)
               WHERE provider = $owner ORDER BY day""",
            owner=OWNER,
        ).item()

    def name(self, model: str) -> str:
        """What people call a model: deepseek-r1-0528 -> DeepSeek-R1; its key where `models` has no row."""
        found = self.query("SELECT name FROM models WHERE model = $model ORDER BY name", model=model)["name"]
        return found.item() if len(found) else model

    def points(self) -> Sequence[Mapping]:
        """All rows of `points`, with the known score of each: what `methods.serving` makes curves of.

        Whoever asks again gets the same rows: of millions of them a second set would not fit beside the first.
        """
        found = self.query(
            "SELECT points.*, score_frac, task FROM points LEFT JOIN point_scores USING (point_id) ORDER BY point_id"
        )
        self._points = self._points or tuple(_rows(found))
        return self._points

    def tariffs(self, model: str) -> list[dict]:
        """List prices of a model's tokens, the newest of each provider and price, the oldest first.

        A tariff without the date of a release stands for all of them: its name begins the model's.
        """
        return self.query(
            """SELECT model, provider, variant, as_of, usd_per_mtok_input, usd_per_mtok_output, speed_tok_per_s,
                      usd_per_mtok_cached_input, source_url, api_price_id, status,
                      concat_ws(' ', provider, variant) AS offer
               FROM api_prices WHERE starts_with($model, model)
               QUALIFY row_number() OVER (PARTITION BY provider, usd_per_mtok_input, usd_per_mtok_output
                                          ORDER BY as_of DESC NULLS LAST, api_price_id) = 1
               ORDER BY as_of NULLS LAST, provider, variant, api_price_id""",
            model=model,
        ).to_dicts()

    def newest_tariffs(self, provider: str) -> list[dict]:
        """The prices of a provider's newest day, of all its models."""
        return self.query(
            """SELECT model, variant, as_of, usd_per_mtok_input, usd_per_mtok_output, usd_per_mtok_cached_input,
                      status, source_url FROM api_prices WHERE provider = $provider
               AND as_of = (SELECT max(as_of) FROM api_prices WHERE provider = $provider) ORDER BY api_price_id""",
            provider=provider,
        ).to_dicts()

    def owning_inputs(self, gpu: str, profile: str, *, has_own_building: bool | None = False) -> dict[str, dict]:
        """Inputs of the owned hour of a GPU by parameter: a profile's rows, and the typical ones that it leaves.

        A building stands in the place of colocation where `has_own_building` says so; where that is None, if the
        profile brings one of its own.
        """
        found = self.query(
            """SELECT key, profile, parameter, value, low, high, unit, as_of, status, source_url, note
               FROM tco_inputs_for($gpu, $profile) WHERE parameter <> 'utilisation_frac' ORDER BY parameter""",
            gpu=gpu, profile=profile,
        ).rows_by_key("parameter", named=True, unique=True, include_key=True)  # fmt: skip
        if has_own_building is None:
            has_own_building = found.get("building_usd_per_kw", {}).get("profile") == profile != "typical"
        unused = ["colocation_usd_per_kw_year"] if has_own_building else ["building_usd_per_kw", "building_life_year"]
        return {name: row for name, row in found.items() if name not in unused}

    def utilisation(self, gpu: str, profile: str) -> tuple[float, float, float]:
        """Low, value and high of the utilisation that a profile assumes [0..1]."""
        return self.query(
            """SELECT low, value, high FROM tco_inputs_for($gpu, $profile) WHERE parameter = 'utilisation_frac'
               ORDER BY key""",
            gpu=gpu, profile=profile,
        ).row(0)  # fmt: skip

    def life_inputs(self, gpu: str, profile: str) -> dict[str, dict]:
        """Inputs of the life of an owned GPU by parameter, those of its hour and those of what changes year by year."""
        return self.query(
            """SELECT key, parameter, value, low, high, unit, status, as_of, source_url, note
               FROM inputs_for($gpu, $profile) WHERE NOT starts_with(parameter, 'building') ORDER BY parameter""",
            gpu=gpu, profile=profile,
        ).rows_by_key("parameter", named=True, unique=True, include_key=True)  # fmt: skip

    def prices(self, *, basis: str, on: str | date) -> Prices:
        """USD per GPU-hour of every GPU on a day: the price of this basis by `OWNER`, or else the only one there is."""
        rows = self.price_rows(basis=basis, on=on)
        return Prices((gpu, row["usd_per_gpu_hour"], row["provider"]) for gpu, row in rows.items())

    def price_rows(self, *, basis: str, on: str | date) -> dict[str, dict]:
        """What is behind `prices`, by GPU: the price, whose it is, and its status."""
        return self.query(
            "SELECT gpu, usd_per_gpu_hour, provider, status FROM one_price($on) WHERE basis = $basis ORDER BY gpu",
            on=self.day(on), basis=basis,
        ).rows_by_key("gpu", named=True, unique=True, include_key=True)  # fmt: skip

    def powers(self, *, basis: str, on: str | date, owner: str = OWNER) -> dict[str, float]:
        """kW per GPU of every GPU with one power figure of this basis and owner, such as your own, on a day."""
        rows = self.power_rows(basis=basis, on=on, owner=owner)
        return {gpu: row["kw_per_gpu"] for gpu, row in rows.items()}

    def power_rows(self, *, basis: str, on: str | date, owner: str = OWNER) -> dict[str, dict]:
        """The rows behind `powers`, by GPU."""
        return self.query(
            """SELECT gpu, basis, kw_per_gpu, status, effective_from, effective_to, source_url
               FROM power_by($on, $owner) WHERE basis = $basis
               QUALIFY count(*) OVER (PARTITION BY gpu) = 1 ORDER BY gpu""",
            on=self.day(on), basis=basis, owner=owner,
        ).rows_by_key("gpu", named=True, unique=True, include_key=True)  # fmt: skip

    def price(self, *, gpu: str, basis: str, on: str | date, provider: str | None = None) -> dict:
        """The row of the price book in force on a day (see `day`), of a provider; by default as `prices` chooses.

        Raises
        ------
        NotMeasuredError : no price of that basis and provider on that day; says which days have one
        """
        return self._in_force("price", gpu=gpu, basis=basis, provider=provider, on=on)

    def power(self, *, gpu: str, basis: str, on: str | date, owner: str = OWNER) -> dict:
        """The row of the power book, or your own, in force on a day; raises as `price` does."""
        return self._in_force("power", gpu=gpu, basis=basis, provider=owner, on=on)

    def check_own_power(self, owner: str, *, on: str | date) -> None:
        """Raise as `power` does where a figure of a scenario file does not hold on a day."""
        own = "SELECT DISTINCT gpu, basis FROM own_powers WHERE owner = $owner ORDER BY gpu, basis"
        for gpu, basis in self.query(own, owner=owner).rows():
            self.power(gpu=gpu, basis=basis, on=on, owner=owner)

    def _in_force(self, what: str, *, gpu, basis, provider, on) -> dict:
        on = self.day(on)
        by = f" by {provider}" if provider else ""
        is_price = what == "price"
        of_provider = "provider = coalesce($provider, provider)"
        chosen = f"AND {of_provider} QUALIFY rank() OVER (ORDER BY provider = '{OWNER}' DESC) = 1" if is_price else ""
        held = "price_on($on)" if is_price else "power_by($on, $provider)"
        rows = self.query(
            f"SELECT * FROM {held} WHERE gpu = $gpu AND basis = $basis {chosen} ORDER BY {what}_id",
            gpu=gpu,
            basis=basis,
            provider=provider,
            on=on,
        )
        if len(rows) == 1:
            return rows.row(0, named=True)
        if len(rows) > 1:
            variants = ", ".join(rows[f"{what}_id"])
            raise NotMeasuredError(f"{len(rows)} {basis} figures of {gpu}{by} hold on {on}: {variants}")
        own = "FROM own_prices" if is_price else "SELECT * EXCLUDE owner REPLACE (owner AS provider) FROM own_powers"
        known = self.query(
            f"""SELECT effective_from FROM (FROM {what}_book UNION ALL BY NAME {own})
                WHERE gpu = $gpu AND basis = $basis AND {of_provider} AND effective_from IS NOT NULL
                ORDER BY effective_from""",
            gpu=gpu,
            basis=basis,
            provider=provider,
        )["effective_from"].to_list()
        first = f"the {what} book has it from {known[0]} on" if known else f"the {what} book has none"
        raise NotMeasuredError(f"no {basis} {what} of {gpu}{by} on {on}: {first}")

    def vocabulary(self, kind: str) -> list[str]:
        """Allowed values of a parameter kind such as `gpu` or `price_basis`; KeyError for other kinds."""
        return self.query(_VOCABULARIES[kind])["key"].to_list()

    def provenance(self) -> list[dict]:
        """What has been read so far, per table or view: rows, distinct sources, span of dates, fingerprint."""
        by_table: dict[str, list[_Answer]] = {}
        for sql, answer in self._read:
            by_table.setdefault(", ".join(_relations(sql)), []).append(answer)
        return [_summary(table, answers) for table, answers in sorted(by_table.items())]


@dataclass(frozen=True)
class _Answer:
    frame: pl.DataFrame

    @cached_property
    def sha256(self) -> str:
        # Nine digits, as `reportkit.text.steady` has them, so that a result is the same on every processor.
        # Row by row: the text of a hundred thousand points is larger than they are.
        columns = [f"{n} {t}" for n, t in self.frame.schema.items()]
        found, comma = hashlib.sha256(f'{{"columns": {json.dumps(columns)}, "rows": ['.encode()), ""
        for row in self.frame.iter_rows(buffer_size=512):
            plain = [f"{v:.9g}" if isinstance(v, float) else v for v in row]
            found.update(f"{comma}{json.dumps(plain, default=str)}".encode())
            comma = ", "
        found.update(b"]}")
        return found.hexdigest()


def replay(lines: Iterable[str], path: Path | str | None = None) -> bool:
    """Whether every query of a trace still has the result it had.

    Parameters
    ----------
    lines : lines that `query` wrote to the file named by TOKENFACTORY_TRACE
    path : the warehouse to ask; by default that of the data folder
    """
    import duckdb

    warehouse = connect(path)
    try:
        for line in map(json.loads, lines):
            if warehouse._answer(line["sql"], line["params"]).sha256 != line["result"]:
                return False
    except duckdb.Error:  # a table, view or column that the query named is gone
        return False
    return True


def _asked_in() -> dict:
    """The cell of a notebook that asks, by its execution count, and the line of it; nothing outside a notebook."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    frame, line = sys._getframe(), None
    while frame and shell:
        # The outermost one counts: a function of an earlier cell asks for the cell that calls it.
        line = frame.f_lineno if frame.f_globals is shell.user_ns else line
        frame = frame.f_back
    return {"cell": len(shell.user_ns["In"]) - 1, "line": line} if line else {}


def _plain(value):
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a query parameter must be text, a number or a date, not {type(value).__name__}")


def _relations(sql: str) -> list[str]:
    """Names of the tables, views and macros that a query reads."""
    return sorted(set(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", sql, flags=re.IGNORECASE)))


def _summary(table: str, answers: list[_Answer]) -> dict:
    frames = [answer.frame for answer in answers]

    def values(column_names):
        return {v for f in frames for c in column_names if c in f.columns for v in f[c].to_list() if v is not None}

    sources = values(["source_url"])
    dates = sorted(values(["as_of", "effective_from", "date"]))
    span = "" if not dates else str(dates[0]) if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
    return {
        "table": table,
        "num_rows": sum(len(f) for f in frames),
        "sources": len(sources) or None,
        "dates": span or None,
        "sha256": hashlib.sha256("".join(answer.sha256 for answer in answers).encode()).hexdigest()[:12],
    }
