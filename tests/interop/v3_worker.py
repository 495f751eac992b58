"""Worker for the libraries of the name ``zarr``, ours and zarr-python 3, and for tensorstore.

    python v3_worker.py zarr|tensorstore ROOT STEPS

STEPS is JSON: a list of an action, a folder below ROOT and the names of cases. The answer
is JSON on the standard output.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import v3_cases
from v3_cases import Case, describe

warnings.simplefilter("ignore")


def zarr_open(folder: Path, mode: str) -> Any:
    import zarr

    return zarr.open_array(str(folder), mode=mode)


class Zarr:
    """Drives ``zarr`` of this environment."""

    def write(self, folder: Path, case: Case) -> dict[str, Any]:
        folder.mkdir(parents=True)
        (folder / "zarr.json").write_text(json.dumps(case.document))
        array = zarr_open(folder, "r+")
        array[case.region()] = case.values()[case.region()]
        return self.read(folder, case)

    def create(self, folder: Path, case: str) -> dict[str, Any]:
        import zarr

        arguments = v3_cases.CREATED[case](zarr.codecs)
        arguments = {"shape": (4,), "chunks": (2,), "dtype": "i4", **arguments}
        zarr.create_array(str(folder), **arguments)
        return dict(json.loads((folder / "zarr.json").read_text()))

    def hierarchy(self, folder: Path, case: str) -> dict[str, Any]:
        import numpy as np

        import zarr

        root = zarr.create_group(str(folder), attributes={"title": "täst", "n": [1, None]})
        root.create_group("a", attributes={"x": 1}).create_group("b")
        root["a"].create_array("c", data=np.arange(6), chunks=(2,), attributes={"units": "m"})
        root["a/b"].attrs["late"] = {"deep": True}
        root.require_group("a")
        zarr.consolidate_metadata(str(folder))
        return self.read_hierarchy(folder, case)

    def read_hierarchy(self, folder: Path, case: str) -> dict[str, Any]:
        import zarr

        found = {}
        for root in (zarr.open_group(str(folder), mode="r"), zarr.open_consolidated(str(folder))):
            for path in ("", "a", "a/b", "a/c"):
                node = root[path] if path else root
                facts: dict[str, Any] = {"attributes": dict(node.attrs)}
                if isinstance(node, zarr.Group):
                    facts["members"] = sorted(node)
                else:
                    facts |= describe(node[...])
                assert found.setdefault(path, facts) == facts
        return found

    def read(self, folder: Path, case: Case) -> dict[str, Any]:
        return describe(zarr_open(folder, "r")[...])

    def update(self, folder: Path, case: Case) -> dict[str, Any]:
        array = zarr_open(folder, "r+")
        part = tuple(slice(n // 4, n // 2 + 1) for n in case.shape)
        array[part] = case.values()[part]
        return self.read(folder, case)


class Tensorstore:
    """Drives tensorstore's driver for version 3 of the format."""

    def write(self, folder: Path, case: Case) -> dict[str, Any]:
        array = self._open(folder, case.document)
        self._store(array, case.region(), case.values())
        return self.read(folder, case)

    def read(self, folder: Path, case: Case) -> dict[str, Any]:
        return describe(self._open(folder).read(order="C").result())

    def update(self, folder: Path, case: Case) -> dict[str, Any]:
        part = tuple(slice(n // 4, n // 2 + 1) for n in case.shape)
        self._store(self._open(folder), part, case.values())
        return self.read(folder, case)

    def document(self, folder: Path, case: Case) -> dict[str, Any]:
        return dict(json.loads((folder / "zarr.json").read_text()))

    def _store(self, array: Any, region: tuple[slice, ...], values: Any) -> None:
        bounds = tuple(
            slice(*part.indices(n)) for part, n in zip(region, values.shape, strict=True)
        )
        (array[bounds] if bounds else array).write(values[bounds]).result()

    def _open(self, folder: Path, document: dict[str, Any] | None = None) -> Any:
        import tensorstore as ts

        spec: dict[str, Any] = {
            "driver": "zarr3",
            "kvstore": {"driver": "file", "path": f"{folder}/"},
        }
        if document is not None:
            spec["metadata"] = document
        create = document is not None
        return ts.open(spec, open=not create, create=create).result()


def answer(action: Callable[..., dict[str, Any]], folder: Path, case: Any) -> dict[str, Any]:
    # One failing case must not hide the others.
    try:
        return action(folder, case)
    except Exception:  # noqa: BLE001 - the test says what went wrong
        return {"error": traceback.format_exc()}


def main() -> None:
    library, root, steps = sys.argv[1], Path(sys.argv[2]), json.loads(sys.stdin.read())
    out = os.fdopen(os.dup(1), "w")
    # What a library prints must not get between.
    os.dup2(2, 1)
    worker = Zarr() if library == "zarr" else Tensorstore()
    answers = [
        {
            name: answer(
                getattr(worker, action), root / folder / name, v3_cases.CASES.get(name, name)
            )
            for name in names
        }
        for action, folder, names in steps
    ]
    with out:
        json.dump(answers, out)


if __name__ == "__main__":
    main()
