"""Zarr storage specification, version 3: ``zarr.json``.

https://zarr-specs.readthedocs.io/en/latest/v3/core and, for what is registered there,
https://github.com/zarr-developers/zarr-extensions.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from marshal import dumps, loads
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from zarr._codecs import v3_codecs
from zarr._formats.base import ORIGINAL, ArrayDocuments, Format, NodeKind, noted
from zarr._formats.documents import (
    DEEPEST,
    NO_REFERENCES,
    UNINDENTED,
    expect_object,
    load_json,
    load_with_copies,
    members_of,
    parsed,
    too_deep,
)
from zarr._formats.seals import (
    SEAL,
    VERSION,
    check_members,
    digest_in_blanks,
    in_blanks,
    members_digest,
    resealed,
    seal_in,
    without_seal,
)
from zarr._metadata.dtypes import is_plain
from zarr._metadata.foreign_dtypes import JSON
from zarr._metadata.records import ArrayMeta, ChunkKeys, GroupMeta, Sharding, Step
from zarr._metadata.v3_data_types import (
    ByteOrder,
    Items,
    decode_data_type,
    decode_fill,
    default_fill,
    encode_data_type,
    encode_fill,
    items_of,
)
from zarr._selection.grid import LONGEST, Edges, Grid, common_divisor, edges_from, longest
from zarr.errors import ArrayNotFoundError, ContainsArrayError, MetadataError

if TYPE_CHECKING:
    from zarr.storage.base import Buffer

__all__ = ["V3"]

_DOCUMENT = "zarr.json"
_REQUIRED = (
    "shape", "data_type", "chunk_grid", "chunk_key_encoding", "fill_value", "codecs",
)  # fmt: skip
_ALL_REQUIRED = frozenset(_REQUIRED)
_layout_members = itemgetter(
    "data_type", "chunk_grid", "chunk_key_encoding", "fill_value", "codecs"
)
_KNOWN = {
    *_REQUIRED, "zarr_format", "node_type", "attributes", "dimension_names", "storage_transformers",
}  # fmt: skip
_CONSOLIDATED = "consolidated_metadata"
_RESERVED = "__"

# NumPy's own limit, which a stranger's document may well exceed.
_MOST_DIMENSIONS = 64

_DEFAULT_INDEX_CODECS = [
    {"name": "bytes", "configuration": {"endian": "little"}},
    {"name": "crc32c"},
]

_TABLE_CODECS: list[JSON] = [
    {"name": "bytes", "configuration": {"endian": "little"}},
    {"name": "crc32c"},
]


class V3(Format):
    """The format of ``zarr.json`` documents."""

    version = 3
    default_separator = "/"
    shown_as = 3
    carries_copies = True
    sealable = True
    table_steps = v3_codecs.parse_codecs(_TABLE_CODECS)
    checksum = table_steps[-1]

    def array_key(self, path: str) -> str:
        return f"{path}/{_DOCUMENT}" if path else _DOCUMENT

    group_key = attrs_key = array_key

    def node_key(self, kind: NodeKind, path: str) -> str:
        return self.array_key(path)

    # -- documents -----------------------------------------------------------------

    def parse_array(self, document: Buffer, key: str) -> ArrayMeta:
        return _arrays.parse(document, key)

    def dump_array(self, meta: ArrayMeta) -> bytes:
        return _dump_json(resealed(_members(meta)))

    def shape_member(self, shape: tuple[int, ...]) -> bytes:
        return f'\n  "shape": [{", ".join(map(str, shape))}],'.encode()

    def parse_group(self, document: Buffer, key: str) -> GroupMeta:
        members = members_of(document, key)
        if members.get("node_type") == "array":
            raise ContainsArrayError(_path_of(key))
        try:
            _check_kind(members, "group")
            _check_understood(members, {"zarr_format", "node_type", "attributes", _CONSOLIDATED})
            attributes = _attributes(members)
        except MetadataError as error:
            raise MetadataError(f"{key!r}: {error}") from error
        known = ("zarr_format", "node_type", "attributes")
        extra = {n: v for n, v in members.items() if n not in known}
        if (digest := digest_in_blanks(document)) is not None:
            extra[SEAL] = {"version": VERSION, "metadata": digest}
        return GroupMeta(attributes, extra)

    def dump_group(self, meta: GroupMeta) -> bytes:
        members: dict[str, JSON] = {"zarr_format": self.version, "node_type": "group"}
        if meta.attributes is not None:
            members["attributes"] = dict(meta.attributes)
        document = _dump_json(members | without_seal(meta.extra))
        return _with_blanks(document) if SEAL in meta.extra else document

    # -- attributes: in the document of the node -------------------------------------

    def parse_attrs(self, document: Buffer, key: str) -> dict[str, JSON]:
        members = expect_object(load_json(document, key), key)
        try:
            return dict(_attributes(members) or {})
        except MetadataError as error:
            raise MetadataError(f"{key!r}: {error}") from error

    def dump_attrs(self, attributes: Mapping[str, JSON], document: Buffer | None) -> bytes:
        if document is None:
            raise MetadataError("there are no metadata to store the attributes in")
        members = expect_object(load_json(document, _DOCUMENT), _DOCUMENT)
        new = _dump_json(resealed({**members, "attributes": dict(attributes)}))
        return _with_blanks(new) if digest_in_blanks(document) is not None else new

    # -- seals: in the document of an array, at the end of that of a group -------------

    def seal_of(self, document: Buffer, key: str) -> dict[str, Any] | None:
        digest = digest_in_blanks(document)
        if digest is not None:
            return {"version": VERSION, "metadata": digest}
        return seal_in(members_of(document, key))

    def check_seal(self, document: Buffer, key: str) -> None:
        members = members_of(document, key)
        check_members({**members, SEAL: self.seal_of(document, key)}, key)

    def sealed(
        self, document: Buffer, key: str, algorithm: str | None, attributes: list[str] | None
    ) -> bytes:
        if algorithm is not None:
            return super().sealed(document, key, algorithm, attributes)
        return _with_blanks(_dump_json(members_of(document, key)))

    def dump_members(self, members: Mapping[str, JSON]) -> bytes:
        return _dump_json(members)

    # -- nodes ---------------------------------------------------------------------

    def is_reserved(self, path: str) -> bool:
        return path.rpartition("/")[2].startswith(_RESERVED)

    def node_keys(self, paths: Iterable[str]) -> list[str]:
        return [self.array_key(path) for path in paths]

    def node_in(self, found: Mapping[str, Buffer], path: str) -> tuple[NodeKind, Buffer] | None:
        key = self.array_key(path)
        if key not in found:
            return None
        if _arrays.has_met(found[key]):
            return "array", found[key]
        document = parsed(found[key], key)
        members = expect_object(document.value, key)
        if isinstance(members.get("zarr_format"), str):
            return None  # the draft of this version had another document under this key
        try:
            kind = _check_kind(members, "array", "group")
        except MetadataError as error:
            raise MetadataError(f"{key!r}: {error}") from error
        if kind == "array":
            _arrays.note(document)
        return kind, document

    def chunk_keys(
        self, separator: Literal[".", "/"] | None, ndim: int, encoding: JSON = None
    ) -> ChunkKeys:
        if encoding is None:
            encoding = {"name": "default"}
        members = {"name": encoding} if isinstance(encoding, str) else _plain_encoding(encoding)
        if separator is not None:
            members = {"name": members["name"], "configuration": {"separator": separator}}
        # Said even where it is the default, as other libraries do.
        return replace(_parse_keys(members, ndim), stated=True)

    # -- consolidated metadata -------------------------------------------------------

    def inline_documents(self, document: Buffer, key: str) -> Mapping[str, Buffer] | None:
        members = expect_object(load_with_copies(document, key, _CONSOLIDATED, "metadata"), key)
        consolidated = members.get(_CONSOLIDATED)
        if consolidated is None or members.get("zarr_format") != self.version:
            return None
        if not isinstance(consolidated, dict) or consolidated.get("kind") != "inline":
            raise MetadataError(f"{key!r}: {_CONSOLIDATED} must be an object of the kind 'inline'")
        metadata = expect_object(consolidated.get("metadata"), key)
        folder = _path_of(key)
        own = {name: value for name, value in members.items() if name != _CONSOLIDATED}
        above = f"{folder}/" if folder else ""
        copies = {f"{above}{path}/{_DOCUMENT}": copy for path, copy in metadata.items()}
        return {key: _sealed_like(document, _dump_json(own)), **copies}

    def copies_in(self, meta: GroupMeta) -> Mapping[str, JSON] | None:
        consolidated = meta.extra.get(_CONSOLIDATED)
        copies = consolidated.get("metadata") if isinstance(consolidated, dict) else None
        return copies if isinstance(copies, dict) else None

    def with_inline_documents(
        self, document: Buffer, key: str, documents: Mapping[str, Buffer]
    ) -> bytes | None:
        members = expect_object(load_json(document, key), key)
        prefix = key[: -len(_DOCUMENT)]
        metadata = {}
        for other in documents:
            if other != key and other.startswith(prefix) and other.endswith(f"/{_DOCUMENT}"):
                member = expect_object(load_json(documents[other], other), other)
                # Copies of copies would grow with each level.
                member.pop(_CONSOLIDATED, None)
                metadata[other[len(prefix) : -len(_DOCUMENT) - 1]] = member
        in_order = {path: metadata[path] for path in sorted(metadata)}
        consolidated = {"kind": "inline", "must_understand": False, "metadata": in_order}
        return _sealed_like(document, _dump_json({**members, _CONSOLIDATED: consolidated}))

    # -- conversion ----------------------------------------------------------------

    def freed(self, meta: ArrayMeta) -> ArrayMeta:
        ours = (ORIGINAL, SEAL, "storage_transformers")
        extra = {name: value for name, value in meta.extra.items() if name not in ours}
        return replace(meta, extra=extra, stated={})

    def adopted(self, meta: ArrayMeta) -> ArrayMeta:
        return replace(meta, extra=_optional(meta.extra), stated={})

    def freed_group(self, meta: GroupMeta) -> GroupMeta:
        ours = (ORIGINAL, SEAL, _CONSOLIDATED)
        return replace(meta, extra={n: v for n, v in meta.extra.items() if n not in ours})

    def adopted_group(self, meta: GroupMeta) -> GroupMeta:
        return replace(meta, extra=_optional(meta.extra))

    def kept_members(self, document: Buffer) -> dict[str, JSON]:
        members = super().kept_members(document)
        return {name: value for name, value in members.items() if name != _CONSOLIDATED}

    def renewed(self, original: Mapping[str, JSON], meta: ArrayMeta | GroupMeta) -> bytes:
        now = json.loads(
            self.dump_array(meta) if isinstance(meta, ArrayMeta) else self.dump_group(meta)
        )
        members = dict(original)
        for name in ("shape", "dimension_names", "attributes"):
            # What is absent may be said in other ways.
            if (members.get(name) or None) != (now.get(name) or None):
                members.pop(name, None)
                members |= {name: now[name]} if name in now else {}
        return _dump_json(members)

    def with_original(self, document: Buffer, original: Buffer) -> bytes | None:
        return _dump_json(noted(document, original))


def _with_blanks(document: bytes) -> bytes:
    """Return the document of a group with its digest at the end."""
    return document + in_blanks(members_digest(members_of(document, _DOCUMENT)))


def _sealed_like(document: Buffer, new: bytes) -> bytes:
    """Return a `new` document of the same group, with the digest that `document` ends with."""
    digest = digest_in_blanks(document)
    return new if digest is None else new + in_blanks(digest)


def _optional(extra: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return those of other members that readers may skip; no others are allowed."""
    return {
        name: value
        for name, value in extra.items()
        if name not in _KNOWN and isinstance(value, dict) and value.get("must_understand") is False
    }


def _path_of(key: str) -> str:
    return key.rpartition("/")[0]


# -- what both kinds of nodes have -------------------------------------------------------


def _check_kind(members: Mapping[str, JSON], *kinds: str) -> Any:
    if members.get("zarr_format") != V3.version:
        raise MetadataError(f"zarr_format must be 3, not {members.get('zarr_format')!r:.50}")
    kind = members.get("node_type")
    if kind not in kinds:
        raise MetadataError(f"node_type must be {' or '.join(map(repr, kinds))}, not {kind!r:.50}")
    return kind


def _check_understood(members: Mapping[str, JSON], known: set[str]) -> None:
    if members.keys() <= known:
        return
    for name, value in members.items():
        optional = isinstance(value, dict) and value.get("must_understand") is False
        if name not in known and not optional:
            raise MetadataError(
                f"member {name!r:.100} is not known and not marked with must_understand false"
            )


def _attributes(members: Mapping[str, JSON]) -> Mapping[str, JSON] | None:
    attributes = members.get("attributes")
    if attributes is not None and not isinstance(attributes, dict):
        raise MetadataError(f"attributes must be an object, not {attributes!r:.100}")
    return attributes


# -- reading arrays ----------------------------------------------------------------------


def _parse_array(members: dict[str, JSON], key: str) -> tuple[ArrayMeta, bool]:
    if members.get("node_type") == "group":
        raise ArrayNotFoundError(_path_of(key))
    _check_kind(members, "array")
    if not members.keys() >= _ALL_REQUIRED:
        missing = [name for name in _REQUIRED if name not in members]
        raise MetadataError(f"required members are missing: {', '.join(missing)}")
    _check_understood(members, _KNOWN)
    if "storage_transformers" in members:
        _check_transformers(members["storage_transformers"])
    shape = _lengths(members["shape"], "shape", smallest=0)
    # Most arrays differ from others in no more than shape, attributes and names.
    usual = _usual_layout(dumps((len(shape), _layout_members(members)), NO_REFERENCES))
    meta = ArrayMeta.of(
        shape=shape,
        attributes=_attributes(members),
        dimension_names=_parse_names(members.get("dimension_names"), len(shape)),
        extra={
            name: value
            for name, value in members.items()
            if name not in _KNOWN or name == "storage_transformers"
        },
        **(usual or _parse_layout(_layout_members(members), shape)),
    )
    return meta, usual is not None


_arrays = ArrayDocuments(_parse_array)


@lru_cache(512)
def _usual_layout(spelled: bytes) -> dict[str, Any] | None:
    """Return what `_parse_layout` does, given what `marshal` makes of the members.

    None if that may change, or be changed: where it depends on the shape, or on data types and
    codecs that are registered, and where the fill value is not a plain number or string.
    """
    ndim, members = loads(spelled)  # noqa: S302 (of what was made here)
    layout = _parse_layout(members, (0,) * ndim)
    builtin = all(v3_codecs.is_builtin(step.name) for step in layout["steps"])
    lasts = builtin and is_plain(layout["dtype"]) and layout["grid"].regular
    return layout if lasts else None


def _parse_layout(members: Sequence[JSON], shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the members of `ArrayMeta` that say how the array is stored."""
    data_type, chunk_grid, chunk_key_encoding, fill_value, codecs = members
    dtype = decode_data_type(data_type)
    outer = _parse_grid(chunk_grid, shape)
    if math.prod(map(longest, outer)) * max(dtype.itemsize, 1) > LONGEST:
        raise MetadataError(f"chunks {list(outer)} of {dtype} are too large to address")
    steps = v3_codecs.parse_codecs(codecs, implied=True)
    grid, sharding, order, steps = _layout(outer, steps)
    _check_items(items_of(data_type), steps, data_type)
    keys = _parse_keys(chunk_key_encoding, len(shape))
    fill = None  # undefined: zarr-js and zarrita.js write null
    if fill_value is not None:
        fill = decode_fill(fill_value, data_type, _byte_order(steps))
    return {
        "dtype": dtype,
        "grid": grid,
        "fill_value": fill,
        "order": order,
        "keys": keys,
        "steps": steps,
        "sharding": sharding,
        "stated": {
            "data_type": (data_type, (dtype,)),
            "chunk_grid": (chunk_grid, (grid,)),
            "chunk_key_encoding": (chunk_key_encoding, (keys,)),
            "fill_value": (fill_value, (fill, dtype)),
            "codecs": (codecs, (steps, sharding, grid, order, dtype)),
        },
    }


def _check_transformers(transformers: JSON) -> None:
    if transformers is not None and not isinstance(transformers, list):
        raise MetadataError(f"storage_transformers must be a list, not {transformers!r:.200}")
    for transformer in transformers or ():
        if not isinstance(transformer, dict) or transformer.get("must_understand") is not False:
            raise MetadataError(f"storage transformer {transformer!r:.200} is not known")


def _lengths(value: JSON, name: str, smallest: int) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > _MOST_DIMENSIONS:
        raise MetadataError(f"{name} must be a list of at most 64 integers, not {value!r:.200}")
    for length in value:
        if type(length) is not int or not smallest <= length <= LONGEST:
            raise MetadataError(
                f"{name} must hold integers from {smallest} to 2**63-1, not {length!r:.50}"
            )
    return tuple(value)


def _extension(value: JSON, what: str) -> tuple[str, Mapping[str, JSON]]:
    """Return name and configuration of an extension point."""
    if isinstance(value, str):
        return value, {}
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise MetadataError(f"{what} must be an object with a name, not {value!r:.200}")
    configuration = value.get("configuration", {})
    if not isinstance(configuration, dict):
        raise MetadataError(f"the configuration of {what} {value['name']!r:.100} is not an object")
    return value["name"], configuration


def _parse_grid(value: JSON, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Return the lengths of chunks along each dimension."""
    name, configuration = _extension(value, "chunk_grid")
    if name not in ("regular", "rectilinear"):
        raise MetadataError(f"chunk_grid {name!r:.100} is not known")
    regular = name == "regular"
    member = "chunk_shape" if regular else "chunk_shapes"
    given = configuration.get(member)
    if regular:
        chunks: tuple[Any, ...] = _lengths(given, member, smallest=1)
    else:
        if (kind := configuration.get("kind")) != "inline":
            raise MetadataError(
                f"the kind of a rectilinear grid must be 'inline', not {kind!r:.50}"
            )
        if not isinstance(given, list) or len(given) > _MOST_DIMENSIONS:
            raise MetadataError(f"{member} must be a list with an entry per dimension")
        chunks = tuple(_parse_edges(lengths, dim) for dim, lengths in enumerate(given))
    if len(chunks) != len(shape):
        raise MetadataError(
            f"{member} {list(chunks)} must have {len(shape)} dimensions, as the shape"
        )
    for dim, (lengths, length) in enumerate(zip(chunks, shape, strict=True)):
        if isinstance(lengths, Edges) and lengths.total < length:
            raise MetadataError(
                f"{member} of dimension {dim} add up to {lengths.total}, less than the {length} "
                f"of the shape"
            )
    return chunks


def _parse_edges(lengths: JSON, dim: int) -> int | Edges:
    if type(lengths) is int and 1 <= lengths <= LONGEST:
        return lengths
    if not isinstance(lengths, list):
        raise MetadataError(
            f"chunk_shapes of dimension {dim} must be a positive integer or a list, "
            f"not {lengths!r:.100}"
        )
    try:
        return edges_from(lengths)
    except ValueError as error:
        raise MetadataError(f"chunk_shapes of dimension {dim}: {error}") from error


def _parse_keys(value: JSON, ndim: int) -> ChunkKeys:
    name, configuration = _extension(value, "chunk_key_encoding")
    if name not in ("default", "v2"):
        raise MetadataError(f"chunk_key_encoding {name!r:.100} is not known")
    stated = "separator" in configuration
    separator = configuration.get("separator", "/" if name == "default" else ".")
    if separator not in (".", "/"):
        raise MetadataError(f"separator must be '.' or '/', not {separator!r:.50}")
    if name == "v2":
        return ChunkKeys(separator, stated=stated)
    prefix = f"c{separator}" if ndim else ""
    return ChunkKeys(separator, prefix, scalar="c", stated=stated)


def _plain_encoding(encoding: Any) -> dict[str, JSON]:
    """Return a chunk key encoding as a document has it, from how users of 3.x write it."""
    if isinstance(encoding, (tuple, list)) and len(encoding) == 2:
        encoding = dict(zip(("name", "separator"), encoding, strict=True))
    elif not isinstance(encoding, Mapping):
        encoding = {"name": encoding.name, "separator": encoding.separator}
    members = dict(encoding)
    if "separator" in members:
        members["configuration"] = {"separator": members.pop("separator")}
    return members


def _parse_names(names: JSON, ndim: int) -> tuple[str | None, ...] | None:
    if names is None:
        return None
    if (
        not isinstance(names, (list, tuple))
        or len(names) != ndim
        or any(name is not None and not isinstance(name, str) for name in names)
    ):
        raise MetadataError(f"dimension_names must be {ndim} strings or nulls, not {names!r:.200}")
    return tuple(names)


def _layout(
    outer: tuple[Any, ...], steps: tuple[Step, ...]
) -> tuple[Grid, Sharding | None, Literal["C", "F"], tuple[Step, ...]]:
    """Return how chunks lie in stored values, and the codecs of a chunk.

    Shards that other codecs encode again can only be handled whole: each is then one
    chunk, and sharding one of its codecs.
    """
    grid, sharding = Grid(outer), None
    if len(steps) == 1 and steps[0].name == v3_codecs.SHARDING:
        sharding, steps = v3_codecs.parse_sharding(steps[0], tuple(map(common_divisor, outer)))
        grid = Grid(sharding.chunks, outer)
    if len(outer) > 1 and v3_codecs.is_reversal(steps[0], len(outer)):
        return grid, sharding, "F", steps[1:]
    return grid, sharding, "C", steps


def _check_items(items: Items | None, steps: tuple[Step, ...], data_type: JSON) -> None:
    serializer = v3_codecs.serializer_of(steps)
    if items != _items(serializer):
        name = "" if serializer is None else serializer.name
        raise MetadataError(f"codec {name!r} cannot encode the data_type {data_type!r:.100}")


def _byte_order(steps: Iterable[Step]) -> ByteOrder:
    """Return the byte order in which items are stored."""
    step = v3_codecs.serializer_of(steps)
    is_big = step is not None and v3_codecs.configuration(step).get("endian") == "big"
    return "big" if is_big else "little"


# -- writing arrays ----------------------------------------------------------------------


def _members(meta: ArrayMeta) -> dict[str, JSON]:
    items = _items(v3_codecs.serializer_of(meta.steps))
    data_type = _stated(meta, "data_type") or encode_data_type(meta.dtype, items)
    codecs = _stated(meta, "codecs") or _codecs(meta)
    members: dict[str, JSON] = {
        "zarr_format": V3.version,
        "node_type": "array",
        "shape": list(meta.shape),
        "data_type": data_type,
        "chunk_grid": _stated(meta, "chunk_grid") or _grid(meta.grid),
        "chunk_key_encoding": _stated(meta, "chunk_key_encoding") or _encoding(meta.keys),
        "fill_value": _fill_value(meta, data_type, codecs, items),
        "codecs": codecs,
    }
    if meta.dimension_names is not None:
        members["dimension_names"] = list(_parse_names(meta.dimension_names, len(meta.shape)) or ())
    if meta.attributes is not None:
        members["attributes"] = dict(meta.attributes)
    return members | dict(meta.extra)


def _stated(meta: ArrayMeta, member: str) -> JSON:
    """Return how the document has spelled `member`, if it still means the same, else None."""
    if member not in meta.stated:
        return None
    spelling, values = meta.stated[member]
    now = {
        "data_type": (meta.dtype,),
        "chunk_grid": (meta.grid,),
        "chunk_key_encoding": (meta.keys,),
        "fill_value": (meta.fill_value, meta.dtype),
        "codecs": (meta.steps, meta.sharding, meta.grid, meta.order, meta.dtype),
    }[member]
    same = all(one is other for one, other in zip(values, now, strict=True))
    return spelling if same else None


def _items(serializer: Step | None) -> Items | None:
    """Return what the objects are that `serializer` makes bytes of."""
    name = "" if serializer is None else serializer.name
    return "string" if name == "vlen-utf8" else "bytes" if name == "vlen-bytes" else None


def _grid(grid: Grid) -> JSON:
    if grid.regular:
        return {"name": "regular", "configuration": {"chunk_shape": list(grid.stored)}}
    shapes = [n if isinstance(n, int) else _edges(n) for n in grid.stored]
    return {"name": "rectilinear", "configuration": {"kind": "inline", "chunk_shapes": shapes}}


def _edges(edges: Edges) -> list[JSON]:
    """Return lengths as a document has them: three and more of a kind as a pair."""
    lengths: list[JSON] = []
    for length, count in edges.runs:
        lengths += [[length, count]] if count > 2 else [length] * count
    return lengths


def _encoding(keys: ChunkKeys) -> JSON:
    name = "default" if f"{keys.prefix}{keys.scalar}".startswith("c") else "v2"
    if name == "v2" and not keys.stated and keys.separator == ".":
        return {"name": name}
    return {"name": name, "configuration": {"separator": keys.separator}}


def _codecs(meta: ArrayMeta) -> list[JSON]:
    ndim = len(meta.shape)
    reverse = meta.order == "F" and ndim > 1
    codecs: list[JSON] = v3_codecs.named_document(meta.steps, meta.dtype, ndim, reverse)
    if meta.grid.shards is None:
        return codecs
    sharding = meta.sharding
    index_codecs: list[JSON] = _DEFAULT_INDEX_CODECS
    if sharding is not None:
        index_codecs = v3_codecs.named_document(
            sharding.index_steps, np.dtype("<u8"), ndim + 1, reverse=False
        )
    configuration = {
        "chunk_shape": list(meta.grid.chunks),
        "codecs": codecs,
        "index_codecs": index_codecs,
        "index_location": "end" if sharding is None else sharding.index_location,
    }
    return [{"name": v3_codecs.SHARDING, "configuration": configuration}]


def _fill_value(meta: ArrayMeta, data_type: JSON, codecs: JSON, items: Items | None) -> JSON:
    stated = _stated(meta, "fill_value")
    if stated is not None:
        return stated
    value = meta.fill_value
    if value is None or (items is not None and not isinstance(value, (str, bytes))):
        # Something must be stated. Zero, the default of creation, means empty here.
        value = default_fill(meta.dtype, items)
    return encode_fill(value, data_type, _byte_order(v3_codecs.parse_codecs(codecs, implied=True)))


# -- JSON ----------------------------------------------------------------------------------

_scalar = json.JSONEncoder().encode


def _dump_json(value: JSON) -> bytes:
    """Return `value` as JSON with two spaces per level, and lists of scalars in one line."""
    return _dump(value, "\n", DEEPEST).encode("ascii")


def _dump(value: JSON, newline: str, levels: int) -> str:
    if not levels and isinstance(value, (Mapping, list, tuple)):
        raise too_deep()
    inner = newline + "  " if levels > UNINDENTED else newline
    if isinstance(value, Mapping) and value:
        lines = [
            f"{_scalar(name)}: {_dump(item, inner, levels - 1)}" for name, item in value.items()
        ]
        return f"{{{inner}{f',{inner}'.join(lines)}{newline}}}"
    if isinstance(value, (list, tuple)):
        if any(isinstance(item, (Mapping, list, tuple)) for item in value):
            items = [_dump(item, inner, levels - 1) for item in value]
            return f"[{inner}{f',{inner}'.join(items)}{newline}]"
        return f"[{', '.join(map(_scalar, value))}]"
    return _scalar(value)
