"""Files that others read while they change, and who is alive."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from holdfast.errors import InputError


def write_whole(path: Path, text: str) -> None:
    """Replace a file at once: a reader sees the old text or the new one, nothing between."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def take_lock(path: Path, patience_seconds: float = 1.0) -> int:
    """Take a folder's lock until this process ends. Raises InputError where it stays taken.

    The patience is for those who only look whether it is taken.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    deadline = time.monotonic() + patience_seconds
    while not _try_lock(descriptor):
        if time.monotonic() > deadline:
            os.close(descriptor)
            raise InputError(
                f"a lab runs in {path.parent}",
                hint="choose another folder, or `holdfast lab down`",
            )
        time.sleep(0.02)
    return descriptor


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"
