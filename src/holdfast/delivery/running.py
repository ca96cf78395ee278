"""Whether a deploy command still runs, told by the kernel: it holds a lock for as long as it lives.

The command inherits the open file, and the lock goes with the last process that has it open. So a
command that outlives a killed worker is seen as under way, and is not started a second time.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from holdfast.errors import PreconditionFailed


class RunningMark:
    """The lock of one service's deploy commands. `path` is its file, made where it is missing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def is_held(self) -> bool:
        """Whether a command runs, whoever started it."""
        if not self._path.exists():
            return False
        with _opened(self._path) as descriptor:
            return not _lock(descriptor)

    @contextmanager
    def held(self) -> Generator[int]:
        """Hold it; give the file descriptor that the command must inherit.

        Raises PreconditionFailed where a command runs already: nothing was done.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with _opened(self._path) as descriptor:
            if not _lock(descriptor):
                raise PreconditionFailed(
                    "a deploy command that was started earlier still runs", hint="nothing was done"
                )
            yield descriptor


@contextmanager
def _opened(path: Path) -> Generator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
