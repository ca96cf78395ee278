"""The burn-rate thresholds of one alerting rule, against (budget fraction, window, period)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from holdfast.errors import PromQLError
from holdfast.model.claim import CheckedClaim
from holdfast.model.prevention import AlertRule
from holdfast.slo.claims.arithmetic import Given
from holdfast.slo.claims.comparisons import Comparison, branches
from holdfast.slo.claims.quantities import hours, in_words, time_in_words
from holdfast.slo.claims.words import read_statement
from holdfast.slo.targets.percent import percent

_DEFAULT_PERIOD_SECONDS = 30 * 86400.0
_SAME = 0.005
_SHARE = re.compile(
    r"P of(?: (?P<period>[MD]))? G (?:in|over|within) (?P<window>[DM])(?: of (?P<period2>[MD]))?"
)


@dataclass(frozen=True)
class Said:
    """What labels and annotations say of a rule. None = nothing."""

    fraction: float | None = None
    window_seconds: float | None = None
    burn: float | None = None
    objective: float | None = None
    period_seconds: float | None = None


def check_rule(rule: AlertRule, given: Given) -> Iterator[CheckedClaim]:
    """Return a claim for each alternative (`or`) of the rule that has a threshold on a window."""
    said = _said(rule)
    try:
        found = branches(rule.expression)
    except PromQLError as error:
        yield CheckedClaim(statement=rule.name, verdict="not_understood", notes=(error.message,))
        return
    for branch in found:
        if branch:
            tier = rule.labels.get("tier", "")
            yield check_thresholds(f"{rule.name} {tier}".strip(), branch, said, given)


def check_thresholds(
    name: str, branch: Sequence[Comparison], said: Said, given: Given
) -> CheckedClaim:
    """Return what the thresholds of one condition come to; `said` is what is written beside."""
    long = max(branch, key=lambda comparison: comparison.window_seconds)
    windows = " and ".join(time_in_words(c.window_seconds) for c in _by_window(branch))
    statement = f"{name}: {windows}, threshold {long.threshold:.4g}"
    objective = given.objective or said.objective or _objective_of(long, said)
    if objective is None:
        return CheckedClaim(
            statement=statement,
            verdict="not_understood",
            notes=(
                "the objective is not in the rule: write the threshold as burn rate x "
                "(1 - objective), or give --objective",
            ),
        )
    period = given.period_seconds or said.period_seconds
    assumed = () if period else (f"period {time_in_words(_DEFAULT_PERIOD_SECONDS)} (not said)",)
    period = period or _DEFAULT_PERIOD_SECONDS
    burn = long.threshold / (1 - objective)
    share = burn * long.window_seconds / period
    faults = tuple(_faults(branch, long, objective, period, said))
    return CheckedClaim(
        statement=statement,
        verdict="wrong" if faults else "right",
        claimed=_claimed(said, burn),
        actual=f"{burn:.4g}x, {in_words('P', share)} of the budget in "
        f"{time_in_words(long.window_seconds)}",
        arithmetic=f"burn rate = threshold / (1 - objective) = {long.threshold:.4g} / "
        f"{1 - objective:.4g} = {burn:.4g}; budget fraction = burn rate x window / period = "
        f"{burn:.4g} x {hours(long.window_seconds)} / {hours(period)} = {share:.4g}",
        assumptions=(f"objective {percent(objective)}", *assumed),
        notes=faults,
    )


def _by_window(branch: Sequence[Comparison]) -> list[Comparison]:
    return sorted(branch, key=lambda comparison: -comparison.window_seconds)


def _claimed(said: Said, burn: float) -> str:
    if said.fraction is not None:
        return f"{in_words('P', said.fraction)} of the budget"
    return f"{said.burn if said.burn is not None else burn:.4g}x"


def _objective_of(long: Comparison, said: Said) -> float | None:
    """From `14.4 * 0.001`, or from the burn rate that an annotation gives."""
    if long.budget is not None:
        return 1 - long.budget
    if said.burn and 0 < long.threshold / said.burn < 1:
        return 1 - long.threshold / said.burn
    return None


def _faults(
    branch: Sequence[Comparison], long: Comparison, objective: float, period: float, said: Said
) -> Iterator[str]:
    burn = long.threshold / (1 - objective)
    share = burn * long.window_seconds / period
    if long.threshold >= 1:
        yield f"it can never fire: no ratio is above {long.threshold:.4g}, not even a full outage's"
    if burn < 1 - _SAME:
        yield f"it fires at {burn:.4g}x, a burn that the budget sustains"
    if share > 1 + _SAME:
        yield f"the whole budget is spent {share:.3g} times before it fires"
    if long.window_seconds > period:
        yield f"its window is longer than the period ({time_in_words(period)})"
    for other in branch:
        if not _close(other.threshold, long.threshold):
            yield (
                f"the windows differ: {other.threshold:.4g} over "
                f"{time_in_words(other.window_seconds)}, {long.threshold:.4g} over "
                f"{time_in_words(long.window_seconds)}"
            )
    yield from _contradictions(burn, share, long, period, said)


def _contradictions(
    burn: float, share: float, long: Comparison, period: float, said: Said
) -> Iterator[str]:
    if said.burn is not None and not _close(said.burn, burn):
        yield f"it says {said.burn:.4g}x, its threshold is {burn:.4g}x"
    if said.window_seconds is not None and said.window_seconds != long.window_seconds:
        yield (
            f"it says {time_in_words(said.window_seconds)}, its window is "
            f"{time_in_words(long.window_seconds)}"
        )
    elif said.fraction is not None and not _close(said.fraction, share):
        right = said.fraction * period / long.window_seconds
        yield (
            f"it says {in_words('P', said.fraction)} of the budget in "
            f"{time_in_words(long.window_seconds)}: that is {right:.4g}x, a threshold of "
            f"{right * long.threshold / burn:.4g}"
        )


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= _SAME * max(abs(one), abs(other))


# ---- what the rule says of itself --------------------------------------------------------------


def _said(rule: AlertRule) -> Said:
    named = {**rule.labels, **rule.annotations}
    texts = [_sentence(text) for text in rule.annotations.values()]
    found = Said()
    for text in texts:
        found = _merged(found, said_in(text))
    return _merged(
        found,
        Said(
            fraction=_number(named, "budget_fraction"),
            burn=_number(named, "burn_rate_threshold"),
            objective=_number(named, "objective"),
            period_seconds=_number(named, "period_seconds"),
        ),
    )


def _sentence(text: str) -> str:
    return re.sub(r"\{\{.*?\}\}", " ", text)


def said_in(text: str) -> Said:
    """Return what a sentence says of a share of a budget in a window."""
    read = read_statement(text)
    share = _SHARE.search(read.codes)
    if share is None:
        return Said()
    first = read.codes.count(" ", 0, share.start())
    tokens = read.tokens[first : first + share[0].count(" ") + 1]
    window = tokens[-3] if share["period2"] else tokens[-1]
    period = tokens[2] if share["period"] else tokens[-1] if share["period2"] else None
    return Said(
        fraction=tokens[0].value,
        window_seconds=window.value,
        period_seconds=None if period is None else period.value,
    )


def _number(named: dict[str, str], key: str) -> float | None:
    text = named.get(key, "").strip()
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None


def _merged(first: Said, second: Said) -> Said:
    return Said(
        *(
            getattr(second, name) if getattr(first, name) is None else getattr(first, name)
            for name in Said.__dataclass_fields__
        )
    )
