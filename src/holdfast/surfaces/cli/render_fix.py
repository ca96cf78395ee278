"""What the events of a permanent fix and of prevention say. Pure."""

from __future__ import annotations

from holdfast.model import event as ev
from holdfast.model.case import Case
from holdfast.surfaces.cli.fix_words import (
    diff_excerpt,
    fix_words,
    prevention_details,
    regression_words,
)
from holdfast.surfaces.cli.line import Line, Tone

_MOST_DIFF_LINES = 16
_SHORT = 12


def render_fix(payload: ev.Payload, before: Case) -> list[Line]:
    """Return the lines of a fix or of a rule; none where it is something else."""
    match payload:
        case ev.Repaired():
            return [_repaired(payload, before)]
        case ev.Prevented():
            return [_prevented(payload)]
        case _:
            return []


def _prevented(prevented: ev.Prevented) -> Line:
    found = prevented.prevention
    if found is None:
        return Line("prevention", f"no new alert rule: {prevented.reason}", Tone.WARN)
    text, *details = prevention_details(found)
    tone = Tone.GOOD if found.proof.holds else Tone.WARN
    return Line("prevention", text, tone, tuple(details))


def _repaired(repaired: ev.Repaired, before: Case) -> Line:
    fix, declined = repaired.fix, _declined(repaired)
    if fix is None:
        return Line("fix", "no permanent fix could be written", Tone.WARN, declined)
    details = [*fix.sentences]
    if fix.guilty_commit:
        details.append(f"guilty commit: {fix.guilty_commit[:_SHORT]} {fix.guilty_subject}")
    details += [regression_words(fix), *diff_excerpt(before, fix, _MOST_DIFF_LINES), *declined]
    return Line("fix", fix_words(before, fix), Tone.GOOD, tuple(details))


def _declined(repaired: ev.Repaired) -> tuple[str, ...]:
    return tuple(
        f"declined: {one.method.replace('_', ' ')}: {one.reason}" for one in repaired.declined
    )
