"""The classes from which codecs for the 3.x library are derived.

A codec of this kind that is registered with :func:`zarr.registry.register_codec`, or by an entry
point of the group ``zarr.codecs``, encodes and decodes the chunks of arrays here as well. The
methods ``_decode_sync`` and ``_encode_sync`` are called if the codec has them, its coroutines
otherwise.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Awaitable, Iterable
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

    def decode_partial(self, batch_info: Any) -> Awaitable[Any]:
        """Return parts of chunks.

        Parameters
        ----------
        batch_info : iterable
            Chunks and what is selected of each.

        Returns
        -------
        awaitable
            The parts.
        """
        raise NotImplementedError


class ArrayBytesCodecPartialEncodeMixin:
    """A codec that can change a part of a chunk. Here, chunks are encoded whole."""

    def encode_partial(self, batch_info: Any) -> Awaitable[None]:
        """Change parts of chunks.

        Parameters
        ----------
        batch_info : iterable
            Chunks and what is to be written to each.

        Returns
        -------
        awaitable
            None.
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


for _name in ("TransposeCodec", "CastValueCodec", "ScaleOffsetCodec"):
    ArrayArrayCodec.register(vars(codec_classes)[_name])
for _name in ("BytesCodec", "PackBitsCodec", "ShardingCodec", "VLenBytesCodec", "VLenUTF8Codec"):
    ArrayBytesCodec.register(vars(codec_classes)[_name])
for _name in ("BloscCodec", "Crc32cCodec", "GzipCodec", "ZstdCodec"):
    BytesBytesCodec.register(vars(codec_classes)[_name])
ArrayArrayCodec.register(numcodecs_classes.NumcodecsArrayArrayCodec)
ArrayBytesCodec.register(numcodecs_classes.NumcodecsArrayBytesCodec)
BytesBytesCodec.register(numcodecs_classes.NumcodecsBytesBytesCodec)
