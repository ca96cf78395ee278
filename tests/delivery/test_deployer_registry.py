"""Deployers are built from settings by kind; the lab's is handed in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from holdfast.delivery.command import CommandDeployer
from holdfast.delivery.deployer import DeploymentState
from holdfast.delivery.registry import build_deployer, deployers_by_service
from holdfast.delivery.versions import is_earlier
from holdfast.errors import ConfigError
from holdfast.model.config import Config, DeployerSettings, MetricsSettings
from holdfast.model.service import Service

COMMAND = DeployerSettings(
    name="team", kind="command", current=("true", "{service}"), deploy=("true", "{version}")
)
LAB = DeployerSettings(name="laboratory", kind="lab", url="http://127.0.0.1:1")


class _LabDeployer:
    """Stands for whatever the surfaces hand in."""

    def __init__(self, settings: DeployerSettings) -> None:
        self.name = settings.name

    def current(self, service: str) -> DeploymentState:
        return DeploymentState(service=service, weights={"v1": 100.0})

    def deploy(
        self,
        service: str,
        version: str,
        *,
        expect_version: str,
        idempotency_key: str,
        timeout_seconds: float,
    ) -> None:
        raise NotImplementedError

    def set_weights(
        self, service: str, weights: Mapping[str, float], *, timeout_seconds: float
    ) -> None:
        raise NotImplementedError

    def endpoints(self, service: str) -> Mapping[str, str]:
        raise NotImplementedError


def _config(deployer: str | None, *settings: DeployerSettings) -> Config:
    return Config(
        metrics=MetricsSettings(url="http://127.0.0.1:9090"),
        services=(Service(name="shop", deployer=deployer), Service(name="mail")),
        deployers=settings,
    )


def test_each_service_gets_the_deployer_that_it_names() -> None:
    built = deployers_by_service(_config("team", COMMAND), working_folder=Path())
    assert set(built) == {"shop"}
    assert isinstance(built["shop"], CommandDeployer)


def test_the_lab_is_built_by_the_factory_that_is_handed_in() -> None:
    built = deployers_by_service(
        _config("laboratory", LAB, COMMAND), working_folder=Path(), lab=_LabDeployer
    )
    assert built["shop"].name == "laboratory"


def test_without_a_factory_the_lab_is_refused() -> None:
    with pytest.raises(ConfigError, match="laboratory: the kind lab is not available"):
        build_deployer(LAB, working_folder=Path())


def test_an_unknown_or_doubled_deployer_is_named() -> None:
    with pytest.raises(ConfigError, match="there is no deployer other"):
        deployers_by_service(_config("other", COMMAND), working_folder=Path())
    with pytest.raises(ConfigError, match="team is there twice"):
        deployers_by_service(_config("team", COMMAND, COMMAND), working_folder=Path())


@pytest.mark.parametrize(
    ("version", "than", "earlier"),
    [
        ("v2.3.3", "v2.3.4", True),
        ("2.9", "2.10", True),
        ("1.0", "v1.0.1", True),
        ("v2.3.4", "v2.3.3", False),
        ("v2.3.4", "v2.3.4", False),
        ("1.0", "1.0.0", False),
        ("1.0-rc1", "1.0", False),
        ("9f8e7d6", "v1", False),
        ("release/7", "release/8", False),
    ],
)
def test_only_release_numbers_say_which_version_is_earlier(
    version: str, than: str, earlier: bool
) -> None:
    assert is_earlier(version, than) is earlier
