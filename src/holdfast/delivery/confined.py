"""A program of its own: limits itself, leaves the network, and becomes the program it is given.

    python -I confined.py namespace|open PARENT_PID CPU_SECONDS MEMORY_BYTES PROGRAM ARGUMENT…

With `namespace`, it gets a network namespace that has a loopback and nothing else; it ends with
97 where the kernel does not permit that, and with 127 where there is no such program. It is
killed when its parent dies, and gives way to what else the machine does. Imports nothing of
Holdfast.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import socket
import struct
import sys

NOT_PERMITTED, NOT_STARTED = 97, 127
FILE_SIZE_BYTES = 512 * 1024**2

_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_SET_FLAGS, _UP = 0x8914, 0x1
_PARENT_DEATH_SIGNAL = 1
_NICENESS = 5


def main(arguments: list[str]) -> None:
    """Confine this process, then replace it."""
    network, parent, cpu_seconds, memory_bytes, *argv = arguments
    if network == "namespace" and not _leave_network():
        sys.exit(NOT_PERMITTED)
    _die_with(int(parent))
    _limit(resource.RLIMIT_CPU, int(cpu_seconds))
    _limit(resource.RLIMIT_AS, int(memory_bytes))
    _limit(resource.RLIMIT_FSIZE, FILE_SIZE_BYTES)
    _limit(resource.RLIMIT_CORE, 0)
    os.nice(_NICENESS)
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        print(f"{argv[0]} cannot be started: {error.strerror}", file=sys.stderr)
        sys.exit(NOT_STARTED)


def _limit(which: int, most: int) -> None:
    hard = resource.getrlimit(which)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (most, most))


def _die_with(parent: int) -> None:
    """Be killed when the parent is. New credentials would forget it: so after the namespace."""
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that wanted these tests has ended")


def _leave_network() -> bool:
    """Enter a network namespace whose loopback is up; return whether that was permitted."""
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_USER | _NEW_NET) != 0:
        return False
    try:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
            fcntl.ioctl(plug, _SET_FLAGS, struct.pack("16sH14x", b"lo", _UP))
    except OSError:
        return False
    return True


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
