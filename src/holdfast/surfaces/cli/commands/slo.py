"""`holdfast slo`: budgets as accounts, corrections to them, and statements about them checked."""

from __future__ import annotations

import getpass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from holdfast.surfaces.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption

slo = typer.Typer(
    help="Error budgets: the accounts, corrections, and statements about them checked.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

CorrectionsOption = Annotated[
    Path | None,
    typer.Option(
        "--corrections",
        help="The file of corrections. [default: corrections.jsonl in the data folder]",
    ),
]
TimeZoneOption = Annotated[
    str, typer.Option("--time-zone", help="An IANA name, for example Europe/Berlin.")
]

AbsentBadOption = Annotated[
    bool,
    typer.Option(
        "--absent-bad-is-zero",
        help="Events without a series of bad ones were good: a counter that first appears with "
        "the first error.",
    ),
]
IncidentsOption = Annotated[
    Path | None,
    typer.Option(
        "--incidents",
        help="A file of past incidents (YAML, JSON, CSV): what each spent of the budget.",
    ),
]


class PeriodKind(StrEnum):
    """What a budget is for."""

    ROLLING = "rolling"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


class NoData(StrEnum):
    """How time without data is read."""

    IGNORE = "ignore"
    BAD = "bad"
    GOOD = "good"


class Category(StrEnum):
    """Why events are not charged."""

    MAINTENANCE = "maintenance"
    DEPLOYMENT = "deployment"
    OUTSIDE_HOURS = "outside_hours"
    EXTERNAL = "external"
    MEASUREMENT_ERROR = "measurement_error"
    OTHER = "other"


@slo.callback()
def every_command(ctx: typer.Context, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Hand `--config` to the command that is called."""
    if ctx.invoked_subcommand is not None:
        ctx.default_map = {ctx.invoked_subcommand: {"config": str(config)}}


@slo.command()
def check(
    claims: Annotated[
        list[str],
        typer.Argument(help="Statements in quotes, or files: rules, OpenSLO, holdfast.yaml."),
    ],
    objective: Annotated[
        str, typer.Option("--objective", help="Where a claim does not say it: 99.9% or 0.999.")
    ] = "",
    period: Annotated[
        str, typer.Option("--period", help="Where a claim does not say it: 30d, 28d, 4w.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Check statements about budgets and burn rates, and thresholds typed into files.

    Each is right, wrong (with what it is, and the arithmetic) or not understood; nothing is
    guessed. What a claim does not say is assumed and told: 99.9 % over 30 d. Exit codes: 0 all
    are right, 1 one is wrong, 2 one is not understood, or a file cannot be read.
    """
    import sys

    from holdfast.errors import InputError
    from holdfast.surfaces.cli.claim_checking import run_check

    try:
        code = run_check(sys.stdout, claims, objective, period, as_json=as_json)
    except InputError as error:
        typer.echo(f"holdfast: {error}", err=True)
        raise typer.Exit(2) from None
    if code:
        raise typer.Exit(code)


@slo.command()
def budget(
    name: Annotated[
        list[str] | None, typer.Option("--slo", help="Only this SLO; repeatable.")
    ] = None,
    period: Annotated[
        PeriodKind, typer.Option("--period", help="rolling is the SLO's own period.")
    ] = PeriodKind.ROLLING,
    time_zone: TimeZoneOption = "UTC",
    no_data: Annotated[
        NoData, typer.Option("--no-data", help="How time without data is read.")
    ] = NoData.IGNORE,
    absent_bad_is_zero: AbsentBadOption = False,
    incidents: IncidentsOption = None,
    at: Annotated[
        str, typer.Option("--at", help="A time, 2026-01-31T12:00:00Z. [default: now]")
    ] = "",
    corrections: CorrectionsOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Print the account of each SLO's error budget, measured now, weighted by events.

    Time without data, excluded events and history that is shorter than the period are told apart.
    Exit code 1: a budget could not be read.
    """
    import sys

    from holdfast.surfaces.cli.budget_accounts import BudgetRequest, run_budget

    wanted = BudgetRequest(
        config=config,
        names=tuple(name or ()),
        period=period.value,
        time_zone=time_zone,
        no_data=no_data.value,
        absent_bad_is_zero=absent_bad_is_zero,
        at=at,
        corrections=corrections,
        incidents=incidents,
    )
    if code := run_budget(sys.stdout, wanted, as_json=as_json):
        raise typer.Exit(code)


@slo.command()
def correct(
    start: Annotated[str, typer.Option("--start", help="2026-01-31T12:00:00Z.")] = "",
    end: Annotated[str, typer.Option("--end", help="A time, or give --duration.")] = "",
    duration: Annotated[str, typer.Option("--duration", help="For example 2h, 45m.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why it is not charged.")] = "",
    category: Annotated[
        Category, typer.Option("--category", help="What kind of reason.")
    ] = Category.OTHER,
    name: Annotated[
        list[str] | None,
        typer.Option("--slo", help="Only this SLO; repeatable. [default: every one]"),
    ] = None,
    recurrence: Annotated[
        str, typer.Option("--rrule", help="Repeats it: FREQ=WEEKLY;BYDAY=SU (RFC 5545).")
    ] = "",
    time_zone: TimeZoneOption = "UTC",
    withdraw: Annotated[
        str, typer.Option("--withdraw", help="The id of a correction to take back.")
    ] = "",
    author: Annotated[str, typer.Option("--author", help="[default: your login]")] = "",
    corrections: CorrectionsOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Add a correction: time whose events are not charged, with who says so and why.

    Corrections are only added. Each holds the hash of the one before, so that one that was changed
    or removed is noticed; --withdraw takes one back by another entry.
    """
    import sys

    from holdfast.surfaces.cli.correcting import CorrectionRequest, run_correct

    wanted = CorrectionRequest(
        config=config,
        file=corrections,
        start=start,
        end=end,
        duration=duration,
        reason=reason,
        category=category.value,
        names=tuple(name or ()),
        recurrence=recurrence,
        time_zone=time_zone,
        withdraw=withdraw,
        author=author or getpass.getuser(),
    )
    run_correct(sys.stdout, wanted, as_json=as_json)


@slo.command()
def corrections(
    file: CorrectionsOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List all corrections, withdrawn ones too, and check that none was changed or removed."""
    import sys

    from holdfast.surfaces.cli.correcting import list_corrections

    list_corrections(sys.stdout, config, file, as_json=as_json)
