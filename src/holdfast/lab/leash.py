"""`python -P -m holdfast.lab.leash --parent-pid N MODULE ARGUMENTS…`: runs a module on a leash.

The kernel kills the process when the thread that started it ends, however it ends: a lab whose
supervisor is killed leaves nothing behind.
"""

from __future__ import annotations

import runpy
import signal
import sys

from holdfast.lab.process import die_with_parent


def main() -> None:
    """Put on the leash, then become the module."""
    if len(sys.argv) < 4 or sys.argv[1] != "--parent-pid":
        sys.exit("usage: leash --parent-pid PID MODULE [ARGUMENT ...]")
    die_with_parent(signal.SIGKILL, parent_pid=int(sys.argv[2]))
    module = sys.argv[3]
    sys.argv = [module, *sys.argv[4:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
