"""The rules of docs/design/architecture.md that a reading of the source can hold."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import zarr

PAGE = Path(__file__).parents[1] / "docs" / "design" / "architecture.md"
PACKAGE = Path(__file__).parents[1] / "src" / "zarr"
FILES = sorted(PACKAGE.rglob("*.py"))

# A module may import from its own layer and from the layers above it. Packages count as one,
# but for the interface of stores, which formats and codecs use, too.
LAYERS = [
    {"_system"},
    {"_version", "_numcodecs_check", "_wording", "errors", "config", "sync"},
    # Buffers and stores as the 3.x library has them.
    {"abc.buffer", "abc.store", "buffer"},
    {
        "_selection",
        "_shared",
        "storage.coroutine_verbs",
        "storage.identity",
        "storage.order",
        "storage.base",
    },
    {"_metadata"},
    {"_codecs"},
    {"_formats", "codecs"},
    {"storage"},
    {"attrs", "_chunks"},
    {"_nodes"},
    # Value classes of the 3.x library, which metadata and codecs are shown as.
    {
        "abc",
        "registry",
        "core.array_spec",
        "core.buffer",
        "core.chunk_grids",
        "core.chunk_key_encodings",
        "core.codec_calls",
        "core.common",
        "core.config",
        "core.dtype",
        "core.foreign_codecs",
        "core.metadata",
        "core.sync",
    },
    {"core"},
    {"creation"},
    {"hierarchy"},
    {"tools"},
    {"convenience"},
    {"_async"},
    # What code for the 3.x library imports: thin delegation.
    {
        "api",
        "dtype",
        "experimental",
        "metadata",
        "codecs._v2",
        "core.codec_pipeline",
        "core.debug_info",
        "core.group",
        "core.sync_group",
    },
    # What old code imports by these names.
    {"n5", "context", "indexing", "types", "util", "_storage"},
    {"meta"},
    {"meta_v1"},
    {"", "testing"},
    {"cli"},
    {"__main__"},
]
RANK = {module: rank for rank, layer in enumerate(LAYERS) for module in layer}
NEWER_NAMES = {"abc", "api", "buffer", "dtype", "experimental", "metadata", "registry"}
"""Modules that code for the 3.x library imports."""
DOCUMENTED = {
    "attrs", "cli", "codecs", "config", "convenience", "core", "creation", "errors", "hierarchy",
    "n5", "storage", "sync", "testing", "tools",
}  # fmt: skip
OLD_NAMES = {"context", "indexing", "meta", "meta_v1", "types", "util"}
CORE = (
    "core/array.py", "_chunks/access.py", "_chunks/chunk_storage.py", "_chunks/engine.py",
    "_chunks/plan.py", "_chunks/reading.py", "_chunks/resizing.py", "_chunks/writing.py",
)  # fmt: skip
VERSION_NAMES = {"format", "version", "zarr_format", "zarr_version", "_version", "node_format"}
MAX_LINES = 700
"""Lines of a file, without those that users read: its docstrings."""
# What not every system has, or what has a meaning of its own on each.
SYSTEM_NAMES = {
    "fchmod", "fork", "fsync", "fdatasync", "geteuid", "getuid", "name", "posix_fallocate", "pread",
    "preadv", "pwrite", "pwritev", "register_at_fork", "rename", "replace", "sched_getaffinity",
    "statvfs",
}  # fmt: skip
# What this file calls a store is one of obstore's, which has no such facts to ask for.
FOREIGN_STORES = {"storage/object.py"}


def lines_of_docstrings(path: Path) -> int:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    firsts = [n.body[0] for n in ast.walk(tree(path)) if isinstance(n, documented) and n.body]
    return sum(
        (first.end_lineno or first.lineno) - first.lineno + 1
        for first in firsts
        if isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )


def named(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), path)


def module_of(path: Path) -> str:
    return (
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        .removesuffix("__init__")
        .rstrip(".")
    )


def layer_of(module: str) -> str:
    """Return the name under which LAYERS has a module, without the leading `zarr`."""
    names = [module, ".".join(module.split(".")[:2]), module.split(".", maxsplit=1)[0]]
    return next((name for name in names if name in RANK), names[-1])


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


def is_alias(path: Path) -> bool:
    """Tell whether `path` is a short module under a name that old code imports."""
    short = path.read_text(encoding="utf-8").count("\n") < 60
    return named(path) in {"core/common.py", "core/dtype/common.py"} or (
        named(path) == "util.py" and short
    )


def name_of(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=func):
            return name_of(func)
    return ""


@pytest.mark.parametrize("path", FILES, ids=named)
def test_imports_point_one_way(path: Path) -> None:
    here = layer_of(module_of(path))
    assert here in RANK, f"{named(path)} has no place in LAYERS"

    upward = [
        f"{named(path)}:{line} imports {module}"
        for module, line in imported_modules(path)
        if module.split(".")[0] == "zarr"
        and RANK.get(layer_of(module.removeprefix("zarr").lstrip(".")), RANK[""]) > RANK[here]
    ]

    assert upward == []


def test_no_circles_of_imports() -> None:
    """Among modules, imports inside of functions and those for type checkers included."""
    modules = {module_of(path): path for path in FILES}
    needs = {
        module: {
            found
            for name in dotted_names(tree(path))
            if name.startswith("zarr")
            and (found := name.removeprefix("zarr").lstrip(".")) in modules
            and found != module
        }
        for module, path in modules.items()
        if module  # the package itself imports everything
    }
    order = TopologicalSorter({name: found - {""} for name, found in needs.items()})
    order.prepare()  # raises CycleError with the circle


def dotted_names(node: ast.AST) -> Iterator[str]:
    """Yield the modules of the package that are imported anywhere in `node`."""
    modules = {f"zarr.{module_of(path)}".rstrip(".") for path in FILES}
    for part in ast.walk(node):
        if isinstance(part, ast.Import):
            yield from (alias.name for alias in part.names)
        elif isinstance(part, ast.ImportFrom):
            whole = [f"{part.module}.{alias.name}" for alias in part.names]
            yield from (name if name in modules else part.module or "" for name in whole)


def test_names_tell_public_from_private() -> None:
    top = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES}

    assert {
        name for name in top if not name.startswith("_")
    } <= DOCUMENTED | OLD_NAMES | NEWER_NAMES


@pytest.mark.parametrize("path", FILES, ids=named)
def test_only_formats_compare_format_versions(path: Path) -> None:
    if path.parent.name == "_formats":
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
    return stores | codecs | {name for name in classes("_codecs") if name.endswith("Codec")}


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
    lines = path.read_text(encoding="utf-8").count("\n") - lines_of_docstrings(path)
    vague = [
        node.name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Manager", "Helper", "Impl"))
    ]

    assert lines <= MAX_LINES
    assert path.stem not in {"util", "utils", "helpers", "common", "misc"} or is_alias(path)
    assert vague == []


def test_asyncio_stays_inside_storage() -> None:
    users = {
        named(path)
        for path in FILES
        for module, _ in imported_modules(path)
        if module.split(".")[0] == "asyncio" and path.parent.name != "storage"
    }

    assert users == set()


def asks_for_the_system(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return any(alias.name in {"fcntl", "msvcrt", "resource", "nt"} for alias in names)
        case ast.Attribute(value=ast.Name(id="os"), attr=name):
            return name in SYSTEM_NAMES or name.startswith(("O_", "supports_"))
        case ast.Attribute(value=ast.Name(id="sys"), attr="platform"):
            return True
        case ast.Call(func=ast.Name(id="hasattr"), args=[ast.Name(id="os"), *_]):
            return True
    return False


@pytest.mark.parametrize("path", FILES, ids=named)
def test_one_module_knows_operating_systems(path: Path) -> None:
    found = [
        f"{named(path)}:{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree(path))
        if asks_for_the_system(node)
    ]

    assert found == [] or named(path) == "_system.py"


def steps_of(heading: str) -> list[tuple[str, str]]:
    """Return file and function of the steps that the page about the architecture lists."""
    section = PAGE.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| \d+ \| `([^`]+)` \| `([^`]+)` \|", section, re.MULTILINE)


def calls_of(operation: Callable[[], Any]) -> list[tuple[str, str]]:
    """Return file and function of all calls of the package in an operation, in their order."""
    calls = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(PACKAGE):
            calls.append((named(path), frame.f_code.co_qualname))

    sys.setprofile(note)
    try:
        operation()
    finally:
        sys.setprofile(None)
    return calls


WALKS = {
    "A read, step by step": lambda z: z[1:5, 2:4],
    "A write, step by step": lambda z: z.__setitem__((slice(1, 5), slice(2, 4)), 7),
}


@pytest.mark.parametrize("heading", WALKS)
def test_steps_on_the_page_are_those_of_the_code(heading: str) -> None:
    z = zarr.open_array({}, mode="w", shape=(6, 6), chunks=(2, 3), dtype="i4")
    z[...] = 1
    steps = steps_of(heading)

    with zarr.config.set(workers=1):
        calls = iter(calls_of(lambda: WALKS[heading](z)))

    assert len(steps) > 8
    assert len({file for file, _ in steps}) <= 8
    assert [step for step in steps if step not in calls] == []  # in this order
