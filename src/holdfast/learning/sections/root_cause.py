"""Trigger, root cause and contributing factors."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.learning.diffs import MOST_LINES, hunk_around
from holdfast.learning.quotes import code
from holdfast.learning.sections.summary import cause_sentence
from holdfast.learning.writing import Writing, block, bullet, evidence_links, moved_words, text
from holdfast.model.evidence import Evidence, EvidenceKind, Text
from holdfast.model.hypothesis import CodeSpot, Hypothesis, HypothesisStatus
from holdfast.model.lesson import Paragraph, Section

NEAR_LINES = MOST_LINES // 4
"""Places this near to each other are shown in one piece of the diff."""


def trigger(w: Writing) -> Section:
    """Say which change began it."""
    change = w.cause.change
    if change is None:
        said = "No change is known to have triggered it."
        if w.case.triage and not w.case.triage.changes:
            said += " No change was recorded near the onset."
        return Section(title="Trigger", paragraphs=(text(said),))
    at = w.fact("changes", change.id, "unix_seconds", style="datetime")
    what = moved_words(w, change)
    moved = f", {what}" if what else ""
    said = f"{change.type.value.capitalize()} {code(change.id)} of {code(change.service)}{moved}, "
    said += f"at {at}; read from {w.quote(change.source)}."
    if change.summary:
        said += f" Its summary: “{w.quote(change.summary)}”."
    return Section(title="Trigger", paragraphs=(text(said),))


def root_cause(w: Writing) -> Section:
    """Say the cause, how sure we are, and show the code that carries it."""
    paragraphs = [text(cause_sentence(w))]
    for hypothesis in _chain(w):
        paragraphs += _grounds(w, hypothesis)
        paragraphs += _code(w, hypothesis.code)
    for other in w.cause.beside:
        paragraphs += _grounds(w, other)
    if not w.cause.known:
        paragraphs += [bullet(w.quote(gap)) for gap in case_gaps(w)]
    return Section(title="Root cause", paragraphs=tuple(paragraphs))


def contributing_factors(w: Writing) -> Section:
    """Say what made it possible or worse, by rules from the record."""
    found = [*_all_at_once(w), *_no_earlier_signal(w), *_telemetry_gaps(w)]
    if not found:
        found = [text("The record names none besides the root cause.")]
    return Section(title="Contributing factors", paragraphs=tuple(found))


def case_gaps(w: Writing) -> list[str]:
    """Return everything that was wanted and could not be asked, once each."""
    case = w.case
    gaps = list(case.triage.gaps if case.triage else ())
    gaps += [gap for h in case.hypotheses.values() for gap in h.gaps]
    gaps += list(case.escalated.gaps if case.escalated else ())
    return list(dict.fromkeys(gaps))


def missing_signals(w: Writing) -> list[str]:
    """Return the gaps that left the cause in doubt; gaps of refuted rivals cost nothing."""
    if not w.cause.known:
        return case_gaps(w)
    gaps = [gap for h in _chain(w) for gap in h.gaps]
    gaps += list(w.case.escalated.gaps if w.case.escalated else ())
    return list(dict.fromkeys(gaps))


def _chain(w: Writing) -> list[Hypothesis]:
    chain = [w.cause.origin, w.cause.mechanism]
    return list({h.id: h for h in chain if h is not None}.values())


def _grounds(w: Writing, hypothesis: Hypothesis) -> list[Paragraph]:
    status = hypothesis.status
    word = "supported" if status is HypothesisStatus.SUPPORTED else "suspected"
    name = f"{code(hypothesis.mechanism)} in {code(hypothesis.service)}"
    found = [text(f"{name} is **{word}**, because:")]
    found += [bullet(reading(w, test_id)) for test_id in hypothesis.supports]
    if not hypothesis.supports:
        found = [text(f"{name} is **{word}**; no test speaks for it.")]
    if status is HypothesisStatus.SUSPECTED:
        found.append(text("It could not be tested to the end. What was missing:"))
        found += [bullet(w.quote(gap)) for gap in hypothesis.gaps] or [bullet("no gap is named")]
    return found


def reading(w: Writing, test_id: str) -> str:
    """Say a test's question, what it measured and what was predicted, with its evidence."""
    test, result = w.case.tests.get(test_id), w.case.results.get(test_id)
    if test is None or result is None:
        return f"test {code(test_id)} has no answer in the ledger"
    predicted = w.bound(
        "tests",
        test_id,
        test.prediction.at_least,
        test.prediction.at_most,
        test.prediction.unit,
    )
    links = evidence_links(result.evidence_ids)
    question = w.quote(test.question.rstrip("."))
    return f"{question}: measured {w.measured(test, result)}, predicted {predicted} ({links})"


def _code(w: Writing, spots: Sequence[CodeSpot]) -> list[Paragraph]:
    """The places, and each hunk of the diff once, behind the last place in it."""
    diffs = [_diff(w, _neighbour(spot, spots)) for spot in spots]
    shown = [diff[1] if diff else spot.excerpt for spot, diff in zip(spots, diffs, strict=True)]
    found: list[Paragraph] = []
    for at, (spot, diff) in enumerate(zip(spots, diffs, strict=True)):
        links = f" ({evidence_links([diff[0].id])})" if diff else ""
        found.append(bullet(f"{_place(w, spot)}{links}"))
        if shown[at] and shown[at] not in shown[at + 1 : at + 2]:
            found.append(block(shown[at], "diff" if diff else ""))
    return found


def _neighbour(spot: CodeSpot, spots: Sequence[CodeSpot]) -> CodeSpot:
    """The first place that the same piece of the diff shows: near ones share one piece."""
    near = (s for s in spots if s.path == spot.path and abs(s.line - spot.line) <= NEAR_LINES)
    return next(near, spot)


def _place(w: Writing, spot: CodeSpot) -> str:
    symbol = f", {code(spot.symbol)}" if spot.symbol else ""
    why = f": {w.quote(spot.why.rstrip('.'))}" if spot.why else ""
    return f"{code(f'{spot.path}:{spot.line}')}{symbol}{why}"


def _diff(w: Writing, spot: CodeSpot) -> tuple[Evidence, str] | None:
    for item in w.case.evidence.values():
        if item.kind is EvidenceKind.DIFF and isinstance(item.value, Text):
            hunk = hunk_around(item.value.text, spot.path, spot.line)
            if hunk:
                return item, hunk
    return None


def _all_at_once(w: Writing) -> list[Paragraph]:
    change = w.cause.change
    if change is None or change.to_version is None:
        return []
    alone = [
        one
        for one in w.case.actions.values()
        if one.action.preconditions.serves_only(change.service, change.to_version)
    ]
    if not alone:
        return []
    said = f"When {code(alone[0].action.id)} was planned, {code(change.to_version)} served all "
    said += f"traffic of {code(change.service)}: no share was held back by a canary."
    return [bullet(said)]


def _no_earlier_signal(w: Writing) -> list[Paragraph]:
    if w.case.opened.alert is not None:
        return []
    return [bullet("A person, not an alert, opened the incident.")]


def _telemetry_gaps(w: Writing) -> list[Paragraph]:
    gaps = [gap for h in _chain(w) for gap in h.gaps]
    return [bullet(f"Missing telemetry: {w.quote(gap)}") for gap in dict.fromkeys(gaps)]
