"""Makes the page of the package index from the README."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_IMAGE = re.compile(r"!\[[^]]*\]\((?!https?://)[^)]*\)\n*")
_LINK = re.compile(r"\[([^]]*)\]\((?!https?://|#)([^)]*)\)")


def index_page(readme: str) -> str:
    """Return `readme` without links and images that only its own folder has.

    On the page of a package index they would lead nowhere; files are named instead.
    """
    text = _LINK.sub(r"\1 (`\2`)", _IMAGE.sub("", readme))
    return f"{text.rstrip()}\n\nThe files named here are in the source distribution.\n"


class IndexPage(MetadataHookInterface):
    """The README, fit for a page elsewhere, as description of the distribution."""

    def update(self, metadata: dict[str, Any]) -> None:
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": index_page(readme)}
