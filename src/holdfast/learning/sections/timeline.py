"""The timeline: each row from an entry of the ledger, with its evidence beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.learning.figures import Said
from holdfast.learning.quotes import code
from holdfast.learning.sections.resolution import plan_words
from holdfast.learning.writing import Writing, evidence_links, header, moved_words, row, text
from holdfast.model import event as ev
from holdfast.model.change import Change
from holdfast.model.event import Event
from holdfast.model.fix import Fix
from holdfast.model.lesson import Section


@dataclass(frozen=True)
class _Line:
    at: float
    clock: Said
    what: str
    who: str
    evidence_ids: tuple[str, ...]


def timeline(w: Writing) -> Section:
    """List what happened, oldest first. Rows are ordered by when a thing was, not was recorded."""
    recorded = len(_fact_entries(w))
    lines = [line for entry in w.events[:recorded] for line in _lines(w, entry)]
    lines.sort(key=lambda line: line.at)
    day = w.fact("entries", 1, "unix_seconds", style="date")
    rows = [
        row(str(li.clock), li.what, code(li.who), evidence_links(li.evidence_ids)) for li in lines
    ]
    said = f"All times are UTC; the incident was opened on {day}. Every row is an entry of the "
    said += "ledger; evidence that was asked is kept beside this file and not listed here."
    head = header("Time", "What", "Who", "Data")
    return Section(title="Timeline", paragraphs=(text(said), head, *rows))


def _fact_entries(w: Writing) -> tuple[object, ...]:
    return getattr(w.facts["entries"].value, "rows", ())


def _lines(w: Writing, entry: Event) -> Iterator[_Line]:
    if isinstance(entry.payload, ev.Triaged):
        for change in entry.payload.changes:
            at = w.fact("changes", change.id, "unix_seconds", style="clock")
            who = change.actor or change.source
            yield _Line(change.at.timestamp(), at, _changed(w, change), who, ())
    if isinstance(entry.payload, ev.MilestoneReached):
        milestone = entry.payload.milestone
        estimated = " (estimated)" if milestone.estimated else ""
        what = f"**{milestone.name.replace('_', ' ').capitalize()}**{estimated}"
        at = w.at(milestone.name)
        yield _Line(milestone.at.timestamp(), at, what, entry.actor, milestone.evidence_ids)
        return
    said = _what(w, entry)
    if said:
        at = w.fact("entries", entry.sequence, "unix_seconds", style="clock")
        yield _Line(entry.at.timestamp(), at, said, entry.actor, _evidence(w, entry))


def _changed(w: Writing, change: Change) -> str:
    moved = moved_words(w, change)
    what = f"{change.type.value.capitalize()} of {code(change.service)} {moved}".strip()
    if not change.summary:
        return what
    summary = w.quote(change.summary)
    return f"{what} ({summary})" if change.setting else f"{what}: {summary}"


def _what(w: Writing, entry: Event) -> str:
    quote = w.quote
    match entry.payload:
        case ev.Opened(title=title, severity=severity):
            return f"Incident opened as {severity.value}: {quote(title)}"
        case ev.Triaged(services=services):
            return f"Impact measured, changes listed; in question: {', '.join(map(code, services))}"
        case ev.HypothesisJudged(hypothesis=h, reason=reason):
            return f"{quote(h.statement)} → **{h.status.value}**: {quote(reason)}"
        case ev.StatusChanged(status=status, outcome=outcome, reason=reason):
            ended = f", outcome {outcome.value}" if outcome else ""
            return f"Status {status.value}{ended}: {quote(reason)}"
        case ev.Escalated(reason=reason):
            return f"Escalated: {quote(reason)}"
        case ev.ActionItemFiled(item=item):
            return f"Action item filed: {quote(item.title)}"
        case ev.Noted(text=note):
            return f"Note: {quote(note)}"
        case ev.Repaired(fix=fix):
            return _repaired(fix)
        case ev.Prevented():
            return _prevented(w, entry.payload)
        case _:
            return _action_line(w, entry)


def _action_line(w: Writing, entry: Event) -> str:
    quote = w.quote
    match entry.payload:
        case ev.ActionProposed(action=action):
            return f"Action planned: {quote(action.title)}, {plan_words(action.plan)}"
        case ev.Guarded(decision=decision):
            return f"Guard: {decision.decision} for {code(decision.action_id)}"
        case ev.Approved(approval=approval):
            return f"{quote(approval.approver)}: {approval.decision} {code(approval.action_id)}"
        case ev.Claimed(action_id=action_id, part=part):
            return f"{part.capitalize()} claimed: {code(action_id)}"
        case ev.Performed(performance=performance):
            outcome = performance.outcome.replace("_", " ")
            return f"{performance.part.capitalize()} {outcome}: {code(performance.action_id)}"
        case ev.Verified(verdict=verdict):
            return f"Effect of {code(verdict.action_id)}: {verdict.effect.replace('_', ' ')}"
        case ev.CanaryLooked() as looked if _is_news(w, looked):
            decision = looked.decision.replace("_", " ")
            return f"Canary {code(looked.action_id)}: {decision}, {quote(looked.reason)}"
        case _:
            return ""


def _repaired(fix: Fix | None) -> str:
    if fix is None:
        return "No permanent fix could be written"
    return f"**Fix written and tested**: {code(fix.version)} on {code(fix.branch)}"


def _prevented(w: Writing, told: ev.Prevented) -> str:
    if told.prevention is None:
        return f"No new alert rule: {w.quote(told.reason)}" if told.reason else "No new alert rule"
    return f"New alert rule {code(told.prevention.rule.name)}"


def _is_news(w: Writing, looked: ev.CanaryLooked) -> bool:
    """Whether a look decides otherwise than the one before it."""
    before = [one for one in w.case.actions[looked.action_id].looks if one.look < looked.look]
    return not before or before[-1].decision != looked.decision


def _evidence(w: Writing, entry: Event) -> tuple[str, ...]:
    match entry.payload:
        case ev.Triaged(impact=impact):
            used = [i for f in impact.figures.values() for i in f.derivation.evidence_ids]
            return tuple(dict.fromkeys(used))
        case ev.HypothesisJudged(hypothesis=h):
            tests = (*h.supports, *h.contradicts)
            results = [w.case.results[t] for t in tests if t in w.case.results]
            return tuple(dict.fromkeys(i for r in results for i in r.evidence_ids))
        case ev.Performed(performance=performance):
            return performance.evidence_ids
        case ev.Verified(verdict=verdict):
            return verdict.evidence_ids
        case ev.Repaired(fix=fix) if fix is not None:
            return tuple(fix.evidence.values())
        case ev.Prevented(prevention=prevention) if prevention is not None:
            return prevention.proof.evidence_ids
        case ev.CanaryLooked(evidence_ids=ids):
            return ids
        case _:
            return ()
