"""`holdfast loadtest`: what users would have at a rate, or that it could not be measured."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.surfaces.cli.options import JsonOption


def loadtest(
    endpoint: Annotated[str, typer.Argument(help="An http:// or https:// URL.")],
    rps: Annotated[float, typer.Option("--rps", help="Requests per second.")] = 20.0,
    duration: Annotated[
        float, typer.Option("--duration", help="Seconds; with --find-knee of each step.")
    ] = 10.0,
    version: Annotated[str, typer.Option("--version", help="What runs there.")] = "unknown",
    against: Annotated[
        str, typer.Option("--against", help="The good version's URL, loaded in the same run.")
    ] = "",
    against_version: Annotated[
        str, typer.Option("--against-version", help="What runs at --against.")
    ] = "unknown",
    threshold: Annotated[
        list[str] | None,
        typer.Option("--threshold", help="p95<300ms, errors<1%, p95<1.2x; repeatable."),
    ] = None,
    request: Annotated[
        list[str] | None,
        typer.Option("--request", help="'WEIGHT METHOD /path [BODY]'; repeatable."),
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", help="'name: value'; repeatable.")
    ] = None,
    arrivals: Annotated[
        str, typer.Option("--arrivals", help="poisson, constant or even.")
    ] = "poisson",
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds a request.")] = 10.0,
    seed: Annotated[int, typer.Option("--seed", help="The same one, the same schedule.")] = 0,
    max_lag: Annotated[
        float, typer.Option("--max-lag", help="Seconds of lag (p99) above which it is refused.")
    ] = 0.02,
    find_knee: Annotated[
        bool, typer.Option("--find-knee", help="Search the rate at which thresholds break.")
    ] = False,
    max_rps: Annotated[
        float, typer.Option("--max-rps", help="The greatest rate that --find-knee tries.")
    ] = 1000.0,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", help="A host beyond loopback that may be loaded."),
    ] = None,
    ca_file: Annotated[str, typer.Option("--ca-file", help="Certificates to trust.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Load an endpoint in an open loop: percentiles, errors, or a refusal."""
    import sys

    from holdfast.surfaces.cli.loadtesting import LoadRequest, run_loadtest

    options = {
        "requests": tuple(request or ()),
        "headers": tuple(header or ()),
        "thresholds": tuple(threshold or ()),
        "arrivals": arrivals,
        "timeout_seconds": timeout,
        "seed": seed,
        "max_lag_seconds": max_lag,
        "against_endpoint": against,
        "against_version": against_version,
        "allow_hosts": tuple(allow_host or ()),
        "ca_file": ca_file,
    }
    wanted = LoadRequest(endpoint, rps, duration, version, max_rps if find_knee else None, options)
    if code := run_loadtest(sys.stdout, wanted, as_json=as_json):
        raise typer.Exit(code)
