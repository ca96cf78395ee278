"""The chart of a backtest: burn over time, thresholds, incidents, and when each rule fired."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from holdfast.learning.formats import duration
from holdfast.model.replay import Backtest, RuleSetScore
from holdfast.slo.burn import burn_rate_threshold
from holdfast.slo.replay.backtest import Replay
from holdfast.surfaces.replay_page.svg import box, drawing, line, path, text

WIDTH, LEFT, TOP = 1000.0, 190.0, 12.0
_PLOT = 180.0
_LANE = 16.0
_COLUMNS = 780


class Timeline:
    """Draws one backtest. Without a history there is no burn, only lanes."""

    def __init__(self, backtest: Backtest, replay: Replay | None) -> None:
        self.backtest, self.replay = backtest, replay
        self.start = backtest.span.start.timestamp()
        self.end = backtest.span.end.timestamp()
        self.plot = _PLOT if replay is not None and replay.slo.tiers else 0.0

    def svg(self) -> str:
        """Return the picture."""
        lanes = [(one, rule) for one in self.backtest.rule_sets for rule in _rules(one)]
        height = TOP + self.plot + _LANE * (len(lanes) + 2) + 20
        parts = [*self._incidents(TOP, self.plot + _LANE * (len(lanes) + 1))]
        if self.plot:
            parts += self._burn()
        parts += self._lanes(lanes, TOP + self.plot)
        parts += self._clock(height - 14)
        return drawing(WIDTH, height, f"burn and alerts of {self.backtest.slo}", parts)

    def x(self, at: float) -> float:
        """Return the place of a time."""
        within = (min(max(at, self.start), self.end) - self.start) / (self.end - self.start)
        return LEFT + within * (WIDTH - LEFT - 10)

    def _incidents(self, top: float, height: float) -> Iterator[str]:
        for one in self.backtest.incidents:
            left, right = self.x(one.start.timestamp()), self.x(one.end.timestamp())
            length = duration((one.end - one.start).total_seconds())
            css = "incident" if one.significant else "incident minor"
            tip = f"{one.title}, {one.start:%Y-%m-%d %H:%M} UTC, {length}"
            yield box(left, top, right - left, height, css, tip=tip)

    def _burn(self) -> Iterator[str]:
        assert self.replay is not None
        slo = self.replay.slo
        tier = min(slo.tiers, key=lambda one: one.long_window_seconds)
        ratio = self.replay.ratios.of(tier.long_window_seconds)[self.replay.first :]
        burn = ratio / slo.error_budget_fraction
        top = 1.6 * max(burn_rate_threshold(one, slo) for one in slo.tiers)
        yield line(LEFT, TOP + self.plot, WIDTH - 10, TOP + self.plot, "axis")
        for one in slo.tiers:
            at = self._y(burn_rate_threshold(one, slo), top)
            yield line(LEFT, at, WIDTH - 10, at, "threshold")
            yield text(
                LEFT - 6, at + 4, f"{one.name} {burn_rate_threshold(one, slo):.3g}x", "", "end"
            )
        yield text(
            LEFT - 6, TOP + 4, f"burn over {duration(tier.long_window_seconds)}", "dim", "end"
        )
        yield path(self._points(burn, top), "burn")

    def _points(self, burn: np.ndarray, top: float) -> Iterator[tuple[float, float] | None]:
        """The greatest burn of each column, so that no short peak is lost."""
        columns = min(_COLUMNS, len(burn))
        edges = np.linspace(0, len(burn), columns + 1).astype(np.int64)
        for column, (low, high) in enumerate(pairwise(edges.tolist())):
            known = burn[low:high][np.isfinite(burn[low:high])]
            if len(known) == 0:
                yield None
                continue
            x = LEFT + (column + 0.5) / columns * (WIDTH - LEFT - 10)
            yield x, self._y(float(known.max()), top)

    def _y(self, burn: float, top: float) -> float:
        """Square root: small and large burns can both be seen."""
        return TOP + self.plot * (1 - math.sqrt(min(max(burn, 0), top) / top))

    def _lanes(self, lanes: list[tuple[RuleSetScore, str]], top: float) -> Iterator[str]:
        for place, (rule_set, rule) in enumerate(lanes):
            y = top + _LANE * (place + 1)
            yield text(LEFT - 6, y + 9, _short(f"{rule_set.name}: {rule}"), "", "end")
            yield line(LEFT, y + 6, WIDTH - 10, y + 6, "lane")
            for spell in rule_set.spells:
                if spell.rule == rule:
                    left, right = self.x(spell.start.timestamp()), self.x(spell.end.timestamp())
                    tip = f"{rule}, {spell.start:%Y-%m-%d %H:%M} UTC, " + duration(
                        (spell.end - spell.start).total_seconds()
                    )
                    yield box(left, y, right - left, 11, spell.action, tip=tip)

    def _clock(self, y: float) -> Iterator[str]:
        for part in range(6):
            at = self.start + part / 5 * (self.end - self.start)
            form = "%d %b %H:%M" if self.end - self.start > 86_400 else "%H:%M"
            words = datetime.fromtimestamp(at, UTC).strftime(form)
            anchor = "end" if part == 5 else "middle" if part else "start"
            yield text(self.x(at), y, words, "dim", anchor)


def _rules(rule_set: RuleSetScore) -> list[str]:
    """The rules of a set, those that fired first, and not more than a page can show."""
    fired = {spell.rule for spell in rule_set.spells}
    names = [s.scope for s in rule_set.scores if s.scope not in ("all alerts", "pages", "tickets")]
    return sorted(names, key=lambda name: name not in fired)[:20]


def _short(label: str) -> str:
    return label if len(label) <= 30 else label[:29] + "…"
