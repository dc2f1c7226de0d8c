"""The library stays thin: limits of functions and modules, and arrows between its rooms that point one way."""

import ast
import re

import pytest

MOST_LINES, MOST_PARAMETERS, LONGEST_MODULE = 60, 8, 450
# What each room may import of the others; `errors` may be imported by all.
ROOMS = {
    "formulas": set(),
    "methods": {"formulas"},
    "warehouse": {"formulas", "methods"},
    "display": {"formulas", "methods", "warehouse"},
    "measurements": {"formulas", "methods", "warehouse"},
}


@pytest.fixture(scope="module")
def modules(project):
    lib = project / "lib"
    return {path.relative_to(lib).as_posix(): path.read_text(encoding="utf-8") for path in sorted(lib.rglob("*.py"))}


def test_a_module_is_short_enough_to_read(modules):
    assert {name: n for name, text in modules.items() if (n := len(text.splitlines())) > LONGEST_MODULE} == {}


def test_a_function_is_short_and_has_few_parameters(modules):
    found = []
    for name, text in modules.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = node.end_lineno - node.lineno + 1
                given = node.args
                parameters = len(given.posonlyargs) + len(given.args) + len(given.kwonlyargs)
                if lines > MOST_LINES or parameters > MOST_PARAMETERS:
                    found.append((name, node.name, lines, parameters))
    assert found == []


def _imported(text):
    """Modules that a text imports anywhere, as tokenfactory.warehouse.files."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("room", ROOMS)
def test_arrows_between_rooms_point_one_way(modules, room):
    wrong = set()
    for name, text in modules.items():
        if name.startswith(f"tokenfactory/{room}/"):
            for imported in _imported(text):
                parts = imported.split(".")
                if parts[0] == "tokenfactory" and parts[1] not in ROOMS[room] | {room, "errors", "__version__"}:
                    wrong.add((name, imported))
    assert wrong == set()


@pytest.mark.parametrize("room", ["formulas", "methods"])
def test_arithmetic_opens_no_file_and_no_database(modules, room):
    forbidden = {"duckdb", "polars", "pandas", "pathlib", "csv", "yaml", "os"}
    found = {(name, imported) for name, text in modules.items() if name.startswith(f"tokenfactory/{room}/")
             for imported in _imported(text) if imported.split(".")[0] in forbidden}  # fmt: skip
    assert found == set()


def _public_functions(text):
    return [n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")]


@pytest.mark.parametrize("room", ["formulas", "methods"])
def test_a_docstring_names_the_arguments_there_are(modules, room):
    """A formula explains each argument, and what it returns; a method explains none that it does not take."""
    wrong = []
    for name, text in modules.items():
        for function in _public_functions(text) if name.startswith(f"tokenfactory/{room}/") else ():
            taken = [argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)]
            taken += [function.args.kwarg.arg] if function.args.kwarg else []
            sections = dict(re.findall(r"^(\w+)\n-+\n(.*?)(?=^\w+\n-+\n|\Z)", ast.get_docstring(function), re.M | re.S))
            heads = re.findall(r"^(\w.*?)(?:\n\s+[^:\n]*)? :", sections.get("Parameters", ""), re.M)
            explained = {one.strip() for head in heads for one in head.split(",")}
            is_arithmetic = room == "formulas" and "power_figure" not in name
            is_whole = explained == set(taken) and "Returns" in sections
            if explained - set(taken) or (is_arithmetic and not is_whole):
                wrong.append((name, function.name, sorted(explained ^ set(taken)), sorted(sections)))
    assert wrong == []


def test_every_test_that_the_model_of_threats_names_is_there(project):
    named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", (project / "tests" / "SECURITY.md").read_text())
    assert len(named) > 50
    for file, test in named:
        text = (project / "tests" / file).read_text()
        assert not test or f"def {test}(" in text, f"{file}::{test}"
