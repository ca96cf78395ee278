"""A real Prometheus with a past: written as blocks by promtool before it starts."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.exporter import write_targets
from support.histories import ServicePast
from support.prometheus import running_prometheus


@contextmanager
def prometheus_with_past(past: ServicePast, folder: Path) -> Iterator[str]:
    """Run Prometheus on the past alone; give its base URL. It scrapes nothing."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("the program `promtool` is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    text = folder / "past.txt"
    text.write_text("\n".join(past.open_metrics()) + "\n")
    subprocess.run(
        [
            program,
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            "--quiet",
            "--max-block-duration=744h",
            str(text),
            str(folder / "data"),
        ],
        check=True,
        capture_output=True,
    )
    targets = write_targets(folder / "targets.json", [])
    with running_prometheus(targets, folder) as url:
        yield url
