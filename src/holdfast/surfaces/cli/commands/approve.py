"""`holdfast approve`: a person's word on an action that waits for it."""

from __future__ import annotations

import getpass
from typing import Annotated, Literal

import typer

from holdfast.surfaces.cli.options import DEFAULT_CONFIG, ConfigOption, IncidentArgument

Decision = Literal["approve", "reject", "modify", "escalate"]


def approve(
    incident: IncidentArgument = "last",
    decision: Annotated[Decision, typer.Option("--decision", help="Your word.")] = "approve",
    by: Annotated[str, typer.Option("--by", help="Who you are. [default: your login]")] = "",
    note: Annotated[str, typer.Option("--note", help="Why; needed for `modify`.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    stay: Annotated[
        bool, typer.Option("--stay/--leave", help="Show what comes of it, until it is over.")
    ] = True,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Decide on the action that waits for a person.

    Your word is bound to the plan, counts once and expires. Where a holdfast works on the
    incident, what comes of it is shown until it is over.
    """
    from holdfast.surfaces.cli.approving import give_word, plan_rows, waiting_action
    from holdfast.surfaces.cli.incident_list import open_ledger
    from holdfast.surfaces.cli.session import run_approved

    with open_ledger(config) as ledger:
        incident_id = ledger.find(incident)
        action = waiting_action(ledger.events(incident_id))
        for row in plan_rows(ledger.events(incident_id), action):
            typer.echo(row)
        if not yes:
            typer.confirm(f"{decision} this?", abort=True)
        person = by or getpass.getuser()
        said = give_word(ledger, config, incident_id, action, decision, person, note)
        last = ledger.events(incident_id)[-1].sequence
    typer.echo(said)
    if stay:
        run_approved(config, incident_id, after=last)
