"""Compiles every module under a folder: `python compile_tree.py FOLDER`, on any Python.

The files are unchecked hash files: Python then ignores the modification times of sources, which a
reproducible zip does not have. Docstrings are left out, as no function reads them: they take 2 % of
its memory. Python's own option for that, `-OO`, leaves out the assertions of libraries, too.
https://peps.python.org/pep-0552/
"""

import ast
import importlib.util
import marshal
import sys
from pathlib import Path

_UNCHECKED_HASH = 0b01
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_STATEMENTS = ("body", "orelse", "handlers", "finalbody", "cases")


def compile_tree(folder: Path) -> None:
    """Write the bytecode of each module beside it; SyntaxError if a module is not Python."""
    for path in sorted(folder.rglob("*.py")):
        source = path.read_bytes()
        # Tracebacks show the name: relative, so that it is the same on every machine.
        name = path.relative_to(folder).as_posix()
        tree = _without_docstrings(ast.parse(source, name))
        code = compile(tree, name, "exec", dont_inherit=True, optimize=0)
        bytecode = Path(importlib.util.cache_from_source(str(path)))
        bytecode.parent.mkdir(exist_ok=True)
        bytecode.write_bytes(
            importlib.util.MAGIC_NUMBER
            + _UNCHECKED_HASH.to_bytes(4, "little")
            + importlib.util.source_hash(source)
            + marshal.dumps(code)
        )


def _without_docstrings(tree: ast.Module) -> ast.Module:
    blocks: list[ast.AST] = [tree]
    while blocks:
        block = blocks.pop()
        if isinstance(block, _DOCUMENTED) and ast.get_docstring(block, clean=False) is not None:
            block.body = block.body[1:] or [ast.copy_location(ast.Pass(), block.body[0])]
        # Only statements: expressions, which are most of a tree, have no docstrings.
        blocks += (one for part in _STATEMENTS for one in getattr(block, part, ()))
    return tree


if __name__ == "__main__":
    compile_tree(Path(sys.argv[1]))
