"""Zarr storage specification, version 1: one array per store, in ``meta`` and ``attrs``.

https://github.com/zarr-developers/zarr-specs/blob/main/docs/v1/v1.0.rst. Such arrays are
read where they are, and `zarr.storage.migrate_1to2` makes them arrays of version 2, which
leaves the chunks alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from zarr._formats.base import Format, NodeKind, dump_json, join
from zarr._formats.documents import expect_object, load_json
from zarr._formats.v2 import V2
from zarr._metadata.foreign_dtypes import JSON
from zarr._metadata.records import ArrayMeta, GroupMeta
from zarr.errors import MetadataError, ReadOnlyError

if TYPE_CHECKING:
    from zarr.storage.base import BaseStore, Buffer

__all__ = ["V1"]

_MEMBERS = ("shape", "chunks", "dtype", "compression", "compression_opts", "fill_value", "order")


class V1(Format):
    """The format of ``meta`` documents."""

    version = 1
    groups = False

    def array_key(self, path: str) -> str:
        return join(path, "meta")

    def group_key(self, path: str) -> str:
        return join(path, "meta")

    def attrs_key(self, path: str) -> str:
        return join(path, "attrs")

    def parse_array(self, document: Buffer, key: str) -> ArrayMeta:
        return V2().parse_array(self.as_version_2(document, key), key)

    def as_version_2(self, document: Buffer, key: str) -> bytes:
        """Return the document of version 2 that says the same as one of version 1.

        Raises
        ------
        MetadataError
            If it is not a document of version 1, or says something impossible.
        """
        members = expect_object(load_json(document, key), key)
        if members.get("zarr_format") != self.version:
            raise MetadataError(
                f"{key!r}: zarr_format must be 1, not {members.get('zarr_format')!r:.50}"
            )
        missing = [name for name in _MEMBERS if name not in members]
        if missing:
            raise MetadataError(f"{key!r}: required members are missing: {', '.join(missing)}")
        compression, options = members.pop("compression"), members.pop("compression_opts")
        try:
            compressor = _compressor(compression, options)
        except (TypeError, ValueError, OverflowError) as error:
            raise MetadataError(
                f"{key!r}: compression_opts {options!r:.100} are not valid for {compression!r:.50}"
            ) from error
        new = {**members, "zarr_format": V2.version, "compressor": compressor, "filters": None}
        return dump_json(new)

    def dump_array(self, meta: ArrayMeta) -> bytes:
        raise ReadOnlyError(
            "arrays in format 1 cannot be created or resized; zarr.storage.migrate_1to2 turns "
            "one into an array in format 2"
        )

    def parse_group(self, document: Buffer, key: str) -> GroupMeta:
        raise MetadataError(f"{key!r}: there are no groups in format 1")

    def dump_group(self, meta: GroupMeta) -> bytes:
        raise ReadOnlyError("there are no groups in format 1")

    # -- nodes -----------------------------------------------------------------------

    def node_keys(self, paths: Iterable[str]) -> list[str]:
        return [self.array_key(path) for path in paths]

    def node_in(self, found: Mapping[str, Buffer], path: str) -> tuple[NodeKind, Buffer] | None:
        document = found.get(self.array_key(path))
        return ("array", document) if document is not None and _is_ours(document) else None

    def children(self, store: BaseStore, path: str) -> dict[str, tuple[NodeKind, Buffer]]:
        return {}


def _is_ours(document: Buffer) -> bool:
    # "meta" is a name that other programs may have used for something else.
    try:
        members = load_json(document, "meta")
    except MetadataError:
        return False
    return isinstance(members, dict) and members.get("zarr_format") == V1.version


def _compressor(name: JSON, options: JSON) -> JSON:
    if name is None or name == "none":
        return None
    if name == "blosc":
        given = {} if options is None else expect_object(options, "compression_opts")
        config: dict[str, JSON] = {"id": "blosc", "cname": "lz4", "clevel": 5, "blocksize": 0}
        return config | given | {"shuffle": int(given.get("shuffle", 1))}
    if name in ("zlib", "bz2"):
        return {"id": name, "level": 1 if options is None else int(options)}
    if name == "lzma":
        given = {} if options is None else expect_object(options, "compression_opts")
        defaults: dict[str, JSON] = {"format": 1, "check": -1, "preset": None, "filters": None}
        return {"id": "lzma"} | defaults | given
    if not isinstance(name, str):
        raise TypeError("compression must be a string")
    return {"id": name} | (options if isinstance(options, dict) else {})
