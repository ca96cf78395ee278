"""A team's deploy tool, as a real program with a state file, and a deployer that calls it.

Run as a program: `team_tool.py FOLDER current|endpoints|deploy|rollback|weights ARGUMENT...`. What
it was asked to do is appended to `FOLDER/log`; a file `FOLDER/mood` says how it behaves: `fails` or
`hangs` (before doing it), `does_then_fails`, `does_then_hangs`, `lies` (does nothing, ends well),
`babbles` or `unreachable` (for `current`), `moving` (a deployment is under way).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path


def _main(folder: Path, verb: str, arguments: list[str]) -> int:
    mood = (folder / "mood").read_text() if (folder / "mood").exists() else ""
    states: dict[str, dict[str, float]] = json.loads((folder / "state.json").read_text())
    if verb == "current":
        return _current(mood, states, arguments[0])
    if verb == "endpoints":
        print(json.dumps(dict.fromkeys(states[arguments[0]], "http://127.0.0.1:9")))
        return 0
    with (folder / "log").open("a") as log:
        log.write(json.dumps([verb, *arguments]) + "\n")
    if mood == "fails":
        print("line of no interest\npassword=hunter2secret\nquota exceeded", file=sys.stderr)
        return 3
    if mood == "hangs":
        _hang(folder)
    if mood != "lies":
        states[arguments[0]] = _wanted(verb, arguments)
        (folder / "state.json").write_text(json.dumps(states))
    if mood == "does_then_hangs":
        _hang(folder)
    return 4 if mood == "does_then_fails" else 0


def _current(mood: str, states: dict[str, dict[str, float]], service: str) -> int:
    if mood == "babbles":
        print("everything is fine")
    elif mood == "unreachable":
        print("connection refused", file=sys.stderr)
        return 1
    else:
        print(json.dumps({"weights": states[service], "in_progress": mood == "moving"}))
    return 0


def _wanted(verb: str, arguments: list[str]) -> dict[str, float]:
    if verb != "weights":
        return {arguments[1]: 100.0}
    pairs = [pair.split("=") for pair in arguments[1].split(",")]
    return {version: float(percent) for version, percent in pairs}


def _hang(folder: Path) -> None:
    """Hang with a child of our own, which must not outlive us either."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (folder / "pids").write_text(json.dumps([os.getpid(), child.pid]))
    time.sleep(600)


class TeamTool:
    """The tool's folder, seen from a test."""

    def __init__(self, folder: Path, states: dict[str, dict[str, float]]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.set_states(states)
        (folder / "log").write_text("")

    def argv(self, verb: str, *arguments: str) -> tuple[str, ...]:
        """Return the argv template of one of the tool's verbs."""
        return (sys.executable, __file__, str(self.folder), verb, *arguments)

    def set_states(self, states: dict[str, dict[str, float]]) -> None:
        """Put the world into a state: service → version → percent."""
        (self.folder / "state.json").write_text(json.dumps(states))

    def set_mood(self, mood: str) -> None:
        """Say how the tool behaves from now on."""
        (self.folder / "mood").write_text(mood)

    def states(self) -> dict[str, dict[str, float]]:
        """Return what serves."""
        return json.loads((self.folder / "state.json").read_text())

    def log(self) -> list[list[str]]:
        """Return every write that was asked for, with its arguments."""
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]

    def hung_pids(self) -> list[int]:
        """Return the process that hung, and its child."""
        return json.loads((self.folder / "pids").read_text())


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
