"""A person's sentence: worked here, or handed to the holdfast that works already, and followed."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.catalog.config import dump_config, load_config
from holdfast.learning.keep import incident_folder
from holdfast.learning.verify import verify
from holdfast.model.case import Case
from holdfast.model.config import MetricsSettings
from holdfast.model.incident import IncidentOutcome, Status
from holdfast.model.slo import SLO
from support.small_lab import BAD, GOOD, SERVICE, SmallLab, asking_policy, small_lab
from support.small_lab import World as Home
from support.terminal import terminal

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("handing over")]

SENTENCE = "P95 went from 40 ms to 2 s, customers time out"
RESPOND = ("respond", SENTENCE, "--service", SERVICE)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallLab]:
    with small_lab(tmp_path_factory.mktemp("lab") / "lab") as lab:
        yield lab


def without_alerts(lab: SmallLab, folder: Path) -> Home:
    """A home where a person decides, and where only a sentence opens an incident."""
    home = lab.world(folder, asking_policy())
    return lab.world(
        folder, asking_policy(), slos=tuple(map(_deaf, load_config(home.config_path).slos))
    )


def _lenient(slo: SLO) -> SLO:
    """One that a busy machine does not break: half of the requests may be slow."""
    return slo.model_copy(update={"objective": 0.5})


def _deaf(slo: SLO) -> SLO:
    """Its alert asks for the whole period's budget within a window: it cannot fire."""
    tiers = tuple(tier.model_copy(update={"budget_fraction": 1.0}) for tier in slo.tiers)
    return slo.model_copy(update={"tiers": tiers})


def report_of(case: Case) -> str:
    assert case.postmortem is not None
    path = Path(case.postmortem.markdown_path)
    assert verify(path).ok
    return path.read_text()


def test_on_a_healthy_service_it_ends_as_a_false_alarm_worked_by_the_holdfast_that_watches(
    lab: SmallLab, tmp_path: Path
) -> None:
    lab.begin()
    home = lab.world(tmp_path)
    lenient = (_lenient(slo) for slo in load_config(home.config_path).slos)
    home = lab.world(tmp_path, slos=tuple(lenient))
    with terminal(home.config_path, "watch") as watch:
        watch.until("watching")
        with terminal(home.config_path, *RESPOND) as respond:
            assert respond.ended() == 0, respond.text
        assert watch.interrupt(signal.SIGTERM) == 0, watch.text
    case = home.case()
    assert (case.status, case.outcome) == (Status.CLOSED, IncidentOutcome.FALSE_ALARM)
    assert lab.moves() == []
    assert "outcome   false alarm" in respond.text
    assert case.incident_id in watch.text
    assert "nothing is lost" in watch.text
    report = report_of(case)
    assert re.search(
        r"\| 2 s\S* \| `latency_p95_seconds_now` \| \d.* ms.* \| it was otherwise \|", report
    )
    assert not re.search(r"\| Requests \| no data", report)


def test_alone_it_measures_what_was_told_and_works_the_incident_to_its_end(
    lab: SmallLab, tmp_path: Path
) -> None:
    lab.begin()
    home = lab.world(tmp_path)
    lab.release_bad()
    with terminal(home.config_path, *RESPOND) as respond:
        assert respond.ended() == 0, respond.text
    case = home.case()
    assert case.outcome is IncidentOutcome.MITIGATED_ONLY
    assert lab.moves() == [("release train", BAD), ("holdfast", GOOD)]
    told = [claim.quantity for claim in case.opened.claims]
    assert told == ["latency_p95_seconds_before", "latency_p95_seconds_now"]
    report = report_of(case)
    for quantity in told:
        assert re.search(rf"\| `{quantity}` \| \d\S* m?s", report), report
    _is_asked_again(home, case)
    assert re.search(r"claimed +40 ms \(latency p95 seconds before\): measured", respond.text)


def test_what_is_handed_over_is_taken_back_when_the_worker_leaves_and_an_approval_is_followed(
    lab: SmallLab, tmp_path: Path
) -> None:
    lab.begin()
    home = without_alerts(lab, tmp_path)
    lab.release_bad()
    with terminal(home.config_path, "watch") as watch:
        watch.until("watching")
        with terminal(home.config_path, *RESPOND) as respond:
            respond.until("handed over")
            respond.until("a person decides")
            assert watch.interrupt() == 0
            respond.until("held here from now on")
            with terminal(home.config_path, "approve", "--yes", "--by", "kim") as approve:
                assert approve.ended() == 0, approve.text
            assert respond.ended() == 0, respond.text
    case = home.case()
    assert case.outcome is IncidentOutcome.MITIGATED_ONLY
    assert lab.moves() == [("release train", BAD), ("holdfast", GOOD)]
    for seen in (respond.text, approve.text):
        assert "A1 effect seen" in seen
    assert respond.text.count("incident    SEV2") == 1  # what two processes told is told once


def _is_asked_again(home: Home, case: Case) -> None:
    """`verify --live` asks the source that answered, and says so where there is none any more."""
    folder = str(incident_folder(home.data_folder, case.incident_id))
    with terminal(home.config_path, "verify", folder, "--live") as asked:
        code = asked.ended()
    assert "all as written" in asked.text
    assert (code, "different" in asked.text) in ((0, False), (1, True))
    nowhere = load_config(home.config_path).model_copy(
        update={"metrics": MetricsSettings(url="http://127.0.0.1:9")}
    )
    gone = home.config_path.with_name("gone.yaml")
    gone.write_text(dump_config(nowhere))
    with terminal(gone, "verify", folder, "--live") as asked:
        assert asked.ended() == 3, asked.text
    assert "unavailable: " in asked.text
