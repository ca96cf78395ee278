"""SIGINT and SIGTERM end what runs; what was done stands in the ledger, so nothing is lost."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SAME_SECONDS = 1.0
"""Supervisors signal a process and its group: what comes so soon is the same wish."""


class Interrupted(KeyboardInterrupt):
    """A person or a supervisor wants it to end. `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def exit_code(self) -> int:
        """What a shell expects of a program that a signal ended: 130 or 143."""
        return 128 + self.number


@contextmanager
def interruptible() -> Generator[None]:
    """Raise Interrupted in the block at the first signal, and leave with its code.

    A second signal ends the process at once: that is as safe as a crash.
    """
    before = {number: signal.signal(number, _first) for number in _SIGNALS}
    try:
        yield
    except Interrupted as interrupted:
        sys.exit(interrupted.exit_code)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _first(number: int, _frame: FrameType | None) -> None:
    at_once_from = time.monotonic() + _SAME_SECONDS

    def second(number: int, _frame: FrameType | None) -> None:
        if time.monotonic() >= at_once_from:
            os._exit(128 + number)

    for each in _SIGNALS:
        signal.signal(each, second)
    raise Interrupted(number)
