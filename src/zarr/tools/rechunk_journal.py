"""What is known of a rechunking that is under way, kept next to what it makes.

The keys are specified in docs/formats/rechunk.md.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from zarr._formats.base import dump_json, join
from zarr._formats.documents import expect_object, load_json
from zarr._nodes.rechunking import FOLDER
from zarr.errors import CopyError
from zarr.storage.base import BaseStore, Buffer

__all__ = ["Journal", "fingerprint_of", "is_unfinished", "least_age", "summary_of"]

_VERSION = 1
_AT_A_TIME = 1000


class Journal:
    """The journal of one job.

    Parameters
    ----------
    store : BaseStore
        The store of the destination.
    path : str
        Path of the destination.
    """

    def __init__(self, store: BaseStore, path: str) -> None:
        self.store = store
        self.path = path
        self.folder = join(path, FOLDER)
        self._plan_key = join(self.folder, "plan.json")

    def read(self) -> Mapping[str, Any] | None:
        """Return the plan of the job that was interrupted, None if there is none.

        Raises
        ------
        CopyError
            If another version of the journal is there.
        """
        found = self.store.getitems([self._plan_key]).get(self._plan_key)
        if found is None:
            return None
        plan = expect_object(load_json(found, self._plan_key), self._plan_key)
        if plan.get("rechunk") != _VERSION:
            raise CopyError(
                f"{self._plan_key!r} has version {plan.get('rechunk')!r} of the journal, expected "
                f"{_VERSION}; resume=False starts again"
            )
        return plan

    def begin(self, plan: Mapping[str, Any]) -> None:
        """Store the plan of a new job."""
        self.store[self._plan_key] = dump_json({"rechunk": _VERSION, **plan})

    def age(self) -> float | None:
        """Return how many seconds ago the job began, None if the store does not know it."""
        return self.store.get_ages([self._plan_key]).get(self._plan_key)

    def document_key(self, array: int) -> str:
        """Return where the metadata of an array are that is not published yet."""
        return join(self.folder, f"documents/{array}")

    def document(self, array: int) -> tuple[str, Buffer] | None:
        """Return key and value of these metadata, None if the array was there before."""
        key = self.document_key(array)
        found = self.store.getitems([key]).get(key)
        return None if found is None else (key, found)

    def done(self) -> set[str]:
        """Return the names of the markers that are there."""
        folder = join(self.folder, "done")
        return {key.rpartition("/")[2] for key in self.store.list_prefix(folder)}

    def marker(self, name: str) -> tuple[BaseStore, str]:
        """Return store and key of a marker."""
        return self.store, join(self.folder, f"done/{name}")

    def new(self, path: str) -> str:
        """Return where an array at `path`, relative to the destination, is made in place."""
        return join(self.folder, f"new/{path}" if path else "new")

    def intermediate(self, array: int, stage: int) -> str:
        """Return the path of an intermediate array."""
        return join(self.folder, f"intermediate/{array}.{stage}")

    def delete(self) -> None:
        """Delete the journal at once, or else the plan first: what is left then means nothing."""
        if not self.store.atomic_folders and self._plan_key in self.store:
            del self.store[self._plan_key]
        self.store.rmdir(self.folder)


def is_unfinished(key: str) -> bool:
    """Tell whether `key` is of a copy or a rechunking that is under way, or was interrupted."""
    return FOLDER in key and FOLDER in key.split("/")


def fingerprint_of(parts: Any) -> str:
    """Return what tells whether two jobs are the same, of values that JSON has."""
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def summary_of(stores: Iterable[BaseStore], path: str) -> dict[str, int | str]:
    """Return number and bytes of all values below a path, and a digest of keys and sizes.

    Nothing is counted where the store cannot list.
    """
    count = nbytes = mixed = 0
    for store in stores:
        for key, size in store.list_sizes(path) if store.is_listable() else ():
            if is_unfinished(key):
                continue
            digest = hashlib.sha256(f"{key} {size}".encode()).digest()
            mixed = (mixed + int.from_bytes(digest[:16])) % 2**128  # in any order
            count += 1
            nbytes += size
    return {"values": count, "nbytes": nbytes, "digest": f"{mixed:032x}"}


def least_age(store: BaseStore, path: str) -> float:
    """Return how long ago a value below a path was stored; infinity if the store does not know."""
    keys = (key for key, _ in store.list_sizes(path) if not is_unfinished(key))
    least = math.inf
    while some := list(itertools.islice(keys, _AT_A_TIME)):
        least = min([least, *store.get_ages(some).values()])
    return least
