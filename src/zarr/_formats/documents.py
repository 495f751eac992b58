"""JSON documents: parsed, and those in which there are copies of others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from zarr._metadata.foreign_dtypes import JSON
from zarr.errors import MetadataError

if TYPE_CHECKING:
    from zarr.storage.base import Buffer

__all__ = [
    "DEEPEST",
    "NO_REFERENCES",
    "UNINDENTED",
    "Parsed",
    "expect_object",
    "is_metadata",
    "is_node_path",
    "load_json",
    "load_with_copies",
    "members_of",
    "node_names",
    "parsed",
    "too_deep",
    "unreadable",
]

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
"""Start of the small files in place of those that Git LFS has not fetched."""

_LARGEST_DOCUMENT = 256 << 20

METADATA_NAMES = frozenset((".zarray", ".zgroup", ".zattrs", ".zmetadata", "zarr.json"))


def is_metadata(key: str) -> bool:
    """Tell whether a key is that of metadata, in whichever format."""
    return key.rpartition("/")[2] in METADATA_NAMES


DEEPEST = 128
"""Most levels of lists and objects in a document."""

NO_REFERENCES = 2
"""The version of marshal's format that has values only, so that equal ones have equal bytes."""

_MOST_COUNTED = 1 << 16
"""Bytes of a document up to which its brackets are counted first; larger ones have many."""

UNINDENTED = DEEPEST - 16
"""Levels that may still come where lines are no longer indented further: so that documents
do not grow with the square of their depth."""


def too_deep() -> MetadataError:
    """Return the error for what has more levels than a document may have."""
    return MetadataError(f"lists and objects nested more than {DEEPEST} levels deep")


_NO_NAMES = frozenset(("", ".", ".."))


def node_names(names: Iterable[str], documents: Iterable[str] = ()) -> list[str]:
    r"""Return those `names` that an array or a group can have, without those of `documents`.

    Stores can hold keys with empty segments, ``..`` or backslashes, but no path leads there.
    """
    none = {*_NO_NAMES, *documents}
    return [name for name in names if name not in none and "\\" not in name]


def is_node_path(path: str) -> bool:
    """Tell whether an array or a group can be at `path`, which is not the root."""
    return _NO_NAMES.isdisjoint(path.split("/")) and "\\" not in path


class Parsed(bytes):
    """A document, and what it says: who has come across that need not parse it again.

    Attributes
    ----------
    value : object
        Shared by all who read the document, so not to be changed, nor given to users.
    """

    value: JSON


class Unreadable(bytes):
    """What stands where a document should be.

    Attributes
    ----------
    reason : MetadataError
        Raised for a reader that needs the document: it hides no other documents until then.
    """

    reason: MetadataError


def unreadable(data: Buffer, reason: MetadataError) -> Unreadable:
    """Return `data` with the reason why it is no document."""
    result = Unreadable(data)
    result.reason = reason
    return result


def load_json(document: Buffer, key: str) -> JSON:
    """Parse a JSON document.

    Raises
    ------
    MetadataError
        If it is not one; the message names `key`.
    """
    try:
        return _loads(_checked(document))
    except (ValueError, RecursionError) as error:
        raise _invalid(document, key, error) from error


_value_at: Callable[[str, int], tuple[JSON, int]] = vars(json.JSONDecoder())["scan_once"]
"""What reads the value at a place in a text, in C; raises `StopIteration` where there is none."""


def _loads(data: bytes | bytearray) -> JSON:
    """Return what `json.loads` does, with fewer calls for an object in UTF-8: nearly always."""
    if data[:1] == b"{" and data[1:2] != b"\0":
        text = data.decode("utf-8", "surrogatepass")
        try:
            value, end = _value_at(text, 0)
        except StopIteration:
            value, end = None, -1
        if end == len(text):
            return value
    return json.loads(data)  # which tells what is wrong, too


def _checked(document: Buffer) -> bytes | bytearray:
    data = document if isinstance(document, (bytes, bytearray)) else bytes(document)
    if len(data) > _LARGEST_DOCUMENT:
        raise ValueError(f"{len(data)} bytes are too many for a metadata document")
    # Most documents have fewer brackets than they may have levels.
    if len(data) <= _MOST_COUNTED and data.count(b"[") + data.count(b"{") <= DEEPEST:
        return data
    if _depth(data) > DEEPEST:
        raise too_deep()
    return data


_BRACKETS = b"[]{}"
_UNBRACKETED = bytes(set(range(256)) - set(_BRACKETS + b'"'))
_STEPS = bytes.maketrans(_BRACKETS, b"\x01\xff\x01\xff")


def _depth(document: bytes | bytearray) -> int:
    """Return the number of levels of lists and objects in a JSON document."""
    encoding = json.detect_encoding(document)
    data = document if encoding == "utf-8" else document.decode(encoding, "replace").encode()
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    # What is left of most strings are their quotes; of the others, every second part is inside.
    signs = data.translate(None, _UNBRACKETED).replace(b'""', b"")
    outside = b"".join(signs.split(b'"')[::2])
    steps = np.frombuffer(outside.translate(_STEPS), "i1")
    return int(steps.cumsum(dtype="i4").max(initial=0))


def _invalid(document: Buffer, key: str, error: Exception) -> MetadataError:
    if bytes(document[: len(_LFS_POINTER)]) == _LFS_POINTER:
        return MetadataError(
            f"{key!r} is a pointer of Git LFS, not the file itself: fetch the files with "
            "'git lfs pull'"
        )
    return MetadataError(f"{key!r} is not a valid JSON document: {error!s:.500}")


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
    if isinstance(document, Unreadable):
        raise document.reason
    value = document.value if isinstance(document, Parsed) else load_json(document, key)
    return expect_object(value, key)


# -- documents in documents ------------------------------------------------------------

_BLANK = " \t\n\r"
_blank = f"[{_BLANK}]*"
_letters = r'[^"\\\x00-\x1f]*'
_name = rf'"({_letters}(?:\\.{_letters})*)"{_blank}:{_blank}'
_first = re.compile(rf"\{{{_blank}(?:{_name}|\}})").match
_next = re.compile(rf"{_blank}(?:,{_blank}{_name}|\}})").match
_no_path = re.compile(r"\\|(?:^|/)\.{0,2}(?:/|$)", re.MULTILINE).search
"""Finds in lines what no path of a node has."""


def load_with_copies(document: Buffer, key: str, *path: str) -> JSON:
    """Parse a JSON document that has copies of other documents as members of an object.

    Parameters
    ----------
    document, key
        As for :func:`load_json`.
    *path : str
        Names of the members on the way to the object.

    Returns
    -------
    object
        What :func:`load_json` returns, but with a `Parsed` for each copy, which is the
        part of the document where it stands. Copies whose names are no keys are left out.

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
        raise _invalid(document, key, error) from error
    except StopIteration as error:
        fault = ValueError(f"Expecting value at character {error.value}")
        raise _invalid(document, key, fault) from None
    return value


def _load(text: str, at: int, path: tuple[str, ...]) -> tuple[JSON, int]:
    """Return the value at a place in `text`, and where it ends."""
    if not text.startswith("{", at):
        return _value_at(text, at)
    if not path:
        return _load_copies(text, at)
    members: dict[str, JSON] = {}
    member = _first(text, at)
    while member:
        name, at = member[1], member.end()
        if name is None:
            return members, at
        if "\\" in name:
            name = json.loads(f'"{name}"')
        if name == path[0]:
            members[name], at = _load(text, at, path[1:])
        else:
            members[name], at = _value_at(text, at)
        member = _next(text, at)
    raise _no_name(text, at)


def _load_copies(text: str, at: int) -> tuple[JSON, int]:
    """Return the copies in the object at a place in `text`, and where it ends."""
    copies: dict[str, JSON] = {}
    member = _first(text, at)
    while member:
        name, at = member[1], member.end()
        if name is None:
            if _no_path("\n".join(copies)):
                copies = {name: copy for name, copy in copies.items() if is_node_path(name)}
            return copies, at
        if "\\" in name:
            name = json.loads(f'"{name}"')
        value, end = _value_at(text, at)
        copy = Parsed(text[at:end].encode("utf-8", "surrogatepass"))
        copy.value = value
        if isinstance(value, str):
            value.encode()  # raises ValueError where readers of the text would
        copies[name] = copy
        member = _next(text, end)
    raise _no_name(text, at)


def _no_name(text: str, at: int) -> json.JSONDecodeError:
    return json.JSONDecodeError("Expecting a name in double quotes, ':', ',' or '}'", text, at)
