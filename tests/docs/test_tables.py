"""The tables of the documentation that follow from the code are as the code has them."""

from __future__ import annotations

import subprocess
import sys

from tests.docs.pages import ROOT


def test_generated_tables_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "doc_tables.py", "--check"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, f"run scripts/doc_tables.py: {done.stdout}{done.stderr}"


def test_script_finds_a_table_that_has_changed() -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        import doc_tables
    finally:
        sys.path.pop(0)
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    changed = page.replace("`ZARR_WORKERS`", "`ZARR_THREADS`")

    assert changed != page
    assert doc_tables.renewed(changed) == doc_tables.renewed(page) == page
