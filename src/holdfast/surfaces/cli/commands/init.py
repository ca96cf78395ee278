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
    token_env: Annotated[
        str | None,
        typer.Option("--token-env", help="The environment variable that holds a bearer token."),
    ] = None,
    username: Annotated[
        str | None, typer.Option("--username", help="For basic auth, with --password-env.")
    ] = None,
    password_env: Annotated[
        str | None,
        typer.Option("--password-env", help="The environment variable that holds its password."),
    ] = None,
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="Sent as X-Scope-OrgID (Mimir, Cortex, Thanos).")
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option("--ca-file", help="Certificates of a private authority, PEM.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write a first holdfast.yaml of what is found. Secrets are named, never written."""
    from holdfast.model.config import MetricsSettings
    from holdfast.surfaces.cli.discovering import run_init

    metrics = MetricsSettings(
        url=prometheus,
        token_env=token_env,
        username=username,
        password_env=password_env,
        tenant=tenant,
        ca_file=None if ca_file is None else ca_file.absolute(),
    )
    for line in run_init(metrics, repository or (), config, force=force):
        typer.echo(line)
