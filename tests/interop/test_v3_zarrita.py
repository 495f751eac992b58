"""Version 3 between here and zarrita, in JavaScript: both read what the other has written."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from tests.interop import peers, v3_cases
from tests.interop.v3_cases import Case
from zarr._metadata.v3_data_types import decode_fill

pytestmark = [pytest.mark.slow, pytest.mark.interop]

PACKAGES = ("zarrita@0.7.5", "@zarrita/storage@0.2.0")
WORKER = Path(__file__).with_name("zarrita_worker.mjs")
TYPES = {
    "int8": "Int8Array", "uint8": "Uint8Array", "int16": "Int16Array", "uint16": "Uint16Array",
    "int32": "Int32Array", "uint32": "Uint32Array", "int64": "BigInt64Array",
    "uint64": "BigUint64Array", "float32": "Float32Array", "float64": "Float64Array",
}  # fmt: skip


NOT_ITS_NUMCODECS = (
    "bz2", "lzma", "crc32", "crc32c", "adler32", "fletcher32", "jenkins_lookup3", "packbits",
    "astype", "fixedscaleoffset",
)  # fmt: skip


def refused(case: Case) -> str:
    """Return why zarrita does not read a case, '' if it does."""
    text = json.dumps(case.document)
    if case.data_type not in (*TYPES, "bool", "string"):
        return "it does not have this data type"
    if '"rectilinear"' in text:
        return v3_cases.ONLY_REGULAR["zarr3"]
    if '"start"' in text:
        return "it looks for the index of a shard at the end only"
    if text.count("sharding_indexed") > 1 or (
        case.name.startswith("shards-") and ("outside" in case.name)
    ):
        return "it has no codecs around sharding, and no shards within shards"
    if case.name.removeprefix("numcodecs-") in NOT_ITS_NUMCODECS:
        return "it does not have this codec of numcodecs"
    if case.fill_value == "0x7fc00001":
        return "it does not have fill values in hexadecimal digits"
    if case.name == "transpose-twice":
        return "it undoes two transpositions in the wrong order"
    if 0 in case.shape:
        return "it does not read arrays without items"
    return ""


READ = [name for name, case in v3_cases.CASES.items() if not refused(case)]
UNWRITTEN = ("sharding_indexed", "gzip", "crc32c", "numcodecs.")  # codecs that it only decodes
WRITTEN = [
    name
    for name in READ
    if (case := v3_cases.CASES[name]).data_type in TYPES
    and not any(codec in json.dumps(case.document) for codec in UNWRITTEN)
    and case.shape
]
REFUSED = [name for name in v3_cases.CASES if name not in READ]


@pytest.fixture(scope="session")
def packages() -> Path:
    """The folder of the npm packages, installed once."""
    return peers.npm_folder("zarrita", PACKAGES, WORKER)


def run(packages: Path, steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    done = start(packages, steps)
    assert done.returncode == 0, done.stderr
    return answers_of(done)


def answers_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def start(packages: Path, steps: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", str(packages / WORKER.name)],
        input=json.dumps(steps),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def new_array(folder: Path, case: Case) -> zarr.Array:
    folder.mkdir(parents=True)
    (folder / "zarr.json").write_text(json.dumps(case.document))
    return zarr.open_array(str(folder), mode="r+")


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the cases written here."""
    root = tmp_path_factory.mktemp("ours")
    for name, case in v3_cases.CASES.items():
        new_array(root / name, case)[case.region()] = case.values()[case.region()]
    return root


@pytest.fixture(scope="session")
def found(packages: Path, ours: Path) -> dict[str, Any]:
    """What zarrita finds in those, by name."""
    steps = [{"action": "read", "folder": str(ours / name)} for name in READ]
    return dict(zip(READ, run(packages, steps), strict=True))


@pytest.fixture(scope="session")
def written(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Folders of the cases that zarrita has written, by name, or its errors."""
    root = tmp_path_factory.mktemp("zarrita")
    steps = []
    for name in WRITTEN:
        case = v3_cases.CASES[name]
        new_array(root / name, case)
        region = [part.indices(n) for part, n in zip(case.region(), case.shape, strict=True)]
        values = case.values()[case.region()]
        steps.append(
            {
                "action": "write",
                "folder": str(root / name),
                "shape": list(values.shape),
                "start": [first for first, _, _ in region],
                "stop": [last for _, last, _ in region],
                "items": [str(item) for item in values.flat],
                "type": TYPES[case.data_type],
            }
        )
    answers = run(packages, steps)
    return {
        name: answer if "error" in answer else {"folder": str(root / name)}
        for name, answer in zip(WRITTEN, answers, strict=True)
    }


def same(items: list[str], expected: np.ndarray[Any, Any]) -> bool:
    if expected.dtype.kind == "O":
        return items == list(expected.flat)
    if expected.dtype.kind == "b":
        return [item == "true" for item in items] == expected.ravel().tolist()
    kind = int if expected.dtype.kind in "iu" else float
    values = np.array([kind(item.replace("Infinity", "inf")) for item in items], expected.dtype)
    return np.array_equal(values, expected.ravel(), equal_nan=expected.dtype.kind == "f")


def expected(name: str) -> np.ndarray[Any, Any]:
    case = v3_cases.CASES[name]
    return case.expected(decode_fill(case.fill_value, case.data_type))


@pytest.mark.parametrize("name", READ)
def test_zarrita_reads_ours(found: dict[str, Any], name: str) -> None:
    assert "error" not in found[name], found[name]["error"]
    assert found[name]["shape"] == list(expected(name).shape)
    assert same(found[name]["items"], expected(name))


@pytest.mark.parametrize("name", WRITTEN)
def test_ours_reads_zarrita(written: dict[str, Any], name: str) -> None:
    assert "error" not in written[name], written[name]["error"]
    values = zarr.open_array(written[name]["folder"], mode="r")[...]
    nan = values.dtype.kind == "f"
    assert np.array_equal(values, expected(name), equal_nan=nan)


@pytest.fixture(scope="session")
def failed(packages: Path, ours: Path) -> dict[str, Any]:
    """What zarrita says of the cases that it cannot read, some of which end the process."""
    steps = [{"action": "read", "folder": str(ours / name)} for name in REFUSED]
    answers: list[dict[str, Any]] = []
    while len(answers) < len(steps):
        done = start(packages, steps[len(answers) :])
        answers += answers_of(done)
        if done.returncode:
            answers.append({"error": done.stderr})
    return dict(zip(REFUSED, answers, strict=True))


@pytest.mark.parametrize("name", REFUSED)
def test_zarrita_still_refuses(failed: dict[str, Any], name: str) -> None:
    """The list of what it cannot read is to stay true."""
    assert "error" in failed[name] or not same(failed[name]["items"], expected(name))
