"""A team's tool for configuration and flags, as a real program with a state file.

Run as a program: `settings_tool.py FOLDER current SERVICE` or `... set SERVICE KEY VALUE EXPECT
IDEMPOTENCY_KEY`. What it was asked to do is appended to `FOLDER/log`; a file `FOLDER/mood` says how
it behaves: `fails`, `hangs`, `does_then_fails`, `does_then_hangs`, `lies`, `babbles`,
`unreachable`. It imports nothing of Holdfast when run: it is to start fast.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.delivery.settings import CommandSettings
    from holdfast.model.config import DeployerSettings


def _main(folder: Path, verb: str, arguments: list[str]) -> int:
    mood = (folder / "mood").read_text() if (folder / "mood").exists() else ""
    state: dict[str, dict[str, str]] = json.loads((folder / "state.json").read_text())
    if verb == "current":
        if mood == "unreachable":
            print("token=hunter2secret is refused", file=sys.stderr)
            return 1
        print("all is set" if mood == "babbles" else json.dumps(state[arguments[0]]))
        return 0
    with (folder / "log").open("a") as log:
        log.write(json.dumps(arguments) + "\n")
    service, key, value, expect = arguments[:4]
    if mood == "fails" or state[service].get(key) != expect:
        print("another value is in force", file=sys.stderr)
        return 3
    if mood == "hangs":
        time.sleep(600)
    if mood != "lies":
        state[service][key] = value
        (folder / "state.json").write_text(json.dumps(state))
    if mood == "does_then_hangs":
        time.sleep(600)
    return 4 if mood == "does_then_fails" else 0


class SettingsTool:
    """The tool's folder, seen from a test."""

    def __init__(self, folder: Path, state: dict[str, dict[str, str]]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.set_state(state)
        (folder / "log").write_text("")

    def configured(self, **changes: object) -> DeployerSettings:
        """Return what a team with this tool would write."""
        from holdfast.model.config import DeployerSettings

        words = ("{service}", "{key}", "{value}", "{expect_value}", "{idempotency_key}")
        fields: dict[str, object] = {
            "name": "team",
            "kind": "command",
            "settings_current": self._argv("current", "{service}"),
            "settings_set": self._argv("set", *words),
        }
        return DeployerSettings.model_validate(fields | changes)

    def settings(self, *, marks: Path | None = None) -> CommandSettings:
        """Return the seam's implementation over this tool."""
        from holdfast.delivery.settings import CommandSettings

        return CommandSettings(self.configured(), working_folder=self.folder, marks=marks)

    def set_state(self, state: dict[str, dict[str, str]]) -> None:
        """Put the world into a state: service → key → value."""
        (self.folder / "state.json").write_text(json.dumps(state))

    def set_mood(self, mood: str) -> None:
        """Say how the tool behaves from now on."""
        (self.folder / "mood").write_text(mood)

    def state(self) -> dict[str, dict[str, str]]:
        """Return what is set."""
        return json.loads((self.folder / "state.json").read_text())

    def log(self) -> list[list[str]]:
        """Return every write that was asked for, with its arguments."""
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]

    def _argv(self, verb: str, *arguments: str) -> tuple[str, ...]:
        return (sys.executable, __file__, str(self.folder), verb, *arguments)


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
