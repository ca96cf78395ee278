"""Facts of the ledger and of the configuration, as evidence: so that a time of the timeline or an
objective is a figure like any other, and can be recomputed from what is kept with the incident.

The engine appends them before the post-mortem is written (`entries`), and reads them back by the
step keys (`gathered`): a crash in between loses nothing, and nothing is asked twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from holdfast.learning.fix_facts import fix_tables, share_percent
from holdfast.learning.meanwhile import MEANWHILE, meanwhile_tables
from holdfast.learning.quotes import names_of, quote_facts, text_numbers
from holdfast.learning.targets import PHASE_TARGETS_SECONDS
from holdfast.ledger.store import Entry
from holdfast.model.action import Verdict
from holdfast.model.case import ActionCase, Case
from holdfast.model.config import Config
from holdfast.model.event import Event, EvidenceKept
from holdfast.model.evidence import Cell, Evidence, EvidenceKind, Outcome, Table
from holdfast.model.ids import derived_id
from holdfast.model.policy import Policy
from holdfast.model.slo import SLO
from holdfast.slo.burn import burn_rate_threshold

_FACT, _ANSWER = "learn:fact:", "learn:answer:"
LEDGER, CONFIGURATION, DEFAULTS = "ledger", "holdfast.yaml", "holdfast's documented defaults"

NAMES = "configured names"
"""The fact that holds the configuration's names: a tier called `1h` is no figure."""

LAST_ENTRY = "last_entry"
"""Stands among the milestones: until when an incident that is not over is known."""

SETTING_COLUMNS = ("setting", "value")


@dataclass(frozen=True)
class Gathered:
    """What the report is written from besides the case: evidence by name."""

    facts: Mapping[str, Evidence]
    answers: Mapping[str, Evidence]


def facts(
    case: Case, events: Sequence[Event], config: Config, policy: Policy
) -> dict[str, Evidence]:
    """Return the facts of an incident so far, by name. The same inputs give the same evidence.

    Call it when all action items are filed: what the ledger says later is not among the facts.
    """
    tables = _ledger_tables(case, events)
    found = {name: _seal(case, name, table, LEDGER) for name, table in tables.items()}
    settings = _configuration_tables(case, config, policy)
    found |= {name: _seal(case, name, table, CONFIGURATION) for name, table in settings.items()}
    targets = _table(("target", "seconds"), PHASE_TARGETS_SECONDS.items())
    return found | {"targets": _seal(case, "targets", targets, DEFAULTS)}


def entries(facts: Mapping[str, Evidence], answers: Mapping[str, Evidence]) -> list[Entry]:
    """Return the ledger entries that keep facts and answers, each under its name."""
    named = [(_FACT + name, item) for name, item in facts.items()]
    named += [(_ANSWER + name, item) for name, item in answers.items()]
    return [(key, EvidenceKept(evidence=item)) for key, item in named]


def gathered(events: Iterable[Event]) -> Gathered:
    """Read facts and answers back from the ledger."""
    kept: dict[str, dict[str, Evidence]] = {_FACT: {}, _ANSWER: {}}
    for entry in events:
        for prefix, by_name in kept.items():
            if isinstance(entry.payload, EvidenceKept) and entry.step_key.startswith(prefix):
                by_name[entry.step_key.removeprefix(prefix)] = entry.payload.evidence
    return Gathered(facts=kept[_FACT], answers=kept[_ANSWER])


def configured_names(facts: Mapping[str, Evidence]) -> frozenset[str]:
    """Return the names that the configuration gave, as far as a fact holds them."""
    item = facts.get(NAMES)
    rows = item.value.rows if item and isinstance(item.value, Table) else ()
    return frozenset(str(row[0]) for row in rows)


def slo_fact(name: str) -> str:
    """The name of the fact that holds an objective's settings."""
    return f"slo:{name}"


def tiers_fact(name: str) -> str:
    """The name of the fact that holds an objective's burn-rate tiers."""
    return f"tiers:{name}"


def _seal(case: Case, name: str, table: Table, source: str) -> Evidence:
    sealed = Evidence.seal(
        kind=EvidenceKind.LEDGER if source == LEDGER else EvidenceKind.CONFIG,
        query=f"{name} of {case.incident_id} up to entry {case.last_sequence}",
        source=source,
        asked_at=case.last_event_at,
        outcome=Outcome.DATA if table.rows else Outcome.NO_DATA,
        value=table,
    )
    return sealed.model_copy(update={"id": derived_id("ev", case.last_event_at, sealed.hash)})


def _table(columns: tuple[str, ...], rows: Iterable[tuple[Cell, ...]]) -> Table:
    return Table(columns=columns, rows=tuple(rows))


# ---- the ledger ------------------------------------------------------------------------------


def _ledger_tables(case: Case, events: Sequence[Event]) -> dict[str, Table]:
    changes = case.triage.changes if case.triage else ()
    return {
        "milestones": _table(("milestone", "unix_seconds"), _milestones(case)),
        "entries": _table(
            ("entry", "kind", "unix_seconds"),
            ((e.sequence, e.payload.kind, _unix(e.at)) for e in events),
        ),
        "changes": _table(("change", "unix_seconds"), ((c.id, _unix(c.at)) for c in changes)),
        "windows": _table(("window", "from", "to"), _windows(case)),
        "actions": _table(ACTION_COLUMNS, (_action_row(one) for one in case.actions.values())),
        "tests": _table(
            ("test", "measured", "at_least", "at_most"),
            (
                (t.id, _measured(case, t.id), t.prediction.at_least, t.prediction.at_most)
                for t in case.tests.values()
            ),
        ),
        "hypotheses": _table(
            ("hypothesis", "status", "confidence"),
            ((h.id, h.status.value, h.confidence) for h in case.hypotheses.values()),
        ),
        "action items": _table(
            ("item", "due"),
            ((i.id, _unix(datetime.combine(i.due, time(), UTC))) for i in case.action_items),
        ),
        "quotations": quote_facts(events, names_of(case)),
        **fix_tables(case),
        **meanwhile_tables(case, gathered(events).answers.get(MEANWHILE)),
    }


ACTION_COLUMNS = (
    "action",
    "claimed",
    "verified",
    "undone",
    "act_seconds",
    "undo_seconds",
    "measured",
    "held_seconds",
    "at_least",
    "at_most",
    "hold_seconds",
    "deadline_seconds",
    "percent",
    "looks",
)


def _action_row(one: ActionCase) -> tuple[Cell, ...]:
    expected, verdict = one.action.expected_effect, one.verdict
    undone = [
        at for at, p in zip(one.performed_at, one.performances, strict=True) if p.part == "undo"
    ]
    return (
        one.action.id,
        _unix(one.claimed_at[0]) if one.claimed_at else None,
        _unix(one.verified_at) if one.verified_at else None,
        _unix(undone[-1]) if undone else None,
        _seconds(one, "act"),
        _seconds(one, "undo"),
        *_seen(verdict),
        expected.bound.at_least,
        expected.bound.at_most,
        expected.hold_seconds,
        expected.deadline_seconds,
        share_percent(one),
        len(one.looks),
    )


def _seen(verdict: Verdict | None) -> tuple[float | None, float | None]:
    return (verdict.measured, verdict.held_seconds) if verdict else (None, None)


def _seconds(one: ActionCase, part: str) -> float | None:
    found = [p.seconds for p in one.performances if p.part == part]
    return found[-1] if found else None


def _measured(case: Case, test_id: str) -> float | None:
    result = case.results.get(test_id)
    return result.measured if result else None


def _milestones(case: Case) -> list[tuple[Cell, ...]]:
    reached: list[tuple[Cell, ...]] = [(m.name, _unix(m.at)) for m in case.milestones.values()]
    return [*reached, (LAST_ENTRY, _unix(case.last_event_at))]


def _windows(case: Case) -> list[tuple[Cell, ...]]:
    triage = case.triage
    if triage is None or triage.healthy_from is None or triage.healthy_to is None:
        return []
    return [("healthy", _unix(triage.healthy_from), _unix(triage.healthy_to))]


def _unix(at: datetime) -> float:
    return at.timestamp()


# ---- the configuration -----------------------------------------------------------------------


def _configuration_tables(case: Case, config: Config, policy: Policy) -> dict[str, Table]:
    slos = [slo for slo in config.slos if slo.service == case.opened.service]
    rows: list[tuple[Cell, ...]] = [
        ("mitigated_hold_seconds", policy.mitigated_hold_seconds),
        ("mitigation_deadline_seconds", policy.mitigation_deadline_seconds),
        ("revenue_per_request", config.revenue_per_request),
    ]
    found = {"settings": _table(SETTING_COLUMNS, rows)}
    for slo in slos:
        found[slo_fact(slo.name)] = _slo_table(slo)
        found[tiers_fact(slo.name)] = _tier_table(slo)
    texts = [text for slo in slos for text in (slo.description, slo.period_note)]
    texts += [config.currency or "", policy.name, *(s.owner for s in config.services)]
    return found | {
        NAMES: _table(("name",), ((name,) for name in _names(config))),
        "configured texts": text_numbers(texts, names_of(case), "configuration"),
    }


def _names(config: Config) -> list[str]:
    named = {config.environment, *(service.name for service in config.services)}
    named |= {slo.name for slo in config.slos}
    return sorted(named | {tier.name for slo in config.slos for tier in slo.tiers})


def _slo_table(slo: SLO) -> Table:
    rows: list[tuple[Cell, ...]] = [
        ("objective", slo.objective),
        ("error_budget_fraction", slo.error_budget_fraction),
        ("threshold_seconds", slo.threshold_seconds),
        ("period_seconds", slo.period_seconds),
    ]
    return _table(SETTING_COLUMNS, rows)


def _tier_table(slo: SLO) -> Table:
    """`burn_rate` = budget fraction x period / long window (Site Reliability Workbook, ch. 5)."""
    return _table(
        ("tier", "budget_fraction", "long_window_seconds", "short_window_seconds", "burn_rate"),
        (
            (
                tier.name,
                tier.budget_fraction,
                tier.long_window_seconds,
                tier.short_window_seconds,
                burn_rate_threshold(tier, slo),
            )
            for tier in slo.tiers
        ),
    )
