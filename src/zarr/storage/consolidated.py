"""All metadata of a hierarchy in one document, and a store that reads nothing else."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any

from zarr import formats
from zarr.errors import MetadataError, PathNotFoundError, ReadOnlyError
from zarr.formats.base import dump_json, join
from zarr.formats.documents import expect_object, load_json, load_with_copies
from zarr.storage.base import BaseStore, Buffer, as_store

__all__ = ["METADATA_KEY", "ConsolidatedMetadataStore", "check_mode", "consolidate", "split"]

METADATA_KEY = ".zmetadata"

_VERSION = 1


def consolidate(
    store: BaseStore, metadata_key: str, path: str, version: int | str | None = None
) -> None:
    """Put copies of all metadata in `store` under `metadata_key`.

    A format whose groups carry the copies themselves has them in the group at `path`.

    Raises
    ------
    PathNotFoundError
        If there is nothing at `path`.
    """
    wanted = formats.by_version(version)
    for format in formats.FORMATS if wanted is None else (wanted,):
        if (kind := format.kind(store, path)) is not None:
            break
    else:
        raise PathNotFoundError(path)
    documents = {
        key: document for found in format.documents(store) for key, document in found.items()
    }
    key = format.group_key(path)
    if kind == "group" and key in documents:
        inline = format.with_inline_documents(documents[key], key, documents)
        if inline is not None:
            store[key] = inline
            return
    store[metadata_key] = dump_copies(documents)


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
) -> tuple[BaseStore, BaseStore | None]:
    """Return where to read the metadata of a hierarchy, and where the chunks are.

    Parameters
    ----------
    use_consolidated : bool, str or None
        Whether to read consolidated metadata, or under which key. None means not to: what
        they say may be out of date, so they are for those who ask for them.

    Raises
    ------
    ValueError
        If `mode` would change metadata.
    """
    if not use_consolidated:
        return store, chunk_store
    check_mode(mode)
    key = METADATA_KEY if use_consolidated is True else use_consolidated
    metadata = ConsolidatedMetadataStore(store, key, path=path)
    return metadata, store if chunk_store is None else chunk_store


class ConsolidatedMetadataStore(BaseStore):
    """The consolidated metadata of a hierarchy, read once, as a store of documents only.

    The chunks are elsewhere: pass the store itself as `chunk_store`, as
    :func:`zarr.open_consolidated` does. Nothing can be changed here.

    Parameters
    ----------
    store : BaseStore or MutableMapping
        Where the consolidated metadata are.
    metadata_key : str
        Their key.
    path : str, optional
        Path of the group to be opened, where copies of metadata may be, too.

    Raises
    ------
    KeyError
        If there are none.
    MetadataError
        If they cannot be understood, or a document at the root of the hierarchy is seen
        to differ from its copy: it has been changed since, and they are out of date.

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

    _mode = "r"

    def __init__(
        self,
        store: BaseStore | MutableMapping[str, Any],
        metadata_key: str = METADATA_KEY,
        *,
        path: str = "",
    ) -> None:
        self.store = as_store(store)
        self.metadata_key = metadata_key
        self._path = path
        self._take(_find(self.store, metadata_key, path))

    def _take(self, documents: Mapping[str, Buffer]) -> None:
        self._documents = documents
        self._folders: dict[str, list[str]] | None = None

    @property
    def location(self) -> Hashable:
        return ("consolidated", self.store.location, self.metadata_key)

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, key: str) -> Buffer:
        return self._documents[key]

    def getitems(self, keys: Sequence[str]) -> dict[str, Buffer]:
        documents = self._documents
        return {key: documents[key] for key in keys if key in documents}

    def __contains__(self, key: object) -> bool:
        return key in self._documents

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)

    def listdir(self, path: str = "") -> list[str]:
        if self._folders is None:
            self._folders = _folders(self._documents)
        return list(self._folders.get(path, ()))

    def getsize(self, path: str = "") -> int:
        return -1  # the copies say nothing of what the originals take

    # -- refusing to write -----------------------------------------------------------

    def _refuse(self, *args: Any) -> None:
        raise ReadOnlyError(
            "metadata cannot be changed through their consolidated copies; open the hierarchy "
            "with open_group, and call consolidate_metadata again afterwards"
        )

    __setitem__ = __delitem__ = _refuse
    setitems = delitems = rmdir = rename = _refuse  # type: ignore[assignment]

    # -- as an object ----------------------------------------------------------------

    def close(self) -> None:
        self.store.close()

    def __reduce__(self) -> Any:
        documents = {key: bytes(document) for key, document in self._documents.items()}
        return _rebuild, (type(self), self.store, self.metadata_key, self._path, documents)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)} documents of {self.store!r}>"


def _rebuild(
    cls: type[ConsolidatedMetadataStore],
    store: BaseStore,
    metadata_key: str,
    path: str,
    documents: dict[str, bytes],
) -> ConsolidatedMetadataStore:
    # With the documents that it had: who unpickles need not read them again.
    result = cls.__new__(cls)
    result.store, result.metadata_key, result._path = store, metadata_key, path
    result._take(documents)
    return result


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


def _find(store: BaseStore, metadata_key: str, path: str) -> Mapping[str, Buffer]:
    """Return all documents that the consolidated metadata have copies of, by key."""
    own_key = join(path, metadata_key)
    originals = [
        (format.group_key(place), format.array_key(place), format.attrs_key(place))
        for format in formats.FORMATS
        for place in dict.fromkeys(("", path))
    ]
    keys = [metadata_key, own_key, *(key for node in originals for key in node)]
    found = store.getitems(list(dict.fromkeys(keys)))
    for key, folder in ((metadata_key, ""), (own_key, path)):
        if key in found:
            below = f"{folder}/" if folder else ""
            copies = {below + k: v for k, v in _parse(found[key], key).items()}
            # Other formats may have documents here while a hierarchy is being converted.
            known = [node for node in originals if node[0] in copies or node[1] in copies]
            own = [k for node in known for k in node if k.startswith(below)]
            _check_fresh(copies, found, own, key)
            return copies
    for format in formats.FORMATS:
        for place in dict.fromkeys(("", path)):
            key = format.group_key(place)
            if key in found and (inline := format.inline_documents(found[key], key)) is not None:
                return inline
    raise KeyError(
        f"there are no consolidated metadata under the key {metadata_key!r}; "
        "zarr.consolidate_metadata makes them"
    )


def _parse(document: Buffer, key: str) -> dict[str, Buffer]:
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


def _check_fresh(
    copies: Mapping[str, Buffer],
    found: Mapping[str, Buffer],
    originals: Sequence[str],
    metadata_key: str,
) -> None:
    """Raise `MetadataError` if one of `found`, read along with the copies, differs from its copy.

    To look at every original would take as long as to do without consolidated metadata.
    """
    for key in originals:
        if key in found and not _same(found[key], copies.get(key, b"null"), key):
            raise MetadataError(
                f"the consolidated metadata in {metadata_key!r} are out of date: {key!r} has "
                "been changed since; call zarr.consolidate_metadata again"
            )


def _same(one: Buffer, other: Buffer, key: str) -> bool:
    # As text, because NaN does not equal itself.
    texts = (json.dumps(load_json(document, key), sort_keys=True) for document in (one, other))
    return len(set(texts)) == 1
