"""Writes a design's folder as a whole: beside, checked, then moved. On an error nothing is left."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from holdfast.errors import InputError
from holdfast.slo.design.checking import check_folder
from holdfast.slo.design.files import FILES
from holdfast.slo.files.promtool import PromtoolResult

_FOLDER_MODE = 0o755


def check_output(folder: Path, names: frozenset[str], *, force: bool) -> None:
    """Raise InputError where a folder cannot be written, before anything is asked.

    `names` are the files that a design has: a folder with others in it is never replaced.
    """
    if not folder.absolute().parent.is_dir():
        raise InputError(
            f"--output: there is no folder {folder.absolute().parent}", hint="make it first"
        )
    if not folder.exists() and not folder.is_symlink():
        return
    if not force:
        raise InputError(
            f"--output: {folder} exists and is kept",
            hint="choose another folder, or replace it with --force",
        )
    if folder.is_symlink() or not folder.is_dir():
        raise InputError(f"--output: {folder} is no folder of files", hint="choose another")
    others = sorted(path.name for path in folder.iterdir() if path.name not in names)
    if others:
        raise InputError(
            f"--output: {folder} holds {others[0]}, which is no file of a design",
            hint="--force replaces the whole folder: move that file away, or choose another folder",
        )


def write_folder(
    files: Mapping[str, str], folder: Path, *, force: bool = False, run_tests: bool = True
) -> tuple[PromtoolResult, ...]:
    """Write the files; return what promtool said, nothing where it is not installed.

    `run_tests`: the rules' tests as well, which take seconds; else the rules are only checked.
    Raises InputError as `check_output` does, EvidenceError where promtool refuses a file.
    """
    check_output(folder, FILES | frozenset(files), force=force)
    target = folder.absolute()
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        beside.chmod(_FOLDER_MODE)
        for name, text in files.items():
            (beside / name).write_text(text, encoding="utf-8")
        checked = check_folder(beside, run_tests=run_tests)
        _move(beside, target)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return checked


def _move(beside: Path, target: Path) -> None:
    """Put the new folder in the old one's place; where that fails, the old one is back."""
    if not target.exists():
        beside.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent)) / target.name
    target.rename(old)
    try:
        beside.rename(target)
    except BaseException:
        old.rename(target)
        raise
    finally:
        if target.exists():
            shutil.rmtree(old.parent, ignore_errors=True)
