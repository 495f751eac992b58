"""Draw the packages of `zarr` and what they import, and say how large files and functions are.

    python scripts/draw_packages.py docs/images/packages.svg              # of the working tree
    python scripts/draw_packages.py before.svg --revision 1d886acd        # of a commit

A package is drawn above those that import it. A line that others imply (a imports b, b imports
c, so a may import c) is left out. Red lines are imports that run up, or that close a circle;
imports inside of functions and those for type checkers count, too.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT, BOX = 1180, 92, (132, 34)


def sources(revision: str | None) -> dict[str, str]:
    """Return the text of each module by its path below the package."""
    if revision is None:
        files = (ROOT / "src" / "zarr").rglob("*.py")
        return {f.relative_to(ROOT / "src" / "zarr").as_posix(): f.read_text() for f in files}
    listed = git("ls-tree", "-r", "--name-only", revision, "src/zarr").splitlines()
    names = [name for name in listed if name.endswith(".py")]
    return {name.removeprefix("src/zarr/"): git("show", f"{revision}:{name}") for name in names}


def git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


def package_of(module: str) -> str:
    """Return the box of a dotted module name below `zarr`.

    The interface of stores is a box of its own: formats and codecs use it, too.
    """
    if module in {"storage.base", "storage.identity", "storage.order"}:
        return "storage.base"
    return module.split(".", maxsplit=1)[0] or "zarr"


def imported(tree: ast.Module, modules: set[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "zarr":
            inside = (node.module or "").partition(".")[2]
            for alias in node.names:
                name = f"{inside}.{alias.name}".lstrip(".")
                yield name if name in modules else inside


def graph(texts: dict[str, str]) -> dict[str, set[str]]:
    """Return what each package imports."""
    modules = {
        path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in texts
    }
    needs: dict[str, set[str]] = {}
    for path, text in texts.items():
        module = path.removesuffix(".py").removesuffix("__init__").strip("/").replace("/", ".")
        here = package_of(module)
        if here == "zarr":  # which imports everything
            continue
        for name in imported(ast.parse(text), modules):
            needs.setdefault(here, set())
            if name and (there := package_of(name)) != here:
                needs[here].add(there)
                needs.setdefault(there, set())
    return needs


def levels(needs: dict[str, set[str]]) -> tuple[dict[str, int], set[tuple[str, str]]]:
    """Return a level for each package, and the imports that must be left out to find them."""
    cut: set[tuple[str, str]] = set()
    while True:
        kept = {a: {b for b in bs if (a, b) not in cut} for a, bs in needs.items()}
        try:
            order = list(TopologicalSorter(kept).static_order())
        except CycleError as error:
            circle = error.args[1]
            cut.add((circle[1], circle[0]))
            continue
        level: dict[str, int] = {}
        for name in order:
            level[name] = max((level[b] + 1 for b in kept[name]), default=0)
        return level, cut


def implied(needs: dict[str, set[str]], name: str, other: str) -> bool:
    """Tell whether `name` imports something that imports `other`, however indirectly."""
    reached, waiting = set(), list(needs[name] - {other})
    while waiting:
        here = waiting.pop()
        if here not in reached:
            reached.add(here)
            waiting += needs[here]
    return other in reached


def draw(needs: dict[str, set[str]]) -> str:
    level, cut = levels(needs)
    rows = [sorted(n for n in level if level[n] == at) for at in range(max(level.values()) + 1)]
    at = {
        name: ((i + 1) * WIDTH / (len(row) + 1), 40 + y * HEIGHT)
        for y, row in enumerate(rows)
        for i, name in enumerate(row)
    }
    size = f"{WIDTH} {len(rows) * HEIGHT}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}">',
        '<g font-family="sans-serif" font-size="14" text-anchor="middle">',
        f'<rect width="{WIDTH}" height="{len(rows) * HEIGHT}" fill="white"/>',
    ]
    kept = {a: {b for b in bs if (a, b) not in cut} for a, bs in needs.items()}
    for name, others in sorted(needs.items()):
        for other in sorted(others):
            if (name, other) not in cut and implied(kept, name, other):
                continue
            (x1, y1), (x2, y2) = at[name], at[other]
            wrong = (name, other) in cut
            style = 'stroke="#c62828" stroke-width="2.5"' if wrong else 'stroke="#b0bec5"'
            edge = BOX[1] / 2 * (1 if y1 > y2 else -1)
            parts.append(f'<path d="M{x1:.0f} {y1 - edge:.0f}L{x2:.0f} {y2 + edge:.0f}" {style}/>')
    for name, (x, y) in at.items():
        color = "#eceff1" if name.startswith("_") else "#c5cae9"
        parts.append(
            f'<rect x="{x - BOX[0] / 2:.0f}" y="{y - BOX[1] / 2:.0f}" width="{BOX[0]}" '
            f'height="{BOX[1]}" rx="6" fill="{color}" stroke="#607d8b"/>'
            f'<text x="{x:.0f}" y="{y + 5:.0f}">{name}</text>'
        )
    return "\n".join([*parts, "</g></svg>\n"])


def describe(texts: dict[str, str], needs: dict[str, set[str]]) -> Iterator[str]:
    lines = {path: text.count("\n") for path, text in texts.items()}
    functions = [
        ((node.end_lineno or 0) - node.lineno + 1, f"{path}: {node.name}")
        for path, text in texts.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
    ]
    yield f"{len(texts)} files, {sum(lines.values())} lines"
    largest = sorted(lines, key=lines.__getitem__)[:-6:-1]
    yield "largest files: " + ", ".join(f"{path} {lines[path]}" for path in largest)
    functions.sort(reverse=True)
    yield "longest functions: " + ", ".join(f"{name} {n}" for n, name in functions[:5])
    cut = levels(needs)[1]
    yield f"imports that run up or close a circle: {sorted(cut) or 'none'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--revision")
    options = parser.parse_args()
    texts = sources(options.revision)
    needs = graph(texts)
    options.picture.write_text(draw(needs))
    print(*describe(texts, needs), sep="\n")


if __name__ == "__main__":
    main()
