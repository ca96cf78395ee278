"""What went well, what went wrong, where we got lucky: by rules from the record, never invented."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from holdfast.learning.figures import Said
from holdfast.learning.logs import users_affected
from holdfast.learning.others import changes_by_others
from holdfast.learning.quotes import code
from holdfast.learning.sections.root_cause import missing_signals
from holdfast.learning.writing import Writing, bullet, milestone_at, style_of, text
from holdfast.model.hypothesis import HypothesisStatus
from holdfast.model.incident import IncidentOutcome
from holdfast.model.lesson import Section
from holdfast.reasoning.fix_course import course_of, why_no_further

Rule = Callable[[Writing], Iterator[str]]


def lessons(w: Writing) -> tuple[Section, Section, Section]:
    """Return the three sections."""
    return (
        _section(w, "What went well", _WELL),
        _section(w, "What went wrong", _WRONG),
        _section(w, "Where we got lucky", _LUCKY),
    )


def _section(w: Writing, title: str, rules: tuple[Rule, ...]) -> Section:
    found = [bullet(said) for rule in rules for said in rule(w)]
    nothing = text("Nothing in the record says so.")
    return Section(title=title, paragraphs=tuple(found) or (nothing,))


# ---- well ------------------------------------------------------------------------------------


def _detected_in_time(w: Writing) -> Iterator[str]:
    taken, target = w.between("impact_started", "detected"), w.target("detect")
    if _within(taken, target):
        yield f"Detection took {taken}, within the target of {target}."


def _mitigated_in_time(w: Writing) -> Iterator[str]:
    taken, target = w.between("detected", "mitigated"), w.target("mitigate")
    if _within(taken, target):
        yield f"Mitigation was verified {taken} after detection, within the target of {target}."


def _effects_measured(w: Writing) -> Iterator[str]:
    for one in w.case.actions.values():
        kind = one.action.expected_effect.kind
        if one.verdict and one.verdict.effect == "seen" and kind == "query":
            style, unit = style_of(one.action.expected_effect.bound.unit)
            measured = w.fact("actions", one.action.id, "measured", style=style, unit=unit)
            held = w.fact("actions", one.action.id, "held_seconds", style="duration")
            yield (
                f"The effect of {code(one.action.id)} was measured, not assumed: {measured}, "
                f"held for {held}."
            )


def _fix_proven(w: Writing) -> Iterator[str]:
    course = course_of(w.case)
    if course is not None and course.verified:
        yield (
            "The fix was load-tested beside the good version before users met it, judged on a "
            "share of them, and watched with all of them."
        )
        taken, target = w.between("detected", "resolved"), w.target("resolve")
        if _within(taken, target):
            yield f"It was resolved {taken} after detection, within the target of {target}."


def _told_earlier(w: Writing) -> Iterator[str]:
    prevention = w.case.prevented.prevention if w.case.prevented else None
    if prevention is not None and prevention.proof.holds:
        yield f"A repeat is told by the new rule {code(prevention.rule.name)}, proven on records."


def _rivals_refuted(w: Writing) -> Iterator[str]:
    refuted = HypothesisStatus.REFUTED.value
    if any(h.status.value == refuted for h in w.case.hypotheses.values()):
        many = w.book.of(
            "rows", w.facts["hypotheses"], style="count", key_column="status", key=refuted
        )
        yield (f"Explanations refuted by a test whose prediction was on record beforehand: {many}.")


def _undone(w: Writing) -> Iterator[str]:
    for one in w.case.actions.values():
        if one.outcome_of("undo") == "done":
            mitigates = one.action.purpose == "mitigate"
            why = "did not help" if mitigates else "did not show its effect"
            yield f"{code(one.action.id)} {why} and was undone."


# ---- wrong -----------------------------------------------------------------------------------


def _detected_late(w: Writing) -> Iterator[str]:
    taken, target = w.between("impact_started", "detected"), w.target("detect")
    if _beyond(taken, target):
        yield f"Detection took {taken}; the target is {target}."
    if w.case.opened.alert is None and w.case.opened.statement is not None:
        yield "A person noticed it; no alert opened the incident."


def _mitigated_late(w: Writing) -> Iterator[str]:
    taken, target = w.between("detected", "mitigated"), w.target("mitigate")
    if milestone_at(w.case, "mitigated") is None:
        if w.unneeded:
            return
        yield f"No mitigation was verified; the target is {target} after detection."
    elif _beyond(taken, target):
        yield f"Mitigation was verified {taken} after detection; the target is {target}."


def _budget_gone(w: Writing) -> Iterator[str]:
    for slo in w.slos:
        spent = w.asked(f"budget spent:{slo.name}", "value", "percent")
        if spent and spent.value is not None and spent.value >= 1:
            yield (
                f"The incident spent {spent} of the error budget of {code(slo.name)}: more than "
                "the whole period allows for the traffic seen in it."
            )


def _without_effect(w: Writing) -> Iterator[str]:
    for one in w.case.actions.values():
        effect = one.verdict.effect if one.verdict else None
        if effect == "not_seen":
            yield f"{code(one.action.id)} did not have the expected effect."
        if effect == "no_data":
            yield f"Whether {code(one.action.id)} helped could not be measured: no data."
        for performance in one.performances:
            if performance.outcome in ("failed", "unknown"):
                part, outcome = performance.part, performance.outcome
                yield f"{part.capitalize()} of {code(one.action.id)}: {outcome}."


def _fix_halted(w: Writing) -> Iterator[str]:
    course = course_of(w.case)
    if course is None or course.verified:
        return
    if course.fix is None:
        yield "No permanent fix could be written."
    elif course.halt is not None and course.last is not None:
        title = w.quote(course.last.action.title)
        why = why_no_further(course, course.fix, title=title, name=code)
        yield f"The fix went no further: {why}."


def _resolved_late(w: Writing) -> Iterator[str]:
    if "resolved" in w.case.milestones:
        taken, target = w.between("detected", "resolved"), w.target("resolve")
        if _beyond(taken, target):
            yield f"It was resolved {taken} after detection; the target is {target}."


def _cause_in_doubt(w: Writing) -> Iterator[str]:
    if w.case.outcome is IncidentOutcome.FALSE_ALARM:
        return
    if not w.cause.known:
        yield "The cause is not known."
    elif w.cause.mechanism is None:
        yield "By which mechanism it came about is not known."
    elif w.cause.mechanism.status is HypothesisStatus.SUSPECTED:
        yield "The mechanism could not be tested and is only suspected."
    for gap in missing_signals(w):
        yield f"A signal was missing: {w.quote(gap)}"


def _users_unknown(w: Writing) -> Iterator[str]:
    users = users_affected(w)
    if users is None:
        yield "How many users were affected could not be counted: no log carries users."
    elif users.value is None:
        yield "How many users were affected could not be counted: no data."


def _escalated(w: Writing) -> Iterator[str]:
    if w.case.escalated:
        yield f"A person had to take over: {w.quote(w.case.escalated.reason)}"


# ---- lucky -----------------------------------------------------------------------------------


def _recovered_alone(w: Writing) -> Iterator[str]:
    done = any(one.claims for one in w.case.actions.values())
    if w.case.outcome is IncidentOutcome.RECOVERED and not done:
        others = changes_by_others(w)
        if others:
            yield "Somebody else changed something while Holdfast took no action."
        elif others is None:
            yield "It recovered; whether somebody changed something meanwhile is not known."
        else:
            yield "The service recovered by itself; nothing in the record ensures that it would."


def _single_change(w: Writing) -> Iterator[str]:
    triage = w.case.triage
    if triage and len(triage.changes) == 1 and w.cause.change:
        yield (
            f"{code(w.cause.change.id)} was the only change on record near the onset; with "
            "several, the version split alone would have had to tell them apart."
        )


def _old_version_there(w: Writing) -> Iterator[str]:
    change = w.cause.change
    for one in w.case.actions.values():
        probe = one.action.effect_probe
        mitigates = one.action.purpose == "mitigate"
        back = mitigates and change is not None and probe.version == change.from_version
        if back and one.outcome_of("act") == "done":
            yield (
                f"{code(probe.version)} could still be deployed; no check in the record ensures "
                "that an earlier version stays deployable."
            )


def _no_failures(w: Writing) -> Iterator[str]:
    for slo in w.slos:
        if slo.kind != "availability":
            continue
        failed = w.asked(f"bad:{slo.name}", "value", "count")
        if failed and failed.value is not None and failed.value < 0.5:
            yield f"Clients waited, but failed requests: {failed}."


def _within(taken: Said, target: Said) -> bool:
    return taken.value is not None and target.value is not None and taken.value <= target.value


def _beyond(taken: Said, target: Said) -> bool:
    return taken.value is not None and target.value is not None and taken.value > target.value


_WELL: tuple[Rule, ...] = (
    _detected_in_time,
    _mitigated_in_time,
    _effects_measured,
    _rivals_refuted,
    _undone,
    _fix_proven,
    _told_earlier,
)
_WRONG: tuple[Rule, ...] = (
    _detected_late,
    _mitigated_late,
    _budget_gone,
    _without_effect,
    _fix_halted,
    _resolved_late,
    _cause_in_doubt,
    _users_unknown,
    _escalated,
)
_LUCKY: tuple[Rule, ...] = (_recovered_alone, _single_change, _old_version_there, _no_failures)
