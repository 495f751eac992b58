"""Hypothesis strategies for keys, paths, values and byte ranges of stores."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from zarr.storage.base import ByteRange

__all__ = ["FOLDERS", "LEAVES", "byte_ranges", "store_keys", "store_paths", "values"]

FOLDERS = ("a", "b", "a-b", "a.b", "a0", "a_b", "aXb", "a%b", "a*", "a?", "[a]", "A", "é", "日本")
"""Names of folders that sort around ``/`` or mean something to SQL, globs and URLs."""

LEAVES = (".zarray", ".zgroup", ".zattrs", "zarr.json", "0", "0.0", "10.3", "0 0")
"""Names of values. No name of a folder is among them: not every store can hold both."""


def store_paths(
    folders: Sequence[str] = FOLDERS, min_depth: int = 0, max_depth: int = 3
) -> st.SearchStrategy[str]:
    """Return a strategy for paths of folders, including the root, the empty string.

    Parameters
    ----------
    folders : sequence of str, optional
        Names of folders. By default names that sort around ``/`` or have a meaning in SQL, patterns
        or URLs.
    min_depth, max_depth : int, default 0 and 3
        Limits of the number of segments.

    Returns
    -------
    hypothesis.strategies.SearchStrategy of str
        The strategy.
    """
    segments = st.lists(st.sampled_from(folders), min_size=min_depth, max_size=max_depth)
    return segments.map("/".join)


def store_keys(
    folders: Sequence[str] = FOLDERS, leaves: Sequence[str] = LEAVES
) -> st.SearchStrategy[str]:
    """Return a strategy for keys, none of which is a folder of another.

    Parameters
    ----------
    folders : sequence of str, optional
        Names of folders, as for :func:`store_paths`.
    leaves : sequence of str, optional
        Names of values, with none of `folders` among them. Names of metadata and chunks by default.

    Returns
    -------
    hypothesis.strategies.SearchStrategy of str
        The strategy.
    """
    return st.tuples(store_paths(folders), st.sampled_from(leaves)).map(
        lambda parts: "/".join(part for part in parts if part)
    )


def values(max_size: int = 64) -> st.SearchStrategy[bytes]:
    """Return a strategy for stored values, including the empty value.

    Parameters
    ----------
    max_size : int, default 64
        Maximum size in bytes.

    Returns
    -------
    hypothesis.strategies.SearchStrategy of bytes
        The strategy.
    """
    return st.binary(max_size=max_size)


def byte_ranges(max_size: int = 80) -> st.SearchStrategy[ByteRange]:
    """Return a strategy for byte ranges, including suffixes and ends beyond the value.

    Parameters
    ----------
    max_size : int, default 80
        Largest start and length in bytes.

    Returns
    -------
    hypothesis.strategies.SearchStrategy of (int, int or None)
        The strategy for ``(start, length)``.
    """
    return st.tuples(st.integers(-max_size, max_size), st.none() | st.integers(0, max_size))
