"""The command line: read arguments, call, print, and leave with a code that says how it went."""

import argparse
import errno
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tokenfactory.errors import TokenFactoryError

MADE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
EXIT_CODES = f"Exit codes: {MADE} made, {FAILED} a notebook failed, {BAD_INPUT} bad input (one sentence says what)."

PARAMETER = "set a parameter in every notebook that has it; repeatable"
ENGINE = "fork: import once, fork for each notebook (default on Linux); kernel: a Jupyter kernel for each"

# The machine's answer to a write, which the user can change and a traceback does not explain.
REFUSED_WRITES = (errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EROFS)


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(BAD_INPUT, f"tokenfactory: {message}; see '{self.prog} --help'\n")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of notebooks")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="tokenfactory", description="What a million tokens costs, as a site.", epilog=EXIT_CODES)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name, function, text):
        sub = commands.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".", epilog=EXIT_CODES)
        sub.set_defaults(function=function)
        return sub

    report = command("report", _report, "make reports/site, running the notebooks that need it")
    option = report.add_argument
    option("--scenario", default="default", help="a file of data/scenarios, or all (default: default)")
    option("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help=PARAMETER)
    option(
        "--notebook", action="append", metavar="NAME", help="only this one, on a site without the others; repeatable"
    )
    option("--jobs", type=_positive, metavar="N", help="notebooks at a time (default: one for each core)")
    option("--engine", choices=("fork", "kernel"), help=ENGINE)
    option("--force", action="store_true", help="run every notebook, changed or not")
    option("--json", action="store_true", help="print the result as JSON")

    refresh = command("refresh", _refresh, "run the notebooks with their own values and store the outputs in them")
    option = refresh.add_argument
    option("--notebook", action="append", metavar="NAME", help="only this one; repeatable")
    option("--jobs", type=_positive, metavar="N", help="notebooks at a time (default: one for each core)")

    command("data", _data, "check every file in data/, build the warehouse and say what is in it")
    command("parameters", _parameters, "list what can be set in each notebook")
    return parser


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _shown(path: Path) -> str:
    return os.path.relpath(path)


def _report(arguments, project) -> int:
    from tokenfactory.publish import plan, runner

    try:
        result = runner.report(
            project,
            scenarios=[arguments.scenario],
            parameters=plan.split_parameters(arguments.parameter),
            only=arguments.notebook,
            num_jobs=arguments.jobs,
            engine=arguments.engine,
            is_forced=arguments.force,
            say=_say,
        )
    except runner.ReportFailed as failed:
        return _tell_failures(failed.failures)
    page = _shown(result.index)
    if arguments.json:
        print(json.dumps({
            "index": page, "executed": result.executed, "unchanged": result.unchanged,
            "is_new": result.is_new, "seconds": round(result.seconds, 3),
        }))  # fmt: skip
    elif result.is_new:
        print(f"{page}  ({len(result.executed)} run, {len(result.unchanged)} unchanged, {result.seconds:.1f} s)")
    else:
        print(f"{page}  (nothing changed, {result.seconds:.1f} s)")
    return MADE


def _tell_failures(failures) -> int:
    for failure in failures:
        if failure.is_bad_input:
            _say(f"tokenfactory: {failure.label}: {failure.message}")
            continue
        _say(f"tokenfactory: {failure.label} failed: {failure.message}")
        if failure.source:
            _say("  in this cell:")
            for line in failure.source.splitlines():
                _say(f"    {line}")
        _say(f"  as far as it ran: {_shown(failure.notebook)}")
    return BAD_INPUT if all(failure.is_bad_input for failure in failures) else FAILED


def _refresh(arguments, project) -> int:
    from tokenfactory.publish import runner

    try:
        runner.refresh(project, only=arguments.notebook, num_jobs=arguments.jobs, say=_say)
    except runner.ReportFailed as failed:
        return _tell_failures(failed.failures)
    return MADE


def _data(arguments, project) -> int:
    from tokenfactory import warehouse

    rows = warehouse.connect().query("SELECT num_rows, file FROM files ORDER BY file").rows()
    for num_rows, file in rows:
        print(f"{num_rows:>7,} rows  {file}")
    return MADE


def _parameters(arguments, project) -> int:
    from tokenfactory.publish import plan

    for notebook in plan.notebooks(project):
        print(f"{notebook.name}: {notebook.title}")
        for parameter in notebook.parameters.values():
            print(f"  {parameter.name}={parameter.default}  [{parameter.kind}] {parameter.meaning}")
    return MADE


def run(argv: Sequence[str] | None = None, project=None) -> int:
    """Run a command and return its exit code; `project` is another checkout than the one this library lies in."""
    arguments = _parser().parse_args(argv)
    if project is None:
        from tokenfactory.publish.plan import Project

        project = Project()
    try:
        return arguments.function(arguments, project)
    except TokenFactoryError as error:
        _say(f"tokenfactory: {error}")
        return BAD_INPUT
    except OSError as error:
        if error.errno not in REFUSED_WRITES:
            raise
        _say(f"tokenfactory: {error.filename}: {error.strerror}")
        return BAD_INPUT
    except KeyboardInterrupt:
        _say("tokenfactory: interrupted; the site is as it was")
        return INTERRUPTED


def main() -> None:
    """The program. It leaves without taking apart what it imported, which costs as much time as a notebook."""
    code = run()
    with suppress(BrokenPipeError):  # a reader such as `head` may be gone
        sys.stdout.flush()
    os._exit(code)
