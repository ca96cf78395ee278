"""A deploy command says that it runs by a lock that it holds for as long as it lives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.delivery.running import RunningMark
from holdfast.errors import PreconditionFailed

_WAITS = [sys.executable, "-c", "import sys; sys.stdin.read()"]


def test_a_command_holds_the_mark_when_its_starter_has_let_go_of_it(tmp_path: Path) -> None:
    mark = RunningMark(tmp_path / "deeper" / "shop.lock")
    assert not mark.is_held()
    with mark.held() as descriptor:
        command = subprocess.Popen(_WAITS, stdin=subprocess.PIPE, pass_fds=(descriptor,))
    assert mark.is_held()
    with pytest.raises(PreconditionFailed, match="still runs"), mark.held():
        pass
    command.communicate()
    assert not mark.is_held()


def test_the_mark_is_free_again_when_its_command_has_ended_first(tmp_path: Path) -> None:
    mark = RunningMark(tmp_path / "shop.lock")
    with mark.held() as descriptor:
        subprocess.run([sys.executable, "-c", ""], check=True, pass_fds=(descriptor,))
        assert mark.is_held()
    assert not mark.is_held()
