"""N5 trees, shown as version 2."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import (
    Callable,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from typing import TYPE_CHECKING, Any

import zarr._codecs.n5  # noqa: F401  registers its codecs
from zarr._formats import n5
from zarr._formats.base import dump_json, join
from zarr._formats.documents import expect_object, load_json, unreadable
from zarr._metadata.foreign_dtypes import JSON
from zarr.errors import (
    MetadataError,
    StoreKeyError,
    ZarrRuntimeWarning,
    ZarrUserWarning,
    named_after,
)
from zarr.storage.base import (
    BaseStore,
    Buffer,
    Outcome,
    Separator,
    StoreTransaction,
    as_store,
    check_key,
)
from zarr.storage.directory import DirectoryStore
from zarr.sync import KeyLocks

if TYPE_CHECKING:
    from zarr.storage.fsspec import FSStore

__all__ = ["N5FSStore", "N5Store", "N5View"]

Attributes = dict[str, JSON]

_coordinates = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+").fullmatch


def _split(key: Any) -> tuple[str, str]:
    """Return folder and name of a key."""
    if not isinstance(key, str) or key.startswith("/"):
        check_key(key)
    folder, _, name = key.rpartition("/")
    return folder, name


def _n5_key(folder: str, name: str) -> str:
    """Return the key in the N5 tree of the value `name`, a chunk or something else."""
    if name in n5.DOCUMENTS:
        name = n5.ATTRIBUTES
    elif _coordinates(name):
        name = "/".join(reversed(name.split(".")))
    return join(folder, name)


def _is_attributes(key: str) -> bool:
    return _split(key)[1] == n5.ATTRIBUTES


def _parents(path: str) -> list[str]:
    """Return the paths above `path`, the root first."""
    segments = path.split("/")[:-1] if path else []
    return ["/".join(segments[:n]) for n in range(len(segments) + 1)] if path else []


class N5View(BaseStore):
    """The N5 hierarchy in another store, presented in format 2.

    Parameters
    ----------
    store : BaseStore or MutableMapping
        The store that holds the hierarchy.

    Notes
    -----
    The documents ``.zarray``, ``.zgroup`` and ``.zattrs`` are created from the file
    ``attributes.json`` of their folder, and merged into it; changes by the threads of a process
    are not lost. Every folder with N5 data below it is a group, also without such a file. The
    dimensions of an array are in the reverse order of N5, so the chunk ``0.1.2`` is the block
    ``2/1/0``.

    N5 supports integers and floats, no filters, and no fill value but zero. Booleans,
    half-precision floats, datetimes and timedeltas are stored as by the 2.x library, with a
    warning, because no other N5 software supports them. Other arrays are refused, and nothing is
    written.

    The specification: https://github.com/saalfeldlab/n5

    Examples
    --------
    >>> import zarr
    >>> from zarr.storage.n5 import N5View
    >>> tree = zarr.MemoryStore()
    >>> z = zarr.zeros((4, 6), chunks=(2, 3), dtype='i2', store=N5View(tree), path='foo')
    >>> z[2:, :3] = 42
    >>> sorted(z.store)
    ['.zgroup', 'foo/.zarray', 'foo/1.0']
    >>> sorted(tree)
    ['attributes.json', 'foo/0/1', 'foo/attributes.json']
    """

    is_view = True
    forwards = True

    def __init__(self, store: BaseStore | MutableMapping[str, Buffer]) -> None:
        self.tree = as_store(store)
        # Facts about the store underneath are facts about this one.
        self.threads = self.tree.threads  # type: ignore[misc]
        self.atomic_folders = self.tree.atomic_folders  # type: ignore[misc]
        self.has_transactions = self.tree.has_transactions  # type: ignore[misc]

    # -- facts -----------------------------------------------------------------------

    @property
    def location(self) -> Hashable:
        return ("n5", self.tree.location)

    def address(self, path: str = "") -> tuple[Hashable, str]:
        return self.tree.address(path)

    def is_readable(self) -> bool:
        return self.tree.is_readable()

    def is_writeable(self) -> bool:
        return self.tree.is_writeable()

    def is_listable(self) -> bool:
        return self.tree.is_listable()

    def is_erasable(self) -> bool:
        return self.tree.is_erasable()

    def begin(
        self, *, fsync: bool = True, timeout: float = 30.0, read_only: bool = False
    ) -> StoreTransaction:
        return _N5Transaction(self.tree.begin(fsync=fsync, timeout=timeout, read_only=read_only))

    def recover(self, timeout: float = 30.0) -> Outcome:
        return self.tree.recover(timeout)

    # -- attributes.json -------------------------------------------------------------

    def _load(self, folders: Iterable[str]) -> dict[str, Attributes]:
        """Return what the ``attributes.json`` of each of `folders` says, where there is one."""
        keys = {join(folder, n5.ATTRIBUTES): folder for folder in folders}
        found = self.tree.getitems(list(keys)) if keys else {}
        return {keys[key]: n5.load_attributes(data, key) for key, data in found.items()}

    def _change(self, folder: str, change: Callable[[Attributes | None], Attributes]) -> None:
        """Replace the attributes in `folder` by what `change` makes of them.

        Two of our documents are in one file: who changes one must not undo what another
        thread does to the other.
        """
        key = join(folder, n5.ATTRIBUTES)

        def put() -> None:
            attributes = change(self._load([folder]).get(folder))
            if attributes:
                self.tree[key] = dump_json(attributes)
            else:
                self.tree.delitems([key])

        KeyLocks(self.tree, folder).hold([key], put)

    def _document(self, folder: str, name: str, attributes: Attributes | None) -> bytes | None:
        if attributes is None:
            implicit = name == ".zgroup" and self._is_implicit_group(folder)
            attributes = {} if implicit else None
        if attributes is None:
            return None
        return n5.document(name, attributes, join(folder, n5.ATTRIBUTES))

    def _is_dataset(self, folder: str) -> bool:
        return n5.is_dataset(self._load([folder]).get(folder, {}))

    def _is_implicit_group(self, folder: str) -> bool:
        """Tell whether `folder`, which has no attributes, is on the way to something that has."""
        if _split(folder)[1] in n5.DOCUMENTS:
            return False  # a name that `listdir` has shown, not a folder
        above = self._load(_parents(folder)).values()
        return not any(map(n5.is_dataset, above)) and self._leads_to_node(folder)

    def _leads_to_node(self, folder: str) -> bool:
        children = [join(folder, name) for name in self.tree.listdir(folder)]
        keys = [join(child, n5.ATTRIBUTES) for child in children]
        if keys and self.tree.getitems(keys):
            return True
        return any(map(self._leads_to_node, children))

    # -- one value -------------------------------------------------------------------

    def __getitem__(self, key: str) -> Buffer:
        folder, name = _split(key)
        if name in n5.DOCUMENTS:
            document = self._document(folder, name, self._load([folder]).get(folder))
            if document is None:
                raise KeyError(key)
            return document
        try:
            return self.tree[_n5_key(folder, name)]
        except KeyError:
            raise KeyError(key) from None

    def __setitem__(self, key: str, value: Buffer) -> None:
        folder, name = _split(key)
        if name in n5.DOCUMENTS:
            self._put_document(folder, name, value)
        else:
            self.tree[self._writeable_key(folder, name)] = value

    def __delitem__(self, key: str) -> None:
        folder, name = _split(key)
        if name not in n5.DOCUMENTS:
            try:
                del self.tree[_n5_key(folder, name)]
            except KeyError:
                raise KeyError(key) from None
            return

        def without(attributes: Attributes | None) -> Attributes:
            if self._document(folder, name, attributes) is None:
                raise KeyError(key)
            return n5.without_document(attributes or {}, name)

        self._change(folder, without)

    def __contains__(self, key: object) -> bool:
        try:
            folder, name = _split(key)
            if name in n5.DOCUMENTS:
                return key in self.getitems((key,))  # type: ignore[arg-type]
        except StoreKeyError:
            return False
        return _n5_key(folder, name) in self.tree

    def _writeable_key(self, folder: str, name: str) -> str:
        if name == "zarr.json":
            raise StoreKeyError(
                f"cannot store {join(folder, name)!r}: an N5 tree holds arrays and groups of "
                "N5, which are presented in format 2"
            )
        return _n5_key(folder, name)

    def _put_document(self, folder: str, name: str, value: Buffer) -> None:
        key = join(folder, name)
        if name == ".zattrs":
            _warn_of_keywords(value, key)

        def changed(attributes: Attributes | None) -> Attributes:
            after = n5.with_document(attributes or {}, name, value, key)
            if name == ".zarray" and "compression" not in (attributes or {}):
                _warn_of_compression(after["compression"])
                _warn_of_dtype(after["dataType"])
            return after

        self._change(folder, changed)

    def as_read(self, key: str, document: Buffer) -> Buffer:
        folder, name = _split(key)
        attributes = n5.with_document({}, name, document, key)
        return n5.document(name, attributes, join(folder, n5.ATTRIBUTES)) or document

    def check_document(self, key: str, document: Buffer) -> None:
        folder, name = _split(key)
        if name == ".zarray":
            n5.dataset_members(document, key)
        else:
            self._writeable_key(folder, name)

    # -- many at a time --------------------------------------------------------------

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        places = {key: _split(key) for key in keys}
        wanted = {key: _n5_key(*place) for key, place in places.items()}
        found = self.tree.getitems(list(dict.fromkeys(wanted.values())))
        attributes: dict[str, Attributes] = {}
        values: dict[str, Buffer] = {}
        for key, n5_key in wanted.items():
            folder, name = places[key]
            data = found.get(n5_key)
            if name in n5.DOCUMENTS:
                try:
                    if data is not None and folder not in attributes:
                        attributes[folder] = n5.load_attributes(data, n5_key)
                    data = self._document(folder, name, attributes.get(folder))
                except MetadataError as error:
                    # Raised where the document is needed: a group has other members, too.
                    data = None if data is None else unreadable(data, error)
            if data is not None:
                values[key] = data
        return values

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        plain = {}
        for key, value in items.items():
            folder, name = _split(key)
            if name in n5.DOCUMENTS:
                self._put_document(folder, name, value)
            else:
                plain[self._writeable_key(folder, name)] = value
        if plain:
            self.tree.setitems(plain)

    def delitems(self, keys: Iterable[str]) -> None:
        plain = []
        for key in keys:
            folder, name = _split(key)
            if name not in n5.DOCUMENTS:
                plain.append(_n5_key(folder, name))
                continue
            try:
                del self[key]
            except KeyError:
                pass
        if plain:
            self.tree.delitems(plain)

    # -- the hierarchy ---------------------------------------------------------------

    def __iter__(self) -> Iterator[str]:
        return self.list_prefix()

    def list_prefix(self, path: str = "") -> Iterator[str]:
        return iter(self._shown(self.tree.list_prefix(path), path))

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        sizes = dict(self.tree.list_sizes(path))
        # What is shown of attributes.json has no size of its own.
        return iter(
            [(key, sizes.get(n5_key, -1)) for key, n5_key in self._shown(sizes, path).items()]
        )

    def _shown(self, found: Iterable[str], path: str) -> dict[str, str]:
        """Return the keys that are shown, with those of the N5 tree where they are blocks."""
        keys = set(found)
        files = set(filter(_is_attributes, keys))
        folders = [_split(key)[0] for key in files]
        nodes = self._load([*_parents(path), *folders])
        lengths = {folder: n5.key_length(attributes) for folder, attributes in nodes.items()}
        shown = {_shown_key(key, lengths): key for key in keys - files}
        for folder in folders:
            # One that was deleted since it was listed is not there.
            names = n5.documents(nodes[folder]) if folder in nodes else []
            shown.update({join(folder, name): "" for name in names})
        # Last, because they are there as long as anything else is.
        shown.update({join(f, ".zgroup"): "" for f in _implicit_groups(folders, nodes)})
        below = f"{path}/" if path else ""
        return {key: n5_key for key, n5_key in shown.items() if key.startswith(below)}

    def listdir(self, path: str = "") -> list[str]:
        names = set(self.tree.listdir(path))
        attributes = self._load([path]).get(path) if n5.ATTRIBUTES in names else None
        if attributes is not None and n5.is_dataset(attributes):
            skip = len(path) + 1 if path else 0
            return sorted({key[skip:].partition("/")[0] for key in self.list_prefix(path)})
        if attributes is not None:
            names.update(n5.documents(attributes))
        elif names and self._is_implicit_group(path):
            names.add(".zgroup")
        return sorted(names - {n5.ATTRIBUTES})

    def _is_value(self, path: str) -> bool:
        """Tell whether `path` is a key, not a folder: of a document or of a chunk."""
        folder, name = _split(path)
        if name in n5.DOCUMENTS:
            return True
        return _coordinates(name) is not None and self._is_dataset(folder)

    def rmdir(self, path: str = "") -> None:
        if not path or not self._is_value(path):
            self.tree.rmdir(path)

    def rename(self, src_path: str, dst_path: str) -> None:
        if src_path == dst_path:
            return
        if not src_path or not self._is_value(src_path):
            self.tree.rename(src_path, dst_path)
        elif src_path in self:
            self[dst_path] = self[src_path]
            del self[src_path]

    def getsize(self, path: str = "") -> int:
        if path and self._is_value(path):
            return memoryview(self.get(path, b"")).nbytes
        folders = {path}
        if self._is_dataset(path):
            # The blocks of a dataset lie in folders of their own.
            folders |= {_split(key)[0] for key in self.tree.list_prefix(path)}
        sizes = [self.tree.getsize(folder) for folder in folders]
        return -1 if -1 in sizes else sum(sizes)

    # -- as an object ------------------------------------------------------------------

    def close(self) -> None:
        self.tree.close()

    def explain_absence(self, path: str) -> str:
        return self.tree.explain_absence(path)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.tree!r}>"


def _shown_key(key: str, lengths: Mapping[str, int]) -> str:
    """Return what the key `key` of an N5 tree is in version 2.

    Parameters
    ----------
    key : str
        Not of attributes.
    lengths : Mapping
        Number of numbers in the key of a block of each dataset, by its folder.
    """
    folder, name = _split(key)
    coordinates = [name]
    while name.isdecimal():
        if lengths.get(folder) == len(coordinates):
            return join(folder, ".".join(coordinates))
        if not folder:
            break
        folder, name = _split(folder)
        coordinates.append(name)
    return key


def _implicit_groups(folders: Iterable[str], nodes: Mapping[str, Attributes]) -> list[str]:
    """Return the folders above `folders` that are groups without attributes, deepest first."""
    found = set()
    for folder in folders:
        for parent in _parents(folder):
            if n5.is_dataset(nodes.get(parent, {})):
                break
            if parent not in nodes:
                found.add(parent)
    return sorted(found, reverse=True)


def _warn_of_keywords(document: Buffer, key: str) -> None:
    for name in expect_object(load_json(document, key), key):
        if name in n5.KEYWORDS:
            warnings.warn(
                f"Attribute {name} is a reserved N5 keyword and is not stored", ZarrUserWarning, 2
            )


def _warn_of_compression(compression: Mapping[str, JSON]) -> None:
    if not n5.is_standard(compression):
        kind = compression["type"]
        hint = "; the LZ4 that they support is zarr.n5.LZ4Block()" if kind == "lz4" else ""
        warnings.warn(
            f"Not all N5 implementations support this {kind} compression (yet). You might not be "
            f"able to open the dataset with another N5 library{hint}",
            ZarrRuntimeWarning,
            2,
        )


def _warn_of_dtype(data_type: JSON) -> None:
    if not n5.is_standard_dtype(data_type):
        warnings.warn(
            f"N5 has no data type {data_type}: other N5 libraries will not be able to open the "
            "dataset",
            ZarrRuntimeWarning,
            2,
        )


class _N5Transaction:
    """A transaction on the store of an N5 hierarchy."""

    def __init__(self, tree: StoreTransaction) -> None:
        self.store = N5View(tree.store)
        self.store._dimension_separator = "/"
        self.commit = tree.commit
        self.rollback = tree.rollback


@named_after("zarr.n5", "N5Store")
class _N5Files(N5View):
    """What the stores of files below have in common."""

    tree: Any

    @property
    def normalize_keys(self) -> bool:
        """Whether keys are converted to lower case."""
        return bool(self.tree.normalize_keys)

    def dir_path(self, path: str | None = None) -> str:
        """Return the path of the folder for the keys below a path.

        Parameters
        ----------
        path : str, optional
            Path in the store. The root by default.

        Returns
        -------
        str
            The path in the file system; of an `N5Store` the absolute one.
        """
        return str(self.tree.dir_path(path))


class N5Store(_N5Files):
    """A store in a directory of a file system, in the N5 format.

    Parameters
    ----------
    path : str or path-like
        The directory, which is created by the first write.
    normalize_keys : bool, default False
        Whether to convert keys to lower case, for data shared with a case-insensitive file system.
    dimension_separator : {'/'}, optional
        Always ``'/'``.
    fsync : bool, default False
        Whether a write returns only when the value is on the disk, as for :class:`DirectoryStore`.
    follow_symlinks : bool, optional
        Whether to follow symbolic links out of the directory, as for :class:`DirectoryStore`.

    Notes
    -----
    See <https://github.com/saalfeldlab/n5>. Data types are integers and floats of up to 64 bits;
    the fill value is zero. Booleans, half-precision floats, datetimes and timedeltas can be
    stored, too, but only Zarr for Python reads them.

    Safe to write from several threads or processes; processes that change the shape and the
    attributes of one array or group at the same time can undo each other's changes.

    Examples
    --------
    Store a single array:

    >>> import zarr
    >>> store = zarr.N5Store('data/array.n5')
    >>> z = zarr.zeros((10, 10), chunks=(5, 5), store=store, overwrite=True)
    >>> z[...] = 42

    Store a group:

    >>> store = zarr.N5Store('data/group.n5')
    >>> root = zarr.group(store=store, overwrite=True)
    >>> foo = root.create_group('foo')
    >>> bar = foo.zeros('bar', shape=(10, 10), chunks=(5, 5))
    >>> bar[...] = 42
    """

    tree: DirectoryStore

    def __init__(
        self,
        path: str | os.PathLike[str],
        normalize_keys: bool = False,
        dimension_separator: Separator | None = "/",
        *,
        fsync: bool = False,
        follow_symlinks: bool | None = None,
    ) -> None:
        if dimension_separator not in ("/", None):
            raise ValueError(
                f"N5Store only supports '/' as dimension_separator, not {dimension_separator!r}"
            )
        super().__init__(
            DirectoryStore(path, normalize_keys, fsync=fsync, follow_symlinks=follow_symlinks)
        )
        self._dimension_separator = "/"

    @property
    def path(self) -> str:
        """The directory."""
        return self.tree.path

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.path!r}>"


class N5FSStore(_N5Files):
    """A store in any file system that ``fsspec`` supports, in the N5 format.

    Requires the package ``fsspec``: ``pip install 'zarr[fsspec]'``.

    Parameters
    ----------
    url : str
        ``protocol://path``. With `fs`, a path in that file system.
    normalize_keys : bool, default False
        Whether to convert keys to lower case.
    key_separator, dimension_separator : {'.', '/'}, optional
        Ignored: N5 has its own.
    mode : str, default 'w'
        'r' for a read-only store.
    *args
        Further positional parameters of :class:`FSStore`.
    **options
        Other parameters of :class:`FSStore`, including options of the file system.

    Examples
    --------
    >>> import zarr
    >>> store = zarr.N5FSStore('memory://array.n5')
    >>> z = zarr.zeros((10, 10), chunks=(5, 5), store=store, overwrite=True)
    >>> z[...] = 42
    """

    tree: FSStore

    def __init__(
        self,
        url: str,
        normalize_keys: bool = False,
        key_separator: Separator | None = None,
        mode: str = "w",
        *args: Any,
        dimension_separator: Separator | None = None,
        **options: Any,
    ) -> None:
        from zarr.storage.fsspec import FSStore  # here, because it needs an optional package

        if (dimension_separator or key_separator) not in (None, "/"):
            message = "Keyword argument `dimension_separator` will be ignored"
            warnings.warn(message, ZarrUserWarning, 2)
        super().__init__(FSStore(url, normalize_keys, None, mode, *args, **options))
        self._dimension_separator = "/"

    @property
    def path(self) -> str:
        """Path of the directory in the file system."""
        return str(self.tree.path)

    @property
    def fs(self) -> Any:
        """The `fsspec.AbstractFileSystem` in use."""
        return self.tree.fs

    @property
    def map(self) -> Any:
        """The folder as a `fsspec.FSMap`."""
        return self.tree.map

    @property
    def key_separator(self) -> str:
        """The parameter of that name; N5 has its own separator."""
        return self.tree.key_separator

    @property
    def mode(self) -> str:
        """The mode, ``'r'`` for a read-only store."""
        return self.tree.mode

    @property
    def exceptions(self) -> tuple[type[Exception], ...]:
        """The exceptions of the file system that mean an absent key."""
        return self.tree.exceptions


for _class in (N5View, N5Store, N5FSStore):
    _class.__module__ = "zarr.n5"  # where users find them, and pickles look for them
