"""The group of all commands, each of which is imported when it is used."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version

import click
import click.shell_completion

from _zarr_command import COMMANDS, help_text

__all__ = ["zarr"]

_MODULES = {"import": "import_"}
"""Modules whose names differ from that of the command, which is a keyword of Python."""


class _LazyGroup(click.Group):
    """A group that imports a command when it is used or when its own help is shown."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"zarr.cli.{_MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = module.command
        return command

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        # The inherited method would import every command to know its help.
        items = [
            click.shell_completion.CompletionItem(name, help=text)
            for name, text in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return items + click.Command.shell_complete(self, ctx, incomplete)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(help_text())


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"zarr {version('zarr')}")
        ctx.exit()


@click.group(cls=_LazyGroup)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version)
def zarr() -> None:
    """Look at, copy, change and check arrays in Zarr stores."""
