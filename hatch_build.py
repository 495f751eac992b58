"""Makes the page of the package index from the README, and the version of the distribution.

With ``ZARR_BUILD_FOR=2`` in the environment, the same tree becomes version 2.20.0, for packages
that require ``zarr<3``. Only the number differs.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

VERSION_FOR_2 = "2.20.0"
"""The version for packages that require ``zarr<3``; the other one is in ``_version.py``."""

VERSION_FILE = Path(__file__).with_name("src") / "zarr" / "_version.py"

_IMAGE = re.compile(r"!\[[^]]*\]\((?!https?://)[^)]*\)\n*")
_LINK = re.compile(r"\[([^]]*)\]\((?!https?://|#)([^)]*)\)")


def index_page(readme: str) -> str:
    """Return `readme` without links and images that only its own folder has.

    On the page of a package index they would lead nowhere; files are named instead.
    """
    text = _LINK.sub(r"\1 (`\2`)", _IMAGE.sub("", readme))
    return f"{text.rstrip()}\n\nThe files named here are in the source distribution.\n"


def version() -> str:
    """Return the version to build."""
    wanted = os.environ.get("ZARR_BUILD_FOR", "")
    if wanted not in ("", "2", "3"):
        raise ValueError(f"ZARR_BUILD_FOR must be 2 or 3, not {wanted!r}")
    return VERSION_FOR_2 if wanted == "2" else _written(VERSION_FILE.read_text("utf-8"))


def _written(text: str) -> str:
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if found is None:
        raise ValueError(f"no version in {VERSION_FILE}")
    return found[1]


class IndexPage(MetadataHookInterface):
    """The README, fit for a page elsewhere, as description of the distribution."""

    def update(self, metadata: dict[str, Any]) -> None:
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": index_page(readme)}


class VersionFile(BuildHookInterface):
    """Puts the version that is built into the file that the package reads it from."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        text = VERSION_FILE.read_text(encoding="utf-8")
        built = self.metadata.version
        if _written(text) == built:
            return
        if version == "editable":
            raise ValueError(f"an editable installation has the version {_written(text)} only")
        self._folder = tempfile.TemporaryDirectory(prefix="zarr-version-")
        changed = Path(self._folder.name, VERSION_FILE.name)
        changed.write_text(text.replace(_written(text), built), encoding="utf-8")
        inside = "src/zarr" if self.target_name == "sdist" else "zarr"
        build_data["force_include"][str(changed)] = f"{inside}/{VERSION_FILE.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if folder := getattr(self, "_folder", None):
            folder.cleanup()
