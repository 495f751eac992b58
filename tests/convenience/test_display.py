"""Trees and reports in notebooks: HTML without scripts, and the widget of ipytree."""

from __future__ import annotations

import builtins
import html
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import zarr
from zarr.display import TreeViewer


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

    cells = [html.unescape(cell) for cell in re.findall("<t[hd]>(.*?)</t[hd]>", page)]
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


def test_notebook_without_ipytree_gets_html(
    root: zarr.Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = builtins.__import__

    def without_ipytree(name: str, *args: Any) -> Any:
        if name == "ipytree":
            raise ImportError(name)
        return imported(name, *args)

    monkeypatch.setattr(builtins, "__import__", without_ipytree)
    tree = root.tree()

    assert tree._repr_mimebundle_() == {
        "text/plain": str(tree), "text/html": tree._repr_html_(),
    }  # fmt: skip


def test_notebook_with_ipytree_gets_its_widget(root: zarr.Group) -> None:
    tree = root.tree(expand=True)

    data, _ = tree._repr_mimebundle_(include=None, exclude=None)

    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/html"] == tree._repr_html_()
    (top,) = TreeViewer(root, expand=True)._widget().nodes
    assert [node.name for node in top.nodes] == [
        "<empty> & 'odd'", "foo", "spam (10,) float64",
    ]  # fmt: skip
    assert top.nodes[1].opened
    assert top.nodes[1].nodes[0].nodes[0].icon == "table"


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
