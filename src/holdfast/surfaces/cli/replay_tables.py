"""Backtests, simulations and searches as tables for a terminal, or plain lines in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from holdfast.learning.formats import duration
from holdfast.model.replay import Backtest, PastIncident, ReplaySpan, RuleSetScore, Score, Share
from holdfast.surfaces.cli.print_rows import width_of
from holdfast.surfaces.cli.styles import wrap

NONE = "-"
SCOPES = ("all alerts", "pages", "tickets")
"""Of a score that is no single rule's."""
LISTED = 12
"""How many incidents or alerts a list shows; --json has all."""

_SCORE_HEADS = (
    "alerts\na week",
    "precision\n95 %",
    "recall\n95 %",
    "detection\nworst",
    "reset\nworst",
    "budget\nworst",
    "unknown",
)


def print_backtest(console: Console, backtest: Backtest) -> None:
    """Print one objective's backtest."""
    title = f"{backtest.service}: {backtest.slo}" if backtest.slo else "rules against incidents"
    heading(console, title)
    say(console, f"past       {span_text(backtest.span)}, {backtest.source}")
    say(console, f"incidents  {len(backtest.incidents)}, {backtest.incidents_from}")
    counted = sum(1 for one in backtest.incidents if one.significant)
    say(console, f"           {counted} significant: {backtest.significant_is}")
    for note in backtest.notes:
        say(console, f"note       {note}", "yellow")
    for rule_set in backtest.rule_sets:
        console.print(_score_table(rule_set))
        for note in rule_set.notes:
            say(console, f"note       {note}", "yellow" if note.startswith("NOT") else "dim")
        _print_lists(console, rule_set)


def heading(console: Console, title: str) -> None:
    """Print a heading after an empty line."""
    console.print(Text())
    console.print(Text(f"── {title}", "bold"), soft_wrap=True)


def say(console: Console, text: str, style: str = "") -> None:
    """Print a line, what wraps under the text's start."""
    label, body = text[:11], text[11:]
    for place, row in enumerate(wrap(body, max(20, width_of(console) - 11))):
        console.print(Text((label if place == 0 else " " * 11) + row, style), soft_wrap=True)


def new_table(title: str, *heads: str) -> Table:
    """Return an empty table; the first column is text, the others are numbers."""
    table = Table(
        box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False
    )
    for place, head in enumerate(heads):
        table.add_column(head, justify="left" if place == 0 else "right")
    return table


def span_text(span: ReplaySpan) -> str:
    """Return a past in words."""
    known = "" if span.known_fraction is None else f", {span.known_fraction:.1%} of it with data"
    return (
        f"{clock(span.start)} to {clock(span.end)} UTC ({duration(span.seconds)}) "
        f"in steps of {duration(span.step_seconds)}{known}"
    )


def clock(at: datetime) -> str:
    """Return a day and time in UTC."""
    return at.strftime("%Y-%m-%d %H:%M" if at.second == 0 else "%Y-%m-%d %H:%M:%S")


def share_text(share: Share, between: str = " ") -> str:
    """Return a fraction with what it was counted from, and its interval."""
    if share.fraction is None or share.low is None or share.high is None:
        return NONE
    counted = f"{share.fraction:.0%} {share.count}/{share.of}"
    return f"{counted}{between}({share.low:.0%} to {share.high:.0%})"


def seconds_text(seconds: float | None) -> str:
    """Return a time, or a dash where there was none."""
    return NONE if seconds is None else duration(seconds)


def percent_text(fraction: float | None) -> str:
    """Return a fraction in percent, or a dash."""
    return NONE if fraction is None else f"{fraction:.2%}" if fraction < 0.1 else f"{fraction:.0%}"


def incident_text(incident: PastIncident) -> str:
    """Return an incident in one line."""
    length = duration((incident.end - incident.start).total_seconds())
    spent = incident.budget_spent_fraction
    parts = [
        f"{clock(incident.start)}, {length}",
        incident.title,
        incident.severity,
        "" if spent is None else f"{percent_text(spent)} of the budget",
    ]
    return ", ".join(part for part in parts if part)


def _score_table(rule_set: RuleSetScore) -> Table:
    """Each row has two lines: the median, and the worst or the interval. Lone rules stand once."""
    table = new_table(f"{rule_set.name}: medians, below them the worst", "", *_SCORE_HEADS)
    singly = sum(1 for one in rule_set.scores if one.scope not in SCOPES)
    for score in rule_set.scores:
        if singly > 1 or score.scope not in SCOPES[1:]:
            table.add_row(*_score_row(score))
    return table


def _score_row(score: Score) -> tuple[str, ...]:
    unknown = (
        "not known" if score.unknown_fraction is None else percent_text(score.unknown_fraction)
    )
    return (
        score.scope,
        f"{score.alerts}\n{score.alerts_per_week:.2f}",
        share_text(score.precision, "\n"),
        share_text(score.recall, "\n"),
        f"{seconds_text(score.detection_median_seconds)}\n"
        f"{seconds_text(score.detection_worst_seconds)}",
        f"{seconds_text(score.reset_median_seconds)}\n{seconds_text(score.reset_worst_seconds)}",
        f"{percent_text(score.budget_at_alert_median)}\n"
        f"{percent_text(score.budget_at_alert_worst)}",
        unknown,
    )


def _print_lists(console: Console, rule_set: RuleSetScore) -> None:
    everything = rule_set.scores[0]
    _list(console, "missed", [incident_text(one) for one in everything.missed], "red")
    late = [one for one in everything.detections if one.after_end]
    texts = [f"{incident_text(one.incident)}: {seconds_text(one.seconds)}" for one in late]
    _list(console, "late", texts, "yellow")
    false = [
        f"{clock(one.start)}, {duration((one.end - one.start).total_seconds())}, "
        f"{' and '.join(one.rules)}: {one.why}"
        for one in everything.false_alerts
    ]
    _list(console, "false", false, "yellow")


def _list(console: Console, label: str, lines: Sequence[str], style: str) -> None:
    for place, line in enumerate(_shown(lines)):
        say(console, f"{label if place == 0 else '':<11}{line}", style)


def _shown(lines: Sequence[str]) -> Iterable[str]:
    yield from lines[:LISTED]
    if len(lines) > LISTED:
        yield f"… and {len(lines) - LISTED} more: --json has all"


def replay_console(stream: TextIO) -> Console:
    """Return a console as wide as the terminal; in a pipe, wide enough for every column."""
    console = Console(file=stream, highlight=False)
    return console if console.is_terminal else Console(file=stream, highlight=False, width=160)
