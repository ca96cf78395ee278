"""`python -m holdfast.lab.supervisor --folder F [--options JSON]`: runs a lab to its end.

Prints nothing; `F/lab.json` says how it stands. Ends on SIGTERM, SIGINT, `POST /down`, or when
the lab's life is over, and with it every process that it started.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from threading import Thread

from holdfast.errors import HoldfastError
from holdfast.lab.files import take_lock, write_whole
from holdfast.lab.records import LabFile, LabFolder, LabOptions
from holdfast.lab.supervisor.processes import Processes
from holdfast.lab.supervisor.production import Production, start
from holdfast.lab.supervisor.stop import StopSignal
from holdfast.model.base import utc_now

_LOOK_EVERY_SECONDS = 0.5


def main() -> None:
    """Run the lab that the arguments describe."""
    parser = argparse.ArgumentParser("holdfast.lab.supervisor", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--options", type=LabOptions.model_validate_json, default=LabOptions())
    given = parser.parse_args()
    try:
        sys.exit(run(LabFolder(given.folder), given.options))
    except HoldfastError as error:
        sys.exit(f"lab: {error}")


def run(folder: LabFolder, options: LabOptions) -> int:
    """Run a lab in a folder that is ready for it; return the exit code."""
    folder.root.mkdir(parents=True, exist_ok=True)
    take_lock(folder.lock)
    for part in (folder.logs, folder.data, folder.metrics, folder.versions, folder.repositories):
        part.mkdir(exist_ok=True)
    stop = StopSignal()
    stop.on_signals()
    Thread(target=_load_control, daemon=True).start()
    now = utc_now()
    lab = LabFile(
        status="starting",
        pid=os.getpid(),
        started_at=now,
        ends_at=now + timedelta(seconds=options.life_seconds),
        options=options,
    )
    _write(folder, lab)
    processes = Processes(folder.logs)
    try:
        lab = _serve(folder, lab, processes, stop)
        _wait(processes, stop, options.life_seconds)
        lab = lab.model_copy(update={"status": "ended", "reason": stop.reason})
    except Exception as error:
        lab = lab.model_copy(update={"status": "failed", "reason": str(error)})
        raise
    finally:
        processes.end_all()
        _write(folder, lab)
    return 0


def _serve(folder: LabFolder, lab: LabFile, processes: Processes, stop: StopSignal) -> LabFile:
    production = start(folder, lab.options, processes, stop)
    listener = socket.create_server(("127.0.0.1", 0))
    ready = lab.model_copy(
        update={
            "status": "ready",
            "control_url": f"http://127.0.0.1:{listener.getsockname()[1]}",
            "edge_urls": production.edge.urls,
            "edge_admin_url": production.edge.admin_url,
            "load_url": production.load_url,
            "database": production.database,
        }
    )
    arguments = (listener, production, processes, ready, stop)
    Thread(target=_control, args=arguments, name="control", daemon=True).start()
    _write(folder, ready)
    return ready


def _load_control() -> None:
    """Import what takes a while, beside the start of the services."""
    import_module("uvicorn")
    import_module("holdfast.lab.supervisor.api")


def _control(
    listener: socket.socket,
    production: Production,
    processes: Processes,
    lab: LabFile,
    stop: StopSignal,
) -> None:
    import uvicorn

    from holdfast.lab.supervisor.api import Control, application

    control = Control(production, processes, lab, stop)
    config = uvicorn.Config(application(control, production), log_level="warning", lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


def _wait(processes: Processes, stop: StopSignal, life_seconds: float) -> None:
    """Wait for the end, and say on stderr which process ended before it."""
    ends_at = time.monotonic() + life_seconds
    known: set[int] = set()
    while not stop.wait(min(_LOOK_EVERY_SECONDS, ends_at - time.monotonic())):
        if time.monotonic() >= ends_at:
            stop.ask("its life was over")
        for child in processes.unexpected_exits():
            if child.popen.pid not in known:
                known.add(child.popen.pid)
                code = child.popen.returncode
                print(f"lab: {child.name} ended unexpectedly with {code}", file=sys.stderr)


def _write(folder: LabFolder, lab: LabFile) -> None:
    write_whole(folder.state, lab.model_dump_json(indent=1) + "\n")


if __name__ == "__main__":
    main()
