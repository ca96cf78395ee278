"""Scrape targets from a Prometheus `file_sd` file, read again whenever it changes."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from holdfast.errors import ConfigError
from holdfast.promql.store_schema import canonical_labels

_log = logging.getLogger(__name__)


class TargetGroup(BaseModel):
    """One entry of the file: addresses, and labels that all of them carry."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    targets: tuple[str, ...]
    labels: dict[str, str] = Field(default_factory=dict[str, str])


_GROUPS = TypeAdapter(tuple[TargetGroup, ...])


@dataclass(frozen=True)
class Target:
    """One endpoint. `labels` are what its series carry: `instance`, and those not `__…`."""

    url: str
    labels: dict[str, str] = field(hash=False)

    @property
    def key(self) -> str:
        """What tells targets apart: a target with other labels is another target."""
        return canonical_labels({**self.labels, "__url__": self.url})


def read_targets(file: Path) -> tuple[Target, ...]:
    """Return the targets of a file, each once. Raises ConfigError where it cannot be used."""
    try:
        groups = _GROUPS.validate_json(file.read_bytes())
    except OSError as error:
        raise ConfigError(f"the targets file {file} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(
            f"the targets file {file} is no file_sd JSON: {first['msg']} at {first['loc']}",
            hint='it looks like [{"targets": ["127.0.0.1:9100"], "labels": {"job": "node"}}]',
        ) from error
    found = [_target(address, group.labels) for group in groups for address in group.targets]
    return tuple({target.key: target for target in found}.values())


def _target(address: str, labels: dict[str, str]) -> Target:
    scheme = labels.get("__scheme__", "http")
    path = labels.get("__metrics_path__", "/metrics")
    kept = {k: v for k, v in labels.items() if v and not k.startswith("__")}
    kept.setdefault("instance", address)
    return Target(f"{scheme}://{address}/{path.lstrip('/')}", kept)


class TargetsFile:
    """The targets now. While the file is missing or wrong, those of the last good reading."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._stamp = self._now()
        self._targets = read_targets(file)

    def current(self) -> tuple[Target, ...]:
        """Return the targets, after a look whether the file was changed."""
        stamp = self._now()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._targets = read_targets(self.file)
            except ConfigError as error:
                _log.warning("%s; the targets stay as they were", error)
        return self._targets

    def _now(self) -> tuple[int, int, int]:
        """Return what changes with the file; zeros where it is missing."""
        try:
            found = self.file.stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_size, found.st_ino)
