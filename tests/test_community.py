"""The pages for contributors name what exists, and the forms are complete."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ["CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "SECURITY.md", ".github/PULL_REQUEST_TEMPLATE.md"]
FORMS = ROOT / ".github" / "ISSUE_TEMPLATE"

# The source distribution leaves out what only the site of a repository shows.
in_repository = pytest.mark.skipif(not FORMS.exists(), reason="no repository")
existing_pages = [ROOT / name for name in PAGES if (ROOT / name).exists()]


@pytest.mark.parametrize("page", existing_pages, ids=lambda page: page.name)
def test_page_names_files_and_targets_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    links = re.findall(r"\]\((?!https?://)([^)#]+)", text)
    paths = re.findall(r"`((?:src|tests|docs|scripts|demo|benchmarks)/[\w./-]*)`", text)
    named = re.findall(r"(?:^|`)make ((?:[a-z-]+ ?)+)", text, re.MULTILINE)

    assert [path for path in (*links, *paths) if not (ROOT / path).exists()] == []
    assert {target for line in named for target in line.split()} <= targets


def test_contributing_names_every_mark_and_group_of_tests() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    marks = [
        line.partition(":")[0] for line in settings["tool"]["pytest"]["ini_options"]["markers"]
    ]

    assert [mark for mark in marks if f"`{mark}`" not in text] == []


@in_repository
@pytest.mark.parametrize("name", ["bug_report", "feature_request", "documentation"])
def test_issue_form_is_complete(name: str) -> None:
    yaml = pytest.importorskip("yaml")
    form: dict[str, Any] = yaml.safe_load((FORMS / f"{name}.yml").read_text(encoding="utf-8"))

    fields = [element for element in form["body"] if element["type"] != "markdown"]
    ids = [field["id"] for field in fields]
    assert form["name"] and form["description"]
    assert len(set(ids)) == len(ids)
    assert all(field["attributes"].get("label") for field in fields)
    assert {field["type"] for field in fields} <= {"input", "textarea", "checkboxes", "dropdown"}


@in_repository
def test_pull_request_asks_for_tests_documentation_and_changelog() -> None:
    text = (ROOT / ".github/PULL_REQUEST_TEMPLATE.md").read_text(encoding="utf-8")

    tasks = re.findall(r"^- \[ \] (.+)$", text, re.MULTILINE)
    assert len(tasks) >= 6
    for word in ("tests", "Docstrings", "docs/", "CHANGELOG.md", "make check", "covered"):
        assert any(word in task for task in tasks), word
