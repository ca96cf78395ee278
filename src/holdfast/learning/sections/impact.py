"""Impact: what users suffered, in measured counts, with the charts."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.learning.figures import Said
from holdfast.learning.ledger_evidence import tiers_fact
from holdfast.learning.logs import from_log, users_affected
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
    data = evidence_links([w.facts["milestones"].id])
    if "mitigated" in w.case.milestones:
        name = "Duration, from the start of the impact to the verified mitigation"
        return [row(name, str(w.between("impact_started", "mitigated")), data)]
    name = "Duration so far, from the start of the impact to the last entry of the ledger"
    return [row(name, str(w.between("impact_started", "last_entry")), data)]


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
    return [*rows, *_logged(w), *_users(w), *_revenue(w)]


_LOGGED = {
    "requests": "Requests, counted in the log",
    "slow_requests": "Slow requests, counted in the log",
    "failed_requests": "Failed requests, counted in the log",
}


def _logged(w: Writing) -> list[Paragraph]:
    found = [(title, from_log(w, column)) for column, title in _LOGGED.items()]
    return [
        row(title, str(said), evidence_links(said.figure.derivation.evidence_ids))
        for title, said in found
        if said is not None
    ]


def _asking(title: str, name: str, slo: SLO) -> tuple[str, str, str, str]:
    return title, f"{name}:{slo.name}", "value", "percent"


def _row(w: Writing, title: str, name: str, function: str, style: str) -> Paragraph:
    said = w.asked(name, function, style)
    item = w.answers.get(name)
    if item is None and w.answers.get(name.replace(" before", " during")) is not None:
        return row(title, "no healthy time to compare with is known", "—")
    if item is None:
        return row(title, NOT_CONFIGURED, "—")
    shown = str(said) if said else "cannot be computed: the answer has not the shape it must have"
    return row(title, shown, evidence_links([item.id]))


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
            "Counts from the log are exact. Other request counts are the increase of counters "
            "over the incident's window, which Prometheus extrapolates to the window's edges: "
            "they are written as whole numbers and need not be."
        )
    ]
    remarks += [*_looking_back(w), *_budget_history(w)]
    if "mitigated" not in w.case.milestones and not w.unneeded:
        remarks.append(
            text("No mitigation was verified: counts run up to the last entry of the ledger.")
        )
    return remarks


def _looking_back(w: Writing) -> list[Paragraph]:
    """Say over what was measured where nobody knows when it began."""
    if "impact_started" in w.case.milestones:
        return []
    tiers = [(slo, tier) for slo in w.slos for tier in slo.tiers]
    if not tiers:
        return []
    slo, tier = min(tiers, key=lambda each: each[1].long_window_seconds)
    window = w.fact(tiers_fact(slo.name), tier.name, "long_window_seconds", style="duration")
    return [text(f"When it began is not known: the figures look back {window} from the opening.")]


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
