"""The servers of the remote stores, for tests whose processes find them by variables."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest

from tests.remote.conftest import _load_services

SERVICES = ("redis", "mongodb", "azure", "s3")


@pytest.fixture(scope="session")
def servers() -> Iterator[None]:
    """Start those servers that do not run yet."""
    services = _load_services()
    with contextlib.ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        for name in SERVICES:
            if services.variable(name) not in os.environ:
                server = services.start(name)
                stack.callback(server.stop)
                patch.setenv(services.variable(name), server.address)
        yield
