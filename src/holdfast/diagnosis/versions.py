"""Questions that compare two versions of a service: what a release is told from its rivals by."""

from __future__ import annotations

from typing import Literal

from holdfast.diagnosis.question import Ask, Question
from holdfast.model.service import Signal

RISE = 1.5
"""A level that rose by this factor has changed; below it, it is called unchanged."""

LATENCY = (Signal.LATENCY_MEAN, Signal.LATENCY_P95, Signal.LATENCY_P50)
"""The levels that tell how long requests take, the best first."""

_BOTH_AFFECTED = "{old} of {service} is affected as {new} is: only what they share is left"
_AT_FIRST_KINDS: tuple[tuple[str, Literal["latency", "availability"], tuple[Signal, ...]], ...] = (
    ("latency", "latency", LATENCY),
    ("errors", "availability", (Signal.ERROR_RATIO,)),
)
_WELL_AT_FIRST = "{new} of {service} served well until it began: only a late effect of it is left"

_SPLIT_TEXTS = {
    "latency": "Is {new} of {service} slower",
    "slow_requests": "Does {new} of {service} answer more requests too slowly",
    "errors": "Does {new} of {service} fail more requests",
}


def _split(
    *,
    variant: str,
    ask: Ask,
    signals: tuple[Signal, ...],
    at_least: float,
    unit: str,
    slo_kind: Literal["latency", "availability"],
) -> Question:
    concurrent = ask is Ask.NOW_MINUS_OTHER
    earlier = "{old} now" if concurrent else "{old} before"
    return Question(
        group="split_now" if concurrent else "split",
        variant=variant,
        ask=ask,
        text=_SPLIT_TEXTS[variant] + f" than {earlier}?",
        part="discriminator" if concurrent else "required",
        signals=signals,
        at_least=at_least,
        unit=unit,
        decisive=not concurrent,
        optional=concurrent,  # answered only while both versions serve
        needs_versions=True,
        sensitivity=0.95,
        false_alarm=0.05 if concurrent else 0.3,
        slo_kind=slo_kind,
        leaves=_BOTH_AFFECTED if concurrent else "",
    )


SPLIT = (
    _split(
        variant="latency",
        ask=Ask.NOW_OVER_BEFORE,
        signals=LATENCY,
        at_least=RISE,
        unit="times",
        slo_kind="latency",
    ),
    _split(
        variant="slow_requests",
        ask=Ask.NOW_MINUS_BEFORE,
        signals=(Signal.SLOW_RATIO,),
        at_least=1.0,
        unit="budgets",
        slo_kind="latency",
    ),
    _split(
        variant="errors",
        ask=Ask.NOW_MINUS_BEFORE,
        signals=(Signal.ERROR_RATIO,),
        at_least=1.0,
        unit="budgets",
        slo_kind="availability",
    ),
    _split(
        variant="slow_requests",
        ask=Ask.NOW_MINUS_OTHER,
        signals=(Signal.SLOW_RATIO,),
        at_least=1.0,
        unit="budgets",
        slo_kind="latency",
    ),
    _split(
        variant="errors",
        ask=Ask.NOW_MINUS_OTHER,
        signals=(Signal.ERROR_RATIO,),
        at_least=1.0,
        unit="budgets",
        slo_kind="availability",
    ),
)

AT_FIRST = tuple(
    Question(
        group="at_first",
        variant=variant,
        ask=Ask.AT_FIRST,
        text="Was {new} of {service} in trouble before it began, under the same traffic as now?",
        part="discriminator",
        signals=signals,
        at_least=RISE,
        unit="times",
        optional=True,  # answered only where it served all its traffic before the symptom began
        needs_versions=True,
        sensitivity=0.98,
        false_alarm=0.1,
        slo_kind=kind,
        leaves=_WELL_AT_FIRST,
    )
    for variant, kind, signals in _AT_FIRST_KINDS
)
