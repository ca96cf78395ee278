"""Files that others read while they change, and who is alive."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from holdfast.errors import InputError


def write_whole(path: Path, text: str) -> None:
    """Replace a file at once: a reader sees the old text or the new one, nothing between."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def take_lock(path: Path) -> int:
    """Take a folder's lock until this process ends. Raises InputError where it is taken."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise InputError(
            f"a lab runs in {path.parent}", hint="choose another folder, or `holdfast lab down`"
        ) from None
    return descriptor


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock."""
    try:
        os.close(take_lock(path))
    except FileNotFoundError:
        return False
    except InputError:
        return True
    return False


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"
