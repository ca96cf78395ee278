"""Builds the deployers that a configuration names. The lab's is handed in by the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from holdfast.delivery.command import CommandDeployer
from holdfast.delivery.deployer import Deployer
from holdfast.errors import ConfigError
from holdfast.model.config import Config, DeployerSettings

DeployerFactory = Callable[[DeployerSettings], Deployer]


def build_deployer(
    settings: DeployerSettings, *, working_folder: Path, lab: DeployerFactory | None = None
) -> Deployer:
    """Return the deployer of these settings. `working_folder` is where commands run.

    Raises ConfigError for a template that is not safe, or where the lab is wanted and absent.
    """
    if settings.kind == "command":
        return CommandDeployer(settings, working_folder=working_folder)
    if lab is None:
        raise ConfigError(
            f"holdfast.yaml: deployers: {settings.name}: the kind lab is not available here",
            hint="use the kind command",
        )
    return lab(settings)


def deployers_by_service(
    config: Config, *, working_folder: Path, lab: DeployerFactory | None = None
) -> dict[str, Deployer]:
    """Return service → its deployer, for the services that have one.

    Raises ConfigError for a second deployer of one name, or a service that names an unknown one.
    """
    built = _build_all(config.deployers, working_folder, lab)
    return {
        service.name: _find(built, service.deployer, service.name)
        for service in config.services
        if service.deployer is not None
    }


def _build_all(
    settings: Iterable[DeployerSettings], working_folder: Path, lab: DeployerFactory | None
) -> dict[str, Deployer]:
    built: dict[str, Deployer] = {}
    for each in settings:
        if each.name in built:
            raise ConfigError(f"holdfast.yaml: deployers: {each.name} is there twice")
        built[each.name] = build_deployer(each, working_folder=working_folder, lab=lab)
    return built


def _find(built: Mapping[str, Deployer], name: str, service: str) -> Deployer:
    if name not in built:
        raise ConfigError(
            f"holdfast.yaml: services: {service}.deployer: there is no deployer {name}",
            hint=f"known: {', '.join(sorted(built)) or 'none'}",
        )
    return built[name]
