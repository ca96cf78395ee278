"""Which metric answers a question: the subject of a hypothesis, and the signals it can use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.catalog.template import fill
from holdfast.diagnosis.question import Question
from holdfast.diagnosis.scene import Scene
from holdfast.model.hypothesis import Hypothesis
from holdfast.model.service import Service, Signal


class Gap(str):
    """What was wanted and could not be asked, in words."""


@dataclass(frozen=True)
class Subject:
    """Whose level is asked: a whole service, or its versions `later` and `earlier`."""

    service: str = ""
    version_label: str = ""
    new: str | None = None
    old: str | None = None
    changed_at: float | None = None
    setting: str = ""
    """For a change of a setting: `KEY=value`, as it was changed to."""
    setting_before: str = ""

    @property
    def since(self) -> float | None:
        """When the later version took over (Unix seconds)."""
        return self.changed_at if self.has_versions else None

    @property
    def has_versions(self) -> bool:
        """Whether a change from one version to another is recorded.

        A setting that changes under one version leaves nothing to tell apart by version.
        """
        return bool(self.new and self.old) and self.new != self.old

    @property
    def by(self) -> tuple[str, ...]:
        """The labels to keep."""
        return (self.version_label,) if self.has_versions else ()

    @property
    def later(self) -> dict[str, str | float | int | None]:
        """Parameters that pick the later version's sample."""
        return {"label": self.version_label, "equals": self.new} if self.has_versions else {}

    @property
    def both(self) -> dict[str, str | float | int | None]:
        """Parameters that pick the later version's sample, and the earlier one as its base."""
        return {**self.later, "base": self.old} if self.has_versions else {}

    @property
    def words(self) -> dict[str, str]:
        """What fills in a question's or a statement's text."""
        return {
            "service": self.service,
            "new": self.setting or self.new or "the new version",
            "old": self.setting_before or self.old or "the version before",
        }


def subject_of(hypothesis: Hypothesis, scene: Scene) -> Subject:
    """Return whose level a hypothesis speaks of."""
    change = scene.changes.get(hypothesis.change_id or "")
    service = scene.services.get(hypothesis.service)
    if change is None or service is None:
        return Subject(service=hypothesis.service)
    return Subject(
        service=service.name,
        version_label=service.version_label,
        new=change.to_version,
        old=change.from_version,
        changed_at=change.at.timestamp(),
        setting=_assignment(change.setting, change.to_value),
        setting_before=_assignment(change.setting, change.from_value),
    )


def _assignment(setting: str, value: str | None) -> str:
    if not setting:
        return ""
    return f"{setting} unset" if value is None else f"{setting}={value}"


def shared_signal(question: Question, services: Sequence[str], scene: Scene) -> Signal | Gap:
    """Return the question's first signal that all the services have."""
    for signal in question.signals:
        if all(signal in scene.services[name].signals for name in services):
            return signal
    lacking = [
        name
        for name in services
        if not any(signal in scene.services[name].signals for signal in question.signals)
    ]
    wanted = " or ".join(signal.value for signal in question.signals)
    return Gap(f"{', '.join(lacking or services)} has no metric for {wanted}")


def level(
    service: Service, signal: Signal, window_seconds: float, *, by: Sequence[str] = ()
) -> str:
    """Return the PromQL of a service's signal over a window, kept apart by labels."""
    return fill(service.signals[signal], window_seconds, by)
