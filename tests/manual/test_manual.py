"""The examples of the manual, chapter by chapter, give the manual's output.

Each ``.txt`` file is a transcript of one chapter: what is typed and what is printed. Where
NumPy prints its own values otherwise today than when the manual was written, the transcript
has what NumPy 2.2 and later print. Slips of the manual are corrected: arrays of 10,000 by
10,000 items are made of 100,000,000, and ``all(...)`` of two dimensions is ``np.all(...)``.
"""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import numpy as np
import pytest

import zarr

HERE = Path(__file__).parent
TRANSCRIPTS = sorted(path.stem for path in HERE.glob("*.txt"))

SLOW = {
    "2.03-persistent-arrays",
    "2.05-compressors",
    "2.05-compressors-lzma",
    "2.15.3-empty-chunks",
    "2.15.4-changing-chunk-shapes",
    "3.1-creation-open-array",
}
"""Transcripts that need more than a few seconds or a gigabyte."""

CHAPTERS = [
    "2.01", "2.02", "2.03", "2.04", "2.05", "2.06", "2.07", "2.08", "2.09", "2.10", "2.11",
    "2.12", "2.13", "2.14", "2.15", "2.16", "2.17", "2.18", "2.19", "3.1", "3.2", "3.3", "3.4",
    "3.5", "3.6", "3.7",
]  # fmt: skip

pytestmark = pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.2.0", reason="NumPy printed its values otherwise"
)


class Checker(doctest.OutputChecker):
    """Compares output to the letter, but for sizes that depend on the release of a codec."""

    _SIZES = re.compile(r"^(No\. bytes stored|Storage ratio)( *: ).*$", re.MULTILINE)

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        got = got.expandtabs()  # as the parser does to what is wanted
        want, got = (self._SIZES.sub(r"\1\2...", text) for text in (want, got))
        return super().check_output(want, got, optionflags)


def parse(name: str) -> doctest.DocTest:
    text = (HERE / f"{name}.txt").read_text(encoding="utf-8")
    return doctest.DocTestParser().get_doctest(text, {"__name__": "__main__"}, name, name, 0)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in TRANSCRIPTS],
)
@pytest.mark.usefixtures("in_tmp_path")
def test_transcript(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zarr.storage, "default_compressor", zarr.storage.default_compressor)
    state = np.random.get_state()  # noqa: NPY002  the manual's examples seed it
    report: list[str] = []
    example = parse(name)
    results = doctest.DocTestRunner(Checker(), verbose=False).run(example, out=report.append)
    np.random.set_state(state)  # noqa: NPY002
    print(f"{name}: {results.attempted} examples")
    assert not results.failed, "".join(report)
    assert results.attempted == len(example.examples)


def test_every_chapter_is_there() -> None:
    counts = dict.fromkeys(CHAPTERS, 0)
    for name in TRANSCRIPTS:
        chapter = re.match(r"\d+\.\d+", name)
        assert chapter is not None
        counts[chapter[0]] += len(parse(name).examples)
    for chapter, count in counts.items():
        print(f"chapter {chapter}: {count} examples")
    assert all(counts.values())
    assert sum(counts.values()) >= 400
