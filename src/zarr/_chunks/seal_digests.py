"""The digests with which stored values are sealed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["ALGORITHMS", "Digest", "digest_function"]

Digest = Callable[[Any], bytes]
"""Takes contiguous bytes, returns their digest."""

ALGORITHMS = {"xxh3-64": 8, "sha256": 32, "blake3": 32}
"""Bytes of a digest by the name of the algorithm."""


def digest_function(algorithm: str) -> Digest:
    """Return the function that digests a value.

    Raises
    ------
    ValueError
        If the algorithm is unknown.
    ImportError
        If it needs a package that is not installed.
    """
    if algorithm == "sha256":
        return lambda value: hashlib.sha256(value).digest()
    if algorithm == "xxh3-64":
        function: Digest = _imported("xxhash", algorithm).xxh3_64_digest
        return function
    if algorithm == "blake3":
        blake3 = _imported("blake3", algorithm).blake3
        return lambda value: blake3(value).digest()
    known = ", ".join(map(repr, ALGORITHMS))
    raise ValueError(f"algorithm must be one of {known}, not {algorithm!r:.50}")


def _imported(package: str, algorithm: str) -> Any:
    try:
        return import_module(package)
    except ImportError as error:
        raise ImportError(
            f"digests of the algorithm {algorithm!r} need the package {package!r}: "
            f"pip install {package}"
        ) from error
