"""Take pictures of the built site in headless Chromium: light, dark, and as on a phone.

``make docs && python scripts/site_pictures.py docs/images`` writes one picture for each of `PAGES`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

SITE = Path(__file__).parents[1] / "site"
PAGES = {"home": "index.html", "how_to": "how-to/append.html", "api": "api/core.html"}
HEIGHT, GAP = 1000, 20
LIGHT, DARK = 1, 0
VIEWS = ((1400, LIGHT), (1400, DARK), (390, LIGHT))
"""Width in pixels, and Chromium's number of the colour scheme."""


def screenshot(page: Path, width: int, scheme: int, folder: Path) -> Image.Image:
    """Return a picture of `page` in a frame of `width`, as windows cannot be so narrow."""
    frame = folder / "frame.html"
    style = f"width: {width}px; height: {HEIGHT}px; border: 0"
    frame.write_text(f'<body style="margin: 0"><iframe src="{page.as_uri()}" style="{style}">')
    picture = folder / "picture.png"
    subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--allow-file-access-from-files", "--virtual-time-budget=4000",
            f"--blink-settings=preferredColorScheme={scheme}",
            f"--window-size={max(width, 500)},{HEIGHT}", f"--screenshot={picture}",
            frame.as_uri(),
        ],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    return Image.open(picture).convert("RGB").crop((0, 0, width, HEIGHT))


def montage(page: Path) -> Image.Image:
    """Return the views of `page` side by side, at half their size and in few colours."""
    with tempfile.TemporaryDirectory() as folder:
        views = [screenshot(page, width, scheme, Path(folder)) for width, scheme in VIEWS]
    whole = sum(view.width + GAP for view in views) - GAP
    joined = Image.new("RGB", (whole, HEIGHT), "#888888")
    left = 0
    for view in views:
        joined.paste(view, (left, 0))
        left += view.width + GAP
    small = joined.resize((whole // 2, HEIGHT // 2), Image.Resampling.LANCZOS)
    return small.quantize(64)


if __name__ == "__main__":
    for name, page in PAGES.items():
        montage(SITE / page).save(Path(sys.argv[1], f"site_{name}.png"), optimize=True)
