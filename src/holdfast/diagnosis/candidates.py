"""Which causes are possible here: every one is put forward, so that rivals are refuted openly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from holdfast.diagnosis.claims import claim_id
from holdfast.diagnosis.identity import hypothesis_id
from holdfast.diagnosis.mechanisms import MECHANISMS
from holdfast.diagnosis.patterns import CAUSES, CLAIM, RECOVERED, Pattern
from holdfast.diagnosis.scene import Scene
from holdfast.diagnosis.signals import subject_of
from holdfast.diagnosis.weigh import prior
from holdfast.model.change import Change, ChangeType
from holdfast.model.hypothesis import Hypothesis

PATTERNS: Mapping[str, Pattern] = {p.id: p for p in (*CAUSES, RECOVERED, CLAIM, *MECHANISMS)}
"""All patterns by id."""


def candidates(scene: Scene) -> tuple[Hypothesis, ...]:
    """Return every hypothesis that the catalog and the changes give reason to consider."""
    causes = [h for pattern in CAUSES if pattern.slo_kind in (None, _slo_kind(scene))
              for h in _of_pattern(pattern, scene)]  # fmt: skip
    others = [_make(RECOVERED, scene, scene.target), *_claims(scene)]
    return tuple(h.model_copy(update={"confidence": prior(len(causes))}) for h in causes) + tuple(
        others
    )


def mechanisms(cause: Hypothesis, scene: Scene) -> tuple[Hypothesis, ...]:
    """Return the ways in which a believed cause may do its damage."""
    scope = PATTERNS[cause.mechanism].scope
    found = [
        _make(pattern, scene, cause.service, change=_change(cause, scene), parent=cause)
        for pattern in MECHANISMS
        if scope in pattern.parents and _fits(pattern, _change(cause, scene))
    ]
    return tuple(h.model_copy(update={"confidence": prior(len(found))}) for h in found)


def _fits(pattern: Pattern, change: Change | None) -> bool:
    return change is None or not pattern.change_types or change.type in pattern.change_types


def within_reach(change: Change, scene: Scene) -> bool:
    """Whether a change is recent enough, and on a service that the symptom depends on."""
    if change.service not in scene.services or change.at.timestamp() > scene.now:
        return False
    if _served_in_health(change, scene):
        return False
    began = scene.now if scene.onset is None else scene.onset
    return change.at.timestamp() >= began - scene.settings.plausible_lag_seconds


def _served_in_health(change: Change, scene: Scene) -> bool:
    """Whether it is a first deployment, with which all that is known of health was measured."""
    first = change.type is ChangeType.DEPLOYMENT and change.from_version is None
    return first and scene.healthy is not None and change.at.timestamp() <= scene.healthy[1]


def _slo_kind(scene: Scene) -> str:
    return "latency" if scene.slo is None else scene.slo.kind


def _of_pattern(pattern: Pattern, scene: Scene) -> Iterator[Hypothesis]:
    match pattern.scope:
        case "change":
            for change in sorted(scene.changes.values(), key=lambda c: (c.at, c.id)):
                if change.type in pattern.change_types and within_reach(change, scene):
                    yield _make(pattern, scene, change.service, change=change)
        case "callee":
            for name in scene.services:
                if name != scene.target:
                    yield _make(pattern, scene, name)
        case "entry" if scene.target in scene.services:
            yield _make(pattern, scene, scene.target)
        case "graph" if scene.target in scene.services and _is_asked(pattern, scene):
            yield _make(pattern, scene, scene.target)
        case _:
            return


def _is_asked(pattern: Pattern, scene: Scene) -> bool:
    """Spread over services can be told only where there are several."""
    return len(scene.services) > 1 or all(q.group != "spread" for q in pattern.questions)


def _claims(scene: Scene) -> Iterator[Hypothesis]:
    for claim in scene.claims:
        made = _make(CLAIM, scene, scene.target, summary=claim.text)
        yield made.model_copy(update={"id": claim_id(scene, claim)})


def _change(cause: Hypothesis, scene: Scene) -> Change | None:
    return scene.changes.get(cause.change_id or "")


def _make(
    pattern: Pattern,
    scene: Scene,
    service: str,
    *,
    change: Change | None = None,
    parent: Hypothesis | None = None,
    summary: str = "",
) -> Hypothesis:
    change_id = None if change is None else change.id
    parent_id = None if parent is None else parent.id
    bare = Hypothesis(
        id=hypothesis_id(scene, pattern.id, service, change_id, parent_id),
        statement="",
        service=service,
        mechanism=pattern.id,
        change_id=change_id,
        parent_id=parent_id,
        predicts=pattern.predicts,
    )
    told = summary or (told_of(change) if change else "")
    words = {**subject_of(bare, scene).words, "summary": told}
    return bare.model_copy(update={"statement": pattern.statement.format(**words)})


def told_of(change: Change) -> str:
    """Say what a change that is no release changed."""
    if change.setting:
        was = "not set" if change.from_value is None else change.from_value
        now = "not set" if change.to_value is None else change.to_value
        return f"{change.setting} was {was} and is {now}"
    return change.summary or "see the change"
