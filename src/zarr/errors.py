"""The exceptions of the package, in one tree.

::

    ZarrError (Exception)                  also BaseZarrError
    ├── NodeError (ValueError)             about the array or group at a path
    │   ├── ContainsArrayError             there is already an array (also FileExistsError)
    │   ├── ContainsGroupError             there is already a group (also FileExistsError)
    │   ├── NodeNotFoundError              what is looked for is absent (also FileNotFoundError)
    │   │   ├── ArrayNotFoundError         there is no array
    │   │   └── GroupNotFoundError         there is no group
    │   │       └── PathNotFoundError      there is neither an array nor a group
    │   └── FSPathExistNotDir              a file where a directory is needed
    ├── ContainsArrayAndGroupError (ValueError)
    ├── NotConsolidatedError (KeyError)    no consolidated metadata (also ValueError)
    ├── NameNotFoundError (KeyError)       no member or attribute of that name
    ├── MetadataValidationError (ValueError)
    │   ├── MetadataError                  metadata that are invalid
    │   │   └── ExtensionNotFoundError     … for want of a codec or a data type
    │   └── NodeTypeValidationError        an array for a group, or the reverse
    ├── UnknownCodecError (ValueError)     no codec of that name (also an ExtensionNotFoundError)
    ├── DataTypeValidationError (ValueError)   a data type that is not valid
    ├── BadCompressorError (ValueError)    not usable as a compressor
    ├── ChunkDecodeError (ValueError)      stored bytes that are not a valid chunk
    ├── ChunkNotFoundError (LookupError)   an absent chunk, where that is to be an error
    ├── UnsafeDecodeError                  decoding would run code (also a ChunkDecodeError)
    ├── StoreError (OSError)               an operation of a store failed
    │   ├── StoreTimeoutError              … because it took too long (also TimeoutError)
    │   ├── StorePermissionError           … because access was denied (also PermissionError)
    │   ├── TransactionError               … because of a transaction
    │   │   └── TransactionConflictError   … because others have changed what it has read
    │   └── StoreKeyError (ValueError)     a key this store cannot hold (also a KeyError)
    ├── UnsupportedDtypeError (TypeError)  a data type that a format lacks (also a ValueError)
    ├── StoreTypeError (TypeError)         an object that is no store (also a ValueError)
    ├── ArrayIndexError (IndexError)       a selection that is invalid for the array
    │   ├── BoundsCheckError               an index outside the array
    │   ├── NegativeStepError              a slice with a negative step
    │   │   └── ZeroStepError (ValueError)     … or a step of zero
    │   └── VindexInvalidSelectionError    neither coordinates nor a mask
    ├── ReadOnlyError (PermissionError)    the object is read-only (also ValueError)
    ├── ConversionError (ValueError)       metadata that the other format cannot express
    └── CopyError (RuntimeError)           a copy would overwrite something

Classes of the 2.x and of the 3.x library that mean the same are joined, so that code written for
either catches them. The warnings of the package have the classes of the 3.x library, which derive
from the built-in ones that the 2.x library uses: `ZarrUserWarning`, `ZarrRuntimeWarning`,
`ZarrFutureWarning` and `ZarrDeprecationWarning`.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from types import FunctionType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class ZarrError(Exception):
    """Base of every exception defined here."""


BaseZarrError = ZarrError
"""The name of `ZarrError` in the 3.x library."""


class MetadataValidationError(ZarrError, ValueError):
    """Metadata that are invalid: the base of `MetadataError`, by its name in the 3.x library."""


class NodeTypeValidationError(MetadataValidationError):
    """Metadata of an array where those of a group are needed, or the reverse."""


class UnknownCodecError(ZarrError, ValueError):
    """There is no codec of that name."""


class DataTypeValidationError(ZarrError, ValueError):
    """A data type that is not valid."""


class NodeError(ZarrError, ValueError):
    """An error about the array or group at a path.

    Parameters
    ----------
    path : str
        Path in the store.
    where : str, optional
        The store, as text.
    hint : str, optional
        The reason, or what to do.
    """

    message = "problem at path {!r}"

    def __init__(self, path: object = "", where: str = "", hint: str = "") -> None:
        place = f" in {where}" if where else ""
        super().__init__(f"{self.message.format(path)}{place}{f': {hint}' if hint else ''}")
        self.path = path
        self.where = where
        self.hint = hint

    @classmethod
    def absent_from(cls, store: Any, path: str) -> Self:
        """Return an error that names a path, the store, and the reason if it is known.

        Parameters
        ----------
        store : BaseStore
            The store that has nothing at `path`.
        path : str
            Path in the store.

        Returns
        -------
        NodeError
            An error of this class.
        """
        reason = ""
        with suppress(Exception):  # to find the reason must not hide the error
            reason = store.explain_absence(path)
        return cls(path, repr(store), reason)

    def __reduce__(self) -> Any:
        return type(self), (self.path, self.where, self.hint)


class _NodeExistsError(NodeError, NodeTypeValidationError, FileExistsError):
    """A node where none, or another one, is needed.

    Parameters
    ----------
    path : str
        Path in the store. Code for the 3.x library may give the store first, and then the path.
    where : str, optional
        The store, as text.
    hint : str, optional
        The reason, or what to do.
    """

    def __init__(self, path: object = "", where: str = "", hint: str = "") -> None:
        if not isinstance(path, str):  # the 3.x library has the store first
            path, where = where, str(path)
        super().__init__(path, where, hint)


class ContainsArrayError(_NodeExistsError):
    """There is already an array at the path."""

    message = "path {!r} contains an array"


class ContainsGroupError(_NodeExistsError):
    """There is already a group at the path."""

    message = "path {!r} contains a group"


class ContainsArrayAndGroupError(ZarrError, ValueError):
    """There are an array and a group at one path."""


class NodeNotFoundError(NodeError, FileNotFoundError):
    """What is looked for does not exist."""


class ArrayNotFoundError(NodeNotFoundError):
    """There is no array at the path."""

    message = "array not found at path {!r}"


class GroupNotFoundError(NodeNotFoundError):
    """There is no group at the path."""

    message = "group not found at path {!r}"


class PathNotFoundError(GroupNotFoundError):
    """There is neither an array nor a group at the path."""

    message = "nothing found at path {!r}"


class FSPathExistNotDir(NodeError):
    """A file exists where a store needs a directory."""

    message = "path exists but is not a directory: {!r}"


class NotConsolidatedError(ZarrError, KeyError, ValueError):
    """There are no consolidated metadata."""


class NameNotFoundError(ZarrError, KeyError):
    """A group has no member, or the attributes have no attribute, of that name.

    As with any `KeyError`, the name is the first argument. Similar names are looked up only when
    the message is shown, so that catching the error is cheap.

    Parameters
    ----------
    name : str
        The name that was not found.
    kind : str
        What is missing: ``'member'`` or ``'attribute'``.
    where : str
        Where it was looked up, as text.
    names : callable
        Function that returns the names that exist.
    """

    def __init__(
        self, name: object, kind: str, where: str, names: Callable[[], Iterable[str]]
    ) -> None:
        super().__init__(name)
        self._found = kind, where, names

    def __str__(self) -> str:
        kind, where, names = self._found
        hint = ""
        with suppress(Exception):  # to find similar names must not hide the error
            hint = did_you_mean(str(self.args[0]), names())
        return f"no {kind} {self.args[0]!r} in {where}{hint}"

    def __reduce__(self) -> Any:
        kind, where, names = self._found
        known: tuple[str, ...] = ()
        with suppress(Exception):
            known = tuple(names())
        return type(self), (self.args[0], kind, where, partial(tuple, known))


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return the end of a message that proposes the most similar of `names`.

    Empty if none is similar.

    Examples
    --------
    >>> from zarr.errors import did_you_mean
    >>> did_you_mean('temperature', ['pressure', 'temperatures'])
    "; did you mean 'temperatures'?"
    """
    from difflib import get_close_matches

    known = list(names)
    folded = {other.casefold(): other for other in reversed(known)}
    close = get_close_matches(name.casefold(), folded, 1)
    if not close and len(name) > 2:  # a longer or a shorter form of the same word
        close = [o for o in folded if len(o) > 2 and (o in name.casefold() or name.casefold() in o)]
    return f"; did you mean {folded[close[0]]!r}?" if close else ""


class MetadataError(MetadataValidationError):
    """Metadata that are malformed or contradict themselves."""


class ExtensionNotFoundError(MetadataError, UnknownCodecError, DataTypeValidationError):
    """A codec or a data type that no installed package provides."""


@contextmanager
def naming(key: str) -> Iterator[None]:
    """Add the key of a metadata document to each `MetadataError` that is raised inside."""
    try:
        yield
    except MetadataError as error:
        raise MetadataError(f"{key!r}: {error}") from error


class BadCompressorError(ZarrError, ValueError):
    """An object given as `compressor` that is not a codec."""


class ChunkDecodeError(ZarrError, ValueError):
    """Stored bytes that cannot be decoded to the chunk that the metadata describe.

    Parameters
    ----------
    message : str
        The reason.
    key : str, optional
        Key of the chunk in its store.
    """

    def __init__(self, message: str, key: str | None = None) -> None:
        super().__init__(message if key is None else f"chunk {key!r}: {message}")
        self.reason = message
        self.key = key

    def at(self, key: str) -> ChunkDecodeError:
        """Return the same error with the key of the chunk.

        Parameters
        ----------
        key : str
            Key of the chunk in its store.

        Returns
        -------
        ChunkDecodeError
            An error of the same class.
        """
        return type(self)(self.reason, key)

    def __reduce__(self) -> Any:
        return type(self), (self.reason, self.key)


class SealError(ChunkDecodeError):
    """Something stored that is not what was sealed: see :func:`zarr.seal`.

    Parameters
    ----------
    message : str
        What differs.
    key : str
        Key of the chunk, the shard or the metadata document in its store.
    """

    def __init__(self, message: str, key: str) -> None:
        super().__init__(message, None)
        self.args = (f"{key!r} is not as it was sealed: {message}",)
        self.key = key

    def at(self, key: str) -> SealError:
        """Return the error itself, which names a key already.

        Parameters
        ----------
        key : str
            Key of the chunk.

        Returns
        -------
        SealError
            The same error.
        """
        return self


class ChunkNotFoundError(ZarrError, LookupError, ValueError):
    """Chunks that are read are absent, and the array was opened with ``missing='error'``.

    Parameters
    ----------
    keys : iterable of str
        Keys of absent chunks. There may be more: reading stops at the first ones.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = tuple(keys)
        super().__init__(absence_of(self.keys))

    def __reduce__(self) -> Any:
        return type(self), (self.keys,)


def absence_of(keys: Sequence[str]) -> str:
    """Return what to say where the chunks at `keys` are absent."""
    shown = ", ".join(map(repr, keys[:10])) + (", ..." if len(keys) > 10 else "")
    what = "1 chunk that is read is" if len(keys) == 1 else f"{len(keys)} chunks that are read are"
    return f"{what} absent: {shown}; z.missing() lists all, missing='fill' reads fill values"


class UnsafeDecodeError(ChunkDecodeError):
    """Decoding would run code from the data, which is not allowed by default."""


PickleCodecDisabledError = UnsafeDecodeError
"""The name of `UnsafeDecodeError` in the 3.x library."""


class StoreError(ZarrError, OSError):
    """An operation of a store failed. Whether the key exists is unknown."""


class StoreTimeoutError(StoreError, TimeoutError):
    """An operation of a store took too long."""


class StorePermissionError(StoreError, PermissionError):
    """A store denied access."""


class TransactionError(StoreError):
    """A transaction that is impossible, was not completed, or is over."""


class TransactionConflictError(TransactionError):
    """Others have changed what a transaction has read; nothing was changed. Begin another one."""


class StoreKeyError(StoreError, ValueError, KeyError):
    """A key that the store cannot hold, for instance one with a segment ``..``.

    It is also a `KeyError`, because nothing is stored under such a key: ``store.get`` returns the
    default.
    """


class UnsupportedDtypeError(DataTypeValidationError, TypeError):
    """A data type that a version of the format does not support."""


class StoreTypeError(ZarrError, TypeError, ValueError):
    """An object given as a store that is neither a store nor a mapping nor a path."""


class ArrayIndexError(ZarrError, IndexError):
    """A selection that cannot be applied to the array."""


class BoundsCheckError(ArrayIndexError):
    """An index outside the bounds of a dimension.

    Parameters
    ----------
    length : int
        Length of the dimension.
    dim : int, optional
        Number of the dimension.
    """

    def __init__(self, length: object, dim: int | None = None) -> None:
        where = "dimension" if dim is None else f"dimension {dim}"
        super().__init__(f"index out of bounds for {where} with length {length}")


class NegativeStepError(ArrayIndexError):
    """A slice with a negative step.

    Parameters
    ----------
    message : str, optional
        The message. One that names the limit by default.
    """

    def __init__(self, message: str = "only slices with step >= 1 are supported") -> None:
        super().__init__(message)


class ZeroStepError(NegativeStepError, ValueError):
    """A slice with a step of zero, for which NumPy and lists raise `ValueError`.

    Parameters
    ----------
    message : str, optional
        The message. One that names the limit by default.
    """

    def __init__(self, message: str = "slice step cannot be zero; it must be >= 1") -> None:
        super().__init__(message)


class VindexInvalidSelectionError(ArrayIndexError):
    """A selection that is neither coordinate arrays nor one Boolean mask.

    Parameters
    ----------
    selection : object
        The selection.
    """

    def __init__(self, selection: object) -> None:
        super().__init__(
            "unsupported selection type for vectorized indexing; only coordinate selection "
            "(tuple of integer arrays) and mask selection (single Boolean array) are "
            f"supported; got {selection!r}"
        )
        self.selection = selection

    def __reduce__(self) -> Any:
        return type(self), (self.selection,)


class ReadOnlyError(ZarrError, PermissionError, ValueError):
    """An attempt to modify an object that is read-only.

    Parameters
    ----------
    message : str, default 'object is read-only'
        The message.
    """

    def __init__(self, message: str = "object is read-only") -> None:
        super().__init__(message)


class CopyError(ZarrError, RuntimeError):
    """A copy would overwrite an array, a group or a key, cannot be resumed, or came out wrong."""


class ConversionError(ZarrError, ValueError):
    """Metadata that the other version of the format cannot express.

    Parameters
    ----------
    problems : dict
        The reason by path of the array or group that cannot be converted.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        shown = [f"{'/' + path}: {reason}" for path, reason in list(problems.items())[:20]]
        more = [f"and {len(problems) - 20} more"] if len(problems) > 20 else []
        super().__init__("nothing has been converted, because of\n" + "\n".join(shown + more))
        self.problems = dict(problems)

    def __reduce__(self) -> Any:
        return type(self), (self.problems,)


class ZarrUserWarning(UserWarning):
    """A warning about data or arguments: what is ignored, out of date, or left out."""


class ZarrDeprecationWarning(DeprecationWarning):
    """A warning about a name or a use that will be removed."""


class ZarrFutureWarning(FutureWarning):
    """A warning about arguments that will have another meaning, or none."""


class ZarrRuntimeWarning(RuntimeWarning):
    """A warning about data that others may not read, or workers that may lose changes."""


class UnstableSpecificationWarning(ZarrFutureWarning):
    """A warning about what no specification has settled, for code that filters it.

    It is not issued here: data types without a specification are written as zarr-python 3 does.
    """


def named_after(module: str, owner: str) -> Callable[[type[T]], type[T]]:
    """Return a decorator for a private base, whose methods users know from a public class.

    That is the class in messages about wrong arguments, and where pickles look for functions.
    """

    def named(base: type[T]) -> type[T]:
        for method in vars(base).values():
            function = getattr(method, "__func__", method)
            if isinstance(function, FunctionType):
                function.__module__ = module
                function.__qualname__ = f"{owner}.{function.__name__}"
        return base

    return named


def warn_user(message: str, category: type[Warning] = ZarrUserWarning) -> None:
    """Issue a warning that points at the first line outside the package."""
    package = __name__.partition(".")[0]
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals["__name__"].partition(".")[0] == package:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, level)
