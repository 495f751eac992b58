"""Codecs of an array, for code for the 3.x library that encodes and decodes chunks itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from zarr.abc.codec import ArrayArrayCodec, ArrayBytesCodec, CodecPipeline, GetResult
from zarr.core.array import Array
from zarr.core.array_spec import ArraySpec
from zarr.core.metadata.v2 import ArrayV2Metadata
from zarr.core.metadata.v3 import ArrayV3Metadata
from zarr.registry import get_pipeline_class

__all__ = [
    "BatchedCodecPipeline", "FusedCodecPipeline", "V2Codec", "codecs_from_list", "pipeline_of",
]  # fmt: skip


@dataclass(frozen=True)
class V2Codec(ArrayBytesCodec):
    """The filters and the compressor of an array in format 2, as one codec of a pipeline.

    Parameters
    ----------
    filters : tuple of codecs, optional
        Codecs of numcodecs.
    compressor : codec, optional
        A codec of numcodecs.
    """

    filters: tuple[Any, ...] | None
    compressor: Any

    async def decode(
        self, chunks_and_specs: Iterable[tuple[Any, ArraySpec]]
    ) -> Iterable[Any | None]:
        """Return decoded chunks.

        Parameters
        ----------
        chunks_and_specs : iterable of (Buffer, ArraySpec)
            Encoded chunks, None for those that are absent.

        Returns
        -------
        list of NDBuffer
            The decoded chunks, None for those that are absent.
        """
        return await BatchedCodecPipeline((), self, ()).decode(chunks_and_specs)

    async def encode(
        self, chunks_and_specs: Iterable[tuple[Any, ArraySpec]]
    ) -> Iterable[Any | None]:
        """Return encoded chunks.

        Parameters
        ----------
        chunks_and_specs : iterable of (NDBuffer, ArraySpec)
            Chunks, None for those that are absent.

        Returns
        -------
        list of Buffer
            The encoded chunks, None for those that are absent.
        """
        return await BatchedCodecPipeline((), self, ()).encode(chunks_and_specs)


def pipeline_of(metadata: ArrayV2Metadata | ArrayV3Metadata, store: Any) -> Any:
    """Return the pipeline of an array, of the class that ``codec_pipeline.path`` names.

    Parameters
    ----------
    metadata : ArrayV2Metadata or ArrayV3Metadata
        The metadata of the array.
    store : Store
        Its store, which pipelines of other packages may need.

    Returns
    -------
    CodecPipeline
        The pipeline.
    """
    cls = get_pipeline_class()
    try:
        return cls.from_array_metadata_and_store(array_metadata=metadata, store=store)
    except NotImplementedError:
        return cls.from_codecs(_codecs_of(metadata))


def _codecs_of(metadata: ArrayV2Metadata | ArrayV3Metadata) -> tuple[Any, ...]:
    if isinstance(metadata, ArrayV2Metadata):
        return (V2Codec(metadata.filters, metadata.compressor),)
    return metadata.codecs


def codecs_from_list(
    codecs: Iterable[Any],
) -> tuple[tuple[Any, ...], Any, tuple[Any, ...]]:
    """Return the codecs of arrays, the one that makes bytes of an array, and those of bytes.

    Parameters
    ----------
    codecs : iterable of codecs
        The codecs in the order of encoding.

    Returns
    -------
    array_array : tuple of codecs
    array_bytes : codec
    bytes_bytes : tuple of codecs

    Raises
    ------
    ValueError
        If not exactly one makes bytes of an array.
    """
    listed = tuple(codecs)
    serializers = [codec for codec in listed if isinstance(codec, ArrayBytesCodec)]
    if len(serializers) != 1:
        raise ValueError(
            f"exactly one codec from arrays to bytes is needed, not {len(serializers)}"
        )
    at = listed.index(serializers[0])
    if not all(isinstance(codec, ArrayArrayCodec) for codec in listed[:at]):
        raise ValueError("codecs of bytes must come after the one from arrays to bytes")
    return listed[:at], listed[at], listed[at + 1 :]


@dataclass(frozen=True)
class BatchedCodecPipeline(CodecPipeline):
    """The codecs of an array, for code that encodes and decodes chunks itself.

    Arrays do not use it: their engine reads, decodes and writes the chunks of a selection together.
    The setting ``codec_pipeline.path`` is therefore kept and has no effect on them.

    Parameters
    ----------
    array_array_codecs : tuple of codecs
        Those that make arrays of arrays.
    array_bytes_codec : codec
        The one that makes bytes of an array.
    bytes_bytes_codecs : tuple of codecs
        Those that make bytes of bytes.
    batch_size : int, default 1
        Not used: chunks are encoded and decoded one by one.
    """

    array_array_codecs: tuple[Any, ...]
    array_bytes_codec: Any
    bytes_bytes_codecs: tuple[Any, ...]
    batch_size: int = 1

    @classmethod
    def from_codecs(cls, codecs: Iterable[Any], *, batch_size: int | None = None) -> Self:
        """Return the pipeline of codecs in the order of encoding.

        Parameters
        ----------
        codecs : iterable of codecs
            The codecs.
        batch_size : int, optional
            Not used.

        Returns
        -------
        BatchedCodecPipeline
            The pipeline.
        """
        return cls(*codecs_from_list(codecs), batch_size=batch_size or 1)

    def __iter__(self) -> Iterator[Any]:
        yield from self.array_array_codecs
        yield self.array_bytes_codec
        yield from self.bytes_bytes_codecs

    def evolve_from_array_spec(self, array_spec: ArraySpec) -> Self:
        """Return the pipeline itself: codecs are told of the array when they are used.

        Parameters
        ----------
        array_spec : ArraySpec
            The array.

        Returns
        -------
        BatchedCodecPipeline
            A pipeline of the same codecs.
        """
        return replace(self)

    def _metadata_of_one_chunk(
        self, spec: ArraySpec, chunk_shape: list[int]
    ) -> ArrayV2Metadata | ArrayV3Metadata:
        codec = self.array_bytes_codec
        if isinstance(codec, V2Codec):
            return ArrayV2Metadata(
                shape=spec.shape,
                chunks=chunk_shape,
                dtype=spec.dtype,
                fill_value=spec.fill_value,
                order=spec.order,
                filters=codec.filters,
                compressor=codec.compressor,
            )
        return ArrayV3Metadata(
            shape=spec.shape,
            data_type=spec.dtype,
            chunk_grid={"name": "regular", "configuration": {"chunk_shape": chunk_shape}},
            chunk_key_encoding={"name": "default"},
            fill_value=spec.fill_value,
            codecs=tuple(self),
        )

    def _of_one_chunk(self, spec: ArraySpec) -> tuple[Array, dict[str, Any], str]:
        """Return an array of one chunk in memory, the values there, and the key of the chunk."""
        metadata = self._metadata_of_one_chunk(spec, [max(n, 1) for n in spec.shape])
        documents = metadata.to_buffer_dict(spec.prototype)
        values = {key: document.to_bytes() for key, document in documents.items()}
        array = Array(values, write_empty_chunks=True)
        return array, values, metadata.encode_chunk_key((0,) * len(spec.shape))

    async def decode(self, chunk_bytes_and_specs: Iterable[tuple[Any, ArraySpec]]) -> list[Any]:
        """Return decoded chunks.

        Parameters
        ----------
        chunk_bytes_and_specs : iterable of (Buffer, ArraySpec)
            Encoded chunks, None for those that are absent.

        Returns
        -------
        list of NDBuffer
            The decoded chunks, None for those that are absent.
        """
        return [self._decode(buffer, spec) for buffer, spec in chunk_bytes_and_specs]

    def _decode(self, buffer: Any, spec: ArraySpec) -> Any:
        if buffer is None:
            return None
        array, values, key = self._of_one_chunk(spec)
        values[key] = buffer.to_bytes()
        return spec.prototype.nd_buffer.from_numpy_array(array[...])

    async def encode(self, chunk_arrays_and_specs: Iterable[tuple[Any, ArraySpec]]) -> list[Any]:
        """Return encoded chunks.

        Parameters
        ----------
        chunk_arrays_and_specs : iterable of (NDBuffer, ArraySpec)
            Chunks, None for those that are absent.

        Returns
        -------
        list of Buffer
            The encoded chunks, None for those that are absent.
        """
        return [self._encode(chunk, spec) for chunk, spec in chunk_arrays_and_specs]

    def _encode(self, chunk: Any, spec: ArraySpec) -> Any:
        if chunk is None:
            return None
        array, values, key = self._of_one_chunk(spec)
        array[...] = chunk.as_numpy_array()
        return spec.prototype.buffer.from_bytes(bytes(values[key]))

    async def read(
        self, batch_info: Iterable[Any], out: Any, drop_axes: tuple[int, ...] = ()
    ) -> tuple[GetResult, ...]:
        """Read chunks, and put what is selected of each into an array.

        The parameters and return value are those of :meth:`zarr.abc.codec.CodecPipeline.read`.
        """
        array, results = out.as_numpy_array(), []
        for place, spec, selected, where, _ in batch_info:
            chunk = self._decode(await place.get(prototype=spec.prototype), spec)
            if chunk is None:
                array[where] = _fill_of(spec)
            else:
                array[where] = np.squeeze(chunk.as_numpy_array()[selected], drop_axes)
            results.append(GetResult(status="missing" if chunk is None else "present"))
        return tuple(results)

    async def write(
        self, batch_info: Iterable[Any], value: Any, drop_axes: tuple[int, ...] = ()
    ) -> None:
        """Change what is selected of each chunk to the elements of an array, and write the chunks.

        The parameters are those of :meth:`zarr.abc.codec.CodecPipeline.write`.
        """
        array = value.as_numpy_array()
        for place, spec, selected, where, is_complete in batch_info:
            old = None if is_complete else await place.get(prototype=spec.prototype)
            chunk = self._writeable(old, spec)
            part = array[where] if array.ndim else array
            if array.ndim:
                part = np.expand_dims(part, drop_axes)
            chunk[selected] = part
            if not spec.config.write_empty_chunks and np.array_equal(
                chunk, np.full_like(chunk, _fill_of(spec)), equal_nan=chunk.dtype.kind in "fc"
            ):
                await place.delete()
            else:
                buffer = spec.prototype.nd_buffer.from_numpy_array(chunk)
                await place.set(self._encode(buffer, spec))

    def _writeable(self, buffer: Any, spec: ArraySpec) -> Any:
        """Return the chunk in a buffer as an array, or one of fill values."""
        decoded = self._decode(buffer, spec)
        if decoded is not None:
            return decoded.as_numpy_array()
        return np.full(spec.shape, _fill_of(spec), spec.dtype.to_native_dtype())


def _fill_of(spec: ArraySpec) -> Any:
    return spec.dtype.default_scalar() if spec.fill_value is None else spec.fill_value


class FusedCodecPipeline(BatchedCodecPipeline):
    """The same: chunks always go through all codecs at once here."""
