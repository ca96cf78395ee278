"""A grammar of PromQL expressions that the embedded evaluator supports, for differential tests."""

from __future__ import annotations

import random

_RANGES = ["15s", "30s", "1m", "100s", "2m", "5m", "10m"]
_LABEL_SETS = ["", "job", "inst", "job, inst"]
_PLAIN_WINDOWS = [
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "deriv",
    "resets",
    "changes",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "count_over_time",
    "last_over_time",
    "present_over_time",
    "stddev_over_time",
    "stdvar_over_time",
]
_PLAIN_FUNCTIONS = [
    "abs",
    "ceil",
    "floor",
    "exp",
    "ln",
    "log2",
    "log10",
    "sqrt",
    "sgn",
    "round",
    "timestamp",
    "sin",
    "cos",
    "atan",
    "sinh",
    "asinh",
    "tanh",
    "acos",
    "deg",
    "rad",
]
_DATE_FIELDS = [
    "minute",
    "hour",
    "day_of_week",
    "day_of_month",
    "day_of_year",
    "days_in_month",
    "month",
    "year",
]
_AGGREGATIONS = ["sum", "avg", "min", "max", "count", "group"]
_ARITHMETIC = ["+", "-", "*", "/", "%", "^"]  # atan2 keeps the name in 2.x, drops it in 3.x
_COMPARISON = ["==", "!=", ">", "<", ">=", "<="]


_SELECTORS_ONLY = -1
"""A depth: nothing computed."""


class Grammar:
    """Writes random expressions; the randomness is the caller's."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def expression(self) -> str:
        """Return an expression of an instant vector or, now and then, a scalar."""
        return self._vector(self._chance.randint(1, 3))

    def _pick(self, *choices: str) -> str:
        return self._chance.choice(choices)

    def _vector(self, depth: int) -> str:
        if depth == _SELECTORS_ONLY:
            return self._selector()
        if depth <= 0:
            return self._pick(self._selector(), self._windowed(0), self._windowed(0))
        write = self._chance.choice(
            [
                self._selected,
                self._windowed,
                self._windowed,
                self._windowed,
                self._function,
                self._aggregation,
                self._aggregation,
                self._with_scalar,
                self._with_vector,
                self._set_operation,
                self._grouped,
                self._special,
            ]
        )
        return write(depth - 1)

    def _selected(self, _depth: int) -> str:
        return self._selector()

    def _selector(self) -> str:
        matchers = self._pick(
            "", "", "", '{job="j1"}', '{job!="j1"}', '{inst=~"i[0-2]"}', '{inst!~"i[0-2]"}'
        )
        return self._pick("a_total", "b_total", "g", "nothing") + matchers + self._modifier()

    def _modifier(self) -> str:
        return self._pick("", "", "", "", " offset 1m", " offset -45s", " @ 300", " @ 123.456")

    def _range(self, depth: int) -> str:
        window = self._chance.choice(_RANGES)
        if depth > 0 and self._chance.random() < 0.25:
            step = self._pick("15s", "20s", "1m", "7s")
            return f"({self._vector(depth - 1)})[{window}:{step}]{self._modifier()}"
        return self._raw_range()

    def _raw_range(self, *, pinned: bool = True) -> str:
        """Write a range selector; 2.x misreads `@` under predict_linear inside a subquery."""
        name = self._pick("a_total", "b_total", "g", "nothing")
        modifier = self._modifier() if pinned else self._pick("", " offset 1m")
        return f"{name}[{self._chance.choice(_RANGES)}]{modifier}"

    def _windowed(self, depth: int) -> str:
        kind = self._chance.random()
        if kind < 0.08:
            return f"quantile_over_time({self._quantile()}, {self._range(depth)})"
        if kind < 0.14:
            return f"predict_linear({self._raw_range(pinned=False)}, {self._number()})"
        if kind < 0.17:
            return f"absent_over_time({self._range(depth)})"
        return self._plain_window(depth)

    def _plain_window(self, depth: int) -> str:
        name = self._chance.choice(_PLAIN_WINDOWS)
        if name in ("changes", "resets"):  # computed values may change by their rounding
            depth = 0
        return f"{name}({self._range(depth)})"

    def _number(self) -> str:
        return self._pick("0", "1", "2", "-3", "0.5", "100", "1e3", "-0.25")

    def _quantile(self) -> str:
        return self._pick("0", "0.1", "0.5", "0.9", "1", "-1", "2")

    def _function(self, depth: int) -> str:
        inner = self._vector(depth)
        name = self._chance.choice(_PLAIN_FUNCTIONS)
        return self._pick(
            f"{name}({inner})",
            f"{name}({inner})",
            f"clamp({inner}, {self._number()}, {self._number()})",
            f"clamp_min({inner}, {self._number()})",
            f"clamp_max({inner}, {self._number()})",
            f"round({inner}, 0.5)",
            f"{self._chance.choice(_DATE_FIELDS)}({self._selector()} * 1e6)",
            f"-({inner})",
        )

    def _grouping(self) -> str:
        labels = self._chance.choice(_LABEL_SETS)
        return self._pick("", f"by ({labels})", f"without ({labels})")

    def _aggregation(self, depth: int) -> str:
        inner, grouping = self._vector(depth), self._grouping()
        kind = self._chance.random()
        if kind < 0.1:
            return f"quantile {grouping} ({self._quantile()}, {inner})"
        if kind < 0.15:  # whole numbers: the value becomes a label, to the last digit
            return f'count_values {grouping} ("v", round(clamp({inner}, -1e6, 1e6)))'
        if kind < 0.22:  # which of equals is chosen is not defined: ask how many only
            k = self._pick("0", "1", "2", "100")
            return f"count({self._pick('topk', 'bottomk')} {grouping} ({k}, {inner}))"
        if kind < 0.3:  # 2.x takes the deviation of a single infinity as 0, 3.x as NaN
            return f"{self._pick('stddev', 'stdvar')} {grouping} ({self._plain_window(0)})"
        return f"{self._chance.choice(_AGGREGATIONS)} {grouping} ({inner})"

    def _comparison(self) -> str:
        return self._chance.choice(_COMPARISON) + self._pick("", " bool")

    def _operator(self, depth: int) -> tuple[str, int]:
        """Return an operator and how deep its sides may be.

        The remainder of a computed number magnifies its last digit.
        """
        operator = self._pick(self._chance.choice(_ARITHMETIC), self._comparison())
        return operator, _SELECTORS_ONLY if operator == "%" else depth

    def _with_scalar(self, depth: int) -> str:
        operator, depth = self._operator(depth)
        scalar = self._pick(self._number(), self._number(), f"scalar({self._vector(depth)})")
        sides = [f"({self._vector(depth)})", f"({scalar})"]
        self._chance.shuffle(sides)
        return f" {operator} ".join(sides)

    def _with_vector(self, depth: int) -> str:
        matching = self._pick("", "", " on (inst)", " on (inst, job)", " ignoring (job)")
        operator, depth = self._operator(depth)
        left, right = self._vector(depth), self._vector(depth)
        return f"({left}) {operator}{matching} ({right})"

    def _grouped(self, depth: int) -> str:
        operator, depth = self._operator(depth)
        many, one = self._vector(depth), f"sum by (job) ({self._vector(depth)})"
        if self._chance.random() < 0.5:
            if self._chance.random() < 0.3:
                named = f'label_replace({one}, "more", "m-$1", "job", "(.*)")'
                return f"({many}) {operator} on (job) group_left (more) ({named})"
            return f"({many}) {operator} on (job) group_left () ({one})"
        return f"({one}) {operator} on (job) group_right () ({many})"

    def _set_operation(self, depth: int) -> str:
        matching = self._pick("", "", " on (inst)", " ignoring (job)", " on ()")
        operator = self._pick("and", "or", "unless")
        return f"({self._vector(depth)}) {operator}{matching} ({self._vector(depth)})"

    def _special(self, depth: int) -> str:
        inner = self._vector(depth)
        return self._pick(
            f"absent({inner})",
            f"vector({self._number()})",
            f"vector(scalar({inner}))",
            f"vector({self._number()} {self._chance.choice(_ARITHMETIC)} pi())",
            "vector(time())",
            f"histogram_quantile({self._quantile()}, h_bucket)",
            f"histogram_quantile({self._quantile()}, rate(h_bucket[2m]))",
            f"histogram_quantile({self._quantile()}, sum by (le) (h_bucket))",
            f"histogram_quantile({self._quantile()}, sum by (le) (increase(h_bucket[5m])))",
            f"histogram_quantile({self._quantile()}, h_bucket or b_total)",
            f'label_replace({inner}, "new", "$1-x", "inst", "i(.)")',
            f'label_join({inner}, "new", "-", "inst", "job")',
            f"sort({inner})",
        )
