"""The settings of the package, with defaults from environment variables.

Each setting has an environment variable ``ZARR_<SETTING>``, for instance ``ZARR_WORKERS``, which
is read when the package is imported. :func:`set` changes settings for the process, or for a
block if it is used as a context manager. Booleans are true for ``1``, ``true`` and ``yes``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import TracebackType
from typing import Any, Literal, TypeAlias

from zarr._system import count_processors

__all__ = ["Config", "get", "set"]


Missing: TypeAlias = Literal["fill", "warn", "error"]
"""How reading treats absent chunks."""

_BOOLEANS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_MISSING = ("fill", "warn", "error")


def check_missing(missing: Any) -> Missing:
    """Return `missing` if it is one of the three words; raise `ValueError` otherwise."""
    if missing not in _MISSING:
        raise ValueError(f"missing must be one of {list(_MISSING)}, not {missing!r}")
    return missing  # type: ignore[no-any-return]


Verify: TypeAlias = bool | Literal["auto"]
"""Whether reading compares what is stored with its seal."""


def check_verify(verify: Any) -> Verify:
    """Return `verify` if it is True, False or 'auto'; raise `ValueError` otherwise."""
    if verify not in (True, False, "auto"):
        raise ValueError(f"verify must be True, False or 'auto', not {verify!r}")
    return verify if verify == "auto" else bool(verify)


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of the package.

    Attributes
    ----------
    workers : int
        Number of threads that read and decode chunks, including the calling thread. 1 means that
        only the calling thread works. By default the number of processors available to the process,
        at most 32. Environment variable ``ZARR_WORKERS``.
    window_bytes : int, default 8388608
        Size in bytes of the decoded data that a thread processes between two calls to the store.
        Environment variable ``ZARR_WINDOW_BYTES``.
    thread_bytes : int, default 1048576
        Size in bytes of the chunks of a selection below which one thread is used. Environment
        variable ``ZARR_THREAD_BYTES``.
    cache_bytes : int, default 0
        Maximum size in bytes of the decoded chunks that each array keeps in memory, for arrays
        opened afterwards. Environment variable ``ZARR_CACHE_BYTES``.
    allow_pickle : bool, default False
        Whether chunks written with the ``pickle`` codec can be decoded. Decoding a pickle runs code
        that is contained in the data. Environment variable ``ZARR_ALLOW_PICKLE``.
    follow_symlinks : bool, default True
        Whether stores in local folders follow symbolic links out of the folder. If False, access
        through such a link raises `StorePermissionError`. Environment variable
        ``ZARR_FOLLOW_SYMLINKS``.
    missing : {'fill', 'warn', 'error'}, default 'fill'
        How arrays opened afterwards treat chunks that are read and absent: return fill values,
        return them with a warning, or raise `ChunkNotFoundError`. Environment variable
        ``ZARR_MISSING``.
    verify : bool or 'auto', default 'auto'
        Whether arrays and groups opened afterwards compare what they read with its seal, see
        `zarr.seal`: 'auto' does so where there is a seal, True requires one of what is
        opened read-only, False reads without. Environment variable ``ZARR_VERIFY``.
    """

    workers: int = 0
    window_bytes: int = 8 << 20
    thread_bytes: int = 1 << 20
    cache_bytes: int = 0
    allow_pickle: bool = False
    follow_symlinks: bool = True
    missing: Missing = "fill"
    verify: Verify = "auto"

    def __post_init__(self) -> None:
        check_missing(self.missing)
        check_verify(self.verify)


def _from_environment(environ: Mapping[str, str]) -> Config:
    given: dict[str, Any] = {}
    for field in fields(Config):
        text = environ.get(f"ZARR_{field.name.upper()}", "").strip()
        if not text:
            continue
        if isinstance(field.default, bool):
            given[field.name] = text.lower() in ("1", "true", "yes")
        elif isinstance(field.default, str):
            given[field.name] = _BOOLEANS.get(text.lower(), text.lower())
        else:
            given[field.name] = int(text)
    config = Config(**given)
    if config.workers < 1:
        config = replace(config, workers=min(32, count_processors()))
    return config


current = _from_environment(os.environ)


def get() -> Config:
    """Return the current settings.

    Returns
    -------
    Config
        The settings, which cannot be changed through this object.

    Examples
    --------
    >>> import zarr
    >>> zarr.config.get().cache_bytes
    0
    """
    return current


class set:
    """Change settings, for the process or for the block of a ``with`` statement.

    Parameters
    ----------
    **changes
        New values by the names of :class:`Config`.

    Raises
    ------
    TypeError
        If there is no setting of that name.

    Examples
    --------
    >>> import zarr
    >>> with zarr.config.set(workers=1):
    ...     zarr.config.get().workers
    1
    """

    def __init__(self, **changes: Any) -> None:
        global current
        self._before = current
        current = replace(current, **changes)

    def __enter__(self) -> Config:
        return current

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        global current
        current = self._before
