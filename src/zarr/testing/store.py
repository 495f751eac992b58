"""The conformance suite for stores whose methods are coroutines, as one pytest class to subclass.

:class:`zarr.testing.StoreTests` is the suite for the other stores. It also tests what arrays and
groups do with a store, and runs with a store of this kind through :func:`zarr.storage.as_store`.
"""

from __future__ import annotations

import pickle
from collections.abc import AsyncIterator
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import pytest

from zarr.abc.buffer import Buffer
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.buffer import cpu, default_buffer_prototype
from zarr.core.sync import sync
from zarr.creation import create_array, open_array
from zarr.hierarchy import open_group
from zarr.storage.event_loop import collected

__all__ = ["StoreTests"]

S = TypeVar("S", bound=Store)
B = TypeVar("B", bound=Buffer)

_PROTOTYPE = default_buffer_prototype()
_RANGES = (
    None, RangeByteRequest(1, 4), RangeByteRequest(2, 50), OffsetByteRequest(3),
    SuffixByteRequest(2), SuffixByteRequest(50),
)  # fmt: skip
_DATA = b"0123456789"


def _cut(data: bytes, request: Any) -> bytes:
    """Return the bytes that a request selects."""
    if isinstance(request, RangeByteRequest):
        return data[request.start : request.end]
    if isinstance(request, OffsetByteRequest):
        return data[request.offset :]
    return data if request is None else data[-request.suffix :]


def _keys(found: AsyncIterator[str]) -> list[str]:
    return sorted(sync(collected(found)))


class StoreTests(Generic[S, B]):
    """Tests of a store whose methods are coroutines.

    Subclass it, set the attributes, and override the methods :meth:`get` and :meth:`set` and the
    fixture :meth:`store_kwargs`.

    Attributes
    ----------
    store_cls : type
        The class of the store.
    buffer_cls : type
        The class of the values.
    """

    store_cls: ClassVar[type[Any]]
    buffer_cls: ClassVar[type[Any]] = cpu.Buffer

    async def set(self, store: S, key: str, value: Buffer) -> None:
        """Store a value without the store's own method. To be overridden.

        Parameters
        ----------
        store : Store
            The store.
        key : str
            The key.
        value : Buffer
            The value.
        """
        await store.set(key, value)

    async def get(self, store: S, key: str) -> Buffer:
        """Read a value without the store's own method. To be overridden.

        Parameters
        ----------
        store : Store
            The store.
        key : str
            The key.

        Returns
        -------
        Buffer
            The value.
        """
        value = await store.get(key, _PROTOTYPE)
        assert value is not None
        return value

    @pytest.fixture
    def store_kwargs(self) -> dict[str, Any]:
        """Provide the parameters of the class. A pytest fixture, to be overridden.

        Returns
        -------
        dict
            The parameters.
        """
        return {}

    @pytest.fixture
    def open_kwargs(self, store_kwargs: dict[str, Any]) -> dict[str, Any]:
        """Provide the parameters of ``open``. A pytest fixture.

        Parameters
        ----------
        store_kwargs : dict
            The parameters of the class.

        Returns
        -------
        dict
            The parameters.
        """
        return store_kwargs

    @pytest.fixture
    def store(self, open_kwargs: dict[str, Any]) -> Any:
        """Provide an empty store to each test. A pytest fixture.

        Parameters
        ----------
        open_kwargs : dict
            The parameters of ``open``.

        Returns
        -------
        Store
            The store.
        """
        return sync(self.store_cls.open(**open_kwargs))

    def _put(self, store: Any, **values: bytes) -> None:
        for name, data in values.items():
            sync(self.set(store, name.replace("_", "/"), self.buffer_cls.from_bytes(data)))

    def _bytes(self, store: Any, key: str) -> bytes:
        return sync(self.get(store, key)).to_bytes()

    # -- the object ------------------------------------------------------------------

    def test_store_type(self, store: Any) -> None:
        assert isinstance(store, Store)
        assert isinstance(store, self.store_cls)

    def test_store_eq(self, store: Any, store_kwargs: dict[str, Any]) -> None:
        assert store == store  # noqa: PLR0124 (equality is what is tested)
        assert store != "a store"

    def test_serializable_store(self, store: Any) -> None:
        found = pickle.loads(pickle.dumps(store))
        assert type(found) is type(store)
        assert found.read_only == store.read_only

    def test_store_context_manager(self, open_kwargs: dict[str, Any]) -> None:
        with sync(self.store_cls.open(**open_kwargs)) as store:
            assert store._is_open

    def test_store_supports(self, store: Any) -> None:
        facts = (store.supports_writes, store.supports_deletes, store.supports_listing)
        assert all(isinstance(fact, bool) for fact in facts)
        assert store.supports_partial_writes is False

    def test_store_repr(self, store: Any) -> None:
        assert repr(store)
        assert str(store)

    # -- read-only -------------------------------------------------------------------

    def test_with_read_only_store(self, store: Any) -> None:
        self._put(store, a=_DATA)
        try:
            frozen = store.with_read_only(True)
        except NotImplementedError:
            pytest.skip("the store has no read-only form")
        assert frozen.read_only
        assert not store.read_only
        value = self.buffer_cls.from_bytes(b"x")
        for write in (frozen.set("a", value), frozen.delete("a"), frozen.set("b", value)):
            with pytest.raises((ValueError, PermissionError)):
                sync(write)
        assert sync(frozen.get("a", _PROTOTYPE)).to_bytes() == _DATA

    # -- reading ---------------------------------------------------------------------

    @pytest.mark.parametrize("byte_range", _RANGES)
    def test_get(self, store: Any, byte_range: Any) -> None:
        self._put(store, c_0=_DATA)
        found = sync(store.get("c/0", _PROTOTYPE, byte_range))
        assert isinstance(found, Buffer)
        assert found.to_bytes() == _cut(_DATA, byte_range)

    @pytest.mark.parametrize("data", [b"", _DATA])
    def test_get_whole(self, store: Any, data: bytes) -> None:
        self._put(store, c_0=data)
        assert sync(store.get("c/0", prototype=_PROTOTYPE)).to_bytes() == data

    def test_get_missing(self, store: Any) -> None:
        assert sync(store.get("missing", _PROTOTYPE)) is None
        assert sync(store.get("missing", _PROTOTYPE, RangeByteRequest(0, 1))) is None

    def test_get_partial_values(self, store: Any) -> None:
        self._put(store, a=_DATA, c_0=b"x")
        requests = [("a", part) for part in _RANGES] + [("c/0", None), ("missing", None)]
        found = sync(store.get_partial_values(_PROTOTYPE, requests))
        parts = [None if part is None else part.to_bytes() for part in found]
        assert parts == [*(_cut(_DATA, part) for part in _RANGES), b"x", None]

    def test_exists(self, store: Any) -> None:
        assert not sync(store.exists("a/b"))
        self._put(store, a_b=_DATA)
        assert sync(store.exists("a/b"))
        assert not sync(store.exists("a"))

    def test_getsize(self, store: Any) -> None:
        self._put(store, a_b=_DATA)
        assert sync(store.getsize("a/b")) == len(_DATA)
        with pytest.raises(FileNotFoundError):
            sync(store.getsize("missing"))

    def test_getsize_prefix(self, store: Any) -> None:
        self._put(store, a_b=_DATA, a_c=_DATA, b=b"x")
        assert sync(store.getsize_prefix("a/")) == 2 * len(_DATA)

    # -- writing ---------------------------------------------------------------------

    @pytest.mark.parametrize("data", [b"", _DATA])
    def test_set(self, store: Any, data: bytes) -> None:
        sync(store.set("c/0", self.buffer_cls.from_bytes(data)))
        assert self._bytes(store, "c/0") == data

    def test_set_replaces(self, store: Any) -> None:
        self._put(store, a=_DATA)
        sync(store.set("a", self.buffer_cls.from_bytes(b"x")))
        assert self._bytes(store, "a") == b"x"

    def test_set_if_not_exists(self, store: Any) -> None:
        self._put(store, a=_DATA)
        for key in ("a", "b"):
            sync(store.set_if_not_exists(key, self.buffer_cls.from_bytes(b"x")))
        assert (self._bytes(store, "a"), self._bytes(store, "b")) == (_DATA, b"x")

    def test_delete(self, store: Any) -> None:
        if not store.supports_deletes:
            pytest.skip("nothing can be deleted")
        self._put(store, a=_DATA)
        sync(store.delete("a"))
        sync(store.delete("a"))
        assert not sync(store.exists("a"))

    def test_delete_dir(self, store: Any) -> None:
        if not store.supports_deletes:
            pytest.skip("nothing can be deleted")
        self._put(store, a=_DATA, c_0=_DATA, c_1_2=_DATA, cc_0=_DATA)
        sync(store.delete_dir("c"))
        assert _keys(store.list()) == ["a", "cc/0"]

    def test_clear(self, store: Any) -> None:
        if not store.supports_deletes:
            pytest.skip("nothing can be deleted")
        self._put(store, a=_DATA, c_0=_DATA)
        sync(store.clear())
        assert sync(store.is_empty(""))

    # -- listing ---------------------------------------------------------------------

    def test_list(self, store: Any) -> None:
        assert _keys(store.list()) == []
        self._put(store, a=_DATA, c_0=_DATA, c_1_2=_DATA)
        assert _keys(store.list()) == ["a", "c/0", "c/1/2"]

    def test_list_prefix(self, store: Any) -> None:
        self._put(store, a=_DATA, c_0=_DATA, c_1_2=_DATA)
        assert _keys(store.list_prefix("c/")) == ["c/0", "c/1/2"]
        assert _keys(store.list_prefix("")) == ["a", "c/0", "c/1/2"]

    def test_list_dir(self, store: Any) -> None:
        self._put(store, a=_DATA, c_0=_DATA, c_1_2=_DATA)
        assert _keys(store.list_dir("")) == ["a", "c"]
        assert _keys(store.list_dir("c")) == ["0", "1"]
        assert _keys(store.list_dir("missing")) == []

    def test_is_empty(self, store: Any) -> None:
        assert sync(store.is_empty(""))
        self._put(store, a_b=_DATA)
        assert not sync(store.is_empty("a"))
        assert sync(store.is_empty("b"))

    # -- with arrays -----------------------------------------------------------------

    def test_arrays(self, store: Any) -> None:
        group = open_group(store, mode="w", zarr_format=3)
        group.create_array("a", data=np.arange(10), chunks=3)
        create_array(store, name="b", shape=64, shards=32, chunks=4, dtype="i4")[:] = 7
        assert sorted(group) == ["a", "b"]
        assert open_array(store, path="a", mode="r")[:].tolist() == list(range(10))
        assert open_array(store, path="b", mode="r")[30:34].tolist() == [7] * 4
