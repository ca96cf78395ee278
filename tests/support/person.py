"""A person at a terminal: runs `holdfast` as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import Literal

from support.small_lab import World


def decides(world: World, decision: Literal["approve", "reject"], *, by: str) -> None:
    """Say yes or no to the action that waits."""
    argv = [sys.executable, "-m", "holdfast", "approve", "last", "--yes"]
    argv += ["--decision", decision, "--by", by, "--config", str(world.config_path)]
    subprocess.run(argv, check=True, capture_output=True)
