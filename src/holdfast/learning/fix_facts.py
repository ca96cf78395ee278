"""What the ledger says of a permanent fix and of a new rule, as facts and names for the report."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.learning.numerals import is_quantity
from holdfast.model.case import ActionCase, Case
from holdfast.model.evidence import Cell, Table
from holdfast.model.fix import Fix

FIX, RULE, MOMENTS = "fix", "rule", "rule moments"
"""Names of facts; only incidents that have them hold them."""

FIRES, ALERTED = "the rule fires", "the alert fired"

SHORT_HASH = 12
_SHOWN_HASHES = (7, 8, 10, SHORT_HASH)
"""How many digits of a commit texts show."""


def fix_tables(case: Case) -> dict[str, Table]:
    """Return the facts of the fix and of the rule; none where there is neither."""
    found: dict[str, Table] = {}
    fix = case.repaired.fix if case.repaired else None
    if fix is not None:
        row = (fix.id, fix.regression.at_most, fix.regression.on_bad)
        found[FIX] = Table(columns=("fix", "at_most", "on_bad"), rows=(row,))
    prevention = case.prevented.prevention if case.prevented else None
    if prevention is not None:
        rule, proof = prevention.rule, prevention.proof
        known = (rule.name, rule.for_seconds)
        found[RULE] = Table(columns=("rule", "for_seconds"), rows=(known,))
        moments: tuple[tuple[Cell, ...], ...] = (
            (FIRES, proof.fired_at_unix_seconds),
            (ALERTED, proof.alert_at_unix_seconds),
        )
        found[MOMENTS] = Table(columns=("moment", "unix_seconds"), rows=moments)
    return found


def share_percent(one: ActionCase) -> float | None:
    """Return the share of traffic that a canary step gives, in percent; None of other actions."""
    share = one.action.plan.parameters.get("percent")
    is_share = one.action.purpose == "canary" and isinstance(share, int | float)
    return float(share) if is_share and share is not None else None


def fix_names(case: Case) -> Iterator[str]:
    """Yield what a fix and a rule are called: versions, branches, commits, files, tests."""
    fix = case.repaired.fix if case.repaired else None
    if fix is not None:
        yield from _of_fix(fix)
    prevention = case.prevented.prevention if case.prevented else None
    if prevention is not None:
        yield from (prevention.id, prevention.service, prevention.rule.name)


def _of_fix(fix: Fix) -> Iterator[str]:
    yield from (fix.id, fix.service, fix.branch)
    yield from (fix.good_version, fix.bad_version, fix.version)
    yield fix.regression.name
    yield from (path for path in (*fix.files, fix.regression.path) if is_quantity(path))
    for commit in (fix.base, fix.commit, fix.guilty_commit):
        if commit:
            yield commit
            yield from (commit[:length] for length in _SHOWN_HASHES)
