"""How a fix goes on after each step: forward, back to how it was, or no further."""

from __future__ import annotations

import pytest

from holdfast.actions.fix_steps import Move, is_merged, is_staged, next_move
from support.fix_case import Step, after, mitigated

STAGED: Step = ("stage", "seen")
MERGED: Step = ("merge", "seen")
CANARY: Step = ("canary", "seen")


@pytest.mark.parametrize(
    ("steps", "move"),
    [
        pytest.param((), "forward", id="nothing is done yet"),
        pytest.param((STAGED,), "forward", id="the load test is kept"),
        pytest.param((("stage", "undone"),), None, id="the load test is broken"),
        pytest.param((("stage", "no_data"),), None, id="the load test cannot be run"),
        pytest.param((("stage", "denied"),), None, id="staging is not allowed"),
        pytest.param((STAGED, ("merge", "denied")), "unstage", id="the merge is refused"),
        pytest.param((STAGED, ("merge", "failed")), "unstage", id="the merge conflicts"),
        pytest.param(
            (STAGED, ("merge", "denied"), ("unstage", "seen")), None, id="refused and put back"
        ),
        pytest.param(
            (STAGED, ("merge", "denied"), ("unstage", "failed")), None, id="not tried twice"
        ),
        pytest.param((STAGED, MERGED), "forward", id="merged"),
        pytest.param((STAGED, MERGED, CANARY, CANARY), "forward", id="a canary that does well"),
        pytest.param((STAGED, MERGED, ("canary", "undone")), "withdraw", id="a canary gets worse"),
        pytest.param((STAGED, MERGED, CANARY, ("canary", "undone")), "withdraw", id="at its end"),
        pytest.param((STAGED, MERGED, ("canary", "no_data")), None, id="a canary without data"),
        pytest.param((STAGED, MERGED, ("canary", "denied")), "unstage", id="no canary allowed"),
        pytest.param(
            (STAGED, MERGED, ("canary", "denied"), ("unstage", "seen")),
            None,
            id="what was approved stays merged",
        ),
        pytest.param(
            (STAGED, MERGED, ("canary", "stuck")), "unstage", id="the canary could not be put back"
        ),
        pytest.param(
            (STAGED, MERGED, ("canary", "stuck"), ("unstage", "seen")),
            "withdraw",
            id="and then it could",
        ),
        pytest.param(
            (STAGED, MERGED, CANARY, ("release", "undone")), "withdraw", id="the watch finds harm"
        ),
        pytest.param(
            (STAGED, MERGED, CANARY, ("release", "undone"), ("withdraw", "seen")),
            None,
            id="all is as before",
        ),
        pytest.param(
            (STAGED, MERGED, ("canary", "undone"), ("withdraw", "failed")),
            None,
            id="the merge could not be taken back",
        ),
        pytest.param((STAGED, MERGED, CANARY, ("release", "seen")), None, id="it serves everybody"),
    ],
)
def test_how_a_fix_goes_on(steps: tuple[Step, ...], move: Move | None) -> None:
    assert next_move(after(*steps)) == move


def test_without_a_fix_nothing_is_rolled_out() -> None:
    assert next_move(mitigated(fix=None)) is None


def test_a_canary_that_was_undone_leaves_nothing_running() -> None:
    assert is_staged(after(STAGED, MERGED))
    assert not is_staged(after(STAGED, MERGED, ("canary", "undone")))
    assert is_merged(after(STAGED, MERGED, ("canary", "undone")))
    assert not is_merged(after(STAGED, MERGED, ("canary", "undone"), ("withdraw", "seen")))
