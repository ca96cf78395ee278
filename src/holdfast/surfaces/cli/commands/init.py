"""`holdfast init`: writes a first configuration of what a metrics source knows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.surfaces.cli.options import DEFAULT_CONFIG, ConfigOption


def init(
    prometheus: Annotated[str, typer.Option("--prometheus", help="Its base URL.")],
    repository: Annotated[
        list[Path] | None,
        typer.Option("--repository", help="A service's git repository; repeatable."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write a first holdfast.yaml of what is found."""
    from holdfast.catalog.discover import discover
    from holdfast.catalog.init import write
    from holdfast.integrations.sources import open_source
    from holdfast.model.config import MetricsSettings

    source = open_source(MetricsSettings(url=prometheus))
    found = discover(source, prometheus_url=prometheus, repositories=repository or ())
    write(found, config, force=force)
    for finding in found.findings:
        objectives = ", ".join(slo.name for slo in finding.slos) or "no objective"
        typer.echo(f"{finding.service.name}: {objectives}")
        for missing in finding.missing:
            typer.echo(f"  not found: {missing}")
    for gap in found.gaps:
        typer.echo(f"not found: {gap}")
    typer.echo(f"{config} is written; read it, then ask `holdfast doctor`")
