"""Environments for the other Zarr libraries, each of its own, under ``.peers/``.

The interoperability tests and the benchmark run the peers as black boxes in subprocesses.
This module creates their environments, once; git ignores the folder.

    python tests/interop/peers.py            # create all, print their interpreters
    python tests/interop/peers.py zarr2      # only one

``ZARR_PEERS`` in the environment names another folder.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import fasteners

__all__ = [
    "OURS",
    "PEERS",
    "ROOT",
    "MissingPythonError",
    "Peer",
    "environment",
    "install_beside",
    "interpreter",
    "peers_folder",
    "python_for",
]

ROOT = Path(__file__).resolve().parents[2]
OURS = "ours"

# The oldest peer has no wheels for later Pythons; with uv an older one is at hand.
NEWEST_PYTHON = (3, 13)


class MissingPythonError(RuntimeError):
    """No Python on this machine is new enough for a peer."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One library in one environment.

    Attributes
    ----------
    name : str
        Name of its folder.
    title : str
        Name for people.
    requirements : tuple of str
        What pip installs.
    oldest_python : tuple of int
        The first Python it has a release for.
    """

    name: str
    title: str
    requirements: tuple[str, ...]
    oldest_python: tuple[int, int] = (3, 11)


PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            "zarr2",
            "zarr-python 2.18.7",
            ("zarr==2.18.7", "numcodecs<0.16", "msgpack", "fsspec"),
        ),
        Peer("zarr3", "zarr-python 3.1.6", ("zarr==3.1.6",)),
        Peer("zarrs", "zarrs-python 0.2.3", ("zarrs==0.2.3", "zarr==3.1.6")),
        Peer("tensorstore", "tensorstore 0.1.86", ("tensorstore==0.1.86",)),
        # What else writes Zarr, through interfaces of its own.
        Peer(
            "writers",
            "other writers",
            (
                "acquire-zarr==0.10.0",
                "netCDF4==1.7.5.1.post1",
                "rasterio==1.4.4",
                "numpy>=2",
            ),
        ),
        Peer(
            "schemas",
            "writers on top of zarr-python",
            ("zarr==3.1.6", "xarray==2026.9.0", "anndata==0.12.19"),
        ),
        # For the benchmark alone.
        Peer("newest", "zarr-python 3.4.2", ("zarr==3.4.2",), (3, 12)),
        Peer(
            "newest_zarrs",
            "zarrs 0.2.3 in zarr-python 3.4.2",
            ("zarr==3.4.2", "zarrs==0.2.3"),
            (3, 12),
        ),
        Peer("h5py", "h5py 3.16.0", ("h5py==3.16.0", "hdf5plugin>=5")),
    )
}


def peers_folder() -> Path:
    """Return the folder of all environments, created and ignored by git."""
    folder = Path(os.environ.get("ZARR_PEERS") or ROOT / ".peers")
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    return folder


def interpreter(name: str) -> Path:
    """Return the Python of a peer's environment, creating the environment if need be.

    Parameters
    ----------
    name : str
        A key of `PEERS`.

    Raises
    ------
    MissingPythonError
        If there is no Python for it.
    RuntimeError
        If the environment cannot be created; the message holds the installer's output.
    """
    return environment(PEERS[name])


def python_for(library: str) -> tuple[str, dict[str, str]]:
    """Return the Python to run `library` with, and the variables of its environment.

    Parameters
    ----------
    library : str
        A key of `PEERS`, or `OURS` for the package of this tree.
    """
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if library == OURS:
        return sys.executable, variables | {"PYTHONPATH": str(ROOT / "src")}
    return str(interpreter(library)), variables


def environment(peer: Peer) -> Path:
    """Return the Python of an environment, creating the environment if need be.

    Parameters
    ----------
    peer : Peer
        What is to be in it.

    Raises
    ------
    RuntimeError
        If the environment cannot be created; the message holds the installer's output.
    """
    folder = peers_folder() / peer.name
    with fasteners.InterProcessLock(f"{folder}.lock"):
        if not _is_current(folder, peer):
            _create(folder, peer)
    return _python_of(folder)


def install_beside(
    python: Path, folder: Path, *requirements: str, generation: Literal[2, 3] = 3
) -> None:
    """Install packages, without what they need, into a folder for ``PYTHONPATH``.

    This package gets the version for clients of the 2.x library with ``generation=2``.
    """
    options = ["--quiet", "--no-deps", "--target", str(folder), *requirements]
    if shutil.which("uv"):
        _install(["uv", "pip", "install", "--python", str(python), *options], generation)
    else:
        pip = [sys.executable, "-m", "pip", "--python", str(python)]
        _install([*pip, "install", *options], generation)


def npm_folder(name: str, packages: Sequence[str], program: Path) -> Path:
    """Return a folder with packages of npm, installed once, and a program that imports them."""
    folder = peers_folder() / name
    folder.mkdir(exist_ok=True)
    done = folder / "installed.json"
    with fasteners.InterProcessLock(folder / "lock"):
        if not done.exists() or json.loads(done.read_text()) != list(packages):
            (folder / "package.json").write_text('{"private": true, "type": "module"}')
            npm = shutil.which("npm")
            assert npm, f"npm is needed to install {', '.join(packages)}"
            command = [npm, "install", "--no-audit", "--no-fund", *packages]
            subprocess.run(command, cwd=folder, check=True, timeout=300, capture_output=True)
            done.write_text(json.dumps(list(packages)))
        # Node looks for packages beside the program that imports them.
        shutil.copyfile(program, folder / program.name)
    return folder


def _python_of(environment: Path) -> Path:
    windows = environment / "Scripts" / "python.exe"
    return windows if os.name == "nt" else environment / "bin" / "python"


def _base_python(peer: Peer) -> str:
    """Return the path of a Python that `peer` has a release for, or a version for uv to get."""
    own = os.path.realpath(sys.executable)  # the same in every environment made from it
    if peer.oldest_python <= sys.version_info[:2] <= NEWEST_PYTHON:
        return own
    for minor in range(peer.oldest_python[1], NEWEST_PYTHON[1] + 1):
        found = _found_python(minor)
        if found:
            return found
    if shutil.which("uv"):
        return ".".join(map(str, NEWEST_PYTHON))
    if peer.oldest_python <= sys.version_info[:2]:
        return own
    oldest = ".".join(map(str, peer.oldest_python))
    raise MissingPythonError(f"{peer.title} needs Python {oldest} or later")


def _found_python(minor: int) -> str:
    """Return the path of a Python 3 on the path, or installed beside this one."""
    beside = Path(sys.base_prefix).parent.glob(f"3.{minor}.*/bin/python3")
    for candidate in (f"python3.{minor}", *map(str, beside)):
        try:  # a name on the path may be a stub for a Python that is not there
            done = subprocess.run([candidate, "-c", "import sys; print(sys.executable)"],
                                  capture_output=True, text=True, check=True)  # fmt: skip
        except (OSError, subprocess.CalledProcessError):
            continue
        return done.stdout.strip()
    return ""


def _state(peer: Peer) -> dict[str, object]:
    return {"requirements": list(peer.requirements), "python": _base_python(peer)}


def _is_current(environment: Path, peer: Peer) -> bool:
    try:
        state = json.loads((environment / "installed.json").read_text())
    except (FileNotFoundError, ValueError):
        return False
    return bool(state == _state(peer)) and _python_of(environment).exists()


def _create(environment: Path, peer: Peer) -> None:
    shutil.rmtree(environment, ignore_errors=True)
    python = str(_python_of(environment))
    if shutil.which("uv"):
        try:
            _install(["uv", "venv", "--quiet", "--python", _base_python(peer), str(environment)])
        except RuntimeError as error:
            raise MissingPythonError(f"{peer.title} has no Python: {error}") from error
        _install(["uv", "pip", "install", "--quiet", "--python", python, *peer.requirements])
    else:
        _install([_base_python(peer), "-m", "venv", str(environment)])
        _install([python, "-m", "pip", "install", "--quiet", *peer.requirements])
    # Written last: an environment that was interrupted half way is made anew.
    (environment / "installed.json").write_text(json.dumps(_state(peer)))


def _install(command: list[str], generation: Literal[2, 3] = 3) -> None:
    environ = os.environ | {"ZARR_BUILD_FOR": str(generation)}
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=900, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def main() -> None:
    """Create the environments named on the command line, all by default."""
    parser = argparse.ArgumentParser(description="Create the peers' environments.")
    parser.add_argument("names", nargs="*", metavar="peer", help=", ".join(PEERS))
    names = parser.parse_args().names
    unknown = sorted(set(names) - set(PEERS))
    if unknown:
        parser.error(f"unknown peer {unknown[0]!r}; there are {', '.join(PEERS)}")
    for name in names or PEERS:
        print(f"{PEERS[name].title}: {interpreter(name)}")


if __name__ == "__main__":
    main()
