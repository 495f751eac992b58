"""Format 3 metadata for arrays and groups in format 2, next to them or in another store.

:func:`zarr.convert` does the same with checks, in either direction, and can replace the old
metadata.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from zarr import _formats
from zarr._async.threads import in_thread
from zarr._formats.base import Format, join
from zarr._metadata.records import ArrayMeta, GroupMeta
from zarr.core.array import Array
from zarr.core.common import ZARR_JSON, ZARRAY_JSON, ZATTRS_JSON, ZGROUP_JSON, ZMETADATA_V2_JSON
from zarr.core.metadata import ArrayV2Metadata, ArrayV3Metadata
from zarr.core.metadata.documents import load_members
from zarr.errors import PathNotFoundError
from zarr.hierarchy import Group
from zarr.storage.base import BaseStore, Buffer, as_store
from zarr.storage.resolve import normalize_store_arg

__all__ = ["migrate_to_v3", "migrate_v2_to_v3", "remove_metadata"]

logger = logging.getLogger(__name__)


def migrate_v2_to_v3(*, input_store: Any, output_store: Any = None, dry_run: bool = False) -> None:
    """Write metadata of format 3 for all arrays and groups of format 2 in a store.

    The metadata of format 2 and the chunks are left as they are.

    Parameters
    ----------
    input_store : BaseStore, MutableMapping or str
        The store to read.
    output_store : BaseStore, MutableMapping or str, optional
        The store for the new metadata. `input_store` by default.
    dry_run : bool, default False
        Whether to log only which keys would be written.

    Raises
    ------
    PathNotFoundError
        If there is neither an array nor a group at the root.
    ValueError
        If format 3 cannot express the metadata, or they are sealed (see :func:`zarr.seal`) and
        there is no other store. Nothing is written then.
    """
    source = normalize_store_arg(input_store, mode="r")
    target = source if output_store is None else normalize_store_arg(output_store, mode="a")
    node = _formats.find_node(source, "", _formats.DEFAULT.version)  # type: ignore[arg-type]
    if node is None:
        raise _formats.not_found(PathNotFoundError, source, "", _formats.DEFAULT.version)
    kind, found = node
    root = (Array if kind == "array" else Group)._of(found, source, "", True)
    _migrate(root, target, "", dry_run=dry_run)


def migrate_to_v3(zarr_v2: Array | Group, output_path: Any, dry_run: bool = False) -> None:
    """Write metadata of format 3 for an array or a group of format 2, and all below it.

    The metadata of format 2 and the chunks are left as they are.

    Parameters
    ----------
    zarr_v2 : Array or Group
        The array or group.
    output_path : StorePath
        Where to write the new metadata.
    dry_run : bool, default False
        Whether to log only which keys would be written.

    Raises
    ------
    TypeError
        If `zarr_v2` is not in format 2.
    ValueError
        If format 3 cannot express the metadata, or they are sealed (see :func:`zarr.seal`) and
        there is no other store. Nothing is written then.
    """
    if zarr_v2._format is not _formats.DEFAULT:
        raise TypeError("Only arrays / groups with zarr v2 metadata can be converted")
    _migrate(zarr_v2, as_store(output_path.store), output_path.path, dry_run=dry_run)


def _migrate(node: Array | Group, target: BaseStore, path: str, *, dry_run: bool) -> None:
    # All are made before the first is written: one that cannot be made leaves nothing.
    for key, document in dict(_documents(node, target, path)).items():
        logger.info("%s metadata to %s", "Would save" if dry_run else "Saving", key)
        if not dry_run:
            target[key] = document


def _documents(node: Array | Group, target: BaseStore, path: str) -> Iterator[tuple[str, Buffer]]:
    if node._is_sealed and target is node.store:
        raise ValueError(
            f"{node!r} is sealed: call zarr.unseal before its metadata are migrated, and "
            "zarr.seal afterwards"
        )
    if isinstance(node, Group):
        for name, member in node.items():
            yield from _documents(member, target, join(path, name))
        document = _formats.NAMED.dump_group(GroupMeta(node.attrs.asdict()))
    else:
        document = _formats.NAMED.dump_array(_converted(node._current, node.attrs.asdict()))
    yield _formats.NAMED.group_key(path), document


def _converted(meta: ArrayMeta, attributes: Any) -> ArrayMeta:
    members = {**vars(meta), "attributes": attributes}
    return _formats.NAMED.adopted(_formats.DEFAULT.freed(ArrayMeta(**members)))


def _convert_array_metadata(metadata_v2: ArrayV2Metadata) -> ArrayV3Metadata:
    """Return metadata of format 3 for those of format 2."""
    meta = _converted(metadata_v2.to_record(), metadata_v2.attributes)
    return ArrayV3Metadata.from_dict(load_members(_formats.NAMED.dump_array(meta)))


async def remove_metadata(
    store: Any, zarr_format: int, force: bool = False, dry_run: bool = False
) -> None:
    """Delete all metadata of one version of the format in a store.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        The store.
    zarr_format : {2, 3}
        Version of the format.
    force : bool, default False
        Whether to delete metadata where there are none of the other version.
    dry_run : bool, default False
        Whether to log only which keys would be deleted.

    Raises
    ------
    ValueError
        If there are none of the other version somewhere and `force` is False.
    """
    await in_thread(_remove_metadata, store, zarr_format, force, dry_run)


def _remove_metadata(store: Any, zarr_format: int, force: bool, dry_run: bool) -> None:
    by_format: dict[int, tuple[tuple[str, ...], Format]] = {
        2: ((ZARRAY_JSON, ZATTRS_JSON, ZGROUP_JSON, ZMETADATA_V2_JSON), _formats.NAMED),
        3: ((ZARR_JSON,), _formats.DEFAULT),
    }
    if zarr_format not in by_format:
        raise ValueError(f"zarr_format must be 2 or 3, not {zarr_format!r}")
    names, other = by_format[zarr_format]
    place = normalize_store_arg(store, mode="a")
    keys = [key for key in place if key.rpartition("/")[2] in names]
    alone = {path for key in keys if other.kind(place, path := key.rpartition("/")[0]) is None}
    if alone and not force:
        raise ValueError(
            f"Cannot remove v{zarr_format} metadata at paths {sorted(alone)}: there are no others; "
            "use force=True"
        )
    for key in keys:
        logger.info("%s metadata at %s", "Would delete" if dry_run else "Deleting", key)
    if not dry_run:
        place.delitems(keys)
