"""A design in rows: for a terminal, or as records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from holdfast.model.base import Record
from holdfast.model.slo import SLO
from holdfast.model.target import Baseline, CountTest, TargetProposal
from holdfast.slo.design.documents.indicator import threshold_sentence
from holdfast.slo.design.documents.markdown import span
from holdfast.slo.design.documents.segment_tables import masked_sentences
from holdfast.slo.design.records import Architecture, DesignedObjective
from holdfast.slo.files.promtool import PromtoolResult
from holdfast.slo.targets.percent import percent
from holdfast.surfaces.cli.print_rows import width_of, write
from holdfast.surfaces.cli.styles import wrap


class MaskedSegment(Record):
    """A segment that fails while the whole looks well."""

    dimension: str
    label: str
    value: str
    bad_events: float
    total_events: float


class DesignRow(Record):
    """One objective of a design, as `--json` prints it."""

    slo: SLO
    baseline: Baseline
    proposal: TargetProposal
    count_tests: tuple[CountTest, ...]
    masked: tuple[MaskedSegment, ...]
    threshold_error_fraction: float | None
    """For latency: how far the measured fraction may be off the wanted bound's; 0 = exact."""
    gaps: tuple[str, ...]
    folder: str
    queries: int
    """Of the whole design."""
    source_seconds: float
    seconds: float


def json_lines(design: Architecture, folder: Path) -> Iterable[str]:
    """Yield a record for each objective."""
    for designed in design.objectives:
        threshold = designed.sli.threshold
        yield DesignRow(
            slo=designed.slo,
            baseline=designed.baseline,
            proposal=designed.proposal,
            count_tests=designed.count_tests,
            masked=tuple(
                MaskedSegment(
                    dimension=table.dimension,
                    label=table.label,
                    value=segment.value,
                    bad_events=segment.bad_events,
                    total_events=segment.total_events,
                )
                for table, segment in designed.masked
            ),
            threshold_error_fraction=threshold.error_fraction if threshold else None,
            gaps=design.gaps,
            folder=str(folder),
            queries=design.asked.queries,
            source_seconds=design.asked.seconds,
            seconds=design.seconds,
        ).model_dump_json()


def print_design(
    console: Console,
    design: Architecture,
    folder: Path,
    checked: Sequence[PromtoolResult],
    untested: Sequence[str],
) -> None:
    """Print the SLOs of one service, what is to be known of them, and where they stand."""
    console.print(_table(design.objectives))
    for note in _notes(design):
        _note(console, "!", "yellow", note.replace("**", ""))
    for gap in design.gaps:
        _note(console, "-", "dim", gap)
    for sentence in untested:
        _note(console, "!", "yellow", f"without tests: {sentence}")
    if checked:
        _note(console, "✓", "green", "promtool accepts the rules and their tests")
    else:
        _note(console, "-", "dim", "promtool is not installed: the rules were not checked")
    write(console, Text(f"{folder}", "bold").append(f"  {_cost(design)}", "dim"))


def print_many(
    console: Console, written: Sequence[tuple[Architecture, Path]], services: int
) -> None:
    """Print the SLOs of several services, and what they took."""
    console.print(_table([d for design, _ in written for d in design.objectives]))
    for design, _ in written:
        for designed in design.objectives:
            for line in masked_sentences(designed):
                _note(console, "!", "yellow", f"{design.service}: {line.replace('**', '')}")
    queries = sum(design.asked.queries for design, _ in written)
    seconds = sum(design.seconds for design, _ in written)
    write(
        console,
        Text(f"{len(written)} of {services} services, {queries} queries, {span(seconds)}", "bold"),
    )


def _table(objectives: Iterable[DesignedObjective]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("SLO", "objective", "history shows", "budget", "alerts", "masked"):
        table.add_column(heading, overflow="fold")
    for designed in objectives:
        slo, shown = designed.slo, designed.baseline
        known = shown.low is not None and shown.high is not None
        table.add_row(
            Text(slo.name),
            percent(slo.objective),
            f"{percent(shown.low or 0)} to {percent(shown.high or 0)}" if known else "no data",
            f"{span(slo.error_budget_fraction * slo.period_seconds)} in {span(slo.period_seconds)}",
            str(len(slo.tiers)),
            str(len(designed.masked) or ""),
        )
    return table


def _notes(design: Architecture) -> Iterable[str]:
    """What is to be known: of segments, of bounds, of targets; what holds for all of them once."""
    yield from (line for designed in design.objectives for line in masked_sentences(designed))
    for designed in design.objectives:
        threshold = designed.sli.threshold
        if threshold is not None and not threshold.exact:
            yield f"{designed.slo.name}: {threshold_sentence(threshold)}"
        if designed.segment_gap:
            yield designed.segment_gap
    warned = Counter(w for d in design.objectives for w in d.proposal.warnings)
    common = [warning for warning, times in warned.items() if times == len(design.objectives)]
    yield from common
    for designed in design.objectives:
        own = (w for w in designed.proposal.warnings if w not in common)
        tests = (test.sentence for test in designed.count_tests)
        yield from (f"{designed.slo.name}: {note}" for note in (*own, *tests))
    yield from (f"the source warned: {warning}" for warning in design.warnings)


def _cost(design: Architecture) -> str:
    share = design.asked.seconds / design.seconds if design.seconds > 0 else 0.0
    return (
        f"{design.asked.queries} queries, {span(design.seconds)}, "
        f"{100 * share:.0f} % of it the source's answers"
    )


def _note(console: Console, mark: str, style: str, text: str) -> None:
    rows = wrap(text, width_of(console) - 2)
    first = Text(f"{mark} ", style).append(rows[0])
    write(console, first, *(Text(f"  {row}") for row in rows[1:]))
