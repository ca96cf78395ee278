"""Simulations and searches as tables for a terminal, or plain lines in a pipe."""

from __future__ import annotations

from rich.console import Console

from holdfast.learning.formats import duration
from holdfast.model.replay import Candidate, Estimate, Search, SimulatedCell, Simulation
from holdfast.surfaces.cli.replay_tables import (
    NONE,
    heading,
    new_table,
    percent_text,
    say,
    seconds_text,
    share_text,
    span_text,
)


def print_simulation(console: Console, simulation: Simulation) -> None:
    """Print recall, detection time and budget by depth and length."""
    heading(console, f"{simulation.slo}: injected outages, {simulation.scope}")
    say(console, f"past       {span_text(simulation.span)}")
    say(
        console,
        f"outages    {simulation.outages_per_cell} of each depth and length at quiet times, "
        f"seed {simulation.seed}; medians and fractions with 95 % intervals",
    )
    table = new_table(
        "", "depth", "length", "budget it spends", "recall", "detection", "reset", "budget at alert"
    )
    for cell in simulation.cells:
        table.add_row(*_cell_row(cell))
    console.print(table)


def print_search(console: Console, search: Search) -> None:
    """Print the front, the set in force, and the recommended one with why."""
    heading(console, f"{search.slo}: {len(search.candidates)} parameter sets")
    say(console, f"past       {span_text(search.span)}")
    say(
        console,
        f"against    {search.incidents} significant incidents of the past and {search.outages} "
        f"injected outages, seed {search.seed}; {search.significant_is}",
    )
    table = new_table(
        "what nothing beats, and the set in force",
        "parameter set",
        "precision",
        "recall",
        "detection",
        "budget at page",
        "pages a week",
    )
    shown = [c for c in search.candidates if c.on_front or c is search.candidates[0]]
    for one in sorted(shown, key=lambda c: (-(c.recall.fraction or 0), c.name)):
        mark = "→ " if one.name == search.recommended else "  "
        table.add_row(mark + one.name, *_candidate_row(one))
    console.print(table)
    say(console, f"take       {search.recommended}", "green")
    say(console, f"why        {search.why}")


def _cell_row(cell: SimulatedCell) -> tuple[str, ...]:
    head = (f"{cell.depth:.2%}", duration(cell.length_seconds))
    if cell.missed_reason:
        return (*head, cell.missed_reason)
    return (
        *head,
        percent_text(cell.budget_spent_fraction),
        share_text(cell.recall),
        NONE if cell.detection_seconds is None else _times(cell.detection_seconds),
        NONE if cell.reset_seconds is None else _times(cell.reset_seconds),
        NONE if cell.budget_at_alert is None else _percents(cell.budget_at_alert),
    )


def _candidate_row(one: Candidate) -> tuple[str, ...]:
    return (
        share_text(one.precision),
        share_text(one.recall),
        seconds_text(one.detection_median_seconds),
        percent_text(one.budget_at_page_median),
        f"{one.pages_per_week:.2f}",
    )


def _times(estimate: Estimate) -> str:
    low, high = duration(estimate.low), duration(estimate.high)
    return f"{duration(estimate.median)} ({low} to {high})"


def _percents(estimate: Estimate) -> str:
    low, high = percent_text(estimate.low), percent_text(estimate.high)
    return f"{percent_text(estimate.median)} ({low} to {high})"
