"""The names, parameters and defaults of the API chapters of the 2.17 manual: nothing is missing.

Parameters may be added after those of the manual, if they have defaults. The same of the public
names of zarr-python 3.4.2 without their defaults, of which many clash with those of the manual.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

CALLABLES = """
# 3.1 Array creation
zarr.creation.create(shape, chunks=True, dtype=None, compressor='default', fill_value=0, order='C', store=None, synchronizer=None, overwrite=False, path=None, chunk_store=None, filters=None, cache_metadata=True, cache_attrs=True, read_only=False, object_codec=None, dimension_separator=None, write_empty_chunks=True, *, zarr_version=None, meta_array=None, storage_transformers=(), **kwargs)
zarr.creation.empty(shape, **kwargs)
zarr.creation.zeros(shape, **kwargs)
zarr.creation.ones(shape, **kwargs)
zarr.creation.full(shape, fill_value, **kwargs)
zarr.creation.array(data, **kwargs)
zarr.creation.open_array(store=None, mode='a', shape=None, chunks=True, dtype=None, compressor='default', fill_value=0, order='C', synchronizer=None, filters=None, cache_metadata=True, cache_attrs=True, path=None, object_codec=None, chunk_store=None, storage_options=None, partial_decompress=False, write_empty_chunks=True, *, zarr_version=None, dimension_separator=None, meta_array=None, **kwargs)
zarr.creation.empty_like(a, **kwargs)
zarr.creation.zeros_like(a, **kwargs)
zarr.creation.ones_like(a, **kwargs)
zarr.creation.full_like(a, **kwargs)
zarr.creation.open_like(a, path, **kwargs)

# 3.2 The Array class
zarr.core.Array(store, path=None, read_only=False, chunk_store=None, synchronizer=None, cache_metadata=True, cache_attrs=True, partial_decompress=False, write_empty_chunks=True, zarr_version=None, meta_array=None)
zarr.core.Array.append(data, axis=0)
zarr.core.Array.astype(dtype)
zarr.core.Array.digest(hashname='sha1')
zarr.core.Array.get_basic_selection(selection=Ellipsis, out=None, fields=None)
zarr.core.Array.get_block_selection(selection, out=None, fields=None)
zarr.core.Array.get_coordinate_selection(selection, out=None, fields=None)
zarr.core.Array.get_mask_selection(selection, out=None, fields=None)
zarr.core.Array.get_orthogonal_selection(selection, out=None, fields=None)
zarr.core.Array.hexdigest(hashname='sha1')
zarr.core.Array.info_items()
zarr.core.Array.islice(start=None, end=None)
zarr.core.Array.resize(*args)
zarr.core.Array.set_basic_selection(selection, value, fields=None)
zarr.core.Array.set_block_selection(selection, value, fields=None)
zarr.core.Array.set_coordinate_selection(selection, value, fields=None)
zarr.core.Array.set_mask_selection(selection, value, fields=None)
zarr.core.Array.set_orthogonal_selection(selection, value, fields=None)
zarr.core.Array.view(shape=None, chunks=None, dtype=None, fill_value=None, filters=None, read_only=None, synchronizer=None)
zarr.core.Array.__getitem__(selection)
zarr.core.Array.__setitem__(selection, value)

# 3.3 Groups
zarr.hierarchy.group(store=None, overwrite=False, chunk_store=None, cache_attrs=True, synchronizer=None, path=None, *, zarr_version=None, meta_array=None)
zarr.hierarchy.open_group(store=None, mode='a', cache_attrs=True, synchronizer=None, path=None, chunk_store=None, storage_options=None, *, zarr_version=None, meta_array=None)
zarr.hierarchy.Group(store, path=None, read_only=False, chunk_store=None, cache_attrs=True, synchronizer=None, zarr_version=None, *, meta_array=None)
zarr.hierarchy.Group.__len__()
zarr.hierarchy.Group.__iter__()
zarr.hierarchy.Group.__contains__(item)
zarr.hierarchy.Group.__getitem__(item)
zarr.hierarchy.Group.__enter__()
zarr.hierarchy.Group.__exit__(exc_type, exc_val, exc_tb)
zarr.hierarchy.Group.group_keys()
zarr.hierarchy.Group.groups()
zarr.hierarchy.Group.array_keys(recurse=False)
zarr.hierarchy.Group.arrays(recurse=False)
zarr.hierarchy.Group.visit(func)
zarr.hierarchy.Group.visitkeys(func)
zarr.hierarchy.Group.visitvalues(func)
zarr.hierarchy.Group.visititems(func)
zarr.hierarchy.Group.tree(expand=False, level=None)
zarr.hierarchy.Group.create_group(name, overwrite=False)
zarr.hierarchy.Group.require_group(name, overwrite=False)
zarr.hierarchy.Group.create_groups(*names, **kwargs)
zarr.hierarchy.Group.require_groups(*names)
zarr.hierarchy.Group.create_dataset(name, **kwargs)
zarr.hierarchy.Group.require_dataset(name, shape, dtype=None, exact=False, **kwargs)
zarr.hierarchy.Group.create(name, **kwargs)
zarr.hierarchy.Group.empty(name, **kwargs)
zarr.hierarchy.Group.zeros(name, **kwargs)
zarr.hierarchy.Group.ones(name, **kwargs)
zarr.hierarchy.Group.full(name, fill_value, **kwargs)
zarr.hierarchy.Group.array(name, data, **kwargs)
zarr.hierarchy.Group.empty_like(name, data, **kwargs)
zarr.hierarchy.Group.zeros_like(name, data, **kwargs)
zarr.hierarchy.Group.ones_like(name, data, **kwargs)
zarr.hierarchy.Group.full_like(name, data, **kwargs)
zarr.hierarchy.Group.move(source, dest)

# 3.4 Storage
zarr.storage.MemoryStore(root=None, cls=dict, dimension_separator=None)
zarr.storage.DirectoryStore(path, normalize_keys=False, dimension_separator=None)
zarr.storage.TempStore(suffix='', prefix='zarr', dir=None, normalize_keys=False, dimension_separator=None)
zarr.storage.NestedDirectoryStore(path, normalize_keys=False, dimension_separator='/')
zarr.storage.ZipStore(path, compression=0, allowZip64=True, mode='a', dimension_separator=None)
zarr.storage.ZipStore.close()
zarr.storage.ZipStore.flush()
zarr.storage.DBMStore(path, flag='c', mode=438, open=None, write_lock=True, dimension_separator=None, **open_kwargs)
zarr.storage.DBMStore.close()
zarr.storage.DBMStore.flush()
zarr.storage.LMDBStore(path, buffers=True, dimension_separator=None, **kwargs)
zarr.storage.LMDBStore.close()
zarr.storage.LMDBStore.flush()
zarr.storage.SQLiteStore(path, dimension_separator=None, **kwargs)
zarr.storage.SQLiteStore.close()
zarr.storage.MongoDBStore(database='mongodb_zarr', collection='zarr_collection', dimension_separator=None, **kwargs)
zarr.storage.RedisStore(prefix='zarr', dimension_separator=None, **kwargs)
zarr.storage.LRUStoreCache(store, max_size)
zarr.storage.LRUStoreCache.invalidate()
zarr.storage.LRUStoreCache.invalidate_values()
zarr.storage.LRUStoreCache.invalidate_keys()
zarr.storage.ABSStore(container=None, prefix='', account_name=None, account_key=None, blob_service_kwargs=None, dimension_separator=None, client=None)
zarr.storage.FSStore(url, normalize_keys=False, key_separator=None, mode='w', exceptions=(KeyError, PermissionError, OSError), dimension_separator=None, fs=None, check=False, create=False, missing_exceptions=None, **storage_options)
zarr.storage.ConsolidatedMetadataStore(store, metadata_key='.zmetadata')
zarr.storage.init_array(store, shape, chunks=True, dtype=None, compressor='default', fill_value=None, order='C', overwrite=False, path=None, chunk_store=None, filters=None, object_codec=None, dimension_separator=None, storage_transformers=())
zarr.storage.init_group(store, overwrite=False, path=None, chunk_store=None)
zarr.storage.contains_array(store, path=None)
zarr.storage.contains_group(store, path=None, explicit_only=True)
zarr.storage.listdir(store, path=None)
zarr.storage.rmdir(store, path=None)
zarr.storage.getsize(store, path=None)
zarr.storage.rename(store, src_path, dst_path)
zarr.storage.migrate_1to2(store)

# 3.5 N5
zarr.n5.N5Store(path, normalize_keys=False, dimension_separator='/')

# 3.6 Convenience functions
zarr.convenience.open(store=None, mode='a', *, zarr_version=None, path=None, **kwargs)
zarr.convenience.save(store, *args, zarr_version=None, path=None, **kwargs)
zarr.convenience.load(store, zarr_version=None, path=None)
zarr.convenience.save_array(store, arr, *, zarr_version=None, path=None, **kwargs)
zarr.convenience.save_group(store, *args, zarr_version=None, path=None, **kwargs)
zarr.convenience.copy(source, dest, name=None, shallow=False, without_attrs=False, log=None, if_exists='raise', dry_run=False, **create_kws)
zarr.convenience.copy_all(source, dest, shallow=False, without_attrs=False, log=None, if_exists='raise', dry_run=False, **create_kws)
zarr.convenience.copy_store(source, dest, source_path='', dest_path='', excludes=None, includes=None, flags=0, if_exists='raise', dry_run=False, log=None)
zarr.convenience.tree(grp, expand=False, level=None)
zarr.convenience.consolidate_metadata(store, metadata_key='.zmetadata', *, path='')
zarr.convenience.open_consolidated(store, metadata_key='.zmetadata', mode='r+', **kwargs)

# 3.8 The Attributes class
zarr.attrs.Attributes(store, key='.zattrs', read_only=False, cache=True, synchronizer=None, cached_dict=None)
zarr.attrs.Attributes.__getitem__(item)
zarr.attrs.Attributes.__setitem__(item, value)
zarr.attrs.Attributes.__delitem__(item)
zarr.attrs.Attributes.__iter__()
zarr.attrs.Attributes.__len__()
zarr.attrs.Attributes.keys()
zarr.attrs.Attributes.asdict()
zarr.attrs.Attributes.put(d)
zarr.attrs.Attributes.update(*args, **kwargs)
zarr.attrs.Attributes.refresh()

# 3.9 Synchronization
zarr.sync.ThreadSynchronizer()
zarr.sync.ProcessSynchronizer(path)

# 3.10 Version 3
zarr._storage.v3.RmdirV3()
zarr._storage.v3.KVStoreV3(mutablemapping)
zarr._storage.v3.FSStoreV3(url, normalize_keys=False, key_separator=None, mode='w', exceptions=(KeyError, PermissionError, OSError), dimension_separator=None, fs=None, check=False, create=False, missing_exceptions=None, **storage_options)
zarr._storage.v3.MemoryStoreV3(root=None, cls=dict, dimension_separator=None)
zarr._storage.v3.DirectoryStoreV3(path, normalize_keys=False, dimension_separator=None)
zarr._storage.v3.ZipStoreV3(path, compression=0, allowZip64=True, mode='a', dimension_separator=None)
zarr._storage.v3.RedisStoreV3(prefix='zarr', dimension_separator=None, **kwargs)
zarr._storage.v3.MongoDBStoreV3(database='mongodb_zarr', collection='zarr_collection', dimension_separator=None, **kwargs)
zarr._storage.v3.DBMStoreV3(path, flag='c', mode=438, open=None, write_lock=True, dimension_separator=None, **open_kwargs)
zarr._storage.v3.LMDBStoreV3(path, buffers=True, dimension_separator=None, **kwargs)
zarr._storage.v3.SQLiteStoreV3(path, dimension_separator=None, **kwargs)
zarr._storage.v3.LRUStoreCacheV3(store, max_size)
zarr._storage.v3.ConsolidatedMetadataStoreV3(store, metadata_key='meta/root/consolidated/.zmetadata')
zarr._storage.v3_storage_transformers.ShardingStorageTransformer(_type, chunks_per_shard)
zarr._storage.store.StorageTransformer(_type)
"""  # noqa: E501  a signature is a line

PROPERTIES = {
    "zarr.core.Array": """
        attrs basename blocks cdata_shape chunk_store chunks compressor dtype fill_value filters
        info initialized is_view itemsize meta_array name nbytes nbytes_stored nchunks
        nchunks_initialized ndim oindex order path read_only shape size store synchronizer vindex
        write_empty_chunks""",
    "zarr.hierarchy.Group": """
        store path name read_only chunk_store synchronizer attrs info meta_array""",
}

TOP_LEVEL = """
    create empty zeros ones full array open_array empty_like zeros_like ones_like full_like
    open_like Array group open_group Group MemoryStore DirectoryStore TempStore
    NestedDirectoryStore ZipStore DBMStore LMDBStore SQLiteStore MongoDBStore RedisStore
    LRUStoreCache ABSStore N5Store open save load save_array save_group copy copy_all copy_store
    tree consolidate_metadata open_consolidated ThreadSynchronizer ProcessSynchronizer KVStore
    CopyError MetadataError Blosc Zlib BZ2 LZMA Zstd LZ4 GZip Delta FixedScaleOffset AsType Quantize
    PackBits Categorize Adler32 CRC32 Pickle JSON MsgPack Shuffle VLenUTF8 VLenBytes VLenArray
    DictStore N5FSStore codecs"""

POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD
LINES = [line for line in CALLABLES.splitlines() if line and not line.startswith("#")]


def resolve(dotted: str) -> Any:
    """Return the object of that name, as one who reads the manual would import it."""
    module, parts = "zarr", dotted.split(".")[1:]
    while parts and re.fullmatch("[a-z0-9_]+", parts[0]) and len(parts) > 1:
        module, parts = f"{module}.{parts[0]}", parts[1:]
    found: Any = importlib.import_module(module)
    for part in parts:
        found = getattr(found, part)
    return found


def documented(line: str) -> tuple[str, list[inspect.Parameter]]:
    """Return name and parameters of a line of `CALLABLES`."""
    name, _, rest = line.partition("(")
    function: Any = ast.parse(f"def _({rest}: pass").body[0]
    scope: dict[str, Any] = {}
    exec(compile(ast.Module([function], []), "manual", "exec"), scope)
    return name, list(inspect.signature(scope["_"]).parameters.values())


def actual(name: str) -> list[inspect.Parameter]:
    parameters = list(inspect.signature(resolve(name)).parameters.values())
    is_method = re.search(r"\.[A-Z]\w*\.\w+$", name)
    return parameters[1:] if is_method else parameters


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.partition("(")[0])
def test_signature(line: str) -> None:
    name, wanted = documented(line)
    found = actual(name)
    by_name = {parameter.name: parameter for parameter in found}
    star = {p.kind for p in found}

    for place, parameter in enumerate(wanted):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            assert parameter.kind in star, parameter
        elif name.rpartition(".")[2].startswith("__"):
            assert len(found) == len(wanted)  # Python passes these by position
        else:
            ours = by_name[parameter.name]
            assert ours.default == parameter.default, parameter
            if parameter.kind is POSITIONAL:
                assert (found.index(ours), ours.kind) == (place, POSITIONAL), parameter
            else:
                assert ours.kind in (POSITIONAL, parameter.KEYWORD_ONLY), parameter
    added = [p for p in found if p.name not in {w.name for w in wanted}]
    needed = [
        p.name
        for p in added
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    assert needed == [] or name.rpartition(".")[2].startswith("__")


@pytest.mark.parametrize(
    ("owner", "name"),
    [(owner, name) for owner, names in PROPERTIES.items() for name in names.split()],
)
def test_property(owner: str, name: str) -> None:
    assert isinstance(inspect.getattr_static(resolve(owner), name), property)


@pytest.mark.parametrize("name", TOP_LEVEL.split())
def test_name_at_the_top(name: str) -> None:
    assert resolve(f"zarr.{name}") is not None


def test_default_compressor_is_a_variable_of_the_storage_module() -> None:
    assert resolve("zarr.storage").default_compressor.codec_id == "blosc"


# What `inspect.signature` says of zarr-python 3.4.2, with `...` for any default.
NEWER = Path(__file__).with_name("generations").joinpath("signatures.txt").read_text("utf-8")
STORES = "FsspecStore LocalStore LoggingStore ManagedMemoryStore MemoryStore ObjectStore ZipStore"
ABSTRACT = "zarr.abc.store.Store."
OF_STORES = [
    line.replace(ABSTRACT, f"zarr.storage.{store}.")
    for store in (*STORES.split(), "WrapperStore")
    for line in NEWER.splitlines()
    if ABSTRACT in line
]
BY_ARGUMENTS = "has the parameters of both generations, told apart by the arguments"
OTHER_NAME = "has the name of 2.x, and is passed by position"
DIFFERENT = {
    "zarr.Array": "`_async_array` is taken by a decorator, before the parameters of 2.x",
    "zarr.Group": "`_async_group` is taken by a decorator, before the parameters of 2.x",
    "zarr.Array.get_mask_selection": OTHER_NAME,
    "zarr.Array.set_mask_selection": OTHER_NAME,
    "zarr.Group.get": OTHER_NAME,
    "zarr.storage.LoggingStore.log": "only what derives from it would call it",
    "zarr.storage.MemoryStore": BY_ARGUMENTS,
    "zarr.api.asynchronous.consolidate_metadata": BY_ARGUMENTS,
    **{
        f"{module}.{name}": BY_ARGUMENTS
        for module in ("zarr", "zarr.api.synchronous")
        for name in ("consolidate_metadata", "load")
    },
    **{
        f"zarr.storage.{store}.{name}": BY_ARGUMENTS
        for store in STORES.replace(" LoggingStore", "").split()
        for name in ("get", "get_partial_values", "getsize", "list_prefix")
    },
}
"""Callables whose parameters are not those of zarr-python 3.4.2, with the reason."""


def differences(line: str) -> list[str]:
    """Return what callers of zarr-python 3.4.2 cannot pass to the callable of a line."""
    name, wanted = documented(line.removeprefix("async ").removeprefix("asyncgen "))
    try:
        found = parameters_of(name)
    except AttributeError:
        return ["not here"]
    stars = {p.kind for p in found}
    wanted = [p for p in wanted if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    names, ours = {p.name for p in wanted}, {p.name for p in found}
    by_position = [p.name for p in wanted if p.kind is POSITIONAL]
    missing = [] if inspect.Parameter.VAR_KEYWORD in stars else sorted(names - ours)
    extra = [
        p.name for p in found
        if p.name not in names and p.default is p.empty and p.kind in (POSITIONAL, p.KEYWORD_ONLY)
    ]  # fmt: skip
    if "(*args" not in line:  # functions that always raise an error there
        missing += extra
    order = [p.name for p in found if p.kind is POSITIONAL][: len(by_position)]
    if inspect.Parameter.VAR_POSITIONAL not in stars and order != by_position:
        missing.append(f"{order} instead of {by_position}")
    return missing


def parameters_of(name: str) -> list[inspect.Parameter]:
    """Return the parameters that callers pass, of methods without `self`."""
    callable_ = resolve(name)
    if isinstance(callable_, property):  # of a number that can be called
        return []
    found = list(inspect.signature(callable_).parameters.values())
    return found[1:] if found and found[0].name == "self" else found


@pytest.mark.parametrize(
    "line", [*NEWER.splitlines(), *OF_STORES], ids=lambda line: line.partition("(")[0]
)
def test_signature_of_3_x(line: str) -> None:
    name = line.partition("(")[0].rpartition(" ")[2]

    assert (differences(line) != []) == (name in DIFFERENT), differences(line)


@pytest.mark.parametrize(
    "line",
    [n for n in NEWER.splitlines() if n.startswith("async") and ".storage." not in n],
    ids=lambda line: line.partition("(")[0],
)
def test_coroutines_of_3_x(line: str) -> None:
    kind, name = line.partition("(")[0].split()
    is_of_kind = {"async": inspect.iscoroutinefunction, "asyncgen": inspect.isasyncgenfunction}

    assert is_of_kind[kind](resolve(name))
