"""Worker for tensorstore."""

from __future__ import annotations

import ctypes
import math
from pathlib import Path
from typing import Any

import matrix
import numpy as np
import tensorstore as ts
import worker

CONTEXT = ts.Context({"file_io_sync": False})


class TensorstoreWorker:
    """Drives tensorstore's driver for version 2 of the format.

    It has one dtype per open array: a record is open as one array per field, and fixed
    bytes have one more axis.
    """

    def write(self, folder: Path, case: matrix.Case) -> dict[str, Any]:
        dtype, values = case.numpy_dtype, case.values()
        document = matrix.tensorstore_document(case)
        for number, field in enumerate(dtype.names or ("",)):
            array = self._open(folder, case, field, document if number == 0 else None)
            for region in case.regions():
                self._store(array, region, (values[field] if field else values)[(*region, ...)])
        return self.read(folder, case)

    def read(self, folder: Path, case: matrix.Case) -> dict[str, Any]:
        dtype = case.numpy_dtype
        if dtype.names is None:
            return matrix.describe(self._load(self._open(folder, case), dtype))
        parts = {
            field: self._load(self._open(folder, case, field), dtype[field].base)
            for field in dtype.names
        }
        record = np.empty(next(iter(parts.values())).shape[: len(case.shape)], dtype)
        for field, part in parts.items():
            record[field] = part
        return matrix.describe(record)

    def update(self, folder: Path, update: matrix.Update) -> dict[str, Any]:
        array = self._open(folder, update.case)
        self._store(array, update.region, update.patch())
        old = update.case.shape[0]
        bounds = [old + update.extra, *[None] * (array.rank - 1)]
        array = array.resize(exclusive_max=bounds).result()
        self._store(array, (slice(old, None),), update.rows())
        return self.read(folder, update.case)

    def hierarchy(self, folder: Path) -> dict[str, Any]:
        raise NotImplementedError("tensorstore has arrays only")

    def read_hierarchy(self, folder: Path) -> dict[str, Any]:
        raise NotImplementedError("tensorstore has arrays only")

    def _open(
        self,
        folder: Path,
        case: matrix.Case,
        field: str = "",
        document: dict[str, Any] | None = None,
    ) -> Any:
        spec: dict[str, Any] = {
            "driver": "zarr",
            "kvstore": {"driver": "file", "path": f"{folder / case.name}/"},
            # Arrays that the others leave partly unwritten are none of its faults.
            "store_data_equal_to_fill_value": True,
        }
        if field:
            spec["field"] = field
        if document is not None:
            spec["metadata"] = document
        create = document is not None
        return ts.open(spec, open=not create, create=create, context=CONTEXT).result()

    def _store(self, array: Any, region: tuple[slice, ...], values: Any) -> None:
        dtype = values.dtype
        if dtype.kind in "SV":
            values = values[..., np.newaxis].view(f"{dtype.kind}1")
        elif not dtype.isnative:
            values = values.astype(dtype.newbyteorder("="))
        part = array[region] if region else array
        part.write(values).result()

    def _load(self, array: Any, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        values = array.read(order="C").result()
        if dtype.kind in "SV":
            # It says |S0 and |V0 where it means |S1 and |V1, so that NumPy sees no bytes.
            address = values.__array_interface__["data"][0]
            raw = ctypes.string_at(address, math.prod(array.shape))
            return np.frombuffer(raw, dtype).reshape(array.shape[:-1])
        # It returns native numbers; the order of the stored bytes is not its caller's concern.
        return values.astype(dtype)


if __name__ == "__main__":
    worker.work(TensorstoreWorker())
