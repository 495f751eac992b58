"""A transaction of LMDB that lasts longer than a call.

LMDB ties one that writes to the thread that has begun it, so it gets a thread of its own.
"""

from __future__ import annotations

import os
import queue
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from zarr.errors import TransactionError
from zarr.storage.base import BaseStore

__all__ = ["LMDBTransaction"]

T = TypeVar("T")


class LMDBTransaction:
    """A transaction, and the thread that it is used in.

    Parameters
    ----------
    environment : object
        The database that is open in this process. It stays open until the end, as for values in
        the map.
    flush : callable, optional
        Called after a commit.
    write : bool
        Whether to change anything.

    Attributes
    ----------
    store : BaseStore
        The store to work in.
    """

    store: BaseStore

    def __init__(self, environment: Any, flush: Callable[[], None] | None, *, write: bool) -> None:
        self._environment = environment
        self._flush = flush
        self._write = write
        self._work: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._pid = os.getpid()
        self._is_over = False
        self.name = f"the LMDB database {environment.path!r}"
        self.transaction: Any = None

    def start(self, timeout: float) -> None:
        """Begin; raise `TransactionError` if others are not done in `timeout` seconds."""
        self._environment.loans[id(self)] = weakref.ref(self)
        begun: Future[None] = Future()
        threading.Thread(target=self._serve, args=(begun,), daemon=True).start()
        try:
            begun.result(timeout)
        except TimeoutError as error:
            self.rollback()  # it ends as soon as it has begun
            raise TransactionError(
                f"{self.name} has been in a transaction of another thread or process for more "
                f"than {timeout:g} s; nothing was changed. Wait longer with timeout="
            ) from error
        except BaseException:
            self.rollback()
            raise

    def _serve(self, begun: Future[None]) -> None:
        try:
            with self._environment.turn():
                self.transaction = self._environment.transaction(write=self._write)
            begun.set_result(None)
        except BaseException as error:  # noqa: BLE001  (raised where it is waited for)
            begun.set_exception(error)
            return
        while (task := self._work.get()) is not None:
            work, answer = task
            try:
                with self._environment.turn():
                    answer.set_result(work(self.transaction))
            except BaseException as error:  # noqa: BLE001  (raised where it is waited for)
                answer.set_exception(error)
        with self._environment.turn():
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
        """Make all changes visible together, and end the transaction."""
        import lmdb

        try:
            self.run(lambda transaction: transaction.commit())
        except lmdb.Error as error:
            raise self._environment.failure(error) from error
        finally:
            self.rollback()
        if self._flush is not None:
            self._flush()

    def rollback(self) -> None:
        """End the transaction; without a commit before, nothing is changed."""
        if not self._is_over and self._pid == os.getpid():
            self._is_over = True
            self._work.put(None)
            self._environment.loans.pop(id(self), None)
