"""The counts of the interoperability tests, printed at the end of the run."""

from __future__ import annotations

from collections import Counter

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many cases passed in each direction."""
    counts: dict[str, Counter[str]] = {}
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.getreports(outcome):
            path, _, test = report.nodeid.partition("::")
            if path.endswith("interop/test_interop.py"):
                name = test.partition("[")[0].removeprefix("test_").replace("_", " ")
                counts.setdefault(name, Counter())[outcome] += 1
    if counts:
        terminalreporter.section("interoperability")
    for name, counter in counts.items():
        bad = counter["failed"] + counter["error"]
        terminalreporter.write_line(f"{counter['passed']:5} passed {bad:5} failed   {name}")
