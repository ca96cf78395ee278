"""Asks promtool, where it is installed, whether Prometheus accepts rules and their tests pass.

Argv only; a time limit; promtool's own words are kept. Where it is not installed the answer is
`None`, never a pass.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from holdfast.errors import SourceUnavailable

PROGRAM = "promtool"


@dataclass(frozen=True)
class PromtoolResult:
    """What promtool said of a file."""

    command: tuple[str, ...]
    passed: bool
    output: str
    """Standard output and error, as they were printed."""

    @property
    def failures(self) -> tuple[str, ...]:
        """The lines that say what is wrong; none where it passed."""
        if self.passed:
            return ()
        lines = [line.strip() for line in self.output.splitlines()]
        return tuple(line for line in lines if line and not line.startswith(_HEADINGS))


_HEADINGS = ("Checking ", "Unit Testing:", "FAILED:", "SUCCESS")


def find_promtool() -> str | None:
    """Return the program's path; None = it is not installed."""
    return shutil.which(PROGRAM)


def check_rules(path: Path, *, timeout_seconds: float = 60) -> PromtoolResult | None:
    """Check a rule file, `promtool check rules`. None = promtool is not installed.

    Raises SourceUnavailable where it does not end in time or cannot be run.
    """
    return _run(("check", "rules", str(path)), timeout_seconds)


def check_rule_tests(path: Path, *, timeout_seconds: float = 300) -> PromtoolResult | None:
    """Run a file of rule tests, `promtool test rules`; its rule files stand relative to it.

    None = promtool is not installed. Raises as `check_rules` does.
    """
    return _run(("test", "rules", str(path)), timeout_seconds)


def _run(arguments: tuple[str, ...], timeout_seconds: float) -> PromtoolResult | None:
    program = find_promtool()
    if program is None:
        return None
    try:
        done = subprocess.run(
            (program, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceUnavailable(
            f"promtool did not end within {timeout_seconds:g} s: {' '.join(arguments)}",
            hint="give it more time, or write fewer SLOs in one file",
        ) from error
    except OSError as error:
        raise SourceUnavailable(
            f"promtool cannot be run: {error.strerror or error}", hint="see that it is executable"
        ) from error
    return PromtoolResult((program, *arguments), done.returncode == 0, done.stdout)
