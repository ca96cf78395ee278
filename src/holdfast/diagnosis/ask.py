"""From a question to a test: which calls at which times, which measure, which prediction.

What cannot be asked is a gap, in words. Times are pinned: a test can be asked again years later.
"""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.diagnosis import ask_graph
from holdfast.diagnosis.calls import Parameters, Plan, Planner, instant_call, pair, range_call
from holdfast.diagnosis.claims import claim_question
from holdfast.diagnosis.identity import id_of_test
from holdfast.diagnosis.objectives import worst_burn_query
from holdfast.diagnosis.question import Ask, Question
from holdfast.diagnosis.scene import Scene
from holdfast.diagnosis.signals import Gap, Subject, level, shared_signal, subject_of
from holdfast.model.figure import Derivation
from holdfast.model.hypothesis import Bound, Hypothesis, Test, ToolCall
from holdfast.model.service import Signal

_LONGEST_SERIES = 600
"""Points of a series at most."""

_CONTEXT_LINES = 200
"""Of a diff: enough to see the function around a change, its helpers and its imports."""


def plan_test(
    question: Question, hypothesis: Hypothesis, scene: Scene, *, decisive: bool
) -> Test | Gap:
    """Return the test of one question, or the gap that keeps it from being asked."""
    subject = subject_of(hypothesis, scene)
    if question.needs_versions and not subject.has_versions:
        return _without_versions(subject)
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


def _without_versions(subject: Subject) -> Gap:
    if subject.setting or (subject.new and subject.new == subject.old):
        return Gap(
            f"{subject.service} served as the same version before and after the change: "
            "versions do not tell them apart"
        )
    return Gap(f"which versions of {subject.service} the change replaced is not recorded")


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


def _over_hold(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    del hypothesis
    query = scene.indicator(scene.shortest_window_seconds)
    if query is None:
        return Gap(f"no objective is configured for {scene.target}")
    step, watched = scene.settings.resolution_seconds, scene.settings.hold_seconds
    if question.ask is Ask.LATEST:
        watched = scene.shortest_window_seconds  # beside the window that each point looks back
    call = range_call(query, scene.now - watched, scene.now, step)
    return Plan(calls=(call,), function="points_max")


def _met_before(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    """Ask for the worst burn of the other objectives: what was not met is no action's to restore.

    The window is that of the comparison, so that one bad moment of health does not decide.
    """
    del question, hypothesis
    if scene.healthy is None or not scene.other_slos:
        return Gap(f"no other objective of {scene.target} was measured before it began")
    start, end = scene.healthy
    window = max(end - start, scene.shortest_window_seconds)
    query = worst_burn_query([(slo, window) for slo in scene.other_slos])
    return Plan(calls=(instant_call(query, end),), function="value")


def _after_action(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    """Ask, after an action, for what it was to bring down, or for the symptom that was left.

    A hypothesis of its own is held to the action's own effect. A rival is held to the symptom,
    which goes on where the rival is a cause as well; where the action was to relieve one service
    only, a rival in that service is held to what was measured there.
    """
    effect = scene.effect_of(hypothesis.id) or scene.effect
    if effect is None:
        return Gap("no action has taken effect yet")
    expected, at = effect.action.expected_effect, scene.effect_asked_at
    own = question.stage == "after_own"
    if own or (expected.partial and effect.action.target == hypothesis.service):
        bound = expected.bound if own else _beyond(expected.bound)
        call = instant_call(expected.query, at)
        return Plan(calls=(call,), function="value", prediction=bound)
    query = scene.indicator(scene.shortest_window_seconds)
    if query is None or scene.slo is None:
        return Gap(f"no objective is configured for {scene.target}")
    beyond = Bound(at_least=scene.slo.error_budget_fraction, unit="of requests")
    return Plan(calls=(instant_call(query, at),), function="value", prediction=beyond)


def _beyond(bound: Bound) -> Bound:
    """Return what lies on the other side of a bound."""
    return Bound(at_least=bound.at_most, at_most=bound.at_least, unit=bound.unit)


# ---- levels, now and before ------------------------------------------------------------------


def _now(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    subject = subject_of(hypothesis, scene)
    signal = shared_signal(question, (hypothesis.service,), scene)
    if isinstance(signal, Gap):
        return signal
    window = scene.shortest_window_seconds
    query = level(scene.services[hypothesis.service], signal, window, by=subject.by)
    return Plan(calls=(instant_call(query, scene.now),), function="value", parameters=subject.later)


def _now_and_before(function: str) -> Planner:
    def planner(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
        subject = subject_of(hypothesis, scene)
        signal = shared_signal(question, (hypothesis.service,), scene)
        if isinstance(signal, Gap):
            return signal
        calls = pair(scene.services[hypothesis.service], signal, scene, subject)
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
    levels = pair(service, signal, scene, subject)
    traffic = pair(service, Signal.REQUEST_RATE, scene, subject)
    if isinstance(levels, Gap):
        return levels
    if isinstance(traffic, Gap):
        return traffic
    until = (scene.onset or scene.now) - 2 * scene.settings.resolution_seconds
    if scene.onset is None or until - window < (subject.since or until):
        return Gap(f"{subject.new} of {service.name} served too briefly before it began")
    then = [instant_call(level(service, s, window, by=subject.by), until)
            for s in (signal, Signal.REQUEST_RATE)]  # fmt: skip
    return Plan(
        calls=(then[0], levels[1], then[1], traffic[0]),
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


_PLANNERS: Mapping[Ask, Planner] = {
    Ask.ORDERING: _ordering,
    Ask.OWN_SHARE: ask_graph.own_share,
    Ask.LARGEST_SHARE: ask_graph.largest_share(1),
    Ask.TWO_LARGEST: ask_graph.largest_share(2),
    Ask.CPU_TOTAL: ask_graph.cpu_total,
    Ask.CPU_SHARE: ask_graph.cpu_share,
    Ask.NOW: _now,
    Ask.NOW_OVER_BEFORE: _now_and_before("ratio"),
    Ask.NOW_MINUS_BEFORE: _now_and_before("difference"),
    Ask.NOW_MINUS_OTHER: _now_minus_other,
    Ask.WORST_OF_HOLD: _over_hold,
    Ask.LATEST: _over_hold,
    Ask.MET_BEFORE: _met_before,
    Ask.AFTER_ACTION: _after_action,
    Ask.AT_FIRST: _at_first,
    Ask.INSTANCES: _instances,
    Ask.REPEATED_STATEMENTS: _repeated,
    Ask.CODE: _code,
    Ask.CLAIM: _claim,
}
