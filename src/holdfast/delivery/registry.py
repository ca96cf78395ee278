"""Builds the deployers that a configuration names. The lab's is handed in by the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from holdfast.delivery.command import CommandDeployer
from holdfast.delivery.deployer import Deployer
from holdfast.delivery.settings import CommandSettings, Settings
from holdfast.errors import ConfigError
from holdfast.model.config import Config, DeployerSettings

DeployerFactory = Callable[[DeployerSettings], Deployer]
SettingsFactory = Callable[[DeployerSettings], Settings]


def build_deployer(
    settings: DeployerSettings,
    *,
    working_folder: Path,
    marks: Path | None = None,
    lab: DeployerFactory | None = None,
) -> Deployer:
    """Return the deployer of these settings. `working_folder` is where commands run, `marks` the
    folder of the locks that say which of them still do.

    Raises ConfigError for a template that is not safe, or where the lab is wanted and absent.
    """
    if settings.kind == "command":
        return CommandDeployer(settings, working_folder=working_folder, marks=marks)
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
    marks = config.data_folder / "deployers"
    built = {
        name: build_deployer(each, working_folder=working_folder, marks=marks, lab=lab)
        for name, each in _by_name(config.deployers).items()
    }
    return {
        service.name: _find(built, service.deployer, service.name)
        for service in config.services
        if service.deployer is not None
    }


def settings_by_service(
    config: Config, *, working_folder: Path, lab: SettingsFactory | None = None
) -> dict[str, Settings]:
    """Return service → what its settings are read and changed by, for those that have it.

    It belongs to the service's deployer. Raises ConfigError as `deployers_by_service` does.
    """
    marks = config.data_folder / "deployers"
    built: dict[str, Settings] = {}
    for name, each in _by_name(config.deployers).items():
        if each.kind == "command" and each.settings_current:
            built[name] = CommandSettings(each, working_folder=working_folder, marks=marks)
        elif each.kind == "lab" and lab is not None:
            built[name] = lab(each)
    return {
        service.name: built[service.deployer]
        for service in config.services
        if service.deployer in built
    }


def _by_name(settings: Iterable[DeployerSettings]) -> dict[str, DeployerSettings]:
    found: dict[str, DeployerSettings] = {}
    for each in settings:
        if each.name in found:
            raise ConfigError(f"holdfast.yaml: deployers: {each.name} is there twice")
        found[each.name] = each
    return found


def _find(built: Mapping[str, Deployer], name: str, service: str) -> Deployer:
    if name not in built:
        raise ConfigError(
            f"holdfast.yaml: services: {service}.deployer: there is no deployer {name}",
            hint=f"known: {', '.join(sorted(built)) or 'none'}",
        )
    return built[name]
