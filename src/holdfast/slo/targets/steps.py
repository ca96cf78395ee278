"""The steps that targets are rounded to: a number that people can remember and agree on."""

from __future__ import annotations

TARGET_STEPS: tuple[float, ...] = (
    0.5, 0.6, 0.7, 0.75, 0.8, 0.85,
    0.9, 0.95, 0.97, 0.98,
    0.99, 0.995,
    0.999, 0.9995,
    0.9999, 0.99995,
    0.99999,
)  # fmt: skip
"""From a nine to the next the budget shrinks tenfold; a step between halves it."""

_EXACTLY = 1e-9


def greatest_step_at_most(ratio: float) -> float | None:
    """Return the greatest step that is not above `ratio`; None = it is below all."""
    below = [step for step in TARGET_STEPS if step <= ratio + _EXACTLY * (1 - ratio)]
    return below[-1] if below else None


def greatest_step_below(ratio: float) -> float | None:
    """Return the greatest step that is looser than `ratio`."""
    below = [step for step in TARGET_STEPS if step < ratio - _EXACTLY]
    return below[-1] if below else None


def least_step_above(ratio: float) -> float | None:
    """Return the least step that is stricter than `ratio`."""
    above = [step for step in TARGET_STEPS if step > ratio + _EXACTLY]
    return above[0] if above else None
