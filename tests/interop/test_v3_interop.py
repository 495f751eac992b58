"""Version 3: data written here is read by the peers, and theirs here, bit for bit."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import fasteners  # type: ignore[import-untyped]
import pytest

from tests.interop import peers, v3_cases
from tests.interop.peers import OURS
from zarr._formats.v3 import V3
from zarr._metadata.v3_data_types import decode_fill

pytestmark = [pytest.mark.slow, pytest.mark.interop]

HERE = Path(__file__).resolve().parent
PEERS = ("zarr3", "tensorstore", "zarrs")
SECONDS = 600

Results = dict[str, dict[str, Any]]
Step = tuple[str, str, list[str]]

ALL = list(v3_cases.CASES)
KNOWN = {
    peer: [name for name, case in v3_cases.CASES.items() if not case.refused_by(peer)]
    for peer in PEERS
}
PAIRS = [(peer, name) for peer in PEERS for name in KNOWN[peer]]
WRITTEN = [(peer, name) for peer, name in PAIRS if peer not in v3_cases.CASES[name].scrambled]
REFUSED = [(peer, name) for peer in PEERS for name in ALL if name not in KNOWN[peer]]


def run_worker(library: str, root: Path, steps: list[Step]) -> Results:
    """Let a library take `steps` in its own environment; return what it found."""
    python, environment = peers.python_for(library)
    if library == "zarrs":
        # It does the work of zarr-python, all of it, or raises.
        environment["ZARR_CODEC_PIPELINE__PATH"] = "zarrs.ZarrsCodecPipeline"
        environment["ZARR_CODEC_PIPELINE__STRICT"] = "true"
    kind = "tensorstore" if library == "tensorstore" else "zarr"
    done = subprocess.run(
        [python, str(HERE / "v3_worker.py"), kind, str(root)],
        input=json.dumps(steps),
        capture_output=True,
        text=True,
        env=environment,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the worker of {library} ended with {done.returncode}:\n{done.stderr}")
    answers = json.loads(done.stdout)
    return {
        f"{library} {action} {folder}": found
        for (action, folder, _), found in zip(steps, answers, strict=True)
    }


def _exchange(root: Path) -> Results:
    """Let everybody write, read and change; return what each found."""
    results: Results = {}
    created: Step = ("create", "documents", list(v3_cases.CREATED))
    for folder, library in ((OURS, OURS), ("zarr3", "zarr3")):
        steps: list[Step] = [(created[0], f"{folder} documents", created[2])]
        results |= run_worker(library, root, [*steps, ("hierarchy", f"{folder} trees", ["tree"])])
    results |= run_worker(OURS, root, [("read_hierarchy", "zarr3 trees", ["tree"])])
    results |= run_worker("zarr3", root, [("read_hierarchy", f"{OURS} trees", ["tree"])])
    results |= run_worker(OURS, root, [("write", OURS, ALL)])
    for peer in PEERS:
        known = KNOWN[peer]
        steps = [("write", peer, known), ("read", OURS, known)]
        refused = [name for name in ALL if name not in known]
        steps.append(("update", f"refused by {peer}", refused))
        shutil.copytree(root / OURS, root / f"refused by {peer}")
        if peer == "tensorstore":
            steps.append(("document", peer, known))
        results |= run_worker(peer, root, steps)
        shutil.copytree(root / OURS, root / f"{OURS}+{peer}")
        shutil.copytree(root / peer, root / f"{peer}+{OURS}")
        results |= run_worker(peer, root, [("update", f"{OURS}+{peer}", known)])
        ours: list[Step] = [
            ("read", peer, known),
            ("read", f"{OURS}+{peer}", known),
            ("update", f"{peer}+{OURS}", known),
        ]
        results |= run_worker(OURS, root, ours)
        results |= run_worker(peer, root, [("read", f"{peer}+{OURS}", known)])
    return results


@pytest.fixture(scope="session")
def v3_results(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Results:
    """What each library found, by step and case; computed by the first who asks."""
    base = tmp_path_factory.getbasetemp()
    root = (base if worker_id == "master" else base.parent) / "interop-v3"
    root.mkdir(exist_ok=True)
    answer = root / "results.json"
    with fasteners.InterProcessLock(root / "lock"):
        if not answer.exists():
            found = _exchange(root)
            answer.write_text(json.dumps(found))
        return dict(json.loads(answer.read_text()))


def _found(results: Results, step: str, name: str) -> dict[str, Any]:
    found = results[step][name]
    assert "error" not in found, found["error"]
    return dict(found)


def _expected(name: str, updated: bool = False) -> dict[str, Any]:
    case = v3_cases.CASES[name]
    held = case.expected(decode_fill(case.fill_value, case.data_type))
    if updated:
        part = tuple(slice(n // 4, n // 2 + 1) for n in case.shape)
        held[part] = case.values()[part]
    return v3_cases.describe(held)


@pytest.mark.parametrize("name", ALL)
def test_written_and_read_here(v3_results: Results, name: str) -> None:
    assert _found(v3_results, f"{OURS} write {OURS}", name) == _expected(name)


@pytest.mark.parametrize(("peer", "name"), PAIRS)
def test_peer_reads_ours(v3_results: Results, peer: str, name: str) -> None:
    assert _found(v3_results, f"{peer} read {OURS}", name) == _expected(name)


@pytest.mark.parametrize(("peer", "name"), WRITTEN)
def test_ours_reads_peers(v3_results: Results, peer: str, name: str) -> None:
    theirs = _found(v3_results, f"{peer} write {peer}", name)
    assert theirs == _expected(name)
    assert _found(v3_results, f"{OURS} read {peer}", name) == theirs


@pytest.mark.parametrize(("peer", "name"), WRITTEN)
def test_peer_changes_ours(v3_results: Results, peer: str, name: str) -> None:
    expected = _expected(name, updated=True)
    assert _found(v3_results, f"{peer} update {OURS}+{peer}", name) == expected
    assert _found(v3_results, f"{OURS} read {OURS}+{peer}", name) == expected


@pytest.mark.parametrize(("peer", "name"), WRITTEN)
def test_ours_changes_peers(v3_results: Results, peer: str, name: str) -> None:
    expected = _expected(name, updated=True)
    assert _found(v3_results, f"{OURS} update {peer}+{OURS}", name) == expected
    assert _found(v3_results, f"{peer} read {peer}+{OURS}", name) == expected


@pytest.mark.parametrize(("peer", "name"), REFUSED)
def test_the_peer_still_refuses(v3_results: Results, peer: str, name: str) -> None:
    """The list of what a peer cannot do is to stay true."""
    found = v3_results[f"{peer} update refused by {peer}"][name]
    assert "error" in found or found != _expected(name, updated=True)


# -- documents --------------------------------------------------------------------------


DEFAULTS = (
    ("attributes", {}),
    ("storage_transformers", []),
    ("configuration", {}),
    ("index_location", "end"),
)


def _plain(document: Any) -> Any:
    """Return a document without members for which absence means the same."""
    if isinstance(document, list):
        return [_plain(item) for item in document]
    if not isinstance(document, dict):
        return document
    members = {name: _plain(value) for name, value in document.items()}
    separator = {"default": "/", "v2": "."}.get(members.get("name", ""))
    if members.get("configuration") == {"separator": separator}:
        del members["configuration"]
    if members.get("shuffle") == "noshuffle":
        members.pop("typesize", None)
    return {name: value for name, value in members.items() if (name, value) not in DEFAULTS}


@pytest.mark.parametrize("name", v3_cases.CREATED)
def test_the_same_arguments_make_the_same_document(v3_results: Results, name: str) -> None:
    ours = _found(v3_results, f"{OURS} create {OURS} documents", name)
    theirs = _found(v3_results, "zarr3 create zarr3 documents", name)
    assert _plain(ours) == _plain(theirs)


@pytest.mark.parametrize("name", KNOWN["tensorstore"])
def test_tensorstore_spells_documents_as_we_do(v3_results: Results, name: str) -> None:
    theirs = _found(v3_results, "tensorstore document tensorstore", name)
    meta = V3().parse_array(json.dumps(v3_cases.CASES[name].document).encode(), name)
    ours = json.loads(V3().dump_array(replace(meta, stated={})))
    assert _plain(ours) == _plain(theirs)
    kept = V3().dump_array(V3().parse_array(json.dumps(theirs).encode(), name))
    assert json.loads(kept) == theirs


def test_hierarchies(v3_results: Results) -> None:
    ours = _found(v3_results, f"{OURS} hierarchy {OURS} trees", "tree")
    assert ours["a"]["members"] == ["b", "c"]
    assert _found(v3_results, "zarr3 hierarchy zarr3 trees", "tree") == ours
    assert _found(v3_results, f"{OURS} read_hierarchy zarr3 trees", "tree") == ours
    assert _found(v3_results, f"zarr3 read_hierarchy {OURS} trees", "tree") == ours
