"""Chunk grids, indexers, keys, and the conversion of metadata, by the names of the 3.x library."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

import zarr
import zarr.dtype
from zarr.core.chunk_grids import ChunkGrid
from zarr.core.chunk_key_encodings import (
    DefaultChunkKeyEncoding,
    V2ChunkKeyEncoding,
    parse_chunk_key_encoding,
)
from zarr.core.common import parse_named_configuration, parse_shapelike
from zarr.core.indexing import BasicIndexer, OrthogonalIndexer
from zarr.core.sync_group import create_hierarchy, get_node
from zarr.errors import MetadataValidationError
from zarr.metadata.migrate_v3 import migrate_to_v3, migrate_v2_to_v3, remove_metadata
from zarr.storage import StorePath


def test_chunk_grid() -> None:
    grid = ChunkGrid.from_sizes((10, 6), (4, (1, 5)))

    assert grid.chunk_sizes == ((4, 4, 2), (1, 5))
    assert (grid.grid_shape, grid.get_nchunks(), grid.is_regular) == ((3, 2), 6, False)
    assert list(grid.all_chunk_coords(origin=(2, 0))) == [(2, 0), (2, 1)]
    last = grid[2, 1]
    assert (last.slices, last.codec_shape) == ((slice(8, 10), slice(1, 6)), (4, 5))
    assert (last.shape, last.is_boundary) == ((2, 5), True)
    assert grid[3, 0] is None
    assert len(list(grid)) == len(list(grid.iter_chunk_regions())) == 6
    with pytest.raises(ValueError, match="chunk_sizes"):
        _ = grid.chunk_shape
    with pytest.raises(ValueError, match="shorter"):
        ChunkGrid.from_sizes((10,), ((3, 3),))


@pytest.mark.parametrize("kind", [BasicIndexer, OrthogonalIndexer])
def test_indexers_take_grids_and_tell_complete_chunks(kind) -> None:
    data = np.arange(60).reshape(10, 6)
    grid = ChunkGrid.from_sizes(data.shape, (4, 6))
    out = np.zeros((8, 6), int)
    complete = []
    for coords, inside, outside, whole in kind((slice(2, 10),), shape=(10, 6), chunk_grid=grid):
        out[outside] = data[grid[coords].slices][inside]
        complete.append(whole)

    assert np.array_equal(out, data[2:])
    assert complete == [False, True, True]


def test_chunk_keys() -> None:
    for encoding, key in ((DefaultChunkKeyEncoding(), "c/1/2"), (V2ChunkKeyEncoding(), "1.2")):
        assert encoding.encode_chunk_key((1, 2)) == key
        assert encoding.decode_chunk_key(key) == (1, 2)
        assert parse_chunk_key_encoding(encoding.to_dict()) == encoding
    assert parse_chunk_key_encoding({"name": "v2", "separator": "/"}) == V2ChunkKeyEncoding("/")
    with pytest.raises(MetadataValidationError):
        parse_chunk_key_encoding("nope")
    with pytest.raises(ValueError, match="separator"):
        DefaultChunkKeyEncoding("-")


def test_parsing() -> None:
    assert parse_shapelike(3) == (3,)
    assert parse_named_configuration("a", require_configuration=False) == ("a", None)
    assert parse_named_configuration({"name": "a", "configuration": {}}, "a") == ("a", {})
    for data in ({"configuration": {}}, {"name": "b", "configuration": {}}, {"name": "a"}):
        with pytest.raises(ValueError, match=r"Expected|Named"):
            parse_named_configuration(data, "a")
    with pytest.raises(ValueError, match="non-negative"):
        parse_shapelike([-1])


def test_hierarchy_from_metadata() -> None:
    source = zarr.group(zarr_format=3, attributes={"t": 1})
    z = source.zeros("g/z", shape=(4, 3), dimension_names=["y", "x"])
    nodes = {path: node.metadata for path, node in source.members(max_depth=None)}
    store = zarr.MemoryStore()
    made = dict(create_hierarchy(store=store, nodes={"": source.metadata, **nodes}))

    assert {*made} == {"", "g", "g/z"}
    assert get_node(store, "", 3).attrs.asdict() == {"t": 1}
    assert get_node(store, "g/z", 3).metadata == z.metadata
    with pytest.raises(ValueError, match="contains"):
        list(create_hierarchy(store=store, nodes=nodes))
    list(create_hierarchy(store=store, nodes=nodes, overwrite=True))
    with pytest.raises(TypeError, match="GroupMetadata"):
        create_hierarchy(store=store, nodes={"x": {}})


def test_from_array() -> None:
    z = zarr.create_array(
        shape=6, chunks=2, shards=4, dtype="i2", fill_value=7, attributes={"k": 1},
        dimension_names=["x"], compressors=zarr.codecs.GzipCodec(level=1),
    )  # fmt: skip
    z[:] = range(6)
    like = zarr.from_array({}, data=z)

    assert like.metadata == z.metadata
    assert np.array_equal(like[:], z[:])
    assert zarr.from_array({}, data=z, write_data=False)[:].tolist() == [7] * 6
    assert zarr.from_array({}, data=z, chunks=3, shards=None).chunks == (3,)
    assert zarr.from_array({}, data=np.arange(4)).zarr_format == 3


def test_metadata_of_format_3_next_to_those_of_format_2() -> None:
    store = zarr.MemoryStore()
    root = zarr.group(store, attributes={"t": 1})
    root.zeros("a/b", shape=4, chunks=2)[:] = 5
    before = set(store)
    migrate_v2_to_v3(input_store=store, dry_run=True)
    assert set(store) == before
    migrate_v2_to_v3(input_store=store)
    assert zarr.open_group(store, zarr_format=3)["a/b"][:].tolist() == [5] * 4
    assert zarr.open_group(store, zarr_format=3).attrs.asdict() == {"t": 1}
    asyncio.run(remove_metadata(store, 2))
    assert {key for key in store if ".z" in key} == set()
    with pytest.raises(ValueError, match="force"):
        asyncio.run(remove_metadata(store, 3))
    other = zarr.MemoryStore()
    migrate_to_v3(zarr.zeros(3), StorePath(other, "x"))
    assert set(other) == {"x/zarr.json"}
    with pytest.raises(TypeError, match="v2"):
        migrate_to_v3(zarr.create_array(shape=3, dtype="i4"), StorePath(other, "x"))


def test_what_cannot_be_migrated_leaves_no_part() -> None:
    store = zarr.MemoryStore()
    root = zarr.group(store)
    root.zeros("a", shape=4)
    root.zeros("b", shape=4, dtype="g")
    sealed = zarr.MemoryStore()
    zarr.group(sealed).zeros("a", shape=4)
    zarr.seal(sealed)
    for each in (store, sealed):
        before = set(each)
        with pytest.raises(ValueError, match="sealed" if each is sealed else "float128"):
            migrate_v2_to_v3(input_store=each)
        assert set(each) == before
    migrate_v2_to_v3(input_store=sealed, output_store=(other := zarr.MemoryStore()))
    assert set(other) == {"zarr.json", "a/zarr.json"}


@pytest.mark.parametrize("name", [str, "str", "string"])
@pytest.mark.parametrize("version", [2, 3])
def test_names_of_text_mean_strings_of_any_length(name, version) -> None:
    assert zarr.dtype.parse_dtype(name, zarr_format=version) == zarr.dtype.VariableLengthUTF8()
