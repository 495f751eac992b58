"""A store whose package is missing says what to install, when it is used and not before."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("use", "module", "hint"),
    [
        ("zarr.LMDBStore('x.lmdb')", "lmdb", "pip install 'zarr[lmdb]'"),
        ("zarr.RedisStore()", "redis", "pip install 'zarr[redis]'"),
        ("zarr.MongoDBStore()", "pymongo", "pip install 'zarr[mongodb]'"),
        ("zarr.ABSStore(client=1)", "azure.storage.blob", "pip install 'zarr[azure]'"),
        ("zarr.storage.FSStore('memory://')", "fsspec", "pip install 'zarr[fsspec]'"),
        ("zarr.N5FSStore('memory://x.n5')", "fsspec", "pip install 'zarr[fsspec]'"),
        ("zarr.open('s3://bucket')", "fsspec", "pip install 'zarr[fsspec]'"),
        ("zarr.open('s3://bucket')", "s3fs", "Install s3fs to access S3"),
        ("zarr.storage.OCDBTStore('x')", "tensorstore", "pip install 'zarr[tensorstore]'"),
        ("zarr.storage.ObjectStore('memory://')", "obstore", "pip install 'zarr[obstore]'"),
    ],
)
def test_missing_package_is_named(use: str, module: str, hint: str) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; import zarr; {use}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError:")
    assert hint in last
