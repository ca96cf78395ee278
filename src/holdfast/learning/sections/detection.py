"""Detection: which alert or sentence, how fast the budget burned, how long it took."""

from __future__ import annotations

from holdfast.diagnosis.claims import claim_id
from holdfast.learning.ledger_evidence import tiers_fact
from holdfast.learning.quotes import code
from holdfast.learning.writing import Writing, evidence_links, header, milestone_at, row, text
from holdfast.model.incident import Claim
from holdfast.model.lesson import Paragraph, Section

_READINGS = {
    "supports": "it was so",
    "contradicts": "it was otherwise",
    "unknown": "not known: no data",
}


def detection(w: Writing) -> Section:
    """Say how it was noticed."""
    found = [*_alert(w), *_statement(w), *_burns(w), _time_to_detect(w)]
    return Section(title="Detection", paragraphs=tuple(found))


def _alert(w: Writing) -> list[Paragraph]:
    alert = w.case.opened.alert
    if alert is None:
        return []
    name = alert.labels.get("alertname", alert.fingerprint)
    objective = f" on the objective {code(w.case.opened.slo)}" if w.case.opened.slo else ""
    said = f"The alert {code(name)} ({alert.severity}) from {code(alert.source)} opened the "
    said += f"incident{objective}."
    summary = alert.annotations.get("summary") or alert.annotations.get("description")
    quoted = f" It said: “{w.quote(summary)}”." if summary else ""
    return [text(said + quoted)]


def _statement(w: Writing) -> list[Paragraph]:
    statement = w.case.opened.statement
    if statement is None:
        return []
    said = f"A person said: “{w.quote(statement)}” Numbers in this sentence are claims, quoted "
    said += "as they were made, beside what was measured of each."
    claims = w.case.opened.claims
    head = [header("Claimed", "Quantity", "Measured", "Reading")] if claims else []
    return [text(said), *head, *(_claim(w, claim) for claim in claims)]


def _claim(w: Writing, claim: Claim) -> Paragraph:
    """Set a claim beside what was measured of it: whoever said it may have rounded, or erred."""
    told = w.quote(claim.text), code(claim.quantity)
    wanted = claim_id(w.case, claim)
    tests = [test for test in w.case.tests.values() if test.hypothesis_id == wanted]
    results = [(t, w.case.results[t.id]) for t in tests if t.id in w.case.results]
    if not results:
        hypothesis = w.case.hypotheses.get(wanted)
        gaps = "; ".join(w.quote(gap) for gap in hypothesis.gaps) if hypothesis else ""
        return row(*told, "not measured", gaps or "no metric of it was asked")
    test, result = results[-1]
    links = evidence_links(result.evidence_ids)
    return row(*told, f"{w.measured(test, result)} ({links})", _READINGS[result.reading])


def _burns(w: Writing) -> list[Paragraph]:
    slo, detected = w.slo, milestone_at(w.case, "detected")
    if slo is None or detected is None or not slo.tiers:
        return []
    head = header("Tier", "Action", "Fires at burn rate", "Long window", "Short window")
    rows: list[Paragraph] = []
    for tier in slo.tiers:
        name = tiers_fact(slo.name)
        threshold = w.fact(name, tier.name, "burn_rate", style="multiple")
        cells = [_burn_cell(w, slo.name, tier.name, w_, detected.timestamp()) for w_ in _WINDOWS]
        rows.append(row(code(tier.name), tier.action, str(threshold), *cells))
    return [text("Burn rates at the moment of detection:"), head, *rows]


_WINDOWS = ("long", "short")


def _burn_cell(w: Writing, slo: str, tier: str, which: str, detected: float) -> str:
    length = w.fact(tiers_fact(slo), tier, f"{which}_window_seconds", style="duration")
    burn = w.asked(f"burn:{slo}:{tier}:{which}", "points_last", "multiple", to=detected)
    return f"{burn if burn else 'not asked'} over {length}"


def _time_to_detect(w: Writing) -> Paragraph:
    if milestone_at(w.case, "impact_started") is None:
        return text("The start of the impact is not known, so neither is the time to detect.")
    taken = w.between("impact_started", "detected")
    estimated = w.case.milestones["impact_started"].estimated
    note = " The start is estimated from the SLI's series." if estimated else ""
    target = w.target("detect")
    return text(f"From the start of the impact to detection: {taken}; target: {target}.{note}")
