"""`holdfast backtest`, `simulate`, `tune`: alerts proven on the past before they page anybody."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.surfaces.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption

if TYPE_CHECKING:
    from holdfast.surfaces.cli.replay_world import PastRequest

SloOption = Annotated[
    list[str] | None,
    typer.Option("--slo", help="Only the objective of this name; repeatable. [default: all]"),
]
OpensloOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--openslo", help="An OpenSLO file whose objectives are taken instead; repeatable."
    ),
]
PrometheusOption = Annotated[
    str, typer.Option("--prometheus", help="A server's URL, instead of the configured source.")
]
RecordingOption = Annotated[
    Path | None,
    typer.Option("--recording", help="A folder of the embedded recorder, instead of it."),
]
DaysOption = Annotated[float, typer.Option("--days", help="How far back, where --from is not.")]
FromOption = Annotated[
    str, typer.Option("--from", help="Where the past begins: 2026-01-31T12:00:00Z.")
]
ToOption = Annotated[
    str, typer.Option("--to", help="Where it ends. [default: now, or the recording's end]")
]
StepOption = Annotated[
    float | None,
    typer.Option("--step", help="Seconds. [default: at most 60, so that it divides all windows]"),
]
ScrapeOption = Annotated[
    float | None,
    typer.Option("--scrape-interval", help="Seconds between scrapes. [default: as configured]"),
]
IncidentsOption = Annotated[
    Path | None,
    typer.Option("--incidents", help="YAML, JSON or CSV. [default: found in the history]"),
]
SignificantOption = Annotated[
    float | None,
    typer.Option(
        "--significant",
        help="Percent of the budget from which an incident counts. [default: 2 where they are "
        "found, 0 where they are from a file]",
    ),
]
GraceOption = Annotated[
    float | None,
    typer.Option(
        "--grace",
        help="Seconds after an incident's end that an alert is still its. [default: an hour, or "
        "the longest window where that is less]",
    ),
]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", help="Write a page with charts to this file as well.")
]
SeedOption = Annotated[int, typer.Option("--seed", help="The same one, the same outages.")]


def backtest(
    slo: SloOption = None,
    openslo: OpensloOption = None,
    rules: Annotated[
        list[Path] | None,
        typer.Option("--rules", help="A Prometheus rule file to set beside; repeatable."),
    ] = None,
    incidents: IncidentsOption = None,
    significant: SignificantOption = None,
    grace: GraceOption = None,
    prometheus: PrometheusOption = "",
    recording: RecordingOption = None,
    days: DaysOption = 30.0,
    begin: FromOption = "",
    end: ToOption = "",
    step: StepOption = None,
    scrape_interval: ScrapeOption = None,
    html: HtmlOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Replay alerts over the past: precision, recall, detection time, pages a week.

    The objectives' own tiers, and any rule files beside them, against incidents from a file, or
    found in the history independently of the rules. With --rules and --incidents no objective is
    needed. Nothing is written but the page.
    """
    import sys

    from holdfast.surfaces.cli.backtesting import BacktestRequest, run_backtest

    past = _past(
        config, slo, openslo, prometheus, recording, days, begin, end, step, scrape_interval
    )
    wanted = BacktestRequest(past, tuple(rules or ()), incidents, significant, grace, html)
    run_backtest(sys.stdout, wanted, as_json=as_json)


def simulate(
    slo: SloOption = None,
    openslo: OpensloOption = None,
    depth: Annotated[
        list[float] | None,
        typer.Option(
            "--depth",
            help="Percent of good events that become bad; repeatable. "
            "[default: 100, 50, 20, 10, 5, 2, 1]",
        ),
    ] = None,
    length: Annotated[
        list[str] | None,
        typer.Option("--length", help="5m, 1h, 1d; repeatable. [default: the tiers' windows]"),
    ] = None,
    outages: Annotated[
        int, typer.Option("--outages", help="How many of each depth and length.")
    ] = 100,
    seed: SeedOption = 0,
    grace: GraceOption = None,
    prometheus: PrometheusOption = "",
    recording: RecordingOption = None,
    days: DaysOption = 30.0,
    begin: FromOption = "",
    end: ToOption = "",
    step: StepOption = None,
    scrape_interval: ScrapeOption = None,
    html: HtmlOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Inject outages into the past's traffic: which alerts tell of them, when, at what cost.

    Each depth and length is tried at many quiet times of the history, so that nights and lulls are
    among them. Nothing is written but the page.
    """
    import sys

    from holdfast.surfaces.cli.simulating import SimulationRequest, run_simulate

    past = _past(
        config, slo, openslo, prometheus, recording, days, begin, end, step, scrape_interval
    )
    wanted = SimulationRequest(
        past, tuple(depth or ()), tuple(length or ()), outages, seed, grace, html
    )
    run_simulate(sys.stdout, wanted, as_json=as_json)


def tune(
    slo: SloOption = None,
    openslo: OpensloOption = None,
    sets: Annotated[
        int, typer.Option("--sets", help="How many parameter sets are tried at most.")
    ] = 500,
    outages: Annotated[
        int, typer.Option("--outages", help="How many significant outages are injected.")
    ] = 240,
    seed: SeedOption = 0,
    incidents: IncidentsOption = None,
    significant: SignificantOption = None,
    grace: GraceOption = None,
    prometheus: PrometheusOption = "",
    recording: RecordingOption = None,
    days: DaysOption = 30.0,
    begin: FromOption = "",
    end: ToOption = "",
    step: StepOption = None,
    scrape_interval: ScrapeOption = None,
    html: HtmlOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Search for better page tiers: budget fractions, windows, `for`. Changes nothing.

    Each set is held against the past and against injected outages. Printed are those that no other
    beats in all of precision, recall, detection time and pages a week, and the one to take, with
    why.
    """
    import sys

    from holdfast.surfaces.cli.simulating import TuneRequest, run_tune

    past = _past(
        config, slo, openslo, prometheus, recording, days, begin, end, step, scrape_interval
    )
    wanted = TuneRequest(past, sets, outages, seed, incidents, significant, grace, html)
    run_tune(sys.stdout, wanted, as_json=as_json)


def _past(
    config: Path,
    slo: list[str] | None,
    openslo: list[Path] | None,
    prometheus: str,
    recording: Path | None,
    days: float,
    begin: str,
    end: str,
    step: float | None,
    scrape_interval: float | None,
) -> PastRequest:
    from holdfast.surfaces.cli.replay_world import PastRequest

    return PastRequest(
        config,
        tuple(slo or ()),
        tuple(openslo or ()),
        prometheus,
        recording,
        days,
        begin,
        end,
        step,
        scrape_interval,
    )
