"""The generator's admin port: health, metrics, and the rate."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import Field, ValidationError

from holdfast.delivery.loadtest.open_loop import Generator
from holdfast.errors import InputError
from holdfast.lab.http_server import Answer, Handler, admin_handler
from holdfast.lab.load.meters import LoadMetrics
from holdfast.model.base import Record

_GREATEST_RATE_PER_SECOND = 2000


class RateChange(Record):
    """The body of `PUT /rate`."""

    rate_per_second: float = Field(ge=0, le=_GREATEST_RATE_PER_SECOND)


def admin(generator: Generator, metrics: LoadMetrics) -> Handler:
    """Return the handler of the admin port."""

    def health(_rest: str, _body: bytes) -> Answer:
        return Answer.json(
            {
                "status": "ok",
                "rate_per_second": generator.rate_per_second,
                "schedule_kept": metrics.missed_count == 0,
                "intended": metrics.intended_count,
                "missed": metrics.missed_count,
                "worst_lag_seconds": round(metrics.worst_lag_seconds, 6),
            }
        )

    def put_rate(_rest: str, body: bytes) -> Answer:
        try:
            change = RateChange.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise InputError(f"rate_per_second: {first['msg']}") from None
        generator.start(change.rate_per_second)
        return Answer.json({"rate_per_second": change.rate_per_second})

    return admin_handler(
        {
            ("GET", "/healthz"): health,
            ("GET", "/metrics"): lambda _rest, _body: Answer(
                metrics.exposition(), CONTENT_TYPE_LATEST
            ),
            ("PUT", "/rate"): put_rate,
        }
    )
