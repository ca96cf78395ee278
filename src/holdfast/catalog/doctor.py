"""`holdfast doctor`: what works, what is missing, and which credentials each part needs.

Reads only. What could not be examined is `unknown`, and that is no pass.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping

from holdfast.catalog.check import Check, CheckStatus
from holdfast.catalog.doctor_files import file_checks
from holdfast.catalog.doctor_metrics import metrics_checks
from holdfast.catalog.reader import MetricsReader
from holdfast.errors import HoldfastError
from holdfast.model.config import Config, DeployerSettings
from holdfast.model.service import Service

AskCurrent = Callable[[Service], Mapping[str, float]]
"""A service → version → weight in percent, as its deployer says; raises HoldfastError."""

AskSettings = Callable[[Service], Mapping[str, str] | None]
"""A service → key → value that is in force; None = nobody can say; raises HoldfastError."""


def examine(
    config: Config,
    source: MetricsReader,
    *,
    current: AskCurrent | None = None,
    settings: AskSettings | None = None,
    environ: Mapping[str, str] | None = None,
    at: float | None = None,
) -> tuple[Check, ...]:
    """Return every check, in the order in which a person would go about it.

    `current` asks a deployer what runs, `settings` which configuration and flags are in force;
    without them both are `unknown`. `at` is the time (Unix seconds) for which metrics are asked,
    by default now.
    """
    known = os.environ if environ is None else environ
    return (
        *_credentials(config, known),
        *metrics_checks(config, source, time.time() if at is None else at),
        *file_checks(config),
        *_deployers(config, current, known),
        *_settings(config, settings),
    )


def worst(checks: tuple[Check, ...]) -> int:
    """Return the exit code of a report: 1 where something failed or is not known, else 0."""
    return int(any(check.status in ("fail", "unknown") for check in checks))


def _credentials(config: Config, environ: Mapping[str, str]) -> Iterator[Check]:
    names = tuple(n for n in (config.metrics.token_env, config.metrics.password_env) if n)
    unset = [name for name in names if not environ.get(name)]
    if unset:
        yield Check(
            name="credentials of the metrics source",
            status="fail",
            detail=f"not set: {', '.join(unset)}",
            remedy="export them; a token that may only read is enough",
            access="read",
            credentials=names,
        )
    else:
        yield Check(
            name="credentials of the metrics source",
            status="ok",
            detail="set" if names else "none are configured",
            access="read",
            credentials=names,
        )


def _deployers(
    config: Config, current: AskCurrent | None, environ: Mapping[str, str]
) -> Iterator[Check]:
    settings = {deployer.name: deployer for deployer in config.deployers}
    for service in config.services:
        if service.deployer is None:
            yield Check(
                name=f"deployer of {service.name}",
                status="warn",
                detail="none: Holdfast can say what to roll back, and cannot do it",
                remedy="name a deployer, if Holdfast is to act",
            )
        else:
            yield _deployer(service, settings[service.deployer], current, environ)


def _deployer(
    service: Service,
    settings: DeployerSettings,
    current: AskCurrent | None,
    environ: Mapping[str, str],
) -> Check:
    status, detail, remedy = _what_runs(service, current)
    unset = [name for name in settings.environment if name not in environ]
    if unset:
        status, detail = "fail", f"{detail}; not set: {', '.join(unset)}"
        remedy = "export the variables that the deployer's programs need"
    lacking = _lacking(settings)
    return Check(
        name=f"deployer of {service.name}",
        status=status,
        detail=f"{detail}; {lacking}" if lacking else detail,
        remedy=remedy,
        access="write",
        credentials=settings.environment,
    )


def _lacking(settings: DeployerSettings) -> str:
    """Return what this deployer's commands do not reach to, in words."""
    if settings.kind != "command":
        return ""
    without = {
        "canary": ("weights", settings.weights),
        "load test": ("endpoints", settings.endpoints),
    }
    return ", ".join(
        f"no {what} without `{name}`" for what, (name, argv) in without.items() if not argv
    )


def _what_runs(service: Service, current: AskCurrent | None) -> tuple[CheckStatus, str, str]:
    if current is None:
        return "unknown", "not asked what runs", "ask again where the deployer can be reached"
    try:
        weights = current(service)
    except HoldfastError as error:
        return "fail", f"cannot say what runs: {error}", "run its `current` command by hand"
    if not weights:
        return "fail", "says that nothing runs", "deploy a version, or correct `current`"
    shares = ", ".join(f"{version} {share:g} %" for version, share in sorted(weights.items()))
    return "ok", f"says what runs: {shares}", ""


def _settings(config: Config, ask: AskSettings | None) -> Iterator[Check]:
    """Yield a check for each service whose settings its deployer can change."""
    able = {each.name for each in config.deployers if each.kind == "lab" or each.settings_current}
    for service in config.services:
        if service.deployer in able:
            status, detail, remedy = _what_is_set(service, ask)
            yield Check(
                name=f"settings of {service.name}",
                status=status,
                detail=detail,
                remedy=remedy,
                access="write",
            )


def _what_is_set(service: Service, ask: AskSettings | None) -> tuple[CheckStatus, str, str]:
    if ask is None:
        return "unknown", "not asked what is set", "ask again where the deployer can be reached"
    try:
        settings = ask(service)
    except HoldfastError as error:
        return "fail", f"cannot be read: {error}", "run `settings_current` by hand"
    if settings is None:
        return "unknown", "nothing was there to ask", "correct the deployer"
    keys = ", ".join(sorted(settings)) or "none"
    return "ok", f"can be read and changed: {keys}", ""
