"""A lab starts, is left alone by others, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
import yaml
from small_lab import SMALL, get, metric, processes_of, running, still_there

from holdfast.errors import InputError, NotFound
from holdfast.lab import control
from holdfast.lab.records import LabOptions
from holdfast.lab.topology import SERVICES
from holdfast.model.config import Config
from holdfast.model.policy import Policy
from holdfast.model.service import Signal
from support.databases import DATABASE

pytestmark = pytest.mark.lab

FULL = LabOptions(recorder=False, rate_per_second=5, life_seconds=120, database=DATABASE)
BY_SERVER = {Signal.DATABASE_STATEMENTS_PER_REQUEST}


def test_the_whole_production_serves_and_ends_without_a_trace(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    with running(folder, FULL) as lab:
        status, body = get(lab.entry_url + "/")
        pids = processes_of(lab)
        config = Config.model_validate(yaml.safe_load(lab.config_path.read_text()))
        policies = [
            Policy.model_validate(yaml.safe_load(path.read_text()))
            for path in (lab.folder.policy, lab.folder.observe_policy)
        ]
        jobs = {t["labels"]["job"] for t in json.loads(lab.folder.targets.read_text())}
        trace_ids = {service: _trace_ids(lab.folder.logs, service) for service in SERVICES}
        has_server = lab.lab.database.kind == "postgresql"
        assert [p.exit_code for p in lab.state().processes] == [None] * (7 + has_server)
    assert status == 200
    assert set(json.loads(body)) == {"neighbours", "basket"}
    assert [s.name for s in config.services] == list(SERVICES)
    assert [slo.name for slo in config.slos] == ["storefront-latency", "storefront-availability"]
    assert set(Signal) - set(config.services[1].signals) == (set() if has_server else BY_SERVER)
    assert [len(policy.rules) for policy in policies] == [1, 0]
    assert jobs == {*SERVICES, "edge", "load", *(["database"] if has_server else [])}
    assert trace_ids["payments"]
    assert trace_ids["payments"] <= trace_ids["storefront"] | trace_ids["checkout"]
    assert still_there(folder, pids) == []
    assert control.status(folder).status == "ended"


def test_a_supervisor_killed_outright_leaves_no_orphan(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    with running(folder) as lab:
        lab.release("customer-api", "v2.3.2", (100,), 0)  # started by a thread that has ended
        pids = processes_of(lab)
        os.kill(lab.lab.pid, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while still_there(folder, pids) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert still_there(folder, pids) == []
        assert control.status(folder).status == "ended"
        with pytest.raises(NotFound, match="supervisor is gone"):
            control.attach(folder)


def test_a_lab_ends_by_itself_and_can_be_without_telemetry_of_statements(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    silent = {"statement_metrics": False, "statement_logs": False, "life_seconds": 2.0}
    lab = control.up(folder, options=SMALL.model_copy(update=silent))
    pids = processes_of(lab)
    [url] = lab.state().services["customer-api"].urls.values()
    assert get(f"{lab.entry_url}/customers")[0] == 200
    assert metric(url, "db_client_operation_duration_seconds_count") is None
    assert metric(url, "http_server_request_duration_seconds_count") == 1
    logged = (lab.folder.logs / "customer-api.v2.3.3.jsonl").read_text()
    assert "GET /customers 200" in logged
    assert "db.query.text" not in logged
    deadline = time.monotonic() + 10
    while still_there(folder, pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert still_there(folder, pids) == []
    assert control.status(folder).reason == "its life was over"


def test_a_folder_that_is_not_free_is_refused(tmp_path: Path) -> None:
    taken = tmp_path / "documents"
    taken.mkdir()
    (taken / "letter.txt").write_text("dear all")
    with pytest.raises(InputError, match="not empty"):
        control.up(taken, options=SMALL)
    assert [path.name for path in taken.iterdir()] == ["letter.txt"]
    with pytest.raises(NotFound, match="no lab"):
        control.status(tmp_path / "nowhere")


def test_services_that_need_others_are_not_started_without_them(tmp_path: Path) -> None:
    alone = LabOptions(services=("storefront",))
    with pytest.raises(InputError, match="storefront needs checkout, customer-api"):
        control.up(tmp_path / "lab", options=alone)


def _trace_ids(logs: Path, service: str) -> set[str]:
    lines = [
        json.loads(line)
        for path in logs.glob(f"{service}.*.jsonl")
        for line in path.read_text().splitlines()
    ]
    return {line["trace_id"] for line in lines if "trace_id" in line}
