"""Small faults put into a source, one at a time: what `tests.mutation` runs the tests against. Only text in, code out.

Not changed: texts, annotations of functions, type aliases, and the flags of a class that say nothing of what it does.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
    ast.Pow: ast.Mult,
}  # fmt: skip
_REMOVED = (ast.Raise, ast.Return, ast.AugAssign, ast.Continue, ast.Break)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SILENT_FLAGS = frozenset(
    {"frozen", "gc", "repr", "compare"}
)  # of dataclasses and structs: speed, and what mypy looks at
_GONE = "nothing"

Replace: TypeAlias = Callable[[ast.AST], None]


@dataclass(frozen=True)
class Mutant:
    """One fault. lines: the first and last line of the code that must run for it to show, or None where that is the import."""

    number: int
    line: int
    lines: tuple[int, int] | None
    function: str  # with its class; empty at the top of a module
    before: str
    after: str


@dataclass(frozen=True)
class _Site:
    node: ast.AST
    around: ast.AST  # what is shown of it: a bare number says nothing
    lines: tuple[int, int] | None
    function: str
    after: ast.AST
    replace: Replace


def mutants_of(source: str) -> list[Mutant]:
    """All faults that can be put into a source, each by its number."""
    found = []
    for number, site in enumerate(_sites(ast.parse(source))):
        line = getattr(site.node, "lineno", 0)
        before, after = _text(site.around), _GONE
        if isinstance(site.around, ast.If):
            before = f"{before} {_text(site.node)}"
        if not isinstance(site.after, ast.Pass):
            site.replace(site.after)
            after = _text(site.after if site.around is site.node else site.around)
            site.replace(site.node)
        found.append(Mutant(number, line, site.lines, site.function, before, after))
    return found


def mutated(source: str, number: int) -> ast.Module:
    """The source with one of its faults."""
    tree = ast.parse(source)
    for at, site in enumerate(_sites(tree)):
        if at == number:
            site.replace(site.after)
            return ast.fix_missing_locations(tree)
    raise IndexError(number)


def _text(node: ast.AST) -> str:
    """On one line; of a statement that holds others, its head."""
    text = ast.unparse(node)
    return " ".join((text.partition("\n")[0] if getattr(node, "body", None) else text).split())


def _sites(tree: ast.Module) -> Iterator[_Site]:
    yield from _Walk().statements(tree, "body", "", None)


class _Walk:
    """Goes through a tree in the order of its text."""

    def statements(self, owner: ast.AST, field: str, function: str, lines: tuple[int, int] | None) -> Iterator[_Site]:
        body: list[ast.stmt] = getattr(owner, field)
        for at, statement in enumerate(body):
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue  # a docstring
            where = None if lines is None else _lines_of(statement)
            if _can_go(statement) and not _ends_all_the_same(owner, statement):
                alone = isinstance(owner, ast.If) and owner.body == [statement]
                yield _Site(statement, owner if alone else statement, where, function, ast.Pass(), _in_list(body, at))
            yield from self._statement(statement, function, where)

    def _statement(self, statement: ast.stmt, function: str, lines: tuple[int, int] | None) -> Iterator[_Site]:
        if isinstance(statement, (ast.Import, ast.ImportFrom)) or _is_alias(statement):
            return
        if isinstance(statement, _FUNCTIONS):
            yield from self._function(statement, function)
            return
        if isinstance(statement, ast.ClassDef):
            for keyword in statement.keywords:
                yield from self._keyword(keyword, keyword, statement.name, lines)
            name = f"{function}.{statement.name}" if function else statement.name
            yield from self.statements(statement, "body", name, lines)
            return
        if isinstance(statement, (ast.If, ast.While)):
            yield from self._condition(statement.test, function, lines, _in_field(statement, "test"))
        for field, value in ast.iter_fields(statement):
            if field == "annotation" and lines is not None:
                continue  # of a local name: never evaluated
            if isinstance(value, ast.expr):
                for site in self._expression(value, statement, function, lines, _in_field(statement, field)):
                    if field != "annotation" or not isinstance(site.node, ast.BinOp):  # a union of types
                        yield site
            elif isinstance(value, list):
                yield from self._parts(statement, field, value, function, lines)

    def _function(self, made: ast.FunctionDef | ast.AsyncFunctionDef, function: str) -> Iterator[_Site]:
        name = f"{function}.{made.name}" if function else made.name
        for defaults in (made.args.defaults, made.args.kw_defaults):
            for at, value in enumerate(defaults):
                if value is not None:
                    yield from self._expression(value, made.args, name, None, _in_list(defaults, at))
        yield from self.statements(made, "body", name, (0, 0))

    def _parts(
        self, owner: ast.AST, field: str, parts: list[ast.AST], function: str, lines: tuple[int, int] | None
    ) -> Iterator[_Site]:
        if parts and isinstance(parts[0], ast.stmt):
            yield from self.statements(owner, field, function, lines)
            return
        for at, part in enumerate(parts):
            if isinstance(part, ast.expr):
                yield from self._expression(part, owner, function, lines, _in_list(parts, at))
            elif isinstance(part, ast.keyword):
                yield from self._keyword(part, owner, function, lines)
            elif isinstance(part, ast.withitem):
                yield from self._expression(part.context_expr, owner, function, lines, _in_field(part, "context_expr"))
            elif isinstance(part, ast.ExceptHandler):
                yield from self.statements(part, "body", function, lines)
            elif isinstance(part, ast.comprehension):
                yield from self._expression(part.iter, owner, function, lines, _in_field(part, "iter"))
                for place, test in enumerate(part.ifs):
                    yield from self._condition(test, function, lines, _in_list(part.ifs, place))
                    yield from self._expression(test, owner, function, lines, _in_list(part.ifs, place))

    def _keyword(
        self, keyword: ast.keyword, around: ast.AST, function: str, lines: tuple[int, int] | None
    ) -> Iterator[_Site]:
        if keyword.arg not in _SILENT_FLAGS:
            yield from self._expression(keyword.value, around, function, lines, _in_field(keyword, "value"))

    def _expression(
        self, node: ast.expr, around: ast.AST, function: str, lines: tuple[int, int] | None, replace: Replace
    ) -> Iterator[_Site]:
        for after in _changes(node):
            yield _Site(node, around if isinstance(node, ast.Constant) else node, lines, function, after, replace)
        if isinstance(node, ast.JoinedStr):
            return
        for field, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                shown = around if isinstance(node, ast.UnaryOp) else node  # "-1" says no more than "1"
                yield from self._expression(value, shown, function, lines, _in_field(node, field))
            elif isinstance(value, list):
                yield from self._parts(node, field, value, function, lines)

    def _condition(
        self, test: ast.expr, function: str, lines: tuple[int, int] | None, replace: Replace
    ) -> Iterator[_Site]:
        if _is_plain(test):
            yield _Site(test, test, lines, function, ast.UnaryOp(ast.Not(), copy.deepcopy(test)), replace)


def _changes(node: ast.expr) -> Iterator[ast.expr]:
    """What an expression becomes by one fault in itself, its parts left alone."""
    after = copy.deepcopy(node)
    if isinstance(after, ast.Compare):
        for at, operator in enumerate(after.ops):
            one = copy.deepcopy(after)
            one.ops[at] = _COMPARISONS[type(operator)]()
            yield one
    elif isinstance(after, ast.BoolOp):
        after.op = ast.Or() if isinstance(after.op, ast.And) else ast.And()
        yield after
    elif isinstance(after, ast.BinOp) and type(after.op) in _ARITHMETIC:
        after.op = _ARITHMETIC[type(after.op)]()
        yield after
    elif isinstance(after, ast.UnaryOp) and isinstance(after.op, ast.Not):
        yield after.operand
    elif isinstance(after, ast.IfExp) and _is_plain(after.test):
        after.test = ast.UnaryOp(ast.Not(), after.test)
        yield after
    elif isinstance(after, ast.Constant):
        if isinstance(after.value, bool):
            after.value = not after.value
            yield after
        elif isinstance(after.value, (int, float)):
            after.value = after.value + 1
            yield after
        elif isinstance(after.value, bytes) and after.value:  # a label, or a separator
            after.value = after.value[:-1]
            yield after


def _is_plain(test: ast.expr) -> bool:
    """Whether a condition has no comparison or junction of its own, which are changed anyway."""
    return isinstance(test, (ast.Name, ast.Attribute, ast.Call, ast.Subscript))


def _can_go(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Call)
    return isinstance(statement, _REMOVED) and not (isinstance(statement, ast.Return) and statement.value is None)


def _ends_all_the_same(owner: ast.AST, statement: ast.stmt) -> bool:
    """Whether a function ends in this way without it too."""
    last = isinstance(owner, _FUNCTIONS) and owner.body[-1] is statement
    return last and isinstance(statement, ast.Return) and ast.unparse(statement) == "return None"


def _lines_of(statement: ast.stmt) -> tuple[int, int]:
    """The lines of a statement; of one that holds others, those of its head."""
    last = statement.end_lineno or statement.lineno
    body = getattr(statement, "body", None)
    if isinstance(body, list) and body:
        last = max(statement.lineno, body[0].lineno - 1)
    return statement.lineno, last


def _is_alias(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.AnnAssign) and ast.unparse(statement.annotation) == "TypeAlias"


def _in_list(items: list, at: int) -> Replace:  # type: ignore[type-arg]  # of whatever nodes
    def replace(node: ast.AST) -> None:
        items[at] = node

    return replace


def _in_field(owner: ast.AST, field: str) -> Replace:
    def replace(node: ast.AST) -> None:
        setattr(owner, field, node)

    return replace
