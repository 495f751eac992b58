"""User attributes of arrays and groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from zarr import _formats
from zarr._formats.base import Format, check_attributes
from zarr._metadata.foreign_dtypes import JSON
from zarr.errors import NameNotFoundError, ReadOnlyError, StorePermissionError
from zarr.storage.base import BaseStore, as_store
from zarr.sync import KeyLocks, Synchronizer

__all__ = ["Attributes"]


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
            self.store[self.key] = self._format.dump_attrs(attributes, document)
            if self.cache:
                self._cached = attributes

        KeyLocks(self.store, self.key.rpartition("/")[0], self.synchronizer).hold([self.key], put)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.asdict()!r})"
