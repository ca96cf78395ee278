"""`holdfast respond`: opens an incident from a sentence, and works it to its end."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.surfaces.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption


def respond(
    sentence: Annotated[str, typer.Argument(help="What is wrong. Its numbers will be measured.")],
    service: Annotated[str, typer.Option("--service", help="The service that shows it.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Open an incident from a sentence, and work it to its end.

    Its numbers are claims: the report sets them beside what was measured. Where a holdfast works
    on this data folder already, that one takes the incident up, and is followed here.
    """
    from holdfast.surfaces.cli.session import run_respond

    run_respond(config, sentence, service, as_json=as_json)
