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
        rows = "".join(
            f"<tr><th>{html.escape(label)}</th><td>{html.escape(value)}</td></tr>"
            for label, value in self.obj.info_items()
        )
        return (
            f'<div class="zarr-info"><style>{_INFO_STYLE}</style>'
            f"<table><tbody>{rows}</tbody></table></div>"
        )


# Colors come from the page, so that light and dark pages look right alike.
_INFO_STYLE = (
    ".zarr-info table{border-collapse:collapse;font:13px/1.5 ui-monospace,monospace;color:inherit}"
    ".zarr-info tr{background:none}"
    ".zarr-info th,.zarr-info td{text-align:left;vertical-align:top;padding:1px 1.2em 1px 0;"
    "border:0;color:inherit}"
    ".zarr-info th{font-weight:normal;white-space:nowrap;opacity:.65}"
)
_TREE_STYLE = (
    ".zarr-tree{font:13px/1.6 ui-monospace,monospace;color:inherit}"
    ".zarr-tree ul{list-style:none;margin:0 0 0 .35em;padding:0 0 0 1em;"
    "border-left:1px solid rgba(128,128,128,.4)}"
    ".zarr-tree>ul{margin:0;padding:0;border:0}"
    ".zarr-tree li{margin:0}"
    ".zarr-tree li.end{padding-left:1.05em}"
    ".zarr-tree summary{cursor:pointer}"
    ".zarr-tree summary:hover{background:rgba(128,128,128,.15)}"
    ".zarr-tree b{font-weight:600}"
    ".zarr-tree i{font-style:normal;opacity:.65}"
)


class TreeViewer:
    """The hierarchy below a group: prints as a tree, shows as nested lists that open.

    In a notebook with the package ``ipytree`` it shows as its widget.

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

    def _root_name(self) -> str:
        return (self.group.name or "/").rpartition("/")[2] or "/"

    def _children(self, node: Any, above: tuple[Any, ...]) -> list[tuple[str, Any]]:
        """Return names and members of `node`, which is `above`'s member, if it is to be opened."""
        # In HDF5, links can lead nowhere, or back to where one came from.
        if _is_leaf(node) or (self.level is not None and len(above) >= self.level) or node in above:
            return []
        return sorted(node.items(), key=lambda item: item[0])

    def _lines(self, node: Any, above: tuple[Any, ...], indent: str) -> Iterable[str]:
        children = self._children(node, above)
        for i, (name, child) in enumerate(children):
            last = i == len(children) - 1
            label = " ".join([name, *_details(child)])
            yield f"{indent}{'└──' if last else '├──'} {label}"
            yield from self._lines(child, (*above, node), indent + ("    " if last else "│   "))

    def __repr__(self) -> str:
        return "\n".join([self._root_name(), *self._lines(self.group, (), " ")])

    def _html(self, name: str, node: Any, above: tuple[Any, ...]) -> str:
        details = html.escape(" ".join(_details(node)))
        label = f"<b>{html.escape(name)}</b>"
        if details:
            label = f"<span>{html.escape(name)}</span> <i>{details}</i>"
        children = self._children(node, above)
        if not children:
            return f'<li class="end">{label}</li>'
        inside = "".join(self._html(n, child, (*above, node)) for n, child in children)
        opened = " open" if self.expand or not above else ""
        return f"<li><details{opened}><summary>{label}</summary><ul>{inside}</ul></details></li>"

    def _repr_html_(self) -> str:
        tree = self._html(self._root_name(), self.group, ())
        return f'<div class="zarr-tree"><style>{_TREE_STYLE}</style><ul>{tree}</ul></div>'

    def _widget(self) -> Any:
        """Return the tree as a widget of ipytree, or None without that package."""
        try:
            import ipytree
        except ImportError:
            return None

        def node_of(name: str, node: Any, above: tuple[Any, ...]) -> Any:
            below = [node_of(n, c, (*above, node)) for n, c in self._children(node, above)]
            return ipytree.Node(
                " ".join([name, *_details(node)]),
                below,
                opened=self.expand or not above,
                icon="table" if _is_leaf(node) else "folder",
                disabled=True,
            )

        return ipytree.Tree([node_of(self._root_name(), self.group, ())])

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        widget = self._widget()
        if widget is None:
            return {"text/plain": repr(self), "text/html": self._repr_html_()}
        bundle = widget._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        # Where widgets do not work, in a page made from the notebook, the HTML does.
        return {**data, "text/plain": repr(self), "text/html": self._repr_html_()}, metadata


def _is_leaf(node: Any) -> bool:
    # Asked of the class: a group of ours would look for a member of that name.
    return hasattr(type(node), "shape") or not hasattr(type(node), "items")


def _details(node: Any) -> list[str]:
    return [str(node.shape), str(node.dtype)] if hasattr(type(node), "shape") else []


def array_info(array: Any) -> list[tuple[str, str]]:
    """Return the lines of an array's report as pairs of strings."""
    items: list[tuple[str, Any]] = [("Name", array.name)] if array.name else []
    items += [
        ("Type", type_name(array)),
        ("Data type", array.dtype),
        ("Shape", array.shape),
        ("Chunk shape", array._current.chunks),
        *([("Shard shape", shards)] if (shards := array._current.grid.shards) else []),
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
