"""Made-up log lines of five kinds of program, each line with the template that it came from."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

_NAMES = "alice bob carol dave erin frank grace heidi ivan judy mallory oscar peggy trent"
WORDS = _NAMES.split()

SYSTEMS = {
    "web": """
GET {path} HTTP/1.1 status={status} bytes={n} took {ms}ms
POST {path} HTTP/1.1 status={status} bytes={n} took {ms}ms
client {ip}:{port} closed the connection after {n} bytes
client {ip}:{port} opened a connection
upstream {ip}:{port} timed out after {ms} ms, retry {d} of 3
rate limit reached for tenant {name}: {n} requests in {d} s
request {uuid} rejected: header too large ({n} bytes)
TLS handshake with {ip} failed: certificate expired
TLS handshake with {ip} failed: unknown authority
worker {d} started with pid {n}
worker {d} stopped with pid {n}
configuration reloaded from {path}
""",
    "block storage": """
Receiving block blk_{big} src: /{ip}:{port} dest: /{ip}:{port}
Received block blk_{big} of size {n} from /{ip}
PacketResponder {d} for block blk_{big} terminating
PacketResponder {d} for block blk_{big} interrupted
Verification succeeded for blk_{big}
Deleting block blk_{big} file {path}
BLOCK* addStoredBlock: blockMap updated: {ip}:{port} is added to blk_{big} size {n}
BLOCK* allocateBlock: {path}. blk_{big}
writeBlock blk_{big} received exception java.io.IOException: Connection reset by peer
writeBlock blk_{big} received exception java.io.InterruptedIOException: timeout after {n} ms
Starting thread to transfer block blk_{big} to {ip}:{port}
""",
    "logins": """
Accepted password for {name} from {ip} port {port} ssh2
Failed password for {name} from {ip} port {port} ssh2
Failed password for invalid user {name} from {ip} port {port} ssh2
Invalid user {name} from {ip}
Connection closed by {ip} [preauth]
Received disconnect from {ip}: 11: Bye Bye [preauth]
pam_unix(sshd:session): session opened for user {name} by (uid={d})
pam_unix(sshd:session): session closed for user {name}
authentication failure; logname= uid={d} euid={d} tty=ssh ruser= rhost={ip} user={name}
reverse mapping checking getaddrinfo for {host} [{ip}] failed
Server listening on {ip} port {port}.
""",
    "database": """
connection received: host={ip} port={port}
connection authorized: user={name} database={name}
duration: {ms} ms statement: SELECT
deadlock detected between process {n} and process {n}
checkpoint starting: time
checkpoint complete: wrote {n} buffers ({ms}%); write={ms} s, sync={ms} s
could not open file "{path}": No such file or directory
could not open file "{path}": Permission denied
relation "{name}" does not exist at character {d}
relation "{name}" already exists
canceling statement due to statement timeout
temporary file: path "{path}", size {n}
""",
    "jobs": """
job {uuid} queued in queue {name}
job {uuid} started on node {host}
job {uuid} finished in {ms}s with exit code {d}
job {uuid} failed: out of memory ({n} MiB used)
job {uuid} failed: deadline exceeded
job {uuid} retried {d} times
lease on shard {d} lost to {host}
lease on shard {d} renewed until {time}
heartbeat from {host} missed since {time}
heap is at {d}% of {n} MB
garbage collected {n} KB in {ms} ms
token refreshed for {name}@example.com
""",
}


def templates(system: str) -> list[str]:
    """Return the templates of one kind of program."""
    return SYSTEMS[system].strip().splitlines()


def lines(system: str, count: int, seed: int) -> list[tuple[int, str]]:
    """Return log lines, each with the number of its template; some templates are rare."""
    chance = random.Random(f"{system} {seed}")
    texts = templates(system)
    weights = [1 / (rank + 1) for rank in range(len(texts))]
    chance.shuffle(weights)
    numbers = chance.choices(range(len(texts)), weights, k=count)
    return [(number, _filled(texts[number], chance)) for number in numbers]


def hard_lines(kind: str, count: int) -> list[str]:
    """Return lines of which hardly two look alike: a random word in each, or nothing else."""
    chance = random.Random(kind)

    def word() -> str:
        return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=8))

    if kind == "random words":
        return [f"event {word()} {word()} {word()} {word()} {word()}" for _ in range(count)]
    return [f"user {word()} logged in from host {word()}" for _ in range(count)]


def _filled(text: str, chance: random.Random) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: VALUES[found[1]](chance), text)


def _path(chance: random.Random) -> str:
    return "/" + "/".join(chance.choice(WORDS) for _ in range(chance.randint(1, 4)))


def _hex(chance: random.Random, digits: int) -> str:
    return f"{chance.getrandbits(4 * digits):0{digits}x}"


VALUES: dict[str, Callable[[random.Random], str]] = {
    "d": lambda c: str(c.randint(0, 99)),
    "n": lambda c: str(int(10 ** c.uniform(0, 6))),
    "big": lambda c: str(c.randint(-(2**62), 2**62)),
    "ms": lambda c: f"{c.expovariate(0.05):.2f}",
    "port": lambda c: str(c.randint(1024, 65535)),
    "status": lambda c: c.choice(["200", "201", "404", "500"]),
    "ip": lambda c: ".".join(str(c.randint(1, 254)) for _ in range(4)),
    "name": lambda c: c.choice(WORDS),
    "host": lambda c: f"{c.choice(WORDS)}.{c.choice(WORDS)}.example.com",
    "path": _path,
    "uuid": lambda c: "-".join(_hex(c, n) for n in (8, 4, 4, 4, 12)),
    "time": lambda c: f"2026-01-{c.randint(10, 28)}T{c.randint(10, 23)}:{c.randint(10, 59)}:07Z",
}
