"""A design as the files of its folder: name → text. Pure."""

from __future__ import annotations

from datetime import date

from holdfast.catalog.openslo import to_openslo
from holdfast.slo.design.documents.monitoring import monitoring_strategy
from holdfast.slo.design.documents.plan import implementation_plan
from holdfast.slo.design.documents.slo_document import slo_document
from holdfast.slo.design.records import Architecture
from holdfast.slo.design.rule_test_file import rule_test_file
from holdfast.slo.files.dashboard import dashboard_document
from holdfast.slo.files.policy import policy_document, policy_markdown
from holdfast.slo.files.rules import CountGuard, rules_document

SLO_FILE = "slo.yaml"
RULES_FILE = "rules.yaml"
RULE_TESTS_FILE = "rules_test.yaml"
DASHBOARD_FILE = "dashboard.json"
POLICY_FILE = "error-budget-policy.yaml"
POLICY_PAGE = "error-budget-policy.md"
SLO_PAGE = "slo-document.md"
MONITORING_PAGE = "monitoring-strategy.md"
PLAN_PAGE = "implementation-plan.md"
FILES = frozenset(
    (
        SLO_FILE,
        RULES_FILE,
        RULE_TESTS_FILE,
        DASHBOARD_FILE,
        POLICY_FILE,
        POLICY_PAGE,
        SLO_PAGE,
        MONITORING_PAGE,
        PLAN_PAGE,
    )
)
"""All that a design's folder holds."""


def design_files(design: Architecture, today: date) -> dict[str, str]:
    """Return the text of each file. `today` is the day from which the plan counts.

    Raises InputError for objectives that no rule can be right for.
    """
    slos, guards = design.slos, count_guards(design)
    rules = rules_document(slos, guards)
    tests = rule_test_file(slos, guards, RULES_FILE)
    return {
        SLO_FILE: "---\n".join(to_openslo(slo) for slo in slos),
        RULES_FILE: rules,
        RULE_TESTS_FILE: tests.text,
        DASHBOARD_FILE: dashboard_document(slos),
        POLICY_FILE: policy_document(design.policy),
        POLICY_PAGE: policy_markdown(design.policy),
        SLO_PAGE: slo_document(design),
        MONITORING_PAGE: monitoring_strategy(design, tests.left_out),
        PLAN_PAGE: implementation_plan(design, today),
    }


def count_guards(design: Architecture) -> tuple[CountGuard, ...]:
    """Return the counts that tiers need besides their ratio, where traffic is low."""
    return tuple(
        CountGuard(designed.slo.name, test.tier, test.least_bad_events)
        for designed in design.objectives
        for test in designed.count_tests
    )
