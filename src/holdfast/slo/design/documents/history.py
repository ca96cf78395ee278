"""The part of a document that shows what the alerts would have done on the service's own past."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.slo.design.documents.markdown import bullets, count, moment, page, span, table
from holdfast.slo.design.records import DesignedObjective, Episode, TierReplay
from holdfast.slo.targets.percent import percent

WEEK_SECONDS = 7 * 86_400.0
_EPISODES_TOLD = 5


def history_part(designed: DesignedObjective) -> str:
    """Return the replay of each tier, or why there is none."""
    return page(
        "### Shown on your own history",
        _extent(designed),
        designed.replay_gap,
        table(("tier", "fired", "in all", "a week", "when"), _rows(designed))
        if designed.replays
        else "",
        _unknown(designed),
    ).rstrip()


def _extent(designed: DesignedObjective) -> str:
    history, shown = designed.history, designed.baseline
    worst = shown.worst_day
    told = (
        f" The worst day was {worst.day}: {percent(worst.good_ratio)} of "
        f"{count(worst.total_events)} events were good."
        if worst is not None
        else ""
    )
    return (
        f"{span(shown.seconds)} from {moment(history.start)} to {moment(history.end)}, in steps "
        f"of {span(history.step_seconds)}: {count(shown.total_events)} events, "
        f"{count(shown.bad_events)} of them bad.{told}"
    )


def _rows(designed: DesignedObjective) -> Iterator[tuple[str, ...]]:
    weeks = designed.baseline.seconds / WEEK_SECONDS
    step = designed.history.step_seconds
    for replay in designed.replays:
        fired = len(replay.episodes)
        lasted = sum(episode.end - episode.start + step for episode in replay.episodes)
        yield (
            replay.tier,
            f"{fired} times" if fired != 1 else "once",
            span(lasted) if fired else "-",
            f"{fired / weeks:.3g}" if weeks >= 1 else "less than a week of history",
            "; ".join(_when(replay.episodes)) or "-",
        )


def _when(episodes: tuple[Episode, ...]) -> Iterator[str]:
    for episode in episodes[-_EPISODES_TOLD:]:
        lasted = episode.end > episode.start
        yield moment(episode.start) + (f" to {moment(episode.end)}" if lasted else "")
    if len(episodes) > _EPISODES_TOLD:
        yield f"and {len(episodes) - _EPISODES_TOLD} before"


def _unknown(designed: DesignedObjective) -> str:
    lines = [_blind(replay, designed) for replay in designed.replays if replay.unknown_steps]
    return bullets(lines)


def _blind(replay: TierReplay, designed: DesignedObjective) -> str:
    blind = replay.unknown_steps * designed.history.step_seconds
    return (
        f"{replay.tier} could not be told for {span(blind)}: there were no events in a window. "
        "That is no sign of health."
    )
