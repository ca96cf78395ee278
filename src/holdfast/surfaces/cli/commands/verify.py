"""`holdfast verify`: computes every figure of a post-mortem again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.surfaces.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption


def verify(
    path: Annotated[Path, typer.Argument(help="A post-mortem (.md, .json) or its folder.")],
    live: Annotated[
        bool, typer.Option("--live", help="Ask the metrics source again, and the live ledger.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Compute every figure of a post-mortem again.

    Exit code 1: something is not as the evidence says. With --live, 3: nothing contradicts, and
    the source could not confirm all of it (expired, unavailable).
    """
    from holdfast.surfaces.cli.verifying import run_verify

    if code := run_verify(path, config if live else None, as_json=as_json):
        raise typer.Exit(code)
