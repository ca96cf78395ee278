"""`holdfast promql`: the embedded evaluator as a server that any Prometheus client can ask."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

promql = typer.Typer(
    help="The embedded PromQL evaluator, over imported series.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@promql.callback()
def group() -> None:
    """The embedded PromQL evaluator, over imported series."""


@promql.command()
def serve(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="OpenMetrics text with timestamps.")
    ],
    port: Annotated[int, typer.Option("--port", help="On loopback; 0 takes a free one.")] = 9191,
    windows: Annotated[
        str, typer.Option("--windows", help="left-open as Prometheus 3, or closed as 2.")
    ] = "left-open",
    lookback: Annotated[
        float, typer.Option("--lookback", help="Seconds after which a sample is too old.")
    ] = 300.0,
) -> None:
    """Import OpenMetrics text and serve the Prometheus HTTP API over it."""
    from holdfast.surfaces.cli.promql_serving import serve_files

    serve_files(files, port=port, windows=windows, lookback_seconds=lookback)
