"""A store in a Redis database."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, TypeVar

from zarr.errors import StoreError, StorePermissionError, StoreTimeoutError
from zarr.storage.aliases import canonical_host, server_name
from zarr.storage.base import (
    BaseStore,
    Buffer,
    ByteRange,
    Outcome,
    Separator,
    StoreTransaction,
    as_view,
    check_key,
)
from zarr.storage.redis_transaction import RedisTransaction
from zarr.storage.remote import cut_into, failure, request_apart, require

__all__ = ["RedisStore"]

T = TypeVar("T")

_PAGE = 5_000
"""Keys per command where there may be many."""

_TRANSACTION_BYTES = 64 << 20
"""Values sent in one transaction: the client and the server hold them twice."""

_MAX_VALUE_BYTES = 512 << 20

# Redis has no folders. Beside the values, a sorted set of all keys is kept, in which a
# folder is a range: its children are found by leaping from one to the next, however many
# keys lie below each. The empty member says that every key of the prefix is in the set.
_REQUIRE_INDEX = """
if redis.call('ZSCORE', KEYS[1], '') then return 0 end
local cursor = '0'
repeat
  local page = redis.call('SCAN', cursor, 'MATCH', ARGV[1], 'COUNT', 1000)
  cursor = page[1]
  for _, key in ipairs(page[2]) do
    redis.call('ZADD', KEYS[1], 0, string.sub(key, tonumber(ARGV[2]) + 1))
  end
until cursor == '0'
redis.call('ZADD', KEYS[1], 0, '')
return 1
"""

_LIST_FOLDER = """
local prefix, last = ARGV[1], ARGV[2]
local names, at, step = {}, '(' .. prefix, 1
while true do
  local page = redis.call('ZRANGEBYLEX', KEYS[1], at, last, 'LIMIT', 0, step)
  if #page == 0 then return names end
  step = math.min(step * 2, 500)
  for _, key in ipairs(page) do
    at = '(' .. key
    local rest = string.sub(key, #prefix + 1)
    local slash = string.find(rest, '/', 1, true)
    if slash then
      local name = string.sub(rest, 1, slash - 1)
      names[#names + 1] = name
      at = '[' .. prefix .. name .. '0'  -- '0' is what comes after '/'
      step = 1
      break
    end
    names[#names + 1] = rest
  end
end
"""

# A script is never seen half done, nor left so by a client that is killed.
_KEYS_BELOW = """
local function keys_below(first, last)
  local keys, at = {}, first
  repeat
    local page = redis.call('ZRANGEBYLEX', KEYS[1], at, last, 'LIMIT', 0, 1000)
    for _, key in ipairs(page) do keys[#keys + 1] = key end
    at = '(' .. (page[#page] or '')
  until #page == 0
  return keys
end
"""

_DELETE_FOLDER = (
    _KEYS_BELOW
    + """
local keys = keys_below(ARGV[2], ARGV[3])
for _, key in ipairs(keys) do
  redis.call('UNLINK', ARGV[1] .. key)
  redis.call('ZREM', KEYS[1], key)
end
"""
)

_RENAME_FOLDER = (
    _KEYS_BELOW
    + """
local keys = keys_below(ARGV[2], ARGV[3])
keys[#keys + 1] = ARGV[4]
for _, key in ipairs(keys) do
  if redis.call('EXISTS', ARGV[1] .. key) == 1 then
    local new = ARGV[5] .. string.sub(key, #ARGV[4] + 1)
    redis.call('RENAME', ARGV[1] .. key, ARGV[1] .. new)
    redis.call('ZREM', KEYS[1], key)
    redis.call('ZADD', KEYS[1], 0, new)
  end
end
"""
)


class RedisStore(BaseStore):
    """A store in a Redis database.

    Requires the package ``redis``: ``pip install 'zarr[redis]'``.

    Parameters
    ----------
    prefix : str, default 'zarr'
        Prefix of the Redis keys ``<prefix>:<key>``, so that one database can hold many stores.
    dimension_separator : {'.', '/'}, optional
        Separator between the chunk indices in a chunk key, for arrays created in this store.
    retries : int, default 3
        How often to repeat a command, after a pause, if the connection broke or the server did not
        respond in time; 0 for never.
    **kwargs
        Options of `redis.Redis`: ``host``, ``port``, ``db``, ``password``, … The default of
        ``socket_timeout`` is 10 seconds here.

    Raises
    ------
    ImportError
        If the package ``redis`` is missing.

    Notes
    -----
    A batch of reads is one ``MGET``. A batch of writes up to 64 MB is one transaction: all of its
    values are stored, or none. A value can have at most 512 MB.

    The set ``<prefix>.index`` contains the names of all keys and makes listing fast. It is created
    when it is first needed, from all existing keys. Keys that other programs write later can be
    read, but are not listed until :meth:`reindex` is called.

    Safe to use from several threads and processes.

    Examples
    --------
    >>> import zarr
    >>> store = zarr.RedisStore(port=6379)  # doctest: +SKIP
    >>> root = zarr.group(store=store, overwrite=True)  # doctest: +SKIP
    """

    threads: ClassVar[int] = 4
    partial_reads: ClassVar[bool] = True
    atomic_folders: ClassVar[bool] = True
    has_transactions: ClassVar[bool] = True

    def __init__(
        self,
        prefix: str = "zarr",
        dimension_separator: Separator | None = None,
        *,
        retries: int = 3,
        **kwargs: Any,
    ) -> None:
        redis = require("redis", "RedisStore", "redis")
        self._arguments = (prefix, dimension_separator, retries, dict(kwargs))
        self._dimension_separator = dimension_separator
        self.prefix = prefix
        self.retries = retries
        options = {"socket_timeout": 10.0, "socket_connect_timeout": 10.0, **kwargs}
        if "retry" not in options:
            backoff = redis.backoff.FullJitterBackoff(cap=5.0, base=0.1)
            options["retry"] = redis.retry.Retry(backoff, retries)
        self._connect = partial(redis.Redis, **options)
        self.client = self._connect()
        self._idle: list[Any] = []
        self._errors = redis.exceptions
        self._index = f"{prefix}.index"
        self._require_index = self.client.register_script(_REQUIRE_INDEX)
        self._list_folder = self.client.register_script(_LIST_FOLDER)
        self._delete_folder = self.client.register_script(_DELETE_FOLDER)
        self._rename_folder = self.client.register_script(_RENAME_FOLDER)
        self._has_index = False

    def __reduce__(self) -> Any:
        return _reopen, (type(self), *self._arguments)

    @property
    def location(self) -> Hashable:
        return *self._space(), self.prefix

    def address(self, path: str = "") -> tuple[Hashable, str]:
        return self._space(), self._key(path)

    def _space(self) -> tuple[Hashable, ...]:
        """Return the server and the number of the database."""
        known = self.client.connection_pool.connection_kwargs
        address = known.get("path") or (canonical_host(known["host"]), int(known["port"]))
        try:
            server = server_name("redis", address, self._ask_for_name)
        except StoreError:  # it does not answer now
            server = address
        return "redis", server, int(known.get("db") or 0)

    def _ask_for_name(self) -> Hashable | None:
        try:
            said = self._do("ask for", "its name", lambda client: client.info("server"))
        except StorePermissionError:
            return None
        return said.get("run_id")  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        known = self.client.connection_pool.connection_kwargs
        where = known.get("path") or f"{known.get('host')}:{known.get('port')}"
        return f"<{type(self).__name__}: {where}/{known.get('db', 0)}, prefix {self.prefix!r}>"

    # -- errors and the index ------------------------------------------------------

    def _do(self, verb: str, what: str, request: Callable[[Any], T]) -> T:
        """Return what `request` does with a client of its own.

        A client goes back only when its last answer was read: one on whose connection an
        interrupt has left the end of an answer would take it for the next one.
        """
        errors = self._errors
        client = None
        try:
            client = self._take()
            found = request(client)
            spare, client = client, None
            self._idle.append(spare)
            return found
        except errors.TimeoutError as error:
            raise failure(verb, what, self, error, StoreTimeoutError) from error
        except (errors.AuthenticationError, errors.NoPermissionError) as error:
            raise failure(verb, what, self, error, StorePermissionError) from error
        except errors.RedisError as error:
            raise failure(verb, what, self, error) from error
        finally:
            if client is not None:
                client.close()

    def _take(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _change(self, verb: str, what: str, request: Callable[[Any], T]) -> T:
        """Return what `request` changes, called on a thread that no interrupt reaches.

        The server carries out what it has received, also when the connection has been closed.
        """
        return request_apart(lambda: self._do(verb, what, request))

    def _call(self, script: Any, *arguments: Any) -> Callable[[Any], Any]:
        """Return a request that calls `script` for the index."""
        call = partial(script, keys=[self._index], args=arguments)
        return lambda client: call(client=client)

    def _key(self, key: str) -> str:
        return f"{self.prefix}:{key}"

    def _keys(self, keys: Iterable[str]) -> list[str]:
        return [f"{self.prefix}:{key}" for key in keys]

    def _with_index(self) -> None:
        """See to it that the index exists. Called before each use and change of it."""
        if not self._has_index:
            start = self._key("")
            pattern = "".join(f"\\{c}" if c in "\\*?[]^-" else c for c in start) + "*"
            size = len(start.encode())
            index = self._call(self._require_index, pattern, size)
            self._change("index the keys of", self.prefix, index)
            self._has_index = True

    def reindex(self) -> None:
        """Rebuild the index of keys, after another program has written or deleted keys."""
        self._change("index the keys of", self.prefix, lambda client: client.delete(self._index))
        self._has_index = False
        self._with_index()

    def begin(
        self, *, fsync: bool = True, timeout: float = 30.0, read_only: bool = False
    ) -> StoreTransaction:
        return RedisTransaction(self, timeout, read_only=read_only)

    def recover(self, timeout: float = 30.0) -> Outcome:
        return "clean"  # changes reach the server with the commit

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, key: str) -> bytes:
        value = self._do("read", key, lambda client: client.get(self._key(key)))
        if value is None:
            raise KeyError(key)
        return value  # type: ignore[no-any-return]

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        if not keys:
            return {}
        names = self._keys(keys)
        values = self._do("read", _named(keys), lambda client: client.mget(names))
        return {key: value for key, value in zip(keys, values, strict=True) if value is not None}

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        if not ranges:
            return []
        keys = _named([key for key, _ in ranges])
        return self._do("read", keys, partial(self._read_parts, ranges))

    def _read_parts(
        self, ranges: Sequence[tuple[str, ByteRange]], client: Any
    ) -> list[Buffer | None]:
        parts = self._read_ranges(ranges, client)
        # Redis answers alike for a part that is empty and for a value that is missing.
        unsure = [at for at, part in enumerate(parts) if not part]
        if unsure:
            pipeline = client.pipeline(transaction=False)
            for at in unsure:
                pipeline.exists(self._key(ranges[at][0]))
            for at, exists in zip(unsure, pipeline.execute(), strict=True):
                parts[at] = b"" if exists else None
        return parts

    def _read_ranges(
        self, ranges: Sequence[tuple[str, ByteRange]], client: Any
    ) -> list[Buffer | None]:
        pipeline = client.pipeline(transaction=False)
        for key, (start, length) in ranges:
            # The last place is inclusive, and counts from the end where it is negative.
            # A suffix is read to the end and cut here: Redis starts it at 0 when the
            # value is shorter, and then counts its end from another place.
            last = -1 if length is None or start < 0 else start + length - 1
            if length == 0:
                pipeline.getrange(self._key(key), 1, 0)
            else:
                pipeline.getrange(self._key(key), start, last)
        found = pipeline.execute()
        return [
            part[:length] if length is not None else part
            for part, (_, (_, length)) in zip(found, ranges, strict=True)
        ]

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str):
            return False
        name = self._key(key)
        return bool(self._do("look for", key, lambda client: client.exists(name)))

    # -- writing -------------------------------------------------------------------

    def __setitem__(self, key: str, value: Buffer) -> None:
        RedisStore.setitems(self, {key: value})

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        views = {check_key(key): as_view(value) for key, value in items.items()}
        for key, view in views.items():
            if len(view) > _MAX_VALUE_BYTES:
                raise StoreError(
                    f"the value of {key!r} has {len(view)} bytes, and Redis holds at most "
                    f"{_MAX_VALUE_BYTES} in one value: use smaller chunks"
                )
        if not views:
            return
        self._with_index()
        for keys in _transactions(views):
            values = {self._key(key): views[key] for key in keys}
            self._change("write", _named(keys), partial(self._put, keys, values))

    def _put(self, keys: list[str], values: dict[str, Buffer], client: Any) -> None:
        pipeline = client.pipeline(transaction=True)
        pipeline.mset(values)
        pipeline.zadd(self._index, dict.fromkeys(keys, 0))
        pipeline.execute()

    def __delitem__(self, key: str) -> None:
        if not self._delete([key]):
            raise KeyError(key)

    def delitems(self, keys: Iterable[str]) -> None:
        for part in cut_into(keys, _PAGE):
            self._delete(part)

    def _delete(self, keys: list[str]) -> int:
        self._with_index()

        def unlink(client: Any) -> int:
            pipeline = client.pipeline(transaction=True)
            pipeline.unlink(*self._keys(keys))
            pipeline.zrem(self._index, *keys)
            return int(pipeline.execute()[0])

        return self._change("delete", _named(keys), unlink)

    # -- listing -------------------------------------------------------------------

    def __iter__(self) -> Iterator[str]:
        return self.list_prefix()

    def __len__(self) -> int:
        self._with_index()
        verb = "count the keys of"
        return int(self._do(verb, self.prefix, lambda c: c.zlexcount(self._index, "(", "+")))

    def keylist(self) -> list[str]:
        """Return all keys.

        Returns
        -------
        list of str
            The keys, sorted.
        """
        return sorted(self)

    def list_prefix(self, path: str = "") -> Iterator[str]:
        self._with_index()
        at, last = _bounds(path)
        while True:
            page = self._do("list", path, partial(self._page, at, last))
            yield from (key.decode() for key in page)
            if len(page) < _PAGE:
                return
            at = b"(" + page[-1]

    def _page(self, at: str | bytes, last: str, client: Any) -> list[bytes]:
        return client.zrangebylex(self._index, at, last, 0, _PAGE)  # type: ignore[no-any-return]

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        keys = self.list_prefix(path)
        while page := list(itertools.islice(keys, _PAGE)):
            sizes = self._do("measure", path, partial(self._lengths, page))
            yield from zip(page, map(int, sizes), strict=True)

    def _lengths(self, keys: Sequence[str], client: Any) -> list[int]:
        pipeline = client.pipeline(transaction=False)
        for key in keys:
            pipeline.strlen(self._key(key))
        return pipeline.execute()  # type: ignore[no-any-return]

    def listdir(self, path: str = "") -> list[str]:
        self._with_index()
        prefix, last = f"{path}/" if path else "", _bounds(path)[1]
        names = self._do("list", path, self._call(self._list_folder, prefix, last))
        return sorted({name.decode() for name in names})

    def rmdir(self, path: str = "") -> None:
        self._with_index()
        deletion = self._call(self._delete_folder, self._key(""), *_bounds(path))
        self._change("delete", path, deletion)

    def rename(self, src_path: str, dst_path: str) -> None:
        if src_path == dst_path:
            return
        source, target = check_key(src_path), check_key(dst_path)
        self._with_index()
        arguments = self._key(""), *_bounds(source), source, target
        self._change("rename", source, self._call(self._rename_folder, *arguments))

    def getsize(self, path: str = "") -> int:
        names = self.listdir(path)
        keys = [path] if path else []
        keys += [f"{path}/{name}" if path else name for name in names]
        sizes = self._do("measure", path, partial(self._lengths, keys))
        # A value counts alone, as the 2.x library has it; a folder has no length itself.
        return int(sizes[0]) if path and sizes[0] else int(sum(sizes))

    # -- life cycle ----------------------------------------------------------------

    def close(self) -> None:
        """Close the connections. The next use opens them again."""
        self.client.close()
        while self._idle:
            self._idle.pop().close()


def _reopen(
    cls: type[RedisStore],
    prefix: str,
    dimension_separator: Separator | None,
    retries: int,
    options: dict[str, Any],
) -> RedisStore:
    return cls(prefix, dimension_separator, retries=retries, **options)


def _bounds(path: str) -> tuple[str | bytes, str]:
    """Return where the keys below `path` begin and end in the index."""
    # '0' is the character after '/'.
    return (f"({path}/", f"({path}0") if path else ("(", "+")


def _named(keys: Sequence[str]) -> str:
    return keys[0] if len(keys) == 1 else f"{keys[0]} … {keys[-1]}" if keys else ""


def _transactions(views: Mapping[str, memoryview]) -> Iterator[list[str]]:
    """Yield lists of keys, such that the values of each fit into one transaction."""
    keys: list[str] = []
    size = 0
    for key, view in views.items():
        if keys and size + len(view) > _TRANSACTION_BYTES:
            yield keys
            keys, size = [], 0
        keys.append(key)
        size += len(view)
    if keys:
        yield keys
