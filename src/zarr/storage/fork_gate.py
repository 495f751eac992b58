"""Keeps a fork from happening while another thread is inside a library with locks of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import get_ident
from typing import TypeVar
from weakref import ref

from zarr._system import at_fork

__all__ = ["ForkGate"]

T = TypeVar("T")

_BLINK = 0.0005
_PATIENCE = 5.0  # seconds; a thread that takes longer waits for another process, say


class ForkGate:
    """Lets threads into a library, and forks only while none of them is in there.

    A forked child has the library's locks as they were at that moment, and nothing would ever
    release those that another thread held. A fork waits until the others have come out, up to
    five seconds; threads that want to go in meanwhile wait for the fork.
    """

    def __init__(self) -> None:
        # By weak references, so that a call which an interrupt ended is not waited for.
        self._inside: dict[int, ref[_Visit]] = {}
        self._forking: set[int] = set()
        at_fork(
            before=self._before_fork,
            after_in_parent=self._after_fork,
            after_in_child=self._after_fork_in_child,
        )

    def run(self, work: Callable[[], T]) -> T:
        """Return ``work()``, which uses the library."""
        visit = _Visit()
        key = id(visit)
        try:
            self._inside[key] = ref(visit)
            if self._forking:
                self._wait_outside(visit)
            return work()
        finally:
            self._inside.pop(key, None)

    def _wait_outside(self, visit: _Visit) -> None:
        while self._forking:
            if self._forking == {visit.thread} or self._visits(visit.thread) > 1:
                break  # inside already, or between the hooks of a fork of its own
            self._inside.pop(id(visit), None)
            time.sleep(_BLINK)
            self._inside[id(visit)] = ref(visit)

    def _visits(self, thread: int) -> int:
        visits = [visit() for visit in list(self._inside.values())]
        return sum(visit is not None and visit.thread == thread for visit in visits)

    def _before_fork(self) -> None:
        me = get_ident()
        self._forking.add(me)
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            inside = [visit() for visit in list(self._inside.values())]
            if all(visit is None or visit.thread == me for visit in inside):
                break
            del inside  # or the visits would live on
            time.sleep(_BLINK)

    def _after_fork(self) -> None:
        self._forking.discard(get_ident())

    def _after_fork_in_child(self) -> None:
        self._inside.clear()
        self._forking.clear()


class _Visit:
    """One call into the library."""

    __slots__ = ("__weakref__", "thread")

    def __init__(self) -> None:
        self.thread = get_ident()
