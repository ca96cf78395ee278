"""Asks promtool whether it accepts what was made, with the rules' tests shared out over processes.

Each test of a rule opens a database of its own, a tenth of a second; in parts they take a quarter.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import yaml

from holdfast.errors import EvidenceError
from holdfast.slo.design.files import RULE_TESTS_FILE, RULES_FILE
from holdfast.slo.files.promtool import (
    PromtoolResult,
    check_rule_tests,
    check_rules,
    find_promtool,
)

_PARTS_AT_MOST = 8


def check_folder(folder: Path, *, run_tests: bool) -> tuple[PromtoolResult, ...]:
    """Return what promtool said; nothing where it is not installed.

    Raises EvidenceError where it refuses a file, and what running it raises.
    """
    if find_promtool() is None:
        return ()
    results = [_accepted(RULES_FILE, check_rules(folder / RULES_FILE))]
    if run_tests:
        parts = list(_parts(folder))
        try:
            with ThreadPoolExecutor(max_workers=len(parts)) as pool:
                results += [
                    _accepted(RULE_TESTS_FILE, r) for r in pool.map(check_rule_tests, parts)
                ]
        finally:
            for part in parts:
                part.unlink()
    return tuple(result for result in results if result is not None)


def _accepted(name: str, result: PromtoolResult | None) -> PromtoolResult | None:
    if result is not None and not result.passed:
        raise EvidenceError(
            f"promtool refused {name}; nothing was written: {' '.join(result.failures)}",
            hint="correct the indicator's queries, or report it: a defect of Holdfast's",
        )
    return result


def _parts(folder: Path) -> Iterator[Path]:
    """Write the tests as several files beside the whole one, each test into one of them."""
    loaded = yaml.safe_load((folder / RULE_TESTS_FILE).read_text(encoding="utf-8"))
    document = cast("dict[str, object]", loaded)
    tests = cast("list[object]", document["tests"])
    count = max(1, min(_PARTS_AT_MOST, os.cpu_count() or 1, len(tests)))
    for number in range(count):
        part = folder / f".part-{number}.yaml"
        text = yaml.safe_dump({**document, "tests": tests[number::count]}, allow_unicode=True)
        part.write_text(text, encoding="utf-8")
        yield part
