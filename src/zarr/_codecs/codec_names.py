"""From codecs as users and documents name them to codec objects, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

import numcodecs
import numpy as np
from numcodecs.errors import UnknownCodecError

from zarr._codecs import v3_codecs
from zarr._codecs.builtin import check_settings
from zarr._codecs.objects import OneItem
from zarr._metadata.records import ArrayMeta, Role, Step
from zarr._metadata.v3_data_types import is_foreign
from zarr.errors import BadCompressorError, ExtensionNotFoundError, MetadataError

__all__ = [
    "OBJECT_CODECS",
    "astype_step",
    "bound_codecs",
    "codec_from",
    "codec_named",
    "object_codec_of",
    "step_from",
]

OBJECT_CODECS = frozenset(
    ("vlen-utf8", "vlen-bytes", "vlen-array", "json2", "msgpack2", "pickle", "categorize")
)

_NEWER_DEFAULTS = {"zstd": {"checksum": False}}
"""Members that numcodecs adds to what a codec says of itself, and that older readers refuse."""


def step_from(role: Role, codec: Any) -> Step:
    """Return the step that a codec, or the configuration of one, stands for.

    Raises
    ------
    BadCompressorError
        If `codec` is neither.
    """
    config = codec if isinstance(codec, Mapping) else _config_of(role, codec)
    if isinstance(config.get("id"), str):
        unneeded = _NEWER_DEFAULTS.get(config["id"], {}).items()
        return Step(role, config["id"], {k: v for k, v in config.items() if (k, v) not in unneeded})
    if isinstance(config.get("name"), str):
        name = v3_codecs.canonical(config["name"])
        return Step(role, name, {**config, "name": name})
    raise BadCompressorError(f"bad {role}; the configuration {config!r} has no 'id' or 'name'")


def _config_of(role: Role, codec: Any) -> Mapping[str, Any]:
    for method in ("get_config", "to_dict"):  # of numcodecs, and of version 3
        if callable(getattr(codec, method, None)) and not isinstance(codec, type):
            config: Mapping[str, Any] = getattr(codec, method)()
            return config
    raise BadCompressorError(
        f"bad {role}; expected a codec object such as numcodecs.Blosc(), not {codec!r}"
    )


def codec_from(step: Step) -> Any:
    """Return a codec object for `step`.

    Raises
    ------
    MetadataError
        If no such codec is known, or it does not take this configuration.
    """
    # What the codec holds users can change, and the document's other readers share the step.
    config = deepcopy(dict(step.config))
    step = Step(step.role, step.name, config)
    try:
        codec = v3_codecs.codec_of(step) if "name" in config else numcodecs.get_codec(config)
        check_settings(codec)
    except Exception as error:
        raise MetadataError(unavailable(step, error)) from error
    return codec


def codec_named(name: str, options: Any = None) -> Any:
    """Return the codec that numcodecs calls `name`, made with `options` as h5py has them.

    Parameters
    ----------
    name : str
    options : Mapping, sequence or object, optional
        Arguments of the codec's class: by name, by position, or the first one.

    Raises
    ------
    BadCompressorError
        If there is no such codec, or it does not take these options.
    """
    entries, known = numcodecs.registry.entries, numcodecs.registry.codec_registry
    kind = known.get(name)
    if kind is None and name in entries:
        numcodecs.register_codec(entries[name].load(), name)
        kind = known[name]
    if kind is None:
        compressors = ", ".join(sorted(_COMPRESSORS & known.keys()))
        raise BadCompressorError(f"unknown compression {name!r}; available are {compressors}")
    try:
        if options is None:
            return kind()
        if isinstance(options, Mapping):
            return kind(**options)
        return kind(*options) if isinstance(options, (list, tuple)) else kind(options)
    except (TypeError, ValueError) as error:
        raise BadCompressorError(
            f"compression {name!r} does not take compression_opts={options!r:.100}: {error}"
        ) from error


_COMPRESSORS = {"blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd"}


def bound_codecs(meta: ArrayMeta) -> tuple[np.dtype[Any], list[Any], list[Any]]:
    """Return what encodes the chunks of an array.

    Returns
    -------
    dtype : numpy.dtype
        Of the chunks that the first codec takes.
    before_bytes : list of codecs
        Those that take arrays.
    after_bytes : list of codecs
        Those that take bytes.

    Raises
    ------
    MetadataError
        If a codec is not known, or does not take its configuration or what comes to it.
    """
    dtype, shape = meta.dtype, meta.chunks if meta.order == "C" else meta.chunks[::-1]
    if meta.steps and meta.steps[0].name == "bytes" and not is_foreign(dtype):
        dtype = v3_codecs.stored_dtype(meta.steps[0], dtype)
    bound = v3_codecs.Bound(None, dtype, shape, meta.fill_value)
    before_bytes: list[Any] = []
    after_bytes: list[Any] = []
    for step in meta.steps:
        try:
            bound = v3_codecs.bind(step, bound)
            check_settings(bound.codec)
        except Exception as error:
            kind = ExtensionNotFoundError if isinstance(error, UnknownCodecError) else MetadataError
            raise kind(unavailable(step, error)) from error
        if bound.codec is not None:
            (after_bytes if step.role == "compressor" else before_bytes).append(bound.codec)
    return dtype, before_bytes, after_bytes


def unavailable(step: Step, error: Exception) -> str:
    """Return what to say where `error` was raised for want of the codec of `step`."""
    if isinstance(error, UnknownCodecError):
        missing = error.codec_id.strip("'")  # numcodecs has quoted it
        if missing != step.name.removeprefix("numcodecs."):  # a codec that this one uses
            return f"{step.role} {step.name!r:.100} needs a codec: {v3_codecs.unknown(missing)}"
        return f"{step.role} {v3_codecs.unknown(step.name)}"
    return (
        f"{step.role} {step.name!r:.100} is not available with the configuration "
        f"{dict(step.config)!r:.200}: {error!s:.500}"
    )


def astype_step(encode_dtype: Any, decode_dtype: Any) -> Step:
    """Return the filter that converts items of one dtype to another as they are read."""
    return step_from("filter", numcodecs.AsType(encode_dtype, decode_dtype))


def object_codec_of(steps: Iterable[Step]) -> Any:
    """Return the codec object that encodes objects among `steps`, or None."""
    for step in steps:
        if step.name in OBJECT_CODECS:
            return OneItem(codec_from(step))
    return None
