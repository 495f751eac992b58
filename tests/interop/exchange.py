"""Let two libraries read and change each other's data, each in its own process.

Every library writes all cases; every other library then reads them and changes copies of
some; at last the authors read what the others changed. One process per library and turn
does all of its work, from a list of steps in JSON, and answers in JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.interop import peers
from tests.interop.peers import OURS

__all__ = ["OURS", "PARTNERS", "READ_BY", "WRITTEN_BY", "Step", "run_exchange", "step_name"]

HERE = Path(__file__).resolve().parent
PARTNERS = ("zarr2", "tensorstore")

# Which property of a case tells whether a partner reads ours, and writes it.
READ_BY = {"zarr2": "read_by_zarr2", "tensorstore": "read_by_tensorstore"}
WRITTEN_BY = {"zarr2": "everywhere", "tensorstore": "written_by_tensorstore"}

SECONDS_PER_TURN = 300

Results = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """One action of one library on one folder, over all cases of a kind.

    Attributes
    ----------
    action : {'write', 'read', 'update', 'hierarchy', 'read_hierarchy'}
        What to do.
    cases : {'cases', 'updates'}
        Which table of `matrix`; the hierarchy actions have none.
    folder : str
        Name of the folder below the common root.
    only : str
        Which property a case must have to be among those.
    """

    action: str
    folder: str
    cases: str = "cases"
    only: str = "everywhere"


def step_name(library: str, action: str, folder: str) -> str:
    """Return the key of a step's results."""
    return f"{library} {action} {folder}"


def run_exchange(root: Path) -> Results:
    """Let everybody write, read and change; return what each found.

    Parameters
    ----------
    root : Path
        An empty folder. Afterwards it holds one folder of data per author, and one per
        author and changer, named ``author+changer``.

    Returns
    -------
    dict
        ``{step name: {case name: result}}``; a result is what the worker says of a case,
        or ``{'error': traceback}``.
    """
    results: Results = {}
    for turn in (_write_turn(), _read_turn(), _read_back_turn()):
        results.update(_run_turn(root, turn))
    return results


def _write_turn() -> dict[str, list[Step]]:
    turn = {OURS: [Step("write", OURS), Step("hierarchy", f"{OURS}-tree")]}
    for partner in PARTNERS:
        reads, writes = READ_BY[partner], WRITTEN_BY[partner]
        turn[OURS].append(Step("write", f"{OURS}+{partner}", "updates", reads))
        turn[partner] = [
            Step("write", partner, "cases", writes),
            Step("write", f"{partner}+{OURS}", "updates", writes),
        ]
    turn["zarr2"].append(Step("hierarchy", "zarr2-tree"))
    return turn


def _read_turn() -> dict[str, list[Step]]:
    turn: dict[str, list[Step]] = {OURS: [Step("read_hierarchy", "zarr2-tree")]}
    for partner in PARTNERS:
        reads, writes = READ_BY[partner], WRITTEN_BY[partner]
        turn[OURS] += [
            Step("read", partner, "cases", writes),
            Step("update", f"{partner}+{OURS}", "updates", writes),
        ]
        turn[partner] = [
            Step("read", OURS, "cases", reads),
            Step("update", f"{OURS}+{partner}", "updates", reads),
        ]
    turn["zarr2"].append(Step("read_hierarchy", f"{OURS}-tree"))
    return turn


def _read_back_turn() -> dict[str, list[Step]]:
    turn: dict[str, list[Step]] = {OURS: []}
    for partner in PARTNERS:
        reads, writes = READ_BY[partner], WRITTEN_BY[partner]
        turn[OURS].append(Step("read", f"{OURS}+{partner}", "updates", reads))
        turn[partner] = [Step("read", f"{partner}+{OURS}", "updates", writes)]
    return turn


def _run_turn(root: Path, turn: dict[str, list[Step]]) -> Results:
    running = {library: _start(library) for library in turn}
    results: Results = {}
    try:
        # Everybody gets the job before anybody is waited for, so that they run side by side.
        for library, process in running.items():
            job = {"root": str(root), "steps": [asdict(step) for step in turn[library]]}
            assert process.stdin is not None
            process.stdin.write(json.dumps(job))
            process.stdin.close()
            process.stdin = None
        for library, process in running.items():
            answers = _answers(library, process)
            for step, answer in zip(turn[library], answers, strict=True):
                results[step_name(library, step.action, step.folder)] = answer
    finally:
        for process in running.values():
            process.kill()
            process.wait()
    return results


def _answers(library: str, process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    out, err = process.communicate(timeout=SECONDS_PER_TURN)
    if process.returncode:
        raise RuntimeError(f"the worker of {library} ended with {process.returncode}:\n{err}")
    return list(json.loads(out))


def _start(library: str) -> subprocess.Popen[str]:
    # Another library may stand in for ours, to try the tests themselves.
    actual = os.environ.get("ZARR_INTEROP_STAND_IN", OURS) if library == OURS else library
    python, environment = peers.python_for(actual)
    kind = "tensorstore" if actual == "tensorstore" else "zarr"
    return subprocess.Popen(
        [python, str(HERE / f"{kind}_worker.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment, "NUMCODECS_ALLOW_UNSAFE_PICKLE_DECODE": "1"},
    )
