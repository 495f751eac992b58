"""Settings and fixtures shared by all tests.

Hypothesis runs few cases on a developer's machine and many where ``CI`` is set; say
``HYPOTHESIS_PROFILE=ci`` or ``HYPOTHESIS_PROFILE=long`` to choose.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

_ALWAYS: dict[str, object] = {
    "deadline": None,  # no test depends on how fast the machine is
    "suppress_health_check": [
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
        # Two test classes may share tests by inheritance.
        HealthCheck.differing_executors,
    ],
    "print_blob": True,
}

settings.register_profile("quick", max_examples=30, **_ALWAYS)
settings.register_profile(
    "ci",
    max_examples=250,
    derandomize=True,  # a red build can be repeated
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    **_ALWAYS,
)
settings.register_profile("long", max_examples=20_000, **_ALWAYS)

_default = "ci" if os.environ.get("CI", "").lower() in ("1", "true", "yes") else "quick"
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", _default))


_PROGRAMS = ("7z", "chromium", "unzip", "zip")
"""What `scripts/system_packages.sh` installs, where there is apt."""

_PACKAGES = ("berkeleydb", "tensorstore")
"""What has no wheels for some machines."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None]:
    """Skip tests of servers that cannot be installed here; CI has them all."""
    try:
        return (yield)
    except RuntimeError as error:
        if _default == "ci" or type(error).__name__ != "MissingProgramError":
            raise
        pytest.skip(str(error))
    except ImportError as error:
        _skip_without_package(error)
        raise


def _skip_without_package(error: ImportError) -> None:
    missing = error.__cause__ if isinstance(error.__cause__, ImportError) else error
    if _default != "ci" and missing.name in _PACKAGES:
        pytest.skip(f"the package {missing.name} is not installed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    """Skip tests of programs and packages that this machine cannot have; CI has them all."""
    try:
        return (yield)
    except FileNotFoundError as error:
        if _default == "ci" or error.filename not in _PROGRAMS:
            raise
        pytest.skip(f"the program {error.filename} is not installed")
    except ImportError as error:
        _skip_without_package(error)
        raise


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Repeat a failed test of a server once in CI, where its servers share two cores with all."""
    for item in items:
        if _default == "ci" and item.get_closest_marker("remote"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Let threads take turns as often as possible."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One directory for all the cases of a property; each case makes its own inside."""
    return tmp_path_factory.mktemp("scratch")
