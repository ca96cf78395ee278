"""`holdfast incidents`: lists them."""

from __future__ import annotations

from holdfast.surfaces.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption


def incidents(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """List the incidents, oldest first."""
    import sys

    from holdfast.surfaces.cli.incident_list import print_incidents

    print_incidents(sys.stdout, config, as_json=as_json)
