"""A laboratory of several services, for incidents that no release of one service explains.

Windows and holds are short, the arithmetic is the usual one; both objectives of the entry are
watched. One lab serves many incidents, each with a Holdfast folder of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from holdfast.catalog.config import dump_config, load_config
from holdfast.evidence.ask import Asker
from holdfast.integrations.sources import open_source
from holdfast.lab import control
from holdfast.lab.control import LabHandle
from holdfast.lab.records import FaultRequest, LabOptions
from holdfast.learning.keep import incident_folder
from holdfast.learning.verify import verify
from holdfast.model.base import utc_now
from holdfast.model.case import Case
from holdfast.model.config import Config
from holdfast.model.evidence import Vector
from holdfast.model.hypothesis import HypothesisStatus
from holdfast.model.service import Service
from holdfast.model.slo import BurnTier
from holdfast.slo.rules import ratio_query
from support.small_lab import POLICY, World

SCRAPE_SECONDS = 0.5
SHORT_SECONDS, LONG_SECONDS = 2.0, 4.0
HOLD_SECONDS, DEADLINE_SECONDS = 2.0, 15.0
COMPARISON_SECONDS = 8.0
HEALTHY_SECONDS = 7.0
_PATIENCE_SECONDS = 30.0

_TIER = BurnTier(
    name="page-fast",
    action="page",
    budget_fraction=0.01,
    long_window_seconds=LONG_SECONDS,
    short_window_seconds=SHORT_SECONDS,
)
_POLICY = POLICY.model_copy(
    update={
        "mitigated_hold_seconds": HOLD_SECONDS,
        "mitigation_deadline_seconds": DEADLINE_SECONDS,
    }
)


class WideLab:
    """A running laboratory, seen from a test."""

    def __init__(self, handle: LabHandle) -> None:
        self.handle = handle
        self._config = load_config(handle.config_path)
        self._source = open_source(self._config.metrics)
        self._asker = Asker(self._source, utc_now)
        self._slos = tuple(slo.model_copy(update={"tiers": (_TIER,)}) for slo in self._config.slos)

    @property
    def services(self) -> tuple[Service, ...]:
        """The catalog as the lab's team wrote it, but that nobody may work in its repositories."""
        return tuple(s.model_copy(update={"code": None}) for s in self._config.services)

    def close(self) -> None:
        """Let go of the metrics source; the lab runs on."""
        self._source.close()

    def world(self, folder: Path, **changes: object) -> World:
        """Write a Holdfast's configuration for this lab; `changes` replace fields of it."""
        folder.mkdir(parents=True, exist_ok=True)
        world = World(folder / "holdfast.yaml")
        update: dict[str, object] = {
            "data_folder": world.data_folder,
            "slos": self._slos,
            "services": self.services,
            "policy": world.policy_path,
            "comparison_window_seconds": COMPARISON_SECONDS,
            "evaluation_interval_seconds": SCRAPE_SECONDS,
            **changes,
        }
        world.write_policy(_POLICY)
        whole = Config.model_validate(self._config.model_copy(update=update).model_dump())
        world.config_path.write_text(dump_config(whole))
        return world

    def await_health(self) -> None:
        """Wait until every objective has been met without a bad request, for long enough."""
        began = time.monotonic()
        self._wait_for(
            lambda: (
                time.monotonic() - began >= HEALTHY_SECONDS and self._bad(HEALTHY_SECONDS) == 0.0
            ),
            "a while without a bad request",
        )

    def slow(self, service: str, delay_seconds: float) -> None:
        """Hold back every request of a service; 0 ends it."""
        self.handle.fault(FaultRequest(service=service, delay_seconds=delay_seconds))

    def bad_ratios(self) -> dict[str, float | None]:
        """Return, by objective, the ratio of bad requests over the short window."""
        return {slo.name: self._ratio(ratio_query(slo, SHORT_SECONDS)) for slo in self._slos}

    def _bad(self, seconds: float) -> float | None:
        found = [self._ratio(ratio_query(slo, seconds)) for slo in self._slos]
        return None if None in found else max(ratio for ratio in found if ratio is not None)

    def _ratio(self, query: str) -> float | None:
        answer = self._asker.instant(query, time.time())
        samples = answer.value.samples if isinstance(answer.value, Vector) else ()
        return samples[0].value if samples and samples[0].value >= 0 else None

    def _wait_for(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for: {what}"
            time.sleep(0.1)


@contextmanager
def wide_lab(folder: Path, services: tuple[str, ...], **options: object) -> Iterator[WideLab]:
    """Run a laboratory of these services for the length of a block."""
    chosen = {
        "services": services,
        "scrape_interval_seconds": SCRAPE_SECONDS,
        "statement_log_fraction": 1.0,
        "life_seconds": 240.0,
        "database": "sqlite",
        **options,
    }
    handle = control.up(folder, options=LabOptions.model_validate(chosen))
    try:
        with closing(WideLab(handle)) as lab:
            yield lab
    finally:
        handle.down()


def believed_of(case: Case, mechanism: str, service: str, word: str = "") -> HypothesisStatus:
    """Return what is believed of the one hypothesis of this kind whose statement has the word."""
    found = {
        h.statement: h.status
        for h in case.hypotheses.values()
        if (h.mechanism, h.service) == (mechanism, service) and word in h.statement
    }
    assert len(found) == 1, found
    return next(iter(found.values()))


def shown(case: Case) -> set[tuple[str, str]]:
    """Return (mechanism, service) of every cause that is shown by evidence."""
    return {
        (h.mechanism, h.service)
        for h in case.hypotheses.values()
        if h.status is HypothesisStatus.SUPPORTED and h.parent_id is None
        and h.mechanism not in ("recovered", "claim")
    }  # fmt: skip


def report_verifies(world: World, case: Case) -> None:
    """The incident's folder holds a post-mortem of which every figure can be recomputed."""
    report = verify(incident_folder(world.data_folder, case.incident_id))
    assert report.ok, report.findings


def summary_of(case: Case) -> str:
    """Return what an incident came to and by which answers, for the message of a failed test."""
    asked = [
        f"{case.hypotheses[t.hypothesis_id].mechanism} {t.role}: "
        f"{r.measured if (r := case.results.get(t.id)) else 'unanswered'} ({t.prediction})"
        for t in case.tests.values()
    ]
    ended = [f"{a.action.title}: {a.verdict}" for a in case.actions.values()]
    return "\n".join([f"{case.opened.slo}: {case.outcome}", *ended, *asked])
