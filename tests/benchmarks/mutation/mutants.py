"""Small changes to a module's source, each of which a test should notice."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_OTHER_COMPARISON: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OTHER_OPERATION: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
}
_TALK = ("telemetry.log", "telemetry.failed")
"""What is logged is for people: a test for each word would be worth nothing."""
_NOT_CHANGED = frozenset({"decorator_list", "annotation", "returns"})


Changed = ast.expr | ast.stmt


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One changed module.

    Attributes:
        name: the same as long as the changed code is: module, function, change and, where that is
            not unique, a number.
        function: the outermost one around the change, with its class; empty outside of functions.
        lines: from the start of the changed statement to the end of the change, in the original.
    """

    module: str
    name: str
    function: str
    lines: range
    source: str


@dataclass(frozen=True, kw_only=True)
class _Spot:
    """A place in a tree: a field of `parent`, or one element of it."""

    parent: ast.AST
    field: str
    index: int | None
    node: Changed
    scope: str
    function: str
    first_line: int

    def put(self, node: Changed) -> None:
        """Replace what is there."""
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def mutants_of(module: str, source: str, is_wanted: Callable[[str], bool]) -> Iterator[Mutant]:
    """The mutants of a module whose names are wanted, in the order of its source."""
    tree = ast.parse(source)
    seen: Counter[str] = Counter()
    for spot in list(_spots(tree)):
        node = spot.node
        last = node.test if isinstance(node, ast.If) else node
        for change in _changes(node):
            text = f"{module} {spot.scope}: {_text(node)} -> {_text(change)}"
            seen[text] += 1
            name = text if seen[text] == 1 else f"{text} #{seen[text]}"
            if not is_wanted(name):
                continue
            spot.put(ast.fix_missing_locations(ast.copy_location(change, node)))
            changed = ast.unparse(tree)
            spot.put(node)
            yield Mutant(
                module=module,
                name=name,
                function=spot.function,
                lines=range(spot.first_line, (last.end_lineno or last.lineno) + 1),
                source=changed,
            )


def _spots(
    parent: ast.AST, scope: str = "", function: str = "", first_line: int = 0
) -> Iterator[_Spot]:
    """Every expression and statement that may be changed."""
    for field, index, child in _children(parent):
        inner, outermost, line = scope, function, first_line
        if isinstance(child, ast.stmt):
            line = child.lineno
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            inner = f"{scope}.{child.name}".lstrip(".")
            if isinstance(child, ast.FunctionDef):
                outermost = function or inner
        if isinstance(child, ast.expr | ast.stmt):
            if _is_left_alone(child):
                continue
            yield _Spot(
                parent=parent, field=field, index=index, node=child,
                scope=inner, function=outermost, first_line=line,
            )  # fmt: skip
        yield from _spots(child, inner, outermost, line)


def _children(parent: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    for field, value in ast.iter_fields(parent):
        if field in _NOT_CHANGED:
            continue
        if isinstance(value, ast.AST):
            yield field, None, value
        elif isinstance(value, list):
            for index, one in enumerate(value):
                if isinstance(one, ast.AST):
                    yield field, index, one


def _is_left_alone(node: Changed) -> bool:
    """A docstring, a log line, an f-string, or what only type checkers read."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.JoinedStr() | ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Expr(value=ast.Call(func=func)):
            return ast.unparse(func).endswith(_TALK)
    return False


def _changes(node: Changed) -> Iterator[Changed]:
    for kind in (_decisions, _values, _statements):
        yield from kind(node)


def _decisions(node: Changed) -> Iterator[Changed]:
    match node:
        case ast.Compare(left=left, ops=[op], comparators=comparators):
            other = _OTHER_COMPARISON[type(op)]()
            yield ast.Compare(left=left, ops=[other], comparators=comparators)
        case ast.BoolOp(op=op, values=values):
            other_op = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield ast.BoolOp(op=other_op, values=values)
            for value in values:
                rest = [one for one in values if one is not value]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op=op, values=rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.IfExp(body=body, orelse=orelse):
            yield body
            yield orelse


def _values(node: Changed) -> Iterator[Changed]:
    match node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OTHER_OPERATION:
            yield ast.BinOp(left=left, op=_OTHER_OPERATION[type(op)](), right=right)
        case ast.Constant(value=bool() as value):
            yield ast.Constant(value=not value)
        case ast.Constant(value=int() as value):
            yield ast.Constant(value=2 * value + 1)
        case ast.Call(func=func, args=args, keywords=keywords):
            for keyword in keywords:
                if keyword.arg is not None:
                    rest = [one for one in keywords if one is not keyword]
                    yield ast.Call(func=func, args=args, keywords=rest)


def _statements(node: Changed) -> Iterator[Changed]:
    match node:
        case ast.Return(value=ast.expr() as value) if not _is_false(value):
            yield ast.Return(value=ast.Constant(value=None))
        case ast.If(body=body, orelse=orelse):
            for always in (True, False):
                yield ast.If(test=ast.Constant(value=always), body=body, orelse=orelse)
        case ast.Expr(value=ast.Call()):
            yield ast.Pass()


def _is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and not value.value


def _text(node: Changed) -> str:
    if isinstance(node, ast.If):
        return f"if {ast.unparse(node.test)}"
    return " ".join(ast.unparse(node).split())
