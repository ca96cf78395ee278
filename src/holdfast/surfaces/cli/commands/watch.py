"""`holdfast watch`: evaluates the error budgets, and works the incidents that open."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.surfaces.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption


def watch(
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
    until_finished: Annotated[
        bool, typer.Option("--until-finished", help="Leave when all incidents are finished with.")
    ] = False,
) -> None:
    """Watch the error budgets; work each incident to its end.

    What `respond` opens in another terminal is taken up too. An interruption loses nothing. Exit
    code 1: the work on an incident stopped with an error, or another holdfast works here.
    """
    from holdfast.surfaces.cli.session import run_watch

    if code := run_watch(config, as_json=as_json, until_finished=until_finished):
        raise typer.Exit(code)
