"""Copying between any two locations, with the function of `zarr` that fits them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

import zarr
from zarr._wording import counted
from zarr.cli._locations import Location, opened, opened_store
from zarr.cli._nodes import is_array
from zarr.cli._output import lines, print_json
from zarr.errors import CopyError, NodeError, PathNotFoundError
from zarr.storage import BaseStore, rmdir
from zarr.tools import hdf5
from zarr.tools.progress import drawn

__all__ = ["Copy", "check_free", "destination", "node_at", "print_result"]

Result = tuple[int, int, int]


def destination(text: str, source: Location) -> Location:
    """Return the location that `text` means; one that ends with a slash is a group to copy into."""
    return Location.of(f"{text}{source.name}" if text.endswith("/") else text)


def node_at(store: BaseStore, path: str) -> Any:
    """Return the array or group at `path`, None if there is none."""
    try:
        return zarr.open(store, mode="r", path=path)
    except PathNotFoundError:
        return None


def check_free(dest: Location) -> None:
    """Raise `CopyError` if a store is to be made of a folder that holds something else."""
    folder = Path(dest.store)
    if dest.kind == "directory" and folder.is_dir() and any(folder.iterdir()):
        raise CopyError(
            f"{dest.store!r} is a folder with other things in it; "
            "end it with a slash to copy into it"
        )


def print_result(result: Result, dry_run: bool, as_json: bool) -> None:
    """Print how much was copied."""
    copied, skipped, nbytes = result
    if as_json:
        print_json({"copied": copied, "skipped": skipped, "nbytes": nbytes, "dry_run": dry_run})
    elif not dry_run:  # a dry run has said so itself
        click.echo(f"{copied} copied, {skipped} skipped, {counted(nbytes, 'byte')}")


@dataclass(frozen=True, slots=True)
class Copy:
    """How to copy.

    Attributes
    ----------
    if_exists : {'raise', 'replace', 'skip'}
    dry_run : bool
    log : bool
        Whether to print a line for each thing copied.
    options : Mapping
        Storage options for URLs.
    create : Mapping
        Arguments for the creation of arrays; if there are any, chunks are written anew.
    zarr_format : int, optional
        Format of what is created; that of the source by default.
    """

    if_exists: str = "raise"
    dry_run: bool = False
    log: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    create: Mapping[str, Any] = field(default_factory=dict)
    zarr_format: int | None = None

    def run(self, source: Location, dest: Location) -> Result:
        """Copy what is at one location to another, attributes and all that is below included.

        Keys and values are copied as they are where both stores have the same format; else
        arrays and groups are, through `zarr.copy`.

        Raises
        ------
        PathNotFoundError
            If there is nothing at `source`.
        CopyError
            If there is something at `dest`, and `if_exists` is 'raise'.
        """
        _check_apart(source, dest)
        with opened(source, "r", self.options, consolidated=False) as found:
            node = _with_members(found) if source.kind == "url" else found
            if dest.kind == "hdf5":
                return self._to_hdf5(node, source, dest)
            if self.dry_run and not dest.exists():
                return self._by_values(node, zarr.MemoryStore(), dest, None)
            with opened_store(dest, "a", self.options) as store:
                return self._to_store(node, store, dest)

    def _to_store(self, node: Any, store: BaseStore, dest: Location) -> Result:
        there = node_at(store, dest.path)
        if there is not None and self.if_exists == "raise":
            raise CopyError(
                f"{dest.text!r} exists; use --if-exists replace or skip, or another destination"
            )
        if node_at(store, "") is None and self.if_exists != "skip":
            check_free(dest)
        if there is not None and self.if_exists == "replace" and not self.dry_run:
            rmdir(store, dest.path)
        version = self.format_in(store, node)
        if self._fits(node, store, version) and _lists_keys(node):
            return self._by_keys(node, store, dest.path, version)
        return self._by_values(node, store, dest, version)

    def format_in(self, store: BaseStore, like: Any = None) -> Any:
        """Return the format of what is created in `store`: that of the hierarchy there first.

        `like` is a group or array whose format a new store gets, unless one is asked for.
        """
        root = node_at(store, "")
        if root is not None:
            return root.zarr_format
        if self.zarr_format is not None or like is None or store.is_view:
            return self.zarr_format
        return None if hdf5.is_h5py(like) else like.zarr_format

    def _fits(self, node: Any, store: BaseStore, version: Any) -> bool:
        """Tell whether keys and values can be copied as they are."""
        if self.create or hdf5.is_h5py(node) or node._store.is_view or store.is_view:
            return False
        return bool(node.zarr_format == version) and node._data_store is node._store

    def _by_keys(self, node: Any, store: BaseStore, path: str, version: Any) -> Result:
        if not self.dry_run:
            _require_parent(store, path, version)
        with drawn("copying") as callback:
            return zarr.copy_store(
                node.store,
                store,
                node.path,
                path,
                if_exists="skip" if self.if_exists == "skip" else "replace",
                dry_run=self.dry_run,
                log=lines(self.log or self.dry_run),
                progress=callback,
            )

    def _by_values(self, node: Any, store: BaseStore, dest: Location, version: Any) -> Result:
        path = dest.path
        if self.dry_run:
            return self._copy(node, zarr.group(), path.rpartition("/")[2])
        if not is_array(node):
            return self._copy(node, _require_group(store, path, version), "")
        if path:
            parent, _, name = path.rpartition("/")
            return self._copy(node, _require_group(store, parent, version), name)
        return self._to_root(node, store, dest, version)

    def _to_root(self, node: Any, store: BaseStore, dest: Location, version: Any) -> Result:
        """Copy an array to the root of a store, where `zarr.copy`, which wants a group, cannot."""
        if store.is_view:
            raise CopyError(f"{store!r} has a group at its root; name the array: data.n5/name")
        if self.if_exists == "skip" and node_at(store, "") is not None:
            return 0, 1, 0
        beside = None if dest.kind == "url" else Path(dest.store).absolute().parent
        with tempfile.TemporaryDirectory(prefix=".zarr-copy-", dir=beside) as folder:
            group = zarr.open_group(folder, mode="w", zarr_format=version)
            result = self._copy(node, group, "array")
            zarr.copy_store(group.store, store, "array", "")
        return result

    def _to_hdf5(self, node: Any, source: Location, dest: Location) -> Result:
        path = dest.path
        if not path and is_array(node):  # which a file cannot be itself
            path = source.name.partition(".")[0]
        if self.dry_run:
            return self._copy(node, zarr.group(), path)
        with opened(Location(dest.text, dest.store, "", "hdf5", ""), "a") as root:
            if is_array(node):
                return self._copy(node, root, path)
            if path in root and self.if_exists == "raise":
                raise CopyError(f"{dest.text!r} exists; use --if-exists replace or skip")
            return self._copy(node, root.require_group(path) if path else root, "")

    def _copy(self, node: Any, group: Any, name: str) -> Result:
        """Copy an array to `name` in `group`, or all that a group has into it."""
        with drawn("copying") as callback:
            given = {
                "if_exists": self.if_exists,
                "dry_run": self.dry_run,
                "log": lines(self.log or self.dry_run),
                "progress": callback,
                **self.create,
            }
            if is_array(node):
                return zarr.copy(node, group, name or "array", **given)
            return zarr.copy_all(node, group, **given)


def _with_members(node: Any) -> Any:
    """Return `node`, opened by its consolidated metadata if the store cannot list its members."""
    if is_array(node) or list(node):
        return node
    try:
        return zarr.open_consolidated(node.store, mode="r", path=node.path)
    except (KeyError, NodeError):
        return node


def _lists_keys(node: Any) -> bool:
    """Tell whether the store of an array or a group can list the keys of it."""
    return next(iter(node.store.list_prefix(node.path)), None) is not None


def _check_apart(source: Location, dest: Location) -> None:
    if source.is_near(dest) and f"{dest.path}/".startswith(
        f"{source.path}/" if source.path else ""
    ):
        raise CopyError(
            f"{dest.text!r} lies at or below {source.text!r}, which cannot be copied there"
        )


def _require_group(store: BaseStore, path: str, version: Any) -> Any:
    return zarr.open_group(store, mode="a", path=path, zarr_format=version)


def _require_parent(store: BaseStore, path: str, version: Any) -> None:
    """See that there are groups above `path`."""
    if path:
        _require_group(store, path.rpartition("/")[0], version)
