"""Watches, and holds what is open: one incident that cannot go on stops no other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from holdfast.engine.watching import Round
from holdfast.errors import HoldfastError
from holdfast.model.action import Autonomy
from holdfast.model.event import Noted
from holdfast.model.policy import Policy
from holdfast.surfaces.app import Holdfast
from holdfast.surfaces.cli.rule_notes import RuleNotes
from holdfast.surfaces.cli.views import View

_LEVELS = (Autonomy.OBSERVE, Autonomy.APPROVE, Autonomy.ACT)


class Held:
    """The incidents under way here, and how they ended."""

    def __init__(self, holdfast: Holdfast) -> None:
        self.holdfast = holdfast
        self._under_way: dict[str, None] = {}
        self._finished: set[str] = set()
        self.failed: dict[str, str] = {}
        """Those whose work stopped with an error, and the error."""

    def add(self, incident_id: str) -> None:
        """Hear of one that is held."""
        self._under_way[incident_id] = None

    def look(self, view: View) -> bool:
        """See what has ended, and say what has failed; return whether nothing is left."""
        for incident_id in tuple(self._under_way):
            if self._is_over(incident_id, view):
                del self._under_way[incident_id]
        return not self._under_way and bool(self._finished or self.failed)

    def _is_over(self, incident_id: str, view: View) -> bool:
        try:
            over = self.holdfast.wait(incident_id, 0)
        except Exception as error:  # noqa: BLE001 - whatever it was: it is said, the others go on
            self._fail(incident_id, error, view)
            return True
        if over:
            self._finished.add(incident_id)
        return over

    def _fail(self, incident_id: str, error: Exception, view: View) -> None:
        what = (
            str(error) if isinstance(error, HoldfastError) else f"{type(error).__name__}: {error}"
        )
        self.failed[incident_id] = what
        said = f"the work on {incident_id} stopped: {what}"
        view.warn("stopped", f"{said}; `holdfast watch` takes it up again when it starts anew")
        with contextlib.suppress(HoldfastError):  # the ledger may be what has failed
            last = self.holdfast.case(incident_id).last_sequence
            note = (f"stopped:{last}", Noted(text=said))
            self.holdfast.ledger.append(incident_id, [note], actor="holdfast (watch)")


def watch_incidents(
    held: Held,
    view: View,
    *,
    until_finished: bool,
    until: Callable[[], bool] = lambda: False,
) -> None:
    """Take up what is unfinished, and watch.

    With `until_finished` it ends when nothing of what was held is under way any more.
    """
    notes = SilenceNotes(view)
    _begin(held.holdfast, view)
    for incident_id in held.holdfast.resume():
        held.add(incident_id)

    def is_over() -> bool:
        all_over = held.look(view)
        return until() or (until_finished and all_over)

    held.holdfast.watch(
        on_round=notes.note, on_held=held.add, on_trouble=notes.trouble, until=is_over
    )


def _begin(holdfast: Holdfast, view: View) -> None:
    config = holdfast.world.config
    if not config.slos:
        view.warn("no slo", "no objective is configured: only `holdfast respond` opens incidents")
    names = ", ".join(slo.name for slo in config.slos)
    often = f"every {config.evaluation_interval_seconds:g} s"
    level = level_of(holdfast.world.read_policy())
    view.say("watching", f"{names or 'nothing'}, {often}; level {level}")


def level_of(policy: Policy) -> str:
    """Return the most that a policy lets Holdfast do anywhere."""
    if policy.paused:
        return "paused"
    levels = (policy.default, *(rule.autonomy for rule in policy.rules))
    return max(levels, key=_LEVELS.index).value


class SilenceNotes:
    """Says, once, when an objective cannot be read, and when it can again: silence is no health.

    What the rules in force warn of is said beside it.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._rules = RuleNotes(view)
        self._silent: dict[str, str] = {}
        self._trouble = ""

    def note(self, found: Round) -> None:
        """Say what has changed since the last round."""
        if self._trouble:
            self._view.say("goes on", "the objectives are evaluated again")
            self._trouble = ""
        self._rules.note(found.rules)
        silent = {
            reading.slo: reading.detail or reading.state.replace("_", " ")
            for reading in found.readings
            if reading.state in ("no_data", "error")
        }
        new = {name: why for name, why in silent.items() if name not in self._silent}
        for why in dict.fromkeys(new.values()):
            names = ", ".join(name for name in new if new[name] == why)
            self._view.warn("no data", f"{names}: {why}: this is no sign of health")
        back = sorted(self._silent.keys() - silent.keys())
        if back:
            self._view.say("data", f"{', '.join(back)}: can be read again")
        self._silent = silent

    def trouble(self, error: HoldfastError) -> None:
        """Say that a round could not be made."""
        if str(error) != self._trouble:
            self._view.warn("trouble", f"{error}; tried again at each interval")
        self._trouble = str(error)
