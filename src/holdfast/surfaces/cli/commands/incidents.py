"""`holdfast incidents`: lists them."""

from __future__ import annotations

import typer

from holdfast.surfaces.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption


def incidents(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """List the incidents, oldest first."""
    import sys

    from holdfast.surfaces.cli.incident_list import print_incidents

    if not print_incidents(sys.stdout, config, as_json=as_json):
        raise typer.Exit(1)
