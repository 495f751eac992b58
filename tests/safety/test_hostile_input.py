"""Malformed documents and chunks give an exception that names the key, and nothing else."""

from __future__ import annotations

import base64
import json
import pathlib
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.errors import ChunkDecodeError, UnsafeDecodeError

from . import hostile
from .hostile import Case, all_cases

CASES = {case.name: case for case in [*all_cases(), *hostile.bombs_of_objects()]}
REFUSED = [name for name, case in CASES.items() if case.verdict != "either"]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, dict[str, Any]]:
    """What a process with little memory makes of each case."""
    process = subprocess.run(
        [sys.executable, hostile.__file__], capture_output=True, text=True, timeout=300, check=False
    )
    lines = [json.loads(line) for line in process.stdout.splitlines()]
    started = [line["started"] for line in lines if "started" in line]
    assert process.returncode == 0, f"crashed at {started[-1:]}: {process.stderr[-2000:]}"
    return {line["name"]: line for line in lines if "name" in line}


def test_there_are_at_least_five_hundred() -> None:
    assert len(REFUSED) >= 500
    names = [case.name for case in all_cases()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, outcomes: dict[str, dict[str, Any]]) -> None:
    check_error(CASES[name], outcomes[name])


@pytest.mark.parametrize("name", [name for name in CASES if name not in REFUSED])
def test_refused_or_of_the_right_shape(name: str, outcomes: dict[str, dict[str, Any]]) -> None:
    if "error" in outcomes[name]:
        check_error(CASES[name], outcomes[name])


def check_error(case: Case, outcome: dict[str, Any]) -> None:
    assert "error" in outcome, f"accepted: {outcome['result']}"
    assert outcome["ours"], f"{outcome['error'][0]}: {outcome['message'][:500]}"
    assert "ValueError" in outcome["error"]
    expected = "ChunkDecodeError" if case.action == "read" else "MetadataError"
    assert expected in outcome["error"] or case.verdict == "refused on reading"
    assert repr(case.key) in outcome["message"], outcome["message"]
    assert len(outcome["message"]) < 2000


def test_memory(outcomes: dict[str, dict[str, Any]]) -> None:
    for name, outcome in outcomes.items():
        assert "MemoryError" not in outcome.get("error", []), name
    assert outcomes["memory"]["more"] < 64 << 20


def test_huge_arrays_can_be_opened_and_read_in_part() -> None:
    # Such documents are legal. Nothing of their size is ever allocated.
    script = """
import json, resource, numpy as np, zarr
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (300 << 20),) * 2)
for shape, chunks in (([2**50], [2**10]), ([2**40, 2**20], [2**5, 2**5]), ([2**62], [2**40]),
                      ([2**30, 2**30, 2**2], [2**20, 2**10, 1])):
    document = dict(zarr_format=2, shape=shape, chunks=chunks, dtype="|u1", compressor=None,
                    fill_value=7, order="C", filters=None)
    z = zarr.open_array({".zarray": json.dumps(document).encode()}, mode="r+")
    at = tuple(n - 2 for n in shape)
    assert z[at] == 7
    assert (z[tuple(slice(i, i + 2) for i in at)] == 7).all()
    assert z.oindex[tuple([i] for i in at)].ravel() == 7
    assert z.vindex[tuple([i, 1] for i in at)].tolist() == [7, 7]
    assert z.nchunks_initialized == 0 and z.shape == tuple(shape)
    str(z.info)
    if chunks[0] < 2**20:
        z[at] = 9
        assert z[at] == 9
        z.resize(*[5] * len(shape))
        assert (z[...] == 7).all()
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=100)


def test_what_is_written_over_a_damaged_chunk() -> None:
    store: dict[str, bytes] = {}
    z = zarr.array(np.arange(20), chunks=5, store=store)
    store["1"] = store["1"][:-3]
    with pytest.raises(ChunkDecodeError, match="'1'"):
        z[7] = 1  # a part: what is left of the chunk would be lost
    assert z[:5].tolist() == [0, 1, 2, 3, 4]
    z[5:10] = 3
    assert z[5:10].tolist() == [3] * 5


def test_errors_name_the_chunk_of_an_array_in_a_group(tmp_path: pathlib.Path) -> None:
    g = zarr.open_group(str(tmp_path), mode="w")
    z = g.create_dataset("deep/er", shape=(20, 20), chunks=5)
    z[...] = 1
    (tmp_path / "deep/er/2.3").write_bytes(b"garbage")
    with pytest.raises(ChunkDecodeError, match=r"deep/er/2\.3") as caught:
        z[...]
    assert caught.value.key == "deep/er/2.3"
    with (
        zarr.config.set(workers=3, thread_bytes=0, window_bytes=1),
        pytest.raises(ChunkDecodeError),
    ):
        z[...]
    assert z[:10].sum() == 200


# -- pickles ---------------------------------------------------------------------------


class Payload:
    """Unpickled, it leaves a file."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return pathlib.Path.touch, (self.path,)


def test_no_pickle_runs(tmp_path: pathlib.Path) -> None:
    trap = tmp_path / "sprung"
    evil = pickle.dumps(Payload(trap))
    document = {
        **hostile.GOOD, "shape": [4], "chunks": [4], "dtype": "|O", "fill_value": None,
        "compressor": None, "filters": [{"id": "pickle", "protocol": 5}],
    }  # fmt: skip
    store = {".zarray": json.dumps(document).encode(), "0": evil}
    z = zarr.open_array(store, mode="r+")
    for use in (lambda: z[...], lambda: z[0], lambda: z.__setitem__(0, 1), lambda: list(z)):
        with pytest.raises(UnsafeDecodeError, match="'0'"):
            use()
    str(z.info)
    z.hexdigest()
    assert not trap.exists()


def test_no_pickle_runs_as_a_fill_value_or_compressor(tmp_path: pathlib.Path) -> None:
    trap = tmp_path / "sprung"
    evil = pickle.dumps(Payload(trap))
    for members in (
        {"dtype": [["a", "|O"]], "fill_value": base64.b64encode(evil).decode(),
         "filters": [{"id": "pickle", "protocol": 5}]},
        {"compressor": {"id": "pickle", "protocol": 5}},
        {"filters": [{"id": "pickle", "protocol": 5}, {"id": "delta", "dtype": "<i4"}]},
    ):  # fmt: skip
        document = {**hostile.GOOD, "shape": [4], "chunks": [4], "compressor": None, **members}
        store = {".zarray": json.dumps(document).encode(), "0": evil}
        with pytest.raises(ValueError):
            zarr.open_array(store, mode="r")[...]
        assert not trap.exists()


def test_the_environment_allows_pickles() -> None:
    script = """
import numcodecs, numpy as np, zarr
z = zarr.empty(1, dtype=object, object_codec=numcodecs.Pickle())
z[...] = np.array([{1}], object)
assert z[0] == {1}
"""
    for value, allowed in (("1", True), ("0", False), ("", False)):
        process = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, timeout=60, check=False,
            env={"ZARR_ALLOW_PICKLE": value},
        )  # fmt: skip
        assert (process.returncode == 0) is allowed


# -- keys ------------------------------------------------------------------------------


@pytest.fixture
def outside(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder beside a store, with something to protect."""
    folder = tmp_path / "outside"
    zarr.ones(4, store=str(folder / "secret"), chunks=2)[...] = 5
    zarr.group(str(tmp_path / "store"))
    return folder


@pytest.mark.parametrize("kind", ["directory", "nested", "memory", "dict"])
@pytest.mark.parametrize(
    "path",
    ["../outside/secret", "a/../../outside/secret", "..", "./../outside", "/../outside/secret",
     "..\\outside\\secret", "a\0b", "a/\0"],
)  # fmt: skip
def test_paths_cannot_leave_the_store(
    kind: str, path: str, outside: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    store: Any = {
        "directory": lambda: zarr.DirectoryStore(str(tmp_path / "store")),
        "nested": lambda: zarr.NestedDirectoryStore(str(tmp_path / "store")),
        "memory": zarr.MemoryStore,
        "dict": dict,
    }[kind]()
    g = zarr.group(store)
    before = {p: p.read_bytes() for p in outside.rglob("*") if p.is_file()}
    for use in (
        lambda: g[path],
        lambda: g.create_group(path),
        lambda: g.zeros(path, shape=3),
        lambda: g.require_group(path, overwrite=True),
        lambda: g.__delitem__(path),
        lambda: g.move(path, "x"),
        lambda: zarr.open(store, mode="r", path=path),
        lambda: zarr.open_array(store, mode="w", path=path, shape=3),
        lambda: zarr.open_group(store, mode="w", path=path),
        lambda: zarr.Array(store, path),
    ):
        if "\0" in path and kind in ("memory", "dict"):
            continue  # only a name to them
        with pytest.raises((ValueError, KeyError)):
            use()
    g.create_group("x")
    with pytest.raises(ValueError):
        g.move("x", "../x")
    assert {p: p.read_bytes() for p in outside.rglob("*") if p.is_file()} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["outside", "store"]


def test_links_cannot_leave_the_store(outside: pathlib.Path, tmp_path: pathlib.Path) -> None:
    root = tmp_path / "store"
    (root / "link").symlink_to(outside)
    store = zarr.DirectoryStore(root, follow_symlinks=False)
    g = zarr.open_group(store, mode="r+")
    before = {p: p.read_bytes() for p in outside.rglob("*") if p.is_file()}
    with pytest.raises(zarr.errors.StorePermissionError, match="is outside of"):
        list(g)
    for use in (
        lambda: g["link/secret"],
        lambda: g.create_group("link/new"),
        lambda: g.zeros("link/secret", shape=3, overwrite=True),
        lambda: zarr.open_group(store, mode="w", path="link"),
        lambda: g.__delitem__("link/secret"),
        lambda: g.move("link/secret", "mine"),
    ):
        with pytest.raises((ValueError, KeyError, OSError)):
            use()
    assert {p: p.read_bytes() for p in outside.rglob("*") if p.is_file()} == before
    # Deleting what holds a link deletes the link, not what it leads to.
    g.create_group("h")
    (root / "h/link").symlink_to(outside)
    del g["h"]
    assert not (root / "h").exists()
    assert {p: p.read_bytes() for p in outside.rglob("*") if p.is_file()} == before


def test_a_chunk_that_is_a_link_out(outside: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (outside / "passwords").write_bytes(b"0123456789abcdef")
    store = zarr.DirectoryStore(tmp_path / "store/a", follow_symlinks=False)
    z = zarr.open_array(store, mode="w", shape=4, chunks=2, dtype="i8", compressor=None)
    (tmp_path / "store/a/0").symlink_to(outside / "passwords")
    with pytest.raises((ValueError, KeyError, OSError)):
        z[:2]
    z[:2] = 7
    assert (outside / "passwords").read_bytes() == b"0123456789abcdef"
    assert z[:2].tolist() == [7, 7]
    assert not (tmp_path / "store/a/0").is_symlink()


def test_hostile_document_of_a_neighbour_spoils_only_its_own_node() -> None:
    store: dict[str, bytes] = {}
    g = zarr.group(store)
    g.ones("good", shape=3)
    store["bad/.zarray"] = b"{"
    assert (g["good"][...] == 1).all()
    with pytest.raises(zarr.errors.MetadataError, match=r"bad/\.zarray"):
        g["bad"]
    assert sorted(g) == ["bad", "good"]
