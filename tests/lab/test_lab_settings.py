"""Flags and configuration of a real lab: conditional, once, written down, and felt by users."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from small_lab import SMALL, events, get, metric, running
from typer.testing import CliRunner

from holdfast.actions.execute import Executor
from holdfast.actions.lint import lint
from holdfast.actions.plan import plan_action
from holdfast.actions.runbooks import load_runbooks
from holdfast.actions.world import read_world
from holdfast.catalog.changes import ChangeLog
from holdfast.catalog.config import load_config
from holdfast.errors import (
    DeployerFailed,
    DeployerTimeout,
    InputError,
    NotFound,
    PreconditionFailed,
)
from holdfast.lab.control import LabHandle
from holdfast.lab.deployer import LabDeployer
from holdfast.lab.records import FaultRequest, LabOptions
from holdfast.lab.settings import LabSettings
from holdfast.model.action import ExpectedEffect
from holdfast.model.hypothesis import Bound
from holdfast.surfaces.cli.main import app

pytestmark = pytest.mark.lab

SERVICE, POOL = "customer-api", "DATABASE_POOL_SIZE"
ROUND_TRIP_SECONDS = 0.02
CHECKOUT = LabOptions(
    services=("checkout", "inventory", "payments"), load=False, recorder=False, life_seconds=120
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHandle]:
    far = SMALL.model_copy(update={"round_trip_seconds": ROUND_TRIP_SECONDS})
    with running(tmp_path_factory.mktemp("settings") / "lab", far) as lab:
        yield lab


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHandle]:
    with running(
        tmp_path_factory.mktemp("flags") / "lab", CHECKOUT.model_copy(update={"fixes": True})
    ) as lab:
        yield lab


def _set(
    settings: LabSettings, value: str, expect: str, key: str, timeout_seconds: float = 20.0
) -> None:
    settings.set(
        SERVICE,
        POOL,
        value,
        expect_value=expect,
        idempotency_key=key,
        timeout_seconds=timeout_seconds,
    )


def _slowest_of_eight(lab: LabHandle) -> float:
    def timed(_: int) -> float:
        began = time.monotonic()
        assert get(f"{lab.entry_url}/customers?offset=0")[0] == 200
        return time.monotonic() - began

    with ThreadPoolExecutor(8) as pool:
        return max(pool.map(timed, range(8)))


# ---- configuration ---------------------------------------------------------------------------


def test_a_pool_of_one_is_rolled_out_and_requests_wait_for_each_other(lab: LabHandle) -> None:
    (before,) = lab.state().services[SERVICE].urls.values()
    change = lab.set(SERVICE, POOL, "1")
    state = lab.state().services[SERVICE]
    (after,) = state.urls.values()
    assert (change.from_value, change.to_value, change.kind) == ("40", "1", "config")
    assert state.weights == {"v2.3.3": 100.0}
    assert after != before, "another process of the same version"
    assert metric(after, "db_client_connections_max") == 1
    assert _slowest_of_eight(lab) > 8 * 3 * ROUND_TRIP_SECONDS
    _set(LabSettings(lab.control_url), "40", "1", "taken back")
    (again,) = lab.state().services[SERVICE].urls.values()
    assert metric(again, "db_client_connections_max") == 40


def test_a_setting_is_conditional_and_its_key_counts_once(lab: LabHandle) -> None:
    settings = LabSettings(lab.control_url)
    with pytest.raises(PreconditionFailed, match="is '40', not '1'"):
        _set(settings, "20", "1", "other")
    _set(settings, "20", "40", "once")
    (first,) = lab.state().services[SERVICE].urls.values()
    _set(settings, "20", "40", "once")
    assert list(lab.state().services[SERVICE].urls.values()) == [first]
    _set(settings, "40", "20", "back")
    assert settings.current(SERVICE)[POOL] == "40"


def test_an_answer_that_never_comes_does_not_hide_the_effect(lab: LabHandle) -> None:
    settings = LabSettings(lab.control_url)
    lab.fault(FaultRequest(deploy_hangs_seconds=30, deploy_hangs_at="start"))
    with pytest.raises(DeployerTimeout):
        _set(settings, "30", "40", "hangs", timeout_seconds=0.3)
    assert lab.state().services[SERVICE].in_progress
    assert settings.current(SERVICE)[POOL] == "40", "not in force while it is rolled out"
    lab.fault(FaultRequest(deploy_hangs_seconds=0))
    _set(settings, "30", "40", "hangs")  # joins the one that hung
    assert settings.current(SERVICE)[POOL] == "30"
    _set(settings, "40", "30", "and back")


def test_a_value_that_the_service_does_not_start_with_changes_nothing(lab: LabHandle) -> None:
    (before,) = lab.state().services[SERVICE].urls.values()
    with pytest.raises(DeployerFailed, match="ended with"):
        lab.set(SERVICE, POOL, "many")
    assert list(lab.state().services[SERVICE].urls.values()) == [before]
    assert LabSettings(lab.control_url).current(SERVICE)[POOL] == "40"
    with pytest.raises(NotFound, match=f"has: {POOL}"):
        lab.set(SERVICE, "COLOUR", "red")


def test_a_change_of_configuration_is_told_with_what_it_replaced(lab: LabHandle) -> None:
    lab.set(SERVICE, POOL, "39", actor="release train")
    lab.set(SERVICE, POOL, "40")
    assert events(lab)[-1]["context"]["type"] == "dev.cdeventsx.laboratory-config.changed.0.1.0"
    *_, change, _ = ChangeLog(load_config(lab.config_path))(0, 4e9)
    assert (change.type, change.predicate, change.service) == ("config", "changed", SERVICE)
    assert (change.setting, change.from_value, change.to_value) == (POOL, "40", "39")
    assert change.summary == f"{POOL} of {SERVICE}: 40 → 39"
    assert change.actor == "release train"
    assert change.finished_at is not None
    assert change.at < change.finished_at


# ---- flags -----------------------------------------------------------------------------------


def test_checkout_does_without_payments_by_the_teams_own_runbook(checkout: LabHandle) -> None:
    config = load_config(checkout.config_path)
    runbooks = load_runbooks(config.runbooks)
    assert lint(runbooks["degrade-payments"]) == ()
    deployers = {"checkout": LabDeployer(checkout.control_url)}
    settings = {"checkout": LabSettings(checkout.control_url)}
    world, _ = read_world(deployers, ["checkout"], settings=settings)
    action = plan_action(
        runbooks["degrade-payments"],
        {},
        action_id="act-1",
        target="checkout",
        world=world,
        expected_effect=_effect(),
        blast_radius="the ways to pay that quotes offer",
    )
    executor = Executor(deployers, runbooks, time.monotonic, settings=settings)
    checkout.fault(FaultRequest(service="payments", delay_seconds=1.5))
    assert _quote_seconds(checkout) > 1.5
    assert executor.perform(action, "act", 1).outcome == "done"
    assert min(_quote_seconds(checkout) for _ in range(3)) < 1.5
    assert executor.perform(action, "undo", 1).outcome == "done"
    assert _quote_seconds(checkout) > 1.5
    change = ChangeLog(config)(0, 4e9)[-1]
    assert (change.type, change.setting, change.actor) == ("flag", "payments_optional", "holdfast")


def test_a_flag_is_on_or_off(checkout: LabHandle) -> None:
    with pytest.raises(InputError, match="neither on nor off"):
        checkout.set("checkout", "payments_optional", "maybe")


def test_a_flag_is_switched_from_the_command_line(checkout: LabHandle) -> None:
    given = ["lab", "set", "checkout", "payments_optional"]
    where = ["--folder", str(checkout.folder.root), "--actor", "a careless person"]
    for value, said in (("on", "off → on (flag)"), ("off", "on → off (flag)")):
        done = CliRunner().invoke(app, [*given, value, *where])
        assert (done.exit_code, said in done.output) == (0, True), done.output
    change = ChangeLog(load_config(checkout.config_path))(0, 4e9)[-1]
    assert (change.to_value, change.actor) == ("off", "a careless person")


def _quote_seconds(lab: LabHandle) -> float:
    time.sleep(0.15)  # services look for faults ten times a second
    began = time.monotonic()
    assert get(f"{lab.entry_url}/quotes/7")[0] == 200
    return time.monotonic() - began


def _effect() -> ExpectedEffect:
    return ExpectedEffect(
        statement="quotes are given in time",
        query="slow_ratio",
        bound=Bound(at_most=0.05),
        hold_seconds=10,
        deadline_seconds=60,
    )


# ---- the configuration that a team of the lab would have written -----------------------------


def test_each_service_says_how_its_code_is_tested_and_what_is_asked_of_it(
    checkout: LabHandle,
) -> None:
    service = load_config(checkout.config_path).services[0]
    assert service.requests == ("1 GET /quotes/{customer}",)
    assert service.code is not None
    assert service.code.tests[1:] == ("-m", "unittest", "discover", "-s", "tests")
    assert service.code.variables["PYTHONPATH"].startswith("src:")
