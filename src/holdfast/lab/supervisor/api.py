"""The supervisor's control port: HTTP on loopback, records in and out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast.errors import HoldfastError, InputError, NotFound, PreconditionFailed
from holdfast.lab.records import (
    DeployRequest,
    FaultRequest,
    LabFile,
    LabState,
    LoadRequest,
    Refusal,
    SettingRequest,
    WeightsRequest,
)
from holdfast.lab.supervisor.processes import Processes
from holdfast.lab.supervisor.production import Production
from holdfast.lab.supervisor.stop import StopSignal
from holdfast.model.base import Record

R = TypeVar("R", bound=Record)
Handler = Callable[[bytes], Record]


class Control:
    """What can be asked of the supervisor. Each method takes a body and returns a record."""

    def __init__(
        self, production: Production, processes: Processes, lab: LabFile, stop: StopSignal
    ) -> None:
        self._production, self._processes = production, processes
        self._lab, self._stop = lab, stop

    def state(self, _body: bytes) -> Record:
        """Return what runs."""
        return LabState(
            lab=self._lab,
            services=self._production.services(),
            processes=tuple(child.state() for child in self._processes.children),
            delays_seconds=self._production.faults.delays_seconds,
            settings=self._production.settings.all(),
        )

    def deploy(self, body: bytes) -> Record:
        """Deploy, and answer when it is over."""
        return self._production.deployments.deploy(_read(DeployRequest, body))

    def weights(self, body: bytes) -> Record:
        """Share traffic."""
        request = _read(WeightsRequest, body)
        self._production.deployments.share(request)
        return self._production.services()[request.service]

    def settings(self, body: bytes) -> Record:
        """Change a setting, and answer when it is in force."""
        return self._production.settings.set(_read(SettingRequest, body))

    def load(self, body: bytes) -> Record:
        """Change the rate of requests."""
        request = _read(LoadRequest, body)
        self._production.set_rate(request.rate_per_second)
        return request

    def faults(self, body: bytes) -> Record:
        """Inject or end faults."""
        request = _read(FaultRequest, body)
        if request.service is not None:
            self._production.fleet.service(request.service)
        self._production.faults.inject(request)
        return request

    def down(self, _body: bytes) -> Record:
        """End the lab; the answer comes before the end."""
        self._stop.ask("asked to")
        return self._lab


def application(control: Control, production: Production) -> Starlette:
    """Return the control port's application."""

    def deployments(_request: Request) -> Response:
        lines = [d.model_dump_json() for d in production.deployments.all()]
        return Response(f"[{','.join(lines)}]", media_type="application/json")

    posts = {
        "/deploy": control.deploy,
        "/weights": control.weights,
        "/settings": control.settings,
        "/load": control.load,
        "/faults": control.faults,
        "/down": control.down,
    }
    return Starlette(
        routes=[
            Route("/state", _endpoint(control.state)),
            Route("/deployments", deployments),
            *(Route(path, _endpoint(handler), methods=["POST"]) for path, handler in posts.items()),
        ]
    )


def _endpoint(handler: Handler) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        try:
            return _json(200, await run_in_threadpool(handler, body))
        except HoldfastError as error:
            return _json(_status(error), Refusal(error=str(error)))

    return endpoint


def _json(status: int, record: Record) -> Response:
    return Response(record.model_dump_json(), status_code=status, media_type="application/json")


def _status(error: HoldfastError) -> int:
    match error:
        case PreconditionFailed():
            return 409
        case NotFound():
            return 404
        case InputError():
            return 422
        case _:
            return 500


def _read(kind: type[R], body: bytes) -> R:
    try:
        return kind.model_validate_json(body or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise InputError(f"{where}: {first['msg']}") from None
