"""Hands the laboratory in: only surfaces know it, and only where a configuration names it."""

from __future__ import annotations

from holdfast.delivery.deployer import Deployer
from holdfast.delivery.settings import Settings
from holdfast.errors import ConfigError
from holdfast.model.config import DeployerSettings


def lab_deployer(settings: DeployerSettings) -> Deployer:
    """Return the deployer of a laboratory. Raises ConfigError where its address is missing."""
    from holdfast.lab.deployer import LabDeployer

    return LabDeployer(_url(settings))


def lab_settings(settings: DeployerSettings) -> Settings:
    """Return what sets a laboratory's settings. Raises ConfigError as `lab_deployer` does."""
    from holdfast.lab.settings import LabSettings

    return LabSettings(_url(settings))


def _url(settings: DeployerSettings) -> str:
    if settings.url is None:
        raise ConfigError(f"holdfast.yaml: deployers: {settings.name}: the kind lab needs a url")
    return settings.url
