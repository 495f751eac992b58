"""A transaction of LMDB that lasts longer than a call.

LMDB ties one that writes to the thread that has begun it, so it gets a thread of its own.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from zarr.errors import TransactionError

__all__ = ["LMDBTransaction"]

T = TypeVar("T")


class LMDBTransaction:
    """A transaction, and the thread that it is used in.

    Parameters
    ----------
    name : str
        The database, for messages.
    begin : callable
        Begins the transaction, and waits for others as long as it takes.
    turn : callable
        Returns the lock to hold in a thread that uses the database.
    """

    def __init__(self, name: str, begin: Callable[[], Any], turn: Callable[[], Any]) -> None:
        self.name = name
        self._begin = begin
        self._turn = turn
        self._work: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._pid = os.getpid()
        self._is_over = False
        self.transaction: Any = None

    def start(self, timeout: float) -> None:
        """Begin; raise `TransactionError` if others are not done in `timeout` seconds."""
        begun: Future[None] = Future()
        threading.Thread(target=self._serve, args=(begun,), daemon=True).start()
        try:
            begun.result(timeout)
        except TimeoutError as error:
            self._work.put(None)  # and so it ends as soon as it has begun
            raise TransactionError(
                f"{self.name} has been in a transaction of another thread or process for more "
                f"than {timeout:g} s; nothing was changed. Wait longer with timeout="
            ) from error

    def _serve(self, begun: Future[None]) -> None:
        try:
            with self._turn():
                self.transaction = self._begin()
            begun.set_result(None)
        except BaseException as error:  # noqa: BLE001  (raised where it is waited for)
            begun.set_exception(error)
            return
        while (task := self._work.get()) is not None:
            work, answer = task
            try:
                with self._turn():
                    answer.set_result(work(self.transaction))
            except BaseException as error:  # noqa: BLE001  (raised where it is waited for)
                answer.set_exception(error)
        with self._turn():
            self.transaction.abort()  # nothing, if it was committed

    def run(self, work: Callable[[Any], T]) -> T:
        """Return what `work` does with the transaction."""
        if self._is_over:
            raise TransactionError(f"the transaction on {self.name} is over; begin another one")
        if self._pid != os.getpid():
            raise TransactionError(f"the transaction on {self.name} belongs to another process")
        answer: Future[T] = Future()
        self._work.put((work, answer))
        return answer.result()

    def commit(self) -> None:
        """Make all changes valid, and end."""
        try:
            self.run(lambda transaction: transaction.commit())
        finally:
            self.end()

    def end(self) -> None:
        """End; without a commit before, nothing is changed."""
        if not self._is_over and self._pid == os.getpid():
            self._is_over = True
            self._work.put(None)
