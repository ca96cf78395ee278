"""What an incident came to: outcome, cause, impact, times, actions, work left, files. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from holdfast.diagnosis.claims import claim_id
from holdfast.learning.cause import cause_of
from holdfast.learning.formats import duration, percent
from holdfast.model.case import ActionCase, Case
from holdfast.model.event import Event, StatusChanged
from holdfast.model.hypothesis import Hypothesis
from holdfast.model.incident import Claim, IncidentOutcome
from holdfast.reasoning.fix_course import course_of
from holdfast.reasoning.narrate import fix_ended
from holdfast.surfaces.cli import wording
from holdfast.surfaces.cli.fix_words import fix_words, prevention_details, verdict_details
from holdfast.surfaces.cli.impact import whole_impact
from holdfast.surfaces.cli.line import Tone
from holdfast.surfaces.cli.phases import Phase, phases

_EFFECTS = {
    "seen": ("effect seen", Tone.GOOD),
    "not_seen": ("effect not seen", Tone.BAD),
    "no_data": ("effect unknown", Tone.WARN),
}


_UNNEEDED = (IncidentOutcome.FALSE_ALARM, IncidentOutcome.RECOVERED)
_READINGS = {"supports": "it was so", "contradicts": "it was otherwise", "unknown": "not known"}


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """A heading and what stands beside it, a text a row."""

    heading: str
    texts: tuple[str, ...]
    tone: Tone = Tone.PLAIN
    whole: bool = False
    """Never broken by us: a path or a command that is to be copied."""


def summary(
    case: Case, events: Sequence[Event], now: datetime, folder: Path | None = None
) -> tuple[SummaryRow, ...]:
    """Return the rows; what there is nothing of is left out, except for the cause.

    Files below `folder` are named from there.
    """
    rows = (
        _outcome(case, events),
        _cause(case),
        SummaryRow("claimed", tuple(_claim(case, claim) for claim in case.opened.claims)),
        SummaryRow("impact", whole_impact(case, events)),
        SummaryRow("phases", _phases(case, events, now)),
        *(_action(case, known) for known in case.actions.values()),
        *_fix(case),
        SummaryRow(
            "to do",
            tuple(f"{i.type}: {i.title} ({i.owner}, {i.due})" for i in case.action_items),
        ),
        _files(case, folder),
    )
    return tuple(row for row in rows if row.texts)


def _outcome(case: Case, events: Sequence[Event]) -> SummaryRow:
    if case.outcome is None:
        return SummaryRow("status", (case.status.value,), Tone.WARN)
    reasons = [
        e.payload.reason
        for e in events
        if isinstance(e.payload, StatusChanged) and e.payload.outcome is case.outcome
    ]
    name = case.outcome.value.replace("_", " ")
    gaps = tuple(f"gap: {gap}" for gap in case.escalated.gaps) if case.escalated else ()
    tone = Tone.BAD if case.escalated else Tone.GOOD
    return SummaryRow("outcome", (f"{name}: {reasons[-1]}" if reasons else name, *gaps), tone)


def _cause(case: Case) -> SummaryRow:
    cause = cause_of(case)
    believed = [h for h in (cause.origin, cause.mechanism) if h is not None]
    if not believed:
        return SummaryRow("cause", ("none is supported by evidence",), Tone.WARN)
    unique = [h for place, h in enumerate(believed) if h not in believed[:place]]
    spots = [
        f"{spot.path}:{spot.line} {spot.symbol}: {spot.why}" for h in unique for spot in h.code
    ]
    return SummaryRow("cause", (*(_belief(h) for h in unique), *spots))


def _belief(hypothesis: Hypothesis) -> str:
    return (
        f"{hypothesis.statement} ({hypothesis.status}, {percent(round(hypothesis.confidence, 2))})"
    )


def _claim(case: Case, claim: Claim) -> str:
    """Set what was told beside what was measured of it."""
    wanted = claim_id(case, claim)
    told = f"{claim.text} ({claim.quantity.replace('_', ' ')})"
    for test in case.tests.values():
        result = case.results.get(test.id)
        if test.hypothesis_id == wanted and result is not None:
            measured = wording.amount(result.measured, test.prediction.unit)
            return f"{told}: measured {measured}, {_READINGS[result.reading]}"
    return f"{told}: not measured"


def _phases(case: Case, events: Sequence[Event], now: datetime) -> tuple[str, ...]:
    begun = (phase for phase in phases(case, events, now) if phase.state != "pending")
    return tuple(_phase(phase, case) for phase in begun)


def _phase(phase: Phase, case: Case) -> str:
    target = "" if phase.target_seconds is None else f", target {duration(phase.target_seconds)}"
    if phase.state == "missed":
        unneeded = case.outcome in _UNNEEDED and phase.name != "learn"
        return f"{phase.name:<9} " + ("not needed" if unneeded else f"not reached{target}")
    elapsed = "unknown" if phase.elapsed_seconds is None else duration(phase.elapsed_seconds)
    late = ", late" if phase.late else ""
    running = ", not over" if phase.state == "running" else ""
    return f"{phase.name:<9} {elapsed}{target}{late}{running}"


def _fix(case: Case) -> tuple[SummaryRow, ...]:
    """Return what became of the permanent fix, and the rule that tells of a repeat."""
    course = course_of(case)
    if course is None or case.repaired is None:
        return ()
    declined = tuple(
        f"declined: {one.method.replace('_', ' ')}: {one.reason}" for one in case.repaired.declined
    )
    tone = Tone.GOOD if course.verified else Tone.WARN
    about = () if course.fix is None else (fix_words(case, course.fix), *course.fix.sentences)
    rows = [SummaryRow("fix", (fix_ended(case), *about, *declined), tone)]
    if case.prevented is not None:
        rule = case.prevented.prevention
        found = prevention_details(rule) if rule else (f"no rule: {case.prevented.reason}",)
        held = rule is not None and rule.proof.holds
        rows.append(SummaryRow("prevent", found, Tone.GOOD if held else Tone.WARN))
    return tuple(rows)


def _action(case: Case, known: ActionCase) -> SummaryRow:
    heading = "action" if known.action.purpose == "mitigate" else known.action.purpose
    effect = f"expected {wording.expected(known.action.expected_effect)}"
    verdict = known.verdict
    if verdict is None:
        outcome = known.outcome_of("act") or (known.guard.decision if known.guard else "proposed")
        return SummaryRow(heading, (known.action.title, f"{effect}: {outcome}"), Tone.WARN)
    words, tone = _EFFECTS[verdict.effect]
    measured = wording.measured(known.action.expected_effect, verdict.measured)
    undone = ", undone" if known.outcome_of("undo") == "done" else ""
    told = "; ".join(part for part in (effect, measured) if part)
    details = verdict_details(case, known, verdict)
    return SummaryRow(heading, (known.action.title, f"{told}: {words}{undone}", *details), tone)


def _files(case: Case, folder: Path | None) -> SummaryRow:
    report = case.postmortem
    if report is None:
        return SummaryRow("files", ())
    markdown, record = (_near(p, folder) for p in (report.markdown_path, report.json_path))
    return SummaryRow("files", (markdown, record, f"holdfast verify {markdown}"), whole=True)


def _near(path: str, folder: Path | None) -> str:
    inside = folder is not None and Path(path).is_relative_to(folder)
    return str(Path(path).relative_to(folder)) if inside and folder else path
