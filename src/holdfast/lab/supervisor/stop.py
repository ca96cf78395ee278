"""The wish to stop: told from a signal, a thread or the control port, waited for by all."""

from __future__ import annotations

import os
import select
import signal


class StopSignal:
    """Once asked for, it stays. Safe in signal handlers: nothing but a byte in a pipe."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self.reason = ""

    def ask(self, reason: str) -> None:
        """Stop, for the first reason given."""
        self.reason = self.reason or reason
        os.write(self._writer, b"!")

    def wait(self, seconds: float) -> bool:
        """Wait at most so long, and return whether to stop."""
        return bool(select.select([self._reader], [], [], max(0.0, seconds))[0])

    def on_signals(self) -> None:
        """Let SIGTERM and SIGINT ask. Call it from the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda got, _frame: self.ask(signal.Signals(got).name))
