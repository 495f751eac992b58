"""Runs the steps of a program and prints what became of each, as JSON."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import zarr


def run(steps: Sequence[Callable[[Path, Any], None]], settings: Sequence[Any]) -> None:
    """Call each step with a new folder and each setting; print 'passed' or the error by name."""
    warnings.simplefilter("ignore")
    outcomes = {"zarr": f"{zarr.__version__} {zarr.__file__}"}
    for setting in settings:
        for step in steps:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    step(Path(folder), setting)
                    outcome = "passed"
                except Exception as error:  # noqa: BLE001  an outcome is what it came to
                    outcome = f"{type(error).__name__}: {error!s:.300}"
            outcomes[f"{step.__name__}[{setting}]"] = outcome
    print("\n" + json.dumps(outcomes))
