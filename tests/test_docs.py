"""Every example in the README and the documentation runs and prints what the page shows."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from tests.docs.pages import PAGES, ROOT, blocks, needs, pages_with, run, script_of

ELSEWHERE = {
    *("azure", "http", "s3"),  # tests/remote/test_how_to.py
    *("clients", "gcs"),  # tests/clients/test_how_to.py
    "icechunk",  # tests/clients/test_stores_of_clients.py
}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", pages_with(None), ids=name_of)
def test_examples_print_what_the_page_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(page)


@pytest.mark.parametrize("page", pages_with("program"), ids=name_of)
def test_programs_run(page: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(script_of(page), encoding="utf-8")
    subprocess.run([sys.executable, program], cwd=tmp_path, check=True, timeout=120)


def test_pages_that_need_more_are_run_elsewhere() -> None:
    assert {need for page in PAGES if (need := needs(page))} == {*ELSEWHERE, "program"}


def test_every_how_to_has_an_example_and_is_in_the_list() -> None:
    listed = (ROOT / "docs" / "how-to" / "index.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs" / "how-to").glob("[!i]*.md"):
        assert any(blocks(page)), page
        assert f"({page.name})" in listed, page


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_make_targets_that_a_page_names_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))

    assert named <= targets


def test_there_is_something_to_run() -> None:
    counts = {page.name: sum(1 for _ in blocks(page)) for page in PAGES}

    assert counts["README.md"] >= 1
    assert counts["tutorial.md"] >= 40


LINKS = re.compile(r"\]\((?!https?://|#)([^)#]+)")


def test_page_of_the_package_index_has_no_link_to_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, name in (("metadata", "MetadataHook"), ("builders.hooks", "BuildHook")):
        interface = ModuleType(f"hatchling.{kind}.plugin.interface")
        setattr(interface, f"{name}Interface", object)
        monkeypatch.setitem(sys.modules, interface.__name__, interface)
    index_page = runpy.run_path(str(ROOT / "hatch_build.py"))["index_page"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    page = index_page(readme)

    assert LINKS.findall(readme)
    assert LINKS.findall(page) == []
    assert "tutorial (`docs/tutorial.md`)" in page


def test_source_distribution_has_what_the_readme_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    named = {f"/{target.partition('/')[0]}" for target in LINKS.findall(readme)}

    assert named | {"/Makefile", "/scripts", "/demo", "/benchmarks", "/hatch_build.py"} <= {
        *included
    }
    assert all((ROOT / entry.lstrip("/")).exists() for entry in included)


def test_extra_all_has_every_extra_that_installs_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    (everything,) = extras["all"]

    named = everything.removeprefix("zarr[").removesuffix("]").split(",")

    assert sorted(named) == sorted(set(extras) - {"all", "berkeleydb", "testing"})


def test_page_of_the_installation_has_every_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")

    listed = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)

    assert sorted(listed) == sorted(project["optional-dependencies"])


RECORD = re.compile(r"^## (?P<title>[^\n]*)\n(?P<body>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
RECORD_TITLE = re.compile(r"(?P<number>\d+)\. 20\d\d-[01]\d-[0-3]\d: .")
OVERTURNED = re.compile(r"\(overturned (?:in part )?by (\d+)(?: and (\d+))?\)$")
LABELS = ("Context", "Decision", "Consequence")


def faults_of_records(text: str) -> list[str]:
    """Return the headings of decisions that have not the form of a record, each with the reason."""
    records = [(match["title"], match["body"]) for match in RECORD.finditer(text)]
    faults = []
    for number, (title, body) in enumerate(records, 1):
        parsed = RECORD_TITLE.match(title)
        if not parsed or int(parsed["number"]) != number:
            faults.append(f"{title}: expected the number {number} and a date")
        overturned = OVERTURNED.search(title)
        if overturned and any(int(by) > len(records) for by in overturned.groups() if by):
            faults.append(f"{title}: there is no record of that number")
        labels = ("Status", *LABELS) if overturned else LABELS
        if tuple(re.findall(r"^\*\*(\w+)\.\*\* ", body, re.MULTILINE)) != labels:
            faults.append(f"{title}: expected paragraphs for {', '.join(labels)}")
    return faults


def test_decisions_have_the_form_of_records() -> None:
    text = (ROOT / "docs" / "design" / "decisions.md").read_text(encoding="utf-8")

    assert text.count("\n## ") > 90
    assert faults_of_records(text) == []


def test_records_of_another_form_are_found() -> None:
    paragraphs = "**Context.** A.\n\n**Decision.** B.\n\n**Consequence.** C.\n"
    text = f"## 1. 2026-11-20: A\n\n{paragraphs}\n## 3. B (overturned by 9)\n\n{paragraphs}"

    assert faults_of_records(text) == [
        "3. B (overturned by 9): expected the number 2 and a date",
        "3. B (overturned by 9): there is no record of that number",
        "3. B (overturned by 9): expected paragraphs for Status, Context, Decision, Consequence",
    ]


TEST = re.compile(r"`([\w/.]*)::(test_\w+)`")
OUTCOME = re.compile(r"\| (fixed|decided|kept|open|no fault)\b")


def rows_of_faults() -> list[str]:
    page = (ROOT / "docs" / "design" / "faults.md").read_text(encoding="utf-8")
    heads = ("| no.", "| mistake ", "| what ", "| what was ", "|---")
    return [
        line for line in page.splitlines() if line.startswith("|") and not line.startswith(heads)
    ]


def test_tests_that_hold_a_fault_exist() -> None:
    named: list[tuple[str, str]] = []
    for row in rows_of_faults():
        file = ""
        for match in TEST.finditer(row):
            file = match[1] or file  # a name alone is of the file before
            named.append((file, match[2]))
    places = {file: ROOT / ("" if file.startswith("src/") else "tests") / file for file, _ in named}
    sources = {file: path.read_text(encoding="utf-8") for file, path in places.items()}

    absent = [(file, name) for file, name in named if f"def {name}(" not in sources[file]]

    assert absent == []
    assert len(named) > 200


def test_each_fault_has_an_outcome_and_a_test_or_a_reason() -> None:
    rows = rows_of_faults()
    assert len(rows) > 150
    for row in rows:
        assert OUTCOME.search(row), row
        assert TEST.search(row) or "| none: " in row, row
