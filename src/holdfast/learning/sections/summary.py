"""Summary: what happened, in a few sentences, and the incident's particulars."""

from __future__ import annotations

from holdfast.learning.quotes import code
from holdfast.learning.writing import Writing, header, milestone_at, row, text
from holdfast.model.hypothesis import HypothesisStatus
from holdfast.model.incident import IncidentOutcome
from holdfast.model.lesson import Paragraph, Section
from holdfast.reasoning.fix_course import course_of, where_it_is

_OUTCOMES = {
    IncidentOutcome.FIXED: "The cause is fixed and the fix was verified.",
    IncidentOutcome.MITIGATED_ONLY: (
        "The mitigation was verified; that it cannot come again is an action item."
    ),
    IncidentOutcome.RECOVERED: "The service recovered without an action of Holdfast.",
    IncidentOutcome.UNRESOLVED: "The incident ended unresolved; the gaps are named below.",
    IncidentOutcome.ESCALATED: "The incident was handed to a person; the gaps are named below.",
    IncidentOutcome.FALSE_ALARM: "There was no harm to users: a false alarm.",
}


def summary(w: Writing) -> Section:
    """Say what happened."""
    paragraphs = [*laboratory_note(w), particulars_text(w)]
    return Section(title="Summary", paragraphs=(*paragraphs, *_particulars(w)))


def laboratory_note(w: Writing) -> list[Paragraph]:
    """Say at the top where the numbers are those of a laboratory."""
    if not (w.case.opened.laboratory or w.config.laboratory):
        return []
    notes = dict.fromkeys(slo.period_note for slo in w.slos if slo.period_note)
    said = "".join(f" In its own words: {w.quote(note.rstrip('.'))}." for note in notes)
    return [text(f"**Laboratory run.** The numbers below are those of a laboratory.{said}")]


def particulars_text(w: Writing) -> Paragraph:
    """Return the summary's sentences."""
    opened = w.case.opened
    outcome = _outcome(w)
    sentences = [
        f"{code(opened.service)} {_hurt(w)} {_began(w)}{_latency(w)}.",
        _length(w),
        "" if w.unneeded and not w.cause.known else cause_sentence(w),
        _relief(w),
        _fixed(w),
        outcome or "The incident has no outcome yet.",
    ]
    return text(" ".join(s for s in sentences if s))


def _outcome(w: Writing) -> str:
    """Return the outcome in words; where a fix was written, it is not called missing."""
    if w.case.outcome is None:
        return ""
    course = course_of(w.case)
    if w.case.outcome is IncidentOutcome.MITIGATED_ONLY and course is not None and course.fix:
        return "The mitigation was verified; the fix does not serve users, and is an action item."
    return _OUTCOMES.get(w.case.outcome, "")


def cause_sentence(w: Writing) -> str:
    """Say the cause and how sure we are, and what else was shown to act at the same time."""
    beside = (f"At the same time: {w.quote(h.statement.rstrip('.'))}." for h in w.cause.beside)
    return " ".join([_main_cause(w), *beside])


def _main_cause(w: Writing) -> str:
    origin, mechanism = w.cause.origin, w.cause.mechanism
    if origin is None:
        return "The cause is not known."
    sentence = f"Cause: {w.quote(origin.statement.rstrip('.'))}."
    if mechanism is None:
        return f"{sentence} By which mechanism is not known."
    verb = "shown" if mechanism.status is HypothesisStatus.SUPPORTED else "*suspected*, not shown"
    if mechanism is origin:
        return f"{sentence} This is {verb}."
    return f"{sentence} The mechanism is {verb}: {w.quote(mechanism.statement.rstrip('.'))}."


def _hurt(w: Writing) -> str:
    if w.case.outcome is IncidentOutcome.FALSE_ALARM:
        return "seemed to hurt its users, but nothing outside the objective was measured: looked at"
    return "hurt its users from"


def _began(w: Writing) -> str:
    milestones = w.case.milestones
    if "impact_started" not in milestones:
        at = w.fact("entries", 1, "unix_seconds", style="datetime")
        return f"{at} (when the incident was opened; the start of the impact is not known)"
    estimated = " (estimated)" if milestones["impact_started"].estimated else ""
    return f"{w.at('impact_started', 'datetime')}{estimated}"


def _latency(w: Writing) -> str:
    before = w.asked("latency p95 before", "largest", "duration")
    during = w.asked("latency p95 during", "largest", "duration")
    if not before or not during or before.value is None or during.value is None:
        return ""
    verb = "rose" if during.value > before.value else "went"
    return f": their p95 latency {verb} from {before} to {during}"


def _length(w: Writing) -> str:
    if milestone_at(w.case, "mitigated") is None:
        return "" if w.unneeded else "No mitigation was verified."
    if milestone_at(w.case, "impact_started") is None:
        return f"The service was back at {w.at('mitigated')}."
    return f"It lasted {w.between('impact_started', 'mitigated')}."


def _relief(w: Writing) -> str:
    mitigations = [a for a in w.case.actions.values() if a.action.purpose == "mitigate"]
    worked = [a for a in mitigations if a.verdict and a.verdict.effect == "seen"]
    if not worked or milestone_at(w.case, "mitigated") is None:
        return ""
    return f"Mitigation: {w.quote(worked[-1].action.title.rstrip('.'))}, verified by measurement."


def _fixed(w: Writing) -> str:
    course = course_of(w.case)
    if course is None or course.fix is None:
        return ""
    version = code(course.fix.version)
    if not course.verified:
        return f"A fix was written as {version}; {where_it_is(course, course.fix, name=code)}."
    if milestone_at(w.case, "resolved") is None:
        return f"Permanent fix: {version}, merged and released."
    taken = w.between("detected", "resolved")
    return f"Permanent fix: {version}, merged and released {taken} after detection."


def _particulars(w: Writing) -> list[Paragraph]:
    opened, case = w.case.opened, w.case
    service = next((s for s in w.config.services if s.name == opened.service), None)
    owner = service.owner if service else "unassigned"
    return [
        header("Particular", "Value"),
        row("Incident", code(case.incident_id)),
        row("Severity", f"{w.case.severity.value} ({w.quote(w.case.severity_reason)})"),
        row("Status", case.status.value),
        row("Outcome", case.outcome.value if case.outcome else "none yet"),
        row("Service", code(opened.service)),
        row("Owner", w.quote(owner)),
        row("Objective", _objective(w)),
        row("Detected", str(w.at("detected", "datetime"))),
        row("Mitigated", str(w.at("mitigated", "datetime"))),
        *_resolved(w),
        row("Environment", code(w.config.environment)),
        row("Written by", f"Holdfast, from its ledger ({code(w.events[-1].actor)})"),
    ]


def _resolved(w: Writing) -> list[Paragraph]:
    if milestone_at(w.case, "resolved") is None:
        return []
    return [row("Resolved", str(w.at("resolved", "datetime")))]


def _objective(w: Writing) -> str:
    if w.slo is None:
        return "not configured"
    good = w.setting(w.slo, "objective", "percent")
    period = w.setting(w.slo, "period_seconds", "duration")
    what = "of requests without failure"
    if w.slo.kind == "latency" and w.slo.threshold_seconds is not None:
        what = f"of requests within {w.setting(w.slo, 'threshold_seconds', 'duration')}"
    return f"{code(w.slo.name)}: {good} {what} over {period}"
