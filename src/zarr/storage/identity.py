"""Identities of objects in memory, which differ from those of all objects ever."""

from __future__ import annotations

import itertools
from typing import Any

from zarr.sync import Shared

__all__ = ["Identity", "identity_of"]

_numbers = itertools.count(1)


class Identity:
    """The number of an object in memory; no other object of the process ever has it.

    What `id` returns is given to another object when the first is gone. Locks and indexes
    may be remembered longer than that, and must not be found for the other.
    """

    __slots__ = ("__weakref__", "number")

    def __init__(self) -> None:
        self.number = next(_numbers)

    def _renew(self) -> None:
        """Stay the same in a forked child, where the object is the same, too."""

    def __reduce__(self) -> Any:
        return Identity, ()  # a copy from a pickle is another object


_identities = Shared(Identity)


def identity_of(thing: object) -> Identity:
    """Return the identity of an object, to be held as long as the object is held.

    Parameters
    ----------
    thing : object
        It need not be hashable, and weak references to it need not be possible.
    """
    return _identities.of((id(thing), ""))
