"""From codecs as users and documents name them to codec objects, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numcodecs

from zarr.errors import BadCompressorError, MetadataError
from zarr.metadata import Role, Step

__all__ = ["astype_step", "codec_from", "object_codec_of", "step_from"]

_OBJECT_CODECS = frozenset(
    ("vlen-utf8", "vlen-bytes", "vlen-array", "json2", "msgpack2", "pickle", "categorize")
)


def step_from(role: Role, codec: Any) -> Step:
    """Return the step that a codec, or the configuration of one, stands for.

    Raises
    ------
    BadCompressorError
        If `codec` is neither.
    """
    config = codec if isinstance(codec, Mapping) else _config_of(role, codec)
    if not isinstance(config.get("id"), str):
        raise BadCompressorError(f"bad {role}; the configuration {config!r} has no 'id'")
    return Step(role, config["id"], dict(config))


def _config_of(role: Role, codec: Any) -> Mapping[str, Any]:
    if not callable(getattr(codec, "get_config", None)) or isinstance(codec, type):
        raise BadCompressorError(
            f"bad {role}; expected a codec object such as numcodecs.Blosc(), not {codec!r}"
        )
    config: Mapping[str, Any] = codec.get_config()
    return config


def codec_from(step: Step) -> Any:
    """Return a codec object for `step`.

    Raises
    ------
    MetadataError
        If no such codec is known, or it does not take this configuration.
    """
    try:
        return numcodecs.get_codec(dict(step.config))
    except Exception as error:
        raise MetadataError(
            f"{step.role} {step.name!r} is not available with the configuration "
            f"{dict(step.config)!r:.200}: {error}"
        ) from error


def astype_step(encode_dtype: Any, decode_dtype: Any) -> Step:
    """Return the filter that converts items of one dtype to another as they are read."""
    return step_from("filter", numcodecs.AsType(encode_dtype, decode_dtype))


def object_codec_of(steps: Iterable[Step]) -> Any:
    """Return the codec object that encodes objects among `steps`, or None."""
    for step in steps:
        if step.name in _OBJECT_CODECS:
            return codec_from(step)
    return None
