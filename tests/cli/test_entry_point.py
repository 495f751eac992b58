"""The entry point: help, version, completion, a missing extra, and what all that imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from _zarr_command import COMMANDS, help_text
from tests.cli.command import environment, run, run_many

click = pytest.importorskip("click")

SCRIPT = """
import atexit, json, sys
from _zarr_command import main
atexit.register(lambda: sys.stderr.write(json.dumps(sorted(sys.modules))))
sys.argv = ["zarr", *{arguments!r}]
main()
"""


def modules_after(*arguments: str, **changes: str) -> tuple[set[str], str]:
    """Return which modules are imported when the command ends, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(arguments=arguments)],
        env=environment(**changes), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return set(json.loads(done.stderr)), done.stdout


def test_help_imports_neither_numpy_nor_the_package_nor_click() -> None:
    modules, out = modules_after("--help")

    assert {"numpy", "zarr", "click", "rich", "asyncio"} & modules == set()
    assert out == help_text()


def test_version_and_completion_of_names_import_no_numpy() -> None:
    versions, out = modules_after("--version")
    completion = {"_ZARR_COMPLETE": "bash_complete", "COMP_WORDS": "zarr c", "COMP_CWORD": "1"}
    completions, names = modules_after(**completion)

    assert {"numpy", "zarr"} & (versions | completions) == set()
    assert out.startswith("zarr ")
    assert [line.partition(",")[2] for line in names.split()] == [
        name for name in COMMANDS if name.startswith("c")
    ]


def test_options_of_a_command_are_completed(tmp_path: Path) -> None:
    words = {"COMP_WORDS": "zarr ls --l", "COMP_CWORD": "2"}

    done = run(tmp_path, _ZARR_COMPLETE="bash_complete", **words)

    assert done.out.split() == ["plain,--long"]


def test_every_command_has_a_module_and_a_help_that_agrees_with_the_list(tmp_path: Path) -> None:
    results = run_many(tmp_path, *([name, "--help"] for name in COMMANDS))

    for name, result in zip(COMMANDS, results, strict=True):
        assert (result.status, result.err) == (0, "")
        assert result.out.startswith(f"Usage: zarr {name} ")
        assert "--json" in result.out
        assert "--debug" in result.out
    modules = Path(__file__).parents[2].glob("src/zarr/cli/[a-z]*.py")
    assert {path.stem.rstrip("_") for path in modules} == set(COMMANDS)


def test_without_click_the_command_says_how_to_install_it() -> None:
    script = (
        "import sys; sys.modules['click'] = None; sys.argv = ['zarr', 'ls', 'x']\n"
        "from _zarr_command import main; sys.exit(main())"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(), capture_output=True, text=True, timeout=120,
    )  # fmt: skip

    assert done.returncode == 2
    assert done.stderr == (
        "zarr: the command needs the package click; install it with: pip install 'zarr[cli]'\n"
    )


def test_module_and_no_arguments_and_unknown_commands(tmp_path: Path) -> None:
    shown = run(tmp_path)
    unknown = run(tmp_path, "no-such-command")

    assert (shown.status, shown.out, shown.err) == (0, help_text(), "")
    assert unknown.status == 2
    assert "No such command 'no-such-command'" in unknown.err
