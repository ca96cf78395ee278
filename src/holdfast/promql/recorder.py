"""Scrapes targets at each interval into the embedded store, marking what ends as stale.

python -m holdfast.promql.recorder --targets FILE --folder FOLDER --interval-seconds 1
"""

from __future__ import annotations

import argparse
import logging
import math
import signal
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from types import TracebackType

from holdfast.errors import HoldfastError
from holdfast.promql.scrape import ScrapeAnswer, scrape, scrape_client
from holdfast.promql.store_writer import SampleWriter
from holdfast.promql.target_record import TargetRecord, end_series
from holdfast.promql.targets import Target, TargetsFile

_log = logging.getLogger(__name__)

DEFAULT_RETENTION_SECONDS = 2 * 3600.0
"""What a reader holds in memory: 190 MB for 8 targets of 200 series at one scrape a second."""

_PRUNE_EVERY_MS = 60_000
_CONNECTIONS = 32
_REMEMBER_INTERVALS = 300
"""How many intervals after its last scrape a target of an earlier run is still ended properly."""


class Recorder:
    """Records until it is told to stop: `run` blocks, `start` and `stop` use a thread."""

    def __init__(
        self,
        targets_file: Path,
        folder: Path,
        interval_seconds: float = 1.0,
        *,
        timeout_seconds: float | None = None,
        retention_seconds: float = DEFAULT_RETENTION_SECONDS,
    ) -> None:
        """Raises ConfigError for the targets, InputError where another process records there."""
        self.interval_seconds = interval_seconds
        longest = interval_seconds * 0.9
        self.timeout_seconds = min(timeout_seconds or 10.0, longest)
        self._targets = TargetsFile(targets_file)
        self._writer = SampleWriter(
            folder, interval_seconds=interval_seconds, retention_seconds=retention_seconds
        )
        now_ms = time.time_ns() // 1_000_000
        since_ms = now_ms - int(_REMEMBER_INTERVALS * interval_seconds * 1000)
        self._of_before = {
            key: {int(i) for i in ids} for key, ids in self._writer.live_series(since_ms).items()
        }
        self._records: dict[str, TargetRecord] = {}
        self._pruned_ms = now_ms
        self._client = scrape_client(_CONNECTIONS, keepalive_seconds=2 * interval_seconds + 5)
        self._pool = ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="scrape")
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: Exception | None = None

    def run(self) -> None:
        """Scrape at each multiple of the interval; one that was missed is left out."""
        while True:
            now = time.time()
            due = math.floor(now / self.interval_seconds + 1) * self.interval_seconds
            if self._stop.wait(due - now):
                return
            self.scrape_once(round(due * 1000))

    def scrape_once(self, due_ms: int) -> None:
        """Scrape all targets at the same time; each is kept as soon as it has answered."""
        targets = self._targets.current()
        self._end_removed({target.key for target in targets}, due_ms)
        asked: list[Future[ScrapeAnswer]] = [
            self._pool.submit(scrape, self._client, target, self.timeout_seconds, due_ms)
            for target in targets
        ]
        for done in as_completed(asked):
            answer = done.result()
            self._record_of(answer.target).keep(answer)
        self._prune(due_ms)

    def start(self) -> Recorder:
        """Record in a thread."""
        self._thread = threading.Thread(target=self._run_keeping_failure, name="recorder")
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop recording and release the folder. Raises what ended the thread, if anything did."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._pool.shutdown()
        self._client.close()
        self._writer.close()
        if self._failure is not None:
            raise self._failure

    def ask_to_stop(self) -> None:
        """Make `run` return after the scrape that is under way."""
        self._stop.set()

    def __enter__(self) -> Recorder:
        return self.start()

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _run_keeping_failure(self) -> None:
        try:
            self.run()
        except Exception as error:  # noqa: BLE001 - `stop` raises it again
            _log.exception("the recorder stopped")
            self._failure = error

    def _record_of(self, target: Target) -> TargetRecord:
        if target.key not in self._records:
            live = self._of_before.pop(target.key, set())
            self._records[target.key] = TargetRecord(target, self._writer, live)
        return self._records[target.key]

    def _end_removed(self, keys: set[str], now_ms: int) -> None:
        for key in self._records.keys() - keys:
            self._records.pop(key).end(now_ms)
        for key in self._of_before.keys() - keys:
            end_series(self._writer, key, self._of_before.pop(key), now_ms)

    def _prune(self, now_ms: int) -> None:
        if now_ms - self._pruned_ms < _PRUNE_EVERY_MS:
            return
        self._pruned_ms = now_ms
        if self._writer.prune(now_ms):
            for record in self._records.values():
                record.forget_ids()


def main(arguments: Sequence[str] | None = None) -> int:
    """Record until SIGTERM or SIGINT; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m holdfast.promql.recorder")
    parser.add_argument(
        "--targets", type=Path, required=True, help="a Prometheus file_sd JSON file"
    )
    parser.add_argument("--folder", type=Path, required=True, help="where the store is kept")
    parser.add_argument("--interval-seconds", type=float, default=1.0)
    parser.add_argument("--retention-seconds", type=float, default=DEFAULT_RETENTION_SECONDS)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        recorder = Recorder(
            given.targets,
            given.folder,
            given.interval_seconds,
            retention_seconds=given.retention_seconds,
        )
    except HoldfastError as error:
        print(error, file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: recorder.ask_to_stop())
    recorder.run()
    recorder.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
