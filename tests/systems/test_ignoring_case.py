"""Stores on a volume that does not tell cases apart lose nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.errors import ContainsArrayError

pytest.importorskip("mfusepy", exc_type=ImportError)


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Mount a volume that ignores case; needs the right to mount."""
    folder = tmp_path_factory.mktemp("behind")
    mounted = tmp_path_factory.mktemp("MOUNTED")
    (folder / "here").touch()
    program = [sys.executable, str(Path(__file__).parent / "ignoring_case.py"), folder, mounted]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as running:
        try:
            while not (mounted / "HERE").exists():
                if running.poll() is not None:
                    pytest.skip(f"cannot mount: {running.stderr.read()[-300:]}")
                time.sleep(0.02)
            yield mounted
        finally:
            subprocess.run(["umount", "-l", mounted], check=False, capture_output=True)
            running.terminate()


def object_store(path: Path) -> Any:
    obstore = pytest.importorskip("obstore")
    return zarr.storage.ObjectStore(obstore.store.LocalStore(str(path), mkdir=True))


STORES: dict[str, Callable[[Path], Any]] = {
    "directory": zarr.DirectoryStore,
    "nested": zarr.NestedDirectoryStore,
    "n5": zarr.N5Store,
    "fsspec": lambda path: zarr.storage.FSStore(str(path)),
    "obstore": object_store,
}

CONTENT = {"Temp/x.bin": b"1", "Temp/deep/y.bin": b"2", "other/z.bin": b"3"}
MOVES = [
    ("Temp", "temp"),
    ("Temp/x.bin", "Temp/X.bin"),
    ("Temp/deep", "temp"),
    ("Temp/deep", "TEMP/deep2"),
    ("Temp", "temp/deep"),
    ("Temp", "temp/new"),
    ("other", "OTHER/sub"),
]


@pytest.mark.parametrize("make", STORES.values(), ids=STORES)
@pytest.mark.parametrize(("source", "target"), MOVES)
def test_rename_loses_nothing(
    volume: Path, make: Callable[[Path], Any], source: str, target: str, tmp_path: Path
) -> None:
    store = make(volume / tmp_path.name)
    store.update(CONTENT)
    replaced = {}
    if source == "Temp/deep" and target == "temp":  # takes the place of what it was in
        replaced = {"Temp/x.bin": b"1"}

    try:
        zarr.storage.rename(store, source, target)
    except OSError:
        target = source  # a folder cannot be moved into itself

    kept = sorted(bytes(value) for value in store.values())
    assert set(kept) >= set(CONTENT.values()) - set(replaced.values())
    if target.lower() == source.lower() and target != source:
        moved = [key for key in store if key.startswith(target)]
        assert moved and not [key for key in store if key.startswith(source)]


def test_two_spellings_are_one_array(volume: Path) -> None:
    group = zarr.open_group(str(volume / "group"), mode="w")
    group["Temp"] = np.arange(3)
    with pytest.raises(ContainsArrayError):
        group.create_dataset("temp", shape=3)
    zarr.storage.rename(group.store, "Temp", "temp")
    assert list(group) == ["temp"]
    assert group["temp"][:].tolist() == [0, 1, 2]
