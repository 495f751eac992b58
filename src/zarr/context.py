"""The type of the contexts that 2.x passes to stores; code written for 2.x names it."""

from typing import Any, TypedDict

__all__ = ["Context"]


class Context(TypedDict, total=False):
    """Facts about a request, for stores."""

    meta_array: Any
