"""Checks find nothing in what the peers have written, and the peers read what fixes have mended."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from tests.interop import peers
from tests.interop.test_v3_interop import v3_results  # noqa: F401
from tests.tools.damage import LAYOUTS, damaged
from tests.tools.test_repair import MENDED, expected_after

pytestmark = [pytest.mark.slow, pytest.mark.interop]

ROOTS = (".zgroup", ".zarray", "zarr.json")


def _hierarchies(folder: Path) -> Iterator[Path]:
    """Yield the folders below `folder` that hold a hierarchy, but no part of a larger one."""
    if any((folder / name).is_file() for name in ROOTS):
        yield folder
        return
    for below in sorted(folder.iterdir()):
        if below.is_dir():
            yield from _hierarchies(below)


def _check_all(root: Path, folders: list[str]) -> int:
    """Assert that nothing is found in any hierarchy in `folders`; return their number."""
    found, number = [], 0
    for folder in folders:
        for hierarchy in _hierarchies(root / folder):
            number += 1
            report = zarr.check(str(hierarchy))
            # Some cases are sparse on purpose, hold pickles, or differ in the case of their names.
            found += [
                (str(hierarchy.relative_to(root)), *finding[:2], finding[4])
                for finding in map(_members, report.findings)
                if finding[0] not in ("C005", "K005", "M003")
            ]
    assert found == []
    return number


def _members(finding: Any) -> tuple[Any, ...]:
    return tuple(getattr(finding, name) for name in finding.__slots__)


def test_nothing_is_found_in_format_2_of_others(
    results: dict[str, Any], exchange_folder: Path
) -> None:
    folders = ["ours", "zarr2", "tensorstore", "zarr2-tree", "ours+zarr2", "zarr2+ours",
               "ours+tensorstore", "tensorstore+ours"]  # fmt: skip

    assert results and _check_all(exchange_folder, folders) > 100


def test_nothing_is_found_in_format_3_of_others(
    v3_results: dict[str, Any],  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
    worker_id: str,
) -> None:
    base = tmp_path_factory.getbasetemp()
    root = (base if worker_id == "master" else base.parent) / "interop-v3"
    names = ("zarr3", "tensorstore", "zarrs")
    folders = ["ours", *names, *(f"ours+{name}" for name in names),
               *(f"{name}+ours" for name in names), "zarr3 trees", "ours trees"]  # fmt: skip

    assert v3_results and _check_all(root, folders) > 200


READ = """
import hashlib, json, sys
import numpy as np
import zarr

answers = []
for path in json.load(sys.stdin):
    data = np.ascontiguousarray(zarr.open(path, mode="r")["a/z"][...])
    answers.append([list(data.shape), hashlib.sha256(data.tobytes()).hexdigest()])
print(json.dumps(answers))
"""


@pytest.mark.parametrize("layout", LAYOUTS)
def test_peer_reads_what_fixes_have_mended(layout: str, tmp_path: Path) -> None:
    mended: dict[str, np.ndarray[Any, Any]] = {}
    for kind, fix, options, what in MENDED:
        if kind == "flip_end" and layout != "shards":
            continue  # nothing notices that
        if fix == "M005":
            continue  # the consolidated metadata stay out of date, which is another finding
        path = str(tmp_path / kind / fix.replace(" ", "_"))
        damaged(Path(path), kind, layout)
        codes = ["S001"] if kind == "truncated" and layout == "shards" else fix.split()
        keep = {"keep": 2 if layout == "format 2" else 3} if kind == "two_documents" else options
        assert zarr.check(path, fix=codes, quarantine=True, **keep).ok
        mended[path] = expected_after(what, layout)

    python, environment = peers.python_for("zarr2" if layout == "format 2" else "zarr3")
    done = subprocess.run(
        [python, "-c", READ], input=json.dumps(list(mended)), capture_output=True, text=True,
        env=environment, timeout=300, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    for (path, data), (shape, digest) in zip(mended.items(), json.loads(done.stdout), strict=True):
        assert shape == list(data.shape), path
        assert digest == hashlib.sha256(np.ascontiguousarray(data).tobytes()).hexdigest(), path
