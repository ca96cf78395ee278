"""A person's terminals: `holdfast` commands as processes of their own, read while they run."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Terminal:
    """One command under way. What it prints is read as it comes."""

    def __init__(self, config_path: Path, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "holdfast", "--config", str(config_path), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self._lines.extend(iter(self._process.stdout.readline, ""))

    @property
    def text(self) -> str:
        """What it has printed so far, errors too."""
        return "".join(self._lines)

    def until(self, words: str, timeout_seconds: float = 20.0) -> None:
        """Wait until it has printed that."""
        deadline = time.monotonic() + timeout_seconds
        while words not in self.text:
            assert time.monotonic() < deadline, f"waited in vain for {words!r}: {self.text}"
            assert self._reader.is_alive() or words in self.text, self.text
            time.sleep(0.02)

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal; return the exit code."""
        self._process.send_signal(number)
        return self.ended()

    def ended(self, timeout_seconds: float = 30.0) -> int:
        """Wait for its end; return the exit code."""
        code = self._process.wait(timeout_seconds)
        self._reader.join()
        return code

    def close(self) -> None:
        """End it where it still runs."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def terminal(config_path: Path, *arguments: str) -> Iterator[Terminal]:
    """Run `holdfast ARGUMENTS…` for the length of a block."""
    opened = Terminal(config_path, *arguments)
    try:
        yield opened
    finally:
        opened.close()
