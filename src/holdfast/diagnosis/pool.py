"""Questions of a connection pool: of how it does its damage, and of the setting that governs it."""

from __future__ import annotations

from holdfast.diagnosis.question import Ask, Question
from holdfast.model.service import Signal

POOL_FULL = Question(
    group="pool_full",
    ask=Ask.NOW,
    text="Is the connection pool of {service} nearly fully used?",
    part="measure",
    signals=(Signal.POOL_UTILIZATION,),
    at_least=0.7,  # on average since it began: one of four samples may be of the time before
    unit="of the pool",
    sensitivity=0.95,
    false_alarm=0.1,
)

POOL_ROSE = Question(
    group="pool_rose",
    ask=Ask.NOW_MINUS_BEFORE,
    text="Is much more of the pool used than before?",
    part="discriminator",
    signals=(Signal.POOL_UTILIZATION,),
    at_least=0.2,
    unit="of the pool",
    sensitivity=0.95,
    false_alarm=0.2,
)
