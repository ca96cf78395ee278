"""`holdfast canary`: a version rolled out in steps, and taken back where it is worse."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.surfaces.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption


def canary(
    service: Annotated[str, typer.Option("--service", help="The service.")],
    version: Annotated[str, typer.Option("--version", help="The version to be rolled out.")] = "",
    stable: Annotated[
        str, typer.Option("--from", help="The version that serves. [default: the one that does]")
    ] = "",
    approve: Annotated[
        str,
        typer.Option("--approve", help="Your name: approve it, where the policy asks a person."),
    ] = "",
    take_back: Annotated[
        bool,
        typer.Option("--take-back", help="Give all traffic to --from: after a killed rollout."),
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Roll a version out by canary: steps, margins and the watch are the policy's.

    It writes to production, where the policy lets Holdfast act on the service, or asks and you
    approve. A candidate that is shown worse, or not shown well in time, is taken back; so it is
    on Ctrl-C and on any error. Exit codes: 0 promoted, 1 taken back, 2 nothing was begun because
    of what was asked.
    """
    import sys

    from holdfast.errors import InputError
    from holdfast.surfaces.cli.canarying import CanaryRequest, run_canary

    wanted = CanaryRequest(config, service, version, stable, approve, take_back)
    try:
        code = run_canary(sys.stdout, wanted, as_json=as_json)
    except InputError as error:
        typer.echo(f"holdfast: {error}", err=True)
        raise typer.Exit(2) from None
    if code:
        raise typer.Exit(code)
