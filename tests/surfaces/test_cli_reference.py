"""The command reference is what the commands say, and each says what it is for."""

from __future__ import annotations

import runpy
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "docs" / "make_cli.py"


def test_the_reference_is_what_the_commands_say() -> None:
    page = SCRIPT.with_name("cli.md").read_text(encoding="utf-8")
    made = runpy.run_path(str(SCRIPT))["page"]()
    assert page == made, "stale: run `python docs/make_cli.py`"


def test_every_command_and_every_option_explains_itself() -> None:
    assert runpy.run_path(str(SCRIPT))["undocumented"]() == []
