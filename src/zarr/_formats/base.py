"""What a format is: the only place that knows documents, their keys and their JSON.

A format is stateless; there is one instance of each. Everything else in the package works
with :class:`~zarr._metadata.records.ArrayMeta` and :class:`~zarr._metadata.records.GroupMeta`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from zarr._formats.documents import (
    DEEPEST,
    UNINDENTED,
    expect_object,
    load_json,
    members_of,
    node_names,
    too_deep,
)
from zarr._formats.seals import SEAL, check_members, seal_in, with_seal, without_seal
from zarr._metadata.foreign_dtypes import JSON
from zarr._metadata.records import ArrayMeta, ChunkKeys, GroupMeta, Step
from zarr.errors import (
    MetadataError,
    StorePermissionError,
    ZarrDeprecationWarning,
    warn_user,
)

if TYPE_CHECKING:
    from zarr.storage.base import BaseStore, Buffer

__all__ = ["ORIGINAL", "ArrayDocuments", "Format", "NodeKind", "join", "noted"]

NodeKind = Literal["array", "group"]

ORIGINAL = "converted_from"
"""Where a converted document keeps the one it was, if it cannot say the same."""


def join(path: str, name: str) -> str:
    """Return the key of `name` in the folder `path`."""
    return f"{path}/{name}" if path else name


_LARGEST_KEPT = 2 << 10
"""Most bytes of a document of which is kept what it means."""

_MOST_KEPT = 512


class ArrayDocuments:
    """The documents of arrays that a format has met, each parsed once for all with its bytes.

    Parameters
    ----------
    parse : callable
        Takes the members of a document and its key. Returns the metadata, and whether it would
        always return the same for these members.
    """

    def __init__(self, parse: Callable[[dict[str, JSON], str], tuple[ArrayMeta, bool]]) -> None:
        self._parse = parse
        self._kept: dict[bytes, ArrayMeta] = {}
        self._met: set[bytes] = set()

    def get(self, document: Buffer) -> ArrayMeta | None:
        """Return what a document means, if that is kept."""
        small = isinstance(document, bytes) and len(document) <= _LARGEST_KEPT
        return self._kept.get(document) if small else None

    def has_met(self, document: Buffer) -> bool:
        """Tell whether a document is known to be that of an array, whatever else it says."""
        return isinstance(document, bytes) and (document in self._met or document in self._kept)

    def note(self, document: Buffer) -> None:
        """Keep in mind that a document is that of an array."""
        if len(document) <= _LARGEST_KEPT:
            if len(self._met) >= _MOST_KEPT:
                self._met.clear()
            self._met.add(bytes(document))

    def parse(self, document: Buffer, key: str) -> ArrayMeta:
        """Return what a document means.

        Raises
        ------
        MetadataError
            If it is not valid; the message names `key`.
        """
        if (known := self.get(document)) is not None:
            return known
        members = members_of(document, key)
        try:
            meta, lasts = self._parse(members, key)
        except MetadataError as error:
            raise MetadataError(f"{key!r}: {error}") from error
        if lasts and len(document) <= _LARGEST_KEPT:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()  # all at once: an order of use would take longer to keep
            self._kept[bytes(document)] = meta
        return meta


class Format(ABC):
    """Documents and keys of one version of the format.

    Attributes
    ----------
    version : int or str
        What users call the format: ``zarr_version``, ``zarr_format``.
    groups : bool
        Whether the format knows groups.
    carries_copies : bool
        Whether consolidated metadata are in the documents of groups.
    implicit_groups : bool
        Whether a folder with nodes below it is a group without a document.
    sealable : bool
        Whether documents have room for a seal.
    table_steps : tuple of Step
        The codecs of the digests of chunks.
    checksum : Step or None
        The codec that adds a checksum to each chunk.
    shown_as : {2, 3}
        The version as whose metadata code for the 3.x library sees those of this format.
    """

    version: ClassVar[int | str]
    groups: ClassVar[bool] = True
    carries_copies: ClassVar[bool] = False
    implicit_groups: ClassVar[bool] = False
    sealable: ClassVar[bool] = False
    table_steps: ClassVar[tuple[Step, ...]] = ()
    checksum: ClassVar[Step | None] = None
    default_separator: ClassVar[Literal[".", "/"]] = "."
    shown_as: ClassVar[Literal[2, 3]] = 2

    # -- six methods to write ------------------------------------------------------

    @abstractmethod
    def array_key(self, path: str) -> str:
        """Return the key of the document of an array at `path`."""

    @abstractmethod
    def group_key(self, path: str) -> str:
        """Return the key of the document of a group at `path`."""

    @abstractmethod
    def parse_array(self, document: Buffer, key: str) -> ArrayMeta:
        """Return the metadata of an array; raise `MetadataError` if they are invalid."""

    @abstractmethod
    def dump_array(self, meta: ArrayMeta) -> bytes:
        """Return the document of an array."""

    def dump_resized(self, meta: ArrayMeta, document: Buffer, before: tuple[int, ...]) -> bytes:
        """Return the document of an array that differs from `document` in the shape only.

        Every append changes the one member that holds the shape. In documents that we wrote
        it stands once, as it is expected; others are rewritten.
        """
        old, data = self.shape_member(before), bytes(document)
        if not old or data.count(old) != 1 or SEAL in meta.extra:
            return self.dump_array(meta)
        return data.replace(old, self.shape_member(meta.shape))

    def shape_member(self, shape: tuple[int, ...]) -> bytes:
        """Return the member that holds the shape, as `dump_array` writes it with its white space.

        Empty if resized arrays are to have new documents.
        """
        return b""

    @abstractmethod
    def parse_group(self, document: Buffer, key: str) -> GroupMeta:
        """Return the metadata of a group; raise `MetadataError` if they are invalid."""

    @abstractmethod
    def dump_group(self, meta: GroupMeta) -> bytes:
        """Return the document of a group."""

    def chunk_keys(
        self, separator: Literal[".", "/"] | None, ndim: int, encoding: Any = None
    ) -> ChunkKeys:
        """Return how the keys of chunks are made in a new array.

        Parameters
        ----------
        separator : {'.', '/'}, optional
        ndim : int
            Number of dimensions.
        encoding : str or Mapping, optional
            How version 3 calls it.
        """
        given = dict(encoding) if isinstance(encoding, Mapping) else {"name": encoding or "v2"}
        if given["name"] != "v2":
            raise ValueError(
                f"version {self.version} of the format has no chunk_key_encoding {given['name']!r}"
            )
        wanted: Any = separator or given.get("separator")
        return ChunkKeys(wanted or ".", stated=wanted is not None)

    def in_store(
        self, meta: ArrayMeta, store: BaseStore, path: str, separator: Literal[".", "/"] | None
    ) -> ArrayMeta:
        """Return `meta` with the chunk keys that `store` has, where `meta` does not state them.

        Parameters
        ----------
        meta : ArrayMeta
        store : BaseStore
            Holds the chunks of the array at `path`.
        separator : {'.', '/'}, optional
            Of stores such as this.
        """
        return meta

    # -- attributes: a document of their own, unless overridden ----------------------

    def attrs_key(self, path: str) -> str:
        """Return the key of the document that holds the attributes of the node at `path`."""
        return join(path, ".zattrs")

    def node_attrs_key(self, path: str, document_key: str) -> str:
        """Return the same for the node at `path` whose own document is at `document_key`."""
        return self.attrs_key(path)

    def parse_attrs(self, document: Buffer, key: str) -> dict[str, JSON]:
        """Return the attributes in `document`."""
        return expect_object(load_json(document, key), key)

    def dump_attrs(self, attributes: Mapping[str, JSON], document: Buffer | None) -> bytes:
        """Return `document`, the one at `attrs_key` so far, with other attributes."""
        return dump_json(attributes)

    # -- seals -----------------------------------------------------------------------

    def seal_of(self, document: Buffer, key: str) -> dict[str, Any] | None:
        """Return the seal in the document of a node, None if it is not sealed."""
        return seal_in(members_of(document, key)) if self.sealable else None

    def check_seal(self, document: Buffer, key: str) -> None:
        """Raise `SealError` if a document has a seal and does not say what was sealed."""
        check_members(members_of(document, key), key)

    def sealed(
        self, document: Buffer, key: str, algorithm: str | None, attributes: list[str] | None
    ) -> bytes:
        """Return the document of a node with a seal, see :func:`zarr._formats.seals.with_seal`."""
        return self.dump_members(with_seal(members_of(document, key), algorithm, attributes))

    def unsealed(self, document: Buffer, key: str) -> bytes:
        """Return the document of a node without a seal."""
        return self.dump_members(without_seal(members_of(document, key)))

    def dump_members(self, members: Mapping[str, JSON]) -> bytes:
        """Return the document with these members."""
        return dump_json(members)

    # -- nodes: one folder per node, unless overridden -------------------------------

    def path_of(self, key: str) -> str | None:
        """Return the path of the node whose document is at `key`, None if it is none's."""
        path = key.rpartition("/")[0]
        return path if key in (self.array_key(path), self.group_key(path)) else None

    def folder_of_keys(self, path: str) -> str:
        """Return the folder that holds all keys of nodes at `path` and below it."""
        return path

    def node_key(self, kind: NodeKind, path: str) -> str:
        """Return the key of the document of the node of this kind at `path`."""
        return self.array_key(path) if kind == "array" else self.group_key(path)

    def chunk_prefix(self, path: str, meta: ArrayMeta) -> str:
        """Return what the keys of all chunks of the array at `path` begin with."""
        return join(path, meta.keys.prefix)

    def look_up(self, store: BaseStore, path: str) -> tuple[NodeKind, Buffer] | None:
        """Return kind and document of the node at `path`; None if there is none."""
        return self.node_in(store.get_first(self.node_keys([path])), path)

    def kind(self, store: BaseStore, path: str) -> NodeKind | None:
        """Tell what is at `path`."""
        node = self.node_among(store, store.probe(self.node_keys([path])), path)
        return None if node is None else node[0]

    def node_among(
        self, store: BaseStore, found: Mapping[str, Buffer], path: str
    ) -> tuple[NodeKind, Buffer] | None:
        """Return kind and document of the node at `path`, given what its `node_keys` hold."""
        return self.node_in(found, path)

    def node_in(self, found: Mapping[str, Buffer], path: str) -> tuple[NodeKind, Buffer] | None:
        """Return kind and document of the node at `path`, given what was found."""
        if (key := self.array_key(path)) in found:
            return "array", found[key]
        if (key := self.group_key(path)) in found:
            return "group", found[key]
        return None

    def kind_of(self, found: Mapping[str, Buffer], path: str) -> NodeKind | None:
        """Tell which document of the node at `path` is among `found`."""
        node = self.node_in(found, path)
        return None if node is None else node[0]

    def is_reserved(self, path: str) -> bool:
        """Tell whether the specification reserves the last name of `path`.

        Such nodes are read, as other libraries write them, and created with a warning.
        """
        return False

    def node_keys(self, paths: Iterable[str]) -> list[str]:
        """Return the keys under which the documents of nodes at `paths` can be."""
        return [key for path in paths for key in (self.array_key(path), self.group_key(path))]

    def children(self, store: BaseStore, path: str) -> dict[str, tuple[NodeKind, Buffer]]:
        """Return kind and document of each node directly below `path`, by name, sorted."""
        above = f"{path}/" if path else ""
        paths = {name: above + name for name in self.member_names(store, path)}
        try:
            found = self.node_documents(store, [*paths.values()])
        except StorePermissionError:
            # Node by node, because one document of a node says that it has no others.
            probes = [store.probe(self.node_keys([child])) for child in paths.values()]
            found = {key: document for probe in probes for key, document in probe.items()}
        nodes: dict[str, tuple[NodeKind, Buffer]] = {}
        for name, child in paths.items():
            if (node := self.node_in(found, child)) is not None:
                nodes[name] = node
        return nodes

    def node_documents(self, store: BaseStore, paths: Sequence[str]) -> Mapping[str, Buffer]:
        """Return the documents of nodes at `paths`, by key."""
        return store.getitems(self.node_keys(paths))

    def member_names(self, store: BaseStore, path: str) -> list[str]:
        """Return the names directly below `path` that nodes can have, sorted."""
        return node_names(store.listdir(path), self.document_names())

    def kinds(self, store: BaseStore, path: str) -> dict[str, NodeKind]:
        """Return the kind of each node directly below `path`, by name, sorted."""
        return {name: kind for name, (kind, _) in self.children(store, path).items()}

    def remove(self, store: BaseStore, path: str) -> None:
        """Delete the node at `path` with all below it."""
        store.rmdir(path)

    def move(self, store: BaseStore, source: str, dest: str) -> None:
        """Move the node at `source` with all below it to `dest`, where nothing is."""
        store.rename(source, dest)

    def is_document(self, key: str) -> bool:
        """Tell whether `key` holds metadata rather than a chunk."""
        return key.rpartition("/")[2] in self.document_names()

    def document_names(self) -> tuple[str, ...]:
        """Return the last segments of the keys of documents."""
        return self.array_key(""), self.group_key(""), self.attrs_key("")

    # -- consolidated metadata -------------------------------------------------------

    def documents(self, store: BaseStore, path: str = "") -> Iterator[Mapping[str, Buffer]]:
        """Yield all documents at and below `path` by key, folder by folder, but no chunks."""
        folders = [path]
        yield (found := store.getitems(self._document_keys(folders)))
        if self.kind_of(found, path) == "array":
            return
        while folders:
            folder = folders.pop()
            names = self.member_names(store, folder)
            below = [join(folder, name) for name in names]
            found = store.getitems(self._document_keys(below))
            if found:
                yield found
            for name, child in zip(names, below, strict=True):
                kind = self.kind_of(found, child)
                # A folder that is no node can have nodes in it all the same.
                if kind == "group" or (kind is None and not name.startswith(".")):
                    folders.append(child)

    def _document_keys(self, paths: Sequence[str]) -> list[str]:
        keys = self.node_keys(paths) + [self.attrs_key(path) for path in paths]
        return list(dict.fromkeys(keys))

    def inline_documents(self, document: Buffer, key: str) -> Mapping[str, Buffer] | None:
        """Return the copies of other documents that a group's document carries, by key.

        None if it carries none, as in most formats: there copies are in a document of
        their own.
        """
        return None

    def copies_in(self, meta: GroupMeta) -> Mapping[str, JSON] | None:
        """Return the same copies as JSON, by path below the group, from its record."""
        return None

    def with_inline_documents(
        self, document: Buffer, key: str, documents: Mapping[str, Buffer]
    ) -> bytes | None:
        """Return a group's document that carries copies of those `documents` that are below it.

        None if the format has no such thing.
        """
        return None

    # -- conversion ------------------------------------------------------------------

    def freed(self, meta: ArrayMeta) -> ArrayMeta:
        """Return `meta`, attributes included, without what is a custom of this format only."""
        return meta

    def adopted(self, meta: ArrayMeta) -> ArrayMeta:
        """Return `meta`, which another format has `freed`, by the customs of this one.

        Raises
        ------
        ValueError
            If there are none for what it says.
        """
        return meta

    def freed_group(self, meta: GroupMeta) -> GroupMeta:
        """Return the same of a group as `freed` of an array."""
        return meta

    def adopted_group(self, meta: GroupMeta) -> GroupMeta:
        """Return the same of a group as `adopted` of an array."""
        return meta

    def with_original(self, document: Buffer, original: Buffer) -> bytes | None:
        """Return `document` with the one that it was converted from in it.

        None if the format has no place for it.
        """
        return None

    def kept_members(self, document: Buffer) -> dict[str, JSON]:
        """Return the members of `document` that say what the node is, without notes and copies."""
        members = expect_object(load_json(document, ORIGINAL), ORIGINAL)
        return {name: value for name, value in members.items() if name not in (ORIGINAL, SEAL)}

    def renewed(self, original: Mapping[str, JSON], meta: ArrayMeta | GroupMeta) -> bytes:
        """Return the document with the members `original`, but the present state of the node.

        Parameters
        ----------
        meta : ArrayMeta or GroupMeta
            What `original` says, with the present shape, attributes and names of dimensions.
        """
        shape = {"shape": list(meta.shape)} if isinstance(meta, ArrayMeta) else {}
        return dump_json({**original, **shape})

    def original_of(self, document: Buffer) -> dict[str, JSON] | None:
        """Return what `with_original` has put into `document`, None if there is nothing."""
        note = expect_object(load_json(document, ORIGINAL), ORIGINAL).get(ORIGINAL)
        original = note.get("document") if isinstance(note, dict) else None
        return original if isinstance(original, dict) else None


def noted(document: Buffer, original: Buffer) -> dict[str, JSON]:
    """Return the members of `document` and the one that holds `original`."""
    members = expect_object(load_json(document, ORIGINAL), ORIGINAL)
    note = {"must_understand": False, "document": load_json(original, ORIGINAL)}
    return {**members, ORIGINAL: note}


_scalar = json.JSONEncoder().encode


def dump_json(value: JSON) -> bytes:
    """Return `value` as JSON the way all documents of the 2.x library are written.

    That is ``json.dumps(value, indent=4, sort_keys=True)``, several times as fast: every
    append writes a document.
    """
    return _dump(value, "\n", DEEPEST).encode("ascii")


def _dump(value: JSON, newline: str, levels: int) -> str:
    kind = type(value)
    if kind is int:
        return str(value)
    if kind is str:
        return _string(value)
    if not levels and isinstance(value, (Mapping, list, tuple)):
        raise too_deep()
    inner = newline + "    " if levels > UNINDENTED else newline
    if kind is list and value:
        items = [_dump(item, inner, levels - 1) for item in value]
        return f"[{inner}{f',{inner}'.join(items)}{newline}]"
    if kind is dict and value:
        lines = [
            f"{_string(name)}: {_dump(value[name], inner, levels - 1)}" for name in sorted(value)
        ]
        return f"{{{inner}{f',{inner}'.join(lines)}{newline}}}"
    if kind is not dict and isinstance(value, Mapping):
        return _dump(dict(value), newline, levels)
    return _dump(list(value), newline, levels) if isinstance(value, tuple) else _scalar(value)


# Documents say the same few words again and again.
_string = lru_cache(1024)(_scalar)


def check_attributes(attributes: Mapping[str, Any]) -> dict[str, JSON]:
    """Return a copy of `attributes` in plain JSON types, as a reader will find them.

    NumPy scalars and other real numbers become numbers, tuples become lists. Names that are
    not strings become strings: at the top with a `ZarrDeprecationWarning`, within values as
    `json` has it.

    Raises
    ------
    TypeError
        If a name or a value is not JSON; the message says where.
    ValueError
        If two names in a value become the same string.
    MetadataError
        If a value has more levels of lists and mappings than documents have room for.
    """
    named = {_top_name(name): value for name, value in attributes.items()}
    return {name: _plain_json(value, (name,)) for name, value in named.items()}


_DEEPEST_ATTRIBUTE = DEEPEST // 2
"""Most levels in an attribute: there is room for them in documents with copies of others."""


def _top_name(name: Any) -> str:
    if isinstance(name, str):
        return name
    warn_user(
        f"attribute {name!r}: only attribute keys of type 'string' will be allowed in the future; "
        "it is stored as a string",
        ZarrDeprecationWarning,
    )
    return str(name)


def _inner_name(name: Any, where: tuple[Any, ...]) -> str:
    if isinstance(name, str):
        return name
    if isinstance(name, (np.integer, np.floating, np.bool_)):
        name = name.item()
    if name is None or isinstance(name, (bool, int, float)):
        return _scalar(name)
    raise TypeError(
        f"{_named(where)}: names must be strings or numbers to be stored as JSON, not "
        f"{type(name).__name__} ({name!r})"
    )


def _named(where: tuple[Any, ...]) -> str:
    return f"attribute {where[0]!r}{''.join([f'[{at!r}]' for at in where[1:]])}"


def _plain_json(value: Any, where: tuple[Any, ...]) -> JSON:
    if isinstance(value, (np.bool_, np.integer, np.floating, np.str_)):
        if not isinstance(value, (np.timedelta64, np.longdouble)):
            return value.item()
    elif value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Real) and not isinstance(value, np.timedelta64):
        return float(value)
    if len(where) > _DEEPEST_ATTRIBUTE and isinstance(value, (Mapping, list, tuple)):
        raise MetadataError(
            f"{_named(where[:1])}: lists and mappings nested more than {_DEEPEST_ATTRIBUTE} levels "
            "deep cannot be stored"
        )
    if isinstance(value, Mapping):
        return _plain_mapping(value, where)
    if isinstance(value, (list, tuple)):
        return [_plain_json(item, (*where, at)) for at, item in enumerate(value)]
    hint = "; use .tolist()" if isinstance(value, np.ndarray) else ""
    raise TypeError(f"{_named(where)}: {type(value).__name__} cannot be stored as JSON{hint}")


def _plain_mapping(value: Mapping[Any, Any], where: tuple[Any, ...]) -> JSON:
    plain = {_inner_name(n, where): _plain_json(v, (*where, n)) for n, v in value.items()}
    if len(plain) < len(value):
        raise ValueError(
            f"{_named(where)}: two names are the same as strings: {list(value)!r:.200}"
        )
    return plain
