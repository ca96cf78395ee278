"""Asks the effect probe of an action: deployer, settings or repository, as what it changes asks."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from holdfast.actions.hands import Hands
from holdfast.actions.probe import Seen, asks_what_runs, read_probe, read_settings
from holdfast.actions.settle import ProbeAnswer
from holdfast.actions.steps import Operation, Subject, operation
from holdfast.delivery.codehost import CodeHost
from holdfast.errors import HoldfastError, InputError
from holdfast.model.action import Action
from holdfast.model.case import Part
from holdfast.model.runbook import MergeStep, Runbook, TagStep, WithdrawStep


def ask_probe(
    action: Action, part: Part, *, runbooks: Mapping[str, Runbook], hands: Hands
) -> ProbeAnswer:
    """Return whether that part took effect. What cannot be asked is `unknown`."""
    try:
        act = operation(action, "act", runbooks)
        undo = operation(action, "undo", runbooks) if part == "undo" else None
        return _ask(action, part, act, undo, hands)
    except HoldfastError:
        return "unknown"


def _ask(
    action: Action, part: Part, act: Operation, undo: Operation | None, hands: Hands
) -> ProbeAnswer:
    own = undo or act
    subject = _subject(action, own)
    if subject == "versions":
        seen = Seen(
            hands.deployer(action.target).current(action.target),
            _running(action, part, act, undo, hands),
        )
        return read_probe(action, part, act=act, undo=undo, seen=seen)
    if subject == "settings":
        now = hands.settings_of(action.target).current(action.target)
        return read_settings(action, part, act=act, undo=undo, now=now)
    return _ask_code(action, own, hands)


def _subject(action: Action, own: Operation) -> Subject:
    """Return what is asked about; a plan of programs is probed by what its probe names."""
    (first, *others) = own.subjects
    if others:
        raise InputError(f"{own.runbook.id} makes several kinds of change: no probe can tell")
    if first != "nothing":
        return first
    return "settings" if action.effect_probe.setting else "versions"


def _running(
    action: Action, part: Part, act: Operation, undo: Operation | None, hands: Hands
) -> Collection[str] | None:
    if not asks_what_runs(action, part, act=act, undo=undo):
        return None
    return set(hands.deployer(action.target).endpoints(action.target))


def _ask_code(action: Action, own: Operation, hands: Hands) -> ProbeAnswer:
    """Return what the repository says of the last step. Nothing of it is ever half done."""
    step = own.steps[-1]
    host = hands.code_host(action.target)
    match step:
        case MergeStep():
            taken = host.contains(step.into, action.effect_probe.commit)
        case WithdrawStep():
            taken = _is_withdrawn(host, step, action.effect_probe.commit)
        case TagStep():
            taken = step.version in host.versions() and host.commit_of(step.version) == step.commit
        case _:
            return "unknown"
    return "took_effect" if taken else "not_taken"


def _is_withdrawn(host: CodeHost, step: WithdrawStep, merged: str) -> bool:
    """Whether a branch holds nothing of a merge any more; it may hold what others added since.

    Without the merged commit only a branch that is wholly as before can be told.
    """
    differing = set(host.changed_files(step.expect_base, host.head(step.into)))
    if not merged or merged == step.expect_base:
        return not differing
    return not differing & set(host.changed_files(step.expect_base, merged))
