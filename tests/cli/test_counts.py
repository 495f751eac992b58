"""Numbers and their nouns: singular and plural in all that the commands print."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import zarr
from tests.cli.command import run_many

pytest.importorskip("click")

PACKAGE = Path(zarr.__file__).parent
SOURCES = [path for folder in ("cli", "tools") for path in sorted((PACKAGE / folder).glob("*.py"))]
NOUNS = (
    "argument", "array", "attribute", "block", "byte", "chunk", "difference", "element", "file",
    "finding", "group", "item", "key", "level", "member", "node", "range", "request", "second",
    "shard", "snapshot", "store", "value",
)  # fmt: skip
PLURALS = re.compile(rf" (?:(?!of )\w+ )?(?:{'|'.join(NOUNS)})s\b")
ONE_OF_MANY = re.compile(r"\b1 (?:\w+ )?(?:" + "|".join(f"{noun}s" for noun in NOUNS) + r")\b")
MANY_OF_ONE = re.compile(r"\b(?:0|[2-9]|\d\d+) (?:" + "|".join(NOUNS) + r")\b")


@pytest.fixture
def one_each(tmp_path: Path) -> Path:
    """Stores with one array of one byte in one chunk, at the root and in a group."""
    for name in ("array.zarr", "changed.zarr"):
        zarr.save_array(str(tmp_path / name), zarr.ones(1, dtype="u1"), compressor=None)
    root = zarr.open_group(str(tmp_path / "group.zarr"), mode="w")
    root.create_dataset("x", data=zarr.ones(1, dtype="u1"), compressor=None)
    zarr.open_array(str(tmp_path / "changed.zarr"))[0] = 2
    (tmp_path / "group.zarr/x/7").write_bytes(b"7")
    return tmp_path


def test_commands_print_singular_and_plural(one_each: Path) -> None:
    commands = [
        ["seal", "array.zarr"],
        ["seal", "group.zarr"],
        ["seal", "--unseal", "group.zarr"],
        ["check", "array.zarr", "--level", "seal"],
        ["check", "group.zarr"],
        ["vacuum", "group.zarr", "--yes", "--age", "0"],
        ["cp", "array.zarr", "copy.zarr"],
        ["cp", "-v", "array.zarr", "other.zip"],
        ["consolidate", "group.zarr"],
        ["convert", "group.zarr", "--to", "3", "--yes"],
        ["rechunk", "array.zarr", "rechunked.zarr", "--chunks", "1"],
        ["diff", "array.zarr", "changed.zarr"],
        ["explain", "array.zarr", "0"],
        ["import", "array.npy", "imported.zarr"],
        ["export", "array.zarr", "exported.npy"],
        ["rm", "changed.zarr", "--dry-run"],
        ["attrs", "array.zarr", "get"],
        ["info", "array.zarr"],
        ["stat", "group.zarr"],
        ["dump", "group.zarr/x"],
        ["dump", "array.zarr", "--max-items", "0"],
    ]

    printed = [result.out + result.err for result in run_many(one_each, *commands)]

    assert "sealed 1 array and 0 groups: 1 chunk, 1 byte" in printed[0]
    assert "1 array and 1 group" in printed[1]
    assert "1 block copied, 1 byte" in printed[10]
    wrong = [
        (command, found[0])
        for command, text in zip(commands, printed, strict=True)
        for pattern in (ONE_OF_MANY, MANY_OF_ONE)
        if (found := pattern.search(text))
    ]
    assert wrong == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_number_has_a_noun_that_is_always_plural(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [
        f"{path.name}:{text.lineno}"
        for text in ast.walk(tree)
        if isinstance(text, ast.JoinedStr)
        for before, after in _around_numbers(text)
        if PLURALS.match(after) and not before.endswith(" of ")  # 1 of 5 chunks
    ]
    assert found == []


def _around_numbers(text: ast.JoinedStr) -> Iterator[tuple[str, str]]:
    """Iterate over what is before and after each value in a formatted text."""
    parts = [str(part.value) if isinstance(part, ast.Constant) else None for part in text.values]
    for at, part in enumerate(parts):
        if part is None:
            before = parts[at - 1] if at else ""
            after = parts[at + 1] if at + 1 < len(parts) else ""
            yield before or "", after or ""
