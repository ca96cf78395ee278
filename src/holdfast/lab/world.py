"""The lab's own user configuration: what a team of this production would have written."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import cast

import yaml

from holdfast.lab.cdevents import ENVIRONMENT
from holdfast.lab.files import write_whole
from holdfast.lab.records import LabFile, LabFolder, LabOptions
from holdfast.lab.repositories import PLATFORM
from holdfast.lab.signals import signals
from holdfast.lab.topology import ServiceSpec, chosen
from holdfast.model.action import Autonomy, Risk
from holdfast.model.base import Record
from holdfast.model.config import ChangesSettings, Config, DeployerSettings, MetricsSettings
from holdfast.model.policy import (
    CanaryPolicy,
    CanaryStep,
    LoadTestPolicy,
    Policy,
    PolicyRule,
)
from holdfast.model.service import CodeSettings, LogSettings, Service
from holdfast.model.slo import SLO, BurnTier, RatioIndicator

RUNBOOKS = Path(__file__).parent / "runbooks"
"""What the team has written down for itself."""
PERIOD_SECONDS = 3600.0
PERIOD_NOTE = "laboratory: a period of 30 days compressed to 1 hour (factor 720)"
LATENCY_OBJECTIVE = 0.95
AVAILABILITY_OBJECTIVE = 0.99
TIERS = (
    BurnTier(
        name="page-fast",
        action="page",
        budget_fraction=0.05,
        long_window_seconds=30,
        short_window_seconds=5,
    ),
    BurnTier(
        name="page-slow",
        action="page",
        budget_fraction=0.10,
        long_window_seconds=120,
        short_window_seconds=10,
    ),
)
MITIGATED_HOLD_SECONDS = 10.0
MITIGATION_DEADLINE_SECONDS = 60.0
LAB_CANARY = CanaryPolicy(
    steps=(
        CanaryStep(percent=10, duration_seconds=60),
        CanaryStep(percent=50, duration_seconds=44),
    ),
    interval_seconds=2.0,
    roll_back_above=1.5,
    promote_below=2.0,
    failed_fraction_at_most=0.2,
    min_requests=30,
    watch_seconds=15.0,
    careful_below_budget_fraction=-100.0,
)
"""Wide margins for little traffic, on a machine that is shared: see docs/canary.md. The budget does
not reduce the shares: it is one of minutes of traffic, which every incident overspends."""
LAB_LOAD_TEST = LoadTestPolicy(duration_seconds=10.0, p95_ratio_at_most=3.0)
"""Wide as well: the fault to be told apart is several times as slow."""


def write_world(folder: LabFolder, lab: LabFile) -> None:
    """Write `holdfast.yaml`, two policies, of which one only observes, and the team's runbooks."""
    write_whole(folder.config, as_yaml(config(folder, lab)))
    write_whole(folder.policy, as_yaml(acting_policy()))
    write_whole(folder.observe_policy, as_yaml(observing_policy()))
    folder.runbooks.mkdir(exist_ok=True)
    for runbook in sorted(RUNBOOKS.glob("*.yaml")):
        write_whole(folder.runbooks / runbook.name, runbook.read_text(encoding="utf-8"))


def config(folder: LabFolder, lab: LabFile) -> Config:
    """Return the lab's configuration; paths are relative to its folder."""
    options = lab.options
    specs = chosen(options.services)
    return Config(
        environment=ENVIRONMENT,
        laboratory=True,
        data_folder=options.data_folder or Path(".holdfast"),
        metrics=_metrics(folder, options),
        services=tuple(_service(spec, folder, lab) for spec in specs),
        slos=_slos(specs[0], options),
        deployers=(DeployerSettings(name="lab", kind="lab", url=lab.control_url),),
        changes=(
            ChangesSettings(kind="cdevents", path=folder.deployments.relative_to(folder.root)),
        ),
        policy=folder.policy.relative_to(folder.root),
        runbooks=(folder.runbooks.relative_to(folder.root),),
        evaluation_interval_seconds=options.scrape_interval_seconds,
        comparison_window_seconds=60,
    )


def acting_policy() -> Policy:
    """Return the policy of the demonstration: it acts, in the laboratory only."""
    rule = PolicyRule(
        name="the laboratory, up to medium risk",
        environments=(ENVIRONMENT,),
        risks=(Risk.LOW, Risk.MEDIUM),
        autonomy=Autonomy.ACT,
    )
    update = {
        "name": "laboratory-act",
        "rules": (rule,),
        "canary": LAB_CANARY,
        "load_test": LAB_LOAD_TEST,
    }
    return observing_policy().model_copy(update=update)


def observing_policy() -> Policy:
    """Return the policy of a first contact."""
    return Policy(
        name="laboratory-observe",
        mitigated_hold_seconds=MITIGATED_HOLD_SECONDS,
        mitigation_deadline_seconds=MITIGATION_DEADLINE_SECONDS,
    )


def as_yaml(record: Record) -> str:
    """Return a record as YAML, without what is as by default."""
    plain = record.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(_without_versions(plain), sort_keys=False, allow_unicode=True, width=100)


def _without_versions(value: object) -> object:
    """Leave out records' own versions: a person would not write them."""
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {key: _without_versions(v) for key, v in items if key != "schema_version"}
    if isinstance(value, list):
        return [_without_versions(item) for item in cast("list[object]", value)]
    return value


def _metrics(folder: LabFolder, options: LabOptions) -> MetricsSettings:
    every = options.scrape_interval_seconds
    if options.prometheus_url:
        return MetricsSettings(
            kind="prometheus", url=options.prometheus_url, resolution_seconds=every
        )
    path = folder.metrics.relative_to(folder.root)
    return MetricsSettings(kind="recorder", path=path, resolution_seconds=every)


def _service(spec: ServiceSpec, folder: LabFolder, lab: LabFile) -> Service:
    logs = folder.logs.relative_to(folder.root)
    repository = folder.repositories.relative_to(folder.root) / spec.name
    return Service(
        name=spec.name,
        namespace="meridian",
        environment=ENVIRONMENT,
        criticality=spec.criticality,
        owner=spec.owner,
        depends_on=spec.depends_on,
        repository=str(repository),
        signals=signals(spec, server=lab.database.kind == "postgresql"),
        logs=LogSettings(paths=(f"{logs}/{spec.name}.*.jsonl",)),
        deployer="lab",
        code=_code() if lab.options.fixes else None,
        requests=spec.requests,
    )


def _code() -> CodeSettings:
    """Say how the repositories' tests are run: as their README says, by this interpreter."""
    return CodeSettings(
        tests=(sys.executable, "-m", "unittest", "discover", "-s", "tests"),
        variables={"PYTHONPATH": os.pathsep.join(("src", str(PLATFORM)))},
        timeout_seconds=60.0,
    )


def _slos(entry: ServiceSpec, options: LabOptions) -> tuple[SLO, ...]:
    """Return the objectives of the service that clients reach, measured on their side."""

    def rate(metric: str) -> str:
        return f'sum(rate({metric}{{service_name="{entry.name}"}}[$window]))'

    milliseconds = f"{options.threshold_seconds * 1000:g} ms"
    latency = SLO(
        name=f"{entry.name}-latency",
        service=entry.name,
        description=f"{LATENCY_OBJECTIVE:.0%} of requests are answered within {milliseconds}",
        owner=entry.owner,
        kind="latency",
        indicator=RatioIndicator(
            bad_query=rate("edge_requests_slow_total"),
            total_query=rate("edge_requests_settled_total"),
        ),
        objective=LATENCY_OBJECTIVE,
        threshold_seconds=options.threshold_seconds,
        period_seconds=PERIOD_SECONDS,
        period_note=PERIOD_NOTE,
        tiers=TIERS,
    )
    availability = SLO(
        name=f"{entry.name}-availability",
        service=entry.name,
        description=f"{AVAILABILITY_OBJECTIVE:.0%} of requests are answered without an error",
        owner=entry.owner,
        kind="availability",
        indicator=RatioIndicator(
            bad_query=rate("edge_requests_failed_total"), total_query=rate("edge_requests_total")
        ),
        objective=AVAILABILITY_OBJECTIVE,
        period_seconds=PERIOD_SECONDS,
        period_note=PERIOD_NOTE,
        tiers=TIERS,
    )
    return latency, availability
