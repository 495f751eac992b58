"""Write the tables of the documentation that follow from the code.

Usage::

    python scripts/doc_tables.py            write them into their pages
    python scripts/doc_tables.py --check    fail if a page has another table

A page has ``<!-- generated: NAME -->`` before a table and ``<!-- end -->`` after it. What a table
says about formats, data types and codecs is found by trying: arrays are made and read back.
"""

from __future__ import annotations

import dataclasses
import html
import inspect
import json
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np

import zarr
import zarr.config
from zarr.storage import KVStore, N5Store

DOCS = Path(__file__).parents[1] / "docs"
MARKED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
REFUSALS = (ValueError, TypeError, ImportError)

Metadata = dict[str, Any]
Row = tuple[str, ...]


# -- trying ------------------------------------------------------------------------------


def made(zarr_format: int | str, **arguments: Any) -> tuple[Metadata, zarr.Array]:
    """Make an array in a store in memory, or in an N5 container; return its metadata, too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tables are about what is possible
        if zarr_format == "N5":
            folder = tempfile.TemporaryDirectory(prefix="zarr-tables-")
            array = zarr.create(store=N5Store(folder.name), **arguments)
            array.folder = folder  # lives as long as the array
            document = Path(folder.name, "attributes.json")
            return json.loads(document.read_bytes()), array
        store = KVStore({})
        array = zarr.create(store=store, zarr_format=zarr_format, **arguments)
        return json.loads(bytes(store[".zarray" if zarr_format == 2 else "zarr.json"])), array


def works(zarr_format: int | str, values: Any, **arguments: Any) -> Metadata | None:
    """Return the metadata of an array that gave back `values`; None if they are refused."""
    arguments.setdefault("shape", np.shape(values))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            metadata, array = made(zarr_format, **arguments)
            array[...] = values
            np.testing.assert_equal(array[...], values)  # also where elements are arrays
    except REFUSALS:
        return None
    return metadata


def code(value: Any) -> str:
    """Return `value` as code in a table."""
    text = value if isinstance(value, str) else json.dumps(value)
    if "|" in text:  # which ends a column, but not as an entity
        return f"<code>{html.escape(text).replace('|', '&#124;')}</code>"
    return f"`{text}`"


def table(*rows: Row) -> str:
    """Return a table of Markdown, with the first row as its head."""
    head, *body = rows
    lines = [head, tuple("---" for _ in head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


# -- formats -----------------------------------------------------------------------------


def formats() -> str:
    """Return the table of what each format can store."""
    numbers = np.arange(12.0).reshape(3, 4)
    words = np.array(["a", "bb", "ccc"], dtype=object)
    ragged = np.empty(2, dtype=object)
    ragged[:] = [np.arange(2), np.arange(3)]
    cases: dict[str, tuple[Any, dict[str, Any]]] = {
        "numbers, booleans": (numbers, {"dtype": "f8"}),
        "complex numbers": (numbers + 1j, {"dtype": "c16"}),
        "dates and durations": (np.arange(3).astype("M8[s]"), {"dtype": "M8[s]"}),
        "strings of any length (`dtype=str`)": (words, {"dtype": str}),
        "strings of fixed length (`U10`)": (words.astype("U10"), {"dtype": "U10"}),
        "fields (structured data types)": (
            np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
            {"dtype": [("a", "i4"), ("b", "f8")]},
        ),
        "any objects (`object_codec=`)": (
            words,
            {"dtype": object, "object_codec": numcodecs.JSON()},
        ),
        "big-endian chunks": (numbers, {"dtype": ">f8"}),
        "order F within chunks": (numbers, {"dtype": "f8", "order": "F"}),
        "filters": (np.arange(9), {"dtype": "i8", "filters": [numcodecs.Delta("i8")]}),
        "no fill value (`fill_value=None`)": (numbers, {"dtype": "f8", "fill_value": None}),
        "dimensionless arrays": (np.float64(42), {"dtype": "f8"}),
        "names of dimensions (`dimension_names=`)": (
            numbers,
            {"dtype": "f8", "dimension_names": ["y", "x"]},
        ),
        "shards": (numbers, {"dtype": "f8", "chunks": (1, 2), "shards": (3, 4)}),
        "chunks of different lengths": (numbers, {"dtype": "f8", "chunks": ([1, 2], 4)}),
    }
    ways = ("2", 2), ("3", 3), ("N5", "N5")
    rows: list[Row] = [("", *(f"format {name}" if name != "N5" else name for name, _ in ways))]
    for title, (values, arguments) in cases.items():
        found = [works(way, values, **arguments) is not None for _, way in ways]
        rows.append((title, *("yes" if yes else "no" for yes in found)))
    return table(*rows)


# -- data types --------------------------------------------------------------------------

DTYPES: dict[str, Any] = {
    "bool": [True, False],
    **{f"{kind}{bits}": [1, 2] for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": [1.5, 2] for bits in (16, 32, 64)},
    **{f"complex{bits}": [1.5, 2j] for bits in (64, 128)},
    "datetime64[ms]": ["2026-03-20", "2026-03-21"],
    "timedelta64[s]": [1, 2],
    "S10": [b"a", b"b"],
    "U10": ["a", "b"],
    "V4": [b"abcd", b"efgh"],
    "str": ["a", "bb"],
    "bytes": [b"a", b"bb"],
    "array:f8": [[1.0], [1.0, 2.0]],
    "bfloat16": [1.5, 2],
    "float8_e4m3fn": [1.5, 2],
    "int4": [1, 2],
}
"""What a user gives as ``dtype``, and two values."""


def data_types() -> str:
    """Return the table of data types and their names in metadata."""
    rows: list[Row] = [("`dtype`", "format 2", "format 3", "N5")]
    for name, given in DTYPES.items():
        dtype: Any = {"str": str, "bytes": bytes}.get(name, name)
        values = values_of(name, given)
        two, three, n5 = (works(way, values, dtype=dtype) for way in (2, 3, "N5"))
        rows.append((
            code(name),
            "no" if two is None else _in_2(two),
            "no" if three is None else code(three["data_type"]),
            "no" if n5 is None else code(n5["dataType"]),
        ))  # fmt: skip
    return table(*rows)


def values_of(name: str, given: list[Any]) -> np.ndarray[Any, Any]:
    """Return two values as an array of the data type `name`."""
    if name in ("str", "bytes") or name.startswith("array:"):
        values = np.empty(2, dtype=object)
        values[:] = [np.array(v) for v in given] if name.startswith("array:") else given
        return values
    return np.array(given, dtype=zarr.zeros(1, dtype=name).dtype)


def _in_2(metadata: Metadata) -> str:
    filters = [step["id"] for step in metadata["filters"] or []]
    return code(metadata["dtype"]) + "".join(f" with {code(name)}" for name in filters)


# -- codecs ------------------------------------------------------------------------------

CODECS: dict[str, tuple[str, Any, str]] = {
    "Blosc": ("compressor", numcodecs.Blosc(), "LZ4, Zstandard, zlib and others, with shuffling"),
    "Zstd": ("compressor", numcodecs.Zstd(), "Zstandard"),
    "LZ4": ("compressor", numcodecs.LZ4(), "LZ4"),
    "GZip": ("compressor", numcodecs.GZip(), "gzip; twice as fast with `zarr[fast]`"),
    "Zlib": ("compressor", numcodecs.Zlib(), "zlib; twice as fast with `zarr[fast]`"),
    "BZ2": ("compressor", numcodecs.BZ2(), "bzip2"),
    "LZMA": ("compressor", numcodecs.LZMA(), "LZMA, XZ"),
    "CRC32": ("filter", numcodecs.CRC32(), "checksum"),
    "Adler32": ("filter", numcodecs.Adler32(), "checksum"),
    "Fletcher32": ("filter", numcodecs.Fletcher32(), "checksum of HDF5"),
    "JenkinsLookup3": ("filter", numcodecs.JenkinsLookup3(), "checksum of HDF5"),
    "Shuffle": ("filter", numcodecs.Shuffle(8), "puts bytes of equal weight together"),
    "Delta": ("filter", numcodecs.Delta("f8"), "differences of neighbours"),
    "FixedScaleOffset": (
        "filter",
        numcodecs.FixedScaleOffset(offset=0, scale=10, dtype="f8", astype="i4"),
        "rounds to a multiple of 1/`scale`",
    ),
    "Quantize": ("filter", numcodecs.Quantize(digits=3, dtype="f8"), "rounds to decimal digits"),
    "BitRound": ("filter", numcodecs.BitRound(keepbits=40), "rounds to bits of the mantissa"),
    "AsType": ("filter", numcodecs.AsType("f4", "f8"), "stores another data type"),
}
"""Class, whether it is a compressor or a filter, an example, what it does."""


def codecs() -> str:
    """Return the table of codecs and their names in metadata."""
    values = np.array([1.0, 2.0, 4.0, 8.0])
    rows: list[Row] = [("class", "", "kind", "format 2", "format 3", "N5")]
    for name, (kind, codec, does) in CODECS.items():
        filters = {"compressor": None, "filters": [codec]}
        given = {"compressor": codec} if kind == "compressor" else filters
        two, three, n5 = (works(way, values, dtype="f8", **given) for way in (2, 3, "N5"))
        in_2 = (
            "no"
            if two is None
            else code((two["compressor"] if kind == "compressor" else two["filters"][0])["id"])
        )
        in_3 = "no" if three is None else _name_in_3(three, codec)
        in_n5 = "no" if n5 is None or kind == "filter" else _name_in_n5(n5)
        rows.append((code(name), does, kind, in_2, in_3, in_n5))
    return table(*rows)


def _name_in_3(metadata: Metadata, codec: Any) -> str:
    names = [step["name"] for step in metadata["codecs"]]
    own = [name for name in names if name.removeprefix("numcodecs.") == codec.codec_id]
    return code(own[0]) if own else "no"


def _name_in_n5(metadata: Metadata) -> str:
    name = metadata["compression"]["type"]
    return code(name) if name not in ("raw", "zarr_n5") else "no"


# -- settings ----------------------------------------------------------------------------


def settings() -> str:
    """Return the table of settings and environment variables."""
    described = dict(_attributes(f"{inspect.getdoc(zarr.config.Config)}\n"))
    rows: list[Row] = [("setting", "environment variable", "type", "default", "meaning")]
    for field in dataclasses.fields(zarr.config.Config):
        default = {"workers": "processors, at most 32"}.get(field.name, code(repr(field.default)))
        variable = f"ZARR_{field.name.upper()}"
        rows.append(
            (code(field.name), code(variable), str(field.type), default, described[field.name])
        )
    return table(*rows)


def _attributes(docstring: str) -> Iterator[tuple[str, str]]:
    section = docstring.partition("Attributes\n")[2]
    for match in re.finditer(r"^(\w+) : .*\n((?:    .*\n|\n)+)", section, re.MULTILINE):
        yield match[1], " ".join(match[2].split())


# -- pages -------------------------------------------------------------------------------

TABLES: Mapping[str, Callable[[], str]] = {
    "formats": formats,
    "data_types": data_types,
    "codecs": codecs,
    "settings": settings,
}


def renewed(text: str) -> str:
    """Return the text of a page with its tables as they are now."""
    return MARKED.sub(lambda match: f"{match[1]}\n{TABLES[match[2]]()}\n{match[3]}", text)


def main(arguments: list[str]) -> int:
    """Write the tables, or tell whether they are up to date."""
    stale = []
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        if MARKED.search(text) and (new := renewed(text)) != text:
            stale.append(page)
            if "--check" not in arguments:
                page.write_text(new, encoding="utf-8")
    for page in stale:
        print(page.relative_to(DOCS.parent))
    return int(bool(stale) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
