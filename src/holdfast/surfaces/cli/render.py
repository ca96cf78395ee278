"""What an event says, in lines. Pure: only the event's fields, and what was known before it.

The words are an account of the ledger, never an input: no decision reads them.
"""

from __future__ import annotations

from holdfast.ledger.fold import apply, fold
from holdfast.model import event as ev
from holdfast.model.case import Case
from holdfast.model.event import Event
from holdfast.model.evidence import Evidence, EvidenceKind, Outcome
from holdfast.model.hypothesis import Hypothesis, HypothesisStatus, TestResult
from holdfast.surfaces.cli import wording
from holdfast.surfaces.cli.line import Line, Tone
from holdfast.surfaces.cli.render_actions import render_action
from holdfast.surfaces.cli.render_fix import render_fix

_STATUS_TONES = {
    HypothesisStatus.SUPPORTED: Tone.GOOD,
    HypothesisStatus.SUSPECTED: Tone.GOOD,
    HypothesisStatus.REFUTED: Tone.DIM,
    HypothesisStatus.UNRESOLVED: Tone.WARN,
    HypothesisStatus.OPEN: Tone.PLAIN,
}
_READINGS = {
    "supports": ("supports it", Tone.PLAIN),
    "contradicts": ("contradicts it", Tone.DIM),
    "unknown": ("says nothing of it", Tone.WARN),
}


def render_all(events: tuple[Event, ...]) -> list[tuple[Event, list[Line]]]:
    """Return every event of one incident with its lines, in order."""
    told: list[tuple[Event, list[Line]]] = []
    case: Case | None = None
    for entry in events:
        told.append((entry, render(entry, case)))
        case = fold([entry]) if case is None else apply(case, entry)
    return told


def render(entry: Event, before: Case | None) -> list[Line]:
    """Return the lines of one event; `before` is the case as it was then, None for the first."""
    payload = entry.payload
    if isinstance(payload, ev.Opened):
        return [_opened(payload)]
    if before is None:
        raise ValueError(f"{entry.incident_id} does not begin with `opened`")
    return (
        _investigation(payload, before)
        or render_action(payload, before)
        or render_fix(payload, before)
        or _items(payload, before)
        or _course(payload)
    )


def _investigation(payload: ev.Payload, before: Case) -> list[Line]:
    match payload:
        case ev.EvidenceKept(evidence=evidence):
            return [_evidence(evidence)]
        case ev.Triaged():
            return _triaged(payload)
        case ev.HypothesisProposed(hypothesis=hypothesis):
            return _thought(hypothesis, before)
        case ev.TestPlanned():
            return [_test_planned(payload, before)]
        case ev.TestObserved(result=result):
            return [_observed(result, before)]
        case ev.HypothesisJudged():
            return [_reflection(payload, before)]
        case _:
            return []


def _opened(opened: ev.Opened) -> Line:
    details = [opened.severity_reason]
    if opened.statement:
        details.append(f"reported: “{wording.one_line(opened.statement)}”")
    details += [f"claimed, to be measured: {claim.text}" for claim in opened.claims]
    if opened.laboratory:
        details.append("laboratory: these are not production's numbers")
    about = "" if opened.title.startswith(opened.service) else f"{opened.service}: "
    text = f"{opened.severity} {about}{opened.title}"
    return Line("incident", text, Tone.BAD, tuple(d for d in details if d))


def _evidence(evidence: Evidence) -> Line:
    query = wording.one_line(evidence.query)
    text = f"{wording.answer(evidence)} from {evidence.source} to {query}"
    own = evidence.kind in (EvidenceKind.LEDGER, EvidenceKind.CONFIG)  # empty tables are no silence
    routine = own or evidence.outcome is Outcome.DATA
    return Line("evidence", text, Tone.DIM if routine else Tone.WARN, routine=routine)


def _triaged(triaged: ev.Triaged) -> list[Line]:
    figures = wording.impact(triaged.impact)
    changes = [wording.change(one, triaged.onset) for one in triaged.changes]
    onset = f"; it began at {wording.clock(triaged.onset.timestamp())}" if triaged.onset else ""
    gaps = tuple(f"gap: {gap}" for gap in triaged.gaps)
    return [
        Line("observation", "impact so far: " + (", ".join(figures) or "not measured")),
        Line("observation", f"changes: {changes[0]}" if changes else "no recent change is known",
             details=tuple(changes[1:])),
        Line("plan", f"in question: {', '.join(triaged.services)}{onset}", Tone.ACCENT, gaps),
    ]  # fmt: skip


def _thought(hypothesis: Hypothesis, before: Case) -> list[Line]:
    name = wording.hypothesis_name(before, hypothesis.id)
    below = ""
    if hypothesis.parent_id in before.hypotheses:
        below = f" (explains {wording.hypothesis_name(before, hypothesis.parent_id)})"
    lines = [Line("thought", f"{name} {hypothesis.statement}{below}", details=_code(hypothesis))]
    if hypothesis.predicts:
        predicts = f"{name} predicts: {'; '.join(hypothesis.predicts)}"
        lines.append(Line("thought", predicts, Tone.DIM, routine=True))
    return lines


def _test_planned(planned: ev.TestPlanned, before: Case) -> Line:
    test = planned.test
    name = wording.hypothesis_name(before, test.hypothesis_id)
    force = "outside refutes" if test.decisive else "outside weakens"
    prediction = f"predicted {wording.bound(test.prediction)}, {force}"
    return Line("action", f"{name} {test.question} ({prediction})")


def _observed(result: TestResult, before: Case) -> Line:
    name = wording.hypothesis_name(before, result.hypothesis_id)
    test = before.tests.get(result.test_id)
    measured, question = "answered", ""
    if test is not None:
        measured = wording.amount(result.measured, test.prediction.unit)
        question = f"{test.question} "
    reading, tone = _READINGS[result.reading]
    details = (result.note,) if result.note else ()
    return Line("observation", f"{name} {question}{measured}: {reading}", tone, details)


def _reflection(judged: ev.HypothesisJudged, before: Case) -> Line:
    now = judged.hypothesis
    earlier = before.hypotheses.get(now.id)
    name = wording.hypothesis_name(before, now.id)
    confidence = wording.percent(round(now.confidence, 2))
    if earlier is not None and round(earlier.confidence, 2) != round(now.confidence, 2):
        confidence = f"{wording.percent(round(earlier.confidence, 2))} → {confidence}"
    details = [f"gap: {gap}" for gap in now.gaps if earlier is None or gap not in earlier.gaps]
    if earlier is None or earlier.code != now.code:
        details += _code(now)
    text = f"{name} {now.status}, {confidence}: {judged.reason}"
    return Line("reflection", text, _STATUS_TONES[now.status], tuple(details))


def _code(hypothesis: Hypothesis) -> tuple[str, ...]:
    return tuple(
        f"{spot.path}:{spot.line}" + (f" {spot.symbol}" if spot.symbol else "") + f": {spot.why}"
        for spot in hypothesis.code
    )


def _items(payload: ev.Payload, before: Case) -> list[Line]:
    match payload:
        case ev.ActionItemFiled(item=item):
            details = (f"owner {item.owner}, due {item.due}", f"closed by: {item.check}")
            return [Line("to do", f"{item.type}: {item.title}", details=details)]
        case ev.ActionItemClosed(item_id=item_id, note=note):
            titles = (item.title for item in before.action_items if item.id == item_id)
            text = f"{next(titles, item_id)}: {wording.one_line(note)}"
            return [Line("done", text, Tone.GOOD)]
        case _:
            return []


def _course(payload: ev.Payload) -> list[Line]:
    match payload:
        case ev.MilestoneReached(milestone=milestone):
            name = milestone.name.replace("_", " ")
            at = wording.clock(milestone.at.timestamp())
            estimated = ", estimated" if milestone.estimated else ""
            return [Line("milestone", f"{name} at {at}{estimated}", Tone.ACCENT)]
        case ev.SeverityRaised(severity=severity, reason=reason):
            return [Line("severity", f"{severity} now: {reason}", Tone.BAD)]
        case ev.StatusChanged(status=status, outcome=outcome, reason=reason):
            ended = f" ({outcome.value.replace('_', ' ')})" if outcome else ""
            return [Line("status", f"{status}{ended}: {reason}", Tone.ACCENT)]
        case ev.Escalated(reason=reason, gaps=gaps):
            return [Line("escalated", reason, Tone.BAD, tuple(f"gap: {gap}" for gap in gaps))]
        case ev.PostmortemWritten(markdown_path=markdown, json_path=as_json):
            return [Line("report", markdown, Tone.GOOD, (as_json,), whole=True)]
        case ev.ContractChecked(met=met, unmet=unmet):
            missing = tuple(f"not met: {item}" for item in unmet)
            text = f"completion contract: {len(met)} of {len(met) + len(unmet)} met"
            return [Line("contract", text, Tone.WARN if unmet else Tone.GOOD, missing)]
        case ev.Noted(text=text):
            return [Line("note", wording.one_line(text), Tone.DIM)]
        case _:  # a kind that this version has no words for: said, and never in the way
            return [Line(payload.kind.replace("_", " "), "recorded", Tone.DIM)]
