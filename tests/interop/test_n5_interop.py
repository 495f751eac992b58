"""N5 datasets written here are read by zarr-python 2 and tensorstore, and theirs here."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fasteners
import numpy as np
import pytest

import zarr
from tests.interop import peers
from tests.interop.n5_worker import CASES, Case, describe
from tests.interop.peers import OURS

pytestmark = [pytest.mark.slow, pytest.mark.interop]

ZARR2, TENSORSTORE = "zarr2", "tensorstore"
SECONDS = 300

Jobs = list[dict[str, Any]]
Results = dict[str, Any]


def knows(library: str, case: Case) -> bool:
    # Nobody but zarr-python has this LZ4.
    return library != TENSORSTORE or case.compression["type"] != "lz4"


def grows(library: str, case: Case) -> bool:
    # zarr-python 2 cannot resize N5 datasets that are not compressed, its own included.
    return bool(case.shape) and (library != ZARR2 or case.codec is not None)


PAIRS = [(OURS, ZARR2), (OURS, TENSORSTORE), (ZARR2, OURS), (TENSORSTORE, OURS)]
EXCHANGES = [
    (writer, reader, name)
    for writer, reader in PAIRS
    for name, case in CASES.items()
    if knows(writer, case) and knows(reader, case)
]


def run_jobs(library: str, jobs: Jobs) -> list[Results]:
    """Let the worker do `jobs` in the environment of `library`."""
    python, environment = peers.python_for(library)
    kind = TENSORSTORE if library == TENSORSTORE else "zarr"
    done = subprocess.run(
        [python, str(Path(__file__).with_name("n5_worker.py")), kind],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        env=environment,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"the worker of {library} failed:\n{done.stderr}"
    return list(json.loads(done.stdout))


def names_for(*libraries: str) -> list[str]:
    return [n for n, case in CASES.items() if all(knows(lib, case) for lib in libraries)]


def run_exchange(root: Path) -> Results:
    """Let everybody write, read and change everything; return what each found."""
    results: Results = {}
    for library in (OURS, ZARR2, TENSORSTORE):
        job = {"action": "write", "folder": str(root / library), "cases": names_for(library)}
        (results[f"write {library}"],) = run_jobs(library, [job])
    for writer, reader in PAIRS:
        names, pair = names_for(writer, reader), root / f"{writer}+{reader}"
        shutil.copytree(root / writer, pair)
        growing = [name for name in names if grows(reader, CASES[name])]
        rest = [name for name in names if name not in growing]
        read, *changed = run_jobs(
            reader,
            [
                {"action": "read", "folder": str(root / writer), "cases": names},
                {"action": "grow", "folder": str(pair), "cases": growing},
                {"action": "patch", "folder": str(pair), "cases": rest},
            ],
        )
        (back,) = run_jobs(writer, [{"action": "read", "folder": str(pair), "cases": names}])
        key = f"{writer}+{reader}"
        results[f"read {key}"] = read
        results[f"change {key}"] = changed[0] | changed[1]
        results[f"back {key}"] = back
    return results


def once(folder: Path, name: str, make: Callable[[Path], Results]) -> Results:
    """Return what `make` returns, computed by the first test process that asks."""
    root = folder / name
    with fasteners.InterProcessLock(folder / f"{name}.lock"):
        answer = root / "results.json"
        if not answer.exists():
            root.mkdir(exist_ok=True)
            answer.write_text(json.dumps(make(root)))
        return dict(json.loads(answer.read_text()))


@pytest.fixture(scope="session")
def n5_results(exchange_folder: Path) -> Results:
    return once(exchange_folder, "n5", run_exchange)


def found(results: Results, what: str, name: str) -> Any:
    answer = results[what][name]
    if isinstance(answer, str):
        pytest.fail(f"{what}: {name}:\n{answer}", pytrace=False)
    return answer


@pytest.mark.parametrize("name", CASES)
def test_written_and_read_here(n5_results: Results, name: str) -> None:
    assert found(n5_results, f"write {OURS}", name) == describe(CASES[name].values())


@pytest.mark.parametrize(("writer", "reader", "name"), EXCHANGES)
def test_read_by_the_other(n5_results: Results, writer: str, reader: str, name: str) -> None:
    expected = describe(CASES[name].values())
    assert found(n5_results, f"write {writer}", name) == expected
    assert found(n5_results, f"read {writer}+{reader}", name) == expected


@pytest.mark.parametrize(("writer", "reader", "name"), EXCHANGES)
def test_changed_by_the_other(n5_results: Results, writer: str, reader: str, name: str) -> None:
    case = CASES[name]
    expected = describe(case.grown() if grows(reader, case) else case.patched())
    assert found(n5_results, f"change {writer}+{reader}", name) == expected
    assert found(n5_results, f"back {writer}+{reader}", name) == expected


@pytest.mark.parametrize("name", CASES)
def test_files_are_those_of_zarr2(n5_results: Results, exchange_folder: Path, name: str) -> None:
    folders = [exchange_folder / "n5" / library / name for library in (OURS, ZARR2)]
    files = [{str(p.relative_to(f)) for p in f.rglob("*") if p.is_file()} for f in folders]
    assert files[0] == files[1]
    ours, theirs = (json.loads((f / "attributes.json").read_text()) for f in folders)
    # These two members only repeat what is said elsewhere, and tensorstore refuses them.
    theirs["compression"].pop("id", None)
    if theirs["compression"].get("checksum") is False:
        del theirs["compression"]["checksum"]
    assert ours == theirs


WRITE_TREE = """
import sys, warnings
warnings.simplefilter("ignore")
import numpy as np, zarr
root = zarr.open(sys.argv[1], mode="w")
root.attrs["title"] = "t\\u00e4st"
land = root.create_group("land")
land.create_group("deep/er")
land.attrs.put({"kept": [1, {"z": None}]})
height = land.create_dataset("height", data=np.arange(20, dtype="i4"), chunks=7)
height.attrs["units"] = "m"
root.zeros("sea/depth", shape=(5, 6), chunks=(2, 3), dtype="f4")[1:3] = 2.5
"""

READ_TREE = """
import json, sys, warnings
warnings.simplefilter("ignore")
import zarr
root = zarr.open(sys.argv[1], mode="r")
found = {"": [root.attrs.asdict()]}
def visit(path, node):
    found[path] = [node.attrs.asdict()]
    if isinstance(node, zarr.Array):
        found[path] += [node.dtype.str, node[...].tolist()]
root.visititems(visit)
print(json.dumps(found))
"""


def run_code(library: str, code: str, path: Path) -> str:
    python, environment = peers.python_for(library)
    command = [python, "-c", code, str(path)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_hierarchies_are_those_of_zarr2(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.n5", tmp_path / "theirs.n5"
    run_code(OURS, WRITE_TREE, ours)
    run_code(ZARR2, WRITE_TREE, theirs)

    documents = [
        {str(p.relative_to(root)): json.loads(p.read_text()) for p in root.rglob("*.json")}
        for root in (ours, theirs)
    ]
    assert documents[0] == documents[1]
    expected = {
        "": [{"title": "täst"}],
        "land": [{"kept": [1, {"z": None}]}],
        "land/deep": [{}],
        "land/deep/er": [{}],
        "land/height": [{"units": "m"}, "<i4", list(range(20))],
        "sea": [{}],
        "sea/depth": [{}, "<f4", np.repeat([[0.0], [2.5], [2.5], [0.0], [0.0]], 6, 1).tolist()],
    }
    for library in (OURS, ZARR2):
        for root in (ours, theirs):
            assert json.loads(run_code(library, READ_TREE, root)) == expected


def test_tree_of_tensorstore_has_groups(n5_results: Results, exchange_folder: Path) -> None:
    # It writes no attributes but those of datasets.
    assert found(n5_results, "write tensorstore", "u1-raw")
    root = zarr.open_group(zarr.N5Store(exchange_folder / "n5"), mode="r", path=TENSORSTORE)
    assert set(root.array_keys()) == set(names_for(TENSORSTORE))
    assert np.array_equal(root["u1-raw"][...], CASES["u1-raw"].values())
