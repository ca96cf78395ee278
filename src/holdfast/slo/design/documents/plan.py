"""`implementation-plan.md`: what is done when, how it is checked, and when it is looked at again.

Dates are counted from the day on which the design was written.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from holdfast.model.service import UNASSIGNED
from holdfast.slo.design.documents.markdown import bullets, page, table
from holdfast.slo.design.records import Architecture
from holdfast.slo.targets.percent import percent

_DAY_SECONDS = 86_400.0
_QUARTERS = 4
_QUARTER_DAYS = 91
_SHADOW_DAYS = 14
"""A fortnight has each weekday twice."""


@dataclass(frozen=True)
class Step:
    """Something to do, and the check that says it is done."""

    days: int
    what: str
    check: str


def implementation_plan(design: Architecture, today: date) -> str:
    """Return the page. `today` is the day that dates are counted from."""
    rows = (
        (f"{_work_day(today, step.days)}", step.what, step.check, design.owner)
        for step in _steps(design)
    )
    return page(
        f"# Implementation plan for {design.service}",
        f"Written on {today}. {_owner(design)}",
        "## Steps",
        table(("by", "what", "it is done when", "owner"), rows),
        "## Reviews",
        bullets(_reviews(design, today)),
        "At each review: was the objective kept, was a page wrong or late (`holdfast backtest` "
        "counts both), did users complain while it was kept, has a dependency changed its "
        "objective? Then design anew, compare, and sign again.",
    )


def _owner(design: Architecture) -> str:
    if design.owner == UNASSIGNED:
        return "No owner was named: name one before the first step."
    return f"The owner is {design.owner}."


def _steps(design: Architecture) -> Iterator[Step]:
    names = ", ".join(slo.name for slo in design.slos)
    period_days = max(math.ceil(slo.period_seconds / _DAY_SECONDS) for slo in design.slos)
    yield Step(
        0,
        "Read `slo-document.md`; correct the requirements and design again where it is wrong",
        "`promtool check rules rules.yaml` and `promtool test rules rules_test.yaml` succeed",
    )
    yield Step(7, "Sign the objectives off", "each row of the sign-off table has a name and a date")
    yield Step(
        7,
        "Load `rules.yaml`; send every alert to a ticket queue, and page nobody",
        f"`slo:objective:ratio` answers for {names}",
    )
    yield Step(
        7 + _SHADOW_DAYS,
        "Compare each alert of the fortnight with what happened",
        "`holdfast backtest` over the fortnight shows no page without an incident, or a reason",
    )
    yield Step(
        7 + _SHADOW_DAYS,
        "Let pages page, and put `holdfast gate` before deployments",
        "a test alert reaches whoever is on call; the gate answers in CI",
    )
    yield Step(
        7 + period_days,
        "Compare the recorded budget of a whole period with the design",
        f"`slo:period_recorded:ratio` is 1, and the good ratio is within {_intervals(design)}",
    )


def _intervals(design: Architecture) -> str:
    shown = (
        f"{percent(d.baseline.low)} to {percent(d.baseline.high)} ({d.slo.name})"
        for d in design.objectives
        if d.baseline.low is not None and d.baseline.high is not None
    )
    return ", ".join(shown)


def _reviews(design: Architecture, today: date) -> Iterator[str]:
    given = design.requirements.review_dates
    if given:
        for day in sorted(given):
            yield f"{day} (from the requirements{', already past' if day < today else ''})"
        return
    for quarter in range(1, _QUARTERS + 1):
        yield f"{_work_day(today, quarter * _QUARTER_DAYS)} (quarterly)"


def _work_day(today: date, days: int) -> date:
    """Return the day, or the Monday after where it falls on a weekend."""
    found = today + timedelta(days=days)
    return found + timedelta(days=max(0, 7 - found.weekday())) if found.weekday() > 4 else found
