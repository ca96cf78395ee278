"""A laboratory of two processes for incidents in seconds: one service behind the edge.

Windows, holds and deadlines are short, the arithmetic is the usual one. One lab serves many
incidents: each has a Holdfast folder of its own, with its own configuration, policy and ledger.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from holdfast.catalog.config import dump_config, load_config
from holdfast.errors import DeliveryError
from holdfast.evidence.ask import Asker
from holdfast.integrations.sources import open_source
from holdfast.lab import control
from holdfast.lab.control import LabHandle
from holdfast.lab.records import Deployment, FaultRequest, LabOptions
from holdfast.lab.world import acting_policy, as_yaml
from holdfast.ledger.chain import check_chain
from holdfast.ledger.fold import fold
from holdfast.ledger.store import Ledger
from holdfast.model.action import Autonomy
from holdfast.model.base import utc_now
from holdfast.model.case import Case
from holdfast.model.config import Config, MetricsSettings
from holdfast.model.event import Event
from holdfast.model.evidence import Matrix, Vector
from holdfast.model.policy import Policy
from holdfast.model.slo import SLO, BurnTier
from holdfast.slo.rules import ratio_query
from support.databases import DATABASE
from support.prometheus import running_prometheus

SERVICE, GOOD, BAD = "customer-api", "v2.3.3", "v2.3.4"
SCRAPE_SECONDS = 0.25
WINDOW_SECONDS = 1.5
HOLD_SECONDS, DEADLINE_SECONDS = 1.0, 6.0
HEALTHY_SECONDS = 3.0
"""How much healthy time stands before a release: what comparisons are made with."""
COMPARISON_SECONDS = 6.0
"""How far back healthy time is looked for."""
_PATIENCE_SECONDS = 20.0

OPTIONS = LabOptions(
    services=(SERVICE,),
    rate_per_second=8.0,
    scrape_interval_seconds=SCRAPE_SECONDS,
    statement_log_fraction=1.0,
    life_seconds=240.0,
    database=DATABASE,
)
POLICY = acting_policy().model_copy(
    update={
        "mitigated_hold_seconds": HOLD_SECONDS,
        "mitigation_deadline_seconds": DEADLINE_SECONDS,
    }
)


def asking_policy() -> Policy:
    """Return the policy under which a person decides."""
    rule = POLICY.rules[0].model_copy(update={"autonomy": Autonomy.APPROVE})
    return POLICY.model_copy(update={"name": "asks", "rules": (rule,)})


_TIER = BurnTier(
    name="page-fast",
    action="page",
    budget_fraction=0.01,
    long_window_seconds=2 * WINDOW_SECONDS,
    short_window_seconds=WINDOW_SECONDS,
)


@dataclass(frozen=True)
class World:
    """One Holdfast's folder: its configuration, and what its ledger says."""

    config_path: Path

    @property
    def policy_path(self) -> Path:
        """The policy, which may be written anew at any time."""
        return self.config_path.with_name("policy.yaml")

    @property
    def data_folder(self) -> Path:
        """Where its ledger and its reports are."""
        return self.config_path.parent / ".holdfast"

    def write_policy(self, policy: Policy | str) -> None:
        """Replace the policy, as a whole."""
        partial = self.policy_path.with_suffix(".partial")
        partial.write_text(policy if isinstance(policy, str) else as_yaml(policy))
        partial.replace(self.policy_path)

    def events(self) -> tuple[Event, ...]:
        """Return the events of its only incident, none where none was opened."""
        ledger = Ledger.at(self.data_folder)
        try:
            incidents = ledger.incident_ids()
            assert len(incidents) <= 1, incidents
            return ledger.events(incidents[0]) if incidents else ()
        finally:
            ledger.close()

    def case(self) -> Case:
        """Return its only incident; the ledger must be whole."""
        events = self.events()
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        assert len({event.step_key for event in events}) == len(events)
        check_chain(events)
        return fold(events)


class SmallLab:
    """A running small lab, seen from a test."""

    def __init__(self, handle: LabHandle, metrics: MetricsSettings | None = None) -> None:
        self.handle = handle
        self._metrics = metrics or load_config(handle.config_path).metrics
        self._source = open_source(self._metrics)
        self._asker = Asker(self._source, utc_now)
        self._slo = _short(load_config(handle.config_path).slos[0])
        self._mark = 0

    def close(self) -> None:
        """Let go of the metrics source; the lab runs on."""
        self._source.close()

    def world(self, folder: Path, policy: Policy | str = POLICY, **changes: object) -> World:
        """Write a Holdfast's configuration for this lab; `changes` replace fields of it."""
        config = load_config(self.handle.config_path)
        folder.mkdir(parents=True, exist_ok=True)
        world = World(folder / "holdfast.yaml")
        update: dict[str, object] = {
            "data_folder": world.data_folder,
            "slos": (self._slo,),
            "policy": world.policy_path,
            "metrics": self._metrics,
            "comparison_window_seconds": COMPARISON_SECONDS,
            **changes,
        }
        world.write_policy(policy)
        whole = Config.model_validate(config.model_copy(update=update).model_dump())
        world.config_path.write_text(dump_config(whole))
        return world

    def begin(self, *, healthy_seconds: float = HEALTHY_SECONDS) -> None:
        """Wait until the good version has served well for a while, whatever was before."""
        self.handle.fault(FaultRequest(service=SERVICE, delay_seconds=0, deploy_hangs_seconds=0))
        self._serve_good()
        self.wait_for(lambda: self._was_well(healthy_seconds), "a while without a bad request")
        self._mark = len(self.handle.deployments())

    def deployments(self) -> list[Deployment]:
        """Return the deployments since `begin`, oldest first."""
        return self.handle.deployments()[self._mark :]

    def moves(self) -> list[tuple[str, str]]:
        """Return (actor, version) of each deployment since `begin`."""
        return [(d.actor, d.to_version) for d in self.deployments()]

    def release_bad(self) -> None:
        """Give all traffic to the bad version, and wait until users feel it."""
        self.handle.release(SERVICE, BAD, (100,), 0)
        self.await_users(suffering=True)

    def await_users(self, *, suffering: bool) -> None:
        """Wait until most requests are bad, or none."""
        self.wait_for(
            lambda: (
                (ratio := self.ratio()) is not None and (ratio > 0.5 if suffering else not ratio)
            ),
            "users to suffer" if suffering else "users to be well",
        )

    def ratio(self) -> float | None:
        """Return the ratio of bad requests over the shortest window; None without data."""
        answer = self._asker.instant(ratio_query(self._slo, WINDOW_SECONDS), time.time())
        samples = answer.value.samples if isinstance(answer.value, Vector) else ()
        return samples[0].value if samples and samples[0].value >= 0 else None

    def _was_well(self, seconds: float) -> bool:
        """Whether the last seconds had requests, and no bad one."""
        now = time.time()
        answer = self._asker.range(
            ratio_query(self._slo, WINDOW_SECONDS), now - seconds, now, SCRAPE_SECONDS
        )
        series = answer.value.series if isinstance(answer.value, Matrix) else ()
        values = [value for one in series for _, value in one.points]
        return len(values) > seconds / SCRAPE_SECONDS - 2 and not any(values)

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until the condition holds; fail, saying what was waited for."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for: {what}"
            time.sleep(0.02)

    def _serve_good(self) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                if self.handle.serving(SERVICE) != GOOD:
                    self.handle.release(SERVICE, GOOD, (100,), 0, actor="the test")
                return
            except DeliveryError:  # a deployment that a test left under way
                assert time.monotonic() < deadline
                time.sleep(0.1)


@contextmanager
def small_lab(folder: Path, options: LabOptions = OPTIONS) -> Iterator[SmallLab]:
    """Run a small lab for the length of a block."""
    handle = control.up(folder, options=options)
    try:
        with closing(SmallLab(handle)) as lab:
            yield lab
    finally:
        handle.down()


@contextmanager
def small_lab_with_prometheus(folder: Path) -> Iterator[SmallLab]:
    """Run a small lab that a real Prometheus scrapes, and nothing else does."""
    options = OPTIONS.model_copy(update={"recorder": False})
    handle = control.up(folder / "lab", options=options)
    try:
        with running_prometheus(
            handle.folder.targets, folder / "prometheus", interval_seconds=SCRAPE_SECONDS
        ) as url:
            metrics = MetricsSettings(kind="prometheus", url=url, resolution_seconds=SCRAPE_SECONDS)
            with closing(SmallLab(handle, metrics)) as lab:
                yield lab
    finally:
        handle.down()


def _short(slo: SLO) -> SLO:
    return slo.model_copy(update={"tiers": (_TIER,)})
