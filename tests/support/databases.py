"""Which database the laboratories of the tests use."""

from __future__ import annotations

import os
from typing import Literal, cast

import pytest

from holdfast.errors import HoldfastError
from holdfast.lab.postgres.find import Server, find_server

DATABASE = cast(
    "Literal['auto', 'sqlite', 'postgresql']", os.environ.get("HOLDFAST_TEST_DATABASE", "sqlite")
)
"""`HOLDFAST_TEST_DATABASE=postgresql` runs every test on PostgreSQL; some always do."""


def postgresql() -> Server:
    """Return the server that is found here, or skip the test."""
    try:
        return find_server()
    except HoldfastError as error:
        pytest.skip(f"PostgreSQL cannot be run here: {error}")
