"""Codecs as documents of version 3 name them: ``{"name": ..., "configuration": {...}}``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import numcodecs
import numpy as np

from zarr._codecs.array_codecs import (
    BitRound,
    Crc32c,
    InByteOrder,
    PackBits,
    ScaleOffset,
    Transpose,
)
from zarr._codecs.casting import CastValue
from zarr._metadata.foreign_dtypes import JSON
from zarr._metadata.records import Role, Sharding, Step
from zarr._metadata.v3_data_types import (
    byte_ordered,
    decode_data_type,
    decode_fill,
    encode_data_type,
    has_byte_order,
    is_foreign,
    of_byte_order,
)
from zarr.errors import ExtensionNotFoundError, MetadataError, did_you_mean

__all__ = [
    "SHARDING",
    "Bound",
    "bind",
    "canonical",
    "codec_of",
    "completed",
    "encoded_dtype",
    "is_builtin",
    "is_reversal",
    "load_plugin",
    "named_document",
    "numbered_config",
    "parse_codecs",
    "parse_sharding",
    "register",
    "serializer_of",
    "stored_dtype",
    "unknown",
]

SHARDING = "sharding_indexed"

_ROLES: dict[str, Role] = {
    **dict.fromkeys(("transpose", "cast_value", "scale_offset", "bitround"), "filter"),
    **dict.fromkeys(("bytes", "packbits", "vlen-utf8", "vlen-bytes", SHARDING), "serializer"),
    **dict.fromkeys(("blosc", "gzip", "zstd", "crc32c"), "compressor"),
}
_NUMCODECS_FILTERS = ("delta", "fixedscaleoffset", "astype", "bitround", "quantize", "packbits")
_NUMCODECS_SERIALIZERS = ("zfpy", "pcodec")
_NUMCODECS_COMPRESSORS = (
    "blosc", "lz4", "zstd", "zlib", "gzip", "bz2", "lzma", "shuffle",
    "crc32", "crc32c", "adler32", "fletcher32", "jenkins_lookup3",
)  # fmt: skip
_ROLES.update(dict.fromkeys([f"numcodecs.{name}" for name in _NUMCODECS_FILTERS], "filter"))
_ROLES.update(dict.fromkeys([f"numcodecs.{name}" for name in _NUMCODECS_SERIALIZERS], "serializer"))
_ROLES.update(dict.fromkeys([f"numcodecs.{name}" for name in _NUMCODECS_COMPRESSORS], "compressor"))

# Other spellings that have been written. The last one ends in the name of numcodecs.
_ALIASES = {"endian": "bytes"}
_PREFIXES = ("numcodecs/", "https://zarr.dev/numcodecs/")

_SHUFFLES = ("noshuffle", "shuffle", "bitshuffle")
_AUTOSHUFFLE = -1


# -- reading lists of codecs -----------------------------------------------------------


def canonical(name: str) -> str:
    """Return the one of all the spellings of the name of a codec that we use."""
    if name in _ROLES:
        return name
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return f"numcodecs.{name[len(prefix) :]}"
    if f"numcodecs.{name}" in _ROLES:
        return f"numcodecs.{name}"
    return _ALIASES.get(name, name)


def _role_of(name: str) -> Role | None:
    """Return the role of the codec `name`; None if we leave it to others to know it.

    Raises
    ------
    MetadataError
        If no installed package provides it.
    """
    if name in _ROLES:
        return _ROLES[name]
    bare = name.removeprefix("numcodecs.")
    if bare in numcodecs.registry.codec_registry or bare in numcodecs.registry.entries:
        return None
    if _plugin(name) is not None:
        load_plugin(name)
        return _ROLES.get(name)
    raise ExtensionNotFoundError(f"codec {unknown(name)}")


_PROVIDERS = {"msgpack2": "msgpack", "pcodec": "pcodec", "zfpy": "zfpy"}
"""The packages that codecs of numcodecs need."""


def unknown(name: str) -> str:
    """Return what to say of a codec that no installed package has."""
    bare = name.removeprefix("numcodecs.")
    if bare in _PROVIDERS:
        return f"{name!r} is not available without another package: pip install {_PROVIDERS[bare]}"
    registry = numcodecs.registry
    known = sorted({*registry.codec_registry, *registry.entries, *_ROLES})
    plain = [other for other in known if not other.startswith("numcodecs.")]
    hint = did_you_mean(bare, plain) or f"; known are {', '.join(plain)}"
    return f"{name!r:.100} is not known: no installed package provides it{hint}"


def _plugin(name: str) -> Any:
    found = entry_points(group="zarr.codecs", name=name)
    return next(iter(found)) if found else None


_PLAIN = {"name": "bytes", "configuration": {"endian": "little"}}


def parse_codecs(codecs: JSON, *, implied: bool = False) -> tuple[Step, ...]:
    """Return the steps that a list of codecs in a document means.

    Parameters
    ----------
    implied : bool, default False
        Whether items are taken to be stored as they are, in little-endian order, where no
        codec makes bytes of them: zarr-js and zarrita.js write such documents.

    Raises
    ------
    MetadataError
        If it has not exactly one codec from arrays to bytes, or not in its place, or one
        that is unknown and must be understood.
    """
    if not isinstance(codecs, list) or not (codecs or implied):
        raise MetadataError(f"codecs must be a list of at least one, not {codecs!r:.200}")
    found: list[tuple[str, Role | None, dict[str, JSON]]] = []
    for codec in codecs:
        config = {"name": codec} if isinstance(codec, str) else codec
        if not isinstance(config, dict) or not isinstance(config.get("name"), str):
            raise MetadataError(f"a codec must be an object with a name, not {codec!r:.200}")
        if not isinstance(config.get("configuration", {}), dict):
            raise MetadataError(
                f"the configuration of codec {config['name']!r:.100} is not an object"
            )
        name = canonical(config["name"])
        try:
            found.append((name, _role_of(name), config))
        except MetadataError:
            if config.get("must_understand") is not False:
                raise
    known = [role for _, role, _ in found]
    if implied and "serializer" not in known and None not in known:
        at = known.index("compressor") if "compressor" in known else len(found)
        found.insert(at, ("bytes", "serializer", dict(_PLAIN)))
        known.insert(at, "serializer")
    roles = _settle(known, [name for name, _, _ in found])
    return tuple(
        Step(role, name, config) for role, (name, _, config) in zip(roles, found, strict=True)
    )


def _settle(roles: Sequence[Role | None], names: Sequence[str]) -> list[Role]:
    """Return the roles that codecs have by their place, given those that are known."""
    serializers = [i for i, role in enumerate(roles) if role == "serializer"]
    if not serializers:
        serializers = [i for i, role in enumerate(roles) if role is None]
    if len(serializers) != 1:
        raise MetadataError(
            f"the codecs {', '.join(names):.300} must include exactly one from arrays to bytes"
        )
    at = serializers[0]
    by_place: list[Role] = ["filter" if i < at else "compressor" for i in range(len(roles))]
    by_place[at] = "serializer"
    for name, role, place in zip(names, roles, by_place, strict=True):
        if role not in (None, place):
            raise MetadataError(
                f"codec {name!r:.100} is at the wrong position among {', '.join(names):.300}"
            )
    return by_place


def serializer_of(steps: Iterable[Step]) -> Step | None:
    """Return the step that makes bytes of items, within shards if need be, or None."""
    for step in steps:
        if step.name == SHARDING:
            return serializer_of(parse_codecs(configuration(step).get("codecs")))
        if step.role == "serializer" or step.name in ("vlen-utf8", "vlen-bytes"):
            return step
    return None


def configuration(step: Step) -> Mapping[str, JSON]:
    """Return the configuration of a codec that is spelled as in version 3."""
    return step.config.get("configuration") or {}


def permutation(step: Step, ndim: int) -> tuple[int, ...]:
    """Return the order of dimensions of the step 'transpose'.

    Raises
    ------
    MetadataError
        If it is not a permutation of `ndim` dimensions.
    """
    order = configuration(step).get("order")
    if order in ("C", "F"):  # as it was before the specification was final
        return tuple(range(ndim) if order == "C" else reversed(range(ndim)))
    if (
        not isinstance(order, (list, tuple))
        or any(type(dim) is not int for dim in order)
        or sorted(order) != list(range(ndim))
    ):
        raise MetadataError(
            f"order of codec 'transpose' must be a permutation of {ndim} dimensions: {order!r:.200}"
        )
    return tuple(order)


def is_reversal(step: Step, ndim: int) -> bool:
    """Tell whether `step` puts the dimensions in reverse order, as a Fortran layout has them."""
    return step.name == "transpose" and permutation(step, ndim) == tuple(reversed(range(ndim)))


def parse_sharding(step: Step, shape: tuple[int, ...]) -> tuple[Sharding, tuple[Step, ...]]:
    """Return what the step 'sharding_indexed' says, and the codecs of the chunks in a shard.

    Parameters
    ----------
    step : Step
    shape : tuple of int
        Shape of a shard.

    Raises
    ------
    MetadataError
        If the chunks do not divide the shard, or a list of codecs is invalid.
    """
    given = configuration(step)
    chunks = given.get("chunk_shape")
    if (
        not isinstance(chunks, (list, tuple))
        or len(chunks) != len(shape)
        or any(
            type(n) is not int or n < 1 or length % n
            for n, length in zip(chunks, shape, strict=True)
        )
    ):
        raise MetadataError(
            f"chunk_shape {chunks!r:.200} of codec {SHARDING!r} must divide the shard {list(shape)}"
        )
    location = given.get("index_location", "end")
    if location not in ("start", "end"):
        raise MetadataError(f"index_location must be 'start' or 'end', not {location!r:.50}")
    steps = parse_codecs(given.get("codecs"))
    index_steps = parse_codecs(given.get("index_codecs"))
    inner = None
    if [inner_step.name for inner_step in steps] == [SHARDING]:
        inner, _ = parse_sharding(steps[0], tuple(chunks))
    return Sharding(shape, tuple(chunks), index_steps, location, inner), steps


# -- codec objects ---------------------------------------------------------------------


def codec_of(step: Step) -> Any:
    """Return the codec object, of `numcodecs` or like one, that `step` is to users.

    Raises
    ------
    Exception
        Whatever the codec raises for a configuration that it does not take.
    """
    given = configuration(step)
    name = step.name
    if name == "blosc":
        shuffle = given.get("shuffle", "noshuffle")
        return numcodecs.Blosc(
            given.get("cname", "zstd"),
            given.get("clevel", 5),
            _SHUFFLES.index(shuffle),
            given.get("blocksize", 0),
            None if shuffle == "noshuffle" else given["typesize"],
        )
    if name == "zstd":
        return numcodecs.Zstd(given.get("level", 0), bool(given.get("checksum")))
    if name == "gzip":
        return numcodecs.GZip(given.get("level", 5))
    if name == "crc32c":
        return Crc32c()
    if name in ("vlen-utf8", "vlen-bytes"):
        return numcodecs.get_codec({"id": name})
    if name == "bitround":
        return numcodecs.BitRound(given["keepbits"])
    if name in _ROLES and not name.startswith("numcodecs."):
        from zarr._codecs.codec_classes import record_of

        return record_of(step)
    return _others(name, given)


def register(name: str, role: Role, binder: Callable[[Step, Bound], Bound]) -> None:
    """Add a codec that another package has: the steps of that name are bound by `binder`."""
    _ROLES.setdefault(name, role)
    BINDERS[name] = binder


def is_builtin(name: str) -> bool:
    """Tell whether `name` is that of a codec of this package or of numcodecs."""
    return name in _ROLES


def load_plugin(name: str) -> None:
    """Register the codec `name` if an installed package has it as a class of the 3.x library."""
    plugin = _plugin(name)
    if plugin is not None and name not in BINDERS:
        codec = plugin.load()
        if not hasattr(codec, "from_config") and hasattr(codec, "from_dict"):
            import_module("zarr.registry").register_codec(name, codec)


def _others(name: str, given: Mapping[str, JSON]) -> Any:
    plugin = None if name.startswith("numcodecs.") else _plugin(name)
    if plugin is None:
        return numcodecs.get_codec({**given, "id": name.removeprefix("numcodecs.")})
    codec = plugin.load()
    if not callable(getattr(codec, "from_config", None)):
        raise TypeError(
            f"{codec!r} has no method from_config; a codec must be like those of numcodecs"
        )
    return codec.from_config({**given, "id": name})


@dataclass(frozen=True, slots=True)
class Bound:
    """A codec for arrays of one dtype and shape.

    Attributes
    ----------
    codec : object or None
        With `encode` and `decode`; None if there is nothing to do.
    dtype, shape
        Of the encoded array.
    fill_value : scalar
        Of the encoded array; None if unknown.
    """

    codec: Any
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fill_value: Any


def bind(step: Step, before: Bound) -> Bound:
    """Return the codec of `step` for the array that the steps `before` it leave.

    Raises
    ------
    Exception
        Whatever the codec raises for a configuration or an array that it does not take.
    """
    if step.name in BINDERS and "name" in step.config:
        return BINDERS[step.name](step, before)
    is_named = "name" in step.config
    codec = codec_of(step) if is_named else numcodecs.get_codec(_sized(step, before.dtype))
    if step.role == "compressor":
        return Bound(codec, np.dtype("u1"), before.shape, before.fill_value)
    if type(codec) is numcodecs.BitRound and before.dtype.kind in "iumM":
        codec = BitRound(codec.keepbits)
    _check_width(codec, before.dtype)
    dtype = encoded_dtype(step, before.dtype)
    shape = before.shape
    if step.name.endswith("packbits"):
        shape = (1 + -(-math.prod(shape) // 8),)
    return Bound(codec, dtype, shape, None)


def _sized(step: Step, dtype: np.dtype[Any]) -> dict[str, JSON]:
    """Return the configuration of a codec of version 2, with the size of items if it has none.

    netCDF-C shuffles items whole and writes a size of 0.
    """
    config = dict(step.config)
    if step.name == "shuffle" and config.get("elementsize") == 0:
        config["elementsize"] = dtype.itemsize
    return config


_WIDEST_NUMBER = 16


def _check_width(codec: Any, dtype: np.dtype[Any]) -> None:
    """Raise `MetadataError` for a filter that makes much larger items than there are."""
    for name in ("dtype", "decode_dtype"):
        made = getattr(codec, name, None)
        if made is not None and np.dtype(made).itemsize > max(dtype.itemsize, _WIDEST_NUMBER):
            raise MetadataError(f"{name} {made!r:.100} has larger elements than {dtype}")


def encoded_dtype(step: Step, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of what a filter makes of items of `dtype`."""
    given = configuration(step) if "name" in step.config else step.config
    name = step.name.removeprefix("numcodecs.")
    if name == "cast_value":
        return decode_data_type(given.get("data_type"))
    if name == "astype":
        return np.dtype(given["encode_dtype"])
    if name in ("delta", "fixedscaleoffset", "quantize", "categorize"):
        return np.dtype(given.get("astype") or given.get("dtype") or dtype)
    return np.dtype("u1") if name == "packbits" else dtype


def _bind_transpose(step: Step, before: Bound) -> Bound:
    order = permutation(step, len(before.shape))
    if order == tuple(range(len(order))):
        return Bound(None, before.dtype, before.shape, before.fill_value)
    codec = Transpose(order, before.dtype, before.shape)
    return Bound(codec, before.dtype, codec.encoded_shape, before.fill_value)


def stored_dtype(step: Step, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return `dtype` in the byte order in which the step 'bytes' stores it."""
    endian = configuration(step).get("endian")
    if endian not in (None, "little", "big"):
        raise MetadataError(f"endian must be 'little' or 'big', not {endian!r:.50}")
    # Early documents leave it out where they mean little-endian.
    return byte_ordered(dtype, endian or "little") if has_byte_order(dtype) else dtype


def is_swapped(step: Step, dtype: np.dtype[Any]) -> bool:
    """Tell whether the step 'bytes' stores items of `dtype` in another byte order."""
    if not has_byte_order(dtype):
        return False
    if is_foreign(dtype):
        little = configuration(step).get("endian") != "big"
        return little != (np.dtype("i2") == np.dtype("<i2"))
    return stored_dtype(step, dtype) != dtype


def _bind_bytes(step: Step, before: Bound) -> Bound:
    dtype = before.dtype
    if dtype.hasobject:
        raise MetadataError(f"codec 'bytes' cannot encode {dtype}")
    codec = None
    if is_swapped(step, dtype):
        codec = InByteOrder(dtype, stored_dtype(step, dtype), before.shape)
    return Bound(codec, np.dtype("u1"), before.shape, None)


def _bind_packbits(step: Step, before: Bound) -> Bound:
    given = configuration(step)
    codec = PackBits(
        before.dtype,
        before.shape,
        given.get("padding_encoding", "none"),
        given.get("first_bit"),
        given.get("last_bit"),
    )
    return Bound(codec, np.dtype("u1"), before.shape, None)


def _only(step: Step, *names: str) -> Mapping[str, JSON]:
    given = configuration(step)
    if unknown := given.keys() - set(names):
        raise MetadataError(f"codec {step.name!r:.100} has unknown members: {sorted(unknown)}")
    return given


def _bind_cast_value(step: Step, before: Bound) -> Bound:
    given = _only(step, "data_type", "rounding", "out_of_range", "scalar_map")
    source, target = encode_data_type(before.dtype), given.get("data_type")
    dtype = decode_data_type(target)
    maps = given.get("scalar_map") or {}
    codec = CastValue(
        before.dtype,
        dtype,
        before.shape,
        given.get("rounding", "nearest-even"),
        given.get("out_of_range"),
        [(decode_fill(a, source), decode_fill(b, target)) for a, b in maps.get("encode", ())],
        [(decode_fill(a, target), decode_fill(b, source)) for a, b in maps.get("decode", ())],
    )
    return Bound(codec, dtype, before.shape, _encoded_fill(CastValue, codec, before))


def _bind_scale_offset(step: Step, before: Bound) -> Bound:
    given = _only(step, "offset", "scale")
    data_type = encode_data_type(before.dtype)
    codec = ScaleOffset(
        decode_fill(given.get("offset", 0), data_type),
        decode_fill(given.get("scale", 1), data_type),
        before.dtype,
        before.shape,
    )
    return Bound(codec, before.dtype, before.shape, _encoded_fill(ScaleOffset, codec, before))


def _encoded_fill(kind: type, codec: Any, before: Bound) -> Any:
    """Return what the fill value becomes when it goes through `codec`."""
    if before.fill_value is None:
        return None
    one: Any = object.__new__(kind)
    one.__dict__.update(vars(codec), shape=())
    return one.encode(np.asarray(before.fill_value, before.dtype))[()]


BINDERS: dict[str, Callable[[Step, Bound], Bound]] = {
    "transpose": _bind_transpose,
    "bytes": _bind_bytes,
    "packbits": _bind_packbits,
    "cast_value": _bind_cast_value,
    "scale_offset": _bind_scale_offset,
}
"""How a step is bound to chunks, by the name of its codec.

:mod:`zarr._codecs.sharding` adds its own, which needs pipelines.
"""


# -- from one spelling to the other ----------------------------------------------------


def named_document(
    steps: Sequence[Step], dtype: np.dtype[Any], ndim: int, reverse: bool
) -> list[dict[str, JSON]]:
    """Return `steps`, which may be spelled as in version 2, as the list of codecs of version 3.

    Parameters
    ----------
    steps : sequence of Step
    dtype : numpy.dtype
        Of the array, in the byte order in which it is to be stored.
    ndim : int
        Number of dimensions.
    reverse : bool
        Whether the dimensions are to be stored in reverse order.

    Raises
    ------
    ValueError
        If version 3 has no such sequence of codecs.
    """
    codecs: list[dict[str, JSON]] = []
    if reverse:
        codecs.append({"name": "transpose", "configuration": {"order": [*reversed(range(ndim))]}})
    serialized = False
    for step in steps:
        try:
            config = _named_config(step, dtype)
        except (TypeError, LookupError, AttributeError) as error:
            raise MetadataError(
                f"codec {step.name!r:.100} has a configuration that cannot be understood: "
                f"{dict(step.config)!r:.200}"
            ) from error
        # Version 2 calls any codec before the last one a filter.
        role = _ROLES.get(canonical(config["name"]), step.role)
        if not serialized and role != "filter":
            if role == "compressor":
                codecs.append(_bytes_config(dtype))
            serialized = True
        elif serialized and role != "compressor":
            raise ValueError(
                f"filter {step.name!r:.100} takes arrays, but comes after a codec that makes "
                "bytes; version 3 of the format has no such sequence"
            )
        if role == "filter":
            _check_filter_order(step, dtype)
            dtype = encoded_dtype(step, dtype)
        elif role == "serializer":
            dtype = dtype if config["name"] == "bytes" else np.dtype("u1")
        codecs.append(config)
    return codecs if serialized else [*codecs, _bytes_config(dtype)]


def _check_filter_order(step: Step, dtype: np.dtype[Any]) -> None:
    if "id" in step.config and has_byte_order(dtype) and of_byte_order(dtype) == "big":
        raise ValueError(
            f"filter {step.name!r:.100} has elements in big-endian byte order; version 3 of the "
            "format supports byte orders only after all filters"
        )


def _bytes_config(dtype: np.dtype[Any]) -> dict[str, JSON]:
    if not has_byte_order(dtype):
        return {"name": "bytes"}
    endian = "little" if is_foreign(dtype) else of_byte_order(dtype)
    return {"name": "bytes", "configuration": {"endian": endian}}


def _named_config(step: Step, dtype: np.dtype[Any]) -> dict[str, JSON]:
    """Return the configuration of `step` as version 3 spells it."""
    if "name" in step.config:
        return completed(dict(step.config), dtype)
    given = {name: value for name, value in _sized(step, dtype).items() if name != "id"}
    name = step.name
    if name == "blosc":
        shuffle = given.get("shuffle", 1)
        if shuffle == _AUTOSHUFFLE:
            shuffle = 2 if dtype.itemsize == 1 else 1
        typesize = 1 if dtype.hasobject else dtype.itemsize
        given = {**given, "typesize": typesize, "shuffle": _SHUFFLES[shuffle]}
        return {"name": name, "configuration": given}
    if name == "zstd":
        given = {"level": given.get("level", 0), "checksum": bool(given.get("checksum", False))}
        return {"name": name, "configuration": given}
    if name == "gzip":
        return {"name": name, "configuration": {"level": given.get("level", 1)}}
    if name in ("vlen-utf8", "vlen-bytes"):
        return {"name": name}
    if name == "crc32c" and given.get("location") == "end":
        return {"name": name}
    if dtype.hasobject:
        raise ValueError(
            f"codec {name!r} cannot be stored in version 3 of the format, which has strings (with "
            "'vlen-utf8') and bytes (with 'vlen-bytes') for objects"
        )
    return {"name": f"numcodecs.{name}", "configuration": given}


_DTYPE_MEMBERS = {
    "numcodecs.astype": ("decode_dtype",),
    **dict.fromkeys(
        ("numcodecs.delta", "numcodecs.fixedscaleoffset", "numcodecs.quantize"), ("dtype",)
    ),
}
"""Members that name the dtype of what is encoded, by the name of the codec."""


def completed(config: dict[str, JSON], dtype: np.dtype[Any]) -> dict[str, JSON]:
    """Return the configuration of a codec for arrays of `dtype`, with what users leave out."""
    given = config.get("configuration") or {}
    if not isinstance(given, Mapping):
        raise TypeError(f"the configuration must be an object, not {given!r:.200}")
    given = dict(given)
    if config["name"] == "bytes":
        if not has_byte_order(dtype):
            return {"name": "bytes"}
        # Only a byte order that differs from the other's overrules what the dtype says.
        given.setdefault("endian", _bytes_config(dtype)["configuration"]["endian"])
    elif config["name"] == "blosc":
        typesize = 1 if dtype.hasobject else max(dtype.itemsize, 1)
        if given.get("typesize") is None:
            given["typesize"] = typesize
        if given.get("shuffle") is None:
            given["shuffle"] = "bitshuffle" if given["typesize"] == 1 else "shuffle"
    elif config["name"] == SHARDING:
        given |= _completed_in_shards(given, dtype)
    else:
        for member in _DTYPE_MEMBERS.get(config["name"], ()):
            given.setdefault(member, dtype.str)
        if config["name"] == "numcodecs.shuffle":
            given.setdefault("elementsize", max(dtype.itemsize, 1))
    if given or "configuration" in config:
        config["configuration"] = given
    return config


def _completed_in_shards(
    given: Mapping[str, JSON], dtype: np.dtype[Any]
) -> dict[str, list[dict[str, JSON]]]:
    """Return the codecs of the chunks in a shard and of its index, with what users leave out."""
    found: dict[str, list[dict[str, JSON]]] = {}
    for member in ("codecs", "index_codecs"):
        inner = dtype if member == "codecs" else np.dtype("<u8")
        listed = [{"name": c} if isinstance(c, str) else c for c in given.get(member) or ()]
        if not all(isinstance(codec, Mapping) for codec in listed):
            raise TypeError(f"{member} must be objects with a name, not {listed!r:.200}")
        found[member] = []
        for codec in listed:
            config = completed(dict(codec), inner)
            found[member].append(config)
            name = canonical(config["name"])
            if _ROLES.get(name) == "filter":
                inner = encoded_dtype(Step("filter", name, config), inner)
    return found


def numbered_config(step: Step) -> dict[str, JSON]:
    """Return the configuration of `step` as version 2 spells it.

    Raises
    ------
    ValueError
        If version 2 has no such codec.
    """
    if "id" in step.config:
        return dict(step.config)
    if step.name in ("blosc", "zstd", "gzip", "crc32c", "vlen-utf8", "vlen-bytes", "bitround"):
        config: dict[str, JSON] = codec_of(step).get_config()
        if not config.get("checksum", True):
            del config["checksum"]  # older readers do not know it
        return config
    if step.name.startswith("numcodecs."):
        name = step.name.removeprefix("numcodecs.")
        return {"id": name, **{n: v for n, v in configuration(step).items() if n != "id"}}
    if step.name == "packbits" and configuration(step).get("padding_encoding") == "first_byte":
        raise ValueError("codec 'packbits' has its bits in another order in version 2")
    raise ValueError(f"codec {step.name!r:.100} cannot be stored in version 2 of the format")
