"""The site that is built from the documentation."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path

import numcodecs
import pytest

import zarr
import zarr.errors
import zarr.storage
from tests.docs.pages import ROOT
from tests.test_public_api import ARRAY_MEMBERS, CHAPTERS, GROUP_MEMBERS

pytestmark = pytest.mark.slow

STORES = """
    ABSStore ConsolidatedMetadataStore DBMStore DirectoryStore FSStore KVStore LMDBStore
    LRUStoreCache MemoryStore MongoDBStore N5FSStore N5Store NestedDirectoryStore RedisStore
    SQLiteStore Store TempStore ZipStore"""
FUNCTIONS = """
    atexit_rmglob atexit_rmtree contains_array contains_group getsize init_array init_group listdir
    migrate_1to2 normalize_storage_path rename rmdir"""
ROLE = re.compile(r":(attr|class|const|data|exc|func|meth|mod|obj):")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site, where every warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return folder


LOADED = {"img": "src", "script": "src", "link": "href", "iframe": "src"}
"""Where elements name what a browser loads by itself."""


class _Text(HTMLParser):
    """Collects the text of a page, and what a browser loads with it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.words: list[str] = []
        self.loaded: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    @property
    def text(self) -> str:
        return "".join(self.words)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if found.get("rel") not in ("canonical", "next", "prev"):
            self.loaded += [found.get(LOADED.get(tag, "")) or ""]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def names_in(site: Path) -> set[str]:
    """Return the names in the inventory, by which the pages of other projects link here."""
    *_, packed = (site / "objects.inv").read_bytes().split(b"\n", 4)
    return {line.split()[0] for line in zlib.decompress(packed).decode().splitlines()}


def test_no_page_shows_markup_or_loads_anything_from_elsewhere(site: Path) -> None:
    pages = [_Text(page) for page in site.rglob("*.html")]

    assert len(pages) > 30
    for page in pages:
        assert not ROLE.search(page.text)
        assert not [url for url in page.loaded if re.match(r"(https?:)?//", url)]


def test_inventory_has_every_name_of_the_manual(site: Path) -> None:
    names = names_in(site)
    documented = {
        f"{module}.{name}" for module, found in CHAPTERS.items() for name in found.split()
    }
    codecs = {f"zarr.{name}" for name in vars(numcodecs)}
    # Variables have no page of their own.
    variables = {"zarr.storage.default_compressor", "zarr.codecs", "zarr.MetadataError"}

    assert {f"zarr.storage.{name}" for name in (STORES + FUNCTIONS).split()} <= names
    assert documented - codecs - variables <= names
    assert {f"zarr.core.Array.{name}" for name in _methods(zarr.Array, ARRAY_MEMBERS)} <= names
    assert {f"zarr.hierarchy.Group.{name}" for name in _methods(zarr.Group, GROUP_MEMBERS)} <= names


def _methods(cls: type, names: str) -> list[str]:
    return [name for name in names.split() if not name.startswith("_")]


def test_inventory_has_every_public_name(site: Path) -> None:
    names = names_in(site)
    newer = """abc.buffer abc.codec abc.metadata abc.numcodec abc.store buffer buffer.cpu dtype
        metadata.migrate_v3 registry"""
    modules = [importlib.import_module(f"zarr.{name}") for name in newer.split()]
    for module in (zarr, zarr.storage, zarr.errors, *modules):
        for name in getattr(module, "__all__", vars(module)):
            found = getattr(module, name)
            home = f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"
            described = inspect.isclass(found) or inspect.isfunction(found)
            if described and home.startswith("zarr.") and not name.startswith("_"):
                assert {home, f"{module.__name__}.{name}"} & names, f"{module.__name__}.{name}"
