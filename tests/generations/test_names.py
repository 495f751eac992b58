"""The public names of zarr-python 2.17 and 3.4.2 are here, or the page says why not."""

from __future__ import annotations

import json
import pkgutil
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zarr

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "compatibility_page.py"))
NAMES = json.loads(Path(__file__).with_name("names.json").read_text("utf-8"))
CLIENT_NAMES = Path(__file__).with_name("client_names.txt").read_text("utf-8").split()
"""What 20 clients of the 3.x library use of it: xarray, anndata, icechunk and others."""

# Public attributes of these classes in 3.4.2.
ARRAY = """
    append async_array attrs basename blocks cdata_shape chunks compressor compressors config dtype
    fill_value filters get_basic_selection get_block_selection get_coordinate_selection
    get_mask_selection get_orthogonal_selection info info_complete metadata name nbytes
    nbytes_stored nchunks nchunks_initialized ndim oindex order path read_chunk_sizes read_only
    resize serializer set_basic_selection set_block_selection set_coordinate_selection
    set_mask_selection set_orthogonal_selection shape shards size store store_path
    update_attributes vindex with_config write_chunk_sizes from_dict open"""
GROUP = """
    array_keys array_values arrays attrs basename create create_array create_group create_hierarchy
    empty empty_like from_store full full_like get get_array get_group group_keys group_values
    groups info info_complete keys members metadata move name nmembers ones ones_like open path
    read_only require_array require_group require_groups store store_path synchronizer tree
    update_attributes update_attributes_async zeros zeros_like"""


@pytest.mark.parametrize(("owner", "names"), [("Array", ARRAY), ("Group", GROUP)])
def test_members_of_3_x_are_here(owner, names) -> None:
    assert [name for name in names.split() if not hasattr(getattr(zarr, owner), name)] == []


@pytest.mark.parametrize("name", CLIENT_NAMES)
def test_names_that_clients_use_are_here(name) -> None:
    module, found = pkgutil.resolve_name(name), sys.modules["zarr"]
    for part in name.split(".")[1:]:  # also as attributes of the package
        found = getattr(found, part)

    assert found is module or found == module


def test_names_that_pipelines_of_clients_import() -> None:
    from zarr.codecs._v2 import V2Codec
    from zarr.core import BatchedCodecPipeline, Buffer, NDBuffer
    from zarr.core.indexing import is_integer

    assert issubclass(V2Codec, zarr.abc.codec.ArrayBytesCodec)
    assert BatchedCodecPipeline is zarr.core.codec_pipeline.BatchedCodecPipeline
    assert (Buffer, NDBuffer) == (zarr.core.buffer.Buffer, zarr.core.buffer.NDBuffer)
    assert [is_integer(x) for x in (1, np.int8(1), True, np.True_, 1.0, [1])] == [True] * 2 + [
        False
    ] * 4


@pytest.mark.parametrize("library", NAMES)
def test_absent_names_have_a_reason(library) -> None:
    without = [
        f"{module}.{name}"
        for module, names in NAMES[library].items()
        for name in names
        if not SCRIPT["find"](module, name) and SCRIPT["reason"](module, name) == "not yet"
    ]

    assert without == []


def test_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "reference" / "compatibility.md").read_text("utf-8")

    assert page == SCRIPT["page"](), "run scripts/compatibility_page.py"


def test_modules_are_attributes() -> None:
    # 3.4.2 imports all of them with zarr; here, each at its first use.
    names = """
        abc.buffer abc.codec abc.metadata abc.numcodec abc.store api.asynchronous api.synchronous
        buffer.cpu codecs.blosc codecs.numcodecs core.array_spec core.attributes core.buffer.cpu
        core.chunk_grids core.chunk_key_encodings core.codec_pipeline core.common core.config
        core.dtype.common core.dtype.wrapper core.group core.indexing core.metadata.v2 core.sync
        core.sync_group dtype registry storage types"""
    shown = "".join(f"print(zarr.{name}.__name__)\n" for name in names.split())
    program = f"import zarr\n{shown}"
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout

    assert printed.split() == [f"zarr.{name}" for name in names.split()]
    assert not hasattr(zarr.core, "nothing")
    assert not hasattr(zarr.abc, "nothing")
    assert not hasattr(zarr.api, "nothing")


def test_import_brings_nothing_of_the_3_x_library() -> None:
    program = "import sys, zarr; print(*(n for n in sys.modules if n.startswith('zarr.')))"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    newer = (
        "zarr._async", "zarr.abc", "zarr.api", "zarr.buffer", "zarr.dtype", "zarr.registry",
        "zarr.core.metadata", "zarr.core.dtype", "zarr.core.buffer", "zarr.core.group",
    )  # fmt: skip

    assert [name for name in run.stdout.split() if name.startswith(newer)] == []
