"""Runs the generator process to its end, within a deadline."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from typing import IO

from holdfast.delivery.loadtest.endpoint import reach
from holdfast.delivery.loadtest.order import Arm, LoadOrder
from holdfast.delivery.loadtest.wire import (
    Measured,
    WireArm,
    WireOrder,
    WireRequest,
    parse_measured,
)
from holdfast.errors import SourceError

_GRACE_SECONDS = 20.0


def generate(order: LoadOrder) -> Measured:
    """Send the load and return all samples.

    Raises SourceUnavailable where an endpoint does not answer beforehand, SourceError where the
    generator fails or does not end.
    """
    told = _wire_order(order)
    with tempfile.TemporaryFile() as said:
        answer, code = _run(told, said, deadline_seconds=_deadline_seconds(order))
        if code != 0:
            said.seek(0)
            last = said.read().decode(errors="replace").strip().splitlines()[-1:]
            raise SourceError(f"the load generator ended with {code}: {' '.join(last)}")
    return parse_measured(answer)


def _run(told: WireOrder, said: IO[bytes], *, deadline_seconds: float) -> tuple[bytes, int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "holdfast.delivery.loadtest"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=said,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    deadline = threading.Timer(deadline_seconds, process.kill)
    deadline.start()
    try:
        process.stdin.write(told.model_dump_json().encode() + b"\n")
        process.stdin.flush()  # it stays open: the generator ends when we do
        return process.stdout.read(), process.wait()
    except BrokenPipeError:
        return b"", process.wait()
    finally:
        deadline.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
        _close(process.stdin)


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except BrokenPipeError:
        return  # it ended before it read its order; its exit code says why


def _deadline_seconds(order: LoadOrder) -> float:
    return order.duration_seconds + order.options.timeout_seconds + _GRACE_SECONDS


def _wire_order(order: LoadOrder) -> WireOrder:
    return WireOrder(
        arms=tuple(_wire_arm(order, arm) for arm in order.arms),
        rate_per_second=order.rate_per_second,
        duration_seconds=order.duration_seconds,
        arrivals=order.options.arrivals,
        seed=order.options.seed,
        timeout_seconds=order.options.timeout_seconds,
        ca_file=order.options.ca_file,
    )


def _wire_arm(order: LoadOrder, arm: Arm) -> WireArm:
    endpoint = arm.endpoint
    own = (("host", endpoint.authority), ("user-agent", "holdfast-loadtest"))
    given = {name for name, _ in order.headers}
    headers = (*(field for field in own if field[0] not in given), *order.headers)
    kinds = order.kinds_of(arm)
    return WireArm(
        address=reach(endpoint),
        port=endpoint.port,
        tls_name=endpoint.host if endpoint.scheme == "https" else None,
        headers=headers,
        requests=tuple(
            WireRequest(weight=k.weight, method=k.method, path=k.path, body=k.body) for k in kinds
        ),
    )
