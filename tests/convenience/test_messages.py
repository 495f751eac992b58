"""What errors say: which array, group or store, why, and what to do."""

from __future__ import annotations

import errno
import inspect
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zarr
from zarr.errors import (
    ArrayNotFoundError,
    ContainsArrayError,
    ContainsGroupError,
    GroupNotFoundError,
    PathNotFoundError,
    ReadOnlyError,
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a hierarchy, an empty folder and one with something else."""
    monkeypatch.chdir(tmp_path)
    root = zarr.open_group("h.zarr", mode="w")
    root.zeros("temp", shape=3)
    root.zeros("foo/bar", shape=3)
    root.attrs["units"] = "K"
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.txt").write_text("x")
    return tmp_path


STORE = "DirectoryStore"
OPENINGS: list[tuple[Callable[[], Any], type[Exception], list[str]]] = [
    (lambda: zarr.open("no", "r"), PathNotFoundError, ["/no'", "the directory does not exist"]),
    (lambda: zarr.open_group("no", "r"), GroupNotFoundError, ["/no'", "does not exist"]),
    (lambda: zarr.open_array("no", "r"), ArrayNotFoundError, ["/no'", "does not exist"]),
    (lambda: zarr.load("no"), PathNotFoundError, ["/no'", "does not exist"]),
    (lambda: zarr.consolidate_metadata("no"), PathNotFoundError, ["/no'", "does not exist"]),
    (lambda: zarr.convert("no", 3), PathNotFoundError, ["/no'", "does not exist"]),
    (lambda: zarr.open("empty", "r"), PathNotFoundError, ["/empty'", "empty"]),
    (lambda: zarr.open("other", "r"), PathNotFoundError, ["/other'", "no Zarr metadata"]),
    (lambda: zarr.open("h.zarr", "r", path="x/y"), PathNotFoundError, ["'x/y'", "no folder 'x/y'"]),
    (lambda: zarr.open("h.zarr", "r", zarr_format=3), PathNotFoundError, ["a group", "than 3"]),
    (lambda: zarr.open_array("h.zarr", "r"), ContainsGroupError, ["zarr.open_group"]),
    (lambda: zarr.open_array("h.zarr", shape=3), ContainsGroupError, ["open_group", "mode='w'"]),
    (lambda: zarr.Array(zarr.open_group("h.zarr").store), ArrayNotFoundError, ["open_group"]),
    (lambda: zarr.open_group("h.zarr", "r", path="temp"), ContainsArrayError, ["zarr.open_array"]),
    (lambda: zarr.open_group("h.zarr", path="temp"), ContainsArrayError, ["zarr.open_array"]),
    (lambda: zarr.open_group("h.zarr", "w-"), ContainsGroupError, ["'r+'", "'a'", "mode='w'"]),
    (lambda: zarr.open("h.zarr", "w-", shape=1, path="temp"), ContainsArrayError, ["mode='w'"]),
    (lambda: zarr.zeros(3, store="h.zarr"), ContainsGroupError, ["overwrite=True"]),
    (lambda: zarr.zeros(3, store="h.zarr", path="temp/x"), ContainsArrayError, ["delete it"]),
]  # fmt: skip


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(("open_it", "error", "words"), OPENINGS)
def test_error_about_a_node_names_the_store_and_the_way_out(
    open_it: Callable[[], Any], error: type[Exception], words: list[str]
) -> None:
    with pytest.raises(error) as caught:
        open_it()

    for word in [STORE, *words]:
        assert word in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.path) == (str(caught.value), caught.value.path)


def test_url_at_which_nothing_is_is_named() -> None:
    pytest.importorskip("fsspec")
    with pytest.raises(PathNotFoundError, match=r"memory://.*nowhere.*nothing exists at this URL"):
        zarr.open("memory://nowhere.zip", mode="r")


def test_error_shows_no_password_and_no_values() -> None:
    store = {"x": b"secret" * 1000}
    with pytest.raises(PathNotFoundError, match="dict of 1 keys") as caught:
        zarr.open(store, mode="r")
    assert "secret" not in str(caught.value)


@pytest.mark.usefixtures("place")
def test_similar_names_are_proposed() -> None:
    root = zarr.open("h.zarr", "r")

    for name, meant in [("Temp", "temp"), ("temperature", "temp"), ("foo/baz", "foo/bar")]:
        with pytest.raises(KeyError, match=f"no member '{name}'.*did you mean '{meant}'") as caught:
            root[name]
        assert caught.value.args == (name,)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    with pytest.raises(KeyError, match=r"attribute 'unit'.*did you mean 'units'"):
        root.attrs["unit"]
    with pytest.raises(KeyError, match=r"no member 'zzz' in <zarr.hierarchy.Group '/' read-only>$"):
        root["zzz"]
    with pytest.raises(KeyError, match="did you mean 'temp'"):
        del zarr.open("h.zarr")["tmp"]
    with pytest.raises(KeyError, match="did you mean 'units'"):
        del zarr.open("h.zarr").attrs["unit"]
    with pytest.raises(AttributeError) as attribute:
        root.tempp  # noqa: B018
    assert (attribute.value.name, attribute.value.obj) == ("tempp", root)  # Python proposes


def test_members_that_are_only_looked_for_are_not_listed() -> None:
    class Unlisted(zarr.MemoryStore):
        def listdir(self, path: str = "") -> list[str]:
            raise AssertionError("listing a remote store takes long")

    root = zarr.group(Unlisted())

    assert root.get("nothing") is None
    assert not hasattr(root, "nothing")
    with pytest.raises(KeyError, match="no member 'nothing'"):  # whatever listing says
        root["nothing"]


@pytest.mark.usefixtures("place")
def test_read_only_names_the_array_and_how_it_was_opened() -> None:
    root = zarr.open("h.zarr", "r")

    with pytest.raises(ReadOnlyError, match=r"array '/temp' is read-only.*'r'.*mode='r\+'"):
        root["temp"][0] = 1
    with pytest.raises(ReadOnlyError, match=r"group '/' is read-only.*mode='r\+'"):
        root.create_group("x")
    with pytest.raises(ReadOnlyError, match=r"attributes in 'temp/.zattrs'.*mode='r\+'"):
        root["temp"].attrs["a"] = 1
    with pytest.raises(ReadOnlyError, match="array '/temp' is read-only: it is a view"):
        zarr.open("h.zarr")["temp"].astype("i4")[0] = 1


@pytest.mark.usefixtures("place")
def test_stores_before_others_say_what_those_know() -> None:
    missing = zarr.DirectoryStore("no")

    for store in (zarr.LRUStoreCache(missing, None), zarr.N5Store("no.n5")):
        with pytest.raises(PathNotFoundError, match="the directory does not exist"):
            zarr.open(store, mode="r")
    zarr.consolidate_metadata("h.zarr")
    with pytest.raises(PathNotFoundError, match="consolidated metadata have no such path"):
        zarr.open_consolidated("h.zarr", path="x")


@pytest.mark.parametrize("argument", ["zarr_format", "zarr_version"])
def test_unknown_format_is_named_as_it_was_given(argument: str) -> None:
    for function in (zarr.open, zarr.open_group, zarr.open_array, zarr.group, zarr.zeros):
        arguments = () if function is not zarr.zeros else (3,)
        with pytest.raises(ValueError, match=f"{argument} must be one of .*, not 4"):
            function(*arguments, **{argument: 4})
    if argument == "zarr_format":
        with pytest.raises(ValueError, match="zarr_format must be"):
            zarr.create_group(zarr_format=4)
        with pytest.raises(ValueError, match="zarr_format must be"):
            zarr.create_array(shape=3, zarr_format=4)
    else:
        with pytest.raises(ValueError, match="zarr_version must be"):
            zarr.storage.normalize_store_arg(None, zarr_version=4)


def test_codec_that_is_not_installed() -> None:
    for config, words in [
        ({"id": "lzz4"}, "compressor 'lzz4' is not known.*did you mean 'lz4'"),
        ({"id": "quux"}, "no installed package provides it; known are .*blosc.*zstd"),
        ({"id": "zfpy"}, "'zfpy' is not available without another package: pip install"),
    ]:
        with pytest.raises(zarr.MetadataError, match=words) as caught:
            zarr.open(_with_compressor(config), mode="r")[:]
        assert "''" not in str(caught.value)


def _with_compressor(config: dict[str, Any]) -> zarr.storage.BaseStore:
    store = zarr.zeros(3, compressor=zarr.Zlib(1)).store
    document = bytes(store[".zarray"]).replace(b'"zlib"', f'"{config["id"]}"'.encode())
    store[".zarray"] = document
    return store


def test_fill_value_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="fill_value 'x' is not valid for dtype int32: ") as caught:
        zarr.full(3, "x", dtype="i4")
    assert "nested" not in str(caught.value)


def test_missing_consolidated_metadata_are_named_by_the_format_that_is_there() -> None:
    for version, key in [(2, "'.zmetadata'"), (3, "'zarr.json'")]:
        store = zarr.group({}, zarr_format=version).store
        with pytest.raises(KeyError, match=f"{key}.*zarr.consolidate_metadata"):
            zarr.open_consolidated(store)
    with pytest.raises(KeyError, match=r"no consolidated metadata, nor an array.*does not exist"):
        zarr.open_consolidated("no-such-directory.zarr")


def test_full_disk_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    z = zarr.open_array(str(tmp_path / "z"), mode="w", shape=4, chunks=2)

    def full(*args: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left") as caught:
        z[2:] = 1

    assert caught.value.errno == errno.ENOSPC
    assert str(tmp_path / "z" / "1") in str(caught.value)


def test_package_that_breaks_numcodecs_is_named(tmp_path: Path) -> None:
    (tmp_path / "numcodecs.py").write_text("int('post0')  # as beside zfpy 1.0.1.post0\n")
    facts = tmp_path / "zfpy-1.0.1.post0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: zfpy\nVersion: 1.0.1.post0\n")
    source = str(Path(zarr.__file__).parents[1])
    path = os.pathsep.join([str(tmp_path), source])

    run = subprocess.run(
        [sys.executable, "-c", "import zarr"],
        capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip

    assert run.stderr.splitlines()[-1].startswith("ImportError: numcodecs cannot be imported")
    assert "pip uninstall zfpy" in run.stderr


def test_importing_says_nothing_where_crc32c_stands_in_for_google_crc32c() -> None:
    pytest.importorskip("crc32c")
    code = "import sys; sys.modules['google_crc32c'] = None; import zarr"

    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(zarr.__file__).parents[1])},
    )  # fmt: skip

    assert (run.stdout, run.stderr) == ("", "")


def public_classes() -> list[type]:
    modules = [zarr, zarr.storage, zarr.n5, zarr.sync, zarr.attrs]
    found = [getattr(m, name) for m in modules for name in dir(m) if name[0] != "_"]
    return [c for c in found if inspect.isclass(c) and c.__module__.startswith("zarr")]


def test_messages_about_arguments_name_no_private_class() -> None:
    classes = public_classes()
    public = {cls.__name__ for cls in classes} | {"Mapping", "MutableMapping"}
    named: dict[str, str] = {}
    for cls in classes:
        for name, method in inspect.getmembers(cls):
            function = getattr(method, "__func__", method)
            if name[0] != "_" and inspect.isfunction(function) and "." in function.__qualname__:
                named[f"{cls.__name__}.{name}"] = function.__qualname__.split(".")[0]

    # Bases of exceptions and codecs, whose methods take no arguments that users give by name.
    allowed = public | {"NodeError", "Codec"}
    assert {name: owner for name, owner in named.items() if owner not in allowed} == {}
    assert len(named) > 500


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g: zarr.open(g.store, chunkz=1), "open"),
        (lambda g: zarr.open(g.store, mode="r", chunkz=1), "open"),
        (lambda g: zarr.open_consolidated(g.store, chunkz=1), "open"),
        (lambda g: zarr.open_group(g.store, chunkz=1), "open_group"),
        (lambda g: g["a"].get_basic_selection(chunkz=1), r"Array\.get_basic_selection"),
        (lambda g: g["a"].with_config(chunkz=1), r"Array\.with_config"),
        (lambda g: g.get_array("a", chunkz=1), r"Group\.get_array"),
        (lambda g: g.store.exists("a", chunkz=1), r"BaseStore\.exists"),
        (lambda _: zarr.TempStore(chunkz=1), r"TempStore\.__init__"),
        (lambda _: zarr.NestedDirectoryStore("x", chunkz=1), r"NestedDirectoryStore\.__init__"),
    ],
)
def test_a_wrong_keyword(call: Callable[[Any], Any], message: str) -> None:
    group = zarr.group(zarr.MemoryStore())
    group.zeros("a", shape=3)
    zarr.consolidate_metadata(group.store)
    with pytest.raises(TypeError, match=rf"^{message}\(\) got an unexpected .*'chunkz'"):
        call(group)


def test_a_keyword_that_is_nearly_right() -> None:
    group = zarr.group(zarr.MemoryStore())
    with pytest.raises(TypeError, match="did you mean 'synchronizer'"):
        zarr.open(group.store, syncronizer=None)


def test_a_group_where_an_array_is_to_be_created() -> None:
    group = zarr.group(zarr.MemoryStore())
    with pytest.raises(ContainsGroupError):
        zarr.open(group.store, mode="a", shape=3)


@pytest.mark.parametrize(
    "function", [zarr.Array.get_basic_selection, zarr.Array.with_config, zarr.Group.get_array]
)
def test_methods_can_be_pickled(function: Callable[..., Any]) -> None:
    assert pickle.loads(pickle.dumps(function)) is function
