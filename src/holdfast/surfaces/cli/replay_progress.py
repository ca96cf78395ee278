"""Progress of long replays, on standard error, where a person looks at it."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from holdfast.slo.replay.reading import Progress as StepProgress
from holdfast.slo.replay.rule_replay import RuleProgress


class Working:
    """Shows what is under way. Silent where standard error is no terminal."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        self._progress = Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        )

    def __enter__(self) -> Working:
        self._progress.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def steps(self, name: str) -> StepProgress:
        """Return what is told of the steps of a history."""
        task = self._progress.add_task(f"reading {name}", total=None)

        def told(done: int, of: int) -> None:
            self._update(task, f"reading {name}", done, of)

        return told

    def rules(self, name: str) -> RuleProgress:
        """Return what is told of the rules of a file."""
        task = self._progress.add_task(f"replaying {name}", total=None)

        def told(rule: str, done: int, of: int) -> None:
            self._update(task, f"replaying {name}: {rule}", done, of)

        return told

    def work(self, what: str) -> StepProgress:
        """Return what is told of any work in parts."""
        task = self._progress.add_task(what, total=None)

        def told(done: int, of: int) -> None:
            self._update(task, what, done, of)

        return told

    def _update(self, task: TaskID, text: str, done: int, of: int) -> None:
        self._progress.update(task, description=text, completed=done, total=of)
