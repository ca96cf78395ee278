"""`rules_test.yaml`: promtool's unit tests of every alert, for `promtool test rules`.

The made-up series follow from the SLO's own queries (`event_series.py`). For each tier: just above
the threshold it fires, just below it does not; nor while only the short window is bad, nor once it
is good again, nor without traffic. The alert for no data fires without series, and not with a
counter that stands still.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from holdfast.catalog.template import duration
from holdfast.model.prevention import AlertRule
from holdfast.model.slo import SLO
from holdfast.slo.files.cases import (
    EVENTS_PER_STEP,
    Case,
    require_true,
    step_of,
    step_seconds,
    tier_cases,
)
from holdfast.slo.files.event_series import EventSeries, event_series
from holdfast.slo.files.rules import CountGuard, guard_of, no_data, tier_alert
from holdfast.slo.files.series import base_window_seconds, matchers
from holdfast.slo.files.synthetic import Counter
from holdfast.slo.files.usable import require_usable
from holdfast.slo.files.yaml_text import yaml_text

RULES_FILE = "rules.yaml"
TESTS_FILE = "rules_test.yaml"

_MOST_SAMPLES = 20_000

_HEAD = (
    "# Made from the SLOs by Holdfast: change those, not this file.\n"
    f"# Run it with `promtool test rules {TESTS_FILE}`.\n"
)


def rule_tests(
    slos: Sequence[SLO],
    guards: Sequence[CountGuard] = (),
    *,
    rules_file: str = RULES_FILE,
) -> str:
    """Return promtool's tests (YAML) of the alerts that `rules_document` writes for these SLOs.

    `rules_file` is the rule file's path, seen from the tests' own. Raises InputError, naming the
    SLO, where no series can be derived from its queries, or where an alert could not be told right
    from wrong.
    """
    require_usable(slos)
    interval = _interval_seconds(slos)
    tests = [test for slo in slos for test in _tests(slo, guards, interval)]
    document = {
        "rule_files": [rules_file],
        "evaluation_interval": duration(interval),
        "tests": tests,
    }
    return _HEAD + yaml_text(document)


def _interval_seconds(slos: Sequence[SLO]) -> float:
    """How far apart rules are evaluated: so far that each case needs one evaluation, its last.

    The longest of all windows, but for objectives of very different scales: there the samples of
    the shortest window would be too many.
    """
    tiers = [tier for slo in slos for tier in slo.tiers]
    if not tiers:
        return max(base_window_seconds(slo) for slo in slos)
    longest = max(tier.long_window_seconds for tier in tiers)
    finest = min(step_of(tier) for tier in tiers)
    least = min(tier.long_window_seconds for tier in tiers)
    return max(least, min(longest, _MOST_SAMPLES * finest))


def _tests(
    slo: SLO, guards: Sequence[CountGuard], interval_seconds: float
) -> Iterator[dict[str, object]]:
    series = event_series(slo)
    for tier in slo.tiers:
        guard = guard_of(slo, tier, guards)
        alert = tier_alert(slo, tier, guard)
        for case in tier_cases(slo, tier, interval_seconds, guard):
            require_true(slo, tier, case, series)
            counters = series.counters(case.phases)
            yield _test(f"{slo.name}, {tier.name}", case, counters, [(alert, case.fires)])
    yield from _silence(slo, guards, series, interval_seconds)


def _silence(
    slo: SLO, guards: Sequence[CountGuard], series: EventSeries, interval_seconds: float
) -> Iterator[dict[str, object]]:
    """What is no error: good traffic, none at all; and what is no silence: nothing counted."""
    base = base_window_seconds(slo)
    step = step_seconds(base)
    at = math.ceil(base / interval_seconds - 1e-9) * interval_seconds
    steps = math.ceil(at / step - 1e-9)
    unmeasured = no_data(slo)
    tiers = [tier_alert(slo, tier, guard_of(slo, tier, guards)) for tier in slo.tiers]
    for what, good in (("good traffic", EVENTS_PER_STEP), ("no traffic", 0.0)):
        case = Case(f"no alert fires with {what}", step, at, ((steps, good, 0.0),))
        silent = [(alert, False) for alert in (*tiers, unmeasured)]
        yield _test(slo.name, case, series.counters(case.phases), silent)
    case = Case("nothing is counted, and that is told", step, at, ())
    yield _test(slo.name, case, (), [*((alert, False) for alert in tiers), (unmeasured, True)])


def _test(
    what: str, case: Case, counters: Sequence[Counter], expected: Sequence[tuple[AlertRule, bool]]
) -> dict[str, object]:
    return {
        "name": f"{what}: {case.name}",
        "interval": duration(case.step_seconds),
        "input_series": [{"series": c.selector, "values": c.notation} for c in counters],
        "promql_expr_test": [
            {
                "expr": _firing(alert),
                "eval_time": duration(case.at_seconds),
                "exp_samples": [{"labels": _firing(alert), "value": 1}] if fires else [],
            }
            for alert, fires in expected
        ],
    }


def _firing(alert: AlertRule) -> str:
    """Return the series by which Prometheus says that an alert fires, with all of its labels."""
    labels = {"alertname": alert.name, "alertstate": "firing", **alert.labels}
    return f"ALERTS{{{matchers(labels)}}}"
