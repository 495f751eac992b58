"""N5 datasets to exchange, and a worker that writes, reads and changes them with one library.

    python n5_worker.py zarr < job.json > results.json

A list of jobs comes in, each with an ``action``, the ``folder`` of the data and the names
of the ``cases``. The result of a job has for each case what was read at last, or an error.
Every library's own environment runs this file, so it imports that library alone.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import sys
import traceback
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["CASES", "Case", "describe"]

Config = dict[str, Any]

DTYPES = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8")

# name: codec of numcodecs, compression of N5
COMPRESSIONS: dict[str, tuple[Config | None, Config]] = {
    "raw": (None, {"type": "raw"}),
    "gzip": ({"id": "gzip", "level": 1}, {"type": "gzip", "level": 1, "useZlib": False}),
    "gzip-default": ({"id": "gzip", "level": -1}, {"type": "gzip", "level": -1, "useZlib": False}),
    "zlib": ({"id": "zlib", "level": 3}, {"type": "gzip", "level": 3, "useZlib": True}),
    "bzip2": ({"id": "bz2", "level": 9}, {"type": "bzip2", "blockSize": 9}),
    "xz": (
        {"id": "lzma", "format": 1, "check": -1, "preset": 2, "filters": None},
        {"type": "xz", "preset": 2},
    ),
    "zstd": ({"id": "zstd", "level": 3}, {"type": "zstd", "level": 3}),
    "lz4": ({"id": "lz4", "acceleration": 2}, {"type": "lz4", "acceleration": 2}),
}
for _cname, _shuffle in itertools.product(("blosclz", "lz4", "lz4hc", "zlib", "zstd"), range(3)):
    _parameters = {"cname": _cname, "clevel": 4, "shuffle": _shuffle, "blocksize": 0}
    COMPRESSIONS[f"blosc-{_cname}-{_shuffle}"] = (
        {"id": "blosc", **_parameters},
        {"type": "blosc", **_parameters},
    )

SHAPES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "0d": ((), ()),
    "1d": ((12,), (4,)),
    "edge1d": ((13,), (5,)),
    "edge2d": ((7, 10), (3, 4)),
    "one-block": ((3, 5), (3, 5)),
    "block-beyond": ((3, 5), (4, 9)),
    "edge3d": ((5, 4, 7), (2, 3, 4)),
    "edge5d": ((3, 2, 5, 1, 4), (2, 2, 3, 1, 3)),
    "empty": ((4, 0), (2, 3)),
}


@dataclass(frozen=True)
class Case:
    """One dataset to exchange; its name is its path and the seed of its data."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    codec: Config | None
    compression: Config

    def values(self, seed: str = "") -> np.ndarray[Any, Any]:
        """Return what is written."""
        rng = np.random.default_rng(zlib.crc32((self.name + seed).encode()))
        dtype = np.dtype(self.dtype)
        if dtype.kind == "f":
            # Zeros, too, and values that are not equal to themselves.
            special = rng.choice([0.0, -0.0, np.nan, np.inf, 1.5], self.shape)
            noise = rng.standard_normal(self.shape)
            return np.where(rng.random(self.shape) < 0.3, special, noise).astype(dtype)
        limits = np.iinfo(dtype)
        values = rng.integers(limits.min, limits.max, self.shape, dtype, endpoint=True)
        return np.where(rng.random(self.shape) < 0.2, dtype.type(0), values)

    @property
    def region(self) -> tuple[slice, ...]:
        """What a partner changes: some blocks whole, others in part."""
        return tuple(slice(n // 4, max(n - 1, 0)) for n in self.shape)

    def patched(self) -> np.ndarray[Any, Any]:
        """Return the data after a partner has changed them."""
        values = np.array(self.values())
        values[self.region] = self.values("patch")[self.region]
        return values

    def grown(self) -> np.ndarray[Any, Any]:
        """Return the data after a partner has also added a row of zeros and one of sevens."""
        rows = np.zeros((2, *self.shape[1:]), self.dtype)
        rows[1] = 7
        return np.concatenate([self.patched(), rows])


def _cases() -> list[Case]:
    cases = [
        Case(f"{dtype}-{name}", dtype, *SHAPES["edge2d"], *COMPRESSIONS[name])
        for dtype, name in itertools.product(DTYPES, COMPRESSIONS)
    ]
    for (shape, lengths), dtype in itertools.product(SHAPES.items(), DTYPES):
        name = "gzip" if dtype in ("u2", "i8", "f4") else "raw"
        cases.append(Case(f"{shape}-{dtype}-{name}", dtype, *lengths, *COMPRESSIONS[name]))
    return cases


CASES = {case.name: case for case in _cases()}


def describe(values: np.ndarray[Any, Any]) -> list[Any]:
    """Return dtype, shape and a digest of the items, bit for bit."""
    data = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return [values.dtype.name, list(values.shape), hashlib.sha256(data.tobytes()).hexdigest()]


class ZarrDriver:
    """Drives ``zarr`` of this environment, ours or the peer."""

    def __init__(self, folder: Path) -> None:
        import zarr

        self.zarr = zarr
        self.store = zarr.N5Store(str(folder))

    def create(self, case: Case) -> Any:
        import numcodecs

        codec = None if case.codec is None else numcodecs.get_codec(dict(case.codec))
        return self.zarr.create(
            case.shape, case.chunks, case.dtype, codec, store=self.store, path=case.name
        )

    def open(self, case: Case) -> Any:
        return self.zarr.open_array(self.store, path=case.name, mode="r+")

    def read(self, array: Any) -> Any:
        return array[...]

    def write(self, array: Any, region: Any, values: Any) -> None:
        array[region] = values

    def resize(self, array: Any, length: int) -> Any:
        array.resize(length, *array.shape[1:])
        return array


class TensorstoreDriver:
    """Drives tensorstore's driver for N5, whose dimensions are those of N5."""

    def __init__(self, folder: Path) -> None:
        import tensorstore

        self.tensorstore = tensorstore
        self.folder = folder

    def _open(self, case: Case, **options: Any) -> Any:
        path = f"{self.folder / case.name}/"
        spec = {"driver": "n5", "kvstore": {"driver": "file", "path": path}, **options}
        context = self.tensorstore.Context({"file_io_sync": False})
        return self.tensorstore.open(spec, context=context).result()

    def create(self, case: Case) -> Any:
        metadata = {
            "dimensions": case.shape[::-1],
            "blockSize": case.chunks[::-1],
            "dataType": np.dtype(case.dtype).name,
            "compression": case.compression,
        }
        return self._open(case, metadata=metadata, create=True)

    def open(self, case: Case) -> Any:
        return self._open(case)

    def read(self, array: Any) -> Any:
        return array.read().result().T

    def write(self, array: Any, region: Any, values: Any) -> None:
        # Of an empty array there is no region that it would take.
        if values.size:
            array.T[region].write(values).result()

    def resize(self, array: Any, length: int) -> Any:
        bounds = [*[None] * (array.rank - 1), length]
        return array.resize(exclusive_max=bounds).result()


def _do(driver: Any, action: str, case: Case) -> list[Any]:
    array = driver.create(case) if action == "write" else driver.open(case)
    if action == "write":
        driver.write(array, (slice(None),) * len(case.shape), case.values())
    if action in ("patch", "grow"):
        driver.write(array, case.region, case.values("patch")[case.region])
    if action == "grow":
        length = case.shape[0] + 2
        array = driver.resize(array, length)
        last = (slice(length - 1, length), *[slice(None)] * (len(case.shape) - 1))
        driver.write(array, last, np.full((1, *case.shape[1:]), 7, case.dtype))
    return describe(np.asarray(driver.read(array)))


def _guarded(driver: Any, action: str, case: Case) -> list[Any] | str:
    try:
        return _do(driver, action, case)
    except Exception:  # noqa: BLE001  one failing case must not hide the others
        return traceback.format_exc()


def main() -> None:
    """Do the job that comes in on the standard input; answer on the standard output."""
    warnings.simplefilter("ignore")
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not get between
    results = []
    for job in json.load(sys.stdin):
        folder = Path(job["folder"])
        driver = (ZarrDriver if sys.argv[1] == "zarr" else TensorstoreDriver)(folder)
        results.append({n: _guarded(driver, job["action"], CASES[n]) for n in job["cases"]})
    with answer:
        json.dump(results, answer)


if __name__ == "__main__":
    main()
