"""What arrays, groups and hierarchies look like, as text and as HTML."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable
from typing import Any, Protocol

__all__ = ["Info", "TreeViewer", "array_info", "group_info", "human_size", "type_name"]


class _Informative(Protocol):
    def info_items(self) -> list[tuple[str, str]]: ...


def type_name(obj: object) -> str:
    """Return module and name of the class of `obj`."""
    return f"{type(obj).__module__}.{type(obj).__name__}"


def human_size(size: int) -> str:
    """Return a number of bytes, with a rounded one in a larger unit behind it.

    Examples
    --------
    >>> from zarr.display import human_size
    >>> human_size(33240)
    '33240 (32.5K)'
    """
    for unit, power in (("P", 50), ("T", 40), ("G", 30), ("M", 20), ("K", 10)):
        if size >= 1 << power:
            return f"{size} ({size / (1 << power):.1f}{unit})"
    return str(size)


class Info:
    """The report of an array or a group: prints as lines of text, shows as a table."""

    def __init__(self, obj: _Informative) -> None:
        self.obj = obj

    def __repr__(self) -> str:
        items = self.obj.info_items()
        width = max(len(label) for label, _ in items)
        wrap = textwrap.TextWrapper(width=80, subsequent_indent=f"{'':{width}} : ")
        lines = [wrap.fill(f"{label:<{width}} : {value}") for label, value in items]
        return "\n".join(lines) + "\n"

    def _repr_html_(self) -> str:
        cell = 'style="text-align: left"'
        rows = "".join(
            f"<tr><th {cell}>{html.escape(label)}</th><td {cell}>{html.escape(value)}</td></tr>"
            for label, value in self.obj.info_items()
        )
        return f'<table class="zarr-info"><tbody>{rows}</tbody></table>'


class TreeViewer:
    """The hierarchy below a group: prints as a tree, shows as nested lists that open.

    Parameters
    ----------
    group : group
        A Zarr group, or one of h5py.
    expand : bool
        Whether the HTML shows everything at once.
    level : int, optional
        Depth at which to stop.
    """

    def __init__(self, group: Any, expand: bool = False, level: int | None = None) -> None:
        self.group = group
        self.expand = expand
        self.level = level

    def _label(self, name: str, node: Any) -> str:
        if hasattr(node, "shape"):
            return f"{name} {node.shape} {node.dtype}"
        return name

    def _root_name(self) -> str:
        return (self.group.name or "/").rpartition("/")[2] or "/"

    def _children(self, node: Any, depth: int) -> list[tuple[str, Any]]:
        if hasattr(node, "shape") or (self.level is not None and depth >= self.level):
            return []
        return sorted(node.items(), key=lambda item: item[0])

    def _lines(self, node: Any, depth: int, indent: str) -> Iterable[str]:
        children = self._children(node, depth)
        for i, (name, child) in enumerate(children):
            last = i == len(children) - 1
            yield f"{indent}{'└──' if last else '├──'} {self._label(name, child)}"
            yield from self._lines(child, depth + 1, indent + ("    " if last else "│   "))

    def __repr__(self) -> str:
        return "\n".join([self._root_name(), *self._lines(self.group, 0, " ")])

    def _html(self, name: str, node: Any, depth: int) -> str:
        label = html.escape(self._label(name, node))
        if hasattr(node, "shape"):
            return f"<li>{label}</li>"
        inside = "".join(self._html(n, c, depth + 1) for n, c in self._children(node, depth))
        opened = " open" if self.expand or depth == 0 else ""
        return f"<li><details{opened}><summary>{label}</summary><ul>{inside}</ul></details></li>"

    def _repr_html_(self) -> str:
        return f'<ul class="zarr-tree">{self._html(self._root_name(), self.group, 0)}</ul>'


def array_info(array: Any) -> list[tuple[str, str]]:
    """Return the lines of an array's report as pairs of strings."""
    items: list[tuple[str, Any]] = [("Name", array.name)] if array.name else []
    items += [
        ("Type", type_name(array)),
        ("Data type", array.dtype),
        ("Shape", array.shape),
        ("Chunk shape", array.chunks),
        ("Order", array.order),
        ("Read-only", array.read_only),
    ]
    items += [(f"Filter [{i}]", repr(f)) for i, f in enumerate(array.filters or [])]
    items.append(("Compressor", repr(array.compressor)))
    items += _store_items(array)
    items.append(("No. bytes", human_size(array.nbytes)))
    stored = array.nbytes_stored
    if stored > 0:
        items.append(("No. bytes stored", human_size(stored)))
        items.append(("Storage ratio", f"{array.nbytes / stored:.1f}"))
    items.append(("Chunks initialized", f"{array.nchunks_initialized}/{array.nchunks}"))
    return [(label, str(value)) for label, value in items]


def group_info(group: Any) -> list[tuple[str, str]]:
    """Return the lines of a group's report as pairs of strings."""
    arrays, groups = list(group.array_keys()), list(group.group_keys())
    items: list[tuple[str, Any]] = [
        ("Name", group.name),
        ("Type", type_name(group)),
        ("Read-only", group.read_only),
        *_store_items(group),
        ("No. members", len(arrays) + len(groups)),
        ("No. arrays", len(arrays)),
        ("No. groups", len(groups)),
    ]
    items += [("Arrays", ", ".join(arrays))] if arrays else []
    items += [("Groups", ", ".join(groups))] if groups else []
    return [(label, str(value)) for label, value in items]


def _store_items(node: Any) -> list[tuple[str, str]]:
    items = []
    if node.synchronizer is not None:
        items.append(("Synchronizer type", type_name(node.synchronizer)))
    items.append(("Store type", type_name(node.store)))
    if node.chunk_store is not node.store:
        items.append(("Chunk store type", type_name(node.chunk_store)))
    return items
