"""`holdfast promql serve`: the Prometheus HTTP API over imported text, as clients ask it."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdfast.errors import PromQLError, QueryRefused
from holdfast.integrations.prometheus.client import PrometheusSource
from holdfast.model.config import MetricsSettings
from holdfast.model.evidence import Matrix, Vector
from support.prometheus import running_prometheus

MINUTES = 120
PROMTOOL = shutil.which("promtool")


def openmetrics(start: int, seed: int = 3) -> str:
    """Write counters with resets and gaps, a gauge and a classic histogram, 15 s apart."""
    chance = random.Random(seed)
    lines: list[str] = []
    for number in range(4):
        count = 0
        for place in range(MINUTES * 4):
            count = 0 if chance.random() < 0.01 else count + chance.randint(0, 9)
            if not (number == 2 and 100 < place < 180):
                code = "500" if number == 3 else "200"
                labels = f'{{instance="i{number}",code="{code}"}}'
                lines.append(f"requests_total{labels} {count} {start + place * 15}.{number}")
    for place in range(MINUTES * 4):
        lines.append(f"queue_length {chance.uniform(-5, 5)!r} {start + place * 15}")
    total = [0, 0, 0]
    for place in range(MINUTES * 4):
        more_by_bound = sorted(chance.sample(range(9), 3))
        total = [have + more for have, more in zip(total, more_by_bound, strict=True)]
        for bound, have in zip(("0.1", "1", "+Inf"), total, strict=True):
            lines.append(f'seconds_bucket{{le="{bound}"}} {have} {start + place * 15}')
    return "\n".join([*lines, "# EOF", ""])


@contextmanager
def serving(path: Path, *options: str) -> Iterator[str]:
    """Run the command; give the URL that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "holdfast", "promql", "serve", str(path), "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


@pytest.fixture(scope="module")
def start() -> int:
    return int(time.time()) // 60 * 60 - MINUTES * 60 - 600


@pytest.fixture(scope="module")
def text_file(start: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "past.om"
    path.write_text(openmetrics(start))
    return path


@pytest.fixture(scope="module")
def url(text_file: Path) -> Iterator[str]:
    with serving(text_file) as address:
        yield address


def source(url: str) -> PrometheusSource:
    return PrometheusSource(MetricsSettings(url=url))


def asked(
    url: str, path: str, *, form: bool = False, **fields: str
) -> tuple[int, dict[str, object]]:
    """Send a request; return status and JSON."""
    encoded = urllib.parse.urlencode({k.replace("match", "match[]"): v for k, v in fields.items()})
    request = urllib.request.Request(
        f"{url}{path}" if form else f"{url}{path}?{encoded}",
        data=encoded.encode() if form else None,
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def test_our_own_client_asks_it_as_it_asks_prometheus(url: str, start: int) -> None:
    end = start + MINUTES * 60
    with source(url) as metrics:
        names = metrics.metric_names()
        assert names == ("queue_length", "requests_total", "seconds_bucket")
        found = metrics.series('requests_total{code="500"}', start, end)
        assert [one["instance"] for one in found] == ["i3"]
        assert metrics.query("count(requests_total)", end).samples[0].value == 4
        assert metrics.query("nothing", end).samples == ()
        [series] = metrics.query_range("sum(rate(requests_total[5m]))", start, end, 60).series
        assert len(series.points) == MINUTES


def test_our_client_joins_ranges_longer_than_a_request_may_ask(url: str, start: int) -> None:
    with source(url) as metrics:
        [series] = metrics.query_range("vector(1)", start, start + 12_000, 1).series
    assert len(series.points) == 12_001


def test_a_wrong_and_an_unsupported_expression_are_refused_in_words(url: str, start: int) -> None:
    with source(url) as metrics:
        with pytest.raises(PromQLError, match="parse error"):
            metrics.query("sum(", start)
        with pytest.raises(QueryRefused, match="not supported: function info"):
            metrics.query("info(queue_length)", start)


@pytest.mark.parametrize("form", [False, True])
def test_each_result_type_has_prometheus_s_shape(url: str, start: int, form: bool) -> None:
    def data(query: str) -> object:
        status, body = asked(url, "/api/v1/query", form=form, query=query, time=str(start))
        assert (status, body["status"]) == (200, "success")
        return body["data"]

    assert data("1 + 1") == {"resultType": "scalar", "result": [start, "2"]}
    assert data('"a"') == {"resultType": "string", "result": [start, "a"]}
    assert data("vector(-1) / 0") == {
        "resultType": "vector",
        "result": [{"metric": {}, "value": [start, "-Inf"]}],
    }
    matrix = data("requests_total{instance='i1'}[15s]")
    assert isinstance(matrix, dict)
    assert matrix["resultType"] == "matrix"
    _, noted = asked(url, "/api/v1/query", form=form, query="quantile(2, up)", time=str(start))
    assert noted["warnings"] == ["PromQL warning: quantile value should be between 0 and 1, got 2"]
    nan = data("vector(NaN)")
    assert isinstance(nan, dict)
    assert nan["result"][0]["value"][1] == "NaN"


def test_a_range_is_a_matrix_and_times_may_be_rfc3339_and_steps_durations(
    url: str, start: int
) -> None:
    written = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start))
    for form in (False, True):
        fields = {"query": "time()", "start": written, "end": str(start + 90.5), "step": "1m"}
        status, body = asked(url, "/api/v1/query_range", form=form, **fields)
        points = [[start, str(start)], [start + 60, str(start + 60)]]
        result = [{"metric": {}, "values": points}]
        assert status == 200
        assert body["data"] == {"resultType": "matrix", "result": result}


def test_labels_and_their_values_can_be_listed_and_limited_by_selectors(url: str) -> None:
    assert asked(url, "/api/v1/labels")[1]["data"] == ["__name__", "code", "instance", "le"]
    assert asked(url, "/api/v1/labels", match="queue_length")[1]["data"] == ["__name__"]
    assert asked(url, "/api/v1/label/le/values")[1]["data"] == ["+Inf", "0.1", "1"]
    values = asked(url, "/api/v1/label/instance/values", match='{code="500"}')[1]["data"]
    assert values == ["i3"]
    assert asked(url, "/api/v1/label/le/values", start="0", end="1")[1]["data"] == []


@pytest.mark.parametrize(
    ("path", "fields", "status", "kind", "words"),
    [
        ("query", {"query": "sum("}, 400, "bad_data", "parse error"),
        ("query", {"query": "1", "time": "noon"}, 400, "bad_data", '"time"'),
        ("query_range", {"query": "1", "start": "0"}, 400, "bad_data", '"end"'),
        ("query_range", {"start": "9", "end": "1", "step": "1"}, 400, "bad_data", "before start"),
        ("query_range", {"start": "0", "end": "9", "step": "0"}, 400, "bad_data", "zero or neg"),
        ("query_range", {"start": "0", "end": "9", "step": "x"}, 400, "bad_data", '"step"'),
        ("query_range", {"start": "0", "end": "9", "step": "1e300"}, 400, "bad_data", '"step"'),
        ("query", {"query": "1", "lookback_delta": "-1"}, 400, "bad_data", "negative"),
        (
            "query_range",
            {"query": "1", "start": "0", "end": "11001", "step": "1"},
            400,
            "bad_data",
            "exceeded maximum resolution of 11,000 points",
        ),
        (
            "query_range",
            {"query": "up[5m]", "start": "0", "end": "9", "step": "1"},
            400,
            "bad_data",
            "must be Scalar or instant Vector",
        ),
        ("query", {"query": "info(up)"}, 422, "execution", "not supported"),
        (
            "query",
            {"query": 'label_replace(queue_length, "", "x", "", "")', "time": "0"},
            422,
            "execution",
            "invalid label name",
        ),
        ("series", {}, 400, "bad_data", "match[]"),
        ("series", {"match": "1 + 1"}, 400, "bad_data", "no series selector"),
        ("targets", {}, 404, "not_found", "targets"),
    ],
)
def test_what_is_wrong_with_a_request_is_told_in_prometheus_s_terms(
    url: str, path: str, fields: dict[str, str], status: int, kind: str, words: str
) -> None:
    got, body = asked(url, f"/api/v1/{path}", form=False, **fields)
    assert (got, body["status"], body["errorType"]) == (status, "error", kind)
    assert words in str(body["error"])


def test_it_says_what_it_is_and_that_it_is_ready(url: str) -> None:
    _, body = asked(url, "/api/v1/status/buildinfo")
    assert isinstance(body["data"], dict)
    assert body["data"]["application"] == "holdfast"
    with urllib.request.urlopen(f"{url}/-/ready", timeout=5) as answer:
        assert answer.status == 200


def test_a_malformed_file_is_one_line_and_nothing_is_served(tmp_path: Path) -> None:
    path = tmp_path / "bad.om"
    path.write_text("a 1\n# EOF\n")
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", "promql", "serve", str(path), "--port", "0"],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{path}, line 1: the sample 'a 1' has no timestamp" in done.stderr
    assert done.stderr.count("\n") == 1


QUERIES = (
    "requests_total",
    "queue_length",
    "sum by (code) (rate(requests_total[5m]))",
    "increase(requests_total[1h])",
    "sum(increase(requests_total{code='500'}[30m])) / sum(increase(requests_total[30m]))",
    "histogram_quantile(0.9, sum by (le) (rate(seconds_bucket[10m])))",
    "max_over_time(queue_length[7m]) - min_over_time(queue_length[7m] offset 3m)",
    "quantile_over_time(0.5, queue_length[10m:30s])",
    "topk(2, requests_total)",
    "avg_over_time(rate(requests_total[2m])[20m:1m])",
    "absent(requests_total{instance='i2'})",
    "changes(requests_total[10m]) + resets(requests_total[10m])",
)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_it_answers_as_a_prometheus_with_the_same_past(
    text_file: Path, start: int, tmp_path: Path
) -> None:
    assert PROMTOOL is not None
    blocks = tmp_path / "prometheus" / "data"
    subprocess.run(
        [PROMTOOL, "tsdb", "create-blocks-from", "openmetrics", str(text_file), str(blocks)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    targets = tmp_path / "targets.json"
    targets.write_text("[]")
    end = start + MINUTES * 60 + 400
    with (
        running_prometheus(targets, tmp_path / "prometheus") as theirs_url,
        serving(text_file, "--windows", "closed") as ours_url,
        source(theirs_url) as theirs,
        source(ours_url) as ours,
    ):
        for query in QUERIES:
            wanted = theirs.query_range(query, start - 60, end, 47)
            assert_alike(ours.query_range(query, start - 60, end, 47), wanted, query)
            at = start + 5000.3
            assert_alike(ours.query(query, at), theirs.query(query, at), query)
        match = '{__name__=~".+"}'
        found = [sorted(one.items()) for one in ours.series(match, start, end)]
        assert sorted(found) == sorted(sorted(o.items()) for o in theirs.series(match, start, end))
        assert ours.metric_names() == theirs.metric_names()


def assert_alike(ours: Matrix | Vector, theirs: Matrix | Vector, query: str) -> None:
    got, wanted = values(ours), values(theirs)
    assert wanted or isinstance(theirs, Vector), f"{query}: nothing was answered"
    assert got.keys() == wanted.keys(), query
    for key, value in wanted.items():
        assert got[key] == pytest.approx(value, rel=1e-9, abs=1e-12), (query, key)


def values(answer: Matrix | Vector) -> dict[tuple[str, float], float]:
    """Return each sample by its labels and time."""
    if isinstance(answer, Vector):
        return {(str(sorted(s.labels.items())), s.at): s.value for s in answer.samples}
    return {
        (str(sorted(s.labels.items())), at): value for s in answer.series for at, value in s.points
    }


DOCUMENT = (Path(__file__).parents[2] / "docs" / "promql.md").read_text(encoding="utf-8")


def test_the_documented_command_says_what_the_documentation_shows(tmp_path: Path) -> None:
    first = 1_767_225_600  # 2026-01-01T00:00:00Z
    lines = [f'up{{job="{job}"}} 1 {first + 30 * n}' for job in "ab" for n in range(240)]
    (tmp_path / "past.om").write_text("\n".join([*lines, "# EOF\n"]))
    [command, shown] = re.findall(r"```(?:sh|text)\n(.*?)```", DOCUMENT, re.S)
    arguments = command.replace("9191", "0").split()[1:]
    with subprocess.Popen(
        [sys.executable, "-m", "holdfast", *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = [process.stderr.readline(), process.stdout.readline()]
        process.terminate()
    plain = re.compile(r"[0-9.]+ s$|:[0-9]+$", re.M)
    assert plain.sub("", "".join(said)) == plain.sub("", shown)


def test_every_option_is_documented() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", "promql", "serve", "--help"],
        capture_output=True,
        text=True,
        timeout=20,
    )
    options = set(re.findall(r"--[a-z]+", done.stdout)) - {"--help"}
    assert options <= set(re.findall(r"--[a-z]+", DOCUMENT))
