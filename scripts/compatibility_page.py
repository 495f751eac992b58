"""Writes docs/reference/compatibility.md: the public names of 2.17 and of 3.4.2, here or not.

    python scripts/compatibility_page.py            # write the page
    python scripts/compatibility_page.py --check    # fail if it would change

The names are listed in tests/generations/names.json, with the version of each library that has
them. A test compares the page with what this script makes.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMES = ROOT / "tests" / "generations" / "names.json"
PAGE = ROOT / "docs" / "reference" / "compatibility.md"

GPU = "no buffers in the memory of GPUs; the parameter `meta_array` returns arrays of GPU libraries"
INTERNAL = "internal, not in the manual"
OWN_TESTS = "for that library's own tests"
REASONS = {
    "zarr.buffer.gpu": GPU,
    "zarr.buffer": GPU,
    "zarr.storage.GpuMemoryStore": GPU,
    "zarr.errors.err_too_many_indices": INTERNAL,
    "zarr.experimental.cache_store": "`LRUStoreCache` and the parameter `cache_bytes` cache",
    "zarr.indexing": INTERNAL,
    "zarr.meta": INTERNAL,
    "zarr.n5": INTERNAL,
    "zarr.storage.init_store": INTERNAL,
    "zarr.convenience.init_store": INTERNAL,
    "zarr.testing": OWN_TESTS,
    "zarr.testing.buffer": OWN_TESTS,
    "zarr.testing.utils": OWN_TESTS,
    "zarr.util": INTERNAL,
}
"""Why a module or a name is absent."""

HEAD = """\
# Compatibility

The public names of zarr-python 2.17 (its manual, and what `zarr` exports) and of zarr-python 3.4.2
(the `__all__` of its modules), and whether this package has them. `scripts/compatibility_page.py`
makes this page from the code.

"""


def find(module: str, name: str) -> bool:
    """Tell whether this package has a name in a module."""
    try:
        found = importlib.import_module(module)
        getattr(found, name)
    except (ImportError, AttributeError):
        return False
    return True


def reason(module: str, name: str) -> str:
    return REASONS.get(f"{module}.{name}") or REASONS.get(module) or "not yet"


def section(title: str, modules: dict[str, list[str]]) -> str:
    have = {m: [n for n in names if find(m, n)] for m, names in modules.items()}
    found, count = (sum(map(len, names.values())) for names in (have, modules))
    lines = [f"## {title}", "", f"{found} of {count} names.", ""]
    lines += ["| module | names here | absent |", "|---|---|---|"]
    for module, names in modules.items():
        absent: dict[str, list[str]] = {}
        for name in names:
            if name not in have[module]:
                absent.setdefault(reason(module, name), []).append(name)
        shown = [f"{listed(missing)} ({why})" for why, missing in absent.items()]
        lines.append(f"| `{module}` | {listed(have[module]) or 'none'} | {'; '.join(shown)} |")
    return "\n".join([*lines, ""])


def listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def page() -> str:
    """Return the text of the page."""
    libraries = json.loads(NAMES.read_text("utf-8"))
    return HEAD + "\n".join(section(title, modules) for title, modules in libraries.items())


def main() -> None:
    text = page()
    if "--check" in sys.argv:
        if PAGE.read_text("utf-8") != text:
            raise SystemExit(f"{PAGE} is out of date: run scripts/compatibility_page.py")
        return
    PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
