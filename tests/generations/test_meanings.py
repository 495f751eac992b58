"""What one name means in code for 2.x and in code for the 3.x library, and what serves both.

Each test says what 2.17 and 3.4.2 do.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import pickle

import numcodecs
import numpy as np
import pytest

import zarr
from zarr import errors
from zarr.abc.store import RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import default_buffer_prototype
from zarr.core.group import ConsolidatedMetadata, GroupMetadata
from zarr.core.metadata import ArrayV2Metadata, ArrayV3Metadata

VERSIONS = pytest.mark.parametrize("version", [2, 3])


# -- errors: one class where either library has one of its own -----------------------------


@pytest.mark.parametrize(
    ("name", "bases"),
    [
        # 2.17: ValueError; 3.4.2: ValueError and FileNotFoundError.
        ("ArrayNotFoundError", (ValueError, FileNotFoundError)),
        ("GroupNotFoundError", (ValueError, FileNotFoundError)),
        # zarr.open where nothing is. 2.17: this; 3.4.2: GroupNotFoundError.
        ("PathNotFoundError", (ValueError, FileNotFoundError, errors.GroupNotFoundError)),
        # 3.4.2 raises FileExistsError for mode 'w-', and NodeTypeValidationError for another kind.
        ("ContainsArrayError", (ValueError, FileExistsError, errors.NodeTypeValidationError)),
        ("ContainsGroupError", (ValueError, FileExistsError, errors.NodeTypeValidationError)),
        # 2.17: PermissionError; 3.4.2: ValueError.
        ("ReadOnlyError", (PermissionError, ValueError)),
        # 2.17: KeyError; 3.4.2: ValueError.
        ("NotConsolidatedError", (KeyError, ValueError)),
        ("MetadataError", (ValueError, errors.MetadataValidationError)),
        ("ExtensionNotFoundError", (errors.UnknownCodecError, errors.DataTypeValidationError)),
        ("ChunkNotFoundError", (LookupError, ValueError)),
        ("BaseZarrError", (errors.ZarrError,)),
    ],
)
def test_errors_are_those_of_both(name, bases) -> None:
    assert all(issubclass(getattr(errors, name), base) for base in bases)


def test_errors_about_nodes_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(errors.ArrayNotFoundError("a", "store", "hint")))

    assert (str(error), error.path) == ("array not found at path 'a' in store: hint", "a")


def test_contains_error_takes_the_arguments_of_either() -> None:
    # 2.17: (path); 3.4.2: (store, path) or (message).
    store = zarr.MemoryStore()

    assert errors.ContainsArrayError("a").path == "a"
    assert errors.ContainsArrayError(store, "a").path == "a"


def test_missing_consolidated_metadata() -> None:
    # 2.17: KeyError; 3.4.2: ValueError.
    with pytest.raises(KeyError) as caught:
        zarr.open_consolidated(zarr.group().store)
    assert isinstance(caught.value, ValueError)


def test_opening_a_group_as_an_array() -> None:
    # 2.17: ContainsGroupError; 3.4.2: NodeTypeValidationError.
    with pytest.raises(errors.ContainsGroupError) as caught:
        zarr.open_array(zarr.group().store, mode="r")
    assert isinstance(caught.value, errors.NodeTypeValidationError)


# -- settings --------------------------------------------------------------------------------


def test_settings_by_name_and_as_a_whole() -> None:
    # 2.17: none. 3.4.2: get(key, default), set({...}) or set(**), for good or for a block.
    assert zarr.config.get().workers >= 1
    with zarr.config.set({"array.write_empty_chunks": True, "async.concurrency": 3}):
        assert zarr.config.get("array.write_empty_chunks") is True
        assert zarr.config.get("async") == {"concurrency": 3, "timeout": None}
        assert zarr.create_array(shape=3, dtype="i4").write_empty_chunks
    assert zarr.config.get("array.write_empty_chunks") is False
    assert zarr.config.get("nothing.there", 5) == 5
    with pytest.raises(KeyError):
        zarr.config.get("nothing.there")
    with pytest.raises(TypeError):
        zarr.config.set(nothing=1)


def test_settings_of_both_that_mean_the_same() -> None:
    with zarr.config.set({"threading.max_workers": 1}):
        assert zarr.config.get().workers == 1
    with zarr.config.set(workers=2):
        assert zarr.config.get("threading.max_workers") == 2


def test_default_format() -> None:
    # 2.17: 2; 3.4.2: 3, by the setting default_zarr_format.
    assert zarr.zeros(3).zarr_format == zarr.group().zarr_format == 2
    assert zarr.create_array(shape=3, dtype="i4").zarr_format == 3
    with zarr.config.set(default_zarr_format=3):
        assert zarr.zeros(3).zarr_format == zarr.group().zarr_format == 3
        # What only format 2 has decides.
        assert zarr.zeros(3, compressor=numcodecs.Zlib()).zarr_format == 2
        assert zarr.zeros(3, dimension_separator="/").zarr_format == 2


def test_default_format_in_stores_of_the_3_x_library(tmp_path) -> None:
    # 3.4.2: the setting, which is 3 unless somebody sets it.
    stores = [zarr.storage.WrapperStore(zarr.MemoryStore()), zarr.storage.LocalStore(tmp_path)]
    for store in (*stores, zarr.storage.ManagedMemoryStore()):
        assert zarr.open_group(store, mode="w").zarr_format == 3
        with zarr.config.set(default_zarr_format=2):
            assert zarr.open_group(store, mode="w").zarr_format == 2
            assert zarr.zeros(3, store=store, overwrite=True).zarr_format == 2
    with zarr.config.set(default_zarr_format=2):
        assert zarr.group(zarr.MemoryStore(), zarr_format=3).zarr_format == 3


# -- creating ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "given", "expected"),
    [
        (2, {}, 0),  # both: zero of the dtype
        (2, {"fill_value": None}, None),  # both: null in the document
        (3, {}, 0),
        (3, {"fill_value": None}, 0),  # 3.4.2: the default of the dtype
        (3, {"fill_value": 7}, 7),
    ],
)
def test_fill_value_omitted_or_none(version, given, expected) -> None:
    z = zarr.create_array(shape=3, dtype="i4", zarr_format=version, **given)
    member = zarr.create_group(zarr_format=version).create_array(
        "a", data=np.zeros(3, "i4"), **given
    )

    assert z.fill_value == member.fill_value == expected
    assert z.metadata.fill_value == expected


def test_group_create_takes_the_arguments_of_either() -> None:
    # 2.17: those of zarr.create; 3.4.2: those of create_array.
    root = zarr.group()

    assert root.create("a", shape=4, chunks=2, compressor=None).compressor is None
    z = root.create("b", shape=4, dtype="i2", chunks="auto", config={"write_empty_chunks": True})
    assert z.write_empty_chunks
    assert root.create("c", data=np.arange(3))[:].tolist() == [0, 1, 2]


def test_settings_are_items_of_zarr_config() -> None:
    assert zarr.config["array.order"] == "C"
    with zarr.config.set(default_zarr_format=3):
        assert zarr.config["default_zarr_format"] == 3
    assert "async.concurrency" in zarr.config
    assert "codecs" in zarr.config
    assert "array.nothing" not in zarr.config
    with pytest.raises(KeyError, match=r"array\.nothing"):
        assert not zarr.config["array.nothing"]


@VERSIONS
def test_fields_of_info(version) -> None:
    group = zarr.open_group(zarr.MemoryStore(), mode="w", zarr_format=version)
    z = group.create_array("a", shape=(4, 6), chunks=(2, 3), dtype="i4", fill_value=7)
    info = z.info
    assert (info._shape, info._chunk_shape, info._fill_value) == ((4, 6), (2, 3), 7)
    assert info._compressors == z.compressors
    assert len(info._compressors) == 1
    assert (info._zarr_format, group.info._zarr_format) == (version, version)
    with pytest.raises(AttributeError, match="_nothing"):
        assert not info._nothing


@VERSIONS
def test_config_is_honoured(version) -> None:
    store = zarr.MemoryStore()
    zarr.create_array(store, name="a", shape=4, chunks=2, dtype="i4", zarr_format=version)
    for write_empty, count in ((False, 0), (True, 2)):
        config = {"write_empty_chunks": write_empty}
        for open_it in (zarr.open, zarr.open_array):
            z = open_it(store=store, path="a", config=config)
            z[:] = 0
            assert (z.config.write_empty_chunks, z.nchunks_initialized) == (write_empty, count)
    z = zarr.create((4, 3), config={"order": "F", "write_empty_chunks": False})
    assert (z.order, z.write_empty_chunks) == ("F", False)


def test_object_codec_among_the_filters() -> None:
    # 2.17 adds a second one, and fails to write; 3.4.2: these are all the filters.
    for dtype in (str, zarr.dtype.VariableLengthUTF8()):
        z = zarr.create_array(shape=2, dtype=dtype, filters=[numcodecs.VLenUTF8()], zarr_format=2)
        z[:] = ["a", "bb"]
        assert z.filters == [numcodecs.VLenUTF8()]
        assert z[:].tolist() == ["a", "bb"]


# -- nodes ---------------------------------------------------------------------------------------


@VERSIONS
def test_codecs_by_kind(version) -> None:
    # 3.4.2: codecs of numcodecs in format 2, with no serializer; its own in format 3.
    codec = {2: numcodecs.Zlib(3), 3: zarr.codecs.GzipCodec(level=3)}[version]
    z = zarr.create_array(shape=3, dtype="i4", compressors=codec, zarr_format=version)

    assert z.compressors == (codec,)
    assert z.serializer == {2: None, 3: zarr.codecs.BytesCodec(endian="little")}[version]
    assert z.compressor is not None  # 2.17's name, an error in format 3 of 3.4.2


def test_chunk_sizes() -> None:
    z = zarr.create_array(shape=(10, 4), chunks=(2, 4), shards=(6, 4), dtype="i4")

    assert z.read_chunk_sizes == ((2, 2, 2, 2, 2), (4,))
    assert z.write_chunk_sizes == ((6, 4), (4,))


def test_members_by_depth() -> None:
    root = zarr.create_group()
    root.create_array("a/b/c", shape=3, dtype="i4")

    assert [path for path, _ in root.members()] == ["a"]
    assert [path for path, _ in root.members(max_depth=1)] == ["a", "a/b"]
    assert [path for path, _ in root.members(max_depth=None)] == ["a", "a/b", "a/b/c"]
    assert (root.nmembers(), root.nmembers(None)) == (1, 3)
    assert [g.name for g in root.group_values()] == ["/a"]
    assert [z.name for z in root["a/b"].array_values()] == ["/a/b/c"]
    with pytest.raises(ValueError, match="max_depth"):
        root.members(max_depth=-1)
    with pytest.raises(TypeError, match="array"):
        root.get_group("a/b/c")
    with pytest.raises(TypeError, match="group"):
        root.get_array("a")


def test_require_array() -> None:
    root = zarr.create_group()
    z = root.require_array("a", shape=3, dtype="i4", config={"write_empty_chunks": True})

    assert z.write_empty_chunks
    assert root.require_array("a", shape=3, dtype="i4") == z
    with pytest.raises(TypeError, match="shape"):
        root.require_array("a", shape=4, dtype="i4")
    with pytest.raises(TypeError, match="dtypes"):
        root.require_array("a", shape=3, dtype="f8")


@VERSIONS
def test_update_attributes(version) -> None:
    root = zarr.group(zarr_format=version)
    z = root.zeros("z", shape=3)
    for node in (root, z):
        node.attrs["a"] = 1
        assert node.update_attributes({"b": 2}) is node
        assert node.attrs.asdict() == node.metadata.attributes == {"a": 1, "b": 2}


def test_coroutines_of_an_array() -> None:
    z = zarr.array([1, 2, 3])

    assert asyncio.run(z._async_array.getitem(slice(1, None))).tolist() == [2, 3]
    assert zarr.Array(_async_array=z.async_array) == z


# -- metadata as values ----------------------------------------------------------------------------


def arrays(version):
    group = zarr.create_group(zarr_format=version)
    plain = {"zarr_format": version}
    yield group.create_array("a", shape=(4, 6), chunks=(2, 3), dtype=">i2", fill_value=3)
    yield group.create_array("b", shape=(), dtype="f4", fill_value=np.nan, attributes={"u": "m"})
    yield group.create_array("c", shape=3, dtype=str)
    yield group.create_array("d", shape=3, dtype="M8[ns]")
    yield group.create_array("e", shape=3, dtype="U4", fill_value="ab")
    yield group.create_array("f", shape=3, dtype=[("x", "i4"), ("y", "f8")])
    yield zarr.zeros((3, 4), order="F", **plain)
    yield group.create_array("g", shape=3, dtype=bytes)
    yield group.create_array("h", shape=3, dtype="c8", fill_value=1 + 2j)
    yield zarr.zeros(3, filters=[numcodecs.Delta("f8")], **plain)


@VERSIONS
def test_metadata_describe_the_array_and_make_it_again(version) -> None:
    kind = {2: ArrayV2Metadata, 3: ArrayV3Metadata}[version]
    for z in arrays(version):
        metadata = z.metadata
        assert type(metadata) is kind
        assert (metadata.shape, metadata.chunks) == (z.shape, z.chunks)
        assert metadata.attributes == z.attrs.asdict()
        assert kind.from_dict(metadata.to_dict()) == metadata
        assert kind.from_dict(json.loads(json.dumps(metadata.to_dict()))) == metadata
        assert dataclasses.replace(metadata) == metadata
        assert dataclasses.replace(metadata, attributes={"x": 1}) != metadata
        assert metadata.update_shape(z.shape) == metadata
        ((_, made),) = zarr.group(zarr_format=version).create_hierarchy({"x": metadata})
        assert made.metadata == metadata
        assert made.dtype == z.dtype


@VERSIONS
def test_metadata_as_documents(version) -> None:
    from zarr.core.buffer import default_buffer_prototype

    root = zarr.create_group(zarr_format=version, attributes={"a": 1})
    z = root.create_array("z", shape=3, dtype="i4", attributes={"b": 2})
    for node in (root, z):
        documents = node.metadata.to_buffer_dict(default_buffer_prototype())
        for key, buffer in documents.items():
            path = f"{node.path}/{key}".lstrip("/")
            assert json.loads(buffer.to_bytes()).keys() >= json.loads(node.store[path]).keys()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"codecs": [{"name": "nope"}]}, errors.UnknownCodecError),
        ({"unheard_of": 1}, errors.MetadataValidationError),
        ({"data_type": "zzz"}, errors.DataTypeValidationError),
        ({"node_type": "group"}, errors.NodeTypeValidationError),
        ({"zarr_format": 2}, errors.MetadataValidationError),
        ({"shape": [-1]}, ValueError),
        ({"fill_value": "text"}, errors.MetadataValidationError),
        ({"chunk_grid": {"name": "round", "configuration": {}}}, errors.MetadataValidationError),
    ],
)
def test_invalid_metadata_are_refused(changes, error) -> None:
    members = zarr.create_array(shape=3, dtype="i4").metadata.to_dict()

    with pytest.raises(error):
        ArrayV3Metadata.from_dict({**members, **changes})


def test_metadata_of_groups() -> None:
    metadata = GroupMetadata({"a": 1})

    assert GroupMetadata.from_dict(metadata.to_dict()) == metadata
    assert metadata.to_dict() == {"attributes": {"a": 1}, "zarr_format": 3, "node_type": "group"}
    with pytest.raises(errors.MetadataValidationError):
        GroupMetadata(zarr_format=4)
    with pytest.raises(errors.NodeTypeValidationError):
        GroupMetadata.from_dict({"node_type": "array"})


@VERSIONS
def test_consolidated_group(version) -> None:
    store = zarr.MemoryStore()
    z = zarr.group(store, zarr_format=version).zeros("a/b", shape=4, chunks=2)
    zarr.consolidate_metadata(store)
    root = zarr.open_consolidated(store)
    copies = root.metadata.consolidated_metadata

    assert isinstance(copies, ConsolidatedMetadata)
    assert {*copies.metadata} == {"a", "a/b"}
    assert copies.metadata["a/b"] == z.metadata
    plain = zarr.open_group(store, use_consolidated=False)
    assert plain.metadata.consolidated_metadata is None
    # 3.4.2: the store of such a group is the store itself. 2.17: it has metadata only.
    zarr.open(store=root.store, path="a/b", mode="r+")[:] = 7
    assert z[:].tolist() == [7, 7, 7, 7]


def test_groups_tell_of_copies_in_their_document() -> None:
    # 2.17: no format 3. 3.4.2 looks members up in them, unless use_consolidated is False. Here
    # they are only shown: anndata refuses to change a group that has copies.
    store = zarr.MemoryStore()
    z = zarr.create_group(store).create_array("a/b", shape=4, dtype="i4")
    zarr.consolidate_metadata(store)
    late = zarr.open_group(store, use_consolidated=False).create_group("a/late")

    for root in (zarr.open(store), zarr.open_group(store, mode="r")):
        copies = root.metadata.consolidated_metadata
        assert dict(copies.metadata) == {"a": GroupMetadata(), "a/b": z.metadata}
        assert dict(root["a"].metadata.consolidated_metadata.metadata) == {"b": z.metadata}
        assert root.metadata == GroupMetadata.from_dict(root.metadata.to_dict())
        assert root.metadata == pickle.loads(pickle.dumps(root.metadata))
        assert root["a/late"].path == late.path
    plain = zarr.open(store, use_consolidated=False)
    assert plain["a"].metadata.consolidated_metadata is None
    assert late.metadata.consolidated_metadata is None


def test_groups_tell_of_copies_under_a_key_of_their_own() -> None:
    # The same in format 2, where 2.17 does not tell.
    requests: list[str] = []

    class Recording(zarr.MemoryStore):
        def __getitem__(self, key: str) -> bytes:
            requests.append(key)
            return super().__getitem__(key)

        def __contains__(self, key: object) -> bool:
            requests.append(str(key))
            return super().__contains__(key)

    store = Recording()
    z = zarr.group(store).zeros("a/b", shape=4)
    zarr.consolidate_metadata(store)
    late = zarr.open_group(store).create_group("late")

    root = zarr.open_group(store, mode="r")
    requests.clear()
    metadata = root.metadata
    assert (metadata.zarr_format, metadata.attributes) == (2, {})
    assert not any(".zmetadata" in key for key in requests)
    copies = metadata.consolidated_metadata
    assert {*copies.metadata} == {"a", "a/b"}
    assert copies.metadata["a/b"] == z.metadata
    assert dict(root["a"].metadata.consolidated_metadata.metadata) == {"b": z.metadata}
    assert metadata == GroupMetadata({}, 2, copies)
    assert GroupMetadata({}, 2, copies) == metadata
    assert metadata != GroupMetadata({}, 2)
    assert metadata == pickle.loads(pickle.dumps(metadata))
    assert repr(metadata) == repr(GroupMetadata({}, 2, copies))
    assert dataclasses.replace(metadata, attributes={"x": 1}).consolidated_metadata == copies
    assert late.metadata.consolidated_metadata is None
    assert root["late"].metadata.consolidated_metadata is None
    plain = zarr.open_group(store, use_consolidated=False)
    assert plain.metadata.consolidated_metadata is None
    assert plain["a"].metadata.consolidated_metadata is None
    alone = zarr.open_group(store, path="a", mode="r")  # as in 3.4.2
    assert alone.metadata.consolidated_metadata is None
    assert zarr.group({}).metadata.consolidated_metadata is None


def test_consolidating_format_3_warns_as_clients_expect() -> None:
    # 2.17: no format 3. 3.4.2: ZarrUserWarning. xarray and anndata look for these words.
    store = zarr.MemoryStore()
    zarr.group(store, zarr_format=3)

    words = r"Consolidated metadata is currently not part .* the Zarr format 3 specification\."
    with pytest.warns(errors.ZarrUserWarning, match=words) as caught:
        zarr.consolidate_metadata(store)
    assert caught[0].filename == __file__


def test_other_formats_are_shown_as_one_of_the_two(tmp_path) -> None:
    z = zarr.open_array(zarr.N5Store(tmp_path / "a.n5"), mode="w", shape=(4, 3), chunks=2)

    assert isinstance(z.metadata, ArrayV2Metadata)
    assert z.metadata.shape == (4, 3)


def test_parameters_that_only_the_3_x_library_has() -> None:
    z = zarr.array(np.arange(20).reshape(4, 5), chunks=(2, 5))
    for name in ("basic", "orthogonal", "block"):
        read = getattr(z, f"get_{name}_selection")((slice(0, 1),), prototype=None)
        getattr(z, f"set_{name}_selection")((slice(0, 1),), read, prototype=None)
    mask = np.eye(4, 5, dtype=bool)
    z.set_mask_selection(mask, z.get_mask_selection(mask, prototype=None), prototype=None)
    at = ([0, 3], [1, 4])
    z.set_coordinate_selection(at, z.get_coordinate_selection(at, prototype=None), prototype=None)
    assert np.array_equal(z[:], np.arange(20).reshape(4, 5))

    z.resize(new_shape=(6, 5))
    assert z.shape == (6, 5)


def test_size_stored_is_a_property_and_a_method() -> None:
    z = zarr.ones(4)

    assert z.nbytes_stored == z.nbytes_stored() == asyncio.run(z.async_array.nbytes_stored()) > 0
    assert json.dumps(z.nbytes_stored) == str(z.nbytes_stored)


def test_load_takes_a_path_or_a_version_in_the_second_position(tmp_path) -> None:
    zarr.save(str(tmp_path), a=np.arange(3), b=np.ones(2))

    assert zarr.load(str(tmp_path), "a").tolist() == [0, 1, 2]
    assert zarr.load(str(tmp_path), 2, "b").tolist() == [1, 1]
    assert asyncio.run(zarr.api.asynchronous.load(str(tmp_path), path="a")).tolist() == [0, 1, 2]


def test_group_takes_options_of_a_url() -> None:
    root = zarr.group("memory://meanings", storage_options={"auto_mkdir": True}, overwrite=True)

    assert list(root) == []


def test_ranges_of_a_value_are_read_at_once() -> None:
    prototype = default_buffer_prototype()
    store = zarr.MemoryStore()
    store["a"] = b"0123456789"
    parts = [RangeByteRequest(0, 2), SuffixByteRequest(3), None]

    async def ranges() -> list:
        return [found async for found in store.get_ranges("a", parts, prototype=prototype)]

    with zarr.traffic() as seen:
        found = store.get_ranges_sync("a", parts, prototype=prototype)
        (same,) = asyncio.run(ranges())
    assert [part.to_bytes() for _, part in found] == [b"01", b"789", b"0123456789"]
    assert [part.to_bytes() for _, part in same] == [b"01", b"789", b"0123456789"]
    assert {verb: count.calls for verb, count in seen.of(store).items()} == {
        "get_partial_values": 2
    }


def test_verbs_without_coroutines(tmp_path) -> None:
    prototype = default_buffer_prototype()
    store = zarr.storage.LocalStore(tmp_path)
    place = zarr.storage.StorePath(store, "a") / "b"
    parts = [RangeByteRequest(0, 2), SuffixByteRequest(3), None]
    logged = zarr.storage.LoggingStore(store, log_handler=logging.NullHandler())

    place.set_sync(prototype.buffer.from_bytes(b"0123456789"))
    for held in (store, zarr.storage.WrapperStore(store), logged):
        found = held.get_ranges_sync("a/b", parts, prototype=prototype)
        assert [(n, part.to_bytes()) for n, part in found] == [
            (0, b"01"), (1, b"789"), (2, b"0123456789"),
        ]  # fmt: skip
        with pytest.raises(FileNotFoundError, match="nope"):
            held.get_ranges_sync("nope", parts, prototype=prototype)
        held.set_sync("c", prototype.buffer.from_bytes(b"1"))
        assert held.get_sync("c").to_bytes() == b"1"
        held.delete_sync("c")
        assert held.get_sync("c") is None
    assert logged.counter["get_sync"] == 2
    assert place.get_sync(byte_range=parts[0]).to_bytes() == b"01"
    place.delete_sync()
    assert place.get_sync() is None

    class Coroutines:
        """Without verbs that are no coroutines."""

    with pytest.raises(TypeError, match="coroutines only"):
        zarr.storage.WrapperStore(Coroutines()).get_sync("a")


def zeros_stored(root: zarr.Group) -> int:
    """Return how many chunks are stored of a member to which fill values are written."""
    member = root["a"]
    member[:] = 0
    assert root["a"][:].tolist() == [0, 0]
    return member.nchunks_initialized


OPENED = {
    "zarr_format": (lambda store: zarr.open_group(store, mode="a", zarr_format=None), 0),
    "use_consolidated": (lambda store: zarr.open_group(store, use_consolidated=False), 0),
    "group": (lambda store: zarr.group(store, zarr_format=2), 0),
    "open": (lambda store: zarr.open(store, mode="r+", zarr_format=2), 0),
    "open_consolidated": (lambda store: zarr.open_consolidated(store, zarr_format=2), 0),
    "pickled": (lambda store: pickle.loads(pickle.dumps(OPENED["group"][0](store))), 0),
    "2.x": (lambda store: zarr.open_group(store, mode="r+"), 2),
    "2.x group": (lambda store: zarr.group(store, zarr_version=2), 2),
    "2.x open": (lambda store: zarr.open(store, mode="a"), 2),
    "2.x open_consolidated": (zarr.open_consolidated, 2),
    "missing": (lambda store: zarr.open_group(store, missing="error", zarr_format=2), 2),
}


@pytest.mark.parametrize("way", OPENED)
def test_empty_chunks_of_members(way, tmp_path) -> None:
    # 2.17 stores all chunks of members; 3.4.2 those with other elements than the fill value.
    zarr.group(str(tmp_path)).create_dataset("a", shape=2, chunks=1, dtype="i4")
    zarr.group(str(tmp_path)).create_dataset("below/a", shape=2, chunks=1, dtype="i4")
    zarr.consolidate_metadata(str(tmp_path))
    opened, count = OPENED[way]
    root = opened(str(tmp_path))

    assert zeros_stored(root) == zeros_stored(root["below"]) == count
    with zarr.config.set({"array.write_empty_chunks": True}):
        assert zeros_stored(root) == 2


def test_empty_chunks_of_members_of_new_groups() -> None:
    root = zarr.create_group()
    root.create_array("a", shape=2, chunks=1, dtype="i4")

    assert zeros_stored(root) == 0
