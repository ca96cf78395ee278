"""Proof: the load test beside the good version, each canary step, and the watched release."""

from __future__ import annotations

from holdfast.delivery.loadtest.evidence import LOAD_COLUMNS, RATIO_COLUMNS
from holdfast.delivery.proof import ERROR_RATIO, JUDGEMENT_COLUMNS, P95_RATIO
from holdfast.learning.evidence_tables import NOTHING, Column, shown, table_of
from holdfast.learning.quotes import code
from holdfast.learning.writing import (
    Writing,
    evidence_links,
    header,
    row,
    style_of,
    text,
)
from holdfast.model.case import ActionCase
from holdfast.model.evidence import Evidence, Outcome, Table
from holdfast.model.lesson import Paragraph, Section
from holdfast.reasoning.fix_course import steps_of

TITLE = "Proof"
OVERALL = "overall"
"""The row of a canary's verdict that is about all of it."""

_EFFECTS = {"seen": "kept", "not_seen": "**not kept**", "no_data": "**could not be made**"}
_CANARY_EFFECTS = {
    "seen": "it went on",
    "not_seen": "**it was taken back: worse**",
    "no_data": "**it was taken back: nothing was shown**",
}


def proof(w: Writing) -> Section | None:
    """Say what was measured of the fix before and while users met it; None where nothing was."""
    found = [p for one in steps_of(w.case, "stage") if one.verdict for p in _load_test(w, one)]
    found += [p for one in steps_of(w.case, "canary") if one.claims for p in _canary(w, one)]
    found += [p for one in steps_of(w.case, "release") if one.verdict for p in _release(w, one)]
    return Section(title=TITLE, paragraphs=tuple(found)) if found else None


# ---- the load test ---------------------------------------------------------------------------

_MEASURES = (
    ("p50", "p50_seconds", "duration"),
    ("p90", "p90_seconds", "duration"),
    ("p95", "p95_seconds", "duration"),
    ("p99", "p99_seconds", "duration"),
    ("Requests", "sent", "count"),
    ("Failed", "error_ratio", "percent"),
)
_JUDGED = {P95_RATIO: "p95 over the good version's, upper end", ERROR_RATIO: "Failed fraction"}


def _load_test(w: Writing, one: ActionCase) -> list[Paragraph]:
    assert one.verdict is not None
    ids = one.verdict.evidence_ids
    links = evidence_links(ids)
    said = f"Load test before any user met it: {_EFFECTS[one.verdict.effect]} ({links})."
    load = table_of(w.case, ids, *LOAD_COLUMNS)
    if load is None or load.outcome is not Outcome.DATA:
        return [text(said), *_hindrance(w, ids)]
    ratios = table_of(w.case, ids, *RATIO_COLUMNS)
    return [
        text(f"{said} {_load(w, load)}"),
        header("Measure", "Good version", "Candidate", "Ratio", "Between"),
        *(_measure(w, load, ratios, *measure) for measure in _MEASURES),
        *_judgement(w, ids),
        text(_health(w, load)),
    ]


def _hindrance(w: Writing, ids: tuple[str, ...]) -> list[Paragraph]:
    errors = [w.case.evidence[i].error for i in ids if i in w.case.evidence]
    why = next((error for error in errors if error), "")
    return [text(f"What hindered it: {code(f'error: {why}')}.")] if why else []


def _load(w: Writing, load: Evidence) -> str:
    rate = w.cell(load, "arm", "candidate", "rate_per_second", "number", "")
    lasted = w.cell(load, "arm", "candidate", "duration_seconds", "duration", "")
    return f"Both versions were asked {rate} times a second for {lasted}, side by side."


def _measure(
    w: Writing, load: Evidence, ratios: Evidence | None, title: str, column: str, style: str
) -> Paragraph:
    good, candidate = (
        str(w.cell(load, "arm", arm, column, style, "")) for arm in ("good", "candidate")
    )
    return row(title, good, candidate, *_ratio(w, ratios, title))


def _ratio(w: Writing, ratios: Evidence | None, measure: str) -> tuple[str, str]:
    known = ratios.value.rows if ratios and isinstance(ratios.value, Table) else ()
    if ratios is None or measure not in {line[0] for line in known}:
        return NOTHING, NOTHING
    ratio, low, high = (
        w.cell(ratios, "measure", measure, column, "multiple", "")
        for column in ("ratio", "low", "high")
    )
    return str(ratio), f"{low} and {high}" if low.value is not None else NOTHING


def _judgement(w: Writing, ids: tuple[str, ...]) -> list[Paragraph]:
    item = table_of(w.case, ids, *JUDGEMENT_COLUMNS)
    if item is None or not isinstance(item.value, Table):
        return []
    rows = [_judged(w, item, str(line[0]), bool(line[3])) for line in item.value.rows]
    return [header("Judged by the policy", "Measured", "At most", "Kept"), *rows]


def _judged(w: Writing, item: Evidence, key: str, kept: bool) -> Paragraph:
    style = "multiple" if key == P95_RATIO else "percent"
    measured, most = (
        str(w.cell(item, "measure", key, column, style, "")) for column in ("measured", "at_most")
    )
    return row(_JUDGED.get(key, key), measured, most, "yes" if kept else "**no**")


def _health(w: Writing, load: Evidence) -> str:
    missed = w.cell(load, "arm", "candidate", "missed", "count", "")
    lag = w.cell(load, "arm", "candidate", "lag_p99_seconds", "duration", "")
    return f"The generator's own health: requests that it did not send {missed}, lag p99 {lag}."


# ---- the canary ------------------------------------------------------------------------------

_VERDICT_COLUMNS = (
    Column("metric", "Metric"),
    Column("decision", "Decision"),
    Column("effect_ratio", "Candidate over good", "multiple"),
    Column("interval_low_ratio", "From", "multiple"),
    Column("interval_high_ratio", "To", "multiple"),
    Column("promote_below", "Good below", "multiple"),
    Column("roll_back_above", "Bad above", "multiple"),
)


def _canary(w: Writing, one: ActionCase) -> list[Paragraph]:
    key = one.action.id
    share = w.fact("actions", key, "percent", style="number", unit="%")
    looks = w.fact("actions", key, "looks", style="count")
    ended = _CANARY_EFFECTS[one.verdict.effect] if one.verdict else "**it was not judged**"
    ids = one.verdict.evidence_ids if one.verdict else ()
    ids = ids or (one.looks[-1].evidence_ids if one.looks else ())
    said = f"Canary at {share} of traffic: {ended}. Looks at both arms: {looks}."
    if one.looks:
        last = one.looks[-1]
        decision, reason = last.decision.replace("_", " "), w.quote(last.reason.rstrip("."))
        told = reason if reason.startswith(decision) else f"{decision}, {reason}"
        said += f" The last one: {told} ({evidence_links(ids)})."
    item = table_of(w.case, ids, "metric", "decision", "effect_ratio")
    if item is None:
        return [text(said)]
    rows = shown(w, item, _VERDICT_COLUMNS, wanted=lambda key: key != OVERALL)
    return [text(f"{said} {_requests(w, item)}".rstrip()), *rows]


def _requests(w: Writing, item: Evidence) -> str:
    table = item.value
    if not isinstance(table, Table) or OVERALL not in {line[0] for line in table.rows}:
        return ""
    if not {"baseline_requests", "canary_requests"} <= set(table.columns):
        return ""
    good, candidate = (
        w.cell(item, "metric", OVERALL, column, "count", "")
        for column in ("baseline_requests", "canary_requests")
    )
    return f"Requests judged: {candidate} of the candidate beside {good} of the good version."


# ---- the release -----------------------------------------------------------------------------


def _release(w: Writing, one: ActionCase) -> list[Paragraph]:
    assert one.verdict is not None
    key = one.action.id
    style, unit = style_of(one.action.expected_effect.bound.unit)
    measured = w.fact("actions", key, "measured", style=style, unit=unit)
    held = w.fact("actions", key, "held_seconds", style="duration")
    ended = {
        "seen": f"the objective held for {held}, at the end with {measured}",
        "not_seen": f"**the objective did not hold**: {measured}",
        "no_data": "**whether the objective held could not be measured**",
    }[one.verdict.effect]
    links = evidence_links(one.verdict.evidence_ids)
    return [text(f"With all traffic on it, {ended} ({links}).")]
