"""Codecs of numcodecs as classes, as metadata of format 3 describe them.

They describe metadata. The encoding itself is done by numcodecs, in arrays and in what the
methods of these classes do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from zarr._codecs.codec_methods import CodecMethods
from zarr.errors import MetadataError

__all__ = [
    "BZ2",
    "CRC32",
    "CRC32C",
    "LZ4",
    "LZMA",
    "ZFPY",
    "Adler32",
    "AsType",
    "BitRound",
    "Blosc",
    "Delta",
    "FixedScaleOffset",
    "Fletcher32",
    "GZip",
    "JenkinsLookup3",
    "NumcodecsArrayArrayCodec",
    "NumcodecsArrayBytesCodec",
    "NumcodecsBytesBytesCodec",
    "NumcodecsCodec",
    "PCodec",
    "PackBits",
    "Quantize",
    "Shuffle",
    "Zlib",
    "Zstd",
]  # fmt: skip


class NumcodecsCodec(CodecMethods):
    """A codec of numcodecs.

    Parameters
    ----------
    **codec_config
        Parameters of the class of numcodecs.
    """

    codec_name: ClassVar[str]

    def __init__(self, **codec_config: Any) -> None:
        given = codec_config.pop("id", self._codec_id)
        if given != self._codec_id:
            raise MetadataError(f"codec {self.codec_name!r} has another id: {given!r:.100}")
        self._config = codec_config

    @property
    def _codec_id(self) -> str:
        return self.codec_name.removeprefix("numcodecs.")

    @property
    def codec_config(self) -> dict[str, Any]:
        """The configuration, with the identifier of the codec."""
        return {"id": self._codec_id, **self._config}

    def to_dict(self) -> dict[str, Any]:
        """Return the codec as it is written to the metadata.

        Returns
        -------
        dict
            The name of the codec, and its configuration.
        """
        return {"name": self.codec_name, "configuration": dict(self._config)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the codec for its description in metadata.

        Parameters
        ----------
        data : mapping
            The name of the codec and its configuration.

        Returns
        -------
        NumcodecsCodec
            An object of this class.
        """
        return cls(**(data.get("configuration") or {}))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._config == other._config

    def __hash__(self) -> int:
        return hash((self.codec_name, repr(sorted(self._config.items()))))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(codec_name={self.codec_name!r}, codec_config={self._config})"


class NumcodecsArrayArrayCodec(NumcodecsCodec):
    """A codec of numcodecs that makes an array of an array."""


class NumcodecsArrayBytesCodec(NumcodecsCodec):
    """A codec of numcodecs that makes bytes of an array."""


class NumcodecsBytesBytesCodec(NumcodecsCodec):
    """A codec of numcodecs that makes bytes of bytes."""


class Adler32(NumcodecsBytesBytesCodec):
    """The codec ``adler32`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.adler32"
    is_fixed_size = True


class AsType(NumcodecsArrayArrayCodec):
    """The codec ``astype`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.astype"


class BZ2(NumcodecsBytesBytesCodec):
    """The codec ``bz2`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.bz2"


class BitRound(NumcodecsArrayArrayCodec):
    """The codec ``bitround`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.bitround"


class Blosc(NumcodecsBytesBytesCodec):
    """The codec ``blosc`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.blosc"


class CRC32(NumcodecsBytesBytesCodec):
    """The codec ``crc32`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.crc32"
    is_fixed_size = True


class CRC32C(NumcodecsBytesBytesCodec):
    """The codec ``crc32c`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.crc32c"
    is_fixed_size = True


class Delta(NumcodecsArrayArrayCodec):
    """The codec ``delta`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.delta"


class FixedScaleOffset(NumcodecsArrayArrayCodec):
    """The codec ``fixedscaleoffset`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.fixedscaleoffset"


class Fletcher32(NumcodecsBytesBytesCodec):
    """The codec ``fletcher32`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.fletcher32"
    is_fixed_size = True


class GZip(NumcodecsBytesBytesCodec):
    """The codec ``gzip`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.gzip"


class JenkinsLookup3(NumcodecsBytesBytesCodec):
    """The codec ``jenkins_lookup3`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.jenkins_lookup3"
    is_fixed_size = True


class LZ4(NumcodecsBytesBytesCodec):
    """The codec ``lz4`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.lz4"


class LZMA(NumcodecsBytesBytesCodec):
    """The codec ``lzma`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.lzma"


class PCodec(NumcodecsArrayBytesCodec):
    """The codec ``pcodec`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.pcodec"


class PackBits(NumcodecsArrayArrayCodec):
    """The codec ``packbits`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.packbits"


class Quantize(NumcodecsArrayArrayCodec):
    """The codec ``quantize`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.quantize"


class Shuffle(NumcodecsBytesBytesCodec):
    """The codec ``shuffle`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.shuffle"


class ZFPY(NumcodecsArrayBytesCodec):
    """The codec ``zfpy`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.zfpy"


class Zlib(NumcodecsBytesBytesCodec):
    """The codec ``zlib`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.zlib"


class Zstd(NumcodecsBytesBytesCodec):
    """The codec ``zstd`` of numcodecs, as metadata of format 3 describe it."""

    codec_name = "numcodecs.zstd"
