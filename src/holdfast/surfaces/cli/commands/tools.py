"""`holdfast tools`: what Holdfast asks and does, each by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.surfaces.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption

tools = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


@tools.callback()
def listed(
    ctx: typer.Context, config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False
) -> None:
    """List the tools: what each asks or does, whether it writes, and its arguments."""
    if ctx.invoked_subcommand is not None:
        ctx.default_map = {ctx.invoked_subcommand: {"config": str(config)}}
        return
    import sys

    from holdfast.surfaces.cli.calling import list_tools

    list_tools(sys.stdout, config, as_json=as_json)


@tools.command()
def call(
    name: Annotated[str, typer.Argument(help="The tool.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(help="NAME=VALUE each; lists and mappings are written as JSON."),
    ] = None,
    approve: Annotated[
        str,
        typer.Option("--approve", help="Your name: approve it, where the policy asks a person."),
    ] = "",
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Call a tool and print its evidence.

    What writes goes through the guard: the policy lets it pass, or asks and you approve. Exit
    codes: 0 there is data, 1 there is none, or the source or the guard said no, 2 it was called
    wrongly.
    """
    import sys

    from holdfast.errors import InputError
    from holdfast.surfaces.cli.calling import call_tool

    try:
        code = call_tool(sys.stdout, config, name, arguments or [], approve, as_json=as_json)
    except InputError as error:
        typer.echo(f"holdfast: {error}", err=True)
        raise typer.Exit(2) from None
    if code:
        raise typer.Exit(code)
