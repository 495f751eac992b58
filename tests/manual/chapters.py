"""The examples of the manual, chapter by chapter: how many there are, run and skipped.

    python -m tests.manual.chapters                # run all of them, print the table
    python -m tests.manual.chapters --manual FILE  # compare them with the manual's text

Transcripts are the ``.txt`` files beside this module and, of examples that talk to a server,
in ``tests/remote/``: what is typed and what is printed. A line that ends in ``# added`` is
not in the manual; it prepares what the manual takes for granted, or shows more of it.
"""

from __future__ import annotations

import argparse
import difflib
import doctest
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import pytest

__all__ = ["EXAMPLES", "SKIPPED", "Checker", "Transcript", "run_counts", "transcripts"]

HERE = Path(__file__).parent
FOLDERS = (HERE, HERE.parent / "remote")
ADDED = "# added"

EXAMPLES = {
    "2.1": 3, "2.2": 9, "2.3": 9, "2.4": 10, "2.5": 25, "2.6": 6, "2.7": 16, "2.8": 11,
    "2.9": 11, "2.10": 71, "2.11": 80, "2.12": 31, "2.13": 28, "2.14": 20, "2.15": 28,
    "2.16": 5, "2.17": 14, "2.18": 6, "2.19": 6, "3.1": 39, "3.2": 190, "3.3": 136,
    "3.4": 117, "3.5": 9, "3.6": 129, "3.7": 3, "3.8": 0, "3.9": 0, "3.10": 93,
}  # fmt: skip
"""How many examples each chapter of the manual of 2.17.2 has: statements after a prompt."""

SKIPPED: dict[str, list[tuple[str, str]]] = {}
"""By chapter, the examples that cannot run, each with the reason. At most ten in all."""


class Checker(doctest.OutputChecker):
    """Compares output to the letter, but for sizes that depend on the release of a codec."""

    _SIZES = re.compile(r"^(No\. bytes stored|Storage ratio)( *: ).*$", re.MULTILINE)

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        got = got.expandtabs()  # as the parser does to what is wanted
        want, got = (self._SIZES.sub(r"\1\2...", text) for text in (want, got))
        return super().check_output(want, got, optionflags)


@dataclass(frozen=True)
class Transcript:
    """One file of examples, in the order in which they are typed."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def chapter(self) -> str:
        first, second = re.match(r"(\d+)\.0?(\d+)", self.name).groups()  # type: ignore[union-attr]
        return f"{first}.{second}"

    @cached_property
    def doctest(self) -> doctest.DocTest:
        text = self.path.read_text(encoding="utf-8")
        return doctest.DocTestParser().get_doctest(text, {}, self.name, self.name, 0)

    @property
    def sources(self) -> list[str]:
        """The examples that the manual has."""
        sources = (example.source.rstrip() for example in self.doctest.examples)
        return [source for source in sources if not source.endswith(ADDED)]

    def check(self, names: Mapping[str, object] = MappingProxyType({})) -> int:
        """Run it, fail with a report unless all is as printed; return how many were run."""
        report: list[str] = []
        self.doctest.globs.update(names, __name__="__main__")
        runner = doctest.DocTestRunner(Checker(), verbose=False)
        results = runner.run(self.doctest, out=report.append)
        assert not results.failed, "".join(report)
        assert results.attempted == len(self.doctest.examples)
        return len(self.sources)


def transcripts(*folders: Path) -> list[Transcript]:
    """Return the transcripts in `folders`, by default in all that have some."""
    paths = (path for folder in folders or FOLDERS for path in sorted(folder.glob("*.txt")))
    return [Transcript(path) for path in paths]


# -- the table -------------------------------------------------------------------------


class _Counts:
    """What pytest tells us of each transcript that has run."""

    def __init__(self) -> None:
        self.passed: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            for name, value in report.user_properties:
                if name.startswith("manual "):
                    self.passed[name.removeprefix("manual ")] += int(str(value))


def run_counts() -> Counter[str]:
    """Run all transcripts; return how many examples of each chapter print what they should."""
    counts = _Counts()
    tests = [str(folder) for folder in FOLDERS]
    options = ["-q", "-q", "--no-header", "-k", "test_transcript", "-p", "no:cacheprovider"]
    pytest.main([*tests, *options], plugins=[counts])
    return counts.passed


def table(passed: Counter[str]) -> Iterator[str]:
    """Yield one line for each chapter, and one for all."""
    row = "{:>8}{:>10}{:>6}{:>9}".format
    yield row("chapter", "examples", "run", "skipped")
    for chapter, count in EXAMPLES.items():
        skipped = SKIPPED.get(chapter, [])
        lacking = count - passed[chapter] - len(skipped)
        note = f"  {lacking} without the output of the manual" if lacking else ""
        yield row(chapter, count, passed[chapter], len(skipped)) + note
        yield from (f"{'':10}skipped, {reason}: {source}" for source, reason in skipped)
    skipped = sum(map(len, SKIPPED.values()))
    yield row("all", sum(EXAMPLES.values()), passed.total(), skipped)


# -- the text of the manual ------------------------------------------------------------


def examples_of(manual: str) -> dict[str, list[str]]:
    """Return the examples of each chapter of the manual's text."""
    found: dict[str, list[str]] = {}
    chapter, is_open = "", False
    for line in manual.splitlines():
        if heading := re.match(r"#+ *(\d+\.\d+)", line):
            chapter = heading[1]
            found.setdefault(chapter, [])
        prompt = re.match(r"\s*(>>>|\.\.\.)(?: (.*))?$", line)
        if prompt is None:
            # The end of a page can be in the middle of a statement.
            is_open = is_open and not re.sub(r"```.*|\(continue.*", "", line).strip()
            continue
        mark, code = prompt[1], prompt[2] or ""
        # In chapter 3.10 lines that continue a statement have the wrong prompt.
        if mark == ">>>" and code.strip() and not code.startswith("   "):
            found[chapter].append(code)
            is_open = True
        elif code.strip() and (is_open or mark == ">>>"):
            found[chapter][-1] += f"\n{code}"
    return {c: [e for e in examples if _essence(e)] for c, examples in found.items()}


def _essence(source: str) -> str:
    """Return a statement without comments, spaces and the kind of its quotes."""
    return re.sub(r"(^|\s)#.*|\s", "", source.replace("'", '"'), flags=re.MULTILINE)


def compare(manual: str) -> Iterator[str]:
    """Yield how the transcripts differ from the text of the manual."""
    for chapter, examples in examples_of(manual).items():
        if len(examples) != EXAMPLES.get(chapter, 0):
            yield f"{chapter}: {len(examples)} examples, not {EXAMPLES.get(chapter, 0)}"
        ours = [s for t in transcripts() if t.chapter == chapter for s in t.sources]
        typed = Counter(map(_essence, ours))
        corrected = []
        for example in examples:
            if typed[_essence(example)]:
                typed[_essence(example)] -= 1
            else:
                corrected.append(_essence(example))
        remaining = list(typed.elements())
        for example in corrected:
            nearest = difflib.get_close_matches(example, remaining, 1, 0)
            yield f"{chapter}: {example}\n   as: {nearest[0] if nearest else '(missing)'}"
            if nearest:
                remaining.remove(nearest[0])
        yield from (f"{chapter}: not in the manual: {example}" for example in remaining)


def main() -> None:
    """Print the table, or how the transcripts differ from the manual's text."""
    parser = argparse.ArgumentParser(description="Run the examples of the manual and count.")
    parser.add_argument("--manual", type=Path, metavar="FILE", help="compare with this text")
    manual = parser.parse_args().manual
    if manual is not None:
        print("\n".join(compare(manual.read_text(encoding="utf-8"))))
        return
    passed = run_counts()
    print("\n".join(("", *table(passed))))
    skipped = sum(map(len, SKIPPED.values()))
    if passed.total() + skipped != sum(EXAMPLES.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
