"""Stories are told once a session: they are only read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from story import Plot, Told, tell

Tell = Callable[..., Told]


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Tell:
    """Tell a story, or return it where it was told before. Its folder must not be changed."""
    known: dict[Plot, Told] = {}

    def once(**plot: object) -> Told:
        wanted = Plot(**plot)  # type: ignore[arg-type]
        if wanted not in known:
            known[wanted] = tell(tmp_path_factory.mktemp("story"), wanted)
        return known[wanted]

    return once


@pytest.fixture
def folder(told: Tell, tmp_path: Path) -> Path:
    """A copy of a kept incident's folder, to be tampered with."""
    source = told().folder
    copy = tmp_path / source.name
    for file in sorted(source.rglob("*")):
        target = copy / file.relative_to(source)
        if file.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    return copy
