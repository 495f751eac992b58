"""Members of arrays that code for the 3.x library uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from zarr._codecs.codec_classes import record_classes, record_of
from zarr._codecs.codec_names import codec_from
from zarr._metadata.records import ArrayMeta, Role, Step
from zarr._selection.grid import boundaries
from zarr.errors import named_after

if TYPE_CHECKING:
    from zarr.core.array_spec import ArrayConfig
    from zarr.core.metadata import ArrayMetadata

__all__ = ["CalledCount", "NewerNames", "chosen_config", "or_of_coroutines"]


class CalledCount(int):
    """A number that is a property in 2.x, and what a method returns in the 3.x library."""

    def __call__(self) -> int:
        """Return the number."""
        return int(self)


def or_of_coroutines(init: Callable[..., None]) -> Callable[..., None]:
    """Let the constructor `init` take an `AsyncArray` or `AsyncGroup` alone, too.

    The 3.x library makes its arrays and groups from these only.
    """

    @wraps(init)
    def initialize(
        self: Any, *args: Any, _async_array: Any = None, _async_group: Any = None, **kwargs: Any
    ) -> None:
        if _async_array is not None:
            self.__dict__.update(vars(_async_array._array))
        elif _async_group is not None:
            self.__dict__.update(vars(_async_group._group))
        else:
            init(self, *args, **kwargs)

    return initialize


def chosen_config(config: Any) -> dict[str, Any]:
    """Return the members that an argument `config` of functions of the 3.x library has."""
    if config is None:
        return {}
    return dict(config) if isinstance(config, Mapping) else vars(config)


@named_after("zarr.core", "Array")
class NewerNames:
    """The properties and methods that only arrays of the 3.x library have."""

    _current: ArrayMeta
    _write_empty_chunks: bool
    _missing: Any
    __dict__: dict[str, Any]

    @property
    def metadata(self) -> ArrayMetadata:
        """The metadata as a value: an ``ArrayV2Metadata`` or ``ArrayV3Metadata``.

        Examples
        --------
        >>> import zarr
        >>> zarr.zeros((10, 20), chunks=5).metadata.chunks
        (5, 5)
        """
        from zarr.core.metadata.documents import members_of
        from zarr.core.metadata.group import node_metadata

        return node_metadata(members_of(self))  # type: ignore[return-value]

    @property
    def async_array(self) -> Any:
        """The same array, with coroutines for methods.

        Examples
        --------
        >>> import asyncio
        >>> import zarr
        >>> int(asyncio.run(zarr.array([1, 2, 3]).async_array.getitem(0)))
        1
        """
        return import_module("zarr._async.array").AsyncArray._of(self)

    @property
    def _async_array(self) -> Any:
        return self.async_array

    def _codecs_of(self, role: Role) -> tuple[Any, ...]:
        return tuple(_shown(step) for step in self._current.steps if step.role == role)

    @property
    def compressors(self) -> tuple[Any, ...]:
        """The codecs that make bytes of bytes, in the order of encoding.

        Codecs of numcodecs in format 2, those of :mod:`zarr.codecs` in format 3.
        """
        return self._codecs_of("compressor")

    @property
    def serializer(self) -> Any:
        """The codec that makes bytes of an array; None in format 2."""
        return next(iter(self._codecs_of("serializer")), None)

    @property
    def config(self) -> ArrayConfig:
        """How this object uses the array: memory layout, and which chunks are stored."""
        from zarr.core.array_spec import ArrayConfig

        return ArrayConfig(
            self._current.order,
            self._write_empty_chunks,
            read_missing_chunks=self._missing != "error",
        )

    def with_config(self, config: Any) -> Self:
        """Return the array for use in another way.

        Parameters
        ----------
        config : ArrayConfig or dict
            With entries such as ``write_empty_chunks`` and ``read_missing_chunks``.

        Returns
        -------
        Array
            The same array.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.create_array(shape=10, dtype='i4')
        >>> z.with_config({'write_empty_chunks': True}).write_empty_chunks
        True
        """
        settings = chosen_config(config)
        result = type(self).__new__(type(self))
        result.__dict__.update(self.__dict__)
        if "write_empty_chunks" in settings:
            result._write_empty_chunks = bool(settings["write_empty_chunks"])
        if "read_missing_chunks" in settings:
            result._missing = "fill" if settings["read_missing_chunks"] else "error"
        result.__dict__["_engine_"] = None
        return result

    @property
    def read_chunk_sizes(self) -> tuple[tuple[int, ...], ...]:
        """Lengths of all chunks along each dimension, the last one cut at the end of the array.

        Examples
        --------
        >>> import zarr
        >>> zarr.zeros((10, 3), chunks=(4, 3)).read_chunk_sizes
        ((4, 4, 2), (3,))
        """
        return _sizes(self._current.grid.chunks, self._current.shape)

    @property
    def write_chunk_sizes(self) -> tuple[tuple[int, ...], ...]:
        """The same of what is stored under one key: of shards, if there are."""
        return _sizes(self._current.grid.stored, self._current.shape)

    def update_attributes(self, new_attributes: Mapping[str, Any]) -> Self:
        """Set user attributes; others are kept.

        Parameters
        ----------
        new_attributes : dict
            Attributes by name.

        Returns
        -------
        Array
            This array.

        Examples
        --------
        >>> import zarr
        >>> dict(zarr.zeros(3).update_attributes({'units': 'm'}).attrs)
        {'units': 'm'}
        """
        self.attrs.update(new_attributes)  # type: ignore[attr-defined]
        return self

    @classmethod
    def from_dict(cls, store_path: Any, data: Mapping[str, Any]) -> Any:
        """Return the array at a path whose metadata are given, and not read.

        Parameters
        ----------
        store_path : StorePath
            The store and the path of the array.
        data : dict
            The members of the metadata.

        Returns
        -------
        Array
            The array.

        Raises
        ------
        MetadataValidationError
            If the metadata are invalid.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.create_array(shape=3, dtype='i4')
        >>> zarr.Array.from_dict(z.store_path, z.metadata.to_dict()) == z
        True
        """
        return import_module("zarr._async.array").array_of(data, store_path)

    @classmethod
    def open(cls, store: Any, *, config: Any = None) -> Any:
        """Open the array at the root of a store, or at a path in it.

        Parameters
        ----------
        store : BaseStore, MutableMapping or str
            A store, a path, a URL, or a store together with a path.
        config : ArrayConfig or dict, optional
            How the array is used, as for :func:`zarr.open_array`.

        Returns
        -------
        Array
            The array.

        Raises
        ------
        ArrayNotFoundError
            If there is no array.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.create_array(shape=3, dtype='i4')
        >>> zarr.Array.open(z.store)
        <zarr.core.Array (3,) int32>
        """
        return import_module("zarr.creation").open_array(store, mode="r+", config=config)

    def info_complete(self) -> Any:
        """Return :attr:`info`, which is complete here.

        Returns
        -------
        Info
            The summary.

        Examples
        --------
        >>> import zarr
        >>> summary = zarr.zeros(3).info_complete()
        """
        return self.info  # type: ignore[attr-defined]


def _sizes(stored: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(
        tuple(np.diff(boundaries(lengths, length)).tolist())
        for lengths, length in zip(stored, shape, strict=True)
    )


def _shown(step: Step) -> Any:
    """Return what users of the 3.x library see of a codec."""
    is_named = "name" in step.config and step.name in record_classes()
    return record_of(step) if is_named else codec_from(step)
