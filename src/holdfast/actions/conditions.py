"""Conditions on what runs: `service serves version`, `service serves only version`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.errors import ConfigError
from holdfast.model.action import WorldState

_FORM = re.compile(r"(\S+) serves( only)? (\S+)")

WEIGHT_TOLERANCE_PERCENT = 0.5
"""Two weights that differ by less are the same: proxies round."""


@dataclass(frozen=True)
class Condition:
    """A sentence about the world that can be checked."""

    service: str
    version: str
    only: bool

    def __str__(self) -> str:
        return f"{self.service} serves{' only' if self.only else ''} {self.version}"

    def holds(self, world: WorldState) -> bool | None:
        """Whether it holds; None where the world does not know the service."""
        weights = world.versions.get(self.service)
        if weights is None:
            return None
        if self.only:
            return same_weights(weights, {self.version: 100.0})
        return weights.get(self.version, 0.0) > 0


def parse_condition(text: str, where: str) -> Condition:
    """Read a condition, or raise ConfigError naming `where` it stands."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ConfigError(
            f"{where}: {text!r} is no condition",
            hint="write `SERVICE serves VERSION` or `SERVICE serves only VERSION`",
        )
    return Condition(service=found[1], version=found[3], only=bool(found[2]))


def same_weights(first: Mapping[str, float], second: Mapping[str, float]) -> bool:
    """Whether two divisions of traffic are the same, but for rounding. Weight 0 is absence."""
    versions = {version for version, percent in (*first.items(), *second.items()) if percent > 0}
    return all(
        abs(first.get(version, 0.0) - second.get(version, 0.0)) < WEIGHT_TOLERANCE_PERCENT
        for version in versions
    )


def drift(planned: WorldState, world: WorldState) -> tuple[str, ...]:
    """Return, in words, where the world is not as it was planned for; empty = nowhere.

    A service that the world does not know is a difference: what is unknown is never a pass.
    """
    return tuple(
        _difference(service, weights, world.versions.get(service))
        for service, weights in sorted(planned.versions.items())
        if not _same(weights, world.versions.get(service))
    )


def shares(weights: Mapping[str, float]) -> str:
    """Return `v1 90 %, v2 10 %`."""
    parts = [f"{version} {percent:g} %" for version, percent in sorted(weights.items()) if percent]
    return ", ".join(parts) or "nothing"


def _same(planned: Mapping[str, float], seen: Mapping[str, float] | None) -> bool:
    return seen is not None and same_weights(planned, seen)


def _difference(
    service: str, planned: Mapping[str, float], seen: Mapping[str, float] | None
) -> str:
    if seen is None:
        return f"what serves {service} is unknown; it was planned for {shares(planned)}"
    return f"{service} serves {shares(seen)}; it was planned for {shares(planned)}"
