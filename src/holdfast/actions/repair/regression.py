"""Writes the regression test: the team's own test, run again while its statements are counted."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from holdfast.actions.repair.count import CountedTest
from holdfast.actions.repair.order import FixOrder
from holdfast.actions.repair.regression_text import pytest_file, unittest_file
from holdfast.actions.repair.reproduce import Reproduction
from holdfast.delivery.codehost import TestCommand

_SLUG_AT_MOST = 60


@dataclass(frozen=True)
class Regression:
    """A test file, the test in it, and the command that runs it alone, writing the file first."""

    reproduction: Reproduction
    path: str
    name: str
    content: str
    command: TestCommand


def write_regression(
    reproduction: Reproduction, order: FixOrder, tests: TestCommand, taken: Collection[str]
) -> Regression:
    """Return the test for the repository's own command `tests`; `taken` = paths that exist."""
    test = reproduction.test
    path = _path(test, taken)
    told = _told(reproduction, order)
    if test.kind == "pytest":
        content = pytest_file(test.name, test.path, reproduction.on_good, told)
    else:
        module = _module(test)[1]
        content = unittest_file(test, module, reproduction.on_good, told)
    command = _command(test, path, content, tests)
    return Regression(reproduction, path, _name(reproduction), content, command)


def _name(reproduction: Reproduction) -> str:
    holder = "" if reproduction.test.kind == "pytest" else "StatementsTest."
    return f"{holder}test_it_sends_at_most_{reproduction.on_good}_statements"


def _told(reproduction: Reproduction, order: FixOrder) -> str:
    return (
        f"`{reproduction.test.id}` sent {reproduction.on_good} SQL statements at "
        f"{order.good_version} and {reproduction.on_bad} at {order.bad_version}: "
        "one more for each item of a loop. That was a cause of incident "
        f"{order.incident_id}. Here the same test is run again while its statements are counted, "
        f"so that this fails as soon as it sends more than it did at {order.good_version}."
    )


def _path(test: CountedTest, taken: Collection[str]) -> str:
    """Return a free path beside the test, named as test files are named there."""
    beside = PurePosixPath(test.path)
    last = test.name.rsplit("::", 1)[-1].split("[")[0].lower()
    slug = re.sub(r"[^a-z0-9]+", "_", last).strip("_").removeprefix("test_")[:_SLUG_AT_MOST]
    behind = beside.stem.endswith("_test")
    number = 1
    while True:
        stem = f"statements_{slug}" + (f"_{number}" if number > 1 else "")
        path = str(beside.with_name(f"{stem}_test.py" if behind else f"test_{stem}.py"))
        if path not in taken:
            return path
        number += 1


def _module(test: CountedTest) -> tuple[str, str]:
    """Return the folder that must be on the path, and the name that imports the test's module."""
    path = PurePosixPath(test.path)
    whole = test.module.replace(".", "/") + ".py"
    if test.path == whole:
        return "", test.module
    if test.path.endswith(f"/{whole}"):
        return test.path[: -len(whole) - 1], test.module
    return str(path.parent), path.stem


def _command(test: CountedTest, path: str, content: str, tests: TestCommand) -> TestCommand:
    """Return how the file alone is run, by the Python that ran the repository's tests."""
    variables = dict(tests.variables)
    argv = (test.executable, "-m", "pytest", "-q", path)
    if test.runner == "unittest":
        folder, module = _module(test)
        known = variables.get("PYTHONPATH", "")
        variables["PYTHONPATH"] = ":".join(part for part in (folder, known) if part)
        *package, _ = module.split(".")
        argv = (test.executable, "-m", "unittest", ".".join([*package, PurePosixPath(path).stem]))
    return replace(tests, argv=argv, files={path: content}, variables=variables)
