"""`holdfast note` and `holdfast close`: what a person adds to an incident, and its end by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.surfaces.cli.options import DEFAULT_CONFIG, ConfigOption, IncidentArgument

ByOption = Annotated[str, typer.Option("--by", help="Who you are. [default: your login]")]


def note(
    incident: IncidentArgument,
    text: Annotated[str, typer.Argument(help="What is to be remembered.")],
    by: ByOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write a note into an incident's timeline, under your name. No decision reads it."""
    from holdfast.surfaces.cli.ending import write_note
    from holdfast.surfaces.cli.incident_list import open_ledger

    with open_ledger(config) as ledger:
        typer.echo(write_note(ledger, ledger.find(incident), text, by))


def close(
    reason: Annotated[str, typer.Option("--reason", help="Why it is over.")],
    incident: IncidentArgument = "last",
    by: ByOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Close an incident that was handed to a person. Its outcome stays what was measured.

    What the completion contract misses stays on record beside your name and your reason.
    """
    from holdfast.surfaces.cli.ending import close_incident
    from holdfast.surfaces.cli.incident_list import open_ledger

    with open_ledger(config) as ledger:
        for line in close_incident(ledger, ledger.find(incident), reason, by):
            typer.echo(line)
