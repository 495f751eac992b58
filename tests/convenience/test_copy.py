"""Copying arrays and groups, from and to HDF5 files too."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import h5py
import numcodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zarr
from zarr.errors import CopyError, ReadOnlyError

ATTRIBUTES = {"title": "Höhe", "number": -1.5, "list": [1, 2, 3], "flag": True}


@pytest.fixture
def source() -> zarr.Group:
    root = zarr.group()
    root.attrs["who"] = "root"
    bar = root.create_dataset("foo/bar", data=np.arange(100), chunks=50)
    bar.attrs["units"] = "m"
    root["foo"].attrs["depth"] = 1
    root.create_dataset("spam", data=np.arange(10))
    return root


def lines_of(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[list[str], Any]:
    """Return the lines that a copy logs, and what it returns."""
    log = io.StringIO()
    result = function(*args, log=log, **kwargs)
    return log.getvalue().splitlines(), result


# -- what is said and returned -------------------------------------------------------------


def test_array_is_copied_under_its_own_name(source: zarr.Group) -> None:
    dest = zarr.group()

    lines, result = lines_of(zarr.copy, source["foo/bar"], dest)

    assert lines == [
        "copy /foo/bar (100,) int64",
        "all done: 1 copied, 0 skipped, 800 bytes copied",
    ]
    assert result == (1, 0, 800)
    assert dest["bar"][:].tolist() == list(range(100))
    assert dest["bar"].attrs.asdict() == {"units": "m"}


def test_array_is_copied_to_a_path(source: zarr.Group) -> None:
    dest = zarr.group()

    assert zarr.copy(source["foo/bar"], dest, name="a/b") == (1, 0, 800)
    assert dest["a/b"].shape == (100,)


def test_group_is_copied_with_all_below(source: zarr.Group) -> None:
    dest = zarr.group()

    lines, result = lines_of(zarr.copy, source, dest, name="all")

    assert lines == [
        "copy /",
        "copy /foo",
        "copy /foo/bar (100,) int64",
        "copy /spam (10,) int64",
        "all done: 4 copied, 0 skipped, 880 bytes copied",
    ]
    assert result == (4, 0, 880)
    assert dest["all"].attrs.asdict() == {"who": "root"}
    assert dest["all/foo"].attrs.asdict() == {"depth": 1}
    assert dest.attrs.asdict() == {}


def test_root_needs_a_name(source: zarr.Group) -> None:
    with pytest.raises(TypeError, match="`name`"):
        zarr.copy(source, zarr.group())
    with pytest.raises(TypeError, match="`name`"):
        zarr.copy(zarr.zeros(3), zarr.group())


def test_copy_all_copies_the_members_and_the_attributes(source: zarr.Group) -> None:
    dest = zarr.group()
    dest.attrs["mine"] = 1

    lines, result = lines_of(zarr.copy_all, source, dest)

    assert lines[0] == "copy /foo"
    assert result == (3, 0, 880)
    assert dest.attrs.asdict() == {"mine": 1, "who": "root"}


@pytest.mark.parametrize("copy", [zarr.copy, zarr.copy_all])
def test_shallow_copies_arrays_but_no_groups(source: zarr.Group, copy: Any) -> None:
    dest = zarr.group()

    arguments = {"name": "x"} if copy is zarr.copy else {}
    copied = copy(source, dest, shallow=True, **arguments)[0]

    root = dest["x"] if copy is zarr.copy else dest
    assert list(root) == ["spam"]
    assert copied == (2 if copy is zarr.copy else 1)


def test_without_attrs(source: zarr.Group) -> None:
    dest = zarr.group()

    zarr.copy_all(source, dest, without_attrs=True)

    nodes = [dest, dest["foo"], dest["foo/bar"]]
    assert [node.attrs.asdict() for node in nodes] == [{}, {}, {}]


def test_attributes_are_put_beside_those_of_an_existing_group(source: zarr.Group) -> None:
    dest = zarr.group()
    dest.create_group("foo").attrs.update(depth=7, old=2)

    zarr.copy(source["foo"], dest)

    assert dest["foo"].attrs.asdict() == {"depth": 1, "old": 2}


@pytest.mark.parametrize("where", ["function", "path", "file"])
def test_log_is_a_function_a_path_or_a_file(source: zarr.Group, tmp_path: Path, where: str) -> None:
    wanted = ["copy /spam (10,) int64", "all done: 1 copied, 0 skipped, 80 bytes copied"]
    said: list[str] = []
    if where == "function":
        zarr.copy(source["spam"], zarr.group(), log=said.append)
    elif where == "path":
        zarr.copy(source["spam"], zarr.group(), log=tmp_path / "log")
        said = (tmp_path / "log").read_text().splitlines()
    else:
        with (tmp_path / "log").open("w") as file:
            zarr.copy(source["spam"], zarr.group(), log=file)
        said = (tmp_path / "log").read_text().splitlines()

    assert said == wanted


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"log": True}, TypeError, "log must be a callable function, file path or file-like"),
        ({"if_exists": "perhaps"}, ValueError, "if_exists must be one of"),
        ({"dest": zarr.zeros(3)}, ValueError, "dest must be a group"),
        ({"dest": {}}, ValueError, "dest must be a group"),
        ({"source": np.arange(3)}, TypeError, "not ndarray"),
        ({"source": "spam"}, TypeError, "not str"),
    ],
)
def test_arguments_that_make_no_sense(
    source: zarr.Group, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    arguments = {"source": source["spam"], "dest": zarr.group(), **arguments}

    with pytest.raises(error, match=message):
        zarr.copy(**arguments)


def test_copy_all_of_an_array_makes_no_sense(source: zarr.Group) -> None:
    with pytest.raises(TypeError, match="must be a group"):
        zarr.copy_all(source["spam"], zarr.group())


def test_destination_that_is_read_only(source: zarr.Group) -> None:
    dest = zarr.open_group(zarr.group().store, mode="r")

    with pytest.raises(ReadOnlyError):
        zarr.copy(source["spam"], dest)


# -- what exists already -------------------------------------------------------------------


@pytest.fixture
def taken() -> zarr.Group:
    dest = zarr.group()
    dest.create_dataset("spam", data=np.zeros(10, "i8"))
    dest.create_dataset("foo/bar", data=np.zeros(100, "i8"), chunks=50)
    return dest


def test_raise_stops_at_the_first_array(source: zarr.Group, taken: zarr.Group) -> None:
    with pytest.raises(CopyError, match=r"an object 'spam' already exists in destination '/'"):
        zarr.copy(source["spam"], taken)
    with pytest.raises(CopyError, match=r"an object 'bar' already exists in destination '/foo'"):
        zarr.copy_all(source, taken)
    assert not taken["spam"][:].any()


def test_replace(source: zarr.Group, taken: zarr.Group) -> None:
    assert zarr.copy_all(source, taken, if_exists="replace") == (3, 0, 880)
    assert taken["spam"][:].tolist() == list(range(10))


def test_skip(source: zarr.Group, taken: zarr.Group) -> None:
    lines, result = lines_of(zarr.copy_all, source, taken, if_exists="skip")

    assert result == (1, 2, 0)
    assert lines[1] == "skip /foo/bar (100,) int64"
    assert not taken["spam"][:].any()


def test_group_in_the_way_of_an_array(source: zarr.Group) -> None:
    dest = zarr.group()
    dest.create_group("spam/below")

    for choice in ("raise", "skip_initialized"):
        with pytest.raises(CopyError, match="spam"):
            zarr.copy(source["spam"], dest, if_exists=choice)
    assert zarr.copy(source["spam"], dest, if_exists="skip") == (0, 1, 0)
    assert "below" in dest["spam"]
    assert zarr.copy(source["spam"], dest, if_exists="replace") == (1, 0, 80)
    assert sorted(key for key in dest.store if "below" in key) == []


def test_array_in_the_way_of_a_group(source: zarr.Group) -> None:
    dest = zarr.group()
    dest.zeros("foo", shape=3)

    with pytest.raises(CopyError, match="an array 'foo' already exists in destination '/'"):
        zarr.copy(source["foo"], dest)
    assert lines_of(zarr.copy, source["foo"], dest, if_exists="skip") == (
        ["skip /foo", "all done: 0 copied, 1 skipped, 0 bytes copied"],
        (0, 1, 0),
    )
    assert zarr.copy(source["foo"], dest, if_exists="replace") == (2, 0, 800)
    assert dest["foo/bar"][3] == 3


def test_dry_run_says_the_same_and_does_nothing(source: zarr.Group, taken: zarr.Group) -> None:
    before = dict(taken.store)
    for choice in ("skip", "replace"):
        lines, result = lines_of(zarr.copy_all, source, taken, if_exists=choice, dry_run=True)
        assert dict(taken.store) == before
        assert result[2] == 0
        assert lines[-1] == f"dry run: {result[0]} copied, {result[1]} skipped"
    with pytest.raises(CopyError):
        zarr.copy_all(source, taken, dry_run=True)
    empty = zarr.group()
    assert zarr.copy_all(source, empty, dry_run=True) == (3, 0, 0)
    assert list(empty) == []


@pytest.mark.parametrize("choice", ["replace", "skip_initialized"])
def test_copy_onto_itself_loses_nothing(source: zarr.Group, choice: str) -> None:
    if choice == "replace":
        with pytest.raises(CopyError, match="its own source"):
            zarr.copy(source["foo/bar"], source["foo"], if_exists=choice)
    else:
        assert zarr.copy(source["foo/bar"], source["foo"], if_exists=choice) == (0, 1, 0)
    with pytest.raises(CopyError, match="its own source"):
        zarr.copy(source["foo/bar"], source, name="foo", if_exists="replace")

    assert source["foo/bar"][:].tolist() == list(range(100))


def test_group_is_copied_into_itself(source: zarr.Group) -> None:
    assert zarr.copy(source["foo"], source["foo"], name="again") == (2, 0, 800)
    assert list(source["foo/again"]) == ["bar"]


# -- how arrays are created ----------------------------------------------------------------


def layouts() -> Iterator[dict[str, Any]]:
    yield {"dtype": "f4", "chunks": (3, 2), "order": "F", "fill_value": 7}
    delta = numcodecs.Delta(">i2")
    yield {"dtype": ">i2", "chunks": (3, 2), "compressor": None, "filters": [delta]}
    yield {"dtype": "f8", "chunks": (20, 20), "fill_value": None}
    yield {"dtype": "f8", "chunks": (1, 7), "fill_value": np.nan, "dimension_separator": "/"}
    yield {"dtype": "U3", "chunks": (4, 4), "fill_value": "ab", "compressor": numcodecs.Zlib(3)}


@pytest.mark.parametrize("options", list(layouts()))
def test_encoding_is_kept_and_absent_chunks_stay_absent(options: dict[str, Any]) -> None:
    source, dest = zarr.group(), zarr.group()
    z = source.create_dataset("z", shape=(7, 9), **options)
    z[:3] = np.arange(27).reshape(3, 9).astype(z.dtype)

    zarr.copy(z, dest)

    assert dict(dest.store) == dict(source.store)


def test_encoded_chunks_are_not_decoded(source: zarr.Group) -> None:
    source.store["spam/0"] = b"cannot be decoded"
    dest = zarr.group()

    zarr.copy(source["spam"], dest)

    assert dest.store["spam/0"] == b"cannot be decoded"


def test_create_kws_prevail(source: zarr.Group) -> None:
    dest = zarr.group()
    codec = numcodecs.Zstd(1)

    zarr.copy(source["foo/bar"], dest, chunks=7, dtype="i2", compressor=codec, fill_value=-1)

    z = dest["bar"]
    assert (z.chunks, z.dtype, z.compressor, z.fill_value) == ((7,), np.dtype("i2"), codec, -1)
    assert z[:].tolist() == list(range(100))


def test_separator_is_that_of_the_destination(source: zarr.Group, tmp_path: Path) -> None:
    source.create_dataset("plane", data=np.arange(16).reshape(4, 4), chunks=2)
    nested = zarr.NestedDirectoryStore(tmp_path / "nested")

    zarr.copy_all(source, zarr.group(nested))

    assert "plane/1/1" in nested
    flat = zarr.group()
    zarr.copy_all(zarr.open_group(nested, mode="r"), flat)
    assert flat["plane"][:].tolist() == np.arange(16).reshape(4, 4).tolist()


@given(
    shape=st.lists(st.integers(0, 12), min_size=1, max_size=3),
    chunks=st.tuples(*[st.tuples(st.integers(1, 15), st.integers(1, 15))] * 3),
    fills=st.tuples(st.sampled_from([0, 5, None]), st.sampled_from([0, 5, None])),
    stored=st.integers(0, 12),
)
def test_any_chunks_to_any_other(
    shape: list[int], chunks: Any, fills: tuple[Any, Any], stored: int
) -> None:
    old, new = zip(*chunks[: len(shape)], strict=True)
    z = zarr.group().create_dataset("z", shape=shape, chunks=old, dtype="i4", fill_value=fills[0])
    z[:stored] = 1 + np.arange(z[:stored].size).reshape(z[:stored].shape)
    dest = zarr.group()

    zarr.copy(z, dest, chunks=new, fill_value=fills[1])

    wanted = z[...] if fills[0] is not None else z[:stored]
    found = dest["z"][...] if fills[0] is not None else dest["z"][:stored]
    assert np.array_equal(found, wanted)


# -- progress, interruption ----------------------------------------------------------------


def test_progress_is_told(source: zarr.Group) -> None:
    told: list[tuple[int, int, int, int]] = []

    zarr.copy_all(source, zarr.group(), progress=lambda *numbers: told.append(numbers))

    assert told[0] == (0, 3, 0, 880)
    assert told[-1] == (3, 3, 880, 880)
    assert told == sorted(told)


def test_progress_counts_what_is_skipped(source: zarr.Group, taken: zarr.Group) -> None:
    told: list[tuple[int, int, int, int]] = []

    zarr.copy_all(source, taken, if_exists="skip", progress=lambda *n: told.append(n))

    assert told[-1] == (3, 3, 880, 880)


class EnoughError(Exception):
    """Raised to stop a copy."""


class StopAfter:
    """A callback that raises when it is called for the `count`-th time."""

    def __init__(self, count: int) -> None:
        self.left = count

    def __call__(self, *numbers: int) -> None:
        self.left -= 1
        if not self.left:
            raise EnoughError


@pytest.mark.parametrize("kws", [{}, {"chunks": (4, 4)}])
def test_copy_cut_short_is_completed_by_a_second_call(
    kws: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zarr.tools.transfer.WINDOW_BYTES", 1000)
    root = zarr.group()
    for name in "abc":
        z = root.create_dataset(name, shape=(20, 20), chunks=(5, 5), dtype="i4", fill_value=-1)
        z[:13] = np.arange(13 * 20).reshape(13, 20)
        z.attrs["name"] = name

    for stop in range(1, 1000):
        dest = zarr.group()
        try:
            zarr.copy_all(root, dest, progress=StopAfter(stop), **kws)
            break
        except EnoughError:
            partial = {key: value for key, value in dest.store.items() if "/.z" not in key}
            zarr.copy_all(root, dest, if_exists="skip_initialized", **kws)
            assert {key: dest.store[key] for key in partial} == partial
            for name in "abc":
                assert np.array_equal(dest[name][:], root[name][:])
                assert dest[name].attrs.asdict() == {"name": name}
    assert stop > 5
    assert zarr.copy_all(root, dest, if_exists="skip_initialized", **kws)[2] == 0


def test_second_call_copies_only_missing_chunks(source: zarr.Group) -> None:
    dest = zarr.group()
    zarr.copy_all(source, dest)
    del dest.store["foo/bar/1"]
    dest["foo/bar"][:50] = -1

    lines, result = lines_of(zarr.copy_all, source, dest, if_exists="skip_initialized")

    assert lines[-1] == "all done: 2 copied, 1 skipped, 400 bytes copied"
    assert result == (2, 1, 400)
    assert dest["foo/bar"][:].tolist() == [-1] * 50 + list(range(50, 100))


def test_initialized_array_of_another_kind_is_skipped(source: zarr.Group) -> None:
    dest = zarr.group()
    dest.create_dataset("spam", data=np.zeros(3, "i1"))

    assert zarr.copy(source["spam"], dest, if_exists="skip_initialized") == (0, 1, 0)
    assert dest["spam"].shape == (3,)


def test_initialized_shards_are_skipped(source: zarr.Group) -> None:
    dest = zarr.group(zarr_version=3)
    dest.create_array("spam", shape=8, chunks=2, shards=4, dtype="i1")[:] = 1

    assert zarr.copy(source["spam"], dest, if_exists="skip_initialized") == (0, 1, 0)


def test_uninitialized_array_of_another_kind_is_replaced(source: zarr.Group) -> None:
    dest = zarr.group()
    dest.create_dataset("spam", shape=3, dtype="i1")

    assert zarr.copy(source["spam"], dest, if_exists="skip_initialized") == (1, 0, 80)
    assert dest["spam"].shape == (10,)


# -- HDF5 ----------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Iterator[h5py.File]:
    with closing(h5py.File(tmp_path / "file.h5", "w")) as opened:
        yield opened


def test_hdf5_options_of_a_copy(file: h5py.File) -> None:
    root = zarr.group()
    root.create_dataset("blosc", data=np.arange(10), chunks=3)
    root.create_dataset("zlib", data=np.arange(10), chunks=3, compressor=numcodecs.Zlib(7))
    root.create_dataset(
        "shuffled", data=np.arange(10), chunks=3, compressor=numcodecs.GZip(2),
        filters=[numcodecs.Shuffle(8)], fill_value=5,
    )  # fmt: skip
    root.create_dataset("none", data=np.arange(10), chunks=30, compressor=None)

    zarr.copy_all(root, file)

    options = [(file[n].compression, file[n].compression_opts, file[n].shuffle) for n in root]
    assert options == [
        ("gzip", 1, False), (None, None, False), ("gzip", 2, True), ("gzip", 7, False),
    ]  # fmt: skip
    assert [file[name].chunks for name in root] == [(3,), (30,), (3,), (3,)]
    assert file["shuffled"].fillvalue == 5
    assert all(file[name][:].tolist() == list(range(10)) for name in root)


def test_hdf5_create_kws_prevail(file: h5py.File, source: zarr.Group) -> None:
    zarr.copy(source["spam"], file, compression="lzf", chunks=(4,))

    assert (file["spam"].compression, file["spam"].chunks) == ("lzf", (4,))


def test_skip_initialized_is_not_for_hdf5(file: h5py.File, source: zarr.Group) -> None:
    with pytest.raises(ValueError, match="'skip_initialized' can only be used when copying to"):
        zarr.copy(source["spam"], file, if_exists="skip_initialized")


@pytest.mark.parametrize("choice", ["raise", "replace", "skip"])
def test_hdf5_destination_that_is_taken(file: h5py.File, source: zarr.Group, choice: str) -> None:
    file["foo/bar"] = np.zeros(3)
    if choice == "raise":
        with pytest.raises(CopyError, match="an object 'bar' already exists in destination '/foo'"):
            zarr.copy_all(source, file)
        return
    assert zarr.copy_all(source, file, if_exists=choice)[0] == (3 if choice == "replace" else 2)
    assert file["foo/bar"].shape == ((100,) if choice == "replace" else (3,))


def test_hdf5_to_hdf5_keeps_its_own_options(file: h5py.File, tmp_path: Path) -> None:
    made = file.create_dataset(
        "z", data=np.arange(12.0).reshape(3, 4), chunks=(2, 2), maxshape=(None, 4), fillvalue=3,
        compression="lzf", shuffle=True, fletcher32=True,
    )  # fmt: skip
    made.attrs["units"] = "m"
    file["contiguous"] = np.arange(5)

    with h5py.File(tmp_path / "other.h5", "w") as other:
        assert zarr.copy_all(file, other) == (2, 0, 136)
        z = other["z"]
        for name in ("chunks", "maxshape", "compression", "shuffle", "fletcher32", "fillvalue"):
            assert getattr(z, name) == getattr(made, name)
        assert other["contiguous"].chunks is None
        assert z[...].tolist() == made[...].tolist()
        assert dict(z.attrs) == {"units": "m"}


def test_text_of_hdf5_becomes_str(file: h5py.File) -> None:
    file.create_dataset("utf8", data=["grün", "", "a" * 100], dtype=h5py.string_dtype())
    file.create_dataset("ascii", data=[b"x", b"yz"], dtype=h5py.string_dtype("ascii"))
    file.create_dataset("fixed", data=np.array([b"x", b"yz"]))
    file["scalar"] = "one text"
    root = zarr.group()

    zarr.copy_all(file, root)

    assert root["utf8"][:].tolist() == ["grün", "", "a" * 100]
    assert root["ascii"][:].tolist() == ["x", "yz"]
    assert root["fixed"].dtype == "S2"
    assert root["scalar"][()] == "one text"


def test_ragged_arrays_of_hdf5(file: h5py.File) -> None:
    ragged = file.create_dataset("z", (2, 2), h5py.vlen_dtype("i2"), chunks=(1, 2))
    ragged[0, 0], ragged[0, 1], ragged[1, 1] = [1, 2], [3, 4], [5]
    root = zarr.group()

    zarr.copy_all(file, root)

    assert [item.tolist() for item in root["z"][:].ravel()] == [[1, 2], [3, 4], [], [5]]
    assert root["z"][0, 0].dtype == "i2"


def test_attributes_of_hdf5_become_json(file: h5py.File) -> None:
    z = file.create_dataset("z", data=1)
    for name, value in {
        "text": "ä", "bytes": b"b", "int": np.int8(3), "array": np.arange(3.0),
        "texts": ["a", "b"], "flag": True, "complex": 1 - 2j, "empty": h5py.Empty("f4"),
        "record": np.array((1, 2.5), "i4,f8"),
    }.items():  # fmt: skip
        z.attrs[name] = value
    z.attrs["reference"] = z.ref
    root = zarr.group()

    with pytest.warns(UserWarning, match="not copied: attribute 'reference' of /z: "):
        zarr.copy_all(file, root)

    assert root["z"].attrs.asdict() == {
        "text": "ä", "bytes": "b", "int": 3, "array": [0.0, 1.0, 2.0], "texts": ["a", "b"],
        "flag": True, "complex": [1.0, -2.0], "empty": None, "record": [1, 2.5],
    }  # fmt: skip


def test_json_attributes_without_a_type_in_hdf5(file: h5py.File, source: zarr.Group) -> None:
    attributes = {"object": {"a": [None]}, "mixed": [1, "a"], "none": None, "ragged": [[1], []]}
    source["spam"].attrs.put(attributes | ATTRIBUTES)

    zarr.copy(source["spam"], file)

    found = file["spam"].attrs
    assert found["object"] == '{"a": [null]}'
    assert (found["mixed"], found["ragged"]) == ('[1, "a"]', "[[1], []]")
    assert isinstance(found["none"], h5py.Empty)
    assert found["list"].tolist() == [1, 2, 3]
    assert found["title"] == "Höhe"


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_dimension_scales_of_hdf5(file: h5py.File, zarr_format: int, tmp_path: Path) -> None:
    file["time"], file["y"] = np.arange(3.0), np.arange(2.0)
    file["time"].make_scale("time")
    file["y"].make_scale("y")
    bare = file.create_dataset("x", (4,), ">f4")  # as netCDF has dimensions without values
    bare.make_scale(f"This is a netCDF dimension but not a netCDF variable.{4:10d}")
    t = file.create_dataset("g/t", data=np.ones((3, 2, 4), "f4"))
    for dimension, name in zip(t.dims, ("time", "y", "x"), strict=True):
        dimension.attach_scale(file[name])
    t.attrs["scale"], t.attrs["pair"] = np.array([0.5]), np.array([1, 2])
    labelled = file.create_dataset("labelled", data=np.ones((2, 2)))
    labelled.dims[1].label = "b"
    file["plain"] = np.ones(2)

    root = zarr.group(zarr_version=zarr_format)
    zarr.copy_all(file, root)

    assert sorted(root) == ["g", "labelled", "plain", "time", "y"]
    found = {name: said(root[name]) for name in ("g/t", "time", "labelled", "plain")}
    assert found == {
        "g/t": (["time", "y", "x"], {"scale": 0.5, "pair": [1, 2]}),
        "time": (["time"], {}),
        "labelled": ([None, "b"], {}),
        "plain": (None, {}),
    }
    with h5py.File(tmp_path / "back.h5", "w") as back:
        zarr.copy_all(root, back)
        dims = back["g/t"].dims
        assert [dim[0].name for dim in dims] == ["/time", "/y", "/g/x"]
        assert dict(back["g/t"].attrs)["scale"] == 0.5
        assert back["time"].is_scale
        assert "_ARRAY_DIMENSIONS" not in back["g/t"].attrs
        assert back["labelled"].dims[1][0].name == "/b"
        again = zarr.group(zarr_version=zarr_format)
        zarr.copy_all(back, again)
    assert {name: said(again[name]) for name in found} == found


def said(z: zarr.Array) -> tuple[Any, dict[str, Any]]:
    """Return the names of the dimensions of an array, as its format has them, and attributes."""
    attributes = z.attrs.asdict()
    names = z._meta.dimension_names
    return list(names) if names else attributes.pop("_ARRAY_DIMENSIONS", None), attributes


def test_names_of_dimensions_that_clash_become_labels(file: h5py.File) -> None:
    root = zarr.group()
    for level in range(2):
        z = root.zeros(f"{level}", shape=(4 >> level, 2))
        z.attrs["_ARRAY_DIMENSIONS"] = ["y", "a/b"]
    root.zeros("x", shape=(2, 2)).attrs["_ARRAY_DIMENSIONS"] = ["x", "x"]
    zarr.copy_all(root, file)
    assert sorted(file) == ["0", "1", "x"]
    assert [[dim.label for dim in file[name].dims] for name in "01x"] == [
        ["y", "a/b"], ["y", "a/b"], ["x", "x"],
    ]  # fmt: skip


def test_names_of_dimensions_are_copied_between_formats() -> None:
    source, dest = zarr.group(zarr_version=3), zarr.group()
    source.create_array("a", shape=(2, 3), dtype="i4", dimension_names=["y", "x"])
    zarr.copy_all(source, dest)
    assert dest["a"].attrs["_ARRAY_DIMENSIONS"] == ["y", "x"]


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("dtype", [str, bytes])
def test_text_and_bytes_become_those_of_hdf5(file: h5py.File, dtype: Any, zarr_format: int) -> None:
    items = ["a", "é", ""] if dtype is str else [b"a", b"\0\xff", b""]
    root = zarr.group(zarr_version=zarr_format)
    root.create_dataset("s", data=np.array(items, object), dtype=dtype, chunks=2)
    zarr.copy_all(root, file)
    if dtype is str:
        assert file["s"].asstr()[:].tolist() == items
    else:
        assert [item.tobytes() for item in file["s"][:]] == items


def test_links_and_what_no_array_can_hold_are_left_out(file: h5py.File) -> None:
    file["a/b"] = np.arange(3)
    file["a/up"] = h5py.SoftLink("/")
    file["a/nowhere"] = h5py.SoftLink("/gone")
    file["again"] = h5py.SoftLink("/a/b")
    file["type"] = np.dtype("f4")
    file["null"] = h5py.Empty("f4")
    file.create_dataset("references", (2,), h5py.ref_dtype)
    root = zarr.group()

    with pytest.warns(UserWarning, match="not copied") as warned:
        assert zarr.copy_all(file, root)[0] == 3

    (warning,) = warned
    assert warning.filename == __file__
    left_out = set(re.findall(r"(?<=[:;] )/[a-z/]+", str(warning.message)))
    assert left_out == {"/a/up", "/a/nowhere", "/type", "/null", "/references"}
    assert root["again"][:].tolist() == [0, 1, 2]


def test_objects_without_a_type_in_hdf5(file: h5py.File) -> None:
    data = np.array([{"a": 1}, [2]], object)
    z = zarr.group().array("z", data, object_codec=numcodecs.JSON())

    with pytest.raises(TypeError, match="'/z'"):
        zarr.copy(z, file)


def test_dimensions_without_length_and_none_at_all(file: h5py.File) -> None:
    root, back = zarr.group(), zarr.group()
    root.create_dataset("scalar", data=np.float32(2.5))
    root.create_dataset("empty", shape=(0, 3), chunks=(2, 2), dtype="i2")

    zarr.copy_all(root, file)
    zarr.copy_all(file, back)

    assert back["scalar"][()] == 2.5
    assert back["empty"].shape == (0, 3)
    assert back["empty"].chunks == (2, 2)


def test_text_that_hdf5_cannot_hold(file: h5py.File) -> None:
    z = zarr.group().array("z", np.array(["a\0b"]))

    with pytest.raises(ValueError, match="'/z': text in HDF5 cannot hold the character NUL"):
        zarr.copy(z, file)


def test_fill_value_that_hdf5_cuts_is_written_out(file: h5py.File) -> None:
    z = zarr.group().create_dataset("z", shape=6, chunks=2, dtype="S3", fill_value=b"\0ab")
    z[:3] = b"abc"

    zarr.copy(z, file)

    assert file["z"][...].tobytes() == z[...].tobytes()


# -- formats -------------------------------------------------------------------------------


@pytest.mark.parametrize(("old", "new"), [(2, 3), (3, 2), (3, 3)])
def test_copies_between_formats(old: int, new: int) -> None:
    source, dest = zarr.group(zarr_version=old), zarr.group(zarr_version=new)
    source.attrs["title"] = "root"
    data = np.arange(35, dtype="i4").reshape(7, 5)
    options = {"chunks": (3, 2), "fill_value": 7}
    z = source.create_dataset("foo/z", shape=data.shape, dtype="i4", **options)
    z[:4] = data[:4]
    z.attrs["units"] = "m"
    words = np.array(["a", "bc"], object)
    source.create_dataset("text", data=words, object_codec=numcodecs.VLenUTF8())

    assert zarr.copy_all(source, dest) == (3, 0, 156)

    copied = dest["foo/z"]
    assert np.array_equal(copied[...], z[...])
    assert (copied.chunks, copied.fill_value) == ((3, 2), 7)
    assert copied.attrs.asdict() == {"units": "m"}
    assert dest.attrs.asdict() == {"title": "root"}
    assert dest["text"][:].tolist() == ["a", "bc"]
    assert zarr.copy_all(source, dest, if_exists="skip_initialized")[2] == 0


def test_shards_are_copied_as_they_are() -> None:
    source, dest = zarr.group(zarr_version=3), zarr.group(zarr_version=3)
    z = source.create_array(
        "z", shape=(16, 16), chunks=(2, 2), shards=(8, 8), dtype="i4", dimension_names=("y", "x"),
        attributes={"units": "m"},
    )  # fmt: skip
    z[:9] = 3

    zarr.copy_all(source, dest)

    assert dict(dest.store) == dict(source.store)
    del dest.store["z/c/1/1"]
    assert zarr.copy_all(source, dest, if_exists="skip_initialized") == (1, 0, 256)
    assert dict(dest.store) == dict(source.store)
    plain = zarr.group()
    zarr.copy_all(source, plain)
    assert np.array_equal(plain["z"][...], z[...])
    assert zarr.copy_all(plain, dest, if_exists="replace") == (1, 0, 1024)


@pytest.mark.parametrize("compressor", [None, numcodecs.GZip(1), numcodecs.Blosc("zstd")])
def test_copies_from_and_to_n5(tmp_path: Path, compressor: Any) -> None:
    n5, other = (zarr.group(zarr.N5Store(tmp_path / name)) for name in ("a.n5", "b.n5"))
    data = np.arange(35, dtype="i4").reshape(7, 5)
    n5.create_dataset("z", data=data, chunks=(3, 2), compressor=compressor)
    n5["z"].attrs["units"] = "m"
    plain = zarr.group()

    zarr.copy_all(n5, other)
    zarr.copy_all(n5, plain)

    assert "n5" not in plain.store["z/.zarray"].decode()
    assert plain["z"].compressor == compressor
    zarr.copy_all(plain, n5, if_exists="replace")
    for root in (n5, other, plain):
        assert np.array_equal(root["z"][...], data)
        assert root["z"].attrs.asdict() == {"units": "m"}


def test_progress_true_draws_nothing_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    source = zarr.group()
    source.create_dataset("a", data=np.arange(10), chunks=3)

    zarr.copy(source["a"], zarr.group(), progress=True)
    zarr.copy_all(source, zarr.group(), progress=True)
    zarr.copy_store(source.store, zarr.MemoryStore(), progress=True)

    assert capfd.readouterr() == ("", "")
