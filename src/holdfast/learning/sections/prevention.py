"""Prevention: the rule that would have told earlier, what it does on records, the checklist."""

from __future__ import annotations

from holdfast.errors import EvidenceError
from holdfast.learning.figures import Said
from holdfast.learning.fix_facts import ALERTED, FIRES, MOMENTS, RULE
from holdfast.learning.prevention.proof import rule_evaluations, rule_firing
from holdfast.learning.quotes import code
from holdfast.learning.writing import Writing, block, evidence_links, header, row, text
from holdfast.model.figure import Derivation
from holdfast.model.lesson import Paragraph, Section
from holdfast.model.prevention import Prevention, RuleProof

TITLE = "Prevention"

_PAIR = 2
"""Evidence of a rule's proof comes in pairs, the incident's own first (`prevention.proof`)."""


def prevention(w: Writing) -> Section | None:
    """Say what tells of a repeat; None where the incident did not come so far."""
    told = w.case.prevented
    if told is None:
        return None
    found = told.prevention
    if found is None:
        said = f"No new alert rule: {w.quote(told.reason.rstrip('.'))}." if told.reason else ""
        paragraphs = [text(said or "No new alert rule could be derived.")]
    else:
        paragraphs = _rule(w, found)
    return Section(title=TITLE, paragraphs=(*paragraphs, *_checklist(w)))


def _rule(w: Writing, found: Prevention) -> list[Paragraph]:
    rule, proof = found.rule, found.proof
    lasts = w.fact(RULE, rule.name, "for_seconds", style="duration")
    standing = "is in force" if proof.holds else "is **not** put in force: its proof does not hold"
    said = f"The alert rule {code(rule.name)} of {code(found.service)} {standing}. It fires once "
    said += f"this has answered for {lasts}:"
    threshold = f"Where its threshold comes from: {w.quote(found.threshold_from.rstrip('.'))}."
    pairs = {"This incident": proof.evidence_ids[:_PAIR], "Healthy": proof.evidence_ids[_PAIR:]}
    return [
        text(said),
        block(rule.expression, "promql"),
        text(threshold),
        header("Recording", "Evaluations", "Fires at", "Data"),
        *(_recording(w, found, name, ids) for name, ids in pairs.items()),
        text(_earlier(w, proof)),
    ]


def _recording(w: Writing, found: Prevention, name: str, ids: tuple[str, ...]) -> Paragraph:
    evaluations = _counted(w, rule_evaluations.__name__, ids)
    firing = _counted(w, rule_firing.__name__, ids, for_seconds=found.rule.for_seconds)
    return row(name, evaluations, firing, evidence_links(ids))


def _counted(w: Writing, function: str, ids: tuple[str, ...], **parameters: float) -> str:
    """Count again from the recordings; where they are not whole there is nothing to count."""
    items = [w.case.evidence[i] for i in ids if i in w.case.evidence]
    if not items or len(items) < len(ids):
        return "no data"
    try:
        counted = Derivation(function=function, evidence_ids=ids, parameters={**parameters})
        return str(w.book.add(counted, "count"))
    except EvidenceError:
        return "cannot be computed"


def _earlier(w: Writing, proof: RuleProof) -> str:
    if proof.fired_at_unix_seconds is None:
        return "In this incident it would not have fired."
    at = w.fact(MOMENTS, FIRES, "unix_seconds", style="clock")
    said = f"In this incident it would have fired at {at}"
    if proof.alert_at_unix_seconds is None:
        return f"{said}; no alert opened the incident."
    if proof.fired_at_unix_seconds > proof.alert_at_unix_seconds:
        return f"{said}, {_apart(w, ALERTED, FIRES)} after the alert that opened it."
    return f"{said}, {_apart(w, FIRES, ALERTED)} before the alert that opened it."


def _apart(w: Writing, first: str, then: str) -> Said:
    return w.book.of(
        "cell_difference",
        w.facts[MOMENTS],
        style="duration",
        key_column="moment",
        key=then,
        base=first,
        column="unix_seconds",
    )


def _checklist(w: Writing) -> list[Paragraph]:
    fix = w.case.repaired.fix if w.case.repaired else None
    service = next((s for s in w.config.services if fix and s.name == fix.service), None)
    if fix is None or service is None or service.code is None:
        return []
    path = service.code.review_checklist
    if path not in fix.files:
        return []
    said = f"The review checklist {code(path)} of {code(fix.service)} is extended, on the branch "
    return [text(f"{said}of the fix.")]
