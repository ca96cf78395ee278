"""`holdfast backtest`, `simulate` and `tune`: known incidents, tables, records, pages, refusals."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from in_process import Done, Run, runner

from holdfast.model.replay import Backtest, Score, Search, Simulation
from holdfast.slo.files.rules import rules_document
from holdfast.slo.rules import tier_expression
from support.past import (
    END,
    HOURS,
    OUTAGES,
    SHOP,
    TIERS,
    past_counters,
    record_past,
    write_openmetrics,
    write_openslo,
)
from support.prometheus import running_prometheus

FROM, TO = (
    datetime.fromtimestamp(at, UTC).isoformat() for at in (END - HOURS * 3600 + 7 * 3600, END)
)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording, the objective, a rule file, and the incidents."""
    folder = tmp_path_factory.mktemp("past")
    record_past(folder / "recording")
    write_openslo(folder / "slo.yaml")
    write_rules(folder / "rules.yml")
    (folder / "incidents.yaml").write_text(yaml.safe_dump([_entry(i) for i in range(2)]))
    return folder


def _entry(number: int) -> dict[str, str]:
    one = OUTAGES[number]
    start, end = (
        datetime.fromtimestamp(at, UTC).isoformat()
        for at in (one.start, one.start + one.minutes * 60)
    )
    return {"start": start, "end": end, "title": f"outage {number}", "service": "shop"}


def write_rules(path: Path) -> Path:
    """Our tiers as a rule file, with a recording rule, beside a naive alert."""
    rules: list[dict[str, object]] = [
        {
            "alert": tier.name,
            "expr": tier_expression(SHOP, tier),
            "labels": {"severity": tier.action, "service": "shop"},
        }
        for tier in TIERS
    ]
    ratio = (
        'sum by (service) (rate(http_requests_total{code="500"}[5m])) / '
        "sum by (service) (rate(http_requests_total[5m]))"
    )
    rules.append({"record": "service:errors:ratio5m", "expr": ratio})
    rules.append({"alert": "Naive", "expr": "service:errors:ratio5m > 0.01", "for": "1m"})
    path.write_text(yaml.safe_dump({"groups": [{"name": "shop", "rules": rules}]}))
    return path


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(tmp_path, monkeypatch, capsys)


def of_past(recorded: Path) -> tuple[str, ...]:
    return (
        *("--recording", str(recorded / "recording"), "--openslo", str(recorded / "slo.yaml")),
        *("--from", FROM, "--to", TO),
    )


def backtest_of(done: Done) -> Backtest:
    assert done.code == 0, done
    [line] = done.out.splitlines()
    return Backtest.model_validate_json(line)


def set_score(backtest: Backtest, rule_set: str, scope: str) -> Score:
    found = next(one for one in backtest.rule_sets if one.name == rule_set).score(scope)
    assert found is not None
    return found


def test_known_incidents_are_found_and_the_tiers_tell_of_them(run: Run, recorded: Path) -> None:
    found = backtest_of(run("backtest", *of_past(recorded), "--json"))
    assert "independently of the rules" in found.incidents_from
    assert "2.00% of the budget" in found.significant_is
    assert [one.significant for one in found.incidents] == [True, True, False]
    for incident, outage in zip(found.incidents, OUTAGES, strict=True):
        assert abs(incident.start.timestamp() - outage.start) <= 600
    everything = set_score(found, "tiers", "all alerts")
    assert everything.recall.fraction == 1
    assert everything.precision.fraction == 1
    assert set_score(found, "tiers", "page-fast").recall.fraction == 0.5
    assert found.span.known_fraction == 1


def test_our_tiers_by_prefix_sums_and_as_a_rule_file_fire_alike(run: Run, recorded: Path) -> None:
    found = backtest_of(
        run("backtest", *of_past(recorded), "--rules", str(recorded / "rules.yml"), "--json")
    )
    tiers, rules = found.rule_sets
    assert (tiers.name, rules.name) == ("tiers", "rules.yml")
    for tier in TIERS:
        ours = [one for one in tiers.spells if one.rule == tier.name]
        theirs = [one for one in rules.spells if one.rule == tier.name]
        assert len(ours) == len(theirs) == 1
        for a, b in zip(ours, theirs, strict=True):
            assert abs((a.start - b.start).total_seconds()) <= 60
            assert abs((a.end - b.end).total_seconds()) <= 60
    assert rules.notes == ("recording rules put into the alerts: service:errors:ratio5m",)
    naive = set_score(found, "rules.yml", "Naive")
    assert naive.recall.fraction == 1
    assert {one.why for one in naive.false_alerts} == {"insignificant incident"}


def test_the_rules_that_holdfast_writes_fire_as_the_tiers_do(
    run: Run, recorded: Path, tmp_path: Path
) -> None:
    (tmp_path / "ours.yml").write_text(rules_document([SHOP]))
    found = backtest_of(run("backtest", *of_past(recorded), "--rules", "ours.yml", "--json"))
    tiers, rules = found.rule_sets
    for scope in ("pages", "tickets"):
        ours, theirs = tiers.score(scope), rules.score(scope)
        assert ours is not None
        assert theirs is not None
        assert (ours.recall, ours.precision) == (theirs.recall, theirs.precision)
    assert not [note for note in rules.notes if note.startswith("NOT")]


SLOTH_ID = '{sloth_id="shop-a", sloth_service="shop", sloth_slo="a"}'


def test_rules_as_sloth_writes_them_are_replayed(run: Run, recorded: Path, tmp_path: Path) -> None:
    """Recording rules told apart by static labels, one recorded from another over a range."""

    def recorded_as(window: str, expr: str) -> dict[str, object]:
        labels = {"sloth_id": "shop-a", "sloth_service": "shop", "sloth_slo": "a"}
        name = f"slo:sli_error:ratio_rate{window}"
        return {"record": name, "expr": expr, "labels": {**labels, "sloth_window": window}}

    five = f"slo:sli_error:ratio_rate5m{SLOTH_ID}"
    ratio = (
        'sum(rate(http_requests_total{code="500"}[5m]))\n/\nsum(rate(http_requests_total[5m]))\n'
    )
    over_time = (
        f"sum_over_time({five}[30m])\n/ ignoring (sloth_window)\ncount_over_time({five}[30m])\n"
    )
    alert = (
        f"(max({five} > (16.8 * 0.01)) without (sloth_window)\nand\n"
        f"max(slo:sli_error:ratio_rate30m{SLOTH_ID} > (16.8 * 0.01)) without (sloth_window))"
    )
    rules = [
        recorded_as("5m", ratio),
        recorded_as("30m", over_time),
        {"alert": "ShopErrors", "expr": alert, "labels": {"sloth_severity": "page"}},
    ]
    (tmp_path / "sloth.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "sloth", "rules": rules}]})
    )
    found = backtest_of(run("backtest", *of_past(recorded), "--rules", "sloth.yml", "--json"))
    [spell] = found.rule_sets[1].spells
    assert spell.action == "page"
    assert 0 < spell.start.timestamp() - OUTAGES[0].start < 15 * 60


def test_incidents_of_a_file_all_count_unless_the_option_says_otherwise(
    run: Run, recorded: Path
) -> None:
    given = ("--incidents", str(recorded / "incidents.yaml"), "--json")
    found = backtest_of(run("backtest", *of_past(recorded), *given))
    assert "from the file" in found.incidents_from
    assert [one.title for one in found.incidents] == ["outage 0", "outage 1"]
    assert all(one.significant for one in found.incidents)
    spent = [one.budget_spent_fraction or 0 for one in found.incidents]
    strict = backtest_of(
        run("backtest", *of_past(recorded), *given, "--significant", str(min(spent) * 100 + 0.5))
    )
    assert sum(one.significant for one in strict.incidents) == 1


def test_rules_against_incidents_need_no_objective(run: Run, recorded: Path) -> None:
    done = run(
        *("backtest", "--recording", str(recorded / "recording"), "--from", FROM, "--to", TO),
        *("--rules", str(recorded / "rules.yml")),
        *("--incidents", str(recorded / "incidents.yaml"), "--json"),
    )
    found = backtest_of(done)
    assert found.slo == ""
    everything = set_score(found, "rules.yml", "all alerts")
    assert everything.recall.fraction == 1
    assert everything.budget_at_alert_median is None


def test_the_tables_say_what_was_done_and_what_came_of_it(run: Run, recorded: Path) -> None:
    done = run("backtest", *of_past(recorded), "--rules", str(recorded / "rules.yml"))
    assert done.code == 0
    for said in (
        "shop: checkout answers",
        "found in the history, independently of the rules",
        "100% 2/2",
        "not known",
        "false      ",
        "Naive: insignificant incident",
    ):
        assert said in done.out, said


class _Page(HTMLParser):
    """Collects what a page would fetch or run, and checks that its elements are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.fetched += [str(v) for k, v in attrs if k in ("src", "href", "xlink:href", "onload")]
        if tag not in ("meta", "br", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page_of(path: Path) -> _Page:
    text = path.read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert page.fetched == []
    assert "script" not in page.seen
    assert "url(" not in text
    assert "prefers-color-scheme: dark" in text
    assert "nan" not in re.findall(r'd="([^"]*)"', text)
    return page


@pytest.mark.parametrize("command", ["backtest", "simulate", "tune"])
def test_the_page_stands_alone_with_charts_for_dark_and_light(
    run: Run, recorded: Path, tmp_path: Path, command: str
) -> None:
    small = {"simulate": ("--outages", "5"), "tune": ("--sets", "20", "--outages", "12")}
    done = run(
        command, *of_past(recorded), *small.get(command, ()), "--html", str(tmp_path / "p.html")
    )
    assert done.code == 0, done
    assert "svg" in page_of(tmp_path / "p.html").seen
    assert [path.name for path in tmp_path.iterdir()] == ["p.html"]


def test_simulated_outages_are_told_by_depth_and_length(run: Run, recorded: Path) -> None:
    done = run(
        *("simulate", *of_past(recorded), "--json", "--seed", "4", "--outages", "40"),
        *("--depth", "100", "--depth", "1", "--length", "10m", "--length", "1h"),
    )
    pages, everything = (Simulation.model_validate_json(line) for line in done.out.splitlines())
    assert (pages.scope, everything.scope) == ("pages", "all alerts")
    recalls = {(c.depth, c.length_seconds): c.recall.fraction for c in pages.cells}
    assert recalls[1.0, 3600.0] == 1
    assert recalls[0.01, 3600.0] == 0
    assert all(cell.recall.of == 40 for cell in pages.cells)


def test_a_search_names_one_set_of_its_front_and_why(run: Run, recorded: Path) -> None:
    done = run("tune", *of_past(recorded), "--sets", "40", "--outages", "60", "--json")
    found = Search.model_validate_json(done.out)
    assert found.recommended in {one.name for one in found.candidates}
    shown = run("tune", *of_past(recorded), "--sets", "40", "--outages", "60").out
    assert f"take       {found.recommended}" in shown
    assert "why        " in shown


def test_a_configuration_names_source_and_objectives(run: Run, recorded: Path) -> None:
    config = {
        "metrics": {"kind": "recorder", "path": str(recorded / "recording")},
        "services": [{"name": "shop"}],
        "slos": [str(recorded / "slo.yaml")],
    }
    Path("holdfast.yaml").write_text(json.dumps(config))
    done = run("backtest", "--days", "1.5", "--json")
    assert len(backtest_of(done).incidents) == 3
    Path("holdfast.yaml").unlink()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--slo", "none"), ("--slo none", "checkout answers")),
        (("--step", "70"), ("page-fast, long window", "no whole number of steps")),
        (("--step", "0"), ("--step 0",)),
        (("--days", "-1"), ("--days -1",)),
        (("--from", "yesterday"), ("--from yesterday", "no time")),
        (("--from", "2026-01-31T12:00:00"), ("zone is missing",)),
        (("--from", TO), ("not before the end",)),
        (("--from", "2020-01-01T00:00:00Z", "--to", "2020-01-02T00:00:00Z"), ("no data",)),
        (("--rules", "none.yml"), ("none.yml", "no such rule file")),
        (("--incidents", "none.yml"), ("none.yml", "no such file of incidents")),
        (("--significant", "-3"), ("--significant -3",)),
        (("--grace", "-3"), ("--grace -3",)),
        (("--html", "no/folder/p.html"), ("--html no/folder/p.html",)),
        (("--prometheus", "http://127.0.0.1:1"), ("one source, not both",)),
    ],
)
def test_what_cannot_be_used_is_refused_and_leaves_nothing(
    run: Run, recorded: Path, tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    run("backtest", *of_past(recorded), "--html", "page.html", *arguments).refused(*words)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_down_is_named(run: Run, recorded: Path) -> None:
    slo = ("--openslo", str(recorded / "slo.yaml"))
    run("backtest", "--prometheus", "http://127.0.0.1:1", *slo).refused("127.0.0.1:1")


def test_a_prometheus_with_back_filled_history_gives_the_same_verdict(
    run: Run, recorded: Path, tmp_path: Path
) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    text = write_openmetrics(tmp_path / "past.om", past_counters())
    data = tmp_path / "prometheus" / "data"
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)],
        check=True,
        capture_output=True,
    )
    targets = tmp_path / "targets.json"
    targets.write_text("[]")
    rules = ("--rules", str(recorded / "rules.yml"), "--json")
    with running_prometheus(targets, tmp_path / "prometheus") as url:
        source = ("--prometheus", url, "--scrape-interval", "30")
        slo = ("--openslo", str(recorded / "slo.yaml"), "--from", FROM, "--to", TO)
        served = backtest_of(run("backtest", *source, *slo, *rules))
    own = backtest_of(run("backtest", *of_past(recorded), *rules))
    assert served.source.startswith("prometheus http://")
    assert [i.significant for i in served.incidents] == [i.significant for i in own.incidents]
    for theirs, ours in zip(served.rule_sets, own.rule_sets, strict=True):
        for one, other in zip(theirs.scores, ours.scores, strict=True):
            assert (one.scope, one.recall, one.precision) == (
                other.scope,
                other.recall,
                other.precision,
            )
            if one.detection_median_seconds is not None:
                assert other.detection_median_seconds is not None
                assert abs(one.detection_median_seconds - other.detection_median_seconds) <= 60
