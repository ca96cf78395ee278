"""The recorder scrapes real targets; what ends is marked stale; a kill loses no kept scrape."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge

from holdfast.errors import ConfigError, SourceUnavailable
from holdfast.promql.recorder import Recorder
from holdfast.promql.samples import Matcher, is_stale
from holdfast.promql.store import RecordedSamples
from holdfast.promql.targets import read_targets
from support.exporter import Exporter, running_exporter, write_targets

INTERVAL_SECONDS = 0.1


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    with running_exporter() as exporter:
        yield exporter


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def targets(tmp_path: Path, exporter: Exporter) -> Path:
    return write_targets(tmp_path / "targets.json", [exporter.address], {"job": "shop"})


@contextmanager
def recorder_at(targets: Path, store: Path) -> Iterator[tuple[Recorder, RecordedSamples]]:
    """A recorder that the test moves by hand, and a reader."""
    recorder = Recorder(targets, store, INTERVAL_SECONDS, timeout_seconds=0.5)
    samples = RecordedSamples(store)
    try:
        yield recorder, samples
    finally:
        recorder.stop()
        samples.close()


def scrape(recorder: Recorder) -> None:
    time.sleep(0.005)
    recorder.scrape_once(time.time_ns() // 1_000_000)


def values(samples: RecordedSamples, name: str, **labels: str) -> list[float | str]:
    """The one series' values, oldest first; a staleness marker reads `stale`."""
    matchers = [Matcher("__name__", "=", name), *(Matcher(k, "=", v) for k, v in labels.items())]
    (series,) = samples.select(matchers, 0, 10**15)
    stale = is_stale(series.values).tolist()
    return ["stale" if s else v for v, s in zip(series.values.tolist(), stale, strict=True)]


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def scrapes_kept(samples: RecordedSamples) -> int:
    try:
        return len(values(samples, "up"))
    except (SourceUnavailable, ValueError):  # no store yet, or no series
        return 0


def wait_for_scrapes(samples: RecordedSamples, wanted: int) -> None:
    wait_until(lambda: scrapes_kept(samples) >= wanted)


def test_a_scrape_keeps_values_up_and_duration(
    exporter: Exporter, targets: Path, store: Path
) -> None:
    requests = Counter("requests", "", ["route"], registry=exporter.registry)
    with recorder_at(targets, store) as (recorder, samples):
        for _ in range(2):
            requests.labels("/").inc()
            scrape(recorder)
        assert values(samples, "requests_total", route="/") == [1.0, 2.0]
        assert values(samples, "up") == [1.0, 1.0]
        (duration,) = samples.select(
            [Matcher("__name__", "=", "scrape_duration_seconds")], 0, 10**15
        )
        assert 0 < duration.values[0] < 0.5
        assert duration.labels == {
            "__name__": "scrape_duration_seconds",
            "instance": exporter.address,
            "job": "shop",
        }


def test_a_series_that_vanishes_from_a_scrape_is_marked_stale_once(
    exporter: Exporter, targets: Path, store: Path
) -> None:
    gauge = Gauge("depth", "", ["queue"], registry=exporter.registry)
    gauge.labels("a").set(1)
    gauge.labels("b").set(2)
    with recorder_at(targets, store) as (recorder, samples):
        scrape(recorder)
        gauge.remove("a")
        scrape(recorder)
        scrape(recorder)
        gauge.labels("a").set(7)
        scrape(recorder)
        assert values(samples, "depth", queue="a") == [1.0, "stale", 7.0]
        assert values(samples, "depth", queue="b") == [2.0, 2.0, 2.0, 2.0]


def test_when_a_scrape_fails_all_series_end_and_the_target_is_down(
    exporter: Exporter, targets: Path, store: Path
) -> None:
    Gauge("depth", "", registry=exporter.registry).set(1)
    with recorder_at(targets, store) as (recorder, samples):
        scrape(recorder)
        exporter.close()
        scrape(recorder)
        scrape(recorder)
        assert values(samples, "depth") == [1.0, "stale"]
        assert values(samples, "up") == [1.0, 0.0, 0.0]


def test_when_a_target_is_removed_its_series_and_up_end(
    exporter: Exporter, targets: Path, store: Path
) -> None:
    Gauge("depth", "", registry=exporter.registry).set(1)
    with running_exporter() as other, recorder_at(targets, store) as (recorder, samples):
        scrape(recorder)
        write_targets(targets, [other.address], {"job": "shop"})
        scrape(recorder)
        assert values(samples, "depth") == [1.0, "stale"]
        assert values(samples, "up", instance=exporter.address) == [1.0, "stale"]
        assert values(samples, "up", instance=other.address) == [1.0]


def test_a_target_that_left_while_no_recorder_ran_ends_at_the_next_start(
    exporter: Exporter, targets: Path, store: Path
) -> None:
    Gauge("depth", "", registry=exporter.registry).set(1)
    with recorder_at(targets, store) as (recorder, samples):
        scrape(recorder)
    write_targets(targets, [], {"job": "shop"})
    with recorder_at(targets, store) as (recorder, samples):
        scrape(recorder)
        assert values(samples, "depth") == [1.0, "stale"]
        assert values(samples, "up") == [1.0, "stale"]


def test_a_targets_file_that_breaks_leaves_the_targets_as_they_were(
    exporter: Exporter, targets: Path, store: Path
) -> None:
    with recorder_at(targets, store) as (recorder, samples):
        scrape(recorder)
        targets.write_text("[{")
        scrape(recorder)
        targets.unlink()
        scrape(recorder)
        assert values(samples, "up") == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("content", ["", "{}", '[{"target": ["a"]}]', '[{"targets": [1]}]'])
def test_a_wrong_targets_file_is_refused_with_an_example(tmp_path: Path, content: str) -> None:
    file = tmp_path / "targets.json"
    file.write_text(content)
    with pytest.raises(ConfigError, match="no file_sd JSON"):
        read_targets(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_targets(tmp_path / "absent.json")


def test_path_and_scheme_labels_make_the_url_and_stay_out_of_the_series(tmp_path: Path) -> None:
    file = tmp_path / "targets.json"
    labels = {"__metrics_path__": "/m", "__scheme__": "https", "job": "shop"}
    (target,) = read_targets(write_targets(file, ["shop.example:1", "shop.example:1"], labels))
    assert target.url == "https://shop.example:1/m"
    assert target.labels == {"instance": "shop.example:1", "job": "shop"}


class _Answering(BaseHTTPRequestHandler):
    """`/drip` sends a little at a time, `/broken` no exposition, `/error` a 500."""

    def do_GET(self) -> None:
        self.send_response(500 if self.path == "/error" else 200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        if self.path == "/broken":
            self.wfile.write(b"<html>\n")
        for number in range(100 if self.path == "/drip" else 0):
            try:
                self.wfile.write(b'x{n="%d"} 1\n' % number)
                self.wfile.flush()
            except OSError:
                return
            time.sleep(0.05)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize("path", ["/drip", "/broken", "/error"])
def test_an_answer_that_is_slow_or_wrong_makes_the_target_down_in_time(
    tmp_path: Path, store: Path, path: str
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    address = f"127.0.0.1:{server.server_port}"
    file = write_targets(tmp_path / "t.json", [address], {"__metrics_path__": path})
    with recorder_at(file, store) as (recorder, samples):
        began = time.monotonic()
        scrape(recorder)
        assert time.monotonic() - began < 0.4
        assert values(samples, "up") == [0.0]
        assert samples.select([Matcher("__name__", "=", "x")], 0, 10**15) == []
    server.shutdown()
    server.server_close()
    thread.join()


def test_as_a_thread_it_scrapes_at_aligned_times(
    exporter: Exporter, targets: Path, store: Path
) -> None:
    samples = RecordedSamples(store)
    with Recorder(targets, store, INTERVAL_SECONDS):
        wait_for_scrapes(samples, 8)
    (up,) = samples.select([Matcher("__name__", "=", "up")], 0, 10**15)
    late_ms = up.times_ms % 100
    assert sorted(late_ms.tolist())[len(late_ms) // 2] <= 20
    samples.close()


@contextmanager
def recorder_process(targets: Path, store: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "holdfast.promql.recorder"),
            *("--targets", str(targets), "--folder", str(store)),
            *("--interval-seconds", str(INTERVAL_SECONDS)),
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_the_process_stops_on_sigterm_with_status_0(targets: Path, store: Path) -> None:
    samples = RecordedSamples(store)
    with recorder_process(targets, store) as process:
        wait_for_scrapes(samples, 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    samples.close()


def test_after_kill_9_every_scrape_that_was_seen_is_kept_and_recording_goes_on(
    targets: Path, store: Path
) -> None:
    samples = RecordedSamples(store)
    seen = 0
    for _ in range(3):
        with recorder_process(targets, store) as process:
            wait_for_scrapes(samples, seen + 3)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        seen = scrapes_kept(samples)
        fresh = RecordedSamples(store)
        assert values(fresh, "up") == values(samples, "up") == [1.0] * seen
        fresh.close()
    samples.close()


def test_a_hanging_target_does_not_hold_up_the_others(
    exporter: Exporter, tmp_path: Path, store: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        addresses = [exporter.address, f"127.0.0.1:{deaf.getsockname()[1]}"]
        file = tmp_path / "t.json"
        file.write_text(json.dumps([{"targets": addresses}]))
        samples = RecordedSamples(store)
        with Recorder(file, store, INTERVAL_SECONDS):
            wait_until(lambda: (store / "samples.db").exists())
            wait_until(
                lambda: len(samples.select([Matcher("__name__", "=", "up")], 0, 10**15)) == 2
            )
            wait_until(lambda: len(values(samples, "up", instance=addresses[0])) >= 6)
        answered = values(samples, "up", instance=addresses[0])
        assert answered.count(1.0) >= len(answered) - 1  # a busy machine may miss one
        assert set(values(samples, "up", instance=addresses[1])) == {0.0}
        samples.close()
