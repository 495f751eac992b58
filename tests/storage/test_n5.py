"""N5 trees, shown as version 2."""

from __future__ import annotations

import json
import pickle
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import numcodecs
import numpy as np
import pytest

import zarr
from zarr._system import why_no_name
from zarr.errors import ChunkDecodeError, FSPathExistNotDir, MetadataError, ReadOnlyError
from zarr.n5 import LZ4Block, N5ChunkWrapper, N5FSStore, N5Store, N5View
from zarr.storage import MemoryStore
from zarr.testing import StoreTests
from zarr.testing.stores import FOLDERS, ODD_KEYS

# -- the conformance suite ----------------------------------------------------------------


class N5Tests(StoreTests):
    """The suite without what N5 cannot be: a mapping that keeps any value at any key.

    Documents are made from another file, numbers joined by dots are chunks, and there is
    no fill value but zero.
    """

    dtypes = ("<i4", "<f8", "|u1")
    leaves = ("0", "10", "data.bin", "0 0", ".zmetadata", "x.json")
    folders = tuple(name for name in FOLDERS if not why_no_name(name))
    odd_keys = tuple(
        key for key in ODD_KEYS if "0.0" not in key and not any(map(why_no_name, key.split("/")))
    )

    @pytest.fixture(autouse=True)
    def only_version_2(self, request: pytest.FixtureRequest) -> None:
        call = getattr(request.node, "callspec", None)
        given = call.params if call else {}
        if any(str(given.get(name)).startswith("3") for name in ("layout", "version")):
            pytest.skip("N5 is shown as version 2 only")

    # Of documents, and of keys with dots: see the tests below, with those that N5 can be.
    test_document_is_bytes_like = None  # type: ignore[assignment]
    test_listdir = None  # type: ignore[assignment]
    test_list_prefix = None  # type: ignore[assignment]
    test_list_sizes = None  # type: ignore[assignment]
    test_keys_if_few = None  # type: ignore[assignment]
    test_list_folders = None  # type: ignore[assignment]
    test_rmdir = None  # type: ignore[assignment]
    test_rmdir_all = None  # type: ignore[assignment]
    test_rename = None  # type: ignore[assignment]
    test_getsize = None  # type: ignore[assignment]
    # Of arrays filled with -1.
    test_array = None
    test_failed_read_is_told_from_absence = None


class TestN5Store(N5Tests):
    keeps_empty_folders = True

    @pytest.fixture
    def store(self, tmp_path: Path) -> N5View:
        return N5Store(tmp_path / "data.n5")


class TestN5View(N5Tests):
    pickle_shares = False

    @pytest.fixture
    def store(self) -> N5View:
        return N5View(MemoryStore())


class TestN5FSStore(N5Tests):
    bad_keys = tuple(key for key in N5Tests.bad_keys if key.strip("/") != "x")
    keeps_empty_folders = True
    runs = 5

    @pytest.fixture
    def store(self, tmp_path: Path) -> N5View:
        return N5FSStore(f"file://{tmp_path}/data.n5")


# -- fixtures -------------------------------------------------------------------------------


@pytest.fixture
def tree() -> MemoryStore:
    """Return the store in which the N5 tree is."""
    return MemoryStore()


@pytest.fixture
def store(tree: MemoryStore) -> N5View:
    return N5View(tree)


def attributes_in(tree: Any, path: str = "") -> dict[str, Any]:
    return dict(json.loads(bytes(tree[f"{path}/attributes.json".lstrip("/")])))


def put_attributes(tree: Any, path: str = "", **attributes: Any) -> None:
    tree[f"{path}/attributes.json".lstrip("/")] = json.dumps(attributes).encode()


def dataset(**changes: Any) -> dict[str, Any]:
    """Return the attributes of a dataset as other software writes them."""
    return {
        "dimensions": [7, 5],
        "blockSize": [3, 2],
        "dataType": "uint16",
        "compression": {"type": "raw"},
        **changes,
    }


def block(values: np.ndarray[Any, Any], mode: int = 0) -> bytes:
    """Return an N5 block with these values, in the order of Zarr."""
    shape = values.shape[::-1]
    head = struct.pack(f">HH{len(shape)}I", mode, len(shape), *shape)
    count = struct.pack(">I", values.size) if mode == 1 else b""
    return head + count + values.astype(values.dtype.newbyteorder(">")).tobytes()


# -- documents ------------------------------------------------------------------------------


def test_array_in_attributes_json(store: N5View, tree: MemoryStore) -> None:
    z = zarr.zeros((5, 7), chunks=(2, 3), dtype=">i2", store=store, path="foo", compressor=None)
    z.attrs["units"] = "K"
    assert attributes_in(tree, "foo") == {
        "dimensions": [7, 5],
        "blockSize": [3, 2],
        "dataType": "int16",
        "compression": {"type": "raw"},
        "units": "K",
    }
    assert attributes_in(tree) == {"n5": "2.0.0"}
    assert json.loads(store["foo/.zarray"]) == {
        "zarr_format": 2,
        "shape": [5, 7],
        "chunks": [2, 3],
        "dtype": "<i2",
        "compressor": {
            "id": "n5_wrapper",
            "dtype": "<i2",
            "chunk_shape": [2, 3],
            "compressor_config": None,
        },
        "fill_value": 0,
        "order": "C",
        "filters": [],
        "dimension_separator": ".",
    }
    assert json.loads(store["foo/.zattrs"]) == {"units": "K"}
    assert json.loads(store[".zgroup"]) == {"zarr_format": 2}
    for key in ("foo/.zgroup", ".zarray", ".zattrs", "foo/bar/.zgroup", "bar/.zattrs"):
        assert key not in store
        with pytest.raises(KeyError, match=re.escape(key)):
            store[key]
        assert store.getitems([key]) == {}


def test_array_at_the_root(store: N5View, tree: MemoryStore) -> None:
    zarr.zeros(10, chunks=4, store=store)[5:] = 3
    assert attributes_in(tree)["n5"] == "2.0.0"
    assert sorted(tree) == ["1", "2", "attributes.json"]
    assert zarr.open_array(store, mode="r")[:].tolist() == [0] * 5 + [3] * 5
    del store[".zarray"]
    assert ".zgroup" not in store and "attributes.json" not in tree


def test_document_is_the_one_an_array_writes(store: N5View) -> None:
    for dtype in ("u1", "i8", "f4"):
        z = zarr.zeros(5, dtype=dtype, store=store, overwrite=True)
        before = store[".zarray"]
        z.resize(6)
        z.resize(5)
        assert store[".zarray"] == before


def test_attributes_and_shape_leave_each_other_alone(store: N5View, tree: MemoryStore) -> None:
    z = zarr.zeros((4, 6), chunks=2, dtype="u1", store=store, path="a", compressor=None)
    z.attrs.put({"x": 1, "y": [1, 2]})
    z.resize(6, 8)
    assert z.attrs.asdict() == {"x": 1, "y": [1, 2]}
    z.attrs.put({"z": None})
    assert zarr.open_array(store, path="a").shape == (6, 8)
    assert attributes_in(tree, "a")["dimensions"] == [8, 6]
    z.attrs.clear()
    assert "a/.zattrs" not in store
    assert zarr.open_array(store, path="a").shape == (6, 8)


def test_deleted_documents(store: N5View, tree: MemoryStore) -> None:
    group = zarr.group(store)
    group.attrs["x"] = 1
    group.zeros("a", shape=3).attrs["y"] = 2
    del store["a/.zattrs"]
    assert "a/.zarray" in store and "a/.zattrs" not in store
    del store["a/.zarray"]
    assert "a/attributes.json" not in tree
    del store[".zattrs"]
    del store[".zgroup"]
    assert list(tree) == [] and list(store) == []
    for key in (".zgroup", ".zattrs", ".zarray", "a/.zarray"):
        with pytest.raises(KeyError, match=key):
            del store[key]


def test_popped_to_the_last(store: N5View) -> None:
    zarr.group(store).zeros("a/b/c", shape=3, chunks=1)[:] = 1
    store.delitems(["a/.zgroup", ".zgroup"])  # they are groups still
    zarr.open_group(store).attrs["x"] = 1
    keys = set(store)
    assert keys == {
        ".zattrs", ".zgroup", "a/.zgroup", "a/b/.zgroup", "a/b/c/.zarray",
        "a/b/c/0", "a/b/c/1", "a/b/c/2",
    }  # fmt: skip
    popped = set()
    while len(store):
        popped.add(store.popitem()[0])
    assert popped <= keys and list(store.tree) == []


@pytest.mark.parametrize("name", ["n5", "dimensions", "blockSize", "dataType", "compression"])
def test_keywords_are_not_stored(store: N5View, tree: MemoryStore, name: str) -> None:
    group = zarr.group(store)
    z = group.zeros("a", shape=3)
    z[:] = 1
    for node, path in ((group, ""), (z, "a")):
        before = attributes_in(tree, path)
        with pytest.warns(UserWarning, match=f"Attribute {name} is a reserved N5 keyword"):
            node.attrs.update({name: [99], "other": 1})
        assert attributes_in(tree, path) == {**before, "other": 1}
    assert zarr.open_group(store)["a"][:].tolist() == [1, 1, 1]
    assert zarr.open_group(store).attrs.asdict() == {"other": 1}


def test_attributes_that_are_no_json_object(store: N5View) -> None:
    zarr.group(store)
    for value in (b"[1]", b"{", b"\xff"):
        with pytest.raises(MetadataError, match=r"\.zattrs"):
            store[".zattrs"] = value
    with pytest.raises(MetadataError, match="zgroup"):
        store["x/.zgroup"] = b"{}"
    assert zarr.open_group(store).attrs.asdict() == {}


def test_no_zarr_of_version_3(store: N5View, tree: MemoryStore) -> None:
    zarr.group(store).attrs["kept"] = 1
    for make in (zarr.group, lambda *args, **kwargs: zarr.zeros(3, store=args[0], **kwargs)):
        with pytest.raises(ValueError, match="N5"):
            make(store, overwrite=True, zarr_version=3)
    with pytest.raises(ValueError, match="N5"):
        store.setitems({"a/zarr.json": b"{}"})
    assert attributes_in(tree) == {"n5": "2.0.0", "kept": 1}
    assert list(tree) == ["attributes.json"]


# -- what N5 does not have ----------------------------------------------------------------

REFUSED = {
    "complex": ({"dtype": "c8"}, TypeError, "complex64"),
    "long double": ({"dtype": "f16"}, TypeError, "float128"),
    "text": ({"dtype": "U3"}, TypeError, "<U3"),
    "bytes": ({"dtype": "S3"}, TypeError, "S3"),
    "objects": ({"dtype": str}, TypeError, "object"),
    "record": ({"dtype": [("a", "i4")]}, TypeError, "i4"),
    "fill": ({"dtype": "i4", "fill_value": 1}, ValueError, "fill_value 1"),
    "nan": ({"dtype": "f4", "fill_value": np.nan}, ValueError, "fill_value nan"),
    "order": ({"order": "F"}, ValueError, "order 'F'"),
    "filters": ({"dtype": "i4", "filters": [numcodecs.Delta("i4")]}, ValueError, "delta"),
    "block": ({"shape": 2**40, "chunks": 2**31, "dtype": "u1"}, ValueError, "2 GiB"),
}


@pytest.mark.filterwarnings("ignore:N5 has no data type:RuntimeWarning")
@pytest.mark.parametrize(("arguments", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_before_anything_is_written(
    store: N5View,
    tree: MemoryStore,
    arguments: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    arguments = {"shape": 4, **arguments}
    with pytest.raises(error, match=re.escape(message)) as caught:
        zarr.create(store=store, path="a/b", **arguments)
    assert "'a/b/.zarray'" in str(caught.value)
    assert list(tree) == []
    z = zarr.array([1, 2, 3], store=store, path="a/b")
    before = dict(tree)
    with pytest.raises(error):
        zarr.create(store=store, path="a/b", overwrite=True, **arguments)
    with pytest.raises(error):
        store["c/.zarray"] = zarr.create(**arguments).store[".zarray"]
    assert dict(tree) == before
    assert z[:].tolist() == [1, 2, 3]


def test_fill_value_cannot_change(store: N5View) -> None:
    z = zarr.empty(4, store=store)
    assert z.fill_value == 0 and z[:].tolist() == [0] * 4
    with pytest.raises(ValueError, match="fill_value"):
        z.fill_value = 3
    assert z.fill_value == 0


# -- compressions ---------------------------------------------------------------------------

Z = zlib.Z_DEFAULT_COMPRESSION

COMPRESSIONS = [
    (None, {"type": "raw"}),
    (numcodecs.GZip(5), {"type": "gzip", "level": 5, "useZlib": False}),
    (numcodecs.GZip(Z), {"type": "gzip", "level": -1, "useZlib": False}),
    (numcodecs.Zlib(2), {"type": "gzip", "level": 2, "useZlib": True}),
    (numcodecs.BZ2(7), {"type": "bzip2", "blockSize": 7}),
    (numcodecs.LZMA(), {"type": "xz", "preset": 6}),
    (numcodecs.LZMA(preset=1), {"type": "xz", "preset": 1}),
    (LZ4Block(), {"type": "lz4", "blockSize": 65536}),
    (LZ4Block(128), {"type": "lz4", "blockSize": 128}),
    (
        numcodecs.Blosc("zlib", 3, 2, 512),
        {"type": "blosc", "cname": "zlib", "clevel": 3, "shuffle": 2, "blocksize": 512},
    ),
    (
        numcodecs.Blosc(shuffle=numcodecs.Blosc.AUTOSHUFFLE),
        {"type": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0},
    ),
    (numcodecs.Zstd(4), {"type": "zstd", "level": 4}),
    (numcodecs.Zstd(4, checksum=True), {"type": "zstd", "level": 4, "checksum": True}),
]


def check_values(store: N5View, path: str) -> None:
    rng = np.random.default_rng(0)
    z = zarr.open_array(store, mode="r+", path=path)
    values = rng.integers(0, 9, z.shape).astype(z.dtype)
    z[...] = values
    values[1:3, 2:] = 100
    z[1:3, 2:] = 100
    again = zarr.open_array(store, mode="r", path=path)
    assert np.array_equal(again[...], values)
    assert again[2, 3] == 100
    assert np.array_equal(again.vindex[[0, 4], [6, 1]], values[[0, 4], [6, 1]])


@pytest.mark.parametrize(("codec", "compression"), COMPRESSIONS, ids=repr)
def test_compression(
    store: N5View, tree: MemoryStore, codec: Any, compression: dict[str, Any]
) -> None:
    zarr.zeros((5, 7), chunks=(2, 3), dtype="u2", compressor=codec, store=store, path="a")
    assert attributes_in(tree, "a")["compression"] == compression
    check_values(store, "a")
    # As another library's, without the defaults.
    put_attributes(tree, "b", **dataset(compression=compression))
    check_values(store, "b")
    zarr.open_array(store, path="b").resize(9, 9)
    assert attributes_in(tree, "b") == dataset(compression=compression, dimensions=[9, 9])


def test_bytes_are_shuffled_by_bits(store: N5View, tree: MemoryStore) -> None:
    codec = numcodecs.Blosc(shuffle=numcodecs.Blosc.AUTOSHUFFLE)
    zarr.zeros(5, dtype="u1", compressor=codec, store=store)
    assert attributes_in(tree)["compression"]["shuffle"] == numcodecs.Blosc.BITSHUFFLE


@pytest.mark.parametrize(
    ("codec", "compression"),
    [
        (numcodecs.LZ4(3), {"type": "lz4", "acceleration": 3}),
        (
            numcodecs.LZMA(format=2),
            {"type": "lzma", "format": 2, "check": -1, "preset": None, "filters": None},
        ),
    ],
    ids=repr,
)
def test_compression_that_others_lack(
    store: N5View, tree: MemoryStore, codec: Any, compression: dict[str, Any]
) -> None:
    with pytest.warns(RuntimeWarning, match="Not all N5 implementations"):
        z = zarr.zeros((5, 7), chunks=(2, 3), dtype="u2", compressor=codec, store=store, path="a")
    assert attributes_in(tree, "a")["compression"] == compression
    check_values(store, "a")
    z.resize(9, 9)  # says nothing more
    # zarr-python 2 writes the name of the codec, too.
    written = {**compression, "id": codec.codec_id}
    put_attributes(tree, "b", **dataset(compression=written))
    check_values(store, "b")


@pytest.mark.parametrize(
    "compression",
    [
        {"type": "gzip"},
        {"type": "gzip", "level": -1},
        {"type": "gzip", "useZlib": True},
        {"type": "bzip2"},
        {"type": "xz"},
        {"type": "lz4"},
        {"type": "zstd"},
        {"type": "blosc"},
        {"type": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "typesize": 2, "nthreads": 4},
    ],
    ids=str,
)
def test_compression_as_others_write_it(
    store: N5View, tree: MemoryStore, compression: dict[str, Any]
) -> None:
    put_attributes(tree, **dataset(compression=compression))
    check_values(store, "")
    z = zarr.open_array(store)
    z.append(np.zeros((1, 7)))
    assert attributes_in(tree)["compression"] == compression


def test_compression_of_the_first_n5(store: N5View, tree: MemoryStore) -> None:
    attributes = dataset(compressionType="bzip2")
    del attributes["compression"]
    put_attributes(tree, **attributes)
    check_values(store, "")
    assert ".zattrs" not in store


@pytest.mark.parametrize(("name", "dtype"), [("bool", "?"), ("float16", "<f2")])
def test_types_that_only_zarr_python_2_wrote(
    store: N5View, tree: MemoryStore, name: str, dtype: str
) -> None:
    put_attributes(tree, **dataset(dataType=name))
    values = np.array([[1, 0, 1], [0, 1, 1]], dtype)
    tree["1/0"] = block(values)
    z = zarr.open_array(store, mode="r")
    assert z.dtype == dtype
    assert np.array_equal(z[:2, 3:6], values)


# -- blocks -----------------------------------------------------------------------------------

# The examples of the specification: uint16, 1 x 2 x 3 items.
HEADER = "0000 0003 0000 0001 0000 0002 0000 0003"
EXAMPLES = {
    "raw": "0001 0002 0003 0004 0005 0006",
    "bzip2": (
        "425a6839 31415926 5359023e 0dd20000 0040007f 00200031 0c010d31 a8739433 7c5dc914"
        "e1424008 f83748"
    ),
    "gzip": "1f8b0800 00000000 00006360 64606260 66606160 65600300 aaea6dbf 0c000000",
    "xz": (
        "fd377a58 5a000004 e6d6b446 02002101 16000000 742fe5a3 01000b00 01000200 03000400"
        "05000600 0d0309ca 34ec15a7 0001240c a618d8d8 1fb6f37d 01000000 0004595a"
    ),
}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_example_of_the_specification(store: N5View, tree: MemoryStore, kind: str) -> None:
    shape = {"dimensions": [1, 2, 3], "blockSize": [1, 2, 3]}
    put_attributes(tree, **dataset(compression={"type": kind}, **shape))
    data = bytes.fromhex(HEADER + EXAMPLES[kind])
    tree["0/0/0"] = data
    z = zarr.open_array(store, mode="r+")
    assert z.shape == (3, 2, 1) and z.dtype == "u2"
    assert z[...].ravel().tolist() == [1, 2, 3, 4, 5, 6]
    z[...] = z[...]
    assert bytes(tree["0/0/0"])[:16] == data[:16]
    if kind != "gzip":  # which has the time in it
        z[0] = 9
        z[0] = [[1], [2]]
        decoded = N5ChunkWrapper("u2", (3, 2, 1), z.compressor.compressor_config)
        assert decoded.decode(tree["0/0/0"]).ravel().tolist() == [1, 2, 3, 4, 5, 6]
    if kind == "raw":
        assert bytes(tree["0/0/0"]) == data


@pytest.mark.parametrize("mode", [0, 1])
def test_blocks_cut_at_the_edge(store: N5View, tree: MemoryStore, mode: int) -> None:
    put_attributes(tree, **dataset())
    values = np.arange(35, dtype="u2").reshape(5, 7)
    for i, j in np.ndindex(3, 3):
        tree[f"{j}/{i}"] = block(values[2 * i : 2 * i + 2, 3 * j : 3 * j + 3], mode)
    z = zarr.open_array(store)
    assert np.array_equal(z[...], values)
    z.resize(8, 9)
    padded = np.zeros((8, 9), "u2")
    padded[:5, :7] = values
    assert np.array_equal(z[...], padded)
    z[4:, 6:] = padded[4:, 6:] = 1
    assert np.array_equal(zarr.open_array(store)[...], padded)


FULL = np.arange(6, dtype="u2").reshape(2, 3)

BAD_BLOCKS = {
    "empty": (b"", "too few"),
    "short": (block(FULL)[:7], "too few"),
    "mode": (block(FULL, mode=2), "mode 2"),
    "dimensions": (block(FULL[0]), "1 dimensions"),
    "cut": (block(FULL)[:-1], "12 bytes decoded to 11"),
    "longer": (block(FULL) + b"\0", "12 bytes decoded to 13"),
    "bigger": (block(np.zeros((2, 4), "u2")), r"shape \(2, 4\)"),
    "count": (block(FULL, mode=1).replace(b"\0\0\0\x06", b"\0\0\0\x07"), "7 elements"),
    "no count": (block(FULL, mode=1)[:14], "too few"),
    "plain v2": (FULL.tobytes(), "not an N5 block"),
}


@pytest.mark.parametrize(("data", "message"), BAD_BLOCKS.values(), ids=BAD_BLOCKS)
def test_bad_block(store: N5View, tree: MemoryStore, data: bytes, message: str) -> None:
    put_attributes(tree, **dataset())
    tree["1/2"] = data
    z = zarr.open_array(store)
    assert z[:2].tolist() == [[0] * 7] * 2
    for read in (lambda: z[...], lambda: z[4, 3], lambda: z.__setitem__((4, 3), 1)):
        with pytest.raises(ChunkDecodeError, match=rf"'2\.1'.*{message}"):
            read()
    assert tree["1/2"] == data


def test_block_that_would_explode(store: N5View, tree: MemoryStore) -> None:
    bomb = zlib.compress(bytes(50_000_000), 9)
    for compression in ({"type": "gzip", "useZlib": True}, {"type": "zlib", "level": 1}):
        put_attributes(tree, **dataset(compression=compression))
        tree["0/0"] = bytes.fromhex("0000 0002 00000003 00000002") + bomb
        with pytest.raises(ChunkDecodeError, match="more than the 12 bytes"):
            zarr.open_array(store)[...]


def test_blocks_do_not_run_code(store: N5View, tree: MemoryStore) -> None:
    put_attributes(tree, **dataset(compression={"type": "pickle"}))
    tree["0/0"] = bytes.fromhex("0000 0002 00000003 00000002") + pickle.dumps(b"x" * 12)
    with pytest.raises(ChunkDecodeError, match="runs code"):
        zarr.open_array(store)[...]


def test_header_may_be_right_by_chance_only_in_part(store: N5View, tree: MemoryStore) -> None:
    # Chunks of version 2, copied key by key, are not taken for blocks.
    source = MemoryStore()
    zarr.array(np.arange(40, dtype="i4").reshape(5, 8), chunks=(2, 3), store=source)
    for key, value in source.items():
        store[key] = value
    with pytest.raises(ChunkDecodeError, match="not an N5 block"):
        zarr.open_array(store)[...]


def test_a_chunk_of_the_wrong_size_is_not_encoded() -> None:
    codec = N5ChunkWrapper("<i4", (2, 3))
    with pytest.raises(ValueError, match="chunk of shape"):
        codec.encode(np.zeros(5, "i4"))


def test_codec_as_an_object() -> None:
    codec = N5ChunkWrapper("<i4", (2, 3), compressor=numcodecs.GZip(2))
    again = numcodecs.get_codec(json.loads(json.dumps(codec.get_config())))
    assert again == codec == pickle.loads(pickle.dumps(codec))
    assert "(2, 3)" in repr(codec)
    data = codec.encode(FULL.astype("i4"))
    out = np.empty((2, 3), "i4")
    codec.decode(data, out=out)
    assert np.array_equal(out, FULL)


# -- the LZ4 of Java -----------------------------------------------------------------------

# As net.jpountz.lz4.LZ4BlockOutputStream of lz4-java 1.8.0 writes them.
END = "4c5a34426c6f636b 16 00000000 00000000 00000000"
FRAMES = {
    "empty": (65536, b"", END),
    "stored": (
        65536,
        bytes(range(20)),
        "4c5a34426c6f636b 16 14000000 14000000 70ebd107"
        "000102030405060708090a0b0c0d0e0f10111213" + END,
    ),
    "compressed": (
        65536,
        b"abcd" * 40,
        "4c5a34426c6f636b 26 0e000000 a0000000 3ac5f60f 4f61626364040084506461626364" + END,
    ),
    "three": (
        64,
        b"abcd" * 40,
        2 * "4c5a34426c6f636b 20 0e000000 40000000 a8403b0c 4f61626364040024506461626364"
        + "4c5a34426c6f636b 20 0e000000 20000000 4c172508 4f61626364040004506461626364"
        + "4c5a34426c6f636b 10 00000000 00000000 00000000",
    ),
}


@pytest.mark.parametrize(("size", "data", "frames"), FRAMES.values(), ids=FRAMES)
def test_lz4_of_java(size: int, data: bytes, frames: str) -> None:
    codec = LZ4Block(size)
    assert codec.decode(bytes.fromhex(frames)) == data
    assert codec.encode(data) == bytes.fromhex(frames)


@pytest.mark.parametrize("size", [64, 1000, 65536, 1 << 20])
def test_lz4_of_any_length(size: int) -> None:
    rng = np.random.default_rng(size)
    codec = LZ4Block(size)
    for length in (1, 15, 16, 63, 64, 65, 1000, 3 * size, 3 * size + 17):
        data = (rng.integers(0, 3, length) * rng.integers(0, 90, length)).astype("u1").tobytes()
        assert codec.decode(codec.encode(data)) == data


@pytest.mark.parametrize("size", [0, 63, 2**25 + 1])
def test_lz4_of_impossible_size(size: int) -> None:
    with pytest.raises(ValueError, match="block_size"):
        LZ4Block(size)


def test_damaged_lz4() -> None:
    good = LZ4Block().encode(b"abcd" * 40)
    out = np.empty(160, "u1")
    LZ4Block().decode(good, out=out)
    for at in (0, 8, 9, 13, 17, 22, 34, 36):
        bad = bytearray(good)
        bad[at] ^= 0x55
        with pytest.raises((ValueError, RuntimeError)):
            LZ4Block().decode(bad)
    for length in (0, 5, 20, 30, 40, len(good) - 1):
        with pytest.raises((ValueError, RuntimeError)):
            LZ4Block().decode(good[:length])


def test_lz4_that_would_explode(store: N5View, tree: MemoryStore) -> None:
    put_attributes(tree, **dataset(compression={"type": "lz4"}))
    frames = LZ4Block(1 << 25).encode(bytes(1 << 25))
    tree["0/0"] = bytes.fromhex("0000 0002 00000003 00000002") + frames
    with pytest.raises(ChunkDecodeError, match="more than the 12 bytes"):
        zarr.open_array(store)[...]


# -- broken attributes ------------------------------------------------------------------------

BROKEN = {
    "no block size": ({"blockSize": None}, "blockSize"),
    "block size of zero": ({"blockSize": [0, 1]}, "blockSize"),
    "fewer block sizes": ({"blockSize": [1]}, "differ in length"),
    "dimensions": ({"dimensions": 5}, "dimensions"),
    "negative": ({"dimensions": [-1, 2]}, "dimensions"),
    "huge": ({"dimensions": [2**70, 2]}, "shape"),
    "type": ({"dataType": "string"}, "dataType must be one of uint8.*'string'"),
    "list": ({"dataType": ["uint8"]}, "dataType"),
    "no compression": ({"compression": None}, "compression"),
    "no type": ({"compression": {}}, "compression"),
    "unknown": ({"compression": {"type": "jpeg"}}, "jpeg"),
}


@pytest.mark.parametrize(("changes", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_dataset(
    store: N5View, tree: MemoryStore, changes: dict[str, Any], message: str
) -> None:
    group = zarr.group(store)
    group["fine"] = np.arange(3)
    put_attributes(tree, "bad", **dataset(**changes))
    with pytest.raises(MetadataError, match=message) as caught:
        zarr.open_array(store, mode="r", path="bad")[...]
    assert "bad/" in str(caught.value) or message == "jpeg"
    # It does not hide the others.
    assert sorted(group) == ["bad", "fine"]
    assert sorted(store.listdir()) == [".zgroup", "bad", "fine"]
    assert "fine/.zarray" in set(store)
    assert group["fine"][:].tolist() == [0, 1, 2]


def test_attributes_that_are_not_json(store: N5View, tree: MemoryStore) -> None:
    zarr.group(store)["fine"] = np.arange(3)
    tree["bad/attributes.json"] = b"{"
    assert zarr.open_group(store)["fine"][:].tolist() == [0, 1, 2]
    with pytest.raises(MetadataError, match=r"bad/attributes\.json"):
        zarr.open_array(store, path="bad", mode="r")


# -- chunks and their keys ---------------------------------------------------------------------


def test_chunk_keys(store: N5View, tree: MemoryStore) -> None:
    z = zarr.zeros((2, 3, 12), chunks=1, dtype="u1", store=store, path="g/a", compressor=None)
    z[1, 2, 10] = 5
    assert set(tree) - {"attributes.json", "g/attributes.json"} == {
        "g/a/attributes.json",
        "g/a/10/2/1",
    }
    assert sorted(store) == [".zgroup", "g/.zgroup", "g/a/.zarray", "g/a/1.2.10"]
    assert store.listdir("g/a") == [".zarray", "1.2.10"]
    assert "g/a/1.2.10" in store and "g/a/1.2.1" not in store
    assert bytes(store["g/a/1.2.10"])[-1] == 5
    assert z.nchunks_initialized == 1
    assert store.getsize("g/a/1.2.10") == len(tree["g/a/10/2/1"])
    assert store.getitems(["g/a/1.2.10", "g/a/0.0.0"]).keys() == {"g/a/1.2.10"}
    store.rename("g/a/1.2.10", "g/a/0.0.1")
    assert z[0, 0, 1] == 5
    store.rmdir("g/a/0.0.1")  # no folder
    assert z.nchunks_initialized == 1
    del store["g/a/0.0.1"]
    assert z.nchunks_initialized == 0
    with pytest.raises(KeyError, match=re.escape("g/a/0.0.1")):
        del store["g/a/0.0.1"]
    with pytest.raises(KeyError, match=re.escape("g/a/0.0.1")):
        store["g/a/0.0.1"]


def test_array_without_dimensions(store: N5View, tree: MemoryStore) -> None:
    zarr.zeros((), dtype="i4", store=store, path="a")[...] = 7
    assert bytes(tree["a/0"]) == bytes.fromhex("0000 0000 00000007")
    assert sorted(store) == [".zgroup", "a/.zarray", "a/0"]
    assert zarr.open_array(store, path="a", mode="r")[...] == 7
    assert zarr.open_array(store, path="a").nchunks_initialized == 1


def test_nodes_with_names_like_chunks(store: N5View) -> None:
    root = zarr.group(store)
    for n, name in enumerate(("1", "1.2", "2/0", "2/1.0", "0.0/5")):
        root.array(name, np.full((3, 3), n, "u1"), chunks=2)
    assert sorted(root) == ["0.0", "1", "1.2", "2"]
    assert sorted(root["2"]) == ["0", "1.0"]
    chunks = {f"{i}.{j}" for i in (0, 1) for j in (0, 1)}
    assert set(store.listdir("1.2")) == chunks | {".zarray"}
    assert store.listdir("2") == [".zgroup", "0", "1.0"]
    store.rename("1.2", "3.4")
    store.rmdir("1")
    assert root["3.4"][...].tolist() == [[1] * 3] * 3
    assert sorted(root) == ["0.0", "2", "3.4"]
    del root["2/1.0"]
    assert root["2/0"][...].tolist() == [[2] * 3] * 3
    assert {key for key in store if key.startswith("2/0/")} == {
        f"2/0/{name}" for name in (*chunks, ".zarray")
    }


def test_resize_deletes_blocks(store: N5View, tree: MemoryStore) -> None:
    z = zarr.zeros((4, 6), chunks=(2, 2), store=store)
    z[...] = 1
    z.resize(4, 2)
    assert set(tree) == {"attributes.json", "0/0", "0/1"}
    z.resize(4, 6)
    assert z[...].sum() == 8


def test_empty_chunks_need_not_be_stored(store: N5View, tree: MemoryStore) -> None:
    z = zarr.zeros((4, 6), chunks=(2, 2), store=store, write_empty_chunks=False)
    z[...] = 0
    z[0, 5] = 1
    assert set(tree) == {"attributes.json", "2/0"}


def test_sizes(tmp_path: Path) -> None:
    store = N5Store(tmp_path / "a.n5")
    root = zarr.group(store)
    z = root.array("a", np.arange(24, dtype="u1").reshape(4, 6), chunks=2, compressor=None)
    files = [p for p in (tmp_path / "a.n5" / "a").rglob("*") if p.is_file()]
    assert len(files) == 7
    assert z.nbytes_stored == store.getsize("a") == sum(p.stat().st_size for p in files)
    assert store.getsize() == (tmp_path / "a.n5" / "attributes.json").stat().st_size
    assert store.getsize("a/.zarray") == len(store["a/.zarray"])
    assert store.getsize("missing") == store.getsize("a/.zattrs") == 0


# -- the hierarchy ------------------------------------------------------------------------------


def test_folders_without_attributes_are_groups(store: N5View, tree: MemoryStore) -> None:
    # As by N5 software that writes none but those of datasets.
    put_attributes(tree, "c0/deep/s0", **dataset())
    put_attributes(tree, "c0/deep/s1", **dataset(downsamplingFactors=[2, 2]))
    tree["c0/deep/s0/1/2"] = block(FULL[:1])
    tree["readme/1.txt"] = b"no node"
    root = zarr.open(store, mode="r")
    assert isinstance(root, zarr.Group)
    assert str(root.tree()).split() == str(zarr.open_group(store).tree()).split()
    assert sorted(root) == ["c0"] and sorted(root["c0/deep"]) == ["s0", "s1"]
    assert root["c0/deep/s1"].attrs.asdict() == {"downsamplingFactors": [2, 2]}
    assert set(store) == {
        ".zgroup", "c0/.zgroup", "c0/deep/.zgroup", "c0/deep/s0/.zarray", "c0/deep/s1/.zarray",
        "c0/deep/s0/2.1", "c0/deep/s1/.zattrs", "readme/1.txt",
    }  # fmt: skip
    assert all(key in store for key in store)
    assert set(store.list_prefix("c0/deep/s0")) == {"c0/deep/s0/.zarray", "c0/deep/s0/2.1"}
    assert dict(store.list_sizes("c0/deep")) == {
        "c0/deep/.zgroup": -1, "c0/deep/s0/.zarray": -1, "c0/deep/s1/.zattrs": -1,
        "c0/deep/s1/.zarray": -1, "c0/deep/s0/2.1": len(store["c0/deep/s0/2.1"]),
    }  # fmt: skip
    assert set(store.list_prefix("c0/deep/s0/1")) == set()
    for path in ("c0/deep/s0/1", "readme", "missing", "c0/deep/s0/1/2"):
        assert f"{path}/.zgroup" not in store
        assert ".zgroup" not in store.listdir(path)
    assert store.listdir("c0") == [".zgroup", "deep"]
    group = zarr.open_group(store)
    group["c0"].attrs["x"] = 1
    group.create_group("c0/new")
    assert attributes_in(tree, "c0") == {"x": 1}
    assert sorted(group["c0"]) == ["deep", "new"]


def test_nodes_inside_a_dataset_are_no_groups(store: N5View, tree: MemoryStore) -> None:
    put_attributes(tree, "a", **dataset())
    tree["a/1/0"] = block(FULL)
    put_attributes(tree, "a/extra/b", **dataset())
    assert "a/extra/.zgroup" not in store
    assert set(store) == {".zgroup", "a/.zarray", "a/0.1", "a/extra/b/.zarray"}


def test_move_and_remove(store: N5View) -> None:
    root = zarr.group(store)
    root.array("a/b/x", np.arange(10), chunks=3)
    root["a/b"].attrs["kept"] = True
    root.move("a/b", "c")
    assert root["c"].attrs.asdict() == {"kept": True}
    assert root["c/x"][:].tolist() == list(range(10))
    store.rename("c/.zattrs", "a/.zattrs")
    assert zarr.open_group(store, path="a").attrs.asdict() == {"kept": True}
    assert "c/.zattrs" not in store
    store.rename("c", "c")
    store.rmdir("a/.zattrs")  # no folder
    assert zarr.open_group(store, path="a").attrs.asdict() == {"kept": True}
    del store["a/.zattrs"]
    assert zarr.open_group(store, path="a").attrs.asdict() == {}
    store.rmdir("c")
    assert set(store) == {".zgroup", "a/.zgroup"}
    store.clear()
    assert list(store) == []


class CountingStore(MemoryStore):
    """Notes the keys that it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        self.listed: list[str] = []
        self.batches = 0

    def getitems(self, keys: Any) -> dict[str, Any]:
        self.read += keys
        self.batches += 1
        return super().getitems(keys)

    def listdir(self, path: str = "") -> list[str]:
        self.listed.append(path)
        return super().listdir(path)

    def list_prefix(self, path: str = "") -> Iterator[str]:
        self.listed.append(f"{path}/**")
        return super().list_prefix(path)


def test_listing_a_group_never_walks_chunks() -> None:
    tree = CountingStore()
    root = zarr.group(N5View(tree))
    for n in range(200):
        root.array(f"a{n:03}", np.arange(10), chunks=2)
    tree.listed, tree.read, tree.batches = [], [], 0
    assert len(list(zarr.open_group(N5View(tree), mode="r").array_keys())) == 200
    assert set(tree.listed) <= {""}
    assert len(set(tree.read)) <= 205
    assert tree.batches < 10


def test_chunks_are_read_in_one_batch() -> None:
    tree = CountingStore()
    zarr.zeros(1000, chunks=1, dtype="u1", store=N5View(tree))[:] = 1
    z = zarr.open_array(N5View(tree), mode="r")
    tree.batches = 0
    tree.listed.clear()
    assert z[:].sum() == 1000
    assert tree.batches == 1
    assert set(tree.listed) <= {""}


# -- threads -------------------------------------------------------------------------------------


def in_threads(work: Callable[[int], None], number: int = 8) -> None:
    start = Barrier(number)

    def run(n: int) -> None:
        start.wait()
        work(n)

    with ThreadPoolExecutor(number) as pool:
        list(pool.map(run, range(number)))


def test_threads_do_not_undo_each_other(tmp_path: Path) -> None:
    # Shape and attributes are in one file; each thread has its own objects.
    zarr.zeros((0, 4), chunks=(1, 4), store=N5Store(tmp_path / "a.n5"), path="x", dtype="u1")

    def work(n: int) -> None:
        z = zarr.open_array(N5Store(tmp_path / "a.n5"), path="x", mode="r+")
        for m in range(20):
            if n % 2:
                z.attrs[f"{n}-{m}"] = m
            else:
                z.append(np.full((1, 4), n))

    in_threads(work)
    z = zarr.open_array(N5Store(tmp_path / "a.n5"), path="x", mode="r")
    assert z.shape == (80, 4)
    assert np.bincount(z[:, 0]).tolist() == [20, 0, 20, 0, 20, 0, 20]
    assert len(z.attrs) == 80


def test_threads_write_parts_of_chunks(tmp_path: Path) -> None:
    zarr.zeros(64, chunks=64, store=N5Store(tmp_path / "a.n5"))

    def work(n: int) -> None:
        z = zarr.open_array(N5Store(tmp_path / "a.n5"), mode="r+")
        for m in range(n, 64, 8):
            z[m] = m

    in_threads(work)
    assert np.array_equal(zarr.open_array(str(tmp_path / "a.n5"))[:], np.arange(64))


# -- as an object ----------------------------------------------------------------------------------


def test_opened_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.n5"
    root: Any = zarr.open(path, mode="w")  # type: ignore[arg-type]
    assert type(root.store) is N5Store
    root.zeros("x", shape=3)
    assert sorted(p.name for p in path.iterdir()) == ["attributes.json", "x"]
    assert zarr.open(str(path), mode="r")["x"].shape == (3,)
    zarr.save(str(tmp_path / "b.n5"), np.arange(4))
    assert zarr.load(str(tmp_path / "b.n5")).tolist() == [0, 1, 2, 3]
    with pytest.raises(ReadOnlyError):
        zarr.open_group(str(path), mode="r").create_group("y")


def test_store_as_an_object(tmp_path: Path) -> None:
    path = tmp_path / "a.n5"
    store = N5Store(path, normalize_keys=True, fsync=True)
    assert store.path == str(path)
    assert repr(store) == f"<N5Store: {str(path)!r}>"
    assert f"{type(store).__module__}.{type(store).__qualname__}" == "zarr.n5.N5Store"
    assert zarr.N5Store is zarr.storage.N5Store is N5Store
    assert store == N5Store(path) and store.location == N5Store(path).location
    plain = zarr.DirectoryStore(path)
    assert store != plain and store.location != plain.location
    copy = pickle.loads(pickle.dumps(store))
    assert copy == store and copy.normalize_keys and copy.tree.fsync
    copy["FOO/.zgroup"] = b'{"zarr_format": 2}'
    assert (path / "foo" / "attributes.json").exists()
    z = zarr.zeros(4, store=store, path="z")
    assert pickle.loads(pickle.dumps(z)).shape == (4,)
    assert "zarr.n5.N5Store" in str(z.info)


def test_bad_arguments(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="dimension_separator"):
        N5Store(tmp_path, dimension_separator=".")
    with pytest.raises(ValueError, match="dimension_separator"):
        zarr.zeros(3, store=N5Store(tmp_path), dimension_separator=".")
    assert zarr.zeros((3, 3), store=N5Store(tmp_path), dimension_separator="/").shape == (3, 3)
    (tmp_path / "file").write_text("")
    with pytest.raises(FSPathExistNotDir):
        N5Store(tmp_path / "file")
    with pytest.raises(TypeError):
        N5View("path")  # type: ignore[arg-type]


def test_nothing_is_left_of_writes(tmp_path: Path) -> None:
    z = zarr.zeros((6, 6), chunks=2, store=N5Store(tmp_path / "a.n5"))
    z[...] = 1
    names = {p.name for p in (tmp_path / "a.n5").rglob("*") if p.is_file()}
    assert names == {"attributes.json", "0", "1", "2"}


def test_any_file_system(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="dimension_separator"):
        store = N5FSStore(f"file://{tmp_path}/a.n5", dimension_separator=".")
    values = np.arange(12).reshape(3, 4)
    zarr.group(store).array("x", values, chunks=2)
    assert (tmp_path / "a.n5" / "x" / "1" / "0").exists()
    assert store.path == str(tmp_path / "a.n5") and store.fs.protocol
    assert np.array_equal(zarr.open_group(str(tmp_path / "a.n5"))["x"][:], values)
    reader = N5FSStore(str(tmp_path / "a.n5"), mode="r")
    assert zarr.open_group(reader, mode="r")["x"].shape == (3, 4)
    assert not reader.is_writeable()
    for change in (
        lambda: reader.__setitem__("x/.zattrs", b"{}"),
        lambda: reader.__setitem__("x/0.0", b""),
        lambda: reader.__delitem__("x/.zarray"),
        lambda: reader.rmdir("x"),
    ):
        with pytest.raises(ReadOnlyError):
            change()
    assert pickle.loads(pickle.dumps(store)) == store


def test_tree_in_any_mapping() -> None:
    tree: dict[str, bytes] = {}
    zarr.array(np.arange(10), chunks=4, store=N5View(tree))
    assert sorted(tree) == ["0", "1", "2", "attributes.json"]


# -- copies --------------------------------------------------------------------------------------


def test_copied_key_by_key(store: N5View) -> None:
    root = zarr.group(store)
    root.array("a", np.arange(35).reshape(5, 7), chunks=(2, 3)).attrs["x"] = 1
    plain: dict[str, bytes] = {}
    zarr.copy_store(store, plain)
    assert set(plain) == set(store)
    for copy in (zarr.open_group(plain), zarr.open_group(N5View(dict(store.tree)))):
        assert np.array_equal(copy["a"][...], np.arange(35).reshape(5, 7))
        assert copy["a"].attrs.asdict() == {"x": 1}
    back = N5View(MemoryStore())
    zarr.copy_store(plain, back)
    assert dict(back.tree) == dict(store.tree)


def test_copied_array_by_array(store: N5View) -> None:
    source = zarr.group()
    source.array("a/x", np.arange(35).reshape(5, 7), chunks=(2, 3)).attrs["u"] = 1
    zarr.copy_all(source, zarr.group(store))
    assert np.array_equal(zarr.open_group(store)["a/x"][...], np.arange(35).reshape(5, 7))
    target = zarr.group()
    zarr.copy_all(zarr.open_group(store), target)
    assert np.array_equal(target["a/x"][...], np.arange(35).reshape(5, 7))
    assert target["a/x"].attrs.asdict() == {"u": 1}


def test_consolidated(store: N5View) -> None:
    zarr.group(store).array("a/x", np.arange(5), chunks=2)
    zarr.consolidate_metadata(store)
    assert zarr.open_consolidated(store)["a/x"][:].tolist() == [0, 1, 2, 3, 4]


# -- data types of the 2.x library ---------------------------------------------------------

FOREIGN = {
    "bool": np.array([True, False, True]),
    "float16": np.array([1, 2.5, -3], "f2"),
    "datetime64[s]": np.array(["2020-01-01", "1950-01-01", "NaT"], "M8[s]"),
    "datetime64[ns]": np.array(["2020-01-01", "1950-01-01", "NaT"], ">M8[ns]"),
    "timedelta64[h]": np.array([1, -2, "NaT"], "m8[h]"),
}
"""By the names that zarr-python 2.18.7 writes."""


@pytest.mark.parametrize("data_type", FOREIGN)
def test_data_types_of_no_other_n5_software(
    store: N5View, tree: MemoryStore, data_type: str
) -> None:
    data = FOREIGN[data_type]
    with pytest.warns(RuntimeWarning, match="N5 has no data type"):
        z = zarr.create(3, chunks=2, dtype=data.dtype, fill_value=0, store=store, path="a")
    z[:] = data
    assert attributes_in(tree, "a")["dataType"] == data_type
    z = zarr.open_array(store, path="a", mode="r")
    assert z.dtype == data.dtype.newbyteorder("<")
    assert z[:].tobytes() == data.astype(z.dtype).tobytes()
    assert zarr.open_array(store, path="a")[:].dtype == z.dtype
    # The other spelling that there is.
    put_attributes(tree, "a", **{**attributes_in(tree, "a"), "dataType": z.dtype.str})
    assert zarr.open_array(store, path="a")[:].tobytes() == z[:].tobytes()
