"""The bench of replays runs, on a small part."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench" / "backtest.py"


def test_a_small_part_of_the_bench_prints_both_tables() -> None:
    done = subprocess.run(
        [sys.executable, str(BENCH), "--quick"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "8 SLOs x 4 tiers x 10 d" in done.stdout
    assert "0 steps differ" in done.stdout
    assert "40 parameter sets" in done.stdout
