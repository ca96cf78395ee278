"""`docs/slo-arithmetic.md`: every command prints what the page shows, every Python block holds."""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path

import pytest

from holdfast.surfaces.cli.claim_checking import run_check

PAGE = (Path(__file__).parents[2] / "docs" / "slo-arithmetic.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
CONSOLES = [text for kind, text in BLOCKS if kind == "console"]


@pytest.mark.parametrize("text", CONSOLES, ids=lambda text: text.splitlines()[0])
def test_a_command_prints_what_the_page_shows(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (rules,) = (block for kind, block in BLOCKS if kind == "yaml")
    Path("rules.yaml").write_text(rules)
    command, shown = text.split("\n", 1)
    program, group, verb, *claims = shlex.split(command.removeprefix("$ "))
    assert (program, group, verb) == ("holdfast", "slo", "check")
    printed = io.StringIO()
    code = run_check(printed, claims, "", "", as_json=False)
    assert printed.getvalue() == shown
    assert code == ("wrong" in shown)


def test_the_python_of_the_page_holds() -> None:
    code = "\n".join(text for kind, text in BLOCKS if kind == "python")
    exec(compile(code, "docs/slo-arithmetic.md", "exec"), {})
