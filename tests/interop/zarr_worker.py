"""Worker for libraries with the interface of zarr-python 2: the peer, and this package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matrix
import numcodecs
import numpy as np
import worker

import zarr


def _codec(config: matrix.Config | None) -> Any:
    return None if config is None else numcodecs.get_codec(dict(config))


class ZarrWorker:
    """Drives ``zarr`` of this environment."""

    def write(self, folder: Path, case: matrix.Case) -> dict[str, Any]:
        array = zarr.create(
            case.shape,
            chunks=case.chunks,
            dtype=case.dtype,
            order=case.order,
            compressor=_codec(case.compressor),
            filters=[_codec(config) for config in case.filters] or None,
            object_codec=_codec(case.object_codec),
            fill_value=case.fill_value,
            dimension_separator=case.separator,
            write_empty_chunks=case.write_empty_chunks,
            store=zarr.DirectoryStore(str(folder)),
            path=case.name,
        )
        values = case.values()
        for region in case.regions():
            array[region] = values[region]
        found = matrix.describe(array[...])
        found["nchunks_initialized"] = array.nchunks_initialized
        if case.has_digest:
            found["hexdigest"] = array.hexdigest()
        return found

    def read(self, folder: Path, case: matrix.Case) -> dict[str, Any]:
        return matrix.describe(zarr.open_array(str(folder / case.name), mode="r")[...])

    def update(self, folder: Path, update: matrix.Update) -> dict[str, Any]:
        array = zarr.open_array(str(folder / update.case.name), mode="r+")
        array[update.region] = update.patch()
        array.append(update.rows())
        return matrix.describe(array[...])

    def hierarchy(self, folder: Path) -> dict[str, Any]:
        root = zarr.open_group(str(folder), mode="w")
        root.attrs["title"] = "täst \u20ac"
        root.attrs.update(
            {
                "numbers": [1, -2.5, 1e300, 2**60],
                "nested": {"z": None, "a": [True, False, {"": []}]},
                "not-finite": [float("nan"), float("inf"), -float("inf")],
            }
        )
        land = root.create_group("land")
        land.create_group("deep/er/est")
        land.attrs.put({"kept": 1})
        root.require_group("sea")
        for name, shape in (("depth", (5, 6)), ("a.b", (3,)), ("ünder", ())):
            root["sea"].zeros(name, shape=shape, chunks=shape or None, dtype="f4")
        root["sea/depth"].attrs["units"] = "m"
        root["land"].create_dataset("height", data=np.arange(20), chunks=7, compressor=None)
        root.array("flags", np.array([True, False]), chunks=1)
        root.full("filled", shape=4, fill_value=3, chunks=2)
        root.empty("vacant", shape=(2, 2), chunks=(1, 2), dtype="i2")
        return self.read_hierarchy(folder)

    def read_hierarchy(self, folder: Path) -> dict[str, Any]:
        root = zarr.open_group(str(folder), mode="r")
        found: dict[str, Any] = {"": self._node(root)}
        root.visititems(lambda path, node: found.update({path: self._node(node)}))
        return found

    def _node(self, node: Any) -> dict[str, Any]:
        # NaN is not equal to itself, but its text is.
        facts: dict[str, Any] = {"attributes": json.dumps(node.attrs.asdict(), sort_keys=True)}
        if isinstance(node, zarr.Group):
            facts["groups"] = sorted(node.group_keys())
            facts["arrays"] = sorted(node.array_keys())
        elif node.path != "vacant":
            facts |= matrix.describe(node[...])
        return facts


if __name__ == "__main__":
    worker.work(ZarrWorker())
