"""How many requests to have under way, found out from how quickly the answers come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

__all__ = ["Pace"]

T = TypeVar("T")

_RETRANSMISSION = 0.9
"""Seconds after which an answer may be late since the first packet of a connection was lost."""

_LATE = 3
"""How many times the usual time an answer must take to be late."""


class Pace:
    """A gate for requests that lets more of them in at a time while no answer is late.

    A server whose queue of new connections is full drops them, and each then waits for seconds
    until TCP tries again. So there are few requests at first. The number doubles in the time of
    an answer, as in the slow start of TCP, until an answer is late; then it is halved, and grows
    by one.

    Parameters
    ----------
    least, most : int
        How many requests may be under way, at first and at most.
    """

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most
        self.width = least
        self._usual: float | None = None
        self._in_time = 0
        self._is_starting = True
        self._halved_at = 0.0
        self._surplus = 0
        self._gate = asyncio.Semaphore(least)

    async def run(self, request: Callable[[], Awaitable[T]]) -> T:
        """Return what `request` returns, called when there is room for it."""
        await self._gate.acquire()
        begin, places = time.monotonic(), 1
        try:
            answer = await request()
            places += self._learn(begin, time.monotonic() - begin)
            return answer
        finally:
            for _ in range(places):
                self._gate.release()

    def _learn(self, begin: float, seconds: float) -> int:
        """Return how many places there are to be more, given how long an answer took."""
        usual = seconds if self._usual is None else self._usual
        if seconds > _RETRANSMISSION and seconds > _LATE * usual:
            if begin > self._halved_at:  # the others of a burst say nothing new
                width = max(self._least, self.width // 2)
                self._surplus += self.width - width
                self.width, self._is_starting, self._halved_at = width, False, time.monotonic()
        else:
            self._usual = usual + (seconds - usual) / 8
            self._in_time += 1
            if self.width < self._most and (self._is_starting or self._in_time >= self.width):
                self._in_time = 0
                self.width += 1
                return 1
        if self._surplus:
            self._surplus -= 1
            return -1
        return 0
