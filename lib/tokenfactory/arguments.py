"""The parser of the command line. The commands and their arguments are rows of `arguments.toml`."""

import argparse
import tomllib
from pathlib import Path

from reportkit import harmless
from tokenfactory import argument_types

MADE, FAILED, BAD_INPUT, NOT_ALL_READ, CONTRADICTED, INTERRUPTED = 0, 1, 2, 3, 4, 130
EXIT_CODES = (
    f"Exit codes: {MADE} made; {FAILED} a notebook failed; {BAD_INPUT} bad input (one sentence says what); "
    f"{NOT_ALL_READ} made, but some files were not read; {CONTRADICTED} a claim contradicts itself."
)


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(BAD_INPUT, f"tokenfactory: {harmless.one_line(message)}; see '{self.prog} --help'\n")


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; what it parses has the command's name in `command`."""
    made = _Parser(prog="tokenfactory", description="What a million tokens costs, as a site.", epilog=EXIT_CODES)
    commands = made.add_subparsers(metavar="COMMAND", dest="command", required=True)
    for name, table in tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")).items():
        does = table["does"]
        sub = commands.add_parser(name, help=does, description=does[:1].upper() + does[1:] + ".", epilog=EXIT_CODES)
        sub.add_argument("--json", action="store_true", help="print the result as JSON")
        sub.add_argument("--warehouse", metavar="PATH", help="a finished warehouse to read in place of data/")
        for argument in table.get("arguments", []):
            if kind := argument.pop("type", None):
                argument["type"] = Path if kind == "path" else getattr(argument_types, kind)
            sub.add_argument(*argument.pop("names"), **argument)
    return made
