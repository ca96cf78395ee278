"""`holdfast doctor`: what works, what is missing, which credentials are needed."""

from __future__ import annotations

import typer

from holdfast.surfaces.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption


def doctor(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Say what works, what is missing, and which credentials."""
    import sys

    from holdfast.surfaces.cli.doctoring import run_doctor

    if code := run_doctor(sys.stdout, config, as_json=as_json):
        raise typer.Exit(code)
