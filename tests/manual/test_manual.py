"""The examples of the manual, chapter by chapter, give the manual's output.

Where NumPy prints its own values otherwise today than when the manual was written, the
transcripts have what NumPy 2.2 and later print. Slips of the manual are corrected: arrays of
10,000 by 10,000 items are made of 100,000,000, ``all(...)`` of two dimensions is
``np.all(...)``, and no array is created where another one is. The package ``bsddb3`` is
called ``berkeleydb`` today. ``python -m tests.manual.chapters --manual FILE`` lists all of
this, given the manual's text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

import zarr
from tests.manual import chapters

SLOW = {
    "2.03-persistent-arrays",
    "2.05-compressors",
    "2.05-compressors-lzma",
    "2.15.3-empty-chunks",
    "2.15.4-changing-chunk-shapes",
    "3.1-creation-open-array",
}
"""Transcripts that need more than a few seconds or a gigabyte."""

TRANSCRIPTS = [
    pytest.param(t, id=t.name, marks=[pytest.mark.slow] if t.name in SLOW else [])
    for t in chapters.transcripts(chapters.HERE)
]


@pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.2.0", reason="NumPy printed its values otherwise"
)
@pytest.mark.filterwarnings("ignore:Duplicate name")  # which the manual speaks of
@pytest.mark.parametrize("transcript", TRANSCRIPTS)
@pytest.mark.usefixtures("in_tmp_path")
def test_transcript(
    transcript: chapters.Transcript,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    monkeypatch.setattr(zarr.storage, "default_compressor", zarr.storage.default_compressor)
    state = np.random.get_state()  # noqa: NPY002  the manual's examples seed it
    try:
        record_property(f"manual {transcript.chapter}", transcript.check())
    finally:
        np.random.set_state(state)  # noqa: NPY002


def test_every_example_of_the_manual_is_run_or_skipped_with_a_reason() -> None:
    counts: Counter[str] = Counter()
    for transcript in chapters.transcripts():
        counts[transcript.chapter] += len(transcript.sources)
    for chapter, skipped in chapters.SKIPPED.items():
        counts[chapter] += len(skipped)
        assert all(reason for _, reason in skipped)
    assert {chapter: counts[chapter] for chapter in chapters.EXAMPLES} == chapters.EXAMPLES
    assert counts.keys() <= chapters.EXAMPLES.keys()
    assert sum(map(len, chapters.SKIPPED.values())) <= 10
