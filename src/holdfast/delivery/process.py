"""Runs a team's own program: argv only, a clean environment, a deadline for its whole group."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from holdfast.errors import DeployerFailed, DeployerTimeout

OUTPUT_LIMIT_BYTES = 64 * 1024
"""How much of each stream is kept: the last so many bytes."""

KILL_GRACE_SECONDS = 1.0
"""How long a program that timed out may take to end itself before it is killed."""

_ALWAYS_PASSED = ("PATH",)


@dataclass(frozen=True)
class CommandResult:
    """What a program answered. `truncated` = it wrote more than is kept."""

    exit_code: int
    stdout: str
    stderr: str
    seconds: float
    truncated: bool

    def last_lines(self, count: int = 5) -> str:
        """Return the last lines of stderr, or of stdout where stderr is silent."""
        spoken = self.stderr.strip() or self.stdout.strip()
        return "\n".join(spoken.splitlines()[-count:])


@dataclass
class _Stream:
    kept: bytearray = field(default_factory=bytearray)
    dropped_bytes: int = 0

    def add(self, chunk: bytes) -> None:
        self.kept += chunk
        excess = max(0, len(self.kept) - OUTPUT_LIMIT_BYTES)
        self.dropped_bytes += excess
        del self.kept[:excess]

    def text(self) -> str:
        return self.kept.decode(errors="replace")


def clean_environment(
    names: Iterable[str], environment: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return PATH and the named variables of `environment` (default: our own), and no others."""
    known = os.environ if environment is None else environment
    return {name: known[name] for name in (*_ALWAYS_PASSED, *names) if name in known}


def run_command(
    argv: Sequence[str],
    *,
    working_folder: Path,
    timeout_seconds: float,
    pass_variables: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
    inherit: Sequence[int] = (),
) -> CommandResult:
    """Run a program to its end and return what it said, whatever its exit code.

    `environment`, where given, is all that it gets; else PATH and `pass_variables` of ours.
    `inherit` are the file descriptors that it gets besides its streams.
    It gets a session of its own and no input. Raises DeployerTimeout after `timeout_seconds`,
    when its whole process group has been ended; DeployerFailed where it cannot be started.
    """
    began = time.monotonic()
    variables = clean_environment(pass_variables) if environment is None else dict(environment)
    process = _start(argv, working_folder, variables, inherit)
    streams = (_Stream(), _Stream())
    try:
        ended = _collect(process, streams, began + timeout_seconds)
    except BaseException:
        _end_group(process)
        raise
    if not ended:
        _end_group(process)
        raise DeployerTimeout(
            f"`{argv[0]}` did not end within {timeout_seconds:g} s and was stopped",
            hint="whether it took effect is unknown: the effect probe is asked",
        )
    return CommandResult(
        exit_code=process.wait(),
        stdout=streams[0].text(),
        stderr=streams[1].text(),
        seconds=time.monotonic() - began,
        truncated=any(stream.dropped_bytes for stream in streams),
    )


def _start(
    argv: Sequence[str],
    working_folder: Path,
    environment: dict[str, str],
    inherit: Sequence[int],
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(argv),
            cwd=working_folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=inherit,
        )
    except (OSError, ValueError) as error:
        raise DeployerFailed(
            f"`{argv[0]}` cannot be started in {working_folder}: {error}",
            hint="nothing was done; check the argv template in holdfast.yaml",
        ) from error


def _collect(
    process: subprocess.Popen[bytes], streams: tuple[_Stream, _Stream], deadline: float
) -> bool:
    """Read both streams until the program ends; return False if the deadline came first.

    A service that the program left running in the background may hold the pipes open: what
    counts is that the program itself has ended.
    """
    with _reading(process, streams) as selector:
        while process.poll() is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            _read_ready(selector, min(left, 0.05))
        _read_ready(selector, 0)
    return True


@contextlib.contextmanager
def _reading(process: subprocess.Popen[bytes], streams: tuple[_Stream, _Stream]):
    assert process.stdout is not None
    assert process.stderr is not None
    pipes: tuple[IO[bytes], IO[bytes]] = (process.stdout, process.stderr)
    with selectors.DefaultSelector() as selector:
        for pipe, stream in zip(pipes, streams, strict=True):
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ, stream)
        try:
            yield selector
        finally:
            for pipe in pipes:
                pipe.close()


def _read_ready(selector: selectors.BaseSelector, wait_seconds: float) -> None:
    """Read what is there now; a stream that has ended is let go."""
    if not selector.get_map():
        time.sleep(min(wait_seconds, 0.005))
        return
    for key, _ in selector.select(wait_seconds):
        stream = key.data
        assert isinstance(stream, _Stream)
        while chunk := _chunk(key.fd):
            stream.add(chunk)
        if chunk == b"":
            selector.unregister(key.fileobj)


def _chunk(descriptor: int) -> bytes | None:
    """Return the next bytes; empty = the stream has ended; None = nothing there now."""
    try:
        return os.read(descriptor, 65536)
    except BlockingIOError:
        return None


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ask the whole group to end, then kill what is left of it."""
    _signal_group(process, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(KILL_GRACE_SECONDS)
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
