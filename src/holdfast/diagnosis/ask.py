"""From a question to a test: which calls at which times, which measure, which prediction.

What cannot be asked is a gap, in words. Times are pinned: a test can be asked again years later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from holdfast.diagnosis.claims import claim_question
from holdfast.diagnosis.identity import id_of_test
from holdfast.diagnosis.question import Ask, Question
from holdfast.diagnosis.scene import Scene
from holdfast.diagnosis.signals import Gap, Subject, level, shared_signal, subject_of
from holdfast.model.figure import Derivation
from holdfast.model.hypothesis import Bound, Hypothesis, Test, ToolCall
from holdfast.model.service import Service, Signal

Parameters = dict[str, str | float | int | None]

_LONGEST_SERIES = 600
"""Points of a series at most."""

_CONTEXT_LINES = 200
"""Of a diff: enough to see the function around a change, its helpers and its imports."""


@dataclass(frozen=True)
class Plan:
    """What to ask and how to compute the answer; `prediction` where the question has none."""

    calls: tuple[ToolCall, ...]
    function: str
    places: tuple[str, ...] = ()
    parameters: Parameters | None = None
    prediction: Bound | None = None


def plan_test(
    question: Question, hypothesis: Hypothesis, scene: Scene, *, decisive: bool
) -> Test | Gap:
    """Return the test of one question, or the gap that keeps it from being asked."""
    subject = subject_of(hypothesis, scene)
    if question.needs_versions and not subject.has_versions:
        return Gap(f"which versions of {hypothesis.service} the change replaced is not recorded")
    plan = _PLANNERS[question.ask](question, hypothesis, scene)
    if isinstance(plan, Gap):
        return plan
    prediction = plan.prediction or _prediction(question, scene)
    if isinstance(prediction, Gap):
        return prediction
    places = plan.places or tuple(f"${i}" for i in range(len(plan.calls)))
    return Test(
        id=id_of_test(hypothesis, question.role),
        hypothesis_id=hypothesis.id,
        question=question.text.format(**subject.words),
        calls=plan.calls,
        measure=Derivation(
            function=plan.function, evidence_ids=places, parameters=plan.parameters or {}
        ),
        prediction=prediction,
        decisive=decisive,
        cost_seconds=question.cost_seconds,
        role=question.role,
    )


def _prediction(question: Question, scene: Scene) -> Bound | Gap:
    if question.unit != "budgets":
        return Bound(at_least=question.at_least, at_most=question.at_most, unit=question.unit)
    if scene.slo is None:
        return Gap(f"no objective is configured for {scene.target}")
    budget = scene.slo.error_budget_fraction
    return Bound(
        at_least=None if question.at_least is None else question.at_least * budget,
        at_most=None if question.at_most is None else question.at_most * budget,
        unit="of requests",
    )


# ---- the symptom itself ----------------------------------------------------------------------


def _ordering(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    del question
    change = scene.changes.get(hypothesis.change_id or "")
    if scene.onset is None or scene.healthy is None or change is None or scene.slo is None:
        return Gap(f"when the symptom of {scene.target} began is not known")
    step = scene.settings.resolution_seconds
    query = scene.indicator(scene.shortest_window_seconds)
    start = max(scene.healthy[0], scene.now - _LONGEST_SERIES * step)
    lag = scene.settings.plausible_lag_seconds
    return Plan(
        calls=(range_call(query or "", start, scene.now, step),),
        function="half_rise_time",
        parameters={
            "healthy_to": scene.healthy[1],
            "smallest_rise": scene.slo.error_budget_fraction / 2,
        },
        prediction=Bound(
            at_least=change.at.timestamp() - 2 * step,
            at_most=change.at.timestamp() + lag,
            unit="Unix seconds",
        ),
    )


def _worst_of_hold(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    del question, hypothesis
    query = scene.indicator(scene.shortest_window_seconds)
    if query is None:
        return Gap(f"no objective is configured for {scene.target}")
    step = scene.settings.resolution_seconds
    start = scene.now - scene.settings.hold_seconds
    return Plan(calls=(range_call(query, start, scene.now, step),), function="points_max")


def _after_action(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    del question, hypothesis
    if scene.effect is None:
        return Gap("no action has taken effect yet")
    query = scene.effect.action.expected_effect.query
    return Plan(calls=(instant_call(query, scene.effect_asked_at),), function="value")


# ---- levels, now and before ------------------------------------------------------------------


def _now(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    subject = subject_of(hypothesis, scene)
    signal = shared_signal(question, (hypothesis.service,), scene)
    if isinstance(signal, Gap):
        return signal
    window = scene.shortest_window_seconds
    query = level(scene.services[hypothesis.service], signal, window, by=subject.by)
    return Plan(calls=(instant_call(query, scene.now),), function="value", parameters=subject.later)


def _now_and_before(function: str) -> Callable[[Question, Hypothesis, Scene], Plan | Gap]:
    def planner(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
        subject = subject_of(hypothesis, scene)
        signal = shared_signal(question, (hypothesis.service,), scene)
        if isinstance(signal, Gap):
            return signal
        calls = _pair(scene.services[hypothesis.service], signal, scene, subject)
        if isinstance(calls, Gap):
            return calls
        return Plan(calls=calls, function=function, parameters=subject.both)

    return planner


def _now_minus_other(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    subject = subject_of(hypothesis, scene)
    signal = shared_signal(question, (hypothesis.service,), scene)
    if isinstance(signal, Gap):
        return signal
    service = scene.services[hypothesis.service]
    query = level(service, signal, scene.shortest_window_seconds, by=subject.by)
    return Plan(
        calls=(instant_call(query, scene.now),), function="difference", parameters=subject.both
    )


def _at_first(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    """Ask for the later version in the last safe window before the onset, and for its traffic."""
    subject = subject_of(hypothesis, scene)
    signal = shared_signal(question, (hypothesis.service,), scene)
    if isinstance(signal, Gap):
        return signal
    service, window = scene.services[hypothesis.service], scene.shortest_window_seconds
    pair = _pair(service, signal, scene, subject)
    traffic = _pair(service, Signal.REQUEST_RATE, scene, subject)
    if isinstance(pair, Gap) or isinstance(traffic, Gap):
        return pair if isinstance(pair, Gap) else Gap(str(traffic))
    until = (scene.onset or scene.now) - 2 * scene.settings.resolution_seconds
    if scene.onset is None or until - window < (subject.since or until):
        return Gap(f"{subject.new} of {service.name} served too briefly before it began")
    then = [instant_call(level(service, s, window, by=subject.by), until)
            for s in (signal, Signal.REQUEST_RATE)]  # fmt: skip
    return Plan(
        calls=(then[0], pair[1], then[1], traffic[0]),
        function="ratio_under_like_traffic",
        parameters=subject.both,
    )


def _instances(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    signal = shared_signal(question, (hypothesis.service,), scene)
    if isinstance(signal, Gap):
        return signal
    service = scene.services[hypothesis.service]
    query = level(service, signal, scene.now_window_seconds, by=("instance",))
    return Plan(calls=(instant_call(query, scene.now),), function="largest_over_others")


# ---- the call graph --------------------------------------------------------------------------


def _own_share(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    service = hypothesis.service
    names = tuple(dict.fromkeys((scene.target, service, *scene.callees(service))))
    calls = _fours(question, names, scene)
    if isinstance(calls, Gap):
        return calls
    order = (scene.target, service, *scene.callees(service))
    places = tuple(f"${4 * names.index(name) + i}" for name in order for i in range(4))
    return Plan(calls=calls, function="own_excess_share", places=places)


def _largest_share(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    del hypothesis
    names = tuple(scene.services)
    calls = _fours(question, names, scene)
    if isinstance(calls, Gap):
        return calls
    edges = [f"{name}>{callee}" for name in names for callee in scene.callees(name)]
    parameters: Parameters = {"services": ",".join(names), "calls": ",".join(edges)}
    return Plan(calls=calls, function="largest_own_share", parameters=parameters)


def _cpu_total(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    del question, hypothesis
    calls: list[ToolCall] = []
    for service in scene.services.values():
        four = _cpu(service, scene, Subject())
        if isinstance(four, Gap):
            return four
        calls += four
    return Plan(calls=tuple(calls), function="products_ratio")


def _cpu(service: Service, scene: Scene, subject: Subject) -> tuple[ToolCall, ...] | Gap:
    """Return the calls for CPU a request and requests, now; and then both before."""
    cpu = _pair(service, Signal.CPU_SECONDS_PER_REQUEST, scene, subject)
    rate = _pair(service, Signal.REQUEST_RATE, scene, subject)
    if isinstance(cpu, Gap):
        return cpu
    return rate if isinstance(rate, Gap) else (cpu[0], rate[0], cpu[1], rate[1])


def _cpu_share(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    del question
    service, subject = scene.services[hypothesis.service], subject_of(hypothesis, scene)
    cpu = _pair(service, Signal.CPU_SECONDS_PER_REQUEST, scene, subject)
    latency = _pair(service, Signal.LATENCY_MEAN, scene, subject)
    if isinstance(cpu, Gap):
        return cpu
    if isinstance(latency, Gap):
        return latency
    return Plan(calls=(*cpu, *latency), function="differences_ratio", parameters=subject.both)


def _fours(question: Question, names: tuple[str, ...], scene: Scene) -> tuple[ToolCall, ...] | Gap:
    signal = shared_signal(question, names, scene)
    if isinstance(signal, Gap):
        return signal
    calls: list[ToolCall] = []
    for name in names:
        pair = _pair(scene.services[name], signal, scene, Subject())
        rate = _pair(scene.services[name], Signal.REQUEST_RATE, scene, Subject())
        if isinstance(pair, Gap) or isinstance(rate, Gap):
            return pair if isinstance(pair, Gap) else Gap(str(rate))
        calls += [*pair, *rate]
    return tuple(calls)


def _pair(
    service: Service, signal: Signal, scene: Scene, subject: Subject
) -> tuple[ToolCall, ToolCall] | Gap:
    if signal not in service.signals:
        return Gap(f"{service.name} has no metric for {signal.value}")
    if scene.healthy is None:
        return Gap(f"no healthy time of {scene.target} before the onset is known")
    start, end = scene.healthy
    before = max(end - start, scene.shortest_window_seconds)
    if subject.since is not None:  # the earlier version served before the change, not after it
        end = min(end, subject.since - scene.settings.resolution_seconds)
    return (
        instant_call(level(service, signal, scene.now_window_seconds, by=subject.by), scene.now),
        instant_call(level(service, signal, before, by=subject.by), end),
    )


# ---- logs, code, claims ----------------------------------------------------------------------


def _repeated(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    del question
    service = scene.services[hypothesis.service]
    change = scene.changes.get(hypothesis.change_id or "")
    if service.logs is None or change is None:
        return Gap(f"{service.name} has no statement logs")
    earliest = scene.healthy[0] if scene.healthy else change.at.timestamp()
    minutes = round((scene.now - min(earliest, change.at.timestamp())) / 60 + 0.5, 2)
    arguments: Mapping[str, str | float] = {
        "service": service.name,
        "lookback_minutes": minutes,
        "until": scene.now,
    }
    parameters: Parameters = {
        "key_column": "version",
        "key": change.to_version,
        "base": change.from_version,
        "column": "executions_per_trace_max",
    }
    return Plan(
        calls=(ToolCall(tool="get_slow_queries", arguments=dict(arguments)),),
        function="column_max_ratio",
        parameters=parameters,
    )


def _code(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    service = scene.services[hypothesis.service]
    change = scene.changes.get(hypothesis.change_id or "")
    if service.repository is None or change is None:
        return Gap(f"{service.name} has no repository to read the change in")
    call = ToolCall(
        tool="get_deployment_diff",
        arguments={
            "service": service.name,
            "from_version": change.from_version,
            "to_version": change.to_version,
            "context_lines": _CONTEXT_LINES,
        },
    )
    return Plan(calls=(call,), function="code_shapes", parameters={"shape": question.shape})


def _claim(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    del question
    asked = claim_question(hypothesis, scene)
    if isinstance(asked, Gap):
        return asked
    return Plan(
        calls=(instant_call(asked.query, asked.at),), function="value", prediction=asked.prediction
    )


def instant_call(query: str, at: float) -> ToolCall:
    """Return the call that asks PromQL at an instant (Unix seconds)."""
    return ToolCall(tool="prometheus_query", arguments={"query": query, "time_range": at})


def range_call(query: str, start: float, end: float, step_seconds: float) -> ToolCall:
    """Return the call that asks PromQL from start to end (Unix seconds)."""
    return ToolCall(
        tool="prometheus_query",
        arguments={"query": query, "time_range": (start, end, step_seconds)},
    )


_PLANNERS: Mapping[Ask, Callable[[Question, Hypothesis, Scene], Plan | Gap]] = {
    Ask.ORDERING: _ordering,
    Ask.OWN_SHARE: _own_share,
    Ask.LARGEST_SHARE: _largest_share,
    Ask.CPU_TOTAL: _cpu_total,
    Ask.CPU_SHARE: _cpu_share,
    Ask.NOW: _now,
    Ask.NOW_OVER_BEFORE: _now_and_before("ratio"),
    Ask.NOW_MINUS_BEFORE: _now_and_before("difference"),
    Ask.NOW_MINUS_OTHER: _now_minus_other,
    Ask.WORST_OF_HOLD: _worst_of_hold,
    Ask.AFTER_ACTION: _after_action,
    Ask.AT_FIRST: _at_first,
    Ask.INSTANCES: _instances,
    Ask.REPEATED_STATEMENTS: _repeated,
    Ask.CODE: _code,
    Ask.CLAIM: _claim,
}
