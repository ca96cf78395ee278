"""`python -P -m holdfast.lab.detach MODULE ARGUMENTS…`: leaves a process that belongs to nobody.

It has a session of its own, so that no terminal ends it, and its starter has nothing to wait for.
Prints the new process's id.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Fork; the child becomes the module."""
    pid = os.fork()
    if pid:
        print(pid)
        return
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # the starter reads our output to its end
    os.execv(sys.executable, [sys.executable, "-P", "-m", *sys.argv[1:]])


if __name__ == "__main__":
    main()
