"""`slo-document.md`: each target with its reason, what may be promised, and who agrees."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.model.service import UNASSIGNED
from holdfast.model.target import TargetReason
from holdfast.slo.burn import (
    burn_rate_threshold,
    error_ratio_threshold,
    seconds_to_fire,
    seconds_to_reset,
    unreachable_at_or_below,
)
from holdfast.slo.design.documents.history import history_part
from holdfast.slo.design.documents.indicator import indicator_part
from holdfast.slo.design.documents.markdown import bullets, moment, page, span, table
from holdfast.slo.design.documents.segment_tables import segments_part
from holdfast.slo.design.records import Architecture, DesignedObjective
from holdfast.slo.targets.percent import percent

_FULL_OUTAGE = 1.0
_ROLES = ("owner of the service", "those who are on call", "those who speak for the users")


def slo_document(design: Architecture) -> str:
    """Return the page."""
    return page(
        f"# Service level objectives of {design.service}",
        _facts(design),
        _overview(design),
        *(_objective(designed) for designed in design.objectives),
        _sla(design),
        _dependencies(design),
        _gaps(design),
        _sign_off(design),
    )


def _facts(design: Architecture) -> str:
    note = next((slo.period_note for slo in design.slos if slo.period_note), "")
    return bullets(
        (
            f"Owner: {design.owner}",
            f"Designed from {design.source}, as of {moment(design.designed_at)}, looking back "
            f"{span(design.asked_seconds)}",
            *((f"Note: {note}",) if note else ()),
            *(f"The source warned: {warning}" for warning in design.warnings),
        )
    )


def _overview(design: Architecture) -> str:
    rows = (
        (
            slo.name,
            percent(slo.objective),
            span(slo.period_seconds),
            f"{percent(slo.error_budget_fraction)} of all events, or "
            f"{span(slo.error_budget_fraction * slo.period_seconds)} of full outage at even "
            "traffic",
        )
        for slo in design.slos
    )
    return table(("SLO", "objective", "period (rolling)", "error budget"), rows)


def _objective(designed: DesignedObjective) -> str:
    return page(
        f"## {designed.slo.name}: {percent(designed.slo.objective)}",
        indicator_part(designed),
        "### Why this target",
        _reasons(designed),
        "### Alerts",
        _alerts(designed),
        history_part(designed),
        segments_part(designed),
    ).rstrip()


# ---- the target ------------------------------------------------------------------------------


def _reasons(designed: DesignedObjective) -> str:
    rows = [(_kind(r), _value(r), _capital(r.sentence)) for r in designed.proposal.reasons]
    warnings = bullets(f"**Note:** {warning}" for warning in designed.proposal.warnings)
    return page(table(("reason", "value", "in words"), rows), warnings).rstrip()


def _kind(reason: TargetReason) -> str:
    return reason.kind.replace("_", " ").replace("sla", "SLA")


def _value(reason: TargetReason) -> str:
    if reason.value is None:
        return "-"
    return f"{reason.value:,.0f}" if reason.kind == "cost" else percent(reason.value)


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


# ---- the alerts ------------------------------------------------------------------------------


def _alerts(designed: DesignedObjective) -> str:
    head = (
        "tier",
        "action",
        "budget",
        "windows",
        "burn rate",
        "fires above",
        "full outage: fires after",
        "resets after",
        "cannot fire at or below",
    )
    tests = bullets(f"**Low traffic:** {test.sentence}" for test in designed.count_tests)
    return page(
        "Burn rate = budget fraction x period / long window; the alert fires while the bad "
        "fraction of both windows is above burn rate x (1 - objective) (Google, The Site "
        "Reliability Workbook, chapter 5). Scrapes and evaluations come on top of the times.",
        table(head, _tiers(designed)),
        tests,
    ).rstrip()


def _tiers(designed: DesignedObjective) -> Iterator[tuple[str, ...]]:
    slo = designed.slo
    for tier in slo.tiers:
        bound = unreachable_at_or_below(tier, slo)
        fires = seconds_to_fire(tier, slo, _FULL_OUTAGE)
        resets = seconds_to_reset(tier, slo, _FULL_OUTAGE)
        yield (
            tier.name,
            tier.action,
            f"{100 * tier.budget_fraction:.4g} %",
            f"{span(tier.long_window_seconds)} and {span(tier.short_window_seconds)}",
            f"{burn_rate_threshold(tier, slo):.4g}",
            percent(error_ratio_threshold(tier, slo)),
            "never" if fires is None else span(fires),
            "-" if resets is None else span(resets),
            "-" if bound is None else percent(bound),
        )


# ---- promises and people ---------------------------------------------------------------------


def _sla(design: Architecture) -> str:
    sla = design.requirements.sla
    lines = [
        f"{designed.slo.name}: {reason.sentence}"
        for designed in design.objectives
        for reason in designed.proposal.reasons
        if reason.kind in ("sla", "sla_promise")
    ]
    if sla is None:
        lines.append("No SLA was given: whether one is in force is not known.")
    return page("## What an SLA may promise", bullets(lines)).rstrip()


def _dependencies(design: Architecture) -> str:
    allowed = design.objectives[0].ceiling
    return page(
        "## What dependencies allow",
        _capital(allowed.sentence) + ".",
        bullets(factor.sentence for factor in allowed.factors),
        bullets(f"**Note:** {warning}" for warning in allowed.warnings),
    ).rstrip()


def _gaps(design: Architecture) -> str:
    return page("## What has no objective", bullets(design.gaps)).rstrip() if design.gaps else ""


def _sign_off(design: Architecture) -> str:
    given = [(s.role, s.name) for s in design.requirements.sign_off]
    usual = [(_ROLES[0], design.owner), *((role, UNASSIGNED) for role in _ROLES[1:])]
    rows = [(role, name, "", "") for role, name in given or usual]
    return page(
        "## Sign-off",
        "Until it is signed this is a proposal. Nobody was invented: `unassigned` is for you to "
        "fill in.",
        table(("role", "name", "agreed", "date"), rows),
    ).rstrip()
