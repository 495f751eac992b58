"""The interface of codecs of numcodecs."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, Self, TypeGuard, runtime_checkable

__all__ = ["Numcodec"]


@runtime_checkable
class Numcodec(Protocol):
    """A codec with the methods of those of numcodecs."""

    codec_id: ClassVar[str]

    def encode(self, buf: Any) -> Any:
        """Return the encoded form of a buffer.

        Parameters
        ----------
        buf : bytes-like or ndarray
            What to encode.

        Returns
        -------
        bytes-like or ndarray
            The encoded form.
        """

    def decode(self, buf: Any, out: Any = None) -> Any:
        """Return the decoded form of a buffer.

        Parameters
        ----------
        buf : bytes-like or ndarray
            What to decode.
        out : writable buffer, optional
            Where to put the decoded form.

        Returns
        -------
        bytes-like or ndarray
            The decoded form; `out` if it was given.
        """

    def get_config(self) -> Any:
        """Return the configuration, with the identifier of the codec.

        Returns
        -------
        dict
            The configuration, to be stored as JSON.
        """

    @classmethod
    def from_config(cls, config: Any) -> Self:
        """Return the codec of a configuration.

        Parameters
        ----------
        config : dict
            The configuration, without the identifier.

        Returns
        -------
        Numcodec
            A codec of this class.
        """


def _is_numcodec(obj: object) -> TypeGuard[Numcodec]:
    """Tell whether `obj` has the methods of a codec of numcodecs."""
    return _is_numcodec_cls(type(obj))


def _is_numcodec_cls(obj: object) -> bool:
    """Tell whether `obj` is a class with the methods of codecs of numcodecs."""
    return isinstance(obj, type) and all(
        callable(getattr(obj, name, None))
        for name in ("encode", "decode", "get_config", "from_config")
    )
