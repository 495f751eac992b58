"""JSON documents: parsed, and those in which there are copies of others."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from zarr.dtypes import JSON
from zarr.errors import MetadataError

if TYPE_CHECKING:
    from zarr.storage.base import Buffer

__all__ = ["Parsed", "expect_object", "load_json", "load_with_copies", "members_of", "parsed"]

_LARGEST_DOCUMENT = 256 << 20


class Parsed(bytes):
    """A document, and what it says: who has come across that need not parse it again.

    Attributes
    ----------
    value : object
        Shared by all who read the document, so not to be changed, nor given to users.
    """

    value: JSON


def load_json(document: Buffer, key: str) -> JSON:
    """Parse a JSON document.

    Raises
    ------
    MetadataError
        If it is not one; the message names `key`.
    """
    try:
        return json.loads(_checked(document))
    except (ValueError, RecursionError) as error:
        raise _invalid(key, error) from error


def _checked(document: Buffer) -> bytes | bytearray:
    data = document if isinstance(document, (bytes, bytearray)) else bytes(document)
    if len(data) > _LARGEST_DOCUMENT:
        raise ValueError(f"{len(data)} bytes are too many for a metadata document")
    return data


def _invalid(key: str, error: Exception) -> MetadataError:
    return MetadataError(f"{key!r} is not a valid JSON document: {error}")


def expect_object(value: JSON, key: str) -> dict[str, JSON]:
    """Return `value` if it is a JSON object, else raise `MetadataError`."""
    if not isinstance(value, dict):
        raise MetadataError(f"{key!r} must hold a JSON object, not {type(value).__name__}")
    return value


def parsed(document: Buffer, key: str) -> Parsed:
    """Return `document` with what it says."""
    if isinstance(document, Parsed):
        return document
    return _with_value(document, load_json(document, key))


def _with_value(document: Buffer, value: JSON) -> Parsed:
    result = Parsed(document)
    result.value = value
    return result


def members_of(document: Buffer, key: str) -> dict[str, JSON]:
    """Return the JSON object that a document holds: as it is, so not to be changed."""
    value = document.value if isinstance(document, Parsed) else load_json(document, key)
    return expect_object(value, key)


# -- documents in documents ------------------------------------------------------------

_value_at = json.JSONDecoder().raw_decode
_BLANK = " \t\n\r"
_blank = f"[{_BLANK}]*"
_letters = r'[^"\\\x00-\x1f]*'
_name = rf'"({_letters}(?:\\.{_letters})*)"{_blank}:{_blank}'
_first = re.compile(rf"\{{{_blank}(?:{_name}|\}})").match
_next = re.compile(rf"{_blank}(?:,{_blank}{_name}|\}})").match


def load_with_copies(document: Buffer, key: str, *path: str) -> JSON:
    """Parse a JSON document that has copies of other documents as members of an object.

    Parameters
    ----------
    document, key
        As for :func:`load_json`.
    *path : str
        Names of the members that lead to the object.

    Returns
    -------
    object
        What :func:`load_json` returns, but with a `Parsed` for each copy, which is the
        part of the document where it stands.

    Raises
    ------
    MetadataError
        If it is no JSON document.
    """
    try:
        data = _checked(document)
        text = data.decode(json.detect_encoding(data), "surrogatepass")
        value, end = _load(text, len(text) - len(text.lstrip(_BLANK)), path)
        if text[end:].strip(_BLANK):
            raise json.JSONDecodeError("Extra data", text, end)
    except (ValueError, RecursionError) as error:
        raise _invalid(key, error) from error
    return value


def _load(text: str, at: int, path: tuple[str, ...]) -> tuple[JSON, int]:
    """Return the value at a place in `text`, and where it ends."""
    if not text.startswith("{", at):
        return _value_at(text, at)
    members: dict[str, JSON] = {}
    member = _first(text, at)
    while member:
        name, at = member[1], member.end()
        if name is None:
            return members, at
        if "\\" in name:
            name = json.loads(f'"{name}"')
        if path and name == path[0]:
            members[name], at = _load(text, at, path[1:])
        else:
            value, end = _value_at(text, at)
            if not path:
                value = _with_value(text[at:end].encode("utf-8", "surrogatepass"), value)
            members[name], at = value, end
        member = _next(text, at)
    raise json.JSONDecodeError("Expecting a name in double quotes, ':', ',' or '}'", text, at)
