"""The first event of an incident, from an alert or from a person's sentence.

Titles and reasons hold no numerals but those of names: what was claimed stands in `claims`, what
was measured in evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from holdfast.errors import InputError, NotFound
from holdfast.model.alert import Alert
from holdfast.model.config import Config
from holdfast.model.event import Noted, Opened
from holdfast.model.service import Service
from holdfast.model.slo import SLO
from holdfast.signals.group import service_of
from holdfast.signals.sentence import Symptom, read_sentence, symptoms_of
from holdfast.signals.severity import severity_of_alert, severity_of_sentence

_KIND_OF_SYMPTOM = {
    Symptom.LATENCY: "latency",
    Symptom.ERRORS: "availability",
    Symptom.AVAILABILITY: "availability",
}


def open_from_alert(
    alert: Alert, config: Config, *, budget_spent_fraction: float | None = None
) -> Opened:
    """Return the opening of an alert's incident. The burn is read from the alert's annotations.

    An alert of no known service opens too: nothing that fires is lost.
    """
    service = service_of(alert, config.services)
    slo = next((s for s in config.slos if s.name == alert.labels.get("slo")), None)
    decision = severity_of_alert(
        alert.severity,
        burn_rate=_burn_rate(alert),
        budget_spent_fraction=budget_spent_fraction,
    )
    what = f"spends its {slo.kind} budget too fast" if slo else _alert_name(alert)
    return Opened(
        title=f"{service}: {what}",
        service=service,
        slo=slo.name if slo else None,
        severity=decision.severity,
        severity_reason=decision.reason,
        alert=alert,
        laboratory=config.laboratory,
    )


def open_from_sentence(text: str, service: str, config: Config) -> Opened:
    """Return the opening of what a person reports about a service of the catalog.

    Raises InputError for an empty sentence, NotFound for a service that the catalog lacks.
    """
    statement = " ".join(text.split())
    if not statement:
        raise InputError("the sentence is empty", hint="say what users see, in your own words")
    _require_service(service, config.services)
    symptoms = symptoms_of(statement)
    decision = severity_of_sentence(symptoms)
    slo = slo_for(symptoms, service, config.slos)
    felt = ", ".join(symptom.value for symptom in symptoms)
    return Opened(
        title=f"{service}: {felt or 'trouble'} reported by a person",
        service=service,
        slo=slo.name if slo else None,
        severity=decision.severity,
        severity_reason=decision.reason,
        statement=statement,
        claims=read_sentence(statement),
        laboratory=config.laboratory,
    )


def attached_note(alert: Alert, reason: str) -> Noted:
    """Return the event by which an incident keeps an alert that belongs to it.

    Its step key is `group.alert_key(alert)`: the ledger refuses it a second time.
    """
    labels = ", ".join(f"{key}={value}" for key, value in sorted(alert.labels.items()))
    return Noted(text=f"alert of {alert.source} attached ({labels}): {reason}")


def slo_for(symptoms: Sequence[Symptom], service: str, slos: Iterable[SLO]) -> SLO | None:
    """Return the service's SLO that the first telling symptom is about, else its only one."""
    own = [slo for slo in slos if slo.service == service]
    kinds = [_KIND_OF_SYMPTOM[symptom] for symptom in symptoms if symptom in _KIND_OF_SYMPTOM]
    matching = [slo for kind in kinds for slo in own if slo.kind == kind]
    if matching:
        return matching[0]
    return own[0] if len(own) == 1 else None


def _require_service(service: str, services: Sequence[Service]) -> None:
    known = [s.name for s in services]
    if service not in known:
        raise NotFound(
            f"the catalog has no service {service!r}", hint=f"known: {', '.join(known) or 'none'}"
        )


def _alert_name(alert: Alert) -> str:
    return alert.labels.get("alertname", "an alert without a name")


def _burn_rate(alert: Alert) -> float | None:
    """As our own detection writes it; other sources say no burn."""
    written = alert.annotations.get("burn_rate_long")
    if written is None:
        return None
    try:
        return float(written)
    except ValueError:  # another source's annotation of that name: not a burn, so not measured
        return None
