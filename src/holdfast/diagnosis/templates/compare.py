"""Which templates are new, vanished or changed between two windows, per call of their operation.

An operation that is called ten times as often logs ten times as much, and one that is not called
logs nothing: neither is a change of what it does. So counts are compared given the calls: of all
lines of a template, the part in the later window is binomial with the share of calls there
(Przyborowski and Wilenski, Biometrika 31, 1940). Holm's correction is for the many templates.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, cast

from holdfast.diagnosis.templates.miner import MinedTemplates, Template
from holdfast.errors import InputError


class _Special(Protocol):
    """The part of `scipy.special` that is used; it has no type stubs, and is loaded when needed."""

    def bdtr(self, k: float, n: int, p: float, /) -> float: ...
    def bdtrc(self, k: float, n: int, p: float, /) -> float: ...


Kind = Literal["new", "vanished", "more", "less"]


@dataclass(frozen=True)
class TemplateChange:
    """One template that changed. `before`, `after`: its lines; the rates are lines per call.

    `p_value`: how likely so great a change is by chance, corrected for all templates compared.
    """

    template: Template
    kind: Kind
    before: int
    after: int
    rate_before: float
    rate_after: float
    p_value: float


def compare(
    mined: MinedTemplates,
    calls_before: Mapping[str, int],
    calls_after: Mapping[str, int],
    *,
    significance: float = 0.001,
    least_ratio: float = 1.5,
) -> list[TemplateChange]:
    """Return what changed from the first window to the second, the surest first.

    Calls are per operation: its requests or spans in the window. A template whose operation was not
    called in both windows is not compared: it could not have been logged. `least_ratio`: a smaller
    change of the rate is no finding, however sure. InputError where `mined` is not of two windows.
    """
    if len(mined.counts) != 2:
        raise InputError(
            f"templates: {len(mined.counts)} windows cannot be compared",
            hint="mine two windows at once, the earlier first",
        )
    found = [
        change
        for template in mined.templates
        if (change := _change(mined, template, calls_before, calls_after)) is not None
    ]
    sure = _holm(sorted(found, key=lambda one: (one.p_value, one.template)))
    return [one for one in sure if one.p_value <= significance and _ratio(one) >= least_ratio]


def _change(
    mined: MinedTemplates,
    template: Template,
    calls_before: Mapping[str, int],
    calls_after: Mapping[str, int],
) -> TemplateChange | None:
    earlier, later = (calls.get(template.operation, 0) for calls in (calls_before, calls_after))
    if earlier <= 0 or later <= 0:
        return None
    before, after = (window.get(template, 0) for window in mined.counts)
    rates = before / earlier, after / later
    kind: Kind = "more" if rates[1] > rates[0] else "less"
    if not before or not after:
        kind = "vanished" if before else "new"
    p_value = _two_sided(after, before + after, later / (earlier + later))
    return TemplateChange(template, kind, before, after, *rates, p_value)


def _two_sided(successes: int, trials: int, share: float) -> float:
    """Return twice the smaller tail of the binomial, at most 1."""
    special = cast("_Special", importlib.import_module("scipy.special"))
    at_most = special.bdtr(successes, trials, share)
    at_least = special.bdtrc(successes - 1, trials, share) if successes else 1.0
    return min(1.0, 2 * min(float(at_most), float(at_least)))


def _holm(ordered: list[TemplateChange]) -> list[TemplateChange]:
    """Return the changes, ascending by p, with p corrected (Holm, 1979)."""
    corrected: list[TemplateChange] = []
    worst = 0.0
    for place, one in enumerate(ordered):
        worst = max(worst, min(1.0, one.p_value * (len(ordered) - place)))
        corrected.append(
            TemplateChange(
                one.template,
                one.kind,
                one.before,
                one.after,
                one.rate_before,
                one.rate_after,
                worst,
            )
        )
    return corrected


def _ratio(one: TemplateChange) -> float:
    low, high = sorted((one.rate_before, one.rate_after))
    return high / low if low else float("inf")
