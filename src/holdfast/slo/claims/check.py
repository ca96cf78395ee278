"""Checks one statement: right, wrong and why, or not understood. It never guesses a meaning."""

from __future__ import annotations

from collections.abc import Callable

from holdfast.model.claim import CheckedClaim
from holdfast.slo.claims import arithmetic
from holdfast.slo.claims.arithmetic import DEFAULT_OBJECTIVE, Finding, Given, Terms, as_ratio
from holdfast.slo.claims.forms import Fit, Parts, fit
from holdfast.slo.claims.quantile import check_expression, looks_like_promql
from holdfast.slo.claims.quantities import LENGTHS, in_words, time_in_words
from holdfast.slo.claims.words import PERIODS, read_statement
from holdfast.slo.targets.percent import percent

DEFAULT_PERIOD_SECONDS = 30 * 86400.0
NOBODY = Given()

_ARITHMETIC: dict[str, Callable[[Parts, Terms], list[Finding]]] = {
    "burn": arithmetic.burn,
    "threshold": arithmetic.threshold,
    "share": arithmetic.share,
    "downtime": arithmetic.downtime,
    "outage": arithmetic.outage,
    "cut": arithmetic.cut,
    "budget": arithmetic.budget,
    "exhaustion": arithmetic.exhaustion,
}
_NEEDS_OBJECTIVE = {"threshold", "outage"}
_NEEDS_PERIOD = {"burn", "downtime", "outage", "exhaustion"}

EXAMPLES = (
    "5 % of the 30 d budget in 6 h is a 6x burn",
    "6x on 99.9 % is an error ratio of 0.006",
    "99.9 % allows 43.2 min of downtime a month",
    "a 10 min outage spends 23 % of the monthly budget of a 99.9 % SLO",
    "99.5 % to 99.9 % cuts downtime by 80 %",
)


def check_statement(text: str, given: Given = NOBODY) -> CheckedClaim:
    """Return what the statement comes to. `given` holds where it does not say the objective."""
    if looks_like_promql(text):
        return check_expression(text)
    read = read_statement(text)
    fitted = fit(read)
    if fitted is None:
        return _not_understood(text, read.unknown)
    possible = [_terms(fitted, given, seconds) for seconds in _period_lengths(fitted)]
    problem = _impossible(fitted, possible[0])
    if problem:
        return CheckedClaim(statement=text, verdict="not_understood", notes=(problem,))
    judged = [_judged(text, fitted, terms) for terms in possible]
    return next((each for each in judged if each.verdict == "right"), judged[0])


def _not_understood(text: str, unknown: tuple[str, ...]) -> CheckedClaim:
    said = ", ".join(repr(word) for word in unknown)
    why = f"no meaning is known for {said}" if unknown else "it fits no form that is known"
    return CheckedClaim(
        statement=text,
        verdict="not_understood",
        notes=(why, *(f"for example: {example}" for example in EXAMPLES)),
    )


def _judged(text: str, fitted: Fit, terms: Terms) -> CheckedClaim:
    findings = _ARITHMETIC[fitted.form](fitted.parts, terms)
    wrong = [f for f in findings if not f.claimed.agrees(f.actual, about=fitted.about)]
    shown = wrong or findings
    return CheckedClaim(
        statement=text,
        verdict="wrong" if wrong else "right",
        claimed=", ".join(in_words(f.unit, f.claimed.value) for f in shown),
        actual=", ".join(in_words(f.unit, f.actual) for f in shown),
        arithmetic="; ".join(f.arithmetic for f in shown[-1:]),
        assumptions=terms.assumptions,
        notes=tuple(f.would_be for f in wrong if f.would_be),
    )


# ---- what it is about --------------------------------------------------------------------------


def _period_lengths(fitted: Fit) -> tuple[float | None, ...]:
    """What the statement's period may mean, in seconds; None = it says none."""
    period = fitted.parts.get("period")
    if period is None:
        return (None,)
    return LENGTHS.get(PERIODS.get(period.text, ""), (period.value,))


def _terms(fitted: Fit, given: Given, period_seconds: float | None) -> Terms:
    assumptions: list[str] = []
    if period_seconds is None:
        seconds = given.period_seconds or DEFAULT_PERIOD_SECONDS
        if fitted.form in _NEEDS_PERIOD and given.period_seconds is None:
            assumptions.append(f"period {time_in_words(seconds)} (not said)")
    else:
        seconds = period_seconds
        word = PERIODS.get(fitted.parts["period"].text, "")
        if word in LENGTHS:
            assumptions.append(f"a {word} = {time_in_words(seconds)}")
    objective, told = _objective(fitted, given)
    if told:
        assumptions.append(told)
    return Terms(objective, seconds, tuple(assumptions))


def _objective(fitted: Fit, given: Given) -> tuple[float, str]:
    parts = fitted.parts
    if "objective" in parts:
        return as_ratio(parts["objective"]), ""
    if given.objective is not None:
        return given.objective, ""
    if fitted.form == "burn" and {"burn", "ratio"} <= parts.keys() and parts["burn"].value > 0:
        implied = 1 - parts["ratio"].value / parts["burn"].value
        if 0 < implied < 1:
            return implied, f"objective {percent(implied)} (from the threshold and the burn)"
    needed = fitted.form in _NEEDS_OBJECTIVE or (fitted.form == "burn" and "ratio" in parts)
    return DEFAULT_OBJECTIVE, f"objective {percent(DEFAULT_OBJECTIVE)} (not said)" if needed else ""


def _impossible(fitted: Fit, terms: Terms) -> str:
    parts = fitted.parts
    if not 0 < terms.objective < 1:
        return f"{100 * terms.objective:g} % is no objective: it leaves no budget, or nothing else"
    if "before" in parts and not 0 < as_ratio(parts["before"]) < 1:
        return f"{parts['before'].text} is no objective"
    for name in ("period", "window", "burn"):
        if name in parts and parts[name].value <= 0:
            return f"a {name} of {parts[name].text} makes no sense"
    if "window" in parts and parts["window"].value > terms.period_seconds:
        return (
            f"the window ({parts['window'].text}) is longer than the period "
            f"({time_in_words(terms.period_seconds)})"
        )
    return ""
