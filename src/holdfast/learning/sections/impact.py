"""Impact: what users suffered, in measured counts, with the charts."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.learning.figures import Said
from holdfast.learning.logs import users_affected
from holdfast.learning.quotes import code
from holdfast.learning.writing import Writing, evidence_links, header, row, text
from holdfast.model.evidence import Evidence, Matrix
from holdfast.model.lesson import Paragraph, Section
from holdfast.model.slo import SLO
from holdfast.slo.budget import EventCounts, history_seconds, read_budget

NOT_CONFIGURED = "not configured"


def impact(w: Writing, charts: Mapping[str, tuple[str, str]]) -> Section:
    """Say the impact. `charts` are title → (path, SHA-256 of the file)."""
    table = [header("Measure", "Value", "Measured from"), *_time_rows(w), *_count_rows(w)]
    images = [
        Paragraph(kind="image", text=title, cells=(path, digest))
        for title, (path, digest) in charts.items()
    ]
    return Section(title="Impact", paragraphs=(*table, *_remarks(w), *images))


def _time_rows(w: Writing) -> list[Paragraph]:
    name = "Duration, from the start of the impact to the verified mitigation"
    duration = w.between("impact_started", "mitigated")
    return [row(name, str(duration), evidence_links([w.facts["milestones"].id]))]


def _count_rows(w: Writing) -> list[Paragraph]:
    rows: list[Paragraph] = []
    for position, slo in enumerate(w.slos):
        if position == 0:
            rows.append(_row(w, "Requests", f"requests:{slo.name}", "value", "count"))
        rows.append(_row(w, _bad_name(w, slo), f"bad:{slo.name}", "value", "count"))
        rows.append(_row(w, *_asking(f"SLI of {code(slo.name)} before", "sli before", slo)))
        rows.append(_row(w, *_asking(f"SLI of {code(slo.name)} during", "sli during", slo)))
        spent = f"Error budget of {code(slo.name)} spent, weighted by events"
        rows.append(_row(w, *_asking(spent, "budget spent", slo)))
    for name in ("p50", "p95"):
        for when in ("before", "during"):
            rows.append(
                _row(w, f"Latency {name} {when}", f"latency {name} {when}", "largest", "duration")
            )
    return [*rows, *_users(w), *_revenue(w)]


def _asking(title: str, name: str, slo: SLO) -> tuple[str, str, str, str]:
    return title, f"{name}:{slo.name}", "value", "percent"


def _row(w: Writing, title: str, name: str, function: str, style: str) -> Paragraph:
    said = w.asked(name, function, style)
    if said is None:
        return row(title, NOT_CONFIGURED, "—")
    return row(title, str(said), evidence_links([w.answers[name].id]))


def _bad_name(w: Writing, slo: SLO) -> str:
    if slo.kind == "latency" and slo.threshold_seconds is not None:
        return f"Slow requests (longer than {w.setting(slo, 'threshold_seconds', 'duration')})"
    return "Slow requests" if slo.kind == "latency" else "Failed requests"


def _users(w: Writing) -> list[Paragraph]:
    said = users_affected(w)
    if said is None:
        return [row("Users affected", f"{NOT_CONFIGURED}: no log that carries users", "—")]
    return [row("Users affected", str(said), evidence_links(said.figure.derivation.evidence_ids))]


def _revenue(w: Writing) -> list[Paragraph]:
    title = "Revenue at risk (bad requests times the configured revenue of a request)"
    bad = w.answers.get(f"bad:{w.slo.name}") if w.slo else None
    if w.config.revenue_per_request is None or bad is None:
        return [row(title, NOT_CONFIGURED, "—")]
    said: Said = w.book.of(
        "value_times_cell",
        bad,
        w.facts["settings"],
        style="money",
        key_column="setting",
        key="revenue_per_request",
        column="value",
    )
    currency = f" {w.quote(w.config.currency)}" if w.config.currency else ""
    return [row(title, f"{said}{currency}", evidence_links([bad.id, w.facts["settings"].id]))]


def _remarks(w: Writing) -> list[Paragraph]:
    remarks = [
        text(
            "Request counts are the increase of counters over the incident's window; Prometheus "
            "extrapolates it to the window's edges, so that they need not be whole."
        )
    ]
    remarks += _budget_history(w)
    if "mitigated" not in w.case.milestones:
        remarks.append(
            text("No mitigation was verified: counts run up to the last entry of the ledger.")
        )
    return remarks


def _budget_history(w: Writing) -> list[Paragraph]:
    """Say what the budget's fraction rests on: a young counter makes the budget look small."""
    said: dict[str, list[str]] = {}
    for slo in w.slos:
        spent = w.asked(f"budget spent:{slo.name}", "value", "percent")
        if spent and spent.value is not None:
            statement = _statement(slo, w.answers.get(f"history:{slo.name}"))
            said.setdefault(statement, []).append(code(slo.name))
    return [text(f"Budget of {', '.join(names)}: {why}.") for why, names in said.items()]


def _statement(slo: SLO, history: Evidence | None) -> str:
    reaches = None
    if history is not None and isinstance(history.value, Matrix) and history.window:
        end = history.window.end.timestamp()
        step = history.step_seconds or 0.0
        reaches = history_seconds(history.value, end, slo.period_seconds)
        reaches = None if reaches is None else min(slo.period_seconds, reaches + step)
    counts = EventCounts(bad_events=0, window_seconds=1, period_events=1, history_seconds=reaches)
    return read_budget(slo, counts).statement
