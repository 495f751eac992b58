"""Write docs/reference/command-line.md from the help of the `zarr` command and a session with it.

A test fails where the page differs. Run this after a change of a command.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "command-line.md"

ABOUT = """\
# Command line

<!-- Written by scripts/command_line_page.py. -->

The command `zarr` looks at, copies, converts, repairs and deletes arrays and groups in any store.
It comes with the extra `cli`:

```sh
pip install 'zarr[cli]'
```

`python -m zarr` is the same command. Each command is a thin layer over the function of the same
name, so that whatever it does can be done in Python, too.

## A session

{session}

## Locations

A location is the path or the URL of a store, followed by the path inside it:

| location | store | path |
|---|---|---|
| `data.zarr/ocean/temp` | the folder `data.zarr` | `/ocean/temp` |
| `archive.zip/temp` | the ZIP archive | `/temp` |
| `data.sqlite/temp`, `data.lmdb/temp`, `data.n5/temp` | a database, an N5 container | `/temp` |
| `model.h5/ocean/temp` | an HDF5 or NetCDF 4 file | `/ocean/temp` |
| `s3://bucket/data.zarr/temp` | `s3://bucket/data.zarr` | `/temp` |

Where the store ends is found like this:

1. In a URL, the store ends with the first part that ends with `.zarr`, `.zip` or `.n5`. Without
   such a part, all of the URL is the store. Consolidated metadata are used where there are any.
2. In a local path, the first part that is a file is the store; its kind is seen from its first
   bytes, not from its name. So is the first part that is a folder with an LMDB database or an
   N5 container.
3. Otherwise the store is the outermost of the arrays and groups around the location, if each
   folder between them is one, too.
4. Where there is nothing yet, the store ends with the first part that ends with `.zarr`, `.zip`,
   `.n5`, `.sqlite`, `.sqlite3`, `.db`, `.lmdb`, `.dbm`, `.h5`, `.hdf5` or `.nc`. Without such a
   part, all of the path is the store, a folder.

`zarr doctor LOCATION` tells what a location is taken for, and what opening it does, step by step.

## Selections

`zarr dump` and `zarr export` accept a selection, written as in NumPy, `'[0, :10]'`, with or
without the brackets; or by the names of dimensions, `'time=0, lat=:10'`. Lists of integers select
rows and columns: `'[[0, 5], :]'`. Quote selections: brackets have a meaning in the shell.

## Exit status

| status | meaning |
|---|---|
| 0 | done; nothing found; the same |
| 1 | nothing at the location, no such attribute, errors found, different, or you said no |
| 2 | something failed; standard error says what, and `--debug` shows the traceback |

Nothing at the location is 1 for the commands that only look: `info`, `ls`, `tree`, `dump`,
`attrs` and `stat`. It is 2 for all others.

## Output

Text is for people, `--json` for programs: one document on the standard output. Questions,
progress and messages go to the standard error. A progress bar is drawn on a terminal only.

## Completion

Commands and options are completed by the shell after one of these lines in its start-up file:

```sh
eval "$(_ZARR_COMPLETE=bash_source zarr)"      # ~/.bashrc
eval "$(_ZARR_COMPLETE=zsh_source zarr)"       # ~/.zshrc
_ZARR_COMPLETE=fish_source zarr | source       # ~/.config/fish/completions/zarr.fish
```

## Commands

```text
{help}```
"""

SESSION = """
python -c "import numpy; numpy.save('temp.npy', numpy.arange(24.0).reshape(4, 6))"
zarr import temp.npy data.zarr/ocean/temp --chunks 2,3
zarr attrs data.zarr/ocean/temp set units=K '_ARRAY_DIMENSIONS=["time", "lat"]'
zarr tree data.zarr
zarr info data.zarr/ocean/temp
zarr dump data.zarr/ocean/temp 'time=0, lat=:3'
zarr digest data.zarr
zarr convert data.zarr --to 3
zarr digest data.zarr
zarr check data.zarr
zarr info data.zarr/ocean/salt
zarr rm data.zarr/ocean --recursive --dry-run
"""


def record(commands: str) -> str:
    """Return what a terminal shows of `commands`, run one after the other in a new folder."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUTF8": "1"}
    # The names in the session mean this Python and this command.
    with tempfile.TemporaryDirectory() as folder:
        start = f'python() {{ "{sys.executable}" "$@"; }}; zarr() {{ python -m zarr "$@"; }}\n'
        shown = []
        for command in commands.strip().splitlines():
            done = subprocess.run(
                ["bash", "-c", start + command],
                cwd=folder, env=environment, text=True, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, encoding="utf-8",
            )  # fmt: skip
            shown.append(f"$ {command}\n{done.stdout.replace(folder, '.')}")
    return f"```console\n{''.join(shown)}```"


def recorded() -> str:
    """Return the session that the page has."""
    _, start, rest = PAGE.read_text(encoding="utf-8").partition("```console")
    return start + rest.partition("\n```")[0] + "\n```"


def render(session: str) -> str:
    """Return the page."""
    import click

    from _zarr_command import COMMANDS, help_text
    from _zarr_command.group import zarr

    parts = [ABOUT.format(session=session, help=help_text())]
    for name in COMMANDS:
        command = zarr.get_command(click.Context(zarr), name)
        assert command is not None
        above = click.Context(zarr, info_name="zarr")
        context = click.Context(command, above, name, terminal_width=80, color=False)
        parts.append(f"### zarr {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "src"))
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(render(record(SESSION)), encoding="utf-8")
