"""What a configuration's fields must say together: names that exist, templates that parse.

Pure: returns sentences `field: what is wrong (what to do)`, in the order of the file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from holdfast.catalog.template import check_template
from holdfast.errors import PromQLError
from holdfast.model.config import ChangesSettings, Config, DeployerSettings, MetricsSettings
from holdfast.model.service import Service
from holdfast.model.slo import SLO

Entry = TypeVar("Entry")

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_COMMAND_PLACEHOLDERS = {
    "current": {"service"},
    "deploy": {"service", "version", "expect_version", "idempotency_key"},
    "rollback": {"service", "version", "expect_version", "idempotency_key"},
    "weights": {"service", "weights", "idempotency_key"},
    "endpoints": {"service"},
    "settings_current": {"service"},
    "settings_set": {"service", "key", "value", "expect_value", "idempotency_key"},
}


def mistakes(config: Config) -> tuple[str, ...]:
    """Return all that is wrong; nothing wrong = empty."""
    return (
        *_metrics_mistakes(config.metrics),
        *_duplicates("services", [service.name for service in config.services]),
        *_duplicates("slos", [slo.name for slo in config.slos]),
        *_duplicates("deployers", [deployer.name for deployer in config.deployers]),
        *_each(config.services, "services", lambda s: _service_mistakes(s, config)),
        *_each(config.slos, "slos", lambda s: _slo_mistakes(s, config)),
        *_each(config.deployers, "deployers", _deployer_mistakes),
        *_each(config.changes, "changes", lambda c: _changes_mistakes(c, config)),
        *_money_mistakes(config),
    )


def _each(
    entries: Sequence[Entry], field: str, check: Callable[[Entry], Iterator[str]]
) -> Iterator[str]:
    for index, entry in enumerate(entries):
        for mistake in check(entry):
            yield f"{field}[{index}].{mistake}"


def _duplicates(field: str, names: Sequence[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{field}: the name {name!r} is given {count} times (each name stands for one)"
        if not name.strip():
            yield f"{field}: a name is empty (give each a name)"


def _metrics_mistakes(metrics: MetricsSettings) -> Iterator[str]:
    if metrics.kind == "prometheus" and not (metrics.url or "").startswith(("http://", "https://")):
        yield (
            f"metrics.url: {metrics.url!r} is no address of a Prometheus "
            "(give one, for example http://127.0.0.1:9090)"
        )
    if metrics.kind == "recorder" and metrics.path is None:
        yield "metrics.path: missing (the recorder needs the folder of its store)"
    if (metrics.username is None) != (metrics.password_env is None):
        yield (
            "metrics.username: a user and a password go together "
            "(give `username` and `password_env`, the variable that holds the password)"
        )
    if metrics.token_env is not None and metrics.username is not None:
        yield "metrics.token_env: a token and a user are both given (keep one)"


def _unknown(kind: str, name: str, known: Sequence[str]) -> str:
    listed = ", ".join(sorted(known)) or "none"
    return f"there is no {kind} {name!r} (known: {listed})"


def _service_mistakes(service: Service, config: Config) -> Iterator[str]:
    names = [other.name for other in config.services]
    for index, called in enumerate(service.depends_on):
        if called == service.name:
            yield f"depends_on[{index}]: the service names itself (remove it)"
        elif called not in names:
            yield f"depends_on[{index}]: {_unknown('service', called, names)}"
    deployers = [deployer.name for deployer in config.deployers]
    if service.deployer is not None and service.deployer not in deployers:
        yield f"deployer: {_unknown('deployer', service.deployer, deployers)}"
    if not _LABEL_NAME.fullmatch(service.version_label):
        yield f"version_label: {service.version_label!r} is no label name (see your metrics)"
    for signal, template in service.signals.items():
        yield from _template_mistakes(f"signals.{signal.value}", template, by_allowed=True)
    if service.logs is not None and not service.logs.paths:
        yield "logs.paths: empty (name at least one file or glob, or remove `logs`)"


def _slo_mistakes(slo: SLO, config: Config) -> Iterator[str]:
    names = [service.name for service in config.services]
    if slo.service not in names:
        yield f"service: {_unknown('service', slo.service, names)}"
    for field in ("bad_query", "total_query"):
        template = getattr(slo.indicator, field)
        yield from _template_mistakes(f"indicator.{field}", template, by_allowed=False)
    if slo.kind == "latency" and slo.threshold_seconds is None:
        yield "threshold_seconds: missing (a latency objective says what is slow)"
    yield from _duplicates("tiers", [tier.name for tier in slo.tiers])
    for index, tier in enumerate(slo.tiers):
        if tier.long_window_seconds > slo.period_seconds:
            yield (
                f"tiers[{index}].long_window_seconds: {tier.long_window_seconds:g} s is longer "
                f"than the period of {slo.period_seconds:g} s (shorten the window)"
            )


def _template_mistakes(field: str, template: str, *, by_allowed: bool) -> Iterator[str]:
    try:
        check_template(template, by_allowed=by_allowed)
    except PromQLError as error:
        yield f"{field}: {error}"


def _deployer_mistakes(deployer: DeployerSettings) -> Iterator[str]:
    if deployer.kind == "lab" and not deployer.url:
        yield "url: missing (give the laboratory's control address)"
    if deployer.kind == "command":
        for field in ("current", "deploy"):
            if not getattr(deployer, field):
                yield f"{field}: missing (give the program and its arguments as a list)"
        if bool(deployer.settings_current) != bool(deployer.settings_set):
            yield "settings_set: it and settings_current go together (give both, or neither)"
        for field, known in _COMMAND_PLACEHOLDERS.items():
            yield from _placeholder_mistakes(field, getattr(deployer, field), known)


def _placeholder_mistakes(field: str, argv: Sequence[str], known: set[str]) -> Iterator[str]:
    for index, argument in enumerate(argv):
        for name in re.findall(r"\{(\w+)\}", argument):
            if name not in known:
                listed = ", ".join(f"{{{k}}}" for k in sorted(known))
                yield f"{field}[{index}]: unknown placeholder {{{name}}} (known: {listed})"


def _changes_mistakes(changes: ChangesSettings, config: Config) -> Iterator[str]:
    names = [service.name for service in config.services]
    if changes.kind == "git_tags" and changes.service is None:
        yield "service: missing (whose versions are the repository's tags?)"
    if changes.service is not None and changes.service not in names:
        yield f"service: {_unknown('service', changes.service, names)}"


def _money_mistakes(config: Config) -> Iterator[str]:
    if (config.revenue_per_request is None) != (config.currency is None):
        yield "revenue_per_request: an amount and a currency go together (give both, or neither)"
