"""Chunks that single codecs encode here are decoded by those of zarr-python 3, and the reverse."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.interop import codec_methods_worker, peers

pytestmark = [pytest.mark.slow, pytest.mark.interop]

CASES = list(codec_methods_worker.CASES)
SAME_BYTES = [
    name
    for name in CASES
    # Of compressed data, the libraries that compress decide; of shards, the order of chunks.
    if name not in ("gzip", "zstd", "numcodecs zlib", "sharding", "sharding blosc")
]


def answers(library: str, others: dict[str, str]) -> dict[str, Any]:
    python, environment = peers.python_for(library)
    done = subprocess.run(
        [python, str(Path(codec_methods_worker.__file__))],
        input=json.dumps(others),
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def encoded(found: dict[str, Any]) -> dict[str, str]:
    return {name: case["encoded"] for name, case in found.items()}


@pytest.fixture(scope="module")
def found() -> tuple[dict[str, Any], dict[str, Any]]:
    """What this package and zarr-python say, each having decoded what the other has encoded."""
    first = answers(peers.OURS, {})
    theirs = answers("newest", encoded(first))
    return answers(peers.OURS, encoded(theirs)), theirs


@pytest.mark.parametrize("name", CASES)
def test_each_decodes_what_the_other_has_encoded(
    found: tuple[dict[str, Any], dict[str, Any]], name: str
) -> None:
    ours, theirs = found

    assert ours[name]["decoded"] == theirs[name]["decoded"]
    assert ours[name]["none"] is theirs[name]["none"] is None
    for said in ("resolved", "fixed", "size"):
        assert ours[name].get(said) == theirs[name].get(said)


@pytest.mark.parametrize("name", SAME_BYTES)
def test_both_encode_to_the_same_bytes(
    found: tuple[dict[str, Any], dict[str, Any]], name: str
) -> None:
    ours, theirs = found

    assert ours[name]["encoded"] == theirs[name]["encoded"]
