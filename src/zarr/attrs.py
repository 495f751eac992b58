"""User attributes of arrays and groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from zarr import formats
from zarr.dtypes import JSON
from zarr.errors import ReadOnlyError
from zarr.formats.base import Format, check_attributes
from zarr.storage.base import BaseStore, as_store
from zarr.sync import Synchronizer, holding_document, lock_for

__all__ = ["Attributes"]


class Attributes(MutableMapping[str, JSON]):
    """The user attributes of an array or a group: names and JSON values.

    Not made directly; see the attribute `attrs` of arrays and groups.

    Parameters
    ----------
    store : BaseStore or MutableMapping
    key : str
        Key of the document that holds the attributes.
    read_only : bool, default False
        Whether attributes may not be changed.
    cache : bool, default True
        Whether to read the store once only; else it is read at each access.
    synchronizer : Synchronizer, optional
        Needed if several processes change the attributes.
    cached_dict : dict, optional
        The attributes, if they are known.
    format : Format, optional
        How the document is to be understood.

    Raises
    ------
    TypeError
        When an attribute is set whose name is not a string or whose value is not JSON;
        the attributes then stay as they were.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.zeros(10)
    >>> z.attrs['units'] = 'K'
    >>> z.attrs.asdict()
    {'units': 'K'}
    """

    def __init__(
        self,
        store: BaseStore | MutableMapping[str, Any],
        key: str = ".zattrs",
        read_only: bool = False,
        cache: bool = True,
        synchronizer: Synchronizer | None = None,
        cached_dict: dict[str, JSON] | None = None,
        *,
        format: Format = formats.DEFAULT,
    ) -> None:
        self.store = as_store(store)
        self.key = key
        self.read_only = read_only
        self.cache = cache
        self.synchronizer = synchronizer
        self._format = format
        self._cached = cached_dict if cache else None

    def _read(self) -> tuple[dict[str, JSON], Any]:
        """Return the attributes in the store, and the document they are in, if there is one."""
        try:
            document = self.store[self.key]
        except KeyError:
            return {}, None
        return self._format.parse_attrs(document, self.key), document

    def _current(self) -> dict[str, JSON]:
        if not self.cache:
            return self._read()[0]
        if self._cached is None:
            self._cached = self._read()[0]
        return self._cached

    def asdict(self) -> dict[str, JSON]:
        """Return all attributes as a dictionary."""
        return dict(self._current())

    def refresh(self) -> None:
        """Read the attributes from the store anew."""
        if self.cache:
            self._cached = self._read()[0]

    def __getitem__(self, item: str) -> JSON:
        return self._current()[item]

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
                raise KeyError(item)
            return {name: value for name, value in attributes.items() if name != item}

        self._change(without)

    def put(self, d: Mapping[str, JSON]) -> None:
        """Replace all attributes by those in `d`, in one operation."""
        self._change(lambda _: dict(d))

    def update(self, *args: Any, **kwargs: JSON) -> None:
        """Set several attributes in one operation; arguments as for ``dict.update``."""
        new = dict(*args, **kwargs)
        self._change(lambda attributes: {**attributes, **new})

    def clear(self) -> None:
        """Delete all attributes."""
        self.put({})

    def _change(self, change: Callable[[dict[str, JSON]], dict[str, JSON]]) -> None:
        """Replace the attributes in the store by what `change` makes of them."""
        if self.read_only:
            raise ReadOnlyError("attributes are read-only")
        lock = lock_for(self.store.location, self.key)
        with holding_document(lock, self.synchronizer, self.key):
            before, document = self._read()
            attributes = check_attributes(change(before))
            self.store[self.key] = self._format.dump_attrs(attributes, document)
            if self.cache:
                self._cached = attributes

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.asdict()!r})"
