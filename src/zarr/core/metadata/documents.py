"""Metadata as JSON, between the records of the engine and the value classes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from zarr import _formats
from zarr._formats.base import check_attributes
from zarr._metadata.records import ArrayMeta
from zarr.config import get

__all__ = ["as_buffers", "load_members", "members_of", "plain", "record_from"]


def plain(value: Any) -> Any:
    """Return JSON with lists and dicts in the place of other sequences and mappings."""
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value.item() if isinstance(value, np.generic) else value


def as_buffers(documents: Mapping[str, Any], prototype: Any) -> dict[str, Any]:
    """Return JSON objects by key as buffers with their text."""
    return {
        key: prototype.buffer.from_bytes(
            json.dumps(plain(members), indent=get("json_indent")).encode()
        )
        for key, members in documents.items()
    }


def record_from(members: Mapping[str, Any]) -> ArrayMeta:
    """Return the record of the array that members of its metadata describe.

    Raises
    ------
    MetadataError
        If they are invalid.
    """
    given = plain(members)
    attributes = check_attributes(given.get("attributes") or {})
    format = _formats.by_version(given["zarr_format"]) or _formats.NAMED
    if format.attrs_key("") != format.array_key(""):
        given.pop("attributes", None)
    meta = format.parse_array(json.dumps(given).encode(), format.array_key(""))
    return ArrayMeta(**{**vars(meta), "attributes": attributes})


def load_members(document: Any) -> dict[str, Any]:
    """Return the members of a metadata document that the engine has written."""
    members: dict[str, Any] = json.loads(bytes(document))
    return members


def members_of(array: Any) -> dict[str, Any]:
    """Return the members of the metadata of an array, its attributes among them."""
    shown = _formats.by_version(array._format.shown_as)
    same = shown is array._format
    meta = array._current
    document = (shown or array._format).dump_array(meta if same else array._format.freed(meta))
    return {**load_members(document), "attributes": array.attrs.asdict()}
