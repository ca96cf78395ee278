"""The file of exceptions and reviews: JSON lines, only appended to, kept with the policy in git.

A line that cannot be read closes the gate: nobody knows what it said.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from holdfast.errors import ConfigError, GuardDenied
from holdfast.model.budget_policy import ErrorBudgetPolicy
from holdfast.model.gate import GateException, IncidentReview

AUDIT_FILE = "error-budget-exceptions.jsonl"

AuditEntry = Annotated[GateException | IncidentReview, Field(discriminator="kind")]
_ENTRY: TypeAdapter[GateException | IncidentReview] = TypeAdapter(AuditEntry)


def append_entry(path: Path, entry: GateException | IncidentReview) -> None:
    """Append one line, written and synced before this returns; the folder must exist."""
    line = entry.model_dump_json() + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_entries(path: Path) -> tuple[GateException | IncidentReview, ...]:
    """Return all entries in their order. No file = none. Raises ConfigError naming the line."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: it cannot be read: {error}", hint="make it a readable UTF-8 text file"
        ) from error
    return tuple(
        _entry(line, f"{path}, line {number}")
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    )


def require_permitted(entry: GateException, policy: ErrorBudgetPolicy) -> None:
    """Raise GuardDenied unless the policy lets this approver make this exception."""
    why = objection(entry, policy)
    if why:
        raise GuardDenied(f"no exception was recorded: {why}", hint=f"see the policy {policy.name}")


def objection(entry: GateException, policy: ErrorBudgetPolicy) -> str:
    """Return why the policy does not let this exception be made; empty = it does."""
    rules = policy.exceptions
    if not rules.approvers:
        return "the policy names nobody in exceptions.approvers"
    if entry.approver not in rules.approvers:
        return f"{entry.approver} is none of the policy's approvers, {', '.join(rules.approvers)}"
    if entry.expires_at <= entry.created_at:
        return "it would be over before it began"
    if entry.expires_at - entry.created_at > timedelta(hours=rules.longest_hours):
        return f"it would last longer than {rules.longest_hours:g} h, exceptions.longest_hours"
    return ""


def in_force(entry: GateException, policy: ErrorBudgetPolicy, now: datetime) -> tuple[bool, str]:
    """Return whether an exception holds now; where it does not, why."""
    why = objection(entry, policy)
    if not why and entry.expires_at <= now:
        why = f"it expired at {entry.expires_at:%Y-%m-%d %H:%M} UTC"
    if not why and entry.created_at > now:
        why = "it is dated in the future"
    return not why, why


def _entry(line: str, where: str) -> GateException | IncidentReview:
    try:
        return _ENTRY.validate_json(line)
    except ValidationError as error:
        raise ConfigError(
            f"{where}: it is no exception and no review: {error.errors()[0]['msg']}",
            hint="restore the line: the file is only appended to",
        ) from error
