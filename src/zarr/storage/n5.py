"""N5 trees, shown as version 2."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import zarr.codecs.n5 as codecs  # that its codecs are known
from zarr.dtypes import JSON
from zarr.errors import StoreKeyError
from zarr.formats import n5
from zarr.formats.base import dump_json, expect_object, join, load_json
from zarr.storage.base import BaseStore, Buffer, Separator, as_store, check_key
from zarr.storage.directory import DirectoryStore
from zarr.sync import lock_for

__all__ = ["N5FSStore", "N5Store", "N5View"]

Attributes = dict[str, JSON]

_coordinates = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+").fullmatch


def _split(key: str) -> tuple[str, str]:
    """Return folder and name of a key."""
    if not isinstance(key, str):
        check_key(key)
    folder, _, name = key.rpartition("/")
    return folder, name


def _n5_key(folder: str, name: str) -> str:
    """Return the key in the N5 tree of the value `name`, a chunk or something else."""
    if name in n5.DOCUMENTS:
        name = n5.ATTRIBUTES
    elif _coordinates(name):
        name = "/".join(reversed(name.split(".")))
    return join(folder, name)


def _parents(path: str) -> list[str]:
    """Return the paths above `path`, the root first."""
    segments = path.split("/")[:-1] if path else []
    return ["/".join(segments[:n]) for n in range(len(segments) + 1)] if path else []


class N5View(BaseStore):
    """The N5 tree in another store, shown as if it were version 2.

    Parameters
    ----------
    store : BaseStore or MutableMapping
        Holds the tree.

    Notes
    -----
    The documents ``.zarray``, ``.zgroup`` and ``.zattrs`` are made from the file
    ``attributes.json`` of their folder, and merged into it; changes of it by the threads
    of a process do not get lost. Every folder with something of N5 below it is a group,
    also without such a file. The dimensions of an array are in the reverse order of N5's,
    so the chunk ``0.1.2`` is the block ``2/1/0``.

    N5 has integers and floats only, no filters, and no fill value but zero. Where an
    array of another kind is to be created, nothing is written.

    Examples
    --------
    >>> import zarr
    >>> from zarr.storage.n5 import N5View
    >>> tree = zarr.MemoryStore()
    >>> z = zarr.zeros((4, 6), chunks=(2, 3), dtype='i2', store=N5View(tree), path='foo')
    >>> z[2:, :3] = 42
    >>> sorted(z.store)
    ['.zgroup', 'foo/.zarray', 'foo/1.0']
    >>> sorted(tree)
    ['attributes.json', 'foo/0/1', 'foo/attributes.json']
    """

    threads = 8

    def __init__(self, store: BaseStore | MutableMapping[str, Buffer]) -> None:
        self.tree = as_store(store)

    # -- facts -----------------------------------------------------------------------

    @property
    def location(self) -> Hashable:
        return ("n5", self.tree.location)

    def is_readable(self) -> bool:
        return self.tree.is_readable()

    def is_writeable(self) -> bool:
        return self.tree.is_writeable()

    def is_listable(self) -> bool:
        return self.tree.is_listable()

    def is_erasable(self) -> bool:
        return self.tree.is_erasable()

    # -- attributes.json -------------------------------------------------------------

    def _load(self, folders: Iterable[str]) -> dict[str, Attributes]:
        """Return what the ``attributes.json`` of each of `folders` says, where there is one."""
        keys = {join(folder, n5.ATTRIBUTES): folder for folder in folders}
        found = self.tree.getitems(list(keys)) if keys else {}
        return {keys[key]: n5.load_attributes(data, key) for key, data in found.items()}

    def _change(self, folder: str, change: Callable[[Attributes | None], Attributes]) -> None:
        """Replace the attributes in `folder` by what `change` makes of them.

        Two of our documents are in one file: who changes one must not undo what another
        thread does to the other.
        """
        key = join(folder, n5.ATTRIBUTES)
        with lock_for(self.tree.location, key):
            attributes = change(self._load([folder]).get(folder))
            if attributes:
                self.tree[key] = dump_json(attributes)
            else:
                self.tree.delitems([key])

    def _document(self, folder: str, name: str, attributes: Attributes | None) -> bytes | None:
        if attributes is None:
            implicit = name == ".zgroup" and self._is_implicit_group(folder)
            attributes = {} if implicit else None
        if attributes is None:
            return None
        return n5.document(name, attributes, join(folder, n5.ATTRIBUTES))

    def _is_dataset(self, folder: str) -> bool:
        return n5.is_dataset(self._load([folder]).get(folder, {}))

    def _is_implicit_group(self, folder: str) -> bool:
        """Tell whether `folder`, which has no attributes, is on the way to something that has."""
        above = self._load(_parents(folder)).values()
        return not any(map(n5.is_dataset, above)) and self._leads_to_node(folder)

    def _leads_to_node(self, folder: str) -> bool:
        children = [join(folder, name) for name in self.tree.listdir(folder)]
        keys = [join(child, n5.ATTRIBUTES) for child in children]
        if keys and self.tree.getitems(keys):
            return True
        return any(map(self._leads_to_node, children))

    # -- one value -------------------------------------------------------------------

    def __getitem__(self, key: str) -> Buffer:
        found = self.getitems((key,))
        if key not in found:
            raise KeyError(key)
        return found[key]

    def __setitem__(self, key: str, value: Buffer) -> None:
        folder, name = _split(key)
        if name in n5.DOCUMENTS:
            self._put_document(folder, name, value)
        else:
            self.tree[self._writeable_key(folder, name)] = value

    def __delitem__(self, key: str) -> None:
        folder, name = _split(key)
        if name not in n5.DOCUMENTS:
            try:
                del self.tree[_n5_key(folder, name)]
            except KeyError:
                raise KeyError(key) from None
            return

        def without(attributes: Attributes | None) -> Attributes:
            if self._document(folder, name, attributes) is None:
                raise KeyError(key)
            return n5.without_document(attributes or {}, name)

        self._change(folder, without)

    def __contains__(self, key: object) -> bool:
        try:
            folder, name = _split(key)  # type: ignore[arg-type]
            if name in n5.DOCUMENTS:
                return key in self.getitems((key,))  # type: ignore[arg-type]
        except StoreKeyError:
            return False
        return _n5_key(folder, name) in self.tree

    def _writeable_key(self, folder: str, name: str) -> str:
        if name == "zarr.json":
            raise StoreKeyError(
                f"cannot store {join(folder, name)!r}: an N5 tree holds arrays and groups of "
                "N5, which are shown as those of zarr_version 2"
            )
        return _n5_key(folder, name)

    def _put_document(self, folder: str, name: str, value: Buffer) -> None:
        key = join(folder, name)
        if name == ".zattrs":
            _warn_of_keywords(value, key)

        def changed(attributes: Attributes | None) -> Attributes:
            after = n5.with_document(attributes or {}, name, value, key)
            if name == ".zarray" and "compression" not in (attributes or {}):
                _warn_of_compression(after["compression"])
            return after

        self._change(folder, changed)

    def check_document(self, key: str, document: Buffer) -> None:
        """Raise unless N5 has arrays such as `document` describes."""
        folder, name = _split(key)
        if name == ".zarray":
            n5.dataset_members(document, key)
        else:
            self._writeable_key(folder, name)

    # -- many at a time --------------------------------------------------------------

    def getitems(self, keys: Sequence[str]) -> dict[str, Buffer]:
        places = {key: _split(key) for key in keys}
        wanted = {key: _n5_key(*place) for key, place in places.items()}
        found = self.tree.getitems(list(dict.fromkeys(wanted.values())))
        attributes: dict[str, Attributes] = {}
        values: dict[str, Buffer] = {}
        for key, n5_key in wanted.items():
            folder, name = places[key]
            data = found.get(n5_key)
            if name in n5.DOCUMENTS:
                if data is not None and folder not in attributes:
                    attributes[folder] = n5.load_attributes(data, n5_key)
                data = self._document(folder, name, attributes.get(folder))
            if data is not None:
                values[key] = data
        return values

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        plain = {}
        for key, value in items.items():
            folder, name = _split(key)
            if name in n5.DOCUMENTS:
                self._put_document(folder, name, value)
            else:
                plain[self._writeable_key(folder, name)] = value
        if plain:
            self.tree.setitems(plain)

    def delitems(self, keys: Iterable[str]) -> None:
        plain = []
        for key in keys:
            folder, name = _split(key)
            if name not in n5.DOCUMENTS:
                plain.append(_n5_key(folder, name))
                continue
            try:
                del self[key]
            except KeyError:
                pass
        if plain:
            self.tree.delitems(plain)

    # -- the hierarchy ---------------------------------------------------------------

    def __iter__(self) -> Iterator[str]:
        return self.list_prefix()

    def list_prefix(self, path: str = "") -> Iterator[str]:
        # Groups without attributes come last: they are there as long as anything else is.
        return iter([*self._plain_keys(path), *self._document_keys(path)])

    def _nodes(self, keys: Iterable[str]) -> dict[str, Attributes]:
        return self._load(_split(key)[0] for key in keys if _split(key)[1] == n5.ATTRIBUTES)

    def _plain_keys(self, path: str) -> Iterator[str]: ...

    def listdir(self, path: str = "") -> list[str]:
        names = set(self.tree.listdir(path))
        attributes = self._load([path]).get(path) if n5.ATTRIBUTES in names else None
        if attributes is not None and n5.is_dataset(attributes):
            skip = len(path) + 1 if path else 0
            return sorted({key[skip:].partition("/")[0] for key in self.list_prefix(path)})
        if names:
            documents = [n for n in n5.DOCUMENTS if self._document(path, n, attributes) is not None]
            names.difference_update((n5.ATTRIBUTES,))
            names.update(documents)
        return sorted(names)
