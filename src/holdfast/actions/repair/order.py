"""What is to be fixed, and what came of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from holdfast.model.evidence import Evidence
from holdfast.model.fix import DeclinedFix, Fix
from holdfast.model.hypothesis import Hypothesis
from holdfast.model.service import Service

_SLUG_AT_MOST = 60


@dataclass(frozen=True)
class FixOrder:
    """A mechanism to be removed from a service: its code was well at one version, bad at another.

    The `code` of `mechanism` are places in the bad version.
    """

    incident_id: str
    service: Service
    mechanism: Hypothesis
    good_version: str
    bad_version: str

    @property
    def slug(self) -> str:
        """The name of the branch, behind `holdfast/`: it belongs to the incident."""
        plain = re.sub(r"[^a-z0-9]+", "-", self.incident_id.lower()).strip("-")
        return plain[:_SLUG_AT_MOST] or "incident"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all workspaces that the work is done in; the first is the fix's."""
        return (self.slug, *(f"{self.slug}-{part}" for part in ("good", "bad", "bisect")))


@dataclass(frozen=True)
class FixResult:
    """A fix, or none; every way that came to nothing; and what was measured on the way."""

    fix: Fix | None
    declined: tuple[DeclinedFix, ...] = ()
    evidence: tuple[Evidence, ...] = ()
