"""The draft of version 3 that the releases 2.12 to 2.18 could write; not the final version 3.

One document at the root says that it is that format. Documents of nodes are below
``meta/root``, chunks below ``data/root``; a folder with nodes below it is a group with or
without a document. Such hierarchies are read where they are, and migrated by copying.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from zarr._formats.base import Format, NodeKind, dump_json, join
from zarr._formats.documents import expect_object, load_json
from zarr._formats.v2 import V2
from zarr._metadata.foreign_dtypes import JSON
from zarr._metadata.records import ArrayMeta, ChunkKeys, GroupMeta, Sharding, Step
from zarr._selection.grid import LONGEST, Grid
from zarr.errors import MetadataError, ReadOnlyError

if TYPE_CHECKING:
    from zarr.storage.base import BaseStore, Buffer

__all__ = ["V3Draft"]

_ENTRY = "zarr.json"
_CORE = "https://purl.org/zarr/spec/protocol/core/"
_CODECS = "https://purl.org/zarr/spec/codec/"
_SHARDING = "https://purl.org/zarr/spec/storage_transformers/sharding/"
_ARRAY, _GROUP = ".array.json", ".group.json"
_META, _DATA = "meta/root", "data/root"
_REQUIRED = ("shape", "data_type", "chunk_grid", "chunk_memory_layout", "fill_value")
_NO_DOCUMENT = b'{"attributes": {}}'


class V3Draft(Format):
    """The format of ``meta/root`` documents."""

    version = "3-draft"
    default_separator = "/"
    shown_as = 3
    implicit_groups = True

    def array_key(self, path: str) -> str:
        return join(_META, path) + _ARRAY if path else _META + _ARRAY

    def group_key(self, path: str) -> str:
        return join(_META, path) + _GROUP if path else _META + _GROUP

    def path_of(self, key: str) -> str | None:
        if not self.is_document(key):
            return None
        return key.removesuffix(_ARRAY).removesuffix(_GROUP)[len(_META) + 1 :]

    def folder_of_keys(self, path: str) -> str:
        return ""  # documents and chunks are in two folders of the root

    def attrs_key(self, path: str) -> str:
        return self.array_key(path)

    def node_attrs_key(self, path: str, document_key: str) -> str:
        return document_key

    def chunk_prefix(self, path: str, meta: ArrayMeta) -> str:
        return join(join(_DATA, path) if path else _DATA, meta.keys.prefix)

    # -- documents -------------------------------------------------------------------

    def parse_array(self, document: Buffer, key: str) -> ArrayMeta:
        members = expect_object(load_json(document, key), key)
        missing = [name for name in _REQUIRED if name not in members]
        if missing:
            raise MetadataError(f"{key!r}: required members are missing: {', '.join(missing)}")
        try:
            return _parse_members(members, key)
        except (TypeError, KeyError, AttributeError) as error:
            raise MetadataError(f"{key!r} cannot be understood: {error!s:.500}") from error

    def dump_array(self, meta: ArrayMeta) -> bytes:
        raise _read_only()

    def parse_group(self, document: Buffer, key: str) -> GroupMeta:
        members = expect_object(load_json(document, key), key)
        return GroupMeta(extra={n: v for n, v in members.items() if n != "attributes"})

    def dump_group(self, meta: GroupMeta) -> bytes:
        raise _read_only()

    def parse_attrs(self, document: Buffer, key: str) -> dict[str, JSON]:
        members = expect_object(load_json(document, key), key)
        attributes = expect_object(members.get("attributes", {}), f"{key}, member attributes")
        if key.endswith(_ARRAY) and _is_filters(attributes.get("filters")):
            # The draft had no place for filters; its writers put them here.
            return {n: v for n, v in attributes.items() if n != "filters"}
        return attributes

    def dump_attrs(self, attributes: Mapping[str, JSON], document: Buffer | None) -> bytes:
        raise _read_only()

    # -- nodes -----------------------------------------------------------------------

    def node_keys(self, paths: Iterable[str]) -> list[str]:
        return [_ENTRY]  # of most stores there is nothing more to know

    def node_among(
        self, store: BaseStore, found: Mapping[str, Buffer], path: str
    ) -> tuple[NodeKind, Buffer] | None:
        return self.look_up(store, path) if _is_entry(found.get(_ENTRY)) else None

    def look_up(self, store: BaseStore, path: str) -> tuple[NodeKind, Buffer] | None:
        array_key, group_key = self.array_key(path), self.group_key(path)
        found = store.getitems([array_key, group_key])
        if array_key in found:
            return "array", found[array_key]
        if group_key in found:
            return "group", found[group_key]
        return ("group", _NO_DOCUMENT) if self._is_implicit_group(store, path) else None

    def _is_implicit_group(self, store: BaseStore, path: str) -> bool:
        folder = join(_META, path) if path else _META
        if path:
            parent, _, name = folder.rpartition("/")
            if name not in store.listdir(parent):
                return False
        return bool(store.listdir(folder)) or not path

    def children(self, store: BaseStore, path: str) -> dict[str, tuple[NodeKind, Buffer]]:
        folder = join(_META, path) if path else _META
        names = store.listdir(folder)
        keys = [join(folder, name) for name in names if name.endswith((_ARRAY, _GROUP))]
        nodes: dict[str, tuple[NodeKind, Buffer]] = {}
        for key, document in store.getitems(keys).items():
            name = key.rpartition("/")[2]
            if name.endswith(_ARRAY):
                nodes[name.removesuffix(_ARRAY)] = "array", document
            else:
                nodes.setdefault(name.removesuffix(_GROUP), ("group", document))
        for name in names:
            if not name.startswith(".") and join(folder, name) not in keys:
                nodes.setdefault(name, ("group", _NO_DOCUMENT))
        return dict(sorted(nodes.items()))

    def remove(self, store: BaseStore, path: str) -> None:
        raise _read_only()

    def move(self, store: BaseStore, source: str, dest: str) -> None:
        raise _read_only()

    def is_document(self, key: str) -> bool:
        return key.startswith(_META) and key.endswith((_ARRAY, _GROUP))

    def documents(self, store: BaseStore, path: str = "") -> Iterator[Mapping[str, Buffer]]:
        below = join(_META, path)
        keys = [key for key in store.list_prefix("meta") if self.is_document(key)]
        keys = [key for key in keys if key.startswith((f"{below}/", f"{below}."))]
        yield store.getitems([_ENTRY, *keys])


def _read_only() -> ReadOnlyError:
    return ReadOnlyError(
        "hierarchies in the draft of format 3 can be read, but only their chunks can be changed; "
        "zarr.copy_all copies one into a group in another format"
    )


def _is_entry(document: Buffer | None) -> bool:
    """Tell whether `document`, found at ``zarr.json``, is that of the draft."""
    if document is None:
        return False
    try:
        members = load_json(document, _ENTRY)
    except MetadataError:
        return False
    version = members.get("zarr_format") if isinstance(members, dict) else None
    return isinstance(version, str) and version.startswith(_CORE)


def _is_filters(value: JSON) -> bool:
    return isinstance(value, list) and all(isinstance(v, dict) and "id" in v for v in value)


def _parse_members(members: Mapping[str, Any], key: str) -> ArrayMeta:
    grid = members["chunk_grid"]
    if grid["type"] != "regular":
        raise MetadataError(f"{key!r}: chunk_grid type {grid['type']!r:.50} is not known")
    filters = members.get("attributes", {}).get("filters")
    separator = grid.get("separator", "/")
    if separator not in (".", "/"):
        raise MetadataError(f"{key!r}: separator must be '.' or '/', not {separator!r:.50}")
    # All that version 2 can say, it says in the same way.
    document = {
        "zarr_format": V2.version,
        "shape": members["shape"],
        "chunks": grid["chunk_shape"],
        "dtype": _dtype_name(members["data_type"]),
        "fill_value": members["fill_value"],
        "order": members["chunk_memory_layout"],
        "compressor": _compressor(members.get("compressor"), key),
        "filters": filters if _is_filters(filters) else None,
        "dimension_separator": separator,
    }
    meta = V2().parse_array(dump_json(document), key)
    chunks, sharding = meta.chunks, _sharding(members, meta.chunks, key)
    return ArrayMeta(
        shape=meta.shape,
        dtype=meta.dtype,
        grid=meta.grid if sharding is None else Grid(chunks, sharding.shape),
        fill_value=meta.fill_value,
        order=meta.order,
        keys=ChunkKeys(separator, prefix="c", scalar="0", stated=True),
        steps=meta.steps,
        sharding=sharding,
    )


def _dtype_name(data_type: JSON) -> JSON:
    name = data_type["type"] if isinstance(data_type, dict) else data_type
    if isinstance(name, str):
        return {"bool": "|b1", "i1": "|i1", "u1": "|u1"}.get(name, name)
    if isinstance(name, list) and len(name) == 1 and name[0][0] == "":
        return name[0][1]  # bytes without a meaning look like a structure without names
    return name


def _compressor(member: JSON, key: str) -> JSON:
    if member is None:
        return None
    url = member["codec"]
    if not isinstance(url, str) or not url.startswith(_CODECS):
        raise MetadataError(f"{key!r}: compressor {url!r:.100} is not known")
    return {"id": url.removeprefix(_CODECS).partition("/")[0], **member["configuration"]}


def _sharding(members: Mapping[str, Any], chunks: tuple[int, ...], key: str) -> Sharding | None:
    transformers = members.get("storage_transformers") or []
    if not transformers:
        return None
    first = transformers[0]
    counts = first["configuration"]["chunks_per_shard"]
    known = str(first["extension"]).startswith(_SHARDING) and first["type"] == "indexed"
    if len(transformers) > 1 or not known:
        raise MetadataError(f"{key!r}: storage_transformers {transformers!r:.300} are not known")
    if (
        not isinstance(counts, list)
        or len(counts) != len(chunks)
        or any(type(count) is not int or count < 1 for count in counts)
    ):
        raise MetadataError(
            f"{key!r}: chunks_per_shard must be {len(chunks)} positive integers, one for each "
            f"dimension, not {counts!r:.200}"
        )
    little = Step("serializer", "bytes", {"name": "bytes", "configuration": {"endian": "little"}})
    shape = tuple(n * count for n, count in zip(chunks, counts, strict=True))
    if math.prod(counts) > LONGEST // 16 or max(shape, default=0) > LONGEST:
        raise MetadataError(f"{key!r}: shards of {counts!r:.200} chunks are too large to address")
    return Sharding(shape, chunks, index_steps=(little,), index_location="end")
