"""The pages for users of zarr-python 2 and 3 say what both libraries do."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path

import pytest

import zarr
from tests.interop import claims, peers
from tests.interop.claims import CLAIMS, ZARR2, ZARR3

pytestmark = [pytest.mark.slow, pytest.mark.interop]


@cache
def outcomes(library: str, peer: str) -> dict[str, str]:
    """Return what `library` does with the code of all claims about `peer`."""
    try:
        python, variables = peers.python_for(library)
    except peers.MissingPythonError as error:
        pytest.skip(str(error))
    code = {name: claim.code for name, claim in CLAIMS.items() if claim.peer == peer}
    done = subprocess.run(
        [python, claims.__file__], input=json.dumps(code), capture_output=True, text=True,
        env=variables, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("name", CLAIMS)
def test_claim_is_on_its_page(name: str) -> None:
    page = peers.ROOT / "docs" / "how-to" / CLAIMS[name].page

    assert CLAIMS[name].text in " ".join(page.read_text(encoding="utf-8").split())


@pytest.mark.parametrize("name", CLAIMS)
def test_claim_holds_there(name: str) -> None:
    claim = CLAIMS[name]

    assert outcomes(claim.peer, claim.peer)[name] == claim.there


@pytest.mark.parametrize("name", [name for name, claim in CLAIMS.items() if claim.here])
def test_claim_holds_here(name: str) -> None:
    claim = CLAIMS[name]

    assert outcomes(peers.OURS, claim.peer)[name] == claim.here


NAMES = """
import json, warnings
warnings.simplefilter("ignore")
import zarr
print(json.dumps([name for name in dir(zarr) if callable(getattr(zarr, name)) and name[0] != "_"]))
"""


def test_functions_and_classes_of_zarr_python_2_are_here() -> None:
    found = {}
    for library in (ZARR2, peers.OURS):
        python, variables = peers.python_for(library)
        command = [python, "-c", NAMES]
        done = subprocess.run(command, capture_output=True, text=True, env=variables, check=True)
        found[library] = set(json.loads(done.stdout))

    assert len(found[ZARR2]) > 60
    assert found[ZARR2] - found[peers.OURS] == {"suppress"}  # of contextlib


EXCHANGE = """
import sys
import numpy as np
import zarr
if sys.argv[1] == "write":
    root = zarr.create_group(store=sys.argv[2])
    z = root.create_array("a", shape=(8, 8), chunks=(2, 2), shards=(4, 4), dtype="f4")
    z[:] = np.arange(64).reshape(8, 8)
else:
    print(zarr.open_array(sys.argv[2], path="a", mode="r")[:].sum())
"""


@pytest.mark.parametrize(("writer", "reader"), [(peers.OURS, ZARR3), (ZARR3, peers.OURS)])
def test_shards_are_exchanged_with_newest_zarr_python_3(
    writer: str, reader: str, tmp_path: Path
) -> None:
    folder = str(tmp_path / "data.zarr")
    for library, verb in ((writer, "write"), (reader, "read")):
        try:
            python, variables = peers.python_for(library)
        except peers.MissingPythonError as error:
            pytest.skip(str(error))
        done = subprocess.run(
            [python, "-W", "ignore", "-c", EXCHANGE, verb, folder], capture_output=True,
            text=True, env=variables, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    assert done.stdout.strip() == "2016.0"


DRAFT = """
import os, sys
os.environ["ZARR_V3_EXPERIMENTAL_API"] = "1"
import zarr
zarr.open_array(sys.argv[1], mode="w", shape=4, chunks=2, zarr_version=3, path="a")[:] = 3
"""


def test_draft_of_format_3_is_copied_to_format_3(tmp_path: Path) -> None:
    python, variables = peers.python_for(ZARR2)
    command = [python, "-W", "ignore", "-c", DRAFT, str(tmp_path / "draft.zarr")]
    subprocess.run(command, env=variables, timeout=300, check=True)

    root = zarr.open_group(tmp_path / "copy.zarr", mode="w", zarr_format=3)
    zarr.copy_all(zarr.open_group(tmp_path / "draft.zarr", mode="r"), root)

    assert root["a"].zarr_format == 3
    assert root["a"][:].tolist() == [3.0] * 4
