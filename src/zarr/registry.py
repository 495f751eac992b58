"""Classes by name: codecs and other extensions that code for the 3.x library registers."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Generic, TypeVar

from zarr import config
from zarr._codecs import v3_codecs
from zarr._codecs.codec_classes import record_classes
from zarr.core.chunk_key_encodings import ChunkKeyEncoding, encodings
from zarr.core.dtype.registry import data_type_registry
from zarr.errors import UnknownCodecError

__all__ = [
    "Registry", "data_type_registry", "get_buffer_class", "get_chunk_key_encoding_class",
    "get_codec_class", "get_ndbuffer_class", "get_pipeline_class", "register_buffer",
    "register_chunk_key_encoding", "register_codec", "register_ndbuffer", "register_pipeline",
]  # fmt: skip

T = TypeVar("T")


class Registry(dict[str, type[T]], Generic[T]):
    """Classes by their names, which include their modules."""

    def register(self, cls: type[T], qualname: str | None = None) -> None:
        """Add a class.

        Parameters
        ----------
        cls : type
            The class.
        qualname : str, optional
            Its name. Module and name of the class by default.
        """
        self[fully_qualified_name(cls) if qualname is None else qualname] = cls


def fully_qualified_name(cls: type) -> str:
    """Return module and name of a class.

    Parameters
    ----------
    cls : type
        The class.

    Returns
    -------
    str
        The names, with a dot between them.
    """
    return f"{cls.__module__}.{cls.__qualname__}"


_buffers: Registry[Any] = Registry()
_ndbuffers: Registry[Any] = Registry()
_pipelines: Registry[Any] = Registry()


def register_codec(key: str, codec_cls: type[Any], *, qualname: str | None = None) -> None:
    """Add a codec, which arrays of format 3 can then use.

    Codecs of this package and of numcodecs are not replaced.

    Parameters
    ----------
    key : str
        Name of the codec in metadata.
    codec_cls : type
        A class derived from one of those in :mod:`zarr.abc.codec`.
    qualname : str, optional
        Not used: a name has one class, the one registered last.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import zarr
    >>> from zarr.abc.codec import BytesBytesCodec
    >>> from zarr.registry import get_codec_class, register_codec
    >>> class Reversed(BytesBytesCodec):
    ...     def to_dict(self):
    ...         return {'name': 'reversed'}
    ...     @classmethod
    ...     def from_dict(cls, data):
    ...         return cls()
    ...     def _encode_sync(self, chunk, spec):
    ...         return chunk.from_bytes(chunk.to_bytes()[::-1])
    ...     _decode_sync = _encode_sync
    >>> register_codec('reversed', Reversed)
    >>> z = zarr.create_array(shape=3, dtype='i2', compressors=Reversed())
    >>> z[:] = [1, 2, 3]
    >>> z[:]
    array([1, 2, 3], dtype=int16)
    """
    from zarr.core.foreign_codecs import binder_of, role_of

    if not v3_codecs.is_builtin(key) or key in _registered:
        _registered.add(key)
        v3_codecs.register(key, role_of(codec_cls), binder_of(codec_cls))
        record_classes()[key] = codec_cls


_registered: set[str] = set()


def get_codec_class(key: str, reload_config: bool = False) -> type[Any]:
    """Return the class of the codecs of a name.

    Parameters
    ----------
    key : str
        Name of the codec in metadata of format 3.
    reload_config : bool, default False
        Not used: settings are never kept from before.

    Returns
    -------
    type
        The class.

    Raises
    ------
    UnknownCodecError
        If there is none.
    """
    name = v3_codecs.canonical(key)
    v3_codecs.load_plugin(name)
    found: type[Any] | None = record_classes().get(name)
    if found is None:
        raise UnknownCodecError(f"codec {v3_codecs.unknown(key)}")
    return found


def register_chunk_key_encoding(key: str, cls: type[ChunkKeyEncoding]) -> None:
    """Add an encoding of chunk keys, for metadata as values; arrays here do not use it.

    Parameters
    ----------
    key : str
        Its name in metadata.
    cls : type
        The class.
    """
    encodings[key] = cls


def get_chunk_key_encoding_class(key: str) -> type[ChunkKeyEncoding]:
    """Return the class of the encoding of chunk keys of a name.

    Parameters
    ----------
    key : str
        Its name in metadata.

    Returns
    -------
    type
        The class.

    Raises
    ------
    KeyError
        If there is none.
    """
    if key not in encodings:
        raise KeyError(f"chunk key encoding {key!r} is not known; known are {sorted(encodings)}")
    return encodings[key]


def register_buffer(cls: type[Any], qualname: str | None = None) -> None:
    """Add a class of buffers of bytes, for use by its name.

    Parameters
    ----------
    cls : type
        The class.
    qualname : str, optional
        Its name. Module and name of the class by default.
    """
    _buffers.register(cls, qualname)


def register_ndbuffer(cls: type[Any], qualname: str | None = None) -> None:
    """Add a class of buffers of elements, for use by its name.

    Parameters
    ----------
    cls : type
        The class.
    qualname : str, optional
        Its name. Module and name of the class by default.
    """
    _ndbuffers.register(cls, qualname)


def register_pipeline(pipe_cls: type[Any]) -> None:
    """Add a class of pipelines, for use by its name; arrays here have their own.

    Parameters
    ----------
    pipe_cls : type
        The class.
    """
    _pipelines.register(pipe_cls)


def _chosen(registry: Registry[Any], key: str) -> type[Any]:
    """Return the class whose name is the setting `key`."""
    name = config.get(key)
    if name in registry:
        return registry[name]
    module, _, found = str(name).rpartition(".")
    chosen: type[Any] = getattr(import_module(module), found)
    return chosen


def get_buffer_class(reload_config: bool = False) -> type[Any]:
    """Return the class of buffers of bytes that the setting ``buffer`` names.

    Parameters
    ----------
    reload_config : bool, default False
        Not used: settings are never kept from before.

    Returns
    -------
    type
        The class.
    """
    return _chosen(_buffers, "buffer")


def get_ndbuffer_class(reload_config: bool = False) -> type[Any]:
    """Return the class of buffers of elements that the setting ``ndbuffer`` names.

    Parameters
    ----------
    reload_config : bool, default False
        Not used: settings are never kept from before.

    Returns
    -------
    type
        The class.
    """
    return _chosen(_ndbuffers, "ndbuffer")


def get_pipeline_class(reload_config: bool = False) -> type[Any]:
    """Return the class of pipelines that the setting ``codec_pipeline.path`` names.

    Parameters
    ----------
    reload_config : bool, default False
        Not used: settings are never kept from before.

    Returns
    -------
    type
        The class.
    """
    return _chosen(_pipelines, "codec_pipeline.path")
