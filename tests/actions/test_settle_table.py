"""Every row of the table of doubt, and that nothing outside one row is ever repeated."""

from __future__ import annotations

from itertools import product

import pytest

from holdfast.actions.settle import (
    AskPerson,
    Doubt,
    Patience,
    ProbeAnswer,
    RecordDone,
    RetryOnce,
    Told,
    Wait,
    settle,
)

PROBES: tuple[ProbeAnswer, ...] = ("took_effect", "not_taken", "in_progress", "unknown")
TOLD: tuple[Told | None, ...] = (None, "unknown", "failed")
LIMITS = Patience(patience_seconds=60, quiet_seconds=2, ask_again_seconds=1)


def _doubt(
    probe: ProbeAnswer,
    told: Told | None = None,
    *,
    attempts: int = 1,
    conditional: bool = True,
    age: float = 10,
) -> Doubt:
    return Doubt(probe, told, attempts, conditional, age)


ROWS: list[tuple[str, Doubt, type]] = [
    ("took effect after a crash", _doubt("took_effect"), RecordDone),
    ("took effect though told it failed", _doubt("took_effect", "failed"), RecordDone),
    ("took effect at the second attempt", _doubt("took_effect", "unknown", attempts=2), RecordDone),
    ("under way", _doubt("in_progress", "unknown", age=59), Wait),
    ("under way for too long", _doubt("in_progress", "unknown", age=60), AskPerson),
    ("under way though told it failed", _doubt("in_progress", "failed"), Wait),
    ("the probe has no answer", _doubt("unknown", age=59), Wait),
    ("the probe has had none for too long", _doubt("unknown", age=60), AskPerson),
    ("told it failed, nothing changed", _doubt("not_taken", "failed"), AskPerson),
    ("nothing changed yet", _doubt("not_taken", age=1.5), Wait),
    ("crashed before the write", _doubt("not_taken"), RetryOnce),
    ("timed out, nothing changed", _doubt("not_taken", "unknown"), RetryOnce),
    ("not conditional", _doubt("not_taken", conditional=False), AskPerson),
    ("second attempt came to nothing", _doubt("not_taken", attempts=2), AskPerson),
]


@pytest.mark.parametrize(("doubt", "settlement"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS])
def test_a_row_of_the_table(doubt: Doubt, settlement: type) -> None:
    assert isinstance(settle(doubt, LIMITS), settlement)


def test_a_wait_says_for_how_long() -> None:
    assert settle(_doubt("in_progress"), LIMITS) == Wait(1, "a deployment is under way")
    quiet = settle(_doubt("not_taken", age=1.5), LIMITS)
    assert isinstance(quiet, Wait)
    assert quiet.seconds == pytest.approx(0.5)


def test_a_retry_is_numbered_as_the_second_attempt() -> None:
    retry = settle(_doubt("not_taken"), LIMITS)
    assert isinstance(retry, RetryOnce)
    assert retry.attempt == 2


def test_only_a_first_conditional_write_that_was_not_taken_is_ever_repeated() -> None:
    cases = product(PROBES, TOLD, (1, 2, 3, 7), (True, False), (0.0, 1.9, 2.0, 59.0, 1e6))
    for probe, told, attempts, conditional, age in cases:
        doubt = _doubt(probe, told, attempts=attempts, conditional=conditional, age=age)
        if isinstance(settle(doubt, LIMITS), RetryOnce):
            assert (probe, attempts, conditional) == ("not_taken", 1, True)
            assert told != "failed"
            assert age >= 2


def test_every_doubt_comes_to_an_end() -> None:
    cases = product(PROBES, TOLD, (1, 2), (True, False))
    for probe, told, attempts, conditional in cases:
        doubt = _doubt(probe, told, attempts=attempts, conditional=conditional, age=1e6)
        assert not isinstance(settle(doubt, LIMITS), Wait)
