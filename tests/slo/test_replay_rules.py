"""Any rule file over a past: recording rules put in, `for`, series by series, refusals by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml

from holdfast.errors import ConfigError, InputError, PromQLUnsupported
from holdfast.evidence.source import MetricsSource
from holdfast.model.evidence import Matrix, Vector
from holdfast.promql.engine import Engine
from holdfast.promql.label_matching import matches
from holdfast.promql.samples import Matcher, StoredSeries
from holdfast.slo.replay.backtest import Fired
from holdfast.slo.replay.reading import PastSpan, default_step, parts
from holdfast.slo.replay.rule_groups import RecordingRule, read_rule_file
from holdfast.slo.replay.rule_replay import of_slo, replay_file
from holdfast.slo.replay.substitute import substitute
from support.past import SHOP

STEPS = 600


class Store:
    """Series in memory, one sample a minute."""

    def __init__(self, *series: tuple[dict[str, str], np.ndarray]) -> None:
        times = np.arange(STEPS, dtype=np.int64) * 60_000
        self.series = [
            StoredSeries(labels, times[~np.isnan(values)], values[~np.isnan(values)])
            for labels, values in series
        ]

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[StoredSeries]:
        """See SampleStore."""
        found: list[StoredSeries] = []
        for one in self.series:
            inside = (one.times_ms >= start_ms) & (one.times_ms <= end_ms)
            if inside.any() and matches(tuple(matchers), one.labels):
                found.append(StoredSeries(one.labels, one.times_ms[inside], one.values[inside]))
        return found


class EngineSource(MetricsSource):
    """A source over the embedded engine, that counts how often it was asked."""

    def __init__(self, store: Store) -> None:
        self.engine = Engine(store, lookback_seconds=90)
        self.asked: list[tuple[str, float, float]] = []

    @property
    def name(self) -> str:
        return "engine"

    def query(self, promql: str, at: float) -> Vector:
        return self.engine.instant(promql, at)

    def query_range(self, promql: str, start: float, end: float, step_seconds: float) -> Matrix:
        self.asked.append((promql, start, end))
        return self.engine.range(promql, start, end, step_seconds)

    def series(self, match: str, start: float, end: float) -> tuple[dict[str, str], ...]:
        raise AssertionError(match)

    def metric_names(self) -> tuple[str, ...]:
        raise AssertionError

    def close(self) -> None:
        """Nothing is open."""


def source() -> EngineSource:
    """Two services' error counters and a gauge with a gap."""
    chance = np.random.default_rng(2)
    series: list[tuple[dict[str, str], np.ndarray]] = []
    for service, level in (("shop", 1.0), ("cart", 2.0)):
        ratio = np.where((np.arange(STEPS) % 200) > 150, 0.3, 0.01) * level
        total = chance.poisson(50, STEPS)
        bad = chance.binomial(total, ratio)
        for code, counts in (("500", bad), ("200", total - bad)):
            labels = {"__name__": "requests_total", "service": service, "code": code}
            series.append((labels, np.cumsum(counts).astype(np.float64)))
    gauge = chance.uniform(0, 10, STEPS)
    gauge[100:180] = np.nan
    series.append(({"__name__": "depth"}, gauge))
    return EngineSource(Store(*series))


SPAN = PastSpan(60 * 100, 60 * (STEPS - 1), 60)
RATIO = (
    'sum by (service) (rate(requests_total{code="500"}[5m])) / '
    "sum by (service) (rate(requests_total[5m]))"
)


def rule_file(folder: Path, *rules: dict[str, object]) -> Path:
    path = folder / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": list(rules)}]}))
    return path


def replayed(folder: Path, *rules: dict[str, object]) -> Fired:
    return replay_file(source(), read_rule_file(rule_file(folder, *rules)), SPAN)


def spans(fired: Fired, rule: str) -> list[tuple[float, float, str]]:
    """(start, end in minutes, service) of each spell of a rule."""
    return sorted(
        (s.start.timestamp() / 60, s.end.timestamp() / 60, s.labels.get("service", ""))
        for s in fired.spells
        if s.rule == rule
    )


def test_an_alert_is_followed_series_by_series(tmp_path: Path) -> None:
    fired = replayed(tmp_path, {"alert": "High", "expr": f"{RATIO} > 0.15", "for": "4m"})
    found = spans(fired, "High")
    assert {service for _, _, service in found} == {"shop", "cart"}
    engine = source().engine
    answer = engine.range(f"{RATIO} > 0.15", SPAN.start - 600, SPAN.end, 60)
    for series in answer.series:
        held = {at for at, _ in series.points}
        fires = {at for at in held if all(at - 60.0 * back in held for back in range(5))}
        mine = {
            float(at)
            for start, end, service in found
            if service == series.labels["service"]
            for at in range(round(start * 60), round(end * 60), 60)
        }
        last = SPAN.end + 60 if SPAN.end in mine else None
        assert mine - {last} == {at for at in fires if at >= SPAN.start}


def test_a_recording_rule_is_put_in_as_if_it_had_been_recorded(tmp_path: Path) -> None:
    written_out = replayed(tmp_path, {"alert": "A", "expr": f"{RATIO} > 0.15"})
    record = {"record": "service:errors:ratio", "expr": RATIO, "labels": {"team": "web"}}
    for selector in (
        "service:errors:ratio",
        'service:errors:ratio{team="web"}',
        'service:errors:ratio{team!="db",service=~"shop|cart"}',
    ):
        fired = replayed(tmp_path, record, {"alert": "A", "expr": f"{selector} > 0.15"})
        assert spans(fired, "A") == spans(written_out, "A")
        assert fired.notes == ("recording rules put into the alerts: service:errors:ratio",)
    only_shop = replayed(
        tmp_path,
        record,
        {"alert": "A", "expr": 'service:errors:ratio{service="shop"} > 0.15'},
    )
    assert spans(only_shop, "A") == [s for s in spans(written_out, "A") if s[2] == "shop"]


RECORDS = (
    RecordingRule("r", "sum by (service, code) (rate(requests_total[5m]))", {"team": "a$1"}),
    RecordingRule("r", "sum by (service) (rate(requests_total[10m]))", {"team": "b"}),
    RecordingRule("s:sum", 'sum by (service) (r{team="b"})', {}),
)


@pytest.mark.parametrize(
    "selector",
    [
        "r",
        'r{team="a$1"}',
        'r{team=~"b|c"}',
        'r{code="500"}',
        'r{code!="500"}',
        'r{code=~"5.."}',
        'r{code!~"5..",team!="b"}',
        'r{code=""}',
        'r{service="shop",code="200",team=~".+"}',
        "s:sum",
        'r{team="none"}',
    ],
)
def test_a_selector_of_recorded_series_and_what_stands_in_for_it_answer_the_same(
    selector: str,
) -> None:
    store = source()
    recorded: list[tuple[dict[str, str], np.ndarray]] = []
    for rule in RECORDS:
        earlier = Engine(Store(*recorded)) if "r{" in rule.expression else store.engine
        for series in earlier.range(rule.expression, 600, 60 * (STEPS - 1), 60).series:
            values = np.full(STEPS, np.nan)
            values[[round(at / 60) for at, _ in series.points]] = [v for _, v in series.points]
            labels = {**series.labels, **rule.labels, "__name__": rule.name}
            recorded.append((labels, values))
    wanted = Engine(Store(*recorded), lookback_seconds=60).instant(selector, 60 * 400)
    put_in = substitute(selector, RECORDS, 60)
    found = store.engine.instant(put_in.expression, 60 * 400)

    def plain(answer: Vector) -> dict[frozenset[tuple[str, str]], float]:
        return {
            frozenset((k, v) for k, v in s.labels.items() if k != "__name__"): s.value
            for s in answer.samples
        }

    assert plain(found) == pytest.approx(plain(wanted))


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("r offset 5m", "recording rule r is referred to with offset or @"),
        ("r @ 5", "recording rule r is referred to with offset or @"),
        ('{__name__="r"} > 1', "recording rule r is referred to in a way"),
    ],
)
def test_what_cannot_be_put_in_is_refused_by_name(expression: str, said: str) -> None:
    with pytest.raises(PromQLUnsupported, match=said):
        substitute(expression, RECORDS, 60)


def test_a_recording_rule_that_refers_to_itself_is_refused_by_name() -> None:
    with pytest.raises(PromQLUnsupported, match="recording rule x refers to itself"):
        substitute("x > 1", [RecordingRule("x", "x + 1", {})], 60)


def test_names_in_strings_and_groupings_are_left_alone() -> None:
    rules = [RecordingRule("r", "sum(q)", {})]
    found = substitute('label_replace(sum by (r) (t{r="r"}), "r", "r", "r", "r") > r', rules, 60)
    assert found.expression == (
        'label_replace(sum by (r) (t{r="r"}), "r", "r", "r", "r") > ((sum(q)))'
    )
    over_time = substitute("max_over_time(r[1h])", rules, 60)
    assert over_time.expression == "max_over_time(((sum(q)))[1h:1m])"


def test_rules_that_cannot_be_replayed_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    fired = replayed(
        tmp_path,
        {"alert": "Good", "expr": "depth > 9"},
        {"alert": "Meta", "expr": 'ALERTS{alertname="Good"} == 1'},
        {"alert": "Moved", "expr": "rec offset 5m > 1"},
        {"record": "rec", "expr": "depth"},
    )
    assert [name for name, _ in fired.rules] == ["Good"]
    told = [note for note in fired.notes if note.startswith("NOT replayed")]
    assert len(told) == 2
    assert "Meta: it asks for ALERTS" in told[0]
    with pytest.raises(InputError, match="no rule of it can be replayed"):
        replayed(tmp_path, {"alert": "Meta", "expr": "ALERTS == 1"})


def test_where_a_level_is_not_measured_it_is_unknown_not_silent(tmp_path: Path) -> None:
    fired = replayed(
        tmp_path,
        {"alert": "Level", "expr": "depth > 9"},
        {"alert": "Blind", "expr": "depth > 9 and depth > 8"},
    )
    steps = STEPS - 100
    assert fired.unknown_fractions["Level"] == pytest.approx((80 - 1) / steps, abs=2 / steps)
    assert fired.unknown_fractions["Blind"] is None


def test_pages_are_told_from_tickets_by_severity(tmp_path: Path) -> None:
    rules = read_rule_file(
        rule_file(
            tmp_path,
            {"alert": "A", "expr": "x", "labels": {"severity": "critical"}},
            {"alert": "B", "expr": "x", "labels": {"severity": "warning"}},
            {"alert": "B", "expr": "x", "labels": {"sloth_severity": "page"}},
            {"alert": "C", "expr": "x"},
        )
    )
    assert [(r.name, r.action) for r in rules.alerts] == [
        ("A", "page"),
        ("B {severity=warning}", "ticket"),
        ("B {sloth_severity=page}", "page"),
        ("C", "page"),
    ]


def test_an_alert_that_speaks_of_another_service_is_not_held_against_this_one(
    tmp_path: Path,
) -> None:
    fired = replayed(tmp_path, {"alert": "High", "expr": f"{RATIO} > 0.15"})
    mine = of_slo(fired, SHOP)
    assert {spell.labels["service"] for spell in mine.spells} == {"shop"}
    assert len(mine.spells) < len(fired.spells)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"alert": "A"}, r"groups\[0\].rules\[0\], A: expr: missing"),
        ({"alert": "A", "expr": "x >"}, r"A: expr: .* is not PromQL"),
        ({"alert": "A", "expr": "x", "for": "5 minutes"}, "A: for: '5 minutes' is no duration"),
        ({"expr": "x"}, "either alert or record names a rule"),
        ({"record": "r", "expr": "x"}, "there is no alerting rule in it"),
    ],
)
def test_a_wrong_rule_file_is_refused_by_rule_and_field(
    tmp_path: Path, rule: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        read_rule_file(rule_file(tmp_path, rule))


def test_questions_are_asked_in_parts_that_a_server_answers() -> None:
    asked = list(parts(0, 60 * 12_001, 60))
    assert asked == [(0, 300_000), (300_000, 600_000), (600_000, 720_060)]


def test_the_step_divides_every_window_and_is_at_most_a_minute() -> None:
    assert default_step(SHOP) == 60
    lab = SHOP.tiers[0].model_copy(
        update={"long_window_seconds": 75.0, "short_window_seconds": 30.0}
    )
    assert default_step(SHOP.model_copy(update={"tiers": (lab,)})) == 15
