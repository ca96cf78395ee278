"""Rows of the live view that show the permanent fix: its diff, its proof, the canary, the rule."""

from __future__ import annotations

from rich.text import Text

from holdfast.model.case import ActionCase, Case
from holdfast.reasoning.fix_course import steps_of
from holdfast.surfaces.cli.fix_words import (
    canary_lines,
    fix_words,
    latest_evidence,
    load_lines,
    looks_words,
    prevention_details,
)
from holdfast.surfaces.cli.wording import number

_INDENT = "    "


def fix_rows(case: Case, *, limit: int) -> list[Text]:
    """Return at most `limit` rows; none where no fix was worked on. The newest part comes first."""
    repaired = case.repaired
    if repaired is None:
        return []
    if repaired.fix is None:
        return [Text("fix none could be written", "yellow")]
    head = Text("fix ", "cyan").append(fix_words(case, repaired.fix), "bold")
    return [head, *_latest(case)][:limit]


def _latest(case: Case) -> list[Text]:
    """Return rows of what is known last: the rule, the canary, or the load test."""
    prevention = case.prevented.prevention if case.prevented else None
    if prevention is not None:
        name, _, _, *does = prevention_details(prevention)
        return [Text(name, "green"), *(Text(_INDENT + line, "dim") for line in does)]
    canaries = [one for one in steps_of(case, "canary") if one.claims]
    if canaries:
        return _canary(case, canaries[-1])
    staged = [one for one in steps_of(case, "stage") if one.verdict]
    lines = load_lines(latest_evidence(case, staged[-1])) if staged else ()
    return [Text(_INDENT + line, "dim") for line in lines]


def _canary(case: Case, known: ActionCase) -> list[Text]:
    share = known.action.plan.parameters.get("percent")
    percent = f" at {number(float(share))} %" if isinstance(share, int | float) else ""
    rows = [Text(f"{_INDENT}canary{percent}: {looks_words(known)}", "cyan")]
    lines = canary_lines(latest_evidence(case, known))
    return [*rows, *(Text(_INDENT + line, "dim") for line in lines)]
