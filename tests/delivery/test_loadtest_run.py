"""Load tests of real servers by a real generator process."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from holdfast.delivery.loadtest.knee import find_knee
from holdfast.delivery.loadtest.order import LoadOptions
from holdfast.delivery.loadtest.records import LoadResult
from holdfast.delivery.loadtest.run import run_load_test
from holdfast.errors import SourceUnavailable
from support.load_server import LoadServer, serving

PATIENT = LoadOptions(max_lag_seconds=0.25)
"""On a machine that many share, for tests that are not about the generator's lag."""


def test_a_freeze_is_felt_by_everyone_who_came_meanwhile():
    frozen = LoadServer(delay_seconds=0.002, freeze_at_seconds=1.0, freeze_seconds=1.0)
    with serving(frozen) as server:
        result = run_load_test(server.url, 100, 4, "v1", options=PATIENT)
    [arm] = result.arms
    assert arm.intended == arm.sent == arm.ok == len(frozen.heads)
    assert arm.p50_seconds is not None
    assert arm.p95_seconds is not None
    assert arm.p50_seconds < 0.1
    assert 0.6 < arm.p95_seconds < 1.1  # a quarter of all came while it was frozen
    assert arm.throughput_per_second == pytest.approx(100, rel=0.2)


@pytest.mark.parametrize("arrivals", ["poisson", "constant"])
def test_the_rate_asked_for_is_the_rate_that_arrives(arrivals: str):
    options = LoadOptions.model_validate({**PATIENT.model_dump(), "arrivals": arrivals})
    with serving(LoadServer()) as server:
        result = run_load_test(server.url + "a?b=1", 200, 2, "v1", options=options)
    assert len(server.heads) == pytest.approx(400, abs=1 if arrivals == "constant" else 60)
    assert {(head.method, head.target) for head in server.heads} == {("GET", "/a?b=1")}
    assert result.generator.missed == 0


def test_mix_headers_and_bodies_arrive_as_given():
    options = PATIENT.model_copy(
        update={
            "requests": ("1 GET /a", '1 POST /b {"c": 1}'),
            "headers": ("X-User-Id: u1", "user-agent: mine"),
        }
    )
    with serving(LoadServer()) as server:
        run_load_test(server.url, 100, 1, "v1", options=options)
    assert {(head.method, head.target) for head in server.heads} == {("GET", "/a"), ("POST", "/b")}
    assert {head.headers.get("x-user-id") for head in server.heads} == {"u1"}
    assert {head.headers.all("user-agent") for head in server.heads} == {("mine",)}
    assert set(server.bodies) == {b"", b'{"c": 1}'}


def test_each_kind_of_error_is_counted_by_name():
    slow = PATIENT.model_copy(update={"timeout_seconds": 0.2})
    with serving(LoadServer(fail_each=2)) as failing, serving(LoadServer(delay_seconds=1)) as late:
        [failed] = run_load_test(failing.url, 50, 1, "v1", options=PATIENT).arms
        [timed_out] = run_load_test(late.url, 50, 1, "v1", options=slow).arms
    assert failed.server_error == pytest.approx(failed.sent / 2, abs=1)
    assert failed.error_ratio == pytest.approx(0.5, abs=0.05)
    assert (timed_out.timeout, timed_out.error_ratio) == (timed_out.sent, 1.0)
    assert timed_out.p50_seconds is not None
    assert timed_out.p50_seconds >= 0.2


def test_a_server_that_hangs_up_is_a_connection_error():
    with _hanging_up() as url:
        [arm] = run_load_test(url, 50, 1, "v1", options=PATIENT).arms
    assert arm.connection_error == arm.sent > 20
    assert arm.p50_seconds is not None
    assert arm.p50_seconds >= 10  # no answer is never a quick answer


@contextmanager
def _hanging_up() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        ending = threading.Event()

        def hang_up() -> None:
            while not ending.is_set():
                with suppress(TimeoutError):
                    listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        ending.set()
        thread.join()


def test_nothing_is_sent_where_nobody_listens():
    with pytest.raises(SourceUnavailable, match="nothing answers"):
        run_load_test("http://127.0.0.1:1/", 10, 1, "v1")


def test_a_generator_whose_machine_was_taken_away_refuses_to_speak_of_the_server():
    found: list[LoadResult] = []
    with serving(LoadServer()) as server:
        work = threading.Thread(
            target=lambda: found.append(run_load_test(server.url, 100, 3, "v1"))
        )
        work.start()
        while len(server.heads) < 20:
            time.sleep(0.01)
        generator = _only_child()
        os.kill(generator, signal.SIGSTOP)
        time.sleep(1.4)
        os.kill(generator, signal.SIGCONT)
        work.join(20)
    [result] = found
    assert (result.status, result.arms) == ("refused", ())
    assert "saturated" in result.refusal
    assert result.generator.missed > 10
    assert result.generator.lag_max_seconds > 1


def test_a_candidate_slower_by_twenty_milliseconds_is_found_beside_the_good_version():
    with (
        serving(LoadServer(delay_seconds=0.04)) as candidate,
        serving(LoadServer(delay_seconds=0.02)) as good,
    ):
        options = PATIENT.model_copy(
            update={
                "against_endpoint": good.url,
                "against_version": "v1",
                "thresholds": ("p50<1.2x",),
            }
        )
        result = run_load_test(candidate.url, 60, 4, "v2", options=options)
    assert [(arm.arm, arm.version) for arm in result.arms] == [("candidate", "v2"), ("good", "v1")]
    assert len(candidate.heads) == len(good.heads)  # the same schedule
    median = next(ratio for ratio in result.ratios if ratio.measure == "p50")
    assert median.ratio == pytest.approx(1.9, abs=0.25)
    assert (median.reading, result.status) == ("slower", "failed")


def test_the_knee_of_a_server_that_answers_one_hundred_a_second():
    options = PATIENT.model_copy(update={"thresholds": ("p90<150ms",), "arrivals": "constant"})
    with serving(LoadServer(serial_seconds=0.01)) as server:
        knee = find_knee(server.url, 80, 1.2, "v1", options=options, most_rps=400)
    assert knee.limited_by == "thresholds"
    assert knee.holds_at_per_second is not None
    assert 60 < knee.holds_at_per_second < 130


def test_load_ends_with_the_command_that_asked_for_it():
    with serving(LoadServer()) as server:
        command = [sys.executable, "-m", "holdfast", "loadtest", server.url]
        process = subprocess.Popen([*command, "--rps", "100", "--duration", "60"])
        while len(server.heads) < 20:
            time.sleep(0.01)
        process.kill()
        process.wait()
        time.sleep(0.5)
        seen = len(server.heads)
        time.sleep(0.5)
        assert len(server.heads) == seen


def test_https_is_checked_against_its_certificate(tmp_path: Path):
    certificate, key = _certificate(tmp_path)
    trusting = PATIENT.model_copy(update={"ca_file": str(certificate)})
    with _https_server(certificate, key) as url:
        [known] = run_load_test(url, 30, 1, "v1", options=trusting).arms
        [unknown] = run_load_test(url, 30, 1, "v1", options=PATIENT).arms
    assert known.ok == known.sent > 15
    assert unknown.connection_error == unknown.sent > 15


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust the certificate hangs up: that is the test."""


@contextmanager
def _https_server(certificate: Path, key: Path) -> Iterator[str]:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    with _QuietServer(("127.0.0.1", 0), _Answer) as server:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"https://localhost:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def _certificate(folder: Path) -> tuple[Path, Path]:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("there is no openssl to make a certificate with")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    asked = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -out {certificate}"
    name = ["-keyout", str(key), "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([program, *asked.split(), *name], check=True, capture_output=True)
    return certificate, key


def _only_child() -> int:
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        found += [int(pid) for pid in (task / "children").read_text().split()]
    loads = [p for p in found if b"loadtest" in Path(f"/proc/{p}/cmdline").read_bytes()]
    [generator] = loads
    return generator
