"""Small stores by eleven other writers: read bit for bit, and converted without loss."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import fasteners  # type: ignore[import-untyped]
import numpy as np
import pytest

import zarr
from tests.interop import peers
from tests.interop.wild_writers import WRITERS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.interop,
    # Some of the names begin so.
    pytest.mark.filterwarnings("ignore:.*reserves names that begin with '__':UserWarning"),
]

PACKAGES = ("zarrita@0.7.5", "@zarrita/storage@0.2.0", "zarr@0.6.3")
BY_JAVASCRIPT = {
    "zarrita": {"plain": "<i4", "transposed": "<i4"},
    "zarr.js": {"a": "<f4"},
}
WITHOUT_GROUP = ("zarrs", "tensorstore", "xarray", "zarr.js")
"""They are told to write arrays, or several groups side by side."""

SOURCE = Path(__file__).with_name("wild_writers.py")


@pytest.fixture(scope="session")
def folder(exchange_folder: Path) -> Path:
    """The folder of all stores, written once, one environment after the other."""
    stores = exchange_folder / "wild"
    with fasteners.InterProcessLock(exchange_folder / "wild.lock"):
        if not (stores / "done").exists():
            shutil.rmtree(stores, ignore_errors=True)
            stores.mkdir()
            for environment in dict.fromkeys(name for name, _ in WRITERS.values()):
                names = [name for name, (where, _) in WRITERS.items() if where == environment]
                python, variables = peers.python_for(environment)
                run([python, str(SOURCE), str(stores), *names], variables)
            program = SOURCE.with_suffix(".mjs")
            packages = peers.npm_folder("javascript", PACKAGES, program)
            run(["node", str(packages / program.name), str(stores)], dict(os.environ))
            (stores / "done").touch()
    return stores


def run(command: list[str], variables: dict[str, str]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=variables, check=False
    )
    assert done.returncode == 0, done.stderr


def expected(folder: Path, writer: str) -> dict[str, np.ndarray[Any, Any]]:
    if writer in BY_JAVASCRIPT:
        items = np.arange(20).reshape(5, 4)
        return {path: items.astype(dtype) for path, dtype in BY_JAVASCRIPT[writer].items()}
    with np.load(folder / f"{writer}.npz") as found:
        return {name.replace("|", "/"): found[name] for name in found}


def opened(store: Any, path: str) -> zarr.Array:
    # Some writers make arrays, but no group around them.
    return zarr.open_array(store, mode="r", path=path)


def assert_equal(found: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any], path: str) -> None:
    """Compare dtype and bits; in version 3, dtypes have no byte order of their own."""
    if found.dtype.kind == "O":
        assert found.tolist() == wanted.tolist(), path
    elif found.dtype.isbuiltin == 2:
        assert found.astype(wanted.dtype).tobytes() == wanted.tobytes(), path
    else:
        if wanted.dtype.kind in "iu" and path.endswith("time"):
            found = found.astype(wanted.dtype)  # their choice of a type
        assert found.dtype == wanted.dtype, path
        assert found.shape == wanted.shape, path
        assert found.tobytes() == wanted.tobytes(), path


@pytest.mark.parametrize("writer", [*WRITERS, *BY_JAVASCRIPT])
def test_read_bit_for_bit(folder: Path, writer: str) -> None:
    store = str(folder / f"{writer}.zarr")
    arrays = expected(folder, writer)
    assert arrays
    for path, wanted in arrays.items():
        assert_equal(opened(store, path)[...], wanted, path)


@pytest.mark.parametrize("writer", [*WRITERS, *BY_JAVASCRIPT])
def test_every_member_is_seen(folder: Path, writer: str) -> None:
    """What a group lists is what lies in its folder; consolidated metadata say the same."""
    path = folder / f"{writer}.zarr"
    documents = {"zarr.json", ".zarray", ".zgroup"}
    nodes = {
        str(file.parent.relative_to(path)) for file in path.rglob("*") if file.name in documents
    }
    assert ("." in nodes) == (writer not in WITHOUT_GROUP)
    if writer in WITHOUT_GROUP:
        return
    root = zarr.open_group(str(path), mode="r")
    seen: list[str] = []
    root.visit(seen.append)
    assert set(seen) == nodes - {"."}
    try:
        copies = zarr.open_consolidated(str(path), mode="r")
    except KeyError:
        return
    consolidated: list[str] = []
    copies.visit(consolidated.append)
    assert consolidated == seen


@pytest.mark.parametrize("writer", [*WRITERS, *BY_JAVASCRIPT])
def test_converted_and_back(folder: Path, writer: str) -> None:
    whole = {
        str(file.relative_to(folder / f"{writer}.zarr")): file.read_bytes()
        for file in (folder / f"{writer}.zarr").rglob("*")
        if file.is_file()
    }
    for root in roots(whole):
        store = {key[len(root) :]: whole[key] for key in whole if key.startswith(root)}
        before = documents_of(store)
        version = 3 if "zarr.json" in store else 2
        arrays = {
            path[len(root) :]: wanted
            for path, wanted in expected(folder, writer).items()
            if f"{path}/".startswith(root)
        }
        zarr.convert(store, 5 - version, rewrite_chunks=True)
        for path, wanted in arrays.items():
            found = opened(store, path)[...]
            order = wanted.dtype.byteorder
            assert_equal(found.astype(found.dtype.newbyteorder(order)), wanted, path)
        zarr.convert(store, version, rewrite_chunks=True)
        assert documents_of(store) == before
        for path, wanted in arrays.items():
            assert_equal(opened(store, path)[...], wanted, path)


def roots(keys: dict[str, bytes]) -> list[str]:
    """Return the paths, with a slash at the end, of hierarchies that no other one is around."""
    names = ("zarr.json", ".zgroup", ".zarray")
    nodes = {key[: -len(name)] for key in keys for name in names if key.endswith(name)}
    return [
        node for node in sorted(nodes) if not any(node != n and node.startswith(n) for n in nodes)
    ]


def documents_of(store: dict[str, bytes]) -> dict[str, Any]:
    names = ("zarr.json", ".zarray", ".zgroup", ".zattrs")
    found = {key: json.loads(store[key]) for key in store if key.rpartition("/")[2] in names}
    for document in found.values():
        document.pop("consolidated_metadata", None)  # copies of the others
    return found
