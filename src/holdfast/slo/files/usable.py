"""Which objectives rules can be written for. What can never work is refused by name, not written.

What is merely unwise (a burn that the budget sustains, no ticket tier) is `slo/lint.py`'s to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from holdfast.catalog.template import duration, parse
from holdfast.errors import InputError, PromQLUnsupported
from holdfast.model.slo import SLO, BurnTier
from holdfast.slo.budget import bad_events_query, total_events_query
from holdfast.slo.burn import error_ratio_threshold, unreachable_at_or_below
from holdfast.slo.files.synthetic import engine_of


def require_usable(slos: Sequence[SLO]) -> None:
    """Raise InputError, a sentence for each mistake that names the SLO and the field.

    Queries that are no PromQL raise PromQLError, a mixture of rates and counts ConfigError.
    """
    if not slos:
        raise InputError("no SLO was given", hint="give at least one: nothing else can be written")
    found = [*_repeated(slos), *(mistake for slo in slos for mistake in _mistakes(slo))]
    if found:
        raise InputError("; ".join(found), hint="correct the SLO; no file was written")


def _repeated(slos: Sequence[SLO]) -> Iterator[str]:
    for name, count in Counter(slo.name for slo in slos).items():
        if count > 1:
            yield f"the SLO name {name!r} is given {count} times: each must stand for one"


def _mistakes(slo: SLO) -> Iterator[str]:
    for field in ("name", "service"):
        if not getattr(slo, field).strip():
            yield f"SLO {slo.name!r}: {field}: empty"
    parse(bad_events_query(slo, slo.period_seconds))
    parse(total_events_query(slo, slo.period_seconds))
    if _answers_nothing_counted(total_events_query(slo, slo.period_seconds)):
        yield (
            f"SLO {slo.name}: indicator.total_query: it answers even where nothing is counted, so "
            "that no data would look like no traffic (remove `or vector(0)` from it)"
        )
    for name, count in Counter(tier.name for tier in slo.tiers).items():
        if count > 1:
            yield f"SLO {slo.name}: tiers: the name {name!r} is given {count} times"
    for tier in slo.tiers:
        yield from _tier_mistakes(slo, tier)


def _answers_nothing_counted(query: str) -> bool:
    """Whether a query has an answer without any series; what cannot be evaluated: not known."""
    try:
        return bool(engine_of((), 1.0, closed=True).instant(query, 0.0).samples)
    except PromQLUnsupported:
        return False  # its alert for no data stands; `rule_tests` refuses the SLO by name


def _tier_mistakes(slo: SLO, tier: BurnTier) -> Iterator[str]:
    where = f"SLO {slo.name}: tier {tier.name}"
    if tier.long_window_seconds > slo.period_seconds:
        yield (
            f"{where}: long_window_seconds: {duration(tier.long_window_seconds)} is longer than "
            f"the period of {duration(slo.period_seconds)}"
        )
        return
    threshold = error_ratio_threshold(tier, slo)
    if threshold >= 1:
        most = unreachable_at_or_below(tier, slo)
        yield (
            f"{where}: can never fire, not even when every event is bad: its threshold is a ratio "
            f"of {threshold:.4g} (it needs an objective above {most:.6g})"
        )
