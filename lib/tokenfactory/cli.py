"""The command line: read arguments, call, print, and leave with a code that says how it went."""

import errno
import json
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from reportkit import harmless
from reportkit.errors import ReportFailed
from tokenfactory.arguments import BAD_INPUT, CONTRADICTED, FAILED, INTERRUPTED, MADE, NOT_ALL_READ, parser
from tokenfactory.errors import ParameterError, TokenFactoryError

# The machine's answer to a write, which the user can change and a traceback does not explain.
REFUSED_WRITES = (errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EROFS)


class Told(NamedTuple):
    """What a command answers: to a program with --json, and to a person; empty text is not printed."""

    data: object
    text: str
    code: int = MADE


def _say(line: str) -> None:
    """Tell on standard error. What comes from notebooks and data must not steer the reader's terminal."""
    print(harmless.visible(line), file=sys.stderr, flush=True)


def _plain(value) -> float | str:
    """What JSON does not know: exact shares as numbers, days as text."""
    return float(value) if isinstance(value, Decimal) else str(value)


def _report(arguments, project) -> Told:
    from reportkit import alerts, execution, plan, runner

    # Notebooks have the environment of this process, and a notebook that fails may print it.
    webhook = os.environ.pop("TOKENFACTORY_WEBHOOK", None) if arguments.scheduled else None
    watch = alerts.Watch(project, arguments.webhook or webhook, _say) if arguments.scheduled else None
    with watch.failures() if watch else nullcontext():
        wanted = runner.Wanted(
            scenarios=[arguments.scenario],
            parameters=plan.split_parameters(arguments.parameter),
            only=arguments.notebook,
            is_forced=arguments.force,
            is_printed=arguments.pdf,
            is_scheduled=arguments.scheduled,
            max_price_age_days=arguments.stale_days if arguments.scheduled else None,
            is_stale_allowed=arguments.allow_stale_prices,
        )
        given = {"engine": arguments.engine, "timeout_s": arguments.timeout, "retries": arguments.retries}
        given = {name: value for name, value in given.items() if value is not None}
        how = execution.How(num_jobs=arguments.jobs, scheduler=arguments.scheduler, **given)
        result = runner.report(project, wanted, how, say=_say)
    if watch:
        watch.look_at(result, arguments.moved)
    page = os.path.relpath(result.index)
    done = f"{len(result.executed)} run, {len(result.unchanged)} unchanged" if result.is_new else "nothing changed"
    fields = ("executed", "unchanged", "retried", "stale_prices", "is_new")
    told = {"exit_code": MADE, "index": page} | {name: getattr(result, name) for name in fields}
    return Told(told | {"seconds": round(result.seconds, 3)}, f"{page}  ({done}, {result.seconds:.1f} s)")


def _failures(failures) -> Told:
    """What is told of notebooks that failed; a person reads it on standard error."""
    for failure in failures:
        _say(f"tokenfactory: {failure.label}{'' if failure.is_bad_input else ' failed'}: {failure.message}")
        if not failure.is_bad_input:
            lines = ["in this cell:", *(f"  {line}" for line in failure.source.splitlines())] if failure.source else []
            lines += [f"as far as it ran, with its log: {os.path.relpath(failure.kept)}"] if failure.kept else []
            for line in lines:
                _say(f"  {line}")
    code = BAD_INPUT if all(failure.is_bad_input for failure in failures) else FAILED
    told = [asdict(f) | {"kept": f.kept and os.path.relpath(f.kept)} for f in failures]
    return Told({"exit_code": code, "failures": told}, "", code)


def _refresh(arguments, project) -> Told:
    from reportkit import runner

    names = runner.refresh(project, only=arguments.notebook, num_jobs=arguments.jobs, say=_say)
    return Told({"refreshed": names}, "")


def _runs(arguments, project) -> Told:
    from reportkit import archive, changelog

    found = archive.stored(project)
    fields = ("id", "made_on", "price_as_of", "power_as_of", "data", "library", "scenarios", "changes")
    lines = []
    for run in found:
        num = len(run.record["scenarios"])
        said = f"{num} scenarios" if num > 1 else "1 scenario"
        lines.append(f"{run.id}  {said:>12}  {changelog.of_all(run.record['changes'])}")
    if not found and not arguments.json:
        _say("no run is kept here yet; make one with 'tokenfactory report'")
    return Told([{field: run.record[field] for field in fields} for run in found], "\n".join(lines))


def _diff(arguments, project) -> Told:
    from reportkit import archive, attribution, changelog

    known = archive.stored(project)
    old, new = (archive.find(project, known, name) for name in (arguments.run_a, arguments.run_b))
    scenarios = [arguments.scenario] if arguments.scenario else None
    found = attribution.compare(project, old, new, scenarios=scenarios, say=_say)
    return Told(found, changelog.text(found))


def _bundle(arguments, project) -> Told:
    from reportkit import bundle

    path = os.path.relpath(bundle.write(project, arguments.path or project.reports / "bundle.zip"))
    return Told({"bundle": path}, path)


def _verify(arguments, project) -> Told:
    from reportkit import verify

    found = verify.verify(arguments.path, project, is_rerun=arguments.rerun, say=_say)
    told = {"holds": not found.differences, "differences": list(map(asdict, found.differences))}
    told |= {"counts": found.counts, "remarks": found.remarks}
    return Told(told, "\n".join(map(harmless.one_line, found.lines())), FAILED if found.differences else MADE)


UNREACHED = """SELECT 'operating_points.csv' AS file, reason, count(*) AS num_rows, min(point_id) AS name
               FROM excluded_points GROUP BY reason
               UNION ALL SELECT 'price_book.csv', 'no day at all', count(*), min(price_id) FROM price_book
                 WHERE effective_from IS NULL AND observed_on IS NULL HAVING count(*) > 0
               UNION ALL SELECT 'price_book.csv', 'no point of its GPU', count(*), min(price_id) FROM price_book
                 WHERE gpu NOT IN (SELECT gpu FROM points) HAVING count(*) > 0
               ORDER BY file, num_rows DESC, reason"""


def _data(arguments, project) -> Told:
    from tokenfactory import warehouse
    from tokenfactory.warehouse import files, own

    if not os.environ.get("TOKENFACTORY_WAREHOUSE"):
        own.check(files.data_dir())
    db = warehouse.connect()
    rows = db.query("SELECT num_rows, file FROM files ORDER BY file").rows(named=True)
    lines = [f"{row['num_rows']:>7,} rows  {row['file']}" for row in rows]
    if not arguments.json:
        lines += [
            f"{row['num_rows']:>7,} rows  of {row['file']} answer no question: {row['reason']}, such as {row['name']}"
            for row in db.query(UNREACHED).rows(named=True)
        ]
    return Told(rows, "\n".join(lines))


def _export(arguments, project) -> Told:
    from tokenfactory.measurements import benchmarks
    from tokenfactory.warehouse import files

    done = benchmarks.export(arguments.path, files.data_dir() / "benchmarks", name=arguments.name)
    return Told(list(map(asdict, done)), "\n".join(one.text() for one in done))


def _derive(arguments, project) -> Told:
    from tokenfactory.measurements import derive
    from tokenfactory.warehouse import files, schema

    measured = schema.read_all(files.data_dir())["benchmarks"]
    derived = derive.derive(arguments.silicon, arguments.recipes, measured)
    derive.write(derived, files.data_dir(), accessed=arguments.accessed)
    return Told(asdict(derived), derived.text())


def _parameters(arguments, project) -> Told:
    from reportkit import plan

    told, lines = {}, []
    for notebook in plan.notebooks(project):
        lines.append(f"{notebook.name}: {notebook.title}")
        lines += [f"  {p.name}={p.default}  [{p.kind}] {p.meaning}" for p in notebook.parameters.values()]
        told[notebook.name] = {
            p.name: {"default": p.default, "kind": p.kind, "meaning": p.meaning} for p in notebook.parameters.values()
        }
    return Told(told, "\n".join(lines))


def _models(arguments, project) -> Told:
    from tokenfactory import ask, warehouse
    from tokenfactory.display import show
    from tokenfactory.errors import nearest

    db = warehouse.connect()
    if arguments.model and arguments.model not in (known := db.vocabulary("model")):
        raise ParameterError(f"no point of the model {arguments.model!r}{nearest(arguments.model, known)}")
    asked = (ask.ONE_MODEL, {"model": arguments.model}) if arguments.model else (ask.MODELS, {})
    rows = db.query(asked[0], **asked[1]).rows(named=True)
    columns = {key: show.Column(name, show.number if is_speed else str, "no date")
               for key, (name, is_speed) in ask.MODEL_COLUMNS.items() if key in rows[0]}  # fmt: skip
    return Told(rows, show.table(rows, columns, f"{len(rows)} lines").plain())


def _snapshot_folder() -> Path:
    from tokenfactory.warehouse import files

    return files.data_dir() / "snapshots"


def _snapshots(arguments, project) -> Told:
    from tokenfactory.display import show
    from tokenfactory.measurements import snapshots

    folder = _snapshot_folder()
    if arguments.drop or arguments.merge:
        in_use = snapshots.drop(folder, arguments.drop) if arguments.drop else snapshots.merge(folder, arguments.merge)
        told = {"dropped": arguments.drop, "merged": arguments.merge, "in_use": in_use}
        return Told(told, f"{in_use or 'no snapshot'} is in use now")
    found = snapshots.listed(folder)
    columns = {"name": "Snapshot", "created_at": show.Column("Made", lambda text: text[:10]),
               "num_files": show.Column("Files", show.number), "num_points": show.Column("Points", show.number),
               "is_in_use": show.Column("In use", lambda used: "yes" if used else "")}  # fmt: skip
    return Told(found, show.table(found, columns, f"{len(found)} snapshots").plain())


def _ingested(report, text: str) -> Told:
    from tokenfactory.measurements.standing import standing

    found = standing()
    is_told = isinstance(found, str)
    told = {"snapshot": report.snapshot.name, "is_new": report.is_new, "passed_over": report.passed_over}
    told |= {"standing": found if is_told else asdict(found), "files": list(map(asdict, report.files))}
    return Told(told, f"{text}\n{found if is_told else found.text()}", NOT_ALL_READ if report.not_read else MADE)


def _ingest(arguments, project) -> Told:
    from tokenfactory.measurements import benchmarks, ingest

    try:
        report = ingest.ingest(arguments.path, _snapshot_folder(), days=benchmarks.days())
    except ingest.NoPointsError as none:
        told = {"snapshot": None, "is_new": False, "reasons": none.reasons, "files": list(map(asdict, none.files))}
        return Told(told, none.text(), NOT_ALL_READ)
    return _ingested(report, report.text())


def _pull(arguments, project) -> Told:
    from tokenfactory.measurements import pull

    pulled = pull.pull(arguments.model, _snapshot_folder(), base_url=arguments.base_url or pull.BASE_URL, progress=_say)
    return _ingested(pulled.ingested, pulled.text())


def _doctor(arguments, project) -> Told:
    from tokenfactory.measurements.doctor import doctor

    found = doctor(arguments.path)
    kinds = {
        title: [{"rows": n, "what": what} for _, n, what in getattr(found, title)]
        for title in ("points", "repaired", "excluded")
    }
    told = {"files": [asdict(f) | found.of(f) for f in found.report.files]} | kinds
    return Told(told, found.text(), found.exit_code)


def _rents(arguments, project) -> Told:
    from tokenfactory.display import show
    from tokenfactory.measurements import rents

    cleaned = rents.clean(rents.read(arguments.path))
    months, kept, left = rents.by_month(cleaned.kept), len(cleaned.kept), cleaned.excluded["reason"].value_counts()
    reasons = dict(left.sort("count", "reason", descending=[True, False]).iter_rows())
    columns = {"gpu": "GPU", "rental_type": "Rent", "month": "Month",
               "median_usd_per_gpu_hour": show.Column("USD per GPU-hour, median", show.usd),
               "low_usd_per_gpu_hour": show.Column("lowest provider", show.usd),
               "high_usd_per_gpu_hour": show.Column("highest", show.usd),
               "num_providers": "Providers", "num_observations": "Observations"}  # fmt: skip
    table = show.table(months, columns, f"{kept:,} of {kept + len(cleaned.excluded):,} observations").plain()
    lines = [table, *(f"left out {count:>7,}: {reason}" for reason, count in reasons.items())]
    return Told({"months": months.rows(named=True), "num_kept": kept, "excluded": reasons}, "\n".join(lines))


def _sql(arguments, project) -> Told:
    from tokenfactory import ask_sql, warehouse

    db = warehouse.connect(memory_limit=f"{arguments.memory_mb}MB")
    names, rows = db.ask(arguments.query, timeout_s=arguments.timeout)
    return Told(*ask_sql.told(names, rows, "json" if arguments.json else arguments.format))


def _compare(arguments, project) -> Told:
    from tokenfactory import ask, warehouse

    answer = ask.compare(
        warehouse.connect(), model=arguments.model, isl=arguments.isl, osl=arguments.osl, speeds=arguments.at,
        gpus=arguments.gpu, on=arguments.on or date.today(),
    )  # fmt: skip
    return Told(answer, "\n".join(ask.compare_text(answer)))


def _explain(arguments, project) -> Told:
    from tokenfactory import explain, warehouse

    asked = explain.Question(
        model=arguments.model, gpu=arguments.gpu, precision=arguments.precision, ep=arguments.ep,
        batch=arguments.batch, context_tok=arguments.context, depth=arguments.mtp, acceptance=arguments.acceptance,
    )  # fmt: skip
    answer = explain.explain(warehouse.connect(), asked)
    return Told(answer, "\n".join(explain.text(answer)))


def _audit(arguments, project) -> Told:
    from tokenfactory import ask, warehouse

    found = ask.audit(warehouse.connect(), arguments.claim)
    code = CONTRADICTED if found.table and found.table.contradicts_itself else MADE
    return Told(ask.audit_data(found), "\n".join(ask.audit_text(found)), code)


def _cache(arguments, project) -> Told:
    from tokenfactory import ask_cache, warehouse

    how = {"block_tok": arguments.block_tokens, "sample_frac": arguments.sample, "scheduler": arguments.scheduler}
    found = ask_cache.read(arguments.trace, **how)
    told = ask_cache.answer(
        warehouse.connect(), *found, model=arguments.model, gpu=arguments.gpu, speed=arguments.at, on=arguments.on,
        utilisation_frac=arguments.use,
    )  # fmt: skip
    return Told(told, "\n".join(ask_cache.text(told)))


def _refused(sentence: str) -> Told:
    _say(f"tokenfactory: {sentence}")
    return Told({"exit_code": BAD_INPUT, "error": sentence}, "", BAD_INPUT)


def _answer(arguments, project) -> Told:
    """What a command answers, or why it could not."""
    try:
        if arguments.warehouse:
            if not Path(arguments.warehouse).is_file():
                raise ParameterError(f"--warehouse: there is no file {arguments.warehouse}")
            os.environ["TOKENFACTORY_WAREHOUSE"] = os.path.abspath(arguments.warehouse)
        if project is None:
            from tokenfactory.source import Project

            project = Project()
        return globals()[f"_{arguments.command}"](arguments, project)
    except ReportFailed as failed:
        return _failures(failed.failures)
    except TokenFactoryError as error:
        return _refused(str(error))
    except OSError as error:
        if error.errno not in REFUSED_WRITES:
            raise
        return _refused(f"{error.filename}: {error.strerror}")
    except Exception as error:
        # DuckDB is not imported for its name: that takes longer than most commands.
        duckdb = sys.modules.get("duckdb")
        if not (arguments.warehouse and duckdb and isinstance(error, duckdb.CatalogException)):
            raise
        return _refused(f"--warehouse: {arguments.warehouse} is no warehouse of ours: {str(error).splitlines()[0]}")


def run(argv: Sequence[str] | None = None, project=None) -> int:
    """Run a command and return its exit code; `project` is another checkout than the one this library lies in."""
    arguments = parser().parse_args(argv)
    try:
        told = _answer(arguments, project)
        if arguments.json:
            print(json.dumps(told.data, default=_plain))
        elif told.text:
            print(told.text)
        return told.code
    except BrokenPipeError:  # a reader such as `head` has seen enough
        return MADE
    except KeyboardInterrupt:
        _say("tokenfactory: interrupted; the site is as it was")
        return INTERRUPTED


def main() -> None:
    """The program. It leaves without taking apart what it imported, which costs as much time as a notebook."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that knows few characters gets the escapes of the others
        stream.reconfigure(errors="backslashreplace")
    code = run()
    with suppress(BrokenPipeError):  # a reader such as `head` may be gone
        sys.stdout.flush()
    os._exit(code)
