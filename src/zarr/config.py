"""The settings of the package, with defaults from environment variables.

Each setting has an environment variable ``ZARR_<SETTING>``, for instance ``ZARR_WORKERS``, which
is read when the package is imported. :func:`set` changes settings for the process, or for a
block if it is used as a context manager. Booleans are true for ``1``, ``true`` and ``yes``.

The settings of the 3.x library, which have names with dots such as ``'array.write_empty_chunks'``,
can be read and changed by the same two functions; see :func:`get`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from types import ModuleType, TracebackType
from typing import Any, Literal, NoReturn, TypeAlias, overload

from zarr._system import count_processors
from zarr.errors import warn_user

__all__ = ["Config", "enable_gpu", "get", "reset", "set"]


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


Text: TypeAlias = Literal["object", "string"]
"""How text of any length is returned."""


def check_text(text: Any) -> Text:
    """Return `text` if it is 'object' or 'string'; raise `ValueError` otherwise."""
    if text not in ("object", "string"):
        raise ValueError(f"text must be 'object' or 'string', not {text!r}")
    return text  # type: ignore[no-any-return]


Remote: TypeAlias = Literal["auto", "fsspec"]
"""Through which packages URLs of object stores are opened."""

_REMOTE = ("auto", "fsspec")


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
    text : {'object', 'string'}, default 'object'
        How arrays opened afterwards return text of any length: as NumPy arrays of Python strings,
        as in 2.x, or of NumPy's `StringDType`, as in the 3.x library. Environment variable
        ``ZARR_TEXT``.
    remote : {'auto', 'fsspec'}, default 'auto'
        How to open URLs of object stores such as ``s3://bucket/data.zarr``: through ``obstore``
        where that is installed and supports all options, or always through ``fsspec``. Environment
        variable ``ZARR_REMOTE``.
    """

    workers: int = 0
    window_bytes: int = 8 << 20
    thread_bytes: int = 1 << 20
    cache_bytes: int = 0
    allow_pickle: bool = False
    follow_symlinks: bool = True
    missing: Missing = "fill"
    verify: Verify = "auto"
    text: Text = "object"
    remote: Remote = "auto"

    def __post_init__(self) -> None:
        check_missing(self.missing)
        check_verify(self.verify)
        check_text(self.text)
        if self.remote not in _REMOTE:
            raise ValueError(f"remote must be one of {list(_REMOTE)}, not {self.remote!r}")


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


class Unchosen(int):
    """A version of the format that applies until somebody chooses one."""


defaults: list[dict[str, Any]] = [
    {
        "default_zarr_format": Unchosen(2),
        "array": {
            "order": "C",
            "write_empty_chunks": False,
            "read_missing_chunks": True,
            "rectilinear_chunks": True,
            "allow_unsafe_pickle_decode": False,
            "target_shard_size_bytes": None,
        },
        "async": {"concurrency": 10, "timeout": None},
        "threading": {"max_workers": None},
        "json_indent": 2,
        "codec_pipeline": {
            "path": "zarr.core.codec_pipeline.BatchedCodecPipeline",
            "batch_size": 1,
            "max_workers": None,
        },
        "codecs": {},
        "buffer": "zarr.buffer.cpu.Buffer",
        "ndbuffer": "zarr.buffer.cpu.NDBuffer",
    }
]
"""The settings of the 3.x library and their defaults, in the form in which it has them."""


def _named_from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of the 3.x library, changed by ``ZARR_ARRAY__ORDER`` and the like."""
    tree = deepcopy(defaults[0])
    for name, text in environ.items():
        if name == "ZARR_DEFAULT_ZARR_FORMAT" or (name.startswith("ZARR_") and "__" in name):
            _put(tree, name[5:].lower().replace("__", "."), _value_of(text))
    return tree


def _value_of(text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    return int(text) if text.lstrip("-").isdecimal() else text


_PIPELINES = "zarr.core.codec_pipeline."
"""Where the pipelines of this package are."""


def _check_pipeline(path: Any) -> None:
    """Warn if a pipeline is set that is not used."""
    if path != named["codec_pipeline"]["path"] and not str(path).startswith(_PIPELINES):
        warn_user(
            f"the codec pipeline {path!r} is not used: the engine of this package encodes and "
            "decodes chunks, to the same bytes, with as many threads as zarr.config.get().workers"
        )


_SAME = {
    "threading.max_workers": "workers",
    "array.allow_unsafe_pickle_decode": "allow_pickle",
}
"""Settings of the 3.x library, with the fields of `Config` that mean the same."""


def _put(tree: dict[str, Any], key: str, value: Any) -> None:
    """Set the value of a key with dots; a mapping is merged."""
    *above, last = key.split(".")
    for name in above:
        tree = tree.setdefault(name, {})
    if isinstance(value, Mapping) and isinstance(tree.get(last), dict):
        for name, inner in value.items():
            _put(tree[last], name, inner)
    else:
        tree[last] = value


named: dict[str, Any] = _named_from_environment(os.environ)
"""The settings of the 3.x library."""

_MISSING_DEFAULT = object()


@overload
def get() -> Config: ...
@overload
def get(key: str, default: Any = ...) -> Any: ...
def get(key: str | None = None, default: Any = _MISSING_DEFAULT) -> Any:
    """Return the current settings, or one setting of the 3.x library.

    Parameters
    ----------
    key : str, optional
        Name of a setting of the 3.x library, with dots, for instance
        ``'array.write_empty_chunks'``. All settings of this library by default.
    default : object, optional
        Value to return if there is no such setting. An error by default.

    Returns
    -------
    Config or object
        The settings, which cannot be changed through this object; or the value of `key`.

    Raises
    ------
    KeyError
        If there is no setting `key`, and no `default`.

    Examples
    --------
    >>> import zarr
    >>> zarr.config.get().cache_bytes
    0
    >>> zarr.config.get('array.order')
    'C'
    """
    if key is None:
        return current
    if key in _SAME:
        return getattr(current, _SAME[key])
    found: Any = named
    for name in key.split("."):
        if not isinstance(found, Mapping) or name not in found:
            if default is _MISSING_DEFAULT:
                raise KeyError(key)
            return default
        found = found[name]
    return found


class set:
    """Change settings, for the process or for the block of a ``with`` statement.

    Parameters
    ----------
    arg : dict, optional
        New values by names with dots, of the settings of the 3.x library. Those that it does not
        have are kept, too.
    **changes
        New values by the names of :class:`Config`, or of the 3.x library with two underscores for
        each dot.

    Raises
    ------
    TypeError
        If there is no setting of that name.

    Warns
    -----
    ZarrUserWarning
        If ``codec_pipeline.path`` names a pipeline of another package. The value is kept, but
        arrays use the engine of this package.

    Examples
    --------
    >>> import zarr
    >>> with zarr.config.set(workers=1):
    ...     zarr.config.get().workers
    1
    >>> with zarr.config.set({'array.write_empty_chunks': True}):
    ...     zarr.config.get('array.write_empty_chunks')
    True
    """

    def __init__(self, arg: Mapping[str, Any] | None = None, /, **changes: Any) -> None:
        global current, named
        self._before = current, named
        ours = {n: changes.pop(n) for n in [*changes] if n in Config.__dataclass_fields__}
        theirs = {**(arg or {}), **{n.replace("__", "."): v for n, v in changes.items()}}
        if unknown := [n for n in changes if n.split("__")[0] not in defaults[0]]:
            raise TypeError(f"there is no setting {unknown[0]!r}")
        ours |= {_SAME[n]: v for n, v in theirs.items() if n in _SAME and v is not None}
        settings = deepcopy(named)
        for name, value in theirs.items():
            _put(settings, name, value)
        _check_pipeline(settings["codec_pipeline"]["path"])
        current, named = replace(current, **ours), settings

    def __enter__(self) -> Config:
        return current

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        global current, named
        current, named = self._before


def reset() -> None:
    """Set all settings to what they were when the package was imported.

    Examples
    --------
    >>> import zarr
    >>> zarr.config.reset()
    """
    global current, named
    current, named = _from_environment(os.environ), _named_from_environment(os.environ)


refresh = reset


def enable_gpu() -> NoReturn:
    """Refuse: there are no buffers in the memory of GPUs.

    Raises
    ------
    NotImplementedError
        Always. The parameter `meta_array` of arrays and groups returns arrays of GPU libraries.
    """
    raise NotImplementedError("GPU buffers are not supported; use the parameter meta_array")


def __getattr__(name: str) -> Any:
    if name == "config":  # the 3.x library shows its settings by this name
        return named
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Settings(ModuleType):
    """The module as the object that `zarr.config` is in the 3.x library."""

    def __getitem__(self, key: str) -> Any:
        return get(key)

    def __contains__(self, key: str) -> bool:
        absent = object()
        return get(key, absent) is not absent


sys.modules[__name__].__class__ = _Settings
