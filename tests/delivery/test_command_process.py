"""A program that does not end is ended with everything that it started."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from holdfast.delivery.process import OUTPUT_LIMIT_BYTES, clean_environment, run_command
from holdfast.errors import DeployerTimeout


def _python(script: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", script, *arguments)


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def _soon_gone(pid: int) -> bool:
    """A kill is sent at once; the kernel takes a moment to carry it out."""
    deadline = time.monotonic() + 2
    while not _gone(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return _gone(pid)


STUBBORN = """
import json, os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
ignore = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
children = [subprocess.Popen([sys.executable, "-c", ignore]) for _ in range(3)]
open(sys.argv[1], "w").write(json.dumps([os.getpid(), *[c.pid for c in children]]))
print("started", flush=True)
time.sleep(600)
"""


def test_a_group_that_ignores_being_asked_is_killed(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    began = time.monotonic()
    with pytest.raises(DeployerTimeout):
        run_command(_python(STUBBORN, str(pids)), working_folder=tmp_path, timeout_seconds=0.8)
    assert time.monotonic() - began < 4
    assert len(json.loads(pids.read_text())) == 4
    assert all(_soon_gone(pid) for pid in json.loads(pids.read_text()))


def test_a_program_may_tidy_up_when_it_is_asked_to_end(tmp_path: Path) -> None:
    script = (
        "import signal, sys, time\n"
        "def tidy(*_):\n    open('tidied', 'w').write('yes'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, tidy)\ntime.sleep(600)"
    )
    with pytest.raises(DeployerTimeout):
        run_command(_python(script), working_folder=tmp_path, timeout_seconds=0.5)
    assert (tmp_path / "tidied").exists()


def test_the_last_part_of_long_output_is_kept_and_the_program_is_not_held_up(
    tmp_path: Path,
) -> None:
    script = (
        "import sys; sys.stdout.write('x' * 5_000_000 + 'end'); sys.stderr.write('e' * 200_000)"
    )
    result = run_command(_python(script), working_folder=tmp_path, timeout_seconds=20)
    assert result.exit_code == 0
    assert result.truncated
    assert len(result.stdout) == OUTPUT_LIMIT_BYTES
    assert result.stdout.endswith("end")


def test_the_last_lines_of_stderr_are_what_is_told(tmp_path: Path) -> None:
    script = "import sys\nfor n in range(20): print(n, file=sys.stderr)\nsys.exit(7)"
    result = run_command(_python(script), working_folder=tmp_path, timeout_seconds=20)
    assert (result.exit_code, result.last_lines(2)) == (7, "18\n19")


def test_a_program_gets_no_input(tmp_path: Path) -> None:
    result = run_command(
        _python("import sys; print(len(sys.stdin.read()))"),
        working_folder=tmp_path,
        timeout_seconds=20,
    )
    assert result.stdout.strip() == "0"


def test_a_program_that_closes_its_output_early_is_still_waited_for(tmp_path: Path) -> None:
    script = "import os, time; os.close(1); os.close(2); time.sleep(0.3); os._exit(5)"
    result = run_command(_python(script), working_folder=tmp_path, timeout_seconds=20)
    assert result.exit_code == 5


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        run_command(("true",), working_folder=tmp_path, timeout_seconds=5)
    assert len(os.listdir("/proc/self/fd")) == before


def test_only_named_variables_are_passed_on() -> None:
    ours = {"PATH": "/bin", "TOKEN": "t", "OTHER": "o"}
    assert clean_environment(["TOKEN", "ABSENT"], ours) == {"PATH": "/bin", "TOKEN": "t"}
