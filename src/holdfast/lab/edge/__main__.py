"""`python -m holdfast.lab.edge --admin-port P --listen storefront=PORT ... --access-log FILE`.

Prints one JSON line with its ports once it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from holdfast.lab.edge.app import Edge
from holdfast.lab.process import die_with_parent, until_told_to_stop


def _service_port(text: str) -> tuple[str, int]:
    name, equals, port = text.partition("=")
    if not name or not equals or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not SERVICE=PORT")
    return name, int(port)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("holdfast.lab.edge", description=__doc__)
    parser.add_argument("--admin-port", type=int, required=True)
    parser.add_argument("--listen", type=_service_port, action="append", required=True)
    parser.add_argument("--access-log", type=Path)
    parser.add_argument("--parent-pid", type=int)
    return parser.parse_args()


async def _run(ports: dict[str, int], admin_port: int, access_log: Path | None) -> None:
    edge = Edge(ports, access_log)
    await edge.start(ports, admin_port)
    print(json.dumps({"admin": edge.admin_port, "listen": edge.ports}), flush=True)
    await until_told_to_stop()
    await edge.stop()


def main() -> None:
    """Run until told to stop."""
    given = _arguments()
    die_with_parent(parent_pid=given.parent_pid)
    try:
        asyncio.run(_run(dict(given.listen), given.admin_port, given.access_log))
    except OSError as error:
        sys.exit(f"edge: {error}")


if __name__ == "__main__":
    main()
