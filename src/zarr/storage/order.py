"""The order in which keys are copied and deleted, so that nothing half done looks whole."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["in_order", "is_document_name"]


def is_document_name(name: str) -> bool:
    """Tell whether `name`, the last segment of a key, may be that of metadata in any format."""
    return name.startswith(".") or name.endswith(".json")


def in_order(keys: Iterable[str], path: str) -> tuple[list[str], list[str], list[str]]:
    """Return those of `keys` that are no metadata, metadata below `path`, and those at `path`.

    An array is there as long as its metadata are, and a node's own make it show. So they are
    copied in this order, and deleted in the reverse one.
    """
    others: list[str] = []
    below: list[str] = []
    own: list[str] = []
    for key in keys:
        folder, _, name = key.rpartition("/")
        if not is_document_name(name):
            others.append(key)
        else:
            (own if folder == path else below).append(key)
    return others, below, own
