"""The classes from which codecs for the 3.x library are derived.

A codec of this kind that is registered with :func:`zarr.registry.register_codec`, or by an entry
point of the group ``zarr.codecs``, encodes and decodes the chunks of arrays here as well. The
methods ``_decode_sync`` and ``_encode_sync`` are called if the codec has them, its coroutines
otherwise.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Generic,
    Protocol,
    Self,
    TypeAlias,
    TypedDict,
    TypeVar,
    runtime_checkable,
)

from zarr._codecs import codec_classes, numcodecs_classes
from zarr.abc.metadata import Metadata

if TYPE_CHECKING:
    from zarr.core.array_spec import ArraySpec

__all__ = [
    "ArrayArrayCodec", "ArrayBytesCodec", "ArrayBytesCodecPartialDecodeMixin",
    "ArrayBytesCodecPartialEncodeMixin", "BaseCodec", "BytesBytesCodec", "CodecInput",
    "CodecOutput", "CodecPipeline", "GetResult", "SupportsSyncCodec",
]  # fmt: skip

CodecInput = TypeVar("CodecInput")
CodecOutput = TypeVar("CodecOutput")


class GetResult(TypedDict):
    """What reading one chunk has come to."""

    status: str


@runtime_checkable
class SupportsSyncCodec(Protocol[CodecInput, CodecOutput]):
    """A codec that encodes and decodes without coroutines."""

    def _decode_sync(self, chunk_data: CodecOutput, chunk_spec: ArraySpec) -> CodecInput: ...

    def _encode_sync(self, chunk_data: CodecInput, chunk_spec: ArraySpec) -> CodecOutput | None: ...


class BaseCodec(Metadata, ABC, Generic[CodecInput, CodecOutput]):
    """A codec: it encodes one chunk, and decodes it."""

    is_fixed_size: ClassVar[bool] = False

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
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
            Size in bytes.

        Raises
        ------
        NotImplementedError
            If it depends on the data.
        """
        raise NotImplementedError

    def resolve_metadata(self, chunk_spec: ArraySpec) -> ArraySpec:
        """Return what an encoded chunk is.

        Parameters
        ----------
        chunk_spec : ArraySpec
            The chunk.

        Returns
        -------
        ArraySpec
            The encoded chunk.
        """
        return chunk_spec

    def evolve_from_array_spec(self, array_spec: ArraySpec) -> Self:
        """Return the codec with what it leaves to the array.

        Parameters
        ----------
        array_spec : ArraySpec
            The array.

        Returns
        -------
        BaseCodec
            A codec of this class.
        """
        return self

    def validate(self, *, shape: tuple[int, ...], dtype: Any, chunk_grid: Any) -> None:
        """Raise an error if the codec cannot encode an array.

        Parameters
        ----------
        shape : tuple of int
            Shape of the array.
        dtype : ZDType
            Its data type.
        chunk_grid : ChunkGridMetadata
            How it is cut into chunks.
        """

    async def _decode_single(self, chunk_data: CodecOutput, chunk_spec: ArraySpec) -> CodecInput:
        raise NotImplementedError

    async def _encode_single(
        self, chunk_data: CodecInput, chunk_spec: ArraySpec
    ) -> CodecOutput | None:
        raise NotImplementedError

    async def decode(
        self, chunks_and_specs: Iterable[tuple[CodecOutput | None, ArraySpec]]
    ) -> Iterable[CodecInput | None]:
        """Return decoded chunks.

        Parameters
        ----------
        chunks_and_specs : iterable of (object, ArraySpec)
            Encoded chunks, None for those that are absent.

        Returns
        -------
        list
            The decoded chunks, None for those that are absent.
        """
        return [
            None if chunk is None else await self._decode_single(chunk, spec)
            for chunk, spec in chunks_and_specs
        ]

    async def encode(
        self, chunks_and_specs: Iterable[tuple[CodecInput | None, ArraySpec]]
    ) -> Iterable[CodecOutput | None]:
        """Return encoded chunks.

        Parameters
        ----------
        chunks_and_specs : iterable of (object, ArraySpec)
            Chunks, None for those that are absent.

        Returns
        -------
        list
            The encoded chunks, None for those that are absent.
        """
        return [
            None if chunk is None else await self._encode_single(chunk, spec)
            for chunk, spec in chunks_and_specs
        ]


class ArrayArrayCodec(BaseCodec[Any, Any]):
    """A codec that makes an array of an array."""


class ArrayBytesCodec(BaseCodec[Any, Any]):
    """A codec that makes bytes of an array."""


class BytesBytesCodec(BaseCodec[Any, Any]):
    """A codec that makes bytes of bytes."""


Codec: TypeAlias = ArrayArrayCodec | ArrayBytesCodec | BytesBytesCodec


class ArrayBytesCodecPartialDecodeMixin:
    """A codec that can decode a part of a chunk. Here, chunks are decoded whole."""

    async def decode_partial(self, batch_info: Any) -> Any:
        """Return parts of chunks.

        Parameters
        ----------
        batch_info : iterable
            Chunks and what is selected of each.

        Returns
        -------
        iterable
            The parts.
        """
        raise NotImplementedError


class ArrayBytesCodecPartialEncodeMixin:
    """A codec that can change a part of a chunk. Here, chunks are encoded whole."""

    async def encode_partial(self, batch_info: Any) -> None:
        """Change parts of chunks.

        Parameters
        ----------
        batch_info : iterable
            Chunks and what is to be written to each.
        """
        raise NotImplementedError


class CodecPipeline:
    """The codecs of an array; see :mod:`zarr.core.codec_pipeline`."""

    @classmethod
    def from_array_metadata_and_store(cls, array_metadata: Any, store: Any) -> Self:
        """Return the pipeline of an array.

        Parameters
        ----------
        array_metadata : ArrayV2Metadata or ArrayV3Metadata
            The metadata of the array.
        store : Store
            The store of the array.

        Returns
        -------
        CodecPipeline
            The pipeline.

        Raises
        ------
        NotImplementedError
            If the class needs the codecs only, for its method ``from_codecs``.
        """
        raise NotImplementedError

    @classmethod
    def from_codecs(cls, codecs: Iterable[Any]) -> Self:
        """Return the pipeline of codecs in the order of encoding.

        Parameters
        ----------
        codecs : iterable of codecs
            The codecs.

        Returns
        -------
        CodecPipeline
            The pipeline.
        """
        raise NotImplementedError

    def evolve_from_array_spec(self, array_spec: ArraySpec) -> Self:
        """Return the pipeline with what its codecs leave to the array.

        Parameters
        ----------
        array_spec : ArraySpec
            The array.

        Returns
        -------
        CodecPipeline
            A pipeline of the same codecs.
        """
        return self

    @property
    def supports_partial_decode(self) -> bool:
        """Whether parts of chunks are decoded. False."""
        return False

    @property
    def supports_partial_encode(self) -> bool:
        """Whether parts of chunks are encoded. False."""
        return False

    def validate(self, *, shape: tuple[int, ...], dtype: Any, chunk_grid: Any) -> None:
        """Raise an error if a codec cannot encode an array.

        Parameters
        ----------
        shape : tuple of int
            Shape of the array.
        dtype : ZDType
            Its data type.
        chunk_grid : ChunkGridMetadata
            How it is cut into chunks.
        """

    def compute_encoded_size(self, byte_length: int, array_spec: ArraySpec) -> int:
        """Return the size of an encoded chunk.

        Parameters
        ----------
        byte_length : int
            Size of the chunk in bytes.
        array_spec : ArraySpec
            The chunk.

        Returns
        -------
        int
            Size in bytes.

        Raises
        ------
        NotImplementedError
            If it depends on the data.
        """
        raise NotImplementedError

    async def decode(
        self, chunk_bytes_and_specs: Iterable[tuple[Any, ArraySpec]]
    ) -> Iterable[Any | None]:
        """Return decoded chunks.

        Parameters
        ----------
        chunk_bytes_and_specs : iterable of (Buffer, ArraySpec)
            Encoded chunks, None for those that are absent.

        Returns
        -------
        iterable of NDBuffer
            The decoded chunks, None for those that are absent.
        """
        raise NotImplementedError

    async def encode(
        self, chunk_arrays_and_specs: Iterable[tuple[Any, ArraySpec]]
    ) -> Iterable[Any | None]:
        """Return encoded chunks.

        Parameters
        ----------
        chunk_arrays_and_specs : iterable of (NDBuffer, ArraySpec)
            Chunks, None for those that are absent.

        Returns
        -------
        iterable of Buffer
            The encoded chunks, None for those that are absent.
        """
        raise NotImplementedError

    async def read(
        self, batch_info: Iterable[Any], out: Any, drop_axes: tuple[int, ...] = ()
    ) -> tuple[GetResult, ...]:
        """Read chunks, and put what is selected of each into an array.

        Parameters
        ----------
        batch_info : iterable of tuple
            For each chunk the place from which it is read, its `ArraySpec`, the selection in the
            chunk, the selection in `out`, and whether the chunk is selected completely.
        out : NDBuffer
            The array.
        drop_axes : tuple of int, optional
            Dimensions of chunks that `out` does not have.

        Returns
        -------
        tuple of GetResult
            For each chunk, whether it was present or missing.
        """
        raise NotImplementedError

    async def write(
        self, batch_info: Iterable[Any], value: Any, drop_axes: tuple[int, ...] = ()
    ) -> None:
        """Change what is selected of each chunk to the elements of an array, and write the chunks.

        Parameters
        ----------
        batch_info : iterable of tuple
            As for :meth:`read`.
        value : NDBuffer
            The array.
        drop_axes : tuple of int, optional
            Dimensions of chunks that `value` does not have.
        """
        raise NotImplementedError


for _name in ("TransposeCodec", "CastValueCodec", "ScaleOffsetCodec"):
    ArrayArrayCodec.register(vars(codec_classes)[_name])
for _name in ("BytesCodec", "PackBitsCodec", "ShardingCodec", "VLenBytesCodec", "VLenUTF8Codec"):
    ArrayBytesCodec.register(vars(codec_classes)[_name])
for _name in ("BloscCodec", "Crc32cCodec", "GzipCodec", "ZstdCodec"):
    BytesBytesCodec.register(vars(codec_classes)[_name])
ArrayArrayCodec.register(numcodecs_classes.NumcodecsArrayArrayCodec)
ArrayBytesCodec.register(numcodecs_classes.NumcodecsArrayBytesCodec)
BytesBytesCodec.register(numcodecs_classes.NumcodecsBytesBytesCodec)
