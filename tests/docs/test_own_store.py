"""The store that the documentation shows passes the suite for stores, as the page says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, script_of


@pytest.mark.slow
def test_the_suite_that_the_page_shows(tmp_path: Path) -> None:
    module = tmp_path / "test_page.py"
    module.write_text(script_of(ROOT / "docs" / "how-to" / "own-store.md"), encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider",
            "-k", "not state_machine",  # minutes, and run for every store of the package
            module,
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
