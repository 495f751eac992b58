"""What copies and rechunkings that were killed leave is found, spared, and deleted."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from tests.tools.stopping import StoppingStore

DATA = np.arange(60 * 80, dtype="i4").reshape(60, 80)
WEEK = 7 * 86400


def _age(folder: Path, seconds: float) -> None:
    then = time.time() - seconds
    for path in folder.rglob("*"):
        os.utime(path, (then, then))


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _codes(report: Any) -> list[tuple[str, str]]:
    return [(found.code, found.key) for found in report.findings if found.code != "C005"]


@pytest.fixture(params=[2, 3])
def killed_copy(request: Any, tmp_path: Path) -> Path:
    """A hierarchy with an array whose assignment by way of another one was killed."""
    root = zarr.open_group(str(tmp_path / "x"), mode="w", zarr_format=request.param)
    root.array("a/z", DATA, chunks=(4, 80))
    for name, age in (("copy-0123456789abcdef", 7200), ("copy-fedcba9876543210", 60)):
        folder = f"a/z/__rechunk/{name}"
        other = zarr.MemoryStore()
        zarr.array(DATA, chunks=(30, 20), store=other, zarr_format=request.param)
        store = zarr.DirectoryStore(str(tmp_path / "x"))
        for key, value in other.items():
            store[f"{folder}/0/{key}"] = value
        _age(tmp_path / "x" / folder, age)
    return tmp_path / "x"


@pytest.mark.parametrize("level", ["keys", "data"])
def test_a_killed_copy(killed_copy: Path, level: Any) -> None:
    report = zarr.check(str(killed_copy), level=level)

    assert _codes(report) == [("K001", "a/z/__rechunk/copy-0123456789abcdef")] and report.ok
    assert "interrupted 2 hours ago" in report.findings[0].message and report.arrays == 1
    assert [f.key for f in zarr.check(str(killed_copy), "a/z").findings] == [
        "a/z/__rechunk/copy-0123456789abcdef"
    ]
    assert zarr.check(str(killed_copy), level="meta").arrays == 1


@pytest.mark.parametrize("quarantine", [False, True])
def test_vacuum_after_a_killed_copy(killed_copy: Path, quarantine: bool) -> None:
    before = _files(killed_copy)
    old = {name for name in before if "copy-0123456789abcdef" in name}
    nbytes = sum(len(before[name]) for name in old)

    dry = zarr.vacuum(str(killed_copy), dry_run=True)
    assert _files(killed_copy) == before and len(dry.fixes) == 1
    done = zarr.vacuum(str(killed_copy), quarantine=quarantine)

    after = _files(killed_copy)
    assert dry.freed == nbytes and done.freed == (0 if quarantine else nbytes)
    assert before.keys() - after.keys() == old
    assert len(after.keys() - before.keys()) == (len(old) if quarantine else 0)
    assert all(name.startswith("a/z/__quarantine/") for name in after.keys() - before.keys())
    assert (killed_copy / "a/z/__rechunk/copy-fedcba9876543210").exists()
    zarr.vacuum(str(killed_copy), age=0)
    assert not list((killed_copy / "a/z").rglob("copy-fed*"))
    assert np.array_equal(zarr.open_group(str(killed_copy))["a/z"][...], DATA)


@pytest.fixture(params=["", "a/b"], ids=["root", "member"])
def killed_rechunk(request: Any, tmp_path: Path) -> tuple[Path, str, Any]:
    """A folder, the path in it of what a killed rechunking was to make, and how to go on."""
    source = zarr.array(DATA, chunks=(4, 80), zarr_format=3)
    store = StoppingStore(str(tmp_path / "x"))
    if request.param:
        zarr.open_group(store, mode="w", zarr_format=3).array("other", DATA, chunks=30)
    options: Any = {"chunks": (60, 5), "memory": 9000, "dest_path": request.param}
    store.left = 15
    with pytest.raises(KeyboardInterrupt):
        zarr.rechunk(source, store, **options)
    made = tmp_path / "x" / request.param
    assert list(made.glob("__rechunk/done/*")) and list(made.glob("c/*"))
    return (
        tmp_path / "x",
        request.param,
        lambda: zarr.rechunk(source, str(tmp_path / "x"), **options),
    )


def _folder(path: str) -> str:
    return f"{path}/__rechunk" if path else "__rechunk"


def test_a_rechunking_that_can_go_on_is_spared(killed_rechunk: Any) -> None:
    folder, path, resume = killed_rechunk
    assert "K006" not in zarr.check(str(folder)).counts  # it may be running
    _age(folder, WEEK - 3600)
    before = _files(folder)

    report = zarr.check(str(folder))
    spared = zarr.vacuum(str(folder))

    assert ("K006", _folder(path)) in _codes(report) and report.ok
    assert "it goes on when it is repeated" in str(report)
    assert _files(folder) == before
    assert [(fix.code, fix.done) for fix in spared.fixes] == [("K006", False)]
    assert resume().found > 0
    made = zarr.open_array(str(folder), path=path, mode="r")
    assert np.array_equal(made[...], DATA) and not _codes(zarr.check(str(folder)))


@pytest.mark.parametrize("age", [3600, 0])
def test_an_old_rechunking_is_deleted_with_its_chunks(killed_rechunk: Any, age: float) -> None:
    folder, path, resume = killed_rechunk
    left = [name for name in _files(folder) if name.startswith(path)]
    nbytes = sum((folder / name).stat().st_size for name in left if not name.startswith("other"))
    if age:
        _age(folder, WEEK + 3600)
    others = {name: value for name, value in _files(folder).items() if name not in left or not path}

    report = zarr.vacuum(str(folder), age=age)

    assert report.freed == nbytes
    assert _files(folder) == (others if path else {})
    assert resume().found == 0


def test_deletion_that_is_cut_short_leaves_what_is_right(killed_rechunk: Any) -> None:
    folder, path, resume = killed_rechunk
    store = zarr.DirectoryStore(str(folder))
    left = -1

    class Interrupted(zarr.DirectoryStore):
        def delitems(self, keys: Any) -> None:
            nonlocal left
            for key in keys:
                left -= 1
                if left == 0:
                    raise KeyboardInterrupt
                super().delitems([key])

    before = dict(store.items())
    for at in range(1, 100):
        store.rmdir()
        store.update(before)
        left = at
        try:
            zarr.vacuum(Interrupted(str(folder)), age=0)
        except KeyboardInterrupt:
            resume()
            made = zarr.open_array(str(folder), path=path, mode="r")
            assert np.array_equal(made[...], DATA)
        else:
            break
    assert 10 < at < 99


def test_a_journal_without_a_plan(tmp_path: Path) -> None:
    zarr.array(DATA, store=str(tmp_path / "x"))
    store = zarr.DirectoryStore(str(tmp_path / "x"))
    store["__rechunk/done/0.0.1"] = b"1"

    assert zarr.vacuum(store).fixes == ()
    _age(tmp_path / "x", 7200)
    assert _codes(zarr.check(store)) == [("K001", "__rechunk")]
    assert zarr.vacuum(store).freed == 1 and not (tmp_path / "x/__rechunk").exists()


def test_a_journal_of_another_version(tmp_path: Path) -> None:
    zarr.array(DATA, store=str(tmp_path / "x"))
    store = zarr.DirectoryStore(str(tmp_path / "x"))
    store["__rechunk/plan.json"] = b'{"rechunk": 99}'

    report = zarr.vacuum(store, age=0)

    assert [fix.code for fix in report.fixes] == ["K006"] and not (
        tmp_path / "x/__rechunk"
    ).exists()
    assert np.array_equal(zarr.open_array(store)[...], DATA)


def test_stores_that_do_not_know_ages() -> None:
    store = zarr.MemoryStore()
    zarr.array(DATA, store=store, path="z")
    store["z/__rechunk/copy-00/0/0.0"] = b"left"

    assert _codes(zarr.check(store)) == [("K001", "z/__rechunk/copy-00")]
    spared = zarr.vacuum(store)
    assert [fix.done for fix in spared.fixes] == [False] and "age=0" in spared.fixes[0].action
    assert zarr.vacuum(store, age=0).freed == 4 and not [k for k in store if "__rechunk" in k]
