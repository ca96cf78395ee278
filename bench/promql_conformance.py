"""How many of Prometheus's own PromQL tests the embedded evaluator passes.

Run: python bench/promql_conformance.py. The 13 core files hold 1,244 queries. `unsupported` are
those that need what native histograms hold: each must be refused by that name. `wrong` is every
other query that does not pass; then the exit code is 1. Values, label sets, order, expected
failures and annotations (`expect warn`, `expect no_info`) are judged; positions in the words of
annotations and the words of errors are not. The files are looked for in HOLDFAST_DATA, by default
../shared/data beside the repository.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from holdfast.promql.conformance.judge import CORE_FILES, Tally, run_file

DATA = Path(
    os.environ.get("HOLDFAST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
)
SUPPORTED_REFUSAL = "native histograms"


def wrong_in(tally: Tally) -> list[str]:
    """Return wrong answers, and refusals that are not about native histograms."""
    others = [(why, count) for why, count in tally.refused.items() if why != SUPPORTED_REFUSAL]
    return [*tally.wrong, *(f"refused: {why}" for why, count in others for _ in range(count))]


def main() -> int:
    """Print the table; return the exit code."""
    folder = DATA / "promqltest"
    missing = [name for name in CORE_FILES if not (folder / f"{name}.test").is_file()]
    if missing:
        print(f"no {', '.join(missing)} in {folder} (set HOLDFAST_DATA)", file=sys.stderr)
        return 2
    print(f"{'file':<22}{'passed':>8}{'unsupported':>13}{'wrong':>7}")
    passed = unsupported = 0
    wrong: list[str] = []
    for name in CORE_FILES:
        tally = run_file(folder / f"{name}.test")
        here = wrong_in(tally)
        refused = tally.refused[SUPPORTED_REFUSAL]
        print(f"{name:<22}{tally.passed:>8}{refused:>13}{len(here):>7}")
        passed, unsupported = passed + tally.passed, unsupported + refused
        wrong += here
    total = passed + unsupported + len(wrong)
    print("\n".join(wrong))
    print(f"{passed} of {total} passed, {unsupported} unsupported, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
