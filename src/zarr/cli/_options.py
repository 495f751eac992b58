"""What all commands share: options, questions, and how failures are told."""

from __future__ import annotations

import functools
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

import zarr
from zarr.errors import PathNotFoundError, ZarrError

__all__ = [
    "age_option", "as_json", "confirm", "dry_run", "if_exists", "yes", "zarr_command",
]  # fmt: skip

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
dry_run = click.option("--dry-run", is_flag=True, help="Only say what would happen.")
yes = click.option("--yes", is_flag=True, help="Do not ask before something is deleted.")
age_option = click.option(
    "--age",
    type=click.FloatRange(min=0),
    default=3600,
    show_default=True,
    help="Spare what was stored in the last so many seconds.",
)
if_exists = click.option(
    "--if-exists",
    type=click.Choice(["raise", "replace", "skip"]),
    default="raise",
    show_default=True,
    help="What to do with what exists at the destination; 'skip' completes an interrupted copy.",
)

Function = Callable[..., int | None]


def zarr_command(
    name: str, *, absence_is_an_answer: bool = False, options: bool = True
) -> Callable[[Function], click.Command]:
    """Return a decorator that makes a command of a function, with the common options.

    Parameters
    ----------
    name : str
    absence_is_an_answer : bool, default False
        Whether the exit status is 1, not 2, if there is nothing at the location.
    options : bool, default True
        Whether it opens stores, and so has ``--storage-option`` and ``--workers``. The function
        gets the storage options as `storage_options`.
    """

    def decorate(function: Function) -> click.Command:
        @functools.wraps(function)
        def run(*, debug: bool, workers: int | None = None, **kwargs: Any) -> None:
            settings = {} if workers is None else {"workers": workers}
            with _failures_told(debug, absence_is_an_answer), zarr.config.set(**settings):
                status = function(**kwargs)
            if status:
                click.get_current_context().exit(status)

        decorated: Any = run
        for option in _COMMON if options else _COMMON[:1]:
            decorated = option(decorated)
        return click.command(name, context_settings={"max_content_width": 80})(decorated)

    return decorate


def _parse_options(
    ctx: click.Context, parameter: click.Parameter, pairs: Sequence[str]
) -> dict[str, Any]:
    """Return what pairs such as ``anon=true`` say; values are JSON where they can be."""
    options: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"{pair!r} is not KEY=VALUE", ctx, parameter)
        try:
            options[key] = json.loads(value)
        except json.JSONDecodeError:
            options[key] = value
    return options


_COMMON = (
    click.option("--debug", is_flag=True, help="Show the traceback of an error."),
    click.option(
        "--workers", type=click.IntRange(min=1), help="Threads that fetch and decode chunks."
    ),
    click.option(
        "--storage-option",
        "storage_options",
        metavar="KEY=VALUE",
        multiple=True,
        callback=_parse_options,
        help="For a URL, such as anon=true; the value may be JSON. Can be repeated.",
    ),
)


@contextmanager
def _failures_told(debug: bool, absence_is_an_answer: bool) -> Iterator[None]:
    """Turn exceptions into a line and an exit status, and warnings into lines."""
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        if not sys.warnoptions:
            warnings.simplefilter("default")
            warnings.simplefilter("ignore", DeprecationWarning)
        try:
            yield
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if debug:
                raise
            click.echo(f"zarr: {_told(error)}", err=True)
            absent = absence_is_an_answer and isinstance(error, PathNotFoundError)
            raise click.exceptions.Exit(1 if absent else 2) from error


def _told(error: Exception) -> str:
    """Return what is said of an error; its class, too, where it is none that is expected."""
    text = str(error)
    if isinstance(error, (ZarrError, OSError, ValueError, ImportError)):
        return text or type(error).__name__
    return f"{type(error).__name__}: {text} (--debug shows where)"


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    click.echo(f"zarr: warning: {message}", err=True)


def confirm(question: str, yes: bool) -> None:
    """Ask a question on the terminal; end the command with 1 unless the answer is yes."""
    if not yes and not click.confirm(question, err=True):
        click.echo("Nothing was changed; --yes answers this question.", err=True)
        click.get_current_context().exit(1)
