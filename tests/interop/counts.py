"""The counts of the interoperability tests, printed at the end of the run."""

from __future__ import annotations

from collections import Counter

import pytest

FILES = (
    "test_interop.py",
    "test_n5_interop.py",
    "test_v3_interop.py",
    "test_v3_zarrita.py",
    "test_converted.py",
)
V3_PEERS = ("zarr3", "tensorstore", "zarrs")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many cases passed in each direction."""
    counts: dict[str, Counter[str]] = {}
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.getreports(outcome):
            name = _counted_as(report.nodeid)
            if name and (outcome != "passed" or report.when == "call"):
                counts.setdefault(name, Counter())[outcome] += 1
    if counts:
        terminalreporter.section("interoperability")
    for name, counter in counts.items():
        bad = counter["failed"] + counter["error"]
        terminalreporter.write_line(f"{counter['passed']:5} passed {bad:5} failed   {name}")


def _counted_as(nodeid: str) -> str:
    """Return under which name a test is counted, '' if it is not."""
    path, _, test = nodeid.partition("::")
    file = path.rpartition("interop/")[2]
    if file not in FILES:
        return ""
    name, _, case = test.partition("[")
    name = name.removeprefix("test_").replace("_", " ")
    if file == FILES[0]:
        return name
    peer = case.partition("-")[0]
    version = file.removeprefix("test_").removesuffix(".py").partition("_")[0]
    return f"{version}: {name}, {peer}" if peer in V3_PEERS else f"{version}: {name}"
