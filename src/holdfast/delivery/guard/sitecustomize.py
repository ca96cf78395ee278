"""Put first on PYTHONPATH of a repository's tests: Python imports it before anything else.

It starts what is asked for by the environment, and then the `sitecustomize` that it hides, if the
team has one. This folder imports nothing of Holdfast: the tests' own Python runs it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from importlib.machinery import PathFinder


def _run_hidden() -> None:
    """Run the next module of our name on the path."""
    ours = os.path.dirname(os.path.abspath(__file__))
    others = [folder for folder in sys.path if os.path.abspath(folder) != ours]
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if os.environ.get("HOLDFAST_LOOPBACK_ONLY"):
    importlib.import_module("holdfast_loopback")
if os.environ.get("HOLDFAST_STATEMENTS_FILE"):
    importlib.import_module("holdfast_statements").start()
_run_hidden()
