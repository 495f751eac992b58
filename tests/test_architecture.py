"""The rules of docs/design/architecture.md that a reading of the source can hold."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "zarr"
FILES = sorted(PACKAGE.rglob("*.py"))

# A module may import from its own row and from the rows above it.
LAYERS = [
    {"_version", "errors", "config"},
    {"grid", "dtypes", "data_types", "metadata"},
    {"indexing", "codecs"},
    {"formats"},
    {"chunk_cache", "storage", "sync", "threads"},
    {"values", "views", "plan"},
    {"places", "ranges"},
    {"engine"},
    {"appending", "attrs", "core", "display", "node", "selections"},
    {"creation"},
    {"hierarchy"},
    {"tools"},
    {"convenience"},
    {"n5", "meta", "_storage"},
    {"", "testing"},
]
RANK = {module: rank for rank, layer in enumerate(LAYERS) for module in layer}
CORE = ("core.py", "engine.py", "indexing.py", "places.py", "plan.py")
VERSION_NAMES = {"format", "version", "zarr_format", "zarr_version", "_version", "node_format"}
MAX_LINES = 800
# What this file calls a store is one of obstore's, which has no such facts to ask for.
FOREIGN_STORES = {"storage/object.py"}


def named(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), path)


def room(module: str) -> str:
    """Return the first part of a dotted name below `zarr`, '' for the package itself."""
    return [*module.split("."), ""][1]


def is_typing_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """Walk everything but the blocks that only a type checker sees."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not is_typing_only(child):
            yield from executed(child)


def imported_modules(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each module of the package that `path` imports, and the line."""
    for node in executed(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(path)}:{node.lineno}: import by absolute name"
            if node.module == "zarr":  # `from zarr import x` may mean the module or the name
                yield from ((f"zarr.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield node.module or "", node.lineno


def name_of(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=func):
            return name_of(func)
    return ""


@pytest.mark.parametrize("path", FILES, ids=named)
def test_imports_point_one_way(path: Path) -> None:
    here = room(f"zarr.{path.relative_to(PACKAGE).with_suffix('')}".replace("/", "."))
    here = "" if here == "__init__" else here
    assert here in RANK, f"{named(path)} has no place in LAYERS"

    upward = [
        f"{named(path)}:{line} imports {module}"
        for module, line in imported_modules(path)
        if module.split(".")[0] == "zarr" and RANK.get(room(module), RANK[""]) > RANK[here]
    ]

    assert upward == []


@pytest.mark.parametrize("path", FILES, ids=named)
def test_only_formats_compare_format_versions(path: Path) -> None:
    if path.parent.name == "formats":
        return

    tests = [
        f"{named(path)}:{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Compare)
        and any(name_of(side) in VERSION_NAMES for side in (node.left, *node.comparators))
        and any(
            isinstance(part, ast.Constant) and type(part.value) is int for part in ast.walk(node)
        )
    ]

    assert tests == []


@pytest.mark.parametrize("path", FILES, ids=named)
def test_nobody_asks_a_store_what_methods_it_has(path: Path) -> None:
    probes = [
        f"{named(path)}:{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree(path))
        if named(path) not in FOREIGN_STORES
        and isinstance(node, ast.Call)
        and (name_of(node.func) == "hasattr" or len(node.args) == 3)
        and name_of(node.func) in {"hasattr", "getattr"}
        and "store" in name_of(node.args[0]).lower()
    ]

    assert probes == []


def classes(folder: str) -> set[str]:
    return {
        node.name
        for path in FILES
        if path.parent.name == folder
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
    }


def concrete_stores_and_codecs() -> set[str]:
    numcodecs = pytest.importorskip("numcodecs")
    codecs = {type_.__name__ for type_ in numcodecs.registry.codec_registry.values()}
    stores = {name for name in classes("storage") if name.endswith("Store")} - {"BaseStore"}
    return stores | codecs | {name for name in classes("codecs") if name.endswith("Codec")}


@pytest.mark.parametrize("filename", CORE)
def test_core_names_no_store_and_no_codec(filename: str) -> None:
    forbidden = concrete_stores_and_codecs()

    found = {
        f"{filename}:{node.lineno}: {word}"
        for node in ast.walk(tree(PACKAGE / filename))
        for word in (name_of(node), getattr(node, "name", ""))
        if word in forbidden
    }

    assert found == set()


@pytest.mark.parametrize("path", FILES, ids=named)
def test_files_are_small_and_named_by_the_domain(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    vague = [
        node.name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Manager", "Helper", "Impl"))
    ]

    assert lines <= MAX_LINES
    assert path.stem not in {"util", "utils", "helpers", "common", "misc"}
    assert vague == []


def test_asyncio_stays_inside_storage() -> None:
    users = {
        named(path)
        for path in FILES
        for module, _ in imported_modules(path)
        if module.split(".")[0] == "asyncio" and path.parent.name != "storage"
    }

    assert users == set()
