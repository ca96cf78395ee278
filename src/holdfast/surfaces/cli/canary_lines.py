"""A rollout in plain lines: what is planned, each look, each move, and how it ended."""

from __future__ import annotations

from holdfast.delivery.judge.records import CanaryVerdict, Metric, MetricVerdict
from holdfast.delivery.rollout.records import Kept, Looked, Moved, News, RolloutResult, Watched
from holdfast.model.action import Action, GuardDecision
from holdfast.model.policy import CanaryPolicy

_SHORT = {
    Metric.LATENCY_MEAN: "latency",
    Metric.LATENCY_P95: "p95",
    Metric.ERRORS: "failures",
    Metric.STATEMENTS: "statements",
    Metric.CPU: "cpu",
}
_SAID = {
    "promoted": "PROMOTED",
    "held": "HELD",
    "taken_back": "TAKEN BACK",
    "inconclusive": "TAKEN BACK, INCONCLUSIVE",
}


def header(action: Action, guard: GuardDecision, canary: CanaryPolicy) -> list[str]:
    """Return what is about to happen, by which margins, and who allows it."""
    steps = ", ".join(f"{s.percent:g} % up to {s.duration_seconds:g} s" for s in canary.steps)
    return [
        action.title,
        f"allowed: {'; '.join(guard.reasons)}",
        f"steps: {steps}, then all traffic, watched for {canary.watch_seconds:g} s",
        f"margins: latency taken back above {canary.roll_back_above:g}x, passed below "
        f"{canary.promote_below:g}x; failures passed below "
        f"{canary.failed_fraction_at_most:.3g} of requests; at least {canary.min_requests} "
        f"requests an arm and step; alpha {canary.alpha:g} over all",
    ]


def lines_of(news: News) -> list[str]:
    """Return a piece of news in lines; evidence is recorded, not printed."""
    match news:
        case Moved():
            shares = ", ".join(f"{v} {p:g} %" for v, p in news.weights.items())
            return [f"{_clock(news)}  {news.service}: {shares}  ({news.why})"]
        case Looked():
            return [_look(news)]
        case Watched():
            return [_watch(news)]
        case RolloutResult():
            return [
                f"{_SAID[news.outcome]}  {news.candidate} of {news.service} after "
                f"{news.seconds:.0f} s: {news.reason}"
            ]
        case Kept():
            return []


def _look(news: Looked) -> str:
    verdict = news.verdict
    said = verdict.decision.value.replace("_", " ")
    metrics = "  ".join(_metric(one, verdict.canary) for one in verdict.canary.metrics)
    return (
        f"{_clock(news)}  step {news.step}/{news.steps} {news.percent:g} %  "
        f"{verdict.elapsed_seconds:.0f} s  {verdict.canary.canary_requests} requests  "
        f"{metrics}  {said}"
    )


def _metric(one: MetricVerdict, whole: CanaryVerdict) -> str:
    name = _SHORT[one.metric]
    if one.effect_ratio is None:
        failed = whole.canary_failed_requests if one.metric is Metric.ERRORS else None
        return f"{name} -" if failed is None else f"{name} {failed}"
    if one.interval_low_ratio is None:
        return f"{name} {one.effect_ratio:.2f}x"
    high = "" if one.interval_high_ratio is None else f"{one.interval_high_ratio:.2f}"
    return f"{name} {one.effect_ratio:.2f}x ({one.interval_low_ratio:.2f} to {high or 'no bound'})"


def _watch(news: Watched) -> str:
    measured = "no data" if news.bad_fraction is None else f"{news.bad_fraction:.2%} bad"
    return (
        f"{_clock(news)}  watch {news.elapsed_seconds:.0f} s  {news.slo}: {measured}, "
        f"at most {news.at_most:.2%}"
    )


def _clock(news: Moved | Looked | Watched) -> str:
    return news.at.strftime("%H:%M:%S")
