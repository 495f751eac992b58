"""What `zarr` exports, what it is called, and what importing it costs."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import json
import subprocess
import sys
from pathlib import Path

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
    *("sqlite3", "zipfile", "multiprocessing", "xxhash", "blake3"),
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

    lazy = zarr._LATER | set(zarr.storage._ELSEWHERE)
    assert public - from_codecs - lazy == set(zarr.__all__) - {"__version__"}


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


def test_dir_shows_what_is_public_and_nothing_internal() -> None:
    names = {name for name in dir(zarr) if not name.startswith("_")}

    assert {*zarr.__all__, *zarr.codecs.__all__} - {"__version__"} <= names
    assert {"ZipStore", "FSStore", "LMDBStore", "n5", "errors", "storage", "attrs"} <= names
    assert not names & {"Any", "annotations", "engine", "places", "plan", "util", "members"}
    assert {"ZipStore", "MemoryStore", "array_meta_key", "rmdir"} <= set(dir(zarr.storage))
    assert not {"Any", "base", "zip", "TYPE_CHECKING", "import_module"} & set(dir(zarr.storage))
    assert all(hasattr(zarr, name) for name in names)
    assert all(hasattr(zarr.storage, name) for name in dir(zarr.storage))


@pytest.mark.parametrize(
    ("text", "name"),
    [("z.sh", "shape"), ("g.temp", "temperature"), ("zarr.Zip", "ZipStore"),
     ("zarr.storage.FS", "FSStore"), ("z.oindex", "oindex")],
)  # fmt: skip
def test_editors_complete_names(text: str, name: str) -> None:
    jedi = pytest.importorskip("jedi")
    root = zarr.group()
    names = {"zarr": zarr, "z": root.zeros("temperature", shape=3), "g": root}

    found = jedi.Interpreter(text, [names]).complete()

    assert name in [completion.name for completion in found]


def test_names_in_brackets_are_completed() -> None:
    root = zarr.group()
    z = root.zeros("z", shape=3, dtype=[("mass", "f4"), ("charge", "i1")])
    z.attrs["units"] = "u"

    assert root._ipython_key_completions_() == ["z"]
    assert z._ipython_key_completions_() == ["mass", "charge"]
    assert root.zeros("plain", shape=3)._ipython_key_completions_() == []
    assert z.attrs._ipython_key_completions_() == ["units"]
    assert zarr.load(root.store)._ipython_key_completions_() == ["plain", "z"]


TYPED = """
from pathlib import Path
from typing import Literal, assert_type
import zarr
from zarr.storage import ZipStore

store: ZipStore = zarr.ZipStore("a.zip")
mode: Literal["r", "a"] = "r"
zarr.open(Path("a"), mode)
zarr.open_array(Path("a"))
zarr.save(Path("a"), [1])
group = zarr.open_group(Path("a"), mode="r")
assert_type(group["x"], zarr.Array | zarr.Group)
zarr.open("a", mode="read")  # no such mode
zarr.Bogus  # no such name
zarr.ZipStore("a.zip").bogus  # no such attribute
from zarr.storage import Nonsense
"""


@pytest.mark.slow
def test_type_checker_accepts_what_is_right_and_nothing_else(tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api")
    (tmp_path / "use.py").write_text(TYPED)

    report, _, _ = api.run(["--strict", f"--cache-dir={tmp_path}", str(tmp_path / "use.py")])

    wrong = [int(line.split(":")[1]) for line in report.splitlines() if "use.py:" in line]
    assert sorted(set(wrong)) == [14, 15, 16, 17], report
