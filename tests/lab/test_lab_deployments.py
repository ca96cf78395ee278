"""Deployments are conditional, happen once, can be taken back, and are written down."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from small_lab import events, get, metric, running

from holdfast.errors import (
    DeployerFailed,
    DeployerTimeout,
    InputError,
    NotFound,
    PreconditionFailed,
)
from holdfast.lab.control import LabHandle
from holdfast.lab.deployer import LabDeployer
from holdfast.lab.records import FaultRequest

pytestmark = pytest.mark.lab

GOOD, BAD, SERVICE = "v2.3.3", "v2.3.4", "customer-api"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHandle]:
    with running(tmp_path_factory.mktemp("deployments") / "lab") as lab:
        yield lab


@pytest.fixture(autouse=True)
def _good_serves_first(lab: LabHandle) -> None:
    if lab.serving(SERVICE) != GOOD:
        lab.release(SERVICE, GOOD, (100,), 0)


def deploy(
    lab: LabHandle, version: str, expect: str, key: str, timeout_seconds: float = 20
) -> None:
    LabDeployer(lab.control_url).deploy(
        SERVICE,
        version,
        expect_version=expect,
        idempotency_key=key,
        timeout_seconds=timeout_seconds,
    )


def test_the_bad_release_asks_the_database_for_each_customer(lab: LabHandle) -> None:
    assert statements_per_list(lab) == 4
    lab.release(SERVICE, BAD, (100,), 0)
    assert statements_per_list(lab) == 151


def statements_per_list(lab: LabHandle) -> float:
    [url] = lab.state().services[SERVICE].urls.values()
    before = metric(url, "db_client_operation_duration_seconds_count") or 0
    for page in range(4):
        assert get(f"{lab.entry_url}/customers?offset={50 * page}")[0] == 200
    after = metric(url, "db_client_operation_duration_seconds_count") or 0
    return (after - before) / 4


def test_a_deployment_is_refused_where_another_version_serves(lab: LabHandle) -> None:
    with pytest.raises(PreconditionFailed, match=r"v2.3.4 was expected, v2.3.3 serves"):
        deploy(lab, "v2.3.2", expect=BAD, key="refused")
    assert lab.serving(SERVICE) == GOOD
    assert not [e for e in events(lab) if e["customData"]["idempotency_key"] == "refused"]


def test_the_same_key_deploys_once(lab: LabHandle) -> None:
    deploy(lab, "v2.3.2", expect=GOOD, key="once")
    deploy(lab, "v2.3.2", expect=GOOD, key="once")
    with pytest.raises(PreconditionFailed):
        deploy(lab, "v2.3.2", expect=GOOD, key="twice")
    done = [e for e in events(lab) if e["customData"]["idempotency_key"] == "once"]
    assert [e["context"]["type"].split(".")[3] for e in done] == ["started", "rolledback"]


def test_what_does_not_exist_is_named(lab: LabHandle) -> None:
    with pytest.raises(NotFound, match="known: customer-api"):
        lab.release("shipping", "v1.0.0")
    with pytest.raises(DeployerFailed, match=r"no version v9.9.9 \(known: v2.3.0"):
        lab.release(SERVICE, "v9.9.9")
    with pytest.raises(InputError, match="must ascend"):
        lab.release(SERVICE, BAD, (50, 10))
    assert lab.serving(SERVICE) == GOOD


def test_a_release_under_way_can_be_taken_back(lab: LabHandle) -> None:
    with ThreadPoolExecutor(1) as pool:
        release = pool.submit(lab.release, SERVICE, BAD, (20, 100), 60.0)
        deployer = LabDeployer(lab.control_url)
        until(lambda: deployer.current(SERVICE).weights == {GOOD: 80, BAD: 20})
        assert deployer.current(SERVICE).in_progress
        with pytest.raises(PreconditionFailed, match="under way"):
            deploy(lab, BAD, expect=GOOD, key="in between")
        deploy(lab, GOOD, expect=BAD, key="take back")
        with pytest.raises(DeployerFailed, match="taken back"):
            release.result()
    state = lab.state().services[SERVICE]
    assert state.weights == {GOOD: 100}
    assert not state.in_progress
    kinds = [e["context"]["type"].removeprefix("dev.cdevents.") for e in events(lab)][-2:]
    assert set(kinds) == {"pipelinerun.finished.0.2.0", "service.rolledback.0.2.0"}


def test_shares_start_what_is_named_and_end_what_is_not(lab: LabHandle) -> None:
    deployer = LabDeployer(lab.control_url)
    deployer.set_weights(SERVICE, {GOOD: 100, BAD: 0}, timeout_seconds=20)
    assert deployer.current(SERVICE).weights == {GOOD: 100}
    urls = deployer.endpoints(SERVICE)
    assert set(urls) == {GOOD, BAD}
    assert get(f"{urls[BAD]}/customers/1")[0] == 200  # past the traffic split
    assert not share_events(lab)
    deployer.set_weights(SERVICE, {GOOD: 90, BAD: 10}, timeout_seconds=20)
    deployer.set_weights(SERVICE, {GOOD: 50, BAD: 50}, timeout_seconds=20)
    assert deployer.current(SERVICE).weights == {GOOD: 50, BAD: 50}
    deployer.set_weights(SERVICE, {GOOD: 100}, timeout_seconds=20)
    assert set(deployer.endpoints(SERVICE)) == {GOOD}
    assert share_events(lab) == [("started", BAD, "in_progress"), ("finished", BAD, "cancelled")]
    deployer.set_weights(SERVICE, {GOOD: 50, BAD: 50}, timeout_seconds=20)
    deploy(lab, BAD, expect=GOOD, key="the rest too")
    assert share_events(lab)[-1] == ("upgraded", BAD, "succeeded")
    assert set(deployer.endpoints(SERVICE)) == {BAD}


def share_events(lab: LabHandle) -> list[tuple[str, str, str]]:
    """Return (event, version, status) of each release that began with a share."""
    return [
        (e["context"]["type"].split(".")[3], data["to_version"], data["status"])
        for e in events(lab)
        if (data := e["customData"])["idempotency_key"].startswith("share-")
    ]


def test_shares_that_cannot_be_set_change_nothing(lab: LabHandle) -> None:
    deployer = LabDeployer(lab.control_url)
    with pytest.raises(DeployerFailed, match=r"no version v9.9.9"):
        deployer.set_weights(SERVICE, {GOOD: 50, BAD: 0, "v9.9.9": 50}, timeout_seconds=20)
    assert set(deployer.endpoints(SERVICE)) == {GOOD}
    with pytest.raises(DeployerFailed, match="sum to 100"):
        deployer.set_weights(SERVICE, {GOOD: 50}, timeout_seconds=5)
    with ThreadPoolExecutor(1) as pool:
        release = pool.submit(lab.release, SERVICE, BAD, (20, 100), 60.0)
        until(lambda: deployer.current(SERVICE).in_progress)
        with pytest.raises(PreconditionFailed, match="a deployment is under way"):
            deployer.set_weights(SERVICE, {GOOD: 100}, timeout_seconds=5)
        until(lambda: deployer.current(SERVICE).weights == {GOOD: 80, BAD: 20})
        deploy(lab, GOOD, expect=BAD, key="take it back")
        with pytest.raises(DeployerFailed, match="taken back"):
            release.result()


def test_a_deployer_that_hangs_times_out_and_did_it_all_the_same(lab: LabHandle) -> None:
    lab.fault(FaultRequest(deploy_hangs_seconds=30, deploy_hangs_at="start"))
    with pytest.raises(DeployerTimeout, match="ask what runs now"):
        deploy(lab, "v2.3.2", expect=GOOD, key="hangs", timeout_seconds=0.3)
    state = LabDeployer(lab.control_url).current(SERVICE)
    assert (state.weights, state.in_progress) == ({GOOD: 100}, True)
    lab.fault(FaultRequest(deploy_hangs_seconds=0))
    deploy(lab, "v2.3.2", expect=GOOD, key="hangs")  # joins the one that hung
    assert lab.serving(SERVICE) == "v2.3.2"


def test_an_answer_that_never_comes_does_not_hide_the_effect(lab: LabHandle) -> None:
    lab.fault(FaultRequest(deploy_hangs_seconds=30, deploy_hangs_at="end"))
    with pytest.raises(DeployerTimeout):
        deploy(lab, "v2.3.2", expect=GOOD, key="silent", timeout_seconds=3)
    lab.fault(FaultRequest(deploy_hangs_seconds=0))
    state = LabDeployer(lab.control_url).current(SERVICE)
    assert (state.weights, state.in_progress) == ({"v2.3.2": 100}, False)


def test_a_deployer_that_fails_changes_nothing(lab: LabHandle) -> None:
    lab.fault(FaultRequest(deploy_fails=True))
    with pytest.raises(DeployerFailed, match="as it was told to"):
        deploy(lab, BAD, expect=GOOD, key="fails")
    lab.fault(FaultRequest(deploy_fails=False))
    assert lab.serving(SERVICE) == GOOD


def test_a_slow_service_is_slow_whatever_its_version(lab: LabHandle) -> None:
    lab.fault(FaultRequest(service=SERVICE, delay_seconds=0.4))
    slow = [seconds_of(lab)]
    lab.release(SERVICE, "v2.3.2", (100,), 0)
    slow.append(seconds_of(lab))
    lab.fault(FaultRequest(service=SERVICE, delay_seconds=0))
    time.sleep(0.15)
    assert min(slow) >= 0.4
    assert seconds_of(lab) < 0.4


def seconds_of(lab: LabHandle) -> float:
    time.sleep(0.15)  # services look for faults ten times a second
    started = time.monotonic()
    get(f"{lab.entry_url}/customers/1")
    return time.monotonic() - started


def test_the_log_tells_begin_full_weight_and_end(lab: LabHandle) -> None:
    lab.release(SERVICE, BAD, (50, 100), 0.2, actor="release train")
    started, finished = events(lab)[-2:]
    assert started["context"]["type"] == "dev.cdevents.pipelinerun.started.0.2.0"
    assert finished["context"]["type"] == "dev.cdevents.service.upgraded.0.2.0"
    assert finished["subject"]["id"] == SERVICE
    content = finished["subject"]["content"]
    assert content["artifactId"] == "pkg:generic/customer-api@v2.3.4"  # type: ignore[index]
    data = finished["customData"]
    assert (data["from_version"], data["to_version"], data["actor"]) == (GOOD, BAD, "release train")
    assert started["customData"]["started_at"] == data["started_at"]
    assert data["started_at"] < data["full_weight_at"] < data["finished_at"]


def test_a_supervisor_that_is_gone_did_nothing() -> None:
    nobody = LabDeployer("http://127.0.0.1:9")
    with pytest.raises(DeployerFailed, match="cannot be reached"):
        nobody.current(SERVICE)


def until(condition: object, seconds: float = 5.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
