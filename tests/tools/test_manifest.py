"""`manifest`: checksums as other programs compute and check them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import zarr
from zarr.storage import KVStore


def made(path: str, version: int = 2) -> None:
    root = zarr.open_group(path, mode="w", zarr_version=version)
    root.create_group("a").array("z", np.arange(30).reshape(5, 6), chunks=2)
    zarr.seal(path)


@pytest.mark.parametrize("version", [2, 3])
def test_sha256sum_checks_it(version: int, tmp_path: Path) -> None:
    if shutil.which("sha256sum") is None:
        pytest.skip("there is no sha256sum")
    made(str(tmp_path / "x.zarr"), version)
    (tmp_path / "SUMS").write_text(zarr.manifest(str(tmp_path / "x.zarr")))
    command = ["sha256sum", "--check", "--strict", "--quiet", "../SUMS"]

    assert subprocess.run(command, cwd=tmp_path / "x.zarr", check=False).returncode == 0
    files = [path for path in (tmp_path / "x.zarr").rglob("*") if path.is_file()]
    assert len((tmp_path / "SUMS").read_text().splitlines()) == len(files)
    next(path for path in files if path.name in ("0.0", "0")).write_bytes(b"other")
    done = subprocess.run(command, cwd=tmp_path / "x.zarr", check=False, capture_output=True)
    assert done.returncode == 1


def test_bagit() -> None:
    store = KVStore({"a%b/.zarray": zarr.zeros(3).store[".zarray"], ".zgroup": b"{}"})
    store[".zgroup"] = zarr.group().store[".zgroup"]
    lines = zarr.manifest(store, kind="bagit").splitlines()

    assert [line[64:] for line in lines] == ["  data/.zgroup", "  data/a%25b/.zarray"]
    assert lines[0][:64] == hashlib.sha256(store[".zgroup"]).hexdigest()


def test_names_that_sha256sum_escapes() -> None:
    store = KVStore({})
    zarr.group(store)
    store["a\nb"] = b"1"

    assert zarr.manifest(store).splitlines()[1][0] == "\\"
    assert zarr.manifest(store).splitlines()[1].endswith("  a\\nb")


def test_dandi_by_its_definition() -> None:
    store = KVStore({})
    made_group = zarr.group(store)
    made_group.array("b", np.arange(4), chunks=2, compressor=None)

    def md5(data: bytes) -> str:
        return hashlib.md5(data, usedforsecurity=False).hexdigest()

    def entry(name: str) -> str:
        value = bytes(store[name])
        last = name.rpartition("/")[2]
        return f'{{"digest":"{md5(value)}","name":"{last}","size":{len(value)}}}'

    inner = '{"directories":[],"files":[' + ",".join(map(entry, ["b/.zarray", "b/0", "b/1"])) + "]}"
    size = sum(len(store[name]) for name in ("b/.zarray", "b/0", "b/1"))
    folder = f'{{"digest":"{md5(inner.encode())}-3--{size}","name":"b","size":{size}}}'
    outer = f'{{"directories":[{folder}],"files":[{entry(".zgroup")}]}}'
    total = size + len(store[".zgroup"])

    assert zarr.manifest(store, kind="dandi") == f"{md5(outer.encode())}-4--{total}"


def test_the_checksum_of_nothing_but_one_array() -> None:
    root = zarr.group()
    z = root.array("a/z", [1, 2, 3])

    assert zarr.manifest(root, "a/z") == zarr.manifest(z) == zarr.manifest(root.store, "a/z")


def test_errors() -> None:
    with pytest.raises(ValueError, match="kind must be one of"):
        zarr.manifest(zarr.zeros(3), kind="md5sum")
    with pytest.raises(zarr.errors.PathNotFoundError):
        zarr.manifest(KVStore({}))
