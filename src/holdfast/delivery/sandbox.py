"""Runs a repository's tests: an empty environment, limits, and no network beyond loopback.

How far that is enforced: where the kernel permits unprivileged namespaces, the tests have a
network of their own with a loopback and nothing else, whatever they run. Elsewhere a guard in
Python's start-up refuses connections beyond loopback, which stops accidents and no intent. Files
that this user can read or write stay within reach of the tests either way, and a process that
leaves its process group outlives the time limit. The tests end when the process that asked for
them does.
"""

from __future__ import annotations

import os
import sys
import time
from functools import cache
from pathlib import Path

from holdfast.delivery.codehost import TestCommand, TestOutcome
from holdfast.delivery.process import clean_environment, run_command
from holdfast.errors import DeployerTimeout

NAMESPACE = "network namespace of its own: loopback only"
GUARD = "guard in Python's start-up only: other programs can reach the network"

_CONFINED = Path(__file__).with_name("confined.py")
_GUARD = Path(__file__).parent / "guard"
_PROBE_SECONDS = 10.0


@cache
def namespaces_permitted() -> bool:
    """Whether this machine lets us give a program a network of its own."""
    argv = _confined("namespace", TestCommand(argv=("true",)))
    return (
        run_command(argv, working_folder=Path("/"), timeout_seconds=_PROBE_SECONDS).exit_code == 0
    )


def run_confined(folder: Path, command: TestCommand, home: Path, *, namespace: bool) -> TestOutcome:
    """Run a test command in a folder, with a home of its own for what it writes elsewhere.

    Raises DeployerFailed where it cannot be started.
    """
    began = time.monotonic()
    isolation = NAMESPACE if namespace else GUARD
    try:
        done = run_command(
            _confined("namespace" if namespace else "open", command),
            working_folder=folder,
            timeout_seconds=command.timeout_seconds,
            environment=_environment(command, folder, str(home), guarded=not namespace),
        )
    except DeployerTimeout as error:
        return TestOutcome(None, str(error), time.monotonic() - began, isolation)
    output = f"{done.stdout}{done.stderr}"
    return TestOutcome(done.exit_code, output, done.seconds, isolation)


def _confined(network: str, command: TestCommand) -> tuple[str, ...]:
    numbers = (os.getpid(), command.cpu_seconds, command.memory_bytes)
    return (sys.executable, "-I", str(_CONFINED), network, *map(str, numbers), *command.argv)


def _environment(command: TestCommand, folder: Path, home: str, *, guarded: bool) -> dict[str, str]:
    variables = {
        **clean_environment(()),
        "HOME": home,
        "TMPDIR": home,
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.hooksPath",
        "GIT_CONFIG_VALUE_0": "/dev/null",
        **command.variables,
    }
    if guarded:
        variables["HOLDFAST_LOOPBACK_ONLY"] = "1"
    if command.statements_file:
        variables["HOLDFAST_STATEMENTS_FILE"] = str(folder / command.statements_file)
    if guarded or command.statements_file:
        known = variables.get("PYTHONPATH", "")
        variables["PYTHONPATH"] = f"{_GUARD}:{known}" if known else str(_GUARD)
    return variables
