"""Make compressing with Blosc safe to interrupt.

In the main thread numcodecs compresses under a lock. Up to version 0.16 that is one of
`multiprocessing`, which is taken in a function written in Python: an interrupt there leaves
it locked, and the next chunk waits for ever. A lock of `threading` is taken in C. (Later
versions have one themselves.)
"""

from __future__ import annotations

from threading import Lock

from numcodecs import blosc

from zarr._system import at_fork

__all__: list[str] = []


def _renew() -> None:
    if hasattr(blosc, "_MUTEX_IS_INIT"):
        blosc._MUTEX, blosc._MUTEX_IS_INIT = Lock(), True


_renew()
at_fork(after_in_child=_renew)
