"""Transactions on Redis: changes are collected in memory, and sent as one MULTI."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from zarr.errors import StoreError, TransactionError
from zarr.storage.journal import Changes
from zarr.storage.overlay import MemoryStagingStore
from zarr.storage.remote import cut_into

__all__ = ["RedisTransaction"]

_LIFETIME = 60.0
"""Seconds without a use after which a transaction is given up, so that others need not wait for
processes that were killed."""

_KEYS_AT_A_TIME = 1000

_VERB = "begin or end a transaction on"

_RENEW = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('PEXPIRE', KEYS[1], ARGV[2])"
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class _Lock:
    """The key that says which transaction may be committed."""

    _may_be_held = False

    def __init__(self, store: Any, timeout: float) -> None:
        self._store = store
        self._pid = os.getpid()
        self.name = f"{store.prefix}.txn"
        self.token = os.urandom(16).hex().encode()
        self._until = 0.0
        end, pause = time.monotonic() + timeout, 0.001
        while not self._take():
            if time.monotonic() > end:
                raise TransactionError(
                    f"{store!r} has been in a transaction of another client for more than "
                    f"{timeout:g} s; nothing was changed. Wait longer with timeout="
                )
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
        self._until = time.monotonic() + _LIFETIME

    def _take(self) -> bool:
        options = {"nx": True, "px": int(_LIFETIME * 1000)}
        self._may_be_held = True  # also if an interrupt comes before the answer
        taken = self._ask(lambda client: client.set(self.name, self.token, **options))
        self._may_be_held = bool(taken)
        return self._may_be_held

    def _ask(self, request: Any) -> Any:
        return self._store._change(_VERB, self._store.prefix, request)

    def renew(self) -> None:
        """Keep it, if it has not been used for a while."""
        if time.monotonic() > self._until - _LIFETIME * 0.8:
            lifetime = int(_LIFETIME * 1000)
            self._ask(lambda client: client.eval(_RENEW, 1, self.name, self.token, lifetime))
            self._until = time.monotonic() + _LIFETIME

    def release(self) -> None:
        """Give it to others."""
        self._release(self._store._change)

    def give_up(self) -> None:
        """Release it if an interrupt, or whatever else, has kept it from being released."""
        if self._may_be_held and self._pid == os.getpid():
            with suppress(StoreError):
                # Called by finalizers: at the end of a program no other thread runs any more.
                self._release(self._store._do)

    def _release(self, ask: Callable[..., Any]) -> None:
        ask(
            _VERB, self._store.prefix,
            lambda client: client.eval(_RELEASE, 1, self.name, self.token),
        )  # fmt: skip
        self._may_be_held = False

    def __del__(self) -> None:
        self.give_up()


class _RedisStaging(MemoryStagingStore):
    """A store whose changes are in memory until they are committed, and that keeps the lock."""

    def __init__(self, base: Any, changes: Changes, lock: _Lock, *, read_only: bool) -> None:
        super().__init__(base, changes, read_only=read_only)
        self._lock = lock

    def _name(self, key: object) -> str:
        name = super()._name(key)
        self._lock.renew()
        return name


class RedisTransaction:
    """A transaction on Redis.

    Parameters
    ----------
    store : RedisStore
        The store.
    timeout : float
        Seconds for which to wait for other transactions.
    read_only : bool
        Whether only to read.
    """

    def __init__(self, store: Any, timeout: float, *, read_only: bool) -> None:
        self._base = store
        self._lock = _Lock(store, timeout)
        self._changes = Changes(self._lock.token.decode())
        self.store = _RedisStaging(store, self._changes, self._lock, read_only=read_only)

    def commit(self) -> None:
        """Make all changes visible together, and end the transaction."""
        self.store.close_for_changes()
        try:
            self.store.settle()
            if not self._changes.is_empty():
                self._base._with_index()
                self._base._change("commit a transaction on", self._base.prefix, self._send)
        finally:
            self._lock.release()

    def _send(self, client: Any) -> None:
        base, lost = self._base, False
        with client.pipeline(transaction=True) as pipe:
            pipe.watch(self._lock.name)
            if pipe.get(self._lock.name) != self._lock.token:
                lost = True
            else:
                pipe.multi()
                self._queue(pipe)
                try:
                    pipe.execute()
                except base._errors.WatchError:
                    lost = True
        if lost:
            raise TransactionError(
                f"the transaction on {base!r} was not used for more than {_LIFETIME:g} s, and "
                "others may have had theirs since; nothing was changed"
            )

    def _queue(self, pipe: Any) -> None:
        base, values = self._base, self.store.new_values()
        for keys in cut_into(values, _KEYS_AT_A_TIME):
            pipe.mset({base._key(key): values[key] for key in keys})
            pipe.zadd(base._index, dict.fromkeys(keys, 0))
        for keys in cut_into(self._changes.keys, _KEYS_AT_A_TIME):
            pipe.unlink(*base._keys(keys))
            pipe.zrem(base._index, *keys)

    def rollback(self) -> None:
        """Drop all changes, and end the transaction."""
        self.store.close_for_changes()
        self._lock.release()

    def __del__(self) -> None:
        # An interrupt may have dropped it; arrays and groups can keep its store for longer.
        if hasattr(self, "_lock"):
            self._lock.give_up()
