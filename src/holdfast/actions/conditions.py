"""Conditions on the world: `service serves [only] version`, `service has setting=value`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from holdfast.errors import ConfigError
from holdfast.model.action import WorldState

_SERVES = re.compile(r"(\S+) serves( only)? (\S+)")
_HAS = re.compile(r"(\S+) has ([^\s=]+)=(\S+)")

Fill = Callable[[str], str]
"""Puts a parameter's value in the place of a word."""

WEIGHT_TOLERANCE_PERCENT = 0.5
"""Two weights that differ by less are the same: proxies round."""


@dataclass(frozen=True)
class Serves:
    """A version serves a service, alone or among others."""

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

    def words(self) -> tuple[str, ...]:
        """Return what may be a parameter."""
        return self.service, self.version

    def filled(self, fill: Fill) -> Serves:
        """Return it with its parameters' values."""
        return Serves(fill(self.service), fill(self.version), self.only)


@dataclass(frozen=True)
class Has:
    """A setting of a service has a value."""

    service: str
    key: str
    value: str

    def __str__(self) -> str:
        return f"{self.service} has {self.key}={self.value}"

    def holds(self, world: WorldState) -> bool | None:
        """Whether it holds; None where the settings of the service are not known."""
        settings = world.settings.get(self.service)
        return None if settings is None else settings.get(self.key) == self.value

    def words(self) -> tuple[str, ...]:
        """Return what may be a parameter."""
        return self.service, self.key, self.value

    def filled(self, fill: Fill) -> Has:
        """Return it with its parameters' values."""
        return Has(fill(self.service), fill(self.key), fill(self.value))


Condition = Serves | Has
"""A sentence about the world that can be checked."""


def parse_condition(text: str, where: str) -> Condition:
    """Read a condition, or raise ConfigError naming `where` it stands."""
    if found := _SERVES.fullmatch(text.strip()):
        return Serves(service=found[1], version=found[3], only=bool(found[2]))
    if found := _HAS.fullmatch(text.strip()):
        return Has(service=found[1], key=found[2], value=found[3])
    raise ConfigError(
        f"{where}: {text!r} is no condition",
        hint="write `SERVICE serves VERSION`, `SERVICE serves only VERSION` or "
        "`SERVICE has SETTING=VALUE`",
    )


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
    moved = [
        _difference(service, weights, world.versions.get(service))
        for service, weights in sorted(planned.versions.items())
        if not _same(weights, world.versions.get(service))
    ]
    changed = [
        _changed_setting(service, key, value, world)
        for service, settings in sorted(planned.settings.items())
        for key, value in sorted(settings.items())
        if world.settings.get(service, {}).get(key) != value
    ]
    return (*moved, *changed)


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


def _changed_setting(service: str, key: str, value: str, world: WorldState) -> str:
    if service not in world.settings:
        return f"the settings of {service} are unknown; it was planned for {key}={value}"
    seen = world.settings[service].get(key)
    now = "is not set" if seen is None else f"is {seen}"
    return f"{key} of {service} {now}; it was planned for {value}"
