"""The examples of the manual that talk to a server give the manual's output.

The manual reads a public bucket. Here a server on this machine has a bucket of the same
name with the same array; the libraries learn its address from the environment, so the
examples stay as they are. An `fsspec` map is shown as the `FSStore` it becomes, and the
three dots that stand for the access to an Azure container are filled in.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import s3fs

import zarr
from tests.manual import chapters
from tests.remote.servers import AZURITE_KEY, S3_KEYS

pytestmark = pytest.mark.remote

TRANSCRIPTS = [pytest.param(t, id=t.name) for t in chapters.transcripts(Path(__file__).parent)]


def say_hello(store: Any) -> None:
    array = zarr.group(store, overwrite=True).create_dataset(
        "foo/bar/baz", shape=21, chunks=7, dtype="S1"
    )
    array[:] = np.frombuffer(b"Hello from the cloud!", "S1")


@pytest.fixture
def cloud(s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Buckets with what the manual reads, where the libraries look for buckets."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", S3_KEYS["key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", S3_KEYS["secret"])
    s3fs.S3FileSystem.clear_instance_cache()
    public = {"s3_additional_kwargs": {"ACL": "public-read"}}
    fs = s3fs.S3FileSystem(**S3_KEYS, **public)
    for name in ("zarr-demo", "path"):
        with contextlib.suppress(FileExistsError):
            fs.mkdir(name, acl="public-read")
    say_hello(s3fs.S3Map("zarr-demo/store", s3=fs, check=False))
    with zarr.ZipStore(tmp_path / "my.zarr.zip") as store:
        say_hello(store)
    fs.put_file(
        str(tmp_path / "my.zarr.zip"), "path/to/my.zarr.zip", **public["s3_additional_kwargs"]
    )
    yield
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.parametrize("transcript", TRANSCRIPTS)
@pytest.mark.usefixtures("cloud", "in_tmp_path")
def test_transcript(
    transcript: chapters.Transcript,
    container: Any,
    azure_url: str,
    record_property: Callable[[str, object], None],
) -> None:
    key = {"account_name": "devstoreaccount1", "account_key": AZURITE_KEY}
    names = {"account": azure_url, "container": container.container_name, "key": key}
    record_property(f"manual {transcript.chapter}", transcript.check(names))
