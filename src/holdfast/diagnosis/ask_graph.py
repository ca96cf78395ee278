"""Questions over the call graph: whose own the trouble is, and how far it is spread."""

from __future__ import annotations

from holdfast.diagnosis.calls import Parameters, Plan, Planner, pair
from holdfast.diagnosis.question import Question
from holdfast.diagnosis.scene import Scene
from holdfast.diagnosis.signals import Gap, Subject, shared_signal, subject_of
from holdfast.model.hypothesis import Hypothesis, ToolCall
from holdfast.model.service import Service, Signal


def own_share(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    """Plan a service's own part of the symptom's excess, after that of its callees."""
    service = hypothesis.service
    names = tuple(dict.fromkeys((scene.target, service, *scene.callees(service))))
    calls = _fours(question, names, scene)
    if isinstance(calls, Gap):
        return calls
    order = (scene.target, service, *scene.callees(service))
    places = tuple(f"${4 * names.index(name) + i}" for name in order for i in range(4))
    return Plan(calls=calls, function="own_excess_share", places=places)


def largest_share(count: int) -> Planner:
    """Return the planner of the largest own share of so many services, among all."""

    def planner(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
        del hypothesis
        names = tuple(scene.services)
        calls = _fours(question, names, scene)
        if isinstance(calls, Gap):
            return calls
        edges = [f"{name}>{callee}" for name in names for callee in scene.callees(name)]
        parameters: Parameters = {"services": ",".join(names), "calls": ",".join(edges)}
        if count > 1:
            parameters["count"] = count
        return Plan(calls=calls, function="largest_own_share", parameters=parameters)

    return planner


def cpu_total(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    """Plan the CPU of all services together."""
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
    cpu = pair(service, Signal.CPU_SECONDS_PER_REQUEST, scene, subject)
    rate = pair(service, Signal.REQUEST_RATE, scene, subject)
    if isinstance(cpu, Gap):
        return cpu
    return rate if isinstance(rate, Gap) else (cpu[0], rate[0], cpu[1], rate[1])


def cpu_share(question: Question, hypothesis: Hypothesis, scene: Scene) -> Plan | Gap:
    """Plan how much of a request's added latency is added CPU."""
    del question
    service, subject = scene.services[hypothesis.service], subject_of(hypothesis, scene)
    cpu = pair(service, Signal.CPU_SECONDS_PER_REQUEST, scene, subject)
    latency = pair(service, Signal.LATENCY_MEAN, scene, subject)
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
        levels = pair(scene.services[name], signal, scene, Subject())
        rates = pair(scene.services[name], Signal.REQUEST_RATE, scene, Subject())
        if isinstance(levels, Gap):
            return levels
        if isinstance(rates, Gap):
            return rates
        calls += [*levels, *rates]
    return tuple(calls)
