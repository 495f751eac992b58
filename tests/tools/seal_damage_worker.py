"""Reads damaged stores with another library, in whose environment it runs.

``python seal_damage_worker.py LIBRARY FORMAT FOLDER``: FOLDER/z is an intact array, FOLDER/data.npy
has its values. Each line of the input is a JSON object of keys and new values, in base64, or null
for a deleted one. For each line, the array with these changes is read, and one word is printed:
raised, right or wrong; or, once, that the intact array cannot be read.
"""

import base64
import json
import sys
from pathlib import Path

import numpy as np


def read(library, version, folder):
    if library == "tensorstore":
        import tensorstore

        spec = {
            "driver": "zarr" if version == "2" else "zarr3",
            "kvstore": {"driver": "file", "path": str(folder)},
        }
        context = tensorstore.Context()  # with a cache of its own
        return tensorstore.open(spec, open=True, context=context).result().read().result()
    import zarr

    return zarr.open_array(str(folder), mode="r")[...]


def outcome(library, version, folder, data):
    try:
        values = read(library, version, folder)
    except Exception as error:  # noqa: BLE001 (libraries raise what they like)
        outcome.last = error
        return "raised"
    return "right" if np.array_equal(values, data) else "wrong"


def main():
    library, version, given = sys.argv[1:]
    folder, data = Path(given) / "z", np.load(Path(given) / "data.npy")
    if outcome(library, version, folder, data) != "right":
        print(str(outcome.last).splitlines()[0])
        return
    for line in sys.stdin:
        changes = json.loads(line)
        before = {key: (folder / key).read_bytes() for key in changes}
        for key, value in changes.items():
            if value is None:
                (folder / key).unlink()
            else:
                (folder / key).write_bytes(base64.b64decode(value))
        print(outcome(library, version, folder, data))
        for key, value in before.items():
            (folder / key).write_bytes(value)


if __name__ == "__main__":
    main()
