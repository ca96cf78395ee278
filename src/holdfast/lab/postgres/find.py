"""Which PostgreSQL server can be used here, and as whom it would run."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from holdfast.errors import NotFound

PROGRAMS = ("initdb", "postgres")
OLDEST_MAJOR = 13
"""From here on pg_stat_statements tells planning from execution, as the exporter reads it."""
_DEBIAN = Path("/usr/lib/postgresql")
_ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A user of the system, by ids."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Server:
    """Programs that can be run. `account` is who runs them; None = whoever runs the lab."""

    binaries: Path
    version: str
    account: Account | None


def find_server() -> Server:
    """Return the newest server found here. Raises NotFound, saying what is missing."""
    if find_spec("psycopg") is None:
        raise NotFound(
            "the driver psycopg is not installed", hint="pip install 'holdfast[postgres]'"
        )
    return Server(*newest(folders()), account_to_run_as())


def folders() -> Iterator[Path]:
    """Yield the folders where a server may be: Debian's, then the path's."""
    yield from _DEBIAN.glob("*/bin")
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent


def newest(candidates: Iterable[Path]) -> tuple[Path, str]:
    """Return the folder with the newest usable server, and its version, for example 15.18."""
    found = [
        (version, folder)
        for folder in candidates
        if all((folder / program).is_file() for program in PROGRAMS)
        and (version := _version(folder / "postgres"))
    ]
    if not found:
        raise NotFound(
            "no PostgreSQL server was found in /usr/lib/postgresql/*/bin or on the path",
            hint="on Debian: apt-get install postgresql",
        )
    (numbers, folder) = max(found)
    version = ".".join(str(number) for number in numbers)
    if numbers[0] < OLDEST_MAJOR:
        raise NotFound(f"PostgreSQL {version} in {folder} is too old: {OLDEST_MAJOR} or newer")
    return folder, version


def _version(program: Path) -> tuple[int, ...]:
    """Return (15, 18) for `postgres (PostgreSQL) 15.18 (Debian …)`; () where it says nothing."""
    try:
        said = subprocess.run(
            [str(program), "--version"], capture_output=True, text=True, check=False, timeout=10
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    match = re.search(r"PostgreSQL\) (\d+(?:\.\d+)*)", said)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def account_to_run_as() -> Account | None:
    """Return an unprivileged user where this process is root: the server refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in _ACCOUNTS:
        if (account := account_named(name)) is not None:
            return account
    raise NotFound(f"root cannot run PostgreSQL, and there is no user {' or '.join(_ACCOUNTS)}")


def account_named(name: str) -> Account | None:
    """Return a user of the system that is not root, or None."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name, entry.pw_uid, entry.pw_gid) if entry.pw_uid != 0 else None
