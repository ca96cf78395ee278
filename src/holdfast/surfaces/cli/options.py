"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_CONFIG = Path("holdfast.yaml")

ConfigOption = Annotated[
    Path, typer.Option("--config", help="The configuration.", envvar="HOLDFAST_CONFIG")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print records, one JSON object a line.")]
IncidentArgument = Annotated[
    str, typer.Argument(help="An incident's id, a unique part of one, or `last`.")
]
