"""Every exception the package raises of its own, in one tree.

::

    ZarrError (Exception)
    ├── NodeError (ValueError)             something about the node at a path
    │   ├── ContainsArrayError             an array is in the way
    │   ├── ContainsGroupError             a group is in the way
    │   ├── ArrayNotFoundError             no array there
    │   ├── GroupNotFoundError             no group there
    │   ├── PathNotFoundError              nothing there
    │   └── FSPathExistNotDir              a file where a directory is needed
    ├── MetadataError (ValueError)         a document that cannot be understood
    ├── BadCompressorError (ValueError)    not usable as a compressor
    ├── ChunkDecodeError (ValueError)      stored bytes that are not a valid chunk
    ├── UnsafeDecodeError                  decoding would run code (also a ChunkDecodeError)
    ├── StoreError (OSError)               a store failed: neither found nor absent
    │   ├── StoreTimeoutError              … because it took too long (also TimeoutError)
    │   ├── StorePermissionError           … because it may not (also PermissionError)
    │   └── StoreKeyError (ValueError)     a key this store cannot hold
    ├── ArrayIndexError (IndexError)       a selection that makes no sense here
    │   ├── BoundsCheckError               an index outside the array
    │   ├── NegativeStepError              a slice that runs backwards
    │   └── VindexInvalidSelectionError    not a coordinate or mask selection
    ├── ReadOnlyError (PermissionError)    the object may not be modified
    ├── ConversionError (ValueError)       what one format says another cannot say
    └── CopyError (RuntimeError)           the destination of a copy is taken
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


class ZarrError(Exception):
    """Base of every exception defined here."""


class NodeError(ZarrError, ValueError):
    """A problem with the node at `path`."""

    message = "problem at path {!r}"

    def __init__(self, path: object = "") -> None:
        super().__init__(self.message.format(path))
        self.path = path

    def __reduce__(self) -> Any:
        return type(self), (self.path,)


class ContainsArrayError(NodeError):
    """An array stands where something else was to be created."""

    message = "path {!r} contains an array"


class ContainsGroupError(NodeError):
    """A group stands where something else was to be created."""

    message = "path {!r} contains a group"


class ArrayNotFoundError(NodeError):
    """There is no array at the path."""

    message = "array not found at path {!r}"


class GroupNotFoundError(NodeError):
    """There is no group at the path."""

    message = "group not found at path {!r}"


class PathNotFoundError(NodeError):
    """There is neither an array nor a group at the path."""

    message = "nothing found at path {!r}"


class FSPathExistNotDir(NodeError):
    """A file exists where a store needs a directory."""

    message = "path exists but is not a directory: {!r}"


class MetadataError(ZarrError, ValueError):
    """A metadata document that is malformed, or says something impossible."""


@contextmanager
def naming(key: str) -> Iterator[None]:
    """Let each `MetadataError` raised inside say that it is about the document at `key`."""
    try:
        yield
    except MetadataError as error:
        raise MetadataError(f"{key!r}: {error}") from error


class BadCompressorError(ZarrError, ValueError):
    """An object given as `compressor` that is not a codec."""


class ChunkDecodeError(ZarrError, ValueError):
    """Stored bytes that do not decode to the chunk the metadata declares.

    Attributes
    ----------
    key : str or None
        Key of the chunk in its store.
    """

    def __init__(self, message: str, key: str | None = None) -> None:
        super().__init__(message if key is None else f"chunk {key!r}: {message}")
        self.reason = message
        self.key = key

    def at(self, key: str) -> ChunkDecodeError:
        """Return the same error, naming the chunk `key`."""
        return type(self)(self.reason, key)

    def __reduce__(self) -> Any:
        return type(self), (self.reason, self.key)


class UnsafeDecodeError(ChunkDecodeError):
    """Decoding would execute code from the data, and nobody has allowed that."""


class StoreError(ZarrError, OSError):
    """A store could not answer. The key is neither known to exist nor known to be absent."""


class StoreTimeoutError(StoreError, TimeoutError):
    """A store did not answer in time."""


class StorePermissionError(StoreError, PermissionError):
    """A store refused access."""


class StoreKeyError(StoreError, ValueError):
    """A key that the store cannot hold, for instance one that would leave its root."""


class ArrayIndexError(ZarrError, IndexError):
    """A selection that cannot be applied to the array."""


class BoundsCheckError(ArrayIndexError):
    """An index outside the bounds of a dimension."""

    def __init__(self, length: object, dim: int | None = None) -> None:
        where = "dimension" if dim is None else f"dimension {dim}"
        super().__init__(f"index out of bounds for {where} with length {length}")


class NegativeStepError(ArrayIndexError):
    """A slice with a step below one."""

    def __init__(self, message: str = "only slices with step >= 1 are supported") -> None:
        super().__init__(message)


class VindexInvalidSelectionError(ArrayIndexError):
    """A selection that is neither coordinate arrays nor one Boolean mask."""

    def __init__(self, selection: object) -> None:
        super().__init__(
            "unsupported selection type for vectorized indexing; only coordinate selection "
            "(tuple of integer arrays) and mask selection (single Boolean array) are "
            f"supported; got {selection!r}"
        )
        self.selection = selection

    def __reduce__(self) -> Any:
        return type(self), (self.selection,)


class ReadOnlyError(ZarrError, PermissionError):
    """An attempt to modify an object that was opened read-only."""

    def __init__(self, message: str = "object is read-only") -> None:
        super().__init__(message)


class CopyError(ZarrError, RuntimeError):
    """The destination of a copy already holds something."""


class ConversionError(ZarrError, ValueError):
    """What one version of the format says, another cannot say.

    Attributes
    ----------
    problems : dict
        By path, why the array or group there cannot be converted.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        shown = [f"{'/' + path}: {reason}" for path, reason in list(problems.items())[:20]]
        more = [f"and {len(problems) - 20} more"] if len(problems) > 20 else []
        super().__init__("nothing has been converted, because of\n" + "\n".join(shown + more))
        self.problems = dict(problems)

    def __reduce__(self) -> Any:
        return type(self), (self.problems,)
