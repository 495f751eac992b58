"""How the cost of one operation grows: with the chunks it touches, and with those it does not.

Only this package is measured, in memory.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

__all__ = ["Growth", "measure"]

CHUNK = 256
"""Elements of one byte in a chunk: little for the codec to do."""

Points = list[tuple[int, float]]


@dataclass(slots=True)
class Growth:
    """Seconds by number of chunks.

    Attributes
    ----------
    touched : dict
        ``{operation: points}``, by the number of chunks that the operation touches.
    untouched : dict
        The same by the number of chunks in the array, of which the operation touches one.
    """

    touched: dict[str, Points] = field(default_factory=dict)
    untouched: dict[str, Points] = field(default_factory=dict)


def measure(*, quick: bool = False) -> Growth:
    """Measure up to 10⁶ chunks touched and 10⁹ chunks untouched, less if `quick`."""
    most_touched, most_untouched = (4, 9) if quick else (6, 9)
    return Growth(_touched(most_touched), _untouched(most_untouched))


def _seconds(action: Callable[[], Any]) -> float:
    """Return how long `action` takes, the median of as many runs as half a second allows."""
    runs: list[float] = []
    gc.collect()
    while len(runs) < 3 or (sum(runs) < 0.5 and len(runs) < 200):
        start = time.perf_counter()
        action()
        runs.append(time.perf_counter() - start)
    return median(runs)


def _touched(most: int) -> dict[str, Points]:
    import numpy as np

    import zarr

    values = np.arange(CHUNK * 10**most, dtype="u4").view("u1")[: CHUNK * 10**most]
    z = zarr.create(values.shape, chunks=CHUNK, dtype="u1")
    found: dict[str, Points] = {"write": [], "read": [], "read every tenth element": []}
    for exponent in range(most + 1):
        count = 10**exponent
        part = slice(0, CHUNK * count)
        actions: dict[str, Callable[[], Any]] = {
            "write": lambda part=part: z.__setitem__(part, values[part]),
            "read": lambda part=part: z[part],
            "read every tenth element": lambda part=part: z[part.start : part.stop : 10],
        }
        for name, action in actions.items():
            found[name].append((count, _seconds(action)))
    assert np.array_equal(z[...], values)
    return found


def _untouched(most: int) -> dict[str, Points]:
    import numpy as np

    import zarr

    found: dict[str, Points] = {"open": [], "read": [], "write": [], "append": []}
    for exponent in range(1, most + 1):
        store = zarr.MemoryStore()
        z = zarr.create(CHUNK * 10**exponent, chunks=CHUNK, dtype="u1", store=store)
        z[: CHUNK * 10] = 1  # ten chunks that the operations do not touch
        row, at = np.ones(CHUNK, "u1"), CHUNK * 5
        actions: dict[str, Callable[[], Any]] = {
            "open": lambda store=store: zarr.open_array(store, mode="r"),
            "read": lambda z=z, at=at: z[at],
            "write": lambda z=z, at=at: z.__setitem__(at, 2),
            "append": lambda z=z, row=row: z.append(row),
        }
        for name, action in actions.items():
            found[name].append((10**exponent, _seconds(action)))
    return found
