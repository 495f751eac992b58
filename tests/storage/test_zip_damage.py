"""Torn, damaged and hostile ZIP archives: the last flushed state, or a StoreError."""

from __future__ import annotations

import os
import pickle
import random
import struct
import subprocess
import sys
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import zarr
from zarr.errors import ReadOnlyError, StoreError
from zarr.storage import ZipStore

TORN = pytest.warns(RuntimeWarning, match=r"does not end with its directory.*repair")


def content(store: ZipStore) -> dict[str, bytes]:
    return {key: bytes(value) for key, value in store.items()}


def opened_quietly(path: Path, mode: str = "r") -> ZipStore:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return ZipStore(path, mode=mode)


def flushed(path: Path, times: int = 3) -> list[tuple[int, dict[str, bytes]]]:
    """Write an archive; return its length and content after each flush."""
    states = []
    with ZipStore(path, mode="w") as store, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for n in range(times):
            store.setitems({f"a/{n}.0": b"%d" % n * 40, "a/same": b"%d" % n * (n + 1)})
            if n:
                del store[f"a/{n - 1}.0"]
                store.rename("a/same", "a/same")
            store.flush()
            states.append((path.stat().st_size, content(store)))
    return states


def as_killed(path: Path, tail: bytes = b"PK\3\4 half a value") -> dict[str, bytes]:
    """Write an archive as a killed writer leaves it; return what was flushed."""
    values = {"a/x": b"1" * 30, "a/y": b"2" * 40}
    with ZipStore(path, mode="w") as store:
        store.setitems(values)
    with path.open("ab") as file:
        file.write(tail)
    return values


# -- archives without an end -----------------------------------------------------------


def test_every_beginning_of_an_archive_opens_to_what_was_flushed_before(tmp_path: Path) -> None:
    path, cut = tmp_path / "a.zip", tmp_path / "cut.zip"
    states = flushed(path)
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        cut.write_bytes(whole[:length])
        before = [state for end, state in states if end <= length]
        if not before:
            with pytest.raises(StoreError, match=r"cut\.zip"):
                ZipStore(cut, mode="r")
            continue
        with opened_quietly(cut) as store:
            assert content(store) == before[-1]
        with opened_quietly(cut, "a") as store:
            store["new"] = b"new"
        with ZipStore(cut, mode="r") as store:
            assert content(store) == {**before[-1], "new": b"new"}


@pytest.mark.parametrize(
    "tail", [b"x", bytes(3_000_000), b"PK\5\6" * 10_000, b"PK\5\6" + bytes(18)]
)
def test_what_follows_the_last_directory_is_left_out(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "a.zip"
    values = as_killed(path, tail)
    for mode in ("r", "a"):
        with TORN, ZipStore(path, mode=mode) as store:
            assert content(store) == values


def test_archive_with_zip64_records_and_no_end(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    keys = [f"c/{n}" for n in range(66_000)]
    with ZipStore(path, mode="w") as store:
        store.setitems(dict.fromkeys(keys, b""))
    with path.open("ab") as file:
        file.write(bytes(100))
    with TORN, ZipStore(path, mode="r") as store:
        assert list(store) == keys
    with opened_quietly(path, "a") as store:
        assert store.repair() == 100
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == keys


def test_archives_of_other_tools_without_an_end(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"1" * 100)
        archive.comment = b"with a comment"
    whole = path.read_bytes()
    path.write_bytes(whole + b"torn")
    with TORN, ZipStore(path, mode="a") as store:
        assert content(store) == {"a": b"1" * 100}
        assert store.repair() == 4
    assert path.read_bytes() == whole


def test_value_that_is_an_archive_is_not_taken_for_the_end(tmp_path: Path) -> None:
    path, inner = tmp_path / "a.zip", tmp_path / "inner.zip"
    with ZipStore(inner, mode="w") as store:
        store["hidden"] = b"1"
    with ZipStore(path, mode="w") as store:
        store["a"] = b"flushed"
        store.flush()
        store["inner"] = inner.read_bytes()
        killed = path.read_bytes()
    path.write_bytes(killed)
    assert killed.endswith(inner.read_bytes())
    with TORN, ZipStore(path, mode="r") as store:
        assert content(store) == {"a": b"flushed"}


def test_damaged_end_is_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    flushed(path)
    whole = bytearray(path.read_bytes())
    whole[whole.rindex(b"a/same")] ^= 1
    path.write_bytes(whole)
    with pytest.raises(StoreError, match=r"a\.zip.*damaged"):
        ZipStore(path, mode="r")


def test_second_kill_loses_nothing_of_what_the_first_has_left(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    values = as_killed(path)
    store = opened_quietly(path, "a")
    torn = path.stat().st_size
    store["new"] = b"new"
    store.rename("a/x", "moved")
    unflushed = path.read_bytes()
    store.flush()
    final = path.read_bytes()
    store.close()
    for length in range(torn, len(final)):
        path.write_bytes(final[:length])
        assert content(opened_quietly(path)) == values
    path.write_bytes(unflushed)
    assert content(opened_quietly(path)) == values


def test_repair_makes_the_archive_whole_for_every_tool(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    values = as_killed(path)
    with TORN, pytest.raises(ReadOnlyError):
        ZipStore(path, mode="r").repair()
    with opened_quietly(path, "a") as store:
        assert store.repair() == len(b"PK\3\4 half a value")
        assert store.repair() == 0
        assert subprocess.run(["unzip", "-tq", str(path)], check=False).returncode == 0
        store["more"] = b"3"
    with ZipStore(path, mode="r") as store:
        assert content(store) == {**values, "more": b"3"}


def test_repair_after_a_write_keeps_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    values = as_killed(path)
    with opened_quietly(path, "a") as store:
        store["more"] = b"3"
        assert store.repair() == 0
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
        with ZipStore(path, mode="r") as copy:
            assert content(copy) == {**values, "more": b"3"}
        assert store.compact() > 0


def test_pickles_and_paths_open_torn_archives_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with ZipStore(path, mode="w") as store:
        zarr.array(np.arange(10), store=store)
        pickled = pickle.dumps(store)
        store["more"] = bytes(100)
        with TORN:
            copy = pickle.loads(pickled)
        assert np.array_equal(zarr.open_array(copy, mode="r"), np.arange(10))
        with TORN:
            z = zarr.open_array(str(path), mode="r")
        assert np.array_equal(z, np.arange(10))
        copy.close()


def test_pickling_while_another_thread_writes(tmp_path: Path) -> None:
    code = """
import pickle, sys, threading, warnings
from zarr.storage import ZipStore
warnings.simplefilter("ignore")
store = ZipStore(sys.argv[1], mode="w")
store["first"] = b"1" * 1000
done = False
def write():
    n = 0
    while not done:
        store[str(n % 50)] = b"%d" % n * 100
        n += 1
writer = threading.Thread(target=write)
writer.start()
try:
    for n in range(300):
        with pickle.loads(pickle.dumps(store)) as copy:
            assert copy["first"] == b"1" * 1000
            for value in copy.values():
                assert len(set(value)) <= 10
finally:
    done = True
    writer.join()
store.close()
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.zip")], check=True, timeout=300)


# -- names -----------------------------------------------------------------------------


def by_zipfile(path: Path, names: list[str], method: int = zipfile.ZIP_STORED) -> bytes:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name in names:
            archive.writestr(name, name.encode() * 50)
    return path.read_bytes()


def with_other_name(path: Path, name: bytes, other: bytes) -> None:
    """Change a name in the directory, but not where its value is."""
    data = bytearray(path.read_bytes())
    at = data.rindex(name, 0, data.rindex(b"PK\5\6"))
    data[at : at + len(name)] = other
    path.write_bytes(data)


ABSENT: list[Callable[[ZipStore, str], object]] = [
    lambda store, key: store[key],
    lambda store, key: store.get(key),
    lambda store, key: key in store,
    lambda store, key: store.getitems([key]),
    lambda store, key: store.get_first([key]),
    lambda store, key: store.present([key]),
    lambda store, key: store.get_partial_values([(key, (0, 1))]),
]


@pytest.mark.parametrize("look", ABSENT)
@pytest.mark.parametrize("name", ["a/0.1", "a/ü"])
def test_key_whose_name_is_damaged_is_not_absent(tmp_path: Path, look, name: str) -> None:
    path = tmp_path / "a.zip"
    by_zipfile(path, ["a/0.0", name, "a/longer/0.1"])
    encoded = name.encode()
    with_other_name(path, encoded, encoded[:-1] + bytes([encoded[-1] ^ 2]))
    with ZipStore(path, mode="r") as store:
        with pytest.raises(StoreError, match=rf"'{name}'.*a\.zip.*directory says"):
            look(store, name)
        assert store["a/0.0"] == b"a/0.0" * 50
        assert "another" not in store


def test_value_under_another_name_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    by_zipfile(path, ["a/0.0", "a/0.1", "a/0.2"])
    with_other_name(path, b"a/0.1", b"a/0.7")
    with ZipStore(path, mode="r") as store:
        for read in (
            lambda: store["a/0.7"],
            lambda: store.getitems(["a/0.0", "a/0.7", "a/0.2"]),
            lambda: store.get_partial_values([("a/0.7", (0, 3))]),
        ):
            with pytest.raises(StoreError, match=r"'a/0\.7'.*a/0\.1"):
                read()


def test_names_of_which_only_the_encoding_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    data = bytearray(by_zipfile(path, ["ü"]))
    data[data.index(b"PK\1\2") + 9] ^= 0x08
    path.write_bytes(data)
    with ZipStore(path, mode="r") as store, pytest.raises(StoreError, match="'ü'"):
        store.get("ü")


def test_damage_in_a_directory_of_ours_is_seen_at_once(tmp_path: Path) -> None:
    path, damaged = tmp_path / "a.zip", tmp_path / "b.zip"
    with ZipStore(path, mode="w") as store:
        store.setitems({f"a/0.{n}": b"%d" % n for n in range(3)})
    whole = path.read_bytes()
    for at in range(whole.index(b"PK\1\2"), len(whole)):
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        try:
            with ZipStore(damaged, mode="r") as store:
                # Only what says that there is a checksum can be damaged without being noticed.
                assert at >= whole.rindex(b"PK\5\6") + 4
                assert store["a/0.1"] == b"1"
                assert len(store) == 3
        except StoreError as error:
            assert "b.zip" in str(error)  # noqa: PT017


def test_damaged_names_do_not_become_trusted_by_a_flush(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    by_zipfile(path, ["a/0.0", "a/0.1"])
    with_other_name(path, b"a/0.1", b"a/0.7")
    with ZipStore(path) as store:
        store["new"] = b""
    with ZipStore(path) as store:
        with pytest.raises(StoreError, match=r"a/0\.1"):
            "a/0.1" in store  # noqa: B015
        with pytest.raises(StoreError, match="compact"):
            store.compact()
        assert os.listdir(tmp_path) == ["a.zip"]


def test_other_tools_may_change_what_we_have_sealed(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with ZipStore(path, mode="w") as store:
        store["a"] = b"1"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("b", b"2")
    (tmp_path / "c").write_bytes(b"3")
    subprocess.run(["zip", "-q", "a.zip", "c"], cwd=tmp_path, check=True)
    with ZipStore(path, mode="r") as store:
        assert content(store) == {"a": b"1", "b": b"2", "c": b"3"}


@pytest.mark.parametrize(
    "name", ["/x/.zgroup", "//f/.zgroup", "a//b", "../x", "a/./b", "a/..", "."]
)
def test_names_that_no_key_has_are_left_out(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.zip"
    by_zipfile(path, [".zgroup", name])
    with ZipStore(path, mode="r") as store:
        assert list(store) == [".zgroup"]
        assert store.listdir() == [".zgroup"]
        assert list(store.list_prefix()) == [".zgroup"]
        assert name not in store


# -- hostile archives ------------------------------------------------------------------


def declaring(path: Path, *, size: int | None = None, packed: int | None = None) -> None:
    """Let the first entry of an archive declare other sizes, in both places."""
    data = bytearray(path.read_bytes())
    for signature, at in ((b"PK\3\4", 18), (b"PK\1\2", 20)):
        start = data.index(signature) + at
        if packed is not None:
            data[start : start + 4] = struct.pack("<L", packed)
        if size is not None:
            data[start + 4 : start + 8] = struct.pack("<L", size)
    path.write_bytes(data)


def peak_memory(path: Path, code: str, limit: int = 256 << 20) -> tuple[str, int]:
    """Return what a fresh process prints, and by how many bytes it grows."""
    program = f"""
import sys
from zarr.storage import ZipStore
assert ZipStore.max_expansion == 256 << 20
ZipStore.max_expansion = {limit}
store = ZipStore(sys.argv[1], mode="r")
def peak():
    # What getrusage says begins with the peak of the process that has started this one.
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
before = peak()
try:
    print({code})
except Exception as error:
    print(type(error).__name__, error)
print(peak() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=120
    )
    answer, _, grown = done.stdout.strip().rpartition("\n")
    return answer, int(grown)


def test_honest_bombs_are_refused_before_they_expand(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("0", bytes(300 << 20))
    assert path.stat().st_size < 2_000_000
    answer, grown = peak_memory(path, "len(store['0'])")
    assert answer.startswith("StoreError cannot read '0' from")
    assert "max_expansion" in answer
    assert grown < 16 << 20


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_bombs_of_every_method_are_refused(tmp_path: Path, method: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("0", bytes(32 << 20))
    answer, grown = peak_memory(path, "len(store['0'])", limit=16 << 20)
    assert answer.startswith("StoreError cannot read '0' from")
    assert grown < 16 << 20


def test_bombs_of_several_members_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(20):
            archive.writestr(str(n), bytes(2 << 20))
    read = "len(store.getitems([str(n) for n in range(20)]))"
    answer, grown = peak_memory(path, read, limit=16 << 20)
    assert answer.startswith("StoreError cannot read '0' and 19 other keys")
    assert grown < 8 << 20


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_sizes_that_no_data_can_have_are_refused(tmp_path: Path, method: int) -> None:
    path = tmp_path / "a.zip"
    by_zipfile(path, ["a/0.0"], method)
    declaring(path, size=0xFFFFFFF0)
    answer, grown = peak_memory(path, "len(store['a/0.0'])")
    assert answer.startswith("StoreError cannot read 'a/0.0' from")
    assert grown < 16 << 20


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_sizes_that_are_too_small_bound_the_memory(tmp_path: Path, method: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a/0.0", bytes(24 << 20))
    declaring(path, size=100)
    answer, grown = peak_memory(path, "len(store['a/0.0'])")
    assert answer.startswith("StoreError cannot read 'a/0.0' from")
    assert grown < 12 << 20


def test_dictionary_of_lzma_is_no_larger_than_the_value(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    data = bytearray(by_zipfile(path, ["a"], zipfile.ZIP_LZMA))
    at = data.index(b"\x09\x04\x05\x00") + 5
    data[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    answer, grown = peak_memory(path, "len(store['a'])")
    assert answer == "50"
    assert grown < 16 << 20


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_chunks_of_zeros_are_read(tmp_path: Path, method: int) -> None:
    path = tmp_path / "a.zip"
    with ZipStore(path, mode="w", compression=method) as store:
        z = zarr.full(16 << 20, 1, chunks=8 << 20, dtype="u1", compressor=None, store=store)
        z[...] = 0
    assert path.stat().st_size < 100_000
    with ZipStore(path, mode="r") as store:
        assert not zarr.open_array(store, mode="r")[...].any()


def test_what_we_write_we_read_however_well_it_compresses(tmp_path: Path) -> None:
    class Cautious(ZipStore):
        max_expansion = 1 << 20

    with Cautious(tmp_path / "a.zip", mode="w", compression=zipfile.ZIP_DEFLATED) as store:
        store.setitems({"large": bytes(2 << 20), "small": bytes(1 << 20)})
        assert len(store["large"]) == 2 << 20
        assert len(store["small"]) == 1 << 20
        assert len(store.getitems(["large", "small"])) == 2


def test_limit_of_expansion_can_be_raised(tmp_path: Path) -> None:
    by_zipfile(tmp_path / "a.zip", ["a" * 100], zipfile.ZIP_DEFLATED)
    with ZipStore(tmp_path / "a.zip", mode="r") as store:
        store.max_expansion = 10
        with pytest.raises(StoreError, match="max_expansion"):
            store["a" * 100]
        store.max_expansion = 10_000
        assert store["a" * 100] == b"a" * 5000


def test_path_that_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.zip")
    for mode in ("r", "a"):
        with pytest.raises(StoreError, match=r"a\.zip.*not a file"):
            ZipStore(tmp_path / "a.zip", mode=mode)


VALUES = {".zarray": b"{}" * 20, "a/0.0": b"one" * 40, "a/0.1": bytes(200), "a/ü": b""}


def sources(folder: Path) -> Iterator[Path]:
    for method in (0, 8, 12, 14):
        with ZipStore(folder / f"ours{method}.zip", mode="w", compression=method) as store:
            for key, value in VALUES.items():
                store[key] = value
                store.flush()
        yield folder / f"ours{method}.zip"
        with zipfile.ZipFile(folder / f"theirs{method}.zip", "w", method) as archive:
            for key, value in VALUES.items():
                with archive.open(key, "w", force_zip64=True) as entry:
                    entry.write(value)
            archive.comment = b"a comment"
        yield folder / f"theirs{method}.zip"


def mutated(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        at = chance.randrange(len(changed))
        kind = chance.randrange(5)
        if kind == 0:
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            changed[at : at + 4] = chance.choice([b"\xff" * 4, bytes(4), chance.randbytes(4)])
        elif kind == 2:
            changed[at : at + 8] = chance.choice([b"\xff" * 8, bytes(8)])
        elif kind == 3:
            del changed[at : at + chance.choice([1, 4, 30])]
        else:
            other = chance.randrange(len(changed))
            changed[at:at] = changed[other : other + chance.choice([4, 22, 46, 100])]
        if not changed:
            return b"PK"
    return bytes(changed)


def check_reads(store: ZipStore, *, torn: bool) -> bool:
    """Read every value, which is the right one or a StoreError; return whether all were there."""
    whole = True
    for key, value in VALUES.items():
        for read in (store.get, lambda key: store.getitems([key]).get(key)):
            try:
                found = read(key)
            except StoreError as error:
                assert store.path in str(error) and repr(key) in str(error)  # noqa: PT017
                found = None
                whole = False
            else:
                assert found == value or (torn and found is None), key
        with suppress(StoreError):
            store.get_partial_values([(key, (0, 2)), (key, (-1, None))])
    return whole


def check_mutated(path: Path) -> str:
    """Use an archive in every way; it fails with StoreErrors, or says the truth."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            store = ZipStore(path, mode="a")
        except StoreError as error:
            assert str(path) in str(error)  # noqa: PT017
            return "not opened"
    torn = bool(caught)
    with store:
        whole = check_reads(store, torn=torn)
        for use in (store.listdir, store.compact, lambda: store.rename("a", "b"), store.repair):
            try:
                use()
            except StoreError as error:
                assert str(path) in str(error)  # noqa: PT017
    return "torn" if torn else "whole" if whole else "damaged"


def check_mutations(folder: Path, number: int, seed: int) -> None:
    chance = random.Random(seed)
    originals = [path.read_bytes() for path in sources(folder)]
    path = folder / "mutated.zip"
    outcomes: Counter[str] = Counter()
    for _ in range(number):
        path.write_bytes(mutated(chance.choice(originals), chance))
        outcomes[check_mutated(path)] += 1
    assert set(outcomes) == {"not opened", "torn", "whole", "damaged"}, outcomes


def test_some_mutations(tmp_path: Path) -> None:
    check_mutations(tmp_path, 300, seed=1)


@pytest.mark.exhaustive
def test_thousands_of_mutations(tmp_path: Path) -> None:
    check_mutations(tmp_path, 20_000, seed=2)
