"""Zarr storage specification, version 2: ``.zarray``, ``.zgroup`` and ``.zattrs``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from marshal import dumps, loads
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from zarr._codecs import v3_codecs
from zarr._codecs.codec_names import object_codec_of
from zarr._formats.base import ORIGINAL, ArrayDocuments, Format, NodeKind, dump_json, noted
from zarr._formats.documents import NO_REFERENCES, members_of
from zarr._formats.seals import SEAL, resealed
from zarr._metadata import foreign_dtypes, v2_data_types
from zarr._metadata.dtypes import is_plain
from zarr._metadata.foreign_dtypes import JSON
from zarr._metadata.records import ArrayMeta, ChunkKeys, GroupMeta, Step
from zarr._selection.grid import Grid
from zarr.errors import MetadataError, StorePermissionError

if TYPE_CHECKING:
    from zarr.storage.base import BaseStore, Buffer

__all__ = ["V2"]

_REQUIRED = ("shape", "chunks", "dtype", "compressor", "fill_value", "order", "filters")
_ALL_REQUIRED = frozenset(_REQUIRED)
_layout_members = itemgetter("chunks", "dtype", "compressor", "fill_value", "order", "filters")
_KNOWN = {*_REQUIRED, "zarr_format", "dimension_separator"}
_KEYS: dict[JSON, ChunkKeys] = {
    None: ChunkKeys(),
    **{sign: ChunkKeys(sign, stated=True) for sign in (".", "/")},
}

_FLAT_CHUNK = re.compile(r"[0-9]+(?:\.[0-9]+)+").fullmatch

_DIMENSIONS = "_ARRAY_DIMENSIONS"
"""The attribute in which xarray keeps the names of dimensions."""

# NumPy's own limits, which a stranger's document may well exceed.
_MOST_DIMENSIONS = 64
_LONGEST = 2**63 - 1


class V2(Format):
    """The format of ``.zarray`` documents."""

    version = 2
    sealable = True
    checksum = Step("compressor", "crc32", {"id": "crc32"})

    def array_key(self, path: str) -> str:
        return f"{path}/.zarray" if path else ".zarray"

    def group_key(self, path: str) -> str:
        return f"{path}/.zgroup" if path else ".zgroup"

    def parse_array(self, document: Buffer, key: str) -> ArrayMeta:
        return _arrays.parse(document, key)

    def in_store(
        self, meta: ArrayMeta, store: BaseStore, path: str, separator: Literal[".", "/"] | None
    ) -> ArrayMeta:
        # Before 2.8 the library stored chunks in nested folders and said so nowhere.
        if meta.keys.stated or separator in (None, meta.keys.separator) or len(meta.shape) < 2:
            return meta
        names = store.listdir(path)
        if not any(map(str.isdecimal, names)) and any(map(_FLAT_CHUNK, names)):
            return meta
        return replace(meta, keys=ChunkKeys(separator or meta.keys.separator))

    def dump_array(self, meta: ArrayMeta) -> bytes:
        return dump_json(resealed(_members(meta)))

    def shape_member(self, shape: tuple[int, ...]) -> bytes:
        lengths = ",\n        ".join(map(str, shape))
        return f'\n    "shape": [\n        {lengths}\n    ]'.encode()

    def parse_group(self, document: Buffer, key: str) -> GroupMeta:
        members = members_of(document, key)
        if members.get("zarr_format") != self.version:
            raise MetadataError(
                f"{key!r}: zarr_format must be 2, not {members.get('zarr_format')!r:.50}"
            )
        return GroupMeta(extra={k: v for k, v in members.items() if k != "zarr_format"})

    def kinds(self, store: BaseStore, path: str) -> dict[str, NodeKind]:
        # That a document is there says it all. Most members are arrays: who asks for groups
        # among the rest only asks for less, and often for nothing.
        names = self.member_names(store, path)
        try:
            return self._kinds_present(store, path, names)
        except StorePermissionError:
            return super().kinds(store, path)

    def _kinds_present(
        self, store: BaseStore, path: str, names: Sequence[str]
    ) -> dict[str, NodeKind]:
        above = f"{path}/" if path else ""
        arrays = {self.array_key(above + name): name for name in names}
        kinds: dict[str, NodeKind] = {arrays[key]: "array" for key in store.present([*arrays])}
        groups = {self.group_key(above + name): name for name in names if name not in kinds}
        kinds.update((groups[key], "group") for key in store.present([*groups]))
        return {name: kinds[name] for name in names if name in kinds}

    def node_documents(self, store: BaseStore, paths: Sequence[str]) -> Mapping[str, Buffer]:
        arrays = {self.array_key(path): path for path in paths}
        found = store.getitems([*arrays])
        groups = [self.group_key(path) for key, path in arrays.items() if key not in found]
        return {**found, **store.getitems(groups)} if groups else found

    def dump_group(self, meta: GroupMeta) -> bytes:
        return dump_json(resealed({**meta.extra, "zarr_format": self.version}))

    # -- conversion ----------------------------------------------------------------

    def freed(self, meta: ArrayMeta) -> ArrayMeta:
        meta = replace(meta, extra=_lasting(meta.extra))
        attributes = dict(meta.attributes or {})
        names = attributes.pop(_DIMENSIONS, None)
        if not isinstance(names, list) or len(names) != len(meta.shape):
            return meta
        if any(name is not None and not isinstance(name, str) for name in names):
            return meta
        return replace(meta, attributes=attributes, dimension_names=tuple(names))

    def adopted(self, meta: ArrayMeta) -> ArrayMeta:
        if meta.keys.prefix or meta.keys.scalar != ChunkKeys().scalar:
            meta = replace(meta, keys=ChunkKeys(meta.keys.separator, stated=True))
        if meta.dimension_names is None:
            return meta
        attributes, names = dict(meta.attributes or {}), list(meta.dimension_names)
        if attributes.setdefault(_DIMENSIONS, names) != names:
            raise ValueError(
                f"dimension_names {names!r} and attribute {_DIMENSIONS} "
                f"{attributes[_DIMENSIONS]!r:.200} differ; version 2 of the format stores only one"
            )
        return replace(meta, attributes=attributes, dimension_names=None)

    def freed_group(self, meta: GroupMeta) -> GroupMeta:
        return replace(meta, extra=_lasting(meta.extra))

    def with_original(self, document: Buffer, original: Buffer) -> bytes | None:
        # Readers are to ignore members that the specification does not have.
        return dump_json(noted(document, original))


def _lasting(extra: Mapping[str, JSON]) -> dict[str, JSON]:
    return {name: value for name, value in extra.items() if name not in (ORIGINAL, SEAL)}


def _parse_members(members: dict[str, JSON], key: str) -> tuple[ArrayMeta, bool]:
    if members.get("zarr_format") != V2.version:
        raise MetadataError(f"zarr_format must be 2, not {members.get('zarr_format')!r:.50}")
    if not members.keys() >= _ALL_REQUIRED:
        missing = [name for name in _REQUIRED if name not in members]
        raise MetadataError(f"required members are missing: {', '.join(missing)}")
    shape = _lengths(members["shape"], "shape", smallest=0)
    # Most arrays differ from others in no more than shape and names.
    spelled = (*_layout_members(members), members.get("dimension_separator"))
    usual = _usual_layout(dumps(spelled, NO_REFERENCES))
    layout = usual or _parse_layout(*spelled)
    chunks = layout["grid"].chunks
    if len(shape) != len(chunks):
        raise MetadataError(f"shape {list(shape)} and chunks {list(chunks)} differ in dimensions")
    return ArrayMeta.of(shape=shape, extra=_unknown(members), **layout), usual is not None


_arrays = ArrayDocuments(_parse_members)


@lru_cache(512)
def _usual_layout(spelled: bytes) -> dict[str, Any] | None:
    """Return what `_parse_layout` does, given what `marshal` makes of its arguments.

    None if that may change: where it depends on data types that are registered, and where
    the fill value is not a plain number or string.
    """
    layout = _parse_layout(*loads(spelled))  # noqa: S302 (of what was made here)
    return layout if is_plain(layout["dtype"]) else None


def _parse_layout(
    given_chunks: JSON,
    given_dtype: JSON,
    compressor: JSON,
    fill_value: JSON,
    order: JSON,
    filters: JSON,
    separator: JSON,
) -> dict[str, Any]:
    """Return the members of `ArrayMeta` that say how the array is stored."""
    dtype = v2_data_types.decode_data_type(given_dtype)
    chunks = _lengths(given_chunks, "chunks", smallest=1)
    if math.prod(chunks) * max(dtype.itemsize, 1) > _LONGEST:
        raise MetadataError(f"chunks {list(chunks)} of {dtype} are too large to address")
    if order not in ("C", "F"):
        raise MetadataError(f"order must be 'C' or 'F', not {order!r:.50}")
    steps = _parse_steps(filters, compressor)
    return {
        "dtype": dtype,
        "grid": Grid(chunks),
        "fill_value": v2_data_types.decode_fill(fill_value, dtype, object_codec_of(steps)),
        "order": order,
        "keys": _parse_keys(separator),
        "steps": steps,
        "stated": {},
    }


def _unknown(members: dict[str, JSON]) -> dict[str, JSON]:
    if members.keys() <= _KNOWN:
        return {}
    return {name: value for name, value in members.items() if name not in _KNOWN}


def _lengths(value: JSON, name: str, smallest: int) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > _MOST_DIMENSIONS:
        raise MetadataError(f"{name} must be a list of at most 64 integers, not {value!r:.200}")
    for length in value:
        if type(length) is not int or not smallest <= length <= _LONGEST:
            raise MetadataError(
                f"{name} must hold integers from {smallest} to 2**63-1, not {length!r:.50}"
            )
    return tuple(value)


def _parse_keys(separator: JSON) -> ChunkKeys:
    if separator not in (None, ".", "/"):
        raise MetadataError(f"dimension_separator must be '.' or '/', not {separator!r:.50}")
    keys: ChunkKeys = _KEYS[separator]
    return keys


def _parse_steps(filters: JSON, compressor: JSON) -> tuple[Step, ...]:
    if filters is not None and not isinstance(filters, list):
        raise MetadataError(f"filters must be a list or null, not {filters!r:.200}")
    steps = [_parse_step("filter", config) for config in filters] if filters else []
    if compressor is not None:
        steps.append(_parse_step("compressor", compressor))
    return tuple(steps)


def _parse_step(role: Any, config: JSON) -> Step:
    name = config.get("id") if isinstance(config, dict) else None
    if not isinstance(name, str):
        raise MetadataError(f"a {role} must be an object with the member 'id', not {config!r:.200}")
    return Step(role, name, config)


def _members(meta: ArrayMeta) -> dict[str, JSON]:
    dtype, filters, compressor = _spelled(meta)
    members = {
        **meta.extra,
        "zarr_format": V2.version,
        "shape": list(meta.shape),
        "chunks": list(meta.chunks),
        "dtype": v2_data_types.encode_data_type(dtype),
        "compressor": compressor,
        "fill_value": v2_data_types.encode_fill(
            meta.fill_value, dtype, object_codec_of(meta.steps)
        ),
        "order": meta.order,
        "filters": filters or None,
    }
    if meta.keys.stated:
        members["dimension_separator"] = meta.keys.separator
    return members


def _spelled(meta: ArrayMeta) -> tuple[np.dtype[Any], list[JSON], JSON]:
    """Return dtype, filters and compressor as this version has them.

    Raises
    ------
    ValueError
        If it does not have what `meta` says.
    """
    if meta.grid.shards is not None or meta.keys.prefix or meta.dimension_names is not None:
        what = "shards" if meta.grid.shards is not None else "such chunk keys"
        what = "dimension_names" if meta.dimension_names is not None else what
        raise ValueError(f"version 2 of the format has no {what}; use zarr_format=3")
    if not meta.grid.regular:
        raise ValueError(
            f"version 2 of the format has no chunks of different lengths, as in "
            f"{meta.chunks}; use zarr_format=3"
        )
    dtype, configs = meta.dtype, []
    for step in meta.steps:
        if step.name == "bytes":
            dtype = v3_codecs.stored_dtype(step, dtype)
        else:
            configs.append((step.role, v3_codecs.numbered_config(step)))
    if foreign_dtypes.is_foreign(meta.dtype) and "complex" in meta.dtype.name:
        raise ValueError(f"version 2 of the format has no dtype {dtype}; use zarr_format=3")
    if configs and configs[-1][0] == "compressor":
        *configs, (_, compressor) = configs
        return dtype, [config for _, config in configs], compressor
    return dtype, [config for _, config in configs], None
