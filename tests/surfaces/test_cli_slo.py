"""`holdfast slo`, run as a person runs it: claims, accounts from a real store, corrections."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from in_process import Done, Run, runner

from holdfast.promql.store_writer import SampleWriter

END = 1_760_000_400
"""2025-10-09 09:00 UTC."""
NOW = ("--at", "2025-10-09T09:00:00Z")
DAYS = 8
OUTAGE = 4 * 1440
"""The minute at which everything fails, for six minutes."""
CONFIG = """
version: 1
metrics: {kind: recorder, path: store, resolution_seconds: 60}
services: [{name: shop}]
slos:
  - name: shop availability
    service: shop
    kind: availability
    objective: 0.999
    period_seconds: 604800
    indicator:
      bad_query: sum(rate(bad_total[$window]))
      total_query: sum(rate(all_total[$window]))
  - name: silent
    service: shop
    kind: availability
    objective: 0.999
    period_seconds: 604800
    indicator:
      bad_query: sum(rate(no_such_total[$window]))
      total_query: sum(rate(all_total[$window]))
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 requests a minute for eight days; one in 6,000 is bad, and six minutes are."""
    folder = tmp_path_factory.mktemp("slo") / "store"
    writer = SampleWriter(folder, interval_seconds=60.0, retention_seconds=400 * 86_400)
    ids = [
        writer.series_id({"__name__": name, "job": "shop"}) for name in ("all_total", "bad_total")
    ]
    bad = np.full(DAYS * 1440 + 1, 0.1)
    bad[OUTAGE + 1 : OUTAGE + 7] = 600
    counted = (1e6 + np.cumsum(bad)).tolist()  # near zero, `rate` extrapolates less
    start = END - DAYS * 86_400
    for minute, value in enumerate(counted):
        writer.append("t", (start + 60 * minute) * 1000, ids, [1e6 + 600.0 * minute, value])
    writer.close()
    return folder


@pytest.fixture
def home(tmp_path: Path, store: Path) -> Path:
    (tmp_path / "holdfast.yaml").write_text(CONFIG)
    (tmp_path / "store").symlink_to(store)
    return tmp_path


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(home, monkeypatch, capsys)


# ---- check -------------------------------------------------------------------------------------


def test_a_wrong_claim_is_told_with_its_arithmetic_and_exits_1(run: Run) -> None:
    done = run("slo", "check", "5 % of the monthly budget in 1 h is a 6x burn")
    assert done.code == 1
    assert "✗ wrong" in done.out
    assert "it says 6x; right is 36x" in done.out
    assert "0.05 x 720 h / 1 h = 36" in done.out


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        (["0.1% of 30 d = 43.2 min"], 0),
        (["the moon is made of cheese"], 2),
        (["0.1% of 30 d = 43.2 min", "the moon is made of cheese"], 2),
        (["5% in 1h is 6x", "the moon is made of cheese"], 1),
        (["no-such-file.yaml"], 2),
        (["holdfast.yaml"], 1),
        (["5% in 1h is 36x", "--period", "soon"], 2),
        (["6x is 0.006", "--objective", "100%"], 2),
        (["6x is 0.03", "--objective", "99.5%"], 0),
        (["5% in 1h is 33.6x", "--period", "28d"], 0),
    ],
)
def test_exit_codes_say_right_wrong_or_not_understood(
    run: Run, claims: list[str], code: int
) -> None:
    done = run("slo", "check", *claims)
    assert done.code == code, done
    assert "Traceback" not in done.err


def test_claims_as_records(run: Run) -> None:
    done = run("slo", "check", "--json", "5% in 1h is 6x", "cheese")
    first, second = map(json.loads, done.out.splitlines())
    assert (first["verdict"], first["actual"]) == ("wrong", "36x")
    assert second["verdict"] == "not_understood"


# ---- budget ------------------------------------------------------------------------------------


def accounts(done: Done) -> dict[str, dict[str, object]]:
    return {row["slo"]: row for row in map(json.loads, done.out.splitlines())}


def test_the_account_is_exact_to_the_event(run: Run) -> None:
    done = run("slo", "budget", *NOW, "--slo", "shop availability", "--json")
    assert done.code == 0
    row = json.loads(done.out)
    bad = 7 * 1440 * 0.1 + 6 * (600 - 0.1)
    assert row["account"]["total_events"] == pytest.approx(7 * 864_000)
    assert row["account"]["bad_events"] == pytest.approx(bad, rel=1e-6)
    assert row["account"]["spent_fraction"] == pytest.approx(bad / 6048, rel=1e-6)
    left = [point["left_fraction"] for point in row["left"]]
    assert left[0] == pytest.approx(1, abs=0.01)
    assert left[-1] == pytest.approx(row["account"]["remaining_fraction"])


def test_a_budget_that_cannot_be_read_is_unknown_not_full_and_exits_1(run: Run) -> None:
    done = run("slo", "budget", *NOW)
    assert done.code == 1
    assert "✓ shop availability  99.9 % over 7 d" in done.out
    assert "23.8 % of the budget left" in done.out
    assert "? silent" in done.out
    assert "no data" in done.out
    rows = accounts(run("slo", "budget", *NOW, "--json"))
    account = rows["silent"]["account"]
    assert isinstance(account, dict)
    assert (account["state"], account["remaining_fraction"]) == ("no_data", None)


def test_a_counter_that_comes_with_the_first_error_can_be_read_as_zero(run: Run) -> None:
    done = run("slo", "budget", *NOW, "--slo", "silent", "--absent-bad-is-zero")
    assert done.code == 0
    assert "100.0 % of the budget left" in done.out


def test_a_calendar_month_in_a_time_zone_says_what_is_missing(run: Run) -> None:
    done = run(
        *("slo", "budget", *NOW, "--slo", "shop availability"),
        *("--period", "month", "--time-zone", "Europe/Berlin"),
    )
    assert "over month, Europe/Berlin, 2025-09-30 22:00" in done.out
    assert "history covers 8 d of 8.46 d" in done.out
    assert "of the whole period's budget, as traffic goes" in done.out


def test_corrections_are_excluded_apart_until_they_are_withdrawn(run: Run, home: Path) -> None:
    added = run(
        *("slo", "correct", "--start", "2025-10-05T09:00:00Z", "--duration", "2h"),
        *("--reason", "provider outage", "--category", "external", "--author", "ana", "--json"),
    )
    assert added.code == 0
    identifier = json.loads(added.out)["correction"]["id"]
    done = run("slo", "budget", *NOW, "--slo", "shop availability")
    assert "83.3 % of the budget left" in done.out
    assert "excluded: 3,611 bad of 72,000 events in 2 h, external: provider outage (ana" in done.out
    back = run("slo", "correct", "--withdraw", identifier, "--reason", "not theirs")
    assert back.out.startswith("withdrawn: ")
    assert "23.8 %" in run("slo", "budget", *NOW, "--slo", "shop availability").out
    listed = run("slo", "corrections")
    assert "2 entries, 0 in force; the chain is whole" in listed.out
    log = home / ".holdfast" / "corrections.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:1]))
    run("slo", "corrections").refused("the last were removed", "restore the file")
    run("slo", "budget", *NOW).refused("the last were removed")


def test_incidents_get_their_share_of_the_budget(run: Run, home: Path) -> None:
    (home / "incidents.yaml").write_text(
        "- {start: 2025-10-05T09:00:00Z, end: 2025-10-05T09:10:00Z, title: provider outage}\n"
        "- {start: 2025-10-05T09:00:00Z, end: 2025-10-06T09:10:00Z, service: other}\n"
        "- {start: 2025-10-07T09:00:00Z, end: 2025-10-07T10:00:00Z, title: scare}\n"
        "- {start: 2024-10-07T09:00:00Z, end: 2024-10-07T10:00:00Z, title: long ago}\n"
    )
    wanted = ("slo", "budget", *NOW, "--slo", "shop availability", "--incidents", "incidents.yaml")
    out = run(*wanted).out
    assert "provider outage: 59.5 % of the budget, 3,600 bad events" in out
    assert "scare: 0.1 % of the budget" in out
    assert "in no incident: 16.6 % of the budget" in out
    assert "long ago" not in out
    (row,) = map(json.loads, run(*wanted, "--json").out.splitlines())
    assert [each["span"]["name"] for each in row["attribution"]["spans"]] == [
        "provider outage",
        "scare",
    ]


def test_a_recurring_window_is_excluded_each_time(run: Run) -> None:
    start = datetime(2025, 10, 4, 2, tzinfo=UTC)
    done = run(
        *("slo", "correct", "--start", start.isoformat(), "--duration", "1h"),
        *("--rrule", "FREQ=DAILY", "--reason", "backups", "--category", "maintenance"),
    )
    assert done.code == 0
    shown = run("slo", "budget", *NOW, "--slo", "shop availability").out
    assert "216,000 events in 6 h, maintenance: backups" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["budget", "--slo", "other"], ("no SLO 'other'", "there are shop availability, silent")),
        (["budget", "--at", "yesterday"], ("--at", "no time with a zone")),
        (["budget", "--period", "month", "--time-zone", "Moon"], ("time_zone: 'Moon'",)),
        (["correct", "--start", "2025-10-05T09:00:00Z", "--duration", "2h"], ("--reason",)),
        (["correct", "--reason", "x"], ("--start", "no time with a zone")),
        (
            ["correct", "--reason", "x", "--start", "2025-10-05T09:00:00Z"],
            ("--end, --duration: one of them is needed",),
        ),
        (
            ["correct", "--reason", "x", "--start", "2025-10-05T09:00Z",
             "--end", "2025-10-05T08:00Z"],
            ("--end", "is not after --start"),
        ),
        (
            ["correct", "--reason", "x", "--start", "2025-10-05T09:00Z", "--duration", "1h",
             "--rrule", "FREQ=SOMETIMES"],
            ("recurrence 'FREQ=SOMETIMES'",),
        ),
        (["correct", "--reason", "x", "--withdraw", "corr-1"], ("--withdraw", "corr-1")),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_and_nothing_is_written(
    run: Run, home: Path, arguments: list[str], words: tuple[str, ...]
) -> None:
    run("slo", *arguments).refused(*words)
    assert not (home / ".holdfast" / "corrections.jsonl").exists()


def test_a_source_that_does_not_answer_is_unknown_and_exits_1(run: Run, home: Path) -> None:
    text = CONFIG.replace("{kind: recorder, path: store, resolution_seconds: 60}",
                          '{url: "http://127.0.0.1:1", timeout_seconds: 1}')  # fmt: skip
    (home / "holdfast.yaml").write_text(text)
    done = run("slo", "budget", "--slo", "silent")
    assert done.code == 1
    assert "? silent  unknown: not measured" in done.out
