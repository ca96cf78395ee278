"""What is being done, where a person watches: one line that is written over, else now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TextIO

_LINE_EVERY_SECONDS = 10.0


@contextmanager
def progress_on(stream: TextIO) -> Generator[Callable[[str], None]]:
    """Give a function that tells what is done next; on a terminal the line is gone at the end."""
    if not stream.isatty():
        yield _now_and_then(stream)
        return
    from rich.console import Console
    from rich.text import Text

    with Console(file=stream).status("") as status:
        yield lambda what: status.update(Text(what))


def _now_and_then(stream: TextIO) -> Callable[[str], None]:
    told = time.monotonic()

    def tell(what: str) -> None:
        nonlocal told
        if time.monotonic() - told >= _LINE_EVERY_SECONDS:
            told = time.monotonic()
            print(what, file=stream, flush=True)

    return tell
