"""Store and codec for the N5 format, and its metadata as dictionaries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from zarr import _formats
from zarr._codecs.n5 import LZ4Block, N5ChunkWrapper
from zarr._formats import n5 as _n5
from zarr._formats.base import dump_json
from zarr._formats.documents import load_json
from zarr.storage.n5 import N5FSStore, N5Store, N5View

__all__ = [
    "LZ4Block", "N5ChunkWrapper", "N5FSStore", "N5Store", "N5View", "array_metadata_to_n5",
    "array_metadata_to_zarr", "group_metadata_to_n5", "group_metadata_to_zarr",
    "invert_chunk_coords", "is_chunk_key", "n5_attrs_key", "n5_keywords",
]  # fmt: skip

N5_FORMAT = _n5.VERSION
n5_attrs_key = _n5.ATTRIBUTES
n5_keywords = list(_n5.KEYWORDS)

_DEFAULTS = {"compressor": None, "fill_value": 0, "order": "C", "filters": None}


def array_metadata_to_n5(
    array_metadata: Mapping[str, Any], top_level: bool = False
) -> dict[str, Any]:
    """Convert the content of a ``.zarray`` document to that of an ``attributes.json``.

    Parameters
    ----------
    array_metadata : mapping
        The content of the ``.zarray``. Members that are missing have their defaults.
    top_level : bool, default False
        Whether the array is at the root of the N5 container, and so has the version of N5.

    Returns
    -------
    dict
        The content of the ``attributes.json``.

    Raises
    ------
    MetadataError
        If N5 cannot express the metadata.

    Examples
    --------
    >>> from zarr.n5 import array_metadata_to_n5
    >>> metadata = {'shape': [4, 6], 'chunks': [2, 3], 'dtype': '<i2'}
    >>> array_metadata_to_n5(metadata)['dimensions']
    [6, 4]
    """
    known = {"zarr_format": _formats.DEFAULT.version, **_DEFAULTS, **array_metadata}
    members = _n5.dataset_members(dump_json(known), ".zarray")
    return {**members, "n5": N5_FORMAT} if top_level else members


def array_metadata_to_zarr(
    array_metadata: Mapping[str, Any], top_level: bool = False
) -> dict[str, Any]:
    """Convert the content of an ``attributes.json`` document to that of a ``.zarray``.

    Parameters
    ----------
    array_metadata : mapping
        The content of the ``attributes.json``.
    top_level : bool, default False
        Not used.

    Returns
    -------
    dict
        The content of the ``.zarray``.

    Raises
    ------
    MetadataError
        If the metadata are invalid.

    Examples
    --------
    >>> from zarr.n5 import array_metadata_to_n5, array_metadata_to_zarr
    >>> metadata = {'shape': [4, 6], 'chunks': [2, 3], 'dtype': '<i2'}
    >>> array_metadata_to_zarr(array_metadata_to_n5(metadata))['shape']
    [4, 6]
    """
    document: Any = _n5.document(".zarray", dict(array_metadata), n5_attrs_key)
    members: Any = load_json(document, ".zarray")
    return dict(members)


def group_metadata_to_n5(group_metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the content of a ``.zgroup`` document to that of an ``attributes.json``.

    Parameters
    ----------
    group_metadata : mapping
        The content of the ``.zgroup``.

    Returns
    -------
    dict
        The content of the ``attributes.json``.

    Examples
    --------
    >>> from zarr.n5 import group_metadata_to_n5
    >>> group_metadata_to_n5({'zarr_format': 2})
    {'n5': '2.0.0'}
    """
    rest = {name: value for name, value in group_metadata.items() if name != "zarr_format"}
    return {**rest, "n5": N5_FORMAT}


def group_metadata_to_zarr(group_metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the content of an ``attributes.json`` document to that of a ``.zgroup``.

    Parameters
    ----------
    group_metadata : mapping
        The content of the ``attributes.json``.

    Returns
    -------
    dict
        The content of the ``.zgroup``.

    Examples
    --------
    >>> from zarr.n5 import group_metadata_to_zarr
    >>> group_metadata_to_zarr({'n5': '2.0.0'})
    {'zarr_format': 2}
    """
    rest = {name: value for name, value in group_metadata.items() if name != "n5"}
    return {**rest, "zarr_format": _formats.DEFAULT.version}


def is_chunk_key(key: str) -> bool:
    """Return whether a key ends with chunk indices as in format 2.

    Parameters
    ----------
    key : str
        Key in the store.

    Returns
    -------
    bool
        Whether it is the key of a chunk.

    Examples
    --------
    >>> from zarr.n5 import is_chunk_key
    >>> is_chunk_key('a/b/1.2.3'), is_chunk_key('a/.zarray')
    (True, False)
    """
    return re.fullmatch(r"[0-9]+(?:\.[0-9]+)*", key.rpartition("/")[2]) is not None


def invert_chunk_coords(key: str) -> str:
    """Convert the key of a chunk to that of an N5 block: reverse order, and slashes.

    Parameters
    ----------
    key : str
        Key in the store, with the indices separated by dots.

    Returns
    -------
    str
        The key of the block; `key` itself if it is not a chunk key.

    Examples
    --------
    >>> from zarr.n5 import invert_chunk_coords
    >>> invert_chunk_coords('a/b/1.2.3')
    'a/b/3/2/1'
    """
    if not is_chunk_key(key):
        return key
    folder, slash, name = key.rpartition("/")
    return folder + slash + "/".join(reversed(name.split(".")))
