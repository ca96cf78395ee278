"""Says what the rules in force warn of, once each; and which of them are blind."""

from __future__ import annotations

from holdfast.engine.warning import RuleRound
from holdfast.slo.rule_state import RuleReading, RuleWarning
from holdfast.surfaces.cli.views import View

_BLIND = ("no_data", "error")


class RuleNotes:
    """Remembers what was said, so that only what has changed is."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._warnings: dict[str, RuleWarning] = {}
        self._blind: dict[str, str] = {}
        self._problems: set[str] = set()

    def note(self, found: RuleRound) -> None:
        """Say what has changed since the last round."""
        self._note_warnings({_key(warning): warning for warning in found.warnings})
        self._note_blind({_name(r): r.detail for r in found.readings if r.state in _BLIND})
        for problem in found.problems:
            if problem not in self._problems:
                self._view.warn("rules", f"{problem}: what it would tell of is not seen")
        self._problems = set(found.problems)

    def _note_warnings(self, now: dict[str, RuleWarning]) -> None:
        for key, warning in now.items():
            if key not in self._warnings:
                self._view.warn("warning", said(warning))
        for key, warning in self._warnings.items():
            if key not in now:
                self._view.say("over", f"{warning.name}{_of(warning)}")
        self._warnings = now

    def _note_blind(self, now: dict[str, str]) -> None:
        for name, why in now.items():
            if name not in self._blind:
                self._view.warn("no data", f"the rule {name}: {why}: this is no sign of health")
        for name in self._blind:
            if name not in now:
                self._view.say("data", f"the rule {name} can be read again")
        self._blind = now


def said(warning: RuleWarning) -> str:
    """Return a warning as one line: which rule, of what, its value, and what it means."""
    summary = f": {warning.summary}" if warning.summary else ""
    return f"{warning.name}{_of(warning)} is at {warning.value:.3g}{summary}"


def _of(warning: RuleWarning) -> str:
    others = (v for k, v in sorted(warning.labels.items()) if k not in ("severity", "signal"))
    names = dict.fromkeys((warning.service, *others))
    return f" ({', '.join(name for name in names if name)})"


def _key(warning: RuleWarning) -> str:
    return warning.model_dump_json(include={"name", "source", "labels", "since"})


def _name(reading: RuleReading) -> str:
    return f"{reading.name} of {reading.source}"
