"""Runs git by argv so that nothing which a repository, a user or a system configured is run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

HARDENED = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.quotePath=false"),
    *("-c", f"core.attributesFile={Path(__file__).with_name('git.attributes')}"),
    *("-c", "diff.external="),
    *("-c", "diff.noprefix=false"),
    *("-c", "diff.mnemonicPrefix=false"),
    *("-c", "log.showSignature=false"),
    *("-c", "protocol.allow=never"),
    *("-c", "safe.directory=*"),
)


def git_argv(repository: Path, *arguments: str, settings: Sequence[str] = ()) -> list[str]:
    """Return the command; `settings` are further `name=value` that outrank all configuration."""
    more = [word for setting in settings for word in ("-c", setting)]
    return ["git", "--no-pager", *HARDENED, *more, "-C", str(repository), *arguments]


def run_git(
    argv: Sequence[str], timeout_seconds: float, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run git in a clean environment. Raises FileNotFoundError and TimeoutExpired as they come."""
    return subprocess.run(
        argv,
        env={**git_environment(), **(variables or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=timeout_seconds,
        check=False,
    )


def git_environment() -> dict[str, str]:
    """Return a clean environment: no GIT_ variable of the caller, no system or user settings."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
    }
