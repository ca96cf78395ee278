"""What all tests share: a kill switch for the network, and skips that CI does not accept."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

_real_connect = socket.socket.connect
_LOOPBACK = ("127.", "::1", "localhost")


def _connect_to_loopback_only(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6):
        host = str(address[0])
        if not host.startswith(_LOOPBACK):
            raise RuntimeError(f"a test tried to reach {host}: tests talk to loopback only")
    _real_connect(self, address)


@pytest.fixture(autouse=True)
def no_network_beyond_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches a model, a registry or anybody's server."""
    monkeypatch.setattr(socket.socket, "connect", _connect_to_loopback_only)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """On CI a skip is a failure: what a test needs must be installed there."""
    outcome: Any = yield
    report = outcome.get_result()
    data_missing = "HOLDFAST_DATA" in str(report.longrepr)
    if report.skipped and os.environ.get("HOLDFAST_NO_SKIP") and not data_missing:
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {report.longrepr}"
