"""Resolution: the actions, what each should do, what it did, and what was undone."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.learning.others import changes_by_others
from holdfast.learning.quotes import code
from holdfast.learning.writing import (
    Writing,
    bullet,
    evidence_links,
    header,
    milestone_at,
    row,
    style_of,
    text,
)
from holdfast.model.action import RunbookCall
from holdfast.model.case import ActionCase
from holdfast.model.incident import IncidentOutcome
from holdfast.model.lesson import Paragraph, Section

_EFFECTS = {"seen": "seen", "not_seen": "**not seen**", "no_data": "**no data**"}


def resolution(w: Writing) -> Section:
    """Say what was done and what came of it."""
    actions = [a for a in w.case.actions.values() if a.action.purpose == "mitigate"]
    found = acts(w, actions) if actions else _nothing_done(w)
    if w.case.escalated:
        found.append(text(f"Escalated to a person: {w.quote(w.case.escalated.reason)}"))
    return Section(title="Resolution", paragraphs=(*found, _time_to_mitigate(w)))


def acts(w: Writing, actions: Sequence[ActionCase]) -> list[Paragraph]:
    """Return a table of actions, and below it what happened to each."""
    rows = [_head(), *(_row(w, one) for one in actions)]
    return [*rows, *(p for one in actions for p in _story(w, one))]


def plan_words(call: RunbookCall) -> str:
    """Return a runbook's name and parameters, as code."""
    given = ", ".join(f"{key}={value}" for key, value in call.parameters.items())
    return code(f"{call.runbook_id}({given})")


def effect_words(one: ActionCase) -> str:
    """Return how the verdict reads; `not measured` where there is none."""
    return _EFFECTS[one.verdict.effect] if one.verdict else "not measured"


def _nothing_done(w: Writing) -> list[Paragraph]:
    if w.case.outcome is not IncidentOutcome.RECOVERED:
        return [text("No action was taken.")]
    others = changes_by_others(w)
    if others is None:
        said = "Holdfast took no action. Whether somebody else changed something meanwhile is not "
        return [text(f"{said}known: the record of changes did not answer.")]
    if not others:
        return [text("No action was taken: the service recovered by itself.")]
    said = "Holdfast took no action. Meanwhile others changed the services in question; whether "
    return [text(f"{said}that ended it was not examined:"), *(bullet(line) for line in others)]


def _head() -> Paragraph:
    return header("Action", "Plan", "At", "Took", "Expected", "Measured", "Effect", "Data")


def _row(w: Writing, one: ActionCase) -> Paragraph:
    action, key = one.action, one.action.id
    measured = _measured(w, one) if one.verdict else "—"
    performed = [i for p in one.performances for i in p.evidence_ids]
    judged = one.verdict.evidence_ids if one.verdict else ()
    return row(
        w.quote(action.title),
        plan_words(action.plan),
        str(w.fact("actions", key, "claimed", style="clock")) if one.claimed_at else "not done",
        str(w.fact("actions", key, "act_seconds", style="duration")) if one.performances else "—",
        _expected(w, one),
        measured,
        effect_words(one),
        evidence_links([*performed, *judged]),
    )


def _measured(w: Writing, one: ActionCase) -> str:
    """Return the measured value; a probe only says yes or no, which the effect does already."""
    effect = one.action.expected_effect
    if effect.kind == "probe":
        return "—"
    style, unit = style_of(effect.bound.unit)
    return str(w.fact("actions", one.action.id, "measured", style=style, unit=unit))


def _expected(w: Writing, one: ActionCase) -> str:
    effect = one.action.expected_effect
    bound = effect.bound
    key = one.action.id
    statement = w.quote(effect.statement.rstrip("."))
    deadline = w.fact("actions", key, "deadline_seconds", style="duration")
    if effect.kind == "probe":
        return f"{statement}, by {deadline} after"
    within = w.bound("actions", key, bound.at_least, bound.at_most, bound.unit)
    if effect.kind != "query":
        return f"{statement}: {within}, by {deadline} after"
    hold = w.fact("actions", key, "hold_seconds", style="duration")
    return f"{statement}: {within}, for {hold}, by {deadline} after"


def _story(w: Writing, one: ActionCase) -> list[Paragraph]:
    lines = [_guard(w, one)]
    if not one.claims:
        lines.append(f"not done; it would have been {plan_words(one.action.plan)}")
    lines += [
        f"{w.quote(a.approver)} said {a.decision}{f': {w.quote(a.note)}' if a.note else ''}"
        for a in one.approvals
    ]
    lines += [
        f"{p.part}: {p.outcome.replace('_', ' ')}{f' ({w.quote(p.detail)})' if p.detail else ''}"
        for p in one.performances
    ]
    lines.append(_held(w, one))
    lines.append(_undo(w, one))
    about = "" if _mitigates(one) else f"{w.quote(one.action.title)}, "
    return [text(f"{about}{code(one.action.id)}:"), *(bullet(line) for line in lines if line)]


def _mitigates(one: ActionCase) -> bool:
    return one.action.purpose == "mitigate"


def _undo_words(one: ActionCase) -> str:
    """Return the undo's plan; a step of a fix is undone by its own runbook's undo steps."""
    if _mitigates(one):
        return plan_words(one.action.undo)
    return f"the undo steps of {code(one.action.undo.runbook_id)}"


def _guard(w: Writing, one: ActionCase) -> str:
    if one.guard is None:
        return "the guard was not asked"
    reasons = "; ".join(w.quote(reason) for reason in one.guard.reasons)
    return f"guard: {one.guard.decision}, autonomy {one.guard.autonomy.value}: {reasons}"


def _held(w: Writing, one: ActionCase) -> str:
    if one.verdict is None or one.action.expected_effect.kind != "query":
        return ""
    held = w.fact("actions", one.action.id, "held_seconds", style="duration")
    return f"the expected effect held for {held}"


def _undo(w: Writing, one: ActionCase) -> str:
    outcome = one.outcome_of("undo")
    if outcome:
        at = w.fact("actions", one.action.id, "undone", style="clock")
        word = "undone" if outcome in ("done", "not_needed") else "undo tried"
        return f"{word} with {_undo_words(one)} at {at}: {outcome.replace('_', ' ')}"
    if one.undo_guard is not None and one.undo_guard.decision == "deny":
        reasons = "; ".join(w.quote(reason) for reason in one.undo_guard.reasons)
        return f"**not undone** with {_undo_words(one)}: the guard said no: {reasons}"
    if not one.claims or not _mitigates(one):
        return ""
    return f"undo, where it had been needed: {_undo_words(one)}"


def _time_to_mitigate(w: Writing) -> Paragraph:
    target = w.target("mitigate")
    if milestone_at(w.case, "mitigated") is None:
        if w.unneeded:
            return text("No mitigation was needed: the objective was measured to hold.")
        return text(f"No mitigation was verified; the target is {target} from detection.")
    taken = w.between("detected", "mitigated")
    hold = w.fact("settings", "mitigated_hold_seconds", "value", style="duration")
    return text(
        f"From detection to the verified mitigation: {taken}; target: {target}. The policy asks "
        f"that the SLI is back for {hold} before an incident is called mitigated."
    )
