"""The methods by which code for the 3.x library encodes and decodes chunks with one codec.

They are documented in :mod:`zarr.abc.codec`, whose classes the codecs are of. What they do is in
:mod:`zarr.core.codec_calls`, which is imported when the first of them is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any, ClassVar, Self

__all__ = ["CodecMethods"]


def _calls() -> Any:
    return import_module("zarr.core.codec_calls")


class CodecMethods:
    """A codec of this package, as the class ``BaseCodec`` of :mod:`zarr.abc.codec` has it.

    Attributes
    ----------
    is_fixed_size : bool
        Whether the size of encoded chunks follows from that of the chunks.
    """

    is_fixed_size: ClassVar[bool] = False

    def evolve_from_array_spec(self, array_spec: Any) -> Self:
        """Return the codec with what it leaves to the array.

        Parameters
        ----------
        array_spec : ArraySpec
            The array.

        Returns
        -------
        object
            A codec of this class.

        Raises
        ------
        MetadataError
            If the codec cannot encode such an array.
        """
        evolved: Self = _calls().evolved(self, array_spec)
        return evolved

    def resolve_metadata(self, chunk_spec: Any) -> Any:
        """Return the array that a filter makes of a chunk.

        Parameters
        ----------
        chunk_spec : ArraySpec
            The chunk.

        Returns
        -------
        ArraySpec
            The encoded chunk; `chunk_spec` itself if the codec makes bytes.
        """
        return _calls().resolved(self, chunk_spec)

    def validate(self, *, shape: tuple[int, ...], dtype: Any, chunk_grid: Any) -> None:
        """Raise an error if the codec cannot encode an array.

        Parameters
        ----------
        shape : tuple of int
            Shape of the array.
        dtype : ZDType
            Its data type.
        chunk_grid : ChunkGridMetadata
            How it is divided into chunks. None if it is one chunk.

        Raises
        ------
        MetadataError
            If the codec cannot encode the chunks of such an array.
        """
        _calls().validate(self, shape, dtype, chunk_grid)

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: Any) -> int:
        """Return the size of an encoded chunk.

        Parameters
        ----------
        input_byte_length : int
            Size of the chunk in bytes.
        chunk_spec : ArraySpec
            The chunk.

        Returns
        -------
        int
            Size in bytes. In a shard, all inner chunks are counted.

        Raises
        ------
        NotImplementedError
            If it depends on the data.
        """
        size: int = _calls().encoded_size(self, input_byte_length, chunk_spec)
        return size

    async def encode(self, chunks_and_specs: Iterable[tuple[Any, Any]]) -> list[Any]:
        """Return encoded chunks.

        Parameters
        ----------
        chunks_and_specs : iterable of (Buffer or NDBuffer, ArraySpec)
            Chunks, None for those that are absent.

        Returns
        -------
        list of Buffer or NDBuffer
            The encoded chunks, None for those that are absent.
        """
        return [
            None if chunk is None else self._encode_sync(chunk, spec)
            for chunk, spec in chunks_and_specs
        ]

    async def decode(self, chunks_and_specs: Iterable[tuple[Any, Any]]) -> list[Any]:
        """Return decoded chunks.

        Parameters
        ----------
        chunks_and_specs : iterable of (Buffer or NDBuffer, ArraySpec)
            Encoded chunks, None for those that are absent, and what the chunks are.

        Returns
        -------
        list of Buffer or NDBuffer
            The decoded chunks, None for those that are absent.

        Raises
        ------
        ChunkDecodeError
            If a chunk cannot be decoded.
        """
        return [
            None if chunk is None else self._decode_sync(chunk, spec)
            for chunk, spec in chunks_and_specs
        ]

    def _encode_sync(self, chunk_data: Any, chunk_spec: Any) -> Any:
        return _calls().encode(self, chunk_data, chunk_spec)

    def _decode_sync(self, chunk_data: Any, chunk_spec: Any) -> Any:
        return _calls().decode(self, chunk_data, chunk_spec)

    async def _encode_single(self, chunk_data: Any, chunk_spec: Any) -> Any:
        return self._encode_sync(chunk_data, chunk_spec)

    async def _decode_single(self, chunk_data: Any, chunk_spec: Any) -> Any:
        return self._decode_sync(chunk_data, chunk_spec)
