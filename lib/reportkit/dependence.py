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
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass
class Statement(ast.NodeVisitor):
    """The names of the notebook that a statement touches; those of functions and comprehensions within are left out.

    late : used when something that is bound here is called or run through, not before
    changed : names whose object is changed in place
    aliases : names that stand for a part of another name's object
    """

    used: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)
    bound: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    imported: set[str] = field(default_factory=set)
    aliases: dict[str, set[str]] = field(default_factory=dict)
    reads_everything: bool = False
    shows: bool = False
    _inner: list[set[str]] = field(default_factory=list)  # names of the functions and comprehensions we are in
    _is_deferred: bool = False  # what may run again later
    _is_late: bool = False  # what does not run now
    _is_within: bool = False  # a function or class, whose bindings are its own

    def _use(self, name: str) -> None:
        if not any(name in names for names in self._inner):
            if self._is_deferred:
                self.late.add(name)
            if not self._is_late:
                self.used.add(name)

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Load):
            self._use(node.id)
        elif not self._is_within and not any(node.id in names for names in self._inner):
            self.bound.add(node.id)

    def visit_Import(self, node):
        names = {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        self.bound |= names
        self.imported |= names

    visit_ImportFrom = visit_Import

    def _change(self, node: ast.AST) -> None:
        """Note that the object is changed that a chain such as a.b[c] starts from."""
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Call | ast.Starred):
            node = node.func if isinstance(node, ast.Call) else node.value
        if isinstance(node, ast.Name) and not any(node.id in names for names in self._inner):
            self._use(node.id)
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
        parts = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.Starred, ast.Tuple, ast.IfExp)
        if not isinstance(value, parts):
            return
        of = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
        for name in (n.id for n in ast.walk(target) if isinstance(n, ast.Name)):
            self.aliases[name] = self.aliases.get(name, set()) | of

    def visit_Subscript(self, node):
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            self._change(node)

    def visit_Attribute(self, node):
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            self._change(node)

    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute):
            if node.func.attr in _CHANGING:
                self._change(node.func)
            self.reads_everything |= node.func.attr == "provenance"  # of all that was read before
        elif isinstance(node.func, ast.Name):
            self.shows |= node.func.id in _SHOWING

    def _within(
        self, names: set[str], nodes: Sequence[ast.AST], *, is_late=False, is_deferred=True, is_within=True
    ) -> None:
        before = self._is_deferred, self._is_late, self._is_within
        self._inner.append(names)
        self._is_deferred |= is_deferred
        self._is_late |= is_late
        self._is_within |= is_within
        for node in nodes:
            self.visit(node)
        self._inner.pop()
        self._is_deferred, self._is_late, self._is_within = before

    def _function(self, node, body: Sequence[ast.AST], *, is_late: bool) -> None:
        arguments = node.args
        for default in (*arguments.defaults, *filter(None, arguments.kw_defaults)):
            self.visit(default)
        every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
        self._within({a.arg for a in every if a} | _own(body), body, is_late=is_late)

    def visit_Lambda(self, node):
        self._function(node, [node.body], is_late=False)  # called by whatever gets it, mostly at once

    def visit_FunctionDef(self, node):
        for decorator in node.decorator_list:
            self.visit(decorator)
        if not self._is_within:
            self.bound.add(node.name)
        self._function(node, node.body, is_late=True)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node):
        if not self._is_within:
            self.bound.add(node.name)
        self._within(_own(node.body), [*node.bases, *node.decorator_list, *node.body])

    def _comprehension(self, node):
        targets = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
        self.visit(node.generators[0].iter)
        rest = [g.iter for g in node.generators[1:]] + [c for g in node.generators for c in g.ifs]
        values = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._within(targets, rest + values, is_deferred=isinstance(node, ast.GeneratorExp), is_within=False)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension


def _own(body: Sequence[ast.AST]) -> set[str]:
    """Names that the body of a function binds, but for those of functions within it."""
    names, nodes = set(), list(body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, _SCOPES):
            names.add(node.name)
        elif not isinstance(node, (ast.Lambda, *_COMPREHENSIONS)):
            nodes += ast.iter_child_nodes(node)
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                names.add(node.id)
    return names


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

    def follow(self, node: ast.stmt, asked: frozenset[str]) -> tuple[Statement, frozenset[str]]:
        """Follow a statement that asked these queries; returns what it touches and all that it depends on."""
        touched = Statement()
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
