"""The examples of chapter 2.11 of the manual that need servers, with servers of this machine.

What the manual leaves to the reader, such as the address of an account, is given; all else is
run to the letter, S3 through the environment variables that its clients know. Where the manual
has ``simplecache:s3://``, there is a second colon; and an `S3Map` becomes an `FSStore`, which
reads many chunks at once, not a `KVStore`.
"""

from __future__ import annotations

import doctest
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import s3fs
from azure.storage.blob import ContainerClient

import zarr
from tests.manual.test_manual import Checker
from tests.remote.servers import AZURITE_KEY, S3_KEYS

pytestmark = pytest.mark.remote

HERE = Path(__file__).parents[1] / "manual" / "servers"
TRANSCRIPTS = sorted(path.stem for path in HERE.glob("*.txt"))
HELLO = b"Hello from the cloud!"


@pytest.fixture
def zarr_demo(s3_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Put into S3 what the examples read: a group and an archive of it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", S3_KEYS["key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", S3_KEYS["secret"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    group = zarr.open_group(str(tmp_path / "my.zarr"), mode="w")
    group.array("foo/bar/baz", np.array([*HELLO], "u1").view("S1"), chunks=7)
    files = {str(f.relative_to(tmp_path / "my.zarr")): f for f in (tmp_path / "my.zarr").rglob("*")}
    with zipfile.ZipFile(tmp_path / "my.zarr.zip", "w") as archive:
        for name, file in sorted(files.items()):
            archive.write(file, name)
    s3 = s3fs.S3FileSystem(s3_additional_kwargs={"ACL": "public-read"})
    if not s3.exists("zarr-demo"):
        s3.mkdir("zarr-demo", acl="public-read")
    s3.put(str(tmp_path / "my.zarr"), "zarr-demo/store", recursive=True)
    s3.put_file(str(tmp_path / "my.zarr.zip"), "zarr-demo/my.zarr.zip")
    yield
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def given(azure_url: str, redis_url: str, mongodb_url: str) -> dict[str, Any]:
    """Return the names that the examples expect."""
    credential = {"account_name": "devstoreaccount1", "account_key": AZURITE_KEY}
    with ContainerClient(azure_url, "demo", credential=credential) as client:
        if not client.exists():
            client.create_container()
    redis = urlsplit(redis_url)
    return {
        "account_url": azure_url,
        "credential": credential,
        "redis_host": redis.hostname,
        "redis_port": redis.port,
        "mongodb_host": mongodb_url,
    }


@pytest.mark.usefixtures("zarr_demo", "in_tmp_path")
@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_transcript(name: str, given: dict[str, Any]) -> None:
    text = (HERE / f"{name}.txt").read_text(encoding="utf-8")
    example = doctest.DocTestParser().get_doctest(text, given, name, name, 0)
    report: list[str] = []
    results = doctest.DocTestRunner(Checker(), verbose=False).run(example, out=report.append)
    print(f"{name}: {results.attempted} examples")
    assert not results.failed, "".join(report)
    assert results.attempted == len(example.examples)
