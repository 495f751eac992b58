"""`zarr.rechunk` in place: the old array until the end, then the new one, and nothing between."""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numcodecs import Zlib

import zarr
from tests.tools.stopping import StoppingStore
from zarr.errors import CopyError, ReadOnlyError, TransactionError

DATA = np.arange(60 * 80, dtype="i4").reshape(60, 80)


def _folder(path: Path) -> zarr.DirectoryStore:
    return zarr.DirectoryStore(str(path))


STORES: dict[str, Any] = {
    "folder": lambda path: _folder(path / "x"),
    "nested": lambda path: zarr.NestedDirectoryStore(str(path / "x")),
    "sqlite": lambda path: zarr.SQLiteStore(str(path / "x.sqlite")),
    "lmdb": lambda path: zarr.LMDBStore(str(path / "x.lmdb")),
    "ocdbt": lambda path: zarr.storage.OCDBTStore(path / "x.ocdbt"),
    "zip": lambda path: zarr.ZipStore(str(path / "x.zip"), mode="a"),
}


@pytest.fixture(params=list(STORES))
def store(request: Any, tmp_path: Path) -> Iterator[Any]:
    for name, package in (("lmdb", "lmdb"), ("ocdbt", "tensorstore")):
        if request.param == name:
            pytest.importorskip(package)
    with STORES[request.param](tmp_path) as made:
        yield made


def _keys(store: Any) -> set[str]:
    return set(store.list_prefix(""))


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("path", ["", "a/b"])
def test_an_array(store: Any, version: int, path: str) -> None:
    z = zarr.array(DATA, chunks=(4, 80), store=store, path=path, zarr_format=version)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a ZIP archive warns of values that are replaced
        z.attrs["units"] = "K"
    if path:
        zarr.open_group(store, mode="r+")["a"].array("other", DATA, chunks=30)
    done = zarr.rechunk(z, chunks=(60, 5), memory=9000, verify="all")

    fresh = zarr.open_array(store, path=path, mode="r")
    for array in (z, fresh):
        assert array.chunks == (60, 5) and np.array_equal(array[...], DATA)
    assert fresh.attrs.asdict() == {"units": "K"} and fresh.zarr_format == version
    assert done.blocks > 1 and fresh.nchunks_initialized == 16
    prefix = f"{path}/" if path else ""
    assert len([key for key in _keys(store) if key.startswith(prefix)]) <= 16 + 2
    assert not [key for key in _keys(store) if "__" in key]
    assert zarr.check(store).ok
    if path:
        assert np.array_equal(zarr.open_group(store, mode="r")["a/other"][...], DATA)


def test_shards_of_a_path(tmp_path: Path) -> None:
    path = str(tmp_path / "x")
    zarr.array(DATA, chunks=(6, 10), store=path, zarr_format=3)

    zarr.rechunk(path, path, shards=(24, 40), compressor=Zlib(3))

    made = zarr.open_array(path, mode="r")
    assert made.shards == (24, 40) and np.array_equal(made[...], DATA)


def test_by_way_of_an_intermediate_array(tmp_path: Path) -> None:
    z = zarr.array(DATA, chunks=(1, 80), store=_folder(tmp_path / "x"))

    done = zarr.rechunk(z, chunks=(60, 1), memory=4100)

    assert len(done.plans[0].chosen.stages) > 1
    assert z.chunks == (60, 1) and np.array_equal(z[...], DATA)


def test_processes(tmp_path: Path) -> None:
    path = str(tmp_path / "x")
    zarr.array(DATA, chunks=(4, 80), store=path)

    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as executor:
        zarr.rechunk(path, chunks=(60, 5), memory=9000, executor=executor)

    assert np.array_equal(zarr.open_array(path)[...], DATA)


@pytest.mark.parametrize("version", [2, 3])
def test_a_hierarchy_with_consolidated_metadata(tmp_path: Path, version: int) -> None:
    root = zarr.open_group(_folder(tmp_path / "x"), mode="w", zarr_format=version)
    for name in ("a/t", "a/u", "v"):
        root.array(name, DATA, chunks=(4, 80)).attrs["_ARRAY_DIMENSIONS"] = ["t", name[-1]]
    root["a"].attrs["n"] = 1
    with pytest.warns() if version == 3 else pytest.MonkeyPatch.context():
        zarr.consolidate_metadata(root.store)
    before = {key: root.store[key] for key in root.store}

    done = zarr.rechunk(root, chunks={"u": 10}, options={"v": {"compressor": None}})

    assert [plan.path for plan in done.plans] == ["a/u", "v"]
    for opened in (zarr.open_group(root.store), zarr.open_consolidated(root.store)):
        assert opened["a/u"].chunks == (4, 10) and opened["v"].compressor is None
        assert all(np.array_equal(opened[name][...], DATA) for name in ("a/t", "a/u", "v"))
        assert opened["a"].attrs["n"] == 1
    same = {key: value for key, value in before.items() if key.startswith("a/t/")}
    assert same and all(root.store[key] == value for key, value in same.items())
    assert zarr.check(root.store).findings == ()


def test_nothing_to_do(tmp_path: Path) -> None:
    z = zarr.array(DATA, chunks=(4, 80), store=_folder(tmp_path / "x"))
    before = {key: bytes(z.store[key]) for key in z.store}

    done = zarr.rechunk(z, chunks=(4, 80))

    assert done.plans == () and before == {key: bytes(z.store[key]) for key in z.store}
    assert zarr.rechunk(z, chunks=(60, 5), dry_run=True).plans[0].chosen.name == "direct"
    assert before == {key: bytes(z.store[key]) for key in z.store}


def _stopping(folder: str, left: int) -> StoppingStore:
    store = StoppingStore(folder)
    store.left = left
    return store


def test_every_interruption_is_resumed(tmp_path: Path) -> None:
    data = DATA[:20, :20]
    stopped = 0
    for stopped in range(1, 300):
        folder = str(tmp_path / f"{stopped}")
        zarr.array(data, chunks=(4, 20), store=folder)
        try:
            zarr.rechunk(_stopping(folder, stopped), chunks=(20, 5), memory=1200)
        except KeyboardInterrupt:
            seen = zarr.open_array(folder, mode="r")
            assert seen.chunks == (4, 20) and np.array_equal(seen[...], data)
            markers = len(list(zarr.DirectoryStore(folder).list_prefix("__rechunk/done")))
            done = zarr.rechunk(folder, chunks=(20, 5), memory=1200)
            assert done.found == markers
        else:
            break
        made = zarr.open_array(folder, mode="r")
        assert made.chunks == (20, 5) and np.array_equal(made[...], data)
        assert not list(zarr.DirectoryStore(folder).list_prefix("__rechunk"))
    assert 20 < stopped < 299


def _stopped(folder: Path, at: int = 10) -> str:
    path = str(folder / "x")
    zarr.array(DATA, chunks=(4, 80), store=path)
    with pytest.raises(KeyboardInterrupt):
        zarr.rechunk(_stopping(path, at), chunks=(60, 5), memory=9000)
    return path


@pytest.mark.parametrize("at", [10, 26])
@pytest.mark.parametrize("what", ["elements", "shape", "attributes"])
def test_a_change_meanwhile_is_an_error(tmp_path: Path, what: str, at: int) -> None:
    path = _stopped(tmp_path, at)
    z = zarr.open_array(path)
    if what == "elements":
        z[3] = 7
    elif what == "shape":
        z.resize(70, 80)
    else:
        z.attrs["late"] = True
    expected = z[...]

    with pytest.raises(CopyError, match="resume=False starts again"):
        zarr.rechunk(path, chunks=(60, 5), memory=9000)
    assert np.array_equal(zarr.open_array(path)[...], expected)

    zarr.rechunk(path, chunks=(60, 5), memory=9000, resume=False)
    assert np.array_equal(zarr.open_array(path)[...], expected)


def test_a_write_while_blocks_are_copied_is_not_lost(tmp_path: Path) -> None:
    path = str(tmp_path / "x")
    z = zarr.array(DATA, chunks=(4, 80), store=path)

    def write(done: int, blocks: int, *_: int) -> None:
        if done == blocks:
            z[3] = 7

    with pytest.raises(CopyError, match="has changed"):
        zarr.rechunk(path, chunks=(60, 5), verify=None, progress=write)

    assert zarr.open_array(path)[3, 0] == 7 and zarr.open_array(path).chunks == (4, 80)


def test_an_old_job_in_place_is_vacuumed(tmp_path: Path) -> None:
    path = _stopped(tmp_path)
    assert zarr.check(path).findings == ()

    assert zarr.check(path, age=0).counts == {"K006": 1}
    assert zarr.vacuum(path, age=0).freed > 0

    assert not list(zarr.DirectoryStore(path).list_prefix("__rechunk"))
    assert np.array_equal(zarr.open_array(path)[...], DATA)


def test_what_cannot_be_replaced(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "x")
    z = zarr.array(DATA, chunks=(4, 80), store=folder, zarr_format=2)
    apart = zarr.array(DATA, store=_folder(tmp_path / "m"), chunk_store=_folder(tmp_path / "c"))
    sealed = zarr.array(DATA, store=_folder(tmp_path / "s"))
    zarr.seal(sealed)
    cases: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
        (zarr.array(DATA, chunks=(4, 80)), {}, ValueError, "needs a store with transactions"),
        (z, {"shards": (60, 80)}, ValueError, "has format 2, which stays in place"),
        (z, {"zarr_format": 3}, ValueError, "zarr.convert changes the format"),
        (zarr.open_array(folder, mode="r"), {}, ReadOnlyError, "read-only"),
        (apart, {}, ValueError, "chunks in another store"),
        (sealed, {}, ValueError, "zarr.unseal before"),
        (z.astype("f8"), {}, TypeError, "view"),
    ]
    for source, options, error, message in cases:
        with pytest.raises(error, match=message):
            zarr.rechunk(source, chunks=(20, 20), **options)
    with zarr.transaction(folder), pytest.raises(TransactionError):
        zarr.rechunk(z, chunks=(60, 5))
    zarr.rechunk(z, chunks=(60, 5))
    assert np.array_equal(z[...], DATA)
