"""`holdfast gate`: whether a change may go out, by the error budget policy and the live budget."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.surfaces.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption


def gate(
    service: Annotated[
        str, typer.Option("--service", help="The service that changes. [default: all of them]")
    ] = "",
    change_type: Annotated[
        str,
        typer.Option("--change-type", help="feature, fix, security, … as the policy names them."),
    ] = "feature",
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy", help="[default: error-budget-policy.yaml beside the configuration]"
        ),
    ] = None,
    audit: Annotated[
        Path | None,
        typer.Option(
            "--audit",
            help="Exceptions and reviews. [default: error-budget-exceptions.jsonl beside the "
            "policy]",
        ),
    ] = None,
    corrections: Annotated[
        Path | None,
        typer.Option(
            "--corrections",
            help="The file of corrections. [default: corrections.jsonl in the data folder]",
        ),
    ] = None,
    exception: Annotated[
        str, typer.Option("--exception", help="Record an exception first: the reason.")
    ] = "",
    expires: Annotated[
        str, typer.Option("--expires", help="When the exception ends: 4h, or a time.")
    ] = "",
    reviewed: Annotated[
        str,
        typer.Option(
            "--reviewed", help="Record first that what spent the budget is reviewed: in which file."
        ),
    ] = "",
    approver: Annotated[
        str, typer.Option("--approver", help="Who says so, for --exception and --reviewed.")
    ] = "",
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say whether a change may go out, what may, and why: for a step of CI before a release.

    Each objective of the service is measured now. The gate is closed, too, while a budget cannot
    be read whole. Exit codes: 0 open, 1 frozen, 2 something that was given is wrong, 3 a budget
    is not known.
    """
    import sys

    from holdfast.surfaces.cli.gating import GateRequest, run_gate

    wanted = GateRequest(
        config=config,
        service=service,
        change_type=change_type,
        policy=policy,
        audit=audit,
        corrections=corrections,
        exception=exception,
        expires=expires,
        reviewed=reviewed,
        approver=approver,
    )
    if code := run_gate(sys.stdout, sys.stderr, wanted, as_json=as_json):
        raise typer.Exit(code)
