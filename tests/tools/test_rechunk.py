"""`zarr.rechunk`: the same elements, in other chunks, within bounded memory."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numcodecs import Blosc, Quantize, Zlib

import zarr
from tests.tools import rechunk_kills
from zarr._chunks import dask_workers
from zarr._selection.axes import slice_axis
from zarr.errors import (
    ChunkDecodeError,
    ContainsArrayError,
    ContainsGroupError,
    CopyError,
    PathNotFoundError,
)

DATA = np.arange(60 * 80, dtype="i4").reshape(60, 80)


def _rows(**options: Any) -> zarr.Array:
    return zarr.array(DATA, chunks=(4, 80), **options)


def test_an_array_into_a_store() -> None:
    source, store = _rows(), zarr.MemoryStore()
    source.attrs["units"] = "K"

    done = zarr.rechunk(source, store, chunks=(60, 5))

    made = zarr.open_array(store, mode="r")
    assert made.chunks == (60, 5) and made.attrs.asdict() == {"units": "K"}
    assert np.array_equal(made[...], DATA)
    assert made.compressor == source.compressor
    assert done.blocks == 1 and done.found == 0
    assert not [key for key in store if "__rechunk" in key]


@pytest.mark.parametrize("memory", [9000, 12000, 20000, "64kB"])
def test_little_memory(memory: int | str) -> None:
    store = zarr.MemoryStore()

    done = zarr.rechunk(_rows(), store, chunks=(60, 5), memory=memory, verify="all")

    assert np.array_equal(zarr.open_array(store, mode="r")[...], DATA)
    assert done.blocks > 1 or memory == "64kB"
    assert not [key for key in store if "__rechunk" in key]


class CountingStore(zarr.MemoryStore):
    """Counts how often each value is read, and fails at the write of number `fails_at`."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: Counter[str] = Counter()
        self.fails_at = -1
        self.error: type[BaseException] = KeyboardInterrupt

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Any]:
        self.reads.update(keys)
        return super().getitems(keys)

    def __setitem__(self, key: str, value: Any) -> None:
        self.fails_at -= 1
        if self.fails_at == 0:
            raise self.error("stopped")
        super().__setitem__(key, value)

    def setitems(self, items: Mapping[str, Any]) -> None:
        for key, value in items.items():
            self[key] = value


@pytest.mark.parametrize(
    ("memory", "name", "most"),
    [("1MB", "direct", 1), (40_000, "1 intermediate", 1), (28_000, "1 intermediate", 1)],
)
def test_each_chunk_is_read_as_often_as_planned(memory: Any, name: str, most: int) -> None:
    store = CountingStore()
    source = zarr.array(
        np.arange(200 * 200, dtype="i2").reshape(200, 200), chunks=(2, 200), store=store
    )
    store.reads.clear()

    done = zarr.rechunk(source, zarr.MemoryStore(), (200, 2), memory=memory, verify=None)

    assert done.plans[0].chosen.name == name and done.plans[0].chosen.reads == most
    chunks = {key: n for key, n in store.reads.items() if key[0].isdigit()}
    assert len(chunks) == 100 and max(chunks.values()) == most


@pytest.mark.parametrize(
    ("data", "source", "options", "least"),
    [
        (DATA, (4, 80), {"chunks": (60, 5), "memory": 9000}, 20),
        (
            np.arange(6400, dtype="i2").reshape(80, 80),
            (2, 80),
            {"chunks": (80, 2), "memory": 6000},
            50,
        ),
    ],
    ids=["direct", "by way of others"],
)
def test_every_interruption_is_resumed(data: Any, source: Any, options: Any, least: int) -> None:
    array = zarr.array(data, chunks=source)
    stopped = 0
    while True:
        store = CountingStore()
        store.fails_at = stopped + 1
        overwrite = bool(stopped % 2)
        try:
            zarr.rechunk(array, store, overwrite=overwrite, **options)
        except KeyboardInterrupt:
            stopped += 1
        else:
            break
        assert not zarr.storage.contains_array(store)  # nothing is visible yet
        markers = len(list(store.list_prefix("__rechunk/done")))

        done = zarr.rechunk(array, store, overwrite=overwrite, **options)

        assert done.found == markers
        assert done.found + done.blocks == sum(s.blocks for s in done.plans[0].chosen.stages)
        assert np.array_equal(zarr.open_array(store, mode="r")[...], data)
        assert not list(store.list_prefix("__rechunk"))
    assert stopped > least


def _interrupted(source: Any, store: CountingStore, **options: Any) -> None:
    store.fails_at = 20
    with pytest.raises(KeyboardInterrupt):
        zarr.rechunk(source, store, **options)


def test_other_options_are_noticed() -> None:
    source, store = _rows(), CountingStore()
    _interrupted(source, store, chunks=(60, 5), memory=9000)

    with pytest.raises(CopyError, match="resume=False starts again"):
        zarr.rechunk(source, store, chunks=(60, 10), memory=20000)

    done = zarr.rechunk(source, store, chunks=(60, 10), memory=20000, resume=False)
    made = zarr.open_array(store, mode="r")
    assert done.found == 0 and made.chunks == (60, 10) and np.array_equal(made[...], DATA)
    assert zarr.check(store).ok


@pytest.mark.parametrize("kind", ["size", "age", "metadata"])
def test_a_changed_source_is_noticed(kind: str, tmp_path: Path) -> None:
    compressor = None if kind == "age" else Zlib()
    source = _rows(store=str(tmp_path / "source.zarr"), compressor=compressor)
    folder = str(tmp_path / "dest.zarr")
    begun = CountingStore()
    _interrupted(source, begun, chunks=(60, 5), memory=9000)
    for key, value in begun.items():
        zarr.DirectoryStore(folder)[key] = value
    if kind == "metadata":
        source.fill_value = 7
    else:
        source[5] = 0

    with pytest.raises(CopyError, match="source"):
        zarr.rechunk(source, folder, chunks=(60, 5), memory=9000)

    assert zarr.rechunk(source, folder, chunks=(60, 5), memory=9000, resume=False).found == 0
    assert np.array_equal(zarr.open_array(folder)[...], source[...])


def test_a_block_is_copied_again_when_it_fails() -> None:
    store = CountingStore()
    store.error, store.fails_at = OSError, 20

    done = zarr.rechunk(_rows(), store, chunks=(60, 5), memory=9000, verify="all")

    assert store.fails_at < 0 and done.blocks == sum(s.blocks for s in done.plans[0].chosen.stages)


def test_what_cannot_be_decoded_is_an_error_at_once() -> None:
    store = zarr.MemoryStore()
    source = _rows(store=store, compressor=Zlib())
    store["3.0"] = b"damaged"

    with pytest.raises(ChunkDecodeError, match=r"3\.0"):
        zarr.rechunk(source, zarr.MemoryStore(), chunks=(60, 5))


def _tree(**options: Any) -> zarr.Group:
    root = zarr.group(**options)
    root.attrs["title"] = "model"
    names = {"dimension_names": ["time", "x"]} if options else {}
    t = root.create_dataset("ocean/t", data=DATA, chunks=(4, 80), **names)
    t.attrs.update({"units": "K", "_ARRAY_DIMENSIONS": ["time", "x"]})
    names = {"dimension_names": ["time"]} if options else {}
    time = root.create_dataset("time", data=np.arange(60), chunks=7, **names)
    time.attrs["_ARRAY_DIMENSIONS"] = ["time"]
    root.create_dataset("names", data=np.array(["a", "bc"], object), dtype=str, chunks=1)
    root.create_group("empty").attrs["n"] = 1
    return root


@pytest.mark.parametrize("version", [2, 3])
def test_a_hierarchy_by_dimensions(version: int, tmp_path: Path) -> None:
    root = _tree() if version == 2 else _tree(zarr_format=3)

    done = zarr.rechunk(root, str(tmp_path / "made.zarr"), {"time": 60, "x": 8}, memory=20000)

    made = zarr.open_group(str(tmp_path / "made.zarr"), mode="r")
    assert zarr.diff(root, made).equal and made.zarr_format == version
    chunks = {"ocean/t": (60, 8), "time": (60,), "names": (1,)}
    assert {name: made[name].chunks for name in chunks} == chunks
    assert [plan.path for plan in done.plans] == ["names", "ocean/t", "time"]
    with pytest.raises(ValueError, match="no array has a dimension 'lat'"):
        zarr.rechunk(root, zarr.MemoryStore(), {"lat": 60})
    assert zarr.check(str(tmp_path / "made.zarr")).ok


def test_options_by_path() -> None:
    root, store = _tree(), zarr.MemoryStore()
    dest = zarr.open_group(store, mode="w")
    options = {"ocean/*": {"chunks": (30, 40), "compressor": None}, "names": None}

    zarr.rechunk(root, dest, compressor=Zlib(3), options=options, dest_path="copies/first")

    made = dest["copies/first"]
    assert zarr.diff(root, made).equal
    assert made["ocean/t"].chunks == (30, 40) and made["ocean/t"].compressor is None
    assert made["time"].compressor == Zlib(3) and made["time"].chunks == (7,)
    assert made["names"].compressor == root["names"].compressor
    with pytest.raises(ValueError, match=r"options\['time'\] has chunk; known are chunks"):
        zarr.rechunk(root, dest, options={"time": {"chunk": 3}}, dest_path="other")


def test_a_member_into_a_hierarchy_gets_its_format() -> None:
    root, store = _tree(), zarr.MemoryStore()
    zarr.open_group(store, mode="w", zarr_format=3)

    zarr.rechunk(root, store, (60, 8), path="ocean/t", dest_path="a/b")

    made = zarr.open_group(store)["a/b"]
    assert made.zarr_format == 3 and np.array_equal(made[...], DATA)
    with pytest.raises(ValueError, match="the hierarchy"):
        zarr.rechunk(root, store, path="ocean/t", dest_path="c", zarr_format=2)


def test_packing_into_shards_and_out_of_them_decodes_nothing() -> None:
    source = zarr.array(DATA, chunks=(6, 10), zarr_format=3, compressors=[Zlib(9)])
    source[12:24] = 0
    packed, other, apart = zarr.MemoryStore(), zarr.MemoryStore(), zarr.MemoryStore()

    plans = [
        zarr.rechunk(source, packed, shards=(24, 40), memory=12000, verify="all").plans,
        zarr.rechunk(packed, other, chunks=(6, 10), shards=(12, 80), verify="all").plans,
        zarr.rechunk(other, apart, chunks=(6, 10), verify="all").plans,
    ]

    assert [plan[0].chosen.name for plan in plans] == ["encoded"] * 3
    made = zarr.open_array(packed)
    assert made.shards == (24, 40) and np.array_equal(made[...], source[...])
    assert sorted(k for k in packed if k[0] == "c") == sorted(
        f"c/{i}/{j}" for i in range(3) for j in range(2)
    )
    assert {k: v for k, v in apart.items() if k[0] == "c"} == {
        k: v for k, v in source.store.items() if k[0] == "c"
    }


def test_other_codecs_for_the_same_chunks() -> None:
    source, store = _rows(), zarr.MemoryStore()

    done = zarr.rechunk(source, store, compressor=Blosc("zstd", 7))

    made = zarr.open_array(store)
    assert made.compressor == Blosc("zstd", 7) and made.chunks == (4, 80)
    assert np.array_equal(made[...], DATA) and done.plans[0].chosen.reads == 1


def test_codecs_of_format_3() -> None:
    store = zarr.MemoryStore()
    codecs = [{"name": "transpose", "configuration": {"order": [1, 0]}}, {"name": "bytes"}]

    zarr.rechunk(_rows(zarr_format=3), store, (30, 40), codecs=codecs, verify="all")

    assert np.array_equal(zarr.open_array(store)[...], DATA)


def test_shards_stay_where_only_codecs_change() -> None:
    source = zarr.array(DATA, chunks=(6, 10), shards=(24, 40), zarr_format=3)
    store = zarr.MemoryStore()

    zarr.rechunk(source, store, compressor=Zlib(1), verify="all")

    assert zarr.open_array(store).shards == (24, 40)


@pytest.mark.parametrize("memory", ["1MB", 7000])
def test_objects(memory: Any) -> None:
    words = np.array(["é" * (i % 7) for i in range(600)], object).reshape(20, 30)
    source = zarr.array(words, dtype=str, chunks=(1, 30))
    store = zarr.MemoryStore()

    zarr.rechunk(source, store, chunks=(20, 1), memory=memory, verify="all")

    assert np.array_equal(zarr.open_array(store)[...], words)


def test_listed_chunks() -> None:
    source = zarr.array(DATA, chunks=([10, 25, 25], 8), zarr_format=3)
    there, back = zarr.MemoryStore(), zarr.MemoryStore()

    zarr.rechunk(source, there, chunks=(7, [30, 30, 20]), memory=20000, verify="all")
    zarr.rechunk(there, back, chunks=([10, 25, 25], 8), memory=20000, verify="all")

    assert zarr.open_array(there).chunks == (7, (30, 30, 20))
    assert np.array_equal(zarr.open_array(back)[...], DATA)


def test_absent_chunks_stay_absent() -> None:
    source = zarr.create((60, 80), chunks=(4, 80), dtype="i4", fill_value=3)
    source[8:12] = 1
    store = zarr.MemoryStore()

    zarr.rechunk(source, store, chunks=(10, 20), memory=9000, verify="all")

    made = zarr.open_array(store)
    assert made.nchunks_initialized == 8 and np.array_equal(made[...], source[...])


def test_into_an_array_that_exists() -> None:
    target = zarr.full((60, 80), 9, chunks=(30, 16), dtype="i4", compressor=None)
    target[...] = 9
    source = _rows()
    source[:30] = 0

    zarr.rechunk(source, target, memory=20000, verify="all")

    assert np.array_equal(target[...], source[...]) and target.chunks == (30, 16)
    for bad in (zarr.zeros((60, 81), dtype="i4"), zarr.zeros((60, 80), dtype="i8")):
        with pytest.raises(ValueError, match="expected"):
            zarr.rechunk(source, bad)
    with pytest.raises(ValueError, match="cannot be chosen"):
        zarr.rechunk(source, target, chunks=(3, 3))


def test_what_exists_is_not_replaced_unless_asked_for() -> None:
    store = zarr.MemoryStore()
    zarr.group(store)
    zarr.zeros(3, store=store, path="a", chunks=1)
    zarr.zeros(3, store=store, path="g/b", chunks=1)
    for path, error in (("a", ContainsArrayError), ("g", ContainsGroupError)):
        with pytest.raises(error, match="overwrite=True"):
            zarr.rechunk(_rows(), store, dest_path=path)
        zarr.rechunk(_rows(), store, (60, 5), dest_path=path, overwrite=True)
        assert np.array_equal(zarr.open_array(store, path=path)[...], DATA)
    with pytest.raises(ContainsArrayError):
        zarr.rechunk(_rows(), store, dest_path="a/inside")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"dest": None, "chunks": 5}, ValueError, "in place needs a store with transactions"),
        ({"memory": "lots"}, ValueError, "memory must be a number of bytes"),
        ({"memory": 0}, ValueError, "memory must be a number of bytes"),
        ({"memory": 1000}, ValueError, "at least 3840 bytes are needed"),
        ({"verify": "some"}, ValueError, "verify must be 'sample', 'all' or None, not 'some'"),
        ({"chunks": (3, 3, 3)}, ValueError, "chunks"),
        ({"chunks": (4, 4), "shards": (9, 9)}, ValueError, "must divide shards"),
        ({"zarr_format": 1}, ValueError, "zarr_format must be 2 or 3"),
        ({"progress": 5}, TypeError, "progress must be a function, True or None"),
        ({"path": "absent"}, PathNotFoundError, "absent"),
        ({"source": 5}, TypeError, "source must be an array or group of Zarr"),
        ({"source": DATA}, TypeError, "source must be an array or group of Zarr"),
    ],
)
def test_bad_arguments(given: dict[str, Any], error: type[Exception], message: str) -> None:
    store = zarr.MemoryStore()
    source = _rows()
    arguments = {"source": source.store, "dest": store, **given}

    with pytest.raises(error, match=message):
        zarr.rechunk(**arguments)

    assert not list(store)


def test_source_and_destination_must_be_apart() -> None:
    root = _tree()
    for path, dest_path in (
        ("", "x"),
        ("ocean", ""),
        ("ocean/t", "ocean/t/u"),
        ("ocean/t", "ocean"),
    ):
        with pytest.raises(ValueError, match="overlaps"):
            zarr.rechunk(root.store, root.store, path=path, dest_path=dest_path, overwrite=True)
    zarr.rechunk(root, root, (60, 8), path="ocean/t", dest_path="ocean/by_x")
    assert np.array_equal(root["ocean/by_x"][...], DATA)


def test_views_are_refused() -> None:
    with pytest.raises(TypeError, match="view"):
        zarr.rechunk(_rows().astype("f8"), zarr.MemoryStore())


def test_a_dry_run_writes_nothing() -> None:
    store = zarr.MemoryStore()

    found = zarr.rechunk(_rows(), store, chunks=(60, 5), memory=9000, dry_run=True)

    assert not list(store) and found.blocks == 0
    assert {plan.name for plan in found.plans[0].candidates} == {
        "direct", "1 intermediate", "2 intermediates",
    }  # fmt: skip
    table = str(found).splitlines()
    assert table[0].split()[:3] == ["array", "plan", "blocks"]
    assert table[1].split()[1].startswith("*") and len(table) == 7


def test_progress() -> None:
    calls: list[tuple[int, ...]] = []

    done = zarr.rechunk(
        _tree(),
        zarr.MemoryStore(),
        {"time": 60, "x": 1},
        memory=6000,
        progress=lambda *numbers: calls.append(numbers),
    )

    blocks = [call[0] for call in calls]
    assert blocks == list(range(done.blocks + 1))
    assert calls[-1][0] == calls[-1][1] and calls[-1][2] == calls[-1][3] == done.nbytes
    zarr.rechunk(_rows(), zarr.MemoryStore(), progress=True)  # no terminal: no bar


def test_a_copy_that_differs_is_not_published() -> None:
    class Forgetful(zarr.MemoryStore):
        def setitems(self, items: Mapping[str, Any]) -> None:
            super().setitems({key: value for key, value in items.items() if key != "0.3"})

    for verify in ("all", "sample"):
        store = Forgetful()
        with pytest.raises(CopyError, match="array / differs from its source"):
            zarr.rechunk(_rows(), store, chunks=(60, 20), verify=verify)  # type: ignore[arg-type]
        assert not zarr.storage.contains_array(store)


def test_codecs_that_lose_information_are_not_compared() -> None:
    source = zarr.array(np.linspace(0, 1, 500), chunks=50)
    store = zarr.MemoryStore()

    zarr.rechunk(source, store, chunks=100, filters=[Quantize(1, "f8")], verify="all")

    assert np.allclose(zarr.open_array(store)[...], source[...], atol=0.1)


@pytest.mark.parametrize("kind", [zarr.SQLiteStore, zarr.ZipStore, zarr.NestedDirectoryStore])
def test_other_stores(kind: Any, tmp_path: Path) -> None:
    with kind(str(tmp_path / "made")) as store:
        zarr.rechunk(_rows(), store, chunks=(60, 5), memory=9000, verify="all")
        made = zarr.open_array(store, mode="r")
        assert np.array_equal(made[...], DATA)
        assert not [key for key in store if "__rechunk" in key]


WIDE = np.arange(300 * 300, dtype="i4").reshape(300, 300)


@pytest.fixture
def wide(tmp_path: Path) -> str:
    zarr.array(WIDE, chunks=(5, 300), store=str(tmp_path / "source.zarr"))
    return str(tmp_path / "source.zarr")


def test_threads(wide: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as executor:
        done = zarr.rechunk(
            wide, str(tmp_path / "dest.zarr"), (300, 5), memory=60_000, executor=executor
        )
        inside = zarr.MemoryStore()
        zarr.rechunk(wide, inside, (300, 5), memory=60_000, executor=executor, verify="all")

    assert np.array_equal(zarr.open_array(str(tmp_path / "dest.zarr"))[...], WIDE)
    assert done.blocks == sum(s.blocks for s in done.plans[0].chosen.stages) > 20


def test_processes_of_which_one_is_killed(wide: str, tmp_path: Path) -> None:
    dest = str(tmp_path / "dest.zarr")
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as executor:
        pid = executor.submit(os.getpid).result()

        def kill_after_some(done: int, *_: int) -> None:
            if done == 3:
                os.kill(pid, signal.SIGTERM)

        with pytest.warns(RuntimeWarning, match="blocks that are left are copied in this process"):
            done = zarr.rechunk(
                wide, dest, (300, 5), memory=60_000, executor=executor, progress=kill_after_some
            )

    assert np.array_equal(zarr.open_array(dest)[...], WIDE)
    assert done.blocks == sum(s.blocks for s in done.plans[0].chosen.stages)


def test_processes_cannot_reach_what_is_in_memory(wide: str) -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        with pytest.raises(ValueError, match="may be other processes, which do not see"):
            zarr.rechunk(wide, zarr.MemoryStore(), (300, 5), executor=executor)
        with pytest.raises(ValueError, match="may be other processes, which do not see"):
            zarr.rechunk(zarr.zeros(3), "dest.zarr", executor=executor)
        with pytest.raises(ValueError, match="only one process can write"):
            zarr.rechunk(wide, f"{wide}.zip", executor=executor)


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by a signal")
@pytest.mark.parametrize(
    ("kind", "moments"), [("direct", (4, 31)), ("intermediate", (60, 700)), ("shards", (3, 20))]
)
def test_killed_jobs_are_resumed(kind: str, moments: tuple[int, ...], tmp_path: Path) -> None:
    rechunk_kills.prepare(tmp_path)
    for at in moments:
        assert rechunk_kills.killed(tmp_path, kind, at)
        assert sum(rechunk_kills.resume(tmp_path, kind)) > 20
        shutil.rmtree(tmp_path / f"{kind}.zarr")


PEAK = """
import sys, zarr
zarr.config.set(workers=4)
path, dest, chunks, shards, memory = sys.argv[1:]
parsed = [tuple(map(int, text.split(","))) if text else None for text in (chunks, shards)]
zarr.rechunk(path, dest, *parsed, memory=int(memory) << 20)
print(*[line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("chunks", "shards", "memory"),
    [("4000,20", "", 32), ("4000,20", "", 128), ("200,200", "1000,1000", 32)],
)
def test_peak_memory(chunks: str, shards: str, memory: int, tmp_path: Path) -> None:
    source = zarr.open_array(
        str(tmp_path / "source"), mode="w", shape=(4000, 4000), chunks=(20, 4000), dtype="f8",
        zarr_format=3,
    )  # fmt: skip
    for at in range(0, 4000, 400):  # what cannot be compressed
        source[at : at + 400] = np.random.default_rng(at).random((400, 4000))
    arguments = [str(tmp_path / "source"), str(tmp_path / "dest"), chunks, shards, str(memory)]

    done = subprocess.run(
        [sys.executable, "-c", PEAK, *arguments], check=True, capture_output=True, text=True
    )

    assert int(done.stdout) >> 10 <= memory + 60


def _work(count: int) -> tuple[int, int]:
    """Rechunk `count` chunks into as many; return calls of functions, and keys of the stores."""
    source = zarr.create((count, 64), chunks=(1, 64), dtype="u1", store=zarr.MemoryStore())
    source[...] = np.arange(64)
    calls = 0

    def note(frame: FrameType, event: str, _: Any) -> None:
        nonlocal calls
        calls += event == "call"

    def job() -> zarr.tools.rechunk.Rechunked:
        return zarr.rechunk(source, zarr.MemoryStore(), (64, 1), memory=50_000, verify=None)

    with zarr.config.set(workers=1):
        sys.setprofile(note)
        try:
            done = job()
        finally:
            sys.setprofile(None)
        with zarr.traffic() as seen:
            job()
    assert done.blocks > 4
    return calls, seen.keys


def test_work_grows_as_the_number_of_chunks() -> None:
    some, many = np.array(_work(2048)), np.array(_work(8192))

    assert (many < 4.2 * some).all()


def _peak(count: int, folder: Path) -> int:
    """Rechunk `count` tiny chunks into as many; return the most bytes of Python's memory."""
    stores = [zarr.SQLiteStore(str(folder / f"{count}.{name}")) for name in "st"]
    source = zarr.create((count, 16), chunks=(1, 16), dtype="u1", compressor=None, store=stores[0])
    source[...] = np.arange(16)
    with zarr.config.set(workers=1):
        tracemalloc.start()
        try:
            done = zarr.rechunk(source, stores[1], (16, 1), memory=24_000, verify=None)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    for store in stores:
        store.close()
    assert done.blocks > 1
    return peak


def test_memory_does_not_grow_with_the_number_of_chunks(tmp_path: Path) -> None:
    some = _peak(20_000, tmp_path)  # more than SQLite lists at a time

    assert _peak(100_000, tmp_path) < 1.2 * some


def test_copies_to_other_chunks_read_each_chunk_at_most_twice() -> None:
    store, data = CountingStore(), np.zeros((800, 800), "f8")
    data[...] = np.arange(800)
    source = zarr.array(data, chunks=(2, 800), store=store)
    store.reads.clear()
    dest = zarr.group()

    with mock.patch("zarr.tools.transfer.MEMORY", 400_000):
        zarr.copy(source, dest, name="a", chunks=(800, 2))

    assert np.array_equal(dest["a"][...], data)
    assert max(n for key, n in store.reads.items() if key[0].isdigit()) <= 2
    assert not [key for key in dest.store if "__rechunk" in key]


@given(st.data())
def test_which_blocks_share_chunks_with_others(data: st.DataObject) -> None:
    chunk, count = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    length = data.draw(st.integers(1, 30))
    start = data.draw(st.integers(0, length - 1))
    stop = data.draw(st.integers(start + 1, length))
    unit = chunk * count
    aligned = start % unit == 0 and (stop % unit == 0 or stop == length)

    axis = slice_axis(start, stop, 1, chunk, length)

    assert dask_workers._is_aligned(axis, chunk, unit, length) == aligned


DTYPES = ["i2", ">f4", "M8[s]", "S3", "U2", "c8", "b1", [("a", "u1"), ("b", "<f8")]]


@st.composite
def _cases(draw: st.DrawFn) -> dict[str, Any]:
    shape = tuple(draw(st.lists(st.integers(0, 13), min_size=0, max_size=3)))
    lengths = st.tuples(*(st.integers(1, 15) for _ in shape))
    chunks = draw(lengths)
    shards = None
    if shape and draw(st.booleans()):
        shards = tuple(n * draw(st.integers(1, 3)) for n in chunks)
    return {
        "shape": shape,
        "source": {"chunks": draw(lengths) or True, "zarr_format": draw(st.sampled_from([2, 3]))},
        "chunks": chunks if shape else None,
        "shards": shards,
        "dtype": draw(st.sampled_from(DTYPES)),
        "blocks": draw(st.integers(1, 6)),
        "fraction": draw(st.sampled_from([0.0, 0.5, 1.0])),
    }


@settings(deadline=None, max_examples=150)
@given(_cases())
def test_any_array(case: dict[str, Any]) -> None:
    dtype = np.dtype(case["dtype"])
    if dtype.fields is not None:
        case["source"]["zarr_format"], case["shards"] = 2, None
    size = int(np.prod(case["shape"]))
    values = np.arange(size).astype("u1").astype("i4").reshape(case["shape"])
    data = np.zeros(case["shape"], dtype)
    if dtype.fields is None:
        data[...] = values.astype("i8" if dtype.kind in "mM" else dtype).astype(dtype)
    else:
        data["a"], data["b"] = values, values
    source = zarr.create(shape=case["shape"], dtype=dtype, **case["source"])
    rows = int((case["shape"] or (0,))[0] * case["fraction"])
    if case["shape"]:
        source[:rows] = data[:rows]
        data[rows:] = source[rows:]
    else:
        source[...] = data
    unit = max(np.prod(case["shards"] or case["chunks"] or (1,)), np.prod(source.chunks or (1,)))
    memory = int(max(1, 3 * unit * dtype.itemsize * case["blocks"]))
    store = zarr.MemoryStore()

    zarr.rechunk(
        source, store, case["chunks"], case["shards"], memory=memory, verify="all", dest_path="x/y"
    )

    made = zarr.open_group(store, mode="r")["x/y"]
    assert made.shape == case["shape"] and made.shards == case["shards"]
    assert case["chunks"] is None or made.chunks == case["chunks"]
    assert np.array_equal(made[...], data)
    assert zarr.check(store).ok
