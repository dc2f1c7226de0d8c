"""What files are, and what would become of their rows: nothing is stored."""

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenfactory.measurements import benchmarks
from tokenfactory.measurements.ingest import FileReport, IngestReport, ingest
from tokenfactory.measurements.tables import connect
from tokenfactory.warehouse.attach import attach

MOST_FILES = 40  # with lines of their own
_MOST = 6  # lines of a kind, of one file


@dataclass(frozen=True)
class Diagnosis:
    """What files are, and what would become of their rows. Kinds are (file, rows, what), the commonest first."""

    report: IngestReport
    points: list[tuple[str, int, str]]  # by series
    repaired: list[tuple[str, int, str]]  # by code of measured.REPAIRS
    excluded: list[tuple[str, int, str]]  # by field and reason, with the first row
    lacking: dict[str, str]  # by file: a field that the points of the file do not have

    @property
    def exit_code(self) -> int:
        """0: every file was read and there are points; 3: not so."""
        return 3 if self.report.not_read or not any(f.num_points for f in self.report.files) else 0

    def of(self, file: FileReport) -> dict[str, Any]:
        """What became of one file, and the one thing to add to it."""
        kinds = {
            title: [{"rows": n, "what": what} for name, n, what in getattr(self, title) if name == file.file]
            for title in ("points", "repaired", "excluded")
        }
        return {"file": file.file, "adapter": file.adapter, "problem": file.problem, **kinds, "add": self._add(file)}

    def _add(self, file: FileReport) -> str | None:
        for name, _, what in self.excluded:
            if name == file.file and (found := re.search(r"give (\w+)", what)):
                return f"a line '{found[1]}: ...' in token-factory.yaml beside it or in a folder above"
            if name == file.file and (found := re.match(r"(\S+): is missing", what)):
                return f"{found[1]} to the file"
        field = self.lacking.get(file.file)
        return f"a line '{field}: ...' in token-factory.yaml, so that its points are told apart" if field else None

    def text(self) -> str:
        """All of it, file by file; what was not read first."""
        passed_over = self.report.passed_over
        files = [f for f in self.report.files if f.file not in passed_over or f.problem]
        files.sort(key=lambda f: (f.problem is None, f.num_excluded == 0))
        lines = self.report.text().splitlines()[1 : 3 if passed_over else 2]
        for file in files[:MOST_FILES]:
            found = self.of(file)
            if file.problem:
                lines.append(f"{file.file}: not read: {file.problem}")
                continue
            counts = f"{file.num_rows} rows = {file.num_points} points + {file.num_merged} merged"
            lines.append(
                f"{file.file}: {file.adapter}: {counts} + {file.num_other} other + {file.num_excluded} excluded"
            )
            for title, word in (("points", "points"), ("repaired", "repaired"), ("excluded", "left out")):
                lines += [f"  {word}: {entry['rows']} {entry['what']}" for entry in found[title][:_MOST]]
                more = len(found[title]) - _MOST
                lines += [f"  {word}: and {more} more kinds"] if more > 0 else []
            lines.append(f"  to add: {found['add'] or 'nothing'}")
        more = len(files) - MOST_FILES
        return "\n".join([*lines, *([f"and {more} more files (--json has all)"] if more > 0 else [])])


def doctor(paths: list[str | Path], *, facts: Mapping[str, Any] | None = None) -> Diagnosis:
    """What files, folders and zips are, and what would be read, repaired and excluded.

    Raises
    ------
    DataError : nothing in them could be read; names the first problem
    """
    with tempfile.TemporaryDirectory() as folder, connect() as connection:
        report = ingest(paths, folder, facts=facts, days=benchmarks.days(), needs_points=False)
        attach(connection, report.snapshot)
        points, repaired, excluded, lacking = (
            connection.execute(query).fetchall() for query in (_SERIES, _REPAIRS, _EXCLUDED, _LACKING)
        )
        return Diagnosis(report, points, repaired, excluded, dict(lacking))


_POINTS = "stored_points JOIN configs USING (raw_config) JOIN documents USING (file_no)"
_SERIES = f"""
    SELECT file, count(*), concat_ws(' ', gpu, 'x', num_gpu, model, precision, framework, nullif(spec_decoding, 'none'),
                                     workload, isl_tok || '/' || osl_tok, scenario)
    FROM {_POINTS} GROUP BY ALL ORDER BY 1, 2 DESC, 3
"""
_REPAIRS = f"""
    SELECT file, count(*), code
    FROM (SELECT file, unnest(list_concat(config_repairs, coalesce(repairs, []))) AS code FROM {_POINTS})
    GROUP BY ALL ORDER BY 1, 2 DESC, 3
"""
_EXCLUDED = """
    SELECT file, count(*), concat_ws(': ', field, reason) || ' (first: row ' || min(row_index) || ')'
    FROM excluded_rows GROUP BY file, field, reason ORDER BY 1, 2 DESC, 3
"""
_LACKING = f"""
    SELECT file, CASE WHEN bool_or(precision IS NULL) THEN 'precision' WHEN bool_or(framework IS NULL) THEN 'framework'
                      WHEN bool_or(spec_decoding IS NULL) THEN 'spec_decoding'
                      WHEN bool_or(coalesce(date, run_date) IS NULL) THEN 'date' END AS field
    FROM {_POINTS} LEFT JOIN run_facts USING (raw_run) GROUP BY file HAVING field IS NOT NULL ORDER BY file
"""
