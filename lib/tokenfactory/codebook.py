"""The codebook: `data/README.md`, made from the schema so that the two cannot drift apart.

`python -m tokenfactory.codebook > data/README.md` writes it again. Its prose is `codebook.md`, and `codebook_notes.md`
for what stands below the columns of a table.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from tokenfactory import warehouse
from tokenfactory.measurements import adapters
from tokenfactory.warehouse import catalogue, files, measured, store
from tokenfactory.warehouse.schema import TABLES, Column, Table

PAGE = Path(__file__).with_name("codebook.md")
NOTES = Path(__file__).with_name("codebook_notes.md")
FORMS = {
    "slug": "lower-case letters, digits, `.` and `-`",
    "gpu": "lower-case letters and digits",
    "sha256": "64 digits and letters from a to f",
    "url": "an http or https address",
    "colour": "six hexadecimal digits after `#`",
}
KINDS = {"int": "whole number", "float": "number", "bool": "true or false", "date": "date"}
MEASURED_KINDS = {"VARCHAR": "text", "BIGINT": "whole number", "DOUBLE": "number", "BOOLEAN": "true or false"}
MEASURED_KINDS |= {"DATE": "date", "VARCHAR[]": "list of texts"}
# Names of columns and files in running text; what is code, a link or a heading stays as it is.
_BARE = re.compile(r"```.*?```|`[^`]*`|\]\([^)]*\)|^#.*?$|\b([a-z0-9]+(?:_[a-z0-9]+)+(?:\.csv)?)\b", re.M | re.S)


def render() -> str:
    """The text of `data/README.md`."""
    import jinja2

    notes = dict(re.findall(r"^## (\w+)\n\n(.*?)\n(?=\n## |\Z)", NOTES.read_text(encoding="utf-8"), re.M | re.S))
    macros = [(macro.stem, macro.read_text()) for macro in sorted((files.SQL / "latest").glob("*.sql"))]
    views = [(files.SQL / f"{name}.sql").read_text() for name in sorted(store.VIEWS)]
    formats = ((f"`{m.NAME}`", " ".join(m.__doc__.split("\n\n")[0].split()), m.SOURCE) for m in adapters.modules())
    page = jinja2.Template(
        PAGE.read_text(encoding="utf-8"), keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    text = page.render(
        files=_table(
            "file | it says | one row is",
            ((f"[`{t.file}`](#{t.name})", t.description, t.grain) for t in TABLES.values()),
        ),
        grades=_rows(_grades()),
        sections="\n\n".join(_section(table, notes.get(name)) for name, table in TABLES.items()),
        views=_rows((f"`{catalogue.name_of(s)}`", catalogue.header(s), f"`{catalogue.example(s)}`") for s in views),
        formats=_table("adapter | it reads | source", formats),
        facts=", ".join(f"`{name}`" for name in measured.FACTS),
        fields=_measured_columns(measured.FIELDS.values()),
        repairs=_rows((f"`{code}`", meaning) for code, meaning in measured.REPAIRS.items()),
        latest=_rows((f"`{name}(as_of := ...)`", catalogue.header(sql)) for name, sql in macros),
        measured="\n\n".join(_measured_section(name, table) for name, table in measured.TABLES.items()),
    )
    return _BARE.sub(lambda found: f"`{found[1]}`" if found[1] else found[0], text)


def _grades() -> Iterable[tuple]:
    """Of each input that decides an answer by default: what it is, how strong and for which GPUs or parts of it."""
    throughput = """SELECT 'throughput', CASE WHEN evidence = 'interpolated' THEN 'read off by its source'
                              WHEN evidence = 'claimed' OR source_kind IN ('press', 'reprint') THEN 'second hand'
                              WHEN evidence = 'derived' THEN 'derived from measured latencies'
                              ELSE 'measured' END AS grade, count(*) || ' points'
                    FROM (SELECT evidence, source_kind FROM operating_points
                          UNION ALL SELECT evidence, 'primary' FROM benchmarks)
                    GROUP BY grade ORDER BY grade"""
    inputs = """SELECT input, grade, string_agg(applies_to, ' ' ORDER BY applies_to) FROM input_grades
                WHERE is_in_force AND (
                    table_name = 'tco_inputs' AND profile = 'typical'
                    OR profile = 'InferenceX TCO' AND input IN (
                        'owning_hyperscaler', 'rental_3yr', 'allin_utility_provisioned')
                    OR table_name = 'site_inputs' AND input IN ('pue', 'load_frac'))
                GROUP BY input, grade ORDER BY input, grade"""
    db = warehouse.connect()
    for what, grade, of in (*db.ask(throughput)[1], *db.ask(inputs)[1]):
        yield f"`{what}`", grade, of


def _rows(rows: Iterable[Iterable[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _table(header: str, rows: Iterable[Iterable[str]]) -> str:
    names = header.split(" | ")
    return "\n".join([_rows([names]), "|---" * len(names) + "|", _rows(rows)])


def _section(table: Table, note: str | None) -> str:
    columns = (
        (f"`{c.name}`", KINDS.get(c.kind, "text"), c.unit, _allowed(c), c.meaning) for c in table.columns.values()
    )
    about = f"`{table.file}`: {table.description}. One row is {table.grain}. Key: `{', '.join(table.key)}`."
    parts = [f"## {table.name}", about, _table("column | type | unit | allowed | meaning", columns)]
    return "\n\n".join([*parts, note] if note else parts)


def _allowed(column: Column) -> str:
    """Vocabulary, form or range, and whether the cell may be empty."""
    said = [f"`{value}`" for value in column.values]
    said += [FORMS[column.kind]] if column.kind in FORMS else []
    said += [f"`{sign.replace('>=', '≥').replace('<=', '≤')} {limit}`" for sign, limit in column.bounds]
    return ", ".join(said) + ("" if column.is_required else "; may be empty" if said else "may be empty")


def _measured_section(name: str, table: measured.Table) -> str:
    about = f"{table.description[:1].upper()}{table.description[1:]}. One row is {table.grain}."
    columns = "| column | type | unit | meaning |\n|---|---|---|---|\n" + _measured_columns(table.columns)
    return f"### {name}\n\n{about}\n\n{columns}"


def _measured_columns(columns: Iterable[measured.Column]) -> str:
    return _rows((f"`{c.name}`", MEASURED_KINDS[c.type], c.unit, c.meaning) for c in columns)


if __name__ == "__main__":
    print(render(), end="")
