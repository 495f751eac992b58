"""Every example in the README and the documentation runs and prints what the page shows.

Each page is one session in an empty directory. A block that starts with ``>>>`` is compared
line by line with its output; any other ``python`` block must just run.
"""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

BLOCK = re.compile(
    r"^(?P<indent> *)```(?:python|pycon)\b[^\n]*\n(?P<code>.*?)^(?P=indent)```",
    re.MULTILINE | re.DOTALL,
)
# How well data compress differs a little from one release of a compressor to the next.
STORED = re.compile(r"^((?:No\. bytes stored|Storage ratio)\s*: ).*$", re.MULTILINE)


class Block(NamedTuple):
    """A piece of Python in a page and the number of the line before it."""

    code: str
    line: int


class _Checker(doctest.OutputChecker):
    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        # An empty last line cannot be written in a page without a special word.
        want, got = (STORED.sub(r"\1", text).rstrip() + "\n" for text in (want, got))
        return super().check_output(want, got, optionflags)


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        indent = match["indent"]
        code = re.sub(rf"^{indent}", "", match["code"], flags=re.MULTILINE)
        yield Block(code, text.count("\n", 0, match.start("code")))


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_print_what_the_page_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page):
        run = run_session if block.code.lstrip().startswith(">>>") else run_script
        run(block, namespace, page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_make_targets_that_a_page_names_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))

    assert named <= targets


def test_there_is_something_to_run() -> None:
    counts = {page.name: sum(1 for _ in blocks(page)) for page in PAGES}

    assert counts["README.md"] >= 1
    assert counts["tutorial.md"] >= 40
