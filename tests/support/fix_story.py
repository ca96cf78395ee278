"""The permanent fix in the story of `labels`: written, proven, brought to users, or ended earlier.

Its times stand behind those of the verified mitigation. Evidence is made by the code that makes
it: the load test is judged, the rule is proven, the steps are planned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Literal, Protocol

from holdfast.actions.fix_plans import (
    FixPlan,
    plan_canary,
    plan_merge,
    plan_release,
    plan_stage,
    plan_unstage,
    plan_withdraw,
)
from holdfast.actions.repair.proof import BISECT_COLUMNS, REPRODUCTION_COLUMNS
from holdfast.actions.runbooks import load_runbooks
from holdfast.delivery.loadtest.records import ArmMeasures, GeneratorHealth, LoadResult, Ratio
from holdfast.delivery.proof import ProofOrder, judge
from holdfast.delivery.rollout.report import OVERALL, VERDICT_COLUMNS
from holdfast.learning.prevention.proof import prove
from holdfast.model import event as ev
from holdfast.model.action import (
    Action,
    Approval,
    Autonomy,
    GuardDecision,
    Performance,
    Verdict,
)
from holdfast.model.case import Case
from holdfast.model.evidence import (
    Cell,
    Evidence,
    EvidenceKind,
    Matrix,
    Outcome,
    Series,
    Table,
    Text,
    Window,
)
from holdfast.model.fix import DeclinedFix, Fix, RegressionTest
from holdfast.model.ids import derived_id
from holdfast.model.policy import CanaryPolicy, CanaryStep, LoadTestPolicy, Policy
from holdfast.model.prevention import AlertRule, Prevention
from holdfast.model.runbook import Runbook
from holdfast.model.slo import SLO

FixEnding = Literal[
    "released",
    "declined",
    "load_failed",
    "load_impossible",
    "rejected",
    "unanswered",
    "conflict",
    "canary_worse",
    "canary_silent",
]

POLICY = Policy(
    name="careful",
    mitigated_hold_seconds=10,
    mitigation_deadline_seconds=120,
    canary=CanaryPolicy(
        steps=(
            CanaryStep(percent=10, duration_seconds=60),
            CanaryStep(percent=50, duration_seconds=60),
        ),
        watch_seconds=20,
    ),
    load_test=LoadTestPolicy(duration_seconds=10, p95_ratio_at_most=1.5),
)

BASE, COMMIT, GUILTY, HARMLESS = ("1234567" + c * 33 for c in "abcd")
BRANCH = "holdfast/inc-01m0story0-parcel"

FIX_DIFF = """\
diff --git a/labels/print.py b/labels/print.py
--- a/labels/print.py
+++ b/labels/print.py
@@ -10,7 +10,5 @@ def labels_of(session, parcels):
     \"\"\"Return the labels of 250 parcels at most.\"\"\"
     found = []
-    for parcel in parcels:
-        address = session.execute(ADDRESS_OF_ONE, {"id": parcel.id})
-        found.append(render(parcel, address))
+    rows = session.execute(LABELS_OF_MANY, {"ids": [p.id for p in parcels]})
+    found.extend(rows)
     audit("printed", len(found))
     return found
"""


class Telling(Protocol):
    """What tells a story."""

    def say(self, seconds: float, *payloads: ev.Payload) -> None: ...

    def kept(self, seconds: float, *items: Evidence) -> None: ...


@dataclass
class FixTale:
    """Tells the fix. `case` folds what was told so far; `start` is the story's beginning."""

    teller: Telling
    case: Callable[[], Case]
    start: datetime
    slo: SLO

    def tell(self, ending: FixEnding) -> None:
        """Tell it to that end."""
        if ending == "declined":
            self.teller.say(734, ev.Repaired(fix=None, declined=DECLINED))
        else:
            self._repair()
            self._stage(ending)
        self._prevent(found=ending == "released")

    @property
    def plan(self) -> FixPlan:
        """What steps are planned with."""
        case = self.case()
        assert case.repaired
        assert case.repaired.fix
        return FixPlan(
            case=case,
            fix=case.repaired.fix,
            policy=POLICY,
            runbooks=_runbooks(),
            slo=self.slo,
            into="main",
            short_window_seconds=5,
        )

    def at(self, seconds: float) -> datetime:
        """A time of the story."""
        return self.start + timedelta(seconds=seconds)

    # ---- the branch --------------------------------------------------------------------------

    def _repair(self) -> None:
        rows = ((HARMLESS, True), (GUILTY, False))
        statements = (("7.4", 1), ("7.5", 251))
        items = {
            "reproduction": self._table("SQL", REPRODUCTION_COLUMNS, statements, 734),
            "bisect": self._table("the regression test at commits", BISECT_COLUMNS, rows, 734),
            "regression_on_bad": self._run("exit 1 after 0.8 s; no network"),
            "regression_on_fixed": self._run("exit 0 after 0.7 s; no network"),
            "repository_tests": self._run("exit 0 after 4.1 s; no network"),
            "diff": self._sealed(
                "diff 7.5..7.6 of labels", EvidenceKind.DIFF, Text(text=FIX_DIFF), 734
            ),
        }
        fix = Fix(
            id="fix-1",
            service="labels",
            hypothesis_id="hyp-loop",
            method="revert",
            good_version="7.4",
            bad_version="7.5",
            version="7.6",
            branch=BRANCH,
            base=BASE,
            commit=COMMIT,
            guilty_commit=GUILTY,
            guilty_subject="Print labels one by one, 250 at most",
            sentences=(
                f"The commit {GUILTY[:8]} is reverted.",
                "labels_of asks once for up to 250 parcels again.",
            ),
            files=("labels/print.py", "tests/test_statements_7.py", "REVIEW_CHECKLIST.md"),
            regression=RegressionTest(
                path="tests/test_statements_7.py",
                name="test_labels_are_asked_for_at_once",
                at_most=1.0,
                on_bad=251.0,
                unit="statements",
            ),
            evidence={name: item.id for name, item in items.items()},
        )
        self.teller.kept(734, *items.values())
        self.teller.say(734.1, ev.Repaired(fix=fix, declined=DECLINED[:1]))

    def _run(self, ended: str) -> Evidence:
        text = Text(text=f"{ended}\n1 test of 41")
        return self._sealed(f"$ pytest: {ended}", EvidenceKind.COMMAND, text, 734)

    # ---- the steps ---------------------------------------------------------------------------

    def _stage(self, ending: FixEnding) -> None:
        stage = plan_stage(self.plan)
        self._do(stage, 734.2, 734.4)
        errors = 0.2 if ending == "load_failed" else 0.0
        refusal = "the generator is saturated: it did not send 31 of 240 requests"
        proof = judge(
            self._order(),
            self._load(errors, refusal if ending == "load_impossible" else ""),
        )
        evidence = [self._repeat(item) for item in proof.evidence]
        self._verdict(stage, 734.9, proof.effect, proof.p95_ratio, evidence)
        if proof.status == "kept":
            self._merge(ending)
        else:
            self._put_back(735)

    def _merge(self, ending: FixEnding) -> None:
        merge = plan_merge(self.plan, BASE)
        asked = GuardDecision(
            action_id=merge.id,
            decision="ask",
            autonomy=Autonomy.APPROVE,
            reasons=("merging needs an approval",),
        )
        self.teller.say(735, ev.ActionProposed(action=merge), ev.Guarded(decision=asked))
        if ending == "unanswered":
            self._put_back(735.6)
            return
        word = Approval(
            id="approval-1",
            action_id=merge.id,
            decision="reject" if ending == "rejected" else "approve",
            approver="ada",
            plan_hash=merge.plan_hash(),
            given_at=self.at(735.1),
            expires_at=self.at(800),
            note="not before the 24th" if ending == "rejected" else "",
        )
        self.teller.say(735.1, ev.Approved(approval=word))
        if ending == "rejected":
            self._put_back(735.6)
            return
        failed = "labels/print.py was changed on main by 2 commits" if ending == "conflict" else ""
        self._act(merge, 735.2, failed=failed)
        if failed:
            self._put_back(735.6)
            return
        self._verdict(merge, 735.4, "seen", 1.0, [])
        self._canaries(ending)

    def _canaries(self, ending: FixEnding) -> None:
        self._canary(10, {"7.4": 100.0}, 736, ending if ending != "released" else "")
        if ending != "released":
            return
        self._canary(50, {"7.4": 90.0, "7.6": 10.0}, 737, "")
        release = plan_release(self.plan, {"7.4": 50.0, "7.6": 50.0})
        self._do(release, 738, 738.1)
        ratio = self._matrix(release.expected_effect.query, 700, 738.5, {}, lambda _: 0.0021)
        self._verdict(release, 738.6, "seen", 0.0021, [ratio], held=20.0)

    def _canary(self, percent: float, weights: dict[str, float], at: float, ending: str) -> None:
        step = next(s for s in POLICY.canary.steps if s.percent == percent)
        action = plan_canary(self.plan, step, weights)
        self._do(action, at, at + 0.1)
        effect, decision = {
            "canary_worse": ("not_seen", "roll_back"),
            "canary_silent": ("no_data", "inconclusive"),
        }.get(ending, ("seen", "promote"))
        table = self._judged(percent, decision, at + 0.4)
        self.teller.kept(at + 0.4, table)
        for look, said in enumerate(("inconclusive", "inconclusive", decision), start=1):
            looked = ev.CanaryLooked.model_validate(
                {
                    "action_id": action.id,
                    "look": look,
                    "decision": said,
                    "reason": f"after {look} of 5 looks: {said}",
                    "evidence_ids": (table.id,),
                }
            )
            self.teller.say(at + 0.1 * look, looked)
        measured = None if effect == "no_data" else 1.02 if effect == "seen" else 1.4
        verdict = Verdict.model_validate(
            {
                "action_id": action.id,
                "effect": effect,
                "measured": measured,
                "expected": str(action.expected_effect.bound),
                "held_seconds": 0.0,
                "evidence_ids": (table.id,),
            }
        )
        self.teller.say(at + 0.5, ev.Verified(verdict=verdict))
        if effect == "seen":
            return
        self._act(action, at + 0.6, part="undo")
        if effect == "not_seen":
            withdraw = plan_withdraw(self.plan, BASE)
            self._do(withdraw, at + 0.7, at + 0.8)
            self._verdict(withdraw, at + 0.9, "seen", 1.0, [])

    def _judged(self, percent: float, decision: str, at: float) -> Evidence:
        low, high = (1.2, 1.61) if decision == "roll_back" else (0.97, 1.08)
        known: list[dict[str, Cell]] = [
            {
                "metric": OVERALL,
                "decision": decision,
                "baseline_requests": 4512,
                "canary_requests": 498,
                "planned_canary_percent": percent,
                "reason": "5 of 5 metrics",
            },
            {
                "metric": "latency_mean_seconds",
                "decision": decision,
                "effect_ratio": 1.02,
                "interval_low_ratio": low,
                "interval_high_ratio": high,
                "roll_back_above": 1.02,
                "promote_below": 1.1,
            },
            {"metric": "errors", "decision": "inconclusive", "effect_ratio": None},
        ]
        rows = tuple(tuple(one.get(column) for column in VERDICT_COLUMNS) for one in known)
        return self._table(f"judge_canary(labels, {percent:g})", VERDICT_COLUMNS, rows, at)

    def _put_back(self, at: float) -> None:
        unstage = plan_unstage(self.plan)
        self._do(unstage, at, at + 0.1)
        self._verdict(unstage, at + 0.2, "seen", 1.0, [])

    def _do(self, action: Action, at: float, then: float) -> None:
        allowed = GuardDecision(
            action_id=action.id,
            decision="allow",
            autonomy=Autonomy.ACT,
            reasons=("rule `fixes` lets it act",),
        )
        self.teller.say(at, ev.ActionProposed(action=action), ev.Guarded(decision=allowed))
        self._act(action, then)

    def _act(
        self,
        action: Action,
        at: float,
        *,
        part: Literal["act", "undo"] = "act",
        failed: str = "",
    ) -> None:
        self.teller.say(
            at,
            ev.Claimed(action_id=action.id, part=part, attempt=1, world=action.preconditions),
            ev.Performed(
                performance=Performance(
                    action_id=action.id,
                    part=part,
                    attempt=1,
                    outcome="failed" if failed else "done",
                    seconds=0.42,
                    detail=failed,
                )
            ),
        )

    def _verdict(
        self,
        action: Action,
        at: float,
        effect: Literal["seen", "not_seen", "no_data"],
        measured: float | None,
        evidence: Sequence[Evidence],
        held: float = 0.0,
    ) -> None:
        self.teller.kept(at, *evidence)
        verdict = Verdict(
            action_id=action.id,
            effect=effect,
            measured=measured,
            expected=str(action.expected_effect.bound),
            held_seconds=held,
            evidence_ids=tuple(item.id for item in evidence),
        )
        self.teller.say(at, ev.Verified(verdict=verdict))

    # ---- the load test -----------------------------------------------------------------------

    def _order(self) -> ProofOrder:
        return ProofOrder(
            service="labels",
            endpoints={"7.4": "http://127.0.0.1:8001", "7.6": "http://127.0.0.1:8002"},
            stable_version="7.4",
            candidate_version="7.6",
            requests=("1 GET /labels/{parcel}",),
            rate_per_second=12.5,
            policy=POLICY.load_test,
        )

    def _load(self, errors: float, refusal: str) -> LoadResult:
        health = GeneratorHealth(
            intended=240,
            missed=31 if refusal else 0,
            lag_p50_seconds=0.001,
            lag_p99_seconds=0.0042,
            lag_max_seconds=0.0081,
            lag_allowed_seconds=0.02,
            cpu_fraction=0.08,
        )
        arms = (_arm("candidate", "7.6", 0.0412, errors), _arm("good", "7.4", 0.0405, 0.0))
        ratios = (
            Ratio(measure="p50", ratio=0.99, low=0.93, high=1.05),
            Ratio(measure="p95", ratio=1.017, low=0.91, high=1.14),
        )
        return LoadResult(
            status="refused" if refusal else "measured",
            refusal=refusal,
            rate_per_second=12.5,
            duration_seconds=10,
            arrivals="even",
            seed=0,
            started_at=self.at(734.4),
            ended_at=self.at(734.8),
            generator=health,
            arms=() if refusal else arms,
            ratios=() if refusal else ratios,
        )

    # ---- prevention --------------------------------------------------------------------------

    def _prevent(self, *, found: bool) -> None:
        if not found:
            reason = "no rule on statements: 3 values of healthy time were recorded; 8 are needed"
            self.teller.say(739.4, ev.Prevented(prevention=None, reason=reason))
            return
        level = "sum(rate(db_statements_total[4s])) / sum(rate(labels_requests_total[4s]))"
        rule = AlertRule(
            name="StatementsPerRequestHigh", expression=f"({level}) > 10", for_seconds=2.0
        )

        def trouble(at: float) -> float | None:
            return 51.0 if at > 630 else 2.0

        incident = [
            self._matrix(level, 600, 733, {}, trouble),
            self._matrix(rule.expression, 600, 733, {}, lambda at: 51.0 if at > 630 else None),
        ]
        healthy = [
            self._matrix(level, 0, 590, {}, lambda _: 2.0),
            self._matrix(rule.expression, 0, 590, {}, lambda _: None),
        ]
        proof = prove(incident, healthy, for_seconds=2.0, alert_at=self.at(655).timestamp())
        assert proof.holds
        prevention = Prevention(
            id="prevention-1",
            service="labels",
            hypothesis_id="hyp-loop",
            rule=rule,
            proof=proof,
            threshold_from="the healthy maximum of 2 times 2; the incident's median was 51",
        )
        self.teller.kept(739.3, *incident, *healthy)
        self.teller.say(739.4, ev.Prevented(prevention=prevention))

    # ---- evidence ----------------------------------------------------------------------------

    def _table(
        self,
        query: str,
        columns: tuple[str, ...],
        rows: tuple[tuple[Cell, ...], ...],
        at: float,
    ) -> Evidence:
        table = Table(columns=columns, rows=rows)
        return self._sealed(query, EvidenceKind.COMMAND, table, at)

    def _matrix(
        self,
        query: str,
        start: float,
        end: float,
        labels: dict[str, str],
        curve: Callable[[float], float | None],
    ) -> Evidence:
        times = [start + second for second in range(int(end - start) + 1)]
        points = tuple(
            (self.at(at).timestamp(), value) for at in times if (value := curve(at)) is not None
        )
        series = (Series(labels=labels, points=points),) if points else ()
        sealed = Evidence.seal(
            kind=EvidenceKind.METRIC,
            query=query,
            source="prometheus http://127.0.0.1:9090",
            asked_at=self.at(end),
            outcome=Outcome.DATA if series else Outcome.NO_DATA,
            value=Matrix(series=series),
            window=Window(start=self.at(start), end=self.at(end)),
            step_seconds=1.0,
        )
        return self._repeat(sealed)

    def _sealed(self, query: str, kind: EvidenceKind, value: Table | Text, at: float) -> Evidence:
        sealed = Evidence.seal(
            kind=kind,
            query=query,
            source="git labels.git",
            asked_at=self.at(at),
            outcome=Outcome.DATA,
            value=value,
        )
        return self._repeat(sealed)

    def _repeat(self, item: Evidence) -> Evidence:
        """Give evidence an id that every run of the story repeats."""
        return item.model_copy(update={"id": derived_id("ev", item.asked_at, item.hash)})


@cache
def _runbooks() -> dict[str, Runbook]:
    return load_runbooks()


DECLINED = (
    DeclinedFix(method="eager_loading", reason="labels_of has 2 ways out of its loop"),
    DeclinedFix(method="revert", reason="with the commit reverted 3 of 41 tests fail"),
)


def _arm(name: str, version: str, p95: float, errors: float) -> ArmMeasures:
    many = 125
    failed = round(many * errors)
    return ArmMeasures.model_validate(
        {
            "arm": name,
            "version": version,
            "endpoint": "http://127.0.0.1:8002/",
            "intended": many,
            "sent": many,
            "ok": many - failed,
            "client_error": 0,
            "server_error": failed,
            "timeout": 0,
            "connection_error": 0,
            "error_ratio": failed / many,
            "throughput_per_second": 12.4,
            "p50_seconds": 0.0214,
            "p90_seconds": 0.0352,
            "p95_seconds": p95,
            "p99_seconds": None,
            "max_seconds": 0.0713,
        }
    )
