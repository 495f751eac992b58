"""Look at trees and reports in headless Chromium: screenshots for the documentation.

``python scripts/display_pages.py docs/images``
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import zarr

SCHEMES = {
    "light": "color-scheme: light; background: #ffffff; color: #1b1b1b",
    "dark": "color-scheme: dark; background: #111418; color: #e6e6e6",
}


def example() -> zarr.Group:
    """Return a hierarchy with something of each kind."""
    root = zarr.group(zarr.MemoryStore())
    ocean, air = root.create_group("ocean"), root.create_group("atmosphere")
    days = np.arange(365, dtype="f4")[:, None, None]
    shape, chunks = (365, 18, 36), (73, 18, 36)
    salinity = np.broadcast_to(np.sin(days / 58), shape)
    ocean.create_dataset("temperature", data=salinity * 10 + 15, chunks=chunks)
    ocean.create_dataset("salinity", shape=shape, chunks=chunks, dtype="f4")
    ocean.create_dataset("stations/name", data=np.array(["Kiel", "Bergen"]), chunks=2)
    ocean.create_dataset("stations/position", shape=(2, 2), dtype="f8")
    air.create_dataset("wind", shape=shape, chunks=chunks, dtype=[("u", "f4"), ("v", "f4")])
    root.create_group("reports")
    return root


def page(scheme: str) -> str:
    """Return a page with a tree closed, the same tree opened, and a report."""
    root = example()
    parts = [root.tree(), root.tree(expand=True), root["ocean/temperature"].info]
    body = "<hr style='opacity:.3'>".join(part._repr_html_() for part in parts)
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><title>{scheme}</title></head>'
        f'<body style="margin: 16px; {SCHEMES[scheme]}">{body}</body></html>'
    )


def chromium(*arguments: str) -> str:
    """Run Chromium without a window, and return what it prints."""
    run = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", *arguments],
        check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return run.stdout


def screenshot(scheme: str, image: Path) -> None:
    """Write a picture of the page."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "page.html")
        path.write_text(page(scheme), encoding="utf-8")
        picture = f"--screenshot={image.absolute()}"
        chromium("--hide-scrollbars", "--window-size=560,690", picture, path.as_uri())


if __name__ == "__main__":
    for name in SCHEMES:
        screenshot(name, Path(sys.argv[1], f"display_{name}.png"))
