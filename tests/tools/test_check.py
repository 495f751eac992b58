"""What `zarr.check` notices in damaged stores, that it notices nothing in others, and its cost."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from tests.tools.damage import DATA, KINDS, LAYOUTS, NOTICED, chunk_file, damaged, make
from zarr.errors import PathNotFoundError, ReadOnlyError

RANDOM = np.random.default_rng(1)


# -- damage ---------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_noticed(kind: str, layout: str, tmp_path: Path) -> None:
    damaged(tmp_path / "x", kind, layout)

    report = zarr.check(str(tmp_path / "x"))

    expected = NOTICED[kind][layout]
    assert set(report.counts) == ({expected} if expected else set())
    assert report.ok == all(found.severity != "error" for found in report.findings)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("level", ["meta", "keys", "data"])
def test_intact_hierarchy_has_no_finding(level: str, layout: str, tmp_path: Path) -> None:
    make(tmp_path / "x", layout)

    report = zarr.check(tmp_path / "x", level=level)

    assert report.findings == () and report.ok
    assert (report.arrays, report.groups) == (2, 2)
    assert report.chunks == (0 if level == "meta" else 6 if layout == "shards" else 18)


def test_levels_include_those_before(tmp_path: Path) -> None:
    make(tmp_path / "x", "format 2")
    for kind in ("stale_copies", "zero_length"):
        KINDS[kind](tmp_path / "x", "format 2")
    path = chunk_file(tmp_path / "x", "format 2", 2, 2)
    path.write_bytes(path.read_bytes()[:-5])

    counts = {level: zarr.check(tmp_path / "x", "", level).counts for level in _LEVELS}

    assert counts == {
        "meta": {"M006": 1},
        "keys": {"C001": 1, "M006": 1},
        "data": {"C001": 1, "C002": 1, "M006": 1},
    }


_LEVELS = ("meta", "keys", "data")


def _with_checksum(layout: str) -> zarr.Array:
    store = zarr.MemoryStore()
    options: dict[str, Any] = {"shards": (20, 20)} if layout == "shards" else {}
    z = zarr.create(
        DATA.shape, chunks=(10, 10), dtype="i4", store=store, zarr_version=3,
        compressors=[zarr.Zstd(level=1), {"name": "crc32c"}], **options,
    )  # fmt: skip
    z[...] = DATA
    return z


@pytest.mark.parametrize("layout", ["chunks", "shards"])
def test_every_flipped_bit_is_noticed_where_there_are_checksums(layout: str) -> None:
    z = _with_checksum(layout)
    key = "c/1/1"
    intact = bytes(z.store[key])
    for at in RANDOM.integers(0, len(intact) * 8, 60).tolist():
        value = bytearray(intact)
        value[at >> 3] ^= 1 << (at & 7)
        z.store[key] = bytes(value)

        report = zarr.check(z.store)

        assert [found.key for found in report.findings] == [key], at
    z.store[key] = intact
    assert zarr.check(z.store).findings == ()


DOCUMENTS: list[tuple[str, bytes, str, str]] = [
    (".zarray", b"\xff\xfe", "M001", "not a valid JSON"),
    (".zarray", b"[]", "M002", "must hold a JSON object"),
    (".zarray", b'{"zarr_format": 2}', "M002", "required members are missing"),
    (".zattrs", b"{", "M001", "not a valid JSON"),
    (".zattrs", b"[1]", "M002", "must hold a JSON object"),
    ("zarr.json", b'{"zarr_format": 3, "node_type": "tree"}', "M002", "node_type"),
]


@pytest.mark.parametrize(("name", "document", "code", "message"), DOCUMENTS)
def test_invalid_document(name: str, document: bytes, code: str, message: str) -> None:
    store = zarr.MemoryStore()
    version = 3 if name == "zarr.json" else 2
    group = zarr.group(store, zarr_version=version)
    group.create_dataset("z", data=np.arange(10), chunks=5)
    store[f"z/{name}"] = document

    (found,) = zarr.check(store).findings

    assert (found.code, found.key, found.severity) == (code, f"z/{name}", "error")
    assert message in found.message and found.fix is None


def test_codec_that_is_not_installed() -> None:
    z = zarr.array(np.arange(10), chunks=5, compressor=zarr.Zlib())
    members = json.loads(bytes(z.store[".zarray"]))
    members["compressor"]["id"] = "nobody-has-this"
    z.store[".zarray"] = json.dumps(members).encode()

    report = zarr.check(z.store)

    assert report.counts == {"M003": 1} and report.ok
    assert "nobody-has-this" in report.findings[0].message


def test_pickled_objects_are_not_decoded() -> None:
    import numcodecs

    z = zarr.create(4, chunks=1, dtype=object, object_codec=numcodecs.Pickle())
    with zarr.config.set(allow_pickle=True):
        z[:] = [{1}, {2}, {3}, {4}]

    report = zarr.check(z.store)

    assert report.counts == {"M003": 1} and report.ok


def test_temporary_files_of_other_libraries() -> None:
    store = zarr.MemoryStore()
    zarr.array(np.arange(10), chunks=5, store=store, path="z")
    names = ["z/0.__lock", "z/1.c0ffee.partial", "z/.zarray.__lock", "z/0.tmp", ".zgroup.__lock"]
    store.update(dict.fromkeys([*names, "z/notes.partial", "README.md"], b"x"))

    report = zarr.check(store)

    found = {f.key: f.code for f in report.findings}
    assert found == {**dict.fromkeys(names, "K001"), "z/notes.partial": "K004", "README.md": "K004"}


def test_names_that_differ_in_case() -> None:
    group = zarr.group()
    group.create_group("run")
    group.create_group("Run")

    report = zarr.check(group.store)

    assert report.counts == {"K005": 1} and report.ok


def test_sparse_arrays_are_no_finding() -> None:
    store = zarr.MemoryStore()
    z = zarr.zeros((100, 100), chunks=10, store=store, path="slab")
    z[:40] = 1
    z = zarr.zeros((100, 100), chunks=10, store=store, path="scattered")
    for place in RANDOM.integers(0, 10, (50, 2)):
        z.blocks[tuple(map(int, place))] = 1
    zarr.zeros((100, 100), chunks=10, store=store, path="empty")

    assert zarr.check(store).findings == ()


def test_array_inside_of_an_array() -> None:
    store = zarr.MemoryStore()
    zarr.array(np.arange(4), chunks=2, store=store, path="outer")
    store["outer/inner/.zarray"] = store["outer/.zarray"]
    store["outer/__stats/.zarray"] = store["outer/.zarray"]
    store["outer/__stats/0"] = b"what other parts of this library keep"

    (found,) = zarr.check(store).findings

    assert (found.code, found.key, found.array) == ("K004", "outer/inner/.zarray", "outer")


def test_values_without_metadata() -> None:
    store = zarr.MemoryStore()
    store.update({"0.0": b"a", "0.1": b"b"})

    report = zarr.check(store)

    assert not report.ok and report.counts == {"K004": 2, "M005": 1}


def test_shard_with_unused_bytes() -> None:
    z = zarr.create((4, 4), chunks=2, shards=4, dtype="u1", zarr_version=3, compressor=None)
    z[...] = 1
    value = bytes(z.store["c/0/0"])
    z.store["c/0/0"] = bytes(50) + value[:-68] + value[-68:]

    report = zarr.check(z.store)

    assert set(report.counts) == {"S003"} and report.ok


def test_entries_of_a_shard_that_overlap() -> None:
    z = _shard_without_checksum()
    value = bytearray(z.store["c/0"])
    index = np.frombuffer(value[-64:], "<u8").reshape(4, 2).copy()
    index[1, 0] = 1
    z.store["c/0"] = bytes(value[:-64]) + index.tobytes()

    report = zarr.check(z.store)

    assert report.counts == {"S002": 1}


def _shard_without_checksum() -> zarr.Array:
    document = {
        "zarr_format": 3, "node_type": "array", "shape": [8], "data_type": "uint8",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [8]}},
        "chunk_key_encoding": {"name": "default"}, "fill_value": 0,
        "codecs": [{"name": "sharding_indexed", "configuration": {
            "chunk_shape": [2], "codecs": [{"name": "bytes"}],
            "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
        }}],
    }  # fmt: skip
    store = zarr.MemoryStore()
    store["zarr.json"] = json.dumps(document).encode()
    z = zarr.open_array(store)
    z[:] = np.arange(1, 9)
    return z


# -- arguments and the report ---------------------------------------------------------------


def test_report_as_text_and_json(tmp_path: Path) -> None:
    damaged(tmp_path / "x", "zero_length", "format 3")

    report = zarr.check(str(tmp_path / "x"), "a")

    said = json.loads(report.to_json())
    assert said["schema"] == 1 and said["ok"] is False and said["path"] == "a"
    assert said["counts"] == {"C001": 1} and said["findings"][0]["key"] == "a/z/c/1/1"
    assert str(report).splitlines() == [
        "error  C001  a/z/c/1/1  chunk (1, 1) has no bytes  [fix: C001]",
        "1 error, 0 warnings, 0 notes in 1 array, 1 group and 16 chunks (level 'data')",
    ]
    with pytest.raises(AttributeError):
        report.findings[0].code = "C002"  # type: ignore[misc]


def test_report_of_many_findings_shows_the_first() -> None:
    z = zarr.array(np.arange(200), chunks=1)
    z.store.update({str(n): b"" for n in range(150)})

    lines = str(zarr.check(z.store)).splitlines()

    assert len(lines) == 102 and lines[100] == "... and 50 more findings"


def test_only_what_is_below_the_path() -> None:
    root = zarr.group()
    for name in ("a", "ab"):
        z = root.create_group(name).create_dataset("z", data=np.arange(4), chunks=2)
        z.store[f"{name}/z/0"] = b""

    assert [found.key for found in zarr.check(root.store, "a").findings] == ["a/z/0"]
    assert [found.key for found in zarr.check(root.store, "a/z").findings] == ["a/z/0"]


@pytest.mark.parametrize("level", _LEVELS)
def test_nothing_there(level: str, tmp_path: Path) -> None:
    zarr.group(str(tmp_path / "x"))

    with pytest.raises(PathNotFoundError, match="nowhere"):
        zarr.check(str(tmp_path / "x"), "nowhere", level)
    with pytest.raises(PathNotFoundError, match="directory does not exist"):
        zarr.check(str(tmp_path / "missing"), level=level)
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": "all"}, "level must be one of"),
        ({"fix": "X999"}, "there is no fix 'X999'"),
        ({"fix": ["K004"]}, "there is no fix 'K004'"),
        ({"fix": "M004"}, "keep=2 or keep=3"),
        ({"fix": "C002", "level": "keys"}, "needs level='data'"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        zarr.check(zarr.zeros(3).store, **arguments)


def test_fixes_need_a_store_that_can_be_written(tmp_path: Path) -> None:
    with zarr.ZipStore(str(tmp_path / "x.zip"), mode="w") as store:
        zarr.zeros(4, chunks=2, store=store)
    with zarr.ZipStore(str(tmp_path / "x.zip"), mode="r") as store:
        with pytest.raises(ReadOnlyError):
            zarr.check(store, fix="K002")
        assert zarr.check(store, fix="K002", dry_run=True).ok


# -- cost -----------------------------------------------------------------------------------


class Counting(zarr.MemoryStore):
    """A store that notes what it is asked for."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.read: list[str] = []
        self.lists = 0

    def __getitem__(self, key: str) -> Any:
        self.read.append(key)
        return super().__getitem__(key)

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        self.lists += 1
        return iter([(key, len(zarr.MemoryStore.__getitem__(self, key)))
                     for key in super().list_prefix(path)])  # fmt: skip

    def list_prefix(self, path: str = "") -> Iterator[str]:
        self.lists += 1
        return super().list_prefix(path)

    def listdir(self, path: str = "") -> list[str]:
        raise AssertionError("one list is enough")


def _counting(**options: Any) -> Counting:
    store = zarr.MemoryStore()
    z = zarr.create((40, 40), chunks=10, dtype="i4", store=store, path="z", **options)
    z[...] = DATA
    return Counting(store.root)


@pytest.mark.parametrize(
    "options", [{}, {"zarr_version": 3}, {"zarr_version": 3, "shards": (20, 20)}]
)
def test_level_keys_is_one_list_and_reads_no_chunk(options: dict[str, Any]) -> None:
    store = _counting(**options)

    report = zarr.check(store, level="keys")

    assert report.ok and report.chunks and store.lists == 1
    assert {key.rpartition("/")[2] for key in store.read} <= {
        ".zarray", ".zgroup", ".zattrs", "zarr.json", "meta",
    }  # fmt: skip


@pytest.mark.parametrize(
    "options", [{}, {"zarr_version": 3}, {"zarr_version": 3, "shards": (20, 20)}]
)
def test_level_data_reads_each_value_once(options: dict[str, Any]) -> None:
    store = _counting(**options)

    report = zarr.check(store, level="data")

    chunks = [key for key in store.read if key[-1].isdigit()]
    assert report.ok and len(chunks) == len(set(chunks)) == report.chunks and store.lists == 1


def test_progress() -> None:
    z = zarr.array(np.arange(100), chunks=1)
    calls: list[tuple[int, int]] = []

    zarr.check(z.store, progress=lambda done, total: calls.append((done, total)))

    assert calls[-1] == (100, 100)


# -- stores and formats ---------------------------------------------------------------------


def _sparse(group: zarr.Group, **options: Any) -> None:
    z = group.zeros("sparse", shape=(30, 30), chunks=(4, 7), **options)
    z[:8] = 1


def _vast(group: zarr.Group, **options: Any) -> None:
    group.zeros("vast", shape=(10**9, 10**9), chunks=(10, 10), **options)[5, 5] = 1


def _scalar(group: zarr.Group, **options: Any) -> None:
    group.create_dataset("scalar", data=np.float64(4.5), **options)


def _texts(group: zarr.Group, **options: Any) -> None:
    group.create_dataset("texts", data=np.array(["a", "ü" * 9, ""], object), dtype=str, chunks=2)


def _records(group: zarr.Group, **options: Any) -> None:
    group.create_dataset("records", data=np.zeros(5, "i4,f8"), chunks=2, **options)


def _empty(group: zarr.Group, **options: Any) -> None:
    group.zeros("empty", shape=(0, 3), chunks=(2, 2), **options)


def _uncompressed(group: zarr.Group, **options: Any) -> None:
    group.create_dataset("plain", data=np.arange(7.0), chunks=3, compressor=None, **options)


def _nested(group: zarr.Group, **options: Any) -> None:
    group.create_dataset(
        "deep/down/z", data=np.arange(16).reshape(4, 4), chunks=2, dimension_separator="/"
    )


CONTENTS = (_sparse, _vast, _scalar, _texts, _records, _empty, _uncompressed, _nested)


def _stores(tmp_path: Path) -> dict[str, Callable[[], Any]]:
    return {
        "memory": zarr.MemoryStore,
        "dict": lambda: zarr.KVStore({}),
        "directory": lambda: zarr.DirectoryStore(tmp_path / "d"),
        "nested": lambda: zarr.NestedDirectoryStore(tmp_path / "n"),
        "zip": lambda: zarr.ZipStore(str(tmp_path / "x.zip"), mode="w"),
        "sqlite": lambda: zarr.SQLiteStore(str(tmp_path / "x.db")),
        "fsspec": lambda: zarr.FSStore(f"file://{tmp_path}/f"),
        "remote": lambda: zarr.FSStore(f"memory://check{time.time_ns()}"),
    }


@pytest.mark.parametrize("name", ["memory", "dict", "directory", "nested", "zip", "sqlite",
                                  "fsspec", "remote"])  # fmt: skip
@pytest.mark.parametrize("version", [2, 3])
def test_intact_contents_in_every_store(name: str, version: int, tmp_path: Path) -> None:
    with _stores(tmp_path)[name]() as store:
        warnings.filterwarnings("ignore", "Duplicate name")  # what replaces a value in an archive
        group = zarr.group(store, zarr_version=version)
        for fill in CONTENTS:
            fill(group)
        group["scalar"].attrs["text"] = [1, None, "ü"]
        zarr.consolidate_metadata(store)

        for level in _LEVELS:
            report = zarr.check(store, level=level)
            assert report.findings == (), level


def test_intact_listed_chunks_and_shards() -> None:
    store = zarr.MemoryStore()
    group = zarr.group(store, zarr_version=3)
    data = np.arange(900).reshape(30, 30)
    group.create_dataset("listed", data=data, chunks=([10, 15, 5], 20))
    group.create_dataset("shards", data=data[:7, :10], chunks=(3, 2), shards=(6, 8))
    group.create_dataset("texts", data=np.array(["a", "b"] * 5, object), dtype=str, chunks=2)

    assert zarr.check(store).findings == ()


def test_listed_chunks_that_are_damaged() -> None:
    store = zarr.MemoryStore()
    z = zarr.array(
        np.arange(900).reshape(30, 30), chunks=([10, 15, 5], 20), store=store, zarr_version=3,
        compressor=None,
    )  # fmt: skip
    store["c/1/0"] = bytes(store["c/2/0"])

    (found,) = zarr.check(z.store).findings

    assert (found.code, found.key) == ("C002", "c/1/0") and "expected 2400" in found.message


def test_n5(tmp_path: Path) -> None:
    path = str(tmp_path / "x.n5")
    group = zarr.open_group(path, mode="w")
    group.create_group("a").create_dataset("z", data=np.arange(36).reshape(6, 6), chunks=(4, 3))
    group["a"].attrs["x"] = 1

    assert zarr.check(path).findings == ()
    (tmp_path / "x.n5" / "a" / "z" / "1" / "0").write_bytes(b"no block")
    assert zarr.check(path).counts == {"C002": 1}


def test_urls_and_archives(tmp_path: Path) -> None:
    path = str(tmp_path / "x.zip")
    zarr.save(path, a=np.arange(10), b=np.arange(3))

    assert zarr.check(path).ok and zarr.check(f"file://{tmp_path}/x.zip").arrays == 2
    assert zarr.check(path, "a").chunks == 1


def test_old_fixtures_have_no_finding(tmp_path: Path) -> None:
    import zipfile

    folder = Path(__file__).parents[1] / "fixtures"
    for archive in sorted(folder.glob("*.zip")):
        target = tmp_path / archive.stem
        with zipfile.ZipFile(archive) as file:
            file.extractall(target)
        for root in _roots(target):
            report = zarr.check(str(root))
            assert [f for f in report.findings if f.code != "C005"] == [], root


def _roots(folder: Path) -> Iterator[Path]:
    """Yield the folders that are hierarchies, but no part of a larger one."""
    names = {path.name for path in folder.iterdir()}
    if names & {".zgroup", ".zarray", "zarr.json", "meta"}:
        yield folder
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from _roots(path)


def test_others_write_meanwhile(tmp_path: Path) -> None:
    make(tmp_path / "x", "format 2")
    (tmp_path / "x/a/z/.__zarr_tmp_1_ab_0").write_bytes(b"")

    assert zarr.check(str(tmp_path / "x")).findings == ()
    assert zarr.check(str(tmp_path / "x"), age=0).counts == {"K001": 1}
