"""Summaries of arrays, groups and hierarchies as text and as HTML."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from zarr import _formats
from zarr._codecs.codec_names import codec_from
from zarr._metadata.records import Step
from zarr.errors import MetadataError

__all__ = [
    "Info",
    "TreeViewer",
    "array_html",
    "array_info",
    "group_html",
    "group_info",
    "human_size",
    "rounded_size",
    "type_name",
]


class _Informative(Protocol):
    @property
    def zarr_format(self) -> int | str: ...

    def info_items(self) -> list[tuple[str, str]]: ...


def type_name(obj: object) -> str:
    """Return module and name of the class of `obj`."""
    return f"{type(obj).__module__}.{type(obj).__name__}"


def human_size(size: int) -> str:
    """Return a number of bytes, with a rounded one in a larger unit behind it.

    Examples
    --------
    >>> from zarr._nodes.display import human_size
    >>> human_size(33240)
    '33240 (32.5K)'
    """
    return str(size) if size < 1024 else f"{size} ({rounded_size(size)})"


def rounded_size(size: int) -> str:
    """Return a number of bytes in the largest unit that it fills.

    Examples
    --------
    >>> from zarr._nodes.display import rounded_size
    >>> rounded_size(33240)
    '32.5K'
    """
    for unit, power in (("P", 50), ("T", 40), ("G", 30), ("M", 20), ("K", 10)):
        if size >= 1 << power:
            return f"{size / (1 << power):.1f}{unit}"
    return str(size)


_FIELDS = {
    "_zarr_format": "zarr_format", "_shape": "shape", "_chunk_shape": "chunks",
    "_shard_shape": "shards", "_fill_value": "fill_value", "_order": "order",
    "_read_only": "read_only", "_filters": "filters", "_serializer": "serializer",
    "_compressors": "compressors",
}  # fmt: skip


class Info:
    """The summary of an array or group: text when printed, a table in notebooks.

    Parameters
    ----------
    obj : Array or Group
        The array or group to describe, by its method `info_items`.
    """

    def __init__(self, obj: _Informative) -> None:
        self.obj = obj

    def __getattr__(self, name: str) -> Any:
        # Fields of that of the 3.x library, which clients look at although they are private.
        if name in _FIELDS:
            return getattr(self.obj, _FIELDS[name])
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        items = self.obj.info_items()
        width = max(len(label) for label, _ in items)
        wrap = textwrap.TextWrapper(width=80, subsequent_indent=f"{'':{width}} : ")
        lines = [wrap.fill(f"{label:<{width}} : {value}") for label, value in items]
        return "\n".join(lines) + "\n"

    def _repr_html_(self) -> str:
        return table(self.obj.info_items())


# Notebooks and the sites that show them drop style sheets, or have stronger ones of their own:
# each element carries its style. Colors come from the page, so that light and dark pages
# look right alike.
_FONT = "font:13px/1.5 ui-monospace,monospace;color:inherit"
_CELL = (
    "text-align:left;vertical-align:top;padding:1px 1.2em 1px 0;border:0;background:none;"
    "color:inherit"
)
_LABEL = f"{_CELL};font-weight:normal;white-space:nowrap;opacity:.65"
_LEVEL = (
    "list-style:none;margin:0 0 0 .35em;padding:0 0 0 1em;"
    "border-left:1px solid rgba(128,128,128,.4)"
)


def table(items: Iterable[tuple[str, str]], title: str = "") -> str:
    """Return an HTML table with a label and a value in each row."""
    rows = "".join(
        f'<tr style="background:none"><th style="{_LABEL}">{html.escape(label)}</th>'
        f'<td style="{_CELL}">{html.escape(value)}</td></tr>'
        for label, value in items
    )
    above = f'<b style="font-weight:600">{html.escape(title)}</b>' if title else ""
    return (
        f'<div class="zarr-info" style="{_FONT}">{above}'
        f'<table style="border-collapse:collapse;margin:0;{_FONT}"><tbody>{rows}</tbody></table>'
        "</div>"
    )


class TreeViewer:
    """The hierarchy below a group: a tree when printed, nested lists that open in notebooks.

    The HTML needs no scripts, so that it is also shown in saved notebooks and exported pages.

    Parameters
    ----------
    group : Group or h5py.Group
        The group to show.
    expand : bool, default False
        Whether all groups are open in the HTML.
    level : int, optional
        Maximum depth. Unlimited by default.
    max_nodes : int, optional
        Maximum number of arrays and groups to show, those of least depth. Unlimited by default.
    plain : bool, default False
        Whether to show plain text in notebooks, too.
    """

    def __init__(
        self,
        group: Any,
        expand: bool = False,
        level: int | None = None,
        *,
        max_nodes: int | None = None,
        plain: bool = False,
    ) -> None:
        self.group = group
        self.expand = expand
        self.level = level
        self.max_nodes = max_nodes
        self.plain = plain

    def _root_name(self) -> str:
        return (self.group.name or "/").rpartition("/")[2] or "/"

    def _is_closed(self, node: Any, above: tuple[Any, ...]) -> bool:
        """Tell whether the members of `node`, which is `above`'s member, are left out."""
        # In HDF5, links can lead nowhere, or back to where one came from.
        return (
            _is_leaf(node) or (self.level is not None and len(above) >= self.level) or node in above
        )

    def _shown(self) -> _Branch:
        """Return the group with what is to be shown below it."""
        root = _Branch(self._root_name(), self.group, ())
        left = math.inf if self.max_nodes is None else max(self.max_nodes, 0)
        level = [root]
        while level:
            below: list[_Branch] = []
            for branch in level:
                if not self._is_closed(branch.node, branch.above):
                    members, is_whole = _some_members(branch.node, left)
                    above = (*branch.above, branch.node)
                    branch.branches = [_Branch(name, node, above) for name, node in members]
                    root.is_whole &= is_whole
                    left -= len(members)
                    below += branch.branches
            level = below
        return root

    def _lines(
        self, branches: list[_Branch], indent: str, signs: tuple[str, str, str]
    ) -> Iterable[str]:
        sign, end, trunk = signs
        for i, branch in enumerate(branches):
            last = i == len(branches) - 1
            yield f"{indent}{end if last else sign} {branch.label}"
            below = indent + (" " * len(trunk) if last else trunk)
            yield from self._lines(branch.branches, below, signs)

    def _text(self, *signs: str) -> str:
        root = self._shown()
        lines = self._lines(root.branches, " ", signs)  # type: ignore[arg-type]
        return "\n".join([root.name, *lines, *self._omission(root)])

    def _omission(self, root: _Branch) -> list[str]:
        return [] if root.is_whole else [f"... more than max_nodes={self.max_nodes}"]

    def __repr__(self) -> str:
        return self._text("├──", "└──", "│   ")

    def __bytes__(self) -> bytes:
        """Return the tree in ASCII."""
        return self._text("+--", "+--", "|   ").encode("ascii", "backslashreplace")

    def _html(self, branch: _Branch) -> str:
        details = html.escape(" ".join(_details(branch.node)))
        label = f"<b>{html.escape(branch.name)}</b>"
        if details:
            faint = '<i style="font-style:normal;opacity:.65">'
            label = f"<span>{html.escape(branch.name)}</span> {faint}{details}</i>"
        if not branch.branches:
            return f'<li style="margin:0;padding-left:1.05em">{label}</li>'
        inside = "".join(map(self._html, branch.branches))
        opened = " open" if self.expand or not branch.above else ""
        return (
            f'<li style="margin:0"><details{opened}><summary style="cursor:pointer">{label}'
            f'</summary><ul style="{_LEVEL}">{inside}</ul></details></li>'
        )

    def _repr_html_(self) -> str | None:
        if self.plain:
            return None
        root = self._shown()
        below = "".join(f"<div>{html.escape(line)}</div>" for line in self._omission(root))
        top = "list-style:none;margin:0;padding:0"
        return (
            f'<div class="zarr-tree" style="{_FONT}"><ul style="{top}">{self._html(root)}</ul>'
            f"{below}</div>"
        )

    def widget(self) -> Any:
        """Return the tree as a widget of the package ``ipytree``.

        Notebooks show the HTML by default: where widgets do not run, as in exported pages, a
        widget is blank.

        Returns
        -------
        ipytree.Tree
            The widget.

        Raises
        ------
        ImportError
            If the package is not installed.
        """
        import ipytree

        def node_of(branch: _Branch) -> Any:
            return ipytree.Node(
                branch.label,
                list(map(node_of, branch.branches)),
                opened=self.expand or not branch.above,
                icon="table" if _is_leaf(branch.node) else "folder",
                disabled=True,
            )

        return ipytree.Tree([node_of(self._shown())])


@dataclass
class _Branch:
    """A node as a tree shows it.

    Attributes
    ----------
    name : str
    node : Array, Group, or one of h5py
    above : tuple of nodes
        Those on the way to it.
    branches : list of _Branch
        Its members that are shown.
    is_whole : bool
        Of the topmost one, whether no member is left out for the number of nodes.
    """

    name: str
    node: Any
    above: tuple[Any, ...]
    branches: list[_Branch] = field(default_factory=list)
    is_whole: bool = True

    @property
    def label(self) -> str:
        """Its name, and what an array is."""
        return " ".join([self.name, *_details(self.node)])


@dataclass(frozen=True)
class _Unreadable:
    """A member that cannot be opened."""

    reason: str


def _members(group: Any) -> list[tuple[str, Any]]:
    """Return names and members of a group; one that cannot be opened does not hide the others."""
    try:
        return list(group.items())
    except (ValueError, OSError):
        names = _all_names(group)
    members = ((name, _opened(group, name)) for name in names)
    return [(name, member) for name, member in members if member is not None]


def _some_members(group: Any, most: float) -> tuple[list[tuple[str, Any]], bool]:
    """Return the first members of a group by their names, and whether these are all."""
    if most == math.inf:
        return sorted(_members(group), key=lambda item: item[0]), True
    names = sorted(_all_names(group))
    members = ((name, _opened(group, name)) for name in names[: int(most)])
    return [(name, node) for name, node in members if node is not None], len(names) <= most


def _all_names(group: Any) -> list[str]:
    """Return all names in a group, which may be such as no member has."""
    if hasattr(type(group), "_all_names"):  # h5py's has none
        names: list[str] = group._all_names()
        return names
    return list(group)


def _opened(group: Any, name: str) -> Any:
    try:
        return group[name]
    except KeyError:
        return None
    except (ValueError, OSError) as error:
        return _Unreadable(str(error))


def _is_leaf(node: Any) -> bool:
    # Asked of the class: a Zarr group would look for a member of that name.
    return hasattr(type(node), "shape") or not hasattr(type(node), "items")


def _details(node: Any) -> list[str]:
    if isinstance(node, _Unreadable):
        return [f"(unreadable: {node.reason})"]
    return [str(node.shape), str(node.dtype)] if hasattr(type(node), "shape") else []


def array_info(array: Any) -> list[tuple[str, str]]:
    """Return the lines of an array's report as pairs of strings."""
    items = _array_items(array)
    items.append(("No. bytes", human_size(array.nbytes)))
    stored = array.nbytes_stored
    if stored > 0:
        items.append(("No. bytes stored", human_size(stored)))
        items.append(("Storage ratio", f"{array.nbytes / stored:.1f}"))
    items.append(("Chunks initialized", f"{array.nchunks_initialized}/{array.nchunks}"))
    return [(label, str(value)) for label, value in items]


def array_html(array: Any) -> str:
    """Return what a notebook shows of an array: its report without what takes long to find out."""
    items = _array_items(array, full=True)
    items += [("No. bytes", human_size(array.nbytes)), ("No. chunks", array.nchunks)]
    return table(((label, str(value)) for label, value in items), repr(array))


def _array_items(array: Any, *, full: bool = False) -> list[tuple[str, Any]]:
    """Return what the metadata of an array say.

    Reports of the 2.x library do not have the format, the fill value and the serializer. Here
    they are left out where the format is the expected one, unless `full`.
    """
    meta = array._current
    full = full or not _is_expected_format(array)
    items: list[tuple[str, Any]] = [("Name", array.name)] if array.name else []
    items.append(("Type", type_name(array)))
    items += [("Zarr format", array.zarr_format)] if full else []
    items += [("Data type", array.dtype), ("Shape", array.shape), ("Chunk shape", meta.chunks)]
    items += [("Shard shape", meta.grid.shards)] if meta.grid.shards else []
    items += [("Dimension names", names)] if (names := array.dimension_names) else []
    items.append(("Order", array.order))
    items += [("Fill value", array.fill_value)] if full else []
    items.append(("Read-only", array.read_only))
    filters = [step for step in meta.steps if step.role == "filter"]
    items += [(f"Filter [{i}]", _codec_text(step)) for i, step in enumerate(filters)]
    items += [("Serializer", _codec_text(s)) for s in meta.steps if s.role == "serializer" and full]
    compressors = [_codec_text(step) for step in meta.steps if step.role == "compressor"]
    items.append(("Compressor", ", ".join(compressors) or "None"))
    return items + _store_items(array)


def _codec_text(step: Step) -> str:
    """Return how a report shows a codec, which need not be available."""
    try:
        return repr(codec_from(step))
    except MetadataError:
        return f"{dict(step.config)} (not available)"


def group_info(group: Any) -> list[tuple[str, str]]:
    """Return the lines of a group's report as pairs of strings."""
    arrays, groups, unreadable = _sorted_members(group)
    items: list[tuple[str, Any]] = [("Name", group.name), ("Type", type_name(group))]
    items += [] if _is_expected_format(group) else [("Zarr format", group.zarr_format)]
    items += [
        ("Read-only", group.read_only),
        *_store_items(group),
        ("No. members", len(arrays) + len(groups)),
        ("No. arrays", len(arrays)),
        ("No. groups", len(groups)),
    ]
    items += [("Arrays", ", ".join(arrays))] if arrays else []
    items += [("Groups", ", ".join(groups))] if groups else []
    items += [("Unreadable", ", ".join(unreadable))] if unreadable else []
    return [(label, str(value)) for label, value in items]


def group_html(group: Any) -> str:
    """Return what a notebook shows of a group."""
    items = group_info(group)
    if _is_expected_format(group):
        items.insert(2, ("Zarr format", str(group.zarr_format)))
    return table(items, repr(group))


def _sorted_members(group: Any) -> tuple[list[str], list[str], list[str]]:
    """Return the names of the arrays in a group, of the groups, and of what cannot be opened."""
    try:
        return list(group.array_keys()), list(group.group_keys()), []
    except (ValueError, OSError):
        members = _members(group)
    unreadable = [name for name, member in members if isinstance(member, _Unreadable)]
    arrays = [name for name, member in members if _is_leaf(member) and name not in unreadable]
    return arrays, [name for name, member in members if not _is_leaf(member)], unreadable


def _is_expected_format(node: Any) -> bool:
    """Tell whether a new node in the same store would have the same format."""
    return node._format is (_formats.by_version(node._store.default_version) or _formats.DEFAULT)


def _store_items(node: Any) -> list[tuple[str, str]]:
    items = []
    if node.synchronizer is not None:
        items.append(("Synchronizer type", type_name(node.synchronizer)))
    items.append(("Store type", type_name(node.store)))
    if node.chunk_store is not node.store:
        items.append(("Chunk store type", type_name(node.chunk_store)))
    return items
