"""The folder of the server: in the lab's where the server can live there, else a private one."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from holdfast.errors import NotFound
from holdfast.lab.files import is_locked, take_lock
from holdfast.lab.postgres.find import Account

PREFIX = "holdfast-pg-"
SOCKET_NAME = ".s.PGSQL.5432"
_LONGEST_PATH = 103
"""Of a Unix socket, in bytes: the smallest limit among systems."""
_LOCK = "lab.lock"
_ROOMS = ("/tmp", "/var/tmp")
_STALE_AFTER_SECONDS = 60.0


class Home:
    """The server's own folder, locked by this process. Only its owner and root can enter it."""

    def __init__(self, path: Path, account: Account | None) -> None:
        self.path = path
        path.chmod(stat.S_IRWXU)
        if account is not None:
            os.chown(path, account.uid, account.gid)
        self._lock = take_lock(path / _LOCK)

    @property
    def data(self) -> Path:
        """Where the server keeps its files."""
        return self.path / "data"

    def remove(self) -> None:
        """Remove the folder and all in it, the lock last: what is cut short is swept later."""
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.rmtree(self.path, ignore_errors=True)
        self.let_go()

    def let_go(self) -> None:
        """Leave the folder to whoever sweeps it up."""
        os.close(self._lock)


def make_home(wanted: Path, account: Account | None) -> Home:
    """Make the folder `wanted`, or a private one where the server could not live in that.

    Raises NotFound where there is no place for it.
    """
    if can_live_in(wanted, account):
        wanted.mkdir()
        return Home(wanted, account)
    for room in dict.fromkeys((tempfile.gettempdir(), *_ROOMS)):
        if os.access(room, os.W_OK | os.X_OK) and can_live_in(
            Path(room, PREFIX + 8 * "x"), account
        ):
            return Home(Path(tempfile.mkdtemp(prefix=PREFIX, dir=room)), account)
    who = account.name if account else "this user"
    raise NotFound(f"there is no folder in which {who} can run a server")


def can_live_in(home: Path, account: Account | None) -> bool:
    """Whether the path of the socket is short enough and the account can get there."""
    if len(os.fsencode(home.absolute() / SOCKET_NAME)) > _LONGEST_PATH:
        return False
    return account is None or can_enter(home.absolute().parent, account)


def can_enter(folder: Path, account: Account) -> bool:
    """Whether an account can pass through a folder and all above it, by their modes."""
    return all(_may_search(step, account) for step in (folder.resolve(), *folder.resolve().parents))


def _may_search(folder: Path, account: Account) -> bool:
    found = folder.stat()
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def sweep(account: Account | None, rooms: Iterable[str] = ()) -> list[Path]:
    """Remove private folders whose lab was ended so hard that it could not; return them."""
    owners = {os.geteuid(), account.uid if account else os.geteuid()}
    removed: list[Path] = []
    for room in dict.fromkeys(rooms or (tempfile.gettempdir(), *_ROOMS)):
        for folder in Path(room).glob(f"{PREFIX}*"):
            if _is_left(folder, owners):
                shutil.rmtree(folder, ignore_errors=True)
                removed.append(folder)
    return removed


def _is_left(folder: Path, owners: set[int]) -> bool:
    try:
        found = folder.lstat()
        old = time.time() - found.st_mtime > _STALE_AFTER_SECONDS
        ours = stat.S_ISDIR(found.st_mode) and found.st_uid in owners
        return ours and old and (folder / _LOCK).exists() and not is_locked(folder / _LOCK)
    except OSError:  # it went while we looked, or belongs to somebody else
        return False
