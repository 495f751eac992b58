"""The page of the command line in the documentation is what the command says of itself."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytest.importorskip("click")


SCRIPT = runpy.run_path(str(ROOT / "scripts/command_line_page.py"))


def test_page_agrees_with_the_help_of_all_commands() -> None:
    page = SCRIPT["PAGE"].read_text(encoding="utf-8")

    assert page == SCRIPT["render"](SCRIPT["recorded"]()), "run scripts/command_line_page.py"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="the session is one of bash")
def test_page_shows_what_the_commands_of_its_session_print() -> None:
    assert SCRIPT["record"](SCRIPT["SESSION"]) == SCRIPT["recorded"]()
