"""Runs the command line in this process, as `main` does: exit code, output, errors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.surfaces.cli.main import main


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    code: int
    out: str
    err: str

    def refused(self, *words: str) -> None:
        """It ended with one line that says these words, printed nothing else, and no traceback."""
        assert self.code == 1, self
        assert self.err.startswith("holdfast: "), self
        assert self.err.count("\n") == 1, self
        assert "Traceback" not in self.err
        assert "unexpected" not in self.err
        for word in words:
            assert word in self.err, (word, self)


Run = Callable[..., Done]


def runner(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Return what runs `holdfast ARGUMENTS…` in a folder."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("HOLDFAST_CONFIG", raising=False)

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["holdfast", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Done(code, printed.out, printed.err)

    return run
