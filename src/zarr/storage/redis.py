"""A store in a Redis database."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from zarr.errors import StoreError, StorePermissionError, StoreTimeoutError
from zarr.storage.base import BaseStore, Buffer, ByteRange, Separator, as_view, check_key
from zarr.storage.remote import cut_into, failure, require

__all__ = ["RedisStore"]

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


class RedisStore(BaseStore):
    """A store in a Redis database.

    Requires the package ``redis``: ``pip install 'zarr[redis]'``.

    Parameters
    ----------
    prefix : str, default 'zarr'
        Redis keys are ``<prefix>:<key>``, so that one database can hold many stores.
    dimension_separator : {'.', '/'}, optional
        Separator between the dimensions of a chunk key, for arrays created here.
    retries : int, default 3
        How often a command is sent again, after a pause, when the connection broke or
        the server did not answer in time; 0 for never.
    **kwargs
        Passed on to `redis.Redis`: ``host``, ``port``, ``db``, ``password``, … The
        default of ``socket_timeout`` is 10 seconds here.

    Raises
    ------
    ImportError
        If the package ``redis`` is missing.

    Notes
    -----
    A batch of reads is one ``MGET``. A batch of writes is one transaction up to 64 MB:
    all of its values are stored, or none. No value may be larger than 512 MB.

    The set ``<prefix>.index`` holds the names of all keys, and makes listing cheap. It is
    made at the first need, from keys that other programs have written before. Keys that
    they write later can be read, but not listed, until :meth:`reindex` is called.

    Safe to use from several threads and processes.

    Examples
    --------
    >>> import zarr
    >>> store = zarr.RedisStore(port=6379)  # doctest: +SKIP
    >>> root = zarr.group(store=store, overwrite=True)  # doctest: +SKIP
    """

    threads: ClassVar[int] = 4
    partial_reads: ClassVar[bool] = True

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
        self.client = redis.Redis(**options)
        self._errors = redis.exceptions
        self._index = f"{prefix}.index"
        self._require_index = self.client.register_script(_REQUIRE_INDEX)
        self._list_folder = self.client.register_script(_LIST_FOLDER)
        self._has_index = False

    def __reduce__(self) -> Any:
        return _reopen, (type(self), *self._arguments)

    @property
    def location(self) -> Hashable:
        known = self.client.connection_pool.connection_kwargs
        host = known.get("path") or (known.get("host"), known.get("port"))
        return "redis", host, known.get("db", 0), self.prefix

    def __repr__(self) -> str:
        known = self.client.connection_pool.connection_kwargs
        where = known.get("path") or f"{known.get('host')}:{known.get('port')}"
        return f"<{type(self).__name__}: {where}/{known.get('db', 0)}, prefix {self.prefix!r}>"

    # -- errors and the index ------------------------------------------------------

    @contextmanager
    def _doing(self, verb: str, what: str) -> Iterator[None]:
        errors = self._errors
        try:
            yield
        except errors.TimeoutError as error:
            raise failure(verb, what, self, error, StoreTimeoutError) from error
        except (errors.AuthenticationError, errors.NoPermissionError) as error:
            raise failure(verb, what, self, error, StorePermissionError) from error
        except errors.RedisError as error:
            raise failure(verb, what, self, error) from error

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
            with self._doing("index the keys of", self.prefix):
                self._require_index(keys=[self._index], args=[pattern, size])
            self._has_index = True

    def reindex(self) -> None:
        """Make the index of keys anew, after another program has written or deleted keys."""
        with self._doing("index the keys of", self.prefix):
            self.client.delete(self._index)
        self._has_index = False
        self._with_index()

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, key: str) -> bytes:
        with self._doing("read", key):
            value = self.client.get(self._key(key))
        if value is None:
            raise KeyError(key)
        return value  # type: ignore[no-any-return]

    def getitems(self, keys: Sequence[str]) -> dict[str, Buffer]:
        if not keys:
            return {}
        with self._doing("read", _named(keys)):
            values = self.client.mget(self._keys(keys))
        return {key: value for key, value in zip(keys, values, strict=True) if value is not None}

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        keys = [key for key, _ in ranges]
        parts: list[Buffer | None] = []
        with self._doing("read", _named(keys)):
            if ranges:
                parts = self._read_ranges(ranges)
            # Redis answers alike for a part that is empty and for a value that is missing.
            unsure = [at for at, part in enumerate(parts) if not part]
            if unsure:
                pipeline = self.client.pipeline(transaction=False)
                for at in unsure:
                    pipeline.exists(self._key(keys[at]))
                for at, exists in zip(unsure, pipeline.execute(), strict=True):
                    parts[at] = b"" if exists else None
        return parts

    def _read_ranges(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        pipeline = self.client.pipeline(transaction=False)
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
        with self._doing("look for", key):
            return bool(self.client.exists(self._key(key)))

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
            with self._doing("write", _named(keys)):
                pipeline = self.client.pipeline(transaction=True)
                pipeline.mset({self._key(key): views[key] for key in keys})
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
        with self._doing("delete", _named(keys)):
            pipeline = self.client.pipeline(transaction=True)
            pipeline.unlink(*self._keys(keys))
            pipeline.zrem(self._index, *keys)
            return int(pipeline.execute()[0])

    # -- listing -------------------------------------------------------------------

    def __iter__(self) -> Iterator[str]:
        return self.list_prefix()

    def __len__(self) -> int:
        self._with_index()
        with self._doing("count the keys of", self.prefix):
            return int(self.client.zlexcount(self._index, "(", "+"))

    def list_prefix(self, path: str = "") -> Iterator[str]:
        self._with_index()
        at, last = _bounds(path)
        while True:
            with self._doing("list", path):
                page = self.client.zrangebylex(self._index, at, last, 0, _PAGE)
            yield from (key.decode() for key in page)
            if len(page) < _PAGE:
                return
            at = b"(" + page[-1]

    def listdir(self, path: str = "") -> list[str]:
        self._with_index()
        with self._doing("list", path):
            names = self._list_folder(
                keys=[self._index], args=[f"{path}/" if path else "", _bounds(path)[1]]
            )
        return sorted({name.decode() for name in names})

    def rename(self, src_path: str, dst_path: str) -> None:
        if src_path == dst_path:
            return
        check_key(dst_path)
        for keys in cut_into([src_path, *self.list_prefix(src_path)], _PAGE):
            with self._doing("rename", src_path):
                self._rename(keys, [dst_path + key[len(src_path) :] for key in keys])

    def _rename(self, keys: list[str], new_keys: list[str]) -> None:
        pipeline = self.client.pipeline(transaction=False)
        for key in keys:
            pipeline.exists(self._key(key))
        pairs = zip(keys, new_keys, pipeline.execute(), strict=True)
        moves = {key: new for key, new, exists in pairs if exists}
        if moves:
            pipeline = self.client.pipeline(transaction=True)
            for key, new in moves.items():
                pipeline.rename(self._key(key), self._key(new))
            pipeline.zrem(self._index, *moves)
            pipeline.zadd(self._index, dict.fromkeys(moves.values(), 0))
            pipeline.execute()

    def getsize(self, path: str = "") -> int:
        names = self.listdir(path)
        keys = [path] if path else []
        keys += [f"{path}/{name}" if path else name for name in names]
        with self._doing("measure", path):
            pipeline = self.client.pipeline(transaction=False)
            for key in keys:
                pipeline.strlen(self._key(key))
            sizes = pipeline.execute()
        # A value counts alone, as the 2.x library has it; a folder has no length itself.
        return int(sizes[0]) if path and sizes[0] else int(sum(sizes))

    # -- life cycle ----------------------------------------------------------------

    def close(self) -> None:
        """Close the connections. They open again when the store is used again."""
        self.client.close()


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
