"""Runs the gate: reads policy, exceptions and live budgets, decides, prints."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.text import Text

from holdfast.catalog.config import load_config
from holdfast.errors import (
    ChainBroken,
    EvidenceError,
    GuardDenied,
    HoldfastError,
    InputError,
    NotFound,
    SourceError,
)
from holdfast.integrations.sources import open_source
from holdfast.model.base import utc_now
from holdfast.model.budget_policy import ALL_CHANGES, ErrorBudgetPolicy
from holdfast.model.config import Config
from holdfast.model.gate import (
    EVERY_SERVICE,
    GateDecision,
    GateException,
    GateReading,
    IncidentReview,
)
from holdfast.model.ids import new_id
from holdfast.model.slo import SLO
from holdfast.slo.budgets.correction_log import FILE as CORRECTIONS_FILE
from holdfast.slo.budgets.correction_log import read_corrections
from holdfast.slo.files.policy import POLICY_FILE, load_budget_policy
from holdfast.slo.gate.audit import AUDIT_FILE, append_entry, read_entries, require_permitted
from holdfast.slo.gate.decide import decide
from holdfast.slo.gate.live import read_live_budget
from holdfast.surfaces.cli.given_values import parse_duration, parse_time
from holdfast.surfaces.cli.print_rows import width_of, write
from holdfast.surfaces.cli.styles import wrap

OPEN, FROZEN, WRONG_INPUT, UNKNOWN = 0, 1, 2, 3
_CODES = {"open": OPEN, "frozen": FROZEN, "unknown": UNKNOWN}
_HEADINGS = {
    "open": ("✓ open", "green"),
    "frozen": ("✗ frozen", "bold red"),
    "unknown": ("? closed", "bold yellow"),
}


@dataclass(frozen=True)
class GateRequest:
    """What was asked for; empty = not given."""

    config: Path
    service: str
    change_type: str
    policy: Path | None
    audit: Path | None
    corrections: Path | None
    exception: str
    expires: str
    reviewed: str
    approver: str


def run_gate(out: TextIO, err: TextIO, wanted: GateRequest, *, as_json: bool) -> int:
    """Print the decision and return its exit code; what cannot be used or read has its own."""
    try:
        decision = _decision(wanted)
    except (SourceError, EvidenceError) as error:
        return _refused(err, error, UNKNOWN)
    except (InputError, GuardDenied, ChainBroken) as error:
        return _refused(err, error, WRONG_INPUT)
    except OSError as error:
        problem = InputError(
            f"{error.filename}: {error.strerror}", hint="see that it can be read and written"
        )
        return _refused(err, problem, WRONG_INPUT)
    if as_json:
        print(decision.model_dump_json(), file=out)
    else:
        console = Console(file=out, highlight=False)
        write(console, *_texts(decision, width_of(console)))
    return _CODES[decision.decision]


def _refused(err: TextIO, error: HoldfastError, code: int) -> int:
    print(f"holdfast: {error}", file=err)
    return code


def _decision(wanted: GateRequest) -> GateDecision:
    if not wanted.change_type.strip():
        raise InputError("--change-type: empty", hint="name the kind of change, for example fix")
    config = load_config(wanted.config)
    slos = _slos(config, wanted.service)
    policy_path = wanted.policy or wanted.config.absolute().parent / POLICY_FILE
    policy = load_budget_policy(policy_path)
    _require_covered(policy, slos, policy_path)
    audit = wanted.audit or policy_path.parent / AUDIT_FILE
    now = utc_now()
    _record(wanted, policy, audit, now)
    entries = read_entries(audit)
    corrections = read_corrections(wanted.corrections or config.data_folder / CORRECTIONS_FILE)
    with closing(open_source(config.metrics)) as source:
        budgets = [
            read_live_budget(
                *(source, slo, now.timestamp(), config.metrics.resolution_seconds, corrections)
            )
            for slo in slos
        ]
    service = wanted.service or EVERY_SERVICE
    return decide(
        policy, budgets, entries, service=service, change_type=wanted.change_type, now=now
    )


def _slos(config: Config, service: str) -> tuple[SLO, ...]:
    if service and service not in {each.name for each in config.services}:
        known = ", ".join(each.name for each in config.services)
        raise NotFound(f"there is no service {service}", hint=f"known: {known}")
    found = tuple(slo for slo in config.slos if not service or slo.service == service)
    if not found:
        raise NotFound(
            f"{service or 'the configuration'} has no SLO: there is no budget to look at",
            hint="`holdfast init` proposes some; name them in holdfast.yaml",
        )
    return found


def _require_covered(policy: ErrorBudgetPolicy, slos: tuple[SLO, ...], path: Path) -> None:
    outside = sorted({slo.service for slo in slos} - set(policy.services))
    if policy.services and outside:
        raise InputError(
            f"{path}: services: it does not hold for {', '.join(outside)}",
            hint="name another policy with --policy, or the service in this one",
        )


# ---- what is put on record ---------------------------------------------------------------------


def _record(wanted: GateRequest, policy: ErrorBudgetPolicy, audit: Path, now: datetime) -> None:
    """Append the exception or the review that was asked for, once the old lines can be read."""
    if wanted.exception and wanted.reviewed:
        raise InputError("--exception and --reviewed are both given", hint="give one at a time")
    if not wanted.exception and not wanted.reviewed:
        if wanted.approver or wanted.expires:
            raise InputError(
                "--approver and --expires go with --exception or --reviewed", hint="give the reason"
            )
        return
    if not wanted.approver.strip():
        raise InputError("--approver is missing", hint="name who says so")
    read_entries(audit)
    if wanted.reviewed:
        append_entry(audit, _review(wanted, now))
        return
    entry = _exception(wanted, now)
    require_permitted(entry, policy)
    append_entry(audit, entry)


def _exception(wanted: GateRequest, now: datetime) -> GateException:
    return GateException(
        id=new_id("exc"),
        reason=wanted.exception,
        approver=wanted.approver.strip(),
        service=wanted.service or EVERY_SERVICE,
        change_type=wanted.change_type,
        created_at=now,
        expires_at=_expires(wanted.expires, now),
    )


def _expires(text: str, now: datetime) -> datetime:
    if not text:
        raise InputError("--expires is missing", hint="write how long it holds, for example 4h")
    if text[0].isdigit() and text[-1].isalpha() and "T" not in text:
        return now + timedelta(seconds=parse_duration(text, "--expires"))
    return parse_time(text, "--expires")


def _review(wanted: GateRequest, now: datetime) -> IncidentReview:
    return IncidentReview(
        id=new_id("rev"),
        document=wanted.reviewed,
        approver=wanted.approver.strip(),
        service=wanted.service or EVERY_SERVICE,
        created_at=now,
    )


# ---- words -------------------------------------------------------------------------------------


def _texts(decision: GateDecision, width: int) -> list[Text]:
    words, style = _HEADINGS[decision.decision]
    whose = "all services" if decision.service == EVERY_SERVICE else decision.service
    head = Text(words, style).append(f"  {decision.change_type} of {whose}", "bold")
    lines = [*decision.reasons, *_exception_lines(decision)]
    allowed = decision.allowed_changes
    listed = "all changes" if ALL_CHANGES in allowed else ", ".join(allowed) or "nothing"
    lines.append(f"may go out now: {listed}")
    if decision.velocity:
        lines += [f"velocity: {decision.velocity}", f"review: {decision.review}"]
    rows = [head, *(Text(f"  {row}") for line in lines for row in wrap(line, width - 2))]
    return [*rows, *(_reading(reading) for reading in decision.readings)]


def _exception_lines(decision: GateDecision) -> list[str]:
    lines = list(decision.notes)
    if decision.exception is not None:
        one = decision.exception
        lines.append(
            f"open by the exception {one.id} of {one.approver}, until "
            f"{one.expires_at:%Y-%m-%d %H:%M} UTC: {one.reason}"
        )
    return lines


def _reading(reading: GateReading) -> Text:
    mark, style = ("✓", "green") if reading.allows else ("✗", "red")
    if reading.stage is None:
        mark, style = "?", "yellow"
    left = "not known" if reading.remaining_fraction is None else f"{_left(reading)} left"
    row = Text("  ").append(f"{mark} ", style).append(f"{reading.slo}  {left}")
    stage = f"  {reading.stage}" if reading.stage else ""
    return row.append(f"{stage}  measured {100 * reading.measured_fraction:.1f} %", "dim")


def _left(reading: GateReading) -> str:
    return f"{100 * (reading.remaining_fraction or 0.0):.1f} %"
