"""The command line: read arguments, call, print, and leave with a code that says how it went."""

import errno
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from pathlib import Path

from reportkit import harmless
from tokenfactory.arguments import BAD_INPUT, CONTRADICTED, FAILED, INTERRUPTED, MADE, NOT_ALL_READ, parser
from tokenfactory.errors import ParameterError, TokenFactoryError

# The machine's answer to a write, which the user can change and a traceback does not explain.
REFUSED_WRITES = (errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EROFS)


def _say(line: str) -> None:
    """Tell on standard error. What comes from notebooks and data must not steer the reader's terminal."""
    print(harmless.visible(line), file=sys.stderr, flush=True)


def _shown(path: Path) -> str:
    return os.path.relpath(path)


def _report(arguments, project) -> int:
    from reportkit import execution

    try:
        if arguments.scheduled:
            from reportkit import alerts

            # Notebooks have the environment of this process, and a notebook that fails may print it.
            webhook = os.environ.pop("TOKENFACTORY_WEBHOOK", None)
            watch = alerts.Watch(project, arguments.webhook or webhook, _say)
            with watch.failures():
                result = _make(arguments, project)
            watch.look_at(result, arguments.moved)
        else:
            result = _make(arguments, project)
    except execution.ReportFailed as failed:
        return _tell_failures(failed.failures, arguments.json)
    page = _shown(result.index)
    if arguments.json:
        print(json.dumps({
            "exit_code": MADE, "index": page, "executed": result.executed, "unchanged": result.unchanged,
            "retried": result.retried, "stale_prices": result.stale_prices,
            "is_new": result.is_new, "seconds": round(result.seconds, 3),
        }))  # fmt: skip
    elif result.is_new:
        print(f"{page}  ({len(result.executed)} run, {len(result.unchanged)} unchanged, {result.seconds:.1f} s)")
    else:
        print(f"{page}  (nothing changed, {result.seconds:.1f} s)")
    return MADE


def _make(arguments, project):
    from reportkit import execution, plan, runner

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
    return runner.report(project, wanted, how, say=_say)


def _tell_failures(failures, is_json: bool) -> int:
    code = BAD_INPUT if all(failure.is_bad_input for failure in failures) else FAILED
    if is_json:
        told = [asdict(f) | {"kept": f.kept and _shown(f.kept)} for f in failures]
        print(json.dumps({"exit_code": code, "failures": told}))
    for failure in failures:
        if failure.is_bad_input:
            _say(f"tokenfactory: {failure.label}: {failure.message}")
            continue
        _say(f"tokenfactory: {failure.label} failed: {failure.message}")
        if failure.source:
            _say("  in this cell:")
            for line in failure.source.splitlines():
                _say(f"    {line}")
        if failure.kept:
            _say(f"  as far as it ran, with its log: {_shown(failure.kept)}")
    return code


def _refresh(arguments, project) -> int:
    from reportkit import execution, runner

    try:
        names = runner.refresh(project, only=arguments.notebook, num_jobs=arguments.jobs, say=_say)
    except execution.ReportFailed as failed:
        return _tell_failures(failed.failures, arguments.json)
    if arguments.json:
        print(json.dumps({"refreshed": names}))
    return MADE


def _runs(arguments, project) -> int:
    from reportkit import archive, changelog

    found = archive.stored(project)
    if arguments.json:
        fields = ("id", "made_on", "price_as_of", "power_as_of", "data", "library", "scenarios", "changes")
        print(json.dumps([{field: run.record[field] for field in fields} for run in found]))
        return MADE
    for run in found:
        num = len(run.record["scenarios"])
        said = f"{num} scenarios" if num > 1 else "1 scenario"
        print(f"{run.id}  {said:>12}  {changelog.of_all(run.record['changes'])}")
    if not found:
        _say("no run is kept here yet; make one with 'tokenfactory report'")
    return MADE


def _diff(arguments, project) -> int:
    from reportkit import archive, attribution, changelog

    known = archive.stored(project)
    old, new = (archive.find(project, known, name) for name in (arguments.run_a, arguments.run_b))
    scenarios = [arguments.scenario] if arguments.scenario else None
    found = attribution.compare(project, old, new, scenarios=scenarios, say=_say)
    print(json.dumps(found, default=float) if arguments.json else changelog.text(found))
    return MADE


def _bundle(arguments, project) -> int:
    from reportkit import bundle

    path = bundle.write(project, arguments.path or project.reports / "bundle.zip")
    print(json.dumps({"bundle": _shown(path)}) if arguments.json else _shown(path))
    return MADE


def _verify(arguments, project) -> int:
    from reportkit import verify

    found = verify.verify(arguments.path, project, is_rerun=arguments.rerun, say=_say)
    if arguments.json:
        told = {"holds": not found.differences, "differences": list(map(asdict, found.differences))}
        print(json.dumps(told | {"counts": found.counts, "remarks": found.remarks}))
    else:
        print("\n".join(map(harmless.one_line, found.lines())))
    return FAILED if found.differences else MADE


UNREACHED = """SELECT 'operating_points.csv' AS file, reason, count(*) AS num_rows, min(point_id) AS name
               FROM excluded_points GROUP BY reason
               UNION ALL SELECT 'price_book.csv', 'no day at all', count(*), min(price_id) FROM price_book
                 WHERE effective_from IS NULL AND observed_on IS NULL HAVING count(*) > 0
               UNION ALL SELECT 'price_book.csv', 'no point of its GPU', count(*), min(price_id) FROM price_book
                 WHERE gpu NOT IN (SELECT gpu FROM points) HAVING count(*) > 0
               ORDER BY file, num_rows DESC, reason"""


def _data(arguments, project) -> int:
    from tokenfactory import warehouse
    from tokenfactory.warehouse import files, own

    if not os.environ.get("TOKENFACTORY_WAREHOUSE"):
        own.check(files.data_dir())
    db = warehouse.connect()
    rows = db.query("SELECT num_rows, file FROM files ORDER BY file").rows(named=True)
    if arguments.json:
        print(json.dumps(rows))
        return MADE
    for row in rows:
        print(f"{row['num_rows']:>7,} rows  {row['file']}")
    for row in db.query(UNREACHED).rows(named=True):
        print(
            f"{row['num_rows']:>7,} rows  of {row['file']} answer no question: {row['reason']}, such as {row['name']}"
        )
    return MADE


def _export(arguments, project) -> int:
    from tokenfactory.measurements import benchmarks
    from tokenfactory.warehouse import files

    for done in benchmarks.export(arguments.path, files.data_dir() / "benchmarks", name=arguments.name):
        print(done.text())
    return MADE


def _derive(arguments, project) -> int:
    from tokenfactory.measurements import derive
    from tokenfactory.warehouse import files, schema

    measured = schema.read_all(files.data_dir())["benchmarks"]
    derived = derive.derive(arguments.silicon, arguments.recipes, measured)
    derive.write(derived, files.data_dir(), accessed=arguments.accessed)
    print(derived.text())
    return MADE


def _parameters(arguments, project) -> int:
    from reportkit import plan

    if arguments.json:
        fields = ("default", "kind", "meaning")
        found = {
            notebook.name: {p.name: {f: getattr(p, f) for f in fields} for p in notebook.parameters.values()}
            for notebook in plan.notebooks(project)
        }
        print(json.dumps(found))
        return MADE
    for notebook in plan.notebooks(project):
        print(f"{notebook.name}: {notebook.title}")
        for parameter in notebook.parameters.values():
            print(f"  {parameter.name}={parameter.default}  [{parameter.kind}] {parameter.meaning}")
    return MADE


def _models(arguments, project) -> int:
    from tokenfactory import ask, warehouse
    from tokenfactory.display import show
    from tokenfactory.errors import nearest

    db = warehouse.connect()
    if arguments.model and arguments.model not in (known := db.vocabulary("model")):
        raise ParameterError(f"no point of the model {arguments.model!r}{nearest(arguments.model, known)}")
    asked = (ask.ONE_MODEL, {"model": arguments.model}) if arguments.model else (ask.MODELS, {})
    rows = db.query(asked[0], **asked[1]).rows(named=True)
    if arguments.json:
        print(json.dumps(rows, default=str))
        return MADE
    columns = {key: show.Column(name, show.number if is_speed else str, "no date")
               for key, (name, is_speed) in ask.MODEL_COLUMNS.items() if key in rows[0]}  # fmt: skip
    print(show.table(rows, columns, f"{len(rows)} lines").plain())
    return MADE


def _snapshot_folder() -> Path:
    from tokenfactory.warehouse import files

    return files.data_dir() / "snapshots"


def _tell_ingested(arguments, report, text: str) -> int:
    from tokenfactory.measurements.standing import standing

    found = standing()
    if arguments.json:
        content = {"snapshot": report.snapshot.name, "is_new": report.is_new, "passed_over": report.passed_over}
        content["standing"] = found if isinstance(found, str) else asdict(found)
        print(json.dumps(content | {"files": [asdict(f) for f in report.files]}))
    else:
        print(text, found if isinstance(found, str) else found.text(), sep="\n")
    return NOT_ALL_READ if report.not_read else MADE


def _snapshots(arguments, project) -> int:
    from tokenfactory.display import show
    from tokenfactory.measurements import snapshots

    folder = _snapshot_folder()
    if arguments.drop or arguments.merge:
        in_use = snapshots.drop(folder, arguments.drop) if arguments.drop else snapshots.merge(folder, arguments.merge)
        told = {"dropped": arguments.drop, "merged": arguments.merge, "in_use": in_use}
        print(json.dumps(told) if arguments.json else f"{in_use or 'no snapshot'} is in use now")
        return MADE
    found = snapshots.listed(folder)
    if arguments.json:
        print(json.dumps(found))
        return MADE
    columns = {"name": "Snapshot", "created_at": show.Column("Made", lambda text: text[:10]),
               "num_files": show.Column("Files", show.number), "num_points": show.Column("Points", show.number),
               "is_in_use": show.Column("In use", lambda used: "yes" if used else "")}  # fmt: skip
    print(show.table(found, columns, f"{len(found)} snapshots").plain())
    return MADE


def _ingest(arguments, project) -> int:
    from tokenfactory.measurements import ingest

    try:
        report = ingest.ingest(arguments.path, _snapshot_folder())
    except ingest.NoPointsError as none:
        if arguments.json:
            content = {"snapshot": None, "is_new": False, "reasons": none.reasons}
            print(json.dumps(content | {"files": [asdict(f) for f in none.files]}))
        else:
            print(none.text())
        return NOT_ALL_READ
    return _tell_ingested(arguments, report, report.text())


def _pull(arguments, project) -> int:
    from tokenfactory.measurements import pull

    pulled = pull.pull(arguments.model, _snapshot_folder(), base_url=arguments.base_url or pull.BASE_URL, progress=_say)
    return _tell_ingested(arguments, pulled.ingested, pulled.text())


def _doctor(arguments, project) -> int:
    from tokenfactory.measurements.doctor import doctor

    found = doctor(arguments.path)
    if arguments.json:
        kinds = {
            title: [{"rows": n, "what": what} for _, n, what in getattr(found, title)]
            for title in ("points", "repaired", "excluded")
        }
        print(json.dumps({"files": [asdict(f) | found.of(f) for f in found.report.files]} | kinds))
    else:
        print(found.text())
    return found.exit_code


def _rents(arguments, project) -> int:
    from tokenfactory.display import show
    from tokenfactory.measurements import rents

    cleaned = rents.clean(rents.read(arguments.path))
    months, kept, left = rents.by_month(cleaned.kept), len(cleaned.kept), cleaned.excluded["reason"].value_counts()
    reasons = dict(left.sort("count", "reason", descending=[True, False]).iter_rows())
    if arguments.json:
        print(json.dumps({"months": months.rows(named=True), "num_kept": kept, "excluded": reasons}))
        return MADE
    columns = {
        "gpu": "GPU",
        "rental_type": "Rent",
        "month": "Month",
        "median_usd_per_gpu_hour": "USD per GPU-hour, median",
    }
    columns |= {"low_usd_per_gpu_hour": "lowest provider", "high_usd_per_gpu_hour": "highest"}
    columns = {key: show.Column(name, show.usd) if "usd" in key else name for key, name in columns.items()}
    columns |= {"num_providers": "Providers", "num_observations": "Observations"}
    print(show.table(months, columns, f"{kept:,} of {kept + len(cleaned.excluded):,} observations").plain())
    for reason, count in reasons.items():
        print(f"left out {count:>7,}: {reason}")
    return MADE


def _sql(arguments, project) -> int:
    from tokenfactory import ask_sql, warehouse

    db = warehouse.connect(memory_limit=f"{arguments.memory_mb}MB")
    names, rows = db.ask(arguments.query, timeout_s=arguments.timeout)
    ask_sql.tell(names, rows, "json" if arguments.json else arguments.format)
    return MADE


def _compare(arguments, project) -> int:
    from tokenfactory import ask, warehouse

    answer = ask.compare(
        warehouse.connect(), model=arguments.model, isl=arguments.isl, osl=arguments.osl, speeds=arguments.at,
        gpus=arguments.gpu, on=arguments.on or date.today(),
    )  # fmt: skip
    print(json.dumps(answer) if arguments.json else "\n".join(ask.compare_text(answer)))
    return MADE


def _explain(arguments, project) -> int:
    from tokenfactory import explain, warehouse

    asked = explain.Question(
        model=arguments.model, gpu=arguments.gpu, precision=arguments.precision, ep=arguments.ep,
        batch=arguments.batch, context_tok=arguments.context, depth=arguments.mtp, acceptance=arguments.acceptance,
    )  # fmt: skip
    answer = explain.explain(warehouse.connect(), asked)
    print(json.dumps(answer) if arguments.json else "\n".join(explain.text(answer)))
    return MADE


def _audit(arguments, project) -> int:
    from tokenfactory import ask, warehouse

    found = ask.audit(warehouse.connect(), arguments.claim)
    if arguments.json:
        print(json.dumps(ask.audit_data(found)))
    else:
        print("\n".join(ask.audit_text(found)))
    return CONTRADICTED if found.table and found.table.contradicts_itself else MADE


def _cache(arguments, project) -> int:
    from tokenfactory import ask_cache, warehouse

    how = {"block_tok": arguments.block_tokens, "sample_frac": arguments.sample, "scheduler": arguments.scheduler}
    found = ask_cache.read(arguments.trace, **how)
    told = ask_cache.answer(
        warehouse.connect(), *found, model=arguments.model, gpu=arguments.gpu, speed=arguments.at, on=arguments.on,
        utilisation_frac=arguments.use,
    )  # fmt: skip
    print(json.dumps(told) if arguments.json else "\n".join(ask_cache.text(told)))
    return MADE


def run(argv: Sequence[str] | None = None, project=None) -> int:
    """Run a command and return its exit code; `project` is another checkout than the one this library lies in."""
    arguments = parser().parse_args(argv)
    if arguments.warehouse:
        if not Path(arguments.warehouse).is_file():
            _say(f"tokenfactory: --warehouse: there is no file {arguments.warehouse}")
            return BAD_INPUT
        os.environ["TOKENFACTORY_WAREHOUSE"] = os.path.abspath(arguments.warehouse)
    if project is None:
        from tokenfactory.source import Project

        project = Project()

    def refuse(sentence: str) -> int:
        _say(f"tokenfactory: {sentence}")
        if arguments.json:
            print(json.dumps({"exit_code": BAD_INPUT, "error": sentence}))
        return BAD_INPUT

    try:
        return globals()[f"_{arguments.command}"](arguments, project)
    except TokenFactoryError as error:
        return refuse(str(error))
    except BrokenPipeError:  # a reader such as `head` has seen enough
        return MADE
    except OSError as error:
        if error.errno not in REFUSED_WRITES:
            raise
        return refuse(f"{error.filename}: {error.strerror}")
    except Exception as error:
        # DuckDB is not imported for its name: that takes longer than most commands.
        duckdb = sys.modules.get("duckdb")
        if not (arguments.warehouse and duckdb and isinstance(error, duckdb.CatalogException)):
            raise
        return refuse(f"--warehouse: {arguments.warehouse} is no warehouse of ours: {str(error).splitlines()[0]}")
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
