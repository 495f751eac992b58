"""Chunks of zlib and gzip: whatever library encodes them, the standard one decodes them."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from numcodecs import GZip, Zlib
from numpy.testing import assert_array_equal

import zarr
from zarr._codecs import deflate
from zarr.errors import ChunkDecodeError


@pytest.fixture(params=["zarr[fast]", "nothing more"], autouse=True)
def installed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.param == "nothing more":
        for package in ("isal", "zlib_ng"):
            monkeypatch.setitem(sys.modules, package, None)
    else:
        assert find_spec("isal")
        assert find_spec("zlib_ng")
    deflate._libraries.cache_clear()
    yield
    deflate._libraries.cache_clear()


LIBRARIES = {"zlib": zlib, "gzip": gzip}


@pytest.mark.parametrize("level", [0, 1, 2, 5, 9])
@pytest.mark.parametrize("codec", [Zlib, GZip])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["u2", ">f8", "M8[s]", [("a", "i2"), ("b", "S3")]])
def test_exchange_with_the_standard_library(level: int, codec: Any, order: Any, dtype: Any) -> None:
    a = np.random.default_rng(level).integers(0, 50, (30, 20)).astype("i8").astype("u2")
    a = a.astype(dtype) if isinstance(dtype, str) else a.view("V2").astype("V5").view(dtype)
    store = zarr.MemoryStore()
    z = zarr.array(a, chunks=(30, 20), compressor=codec(level), order=order, store=store)
    library: Any = LIBRARIES[codec.codec_id]
    assert library.decompress(store["0.0"]) == a.tobytes(order)
    assert_array_equal(z[...], a)
    store["0.0"] = library.compress(a[::-1].tobytes(order))
    assert_array_equal(z[...], a[::-1])


@pytest.mark.parametrize("codec", [Zlib(3), GZip(3)])
def test_damage_is_noticed(codec: Any) -> None:
    z = zarr.array(np.arange(1000), chunks=1000, compressor=codec, store=zarr.MemoryStore())
    good = bytes(z.store["0"])
    for damaged in (good[:-2], good[:-1] + bytes([good[-1] ^ 1]), good + b"more", b""):
        z.store["0"] = damaged
        with pytest.raises(ChunkDecodeError, match="'0'"):
            z[...]
