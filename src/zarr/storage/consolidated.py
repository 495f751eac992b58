"""Consolidated metadata: all metadata of a hierarchy in one document, and a store to read them."""

from __future__ import annotations

import json
from collections.abc import (
    Callable,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from typing import Any, NamedTuple

from zarr import _formats
from zarr._formats.base import dump_json, join
from zarr._formats.documents import (
    METADATA_NAMES,
    expect_object,
    is_metadata,
    load_json,
    load_with_copies,
)
from zarr.errors import (
    MetadataError,
    NotConsolidatedError,
    PathNotFoundError,
    warn_user,
)
from zarr.storage.base import BaseStore, Buffer, as_store
from zarr.sync import KeyLocks

__all__ = [
    "METADATA_KEY", "ConsolidatedMetadataStore", "check_mode", "consolidate", "dump_copies",
    "parse_copies", "split",
]  # fmt: skip

METADATA_KEY = ".zmetadata"

_VERSION = 1


def consolidate(
    store: BaseStore, metadata_key: str, path: str, version: int | str | None = None
) -> bool:
    """Put copies of all metadata in `store` under `metadata_key`.

    A format whose groups carry the copies themselves has them in the group at `path`; returns
    whether that is so.

    Raises
    ------
    PathNotFoundError
        If there is nothing at `path`.
    """
    wanted = _formats.by_version(version)
    for format in _formats.FORMATS if wanted is None else (wanted,):
        if (kind := format.kind(store, path)) is not None:
            break
    else:
        raise _formats.not_found(PathNotFoundError, store, path, version)
    documents = {
        key: document for found in format.documents(store) for key, document in found.items()
    }
    key = format.group_key(path)
    if kind == "group" and key in documents:
        inline = format.with_inline_documents(documents[key], key, documents)
        if inline is not None:
            store[key] = inline
            return True
    store[metadata_key] = dump_copies(documents)
    return False


def dump_copies(documents: Mapping[str, Buffer]) -> bytes:
    """Return a document with copies of `documents`."""
    copies = {key: load_json(document, key) for key, document in documents.items()}
    return dump_json({"metadata": copies, "zarr_consolidated_format": _VERSION})


def check_mode(mode: str) -> None:
    """Raise `ValueError` if `mode` would change metadata."""
    if mode not in ("r", "r+"):
        raise ValueError(f"invalid mode, expected either 'r' or 'r+'; found {mode!r}")


def split(
    store: BaseStore,
    chunk_store: BaseStore | None,
    use_consolidated: bool | str | None,
    mode: str,
    path: str,
    version: int | None = None,
    *,
    strict: bool = False,
) -> tuple[BaseStore, BaseStore | None]:
    """Return where to read the metadata of a hierarchy, and where the chunks are.

    Parameters
    ----------
    use_consolidated : bool, str or None
        Whether to read consolidated metadata, or under which key. None means not to: what
        they say may be out of date, so they are only used on request.
    version : int, optional
        Format; by default the one that is found.
    strict : bool, default False
        Whether metadata that are seen to be out of date are an error rather than a warning.

    Raises
    ------
    ValueError
        If `mode` would change metadata.
    """
    if not use_consolidated:
        return store, chunk_store
    check_mode(mode)
    key = METADATA_KEY if use_consolidated is True else use_consolidated
    metadata = ConsolidatedMetadataStore(store, key, path=path, zarr_format=version, strict=strict)
    return metadata, store if chunk_store is None else chunk_store


class ConsolidatedMetadataStore(BaseStore):
    """A store of the consolidated metadata of a hierarchy, which are read once.

    What is written goes to the original store. Metadata are written there and in the consolidated
    copies, which stay up to date; each change writes all copies again. Other keys, those of chunks,
    are read from the original store; :func:`zarr.open_consolidated` passes it as `chunk_store`,
    too, which is faster.

    Parameters
    ----------
    store : BaseStore or MutableMapping
        The store that holds the consolidated metadata.
    metadata_key : str, default '.zmetadata'
        Key of the consolidated metadata.
    path : str, optional
        Path of the group to open, which can contain consolidated metadata, too.
    zarr_format : int, optional
        Version of the format. The version found in the store by default.
    strict : bool, default False
        Whether it is an error instead of a warning if attributes, or an array at the root of the
        hierarchy, are found to differ from their copies.

    Raises
    ------
    KeyError
        If there are no consolidated metadata.
    MetadataError
        If they are invalid, or found to be out of date and `strict` is True.

    References
    ----------
    The Zarr specification has no section on consolidated metadata; see
    :func:`zarr.consolidate_metadata`.

    Examples
    --------
    >>> import zarr
    >>> from zarr.storage import ConsolidatedMetadataStore
    >>> store = zarr.MemoryStore()
    >>> z = zarr.group(store).zeros('foo', shape=10)
    >>> root = zarr.consolidate_metadata(store)
    >>> sorted(ConsolidatedMetadataStore(store))
    ['.zgroup', 'foo/.zarray']
    """

    forwards = True

    def __init__(
        self,
        store: BaseStore | MutableMapping[str, Any],
        metadata_key: str = METADATA_KEY,
        *,
        path: str = "",
        zarr_format: int | None = None,
        strict: bool = False,
    ) -> None:
        self.store = as_store(store)
        self._mode = self.store._mode
        self.metadata_key = metadata_key
        self._path = path
        copies = _find(self.store, metadata_key, path, zarr_format)
        if copies.changed is not None:
            _report_outdated(copies, strict=strict)
        self._copies_key = copies.key
        self._take(copies.documents)

    def _take(self, documents: Mapping[str, Buffer]) -> None:
        self._documents = documents
        self._folders: dict[str, list[str]] | None = None

    @property
    def location(self) -> Hashable:
        return ("consolidated", self.store.location, self.metadata_key)

    def address(self, path: str = "") -> tuple[Hashable, str]:
        return self.store.address(path)

    @property
    def source(self) -> BaseStore:
        return self.store.source

    @property
    def meta_store(self) -> dict[str, Any]:
        """The metadata documents as Python objects, by key."""
        return {key: load_json(document, key) for key, document in self._documents.items()}

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, key: str) -> Buffer:
        return self._documents[key] if is_metadata(key) else self.store[key]

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        documents, found, chunks = self._documents, {}, []
        for key in keys:
            if key in documents:
                found[key] = documents[key]
            elif (
                key.rpartition("/")[2] not in METADATA_NAMES
            ):  # without a call: each member costs it
                chunks.append(key)
        return {**found, **self.store.getitems(chunks)} if chunks else found

    def get_first(self, keys: Sequence[str]) -> dict[str, Buffer]:
        for key in keys:
            if key in self._documents:
                return {key: self._documents[key]}
        return super().get_first(keys)

    def present(self, keys: Sequence[str]) -> list[str]:
        documents = self._documents
        return [key for key in keys if key in documents or key in self]

    def __contains__(self, key: object) -> bool:
        if isinstance(key, str) and not is_metadata(key):
            return key in self.store
        return key in self._documents

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)

    def listdir(self, path: str = "") -> list[str]:
        if self._folders is None:
            self._folders = _folders(self._documents)
        return list(self._folders.get(path, ()))

    def consolidated_paths(self, path: str) -> list[str]:
        skip = len(path) + 1 if path else 0
        nodes = {at for f in _formats.FORMATS for key in self._documents if (at := f.path_of(key))}
        return sorted(at[skip:] for at in nodes if at.startswith(f"{path}/") or not path)

    def getsize(self, path: str = "") -> int:
        return -1  # the copies say nothing of what the originals take

    # -- writing, to the original store and to the copies ------------------------------

    def is_writeable(self) -> bool:
        return self.store.is_writeable()

    def __setitem__(self, key: str, value: Any) -> None:
        self.setitems({key: value})

    def setitems(self, items: Mapping[str, Any]) -> None:
        documents = {key: value for key, value in items.items() if is_metadata(key)}
        chunks = {key: value for key, value in items.items() if key not in documents}
        if chunks:
            self.store.setitems(chunks)
        if documents:
            # The group that carries the copies is written with them.
            own = {k: v for k, v in documents.items() if k != self._copies_key}
            self._update(documents, before=lambda: self.store.setitems(own) if own else None)

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        self.delitems([key])

    def delitems(self, keys: Iterable[str]) -> None:
        listed = list(keys)
        self._forget(key for key in listed if is_metadata(key))
        self.store.delitems(listed)

    def rmdir(self, path: str = "") -> None:
        self._forget(_below(path, self._documents))
        self.store.rmdir(path)

    def rename(self, src_path: str, dst_path: str) -> None:
        moved = {
            dst_path + key[len(src_path) :]: self._documents[key]
            for key in _below(src_path, self._documents)
        }
        self._forget(_below(src_path, self._documents))
        self.store.rename(src_path, dst_path)
        self._update(moved)

    def _forget(self, keys: Iterable[str]) -> None:
        """Remove copies, before their originals: what has a copy has chunks."""
        gone: dict[str, Any] = dict.fromkeys(keys)
        if gone:
            self._update(gone)

    def _update(
        self, changes: Mapping[str, Any], before: Callable[[], object] = lambda: None
    ) -> None:
        """Change copies; None removes one.

        Other writers may have changed copies of other documents: these are read again.
        """

        def update() -> None:
            before()
            found = self.store.getitems([self._copies_key]).get(self._copies_key)
            documents = {**(self._documents if found is None else self._parsed(found)), **changes}
            documents = {
                key: value
                for key, value in documents.items()
                if value is not None and key.rpartition("/")[2] != METADATA_KEY
            }
            copies = self._dumped(documents)
            if copies is not None:
                self.store[self._copies_key] = copies
            self._take(documents)

        KeyLocks(self.store, "").hold([f"{self._copies_key}.copies"], update)

    @property
    def _carrier(self) -> _formats.Format | None:
        """The format of the group that carries the copies, None if they have a key of their own."""
        carrying = (format for format in _formats.FORMATS if format.carries_copies)
        return next((f for f in carrying if f.path_of(self._copies_key) is not None), None)

    def _parsed(self, document: Buffer) -> Mapping[str, Buffer]:
        if self._carrier is None:
            copies = parse_copies(document, self._copies_key)
            return {self._below + key: copy for key, copy in copies.items()}
        return self._carrier.inline_documents(document, self._copies_key) or self._documents

    def _dumped(self, documents: Mapping[str, Buffer]) -> bytes | None:
        if self._carrier is None:
            below = self._below
            return dump_copies(
                {key[len(below) :]: documents[key] for key in documents if key.startswith(below)}
            )
        if self._copies_key not in documents:
            return None
        carrier = documents[self._copies_key]
        return self._carrier.with_inline_documents(carrier, self._copies_key, documents)

    @property
    def _below(self) -> str:
        return self._copies_key.removesuffix(self.metadata_key)

    # -- as an object ----------------------------------------------------------------

    def close(self) -> None:
        self.store.close()

    def __reduce__(self) -> Any:
        documents = {key: bytes(document) for key, document in self._documents.items()}
        state = (self.store, self.metadata_key, self._path, self._copies_key, documents)
        return _rebuild, (type(self), *state)

    def explain_absence(self, path: str) -> str:
        return "the consolidated metadata have no such path"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)} documents of {self.store!r}>"


def _rebuild(
    cls: type[ConsolidatedMetadataStore],
    store: BaseStore,
    metadata_key: str,
    path: str,
    copies_key: str,
    documents: dict[str, bytes],
) -> ConsolidatedMetadataStore:
    # With the documents that it had: who unpickles need not read them again.
    result = cls.__new__(cls)
    result.store, result.metadata_key, result._path = store, metadata_key, path
    result._mode, result._copies_key = store._mode, copies_key
    result._take(documents)
    return result


def _below(path: str, keys: Iterable[str]) -> list[str]:
    """Return those of the keys that are at a path or below it."""
    return [key for key in keys if not path or key == path or key.startswith(f"{path}/")]


def _folders(keys: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the sorted names in each folder."""
    folders: dict[str, set[str]] = {}
    for key in keys:
        folder, _, name = key.rpartition("/")
        while name not in (names := folders.setdefault(folder, set())):
            names.add(name)
            if not folder:
                break
            folder, _, name = folder.rpartition("/")
    return {folder: sorted(names) for folder, names in folders.items()}


class _Copies(NamedTuple):
    """Copies of metadata documents, their location, and one that differs from its original."""

    documents: Mapping[str, Buffer]
    key: str
    changed: str | None = None


def _find(store: BaseStore, metadata_key: str, path: str, version: int | None) -> _Copies:
    """Return what the consolidated metadata have copies of.

    All that tells is read at once: on a remote store each key is a request.
    """
    wanted = _formats.by_version(version)
    candidates = _formats.FORMATS if wanted is None else (wanted,)
    places = dict.fromkeys(("", path))
    carriers = {
        place: [format.group_key(place) for format in candidates if format.carries_copies]
        for place in places
    }
    keys = {place: join(place, metadata_key) for place in places}
    asked = [key for place in places for key in (keys[place], *carriers[place])]
    asked += [format.attrs_key(place) for format in candidates[:2] for place in places]
    found = store.probe(list(dict.fromkeys(asked)))
    without = []
    for place in places:
        for format in candidates:
            key = format.group_key(place)
            if not format.carries_copies or key not in found:
                continue
            if (inline := format.inline_documents(found[key], key)) is not None:
                return _Copies(inline, key)
            if format.node_in(found, place) is not None:
                without.append(key)
    for place, key in keys.items():
        if key in found:
            below = f"{place}/" if place else ""
            copies = {below + k: v for k, v in parse_copies(found[key], key).items()}
            first = next((own for own in carriers[place] if own in without), None)
            if first is None or first in copies:
                return _Copies(copies, key, _changed(store, copies, found, places, below))
    raise NotConsolidatedError(_absent(store, metadata_key, path))


def _absent(store: BaseStore, metadata_key: str, path: str) -> str:
    """Return what to say where there are no consolidated metadata."""
    place = f"at path {path!r} in {store!r}"
    for format in _formats.FORMATS:
        if (kind := format.kind(store, path)) is not None:
            key = format.node_key(kind, path) if format.carries_copies else metadata_key
            return (
                f"there are no consolidated metadata under the key {key!r} for the {kind} {place}; "
                "write them with zarr.consolidate_metadata, or open it with zarr.open"
            )
    reason = store.explain_absence(path)
    said = f"there are no consolidated metadata, nor an array or group, {place}"
    return f"{said}: {reason}" if reason else said


def parse_copies(document: Buffer, key: str) -> dict[str, Buffer]:
    """Return the copies in the document at `key`, by the keys that it gives them."""
    members = expect_object(load_with_copies(document, key, "metadata"), key)
    version = members.get("zarr_consolidated_format")
    if version != _VERSION or isinstance(version, bool):
        raise MetadataError(
            f"{key!r}: unsupported zarr consolidated metadata format: {version!r:.50}"
        )
    copies = expect_object(members.get("metadata"), f"{key}, member metadata")
    # Some writers keep documents as text.
    return {
        name: copy.value.encode() if isinstance(copy.value, str) else copy
        for name, copy in copies.items()
    }


def _changed(
    store: BaseStore,
    copies: Mapping[str, Buffer],
    found: Mapping[str, Buffer],
    places: Iterable[str],
    below: str,
) -> str | None:
    """Return the key of a document that differs from its copy; `found` has been read along.

    To look at every original would take as long as to do without consolidated metadata.
    """
    known = [
        (format, place)
        for format in _formats.FORMATS
        for place in places
        if format.array_key(place) in copies or format.group_key(place) in copies
    ]
    arrays = [format.array_key(place) for format, place in known]
    unread = [key for key in arrays if key in copies and key not in found]
    originals = {**found, **(store.getitems(unread) if unread else {})}
    for key in (*arrays, *(format.attrs_key(place) for format, place in known)):
        known_here = key.startswith(below) and key in originals
        if known_here and not _same(originals[key], copies.get(key, b"null"), key):
            return key
    return None


def _report_outdated(copies: _Copies, *, strict: bool) -> None:
    fault = (
        f"the consolidated metadata in {copies.key!r} are out of date: {copies.changed!r} has "
        "been changed since; call zarr.consolidate_metadata again"
    )
    if strict:
        raise MetadataError(fault)
    warn_user(f"{fault}, or open the hierarchy without them. The consolidated metadata are used")


def _same(one: Buffer, other: Buffer, key: str) -> bool:
    # As text, because NaN does not equal itself.
    texts = (json.dumps(load_json(document, key), sort_keys=True) for document in (one, other))
    return len(set(texts)) == 1
