"""Which queries and parameters the output of a cell depends on, read from the code of an executed notebook.

Statements of the cells are followed in the order in which they ran: each makes the names it binds depend on all that it
uses, on the queries that it asked, and on what these depend on. What is uncertain counts as dependent: a branch that
was not taken, everything that a loop touches, whatever may hold a list that was added to later.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nbformat import NotebookNode

# Methods that change the object they belong to.
_CHANGING = {"append", "extend", "insert", "update", "setdefault", "add", "remove", "discard", "pop", "popitem"}
_CHANGING |= {"clear", "sort", "reverse"}
_CHANGING |= {"inputs", "line", "choice", "sentence"}  # of what describes a model
_SHOWING = {"display", "print"}
_COMPOUND = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With, ast.AsyncWith, ast.Match)
_PARTS = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.Starred, ast.Tuple, ast.IfExp)


@dataclass
class _Touched(ast.NodeVisitor):
    """The names of the notebook that code touches; those of functions and comprehensions within are left out."""

    used: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)  # used when what is bound here is called or run through, not before
    bound: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)  # whose object is changed in place
    imported: set[str] = field(default_factory=set)
    aliases: dict[str, set[str]] = field(default_factory=dict)  # that stand for a part of another name's object
    reads_everything: bool = False
    shows: bool = False

    def visit_Name(self, node):
        (self.used if isinstance(node.ctx, ast.Load) else self.bound).add(node.id)

    def visit_Import(self, node):
        names = {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        self.bound |= names
        self.imported |= names

    visit_ImportFrom = visit_Import

    def _change(self, node: ast.AST) -> None:
        """Note that the object is changed that a chain such as a.b[c] starts from."""
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Call | ast.Starred):
            node = node.func if isinstance(node, ast.Call) else node.value
        if isinstance(node, ast.Name):
            self.used.add(node.id)
            self.changed.add(node.id)

    def visit_AugAssign(self, node):
        self.visit(node.value)
        if not isinstance(node.target, ast.Name):
            self.visit(node.target)
        self._change(node.target)

    def visit_Assign(self, node):
        self.generic_visit(node)
        for target in node.targets:
            self._alias(target, node.value)

    def visit_For(self, node):
        self.generic_visit(node)
        self._alias(node.target, node.iter)

    def _alias(self, target, value):
        """What is bound to a part of something, or to each of its parts, changes it when it is changed."""
        if isinstance(value, _PARTS):
            for name in _named(target):
                self.aliases[name] = self.aliases.get(name, set()) | _named(value)

    def visit_Subscript(self, node):
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            self._change(node)

    visit_Attribute = visit_Subscript

    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute):
            if node.func.attr in _CHANGING:
                self._change(node.func)
            self.reads_everything |= node.func.attr == "provenance"  # of all that was read before
        elif isinstance(node.func, ast.Name):
            self.shows |= node.func.id in _SHOWING

    def _within(self, body: Iterable[ast.AST], own: set[str], *, runs_now=True, runs_later=True, binds=True) -> None:
        """What code does that has names of its `own`, all that it `binds` too, and runs here, later, or both."""
        inner = _Touched()
        for node in body:
            inner.visit(node)
        own = own | inner.bound if binds else own
        used, late = inner.used - own, inner.late - own
        self.used |= used if runs_now else set()
        self.late |= late | (used if runs_later else set())
        self.changed |= inner.changed - own
        self.bound |= inner.bound - own
        self.reads_everything |= inner.reads_everything
        self.shows |= inner.shows

    def visit_Lambda(self, node, *, runs_now=True):  # called by whatever gets it, mostly at once
        body = node.body if isinstance(node.body, list) else [node.body]
        for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            self.visit(default)
        arguments = {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
        self._within(body, arguments, runs_now=runs_now)

    def visit_FunctionDef(self, node):
        for decorator in node.decorator_list:
            self.visit(decorator)
        self.bound.add(node.name)
        self.visit_Lambda(node, runs_now=False)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node):
        self.bound.add(node.name)
        self._within([*node.bases, *node.decorator_list, *node.body], set())

    def visit_ListComp(self, node):
        first, *others = node.generators
        self.visit(first.iter)
        rest = [g.iter for g in others] + [c for g in node.generators for c in g.ifs]
        rest += [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        targets = {name for g in node.generators for name in _named(g.target)}
        self._within(rest, targets, runs_later=isinstance(node, ast.GeneratorExp), binds=False)

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp


def _named(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


class _Names:
    """What every name of a notebook depends on, as far as its statements were followed."""

    def __init__(self):
        self.labels: dict[str, frozenset[str]] = {}
        self.late: dict[str, set[str]] = {}  # what is used when the name is
        self.parts: dict[str, set[str]] = {}  # names whose object it may be a part of
        self.holders: dict[str, set[str]] = {}  # names that may hold its object
        self.modules: set[str] = set()
        self.everything: frozenset[str] = frozenset()  # all queries so far

    def _reached(self, names: set[str], by: Mapping[str, set[str]]) -> set[str]:
        seen, waiting = set(), list(names)
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += by.get(name, ())
        return seen - self.modules

    def follow(self, node: ast.stmt, asked: frozenset[str]) -> tuple[_Touched, frozenset[str]]:
        """Follow a statement that asked these queries; returns what it touches and all that it depends on."""
        touched = _Touched()
        touched.visit(node)
        self.everything |= asked
        labels = asked.union(*(self.labels.get(name, ()) for name in self._reached(touched.used, self.late)))
        labels |= self.everything if touched.reads_everything else frozenset()
        is_certain = not isinstance(node, _COMPOUND)
        self.modules = self.modules - touched.bound | touched.imported
        for name in touched.bound:  # what is changed here, and bound here too, is the new object
            self.labels[name] = labels | (frozenset() if is_certain else self.labels.get(name, frozenset()))
            self.late[name] = (set() if is_certain else self.late.get(name, set())) | touched.late - {name}
            self.parts[name] = touched.aliases.get(name, set()) - {name}
            self.holders[name] = set()
        for used in touched.used:
            self.holders.setdefault(used, set()).update(touched.bound - {used})
        changed = self._reached(touched.changed, self.parts)
        for name in self._reached(changed, self.holders) if changed else ():
            self.labels[name] = self.labels.get(name, frozenset()) | labels
        return touched, labels


def _statements(source: str) -> list[ast.stmt] | None:
    try:
        return ast.parse(source).body
    except SyntaxError:  # a magic of IPython, which is no Python
        return None


def of_cells(
    notebook: NotebookNode, asked: Mapping[int, Sequence[tuple[int, str]]], parameters: Iterable[str]
) -> Iterator[frozenset[str]]:
    """For each cell of an executed notebook, what its outputs depend on: labels of queries, and parameter names.

    Parameters
    ----------
    asked : by execution count of a cell, the line and label of each query it asked
    parameters : the names that its parameters cells set

    Yields
    ------
    labels of queries as given, and `parameter:NAME`; for a cell that cannot be followed, all there were before it
    """
    names = _Names()
    for cell in notebook.cells:
        if cell.cell_type != "code":
            yield frozenset()
            continue
        queries, statements = asked.get(cell.execution_count, ()), _statements(cell.source)
        tags = cell.metadata.get("tags", ())
        if statements is None:
            names.everything |= {label for _, label in queries}
            every = names.everything.union(*names.labels.values())
            names.labels = dict.fromkeys(names.labels, every)
            yield every
        elif {"parameters", "injected-parameters"} & set(tags):
            names.labels |= {name: frozenset([f"parameter:{name}"]) for name in parameters}
            yield frozenset()
        else:
            shown = frozenset()
            for node in statements:
                own = frozenset(label for line, label in queries if node.lineno <= line <= node.end_lineno)
                touched, labels = names.follow(node, own)
                if touched.shows or (node is statements[-1] and isinstance(node, ast.Expr)):
                    shown |= labels
            yield shown
