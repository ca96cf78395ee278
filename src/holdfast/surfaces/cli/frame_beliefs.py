"""Rows of the live view that show hypotheses and actions."""

from __future__ import annotations

from rich.text import Text

from holdfast.model.case import ActionCase, Case
from holdfast.model.hypothesis import Hypothesis, HypothesisStatus
from holdfast.surfaces.cli import wording

_BAR_WIDTH = 10
_WIDE = 100
_ORDER = {
    HypothesisStatus.SUPPORTED: 0,
    HypothesisStatus.SUSPECTED: 1,
    HypothesisStatus.OPEN: 2,
    HypothesisStatus.UNRESOLVED: 3,
    HypothesisStatus.REFUTED: 4,
}
_STYLES = {
    HypothesisStatus.SUPPORTED: "green",
    HypothesisStatus.SUSPECTED: "yellow",
    HypothesisStatus.OPEN: "",
    HypothesisStatus.UNRESOLVED: "yellow",
    HypothesisStatus.REFUTED: "dim",
}
_EFFECTS = {
    "seen": ("effect seen", "green"),
    "not_seen": ("effect not seen", "red"),
    "no_data": ("effect unknown", "yellow"),
}


def hypothesis_rows(case: Case, width: int, *, limit: int) -> list[Text]:
    """Return a row a hypothesis, the believed first, the refuted last; what is left is counted."""
    ranked = _ranked(case)
    if len(ranked) <= limit:
        return [_hypothesis(case, h, width) for h in ranked]
    shown, left = ranked[: limit - 1], ranked[limit - 1 :]
    refuted = sum(h.status is HypothesisStatus.REFUTED for h in left)
    more = f"and {len(left)} more"
    if refuted:
        more += " refuted" if refuted == len(left) else f", {refuted} of them refuted"
    return [*(_hypothesis(case, h, width) for h in shown), Text(more, "dim")]


def _ranked(case: Case) -> list[Hypothesis]:
    """Causes by what is believed of them, each followed by the mechanisms that explain it."""
    ranked = sorted(case.hypotheses.values(), key=lambda h: (_ORDER[h.status], -h.confidence))
    families: list[Hypothesis] = []
    for cause in ranked:
        if cause.parent_id not in case.hypotheses:
            families += [cause, *(h for h in ranked if h.parent_id == cause.id)]
    return [*families, *(h for h in ranked if h not in families)]


def _hypothesis(case: Case, hypothesis: Hypothesis, width: int) -> Text:
    style = _STYLES[hypothesis.status]
    name = wording.hypothesis_name(case, hypothesis.id)
    row = Text(f"{name:<4}{hypothesis.status.value:<11}", style)
    row.append(f"{round(hypothesis.confidence * 100):>3} % ", style)
    if width >= _WIDE:
        filled = round(hypothesis.confidence * _BAR_WIDTH)
        row.append("━" * filled, style or "cyan").append("─" * (_BAR_WIDTH - filled), "dim")
        row.append(" ")
    if hypothesis.parent_id in case.hypotheses:
        row.append("└ ", "dim")
    refuted = hypothesis.status is HypothesisStatus.REFUTED
    return row.append(hypothesis.statement, "dim strike" if refuted else "")


def action_rows(case: Case, *, limit: int) -> list[Text]:
    """Return two rows an action, the newest last: what it is, and its effect."""
    newest = list(case.actions.values())[-limit:]
    return [row for known in newest for row in _action(case, known)]


def _action(case: Case, known: ActionCase) -> tuple[Text, Text]:
    action, verdict = known.action, known.verdict
    title = Text(f"{wording.action_name(case, action.id):<4}", "cyan").append(action.title, "bold")
    expected = f"expected {wording.expected(action.expected_effect)}"
    if verdict is None:
        return title, Text("    ").append(_state(known), "cyan").append(f" · {expected}", "dim")
    words, style = _EFFECTS[verdict.effect]
    measured = wording.measured(action.expected_effect, verdict.measured)
    undone = ", undone" if known.outcome_of("undo") == "done" else ""
    told = ": ".join(part for part in (f"{words}{undone}", measured) if part)
    effect = Text(f"    {told}", style)
    return title, effect.append(f" · {expected}", "dim")


def _state(known: ActionCase) -> str:
    """Say where an action without a verdict is."""
    outcome = known.outcome_of("act")
    if outcome is not None:
        return {"done": "done, not yet measured"}.get(outcome, outcome.replace("_", " "))
    if known.claims:
        return "being written"
    decision = known.guard.decision if known.guard else None
    return {"allow": "allowed", "ask": "a person decides", "deny": "denied"}.get(
        decision or "", "proposed"
    )
