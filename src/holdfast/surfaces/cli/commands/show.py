"""`holdfast show`: tells one incident from its ledger."""

from __future__ import annotations

from holdfast.surfaces.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    IncidentArgument,
    JsonOption,
)


def show(
    incident: IncidentArgument = "last",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Tell an incident step by step, and what it came to."""
    import sys

    from holdfast.surfaces.cli.incident_list import open_ledger
    from holdfast.surfaces.cli.print_rows import print_incident

    with open_ledger(config) as ledger:
        events = ledger.events(ledger.find(incident))
    if as_json:
        for entry in events:
            print(entry.model_dump_json())
    else:
        print_incident(sys.stdout, events)
