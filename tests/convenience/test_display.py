"""Trees and reports in notebooks: HTML without scripts, and the widget of ipytree."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import zarr
from zarr._nodes.display import TreeViewer


@pytest.fixture
def root() -> zarr.Group:
    root = zarr.group()
    root.create_dataset("foo/bar/baz", shape=(3, 4), dtype="i4")
    root.create_dataset("spam", shape=10)
    root.create_group("<empty> & 'odd'")
    return root


class Outline(HTMLParser):
    """What a page shows: the text of each line with its depth, and what is open."""

    VOID = ("br", "hr", "meta")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.lines: list[tuple[int, str]] = []
        self.opened: list[bool] = []
        self.tags: set[str] = set()
        self.feed(page)
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.stack.append(tag)
        if tag == "li":
            self.lines.append((self.stack.count("ul"), ""))
        if tag == "details":
            self.opened.append("open" in dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.lines and "style" not in self.stack:
            depth, text = self.lines[-1]
            self.lines[-1] = depth, text + data


def test_tree_as_html(root: zarr.Group) -> None:
    outline = Outline(root.tree()._repr_html_())

    assert outline.lines == [
        (1, "/"),
        (2, "<empty> & 'odd'"),
        (2, "foo"),
        (3, "bar"),
        (4, "baz (3, 4) int32"),
        (2, "spam (10,) float64"),
    ]
    assert outline.opened == [True, False, False]
    assert "script" not in outline.tags


def test_tree_expanded_and_cut(root: zarr.Group) -> None:
    assert Outline(root.tree(expand=True)._repr_html_()).opened == [True, True, True]
    assert len(Outline(root.tree(level=1)._repr_html_()).lines) == 4


def test_report_as_html(root: zarr.Group) -> None:
    page = root["spam"].info._repr_html_()

    cells = [html.unescape(cell) for cell in re.findall("<t[hd][^>]*>(.*?)</t[hd]>", page)]
    assert dict(zip(cells[::2], cells[1::2], strict=True)) == dict(root["spam"].info_items())
    assert "script" not in page


def test_member_called_shape_is_no_array() -> None:
    root = zarr.group()
    root.create_group("shape/dtype")

    assert str(root.tree()) == "/\n └── shape\n     └── dtype"
    assert zarr.copy_all(root, zarr.group())[0] == 2


def test_tree_of_hdf5_with_links(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "file.h5", "w") as file:
        file["a/b"] = np.arange(3, dtype="i4")
        file["a/up"] = h5py.SoftLink("/")
        file["gone"] = h5py.SoftLink("/nowhere")
        file["type"] = np.dtype("f4")

        text = str(zarr.tree(file))

    assert text.splitlines() == [
        "/",
        " ├── a",
        " │   ├── b (3,) int32",
        " │   └── up",
        " ├── gone",
        " └── type",
    ]


def test_notebook_shows_html_that_no_script_and_no_style_sheet_is_needed_for(
    root: zarr.Group,
) -> None:
    tree = root.tree()

    for shown in (tree, root, root["spam"], root.info, root["spam"].info):
        page = shown._repr_html_()
        assert not {"style", "script"} & Outline(page).tags
        assert "text-align:left" in page or shown is tree
    # A widget would be shown in its place, and is blank in an exported page.
    assert not hasattr(tree, "_repr_mimebundle_")


def test_array_and_group_in_a_notebook() -> None:
    root = zarr.group()
    z = root.zeros("a<b", shape=(4, 6), chunks=(2, 3), zarr_format=2, dtype="i4")

    page = html.unescape(z._repr_html_())
    for text in ("<zarr.core.Array '/a<b' (4, 6) int32>", ">2</td>", "(2, 3)", "No. chunks"):
        assert text in page
    assert "a<b" in html.unescape(root._repr_html_())


def test_array_is_shown_without_listing_its_chunks() -> None:
    class Unlisted(zarr.MemoryStore):
        def listdir(self, path: str = "") -> list[str]:
            raise AssertionError("listing a remote store takes long")

        list_prefix = __iter__ = getsize = listdir  # type: ignore[assignment]

    z = zarr.zeros(4, store=zarr.MemoryStore())
    assert "(4,)" in zarr.Array(Unlisted(z.store.root))._repr_html_()


def test_widget_of_ipytree(root: zarr.Group) -> None:
    (top,) = TreeViewer(root, expand=True).widget().nodes

    assert [node.name for node in top.nodes] == [
        "<empty> & 'odd'", "foo", "spam (10,) float64",
    ]  # fmt: skip
    assert top.nodes[1].opened
    assert top.nodes[1].nodes[0].nodes[0].icon == "table"


def test_tree_in_ascii() -> None:
    root = zarr.group()
    root.zeros("foo/bar", shape=3)
    root.zeros("x", shape=2)

    assert bytes(root.tree()) == (
        b"/\n +-- foo\n |   +-- bar (3,) float64\n +-- x (2,) float64"  # as in 2.18.7
    )


@pytest.mark.parametrize("version", [2, 3])
def test_unreadable_member_does_not_hide_the_others(version: int) -> None:
    root = zarr.group(zarr.KVStore({}), zarr_format=version)
    root.zeros("good/x", shape=3, dtype="i4")
    root.store[{2: "bad/.zarray", 3: "bad/zarr.json"}[version]] = b"{"

    text = str(root.tree())

    assert "x (3,) int32" in text
    assert "bad (unreadable: 'bad/" in text
    assert "unreadable" in root.tree()._repr_html_()
    assert "good" in repr(root.info)
    assert "bad" in repr(root.info)
    with pytest.raises(zarr.MetadataError):
        list(root.items())  # data are never left out silently


def test_report_of_an_array_whose_codec_is_not_installed() -> None:
    store = zarr.zeros(4, chunks=2, dtype="i4", compressor=zarr.Zlib(1)).store
    store[".zarray"] = bytes(store[".zarray"]).replace(b'"zlib"', b'"nope"')
    store["1"] = b"x"
    z = zarr.open(store, mode="r")

    assert "{'id': 'nope', 'level': 1} (not available)" in repr(z.info)
    assert (z.nchunks_initialized, z.nbytes_stored > 100) == (1, True)
    assert len(z.hexdigest()) == 40
    assert "nope" in z._repr_html_()
    with pytest.raises(zarr.MetadataError, match="'nope' is not known: no installed package"):
        z[:]


def test_format_and_names_of_dimensions() -> None:
    z = zarr.create((2, 3), dimension_names=["y", None], dtype="i4", fill_value=7)
    plain = zarr.zeros(3)

    assert (z.zarr_format, z.dimension_names) == (3, ("y", None))
    assert (plain.zarr_format, plain.dimension_names) == (2, None)
    assert (zarr.group().zarr_format, zarr.create_group().zarr_format) == (2, 3)
    report = dict(z.info_items())
    assert (report["Zarr format"], report["Dimension names"]) == ("3", "('y', None)")
    assert (report["Fill value"], "BytesCodec" in report["Serializer"]) == ("7", True)
    assert "Zarr format" in dict(zarr.group({}, zarr_format=3).info_items())
    # The manual shows reports without them; notebooks have room for more.
    assert "Zarr format" not in dict(plain.info_items())
    assert "Zarr format" not in dict(zarr.zeros(3, zarr_format=3).info_items())  # KVStoreV3
    assert "Zarr format" in plain._repr_html_()


CLICKS = """
<script>
const summary = document.querySelectorAll("summary")[1], tree = summary.closest(".zarr-tree");
const heights = [], height = () => heights.push(tree.getBoundingClientRect().height);
height(); summary.click(); height(); summary.click(); height();
const color = (node) => getComputedStyle(node).color;
const colors = [...document.querySelectorAll("li, th, td, i")].map(color);
const report = {heights, page: color(document.body), colors: [...new Set(colors)]};
document.body.setAttribute("data-report", JSON.stringify(report));
</script>
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_tree_opens_and_closes_in_a_browser(scheme: str, tmp_path: Path) -> None:
    """Needs Chromium, which Debian has as the package of that name."""
    scripts = Path(__file__).parents[2] / "scripts"
    make = f"import sys; sys.path.insert(0, {str(scripts)!r}); import display_pages as pages; "
    run = subprocess.run(
        [sys.executable, "-c", f"{make}print(pages.page({scheme!r}))"],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    page = tmp_path / "page.html"
    page.write_text(run.stdout.replace("</body>", f"{CLICKS}</body>"), encoding="utf-8")

    dom = subprocess.run(
        [sys.executable, "-c", f"{make}print(pages.chromium('--dump-dom', sys.argv[1]))",
         page.as_uri()],
        check=True, capture_output=True, text=True, timeout=120,
    ).stdout  # fmt: skip

    found = re.search('data-report="(.*?)"', dom)
    assert found is not None
    report = json.loads(html.unescape(found.group(1)))
    closed, opened, closed_again = report["heights"]
    assert opened > closed == closed_again
    assert report["colors"] == [report["page"]]
