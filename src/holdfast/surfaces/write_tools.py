"""The tools that write, each with its guarded way, for whoever asks outside an incident.

An incident's own writes are not done by tools: its actions are claimed in its ledger.
"""

from __future__ import annotations

from holdfast.actions.tools import execute_runbook_tool
from holdfast.delivery.loadtest.tool import load_test_tool
from holdfast.delivery.rollout.records import News, RolloutOrder, RolloutResult
from holdfast.delivery.rollout.tool import CanaryOrder, canary_tool, policy_of
from holdfast.engine.world import World
from holdfast.errors import InputError, NotFound
from holdfast.evidence.toolbox import Tool
from holdfast.surfaces.by_hand import Gate
from holdfast.surfaces.canaries import Canaries
from holdfast.surfaces.runbooks import Runbooks


def write_tools(world: World, approver: str = "") -> tuple[Tool, ...]:
    """Return `execute_runbook`, `deploy_canary` and `run_load_test`.

    The first two are let pass by the policy, and by `approver` where it asks a person; load is
    sent to loopback only. All raise GuardDenied for what may not be done.
    """
    gate = Gate(world.config, world.toolbox.ask, approver)
    return (
        execute_runbook_tool(world.runbooks, Runbooks(world, gate).run),
        canary_tool(lambda order: _canary(order, world, gate)),
        load_test_tool(),
    )


def _canary(order: CanaryOrder, world: World, gate: Gate) -> RolloutResult:
    if order.service not in world.services:
        raise NotFound(f"there is no service {order.service}")
    if order.service not in world.deployers:
        raise InputError(f"{order.service} has no deployer", hint="name one in holdfast.yaml")
    canaries = Canaries(gate, world.services[order.service], world.deployers[order.service])
    canary = policy_of(order, canaries.policy())
    wanted = RolloutOrder(candidate=order.version, promote=order.auto_promote)
    return canaries.roll_out(wanted, canary, _on_record_only)


def _on_record_only(news: News) -> None:
    """A tool's answer is evidence; what happens on the way is in the rollout's record."""
    del news
