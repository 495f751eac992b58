"""The examples of a page of the documentation, and how they are run.

Each page is one session in an empty directory. A block that starts with ``>>>`` is compared
line by line with its output; any other ``python`` block must just run.

A page that needs more than this package and its extras says what in its front matter:
``tested_with`` is a server of ``scripts/services.py``, ``clients`` for the environment of
`tests.clients`, ``gcs`` for that of `tests.clients.test_how_to`, ``icechunk`` for that of
`tests.clients.test_stores_of_clients`, or ``program`` for a page that starts processes, and so
must be the main program.
"""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

__all__ = ["PAGES", "ROOT", "blocks", "needs", "pages_with", "run", "script_of"]

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

BLOCK = re.compile(
    r"^(?P<indent> *)```(?:python|pycon)\b[^\n]*\n(?P<code>.*?)^(?P=indent)```",
    re.MULTILINE | re.DOTALL,
)
NEEDS = re.compile(r"\A---\n(?:.*\n)*?tested_with: (?P<what>.+)\n(?:.*\n)*?---\n")
# How well data compress differs a little from one release of a compressor to the next.
STORED = re.compile(r"^((?:No\. bytes stored|Storage ratio)\s*: ).*$", re.MULTILINE)


class Block(NamedTuple):
    """A piece of Python in a page and the number of the line before it."""

    code: str
    line: int


def needs(page: Path) -> str | None:
    """Return what the examples of `page` need besides this package."""
    found = NEEDS.match(page.read_text(encoding="utf-8"))
    return found and found["what"]


def pages_with(*what: str | None) -> list[Path]:
    """Return the pages whose examples need one of `what`."""
    return [page for page in PAGES if needs(page) in what]


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        indent = match["indent"]
        code = re.sub(rf"^{indent}", "", match["code"], flags=re.MULTILINE)
        yield Block(code, text.count("\n", 0, match.start("code")))


def run(page: Path) -> dict[str, Any]:
    """Run the examples of `page` in the working directory and return the names that they made."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page):
        run_block = run_session if block.code.lstrip().startswith(">>>") else run_script
        run_block(block, namespace, page)
    return namespace


def script_of(page: Path) -> str:
    """Return the examples of `page`, none of which shows output, as a program.

    Line numbers in a traceback are those of the page.
    """
    lines: list[str] = []
    for block in blocks(page):
        assert ">>>" not in block.code, f"{page}: a program cannot compare output"
        lines += [""] * (block.line - len(lines))
        lines += block.code.splitlines()
    return "\n".join(lines)


class _Checker(doctest.OutputChecker):
    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        # An empty last line cannot be written in a page without a special word.
        want, got = (STORED.sub(r"\1", text).rstrip() + "\n" for text in (want, got))
        return super().check_output(want, got, optionflags)


def run_session(block: Block, namespace: dict[str, object], page: Path) -> None:
    example = doctest.DocTestParser().get_doctest(
        block.code, namespace, page.name, str(page), block.line
    )
    example.globs = namespace  # the parser copies it, but later blocks need the names
    report: list[str] = []
    runner = doctest.DocTestRunner(checker=_Checker(), verbose=False)
    runner.run(example, out=report.append, clear_globs=False)
    if report:
        pytest.fail("".join(report), pytrace=False)


def run_script(block: Block, namespace: dict[str, object], page: Path) -> None:
    # The newlines make line numbers in a traceback those of the page.
    exec(compile("\n" * block.line + block.code, page, "exec"), namespace)
