"""Every fix mends what it names, and nothing else: verified by reading afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from tests.tools.damage import DATA, KINDS, LAYOUTS, age_all, chunk_file, damaged, make
from zarr._codecs.array_codecs import checksum_of
from zarr._codecs.sharding import ABSENT

FILL = DATA.copy()
FILL[10:20, 10:20] = 0
FILL_SHARD = DATA.copy()
FILL_SHARD[20:, 20:] = 0

MENDED: list[tuple[str, str, dict[str, Any], str]] = [
    # Kind of damage, name of the fix, its options, and what is read afterwards.
    ("two_documents", "M004", {}, "data"),
    ("other_spelling", "K003", {}, "data"),
    ("stale_copies", "M006", {}, "longer"),
    ("truncated", "C002", {}, "hole"),
    ("zero_length", "C001", {}, "hole"),
    ("outside_grid", "K002", {}, "data"),
    ("temporary_file", "K001", {}, "data"),
    ("group_missing", "M005", {}, "data"),
    ("group_missing", "M005 M006", {}, "data"),
    ("flip_end", "S001", {}, "data"),
]


def expected_after(what: str, layout: str) -> np.ndarray[Any, Any]:
    """Return the values of the array after a fix of MENDED."""
    if what == "hole":
        return FILL_SHARD if layout == "shards" else FILL
    if what == "longer":
        return np.concatenate([DATA, np.zeros((10, 40), "i4")])
    return DATA


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("kind", "fix", "options", "what"), MENDED, ids=[f"{m[0]}-{m[1]}" for m in MENDED]
)
@pytest.mark.parametrize("quarantine", [False, True])
def test_fix(
    kind: str, fix: str, options: dict[str, Any], what: str, layout: str, quarantine: bool,
    tmp_path: Path,
) -> None:  # fmt: skip
    if kind == "flip_end" and layout != "shards":
        pytest.skip("nothing notices that")
    path = str(tmp_path / "x")
    damaged(tmp_path / "x", kind, layout)
    codes = fix.split()
    if kind == "truncated" and layout == "shards":
        codes = ["S001"]
    if kind == "two_documents":
        options = {"keep": 2 if layout == "format 2" else 3}
    before = _files(tmp_path / "x")

    dry = zarr.check(path, fix=codes, quarantine=quarantine, dry_run=True, **options)

    assert _files(tmp_path / "x") == before and dry.dry_run and dry.fixes

    report = zarr.check(path, fix=codes, quarantine=quarantine, **options)

    assert report.ok and [f.code for f in report.fixes if f.done][: len(codes)]
    # What other fixes make out of date, a dry run does not know.
    assert [f.action for f in report.fixes][: len(dry.fixes)] == [f.action for f in dry.fixes]
    left = {found.code for found in zarr.check(path).findings}
    assert left <= ({"C005", "M006"} if fix == "M005" else {"C005"})
    root = zarr.open_group(path, mode="r")
    np.testing.assert_array_equal(root["a/z"][...], expected_after(what, layout))
    assert root["a/z"].attrs.asdict() == {"units": "m"}
    consolidated = zarr.open_consolidated(path)
    np.testing.assert_array_equal(consolidated["a/z"][...], expected_after(what, layout))
    moved = [p for p in (tmp_path / "x").rglob("*") if "__quarantine" in p.parts and p.is_file()]
    deletes = kind not in ("other_spelling", "stale_copies", "group_missing")
    assert bool(moved) == (quarantine and deletes)
    for file in moved:
        assert before[_original(file, tmp_path / "x")] == file.read_bytes()


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _original(moved: Path, folder: Path) -> str:
    return str(Path(*[p for p in moved.relative_to(folder).parts if p != "__quarantine"]))


def test_nothing_is_mended_that_is_not_named(tmp_path: Path) -> None:
    make(tmp_path / "x", "format 2")
    for kind in ("zero_length", "outside_grid", "temporary_file", "group_missing"):
        KINDS[kind](tmp_path / "x", "format 2")
    age_all(tmp_path / "x")
    before = _files(tmp_path / "x")

    report = zarr.check(str(tmp_path / "x"), fix=["K002"])

    after = _files(tmp_path / "x")
    assert before.keys() - after.keys() == {"a/z/9.0"} and after.items() <= before.items()
    assert [f.key for f in report.fixes] == ["a/z/9.0"] and not report.ok


# -- vacuum ---------------------------------------------------------------------------------


def test_vacuum(tmp_path: Path) -> None:
    make(tmp_path / "x", "format 3")
    intact = _files(tmp_path / "x")
    for kind in ("outside_grid", "temporary_file"):
        KINDS[kind](tmp_path / "x", "format 3")
    (tmp_path / "x" / "a" / "z" / "README.txt").write_text("mine")
    age_all(tmp_path / "x")

    dry = zarr.vacuum(str(tmp_path / "x"), dry_run=True)
    report = zarr.vacuum(str(tmp_path / "x"))

    assert dry.freed == report.freed > 0 and len(report.fixes) == 2
    assert _files(tmp_path / "x") == {**intact, "a/z/README.txt": b"mine"}
    assert zarr.vacuum(str(tmp_path / "x")).fixes == ()


def test_folder_whose_deletion_was_cut_short(tmp_path: Path) -> None:
    make(tmp_path / "x", "format 2")
    hidden = tmp_path / "x" / "a" / ".__zarr_tmp_9_ff_3"
    hidden.mkdir()
    (hidden / "0.0").write_bytes(b"x" * 10)
    age_all(tmp_path / "x")

    report = zarr.vacuum(str(tmp_path / "x"))

    assert [f.key for f in report.fixes if f.done] == ["a/.__zarr_tmp_9_ff_3"]
    assert not hidden.exists()


def test_young_files_are_spared(tmp_path: Path) -> None:
    make(tmp_path / "x", "format 2")
    KINDS["outside_grid"](tmp_path / "x", "format 2")
    KINDS["temporary_file"](tmp_path / "x", "format 2")

    report = zarr.vacuum(str(tmp_path / "x"))

    assert [(f.key, f.done) for f in report.fixes] == [("a/z/9.0", False)]
    assert "spared: stored 0 seconds ago, age is 3600" in str(report)
    assert zarr.vacuum(str(tmp_path / "x"), age=0).freed > 0


def test_values_of_unknown_age_are_spared() -> None:
    z = zarr.array(np.arange(10), chunks=5)
    z.store["7"] = b"left"

    report = zarr.vacuum(z.store)

    assert [f.done for f in report.fixes] == [False] and "age=0" in report.fixes[0].action
    assert "7" in z.store and zarr.vacuum(z.store, age=0).freed == 4 and "7" not in z.store


def test_chunks_of_an_array_that_grows_meanwhile_are_spared() -> None:
    class Growing(zarr.MemoryStore):
        """A store in which another process ends an append just after the keys were listed."""

        def get_ages(self, keys: Any) -> dict[str, float]:
            if (z := zarr.open_array(self.other)).shape == (4,):
                z.resize(8)
                z[:] = 5
            return dict.fromkeys(keys, 1e6)

    store = Growing()
    store.other = zarr.MemoryStore(store.root)
    zarr.array(np.arange(4), chunks=2, store=store)
    store["3"] = store["0"]
    store["1.__lock"] = b""

    report = zarr.vacuum(store)

    assert [(f.key, f.done) for f in report.fixes] == [("3", False), ("1.__lock", True)]
    assert "changed meanwhile" in report.fixes[0].action
    assert zarr.open_array(store)[:].tolist() == [5] * 8


# -- chunks and shards ----------------------------------------------------------------------


def _shards(**options: Any) -> zarr.Array:
    z = zarr.create(
        DATA.shape, chunks=(10, 10), shards=(20, 20), dtype="i4", zarr_version=3, fill_value=-1,
        **options,
    )  # fmt: skip
    z[...] = DATA
    return z


def test_shard_is_rebuilt_without_the_chunk_that_is_damaged() -> None:
    z = _shards(compressor=zarr.Zstd(level=1))
    key = "c/1/0"
    value = bytearray(z.store[key])
    index = np.frombuffer(value[-68:-4], "<u8").reshape(4, 2)
    start = int(index[2, 0])
    value[start : start + 4] = b"\0\0\0\0"
    z.store[key] = bytes(value)
    assert zarr.check(z.store).counts == {"C002": 1}

    report = zarr.check(z.store, fix="C002", age=0)

    expected = DATA.copy()
    expected[30:, :10] = -1
    assert report.ok and report.fixes[0].action == "rebuilt from 3 readable inner chunks"
    np.testing.assert_array_equal(z[...], expected)
    np.testing.assert_array_equal(zarr.open_array(z.store)[...], expected)


@pytest.mark.parametrize("compressor", [None, zarr.Zstd(level=1)])
@pytest.mark.parametrize("bit", [0, 13, 40, 64 * 8 - 1, 64 * 8 + 5])
def test_bit_of_an_index_is_flipped_back(bit: int, compressor: Any) -> None:
    z = _shards(compressor=compressor)
    intact = bytes(z.store["c/0/1"])
    value = bytearray(intact)
    value[len(intact) - 68 + bit // 8] ^= 1 << bit % 8
    z.store["c/0/1"] = bytes(value)
    assert zarr.check(z.store).counts == {"S001": 1}

    report = zarr.check(z.store, fix="S001", age=0)

    assert report.ok and report.fixes[0].action == "rebuilt from 4 readable inner chunks"
    assert bytes(z.store["c/0/1"]) == intact


def test_entry_of_an_index_is_lost_only_with_its_neighbours() -> None:
    z = _shards(compressor=None)
    value = bytearray(z.store["c/0/1"])
    value[-68 : -68 + 8] = (800).to_bytes(8, "little")  # chunk 0 where chunk 2 is: many bits
    z.store["c/0/1"] = bytes(value)

    zarr.check(z.store, fix="S001", age=0)

    expected = DATA.copy()
    expected[:10, 20:30] = -1
    expected[10:20, 20:30] = -1
    np.testing.assert_array_equal(zarr.open_array(z.store)[...], expected)


def test_torn_shard_with_its_index_at_the_start() -> None:
    serializer = {
        "name": "sharding_indexed",
        "configuration": {
            "chunk_shape": [10, 10],
            "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
            "index_codecs": [
                {"name": "bytes", "configuration": {"endian": "little"}},
                {"name": "crc32c"},
            ],
            "index_location": "start",
        },
    }
    z = zarr.create(
        DATA.shape, chunks=(20, 20), dtype="i4", zarr_version=3, fill_value=-1, codecs=[serializer]
    )
    z[...] = DATA
    z.store["c/1/1"] = bytes(z.store["c/1/1"])[:1000]
    assert zarr.check(z.store).counts == {"S002": 1}

    report = zarr.check(z.store, fix="S002", age=0)

    expected = DATA.copy()
    expected[30:, 20:] = -1
    assert report.ok and report.fixes[0].action == "rebuilt from 2 readable inner chunks"
    np.testing.assert_array_equal(zarr.open_array(z.store)[...], expected)


def test_unused_bytes_of_a_shard_are_given_back() -> None:
    z = _shards(compressor=None)
    intact = bytes(z.store["c/0/0"])
    index = np.frombuffer(intact[-68:-4], "<u8").reshape(4, 2).copy()
    index[1] = ABSENT
    encoded = index.tobytes()
    encoded += checksum_of(encoded).to_bytes(4, "little")
    z.store["c/0/0"] = intact[:-68] + encoded
    assert zarr.check(z.store).counts == {"S003": 1}

    report = zarr.check(z.store, fix="S003", age=0)

    assert report.freed == 400 and zarr.check(z.store).findings == ()
    expected = DATA.copy()
    expected[:10, 10:20] = -1
    np.testing.assert_array_equal(zarr.open_array(z.store)[...], expected)


def test_handles_that_are_open_see_the_fix(tmp_path: Path) -> None:
    make(tmp_path / "x", "format 2")
    z = zarr.open_array(str(tmp_path / "x"), path="a/z", cache_bytes=1 << 20)
    z[...]
    chunk_file(tmp_path / "x", "format 2", 1, 1).write_bytes(b"")

    zarr.check(str(tmp_path / "x"), fix="C001", age=0)

    np.testing.assert_array_equal(z[...], FILL)


# -- metadata -------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [2, 3])
def test_either_of_two_formats_is_kept(keep: int) -> None:
    store = zarr.MemoryStore()
    zarr.array(np.arange(6), chunks=3, store=store)
    zarr.convert(store, 3, other := zarr.MemoryStore())
    store.update(other)

    report = zarr.check(store, fix="M004", keep=keep, age=0)

    assert report.ok
    assert (".zarray" in store, "zarr.json" in store) == (keep == 2, keep == 3)
    np.testing.assert_array_equal(zarr.open_array(store)[:], np.arange(6))


def test_a_choice_that_does_not_choose_is_refused() -> None:
    store = zarr.MemoryStore()
    zarr.array(np.arange(6), chunks=3, store=store)
    store[".zgroup"] = b'{"zarr_format": 2}'

    report = zarr.check(store, fix="M004", keep=2, age=0)

    assert not report.ok and "does not choose one node" in report.fixes[0].action
    assert zarr.check(store, fix="M004", keep="array", age=0).ok
    assert ".zgroup" not in store and ".zarray" in store


def test_chunks_are_left_alone_while_there_are_two_nodes() -> None:
    store = zarr.MemoryStore()
    zarr.array(np.arange(6), chunks=3, store=store)
    store["zarr.json"] = zarr.zeros(6, chunks=3, dtype="i8", zarr_version=3).store["zarr.json"]
    store["0"] = b""

    report = zarr.check(store, fix="C001", age=0)

    assert [f.done for f in report.fixes] == [False] and store["0"] == b""


def test_copies_of_a_group_are_renewed(tmp_path: Path) -> None:
    make(tmp_path / "x", "format 3")
    path = tmp_path / "x" / "a" / "z" / "zarr.json"
    members = json.loads(path.read_text())
    members["attributes"] = {"units": "km"}
    path.write_text(json.dumps(members))

    zarr.check(str(tmp_path / "x"), fix="M006")

    assert zarr.open_consolidated(str(tmp_path / "x"))["a/z"].attrs["units"] == "km"


def test_archive(tmp_path: Path) -> None:
    path = str(tmp_path / "x.zip")
    zarr.save(path, a=np.arange(10))
    with zarr.ZipStore(path, mode="a") as store:
        store["a/7"] = b"left"

    report = zarr.vacuum(path, age=0)

    assert report.freed == 4 and zarr.check(path).findings == ()
    np.testing.assert_array_equal(zarr.load(path)["a"], np.arange(10))


def test_fix_that_fails_is_reported(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may delete anything")
    damaged(tmp_path / "x", "outside_grid", "format 2")
    (tmp_path / "x" / "a" / "z").chmod(0o555)

    report = zarr.vacuum(str(tmp_path / "x"))

    (tmp_path / "x" / "a" / "z").chmod(0o755)
    assert [f.done for f in report.fixes] == [False]
    assert report.fixes[0].action.startswith("not mended: ")


class CreatedMeanwhile(zarr.MemoryStore):
    """A store in which somebody creates a group as soon as its keys have been listed."""

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        yield from list(super().list_sizes(path))
        if "g/zarr.json" not in self:
            zarr.create_group(self, path="g", attributes={"of": "somebody"})


def test_a_group_that_was_created_meanwhile_is_not_replaced() -> None:
    store = CreatedMeanwhile()
    zarr.create_array(store, name="g/a", shape=4, chunks=2, dtype="i4")
    for key in ("zarr.json", "g/zarr.json"):
        store.pop(key, None)

    report = zarr.check(store, level="keys", fix="M005", age=0)

    assert dict(zarr.open_group(store, path="g", mode="r").attrs) == {"of": "somebody"}
    assert [fix.action for fix in report.fixes if fix.key == "g/zarr.json"] == [
        "spared: it has been created meanwhile"
    ]
