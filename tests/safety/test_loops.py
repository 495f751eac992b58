"""Loops under locks: where Python leaves a block in which it was interrupted."""

from __future__ import annotations

import ast
import dis
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

import zarr

ROOT = Path(zarr.__file__).parent
MODULES = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py"))

# Other context managers hold nothing that anybody waits for.
HOLDS = re.compile("lock|guard|registry|alone|slots|gate|turn", re.IGNORECASE)

Span = tuple[int, int]


def protected(tree: ast.AST) -> dict[tuple[str, int], list[Span]]:
    """Return the lines, by function, that are under a lock or before a ``finally``."""
    found: dict[tuple[str, int], list[Span]] = {}

    def visit(node: ast.AST, function: Any) -> None:
        if isinstance(node, ast.FunctionDef):
            function = node
        elif isinstance(node, ast.Lambda | ast.GeneratorExp | ast.AsyncFunctionDef):
            function = None
        body: list[Any] = []
        if isinstance(node, ast.With):
            contexts = [ast.unparse(item.context_expr) for item in node.items]
            body = node.body if HOLDS.search(" ".join(contexts)) else []
        elif isinstance(node, ast.Try):
            kinds = [each.type and ast.unparse(each.type) for each in node.handlers]
            body = node.body if node.finalbody or {None, "BaseException"} & set(kinds) else []
        if function is not None and body:
            first = min([function.lineno, *[each.lineno for each in function.decorator_list]])
            span = body[0].lineno, body[-1].end_lineno
            found.setdefault((function.name, first), []).append(span)
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(tree, None)
    return found


def codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


@pytest.mark.parametrize("module", MODULES)
def test_no_loop_jumps_out_of_a_protected_block(module: str) -> None:
    # From Python 3.12 on, the jump to the beginning of a loop can be outside of the `with` or
    # `try` around the loop, and a signal that comes just then leaves the block without its end.
    # Loops in functions of their own, and those of C, are safe.
    source = (ROOT / module).read_text()
    spans = protected(ast.parse(source))
    wrong = set()
    for code in codes(compile(source, module, "exec")):
        covered = list(dis._parse_exception_table(code))  # type: ignore[attr-defined]
        for begin, end in spans.get((code.co_name, code.co_firstlineno), ()):
            for instruction in dis.get_instructions(code):
                line = instruction.positions.lineno if instruction.positions else None
                if instruction.opname != "JUMP_BACKWARD" or line is None:
                    continue
                at = instruction.offset
                if begin <= line <= end and not any(e.start <= at < e.end for e in covered):
                    wrong.add(f"{code.co_name}, line {line}")
    assert wrong == set()
