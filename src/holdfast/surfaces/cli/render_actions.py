"""What the events of an action say: plan, guard, a person's word, claim, outcome, effect. Pure."""

from __future__ import annotations

from holdfast.learning.formats import duration
from holdfast.model import event as ev
from holdfast.model.action import Action, Approval, GuardDecision, Performance, Verdict
from holdfast.model.case import Case
from holdfast.surfaces.cli import wording
from holdfast.surfaces.cli.fix_words import verdict_details
from holdfast.surfaces.cli.line import Line, Tone

_GUARD = {
    "allow": ("allowed", Tone.GOOD),
    "ask": ("a person decides", Tone.WARN),
    "deny": ("denied", Tone.BAD),
}
_PERFORMED = {
    "done": ("done", Tone.PLAIN),
    "failed": ("failed", Tone.BAD),
    "unknown": ("no answer, so the world is asked", Tone.WARN),
    "not_needed": ("not needed", Tone.PLAIN),
}
_EFFECT = {
    "seen": ("effect seen", Tone.GOOD),
    "not_seen": ("effect not seen", Tone.BAD),
    "no_data": ("effect unknown", Tone.WARN),
}
_LOOK_TONES = {"promote": Tone.GOOD, "roll_back": Tone.BAD, "inconclusive": Tone.DIM}
_DECISION = {
    "approve": "approves",
    "modify": "asks for another plan than",
    "reject": "refuses",
    "escalate": "hands on",
}


def render_action(payload: ev.Payload, before: Case) -> list[Line]:
    """Return the lines of an event of an action; none where it is something else."""
    match payload:
        case ev.ActionProposed(action=action):
            return [_proposed(action, before)]
        case ev.Guarded(decision=decision):
            return [_guarded(decision, before)]
        case ev.Approved(approval=approval):
            return [_approved(approval, before)]
        case ev.Claimed(action_id=action_id, part=part, attempt=attempt, world=world):
            again = f", attempt {attempt}" if attempt > 1 else ""
            what = f"{wording.action_name(before, action_id)} {part}{again}"
            return [Line("write", f"{what}: {_title(before, action_id, part)}", Tone.ACCENT,
                         (f"claimed while this runs: {wording.world(world)}",))]  # fmt: skip
        case ev.Performed(performance=performance):
            return [_performed(performance, before)]
        case ev.Verified(verdict=verdict):
            return [_verified(verdict, before)]
        case ev.CanaryLooked():
            return [_looked(payload, before)]
        case _:
            return []


def _proposed(action: Action, before: Case) -> Line:
    name = wording.action_name(before, action.id)
    effect = action.expected_effect
    about = "" if effect.kind == "probe" else f"{effect.statement} "
    within = wording.expected(effect)
    details = (
        f"expected: {about}({within})" if about else f"expected: {within}",
        f"condition: {wording.world(action.preconditions)}",
        f"reach: {action.blast_radius}",
        f"undo: {wording.call(action.undo)}",
    )
    return Line("plan", f"{name} {action.title} ({action.risk} risk)", Tone.ACCENT, details)


def _guarded(decision: GuardDecision, before: Case) -> Line:
    words, tone = _GUARD[decision.decision]
    name = wording.action_name(before, decision.action_id)
    details = list(decision.reasons)
    if decision.decision == "ask":
        details.append(f"holdfast approve {before.incident_id}")
    return Line("guard", f"{name} {words} at level {decision.autonomy}", tone, tuple(details))


def _approved(approval: Approval, before: Case) -> Line:
    name = wording.action_name(before, approval.action_id)
    note = (approval.note,) if approval.note else ()
    good = approval.decision == "approve"
    text = f"{approval.approver} {_DECISION[approval.decision]} {name}"
    return Line("approval", text, Tone.GOOD if good else Tone.WARN, note)


def _performed(performance: Performance, before: Case) -> Line:
    words, tone = _PERFORMED[performance.outcome]
    name = wording.action_name(before, performance.action_id)
    text = f"{name} {performance.part}: {words} after {duration(performance.seconds)}"
    return Line("observation", text, tone, (performance.detail,) if performance.detail else ())


def _verified(verdict: Verdict, before: Case) -> Line:
    words, tone = _EFFECT[verdict.effect]
    name = wording.action_name(before, verdict.action_id)
    known = before.actions.get(verdict.action_id)
    held = f", held {duration(verdict.held_seconds)}" if verdict.held_seconds else ""
    if known is None:
        measured = f"measured {wording.amount(verdict.measured, '')}"
    else:
        measured = wording.measured(known.action.expected_effect, verdict.measured)
    told = f"{measured}, expected {verdict.expected}" if measured else verdict.expected
    details = tuple(verdict_details(before, known, verdict)) if known else ()
    return Line("observation", f"{name} {words}: {told}{held}", tone, details)


def _looked(looked: ev.CanaryLooked, before: Case) -> Line:
    """Tell a look; one that decides as the one before it is told in passing."""
    name = wording.action_name(before, looked.action_id)
    known = before.actions.get(looked.action_id)
    earlier = known.looks[-1].decision if known and known.looks else None
    tone = _LOOK_TONES[looked.decision]
    decision = looked.decision.replace("_", " ")
    reason = wording.one_line(looked.reason)
    told = reason if reason.startswith(decision) else f"{decision}: {reason}"
    text = f"{name} look {looked.look}: {told}"
    return Line("observation", text, tone, routine=earlier == looked.decision)


def _title(before: Case, action_id: str, part: str) -> str:
    known = before.actions.get(action_id)
    if known is None:
        return action_id
    return known.action.title if part == "act" else wording.call(known.action.undo)
