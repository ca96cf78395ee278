"""The order of folders is the order of imports, and only surfaces and tests know the lab."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "holdfast"
ORDER = (
    "errors",
    "model",
    "ledger",
    "promql",
    "catalog",
    "evidence",
    "signals",
    "slo",
    "diagnosis",
    "verification",
    "delivery",
    "actions",
    "reasoning",
    "learning",
    "chaos",
    "engine",
    "flow",
    "integrations",
    "surfaces",
)
LAB_MAY_IMPORT = {"errors", "model", "promql", "delivery", "lab"}


def _modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if "services" not in path.parts)


def _imported_folders(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "holdfast":
                names = [f"holdfast.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {n.split(".")[1] for n in names if n.startswith("holdfast.")}
    return found - {"__version__"}


def _folder(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_folder_imports_only_folders_above_it(path: Path) -> None:
    folder = _folder(path)
    imported = _imported_folders(path)
    if folder in ("__init__", "__main__"):
        return
    if folder == "lab":
        assert imported <= LAB_MAY_IMPORT
        return
    position = ORDER.index(folder)
    allowed = set(ORDER[: position + 1]) | ({"lab"} if folder == "surfaces" else set())
    assert imported <= allowed


def test_the_order_names_every_folder() -> None:
    folders = {_folder(path) for path in _modules()} - {"__init__", "__main__", "lab"}
    assert folders <= set(ORDER)
