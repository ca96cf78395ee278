"""What to do about a write of which nobody knows whether it took effect. Pure.

The first row that fits decides. `probe` is what the effect probe says now; `told` what the
deployer said of the latest attempt (nothing = the writer died after its claim, or is silent);
`age` counts from that attempt's claim.

    probe        told            further condition               settlement
    -----------  --------------  ------------------------------  --------------------------------
    took_effect  anything                                        done, as the probe found it
    in_progress  anything        age < patience                  wait, and ask the probe again
    in_progress  anything        age ≥ patience                  a person
    unknown      anything        age < patience                  wait, and ask the probe again
    unknown      anything        age ≥ patience                  a person
    not_taken    failed                                          a person: the deployer refused it
    not_taken    unknown/nothing age < quiet                     wait: it may still be on its way
    not_taken    unknown/nothing conditional, first attempt      retry once, with the same key
    not_taken    unknown/nothing not conditional                 a person
    not_taken    unknown/nothing second attempt or later         a person

`not_taken` means that the precondition still holds: the old version serves as before, and nothing
is in progress. A write is conditional when it runs no program of a runbook's own. A deployment, a
setting and a merge name what they replace, and are refused where that is no longer there; a share
of traffic says in whole what runs afterwards, and what serves is looked at before each attempt; a
tag that is there already is left. So one more attempt under the same key cannot do it twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ProbeAnswer = Literal["took_effect", "not_taken", "in_progress", "unknown"]
Told = Literal["failed", "unknown"]

MOST_ATTEMPTS = 2


@dataclass(frozen=True)
class Doubt:
    """A claimed write without a certain answer. Times are seconds."""

    probe: ProbeAnswer
    told: Told | None
    attempts: int
    """How many times this part was claimed, this time included."""
    conditional: bool
    claim_age_seconds: float


@dataclass(frozen=True)
class Patience:
    """How long to wait. All in seconds."""

    patience_seconds: float = 120.0
    """How long a write may stay in progress, or the probe without an answer."""
    quiet_seconds: float = 2.0
    """How long a request may be on its way before its absence means something."""
    ask_again_seconds: float = 1.0


@dataclass(frozen=True)
class RecordDone:
    """The write took effect: put that on record."""

    reason: str


@dataclass(frozen=True)
class Wait:
    """Ask the probe again after so many seconds."""

    seconds: float
    reason: str


@dataclass(frozen=True)
class RetryOnce:
    """Claim and perform it again, under the same idempotency key; `attempt` is its number."""

    attempt: int
    reason: str


@dataclass(frozen=True)
class AskPerson:
    """Do nothing more: a person decides."""

    reason: str


Settlement = RecordDone | Wait | RetryOnce | AskPerson


def settle(doubt: Doubt, patience: Patience | None = None) -> Settlement:
    """Return the settlement by the table above."""
    limits = patience or Patience()
    match doubt.probe:
        case "took_effect":
            return RecordDone("the effect probe finds it done")
        case "in_progress":
            return _wait(doubt, limits, "a deployment is under way")
        case "unknown":
            return _wait(doubt, limits, "the effect probe cannot tell what happened")
        case "not_taken":
            return _not_taken(doubt, limits)


def _wait(doubt: Doubt, limits: Patience, reason: str) -> Settlement:
    if doubt.claim_age_seconds < limits.patience_seconds:
        return Wait(limits.ask_again_seconds, reason)
    return AskPerson(f"{reason}, and has for {doubt.claim_age_seconds:.0f} s")


def _not_taken(doubt: Doubt, limits: Patience) -> Settlement:
    if doubt.told == "failed":
        return AskPerson("the deployer answered that it failed, and nothing has changed")
    left = limits.quiet_seconds - doubt.claim_age_seconds
    if left > 0:
        return Wait(left, "nothing has changed yet, but the request may still be on its way")
    if not doubt.conditional:
        return AskPerson("nothing has changed, and the write is not conditional: not repeated")
    if doubt.attempts >= MOST_ATTEMPTS:
        return AskPerson(f"nothing has changed after {doubt.attempts} attempts")
    return RetryOnce(doubt.attempts + 1, "nothing has changed, and its precondition still holds")
