"""Seals in metadata documents: a digest of what a document says, kept in the document itself."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from zarr._metadata.foreign_dtypes import JSON
from zarr.errors import SealError

__all__ = [
    "SEAL",
    "check_members",
    "json_digest",
    "resealed",
    "seal_in",
    "with_seal",
    "without_seal",
]

SEAL = "__seal"
"""The member of a document that seals it."""

VERSION = 1

_NOT_SEALED = (SEAL, "consolidated_metadata")
"""Members that the digest leaves out: copies of other documents have seals of their own."""


def json_digest(value: Any) -> str:
    """Return the SHA-256 of a JSON value, however it is spelled in a document."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def members_digest(members: Mapping[str, JSON]) -> str:
    """Return the digest of a document, of which a seal and copies of others are no part."""
    return json_digest({n: value for n, value in members.items() if n not in _NOT_SEALED})


def with_seal(
    members: Mapping[str, JSON], algorithm: str | None, attributes: list[str] | None
) -> dict[str, JSON]:
    """Return the members of a document, sealed.

    Parameters
    ----------
    members : Mapping
    algorithm : str or None
        How the chunks of an array are digested; None for a group.
    attributes : list of str or None
        Digests of what the attributes may be, where they are in a document of their own.
    """
    seal: dict[str, JSON] = {"must_understand": False, "version": VERSION}
    if algorithm is not None:
        seal["algorithm"] = algorithm
    seal["metadata"] = members_digest(members)
    if attributes is not None:
        seal["attributes"] = list(attributes)
    return {**members, SEAL: seal}


def without_seal(members: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the members of a document but for its seal."""
    return {name: value for name, value in members.items() if name != SEAL}


def resealed(members: dict[str, JSON]) -> dict[str, JSON]:
    """Return the members of a document with their digest, if it is sealed."""
    seal = members.get(SEAL)
    if not isinstance(seal, Mapping) or "metadata" not in seal:
        return members
    return {**members, SEAL: {**seal, "metadata": members_digest(members)}}


def seal_in(members: Mapping[str, JSON]) -> dict[str, Any] | None:
    """Return the seal among the members of a document, None if there is none."""
    seal = members.get(SEAL)
    return dict(seal) if isinstance(seal, Mapping) else None


def check_members(members: Mapping[str, JSON], key: str) -> None:
    """Raise `SealError` if the members of a sealed document are not those that were sealed."""
    seal = seal_in(members)
    if seal is None:
        return
    if seal.get("version") != VERSION:
        raise SealError(
            f"its seal has version {seal.get('version')!r:.50}, known is {VERSION}; verify=False "
            "reads without the seal",
            key,
        )
    if seal.get("metadata") != members_digest(members):
        raise SealError("the metadata were changed by another writer, or are damaged", key)


# -- seals in blanks ----------------------------------------------------------------------

# zarr-python 3 refuses members that it does not know in the metadata of groups, and warns of
# other files in their folders. JSON may end in blanks, which every reader skips.

_BLANKS = re.compile(rb"\n([ \t]{256})\Z")
_TO_BLANKS = str.maketrans("01", " \t")
_FROM_BLANKS = bytes.maketrans(b" \t", b"01")


def in_blanks(digest: str) -> bytes:
    """Return the bits of a SHA-256 as spaces and tabs, on a line of their own."""
    return f"\n{int(digest, 16):0256b}".translate(_TO_BLANKS).encode()


def digest_in_blanks(document: Any) -> str | None:
    """Return the SHA-256 at the end of a document, None if there is none."""
    match = _BLANKS.search(bytes(document[-257:]))
    return None if match is None else f"{int(match[1].translate(_FROM_BLANKS), 2):064x}"
