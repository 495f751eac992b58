"""Arrays whose chunks are listed one by one: documents, creation, resizing, what is shown."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.codecs import ShardingCodec, ZstdCodec
from zarr.errors import ChunkDecodeError, MetadataError

GRID = "rectilinear"


def document(shape: Any, shapes: Any, **members: Any) -> dict[str, bytes]:
    """Return a store with the document of an array of bytes."""
    grid = {"name": GRID, "configuration": {"kind": "inline", "chunk_shapes": shapes}}
    whole = {
        "zarr_format": 3, "node_type": "array", "shape": shape, "data_type": "uint8",
        "chunk_grid": grid, "chunk_key_encoding": {"name": "default"}, "fill_value": 0,
        "codecs": [{"name": "bytes"}], **members,
    }  # fmt: skip
    return {"zarr.json": json.dumps(whole).encode()}


def shapes_in(store: Any) -> Any:
    grid = json.loads(bytes(store["zarr.json"]))["chunk_grid"]
    return grid["configuration"]["chunk_shapes"] if grid["name"] == GRID else grid["name"]


# -- documents -------------------------------------------------------------------------


def test_the_example_of_the_specification() -> None:
    given = [4, [1, 2, 3], [[4, 2]], [[1, 3], 3], [4, 4, 4]]
    z = zarr.open_array(document([6] * 5, given), mode="r+")
    assert z.chunks == (4, (1, 2, 3), (4, 2), (1, 1, 1, 3), (4, 2))
    assert z.cdata_shape == (2, 3, 2, 4, 2)
    a = np.arange(6**5).reshape((6,) * 5).astype("u1")
    z[...] = a
    assert (z[...] == a).all()
    assert len(z.store["c/0/2/0/3/0"]) == 4 * 3 * 4 * 3 * 4
    z.resize(5, 6, 6, 6, 6)
    assert shapes_in(z.store) == given  # as it was spelled


def test_chunks_byte_by_byte() -> None:
    store = document([6], [[1, 2, 4]])
    store |= {"c/0": b"\1", "c/1": b"\2\3", "c/2": b"\4\5\6\7"}
    z = zarr.open_array(store)
    assert z[:].tolist() == [1, 2, 3, 4, 5, 6]
    z[1:5] = 9
    assert [bytes(store[f"c/{at}"]) for at in range(3)] == [b"\1", b"\x09\x09", b"\x09\x09\6\7"]


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([[3, 2]], "add up to 5"), ([[]], "add up to 0"), ([[0, 6]], "positive"),
        ([[-1, 7]], "positive"), ([[6.0]], "positive"), ([["6"]], "positive"),
        ([[True]], "positive"),
        ([0], "positive integer or a list"), (["6"], "positive integer or a list"),
        ([None], "positive integer or a list"), ([{}], "positive integer or a list"),
        ([[[3]]], "positive"), ([[[3, 2, 1]]], "positive"), ([[[3, 0]]], "positive"),
        ([[[0, 3]]], "positive"), ([[[3, -2]]], "positive"), ([[[[3], 2]]], "positive"),
        ([[2**62, 2**62]], r"2\*\*63-1"), ([[[2**40, 2**40]]], r"2\*\*63-1"),
        ([], "1 dimensions"), ([6, 6], "1 dimensions"), (6, "list"), (None, "list"), ({}, "list"),
        ("6", "list"), ([2**63], "positive integer or a list"),
    ],
    ids=repr,
)  # fmt: skip
def test_documents_that_make_no_sense(shapes: Any, message: str) -> None:
    with pytest.raises(MetadataError, match=message) as caught:
        zarr.open_array(document([6], shapes), mode="r")
    assert "zarr.json" in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("kind", [None, "file", 3])
def test_only_inline_lists_are_known(kind: Any) -> None:
    grid = {"name": GRID, "configuration": {"kind": kind, "chunk_shapes": [6]}}
    with pytest.raises(MetadataError, match="inline"):
        zarr.open_array(document([6], [6], chunk_grid=grid), mode="r")


def test_a_short_document_with_many_chunks_takes_little_memory() -> None:
    script = """
import json, resource, sys
sys.path.insert(0, sys.argv[1])
import numpy as np, zarr
from tests.arrays.test_listed_chunks import document
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (200 << 20),) * 2)
z = zarr.open_array(document([10**12 + 2], [[[1, 10**12], [2, 1]]]), mode="r+")
assert z.cdata_shape == (10**12 + 1,)
z[10**12 - 3 : 10**12 + 2] = np.arange(5)
assert z[10**12 - 4 :].tolist() == [0, 0, 1, 2, 3, 4]
assert z.vindex[[10**12, 3]].tolist() == [3, 0]
assert len(str(z.info)) < 1000
assert len(z.store["c/1000000000000"]) == 2
z.append(np.ones(3, "u1"))
assert z[-4:].tolist() == [4, 1, 1, 1]
"""
    root = __file__.rpartition("/tests/")[0]
    subprocess.run([sys.executable, "-c", script, root], check=True, timeout=100)


# -- creation --------------------------------------------------------------------------


def test_creation() -> None:
    store: dict[str, bytes] = {}
    z = zarr.zeros((35, 21), chunks=[[10, 20, 5], [7, 7, 7]], store=store)
    assert z.chunks == ((10, 20, 5), (7, 7, 7))
    assert (z.nchunks, z.cdata_shape) == (9, (3, 3))
    assert shapes_in(store) == [[10, 20, 5], [[7, 3]]]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        (([10, 20, 5], 7), ((10, 20, 5), 7)),
        (([10, 20, 5],), ((10, 20, 5), 21)),
        ((None, [20, 1]), (35, (20, 1))),
        ((np.array([30, 5]), -1), ((30, 5), 21)),
        (([(10, 3), 5], [[7, 3]]), ((10, 10, 10, 5), (7, 7, 7))),
        (([10, 20, 50, 60], 7), ((10, 20, 5), 7)),
    ],
)  # fmt: skip
def test_what_is_given_and_what_is_said(chunks: Any, expected: Any) -> None:
    for make in (zarr.zeros, zarr.create_array):
        z = make(shape=(35, 21), chunks=chunks, dtype="i4")
        assert z.chunks == expected
        z[...] = np.arange(35 * 21).reshape(35, 21)
        assert z[34, 20] == 35 * 21 - 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chunks": [[10, 20], 7]}, "chunks of dimension 0 add up to 30, less than the 35"),
        ({"chunks": [[10, 20, 0, 5], 7]}, "positive"),
        ({"chunks": [[35.0], 7]}, "positive"),
        ({"chunks": [[35], [21], [1]]}, "more dimensions"),
        ({"chunks": [[20, 15], 7], "shards": (40, 21)}, "list those of shards"),
        ({"chunks": (10, 7), "shards": ([20, 15], 21)}, "must divide shards"),
        ({"shards": ([20, 10], 21)}, "shards of dimension 0 add up to 30"),
        ({"chunks": [[20, 15], 7], "zarr_format": 2}, "version 2 .* different lengths"),
    ],
)
def test_arguments_that_make_no_sense(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        zarr.zeros((35, 21), **options)


def test_a_group_of_version_2_takes_no_lists() -> None:
    g = zarr.group(zarr_format=2)
    with pytest.raises(ValueError, match=r"version 2 .* different lengths"):
        g.create_dataset("a", shape=6, chunks=[[1, 5]])
    assert "a" not in g


def test_lists_of_shards() -> None:
    store: dict[str, bytes] = {}
    z = zarr.create((100, 30), shards=([60, 40], 30), chunks=(10, 5), dtype="i4", store=store)
    a = np.arange(3000).reshape(100, 30)
    z[...] = a
    assert (z.chunks, z.shards) == ((10, 5), ((60, 40), 30))
    assert shapes_in(store) == [[60, 40], 30]
    assert sorted(store) == ["c/0/0", "c/1/0", "zarr.json"]
    assert z.nchunks_initialized == z.nchunks == 60
    again = zarr.open_array(store)
    assert (again[55:65] == a[55:65]).all()
    assert (again.vindex[[59, 60, 99], [0, 5, 29]] == a[[59, 60, 99], [0, 5, 29]]).all()
    assert zarr.create((100,), shards=[[60, 40]]).chunks == (20,)


def test_a_damaged_chunk_in_listed_shards_is_named() -> None:
    store: dict[str, bytes] = {}
    z = zarr.create((10,), shards=[[4, 6]], chunks=2, dtype="u1", compressor=None, store=store)
    z[...] = 1
    store["c/1"] = store["c/1"][:3] + store["c/1"][-52:]
    with pytest.raises(ChunkDecodeError, match=r"'c/1, inner chunk .*inner chunk \(1,\)"):
        z[...]


def test_shards_in_other_codecs() -> None:
    z = zarr.create_array(
        shape=(10, 6), chunks=([4, 6], 6), dtype="i4", compressors=ZstdCodec(),
        serializer=ShardingCodec((2, 3)),
    )  # fmt: skip
    z[...] = np.arange(60).reshape(10, 6)
    z[3:5] = 0
    assert z[...].sum() == sum(range(60)) - sum(range(18, 30))


# -- growing and shrinking ---------------------------------------------------------------


def test_shrinking_keeps_the_list() -> None:
    z = zarr.array(np.arange(35), chunks=[[10, 20, 5]])
    z.resize(12)
    assert (z.chunks, shapes_in(z.store)) == (((10, 2),), [[10, 20, 5]])
    assert z.nchunks_initialized == 2
    z.resize(35)
    assert z.chunks == ((10, 20, 5),)
    assert z[:12].tolist() == list(range(12))
    assert (z[30:] == 0).all()


def test_growing_adds_chunks_as_long_as_the_longest() -> None:
    z = zarr.array(np.arange(35), chunks=[[10, 20, 5]])
    z.resize(80)
    assert z.chunks == ((10, 20, 5, 20, 20, 5),)
    assert shapes_in(z.store) == [[10, 20, 5, 20, 20, 5]]
    assert z[:35].tolist() == list(range(35))
    assert (z[35:] == 0).all()


def test_appending_adds_a_chunk() -> None:
    z = zarr.array(np.arange(59), chunks=[[31, 28]])
    z.append(np.arange(59, 90))
    z.append(np.arange(90, 120))
    assert z.chunks == ((31, 28, 31, 30),)
    assert z[...].tolist() == list(range(120))
    assert zarr.open_array(z.store)[...].tolist() == list(range(120))


def test_appending_first_fills_what_was_listed() -> None:
    z = zarr.zeros((10, 4), chunks=([8, 8], 4))
    z.append(np.ones((10, 4)))
    assert z.chunks == ((8, 8, 4), 4)
    assert z[...].sum() == 40


def test_appending_to_listed_shards_adds_whole_shards() -> None:
    z = zarr.array(np.arange(10), chunks=2, shards=[[4, 6]])
    z.append(np.arange(10, 15))
    assert z.shards == ((4, 6, 5),)
    assert shapes_in(z.store) == [[4, 6, 6]]
    z.append(np.arange(15, 17))
    assert shapes_in(z.store) == [[4, 6, 6, 2]]
    assert z[...].tolist() == list(range(17))


@pytest.mark.parametrize("options", [{"chunks": [[4, 6]]}, {"chunks": 2, "shards": [[4, 6]]}])
def test_what_an_interrupted_append_leaves_is_not_in_the_way(options: Any) -> None:
    class Full(zarr.MemoryStore):
        """A store that takes no documents."""

        full = False

        def __setitem__(self, key: str, value: Any) -> None:
            if self.full and key.endswith("zarr.json"):
                raise OSError("no space left")
            super().__setitem__(key, value)

    store = Full()
    z = zarr.create(10, dtype="i4", store=store, **options)
    z[...] = 7
    store.full = True
    with pytest.raises(OSError, match="no space left"):
        z.append(np.ones(6))
    store.full = False
    z = zarr.open_array(store)
    assert z[...].tolist() == [7] * 10
    z.append(np.full(3, 5))
    assert z[...].tolist() == [7] * 10 + [5] * 3
    z.resize(16)
    assert z[...].tolist() == [7] * 10 + [5] * 3 + [0] * 3


def test_another_handle_sees_chunks_that_were_added() -> None:
    z = zarr.array(np.arange(10), chunks=[[4, 6]])
    other = zarr.Array(z.store, cache_metadata=False)
    assert other[9] == 9
    z.append(np.arange(10, 13))
    assert other.shape == (13,)
    assert other[12] == 12
    assert other.chunks == ((4, 6, 3),)


def test_rows_are_appended_one_by_one() -> None:
    z = zarr.zeros((0, 3), chunks=([4], 3), dtype="i4")
    for i in range(9):
        z.append(np.full((1, 3), i))
    assert z[:, 0].tolist() == list(range(9))
    assert z.chunks[0][:2] == (4, 1)


# -- the rest of an array ----------------------------------------------------------------


def test_info() -> None:
    z = zarr.zeros((35, 21), chunks=[[10, 20, 5], [7, 7, 7]])
    assert "Chunk shape        : ([10, 20, 5], [3 * 7])\n" in repr(z.info)
    assert "Shard shape" not in repr(z.info)
    assert ">([10, 20, 5], [3 * 7])</td>" in z.info._repr_html_()
    many = zarr.zeros(1000, chunks=[list(range(1, 50))])
    assert "[1, 2, 3, 4, 5, 6, 7, 8, …]" in repr(many.info)


def test_info_of_shards() -> None:
    z = zarr.zeros((100, 30), shards=(50, 30), chunks=(10, 5))
    text = repr(z.info)
    assert "Chunk shape        : (10, 5)\nShard shape        : (50, 30)\n" in text
    assert "No. " in text
    listed = zarr.zeros((100, 30), shards=([60, 40], 30), chunks=(10, 5))
    assert "Shard shape        : ([60, 40], 30)\n" in repr(listed.info)
    assert zarr.zeros(3).shards is None


def test_iteration_reads_each_chunk_once() -> None:
    z = zarr.array(np.arange(20), chunks=[[3, 10, 7]])
    assert list(z) == list(range(20))
    assert list(z.islice(2, 15)) == list(range(2, 15))


def test_blocks() -> None:
    z = zarr.array(np.arange(40).reshape(10, 4), chunks=([1, 6, 3], [3, 1]))
    assert z.blocks[1].tolist() == z[1:7].tolist()
    assert z.blocks[-1, 1].tolist() == z[7:, 3:].tolist()
    z.blocks[1:, 0] = 5
    assert (z[1:, :3] == 5).all()
    assert z[:, 3].tolist() == list(range(3, 40, 4))
    with pytest.raises(IndexError):
        z.blocks[3]


def test_views_and_arrays_alike() -> None:
    z = zarr.array(np.arange(10), chunks=[[4, 6]], dtype="<i4")
    assert zarr.zeros_like(z).chunks == ((4, 6),)
    assert zarr.array(z).chunks == ((4, 6),)
    assert z.astype("f8")[3:6].tolist() == [3, 4, 5]
    assert z.view(dtype="u4")[9] == 9
    with_empty = zarr.zeros(10, chunks=[[4, 6]], write_empty_chunks=False)
    with_empty[...] = 0
    assert with_empty.nchunks_initialized == 0


def test_conversion_to_version_2_needs_other_chunks() -> None:
    store: dict[str, bytes] = {}
    z = zarr.array(np.arange(10), chunks=[[4, 6]], store=store)
    with pytest.raises(ValueError, match="different lengths"):
        zarr.convert(store, 2)
    zarr.convert(store, 2, rewrite_chunks=True)
    z = zarr.open_array(store)
    assert z.chunks == (6,)
    assert z[...].tolist() == list(range(10))


def test_copies_resume_by_whole_chunks() -> None:
    source = zarr.group(zarr_format=3)
    source.create_dataset("a", data=np.arange(40), chunks=[[10, 25, 5]])
    dest = zarr.group(zarr_format=3)
    made = dest.create_dataset("a", shape=40, dtype="i8", chunks=[[10, 25, 5]])
    made[:10] = np.arange(10)
    zarr.copy(source["a"], dest, if_exists="skip_initialized")
    assert dest["a"][...].tolist() == list(range(40))
    assert dest["a"].chunks == ((10, 25, 5),)


def test_hdf5_gets_chunks_of_one_length(tmp_path: Any) -> None:
    h5py = pytest.importorskip("h5py")
    g = zarr.group(zarr_format=3)
    g.create_dataset("a", data=np.arange(40), chunks=[[10, 25, 5]], compressor=None)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        zarr.copy(g["a"], file)
        assert file["a"][...].tolist() == list(range(40))
