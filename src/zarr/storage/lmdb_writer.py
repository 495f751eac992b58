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

__all__ = ["LMDBTransaction", "TransactionThread"]

T = TypeVar("T")


class TransactionThread:
    """A transaction, and the thread that it is used in.

    Parameters
    ----------
    environment : object
        The database that is open in this process. It stays open until the end, as for values in
        the map.
    write : bool
        Whether to change anything.
    """

    def __init__(self, environment: Any, *, write: bool) -> None:
        self.environment = environment
        self._write = write
        self._work: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._pid = os.getpid()
        self._is_over = False
        self.name = f"the LMDB database {environment.path!r}"

    def start(self, timeout: float) -> None:
        """Begin; raise `TransactionError` if others are not done in `timeout` seconds."""
        self.environment.loans[id(self)] = weakref.ref(self)
        begun: Future[None] = Future()
        arguments = (self.environment, self._write, self._work, begun)
        threading.Thread(target=_serve, args=arguments, daemon=True).start()
        try:
            begun.result(timeout)
        except TimeoutError as error:
            raise TransactionError(
                f"{self.name} has been in a transaction of another thread or process for more "
                f"than {timeout:g} s; nothing was changed. Wait longer with timeout="
            ) from error

    def run(self, work: Callable[[Any], T]) -> T:
        """Return what `work` does with the transaction."""
        if self._is_over:
            raise TransactionError(f"the transaction on {self.name} is over; begin another one")
        if self._pid != os.getpid():
            raise TransactionError(f"the transaction on {self.name} belongs to another process")
        answer: Future[T] = Future()
        self._work.put((work, answer))
        return answer.result()

    def end(self) -> None:
        """End the transaction; without a commit before, nothing is changed."""
        if self._pid == os.getpid():
            self._is_over = True
            self._work.put(None)
            self.environment.loans.pop(id(self), None)

    def __del__(self) -> None:
        if hasattr(self, "_is_over"):
            self.end()


def _serve(environment: Any, write: bool, work: Any, begun: Future[None]) -> None:
    """Begin a transaction, and do with it what is asked for.

    The thread does not refer to the objects of who asks, so that they end it when they go.
    """
    try:
        with environment.turn():
            transaction = environment.transaction(write=write)
        begun.set_result(None)
    except BaseException as error:  # noqa: BLE001  (raised where it is waited for)
        begun.set_exception(error)
        return
    while (task := work.get()) is not None:
        function, answer = task
        try:
            with environment.turn():
                answer.set_result(function(transaction))
        except BaseException as error:  # noqa: BLE001  (raised where it is waited for)
            answer.set_exception(error)
        del task, function, answer
    with environment.turn():
        transaction.abort()  # nothing, if it was committed


class LMDBTransaction:
    """A transaction of LMDB.

    Parameters
    ----------
    thread : TransactionThread
        Where it is.
    store : BaseStore
        The store to work in.
    flush : callable, optional
        Called after a commit.
    """

    def __init__(
        self, thread: TransactionThread, store: BaseStore, flush: Callable[[], None] | None
    ) -> None:
        self._thread = thread
        self.store = store
        self._flush = flush

    def commit(self) -> None:
        """Make all changes visible together, and end the transaction."""
        import lmdb

        try:
            self._thread.run(lambda transaction: transaction.commit())
        except lmdb.Error as error:
            raise self._thread.environment.failure(error) from error
        finally:
            self._thread.end()
        if self._flush is not None:
            self._flush()

    def rollback(self) -> None:
        """Drop all changes, and end the transaction."""
        self._thread.end()

    def __del__(self) -> None:
        # An interrupt may have dropped it; arrays and groups can keep its store for longer.
        if hasattr(self, "_thread"):
            self._thread.end()
