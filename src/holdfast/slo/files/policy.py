"""`error-budget-policy.yaml` and `.md`: written from the record, and read back with its checks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from holdfast.catalog.documents import parse_mapping, read_text, refusal, validate
from holdfast.model.budget_policy import (
    ALL_CHANGES,
    ErrorBudgetPolicy,
    PolicyStage,
    stage_mistakes,
)
from holdfast.slo.files.yaml_text import yaml_text

POLICY_FILE = "error-budget-policy.yaml"
POLICY_PAGE = "error-budget-policy.md"

_HEAD = (
    "# The error budget policy. `holdfast gate` reads it; the page beside it is made from it.\n"
    "# Edit it with those who own the service and its changes, and let them sign it.\n"
)


def load_budget_policy(path: Path) -> ErrorBudgetPolicy:
    """Return the policy of a file. Raises ConfigError naming the file, the field, what to do."""
    return parse_budget_policy(read_text(path, "error budget policy"), path)


def parse_budget_policy(text: str, path: Path) -> ErrorBudgetPolicy:
    """Return the policy that `text` says; `path` is named in errors."""
    policy = validate(ErrorBudgetPolicy, parse_mapping(text, path), path)
    found = tuple(_mistakes(policy))
    if found:
        raise refusal(path, found)
    return policy


def policy_document(policy: ErrorBudgetPolicy) -> str:
    """Return YAML that loads back as the same policy.

    Raises ConfigError where the policy's stages are wrong.
    """
    plain = policy.model_dump(mode="json", exclude_none=True, exclude={"schema_version"})
    text = yaml_text(_without_versions(plain))
    parse_budget_policy(text, Path(POLICY_FILE))
    return _HEAD + text


def policy_markdown(policy: ErrorBudgetPolicy) -> str:
    """Return the policy as a page for people."""
    rule, exceptions = policy.single_incident, policy.exceptions
    services = ", ".join(policy.services) or "all services"
    percent = f"{100 * rule.budget_fraction:g}"
    approvers = ", ".join(exceptions.approvers) or (
        "unassigned: nobody can approve one until the policy names somebody"
    )
    return "\n".join(
        (
            f"# {policy.name}\n",
            f"Owner: {policy.owner}. It holds for {services}.\n",
            "The error budget is the fraction of events that the objective lets be bad over its "
            "period. What is left of it decides what may go out; of several objectives of a "
            "service, the one with the least left decides.\n",
            "## Stages\n",
            "| budget left | stage | changes that may go out | velocity | review |",
            "|---|---|---|---|---|",
            *(_row(stage) for stage in policy.stages),
            "",
            f"## One incident above {percent} %\n",
            f"One incident that spends more than {percent} % of the period's budget needs "
            f"{rule.requires}. Until that is on record, only these changes may go out: "
            f"{', '.join(rule.allowed_changes)}.\n",
            "## When the budget is not known\n",
            "The gate is closed while a source does not answer, and while less than "
            f"{100 * policy.covered_at_least:g} % of the period has been measured, or nothing in "
            f"the last {policy.measured_within_seconds:g} s.\n",
            "## Exceptions\n",
            f"An exception names a reason, an approver and when it ends, after "
            f"{exceptions.longest_hours:g} h at most. It is kept in a file that is never "
            f"rewritten. Approvers: {approvers}.\n",
            "## Signed\n",
            "| role | name | date |",
            "|---|---|---|",
            f"| owner of the service | {policy.owner} | |",
            "| product | unassigned | |",
            "| operations | unassigned | |",
            "",
        )
    )


def _row(stage: PolicyStage) -> str:
    changes = "all" if ALL_CHANGES in stage.allowed_changes else ", ".join(stage.allowed_changes)
    cells = (budget_span(stage), stage.name, changes, stage.velocity, stage.review)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def budget_span(stage: PolicyStage) -> str:
    """Return the stage's part of the budget in words, for example `50 to 25 %`."""
    if stage.budget_to_percent is None:
        return f"{stage.budget_from_percent:g} % or less"
    return f"{stage.budget_from_percent:g} to {stage.budget_to_percent:g} %"


def _mistakes(policy: ErrorBudgetPolicy) -> Iterator[str]:
    yield from stage_mistakes(policy.stages)
    if not policy.single_incident.allowed_changes:
        yield "single_incident.allowed_changes: empty (name at least one kind of change)"
    for index, approver in enumerate(policy.exceptions.approvers):
        if not approver.strip():
            yield f"exceptions.approvers[{index}]: empty (write a name, or remove it)"


def _without_versions(value: object) -> object:
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {k: _without_versions(v) for k, v in items if k != "schema_version"}
    if isinstance(value, list):
        return [_without_versions(item) for item in cast("list[object]", value)]
    return value
