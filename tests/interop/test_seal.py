"""Peers read sealed hierarchies as they read others, and can read the digests."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from tests.interop import peers
from tests.interop.test_v3_zarrita import PACKAGES, WORKER
from tests.tools import seal_damage

pytestmark = [pytest.mark.slow, pytest.mark.interop]

DATA = np.arange(400, dtype="i4").reshape(20, 20)
LAYOUTS: dict[str, dict[str, Any]] = {
    "format 2": {"zarr_version": 2, "compressor": zarr.Blosc("lz4", 5)},
    "format 3": {"zarr_version": 3, "compressor": zarr.Zstd(level=3)},
    "shards": {"zarr_version": 3, "compressor": zarr.Zstd(level=3), "shards": (10, 10)},
}

ZARR = """
import json, sys, warnings
import zarr

if sys.argv[2] == "zarrs":
    import zarrs
    zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"})
folder = sys.argv[1]
warnings.simplefilter("error")
answers = []
for use in (False, True):
    if zarr.__version__ < "3":
        root = zarr.open_consolidated(folder) if use else zarr.open_group(folder, mode="r")
        names = [str(name) for name in root["a"]]
    else:
        root = zarr.open_group(folder, mode="r", use_consolidated=use)
        names = [name for name, _ in root["a"].members()]
    z = root["a/z"]
    answers.append([names, z[...].tolist(), dict(z.attrs), dict(root["a"].attrs)])
digests = zarr.open_array(folder + "/a/z/__seal", mode="r")[...]
answers.append([[f"{int(n):x}" for n in row] for row in digests.reshape(-1, 3)])
print(json.dumps(answers))
"""

TENSORSTORE = """
import json, sys
import tensorstore as ts

def read(path):
    driver = "zarr" if sys.argv[2] == "2" else "zarr3"
    spec = {"driver": driver, "kvstore": {"driver": "file", "path": path}}
    return ts.open(spec, open=True, read=True).result().read().result()

digests = read(sys.argv[1] + "/a/z/__seal").reshape(-1, 3)
rows = [[f"{int(n):x}" for n in row] for row in digests]
print(json.dumps([read(sys.argv[1] + "/a/z").tolist(), rows]))
"""


def sealed(folder: Path, layout: str) -> list[list[str]]:
    """Write and seal a hierarchy; return the digests."""
    options = dict(LAYOUTS[layout])
    root = zarr.open_group(str(folder), mode="w", zarr_version=options.pop("zarr_version"))
    group = root.create_group("a")
    group.attrs["title"] = "sealed"
    z = group.create_dataset("z", data=DATA, chunks=(5, 5), **options)
    z.attrs["units"] = "m"
    zarr.consolidate_metadata(str(folder))
    zarr.seal(str(folder))
    assert zarr.check(str(folder), level="seal").findings == ()
    rows = zarr.open_array(str(folder / "a/z/__seal"), mode="r")[...].reshape(-1, 3)
    return [[f"{int(n):x}" for n in row] for row in rows]


def run(peer: str, code: str, *arguments: str) -> Any:
    python, environment = peers.python_for(peer)
    done = subprocess.run(
        [python, "-c", code, *arguments],
        capture_output=True, text=True, env=environment, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("peer", "layout"),
    [(peer, layout) for peer in ("zarr3", "zarrs") for layout in LAYOUTS] + [("zarr2", "format 2")],
)
def test_zarr_python_and_zarrs(peer: str, layout: str, tmp_path: Path) -> None:
    rows = sealed(tmp_path, layout)

    *answers, digests = run(peer, ZARR, str(tmp_path), peer)

    for names, values, attributes, of_group in answers:
        assert names == ["z"]
        assert values == DATA.tolist()
        assert (attributes, of_group) == ({"units": "m"}, {"title": "sealed"})
    assert digests == rows


@pytest.mark.parametrize("layout", LAYOUTS)
def test_tensorstore(layout: str, tmp_path: Path) -> None:
    rows = sealed(tmp_path, layout)

    values, digests = run("tensorstore", TENSORSTORE, str(tmp_path), layout[-1])

    assert values == DATA.tolist()
    assert digests == rows


@pytest.mark.parametrize("layout", ["format 3", "shards"])
def test_zarrita(layout: str, tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("there is no Node.js")
    rows = sealed(tmp_path, layout)
    folder = peers.npm_folder("zarrita", PACKAGES, WORKER)
    steps = [{"action": "read", "folder": str(tmp_path / at)} for at in ("a/z", "a/z/__seal")]

    done = subprocess.run(
        ["node", WORKER.name],
        cwd=folder, input=json.dumps(steps), capture_output=True, text=True, timeout=300,
        check=True,
    )  # fmt: skip
    values, digests = map(json.loads, done.stdout.splitlines())

    assert values["items"] == list(map(str, DATA.reshape(-1).tolist()))
    assert [f"{int(n):x}" for n in digests["items"]] == [n for row in rows for n in row]


@pytest.mark.parametrize("layout", ["2 zstd", "3 zstd", "3 shards"])
@pytest.mark.parametrize("peer", ["newest", "tensorstore"])
def test_damage_that_peers_notice(peer: str, layout: str) -> None:
    """What docs/explanation/safety.md says of them, in small: as we do without a seal."""
    ours = list(seal_damage.outcomes(layout, "nothing", 40))
    theirs = seal_damage.outcomes_of(peer, layout, "nothing", 40)

    assert theirs == ours
    assert ("swap", "wrong") in theirs
    assert ("delete", "wrong") in theirs
