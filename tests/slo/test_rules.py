"""The rules that Prometheus evaluates are those that Holdfast evaluates."""

from __future__ import annotations

from test_burn_arithmetic import slo

from holdfast.catalog.defaults import WORKBOOK_TIERS
from holdfast.catalog.template import parse
from holdfast.model.slo import RatioIndicator
from holdfast.slo.rules import ratio_query, tier_expression

OBJECTIVE = slo(0.999, *WORKBOOK_TIERS).model_copy(
    update={
        "indicator": RatioIndicator(
            bad_query='sum(rate(requests_total{code=~"5.."}[$window]))',
            total_query="sum(rate(requests_total[$window]))",
        )
    }
)


def test_a_ratio_keeps_its_queries_apart() -> None:
    assert ratio_query(OBJECTIVE, 300) == (
        '(sum(rate(requests_total{code=~"5.."}[5m]))) / (sum(rate(requests_total[5m])))'
    )


def test_a_tier_asks_for_both_windows() -> None:
    expression = tier_expression(OBJECTIVE, WORKBOOK_TIERS[0])
    parse(expression)
    assert expression.count("> 0.0144") == 2
    assert "[1h]" in expression
    assert "[5m]" in expression
