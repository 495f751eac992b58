"""The entry point of the ``zarr`` command.

It is a package of its own because importing any part of `zarr` imports NumPy: help, the version
and the completion of names answer without it. The commands themselves are in `zarr.cli`.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

__all__ = ["COMMANDS", "help_text", "main"]

COMMANDS = {
    "attrs": "Show or change attributes.",
    "check": "Look for damage, and mend what can be mended.",
    "consolidate": "Put copies of all metadata into one document.",
    "convert": "Convert to format 2 or 3.",
    "cp": "Copy an array, a group or a whole store.",
    "diff": "Compare two arrays or groups.",
    "digest": "Print a digest of the data.",
    "doctor": "Show versions, settings, and what opening a location does.",
    "dump": "Print values.",
    "explain": "Tell what reading a selection costs.",
    "export": "Write an .h5, .npy, .npz or .zip file.",
    "import": "Read an HDF5, NetCDF 4, .npy or .npz file.",
    "info": "Show what the metadata of an array or group say.",
    "ls": "List the members of a group.",
    "mv": "Move an array or group.",
    "recover": "Complete or undo an interrupted transaction.",
    "repair": "Mend what a check finds.",
    "rm": "Delete arrays, groups or stores.",
    "seal": "Store digests with which every read is verified.",
    "snapshot": "Keep earlier states of a store in a directory.",
    "stat": "Count chunks and stored bytes; find the range of values.",
    "tree": "Draw a hierarchy.",
    "vacuum": "Delete what writers have left.",
}
"""The commands and what `zarr --help` says of each."""

_ABOUT = """\
Usage: zarr COMMAND [OPTIONS] ARGUMENTS

  Look at, copy, change and check arrays in Zarr stores.

  A LOCATION is the path or the URL of a store, followed by the path inside
  it: data.zarr/ocean/temp, archive.zip/temp, s3://bucket/data.zarr/temp.

  Exit status: 0 if all is well, 1 if the answer is no (nothing there,
  different, damage found), 2 if something failed.

Options:
  --version  Show the version and exit.
  --help     Show this message and exit.

Commands:
"""

_MISSING = "zarr: the command needs the package click; install it with: pip install 'zarr[cli]'"


def help_text() -> str:
    """Return what ``zarr --help`` prints."""
    width = max(map(len, COMMANDS))
    return _ABOUT + "".join(f"  {name:<{width}}  {text}\n" for name, text in COMMANDS.items())


def main() -> int:
    """Run the command with the arguments of this process; return the exit status."""
    if find_spec("click") is None:
        sys.stderr.write(f"{_MISSING}\n")
        return 2
    if sys.argv[1:] in ([], ["--help"]) and "_ZARR_COMPLETE" not in os.environ:
        sys.stdout.write(help_text())
        return 0
    from _zarr_command.group import zarr

    zarr.main(prog_name="zarr")
    return 0  # not reached: click exits
