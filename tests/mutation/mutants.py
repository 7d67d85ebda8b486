"""Small changes to a module's source, each of which a test should notice."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from copy import deepcopy
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
_TALK = ("telemetry.fact", "recorder.telemetry.fact")
"""What is logged is for people: a test for each word would be worth nothing."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One changed module.

    Attributes:
        name: the same as long as the changed code is: module, function, change and, where that is
            not unique, a number.
        lines: the lines of the original that the change concerns.
    """

    module: str
    name: str
    lines: range
    source: str


def mutants_of(module: str, source: str, is_wanted: Callable[[str], bool]) -> Iterator[Mutant]:
    """The mutants of a module whose names are wanted, in the order of its source."""
    tree = ast.parse(source)
    seen: dict[str, int] = {}
    for place, (node, function) in enumerate(_nodes(tree)):
        for change in _changes(node):
            told = f"{module} {function}: {_text(node)} -> {_text(change)}"
            seen[told] = seen.get(told, 0) + 1
            name = told if seen[told] == 1 else f"{told} #{seen[told]}"
            if not is_wanted(name):
                continue
            changed = deepcopy(tree)
            _replace(changed, place, change)
            yield Mutant(
                module=module,
                name=name,
                lines=range(node.lineno, (node.end_lineno or node.lineno) + 1),
                source=ast.unparse(changed),
            )


Changed = ast.expr | ast.stmt


def _nodes(tree: ast.Module) -> Iterator[tuple[Changed, str]]:
    """Every expression and statement that may be changed, with the function it is in."""

    def walk(node: ast.AST, function: str) -> Iterator[tuple[Changed, str]]:
        decorators = getattr(node, "decorator_list", [])
        for child in ast.iter_child_nodes(node):
            if child in decorators:
                continue
            inner = function
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inner = f"{function}.{child.name}".lstrip(".")
            if isinstance(child, ast.expr | ast.stmt):
                if _is_talk(child):
                    continue
                yield child, inner
            yield from walk(child, inner)

    yield from walk(tree, "")


def _is_talk(node: ast.AST) -> bool:
    """A docstring, an annotation's import, a log line."""
    if not isinstance(node, ast.Expr):
        return isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr)
    value = node.value
    is_log = isinstance(value, ast.Call) and ast.unparse(value.func).endswith(_TALK)
    return is_log or isinstance(value, ast.Constant)


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
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield ast.Return(value=ast.Constant(value=None))
        case ast.If(body=body, orelse=orelse):
            for always in (True, False):
                yield ast.If(test=ast.Constant(value=always), body=body, orelse=orelse)
        case ast.Expr(value=ast.Call()):
            yield ast.Pass()


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _text(node: Changed) -> str:
    if isinstance(node, ast.If):
        return f"if {ast.unparse(node.test)}"
    return " ".join(ast.unparse(node).split())


def _replace(tree: ast.Module, place: int, change: Changed) -> None:
    """Put the change where the node of that number stands."""
    target = next(node for number, (node, _) in enumerate(_nodes(tree)) if number == place)
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, name, change)
            elif isinstance(value, list) and any(one is target for one in value):
                value[[one is target for one in value].index(True)] = change
    ast.fix_missing_locations(tree)
