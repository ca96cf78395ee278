"""A watch goes on: whatever one incident or a source does, the others are held."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from incident_script import INCIDENT, OPENED, STORY

from holdfast.ledger.fold import fold
from holdfast.ledger.store import Ledger
from holdfast.ledger.worker_lock import is_worked_on, take_lock
from holdfast.model import event as ev
from support.terminal import terminal

BROKEN = "inc-02broken"
CONFIG = """
version: 1
metrics: {url: "http://127.0.0.1:1"}
evaluation_interval_seconds: 0.2
services: [{name: storefront}]
slos:
  - name: storefront-availability
    service: storefront
    kind: availability
    objective: 0.99
    period_seconds: 3600
    indicator:
      bad_query: sum(rate(bad[$window]))
      total_query: sum(rate(all[$window]))
    tiers:
      - {name: page, action: page, budget_fraction: 0.1,
         long_window_seconds: 60, short_window_seconds: 5}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "holdfast.yaml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger.at(tmp_path / ".holdfast")
    yield ledger
    ledger.close()


def test_one_incident_that_cannot_go_on_is_said_once_and_stops_no_other(
    config: Path, ledger: Ledger
):
    answer = next(payload for _, payload in STORY if isinstance(payload, ev.Verified))
    ledger.append(BROKEN, [("opened", OPENED), ("verified", answer)], actor="test")
    ledger.append(INCIDENT, [("opened", OPENED.model_copy(update={"slo": None}))], actor="test")
    with terminal(config, "watch", "--until-finished") as watch:
        assert watch.ended() == 1, watch.text
    assert watch.text.count(f"the work on {BROKEN} stopped: ") == 1
    assert "Traceback" not in watch.text
    case = fold(ledger.events(INCIDENT))
    assert case.concluded
    assert case.postmortem is not None


def test_a_source_that_cannot_be_reached_is_said_once_and_is_no_health(config: Path):
    with terminal(config, "watch") as watch:
        watch.until("cannot be reached")
        with terminal(config, "watch") as second:
            assert second.ended() == 1
        assert second.text.count("\n") == 1
        assert "another holdfast works on the incidents in" in second.text
        assert watch.interrupt(signal.SIGTERM) == 0
    assert watch.text.count("this is no sign of health") == 1
    assert watch.text.count("nothing is lost") == 1


def test_json_holds_nothing_but_events_and_what_must_be_heard_is_beside_it(config: Path):
    with terminal(config, "watch", "--json") as watch:  # both streams are read as one here
        watch.until("holdfast: no data: storefront-availability")
        assert watch.interrupt(signal.SIGINT) == 0
    assert "watching" not in watch.text


def test_a_folder_has_one_worker_and_looking_for_it_takes_nothing(tmp_path: Path):
    assert not is_worked_on(tmp_path)
    lock = take_lock(tmp_path)
    assert is_worked_on(tmp_path)
    lock.close()
    assert not is_worked_on(tmp_path)
