"""Fixtures of the interoperability tests, and their counts at the end of the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fasteners
import pytest

from tests.interop import exchange
from tests.interop.counts import pytest_terminal_summary  # noqa: F401


@pytest.fixture(scope="session")
def exchange_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder of all data that the libraries exchange, one for all test processes."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "interop"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def results(exchange_folder: Path) -> dict[str, dict[str, Any]]:
    """What each library found, by step and case; computed by the first who asks."""
    answer = exchange_folder / "results.json"
    with fasteners.InterProcessLock(exchange_folder / "lock"):
        if not answer.exists():
            found = exchange.run_exchange(exchange_folder)
            answer.write_text(json.dumps(found))
        return dict(json.loads(answer.read_text()))
