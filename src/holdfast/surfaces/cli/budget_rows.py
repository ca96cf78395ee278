"""An account as a person reads it: a bar of what is left, how it was spent, what that rests on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rich.text import Text

from holdfast.model.budget import Attribution, BudgetAccount, Exclusion
from holdfast.model.slo import SLO
from holdfast.slo.budgets.periods import label, seconds_in_words
from holdfast.slo.targets.percent import percent
from holdfast.surfaces.cli.styles import wrap

_BAR_WIDTH = 30
_LOW = 0.25
_BLOCKS = "▁▂▃▄▅▆▇█"
_INDENT = "  "


def budget_texts(
    slo: SLO, account: BudgetAccount, left: Sequence[float | None], width: int
) -> list[Text]:
    """Return the rows of one account."""
    rows = [_heading(slo, account)]
    if account.remaining_fraction is None or account.spent_fraction is None:
        return [*rows, *_wrapped((account.statement, *account.warnings), width)]
    remaining = account.remaining_fraction
    rows.append(_bar(remaining).append(f"  {_shown(remaining)} of the budget left"))
    rows.append(Text(f"{_INDENT}{_spending(left)}", "dim").append("  spent over time", "dim"))
    told = [
        f"{account.bad_events:,.0f} bad of {account.total_events:,.0f} events; "
        f"{account.allowed_bad_events:,.0f} are allowed, {_shown(account.spent_fraction)} is spent"
    ]
    projected = account.projected_spent_fraction
    if projected is not None and abs(projected - account.spent_fraction) > 1e-9:
        told.append(f"of the whole period's budget, as traffic goes: {_shown(projected)} is spent")
    if account.assumed_total_events:
        told.append(
            f"of these {account.assumed_total_events:,.0f} events are assumed, "
            f"{account.assumed_bad_events:,.0f} bad: --no-data {account.no_data}"
        )
    told += [account.statement, *account.warnings, *map(_excluded, account.exclusions)]
    return [*rows, *_wrapped(told, width)]


def attribution_texts(attribution: Attribution, width: int) -> list[Text]:
    """Return what each incident spent, the most expensive first, and what none explains."""
    spent = sorted(attribution.spans, key=lambda each: -(each.bad_events or 0.0))
    told = [
        f"{each.span.name}: no data"
        if each.budget_fraction is None
        else f"{each.span.name}: {_shown(each.budget_fraction)} of the budget, "
        f"{each.bad_events:,.0f} bad events"
        for each in spent
    ]
    if attribution.unattributed_fraction is not None:
        told.append(f"in no incident: {_shown(attribution.unattributed_fraction)} of the budget")
    return _wrapped(told, width)


def refused_texts(slo: SLO, problem: str, width: int) -> list[Text]:
    """Return the rows of an SLO whose budget could not be read."""
    head = Text("? ", "yellow").append(slo.name, "bold").append("  unknown: not measured")
    return [head, *_wrapped((problem,), width)]


def _heading(slo: SLO, account: BudgetAccount) -> Text:
    mark, style = ("?", "yellow")
    if account.remaining_fraction is not None:
        mark, style = ("✓", "green") if account.remaining_fraction > 0 else ("✗", "bold red")
    head = Text(f"{mark} ", style).append(slo.name, "bold")
    head.append(f"  {percent(slo.objective)} over {label(account.period, slo)}")
    return head.append(
        f", {account.start:%Y-%m-%d %H:%M} to {account.at:%Y-%m-%d %H:%M} UTC", "dim"
    )


def _bar(remaining: float) -> Text:
    filled = round(max(0.0, min(1.0, remaining)) * _BAR_WIDTH)
    style = "red" if remaining <= 0 else "yellow" if remaining < _LOW else "green"
    bar = Text(_INDENT).append("█" * filled, style)
    return bar.append("░" * (_BAR_WIDTH - filled), "dim")


def _spending(left: Sequence[float | None]) -> str:
    """A block for each stretch: how much of the budget it spent, against the worst one."""
    known = [value if value is not None else 1.0 for value in (1.0, *left)]
    spent = [max(0.0, before - after) for before, after in pairwise(known)]
    top = max(spent, default=0.0)
    if top <= 0:
        return _BLOCKS[0] * len(spent)
    return "".join(_BLOCKS[min(7, int(value / top * 8))] for value in spent)


def _shown(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


def _excluded(exclusion: Exclusion) -> str:
    return (
        f"excluded: {exclusion.bad_events:,.0f} bad of {exclusion.total_events:,.0f} events in "
        f"{seconds_in_words(exclusion.seconds)}, {exclusion.category.replace('_', ' ')}: "
        f"{exclusion.reason} ({exclusion.author}, {exclusion.correction_id})"
    )


def _wrapped(texts: Sequence[str], width: int) -> list[Text]:
    inside = max(20, width - len(_INDENT))
    return [Text(f"{_INDENT}{row}", "dim") for text in texts for row in wrap(text, inside)]
