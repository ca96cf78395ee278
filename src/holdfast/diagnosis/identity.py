"""Identifiers that follow from what they name: the same at every replay, no clock, no chance."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Protocol

from holdfast.diagnosis.scene import Scene
from holdfast.model.hypothesis import Hypothesis
from holdfast.model.ids import derived_id


class OfIncident(Protocol):
    """What tells incidents apart: a scene, or a case."""

    @property
    def incident_id(self) -> str: ...

    @property
    def opened_at(self) -> datetime: ...


def hypothesis_id(scene: OfIncident, *parts: str | None) -> str:
    """Return the id of the hypothesis that these parts name within the incident."""
    return derived_id("hyp", scene.opened_at, _seed(scene.incident_id, *parts))


def id_of_test(hypothesis: Hypothesis, role: str) -> str:
    """Return the id of the test that asks this question of the hypothesis."""
    time_part = hypothesis.id.split("-")[1]
    digest = hashlib.sha256(_seed(hypothesis.id, role).encode()).hexdigest()
    return f"test-{time_part}-{digest[:10]}"


def action_id(scene: Scene, plan_hash: str) -> str:
    """Return the id of the action that carries out a plan in this incident."""
    return derived_id("act", scene.opened_at, _seed(scene.incident_id, plan_hash))


def _seed(*parts: str | None) -> str:
    return "\x00".join(part or "" for part in parts)
