"""What clients must know of the servers of the tests."""

from __future__ import annotations

import contextlib
import urllib.request
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

S3_KEYS = {"key": "test", "secret": "test-secret"}

AZURITE_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
"""The key of every emulator; it is public."""


def make_bucket(address: str, name: str) -> None:
    """Make a bucket on the S3 server at `address`, which asks for no signature."""
    urllib.request.urlopen(urllib.request.Request(f"{address}/{name}", method="PUT")).close()


def make_container(client: ContainerClient) -> None:
    """Make the container of `client`, which asks again where an answer is late."""
    from azure.core.exceptions import ResourceExistsError

    with contextlib.suppress(ResourceExistsError):
        client.create_container()


def remove_container(client: ContainerClient) -> None:
    """Remove the container of `client`, which asks again where an answer is late."""
    from azure.core.exceptions import ResourceNotFoundError

    with contextlib.suppress(ResourceNotFoundError):
        client.delete_container()
