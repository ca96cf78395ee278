"""From readings to alerts: pure, so that every transition can be tested and replayed.

| before    | reading        | after                                                        |
|-----------|----------------|--------------------------------------------------------------|
| none      | firing         | firing, starts now                                           |
| none      | ok             | none                                                         |
| none      | no data, error | none: silence opens nothing here, `watch` reports it itself   |
| firing    | firing         | firing, same start, burns as measured now                    |
| firing    | ok             | resolved, ends now                                           |
| firing    | no data, error | firing still: silence is not health                          |
| firing    | not read       | firing still                                                 |
| resolved  | firing         | a new alert, starts now                                      |
| resolved  | anything else  | forgotten                                                    |
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from holdfast.model.alert import Alert
from holdfast.slo.evaluate import BurnReading
from holdfast.slo.rules import ALERT_NAME

SOURCE = "holdfast"


def fingerprint(service: str, slo: str, tier: str) -> str:
    """Return 16 hex digits that stay the same for one tier of one SLO."""
    return hashlib.sha256("\0".join((service, slo, tier)).encode()).hexdigest()[:16]


def detect(previous: Sequence[Alert], readings: Iterable[BurnReading]) -> tuple[Alert, ...]:
    """Return the alerts after these readings: firing ones, and those resolved just now.

    `previous` is what the last call returned; alerts of other sources in it are left out.
    """
    firing = {a.fingerprint: a for a in previous if a.source == SOURCE and a.status == "firing"}
    after: list[Alert] = []
    for reading in readings:
        known = firing.pop(fingerprint(reading.service, reading.slo, reading.tier), None)
        changed = _transition(known, reading)
        if changed is not None:
            after.append(changed)
    return (*after, *firing.values())


def _transition(known: Alert | None, reading: BurnReading) -> Alert | None:
    match reading.state:
        case "firing":
            return _fire(reading) if known is None else _refresh(known, reading)
        case "ok":
            return None if known is None else _resolve(known, reading)
        case _:
            return None if known is None else _doubt(known, reading)


def _fire(reading: BurnReading) -> Alert:
    return Alert(
        fingerprint=fingerprint(reading.service, reading.slo, reading.tier),
        source=SOURCE,
        status="firing",
        severity=reading.action,
        starts_at=reading.at,
        labels={
            "alertname": ALERT_NAME,
            "service": reading.service,
            "slo": reading.slo,
            "tier": reading.tier,
        },
        annotations=_annotations(reading),
    )


def _refresh(known: Alert, reading: BurnReading) -> Alert:
    return known.model_copy(update={"annotations": _annotations(reading)})


def _resolve(known: Alert, reading: BurnReading) -> Alert:
    return known.model_copy(
        update={
            "status": "resolved",
            "ends_at": reading.at,
            "annotations": _annotations(reading),
        }
    )


def _doubt(known: Alert, reading: BurnReading) -> Alert:
    last = f"{reading.state.replace('_', ' ')}: {reading.detail}"
    return known.model_copy(update={"annotations": {**known.annotations, "last_reading": last}})


def _annotations(reading: BurnReading) -> dict[str, str]:
    burns = {
        "burn_rate_long": reading.long_burn,
        "burn_rate_short": reading.short_burn,
        "burn_rate_threshold": reading.threshold_burn,
    }
    return {
        "summary": f"{reading.service} spends the error budget of {reading.slo} too fast",
        **{name: f"{burn:.6g}" for name, burn in burns.items() if burn is not None},
        "evidence": ", ".join(reading.evidence_ids),
        "last_reading": reading.state,
    }
