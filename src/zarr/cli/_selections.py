"""Selections as they are written on the command line."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Selection", "parse_selection", "parse_sizes", "read_selection", "select"]

Selection: TypeAlias = tuple[Any, ...]
"""Integers, slices, lists of integers, and at most one Ellipsis."""


def parse_selection(text: str, names: Sequence[str | None] | None) -> Selection:
    """Return the selection that `text` means.

    Parameters
    ----------
    text : str
        As in NumPy, brackets being optional, ``'[0, :10]'``; or by names of dimensions,
        ``'time=0, lat=:10'``.
    names : sequence of str or None, optional
        The names of the dimensions.

    Raises
    ------
    ValueError
        If it cannot be read, or names a dimension that the array does not have.

    Examples
    --------
    >>> from zarr.cli._selections import parse_selection
    >>> parse_selection('[0, :10]', None)
    (0, slice(None, 10, None))
    >>> parse_selection('lat=::2', ['time', 'lat'])
    (slice(None, None, None), slice(None, None, 2))
    """
    inner = text.strip()
    if inner.startswith("[") and _closes_at_the_end(inner):
        inner = inner[1:-1]
    return _by_name(inner, names) if "=" in inner else _by_position(inner)


def _by_position(text: str) -> Selection:
    try:
        node = ast.parse(f"x[{text}]", mode="eval").body
    except SyntaxError as error:
        raise _unreadable(text) from error
    # Not x[0][1], which is no selection of x.
    if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Name):
        raise _unreadable(text)
    items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return tuple(_value(item, text) for item in items)


def _closes_at_the_end(text: str) -> bool:
    """Tell whether the bracket that `text` begins with is closed by its last character."""
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "[") - (character == "]")
        if depth == 0:
            return position == len(text) - 1
    return False


def _by_name(text: str, names: Sequence[str | None] | None) -> Selection:
    known = [name for name in names or () if name]
    if not known:
        raise ValueError(
            f"selection {text!r}: the array has no names of dimensions; write it as [0, :10]"
        )
    chosen: dict[str, Any] = {}
    for part in _parts(text):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or name not in known:
            raise ValueError(
                f"selection {text!r}: {name!r} is no dimension of the array; it has "
                + ", ".join(known)
            )
        if name in chosen:
            raise ValueError(f"selection {text!r} names the dimension {name!r} twice")
        items = _by_position(value)
        if len(items) != 1 or items[0] is Ellipsis:
            raise _unreadable(text)
        (chosen[name],) = items
    return tuple(chosen.get(name or "", slice(None)) for name in names or ())


def _parts(text: str) -> Iterator[str]:
    """Yield what commas outside of brackets separate."""
    depth, start = 0, 0
    for position, character in enumerate(text):
        depth += (character == "[") - (character == "]")
        if character == "," and depth == 0:
            yield text[start:position]
            start = position + 1
    yield text[start:]


def _value(node: ast.expr, text: str) -> Any:
    match node:
        case ast.Slice(lower=lower, upper=upper, step=step):
            return slice(*(None if n is None else _integer(n, text) for n in (lower, upper, step)))
        case ast.Constant(value=value) if value is Ellipsis:
            return Ellipsis
        case ast.List(elts=items):
            return [_integer(item, text) for item in items]
    return _integer(node, text)


def _integer(node: ast.expr, text: str) -> int:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError) as error:
        raise _unreadable(text) from error
    if type(value) is not int:
        raise _unreadable(text)
    return value


def _unreadable(text: str) -> ValueError:
    return ValueError(
        f"selection {text!r} is not understood; write integers, slices, lists of integers or ..., "
        "as in '[0, :10]', or by names of dimensions, as in 'time=0, lat=:10'"
    )


def select(source: Any, text: str | None, names: Sequence[str | None] | None) -> Any:
    """Return what an array, of ours or of h5py, or its `explain` gives for `text`; all if None."""
    selection = (Ellipsis,) if text is None else parse_selection(text, names)
    if any(isinstance(item, list) for item in selection) and hasattr(type(source), "oindex"):
        return source.oindex[selection]
    return source[selection]


def read_selection(array: Any, text: str | None, names: Sequence[str | None] | None) -> Any:
    """Return the values of an array, of ours or of h5py, that `text` selects; all if None."""
    return np.asarray(select(array, text, names))


def parse_sizes(text: str, names: Sequence[str | None] | None, shape: Sequence[int]) -> Any:
    """Return the shape of chunks that `text` means: ``'100,200'`` or ``'time=24,lat=100'``.

    Dimensions that are not named keep their whole length.
    """
    if "=" not in text:
        try:
            sizes = [int(part) for part in text.strip("()[] ").split(",") if part.strip()]
        except ValueError as error:
            raise ValueError(
                f"chunks {text!r} are not understood; write lengths, as in 100,200, or by names "
                "of dimensions, as in time=24,lat=100"
            ) from error
        return sizes[0] if len(sizes) == 1 else tuple(sizes)
    chosen = _by_name(text, names)
    return tuple(
        length if isinstance(size, slice) else size
        for size, length in zip(chosen, shape, strict=True)
    )
