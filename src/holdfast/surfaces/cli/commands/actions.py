"""`holdfast actions`: the work that incidents have left, and whether it is done."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from holdfast.surfaces.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption

actions = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
)

IncidentOption = Annotated[
    str, typer.Option("--incident", help="Of one incident: its id, a part of it, or `last`.")
]


@actions.callback()
def listed(
    ctx: typer.Context,
    incident: IncidentOption = "",
    open_only: Annotated[bool, typer.Option("--open", help="Leave out what is done.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List what incidents have left to do: owner or `unassigned`, due date, status, closing check.

    What is open after its day is marked `overdue`.
    """
    if ctx.invoked_subcommand is not None:
        ctx.default_map = {ctx.invoked_subcommand: {"config": str(config), "incident": incident}}
        return
    import sys

    from holdfast.surfaces.cli.action_list import list_items

    if not list_items(sys.stdout, config, incident, open_only=open_only, as_json=as_json):
        raise typer.Exit(1)


@actions.command()
def check(
    incident: IncidentOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Ask the closing checks again: the rule in force, the version that serves, the branch.

    Each holds, does not hold, or cannot be asked by a machine. Exit code 1: one does not hold, or
    an item is overdue.
    """
    import sys

    from holdfast.surfaces.cli.item_checking import run_checks

    if code := run_checks(sys.stdout, config, incident, as_json=as_json):
        raise typer.Exit(code)


@actions.command()
def close(
    item: Annotated[str, typer.Argument(help="An item's id, or a unique part of it.")],
    note: Annotated[str, typer.Option("--note", help="What shows that it is done.")],
    by: Annotated[str, typer.Option("--by", help="Who you are. [default: your login]")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Put on record that an action item is done: who says so, and what shows it."""
    from holdfast.surfaces.cli.action_list import close_item

    typer.echo(close_item(config, item, by or getpass.getuser(), note))
