"""Peers read what transactions have written, and do not change snapshots."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

import zarr
from tests.interop import peers
from tests.safety.transactions import NEW, Workload
from tests.tools.test_snapshot import bytes_of

pytestmark = [pytest.mark.slow, pytest.mark.interop]

BY_ZARR = """
import json, sys
import zarr
if {zarrs}:
    zarr.config.set({{"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}})
path, names, write = json.loads(sys.argv[1])
root = zarr.open_group(path, mode="r+")
found = [root[name][...].tolist() for name in names]
if write:
    for name in names:
        root[name][1, 1] = 77
    root.create_group("more")
members = sorted(root.group_keys()) + sorted(root.array_keys())
print(json.dumps([found, members]))
"""
BY_TENSORSTORE = """
import json, sys
import tensorstore as ts
path, names, write = json.loads(sys.argv[1])
found = []
for name in names:
    driver = {driver!r}
    z = ts.open({{"driver": driver, "kvstore": f"file://{{path}}/{{name}}/"}}).result()
    found.append(z.read().result().tolist())
    if write:
        z[1, 1].write(77).result()
print(json.dumps([found, None]))
"""
READERS = {
    ("zarr2", "2"): BY_ZARR.format(zarrs=False),
    ("zarr3", "2"): BY_ZARR.format(zarrs=False),
    ("zarr3", "3"): BY_ZARR.format(zarrs=False),
    ("zarr3", "shards"): BY_ZARR.format(zarrs=False),
    ("newest", "3"): BY_ZARR.format(zarrs=False),
    ("zarrs", "3"): BY_ZARR.format(zarrs=True),
    ("zarrs", "shards"): BY_ZARR.format(zarrs=True),
    ("tensorstore", "2"): BY_TENSORSTORE.format(driver="zarr"),
    ("tensorstore", "3"): BY_TENSORSTORE.format(driver="zarr3"),
    ("tensorstore", "shards"): BY_TENSORSTORE.format(driver="zarr3"),
}


def ask(peer: str, format: str, path: str, names: list[str], *, write: bool) -> Any:
    """Return what a peer reads; skip the test where the peer cannot be had."""
    try:
        python, environment = peers.python_for(peer)
    except (peers.MissingPythonError, RuntimeError) as error:
        pytest.skip(str(error))
    done = subprocess.run(
        [python, "-c", READERS[peer, format], json.dumps([path, names, write])],
        capture_output=True, text=True, env=environment, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("peer", "format"), READERS)
def test_peers_read_the_result_of_a_transaction(peer: str, format: str, tmp_path: Path) -> None:
    workload, path = Workload(3, format, fsync=True), str(tmp_path / "store")
    workload.make(path)
    zarr.snapshot(path, "old")
    workload.advance(path)

    found, members = ask(peer, format, path, workload.names, write=False)

    assert found == [[[NEW] * 5] * NEW] * 3
    assert members in (None, ["group", f"only{NEW}"])


@pytest.mark.parametrize(("peer", "format"), [key for key in READERS if key[0] != "zarrs"])
def test_peers_do_not_change_snapshots(peer: str, format: str, tmp_path: Path) -> None:
    workload, path = Workload(2, format), str(tmp_path / "store")
    workload.make(path)
    snap = zarr.snapshot(path, "old", method="link")
    before = bytes_of(snap.path)

    ask(peer, format, path, workload.names, write=True)

    assert zarr.open(path, mode="r")[workload.names[0]][1, 1] == 77
    assert bytes_of(snap.path) == before


def test_zarrs_changes_files_in_place_and_is_told_so_in_the_how_to(tmp_path: Path) -> None:
    workload, path = Workload(2, "3"), str(tmp_path / "store")
    workload.make(path)
    linked = zarr.snapshot(path, "linked", method="link")
    copied = zarr.snapshot(path, "copied", method="copy")
    before = bytes_of(copied.path)

    try:
        ask("zarrs", "3", path, workload.names, write=True)
    except AssertionError as error:  # not as root: linked files are read-only
        assert "denied" in str(error)  # noqa: PT017

    assert bytes_of(copied.path) == before
    print("linked snapshot intact:", bytes_of(linked.path) == before)
