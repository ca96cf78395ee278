"""`holdfast lab`: a small production on this machine, to try Holdfast on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.surfaces.cli.database_line import DatabaseKind, database_line
from holdfast.surfaces.cli.options import JsonOption

DEFAULT_FOLDER = Path(".holdfast-lab")

lab = typer.Typer(
    help="A small production on this machine, to try Holdfast on.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FolderOption = Annotated[Path, typer.Option("--folder", help="The laboratory's folder.")]
ServiceOption = Annotated[str, typer.Option("--service", help="The service to release.")]
VersionOption = Annotated[str, typer.Option("--to", help="The version, a tag of its repository.")]


@lab.command()
def up(
    folder: FolderOption = DEFAULT_FOLDER,
    rate: Annotated[
        float | None, typer.Option("--rate", help="Requests per second of the clients.", min=0)
    ] = None,
    life: Annotated[
        float | None, typer.Option("--life", help="Seconds after which it ends by itself.", min=1)
    ] = None,
    database: Annotated[
        DatabaseKind,
        typer.Option("--database", help="auto is PostgreSQL where a server can be run here."),
    ] = DatabaseKind.AUTO,
) -> None:
    """Start it: services, an edge, clients. It runs on until `down`."""
    from holdfast.lab import control
    from holdfast.lab.records import LabOptions

    given = {"rate_per_second": rate, "life_seconds": life, "database": database.value}
    wanted = {k: v for k, v in given.items() if v is not None}
    options = LabOptions.model_validate({**wanted, "fixes": True})
    handle = control.up(folder, options=options)
    typer.echo(f"the laboratory runs; clients ask {handle.entry_url}")
    typer.echo(f"its database is {database_line(handle.lab.database)}")
    typer.echo(f"it ends by itself at {handle.lab.ends_at:%H:%M:%S} UTC, or by `holdfast lab down`")
    typer.echo(f"try: holdfast --config {handle.config_path} watch")


@lab.command()
def down(folder: FolderOption = DEFAULT_FOLDER) -> None:
    """End it. Returns when nothing of it runs any more."""
    from holdfast.lab import control

    control.down(folder)
    typer.echo(f"the laboratory in {folder} has ended")


@lab.command()
def status(folder: FolderOption = DEFAULT_FOLDER, as_json: JsonOption = False) -> None:
    """Say what runs in it."""
    from holdfast.lab import control

    known = control.status(folder)
    if known.status != "ready":
        typer.echo(
            known.model_dump_json() if as_json else f"{known.status} {known.reason}".rstrip()
        )
        return
    handle = control.attach(folder)
    state = handle.state()
    if as_json:
        typer.echo(state.model_dump_json())
        return
    typer.echo(f"ready since {known.started_at:%H:%M:%S} UTC, ends at {known.ends_at:%H:%M:%S} UTC")
    for name, service in state.services.items():
        versions = ", ".join(f"{v} {w:g} %" for v, w in service.weights.items())
        typer.echo(f"  {name:<14} {versions}" + (", moving" if service.in_progress else ""))
    typer.echo(f"  {'database':<14} {database_line(known.database, handle.config_path)}")


@lab.command()
def release(
    service: Annotated[str, typer.Argument(help="A service of the laboratory.")],
    version: Annotated[str, typer.Argument(help="A tag of its repository, for example v2.3.4.")],
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Release a version in steps of weight, as a release train would."""
    from holdfast.lab import control

    deployment = control.attach(folder).release(service, version)
    typer.echo(
        f"{service} {deployment.from_version} → {deployment.to_version}: {deployment.status}"
    )


@lab.command(name="set")
def set_(
    service: Annotated[str, typer.Argument(help="A service of the laboratory.")],
    key: Annotated[str, typer.Argument(help="A flag or an environment variable of it.")],
    value: Annotated[str, typer.Argument(help="What it is to be; a flag is on or off.")],
    folder: FolderOption = DEFAULT_FOLDER,
    actor: Annotated[
        str, typer.Option("--actor", help="Who the log says has done it.")
    ] = "release train",
) -> None:
    """Set a flag, or roll out a configuration, as a careless person would."""
    from holdfast.lab import control

    change = control.attach(folder).set(service, key, value, actor=actor)
    typer.echo(f"{service} {key}: {change.from_value} → {change.to_value} ({change.kind})")


@lab.command()
def load(
    rate: Annotated[float, typer.Argument(help="Requests per second.", min=0)],
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Change how often its clients ask."""
    from holdfast.lab import control

    control.attach(folder).set_rate(rate)
    typer.echo(f"clients ask {rate:g} times a second")


@lab.command()
def demo(
    folder: FolderOption = DEFAULT_FOLDER,
    service: ServiceOption = "customer-api",
    version: VersionOption = "v2.3.4",
    healthy_seconds: Annotated[
        float, typer.Option("--healthy-seconds", help="Healthy traffic before the release.", min=1)
    ] = 60.0,
    database: Annotated[
        DatabaseKind,
        typer.Option("--database", help="auto is PostgreSQL where a server can be run here."),
    ] = DatabaseKind.AUTO,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running afterwards.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show it all: a bad release, found, rolled back, fixed. Acts in the laboratory only."""
    from holdfast.surfaces.cli.demo import Demo, run_demo

    plan = Demo(folder, service, version, healthy_seconds, database=database.value, keep=keep)
    if not run_demo(plan, as_json=as_json):
        raise typer.Exit(1)
