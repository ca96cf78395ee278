"""`holdfast loadtest`, run as a person runs it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.model.evidence import Evidence
from support.load_server import LoadServer, serving


def loadtest(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "holdfast", "loadtest", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_thresholds_that_hold_and_thresholds_that_break_exit_differently():
    with serving(LoadServer(delay_seconds=0.05)) as server:
        fast = ("--rps", "50", "--duration", "1", "--max-lag", "0.25", "--version", "v2.0")
        kept = loadtest(server.url, *fast, "--threshold", "p90<5s", "--threshold", "errors<1%")
        broken = loadtest(server.url, *fast, "--threshold", "p50<10ms")
    assert (kept.returncode, "PASSED" in kept.stdout) == (0, True)
    assert "candidate v2.0" in kept.stdout
    assert "✓ errors<1%: 0.00%" in kept.stdout
    assert (broken.returncode, "FAILED" in broken.stdout) == (1, True)
    assert "✗ p50<10ms" in broken.stdout


def test_a_saturated_generator_exits_with_its_own_code_and_no_latency():
    with serving(LoadServer()) as server:
        done = loadtest(server.url, "--rps", "50", "--duration", "1", "--max-lag", "0.00001")
    assert done.returncode == 3
    assert "REFUSED" in done.stdout
    assert "p95" not in done.stdout


def test_two_versions_side_by_side_as_evidence():
    with serving(LoadServer(delay_seconds=0.04)) as slow, serving(LoadServer()) as good:
        done = loadtest(
            *(slow.url, "--rps", "50", "--duration", "2.5", "--max-lag", "0.25", "--json"),
            *("--against", good.url, "--version", "v2", "--against-version", "v1"),
        )
    assert done.returncode == 0
    load, ratios = (Evidence.model_validate_json(line) for line in done.stdout.splitlines())
    assert load.hash == load.computed_hash()
    assert load.query.startswith("run_load_test(endpoint=")
    table = json.loads(ratios.model_dump_json())["value"]
    assert table["columns"] == ["measure", "ratio", "low", "high", "reading"]
    assert [row[4] for row in table["rows"] if row[0] == "p50"] == ["slower"]


def test_the_knee_is_searched_step_by_step():
    with serving(LoadServer(serial_seconds=0.02)) as server:
        done = loadtest(
            *(server.url, "--rps", "40", "--duration", "1", "--find-knee", "--max-lag", "0.25"),
            *("--threshold", "p90<150ms", "--arrivals", "constant", "--max-rps", "160"),
        )
    assert done.returncode == 0, done.stderr
    steps = done.stdout.splitlines()
    assert steps[0].split()[:2] == ["40.0/s", "passed"]
    assert "the thresholds break above it" in steps[-1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("http://example.com/",), "--allow-host example.com"),
        (("http://127.0.0.1:1/",), "nothing answers"),
        (("nonsense",), "is not an http"),
        (("http://127.0.0.1:1/", "--rps", "0"), "the rate per second is 0"),
        (("http://127.0.0.1:1/", "--threshold", "p95"), "is no threshold"),
        (("http://127.0.0.1:1/", "--arrivals", "bursty"), "arrivals 'bursty'"),
        (("http://127.0.0.1:1/", "--find-knee"), "a knee needs a bound"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(arguments: tuple[str, ...], said: str):
    done = loadtest(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert said in done.stderr


def test_every_option_in_the_documentation_exists_and_the_other_way_round():
    document = (Path(__file__).parents[2] / "docs" / "loadtest.md").read_text(encoding="utf-8")
    options = re.compile(r"--[a-z]+(?:-[a-z]+)*")
    there = set(options.findall(loadtest("--help").stdout)) - {"--help"}
    assert set(options.findall(document)) == there - {"--seed"}
