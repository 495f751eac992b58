"""Hierarchies that `zarr.convert` has converted are read by the peers as they were before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import zarr
from tests.convenience.test_convert import hierarchy, native  # noqa: F401  a fixture
from tests.interop import v3_cases
from tests.interop.test_v3_interop import run_worker

pytestmark = [pytest.mark.slow, pytest.mark.interop]

NUMBERS = {
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "complex64", "complex128",
}  # fmt: skip
COMMON_CODECS = {"bytes", "transpose", "blosc", "gzip", "zstd", "crc32c"}


def put(store: dict[str, bytes], folder: Path) -> None:
    for key, value in store.items():
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(value)


def arrays(store: Any) -> dict[str, dict[str, Any]]:
    """Return what is in each array, by path."""
    found: dict[str, dict[str, Any]] = {}

    def note(path: str, node: Any) -> None:
        if isinstance(node, zarr.Array) and node.fill_value is not None:
            found[path] = v3_cases.describe(node[...])

    zarr.open_group(store, mode="r").visititems(note)
    return found


def is_known(peer: str, document: dict[str, Any]) -> bool:
    """Tell whether a peer has all that is in the document of an array."""
    if peer == "zarr3":
        return True
    codecs = {codec["name"] for codec in document["codecs"]}
    number = isinstance(document["data_type"], str) and document["data_type"] in NUMBERS
    # See `v3_cases`: big-endian complex numbers are scrambled.
    scrambled = peer == "zarrs" and "complex" in str(document["data_type"])
    return number and codecs <= COMMON_CODECS and not scrambled


@pytest.mark.parametrize(("peer", "fewest"), [("zarr3", 130), ("tensorstore", 85), ("zarrs", 75)])
def test_converted_to_version_3(
    hierarchy: dict[str, bytes],  # noqa: F811
    peer: str,
    fewest: int,
    tmp_path: Path,
) -> None:
    expected = arrays(hierarchy)
    put(hierarchy, tmp_path / "g")
    zarr.convert(str(tmp_path / "g"), 3)
    documents = {
        path: json.loads((tmp_path / "g" / path / "zarr.json").read_text()) for path in expected
    }
    known = [path for path in expected if is_known(peer, documents[path])]
    found = run_worker(peer, tmp_path, [("read", "g", known)])[f"{peer} read g"]
    assert found == {path: expected[path] for path in known}
    assert len(known) >= fewest
    print(f"{peer} reads {len(known)} of {len(expected)} converted arrays")


@pytest.mark.parametrize("peer", ["zarr2", "zarr3"])
def test_converted_to_version_2(peer: str, tmp_path: Path) -> None:
    store = native()
    expected = arrays(store)
    if peer == "zarr2":
        del expected["checked"]  # its environment lacks what numcodecs needs for CRC-32C
    put(store, tmp_path / "g")
    zarr.convert(str(tmp_path / "g"), 2, rewrite_chunks=True)
    found = run_worker(peer, tmp_path, [("read", "g", list(expected))])[f"{peer} read g"]
    assert found == expected
