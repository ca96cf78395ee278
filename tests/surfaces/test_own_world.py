"""A first contact without the laboratory: a Prometheus URL and a path to a git repository.

A toy shop is counted by a real prometheus_client server, scraped by a real Prometheus, and its
versions are the tags of a real repository. Holdfast is run as a user runs it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import Histogram

from holdfast.learning.verify import verify
from support.exporter import Exporter, running_exporter, write_targets
from support.prometheus import running_prometheus

_HEALTHY_SECONDS = 14
_GIT_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ida Example"), ("EMAIL", "ida@example.org"))
}


class Shop:
    """Twenty requests a second, counted as the service itself would count them."""

    def __init__(self, exporter: Exporter) -> None:
        self._requests = Histogram(
            "http_server_request_duration_seconds",
            "Requests.",
            ["service_name", "service_version", "http_response_status_code"],
            buckets=(0.05, 0.1, 0.25, 0.5, 1.0),
            registry=exporter.registry,
        )
        self.version = "v1.0.0"
        self.failing = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        number = 0
        while not self._stopping.wait(0.05):
            number += 1
            status = "500" if self.failing and number % 2 else "200"
            self._requests.labels("shop", self.version, status).observe(0.03)

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()


def git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(repository), **_GIT_IDENTITY},
    )
    return done.stdout


def release(repository: Path, version: str, code: str) -> None:
    (repository / "shop.py").write_text(code)
    git(repository, "add", "shop.py")
    git(repository, "commit", "-qm", f"Release {version}")
    git(repository, "tag", "-a", version, "-m", version)


def holdfast(folder: Path, *arguments: str) -> str:
    """Run the command as a user does, in the user's folder."""
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def shop_and_prometheus(tmp_path: Path) -> Iterator[tuple[Shop, str]]:
    with running_exporter() as exporter:
        targets = write_targets(tmp_path / "targets.json", [exporter.address])
        shop = Shop(exporter)
        try:
            with running_prometheus(targets, tmp_path / "prometheus") as url:
                yield shop, url
        finally:
            shop.close()


def test_with_a_prometheus_url_and_a_repository_it_observes_and_writes_nothing(
    tmp_path: Path, shop_and_prometheus: tuple[Shop, str]
) -> None:
    shop, url = shop_and_prometheus
    repository, home = tmp_path / "shop", tmp_path / "home"
    repository.mkdir()
    home.mkdir()
    git(repository, "init", "-q", "-b", "main")
    release(repository, "v1.0.0", "def price(item):\n    return item.price\n")
    time.sleep(_HEALTHY_SECONDS)

    found = holdfast(home, "init", "--prometheus", url, "--repository", str(repository))
    assert "shop" in found
    config = home / "holdfast.yaml"
    scraped_each_second = "metrics:\n  resolution_seconds: 1"
    config.write_text(config.read_text().replace("metrics:", scraped_each_second, 1))
    assert "observe" in holdfast(home, "doctor")

    release(repository, "v1.1.0", "def price(item):\n    return item.prices[0]\n")
    shop.version, shop.failing = "v1.1.0", True
    before = git(repository, "for-each-ref"), git(repository, "status", "--porcelain")
    time.sleep(6)
    events = [
        json.loads(line)
        for line in holdfast(home, "watch", "--until-finished", "--json").splitlines()
    ]

    told = [event["payload"] for event in events if "payload" in event]
    kinds = {payload["kind"] for payload in told}
    assert {"opened", "triaged", "hypothesis_judged", "action_proposed", "guarded"} <= kinds
    assert "claimed" not in kinds
    assert before == (git(repository, "for-each-ref"), git(repository, "status", "--porcelain"))

    blamed = [
        payload["hypothesis"]
        for payload in told
        if payload["kind"] == "hypothesis_judged"
        and payload["hypothesis"]["status"] in ("supported", "suspected")
    ]
    assert any("v1.1.0" in hypothesis["statement"] for hypothesis in blamed)
    guarded = next(payload for payload in told if payload["kind"] == "guarded")
    assert guarded["decision"]["decision"] == "deny"
    assert any("would" in reason for reason in guarded["decision"]["reasons"])
    escalated = next(payload for payload in told if payload["kind"] == "escalated")
    assert escalated["gaps"]

    report = Path(next(p["markdown_path"] for p in told if p["kind"] == "postmortem"))
    assert verify(home / report).ok
    assert "escalated" in (home / report).read_text()
