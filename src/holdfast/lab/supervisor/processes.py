"""Child processes: started by one thread that never ends, logged, and ended by their own ids."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from holdfast.errors import DeployerFailed
from holdfast.lab.records import ProcessState

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
_POLL_SECONDS = 0.01


@dataclass
class Child:
    """One process and its log files."""

    name: str
    popen: subprocess.Popen[bytes]
    output: Path
    errors: Path
    output_offset: int
    grace_seconds: float
    """How long it may take to end once it is asked to."""
    asked_to_stop: bool = False

    def state(self) -> ProcessState:
        """Return whether it runs."""
        return ProcessState(
            name=self.name,
            pid=self.popen.pid,
            exit_code=self.popen.poll(),
            asked_to_stop=self.asked_to_stop,
        )

    def first_line(self, deadline: float) -> str:
        """Wait for the line in which it says that it is ready."""
        while time.monotonic() < deadline:
            with self.output.open(encoding="utf-8") as file:
                file.seek(self.output_offset)
                line = file.readline()
            if line.endswith("\n"):
                return line
            self.check_running()
            time.sleep(_POLL_SECONDS)
        raise DeployerFailed(f"{self.name} said nothing in time", hint=f"see {self.output}")

    def check_running(self) -> None:
        """Raise DeployerFailed with its last words where it has ended."""
        if (code := self.popen.poll()) is not None:
            words = self.errors.read_text(encoding="utf-8", errors="replace").strip()
            raise DeployerFailed(
                f"{self.name} ended with {code}: {words[-500:]}", hint=f"see {self.errors}"
            )

    def end(self, *, grace_seconds: float) -> None:
        """Ask it to stop, then kill it; 0 kills at once. Returns when it is gone."""
        self.asked_to_stop = True
        if grace_seconds > 0:
            self.popen.terminate()
            try:
                self.popen.wait(grace_seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        else:
            self.popen.kill()
        self.popen.wait()


class Processes:
    """All children. The kernel ends them when the thread that starts them ends: see `leash`."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="starter")
        self.children: list[Child] = []
        self._closed = False

    def start(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        output_suffix: str = ".log",
        pass_fds: Sequence[int] = (),
        grace_seconds: float = 2.0,
    ) -> Child:
        """Start `python -m module arguments`, with `environment` and little else around it."""
        argv = [sys.executable, "-P", "-m", "holdfast.lab.leash"]
        argv += ["--parent-pid", str(os.getpid()), module, *arguments]
        around = {key: os.environ[key] for key in _INHERITED if key in os.environ}
        around |= {"PYTHONPATH": _import_path((environment or {}).get("PYTHONPATH", ""))}
        around |= {k: v for k, v in (environment or {}).items() if k != "PYTHONPATH"}
        output, errors = self._logs / f"{name}{output_suffix}", self._logs / f"{name}.stderr.log"
        child = self._starter.submit(
            self._spawn, name, argv, around, (output, errors), tuple(pass_fds), grace_seconds
        )
        return child.result()

    def _spawn(
        self,
        name: str,
        argv: list[str],
        around: dict[str, str],
        logs: tuple[Path, Path],
        fds: tuple[int, ...],
        grace_seconds: float,
    ) -> Child:
        if self._closed:
            raise DeployerFailed(f"the lab ends; {name} was not started")
        with logs[0].open("ab") as out, logs[1].open("ab") as err:
            offset = out.tell()
            popen = subprocess.Popen(
                argv,
                env=around,
                cwd=self._logs.parent,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                pass_fds=fds,
            )
        child = Child(name, popen, *logs, offset, grace_seconds)
        self.children.append(child)
        return child

    def _close(self) -> None:
        self._closed = True

    def unexpected_exits(self) -> list[Child]:
        """Return the children that have ended without being asked to."""
        return [c for c in self.children if not c.asked_to_stop and c.popen.poll() is not None]

    def end_all(self) -> None:
        """End every child, all at once, and start none any more: none is left on return."""
        self._starter.submit(self._close).result()
        for child in self.children:
            child.asked_to_stop = True
            child.popen.terminate()
        began = time.monotonic()
        for child in self.children:
            try:
                child.popen.wait(max(0.0, began + child.grace_seconds - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.popen.kill()
                child.popen.wait()
        self._starter.shutdown()


def _import_path(own: str) -> str:
    """Return the child's import path: its own folders, and this Holdfast."""
    return os.pathsep.join(part for part in (own, os.environ.get("PYTHONPATH", "")) if part)
