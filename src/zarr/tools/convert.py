"""Converting whole hierarchies from one version of the format to another.

Chunks stay where and what they are wherever both versions can say how to read them. An
interruption is harmless because of the order of things: new chunks are written first, then
new documents from the bottom up; only then old documents are deleted from the top down, and
old chunks last. So a reader of the root finds either all of the old or all of the new.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any, Literal, TypeAlias

import numpy as np

from zarr import _formats
from zarr._chunks.chunk_keys import ChunkKeyEncoder
from zarr._codecs.codec_names import step_from
from zarr._codecs.pipeline import CodecPipeline
from zarr._formats.base import Format, NodeKind, dump_json, join
from zarr._formats.documents import load_json
from zarr._metadata.foreign_dtypes import JSON
from zarr._metadata.records import ArrayMeta, ChunkKeys
from zarr._metadata.v3_data_types import byte_ordered, is_foreign
from zarr._selection.grid import Grid
from zarr._wording import counted
from zarr.core import Array
from zarr.errors import (
    ContainsArrayError,
    ContainsGroupError,
    ConversionError,
    PathNotFoundError,
)
from zarr.storage.base import BaseStore, Buffer, Separator
from zarr.storage.consolidated import METADATA_KEY, dump_copies
from zarr.storage.nodes import remove_node, require_parents, warn_of_reserved_names
from zarr.tools.copy import Log, Reporter, Result
from zarr.tools.progress import Progress, Tracker
from zarr.tools.transfer import copy_data

__all__ = ["convert"]

Meta: TypeAlias = Any
"""`ArrayMeta` or `GroupMeta`."""

Chunks: TypeAlias = Literal["stay", "move", "rewrite"]
"""Whether the chunks of an array stay, are copied to other keys, or are encoded again."""

Place: TypeAlias = tuple[str, NodeKind, ArrayMeta | None]
"""Path and kind of a node, and what an array is."""

_SEPARATORS: tuple[Separator, ...] = (".", "/")
_WRITABLE = (_formats.DEFAULT, _formats.NAMED)
_OPT_IN = "; rewrite_chunks=True rewrites its chunks"
_LAST_RESORT = (step_from("compressor", {"id": "zstd", "level": 0}),)
_OBJECT_STEPS = ("vlen-utf8", "vlen-bytes")


@dataclass(frozen=True, slots=True)
class _End:
    """A place that a conversion goes from or to."""

    store: BaseStore
    format: Format
    path: str

    def attrs_key(self, kind: NodeKind, path: str) -> str | None:
        """Return the key of the attributes of a node, None if its own document has them."""
        key = self.format.attrs_key(path)
        return None if key == self.format.node_key(kind, path) else key

    def nodes(self) -> Iterator[tuple[str, NodeKind, Mapping[str, Buffer]]]:
        """Yield path and kind of each node, and documents with its own among them."""
        for found in self.format.documents(self.store, self.path):
            for place in dict.fromkeys(key.rpartition("/")[0] for key in found):
                if (kind := self.format.kind_of(found, place)) is not None:
                    yield place, kind, found


@dataclass(slots=True)
class _Node:
    """A group or an array to be converted.

    Attributes
    ----------
    path, place : str
        Where it is, and where it is to be.
    kind : {'array', 'group'}
    old : Buffer
        Its document.
    documents : dict
        What is to be written by key, the document of the node itself last.
    meta : ArrayMeta or None
        Of the new array; None for a group.
    chunks : {'stay', 'move', 'rewrite'}
    reason : str
        Why chunks are encoded again.
    """

    path: str
    place: str
    kind: NodeKind
    old: Buffer
    documents: dict[str, bytes]
    meta: ArrayMeta | None = None
    chunks: Chunks = "stay"
    reason: str = ""

    @property
    def key(self) -> str:
        """The key of its new document."""
        return list(self.documents)[-1]

    @property
    def depth(self) -> int:
        """How many groups it is in."""
        return _depth(self.place)

    @property
    def label(self) -> str:
        """What to call it in the log."""
        if self.meta is None:
            return f"/{self.path}"
        what = {
            "stay": "",
            "move": "; chunks are copied",
            "rewrite": "; chunks are encoded again: ",
        }
        return f"/{self.path} {self.meta.shape} {self.meta.dtype}{what[self.chunks]}{self.reason}"


def convert(
    store: BaseStore,
    zarr_format: int,
    dest: BaseStore | None,
    path: str,
    dest_path: str,
    rewrite_chunks: bool,
    overwrite: bool,
    dry_run: bool,
    log: Log,
    progress: Progress | None,
) -> Result:
    """Convert the hierarchy at `path`; see `zarr.convenience.convert`."""
    target = _formats.by_version(zarr_format, "zarr_format")
    if target not in _WRITABLE:
        known = " or ".join(str(format.version) for format in _WRITABLE)
        raise ValueError(f"zarr_format must be {known} to convert to, not {zarr_format!r}")
    origin = _End(store, _format_at(store, path), path)
    in_place = dest is None
    goal = _End(store, target, path) if dest is None else _End(dest, target, dest_path)
    with Reporter(log, dry_run) as reporter:
        nodes: list[_Node] = []
        skipped = nbytes = 0
        if origin.format is not target:
            plan = _Plan(origin, goal, in_place, rewrite_chunks)
            plan.check_room(overwrite)
            nodes = plan.nodes()
            warn_of_reserved_names(target, [node.place for node in nodes])
            for node in nodes:
                reporter.say(f"convert {node.label}")
            if not dry_run:
                nbytes = _write(origin, goal, nodes, overwrite, Tracker(progress))
            places = [(node.place, node.kind, node.meta) for node in nodes]
        elif not in_place:
            raise ValueError(
                f"{path!r} is in version {target.version} of the format already; "
                "zarr.copy_store copies it"
            )
        else:
            places = _converted_nodes(goal)
            skipped = len(places)
        if in_place:
            others = (format for format in _WRITABLE if format is not target)
            for other in others:
                old = _End(store, other, path)
                _delete(_old_documents(old, places), store, dry_run, reporter)
            if rewrite_chunks:
                _delete(_old_chunks(goal, places), store, dry_run, reporter)
        reporter.say(
            f"{'dry run' if dry_run else 'all done'}: {len(nodes):,} converted, "
            f"{skipped:,} skipped, {counted(nbytes, 'byte', spec=',')} of chunks copied"
        )
    return len(nodes), skipped, nbytes


def _depth(path: str) -> int:
    """Return how many groups the node at `path` is in."""
    return path.count("/") + bool(path)


def _format_at(store: BaseStore, path: str) -> Format:
    """Return the format of what opening `path` finds."""
    for format in _formats.FORMATS:
        if format.kind(store, path) is not None:
            break
    else:
        raise PathNotFoundError.absent_from(store, path)
    if format not in _WRITABLE:
        raise ValueError(
            f"{path!r} is in version {format.version} of the format, which cannot be converted; "
            "zarr.copy_all copies a group to another version, and zarr.storage.migrate_1to2 "
            "converts an array of version 1 to version 2"
        )
    return format


# -- what is to be done ------------------------------------------------------------------


class _Plan:
    """What a conversion is to write."""

    def __init__(self, origin: _End, goal: _End, in_place: bool, rewrite_chunks: bool) -> None:
        self.origin, self.goal = origin, goal
        self.in_place = in_place
        self.rewrite_chunks = rewrite_chunks

    def check_room(self, overwrite: bool) -> None:
        """Raise unless there is room for the result."""
        origin, goal = self.origin, self.goal
        for end in (origin, goal):
            if end.store.is_view:
                raise ValueError(
                    f"{end.store!r} presents another format as Zarr; "
                    "zarr.copy_all copies between it and other stores"
                )
        if self.in_place:
            parent = origin.path.rpartition("/")[0]
            origin.store.check_writeable()
            if not origin.store.is_erasable():
                raise ValueError(f"nothing can be deleted in {origin.store!r}; give another `dest`")
            if origin.path and origin.format.kind(origin.store, parent) is not None:
                raise ValueError(
                    f"{origin.path!r} is in the group {parent!r} of version "
                    f"{origin.format.version}, whose members have that version; convert the "
                    "whole hierarchy, or give another `dest`"
                )
            return
        if origin.store.location == goal.store.location:
            one, other = (f"/{end.path}/".replace("//", "/") for end in (origin, goal))
            if one.startswith(other) or other.startswith(one):
                raise ValueError(f"dest_path {goal.path!r} overlaps with path {origin.path!r}")
        there = None if overwrite else _formats.kind(goal.store, goal.path)
        if there is not None:
            error = ContainsArrayError if there == "array" else ContainsGroupError
            raise error(goal.path, repr(goal.store), "replace it with overwrite=True")

    def nodes(self) -> list[_Node]:
        """Return what is to be written, groups before their members.

        Raises
        ------
        ConversionError
            If a node cannot be converted.
        """
        nodes: list[_Node] = []
        problems: dict[str, str] = {}
        for path, kind, found in self.origin.nodes():
            try:
                nodes.append(self._node(path, kind, found))
            except ValueError as error:
                problems[path] = str(error)
        if problems:
            raise ConversionError(problems)
        nodes.sort(key=lambda node: node.depth)
        self._consolidate(nodes)
        for node in nodes:
            for key, document in node.documents.items():
                self.goal.store.check_document(key, document)
        return nodes

    def _node(self, path: str, kind: NodeKind, found: Mapping[str, Buffer]) -> _Node:
        source, target = self.origin.format, self.goal.format
        below = path[len(self.origin.path) :].lstrip("/")
        place = join(self.goal.path, below) if below else self.goal.path
        if place and target.is_document(place):
            raise ValueError(f"version {target.version} of the format reserves this name")
        key = source.node_key(kind, path)
        old = found[key]
        if self.in_place and source.seal_of(old, key) is not None:
            raise ValueError("it is sealed; call zarr.unseal before and zarr.seal afterwards")
        meta = _parse(source, kind, old)
        if isinstance(meta, ArrayMeta):
            store = self.origin.store
            meta = source.in_store(meta, store, path, store._dimension_separator)
        attrs_key = self.origin.attrs_key(kind, path)
        if attrs_key is not None:
            attributes = (
                source.parse_attrs(found[attrs_key], attrs_key) if attrs_key in found else None
            )
            meta = replace(meta, attributes=attributes)
        node = _Node(path, place, kind, old, {})
        if kind == "array":
            document = self._array(node, meta)
        else:
            earlier = _earlier(source, target, kind, old, meta)
            document = _new_document(source, target, kind, old, meta, earlier)
        attributes = _adopt(target, _free(source, meta)).attributes
        attrs_key = self.goal.attrs_key(kind, place)
        if attrs_key is not None and attributes is not None:
            node.documents[attrs_key] = target.dump_attrs(attributes, None)
        node.documents[target.node_key(kind, place)] = document
        return node

    def _array(self, node: _Node, meta: ArrayMeta) -> bytes:
        """Find out what becomes of the chunks of an array; return its new document."""
        source, target = self.origin.format, self.goal.format
        earlier = _earlier(source, target, "array", node.old, meta)
        may_move = self.rewrite_chunks or not self.in_place
        if earlier is not None and not (earlier.holds and (may_move or earlier.has_keys_of(meta))):
            if self.rewrite_chunks and _same_items(earlier.meta, meta):
                node.chunks, node.reason, node.meta = "rewrite", "as they were before", earlier.meta
                return earlier.document
            earlier = replace(earlier, holds=False)
        try:
            document = _new_document(source, target, "array", node.old, meta, earlier)
            node.meta = target.parse_array(document, target.array_key(node.place))
            _check_alike(meta, node.meta)
        except Exception as error:  # noqa: BLE001  codecs may raise anything
            node.reason = str(error).partition("; use zarr_format")[0]
        else:
            if _keys_of(node.meta) == _keys_of(meta):
                return document
            node.chunks = "move"
            if not may_move:
                raise ValueError(
                    f"version {target.version} of the format has other chunk keys{_OPT_IN}"
                )
            return document
        node.chunks = "rewrite"
        document = self._rewritten(node, meta)
        if not self.rewrite_chunks:
            raise ValueError(f"{node.reason}{_OPT_IN}")
        node.meta = target.parse_array(document, target.array_key(node.place))
        return target.with_original(document, dump_json(source.kept_members(node.old))) or document

    def _rewritten(self, node: _Node, meta: ArrayMeta) -> bytes:
        """Return the document of an array like the old one, in which chunks are encoded again."""
        source, target = self.origin.format, self.goal.format
        for simpler in _simpler(meta):
            for keys in self._free_keys(meta):
                new = replace(_adopt(target, _free(source, simpler)), keys=keys)
                with suppress(Exception):  # codecs may raise anything
                    document = target.dump_array(new)
                    read = target.parse_array(document, target.array_key(node.place))
                    _check_alike(read, read)
                    return document
        raise ValueError(node.reason)

    def _free_keys(self, meta: ArrayMeta) -> Iterator[ChunkKeys]:
        """Yield keys for chunks; in place none that old chunks have."""
        taken = _keys_of(meta)
        ndim = len(meta.shape)
        wanted = meta.keys.separator if meta.keys.stated else None
        for separator in (wanted, None, *_SEPARATORS):
            keys = self.goal.format.chunk_keys(separator, ndim)
            if not self.in_place or _keys_of(replace(meta, keys=keys)) != taken:
                yield keys

    def _consolidate(self, nodes: Sequence[_Node]) -> None:
        """Add consolidated metadata where there are some."""
        store, source = self.origin.store, self.origin.format
        groups = [node for node in nodes if node.kind == "group"]
        if source.carries_copies:
            having = [n for n in groups if source.inline_documents(n.old, n.key) is not None]
        else:
            keys = {join(node.path, METADATA_KEY): node for node in groups}
            found = store.getitems([*keys, METADATA_KEY])
            having = [node for key, node in keys.items() if key in found]
            if METADATA_KEY in found and groups and groups[0] not in having:
                having.append(groups[0])
        documents = {key: text for node in nodes for key, text in node.documents.items()}
        for node in having:
            own_key = node.key
            prefix = own_key[: len(node.place)] + "/" * bool(node.place)
            below = {key: text for key, text in documents.items() if key.startswith(prefix)}
            own = node.documents.pop(own_key)
            inline = self.goal.format.with_inline_documents(own, own_key, below)
            if inline is None:
                copies = {key[len(prefix) :]: text for key, text in below.items()}
                node.documents[prefix + METADATA_KEY] = dump_copies(copies)
            node.documents[own_key] = own if inline is None else inline


def _keys_of(meta: ArrayMeta) -> str:
    """Return what tells the keys of chunks from others."""
    table = ChunkKeyEncoder(meta.keys.prefix, meta)
    return table.key((0,) * len(meta.shape))


def _simpler(meta: ArrayMeta) -> Iterator[ArrayMeta]:
    """Yield what arrays with the same items could be that more formats can say."""
    old, fill = meta.dtype, meta.fill_value
    dtype = old if old.hasobject else byte_ordered(old, "little")
    if fill is not None and not dtype.hasobject:
        fill = np.asarray(fill, old).astype(dtype)[()]
    meta = replace(
        meta, dtype=dtype, fill_value=fill, grid=Grid(meta.grid.largest), sharding=None, stated={}
    )
    objects = tuple(step for step in meta.steps if step.name in _OBJECT_STEPS)
    compressors = tuple(step for step in meta.steps if step.role == "compressor")
    if dtype == old:
        yield meta  # filters have a byte order of their own
    yield replace(meta, steps=objects + compressors)
    yield replace(meta, steps=objects + _LAST_RESORT)


def _check_alike(old: ArrayMeta, new: ArrayMeta) -> None:
    """Raise `ValueError` unless chunks that one has encoded are decoded by the other."""
    if old.grid != new.grid:
        raise ValueError("its shards cannot be read without those around them")
    # Documents that look alike may differ in what they mean: a chunk in which something
    # is in every place shows it.
    small = tuple(min(length, 3) for length in old.grid.largest)
    writer, reader = (CodecPipeline(replace(meta, grid=Grid(small))) for meta in (old, new))
    with np.errstate(all="ignore"):
        try:
            encoded = writer.encode(np.asarray(_sample(old, small, 200), order=old.order))
        except Exception:  # noqa: BLE001  a filter may have no room for large differences
            encoded = writer.encode(np.asarray(_sample(old, small, 1), order=old.order))
        if not np.array_equal(writer.decode(encoded), reader.decode(encoded)):
            raise ValueError("the same codecs encode differently there")


def _sample(meta: ArrayMeta, shape: tuple[int, ...], step: int) -> np.ndarray[Any, Any]:
    """Return a small chunk with something different in all places."""
    count, dtype = int(np.prod(shape)), meta.dtype
    if dtype.hasobject:
        is_text = any(codec.name == "vlen-utf8" for codec in meta.steps)
        items = np.empty(count, object)
        items[:] = [f"{n}" if is_text else f"{n}".encode() for n in range(count)]
        return items.reshape(shape)
    if dtype.kind in "SV" and not is_foreign(dtype):
        octets = np.arange(count * dtype.itemsize) % 100 + 1
        return octets.astype("u1").view(dtype).reshape(shape)
    numbers = np.arange(1, 1 + count) * (1 if dtype.kind == "U" else step)
    return (numbers % 3 if dtype.kind == "b" else numbers).astype(dtype).reshape(shape)


# -- documents ---------------------------------------------------------------------------


def _parse(format: Format, kind: NodeKind, document: Buffer) -> Meta:
    parse = format.parse_array if kind == "array" else format.parse_group
    return parse(document, format.node_key(kind, ""))


def _dump(format: Format, meta: Meta) -> bytes:
    return format.dump_array(meta) if isinstance(meta, ArrayMeta) else format.dump_group(meta)


def _free(format: Format, meta: Meta) -> Meta:
    return format.freed(meta) if isinstance(meta, ArrayMeta) else format.freed_group(meta)


def _adopt(format: Format, meta: Meta) -> Meta:
    return format.adopted(meta) if isinstance(meta, ArrayMeta) else format.adopted_group(meta)


@dataclass(frozen=True, slots=True)
class _Earlier:
    """What a node was before an earlier conversion, with its present shape and attributes.

    Attributes
    ----------
    meta : ArrayMeta or GroupMeta
    document : bytes
    holds : bool
        Whether the present document still says the same.
    """

    meta: Meta
    document: bytes
    holds: bool

    def has_keys_of(self, meta: ArrayMeta) -> bool:
        """Tell whether its chunks were where those of `meta` are."""
        return _keys_of(self.meta) == _keys_of(meta)


def _earlier(
    source: Format, target: Format, kind: NodeKind, old: Buffer, meta: Meta
) -> _Earlier | None:
    """Return what the node with the document `old` was in the format `target`, if known.

    Parameters
    ----------
    meta : ArrayMeta or GroupMeta
        What `old` says, and the attributes.
    """
    original = source.original_of(old)
    if original is None:
        return None
    shape = {"shape": list(meta.shape)} if isinstance(meta, ArrayMeta) else {}
    try:
        before = _parse(target, kind, dump_json({**original, **shape}))
        before = _with_present_attributes(before, meta, _adopt(target, _free(source, meta)))
        document = target.renewed(original, before)
        now = source.kept_members(_dump(source, _adopt(source, _free(source, meta))))
    except ValueError:
        return None
    return _Earlier(before, document, _says(source, target, before, now))


def _with_present_attributes(before: Meta, meta: Meta, new: Meta) -> Meta:
    """Return `before` with the attributes, and names of dimensions, that the node has now.

    Where one format has an attribute for what the other has a member for, they are arranged as
    they were.

    Parameters
    ----------
    meta, new : ArrayMeta or GroupMeta
        The node in the present format, and as it would be in the other without `before`.
    """
    own, now, free = (one.attributes or {} for one in (before, meta, new))
    kept = {name: now[name] for name in own if name in now and name not in free}
    before = replace(before, attributes={**free, **kept} if kept else new.attributes)
    if not isinstance(before, ArrayMeta):
        return before
    is_attribute = kept and before.dimension_names is None
    return replace(before, dimension_names=None if is_attribute else new.dimension_names)


def _new_document(
    source: Format,
    target: Format,
    kind: NodeKind,
    old: Buffer,
    meta: Meta,
    earlier: _Earlier | None,
) -> bytes:
    """Return the document of `target` for a node of `source` with the document `old`."""
    new = _adopt(target, _free(source, meta))
    if earlier is not None:
        if earlier.holds:
            return earlier.document
        new = replace(new, attributes=earlier.meta.attributes)
        if isinstance(new, ArrayMeta):
            new = replace(new, dimension_names=earlier.meta.dimension_names)
    document = _dump(target, new)
    back = replace(_parse(target, kind, document), attributes=new.attributes)
    members = source.kept_members(old)
    if not _says(source, target, back, members):
        document = target.with_original(document, dump_json(members)) or document
    return document


def _says(source: Format, target: Format, back: Meta, members: JSON) -> bool:
    try:
        return bool(load_json(_dump(source, _adopt(source, _free(target, back))), "") == members)
    except ValueError:
        return False


def _same_items(one: ArrayMeta, other: ArrayMeta) -> bool:
    """Tell whether two arrays hold the same kind of items, and the same where nothing is stored."""
    dtypes = [
        meta.dtype if meta.dtype.hasobject else byte_ordered(meta.dtype, "little")
        for meta in (one, other)
    ]
    if dtypes[0] != dtypes[1] or None in (one.fill_value, other.fill_value):
        return False
    if dtypes[0].hasobject:
        return bool(one.fill_value == other.fill_value)
    fills = (np.asarray(meta.fill_value, meta.dtype).astype(dtypes[0]) for meta in (one, other))
    return len({fill.tobytes() for fill in fills}) == 1


# -- writing and deleting ------------------------------------------------------------------


def _write(
    origin: _End, goal: _End, nodes: Sequence[_Node], overwrite: bool, tracker: Tracker
) -> int:
    """Write what is planned, from the bottom up; return the bytes of chunks that were copied."""
    apart = origin.store is not goal.store or origin.path != goal.path
    if apart and overwrite:
        remove_node(goal.store, goal.path, goal.format)
    nbytes = 0
    moved = [node for node in nodes if node.meta is not None and (apart or node.chunks != "stay")]
    tracker.expect(_source(origin, node) for node in moved)
    for node in moved:
        nbytes += _copy_chunks(origin, goal, node, tracker)
    if apart:
        require_parents(goal.store, goal.path, goal.format)
    for _, level in groupby(reversed(nodes), key=lambda node: node.depth):
        batch = list(level)
        own = {node.key: node.documents[node.key] for node in batch}
        more = {key: text for node in batch for key, text in node.documents.items()}
        # Who finds a node's own document must find its attributes, too.
        goal.store.setitems({key: text for key, text in more.items() if key not in own})
        goal.store.setitems(own)
    return nbytes


def _source(origin: _End, node: _Node) -> Array:
    old = (origin.format, origin.format.array_key(node.path), node.old)
    return Array._of(old, origin.store, node.path, read_only=True)


def _copy_chunks(origin: _End, goal: _End, node: _Node, tracker: Tracker) -> int:
    new = (goal.format, node.key, node.documents[node.key])
    source = _source(origin, node)
    target = Array._of(new, goal.store, node.place)
    # What an interrupted conversion has left may be chunks that the source no longer has.
    goal.store.delitems([key for key, _ in target._engine.stored()])
    is_encoded = node.chunks != "rewrite"
    nbytes = copy_data(source, target, is_encoded, partial(tracker.part, source))
    tracker.finish(source)
    return nbytes


def _converted_nodes(goal: _End) -> list[Place]:
    """Return the nodes of a hierarchy that is converted already, groups before their members."""
    places: list[Place] = []
    for path, kind, found in goal.nodes():
        key = goal.format.node_key(kind, path)
        meta = goal.format.parse_array(found[key], key) if kind == "array" else None
        places.append((path, kind, meta))
    return sorted(places, key=lambda place: _depth(place[0]))


def _old_documents(old: _End, places: Sequence[Place]) -> Iterator[list[str]]:
    """Yield the keys of documents that have been replaced, in the order of deleting."""
    root = places[0][0]
    by_depth = groupby(places, key=lambda place: _depth(place[0]))
    for _, level in by_depth:
        batch = list(level)
        keys = {old.format.node_key(kind, path): path for path, kind, _ in batch}
        found = old.store.getitems(list(keys))
        # Another format may have a document of the same name.
        yield [key for key in found if old.format.kind_of(found, keys[key]) is not None]
        more = [old.attrs_key(kind, path) for path, kind, _ in batch]
        if not old.format.carries_copies:
            more += [join(path, METADATA_KEY) for path, kind, _ in batch if kind == "group"]
            if root and batch[0][0] == root:
                more.append(METADATA_KEY)
        yield old.store.present([key for key in more if key is not None])


def _old_chunks(goal: _End, places: Sequence[Place]) -> Iterator[list[str]]:
    """Yield the keys of chunks that other arrays had in the places of these."""
    for path, _, meta in places:
        if meta is None:
            continue
        ndim = len(meta.shape)
        own = _table(goal, path, meta, meta.keys)
        others = [
            _table(goal, path, meta, format.chunk_keys(separator, ndim, encoding))
            for format in _WRITABLE
            for separator in _SEPARATORS
            for encoding in (None, "v2")
        ]
        yield [
            key
            for key in goal.store.list_prefix(path)
            if own.place(key) is None and any(other.place(key) is not None for other in others)
        ]


def _table(goal: _End, path: str, meta: ArrayMeta, keys: ChunkKeys) -> ChunkKeyEncoder:
    meta = replace(meta, keys=keys)
    return ChunkKeyEncoder(goal.format.chunk_prefix(path, meta), meta)


def _delete(
    batches: Iterable[list[str]], store: BaseStore, dry_run: bool, reporter: Reporter
) -> None:
    for keys in batches:
        for key in keys:
            reporter.say(f"delete {key}")
        if keys and not dry_run:
            store.delitems(keys)
