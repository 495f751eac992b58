"""The most memory that one library takes to read or write one array, in a process of its own.

    python peak.py LIBRARY peak_read|peak_write FOLDER LAYOUT LENGTH DATA

prints MiB beyond those of the array itself. LENGTH is that of the array's first axis; DATA is
a file with its values.
"""

from __future__ import annotations

import resource
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from adapters import ADAPTERS
from rows import LAYOUTS, Row, quick_layout
from work import Work

__all__ = ["high_water"]


def high_water() -> int:
    """Return the most bytes of memory that this process has had so far.

    A process that was forked and has executed a program still has the high-water mark of the
    one it was forked from in `getrusage`, but not in Linux' own account.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    library, action, folder, name, length, path = sys.argv[1:]
    layout = LAYOUTS[name]
    if layout.shape[0] != int(length):
        layout = quick_layout(layout)
    adapter = ADAPTERS[library](Path(folder))
    data = np.load(path, mmap_mode="r") if action == "peak_read" else np.load(path)
    work = Work(Row("", "", action, name), layout, data, None)
    if action == "peak_read":
        array = adapter.reopen(layout, "directory")
        before = high_water()
        result = adapter.read_all(array, work)  # type: ignore[attr-defined]
        used = high_water() - before - data.nbytes
        assert np.array_equal(result, data)
    else:
        array = adapter.create(replace(layout, name=f"{name}-peak"), "directory")
        before = high_water()
        adapter.write_all(array, work)  # type: ignore[attr-defined]
        adapter.close(array, "directory")
        used = high_water() - before
    print(used / (1 << 20))


if __name__ == "__main__":
    main()
