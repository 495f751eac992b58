"""What commands print: JSON and aligned columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from zarr._nodes import display

__all__ = [
    "Row", "human", "jsonable", "lines", "print_json", "print_lines", "print_pairs",
    "print_table", "shape_text", "visible",
]  # fmt: skip

Row = Sequence[object]


def jsonable(value: Any) -> Any:
    """Return `value` as JSON has it.

    Complex numbers become pairs, NaN and the infinities text, times and bytes text, records
    lists.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if np.isfinite(value) else str(np.float64(value))
        case complex():
            return [jsonable(value.real), jsonable(value.imag)]
        case bytes():
            return value.decode("utf-8", "backslashreplace")
        case np.datetime64() | np.timedelta64():
            return str(value)
        case np.ndarray() if value.dtype.kind in "mM":
            return value.astype(str).tolist()
        case np.ndarray() | np.generic():
            return jsonable(value.tolist())
        case dict():
            return {str(key): jsonable(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [jsonable(item) for item in value]
    return str(value)


def visible(text: str) -> str:
    r"""Return `text` on one line, without characters that would steer a terminal.

    Names and attributes may come from anybody.

    Examples
    --------
    >>> from zarr.cli._output import visible
    >>> visible('a\tb')
    'a\\tb'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def print_json(value: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(jsonable(value), indent=2, ensure_ascii=False))


def print_lines(text: str) -> None:
    """Print text of several lines."""
    for line in text.split("\n"):
        click.echo(visible(line))


def print_pairs(pairs: Sequence[tuple[str, object]]) -> None:
    """Print labels and values, aligned."""
    width = max((len(label) for label, _ in pairs), default=0)
    for label, value in pairs:
        click.echo(visible(f"{label:<{width}} : {value}"))


def print_table(rows: Sequence[Row], header: Sequence[str] = ()) -> None:
    """Print rows in aligned columns; numbers are aligned to the right."""
    texts = [[str(item) for item in row] for row in rows]
    numeric = [all(isinstance(row[i], int) for row in rows) for i in range(len(rows[0]))]
    if header:
        texts.insert(0, list(header))
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for text in texts:
        cells = [
            f"{item:>{width}}" if right else f"{item:<{width}}"
            for item, width, right in zip(text, widths, numeric, strict=True)
        ]
        click.echo(visible("  ".join(cells).rstrip()))


def human(size: int) -> str:
    """Return a number of bytes with a unit, ``'?'`` if it is not known."""
    return "?" if size < 0 else display.rounded_size(size)


def lines(log: bool) -> Any:
    """Return a `log` for the functions that take one: lines on standard output, or nothing."""
    return click.echo if log else None


def shape_text(shape: Any) -> str:
    """Return a shape as ``10x20``; lengths that differ as a number of them."""
    if shape is None:
        return "-"
    sizes = [str(n) if isinstance(n, int | np.integer) else f"[{len(n)}]" for n in shape]
    return "x".join(sizes) or "scalar"
