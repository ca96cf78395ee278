"""Helpers for tests that run a lab: the smallest one, and looks into it from outside."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.lab import control
from holdfast.lab.control import LabHandle
from holdfast.lab.files import is_alive
from holdfast.lab.records import LabOptions
from support.databases import DATABASE

SMALL = LabOptions(
    services=("customer-api",),
    load=False,
    recorder=False,
    life_seconds=120,
    round_trip_seconds=0,
    database=DATABASE,
)


@contextmanager
def running(folder: Path, options: LabOptions = SMALL) -> Iterator[LabHandle]:
    """A lab for the length of a block."""
    lab = control.up(folder, options=options)
    try:
        yield lab
    finally:
        lab.down()


def get(url: str) -> tuple[int, str]:
    """Return status and body."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.status, answer.read().decode()


def metric(url: str, name: str) -> float | None:
    """Return the sum of a metric's samples at `/metrics`, or None where there is none."""
    lines = get(f"{url}/metrics")[1].splitlines()
    found = [line for line in lines if line.startswith((f"{name}{{", f"{name} "))]
    return sum(float(line.rpartition(" ")[2]) for line in found) if found else None


def events(lab: LabHandle) -> list[dict[str, dict[str, str]]]:
    """Return the deployment log."""
    lines = lab.folder.deployments.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def processes_of(lab: LabHandle) -> list[int]:
    """Return the supervisor's process and its children, dead or alive."""
    return [lab.lab.pid, *(p.pid for p in lab.state().processes)]


def still_there(folder: Path, pids: list[int]) -> list[int]:
    """Return those of the processes that live, and any other that names the folder."""
    named = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal() and int(entry.name) != os.getpid() and _names(entry, folder)
    ]
    return sorted({pid for pid in [*pids, *named] if is_alive(pid)})


def _names(entry: Path, folder: Path) -> bool:
    try:
        return str(folder).encode() in (entry / "cmdline").read_bytes()
    except OSError:
        return False
