"""What every process of the lab does at its start: end when its parent ends, stop when asked."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(
    signal_number: signal.Signals = signal.SIGTERM, *, parent_pid: int | None = None
) -> None:
    """Ask the kernel to send this process a signal when its parent ends, however it ends.

    `parent_pid` closes the gap before this call: where the parent is another process by now, it
    has ended already, and this process exits. The kernel counts the *thread* that started the
    process as its parent: start children from a thread that lives as long as they should.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl(PR_SET_PDEATHSIG): {os.strerror(code)}")
    if parent_pid is not None and os.getppid() != parent_pid:
        sys.exit(0)


async def until_told_to_stop() -> None:
    """Return when SIGTERM or SIGINT arrives. Call it from the main thread's event loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
