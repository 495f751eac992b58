"""User attributes of arrays and groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from zarr import _formats
from zarr._formats.base import Format, check_attributes
from zarr._formats.seals import json_digest
from zarr._metadata.foreign_dtypes import JSON
from zarr.errors import NameNotFoundError, ReadOnlyError, SealError, StorePermissionError
from zarr.storage.base import BaseStore, as_store
from zarr.sync import KeyLocks, Synchronizer

__all__ = ["Attributes"]

_TRIES = 3
"""How often attributes are read that another writer changes together with their digest."""


class Attributes(MutableMapping[str, JSON]):
    """The user attributes of an array or a group: a mapping of names to JSON values.

    Not created directly; obtained as `attrs` of arrays and groups.

    Parameters
    ----------
    store : BaseStore or MutableMapping
        The store that holds the attributes.
    key : str, default '.zattrs'
        Key of the metadata document that contains the attributes.
    read_only : bool, default False
        Whether attributes cannot be changed.
    cache : bool, default True
        Whether to read the store once. If False, it is read at each access.
    synchronizer : Synchronizer, optional
        Locks between processes. Needed if several processes change the attributes.
    cached_dict : dict, optional
        The attributes, if they are known.

    Raises
    ------
    TypeError
        When an attribute is set to a value that JSON does not support; the attributes then keep
        their values. A name that is not a string is converted, with a `DeprecationWarning`.

    References
    ----------
    Zarr specification, version 2: "Attributes"; version 3: "Array metadata" and "Group metadata",
    member ``attributes``.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.zeros(10)
    >>> z.attrs['units'] = 'K'
    >>> z.attrs.asdict()
    {'units': 'K'}
    """

    _format: Format = _formats.DEFAULT  # arrays and groups set their own
    _node_key: str | None = None  # of the metadata document, if there is a seal in it
    _verify = False

    def __init__(
        self,
        store: BaseStore | MutableMapping[str, Any],
        key: str = ".zattrs",
        read_only: bool = False,
        cache: bool = True,
        synchronizer: Synchronizer | None = None,
        cached_dict: dict[str, JSON] | None = None,
    ) -> None:
        self.store = as_store(store)
        self.key = key
        self.read_only = read_only
        self.cache = cache
        self.synchronizer = synchronizer
        self._cached = cached_dict if cache else None

    def _read(self, store: BaseStore) -> tuple[dict[str, JSON], Any]:
        """Return the attributes in `store`, and the document they are in, if there is one."""
        for _ in range(_TRIES if self._verify else 0):
            attributes, document = self._read_unverified(store)
            if self._is_sealed(attributes, document):
                return attributes, document
        if self._verify:
            raise SealError(
                "the attributes were changed by another writer, or are damaged", self.key
            )
        return self._read_unverified(store)

    def _read_unverified(self, store: BaseStore) -> tuple[dict[str, JSON], Any]:
        try:
            document = store[self.key]
        except KeyError:
            return {}, None
        except StorePermissionError:
            # Some servers deny what is absent. If they let us read the node, this is.
            folder = self.key.rpartition("/")[0]
            keys = [self.key, *self._format.node_keys([folder])]
            if self.key in store.probe(list(dict.fromkeys(keys))):
                raise
            return {}, None
        return self._format.parse_attrs(document, self.key), document

    def _is_sealed(self, attributes: dict[str, JSON], document: Any) -> bool:
        """Tell whether attributes that have been read are as they were sealed.

        Raises
        ------
        SealError
            If they are in the document of their node, and that is not as it was sealed.
        """
        if self.key == self._node_key:
            self._format.check_seal(document, self.key)
            return True
        known = self._sealed_digests(self.store)
        return known is None or json_digest(attributes) in known

    def _sealed_digests(self, store: BaseStore) -> list[str] | None:
        """Return the digests that attributes in a document of their own may have, if sealed."""
        key = str(self._node_key)
        document = store.get(key)
        seal = None if document is None else self._format.seal_of(document, key)
        if seal is None:
            return None
        digests = seal.get("attributes")
        return list(digests) if isinstance(digests, list) else []

    def _current(self) -> dict[str, JSON]:
        if not self.cache:
            return self._read(self.store)[0]
        if self._cached is None:
            self._cached = self._read(self.store)[0]
        return self._cached

    def asdict(self) -> dict[str, JSON]:
        """Return all attributes as a dictionary.

        Returns
        -------
        dict
            A copy; changing it does not change the attributes.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.zeros(10)
        >>> z.attrs['units'] = 'K'
        >>> z.attrs.asdict()
        {'units': 'K'}
        """
        return dict(self._current())

    def refresh(self) -> None:
        """Read the attributes from the store again.

        Examples
        --------
        >>> import zarr
        >>> store = zarr.MemoryStore()
        >>> z, again = zarr.zeros(10, store=store), zarr.open_array(store)
        >>> dict(again.attrs)
        {}
        >>> z.attrs['units'] = 'K'
        >>> again.attrs.refresh()
        >>> dict(again.attrs)
        {'units': 'K'}
        """
        if self.cache:
            self._cached = self._read(self.store)[0]

    def __getitem__(self, item: str) -> JSON:
        attributes = self._current()
        if item not in attributes:
            raise NameNotFoundError(item, "attribute", repr(self.key), attributes.copy)
        return attributes[item]

    def __contains__(self, item: object) -> bool:
        return item in self._current()

    def __iter__(self) -> Iterator[str]:
        return iter(self.asdict())

    def __len__(self) -> int:
        return len(self._current())

    def __setitem__(self, item: str, value: JSON) -> None:
        self._change(lambda attributes: {**attributes, item: value})

    def __delitem__(self, item: str) -> None:
        def without(attributes: dict[str, JSON]) -> dict[str, JSON]:
            if item not in attributes:
                raise NameNotFoundError(item, "attribute", repr(self.key), attributes.copy)
            return {name: value for name, value in attributes.items() if name != item}

        self._change(without)

    def put(self, d: Mapping[str, JSON]) -> None:
        """Replace all attributes in one operation.

        Parameters
        ----------
        d : mapping of str to JSON values
            The new attributes.

        Raises
        ------
        TypeError
            If a value is not supported by JSON.
        ReadOnlyError
            If the array or group is read-only.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.zeros(10)
        >>> z.attrs['old'] = 1
        >>> z.attrs.put({'units': 'K'})
        >>> z.attrs.asdict()
        {'units': 'K'}
        """
        self._change(lambda _: dict(d))

    def update(self, *args: Any, **kwargs: JSON) -> None:
        """Set several attributes in one operation.

        Parameters
        ----------
        *args : mapping or iterable of pairs
            Names and values, as for :meth:`dict.update`.
        **kwargs : JSON values
            Values by name.

        Raises
        ------
        TypeError
            If a value is not supported by JSON.
        ReadOnlyError
            If the array or group is read-only.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.zeros(10)
        >>> z.attrs.update({'units': 'K'}, title='Temperature')
        >>> z.attrs.asdict()
        {'units': 'K', 'title': 'Temperature'}
        """
        new = dict(*args, **kwargs)
        self._change(lambda attributes: {**attributes, **new})

    def clear(self) -> None:
        """Delete all attributes.

        Raises
        ------
        ReadOnlyError
            If the array or group is read-only.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.zeros(10)
        >>> z.attrs['units'] = 'K'
        >>> z.attrs.clear()
        >>> z.attrs.asdict()
        {}
        """
        self.put({})

    def _change(self, change: Callable[[dict[str, JSON]], dict[str, JSON]]) -> None:
        """Replace the attributes in the store by what `change` makes of them."""
        if self.read_only:
            raise ReadOnlyError(
                f"the attributes in {self.key!r} are read-only: their array or group was opened "
                "with mode='r' or read_only=True; open it with mode='r+' to change them"
            )

        def put() -> None:
            before, document = self._read(self.store.source)
            attributes = check_attributes(change(before))
            self._cached = None  # until it is known whether the store has taken them
            if self._node_key in (None, self.key):
                self.store[self.key] = self._format.dump_attrs(attributes, document)
            else:
                self._put_sealed(attributes, document)
            if self.cache:
                self._cached = attributes

        keys = [self.key] if self._node_key is None else {self.key, self._node_key}
        KeyLocks(self.store, self.key.rpartition("/")[0], self.synchronizer).hold(keys, put)

    def _put_sealed(self, attributes: dict[str, JSON], document: Any) -> None:
        """Store attributes whose digest is in another document than they are.

        Both digests are right meanwhile, so that the seal is true wherever a writer is killed.
        """
        new = json_digest(attributes)
        before = self._sealed_digests(self.store.source)
        if before is not None:
            self._seal_as([*before, new])
        self.store[self.key] = self._format.dump_attrs(attributes, document)
        if before is not None:
            self._seal_as([new])

    def _seal_as(self, digests: list[str]) -> None:
        """Put the digests of attributes into the document of their node."""
        key = str(self._node_key)
        document = self.store.source[key]
        seal = self._format.seal_of(document, key) or {}
        self.store[key] = self._format.sealed(document, key, seal.get("algorithm"), digests)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.asdict()!r})"
