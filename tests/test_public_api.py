"""What `zarr` exports, what it is called, and what importing it costs."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import json
import subprocess
import sys

import pytest

import zarr

NUMPY_LIKE = "array empty empty_like full full_like ones ones_like zeros zeros_like"
# The chapters of the manual and the names that each one documents.
CHAPTERS = {
    "zarr": f"""
        Array Blosc Delta DirectoryStore Group KVStore MemoryStore MetadataError
        NestedDirectoryStore ProcessSynchronizer TempStore ThreadSynchronizer codecs create group
        load open open_array open_group open_like save tree {NUMPY_LIKE}""",
    "zarr.creation": f"create open_array open_like {NUMPY_LIKE}",
    "zarr.core": "Array",
    "zarr.hierarchy": "Group group open_group",
    "zarr.attrs": "Attributes",
    "zarr.sync": "ThreadSynchronizer ProcessSynchronizer",
    "zarr.storage": """
        MemoryStore DirectoryStore TempStore NestedDirectoryStore KVStore init_array init_group
        contains_array contains_group listdir rmdir getsize rename atexit_rmtree
        default_compressor normalize_storage_path""",
    "zarr.convenience": "open save load",
}
ARRAY_MEMBERS = """
    append astype attrs basename blocks cdata_shape chunk_store chunks compressor digest dtype
    fill_value filters get_basic_selection get_block_selection get_coordinate_selection
    get_mask_selection get_orthogonal_selection hexdigest info is_view islice itemsize name
    nbytes nbytes_stored nchunks nchunks_initialized ndim oindex order path read_only resize
    set_basic_selection set_block_selection set_coordinate_selection set_mask_selection
    set_orthogonal_selection shape size store synchronizer view vindex write_empty_chunks
    meta_array __array__ __getitem__ __setitem__ __iter__ __len__ __eq__"""
GROUP_MEMBERS = """
    array array_keys arrays attrs basename chunk_store create create_dataset create_group
    create_groups empty empty_like full full_like group_keys groups info keys move name ones
    ones_like path read_only require_dataset require_group require_groups store synchronizer
    tree visit visititems visitkeys visitvalues zeros zeros_like __contains__ __delitem__
    __enter__ __exit__ __getattr__ __getitem__ __iter__ __len__ __setitem__
    _ipython_key_completions_"""
OPTIONAL = {
    *("asyncio", "azure", "berkeleydb", "click", "dask", "fsspec", "h5py", "hypothesis"),
    *("ipytree", "IPython", "lmdb", "msgpack", "obstore", "pymongo", "pytest", "redis", "rich"),
    *("sqlite3", "zipfile", "multiprocessing"),
}


@pytest.mark.parametrize(
    ("module", "name"), [(m, name) for m, names in CHAPTERS.items() for name in names.split()]
)
def test_documented_name_exists(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize("name", ARRAY_MEMBERS.split())
def test_array_has_member(name: str) -> None:
    assert hasattr(zarr.Array, name) or hasattr(zarr.zeros(1), name)


@pytest.mark.parametrize("name", GROUP_MEMBERS.split())
def test_group_has_member(name: str) -> None:
    assert hasattr(zarr.Group, name) or hasattr(zarr.group(), name)


def test_all_names_the_public_names_and_nothing_else() -> None:
    public = {
        name
        for name, value in vars(zarr).items()
        if not name.startswith("_") and not inspect.ismodule(value) and name != "annotations"
    }
    from_codecs = set(vars(zarr.codecs)) - set(zarr.__all__)

    assert public - from_codecs - {"Any"} == set(zarr.__all__) - {"__version__"}


def test_classes_live_where_the_manual_says() -> None:
    assert (zarr.Array.__module__, zarr.Group.__module__) == ("zarr.core", "zarr.hierarchy")
    assert zarr.zeros.__module__ == "zarr.creation"
    assert zarr.ThreadSynchronizer.__module__ == "zarr.sync"


@pytest.mark.parametrize("name", ["codecs", "config", "core", "creation", "errors", "storage"])
def test_module_is_not_hidden_by_one_of_the_same_name(name: str) -> None:
    assert getattr(zarr, name) is sys.modules[f"zarr.{name}"]


def test_version_agrees_with_the_metadata() -> None:
    assert zarr.__version__ == importlib.metadata.version("zarr")


def modules_after(statement: str) -> set[str]:
    script = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=120
    )
    loaded: list[str] = json.loads(run.stdout)
    return set(loaded)


def test_import_loads_no_optional_dependency() -> None:
    brought = modules_after("import zarr") - modules_after("import numpy, numcodecs")

    assert {name.split(".")[0] for name in brought} & OPTIONAL == set()
