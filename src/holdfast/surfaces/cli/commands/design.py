"""`holdfast design`: SLOs of a service from its metrics, as a folder for git."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.surfaces.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption


def design(
    services: Annotated[
        list[str] | None, typer.Argument(metavar="SERVICE", help="The service; several may stand.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every service that a known metric tells of.")
    ] = False,
    prometheus: Annotated[
        str, typer.Option("--prometheus", help="Its base URL. [default: the configured source]")
    ] = "",
    recording: Annotated[
        Path | None, typer.Option("--recording", help="A folder of the embedded recorder.")
    ] = None,
    requirements: Annotated[
        Path | None,
        typer.Option("--requirements", help="What users, business and dependencies ask (YAML)."),
    ] = None,
    days: Annotated[float, typer.Option("--days", help="How far back history is read.")] = 30.0,
    period: Annotated[
        float | None,
        typer.Option("--period", help="Days of the rolling period. [default: 30]"),
    ] = None,
    at: Annotated[
        str,
        typer.Option("--at", help="As of this time, ISO 8601. [default: now, or the last sample]"),
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", help="The folder to write. [default: slo-SERVICE]"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the folder of an earlier design.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Design SLOs, alerts, a budget policy and their documents from a service's metrics.

    With nothing but a source it finds the request metrics itself. The folder is written as a
    whole, checked with promtool where that is installed; on an error nothing is written.
    """
    import sys

    from holdfast.surfaces.cli.designing import DesignRequest, run_design

    wanted = DesignRequest(
        services=tuple(services or ()),
        every=every,
        prometheus=prometheus,
        recording=recording,
        requirements=requirements,
        days=days,
        period_days=period,
        at=at,
        output=output,
        force=force,
        config=config,
    )
    if code := run_design(sys.stdout, wanted, as_json=as_json):
        raise typer.Exit(code)
